use rstest::rstest;
use serde_json::{Value, json};

use super::*;
use crate::integrity::snapshot::{Object, ObjectId};

const DEPLOYER: &str = "arn:aws:sts::123456789012:assumed-role/deployer/GitHubActions";
pub(super) const PLACE: Place<'_> = Place { region: "us-east-1", account: "123456789012" };

pub(super) fn entry(action: &str, resource: &str, change: &Value) -> Arc<Entry> {
    let (service, operation) = action.split_once(':').unwrap();
    let check = json!({"action": action, "resource": resource, "outcome": "allow",
        "layer": "identity", "explanation": "allowed",
        "statements": [{"policy": "role/deployer/inline/p", "sid": "Hole", "index": 0}]});
    let mut entry = json!({"time": "t", "request_id": "r-1", "principal": DEPLOYER,
        "service": service, "operation": operation, "called_via": [], "checks": [check],
        "outcome": "allowed", "error": null, "status": 200, "upstream_status": 200,
        "duration_us": 1});
    for (name, value) in change.as_object().unwrap() {
        entry[name] = value.clone();
    }
    Arc::new(serde_json::from_value(entry).unwrap())
}

fn instances() -> Vec<Instance> {
    let resource = |kind: &str, attributes: Value| {
        json!({"mode": "managed", "type": kind, "name": "x",
            "instances": [{"attributes": attributes}]})
    };
    let arn = |rest: &str| json!({"arn": format!("arn:aws:{rest}")});
    Instance::of(&json!({"resources": [
        resource("aws_cloudwatch_event_rule", arn("events:us-east-1:123456789012:rule/bus/r")),
        resource("aws_sfn_state_machine", arn("states:us-east-1:123456789012:stateMachine:flow")),
        resource("aws_ecr_repository", arn("ecr:us-east-1:123456789012:repository/images")),
        resource("aws_autoscaling_group",
            arn("autoscaling:us-east-1:123456789012:autoScalingGroup:1234:autoScalingGroupName/g")),
        resource("aws_iam_user", arn("iam::123456789012:user/robot")),
        resource("aws_cloudwatch_log_group",
            arn("logs:us-east-1:123456789012:log-group:/platform:*")),
        resource("aws_s3_bucket", arn("s3:::platform")),
        resource("aws_s3_object", arn("s3:::platform/rules.json")),
        resource("aws_s3_account_public_access_block", json!({"id": "123456789012"})),
        resource("aws_api_gateway_method", json!({"rest_api_id": "a1", "resource_id": "r1",
            "http_method": "GET"})),
        resource("aws_unheard_of", json!({"id": "u"})),
        resource("aws_sqs_queue_policy", json!({"queue_url": "http://h/123456789012/q"})),
        resource("random_id", json!({"id": "u"})),
    ]}))
}

fn found(entry: Arc<Entry>, left: &LeftToOthers) -> Vec<String> {
    let changed = changed([entry], &instances(), left, PLACE);
    changed.into_iter().map(|one| one.address).collect()
}

#[rstest]
#[case::a_state_machine(
    "states:UpdateStateMachine",
    "arn:aws:states:us-east-1:123456789012:stateMachine:flow",
    "aws_sfn_state_machine.x"
)]
#[case::a_pattern(
    "autoscaling:SetDesiredCapacity",
    "arn:aws:autoscaling:us-east-1:123456789012:autoScalingGroup:*:autoScalingGroupName/g",
    "aws_autoscaling_group.x"
)]
#[case::a_key_of_a_user(
    "iam:CreateAccessKey",
    "arn:aws:iam::123456789012:user/robot",
    "aws_iam_user.x"
)]
#[case::a_subscription(
    "logs:PutSubscriptionFilter",
    "arn:aws:logs:us-east-1:123456789012:log-group:/platform:*",
    "aws_cloudwatch_log_group.x"
)]
#[case::a_subscription_as_refusals_name_it(
    "logs:PutSubscriptionFilter",
    "arn:aws:logs:us-east-1:123456789012:log-group:/platform:log-stream:",
    "aws_cloudwatch_log_group.x"
)]
#[case::an_object("s3:PutObject", "arn:aws:s3:::platform/rules.json", "aws_s3_object.x")]
#[case::a_setting_of_the_account(
    "s3:PutAccountPublicAccessBlock",
    "*",
    "aws_s3_account_public_access_block.x"
)]
#[case::a_method(
    "apigateway:PATCH",
    "arn:aws:apigateway:us-east-1::/restapis/a1/resources/r1/methods/GET",
    "aws_api_gateway_method.x"
)]
#[case::an_action_that_nobody_knows(
    "states:Unheard",
    "arn:aws:states:us-east-1:123456789012:stateMachine:flow",
    "aws_sfn_state_machine.x"
)]
fn a_call_that_writes_to_what_no_reading_shows_is_a_change(
    #[case] action: &str,
    #[case] resource: &str,
    #[case] address: &str,
) {
    let none = LeftToOthers::default();
    assert_eq!(found(entry(action, resource, &json!({})), &none), [address]);
    for change in [
        json!({"outcome": "denied", "status": 403}),
        json!({"status": 409, "upstream_status": 409}),
        json!({"principal": "arn:aws:iam::123456789012:root"}),
    ] {
        let empty: [&str; 0] = [];
        assert_eq!(found(entry(action, resource, &change), &none), empty, "{change}");
    }
}

