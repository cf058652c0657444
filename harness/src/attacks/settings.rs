//! What the platform's own resources are set to: claims about the deployed
//! state that no deployer's call would show.

use std::collections::BTreeSet;
use std::time::Instant;

use ringfence_wire::services::{ApiGatewayV2, Lambda, S3};
use ringfence_wire::{Service, ServiceError};
use serde_json::{Value, json};

use super::attack::Step;
use super::claims::Claim;
use super::facts::{AuthorizerFacts, Facts, RouteFacts, Variant};
use super::finding::{Finding, Road, Scope, Untried, Verdict};
use super::lack::Lack;
use super::suite::{Selected, Suite};
use crate::config::Issuer;
use crate::guard_rail::GuardRail;

const NETWORK: GuardRail = GuardRail::NetworkKept;
const TOKEN: GuardRail = GuardRail::Tokens;
const SCOPE: GuardRail = GuardRail::Scopes;
const FRONT: GuardRail = GuardRail::Front;
const ARTIFACTS: GuardRail = GuardRail::Artifacts;

const TRUSTS: &str = "authorizer-trusts";

/// Who holds what is set.
const PLATFORM: &str = "platform";

/// The findings' ids.
pub(super) fn ids(suite: &Suite<'_>, variant: Variant<'_>) -> Vec<String> {
    let facts = variant.facts;
    let mut ids = Vec::new();
    if variant.is_first() {
        let functions = facts.functions.iter().filter(|function| function.deployed);
        ids.extend(functions.map(|function| in_network_id(&function.name)));
    }
    if variant.is_about(Lack::Api) {
        ids.push(platform_id(TRUSTS));
        ids.extend(others(facts).map(|authorizer| other_trusts_id(&authorizer.name)));
        if asks_for_scopes(suite) {
            ids.extend(with_tokens(facts).map(|route| scoped_id(&route.route_key)));
        }
        ids.extend(facts.stages.iter().map(|stage| logged_id(stage)));
    }
    if variant.is_about(Lack::Bucket) {
        ids.extend(BUCKET.map(|(name, _)| platform_id(name)));
    }
    ids
}

/// What is claimed of the bucket.
const BUCKET: [(&str, &str); 2] = [
    ("bucket-blocked", "nothing makes the artifacts public"),
    ("bucket-versioned", "an artifact that is replaced is kept"),
];

/// The routes that ask for a token.
fn with_tokens(facts: &Facts) -> impl Iterator<Item = &RouteFacts> {
    facts.routes.iter().filter(|route| route.authorization_type == "JWT")
}

fn platform_id(name: &str) -> String {
    format!("{PLATFORM}/{name}/{}", Road::Api)
}

fn other_trusts_id(authorizer: &str) -> String {
    platform_id(&format!("{TRUSTS}/{authorizer}"))
}

/// The API's authorizers beside the one that the configuration names.
fn others(facts: &Facts) -> impl Iterator<Item = &AuthorizerFacts> {
    facts.authorizers.iter().filter(|authorizer| authorizer.id != facts.authorizer_id)
}

fn in_network_id(function: &str) -> String {
    format!("{function}/in-network/{}", Road::Api)
}

fn scoped_id(route_key: &str) -> String {
    format!("{PLATFORM}/route-asks-for-scope/{route_key}")
}

fn logged_id(stage: &str) -> String {
    format!("{PLATFORM}/stage-logged/{stage}")
}

/// Whether the configuration knows of scopes, so that a route must ask for one.
fn asks_for_scopes(suite: &Suite<'_>) -> bool {
    let issuers = &suite.stack().config().issuers;
    issuers.iter().any(|issuer| issuer.kind.is_for_apis() && !issuer.scopes.is_empty())
}

/// Reads the settings that are selected.
///
/// # Errors
/// When the platform cannot read them.
pub(super) async fn run(
    suite: &Suite<'_>,
    variant: Variant<'_>,
    selected: Selected<'_>,
) -> anyhow::Result<Vec<Finding>> {
    let mut findings = Vec::new();
    if variant.is_first() {
        findings.extend(networks(suite, selected).await?);
    }
    let facts = variant.facts;
    if variant.is_about(Lack::Api) {
        let (id, name) = (&facts.authorizer_id, &facts.authorizer_name);
        if selected(&platform_id(TRUSTS)) {
            findings.push(match facts.has(Lack::Authorizer) {
                true => authorizer(suite, facts, platform_id(TRUSTS), id, name).await?,
                false => {
                    let title = "each authorizer trusts one issuer for one audience".to_owned();
                    missing(platform_id(TRUSTS), PLATFORM, TOKEN, title, Lack::Authorizer)
                }
            });
        }
        for other in others(facts) {
            let id = other_trusts_id(&other.name);
            if selected(&id) {
                findings.push(authorizer(suite, facts, id, &other.id, &other.name).await?);
            }
        }
        findings.extend(scopes(suite, facts, selected).await?);
        findings.extend(logs(suite, facts, selected).await?);
    }
    if variant.is_about(Lack::Bucket) && BUCKET.iter().any(|(name, _)| selected(&platform_id(name)))
    {
        match facts.has(Lack::Bucket) {
            true => findings.extend(bucket(suite, &facts.bucket).await?),
            false => findings.extend(BUCKET.map(|(name, title)| {
                let id = platform_id(name);
                missing(id, PLATFORM, ARTIFACTS, title.to_owned(), Lack::Bucket)
            })),
        }
    }
    Ok(findings)
}

