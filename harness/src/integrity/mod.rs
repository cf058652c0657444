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
use crate::stack::Stack;
use crate::terraform::Roots;

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

/// Reads the account after the attacks, where the stack read it before.
///
/// # Errors
/// When a service does not answer, or Terraform's state cannot be read.
pub async fn after_attacks(stack: &Stack) -> anyhow::Result<Option<Reading>> {
    match stack.readings() {
        [] => Ok(None),
        _ => {
            let roots = stack.terraform().map(Roots::instances).transpose();
            let instances = roots.context("cannot read Terraform's state")?.unwrap_or_default();
            let (guard, emulator) = (stack.guard(), stack.emulator());
            Ok(Some(Reading::take(guard, emulator, &instances, Moment::Attacked).await?))
        }
    }
}

/// What was found, at the end of a run.
///
/// # Errors
/// When Layer 1's files or its state cannot be read.
pub fn conclude(stack: &Stack, attacked: Option<&Reading>) -> anyhow::Result<Conclusion> {
    let mut findings = vec![root_calls::finding(&stack.foreign_root_calls())];
    let readings: Vec<&Reading> = stack.readings().iter().chain(attacked).collect();
    let began = Instant::now();
    let kept: Vec<ringfence_evidence::Reading> = hashed(&readings);
    let hashing = began.elapsed();
    if let Some(roots) = stack.terraform() {
        let mut left = LeftToOthers::default();
        let mut instances = Vec::new();
        let each = roots.instances_of_each().context("cannot read Terraform's state")?;
        for (own, layer1) in each.into_iter().zip(&stack.config().layer1) {
            left.extend(layer1, &own)
                .with_context(|| format!("cannot read `{}`", layer1.directory.display()))?;
            instances.extend(own);
        }
        let journal = stack.guard().journal();
        let setting = stack.guard().setting();
        let place = calls::Place { region: &setting.region, account: &setting.account_id };
        let ours = |id: &str| stack.is_own_call(id);
        let found = layer1::findings(&readings, &left, &instances, journal, place, hashing, ours);
        findings.extend(found);
    }
    Ok(Conclusion { readings: kept, findings })
}

/// The readings as the record keeps them.
fn hashed(readings: &[&Reading]) -> Vec<ringfence_evidence::Reading> {
    let kept = readings.iter().map(|reading| ringfence_evidence::Reading {
        moment: reading.moment.as_str().to_owned(),
        objects: reading.snapshot.len(),
        sha256: readings
            .first()
            .map(|first| reading.snapshot.sha256_of(&first.snapshot))
            .unwrap_or_default(),
        duration_ms: u64::try_from(reading.took.as_millis()).unwrap_or(u64::MAX),
    });
    kept.collect()
}
