//! The smallest policy for what was used.

use std::collections::{BTreeMap, BTreeSet};

use ringfence_policy::{Context, Document, Kind};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::generalise::{Pattern, allows, identity};
use super::used::Permission;

/// The most characters of a managed policy, white space left out
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>).
const LARGEST: usize = 6_144;

/// Keys as AWS spells them; the journal has them in lower case.
const SPELLED: &[&str] = &[
    "aws:RequestedRegion",
    "aws:TagKeys",
    "ec2:CreateAction",
    "iam:AWSServiceName",
    "iam:PassedToService",
    "iam:PermissionsBoundary",
    "iam:PolicyARN",
    "lambda:FunctionUrlAuthType",
    "lambda:Principal",
];

/// What is needed, as policies.
#[derive(Debug, Serialize)]
pub struct Needed {
    /// The policies: one, or as many as its size takes.
    pub policies: Vec<Value>,
    /// How many different permissions were used.
    pub permissions: usize,
    /// How many of them the policies allow, decided by the engine: all, or what
    /// is in `not_allowed` cannot be said in a policy.
    pub decided: usize,
    /// What the policies do not allow.
    pub not_allowed: Vec<String>,
}

impl Needed {
    pub(super) fn new(permissions: &[Permission<'_>], patterns: &[Pattern]) -> Self {
        let statements = statements(permissions, patterns);
        let policies = documents(statements);
        let parsed = policies.iter().enumerate().filter_map(|(number, policy)| {
            Document::parse_managed(format!("least-{number}"), &policy.to_string(), Kind::Identity)
                .ok()
        });
        let all = identity(parsed);
        let not_allowed: Vec<String> = permissions
            .iter()
            .filter(|used| !allows(&all, used.action, used.resource, &context(used)))
            .map(|used| format!("{} on {}", used.action, used.resource))
            .collect();
        Self {
            policies,
            permissions: permissions.len(),
            decided: permissions.len() - not_allowed.len(),
            not_allowed,
        }
    }
}

fn context(used: &Permission<'_>) -> Context {
    let mut context = Context::new();
    for (key, values) in used.keys {
        match values.as_slice() {
            [value] if key != "aws:tagkeys" => context.set(key, value),
            values => context.set_list(key, values),
        };
    }
    context
}

/// A statement before it is JSON: what has the same resources under the same
/// conditions stands together, one service by itself.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Shape {
    service: String,
    resources: BTreeSet<String>,
    condition: String,
}

fn statements(permissions: &[Permission<'_>], patterns: &[Pattern]) -> Vec<Value> {
    let mut by_action: BTreeMap<&str, Vec<&Permission<'_>>> = BTreeMap::new();
    for used in permissions {
        by_action.entry(used.action).or_default().push(used);
    }
    let mut shapes: BTreeMap<Shape, Vec<&str>> = BTreeMap::new();
    for (action, uses) in by_action {
        let service = action.split_once(':').map_or(action, |(service, _)| service).to_owned();
        let resources = uses.iter().map(|used| resource(used, patterns)).collect();
        let condition = condition(&uses).to_string();
        shapes.entry(Shape { service, resources, condition }).or_default().push(action);
    }
    let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
    shapes
        .into_iter()
        .map(|(shape, actions)| {
            let number = numbers.entry(shape.service.clone()).or_default();
            *number += 1;
            shape.statement(&actions, *number)
        })
        .collect()
}

impl Shape {
    fn statement(self, actions: &[&str], number: usize) -> Value {
        let letters = self.service.chars().filter(char::is_ascii_alphanumeric);
        let mut sid: String = letters.collect();
        if let Some(first) = sid.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        let resources: Vec<String> = self.resources.into_iter().collect();
        let mut statement = json!({
            "Sid": format!("{sid}{number}"),
            "Effect": "Allow",
            "Action": one_or_many(actions),
            "Resource": one_or_many(&resources),
        });
        let condition: Value = serde_json::from_str(&self.condition).unwrap_or(Value::Null);
        if let (Some(object), true) = (statement.as_object_mut(), !condition.is_null()) {
            object.insert("Condition".into(), condition);
        }
        statement
    }
}

fn one_or_many<T: AsRef<str>>(texts: &[T]) -> Value {
    match texts {
        [one] => json!(one.as_ref()),
        many => many.iter().map(|text| json!(text.as_ref())).collect(),
    }
}

/// The resource as a policy names it.
fn resource(used: &Permission<'_>, patterns: &[Pattern]) -> String {
    if let Some(pattern) = patterns.iter().find(|pattern| pattern.matches(used.resource)) {
        return pattern.text().to_owned();
    }
    // What AWS asks for may itself be a pattern (`vpc/*` of what is to be made);
    // names of objects may have its characters.
    if used.action.starts_with("s3:") && used.resource != "*" {
        return literal(used.resource, true);
    }
    literal(used.resource, false)
}

/// A text that a policy takes for itself
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#policy-vars-specialchars>).
fn literal(text: &str, wildcards: bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '$' if characters.peek() == Some(&'{') => out.push_str("${$}"),
            '*' | '?' if wildcards => {
                out.push_str("${");
                out.push(character);
                out.push('}');
            }
            other => out.push(other),
        }
    }
    out
}

