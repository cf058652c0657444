//! What the shares say of the weakened guard rails.

use std::collections::BTreeMap;

use super::Numbered;
use crate::mutations::{Mutant, MutantVerdict, MutationSummary, Mutations, NEVER_ASKED};

/// As many names of probes as a record keeps.
const NAMED: usize = 5;

/// The mutants of all shares; none where no share has any.
pub(super) fn merge(shares: &[Numbered<'_>], problems: &mut Vec<String>) -> Option<Mutations> {
    let mut order: Vec<&str> = Vec::new();
    let mut found: BTreeMap<&str, Vec<&Mutant>> = BTreeMap::new();
    let bundles = || shares.iter().map(|numbered| numbered.bundle);
    let all = || bundles().filter_map(|bundle| bundle.record.mutations.as_ref());
    for mutant in all().flat_map(|mutations| &mutations.mutants) {
        let same = found.entry(&mutant.id).or_default();
        if same.is_empty() {
            order.push(&mutant.id);
        }
        same.push(mutant);
    }
    let duration_ms = all().map(|mutations| mutations.duration_ms).max()?;
    let without = bundles().filter(|bundle| bundle.record.mutations.is_none());
    problems.extend(without.map(|bundle| format!("`{}` weakened nothing", bundle.name)));
    let mutants: Vec<Mutant> =
        order.into_iter().filter_map(|id| together(found.get(id)?)).collect();
    Some(Mutations { summary: MutationSummary::of(&mutants), duration_ms, mutants })
}

/// A weakened guard rail was noticed if any share noticed. If none did, it
/// survived where one knows a request that tells it from the original, and is
/// equivalent where one knows that there is none.
fn together(all: &[&Mutant]) -> Option<Mutant> {
    let asked = |mutant: &Mutant| mutant.reason.as_deref() != Some(NEVER_ASKED);
    let known = [MutantVerdict::Killed, MutantVerdict::Survived, MutantVerdict::Equivalent];
    let mut found = known
        .into_iter()
        .filter_map(|verdict| all.iter().find(|it| it.verdict == verdict && asked(it)));
    let chosen = found.next().or_else(|| all.first())?;
    Some(Mutant {
        killed_by: all.iter().flat_map(|it| it.killed_by.iter().cloned()).take(NAMED).collect(),
        duration_us: all.iter().map(|mutant| mutant.duration_us).sum(),
        ..(*chosen).clone()
    })
}
