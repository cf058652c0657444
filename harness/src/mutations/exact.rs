//! Whether any request is decided otherwise with a weaker document than with the
//! original: decided for all requests (`ringfence-prove`), of every identity that
//! the document decides for, by all layers together, both ways. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ringfence_guard::recording::ThroughEndpoint;
use ringfence_guard::{Attached, Inputs, Overlay};
use ringfence_policy::{DocumentError, Kind, Policies, Principal};
use ringfence_prove::jsonl::Shown;
use ringfence_prove::{Disagreement, Question, Universe, Verdict, Witness, within};

use super::observations::Observations;
use super::possible::{About, Possible, Spoken};

/// What a role's own policy decides about.
const ASSUMING: [&str; 4] =
    ["sts:AssumeRole*", "sts:TagSession", "sts:SetSourceIdentity", "sts:SetContext"];

/// Who asked during the run, and the policies of what was asked about.
#[derive(Debug)]
pub struct Estate {
    possible: Possible,
    identities: Vec<Arc<Inputs>>,
    /// The policies of resources by their ids, each with what it is of.
    resources: BTreeMap<Arc<str>, Guarded>,
}

/// A resource with its policy.
#[derive(Debug)]
struct Guarded {
    arn: String,
    policy: Attached,
}

/// Why a question could not be asked, each a fault of ours.
#[derive(Debug, thiserror::Error)]
pub enum CannotCompare {
    /// A name that cannot stand in a policy.
    #[error("what requests there are cannot be put as a policy: {0}")]
    Document(#[from] DocumentError),
    /// Prover and engine differ.
    #[error(transparent)]
    Disagreement(#[from] Disagreement),
}

/// What a comparison showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Compared {
    /// This request is decided otherwise.
    Differs(String),
    /// The procedure does not decide it: by whom, and why.
    Undecided(String),
    /// No request is.
    Same {
        /// How many identities the document decides for; of a resource's policy
        /// anybody is one.
        identities: usize,
        /// How many questions were asked.
        questions: usize,
    },
}

/// A question: who asks, and what decides before and after.
struct Case {
    who: String,
    principal: Option<Principal>,
    before: Policies,
    after: Policies,
    universe: Universe,
}

/// What is changed in a document.
struct Change<'c> {
    spoken: &'c Spoken,
    overlay: &'c Overlay,
}

impl Estate {
    /// The identities and resources of a run.
    pub fn of(observations: &Observations, possible: Possible) -> Self {
        let mut identities: BTreeMap<String, Arc<Inputs>> = BTreeMap::new();
        let mut resources = BTreeMap::new();
        for inputs in observations.all().iter().map(|observation| &observation.inputs) {
            identities.entry(identity(inputs)).or_insert_with(|| Arc::clone(inputs));
            for asked in &inputs.asked {
                let Some(policy) = &asked.resource_policy else { continue };
                // The trust policy's id has the role's name, what is asked about its ARN.
                let arn = policy.id.strip_prefix("resource/").unwrap_or(&asked.resource);
                resources
                    .entry(Arc::clone(&policy.id))
                    .or_insert_with(|| Guarded { arn: arn.to_owned(), policy: policy.clone() });
            }
        }
        Self { possible, identities: identities.into_values().collect(), resources }
    }

    /// Compares an overlay of one document with the original.
    ///
    /// # Errors
    /// Where a question cannot be asked.
    pub fn compare(
        &self,
        document: &str,
        kind: Kind,
        spoken: &Spoken,
        overlay: &Overlay,
    ) -> Result<Compared, CannotCompare> {
        let mut questions = 0;
        let mut identities = BTreeSet::new();
        let mut undecided = None;
        for case in self.cases(document, kind, &Change { spoken, overlay })? {
            identities.insert(case.who.clone());
            for (inner, outer, change) in [
                (&case.after, &case.before, "refused before, allowed with it"),
                (&case.before, &case.after, "allowed before, refused with it"),
            ] {
                questions += 1;
                let question = Question {
                    inner,
                    outer,
                    principal: case.principal.as_ref(),
                    universe: case.universe,
                };
                match within(&question)? {
                    Verdict::Proved => {}
                    Verdict::Violated(witness) => {
                        return Ok(Compared::Differs(told(&case.who, &witness, change)));
                    }
                    Verdict::Undecided(reason) => {
                        undecided.get_or_insert(format!("requests of {}: {reason}", case.who));
                    }
                }
            }
        }
        Ok(match undecided {
            Some(reason) => Compared::Undecided(reason),
            None => Compared::Same { identities: identities.len(), questions },
        })
    }

