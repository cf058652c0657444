//! The name of a new bucket, and the state of its versions.

use ringfence_wire::{Call, ServiceError};
use serde_json::Value;

/// Refuses a name that no bucket can have
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>), and a
/// versioning that is neither enabled nor suspended
/// (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_VersioningConfiguration.html>).
///
/// # Errors
/// `InvalidBucketName`, `MalformedXML`.
pub(crate) fn check(call: &Call) -> Result<(), ServiceError> {
    match call.name() {
        "CreateBucket" => match call.text("Bucket") {
            Some(name) if !is_name(name) => Err(ServiceError::new(
                400,
                "InvalidBucketName",
                "The specified bucket is not valid.",
            )
            .with("BucketName", name)),
            _ => Ok(()),
        },
        "PutBucketVersioning" => {
            let given = call.input.get("VersioningConfiguration").and_then(|it| it.get("Status"));
            match given.and_then(Value::as_str) {
                Some("Enabled" | "Suspended") | None => Ok(()),
                Some(_) => Err(ServiceError::new(
                    400,
                    "MalformedXML",
                    "The XML you provided was not well-formed or did not validate against our \
                     published schema",
                )),
            }
        }
        _ => Ok(()),
    }
}

fn is_name(name: &str) -> bool {
    let of_end = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let (first, last) = (name.bytes().next(), name.bytes().next_back());
    let is_address = name.split('.').count() == 4
        && name.split('.').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()));
    (3..=63).contains(&name.len())
        && first.is_some_and(of_end)
        && last.is_some_and(of_end)
        && name.bytes().all(|byte| of_end(byte) || matches!(byte, b'-' | b'.'))
        && !name.contains("..")
        && !is_address
}

#[cfg(test)]
mod tests {
    use ringfence_wire::{Operation, Service};
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn answer(operation: &str, input: Value) -> Result<(), String> {
        let call = Call {
            operation: Operation::find(Service::S3, operation).unwrap(),
            region: "eu-west-1".to_owned(),
            input: input.as_object().cloned().unwrap(),
            payload: None,
        };
        check(&call).map_err(|error| error.code.into_owned())
    }

    #[rstest]
    #[case("own-bucket.of.1", true)]
    #[case("0ab", true)]
    #[case("ab", false)]
    #[case("Own", false)]
    #[case("own_bucket", false)]
    #[case("-own", false)]
    #[case("own.", false)]
    #[case("own..bucket", false)]
    #[case("192.168.0.1", false)]
    fn a_bucket_has_a_name_of_its_form(#[case] name: &str, #[case] is_one: bool) {
        let wanted = if is_one { Ok(()) } else { Err("InvalidBucketName".to_owned()) };
        assert_eq!(answer("CreateBucket", json!({"Bucket": name})), wanted);
        // Others than new ones are looked for.
        assert_eq!(answer("GetBucketAcl", json!({"Bucket": name})), Ok(()));
    }

    #[rstest]
    #[case("Enabled", true)]
    #[case("Suspended", true)]
    #[case("On", false)]
    fn versions_are_kept_or_not(#[case] status: &str, #[case] is_one: bool) {
        let input = json!({"Bucket": "b", "VersioningConfiguration": {"Status": status}});
        let wanted = if is_one { Ok(()) } else { Err("MalformedXML".to_owned()) };
        assert_eq!(answer("PutBucketVersioning", input), wanted);
    }
}
