//! What a guard rail's resource is: the ARNs that actions act upon, ids that AWS has not chosen
//! yet, and names that there are.

use std::fs;

use rstest::rstest;
use serde_json::{Value, json};

use crate::plans::{change, configured};
use crate::shop::{allow, document, iam, of, rail, run, text};

const TITLE: &str = "the app does not";

/// How a guard rail ends about a role with a policy, in a plan with another resource; why it is
/// undecided, and the warnings.
fn ended(
    statement: &Value,
    resource: Option<Value>,
    action: &str,
    on: &str,
) -> (String, String, String) {
    let trust = document(&[json!({"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"Service": "ec2.amazonaws.com"}})]);
    let role =
        json!({"name": "app", "arn": iam("role/app"), "path": "/", "assume_role_policy": trust});
    let policy = document(std::slice::from_ref(statement));
    let policy = json!({"name": "p", "role": "app", "policy": policy, "id": "app:p"});
    let mut changes = vec![
        change("aws_iam_role.app", role, json!({})),
        change("aws_iam_role_policy.p", policy, json!({})),
    ];
    changes.extend(resource);
    let own: Vec<Value> = changes
        .iter()
        .map(|one| configured(one["address"].as_str().unwrap(), json!({})))
        .map(|mut one| {
            one["provider_config_key"] = json!("aws");
            one
        })
        .collect();
    let region = json!({"region": {"constant_value": "eu-west-1"}});
    let plan = json!({"format_version": "1.2", "resource_changes": changes,
    "configuration": {
        "provider_config": {"aws": {"name": "aws", "expressions": region}},
        "root_module": {"resources": own},
    }});
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("plan.json"), plan.to_string()).unwrap();
    let config = format!(
        "[account]\nid = \"123456789012\"\nregion = \"eu-west-1\"\n\n[[guard_rail]]\nid = \"r\"\n\
         title = \"{TITLE}\"\nwho = [\"role/app\"]\nactions = [\"{action}\"]\nresources = [\"{on}\"]\n\
         legitimate = {{ identity = \"platform\", action = \"sts:GetCallerIdentity\", resource = \"*\" }}\n"
    );
    fs::write(directory.path().join("ringfence.toml"), config).unwrap();
    let output = run(directory.path(), &["--plan", "plan.json", "--json"]);
    let lines = text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap());
    let lines: Vec<Value> = lines.collect();
    assert!(!lines.is_empty(), "{}", text(&output.stderr));
    let found = rail(&lines, TITLE);
    let reason = found["undecided"][0]["reason"].as_str().unwrap_or_default().to_owned();
    let verdict = found["verdict"].as_str().unwrap().to_owned();
    (verdict, reason, text(&output.stderr).to_owned())
}

/// A log group's ARN has `:*` behind it for all but its tags.
#[rstest]
#[case::as_aws_has_it("logs:DeleteLogGroup", ":*", "violated")]
#[case::without("logs:DeleteLogGroup", "", "proved")]
#[case::another("logs:DeleteLogGroup", "-other:*", "proved")]
#[case::tags("logs:TagResource", "", "violated")]
fn a_log_group_is_what_actions_act_upon(
    #[case] action: &str,
    #[case] behind: &str,
    #[case] verdict: &str,
) {
    let arn = of("logs", "log-group:s");
    let group = || {
        let values = json!({"name": "s", "id": "s", "arn": of("logs", "log-group:s")});
        Some(change("aws_cloudwatch_log_group.z", values, json!({})))
    };
    let statement = allow(action, &format!("{arn}{behind}"));
    for on in ["aws_cloudwatch_log_group.z", &arn] {
        let (found, _, warnings) = ended(&statement, group(), action, on);
        assert_eq!((&*found, &*warnings), (verdict, ""), "{on}");
    }
}

/// Of a resource with others that belong to it, those that are left out are told.
#[test]
fn versions_that_are_left_out_are_told() {
    let arn = of("lambda", "function:f");
    let statement = allow("lambda:InvokeFunction", &of("lambda", "function:f:*"));
    let with = |on: &str| ended(&statement, None, "lambda:InvokeFunction", on);
    let warning = format!(
        "ringfence: warning: guard rail `r`: `lambda:InvokeFunction` acts upon versions and aliases \
         of `{arn}` too, which are not among the resources; write `{arn}:*` beside it\n"
    );
    assert_eq!(with(&arn), ("proved".to_owned(), String::new(), warning));
    let (verdict, _, warnings) = with(&format!("{arn}:*"));
    assert_eq!((&*verdict, &*warnings), ("violated", ""));
}

/// What AWS chooses may be of a form, or not.
#[rstest]
#[case::all_keys("*", "violated")]
#[case::by_its_form("????????-????-????-????-????????????", "undecided")]
#[case::by_a_part("0*", "undecided")]
#[case::of_several_regions("mrk-*", "proved")]
#[case::another_key("1234abcd-12ab-34cd-56ef-1234567890ab", "proved")]
fn an_id_that_aws_has_not_chosen_is_not_told_apart(#[case] id: &str, #[case] verdict: &str) {
    let trust = document(&[json!({"Effect": "Allow", "Action": "kms:*", "Resource": "*",
        "Principal": {"AWS": iam("root")}})]);
    let key = change(
        "aws_kms_key.k",
        json!({"multi_region": false, "policy": trust}),
        json!({"arn": true, "key_id": true, "id": true}),
    );
    let entry = format!("arn:aws:kms:*:*:key/{id}");
    let (found, why, _) =
        ended(&allow("kms:Decrypt", &entry), Some(key), "kms:Decrypt", "aws_kms_key.k");
    assert_eq!(found, verdict);
    let is_told = why.contains(&format!("tells ids apart by a part of them (`{entry}`)"));
    assert_eq!(is_told, verdict == "undecided", "{why}");
}

/// A `*` goes on over colons, and no name has one.
#[rstest]
#[case("sqs:SendMessage", "sqs:*:{}:*")]
#[case("dynamodb:PutItem", "dynamodb:*:{}:table/*")]
#[case("kms:Decrypt", "kms:*:{}:key/*")]
#[case("secretsmanager:GetSecretValue", "secretsmanager:*:{}:secret:*")]
fn no_resource_has_a_colon_in_its_name(#[case] action: &str, #[case] form: &str) {
    let arn = |account: &str| format!("arn:aws:{}", form.replace("{}", account));
    let statement = allow(action, &arn("123456789012"));
    assert_eq!(ended(&statement, None, action, &arn("999999999999")).0, "proved");
    let own = arn("123456789012");
    // A key's own policy, which is not in the files, must let somebody in too.
    if action != "kms:Decrypt" {
        assert_eq!(ended(&statement, None, action, &own).0, "violated");
    }
}

/// AWS's documentation lets service-linked roles be deleted under the key of those that are made.
#[rstest]
#[case("iam:DeleteServiceLinkedRole", "violated")]
#[case("iam:DeleteRole", "proved")]
fn who_may_delete_a_service_linked_role(#[case] action: &str, #[case] verdict: &str) {
    let on = "arn:aws:iam::*:role/aws-service-role/elasticache.amazonaws.com/*";
    let mut statement = allow(action, on);
    statement["Condition"] =
        json!({"StringLike": {"iam:AWSServiceName": "elasticache.amazonaws.com"}});
    assert_eq!(ended(&statement, None, action, on).0, verdict);
}
