//! Lambda: functions by any of their names, with versions and aliases, their
//! resource policies, and what a configuration brings in (role, layers,
//! network).

use ringfence_models::Partition;
use ringfence_services::lambda::FunctionName;
use serde_json::Value;

use super::generic;
use super::iam::pass_role;
use super::requirement::Requirement;
use super::scope::{Mapped, Scope, field, texts};
use super::state::{State, VpcOf};
use super::{RequirementsError, ResourcePolicy};

/// Callbacks name no execution, and a capacity provider passes roles in a
/// member of its own.
const UNMAPPED: &[&str] = &[
    "CreateCapacityProvider",
    "DeleteResourcePolicy",
    "GetResourcePolicy",
    "PutResourcePolicy",
    "SendDurableExecutionCallbackFailure",
    "SendDurableExecutionCallbackHeartbeat",
    "SendDurableExecutionCallbackSuccess",
];

/// Operations whose action has another name.
const RENAMED: &[(&str, &str)] = &[
    ("GetLayerVersionByArn", "GetLayerVersion"),
    ("Invoke", "InvokeFunction"),
    ("InvokeWithResponseStream", "InvokeFunction"),
];

pub(super) async fn requirements(scope: &Scope<'_>) -> Mapped {
    let name = scope.name();
    // `lambda:PassCapacityProvider`, on providers that only the service knows.
    if UNMAPPED.contains(&name) || scope.value("CapacityProviderConfig").is_some() {
        return Err(scope.unmapped());
    }
    let function = Function::named(scope)?;
    let action = RENAMED.iter().find(|(call, _)| *call == name).map_or(name, |(_, action)| *action);
    let mut requirements = generic::action_named(scope, action, |kind| match kind {
        "function" => Ok(resource_arn(scope)
            .or_else(|| function.as_ref().map(|function| function.resource(scope)))
            .into_iter()
            .collect()),
        "function alias" | "function version" => {
            // Both types stand for the same qualified function; count it once.
            let qualified = (kind == "function alias").then_some(function.as_ref()).flatten();
            Ok(qualified.map(|function| function.resource(scope)).into_iter().collect())
        }
        _ => other(scope, kind),
    })?;
    if let Some(function) = &function {
        for requirement in &mut requirements {
            function.describe(scope, requirement).await?;
        }
    }
    for requirement in &mut requirements {
        own_keys(scope, function.as_ref(), requirement).await?;
    }
    requirements.extend(also(scope, function.as_ref()).await?);
    Ok(requirements)
}

/// The ARN that a tagging call gives.
fn resource_arn(scope: &Scope<'_>) -> Option<String> {
    scope.text("Resource").map(str::to_owned)
}

/// The resources that are no functions.
fn other(scope: &Scope<'_>, kind: &str) -> generic::Named {
    // A tagging call's ARN stands for all types; `function` has it.
    if resource_arn(scope).is_some() {
        return Ok(Vec::new());
    }
    let named = |member: &str, prefix: &str| {
        scope.text(member).map(|name| match name.strip_prefix("arn:") {
            Some(_) => name.to_owned(),
            None => scope.arn(&format!("{prefix}:{name}")),
        })
    };
    let arn = match kind {
        "layer" => named("LayerName", "layer"),
        "layerVersion" => match scope.text("Arn") {
            Some(arn) => Some(arn.to_owned()),
            None => scope
                .value("VersionNumber")
                .and_then(super::scope::scalar)
                .and_then(|version| Some(format!("{}:{version}", named("LayerName", "layer")?))),
        },
        "code signing config" => named("CodeSigningConfigArn", "code-signing-config"),
        "eventSourceMapping" => named("UUID", "event-source-mapping"),
        "capacityProvider" => named("CapacityProviderName", "capacity-provider"),
        "durable execution" => scope.text("DurableExecutionArn").map(str::to_owned),
        _ => None,
    };
    Ok(arn.into_iter().collect())
}

