//! How an attack is run and judged.
//!
//! - `back`: what a call gave, made or replaced is taken back;
//! - `stacked`: stacks of one resource, and waiting until something has settled.

mod back;
mod stacked;

use std::sync::Arc;
use std::time::Instant;

use ringfence_guard::journal::{Ending, Entry};
use ringfence_guard::{Caller, Guard, Overlay, Question, Recording};
use ringfence_policy::Context;
use ringfence_wire::ServiceError;
use serde_json::Value;

use self::back::{before, settled, take_back};
pub(crate) use self::back::{is_taken_back, made_and_taken_back};
use self::stacked::{CREATE, Change, UPDATE, deploy, remove};
use super::actor::Actor;
use super::attack::{Attack, Attempt, Reason, Refusal, Step, Who};
use super::companions;
use super::finding::{self, Companion, Companions, Decider, Finding, Scope, Traces, Verdict};
use crate::config::Statements;
use crate::guard_rail::GuardRail;

/// Runs attacks as one identity.
#[derive(Debug)]
pub struct Runner<'a> {
    /// The identity's name in reports.
    pub identity: String,
    /// The identity.
    pub attacker: &'a Actor,
    /// The platform team, for twins and clean-ups.
    pub platform: &'a Actor,
    /// A role without policies.
    pub canary: &'a Actor,
    /// The guard, which says what it decided and would decide.
    pub guard: &'a Guard,
    /// The identity's namespace: its stacks are called `NAMESPACE-probe-N`.
    pub namespace: String,
    /// What its policies allow it, where that is known: a twin that is decided alone,
    /// for attacks whose own twin the estate has nothing for.
    pub work: Option<Question>,
    /// The names of the statements that must refuse.
    pub statements: &'a Statements,
    /// The legitimate twin of all attacks, where it was made before them.
    pub twin: Option<Companion>,
}

/// How an attempt ended.
struct Outcome {
    /// Allowed, or the error; a stack's is the reason of its failed resource.
    result: Result<Value, ServiceError>,
    request_ids: Vec<String>,
}

/// How the legitimate twin ended.
struct Twinned {
    who: String,
    result: Result<Value, ServiceError>,
    request_ids: Vec<String>,
}

