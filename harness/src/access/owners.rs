//! Whose a policy, an attachment or a membership is.

use std::collections::{BTreeMap, BTreeSet};

use super::complete::Setting;
use super::plan::{Contents, IDENTITIES, Plan, items};
use crate::lint::known::Node;
use crate::lint::terraform::Resource;

/// The identities that a file makes.
#[derive(Debug, Default)]
pub(super) struct Identities {
    /// The names of their entries, by what they are in lower case.
    spelled: BTreeMap<String, BTreeSet<String>>,
    /// By the names of their entries, each with its account where that is known.
    made: BTreeMap<String, (Resource, Option<String>)>,
}

impl Identities {
    pub(super) fn of(resources: &[Resource], setting: &Setting) -> Self {
        let mut all = Self::default();
        for resource in resources.iter().filter(|one| !one.is_data) {
            let kind = IDENTITIES.iter().find(|(kind, _)| *kind == resource.kind);
            let text = |name| resource.values.get(name).and_then(Node::text);
            let (Some((_, word)), Some(name)) = (kind, text("name")) else { continue };
            let entry = format!("{word}/{name}");
            let of_arn = text("arn").and_then(|arn| arn.split(':').nth(4));
            let account = of_arn.or_else(|| setting.account_of(resource)).map(str::to_owned);
            all.spelled.entry(entry.to_ascii_lowercase()).or_default().insert(entry.clone());
            all.made.insert(entry, (resource.clone(), account));
        }
        all
    }
}

/// What an attribute names.
#[derive(Debug, Default)]
pub(super) struct Named {
    /// The names of entries, the ARNs of policies, or what these are called by.
    pub(super) all: Vec<String>,
    /// Whether it may name others.
    pub(super) is_open: bool,
}

impl<'p> Plan<'p, '_> {
    /// The name of an identity's entry.
    pub(super) fn name(&self, resource: &Resource, word: &str) -> String {
        entry_of(self.own, resource, word)
    }

    /// Whose a policy or an attachment is: by name, or by who is referred to.
    pub(super) fn owners(
        &mut self,
        resource: &Resource,
        attribute: &str,
        word: &str,
    ) -> Vec<String> {
        let Named { all, is_open } = self.whose(self.own, resource, attribute, word);
        if is_open {
            // It may be anybody's.
            let name = self.called(resource);
            self.unknown(&name, &name, attribute);
            self.estate.entry(&name).given_to.insert(word.to_owned());
        }
        for owner in &all {
            let why = self.doubt(resource, owner);
            self.estate.entry(owner).may_lose(why);
        }
        all
    }

    /// The entries of those whom an attribute of a resource of a file names.
    pub(super) fn whose(
        &self,
        file: &Contents,
        resource: &Resource,
        attribute: &str,
        word: &str,
    ) -> Named {
        let mut named = Named::default();
        for node in items(resource.values.get(attribute)) {
            match node.text() {
                Some(name) => named.all.push(self.owner(file, resource, word, name)),
                None => match file.referred(resource, attribute, &format!("aws_iam_{word}")) {
                    Some(owner) => named.all.push(entry_of(file, owner, word)),
                    None => named.is_open = true,
                },
            }
        }
        named
    }

    /// The managed policies that an attribute of a resource of a file names, by their ARNs, or
    /// by what they are called where these are not known.
    pub(super) fn policies_of(
        &self,
        file: &Contents,
        resource: &Resource,
        attribute: &str,
    ) -> Named {
        let mut named = Named::default();
        for node in items(resource.values.get(attribute)) {
            match node.text() {
                Some(arn) => named.all.push(arn.to_owned()),
                None => match file.referred(resource, attribute, "aws_iam_policy") {
                    Some(policy) => named.all.push(file.apart.called(&policy.address)),
                    None => named.is_open = true,
                },
            }
        }
        named
    }

    /// The entry of an identity that a resource names. Each account may have one of that name:
    /// one of another account than the identity of the files is not in them.
    pub(super) fn owner(
        &self,
        file: &Contents,
        resource: &Resource,
        word: &str,
        name: &str,
    ) -> String {
        let entry = self.spelled(word, name);
        let made = self.made_of(&entry).and_then(|(_, (_, account))| account.as_deref());
        match (file.setting().account_of(resource), made) {
            (Some(own), Some(made)) if own != made => format!("{entry} of {own}"),
            _ => entry,
        }
    }

    /// Why nobody knows whether a resource gives something to the identity of that name which
    /// the files make, or to one of another account.
    fn doubt(&self, resource: &Resource, owner: &str) -> Option<String> {
        let (at, (made, account)) = self.made_of(owner)?;
        let setting = self.own.setting();
        let is_its = account.is_some() && setting.account_of(resource) == account.as_deref();
        let is_beside = at == self.file && setting.has_together(resource, made);
        let other = self.files.get(at).map(Contents::setting);
        let is_open = setting.is_mixed() || other.is_some_and(Setting::is_mixed);
        (is_open && !is_its && !is_beside).then(|| {
            format!(
                "whether `{}` is of the account of `{owner}` is not known",
                self.called(resource)
            )
        })
    }

    /// The identity of an entry, and which of the files makes it.
    fn made_of(&self, entry: &str) -> Option<(usize, &(Resource, Option<String>))> {
        let mut all = self.files.iter().enumerate();
        all.find_map(|(at, file)| Some((at, file.identities().made.get(entry)?)))
    }

    /// The entry of an identity of a name: IAM does not tell names apart by case
    /// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>).
    pub(super) fn spelled(&self, word: &str, name: &str) -> String {
        let entry = format!("{word}/{name}");
        let lower = entry.to_ascii_lowercase();
        let mut all =
            self.files.iter().filter_map(|file| file.identities().spelled.get(&lower)).flatten();
        match all.clone().any(|own| *own == entry) {
            true => entry,
            false => all.next().cloned().unwrap_or(entry),
        }
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
        if by_name.iter().any(|name| self.owner(file, one, word, name) == owner) {
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

impl Contents {
    /// The resource of a type that an attribute names by what it is called by.
    pub(super) fn referred(
        &self,
        resource: &Resource,
        attribute: &str,
        kind: &str,
    ) -> Option<&Resource> {
        let names = if kind == "aws_iam_policy" { ["arn", "id"] } else { ["id", "name"] };
        let (one, by) = self.named(&resource.address, attribute)?;
        (one.kind == kind && !one.is_data && names.contains(&by)).then_some(one)
    }
}

fn entry_of(file: &Contents, identity: &Resource, word: &str) -> String {
    let name = identity.values.get("name").and_then(Node::text);
    name.map_or_else(|| file.apart.called(&identity.address), |name| format!("{word}/{name}"))
}

/// The texts of a list, or the one.
pub(super) fn texts<'r>(resource: &'r Resource, attribute: &str) -> Vec<&'r str> {
    items(resource.values.get(attribute)).into_iter().filter_map(Node::text).collect()
}
