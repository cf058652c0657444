//! Types around networks and machines: the calls that make them as whoever deploys.

use rstest::rstest;
use serde_json::{Value, json};

use super::World;

/// Creates a stack of one resource, and gives the calls.
async fn made(world: &World, resource: Value) -> Vec<(String, Value)> {
    let template = json!({"Resources": {"R": resource}}).to_string();
    let status = world.create("s", &template).await.1;
    assert_eq!(status, "CREATE_COMPLETE", "{:?}", world.events("s").await);
    world.fake.calls_with_input()
}

fn names(calls: &[(String, Value)]) -> Vec<&str> {
    calls.iter().map(|(name, _)| name.as_str()).collect()
}

#[tokio::test]
async fn an_instance_is_run_with_its_profile_and_ends_with_its_stack() {
    let world = World::new().await;
    let calls = made(
        &world,
        json!({"Type": "AWS::EC2::Instance", "Properties": {
            "ImageId": "ami-1", "IamInstanceProfile": "p", "SecurityGroupIds": ["sg-1"],
            "SourceDestCheck": "false", "Monitoring": true, "AvailabilityZone": "eu-west-1a",
            "NetworkInterfaces": [{"DeviceIndex": "0", "GroupSet": ["sg-2"], "SubnetId": "subnet-1"}],
        }}),
    )
    .await;
    assert_eq!(names(&calls), ["RunInstances", "DescribeInstances", "ModifyInstanceAttribute"]);
    let input = &calls[0].1;
    assert_eq!(input["IamInstanceProfile"], json!({"Name": "p"}));
    assert_eq!(input["SecurityGroupId"], json!(["sg-1"]));
    assert_eq!(input["Placement"], json!({"AvailabilityZone": "eu-west-1a"}));
    let interface = &input["NetworkInterface"][0];
    assert_eq!(interface["SecurityGroupId"], json!(["sg-2"]));
    assert_eq!(calls[2].1["InstanceId"], "i-1");
    world.call("DeleteStack", json!({"StackName": "s"})).await.unwrap();
    world.fake.settled("TerminateInstances").await;
    assert_eq!(world.fake.calls_with_input()[0].1["InstanceId"], json!(["i-1"]));
}

/// Who may not run an instance makes none.
#[tokio::test]
async fn a_refusal_to_run_an_instance_fails_it() {
    let world = World::new().await;
    world.fake.deny("RunInstances");
    let template =
        r#"{"Resources": {"I": {"Type": "AWS::EC2::Instance", "Properties": {"ImageId": "a"}}}}"#;
    assert_eq!(world.create("s", template).await.1, "ROLLBACK_COMPLETE");
    assert_eq!(world.fake.calls(), ["RunInstances"]);
}

#[tokio::test]
async fn attributes_of_a_load_balancer_are_set_after_it_is_made() {
    let world = World::new().await;
    let calls = made(
        &world,
        json!({"Type": "AWS::ElasticLoadBalancingV2::LoadBalancer", "Properties": {
            "Subnets": ["subnet-1"],
            "LoadBalancerAttributes": [{"Key": "idle_timeout.timeout_seconds", "Value": 30}],
        }}),
    )
    .await;
    assert_eq!(
        names(&calls),
        ["CreateLoadBalancer", "DescribeLoadBalancers", "ModifyLoadBalancerAttributes"]
    );
    assert_eq!(
        calls[2].1,
        json!({
            "LoadBalancerArn": "arn:aws:elasticloadbalancing:l",
            "Attributes": [{"Key": "idle_timeout.timeout_seconds", "Value": "30"}],
        })
    );
}

