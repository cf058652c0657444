//! Policies, attachments and memberships of which nobody knows whose they are: each may be
//! that of any identity that could have one.
//!
//! A policy that is known allows whoever has it what it says and nothing else.

use std::sync::Arc;

use ringfence_policy::{Document, Kind};
use serde_json::Value as Json;

use super::bounded;
use super::estate::{Entry, Estate};
use super::grants::Unread;
use super::managed::Managed;
use super::partial::Part;
use super::plan::{IDENTITIES, Plan, Written, document_of};
use crate::lint::terraform::Resource;

impl Plan<'_, '_> {
    /// Bounds the inline policy of a resource, where nobody knows whose it is.
    pub(super) fn inline_of_somebody(&mut self, resource: &Resource) {
        let called = self.called(resource);
        self.of_somebody(resource, &called, &Written::of(self.own, resource));
    }

    /// Bounds the policy that a resource attaches, where nobody knows to whom.
    pub(super) fn attached_to_somebody(&mut self, resource: &Resource) {
        let Some(node) = resource.values.get("policy_arn") else { return };
        match self.managed(resource, "policy_arn", node, Kind::Identity) {
            Ok(Managed::Here(called, written)) => self.of_somebody(resource, &called, &written),
            Ok(Managed::OfAws(document)) => self.bound(resource, vec![document], None),
            // What it says is not known either.
            Ok(Managed::Elsewhere(_) | Managed::Unknown) | Err(_) => {}
        }
    }

    fn of_somebody(&mut self, resource: &Resource, called: &str, written: &Written<'_>) {
        let found = document_of(called, "policy", written.node, Kind::Identity);
        if let Some(document) = found.ok().flatten() {
            self.bound(resource, vec![document], None);
        } else if let Ok(Some((_, most))) = self.in_part(called, written, Kind::Identity) {
            let documents = most.sure.into_iter().chain(most.allows).collect();
            self.bound(resource, documents, written.part);
        }
    }

    /// Notes the most that the policy of a resource allows whoever has it.
    fn bound(&mut self, resource: &Resource, documents: Vec<Arc<Document>>, part: Option<&Part>) {
        let written = documents.first().filter(|_| part.is_none());
        let whole = written.and_then(|one| serde_json::from_str::<Json>(one.text()).ok());
        let whole = whole.map(Part::from);
        let Some(allows) = part.or(whole.as_ref()).and_then(bounded::grants) else { return };
        let name = self.called(resource);
        let Some(entry) = self.estate.entries.get_mut(&name) else { return };
        let Some(why) = entry.unknown.first().filter(|_| !entry.given_to.is_empty()).cloned()
        else {
            return;
        };
        entry.policies.identity.extend(documents);
        entry.unread.push(Unread::of_anything(why).known_in_part(Some(allows)));
    }
}

impl Estate {
    /// What may be given to an identity besides what is known to be its own.
    pub(crate) fn may_be_given<'e>(
        &'e self,
        name: &str,
    ) -> impl Iterator<Item = &'e Entry> + use<'e> {
        let word = word_of(name);
        self.entries.values().filter(move |entry| {
            let is_given = |to: &str| entry.given_to.contains(to);
            let is_its = match word {
                // A user has what its groups have.
                Some("user") => is_given("user") || is_given("group"),
                Some(word) => is_given(word),
                None => false,
            };
            is_its && (entry.unread.is_empty() || !entry.unread.iter().all(Unread::is_nothing))
        })
    }
}

/// What an identity is, by the name of its entry.
fn word_of(name: &str) -> Option<&'static str> {
    let kinds = IDENTITIES.iter().find(|(kind, word)| {
        let is_named = name.strip_prefix(*word).is_some_and(|rest| rest.starts_with('/'));
        is_named || name.contains(&format!("{kind}."))
    });
    kinds.map(|(_, word)| *word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_is_told_by_its_name() {
        for (name, word) in [
            ("role/app", Some("role")),
            ("user/ci", Some("user")),
            ("group/team", Some("group")),
            ("module.m[\"a\"].aws_iam_role.r", Some("role")),
            ("aws_iam_role_policy.p", None),
            ("policies/app", None),
            ("roles", None),
        ] {
            assert_eq!(word_of(name), word, "{name}");
        }
    }
}
