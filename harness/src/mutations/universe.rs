//! The universe in which a weakened document is compared with the original:
//! every permission that anybody asked for during the run; every other action
//! of the catalogue on every resource of its types that was met; and requests
//! that are made for the statement in question, before and after, around its
//! patterns and conditions. Each for every identity that the document decides
//! for. Pure.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;
use std::sync::Arc;

use ringfence_guard::recording::{Asked, Verdict};
use ringfence_guard::{Inputs, Overlay};
use ringfence_policy::catalog::Arns as _;
use ringfence_policy::{Context, Kind, Layer, Principal, catalog};

use serde_json::Value;

use super::observations::Observations;
use super::witness;

/// Condition keys of the principal, which go with it; the others go with what
/// is asked.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html>
const OF_THE_PRINCIPAL: [&str; 8] = [
    "aws:principal",
    "aws:userid",
    "aws:username",
    "aws:federatedprovider",
    "aws:tokenissuetime",
    "aws:sourceidentity",
    "aws:multifactorauth",
    "aws:assumedroot",
];

/// Condition keys of the moment, of which no policy document under test speaks
/// by itself: requests that differ in nothing else are the same.
const OF_THE_MOMENT: [&str; 3] = ["aws:currenttime", "aws:epochtime", "aws:useragent"];

/// Everything that can be asked, and by whom.
#[derive(Debug)]
pub struct Universe {
    asked: Vec<Asked>,
    /// One request of each identity.
    identities: Vec<Arc<Inputs>>,
}

/// What comparing in the universe showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Compared {
    /// Some request is decided otherwise: an action, a resource and who asks.
    Differs {
        /// For a person.
        example: String,
    },
    /// None is.
    Same {
        /// How many requests were compared.
        requests: usize,
        /// How many identities the document decides for.
        identities: usize,
        /// How many of the requests another layer or statement decides, to the
        /// same end: by layer.
        decided_elsewhere: BTreeMap<&'static str, usize>,
    },
}

impl Universe {
    /// The universe of a run.
    pub fn of(observations: &Observations) -> Self {
        let mut asked = Vec::new();
        let mut seen = BTreeSet::new();
        let mut identities: BTreeMap<String, Arc<Inputs>> = BTreeMap::new();
        for observation in observations.all() {
            let inputs = &observation.inputs;
            identities.entry(identity(inputs)).or_insert_with(|| Arc::clone(inputs));
            for one in &inputs.asked {
                if seen.insert(fingerprint(one)) {
                    asked.push(one.clone());
                }
            }
        }
        asked.extend(catalogued(&asked));
        Self { asked, identities: identities.into_values().collect() }
    }

    /// How many permissions are asked for.
    pub fn questions(&self) -> usize {
        self.asked.len()
    }

    /// Requests for the versions of a statement.
    pub fn witnesses(&self, versions: &[Value]) -> Vec<Asked> {
        witness::requests(versions, &self.asked)
    }

    /// Compares an overlay of one document with the original, in the universe
    /// and for some requests more.
    pub fn compare(
        &self,
        document: &str,
        kind: Kind,
        witnesses: Vec<Asked>,
        overlay: &Overlay,
    ) -> Compared {
        let (mut requests, mut identities) = (0, 0);
        let mut decided_elsewhere = BTreeMap::new();
        for inputs in self.decided_by(document, kind, &witnesses) {
            identities += 1;
            requests += inputs.asked.len();
            let before = inputs.verdict_of_each(&Overlay::none());
            let after = inputs.verdict_of_each(overlay);
            for (asked, (before, after)) in inputs.asked.iter().zip(before.iter().zip(&after)) {
                // What is undecided is not shown to be the same.
                let undecided = before.undecided() || after.undecided();
                if before.allowed() != after.allowed() || undecided {
                    return Compared::Differs { example: told(&inputs, asked, before, after) };
                }
                if before != after {
                    *decided_elsewhere.entry(after.layer.as_str()).or_default() += 1;
                }
            }
        }
        Compared::Same { requests, identities, decided_elsewhere }
    }

