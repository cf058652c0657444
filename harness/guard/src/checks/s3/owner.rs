//! Whom a call expects to own its buckets
//! (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html>).

use ringfence_wire::{Call, ServiceError};

/// Refuses a call that expects another owner. Recorded on AWS by LocalStack's
/// `test_s3.py` (`test_delete_bucket_policy_expected_bucket_owner`,
/// `test_get_bucket_policy_invalid_account_id`).
///
/// # Errors
/// `AccessDenied` (403), or `InvalidBucketOwnerAWSAccountID` for what is no
/// account id.
pub(crate) fn check(call: &Call, account: &str) -> Result<(), ServiceError> {
    for member in ["ExpectedBucketOwner", "ExpectedSourceBucketOwner"] {
        let Some(expected) = call.text(member) else { continue };
        if expected.len() != 12 || !expected.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(ServiceError::new(
                400,
                "InvalidBucketOwnerAWSAccountID",
                format!(
                    "The value of the expected bucket owner parameter must be an AWS Account ID... \
                     [{expected}]"
                ),
            ));
        }
        if expected != account {
            return Err(ServiceError::new(403, "AccessDenied", "Access Denied"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use ringfence_wire::{Operation, Service};
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case::own("ExpectedBucketOwner", "123456789012", None)]
    #[case::another("ExpectedBucketOwner", "210987654321", Some((403, "AccessDenied")))]
    #[case::another_source("ExpectedSourceBucketOwner", "210987654321", Some((403, "AccessDenied")))]
    #[case::short("ExpectedBucketOwner", "0000", Some((400, "InvalidBucketOwnerAWSAccountID")))]
    #[case::long("ExpectedBucketOwner", "0000000000020", Some((400, "InvalidBucketOwnerAWSAccountID")))]
    fn a_call_may_expect_this_account(
        #[case] member: &str,
        #[case] expected: &str,
        #[case] refused: Option<(u16, &str)>,
    ) {
        let input = json!({"Bucket": "b", "Key": "k", "CopySource": "b/c", member: expected});
        let call = Call {
            operation: Operation::find(Service::S3, "CopyObject").unwrap(),
            region: "eu-west-1".into(),
            input: input.as_object().unwrap().clone(),
            payload: None,
        };
        let answer = check(&call, "123456789012");
        let answer = answer.err().map(|error| (error.status, error.code.into_owned()));
        assert_eq!(answer, refused.map(|(status, code)| (status, code.to_owned())));
    }
}
