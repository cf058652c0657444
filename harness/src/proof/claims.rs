//! Each guard rail as claims: what an identity is never allowed.

use std::collections::BTreeSet;
use std::sync::Arc;

use ringfence_policy::symbolic::statements;
use ringfence_policy::{Document, DocumentError, Kind, Policies, Principal};
use ringfence_prove::Disagreement;
use serde_json::{Value, json};

use super::guarded::{Guarded, Team};
use super::guises::{Guise, guises};
use super::limited::limited;
use super::statements::{Forbidden, On};
use super::{declared, network, trust};
use crate::access::denies::{self, Denials, Denied};
use crate::access::estate::{Entry, Most, Trusts, allows};
use crate::access::federated;
use crate::access::sessions::{lets_in, sessions};
use crate::access::stated::Stated;
use crate::access::unnamed::documents;
use crate::config::{ConfigError, Job};
use crate::guard_rail::GuardRail;

/// That nobody, or one identity, is allowed more than something.
#[derive(Debug, Clone)]
pub struct Claim {
    /// The guard rail.
    pub rail: GuardRail,
    /// Whose requests: an entry of the estate.
    pub who: String,
    pub(super) principal: Option<Principal>,
    /// What decides about them.
    pub(super) policies: Policies,
    /// What they may be allowed at most.
    pub(super) most: Policies,
    /// What may count besides and is not in the files, or not known.
    pub(super) open: Vec<String>,
    /// The most that what is known in part may allow besides, by why it is not known.
    pub(super) bounded: Most,
    /// Why it cannot be decided here.
    pub(super) beyond: Option<String>,
    /// Who it is, where the name is not known.
    pub(super) unnamed: Option<String>,
    /// What is not known and a request that breaks it may hang on.
    pub(super) hangs_on: Option<String>,
    /// What may keep back a request that all else allows, and why nobody knows.
    pub(super) kept_back_by: Option<String>,
    /// The policies with that, where it is known what it says.
    pub(super) kept_back: Option<Policies>,
    /// What the policies of resources deny.
    pub(super) denials: Arc<Denials>,
    /// Who it may be whom they deny something, where the name is not known.
    pub(super) disguised: Vec<(String, Arc<Document>)>,
    /// Of a user, what its own tags keep it back from.
    pub(super) tagged: Vec<(String, Arc<Document>)>,
}

impl Claim {
    /// What the policies of resources deny who asks.
    pub(super) fn denied(&self) -> Denied {
        let Some(principal) = &self.principal else { return Denied::default() };
        let is_bounded = self.policies.boundary.is_some();
        // Of a ceiling it stands for anybody under the same boundary.
        let mut denied = match (&self.rail, anybody_of(principal)) {
            (GuardRail::DeployerCeiling | GuardRail::CodeCeiling, Some(anybody)) => {
                self.denials.of(&[principal, &anybody], is_bounded)
            }
            _ => self.denials.of(&[principal], is_bounded),
        };
        if let Some(who) = &self.unnamed {
            denied = denied.of_unnamed(who);
            denied.may.extend(self.disguised.iter().cloned());
        }
        // The tags of a session that it federates are the session's.
        if matches!(principal, Principal::User { .. }) {
            denied.may.extend(self.tagged.iter().cloned());
        }
        denied
    }

    /// The policies with all that those of resources deny for certain.
    pub(super) fn under_denies(&self, policies: &Policies) -> Policies {
        let mut policies = policies.clone();
        policies.identity.extend(self.denied().sure);
        policies
    }

    /// Notes why a trust policy is the most that it may be.
    pub(super) fn hangs_on_part(&mut self, why: Option<String>) {
        let Some(why) = why else { return };
        self.bounded.entry(why.clone()).or_default();
        self.hangs_on.get_or_insert(why);
    }
}

