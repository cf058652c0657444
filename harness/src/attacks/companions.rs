//! What decided, as findings tell it, and the mutant: the same request decided
//! again without the guard rail.

use std::collections::BTreeMap;
use std::sync::Arc;

use ringfence_guard::requirements::Needed;
use ringfence_guard::{Attached, Inputs, Overlay};
use ringfence_policy::{Decision, Document, Kind, Layer, Outcome, Principal, json as policy_json};
use ringfence_wire::ServiceError;
use serde_json::{Value, json};

use super::finding::{Companion, Decider};

/// How many guard rails may have to go before an attack goes through.
const MOST: usize = 24;

/// Permission by permission, what decided.
pub fn deciders(inputs: &Inputs, decisions: &[Decision]) -> Vec<Decider> {
    let each = inputs.asked.iter().zip(decisions);
    each.map(|(asked, decision)| {
        let statement = decision.statements.first();
        let cited =
            statement.and_then(|statement| inputs.cited(statement.layer, &statement.policy));
        Decider {
            action: asked.action.clone(),
            resource: asked.resource.clone(),
            outcome: decision.outcome.as_str().to_owned(),
            layer: decision.layer.as_str().to_owned(),
            policy: statement.map(|statement| match cited {
                Some(attached) => attached.id.to_string(),
                None => statement.policy.clone(),
            }),
            sid: statement.and_then(|statement| statement.sid.clone()),
            index: statement.map(|statement| statement.index),
            text: statement.and_then(|statement| {
                cited?.document.statement_text(statement.index).map(str::to_owned)
            }),
            explanation: decision.explanation.clone(),
        }
    })
    .collect()
}

/// Takes away what refuses a request, one guard rail at a time, until it is
/// allowed: so the road is open but for these.
pub fn mutant(inputs: &Inputs) -> Companion {
    let mut without = Without { inputs, overlay: Overlay::none(), changed: BTreeMap::new() };
    let mut gone: Vec<String> = Vec::new();
    for _ in 0..MOST {
        let decisions = inputs.decide(&without.overlay);
        let denied = decisions.last().zip(inputs.asked.get(decisions.len().saturating_sub(1)));
        match denied.filter(|(decision, _)| !decision.allowed()) {
            None => return told(&gone),
            // It goes through but for what nobody knows it to need.
            Some((_, asked)) if !gone.is_empty() && perhaps(inputs, &without.overlay) => {
                let Companion { shown, detail } = told(&gone);
                let detail = format!("{detail}, where the call does not need {}", asked.action);
                return Companion { shown, detail };
            }
            Some((decision, asked)) => {
                match without.relax(decision, &asked.action, &asked.resource) {
                    // The same once more changes nothing.
                    Some(change) if gone.last() == Some(&change) => break,
                    Some(change) => gone.push(change),
                    None => {
                        return Companion::missing(format!(
                            "still refused, by nothing that can be taken away: {}",
                            decision.explanation
                        ));
                    }
                }
            }
        }
    }
    Companion::missing(format!("still refused without {}", gone.join("; ")))
}

/// Whether all that a request surely needs is allowed.
fn perhaps(inputs: &Inputs, overlay: &Overlay) -> bool {
    let decisions = inputs.decide_each(overlay);
    decisions.len() == inputs.asked.len()
        && decisions
            .iter()
            .zip(&inputs.asked)
            .all(|(decision, asked)| decision.allowed() || asked.needed != Needed::Surely)
}

fn told(gone: &[String]) -> Companion {
    match gone.split_first() {
        None => Companion::missing("it is allowed as it is"),
        Some((first, [])) => Companion::shown(format!("allowed once {first}")),
        Some((first, further)) => Companion::shown(format!(
            "allowed once {first}; further guard rails had to go too: {}",
            further.join("; ")
        )),
    }
}

/// The canary's answer: shown where it was refused for having no policy.
pub fn canary(answer: &Result<Value, ServiceError>) -> Companion {
    const SILENT: [&str; 3] = [
        "because no identity-based policy allows",
        "because no role trust policy allows",
        "because no resource-based policy allows",
    ];
    match answer {
        Err(error) if SILENT.iter().any(|words| error.message.contains(words)) => {
            Companion::shown(format!("a role without policies got {} {error}", error.status))
        }
        Err(error) => Companion::missing(format!(
            "a role without policies was refused otherwise: {} {error}",
            error.status
        )),
        Ok(_) => Companion::missing("a role without policies was allowed"),
    }
}

