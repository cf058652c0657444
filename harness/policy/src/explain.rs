//! Why: which statements decided, and what a near miss lacked.

use std::fmt::Write;
use std::sync::Arc;

use crate::arn::Target;
use crate::catalog;
use crate::condition::{Condition, Unreadable};
use crate::decision::{Decision, Layer, Outcome, StatementRef};
use crate::document::{Document, Kind};
use crate::evaluate::{Policies, Shape, Verdict, asked, open_layers};
use crate::request::{Principal, Request, Values};
use crate::special;
use crate::statement::{Applies, Asked, Effect, Mismatch, Statement};

/// Near misses named in one explanation.
const NEAR_MISSES: usize = 5;

/// Completes a verdict.
pub(crate) fn explain(
    request: &Request<'_>,
    policies: &Policies,
    verdict: &Verdict<'_>,
) -> Decision {
    let asked = asked(request, policies);
    let trust_policy =
        policies.resource.as_ref().is_some_and(|document| document.kind() == Kind::Trust);
    let mut decision = Decision {
        outcome: verdict.outcome,
        layer: verdict.layer,
        statements: Vec::new(),
        unknown: Vec::new(),
        explanation: String::new(),
        trust_policy,
    };
    if special::outcome(request) == Some(verdict.outcome) {
        decision.explanation = match verdict.outcome {
            Outcome::Allow => format!("allowed: `{}` needs no permission", request.action),
            _ => format!("denied: `{}` belongs to AWS and cannot be changed", request.resource),
        };
        return decision;
    }
    match verdict.outcome {
        Outcome::Allow => allowed(&mut decision, request, policies, &asked),
        Outcome::ExplicitDeny => {
            decision.statements = applying(policies, verdict.layer, Effect::Deny, &asked);
            decision.explanation = format!("denied by {}", list(&decision.statements));
            for condition in unclear(policies, verdict.layer, &asked) {
                let what = describe_condition(condition, &asked);
                let _ = write!(decision.explanation, "; it cannot be evaluated: {what}");
            }
        }
        Outcome::ImplicitDeny => decision.explanation = missing(&decision, policies, &asked),
        Outcome::Undecided => undecided(&mut decision, request, policies, &asked),
    }
    decision
}

/// On which keys and statements it hangs.
fn undecided(
    decision: &mut Decision,
    request: &Request<'_>,
    policies: &Policies,
    asked: &Asked<'_>,
) {
    let mut text = String::new();
    for (layer, effect) in open_layers(request, policies) {
        for document in open_documents(policies, layer, effect, asked) {
            for (index, statement) in document.statements().iter().enumerate() {
                let keys = statement.hangs_on(asked);
                if statement.effect != effect || keys.is_empty() {
                    continue;
                }
                for key in keys {
                    if !decision.unknown.iter().any(|known| known.eq_ignore_ascii_case(key)) {
                        decision.unknown.push(key.to_owned());
                    }
                }
                let statement = reference(layer, document, index);
                let may = match effect {
                    Effect::Allow => "allow it",
                    Effect::Deny => "deny it",
                };
                let _ = write!(text, "; {statement} may {may}");
                decision.statements.push(statement);
            }
        }
    }
    decision.explanation = decision.reason("") + &text;
}

/// The documents of a layer; of service control policies that must allow, the
/// levels where none does for certain.
fn open_documents<'p>(
    policies: &'p Policies,
    layer: Layer,
    effect: Effect,
    asked: &Asked<'_>,
) -> Vec<&'p Arc<Document>> {
    match (layer, effect) {
        (Layer::ServiceControl, Effect::Allow) => policies
            .service_control
            .iter()
            .filter(|level| !allows(level, |statement| statement.certainly_applies(asked)))
            .flatten()
            .collect(),
        _ => policies.documents(layer),
    }
}

/// Whether an Allow of the documents passes a test.
fn allows(documents: &[Arc<Document>], test: impl Fn(&Statement) -> bool) -> bool {
    let mut statements = documents.iter().flat_map(|document| document.statements());
    statements.any(|statement| statement.effect == Effect::Allow && test(statement))
}

