//! Who the sources are, and what is a source's own.

use std::collections::{BTreeMap, BTreeSet};

use ringfence_policy::symbolic::{Effect, statements};
use ringfence_policy::{Policies, Principal};

use super::closure::{Call, Entered};
use super::question::{Answer, CannotAsk, Wanted};
use super::world::{Kind, Thing, World};
use crate::proof::guarded::{Guarded, Team};
use crate::proof::trust::subjects;

/// What a source is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// Tokens of a repository.
    Token,
    /// The code of functions.
    Code,
    /// A session, however it was come by.
    Session,
}

impl What {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Code => "code",
            Self::Session => "session",
        }
    }
}

/// Where a path may begin.
#[derive(Debug)]
pub(super) struct Origin {
    pub(super) name: String,
    pub(super) what: What,
    pub(super) entered: Vec<Entered>,
    /// Whether the configuration names it, or code runs as it: it is never the platform's.
    pub(super) is_judged: bool,
    own: Own,
}

/// What is a source's own.
#[derive(Debug, Default)]
struct Own {
    identities: BTreeSet<usize>,
    app: Option<String>,
}

impl Origin {
    pub(super) fn owns(&self, identity: usize) -> bool {
        self.own.identities.contains(&identity)
    }

    pub(super) fn owns_thing(&self, on: &str, thing: &Thing) -> bool {
        match on {
            "function" => self.own.app.as_deref().is_some_and(|app| {
                let name = thing.arn.splitn(7, ':').nth(6).unwrap_or_default();
                is_of(name, app)
            }),
            _ => {
                let is_itself = self.entered.iter().any(|one| Some(one.identity) == thing.of);
                !is_itself && thing.of.is_some_and(|it| self.owns(it))
            }
        }
    }
}

fn is_of(name: &str, app: &str) -> bool {
    name.strip_prefix(app).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

/// All sources of an estate: each deployer's tokens, and each identity.
pub(super) fn origins(
    world: &World,
    guarded: Option<&Guarded<'_>>,
) -> Result<Vec<Origin>, CannotAsk> {
    let apps = guarded.map(|guarded| Apps::of(world, guarded)).unwrap_or_default();
    let mut all = Vec::new();
    if let Some(guarded) = guarded {
        let mut doors = BTreeMap::new();
        let mut known: BTreeSet<&str> = BTreeSet::new();
        for team in guarded.teams.iter().filter(|team| known.insert(team.app.name.get_ref())) {
            all.extend(token(world, guarded, team, &apps, &mut doors)?);
        }
    }
    for (place, identity) in world.identities.iter().enumerate() {
        if matches!(identity.kind, Kind::NewRole | Kind::NewUser) {
            continue;
        }
        let team = apps.teams.get(identity.name.as_str());
        let app = team.or_else(|| apps.code.get(&place)).copied();
        let code =
            apps.running.contains_key(&place) || apps.deployed.contains(identity.name.as_str());
        let mut own = app.map(|app| apps.own(app)).unwrap_or_default();
        own.identities.insert(place);
        all.push(Origin {
            name: identity.name.clone(),
            what: if code { What::Code } else { What::Session },
            entered: vec![Entered { identity: place, by: None }],
            is_judged: code || team.is_some(),
            own,
        });
    }
    Ok(all)
}

/// Whose app an identity is, of all at once.
#[derive(Default)]
struct Apps<'g> {
    /// By the names of deployers' identities.
    teams: BTreeMap<&'g str, &'g str>,
    /// By the places of roles that code runs as.
    code: BTreeMap<usize, &'g str>,
    /// The names of the roles of deployed code.
    deployed: BTreeSet<&'g str>,
    /// The names of the functions that run as a role, by its place.
    running: BTreeMap<usize, Vec<&'g str>>,
    /// The roles of an app's code, and those that its deployers make for more.
    identities: BTreeMap<&'g str, BTreeSet<usize>>,
}

impl<'g> Apps<'g> {
    fn of(world: &'g World, guarded: &'g Guarded<'_>) -> Self {
        let deployed = guarded.code.iter().map(String::as_str).collect();
        let mut apps = Self { deployed, ..Self::default() };
        for function in world.of_kind("function") {
            let name = function.arn.splitn(7, ':').nth(6).unwrap_or_default();
            if let Some(place) = function.of {
                apps.running.entry(place).or_default().push(name);
            }
        }
        for team in &guarded.teams {
            let app = team.app.name.get_ref().as_str();
            apps.teams.entry(team.entry.as_str()).or_insert(app);
        }
        for (place, identity) in world.identities.iter().enumerate() {
            let running = apps.running.get(&place).map_or(&[][..], Vec::as_slice);
            if running.is_empty() && !apps.deployed.contains(identity.name.as_str()) {
                continue;
            }
            let Some(app) = app_of(guarded, &identity.name, running) else { continue };
            apps.code.insert(place, app);
            if !apps.teams.contains_key(identity.name.as_str()) {
                apps.identities.entry(app).or_default().insert(place);
            }
        }
        let new = world.of_kind("new-role").iter().filter(|one| {
            let boundary = one.bounded_by.as_ref().and_then(Option::as_ref);
            boundary.is_some_and(|arn| guarded.execution_boundaries.contains(arn))
        });
        let new: Vec<usize> = new.filter_map(|one| one.of).collect();
        for team in guarded.teams.iter().filter(|team| team.role_prefix.is_some()) {
            apps.identities.entry(team.app.name.get_ref()).or_default().extend(&new);
        }
        apps
    }

