//! Looking at stacks.

use ringfence_wire::{Call, ServiceError};
use serde_json::{Map, Value, json};

use super::input;
use crate::cloudformation::CloudFormation;
use crate::cloudformation::error::validation;
use crate::cloudformation::events::time_text;
use crate::cloudformation::status::Status;
use crate::cloudformation::store::{Deployed, Event, Stack, mask};
use crate::cloudformation::template::ParameterValue;

const PAGE: usize = 100;

fn no_stack_id(name: &str) -> ServiceError {
    validation(format!("Stack with id {name} does not exist"))
}

/// `Tags` of a reply.
pub(super) fn tags(tags: &[(String, String)]) -> Value {
    tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect()
}

/// `Parameters` of a reply; `NoEcho` ones are masked.
pub(super) fn parameters(values: &[ParameterValue]) -> Value {
    values
        .iter()
        .map(|value| {
            let mut shown = json!({"ParameterKey": value.key, "ParameterValue": value.shown()});
            if let (Some(resolved), Value::Object(members)) = (&value.resolved, &mut shown) {
                let resolved = if value.no_echo { "****" } else { resolved };
                members.insert("ResolvedValue".to_owned(), resolved.into());
            }
            shown
        })
        .collect()
}

/// A list that is left out where it is empty.
pub(super) fn filled(list: Value) -> Option<Value> {
    (list != json!([])).then_some(list)
}

/// Inserts what is there.
pub(super) fn put(members: &mut Map<String, Value>, name: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        members.insert(name.to_owned(), value.into());
    }
}

fn stack(stack: &Stack) -> Value {
    let mut shown = Map::new();
    shown.insert("StackId".to_owned(), stack.id.clone().into());
    shown.insert("StackName".to_owned(), stack.name.clone().into());
    put(&mut shown, "CreationTime", Some(time_text(stack.created)));
    put(&mut shown, "LastUpdatedTime", stack.updated.map(time_text));
    put(&mut shown, "DeletionTime", stack.deleted.map(time_text));
    put(&mut shown, "StackStatus", Some(stack.status.text()));
    put(&mut shown, "StackStatusReason", stack.status_reason.clone());
    put(&mut shown, "RoleARN", stack.role_arn.clone());
    put(&mut shown, "DisableRollback", Some(stack.disable_rollback));
    put(&mut shown, "ChangeSetId", stack.change_set_id.clone());
    // A deleted stack has none (recorded: `test_stack_lifecycle`).
    let protection =
        (stack.status != Status::DeleteComplete).then_some(stack.termination_protection);
    put(&mut shown, "EnableTerminationProtection", protection);
    put(&mut shown, "RollbackConfiguration", Some(json!({})));
    put(&mut shown, "DriftInformation", Some(json!({"StackDriftStatus": "NOT_CHECKED"})));
    // Tags and NotificationARNs are there though empty, the others are not
    // (recorded: `test_stack_description_lifecycle`).
    let deployed = stack.deployed.as_ref();
    put(&mut shown, "Tags", Some(deployed.map_or_else(|| json!([]), |d| tags(&d.tags))));
    let arns = deployed.map_or_else(|| json!([]), |d| json!(d.notification_arns));
    put(&mut shown, "NotificationARNs", Some(arns));
    if let Some(deployed) = deployed {
        put(&mut shown, "Description", deployed.template.description());
        put(&mut shown, "Parameters", filled(parameters(&deployed.parameters)));
        put(&mut shown, "Capabilities", filled(json!(deployed.capabilities)));
    }
    let outputs: Vec<Value> = stack
        .outputs
        .iter()
        .map(|output| {
            let mut shown = Map::new();
            put(&mut shown, "OutputKey", Some(output.key.clone()));
            put(&mut shown, "OutputValue", Some(output.value.clone()));
            put(&mut shown, "Description", output.description.clone());
            put(&mut shown, "ExportName", output.export.clone());
            Value::Object(shown)
        })
        .collect();
    if !outputs.is_empty() {
        shown.insert("Outputs".to_owned(), outputs.into());
    }
    Value::Object(shown)
}