fn allowed(decision: &mut Decision, request: &Request<'_>, policies: &Policies, asked: &Asked<'_>) {
    if decision.layer == Layer::Root {
        decision.explanation = "allowed: the account's root user, and nothing denies it".to_owned();
        if matches!(request.principal, Principal::FederatedUser { .. }) {
            decision.statements = applying(policies, Layer::Session, Effect::Allow, asked);
            decision.explanation = format!(
                "allowed by {}, to a session that the account's root user federated",
                list(&decision.statements)
            );
        }
        return;
    }
    let shape = Shape::of(request, policies, asked);
    // Where both sides had to allow, both are named.
    if decision.layer == Layer::Identity && (!shape.same_account || shape.resource_must_allow) {
        decision.statements = applying(policies, Layer::Resource, Effect::Allow, asked);
    }
    decision.statements.extend(applying(policies, decision.layer, Effect::Allow, asked));
    decision.explanation = format!("allowed by {}", list(&decision.statements));
}

/// The statements of a layer that apply to the request with this effect.
fn applying(
    policies: &Policies,
    layer: Layer,
    effect: Effect,
    asked: &Asked<'_>,
) -> Vec<StatementRef> {
    let mut found = Vec::new();
    for document in policies.documents(layer) {
        for (index, statement) in document.statements().iter().enumerate() {
            if statement.effect == effect && statement.certainly_applies(asked) {
                found.push(reference(layer, document, index));
            }
        }
    }
    found
}

/// Conditions by which a Deny of the layer applies because they cannot be
/// evaluated.
fn unclear<'p>(policies: &'p Policies, layer: Layer, asked: &Asked<'_>) -> Vec<&'p Condition> {
    policies
        .documents(layer)
        .into_iter()
        .flat_map(|document| document.statements())
        .filter(|one| one.effect == Effect::Deny && one.certainly_applies(asked))
        .flat_map(|statement| &statement.conditions)
        .filter(|condition| condition.is_unclear(asked.context))
        .collect()
}

fn reference(layer: Layer, document: &Document, index: usize) -> StatementRef {
    StatementRef {
        layer,
        policy: document.name().to_owned(),
        sid: document
            .statements()
            .get(index)
            .and_then(|statement| statement.sid.as_deref())
            .map(str::to_owned),
        index,
    }
}

fn list(statements: &[StatementRef]) -> String {
    statements.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// A statement that nearly allowed a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NearMiss {
    /// Which one.
    pub statement: StatementRef,
    /// What did not fit, all of it.
    pub missing: Vec<String>,
}

/// The statements that would have allowed what was implicitly denied, but for
/// their conditions or for one other thing; nearest first. Empty for every
/// other decision.
pub fn near_misses(
    request: &Request<'_>,
    policies: &Policies,
    decision: &Decision,
) -> Vec<NearMiss> {
    if decision.outcome != Outcome::ImplicitDeny || special::outcome(request).is_some() {
        return Vec::new();
    }
    let asked = asked(request, policies);
    near(decision.layer, &deciding(policies, decision.layer, &asked), &asked)
}

/// The documents of which none allowed.
fn deciding<'p>(policies: &'p Policies, layer: Layer, asked: &Asked<'_>) -> Vec<&'p Arc<Document>> {
    match silent_level(policies, layer, asked) {
        Some(level) => level.iter().collect(),
        None => policies.documents(layer),
    }
}

