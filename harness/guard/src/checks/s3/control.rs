//! S3 Control: what an account sets for all its buckets.

use ringfence_wire::{Call, Service, ServiceError};

use crate::refusal;

/// Refuses an account's Block Public Access by name: an upstream would keep it,
/// and nothing here would decide by it
/// (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_PutPublicAccessBlock.html>).
///
/// # Errors
/// That it is not built.
pub(crate) fn check(call: &Call) -> Result<(), ServiceError> {
    match call.name() {
        "DeletePublicAccessBlock" | "GetPublicAccessBlock" | "PutPublicAccessBlock" => {
            Err(refusal::refused(
                Service::S3Control,
                "an account's Block Public Access is not built: block each bucket's".to_owned(),
            ))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use ringfence_wire::Operation;
    use serde_json::Map;

    use super::*;

    #[test]
    fn an_accounts_block_is_refused_by_name_and_other_calls_are_not() {
        let call = |name| Call {
            operation: Operation::find(Service::S3Control, name).unwrap(),
            region: "eu-west-1".into(),
            input: Map::new(),
            payload: None,
        };
        let error = check(&call("PutPublicAccessBlock")).unwrap_err();
        assert!(error.message.contains("an account's Block Public Access is not built"), "{error}");
        check(&call("ListAccessPoints")).unwrap();
    }
}
