//! What the policies of resources decide, and when they are read.

use super::*;

const GET: &str = "DynamoDB_20120810.GetResourcePolicy";
const TABLE: &str = "arn:aws:dynamodb:eu-central-1:123456789012:table/orders";

fn statement(effect: &str, principal: Value) -> Value {
    json!({"Sid": format!("{effect}Reads"), "Effect": effect, "Principal": principal,
        "Action": "dynamodb:GetItem", "Resource": TABLE})
}

fn table_policy(statements: &[Value]) -> Value {
    let policy = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
    json!({"Policy": policy, "RevisionId": "1"})
}

fn none() -> Value {
    json!({"__type": "PolicyNotFoundException", "message": "none"})
}

fn app() -> Value {
    json!({"AWS": "arn:aws:iam::123456789012:role/app"})
}

const NOTHING: &str = r#"{"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": "sqs:ListQueues", "Resource": "*"}]}"#;

const DENIED: &str = r#"{"Version": "2012-10-17", "Statement": [
    {"Sid": "No", "Effect": "Deny", "Action": "dynamodb:*", "Resource": "*"}]}"#;

/// Reads an item of the table.
async fn read(stage: &Stage, caller: &Credentials) -> Result<Value, ServiceError> {
    let input = json!({"TableName": "orders", "Key": {"id": {"S": "1"}}});
    stage.client.call(caller, Service::DynamoDb, "GetItem", input).await
}

async fn staged() -> Stage {
    prepared(Stage::new().await)
}

fn prepared(stage: Stage) -> Stage {
    let keys = json!([{"AttributeName": "id", "KeyType": "HASH"}]);
    let table = json!({"Table": {"TableName": "orders", "KeySchema": keys}});
    stage.upstream.answers("DynamoDB_20120810.DescribeTable", 200, &table);
    stage.upstream.answers("DynamoDB_20120810.ListTagsOfResource", 200, &json!({"Tags": []}));
    stage.upstream.answers("DynamoDB_20120810.GetItem", 200, &json!({}));
    stage.upstream.answers("DynamoDB_20120810.PutResourcePolicy", 200, &json!({}));
    stage.upstream.answers(GET, 400, &none());
    stage
}

#[rstest::rstest]
#[case::nobody(vec![], NOTHING, "implicit_deny", None)]
#[case::its_role(vec![statement("Allow", app())], NOTHING, "allow", Some("AllowReads"))]
#[case::another_role(
    vec![statement("Allow", json!({"AWS": "arn:aws:iam::123456789012:role/other"}))],
    NOTHING,
    "implicit_deny",
    None
)]
#[case::denied_to_all(vec![statement("Deny", json!("*"))], &allow("*"), "explicit_deny", Some("DenyReads"))]
#[case::denied_to_another(
    vec![statement("Deny", json!({"AWS": "arn:aws:iam::123456789012:role/other"}))],
    &allow("*"),
    "allow",
    Some("S")
)]
#[tokio::test]
async fn the_policy_of_a_table_decides(
    #[case] statements: Vec<Value>,
    #[case] own: &str,
    #[case] outcome: &str,
    #[case] sid: Option<&str>,
) {
    let stage = staged().await;
    if !statements.is_empty() {
        stage.upstream.answers(GET, 200, &table_policy(&statements));
    }
    let answer = read(&stage, &stage.role(own)).await;
    assert_eq!(answer.is_ok(), outcome == "allow", "{answer:?}");
    let entry = stage.last_entry();
    let check = entry.checks.last().unwrap();
    let decided_by = check.statements.first().and_then(|statement| statement.sid.as_deref());
    assert_eq!((check.outcome.as_str(), decided_by), (outcome, sid));
}

#[tokio::test]
async fn a_policy_is_read_again_after_a_call_that_may_have_changed_it() {
    let stage = staged().await;
    let caller = stage.role(NOTHING);
    for _ in 0..2 {
        assert!(read(&stage, &caller).await.is_err());
    }
    assert_eq!(stage.upstream.count(GET), 1);
    let policy = table_policy(&[statement("Allow", app())]);
    let put = json!({"ResourceArn": TABLE, "Policy": policy["Policy"]});
    stage.client.call(&root(), Service::DynamoDb, "PutResourcePolicy", put).await.unwrap();
    stage.upstream.answers(GET, 200, &policy);
    for _ in 0..2 {
        assert!(read(&stage, &caller).await.is_ok());
    }
    assert_eq!(stage.upstream.count(GET), 2);
}

