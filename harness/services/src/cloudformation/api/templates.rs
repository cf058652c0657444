//! Looking at templates.

use ringfence_wire::{Call, ServiceError};
use serde_json::{Map, Value, json};

use super::change_sets::not_found;
use crate::cloudformation::CloudFormation;
use crate::cloudformation::error::validation;
use crate::cloudformation::resources;
use crate::cloudformation::status::Status;
use crate::cloudformation::template::{Document, Summary, Template};
use crate::credentials::Session;

impl CloudFormation {
    /// `GetTemplate` (LocalStack's recorded `test_get_template_*`).
    pub(super) fn get_template(&self, call: &Call) -> Result<Value, ServiceError> {
        let (text, processed) = self.kept_template(call)?;
        let body = match call.text("TemplateStage").unwrap_or("Original") {
            // Without a transform both stages are the same text.
            "Processed" if Document::read(&text)?.transforms.is_empty() => text,
            "Processed" => match processed {
                Some(processed) => Value::Object(processed).to_string(),
                None => return Err(validation("The processed template is not available yet")),
            },
            "Original" => text,
            other => {
                return Err(validation(format!(
                    "1 validation error detected: Value '{other}' at 'templateStage' failed to satisfy constraint: Member must satisfy enum value set: [Original, Processed]"
                )));
            }
        };
        Ok(json!({"TemplateBody": body, "StagesAvailable": ["Original", "Processed"]}))
    }

    /// The template that a stack or a change set keeps: as given, and expanded
    /// where it is.
    fn kept_template(
        &self,
        call: &Call,
    ) -> Result<(String, Option<Map<String, Value>>), ServiceError> {
        match (call.text("StackName"), call.text("ChangeSetName")) {
            (None, None) => {
                Err(validation("StackName is required if ChangeSetName is not specified."))
            }
            (None, Some(set)) if !set.starts_with("arn:") => {
                Err(validation("StackName is a required parameter."))
            }
            (stack, Some(set)) => {
                let of_set = || self.store.stack_of_change_set(set);
                let stack =
                    stack.map(str::to_owned).or_else(of_set).ok_or_else(|| not_found(set))?;
                let found = self.store.change_set(&stack, set, |set| {
                    (set.text.clone(), set.definition.as_ref().map(|d| d.template.body.clone()))
                });
                found.ok_or_else(|| not_found(set))
            }
            (Some(stack), None) => {
                let found = self.store.read(stack, |stack| {
                    stack.deployed.as_ref().map(|deployed| {
                        (deployed.document.text.clone(), Some(deployed.template.body.clone()))
                    })
                });
                found
                    .flatten()
                    .ok_or_else(|| validation(format!("Stack with id {stack} does not exist")))
            }
        }
    }

    /// The template of a call, or of the stack that it names.
    async fn named(&self, call: &Call, caller: &Session) -> Result<Document, ServiceError> {
        let Some(name) = call.text("StackName") else {
            return self.document(call, caller, None).await;
        };
        let found = self.store.read(name, |stack| {
            let document = stack.deployed.as_ref().map(|d| d.document.clone());
            (stack.status == Status::ReviewInProgress, document)
        });
        match found {
            Some((true, _)) => {
                Err(validation("GetTemplateSummary cannot be called on REVIEW_IN_PROGRESS stacks."))
            }
            Some((false, Some(document))) => Ok(document),
            _ => Err(validation(format!("Stack with id {name} does not exist"))),
        }
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
        let summary = Summary::of(document.body.get("Resources"));
        reply.insert("ResourceIdentifierSummaries".to_owned(), identified(&summary));
        let types: Vec<&String> = summary.types.keys().collect();
        reply.insert("ResourceTypes".to_owned(), json!(types));
        // A stack's is the one version that there is, whether or not its
        // template says so (recorded: `test_get_template_summary_failed_stack`).
        if call.text("StackName").is_some() {
            reply.insert("Version".to_owned(), "2010-09-09".into());
        }
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
            Template::new(document.body.clone(), &resources::CATALOGUE)?;
        }
        let mut reply = document.describe();
        let parameters: Vec<Value> =
            document.parameters.iter().map(|p| Value::Object(p.shown())).collect();
        reply.insert("Parameters".to_owned(), parameters.into());
        Ok(Value::Object(reply))
    }
}

/// `ResourceIdentifierSummaries`: the resources of each type, and what
/// identifies them where AWS publishes it.
fn identified(summary: &Summary) -> Value {
    let of = |(kind, logical_ids): (&String, &Vec<String>)| {
        let mut shown = json!({"ResourceType": kind, "LogicalResourceIds": logical_ids});
        let identifiers = resources::identifiers(kind);
        if let (false, Value::Object(members)) = (identifiers.is_empty(), &mut shown) {
            members.insert("ResourceIdentifiers".to_owned(), json!(identifiers));
        }
        shown
    };
    summary.types.iter().map(of).collect()
}
