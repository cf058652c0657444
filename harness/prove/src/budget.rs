//! What a question may cost.

use std::cell::Cell;

/// What a question may cost, so that it ends: about a billionth of a second each.
#[derive(Debug)]
pub(crate) struct Budget(Cell<u64>);

impl Budget {
    /// For a question.
    const ALL: u64 = 1_000_000_000;

    /// For the relations of patterns.
    const RELATING: u64 = 100_000_000;

    /// For the texts of one list of patterns.
    const WALK: u64 = 200_000_000;

    /// For a walk.
    pub(crate) fn of_walk() -> Self {
        Self(Cell::new(Self::WALK))
    }

    /// Of which nothing is left.
    #[cfg(test)]
    pub(crate) fn spent() -> Self {
        Self(Cell::new(0))
    }

    /// Takes some of what is left, where that is enough.
    pub(crate) fn take(&self, cost: usize) -> Result<(), TooMany> {
        let left = self.0.get().checked_sub(cost as u64);
        self.0.set(left.unwrap_or_default());
        left.map(|_| ()).ok_or(TooMany)
    }
}

impl Default for Budget {
    fn default() -> Self {
        Self(Cell::new(Self::ALL))
    }
}

/// What it may cost to find out how patterns stand to each other: a search knows less of
/// what follows where that is not found out, and no less of what there is.
#[derive(Debug)]
pub(crate) struct Relating(pub(crate) Budget);

impl Default for Relating {
    fn default() -> Self {
        Self(Budget(Cell::new(Budget::RELATING)))
    }
}

/// A walk was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooMany;