/// Why a guard rail is no claim.
#[derive(Debug, thiserror::Error)]
pub enum Unput {
    /// A name of the estate that no ARN can have.
    #[error("a guard rail cannot be put as a policy")]
    Policy(#[from] DocumentError),
    /// Prover and engine differ about what one of the configuration says.
    #[error(transparent)]
    Disagreement(#[from] Disagreement),
    /// One of the configuration names what is not there.
    #[error(transparent)]
    Names(#[from] ConfigError),
}

pub(super) const BOUNDARY: GuardRail = GuardRail::BoundaryCarried;
pub(super) const KEPT: GuardRail = GuardRail::BoundaryKept;
pub(super) const IDENTITIES: GuardRail = GuardRail::Identities;
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

/// The key of the caller's id.
const USER_ID: &str = "aws:userid";

/// The name of the level that allows the requests with an identity's own id alone.
pub(super) const OF_ID: &str = "the id of who asks";

/// What makes a policy say something else, or nothing.
const CHANGES_POLICIES: [&str; 4] = [
    "iam:CreatePolicyVersion",
    "iam:DeletePolicy",
    "iam:DeletePolicyVersion",
    "iam:SetDefaultPolicyVersion",
];

/// All claims, rail by rail.
///
/// # Errors
/// A claim that cannot stand in a policy, or that names what the estate has not.
pub fn all(guarded: &Guarded<'_>, stated: &Stated) -> Result<Vec<Claim>, Unput> {
    let mut claims = Vec::new();
    let private = network::private(guarded);
    for team in &guarded.teams {
        let of_roles = [kept(guarded, team), own_roles(guarded, team), identities(guarded, team)];
        let rails = boundary(guarded, team).into_iter().chain(of_roles);
        let Some(entry) = guarded.estate.entries.get(&team.entry) else { continue };
        let of_resources = letting_in(guarded, (&team.entry, entry));
        for (rail, forbidden) in rails.chain(network::rails(guarded, &private, team)) {
            let who = (team.entry.as_str(), entry);
            let mut all = of_identity(guarded, &rail, who, &of_resources, &forbidden)?;
            if rail == GuardRail::NetworkKept {
                for claim in &mut all {
                    claim.hangs_on = claim.hangs_on.take().or_else(|| private.unknown.clone());
                }
            }
            claims.extend(all);
        }
    }
    claims.extend(ceilings(guarded)?);
    claims.extend(trust::claims(guarded)?);
    claims.extend(declared::claims(guarded)?);
    let mut claims = limited(claims, guarded, stated)?;
    let denials = Arc::new(guarded.estate.denials());
    for claim in &mut claims {
        claim.denials = Arc::clone(&denials);
        claim.disguised = disguised(guarded, claim.unnamed.as_deref(), &denials);
        claim.tagged = tagged(guarded, claim);
    }
    claims.sort_by(|one, other| one.rail.title().cmp(other.rail.title()));
    Ok(claims)
}

/// A role of somebody's account that no policy names.
fn anybody_of(principal: &Principal) -> Option<Principal> {
    let account = principal.account_id()?;
    let name = "anybody-under-the-boundary";
    let role_arn = format!("arn:aws:iam::{account}:role/{name}");
    let session_arn = format!("arn:aws:sts::{account}:assumed-role/{name}/session");
    Some(Principal::RoleSession { role_arn, session_arn })
}

/// What a user's tags in the files keep it back from, where a policy asks for them:
/// `aws:PrincipalTag` of a user is a tag of the user
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principaltag>).
/// Whoever may tag it may change them: nothing is proved by them.
fn tagged(guarded: &Guarded<'_>, claim: &Claim) -> Vec<(String, Arc<Document>)> {
    const KEY: &str = "aws:principaltag/";
    let Some(Principal::User { arn }) = &claim.principal else { return Vec::new() };
    let Some(tags) = guarded.estate.tags_of_user(arn) else { return Vec::new() };
    let all = documents(&claim.policies).chain(documents(&claim.most));
    let keys = all.flat_map(|document| document.context_keys()).map(str::to_ascii_lowercase);
    let asked: BTreeSet<String> = keys.filter(|key| key.starts_with(KEY)).collect();
    let denies = asked.iter().filter_map(|key| {
        let condition = match tags.get(key.strip_prefix(KEY)?) {
            Some(value) => json!({"StringNotEquals": {key: value}}),
            None => json!({"Null": {key: "false"}}),
        };
        Some(json!({"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": condition}))
    });
    let denies: Vec<Value> = denies.collect();
    let text = json!({"Version": "2012-10-17", "Statement": denies}).to_string();
    let document = match denies.is_empty() {
        true => None,
        false => Document::parse("the user's tags", &text, Kind::Identity).ok(),
    };
    let why = format!("the tags of `{}` in the files are others than it takes", claim.who);
    document.map(|document| (why, Arc::new(document))).into_iter().collect()
}

/// What an identity may be denied of whose name a part is not known, where a policy names
/// somebody whom it may be.
fn disguised(
    guarded: &Guarded<'_>,
    unnamed: Option<&str>,
    denials: &Denials,
) -> Vec<(String, Arc<Document>)> {
    let entry = unnamed.and_then(|name| Some((name, guarded.estate.entries.get(name)?)));
    let Some((name, entry)) = entry else { return Vec::new() };
    let mut all = Vec::new();
    for (_, policy) in denials.policies() {
        for (arn, guise) in guises(guarded, (name, entry), policy) {
            let is_bounded = entry.policies.boundary.is_some();
            let is_about = |at| {
                let mut statements = statements(policy);
                let one = statements.nth(at);
                one.is_some_and(|one| one.is_about_caller(&guise.principal, is_bounded))
            };
            let why = format!("whether `{name}` is `{arn}`");
            all.extend(denies::about(policy, is_about).map(|document| (why, document)));
        }
    }
    all
}

pub(super) type Rail = (GuardRail, Vec<Forbidden>);

/// Unless the request, or the role, has one of the boundaries.
fn unbounded(guarded: &Guarded<'_>) -> Value {
    json!({"StringNotEquals": {"iam:PermissionsBoundary": guarded.execution_boundaries}})
}

fn boundary(guarded: &Guarded<'_>, team: &Team<'_>) -> Option<Rail> {
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
fn kept(guarded: &Guarded<'_>, team: &Team<'_>) -> Rail {
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

fn own_roles(guarded: &Guarded<'_>, team: &Team<'_>) -> Rail {
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

fn identities(guarded: &Guarded<'_>, team: &Team<'_>) -> Rail {
    let on = match (team.job, &team.role_prefix) {
        (Job::Stack, Some(prefix)) => On::AllBut(vec![guarded.iam(&format!("role/{prefix}*"))]),
        _ => On::Anything,
    };
    // Its own role may have the name of one of its app's.
    let itself = On::These(vec![team.arn.clone()]);
    let both = [on, itself].map(|on| Forbidden::new(&CHANGES_IDENTITIES, on));
    (IDENTITIES, both.into())
}

/// What an identity may never be allowed: by its own policies, and together with each
/// resource's policy that lets it in.
pub(super) fn of_identity(
    guarded: &Guarded<'_>,
    rail: &GuardRail,
    (name, entry): (&str, &Entry),
    of_resources: &[(&str, &Entry)],
    forbidden: &[Forbidden],
) -> Result<Vec<Claim>, DocumentError> {
    let mut claims = vec![claim(rail, name, entry, None, forbidden)?];
    for (address, standing) in of_resources {
        for unread in &standing.unread {
            let Some(most) = unread.most(entry.principal.as_ref())? else { continue };
            let mut with = claim(rail, name, entry, Some(&most), forbidden)?;
            with.who = format!("{name} by {address}");
            with.hangs_on = Some(unread.why.clone());
            claims.push(with);
        }
        let policy = standing.policies.resource.as_ref();
        let counts = policy.filter(|policy| policy.kind() == Kind::Resource);
        if counts.is_none() && !standing.unread.is_empty() {
            continue;
        }
        let mut with = claim(rail, name, entry, counts, forbidden)?;
        let unknown = standing.unknown.first().filter(|_| standing.unread.is_empty()).cloned();
        with.beyond = with.beyond.or(unknown);
        claims.extend(by(guarded, with, (name, entry), address, policy));
    }
    Ok(claims)
}

/// A claim together with a policy that stands somewhere, and the same of each session that
/// the policy lets in by its own ARN, and of each that the identity may be.
fn by(
    guarded: &Guarded<'_>,
    with: Claim,
    (name, entry): (&str, &Entry),
    address: &str,
    policy: Option<&Arc<Document>>,
) -> Vec<Claim> {
    let sessions = policy.map(|it| sessions(entry.principal.as_ref(), it)).unwrap_or_default();
    let of_sessions = sessions.into_iter().map(|(session, principal)| {
        let who = format!("{name} as {session} by {address}");
        Claim { who, principal: Some(principal), ..with.clone() }
    });
    let mut all: Vec<Claim> = of_sessions.collect();
    let mut own = Claim { who: format!("{name} by {address}"), ..with.clone() };
    let who = (name, entry);
    let named = policy.map(|it| guises(guarded, who, it)).unwrap_or_default();
    for (arn, Guise { principal, is_let_in }) in named {
        let why = format!("whether `{name}` is `{arn}`");
        if is_let_in {
            let who = format!("{name} as {arn} by {address}");
            let hangs_on = Some(why);
            all.push(Claim { who, principal: Some(principal), hangs_on, ..with.clone() });
        } else {
            // What denies one of that name may deny it.
            own.hangs_on.get_or_insert(why);
        }
    }
    all.push(own);
    all
}

/// What an identity may never be allowed by the trust policy of a role, where that lets it
/// in: whom it names needs no policy of its own
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-basics-single-account.html>).
pub(super) fn of_trust(
    guarded: &Guarded<'_>,
    rail: &GuardRail,
    (name, entry): (&str, &Entry),
    (address, trust): (&str, &Entry),
    forbidden: &Forbidden,
) -> Result<Vec<Claim>, DocumentError> {
    let Trusts { policy, beyond, in_part } = trust.trusts();
    let may_enter = |policy| is_let_in(guarded, (name, entry), policy);
    if beyond.is_some() || policy.is_some_and(|policy| may_enter(policy)) {
        let mut with = claim(rail, name, entry, policy, std::slice::from_ref(forbidden))?;
        with.beyond = with.beyond.or(beyond);
        with.hangs_on_part(in_part);
        return Ok(by(guarded, with, (name, entry), address, policy));
    }
    Ok(Vec::new())
}

/// The policies of resources that have an Allow for an identity, or are not known: any
/// other only denies.
pub(super) fn letting_in<'e>(
    guarded: &Guarded<'e>,
    who: (&str, &Entry),
) -> Vec<(&'e str, &'e Entry)> {
    let may_let_in = |(_, standing): &&(&str, &Entry)| {
        let policy = standing.policies.resource.as_ref();
        !standing.unknown.is_empty() || policy.is_some_and(|policy| is_let_in(guarded, who, policy))
    };
    guarded.resources.iter().filter(may_let_in).copied().collect()
}

/// Whether a policy has an Allow for an identity, for somebody whom it may be or for a session
/// that it may federate.
fn is_let_in(guarded: &Guarded<'_>, (name, entry): (&str, &Entry), policy: &Document) -> bool {
    lets_in(entry.principal.as_ref(), policy)
        || federated::lets_in(entry.principal.as_ref(), policy)
        || guises(guarded, (name, entry), policy).values().any(|guise| guise.is_let_in)
}

fn claim(
    rail: &GuardRail,
    who: &str,
    entry: &Entry,
    resource: Option<&Arc<Document>>,
    forbidden: &[Forbidden],
) -> Result<Claim, DocumentError> {
    let mut policies = Policies { resource: resource.cloned(), ..entry.policies.clone() };
    policies.service_control.extend(of_id(entry, &policies)?);
    Ok(Claim {
        rail: rail.clone(),
        who: who.to_owned(),
        principal: entry.principal.clone(),
        most: most(forbidden, resource.is_some())?,
        policies,
        open: entry.unbounded(who),
        bounded: entry.bounded.clone(),
        beyond: None,
        unnamed: entry.is_unnamed.then(|| who.to_owned()),
        hangs_on: None,
        kept_back_by: None,
        kept_back: None,
        denials: Arc::default(),
        disguised: Vec::new(),
        tagged: Vec::new(),
    })
}

/// The requests that have an identity's own id, where that is known and a policy asks for it:
/// as a level that allows no others
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-userid>).
fn of_id(entry: &Entry, policies: &Policies) -> Result<Option<Vec<Arc<Document>>>, DocumentError> {
    let asks = |document: &Arc<Document>| document.text().to_ascii_lowercase().contains(USER_ID);
    let bounded = allows(&entry.bounded);
    let own = policies.identity.iter().chain(policies.boundary.iter().flatten());
    let mut all = own.chain(&policies.resource).chain(bounded);
    let (Some(id), Some(principal), true) = (&entry.unique_id, &entry.principal, all.any(asks))
    else {
        return Ok(None);
    };
    let id = match principal {
        Principal::RoleSession { .. } => format!("{id}:*"),
        _ => id.clone(),
    };
    let text = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*",
        "Resource": "*", "Condition": {"StringLike": {USER_ID: id}}}]});
    let level = Document::parse(OF_ID, &text.to_string(), Kind::ServiceControl)?;
    Ok(Some(vec![Arc::new(level)]))
}

