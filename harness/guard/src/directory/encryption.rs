//! With which keys of KMS resources are encrypted.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::Response;
use ringfence_wire::{Call, Service, ServiceError, response};
use serde_json::{Map, Value, json};

use super::Directory;
use super::arns::{self, Arn};
use super::encryption_table::ROWS;
use super::resource_policies::{says_absent, texts_at, unreadable};
use crate::requirements::state::Told;

/// Whether a call ever asked S3 to encrypt with KMS: as long as none did, no
/// object and no bucket has a key, and none is looked up.
#[derive(Debug, Default)]
pub(super) struct UsedByS3(AtomicBool);

impl UsedByS3 {
    /// Of an upstream that others may have used before.
    pub(super) fn by_others() -> Self {
        Self(AtomicBool::new(true))
    }

    /// Notes a call.
    pub(super) fn learn(&self, call: &Call) {
        if call.service() == Service::S3 && names_kms(&Value::Object(call.input.clone())) {
            self.0.store(true, Ordering::Release);
        }
    }
}

/// The keys of the uploads that were begun, which S3 tells nobody after.
#[derive(Debug, Default)]
pub(super) struct OfUploads(Mutex<BTreeMap<String, Option<String>>>);

impl OfUploads {
    fn all(&self) -> MutexGuard<'_, BTreeMap<String, Option<String>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn forget(&self, upload: &str) {
        self.all().remove(upload);
    }
}

