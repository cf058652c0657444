//! Service-specific credentials of users, which emulators do not know
//! (<https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateServiceSpecificCredential.html>).
//! They are for CodeCommit's and Keyspaces' own protocols, which are not there:
//! nothing that the guard answers takes them. The answers are those that
//! LocalStack recorded on AWS (`TestIAMServiceSpecificCredentials`).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ringfence_wire::{Call, Reply, ServiceError};
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::no_such_entity;
use crate::context::rfc3339;
use crate::directory::{Directory, User};

/// The services that have such credentials. Bedrock's, which are API keys with
/// an end, are not built.
const SERVICES: [&str; 2] = ["cassandra.amazonaws.com", "codecommit.amazonaws.com"];

/// "You can have a maximum of two sets of service-specific credentials for each
/// supported service per user."
const MOST: usize = 2;

/// The credentials of the account's users.
#[derive(Debug, Default)]
pub(crate) struct ServiceCredentials(Mutex<Vec<Credential>>);

#[derive(Debug, Clone)]
struct Credential {
    id: String,
    user_id: String,
    user_name: String,
    service_user_name: String,
    service: String,
    status: String,
    made: OffsetDateTime,
}

impl ServiceCredentials {
    /// Whether a user has one.
    pub(crate) fn has(&self, user_id: &str) -> bool {
        self.lock().iter().any(|own| own.user_id == user_id)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Credential>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Credential {
    fn shown(&self) -> Value {
        json!({
            "CreateDate": rfc3339(self.made),
            "ServiceName": self.service,
            "ServiceSpecificCredentialId": self.id,
            "ServiceUserName": self.service_user_name,
            "Status": self.status,
            "UserName": self.user_name,
        })
    }

    /// With its password, which is told once.
    fn with_password(&self) -> Reply {
        let mut shown = self.shown();
        if let Some(members) = shown.as_object_mut() {
            members.insert("ServicePassword".to_owned(), password().into());
        }
        Reply::fields(json!({"ServiceSpecificCredential": shown}))
    }
}

/// Makes one.
///
/// # Errors
/// As IAM answers.
pub(super) async fn create(
    call: &Call,
    directory: &Directory,
    account_id: &str,
    now: OffsetDateTime,
) -> Result<Reply, ServiceError> {
    let (name, user) = user(call, directory).await?;
    let service = service(call)?.unwrap_or_default();
    let mut all = directory.kept().service_credentials.lock();
    let own = all.iter().filter(|own| own.user_id == user.id && own.service == service);
    if own.count() >= MOST {
        return Err(ServiceError::new(
            409,
            "LimitExceeded",
            format!("Cannot exceed quota for ServiceSpecificCredentialsPerUser: {MOST}"),
        ));
    }
    let credential = Credential {
        id: id(),
        user_id: user.id.clone(),
        user_name: name.to_owned(),
        service_user_name: format!("{name}-at-{account_id}"),
        service: service.to_owned(),
        status: "Active".to_owned(),
        made: now,
    };
    let reply = credential.with_password();
    all.push(credential);
    Ok(reply)
}

/// Lists a user's.
///
/// # Errors
/// As IAM answers.
pub(super) async fn list(call: &Call, directory: &Directory) -> Result<Reply, ServiceError> {
    let (_, user) = user(call, directory).await?;
    let service = service(call)?;
    let all = directory.kept().service_credentials.lock();
    let own = all.iter().filter(|own| own.user_id == user.id);
    let own = own.filter(|own| service.is_none_or(|service| own.service == service));
    let own: Vec<Value> = own.map(Credential::shown).collect();
    Ok(Reply::fields(json!({"ServiceSpecificCredentials": own})))
}

/// Switches one on or off, gives it a new password, or deletes it.
///
/// # Errors
/// As IAM answers.
pub(super) async fn change(call: &Call, directory: &Directory) -> Result<Reply, ServiceError> {
    let id = call.text("ServiceSpecificCredentialId").unwrap_or_default();
    if !id.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Err(invalid(
            "serviceSpecificCredentialId",
            "Member must satisfy regular expression pattern: [\\w]+",
        ));
    }
    let status = call.text("Status").unwrap_or_default();
    if call.name() == "UpdateServiceSpecificCredential" && !["Active", "Inactive"].contains(&status)
    {
        return Err(invalid("status", "Member must satisfy enum value set"));
    }
    let (_, user) = user(call, directory).await?;
    let mut all = directory.kept().service_credentials.lock();
    let found = all.iter().position(|own| own.id == id && own.user_id == user.id);
    let missing = || no_such_entity(format!("No such credential {id} exists"));
    let at = found.ok_or_else(missing)?;
    if call.name() == "DeleteServiceSpecificCredential" {
        all.remove(at);
        return Ok(Reply::empty());
    }
    let own = all.get_mut(at).ok_or_else(missing)?;
    if call.name() == "ResetServiceSpecificCredential" {
        return Ok(own.with_password());
    }
    status.clone_into(&mut own.status);
    Ok(Reply::empty())
}

async fn user<'a>(
    call: &'a Call,
    directory: &Directory,
) -> Result<(&'a str, Arc<User>), ServiceError> {
    let name = call.text("UserName").ok_or_else(|| {
        // IAM would take the caller's own.
        ServiceError::new(501, "NotImplementedException", "this is served for a named user alone")
    })?;
    let user = directory.user(name).await?;
    let missing = || no_such_entity(format!("The user with name {name} cannot be found."));
    Ok((name, user.ok_or_else(missing)?))
}

fn service(call: &Call) -> Result<Option<&str>, ServiceError> {
    match call.text("ServiceName") {
        Some("bedrock.amazonaws.com") => Err(ServiceError::new(
            501,
            "NotImplementedException",
            "API keys of Bedrock are not built",
        )),
        Some(service) if !SERVICES.contains(&service) => Err(no_such_entity(format!(
            "No such service {service} is supported for Service Specific Credentials"
        ))),
        service => Ok(service),
    }
}

fn invalid(member: &str, constraint: &str) -> ServiceError {
    ServiceError::new(
        400,
        "ValidationError",
        format!(
            "1 validation error detected: Value at '{member}' failed to satisfy constraint: \
             {constraint}"
        ),
    )
}

/// `ACCA` and 17 letters and digits, as the API reference's examples.
fn id() -> String {
    const LETTERS: [char; 32] = [
        'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M', 'N', 'O', 'P', 'Q', 'R',
        'S', 'T', 'U', 'V', 'W', 'X', 'Y', 'Z', '2', '3', '4', '5', '6', '7',
    ];
    let bytes = [*uuid::Uuid::new_v4().as_bytes(), *uuid::Uuid::new_v4().as_bytes()].concat();
    let letters = bytes.iter().filter_map(|byte| LETTERS.get(usize::from(byte % 32)));
    std::iter::once("ACCA".to_owned()).chain(letters.take(17).map(char::to_string)).collect()
}

/// It opens nothing here.
fn password() -> String {
    let bytes = [*uuid::Uuid::new_v4().as_bytes(), *uuid::Uuid::new_v4().as_bytes()].concat();
    STANDARD.encode(bytes)
}