impl Runner<'_> {
    /// Runs an attack with its companions. `number` tells its stacks apart.
    pub async fn run(&self, attack: &Attack, number: usize) -> Finding {
        let start = Instant::now();
        let before = self.before(&attack.attempt).await;
        let mark = self.guard.journal().mark();
        let recorded = self.guard.recording().map(Recording::mark);
        let is_declared = matches!(attack.guard_rail, GuardRail::Declared(_));
        let destroys = is_declared || destroys(&attack.attempt);
        let spared = destroys && self.may(&attack.refusal).await;
        let attempt = match spared {
            true => Outcome { result: Ok(Value::Null), request_ids: Vec::new() },
            false => self.attempt(&attack.attempt, self.attacker, &format!("{number}")).await,
        };
        let expected = attack.refusal.error(&self.attacker.arn);
        let entries = self.guard.journal().entries_since(mark);
        let refused = self.refused(&attack.refusal, &entries).or_else(|fault| {
            // A refusal of something that the attempt needs before is one too, where
            // no statement is named that must be what refuses.
            let any = attack.refusal.reason == Reason::Any;
            let first = any.then(|| self.first_refusal(&entries)).flatten();
            first.ok_or(fault)
        });
        let fault = match (&attempt.result, &refused) {
            (Ok(_), _) if spared && is_declared => Some(FORBIDDEN.to_owned()),
            (Ok(_), _) if spared => Some(SPARED.to_owned()),
            (Ok(_), _) => Some("it was allowed".to_owned()),
            (Err(error), Ok(_)) if attack.refusal.reason == Reason::Any && is_denial(error) => None,
            (Err(error), refused) => mismatch(&attack.attempt, error, &expected)
                .map(|fault| match self.let_through(&attack.refusal, &entries) {
                    true => LET_THROUGH.to_owned(),
                    false => fault,
                })
                .or_else(|| refused.as_ref().err().cloned()),
        };
        let stays = match (&attempt.result, &attack.attempt, spared) {
            (Ok(given), Attempt::Call(step), false) => {
                take_back(self.platform, step, given, before.as_ref()).await
            }
            _ => None,
        };
        let (twin, twin_ids) = match &self.twin {
            Some(twin) => (twin.clone(), Vec::new()),
            None => {
                let Twinned { who, result, request_ids } = self.twin(attack, number).await;
                (self.twinned(&who, result), request_ids)
            }
        };
        let caused = self.recorded_since(recorded);
        let undecided = self.undecided(&entries).filter(|_| attempt.result.is_err());
        let (mut decided_by, mutant) = self.decided(undecided.as_ref().or(refused.as_ref().ok()));
        if decided_by.is_empty() {
            decided_by = self.allowed_by(&attack.refusal, &entries);
        }
        let companions = Companions {
            twin: Some(twin),
            canary: Some(self.canary(&attack.attempt, number).await),
            mutant,
        };
        let refusal = if attempt.result.is_err() { decided_by.as_slice() } else { &[] };
        let unmapped = || self.unmapped(&entries).filter(|_| attempt.result.is_err());
        let (verdict, reason) = match refused.is_err().then(unmapped).flatten() {
            Some(judged) => judged,
            None => companions.judge(fault.as_deref(), refusal),
        };
        let mut observed = match (&attempt.result, fault) {
            (Err(error), Some(fault)) => format!("{fault}; the answer: {} {error}", error.status),
            (Ok(_), fault) => fault.unwrap_or_default(),
            (Err(error), None) => format!("{} {error}", error.status),
        };
        observed.extend(stays.into_iter().flat_map(|stays| ["; ".to_owned(), stays]));
        let mut request_ids = attempt.request_ids;
        if let Ok(entry) = &refused
            && !request_ids.contains(&entry.request_id)
        {
            request_ids.push(entry.request_id.clone());
        }
        request_ids.extend(twin_ids);
        let traces = Traces::caused(caused, &request_ids);
        Finding {
            id: attack.id(&self.identity),
            guard_rail: attack.guard_rail.clone(),
            identity: self.identity.clone(),
            road: attack.attempt.road(),
            scope: if spared { Scope::Decided } else { Scope::Executed },
            title: format!("{} {}", self.identity, attack.title),
            expected: format!("{} {expected}", expected.status),
            observed,
            verdict,
            reason,
            companions,
            decided_by,
            duration: start.elapsed(),
            request_ids,
            traces,
        }
    }

    fn twinned(&self, who: &str, result: Result<Value, ServiceError>) -> Companion {
        match result {
            Ok(_) => Companion::shown(format!("{who} did the same legitimately")),
            Err(error) => self
                .decided_work()
                .unwrap_or_else(|| Companion::missing(format!("{} {error}", error.status))),
        }
    }

    /// The twin that is decided alone.
    fn decided_work(&self) -> Option<Companion> {
        let Question { action, resource, .. } = self.work.as_ref()?;
        let who = &self.identity;
        Some(Companion::shown(format!("{who} is allowed {action} on {resource}: decided alone")))
    }

    fn recorded_since(&self, mark: Option<u64>) -> Vec<String> {
        let since = self.guard.recording().zip(mark).map(|(recording, mark)| recording.since(mark));
        since.into_iter().flatten().map(|recorded| recorded.request_id.clone()).collect()
    }

    /// Whether no policy refused what must be refused: the service itself found
    /// nothing to do it to.
    fn let_through(&self, refusal: &Refusal, entries: &[Arc<Entry>]) -> bool {
        entries.iter().filter(|entry| entry.principal == self.attacker.arn).any(|entry| {
            let all_allowed = entry.checks.iter().all(|check| check.outcome == "allow");
            all_allowed && entry.checks.iter().any(|check| check.action == refusal.action)
        })
    }

    /// Whether the guard would allow the attacker what must be refused.
    async fn may(&self, refusal: &Refusal) -> bool {
        let question = Question {
            action: refusal.action.clone().into_owned(),
            resource: refusal.resource.clone(),
            context: Context::new(),
        };
        let caller = Caller::Key(self.attacker.access_key_id());
        match self.guard.inputs(caller, &[question]).await {
            Ok(inputs) => inputs
                .decide_each(&Overlay::none())
                .first()
                .is_some_and(ringfence_policy::Decision::allowed),
            // The call itself says more.
            Err(_) => false,
        }
    }

    /// The journal's entry of a call that the guard could not decide.
    fn undecided(&self, entries: &[Arc<Entry>]) -> Option<Arc<Entry>> {
        let mut own = entries.iter().filter(|entry| entry.principal == self.attacker.arn);
        own.find(|entry| entry.outcome == Ending::Undecided).cloned()
    }

    /// The verdict where a call of the attacker's has no mapping.
    fn unmapped(&self, entries: &[Arc<Entry>]) -> Option<(Verdict, Option<String>)> {
        let mut own = entries.iter().filter(|entry| entry.principal == self.attacker.arn);
        own.find_map(|entry| {
            let explained = entry.explanation.as_deref().unwrap_or_default();
            finding::unmapped(entry.error.as_deref()?, explained)
        })
    }

    /// What decided a request, and whether it goes through without that.
    fn decided(&self, refused: Option<&Arc<Entry>>) -> (Vec<Decider>, Option<Companion>) {
        let Some(entry) = refused else { return (Vec::new(), None) };
        let recorded =
            self.guard.recording().and_then(|recording| recording.find(&entry.request_id));
        let Some(recorded) = recorded else {
            let missing = "the guard keeps no recording of what it decided about";
            return (Vec::new(), Some(Companion::missing(missing)));
        };
        let inputs = &recorded.inputs;
        let decided_by = companions::deciders(inputs, &inputs.decide(&Overlay::none()));
        (decided_by, Some(companions::mutant(inputs)))
    }

    /// The statement that allowed what must be refused.
    fn allowed_by(&self, refusal: &Refusal, entries: &[Arc<Entry>]) -> Vec<Decider> {
        let own = entries.iter().filter(|entry| entry.principal == self.attacker.arn);
        let recorded =
            own.filter_map(|entry| self.guard.recording()?.find(&entry.request_id)).find(
                |recorded| recorded.inputs.asked.iter().any(|asked| asked.action == refusal.action),
            );
        let Some(inputs) = recorded.as_ref().map(|recorded| &recorded.inputs) else {
            return Vec::new();
        };
        let mut deciders = companions::deciders(inputs, &inputs.decide(&Overlay::none()));
        deciders.retain(|decider| decider.action == refusal.action && decider.outcome == "allow");
        deciders
    }

    /// What a call would replace of a role or a user; none where it replaces nothing of one.
    async fn before(&self, attempt: &Attempt) -> Option<Result<Value, ServiceError>> {
        let Attempt::Call(step) = attempt else { return None };
        before(self.platform, step).await
    }

    /// The same attempt by a role without policies.
    async fn canary(&self, attempt: &Attempt, number: usize) -> Companion {
        let outcome = match attempt {
            Attempt::Call(step) => self.canary.call(step).await.result,
            Attempt::Stack(resource) | Attempt::Update { before: resource, .. } => {
                let stack = format!("{}-probe-{number}-canary", self.namespace);
                deploy(self.canary, &stack, resource, CREATE, &mut Vec::new()).await
            }
        };
        companions::canary(&outcome)
    }

    async fn twin(&self, attack: &Attack, number: usize) -> Twinned {
        let (who, name) = match attack.twin.who {
            Who::Same => (self.attacker, self.identity.as_str()),
            Who::Platform => (self.platform, "the platform"),
        };
        let mut twin = self.attempt(&attack.twin.attempt, who, &format!("{number}-twin")).await;
        if let Ok(output) = &twin.result {
            for step in &attack.twin.clean_up {
                let undone = self.platform.call(&filled(step, output)).await;
                if let Err(error) = undone.result {
                    twin.result = Err(error);
                    break;
                }
            }
        }
        Twinned { who: name.to_owned(), result: twin.result, request_ids: twin.request_ids }
    }

    async fn attempt(&self, attempt: &Attempt, who: &Actor, name: &str) -> Outcome {
        match attempt {
            Attempt::Call(step) => {
                let answer = who.call(step).await;
                let mut result = answer.result;
                if result.is_ok() && step.operation.starts_with("UpdateFunction") {
                    result = settled(self.platform, step, result).await;
                }
                Outcome { result, request_ids: vec![answer.request_id] }
            }
            Attempt::Stack(resource) => self.stacked(who, name, &[(resource, CREATE)]).await,
            Attempt::Update { before, after } => {
                self.stacked(who, name, &[(before, CREATE), (after, UPDATE)]).await
            }
        }
    }

    /// A stack of one resource, change after change; it is removed at the end.
    async fn stacked(&self, who: &Actor, name: &str, changes: &[(&Value, Change)]) -> Outcome {
        let mut request_ids = Vec::new();
        let stack = format!("{}-probe-{name}", self.namespace);
        let mut result = Ok(Value::Null);
        for (resource, change) in changes {
            result = deploy(who, &stack, resource, *change, &mut request_ids).await;
            if result.is_err() {
                break;
            }
        }
        let removed = remove(who, &stack).await;
        Outcome { result: result.and_then(|output| removed.map(|()| output)), request_ids }
    }

    /// The first entry of the journal in which any policy refused the attacker.
    fn first_refusal(&self, entries: &[Arc<Entry>]) -> Option<Arc<Entry>> {
        let mut own = entries.iter().filter(|entry| entry.principal == self.attacker.arn);
        let denied =
            |entry: &&Arc<Entry>| entry.checks.iter().any(|check| check.outcome.ends_with("_deny"));
        own.find(denied).cloned()
    }

    /// The journal's entry in which this guard rail refused, or why there is
    /// none.
    fn refused(&self, refusal: &Refusal, entries: &[Arc<Entry>]) -> Result<Arc<Entry>, String> {
        let decided = entries
            .iter()
            .filter(|entry| entry.principal == self.attacker.arn)
            .flat_map(|entry| entry.checks.iter().map(move |check| (entry, check)))
            .find(|(_, check)| check.action == refusal.action && check.outcome != "allow");
        let Some((entry, check)) = decided else {
            return Err(format!("the journal has no refusal of {}", refusal.action));
        };
        let sid = check.statements.first().and_then(|statement| statement.sid.as_deref());
        if !refusal.reason.is(&check.layer, sid, self.statements) {
            return Err(format!(
                "the journal says that layer `{}`, statement {sid:?} decided: {}",
                check.layer, check.explanation
            ));
        }
        Ok(Arc::clone(entry))
    }
}

