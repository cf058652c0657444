//! Reads the deployed state. What a field of the configuration names must be
//! there; what none names is whatever there is, and need not be any.

mod deployer;
mod rest;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ringfence_guard::Recorded;
use ringfence_wire::Service;
use serde_json::{Value, json};

use super::actor::Actor;
use super::attack::Step;
use super::facts::{
    ApiKind, AuthorizerFacts, DeployerFacts, Facts, FactsError, FunctionFacts, Further, RoleFacts,
    RouteFacts,
};
use super::lack::Lack;
use super::made::Made;
use super::policies::is_service_linked;
use super::rivals::Rivals;
use super::{companions, derived};
use crate::config::Config;
use crate::stack::API_ID;
use crate::terraform::Outputs;

/// How what the probes make begins.
const PROBES: &str = "ringfence-";

/// An HTTP API, as far as attacks need it.
#[derive(Debug, Clone)]
struct ApiFacts {
    id: String,
    name: String,
    /// The authorizer that the configuration names, or the first.
    authorizer_id: String,
    authorizer_name: String,
    issuer: String,
    audience: String,
    authorizers: Vec<AuthorizerFacts>,
    stages: Vec<String>,
    routes: Vec<RouteFacts>,
}

impl Facts {
    /// Reads the deployed state: `outputs` are Layer 1's, by name; `platform`
    /// asks for the rest, and `recorded` are the calls of the deployments.
    ///
    /// # Errors
    /// When what the configuration names or an answer is missing.
    pub async fn gather(
        config: &Config,
        outputs: &Outputs,
        platform: &Actor,
        recorded: &[Arc<Recorded>],
    ) -> Result<Self, FactsError> {
        let guards = config.platform.clone().unwrap_or_default();
        let apis = apis(config, outputs, platform).await?;
        let mut deployers = deployers(config, outputs, platform).await?;
        let made = Made::of(recorded.iter().map(AsRef::as_ref), |who| {
            let own = deployers.iter().find(|deployer| deployer.arn == who);
            own.map(|deployer| deployer.app.as_str())
        });
        let functions = functions(config, platform, &made).await?;
        for deployer in &mut deployers {
            let own = functions.iter().find(|it| it.app.as_ref() == Some(&deployer.app));
            deployer.function = own.map_or_else(|| deployer.app.clone(), |it| it.name.clone());
            deployer.stack = made.stack(&deployer.app).unwrap_or(&deployer.app).to_owned();
            deployer.makes = Some(deployer.usual());
        }
        let named = |field, name: &Option<String>| derived::named(outputs, field, name.as_deref());
        let of_deployers: BTreeSet<&str> =
            deployers.iter().map(|deployer| deployer.arn.as_str()).collect();
        let boundaries = |field, name: &Option<String>, are_deployers| {
            Ok::<_, FactsError>(match named(field, name)? {
                Some(one) => vec![one],
                None => derived::boundaries(outputs, are_deployers, &of_deployers),
            })
        };
        let execution = boundaries(
            "platform.execution_boundary_output",
            &guards.execution_boundary_output,
            false,
        )?;
        let of_deployers = boundaries(
            "platform.deployer_boundary_output",
            &guards.deployer_boundary_output,
            true,
        )?;
        let bucket = named("platform.artifacts_bucket_output", &guards.artifacts_bucket_output)?;
        let buckets = match bucket {
            Some(bucket) => vec![bucket_name(bucket)],
            // Where nobody deploys, nobody uploads.
            None if deployers.is_empty() => Vec::new(),
            None => outputs.ids("aws_s3_bucket"),
        };
        let subnets = guards.subnets_output.as_deref();
        let subnets = derived::subnets(outputs, "platform.subnets_output", subnets)?;
        let groups = guards.security_group_output.as_deref();
        let groups = derived::security_groups(outputs, "platform.security_group_output", groups)?;
        let parameters = derived::parameters(outputs, guards.parameters.as_deref());
        let published = match &parameters {
            Some(prefix) => published_parameter(platform, prefix).await?,
            None => None,
        };
        let nothing = |lack: Lack| lack.name().to_owned();
        let first =
            |found: &[String], lack| found.first().cloned().unwrap_or_else(|| nothing(lack));
        let none_published = || format!("/{}/parameter", Lack::Parameters.name());
        let api = apis.first().cloned().unwrap_or_else(ApiFacts::none);
        let mut facts = Self {
            account: config.account.id.as_str().to_owned(),
            region: config.account.region.as_str().to_owned(),
            execution_boundary: first(&execution, Lack::ExecutionBoundary),
            deployer_boundary: first(&of_deployers, Lack::DeployerBoundary),
            bucket: first(&buckets, Lack::Bucket),
            vpc: network(platform, &subnets).await?,
            security_group: first(&groups, Lack::SecurityGroup),
            security_groups: groups,
            subnets: match subnets.is_empty() {
                true => vec![nothing(Lack::Subnets)],
                false => subnets,
            },
            refusals: guards.refusals,
            statements: guards.statements.clone(),
            parameters: match &published {
                Some(_) => parameters.unwrap_or_default(),
                None => format!("/{}/", Lack::Parameters.name()),
            },
            published_parameter: published.unwrap_or_else(none_published),
            api_kind: ApiKind::Http,
            api_id: String::new(),
            api_name: String::new(),
            authorizer_id: String::new(),
            authorizer_name: String::new(),
            issuer: String::new(),
            audience: String::new(),
            authorizers: Vec::new(),
            stages: Vec::new(),
            routes: Vec::new(),
            providers: providers(platform).await?,
            roles: roles(platform, &deployers, &functions).await?,
            functions,
            victim: format!("arn:aws:iam::{}:role/ringfence-victim", config.account.id.as_str()),
            deployers,
            further: Vec::new(),
            rest: Vec::new(),
            rivals: Rivals::default(),
        };
        facts.put(api);
        let mut further = Vec::new();
        let mut more = |kind, name: String, change: &dyn Fn(&mut Self)| {
            let mut other = facts.clone();
            change(&mut other);
            further.push(Further { name, kind, facts: other });
        };
        for other in apis.iter().skip(1) {
            more(Lack::Api, other.name.clone(), &|facts| facts.put(other.clone()));
        }
        for other in buckets.iter().skip(1) {
            more(Lack::Bucket, other.clone(), &|facts| facts.bucket.clone_from(other));
        }
        for other in execution.iter().skip(1) {
            more(Lack::ExecutionBoundary, last(other), &|facts| {
                facts.execution_boundary.clone_from(other)
            });
        }
        for other in of_deployers.iter().skip(1) {
            more(Lack::DeployerBoundary, last(other), &|facts| {
                facts.deployer_boundary.clone_from(other)
            });
        }
        let mut rest = Vec::new();
        for api in rest::apis(config, platform).await? {
            let mut other = facts.clone();
            let name = format!("rest:{}", api.name);
            other.put(api);
            other.api_kind = ApiKind::Rest;
            rest.push(Further { name, kind: Lack::Api, facts: other });
        }
        facts.further = further;
        facts.rest = rest;
        Ok(facts)
    }

