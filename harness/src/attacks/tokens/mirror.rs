//! Copies of the API's routes without their guard rails: what a bad token
//! reaches there shows that it is the guard rail that refuses it.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use ringfence_wire::ServiceError;
use ringfence_wire::services::{ApiGatewayV2, Iam, Lambda};
use serde_json::{Value, json};

use super::super::actor::Actor;
use super::super::attack::Step;
use super::super::catalogue::{lambda_trust, package};
use super::super::facts::{Facts, RouteFacts};
use super::super::finding::Companion;
use crate::guard_rail::GuardRail;

/// The function behind the copies, and its role.
const NAME: &str = "ringfence-mirror";

const SOURCE: &str = "def handler(event, context):\n    return {\"reached\": True}\n";

/// The copies, made and removed by the platform.
#[derive(Debug)]
pub(super) struct Mirror<'a> {
    facts: &'a Facts,
    routes: &'a [&'a RouteFacts],
    platform: &'a Actor,
    open: OnceLock<String>,
    scopeless: OnceLock<String>,
}

/// A copy.
#[derive(Debug, Clone, Copy)]
pub(super) struct Copy<'a> {
    pub(super) api_id: &'a str,
    /// What it is, in reports.
    pub(super) what: &'static str,
}

impl Copy<'_> {
    /// What an answer of the copy's shows: that what was asked reaches its function.
    pub(super) fn shows(&self, answer: &super::Answered, reaches: &str) -> Companion {
        match reached(&answer.body) {
            true => Companion::shown(format!("{reaches} by {}", self.what)),
            false => Companion::missing(format!("{} answers {answer}", self.what)),
        }
    }
}

/// Whether the answer is that of the function behind the copies.
fn reached(body: &Value) -> bool {
    *body == json!({"reached": true})
}

impl<'a> Mirror<'a> {
    pub(super) fn of(facts: &'a Facts, routes: &'a [&'a RouteFacts], platform: &'a Actor) -> Self {
        Self { facts, routes, platform, open: OnceLock::new(), scopeless: OnceLock::new() }
    }

    /// The copy without a guard rail.
    pub(super) fn without(&self, guard_rail: &GuardRail) -> Copy<'_> {
        let id = |id: &'_ OnceLock<String>| id.get().cloned().unwrap_or_default();
        debug_assert!(!id(&self.open).is_empty(), "made before it is used");
        if *guard_rail == super::SCOPE {
            let api_id = self.scopeless.get().map_or("", String::as_str);
            Copy { api_id, what: "a copy of the route without scopes" }
        } else {
            let api_id = self.open.get().map_or("", String::as_str);
            Copy { api_id, what: "a copy of the route without authorization" }
        }
    }

    async fn call(
        &self,
        service: ringfence_wire::Service,
        operation: &'static str,
        input: Value,
    ) -> Result<Value, ServiceError> {
        self.platform.call(&Step::new(service, operation, input)).await.result
    }

    /// Makes the function and the copies.
    ///
    /// # Errors
    /// When the platform cannot make them.
    pub(super) async fn make(&self) -> Result<(), ServiceError> {
        let role = json!({"RoleName": NAME, "AssumeRolePolicyDocument": lambda_trust()});
        self.call(Iam, "CreateRole", role).await?;
        let function = json!({
            "FunctionName": NAME, "Runtime": "python3.12", "Handler": "index.handler",
            "Role": self.facts.role_arn(NAME), "Code": {"ZipFile": package(SOURCE)},
        });
        self.call(Lambda, "CreateFunction", function).await?;
        for (cell, name, authorized) in
            [(&self.open, "open", false), (&self.scopeless, "scopeless", true)]
        {
            let id = self.api(name, authorized).await?;
            let _ = cell.set(id);
        }
        Ok(())
    }

