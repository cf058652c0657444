//! The configuration's own guard rails, attacked: each identity that we can act as
//! makes each call that can be built, with the companions of any other attack.
//!
//! An action for which no call can be built, and an identity that nobody can act as
//! here, are told as such: nothing was attacked, and the proof alone speaks of them.

use std::collections::BTreeMap;

use ringfence_guard::{Caller, Question};
use ringfence_models::Partition;
use ringfence_policy::{Context, Wildcard};
use ringfence_wire::services::Iam;
use serde_json::{Value, json};

use super::actor::Actor;
use super::attack::{Attack, Attempt, Reason, Refusal, Step, Twin};
use super::facts::Facts;
use super::finding::{Companion, Finding, Road, Scope, Untried, Verdict};
use super::holders::Holder;
use super::legitimate;
use super::probe_role::ProbeRole;
use super::refused::refused_as_said;
use super::run::Runner;
use super::suite::{Selected, Suite};
use crate::calls::built::{self, Home};
use crate::config::{ConfigError, Declaration, GUARD_RAIL_PLATFORM, matching};
use crate::declared::{Person, Seen};
use crate::guard_rail::GuardRail;
use crate::stack::Judged;

/// A guard rail of the configuration, in the deployed state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    rail: GuardRail,
    who: Vec<Subject>,
    /// Actions, each with what it is tried on; none where it acts on nothing of it.
    tried: Vec<(String, Option<String>)>,
    /// The patterns of the resources.
    resources: Vec<String>,
    /// What must be what refuses it; nothing where whatever may.
    refused_by: Vec<String>,
    by: Subject,
    action: String,
    resource: String,
}

/// Somebody, and how we can act as them.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Subject {
    identity: String,
    role: Option<String>,
    holder: Holder,
}

/// The guard rails of the configuration.
///
/// # Errors
/// Where one names what the estate has not, or IAM cannot be asked.
pub(super) async fn of(
    account: &Judged,
    facts: &Facts,
    platform: &Actor,
) -> anyhow::Result<Vec<Declared>> {
    let config = account.config();
    if config.guard_rail.is_empty() {
        return Ok(Vec::new());
    }
    let (subjects, people) = everybody(facts, platform).await?;
    let arn_of = |name: &str| account.outputs().arn_of("guard_rail", name).ok();
    let seen = Seen { config, people: &people, arn_of: &arn_of };
    let all = config.guard_rail.iter().map(|one| Declared::of(one, &seen, &subjects, facts));
    Ok(all.collect::<Result<_, ConfigError>>()?)
}

/// Who is in the estate, as the configuration names them and as we can act as them.
async fn everybody(facts: &Facts, platform: &Actor) -> anyhow::Result<(Vec<Subject>, Vec<Person>)> {
    let mut subjects: Vec<Subject> = Vec::new();
    let mut people: Vec<Person> = Vec::new();
    let deployers = facts
        .deployers
        .iter()
        .map(|one| (one.arn.as_str(), one.name.clone(), Holder::Deployer(one.name.clone())));
    let functions = facts.functions.iter().filter(|one| one.deployed).map(|one| {
        (one.role_arn.as_str(), Facts::code_in(one), Holder::Function(one.name.clone()))
    });
    let roles = facts.roles.iter().map(|one| (one.arn.as_str(), one.identity(), Holder::Nobody));
    for (arn, identity, holder) in deployers.chain(functions).chain(roles) {
        let name = arn.rsplit('/').next().unwrap_or_default();
        let kind = if arn.contains(":user/") { "user" } else { "role" };
        let entry = format!("{kind}/{name}");
        let deployer = match &holder {
            Holder::Deployer(name) => Some(name.clone()),
            _ => None,
        };
        if let Some(known) = people.iter_mut().find(|person| person.entry == entry) {
            known.deployers.extend(deployer);
            continue;
        }
        people.push(Person {
            arn: Some(arn.to_owned()),
            deployers: deployer.into_iter().collect(),
            tags: tags(platform, kind, name).await?,
            entry,
            form: None,
        });
        let role = (kind == "role").then(|| arn.to_owned());
        subjects.push(Subject { identity, role, holder });
    }
    Ok((subjects, people))
}

async fn tags(
    platform: &Actor,
    kind: &str,
    name: &str,
) -> anyhow::Result<BTreeMap<String, String>> {
    let step = match kind {
        "user" => Step::new(Iam, "ListUserTags", json!({"UserName": name})),
        _ => Step::new(Iam, "ListRoleTags", json!({"RoleName": name})),
    };
    let answer = match platform.call(&step).await.result {
        Ok(answer) => answer,
        // An app that could not be deployed has no role.
        Err(error) if error.code == "NoSuchEntity" => return Ok(BTreeMap::new()),
        Err(error) => return Err(error.into()),
    };
    let all = answer.get("Tags").and_then(Value::as_array).into_iter().flatten();
    let text = |tag: &Value, member: &str| Some(tag.get(member)?.as_str()?.to_owned());
    Ok(all.filter_map(|tag| Some((text(tag, "Key")?, text(tag, "Value")?))).collect())
}

