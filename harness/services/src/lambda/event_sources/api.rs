//! The operations on event source mappings. As recorded on AWS: LocalStack's
//! `tests/aws/services/lambda_/test_lambda_api.py::TestLambdaEventSourceMappings`.

use std::collections::BTreeMap;
use std::sync::Arc;

use ringfence_wire::{Call, Reply, ServiceError};
use serde_json::Value;
use uuid::Uuid;

use crate::lambda::Lambda;
use crate::lambda::api::input::text_map;
use crate::lambda::api::page::page;
use crate::lambda::api::settings::{check_tags, epoch_seconds};
use crate::lambda::error::{conflict, invalid, not_found};
use crate::lambda::event_sources::settings::Settings;
use crate::lambda::event_sources::source::Source;
use crate::lambda::event_sources::store::{Change, Mapping};
use crate::lambda::name::{LATEST, Name};

const NO_FUNCTION: &str = "Function does not exist";

impl Lambda {
    pub(in crate::lambda) async fn create_event_source(
        self: &Arc<Self>,
        call: &Call,
    ) -> Result<Reply, ServiceError> {
        let source = Source::of(call, &self.setting)?;
        let function = Name::of(call, &self.setting)?;
        // The function comes last (LocalStack's test_event_source_mapping_exceptions,
        // recorded on AWS).
        let settings = Settings::new(call, source, function)?;
        let reader = self.reader(&settings.function)?;
        let tags: BTreeMap<String, String> =
            text_map(call.input.get("Tags"), "Tags")?.unwrap_or_default().into_iter().collect();
        check_tags(&tags)?;
        self.check_access(&settings.source, &reader).await?;
        let enabled = call.input.get("Enabled").and_then(Value::as_bool).unwrap_or(true);
        let now = epoch_seconds(self.setting.now());
        let uuid = Uuid::new_v4().to_string();
        let mut mapping = Mapping::new(settings, tags, enabled, now);
        let shown = self.show_mapping(&uuid, &mapping);
        {
            let mut mappings = self.event_sources.lock();
            let same = |it: &Mapping| {
                it.settings.source == mapping.settings.source
                    && it.settings.function == mapping.settings.function
            };
            if let Some((uuid, there)) = mappings.iter().find(|(_, it)| same(it)) {
                return Err(duplicate(uuid, &there.settings));
            }
            mapping.poller = enabled.then(|| self.start_poller(&uuid));
            mappings.insert(uuid, mapping);
        }
        Ok(Reply::fields(shown).with_status(202))
    }

    pub(in crate::lambda) fn get_event_source(&self, call: &Call) -> Result<Reply, ServiceError> {
        let uuid = uuid(call);
        let shown = self.event_sources.look(uuid, |mapping| self.show_mapping(uuid, mapping));
        shown.map(Reply::fields).ok_or_else(gone)
    }

    pub(in crate::lambda) fn list_event_sources(&self, call: &Call) -> Result<Reply, ServiceError> {
        let function = match call.text("FunctionName") {
            Some(_) => Some(Name::of(call, &self.setting)?),
            None => None,
        };
        let source = call.text("EventSourceArn");
        let mappings = self.event_sources.lock();
        let shown = mappings
            .iter()
            .filter(|(_, it)| source.is_none_or(|arn| it.settings.source.arn == arn))
            .filter(|(_, it)| function.as_ref().is_none_or(|name| it.settings.function == *name))
            .map(|(uuid, mapping)| self.show_mapping(uuid, mapping))
            .collect();
        page(call, "EventSourceMappings", shown)
    }

    pub(in crate::lambda) async fn update_event_source(
        self: &Arc<Self>,
        call: &Call,
    ) -> Result<Reply, ServiceError> {
        let uuid = uuid(call);
        let mut settings =
            self.event_sources.look(uuid, |it| it.settings.clone()).ok_or_else(gone)?;
        if call.text("FunctionName").is_some() {
            settings.function = Name::of(call, &self.setting)?;
        }
        let reader = self.reader(&settings.function)?;
        settings.change(call)?;
        self.check_access(&settings.source, &reader).await?;
        let mut mappings = self.event_sources.lock();
        let mapping = mappings.get_mut(uuid).ok_or_else(gone)?;
        check_idle(mapping, "update")?;
        mapping.settings = settings;
        mapping.enabled =
            call.input.get("Enabled").and_then(Value::as_bool).unwrap_or(mapping.enabled);
        mapping.last_modified = epoch_seconds(self.setting.now());
        mapping.begin(Change::Updating);
        mapping.poller = mapping.enabled.then(|| self.start_poller(uuid));
        Ok(Reply::fields(self.show_mapping(uuid, mapping)).with_status(202))
    }

