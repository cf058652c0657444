//! Why a signature does not hold, and what AWS answers then.

use time::OffsetDateTime;
use time::format_description::well_known::Iso8601;

use super::chunked::ChunkError;
use super::presented::{MAX_EXPIRES, TIMESTAMP};
use crate::ServiceError;
use crate::operation::{Protocol, Service};

/// Why a request is not taken for its signer's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// There is no signature where one is needed.
    #[error("the request is not signed")]
    Unsigned,
    /// Nobody holds this key.
    #[error("the access key `{access_key_id}` is not known")]
    UnknownAccessKey {
        /// The key's id.
        access_key_id: String,
    },
    /// The session token is not the key's, is missing, or came with a
    /// long-term key.
    #[error("the session token does not belong to the access key")]
    SessionToken,
    /// The session has ended.
    #[error("the session has expired")]
    SessionExpired,
    /// The signature cannot be read.
    #[error("malformed: {0}")]
    Malformed(String),
    /// Something that may stand once stands twice.
    #[error("`{0}` is given more than once")]
    Duplicate(String),
    /// Another algorithm than `AWS4-HMAC-SHA256`.
    #[error("the algorithm `{0}` is not supported")]
    Algorithm(String),
    /// A parameter of a presigned URL is missing.
    #[error("the query parameter `{0}` is missing")]
    QueryParameter(String),
    /// A parameter of a Version 2 URL is missing.
    #[error("a query parameter of Signature Version 2 is missing")]
    Version2Parameters,
    /// `Expires` of a Version 2 URL is no number of seconds.
    #[error("`Expires` is `{0}`")]
    Version2Expires(String),
    /// `X-Amz-Credential` cannot be read.
    #[error("the query parameter `X-Amz-Credential` is malformed")]
    QueryCredential,
    /// `X-Amz-Expires` is no number of seconds up to a week.
    #[error("`X-Amz-Expires` is `{0}`")]
    Expires(String),
    /// There is no `X-Amz-Date`.
    #[error("the header `X-Amz-Date` is missing")]
    MissingDate,
    /// `X-Amz-Date` is not of the form `20130524T000000Z`.
    #[error("the date `{0}` is malformed")]
    Date(String),
    /// The credential scope is of another day.
    #[error("the credential scope's date `{scope}` is not that of `{timestamp}`")]
    ScopeDate {
        /// The date of the scope.
        scope: String,
        /// The request's date.
        timestamp: String,
    },
    /// The credential is for another service.
    #[error("the credential is for the service `{given}`, not `{expected}`")]
    WrongService {
        /// The scope's service.
        given: String,
        /// The service that answers.
        expected: String,
    },
    /// The credential is for another region.
    #[error("the credential is for the region `{given}`, not `{expected}`")]
    WrongRegion {
        /// The scope's region.
        given: String,
        /// The region that answers.
        expected: String,
    },
    /// `host` is not among the signed headers.
    #[error("the header `host` is not signed")]
    HostNotSigned,
    /// `x-amz-*` headers are there and not signed.
    #[error("headers are not signed: {}", .0.join(", "))]
    HeadersNotSigned(Vec<String>),
    /// A signed header is not there.
    #[error("the signed header `{0}` is missing")]
    SignedHeaderMissing(String),
    /// The request was signed too long ago.
    #[error("signed at {signed_at}, now is {now}")]
    Expired {
        /// When it was signed.
        signed_at: OffsetDateTime,
        /// The clock.
        now: OffsetDateTime,
        /// How many minutes the two may differ.
        minutes: i64,
    },
    /// The request was signed in the future.
    #[error("signed at {signed_at}, now is {now}")]
    NotYetCurrent {
        /// When it was signed.
        signed_at: OffsetDateTime,
        /// The clock.
        now: OffsetDateTime,
        /// How many minutes the two may differ.
        minutes: i64,
    },
    /// The presigned URL has ended.
    #[error("the URL expired at {expires_at}, now is {now}")]
    UrlExpired {
        /// When it ended.
        expires_at: OffsetDateTime,
        /// The clock.
        now: OffsetDateTime,
        /// How many seconds it was to live; Version 2 says when it ends instead.
        seconds: Option<i64>,
    },
    /// S3 asks for the body's hash, or a word for it, in a header.
    #[error("the header `x-amz-content-sha256` is missing")]
    ContentHashMissing,
    /// The header holds neither a hash nor a word that the service knows.
    #[error("`x-amz-content-sha256` is `{0}`")]
    ContentHash(String),
    /// The body is not the one that was signed.
    #[error("the body's hash is `{computed}`, not `{given}`")]
    ContentMismatch {
        /// The hash of the header.
        given: String,
        /// The hash of the body.
        computed: String,
    },
    /// The chunks of the body do not hold.
    #[error(transparent)]
    Chunks(#[from] ChunkError),
    /// The signature is not the one that the key makes.
    #[error("the signature does not match")]
    Mismatch {
        /// Whose key.
        access_key_id: String,
        /// What should have been signed.
        string_to_sign: String,
        /// What it was made of; Version 2 has no such step.
        canonical_request: Option<String>,
        /// The signature that came.
        provided: String,
    },
}

