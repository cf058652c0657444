//! A version's configuration, and how the API shows it.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::lambda::layers;
use crate::lambda::layers::mount::Layered;
use crate::lambda::name::LATEST;
use crate::lambda::store::code::Code;
use crate::lambda::store::image::Image;

/// What a function runs, and with what. A change makes a new one: environments
/// belong to one configuration by its `generation`.
#[derive(Debug, Clone)]
pub(in crate::lambda) struct Configuration {
    pub(in crate::lambda) generation: Uuid,
    pub(in crate::lambda) function_name: String,
    pub(in crate::lambda) runtime: String,
    /// The ARN of the runtime's version.
    pub(in crate::lambda) runtime_version: String,
    pub(in crate::lambda) handler: String,
    pub(in crate::lambda) role: String,
    pub(in crate::lambda) description: String,
    pub(in crate::lambda) timeout_seconds: u32,
    pub(in crate::lambda) memory_mb: u32,
    pub(in crate::lambda) ephemeral_storage_mb: u32,
    pub(in crate::lambda) architecture: String,
    pub(in crate::lambda) tracing_mode: String,
    /// `None` where the function never had an `Environment`.
    pub(in crate::lambda) variables: Option<Vec<(String, String)>>,
    /// `None` where the function never had a `VpcConfig`.
    pub(in crate::lambda) vpc: Option<VpcConfig>,
    pub(in crate::lambda) logging: Logging,
    pub(in crate::lambda) layers: Arc<Layered>,
    /// Members that are kept and shown; who has one is not run here.
    pub(in crate::lambda) declared: Map<String, Value>,
    /// Whether published versions start from a snapshot on AWS. Here they start
    /// as all do.
    pub(in crate::lambda) snap_start: bool,
    /// The image that stands in the place of an archive. Who has one is not run here.
    pub(in crate::lambda) image: Option<Image>,
    /// Where events go that a function failed at: the ARN of a queue or a topic.
    pub(in crate::lambda) dead_letters: Option<String>,
    pub(in crate::lambda) code: Arc<Code>,
}

/// The network that a function is attached to; all empty after a detachment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::lambda) struct VpcConfig {
    pub(in crate::lambda) vpc_id: String,
    pub(in crate::lambda) subnet_ids: Vec<String>,
    pub(in crate::lambda) security_group_ids: Vec<String>,
    pub(in crate::lambda) ipv6: bool,
}

/// Where and how a function logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::lambda) struct Logging {
    pub(in crate::lambda) group: String,
    pub(in crate::lambda) format: LogFormat,
}

/// The format of a function's logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::lambda) enum LogFormat {
    /// Lines as they come.
    Text,
    /// One object a line.
    Json {
        /// The least level of the function's own lines.
        application_level: String,
        /// The least level of the platform's lines.
        system_level: String,
    },
}

/// A published version, or `$LATEST`.
#[derive(Debug, Clone)]
pub(in crate::lambda) struct Version {
    /// `$LATEST` or a number.
    pub(in crate::lambda) version: String,
    pub(in crate::lambda) configuration: Arc<Configuration>,
    pub(in crate::lambda) revision_id: Uuid,
    /// As the API prints it.
    pub(in crate::lambda) last_modified: String,
    pub(in crate::lambda) state: State,
    pub(in crate::lambda) last_update: LastUpdate,
}

/// Whether a version can be invoked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::lambda) enum State {
    Pending,
    Active,
    Failed { code: &'static str, reason: String },
}

impl State {
    pub(in crate::lambda) fn name(&self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Active => "Active",
            Self::Failed { .. } => "Failed",
        }
    }
}

/// How the last change of a version went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::lambda) enum LastUpdate {
    /// Nothing is shown while a function is created.
    None,
    Successful,
    InProgress,
    Failed {
        code: &'static str,
        reason: String,
    },
}

/// AWS's reason for both a creation and an update.
const CREATING: &str = "The function is being created.";