    fn own(&self, app: &str) -> Own {
        let identities = self.identities.get(app).cloned().unwrap_or_default();
        Own { identities, app: Some(app.to_owned()) }
    }
}

/// The app whose code runs as a role, by the functions that do.
fn app_of<'g>(guarded: &'g Guarded<'_>, identity: &str, running: &[&str]) -> Option<&'g str> {
    let name = identity.strip_prefix("role/")?;
    let of = guarded.teams.iter().find(|team| {
        let app = team.app.name.get_ref();
        let prefix = team.role_prefix.as_deref().filter(|prefix| !prefix.is_empty());
        prefix.is_some_and(|prefix| name.starts_with(prefix))
            || (!running.is_empty() && running.iter().all(|one| is_of(one, app)))
    });
    of.map(|team| team.app.name.get_ref().as_str())
}

/// The tokens of a repository's workflows.
fn token(
    world: &World,
    guarded: &Guarded<'_>,
    team: &Team<'_>,
    apps: &Apps<'_>,
    doors: &mut BTreeMap<String, Vec<Door>>,
) -> Result<Option<Origin>, CannotAsk> {
    let issuer = guarded.config.issuer_of(team.app);
    let Some(issuer) = issuer else { return Ok(None) };
    let url = issuer.url.get_ref();
    let host = url.strip_prefix("https://").unwrap_or(url);
    let repository = team.app.repository.as_str();
    let subjects = subjects(guarded.config, team.app);
    let key = format!("{host}:sub");
    let provider_arn = guarded.iam(&format!("oidc-provider/{host}"));
    let principal = Principal::WebIdentity { provider_arn };
    let roles = world.of_kind("role");
    let doors = doors
        .entry(key.clone())
        .or_insert_with(|| roles.iter().map(|role| Door::of(role, &key)).collect());
    let before: Vec<&str> = subjects.iter().map(|subject| beginning(subject)).collect();
    let mut entered = Vec::new();
    for (role, door) in roles.iter().zip(doors) {
        let Some(identity) = role.of else { continue };
        // Of most pairs nothing needs to be asked.
        if role.open.is_none() && !door.may_let_in(&before) {
            continue;
        }
        let policies = Policies { resource: role.policy.clone(), ..Policies::default() };
        let action = "sts:AssumeRoleWithWebIdentity";
        let like = Some((key.as_str(), subjects.as_slice()));
        let wanted =
            Wanted { action, on: Some(&role.arn), of_type: None, but: &[], when: &[], like };
        let answer = match &role.open {
            Some(open) => Answer::Open(open.as_str().into()),
            None => Answer::from(wanted.ask(&principal, &policies)?),
        };
        let (witness, open) = match answer {
            Answer::No => continue,
            Answer::Yes(witness) => (Some((*witness).clone()), None),
            Answer::Open(why) => (None, Some(why)),
        };
        let by = Some(Call { holder: None, resource: role.policy.clone(), witness, open });
        entered.push(Entered { identity, by });
    }
    let app = team.app.name.get_ref();
    let mut own = apps.own(app);
    let deployers = guarded.teams.iter().filter(|other| other.app.name.get_ref() == app);
    for deployer in deployers {
        own.identities.extend(world.identities.iter().position(|one| one.name == deployer.entry));
    }
    let name = format!("tokens of {repository}");
    Ok(Some(Origin { name, what: What::Token, entered, is_judged: true, own }))
}

/// Whom a trust policy may let in, of those with a token.
enum Door {
    /// Nobody.
    Closed,
    /// Those whose subject fits one of the beginnings of each condition on it: of a
    /// statement, of which one is enough.
    Subjects(Vec<Vec<Vec<String>>>),
}

impl Door {
    fn of(role: &Thing, key: &str) -> Self {
        let Some(policy) = role.policy.as_ref().filter(|_| role.names_federated) else {
            return Self::Closed;
        };
        let allows = statements(policy).filter(|one| one.effect() == Effect::Allow);
        let conditions = allows.map(|statement| {
            let of_subject = statement.conditions().filter(|condition| {
                condition.key().eq_ignore_ascii_case(key)
                    && ["StringEquals", "StringLike"].contains(&condition.operator_name())
            });
            let beginnings = of_subject.map(|condition| {
                condition.values().iter().map(|value| beginning(value).to_owned()).collect()
            });
            beginnings.collect()
        });
        Self::Subjects(conditions.collect())
    }

    /// Whether one of some subjects gets in, as far as the texts before the first
    /// wildcard show.
    fn may_let_in(&self, subjects: &[&str]) -> bool {
        let fits = |value: &String| {
            let fits = |one: &&str| one.starts_with(value.as_str()) || value.starts_with(one);
            subjects.iter().any(fits)
        };
        match self {
            Self::Closed => false,
            Self::Subjects(statements) => statements
                .iter()
                .any(|conditions| conditions.iter().all(|values| values.iter().any(fits))),
        }
    }
}

/// What a pattern begins with, up to its first wildcard or variable.
fn beginning(pattern: &str) -> &str {
    pattern.split(['*', '?', '$']).next().unwrap_or_default()
}