/// Of several associations that of the subnet is replaced, and given back.
#[tokio::test]
async fn a_subnet_gets_another_network_acl_and_its_default_back() {
    let world = World::new().await;
    let calls = made(
        &world,
        json!({"Type": "AWS::EC2::SubnetNetworkAclAssociation", "Properties": {
            "SubnetId": "subnet-1", "NetworkAclId": "acl-1",
        }}),
    )
    .await;
    assert_eq!(names(&calls), ["DescribeNetworkAcls", "ReplaceNetworkAclAssociation"]);
    assert_eq!(calls[1].1["NetworkAclId"], "acl-1");
    world.call("DeleteStack", json!({"StackName": "s"})).await.unwrap();
    world.fake.settled("ReplaceNetworkAclAssociation").await;
    let calls = world.fake.calls_with_input();
    let (_, back) = calls.last().unwrap();
    assert_eq!(back["NetworkAclId"], "acl-0");
    assert!(back["AssociationId"].as_str().unwrap().starts_with("aclassoc-"), "{back}");
}

#[tokio::test]
async fn record_sets_of_a_group_are_one_change() {
    let world = World::new().await;
    let set = |name: &str| json!({"Name": name, "Type": "A", "TTL": "60", "ResourceRecords": ["1.2.3.4"]});
    let group = |sets: Value| {
        json!({"Type": "AWS::Route53::RecordSetGroup", "Properties": {
            "HostedZoneId": "Z1", "RecordSets": sets,
        }})
    };
    let calls = made(&world, group(json!([set("a.example"), set("b.example")]))).await;
    assert_eq!(names(&calls), ["ChangeResourceRecordSets", "GetChange"]);
    let actions = |call: &(String, Value)| {
        let changes = &call.1["ChangeBatch"]["Changes"];
        let changes = changes.as_array().unwrap_or_else(|| panic!("{call:?}"));
        let of = |it: &Value| {
            format!("{} {}", it["Action"], it["ResourceRecordSet"]["Name"]).replace('"', "")
        };
        changes.iter().map(of).collect::<Vec<_>>()
    };
    assert_eq!(actions(&calls[0]), ["CREATE a.example", "CREATE b.example"]);
    let changed = json!({"Resources": {"R": group(json!([set("b.example")]))}}).to_string();
    assert_eq!(world.update("s", &changed).await, "UPDATE_COMPLETE");
    let calls = world.fake.calls_with_input();
    assert_eq!(actions(&calls[0]), ["DELETE a.example", "UPSERT b.example"]);
}

#[rstest]
#[case::subnets(
    json!({"Type": "AWS::AutoScaling::AutoScalingGroup", "Properties": {
        "MinSize": 1, "MaxSize": "2", "VPCZoneIdentifier": ["subnet-1", "subnet-2"]}}),
    0, "VPCZoneIdentifier", json!("subnet-1,subnet-2")
)]
#[case::parameters(
    json!({"Type": "AWS::RDS::DBParameterGroup", "Properties": {
        "Family": "mysql8.0", "Description": "d", "Parameters": {"time_zone": "UTC"}}}),
    2, "Parameters", json!([
        {"ParameterName": "time_zone", "ParameterValue": "UTC", "ApplyMethod": "pending-reboot"}])
)]
#[case::runtimes(
    json!({"Type": "AWS::Lambda::Function", "Properties": {
        "Code": {"ZipFile": "x"}, "Handler": "index.h", "Role": "r", "Runtime": "python3.12",
        "RuntimeManagementConfig": {"UpdateRuntimeOn": "FunctionUpdate"}}}),
    2, "UpdateRuntimeOn", json!("FunctionUpdate")
)]
#[case::signing(
    json!({"Type": "AWS::Lambda::Function", "Properties": {
        "Code": {"ZipFile": "x"}, "Handler": "index.h", "Role": "r", "Runtime": "python3.12",
        "CodeSigningConfigArn": "arn:aws:lambda:c"}}),
    0, "CodeSigningConfigArn", json!("arn:aws:lambda:c")
)]
#[case::notifications(
    json!({"Type": "AWS::CloudFormation::Stack", "Properties": {
        "TemplateURL": "https://b.s3.amazonaws.com/t", "NotificationARNs": ["arn:aws:sns:t"]}}),
    0, "NotificationARNs", json!(["arn:aws:sns:t"])
)]
#[case::entry(
    json!({"Type": "AWS::EC2::NetworkAclEntry", "Properties": {
        "NetworkAclId": "acl-1", "RuleNumber": 100, "Protocol": -1, "RuleAction": "allow",
        "CidrBlock": "0.0.0.0/0"}}),
    0, "Egress", json!("false")
)]
#[case::recorder(
    json!({"Type": "AWS::Config::ConfigurationRecorder", "Properties": {
        "Name": "r", "RoleARN": "arn:aws:iam::1:role/r", "StartedOnCreate": false,
        "RecordingGroup": {"AllSupported": true}}}),
    0, "ConfigurationRecorder",
    json!({"name": "r", "roleARN": "arn:aws:iam::1:role/r", "recordingGroup": {"allSupported": true}})
)]
#[tokio::test]
async fn a_property_goes_into_its_call(
    #[case] resource: Value,
    #[case] index: usize,
    #[case] member: &str,
    #[case] expected: Value,
) {
    let world = World::new().await;
    let calls = made(&world, resource).await;
    let (name, input) = calls.get(index).unwrap_or_else(|| panic!("{calls:?}"));
    assert_eq!(input[member], expected, "{name} {input}");
}