    fn put(&mut self, api: ApiFacts) {
        self.api_id = api.id;
        self.api_name = api.name;
        self.authorizer_id = api.authorizer_id;
        self.authorizer_name = api.authorizer_name;
        self.issuer = api.issuer;
        self.audience = api.audience;
        self.authorizers = api.authorizers;
        self.stages = api.stages;
        self.routes = api.routes;
    }
}

impl ApiFacts {
    /// That of an estate that has none.
    fn none() -> Self {
        let nothing = || Lack::Authorizer.name().to_owned();
        Self {
            id: Lack::Api.name().to_owned(),
            name: Lack::Api.name().to_owned(),
            authorizer_id: nothing(),
            authorizer_name: nothing(),
            issuer: nothing(),
            audience: nothing(),
            authorizers: Vec::new(),
            stages: Vec::new(),
            routes: Vec::new(),
        }
    }

    async fn of(
        platform: &Actor,
        id: String,
        name: String,
        authorizer: Option<String>,
    ) -> Result<Self, FactsError> {
        let authorizers = authorizers(platform, &id).await?;
        let own = match authorizer {
            Some(named) => Some(authorizer_of(platform, &id, named).await?),
            None => authorizers.first().cloned(),
        };
        let nothing = Self::none();
        Ok(Self {
            stages: stages(platform, &id).await?,
            routes: routes(platform, &id).await?,
            id,
            name,
            authorizer_id: own.as_ref().map_or(nothing.authorizer_id, |it| it.id.clone()),
            authorizer_name: own.as_ref().map_or(nothing.authorizer_name, |it| it.name.clone()),
            issuer: own.as_ref().map_or(nothing.issuer, |it| it.issuer.clone()),
            audience: own.map_or(nothing.audience, |it| it.audience),
            authorizers,
        })
    }
}

