//! How a call ended that should get past a guard rail: as it was predicted, or why not.
//!
//! What the guard decided is decided again by the policies that the proof was made of, for
//! the same request. Where the two say otherwise of one request, or by other statements,
//! one of them is wrong, and that is a fault of ours. Where they agree and the call is
//! refused all the same, what is there is not what the request supposes.

use std::sync::Arc;

use ringfence_guard::{Inputs, Overlay};
use ringfence_policy::{Decision, Outcome, Policies, Request, StatementRef, decide, judge};
use serde_json::Value;

use super::Made;
use crate::access::denies::Denials;

/// Prover and guard say otherwise of a request: a fault of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "internal error: prover and guard differ about `{action}` on `{resource}` for `{who}`: by the \
     prover it is {prover}, by the guard it is {guard}"
)]
pub(crate) struct Differs {
    /// Whose request it is.
    who: String,
    /// The action.
    action: String,
    /// What is acted upon.
    resource: String,
    /// What the prover's policies say.
    prover: String,
    /// What the guard says.
    guard: String,
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ended {
    /// The guard allowed it, by these statements.
    Allowed(Vec<String>),
    /// It is not so what the request supposes.
    Otherwise(String),
}

/// What a call should get past.
#[derive(Debug, Clone)]
pub(crate) struct Predicted {
    /// Whose request it is.
    pub(super) who: String,
    pub(super) made: Made,
    /// The policies that allow it.
    pub(super) inner: Policies,
    /// What the policies of resources deny.
    pub(super) denials: Arc<Denials>,
    /// Those that do not.
    pub(super) most: Policies,
}

impl Predicted {
    /// Compares what the guard decided with what was predicted.
    ///
    /// # Errors
    /// Where the two say otherwise of the same request.
    pub(super) fn compare(
        &self,
        inputs: &Inputs,
        decisions: &[Decision],
    ) -> Result<Ended, Box<Differs>> {
        let Made { breaks, resource_account, .. } = &self.made;
        let mut inner = self.inner.clone();
        // Whoever calls, and not whom the proof is about, is denied.
        let who = [&inputs.caller.principal];
        inner.identity.extend(self.denials.of(&who, inner.boundary.is_some()).sure);
        let mut allowed = None;
        for (asked, decision) in inputs.asked.iter().zip(decisions) {
            let request = Request {
                principal: &inputs.caller.principal,
                action: &asked.action,
                resource: &asked.resource,
                resource_account: resource_account.as_deref(),
                context: &asked.context,
            };
            let is_main = asked.action.eq_ignore_ascii_case(&breaks.action)
                && (asked.resource == breaks.resource || inputs.asked.len() == 1);
            let own =
                Policies { resource: inner.resource.clone().filter(|_| is_main), ..inner.clone() };
            let prover = decide(&request, &own);
            let differ = || {
                Box::new(Differs {
                    who: self.who.clone(),
                    action: asked.action.clone(),
                    resource: asked.resource.clone(),
                    prover: told(&prover),
                    guard: told(decision),
                })
            };
            match (prover.outcome, decision.outcome) {
                (Outcome::Allow, Outcome::Allow) => {}
                (Outcome::Allow, Outcome::ImplicitDeny | Outcome::ExplicitDeny) => {
                    return Err(differ());
                }
                (_, Outcome::Allow) if is_main => return Err(differ()),
                (_, Outcome::Allow) => {}
                (_, _) => {
                    return Ok(Ended::Otherwise(format!(
                        "`{}` on `{}` is not allowed there: {}",
                        asked.action, asked.resource, decision.explanation
                    )));
                }
            }
            if !is_main {
                continue;
            }
            let by_rail = judge(&request, &self.most).outcome;
            if !matches!(by_rail, Outcome::ImplicitDeny | Outcome::ExplicitDeny) {
                return Ok(Ended::Otherwise(format!(
                    "`{}` on `{}` as it asks for it there is let by the guard rail",
                    asked.action, asked.resource
                )));
            }
            // A resource's policy may let it be beside what the proof is about.
            if prover.layer == decision.layer {
                let by_prover = texts(&prover, |statement| {
                    let mut all = own.documents(statement.layer).into_iter();
                    let cited = all.find(|one| one.name() == statement.policy)?;
                    cited.statement_text(statement.index)
                });
                let by_guard = texts(decision, |statement| {
                    let cited = inputs.cited(statement.layer, &statement.policy)?;
                    cited.document.statement_text(statement.index)
                });
                if by_prover != by_guard {
                    return Err(differ());
                }
            }
            allowed = Some(decision.statements.iter().map(ToString::to_string).collect());
        }
        Ok(match allowed {
            Some(statements) => Ended::Allowed(statements),
            None => Ended::Otherwise(format!(
                "it does not ask there for `{}` on `{}`",
                breaks.action, breaks.resource
            )),
        })
    }

