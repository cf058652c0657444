//! Where a version's package can be downloaded for a while: the `Location` of
//! `GetFunction`.
//!
//! AWS answers a presigned URL of a bucket of its own, good for ten minutes
//! (<https://docs.aws.amazon.com/lambda/latest/api/API_FunctionCodeLocation.html>).
//! Here it is a path on the guard's port that no bucket can have, signed with a
//! key that only this service holds.

use std::path::PathBuf;
use std::sync::Arc;

use aws_lc_rs::hmac;
use time::OffsetDateTime;
use url::form_urlencoded;
use uuid::Uuid;

use crate::lambda::Lambda;
use crate::lambda::error::service;
use crate::lambda::store::code::Code;
use crate::lambda::store::configuration::Version;
use ringfence_wire::ServiceError;

/// A bucket's name has no underscore in front, so this is no path of S3.
const PREFIX: &str = "/_lambda/snapshots/";
/// How long AWS's URLs are good, in seconds.
const LIFETIME: i64 = 600;

/// What signs the URLs of packages.
#[derive(Debug)]
pub(in crate::lambda) struct Signer(hmac::Key);

impl Signer {
    pub(in crate::lambda) fn new() -> Result<Self, aws_lc_rs::error::Unspecified> {
        let random = aws_lc_rs::rand::SystemRandom::new();
        Ok(Self(hmac::Key::generate(hmac::HMAC_SHA256, &random)?))
    }

    fn sign(&self, path: &str, date: i64) -> String {
        hex::encode(hmac::sign(&self.0, format!("{path}\n{date}").as_bytes()))
    }

    fn verify(&self, path: &str, date: i64, signature: &str) -> bool {
        hex::decode(signature).is_ok_and(|tag| {
            hmac::verify(&self.0, format!("{path}\n{date}").as_bytes(), &tag).is_ok()
        })
    }
}

/// The path of a package, by its function's or layer's name.
fn path(account: &str, name: &str, code: Uuid) -> String {
    format!("{PREFIX}{account}/{name}-{code}")
}

impl Lambda {
    /// The URL of a version's package; it is there as long as the package.
    pub(in crate::lambda) fn code_location(
        &self,
        version: &Version,
    ) -> Result<String, ServiceError> {
        let it = &version.configuration;
        self.package_location(&it.function_name, it.code.id)
    }

    /// The URL of the package of a function or a layer.
    pub(in crate::lambda) fn package_location(
        &self,
        name: &str,
        code: Uuid,
    ) -> Result<String, ServiceError> {
        let endpoint =
            self.setting.endpoint().ok_or_else(|| service("the guard has no port yet"))?;
        let signer = self.signer.as_ref().map_err(|_| service("no random numbers can be had"))?;
        let path = path(&self.setting.account_id, name, code);
        let date = self.setting.now().unix_timestamp();
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("X-Amz-Date", &date.to_string())
            .append_pair("X-Amz-Expires", &LIFETIME.to_string())
            .append_pair("X-Amz-Signature", &signer.sign(&path, date))
            .finish();
        Ok(format!("{}{path}?{query}", endpoint.as_str().trim_end_matches('/')))
    }

    /// Whether a request is for a package: to the guard's own host (at a bucket's
    /// host the path would be an object's).
    pub fn is_code_request(&self, host: &str, path: &str) -> bool {
        self.setting.answers_at(host) && path.starts_with(PREFIX)
    }

    /// The file of the package that a URL leads to.
    ///
    /// # Errors
    /// S3's, for a URL that nobody signed, is too old, or whose package is gone.
    pub fn code_file(&self, path: &str, query: &str) -> Result<PathBuf, ServiceError> {
        let denied = |text: &str| ServiceError::new(403, "AccessDenied", text);
        let parameter = |name: &str| {
            form_urlencoded::parse(query.as_bytes())
                .find(|(given, _)| given == name)
                .map(|(_, value)| value.into_owned())
        };
        let date: Option<i64> = parameter("X-Amz-Date").and_then(|date| date.parse().ok());
        let signed = match (&self.signer, date, parameter("X-Amz-Signature")) {
            (Ok(signer), Some(date), Some(signature)) => {
                signer.verify(path, date, &signature).then_some(date)
            }
            _ => None,
        };
        let date = signed.ok_or_else(|| denied("Access Denied"))?;
        let now: OffsetDateTime = self.setting.now();
        if now.unix_timestamp() > date.saturating_add(LIFETIME) {
            return Err(denied("Request has expired"));
        }
        let found = path.get(path.len().saturating_sub(36)..).and_then(|id| id.parse().ok());
        found
            .and_then(|id| self.code_of(id))
            .and_then(|code| code.archive())
            .ok_or_else(|| ServiceError::new(404, "NoSuchKey", "The specified key does not exist."))
    }

    /// The code of an id: the path was signed with it.
    fn code_of(&self, id: Uuid) -> Option<Arc<Code>> {
        let of_layer = || self.layers.of_code(id).map(|layer| Arc::clone(&layer.code));
        let functions = self.store.lock();
        functions
            .values()
            .flat_map(|function| function.versions.values().chain([&function.latest]))
            .map(|version| &version.configuration.code)
            .find(|code| code.id == id)
            .map(Arc::clone)
            .or_else(of_layer)
    }
}