/// The HTTP APIs: the one that the configuration means, and then all others by
/// name.
async fn apis(
    config: &Config,
    outputs: &Outputs,
    platform: &Actor,
) -> Result<Vec<ApiFacts>, FactsError> {
    const LIST: &str = "GetApis";
    let api = config.api.clone().unwrap_or_default();
    let usual = |field, named: &Option<String>, usual: &str| {
        let named = named.as_deref().or_else(|| outputs.get(usual).map(|_| usual));
        derived::named(outputs, field, named)
    };
    let meant = usual("api.id_output", &api.id_output, API_ID)?;
    let authorizer = usual("api.authorizer_output", &api.authorizer_output, "authorizer_id")?;
    let answer = ask(platform, Service::ApiGatewayV2, LIST, json!({})).await?;
    let http =
        items(&answer).filter(|it| it.get("protocolType").and_then(Value::as_str) == Some("HTTP"));
    let mut found = http
        .map(|it| Ok((member(it, LIST, "name")?, member(it, LIST, "apiId")?)))
        .collect::<Result<Vec<(String, String)>, FactsError>>()?;
    found.retain(|(name, _)| !name.starts_with(PROBES));
    found.sort();
    if let Some(meant) = meant {
        let named = found.iter().position(|(_, id)| *id == meant);
        let own = named.map_or_else(|| (meant.clone(), meant.clone()), |at| found.remove(at));
        found.insert(0, own);
    }
    let mut apis = Vec::new();
    for (name, id) in found {
        // The configuration speaks of the authorizer of the API that it means.
        let authorizer = authorizer.clone().filter(|_| apis.is_empty());
        apis.push(ApiFacts::of(platform, id, name, authorizer).await?);
    }
    Ok(apis)
}

/// The authorizer that the configuration names, which must be one of tokens.
async fn authorizer_of(
    platform: &Actor,
    api_id: &str,
    id: String,
) -> Result<AuthorizerFacts, FactsError> {
    const READ: &str = "GetAuthorizer";
    let input = json!({"ApiId": api_id, "AuthorizerId": id});
    let authorizer = ask(platform, Service::ApiGatewayV2, READ, input).await?;
    let jwt = |pointer: &str, member| {
        let found = authorizer.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        found.ok_or(FactsError::Answer { operation: READ, member })
    };
    Ok(AuthorizerFacts {
        id,
        name: jwt("/name", "name")?,
        issuer: jwt("/jwtConfiguration/issuer", "jwtConfiguration.issuer")?,
        audience: jwt("/jwtConfiguration/audience/0", "jwtConfiguration.audience")?,
    })
}

/// The apps' functions, in the order of the configuration, and then the others
/// by name.
async fn functions(
    config: &Config,
    platform: &Actor,
    made: &Made,
) -> Result<Vec<FunctionFacts>, FactsError> {
    let mut functions = Vec::new();
    for app in &config.apps {
        let app = app.name.get_ref();
        // One that is called as its app is the app's, and stands for one that could
        // not be deployed.
        let named = function(config, platform, app, Some(app)).await?;
        let own: Vec<&str> = made.functions(app).into_iter().filter(|name| name != app).collect();
        if named.deployed || own.is_empty() {
            functions.push(named);
        }
        for name in own {
            let found = function(config, platform, name, Some(app)).await?;
            functions.extend(found.deployed.then_some(found));
        }
    }
    let answer = ask(platform, Service::Lambda, "ListFunctions", json!({})).await?;
    let names: BTreeSet<String> = listed(&answer, "Functions")
        .map(|it| member(it, "ListFunctions", "FunctionName"))
        .collect::<Result<_, _>>()?;
    for name in names {
        let known = functions.iter().any(|function: &FunctionFacts| function.name == name);
        if !known && !name.starts_with(PROBES) {
            functions.push(function(config, platform, &name, None).await?);
        }
    }
    Ok(functions)
}

