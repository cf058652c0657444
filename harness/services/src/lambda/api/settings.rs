//! What hangs on a function besides its code: tags, reserved concurrency, how
//! asynchronous invocations are retried, and the settings that clients only
//! read.

use std::collections::BTreeMap;

use ringfence_wire::{Call, Reply, ServiceError};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use crate::lambda::Lambda;
use crate::lambda::api::input::{integer, text_map, texts};
use crate::lambda::api::page::page;
use crate::lambda::error::{invalid, not_built, not_found, untyped, validation};
use crate::lambda::execute::destination::Destinations;
use crate::lambda::name::{LATEST, Name, qualified};
use crate::lambda::store::functions::{EventInvoke, Function, RuntimeUpdates};

/// AWS's limit of tags on a function.
const MOST_TAGS: usize = 50;
/// What an account may run at once, and what must stay unreserved (AWS's
/// defaults).
pub(in crate::lambda) const ACCOUNT_CONCURRENCY: u32 = 1000;
const LEAST_UNRESERVED: u32 = 100;
const TAGGABLE: &str = r"arn:(aws[a-zA-Z-]*):lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}:(function:[a-zA-Z0-9-_]+(:(\$LATEST|[a-zA-Z0-9-_]+))?|layer:([a-zA-Z0-9-_]+)|code-signing-config:csc-[a-z0-9]{17}|event-source-mapping:[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}|capacity-provider:[a-zA-Z0-9-_]+)";

impl Lambda {
    pub(in crate::lambda) fn tag_resource(&self, call: &Call) -> Result<Reply, ServiceError> {
        let tags = text_map(call.input.get("Tags"), "Tags")?.unwrap_or_default();
        if tags.is_empty() {
            return Err(invalid("An error occurred and the request cannot be processed."));
        }
        self.with_tags(call, |present| {
            let mut all = present.clone();
            check_keys(tags.iter().map(|(key, _)| key))?;
            all.extend(tags);
            check_tags(&all)?;
            *present = all;
            Ok(Reply::empty().with_status(204))
        })
    }

    pub(in crate::lambda) fn untag_resource(&self, call: &Call) -> Result<Reply, ServiceError> {
        let keys = texts(call.input.get("TagKeys"), "TagKeys")?;
        if keys.is_empty() {
            return Err(validation(
                "1 validation error detected: Value null at 'tagKeys' failed to satisfy \
                 constraint: Member must not be null",
            ));
        }
        self.with_tags(call, |tags| {
            tags.retain(|key, _| !keys.contains(key));
            Ok(Reply::empty().with_status(204))
        })
    }

    pub(in crate::lambda) fn list_tags(&self, call: &Call) -> Result<Reply, ServiceError> {
        self.with_tags(call, |tags| Ok(Reply::fields(json!({ "Tags": tags }))))
    }

    /// Looks at the tags of a function or an event source mapping; a function
    /// whose tags change gets a new revision.
    fn with_tags<T>(
        &self,
        call: &Call,
        look: impl FnOnce(&mut BTreeMap<String, String>) -> Result<T, ServiceError>,
    ) -> Result<T, ServiceError> {
        let resource = call.text("Resource").unwrap_or_default();
        let setting = &self.setting;
        let partition = setting.partition();
        let own = format!("arn:{partition}:lambda:{}:{}:", setting.region, setting.account_id);
        let rest = resource.strip_prefix(&own).unwrap_or_default();
        if let Some(uuid) = rest.strip_prefix("event-source-mapping:").filter(|it| is_uuid(it)) {
            return self
                .with_mapping_tags(uuid, look)
                .unwrap_or_else(|| Err(no_taggable(resource, rest)));
        }
        let Some(function) = rest.strip_prefix("function:").filter(|it| is_function(it)) else {
            return Err(no_taggable(resource, rest));
        };
        if function.contains(':') {
            return Err(invalid(
                "Tags on function aliases and versions are not supported. Please specify a \
                 function ARN.",
            ));
        }
        let name = Name { function: function.to_owned(), qualifier: None };
        self.store.with(&name, resource, |function| {
            let before = function.tags.clone();
            let answer = look(&mut function.tags)?;
            if function.tags != before {
                function.touch(LATEST);
            }
            Ok(answer)
        })
    }

