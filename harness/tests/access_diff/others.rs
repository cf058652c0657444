//! What hangs on policies of others: keys, roles and what other accounts have, whose policies must
//! let in, and whoever is not in the files, whose own policies may allow something.

use rstest::rstest;
use serde_json::{Value, json};

use super::ACCOUNT;
use super::gains::{
    allow, arn, bucket_policy, deny, document, gained, of, policy, role, sides, user,
};

/// What is acted upon.
fn on(action: &str, resource: &str) -> Value {
    let mut own = allow(action);
    own["Resource"] = json!(resource);
    own
}

/// A statement about somebody, in the policy of a resource.
fn about(effect: &str, who: &str, action: &str) -> Value {
    json!({"Effect": effect, "Principal": {"AWS": arn(who)}, "Action": action, "Resource": "*"})
}

fn key(statements: &[Value]) -> Value {
    let values = json!({"key_id": "k", "arn": format!("arn:aws:kms:eu-west-1:{ACCOUNT}:key/k"),
        "policy": document(statements)});
    of("aws_kms_key", "k", values)
}

fn trust(statements: &[Value]) -> Value {
    let mut role = role("b");
    let mut all = statements.to_vec();
    for one in &mut all {
        one.as_object_mut().unwrap().remove("Resource");
    }
    role["values"]["assume_role_policy"] = json!(document(&all));
    role
}

/// The policy of a key, and that of another account's resource, may let the account in.
#[rstest]
#[case::a_key("kms:Decrypt", "arn:aws:kms:eu-west-1:123456789012:key/k")]
#[case::a_key_of_another_account("kms:Decrypt", "arn:aws:kms:eu-west-1:999999999999:key/k")]
#[case::a_queue_of_another_account("sqs:SendMessage", "arn:aws:sqs:eu-west-1:999999999999:q")]
#[case::a_role("sts:AssumeRole", "arn:aws:iam::999999999999:role/x")]
fn what_others_must_let_in_to_is_compared(#[case] action: &str, #[case] resource: &str) {
    let own = allow("sqs:ListQueues");
    let old = [role("a"), policy("a", std::slice::from_ref(&own))];
    let new = [role("a"), policy("a", &[own, on(action, resource)])];
    let (found, why) = gained("role/a", &old, &new);
    assert_eq!(found, "something", "{why}");
    assert_eq!(gained("role/a", &new, &old).0, "nothing");
    assert_eq!(gained("role/a", &new, &new).0, "nothing");
}

/// A Deny of a key's or a role's policy keeps out whom it names.
#[rstest]
#[case::a_key(key, "aws_kms_key.k", "kms:Decrypt")]
#[case::a_role(trust, "trust of role/b", "sts:AssumeRole")]
fn whom_a_key_or_a_role_denies_no_more_gains(
    #[case] resource: fn(&[Value]) -> Value,
    #[case] name: &str,
    #[case] action: &str,
) {
    let with = |statements: &[Value]| {
        let all = [vec![about("Allow", "root", action)], statements.to_vec()].concat();
        [role("a"), policy("a", &[allow(action)]), resource(&all)]
    };
    let denied = |who: &str| with(&[about("Deny", who, action)]);
    assert_eq!(sides("role/a", &denied("role/a"), &with(&[])), ["something", "nothing"]);
    assert_eq!(sides("role/a", &denied("role/c"), &with(&[])), ["nothing", "nothing"]);
    // Who is not in the files may have policies.
    assert_eq!(sides(name, &denied("role/c"), &with(&[])), ["undecided", "nothing"]);
    assert_eq!(sides(name, &with(&[]), &with(&[])), ["nothing", "nothing"]);
}

