//! Who may become a deployer: by its trust policy anybody at all, and by both sides
//! each team.

use std::collections::BTreeMap;
use std::sync::Arc;

use ringfence_policy::symbolic::{Effect, Naming, StatementView, statements};
use ringfence_policy::{Document, DocumentError, Kind, Policies};
use serde_json::{Value, json};

use super::claims::{Claim, most, written};
use super::guarded::{Guarded, Team, text};
use super::statements::{Forbidden, On};
use crate::access::estate::{Entry, Trusts};
use crate::config::{App, Config, Deployer, IssuerKind};
use crate::guard_rail::GuardRail;
use crate::issuers::AUDIENCE;
use crate::lint::known::Value as Known;
use crate::lint::terraform::Resource;

const TRUST: GuardRail = GuardRail::Trust;

/// The claims about each deployer's trust policy.
pub(super) fn claims(guarded: &Guarded<'_>) -> Result<Vec<Claim>, DocumentError> {
    let mut claims = Vec::new();
    let others: Vec<(&Team<'_>, &Entry, Option<&String>)> = guarded
        .teams
        .iter()
        .filter_map(|other| Some((other, entry_of(guarded, other)?, may_be_let_in(guarded, other))))
        .collect();
    for team in &guarded.teams {
        let name = format!("trust of {}", team.entry);
        let Some(entry) = guarded.estate.entries.get(&name) else { continue };
        match &team.through {
            None => claims.extend(of_anybody(guarded, team, &name, entry)?),
            Some(through) => claims.push(of_assumed(team, through, &name, entry)?),
        }
        let others = others.iter().filter(|(other, ..)| other.entry != team.entry);
        for (other, who, why) in others {
            // Of most pairs nothing needs to be asked: there would be as many as the
            // square of the teams.
            if why.is_some() || may_become(who, entry) {
                let mut claim = of_team(other, who, team, entry)?;
                claim.open.extend(why.cloned());
                claims.push(claim);
            }
        }
    }
    for entrance in &guarded.entrances {
        let name = format!("trust of {}", entrance.entry);
        let Some(entry) = guarded.estate.entries.get(&name) else { continue };
        claims.extend(of_anybody(guarded, entrance, &name, entry)?);
    }
    Ok(claims)
}

/// Why it is not known whom a deployer may become: a policy of which nobody knows whose it is
/// may be its own.
fn may_be_let_in<'g>(guarded: &Guarded<'g>, team: &Team<'_>) -> Option<&'g String> {
    let may_take = |given: &&Entry| {
        let mut all = given.unread.iter();
        given.unread.is_empty() || all.any(|one| one.may_allow("sts:AssumeRole"))
    };
    guarded.estate.may_be_given(&team.entry).find(may_take)?.unknown.first()
}

/// The role that the deployer comes by, and nobody else: no token becomes it.
fn of_assumed(
    team: &Team<'_>,
    through: &str,
    name: &str,
    entry: &Entry,
) -> Result<Claim, DocumentError> {
    let statement = json!({"Effect": "Allow", "Principal": {"AWS": through},
        "Action": "sts:AssumeRole", "Resource": team.arn});
    let most = written(&[of_others(&team.arn), nobody(&team.arn), statement], Kind::Resource)?;
    Ok(of_trust(name, entry, most))
}

/// A claim about whom a trust policy lets in at most.
fn of_trust(name: &str, entry: &Entry, most: Arc<Document>) -> Claim {
    // Whom an unknown trust policy lets in, nobody knows.
    let Trusts { policy, beyond, in_part } = entry.trusts();
    let mut claim = Claim {
        rail: TRUST,
        who: name.to_owned(),
        principal: None,
        policies: Policies { resource: policy.map(Arc::clone), ..entry.policies.clone() },
        most: Policies { resource: Some(most), ..Policies::default() },
        open: Vec::new(),
        bounded: BTreeMap::new(),
        beyond,
        unnamed: None,
        hangs_on: None,
        kept_back_by: None,
        kept_back: None,
        denials: Arc::default(),
        disguised: Vec::new(),
        tagged: Vec::new(),
        elsewhere: Arc::default(),
    };
    claim.hangs_on_part(in_part);
    claim
}

/// The workflow of the deployer's repository, and nobody else.
fn of_anybody(
    guarded: &Guarded<'_>,
    team: &Team<'_>,
    name: &str,
    entry: &Entry,
) -> Result<Option<Claim>, DocumentError> {
    let issuer = guarded.config.issuer_of(team.app);
    let Some(issuer) = issuer else { return Ok(None) };
    let url = issuer.url.get_ref();
    let host = url.strip_prefix("https://").unwrap_or(url);
    let subjects = match &team.subjects {
        Some(subjects) => subjects.clone(),
        None => subjects(guarded.config, team.app),
    };
    let audience = issuer.audience.as_deref().filter(|_| issuer.kind == IssuerKind::Oidc);
    let audience = audience.unwrap_or(AUDIENCE);
    let provider = guarded.iam(&format!("oidc-provider/{host}"));
    let mut condition = json!({"StringLike": {format!("{host}:sub"): subjects}});
    if !takes_alone(guarded, &provider, audience)
        && let Some(members) = condition.as_object_mut()
    {
        // Without an audience STS takes no token: "Missing a required claim: aud"
        // (https://gitlab.com/gitlab-org/gitlab/-/issues/342243).
        let audience = json!({format!("{host}:aud"): audience});
        members.insert("StringEqualsIfExists".to_owned(), audience);
    }
    let statement = json!({
        "Effect": "Allow",
        "Principal": {"Federated": provider},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Resource": team.arn,
        "Condition": condition,
    });
    let most = written(&[of_others(&team.arn), nobody(&team.arn), statement], Kind::Resource)?;
    Ok(Some(of_trust(name, entry, most)))
}

/// Whether the provider of an ARN is in the files and takes tokens for one audience alone: of
/// any other audience STS refuses them, whatever the trust policy asks for
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html>).
fn takes_alone(guarded: &Guarded<'_>, provider: &str, audience: &str) -> bool {
    let all = guarded.of_kind("aws_iam_openid_connect_provider");
    let mut its = all.filter(|one| text(one, "arn") == Some(provider)).peekable();
    let is_alone = |one: &Resource| match one.values.get("client_id_list").map(|node| &node.value) {
        Some(Known::List(all)) => {
            !all.is_empty() && all.iter().all(|one| one.text() == Some(audience))
        }
        _ => false,
    };
    its.peek().is_some() && its.all(is_alone)
}