    /// The same of what the guard would decide, or decided when the call came.
    pub(super) fn of(&self, inputs: &Inputs) -> Result<Ended, Box<Differs>> {
        self.compare(inputs, &inputs.decide(&Overlay::none()))
    }
}

/// A decision in words: how, and by which statements.
fn told(decision: &Decision) -> String {
    let by: Vec<String> = decision.statements.iter().map(ToString::to_string).collect();
    match (decision.outcome, by.is_empty()) {
        (Outcome::Allow, false) => format!("allowed by {}", by.join(", ")),
        (Outcome::Allow, true) => "allowed".to_owned(),
        _ => decision.explanation.clone(),
    }
}

/// What the statements of the layer that decided say, whatever their policies are called.
fn texts<'t>(
    decision: &'t Decision,
    text: impl Fn(&'t StatementRef) -> Option<&'t str>,
) -> Vec<Option<Value>> {
    let own = decision.statements.iter().filter(|it| it.layer == decision.layer);
    let mut all: Vec<Option<Value>> =
        own.map(|statement| serde_json::from_str(text(statement)?).ok()).collect();
    all.sort_by_key(|text| text.as_ref().map(ToString::to_string));
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use ringfence_guard::Attached;
    use ringfence_guard::recording::{Asked, BoundCaller, ResourceControl};
    use ringfence_guard::requirements::Needed;
    use ringfence_policy::{Context, Document, Kind, Principal};
    use serde_json::{Map, json};

    use super::*;
    use crate::access::denies::Denies;
    use crate::access::estate::{Entry, Estate};
    use crate::proof::calls::Asks;
    use crate::proof::claims::written;

    const ROLE: &str = "arn:aws:iam::123456789012:role/app";

    fn document(name: &str, statements: &Value) -> Arc<Document> {
        let text = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
        Arc::new(Document::parse(name, &text, Kind::Identity).unwrap())
    }

    fn allow(sid: &str, resource: &str) -> Value {
        json!([{"Sid": sid, "Effect": "Allow", "Action": "iam:DeleteRole", "Resource": resource}])
    }

    fn predicted(statements: &Value, most: &Value) -> Predicted {
        let breaks = Asks {
            action: "iam:DeleteRole".to_owned(),
            resource: ROLE.to_owned(),
            context: Context::new(),
        };
        Predicted {
            who: "role/ci".to_owned(),
            made: Made {
                service: "iam",
                operation: "DeleteRole",
                region: "us-east-1".to_owned(),
                input: Map::new(),
                breaks,
                resource_account: None,
                besides: Vec::new(),
                allowed_by: Vec::new(),
                supposes: Vec::new(),
                token: None,
                command: None,
                sent: None,
            },
            inner: Policies {
                identity: vec![document("aws_iam_role_policy.ci", statements)],
                ..Policies::default()
            },
            denials: Arc::default(),
            most: Policies {
                identity: vec![written(std::slice::from_ref(most), Kind::Identity).unwrap()],
                ..Policies::default()
            },
        }
    }

    /// What the guard had before it, by the documents that are deployed.
    fn inputs(statements: &Value, resource: &str) -> Inputs {
        let slot: Arc<str> = "role/ci/inline/ci".into();
        let document = document("role/ci/inline/ci", statements);
        let caller = BoundCaller {
            principal: Principal::RoleSession {
                role_arn: "arn:aws:iam::123456789012:role/ci".to_owned(),
                session_arn: "arn:aws:sts::123456789012:assumed-role/ci/s".to_owned(),
            },
            owner: None,
            vpc_endpoints: Vec::new(),
            resource_control: ResourceControl::default(),
            service_control: Vec::new(),
            identity: vec![Attached { id: Arc::clone(&slot), slot, document }],
            boundary: None,
            session: None,
        };
        Inputs {
            caller: Arc::new(caller),
            asked: vec![Asked {
                action: "iam:DeleteRole".to_owned(),
                resource: resource.to_owned(),
                context: Arc::new(Context::new()),
                resource_policy: None,
                needed: Needed::Surely,
            }],
        }
    }

    fn nothing() -> Value {
        json!({"Effect": "Allow", "Action": "iam:Get*", "Resource": "*"})
    }

    #[test]
    fn what_the_guard_allows_by_the_predicted_statement_is_as_predicted() {
        let all = allow("Hole", "*");
        let ended = predicted(&all, &nothing()).of(&inputs(&all, ROLE)).unwrap();
        let by = "statement `Hole` of `role/ci/inline/ci`".to_owned();
        assert_eq!(ended, Ended::Allowed(vec![by]));
    }

    #[test]
    fn what_the_guard_allows_by_another_statement_is_a_difference() {
        let (one, other) = (allow("Hole", "*"), allow("Other", "*"));
        let differs = predicted(&one, &nothing()).of(&inputs(&other, ROLE)).unwrap_err();
        assert_eq!(
            differs.to_string(),
            "internal error: prover and guard differ about `iam:DeleteRole` on \
             `arn:aws:iam::123456789012:role/app` for `role/ci`: by the prover it is allowed by \
             statement `Hole` of `aws_iam_role_policy.ci`, by the guard it is allowed by \
             statement `Other` of `role/ci/inline/ci`"
        );
    }

    #[test]
    fn what_the_guard_refuses_and_the_prover_allows_is_a_difference() {
        let (all, some) = (allow("Hole", "*"), allow("Hole", "arn:aws:iam::*:role/other"));
        let differs = predicted(&all, &nothing()).of(&inputs(&some, ROLE)).unwrap_err();
        assert_eq!(differs.prover, "allowed by statement `Hole` of `aws_iam_role_policy.ci`");
        assert!(
            differs.guard.starts_with("denied: no identity-based policy allows it"),
            "{}",
            differs.guard
        );
        // And the other way round.
        let differs = predicted(&some, &nothing()).of(&inputs(&all, ROLE)).unwrap_err();
        assert_eq!(differs.guard, "allowed by statement `Hole` of `role/ci/inline/ci`");
    }

    /// What a resource's policy denies, the proof knows: whoever calls.
    #[test]
    fn what_a_resources_policy_denies_both_refuse() {
        let text = json!({"Version": "2012-10-17", "Statement": {"Effect": "Deny",
            "Principal": {"AWS": "arn:aws:iam::123456789012:role/ci"}, "Action": "iam:DeleteRole",
            "Resource": ROLE}});
        let policy = Document::parse("its policy", &text.to_string(), Kind::Resource).unwrap();
        let policy = Arc::new(policy);
        let all = allow("Hole", "*");
        let mut inputs = inputs(&all, ROLE);
        let slot: Arc<str> = "its policy".into();
        let document = Arc::clone(&policy);
        inputs.asked[0].resource_policy = Some(Attached { id: Arc::clone(&slot), slot, document });
        let differs = predicted(&all, &nothing()).of(&inputs).unwrap_err();
        assert_eq!(differs.prover, "allowed by statement `Hole` of `aws_iam_role_policy.ci`");
        assert_eq!(differs.guard, "denied by statement 1 of `its policy`");
        let denies = Denies::of(&policy, Some(&[ROLE.to_owned()]), &[], true);
        let mut estate = Estate::default();
        let entry = Entry { denies, ..Entry::default() };
        estate.entries.insert("its policy".to_owned(), entry);
        let knowing =
            Predicted { denials: Arc::new(estate.denials()), ..predicted(&all, &nothing()) };
        let ended = knowing.of(&inputs).unwrap();
        let Ended::Otherwise(why) = ended else { panic!("{ended:?}") };
        assert!(
            why.starts_with(&format!("`iam:DeleteRole` on `{ROLE}` is not allowed there: ")),
            "{why}"
        );
        // Somebody else is not denied.
        let principal = Principal::User { arn: "arn:aws:iam::123456789012:user/u".to_owned() };
        let caller = BoundCaller { principal, ..(*inputs.caller).clone() };
        let inputs = Inputs { caller: Arc::new(caller), ..inputs };
        assert!(matches!(knowing.of(&inputs), Ok(Ended::Allowed(_))));
    }

    #[test]
    fn what_both_refuse_is_a_state_that_is_not_there() {
        let some = allow("Hole", "arn:aws:iam::*:role/other");
        let ended = predicted(&some, &nothing()).of(&inputs(&some, ROLE)).unwrap();
        let Ended::Otherwise(why) = ended else { panic!("{ended:?}") };
        assert!(
            why.starts_with(&format!("`iam:DeleteRole` on `{ROLE}` is not allowed there: ")),
            "{why}"
        );
    }

    #[test]
    fn what_the_guard_rail_lets_be_is_a_state_that_is_not_there() {
        let all = allow("Hole", "*");
        let most = json!({"Effect": "Allow", "Action": "iam:*", "Resource": "*"});
        let ended = predicted(&all, &most).of(&inputs(&all, ROLE)).unwrap();
        let Ended::Otherwise(why) = ended else { panic!("{ended:?}") };
        assert!(why.ends_with("is let by the guard rail"), "{why}");
    }
}
