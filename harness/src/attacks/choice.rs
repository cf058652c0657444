//! Which attacks of a campaign are made.

use std::collections::BTreeSet;

use ringfence_evidence::Share;

/// Which attacks are made. Claims that need no attacker have no ids before they
/// are made, and are made wherever nobody chose attacks by id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// All of them.
    All,
    /// These, and nothing else.
    Ids(BTreeSet<String>),
    /// Those that look at what changed, and the claims.
    Changed(BTreeSet<String>),
    /// Those of a share.
    Share(Share),
}

impl Choice {
    /// These ids, or all where none is given.
    pub fn of(ids: &[String]) -> Self {
        match ids {
            [] => Self::All,
            ids => Self::Ids(ids.iter().cloned().collect()),
        }
    }

    /// Whether an attack is made.
    pub fn has(&self, id: &str) -> bool {
        match self {
            Self::All => true,
            Self::Ids(ids) | Self::Changed(ids) => ids.contains(id),
            Self::Share(share) => share.has(id),
        }
    }

    /// Whether some attacks were chosen out of all: what such a run does not notice,
    /// another attack might.
    pub(crate) fn is_chosen(&self) -> bool {
        matches!(self, Self::Ids(_) | Self::Changed(_))
    }

    /// Whether something of a part is made that has attacks of these ids; one
    /// without any makes claims.
    pub(super) fn has_part(&self, ids: &[String]) -> bool {
        let claims = ids.is_empty() && !matches!(self, Self::Ids(_));
        claims || ids.iter().any(|id| self.has(id))
    }
}