/// Everything but what is forbidden, in the layers that there are.
pub(super) fn most(forbidden: &[Forbidden], by_resource: bool) -> Result<Policies, DocumentError> {
    let mut statements: Vec<Value> = match forbidden {
        [one] => one.allowed(),
        all => {
            let everything = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
            std::iter::once(everything).chain(all.iter().map(Forbidden::statement)).collect()
        }
    };
    let identity = vec![written(&statements, Kind::Identity)?];
    for statement in &mut statements {
        if let Some(members) = statement.as_object_mut() {
            members.insert("Principal".to_owned(), json!("*"));
        }
    }
    let resource = by_resource.then(|| written(&statements, Kind::Resource)).transpose()?;
    Ok(Policies { identity, resource, ..Policies::default() })
}

/// Statements as a document.
pub(super) fn written(statements: &[Value], kind: Kind) -> Result<Arc<Document>, DocumentError> {
    let text = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
    Document::parse("the guard rail", &text, kind).map(Arc::new)
}

/// What an identity cannot do that may do everything under a boundary.
fn ceilings(guarded: &Guarded<'_>) -> Result<Vec<Claim>, DocumentError> {
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
            unknown: entry.unknown.clone(),
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
    let unread = guarded.estate.entries.iter().flat_map(|(name, entry)| {
        entry.unread.iter().filter(|one| one.is_anything()).map(move |one| (name, one))
    });
    for (name, unread) in unread {
        let unknown = Entry { unknown: [unread.why.clone()].into(), ..Entry::default() };
        claims.push(claim(&CODE_CEILING, name, &unknown, None, &of_code)?);
    }
    Ok(claims)
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
