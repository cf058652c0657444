//! What is granted and not read: the most that it may be.

use std::sync::Arc;

use ringfence_policy::{Document, DocumentError, Kind, Principal, Wildcard};
use serde_json::json;

use super::{services, written};
use crate::lint::known::{Node, Value};
use crate::lint::terraform::Resource;

/// What a resource may let somebody do, where nobody knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unread {
    /// Why it is not known.
    pub(crate) why: String,
    /// The actions that may be allowed, as a policy has them.
    actions: Vec<String>,
    /// What they may act upon.
    on: Vec<String>,
    /// Whom it names, where that is known.
    to: Option<Vec<String>>,
    /// All that stands there, where it is known.
    values: Option<String>,
}

impl Unread {
    /// Of a resource, which names whom it lets in by an attribute.
    pub(crate) fn of(resource: &Resource, why: String, principal: &str) -> Self {
        let actions = services::actions(&resource.kind);
        let to = resource.values.get(principal).and_then(named);
        let on = services::on(resource);
        Self { why, actions, on, to, values: written(&resource.values) }
    }

    /// Of a resource of a template, by its type.
    pub(crate) fn of_template(kind: &str, why: String) -> Self {
        Self {
            why,
            actions: services::actions(kind),
            on: services::anything(),
            to: None,
            values: None,
        }
    }

    /// Of what may make or grant anything.
    pub(crate) fn of_anything(why: String) -> Self {
        Self {
            why,
            actions: vec!["*".to_owned()],
            on: services::anything(),
            to: None,
            values: None,
        }
    }

    /// Whether it may make or grant anything.
    pub(crate) fn is_anything(&self) -> bool {
        self.actions.iter().any(|one| one == "*")
    }

    /// That it is the same on both sides, whatever it is.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        self.values.is_some() && self == other
    }

    /// Whether it may allow all that another may.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        let is_there = |one: &String| self.actions.contains(one);
        (self.is_anything() || other.actions.iter().all(is_there))
            && (self.on == services::anything() || self.on == other.on)
            && (self.to.is_none() || self.to == other.to)
    }

    /// Whether it may allow an action.
    pub(crate) fn may_allow(&self, action: &str) -> bool {
        self.actions.iter().any(|one| Wildcard::of_actions(one).matches(action))
    }

    /// The most that it may allow anybody, of whatever account, and services.
    ///
    /// # Errors
    /// None that is known.
    pub(crate) fn most_for_anybody(&self) -> Result<Arc<Document>, DocumentError> {
        self.document(None)
    }

    /// The most that it may allow a caller of the account; `None` where it names others
    /// alone.
    ///
    /// # Errors
    /// Where the caller cannot stand in a policy.
    pub(crate) fn most(
        &self,
        caller: Option<&Principal>,
    ) -> Result<Option<Arc<Document>>, DocumentError> {
        let (names, own): (Vec<&str>, Option<&str>) = match caller {
            Some(Principal::User { arn }) => (vec![arn], Some(arn)),
            Some(Principal::RoleSession { role_arn, session_arn }) => {
                (vec![role_arn, session_arn], Some(session_arn))
            }
            _ => (Vec::new(), None),
        };
        let is_named = |to: &String| {
            names.contains(&to.as_str()) || !(is_of_others(to) || (own.is_some() && is_iam(to)))
        };
        if self.to.as_ref().is_some_and(|to| !to.iter().any(is_named)) {
            return Ok(None);
        }
        self.document(own).map(Some)
    }

    /// All that may be allowed, to everybody and to one by name.
    fn document(&self, own: Option<&str>) -> Result<Arc<Document>, DocumentError> {
        let statement = |principal| {
            json!({"Effect": "Allow", "Principal": principal, "Action": self.actions,
                "Resource": self.on})
        };
        let mut statements = vec![statement(json!("*"))];
        // Whom a policy names a boundary does not always limit.
        statements.extend(own.map(|arn| statement(json!({"AWS": arn}))));
        let text = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
        Document::parse(self.why.clone(), &text, Kind::Resource).map(Arc::new)
    }
}

/// The texts of an attribute; `None` where they are not all known, or there are none.
fn named(node: &Node) -> Option<Vec<String>> {
    let all = match &node.value {
        Value::Text(text) => vec![text.clone()],
        Value::List(items) => {
            items.iter().map(|item| item.text().map(str::to_owned)).collect::<Option<_>>()?
        }
        _ => return None,
    };
    (!all.is_empty() && !all.iter().any(String::is_empty)).then_some(all)
}

/// Whether it is an account or an organization, of which each identity needs its own
/// policies besides, or a service.
fn is_of_others(to: &str) -> bool {
    let is_account = to.len() == 12 && to.bytes().all(|one| one.is_ascii_digit());
    is_account
        || to.contains(":organizations::")
        || (to.starts_with("arn:") && to.ends_with(":root"))
        || (!to.starts_with("arn:") && to.ends_with(".amazonaws.com"))
}

/// Whether it is one identity.
fn is_iam(to: &str) -> bool {
    to.starts_with("arn:")
        && [":user/", ":role/", ":assumed-role/"].iter().any(|kind| to.contains(kind))
}
