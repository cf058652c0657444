//! What the attacks must know of the deployed state: Layer 1's outputs, and
//! what the applications' deployment left behind.

use std::collections::BTreeMap;

use ringfence_wire::{Service, ServiceError};
use serde_json::{Value, json};

use super::actor::Actor;
use super::attack::{Reason, Refusal, Step};
use super::{companions, derived};
use crate::config::{Config, Job, Refusals};
use crate::stack::API_ID;
use crate::terraform::{OutputError, Outputs};

/// The deployed state.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The account's id.
    pub account: String,
    /// The region.
    pub region: String,
    /// The boundary that execution roles carry.
    pub execution_boundary: String,
    /// The deployers' own boundary.
    pub deployer_boundary: String,
    /// The artifacts bucket.
    pub bucket: String,
    /// The subnets that functions run in.
    pub subnets: Vec<String>,
    /// The network that these are part of; none where EC2 does not know them.
    pub vpc: Option<String>,
    /// The functions' security group.
    pub security_group: String,
    /// The prefix of the platform's parameters.
    pub parameters: String,
    /// Which statements may refuse.
    pub refusals: Refusals,
    /// One parameter that the platform published.
    pub published_parameter: String,
    /// The HTTP API.
    pub api_id: String,
    /// Its JWT authorizer.
    pub authorizer_id: String,
    /// The authorizer's name.
    pub authorizer_name: String,
    /// The issuer that the authorizer trusts.
    pub issuer: String,
    /// The audience that it asks for.
    pub audience: String,
    /// All its JWT authorizers, this one among them.
    pub authorizers: Vec<AuthorizerFacts>,
    /// The account's OIDC providers, by URL without its scheme, each with the
    /// audiences that it takes.
    pub providers: BTreeMap<String, Vec<String>>,
    /// Its stages.
    pub stages: Vec<String>,
    /// Its routes.
    pub routes: Vec<RouteFacts>,
    /// The apps' functions, by app.
    pub functions: Vec<FunctionFacts>,
    /// The deployers.
    pub deployers: Vec<DeployerFacts>,
}

/// A JWT authorizer of the HTTP API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizerFacts {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The issuer that it trusts.
    pub issuer: String,
    /// The first audience that it asks for.
    pub audience: String,
}

/// A route of the HTTP API.
#[derive(Debug, Clone)]
pub struct RouteFacts {
    /// Its id.
    pub route_id: String,
    /// `GET /service-a/{proxy+}`.
    pub route_key: String,
    /// The integration that it targets.
    pub integration_id: String,
    /// The integration's URI, in which the function's ARN stands.
    pub integration_uri: String,
    /// `JWT`, `NONE`, ….
    pub authorization_type: String,
    /// The authorizer that it asks, if it asks one.
    pub authorizer_id: Option<String>,
    /// The scopes of which a token must hold one.
    pub scopes: Vec<String>,
}

impl RouteFacts {
    /// Whether it leads to an app's function.
    pub fn leads_to(&self, app: &str) -> bool {
        let name = format!(":function:{app}");
        self.integration_uri.split('/').any(|part| part.ends_with(&name))
    }
}

/// An app's function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionFacts {
    /// The function's name, which is the app's.
    pub name: String,
    /// Its execution role's ARN.
    pub role_arn: String,
    /// The statement of its policy that lets API Gateway call it, by its id;
    /// none where there is none.
    pub api_permission: Option<String>,
    /// Whether it exists. Where its app could not be deployed it does not, and
    /// its role's name is only one that its deployer might choose: permissions
    /// are decided before existence, so attacks on it still tell.
    pub deployed: bool,
}

impl FunctionFacts {
    async fn of(config: &Config, platform: &Actor, name: &str) -> Result<Self, FactsError> {
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
        Ok(Self { name: name.to_owned(), role_arn, api_permission, deployed })
    }
}

/// A deployer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeployerFacts {
    /// Its name in the configuration.
    pub name: String,
    /// Its role's ARN.
    pub role_arn: String,
    /// What it is for.
    pub job: Job,
    /// The app that it deploys: its namespace.
    pub app: String,
    /// How the names of the roles begin that it may create.
    pub role_prefix: Option<String>,
    /// The managed policies attached to its role.
    pub policies: Vec<String>,
}

/// Why the deployed state could not be read.
#[derive(Debug, thiserror::Error)]
pub enum FactsError {
    /// Layer 1 has no such output or resource.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// A question was refused.
    #[error("could not read the deployed state with {operation}")]
    Call {
        /// The operation.
        operation: &'static str,
        /// The service's error.
        source: ServiceError,
    },
    /// An answer lacks what AWS always gives.
    #[error("{operation} answered without `{member}`")]
    Answer {
        /// The operation.
        operation: &'static str,
        /// The member that is missing.
        member: &'static str,
    },
}

