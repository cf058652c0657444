//! Multipart uploads: each belongs to one object, which emulators do not
//! compare with the object that a call names.

use ringfence_wire::{Call, Service, ServiceError};

use crate::directory::Directory;

/// The operations on an upload that was begun.
const OPERATIONS: [&str; 5] = [
    "AbortMultipartUpload",
    "CompleteMultipartUpload",
    "ListParts",
    "UploadPart",
    "UploadPartCopy",
];

/// Refuses an upload id that is not one of the bucket and key of the call
/// (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPart.html>; recorded on AWS
/// by LocalStack's `test_s3.py::TestS3::test_multipart_key_validation`).
///
/// # Errors
/// `NoSuchUpload`, or that the upstream cannot tell.
pub(crate) async fn check(call: &Call, directory: &Directory) -> Result<(), ServiceError> {
    if call.service() != Service::S3 || !OPERATIONS.contains(&call.name()) {
        return Ok(());
    }
    let member = |name| call.text(name).unwrap_or_default();
    let (bucket, key, id) = (member("Bucket"), member("Key"), member("UploadId"));
    if directory.upload_key(&call.region, bucket, id).await?.is_some_and(|own| *own == *key) {
        return Ok(());
    }
    // What is completed may be completed again, and S3 answers as it did: recorded on
    // AWS in moto's `test_idempotent_multipart_upload`.
    if call.name() == "CompleteMultipartUpload" && directory.was_completed(bucket, id, key) {
        return Ok(());
    }
    Err(ServiceError::new(
        404,
        "NoSuchUpload",
        "The specified upload does not exist. The upload ID may be invalid, or the upload may have \
         been aborted or completed.",
    )
    .with("UploadId", id))
}
