//! One way of somebody of one account into another, judged.

use std::time::Instant;

use ringfence_guard::{Caller, Guard, Inputs, Overlay, Question};
use ringfence_policy::{Decision, Layer};
use ringfence_wire::ServiceError;
use ringfence_wire::services::Sts;
use serde_json::json;

use super::named::{self, Named};
use super::targets::EXTERNAL_ID;
use super::{Actor, CROSSING, Finding, Person, Road, SESSION, Scope, Step, Untried, Verdict};
use crate::attacks::companions;
use crate::attacks::finding::{Companion, Companions, Decider, Traces, UNDECIDED};

/// A way in.
#[derive(Debug)]
pub(super) struct Case {
    /// `assumes`, `uses-s3-GetObject`, ….
    pub(super) name: String,
    /// What is entered, with its account.
    pub(super) place: String,
    /// What must not be.
    pub(super) title: String,
    pub(super) how: How,
    /// What is asked for: each by itself is the way in.
    pub(super) questions: Vec<Question>,
}

/// How somebody gets in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum How {
    /// As a role, with the external id that its trust policy asks for, where it does.
    Assume { external_id: Option<String> },
    /// As a role whose trust policy asks for an external id, with this one.
    WithoutExternalId { given: Option<String> },
    /// By the use of a resource.
    Use,
}

/// What the guard says of a case for somebody: of each question what was decided about.
#[derive(Debug)]
pub(super) struct Asked(Result<Vec<Answer>, ServiceError>);

#[derive(Debug)]
struct Answer {
    inputs: Inputs,
    decisions: Vec<Decision>,
}

/// Somebody who gets in, and is meant to.
#[derive(Debug, Clone)]
pub(super) struct Allowed {
    pub(super) told: String,
    inputs: Inputs,
}

/// What is asked beside an attack.
#[derive(Debug)]
pub(super) struct Beside<'b> {
    pub(super) guard: &'b Guard,
    /// What the attacker may do; none where its policies allow nothing.
    pub(super) work: Option<&'b str>,
    /// A role without policies of the attacker's account.
    pub(super) canary: &'b Actor,
    /// Who gets in.
    pub(super) twin: Option<Allowed>,
}

impl Answer {
    fn is_allowed(&self) -> bool {
        self.decisions.iter().all(Decision::allowed)
    }

    /// The statement of the policy of what is entered that allows it.
    fn letting(&self) -> Option<String> {
        let all = self.decisions.iter().flat_map(|decision| &decision.statements);
        let statement = all.into_iter().find(|statement| statement.layer == Layer::Resource)?;
        let cited = self.inputs.cited(statement.layer, &statement.policy)?;
        cited.document.statement_text(statement.index).map(str::to_owned)
    }

    fn deciders(&self) -> Vec<Decider> {
        companions::deciders(&self.inputs, &self.decisions)
    }

    /// What allows it, for a person.
    fn told(&self) -> String {
        self.decisions.last().map(|decision| decision.explanation.clone()).unwrap_or_default()
    }
}

impl Asked {
    pub(super) async fn of(guard: &Guard, person: &Person, case: &Case) -> Self {
        let mut answers = Vec::new();
        for question in &case.questions {
            match guard.inputs(person.caller(), std::slice::from_ref(question)).await {
                Ok(inputs) => {
                    let decisions = inputs.decide(&Overlay::none());
                    answers.push(Answer { inputs, decisions });
                }
                Err(error) => return Self(Err(error)),
            }
        }
        Self(Ok(answers))
    }

    /// Whoever gets in and is meant to, as the legitimate use.
    pub(super) fn twin(&self, who: &Person) -> Option<Allowed> {
        let mut answers = self.0.as_ref().ok()?.iter();
        let answer =
            answers.find(|it| it.is_allowed() && named::by(&it.inputs) != Named::Nobody)?;
        let asked = answer.inputs.asked.first()?;
        let told = decided(who, &asked.action, &asked.resource);
        Some(Allowed { told, inputs: answer.inputs.clone() })
    }
}

