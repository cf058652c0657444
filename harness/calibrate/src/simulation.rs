//! Inputs of `SimulateCustomPolicy` and `SimulatePrincipalPolicy`.
//!
//! Decisions with the same caller, resource, documents and circumstances are
//! one call. Of the circumstances only those count that some document asks
//! for: the time of day would make each a call of its own.

use std::collections::{BTreeMap, BTreeSet};

use ringfence_policy::{Document, Principal, Values, Version, catalog};
use serde_json::{Map, Value, json};

use crate::cases::Case;

/// How many actions one call asks about.
const ACTIONS: usize = 40;

/// Grants nothing that anybody asks for: a simulation takes at least one
/// policy.
const NOTHING: &str = r#"{"Version":"2012-10-17","Statement":[
{"Effect":"Allow","Action":"none:null","Resource":"*"}
]}"#;

/// Whose policies are asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source<'a> {
    /// The documents of the decision itself: the same question to two engines.
    Documents,
    /// Those that the account has for a role or user of the same name, with
    /// its boundary and its organization's policies: ARNs by owner. Cases of
    /// others are not asked about.
    Account(&'a BTreeMap<String, String>),
}

/// A call to the simulator, and the cases that it answers.
#[derive(Debug, Clone)]
pub struct Simulation {
    /// `SimulateCustomPolicy` or `SimulatePrincipalPolicy`.
    pub operation: &'static str,
    shared: Map<String, Value>,
    actions: Actions,
}

/// The indices of cases by action, in lower case.
type Actions = BTreeMap<String, Vec<usize>>;

impl Simulation {
    /// The call's input, beginning at a page's marker.
    pub fn input(&self, marker: Option<&str>) -> Map<String, Value> {
        let mut input = self.shared.clone();
        let names = self.actions.keys().map(String::as_str).collect::<Vec<_>>();
        input.insert("ActionNames".to_owned(), json!(names));
        if let Some(marker) = marker {
            input.insert("Marker".to_owned(), json!(marker));
        }
        input
    }

    /// The indices of the cases that ask for an action, in whatever case it is
    /// written.
    pub fn cases_of(&self, action: &str) -> &[usize] {
        let mut names = self.actions.iter();
        let found = names.find(|(name, _)| name.eq_ignore_ascii_case(action));
        found.map_or(&[], |(_, cases)| cases)
    }

    /// The indices of all its cases.
    pub fn cases(&self) -> impl Iterator<Item = usize> {
        self.actions.values().flatten().copied()
    }

    /// A call for each action. AWS refuses some actions side by side ("require
    /// different authorization information"), and all of a call for one that
    /// it does not know.
    pub fn apart(self) -> Option<Vec<Self>> {
        if self.actions.len() < 2 {
            return None;
        }
        let Self { operation, shared, actions } = self;
        let one = |(name, cases)| Self {
            operation,
            shared: shared.clone(),
            actions: [(name, cases)].into(),
        };
        Some(actions.into_iter().map(one).collect())
    }
}

/// The calls that ask about cases, given by their indices.
pub fn simulations<'a>(
    cases: impl IntoIterator<Item = (usize, &'a Case)>,
    source: Source<'_>,
) -> Vec<Simulation> {
    let mut calls: BTreeMap<String, (Map<String, Value>, Actions)> = BTreeMap::new();
    for (index, case) in cases {
        let Some(shared) = shared(case, source) else { continue };
        // An object of JSON keeps the order in which its members were put.
        let key = Value::Object(shared.clone()).to_string();
        let (_, actions) = calls.entry(key).or_insert_with(|| (shared, Actions::new()));
        let action = case.question.action.to_ascii_lowercase();
        actions.entry(action).or_default().push(index);
    }
    let operation = match source {
        Source::Documents => "SimulateCustomPolicy",
        Source::Account(_) => "SimulatePrincipalPolicy",
    };
    let mut out = Vec::new();
    for (shared, mut actions) in calls.into_values() {
        while !actions.is_empty() {
            let rest = match actions.keys().nth(ACTIONS).cloned() {
                Some(next) => actions.split_off(&next),
                None => Actions::new(),
            };
            out.push(Simulation { operation, shared: shared.clone(), actions });
            actions = rest;
        }
    }
    out
}

