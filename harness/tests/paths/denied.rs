//! What the policies of resources deny, and sessions that users federate.

use ringfence::proof::paths::Found;
use rstest::rstest;
use serde_json::{Value, json};

use super::handed::{role, to, way};
use super::{allow, document, found, gains, iam, regional, resource, trust};

/// A project of `CodeBuild` that runs as the victim.
fn project() -> Value {
    let arn = regional("codebuild", "project/p");
    let values = json!({"name": "p", "arn": arn, "service_role": iam("role/victim")});
    resource("aws_codebuild_project", "p", values)
}

/// What a project's policy says to starting builds.
fn deny(whom: &Value, actions: &str) -> Value {
    json!({"Effect": "Deny", "Principal": whom, "Action": actions,
        "Resource": regional("codebuild", "project/p")})
}

fn policy_of(project: Option<&str>, statement: &Value) -> Value {
    let policy = document(std::slice::from_ref(statement));
    let arn = project.map(|name| regional("codebuild", &format!("project/{name}")));
    let mut values = json!({"policy": policy});
    if let Some(arn) = arn {
        values["resource_arn"] = json!(arn);
    }
    resource("aws_codebuild_resource_policy", "p", values)
}

/// Who may start builds, beside what else there is.
fn starting(more: &[Value]) -> Found {
    let all = [vec![project()], more.to_vec()].concat();
    to("codebuild.amazonaws.com", &allow(&["codebuild:StartBuild"]), &all)
}

#[rstest]
#[case::everybody(json!("*"), "codebuild:*", "p", None)]
#[case::the_account(json!({"AWS": iam("root")}), "codebuild:StartBuild", "p", None)]
#[case::itself(json!({"AWS": iam("role/attacker")}), "codebuild:StartBuild", "p", None)]
#[case::another(json!({"AWS": iam("role/victim")}), "codebuild:StartBuild", "p", Some(""))]
#[case::another_action(json!("*"), "codebuild:StopBuild", "p", Some(""))]
#[case::of_another_project(json!("*"), "codebuild:*", "q", Some(""))]
fn what_a_resource_denies_is_no_way(
    #[case] whom: Value,
    #[case] actions: &str,
    #[case] of: &str,
    #[case] expected: Option<&str>,
) {
    assert_eq!(way(&starting(&[])).as_deref(), Some(""));
    let policy = policy_of(Some(of), &deny(&whom, actions));
    assert_eq!(way(&starting(&[policy])).as_deref(), expected);
}

/// Of which project it is, nobody knows.
#[test]
fn what_may_deny_leaves_a_way_undecided() {
    let policy = policy_of(None, &deny(&json!("*"), "codebuild:*"));
    let why = "role/attacker: all else allows `codebuild:StartBuild` on \
               `aws_codebuild_project.p`, and what all `aws_codebuild_resource_policy.p` denies \
               is not known";
    assert_eq!(way(&starting(&[policy])).as_deref(), Some(why));
}

/// Whoever acts as somebody that may change the policy takes its Denies away.
#[rstest]
#[case::itself(&["codebuild:StartBuild", "codebuild:DeleteResourcePolicy"], &[], true)]
#[case::whom_it_comes_to(&["codebuild:StartBuild", "sts:AssumeRole"], &["codebuild:Put*"], true)]
#[case::whom_it_does_not_come_to(&["codebuild:StartBuild"], &["codebuild:Put*"], false)]
#[case::nobody(&["codebuild:StartBuild", "sts:AssumeRole"], &["codebuild:List*"], false)]
fn a_deny_that_somebody_may_take_away(
    #[case] own: &[&str],
    #[case] of_helper: &[&str],
    #[case] is_undecided: bool,
) {
    let helper = [
        role("helper", &trust(&json!({"AWS": iam("root")}))),
        resource(
            "aws_iam_role_policy",
            "helper",
            json!({"role": "helper", "policy": allow(of_helper)}),
        ),
    ];
    let helper = if of_helper.is_empty() { Vec::new() } else { helper.to_vec() };
    let policy = policy_of(Some("p"), &deny(&json!("*"), "codebuild:StartBuild"));
    let all = [vec![project(), policy], helper].concat();
    let why = "role/attacker: all else allows `codebuild:StartBuild` on \
               `aws_codebuild_project.p`, and `aws_codebuild_resource_policy.p` denies it, and \
               may be changed first";
    let found = to("codebuild.amazonaws.com", &allow(own), &all);
    assert_eq!(way(&found).as_deref(), is_undecided.then_some(why));
}