impl Case {
    /// The id of its finding.
    pub(super) fn id(&self, person: &Person) -> String {
        format!("{}/{}/{}/{}", person.identity, self.name, self.place, Road::Api)
    }

    /// Whether it is the plain form of another one: into the same by the same action.
    pub(super) fn is_of(&self, other: &Self) -> bool {
        let action = |case: &Self| case.questions.first().map(|it| it.action.clone());
        let is_plain = !matches!(self.how, How::WithoutExternalId { .. });
        is_plain && self.place == other.place && action(self) == action(other)
    }

    /// What its finding says before anything is tried.
    pub(super) fn untried(&self, person: &Person) -> Untried {
        Untried {
            id: self.id(person),
            guard_rail: CROSSING,
            identity: person.identity.clone(),
            road: Road::Api,
            scope: Scope::Decided,
            title: format!("{} never {}", person.identity, self.title),
            expected: "it is refused, or one account's policy names whom or what it allows"
                .to_owned(),
        }
    }

    /// What is wrong with it where it is allowed; none where it is meant.
    fn fault(&self, answer: &Answer) -> Option<String> {
        match &self.how {
            How::Assume { .. } | How::Use => (named::by(&answer.inputs) == Named::Nobody).then(|| {
                format!(
                    "it is allowed, and neither account says by name whom or what: any role with \
                     such policies is let in, and they allow the same on anything; {}",
                    answer.told()
                )
            }),
            How::WithoutExternalId { .. } => {
                let letting = answer.letting().unwrap_or_default().to_ascii_lowercase();
                letting.contains(&EXTERNAL_ID.to_ascii_lowercase()).then(|| {
                    format!(
                        "it is allowed by the statement that asks for an external id; {}",
                        answer.told()
                    )
                })
            }
        }
    }
}

/// That somebody is allowed something.
pub(super) fn decided(who: &Person, action: &str, resource: &str) -> String {
    format!("{} is allowed {action} on {resource}: decided alone", who.identity)
}

/// The finding.
pub(super) async fn judged(
    person: &Person,
    case: &Case,
    found: &Asked,
    beside: &Beside<'_>,
    session: Option<&Actor>,
) -> Finding {
    let start = Instant::now();
    let told = case.untried(person);
    let answers = match &found.0 {
        Ok(answers) => answers,
        Err(error) => {
            let (verdict, why) = match error.code.as_ref() {
                ringfence_guard::UNDECIDED | ringfence_guard::UNMAPPED => {
                    (Verdict::Inconclusive, UNDECIDED)
                }
                _ => (Verdict::NotRun, "the guard could not be asked"),
            };
            return Finding::untried(told, verdict, format!("{why}: {error}"));
        }
    };
    let allowed: Vec<&Answer> = answers.iter().filter(|it| it.is_allowed()).collect();
    let fault = allowed.iter().find_map(|answer| Some((*answer, case.fault(answer)?)));
    if let (Some(answer), None) = (allowed.first(), &fault) {
        let why = format!("it is meant, for one of the two accounts names it: {}", answer.told());
        let decided_by = answer.deciders();
        let finding = Finding::untried(told, Verdict::NotApplicable, why);
        return Finding { decided_by, duration: start.elapsed(), ..finding };
    }
    if let (None, None) = (&fault, beside.work) {
        let why = "its own policies allow nothing, which every way to another account asks for";
        return Finding::untried(told, Verdict::NotApplicable, why);
    }
    let decisive = fault.as_ref().map(|(answer, _)| *answer).or_else(|| answers.first());
    let decided_by = decisive.map(Answer::deciders).unwrap_or_default();
    let mut fault = fault.map(|(_, fault)| fault);
    let mut observed = refused(answers);
    let (mut scope, mut request_ids) = (Scope::Decided, Vec::new());
    if let (None, Some(session)) = (&fault, session)
        && let Some(tried) = tried(case, session).await
    {
        scope = Scope::Executed;
        request_ids.push(tried.request_id);
        match tried.result {
            Ok(()) => fault = Some("it was allowed".to_owned()),
            Err(error) if error.code == "AccessDenied" => {
                observed = format!("{} {error}", error.status);
            }
            Err(error) => {
                fault = Some(format!("another error than a refusal: {} {error}", error.status));
            }
        }
    }
    let companions = companions(case, answers, beside).await;
    let (verdict, reason) = companions.judge(fault.as_deref(), &decided_by);
    let mut traces = Traces::default();
    for answer in answers {
        traces = traces.decided(answer.inputs.clone(), true);
    }
    if let Some(twin) = &beside.twin {
        traces = traces.decided(twin.inputs.clone(), false);
    }
    let Untried { id, guard_rail, identity, road, title, expected, .. } = told;
    let observed = fault.unwrap_or(observed);
    let duration = start.elapsed();
    Finding {
        id,
        guard_rail,
        identity,
        road,
        scope,
        title,
        expected,
        observed,
        verdict,
        reason,
        companions,
        decided_by,
        duration,
        request_ids,
        traces,
    }
}

