//! The configuration that `CreateFunction` and `UpdateFunctionConfiguration`
//! ask for, checked against AWS's limits.

use std::sync::Arc;

use ringfence_wire::{Call, ServiceError};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use crate::lambda::error::{invalid, validation};
use crate::lambda::layers::mount::Layered;
use crate::lambda::layers::store::Published;
use crate::lambda::store::configuration::{Configuration, LogFormat, Logging};

use crate::lambda::api::input::{integer, text_map, texts};
use crate::lambda::api::limits::{check_built, check_runtime, check_variables};
use crate::lambda::name::summary;
use crate::setting::Setting;

const ROLE_PATTERN: &str = r"arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+";

/// Members of which AWS knows the values: where they stand, how they are called in
/// its messages, and the values in its order.
const CHOICES: [(&[&str], &str, &[&str]); 3] = [
    (&["TracingConfig", "Mode"], "tracingConfig.mode", &["Active", "PassThrough"]),
    (&["SnapStart", "ApplyOn"], "snapStart.applyOn", &["PublishedVersions", "None"]),
    (&["PackageType"], "packageType", &["Image", "Zip"]),
];

/// What a call asks for; `None` where it says nothing.
#[derive(Debug, Default)]
pub(in crate::lambda) struct Change {
    region: String,
    runtime: Option<String>,
    handler: Option<String>,
    pub(in crate::lambda) role: Option<String>,
    description: Option<String>,
    timeout_seconds: Option<u32>,
    memory_mb: Option<u32>,
    ephemeral_storage_mb: Option<u32>,
    tracing_mode: Option<String>,
    variables: Option<Vec<(String, String)>>,
    logging: Option<Value>,
    pub(in crate::lambda) vpc: Option<VpcRequest>,
    declared: Map<String, Value>,
    image_config: Option<Map<String, Value>>,
    snap_start: Option<bool>,
    /// Empty where there are to be none.
    pub(in crate::lambda) dead_letters: Option<String>,
    /// Found apart from what is read of the call.
    pub(in crate::lambda) layers: Option<Vec<Arc<Published>>>,
}

/// The network that a call asks for: nothing in it takes the function out of
/// its network.
#[derive(Debug, Default)]
pub(in crate::lambda) struct VpcRequest {
    pub(in crate::lambda) subnet_ids: Vec<String>,
    pub(in crate::lambda) security_group_ids: Vec<String>,
    pub(in crate::lambda) ipv6: bool,
}

