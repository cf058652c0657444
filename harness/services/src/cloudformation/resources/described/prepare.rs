//! What must be worked out before a described type's calls: the definition of a
//! state machine, the text of a generated secret. Whatever is read for it is
//! read as whoever deploys.

use serde_json::{Map, Value, json};

use crate::cloudformation::resources::{Context, Failure, ec2_security_group, pick};
use ringfence_models::Service;
use ringfence_models::services::{S3, SecretsManager};

/// The properties with which the calls of a type are made; `old` are those of a
/// resource that is there already.
pub(super) async fn properties(
    kind: &str,
    context: &Context,
    wanted: &Map<String, Value>,
    old: Option<&Map<String, Value>>,
) -> Result<Map<String, Value>, Failure> {
    match kind {
        "AWS::ApiGateway::Method" => Ok(method(wanted)),
        "AWS::ApiGateway::Stage" => Ok(stage(wanted)),
        "AWS::ApiGateway::RestApi" => Ok(super::openapi::properties(wanted)),
        "AWS::ApplicationAutoScaling::ScalingPolicy" => Ok(scaling(wanted)),
        "AWS::AppSync::FunctionConfiguration"
        | "AWS::AppSync::GraphQLSchema"
        | "AWS::AppSync::Resolver" => texts_of(context, wanted).await,
        "AWS::AutoScaling::AutoScalingGroup" => Ok(subnets(wanted)),
        "AWS::Batch::ComputeEnvironment" => Ok(service_role(context, wanted)),
        "AWS::EC2::SecurityGroupEgress" | "AWS::EC2::SecurityGroupIngress" => Ok(rule(wanted)),
        "AWS::RDS::DBClusterParameterGroup" | "AWS::RDS::DBParameterGroup" => {
            Ok(parameters(wanted))
        }
        "AWS::ResourceGroups::Group" => Ok(group(context, wanted)),
        "AWS::StepFunctions::StateMachine" => definition(context, wanted).await,
        // Who changes something else keeps the secret.
        "AWS::SecretsManager::Secret"
            if old.is_none_or(|old| {
                old.get("GenerateSecretString") != wanted.get("GenerateSecretString")
            }) =>
        {
            secret(context, wanted).await
        }
        _ => Ok(wanted.clone()),
    }
}

/// What a policy scales, where its template names the target alone: `Ref` of that is its
/// resource, dimension and namespace
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-applicationautoscaling-scalabletarget.html>).
fn scaling(wanted: &Map<String, Value>) -> Map<String, Value> {
    let mut prepared = wanted.clone();
    let target = wanted.get("ScalingTargetId").and_then(Value::as_str).unwrap_or_default();
    if let [resource, dimension, namespace] = target.split('|').collect::<Vec<_>>().as_slice() {
        prepared.insert("ResourceId".to_owned(), (*resource).into());
        prepared.insert("ScalableDimension".to_owned(), (*dimension).into());
        prepared.insert("ServiceNamespace".to_owned(), (*namespace).into());
    }
    prepared
}

/// A rule of a security group as the call takes it: its description stands in the
/// range that it has.
fn rule(wanted: &Map<String, Value>) -> Map<String, Value> {
    let mut prepared = wanted.clone();
    let permission = ec2_security_group::permission(&Value::Object(wanted.clone()));
    prepared.insert(PERMISSIONS.to_owned(), json!([permission]));
    prepared
}

/// The subnets of a group as one text
/// (<https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_CreateAutoScalingGroup.html>).
fn subnets(wanted: &Map<String, Value>) -> Map<String, Value> {
    let mut prepared = wanted.clone();
    if let Some(Value::Array(subnets)) = wanted.get("VPCZoneIdentifier") {
        let subnets: Vec<&str> = subnets.iter().filter_map(Value::as_str).collect();
        prepared.insert(SUBNETS.to_owned(), subnets.join(",").into());
    }
    prepared
}

/// Under which name the subnets are given to the call; no property is called so.
const SUBNETS: &str = "(subnets)";