/// What an identity's own Deny, or its boundary, kept back the policy of a bucket may allow.
#[rstest]
#[case::it("role/a", "something")]
#[case::another("role/c", "nothing")]
fn whom_a_bucket_lets_in_gains_what_its_own_policies_deny_no_more(
    #[case] whom: &str,
    #[case] expected: &str,
) {
    let bucket = bucket_policy(&[about("Allow", whom, "s3:PutObject")]);
    let lists = allow("sqs:ListQueues");
    let with = |more: &[Value]| {
        let own = [std::slice::from_ref(&lists), more].concat();
        [role("a"), policy("a", &own), bucket.clone()]
    };
    let denied = with(&[deny("s3:PutObject")]);
    assert_eq!(sides("role/a", &denied, &with(&[])), [expected, "nothing"]);
    assert_eq!(sides("role/a", &with(&[]), &denied), ["nothing", expected]);
    assert_eq!(sides("role/a", &with(&[]), &with(&[])), ["nothing", "nothing"]);
    // What it was denied besides is not what it may do.
    assert_eq!(sides("role/a", &with(&[deny("s3:GetObject")]), &with(&[]))[0], "nothing");
}

/// Whoever is in the files is compared by itself.
#[test]
fn whom_a_bucket_denies_no_more_may_gain() {
    let with = |more: &[Value], denied: bool| {
        let deny = denied.then(|| about("Deny", "role/c", "s3:PutObject"));
        let mut all: Vec<Value> = [about("Allow", "root", "s3:PutObject")].into();
        all.extend(deny);
        for one in &mut all {
            one["Resource"] = json!("arn:aws:s3:::b/*");
        }
        [vec![role("a"), bucket_policy(&all)], more.to_vec()].concat()
    };
    let name = "aws_s3_bucket_policy.b";
    let (found, why) = gained(name, &with(&[], true), &with(&[], false));
    assert_eq!(found, "undecided");
    let told = format!(
        "(as `arn:aws:sts::{ACCOUNT}:assumed-role/c/x`), and policies of who asks may allow it"
    );
    assert!(
        why.starts_with("one side alone keeps back `s3:PutObject` on ") && why.ends_with(&told),
        "{why}"
    );
    assert_eq!(gained(name, &with(&[], false), &with(&[], true)).0, "nothing");
    let own = [role("c")];
    assert_eq!(gained(name, &with(&own, true), &with(&own, false)).0, "nothing");
    assert_eq!(gained("role/c", &with(&own, true), &with(&own, false)).0, "nothing");
    let own = [role("c"), policy("c", &[allow("s3:*")])];
    assert_eq!(gained(name, &with(&own, true), &with(&own, false)).0, "nothing");
    assert_eq!(gained("role/c", &with(&own, true), &with(&own, false)).0, "something");
}

/// Where a key's policy lets in the account, the account's policies allow its use.
#[test]
fn a_key_that_leaves_its_use_to_the_account_may_be_used() {
    let all = about("Allow", "root", "kms:*");
    let mut of_root = all.clone();
    of_root["Condition"] = json!({"StringEquals": {"aws:PrincipalType": "Account"}});
    let (old, new) = ([role("a"), key(&[of_root])], [role("a"), key(&[all])]);
    assert_eq!(sides("aws_kms_key.k", &old, &new), ["undecided", "nothing"]);
}

/// An id may be of somebody who is in no file.
#[test]
fn whom_a_policy_names_by_an_id_is_not_known() {
    const ID: &str = "AIDAIOSFODNN7EXAMPLE";
    let service = json!({"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"},
        "Action": "sts:AssumeRole"});
    let by_id = json!({"Effect": "Allow", "Principal": {"AWS": ID}, "Action": "sts:AssumeRole"});
    let (old, new) = ([trust(std::slice::from_ref(&service))], [trust(&[service, by_id])]);
    let name = "trust of role/b";
    let (found, why) = gained(name, &old, &new);
    assert_eq!(found, "undecided");
    assert_eq!(why, format!("whom one side alone names by the id `{ID}` is not known"));
    assert_eq!(gained(name, &new, &old).0, "nothing");
    // One of the files is told by its ARN.
    let mut own = user("/", &json!({}));
    own["values"]["unique_id"] = json!(ID);
    let with = |all: &[Value]| [all, &[own.clone()]].concat();
    assert_eq!(gained(name, &with(&old), &with(&new)).0, "something");
}
