//! The signature of a form: over its policy, as it was sent.

use subtle::ConstantTimeEq;
use time::OffsetDateTime;

use super::form::no_field;
use super::{Form, policy};
use crate::signature::{SignatureError, canonical, moment, v2};
use crate::{Secret, Service, ServiceError};

/// The version of a form's signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// Signature Version 2.
    V2,
    /// Signature Version 4.
    V4,
}

/// The signature of a form, not yet checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// Whose key signed.
    pub access_key_id: String,
    /// The session token, where one came along.
    pub session_token: Option<Secret>,
    /// Which version.
    pub version: Version,
    /// When it was made, as Version 4 says in `X-Amz-Date`; `None` where that is
    /// no time.
    pub signed_at: Option<OffsetDateTime>,
    policy: String,
    signature: String,
    /// Date and region of Version 4.
    scope: Option<(String, String)>,
}

/// The fields of each version, in the order in which S3 misses them, as it
/// spells them.
const V4: [&str; 4] = ["X-Amz-Signature", "X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date"];
const V2: [&str; 2] = ["Signature", "AWSAccessKeyId"];

/// Whether a field is the signature's and says nothing of the object.
pub(super) fn is_of_signature(name: &str) -> bool {
    name == "x-amz-security-token" || V4.iter().any(|own| own.eq_ignore_ascii_case(name))
}

/// Fields that need no condition in the policy ("Each form field that you
/// specify in a form (except x-amz-signature, file, policy, and field names that
/// have an x-ignore- prefix) must appear in the list of conditions").
pub(super) fn needs_no_condition(name: &str) -> bool {
    ["awsaccesskeyid", "file", "policy", "signature", "x-amz-signature"].contains(&name)
        || name.starts_with("x-ignore-")
}

impl Signature {
    /// Reads the signature of a form; `None` where the form has no policy: it
    /// is nobody's then.
    ///
    /// # Errors
    /// When fields are missing or malformed.
    pub fn read(form: &Form) -> Result<Option<Self>, ServiceError> {
        form.key()?;
        let Some(policy) = form.field("policy") else { return Ok(None) };
        let field = |name: &str| form.field(&name.to_ascii_lowercase());
        let any = |names: &[&str]| names.iter().any(|name| field(name).is_some());
        let need = |name: &str| field(name).ok_or_else(|| no_field(name));
        let session_token = field("x-amz-security-token").map(Secret::new);
        if any(&V4) {
            for name in V4 {
                need(name)?;
            }
            let algorithm = need("X-Amz-Algorithm")?;
            if algorithm != "AWS4-HMAC-SHA256" {
                return Err(invalid_argument(
                    "X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256\"",
                    "X-Amz-Algorithm",
                    algorithm,
                ));
            }
            let credential = need("X-Amz-Credential")?;
            let parts: Vec<&str> = credential.rsplitn(5, '/').collect();
            let ["aws4_request", "s3", region, date, access_key_id] = parts.as_slice() else {
                return Err(invalid_argument(
                    "Error parsing the X-Amz-Credential parameter; the Credential is mal-formed; \
                     expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".",
                    "X-Amz-Credential",
                    credential,
                ));
            };
            return Ok(Some(Self {
                access_key_id: (*access_key_id).to_owned(),
                session_token,
                version: Version::V4,
                signed_at: moment(need("X-Amz-Date")?),
                policy: policy.to_owned(),
                signature: need("X-Amz-Signature")?.to_owned(),
                scope: Some(((*date).to_owned(), (*region).to_owned())),
            }));
        }
        if any(&V2) {
            let signature = need("Signature")?.to_owned();
            let access_key_id = need("AWSAccessKeyId")?.to_owned();
            return Ok(Some(Self {
                access_key_id,
                session_token,
                version: Version::V2,
                signed_at: None,
                policy: policy.to_owned(),
                signature,
                scope: None,
            }));
        }
        Err(SignatureError::Unsigned.to_service_error(Service::S3))
    }

    /// Checks the signature with the secret of the key that it names, and then
    /// the form against its policy.
    ///
    /// # Errors
    /// Why the form is not taken.
    pub fn verify(
        &self,
        form: &Form,
        bucket: &str,
        region: &str,
        secret: &Secret,
        now: OffsetDateTime,
    ) -> Result<(), ServiceError> {
        let expected = match &self.scope {
            Some((_, given)) if given != region => {
                return Err(invalid_argument(
                    &format!(
                        "Error parsing the X-Amz-Credential parameter; the region '{given}' is \
                         wrong; expecting '{region}'"
                    ),
                    "X-Amz-Credential",
                    form.field("x-amz-credential").unwrap_or_default(),
                ));
            }
            Some((date, region)) => {
                let scope = canonical::Scope { date, region, service: "s3" };
                canonical::signature(&*scope.key(secret.expose()), &self.policy)
            }
            None if !v2::is_known_in(region) => {
                let unknown = SignatureError::Algorithm("Signature Version 2".to_owned());
                return Err(unknown.to_service_error(Service::S3));
            }
            None => v2::sign(secret, &self.policy),
        };
        if !bool::from(expected.as_bytes().ct_eq(self.signature.as_bytes())) {
            let mismatch = SignatureError::Mismatch {
                access_key_id: self.access_key_id.clone(),
                string_to_sign: self.policy.clone(),
                canonical_request: None,
                provided: self.signature.clone(),
            };
            return Err(mismatch.to_service_error(Service::S3));
        }
        policy::check(&self.policy, form, bucket, now)
    }
}

fn invalid_argument(message: &str, name: &str, value: &str) -> ServiceError {
    ServiceError::new(400, "InvalidArgument", message)
        .with("ArgumentName", name)
        .with("ArgumentValue", value)
}
