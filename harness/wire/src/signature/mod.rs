//! AWS Signature Version 4, both ways.
//!
//! [`read`] takes the signature out of a request, [`Presented::check_scope`]
//! [`check_head`] and [`verify`] check it; [`sign`] and [`presign`] make one. Rules:
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>,
//! S3's own: <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-auth-using-authorization-header.html>.

pub(crate) mod canonical;
mod checksum;
pub mod chunked;
mod error;
mod presented;
mod sign;
#[cfg(test)]
mod tests;
pub mod v2;
mod verify;

pub use error::SignatureError;
pub(crate) use presented::moment;
pub use presented::{Form, Presented, read};
pub use sign::{presign, sign};
pub use verify::{Verified, check_head, verify};

/// The only algorithm that is taken.
pub(crate) const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// The hash of the body, or what stands in for it.
pub(crate) const CONTENT_SHA256: &str = "x-amz-content-sha256";
/// The body is not part of the signature.
pub(crate) const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";