/// An attack that takes away what the others attack is not made where it would
/// succeed: they would meet nothing, and that is no refusal.
const SPARED: &str = "it would be allowed; it was not made, for it destroys what is attacked";

/// What a team forbids itself, likewise.
const FORBIDDEN: &str = "it would be allowed; it was not made, for it is forbidden";

/// What must be refused met another error, behind the policies.
const LET_THROUGH: &str = "no policy refused it";

fn destroys(attempt: &Attempt) -> bool {
    // Another trust policy in its place takes a role from those who had it.
    let takes_away = |step: &Step| {
        step.operation.starts_with("Delete")
            || step.operation.starts_with("Remove")
            || step.operation == "UpdateAssumeRolePolicy"
    };
    matches!(attempt, Attempt::Call(step) if takes_away(step))
}

/// Whether an error says that somebody may not do something, in AWS's words.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html>
fn is_denial(error: &ServiceError) -> bool {
    error.message.contains("is not authorized to perform: ")
        || error.message.contains("You are not authorized to perform this operation.")
}

/// How an error differs from the expected one, if it does.
fn mismatch(attempt: &Attempt, error: &ServiceError, expected: &ServiceError) -> Option<String> {
    let same = match attempt {
        Attempt::Call(_) => {
            error.code == expected.code
                && error.status == expected.status
                && begins(&error.message, &expected.message)
        }
        // A stack's event wraps the service's message.
        Attempt::Stack(_) => error.message.contains(&expected.message),
        // `*` stands for what the stack called its resource.
        Attempt::Update { .. } => {
            let mut rest = error.message.as_str();
            expected.message.split('*').all(|part| match rest.split_once(part) {
                Some((_, after)) => {
                    rest = after;
                    true
                }
                None => false,
            })
        }
    };
    (!same).then(|| "it was refused otherwise than expected".to_owned())
}

