//! What identities can do at all.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// All that an identity can do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reach {
    /// Whose.
    pub identity: String,
    /// The actions that are allowed at all.
    pub rows: Vec<ReachRow>,
    /// What counts besides and is not decided.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub undecided: Vec<String>,
    /// How many actions were asked about.
    pub actions: usize,
}

/// An action that an identity can do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ReachRow {
    /// Some request for it is allowed.
    Decided(Allowed),
    /// What statements say of it, of which not all may be allowed: an earlier Ringfence
    /// decided nothing.
    AtMost(Stated),
}

/// An action with a smallest request that is allowed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Allowed {
    /// The action.
    pub action: String,
    /// What it acts upon.
    pub resource: String,
    /// The condition keys that the request must carry.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub context: BTreeMap<String, KeyValue>,
    /// The statements that allow it.
    pub allowed_by: Vec<String>,
    /// The resource's policy without which it is not allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub with: Option<String>,
}

/// What a condition key holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum KeyValue {
    /// One value.
    One(String),
    /// A list.
    Many(Vec<String>),
}

/// What statements say of an action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stated {
    /// The action.
    pub action: String,
    /// On what.
    pub resources: Vec<String>,
    /// Under which conditions.
    pub conditions: Vec<String>,
    /// What else limits it: boundary, session, organisation.
    pub limited_by: Vec<String>,
}

impl ReachRow {
    /// The action.
    pub fn action(&self) -> &str {
        match self {
            Self::Decided(one) => &one.action,
            Self::AtMost(one) => &one.action,
        }
    }
}

impl Reach {
    /// Whether it is what statements say, and nothing was decided.
    pub fn is_at_most(&self) -> bool {
        self.rows.iter().any(|row| matches!(row, ReachRow::AtMost(_)))
    }
}

/// `resource with key = value`.
impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.resource)?;
        for (number, (key, value)) in self.context.iter().enumerate() {
            let before = if number == 0 { "with" } else { "and" };
            write!(f, " {before} {key} = {value}")?;
        }
        Ok(())
    }
}

impl fmt::Display for KeyValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(value) => f.write_str(value),
            Self::Many(values) => write!(f, "[{}]", values.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What an earlier Ringfence wrote is read, and written again as it was.
    #[test]
    fn an_upper_bound_is_read_and_stays_one() {
        let earlier = json!({
            "identity": "high-perm",
            "rows": [{"action": "iam:CreateRole", "resources": ["arn:aws:iam::1:role/app-*"],
                      "conditions": [], "limited_by": ["Deny of p"]}],
            "actions": 100,
        });
        let reach: Reach = serde_json::from_value(earlier.clone()).unwrap();
        assert!(reach.is_at_most());
        assert_eq!(reach.rows[0].action(), "iam:CreateRole");
        assert_eq!(serde_json::to_value(&reach).unwrap(), earlier);
    }

    #[test]
    fn a_decided_row_has_its_request() {
        let decided = json!({
            "identity": "high-perm",
            "rows": [{"action": "iam:CreateRole", "resource": "arn:aws:iam::1:role/app-",
                      "context": {"aws:TagKeys": ["a", "b"], "iam:PermissionsBoundary": "limits"},
                      "allowed_by": ["statement 0 of `p`"], "with": "trust of role/r"}],
            "undecided": ["what nobody knows"],
            "actions": 100,
        });
        let reach: Reach = serde_json::from_value(decided.clone()).unwrap();
        assert!(!reach.is_at_most());
        assert_eq!(serde_json::to_value(&reach).unwrap(), decided);
        let [ReachRow::Decided(row)] = &reach.rows[..] else { panic!("{reach:?}") };
        assert_eq!(
            row.to_string(),
            "arn:aws:iam::1:role/app- with aws:TagKeys = [a, b] and iam:PermissionsBoundary = limits"
        );
    }

    /// A row is the one or the other.
    #[test]
    fn a_row_that_is_neither_is_refused() {
        for row in [
            json!({"action": "iam:CreateRole", "resource": "*", "allowed_by": [], "conditions": []}),
            json!({"action": "iam:CreateRole", "resources": ["*"], "conditions": []}),
        ] {
            assert!(serde_json::from_value::<ReachRow>(row).is_err());
        }
    }
}