    /// All that must be asked of a document.
    fn cases(
        &self,
        document: &str,
        kind: Kind,
        change: &Change<'_>,
    ) -> Result<Vec<Case>, CannotCompare> {
        let mut cases = Vec::new();
        if matches!(kind, Kind::Trust | Kind::Resource) {
            // Nobody asked about it in the run: then nobody's requests are compared.
            let Some(guarded) = self.resources.get(document) else { return Ok(cases) };
            self.anybody(guarded, change, &mut cases)?;
            let exchange = change.spoken.is_exchange();
            let may_ask =
                |inputs: &&Arc<Inputs>| !exchange && has_own_policies(&inputs.caller.principal);
            for inputs in self.identities.iter().filter(may_ask) {
                self.of_identity(inputs, Some(guarded), change, &mut cases)?;
            }
            return Ok(cases);
        }
        let is_of = |attached: &Attached| *attached.id == *document || *attached.slot == *document;
        for inputs in self.identities.iter().filter(|inputs| inputs.documents().any(is_of)) {
            self.of_identity(inputs, None, change, &mut cases)?;
            for guarded in self.resources.values().filter(|one| change.spoken.is_about(&one.arn)) {
                self.of_identity(inputs, Some(guarded), change, &mut cases)?;
            }
        }
        Ok(cases)
    }

    /// Anybody without policies of their own that are known (services, other
    /// accounts), and whoever has a token.
    fn anybody(
        &self,
        guarded: &Guarded,
        change: &Change<'_>,
        cases: &mut Vec<Case>,
    ) -> Result<(), CannotCompare> {
        let mut callers = vec![("anybody".to_owned(), None)];
        if guarded.policy.document.kind() == Kind::Trust {
            let tokens = self.possible.providers().iter().map(|provider| {
                let principal = Principal::WebIdentity { provider_arn: provider.clone() };
                (format!("a token of {provider}"), Some(principal))
            });
            callers.extend(tokens);
        }
        // Who has no token exchanges none.
        callers.retain(|(_, principal)| principal.is_some() || !change.spoken.is_exchange());
        for (who, principal) in callers {
            let mut about = guarded.about();
            about.exchange(principal.is_some());
            let limit = self.possible.limit(None, &about, change.spoken)?;
            let policies = |overlay: &Overlay| Policies {
                vpc_endpoint: Some(Arc::clone(&limit)),
                resource: overlay.of(&guarded.policy),
                ..Policies::default()
            };
            cases.push(Case {
                who,
                principal,
                before: policies(&Overlay::none()),
                after: policies(change.overlay),
                universe: guarded.universe(),
            });
        }
        Ok(())
    }

