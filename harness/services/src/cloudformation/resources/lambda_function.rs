//! `AWS::Lambda::Function`.

use std::io::{Cursor, Write as _};

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ringfence_wire::services::Lambda;
use serde_json::{Map, Value, json};
use zip::write::SimpleFileOptions;

use super::context::{Patience, merged, tag_changes, tag_map};
use super::{
    Context, Existing, Failure, Kind, Made, Property, ResourceType, Tagging, at, pick, text,
};

const CODE: Kind = Kind::Object(&[
    ("ImageUri", Kind::Text),
    ("S3Bucket", Kind::Text),
    ("S3Key", Kind::Text),
    ("S3ObjectVersion", Kind::Text),
    ("ZipFile", Kind::Text),
]);
const VPC: Kind = Kind::Object(&[
    ("SubnetIds", Kind::List(&Kind::Text)),
    ("SecurityGroupIds", Kind::List(&Kind::Text)),
    ("Ipv6AllowedForDualStack", Kind::Boolean),
]);
const LOGGING: Kind = Kind::Object(&[
    ("ApplicationLogLevel", Kind::Text),
    ("LogFormat", Kind::Text),
    ("LogGroup", Kind::Text),
    ("SystemLogLevel", Kind::Text),
]);

const DURABLE: Kind =
    Kind::Object(&[("ExecutionTimeout", Kind::Integer), ("RetentionPeriodInDays", Kind::Integer)]);
const IMAGE: Kind = Kind::Object(&[
    ("Command", Kind::List(&Kind::Text)),
    ("EntryPoint", Kind::List(&Kind::Text)),
    ("WorkingDirectory", Kind::Text),
]);
const TENANCY: Kind = Kind::Object(&[("TenantIsolationMode", Kind::Text)]);

/// The members of `UpdateFunctionConfiguration`.
const CONFIGURATION: [&str; 17] = [
    "DeadLetterConfig",
    "Description",
    "DurableConfig",
    "Environment",
    "EphemeralStorage",
    "Handler",
    "ImageConfig",
    "KMSKeyArn",
    "Layers",
    "LoggingConfig",
    "MemorySize",
    "Role",
    "Runtime",
    "SnapStart",
    "Timeout",
    "TracingConfig",
    "VpcConfig",
];

const RUNTIMES: Kind =
    Kind::Object(&[("RuntimeVersionArn", Kind::Text), ("UpdateRuntimeOn", Kind::Text)]);

pub(super) struct Function;

