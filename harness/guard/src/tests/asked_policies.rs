//! The policies of resources of services, one a row: how each is told, and what
//! it decides.

use super::*;
use crate::ask::{Caller, Question};
use crate::recording::Overlay;

/// A resource, and where its service tells its policy.
struct Row {
    action: &'static str,
    /// Behind `arn:aws:`.
    resource: &'static str,
    /// The operation that tells: a target of JSON, or an action of XML.
    told_by: &'static str,
    /// The answer, with the policy as a JSON text for `POLICY`.
    answer: &'static str,
}

const ROWS: &[Row] = &[
    Row {
        action: "sqs:SendMessage",
        resource: "sqs:eu-central-1:123456789012:orders",
        told_by: "AmazonSQS.GetQueueAttributes",
        answer: r#"{"Attributes": {"Policy": POLICY}}"#,
    },
    Row {
        action: "sns:Publish",
        resource: "sns:eu-central-1:123456789012:orders",
        told_by: "GetTopicAttributes",
        answer: "<Attributes><entry><key>Owner</key><value>123456789012</value></entry>\
            <entry><key>Policy</key><value>POLICY</value></entry></Attributes>",
    },
    Row {
        action: "events:PutEvents",
        resource: "events:eu-central-1:123456789012:event-bus/orders",
        told_by: "AWSEvents.DescribeEventBus",
        answer: r#"{"Name": "orders", "Policy": POLICY}"#,
    },
    Row {
        action: "ecr:BatchGetImage",
        resource: "ecr:eu-central-1:123456789012:repository/team/orders",
        told_by: "AmazonEC2ContainerRegistry_V20150921.GetRepositoryPolicy",
        answer: r#"{"policyText": POLICY}"#,
    },
    Row {
        action: "kinesis:PutRecord",
        resource: "kinesis:eu-central-1:123456789012:stream/orders",
        told_by: "Kinesis_20131202.GetResourcePolicy",
        answer: r#"{"Policy": POLICY}"#,
    },
    Row {
        action: "dynamodb:GetRecords",
        resource: "dynamodb:eu-central-1:123456789012:table/orders/stream/2026-01-01T00:00:00.000",
        told_by: "DynamoDB_20120810.GetResourcePolicy",
        answer: r#"{"Policy": POLICY}"#,
    },
    Row {
        action: "logs:CreateLogStream",
        resource: "logs:eu-central-1:123456789012:log-group:orders:*",
        told_by: "Logs_20140328.DescribeResourcePolicies",
        answer: r#"{"resourcePolicies": [{"policyName": "p", "policyDocument": POLICY}]}"#,
    },
    Row {
        action: "glue:GetTable",
        resource: "glue:eu-central-1:123456789012:table/shop/orders",
        told_by: "AWSGlue.GetResourcePolicy",
        answer: r#"{"PolicyInJson": POLICY}"#,
    },
    Row {
        action: "secretsmanager:GetSecretValue",
        resource: "secretsmanager:eu-central-1:123456789012:secret:orders-AbCdEf",
        told_by: "secretsmanager.GetResourcePolicy",
        answer: r#"{"Name": "orders", "ResourcePolicy": POLICY}"#,
    },
];

const ROLE: &str = "arn:aws:iam::123456789012:role/app";

impl Row {
    fn arn(&self) -> String {
        format!("arn:aws:{}", self.resource)
    }

    /// What is decided for the role with this policy of the resource: the outcome
    /// and the statements.
    async fn decided(&self, statement: Option<Value>, own: &str) -> (String, Vec<String>) {
        let stage = Stage::new().await;
        drop(stage.role(own));
        if let Some(statement) = statement {
            let policy = json!({"Version": "2012-10-17", "Statement": [statement]}).to_string();
            if self.told_by.contains('.') {
                let answer = self.answer.replace("POLICY", &json!(policy).to_string());
                let answer: Value = serde_json::from_str(&answer).unwrap();
                stage.upstream.answers(self.told_by, 200, &answer);
            } else {
                let answer = self.answer.replace("POLICY", &policy.replace('"', "&quot;"));
                stage.upstream.answers_xml(self.told_by, &answer);
            }
        }
        let question = Question {
            action: self.action.to_owned(),
            resource: self.arn(),
            context: ringfence_policy::Context::new(),
        };
        let caller = Caller::Role { arn: "arn:aws:iam::123456789012:role/app", session: "s" };
        let inputs = stage.guard.inputs(caller, &[question]).await.unwrap();
        let decision = inputs.decide(&Overlay::none()).remove(0);
        let sids = decision.statements.iter().filter_map(|statement| statement.sid.clone());
        (decision.outcome.as_str().to_owned(), sids.collect())
    }

    fn statement(&self, effect: &str, principal: &str) -> Value {
        json!({"Sid": effect, "Effect": effect, "Principal": {"AWS": principal},
            "Action": self.action, "Resource": self.arn()})
    }
}

fn silent() -> String {
    allow("iam:GetUser")
}