    /// An identity, with its requests through each of its endpoints and past them.
    fn of_identity(
        &self,
        inputs: &Inputs,
        guarded: Option<&Guarded>,
        change: &Change<'_>,
        cases: &mut Vec<Case>,
    ) -> Result<(), CannotCompare> {
        let mut about = match guarded {
            Some(guarded) => guarded.about(),
            None => self.unguarded(),
        };
        about.exchange(matches!(inputs.caller.principal, Principal::WebIdentity { .. }));
        let mut add = |endpoint: Option<&ThroughEndpoint>, about: &About| {
            let policies = |overlay: &Overlay| {
                let own = endpoint.and_then(|endpoint| overlay.of(&endpoint.policy));
                let limit = self.possible.limit(own.as_deref(), about, change.spoken)?;
                let policies = inputs.policies_with(guarded.map(|it| &it.policy), overlay);
                Ok::<_, CannotCompare>(Policies { vpc_endpoint: Some(limit), ..policies })
            };
            cases.push(Case {
                who: identity(inputs),
                principal: Some(inputs.caller.principal.clone()),
                before: policies(&Overlay::none())?,
                after: policies(change.overlay)?,
                universe: guarded.map_or(Universe::Catalogue, Guarded::universe),
            });
            Ok::<_, CannotCompare>(())
        };
        let mut through = Vec::new();
        let is_spoken_of =
            |endpoint: &&ThroughEndpoint| endpoint.services.iter().any(|it| change.spoken.has(it));
        for endpoint in inputs.caller.vpc_endpoints.iter().filter(is_spoken_of) {
            let services: Vec<String> =
                endpoint.services.iter().map(|service| format!("{service}:*")).collect();
            let mut about = about.clone();
            about.only_actions(&services);
            add(Some(endpoint), &about)?;
            through.extend(services);
        }
        if !through.is_empty() {
            about.not_actions(&through);
        }
        add(None, &about)
    }

    /// What no policy of a resource decides about.
    fn unguarded(&self) -> About {
        let mut about = About::default();
        let all =
            self.resources.values().filter(|one| one.policy.document.kind() == Kind::Resource);
        about.not_resources(&all.flat_map(|one| one.arns()).collect::<Vec<_>>());
        // A role always has a policy of its own.
        about.not_actions(&ASSUMING.map(str::to_owned));
        about
    }
}

impl Guarded {
    /// What it is of, and what is in it.
    fn arns(&self) -> Vec<String> {
        ["", "/*", ":*"].iter().map(|end| format!("{}{end}", self.arn)).collect()
    }

    /// The requests that its policy decides about.
    fn about(&self) -> About {
        let mut about = About::default();
        if self.policy.document.kind() == Kind::Trust {
            about.only_actions(&ASSUMING.map(str::to_owned));
            about.only_resources(std::slice::from_ref(&self.arn));
        } else {
            about.only_resources(&self.arns());
        }
        about
    }

    /// The reference does not have the keys that tokens bring.
    fn universe(&self) -> Universe {
        match self.policy.document.kind() {
            Kind::Trust => Universe::All,
            _ => Universe::Catalogue,
        }
    }
}

/// Whether what decides is more than the resource's own policy.
fn has_own_policies(principal: &Principal) -> bool {
    !matches!(
        principal,
        Principal::WebIdentity { .. } | Principal::Service { .. } | Principal::Anonymous
    )
}

/// Who asks: a role whatever the session, unless the session is limited.
fn identity(inputs: &Inputs) -> String {
    let mut who = match &inputs.caller.principal {
        Principal::RoleSession { role_arn, .. } => role_arn.clone(),
        Principal::User { arn } | Principal::FederatedUser { arn, .. } => arn.clone(),
        Principal::WebIdentity { provider_arn } => format!("a token of {provider_arn}"),
        Principal::Service { name } => name.clone(),
        Principal::Root { account_id } => format!("root of {account_id}"),
        Principal::Anonymous => "an unsigned caller".to_owned(),
    };
    let limited = inputs.caller.session.iter().flatten().map(|one| &one.id);
    let endpoints = inputs.caller.vpc_endpoints.iter().map(|one| &one.policy.id);
    for id in limited.chain(endpoints) {
        who.push_str(" by ");
        who.push_str(id);
    }
    who
}

/// The request, and how its end differs.
fn told(who: &str, witness: &Witness, change: &str) -> String {
    let shown = Shown::of(witness);
    let context = serde_json::to_string(&shown.context).unwrap_or_default();
    let with = if context == "{}" { String::new() } else { format!(" with {context}") };
    let who = if who == "anybody" { shown.principal.as_str() } else { who };
    format!("{} on {} by {who}{with}: {change}", shown.action, shown.resource)
}