    pub(in crate::lambda) fn delete_event_source(
        &self,
        call: &Call,
    ) -> Result<Reply, ServiceError> {
        let uuid = uuid(call);
        let mut mappings = self.event_sources.lock();
        let mapping = mappings.get_mut(uuid).ok_or_else(gone)?;
        check_idle(mapping, "delete")?;
        mapping.begin(Change::Deleting);
        mapping.poller = None;
        Ok(Reply::fields(self.show_mapping(uuid, mapping)).with_status(202))
    }

    /// Looks at a mapping's tags.
    pub(in crate::lambda) fn with_mapping_tags<T>(
        &self,
        uuid: &str,
        look: impl FnOnce(&mut BTreeMap<String, String>) -> T,
    ) -> Option<T> {
        self.event_sources.lock().get_mut(uuid).map(|mapping| look(&mut mapping.tags))
    }

    fn show_mapping(&self, uuid: &str, mapping: &Mapping) -> Value {
        let function = mapping.settings.function.arn(&self.setting);
        mapping.show(uuid, &self.mapping_arn(uuid), &function)
    }

    fn mapping_arn(&self, uuid: &str) -> String {
        let (region, account) = (&self.setting.region, &self.setting.account_id);
        let partition = self.setting.partition();
        format!("arn:{partition}:lambda:{region}:{account}:event-source-mapping:{uuid}")
    }

    /// The function that a mapping invokes, as it reads its source.
    fn reader(&self, function: &Name) -> Result<Reader, ServiceError> {
        let functions = self.store.lock();
        let found = functions.get(&function.function).ok_or_else(|| invalid(NO_FUNCTION))?;
        let version = match function.qualifier.as_deref() {
            None => &found.latest,
            Some(LATEST) => &found.latest,
            qualifier => {
                let resolved = found.resolve(qualifier).map_err(|_| invalid(NO_FUNCTION))?;
                return Ok(Reader::of(&function.function, &resolved.version.configuration));
            }
        };
        Ok(Reader::of(&function.function, &version.configuration))
    }
}

/// What of a function decides whether its mapping may read.
#[derive(Debug)]
pub(super) struct Reader {
    pub(super) function: String,
    pub(super) role: String,
    pub(super) timeout_seconds: u32,
}

impl Reader {
    fn of(
        function: &str,
        configuration: &crate::lambda::store::configuration::Configuration,
    ) -> Self {
        Self {
            function: function.to_owned(),
            role: configuration.role.clone(),
            timeout_seconds: configuration.timeout_seconds,
        }
    }
}

fn uuid(call: &Call) -> &str {
    call.text("UUID").unwrap_or_default()
}

fn gone() -> ServiceError {
    not_found("The resource you requested does not exist.")
}

/// <https://docs.aws.amazon.com/lambda/latest/api/API_DeleteEventSourceMapping.html>:
/// "ResourceInUseException".
fn check_idle(mapping: &Mapping, verb: &str) -> Result<(), ServiceError> {
    if mapping.is_changing() {
        return Err(ServiceError::new(
            400,
            "ResourceInUseException",
            format!("Cannot {verb} the event source mapping because it is in use."),
        )
        .with("Type", "User"));
    }
    Ok(())
}

/// LocalStack's test_duplicate_event_source_mappings, recorded on AWS for queues,
/// Kinesis and DynamoDB.
fn duplicate(uuid: &str, there: &Settings) -> ServiceError {
    let (arn, function) = (&there.source.arn, &there.function.function);
    let rest = format!("Please update or delete the existing mapping with UUID {uuid}");
    conflict(if there.source.is_queue() {
        format!(
            "An event source mapping with SQS arn (\" {arn} \") and function (\" {function} \") \
             already exists. {rest}"
        )
    } else {
        format!(
            "The event source arn (\" {arn} \") and function (\" {function} \") provided mapping \
             already exists. {rest}"
        )
    })
}
