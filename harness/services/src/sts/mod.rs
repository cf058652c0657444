//! STS: who one is, sessions of roles, and what long-term credentials are given.
//!
//! Whether a caller may make a call is not decided here: the guard has asked the
//! policies, a role's trust policy among them, before a call arrives.

mod assume_role;
mod check;
mod directory;
mod federation_token;
mod github;
mod input;
mod session;
mod tags;
mod web_identity;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use ringfence_wire::{Call, Reply, ServiceError};
use serde_json::json;
use time::OffsetDateTime;

use crate::credentials::Session;
use crate::setting::Setting;
use crate::token::Issuers;

pub use directory::{Directory, OidcProvider, RoleRecord};
pub use input::check_input;

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
            "GetFederationToken" => self.federation_token(call, caller).await,
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
        let holder = caller.long_term().ok_or_else(|| session_credentials(call.name()))?;
        check::no_mfa(call)?;
        let now = self.setting.now();
        let expiration = now + session::own_duration(call, &holder)?;
        self.setting.keyring.sweep(now);
        let credentials =
            self.setting.keyring.session_token(holder, now, expiration).map_err(no_randomness)?;
        Ok(Reply::fields(json!({ "Credentials": session::printed(&credentials, expiration) })))
    }
}

/// The refusal of `GetFederationToken` and `GetSessionToken` for temporary
/// credentials, in AWS's words (<https://github.com/fwdcloudsec/granted/issues/151>,
/// <https://github.com/hashicorp/vault/pull/4108>).
pub fn session_credentials(operation: &str) -> ServiceError {
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