impl Declared {
    fn of(
        declared: &Declaration,
        seen: &Seen<'_>,
        subjects: &[Subject],
        facts: &Facts,
    ) -> Result<Self, ConfigError> {
        let home = Home {
            partition: Partition::of_region(&facts.region).id,
            region: &facts.region,
            account: &facts.account,
        };
        let named = declared.resources.iter().map(|text| seen.arn(declared, text.get_ref()));
        let mut resources: Vec<String> = named.collect::<Result<_, _>>()?;
        if resources.is_empty() {
            resources.push("*".to_owned());
        }
        let mut tried: Vec<(String, Option<String>)> = Vec::new();
        for action in declared.actions.iter().flat_map(|pattern| matching(pattern.get_ref())) {
            if tried.iter().all(|(known, _)| *known != action) {
                let mut on = resources.iter().map(|one| built::resource(&action, one, home));
                let on = on.find_map(|arn| arn);
                tried.push((action, on));
            }
        }
        let who = seen.who(declared)?;
        let by = match declared.legitimate.identity.get_ref().as_str() {
            GUARD_RAIL_PLATFORM => None,
            other => subjects.get(seen.one(declared, other)?).cloned(),
        };
        let platform = || Subject {
            identity: "the platform".to_owned(),
            role: None,
            holder: Holder::Platform,
        };
        let resource = seen.arn(declared, declared.legitimate.resource.get_ref())?;
        let action = declared.legitimate.action.get_ref();
        Ok(Self {
            rail: declared.rail(),
            who: who.into_iter().filter_map(|at| subjects.get(at)).cloned().collect(),
            tried,
            resources,
            refused_by: declared.refused_by.iter().map(|it| it.get_ref().clone()).collect(),
            by: by.unwrap_or_else(platform),
            resource: built::resource(action, &resource, home).unwrap_or(resource),
            action: action.clone(),
        })
    }

    /// What it is called.
    pub(super) fn rail(&self) -> &GuardRail {
        &self.rail
    }

    /// The ids of its findings.
    pub(super) fn ids(&self) -> Vec<String> {
        let all = self
            .who
            .iter()
            .flat_map(|who| self.tried.iter().map(|(action, _)| self.id(who, action)));
        all.collect()
    }

    fn id(&self, who: &Subject, action: &str) -> String {
        let action = action.replace(':', "-");
        format!("{}/{}/{action}/{}", who.identity, self.rail.id(), Road::Api)
    }

    /// Attacks it.
    ///
    /// # Errors
    /// When the canary cannot be made or removed.
    pub(super) async fn run(
        &self,
        suite: &Suite<'_>,
        selected: Selected<'_>,
    ) -> anyhow::Result<Vec<Finding>> {
        let canary = ProbeRole::canary(suite, self.rail.id());
        let actor = canary.make().await?;
        let twin = self.twin(suite).await;
        let mut findings = Vec::new();
        let mut number = 0;
        for who in &self.who {
            let chosen: Vec<_> =
                (self.tried.iter()).filter(|(action, _)| selected(&self.id(who, action))).collect();
            if chosen.is_empty() {
                continue;
            }
            let attacker = who.act(suite).await;
            for (action, on) in chosen {
                number += 1;
                let step = on.as_ref().and_then(|arn| built::step(action, arn).map(|it| (it, arn)));
                let finding = match (&attacker, step) {
                    (Err(why), _) => self.untried(who, action, why),
                    (Ok(_), None) => self.untried(who, action, NO_CALL),
                    (Ok(attacker), Some((step, arn))) => {
                        let runner = Runner {
                            identity: who.identity.clone(),
                            attacker,
                            platform: suite.platform(),
                            canary: &actor,
                            guard: suite.stack().guard(),
                            namespace: self.rail.id().to_owned(),
                            work: None,
                            statements: &suite.facts().statements,
                            twin: Some(twin.clone()),
                        };
                        match self.asks(&runner, &step, action).await {
                            Ok(()) => {
                                let attack = self.attack(action, arn, step);
                                let found = runner.run(&attack, number).await;
                                let found = refused_as_said(&self.refused_by, found);
                                Finding { id: self.id(who, action), ..found }
                            }
                            Err(why) => self.untried(who, action, &why),
                        }
                    }
                };
                findings.push(finding);
            }
        }
        canary.remove().await?;
        Ok(findings)
    }

