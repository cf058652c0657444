//! A policy within the bounds of what it is about.

use std::sync::Arc;

use ringfence_policy::{Document, Kind, Wildcard};
use serde_json::{Value as Json, json};

/// A policy about some resources, all where there are none, and some actions alone.
pub(in crate::access) fn bound(
    policy: &Arc<Document>,
    own: &[String],
    about: &[String],
) -> Arc<Document> {
    let made = || {
        let mut text: Json = serde_json::from_str(policy.text()).ok()?;
        let written = text.get_mut("Statement")?;
        let mut all = match written.take() {
            Json::Array(all) => all,
            one => vec![one],
        };
        let (mut of_others, mut on_others) = (false, false);
        for allow in all.iter().filter(|one| one.get("Effect") == Some(&json!("Allow"))) {
            of_others |= !is_within(allow.get("Action"), about, Wildcard::of_actions);
            on_others |= !is_within(allow.get("Resource"), own, Wildcard::of_text);
        }
        let before = all.len();
        all.extend(of_other_actions(about).filter(|_| of_others));
        all.extend(on_other_resources(own).filter(|_| on_others));
        let is_more = all.len() > before;
        *text.get_mut("Statement")? = Json::Array(all);
        is_more.then_some(text.to_string())
    };
    let made = made().and_then(|it| Document::parse(policy.name(), &it, policy.kind()).ok());
    made.map_or_else(|| Arc::clone(policy), Arc::new)
}

fn deny(action: (&str, Json), resource: (&str, Json)) -> Json {
    json!({"Effect": "Deny", "Principal": "*", action.0: action.1, resource.0: resource.1})
}

fn is_any(all: &[String]) -> bool {
    all.is_empty() || all.iter().any(|one| one == "*")
}

fn of_other_actions(about: &[String]) -> Option<Json> {
    let is_bound = !is_any(about);
    is_bound.then(|| deny(("NotAction", json!(about)), ("Resource", json!("*"))))
}

fn on_other_resources(own: &[String]) -> Option<Json> {
    let is_bound = !is_any(own);
    is_bound.then(|| deny(("Action", json!("*")), ("NotResource", json!(own))))
}

/// What a resource's policy is about: patterns of its own resource and of actions, anything
/// where there are none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Region {
    pub(in crate::access) own: Vec<String>,
    pub(in crate::access) about: Vec<String>,
}

impl Region {
    /// Denies of all else.
    pub(in crate::access) fn others(&self) -> Vec<Json> {
        of_other_actions(&self.about).into_iter().chain(on_other_resources(&self.own)).collect()
    }

    /// A Deny of it; `None` where it is everything.
    pub(in crate::access) fn itself(&self) -> Option<Json> {
        let of = |all: &[String]| if is_any(all) { json!("*") } else { json!(all) };
        let is_everything = is_any(&self.about) && is_any(&self.own);
        (!is_everything).then(|| deny(("Action", of(&self.about)), ("Resource", of(&self.own))))
    }

    /// Whether the other is of the same resource, which one of them may tell in less detail
    /// (`arn:*:kms:*:*:key/k1`).
    pub(in crate::access) fn is_of_same(&self, other: &Self) -> bool {
        let is_known = !is_any(&self.own) && !is_any(&other.own);
        let are_of = |own: &[String], others: &[String]| {
            own.iter().all(|one| others.iter().any(|it| Wildcard::of_text(it).matches(one)))
        };
        let is_within = || are_of(&self.own, &other.own) || are_of(&other.own, &self.own);
        self.about == other.about && (self.own == other.own || (is_known && is_within()))
    }
}

/// A resource's policy with Denies besides; of a resource that has none, but for which another
/// stands elsewhere, one that says nothing else. `None` where that is no policy.
pub(in crate::access) fn beside(
    policy: Option<&Arc<Document>>,
    other: &Document,
    denies: &[Json],
) -> Option<Arc<Document>> {
    let Some(policy) = policy else {
        let statements = std::iter::once(nothing(other.kind())).chain(denies.iter().cloned());
        let statements: Vec<Json> = statements.collect();
        let text = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
        return Document::parse(other.name(), &text, other.kind()).ok().map(Arc::new);
    };
    if denies.is_empty() {
        return Some(Arc::clone(policy));
    }
    let mut text: Json = serde_json::from_str(policy.text()).ok()?;
    let written = text.get_mut("Statement")?;
    let mut all = match written.take() {
        Json::Array(all) => all,
        one => vec![one],
    };
    all.extend(denies.iter().cloned());
    *written = Json::Array(all);
    Document::parse(policy.name(), &text.to_string(), policy.kind()).ok().map(Arc::new)
}

/// A statement that lets nobody do anything: of a role whoever is not let in cannot take it, and
/// of others there is no action that none is.
fn nothing(kind: Kind) -> Json {
    match kind {
        Kind::Trust => json!({"Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRole"}),
        _ => json!({"Effect": "Allow", "Principal": "*", "NotAction": "*", "Resource": "*"}),
    }
}

/// Whether each of the texts of an element is of one of some patterns; one that is not there is
/// about everything.
fn is_within(element: Option<&Json>, patterns: &[String], of: fn(&str) -> Wildcard) -> bool {
    let is_one = |text: &Json| {
        let own = |text: &str| patterns.iter().any(|one| of(one).matches(text));
        text.as_str().is_some_and(own)
    };
    match element {
        Some(Json::Array(all)) => all.iter().all(is_one),
        Some(one) => is_one(one),
        None => false,
    }
}
