//! The paths that are not tried by a call: decided, with their companions.

use std::time::Instant;

use ringfence_guard::{Caller, Guard, Inputs, Overlay, Question};
use ringfence_policy::{Context, Decision};
use ringfence_wire::ServiceError;

use super::super::companions;
use super::super::facts::Facts;
use super::super::finding::{
    Companion, Companions, Decider, Finding, Road, Scope, Traces, UNDECIDED,
};
use super::questions::{Between, of};
use super::{PATHS, Path};

/// An identity that paths are decided for.
#[derive(Debug)]
pub struct Candidate<'a> {
    /// Its name in reports.
    pub name: &'a str,
    /// As whom the guard is asked.
    pub caller: Caller<'a>,
    /// The road that its finding names.
    pub road: Road,
    /// Its role, and one that it must not have.
    pub between: Between<'a>,
    /// What it may do: the twin.
    pub may: Question,
}

/// Decides paths.
#[derive(Debug)]
pub struct Decided<'a> {
    /// Who decides.
    pub guard: &'a Guard,
    /// A role without any policy.
    pub canary: Caller<'a>,
}

impl Decided<'_> {
    /// Decides a path for an identity.
    pub async fn run(&self, path: &'static Path, candidate: &Candidate<'_>) -> Finding {
        let start = Instant::now();
        let asked = self.ask(path, candidate).await;
        let (fault, observed, companions, decided_by, traces) = match asked {
            Ok(answer) => answer,
            Err(error) => {
                let fault = format!("the guard could not be asked: {error}");
                (Some(fault.clone()), fault, Companions::default(), Vec::new(), Traces::default())
            }
        };
        let (verdict, reason) = companions.judge(fault.as_deref(), &[]);
        Finding {
            id: path.finding_id(candidate.name, candidate.road),
            guard_rail: PATHS,
            identity: candidate.name.to_owned(),
            road: candidate.road,
            scope: Scope::Decided,
            title: format!(
                "{} cannot gain permissions by {} ({})",
                candidate.name, path.name, path.id
            ),
            expected: "at least one of the required actions is refused".to_owned(),
            observed,
            verdict,
            reason,
            companions,
            decided_by,
            duration: start.elapsed(),
            request_ids: Vec::new(),
            traces,
        }
    }

    async fn ask(&self, path: &Path, candidate: &Candidate<'_>) -> Result<Answer, ServiceError> {
        let questions = of(path, candidate.between);
        let inputs = self.guard.inputs(candidate.caller, &questions).await?;
        let decisions = inputs.decide_each(&Overlay::none());
        let refused: Vec<String> = questions
            .iter()
            .zip(&decisions)
            .filter(|(_, decision)| decision.denied())
            .map(|(question, decision)| {
                format!(
                    "{} on {} is refused {}",
                    question.action,
                    question.resource,
                    decision.reason(&question.action)
                )
            })
            .collect();
        let undecided = decisions.iter().find(|decision| !decision.allowed() && !decision.denied());
        // Where one permission is denied for certain, the others do not count.
        let open = undecided.filter(|_| refused.is_empty());
        let fault = (refused.is_empty() && open.is_none()).then(|| {
            let actions: Vec<&str> = questions.iter().map(|asked| asked.action.as_str()).collect();
            format!("{} would all be allowed", actions.join(", "))
        });
        let companions = Companions {
            twin: Some(self.twin(candidate).await?),
            canary: Some(self.canary(&questions).await?),
            mutant: Some(match open {
                None => mutant(&inputs, &decisions),
                Some(open) => Companion::missing(format!("{UNDECIDED}: {}", open.explanation)),
            }),
        };
        let decided_by = companions::deciders(&inputs, &decisions);
        let observed = match (&fault, open) {
            (Some(fault), _) => fault.clone(),
            (None, Some(open)) => open.explanation.clone(),
            (None, None) => refused.join("; "),
        };
        Ok((fault, observed, companions, decided_by, Traces::default().decided(inputs, false)))
    }

    /// The identity's own work, put to the guard in the same way.
    async fn twin(&self, candidate: &Candidate<'_>) -> Result<Companion, ServiceError> {
        let may = std::slice::from_ref(&candidate.may);
        let inputs = self.guard.inputs(candidate.caller, may).await?;
        let detail = format!("{} on {}", candidate.may.action, candidate.may.resource);
        Ok(match inputs.decide_each(&Overlay::none()).first() {
            Some(decision) if decision.allowed() => {
                Companion::shown(format!("{detail} is allowed"))
            }
            Some(decision) => Companion::missing(format!("{detail}: {}", decision.explanation)),
            None => Companion::missing(format!("{detail}: no decision")),
        })
    }

    async fn canary(&self, questions: &[Question]) -> Result<Companion, ServiceError> {
        let decisions =
            self.guard.inputs(self.canary, questions).await?.decide_each(&Overlay::none());
        let allowed: Vec<&str> = questions
            .iter()
            .zip(&decisions)
            .filter(|(_, decision)| !decision.denied())
            .map(|(question, _)| question.action.as_str())
            .collect();
        Ok(if allowed.is_empty() {
            Companion::shown("a role without policies is refused every one of these actions")
        } else {
            let allowed = allowed.join(", ");
            Companion::missing(format!("a role without policies is not refused {allowed}"))
        })
    }
}

type Answer = (Option<String>, String, Companions, Vec<Decider>, Traces);

/// What a function's role may always do: write its logs.
pub fn writes_logs(facts: &Facts, function: &str) -> Question {
    Question {
        action: "logs:PutLogEvents".to_owned(),
        resource: format!(
            "arn:aws:logs:{}:{}:log-group:/aws/lambda/{function}:log-stream:probe",
            facts.region, facts.account
        ),
        context: Context::new(),
    }
}

/// What every deployer may do: look at its function.
pub fn reads_function(facts: &Facts, function: &str) -> Question {
    Question {
        action: "lambda:GetFunctionConfiguration".to_owned(),
        resource: facts.function_arn(function),
        context: Context::new(),
    }
}

/// Each refused action must be allowed once its guard rails are gone.
fn mutant(inputs: &Inputs, decisions: &[Decision]) -> Companion {
    let refused = inputs.asked.iter().zip(decisions).filter(|(_, decision)| decision.denied());
    let mut told = Vec::new();
    for (asked, _) in refused {
        let alone = Inputs { asked: vec![asked.clone()], ..inputs.clone() };
        let companion = companions::mutant(&alone);
        if !companion.shown {
            return companion;
        }
        told.push(format!("{}: {}", asked.action, companion.detail));
    }
    match told.is_empty() {
        true => Companion::missing("nothing was refused"),
        false => Companion::shown(told.join("; ")),
    }
}
