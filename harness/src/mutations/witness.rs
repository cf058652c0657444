//! Requests that tell a statement from its weaker version: its actions on
//! resources within and just outside its patterns, with its condition keys
//! absent, as it wants them, and just beside that. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ringfence_guard::recording::Asked;
use ringfence_policy::catalog::Arns as _;
use ringfence_policy::{Context, catalog};
use serde_json::Value;

use super::weaken::{texts, wider_text};

/// Keys that every request of their action has, so that none without them can
/// be made: `aws:RequestedRegion` and `aws:SecureTransport` are in any request
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html>),
/// a token always says for whom and of whom it is
/// (<https://openid.net/specs/openid-connect-core-1_0.html#IDToken>), a role is
/// always passed to a service, and a permission always given to somebody; what
/// a route's authorization is, is known also where a call does not say it.
const ALWAYS: [&str; 5] = [
    "aws:requestedregion",
    "aws:securetransport",
    "iam:passedtoservice",
    "lambda:principal",
    "apigateway:request/routeauthorizationtype",
];

/// How many values a key is tried with.
const VALUES: usize = 8;

/// On how many resources of the run an action is tried, where a statement
/// names none.
const MET: usize = 8;

/// The requests for the versions of a statement. `met` are requests of the
/// run, from which the keys of any call are taken.
pub fn requests(versions: &[Value], met: &[Asked]) -> Vec<Asked> {
    let actions: BTreeSet<String> = versions.iter().flat_map(actions).collect();
    let resources: BTreeSet<String> = versions.iter().flat_map(resources).collect();
    let keys = keys(versions);
    let any = met.iter().find(|asked| asked.resource != "*").map(|asked| &asked.context);
    let mut requests = Vec::new();
    for action in &actions {
        let kind = catalog::action(action);
        let service = action.split_once(':').and_then(|(prefix, _)| catalog::service(prefix));
        let contexts: Vec<Arc<Context>> = contexts(&keys, any, |key| {
            key.starts_with("aws:")
                || key.contains(".com:")
                || kind.zip(service).is_some_and(|(kind, service)| service.carries(kind, key))
        });
        let fits = |resource: &str| match (kind, service) {
            (Some(kind), Some(service)) => {
                let types = kind.resources.iter();
                types.filter_map(|of| service.resource_type(of.name)).any(|of| of.matches(resource))
            }
            // One that the catalogue does not know is asked on anything.
            _ => true,
        };
        // What an action was asked for on tells more than the catalogue.
        let asked = || met.iter().filter(|asked| asked.action == *action);
        let on: BTreeSet<&str> = match kind {
            Some(kind) if kind.takes_only_everything() => match asked().next() {
                Some(_) => asked().map(|asked| asked.resource.as_str()).collect(),
                None => BTreeSet::from(["*"]),
            },
            // A statement on everything: what was met.
            _ if resources.is_empty() => met
                .iter()
                .map(|asked| asked.resource.as_str())
                .filter(|resource| fits(resource))
                .take(MET)
                .collect(),
            _ => resources.iter().map(String::as_str).filter(|resource| fits(resource)).collect(),
        };
        for resource in on {
            for context in &contexts {
                requests.push(Asked {
                    action: action.clone(),
                    resource: resource.to_owned(),
                    context: Arc::clone(context),
                    resource_policy: met
                        .iter()
                        .find(|asked| asked.resource == resource)
                        .and_then(|asked| asked.resource_policy.clone()),
                });
            }
        }
    }
    requests
}

/// The actions that a statement speaks of, those of a service's wildcard by
/// the catalogue. All of everything is in the universe without witnesses.
fn actions(statement: &Value) -> BTreeSet<String> {
    let mut actions = BTreeSet::new();
    for pattern in texts(statement.get("Action")).iter().chain(&texts(statement.get("NotAction"))) {
        let Some((prefix, name)) = pattern.split_once(':') else { continue };
        match (name.contains(['*', '?']), catalog::service(prefix)) {
            (true, Some(service)) => {
                let begin = name.split(['*', '?']).next().unwrap_or_default();
                let fitting = service.actions().filter(|action| action.name.starts_with(begin));
                actions.extend(fitting.map(|action| format!("{prefix}:{}", action.name)));
            }
            (true, None) => {}
            (false, _) => {
                actions.insert(pattern.clone());
            }
        }
    }
    actions
}

/// Resources that a statement's patterns match, and some beside them.
fn resources(statement: &Value) -> BTreeSet<String> {
    let patterns = texts(statement.get("Resource"));
    let patterns =
        patterns.iter().chain(&texts(statement.get("NotResource"))).cloned().collect::<Vec<_>>();
    let mut resources = BTreeSet::new();
    for pattern in patterns.iter().filter(|pattern| pattern.starts_with("arn:")) {
        resources.insert(concrete(pattern, "ringfence"));
        resources.insert(concrete(&beside(pattern), "ringfence-beside"));
    }
    resources
}

/// A pattern of the same shape that this one does not match.
fn beside(pattern: &str) -> String {
    let parts: Vec<&str> = pattern.splitn(6, ':').collect();
    let [head @ .., rest] = parts.as_slice() else { return pattern.to_owned() };
    format!("{}:{}", head.join(":"), wider_text(rest))
}

fn concrete(pattern: &str, filling: &str) -> String {
    let parts: Vec<&str> = pattern.splitn(6, ':').collect();
    let filled = parts.iter().enumerate().map(|(place, part)| match (place, *part) {
        (1, "*") => "aws".to_owned(),
        (3, "*") => "us-east-1".to_owned(),
        (4, "*") => "123456789012".to_owned(),
        (_, part) => part.replace('*', filling).replace('?', "x"),
    });
    filled.collect::<Vec<_>>().join(":")
}

