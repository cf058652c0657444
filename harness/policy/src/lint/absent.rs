//! Conditions that a request escapes by leaving the key out.
//!
//! Negated and `IfExists` operators hold when the key is absent, others do
//! not: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>.

use super::keys::{always_carries, checked_for_presence};
use super::{Note, Rule, note};
use crate::catalog;
use crate::condition::Condition;
use crate::operator::Base;
use crate::pattern::Case;
use crate::statement::{Effect, Statement};

/// Keys that stand in a request only where its sender put them there, or only
/// for some sessions.
const OPTIONAL: [&str; 4] = [
    // "not present when using long-term credentials":
    // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-multifactorauthpresent
    "aws:MultiFactorAuthPresent",
    "aws:MultiFactorAuthAge",
    "apigateway:Request/RouteAuthorizationType",
    "s3:x-amz-server-side-encryption",
];

pub(super) fn check(statement: &Statement, notes: &mut Vec<Note>) {
    for condition in &statement.conditions {
        let key = condition.key.as_ref();
        match statement.effect {
            Effect::Allow if escapes(statement, condition) => {
                let message = format!(
                    "{} holds for requests without `{key}`, so leaving it out is allowed",
                    condition.operator_name
                );
                let instead = format!(
                    "add `\"Null\": {{\"{key}\": \"false\"}}`, or compare without `Not` and `IfExists`"
                );
                notes.push(note(Rule::AllowedWhenAbsent, message, instead).about(key));
            }
            Effect::Deny if slips(condition) => {
                let message = format!(
                    "{} does not hold for requests without `{key}`, so these are not denied",
                    condition.operator_name
                );
                let instead = format!(
                    "write `{}IfExists`, or deny what is not wanted with a `Not` operator",
                    condition.operator_name
                );
                notes.push(note(Rule::NotDeniedWhenAbsent, message, instead).about(key));
            }
            _ => {}
        }
    }
}

/// Whether leaving the key out satisfies a condition of an Allow that every
/// action of the statement can carry. `IfExists` for the sake of actions or
/// resources without the key is as AWS recommends it.
fn escapes(statement: &Statement, condition: &Condition) -> bool {
    let key = condition.key.as_ref();
    if !condition.holds_when_absent()
        // ForAllValues has a rule of its own.
        || condition.operator.quantifier.is_some()
        || catalog::is_global_key(key)
        || statement.actions.negated
        || checked_for_presence(statement, key)
    {
        return false;
    }
    statement.actions.patterns.iter().all(|pattern| {
        let Some(service) = pattern.service.as_deref().and_then(catalog::service) else {
            return false;
        };
        let mut covered = service
            .actions()
            .filter(|action| pattern.name.matches(action.name, Case::Fold))
            .peekable();
        covered.peek().is_some()
            && covered.all(|action| {
                action.condition_keys.iter().any(|known| known.eq_ignore_ascii_case(key))
                    && !always_carries(service, action, key)
            })
    })
}

/// Whether a condition of a Deny misses requests that leave the key out. A
/// Deny of a certain boundary, network or encryption is one; that it must
/// name them is [`OPTIONAL`]'s.
fn slips(condition: &Condition) -> bool {
    let key = condition.key.as_ref();
    OPTIONAL.iter().any(|known| known.eq_ignore_ascii_case(key))
        && condition.operator.base != Base::Null
        && !condition.holds_when_absent()
}