fn shared(case: &Case, source: Source<'_>) -> Option<Map<String, Value>> {
    let question = &case.question;
    let policies = &question.policies;
    let mut input = Map::new();
    let mut put = |name: &str, value: Value| drop(input.insert(name.to_owned(), value));
    match source {
        Source::Documents => {
            let mut identity: Vec<String> =
                policies.identity.iter().map(|document| text(document)).collect();
            if identity.is_empty() {
                identity.push(NOTHING.to_owned());
            }
            put("PolicyInputList", json!(identity));
            if let Some(boundary) = &policies.boundary {
                let boundary: Vec<String> = boundary.iter().map(|it| text(it)).collect();
                put("PermissionsBoundaryPolicyInputList", json!(boundary));
            }
            if let Some(resource) = &policies.resource {
                put("ResourcePolicy", json!(text(resource)));
            }
            let levels = policies.service_control.iter().map(|level| {
                let level: Vec<String> = level.iter().map(|it| text(it)).collect();
                json!({"ServiceControlPolicyInputList": level})
            });
            let levels: Vec<Value> = levels.collect();
            if !levels.is_empty() {
                put("OrderedOrganizationPolicyInputList", Value::Array(levels));
            }
        }
        Source::Account(arns) => {
            put("PolicySourceArn", json!(arns.get(case.owner.as_deref()?)?));
        }
    }
    if let Principal::User { arn } = &question.principal {
        put("CallerArn", json!(arn));
    }
    if question.resource != "*" {
        put("ResourceArns", json!([question.resource]));
    }
    if let Some(account) = &question.resource_account {
        put("ResourceOwner", json!(format!("arn:aws:iam::{account}:root")));
    }
    let entries = entries(case, source);
    if !entries.is_empty() {
        put("ContextEntries", Value::Array(entries));
    }
    Some(input)
}

/// The condition keys that some document of the decision asks for. The
/// account's own documents may ask for others: then all are given.
fn entries(case: &Case, source: Source<'_>) -> Vec<Value> {
    let question = &case.question;
    let policies = &question.policies;
    let documents = policies
        .identity
        .iter()
        .chain(policies.boundary.iter().flatten())
        .chain(&policies.resource)
        .chain(policies.service_control.iter().flatten());
    let asked: BTreeSet<String> = documents
        .flat_map(|document| document.context_keys())
        .map(str::to_ascii_lowercase)
        .collect();
    let mut keys: Vec<&str> = question
        .context
        .keys()
        .filter(|key| matches!(source, Source::Account(_)) || asked.contains(*key))
        .collect();
    keys.sort_unstable();
    keys.into_iter()
        .filter_map(|key| Some(entry(&question.action, key, question.context.get(key)?)))
        .collect()
}

fn entry(action: &str, key: &str, values: &Values) -> Value {
    let kind = kind(action, key);
    let kind = match values {
        Values::One(_) => kind.to_owned(),
        Values::Many(_) => format!("{kind}List"),
    };
    json!({
        "ContextKeyName": key,
        "ContextKeyType": kind,
        "ContextKeyValues": values.as_slice(),
    })
}

/// The simulator's type of a condition key.
///
/// Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ContextEntry.html>;
/// of global keys
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html>.
fn kind(action: &str, key: &str) -> &'static str {
    let prefix = action.split(':').next().unwrap_or_default().to_ascii_lowercase();
    let named = catalog::service(&prefix).and_then(|service| service.key_type(key));
    match named.unwrap_or_default() {
        "Bool" | "ArrayOfBool" => return "boolean",
        "Numeric" => return "numeric",
        "Date" => return "date",
        "IPAddress" => return "ip",
        _ => {}
    }
    match key.to_ascii_lowercase().as_str() {
        "aws:currenttime" | "aws:tokenissuetime" => "date",
        "aws:epochtime" | "aws:multifactorauthage" => "numeric",
        "aws:sourceip" | "aws:vpcsourceip" => "ip",
        "aws:multifactorauthpresent"
        | "aws:principalisawsservice"
        | "aws:securetransport"
        | "aws:viaawsservice" => "boolean",
        _ => "string",
    }
}