#[async_trait]
impl ResourceType for Function {
    fn properties(&self) -> &'static [Property] {
        const PROPERTIES: &[Property] = &[
            Property::new("Architectures", Kind::List(&Kind::Text)),
            Property::new("Code", CODE).required(),
            Property::new("CodeSigningConfigArn", Kind::Text),
            Property::new("DeadLetterConfig", Kind::Object(&[("TargetArn", Kind::Text)])),
            Property::new("Description", Kind::Text),
            Property::new("DurableConfig", DURABLE),
            Property::new("Environment", Kind::Object(&[("Variables", Kind::Map(&Kind::Text))])),
            Property::new("EphemeralStorage", Kind::Object(&[("Size", Kind::Integer)])),
            Property::new("FunctionName", Kind::Text).replaces(),
            Property::new("Handler", Kind::Text),
            Property::new("ImageConfig", IMAGE),
            Property::new("KmsKeyArn", Kind::Text),
            Property::new("Layers", Kind::List(&Kind::Text)),
            Property::new("LoggingConfig", LOGGING),
            Property::new("MemorySize", Kind::Integer),
            Property::new("PackageType", Kind::Text).replaces(),
            Property::new("ReservedConcurrentExecutions", Kind::Integer),
            Property::new("Role", Kind::Text).required(),
            Property::new("Runtime", Kind::Text),
            Property::new("RuntimeManagementConfig", RUNTIMES),
            Property::new("SnapStart", Kind::Object(&[("ApplyOn", Kind::Text)])),
            Property::new("Tags", Kind::Tags),
            Property::new("TenancyConfig", TENANCY).replaces(),
            Property::new("Timeout", Kind::Integer),
            Property::new("TracingConfig", Kind::Object(&[("Mode", Kind::Text)])),
            Property::new("VpcConfig", VPC),
        ];
        PROPERTIES
    }

    fn tagging(&self) -> Tagging {
        Tagging::System
    }

    fn name_property(&self) -> Option<&'static str> {
        Some("FunctionName")
    }

    async fn create(
        &self,
        context: &Context,
        wanted: &Map<String, Value>,
    ) -> Result<Made, Failure> {
        let name =
            text(wanted, "FunctionName").map_or_else(|| context.physical_name(64), str::to_owned);
        let mut input = configuration(wanted);
        input.extend(pick(
            wanted,
            &["Architectures", "CodeSigningConfigArn", "PackageType", "TenancyConfig"],
        ));
        input.insert("FunctionName".to_owned(), name.clone().into());
        input.insert("Code".to_owned(), code(wanted)?.into());
        let tags = context.tags(wanted.get("Tags"), self.tagging());
        input.insert("Tags".to_owned(), tag_map(&tags));
        let answer = context.call(Lambda, "CreateFunction", input.into()).await?;
        let made = Made::new(name.clone()).with("Arn", at(&answer, "/FunctionArn"));
        context.initiated(&made);
        active(context, &name).await?;
        concurrency(context, &name, wanted).await?;
        runtimes(context, &name, wanted).await?;
        Ok(made)
    }

    async fn update(
        &self,
        context: &Context,
        current: &Existing,
        wanted: &Map<String, Value>,
    ) -> Result<Made, Failure> {
        let name = &current.made.physical_id;
        let old = &current.properties;
        let differs = |property: &str| old.get(property) != wanted.get(property);
        if configuration(old) != configuration(wanted) {
            let mut input = reset(old, wanted);
            input.extend(configuration(wanted));
            input.insert("FunctionName".to_owned(), name.clone().into());
            context.call(Lambda, "UpdateFunctionConfiguration", input.into()).await?;
            active(context, name).await?;
        }
        if differs("Code") || differs("Architectures") {
            let mut input = code(wanted)?;
            input.extend(pick(wanted, &["Architectures"]));
            input.insert("FunctionName".to_owned(), name.clone().into());
            context.call(Lambda, "UpdateFunctionCode", input.into()).await?;
            active(context, name).await?;
        }
        if differs("ReservedConcurrentExecutions") {
            if wanted.contains_key("ReservedConcurrentExecutions") {
                concurrency(context, name, wanted).await?;
            } else {
                let input = json!({"FunctionName": name});
                context.call(Lambda, "DeleteFunctionConcurrency", input).await?;
            }
        }
        if differs("CodeSigningConfigArn") {
            let mut input = pick(wanted, &["CodeSigningConfigArn"]);
            let operation = match input.is_empty() {
                true => "DeleteFunctionCodeSigningConfig",
                false => "PutFunctionCodeSigningConfig",
            };
            input.insert("FunctionName".to_owned(), name.clone().into());
            context.call(Lambda, operation, input.into()).await?;
        }
        if differs("RuntimeManagementConfig") {
            let own = || json!({"RuntimeManagementConfig": {"UpdateRuntimeOn": "Auto"}});
            match wanted.contains_key("RuntimeManagementConfig") {
                true => runtimes(context, name, wanted).await?,
                false => runtimes(context, name, own().as_object().unwrap_or(wanted)).await?,
            }
        }
        let arn = at(&Value::Object(current.made.attributes.clone()), "/Arn").to_owned();
        let (set, removed) = tag_changes(
            &merged(old.get("Tags"), &current.stack_tags),
            &merged(wanted.get("Tags"), &context.stack_tags),
        );
        if !set.is_empty() {
            let input = json!({"Resource": arn, "Tags": tag_map(&set)});
            context.call(Lambda, "TagResource", input).await?;
        }
        if !removed.is_empty() {
            let input = json!({"Resource": arn, "TagKeys": removed});
            context.call(Lambda, "UntagResource", input).await?;
        }
        Ok(current.made.clone())
    }

    async fn delete(&self, context: &Context, current: &Existing) -> Result<(), Failure> {
        let input = json!({"FunctionName": current.made.physical_id});
        context.call(Lambda, "DeleteFunction", input.clone()).await?;
        // The handler's own check that it is gone (`handlers.delete` lists
        // `lambda:GetFunction`).
        let patience = Patience::with("the deleted function");
        loop {
            match context.call(Lambda, "GetFunction", input.clone()).await {
                Ok(_) => patience.wait().await?,
                Err(failure) if failure.not_found() => return Ok(()),
                Err(failure) => return Err(failure),
            }
        }
    }
}

/// The properties that are configuration, by the API's names.
fn configuration(properties: &Map<String, Value>) -> Map<String, Value> {
    let mut input = pick(properties, &CONFIGURATION);
    if let Some(key) = properties.get("KmsKeyArn") {
        input.insert("KMSKeyArn".to_owned(), key.clone());
    }
    input
}

