//! Users' access keys: IAM upstream makes them, the guard must know them.

use bytes::Bytes;
use http::Response;
use ringfence_services::Setting;
use ringfence_services::credentials::{Credentials, Identity, Session};
use ringfence_wire::{Call, Secret, Service, ServiceError, response};
use serde_json::Value;

use crate::directory::Directory;

/// Takes note of a key that a successful call made, ended or switched.
///
/// # Errors
/// When a new key cannot be told from the answer: it would never work.
pub(crate) async fn learn(
    call: &Call,
    answer: &Response<Bytes>,
    setting: &Setting,
    directory: &Directory,
) -> Result<(), ServiceError> {
    if call.service() != Service::Iam {
        return Ok(());
    }
    let id = call.text("AccessKeyId");
    match (call.name(), id) {
        ("CreateAccessKey", _) => created(call, answer, setting, directory).await,
        ("DeleteAccessKey", Some(id)) => {
            setting.keyring.remove(id);
            Ok(())
        }
        ("UpdateAccessKey", Some(id)) => {
            setting.keyring.set_active(id, call.text("Status") == Some("Active"));
            Ok(())
        }
        _ => Ok(()),
    }
}

async fn created(
    call: &Call,
    answer: &Response<Bytes>,
    setting: &Setting,
    directory: &Directory,
) -> Result<(), ServiceError> {
    let answer = response::decode(call.operation, answer)?;
    let key = answer.get("AccessKey").unwrap_or(&Value::Null);
    let text = |member: &str| key.get(member).and_then(Value::as_str);
    let (Some(id), Some(secret), Some(name)) =
        (text("AccessKeyId"), text("SecretAccessKey"), text("UserName"))
    else {
        return Err(unusable("the upstream's answer holds no access key"));
    };
    let user = directory
        .user(name)
        .await?
        .ok_or_else(|| unusable("the upstream does not know the new key's user"))?;
    let credentials = Credentials {
        access_key_id: id.to_owned(),
        secret_access_key: Secret::new(secret),
        session_token: None,
        expiration: None,
    };
    let identity =
        Identity::User { arn: user.arn.clone(), name: name.to_owned(), user_id: user.id.clone() };
    setting.keyring.add(credentials, identity);
    Ok(())
}

fn unusable(message: &str) -> ServiceError {
    ServiceError::new(502, "InternalFailure", message)
}

/// The user's name that a call leaves out and so means its caller's
/// (`iam:CreateAccessKey` by a user for itself). The upstream cannot fill it
/// in: to it every call is root's.
///
/// # Errors
/// When the caller is no user.
pub(crate) fn implied_user<'a>(
    call: &Call,
    caller: &'a Session,
) -> Result<Option<&'a str>, ServiceError> {
    let is_implied = call.service() == Service::Iam
        && call.operation.member("UserName").is_some()
        && !call.input.contains_key("UserName");
    match &caller.identity {
        Identity::User { name, .. } if is_implied => Ok(Some(name)),
        Identity::Role(_) if is_implied => Err(ServiceError::new(
            400,
            "ValidationError",
            "Must specify userName when calling with non-User credentials",
        )),
        _ => Ok(None),
    }
}