/// Policies from which guard rails are being taken.
struct Without<'a> {
    inputs: &'a Inputs,
    overlay: Overlay,
    /// What became of documents, by place.
    changed: BTreeMap<Arc<str>, Arc<Document>>,
}

impl Without<'_> {
    /// Takes away what decided, and says what that was.
    fn relax(&mut self, decision: &Decision, action: &str, resource: &str) -> Option<String> {
        match decision.outcome {
            // What nobody knows is no guard rail that could be taken away.
            Outcome::Allow | Outcome::Undecided => None,
            Outcome::ExplicitDeny => self.drop_statements(decision),
            Outcome::ImplicitDeny => self.allow(decision.layer, action, resource),
        }
    }

    fn drop_statements(&mut self, decision: &Decision) -> Option<String> {
        // From the last on, so that the places of the others stay.
        let mut cited: Vec<_> = decision.statements.iter().collect();
        cited.sort_by_key(|statement| std::cmp::Reverse(statement.index));
        let mut told = Vec::new();
        for statement in cited {
            let attached = self.inputs.cited(statement.layer, &statement.policy)?.clone();
            let document = self.current(&attached);
            let name = match &statement.sid {
                Some(sid) => format!("statement `{sid}`"),
                None => format!("statement {}", statement.index.saturating_add(1)),
            };
            told.push(format!("{name} of `{}` is dropped", attached.id));
            match without_statement(&document, statement.index) {
                Some(left) => self.put(&attached, left),
                None => self.overlay = std::mem::take(&mut self.overlay).remove(&*attached.slot),
            }
        }
        (!told.is_empty()).then(|| told.join(" and "))
    }

    fn allow(&mut self, layer: Layer, action: &str, resource: &str) -> Option<String> {
        let mut statement = json!({"Effect": "Allow", "Action": action, "Resource": resource});
        let kind = match layer {
            Layer::Identity => Kind::Identity,
            Layer::Boundary => Kind::Boundary,
            Layer::Session => Kind::Session,
            Layer::ServiceControl => {
                // These name resources by patterns with `*` alone in an Allow.
                statement = json!({"Effect": "Allow", "Action": action, "Resource": "*"});
                Kind::ServiceControl
            }
            Layer::Resource => return self.trust(action, resource),
            Layer::VpcEndpoint => return self.endpoint(action),
            // Nothing is denied for want of an Allow there.
            Layer::ResourceControl | Layer::Root => return None,
        };
        let document = document("mutant", vec![statement], kind)?;
        self.overlay = std::mem::take(&mut self.overlay).add(None, layer, document);
        let place = match layer {
            Layer::Identity => "the identity policies",
            Layer::Boundary => "the boundary",
            Layer::Session => "the session policies",
            _ => "the service control policies",
        };
        Some(format!("{place} would allow `{action}` on `{resource}`"))
    }

    /// Lets the policy of the VPC endpoint allow the action.
    fn endpoint(&mut self, action: &str) -> Option<String> {
        let attached = self.inputs.endpoint_of(action)?.clone();
        let current = self.current(&attached);
        let mut statements = statements(current.text());
        statements
            .push(json!({"Effect": "Allow", "Principal": "*", "Action": action, "Resource": "*"}));
        self.put(&attached, rewritten(&current, statements)?);
        Some(format!("`{}` allows `{action}`", attached.id))
    }

    /// Lets the resource's own policy allow it.
    fn trust(&mut self, action: &str, resource: &str) -> Option<String> {
        let principal = match &self.inputs.caller.principal {
            Principal::Root { account_id } => json!({"AWS": account_id}),
            Principal::User { arn } | Principal::FederatedUser { arn, .. } => json!({"AWS": arn}),
            Principal::RoleSession { role_arn, .. } => json!({"AWS": role_arn}),
            Principal::WebIdentity { provider_arn } => json!({"Federated": provider_arn}),
            Principal::Service { name } => json!({"Service": name}),
            Principal::Anonymous => json!("*"),
        };
        let sts = action.starts_with("sts:");
        let mut statement = json!({"Effect": "Allow", "Principal": principal, "Action": action});
        if let (Some(members), false) = (statement.as_object_mut(), sts) {
            members.insert("Resource".into(), json!(resource));
        }
        let kind = if sts { Kind::Trust } else { Kind::Resource };
        let asked = self.inputs.asked.iter().find(|asked| asked.resource == resource)?;
        match asked.resource_policy.clone() {
            Some(attached) => {
                let current = self.current(&attached);
                let mut statements = statements(current.text());
                statements.push(statement);
                let document = rewritten(&current, statements)?;
                self.put(&attached, document);
                Some(format!("`{}` allows `{action}` to everybody who calls like it", attached.id))
            }
            None => {
                let document = document(resource, vec![statement], kind)?;
                self.overlay =
                    std::mem::take(&mut self.overlay).add(None, Layer::Resource, document);
                Some(format!("a policy of `{resource}` allows `{action}`"))
            }
        }
    }

    fn current(&self, attached: &Attached) -> Arc<Document> {
        Arc::clone(self.changed.get(&attached.slot).unwrap_or(&attached.document))
    }

    fn put(&mut self, attached: &Attached, document: Arc<Document>) {
        self.changed.insert(Arc::clone(&attached.slot), Arc::clone(&document));
        self.overlay = std::mem::take(&mut self.overlay).replace(&*attached.slot, document);
    }
}