async fn function(
    config: &Config,
    platform: &Actor,
    name: &str,
    app: Option<&str>,
) -> Result<FunctionFacts, FactsError> {
    const READ: &str = "GetFunctionConfiguration";
    let found = ask(platform, Service::Lambda, READ, json!({"FunctionName": name})).await;
    let (role_arn, deployed) = match found {
        Ok(found) => (member(&found, READ, "Role")?, true),
        Err(FactsError::Call { source, .. }) if source.status == 404 => {
            let deployers = config.deployers.iter();
            let prefix = deployers
                .filter(|deployer| deployer.app.get_ref() == name)
                .find_map(|deployer| deployer.role_prefix.as_deref())
                .unwrap_or_default();
            let account = config.account.id.as_str();
            (format!("arn:aws:iam::{account}:role/{prefix}undeployed"), false)
        }
        Err(error) => return Err(error),
    };
    let api_permission = if deployed { api_permission(platform, name).await? } else { None };
    let (name, logs) = (name.to_owned(), app.is_some());
    let app = app.map(str::to_owned);
    Ok(FunctionFacts { name, app, role_arn, api_permission, logs, deployed })
}

async fn deployers(
    config: &Config,
    outputs: &Outputs,
    platform: &Actor,
) -> Result<Vec<DeployerFacts>, FactsError> {
    let mut deployers = Vec::new();
    for deployer in &config.deployers {
        let arn = deployer::arn_of(deployer, outputs, platform).await?;
        deployers.push(DeployerFacts {
            makes: None,
            name: deployer.name.get_ref().clone(),
            policies: attached_policies(platform, &arn).await?,
            // Of another account: what this one made does not tell.
            through: None,
            arn,
            job: deployer.job,
            app: deployer.app.get_ref().clone(),
            function: deployer.app.get_ref().clone(),
            stack: deployer.app.get_ref().clone(),
            role_prefix: deployer.role_prefix.clone(),
        });
    }
    Ok(deployers)
}

/// The users, and the roles that nothing else stands for. Those of AWS's own services are theirs.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create-service-linked-role.html>
async fn roles(
    platform: &Actor,
    deployers: &[DeployerFacts],
    functions: &[FunctionFacts],
) -> Result<Vec<RoleFacts>, FactsError> {
    let answer = ask(platform, Service::Iam, "ListRoles", json!({})).await?;
    let known: BTreeSet<&str> = deployers
        .iter()
        .map(|deployer| deployer.arn.as_str())
        .chain(functions.iter().map(|function| function.role_arn.as_str()))
        .collect();
    let mut roles = Vec::new();
    for role in listed(&answer, "Roles") {
        let (name, arn) =
            (member(role, "ListRoles", "RoleName")?, member(role, "ListRoles", "Arn")?);
        let others = name.starts_with(PROBES) || is_service_linked(&arn);
        if !others && !known.contains(arn.as_str()) {
            roles.push(RoleFacts { name, arn });
        }
    }
    let answer = ask(platform, Service::Iam, "ListUsers", json!({})).await?;
    for user in listed(&answer, "Users") {
        let name = member(user, "ListUsers", "UserName")?;
        let arn = member(user, "ListUsers", "Arn")?;
        if !name.starts_with(PROBES) && !known.contains(arn.as_str()) {
            roles.push(RoleFacts { name, arn });
        }
    }
    roles.sort_by_key(RoleFacts::identity);
    Ok(roles)
}

/// A bucket's name, where its ARN is given.
fn bucket_name(named: String) -> String {
    named.strip_prefix("arn:aws:s3:::").map(str::to_owned).unwrap_or(named)
}