/// A condition key with the values that it is tried with.
struct Key {
    many: bool,
    /// Those that the original statement wants.
    wanted: BTreeSet<String>,
    /// None stands for the key's absence.
    values: Vec<Option<String>>,
}

/// The keys of the conditions of all versions.
fn keys(versions: &[Value]) -> BTreeMap<String, Key> {
    let mut keys: BTreeMap<String, Key> = BTreeMap::new();
    let blocks = versions.iter().enumerate().filter_map(|(version, statement)| {
        Some((version, statement.get("Condition")?.as_object()?))
    });
    let tests = blocks.flat_map(|(version, operators)| {
        operators.iter().map(move |(operator, tests)| (version, operator, tests))
    });
    for (version, operator, tests) in tests {
        for (name, values) in tests.as_object().into_iter().flatten() {
            let lower = name.to_ascii_lowercase();
            let always = ALWAYS.contains(&lower.as_str())
                || lower.ends_with(":sub")
                || lower.ends_with(":aud");
            let audience = lower.ends_with(":aud");
            let key = keys.entry(lower).or_insert_with(|| Key {
                // The original knows how many values the key has.
                many: version == 0 && operator.contains(':'),
                wanted: BTreeSet::new(),
                values: if always { Vec::new() } else { vec![None] },
            });
            // STS itself refuses audiences that the provider does not have.
            if audience && version > 0 {
                continue;
            }
            for value in texts(Some(values)) {
                let own = concrete(&value, "ringfence");
                if version == 0 {
                    key.wanted.insert(own.clone());
                }
                let other = match value.to_ascii_lowercase().as_str() {
                    "true" => "false".to_owned(),
                    "false" => "true".to_owned(),
                    _ => wider_text(&value).replace('*', "ringfence-beside"),
                };
                let other = (!audience).then_some(other);
                for value in std::iter::once(own).chain(other) {
                    if !key.values.contains(&Some(value.clone())) && key.values.len() < VALUES {
                        key.values.push(Some(value));
                    }
                }
            }
        }
    }
    keys
}

/// Every combination of the keys that an action carries.
fn contexts(
    keys: &BTreeMap<String, Key>,
    any: Option<&Arc<Context>>,
    carried: impl Fn(&str) -> bool,
) -> Vec<Arc<Context>> {
    let mut base = Context::new();
    for name in ["aws:requestedregion", "aws:securetransport"] {
        if let Some(value) = any.and_then(|any| any.get(name)?.as_slice().first()) {
            base.set(name, value);
        }
    }
    let mut contexts = vec![base];
    for (name, key) in keys.iter().filter(|(name, _)| carried(name)) {
        let mut more = Vec::with_capacity(contexts.len() * key.values.len());
        for context in &contexts {
            for value in &key.values {
                let mut context = context.clone();
                match value {
                    None => context.unset(name),
                    Some(value) if key.many => context.set_list(name, [value]),
                    Some(value) => context.set(name, value),
                };
                more.push(context);
            }
        }
        contexts = more;
    }
    contexts.retain(|context| possible(context, keys));
    contexts.into_iter().map(Arc::new).collect()
}

/// Whether keys go together: a function's VPC is that of its subnets, and a
/// subnet never changes its VPC.
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html>
fn possible(context: &Context, keys: &BTreeMap<String, Key>) -> bool {
    const VPC: &str = "lambda:vpcids";
    const SUBNETS: &str = "lambda:subnetids";
    if !keys.contains_key(VPC) || !keys.contains_key(SUBNETS) {
        return true;
    }
    let wanted = |name: &str| {
        let held = context.get(name)?.as_slice().first()?;
        Some(keys.get(name)?.wanted.contains(held))
    };
    wanted(VPC) == wanted(SUBNETS)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_statement_is_tried_within_and_beside_its_patterns() {
        let statement = json!({
            "Effect": "Allow", "Action": "iam:CreateRole",
            "Resource": "arn:aws:iam::123456789012:role/app-*",
            "Condition": {"StringEquals": {
                "iam:PermissionsBoundary": "arn:aws:iam::123456789012:policy/b",
            }},
        });
        let requests = requests(&[statement], &[]);
        let seen: BTreeSet<(String, Option<String>)> = requests
            .iter()
            .map(|asked| {
                let key = asked.context.get("iam:PermissionsBoundary");
                (asked.resource.clone(), key.map(|key| key.as_slice()[0].clone()))
            })
            .collect();
        let role = |name: &str| format!("arn:aws:iam::123456789012:role/{name}");
        let policy = |name: &str| Some(format!("arn:aws:iam::123456789012:policy/{name}"));
        let mut expected = BTreeSet::new();
        for role in [role("app-ringfence"), role("ringfence-beside")] {
            for key in [None, policy("b"), policy("ringfence-beside")] {
                expected.insert((role.clone(), key));
            }
        }
        assert_eq!(seen, expected);
    }

    #[test]
    fn a_key_that_every_request_has_is_never_absent() {
        let statement = json!({
            "Effect": "Allow", "Action": "iam:PassRole", "Resource": "*",
            "Condition": {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}},
        });
        let met = Asked {
            action: "iam:GetRole".into(),
            resource: "arn:aws:iam::123456789012:role/a".into(),
            context: Arc::default(),
            resource_policy: None,
        };
        let requests = requests(&[statement], &[met]);
        assert_eq!(requests.len(), 2);
        assert!(requests.iter().all(|asked| asked.context.get("iam:PassedToService").is_some()));
    }
}
