//! A call goes to the region of its bucket.

use ringfence_wire::{Call, Service, ServiceError};

use crate::directory::Regions;

/// Refuses a signed call whose signature is for another region than the
/// bucket's (<https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>,
/// `AuthorizationHeaderMalformed`; clients sign again for the region that the
/// error names: <https://github.com/boto/botocore/blob/develop/botocore/utils.py>,
/// `S3RegionRedirectorv2`).
///
/// # Errors
/// `AuthorizationHeaderMalformed`, with the bucket's region.
pub(crate) fn check(call: &Call, regions: &Regions) -> Result<(), ServiceError> {
    if call.service() != Service::S3 || call.name() == "CreateBucket" {
        return Ok(());
    }
    match regions.of(call.text("Bucket").unwrap_or_default()) {
        Some(own) if own != call.region => Err(ServiceError::new(
            400,
            "AuthorizationHeaderMalformed",
            format!(
                "The authorization header is malformed; the region '{}' is wrong; expecting \
                 '{own}'",
                call.region
            ),
        )
        .with("Region", own)),
        _ => Ok(()),
    }
}

/// The region that a new bucket is in
/// (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucketConfiguration.html>).
pub(crate) fn of_new(call: &Call) -> &str {
    let configuration = call.input.get("CreateBucketConfiguration");
    let named = configuration.and_then(|given| given.get("LocationConstraint")?.as_str());
    match named.filter(|named| !named.is_empty()) {
        Some("EU") => "eu-west-1",
        Some(named) => named,
        None => &call.region,
    }
}

/// Refuses to make one's own bucket again, but for what is kept of old in us-east-1:
/// "Amazon S3 returns 200 OK and resets the bucket access control lists (ACLs)"
/// (<https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>,
/// `BucketAlreadyOwnedByYou`). Recorded on AWS by LocalStack's `test_s3.py`
/// (`test_create_bucket_with_existing_name`): also from us-east-1, where another
/// location is named.
///
/// # Errors
/// `BucketAlreadyOwnedByYou`.
pub(crate) fn made_again(call: &Call) -> Result<(), ServiceError> {
    if of_new(call) == "us-east-1" {
        return Ok(());
    }
    let message =
        "Your previous request to create the named bucket succeeded and you already own it.";
    Err(ServiceError::new(409, "BucketAlreadyOwnedByYou", message)
        .with("BucketName", call.text("Bucket").unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::requirements::tests::call;

    #[test]
    fn a_bucket_is_of_the_region_that_it_was_made_in() {
        // The calls of these tests go to eu-west-1.
        let regions = Regions::default();
        let created = |configuration| {
            let input = json!({"Bucket": "b", "CreateBucketConfiguration": configuration});
            of_new(&call(Service::S3, "CreateBucket", input)).to_owned()
        };
        assert_eq!(created(json!({})), "eu-west-1");
        assert_eq!(created(json!({"LocationConstraint": "eu-west-3"})), "eu-west-3");
        assert_eq!(created(json!({"LocationConstraint": "EU"})), "eu-west-1");

        let get = call(Service::S3, "GetObject", json!({"Bucket": "b", "Key": "k"}));
        assert_eq!(check(&get, &regions), Ok(()));
        regions.learn("b", "eu-west-1");
        assert_eq!(check(&get, &regions), Ok(()));
        regions.learn("b", "eu-west-3");
        let error = check(&get, &regions).unwrap_err();
        assert_eq!((error.status, error.code.as_ref()), (400, "AuthorizationHeaderMalformed"));
        assert_eq!(
            error.message,
            "The authorization header is malformed; the region 'eu-west-1' is wrong; expecting \
             'eu-west-3'"
        );
        assert_eq!(error.members, [("Region", "eu-west-3".to_owned())]);
        regions.forget("b");
        assert_eq!(check(&get, &regions), Ok(()));
    }

    #[test]
    fn a_bucket_is_made_once_but_in_us_east_1() {
        let again = |region: &str, configuration: serde_json::Value| {
            let input = json!({"Bucket": "b", "CreateBucketConfiguration": configuration});
            let mut call = call(Service::S3, "CreateBucket", input);
            call.region = region.to_owned();
            made_again(&call)
        };
        assert_eq!(again("us-east-1", json!({})), Ok(()));
        for (region, location) in
            [("us-east-1", "us-west-1"), ("us-east-1", "EU"), ("eu-west-1", "eu-west-1")]
        {
            let error = again(region, json!({"LocationConstraint": location})).unwrap_err();
            assert_eq!((error.status, error.code.as_ref()), (409, "BucketAlreadyOwnedByYou"));
            assert_eq!(error.members, [("BucketName", "b".to_owned())]);
        }
    }
}
