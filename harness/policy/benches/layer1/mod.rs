//! Layer 1's own deployer policies with their boundary, and requests of a
//! deployment, allowed and refused.
//!
//! `policies.json` is what Terraform makes of `terraform/`, with the ids that
//! AWS chooses replaced by their names; a proof in `tests/` says when it is no
//! longer. `requests.json` says for each request what is decided.

use serde_json::{Map, Value, json};

const POLICIES: &str = include_str!("policies.json");
const REQUESTS: &str = include_str!("requests.json");

/// A request with the text of the policies that decide it.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) role: String,
    pub(crate) action: String,
    pub(crate) resource: String,
    pub(crate) context: Vec<(String, Held)>,
    pub(crate) identity: String,
    pub(crate) boundary: String,
    pub(crate) decision: String,
}

/// What a context key holds.
#[derive(Debug, Clone)]
pub(crate) enum Held {
    One(String),
    Many(Vec<String>),
}

impl Case {
    /// The case as a line for `ringfence decide`.
    pub(crate) fn line(&self) -> String {
        let held = |held: &Held| match held {
            Held::One(value) => Value::from(value.as_str()),
            Held::Many(values) => Value::from(values.clone()),
        };
        let context: Map<String, Value> =
            self.context.iter().map(|(key, value)| (key.clone(), held(value))).collect();
        let head = json!({
            "id": 1,
            "principal": format!("arn:aws:sts::123456789012:assumed-role/{}/run", self.role),
            "action": self.action,
            "resource": self.resource,
            "context": context,
        });
        // The documents as they are, in one place for all lines of a role.
        let Self { identity, boundary, .. } = self;
        let head = head.to_string();
        let head = head.strip_suffix('}').unwrap_or_default();
        format!(r#"{head},"policies":{{"identity":[{identity}],"boundary":[{boundary}]}}}}"#)
    }
}

#[expect(clippy::expect_used, reason = "a broken benchmark must stop")]
pub(crate) fn cases() -> Vec<Case> {
    let policies: Value = serde_json::from_str(POLICIES).expect("the policies are JSON");
    let requests: Vec<Value> = serde_json::from_str(REQUESTS).expect("the requests are JSON");
    let policy = |name: &str| policies.get(name).expect("a policy of Layer 1").to_string();
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let held = |value: &Value| match value.as_array() {
        Some(values) => Held::Many(values.iter().map(text).collect()),
        None => Held::One(text(value)),
    };
    let case = |request: &Value| {
        let member = |name: &str| request.get(name).expect("a member of a request");
        let deployer = text(member("deployer"));
        let context = member("context").as_object().expect("keys");
        Case {
            role: deployer.split('[').next().unwrap_or_default().to_owned(),
            action: text(member("action")),
            resource: text(member("resource")),
            context: context.iter().map(|(key, value)| (key.clone(), held(value))).collect(),
            identity: policy(&deployer),
            boundary: policy("deployer_boundary"),
            decision: text(member("decision")),
        }
    };
    requests.iter().map(case).collect()
}
