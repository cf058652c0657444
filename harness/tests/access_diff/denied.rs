//! What the policies of resources deny identities, and sessions that users federate.

use rstest::rstest;
use serde_json::{Value, json};

use super::gains::{
    allow, arn, bucket_policy, deny, document, gained, of, of_anybody, policy, role, sides, state,
    user,
};
use super::{ask, diff, in_files, said};

/// What a bucket's policy denies of writing objects of `b`.
fn denies(more: &Value) -> Value {
    let mut statement = of_anybody(deny("s3:PutObject"));
    statement["Resource"] = json!("arn:aws:s3:::b/*");
    statement.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    bucket_policy(&[statement])
}

/// May write the objects of `b`.
fn writes() -> Value {
    let mut own = allow("s3:PutObject");
    own["Resource"] = json!("arn:aws:s3:::b/*");
    own
}

fn writing() -> Value {
    policy("a", &[writes()])
}

/// A policy without any use here, so that the role has one on both sides.
fn reading() -> Value {
    policy("a", &[allow("sqs:ListQueues")])
}

#[rstest]
#[case::everybody(json!({}), "nothing")]
#[case::itself(json!({"Principal": {"AWS": arn("role/a")}}), "nothing")]
#[case::another(json!({"Principal": {"AWS": arn("role/c")}}), "something")]
#[case::another_action(json!({"Action": "s3:GetObject"}), "something")]
#[case::other_objects(json!({"Resource": "arn:aws:s3:::b/x/*"}), "something")]
#[case::of_another_bucket(json!({"Resource": "arn:aws:s3:::c/*"}), "something")]
fn what_a_resource_denies_on_both_sides_is_no_gain(#[case] more: Value, #[case] expected: &str) {
    let bucket = denies(&more);
    let old = [role("a"), reading(), bucket.clone()];
    let new = [role("a"), policy("a", &[allow("sqs:ListQueues"), writes()]), bucket];
    let (found, why) = gained("role/a", &old, &new);
    assert_eq!(found, expected, "{why}");
}

/// Who is one of a group is somebody: what everybody is denied it is, and what some are, it may
/// not be.
#[rstest]
#[case::everybody(json!({}), false)]
#[case::everybody_in_a_list(json!({"Principal": {"AWS": ["*"]}}), false)]
#[case::another(json!({"Principal": {"AWS": arn("user/c")}}), true)]
#[case::all_but_one(json!({"Principal": null, "NotPrincipal": {"AWS": arn("user/c")}}), true)]
#[case::other_objects(json!({"Resource": "arn:aws:s3:::b/x/*"}), true)]
fn what_everybody_is_denied_no_group_can(#[case] more: Value, #[case] can: bool) {
    let group = json!({"name": "g", "path": "/", "arn": arn("group/g")});
    let own = json!({"name": "p", "group": "g", "policy": document(&[writes()])});
    let own = of("aws_iam_group_policy", "p", own);
    let mut bucket = denies(&json!({}));
    let policy: Value = serde_json::from_str(bucket["values"]["policy"].as_str().unwrap()).unwrap();
    let mut statement = policy["Statement"][0].clone();
    let members = statement.as_object_mut().unwrap();
    members.extend(more.as_object().unwrap().clone());
    members.retain(|_, value| !value.is_null());
    bucket["values"]["policy"] = json!(document(&[statement]));
    let group = of("aws_iam_group", "g", group);
    let directory = in_files(&[("state.json", &state(&[group, own, bucket]))]);
    let asked = ["who-can", "s3:PutObject", "arn:aws:s3:::b/a", "--state", "state.json"];
    let (code, who, error) = ask(directory.path(), &asked);
    assert_eq!((code, error.as_str()), (Some(i32::from(can)), ""), "{who}");
    let (_, what, _) = ask(directory.path(), &["what-can", "group/g", "--state", "state.json"]);
    assert_eq!(what.contains("`s3:PutObject` on `arn:aws:s3:::b/"), can, "{what}");
}

/// Both ways: one that is gone is a gain of whom it kept out.
#[rstest]
#[case::everybody(json!({}), ["something", "nothing"], "something")]
#[case::itself(json!({"Principal": {"AWS": arn("role/a")}}), ["something", "nothing"], "something")]
#[case::another(json!({"Principal": {"AWS": arn("role/c")}}), ["nothing", "nothing"], "nothing")]
#[case::another_action(json!({"Action": "s3:GetObject"}), ["nothing", "nothing"], "nothing")]
fn a_deny_that_is_gone_is_a_gain_of_whom_it_kept_out(
    #[case] more: Value,
    #[case] expected: [&str; 2],
    #[case] lost: &str,
) {
    let (with, without) = ([role("a"), writing(), denies(&more)], [role("a"), writing()]);
    assert_eq!(sides("role/a", &with, &without), expected);
    let (_, told) = diff(&state(&without), &state(&with));
    assert_eq!(said(&told, "role/a")["lost"], lost);
}

