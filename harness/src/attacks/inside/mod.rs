//! Attacks from inside a running function.
//!
//! Two chains end here that begin by design: a stack deployer makes itself a
//! role with the boundary and AdministratorAccess, and runs code as it; and
//! whoever deploys code runs it as its function's role. What is refused then,
//! the boundary and that role's policies refuse. Each call is made with the
//! SDK, by the role's own session; a function whose role has no policies, the
//! canary, makes the same calls.

mod calls;
mod names;
mod stage;

use std::time::{Duration, Instant};

use ringfence_guard::{Guard, Overlay, Question};
use ringfence_policy::Context;
use ringfence_wire::ServiceError;
use ringfence_wire::services::{Lambda, Logs, S3};
use serde_json::{Value, json};

use self::calls::{Call, Place};
use super::actor::Actor;
use super::attack::{Reason, Step};
use super::companions;
use super::facts::{DeployerFacts, Facts, FunctionFacts, Makes};
use super::finding::{
    self, Companion, Companions, Decider, Finding, Road, Scope, Traces, Untried, Verdict,
};
use super::lack::{self, Lack};
use super::suite::Selected;
use crate::config::Statements;
use crate::guard_rail::GuardRail;

const CEILING: GuardRail = GuardRail::CodeCeiling;

/// Why code cannot be tried of an application that is deployed.
pub(super) const NO_FUNCTION: &str = "its application's workflow makes no function";

/// Whose code runs.
#[derive(Debug, Clone, Copy)]
pub enum Code<'a> {
    /// A stack deployer's, in a function and under a role that it makes: with
    /// the boundary and AdministratorAccess.
    Made {
        /// The deployer.
        deployer: &'a DeployerFacts,
        /// It, with credentials.
        attacker: &'a Actor,
    },
    /// That of a deployed function: other code under the same role.
    Deployed(&'a FunctionFacts),
}

/// Whose code, without credentials: enough to say what will be tried.
#[derive(Debug, Clone, Copy)]
pub enum Author<'a> {
    /// A stack deployer's.
    Deployer(&'a DeployerFacts),
    /// That of a deployed function.
    Function(&'a FunctionFacts),
}

impl<'a> Code<'a> {
    const fn author(self) -> Author<'a> {
        match self {
            Self::Made { deployer, .. } => Author::Deployer(deployer),
            Self::Deployed(function) => Author::Function(function),
        }
    }
}

/// The ceiling of running code, probed from inside.
#[derive(Debug)]
pub struct Inside<'a> {
    /// The deployed state.
    pub facts: &'a Facts,
    /// The guard, which says what it decided and would decide.
    pub guard: &'a Guard,
    /// The platform team, which invokes the functions and cleans up.
    pub platform: &'a Actor,
    /// Whose code runs.
    pub code: Code<'a>,
    /// What shows that the code may do its own work, where no call of it does.
    pub work: Companion,
}

/// The names of what a deployer makes to run code of its own.
fn made_by(deployer: &DeployerFacts) -> Makes {
    deployer.makes.clone().unwrap_or_else(|| deployer.usual())
}

/// An object with more members.
fn with(mut base: Value, more: Value) -> Value {
    if let (Value::Object(base), Value::Object(more)) = (&mut base, more) {
        base.extend(more);
    }
    base
}