    /// For each identity that a document decides for, everything that it can
    /// ask.
    fn decided_by(&self, document: &str, kind: Kind, witnesses: &[Asked]) -> Vec<Inputs> {
        let all = || self.asked.iter().chain(witnesses);
        match kind {
            Kind::Trust => {
                let Some(own) = self.guarded_by(document) else { return Vec::new() };
                // Whoever assumed some role, as if it had been this one.
                let here: Vec<Asked> = all()
                    .filter(|asked| asked.action.starts_with("sts:AssumeRole"))
                    .map(|asked| Asked {
                        action: asked.action.clone(),
                        context: Arc::clone(&asked.context),
                        ..own.clone()
                    })
                    .collect();
                self.identities.iter().map(|inputs| asking(inputs, here.iter())).collect()
            }
            Kind::Resource => {
                let Some(own) = self.guarded_by(document) else { return Vec::new() };
                let policy = &own.resource_policy;
                let about = all().filter(|asked| has_policy(asked, document));
                let more = witnesses.iter().map(|asked| Asked {
                    resource_policy: policy.clone(),
                    resource: match asked.resource.as_str() {
                        "*" => own.resource.clone(),
                        resource => resource.to_owned(),
                    },
                    ..asked.clone()
                });
                let here: Vec<Asked> = about.cloned().chain(more).collect();
                self.identities.iter().map(|inputs| asking(inputs, here.iter())).collect()
            }
            _ => self
                .identities
                .iter()
                .filter(|inputs| {
                    inputs
                        .documents()
                        .any(|attached| *attached.id == *document || *attached.slot == *document)
                })
                .map(|inputs| asking(inputs, all()))
                .collect(),
        }
    }

    /// Some request that a resource's own policy decided.
    fn guarded_by(&self, document: &str) -> Option<&Asked> {
        self.asked.iter().find(|asked| has_policy(asked, document))
    }
}

fn has_policy(asked: &Asked, document: &str) -> bool {
    asked.resource_policy.as_ref().is_some_and(|policy| *policy.id == *document)
}

/// An identity that asks for all of this.
fn asking<'a>(identity: &Inputs, asked: impl Iterator<Item = &'a Asked>) -> Inputs {
    let none = Context::new();
    let own = identity.asked.first().map_or(&none, |asked| &asked.context);
    // Many requests share a context.
    let mut contexts: HashMap<*const Context, Arc<Context>> = HashMap::new();
    let asked = asked.filter(|asked| can_ask(&identity.principal, &asked.action)).map(|asked| {
        let context = contexts
            .entry(Arc::as_ptr(&asked.context))
            .or_insert_with(|| Arc::new(transplanted(&asked.context, own)));
        Asked { context: Arc::clone(context), ..asked.clone() }
    });
    Inputs { asked: asked.collect(), ..identity.clone() }
}

/// Tokens are exchanged by those who have one and no credentials, and by
/// nobody else.
fn can_ask(principal: &Principal, action: &str) -> bool {
    let exchange = action == "sts:AssumeRoleWithWebIdentity";
    exchange == matches!(principal, Principal::WebIdentity { .. })
}

/// The keys of what is asked with those of who asks.
fn transplanted(asked: &Context, own: &Context) -> Context {
    let mut context = only(asked, |key| !of_the_principal(key));
    context.extend(&only(own, of_the_principal));
    context
}

/// The keys of a kind.
fn only(context: &Context, kind: impl Fn(&str) -> bool) -> Context {
    let mut kept = context.clone();
    kept.retain(kind);
    kept
}

/// Contexts keep their keys in lower case.
fn of_the_principal(key: &str) -> bool {
    OF_THE_PRINCIPAL.iter().any(|prefix| key.starts_with(prefix))
}