/// A claim about something that the estate has none of.
fn missing(
    id: String,
    identity: &str,
    guard_rail: GuardRail,
    title: String,
    lack: Lack,
) -> Finding {
    let told = Untried {
        id,
        guard_rail,
        identity: identity.to_owned(),
        road: Road::Api,
        scope: Scope::Executed,
        title,
        expected: "what the claim says is set".to_owned(),
    };
    Finding::untried(told, Verdict::NotApplicable, lack.words())
}

/// A claim about a setting, before the setting is read.
struct Setting {
    id: String,
    identity: String,
    guard_rail: GuardRail,
    title: String,
    begun: Instant,
}

impl Setting {
    fn of(identity: &str, guard_rail: GuardRail, id: String, title: String) -> Self {
        Self { id, identity: identity.to_owned(), guard_rail, title, begun: Instant::now() }
    }

    /// The finding: what must be set, what is, and the request that read it.
    fn judged(self, expected: &Value, observed: &Value, request_id: String) -> Finding {
        let claim = Claim {
            id: self.id,
            guard_rail: self.guard_rail.clone(),
            identity: self.identity,
            road: Road::Api,
            scope: Scope::Executed,
            title: self.title,
            expected: expected.to_string(),
        };
        let verdict = if expected == observed { Verdict::Held } else { Verdict::Failed };
        let finding = claim.judged(verdict, observed.to_string(), self.begun.elapsed());
        Finding { request_ids: vec![request_id], ..finding }
    }
}

/// What the platform reads of a setting, with the request's id.
async fn ask(
    suite: &Suite<'_>,
    service: Service,
    operation: &'static str,
    input: Value,
) -> Result<(Value, String), ServiceError> {
    let answer = suite.platform().call(&Step::new(service, operation, input)).await;
    answer.result.map(|found| (found, answer.request_id))
}

