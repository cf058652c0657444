//! The rows of the table of means, as `means.json` has them.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::attacks::escalations::{Path, paths};

/// What a means gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::proof::paths) enum Gives {
    /// To act as the identity.
    Session,
    /// Any policy of its own.
    Inline,
    /// Any managed policy.
    Attached,
    /// Any policy in place of a managed one.
    Version,
    /// What a group has.
    Member,
    /// None of the denials of its own policies.
    NoInline,
    /// None of those of managed policies.
    NoAttached,
    /// None of those of a group.
    NoMember,
    /// No boundary.
    NoBoundary,
}

/// Whose policy decides beside the caller's, where a role is assumed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::proof::paths) enum Trust {
    /// None.
    #[default]
    None,
    /// The role's own.
    Own,
    /// One that names the caller.
    Caller,
}

#[derive(Debug, Deserialize)]
pub(super) struct Act {
    pub(super) action: String,
    pub(super) on: String,
    pub(super) gives: Gives,
    #[serde(default)]
    pub(super) trust: Trust,
    #[serde(default)]
    pub(super) then: Option<String>,
    #[serde(default)]
    pub(super) when: Option<(String, String)>,
    /// What else is needed on the same.
    #[serde(default)]
    pub(super) with: Vec<String>,
    /// Why nobody knows whether it gives anything.
    #[serde(default)]
    pub(super) unsure: Option<String>,
}

/// The service that a path's role is handed to.
#[derive(Debug, Deserialize)]
pub(in crate::proof::paths) struct Service {
    /// The paths, by the beginning of their ids; the longest counts.
    pub(super) of: String,
    /// Who the role lets in.
    #[serde(rename = "service")]
    pub(in crate::proof::paths) name: String,
    /// What `iam:PassedToService` says, where that is another.
    #[serde(default)]
    pub(super) passed_to: Option<String>,
    /// Whether it comes with a token.
    #[serde(default)]
    pub(in crate::proof::paths) federated: bool,
    /// Whether the role is handed over in an instance profile.
    #[serde(default)]
    pub(super) profile: bool,
    pub(super) held: Vec<Held>,
    /// What is not followed of that which runs as the role already.
    #[serde(default)]
    pub(super) unfollowed: Option<String>,
}

impl Service {
    /// Whether one of the paths has the action.
    pub(super) fn has(&self, action: &str) -> bool {
        known().any(|path| {
            path.id.starts_with(&self.of) && path.required.iter().any(|one| one == action)
        })
    }
}

/// An action that needs a resource of each of some types.
#[derive(Debug, Deserialize)]
pub(super) struct Whole {
    pub(super) action: String,
    pub(super) types: Vec<String>,
}

/// A type of resource that runs as a role.
#[derive(Debug, Deserialize)]
pub(in crate::proof::paths) struct Held {
    #[serde(rename = "type")]
    pub(in crate::proof::paths) kind: String,
    /// The attribute that names the role.
    pub(in crate::proof::paths) role: String,
    /// The form of its ARN.
    pub(in crate::proof::paths) arn: String,
    /// The attribute without which nothing of it can be entered.
    #[serde(default)]
    pub(in crate::proof::paths) only: Option<String>,
}

/// A type of resource that is acted upon.
#[derive(Debug, Deserialize)]
pub(in crate::proof::paths) struct ThingType {
    pub(in crate::proof::paths) name: String,
    #[serde(rename = "type")]
    pub(in crate::proof::paths) kind: String,
    pub(in crate::proof::paths) arn: String,
    pub(in crate::proof::paths) policies: Vec<PolicyType>,
}

/// A type of resource with a policy of another.
#[derive(Debug, Deserialize)]
pub(in crate::proof::paths) struct PolicyType {
    #[serde(rename = "type")]
    pub(in crate::proof::paths) kind: String,
    /// The attribute that names the other.
    pub(in crate::proof::paths) of: String,
}

/// A protected document, and what changes it.
#[derive(Debug, Deserialize)]
pub(in crate::proof::paths) struct Protected {
    pub(in crate::proof::paths) gain: String,
    pub(in crate::proof::paths) on: String,
    pub(super) actions: Vec<String>,
    /// What takes something away, with what that is.
    #[serde(default)]
    pub(super) taken: BTreeMap<String, Taken>,
}

/// What is taken away of an identity or a group: where it has none, nothing changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::proof::paths) enum Taken {
    /// A policy of its own.
    Inline,
    /// A managed policy.
    Attached,
    /// The boundary.
    Boundary,
    /// A user of a group.
    Member,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct File {
    pub(super) acts: Vec<Act>,
    pub(super) services: Vec<Service>,
    pub(super) paths: Vec<Path>,
    pub(super) whole: Vec<Whole>,
    pub(super) anywhere: Vec<String>,
    /// Paths by which it is not known whether anything is gained, by their ids: why.
    pub(super) unsure: BTreeMap<String, String>,
    pub(super) things: Vec<ThingType>,
    pub(super) protected: Vec<Protected>,
}

/// The table is part of the program; were it unreadable, a test says so.
pub(super) static FILE: LazyLock<File> =
    LazyLock::new(|| serde_json::from_str(include_str!("../means.json")).unwrap_or_default());

/// All known paths: those that are tried as attacks, and those that were published
/// since.
pub fn known() -> impl Iterator<Item = &'static Path> {
    paths().iter().chain(&FILE.paths)
}
