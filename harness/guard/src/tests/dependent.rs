//! What a call may need besides, and of whom several are asked in one call.

use super::upstream::{Seen, User};
use super::*;

fn statement(effect: &str, actions: &[&str]) -> Value {
    json!({"Sid": format!("{effect}It"), "Effect": effect, "Action": actions, "Resource": "*"})
}

fn policy(statements: &[Value]) -> String {
    json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}

/// Whether the account has the role nobody knows: who may make it is let through, who
/// may not is neither allowed nor refused.
#[rstest::rstest]
#[case::who_may(&[statement("Allow", &["ecs:CreateCluster", "iam:CreateServiceLinkedRole"])], None)]
#[case::who_may_not(&[statement("Allow", &["ecs:CreateCluster"])],
    Some("denied: no identity-based policy allows it"))]
#[case::who_must_not(
    &[statement("Allow", &["*"]), statement("Deny", &["iam:CreateServiceLinkedRole"])],
    Some("denied by statement `DenyIt` of `own`")
)]
#[tokio::test]
async fn a_permission_that_may_be_needed_and_is_denied_leaves_the_call_undecided(
    #[case] statements: &[Value],
    #[case] expected: Option<&str>,
) {
    let stage = Stage::new().await;
    stage.upstream.answers("AmazonEC2ContainerServiceV20141113.CreateCluster", 200, &json!({}));
    let app = stage.role(&policy(statements));
    let ecs = Service::of("ecs").unwrap();
    let answer = stage.client.call(&app, ecs, "CreateCluster", json!({"clusterName": "c"})).await;
    let Some(expected) = expected else {
        return assert_eq!(answer.map_err(|error| error.message), Ok(json!({})));
    };
    let error = answer.unwrap_err();
    assert_eq!((error.code.as_ref(), error.status), ("RingfenceUndecided", 418));
    let begin = "iam:CreateServiceLinkedRole on arn:aws:iam::123456789012:role/aws-service-role/\
                 ecs.amazonaws.com/AWSServiceRoleForECS is undecided: the call may need it, where \
                 the account does not have that role yet (an account that has it: \
                 `aws_iam_service_linked_role` in Layer 1 or among `[[existing]]`); ";
    assert_eq!(error.message.strip_prefix(begin), Some(expected), "{error}");
    assert_eq!(stage.last_entry().outcome, Ending::Undecided);
}

/// What is denied for certain is refused, whatever else may be needed.
#[tokio::test]
async fn a_call_that_is_denied_stays_denied() {
    let stage = Stage::new().await;
    let app = stage.role(&policy(&[statement("Allow", &["iam:GetRole"])]));
    let ecs = Service::of("ecs").unwrap();
    let answer = stage.client.call(&app, ecs, "CreateCluster", json!({"clusterName": "c"})).await;
    assert_eq!(answer.unwrap_err().code, "AccessDeniedException");
    assert_eq!(stage.last_entry().outcome, Ending::Denied);
}

fn secret(name: &str) -> Value {
    json!({"ARN": format!("arn:aws:secretsmanager:eu-central-1:123456789012:secret:{name}-AbCdEf"),
        "Name": name})
}

const READ: &str = "secretsmanager.BatchGetSecretValue";

/// The batches that went upstream.
fn batches(stage: &Stage) -> Vec<Seen> {
    let state = stage.upstream.state.lock().unwrap();
    let is_batch = |seen: &&Seen| seen.header("x-amz-target") == Some(READ);
    state.seen.iter().filter(is_batch).cloned().collect()
}

fn bob(stage: &Stage, tags: Vec<(String, String)>) {
    let mut state = stage.upstream.state.lock().unwrap();
    state.users.insert("bob".to_owned(), User { tags, ..User::default() });
}