/// The text of every service but S3.
const MISMATCH: &str = "The request signature we calculated does not match the signature you \
    provided. Check your AWS Secret Access Key and signing method. Consult the service \
    documentation for details.";

impl SignatureError {
    /// The error that AWS's service answers with.
    pub fn to_service_error(&self, service: Service) -> ServiceError {
        match service.protocol() {
            Protocol::RestXml => self.to_s3(),
            Protocol::Ec2 => self.to_ec2(),
            protocol => self.to_named(protocol),
        }
    }

    /// Query services and, with `Exception` behind the code, JSON services.
    fn to_named(&self, protocol: Protocol) -> ServiceError {
        let is_query = protocol == Protocol::Query;
        let named = |query: &'static str, json: &'static str, text: String| {
            let status = if protocol == Protocol::Json { 400 } else { 403 };
            ServiceError::new(status, if is_query { query } else { json }, text)
        };
        match self {
            Self::Unsigned => named(
                "MissingAuthenticationToken",
                "MissingAuthenticationTokenException",
                if is_query {
                    "Request is missing Authentication Token"
                } else {
                    "Missing Authentication Token"
                }
                .to_owned(),
            ),
            Self::UnknownAccessKey { .. } | Self::SessionToken => named(
                "InvalidClientTokenId",
                "UnrecognizedClientException",
                "The security token included in the request is invalid.".to_owned(),
            ),
            Self::SessionExpired => named(
                "ExpiredToken",
                "ExpiredTokenException",
                "The security token included in the request is expired".to_owned(),
            ),
            Self::Malformed(_)
            | Self::Duplicate(_)
            | Self::Algorithm(_)
            | Self::QueryParameter(_)
            | Self::Expires(_)
            | Self::MissingDate
            | Self::Date(_) => {
                let mut error =
                    named("IncompleteSignature", "IncompleteSignatureException", self.text());
                if is_query {
                    error.status = 400;
                }
                error
            }
            _ => named("SignatureDoesNotMatch", "InvalidSignatureException", self.text()),
        }
    }

    fn to_ec2(&self) -> ServiceError {
        match self {
            Self::SessionExpired | Self::Expired { .. } | Self::UrlExpired { .. } => {
                ServiceError::new(400, "RequestExpired", "Request has expired.")
            }
            Self::Malformed(_) | Self::Duplicate(_) | Self::Algorithm(_) | Self::MissingDate => {
                ServiceError::new(400, "IncompleteSignature", self.text())
            }
            // EC2 says no more than this.
            _ => ServiceError::new(
                401,
                "AuthFailure",
                "AWS was not able to validate the provided access credentials",
            ),
        }
    }

