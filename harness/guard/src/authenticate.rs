//! Who calls: told by the signature, by a web identity's token, or nobody.

use bytes::Bytes;
use http::{HeaderMap, request};
use ringfence_models::Partition;
use ringfence_models::needs::Needs;
use ringfence_services::credentials::{Identity, Key, Session};
use ringfence_services::sts::{self, Sts};
use ringfence_services::{Keyring, Setting};
use ringfence_wire::signature::{self, Presented, SignatureError, v2};
use ringfence_wire::{Call, Secret, Service, ServiceError, identify, post};

use crate::pipeline::Passage;
use crate::signing::Signed;

/// A caller, and the body without its framing.
#[derive(Debug)]
pub(crate) struct Authenticated {
    pub(crate) caller: Session,
    pub(crate) body: Bytes,
    /// How the request is signed; `None` where it is not.
    pub(crate) signed: Option<Signed>,
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
    let signed = |error: SignatureError| error.to_service_error(service);
    let elsewhere = Partition::of_region(&call.region) != setting.partition();
    if service == Service::S3
        && let Some(presented) = v2::read(parts).map_err(signed)?
    {
        if elsewhere {
            return Err(signed(unknown_elsewhere(&presented.access_key_id)));
        }
        let caller =
            signed_by_v2(&presented, call, parts, &setting.keyring, passage).map_err(signed)?;
        return Ok(Authenticated { caller, body, signed: Some(Signed::version_2()) });
    }
    let Some(presented) = signature::read(parts).map_err(signed)? else {
        if elsewhere {
            let message = format!("{} is a region of another partition", call.region);
            return Err(ServiceError::validation(service, message));
        }
        return unsigned(call, parts, body, sts).await;
    };
    if elsewhere {
        return Err(signed(unknown_elsewhere(&presented.access_key_id)));
    }
    presented.check_scope(service.signing_name(), &call.region).map_err(signed)?;
    let (caller, body) =
        signed_by(&presented, parts, &body, &setting.keyring, passage).map_err(signed)?;
    Ok(Authenticated { caller, body, signed: Some(Signed::version_4(&presented)) })
}

/// Each partition has its own IAM, which knows no keys of another's
/// (<https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html>).
fn unknown_elsewhere(access_key_id: &str) -> SignatureError {
    SignatureError::UnknownAccessKey { access_key_id: access_key_id.to_owned() }
}

/// Checks a signature of S3's older kind.
fn signed_by_v2(
    presented: &v2::Presented,
    call: &Call,
    parts: &request::Parts,
    keyring: &Keyring,
    passage: &mut Passage,
) -> Result<Session, SignatureError> {
    let key = held(keyring, &presented.access_key_id, presented.session_token.as_ref())?;
    let headers = v2::headers(parts).unwrap_or_else(|| parts.headers.clone());
    let place =
        v2::Place { region: &call.region, bucket: call.text("Bucket"), key: call.text("Key") };
    let secret = &key.credentials.secret_access_key;
    presented.verify(&place, parts, &headers, secret, passage.now)?;
    in_use(&key, &parts.headers, passage)?;
    Ok(key.session)
}

/// The holder of a form that posts an object, checked against its policy; an
/// unsigned one is nobody's.
///
/// # Errors
/// Why the form is not taken.
pub(crate) fn posted(
    form: &post::Form,
    headers: &HeaderMap,
    bucket: &str,
    setting: &Setting,
    passage: &mut Passage,
) -> Result<(Session, Option<Signed>), ServiceError> {
    let Some(signature) = post::Signature::read(form)? else {
        return Ok((Session::direct(Identity::Anonymous), None));
    };
    let refused = |error: SignatureError| error.to_service_error(Service::S3);
    let token = signature.session_token.as_ref();
    let key = held(&setting.keyring, &signature.access_key_id, token).map_err(refused)?;
    let secret = &key.credentials.secret_access_key;
    signature.verify(form, bucket, &setting.region, secret, passage.now)?;
    in_use(&key, headers, passage).map_err(refused)?;
    Ok((key.session, Some(Signed::posted(&signature))))
}

/// The key with an id, whose session token came along.
fn held(
    keyring: &Keyring,
    access_key_id: &str,
    token: Option<&Secret>,
) -> Result<Key, SignatureError> {
    let unknown = || SignatureError::UnknownAccessKey { access_key_id: access_key_id.to_owned() };
    let key = keyring.find(access_key_id).filter(|key| key.active).ok_or_else(unknown)?;
    match token == key.credentials.session_token.as_ref() {
        true => Ok(key),
        false => Err(SignatureError::SessionToken),
    }
}

/// Whether a key whose signature holds may still be used. It is asked after the
/// signature: whether a session has ended is its holder's alone to know. Whose the
/// key is stands in the journal from then on.
fn in_use(key: &Key, headers: &HeaderMap, passage: &mut Passage) -> Result<(), SignatureError> {
    passage.signed(key, headers);
    if key.retired {
        let access_key_id = key.credentials.access_key_id.clone();
        return Err(SignatureError::UnknownAccessKey { access_key_id });
    }
    match key.session.expiration {
        Some(end) if end <= passage.now => Err(SignatureError::SessionExpired),
        _ => Ok(()),
    }
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
    let key = held(keyring, &presented.access_key_id, presented.session_token.as_ref())?;
    let verified =
        signature::verify(presented, parts, body, &key.credentials.secret_access_key, passage.now)?;
    in_use(&key, &parts.headers, passage)?;
    Ok((key.session, verified.body))
}

/// An unsigned request: a web identity, S3's anonymous reader, or a call that
/// clients do not sign
/// (<https://docs.aws.amazon.com/cognito/latest/developerguide/authentication-flows-public-server-side.html>).
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
            let caller = Session::direct(Identity::Anonymous);
            return Ok(Authenticated { caller, body, signed: None });
        }
        // Operations that nobody signs, as sign-ups of Cognito.
        _ if call.operation.unsigned && matches!(call.operation.needs(), Needs::ByRule(_)) => {
            Identity::Anonymous
        }
        (service, _) => {
            let unsigned = match identify::is_signed_in_form(service, &body) {
                true => SignatureError::Algorithm("Signature Version 2".to_owned()),
                false => SignatureError::Unsigned,
            };
            return Err(unsigned.to_service_error(service));
        }
    };
    Ok(Authenticated { caller: Session::direct(identity), body, signed: None })
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
