//! What a role's own lists (`inline_policy`, `managed_policy_arns`) say of policies that
//! other resources make.
//!
//! The provider computes both lists where the configuration says nothing: they then hold what
//! the role had when it was last read, whoever made it
//! (<https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/iam_role>).
//! What a plan makes of such a policy stands in its own resource, and what it takes away
//! stands nowhere but in what its changes begin from.

use std::collections::BTreeSet;

use super::complete::known;
use super::plan::{Contents, Plan, items};
use crate::lint::known::Node;
use crate::lint::terraform::{self, Resource};

const ATTACHMENT: &str = "aws_iam_policy_attachment";
const ATTACHMENTS: &str = "aws_iam_role_policy_attachments_exclusive";
const POLICIES: &str = "aws_iam_role_policies_exclusive";

/// Types whose changes tell what a role had.
const TYPES: [&str; 5] = [
    ATTACHMENT,
    ATTACHMENTS,
    "aws_iam_role",
    "aws_iam_role_policy",
    "aws_iam_role_policy_attachment",
];

/// What the changes of a plan begin from, as far as roles have it.
#[derive(Debug, Default)]
pub(super) struct Former {
    resources: Vec<Resource>,
    /// The addresses of what is made anew.
    anew: BTreeSet<String>,
}

impl Former {
    pub(super) fn of(root: &Node) -> Self {
        let mut former = Self::default();
        for (one, is_anew) in terraform::former(root) {
            if TYPES.contains(&one.kind.as_str()) {
                former.anew.extend(is_anew.then(|| one.address.clone()));
                former.resources.push(one);
            }
        }
        former
    }
}

/// A list of a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum List {
    /// `inline_policy`
    Inline,
    /// `managed_policy_arns`
    Attached,
}

impl List {
    const fn attribute(self) -> &'static str {
        match self {
            Self::Inline => "inline_policy",
            Self::Attached => "managed_policy_arns",
        }
    }

    /// What an item is called by.
    pub(super) fn name(self, item: &Node) -> Option<&str> {
        match self {
            Self::Inline => item.get("name")?.text(),
            Self::Attached => item.text(),
        }
    }
}

/// Whether a role has what a list of its own says.
pub(super) enum Kept {
    Yes,
    /// It is in another resource, or is taken away.
    No,
    /// Nobody knows, and why.
    Maybe(String),
}

impl Plan<'_, '_> {
    /// Whether a role has an item of a list of its own after all changes.
    pub(super) fn kept(&self, role: &Resource, owner: &str, item: &Node, list: List) -> Kept {
        let Some(name) = list.name(item) else { return Kept::Yes };
        let now =
            self.files.iter().flat_map(|file| file.resources.iter().map(move |it| (file, it)));
        let now: Vec<(&Contents, &Resource)> =
            now.filter(|(file, one)| self.gives(file, one, owner, name, list)).collect();
        let own = |one: &Resource| one.values.get("policy").and_then(known_text);
        let said = item.get("policy").and_then(known_text);
        match list {
            // It is the same policy.
            List::Attached if !now.is_empty() => return Kept::Yes,
            List::Inline if now.iter().any(|(_, one)| said.is_some() && own(one) == said) => {
                return Kept::No;
            }
            _ => {}
        }
        let by = match now.first() {
            Some((_, one)) => Some(("makes it too", one.address.clone())),
            None => self.taken(owner, name, list).map(|by| ("takes it away", by)),
        };
        match by {
            None => Kept::Yes,
            Some(_) if !self.writes(role, list) => Kept::No,
            Some((how, by)) => Kept::Maybe(format!(
                "{}: whether {} has `{name}` is not known, for `{by}` {how}",
                self.called(role),
                list.attribute(),
            )),
        }
    }

    /// Whether a list of a role is made by its own resource, or was read when that is not
    /// known: a plan that changes nothing of it leaves it to others.
    pub(super) fn writes(&self, role: &Resource, list: List) -> bool {
        let former = self.own.former();
        if former.anew.contains(&role.address) {
            return true;
        }
        let is_it = |one: &&Resource| one.address == role.address;
        let Some(before) = former.resources.iter().find(is_it) else { return true };
        let value = |one: &Resource| {
            one.values.get(list.attribute()).filter(|node| node.is_something()).cloned()
        };
        match (value(before), value(role)) {
            (None, None) => false,
            (Some(one), Some(other)) => known(&one).is_none_or(|one| Some(one) != known(&other)),
            _ => true,
        }
    }

