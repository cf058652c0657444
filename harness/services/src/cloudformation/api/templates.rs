//! Looking at templates.

use ringfence_wire::{Call, ServiceError};
use serde_json::{Map, Value, json};

use super::input;
use crate::cloudformation::CloudFormation;
use crate::cloudformation::error::validation;
use crate::cloudformation::template::{Document, Summary};
use crate::credentials::Session;

impl CloudFormation {
    pub(super) fn get_template(&self, call: &Call) -> Result<Value, ServiceError> {
        let stage = call.text("TemplateStage").unwrap_or("Original");
        let name = match (call.text("StackName"), call.text("ChangeSetName")) {
            (Some(name), _) => name.to_owned(),
            (None, Some(set)) => self.store.stack_of_change_set(set).ok_or_else(|| {
                ServiceError::new(
                    404,
                    "ChangeSetNotFound",
                    format!("ChangeSet [{set}] does not exist"),
                )
            })?,
            (None, None) => input::required(call, "StackName")?.to_owned(),
        };
        let (text, processed) = match call.text("ChangeSetName") {
            Some(set) => {
                let found = self.store.change_set(&name, set, |set| {
                    (set.text.clone(), set.definition.as_ref().map(|d| d.template.body.clone()))
                });
                found.ok_or_else(|| {
                    ServiceError::new(
                        404,
                        "ChangeSetNotFound",
                        format!("ChangeSet [{set}] does not exist"),
                    )
                })?
            }
            None => {
                let found = self.store.read(&name, |stack| {
                    stack.deployed.as_ref().map(|deployed| {
                        (deployed.document.text.clone(), Some(deployed.template.body.clone()))
                    })
                });
                found
                    .flatten()
                    .ok_or_else(|| validation(format!("Stack with id {name} does not exist")))?
            }
        };
        let body = match (stage, processed) {
            ("Processed", Some(processed)) if Document::read(&text)?.transforms.is_empty() => {
                // Without a transform both stages are the same text.
                let _ = processed;
                text
            }
            ("Processed", Some(processed)) => Value::Object(processed).to_string(),
            ("Processed", None) => {
                return Err(validation("The processed template is not available yet"));
            }
            ("Original", _) => text,
            (other, _) => {
                return Err(validation(format!(
                    "1 validation error detected: Value '{other}' at 'templateStage' failed to satisfy constraint: Member must satisfy enum value set: [Original, Processed]"
                )));
            }
        };
        Ok(json!({"TemplateBody": body, "StagesAvailable": ["Original", "Processed"]}))
    }

    /// The template of a call, or of the stack that it names.
    async fn named(&self, call: &Call, caller: &Session) -> Result<Document, ServiceError> {
        let Some(name) = call.text("StackName") else {
            return self.document(call, caller, None).await;
        };
        let found = self
            .store
            .read(name, |stack| stack.deployed.as_ref().map(|d| d.document.clone()))
            .flatten();
        found.ok_or_else(|| validation(format!("Stack with id {name} does not exist")))
    }

    pub(super) async fn get_template_summary(
        &self,
        call: &Call,
        caller: &Session,
    ) -> Result<Value, ServiceError> {
        let document = self.named(call, caller).await?;
        let mut reply = document.describe();
        let parameters: Vec<Value> = document
            .parameters
            .iter()
            .map(|parameter| {
                let mut shown = parameter.shown();
                shown.insert("ParameterType".to_owned(), parameter.declared_type.clone().into());
                let mut constraints = Map::new();
                if !parameter.allowed_values.is_empty() {
                    constraints.insert("AllowedValues".to_owned(), json!(parameter.allowed_values));
                }
                shown.insert("ParameterConstraints".to_owned(), constraints.into());
                Value::Object(shown)
            })
            .collect();
        reply.insert("Parameters".to_owned(), parameters.into());
        let types = Summary::of(document.body.get("Resources")).types;
        reply.insert("ResourceTypes".to_owned(), json!(types));
        for (section, member) in [("AWSTemplateFormatVersion", "Version"), ("Metadata", "Metadata")]
        {
            match document.body.get(section) {
                Some(Value::String(text)) => {
                    reply.insert(member.to_owned(), text.clone().into());
                }
                Some(other) => {
                    reply.insert(member.to_owned(), other.to_string().into());
                }
                None => {}
            }
        }
        Ok(Value::Object(reply))
    }

    pub(super) async fn validate_template(
        &self,
        call: &Call,
        caller: &Session,
    ) -> Result<Value, ServiceError> {
        let document = self.document(call, caller, None).await?;
        if document.transforms.is_empty() {
            // The checks that need no value.
            crate::cloudformation::template::Template::new(document.body.clone(), |kind| {
                crate::cloudformation::resources::find(kind).is_some()
            })?;
        }
        let mut reply = document.describe();
        let parameters: Vec<Value> =
            document.parameters.iter().map(|p| Value::Object(p.shown())).collect();
        reply.insert("Parameters".to_owned(), parameters.into());
        Ok(Value::Object(reply))
    }
}