/// Each function runs in the platform's subnets and security group.
async fn networks(suite: &Suite<'_>, selected: Selected<'_>) -> anyhow::Result<Vec<Finding>> {
    let facts = suite.facts();
    let mut findings = Vec::new();
    let functions = facts.functions.iter().filter(|function| function.deployed);
    for function in functions.filter(|function| selected(&in_network_id(&function.name))) {
        let name = &function.name;
        let title = format!("`{name}` runs in the platform's network");
        let lack = [Lack::Subnets, Lack::SecurityGroup].into_iter().find(|it| !facts.has(*it));
        if let Some(lack) = lack {
            findings.push(missing(in_network_id(name), name, NETWORK, title, lack));
            continue;
        }
        let setting = Setting::of(name, NETWORK, in_network_id(name), title);
        let named = json!({"FunctionName": name});
        let (found, request) = ask(suite, Lambda, "GetFunctionConfiguration", named).await?;
        let list = |member: &str| -> BTreeSet<String> {
            let listed = found.pointer(&format!("/VpcConfig/{member}")).and_then(Value::as_array);
            listed.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let subnets = list("SubnetIds");
        // Some of the platform's subnets will do, others will not.
        let all: BTreeSet<String> = facts.subnets.iter().cloned().collect();
        let expected_subnets = match subnets.is_empty() || !subnets.is_subset(&all) {
            true => &all,
            false => &subnets,
        };
        let groups = list("SecurityGroupIds");
        let all: BTreeSet<String> = facts.security_groups.iter().cloned().collect();
        let expected_groups = match groups.is_empty() || !groups.is_subset(&all) {
            true => &all,
            false => &groups,
        };
        findings.push(setting.judged(
            &json!({"subnets": expected_subnets, "security groups": expected_groups}),
            &json!({"subnets": subnets, "security groups": groups}),
            request,
        ));
    }
    Ok(findings)
}

/// The authorizer trusts a configured issuer for its configured audience.
async fn authorizer(
    suite: &Suite<'_>,
    facts: &Facts,
    id: String,
    authorizer_id: &str,
    name: &str,
) -> anyhow::Result<Finding> {
    let title = format!("`{name}` trusts one issuer for one audience");
    let setting = Setting::of(PLATFORM, TOKEN, id, title);
    let named = json!({"ApiId": facts.api_id, "AuthorizerId": authorizer_id});
    let (found, request) = ask(suite, ApiGatewayV2, "GetAuthorizer", named).await?;
    let jwt = |member: &str| {
        found.pointer(&format!("/jwtConfiguration/{member}")).cloned().unwrap_or_default()
    };
    let observed = jwt("issuer");
    let audience = jwt("audience");
    let expected = match expected(suite, observed.as_str()) {
        Some(issuer) => {
            json!({"issuer": issuer.url.get_ref(), "audience": audience_of(issuer, &audience)})
        }
        None => json!({"issuer": null, "audience": []}),
    };
    Ok(setting.judged(&expected, &json!({"issuer": observed, "audience": audience}), request))
}

/// The audience that an authorizer should ask for: the configured one; of a user pool that
/// Layer 1 makes, those of its clients that it names.
fn audience_of(issuer: &Issuer, named: &Value) -> Vec<String> {
    let named = named.as_array().into_iter().flatten().filter_map(Value::as_str);
    let own: Vec<String> =
        named.filter(|it| issuer.clients.iter().any(|own| own == it)).map(str::to_owned).collect();
    match own.is_empty() {
        true => issuer.audience.iter().cloned().collect(),
        false => own,
    }
}

/// The configured issuer of this URL, or the first one where there is none.
fn expected<'a>(suite: &'a Suite<'_>, url: Option<&str>) -> Option<&'a Issuer> {
    let all = || suite.stack().config().issuers.iter().filter(|issuer| issuer.kind.is_for_apis());
    all().find(|issuer| Some(issuer.url.get_ref().as_str()) == url).or_else(|| all().next())
}

/// Each route asks for one of the scopes that the issuer gives.
async fn scopes(
    suite: &Suite<'_>,
    facts: &Facts,
    selected: Selected<'_>,
) -> anyhow::Result<Vec<Finding>> {
    let mut findings = Vec::new();
    if !asks_for_scopes(suite) {
        return Ok(findings);
    }
    for route in with_tokens(facts).filter(|route| selected(&scoped_id(&route.route_key))) {
        let title = format!("`{}` asks for a scope", route.route_key);
        let setting = Setting::of(PLATFORM, SCOPE, scoped_id(&route.route_key), title);
        let named = json!({"ApiId": facts.api_id, "RouteId": route.route_id});
        let (found, request) = ask(suite, ApiGatewayV2, "GetRoute", named).await?;
        let asked = found.get("authorizationScopes").and_then(Value::as_array);
        let asked: BTreeSet<&str> = asked.into_iter().flatten().filter_map(Value::as_str).collect();
        let (trusted, _) = facts.trusted(route);
        let known = expected(suite, Some(trusted)).map(|issuer| &issuer.scopes);
        let known: BTreeSet<&str> = known.into_iter().flatten().map(String::as_str).collect();
        let good = !asked.is_empty() && asked.is_subset(&known);
        let expected = if good { &asked } else { &known };
        findings.push(setting.judged(&json!(expected), &json!(asked), request));
    }
    Ok(findings)
}

/// Each stage logs the calls.
async fn logs(
    suite: &Suite<'_>,
    facts: &Facts,
    selected: Selected<'_>,
) -> anyhow::Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for stage in facts.stages.iter().filter(|stage| selected(&logged_id(stage))) {
        let title = format!("the calls of stage `{stage}` are logged");
        let setting = Setting::of(PLATFORM, FRONT, logged_id(stage), title);
        let named = json!({"ApiId": facts.api_id, "StageName": stage});
        let (found, request) = ask(suite, ApiGatewayV2, "GetStage", named).await?;
        let destination = found.pointer("/accessLogSettings/destinationArn");
        let logged = destination.and_then(Value::as_str).is_some_and(|arn| !arn.is_empty());
        findings.push(setting.judged(
            &json!({"access log": true}),
            &json!({"access log": logged}),
            request,
        ));
    }
    Ok(findings)
}

/// The artifacts bucket cannot be public, and keeps what was replaced.
async fn bucket(suite: &Suite<'_>, bucket: &str) -> anyhow::Result<Vec<Finding>> {
    const BLOCKS: [&str; 4] =
        ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"];
    let [blocks, versions] = BUCKET
        .map(|(name, title)| Setting::of(PLATFORM, ARTIFACTS, platform_id(name), title.to_owned()));
    let named = json!({"Bucket": bucket});
    let step = Step::new(S3, "GetPublicAccessBlock", named.clone());
    let answer = suite.platform().call(&step).await;
    let blocked = match answer.result {
        Ok(found) => BLOCKS
            .into_iter()
            .filter(|block| {
                // The root element may stand for itself.
                let found = found.get("PublicAccessBlockConfiguration").unwrap_or(&found);
                found.get(*block).is_some_and(|set| set == "true" || set == &json!(true))
            })
            .collect(),
        Err(error) if error.status == 404 => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    let blocks = blocks.judged(&json!(BLOCKS), &json!(blocked), answer.request_id);
    let (found, request) = ask(suite, S3, "GetBucketVersioning", named).await?;
    let status = found.get("Status").or_else(|| found.pointer("/VersioningConfiguration/Status"));
    let status = status.cloned().unwrap_or_default();
    Ok(vec![blocks, versions.judged(&json!("Enabled"), &status, request)])
}
