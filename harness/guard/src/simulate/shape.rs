//! Answers in AWS's shapes.
//!
//! One `EvaluationResult` an action, with a `ResourceSpecificResult` a resource
//! where resources are named
//! (<https://docs.aws.amazon.com/IAM/latest/APIReference/API_EvaluationResult.html>).

use ringfence_policy::Outcome;
use serde_json::{Map, Value, json};

use super::aggregate;
use super::position::Position;
use super::run::{Details, Evaluated, Matched};

/// The answer of a simulation, from the results of each action.
pub(super) fn answer(results: &[Vec<Evaluated<'_>>], marker: Option<String>) -> Value {
    json!({
        "EvaluationResults": results.iter().filter_map(|of| result(of)).collect::<Vec<_>>(),
        "IsTruncated": marker.is_some(),
        "Marker": marker,
    })
}

fn result(results: &[Evaluated<'_>]) -> Option<Value> {
    let evaluated = &aggregate::of(results)?;
    let named = results.len() > 1 || evaluated.resource != "*";
    let mut members = common(evaluated);
    let mut set = |name: &str, value: Value| members.insert(name.to_owned(), value);
    set("EvalActionName", evaluated.action.into());
    set("EvalDecision", decision(evaluated.outcome).into());
    // "If you include a list of resources, then any missing context values are
    // instead included under the ResourceSpecificResults section."
    set("MissingContextValues", if named { json!([]) } else { json!(evaluated.missing) });
    if let Some(allowed) = evaluated.organizations {
        set("OrganizationsDecisionDetail", json!({"AllowedByOrganizations": allowed}));
    }
    if evaluated.details == Details::Empty {
        set("EvalDecisionDetails", json!({}));
    }
    if named {
        set("ResourceSpecificResults", results.iter().map(specific).collect());
    }
    Some(Value::Object(members))
}

fn specific(evaluated: &Evaluated<'_>) -> Value {
    let mut members = common(evaluated);
    let mut set = |name: &str, value: Value| members.insert(name.to_owned(), value);
    set("EvalResourceDecision", decision(evaluated.outcome).into());
    set("MissingContextValues", json!(evaluated.missing));
    Value::Object(members)
}

/// What a result and its part for the resource have in common.
fn common(evaluated: &Evaluated<'_>) -> Map<String, Value> {
    let mut members = Map::new();
    let mut set = |name: &str, value: Value| members.insert(name.to_owned(), value);
    set("EvalResourceName", evaluated.resource.into());
    set("MatchedStatements", evaluated.matched.iter().map(statement).collect());
    if let Some(allowed) = evaluated.boundary {
        set("PermissionsBoundaryDecisionDetail", json!({"AllowedByPermissionsBoundary": allowed}));
    }
    if let Details::CrossAccount(types) = &evaluated.details {
        let entries = types.iter();
        let entries = entries.map(|(name, of)| json!({"key": name, "value": decision(*of)}));
        set("EvalDecisionDetails", json!({"entry": entries.collect::<Vec<_>>()}));
    }
    members
}

fn statement(matched: &Matched<'_>) -> Value {
    json!({
        "SourcePolicyId": matched.source.id,
        "SourcePolicyType": matched.source.kind(),
        "StartPosition": position(matched.start),
        "EndPosition": position(matched.end),
    })
}

fn position((line, column): Position) -> Value {
    json!({"Line": line, "Column": column})
}

/// `PolicyEvaluationDecisionType`. A simulation knows every key: those that it
/// is not given are absent, and listed as missing.
fn decision(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Allow => "allowed",
        Outcome::ImplicitDeny | Outcome::Undecided => "implicitDeny",
        Outcome::ExplicitDeny => "explicitDeny",
    }
}
