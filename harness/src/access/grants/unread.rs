//! What is granted and not read: the most that it may be.

use std::sync::Arc;

use ringfence_policy::{Document, DocumentError, Kind, Principal, Wildcard};
use serde_json::{Value as Json, json};

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
    /// The Allows of a policy that is known in part, each the widest that it may be.
    known: Option<Vec<Json>>,
}

impl Unread {
    /// Of a resource, which names whom it lets in by an attribute.
    pub(crate) fn of(resource: &Resource, why: String, principal: &str) -> Self {
        let actions = services::actions(&resource.kind);
        let to = resource.values.get(principal).and_then(named);
        let on = services::on(resource);
        Self { why, actions, on, to, values: written(&resource.values), known: None }
    }

    /// A policy of which a part is known: its Allows, each the widest that it may be.
    pub(crate) fn known_in_part(self, allows: Option<Vec<Json>>) -> Self {
        Self { known: allows, ..self }
    }

    /// Of a resource of a template, by its type.
    pub(crate) fn of_template(kind: &str, why: String) -> Self {
        Self {
            why,
            actions: services::actions(kind),
            on: services::anything(),
            to: None,
            values: None,
            known: None,
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
            known: None,
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
            && (self.known.is_none() || self.known == other.known)
    }

    /// Whether it is known that it allows nothing.
    pub(crate) fn is_nothing(&self) -> bool {
        self.known.as_ref().is_some_and(Vec::is_empty)
    }

    /// What it may act upon and whom it may name, as policies have it.
    pub(crate) fn patterns(&self) -> impl Iterator<Item = &str> {
        let mut all: Vec<&str> =
            self.on.iter().chain(self.to.iter().flatten()).map(|it| &**it).collect();
        let mut open: Vec<&Json> = self.known.iter().flatten().collect();
        while let Some(value) = open.pop() {
            match value {
                Json::String(text) => all.push(text),
                Json::Array(items) => open.extend(items),
                Json::Object(members) => open.extend(members.values()),
                Json::Null | Json::Bool(_) | Json::Number(_) => {}
            }
        }
        all.into_iter()
    }

    /// Whether it may allow an action.
    pub(crate) fn may_allow(&self, action: &str) -> bool {
        let is_of = |one: &str| Wildcard::of_actions(one).matches(action);
        let is_about = |allow: &Json| match allow.get("Action") {
            Some(Json::String(one)) => is_of(one),
            Some(Json::Array(all)) => all.iter().any(|one| one.as_str().is_none_or(is_of)),
            _ => true,
        };
        let is_known = self.known.as_ref().is_none_or(|allows| allows.iter().any(is_about));
        is_known && self.actions.iter().any(|one| is_of(one))
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
        let whom = std::iter::once(json!("*")).chain(own.map(|arn| json!({"AWS": arn})));
        let statements: Vec<Json> = match &self.known {
            // Whom a policy names a boundary does not always limit.
            None => whom.map(statement).collect(),
            Some(allows) if allows.is_empty() => {
                vec![json!({"Effect": "Allow", "Principal": "*", "NotAction": "*",
                    "Resource": "*"})]
            }
            Some(allows) => {
                let whom: Vec<Json> = whom.collect();
                allows.iter().flat_map(|allow| self.about_its_own(allow, &whom)).collect()
            }
        };
        let text = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
        Document::parse(self.why.clone(), &text, Kind::Resource).map(Arc::new)
    }

    /// A statement for each whom it may let in, about actions and resources of its own where it
    /// says nothing of them, or says them in short.
    fn about_its_own(&self, allow: &Json, whom: &[Json]) -> Vec<Json> {
        let Some(members) = allow.as_object() else { return Vec::new() };
        let mut members = members.clone();
        let is_any = |one: &Json| *one == json!("*") || *one == json!(["*"]);
        if members.get("Action").is_some_and(is_any) {
            members.insert("Action".to_owned(), json!(self.actions));
        }
        let is_whole = |text: &Json| text.as_str().is_some_and(|text| text.starts_with("arn:"));
        let is_said = match (members.get("Resource"), members.get("NotResource")) {
            (Some(Json::Array(all)), None) => all.iter().all(is_whole),
            (Some(one), None) => is_whole(one),
            (None, Some(_)) => true,
            _ => false,
        };
        if !is_said {
            members.insert("Resource".to_owned(), json!(self.on));
        }
        if ["Principal", "NotPrincipal"].iter().any(|key| members.contains_key(*key)) {
            return vec![Json::Object(members)];
        }
        let with = |principal: &Json| {
            let mut members = members.clone();
            members.insert("Principal".to_owned(), principal.clone());
            Json::Object(members)
        };
        whom.iter().map(with).collect()
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