/// The subjects of the tokens of an app's pipeline: of GitHub's those of its repository
/// (<https://docs.github.com/en/actions/reference/security/oidc>), of other issuers those
/// that the configuration says of its deployers.
pub(in crate::proof) fn subjects(config: &Config, app: &App) -> Vec<String> {
    if !config.is_run(app) {
        let own = |deployer: &&Deployer| deployer.app.get_ref() == app.name.get_ref();
        let deployers = config.deployers.iter().filter(own);
        let subjects = deployers.filter_map(|deployer| config.subject_of(deployer, app));
        return subjects.map(str::to_owned).collect();
    }
    let written = app.repository.as_str();
    let mut subjects = vec![format!("repo:{written}:*")];
    if let (Some(owner), Some(id), Some((first, last))) =
        (app.owner_id, app.repository_id, written.split_once('/'))
    {
        subjects.push(format!("repo:{first}@{owner}/{last}@{id}:*"));
    }
    subjects
}

/// What a trust policy must allow besides for a session with tags, or with a source identity,
/// and what makes nobody a session by itself
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html>,
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_monitor.html>).
fn nobody(role: &str) -> Value {
    json!({"Effect": "Allow", "Principal": "*", "Action": ["sts:SetSourceIdentity",
        "sts:TagSession"], "Resource": role})
}

/// A trust policy is about its own role, and names none: of other roles, others tell.
fn of_others(role: &str) -> Value {
    json!({"Effect": "Allow", "Principal": "*", "Action": "*", "NotResource": role})
}

fn entry_of<'e>(guarded: &Guarded<'e>, team: &Team<'_>) -> Option<&'e Entry> {
    guarded.estate.entries.get(&team.entry)
}

/// Whether an identity could become a role, as far as the trust policy's Allows name
/// it: by its account, where its own policies speak of STS, or more directly. Whom no
/// Allow names, nobody lets in.
fn may_become(who: &Entry, trust: &Entry) -> bool {
    let Trusts { policy: Some(policy), beyond, .. } = trust.trusts() else {
        return !trust.unknown.is_empty();
    };
    let Some(principal) = &who.principal else { return true };
    let is_allow = |one: &StatementView<'_>| one.effect() == Effect::Allow;
    let speaks = || {
        let own = who.policies.identity.iter().flat_map(|one| statements(one)).filter(is_allow);
        own.into_iter().any(|one| one.is_about_service("sts"))
            || !(who.outside.is_empty() && who.unknown.is_empty())
    };
    let naming = statements(policy).filter(is_allow).filter_map(|one| one.names(principal)).max();
    beyond.is_some() || naming.is_some_and(|naming| naming > Naming::Account || speaks())
}

/// A team that would become another.
fn of_team(
    who: &Team<'_>,
    entry: &Entry,
    whom: &Team<'_>,
    trust: &Entry,
) -> Result<Claim, DocumentError> {
    let forbidden = Forbidden::new(&["sts:AssumeRole*"], On::These(vec![whom.arn.clone()]));
    let mut most = most(&[forbidden], false)?;
    let own = json!({"Effect": "Allow", "Principal": "*", "NotAction": "sts:AssumeRole*",
        "Resource": whom.arn});
    most.resource = Some(written(&[of_others(&whom.arn), own], Kind::Resource)?);
    let Trusts { policy, beyond, in_part } = trust.trusts();
    let mut claim = Claim {
        rail: TRUST,
        who: format!("{} as {}", who.entry, whom.entry),
        principal: entry.principal.clone(),
        policies: Policies { resource: policy.map(Arc::clone), ..entry.policies.clone() },
        most,
        open: entry.unbounded(&who.entry),
        bounded: entry.bounded.clone(),
        beyond,
        unnamed: entry.is_unnamed.then(|| who.entry.clone()),
        hangs_on: None,
        kept_back_by: None,
        kept_back: None,
        denials: Arc::default(),
        disguised: Vec::new(),
        tagged: Vec::new(),
        elsewhere: Arc::default(),
    };
    claim.hangs_on_part(in_part);
    Ok(claim)
}
