//! The claims of one identity: by its own policies, and together with those of resources and
//! roles that let it in.

use std::sync::Arc;

use ringfence_policy::{Document, DocumentError, Kind, Policies, Principal};
use serde_json::{Value, json};

use super::Claim;
use crate::access::estate::{Entry, Trusts, allows};
use crate::access::federated;
use crate::access::sessions::{lets_in, sessions};
use crate::guard_rail::GuardRail;
use crate::proof::guarded::Guarded;
use crate::proof::guises::{Guise, guises};
use crate::proof::statements::Forbidden;

/// The key of the caller's id.
const USER_ID: &str = "aws:userid";

/// The key of the caller's account, of requests to KMS.
const CALLER_ACCOUNT: &str = "kms:CallerAccount";

/// The name of the level that allows the requests with an identity's own id alone.
pub(in crate::proof) const OF_ID: &str = "the id of who asks";

/// What an identity may never be allowed: by its own policies, and together with each
/// resource's policy that lets it in.
pub(in crate::proof) fn of_identity(
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
            // A policy that may be its own counts with whatever else lets it in.
            with.policies.identity.extend(standing.policies.identity.iter().cloned());
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
pub(in crate::proof) fn of_trust(
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
pub(in crate::proof) fn letting_in<'e>(
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

pub(super) fn claim(
    rail: &GuardRail,
    who: &str,
    entry: &Entry,
    resource: Option<&Arc<Document>>,
    forbidden: &[Forbidden],
) -> Result<Claim, DocumentError> {
    let mut policies = Policies { resource: resource.cloned(), ..entry.policies.clone() };
    policies.service_control.extend(of_id(entry, &policies)?);
    policies.service_control.extend(of_account(entry, &policies)?);
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
        elsewhere: Arc::default(),
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

/// The requests that have an identity's own account as that of the caller of KMS, or none, where a
/// policy asks for it: as a level that allows no others
/// (<https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-caller-account>).
fn of_account(
    entry: &Entry,
    policies: &Policies,
) -> Result<Option<Vec<Arc<Document>>>, DocumentError> {
    let asks = |document: &Arc<Document>| {
        document.text().to_ascii_lowercase().contains(&CALLER_ACCOUNT.to_ascii_lowercase())
    };
    let bounded = allows(&entry.bounded);
    let own = policies.identity.iter().chain(policies.boundary.iter().flatten());
    let mut all = own.chain(&policies.resource).chain(bounded);
    let account = entry.principal.as_ref().and_then(Principal::account_id);
    let (Some(account), true) = (account, all.any(asks)) else { return Ok(None) };
    let text = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*",
        "Resource": "*", "Condition": {"StringEqualsIfExists": {CALLER_ACCOUNT: account}}}]});
    let level =
        Document::parse("the account of who asks", &text.to_string(), Kind::ServiceControl)?;
    Ok(Some(vec![Arc::new(level)]))
}

/// Everything but what is forbidden, in the layers that there are.
pub(in crate::proof) fn most(
    forbidden: &[Forbidden],
    by_resource: bool,
) -> Result<Policies, DocumentError> {
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
pub(in crate::proof) fn written(
    statements: &[Value],
    kind: Kind,
) -> Result<Arc<Document>, DocumentError> {
    let text = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
    Document::parse("the guard rail", &text, kind).map(Arc::new)
}