/// The document with each statement on a line of its own, so that a position
/// in AWS's answer names a statement: statement N (from 0) ends on line N + 2.
pub fn text(document: &Document) -> String {
    let mut statements = Vec::new();
    for index in 0..document.statement_count() {
        // A line's end is no part of a JSON string: between members it is space.
        statements
            .push(document.statement_text(index).unwrap_or_default().replace(['\n', '\r'], " "));
    }
    let version = match document.version() {
        Version::V2012 => r#""Version":"2012-10-17","#,
        Version::V2008 => r#""Version":"2008-10-17","#,
    };
    format!("{{{version}\"Statement\":[\n{}\n]}}", statements.join(",\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::cases;

    const DOCUMENT: &str = r#"{"Version":"2012-10-17","Statement":[{"Sid":"A","Effect":"Allow","Action":"s3:*","Resource":"*"},{"Sid":"B","Effect":"Deny","Action":"s3:*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}"#;

    fn case(action: &str, extra: &str) -> Case {
        let line = format!(
            r#"{{"principal":"arn:aws:iam::123456789012:user/a","action":"{action}","resource":"arn:aws:s3:::b/k","context":{{"aws:SecureTransport":"true","aws:CurrentTime":"2026-01-01T00:00:00Z"}},"policies":{{"identity":[{DOCUMENT}]{extra}}}}}"#
        );
        cases([(line.as_str(), Some("user/a".to_owned()))]).unwrap().remove(0)
    }

    #[test]
    fn decisions_under_the_same_circumstances_are_one_call() {
        let all = [case("s3:GetObject", ""), case("s3:PutObject", ""), case("S3:getobject", "")];
        let calls = simulations(all.iter().enumerate(), Source::Documents);
        let [call] = calls.as_slice() else { panic!("{calls:?}") };
        let input = call.input(None);
        assert_eq!(input["ActionNames"], json!(["s3:getobject", "s3:putobject"]));
        assert_eq!(input["CallerArn"], json!("arn:aws:iam::123456789012:user/a"));
        assert_eq!(input["ResourceArns"], json!(["arn:aws:s3:::b/k"]));
        assert_eq!(
            input["ContextEntries"],
            json!([{"ContextKeyName": "aws:securetransport", "ContextKeyType": "boolean", "ContextKeyValues": ["true"]}])
        );
        assert_eq!(call.cases_of("s3:GetObject"), [0, 2]);
        assert_eq!(call.cases_of("s3:PutObject"), [1]);
    }

    #[test]
    fn another_boundary_is_another_call() {
        let bound = format!(r#","boundary":[{DOCUMENT}]"#);
        let all = [case("s3:GetObject", ""), case("s3:GetObject", &bound)];
        let calls = simulations(all.iter().enumerate(), Source::Documents);
        assert_eq!(calls.len(), 2);
        let bounded = |call: &&Simulation| {
            call.input(None).contains_key("PermissionsBoundaryPolicyInputList")
        };
        assert_eq!(calls.iter().filter(bounded).count(), 1);
    }

    #[test]
    fn a_call_is_taken_apart_by_actions_until_it_has_one() {
        let all = [case("s3:GetObject", ""), case("s3:PutObject", "")];
        let calls = simulations(all.iter().enumerate(), Source::Documents);
        let parts = calls.into_iter().next().unwrap().apart().unwrap();
        assert_eq!(parts.len(), 2);
        assert!(parts.into_iter().all(|part| part.apart().is_none()));
    }

    #[test]
    fn more_actions_than_a_call_takes_are_several_calls() {
        let all: Vec<Case> = (0..=ACTIONS).map(|n| case(&format!("s3:Action{n}"), "")).collect();
        let calls = simulations(all.iter().enumerate(), Source::Documents);
        assert_eq!(calls.len(), 2);
        assert_eq!(calls.iter().flat_map(Simulation::cases).count(), ACTIONS + 1);
    }

    #[test]
    fn the_accounts_own_principal_is_asked_by_its_arn() {
        let all = [case("s3:GetObject", "")];
        let arns =
            [("user/a".to_owned(), "arn:aws:iam::999999999999:user/team/a".to_owned())].into();
        let calls = simulations(all.iter().enumerate(), Source::Account(&arns));
        let input = calls.first().unwrap().input(Some("next"));
        assert_eq!(input["PolicySourceArn"], json!("arn:aws:iam::999999999999:user/team/a"));
        assert_eq!(input["Marker"], json!("next"));
        assert!(!input.contains_key("PolicyInputList"));
    }

    #[test]
    fn service_control_policies_go_along_level_by_level() {
        let levels = format!(r#","scp":[[{DOCUMENT}],[{DOCUMENT},{DOCUMENT}]]"#);
        let all = [case("s3:GetObject", &levels)];
        let calls = simulations(all.iter().enumerate(), Source::Documents);
        let input = calls.first().unwrap().input(None);
        let levels = input["OrderedOrganizationPolicyInputList"].as_array().unwrap();
        let sizes: Vec<usize> = levels
            .iter()
            .map(|level| level["ServiceControlPolicyInputList"].as_array().unwrap().len())
            .collect();
        assert_eq!(sizes, [1, 2]);
    }

    #[test]
    fn each_statement_stands_on_a_line_of_its_own() {
        let document = &case("s3:GetObject", "").question.policies.identity[0];
        let text = text(document);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 4);
        assert!(lines[1].starts_with(r#"{"Sid":"A""#) && lines[2].starts_with(r#"{"Sid":"B""#));
    }
}
