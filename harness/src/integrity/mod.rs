//! Whether the verdict is about what was applied: that nothing under test could
//! change what is judged.

mod calls;
mod changes;
mod hcl;
mod isolation;
mod layer1;
mod left;
mod readings;
mod root_calls;
pub mod snapshot;
mod state;

pub use isolation::Isolation;
pub use readings::{Moment, Reading};

use std::time::Instant;

use anyhow::Context as _;

use self::left::LeftToOthers;
use crate::attacks::{Finding, Verdict};
use crate::stack::{Judged, Stack};

/// What a run says of itself.
#[derive(Debug)]
pub struct Conclusion {
    /// The findings, to be told beside those of the attacks.
    pub findings: Vec<Finding>,
    /// What was read, for the record.
    pub readings: Vec<ringfence_evidence::Reading>,
}

impl Conclusion {
    /// The findings that did not hold.
    pub fn failures(self) -> Vec<Finding> {
        self.findings.into_iter().filter(|finding| finding.verdict != Verdict::Held).collect()
    }
}

/// Reads each account after the attacks that the stack read before.
///
/// # Errors
/// When a service does not answer, or Terraform's state cannot be read.
pub async fn after_attacks(stack: &Stack) -> anyhow::Result<Vec<Reading>> {
    let mut readings = Vec::new();
    let read = |account: &&str| stack.readings().iter().any(|it| it.account_id == **account);
    for account_id in stack.config().account_ids().filter(read) {
        let roots = stack.terraform().map(|roots| roots.instances_in(account_id)).transpose();
        let instances = roots.context("cannot read Terraform's state")?.unwrap_or_default();
        let (guard, emulator) = (stack.guard(), stack.emulator());
        let moment = Moment::Attacked;
        readings.push(Reading::take(guard, emulator, account_id, &instances, moment).await?);
    }
    Ok(readings)
}

/// What was found, at the end of a run.
///
/// # Errors
/// When Layer 1's files, its state or the journal cannot be read.
pub fn conclude(stack: &Stack, attacked: &[Reading]) -> anyhow::Result<Conclusion> {
    let mut findings = vec![root_calls::finding(&stack.foreign_root_calls())];
    let all: Vec<&Reading> = stack.readings().iter().chain(attacked).collect();
    let mut kept = Vec::new();
    for account in stack.judged() {
        let of_account = all.iter().copied().filter(|it| it.account_id == account.id());
        let readings: Vec<&Reading> = of_account.collect();
        let began = Instant::now();
        kept.extend(hashed(&readings, &account));
        let hashing = began.elapsed();
        let Some(roots) = stack.terraform() else { continue };
        let mut left = LeftToOthers::default();
        let mut instances = Vec::new();
        let each = roots.instances_of_each().context("cannot read Terraform's state")?;
        let each = each.into_iter().zip(&stack.config().layer1);
        for (own, layer1) in each.filter(|(_, layer1)| account.has_root(&layer1.name())) {
            left.extend(layer1, &own)
                .with_context(|| format!("cannot read `{}`", layer1.directory.display()))?;
            instances.extend(own);
        }
        let journal = stack.guard().journal();
        let region = &stack.guard().setting().region;
        let place = calls::Place { region, account: account.id() };
        let ours = |id: &str| stack.is_own_call(id);
        let found = layer1::findings(&readings, &left, &instances, journal, place, hashing, ours);
        findings.extend(found.into_iter().map(|finding| finding.of(&account)));
    }
    // Of a line that could not be read again nothing is known.
    stack.guard().journal().check()?;
    Ok(Conclusion { readings: kept, findings })
}

/// The readings as the record keeps them.
fn hashed(readings: &[&Reading], account: &Judged) -> Vec<ringfence_evidence::Reading> {
    let kept = readings.iter().map(|reading| ringfence_evidence::Reading {
        moment: reading.moment.as_str().to_owned(),
        account_id: account.is_one_of_several().then(|| account.id().to_owned()),
        objects: reading.snapshot.len(),
        sha256: readings
            .first()
            .map(|first| reading.snapshot.sha256_of(&first.snapshot))
            .unwrap_or_default(),
        duration_ms: u64::try_from(reading.took.as_millis()).unwrap_or(u64::MAX),
    });
    kept.collect()
}
