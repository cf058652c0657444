//! Where a function's package comes from: the request, or S3 as the caller
//! sees it.

use bytes::Bytes;
use ringfence_wire::{Operation, Service, ServiceError, response};
use serde_json::{Map, Value, json};

use crate::credentials::Session;
use crate::lambda::Lambda;
use crate::lambda::error::{access_denied, invalid, not_built, service};
use crate::lambda::store::code::Package;

/// AWS's limit of a package from S3.
const LARGEST_PACKAGE: usize = 262_144_000;

impl Lambda {
    /// The package that a call names: in the request, or in S3 as the caller
    /// sees it.
    pub(in crate::lambda) async fn package(
        &self,
        source: &Map<String, Value>,
        caller: &Session,
    ) -> Result<Package, ServiceError> {
        let text =
            |name: &str| source.get(name).and_then(Value::as_str).filter(|it| !it.is_empty());
        if text("SourceKMSKeyArn").is_some() {
            return Err(not_built("`SourceKMSKeyArn`"));
        }
        if let Some(zip) = text("ZipFile") {
            if text("S3Bucket").is_some() {
                return Err(invalid(
                    "Please do not provide other FunctionCode parameters when providing a ZipFile.",
                ));
            }
            return Package::decode(zip);
        }
        let (Some(bucket), Some(key)) = (text("S3Bucket"), text("S3Key")) else {
            return Err(invalid("Please provide a source for function code."));
        };
        let bytes = self.fetch(bucket, key, text("S3ObjectVersion"), caller).await?;
        if bytes.len() > LARGEST_PACKAGE {
            return Err(invalid(format!(
                "Unzipped size must be smaller than {LARGEST_PACKAGE} bytes"
            )));
        }
        Package::read(bytes)
    }

    async fn fetch(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
        caller: &Session,
    ) -> Result<Bytes, ServiceError> {
        const OPERATION: &str = "GetObject";
        let mut input = json!({ "Bucket": bucket, "Key": key });
        if let (Some(version), Some(input)) = (version, input.as_object_mut()) {
            input.insert("VersionId".to_owned(), json!(version));
        }
        let operation = Operation::find(Service::S3, OPERATION)
            .ok_or_else(|| service("the S3 model has no GetObject"))?;
        let credentials = self.forwarded(caller)?;
        let answer = self.client.exchange(&credentials, Service::S3, OPERATION, input, None).await;
        self.setting.keyring.remove(&credentials.access_key_id);
        let answer = answer.and_then(|answer| {
            if answer.status().is_success() {
                return Ok(answer);
            }
            let status = answer.status();
            Err(response::decode(operation, &answer).err().unwrap_or_else(|| {
                ServiceError::new(status.as_u16(), "UnknownError", status.to_string())
            }))
        });
        match answer {
            Ok(answer) => Ok(answer.into_body()),
            // <https://github.com/awslabs/lambda-streams-to-firehose/issues/21>
            Err(error) if error.code == "AccessDenied" || error.status == 403 => {
                Err(access_denied(format!(
                    "Your access has been denied by S3, please make sure your request credentials \
                     have permission to GetObject for {bucket}/{key}. S3 Error Code: {}. S3 Error \
                     Message: {}",
                    error.code, error.message
                )))
            }
            Err(error) if error.status >= 500 => {
                Err(service(format!("S3 did not answer: {error}")))
            }
            Err(error) => Err(invalid(format!(
                "Error occurred while GetObject. S3 Error Code: {}. S3 Error Message: {}",
                error.code, error.message
            ))),
        }
    }
}