    /// Whether a role is changed in place, and a list of it with it: what the list does not
    /// have is taken away.
    pub(super) fn rewrites(&self, role: &Resource, list: List) -> bool {
        let former = self.own.former();
        let is_there = former.resources.iter().any(|one| one.address == role.address);
        is_there && !former.anew.contains(&role.address) && self.writes(role, list)
    }

    /// Whether a resource gives a role the policy of a name.
    fn gives(&self, file: &Contents, one: &Resource, owner: &str, name: &str, list: List) -> bool {
        let is_of = |attribute: &str| self.is_of_role(file, one, attribute, owner);
        let has = |attribute: &str| texts(one, attribute).contains(&name);
        match (list, one.kind.as_str()) {
            _ if one.is_data => false,
            (List::Inline, "aws_iam_role_policy") => has("name") && is_of("role"),
            (List::Attached, "aws_iam_role_policy_attachment") => {
                has("policy_arn") && is_of("role")
            }
            (List::Attached, ATTACHMENT) => has("policy_arn") && is_of("roles"),
            (List::Attached, ATTACHMENTS) => has("policy_arns") && is_of("role_name"),
            _ => false,
        }
    }

    /// What takes a policy away from a role: a change of what gave it, or what lists all that
    /// there are.
    fn taken(&self, owner: &str, name: &str, list: List) -> Option<String> {
        for file in self.files {
            let mut all = file.former().resources.iter();
            if let Some(one) = all.find(|one| self.gives(file, one, owner, name, list)) {
                return Some(one.address.clone());
            }
            let mut all = file.resources.iter();
            if let Some(one) = all.find(|one| self.lists_without(file, one, owner, name, list)) {
                return Some(one.address.clone());
            }
        }
        None
    }

    /// Whether a resource says all that there is, and that this is not among it.
    fn lists_without(
        &self,
        file: &Contents,
        one: &Resource,
        owner: &str,
        name: &str,
        list: List,
    ) -> bool {
        let is_known = |attribute: &str| one.values.get(attribute).is_some_and(|it| it.open() == 0);
        let is_of = |attribute: &str| self.is_of_role(file, one, attribute, owner);
        let without =
            |attribute: &str| is_known(attribute) && !texts(one, attribute).contains(&name);
        match (list, one.kind.as_str()) {
            _ if one.is_data => false,
            (List::Inline, POLICIES) => is_of("role_name") && without("policy_names"),
            (List::Attached, ATTACHMENTS) => is_of("role_name") && without("policy_arns"),
            _ => false,
        }
    }

    /// Whether an attribute names a role of an entry.
    fn is_of_role(&self, file: &Contents, one: &Resource, attribute: &str, owner: &str) -> bool {
        self.is_named(file, one, (attribute, "role"), owner)
    }

    /// Whether an attribute names the group, role or user of an entry.
    pub(super) fn is_named(
        &self,
        file: &Contents,
        one: &Resource,
        (attribute, word): (&str, &str),
        owner: &str,
    ) -> bool {
        let by_name = texts(one, attribute);
        if by_name.iter().any(|name| self.spelled(word, name) == owner) {
            return true;
        }
        // What it names now is not what it named before: a text counts before a reference.
        if !by_name.is_empty() && by_name.len() == items(one.values.get(attribute)).len() {
            return false;
        }
        let named = file.named(&one.address, attribute).map(|(named, _)| named);
        named.is_some_and(|named| {
            let name = named.values.get("name").and_then(Node::text);
            named.kind.strip_prefix("aws_iam_") == Some(word)
                && name.is_some_and(|name| format!("{word}/{name}") == owner)
        })
    }
}

/// The texts of a list, or the one.
fn texts<'r>(resource: &'r Resource, attribute: &str) -> Vec<&'r str> {
    items(resource.values.get(attribute)).into_iter().filter_map(Node::text).collect()
}

/// A document, however it is written.
fn known_text(node: &Node) -> Option<serde_json::Value> {
    serde_json::from_str(node.text()?).ok()
}
