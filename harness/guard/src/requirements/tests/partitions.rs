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

/// What an instance's role is handed to is called as its partition has it.
#[tokio::test]
async fn roles_are_handed_to_services_by_their_partitions_names() {
    for (region, service) in [
        ("eu-west-1", "ec2.amazonaws.com"),
        ("us-gov-west-1", "ec2.amazonaws.com"),
        ("cn-north-1", "ec2.amazonaws.com.cn"),
    ] {
        let partition = Partition::of_region(region);
        let root = Session::direct(Identity::Root { account_id: ACCOUNT.into(), partition });
        let input = json!({"InstanceProfileName": "p", "RoleName": "r"});
        let mut call = call(Service::Iam, "AddRoleToInstanceProfile", input);
        region.clone_into(&mut call.region);
        let required = crate::requirements::requirements(&call, &root, &fake::Account).await;
        let required = required.unwrap();
        let passed = required.iter().find(|it| it.action == "iam:PassRole").unwrap();
        let value = passed.context.get("iam:PassedToService").map(|it| format!("{it:?}"));
        assert!(value.is_some_and(|it| it.contains(&format!("\"{service}\""))), "{region}");
    }
}

/// Files in which a partition's name or hosts stand for themselves: what they say is read by
/// people, sent to the upstream alone, or read in every partition's form.
const SPELT_OUT: [&str; 8] = [
    "guard/src/directory/encryption_table.rs",
    "guard/src/directory/policy_table.rs",
    "guard/src/directory/tag_table.rs",
    "guard/src/simulate/arns.rs",
    "guard/src/simulate/input.rs",
    "services/src/cloudformation/examine/packaged.rs",
    "wire/src/identify/service.rs",
    "wire/src/request.rs",
];

/// An ARN or a host is of the partition of its region, and is made from it.
#[test]
fn no_partition_is_spelt_out() {
    let harness = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut found = Vec::new();
    let mut folders: Vec<_> =
        ["guard", "services", "wire"].map(|it| harness.join(it).join("src")).to_vec();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(harness).unwrap().to_str().unwrap().to_owned();
            let is_test = name.ends_with("/tests") || name.ends_with("tests.rs");
            if is_test || name.ends_with("testing.rs") || SPELT_OUT.contains(&&*name) {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
            let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
            // A service's own name, `lambda.amazonaws.com`, is the same in every partition.
            let is_spelt = |line: &&str| {
                line.contains("arn:aws:")
                    || line.contains("}.amazonaws.com")
                    || line.contains("\".amazonaws.com")
            };
            found.extend(lines.filter(is_spelt).map(|line| format!("{name}: {}", line.trim())));
        }
    }
    assert_eq!(found, Vec::<String>::new());
}
