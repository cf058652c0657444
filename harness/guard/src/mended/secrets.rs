//! What Secrets Manager answers. The recorded tests are LocalStack's,
//! `tests/aws/services/secretsmanager`.

use ringfence_wire::{Call, ServiceError};
use serde_json::Value;

use crate::checks::secrets::MARKED;
use crate::directory::Directory;

/// Mends the fields of an answer; whether there was anything to mend.
///
/// # Errors
/// When the upstream cannot tell which secret it is about.
pub(super) async fn answer(
    call: &Call,
    fields: &mut Value,
    directory: &Directory,
) -> Result<bool, ServiceError> {
    let before = fields.clone();
    match call.name() {
        // Versions without a label are not shown (`test_update_secret_description`).
        "DescribeSecret" => labelled(fields, "VersionIdsToStages"),
        "ListSecrets" => {
            let secrets = fields.get_mut("SecretList").and_then(Value::as_array_mut);
            secrets.into_iter().flatten().for_each(|it| labelled(it, "SecretVersionsToStages"));
        }
        // moto tells the secret's name (`test_deprecated_secret_version_stage`).
        "ListSecretVersionIds" => {
            let told = fields.get("ARN").and_then(Value::as_str).unwrap_or_default();
            if !told.starts_with("arn:")
                && let Some(id) = call.text("SecretId")
                && let Some(secret) = directory.secret(&call.region, id).await?
                && let Some(members) = fields.as_object_mut()
            {
                members.insert("ARN".to_owned(), secret.arn.into());
            }
        }
        _ => {}
    }
    Ok(*fields != before)
}

fn labelled(secret: &mut Value, member: &str) {
    if let Some(versions) = secret.get_mut(member).and_then(Value::as_object_mut) {
        versions.retain(|_, labels| labels.as_array().is_none_or(|labels| !labels.is_empty()));
    }
}

/// An error as Secrets Manager tells it: all that a client can mend with 400
/// (`test_secret_not_found`).
///
/// # Errors
/// When the upstream cannot tell whether the secret is to be deleted.
pub(super) async fn error(
    call: &Call,
    told: &ServiceError,
    directory: &Directory,
) -> Result<Option<ServiceError>, ServiceError> {
    let status = if matches!(told.status, 404 | 409) { 400 } else { told.status };
    let mut code = told.code.clone();
    // moto writes some messages as a client would show them.
    let said = match told.message.split_once(" operation: ") {
        Some((before, said)) if before.starts_with("An error occurred (") => said,
        _ => &told.message,
    };
    let mut text = said.to_owned();
    if code == "InvalidRequestException" && said.contains("currently marked deleted") {
        text = MARKED.to_owned();
    }
    if code == "ResourceExistsException"
        && call.name() == "CreateSecret"
        && let Some(name) = call.text("Name")
    {
        if directory.secret_is_marked(&call.region, name).await? {
            // `test_exp_raised_on_creation_of_secret_scheduled_for_deletion`
            code = "InvalidRequestException".into();
            text = "You can't create this secret because a secret with this name is already \
                    scheduled for deletion."
                .to_owned();
        } else {
            // `test_secret_exists_snapshots`
            text = format!("The operation failed because the secret {name} already exists.");
        }
    }
    let differs = status != told.status || code != told.code || text != told.message;
    Ok(differs.then(|| ServiceError::new(status, code, text)))
}