/// An upstream that cannot tell a policy may keep one once a call stored it.
#[rstest::rstest]
#[case::able(&allow("*"), "undecided")]
#[case::unable(NOTHING, "undecided")]
#[case::denied(DENIED, "explicit_deny")]
#[tokio::test]
async fn a_policy_that_cannot_be_read_may_be_there_once_a_call_stored_one(
    #[case] own: &str,
    #[case] outcome: &str,
) {
    for stored in [false, true] {
        let stage = staged().await;
        let failure = json!({"__type": "InternalFailure", "message": "not implemented"});
        stage.upstream.answers(GET, 501, &failure);
        if stored {
            let policy = table_policy(&[statement("Allow", json!({"AWS": ACCOUNT}))]);
            let put = json!({"ResourceArn": TABLE, "Policy": policy["Policy"]});
            stage.client.call(&root(), Service::DynamoDb, "PutResourcePolicy", put).await.unwrap();
        }
        let answer = read(&stage, &stage.role(own)).await;
        if !stored {
            assert_eq!(answer.is_ok(), own == allow("*"), "{answer:?}");
            continue;
        }
        let error = answer.unwrap_err();
        assert_eq!(stage.last_entry().checks.last().unwrap().outcome, outcome);
        let reason = "the policy of arn:aws:dynamodb:eu-central-1:123456789012:table/orders \
            (dynamodb:GetResourcePolicy answers InternalFailure)";
        assert_eq!(error.message.contains(reason), outcome == "undecided", "{}", error.message);
        let expected = if outcome == "undecided" { 418 } else { 400 };
        assert_eq!(error.status, expected);
    }
}

/// A tag that an upstream takes and drops would be one that nothing decides by.
#[rstest::rstest]
#[case::kept(json!({"team": "a", "old": "x"}), true)]
#[case::dropped(json!({}), false)]
#[tokio::test]
async fn the_tags_of_a_log_group_are_read_back(#[case] kept: Value, #[case] taken: bool) {
    let stage = Stage::new().await;
    stage.upstream.answers("Logs_20140328.TagResource", 200, &json!({}));
    stage.upstream.answers("Logs_20140328.ListTagsForResource", 200, &json!({"tags": kept}));
    let arn = "arn:aws:logs:eu-central-1:123456789012:log-group:g";
    let input = json!({"resourceArn": arn, "tags": {"team": "a"}});
    let answer = stage.client.call(&root(), Service::Logs, "TagResource", input).await;
    let failure = format!("the upstream took the tags of {arn} and does not keep them");
    match taken {
        true => assert_eq!(answer, Ok(json!({}))),
        false => assert_eq!(answer, Err(ServiceError::new(502, "InternalFailure", failure))),
    }
}

/// An upstream that others used before may keep a policy that it cannot tell. What it
/// can tell decides, and of what is not there nothing hangs.
#[rstest::rstest]
#[case::new(true, 501, true)]
#[case::used_and_dumb(false, 501, false)]
#[case::used_and_telling(false, 400, true)]
#[tokio::test]
async fn what_an_upstream_held_before_the_guard_came_is_not_known(
    #[case] is_new: bool,
    #[case] status: u16,
    #[case] decided: bool,
) {
    let stage = Stage::configured(|config| config.upstream.is_new = is_new).await;
    let stage = prepared(stage);
    let failure = json!({"__type": "InternalFailure", "message": "not implemented"});
    let telling = if status == 501 { failure } else { none() };
    stage.upstream.answers(GET, status, &telling);
    let answer = read(&stage, &stage.role(&allow("*"))).await;
    match decided {
        true => assert!(answer.is_ok(), "{answer:?}"),
        false => {
            let error = answer.unwrap_err();
            assert_eq!((error.status, &*error.code), (418, "RingfenceUndecided"));
            assert!(error.message.contains("dynamodb:GetResourcePolicy answers InternalFailure"));
        }
    }
}

/// A role that is made anew under the name of one that is gone has nothing of
/// what a policy gave to that one; a policy that is stored afterwards means the
/// new one.
#[tokio::test]
async fn a_policy_means_who_had_the_name_when_it_was_stored() {
    let stage = staged().await;
    let policy = table_policy(&[statement("Allow", app())]);
    let put = || json!({"ResourceArn": TABLE, "Policy": policy["Policy"]});
    let before = stage.bare_role("AROAEXAMPLEEXAMPLE12");
    stage.client.call(&root(), Service::DynamoDb, "PutResourcePolicy", put()).await.unwrap();
    stage.upstream.answers(GET, 200, &policy);
    read(&stage, &before).await.unwrap();

    stage.call(&root(), "DeleteRole", json!({"RoleName": "app"})).await.unwrap();
    let anew = stage.bare_role("AROAEXAMPLEEXAMPLE34");
    let error = read(&stage, &anew).await.unwrap_err();
    assert_eq!((error.status, &*error.code), (400, "AccessDeniedException"));
    assert_eq!(stage.last_entry().checks.last().unwrap().outcome, "implicit_deny");

    // The same text for another table says nothing of this one.
    let other = json!({"ResourceArn": format!("{TABLE}2"), "Policy": policy["Policy"]});
    stage.client.call(&root(), Service::DynamoDb, "PutResourcePolicy", other).await.unwrap();
    read(&stage, &anew).await.unwrap_err();
    // Nor does one that was not stored.
    const PUT: &str = "DynamoDB_20120810.PutResourcePolicy";
    stage.upstream.answers(PUT, 400, &json!({"__type": "LimitExceededException"}));
    stage.client.call(&root(), Service::DynamoDb, "PutResourcePolicy", put()).await.unwrap_err();
    read(&stage, &anew).await.unwrap_err();
    stage.upstream.answers(PUT, 200, &json!({}));
    stage.client.call(&root(), Service::DynamoDb, "PutResourcePolicy", put()).await.unwrap();
    read(&stage, &anew).await.unwrap();
}
