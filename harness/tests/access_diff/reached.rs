//! Whom others come to act as since its ARN is another, and who is made anew under its own.

use rstest::rstest;
use serde_json::{Value, json};

use super::gains::{allow, arn, bucket_policy, document, gained, of, role, role_of, state, user};
use super::{ACCOUNT, diff, said};

fn on(action: &str, resource: &str) -> Value {
    let mut own = allow(action);
    own["Resource"] = json!(arn(resource));
    own
}

fn own(of_role: &str, statements: &[Value]) -> Value {
    let values = json!({"name": "p", "role": of_role, "policy": document(statements)});
    of("aws_iam_role_policy", of_role, values)
}

/// A role with a policy, which some let take it.
fn with_trust(name: &str, path: &str, whom: &Value) -> Vec<Value> {
    let mut role = role_of(ACCOUNT, path, name);
    let trust = json!({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": whom});
    role["values"]["assume_role_policy"] = json!(document(&[trust]));
    vec![role, own(name, &[allow("s3:*")])]
}

fn deployer(statements: &[Value]) -> Vec<Value> {
    vec![role("d"), own("d", statements)]
}

fn service() -> Value {
    json!({"Service": "lambda.amazonaws.com"})
}

/// What is told of `role/d` where `x` of one side is `app-x` on the other.
fn renamed(statements: &[Value], whom: &Value) -> (String, String) {
    let side = |name: &str| [deployer(statements), with_trust(name, "/", whom)].concat();
    gained("role/d", &side("x"), &side("app-x"))
}

#[rstest]
#[case::handed_over(&[on("iam:PassRole", "role/app-*")], service(), Some("iam:PassRole"))]
#[case::taken(
    &[on("sts:AssumeRole", "role/app-*")],
    json!({"AWS": arn("root")}),
    Some("sts:AssumeRole")
)]
#[case::let_in_by_itself(
    &[on("iam:UpdateAssumeRolePolicy", "role/app-*")],
    service(),
    Some("iam:UpdateAssumeRolePolicy")
)]
#[case::under_another_pattern(&[on("iam:PassRole", "role/other-*")], service(), None)]
#[case::by_another_action(&[on("iam:GetRole", "role/app-*")], service(), None)]
#[case::as_before(&[on("iam:PassRole", "role/*")], service(), None)]
#[case::to_no_service(&[on("iam:PassRole", "role/app-*")], json!({"AWS": arn("root")}), None)]
#[case::who_is_not_let_in(&[on("sts:AssumeRole", "role/app-*")], service(), None)]
#[case::who_may_do_as_much(
    &[on("iam:PassRole", "role/app-*"), allow("s3:*")],
    service(),
    None
)]
#[case::who_is_denied(
    &[on("iam:PassRole", "role/app-*"), {
        let mut denied = on("iam:PassRole", "role/app-x");
        denied["Effect"] = json!("Deny");
        denied
    }],
    service(),
    None
)]
fn a_role_that_falls_under_a_pattern_is_reached(
    #[case] statements: &[Value],
    #[case] whom: Value,
    #[case] by: Option<&str>,
) {
    let (found, why) = renamed(statements, &whom);
    let told = by.map(|action| {
        format!(
            "`role/d` may take `{action}` on `role/app-x`, whose ARN is another on each side, or \
             on one alone: what that gives it is not compared"
        )
    });
    assert_eq!(found, if by.is_some() { "undecided" } else { "nothing" }, "{why}");
    assert_eq!(why, told.unwrap_or_default());
}

/// To another path, too; and what could be reached before is lost.
#[test]
fn a_role_that_moves_under_a_pattern_is_reached() {
    let side = |path: &str| {
        let pattern = on("iam:PassRole", "role/app/*");
        [deployer(&[pattern]), with_trust("x", path, &service())].concat()
    };
    assert_eq!(gained("role/d", &side("/"), &side("/app/")).0, "undecided");
    assert_eq!(gained("role/d", &side("/app/"), &side("/app/")).0, "nothing");
    let (_, told) = diff(&state(&side("/app/")), &state(&side("/")));
    let told = said(&told, "role/d");
    assert_eq!((&told["gained"], &told["lost"]), (&json!("nothing"), &json!("undecided")));
}

#[rstest]
#[case("/app/", "undecided")]
#[case("/other/", "nothing")]
fn a_user_that_moves_under_a_pattern_is_reached(#[case] path: &str, #[case] expected: &str) {
    let side = |path: &str| {
        let values = json!({"name": "p", "user": "u", "policy": document(&[allow("s3:*")])});
        let of_user = [user(path, &json!({})), of("aws_iam_user_policy", "u", values)];
        [deployer(&[on("iam:CreateAccessKey", "user/app/*")]), of_user.to_vec()].concat()
    };
    let (found, why) = gained("role/d", &side("/"), &side(path));
    assert_eq!(found, expected, "{why}");
}

/// Of a role that is made anew a policy that stays has the id that it had.
#[rstest]
#[case::allowed(json!({"Effect": "Allow", "Principal": {"AWS": arn("role/a")}}), true, ["nothing", "undecided"])]
#[case::denied(json!({"Effect": "Deny", "Principal": {"AWS": arn("role/a")}}), true, ["undecided", "nothing"])]
#[case::another(json!({"Effect": "Deny", "Principal": {"AWS": arn("role/b")}}), true, ["nothing", "nothing"])]
#[case::the_account(json!({"Effect": "Allow", "Principal": {"AWS": arn("root")}}), true, ["nothing", "nothing"])]
#[case::not_made_anew(json!({"Effect": "Deny", "Principal": {"AWS": arn("role/a")}}), false, ["nothing", "nothing"])]
fn whom_a_policy_names_may_be_made_anew(
    #[case] statement: Value,
    #[case] is_anew: bool,
    #[case] expected: [&str; 2],
) {
    let mut statement = statement;
    statement["Action"] = json!("s3:GetObject");
    statement["Resource"] = json!("arn:aws:s3:::b/*");
    let all = [role("a"), bucket_policy(&[statement])];
    let change = |one: &Value, actions: &[&str], unknown: Value| {
        let mut changed = one.clone();
        let values = &one["values"];
        changed["change"] = json!({"actions": actions, "before": values, "after": values,
            "after_unknown": unknown});
        changed.as_object_mut().unwrap().remove("values");
        changed
    };
    let [of_role, of_bucket] = &all;
    let changes = [
        match is_anew {
            true => change(of_role, &["delete", "create"], json!({"id": true, "unique_id": true})),
            false => change(of_role, &["no-op"], json!({})),
        },
        change(of_bucket, &["no-op"], json!({})),
    ];
    let plan = json!({"format_version": "1.2", "resource_changes": changes});
    let (code, told) = diff(&state(&all), &plan);
    let role = said(&told, "role/a");
    assert_eq!(["gained", "lost"].map(|side| role[side].clone()), expected.map(|one| json!(one)));
    assert_eq!(code, Some(i32::from(expected[0] != "nothing")));
    if expected != ["nothing"; 2] {
        let why = "`aws_s3_bucket_policy.b` names `role/a`, which is made anew, and AWS keeps the \
                   id of the one that was: whether it means the new one is not known";
        assert_eq!(role["reason"], why);
    }
}
