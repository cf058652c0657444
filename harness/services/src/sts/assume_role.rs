//! `AssumeRole`.

use ringfence_wire::signature::SignatureError;
use ringfence_wire::{Call, Reply, Service, ServiceError};
use serde_json::json;

use super::session::{self, Wanted};
use super::tags::SessionTags;
use super::{Sts, check, check_input};
use crate::credentials::{Identity, Session};

/// A session of a role may be used for an hour at most to begin another
/// (<https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>).
const CHAINED_LIMIT: u32 = 3_600;

impl Sts {
    pub(super) async fn assume_role(
        &self,
        call: &Call,
        caller: &Session,
    ) -> Result<Reply, ServiceError> {
        check_input(call, Some(caller))?;
        let arn = check::role_arn(call)?;
        let name = call.text("RoleSessionName").unwrap_or_default();
        let source_identity = call.text("SourceIdentity");
        check::no_mfa(call)?;
        let chained = match &caller.identity {
            Identity::Root { .. } => {
                return Err(ServiceError::new(
                    403,
                    "AccessDenied",
                    "Roles may not be assumed by root accounts.",
                ));
            }
            // The guard lets no such call arrive.
            Identity::FederatedUser(_) => {
                return Err(SignatureError::SessionToken.to_service_error(Service::Sts));
            }
            Identity::Role(session) => Some(session.as_ref()),
            Identity::User { .. }
            | Identity::Service { .. }
            | Identity::WebIdentity(_)
            | Identity::Anonymous => None,
        };
        // Trust was decided on the role as it is; a role that is not there
        // trusts nobody.
        let role = self.directory.role(arn).await?.ok_or_else(|| {
            ServiceError::new(
                403,
                "AccessDenied",
                format!(
                    "User: {} is not authorized to perform: sts:AssumeRole on resource: {arn}",
                    caller.identity.arn()
                ),
            )
        })?;
        let seconds = session::duration(call, &role)?;
        if chained.is_some() && seconds > CHAINED_LIMIT {
            return Err(check::error(
                "The requested DurationSeconds exceeds the 1 hour session limit for roles \
                 assumed by role chaining.",
            ));
        }
        let handed = chained.and_then(|session| session.source_identity.as_deref());
        if let (Some(handed), Some(asked)) = (handed, source_identity)
            && handed != asked
        {
            return Err(ServiceError::new(
                403,
                "AccessDenied",
                "The source identity of a session cannot be changed.",
            ));
        }
        let source_identity = handed.or(source_identity).map(str::to_owned);
        let made = self.make(
            &role,
            Wanted {
                name,
                seconds,
                policies: self.session_policies(call).await?,
                tags: SessionTags::of(call, chained)?,
                source_identity: source_identity.clone(),
                // Only the provider stays with a chained session.
                web_keys: Vec::new(),
                federated_provider: chained.and_then(|session| session.federated_provider.clone()),
                assumed_by: match &caller.identity {
                    Identity::Service { principal, .. } => Some(principal.clone()),
                    _ => None,
                },
            },
        )?;
        let mut reply = json!({
            "Credentials": made.credentials,
            "AssumedRoleUser": made.user,
        });
        if let Some(fields) = reply.as_object_mut() {
            if let Some(percent) = made.packed_percent {
                fields.insert("PackedPolicySize".to_owned(), percent.into());
            }
            if let Some(source_identity) = source_identity {
                fields.insert("SourceIdentity".to_owned(), source_identity.into());
            }
        }
        Ok(Reply::fields(reply))
    }
}