/// A recorder starts once it has a channel, and a channel needs a recorder: each waits
/// for the other, in whichever order they are made.
#[tokio::test]
async fn a_recorder_and_its_channel_wait_for_each_other() {
    let world = World::new().await;
    let template = json!({"Resources": {
        "Channel": {"Type": "AWS::Config::DeliveryChannel", "Properties": {"S3BucketName": "b"}},
        "Recorder": {"Type": "AWS::Config::ConfigurationRecorder", "Properties": {"RoleARN": "r"}},
    }});
    assert_eq!(world.create("s", &template.to_string()).await.1, "CREATE_COMPLETE");
    let calls = world.fake.calls();
    let last = |name: &str| calls.iter().rposition(|call| call == name);
    assert!(last("PutConfigurationRecorder") < last("PutDeliveryChannel"), "{calls:?}");
    assert!(last("PutDeliveryChannel") < last("StartConfigurationRecorder"), "{calls:?}");
}

/// An operation that takes the id or the name asks for neither: the id is given.
#[tokio::test]
async fn what_is_deleted_is_always_named() {
    let world = World::new().await;
    made(
        &world,
        json!({"Type": "AWS::EC2::LaunchTemplate", "Properties": {
            "LaunchTemplateData": {"SecurityGroupIds": ["sg-1"]},
        }}),
    )
    .await;
    world.call("DeleteStack", json!({"StackName": "s"})).await.unwrap();
    world.fake.settled("DeleteLaunchTemplate").await;
    assert_eq!(world.fake.calls_with_input()[0].1["LaunchTemplateId"], "lt-1");
}

/// CloudFront has cached methods among those that are allowed.
#[tokio::test]
async fn cached_methods_stand_among_those_that_are_allowed() {
    let world = World::new().await;
    let template = json!({"Resources": {"R": {"Type": "AWS::CloudFront::Distribution", "Properties": {
        "DistributionConfig": {
            "Enabled": true,
            "Origins": [{"Id": "o", "DomainName": "o.example"}],
            "DefaultCacheBehavior": {
                "TargetOriginId": "o", "ViewerProtocolPolicy": "https-only",
                "AllowedMethods": ["HEAD", "GET", "OPTIONS"], "CachedMethods": ["GET", "HEAD"],
            },
        },
    }}}});
    world.create("s", &template.to_string()).await;
    let calls = world.fake.calls_with_input();
    let methods = &calls[0].1["DistributionConfig"]["DefaultCacheBehavior"]["AllowedMethods"];
    assert_eq!(methods["Quantity"], "3", "{calls:?}");
    assert_eq!(methods["CachedMethods"]["Quantity"], "2");
}
