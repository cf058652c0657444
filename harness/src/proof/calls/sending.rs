//! The calls that get past guard rails, sent: each as the identity that the guard rail is
//! about, through the guard, to what answers behind it. What a call gives or replaces is
//! taken back as the attacks take it back, and one that would change something of the
//! estate otherwise is put to the guard as a question alone.

use std::collections::BTreeMap;
use std::sync::Arc;

use ringfence_guard::{Caller, Question};
use ringfence_models::actions::{self, Access};
use ringfence_wire::services::Iam;
use ringfence_wire::{Service, ServiceError};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use super::ended::{Ended, Predicted};
use super::{Call, Made, Sent};
use crate::attacks::holders::Holder;
use crate::attacks::run::{is_taken_back, made_and_taken_back};
use crate::attacks::{Actor, ProbeRole, Step, Suite};
use crate::calls::built::ANY;
use crate::guard_rail::GuardRail;
use crate::proof::claims::Claim;
use crate::proof::decide::{Broken, End, Finding};

/// Sends the call of each violation, and notes how it ended.
///
/// # Errors
/// Where prover and guard differ about a request, or a role for a call cannot be removed.
pub(in crate::proof) async fn send(
    suite: &Suite<'_>,
    claims: &[Claim],
    findings: &mut [Finding],
) -> anyhow::Result<()> {
    let mut actors: BTreeMap<String, Result<Actor, String>> = BTreeMap::new();
    for (claim, finding) in claims.iter().zip(findings) {
        let End::Violated(broken) = &mut finding.end else { continue };
        let Broken::Request { call: Some(Call::Made(made)), .. } = &mut **broken else { continue };
        let predicted = Predicted {
            who: finding.who.clone(),
            made: (**made).clone(),
            inner: claim.kept_back.as_ref().unwrap_or(&claim.policies).clone(),
            denials: Arc::clone(&claim.denials),
            most: claim.most.clone(),
        };
        let sent = match claim.rail {
            GuardRail::DeployerCeiling | GuardRail::CodeCeiling => {
                under_boundary(suite, &predicted).await?
            }
            _ if made.token.is_some() => by_token(suite, &predicted).await?,
            _ => {
                let entry = entry_of(&finding.who);
                let actor = match actors.get(entry) {
                    Some(known) => known.clone(),
                    None => Holder::of(suite.facts(), entry).act(suite).await,
                };
                let sent = match &actor {
                    Ok(actor) => by(suite, actor, &predicted).await?,
                    Err(why) => Sent::Not(why.clone()),
                };
                actors.insert(entry.to_owned(), actor);
                sent
            }
        };
        made.sent = Some(sent);
    }
    Ok(())
}

/// The identity of `role/app by ADDRESS`, of `role/app as SESSION by ADDRESS`.
fn entry_of(who: &str) -> &str {
    let own = who.split(" by ").next().unwrap_or(who);
    own.split(" as ").next().unwrap_or(own)
}

/// As an administrator under the boundary of the identity.
async fn under_boundary(suite: &Suite<'_>, predicted: &Predicted) -> anyhow::Result<Sent> {
    let name = predicted.who.rsplit('/').next().unwrap_or_default();
    let (operation, member, answer) = match predicted.who.starts_with("user/") {
        true => ("GetUser", "UserName", "/User"),
        false => ("GetRole", "RoleName", "/Role"),
    };
    let read = suite.platform().call(&Step::new(Iam, operation, json!({member: name}))).await;
    let boundary = match &read.result {
        Ok(found) => found
            .pointer(answer)
            .and_then(|it| it.pointer("/PermissionsBoundary/PermissionsBoundaryArn"))
            .and_then(Value::as_str)
            .map(str::to_owned),
        Err(error) => return Ok(Sent::Not(format!("it is not there: {error}"))),
    };
    let Some(boundary) = boundary else {
        return Ok(Sent::Not("it carries no boundary under which to act".to_owned()));
    };
    let role = ProbeRole::administrator(suite, "witness", &boundary);
    let sent = match role.make().await {
        Ok(actor) => by(suite, &actor, predicted).await,
        Err(error) => Ok(Sent::Not(format!("no role under its boundary can be made: {error:#}"))),
    };
    role.remove().await?;
    sent
}