impl Change {
    /// Reads and checks a call.
    ///
    /// # Errors
    /// AWS's, for what is outside its limits; `NotImplementedException` for
    /// what is not built here.
    pub(in crate::lambda) fn read(call: &Call, setting: &Setting) -> Result<Self, ServiceError> {
        let mut constraints = Constraints::default();
        let memory_mb = constraints.number(call, "MemorySize", "memorySize", 128, 10_240)?;
        let timeout_seconds = constraints.number(call, "Timeout", "timeout", 1, 900)?;
        let storage = call.input.get("EphemeralStorage").and_then(|it| it.get("Size"));
        let ephemeral_storage_mb = match storage {
            None => None,
            Some(size) => constraints.within(
                size.as_i64().ok_or_else(|| validation("unexpected type of `Size`"))?,
                "ephemeralStorage.size",
                512,
                10_240,
            ),
        };
        constraints.text(call, "Handler", "handler", 128, r"[^\s]+", |handler| {
            !handler.is_empty() && !handler.contains(char::is_whitespace)
        });
        constraints.text(call, "Description", "description", 256, "", |_| true);
        constraints.text(call, "Role", "role", 10_000, ROLE_PATTERN, is_role);
        let tracing_mode = call
            .input
            .get("TracingConfig")
            .and_then(|it| it.get("Mode"))
            .and_then(Value::as_str)
            .map(str::to_owned);
        let snap_start = call.input.get("SnapStart").and_then(|it| it.get("ApplyOn"));
        for (path, label, values) in CHOICES {
            let mut given = path.iter();
            let first = given.next().and_then(|name| call.input.get(*name));
            let given = given.try_fold(first, |value, name| Some(value?.get(*name))).flatten();
            if let Some(given) = given.and_then(Value::as_str)
                && !values.contains(&given)
            {
                let rule = format!("Member must satisfy enum value set: [{}]", values.join(", "));
                constraints.fail(given, label, &rule);
            }
        }
        constraints.finish()?;
        let runtime = call.text("Runtime").map(str::to_owned);
        if let Some(runtime) = runtime.as_deref() {
            check_runtime(runtime)?;
        }
        let variables = match call.input.get("Environment") {
            None | Some(Value::Null) => None,
            Some(it) => {
                Some(text_map(it.get("Variables"), "Environment.Variables")?.unwrap_or_default())
            }
        };
        check_variables(variables.as_deref().unwrap_or_default())?;
        check_built(call)?;
        Ok(Self {
            region: setting.region.clone(),
            runtime,
            handler: call.text("Handler").map(str::to_owned),
            role: call.text("Role").map(str::to_owned),
            description: call.text("Description").map(str::to_owned),
            timeout_seconds,
            memory_mb,
            ephemeral_storage_mb,
            tracing_mode,
            variables,
            logging: call.input.get("LoggingConfig").filter(|it| !it.is_null()).cloned(),
            vpc: VpcRequest::read(call.input.get("VpcConfig"))?,
            declared: declared(call),
            image_config: call.input.get("ImageConfig").and_then(Value::as_object).cloned(),
            snap_start: snap_start.and_then(Value::as_str).map(|it| it == "PublishedVersions"),
            dead_letters: call
                .input
                .get("DeadLetterConfig")
                .and_then(|it| it.get("TargetArn"))
                .and_then(Value::as_str)
                .map(str::to_owned),
            layers: None,
        })
    }

    /// That a new function has what every function needs.
    ///
    /// # Errors
    /// AWS's.
    pub(in crate::lambda) fn check_new(&self, is_image: bool) -> Result<(), ServiceError> {
        if !is_image && (self.runtime.is_none() || self.handler.is_none()) {
            return Err(invalid(
                "Runtime and Handler are mandatory parameters for functions created with \
                 deployment packages.",
            ));
        }
        if self.role.is_none() {
            return Err(validation(
                "1 validation error detected: Value null at 'role' failed to satisfy constraint: \
                 Member must not be null",
            ));
        }
        Ok(())
    }

    /// Applies the change; the network is resolved apart from it.
    ///
    /// # Errors
    /// For a logging configuration that does not hold together.
    pub(in crate::lambda) fn apply(self, to: &mut Configuration) -> Result<(), ServiceError> {
        fn set<T>(to: &mut T, from: Option<T>) {
            if let Some(value) = from {
                *to = value;
            }
        }
        if let Some(runtime) = self.runtime {
            to.runtime_version = runtime_version(&self.region, &runtime);
            to.runtime = runtime;
        }
        set(&mut to.handler, self.handler);
        set(&mut to.role, self.role);
        set(&mut to.description, self.description);
        set(&mut to.timeout_seconds, self.timeout_seconds);
        set(&mut to.memory_mb, self.memory_mb);
        set(&mut to.ephemeral_storage_mb, self.ephemeral_storage_mb);
        set(&mut to.tracing_mode, self.tracing_mode);
        // An empty environment stays, and is shown (LocalStack's
        // test_function_lifecycle, recorded on AWS).
        if self.variables.is_some() {
            to.variables = self.variables;
        }
        to.declared.extend(self.declared);
        set(&mut to.snap_start, self.snap_start);
        match (&mut to.image, self.image_config) {
            (Some(image), Some(config)) => image.config = config,
            (None, Some(config)) if !config.is_empty() => {
                return Err(invalid(
                    "ImageConfig is not supported for functions of packageType Zip.",
                ));
            }
            _ => {}
        }
        if let Some(arn) = self.dead_letters {
            to.dead_letters = Some(arn).filter(|it| !it.is_empty());
        }
        if let Some(layers) = self.layers {
            to.layers = Arc::new(Layered::new(layers));
        }
        if let Some(logging) = self.logging {
            apply_logging(&logging, &mut to.logging)?;
        }
        Ok(())
    }
}

