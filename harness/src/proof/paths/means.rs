//! By what one identity gains another: the table of means, with the known paths.

use std::sync::LazyLock;

use serde::Deserialize;

use crate::attacks::escalations::{Category, Path, paths};

/// What a means gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Gives {
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
pub(super) enum Trust {
    /// None.
    #[default]
    None,
    /// The role's own.
    Own,
    /// One that names the caller.
    Caller,
}

#[derive(Debug, Deserialize)]
struct Act {
    action: String,
    on: String,
    gives: Gives,
    #[serde(default)]
    trust: Trust,
    #[serde(default)]
    then: Option<String>,
    #[serde(default)]
    when: Option<(String, String)>,
}

#[derive(Debug, Deserialize)]
struct Service {
    of: String,
    service: String,
    held: Vec<Held>,
}

/// A type of resource that runs as a role.
#[derive(Debug, Deserialize)]
pub(super) struct Held {
    #[serde(rename = "type")]
    pub(super) kind: String,
    /// The attribute that names the role.
    pub(super) role: String,
    /// The form of its ARN.
    pub(super) arn: String,
}

/// A type of resource that is acted upon.
#[derive(Debug, Deserialize)]
pub(super) struct ThingType {
    pub(super) name: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) arn: String,
    pub(super) policies: Vec<PolicyType>,
}

/// A type of resource with a policy of another.
#[derive(Debug, Deserialize)]
pub(super) struct PolicyType {
    #[serde(rename = "type")]
    pub(super) kind: String,
    /// The attribute that names the other.
    pub(super) of: String,
}

/// A protected document, and what changes it.
#[derive(Debug, Deserialize)]
pub(super) struct Protected {
    pub(super) gain: String,
    pub(super) on: String,
    pub(super) actions: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
struct File {
    acts: Vec<Act>,
    services: Vec<Service>,
    anywhere: Vec<String>,
    things: Vec<ThingType>,
    protected: Vec<Protected>,
}

/// The table is part of the program; were it unreadable, a test says so.
static FILE: LazyLock<File> =
    LazyLock::new(|| serde_json::from_str(include_str!("means.json")).unwrap_or_default());

/// What is asked of an identity: whether it may do something to each of some things.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Ask {
    pub(super) action: String,
    /// The name of what is acted upon.
    pub(super) on: String,
    pub(super) trust: Trust,
    /// A condition key with its value; what is allowed with another value alone is open.
    pub(super) when: Option<(String, String)>,
    /// Whether no other value of it counts.
    pub(super) strict: bool,
}

impl Ask {
    fn of(action: &str, on: &str) -> Self {
        let (action, on) = (action.to_owned(), on.to_owned());
        Self { action, on, trust: Trust::None, when: None, strict: false }
    }
}

/// A way to gain something.
#[derive(Debug)]
pub(super) struct Means {
    /// `iam-005`, or the actions that it takes.
    pub(super) name: String,
    pub(super) gives: Gives,
    /// The name of whom or what is gained.
    pub(super) on: String,
    /// Places in [`Table::asks`]: all of these.
    pub(super) needs: Vec<usize>,
    /// The service that must be able to run as the role.
    pub(super) service: Option<String>,
    /// What runs as the role already, by the name of these things.
    pub(super) held: Option<String>,
}

/// All means.
#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) asks: Vec<Ask>,
    pub(super) means: Vec<Means>,
    /// Of each protected document, the places in `asks` that change it.
    pub(super) protected: Vec<(&'static Protected, Vec<usize>)>,
    /// What runs as roles, by name.
    pub(super) held: Vec<(String, &'static [Held])>,
}

pub(super) const ANYTHING: &str = "anything";

impl Table {
    pub(super) fn new() -> Self {
        let mut table = Self::default();
        for act in &FILE.acts {
            table.act(act);
        }
        for path in paths() {
            table.path(path);
        }
        for protected in &FILE.protected {
            let asks = protected.actions.iter().map(|action| Ask::of(action, &protected.on));
            let asks = asks.map(|ask| table.ask(ask)).collect();
            table.protected.push((protected, asks));
        }
        table
    }

    pub(super) fn things() -> &'static [ThingType] {
        &FILE.things
    }

    fn ask(&mut self, ask: Ask) -> usize {
        let known = self.asks.iter().position(|one| *one == ask);
        known.unwrap_or_else(|| {
            self.asks.push(ask);
            self.asks.len() - 1
        })
    }

    fn act(&mut self, act: &Act) {
        let first =
            Ask { trust: act.trust, when: act.when.clone(), ..Ask::of(&act.action, &act.on) };
        let mut needs = vec![self.ask(first)];
        if let Some(then) = &act.then {
            let trust = if then == "sts:AssumeRole" { Trust::Caller } else { Trust::None };
            needs.push(self.ask(Ask { trust, ..Ask::of(then, &act.on) }));
        }
        let name = act.action.clone();
        let (gives, on) = (act.gives, act.on.clone());
        self.means.push(Means { name, gives, on, needs, service: None, held: None });
    }

    /// A path by a service that runs as a role. What the others need, acts say.
    fn path(&mut self, path: &Path) {
        if !matches!(path.category, Category::NewPassrole | Category::ExistingPassrole) {
            return;
        }
        let Some(row) = FILE.services.iter().find(|row| path.id.starts_with(&row.of)) else {
            return;
        };
        let passes = path.required.iter().any(|action| action == "iam:PassRole");
        let held = format!("what runs as it by {}", row.of.trim_end_matches('-'));
        let mut needs = Vec::new();
        for action in &path.required {
            let ask = if action == "iam:PassRole" {
                let when = Some(("iam:PassedToService".to_owned(), row.service.clone()));
                Ask { when, strict: true, ..Ask::of(action, "role") }
            } else if passes || FILE.anywhere.contains(action) {
                Ask::of(action, ANYTHING)
            } else {
                Ask::of(action, &held)
            };
            needs.push(self.ask(ask));
        }
        if !passes && !self.held.iter().any(|(name, _)| *name == held) {
            self.held.push((held.clone(), &row.held));
        }
        self.means.push(Means {
            name: path.id.clone(),
            gives: Gives::Session,
            on: "role".to_owned(),
            needs,
            service: Some(row.service.clone()),
            held: (!passes).then_some(held),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each known path is in the table: by itself, or act by act.
    #[test]
    fn every_known_path_has_its_means() {
        let table = Table::new();
        for path in paths() {
            let by_service = table.means.iter().any(|means| means.name == path.id);
            let acts = path.required.iter().filter(|action| *action != "iam:DeleteAccessKey");
            let by_acts =
                acts.clone().all(|action| FILE.acts.iter().any(|act| act.action == *action));
            assert!(by_service || by_acts, "{}", path.id);
        }
        assert_eq!(FILE.acts.len(), 28);
    }
}
