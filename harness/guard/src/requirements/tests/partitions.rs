//! The ARNs of other partitions than `aws`.

use ringfence_models::Partition;
use ringfence_services::{Identity, Session};
use ringfence_wire::Service;
use serde_json::json;

use super::{ACCOUNT, call, fake};

async fn resource(
    region: &str,
    service: Service,
    operation: &str,
    input: serde_json::Value,
) -> String {
    let partition = Partition::of_region(region);
    let root = Session::direct(Identity::Root { account_id: ACCOUNT.into(), partition });
    let mut call = call(service, operation, input);
    region.clone_into(&mut call.region);
    let required = crate::requirements::requirements(&call, &root, &fake::Account).await.unwrap();
    required[0].resource.clone()
}

#[tokio::test]
async fn resources_are_of_the_partition_of_the_region() {
    for (region, id) in
        [("eu-west-1", "aws"), ("us-gov-west-1", "aws-us-gov"), ("cn-north-1", "aws-cn")]
    {
        assert_eq!(
            resource(region, Service::S3, "GetObject", json!({"Bucket": "b", "Key": "k"})).await,
            format!("arn:{id}:s3:::b/k")
        );
        assert_eq!(
            resource(region, Service::Iam, "CreateUser", json!({"UserName": "bob"})).await,
            format!("arn:{id}:iam::{ACCOUNT}:user/bob")
        );
        assert_eq!(
            resource(region, Service::Logs, "DeleteLogGroup", json!({"logGroupName": "g"})).await,
            format!("arn:{id}:logs:{region}:{ACCOUNT}:log-group:g:log-stream:")
        );
    }
}

#[test]
fn root_is_of_its_partition() {
    let arn = |id: &str| {
        let partition = Partition::of_id(id).unwrap();
        Identity::Root { account_id: ACCOUNT.into(), partition }.arn()
    };
    assert_eq!(arn("aws-cn"), format!("arn:aws-cn:iam::{ACCOUNT}:root"));
    assert_eq!(arn("aws"), format!("arn:aws:iam::{ACCOUNT}:root"));
}