/// The parameters of a group as a list, at most twenty in a call
/// (<https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBParameterGroup.html>).
fn parameters(wanted: &Map<String, Value>) -> Map<String, Value> {
    let mut prepared = wanted.clone();
    if let Some(Value::Object(parameters)) = wanted.get("Parameters") {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let listed: Vec<Value> = parameters
            .iter()
            .map(|(name, value)| {
                json!({
                    "ParameterName": name, "ParameterValue": text(value),
                    "ApplyMethod": "pending-reboot",
                })
            })
            .collect();
        let listed: Vec<Value> = listed.chunks(20).map(Value::from).collect();
        prepared.insert(PARAMETERS.to_owned(), listed.into());
    }
    prepared
}

/// Under which name the parameters are given to the calls; no property is called so.
const PARAMETERS: &str = "(parameters)";

/// Under which name the rule is given to the call; no property is called so.
const PERMISSIONS: &str = "(permissions)";

/// A group of a stack's resources without a query is that of its own stack
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-resourcegroups-group-resourcequery.html>).
fn group(context: &Context, wanted: &Map<String, Value>) -> Map<String, Value> {
    let mut prepared = wanted.clone();
    if let Some(query) = prepared.get_mut("ResourceQuery").and_then(Value::as_object_mut)
        && query.get("Type").and_then(Value::as_str) == Some("CLOUDFORMATION_STACK_1_0")
    {
        let own = json!({
            "ResourceTypeFilters": ["AWS::AllSupported"], "StackIdentifier": context.stack_id,
        });
        query.entry("Query").or_insert(own);
    }
    prepared
}

/// An integration's responses with the templates that they have: none. moto asks
/// for the member, which API Gateway does not.
fn method(wanted: &Map<String, Value>) -> Map<String, Value> {
    let mut prepared = wanted.clone();
    let responses = prepared
        .get_mut("Integration")
        .and_then(|integration| integration.get_mut("IntegrationResponses"))
        .and_then(Value::as_array_mut);
    for response in responses.into_iter().flatten().filter_map(Value::as_object_mut) {
        response.entry("ResponseTemplates").or_insert_with(|| json!({}));
    }
    prepared
}

/// The settings of a stage's methods as the changes of a stage that make them
/// (<https://docs.aws.amazon.com/apigateway/latest/api/patch-operations.html#UpdateStage-Patch>).
fn stage(wanted: &Map<String, Value>) -> Map<String, Value> {
    const SETTINGS: [(&str, &str); 8] = [
        ("CacheDataEncrypted", "caching/dataEncrypted"),
        ("CacheTtlInSeconds", "caching/ttlInSeconds"),
        ("CachingEnabled", "caching/enabled"),
        ("DataTraceEnabled", "logging/dataTrace"),
        ("LoggingLevel", "logging/loglevel"),
        ("MetricsEnabled", "metrics/enabled"),
        ("ThrottlingBurstLimit", "throttling/burstLimit"),
        ("ThrottlingRateLimit", "throttling/rateLimit"),
    ];
    let mut prepared = wanted.clone();
    let settings = wanted.get("MethodSettings").and_then(Value::as_array);
    let mut changes = Vec::new();
    for setting in settings.into_iter().flatten() {
        let text = |name: &str| setting.get(name).and_then(Value::as_str).unwrap_or("*");
        // A slash inside of a path is written `~1`.
        let path = text("ResourcePath").trim_start_matches('/').replace('/', "~1");
        let path = if path.is_empty() { "~1" } else { &path };
        for (member, key) in SETTINGS {
            let Some(value) = setting.get(member) else { continue };
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let path = format!("/{path}/{}/{key}", text("HttpMethod"));
            changes.push(json!({ "op": "replace", "path": path, "value": value }));
        }
    }
    if !changes.is_empty() {
        prepared.insert(METHOD_SETTINGS.to_owned(), changes.into());
    }
    prepared
}

/// Under which name the changes are given to the call; no property is called so.
const METHOD_SETTINGS: &str = "(methodSettings)";