fn event(stack: &Stack, event: &Event) -> Value {
    let mut shown = Map::new();
    put(&mut shown, "StackId", Some(stack.id.clone()));
    put(&mut shown, "EventId", Some(event.id.clone()));
    put(&mut shown, "StackName", Some(stack.name.clone()));
    put(&mut shown, "LogicalResourceId", Some(event.logical_id.clone()));
    // Empty until the resource exists.
    put(&mut shown, "PhysicalResourceId", Some(event.physical_id.clone().unwrap_or_default()));
    put(&mut shown, "ResourceType", Some(event.kind.clone()));
    put(&mut shown, "Timestamp", Some(time_text(event.at)));
    put(&mut shown, "ResourceStatus", Some(event.status.text()));
    put(&mut shown, "ResourceStatusReason", event.reason.clone());
    put(&mut shown, "ResourceProperties", event.properties.clone());
    Value::Object(shown)
}

/// A resource; `time` is the name that the operation gives its time.
fn resource(deployed: &Deployed, time: &str) -> Map<String, Value> {
    let mut shown = Map::new();
    put(&mut shown, "LogicalResourceId", Some(deployed.logical_id.clone()));
    put(&mut shown, "PhysicalResourceId", deployed.physical_id.clone());
    put(&mut shown, "ResourceType", Some(deployed.kind.clone()));
    put(&mut shown, time, Some(time_text(deployed.at)));
    put(&mut shown, "ResourceStatus", Some(deployed.status.text()));
    put(&mut shown, "ResourceStatusReason", deployed.status_reason.clone());
    put(&mut shown, "DriftInformation", Some(json!({"StackResourceDriftStatus": "NOT_CHECKED"})));
    shown
}

fn of_stack(stack: &Stack, mut shown: Map<String, Value>) -> Value {
    put(&mut shown, "StackName", Some(stack.name.clone()));
    put(&mut shown, "StackId", Some(stack.id.clone()));
    Value::Object(shown)
}

/// A reply with a list and the token of its next page.
fn listed(name: &str, page: (Vec<Value>, Option<String>)) -> Value {
    let mut reply = Map::new();
    reply.insert(name.to_owned(), page.0.into());
    put(&mut reply, "NextToken", page.1);
    Value::Object(reply)
}

impl CloudFormation {
    pub(super) fn describe_stacks(&self, call: &Call) -> Result<Value, ServiceError> {
        let stacks = match call.text("StackName") {
            Some(name) => vec![self.store.read(name, stack).ok_or_else(|| no_stack_id(name))?],
            None => self
                .store
                .all(|found| (found.status != Status::DeleteComplete).then(|| stack(found))),
        };
        Ok(listed("Stacks", input::page(call, stacks, PAGE)?))
    }

    pub(super) fn list_stacks(&self, call: &Call) -> Result<Value, ServiceError> {
        let wanted = input::texts(call, "StackStatusFilter");
        let stacks = self.store.all(|stack| {
            let status = stack.status.text();
            if !wanted.is_empty() && !wanted.iter().any(|wanted| wanted == status) {
                return None;
            }
            let mut shown = Map::new();
            put(&mut shown, "StackId", Some(stack.id.clone()));
            put(&mut shown, "StackName", Some(stack.name.clone()));
            let description =
                stack.deployed.as_ref().and_then(|d| d.template.description()).map(str::to_owned);
            put(&mut shown, "TemplateDescription", description);
            put(&mut shown, "CreationTime", Some(time_text(stack.created)));
            put(&mut shown, "LastUpdatedTime", stack.updated.map(time_text));
            put(&mut shown, "DeletionTime", stack.deleted.map(time_text));
            put(&mut shown, "StackStatus", Some(status));
            put(&mut shown, "StackStatusReason", stack.status_reason.clone());
            put(&mut shown, "DriftInformation", Some(json!({"StackDriftStatus": "NOT_CHECKED"})));
            Some(Value::Object(shown))
        });
        Ok(listed("StackSummaries", input::page(call, stacks, PAGE)?))
    }