impl Author<'_> {
    /// Who attacks, in ids.
    fn who(self) -> String {
        match self {
            Self::Deployer(deployer) => deployer.name.clone(),
            Self::Function(function) => Facts::code_in(function),
        }
    }

    fn app(&self) -> &str {
        match self {
            Self::Deployer(deployer) => &deployer.app,
            Self::Function(function) => function.owner(),
        }
    }

    fn name(self) -> String {
        match self {
            Self::Deployer(deployer) => made_by(deployer).function,
            Self::Function(function) => names::inside(&function.name),
        }
    }

    fn role(self) -> String {
        match self {
            Self::Deployer(deployer) => made_by(deployer).role,
            Self::Function(function) => {
                function.role_arn.rsplit('/').next().unwrap_or_default().to_owned()
            }
        }
    }

    fn role_arn(self, facts: &Facts) -> String {
        match self {
            Self::Deployer(_) => facts.role_arn(&self.role()),
            Self::Function(function) => function.role_arn.clone(),
        }
    }

    /// Whether making a log group is its legitimate work.
    const fn logs(self) -> bool {
        match self {
            Self::Deployer(_) => true,
            Self::Function(function) => function.logs,
        }
    }

    /// A log group that code may make, below the prefix of Lambda's own, to which
    /// boundaries keep functions; Lambda makes the function's own group itself.
    /// <https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-loggroups.html>
    fn log_group(self) -> String {
        format!("/aws/lambda/{}-logs", self.name())
    }

    fn id(self, call: &Call) -> String {
        format!("{}/{}/{}", self.who(), call.name, Road::Function)
    }

    fn calls(self, facts: &Facts) -> Vec<Call> {
        let (function, role) = (self.name(), self.role());
        let silence = match self {
            Self::Deployer(_) => Reason::NoBoundary,
            Self::Function(_) => Reason::NoIdentityPolicy,
        };
        let arn = self.role_arn(facts);
        let place = Place {
            facts,
            function: &function,
            role: &role,
            role_arn: &arn,
            app: self.app(),
            silence,
        };
        let group = json!({"logGroupName": self.log_group()});
        let mut calls = Vec::new();
        if self.logs() {
            calls.push(Call {
                name: "log-group-created",
                title: "creates a log group".into(),
                step: Step::new(Logs, "CreateLogGroup", group),
                region: None,
                refusal: None,
            });
        }
        if matches!(self, Self::Deployer(_)) {
            let object = json!({"Bucket": bucket(facts), "Key": "probe"});
            calls.push(Call {
                name: "object-written",
                title: "writes an object".into(),
                step: Step::new(S3, "PutObject", object).with_payload("probe"),
                region: None,
                refusal: None,
            });
        }
        calls.extend(place.calls());
        calls
    }
}

/// The bucket that legitimate code writes to.
fn bucket(facts: &Facts) -> String {
    format!("ringfence-inside-{}", facts.account)
}