#[tokio::test]
async fn of_a_batch_of_secrets_each_is_decided_by_itself() {
    let stage = Stage::new().await;
    let allowed = json!([
        {"Effect": "Allow", "Action": "secretsmanager:BatchGetSecretValue", "Resource": "*"},
        {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue",
            "Resource": "arn:aws:secretsmanager:*:*:secret:mine-??????"},
    ]);
    let app = stage.role(&policy(allowed.as_array().unwrap()));
    stage.upstream.answers("secretsmanager.GetResourcePolicy", 200, &json!({"Name": "x"}));
    let mut value = secret("mine");
    value["SecretString"] = "s".into();
    stage.upstream.answers(READ, 200, &json!({"SecretValues": [value], "Errors": []}));
    let input = json!({"SecretIdList": ["other", "mine"]});
    let answer = stage.client.call(&app, Service::SecretsManager, "BatchGetSecretValue", input);
    let answer = answer.await.unwrap();
    assert_eq!(answer["SecretValues"], json!([value]));
    let errors = answer["Errors"].as_array().unwrap();
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert_eq!(errors[0]["SecretId"], "other");
    assert_eq!(errors[0]["ErrorCode"], "AccessDeniedException");
    assert_eq!(
        errors[0]["Message"],
        "User: arn:aws:sts::123456789012:assumed-role/app/s is not authorized to perform: \
         secretsmanager:GetSecretValue on resource: other because no identity-based policy allows \
         the secretsmanager:GetSecretValue action"
    );
    let [seen] = &batches(&stage)[..] else { panic!() };
    assert_eq!(seen.body, r#"{"SecretIdList":["mine"]}"#);
    assert_eq!(stage.last_entry().outcome, Ending::Allowed);
    // Of none that it may read nothing is asked.
    let input = json!({"SecretIdList": ["other"]});
    let answer = stage.client.call(&app, Service::SecretsManager, "BatchGetSecretValue", input);
    let answer = answer.await.unwrap();
    assert_eq!(
        (&answer["SecretValues"], answer["Errors"].as_array().unwrap().len()),
        (&json!([]), 1)
    );
    assert_eq!(batches(&stage).len(), 1);
}

/// Of AWS's answer nothing is known where one secret's is not.
#[tokio::test]
async fn a_batch_with_a_secret_that_is_undecided_is_undecided() {
    let stage = Stage::new().await;
    let mut open = json!({"Effect": "Allow", "Action": "secretsmanager:GetSecretValue",
        "Resource": "*"});
    open["Condition"] = json!({"StringEquals": {"aws:PrincipalOrgID": "o-a"}});
    let call = json!({"Effect": "Allow", "Action": "secretsmanager:BatchGetSecretValue",
        "Resource": "*"});
    let app = stage.role(&policy(&[call, open]));
    stage.upstream.answers("secretsmanager.GetResourcePolicy", 200, &json!({"Name": "x"}));
    let input = json!({"SecretIdList": ["mine"]});
    let answer = stage.client.call(&app, Service::SecretsManager, "BatchGetSecretValue", input);
    let error = answer.await.unwrap_err();
    assert_eq!((error.code.as_ref(), error.status), ("RingfenceUndecided", 418));
    assert_eq!(batches(&stage).len(), 0);
    assert_eq!(stage.last_entry().outcome, Ending::Undecided);
}

/// Who may not make the call at all is refused.
#[tokio::test]
async fn a_batch_that_nobody_may_ask_for_is_refused() {
    let stage = Stage::new().await;
    let app = stage.role(&policy(&[statement("Allow", &["secretsmanager:GetSecretValue"])]));
    let input = json!({"SecretIdList": ["mine"]});
    let answer = stage.client.call(&app, Service::SecretsManager, "BatchGetSecretValue", input);
    assert_eq!(answer.await.unwrap_err().code, "AccessDeniedException");
    assert_eq!(batches(&stage).len(), 0);
}

#[rstest::rstest]
#[case::of_another_case(&[("Department", "a")], "department", true)]
#[case::of_the_same(&[("Department", "a")], "Department", false)]
#[case::of_none(&[("team", "a")], "department", false)]
#[tokio::test]
async fn a_users_tag_replaces_that_of_another_case(
    #[case] stored: &[(&str, &str)],
    #[case] key: &str,
    #[case] replaces: bool,
) {
    let stage = Stage::new().await;
    bob(&stage, stored.iter().map(|(key, it)| ((*key).to_owned(), (*it).to_owned())).collect());
    let input = json!({"UserName": "bob", "Tags": [{"Key": key, "Value": "b"}]});
    stage.call(&root(), "TagUser", input).await.unwrap();
    let untagged = stage.upstream.seen("UntagUser");
    assert_eq!(untagged.len(), usize::from(replaces));
    for seen in untagged {
        assert_eq!(seen.field("TagKeys.member.1").as_deref(), Some("Department"));
    }
    // Under whatever case it is taken away.
    let input = json!({"UserName": "bob", "TagKeys": ["DEPARTMENT"]});
    stage.call(&root(), "UntagUser", input).await.unwrap();
    let last = stage.upstream.seen("UntagUser").pop().unwrap();
    let expected = if stored[0].0 == "team" { "DEPARTMENT" } else { "Department" };
    assert_eq!(last.field("TagKeys.member.1").as_deref(), Some(expected));
}

#[rstest::rstest]
#[case::full("another", Some("LimitExceeded"))]
#[case::one_of_them("KEY0", None)]
#[tokio::test]
async fn a_user_has_fifty_tags_at_most(#[case] key: &str, #[case] expected: Option<&str>) {
    let stage = Stage::new().await;
    bob(&stage, (0..50).map(|index| (format!("key{index}"), "v".to_owned())).collect());
    let input = json!({"UserName": "bob", "Tags": [{"Key": key, "Value": "b"}]});
    let answer = stage.call(&root(), "TagUser", input).await;
    let told = answer.err().map(|error| (error.code.into_owned(), error.status));
    assert_eq!(told, expected.map(|code| (code.to_owned(), 409)));
}
