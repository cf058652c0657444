//! What S3 refuses in a call's content and emulators take.

mod bucket_policy;

pub(crate) use bucket_policy::check as bucket_policy;
