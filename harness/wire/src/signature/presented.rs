//! The signature that a request carries.

use http::header;
use http::request::Parts;
use time::format_description::FormatItem;
use time::macros::format_description;
use time::{Duration, OffsetDateTime, PrimitiveDateTime};

use super::canonical::Scope;
use super::{ALGORITHM, SignatureError};
use crate::{Secret, text};

/// `20130524T000000Z`.
pub(super) const TIMESTAMP: &[FormatItem<'_>] =
    format_description!("[year][month][day]T[hour][minute][second]Z");

/// A presigned URL lives at most this long.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html>
pub(super) const MAX_EXPIRES: i64 = 604_800;

/// The signature that a request carries, not yet checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presented {
    /// Whose key signed.
    pub access_key_id: String,
    /// The region of the credential scope.
    pub region: String,
    /// The service of the credential scope.
    pub service: String,
    /// When the request was signed.
    pub signed_at: OffsetDateTime,
    /// The session token, where one came along.
    pub session_token: Option<Secret>,
    /// How it was presented.
    pub form: Form,
    pub(super) timestamp: String,
    pub(super) date: String,
    pub(super) signed_headers: Vec<String>,
    pub(super) signature: String,
}

/// How a signature is presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// In the header `Authorization`.
    Header,
    /// In the query string: a presigned URL.
    Query {
        /// How long it lives.
        expires: Option<Duration>,
    },
}

impl Presented {
    pub(super) fn scope(&self) -> Scope<'_> {
        Scope { date: &self.date, region: &self.region, service: &self.service }
    }

    pub(super) fn is_s3(&self) -> bool {
        self.service == "s3"
    }

    /// Refuses a credential for another service or region than the one that
    /// answers.
    ///
    /// # Errors
    /// [`SignatureError::WrongService`], [`SignatureError::WrongRegion`].
    pub fn check_scope(&self, service: &str, region: &str) -> Result<(), SignatureError> {
        if self.service != service {
            return Err(SignatureError::WrongService {
                given: self.service.clone(),
                expected: service.to_owned(),
            });
        }
        if self.region != region {
            return Err(SignatureError::WrongRegion {
                given: self.region.clone(),
                expected: region.to_owned(),
            });
        }
        Ok(())
    }
}

/// The moment that an `X-Amz-Date` says.
pub(crate) fn moment(timestamp: &str) -> Option<OffsetDateTime> {
    Some(PrimitiveDateTime::parse(timestamp, TIMESTAMP).ok()?.assume_utc())
}

/// Reads the signature of a request; `None` where it carries none at all.
///
/// # Errors
/// When there is one and it is malformed, doubled, or of another kind than
/// Signature Version 4 with HMAC-SHA256.
pub fn read(parts: &Parts) -> Result<Option<Presented>, SignatureError> {
    let pairs = text::pairs(parts.uri.query().unwrap_or_default())
        .map_err(|error| SignatureError::Malformed(format!("the query string: {error}")))?;
    let query = Query(&pairs);
    let in_query = query.is_signed()?;
    match (only_header(parts, header::AUTHORIZATION.as_str())?, in_query) {
        (None, false) => Ok(None),
        (Some(_), true) => Err(SignatureError::Duplicate("signature".to_owned())),
        (Some(authorization), false) => from_header(parts, authorization).map(Some),
        (None, true) => from_query(parts, query).map(Some),
    }
}

fn from_header(parts: &Parts, authorization: &str) -> Result<Presented, SignatureError> {
    let (algorithm, fields) = authorization.split_once(' ').unwrap_or((authorization, ""));
    if algorithm != ALGORITHM {
        return Err(SignatureError::Algorithm(algorithm.to_owned()));
    }
    let mut found = [None; 3];
    for field in fields.split(',').map(str::trim) {
        let (name, value) = field.split_once('=').unwrap_or((field, ""));
        let slot = match (name, &mut found) {
            ("Credential", [slot, ..]) => slot,
            ("SignedHeaders", [_, slot, _]) => slot,
            ("Signature", [.., slot]) => slot,
            _ => {
                return Err(SignatureError::Malformed(format!(
                    "the Authorization header has an unknown field `{name}`"
                )));
            }
        };
        if slot.replace(value).is_some() {
            return Err(SignatureError::Duplicate(name.to_owned()));
        }
    }
    let [Some(credential), Some(signed_headers), Some(signature)] = found else {
        return Err(SignatureError::Malformed(
            "Authorization header requires 'Credential', 'SignedHeaders' and 'Signature' \
             parameters"
                .to_owned(),
        ));
    };
    let timestamp = only_header(parts, "x-amz-date")?.ok_or(SignatureError::MissingDate)?;
    let token = only_header(parts, "x-amz-security-token")?;
    assemble(credential, signed_headers, signature, timestamp, token, Form::Header)
}