    pub(in crate::lambda) fn get_concurrency(&self, call: &Call) -> Result<Reply, ServiceError> {
        let name = Name::of(call, &self.setting)?;
        self.store.with(&name, &self.function_arn(&name), |function| {
            Ok(Reply::fields(show_concurrency(function)))
        })
    }

    pub(in crate::lambda) fn put_concurrency(&self, call: &Call) -> Result<Reply, ServiceError> {
        let name = self.unqualified(call)?;
        let wanted = integer(call, "ReservedConcurrentExecutions")?
            .and_then(|it| u32::try_from(it).ok())
            .ok_or_else(|| {
                validation(
                    "1 validation error detected: Value at 'reservedConcurrentExecutions' failed \
                     to satisfy constraint: Member must have value greater than or equal to 0",
                )
            })?;
        let mut functions = self.store.lock();
        let others: u32 = functions
            .iter()
            .filter(|(other, _)| **other != name.function)
            .filter_map(|(_, it)| it.reserved_concurrency)
            .sum();
        let function = functions.get_mut(&name.function).ok_or_else(|| {
            not_found(format!("Function not found: {}:{LATEST}", self.function_arn(&name)))
        })?;
        if others.saturating_add(wanted) > ACCOUNT_CONCURRENCY - LEAST_UNRESERVED {
            return Err(untyped(format!(
                "Specified ReservedConcurrentExecutions for function decreases account's \
                 UnreservedConcurrentExecution below its minimum value of [{LEAST_UNRESERVED}]."
            )));
        }
        function.reserved_concurrency = Some(wanted);
        Ok(Reply::fields(show_concurrency(function)))
    }

    pub(in crate::lambda) fn delete_concurrency(&self, call: &Call) -> Result<Reply, ServiceError> {
        let name = self.unqualified(call)?;
        self.store.with(&name, &self.function_arn(&name), |function| {
            function.reserved_concurrency = None;
            Ok(Reply::empty().with_status(204))
        })
    }

    fn unqualified(&self, call: &Call) -> Result<Name, ServiceError> {
        let name = Name::of(call, &self.setting)?;
        if name.qualifier.is_some() {
            return Err(invalid(
                "This operation is permitted on Lambda functions only. Aliases and versions do \
                 not support this operation. Please specify either a function name or an \
                 unqualified function ARN.",
            ));
        }
        Ok(name)
    }

    pub(in crate::lambda) fn put_event_invoke(
        &self,
        call: &Call,
        keep: bool,
    ) -> Result<Reply, ServiceError> {
        let name = Name::of(call, &self.setting)?;
        let attempts = bounded(call, "MaximumRetryAttempts", "maximumRetryAttempts", 0, 2)?;
        let age =
            bounded(call, "MaximumEventAgeInSeconds", "maximumEventAgeInSeconds", 60, 21_600)?;
        let wanted = call.input.get("DestinationConfig").filter(|it| !it.is_null());
        let wanted = wanted.map(Destinations::read);
        if attempts.is_none() && age.is_none() && wanted.is_none() {
            return Err(invalid(
                "You must specify at least one of error handling or destination setting.",
            ));
        }
        let gone = || not_found("The function doesn't exist.");
        let mut functions = self.store.lock();
        if let (Some(wanted), true) = (&wanted, functions.contains_key(&name.function)) {
            let exists = |other: &str| functions.contains_key(other);
            wanted.check(&name.function, &self.setting, exists)?;
        }
        let function = functions.get_mut(&name.function).ok_or_else(gone)?;
        function.check_qualifier(name.qualifier.as_deref()).map_err(|_| gone())?;
        let arn = function.arn.clone();
        let qualifier = name.qualifier.as_deref().unwrap_or(LATEST);
        let present = function.event_invoke.get(qualifier);
        if keep && present.is_none() {
            return Err(no_event_invoke(&arn, qualifier));
        }
        let present = present.filter(|_| keep);
        let config = EventInvoke {
            maximum_retry_attempts: attempts
                .or_else(|| present.and_then(|it| it.maximum_retry_attempts)),
            maximum_event_age_seconds: age
                .or_else(|| present.and_then(|it| it.maximum_event_age_seconds)),
            destinations: wanted
                .or_else(|| present.map(|it| it.destinations.clone()))
                .unwrap_or_default(),
            last_modified: epoch_seconds(self.setting.now()),
        };
        let shown = show_event_invoke(&config, &arn, qualifier);
        function.event_invoke.insert(qualifier.to_owned(), config);
        Ok(Reply::fields(shown))
    }

