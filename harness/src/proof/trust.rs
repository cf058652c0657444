//! Who may become a deployer: by its trust policy anybody at all, and by both sides
//! each team.

use std::sync::Arc;

use ringfence_policy::{DocumentError, Kind, Policies};
use serde_json::json;

use super::claims::{Claim, most, written};
use super::guarded::{Guarded, Team};
use super::statements::{Forbidden, On};
use crate::access::estate::Entry;
use crate::config::IssuerKind;

const TRUST: &str = "only its own workflow becomes a deployer";

/// The claims about each deployer's trust policy.
pub(super) fn claims(guarded: &Guarded<'_>) -> Result<Vec<Claim>, DocumentError> {
    let mut claims = Vec::new();
    for team in &guarded.teams {
        let name = format!("trust of {}", team.entry);
        let Some(entry) = guarded.estate.entries.get(&name) else { continue };
        claims.extend(of_anybody(guarded, team, &name, entry)?);
        for other in guarded.teams.iter().filter(|other| other.entry != team.entry) {
            claims.extend(of_team(guarded, other, team, entry)?);
        }
    }
    Ok(claims)
}

/// The workflow of the deployer's repository, and nobody else.
fn of_anybody(
    guarded: &Guarded<'_>,
    team: &Team<'_>,
    name: &str,
    entry: &Entry,
) -> Result<Option<Claim>, DocumentError> {
    let issuer = guarded.config.issuer_of(team.app);
    // Of what other issuers write into a subject, the configuration says nothing.
    let Some(issuer) = issuer.filter(|issuer| issuer.kind == IssuerKind::Github) else {
        return Ok(None);
    };
    let url = issuer.url.get_ref();
    let host = url.strip_prefix("https://").unwrap_or(url);
    let app = team.app;
    let mut subjects = vec![format!("repo:{}:*", app.repository.as_str())];
    let written_name = app.repository.as_str();
    if let (Some(owner), Some(id), Some((first, last))) =
        (app.owner_id, app.repository_id, written_name.split_once('/'))
    {
        subjects.push(format!("repo:{first}@{owner}/{last}@{id}:*"));
    }
    let statement = json!({
        "Effect": "Allow",
        "Principal": {"Federated": guarded.iam(&format!("oidc-provider/{host}"))},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {
            "StringEquals": {format!("{host}:aud"): "sts.amazonaws.com"},
            "StringLike": {format!("{host}:sub"): subjects},
        },
    });
    Ok(Some(Claim {
        rail: TRUST,
        who: name.to_owned(),
        principal: None,
        policies: entry.policies.clone(),
        most: Policies {
            resource: Some(written(&[statement], Kind::Trust)?),
            ..Policies::default()
        },
        open: Vec::new(),
        // Whom an unknown trust policy lets in, nobody knows.
        beyond: entry.unknown.first().cloned(),
        kept_back_by: None,
    }))
}

/// A team that would become another.
fn of_team(
    guarded: &Guarded<'_>,
    who: &Team<'_>,
    whom: &Team<'_>,
    trust: &Entry,
) -> Result<Option<Claim>, DocumentError> {
    let Some(entry) = guarded.estate.entries.get(&who.entry) else { return Ok(None) };
    let forbidden = Forbidden::new(&["sts:AssumeRole*"], On::These(vec![whom.arn.clone()]));
    let mut most = most(&[forbidden], false)?;
    // What the trust policy lets others do is not this claim's.
    let anybody = json!({"Effect": "Allow", "Principal": "*", "Action": "sts:*"});
    let own = json!({"Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRole*"});
    most.resource = Some(written(&[anybody, own], Kind::Trust)?);
    Ok(Some(Claim {
        rail: TRUST,
        who: format!("{} as {}", who.entry, whom.entry),
        principal: entry.principal.clone(),
        policies: Policies {
            resource: trust.policies.resource.as_ref().map(Arc::clone),
            ..entry.policies.clone()
        },
        most,
        open: entry.outside.iter().chain(&entry.unknown).cloned().collect(),
        beyond: trust.unknown.first().cloned(),
        kept_back_by: None,
    }))
}