    fn attack(&self, action: &str, arn: &str, step: Step) -> Attack {
        Attack {
            name: "declared",
            guard_rail: self.rail.clone(),
            title: title(action, arn),
            refusal: Refusal {
                service: step.service,
                action: action.to_owned().into(),
                resource: arn.to_owned(),
                reason: Reason::Any,
            },
            twin: Twin::same(Attempt::Call(step.clone()), Vec::new()),
            attempt: Attempt::Call(step),
        }
    }

    /// Whether the call is one for the action upon the resources: a role without
    /// policies makes it, and the guard says what it asked for.
    async fn asks(&self, runner: &Runner<'_>, step: &Step, action: &str) -> Result<(), String> {
        let mark = runner.guard.journal().mark();
        let answer = runner.canary.call(step).await;
        let entries = runner.guard.journal().entries_since(mark);
        let own = entries.iter().filter(|entry| entry.principal == runner.canary.arn);
        let checks: Vec<_> = own.flat_map(|entry| &entry.checks).collect();
        let covers = |resource: &str| {
            let mut all = self.resources.iter();
            all.any(|pattern| Wildcard::of_text(pattern).matches(resource))
        };
        if checks.iter().any(|check| check.action == action && covers(&check.resource)) {
            return Ok(());
        }
        let met = match (checks.first(), answer.result) {
            (Some(check), _) => format!("asks first for {} on {}", check.action, check.resource),
            (None, Err(error)) => format!("meets {} {error}", error.status),
            (None, Ok(_)) => "asks for nothing".to_owned(),
        };
        Err(format!("{NO_CALL}: {} {met}", step.operation))
    }

    fn untried(&self, who: &Subject, action: &str, why: &str) -> Finding {
        let on = self.resources.join(", ");
        let told = Untried {
            id: self.id(who, action),
            guard_rail: self.rail.clone(),
            identity: who.identity.clone(),
            road: Road::Api,
            scope: Scope::Executed,
            title: format!("{} {}", who.identity, title(action, &on)),
            expected: format!("{action} is refused"),
        };
        Finding::untried(told, Verdict::NotApplicable, format!("{why}; it is proved only"))
    }

    /// What the configuration says somebody does legitimately.
    async fn twin(&self, suite: &Suite<'_>) -> Companion {
        let (who, action, resource) = (&self.by.identity, &self.action, &self.resource);
        let guard = suite.stack().guard();
        let step = built::step(action, resource);
        if let (Some(step), Ok(actor)) = (step, self.by.act(suite).await) {
            let mark = guard.journal().mark();
            let answer = actor.call(&step).await;
            let entries = guard.journal().entries_since(mark);
            let own = entries.iter().filter(|entry| entry.principal == actor.arn);
            let checks: Vec<_> = own.flat_map(|entry| &entry.checks).collect();
            let asked = checks.iter().any(|check| check.action == *action);
            let refused = checks.iter().find(|check| check.outcome != "allow");
            match (answer.result, refused) {
                (Ok(_), None) if asked => {
                    return Companion::shown(format!("{who} did {action} on {resource}"));
                }
                (Err(error), None) if asked => {
                    return Companion::shown(format!(
                        "{who} is allowed {action} on {resource}; the service answered {} {error}",
                        error.status
                    ));
                }
                (Err(error), Some(_)) if asked => {
                    return Companion::missing(format!("{who} {} {error}", error.status));
                }
                _ => {}
            }
        }
        let question = Question {
            action: action.clone(),
            resource: resource.clone(),
            context: Context::new(),
        };
        let caller = match (&self.by.holder, &self.by.role) {
            (Holder::Platform, _) => Some(Caller::Key(suite.platform().access_key_id())),
            (_, Some(arn)) => Some(Caller::Role { arn, session: "ringfence" }),
            (_, None) => None,
        };
        match caller {
            Some(caller) if legitimate::may(guard, caller, &question).await => {
                Companion::shown(format!("{who} is allowed {action} on {resource}: decided alone"))
            }
            Some(_) => Companion::missing(format!("{who} is refused {action} on {resource}")),
            None => Companion::missing(format!("nobody can act as {who} here")),
        }
    }
}

const NO_CALL: &str = "no call for this action on these resources can be built from AWS's models";

fn title(action: &str, on: &str) -> String {
    format!("cannot {action} on {on}")
}

impl Subject {
    /// Somebody who acts as it, or why nobody can.
    async fn act(&self, suite: &Suite<'_>) -> Result<Actor, String> {
        self.holder.act(suite).await
    }
}