/// The conditions that all of an action's uses met.
fn condition(uses: &[&Permission<'_>]) -> Value {
    let mut equals = Map::new();
    let mut all_of = Map::new();
    let keys = uses.first().into_iter().flat_map(|used| used.keys.keys());
    for key in keys.filter(|key| uses.iter().all(|used| used.keys.contains_key(*key))) {
        let values: BTreeSet<String> = uses
            .iter()
            .flat_map(|used| used.keys.get(key).into_iter().flatten())
            .map(|value| literal(value, false))
            .collect();
        let values: Vec<String> = values.into_iter().collect();
        let into = if key == "aws:tagkeys" { &mut all_of } else { &mut equals };
        into.insert(spelled(key), one_or_many(&values));
    }
    let operators: Map<String, Value> =
        [("ForAllValues:StringEquals", all_of), ("StringEquals", equals)]
            .into_iter()
            .filter(|(_, keys)| !keys.is_empty())
            .map(|(operator, keys)| (operator.to_owned(), Value::Object(keys)))
            .collect();
    if operators.is_empty() { Value::Null } else { Value::Object(operators) }
}

fn spelled(key: &str) -> String {
    if let Some(tag) = key.strip_prefix("aws:requesttag/") {
        return format!("aws:RequestTag/{tag}");
    }
    let known = SPELLED.iter().find(|known| known.eq_ignore_ascii_case(key));
    known.map_or_else(|| key.to_owned(), |known| (*known).to_owned())
}

/// As few policies as the size of one takes.
fn documents(statements: Vec<Value>) -> Vec<Value> {
    let of = |statements: &[Value]| json!({"Version": "2012-10-17", "Statement": statements});
    let mut documents = Vec::new();
    let mut current: Vec<Value> = Vec::new();
    for statement in statements.into_iter().flat_map(parts) {
        current.push(statement);
        if current.len() > 1 && size(&of(&current)) > LARGEST {
            let last = current.pop();
            documents.push(of(&current));
            current = last.into_iter().collect();
        }
    }
    if !current.is_empty() {
        documents.push(of(&current));
    }
    documents
}

/// A statement in parts of which each fits into a policy, by its resources.
fn parts(statement: Value) -> Vec<Value> {
    // What stands around the statement in a document is below a hundred.
    let too_large = size(&statement) > LARGEST - 100;
    let resources = statement.get("Resource").and_then(Value::as_array).cloned();
    match resources {
        Some(resources) if too_large && resources.len() > 1 => {
            let (first, second) = resources.split_at(resources.len() / 2);
            let half = |number: usize, half: &[Value]| {
                let mut part = statement.clone();
                if let Some(object) = part.as_object_mut() {
                    let sid = object.get("Sid").and_then(Value::as_str).unwrap_or_default();
                    let sid = format!("{sid}part{number}");
                    object.insert("Sid".into(), json!(sid));
                    object.insert("Resource".into(), Value::Array(half.to_vec()));
                }
                parts(part)
            };
            half(1, first).into_iter().chain(half(2, second)).collect()
        }
        _ => vec![statement],
    }
}

fn size(value: &Value) -> usize {
    value.to_string().chars().filter(|character| !character.is_whitespace()).count()
}