/// A document without one of its statements; none where it was the only one,
/// for a policy without statements is none.
pub fn without_statement(document: &Document, index: usize) -> Option<Arc<Document>> {
    let mut statements = statements(document.text());
    if index < statements.len() {
        statements.remove(index);
    }
    rewritten(document, statements)
}

/// The statements of a document's text, as the engine reads it.
pub fn statements(text: &str) -> Vec<Value> {
    let document =
        policy_json::parse(text).map(|root| root.to_json_as_written()).unwrap_or_default();
    match document.get("Statement") {
        Some(Value::Array(statements)) => statements.clone(),
        Some(one) => vec![one.clone()],
        None => Vec::new(),
    }
}

/// A document with other statements and all else as it was: in `2012-10-17`
/// `${…}` is a variable, before it is text, so that another version would be a
/// second change. None where AWS would not store it.
pub fn rewritten(original: &Document, statements: Vec<Value>) -> Option<Arc<Document>> {
    let mut document = policy_json::parse(original.text()).ok()?.to_json_as_written();
    document.as_object_mut()?.insert("Statement".to_owned(), Value::Array(statements));
    Document::parse(original.name(), &document.to_string(), original.kind()).ok().map(Arc::new)
}

/// A new document of statements; none where AWS would not store it.
pub fn document(name: &str, statements: Vec<Value>, kind: Kind) -> Option<Arc<Document>> {
    let text = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
    Document::parse(name, &text, kind).ok().map(Arc::new)
}

#[cfg(test)]
mod tests {
    use ringfence_guard::recording::{Asked, BoundCaller, ResourceControl, ThroughEndpoint};
    use ringfence_guard::requirements::Needed;
    use ringfence_policy::Context;

    use super::*;

    const BOUNDARY: &str = "arn:aws:iam::123456789012:policy/limits";
    const USER: &str = "arn:aws:iam::123456789012:user/probe";

    fn attached(slot: &str, name: &str, statements: Vec<Value>, kind: Kind) -> Attached {
        let document = document(name, statements, kind).unwrap();
        Attached { slot: slot.into(), id: slot.into(), document }
    }

    fn inputs(identity: Value, boundary: Vec<Value>) -> Inputs {
        Inputs {
            caller: Arc::new(BoundCaller {
                principal: Principal::RoleSession {
                    role_arn: "arn:aws:iam::123456789012:role/app".into(),
                    session_arn: "arn:aws:sts::123456789012:assumed-role/app/s".into(),
                },
                owner: Some("role/app".into()),
                vpc_endpoints: Vec::new(),
                resource_control: ResourceControl::default(),
                service_control: Vec::new(),
                identity: vec![attached(
                    "role/app/inline/own",
                    "own",
                    vec![identity],
                    Kind::Identity,
                )],
                boundary: Some(vec![attached(
                    "role/app/boundary",
                    BOUNDARY,
                    boundary,
                    Kind::Boundary,
                )]),
                session: None,
            }),
            asked: vec![Asked {
                action: "iam:CreateUser".into(),
                resource: USER.into(),
                context: Context::new().into(),
                resource_policy: None,
                needed: Needed::Surely,
            }],
        }
    }

