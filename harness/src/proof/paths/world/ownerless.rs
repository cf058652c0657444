//! Policies, attachments and memberships of which nobody knows whose they are: each may be of
//! every identity of its kind.

use std::sync::Arc;

use ringfence_models::managed;
use ringfence_policy::{Document, Kind as Kinds};
use serde_json::{Value as Json, json};

use super::Kind;
use crate::access::estate::{Entry, Estate};
use crate::lint::terraform::Resource;
use crate::proof::paths::grown::everything;
use crate::proof::paths::read::attribute;

/// One of them.
#[derive(Debug)]
pub(super) struct Ownerless {
    /// Why nobody knows whose it is.
    pub(super) why: String,
    /// Whether it is a role's, or else a user's.
    is_of_roles: bool,
    /// What it says; `None` where that is not known: it may say anything.
    document: Option<Arc<Document>>,
}

impl Ownerless {
    pub(super) fn may_be_of(&self, kind: Kind) -> bool {
        self.is_of_roles == (kind == Kind::Role)
    }

    pub(super) const fn is_known(&self) -> bool {
        self.document.is_some()
    }

    /// The most that it allows.
    pub(super) fn allows(&self) -> Option<Arc<Document>> {
        match &self.document {
            Some(document) => only(document, "Allow"),
            None => everything(),
        }
    }

    /// What it denies, where that is known.
    pub(super) fn denies(&self) -> Option<Arc<Document>> {
        self.document.as_ref().and_then(|document| only(document, "Deny"))
    }
}

/// Those of an estate: the entry of each is called as the resource, and says which attribute of
/// it is not known.
pub(super) fn ownerless(estate: &Estate) -> Vec<Ownerless> {
    let mut all = Vec::new();
    for (name, entry) in &estate.entries {
        for why in &entry.unknown {
            let Some(is_of_roles) = is_of_roles(name, why) else { continue };
            let document = document(estate, name);
            all.push(Ownerless { why: why.clone(), is_of_roles, document });
        }
    }
    all
}

/// Whether an entry is one of them.
pub(super) fn is_ownerless(name: &str, entry: &Entry) -> bool {
    entry.unknown.iter().any(|why| is_of_roles(name, why).is_some())
}

/// Whether what is not known whose it is, is a role's, or else a user's; `None` where its owner
/// is not what is not known.
fn is_of_roles(name: &str, why: &str) -> Option<bool> {
    let is_somebodys =
        ["role/", "user/", "group/", "trust of "].iter().any(|before| name.starts_with(before));
    if is_somebodys || !name.contains("aws_iam_") {
        return None;
    }
    let said = why.strip_prefix(name)?.strip_prefix(": ")?;
    match said.strip_prefix("how ").unwrap_or(said).split(' ').next()? {
        "role" | "roles" | "role_name" => Some(true),
        // Who is of a group is a user.
        "user" | "users" | "user_name" | "group" | "groups" | "group_name" => Some(false),
        // Of an identity whose name is not known.
        _ => None,
    }
}

/// What a resource of a name gives.
fn document(estate: &Estate, name: &str) -> Option<Arc<Document>> {
    let mut all = estate.resources.iter().filter(|one| !one.is_data);
    let own = all.find(|one| one.address == name)?;
    let parse = |name: &str, text: &str| Document::parse(name.to_owned(), text, Kinds::Identity);
    let parsed = match own.kind.as_str() {
        "aws_iam_role_policy" | "aws_iam_user_policy" | "aws_iam_group_policy" => {
            parse(name, attribute(own, "policy")?)
        }
        kind if kind.ends_with("policy_attachment") => {
            let arn = attribute(own, "policy_arn")?;
            let is_it = |one: &&Resource| {
                one.kind == "aws_iam_policy" && !one.is_data && attribute(one, "arn") == Some(arn)
            };
            match estate.resources.iter().find(is_it) {
                Some(policy) => parse(&policy.address, attribute(policy, "policy")?),
                None => parse(arn, &managed::find(arn)?.document),
            }
        }
        // What a group has may be more than is known.
        _ => return None,
    };
    parsed.ok().map(Arc::new)
}

/// The statements of a document that have an effect.
fn only(document: &Document, effect: &str) -> Option<Arc<Document>> {
    let mut text: Json = serde_json::from_str(document.text()).ok()?;
    let statements = match text.get_mut("Statement")?.take() {
        Json::Array(all) => all,
        one => vec![one],
    };
    let is_it = |one: &Json| one.get("Effect").and_then(Json::as_str) == Some(effect);
    let kept: Vec<Json> = statements.into_iter().filter(is_it).collect();
    if kept.is_empty() {
        return None;
    }
    text.as_object_mut()?.insert("Statement".to_owned(), json!(kept));
    let own = Document::parse(document.name().to_owned(), &text.to_string(), Kinds::Identity);
    own.ok().map(Arc::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_parted_by_effect() {
        let text = r#"{"Version":"2012-10-17","Statement":[
            {"Effect":"Allow","Action":"s3:*","Resource":"*"},
            {"Effect":"Deny","Action":"sqs:*","Resource":"*"}]}"#;
        let both = Document::parse("p", text, Kinds::Identity).unwrap();
        let allows = only(&both, "Allow").unwrap();
        let denies = only(&both, "Deny").unwrap();
        assert!(allows.text().contains("s3:*") && !allows.text().contains("sqs:*"));
        assert!(denies.text().contains("sqs:*") && !denies.text().contains("s3:*"));
        assert!(only(&allows, "Deny").is_none());
    }
}