impl Inside<'_> {
    /// The probes' ids.
    pub fn ids(facts: &Facts, author: Author<'_>) -> Vec<String> {
        author.calls(facts).iter().map(|call| author.id(call)).collect()
    }

    /// The legitimate work of code in a function, as the guard is asked about it.
    pub fn log_group_created(function: &FunctionFacts, region: &str, account: &str) -> Question {
        let group = Author::Function(function).log_group();
        Question {
            action: "logs:CreateLogGroup".to_owned(),
            resource: format!("arn:aws:logs:{region}:{account}:log-group:{group}"),
            context: Context::new(),
        }
    }

    fn name(&self) -> String {
        self.code.author().name()
    }

    fn role(&self) -> String {
        self.code.author().role()
    }

    fn canary(&self) -> String {
        names::canary(&self.name())
    }

    /// What is told of each probe of a function that its application's workflow does not make.
    pub fn without_function(&self, selected: Selected<'_>) -> Vec<Finding> {
        let author = self.code.author();
        let calls = author.calls(self.facts);
        let chosen = calls.iter().filter(|call| selected(&author.id(call)));
        chosen.map(|call| self.not_applicable(call, NO_FUNCTION)).collect()
    }

    /// Runs the probes.
    ///
    /// # Errors
    /// When the functions cannot be made or do not answer: nothing is proved
    /// then.
    pub async fn run(&self, selected: Selected<'_>) -> Result<Vec<Finding>, ServiceError> {
        let author = self.code.author();
        let mut calls = author.calls(self.facts);
        if !calls.iter().any(|call| selected(&author.id(call))) {
            return Ok(Vec::new());
        }
        let missing: Vec<Finding> = calls
            .iter()
            .filter(|call| selected(&author.id(call)))
            .filter_map(|call| Some(self.not_applicable(call, self.lacks(call)?)))
            .collect();
        calls.retain(|call| self.lacks(call).is_none());
        if calls.is_empty() {
            return Ok(missing);
        }
        // The legitimate calls are the others' twins.
        calls.retain(|call| call.refusal.is_none() || selected(&author.id(call)));
        let result = self.probe(&calls).await;
        let removed = self.remove().await;
        let mut findings = result?;
        removed?;
        findings.retain(|finding| selected(&finding.id));
        findings.extend(missing);
        Ok(findings)
    }

    /// Why a call has no meaning here, if it has none.
    fn lacks(&self, call: &Call) -> Option<&'static str> {
        const NOTHING: &str = "the deployer's policies let it make no function of a new name \
                               with a role of a new name";
        match self.code {
            Code::Made { deployer, .. } if deployer.makes.is_none() => Some(NOTHING),
            _ => lack::of(call).map(Lack::words),
        }
    }

    /// What is told of a call about something that the estate has none of.
    fn not_applicable(&self, call: &Call, why: &str) -> Finding {
        let untried = self.finding(call, &Value::Null, Duration::ZERO);
        let told = Untried {
            id: untried.id,
            guard_rail: untried.guard_rail.clone(),
            identity: untried.identity,
            road: untried.road,
            scope: untried.scope,
            title: untried.title,
            expected: "it is refused".to_owned(),
        };
        Finding::untried(told, Verdict::NotApplicable, why)
    }

    async fn probe(&self, calls: &[Call]) -> Result<Vec<Finding>, ServiceError> {
        let start = Instant::now();
        self.make().await?;
        let payload = self.payload(calls);
        let (name, canary) = (self.name(), self.canary());
        let (answers, canaries) =
            tokio::join!(self.invoke(&name, &payload), self.invoke(&canary, &payload));
        let (answers, canaries) = (answers?, canaries?);
        let twin = calls
            .iter()
            .zip(&answers)
            .filter(|(call, _)| call.refusal.is_none())
            .map(|(call, answer)| match allowed(answer) {
                true => Companion::shown(format!("the same code {}", call.title)),
                false => Companion::missing(format!("{}: {}", call.title, observed(answer))),
            })
            .reduce(|first, next| if first.shown { next } else { first })
            .unwrap_or_else(|| self.work.clone());
        let each = calls.iter().zip(answers.iter().zip(&canaries));
        let took = start.elapsed() / u32::try_from(calls.len().max(1)).unwrap_or(u32::MAX);
        Ok(each
            .map(|(call, (answer, canary))| match &call.refusal {
                // What the code is for: it must be allowed.
                None => self.finding(call, answer, took),
                Some(_) => self.refused(call, answer, canary, &twin, took),
            })
            .collect())
    }

    fn payload(&self, calls: &[Call]) -> String {
        let calls = calls.iter().map(|call| {
            let mut input = call.step.input.clone();
            if let (Some(members), Some(body)) = (input.as_object_mut(), &call.step.payload) {
                members.insert("Body".into(), json!(String::from_utf8_lossy(body)));
            }
            json!({
                "service": call.step.service.name(),
                "operation": snake_case(call.step.operation),
                "region": call.region.unwrap_or(&self.facts.region),
                "input": input,
            })
        });
        json!({"calls": calls.collect::<Vec<_>>()}).to_string()
    }

    async fn invoke(&self, function: &str, payload: &str) -> Result<Vec<Value>, ServiceError> {
        let invoke =
            Step::new(Lambda, "Invoke", json!({"FunctionName": function})).with_payload(payload);
        let output = self.platform.call(&invoke).await.result?;
        match output {
            Value::Array(answers) if answers.iter().all(Value::is_object) => Ok(answers),
            output => {
                let message = format!("`{function}` answered {output}");
                Err(ServiceError::new(500, "Unhandled", message))
            }
        }
    }

    fn title(&self, call: &Call) -> String {
        match self.code {
            Code::Made { deployer, .. } => {
                format!("code of {} with AdministratorAccess {}", deployer.name, call.title)
            }
            Code::Deployed(function) => format!("code in {} {}", function.name, call.title),
        }
    }

    fn finding(&self, call: &Call, answer: &Value, took: Duration) -> Finding {
        Finding {
            id: self.code.author().id(call),
            guard_rail: CEILING,
            identity: match self.code {
                Code::Made { deployer, .. } => format!("a function of {}", deployer.name),
                Code::Deployed(function) => Facts::code_in(function),
            },
            road: Road::Function,
            scope: Scope::Executed,
            title: self.title(call),
            expected: "allowed".to_owned(),
            observed: observed(answer),
            verdict: if allowed(answer) { Verdict::Held } else { Verdict::Failed },
            reason: None,
            companions: Companions::default(),
            decided_by: Vec::new(),
            duration: took,
            request_ids: request_id(answer).into_iter().collect(),
            traces: Traces::default(),
        }
    }

    fn refused(
        &self,
        call: &Call,
        answer: &Value,
        canary: &Value,
        twin: &Companion,
        took: Duration,
    ) -> Finding {
        let finding = self.finding(call, answer, took);
        let Some(refusal) = &call.refusal else { return finding };
        let caller = format!(
            "arn:aws:sts::{}:assumed-role/{}/{}",
            self.facts.account,
            self.role(),
            self.name()
        );
        let refusal = self.facts.refusal(refusal);
        let expected = refusal.error(&caller);
        let fault = if allowed(answer) {
            Some("it was allowed")
        } else if refused_as(answer, &expected) {
            None
        } else {
            Some("it was refused otherwise than expected")
        };
        let (decided_by, mutant) = self.decided(answer);
        let fault = fault
            .map(str::to_owned)
            .or_else(|| undecided(&decided_by, refusal.reason, &self.facts.statements));
        let companions = Companions {
            twin: Some(twin.clone()),
            canary: Some(companions::canary(&as_result(canary))),
            mutant: Some(mutant),
        };
        let said = |name: &str| answer.get(name).and_then(Value::as_str).unwrap_or_default();
        let (verdict, reason) = finding::unmapped(said("code"), said("message"))
            .or_else(|| unanswered(answer))
            .unwrap_or_else(|| companions.judge(fault.as_deref(), &decided_by));
        Finding {
            expected: format!("{} {expected}", expected.status),
            verdict,
            reason,
            companions,
            decided_by,
            ..finding
        }
    }

    /// What decided a call, and whether it goes through without that.
    fn decided(&self, answer: &Value) -> (Vec<Decider>, Companion) {
        let recorded = request_id(answer)
            .and_then(|id| self.guard.recording().and_then(|recording| recording.find(&id)));
        match recorded {
            Some(recorded) => {
                let inputs = &recorded.inputs;
                let decisions = inputs.decide(&Overlay::none());
                (companions::deciders(inputs, &decisions), companions::mutant(inputs))
            }
            None => (Vec::new(), Companion::missing("the guard did not decide about this call")),
        }
    }
}