    fn statement(effect: &str, action: &str) -> Value {
        json!({"Sid": effect, "Effect": effect, "Action": action, "Resource": "*"})
    }

    #[test]
    fn the_statement_that_decided_is_told_with_its_text() {
        let boundary = vec![statement("Allow", "*"), statement("Deny", "iam:*")];
        let inputs = inputs(statement("Allow", "*"), boundary);
        let [decider] = &deciders(&inputs, &inputs.decide(&Overlay::none()))[..] else { panic!() };
        assert_eq!(
            (decider.outcome.as_str(), decider.layer.as_str()),
            ("explicit_deny", "boundary")
        );
        assert_eq!(decider.policy.as_deref(), Some("role/app/boundary"));
        assert_eq!((decider.sid.as_deref(), decider.index), (Some("Deny"), Some(1)));
        let text: Value = serde_json::from_str(decider.text.as_deref().unwrap()).unwrap();
        assert_eq!(text, statement("Deny", "iam:*"));
    }

    #[test]
    fn one_guard_rail_that_is_dropped_lets_the_attack_through() {
        let boundary = vec![statement("Allow", "*"), statement("Deny", "iam:*")];
        let companion = mutant(&inputs(statement("Allow", "*"), boundary));
        let expected = "allowed once statement `Deny` of `role/app/boundary` is dropped";
        assert_eq!(companion, Companion::shown(expected));
    }

    /// Policies allow nobody to change what is AWS's own, however many times they are changed.
    #[test]
    fn a_change_that_changes_nothing_is_told_once() {
        let all = || statement("Allow", "*");
        let mut inputs = inputs(all(), vec![all()]);
        let of_aws = "arn:aws:iam::aws:policy/AdministratorAccess";
        for asked in &mut inputs.asked {
            asked.action = "iam:CreatePolicyVersion".into();
            asked.resource = of_aws.into();
        }
        let Companion { shown, detail } = mutant(&inputs);
        assert!(!shown);
        assert_eq!(detail.matches(of_aws).count(), 1, "{detail}");
    }

