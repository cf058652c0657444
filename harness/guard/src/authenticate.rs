//! Who calls: told by the signature, by a web identity's token, or nobody.

use bytes::Bytes;
use http::request;
use ringfence_services::credentials::{Identity, Session};
use ringfence_services::sts::{self, Sts};
use ringfence_services::{Keyring, Setting};
use ringfence_wire::signature::{self, Presented, SignatureError};
use ringfence_wire::{Call, Service, ServiceError};

use crate::pipeline::Passage;

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
    passage: &mut Passage,
) -> Result<Authenticated, ServiceError> {
    let service = call.service();
    let presented = signature::read(parts).map_err(|error| error.to_service_error(service))?;
    let Some(presented) = presented else {
        return unsigned(call, parts, body, sts).await;
    };
    let signed = |error: SignatureError| error.to_service_error(service);
    presented.check_scope(service.signing_name(), &call.region).map_err(signed)?;
    let (caller, body) =
        signed_by(&presented, parts, &body, &setting.keyring, passage).map_err(signed)?;
    Ok(Authenticated { caller, body })
}

/// Checks a signature against the key that it names. Whose the key is stands in
/// the journal from then on, also where it may not be used any more.
pub(crate) fn signed_by(
    presented: &Presented,
    parts: &request::Parts,
    body: &Bytes,
    keyring: &Keyring,
    passage: &mut Passage,
) -> Result<(Session, Bytes), SignatureError> {
    let unknown =
        || SignatureError::UnknownAccessKey { access_key_id: presented.access_key_id.clone() };
    let key = keyring.find(&presented.access_key_id).filter(|key| key.active);
    let key = key.ok_or_else(unknown)?;
    if presented.session_token != key.credentials.session_token {
        return Err(SignatureError::SessionToken);
    }
    let verified =
        signature::verify(presented, parts, body, &key.credentials.secret_access_key, passage.now)?;
    passage.signed(&key, &parts.headers);
    if key.retired {
        return Err(unknown());
    }
    // After the signature: whether a session has ended is its holder's alone
    // to know.
    if key.session.expiration.is_some_and(|end| end <= passage.now) {
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

/// Refuses what the credentials may not be used for at all, whatever policies
/// say.
///
/// - "You cannot call any IAM operations using the AWS CLI or the AWS API …
///   You cannot call any STS operations except GetCallerIdentity"
///   (<https://docs.aws.amazon.com/STS/latest/APIReference/API_GetFederationToken.html>).
/// - "You cannot call any IAM API operations unless MFA authentication
///   information is included in the request … You cannot call any STS API except
///   AssumeRole or GetCallerIdentity"
///   (<https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html>).
///
/// AWS calls the token invalid then, IAM where CloudFormation acts for the
/// caller too (<https://github.com/aws/aws-cdk-cli/issues/194>). STS tells a
/// caller that asks it for another session what is wrong.
pub(crate) fn restricted(caller: &Session, call: &Call) -> Result<(), ServiceError> {
    let of_sts: &[&str] = match (&caller.identity, caller.session_token_issued_at) {
        (Identity::FederatedUser(_), _) => &["GetCallerIdentity"],
        (Identity::Root { .. } | Identity::User { .. }, Some(_)) => {
            &["AssumeRole", "GetCallerIdentity"]
        }
        (Identity::Root { .. } | Identity::User { .. }, None)
        | (
            Identity::Role(_)
            | Identity::Service { .. }
            | Identity::WebIdentity(_)
            | Identity::Anonymous,
            _,
        ) => return Ok(()),
    };
    match (call.service(), call.name()) {
        (Service::Iam, _) => Err(gone(Service::Iam)),
        (Service::Sts, name @ ("GetFederationToken" | "GetSessionToken")) => {
            Err(sts::session_credentials(name))
        }
        (Service::Sts, name) if !of_sts.contains(&name) => Err(gone(Service::Sts)),
        _ => Ok(()),
    }
}