    async fn api(&self, name: &str, authorized: bool) -> Result<String, ServiceError> {
        let facts = self.facts;
        let create = json!({"Name": format!("{NAME}-{name}"), "ProtocolType": "HTTP"});
        let api = id(&self.call(ApiGatewayV2, "CreateApi", create).await?, "apiId")?;
        let on = |more: Value| {
            let mut input = json!({"ApiId": api});
            if let (Some(input), Value::Object(more)) = (input.as_object_mut(), more) {
                input.extend(more);
            }
            input
        };
        // One for each issuer and audience that routes ask for.
        let mut authorizers: BTreeMap<(&str, &str), String> = BTreeMap::new();
        // Without scopes, a route has no copy that lacks them alone.
        let scoped = |route: &&&RouteFacts| authorized && !route.scopes.is_empty();
        for route in self.routes.iter().filter(scoped) {
            let (issuer, audience) = facts.trusted(route);
            if authorizers.contains_key(&(issuer, audience)) {
                continue;
            }
            let authorizer = on(json!({
                "Name": format!("{name}-{}", authorizers.len()), "AuthorizerType": "JWT",
                "IdentitySource": ["$request.header.Authorization"],
                "JwtConfiguration": {"audience": [audience], "issuer": issuer},
            }));
            let made = self.call(ApiGatewayV2, "CreateAuthorizer", authorizer).await?;
            authorizers.insert((issuer, audience), id(&made, "authorizerId")?);
        }
        let integration = on(json!({
            "IntegrationType": "AWS_PROXY", "IntegrationUri": facts.function_arn(NAME),
            "PayloadFormatVersion": "2.0",
        }));
        let made = self.call(ApiGatewayV2, "CreateIntegration", integration).await?;
        let target = format!("integrations/{}", id(&made, "integrationId")?);
        for route in self.routes {
            let mut input = on(json!({"RouteKey": route.route_key, "Target": target}));
            let trusted = authorizers.get(&facts.trusted(route));
            let authorization = match trusted.filter(|_| !route.scopes.is_empty()) {
                Some(id) => json!({"AuthorizationType": "JWT", "AuthorizerId": id}),
                None => json!({"AuthorizationType": "NONE"}),
            };
            if let (Some(input), Value::Object(more)) = (input.as_object_mut(), authorization) {
                input.extend(more);
            }
            self.call(ApiGatewayV2, "CreateRoute", input).await?;
        }
        let stage = on(json!({"StageName": "$default", "AutoDeploy": true}));
        self.call(ApiGatewayV2, "CreateStage", stage).await?;
        let source = format!("arn:aws:execute-api:{}:{}:{api}/*/*", facts.region, facts.account);
        let permission = json!({
            "FunctionName": NAME, "StatementId": name, "Action": "lambda:InvokeFunction",
            "Principal": "apigateway.amazonaws.com", "SourceArn": source,
        });
        self.call(Lambda, "AddPermission", permission).await?;
        Ok(api)
    }

    /// Removes what there is of it.
    ///
    /// # Errors
    /// When something stays.
    pub(super) async fn remove(&self) -> Result<(), ServiceError> {
        let apis = [&self.open, &self.scopeless].into_iter().filter_map(OnceLock::get);
        let mut steps: Vec<Step> =
            apis.map(|api| Step::new(ApiGatewayV2, "DeleteApi", json!({"ApiId": api}))).collect();
        steps.push(Step::new(Lambda, "DeleteFunction", json!({"FunctionName": NAME})));
        steps.push(Step::new(Iam, "DeleteRole", json!({"RoleName": NAME})));
        let mut result = Ok(());
        for step in steps {
            match self.platform.call(&step).await.result {
                // Not made, so not there to remove.
                Err(error) if error.status == 404 => {}
                Err(error) => result = Err(error),
                Ok(_) => {}
            }
        }
        result
    }
}

fn id(answer: &Value, member: &str) -> Result<String, ServiceError> {
    let found = answer.get(member).and_then(Value::as_str).map(str::to_owned);
    found.ok_or_else(|| ServiceError::new(502, "InvalidResponse", format!("no {member}")))
}