impl Facts {
    /// Reads the deployed state: `outputs` are Layer 1's, by name; `platform`
    /// asks for the rest.
    ///
    /// # Errors
    /// When a section, an output or an answer is missing.
    pub async fn gather(
        config: &Config,
        outputs: &Outputs,
        platform: &Actor,
    ) -> Result<Self, FactsError> {
        let guards = config.platform.clone().unwrap_or_default();
        let api = config.api.clone().unwrap_or_default();
        let one = |field, named: &Option<String>, usual, kind| {
            derived::one(outputs, field, named.as_deref(), usual, kind)
        };
        let api_id = one("api.id_output", &api.id_output, API_ID, "aws_apigatewayv2_api")?;
        let authorizer_id = one(
            "api.authorizer_output",
            &api.authorizer_output,
            "authorizer_id",
            "aws_apigatewayv2_authorizer",
        )?;
        let input = json!({"ApiId": api_id, "AuthorizerId": authorizer_id});
        let authorizer = ask(platform, Service::ApiGatewayV2, "GetAuthorizer", input).await?;
        let jwt = |pointer: &str, member| {
            authorizer
                .pointer(pointer)
                .and_then(Value::as_str)
                .map(str::to_owned)
                .ok_or(FactsError::Answer { operation: "GetAuthorizer", member })
        };
        let mut functions = Vec::new();
        for app in &config.apps {
            let name = app.name.get_ref();
            let function = FunctionFacts::of(config, platform, name).await?;
            functions.push(function);
        }
        let mut deployers = Vec::new();
        for deployer in &config.deployers {
            let field = format!("deployers.{}.role_output", deployer.name.get_ref());
            let role_arn = outputs.text_of(&field, &deployer.role_output)?;
            deployers.push(DeployerFacts {
                name: deployer.name.get_ref().clone(),
                policies: attached_policies(platform, &role_arn).await?,
                role_arn,
                job: deployer.job,
                app: deployer.app.get_ref().clone(),
                role_prefix: deployer.role_prefix.clone(),
            });
        }
        let subnets = guards.subnets_output.as_deref();
        let subnets = derived::subnets(outputs, "platform.subnets_output", subnets)?;
        let parameters = guards.parameters.as_deref();
        let parameters = derived::parameters(outputs, "platform.parameters", parameters)?;
        let boundary = |field, named: &Option<String>, of_deployers| {
            derived::boundary(outputs, field, named.as_deref(), of_deployers)
        };
        Ok(Self {
            account: config.account.id.as_str().to_owned(),
            region: config.account.region.as_str().to_owned(),
            execution_boundary: boundary(
                "platform.execution_boundary_output",
                &guards.execution_boundary_output,
                false,
            )?,
            deployer_boundary: boundary(
                "platform.deployer_boundary_output",
                &guards.deployer_boundary_output,
                true,
            )?,
            bucket: bucket_name(one(
                "platform.artifacts_bucket_output",
                &guards.artifacts_bucket_output,
                "",
                "aws_s3_bucket",
            )?),
            vpc: network(platform, &subnets).await?,
            subnets,
            security_group: derived::security_group(
                outputs,
                "platform.security_group_output",
                guards.security_group_output.as_deref(),
            )?,
            refusals: guards.refusals,
            published_parameter: published_parameter(platform, &parameters).await?,
            parameters,
            authorizer_name: jwt("/name", "name")?,
            issuer: jwt("/jwtConfiguration/issuer", "jwtConfiguration.issuer")?,
            audience: jwt("/jwtConfiguration/audience/0", "jwtConfiguration.audience")?,
            authorizer_id,
            authorizers: authorizers(platform, &api_id).await?,
            providers: providers(platform).await?,
            stages: stages(platform, &api_id).await?,
            routes: routes(platform, &api_id).await?,
            api_id,
            functions,
            deployers,
        })
    }

    /// What AWS answers in this architecture: where its statements have names
    /// of their own, whichever of them may refuse.
    pub fn refusal(&self, refusal: &Refusal) -> Refusal {
        Refusal { reason: self.reason(refusal.reason), ..refusal.clone() }
    }

    /// Why AWS refuses in this architecture.
    pub fn reason(&self, reason: Reason) -> Reason {
        match self.refusals {
            Refusals::Named => reason,
            Refusals::Any => Reason::Any,
        }
    }

    /// An app's function.
    pub fn function(&self, app: &str) -> Option<&FunctionFacts> {
        self.functions.iter().find(|function| function.name == app)
    }

    /// A function that is not this app's.
    pub fn foreign_function(&self, app: &str) -> Option<&FunctionFacts> {
        self.functions.iter().find(|function| function.name != app)
    }

    /// The role that a deployer would gain most by: that of another deployer,
    /// one that makes stacks if there is one, or another team's function's.
    pub fn coveted<'a>(&'a self, deployer: &'a DeployerFacts) -> &'a str {
        let others = || self.deployers.iter().filter(|other| other.role_arn != deployer.role_arn);
        let stacks = others().find(|other| other.job == Job::Stack);
        let other = stacks.or_else(|| others().next()).map(|other| other.role_arn.as_str());
        let foreign = || self.foreign_function(&deployer.app).map(|f| f.role_arn.as_str());
        other.or_else(foreign).unwrap_or(&deployer.role_arn)
    }