/// The keys that the reference lists for some actions only.
async fn own_keys(
    scope: &Scope<'_>,
    function: Option<&Function>,
    requirement: &mut Requirement,
) -> Result<(), RequirementsError> {
    match scope.name() {
        "CreateFunction" | "UpdateFunctionConfiguration" => {
            configuration(scope, requirement).await?
        }
        "CreateFunctionUrlConfig"
        | "DeleteFunctionUrlConfig"
        | "GetFunctionUrlConfig"
        | "UpdateFunctionUrlConfig" => {
            let Some(function) = function else { return Ok(()) };
            requirement.context.set("lambda:FunctionArn", function.arn());
            let auth_type = match scope.text("AuthType") {
                Some(given) => Some(given.to_owned()),
                None if function.is_own(scope) => {
                    let qualifier = function.qualifier.as_deref();
                    scope.state.function_url_auth_type(&function.name, qualifier).await?
                }
                None => None,
            };
            if let Some(auth_type) = auth_type {
                requirement.context.set("lambda:FunctionUrlAuthType", auth_type);
            }
        }
        // Where an update names another function than the mapping has, nothing of
        // AWS's says which of the two the key has.
        "DeleteEventSourceMapping" | "GetEventSourceMapping" | "UpdateEventSourceMapping" => {
            let present = scope.state.event_source_function(scope.text("UUID").unwrap_or_default());
            match (present, function.map(Function::arn)) {
                (Some(present), Some(wanted)) if present != wanted => {
                    requirement.context.set_unknown("lambda:FunctionArn");
                }
                (present, wanted) => {
                    if let Some(arn) = present.or(wanted) {
                        requirement.context.set("lambda:FunctionArn", arn);
                    }
                }
            }
        }
        "CreateEventSourceMapping" => {
            if let Some(function) = function {
                requirement.context.set("lambda:FunctionArn", function.arn());
            }
        }
        "RemovePermission" => {
            if let ResourcePolicy::Resource { document, .. } = &requirement.resource_policy
                && let Some(statement) = statement(document, scope.need("StatementId")?)
            {
                removed_permission(&statement, requirement);
            }
        }
        _ => {}
    }
    Ok(())
}

/// The statement with this Sid.
fn statement(document: &str, sid: &str) -> Option<Value> {
    let document: Value = serde_json::from_str(document).ok()?;
    let statements = document.get("Statement")?.as_array()?;
    statements.iter().find(|statement| statement.get("Sid").is_some_and(|id| id == sid)).cloned()
}

/// The keys of the permission that `RemovePermission` takes away.
fn removed_permission(statement: &Value, requirement: &mut Requirement) {
    let principal = match statement.get("Principal") {
        Some(Value::String(all)) => Some(all.as_str()),
        Some(typed) => field(typed, &["Service", "AWS"]).and_then(Value::as_str),
        None => None,
    };
    if let Some(principal) = principal {
        requirement.context.set("lambda:Principal", principal);
    }
    let auth_type = statement
        .pointer("/Condition/StringEquals/lambda:FunctionUrlAuthType")
        .and_then(Value::as_str);
    if let Some(auth_type) = auth_type {
        requirement.context.set("lambda:FunctionUrlAuthType", auth_type);
    }
}

/// Layers and network of a configuration; the keys are absent where the
/// request does not carry them, also where it takes them away.
async fn configuration(
    scope: &Scope<'_>,
    requirement: &mut Requirement,
) -> Result<(), RequirementsError> {
    let layers = scope.texts("Layers");
    if !layers.is_empty() {
        requirement.context.set_list("lambda:Layer", layers);
    }
    let Some(network) = scope.value("VpcConfig") else { return Ok(()) };
    let subnets = network.get("SubnetIds").map(texts).unwrap_or_default();
    let groups = network.get("SecurityGroupIds").map(texts).unwrap_or_default();
    if let Some(subnet) = subnets.first() {
        match scope.state.ec2_vpc("subnet", subnet).await? {
            VpcOf::Vpc(vpc) => drop(requirement.context.set("lambda:VpcIds", vpc)),
            VpcOf::Missing => {}
            VpcOf::Untold => drop(requirement.context.set_unknown("lambda:VpcIds")),
        }
    }
    if !subnets.is_empty() {
        requirement.context.set_list("lambda:SubnetIds", subnets);
    }
    if !groups.is_empty() {
        requirement.context.set_list("lambda:SecurityGroupIds", groups);
    }
    Ok(())
}

