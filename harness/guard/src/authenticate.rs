//! Who calls: told by the signature, by a web identity's token, or nobody.

use bytes::Bytes;
use http::request;
use ringfence_services::credentials::{Identity, Session};
use ringfence_services::sts::Sts;
use ringfence_services::{Keyring, Setting};
use ringfence_wire::signature::{self, Presented, SignatureError};
use ringfence_wire::{Call, Service, ServiceError};
use time::OffsetDateTime;

/// A caller, and the body without its framing.
#[derive(Debug)]
pub(crate) struct Authenticated {
    pub(crate) caller: Session,
    pub(crate) body: Bytes,
}

/// Tells who calls.
///
/// # Errors
/// AWS's error, in the service's own words, where the caller is not who the
/// request says.
pub(crate) async fn authenticate(
    call: &Call,
    parts: &request::Parts,
    body: Bytes,
    setting: &Setting,
    sts: &Sts,
    now: OffsetDateTime,
) -> Result<Authenticated, ServiceError> {
    let service = call.service();
    let presented = signature::read(parts).map_err(|error| error.to_service_error(service))?;
    let Some(presented) = presented else {
        return unsigned(call, parts, body, sts).await;
    };
    let signed = |error: SignatureError| error.to_service_error(service);
    presented.check_scope(service.signing_name(), &call.region).map_err(signed)?;
    let (caller, body) =
        signed_by(&presented, parts, &body, &setting.keyring, now).map_err(signed)?;
    restricted(&caller, call)?;
    Ok(Authenticated { caller, body })
}

/// Checks a signature against the key that it names.
pub(crate) fn signed_by(
    presented: &Presented,
    parts: &request::Parts,
    body: &Bytes,
    keyring: &Keyring,
    now: OffsetDateTime,
) -> Result<(Session, Bytes), SignatureError> {
    let unknown =
        || SignatureError::UnknownAccessKey { access_key_id: presented.access_key_id.clone() };
    let key = keyring.find(&presented.access_key_id).filter(|key| key.active);
    let key = key.ok_or_else(unknown)?;
    if presented.session_token != key.credentials.session_token {
        return Err(SignatureError::SessionToken);
    }
    let verified =
        signature::verify(presented, parts, body, &key.credentials.secret_access_key, now)?;
    // After the signature: whether a session has ended is its holder's alone
    // to know.
    if key.session.expiration.is_some_and(|end| end <= now) {
        return Err(SignatureError::SessionExpired);
    }
    Ok((key.session, verified.body))
}

/// An unsigned request: a web identity, or S3's anonymous reader.
async fn unsigned(
    call: &Call,
    parts: &request::Parts,
    body: Bytes,
    sts: &Sts,
) -> Result<Authenticated, ServiceError> {
    let identity = match (call.service(), call.name()) {
        (Service::Sts, "AssumeRoleWithWebIdentity") => {
            Identity::WebIdentity(Box::new(sts.web_identity(call).await?))
        }
        (Service::S3, _) => {
            let framed = signature::chunked::is_chunked(&parts.headers);
            let body = if framed {
                let decoded = signature::chunked::decode(&parts.headers, &body)
                    .map_err(|error| SignatureError::from(error).to_service_error(Service::S3))?;
                decoded.body
            } else {
                body
            };
            return Ok(Authenticated { caller: Session::direct(Identity::Anonymous), body });
        }
        (service, _) => return Err(SignatureError::Unsigned.to_service_error(service)),
    };
    Ok(Authenticated { caller: Session::direct(identity), body })
}

/// The refusal of a key whose user or role is gone: it is as good as none.
pub(crate) fn gone(service: Service) -> ServiceError {
    SignatureError::SessionToken.to_service_error(service)
}

/// Whether a session may be used with a service at all: those from
/// `GetSessionToken` may not call IAM, nor STS but for two operations
/// (<https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html>).
fn restricted(caller: &Session, call: &Call) -> Result<(), ServiceError> {
    let from_session_token = caller.expiration.is_some()
        && caller.called_via.is_empty()
        && matches!(caller.identity, Identity::User { .. } | Identity::Root { .. });
    let barred = match call.service() {
        Service::Iam => true,
        Service::Sts => !matches!(call.name(), "AssumeRole" | "GetCallerIdentity"),
        _ => false,
    };
    if from_session_token && barred { Err(gone(call.service())) } else { Ok(()) }
}