#[rstest]
#[case::reading(
    "states:DescribeStateMachine",
    "arn:aws:states:us-east-1:123456789012:stateMachine:flow"
)]
#[case::use_of_it(
    "states:StartExecution",
    "arn:aws:states:us-east-1:123456789012:stateMachine:flow"
)]
#[case::another(
    "states:UpdateStateMachine",
    "arn:aws:states:us-east-1:123456789012:stateMachine:flow2"
)]
#[case::an_image("ecr:PutImage", "arn:aws:ecr:us-east-1:123456789012:repository/images")]
#[case::what_a_reading_shows("iam:PutUserPolicy", "arn:aws:iam::123456789012:user/robot")]
#[case::another_object("s3:PutObject", "arn:aws:s3:::platform/other")]
#[case::everything("states:UpdateStateMachine", "*")]
#[case::another_group(
    "autoscaling:SetDesiredCapacity",
    "arn:aws:autoscaling:us-east-1:123456789012:autoScalingGroup:*:autoScalingGroupName/gg"
)]
fn any_other_call_is_none(#[case] action: &str, #[case] resource: &str) {
    let empty: [&str; 0] = [];
    assert_eq!(found(entry(action, resource, &json!({})), &LeftToOthers::default()), empty);
}

#[rstest]
#[case(
    "aws_autoscaling_group.x.desired_capacity",
    "autoscaling:SetDesiredCapacity",
    "arn:aws:autoscaling:us-east-1:123456789012:autoScalingGroup:*:autoScalingGroupName/g",
    true
)]
#[case(
    "aws_autoscaling_group.x.tags",
    "autoscaling:SetDesiredCapacity",
    "arn:aws:autoscaling:us-east-1:123456789012:autoScalingGroup:*:autoScalingGroupName/g",
    false
)]
#[case(
    "aws_sfn_state_machine.x.definition",
    "states:UpdateStateMachine",
    "arn:aws:states:us-east-1:123456789012:stateMachine:flow",
    true
)]
#[case(
    "aws_sfn_state_machine.x.tags",
    "states:TagResource",
    "arn:aws:states:us-east-1:123456789012:stateMachine:flow",
    true
)]
#[case("aws_iam_user.x.all", "iam:CreateAccessKey", "arn:aws:iam::123456789012:user/robot", false)]
fn what_is_left_to_others_is_no_change_and_permissions_are_left_to_nobody(
    #[case] ignored: &str,
    #[case] action: &str,
    #[case] resource: &str,
    #[case] is_left: bool,
) {
    let left = LeftToOthers::leaving(&[ignored.parse().unwrap()], &instances());
    assert_eq!(found(entry(action, resource, &json!({})), &left).is_empty(), is_left);
}

#[test]
fn what_neither_a_reading_nor_a_call_tells_of_is_told_by_its_address() {
    let instances = instances();
    let address = "aws_unheard_of.x";
    let told = |snapshots: &[&Snapshot]| unseen(&instances, snapshots, PLACE);
    let one = |why: Option<&str>| {
        let unseen = Unseen { address: address.to_owned(), why: why.map(str::to_owned) };
        BTreeMap::from([("aws_unheard_of", vec![unseen])])
    };
    assert_eq!(told(&[&Snapshot::default()]), one(None));
    let id = ObjectId { kind: "aws_unheard_of", name: address.to_owned() };
    let read = Snapshot::of([(id, Object { members: BTreeMap::new(), arns: Vec::new() })]);
    assert_eq!(told(&[&read, &read]), BTreeMap::new());
    // What is gone is a difference, and no longer unseen.
    assert_eq!(told(&[&read, &Snapshot::default()]), BTreeMap::new());
    let refused = Snapshot::refusing(address, "Describe", "unheard:Describe: 501");
    assert_eq!(told(&[&read, &refused]), one(Some("unheard:Describe: 501")));
}
