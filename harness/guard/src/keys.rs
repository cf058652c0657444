//! Users' access keys: IAM upstream makes them, the guard must know them.

use std::borrow::Cow;

use bytes::Bytes;
use http::Response;
use ringfence_services::Setting;
use ringfence_services::credentials::{Credentials, Identity, LongTerm, Session};
use ringfence_wire::{Call, Secret, Service, ServiceError, response};
use serde_json::Value;

use crate::directory::Directory;

/// Takes note of a key that a successful call made, ended or switched, and of whose
/// holder it named otherwise.
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
        ("UpdateUser", _) => renamed(call, setting, directory).await,
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

/// The keys of a user stay with it under its new name.
async fn renamed(
    call: &Call,
    setting: &Setting,
    directory: &Directory,
) -> Result<(), ServiceError> {
    let Some(name) = call.text("NewUserName").or_else(|| call.text("UserName")) else {
        return Ok(());
    };
    if let Some(user) = directory.user(name).await? {
        let (arn, user_id) = (user.arn.clone(), user.id.clone());
        setting.keyring.rename(&LongTerm::User { arn, name: name.to_owned(), user_id });
    }
    Ok(())
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
/// When the caller is no user, or the name is empty: emulators take that for
/// none, and then the owner of the key that the call names for the user.
fn implied_user<'a>(call: &Call, caller: &'a Session) -> Result<Option<&'a str>, ServiceError> {
    if call.service() == Service::Iam && call.text("UserName") == Some("") {
        return Err(ServiceError::new(
            400,
            "ValidationError",
            "1 validation error detected: Value '' at 'userName' failed to satisfy constraint: \
             Member must have length greater than or equal to 1",
        ));
    }
    let is_implied = call.service() == Service::Iam
        && call.operation.member("UserName").is_some()
        && !call.input.contains_key("UserName");
    if !is_implied {
        return Ok(None);
    }
    match &caller.identity {
        Identity::User { name, .. } => Ok(Some(name)),
        Identity::Role(_) | Identity::FederatedUser(_) => Err(ServiceError::new(
            400,
            "ValidationError",
            "Must specify userName when calling with non-User credentials",
        )),
        Identity::Root { .. }
        | Identity::Service { .. }
        | Identity::WebIdentity(_)
        | Identity::Anonymous => Ok(None),
    }
}

/// The call as the upstream gets it: with its caller's own name where it means
/// that (see [`implied_user`]), and with the one name that a key's policy has, which
/// AWS takes where a call gives none
/// (<https://docs.aws.amazon.com/kms/latest/APIReference/API_PutKeyPolicy.html>).
///
/// # Errors
/// As [`implied_user`].
pub(crate) fn completed<'a>(
    call: &'a Call,
    caller: &Session,
) -> Result<Cow<'a, Call>, ServiceError> {
    let with = |member: &str, value: &str| {
        let mut call = call.clone();
        call.input.insert(member.to_owned(), value.into());
        Ok(Cow::Owned(call))
    };
    if call.service() == Service::Kms
        && ["GetKeyPolicy", "PutKeyPolicy"].contains(&call.name())
        && !call.input.contains_key("PolicyName")
    {
        return with("PolicyName", "default");
    }
    match implied_user(call, caller)? {
        Some(name) => with("UserName", name),
        None => Ok(Cow::Borrowed(call)),
    }
}

#[cfg(test)]
mod tests {
    use ringfence_wire::Operation;
    use serde_json::json;

    use super::*;

    fn alice() -> Session {
        Session::direct(Identity::User {
            arn: "arn:aws:iam::123456789012:user/alice".into(),
            name: "alice".into(),
            user_id: "AIDAEXAMPLE".into(),
        })
    }

    fn delete_key(input: Value) -> Call {
        Call {
            operation: Operation::find(Service::Iam, "DeleteAccessKey").unwrap(),
            region: "us-east-1".into(),
            input: input.as_object().unwrap().clone(),
            payload: None,
        }
    }

    #[test]
    fn an_empty_user_name_is_nobodys() {
        let call = delete_key(json!({"UserName": "", "AccessKeyId": "AKIAOFBOB"}));
        let error = implied_user(&call, &alice()).unwrap_err();
        assert_eq!((error.code.as_ref(), error.status), ("ValidationError", 400));

        let call = delete_key(json!({"AccessKeyId": "AKIAOFALICE"}));
        assert_eq!(implied_user(&call, &alice()), Ok(Some("alice")));
        let call = delete_key(json!({"UserName": "bob", "AccessKeyId": "AKIAOFBOB"}));
        assert_eq!(implied_user(&call, &alice()), Ok(None));
    }

    /// Left out of it, the upstream would take the key's owner for the user.
    #[test]
    fn the_callers_own_name_goes_upstream() {
        let call = delete_key(json!({"AccessKeyId": "AKIAOFALICE"}));
        let completed = completed(&call, &alice()).unwrap();
        assert_eq!(completed.text("UserName"), Some("alice"));
        assert_eq!(completed.text("AccessKeyId"), Some("AKIAOFALICE"));
    }

    /// A key has one policy, and emulators ask for its name.
    #[rstest::rstest]
    #[case("PutKeyPolicy", json!({"KeyId": "k"}), Some("default"))]
    #[case("GetKeyPolicy", json!({"KeyId": "k"}), Some("default"))]
    #[case("GetKeyPolicy", json!({"KeyId": "k", "PolicyName": "other"}), Some("other"))]
    #[case("DescribeKey", json!({"KeyId": "k"}), None)]
    fn the_name_of_a_keys_policy_may_be_left_out(
        #[case] operation: &str,
        #[case] input: Value,
        #[case] name: Option<&str>,
    ) {
        let call = Call {
            operation: Operation::find(Service::Kms, operation).unwrap(),
            region: "us-east-1".into(),
            input: input.as_object().unwrap().clone(),
            payload: None,
        };
        assert_eq!(completed(&call, &alice()).unwrap().text("PolicyName"), name);
    }
}