    pub(super) fn describe_stack_events(&self, call: &Call) -> Result<Value, ServiceError> {
        let name = input::required(call, "StackName")?;
        let events = self
            .store
            .read(name, |stack| {
                stack.events.iter().rev().map(|found| event(stack, found)).collect::<Vec<_>>()
            })
            .ok_or_else(|| validation(format!("Stack [{name}] does not exist")))?;
        Ok(listed("StackEvents", input::page(call, events, PAGE)?))
    }

    pub(super) fn describe_stack_resource(&self, call: &Call) -> Result<Value, ServiceError> {
        let name = input::required(call, "StackName")?;
        let id = input::required(call, "LogicalResourceId")?;
        let found = self.store.read(name, |stack| {
            stack.resource(id).map(|found| {
                let mut shown = resource(found, "LastUpdatedTimestamp");
                let metadata = found.metadata.as_ref().map(|value| mask(value, &found.secrets));
                put(&mut shown, "Metadata", metadata.map(|value| value.to_string()));
                of_stack(stack, shown)
            })
        });
        let detail = found
            .ok_or_else(|| validation(format!("Stack '{name}' does not exist")))?
            .ok_or_else(|| validation(format!("Resource {id} does not exist for stack {name}")))?;
        Ok(json!({"StackResourceDetail": detail}))
    }

    pub(super) fn describe_stack_resources(&self, call: &Call) -> Result<Value, ServiceError> {
        let id = call.text("LogicalResourceId");
        let physical = call.text("PhysicalResourceId");
        let name = match (call.text("StackName"), physical) {
            (Some(name), _) => name.to_owned(),
            (None, Some(physical)) => self
                .store
                .all(|stack| {
                    stack
                        .resources
                        .iter()
                        .any(|found| found.physical_id.as_deref() == Some(physical))
                        .then(|| stack.id.clone())
                })
                .into_iter()
                .next()
                .ok_or_else(|| validation(format!("Stack for {physical} does not exist")))?,
            (None, None) => {
                return Err(validation("StackName or PhysicalResourceId must be specified."));
            }
        };
        let resources: Vec<Value> = self
            .store
            .read(&name, |stack| {
                stack
                    .resources
                    .iter()
                    .filter(|found| id.is_none_or(|id| found.logical_id == id))
                    .map(|found| of_stack(stack, resource(found, "Timestamp")))
                    .collect()
            })
            .ok_or_else(|| no_stack_id(&name))?;
        Ok(json!({"StackResources": resources}))
    }

    pub(super) fn list_stack_resources(&self, call: &Call) -> Result<Value, ServiceError> {
        let name = input::required(call, "StackName")?;
        let resources = self
            .store
            .read(name, |stack| {
                stack
                    .resources
                    .iter()
                    .map(|found| Value::Object(resource(found, "LastUpdatedTimestamp")))
                    .collect()
            })
            .ok_or_else(|| no_stack_id(name))?;
        Ok(listed("StackResourceSummaries", input::page(call, resources, PAGE)?))
    }

    pub(super) fn list_exports(&self, call: &Call) -> Result<Value, ServiceError> {
        let exports: Vec<Value> = self
            .store
            .all(|stack| {
                (stack.status != Status::DeleteComplete).then(|| {
                    stack
                        .outputs
                        .iter()
                        .filter_map(|output| {
                            Some(json!({
                                "ExportingStackId": stack.id,
                                "Name": output.export.as_ref()?,
                                "Value": output.value,
                            }))
                        })
                        .collect::<Vec<_>>()
                })
            })
            .into_iter()
            .flatten()
            .collect();
        Ok(listed("Exports", input::page(call, exports, PAGE)?))
    }

    pub(super) fn list_imports(&self, call: &Call) -> Result<Value, ServiceError> {
        let name = input::required(call, "ExportName")?;
        let imports: Vec<Value> =
            self.store.importers(name).into_iter().map(Value::String).collect();
        if imports.is_empty() {
            return Err(validation(format!("Export '{name}' is not imported by any stack.")));
        }
        Ok(listed("Imports", input::page(call, imports, PAGE)?))
    }
}
