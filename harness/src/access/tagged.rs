//! The tags of users and roles in the files, which their requests carry: `aws:PrincipalTag` of a
//! user is a tag of the user
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principaltag>).
//! The tags of a session that a user federates, and of a role's, are the session's besides: what
//! those are, the files do not say. "You must have the `sts:TagSession` permission in the trust
//! policies" of roles whose sessions have some
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html>).
//!
//! Whoever may tag a user or a role may change them: what it can with others alone is not decided.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ringfence_policy::symbolic::{Action, Effect, StatementView, statements};
use ringfence_policy::{Document, Kind, Principal};
use serde_json::{Value as Json, json};

use super::estate::{Entry, Estate};
use crate::lint::known::{Node, Value};
use crate::lint::terraform::Resource;

/// The condition key of a caller's tag, up to the tag's own: condition keys do not tell
/// capitals apart.
pub(super) const KEY: &str = "aws:principaltag/";

/// What lets a session have tags of its own.
const TAG_SESSION: &str = "sts:TagSession";

/// The tags of a user or a role, as far as they are known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tags {
    /// Each by its key in small letters; `None` where its value is not known.
    known: BTreeMap<String, Option<String>>,
    /// Whether it has no others.
    are_all: bool,
}

impl Tags {
    /// Of its resource. With what the provider adds to its own (`default_tags`) these are
    /// all; its own alone are some of them, whatever is added
    /// (<https://registry.terraform.io/providers/hashicorp/aws/latest/docs/guides/resource-tagging#propagating-tags-to-all-resources>).
    fn of(resource: &Resource) -> Self {
        let map = |name: &str| match resource.values.get(name).map(|node| &node.value) {
            Some(Value::Map(members)) => Some(members),
            _ => None,
        };
        let (written, are_all) = match (map("tags_all"), map("tags")) {
            (Some(all), _) => (all.as_slice(), true),
            (None, Some(own)) => (own.as_slice(), false),
            (None, None) => (&[][..], false),
        };
        let mut known: BTreeMap<String, Option<String>> = BTreeMap::new();
        for one in written {
            let value = one.value.text().map(str::to_owned);
            // Which of two counts that differ by capitals alone, nobody knows.
            let there = known.entry(one.key.to_lowercase());
            there.and_modify(|value| *value = None).or_insert(value);
        }
        Self { known, are_all }
    }

    /// What a condition key is of the user's requests: one value, or absent; `None` where that
    /// is not known, or it is no key of a caller's tag.
    fn value(&self, key: &str) -> Option<Option<&str>> {
        let tag = key.strip_prefix(KEY)?;
        match self.known.get(tag) {
            Some(value) => value.as_deref().map(Some),
            None => self.are_all.then_some(None),
        }
    }

    /// Whether it is known what a condition key is of the user's requests.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.value(&key.to_lowercase()).is_some()
    }

    /// The condition keys that some policies ask for, in small letters, each with what it is.
    pub(crate) fn asked_for<'d>(
        &self,
        documents: impl Iterator<Item = &'d Arc<Document>>,
    ) -> BTreeMap<String, Option<&str>> {
        let keys = documents.flat_map(|document| document.context_keys()).map(str::to_lowercase);
        let keys: BTreeSet<String> = keys.collect();
        keys.into_iter().filter_map(|key| Some((key.clone(), self.value(&key)?))).collect()
    }

    /// A Deny of all requests that carry other tags than these, of those that policies ask for.
    fn others<'d>(&self, asked: impl Iterator<Item = &'d Arc<Document>>) -> Option<Arc<Document>> {
        let denies = self.asked_for(asked).into_iter().map(|(key, value)| {
            let condition = match value {
                Some(value) => json!({"StringNotEquals": {key: value}}),
                None => json!({"Null": {key: "false"}}),
            };
            json!({"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": condition})
        });
        let denies: Vec<Json> = denies.collect();
        if denies.is_empty() {
            return None;
        }
        let text = json!({"Version": "2012-10-17", "Statement": denies}).to_string();
        Document::parse("the user's tags", &text, Kind::Identity).ok().map(Arc::new)
    }
}

impl Estate {
    /// The tags of the user with an ARN, where a plan or a state makes it.
    pub(crate) fn tags_of_user(&self, arn: &str) -> Option<Tags> {
        self.tags_of("aws_iam_user", arn)
    }

    /// The same of a role whose sessions have no tags of their own.
    fn tags_of_role(&self, arn: &str) -> Option<Tags> {
        let is_it = |entry: &&Entry| {
            matches!(&entry.principal,
                Some(Principal::RoleSession { role_arn, .. }) if **role_arn == *arn)
        };
        let (name, _) = self.entries.iter().find(|(_, entry)| is_it(entry))?;
        let trust = self.entries.get(&format!("trust of {name}"))?;
        let policy = trust.policies.resource.as_ref().filter(|_| trust.unknown.is_empty())?;
        let tags = Action::parse(TAG_SESSION);
        let lets = |one: StatementView<'_>| one.effect() == Effect::Allow && one.is_about(&tags);
        (!statements(policy).any(lets)).then(|| self.tags_of("aws_iam_role", arn))?
    }