fn near(layer: Layer, documents: &[&Arc<Document>], asked: &Asked<'_>) -> Vec<NearMiss> {
    let mut near = Vec::new();
    for document in documents {
        for (index, statement) in document.statements().iter().enumerate() {
            if statement.effect == Effect::Deny {
                continue;
            }
            let mismatches = statement.mismatches(asked);
            // With the action wrong, or two things wrong, it is no near miss.
            let conditions_only =
                mismatches.iter().all(|mismatch| matches!(mismatch, Mismatch::Condition(_)));
            let about_action =
                !mismatches.iter().any(|mismatch| matches!(mismatch, Mismatch::Action));
            if !mismatches.is_empty()
                && (conditions_only || (about_action && mismatches.len() == 1))
            {
                let statement = reference(layer, document, index);
                let missing = mismatches.iter().map(|mismatch| describe(mismatch, asked)).collect();
                near.push((conditions_only, NearMiss { statement, missing }));
            }
        }
    }
    near.sort_by_key(|(conditions_only, _)| !conditions_only);
    near.into_iter().map(|(_, near)| near).collect()
}

/// Why nothing in the layer allows.
fn missing(decision: &Decision, policies: &Policies, asked: &Asked<'_>) -> String {
    let layer = decision.layer;
    let documents = deciding(policies, layer, asked);
    let phrase = layer.phrase(decision.trust_policy);
    let policy = phrase.split_once(' ').map_or(phrase, |(_, policy)| policy);
    let mut text = match documents.len() {
        0 => format!("denied: there is no {policy}"),
        _ => format!("denied: no {policy} allows it"),
    };
    let near = near(layer, &documents, asked);
    for NearMiss { statement, missing } in near.iter().take(NEAR_MISSES) {
        let _ = write!(text, "; {statement}: allowed but for {}", missing.join(" and "));
    }
    if near.len() > NEAR_MISSES {
        let _ = write!(text, "; {} more are near", near.len() - NEAR_MISSES);
    }
    text
}

/// The first level of service control policies in which no Allow can apply.
fn silent_level<'p>(
    policies: &'p Policies,
    layer: Layer,
    asked: &Asked<'_>,
) -> Option<&'p Vec<Arc<Document>>> {
    if layer != Layer::ServiceControl {
        return None;
    }
    let applies = |statement: &Statement| statement.applies(asked) != Applies::No;
    policies.service_control.iter().find(|level| !allows(level, applies))
}

fn describe(mismatch: &Mismatch<'_>, asked: &Asked<'_>) -> String {
    match mismatch {
        Mismatch::Action => "the action".to_owned(),
        Mismatch::Resource => match asked.target {
            Target::Everything if takes_only_everything(asked) => {
                "the resource: this action takes only `*`".to_owned()
            }
            Target::Everything => {
                "the resource: the request is for `*`, which only `*` covers".to_owned()
            }
            _ => "the resource".to_owned(),
        },
        Mismatch::Principal => "the principal".to_owned(),
        Mismatch::Condition(condition) => describe_condition(condition, asked),
    }
}

/// Whether AWS's reference gives the action no resource types.
fn takes_only_everything(asked: &Asked<'_>) -> bool {
    let action = catalog::service(asked.action.service).and_then(|it| it.action(asked.action.name));
    action.is_some_and(catalog::Action::takes_only_everything)
}

fn describe_condition(condition: &Condition, asked: &Asked<'_>) -> String {
    let head = format!("condition {} {}", condition.operator_name, condition.key);
    if let Some(Unreadable { value, .. }) = condition.unreadable() {
        return format!("{head}: the policy's value `{value}` cannot be read");
    }
    if condition.sources.is_empty() {
        return format!("{head}: the policy says no value");
    }
    if !condition.unknown(asked.context).is_empty() {
        let unknown = condition.unknown(asked.context);
        return format!("{head}: nothing is known of `{}`", unknown.join("`, `"));
    }
    match condition.request_values(asked.context) {
        None => format!("{head}: the request has no such key"),
        Some(Values::Many(_)) if condition.operator.quantifier.is_none() => {
            format!("{head}: the key has a list of values, which needs ForAnyValue or ForAllValues")
        }
        Some(values) => {
            let held = values.as_slice().iter().map(|value| format!("`{value}`"));
            let wanted = condition.sources.iter().map(|value| format!("`{value}`"));
            format!(
                "{head}: the request has {}, the policy says {}",
                held.collect::<Vec<_>>().join(", "),
                wanted.collect::<Vec<_>>().join(", "),
            )
        }
    }
}
