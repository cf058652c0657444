//! What each guard rail of the teams' identities forbids, and the ceilings.

use std::collections::BTreeSet;
use std::sync::Arc;

use ringfence_policy::{Document, DocumentError, Kind, Policies};
use serde_json::{Value, json};

use super::Claim;
use super::identity::claim;
use crate::access::estate::Entry;
use crate::config::Job;
use crate::guard_rail::GuardRail;
use crate::proof::guarded::{Guarded, Team};
use crate::proof::network;
use crate::proof::statements::{Forbidden, On};

const BOUNDARY: GuardRail = GuardRail::BoundaryCarried;
const KEPT: GuardRail = GuardRail::BoundaryKept;
const IDENTITIES: GuardRail = GuardRail::Identities;
const OWN_ROLES: GuardRail = GuardRail::OwnRoles;
const DEPLOYER_CEILING: GuardRail = GuardRail::DeployerCeiling;
const CODE_CEILING: GuardRail = GuardRail::CodeCeiling;

/// What changes identities, by the beginnings of IAM's names
/// (<https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html>).
const CHANGES_IDENTITIES: [&str; 20] = [
    "iam:Add*",
    "iam:Attach*",
    "iam:Change*",
    "iam:Create*",
    "iam:Deactivate*",
    "iam:Delete*",
    "iam:Detach*",
    "iam:Disable*",
    "iam:Enable*",
    "iam:Put*",
    "iam:Remove*",
    "iam:Reset*",
    "iam:Resync*",
    "iam:Set*",
    "iam:Tag*",
    "iam:Untag*",
    "iam:Update*",
    "iam:Upload*",
    "iam:GetAccountAuthorizationDetails",
    "iam:GetCredentialReport",
];

/// What takes a boundary away.
const REMOVES: [&str; 2] =
    ["iam:DeleteRolePermissionsBoundary", "iam:DeleteUserPermissionsBoundary"];

/// What puts a boundary in another's place.
const REPLACES: [&str; 2] = ["iam:PutRolePermissionsBoundary", "iam:PutUserPermissionsBoundary"];

/// What makes a policy say something else, or nothing.
const CHANGES_POLICIES: [&str; 4] = [
    "iam:CreatePolicyVersion",
    "iam:DeletePolicy",
    "iam:DeletePolicyVersion",
    "iam:SetDefaultPolicyVersion",
];

pub(in crate::proof) type Rail = (GuardRail, Vec<Forbidden>);

/// Unless the request, or the role, has one of the boundaries.
fn unbounded(guarded: &Guarded<'_>) -> Value {
    json!({"StringNotEquals": {"iam:PermissionsBoundary": guarded.execution_boundaries}})
}

pub(super) fn boundary(guarded: &Guarded<'_>, team: &Team<'_>) -> Option<Rail> {
    if guarded.execution_boundaries.is_empty() {
        return None;
    }
    let roles = Forbidden::new(
        &[
            "iam:AttachRolePolicy",
            "iam:CreateRole",
            "iam:PutRolePolicy",
            "iam:UpdateAssumeRolePolicy",
        ],
        On::Anything,
    );
    let mut all = vec![roles.when(unbounded(guarded))];
    if let (Job::Stack, Some(prefix)) = (team.job, &team.role_prefix) {
        let own = vec![guarded.iam(&format!("role/{prefix}*"))];
        all.push(Forbidden::new(&["iam:CreateRole"], On::AllBut(own)));
    }
    Some((BOUNDARY, all))
}

/// Whose boundary is changed otherwise than by these calls, nobody's is: what else a
/// deployer does to itself is [`identities`]'.
pub(super) fn kept(guarded: &Guarded<'_>, team: &Team<'_>) -> Rail {
    let boundaries = guarded.boundaries();
    let policies = match guarded.are_boundaries_known {
        true if !boundaries.is_empty() => On::These(boundaries),
        _ => On::Anything,
    };
    let replaces = |on| Forbidden::new(&REPLACES, on);
    let mut all =
        vec![Forbidden::new(&REMOVES, On::Anything), Forbidden::new(&CHANGES_POLICIES, policies)];
    match (team.job, &team.role_prefix, guarded.execution_boundaries.len()) {
        // Its own roles have that one already.
        (Job::Stack, Some(prefix), 1) => all.extend([
            replaces(On::AllBut(vec![guarded.iam(&format!("role/{prefix}*"))])),
            replaces(On::These(vec![team.arn.clone()])),
            replaces(On::Anything).when(unbounded(guarded)),
        ]),
        _ => all.push(replaces(On::Anything)),
    }
    (KEPT, all)
}