/// A policy that stands in the bucket itself is one of its.
#[rstest]
#[case::of_its_policy("s3:*BucketPolicy", false)]
#[case::of_objects("s3:GetObject", true)]
fn what_a_buckets_own_policy_denies_is_no_way(#[case] denied: &str, #[case] is_changed: bool) {
    let statement = json!({"Effect": "Deny", "Principal": "*", "Action": denied,
        "Resource": ["arn:aws:s3:::b", "arn:aws:s3:::b/*"]});
    let policy = document(&[statement]);
    let bucket = json!({"bucket": "b", "arn": "arn:aws:s3:::b", "policy": policy});
    let bucket = resource("aws_s3_bucket", "b", bucket);
    let found = to("sns.amazonaws.com", &allow(&["s3:PutBucketPolicy"]), &[bucket]);
    let gain = ("bucket policy", "aws_s3_bucket.b".to_owned());
    assert_eq!(gains(&found, "role/attacker").contains(&gain), is_changed);
}

/// A user whose own policies keep itself from what they let a session of its do.
fn federating(more: &[&str], key: &str, value: &str) -> Found {
    let actions = [vec!["iam:UpdateAssumeRolePolicy"], more.to_vec()].concat();
    let own = document(&[
        json!({"Effect": "Allow", "Action": actions, "Resource": "*"}),
        json!({"Effect": "Deny", "Action": "iam:*", "Resource": "*",
            "Condition": {"StringEquals": {key: value}}}),
    ]);
    found(&[
        resource("aws_iam_user", "u", json!({"name": "u", "arn": iam("user/u"), "path": "/"})),
        resource("aws_iam_user_policy", "u", json!({"name": "p", "user": "u", "policy": own})),
        role("victim", &trust(&json!({"AWS": iam("role/nobody")}))),
    ])
}

#[rstest]
#[case::who_federates(&["sts:GetFederationToken"], "aws:username", "u", true)]
#[case::who_does_not(&[], "aws:username", "u", false)]
#[case::of_both(&["sts:GetFederationToken"], "aws:PrincipalAccount", "123456789012", false)]
fn a_session_that_a_user_federates_is_followed(
    #[case] more: &[&str],
    #[case] key: &str,
    #[case] value: &str,
    #[case] is_found: bool,
) {
    let found = federating(more, key, value);
    let gain = ("trust policy", "role/victim".to_owned());
    assert_eq!(gains(&found, "user/u").contains(&gain), is_found);
    let source = found.sources.iter().find(|one| one.name == "user/u").unwrap();
    let path = source.paths.iter().find(|path| path.gain == "trust policy");
    let last = path.and_then(|path| path.steps.last()?.requests.last());
    let own = "statement 1 of `aws_iam_user_policy.u`".to_owned();
    let who = last.map(|request| (request.who.as_str(), request.allowed_by.contains(&own)));
    assert_eq!(who, is_found.then_some(("user/u as federated-user/x", true)));
}

/// Whoever takes a role chooses the session's name, and so one that a Deny leaves out.
#[rstest]
#[case::the_role_alone(&[], false)]
#[case::a_session_of_it(&["attacker/run"], true)]
#[case::a_session_of_another(&["other/run"], false)]
fn a_session_that_a_deny_leaves_out_is_a_way(#[case] sessions: &[&str], #[case] is_changed: bool) {
    let session = |name: &&str| format!("arn:aws:sts::123456789012:assumed-role/{name}");
    let role = vec![iam("role/attacker")];
    let whom = [role, sessions.iter().map(session).collect()].concat();
    let statement = json!({"Effect": "Deny", "NotPrincipal": {"AWS": whom}, "Action": "s3:*",
        "Resource": ["arn:aws:s3:::b", "arn:aws:s3:::b/*"]});
    let bucket = resource("aws_s3_bucket", "b", json!({"bucket": "b", "arn": "arn:aws:s3:::b"}));
    let policy = json!({"bucket": "b", "policy": document(&[statement])});
    let policy = resource("aws_s3_bucket_policy", "b", policy);
    let found = to("sns.amazonaws.com", &allow(&["s3:PutBucketPolicy"]), &[bucket, policy]);
    let gain = ("bucket policy", "aws_s3_bucket.b".to_owned());
    assert_eq!(gains(&found, "role/attacker").contains(&gain), is_changed);
}
