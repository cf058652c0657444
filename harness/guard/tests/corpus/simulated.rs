//! A case that no call is, because its context cannot be had or its resource is
//! another account's, goes to the guard's policy simulator: AWS's own way to
//! ask about a user with a context of one's choice.

use serde_json::{Map, Value, json};

use crate::expressed::{documents, text};

/// A case as the input of `SimulateCustomPolicy`.
#[derive(Debug)]
pub(crate) struct Simulated {
    pub(crate) input: Value,
    /// Policies by the simulator's names: the place in the case, the text.
    sources: Vec<(String, String, String)>,
}

/// Simulates a case.
///
/// # Errors
/// Why that cannot be.
pub(crate) fn simulate(case: &Map<String, Value>) -> Result<Simulated, &'static str> {
    let principal = case["principal"].as_str().unwrap();
    if !principal.contains(":user/") {
        return Err("the simulator takes users only");
    }
    let policies = case.get("policies").and_then(Value::as_object).cloned().unwrap_or_default();
    if policies.contains_key("rcp") || policies.contains_key("vpc_endpoint") {
        return Err("the simulator takes neither policies of resources' accounts nor of endpoints");
    }
    if documents(&policies, "session").is_some_and(|list| !list.is_empty()) {
        return Err("session policies of a user");
    }
    let context = case.get("context").and_then(Value::as_object).cloned().unwrap_or_default();
    let names = ["aws:PrincipalAccount", "aws:PrincipalType", "aws:username"];
    let absent = |name: &&&str| !context.keys().any(|key| key.eq_ignore_ascii_case(name));
    let asked = Value::from(policies.clone()).to_string().to_lowercase();
    if names.iter().filter(absent).any(|name| asked.contains(&name.to_lowercase())) {
        return Err("a key must be absent that the simulator takes from the user");
    }
    let identity = documents(&policies, "identity").unwrap_or_default();
    let boundary = documents(&policies, "boundary").unwrap_or_default();
    let own = policies.get("resource").filter(|policy| !policy.is_null()).map(text);
    let mut sources = Vec::new();
    for (place, text) in identity.iter().enumerate() {
        let name = format!("PolicyInputList.{}", place + 1);
        sources.push((name, format!("identity[{place}]"), text.clone()));
    }
    for (place, text) in boundary.iter().enumerate() {
        let name = format!("PermissionsBoundaryPolicyInputList.{}", place + 1);
        sources.push((name, format!("boundary[{place}]"), text.clone()));
    }
    let mut input = json!({
        "PolicyInputList": identity,
        "ActionNames": [case["action"]],
        "ResourceArns": [case["resource"]],
        "CallerArn": principal,
        "ContextEntries": context.iter().map(entry).collect::<Vec<_>>(),
    });
    if !boundary.is_empty() {
        input["PermissionsBoundaryPolicyInputList"] = json!(boundary);
    }
    if let Some(own) = own {
        input["ResourcePolicy"] = json!(own);
        sources.push(("ResourcePolicy".to_owned(), "resource".to_owned(), own));
    }
    if let Some(account) = case.get("resource_account").and_then(Value::as_str) {
        input["ResourceOwner"] = json!(format!("arn:aws:iam::{account}:root"));
    }
    let levels = policies.get("scp").and_then(Value::as_array).cloned().unwrap_or_default();
    if !levels.is_empty() {
        let level = |level: &Value| {
            let texts: Vec<String> = level.as_array().unwrap().iter().map(text).collect();
            json!({"ServiceControlPolicyInputList": texts})
        };
        input["OrderedOrganizationPolicyInputList"] = levels.iter().map(level).collect();
    }
    Ok(Simulated { input, sources })
}

fn entry((name, value): (&String, &Value)) -> Value {
    let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let (kind, values) = match value {
        Value::Array(values) => ("stringList", values.iter().map(plain).collect()),
        one => ("string", vec![plain(one)]),
    };
    json!({"ContextKeyName": name, "ContextKeyType": kind, "ContextKeyValues": values})
}

/// What a result has other than the case.
pub(crate) fn differences(
    case: &Map<String, Value>,
    simulated: &Simulated,
    result: &Value,
) -> Vec<String> {
    let expect = &case["expect"];
    let mut wrong = Vec::new();
    let mut same = |what: &str, found: &Value, wanted: &Value| {
        if found != wanted {
            wrong.push(format!("{what} is {found}, not {wanted}"));
        }
    };
    let decision = match result["EvalDecision"].as_str() {
        Some("allowed") => "allow",
        Some("explicitDeny") => "explicit_deny",
        Some("implicitDeny") => "implicit_deny",
        _ => "none",
    };
    same("decision", &decision.into(), &expect["decision"]);
    // Statements of service control policies are not told.
    let by_organization = expect["layer"] == "scp";
    let limits = [
        ("scp", "OrganizationsDecisionDetail", "AllowedByOrganizations"),
        ("boundary", "PermissionsBoundaryDecisionDetail", "AllowedByPermissionsBoundary"),
    ];
    for (layer, detail, member) in limits {
        if expect["layer"] == layer {
            same(detail, &result[detail][member], &"false".into());
        }
    }
    if let Some(statements) = expect.get("statements").filter(|_| !by_organization) {
        let matched = result["MatchedStatements"].as_array().cloned().unwrap_or_default();
        let found: Vec<Value> = matched.iter().map(|one| cited(simulated, one)).collect();
        same("statements", &found.into(), statements);
    }
    wrong
}

/// A matched statement as a case cites it.
fn cited(simulated: &Simulated, matched: &Value) -> Value {
    let name = matched["SourcePolicyId"].as_str().unwrap_or_default();
    let Some((_, place, text)) = simulated.sources.iter().find(|(known, ..)| known == name) else {
        return json!(format!("a statement of `{name}`, which the call does not give"));
    };
    let offset = |position: &str| {
        let number = |member: &str| -> usize {
            matched[position][member].as_str().unwrap().parse().unwrap()
        };
        let before = text.split_inclusive('\n').take(number("Line") - 1).map(str::len);
        before.sum::<usize>() + number("Column") - 1
    };
    let slice = text[offset("StartPosition")..offset("EndPosition")].trim_start_matches([',', ' ']);
    // One that stands alone begins behind its `{`.
    let statement: Value = serde_json::from_str(slice)
        .or_else(|_| serde_json::from_str(&format!("{{{slice}")))
        .unwrap();
    let document: Value = serde_json::from_str(text).unwrap();
    let statements = match &document["Statement"] {
        Value::Array(statements) => statements.clone(),
        alone => vec![alone.clone()],
    };
    let index = statements.iter().position(|one| *one == statement);
    json!({"policy": place, "sid": statement.get("Sid"), "index": index})
}
