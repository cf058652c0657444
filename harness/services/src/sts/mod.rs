//! STS: who one is, and sessions of roles.
//!
//! Whether a caller may assume a role is not decided here: the guard has asked
//! the role's trust policy before a call arrives.

mod assume_role;
mod check;
mod directory;
mod github;
mod session;
mod tags;
mod web_identity;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use ringfence_wire::{Call, Reply, ServiceError};
use serde_json::json;
use time::OffsetDateTime;

use crate::credentials::{Identity, Session};
use crate::setting::Setting;
use crate::token::Issuers;

pub use directory::{Directory, OidcProvider, RoleRecord};

/// AWS Security Token Service.
#[derive(Debug)]
pub struct Sts {
    setting: Arc<Setting>,
    directory: Arc<dyn Directory>,
    issuers: Issuers,
}

impl Sts {
    /// STS for an account whose roles and providers are in `directory`.
    pub fn new(setting: Arc<Setting>, directory: Arc<dyn Directory>, issuers: Issuers) -> Self {
        Self { setting, directory, issuers }
    }

    /// Answers an authorized call.
    ///
    /// # Errors
    /// STS's own, and `NotImplemented` for operations that are not built.
    pub async fn answer(&self, call: &Call, caller: &Session) -> Result<Reply, ServiceError> {
        match call.name() {
            "GetCallerIdentity" => Ok(self.caller_identity(caller)),
            "AssumeRole" => self.assume_role(call, caller).await,
            "AssumeRoleWithWebIdentity" => self.assume_role_with_web_identity(call, caller).await,
            "GetSessionToken" => self.session_token(call, caller),
            "GetAccessKeyInfo" => self.access_key_info(call),
            name => Err(ServiceError::new(
                501,
                "NotImplemented",
                format!("sts:{name} is not built into Ringfence"),
            )),
        }
    }

    fn caller_identity(&self, caller: &Session) -> Reply {
        let identity = &caller.identity;
        Reply::fields(json!({
            "UserId": identity.user_id(),
            "Account": identity.account_id().unwrap_or(&self.setting.account_id),
            "Arn": identity.arn(),
        }))
    }

    fn access_key_info(&self, call: &Call) -> Result<Reply, ServiceError> {
        let id = check::text(call, "AccessKeyId", 16, 128)?;
        check::pattern(call, "AccessKeyId", r"[\w]*", |c| c.is_ascii_alphanumeric() || c == '_')?;
        let key = self.setting.keyring.find(id).ok_or_else(|| {
            check::error(format!("Access key {id} belongs to no account that Ringfence knows"))
        })?;
        let account = key.session.identity.account_id().unwrap_or(&self.setting.account_id);
        Ok(Reply::fields(json!({ "Account": account })))
    }

    /// `GetSessionToken`: for long-term keys only
    /// (<https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html>).
    fn session_token(&self, call: &Call, caller: &Session) -> Result<Reply, ServiceError> {
        if call.input.contains_key("SerialNumber") || call.input.contains_key("TokenCode") {
            return Err(ServiceError::new(
                501,
                "NotImplemented",
                "MFA devices are not built into Ringfence",
            ));
        }
        let asked = check::number(call, "DurationSeconds", 900, 129_600)?;
        let seconds = match &caller.identity {
            // Root's sessions last an hour at most; more is cut, not refused.
            Identity::Root { .. } => asked.unwrap_or(3_600).min(3_600),
            Identity::User { .. } => asked.unwrap_or(43_200),
            _ => return Err(session_credentials(call.name())),
        };
        if caller.expiration.is_some() {
            return Err(session_credentials(call.name()));
        }
        let now = self.setting.now();
        let expiration = now + time::Duration::seconds(seconds.into());
        self.setting.keyring.sweep(now);
        let credentials = self
            .setting
            .keyring
            .issue(caller.identity.clone(), Vec::new(), expiration)
            .map_err(no_randomness)?;
        Ok(Reply::fields(json!({ "Credentials": session::printed(&credentials, expiration) })))
    }
}

fn session_credentials(operation: &str) -> ServiceError {
    ServiceError::new(
        403,
        "AccessDenied",
        format!("Cannot call {operation} with session credentials"),
    )
}

fn no_randomness(cause: getrandom::Error) -> ServiceError {
    ServiceError::new(500, "InternalFailure", format!("no randomness to be had: {cause}"))
}

fn timestamp(time: OffsetDateTime) -> String {
    let time = time.replace_nanosecond(0).unwrap_or(time);
    time.format(&time::format_description::well_known::Rfc3339).unwrap_or_default()
}
