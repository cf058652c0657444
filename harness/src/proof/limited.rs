//! Claims under what limits an account: the control policies of its organization, and
//! the policies of the VPC endpoints that requests come through.

use std::sync::Arc;

use ringfence_policy::{Document, DocumentError, Kind, Policies, Principal};
use serde_json::{Value, json};

use super::claims::Claim;
use super::guarded::Guarded;
use crate::access::control::{Limits, Through, Whose};
use crate::access::estate::allows;
use crate::access::stated::Stated;
use crate::access::unnamed::hangs_on_name;

/// The claims with what limits them.
pub(super) fn limited(
    claims: Vec<Claim>,
    guarded: &Guarded<'_>,
    stated: &Stated,
) -> Result<Vec<Claim>, DocumentError> {
    let own = guarded.estate.limits(&guarded.account, stated);
    let mut all = Vec::with_capacity(claims.len());
    for mut claim in claims {
        let account = claim.principal.as_ref().and_then(Principal::account_id);
        let other = account.filter(|account| *account != guarded.account);
        // The configuration speaks of one account.
        let other = other.map(|account| guarded.estate.limits(account, &Stated::default()));
        under(&mut claim, other.as_ref().unwrap_or(&own));
        all.extend(through(claim, &stated.endpoints)?);
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