/// What a function is beside what is run here: durable executions, tenants.
fn declared(call: &Call) -> Map<String, Value> {
    ["DurableConfig", "TenancyConfig"]
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), call.input.get(name)?.clone())))
        .filter(|(_, value)| value.as_object().is_some_and(|it| !it.is_empty()))
        .collect()
}

impl VpcRequest {
    fn read(value: Option<&Value>) -> Result<Option<Self>, ServiceError> {
        let Some(value) = value.filter(|value| !value.is_null()) else { return Ok(None) };
        let request = Self {
            subnet_ids: texts(value.get("SubnetIds"), "SubnetIds")?,
            security_group_ids: texts(value.get("SecurityGroupIds"), "SecurityGroupIds")?,
            ipv6: value.get("Ipv6AllowedForDualStack").and_then(Value::as_bool).unwrap_or(false),
        };
        let mut constraints = Constraints::default();
        // The patterns: LocalStack's test_invalid_vpc_config_subnet and
        // test_invalid_vpc_config_security_group, recorded on AWS.
        let (subnets, groups) = (&request.subnet_ids, &request.security_group_ids);
        let is_subnet: fn(&str) -> bool = is_subnet;
        let rules = [
            (subnets, "vpcConfig.subnetIds", is_subnet, "subnet-[0-9a-z]*", 16),
            (groups, "vpcConfig.securityGroupIds", is_group, "sg-[0-9a-zA-Z]*", 5),
        ];
        for (ids, member, fits, pattern, most) in rules {
            let shown = format!("[{}]", ids.join(", "));
            if ids.len() > most {
                let bound = format!("Member must have length less than or equal to {most}");
                constraints.fail(&shown, member, &bound);
            }
            if !ids.iter().all(|it| fits(it)) {
                constraints.fail(
                    &shown,
                    member,
                    &format!(
                        "Member must satisfy constraint: [Member must have length less than or \
                         equal to 1024, Member must have length greater than or equal to 0, Member \
                         must satisfy regular expression pattern: {pattern}]"
                    ),
                );
            }
        }
        constraints.finish()?;
        if request.subnet_ids.is_empty() != request.security_group_ids.is_empty() {
            return Err(invalid("SubnetIds and SecurityIds must coexist or be both empty list."));
        }
        Ok(Some(request))
    }
}

fn is_subnet(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    text.strip_prefix("subnet-").is_some_and(|id| id.bytes().all(fits))
}

fn is_group(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric();
    text.strip_prefix("sg-").is_some_and(|id| id.bytes().all(fits))
}

/// The constraints of the model, gathered into one message.
#[derive(Debug, Default)]
struct Constraints(Vec<String>);

impl Constraints {
    fn fail(&mut self, value: &str, member: &str, constraint: &str) {
        self.0.push(format!(
            "Value '{value}' at '{member}' failed to satisfy constraint: {constraint}"
        ));
    }

    fn number(
        &mut self,
        call: &Call,
        member: &str,
        shown: &str,
        least: u32,
        most: u32,
    ) -> Result<Option<u32>, ServiceError> {
        Ok(integer(call, member)?.and_then(|value| self.within(value, shown, least, most)))
    }