    /// In a document without a version `${…}` is text, and stays so.
    #[rstest::rstest]
    #[case("", false)]
    #[case(r#""Version": "2008-10-17", "#, false)]
    #[case(r#""Version": "2012-10-17", "#, true)]
    fn a_document_without_a_statement_is_of_the_same_version(
        #[case] version: &str,
        #[case] variables: bool,
    ) {
        let text = format!(
            r#"{{{version}"Id": "own", "Statement": [
                {{"Effect": "Allow", "Action": "iam:CreateUser", "Resource": "arn:aws:iam::123456789012:user/${{aws:username}}"}},
                {{"Sid": "No", "Effect": "Deny", "Action": "iam:*", "Resource": "*"}}]}}"#
        );
        let original = Document::parse("own", &text, Kind::Identity).unwrap();
        let left = without_statement(&original, 1).unwrap();
        assert_eq!(left.version(), original.version());
        assert!(left.text().contains(r#""Id":"own""#), "{}", left.text());
        let asked = |user: &str| Asked {
            action: "iam:CreateUser".into(),
            resource: format!("arn:aws:iam::123456789012:user/{user}"),
            context: {
                let mut context = Context::new();
                context.set("aws:username", "probe");
                context.into()
            },
            resource_policy: None,
            needed: Needed::Surely,
        };
        let mut inputs = inputs(statement("Allow", "*"), vec![statement("Allow", "*")]);
        Arc::make_mut(&mut inputs.caller).identity =
            vec![Attached { slot: "own".into(), id: "own".into(), document: left }];
        inputs.asked = vec![asked("probe")];
        let allowed = inputs.decide(&Overlay::none()).iter().all(Decision::allowed);
        assert_eq!(allowed, variables);
    }

    #[test]
    fn what_a_call_may_need_besides_does_not_hide_the_guard_rail() {
        let boundary = vec![statement("Allow", "*"), statement("Deny", "iam:CreateUser")];
        let mut inputs = inputs(statement("Allow", "iam:CreateUser"), boundary);
        let besides = |needed| Asked {
            action: "iam:CreateServiceLinkedRole".into(),
            needed,
            ..inputs.asked[0].clone()
        };
        let [perhaps, surely] = [Needed::Perhaps("it says so"), Needed::Surely].map(besides);
        inputs.asked.push(perhaps);
        let expected = "allowed once statement `Deny` of `role/app/boundary` is dropped, where the \
                        call does not need iam:CreateServiceLinkedRole";
        assert_eq!(mutant(&inputs), Companion::shown(expected));
        inputs.asked[1] = surely;
        let detail = mutant(&inputs).detail;
        assert!(detail.contains("further guard rails had to go too"), "{detail}");
    }

    #[test]
    fn what_stands_behind_a_guard_rail_is_named() {
        let boundary = vec![statement("Deny", "iam:*")];
        let companion = mutant(&inputs(statement("Allow", "s3:*"), boundary));
        assert!(companion.shown);
        assert_eq!(
            companion.detail,
            "allowed once statement `Deny` of `role/app/boundary` is dropped; further guard rails \
             had to go too: the identity policies would allow `iam:CreateUser` on \
             `arn:aws:iam::123456789012:user/probe`"
        );
    }

    fn object_is_put(change: impl FnOnce(&mut Inputs)) -> Companion {
        let mut inputs = inputs(statement("Allow", "*"), vec![statement("Allow", "*")]);
        inputs.asked[0].action = "s3:PutObject".into();
        inputs.asked[0].resource = "arn:aws:s3:::b/k".into();
        change(&mut inputs);
        mutant(&inputs)
    }

    fn of_everybody(effect: &str, action: &str) -> Value {
        let mut statement = statement(effect, action);
        statement["Principal"] = json!("*");
        statement
    }

    #[test]
    fn a_resource_control_policy_is_a_guard_rail() {
        let companion = object_is_put(|inputs| {
            let deny = vec![of_everybody("Deny", "s3:Put*")];
            let policy = attached("rcp/0/0", "perimeter", deny, Kind::ResourceControl);
            Arc::make_mut(&mut inputs.caller).resource_control.levels = vec![vec![policy]];
        });
        assert_eq!(
            companion,
            Companion::shown("allowed once statement `Deny` of `rcp/0/0` is dropped")
        );
    }

    #[test]
    fn a_vpc_endpoint_is_a_guard_rail() {
        let through = |statements: Vec<Value>| {
            object_is_put(|inputs| {
                let slot = "vpc-endpoint/0";
                let policy = attached(slot, "reads", statements, Kind::VpcEndpoint);
                let services = vec!["s3".to_owned()];
                Arc::make_mut(&mut inputs.caller).vpc_endpoints =
                    vec![ThroughEndpoint { services, policy }];
            })
        };
        let reads = through(vec![of_everybody("Allow", "s3:Get*")]);
        assert_eq!(reads, Companion::shown("allowed once `vpc-endpoint/0` allows `s3:PutObject`"));
        let denies = vec![of_everybody("Allow", "*"), of_everybody("Deny", "s3:Put*")];
        let dropped = "allowed once statement `Deny` of `vpc-endpoint/0` is dropped";
        assert_eq!(through(denies), Companion::shown(dropped));
    }

    #[test]
    fn an_attack_that_is_allowed_has_no_guard_rail_to_take_away() {
        let companion = mutant(&inputs(statement("Allow", "*"), vec![statement("Allow", "*")]));
        assert_eq!(companion, Companion::missing("it is allowed as it is"));
    }

    #[test]
    fn a_canary_must_be_refused_for_having_no_policy() {
        let error = |message: &str| Err(ServiceError::new(403, "AccessDenied", message));
        assert!(canary(&error("… because no identity-based policy allows the a:B action")).shown);
        assert!(!canary(&error("with an explicit deny in a service control policy")).shown);
        assert!(!canary(&Ok(Value::Null)).shown);
    }
}