/// The prefixes whose actions are tried though nobody asked for them: what the
/// guard decides, and what guard rails of such accounts speak of. All of AWS's
/// would make the universe four times as large, of calls that nobody makes here.
const TRIED: [&str; 21] = [
    "account",
    "apigateway",
    "cloudformation",
    "cloudwatch",
    "dynamodb",
    "ec2",
    "events",
    "execute-api",
    "iam",
    "kms",
    "lambda",
    "logs",
    "organizations",
    "s3",
    "secretsmanager",
    "sns",
    "sqs",
    "ssm",
    "states",
    "sts",
    "xray",
];

/// Every action of these prefixes that nobody asked for, on every resource of
/// its types that was met, without condition keys of its own. An action that
/// was asked for has keys that go with its resource (the boundary of a role,
/// the type of a route): it stands as it was asked.
fn catalogued(asked: &[Asked]) -> Vec<Asked> {
    let known: BTreeSet<&str> = asked.iter().map(|asked| asked.action.as_str()).collect();
    let mut met: BTreeMap<&str, Asked> = BTreeMap::new();
    for one in asked {
        met.entry(one.resource.as_str()).or_insert_with(|| Asked {
            context: Arc::new(only(&one.context, of_the_call)),
            ..one.clone()
        });
    }
    let mut all = Vec::new();
    for prefix in TRIED {
        let Some(service) = catalog::service(prefix) else { continue };
        // Which of the resources that were met are of which type.
        let of_type = |name: &str| -> Vec<&Asked> {
            let Some(kind) = service.resource_type(name) else { return Vec::new() };
            met.values().filter(|like| kind.matches(&like.resource)).collect()
        };
        let types: HashMap<&str, Vec<&Asked>> =
            service.resource_types().map(|kind| (kind.name, of_type(kind.name))).collect();
        for action in service.actions() {
            let name = format!("{prefix}:{}", action.name);
            if known.contains(name.as_str()) {
                continue;
            }
            if action.takes_only_everything() {
                let context = met.get("*").map(|like| Arc::clone(&like.context));
                all.push(Asked {
                    action: name,
                    resource: "*".to_owned(),
                    context: context.unwrap_or_default(),
                    resource_policy: None,
                });
                continue;
            }
            for kind in &action.resources {
                let met = types.get(kind.name).into_iter().flatten();
                all.extend(met.map(|like| Asked { action: name.clone(), ..Asked::clone(like) }));
            }
        }
    }
    all
}

/// Who asks, whatever the session.
fn identity(inputs: &Inputs) -> String {
    match &inputs.principal {
        Principal::RoleSession { role_arn, .. } => role_arn.clone(),
        other => format!("{other:?}"),
    }
}

/// The keys that any call has.
fn of_the_call(key: &str) -> bool {
    ["aws:requestedregion", "aws:securetransport", "aws:resourceaccount"].contains(&key)
}

/// What is asked, whoever asks and whenever.
fn fingerprint(asked: &Asked) -> String {
    let mut text = format!("{} {}", asked.action, asked.resource);
    let mut keys: Vec<&str> = asked
        .context
        .keys()
        .filter(|key| !of_the_principal(key) && !OF_THE_MOMENT.contains(key))
        .collect();
    keys.sort_unstable();
    for key in keys {
        // Writing to a text does not fail.
        let _ = write!(text, " {key}={:?}", asked.context.get(key));
    }
    if let Some(policy) = &asked.resource_policy {
        let _ = write!(text, " {}", policy.id);
    }
    text
}

fn told(inputs: &Inputs, asked: &Asked, before: &Verdict, after: &Verdict) -> String {
    let layer = |layer: Layer| layer.as_str();
    format!(
        "{} on {} by {}: {} ({}) becomes {} ({})",
        asked.action,
        asked.resource,
        inputs.owner.as_deref().unwrap_or("another principal"),
        before.outcome.as_str(),
        layer(before.layer),
        after.outcome.as_str(),
        layer(after.layer),
    )
}
