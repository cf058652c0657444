//! Each account, read at three moments of a run.

use std::time::{Duration, Instant};

use ringfence_guard::Guard;

use super::snapshot::{Of, Snapshot, SnapshotError};
use crate::emulator::Emulator;
use crate::terraform::Instance;

/// When the account is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// After Terraform's apply: all that exists is Layer 1's.
    Applied,
    /// After the applications' workflows.
    Deployed,
    /// After the attacks.
    Attacked,
}

impl Moment {
    /// Its name in the record.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "after-apply",
            Self::Deployed => "after-workflows",
            Self::Attacked => "after-attacks",
        }
    }

    /// What happened in the time before it.
    pub(super) const fn during(self) -> &'static str {
        match self {
            Self::Applied => "while Layer 1 was applied",
            Self::Deployed => "while the workflows ran",
            Self::Attacked => "during the attacks",
        }
    }
}

/// What the account was at a moment.
#[derive(Debug)]
pub struct Reading {
    /// The moment.
    pub moment: Moment,
    /// The account.
    pub account_id: String,
    /// What there was.
    pub snapshot: Snapshot,
    /// The journal's mark: what happened later comes after it.
    pub(super) mark: u64,
    /// How long it took.
    pub took: Duration,
}

impl Reading {
    /// Reads an account now, and of `instances` what no service lists.
    ///
    /// # Errors
    /// When a service does not answer.
    pub async fn take(
        guard: &Guard,
        emulator: &Emulator,
        account_id: &str,
        instances: &[Instance],
        moment: Moment,
    ) -> Result<Self, SnapshotError> {
        let began = Instant::now();
        let of = Of { guard, account_id, sealed: emulator.is_sealed() };
        let mut snapshot = Snapshot::read(of, instances).await?;
        if moment == Moment::Applied {
            snapshot.settle(of, instances).await;
        }
        let mark = guard.journal().mark();
        Ok(Self {
            moment,
            account_id: account_id.to_owned(),
            snapshot,
            mark,
            took: began.elapsed(),
        })
    }
}
