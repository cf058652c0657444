//! What is known of a request before its body is read: who says to have sent
//! it, and how much it may send.

use bytes::Bytes;
use http::{Response, request};
use ringfence_services::Keyring;
use ringfence_wire::signature::{self, SignatureError, v2};
use ringfence_wire::{Protocol, Service, ServiceError, identify};
use time::OffsetDateTime;

use crate::bodies::Unread;
use crate::data_plane::Target;
use crate::pipeline::Pipeline;

/// "Payload size: 10 MB"
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html>).
const HTTP_API: usize = 10 * 1024 * 1024;
/// "Invocation payload (request and response): 6 MB"
/// (<https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>).
const FUNCTION_URL: usize = 6 * 1024 * 1024;
/// What a custom resource's function may send before it is told that its answer is
/// too long, which it is above 4,096 bytes
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html>).
const RESPONSE: usize = 64 * 1024;
/// An unsigned call brings a web identity, a token of up to 20,000 characters and
/// session policies
/// (<https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html>),
/// or what somebody signs in with.
const UNSIGNED: usize = 128 * 1024;
/// What S3 takes of XML: a thousand keys to delete fit in
/// (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html>).
pub(crate) const XML: usize = 2 * 1024 * 1024;

/// Whom a request addresses, by its head.
#[derive(Debug)]
pub(crate) enum Addressed {
    /// An HTTP API or a function's URL.
    Served,
    /// A service of AWS, by the form of its errors at least.
    Service(Service),
}

/// How much a request may send.
#[derive(Debug)]
pub(crate) struct Admitted {
    pub(crate) addressed: Addressed,
    pub(crate) limit: usize,
    /// Whether somebody known says to have signed it.
    pub(crate) is_signed: bool,
    /// A call that nobody signed: what nobody may do is refused without its body.
    pub(crate) is_anonymous: bool,
}

impl Pipeline {
    /// Admits a request whose head holds: the signature is there and has its
    /// form, its key is known and its date good; for S3, where the head says
    /// what the body's hash is, the signature is the key's.
    ///
    /// # Errors
    /// AWS's own, and the service in whose form to tell it.
    pub(crate) fn admit(
        &self,
        parts: &request::Parts,
    ) -> Result<Admitted, (ServiceError, Service)> {
        let limit = match self.served(parts) {
            Some(Target::Api(_) | Target::Rest { .. }) => Some(HTTP_API),
            Some(Target::Url(_)) => Some(FUNCTION_URL),
            // A package is read, not sent.
            Some(Target::Code) => Some(0),
            Some(Target::Response) => Some(RESPONSE),
            None => None,
        };
        if let Some(limit) = limit {
            let addressed = Addressed::Served;
            return Ok(Admitted { addressed, limit, is_signed: false, is_anonymous: false });
        }
        let service = identify::error_dialect(parts);
        let now = self.setting.now();
        let is_signed = head(parts, &self.setting.keyring, service, now)
            .map_err(|error| (error.to_service_error(service), service))?;
        let most = identify::body_limit(service);
        let limit = match service.protocol() {
            // S3's unsigned readers and writers.
            Protocol::RestXml => most,
            _ if !is_signed => most.min(UNSIGNED),
            _ => most,
        };
        let is_anonymous = !is_signed && service == Service::S3;
        Ok(Admitted { addressed: Addressed::Service(service), limit, is_signed, is_anonymous })
    }
}

/// Whether there is a signature; an error where it cannot hold.
fn head(
    parts: &request::Parts,
    keyring: &Keyring,
    service: Service,
    now: OffsetDateTime,
) -> Result<bool, SignatureError> {
    if service == Service::S3
        && let Some(presented) = v2::read(parts)?
    {
        // What its signature covers is known once the request is read.
        let key = keyring.find(&presented.access_key_id).filter(|key| key.active);
        let access_key_id = presented.access_key_id;
        let key = key.ok_or(SignatureError::UnknownAccessKey { access_key_id })?;
        return match presented.session_token == key.credentials.session_token {
            true => Ok(true),
            false => Err(SignatureError::SessionToken),
        };
    }
    let Some(presented) = signature::read(parts)? else {
        return match service.protocol() {
            Protocol::RestXml if service == Service::S3 => Ok(false),
            // Which operation of these it is, a form's body may tell.
            Protocol::Query | Protocol::Ec2 => Ok(false),
            _ if has_unsigned(service) => Ok(false),
            _ => Err(SignatureError::Unsigned),
        };
    };
    let unknown =
        || SignatureError::UnknownAccessKey { access_key_id: presented.access_key_id.clone() };
    let key = keyring.find(&presented.access_key_id).filter(|key| key.active);
    let key = key.ok_or_else(unknown)?;
    if presented.session_token != key.credentials.session_token {
        return Err(SignatureError::SessionToken);
    }
    signature::check_head(&presented, parts, &key.credentials.secret_access_key, now)?;
    Ok(true)
}

/// Whether clients call an operation of the service without a signature, as those
/// by which the users of a user pool sign in.
fn has_unsigned(service: Service) -> bool {
    service.model().operations.iter().any(|operation| operation.unsigned)
}

/// The answer to a request whose body was not read.
pub(crate) fn refused(
    unread: &Unread,
    admitted: &Admitted,
    parts: &request::Parts,
) -> (ServiceError, Option<Service>) {
    let Addressed::Service(service) = admitted.addressed else {
        return (served(unread), None);
    };
    let is_s3 = service == Service::S3;
    let error = match unread {
        Unread::TooLarge(size) => identify::too_large(parts, service, admitted.limit, *size),
        Unread::Late => ServiceError::new(
            400,
            "RequestTimeout",
            "Your socket connection to the server was not read from or written to within the \
             timeout period. Idle connections will be closed.",
        ),
        Unread::Broken(cause) => ServiceError::new(
            400,
            "RequestTimeout",
            format!("the request's body broke off: {cause}"),
        ),
        Unread::Spent if is_s3 => {
            ServiceError::new(503, "SlowDown", "Please reduce your request rate.")
        }
        Unread::Spent => ServiceError::new(
            503,
            "ServiceUnavailable",
            "the guard holds as many bodies of requests as it may",
        ),
    };
    (error, Some(service))
}

fn served(unread: &Unread) -> ServiceError {
    match unread {
        Unread::TooLarge(_) => ServiceError::new(413, "TooLarge", "Request Entity Too Large"),
        Unread::Late | Unread::Broken(_) => ServiceError::new(408, "Timeout", "Request Timeout"),
        Unread::Spent => ServiceError::new(503, "Unavailable", "Service Unavailable"),
    }
}

/// An error of an HTTP API.
pub(crate) fn plain(error: &ServiceError) -> Response<Bytes> {
    let body = serde_json::json!({"message": error.message}).to_string();
    let mut response = Response::new(body.into());
    *response.status_mut() =
        http::StatusCode::from_u16(error.status).unwrap_or(http::StatusCode::BAD_REQUEST);
    let json = http::HeaderValue::from_static("application/json");
    response.headers_mut().insert(http::header::CONTENT_TYPE, json);
    response
}