    pub(in crate::lambda) fn get_event_invoke(&self, call: &Call) -> Result<Reply, ServiceError> {
        let name = Name::of(call, &self.setting)?;
        let qualifier = name.qualifier.as_deref().unwrap_or(LATEST);
        let arn = self.function_arn(&name);
        let functions = self.store.lock();
        functions
            .get(&name.function)
            .and_then(|it| it.event_invoke.get(qualifier))
            .map(|config| Reply::fields(show_event_invoke(config, &arn, qualifier)))
            .ok_or_else(|| no_event_invoke(&arn, qualifier))
    }

    pub(in crate::lambda) fn delete_event_invoke(
        &self,
        call: &Call,
    ) -> Result<Reply, ServiceError> {
        let name = Name::of(call, &self.setting)?;
        let qualifier = name.qualifier.as_deref().unwrap_or(LATEST);
        let mut functions = self.store.lock();
        functions
            .get_mut(&name.function)
            .and_then(|it| it.event_invoke.remove(qualifier))
            .map(|_| Reply::empty().with_status(204))
            .ok_or_else(|| no_event_invoke(&self.function_arn(&name), qualifier))
    }

    pub(in crate::lambda) fn list_event_invoke(&self, call: &Call) -> Result<Reply, ServiceError> {
        let name = Name::of(call, &self.setting)?;
        let shown = {
            let functions = self.store.lock();
            let function = functions
                .get(&name.function)
                .ok_or_else(|| not_found("The function doesn't exist."))?;
            function
                .event_invoke
                .iter()
                .map(|(qualifier, config)| show_event_invoke(config, &function.arn, qualifier))
                .collect()
        };
        page(call, "FunctionEventInvokeConfigs", shown)
    }

    /// No function here has a signing configuration: `CreateFunction` refuses
    /// the ones that it is given.
    pub(in crate::lambda) fn get_code_signing(&self, call: &Call) -> Result<Reply, ServiceError> {
        let name = Name::of(call, &self.setting)?;
        self.store.with(&name, &self.function_arn(&name), |_| {
            Ok(Reply::fields(json!({ "FunctionName": name.function })))
        })
    }

    pub(in crate::lambda) fn get_recursion(&self, call: &Call) -> Result<Reply, ServiceError> {
        let name = Name::of(call, &self.setting)?;
        self.store.with(&name, &self.function_arn(&name), |function| {
            Ok(Reply::fields(json!({ "RecursiveLoop": function.recursive_loop })))
        })
    }

    pub(in crate::lambda) fn put_recursion(&self, call: &Call) -> Result<Reply, ServiceError> {
        let name = Name::of(call, &self.setting)?;
        let wanted = call.text("RecursiveLoop").unwrap_or_default();
        if !["Allow", "Terminate"].contains(&wanted) {
            return Err(validation(format!(
                "1 validation error detected: Value '{wanted}' at 'recursiveLoop' failed to \
                 satisfy constraint: Member must satisfy enum value set: [Terminate, Allow]"
            )));
        }
        self.store.with(&name, &self.function_arn(&name), |function| {
            wanted.clone_into(&mut function.recursive_loop);
            Ok(Reply::fields(json!({ "RecursiveLoop": wanted })))
        })
    }

