//! Policies that templates give to identities by name, whoever made these: a stack may
//! write one to a role that Terraform made.

use std::collections::BTreeMap;
use std::sync::Arc;

use ringfence_policy::{Document, DocumentError, Kind};

use super::bounded::Bounded;
use super::estate::{Entry, Estate, denies};
use super::inlines::{Inline, Name, part_of};
use super::templates::{cause, text_of};
use crate::lint::known::{Member, Node, Value};
use crate::lint::terraform::Resource;

/// What is given.
#[derive(Debug, Clone)]
pub(crate) enum Given {
    Policy(Arc<Document>),
    /// A policy that is known in part, and why.
    Part(String, Bounded),
    /// Something that is not known.
    Unknown(String),
    /// What a group has.
    Group(String),
}

impl Given {
    /// What of it counts for sure.
    const fn sure(&self) -> Option<&Arc<Document>> {
        match self {
            Self::Policy(document) => Some(document),
            Self::Part(_, bounded) => bounded.sure.as_ref(),
            Self::Unknown(_) | Self::Group(_) => None,
        }
    }
}

/// What templates give, by the names of entries in lower case; by `role/*` what may be any
/// role's.
#[derive(Debug, Default)]
pub(crate) struct Gifts(BTreeMap<String, Vec<Given>>);

/// Types of policies, with the properties that say whose they are.
const POLICIES: [(&str, &[(&str, &str)]); 5] = [
    ("AWS::IAM::GroupPolicy", &[("GroupName", "group")]),
    ("AWS::IAM::ManagedPolicy", &[("Groups", "group"), ("Roles", "role"), ("Users", "user")]),
    ("AWS::IAM::Policy", &[("Groups", "group"), ("Roles", "role"), ("Users", "user")]),
    ("AWS::IAM::RolePolicy", &[("RoleName", "role")]),
    ("AWS::IAM::UserPolicy", &[("UserName", "user")]),
];

/// The identities of a template by their logical ids: the names of their entries.
pub(super) type Own = BTreeMap<String, String>;

/// Gives what a resource of a template gives.
///
/// # Errors
/// A policy that AWS would not store.
pub(super) fn add(
    resource: &Member,
    properties: &Node,
    own: &Own,
    estate: &mut Estate,
) -> Result<(), String> {
    let kind = resource.value.get("Type").and_then(Node::text).unwrap_or_default();
    let name = format!("Resources.{}", resource.key);
    let written = |property| resource.value.path(&["Properties", property]);
    // What is there under a condition that is not known need not be there.
    let is_sure = resource.value.get("Condition").is_none();
    if kind == "AWS::IAM::UserToGroupAddition" {
        let groups = whose(written("GroupName"), properties.get("GroupName"), "group", own);
        for user in whose(written("Users"), properties.get("Users"), "user", own) {
            for group in &groups {
                let given = match group.ends_with("/*") {
                    true => Given::Unknown(format!("{name}: its group is not known")),
                    false if is_sure => Given::Group(group.clone()),
                    false => Given::Unknown(format!("{name}: whether it is there is not known")),
                };
                estate.give(&user, given);
            }
        }
        return Ok(());
    }
    let Some((_, of)) = POLICIES.iter().find(|(own, _)| *own == kind) else { return Ok(()) };
    let given = policy(resource, properties, &name, is_sure)?;
    let document = properties.get("PolicyDocument");
    let text = document.and_then(text_of);
    let named = Name::of(written("PolicyName"), properties.get("PolicyName"), estate.templates);
    let named = named.filter(|_| kind != "AWS::IAM::ManagedPolicy");
    for (property, word) in *of {
        for owner in whose(written(property), properties.get(property), word, own) {
            if let Some(known) = named.as_ref().and_then(Name::known)
                && estate.overwrites(&name, (word, &owner), known)
            {
                continue;
            }
            let given = match owner.ends_with("/*") {
                true => Given::Unknown(format!("{name}: whose policy it is, is not known")),
                false => given.clone(),
            };
            let is_its = !owner.ends_with("/*");
            let inline = named.clone().map(|named| Inline {
                by: name.clone(),
                owner: owner.clone(),
                name: named,
                text: text.clone().filter(|_| is_its),
                part: document.and_then(part_of).filter(|_| is_its),
                counts: given.sure().cloned(),
            });
            if inline.is_none_or(|inline| !estate.is_contested(inline)) {
                estate.give(&owner, given);
            }
        }
    }
    Ok(())
}