#[cfg(test)]
mod tests {
    use ringfence_guard::recording::{Asked, BoundCaller, ResourceControl, trust_id};
    use ringfence_guard::requirements::Needed;
    use ringfence_policy::{Context, Document};
    use serde_json::{Value, json};

    use super::super::observations::{Notices, Observation};
    use super::super::possible::Account;
    use super::*;

    const ACCOUNT: &str = "123456789012";
    const ROLE: &str = "arn:aws:iam::123456789012:role/deployer";
    const HOST: &str = "token.example.org";

    fn document(kind: Kind, statement: &Value) -> Arc<Document> {
        let text = json!({"Version": "2012-10-17", "Statement": [statement]}).to_string();
        Arc::new(Document::parse("d", &text, kind).unwrap())
    }

    fn attached(id: &str, document: Arc<Document>) -> Attached {
        Attached { slot: id.into(), id: id.into(), document }
    }

    /// One request of the run, by a role that has this identity policy.
    fn estate(identity: &Value, resource: Option<Attached>, audiences: &[&str]) -> Estate {
        let inputs = Inputs {
            caller: Arc::new(BoundCaller {
                principal: Principal::RoleSession {
                    role_arn: ROLE.into(),
                    session_arn: format!("arn:aws:sts::{ACCOUNT}:assumed-role/deployer/s"),
                },
                owner: Some("role/deployer".into()),
                vpc_endpoints: Vec::new(),
                resource_control: ResourceControl::default(),
                service_control: Vec::new(),
                identity: vec![attached("own", document(Kind::Identity, identity))],
                boundary: None,
                session: None,
            }),
            asked: vec![Asked {
                action: "iam:GetRole".into(),
                resource: ROLE.into(),
                context: Arc::new(Context::new()),
                resource_policy: resource,
                needed: Needed::Surely,
            }],
        };
        let mut observations = Observations::default();
        observations.add(Observation::new(Vec::new(), Notices::Reason, Arc::new(inputs)));
        let audiences = audiences.iter().map(|one| (*one).to_owned()).collect();
        let providers = BTreeMap::from([(HOST.to_owned(), audiences)]);
        let subnets = ["subnet-1".to_owned()];
        let network = Some(("vpc-1", subnets.as_slice()));
        let account = Account { id: ACCOUNT, providers: &providers, network };
        Estate::of(&observations, Possible::of(&account))
    }

    fn identity(before: &Value, after: &Value) -> Compared {
        let overlay = Overlay::none().replace("own", document(Kind::Identity, after));
        let spoken = Spoken::of(&[before.clone(), after.clone()]);
        estate(before, None, &["sts.amazonaws.com"])
            .compare("own", Kind::Identity, &spoken, &overlay)
            .unwrap()
    }

    fn trust(audiences: &[&str], condition: &Value) -> Compared {
        let statement = |condition: &Value| {
            json!({"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
                "Principal": {"Federated": format!("arn:aws:iam::{ACCOUNT}:oidc-provider/{HOST}")},
                "Condition": condition})
        };
        let before = statement(&json!({"StringEquals": {
            format!("{HOST}:aud"): "sts.amazonaws.com", format!("{HOST}:sub"): "repo:o/r:ref",
        }}));
        let after = statement(condition);
        let id = trust_id("deployer");
        let own = attached(&id, document(Kind::Trust, &before));
        let nothing = json!({"Effect": "Deny", "Action": "*", "Resource": "*"});
        let overlay = Overlay::none().replace(&id, document(Kind::Trust, &after));
        let spoken = Spoken::of(&[before, after]);
        estate(&nothing, Some(own), audiences).compare(&id, Kind::Trust, &spoken, &overlay).unwrap()
    }