    fn to_s3(&self) -> ServiceError {
        match self {
            Self::Unsigned => ServiceError::new(403, "AccessDenied", "Access Denied"),
            Self::UnknownAccessKey { access_key_id } => ServiceError::new(
                403,
                "InvalidAccessKeyId",
                "The AWS Access Key Id you provided does not exist in our records.",
            )
            .with("AWSAccessKeyId", access_key_id),
            Self::SessionToken => ServiceError::new(
                400,
                "InvalidToken",
                "The provided token is malformed or otherwise invalid.",
            ),
            Self::SessionExpired => {
                ServiceError::new(400, "ExpiredToken", "The provided token has expired.")
            }
            Self::QueryParameter(_) | Self::QueryCredential => {
                ServiceError::new(400, "AuthorizationQueryParametersError", self.query_text())
            }
            Self::Expires(given) => ServiceError::new(
                400,
                "AuthorizationQueryParametersError",
                match given.parse::<i64>() {
                    Ok(..0) => "X-Amz-Expires must be non-negative".to_owned(),
                    Ok(_) => format!(
                        "X-Amz-Expires must be less than a week (in seconds); that is, the given \
                         X-Amz-Expires must be less than {MAX_EXPIRES} seconds"
                    ),
                    Err(_) => "X-Amz-Expires should be a number".to_owned(),
                },
            ),
            Self::Version2Parameters => ServiceError::new(
                403,
                "AccessDenied",
                "Query-string authentication requires the Signature, Expires and AWSAccessKeyId \
                 parameters",
            ),
            Self::Version2Expires(given) => ServiceError::new(
                403,
                "AccessDenied",
                format!("Invalid date (should be seconds since epoch): {given}"),
            ),
            Self::Malformed(text) => ServiceError::new(
                400,
                "AuthorizationHeaderMalformed",
                format!("The authorization header is malformed; {text}."),
            ),
            Self::WrongRegion { given, expected } => ServiceError::new(
                400,
                "AuthorizationHeaderMalformed",
                format!(
                    "The authorization header is malformed; the region '{given}' is wrong; \
                     expecting '{expected}'"
                ),
            )
            .with("Region", expected),
            Self::WrongService { given, expected } => ServiceError::new(
                400,
                "AuthorizationHeaderMalformed",
                format!(
                    "The authorization header is malformed; incorrect service \"{given}\". This \
                     endpoint belongs to \"{expected}\"."
                ),
            ),
            Self::ScopeDate { .. } => ServiceError::new(
                400,
                "AuthorizationHeaderMalformed",
                format!("The authorization header is malformed; {}", self.text()),
            ),
            // Signature Version 2 in a header among others, which is not taken.
            Self::Algorithm(_) => ServiceError::new(
                400,
                "InvalidRequest",
                "The authorization mechanism you have provided is not supported. Please use \
                 AWS4-HMAC-SHA256.",
            ),
            Self::Duplicate(_) | Self::ContentHash(_) => {
                ServiceError::new(400, "InvalidArgument", self.text())
            }
            Self::ContentHashMissing => ServiceError::new(
                400,
                "InvalidRequest",
                "Missing required header for this request: x-amz-content-sha256",
            ),
            Self::MissingDate | Self::Date(_) => ServiceError::new(
                403,
                "AccessDenied",
                "AWS authentication requires a valid Date or x-amz-date header",
            ),
            Self::Expired { signed_at, now, minutes }
            | Self::NotYetCurrent { signed_at, now, minutes } => ServiceError::new(
                403,
                "RequestTimeTooSkewed",
                "The difference between the request time and the current time is too large.",
            )
            .with("RequestTime", basic(*signed_at))
            .with("ServerTime", extended(*now))
            .with("MaxAllowedSkewMilliseconds", (minutes * 60_000).to_string()),
            Self::UrlExpired { expires_at, now, seconds } => {
                let mut error = ServiceError::new(403, "AccessDenied", "Request has expired");
                if let Some(seconds) = seconds {
                    error = error.with("X-Amz-Expires", seconds.to_string());
                }
                error.with("Expires", extended(*expires_at)).with("ServerTime", extended(*now))
            }
            Self::HeadersNotSigned(names) => ServiceError::new(
                403,
                "AccessDenied",
                "There were headers present in the request which were not signed",
            )
            .with("HeadersNotSigned", names.join(", ")),
            Self::HostNotSigned | Self::SignedHeaderMissing(_) => {
                ServiceError::new(403, "SignatureDoesNotMatch", self.text())
            }
            Self::ContentMismatch { given, computed } => ServiceError::new(
                400,
                "XAmzContentSHA256Mismatch",
                "The provided 'x-amz-content-sha256' header does not match what was computed.",
            )
            .with("ClientComputedContentSHA256", given)
            .with("S3ComputedContentSHA256", computed),
            Self::Chunks(error) => error.to_service_error(),
            Self::Mismatch { access_key_id, string_to_sign, canonical_request, provided } => {
                let error = ServiceError::new(
                    403,
                    "SignatureDoesNotMatch",
                    "The request signature we calculated does not match the signature you \
                     provided. Check your key and signing method.",
                )
                .with("AWSAccessKeyId", access_key_id)
                .with("StringToSign", string_to_sign)
                .with("SignatureProvided", provided)
                .with("StringToSignBytes", spaced_hex(string_to_sign));
                match canonical_request {
                    Some(request) => error
                        .with("CanonicalRequest", request)
                        .with("CanonicalRequestBytes", spaced_hex(request)),
                    None => error,
                }
            }
        }
    }