    fn within(&mut self, value: i64, shown: &str, least: u32, most: u32) -> Option<u32> {
        match u32::try_from(value) {
            Ok(fits) if (least..=most).contains(&fits) => Some(fits),
            _ => {
                let (side, bound) =
                    if value < i64::from(least) { ("greater", least) } else { ("less", most) };
                let constraint = format!("Member must have value {side} than or equal to {bound}");
                self.fail(&value.to_string(), shown, &constraint);
                None
            }
        }
    }

    fn text(
        &mut self,
        call: &Call,
        member: &str,
        shown: &str,
        longest: usize,
        pattern: &str,
        fits: impl Fn(&str) -> bool,
    ) {
        let Some(text) = call.text(member) else { return };
        if text.chars().count() > longest {
            let bound = format!("Member must have length less than or equal to {longest}");
            self.fail(text, shown, &bound);
        }
        if !fits(text) {
            let bound = format!("Member must satisfy regular expression pattern: {pattern}");
            self.fail(text, shown, &bound);
        }
    }

    fn finish(self) -> Result<(), ServiceError> {
        summary(&self.0).map_or(Ok(()), |message| Err(validation(message)))
    }
}

/// The ARN of a runtime's version. AWS's ids are hashes that it publishes
/// nowhere; these are of the same form, and each runtime keeps its own.
fn runtime_version(region: &str, runtime: &str) -> String {
    let partition = ringfence_models::Partition::of_region(region);
    format!("arn:{partition}:lambda:{region}::runtime:{}", hex::encode(Sha256::digest(runtime)))
}

fn is_role(arn: &str) -> bool {
    let mut parts = arn.splitn(6, ':');
    let mut next = || parts.next().unwrap_or_default();
    next() == "arn"
        && next().starts_with("aws")
        && next() == "iam"
        && next().is_empty()
        && {
            let account = next();
            account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit())
        }
        && next().strip_prefix("role").is_some_and(|name| {
            name.len() > 1
                && name.chars().all(|c| c.is_ascii_alphanumeric() || "+=,.@-_/".contains(c))
        })
}

fn apply_logging(wanted: &Value, to: &mut Logging) -> Result<(), ServiceError> {
    let text = |field: &str| wanted.get(field).and_then(Value::as_str);
    if let Some(group) = text("LogGroup") {
        let fits = |c: char| c.is_ascii_alphanumeric() || ".-_/#".contains(c);
        if group.is_empty() || group.len() > 512 || !group.chars().all(fits) {
            return Err(validation(format!(
                "1 validation error detected: Value '{group}' at 'loggingConfig.logGroup' failed \
                 to satisfy constraint: Member must satisfy regular expression pattern: \
                 [\\.\\-_/#A-Za-z0-9]+"
            )));
        }
        group.clone_into(&mut to.group);
    }
    let levels = (text("ApplicationLogLevel"), text("SystemLogLevel"));
    match text("LogFormat") {
        Some("Text") => to.format = LogFormat::Text,
        Some("JSON") if !matches!(to.format, LogFormat::Json { .. }) => {
            to.format = LogFormat::Json {
                application_level: "INFO".to_owned(),
                system_level: "INFO".to_owned(),
            };
        }
        None | Some("JSON") => {}
        Some(other) => {
            return Err(validation(format!(
                "1 validation error detected: Value '{other}' at 'loggingConfig.logFormat' failed \
                 to satisfy constraint: Member must satisfy enum value set: [JSON, Text]"
            )));
        }
    }
    match (&mut to.format, levels) {
        (LogFormat::Text, (None, None)) => Ok(()),
        (LogFormat::Text, _) => Err(invalid(
            "LogLevel is not supported when LogFormat is set to \"Text\". Remove LogLevel from \
             your request or change the LogFormat to \"JSON\" and try again.",
        )),
        (LogFormat::Json { application_level, system_level }, (application, system)) => {
            if let Some(level) = application {
                level.clone_into(application_level);
            }
            if let Some(level) = system {
                level.clone_into(system_level);
            }
            Ok(())
        }
    }
}
