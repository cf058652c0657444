//! Who refers to what.

use std::collections::{BTreeMap, BTreeSet};

use ringfence_policy::Kind;

use super::{DOCUMENTS, Resource};
use crate::lint::known::Node;
use crate::lint::scopes::Scope;

/// Who refers to what: by the configuration of a plan, and by the ARNs of a
/// state.
#[derive(Debug, Default)]
pub(crate) struct Links {
    /// For each configured address, who refers to it, by which attribute.
    referrers: BTreeMap<String, Vec<(String, String)>>,
    /// ARNs in the place of a boundary.
    boundaries: BTreeSet<String>,
    /// ARNs that are attached.
    attached: BTreeSet<String>,
}

impl Links {
    pub(crate) fn of(root: &Node, resources: &[Resource]) -> Self {
        let mut links = Self::default();
        if let Some(module) = root.path(&["configuration", "root_module"]) {
            links.module(&Scope::root(module));
        }
        for resource in resources {
            let text = |name: &str| {
                resource.values.get(name).and_then(Node::text).filter(|arn| !arn.is_empty())
            };
            links.boundaries.extend(text("permissions_boundary").map(str::to_owned));
            if resource.kind.ends_with("_policy_attachment") {
                links.attached.extend(text("policy_arn").map(str::to_owned));
            }
        }
        links
    }

    fn module(&mut self, scope: &Scope<'_>) {
        let (module, prefix) = (scope.module(), scope.prefix());
        for resource in module.get("resources").map(Node::items).unwrap_or_default() {
            let Some(address) = resource.get("address").and_then(Node::text) else { continue };
            let user = format!("{prefix}{address}");
            let expressions = resource.get("expressions").map(Node::members).unwrap_or_default();
            for expression in expressions {
                for target in scope.named(&expression.value) {
                    let entry = self.referrers.entry(target).or_default();
                    let pair = (user.clone(), expression.key.clone());
                    if !entry.contains(&pair) {
                        entry.push(pair);
                    }
                }
            }
        }
        for call in module.get("module_calls").map(Node::members).unwrap_or_default() {
            let prefix = format!("{prefix}module.{}.", call.key);
            if let Some(inner) = scope.of_call(&call.value, &prefix) {
                self.module(&inner);
            }
        }
    }

    /// The configured addresses to which an attribute refers.
    pub(crate) fn targets(&self, user: &str, attribute: &str) -> Vec<&str> {
        let refers = |(by, how): &(String, String)| by == user && how == attribute;
        let found = self.referrers.iter().filter(|(_, referrers)| referrers.iter().any(refers));
        found.map(|(target, _)| target.as_str()).collect()
    }

    fn referrers(&self, address: &str) -> &[(String, String)] {
        self.referrers.get(address).map(Vec::as_slice).unwrap_or_default()
    }

    /// What a managed policy is used as: a boundary, where it stands as one,
    /// and also a policy, where it is attached too.
    pub(super) fn kinds(&self, resource: &Resource) -> Vec<Kind> {
        let arn = resource.values.get("arn").and_then(Node::text).unwrap_or_default();
        let referrers = self.referrers(&resource.configured());
        let by = |attribute: &str| referrers.iter().any(|(_, found)| found == attribute);
        let boundary = self.boundaries.contains(arn) || by("permissions_boundary");
        let attached = self.attached.contains(arn)
            || by("policy_arn")
            || by("managed_policy_arns")
            || by("policy_arns");
        match (boundary, attached) {
            (true, true) => vec![Kind::Boundary, Kind::Identity],
            (true, false) => vec![Kind::Boundary],
            (false, _) => vec![Kind::Identity],
        }
    }

    /// What a data source's document is used as; through further documents
    /// that take it in, too.
    pub(super) fn uses(&self, address: &str) -> Vec<Kind> {
        let mut kinds = Vec::new();
        self.collect(address, &mut kinds, 8);
        kinds
    }

    fn collect(&self, address: &str, kinds: &mut Vec<Kind>, depth: usize) {
        let Some(depth) = depth.checked_sub(1) else { return };
        for (user, attribute) in self.referrers(address) {
            if user.contains("data.aws_iam_policy_document.") {
                self.collect(user, kinds, depth);
                continue;
            }
            let kind = user.split('.').rev().nth(1).unwrap_or_default();
            let used = match kind {
                "aws_iam_policy" => {
                    let mut users = self.referrers(user).iter();
                    match users.any(|(_, found)| found == "permissions_boundary") {
                        true => Some(Kind::Boundary),
                        false => Some(Kind::Identity),
                    }
                }
                _ => DOCUMENTS
                    .iter()
                    .find(|(name, holds, _)| *name == kind && *holds == attribute.as_str())
                    .map(|(_, _, kind)| *kind),
            };
            if let Some(used) = used.filter(|used| !kinds.contains(used)) {
                kinds.push(used);
            }
        }
    }

    /// Whether a document comes from a data source that the plan shows.
    pub(super) fn is_deferred(&self, user: &str, attribute: &str) -> bool {
        self.referrers.iter().any(|(target, referrers)| {
            target.contains("data.aws_iam_policy_document.")
                && referrers.iter().any(|(by, how)| by == user && how == attribute)
        })
    }
}