    /// What S3 says of the parameters of a presigned URL: recorded on AWS in
    /// LocalStack's `test_s3_put_presigned_url_missing_sig_param` and
    /// `test_presigned_double_encoded_credentials`.
    fn query_text(&self) -> &'static str {
        match self {
            Self::QueryCredential => {
                "Error parsing the X-Amz-Credential parameter; the Credential is mal-formed; \
                 expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\"."
            }
            _ => {
                "Query-string authentication version 4 requires the X-Amz-Algorithm, \
                 X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and \
                 X-Amz-Expires parameters."
            }
        }
    }

    /// The text for people, in AWS's words where they are known.
    fn text(&self) -> String {
        match self {
            Self::Malformed(text) => text.clone(),
            Self::Algorithm(name) => format!(
                "Unsupported AWS 'algorithm': '{name}', only AWS4-HMAC-SHA256 is supported."
            ),
            Self::QueryParameter(name) => {
                format!("AWS query-string parameters must include '{name}'.")
            }
            Self::Expires(given) => format!(
                "X-Amz-Expires must be a number of seconds between 0 and {MAX_EXPIRES}, not '{given}'"
            ),
            Self::MissingDate => "Authorization header requires existence of either a \
                'X-Amz-Date' or a 'Date' header."
                .to_owned(),
            Self::Date(given) => format!(
                "Date must be in ISO-8601 'basic format'. Got '{given}'. See \
                 http://en.wikipedia.org/wiki/ISO_8601"
            ),
            Self::ScopeDate { scope, timestamp } => {
                let day = timestamp.get(..8).unwrap_or(timestamp);
                format!(
                    "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of \
                     date from HTTP: '{scope}' != '{day}', from '{timestamp}'."
                )
            }
            Self::WrongService { expected, .. } => {
                format!("Credential should be scoped to correct service: '{expected}'. ")
            }
            Self::WrongRegion { given, .. } => {
                format!("Credential should be scoped to a valid region, not '{given}'. ")
            }
            Self::HostNotSigned => {
                "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."
                    .to_owned()
            }
            Self::Expired { signed_at, now, minutes } => {
                let limit = *now - time::Duration::minutes(*minutes);
                format!(
                    "Signature expired: {} is now earlier than {} ({} - {minutes} min.)",
                    basic(*signed_at),
                    basic(limit),
                    basic(*now)
                )
            }
            Self::NotYetCurrent { signed_at, now, minutes } => {
                let limit = *now + time::Duration::minutes(*minutes);
                format!(
                    "Signature not yet current: {} is still later than {} ({} + {minutes} min.)",
                    basic(*signed_at),
                    basic(limit),
                    basic(*now)
                )
            }
            Self::UrlExpired { expires_at, now, .. } => format!(
                "Signature expired: {} is now earlier than {}",
                basic(*expires_at),
                basic(*now)
            ),
            Self::Mismatch { .. } | Self::ContentMismatch { .. } => MISMATCH.to_owned(),
            other => other.to_string(),
        }
    }
}

fn basic(moment: OffsetDateTime) -> String {
    moment.format(TIMESTAMP).unwrap_or_default()
}

fn extended(moment: OffsetDateTime) -> String {
    let whole = moment.replace_nanosecond(0).unwrap_or(moment);
    let text = whole.format(&Iso8601::DEFAULT).unwrap_or_default();
    text.replace(".000000000", "")
}

fn spaced_hex(text: &str) -> String {
    let bytes: Vec<String> = text.bytes().map(|byte| format!("{byte:02x}")).collect();
    bytes.join(" ")
}
