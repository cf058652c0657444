//! Claims under what limits an account: the control policies of its organization, and
//! the policies of the VPC endpoints that requests come through.

use std::sync::Arc;

use ringfence_policy::{Document, DocumentError, Kind, Policies, Principal};
use ringfence_prove::Disagreement;
use serde_json::{Value, json};

use super::claims::{Claim, OF_ID, Unput};
use super::decide::asked;
use super::guarded::Guarded;
use crate::access::control::{Limits, Through, Whose};
use crate::access::estate::{allows, least};
use crate::access::federated::{
    documents, of_resources, of_session, resources_tell_apart, sessions, tells_apart, with_session,
};
use crate::access::stated::Stated;
use crate::access::unnamed::hangs_on_name;
use crate::guard_rail::GuardRail;

/// The claims with what limits them.
pub(super) fn limited(
    claims: Vec<Claim>,
    guarded: &Guarded<'_>,
    stated: &Stated,
) -> Result<Vec<Claim>, Unput> {
    let own = guarded.estate.limits(&guarded.account, stated);
    let are_told_apart = resources_tell_apart(guarded.estate);
    let of_resources = of_resources(guarded.estate);
    let mut all = Vec::with_capacity(claims.len());
    for mut claim in claims {
        let account = claim.principal.as_ref().and_then(Principal::account_id);
        let other = account.filter(|account| *account != guarded.account);
        // The configuration speaks of one account.
        let other = other.map(|account| guarded.estate.limits(account, &Stated::default()));
        under(&mut claim, other.as_ref().unwrap_or(&own));
        // Their requests come through no endpoint that the configuration speaks of.
        let federated = federated(&claim, are_told_apart.then_some(&of_resources))?;
        all.extend(through(claim, &stated.endpoints)?);
        all.extend(federated);
    }
    all.iter_mut().for_each(name_asked_for);
    Ok(all)
}

/// Nobody knows what a policy that asks for a name that is not known allows or denies.
fn name_asked_for(claim: &mut Claim) {
    let Some(who) = &claim.unnamed else { return };
    let identity = allows(&claim.bounded).cloned().collect();
    let bounded = Policies { identity, ..Policies::default() };
    let mut all = [&claim.policies, &bounded].into_iter().chain(&claim.kept_back);
    let why = all.find_map(|policies| hangs_on_name(who, policies));
    claim.beyond = claim.beyond.take().or(why);
}

fn under(claim: &mut Claim, limits: &Limits) {
    // "SCPs affect only IAM users and roles that are managed by accounts that are part of
    // the organization":
    // https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps.html
    let whose = if claim.principal.is_some() { Whose::Own } else { Whose::Anybody };
    if let Some(why) = limits.may(whose) {
        claim.kept_back_by = Some(why.to_owned());
        claim.kept_back = limits.most_over(&claim.policies, whose);
    }
    claim.policies = limits.over(&claim.policies, whose);
}

/// The same of each session that a user may federate, where a policy may tell the two apart.
fn federated(claim: &Claim, of_resources: Option<&Policies>) -> Result<Vec<Claim>, Disagreement> {
    let is_user = |it: &&Principal| matches!(it, Principal::User { .. });
    let Some(user) = claim.principal.as_ref().filter(is_user) else { return Ok(Vec::new()) };
    // Such a session assumes no role.
    let is_trust = |policy: &Arc<Document>| policy.kind() == Kind::Trust;
    if claim.rail == GuardRail::Trust || claim.policies.resource.as_ref().is_some_and(is_trust) {
        return Ok(Vec::new());
    }
    let own = asked(claim);
    let policies: Vec<&Policies> = std::iter::once(&own).chain(&claim.kept_back).collect();
    let mut of_claim = policies.iter().flat_map(|one| documents(one));
    if of_resources.is_none() && !of_claim.any(|document| tells_apart(document)) {
        return Ok(Vec::new());
    }
    let surely = least(claim.kept_back.as_ref().unwrap_or(&claim.policies), &claim.bounded);
    let mut all = Vec::new();
    let named: Vec<&Policies> = policies.iter().copied().chain(of_resources).collect();
    for session in sessions(user, &named) {
        if !session.is_made_by(user, &own)? {
            continue;
        }
        let mut with = claim.clone();
        with.who = match claim.who.split_once(" by ") {
            Some((who, address)) => format!("{who} as {} by {address}", session.name),
            None => format!("{} as {}", claim.who, session.name),
        };
        if !session.is_made_by(user, &surely)? {
            let why = format!("whether `{}` may federate `{}`", claim.who, session.name);
            with.hangs_on.get_or_insert(why);
        }
        for policies in std::iter::once(&mut with.policies).chain(&mut with.kept_back) {
            // It has another id than the user.
            let is_of_id = |level: &Vec<Arc<Document>>| level.iter().any(|it| it.name() == OF_ID);
            policies.service_control.retain(|level| !is_of_id(level));
            *policies = of_session(policies);
        }
        with.most = with_session(&claim.most);
        with.beyond = with.beyond.or(session.beyond);
        with.principal = Some(session.principal);
        all.push(with);
    }
    Ok(all)
}

/// A claim about what comes through no endpoint, and one about what comes through each.
fn through(claim: Claim, endpoints: &[Through]) -> Result<Vec<Claim>, DocumentError> {
    let name = claim.principal.as_ref().and_then(name);
    let taken = endpoints.iter().filter(|one| name.as_deref().is_some_and(|name| one.is_of(name)));
    let taken: Vec<&Through> = taken.collect();
    if taken.is_empty() {
        return Ok(vec![claim]);
    }
    let of = |one: &Through| -> Vec<String> {
        one.services.iter().map(|service| format!("{service}:*")).collect()
    };
    let mut all = Vec::with_capacity(taken.len() + 1);
    for one in &taken {
        let mut with = among(&claim, &json!({"Action": of(one)}))?;
        with.who = format!("{} through {}", claim.who, one.policy.name());
        for policies in std::iter::once(&mut with.policies).chain(&mut with.kept_back) {
            policies.vpc_endpoint = Some(Arc::clone(&one.policy));
        }
        all.push(with);
    }
    let services: Vec<String> = taken.iter().flat_map(|one| of(one)).collect();
    all.push(among(&claim, &json!({"NotAction": services}))?);
    Ok(all)
}

/// A claim about the requests for some actions alone: as a level that allows no others.
fn among(claim: &Claim, actions: &Value) -> Result<Claim, DocumentError> {
    let mut statement = json!({"Effect": "Allow", "Resource": "*"});
    if let (Some(members), Some(actions)) = (statement.as_object_mut(), actions.as_object()) {
        members.extend(actions.clone());
    }
    let text = json!({"Version": "2012-10-17", "Statement": [statement]}).to_string();
    let level = Arc::new(Document::parse("what takes this way", &text, Kind::ServiceControl)?);
    let mut claim = claim.clone();
    for policies in std::iter::once(&mut claim.policies).chain(&mut claim.kept_back) {
        policies.service_control.push(vec![Arc::clone(&level)]);
    }
    Ok(claim)
}

/// `role/NAME` or `user/NAME`.
fn name(principal: &Principal) -> Option<String> {
    let (kind, arn) = match principal {
        Principal::RoleSession { role_arn, .. } => ("role", role_arn),
        Principal::User { arn } => ("user", arn),
        _ => return None,
    };
    Some(format!("{kind}/{}", arn.rsplit('/').next()?))
}