/// `DefinitionString` out of whichever property has the definition, with
/// `${NAME}` replaced as `DefinitionSubstitutions` says
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-stepfunctions-statemachine.html>).
async fn definition(
    context: &Context,
    wanted: &Map<String, Value>,
) -> Result<Map<String, Value>, Failure> {
    let text = match (wanted.get("DefinitionString"), wanted.get("Definition")) {
        (Some(Value::String(text)), _) => Some(text.clone()),
        (None, Some(definition)) => Some(definition.to_string()),
        _ => match wanted.get("DefinitionS3Location") {
            Some(location) => Some(object(context, location).await?),
            None => None,
        },
    };
    let mut prepared = wanted.clone();
    let Some(mut text) = text else { return Ok(prepared) };
    let substitutions = wanted.get("DefinitionSubstitutions").and_then(Value::as_object);
    for (name, value) in substitutions.into_iter().flatten() {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        text = text.replace(&format!("${{{name}}}"), &value);
    }
    // The service takes JSON alone; an object in S3 may be YAML
    // (<https://docs.aws.amazon.com/step-functions/latest/dg/concepts-amazon-states-language.html>).
    if serde_json::from_str::<Value>(&text).is_err()
        && let Ok(document) = ringfence_text::cloudformation::read(&text)
    {
        text = document.root.into_json().to_string();
    }
    prepared.insert("DefinitionString".to_owned(), text.into());
    Ok(prepared)
}

/// AppSync's texts, out of S3 where they are there: `CodeS3Location` is the place
/// of `Code`
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-appsync-resolver.html>).
async fn texts_of(
    context: &Context,
    wanted: &Map<String, Value>,
) -> Result<Map<String, Value>, Failure> {
    let mut prepared = wanted.clone();
    for (name, location) in wanted {
        let Some(property) = name.strip_suffix("S3Location") else { continue };
        let location = location.as_str().unwrap_or_default();
        let (bucket, key) =
            location.strip_prefix("s3://").and_then(|it| it.split_once('/')).ok_or_else(|| {
                Failure::handler("InvalidRequest", format!("{name} {location} is not an S3 URI"))
            })?;
        let text = object(context, &json!({ "Bucket": bucket, "Key": key })).await?;
        prepared.insert(property.to_owned(), text.into());
    }
    Ok(prepared)
}

/// A service role by its ARN: Batch takes a name too
/// (<https://docs.aws.amazon.com/batch/latest/APIReference/API_CreateComputeEnvironment.html>).
fn service_role(context: &Context, wanted: &Map<String, Value>) -> Map<String, Value> {
    let mut prepared = wanted.clone();
    if let Some(Value::String(role)) = prepared.get_mut("ServiceRole")
        && !role.starts_with("arn:")
    {
        *role = context.role_arn(role);
    }
    prepared
}

/// The text of an object.
async fn object(context: &Context, location: &Value) -> Result<String, Failure> {
    let mut input = Map::new();
    for (member, property) in [("Bucket", "Bucket"), ("Key", "Key"), ("VersionId", "Version")] {
        if let Some(value) = location.get(property) {
            input.insert(member.to_owned(), value.clone());
        }
    }
    let bytes = context.payload(S3, "GetObject", input.into()).await?;
    String::from_utf8(bytes.to_vec()).map_err(|_| {
        Failure::handler("InvalidRequest", "the object with the definition is not text")
    })
}

/// `SecretString` out of `GenerateSecretString`
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-secretsmanager-secret-generatesecretstring.html>).
async fn secret(
    context: &Context,
    wanted: &Map<String, Value>,
) -> Result<Map<String, Value>, Failure> {
    const SERVICE: Service = SecretsManager;
    const MEMBERS: [&str; 8] = [
        "ExcludeCharacters",
        "ExcludeLowercase",
        "ExcludeNumbers",
        "ExcludePunctuation",
        "ExcludeUppercase",
        "IncludeSpace",
        "PasswordLength",
        "RequireEachIncludedType",
    ];
    let Some(Value::Object(how)) = wanted.get("GenerateSecretString") else {
        return Ok(wanted.clone());
    };
    let answer = context.call(SERVICE, "GetRandomPassword", pick(how, &MEMBERS).into()).await?;
    let password = answer.get("RandomPassword").cloned().unwrap_or_default();
    let text = |name: &str| how.get(name).and_then(Value::as_str);
    let secret = match (text("SecretStringTemplate"), text("GenerateStringKey")) {
        (Some(template), Some(key)) => {
            let template = serde_json::from_str::<Map<String, Value>>(template);
            let mut members = template.map_err(|_| {
                Failure::handler("InvalidRequest", "SecretStringTemplate is not a JSON object")
            })?;
            members.insert(key.to_owned(), password);
            json!(members).to_string().into()
        }
        _ => password,
    };
    let mut prepared = wanted.clone();
    prepared.insert("SecretString".to_owned(), secret);
    Ok(prepared)
}
