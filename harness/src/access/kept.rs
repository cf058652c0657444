//! What a role's own lists (`inline_policy`, `managed_policy_arns`) say of policies that
//! other resources make.
//!
//! The provider computes both lists where the configuration says nothing: they then hold what
//! the role had when it was last read, whoever made it
//! (<https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/iam_role>).
//! What a plan makes of such a policy stands in its own resource, and what it takes away
//! stands nowhere but in what its changes begin from.

use super::complete::known;
use super::owners::texts;
use super::plan::{Contents, Plan};
use crate::lint::known::Node;
use crate::lint::terraform::{self, Action, DOCUMENTS, Resource};

const ATTACHMENT: &str = "aws_iam_policy_attachment";
const ATTACHMENTS: &str = "aws_iam_role_policy_attachments_exclusive";
const POLICIES: &str = "aws_iam_role_policies_exclusive";

/// What the changes of a plan begin from, as far as identities and policies are made of it.
#[derive(Debug, Default)]
pub(super) struct Former(Vec<(Resource, Action)>);

impl Former {
    pub(super) fn of(root: &Node) -> Self {
        let counts = |kind: &str| {
            kind.starts_with("aws_iam_") || DOCUMENTS.iter().any(|(name, ..)| *name == kind)
        };
        let mut all = terraform::former(root);
        all.retain(|(one, _)| counts(&one.kind));
        Self(all)
    }

    /// Each resource, and what becomes of it.
    pub(super) fn all(&self) -> impl Iterator<Item = &(Resource, Action)> {
        self.0.iter()
    }

    /// The resource that has an address afterwards, as it was.
    pub(super) fn find(&self, address: &str) -> Option<&(Resource, Action)> {
        self.all().find(|(one, _)| one.address == address)
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

/// A policy that an identity is given.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gift<'g> {
    /// The name of its entry: `role/app`.
    pub(super) owner: &'g str,
    /// `group`, `role` or `user`
    pub(super) word: &'g str,
    /// The name of an inline policy, the ARN of a managed one.
    pub(super) name: &'g str,
    pub(super) list: List,
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
        let gift = Gift { owner, word: "role", name, list };
        let now =
            self.files.iter().flat_map(|file| file.resources.iter().map(move |it| (file, it)));
        let now: Vec<(&Contents, &Resource)> =
            now.filter(|(file, one)| self.gives(file, one, gift)).collect();
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
            None => self.taken(gift).map(|by| ("takes it away", by)),
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
        let Some((before, action)) = self.own.former().find(&role.address) else { return true };
        if action.creates() {
            return true;
        }
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
        let before = self.own.former().find(&role.address);
        before.is_some_and(|(_, action)| !action.creates()) && self.writes(role, list)
    }

    /// Whether a resource gives an identity a policy.
    pub(super) fn gives(&self, file: &Contents, one: &Resource, gift: Gift<'_>) -> bool {
        let Gift { owner, word, name, list } = gift;
        let Some(kind) = one.kind.strip_prefix("aws_iam_").filter(|_| !one.is_data) else {
            return false;
        };
        let is_of = |attribute: &str| self.is_named(file, one, (attribute, word), owner);
        let has = |attribute: &str| texts(one, attribute).contains(&name);
        match (list, kind.strip_prefix(word)) {
            (List::Inline, Some("_policy")) => has("name") && is_of(word),
            (List::Attached, Some("_policy_attachment")) => has("policy_arn") && is_of(word),
            (List::Attached, Some("_policy_attachments_exclusive")) => {
                has("policy_arns") && is_of(&format!("{word}_name"))
            }
            (List::Attached, None) if one.kind == ATTACHMENT => {
                has("policy_arn") && is_of(&format!("{word}s"))
            }
            _ => false,
        }
    }

    /// What takes a policy away from a role: a change of what gave it, or what lists all that
    /// there are.
    fn taken(&self, gift: Gift<'_>) -> Option<String> {
        for file in self.files {
            let mut all = file.former().all();
            if let Some((one, _)) = all.find(|(one, _)| self.gives(file, one, gift)) {
                return Some(one.address.clone());
            }
            let mut all = file.resources.iter();
            if let Some(one) = all.find(|one| self.lists_without(file, one, gift)) {
                return Some(one.address.clone());
            }
        }
        None
    }

    /// Whether a resource says all that there is, and that this is not among it.
    fn lists_without(&self, file: &Contents, one: &Resource, gift: Gift<'_>) -> bool {
        let Gift { owner, word, name, list } = gift;
        let is_known = |attribute: &str| one.values.get(attribute).is_some_and(|it| it.open() == 0);
        let is_of = |attribute: &str| self.is_named(file, one, (attribute, word), owner);
        let without =
            |attribute: &str| is_known(attribute) && !texts(one, attribute).contains(&name);
        match (list, one.kind.as_str()) {
            _ if one.is_data => false,
            (List::Inline, POLICIES) => is_of("role_name") && without("policy_names"),
            (List::Attached, ATTACHMENTS) => is_of("role_name") && without("policy_arns"),
            _ => false,
        }
    }
}

/// A document, however it is written.
pub(super) fn known_text(node: &Node) -> Option<serde_json::Value> {
    serde_json::from_str(node.text()?).ok()
}