    pub(in crate::lambda) fn get_runtime_management(
        &self,
        call: &Call,
    ) -> Result<Reply, ServiceError> {
        let name = Name::of(call, &self.setting)?;
        self.store.with(&name, &name.arn(&self.setting), |function| {
            let found = function.resolve(name.qualifier.as_deref())?;
            let own = function.runtime_updates.get(name.qualifier.as_deref().unwrap_or(LATEST));
            Ok(Reply::fields(match own {
                Some(own) => show_runtime_updates(own, &found.arn),
                None => json!({ "UpdateRuntimeOn": "Auto", "FunctionArn": found.arn }),
            }))
        })
    }

    /// One runtime runs here whatever its version: what is wanted is kept and shown
    /// (<https://docs.aws.amazon.com/lambda/latest/api/API_PutRuntimeManagementConfig.html>).
    pub(in crate::lambda) fn put_runtime_management(
        &self,
        call: &Call,
    ) -> Result<Reply, ServiceError> {
        let name = Name::of(call, &self.setting)?;
        let on = call.text("UpdateRuntimeOn").unwrap_or_default().to_owned();
        let arn = call.text("RuntimeVersionArn").map(str::to_owned);
        if !["Auto", "FunctionUpdate", "Manual"].contains(&on.as_str()) {
            return Err(validation(format!(
                "1 validation error detected: Value '{on}' at 'updateRuntimeOn' failed to \
                 satisfy constraint: Member must satisfy enum value set: [Auto, Manual, FunctionUpdate]"
            )));
        }
        // "Required if you're using the Manual runtime update mode", and of no other.
        if (on == "Manual") != arn.is_some() {
            return Err(invalid(
                "RuntimeVersionArn is given with the runtime update mode Manual, and with no other.",
            ));
        }
        let updates = RuntimeUpdates { on, arn };
        self.store.with(&name, &name.arn(&self.setting), |function| {
            let found = function.resolve(name.qualifier.as_deref())?;
            let shown = show_runtime_updates(&updates, &found.arn);
            let version = name.qualifier.clone().unwrap_or_else(|| LATEST.to_owned());
            function.runtime_updates.insert(version, updates.clone());
            Ok(Reply::fields(shown))
        })
    }

    pub(in crate::lambda) fn account_settings(&self) -> Reply {
        let functions = self.store.lock();
        let reserved: u32 = functions.values().filter_map(|it| it.reserved_concurrency).sum();
        let size: usize = functions
            .values()
            .flat_map(|it| it.versions.values().chain([&it.latest]))
            .map(|version| version.configuration.code.size)
            .chain(self.layers.sizes())
            .sum();
        Reply::fields(json!({
            "AccountLimit": {
                "TotalCodeSize": 80_530_636_800_u64,
                "CodeSizeUnzipped": 262_144_000,
                "CodeSizeZipped": 52_428_800,
                "ConcurrentExecutions": ACCOUNT_CONCURRENCY,
                "UnreservedConcurrentExecutions": ACCOUNT_CONCURRENCY.saturating_sub(reserved),
            },
            "AccountUsage": { "TotalCodeSize": size, "FunctionCount": functions.len() },
        }))
    }
}

/// That tags are within AWS's limits.
pub(in crate::lambda) fn check_tags(tags: &BTreeMap<String, String>) -> Result<(), ServiceError> {
    if tags.len() > MOST_TAGS {
        return Err(invalid("Number of tags exceeds resource tag limit."));
    }
    if tags.iter().any(|(key, value)| {
        key.is_empty() || key.chars().count() > 128 || value.chars().count() > 256
    }) {
        return Err(invalid("A tag's key has 1 to 128 characters and its value at most 256."));
    }
    Ok(())
}

/// That no tag is one of AWS's own; CloudFormation's callers are not asked.
pub(in crate::lambda) fn check_keys<'a>(
    mut keys: impl Iterator<Item = &'a String>,
) -> Result<(), ServiceError> {
    if keys.any(|key| key.to_ascii_lowercase().starts_with("aws:")) {
        return Err(invalid("aws: prefixed tag key names are not allowed for external use."));
    }
    Ok(())
}