    #[test]
    fn a_token_for_another_audience_is_none_that_the_provider_takes() {
        let subject = json!({"StringEquals": {format!("{HOST}:sub"): "repo:o/r:ref"}});
        let one = trust(&["sts.amazonaws.com"], &subject);
        assert_eq!(one, Compared::Same { identities: 1, questions: 2 });
        let two = trust(&["https://other", "sts.amazonaws.com"], &subject);
        let Compared::Differs(request) = two else { panic!("{two:?}") };
        assert!(request.contains(r#""token.example.org:aud":"https://other""#), "{request}");
        // Whoever the token is of, the subject is tested.
        let audience = json!({"StringEquals": {format!("{HOST}:aud"): "sts.amazonaws.com"}});
        let any = trust(&["sts.amazonaws.com"], &audience);
        assert!(matches!(any, Compared::Differs(_)), "{any:?}");
    }

    #[test]
    fn a_key_that_every_request_has_is_never_absent() {
        let pass = |operator: &str, key: &str| {
            json!({"Effect": "Allow", "Action": "iam:PassRole", "Resource": "*",
                "Condition": {operator: {key: "lambda.amazonaws.com"}}})
        };
        let key = "iam:PassedToService";
        let same = Compared::Same { identities: 1, questions: 2 };
        let before = pass("StringEquals", key);
        assert_eq!(identity(&before, &pass("StringEqualsIfExists", key)), same);
        assert_eq!(identity(&before, &pass("ForAllValues:StringEquals", key)), same);
        let key = "iam:AssociatedResourceArn";
        let before = pass("StringEquals", key);
        assert_eq!(
            identity(&before, &pass("StringEqualsIfExists", key)),
            Compared::Differs(
                "iam:PassRole on arn:aws:iam::123456789012:role/x by arn:aws:iam::123456789012:\
                 role/deployer with {\"aws:requestedregion\":\"x\",\"aws:securetransport\":\
                 \"true\",\"iam:passedtoservice\":\"x\"}: refused before, allowed with it"
                    .to_owned()
            )
        );
    }

    #[test]
    fn a_subnet_has_one_vpc() {
        let create = |vpc: &str| {
            json!({"Effect": "Allow", "Action": "lambda:CreateFunction", "Resource": "*",
            "Condition": {
                "StringLike": {"lambda:VpcIds": vpc},
                "ForAllValues:StringEquals": {"lambda:SubnetIds": "subnet-1"},
            }})
        };
        let same = Compared::Same { identities: 1, questions: 2 };
        assert_eq!(identity(&create("vpc-1"), &create("*")), same);
        assert!(matches!(identity(&create("vpc-2"), &create("*")), Compared::Differs(_)));
    }

    #[test]
    fn a_verb_is_asked_of_paths_that_have_it() {
        let delete = |resource: &str| {
            json!({"Effect": "Allow", "Action": "apigateway:DELETE",
                "Resource": format!("arn:aws:apigateway:us-east-1::/apis/a/{resource}")})
        };
        let same = Compared::Same { identities: 1, questions: 2 };
        assert_eq!(identity(&delete("routes/*"), &delete("routes*")), same);
        assert!(matches!(identity(&delete("routes/*"), &delete("*")), Compared::Differs(_)));
    }

    #[test]
    fn what_the_prover_does_not_decide_is_not_the_same() {
        let read = |condition: Value| {
            json!({"Effect": "Allow", "Action": "s3:GetObject", "Condition": condition,
                "Resource": "arn:aws:s3:::b/${aws:ResourceTag/a}/${aws:ResourceTag/a}"})
        };
        let has_tag = read(json!({"StringLike": {"aws:ResourceTag/a": "*"}}));
        let undecided = identity(&has_tag, &read(json!({})));
        let Compared::Undecided(reason) = &undecided else { panic!("{undecided:?}") };
        assert_eq!(
            reason,
            "requests of arn:aws:iam::123456789012:role/deployer: the variable \
             `${aws:resourcetag/a}` is used twice in one statement"
        );
    }
}