/// With a token of its issuer.
async fn by_token(suite: &Suite<'_>, predicted: &Predicted) -> anyhow::Result<Sent> {
    let claims = predicted.made.token.clone().unwrap_or_default();
    let of = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
    let issuer = suite.stack().issuers().iter().find(|issuer| issuer.url == of("iss"));
    let Some(issuer) = issuer else {
        return Ok(Sent::Not(format!("`{}` is no issuer of the configuration", of("iss"))));
    };
    let mut token: Map<String, Value> = claims.clone();
    let now = OffsetDateTime::now_utc().unix_timestamp();
    for (name, value) in [("iat", now), ("nbf", now - 300), ("exp", now + 300)] {
        token.insert(name.to_owned(), json!(value));
    }
    token.insert("jti".to_owned(), json!(uuid::Uuid::new_v4().to_string()));
    let token = issuer.sign(&token)?;
    let input = &predicted.made.input;
    let role = input.get("RoleArn").and_then(Value::as_str).unwrap_or_default();
    let (result, request_id) = suite.trust().exchange(role, &token, None).await;
    let answer = result.map(|_| Value::Null);
    told(suite, predicted, request_id.unwrap_or_default(), &answer)
}

/// As somebody.
async fn by(suite: &Suite<'_>, actor: &Actor, predicted: &Predicted) -> anyhow::Result<Sent> {
    let made = &predicted.made;
    let Some(service) = Service::of(made.service) else {
        return Ok(Sent::Not(format!("`{}` is no service", made.service)));
    };
    if made.region != suite.facts().region {
        return Ok(Sent::Not(format!("the stack is not in `{}`", made.region)));
    }
    if !is_harmless(made) {
        return alone(suite, actor, predicted).await;
    }
    let step = Step::new(service, made.operation, Value::Object(made.input.clone()));
    let (answer, stays) = made_and_taken_back(actor, suite.platform(), &step).await;
    let mut sent = told(suite, predicted, answer.request_id, &answer.result)?;
    if let Sent::Allowed { stays: of, .. } = &mut sent {
        *of = stays;
    }
    Ok(sent)
}

/// What the guard decided about a call that was sent.
fn told(
    suite: &Suite<'_>,
    predicted: &Predicted,
    request_id: String,
    answer: &Result<Value, ServiceError>,
) -> anyhow::Result<Sent> {
    let recording = suite.stack().guard().recording();
    let recorded = recording.and_then(|recording| recording.find(&request_id));
    let answered = match answer {
        Ok(_) => String::new(),
        Err(error) => format!("{} {error}", error.status),
    };
    let Some(recorded) = recorded else {
        return Ok(Sent::Otherwise {
            request_id: Some(request_id),
            why: format!("the guard did not decide it: {answered}"),
        });
    };
    Ok(match predicted.of(&recorded.inputs)? {
        Ended::Allowed(by) => Sent::Allowed { request_id, by, answered, stays: None },
        Ended::Otherwise(why) => Sent::Otherwise { request_id: Some(request_id), why },
    })
}

/// The same as a question: nothing is sent.
async fn alone(suite: &Suite<'_>, actor: &Actor, predicted: &Predicted) -> anyhow::Result<Sent> {
    let breaks = &predicted.made.breaks;
    let question = Question {
        action: breaks.action.clone(),
        resource: breaks.resource.clone(),
        context: breaks.context.clone(),
    };
    let caller = Caller::Key(actor.access_key_id());
    let inputs = match suite.stack().guard().inputs(caller, &[question]).await {
        Ok(inputs) => inputs,
        Err(error) => return Ok(Sent::Not(format!("the guard could not be asked: {error}"))),
    };
    Ok(match predicted.of(&inputs)? {
        Ended::Allowed(by) => Sent::Decided { by },
        Ended::Otherwise(why) => Sent::Otherwise { request_id: None, why },
    })
}

/// Whether a call changes nothing of the estate that is not taken back: it reads, or it is
/// about what nothing is called as, or it changes what it says nothing of.
pub(super) fn is_harmless(made: &Made) -> bool {
    let Some(service) = Service::of(made.service) else { return false };
    let step = Step::new(service, made.operation, Value::Object(made.input.clone()));
    let action = actions::action(&made.breaks.action);
    let reads = action.is_some_and(|action| {
        action.access.iter().all(|access| matches!(access, Access::List | Access::Read))
    });
    let texts = || made.input.values().filter_map(Value::as_str);
    let names_nothing = || texts().count() > 0 && texts().all(|text| text.contains(ANY));
    let resource = &made.breaks.resource;
    let is_made_up = resource.contains(ANY) || resource == "*" && names_nothing();
    let says_nothing = || {
        let operation = step.service.operation(step.operation);
        let needed = |name: &String| {
            let member = operation.and_then(|operation| operation.member(name));
            member.is_some_and(|member| member.required)
        };
        step.operation.starts_with("Update")
            && step.operation != "UpdateAssumeRolePolicy"
            && made.input.keys().all(needed)
    };
    reads
        || is_made_up
        || made.service == Service::Sts.name()
        || is_taken_back(&step)
        || says_nothing()
}
