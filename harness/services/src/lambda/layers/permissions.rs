//! Who else may use a version of a layer. As recorded on AWS: LocalStack's
//! TestLambdaLayer::test_layer_policy_exceptions and test_layer_policy_lifecycle.

use ringfence_models::Partition;
use ringfence_wire::{Call, Reply, ServiceError};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::lambda::Lambda;
use crate::lambda::api::policy::check_revision;
use crate::lambda::error::{conflict, invalid, not_found, validation};
use crate::lambda::layers::store::Version;

const API: &str = "GetLayerPolicy";

impl Lambda {
    pub(in crate::lambda) fn add_layer_permission(
        &self,
        call: &Call,
    ) -> Result<Reply, ServiceError> {
        let action = call.text("Action").unwrap_or_default();
        if action != "lambda:GetLayerVersion" {
            return Err(validation(format!(
                "1 validation error detected: Value '{action}' at 'action' failed to satisfy \
                 constraint: Member must satisfy regular expression pattern: \
                 lambda:GetLayerVersion"
            )));
        }
        self.with_version(call, |arn, version| {
            let sid = call.text("StatementId").unwrap_or_default();
            if position(version, sid).is_some() {
                return Err(conflict(format!(
                    "The statement id ({sid}) provided already exists. Please provide a new \
                     statement id, or remove the existing statement."
                )));
            }
            check_revision(call, Some(version.revision), API)?;
            let statement = statement(call, arn)?;
            let written = Value::Object(statement.clone()).to_string();
            version.statements.push(statement);
            version.revision = Uuid::new_v4();
            let answer =
                json!({ "Statement": written, "RevisionId": version.revision.to_string() });
            Ok(Reply::fields(answer).with_status(201))
        })
    }

    pub(in crate::lambda) fn remove_layer_permission(
        &self,
        call: &Call,
    ) -> Result<Reply, ServiceError> {
        self.with_version(call, |_, version| {
            let sid = call.text("StatementId").unwrap_or_default();
            let found = position(version, sid).ok_or_else(|| {
                not_found(format!("Statement {sid} is not found in resource policy."))
            })?;
            check_revision(call, Some(version.revision), API)?;
            version.statements.remove(found);
            version.revision = Uuid::new_v4();
            Ok(Reply::empty().with_status(204))
        })
    }

    pub(in crate::lambda) fn get_layer_policy(&self, call: &Call) -> Result<Reply, ServiceError> {
        self.with_version(call, |_, version| {
            let document = version
                .document()
                .ok_or_else(|| not_found("No policy is associated with the given resource."))?;
            let revision = version.revision.to_string();
            Ok(Reply::fields(json!({ "Policy": document, "RevisionId": revision })))
        })
    }

    fn with_version(
        &self,
        call: &Call,
        look: impl FnOnce(&str, &mut Version) -> Result<Reply, ServiceError>,
    ) -> Result<Reply, ServiceError> {
        let (name, number) = self.version_asked(call)?;
        let arn = format!("{}:{number}", self.layer_arn(&name));
        let mut layers = self.layers.lock();
        let version = layers.get_mut(&name).and_then(|layer| layer.versions.get_mut(&number));
        let version =
            version.ok_or_else(|| not_found(format!("Layer version {arn} does not exist.")))?;
        look(&arn, version)
    }
}

fn position(version: &Version, sid: &str) -> Option<usize> {
    version.statements.iter().position(|it| it.get("Sid").is_some_and(|given| given == sid))
}

fn statement(call: &Call, arn: &str) -> Result<Map<String, Value>, ServiceError> {
    let given = call.text("Principal").unwrap_or_default();
    let partition = Partition::of_region(&call.region);
    let is_account = given.len() == 12 && given.bytes().all(|byte| byte.is_ascii_digit());
    let principal = if given == "*" {
        json!("*")
    } else if is_account {
        json!({ "AWS": format!("arn:{partition}:iam::{given}:root") })
    } else if given.starts_with(&format!("arn:{partition}:iam::")) {
        json!({ "AWS": given })
    } else {
        return Err(invalid(
            "The provided principal was invalid. Please check the principal and try again.",
        ));
    };
    let mut statement = Map::new();
    statement.insert("Sid".to_owned(), json!(call.text("StatementId")));
    statement.insert("Effect".to_owned(), json!("Allow"));
    statement.insert("Principal".to_owned(), principal);
    statement.insert("Action".to_owned(), json!(call.text("Action")));
    statement.insert("Resource".to_owned(), json!(arn));
    if let Some(organization) = call.text("OrganizationId") {
        let equals = json!({ "StringEquals": { "aws:PrincipalOrgID": organization } });
        statement.insert("Condition".to_owned(), equals);
    }
    Ok(statement)
}