/// The policy that a resource gives. One that is there under a condition alone may allow and may
/// deny, and does neither for sure.
fn policy(
    resource: &Member,
    properties: &Node,
    name: &str,
    is_sure: bool,
) -> Result<Given, String> {
    let wrong = |error: DocumentError| format!("{name}: {error}");
    let unsure = || format!("{name}: whether it is there is not known");
    let node = properties.get("PolicyDocument");
    let text = node.and_then(text_of);
    if let Some(text) = &text {
        let document = Document::parse(name.to_owned(), text, Kind::Identity).map_err(wrong)?;
        if is_sure {
            return Ok(Given::Policy(Arc::new(document)));
        }
    }
    // One that is known in part has another reason than one that is not known at all.
    let bounded = node.and_then(part_of).map(|part| match is_sure {
        true => Bounded::of(name, &part, Kind::Identity),
        false => Bounded::perhaps(name, &part, Kind::Identity),
    });
    match bounded.transpose().map_err(wrong)?.flatten() {
        Some(bounded) if is_sure => {
            return Ok(Given::Part(format!("{name}: not all of its policy is known"), bounded));
        }
        Some(bounded) => return Ok(Given::Part(unsure(), bounded)),
        None if text.is_some() => return Ok(Given::Unknown(unsure())),
        None => {}
    }
    let cause = match node {
        Some(node) => cause(&resource.value, node),
        None if properties.is_unknown() => cause(&resource.value, properties),
        None => format!(": it has no `PolicyDocument` (line {})", resource.at.line),
    };
    Ok(Given::Unknown(format!("{name}: its policy is not known{cause}")))
}

/// The entries that a property names, as it is written and as far as it is known; `role/*`
/// for one that is not known.
pub(super) fn whose(
    written: Option<&Node>,
    resolved: Option<&Node>,
    word: &str,
    own: &Own,
) -> Vec<String> {
    let (Some(written), Some(resolved)) = (written, resolved) else { return Vec::new() };
    let pairs: Vec<(&Node, &Node)> = match (&written.value, &resolved.value) {
        (Value::List(all), Value::List(known)) if all.len() == known.len() => {
            all.iter().zip(known).collect()
        }
        // A list that a function gives.
        (_, Value::List(known)) => known.iter().map(|one| (one, one)).collect(),
        _ => vec![(written, resolved)],
    };
    let of = |(written, resolved): (&Node, &Node)| match resolved.text() {
        Some("") => None,
        Some(name) => Some(format!("{word}/{name}")),
        None if !resolved.is_something() => None,
        None => {
            let named = written.get("Ref").and_then(Node::text);
            Some(named.and_then(|id| own.get(id)).cloned().unwrap_or(format!("{word}/*")))
        }
    };
    pairs.into_iter().filter_map(of).collect()
}

impl Estate {
    /// Gives something to an entry, `role/*` to all roles, now and where they are made later;
    /// names differ by more than their case, as in IAM.
    fn give(&mut self, owner: &str, given: Given) {
        let is_its = |name: &&String| match owner.strip_suffix("/*") {
            Some(word) => name.split_once('/').is_some_and(|(own, _)| own == word),
            None => name.eq_ignore_ascii_case(owner),
        };
        let names: Vec<String> = self.entries.keys().filter(is_its).cloned().collect();
        for name in names {
            self.put(&name, &given);
        }
        self.gifts.0.entry(owner.to_ascii_lowercase()).or_default().push(given);
    }

    /// What was given to an entry before it was made.
    pub(super) fn take_given(&mut self, name: &str) {
        let any = name.split_once('/').map(|(word, _)| format!("{word}/*"));
        let own = self
            .gifts
            .0
            .get(&name.to_ascii_lowercase())
            .into_iter()
            .chain(any.and_then(|it| self.gifts.0.get(&it)));
        let own: Vec<Given> = own.flatten().cloned().collect();
        for given in own {
            self.put(name, &given);
        }
    }

    fn put(&mut self, name: &str, given: &Given) {
        let takes = self.entries.get(name).and_then(|entry| entry.takes.first().cloned());
        if let (Some(document), Some(why)) = (given.sure(), takes) {
            self.put_one(name, &Given::Unknown(why));
            // What may be taken away denies nothing.
            if denies(document) {
                return;
            }
        }
        self.put_one(name, given);
    }