    fn tags_of(&self, kind: &str, arn: &str) -> Option<Tags> {
        let is_it = |one: &&Resource| {
            let own = one.values.get("arn").and_then(Node::text);
            one.kind == kind && !one.is_data && own == Some(arn)
        };
        self.resources.iter().find(is_it).map(Tags::of)
    }

    /// What the tags of somebody, called so, keep it back from, where some policies ask for them,
    /// and why that is not certain.
    pub(crate) fn kept_back_by_tags<'d>(
        &self,
        who: &str,
        principal: Option<&Principal>,
        asked: impl Iterator<Item = &'d Arc<Document>>,
    ) -> Option<(String, Arc<Document>)> {
        let tags = match principal? {
            Principal::User { arn } => self.tags_of_user(arn),
            Principal::RoleSession { role_arn, .. } => self.tags_of_role(role_arn),
            _ => None,
        };
        let why = format!("the tags of `{who}` in the files are others than it takes");
        Some((why, tags?.others(asked)?))
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::access::complete::tree;

    const ARN: &str = "arn:aws:iam::123456789012:user/u";

    fn tags(values: &Json) -> Tags {
        let mut values = values.clone();
        values["arn"] = json!(ARN);
        let values = tree(ringfence_text::Place::START, &values);
        let user = Resource {
            address: "aws_iam_user.u".to_owned(),
            kind: "aws_iam_user".to_owned(),
            is_data: false,
            values,
        };
        let estate = Estate { resources: vec![user], ..Estate::default() };
        estate.tags_of_user(ARN).unwrap()
    }

    /// What `aws:PrincipalTag/team` is: another text, absent (`-`) or not known (`?`).
    #[rstest]
    #[case::there(json!({"tags_all": {"Team": "a"}}), "a")]
    #[case::not_there(json!({"tags_all": {"other": "a"}}), "-")]
    #[case::none_at_all(json!({"tags_all": {}}), "-")]
    #[case::of_the_provider_too(json!({"tags": {}, "tags_all": {"team": "b"}}), "b")]
    #[case::its_own(json!({"tags": {"team": "a"}}), "a")]
    #[case::what_the_provider_adds_is_not_known(json!({"tags": {"other": "a"}}), "?")]
    #[case::nothing_is_known(json!({}), "?")]
    #[case::two_that_differ_by_capitals(json!({"tags_all": {"team": "a", "TEAM": "b"}}), "?")]
    fn a_tag_is_what_the_files_say(#[case] values: Json, #[case] expected: &str) {
        let tags = tags(&values);
        let value = tags.value("aws:principaltag/team");
        assert_eq!(value.map_or("?", |value| value.unwrap_or("-")), expected);
        assert_eq!(tags.has("aws:PrincipalTag/Team"), expected != "?");
        assert!(!tags.has("aws:ResourceTag/team") && !tags.has("aws:username"));
    }

    #[test]
    fn a_value_that_is_not_known_is_of_no_other_tag() {
        let mut node = tree(ringfence_text::Place::START, &json!({"a": "b", "team": "x"}));
        if let Some(team) = node.get_mut("team") {
            team.value = Value::Unknown;
        }
        let mut values = tree(ringfence_text::Place::START, &json!({"tags_all": {}}));
        if let Some(all) = values.get_mut("tags_all") {
            *all = node;
        }
        let (address, kind) = ("aws_iam_user.u".to_owned(), "aws_iam_user".to_owned());
        let tags = Tags::of(&Resource { address, kind, is_data: false, values });
        assert_eq!(tags.value("aws:principaltag/team"), None);
        assert_eq!(tags.value("aws:principaltag/a"), Some(Some("b")));
        assert_eq!(tags.value("aws:principaltag/b"), Some(None));
    }

    #[test]
    fn what_policies_ask_for_alone_is_kept_back() {
        let text = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
            "Action": "s3:*", "Resource": "arn:aws:s3:::b/${aws:PrincipalTag/Team}/*",
            "Condition": {"StringEquals": {"aws:ResourceTag/a": "b"}}}]});
        let policy = Document::parse("p", &text.to_string(), Kind::Identity).unwrap();
        let policy = Arc::new(policy);
        let own = tags(&json!({"tags_all": {"team": "a", "other": "b"}}));
        let asked = own.asked_for([&policy].into_iter());
        assert_eq!(asked, [("aws:principaltag/team".to_owned(), Some("a"))].into());
        let others = own.others([&policy].into_iter()).unwrap();
        assert!(others.text().contains(r#"{"StringNotEquals":{"aws:principaltag/team":"a"}}"#));
        assert!(tags(&json!({})).others([&policy].into_iter()).is_none());
    }
}