/// What refuses it, question by question.
fn refused(answers: &[Answer]) -> String {
    let each = answers.iter().filter_map(|answer| {
        let decision = answer.decisions.last()?;
        let asked = answer.inputs.asked.first()?;
        let reason = decision.reason(&asked.action);
        Some(format!("{} on {} is refused {reason}", asked.action, asked.resource))
    });
    each.collect::<Vec<_>>().join("; ")
}

struct Tried {
    request_id: String,
    result: Result<(), ServiceError>,
}

/// The call itself, where somebody can make it: to assume a role.
async fn tried(case: &Case, session: &Actor) -> Option<Tried> {
    let given = match &case.how {
        How::Assume { external_id } => external_id,
        How::WithoutExternalId { given } => given,
        How::Use => return None,
    };
    let role = &case.questions.first()?.resource;
    let mut input = json!({"RoleArn": role, "RoleSessionName": SESSION});
    if let (Some(given), Some(members)) = (given, input.as_object_mut()) {
        members.insert("ExternalId".to_owned(), given.as_str().into());
    }
    let answer = session.call(&Step::new(Sts, "AssumeRole", input)).await;
    Some(Tried { request_id: answer.request_id, result: answer.result.map(drop) })
}

async fn companions(case: &Case, answers: &[Answer], beside: &Beside<'_>) -> Companions {
    let twin = beside.twin.as_ref().map(|twin| twin.told.as_str()).or(beside.work);
    let mutants: Vec<Companion> =
        answers.iter().map(|answer| companions::mutant(&answer.inputs)).collect();
    Companions {
        twin: twin.map(Companion::shown),
        canary: Some(canary(case, beside).await),
        mutant: mutants.iter().find(|it| !it.shown).or_else(|| mutants.first()).cloned(),
    }
}

/// The same by a role without policies of the attacker's account.
async fn canary(case: &Case, beside: &Beside<'_>) -> Companion {
    let caller = Caller::Key(beside.canary.access_key_id());
    let mut reasons = Vec::new();
    for question in &case.questions {
        let asked = beside.guard.inputs(caller, std::slice::from_ref(question)).await;
        let decisions = match asked {
            Ok(inputs) => inputs.decide(&Overlay::none()),
            Err(error) => return Companion::missing(format!("it cannot be asked: {error}")),
        };
        match decisions.last().filter(|decision| decision.denied()) {
            Some(decision) => reasons.push(decision.reason(&question.action)),
            None => return Companion::missing("a role without policies is not refused"),
        }
    }
    let reason = reasons.into_iter().next().unwrap_or_default();
    Companion::shown(format!("a role without policies is refused {reason}"))
}
