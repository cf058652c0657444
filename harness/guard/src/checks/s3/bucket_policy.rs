//! The bucket policies that S3 refuses to store, in its own sentences.

use ringfence_policy::{Document, Kind, json, malformed};
use ringfence_wire::{Call, ServiceError};

use crate::checks::statements::value;

/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-policies.html>
const LONGEST: usize = 20_480;

/// Checks a call that stores a bucket's policy.
///
/// # Errors
/// `MalformedPolicy`, in S3's words.
pub(crate) fn check(call: &Call) -> Result<(), ServiceError> {
    let text = match (&call.payload, call.text("Policy")) {
        (Some(payload), _) => String::from_utf8_lossy(payload).into_owned(),
        (None, Some(text)) => text.to_owned(),
        (None, None) => String::new(),
    };
    let bucket = call.text("Bucket").unwrap_or_default();
    let refused = |message: &str| ServiceError::new(400, "MalformedPolicy", message);
    let parsed = Document::parse(bucket, &text, Kind::Resource);
    match (malformed::bucket(&text, bucket), parsed) {
        (Some(sentence), Ok(_)) => Err(refused(&sentence)),
        (Some(sentence), Err(cause)) => Err(refused(&sentence).explained(cause.to_string())),
        // Refused here alone: nobody means what it does.
        (None, Err(cause)) => Err(refused(&cause.to_string())),
        (None, Ok(_)) if normalized(&text).len() > LONGEST => {
            let message = format!(
                "Normalized policy document exceeds the maximum allowed size of {LONGEST} bytes"
            );
            Err(refused(&message))
        }
        (None, Ok(_)) => Ok(()),
    }
}

/// The text without what JSON does not need.
fn normalized(text: &str) -> String {
    json::parse(text).map_or_else(|_| text.to_owned(), |node| value(node).to_string())
}