impl Version {
    /// The version as `GetFunctionConfiguration` shows it under `arn`.
    pub(in crate::lambda) fn show(&self, arn: &str) -> Value {
        let mut shown = self.show_listed(arn);
        if self.configuration.image.is_none() {
            let runtime = json!({ "RuntimeVersionArn": self.configuration.runtime_version });
            shown.insert("RuntimeVersionConfig".to_owned(), runtime);
        }
        let mut put = |name: &str, value: &str| {
            shown.insert(name.to_owned(), Value::String(value.to_owned()));
        };
        put("State", self.state.name());
        match &self.state {
            State::Pending => {
                put("StateReason", CREATING);
                put("StateReasonCode", "Creating");
            }
            State::Failed { code, reason } => {
                put("StateReason", reason);
                put("StateReasonCode", code);
            }
            State::Active => {}
        }
        match &self.last_update {
            LastUpdate::None => {}
            LastUpdate::Successful => put("LastUpdateStatus", "Successful"),
            LastUpdate::InProgress => {
                put("LastUpdateStatus", "InProgress");
                put("LastUpdateStatusReason", CREATING);
                put("LastUpdateStatusReasonCode", "Creating");
            }
            LastUpdate::Failed { code, reason } => {
                put("LastUpdateStatus", "Failed");
                put("LastUpdateStatusReason", reason);
                put("LastUpdateStatusReasonCode", code);
            }
        }
        Value::Object(shown)
    }

    /// The version as lists show it: without its states and its runtime's
    /// version (LocalStack's test_list_functions, recorded on AWS).
    pub(in crate::lambda) fn show_listed(&self, arn: &str) -> Map<String, Value> {
        let it = &*self.configuration;
        let mut shown = Map::new();
        let mut put = |name: &str, value: Value| {
            shown.insert(name.to_owned(), value);
        };
        put("FunctionName", json!(it.function_name));
        put("FunctionArn", json!(arn));
        put("Role", json!(it.role));
        match &it.image {
            None => {
                put("Runtime", json!(it.runtime));
                put("Handler", json!(it.handler));
                put("PackageType", json!("Zip"));
            }
            Some(image) => {
                put("PackageType", json!("Image"));
                if !image.config.is_empty() {
                    let shown = json!({ "ImageConfig": image.config });
                    put("ImageConfigResponse", shown);
                }
            }
        }
        put("CodeSize", json!(it.code.size));
        put("Description", json!(it.description));
        put("Timeout", json!(it.timeout_seconds));
        put("MemorySize", json!(it.memory_mb));
        put("LastModified", json!(self.last_modified));
        put("CodeSha256", json!(it.code.sha256));
        put("Version", json!(self.version));
        if let Some(vpc) = &it.vpc {
            put(
                "VpcConfig",
                json!({
                    "SubnetIds": vpc.subnet_ids,
                    "SecurityGroupIds": vpc.security_group_ids,
                    "VpcId": vpc.vpc_id,
                    "Ipv6AllowedForDualStack": vpc.ipv6,
                }),
            );
        }
        if let Some(variables) = &it.variables {
            let variables: Map<String, Value> =
                variables.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
            put("Environment", json!({ "Variables": variables }));
        }
        if !it.layers.layers.is_empty() {
            put("Layers", layers::show(&it.layers.layers));
        }
        put("TracingConfig", json!({ "Mode": it.tracing_mode }));
        put("RevisionId", json!(self.revision_id.to_string()));
        put("Architectures", json!([it.architecture]));
        put("EphemeralStorage", json!({ "Size": it.ephemeral_storage_mb }));
        // https://docs.aws.amazon.com/lambda/latest/api/API_SnapStartResponse.html
        let apply_on = if it.snap_start { "PublishedVersions" } else { "None" };
        let is_on = it.snap_start && self.version != LATEST;
        let status = if is_on { "On" } else { "Off" };
        put("SnapStart", json!({ "ApplyOn": apply_on, "OptimizationStatus": status }));
        put("LoggingConfig", it.logging.show());
        if let Some(arn) = &it.dead_letters {
            shown.insert("DeadLetterConfig".to_owned(), json!({ "TargetArn": arn }));
        }
        shown.extend(it.declared.clone());
        shown
    }
}

impl Logging {
    fn show(&self) -> Value {
        match &self.format {
            LogFormat::Text => json!({ "LogFormat": "Text", "LogGroup": self.group }),
            LogFormat::Json { application_level, system_level } => json!({
                "LogFormat": "JSON",
                "ApplicationLogLevel": application_level,
                "SystemLogLevel": system_level,
                "LogGroup": self.group,
            }),
        }
    }
}
