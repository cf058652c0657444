//! A caller's template, parameters and tags, made ready for a deployment.

use std::collections::BTreeMap;
use std::sync::Arc;

use ringfence_wire::{Call, Service, ServiceError};
use serde_json::{Value, json};

use super::CloudFormation;
use super::error::validation;
use super::resolve::Reader;
use super::resources;
use super::store::Definition;
use super::template::rules::{self, Surroundings};
use super::template::{Capability, Document, Parameter, ParameterValue, Summary, Template};
use super::template_url;
use crate::credentials::{Credentials, Session};

/// What a caller gave, before the transform.
#[derive(Clone)]
pub(super) struct Draft {
    pub(super) document: Document,
    pub(super) parameters: Vec<ParameterValue>,
    pub(super) tags: Vec<(String, String)>,
    pub(super) capabilities: Vec<String>,
    pub(super) notification_arns: Vec<String>,
}

const BODY_LIMIT: usize = 51_200;
const URL_LIMIT: usize = 1_000_000;

impl CloudFormation {
    /// Reads the template that a call names.
    pub(super) async fn document(
        &self,
        call: &Call,
        caller: &Session,
        previous: Option<&Document>,
    ) -> Result<Document, ServiceError> {
        let use_previous = call.input.get("UsePreviousTemplate").and_then(Value::as_bool);
        match (call.text("TemplateBody"), call.text("TemplateURL"), use_previous.unwrap_or(false)) {
            (Some(body), None, false) => {
                if body.len() > BODY_LIMIT {
                    return Err(validation(format!(
                        "1 validation error detected: Value '{body}' at 'templateBody' failed to satisfy constraint: Member must have length less than or equal to {BODY_LIMIT}"
                    )));
                }
                Ok(Document::read(body)?)
            }
            (None, Some(url), false) => Ok(Document::read(&self.fetch(url, caller).await?)?),
            (None, None, true) => previous.cloned().ok_or_else(|| {
                validation("UsePreviousTemplate is given, but there is no previous template")
            }),
            (None, None, false) => {
                Err(validation("Either Template URL or Template Body must be specified."))
            }
            _ => Err(validation(
                "Only one of TemplateBody, TemplateURL or UsePreviousTemplate may be specified.",
            )),
        }
    }

    /// Fetches a template from S3, as the caller.
    async fn fetch(&self, url: &str, caller: &Session) -> Result<String, ServiceError> {
        let object = template_url::parse(url, self.setting.endpoint())
            .ok_or_else(|| validation(template_url::refusal(url)))?;
        let credentials = self.forward(caller)?;
        let mut input = json!({"Bucket": object.bucket, "Key": object.key});
        if let (Some(version), Value::Object(members)) = (object.version, &mut input) {
            members.insert("VersionId".to_owned(), version.into());
        }
        let answer =
            self.client.exchange(&credentials, Service::S3, "GetObject", input, None).await;
        self.setting.keyring.remove(&credentials.access_key_id);
        let answer = answer?;
        if !answer.status().is_success() {
            let told = ringfence_wire::Operation::find(Service::S3, "GetObject")
                .and_then(|model| ringfence_wire::response::decode(model, &answer).err())
                .map_or_else(|| answer.status().to_string(), |error| error.message);
            return Err(validation(format!(
                "S3 error: {told}\nFor more information check http://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html"
            )));
        }
        if answer.body().len() > URL_LIMIT {
            return Err(validation(format!("Template may not exceed {URL_LIMIT} bytes in size.")));
        }
        String::from_utf8(answer.into_body().to_vec())
            .map_err(|_| validation("Template format error: the template is not UTF-8 text."))
    }

    /// Binds the parameters of a call and reads what SSM has to say.
    pub(super) async fn draft(
        &self,
        call: &Call,
        document: Document,
        previous: Option<&Definition>,
        credentials: &Credentials,
    ) -> Result<Draft, ServiceError> {
        let given = super::api::input::parameters(call);
        let before = previous.map(|previous| previous.parameters.as_slice()).unwrap_or_default();
        let mut parameters = Parameter::bind(&document.parameters, &given, before)?;
        let names = Parameter::ssm_names(&document.parameters, &parameters);
        let fetched = if names.is_empty() {
            BTreeMap::new()
        } else {
            self.reader(credentials).ssm(&names).await?
        };
        Parameter::settle(&document.parameters, &mut parameters, &fetched)?;
        Ok(Draft {
            document,
            parameters,
            tags: super::api::input::tags(call)
                .or_else(|| previous.map(|previous| previous.tags.clone()))
                .unwrap_or_default(),
            capabilities: super::api::input::texts(call, "Capabilities"),
            notification_arns: super::api::input::texts(call, "NotificationARNs"),
        })
    }

