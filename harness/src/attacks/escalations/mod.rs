//! Known ways from some permissions to more: every path that
//! [pathfinding.cloud](https://pathfinding.cloud) lists, tried by every
//! identity.
//!
//! The paths are data (`paths.json`, Apache-2.0, Datadog). What a path needs is
//! tried on the resource that would make it one: another team's role, another
//! deployer, the identity itself. Where the guard serves the first call that
//! must be refused, that call is made ([`calls`]); for the rest the
//! authorization alone is decided ([`questions`]).
//!
//! Three paths succeed by design: a deployer replaces its own function's code
//! (lambda-003, lambda-004), and a stack deployer makes roles under the
//! boundary. `inside` goes to their end and shows what the boundary stops.

pub mod calls;
pub mod decided;
pub mod questions;

use std::sync::LazyLock;

use serde::Deserialize;

use super::finding::{Finding, Road, Scope, Untried, Verdict};
use crate::guard_rail::GuardRail;

/// What all these attacks are about.
pub const PATHS: GuardRail = GuardRail::Paths;

/// A way from some permissions to more.
#[derive(Debug, Clone, Deserialize)]
pub struct Path {
    /// `iam-001`, ….
    pub id: String,
    /// `iam:CreatePolicyVersion`, ….
    pub name: String,
    /// What it leads to.
    pub category: Category,
    /// The actions without which it is none.
    pub required: Vec<String>,
}

/// What a path leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Category {
    /// More permissions for the identity itself.
    SelfEscalation,
    /// Another identity's.
    PrincipalAccess,
    /// Those of a role that is handed to a service.
    NewPassrole,
    /// Those of a role that a service has already.
    ExistingPassrole,
}

#[derive(Deserialize)]
struct File {
    paths: Vec<Path>,
}

/// All paths, by id. The file is part of the program; were it unreadable, there
/// would be none, and a test says so.
pub fn paths() -> &'static [Path] {
    static PATHS: LazyLock<Vec<Path>> = LazyLock::new(|| {
        serde_json::from_str::<File>(include_str!("paths.json"))
            .map(|file| file.paths)
            .unwrap_or_default()
    });
    &PATHS
}

impl Path {
    /// The id of a finding about it.
    pub fn finding_id(&self, identity: &str, road: Road) -> String {
        format!("{identity}/{}/{road}", self.id)
    }

    /// What is told of it where there is nothing to try it on.
    pub fn not_applicable(&self, identity: &str, road: Road, why: &str) -> Finding {
        let told = Untried {
            id: self.finding_id(identity, road),
            guard_rail: PATHS,
            identity: identity.to_owned(),
            road,
            scope: Scope::Decided,
            title: format!("{identity} cannot gain permissions by {} ({})", self.name, self.id),
            expected: "at least one of the required actions is refused".to_owned(),
        };
        Finding::untried(told, Verdict::NotApplicable, why)
    }

    /// Whether the path is one of those that succeed by design on what is the
    /// identity's own.
    pub fn by_design(&self) -> bool {
        matches!(self.id.as_str(), "lambda-003" | "lambda-004")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lint finds the paths of one action, and two more of older research.
    #[test]
    fn lint_knows_the_paths_of_one_action() {
        let mut expected: Vec<&str> = paths()
            .iter()
            .filter_map(|path| match path.required.as_slice() {
                [one] => Some(one.as_str()),
                _ => None,
            })
            .chain(["ec2-instance-connect:SendSSHPublicKey", "iam:SetDefaultPolicyVersion"])
            .collect();
        expected.sort_unstable();
        let known = ringfence_policy::lint::ESCALATING.map(|(action, ..)| action);
        assert_eq!(known.as_slice(), expected.as_slice());
    }

    #[test]
    fn all_paths_can_be_read() {
        assert_eq!(paths().len(), 65);
        let ids: std::collections::BTreeSet<&str> =
            paths().iter().map(|path| path.id.as_str()).collect();
        assert_eq!(ids.len(), 65);
        assert!(paths().iter().all(|path| !path.required.is_empty()));
    }
}
