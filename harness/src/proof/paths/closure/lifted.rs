//! Which Denies of resources' policies need not stay: whoever acts as somebody that may change
//! such a policy takes them away.

use std::collections::BTreeSet;

use super::super::denied::changed_by;
use super::super::question::CannotAsk;
use super::super::shared::Shared;
use super::{Closure, Entered};

impl<'s, 'w> Closure<'s, 'w> {
    /// Follows who acts as some identities from the beginning.
    pub(in crate::proof::paths) fn of(
        shared: &'s Shared<'w>,
        sources: &[Entered],
        optimistic: bool,
    ) -> Result<Self, CannotAsk> {
        let mut lifted = BTreeSet::new();
        loop {
            let closure = Self::under(shared, sources, optimistic, lifted.clone())?;
            let more = closure.lifts()?;
            if more.is_subset(&lifted) {
                return Ok(closure);
            }
            lifted.extend(more);
        }
    }

    /// Of the policies that alone keep back something of whom it acts as, those that it may
    /// change. What comes of that is not followed: it counts where what is not known does.
    fn lifts(&self) -> Result<BTreeSet<usize>, CannotAsk> {
        let mut all = BTreeSet::new();
        if !self.optimistic {
            return Ok(all);
        }
        let kept = self.states.iter().flat_map(|state| &state.holder.kept_back_by);
        let kept: BTreeSet<usize> = kept.copied().collect();
        for state in self.states.iter().filter(|_| !kept.is_empty()) {
            all.extend(changed_by(self.shared.world, &state.holder, &kept)?);
        }
        Ok(all)
    }
}