fn is_uuid(id: &str) -> bool {
    id.len() == 36 && uuid::Uuid::parse_str(id).is_ok()
}

/// `NAME` or `NAME:QUALIFIER`.
fn is_function(text: &str) -> bool {
    let word = |text: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
    };
    match text.split_once(':') {
        None => word(text),
        Some((name, qualifier)) => word(name) && (qualifier == LATEST || word(qualifier)),
    }
}

/// AWS's answer for what is no function of this account and region (LocalStack's
/// TestLambdaTag::test_tag_exceptions, recorded on AWS). Capacity providers and
/// code signing configurations cannot be made here, so there is none.
fn no_taggable(resource: &str, rest: &str) -> ServiceError {
    let id = |prefix: &str| rest.strip_prefix(prefix).filter(|id| !id.is_empty());
    let is_word = |id: &str| id.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
    if id("event-source-mapping:").is_some_and(is_uuid) {
        return not_found(format!("Event source mapping not found: {resource}"));
    }
    if id("capacity-provider:").is_some_and(is_word) {
        return not_found(format!("Capacity provider not found: {resource}"));
    }
    if id("layer:").or(id("code-signing-config:csc-")).is_some_and(is_word) {
        return not_built("tagging layers and code signing configurations");
    }
    validation(format!(
        "1 validation error detected: Value '{resource}' at 'resource' failed to satisfy \
         constraint: Member must satisfy regular expression pattern: {TAGGABLE}"
    ))
}

fn show_concurrency(function: &Function) -> Value {
    match function.reserved_concurrency {
        Some(reserved) => json!({ "ReservedConcurrentExecutions": reserved }),
        None => json!({}),
    }
}

fn show_event_invoke(config: &EventInvoke, arn: &str, qualifier: &str) -> Value {
    let mut shown = Map::new();
    shown.insert("LastModified".to_owned(), json!(config.last_modified));
    shown.insert("FunctionArn".to_owned(), json!(qualified(arn, Some(qualifier))));
    if let Some(attempts) = config.maximum_retry_attempts {
        shown.insert("MaximumRetryAttempts".to_owned(), json!(attempts));
    }
    if let Some(age) = config.maximum_event_age_seconds {
        shown.insert("MaximumEventAgeInSeconds".to_owned(), json!(age));
    }
    shown.insert("DestinationConfig".to_owned(), config.destinations.show());
    Value::Object(shown)
}

fn no_event_invoke(arn: &str, qualifier: &str) -> ServiceError {
    not_found(format!("The function {arn}:{qualifier} doesn't have an EventInvokeConfig"))
}

fn bounded(
    call: &Call,
    member: &str,
    shown: &str,
    least: u32,
    most: u32,
) -> Result<Option<u32>, ServiceError> {
    let Some(value) = integer(call, member)? else { return Ok(None) };
    let fail = |bound: String| {
        Err(validation(format!(
            "1 validation error detected: Value '{value}' at '{shown}' failed to satisfy \
             constraint: Member must have value {bound}"
        )))
    };
    match u32::try_from(value) {
        Ok(value) if value > most => fail(format!("less than or equal to {most}")),
        Ok(value) if value >= least => Ok(Some(value)),
        _ => fail(format!("greater than or equal to {least}")),
    }
}

pub(in crate::lambda) fn epoch_seconds(time: OffsetDateTime) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "milliseconds fit a double for ages")]
    let milliseconds = (time.unix_timestamp_nanos() / 1_000_000) as f64;
    milliseconds / 1000.0
}

fn show_runtime_updates(updates: &RuntimeUpdates, arn: &str) -> Value {
    let mut shown = json!({ "UpdateRuntimeOn": updates.on, "FunctionArn": arn });
    if let (Some(version), Value::Object(members)) = (&updates.arn, &mut shown) {
        members.insert("RuntimeVersionArn".to_owned(), version.clone().into());
    }
    shown
}
