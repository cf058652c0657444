//! What is not known, and is no difference all the same.

use rstest::rstest;
use serde_json::{Value, json};

use super::{diff_with, run, said, text};

const FILES: &str = "
resource \"aws_sqs_queue\" \"q\" {
  name_prefix = \"q\"
}
resource \"aws_iam_role\" \"r\" {
  name               = \"app\"
  assume_role_policy = jsonencode({})
}
resource \"aws_iam_role_policy\" \"p\" {
  name   = \"p\"
  role   = aws_iam_role.r.name
  policy = jsonencode({
    Version = \"2012-10-17\"
    Statement = [
      { Effect = \"Allow\", Action = \"sqs:SendMessage\", Resource = aws_sqs_queue.q.arn },
      { Effect = \"Allow\", Action = \"ec2:RunInstances\", Resource = \"*\" },
    ]
  })
}
";

/// A plan that makes a role, of whose policy one `Resource` is a queue without a name yet, and
/// perhaps another policy besides.
fn plan(tags: &Value, more: &[Value]) -> Value {
    let change = |kind: &str, name: &str, after: Value, unknown: Value| {
        json!({"address": format!("{kind}.{name}"), "mode": "managed", "type": kind, "name": name,
            "change": {"actions": ["create"], "after": after, "after_unknown": unknown}})
    };
    let trust = json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow",
        "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}});
    let mut changes = vec![
        change(
            "aws_sqs_queue",
            "q",
            json!({"name_prefix": "q", "tags": tags}),
            json!({"arn": true, "id": true, "name": true, "url": true}),
        ),
        change(
            "aws_iam_role",
            "r",
            json!({"name": "app", "path": "/", "assume_role_policy": trust.to_string()}),
            json!({"arn": true}),
        ),
        change(
            "aws_iam_role_policy",
            "p",
            json!({"role": "app", "name": "p"}),
            json!({"policy": true}),
        ),
    ];
    changes.extend(more.iter().map(|own| {
        let text = json!({"Version": "2012-10-17", "Statement": own}).to_string();
        let values = json!({"role": "app", "name": "more", "policy": text});
        change("aws_iam_role_policy", "more", values, json!({}))
    }));
    let data = |kind: &str, values: Value| {
        json!({"address": format!("data.{kind}.d"), "mode": "data", "type": kind,
            "values": values})
    };
    let refers = |names: &[&str]| json!({"references": names});
    json!({"format_version": "1.2", "resource_changes": changes,
    "prior_state": {"values": {"root_module": {"resources": [
        data("aws_caller_identity", json!({"account_id": "123456789012"})),
        data("aws_partition", json!({"partition": "aws"})),
    ]}}},
    "configuration": {"root_module": {"resources": [
        {"address": "aws_sqs_queue.q", "expressions": {"name_prefix": {"constant_value": "q"}}},
        {"address": "aws_iam_role.r", "expressions": {"name": {"constant_value": "app"}}},
        {"address": "aws_iam_role_policy.p", "expressions": {
            "role": refers(&["aws_iam_role.r.name", "aws_iam_role.r"]),
            "policy": refers(&["aws_sqs_queue.q.arn", "aws_sqs_queue.q"])}},
    ]}}})
}

fn sides(old: &Value, new: &Value) -> [Value; 2] {
    let (_, told) = diff_with(old, new, FILES);
    let role = said(&told, "role/app");
    ["gained", "lost"].map(|side| role[side].clone())
}

/// Whom the one side does not have may do nothing there, and on the other what is known.
#[test]
fn what_was_not_there_loses_nothing() {
    let nothing = json!({"format_version": "1.0"});
    let some = plan(&json!({}), &[]);
    let (code, told) = diff_with(&nothing, &some, FILES);
    let role = said(&told, "role/app");
    assert_eq!((&role["gained"], &role["lost"]), (&json!("something"), &json!("nothing")));
    assert_eq!(role["allowed_now"]["action"], "ec2:RunInstances");
    assert_eq!(code, Some(1));
    let (code, told) = diff_with(&some, &nothing, FILES);
    assert_eq!(code, Some(0));
    assert_eq!(said(&told, "role/app")["gained"], "nothing");
}

#[rstest]
#[case::the_same(json!({}), None, "nothing")]
#[case::of_another_queue(json!({"a": "b"}), None, "undecided")]
#[case::with_more(json!({}), Some("s3:GetObject"), "undecided")]
fn the_same_that_is_not_known_is_no_difference(
    #[case] tags: Value,
    #[case] more: Option<&str>,
    #[case] expected: &str,
) {
    let more = more.map(|action| json!({"Effect": "Allow", "Action": action, "Resource": "*"}));
    let old = plan(&json!({}), &[]);
    let new = plan(&tags, more.as_slice());
    assert_eq!(sides(&old, &new), [expected, expected].map(Value::from));
}

/// Whatever is not known, a file is the same as itself.
#[test]
fn a_file_is_the_same_as_itself() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("plan.json");
    std::fs::write(&file, plan(&json!({}), &[]).to_string()).unwrap();
    let told = run(&file, &file, &[]);
    let all =
        "2 compared for all requests: 0 may do more, 0 may do less, 0 undecided, 2 the same\n";
    assert_eq!((text(&told.stdout), told.status.code()), (all, Some(0)));
    // Without its Terraform files a copy may be of others.
    let copy = directory.path().join("copy.json");
    std::fs::copy(&file, &copy).unwrap();
    let told = run(&file, &copy, &[]);
    assert!(text(&told.stdout).contains("aws_iam_role_policy.p: policy is known after apply only"));
    assert_eq!(told.status.code(), Some(1));
}
