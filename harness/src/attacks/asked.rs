//! Probes that are decided and not sent: what the guard would answer to a
//! caller, with the companions of any other attack.

use std::time::Instant;

use ringfence_guard::{Caller, Guard, Overlay, Question};
use ringfence_policy::Decision;
use ringfence_wire::ServiceError;

use super::actor::Actor;
use super::attack::Reason;
use super::companions;
use super::finding::{Companion, Companions, Finding, Road, Scope, Traces, Untried, Verdict};
use super::lack::Lack;
use crate::config::Statements;
use crate::guard_rail::GuardRail;

/// A question that must be answered with a refusal.
#[derive(Debug)]
pub(super) struct Asking<'a> {
    pub(super) id: String,
    pub(super) guard_rail: GuardRail,
    pub(super) identity: &'a str,
    pub(super) title: String,
    pub(super) caller: Caller<'a>,
    pub(super) question: Question,
    /// Who may do the same legitimately, and what exactly.
    pub(super) twin: (Caller<'a>, Question),
    /// What the caller is known to be allowed, for where the twin is refused.
    pub(super) work: Option<Question>,
    /// What must refuse it.
    pub(super) reason: Reason,
}

impl Asking<'_> {
    /// What is told of it in an estate that has none of what it is about.
    pub(super) fn not_applicable(self, lack: Lack) -> Finding {
        let told = Untried {
            id: self.id,
            guard_rail: self.guard_rail.clone(),
            identity: self.identity.to_owned(),
            road: Road::Api,
            scope: Scope::Decided,
            title: self.title,
            expected: format!("{} is refused", self.question.action),
        };
        Finding::untried(told, Verdict::NotApplicable, lack.words())
    }

    /// Asks.
    ///
    /// # Errors
    /// When the guard cannot be asked.
    pub(super) async fn run(
        self,
        guard: &Guard,
        canary: &Actor,
        statements: &Statements,
    ) -> Result<Finding, ServiceError> {
        let start = Instant::now();
        let action = self.question.action.as_str();
        let question = std::slice::from_ref(&self.question);
        let inputs = guard.inputs(self.caller, question).await?;
        let decisions = inputs.decide(&Overlay::none());
        let (who, twin) = &self.twin;
        let twin = guard.inputs(*who, std::slice::from_ref(twin)).await?.decide(&Overlay::none());
        let canary = guard.inputs(Caller::Key(canary.access_key_id()), question).await?;
        let canary = canary.decide(&Overlay::none());
        let fault = self.fault(&decisions, statements);
        let shown = |good: bool, text: String| match good {
            true => Companion::shown(text),
            false => Companion::missing(text),
        };
        let companions = Companions {
            twin: Some(match allowed(&twin) {
                true => Companion::shown(format!("{action} is allowed where it is legitimate")),
                false => match &self.work {
                    Some(work) => Companion::shown(format!(
                        "{} is allowed {} on {}: decided alone",
                        self.identity, work.action, work.resource
                    )),
                    None => {
                        Companion::missing(format!("{action} is refused {}", told(&twin, action)))
                    }
                },
            }),
            canary: Some(shown(
                canary.last().is_some_and(Decision::denied),
                format!(
                    "for a role without policies {action} is refused {}",
                    told(&canary, action)
                ),
            )),
            mutant: Some(companions::mutant(&inputs)),
        };
        let decided_by = companions::deciders(&inputs, &decisions);
        let (verdict, reason) = companions.judge(fault.as_deref(), &decided_by);
        Ok(Finding {
            id: self.id,
            guard_rail: self.guard_rail.clone(),
            identity: self.identity.to_owned(),
            road: Road::Api,
            scope: Scope::Decided,
            title: self.title,
            expected: format!("{action} is refused {}", self.reason.words(action)),
            observed: fault
                .unwrap_or_else(|| format!("{action} is refused {}", told(&decisions, action))),
            verdict,
            reason,
            companions,
            decided_by,
            duration: start.elapsed(),
            request_ids: Vec::new(),
            traces: Traces::default().decided(inputs, true),
        })
    }

    fn fault(&self, decisions: &[Decision], statements: &Statements) -> Option<String> {
        let Some(last) = decisions.last().filter(|last| !last.allowed()) else {
            return Some("it would be allowed".to_owned());
        };
        let sid = last.statements.first().and_then(|statement| statement.sid.as_deref());
        (!self.reason.is(last.layer.as_str(), sid, statements)).then(|| {
            format!(
                "layer `{}`, statement {sid:?} decides: {}",
                last.layer.as_str(),
                last.explanation
            )
        })
    }
}

fn allowed(decisions: &[Decision]) -> bool {
    decisions.iter().all(Decision::allowed)
}

fn told(decisions: &[Decision], action: &str) -> String {
    decisions.last().map_or_else(String::new, |decision| decision.reason(action))
}