/// Whether a message begins as it must. A stack that is there is named with its
/// id, for which `*` stands.
fn begins(told: &str, expected: &str) -> bool {
    let with_id = || {
        let (before, after) = expected.split_once("/* ")?;
        let rest = told.strip_prefix(before).filter(|_| before.contains(":stack/"))?;
        let (id, rest) = rest.strip_prefix('/')?.split_once(' ')?;
        (uuid::Uuid::parse_str(id).is_ok() && rest.starts_with(after)).then_some(())
    };
    told.starts_with(expected) || with_id().is_some()
}

/// A clean-up step with the twin's values in place of its pointers.
fn filled(step: &Step, output: &Value) -> Step {
    let mut step = step.clone();
    if let Value::Object(members) = &mut step.input {
        for value in members.values_mut() {
            let pointer = value.as_str().and_then(|text| text.strip_prefix('@'));
            if let Some(found) = pointer.and_then(|pointer| output.pointer(pointer)) {
                *value = found.clone();
            }
        }
    }
    step
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::begins;

    const STACK: &str = "on resource: arn:aws:cloudformation:r:1:stack/b/* because no policy";

    #[rstest]
    #[case::itself(STACK, STACK, true)]
    #[case::not_there(
        "on resource: arn:aws:cloudformation:r:1:stack/b/* because no policy x",
        STACK,
        true
    )]
    #[case::with_its_id(
        "on resource: arn:aws:cloudformation:r:1:stack/b/b6111cf0-e3a5-4c53-90e9-626b4869fa3c because no policy",
        STACK,
        true
    )]
    #[case::of_another(
        "on resource: arn:aws:cloudformation:r:1:stack/c/b6111cf0-e3a5-4c53-90e9-626b4869fa3c because no policy",
        STACK,
        false
    )]
    #[case::with_no_id(
        "on resource: arn:aws:cloudformation:r:1:stack/b/x because no policy",
        STACK,
        false
    )]
    #[case::for_another_reason(
        "on resource: arn:aws:cloudformation:r:1:stack/b/b6111cf0-e3a5-4c53-90e9-626b4869fa3c with a deny",
        STACK,
        false
    )]
    #[case::no_stack(
        "on resource: arn:aws:s3:::b/x because",
        "on resource: arn:aws:s3:::b/* because",
        false
    )]
    fn a_stack_may_be_named_with_its_id(
        #[case] told: &str,
        #[case] expected: &str,
        #[case] begun: bool,
    ) {
        assert_eq!(begins(told, expected), begun);
    }
}