fn from_query(parts: &Parts, query: Query<'_>) -> Result<Presented, SignatureError> {
    let algorithm = query.required("X-Amz-Algorithm")?;
    if algorithm != ALGORITHM {
        return Err(SignatureError::Algorithm(algorithm.to_owned()));
    }
    let expires = match query.one("X-Amz-Expires")? {
        None => None,
        Some(text) => Some(
            text.parse::<i64>()
                .ok()
                .filter(|seconds| (0..=MAX_EXPIRES).contains(seconds))
                .map(Duration::seconds)
                .ok_or_else(|| SignatureError::Expires(text.to_owned()))?,
        ),
    };
    let token =
        match (query.one("X-Amz-Security-Token")?, only_header(parts, "x-amz-security-token")?) {
            (Some(_), Some(_)) => {
                return Err(SignatureError::Duplicate("X-Amz-Security-Token".to_owned()));
            }
            (in_query, in_header) => in_query.or(in_header),
        };
    let presented = assemble(
        query.required("X-Amz-Credential")?,
        query.required("X-Amz-SignedHeaders")?,
        query.required("X-Amz-Signature")?,
        query.required("X-Amz-Date")?,
        token,
        Form::Query { expires },
    )?;
    if expires.is_none() && presented.is_s3() {
        return Err(query.missing("X-Amz-Expires"));
    }
    Ok(presented)
}

fn assemble(
    credential: &str,
    signed_headers: &str,
    signature: &str,
    timestamp: &str,
    session_token: Option<&str>,
    form: Form,
) -> Result<Presented, SignatureError> {
    let mut fields = credential.rsplitn(5, '/');
    let (Some("aws4_request"), Some(service), Some(region), Some(date), Some(access_key_id)) =
        (fields.next(), fields.next(), fields.next(), fields.next(), fields.next())
    else {
        return Err(match form {
            Form::Query { .. } => SignatureError::QueryCredential,
            Form::Header => SignatureError::Malformed(format!(
                "the Credential is mal-formed; expecting \
                 `<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request`, got `{credential}`"
            )),
        });
    };
    let signed_at = moment(timestamp).ok_or_else(|| SignatureError::Date(timestamp.to_owned()))?;
    if !timestamp.starts_with(date) || date.len() != 8 {
        return Err(SignatureError::ScopeDate {
            scope: date.to_owned(),
            timestamp: timestamp.to_owned(),
        });
    }
    let signed_headers: Vec<String> = signed_headers.split(';').map(str::to_owned).collect();
    let in_order = signed_headers.is_sorted_by(|one, next| one < next);
    let plain = |name: &String| {
        !name.is_empty() && !name.bytes().any(|it| it.is_ascii_uppercase() || it <= b' ')
    };
    if !in_order || !signed_headers.iter().all(plain) {
        return Err(SignatureError::Malformed(
            "the signed headers are not unique names in lower case and in order".to_owned(),
        ));
    }
    if signature.len() != 64 || !signature.bytes().all(|it| it.is_ascii_hexdigit()) {
        return Err(SignatureError::Malformed(
            "the signature is not 64 hexadecimal digits".to_owned(),
        ));
    }
    Ok(Presented {
        access_key_id: access_key_id.to_owned(),
        region: region.to_owned(),
        service: service.to_owned(),
        signed_at,
        session_token: session_token.map(Secret::new),
        form,
        timestamp: timestamp.to_owned(),
        date: date.to_owned(),
        signed_headers,
        signature: signature.to_owned(),
    })
}

/// A header's value; two of them are an error.
pub(super) fn only_header<'a>(
    parts: &'a Parts,
    name: &str,
) -> Result<Option<&'a str>, SignatureError> {
    let mut values = parts.headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(_), Some(_)) => Err(SignatureError::Duplicate(name.to_owned())),
        (Some(value), None) => std::str::from_utf8(value.as_bytes())
            .map(|value| Some(value.trim()))
            .map_err(|_| SignatureError::Malformed(format!("the header `{name}` is not text"))),
    }
}

/// The parameters of a query string.
#[derive(Debug, Clone, Copy)]
struct Query<'a>(&'a [(String, String)]);

impl<'a> Query<'a> {
    /// Whether the parameters are a presigned request's. Version 2's are
    /// refused by name.
    fn is_signed(self) -> Result<bool, SignatureError> {
        let has = |name: &str| self.0.iter().any(|(key, _)| key == name);
        if has("AWSAccessKeyId") && has("Signature") {
            // S3's own affair: see `v2`.
            return Err(SignatureError::Algorithm("Signature Version 2".to_owned()));
        }
        Ok(["X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature", "X-Amz-SignedHeaders"]
            .into_iter()
            .any(has))
    }

    fn one(self, name: &str) -> Result<Option<&'a str>, SignatureError> {
        let mut found = self.0.iter().filter(|(key, _)| key == name);
        match (found.next(), found.next()) {
            (_, Some(_)) => Err(SignatureError::Duplicate(name.to_owned())),
            (found, None) => Ok(found.map(|(_, value)| value.as_str())),
        }
    }

    fn required(self, name: &str) -> Result<&'a str, SignatureError> {
        self.one(name)?.ok_or_else(|| self.missing(name))
    }

    fn missing(self, name: &str) -> SignatureError {
        SignatureError::QueryParameter(name.to_owned())
    }
}
