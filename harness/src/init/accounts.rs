//! The accounts that root modules are applied in, as their providers name them.

use std::collections::BTreeMap;

use super::roots::Root;
use super::text::{Text, quoted};

/// Where root modules are applied, if in several accounts.
pub(super) struct Accounts {
    /// The account of the first root module, and where its provider names it.
    first: (String, String),
    /// What the others are called: each as its first root module is.
    others: BTreeMap<String, (String, String)>,
    /// The account of each root module by its name.
    of: BTreeMap<String, String>,
}

impl Accounts {
    /// Those of root modules in their order; none where fewer than two are named.
    pub(super) fn of(roots: &[Root]) -> Option<Self> {
        let named = roots.iter().filter_map(|root| Some((root, root.facts.account()?)));
        let mut found: Vec<(&Root, (String, String))> = named.collect();
        let (_, first) = found.first()?.clone();
        let of = found.iter().map(|(root, (id, _))| (root.name.clone(), id.clone())).collect();
        found.retain(|(_, (id, _))| *id != first.0);
        let mut others = BTreeMap::new();
        for (root, (id, place)) in found {
            others.entry(id).or_insert((root.name.clone(), place));
        }
        (!others.is_empty()).then_some(Self { first, others, of })
    }

    /// The id of `[account]`, and where it stands.
    pub(super) fn first(&self) -> (&str, &str) {
        (&self.first.0, &self.first.1)
    }

    /// `[[accounts]]`.
    pub(super) fn write(&self, text: &mut Text) {
        for (id, (name, place)) in &self.others {
            text.table("[[accounts]]");
            text.field("name", &quoted(name), "as the first root module in it");
            text.field("id", &quoted(id), place);
            text.blank();
        }
        text.comment(
            "[account.organization] and [accounts.organization]: the place of each in its organization, and [[organization]] what is above it",
        );
        text.blank();
    }

    /// The account of a root module that is not of the first.
    pub(super) fn field(&self, text: &mut Text, root: &str) {
        let Some(id) = self.of.get(root) else {
            text.open("account = …: no provider of this root module names its account plainly");
            return;
        };
        if let Some((name, _)) = self.others.get(id) {
            text.field("account", &quoted(name), "");
        }
    }
}
