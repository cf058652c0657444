//! Destinations that AWS tries when they are configured.

use super::*;

const QUEUE: &str = "arn:aws:sqs:eu-central-1:123456789012:q";

/// A queue's policy that lets S3 in for a bucket.
fn lets_in(bucket: &str) -> String {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": QUEUE,
        "Condition": {"ArnEquals": {"aws:SourceArn": format!("arn:aws:s3:::{bucket}")}}}]})
    .to_string()
}

async fn notify(stage: &Stage, input: Value) -> Result<Value, ServiceError> {
    stage.client.call(&root(), Service::S3, "PutBucketNotificationConfiguration", input).await
}

fn to_queue(arn: &str) -> Value {
    json!({"Bucket": "bucket", "NotificationConfiguration": {"QueueConfiguration": [
        {"Queue": arn, "Event": ["s3:ObjectCreated:*"]}]}})
}

#[rstest::rstest]
#[case::of_this_bucket(Some("bucket"), true)]
#[case::of_another(Some("other"), false)]
#[case::none(None, false)]
#[tokio::test]
async fn a_bucket_notifies_only_who_lets_it(#[case] bucket: Option<&str>, #[case] is_in: bool) {
    let stage = Stage::new().await;
    let attributes = bucket.map(|it| json!({"Policy": lets_in(it)})).unwrap_or_else(|| json!({}));
    let url = json!({"QueueUrl": "http://localhost/123456789012/q"});
    stage.upstream.answers("AmazonSQS.GetQueueUrl", 200, &url);
    stage.upstream.answers("AmazonSQS.GetQueueAttributes", 200, &json!({"Attributes": attributes}));
    let answer = notify(&stage, to_queue(QUEUE)).await;
    let sent = || {
        let state = stage.upstream.state.lock().unwrap();
        let is_it = |seen: &upstream::Seen| {
            seen.parts.method == "PUT"
                && seen.parts.uri.query().is_some_and(|it| it.contains("notification"))
        };
        state.seen.iter().filter(|seen| is_it(seen)).count()
    };
    assert_eq!(sent(), usize::from(is_in));
    if is_in {
        return assert!(answer.is_ok(), "{answer:?}");
    }
    let error = answer.unwrap_err();
    assert_eq!((error.code.as_ref(), error.status), ("InvalidArgument", 400));
    assert_eq!(error.message, "Unable to validate the following destination configurations");
    // "Specifies whether to skip validation": https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketNotificationConfiguration.html
    let mut skipped = to_queue(QUEUE);
    skipped["SkipDestinationValidation"] = true.into();
    assert!(notify(&stage, skipped).await.is_ok());
}

/// What another account says of its queue nobody knows here.
#[tokio::test]
async fn a_destination_of_another_account_is_not_judged() {
    let stage = Stage::new().await;
    let answer = notify(&stage, to_queue("arn:aws:sqs:eu-central-1:999999999999:q")).await;
    assert!(answer.is_ok(), "{answer:?}");
}

fn trail(bucket: &str) -> Value {
    let trail = "arn:aws:cloudtrail:eu-central-1:123456789012:trail/t";
    let of = |action: &str, resource: &str, more: Value| {
        let mut condition = json!({"StringEquals": {"aws:SourceArn": trail}});
        condition["StringEquals"]
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        json!({"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"},
            "Action": action, "Resource": resource, "Condition": condition})
    };
    json!({"Version": "2012-10-17", "Statement": [
        of("s3:GetBucketAcl", &format!("arn:aws:s3:::{bucket}"), json!({})),
        of("s3:PutObject", &format!("arn:aws:s3:::{bucket}/AWSLogs/123456789012/*"),
            json!({"s3:x-amz-acl": "bucket-owner-full-control"})),
    ]})
}