/// The name at the end of an ARN.
fn last(arn: &str) -> String {
    arn.rsplit('/').next().unwrap_or(arn).to_owned()
}

async fn ask(
    platform: &Actor,
    service: Service,
    operation: &'static str,
    input: Value,
) -> Result<Value, FactsError> {
    let answer = platform.call(&Step::new(service, operation, input)).await;
    answer.result.map_err(|source| FactsError::Call { operation, source })
}

/// The id of the statement that lets API Gateway call a function.
async fn api_permission(platform: &Actor, name: &str) -> Result<Option<String>, FactsError> {
    let found = ask(platform, Service::Lambda, "GetPolicy", json!({"FunctionName": name})).await;
    let policy = match found {
        Ok(found) => member(&found, "GetPolicy", "Policy")?,
        Err(FactsError::Call { source, .. }) if source.status == 404 => return Ok(None),
        Err(error) => return Err(error),
    };
    let calls = |statement: &Value| {
        statement.pointer("/Principal/Service").and_then(Value::as_str)
            == Some("apigateway.amazonaws.com")
    };
    let statements = companions::statements(&policy);
    let statement = statements.iter().find(|statement| calls(statement));
    Ok(statement.and_then(|it| it.get("Sid")?.as_str().map(str::to_owned)))
}

fn member(
    answer: &Value,
    operation: &'static str,
    name: &'static str,
) -> Result<String, FactsError> {
    let value = answer.get(name).and_then(Value::as_str);
    value.map(str::to_owned).ok_or(FactsError::Answer { operation, member: name })
}

fn items(answer: &Value) -> impl Iterator<Item = &Value> {
    listed(answer, "items")
}

fn listed<'a>(answer: &'a Value, member: &str) -> impl Iterator<Item = &'a Value> {
    answer.get(member).and_then(Value::as_array).into_iter().flatten()
}

async fn attached_policies(platform: &Actor, arn: &str) -> Result<Vec<String>, FactsError> {
    let (operation, member_of) = match arn.contains(":user/") {
        true => ("ListAttachedUserPolicies", "UserName"),
        false => ("ListAttachedRolePolicies", "RoleName"),
    };
    let name = arn.rsplit('/').next().unwrap_or_default();
    let answer = ask(platform, Service::Iam, operation, json!({member_of: name})).await?;
    let policies = answer.get("AttachedPolicies").and_then(Value::as_array);
    let policies = policies.into_iter().flatten();
    policies.map(|policy| member(policy, operation, "PolicyArn")).collect()
}

async fn authorizers(platform: &Actor, api_id: &str) -> Result<Vec<AuthorizerFacts>, FactsError> {
    const READ: &str = "GetAuthorizers";
    let answer = ask(platform, Service::ApiGatewayV2, READ, json!({"ApiId": api_id})).await?;
    let jwt =
        items(&answer).filter(|it| it.get("authorizerType").and_then(Value::as_str) == Some("JWT"));
    let mut authorizers = jwt
        .map(|it| {
            let configured = |pointer: &str, member| {
                let found = it.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
                found.ok_or(FactsError::Answer { operation: READ, member })
            };
            Ok(AuthorizerFacts {
                id: member(it, READ, "authorizerId")?,
                name: member(it, READ, "name")?,
                issuer: configured("/jwtConfiguration/issuer", "jwtConfiguration.issuer")?,
                audience: configured("/jwtConfiguration/audience/0", "jwtConfiguration.audience")?,
            })
        })
        .collect::<Result<Vec<AuthorizerFacts>, FactsError>>()?;
    authorizers.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(authorizers)
}

async fn providers(platform: &Actor) -> Result<BTreeMap<String, Vec<String>>, FactsError> {
    const LIST: &str = "ListOpenIDConnectProviders";
    const READ: &str = "GetOpenIDConnectProvider";
    let answer = ask(platform, Service::Iam, LIST, json!({})).await?;
    let listed = answer.get("OpenIDConnectProviderList").and_then(Value::as_array);
    let mut providers = BTreeMap::new();
    for provider in listed.into_iter().flatten() {
        let arn = member(provider, LIST, "Arn")?;
        let found =
            ask(platform, Service::Iam, READ, json!({"OpenIDConnectProviderArn": arn})).await?;
        let audiences = found.get("ClientIDList").and_then(Value::as_array);
        let audiences = audiences.into_iter().flatten().filter_map(Value::as_str);
        let host = arn.split_once(":oidc-provider/").map_or(arn.as_str(), |(_, host)| host);
        providers.insert(host.to_owned(), audiences.map(str::to_owned).collect());
    }
    Ok(providers)
}