/// What a template no longer mentions goes back to Lambda's own default.
fn reset(old: &Map<String, Value>, wanted: &Map<String, Value>) -> Map<String, Value> {
    [
        ("Description", json!("")),
        ("Environment", json!({"Variables": {}})),
        ("EphemeralStorage", json!({"Size": 512})),
        ("Layers", json!([])),
        ("MemorySize", json!(128)),
        ("SnapStart", json!({"ApplyOn": "None"})),
        ("Timeout", json!(3)),
        ("TracingConfig", json!({"Mode": "PassThrough"})),
        ("VpcConfig", json!({"SubnetIds": [], "SecurityGroupIds": []})),
        ("DeadLetterConfig", json!({"TargetArn": ""})),
    ]
    .into_iter()
    .filter(|(name, _)| old.contains_key(*name) && !wanted.contains_key(*name))
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}

/// Waits until the function can be invoked and changed.
async fn active(context: &Context, name: &str) -> Result<(), Failure> {
    let patience = Patience::with("the function");
    loop {
        let answer = context.call(Lambda, "GetFunction", json!({"FunctionName": name})).await?;
        let state = at(&answer, "/Configuration/State");
        let update = at(&answer, "/Configuration/LastUpdateStatus");
        if state == "Failed" {
            let reason = at(&answer, "/Configuration/StateReason");
            return Err(Failure::handler("NotStabilized", reason));
        }
        if update == "Failed" {
            let reason = at(&answer, "/Configuration/LastUpdateStatusReason");
            return Err(Failure::handler("NotStabilized", reason));
        }
        if state != "Pending" && update != "InProgress" {
            return Ok(());
        }
        patience.wait().await?;
    }
}

async fn concurrency(
    context: &Context,
    name: &str,
    wanted: &Map<String, Value>,
) -> Result<(), Failure> {
    if let Some(limit) = wanted.get("ReservedConcurrentExecutions") {
        let input = json!({"FunctionName": name, "ReservedConcurrentExecutions": limit});
        context.call(Lambda, "PutFunctionConcurrency", input).await?;
    }
    Ok(())
}

/// When Lambda takes newer versions of the runtime
/// (<https://docs.aws.amazon.com/lambda/latest/api/API_PutRuntimeManagementConfig.html>).
async fn runtimes(
    context: &Context,
    name: &str,
    wanted: &Map<String, Value>,
) -> Result<(), Failure> {
    if let Some(Value::Object(how)) = wanted.get("RuntimeManagementConfig") {
        let mut input = pick(how, &["RuntimeVersionArn", "UpdateRuntimeOn"]);
        input.insert("FunctionName".to_owned(), name.into());
        context.call(Lambda, "PutRuntimeManagementConfig", input.into()).await?;
    }
    Ok(())
}

/// The code as the API takes it: inline text becomes an archive with one
/// `index` file, as CloudFormation packs it; with the module by which functions
/// answer it, where the text names that
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cfn-lambda-function-code-cfnresponsemodule.html>).
fn code(properties: &Map<String, Value>) -> Result<Map<String, Value>, Failure> {
    let code = properties.get("Code").and_then(Value::as_object).cloned().unwrap_or_default();
    let Some(source) = code.get("ZipFile").and_then(Value::as_str) else { return Ok(code) };
    let runtime = text(properties, "Runtime").unwrap_or_default();
    let (file, module) = match runtime {
        runtime if runtime.starts_with("python") => {
            ("index.py", ("cfnresponse", "cfnresponse.py", include_str!("cfnresponse.py")))
        }
        runtime if runtime.starts_with("nodejs") => {
            let path = "node_modules/cfn-response.js";
            ("index.js", ("cfn-response", path, include_str!("cfnresponse.js")))
        }
        _ => {
            return Err(Failure::handler(
                "InvalidRequest",
                format!("ZipFile can only be used with Node.js and Python runtimes, not {runtime}"),
            ));
        }
    };
    let mut files = vec![(file, source)];
    let (name, path, text) = module;
    if source.contains(name) {
        files.push((path, text));
    }
    let archive =
        archive(&files).map_err(|cause| Failure::handler("InternalFailure", cause.to_string()))?;
    Ok([("ZipFile".to_owned(), STANDARD.encode(archive).into())].into_iter().collect())
}

fn archive(files: &[(&str, &str)]) -> Result<Vec<u8>, zip::result::ZipError> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (file, source) in files {
        archive.start_file(*file, SimpleFileOptions::default())?;
        archive.write_all(source.as_bytes())?;
    }
    Ok(archive.finish()?.into_inner())
}