#[rstest::rstest]
#[case::as_the_guide_has_it(json!({"Name": "t", "S3BucketName": "bucket"}), true)]
#[case::another_trail(json!({"Name": "other", "S3BucketName": "bucket"}), false)]
#[case::elsewhere(json!({"Name": "t", "S3BucketName": "bucket", "S3KeyPrefix": "p"}), false)]
#[tokio::test]
async fn a_trail_writes_only_to_a_bucket_that_lets_it(#[case] input: Value, #[case] is_in: bool) {
    let stage = Stage::new().await;
    stage.upstream.state.lock().unwrap().bucket_policy = Some(trail("bucket").to_string());
    let target = "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.CreateTrail";
    stage.upstream.answers(target, 200, &json!({"Name": "t"}));
    let cloudtrail = Service::of("cloudtrail").unwrap();
    let answer = stage.client.call(&root(), cloudtrail, "CreateTrail", input).await;
    if is_in {
        return assert!(answer.is_ok(), "{answer:?}");
    }
    let error = answer.unwrap_err();
    assert_eq!(error.code, "InsufficientS3BucketPolicyException");
    assert_eq!(error.message, "Incorrect S3 bucket policy is detected for bucket: bucket");
}

/// What is not encrypted with KMS a bucket may refuse: a trail with a key writes nothing
/// else, and of one without nobody knows how it writes.
#[rstest::rstest]
#[case::with_its_key(Some("arn:aws:kms:eu-central-1:123456789012:key/k"), None)]
#[case::without(None, Some("RingfenceUndecided"))]
#[tokio::test]
async fn a_trail_writes_to_a_bucket_of_encrypted_objects(
    #[case] key: Option<&str>,
    #[case] refused: Option<&str>,
) {
    let stage = Stage::new().await;
    let mut policy = trail("bucket");
    let encrypted = json!({"StringNotEquals": {"s3:x-amz-server-side-encryption": "aws:kms"}});
    let deny = json!({"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject",
        "Resource": "arn:aws:s3:::bucket/*", "Condition": encrypted});
    policy["Statement"].as_array_mut().unwrap().push(deny);
    stage.upstream.state.lock().unwrap().bucket_policy = Some(policy.to_string());
    let target = "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.CreateTrail";
    stage.upstream.answers(target, 200, &json!({"Name": "t"}));
    let mut input = json!({"Name": "t", "S3BucketName": "bucket"});
    if let Some(key) = key {
        input["KmsKeyId"] = key.into();
    }
    let cloudtrail = Service::of("cloudtrail").unwrap();
    let answer = stage.client.call(&root(), cloudtrail, "CreateTrail", input).await;
    assert_eq!(answer.map(drop).map_err(|error| error.code.into_owned()).err().as_deref(), refused);
}

#[rstest::rstest]
#[case::may(&["logs:CreateLogDelivery"], "ALL", true)]
#[case::may_not(&["logs:PutLogEvents"], "ERROR", false)]
#[case::logs_nothing(&["logs:PutLogEvents"], "OFF", true)]
#[tokio::test]
async fn a_state_machine_logs_only_with_a_role_that_may(
    #[case] actions: &[&str],
    #[case] level: &str,
    #[case] is_in: bool,
) {
    let stage = Stage::new().await;
    stage.role(&allow(actions[0]));
    stage.upstream.answers(
        "AWSStepFunctions.CreateStateMachine",
        200,
        &json!({"stateMachineArn": "a"}),
    );
    let input = json!({"name": "m", "definition": "{}", "roleArn": "arn:aws:iam::123456789012:role/app",
        "loggingConfiguration": {"level": level}});
    let states = Service::of("stepfunctions").unwrap();
    let answer = stage.client.call(&root(), states, "CreateStateMachine", input).await;
    let told = answer.map(drop).map_err(|error| (error.code.into_owned(), error.message));
    let refused = (
        "AccessDeniedException".to_owned(),
        "The state machine IAM Role is not authorized to access the Log Destination".to_owned(),
    );
    assert_eq!(told, if is_in { Ok(()) } else { Err(refused) });
}
