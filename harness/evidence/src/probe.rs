//! What a probe showed.

use serde::{Deserialize, Serialize};

use crate::acceptance::Acceptance;

/// One claim that was put to the test, with what shows that the test means
/// something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Probe {
    /// A stable id: `high-perm/role-without-boundary/api`.
    pub id: String,
    /// The guard rail that it tests.
    pub guard_rail: String,
    /// Who attacks.
    pub identity: String,
    /// By which road: `api`, `cloudformation`, `http`, `oidc`, `function`,
    /// `workflow`.
    pub road: String,
    /// Whether it was done or only decided.
    pub scope: Scope,
    /// What it claims.
    pub title: String,
    /// What must happen.
    pub expected: String,
    /// What did.
    pub observed: String,
    /// Whether the claim held.
    pub verdict: Verdict,
    /// Why it is inconclusive, was not run or is not applicable.
    pub reason: Option<String>,
    /// What shows that the refusal is the guard rail's.
    pub companions: Companions,
    /// The permissions that were checked with the statements that decided; a
    /// permission that two statements decided stands here twice.
    pub decided_by: Vec<Decider>,
    /// How long it took.
    pub duration_us: u64,
    /// The journal entries that belong to it.
    pub request_ids: Vec<String>,
    /// Who accepted what it found; where the verdict is `accepted`, and nowhere
    /// else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<Acceptance>,
}

/// How far a probe went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// It was done, over the road.
    Executed,
    /// The decision alone was asked for: the service is not served here.
    Decided,
}

impl Scope {
    /// Its name, as in the record.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Executed => "executed",
            Self::Decided => "decided",
        }
    }
}

/// Whether a claim held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Refused exactly as AWS refuses it, and all companions are shown.
    Held,
    /// Not refused, or refused otherwise.
    Failed,
    /// Something is missing that would make the refusal mean something.
    Inconclusive,
    /// It could not be tried; that shows nothing.
    NotRun,
    /// The estate has none of what it is about; that satisfies nothing, and is no
    /// fault either.
    NotApplicable,
    /// It did not hold, and a team answers for that until a day; that satisfies
    /// nothing.
    Accepted,
}

impl Verdict {
    /// All of them, in order.
    pub const ALL: [Self; 6] = [
        Self::Held,
        Self::Failed,
        Self::Inconclusive,
        Self::NotRun,
        Self::NotApplicable,
        Self::Accepted,
    ];

    /// Whether it leaves something open that nobody answers for.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Failed | Self::Inconclusive | Self::NotRun)
    }

    /// Its name, as in the record.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Failed => "failed",
            Self::Inconclusive => "inconclusive",
            Self::NotRun => "not-run",
            Self::NotApplicable => "not-applicable",
            Self::Accepted => "accepted",
        }
    }
}

impl Probe {
    /// The same with what it found accepted; what held, what there is nothing of
    /// and what is accepted already stay as they are.
    #[must_use]
    pub fn accepted(mut self, by: impl FnOnce(Verdict) -> Acceptance) -> Self {
        if self.verdict.is_open() {
            self.accepted = Some(by(self.verdict));
            self.verdict = Verdict::Accepted;
        }
        self
    }

    /// The verdict as it is without anybody's acceptance.
    pub fn found(&self) -> Verdict {
        self.accepted.as_ref().map_or(self.verdict, |accepted| accepted.found)
    }

    /// Who answers for what it found, in a sentence.
    pub fn acceptance(&self) -> Option<String> {
        self.accepted.as_ref().map(Acceptance::sentence)
    }

    /// Why it is not held: who accepted it and what for, else the reason, else
    /// what was observed.
    pub fn why(&self) -> String {
        let own = self.reason.as_ref().unwrap_or(&self.observed);
        match self.acceptance() {
            Some(accepted) => format!("{accepted}. {own}"),
            None => own.clone(),
        }
    }
}

/// The three things that make a refusal mean something.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Companions {
    /// The same thing done legitimately succeeds.
    pub twin: Option<Companion>,
    /// Somebody without any permission is refused.
    pub canary: Option<Companion>,
    /// Without the guard rail it is not refused.
    pub mutant: Option<Companion>,
}

impl Companions {
    /// The companions by name, in order.
    pub fn named(&self) -> [(&'static str, Option<&Companion>); 3] {
        [
            ("twin", self.twin.as_ref()),
            ("canary", self.canary.as_ref()),
            ("mutant", self.mutant.as_ref()),
        ]
    }
}

/// One of the three, and what it showed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Companion {
    /// Whether it came out as it must.
    pub shown: bool,
    /// What was done and seen.
    pub detail: String,
}

/// A permission that was checked, with a statement that decided it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decider {
    /// The IAM action.
    pub action: String,
    /// The resource's ARN, or `*`.
    pub resource: String,
    /// `allow`, `implicit_deny`, `explicit_deny` or `undecided`: the policy engine's
    /// words.
    pub outcome: String,
    /// The layer that decided: `identity`, `boundary`, …
    pub layer: String,
    /// The policy's name; none where no statement spoke.
    pub policy: Option<String>,
    /// The statement's `Sid`, if it has one.
    pub sid: Option<String>,
    /// The statement's place in the policy, from 0.
    pub index: Option<usize>,
    /// The statement's JSON.
    pub text: Option<String>,
    /// The engine's own words.
    pub explanation: String,
}