    /// Expands and checks a draft.
    ///
    /// # Errors
    /// `ValidationError`, with the reason that a change set gives too.
    pub(super) async fn define(
        &self,
        draft: Draft,
        credentials: &Credentials,
    ) -> Result<Definition, ServiceError> {
        let Draft { document, parameters, tags, capabilities, notification_arns } = draft;
        let body = match document.transforms.is_empty() {
            true => document.body.clone(),
            false => self.expand(&document, &parameters, credentials).await?,
        };
        let template = Template::new(body, &resources::CATALOGUE)?;
        let surroundings =
            Surroundings { account_id: &self.setting.account_id, region: &self.setting.region };
        rules::hold(&document.body, &document.parameters, &parameters, surroundings)?;
        // A transform may add parameters of its own; they have defaults.
        let mut parameters = parameters;
        for added in Parameter::bind(&template.parameters, &[], &[]).unwrap_or_default() {
            if !parameters.iter().any(|value| value.key == added.key) {
                parameters.push(added);
            }
        }
        Ok(Definition {
            document,
            template: Arc::new(template),
            parameters,
            tags,
            capabilities,
            notification_arns,
        })
    }

    /// Asks whether a stack's role may use the transforms of a template:
    /// `cloudformation:CreateChangeSet` on each
    /// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/control-access-with-iam.html>,
    /// "Manage macros and transforms"). With a service role CloudFormation makes
    /// every call with the role alone
    /// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-iam-servicerole.html>),
    /// so its caller is not asked. The question goes the road of every call and
    /// stands in the journal.
    pub(super) async fn may_transform(
        &self,
        document: &Document,
        role: &Credentials,
    ) -> Result<(), ServiceError> {
        for transform in &document.transforms {
            let input =
                json!({"StackName": self.transform_arn(transform), "ChangeSetName": "transform"});
            self.client.call(role, Service::CloudFormation, "CreateChangeSet", input).await?;
        }
        Ok(())
    }

    /// Whether a call is CloudFormation's own question of
    /// [`CloudFormation::may_transform`]; that it arrived is the answer.
    pub(super) fn is_about_transform(&self, call: &Call, caller: &Session) -> bool {
        let named = call.text("StackName").unwrap_or_default();
        let is_macro = |name: &&str| self.transform_arn(name) == named;
        caller.is_cloudformation() && super::template::MACROS.iter().any(is_macro)
    }

    fn transform_arn(&self, transform: &str) -> String {
        let name = transform.strip_prefix("AWS::").unwrap_or(transform);
        let (partition, region) = (self.setting.partition(), &self.setting.region);
        format!("arn:{partition}:cloudformation:{region}:aws:transform/{name}")
    }

    /// What parameters of AWS's own types name must exist.
    ///
    /// # Errors
    /// The reason for the stack's failure.
    pub(super) async fn things_exist(
        &self,
        definition: &Definition,
        credentials: &Credentials,
    ) -> Result<(), String> {
        let declared = &definition.template.parameters;
        let named = Parameter::named_things(declared, &definition.parameters);
        self.reader(credentials).exist(&named).await
    }

    /// The zones of the region, where a template asks for them.
    pub(super) async fn zones(
        &self,
        definition: &Definition,
        credentials: &Credentials,
    ) -> Result<Option<Vec<String>>, ServiceError> {
        let body = Value::Object(definition.template.body.clone());
        if !super::template::references(&body)?.functions.contains("Fn::GetAZs") {
            return Ok(None);
        }
        self.reader(credentials).zones().await.map(Some)
    }

    fn reader(&self, credentials: &Credentials) -> Reader {
        Reader { client: self.client.clone(), credentials: credentials.clone() }
    }
}

/// The capability that resources need and a caller did not give.
pub(super) fn missing_iam(resources: Option<&Value>, given: &[String]) -> Option<ServiceError> {
    let capability = Summary::of(resources).capability?;
    (!capability.covered_by(given)).then(|| insufficient(capability))
}

/// A macro in a direct call needs its own capability.
pub(super) fn missing_expansion(document: &Document, given: &[String]) -> Option<ServiceError> {
    let capability = Capability::AutoExpand;
    (!document.transforms.is_empty() && !capability.covered_by(given))
        .then(|| insufficient(capability))
}

fn insufficient(capability: Capability) -> ServiceError {
    ServiceError::new(
        400,
        "InsufficientCapabilitiesException",
        format!("Requires capabilities : [{}]", capability.name()),
    )
}