fn names_kms(value: &Value) -> bool {
    match value {
        Value::String(text) => text.starts_with("aws:kms"),
        Value::Array(items) => items.iter().any(names_kms),
        Value::Object(members) => members.values().any(names_kms),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

impl Directory {
    /// The key of a resource, as its service tells it: an id, an alias or an ARN.
    ///
    /// # Errors
    /// That the upstream does not answer.
    pub(crate) async fn encryption_key(
        &self,
        region: &str,
        arn: &str,
    ) -> Result<Told<String>, ServiceError> {
        let Some(arn) = Arn::parse(arn) else { return Ok(Told::Nothing) };
        let region = if arn.region.is_empty() { region } else { arn.region };
        if arn.service == "ssm" {
            return self.parameter_key(region, &arn).await;
        }
        for row in ROWS.iter().filter(|row| row.service == arn.service) {
            let Some(found) = arns::find(row.resource, arn.resource) else { continue };
            let (Some(api), Some(input)) =
                (Service::of(row.api), arns::input(row.input, &arn, &found))
            else {
                continue;
            };
            let key = format!("{}\n{}", row.api, arn.text);
            let load = async {
                match self.ask_in(region, api, row.operation, Value::Object(input)).await {
                    Ok(Value::Null) => Err(unreadable()),
                    Ok(answer) => Ok(texts_at(&answer, row.answer).into_iter().next()),
                    Err(error) if says_absent(&error) => Ok(None),
                    Err(error) => Err(error),
                }
            };
            return match self.encryption_keys.get(&key, load).await {
                Ok(key) => Ok(key.map_or(Told::Nothing, Told::Is)),
                Err(error) if error.code == "ServiceUnavailable" => Err(error),
                Err(error) => Ok(Told::Unknown(format!(
                    "{}:{} answers {}",
                    row.api, row.operation, error.code
                ))),
            };
        }
        Ok(Told::Nothing)
    }

    /// The key of an object, or of new objects of a bucket.
    ///
    /// # Errors
    /// That the upstream does not answer.
    pub(crate) async fn s3_key(
        &self,
        region: &str,
        bucket: &str,
        object: Option<(&str, Option<&str>)>,
    ) -> Result<Told<String>, ServiceError> {
        if !self.used_by_s3.0.load(Ordering::Acquire) {
            return Ok(Told::Nothing);
        }
        match object {
            Some((key, version)) => self.key_of_object(region, bucket, key, version).await,
            None => self.key_of_bucket(region, bucket).await,
        }
    }

    /// Keeps with which key an upload that was just begun encrypts: the call's, else
    /// the bucket's. Where the bucket's cannot be told, the upload is not known.
    ///
    /// # Errors
    /// That the upstream does not answer.
    pub(crate) async fn upload_began(
        &self,
        call: &Call,
        answer: &Response<Bytes>,
    ) -> Result<(), ServiceError> {
        let is_begun = call.service() == Service::S3
            && call.name() == "CreateMultipartUpload"
            && answer.status().is_success()
            && self.used_by_s3.0.load(Ordering::Acquire);
        let Some(bucket) = call.text("Bucket").filter(|_| is_begun) else { return Ok(()) };
        let told = response::decode(call.operation, answer)?;
        let Some(id) = super::read::text(&told, "UploadId") else { return Ok(()) };
        let key = match (call.text("SSEKMSKeyId"), call.text("ServerSideEncryption")) {
            (Some(key), _) => Some(key.to_owned()),
            (None, Some(_)) => None,
            (None, None) => match self.key_of_bucket(&call.region, bucket).await? {
                Told::Is(key) => Some(key),
                Told::Nothing => None,
                Told::Unknown(_) => return Ok(()),
            },
        };
        self.upload_keys.all().insert(super::uploads::name(bucket, id), key);
        Ok(())
    }

    /// The key of an upload.
    pub(crate) fn upload_encryption(&self, bucket: &str, id: &str) -> Told<String> {
        if !self.used_by_s3.0.load(Ordering::Acquire) {
            return Told::Nothing;
        }
        match self.upload_keys.all().get(&super::uploads::name(bucket, id)) {
            Some(Some(key)) => Told::Is(key.clone()),
            Some(None) => Told::Nothing,
            None => Told::Unknown("S3 tells nobody with which key an upload encrypts".to_owned()),
        }
    }

    async fn key_of_object(
        &self,
        region: &str,
        bucket: &str,
        key: &str,
        version: Option<&str>,
    ) -> Result<Told<String>, ServiceError> {
        let version = version.map(|version| ("VersionId", version));
        let named: Map<String, Value> = [("Bucket", bucket), ("Key", key)]
            .into_iter()
            .chain(version)
            .map(|(member, value)| (member.to_owned(), value.into()))
            .collect();
        let now = self.setting.now();
        let head = match self.upstream.heads(Service::S3, "HeadObject", &named, region, now).await {
            Ok(head) => head,
            Err(error) if matches!(error.status, 404 | 405) => return Ok(Told::Nothing),
            Err(error) if error.code == "ServiceUnavailable" => return Err(error),
            Err(error) => {
                return Ok(Told::Unknown(format!("s3:HeadObject answers {}", error.code)));
            }
        };
        let told = |name| head.get(name).and_then(|value| value.to_str().ok());
        Ok(match told("x-amz-server-side-encryption-aws-kms-key-id") {
            Some(key) => Told::Is(key.to_owned()),
            None => Told::Nothing,
        })
    }

    async fn key_of_bucket(
        &self,
        region: &str,
        bucket: &str,
    ) -> Result<Told<String>, ServiceError> {
        let load = async {
            let input = json!({"Bucket": bucket});
            match self.ask_in(region, Service::S3, "GetBucketEncryption", input).await {
                Ok(answer) => Ok(kms_key_in(&answer)),
                Err(error) if says_absent(&error) => Ok(None),
                Err(error) => Err(error),
            }
        };
        match self.encryption_keys.get(&format!("s3\n{bucket}"), load).await {
            Ok(key) => Ok(key.map_or(Told::Nothing, Told::Is)),
            Err(error) if error.code == "ServiceUnavailable" => Err(error),
            Err(error) => {
                Ok(Told::Unknown(format!("s3:GetBucketEncryption answers {}", error.code)))
            }
        }
    }
}

/// The key in a bucket's default encryption, whichever way it is nested.
fn kms_key_in(value: &Value) -> Option<String> {
    match value {
        Value::Object(members) => members.iter().find_map(|(name, value)| match value {
            Value::String(key) if name == "KMSMasterKeyID" && !key.is_empty() => Some(key.clone()),
            value => kms_key_in(value),
        }),
        Value::Array(items) => items.iter().find_map(kms_key_in),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use ringfence_wire::Operation;

    use super::*;

    /// What a row names is in the models: a misspelt one would tell nothing.
    #[test]
    fn every_row_is_of_the_models() {
        for row in ROWS {
            let api = Service::of(row.api).unwrap();
            let operation = Operation::find(api, row.operation);
            let operation = operation.unwrap_or_else(|| panic!("{}:{}", row.api, row.operation));
            for (member, _) in row.input {
                assert!(operation.member(member).is_some(), "{}: {member}", operation.name);
            }
        }
    }

    #[test]
    fn a_buckets_key_is_in_its_default_encryption() {
        let rule = json!({"Rule": [{"ApplyServerSideEncryptionByDefault":
            {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "k"}, "BucketKeyEnabled": "false"}]});
        assert_eq!(kms_key_in(&rule).as_deref(), Some("k"));
        let aes =
            json!({"Rule": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]});
        assert_eq!(kms_key_in(&aes), None);
    }
}
