//! What came of an attack.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::guard_rail::GuardRail;
use crate::stack::Judged;
use ringfence_guard::Inputs;
use ringfence_policy::Outcome;

/// The way by which an identity reaches what it attacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Road {
    /// A call of an AWS API.
    Api,
    /// A resource of a CloudFormation stack.
    CloudFormation,
    /// A request to the HTTP API.
    Http,
    /// A token exchanged for a role's session.
    Oidc,
    /// A call from inside a running function.
    Function,
    /// A team's deployment workflow.
    Workflow,
}

impl Road {
    /// The road's name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::CloudFormation => "cloudformation",
            Self::Http => "http",
            Self::Oidc => "oidc",
            Self::Function => "function",
            Self::Workflow => "workflow",
        }
    }
}

impl fmt::Display for Road {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How far an attack went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The call was made; a service answered or the guard refused it.
    Executed,
    /// Nothing but the authorization was decided: the service is not served.
    Decided,
}

impl Scope {
    /// The scope's name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Executed => "executed",
            Self::Decided => "decided",
        }
    }
}

/// Whether a guard rail held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Refused as AWS refuses it, and every companion was shown.
    Held,
    /// Not refused, or refused otherwise than by the guard rail.
    Failed,
    /// A companion is missing, so the refusal proves nothing.
    Inconclusive,
    /// It could not be tried; that shows nothing.
    NotRun,
    /// The estate has none of what it is about.
    NotApplicable,
}

impl Verdict {
    /// The verdict's name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Failed => "failed",
            Self::Inconclusive => "inconclusive",
            Self::NotRun => "not-run",
            Self::NotApplicable => "not-applicable",
        }
    }
}

/// What must be shown beside a refusal, for it to mean anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Companion {
    /// Whether it was shown.
    pub shown: bool,
    /// What was done, and what came of it.
    pub detail: String,
}

impl Companion {
    /// One that was shown.
    pub fn shown(detail: impl Into<String>) -> Self {
        Self { shown: true, detail: detail.into() }
    }

    /// One that was tried and not shown.
    pub fn missing(detail: impl Into<String>) -> Self {
        Self { shown: false, detail: detail.into() }
    }
}

/// The companions of an attack. None of a kind is as good as one that was not
/// shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Companions {
    /// The same thing, legitimately, succeeds: not everybody is refused.
    pub twin: Option<Companion>,
    /// Somebody without any policy is refused: the road is guarded at all.
    pub canary: Option<Companion>,
    /// Without the guard rail the attack goes through: it is the guard rail
    /// that refuses.
    pub mutant: Option<Companion>,
}

impl Companions {
    /// The verdict on an attack with these companions, and why it is not
    /// `held`. `fault` is what was wrong with the refusal, if anything was, and
    /// `decided_by` what decided it: a refusal that is the guard's alone, since it
    /// hangs on a key of which nothing is known, is not AWS's.
    pub fn judge(&self, fault: Option<&str>, decided_by: &[Decider]) -> (Verdict, Option<String>) {
        let last = decided_by.last().filter(|last| last.outcome == Outcome::Undecided.as_str());
        if let Some(Decider { action, resource, explanation, .. }) = last {
            let why = format!("{UNDECIDED}: {action} on {resource} is {explanation}");
            return (Verdict::Inconclusive, Some(why));
        }
        if let Some(fault) = fault {
            return (Verdict::Failed, Some(fault.to_owned()));
        }
        let all = [("twin", &self.twin), ("canary", &self.canary), ("mutant", &self.mutant)];
        let missing: Vec<String> = all
            .into_iter()
            .filter_map(|(name, companion)| match companion {
                Some(companion) if companion.shown => None,
                Some(companion) => Some(format!("the {name} was not shown: {}", companion.detail)),
                None => Some(format!("there is no {name}")),
            })
            .collect();
        if missing.is_empty() {
            (Verdict::Held, None)
        } else {
            (Verdict::Inconclusive, Some(missing.join("; ")))
        }
    }
}

/// The verdict on an attack that the guard refused since it does not know what the call
/// requires, and why. `code` is the error's, and `explained` what the guard says of it.
pub fn unmapped(code: &str, explained: &str) -> Option<(Verdict, Option<String>)> {
    let is_ours = code == ringfence_guard::UNMAPPED;
    is_ours.then(|| (Verdict::Inconclusive, Some(format!("{UNDECIDED}: {explained}"))))
}

/// Why an attack is inconclusive that the guard could not decide.
pub const UNDECIDED: &str = "nobody can say whether AWS refuses it";

/// A permission that was checked, and what decided it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decider {
    /// The IAM action.
    pub action: String,
    /// The resource's ARN, or `*`.
    pub resource: String,
    /// `allow`, `implicit_deny`, `explicit_deny` or `undecided`.
    pub outcome: String,
    /// The layer that decided: `identity`, `boundary`, ….
    pub layer: String,
    /// The policy's stable id (`role/NAME/inline/POLICY`, `policy/ARN`, …);
    /// none for a layer's silence.
    pub policy: Option<String>,
    /// The statement's `Sid`, if it has one.
    pub sid: Option<String>,
    /// The statement's place in its policy, from 0.
    pub index: Option<usize>,
    /// The statement's own JSON.
    pub text: Option<String>,
    /// The engine's words.
    pub explanation: String,
}