pub(super) fn own_roles(guarded: &Guarded<'_>, team: &Team<'_>) -> Rail {
    let pass = |on| Forbidden::new(&["iam:PassRole"], on);
    let all = match (team.job, &team.role_prefix) {
        (Job::Stack, Some(prefix)) => vec![
            pass(On::AllBut(vec![guarded.iam(&format!("role/{prefix}*"))])),
            pass(On::Anything)
                .when(json!({"StringNotEquals": {"iam:PassedToService": "lambda.amazonaws.com"}})),
        ],
        _ => vec![pass(On::Anything)],
    };
    (OWN_ROLES, all)
}

pub(super) fn identities(guarded: &Guarded<'_>, team: &Team<'_>) -> Rail {
    let on = match (team.job, &team.role_prefix) {
        (Job::Stack, Some(prefix)) => On::AllBut(vec![guarded.iam(&format!("role/{prefix}*"))]),
        _ => On::Anything,
    };
    // Its own role may have the name of one of its app's.
    let itself = On::These(vec![team.arn.clone()]);
    let both = [on, itself].map(|on| Forbidden::new(&CHANGES_IDENTITIES, on));
    (IDENTITIES, both.into())
}

/// What an identity cannot do that may do everything under a boundary.
pub(super) fn ceilings(guarded: &Guarded<'_>) -> Result<Vec<Claim>, DocumentError> {
    let mut claims = Vec::new();
    let everything = r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;
    let everything = Arc::new(Document::parse("everything", everything, Kind::Identity)?);
    let (of_teams, of_code) = (deployer_ceiling(guarded), code_ceiling(guarded));
    let all = guarded.teams.iter().map(|team| (DEPLOYER_CEILING, &team.entry, &of_teams));
    let code = guarded.code.iter().map(|name| (CODE_CEILING, name, &of_code));
    for (rail, name, forbidden) in all.chain(code) {
        let Some(entry) = guarded.estate.entries.get(name) else { continue };
        let bounded = Entry {
            policies: Policies { identity: vec![everything.clone()], ..entry.policies.clone() },
            principal: entry.principal.clone(),
            unknown: of_boundary(guarded, name, entry),
            is_unnamed: entry.is_unnamed,
            ..Entry::default()
        };
        let mut claim = claim(&rail, name, &bounded, None, forbidden)?;
        // Whether code runs as a role hangs on whom it trusts.
        if rail == CODE_CEILING
            && let Some(trust) = guarded.estate.entries.get(&format!("trust of {name}"))
        {
            claim.hangs_on = trust.unknown.first().cloned();
        }
        claims.push(claim);
    }
    // What is not read may make a role that functions have, without a boundary.
    let entries = guarded.estate.entries.iter().filter(|(_, entry)| entry.given_to.is_empty());
    let unread = entries.flat_map(|(name, entry)| {
        entry.unread.iter().filter(|one| one.is_anything()).map(move |one| (name, one))
    });
    for (name, unread) in unread {
        let unknown = Entry { unknown: [unread.why.clone()].into(), ..Entry::default() };
        claims.push(claim(&CODE_CEILING, name, &unknown, None, &of_code)?);
    }
    Ok(claims)
}

/// Why nobody knows the boundary of an identity. What its policies say is nothing of it: it is
/// asked about as one that may do everything.
fn of_boundary(guarded: &Guarded<'_>, name: &str, entry: &Entry) -> BTreeSet<String> {
    // Of what a template makes nobody may know all properties, and so the boundary.
    let is_of_template = guarded.estate.of_templates.iter().any(|one| one == name);
    let counts = |why: &&String| match entry.bounded.get(*why) {
        Some(widest) => widest.boundary.is_some(),
        None => is_of_template,
    };
    entry.unknown.iter().filter(counts).cloned().collect()
}

fn deployer_ceiling(guarded: &Guarded<'_>) -> Vec<Forbidden> {
    let changes = [REMOVES.as_slice(), &REPLACES, &CHANGES_POLICIES].concat();
    let mut all = vec![
        Forbidden::new(&changes, On::Anything),
        Forbidden::new(
            &[
                "iam:*User*",
                "iam:*Group*",
                "iam:*AccessKey*",
                "iam:*LoginProfile*",
                "iam:*Provider*",
            ],
            On::Anything,
        ),
        Forbidden::new(&["iam:PassRole"], On::Anything)
            .when(json!({"StringNotEquals": {"iam:PassedToService": "lambda.amazonaws.com"}})),
    ];
    if !guarded.execution_boundaries.is_empty() {
        let policies = [
            "iam:AttachRolePolicy",
            "iam:CreateRole",
            "iam:PutRolePolicy",
            "iam:UpdateAssumeRolePolicy",
        ];
        all.push(Forbidden::new(&policies, On::Anything).when(unbounded(guarded)));
    }
    all
}

fn code_ceiling(guarded: &Guarded<'_>) -> Vec<Forbidden> {
    let mut all = vec![Forbidden::new(&["account:*", "iam:*", "organizations:*"], On::Anything)];
    let buckets = network::artifacts(guarded);
    if !buckets.is_empty() {
        all.push(Forbidden::new(&["s3:*"], On::These(buckets)));
    }
    all
}
