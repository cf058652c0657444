//! What an identity has gained beside what the files give it.

use std::collections::BTreeSet;
use std::sync::Arc;

use ringfence_policy::{Document, Kind, Policies};

use super::world::{From, Identity, World};

/// What was gained. It only grows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Grown {
    /// Any policy, which allows everything.
    pub(super) any: bool,
    pub(super) no_inline: bool,
    pub(super) no_attached: bool,
    pub(super) no_boundary: bool,
    /// Groups that it was added to.
    pub(super) groups: BTreeSet<usize>,
    /// Groups that it was taken out of.
    pub(super) left: BTreeSet<usize>,
    /// Managed policies that say anything now.
    pub(super) replaced: BTreeSet<usize>,
    /// Policies of resources that say anything now, by their places among those that deny.
    pub(super) lifted: BTreeSet<usize>,
}

impl Grown {
    /// With something else that was gained.
    pub(super) fn add(&mut self, other: &Self) {
        self.any |= other.any;
        self.no_inline |= other.no_inline;
        self.no_attached |= other.no_attached;
        self.no_boundary |= other.no_boundary;
        self.groups.extend(&other.groups);
        self.left.extend(&other.left);
        self.replaced.extend(&other.replaced);
        self.lifted.extend(&other.lifted);
    }

    /// The policies of an identity with this.
    pub(super) fn policies(&self, identity: &Identity, world: &World) -> Policies {
        let is_replaced =
            |place: &Option<usize>| place.is_some_and(|it| self.replaced.contains(&it));
        let mut all = Vec::new();
        let mut anything = self.any;
        for (from, document) in &identity.documents {
            let gone = match from {
                From::Itself => self.no_inline,
                From::Managed(place) if is_replaced(place) => {
                    anything = true;
                    true
                }
                From::Managed(_) => self.no_attached,
                From::Group(group) => self.left.contains(group),
            };
            if !gone {
                all.push(document.clone());
            }
        }
        let groups = self.groups.iter().filter_map(|group| world.groups.get(*group));
        all.extend(groups.flatten().cloned());
        if anything {
            all.extend(everything());
        }
        let boundary = match is_replaced(&identity.bounded_by) || self.no_boundary {
            true => None,
            false => identity.boundary.clone(),
        };
        Policies { identity: all, boundary, ..Policies::default() }
    }
}

/// What allows everything.
pub(super) fn everything() -> Option<Arc<Document>> {
    const TEXT: &str = r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;
    Document::parse("a policy of its own making", TEXT, Kind::Identity).ok().map(Arc::new)
}
