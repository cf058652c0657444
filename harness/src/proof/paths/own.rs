//! Who the sources are, and what is a source's own.

use std::collections::BTreeSet;

use ringfence_policy::symbolic::{Effect, statements};
use ringfence_policy::{Policies, Principal};

use super::closure::{Call, Entered};
use super::question::{Answer, CannotAsk, Wanted};
use super::world::{Kind, Thing, World};
use crate::config::{App, IssuerKind};
use crate::proof::guarded::{Guarded, Team};

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
    let teams = guarded.map_or(&[][..], |guarded| &guarded.teams);
    let mut all = Vec::new();
    let mut known: BTreeSet<&str> = BTreeSet::new();
    for team in teams {
        if let Some(guarded) = guarded
            && known.insert(team.app.name.get_ref())
        {
            all.extend(token(world, guarded, team)?);
        }
    }
    for (place, identity) in world.identities.iter().enumerate() {
        if matches!(identity.kind, Kind::NewRole | Kind::NewUser) {
            continue;
        }
        let team = teams.iter().find(|team| team.entry == identity.name);
        let app = match team {
            Some(team) => Some(team.app.name.get_ref().as_str()),
            None => guarded.and_then(|guarded| app_of(world, guarded, place)),
        };
        let code = world.of_kind("function").iter().any(|one| one.of == Some(place))
            || guarded.is_some_and(|guarded| guarded.code.contains(&identity.name));
        let mut own = own(world, guarded, app);
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

/// The app whose code runs as a role.
fn app_of<'g>(world: &World, guarded: &'g Guarded<'_>, place: usize) -> Option<&'g str> {
    let identity = world.identities.get(place)?;
    let name = identity.name.strip_prefix("role/")?;
    let functions = || {
        let all = world.of_kind("function").iter().filter(|one| one.of == Some(place));
        all.map(|one| one.arn.splitn(7, ':').nth(6).unwrap_or_default())
    };
    let is_code = guarded.code.contains(&identity.name) || functions().next().is_some();
    let mut teams = guarded.teams.iter().filter(|_| is_code);
    let of = teams.find(|team| {
        let app = team.app.name.get_ref();
        let prefix = team.role_prefix.as_deref().filter(|prefix| !prefix.is_empty());
        prefix.is_some_and(|prefix| name.starts_with(prefix))
            || (functions().next().is_some() && functions().all(|one| is_of(one, app)))
    });
    of.map(|team| team.app.name.get_ref().as_str())
}

/// The code of an app, and the roles that its deployers make for more.
fn own(world: &World, guarded: Option<&Guarded<'_>>, app: Option<&str>) -> Own {
    let (Some(guarded), Some(app)) = (guarded, app) else { return Own::default() };
    let makes_roles = guarded
        .teams
        .iter()
        .any(|team| team.app.name.get_ref() == app && team.role_prefix.is_some());
    let new = world.of_kind("new-role").iter().filter(|one| {
        let boundary = one.bounded_by.as_ref().and_then(Option::as_ref);
        makes_roles && boundary.is_some_and(|arn| guarded.execution_boundaries.contains(arn))
    });
    let mut identities: BTreeSet<usize> = new.filter_map(|one| one.of).collect();
    let is_own = |place: &usize| {
        let is_team = world
            .identities
            .get(*place)
            .is_some_and(|one| guarded.teams.iter().any(|team| team.entry == one.name));
        !is_team && app_of(world, guarded, *place) == Some(app)
    };
    identities.extend((0..world.identities.len()).filter(is_own));
    Own { identities, app: Some(app.to_owned()) }
}

/// The tokens of a repository's workflows.
fn token(
    world: &World,
    guarded: &Guarded<'_>,
    team: &Team<'_>,
) -> Result<Option<Origin>, CannotAsk> {
    let issuer = guarded.config.issuer_of(team.app);
    // Of what other issuers write into a subject, the configuration says nothing.
    let Some(issuer) = issuer.filter(|issuer| issuer.kind == IssuerKind::Github) else {
        return Ok(None);
    };
    let url = issuer.url.get_ref();
    let host = url.strip_prefix("https://").unwrap_or(url);
    let repository = team.app.repository.as_str();
    let subjects = subjects(team.app);
    let key = format!("{host}:sub");
    let provider_arn = guarded.iam(&format!("oidc-provider/{host}"));
    let principal = Principal::WebIdentity { provider_arn };
    let mut entered = Vec::new();
    for role in world.of_kind("role") {
        let Some(identity) = role.of else { continue };
        let policies = Policies { resource: role.policy.clone(), ..Policies::default() };
        let action = "sts:AssumeRoleWithWebIdentity";
        let like = Some((key.as_str(), subjects.as_slice()));
        let wanted = Wanted { action, on: Some(&role.arn), but: &[], when: &[], like };
        let answer = match &role.open {
            Some(open) => Answer::Open(open.as_str().into()),
            None if !may_enter(role, &key, &subjects) => Answer::No,
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
    let mut own = own(world, Some(guarded), Some(app));
    let deployers = guarded.teams.iter().filter(|other| other.app.name.get_ref() == app);
    for deployer in deployers {
        own.identities.extend(world.identities.iter().position(|one| one.name == deployer.entry));
    }
    let name = format!("tokens of {repository}");
    Ok(Some(Origin { name, what: What::Token, entered, is_judged: true, own }))
}

/// Whether a trust policy may let in a token with one of some subjects, as far as the
/// texts before the first wildcard show.
fn may_enter(role: &Thing, key: &str, subjects: &[String]) -> bool {
    let Some(policy) = role.policy.as_ref().filter(|_| role.names_federated) else { return false };
    let before = |text: &str| text.split(['*', '?', '$']).next().unwrap_or_default().to_owned();
    let fits = |value: &str| {
        subjects
            .iter()
            .map(|subject| (before(subject), before(value)))
            .any(|(one, other)| one.starts_with(&other) || other.starts_with(&one))
    };
    statements(policy).filter(|one| one.effect() == Effect::Allow).any(|statement| {
        statement.conditions().all(|condition| {
            let is_of_subject = condition.key().eq_ignore_ascii_case(key)
                && ["StringEquals", "StringLike"].contains(&condition.operator_name());
            !is_of_subject || condition.values().iter().any(|value| fits(value))
        })
    })
}

/// The subjects of the tokens of an app's repository, as GitHub writes them
/// (<https://docs.github.com/en/actions/reference/security/oidc>).
fn subjects(app: &App) -> Vec<String> {
    let written = app.repository.as_str();
    let mut subjects = vec![format!("repo:{written}:*")];
    if let (Some(owner), Some(id), Some((first, last))) =
        (app.owner_id, app.repository_id, written.split_once('/'))
    {
        subjects.push(format!("repo:{first}@{owner}/{last}@{id}:*"));
    }
    subjects
}