/// What some calls need beyond the action of their name.
async fn also(scope: &Scope<'_>, function: Option<&Function>) -> Mapped {
    let mut more = Vec::new();
    let Some(function) = function else { return Ok(more) };
    if !matches!(scope.name(), "CreateFunction" | "UpdateFunctionConfiguration") {
        return Ok(more);
    }
    if let Some(role) = scope.text("Role") {
        let pass = pass_role(scope, role, "lambda.amazonaws.com").await?;
        more.push(pass.key("iam:AssociatedResourceArn", function.arn()));
    }
    // Seen on AWS with `sam deploy`: a CreateFunction with tags is refused as
    // lambda:TagResource on the function's ARN.
    if scope.name() == "CreateFunction" && !scope.tags("Tags").is_empty() {
        more.push(generic::on(scope, "TagResource", function.arn()));
    }
    for layer in scope.texts("Layers") {
        more.push(Requirement::on("lambda:GetLayerVersion", layer));
    }
    Ok(more)
}

/// A function as a call names it.
struct Function {
    region: String,
    account: String,
    name: String,
    qualifier: Option<String>,
}

impl Function {
    /// Reads the name as the service reads it: what is decided on here is what
    /// it acts on.
    fn named(scope: &Scope<'_>) -> Result<Option<Self>, RequirementsError> {
        let Some(given) = scope
            .text("FunctionName")
            .or_else(|| scope.text("Resource").filter(|resource| resource.contains(":function:")))
        else {
            return Ok(None);
        };
        let named = FunctionName::read(scope.name(), given, scope.text("Qualifier"))?;
        Ok(Some(Self {
            region: named.region.unwrap_or_else(|| scope.region().to_owned()),
            account: named.account.unwrap_or_else(|| scope.account().to_owned()),
            name: named.name,
            qualifier: named.qualifier,
        }))
    }

    /// Unqualified.
    fn arn(&self) -> String {
        let partition = Partition::of_region(&self.region);
        format!("arn:{partition}:lambda:{}:{}:function:{}", self.region, self.account, self.name)
    }

    /// The ARN that policies must allow: a version's or alias's where the call
    /// names one. Calls on aliases themselves act on the function.
    fn resource(&self, scope: &Scope<'_>) -> String {
        match &self.qualifier {
            Some(qualifier) if !scope.name().ends_with("Alias") => {
                format!("{}:{qualifier}", self.arn())
            }
            _ => self.arn(),
        }
    }

    fn is_own(&self, scope: &Scope<'_>) -> bool {
        self.account == scope.account()
    }

    /// Adds the function's tags and resource policy.
    async fn describe(
        &self,
        scope: &Scope<'_>,
        requirement: &mut Requirement,
    ) -> Result<(), RequirementsError> {
        let about_function = requirement.resource.starts_with(&self.arn());
        if about_function && !self.is_own(scope) {
            requirement.context.set_unknown("aws:ResourceTag/*");
        }
        if !about_function || !self.is_own(scope) || scope.name() == "CreateFunction" {
            return Ok(());
        }
        let Some(function) = scope.state.function(&self.name).await? else { return Ok(()) };
        requirement.add_resource_tags(&[], &function.tags);
        requirement.resource_policy = policy(scope.state, self).await?;
        Ok(())
    }
}

async fn policy(
    state: &dyn State,
    function: &Function,
) -> Result<ResourcePolicy, RequirementsError> {
    let qualifier = function.qualifier.as_deref();
    Ok(match state.function_policy(&function.name, qualifier).await? {
        Some(document) => ResourcePolicy::Resource { name: function.arn(), document },
        None => ResourcePolicy::None,
    })
}

/// What a request to a function's URL requires: `lambda:InvokeFunctionUrl`,
/// with the function's resource policy.
///
/// # Errors
/// When the state cannot be read.
pub async fn invoke_url(
    state: &dyn State,
    region: &str,
    name: &str,
    qualifier: Option<&str>,
    auth_type: &str,
) -> Result<Requirement, RequirementsError> {
    let function = Function {
        region: region.to_owned(),
        account: state.account_id().to_owned(),
        name: name.to_owned(),
        qualifier: qualifier.map(str::to_owned),
    };
    let resource = match qualifier {
        Some(qualifier) => format!("{}:{qualifier}", function.arn()),
        None => function.arn(),
    };
    let mut requirement = Requirement::on("lambda:InvokeFunctionUrl", resource)
        .key("lambda:FunctionUrlAuthType", auth_type)
        .key("lambda:FunctionArn", function.arn());
    if let Some(found) = state.function(name).await? {
        requirement.add_resource_tags(&[], &found.tags);
    }
    requirement.resource_policy = policy(state, &function).await?;
    Ok(requirement)
}