/// Whoever has a boundary is denied by a Deny of all but itself.
#[rstest]
#[case::denied(true, "something")]
#[case::not_denied(false, "nothing")]
fn a_boundary_that_is_gone_lifts_a_deny(#[case] is_denied: bool, #[case] expected: &str) {
    let everything = json!({"name": "b", "path": "/", "arn": arn("policy/b"),
        "policy": document(&[allow("*")])});
    let own = json!({"name": "p", "user": "u", "policy": document(&[writes()])});
    let same =
        [of("aws_iam_policy", "b", everything), of("aws_iam_user_policy", "p", own)].to_vec();
    let mut bounded = user("/", &json!({}));
    bounded["values"]["permissions_boundary"] = json!(arn("policy/b"));
    let others = json!({"Effect": "Deny", "NotPrincipal": {"AWS": arn("user/u")},
        "Action": "s3:PutObject", "Resource": "arn:aws:s3:::b/*"});
    let others: Vec<Value> = is_denied.then(|| bucket_policy(&[others])).into_iter().collect();
    let old = [vec![bounded], same.clone(), others.clone()].concat();
    let new = [vec![user("/", &json!({}))], same, others].concat();
    let (found, why) = gained("user/u", &old, &new);
    assert_eq!(found, expected, "{why}");
}

/// Of which bucket a policy is, nobody knows.
#[test]
fn what_a_resource_may_deny_leaves_a_gain_undecided() {
    let mut unknown = denies(&json!({}));
    unknown["values"].as_object_mut().unwrap().remove("bucket");
    let old = [role("a"), reading(), unknown.clone()];
    let new = [role("a"), policy("a", &[allow("sqs:ListQueues"), writes()]), unknown.clone()];
    let (found, why) = gained("role/a", &old, &new);
    assert_eq!(found, "undecided");
    assert!(
        why.starts_with("all else allows `s3:PutObject` on `arn:aws:s3:::b/")
            && why.ends_with("and what all `aws_s3_bucket_policy.b` denies is not known"),
        "{why}"
    );
    // On one side alone.
    let (with, without) = ([role("a"), writing(), unknown], [role("a"), writing()]);
    let (found, why) = gained("role/a", &with, &without);
    assert_eq!(found, "undecided");
    assert!(
        why.starts_with("one side alone may keep back `s3:PutObject` on `arn:aws:s3:::b/")
            && why.ends_with("what all `aws_s3_bucket_policy.b` denies is not known"),
        "{why}"
    );
}

/// A user who may federate sessions, or may not.
fn federating(is_federating: bool, condition: Option<Value>) -> Vec<Value> {
    let mut own = vec![allow("s3:PutObject"), deny("s3:*")];
    if let (Some(deny), Some(condition)) = (own.last_mut(), condition) {
        deny["Condition"] = condition;
    }
    own.extend(is_federating.then(|| allow("sts:GetFederationToken")));
    let own = json!({"name": "p", "user": "u", "policy": document(&own)});
    vec![user("/", &json!({})), of("aws_iam_user_policy", "p", own)]
}

fn when(key: &str, value: &str) -> Option<Value> {
    Some(json!({"StringEquals": {key: value}}))
}

#[rstest]
#[case::of_the_user(true, "aws:username", "u", "something")]
#[case::who_does_not_federate(false, "aws:username", "u", "nothing")]
#[case::of_the_account(true, "aws:PrincipalAccount", "123456789012", "nothing")]
fn what_a_session_may_do_that_its_user_may_not_is_a_gain(
    #[case] is_federating: bool,
    #[case] key: &str,
    #[case] value: &str,
    #[case] expected: &str,
) {
    let old = federating(is_federating, None);
    let new = federating(is_federating, when(key, value));
    assert_eq!(sides("user/u", &old, &new), [expected, "nothing"]);
    let (_, told) = diff(&state(&old), &state(&new));
    let by = &said(&told, "user/u")["allowed_now"]["principal"];
    let session = json!("arn:aws:sts::123456789012:federated-user/x");
    assert_eq!(*by, if expected == "something" { session } else { Value::Null });
}

/// A bucket's policy may tell a session from its user, too.
#[rstest]
#[case::users("arn:aws:iam::*:user/*", "something")]
#[case::everybody("arn:*:*:*:*:*", "nothing")]
#[case::itself_alone("arn:aws:iam::*:user/u", "something")]
fn what_a_resource_denies_a_user_alone_is_a_gain_of_its_sessions(
    #[case] pattern: &str,
    #[case] expected: &str,
) {
    let own = [writes(), allow("sts:GetFederationToken")];
    let own = json!({"name": "p", "user": "u", "policy": document(&own)});
    let own = [user("/", &json!({})), of("aws_iam_user_policy", "p", own)];
    let denied = json!({"Condition": {"ArnLike": {"aws:PrincipalArn": pattern}}});
    let old = [own.to_vec(), vec![denies(&json!({}))]].concat();
    let new = [own.to_vec(), vec![denies(&denied)]].concat();
    let (found, why) = gained("user/u", &old, &new);
    assert_eq!(found, expected, "{why}");
}