    fn put_one(&mut self, name: &str, given: &Given) {
        match given {
            Given::Policy(document) => {
                let document = document.clone();
                self.entry(name).policies.identity.push(document.clone());
                // Users have what their groups have.
                for entry in self.entries.values_mut().filter(|one| one.groups.contains(name)) {
                    entry.policies.identity.push(document.clone());
                }
            }
            Given::Part(why, bounded) => {
                self.entry(name).add_bounded(why.clone(), bounded.clone());
                for entry in self.entries.values_mut().filter(|one| one.groups.contains(name)) {
                    entry.add_bounded(why.clone(), bounded.clone());
                }
            }
            Given::Unknown(why) => {
                self.entry(name).unknown.insert(why.clone());
                for entry in self.entries.values_mut().filter(|one| one.groups.contains(name)) {
                    entry.unknown.insert(why.clone());
                }
            }
            Given::Group(group) => self.join(name, group),
        }
    }

    /// Gives what need not be there, and why, as far as it is bounded.
    pub(super) fn give_perhaps(&mut self, owner: &str, why: &str, bounded: Option<Bounded>) {
        let given = match bounded {
            Some(bounded) => Given::Part(why.to_owned(), bounded),
            None => Given::Unknown(why.to_owned()),
        };
        self.give(owner, given);
    }

    /// Takes back what an entry that is made later was to have for sure.
    pub(super) fn take_back(&mut self, owner: &str, document: &Arc<Document>) {
        let is_it = |sure: &Arc<Document>| Arc::ptr_eq(sure, document);
        let Some(all) = self.gifts.0.get_mut(&owner.to_ascii_lowercase()) else { return };
        all.retain(|given| !matches!(given, Given::Policy(sure) if is_it(sure)));
        for given in all {
            if let Given::Part(_, bounded) = given {
                bounded.sure = bounded.sure.take().filter(|sure| !is_it(sure));
            }
        }
    }

    /// Notes that a template's inline policy has the name of one that a plan or a state makes
    /// for the same identity: each overwrites the other
    /// (<https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutRolePolicy.html>). Whether
    /// there is one.
    pub(super) fn overwrites(
        &mut self,
        by: &str,
        (word, owner): (&str, &str),
        named: &str,
    ) -> bool {
        let kind = format!("aws_iam_{word}_policy");
        let text = |one: &Resource, name| {
            one.values.get(name).and_then(Node::text).unwrap_or_default().to_owned()
        };
        let is_its = |one: &&Resource| {
            let of = format!("{word}/{}", text(one, word));
            one.kind == kind
                && !one.is_data
                && text(one, "name") == named
                && of.eq_ignore_ascii_case(owner)
        };
        let all: Vec<String> =
            self.resources.iter().filter(is_its).map(|one| one.address.clone()).collect();
        for address in &all {
            let why = format!(
                "{by} and `{address}` make the inline policy `{named}` of `{owner}`: which of \
                 them is there is not known"
            );
            let is_owners = |name: &str| name.eq_ignore_ascii_case(owner);
            for (name, entry) in &mut self.entries {
                if is_owners(name) || entry.groups.iter().any(|group| is_owners(group)) {
                    entry.policies.identity.retain(|document| document.name() != address);
                    entry.unknown.insert(why.clone());
                }
            }
        }
        !all.is_empty()
    }

    /// Takes out what files gave to an identity of a name, however they spell it, and did not
    /// make: names differ by more than their case.
    ///
    /// # Errors
    /// There is one of that name already.
    pub(super) fn take_elsewhere(&mut self, name: &str) -> Result<Vec<Entry>, String> {
        let is_alike = |own: &&String| own.eq_ignore_ascii_case(name);
        let names: Vec<String> = self.entries.keys().filter(is_alike).cloned().collect();
        let mut given = Vec::new();
        for own in names {
            match self.entries.remove(&own) {
                Some(entry) if entry.is_elsewhere => given.push(entry),
                Some(entry) => {
                    self.entries.insert(own, entry);
                    return Err(format!("`{name}` is in another file too"));
                }
                None => {}
            }
            for entry in self.entries.values_mut() {
                if entry.groups.remove(&own) {
                    entry.groups.insert(name.to_owned());
                }
            }
        }
        Ok(given)
    }

    /// Makes a user one of a group's.
    pub(super) fn join(&mut self, user: &str, group: &str) {
        let Some(of_group) = self.entries.get(group) else {
            self.entry(user).unknown.insert(format!("`{group}` is not in the files"));
            return;
        };
        let handed_on = of_group.handed_on(group);
        let entry = self.entry(user);
        if entry.groups.insert(group.to_owned()) {
            entry.receive(handed_on);
        }
    }
}
