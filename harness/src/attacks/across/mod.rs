//! What goes from one account to another: each user and role of one assumes each role
//! of the others, and uses each resource of theirs whose policy may let other accounts in.
//! AWS asks both accounts
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html>);
//! what both allow must be what one of them says by name: [`named`] tells.
//!
//! - [`targets`]: what is entered, and by which actions;
//! - [`named`]: whether what is allowed is meant;
//! - [`case`]: one of them, judged.

mod case;
mod named;
mod targets;

use ringfence_guard::Caller;

use self::case::{Asked, Case, Work};
use self::targets::Target;
use super::actor::Actor;
use super::attack::Step;
use super::choice::Choice;
use super::finding::{Finding, Road, Scope, Untried, Verdict};
use super::granted::Granted;
use super::legitimate;
use super::probe_role::ProbeRole;
use super::suite::Suite;
use super::trust::SESSION;
use crate::guard_rail::GuardRail;
use crate::progress::Progress;

/// What is claimed of all of them.
pub(super) const CROSSING: GuardRail = GuardRail::Accounts;

/// A user or a role of an account.
#[derive(Debug, Clone)]
pub(super) struct Person {
    /// How reports call it, with its account.
    pub(super) identity: String,
    /// Its ARN.
    pub(super) arn: String,
}

impl Person {
    /// As whom the guard is asked.
    pub(super) fn caller(&self) -> Caller<'_> {
        match self.arn.contains(":user/") {
            true => Caller::User { arn: &self.arn },
            false => Caller::Role { arn: &self.arn, session: SESSION },
        }
    }
}

/// Who could leave an account: whoever has policies of its own there. What a pipeline
/// may do is the platform's.
fn people(suite: &Suite<'_>) -> Vec<Person> {
    let facts = suite.facts();
    let deployers = facts.deployers.iter().map(|it| (it.name.clone(), it.arn.clone()));
    let functions = facts.functions.iter().filter(|function| function.deployed);
    let functions = functions.map(|it| (super::facts::Facts::code_in(it), it.role_arn.clone()));
    let roles = facts.roles.iter().map(|it| (it.identity(), it.arn.clone()));
    let person = |(identity, arn): (String, String)| {
        let identity = suite.account().scoped(&identity);
        Person { identity, arn }
    };
    let mut people: Vec<Person> = deployers.chain(functions).chain(roles).map(person).collect();
    // Two deployers may have one role.
    let mut seen = std::collections::BTreeSet::new();
    people.retain(|person| seen.insert(person.arn.clone()));
    people
}

/// Where somebody goes: the account that is left, and the one that is entered.
struct Way<'s, 'a> {
    from: &'s Suite<'a>,
    targets: Vec<Target>,
}

fn ways<'s, 'a>(suites: &'s [Suite<'a>]) -> Vec<Way<'s, 'a>> {
    let mut ways = Vec::new();
    for from in suites {
        let others = suites.iter().filter(|to| to.account().id() != from.account().id());
        ways.push(Way { from, targets: others.flat_map(targets::of).collect() });
    }
    ways
}

/// The ids of all attacks, in order; none where there is one account.
pub(crate) fn ids(suites: &[Suite<'_>]) -> Vec<String> {
    let mut ids = Vec::new();
    for way in ways(suites) {
        for person in people(way.from) {
            let cases = way.targets.iter().flat_map(|target| target.cases());
            ids.extend(cases.map(|case| case.id(&person)));
        }
    }
    ids
}

/// Runs what is chosen.
///
/// # Errors
/// When a probe's own role cannot be made or removed.
pub(super) async fn run(
    suites: &[Suite<'_>],
    choice: &Choice,
    progress: &Progress,
) -> anyhow::Result<Vec<Finding>> {
    let mut findings = Vec::new();
    if !ids(suites).iter().any(|id| choice.has(id)) {
        return Ok(findings);
    }
    let phase = progress.phase("what goes from one account to another");
    for way in ways(suites) {
        findings.extend(of_account(&way, choice).await?);
    }
    phase.note(format!("{} probes", findings.len()));
    phase.done();
    Ok(findings)
}

/// What those of an account can do in others.
async fn of_account(way: &Way<'_, '_>, choice: &Choice) -> anyhow::Result<Vec<Finding>> {
    let people = people(way.from);
    let guard = way.from.stack().guard();
    // Who is let in, which is the legitimate use of what is entered.
    let mut asked = Vec::new();
    for person in &people {
        for case in way.targets.iter().flat_map(|target| target.cases()) {
            asked.push((person, case, Asked::of(guard, person, case).await));
        }
    }
    let canary = ProbeRole::canary(way.from, "across");
    let actor = canary.make().await?;
    let findings = of_people(way, choice, &people, &asked, &actor).await;
    canary.remove().await?;
    findings
}

/// What was asked of the guard, and for whom.
type Entering<'w> = (&'w Person, &'w Case, Asked);

async fn of_people(
    way: &Way<'_, '_>,
    choice: &Choice,
    people: &[Person],
    asked: &[Entering<'_>],
    actor: &Actor,
) -> anyhow::Result<Vec<Finding>> {
    let guard = way.from.stack().guard();
    let mut findings = Vec::new();
    for person in people {
        let chosen = || {
            asked
                .iter()
                .filter(|(own, case, _)| own.arn == person.arn && choice.has(&case.id(person)))
        };
        if chosen().next().is_none() {
            continue;
        }
        let own = asked.iter().filter(|(who, ..)| who.arn == person.arn);
        let meant = own.filter_map(|(who, _, found)| found.twin(who)).next();
        let work = match meant {
            Some(meant) => Work::Shown(meant.told),
            None => work(way.from, person).await?,
        };
        let session = session(way.from, person).await.map_err(|error| format!("{error:#}"));
        for (_, case, found) in chosen() {
            let mut entering = asked.iter().filter(|(_, other, _)| other.is_of(case));
            let entering = entering.find_map(|(who, _, found)| found.twin(who));
            let session = session.as_ref().map(Option::as_ref).map_err(String::as_str);
            let companions =
                case::Beside { guard, work: &work, canary: actor, twin: entering, session };
            findings.push(case::judged(person, case, found, &companions).await);
        }
    }
    Ok(findings)
}

/// What somebody may do at all.
async fn work(suite: &Suite<'_>, person: &Person) -> anyhow::Result<Work> {
    let granted = Granted::of(suite.platform(), &person.arn, suite.facts()).await?;
    let work = legitimate::work(suite.stack().guard(), person.caller(), &granted).await?;
    Ok(match work {
        Some(work) => Work::Shown(case::decided(person, &work.action, &work.resource)),
        None if granted.allow_something() => Work::Unshown,
        None => Work::Nothing,
    })
}

/// A session of somebody whom a workflow's token becomes; none of anybody else.
///
/// # Errors
/// Why there is none of whom a token should become.
async fn session(suite: &Suite<'_>, person: &Person) -> anyhow::Result<Option<Actor>> {
    let deployer = suite.facts().deployers.iter().find(|it| it.arn == person.arn);
    match deployer {
        Some(deployer) => suite.deployer(deployer).await.map(Some),
        None => suite.entered(&person.arn).await,
    }
}