async fn stages(platform: &Actor, api_id: &str) -> Result<Vec<String>, FactsError> {
    let answer =
        ask(platform, Service::ApiGatewayV2, "GetStages", json!({"ApiId": api_id})).await?;
    items(&answer).map(|stage| member(stage, "GetStages", "stageName")).collect()
}

async fn routes(platform: &Actor, api_id: &str) -> Result<Vec<RouteFacts>, FactsError> {
    let input = json!({"ApiId": api_id});
    let integrations =
        ask(platform, Service::ApiGatewayV2, "GetIntegrations", input.clone()).await?;
    let answer = ask(platform, Service::ApiGatewayV2, "GetRoutes", input.clone()).await?;
    let authorizers = ask(platform, Service::ApiGatewayV2, "GetAuthorizers", input).await?;
    let mut routes = Vec::new();
    for route in items(&answer) {
        // A route need not lead anywhere yet.
        let target = route.get("target").and_then(Value::as_str).unwrap_or_default();
        let integration_id = target.strip_prefix("integrations/").unwrap_or(target).to_owned();
        let integration_uri = items(&integrations)
            .find(|integration| {
                integration.get("integrationId").and_then(Value::as_str) == Some(&integration_id)
            })
            .and_then(|integration| integration.get("integrationUri")?.as_str())
            .unwrap_or_default()
            .to_owned();
        let scopes = route.get("authorizationScopes").and_then(Value::as_array);
        let asks = |it: &&Value| {
            it.get("authorizerType").and_then(Value::as_str) == Some("REQUEST")
                && it.get("authorizerId").is_some_and(|id| route.get("authorizerId") == Some(id))
        };
        let function = items(&authorizers).find(asks);
        let sources = function.and_then(|it| it.get("identitySource")?.as_array());
        routes.push(RouteFacts {
            route_id: member(route, "GetRoutes", "routeId")?,
            route_key: member(route, "GetRoutes", "routeKey")?,
            integration_id,
            integration_uri,
            authorization_type: (route.get("authorizationType").and_then(Value::as_str))
                .unwrap_or("NONE")
                .to_owned(),
            authorizer_id: route.get("authorizerId").and_then(Value::as_str).map(str::to_owned),
            identity_sources: texts(sources),
            scopes: texts(scopes),
            // Of HTTP APIs no route asks for one.
            api_key: false,
        });
    }
    // In an order that the next run has too: the ids are random.
    routes.sort_by(|one, other| one.route_key.cmp(&other.route_key));
    Ok(routes)
}

fn texts(values: Option<&Vec<Value>>) -> Vec<String> {
    let all = values.into_iter().flatten();
    all.filter_map(|value| value.as_str().map(str::to_owned)).collect()
}

async fn network(platform: &Actor, subnets: &[String]) -> Result<Option<String>, FactsError> {
    let Some(subnet) = subnets.first() else { return Ok(None) };
    // EC2's members go by their wire names.
    let input = json!({"SubnetId": [subnet]});
    let answer = ask(platform, Service::Ec2, "DescribeSubnets", input).await?;
    Ok(answer.pointer("/subnetSet/0/vpcId").and_then(Value::as_str).map(str::to_owned))
}

/// A parameter below a prefix; none where nothing is published there.
async fn published_parameter(platform: &Actor, prefix: &str) -> Result<Option<String>, FactsError> {
    let input = json!({"Path": prefix, "Recursive": true});
    let answer = ask(platform, Service::Ssm, "GetParametersByPath", input).await?;
    let first = listed(&answer, "Parameters").next();
    let name = first.and_then(|parameter| parameter.get("Name")).and_then(Value::as_str);
    Ok(name.map(str::to_owned))
}