    /// The route that leads to an app's function.
    pub fn route(&self, app: &str) -> Option<&RouteFacts> {
        self.routes.iter().find(|route| route.leads_to(app))
    }

    /// The issuer and the audience that a route's tokens must name: its own
    /// authorizer's, or the API's where it asks none.
    pub fn trusted(&self, route: &RouteFacts) -> (&str, &str) {
        let own = route.authorizer_id.as_ref();
        let own = self.authorizers.iter().find(|authorizer| Some(&authorizer.id) == own);
        own.map_or((&self.issuer, &self.audience), |it| (&it.issuer, &it.audience))
    }

    /// Whether a role of this name is one that a stack deployer makes for its
    /// own functions.
    pub fn is_teams_own_role(&self, name: &str) -> bool {
        let prefixes = self.deployers.iter().filter_map(|deployer| deployer.role_prefix.as_deref());
        prefixes.into_iter().any(|prefix| name.starts_with(prefix))
    }

    /// How reports call the code in a function.
    pub fn code_in(function: &FunctionFacts) -> String {
        format!("code-in-{}", function.name)
    }

    /// A function's ARN.
    pub fn function_arn(&self, name: &str) -> String {
        format!("arn:aws:lambda:{}:{}:function:{name}", self.region, self.account)
    }

    /// A role's ARN.
    pub fn role_arn(&self, name: &str) -> String {
        format!("arn:aws:iam::{}:role/{name}", self.account)
    }

    /// The ARN by which IAM knows a part of the HTTP API: no account, no `/v2`.
    pub fn api_arn(&self, path: &str) -> String {
        format!("arn:aws:apigateway:{}::/apis/{}{path}", self.region, self.api_id)
    }
}

/// A bucket's name, where its ARN is given.
fn bucket_name(named: String) -> String {
    named.strip_prefix("arn:aws:s3:::").map(str::to_owned).unwrap_or(named)
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
    answer.get("items").and_then(Value::as_array).into_iter().flatten()
}

async fn attached_policies(platform: &Actor, role: &str) -> Result<Vec<String>, FactsError> {
    let operation = "ListAttachedRolePolicies";
    let role = role.rsplit('/').next().unwrap_or_default();
    let answer = ask(platform, Service::Iam, operation, json!({"RoleName": role})).await?;
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
    let answer = ask(platform, Service::ApiGatewayV2, "GetRoutes", input).await?;
    let mut routes = Vec::new();
    for route in items(&answer) {
        let target = member(route, "GetRoutes", "target")?;
        let integration_id = target.strip_prefix("integrations/").unwrap_or(&target).to_owned();
        let integration_uri = items(&integrations)
            .find(|integration| {
                integration.get("integrationId").and_then(Value::as_str) == Some(&integration_id)
            })
            .map(|integration| member(integration, "GetIntegrations", "integrationUri"))
            .transpose()?
            .unwrap_or_default();
        let scopes = route.get("authorizationScopes").and_then(Value::as_array);
        routes.push(RouteFacts {
            route_id: member(route, "GetRoutes", "routeId")?,
            route_key: member(route, "GetRoutes", "routeKey")?,
            integration_id,
            integration_uri,
            authorization_type: member(route, "GetRoutes", "authorizationType")?,
            authorizer_id: route.get("authorizerId").and_then(Value::as_str).map(str::to_owned),
            scopes: scopes
                .into_iter()
                .flatten()
                .filter_map(|scope| scope.as_str().map(str::to_owned))
                .collect(),
        });
    }
    // In an order that the next run has too: the ids are random.
    routes.sort_by(|one, other| one.route_key.cmp(&other.route_key));
    Ok(routes)
}

async fn network(platform: &Actor, subnets: &[String]) -> Result<Option<String>, FactsError> {
    let Some(subnet) = subnets.first() else { return Ok(None) };
    // EC2's members go by their wire names.
    let input = json!({"SubnetId": [subnet]});
    let answer = ask(platform, Service::Ec2, "DescribeSubnets", input).await?;
    Ok(answer.pointer("/subnetSet/0/vpcId").and_then(Value::as_str).map(str::to_owned))
}

async fn published_parameter(platform: &Actor, prefix: &str) -> Result<String, FactsError> {
    let input = json!({"Path": prefix, "Recursive": true});
    let answer = ask(platform, Service::Ssm, "GetParametersByPath", input).await?;
    let first = answer.get("Parameters").and_then(|parameters| parameters.get(0));
    let name = first.and_then(|parameter| parameter.get("Name")).and_then(Value::as_str);
    name.map(str::to_owned)
        .ok_or(FactsError::Answer { operation: "GetParametersByPath", member: "Parameters" })
}
