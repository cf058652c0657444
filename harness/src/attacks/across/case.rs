//! One way of somebody of one account into another, judged.

use std::sync::Arc;
use std::time::Instant;

use ringfence_guard::recording as guard;
use ringfence_guard::{Caller, Guard, Inputs, Overlay, Question};
use ringfence_policy::{Context, Decision, Layer};
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
    /// As a role, with an external id that its trust policy asks for, where it does.
    Assume,
    /// As a role whose trust policy asks for an external id, without it or with another.
    WithoutExternalId,
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
    /// What the attacker may do.
    pub(super) work: &'b Work,
    /// A role without policies of the attacker's account.
    pub(super) canary: &'b Actor,
    /// Who gets in.
    pub(super) twin: Option<Allowed>,
    /// A session of the attacker; none where no token becomes it, or why there is none.
    pub(super) session: Result<Option<&'b Actor>, &'b str>,
}

/// What somebody may do by its own policies.
#[derive(Debug, Clone)]
pub(super) enum Work {
    /// This.
    Shown(String),
    /// Something, of which no request was found that is allowed.
    Unshown,
    /// Nothing: no statement of them allows anything.
    Nothing,
}

impl Work {
    fn shown(&self) -> Option<&str> {
        match self {
            Self::Shown(told) => Some(told),
            Self::Unshown | Self::Nothing => None,
        }
    }
}

impl Answer {
    fn is_allowed(&self) -> bool {
        self.decisions.iter().all(Decision::allowed)
    }

    fn is_undecided(&self) -> bool {
        !self.is_allowed() && !self.decisions.iter().any(Decision::denied)
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

/// Keys that a policy names and the question does not set, of whichever of the two accounts:
/// what a caller sends is unknown. The global ones but for those of the request's tags are
/// the guard's to set, and the external id is the question's.
fn unasked(inputs: Inputs) -> Inputs {
    let is_asked = |key: &str| {
        let key = key.to_ascii_lowercase();
        let is_global =
            key.starts_with("aws:") && key != "aws:tagkeys" && !key.starts_with("aws:requesttag/");
        is_global || key == EXTERNAL_ID.to_ascii_lowercase()
    };
    let named: Vec<&str> =
        inputs.documents().flat_map(|attached| attached.document.context_keys()).collect();
    let with_unknown = |one: &guard::Asked| {
        let mut context = Context::clone(&one.context);
        for key in named.iter().filter(|key| !is_asked(key)) {
            // The tags of what is entered are those that it has.
            let is_tag = key.to_ascii_lowercase().starts_with("iam:resourcetag/");
            if context.get(key).is_none() && !is_tag {
                context.set_unknown(key);
            }
        }
        guard::Asked { context: Arc::new(context), ..one.clone() }
    };
    let asked = inputs.asked.iter().map(with_unknown).collect();
    Inputs { asked, ..inputs }
}

impl Asked {
    pub(super) async fn of(guard: &Guard, person: &Person, case: &Case) -> Self {
        let mut answers = Vec::new();
        for question in &case.questions {
            match guard.inputs(person.caller(), std::slice::from_ref(question)).await {
                Ok(inputs) => {
                    let inputs = unasked(inputs);
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
        let answer = answers.find(|it| it.is_allowed() && named::by(&it.inputs).is_somebody())?;
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
        let is_plain = !matches!(self.how, How::WithoutExternalId);
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

    /// Whether it cannot be told that what is allowed is meant.
    fn is_unclear(&self, answer: &Answer) -> bool {
        self.how != How::WithoutExternalId && named::by(&answer.inputs) == Named::Undecided
    }

    /// What is wrong with it where it is allowed; none where it is meant.
    fn fault(&self, answer: &Answer) -> Option<String> {
        match &self.how {
            How::Assume | How::Use => (named::by(&answer.inputs) == Named::Nobody).then(|| {
                format!(
                    "it is allowed, and neither account says by name whom or what: any role with \
                     such policies is let in, and they allow the same on anything; {}",
                    answer.told()
                )
            }),
            How::WithoutExternalId => {
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
    let unclear = allowed.iter().find(|it| case.is_unclear(it));
    if let (Some(answer), None) = (unclear, &fault) {
        let why = format!(
            "it is allowed, and whether one of the two accounts names it hangs on what is sent \
             with it: {}",
            answer.told()
        );
        let decided_by = answer.deciders();
        let finding = Finding::untried(told, Verdict::Inconclusive, why);
        return Finding { decided_by, duration: start.elapsed(), ..finding };
    }
    let undecided = answers.iter().find(|it| it.is_undecided());
    if let (Some(answer), None, None) = (allowed.first(), &fault, undecided) {
        let why = format!("it is meant, for one of the two accounts names it: {}", answer.told());
        let decided_by = answer.deciders();
        let finding = Finding::untried(told, Verdict::NotApplicable, why);
        return Finding { decided_by, duration: start.elapsed(), ..finding };
    }
    if let (None, Work::Nothing) = (&fault, beside.work) {
        let why = "no statement of its own policies allows anything, which every way to another \
                   account asks for";
        return Finding::untried(told, Verdict::NotApplicable, why);
    }
    let decisive = fault.as_ref().map(|(answer, _)| *answer).or(undecided);
    let decisive = decisive.or_else(|| answers.first());
    let decided_by = decisive.map(Answer::deciders).unwrap_or_default();
    let mut fault = fault.map(|(_, fault)| fault);
    let mut observed = refused(answers);
    let (mut scope, mut request_ids) = (Scope::Decided, Vec::new());
    // What is undecided, or meant beside it, is not called: the guard refuses what it does
    // not know.
    let is_called = fault.is_none() && undecided.is_none() && case.how != How::Use;
    match beside.session {
        Ok(Some(session)) if is_called => {
            for question in &case.questions {
                let tried = tried(question, session).await;
                scope = Scope::Executed;
                request_ids.push(tried.request_id);
                match tried.result {
                    Ok(()) => fault = Some("it was allowed".to_owned()),
                    Err(error) if error.code == "AccessDenied" => {
                        observed = format!("{} {error}", error.status);
                        continue;
                    }
                    Err(error) => {
                        let told = format!("{} {error}", error.status);
                        fault = Some(format!("another error than a refusal: {told}"));
                    }
                }
                break;
            }
        }
        Err(why) if is_called => {
            observed = format!("{observed}; nothing was called, for there is no session: {why}");
        }
        _ => {}
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

/// The call itself: to assume a role.
async fn tried(question: &Question, session: &Actor) -> Tried {
    let mut input = json!({"RoleArn": question.resource, "RoleSessionName": SESSION});
    let given = question.context.get(EXTERNAL_ID).and_then(|values| values.as_slice().first());
    if let (Some(given), Some(members)) = (given, input.as_object_mut()) {
        members.insert("ExternalId".to_owned(), given.as_str().into());
    }
    let answer = session.call(&Step::new(Sts, "AssumeRole", input)).await;
    Tried { request_id: answer.request_id, result: answer.result.map(drop) }
}

async fn companions(case: &Case, answers: &[Answer], beside: &Beside<'_>) -> Companions {
    let twin = beside.twin.as_ref().map(|twin| twin.told.as_str());
    let twin = twin.or_else(|| beside.work.shown());
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