/// An attack with what came of it.
#[derive(Debug, Clone)]
pub struct Finding {
    /// `high-perm/role-without-boundary/api`: stable from run to run.
    pub id: String,
    /// The guard rail under attack.
    pub guard_rail: GuardRail,
    /// Who attacks.
    pub identity: String,
    /// By which road.
    pub road: Road,
    /// How far the attack went.
    pub scope: Scope,
    /// What is claimed.
    pub title: String,
    /// What must be observed.
    pub expected: String,
    /// What was.
    pub observed: String,
    /// The judgement.
    pub verdict: Verdict,
    /// Why it is inconclusive or was not run.
    pub reason: Option<String>,
    /// What was shown beside it.
    pub companions: Companions,
    /// What decided the attack, permission by permission; the last one ended
    /// it.
    pub decided_by: Vec<Decider>,
    /// How long attack and companions took.
    pub duration: Duration,
    /// The journal's entries for attack and twin, where they are AWS calls.
    pub request_ids: Vec<String>,
    /// What else it depends on, which the mutations decide again.
    pub traces: Traces,
}

impl Finding {
    /// The same, of an account: where there are several, its id and who attacks name it.
    #[must_use]
    pub fn of(self, account: &Judged) -> Self {
        let (id, identity) = (account.scoped(&self.id), account.scoped(&self.identity));
        Self { id, identity, ..self }
    }

    /// One that was not tried, and why: it could not be, or there is nothing to
    /// try it on.
    pub fn untried(told: Untried, verdict: Verdict, reason: impl Into<String>) -> Self {
        let Untried { id, guard_rail, identity, road, scope, title, expected } = told;
        Self {
            id,
            guard_rail,
            identity,
            road,
            scope,
            title,
            expected,
            observed: "it was not tried".to_owned(),
            verdict,
            reason: Some(reason.into()),
            companions: Companions::default(),
            decided_by: Vec::new(),
            duration: Duration::ZERO,
            request_ids: Vec::new(),
            traces: Traces::default(),
        }
    }
}

/// What a finding says before anything was tried.
#[derive(Debug, Clone)]
pub struct Untried {
    /// As [`Finding::id`].
    pub id: String,
    /// As [`Finding::guard_rail`].
    pub guard_rail: GuardRail,
    /// As [`Finding::identity`].
    pub identity: String,
    /// As [`Finding::road`].
    pub road: Road,
    /// As [`Finding::scope`].
    pub scope: Scope,
    /// As [`Finding::title`].
    pub title: String,
    /// As [`Finding::expected`].
    pub expected: String,
}

/// What a probe depends on beside its own requests.
#[derive(Debug, Clone, Default)]
pub struct Traces {
    /// The requests that services made because of the probe's own: those of a
    /// stack's resources, of a function's network, ….
    pub caused: Vec<String>,
    /// What was decided without a request.
    pub decided: Vec<DecidedAlone>,
}

/// What was decided without a request.
#[derive(Debug, Clone)]
pub struct DecidedAlone {
    /// What the decision depends on.
    pub inputs: Arc<Inputs>,
    /// Whether the probe looks at which layer and statement decides, and not
    /// only at the outcome.
    pub exact: bool,
}

impl Traces {
    /// The requests that a probe caused beside its own.
    pub fn caused(mut all: Vec<String>, own: &[String]) -> Self {
        all.retain(|id| !own.contains(id));
        Self { caused: all, ..Self::default() }
    }

    /// Something that was decided without a request.
    #[must_use]
    pub fn decided(mut self, inputs: Inputs, exact: bool) -> Self {
        self.decided.push(DecidedAlone { inputs: Arc::new(inputs), exact });
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all_shown() -> Companions {
        let shown = || Some(Companion::shown("done"));
        Companions { twin: shown(), canary: shown(), mutant: shown() }
    }

    #[test]
    fn a_refusal_holds_with_all_three_companions_alone() {
        assert_eq!(all_shown().judge(None, &[]), (Verdict::Held, None));
        let without = Companions { canary: None, ..all_shown() };
        assert_eq!(
            without.judge(None, &[]),
            (Verdict::Inconclusive, Some("there is no canary".to_owned()))
        );
        let unshown =
            Companions { mutant: Some(Companion::missing("still denied")), ..all_shown() };
        assert_eq!(
            unshown.judge(None, &[]),
            (Verdict::Inconclusive, Some("the mutant was not shown: still denied".to_owned()))
        );
    }

    #[test]
    fn what_was_allowed_failed_whatever_its_companions_show() {
        let judged = all_shown().judge(Some("it was allowed"), &[]);
        assert_eq!(judged, (Verdict::Failed, Some("it was allowed".to_owned())));
    }

    #[test]
    fn what_the_guard_has_no_mapping_for_is_inconclusive_and_awss_refusal_is_not() {
        let why = "ec2:CreateFleet has no authorization mapping";
        let told = format!("nobody can say whether AWS refuses it: {why}");
        assert_eq!(unmapped("RingfenceUnmapped", why), Some((Verdict::Inconclusive, Some(told))));
        assert_eq!(unmapped("UnauthorizedOperation", why), None);
    }

    /// Neither a refusal as expected nor another one shows what AWS does.
    #[test]
    fn what_the_guard_could_not_decide_is_inconclusive_and_says_why() {
        let decided = |outcome: &str| Decider {
            action: "s3:GetObject".to_owned(),
            resource: "arn:aws:s3:::b/k".to_owned(),
            outcome: outcome.to_owned(),
            layer: "identity".to_owned(),
            policy: None,
            sid: None,
            index: None,
            text: None,
            explanation: "undecided: nothing is known of `x:k`".to_owned(),
        };
        let why = "nobody can say whether AWS refuses it: s3:GetObject on arn:aws:s3:::b/k is \
                   undecided: nothing is known of `x:k`";
        for fault in [None, Some("it was refused otherwise")] {
            let judged = all_shown().judge(fault, &[decided("allow"), decided("undecided")]);
            assert_eq!(judged, (Verdict::Inconclusive, Some(why.to_owned())));
        }
        let judged = all_shown().judge(None, &[decided("implicit_deny")]);
        assert_eq!(judged, (Verdict::Held, None));
    }
}