fn allowed(answer: &Value) -> bool {
    answer.get("allowed") == Some(&json!(true))
}

/// The verdict on a call that was not answered, or not sent: that is no refusal.
fn unanswered(answer: &Value) -> Option<(Verdict, Option<String>)> {
    let is_answered = allowed(answer) || answer.get("status").is_some_and(Value::is_u64);
    let why = || format!("nobody answered the call: {}", observed(answer));
    (!is_answered).then(|| (Verdict::Inconclusive, Some(why())))
}

fn request_id(answer: &Value) -> Option<String> {
    answer.get("request_id").and_then(Value::as_str).map(str::to_owned)
}

/// Why what decided is not this guard rail, if it is not.
fn undecided(decided_by: &[Decider], reason: Reason, statements: &Statements) -> Option<String> {
    let Some(last) = decided_by.last() else {
        return Some("the guard did not decide about it".to_owned());
    };
    (!reason.is(&last.layer, last.sid.as_deref(), statements)).then(|| {
        format!("layer `{}`, statement {:?} decided: {}", last.layer, last.sid, last.explanation)
    })
}

fn as_result(answer: &Value) -> Result<Value, ServiceError> {
    if allowed(answer) {
        return Ok(Value::Null);
    }
    let text = |name: &str| answer.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let status = answer.get("status").and_then(Value::as_u64);
    let status = status.and_then(|status| u16::try_from(status).ok()).unwrap_or_default();
    Err(ServiceError::new(status, text("code"), text("message")))
}

fn refused_as(answer: &Value, expected: &ServiceError) -> bool {
    matches!(as_result(answer), Err(error)
        if error.code == expected.code
            && error.status == expected.status
            && error.message.starts_with(&expected.message))
}

fn observed(answer: &Value) -> String {
    match as_result(answer) {
        Ok(_) => "allowed".to_owned(),
        Err(error) => format!("{} {error}", error.status),
    }
}

/// An operation as the Python SDK calls it: `ListObjectsV2` is
/// `list_objects_v2`.
fn snake_case(operation: &str) -> String {
    let mut name = String::new();
    for character in operation.chars() {
        if character.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(character.to_ascii_lowercase());
    }
    name
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::allowed(json!({"allowed": true, "status": 200}), None)]
    #[case::refused(json!({"allowed": false, "code": "AccessDenied", "message": "", "status": 403}), None)]
    #[case::closed(
        json!({"allowed": false, "code": "ConnectionClosedError", "message": "no answer came"}),
        Some("nobody answered the call: 0 ConnectionClosedError: no answer came")
    )]
    fn what_nobody_answered_is_no_refusal(#[case] answer: Value, #[case] why: Option<&str>) {
        let expected = why.map(|why| (Verdict::Inconclusive, Some(why.to_owned())));
        assert_eq!(unanswered(&answer), expected);
    }

    #[rstest]
    #[case("CreateUser", "create_user")]
    #[case("ListObjectsV2", "list_objects_v2")]
    #[case("DeleteRolePermissionsBoundary", "delete_role_permissions_boundary")]
    fn operations_have_the_sdks_names(#[case] operation: &str, #[case] name: &str) {
        assert_eq!(snake_case(operation), name);
    }
}