#[tokio::test]
async fn the_policy_of_each_resource_lets_in_whom_it_names() {
    for row in ROWS {
        let named = row.decided(Some(row.statement("Allow", ROLE)), &silent()).await;
        assert_eq!(named, ("allow".to_owned(), vec!["Allow".to_owned()]), "{}", row.action);
        let other = row.statement("Allow", "arn:aws:iam::123456789012:role/other");
        for twin in [Some(other), None] {
            let refused = row.decided(twin, &silent()).await;
            assert_eq!(refused, ("implicit_deny".to_owned(), Vec::new()), "{}", row.action);
        }
    }
}

#[tokio::test]
async fn the_policy_of_each_resource_keeps_out_whom_it_denies() {
    for row in ROWS {
        let denied = row.decided(Some(row.statement("Deny", "*")), &allow("*")).await;
        assert_eq!(denied, ("explicit_deny".to_owned(), vec!["Deny".to_owned()]), "{}", row.action);
        let other = row.statement("Deny", "arn:aws:iam::123456789012:role/other");
        let spared = row.decided(Some(other), &allow("*")).await;
        assert_eq!(spared, ("allow".to_owned(), vec!["S".to_owned()]), "{}", row.action);
    }
}

/// Of a repository the statements name no resource; the registry's policy counts
/// beside its own.
#[tokio::test]
async fn a_repository_has_its_own_policy_and_the_registrys() {
    let stage = Stage::new().await;
    drop(stage.role(&allow("*")));
    let target = |name: &str| format!("AmazonEC2ContainerRegistry_V20150921.{name}");
    let told = |name: &str, statement: Value| {
        let policy = json!({"Version": "2012-10-17", "Statement": [statement]}).to_string();
        stage.upstream.answers(&target(name), 200, &json!({"policyText": policy}));
    };
    let question = |action: &str| Question {
        action: action.to_owned(),
        resource: "arn:aws:ecr:eu-central-1:123456789012:repository/orders".to_owned(),
        context: ringfence_policy::Context::new(),
    };
    let everybody = json!("*");
    told(
        "GetRepositoryPolicy",
        json!({"Sid": "Own", "Effect": "Deny", "Principal": everybody,
        "Action": "ecr:BatchGetImage"}),
    );
    told(
        "GetRegistryPolicy",
        json!({"Sid": "Registry", "Effect": "Deny", "Principal": everybody,
        "Action": "ecr:CreateRepository",
        "Resource": "arn:aws:ecr:eu-central-1:123456789012:repository/*"}),
    );
    let actions = ["ecr:BatchGetImage", "ecr:CreateRepository", "ecr:PutImage"];
    let caller = Caller::Role { arn: "arn:aws:iam::123456789012:role/app", session: "s" };
    let inputs = stage.guard.inputs(caller, &actions.map(question)).await.unwrap();
    let decisions = inputs.decide_each(&Overlay::none());
    let sids: Vec<Option<String>> = decisions
        .iter()
        .map(|decision| decision.statements.first().and_then(|it| it.sid.clone()))
        .collect();
    assert_eq!(sids, [Some("Own".into()), Some("Registry".into()), Some("S".into())]);
}

/// What keeps its author from storing another policy is taken only where it is forced;
/// ECR calls that a lockout.
#[rstest::rstest]
#[case::of_everything("Deny", "ecr:*", json!(null), false)]
#[case::of_storing("Deny", "ecr:SetRepositoryPolicy", json!(false), false)]
#[case::forced("Deny", "ecr:*", json!(true), true)]
#[case::of_something_else("Deny", "ecr:PutImage", json!(null), true)]
#[case::a_grant("Allow", "ecr:*", json!(null), true)]
#[tokio::test]
async fn a_repositorys_policy_locks_its_author_out_where_it_is_forced(
    #[case] effect: &str,
    #[case] action: &str,
    #[case] force: Value,
    #[case] taken: bool,
) {
    let stage = Stage::new().await;
    let role = stage.role(&allow("ecr:*"));
    let target = "AmazonEC2ContainerRegistry_V20150921.SetRepositoryPolicy";
    stage.upstream.answers(target, 200, &json!({}));
    let policy = json!({"Version": "2012-10-17", "Statement": [
        {"Sid": "S", "Effect": effect, "Principal": "*", "Action": action}]});
    let mut input = json!({"repositoryName": "r", "policyText": policy.to_string()});
    if !force.is_null() {
        input["force"] = force;
    }
    let ecr = Service::of("ecr").unwrap();
    let answer = stage.client.call(&role, ecr, "SetRepositoryPolicy", input).await;
    match taken {
        true => assert_eq!(answer.unwrap(), json!({})),
        false => {
            let error = answer.unwrap_err();
            assert_eq!((error.status, &*error.code), (400, "InvalidParameterException"));
            assert_eq!(
                error.message,
                "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'The policy would \
                 prevent you from setting another policy in the future. To apply it, force the \
                 SetRepositoryPolicy operation'"
            );
            assert_eq!(stage.last_entry().outcome, Ending::Refused);
        }
    }
}
