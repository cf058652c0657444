//! Whom a function's own policy lets in: API Gateway for the function's own
//! routes of the platform's API, and nobody else. Decided, for no other
//! service calls here.

use ringfence_guard::{Caller, Question};
use ringfence_policy::Context;
use ringfence_wire::ServiceError;

use super::actor::Actor;
use super::asked::Asking;
use super::attack::Reason;
use super::facts::{Facts, FunctionFacts, RouteFacts, Variant};
use super::finding::{Finding, Road};
use super::lack::Lack;
use super::suite::{Selected, Suite};
use crate::guard_rail::GuardRail;

const DOORS: GuardRail = GuardRail::Doors;
const ACTION: &str = "lambda:InvokeFunction";
const GATEWAY: &str = "apigateway.amazonaws.com";

/// Who knocks: a name, what it would do, the service, where it says that it
/// comes from, and the action.
type Knock = (&'static str, &'static str, &'static str, Option<String>, &'static str);

fn knocks(facts: &Facts, route: &RouteFacts) -> Vec<Knock> {
    let own = called_from(facts, &facts.api_id, &route.route_key);
    let other_api = called_from(facts, "ringfence0", &route.route_key);
    let deeper = format!("{}/ringfence", own.trim_end_matches('/'));
    let other_route = called_from(facts, &facts.api_id, "GET /ringfence");
    let other_method = called_from(facts, &facts.api_id, "DELETE /ringfence");
    let other_account = own.replace(&facts.account, "999999999999");
    vec![
        ("other-api", "cannot call it for another API", GATEWAY, Some(other_api), ACTION),
        ("other-route", "cannot call it for another route", GATEWAY, Some(other_route), ACTION),
        ("other-method", "cannot call it for another method", GATEWAY, Some(other_method), ACTION),
        ("deeper-route", "cannot call it for a route below its own", GATEWAY, Some(deeper), ACTION),
        (
            "other-account",
            "cannot call it for another account's API",
            GATEWAY,
            Some(other_account),
            ACTION,
        ),
        ("no-api", "cannot call it without naming an API", GATEWAY, None, ACTION),
        (
            "other-service",
            "is not API Gateway, whatever it names",
            "events.amazonaws.com",
            Some(own.clone()),
            ACTION,
        ),
        ("api-for-more", "cannot change its code", GATEWAY, Some(own), "lambda:UpdateFunctionCode"),
    ]
}

/// How API Gateway names the route that it calls for.
fn called_from(facts: &Facts, api_id: &str, route_key: &str) -> String {
    let (method, path) = route_key.split_once(' ').unwrap_or(("*", "/$default"));
    let method = if method == "ANY" { "*" } else { method };
    let (region, account, stage) = (&facts.region, &facts.account, facts.stage());
    format!("arn:aws:execute-api:{region}:{account}:{api_id}/{stage}/{method}{path}")
}

/// The functions with their routes, and whether it is the function's first.
fn functions(facts: &Facts) -> impl Iterator<Item = (&FunctionFacts, &RouteFacts, bool)> {
    let deployed = facts.functions.iter().filter(|function| function.deployed);
    deployed.flat_map(|function| {
        let routes = facts.routes.iter().filter(|route| route.leads_to(&function.name));
        routes.enumerate().map(move |(number, route)| (function, route, number == 0))
    })
}

/// The first route of a function needs no name.
fn id(function: &FunctionFacts, name: &str, route: &RouteFacts, is_first: bool) -> String {
    let id = format!("{}/called-by-{name}/{}", function.name, Road::Api);
    match is_first {
        true => id,
        false => format!("{id}/{}", route.route_key),
    }
}

/// The findings' ids.
pub(super) fn ids(variant: Variant<'_>) -> Vec<String> {
    let facts = variant.facts;
    if !variant.is_about(Lack::Api) {
        return Vec::new();
    }
    functions(facts)
        .flat_map(|(function, route, is_first)| {
            let knocks = knocks(facts, route).into_iter();
            knocks.map(move |(name, ..)| id(function, name, route, is_first))
        })
        .collect()
}

/// Asks for each function, as far as it is selected.
///
/// # Errors
/// When the guard cannot be asked.
pub(super) async fn run(
    suite: &Suite<'_>,
    variant: Variant<'_>,
    canary: &Actor,
    selected: Selected<'_>,
) -> Result<Vec<Finding>, ServiceError> {
    let facts = variant.facts;
    if !variant.is_about(Lack::Api) {
        return Ok(Vec::new());
    }
    let account = Some(facts.account.as_str());
    let mut findings = Vec::new();
    for (function, route, is_first) in functions(facts) {
        let question = |action: &str| Question {
            action: action.to_owned(),
            resource: facts.function_arn(&function.name),
            context: Context::new(),
        };
        let own = called_from(facts, &facts.api_id, &route.route_key);
        let twin = || Caller::Service {
            principal: GATEWAY,
            source_arn: Some(&own),
            source_account: account,
        };
        for (name, title, principal, source, action) in knocks(facts, route) {
            let id = id(function, name, route, is_first);
            if !selected(&id) {
                continue;
            }
            let asking = Asking {
                id,
                guard_rail: DOORS,
                identity: principal,
                title: format!("who calls `{}`: {principal} {title}", function.name),
                caller: Caller::Service {
                    principal,
                    source_arn: source.as_deref(),
                    source_account: account,
                },
                question: question(action),
                twin: (twin(), question(ACTION)),
                work: None,
                reason: Reason::NoResourcePolicy,
            };
            findings
                .push(asking.run(suite.stack().guard(), canary, &suite.facts().statements).await?);
        }
    }
    Ok(findings)
}
