//! What blocks of public access keep back of public policies of buckets.

use std::fs;

use rstest::rstest;
use serde_json::{Value, json};

use super::{ACCOUNT, ask, diff, in_files, plan, said};

const OTHER: &str = "111111111111";
const KIND: &str = "aws_s3_bucket_public_access_block";
const OF_ACCOUNT: &str = "aws_s3_account_public_access_block";

fn of(kind: &str, name: &str, values: Value) -> Value {
    json!({"address": format!("{kind}.{name}"), "mode": "managed", "type": kind, "name": name,
        "values": values})
}

fn state(resources: &[Value]) -> Value {
    json!({"format_version": "1.0", "values": {"root_module": {"resources": resources}}})
}

fn document(statements: &[Value]) -> String {
    json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}

/// A role of an account, which its file is of.
fn role(name: &str, account: &str) -> Value {
    let trust = document(&[json!({"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"Service": "lambda.amazonaws.com"}})]);
    let arn = format!("arn:aws:iam::{account}:role/{name}");
    of("aws_iam_role", name, json!({"name": name, "arn": arn, "assume_role_policy": trust}))
}

/// Lets everybody read, and another account write.
fn statements() -> [Value; 2] {
    let on = "arn:aws:s3:::b/*";
    let root = format!("arn:aws:iam::{OTHER}:root");
    [
        json!({"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": on}),
        json!({"Effect": "Allow", "Principal": {"AWS": root}, "Action": "s3:PutObject",
            "Resource": on}),
    ]
}

fn policy(statements: &[Value]) -> Value {
    json!({"bucket": "b", "policy": document(statements)})
}

/// What is told of the policy of the bucket, where an action is asked about.
fn told(files: &[(&str, &Value)], action: &str) -> Option<String> {
    let directory = in_files(files);
    let named: Vec<&str> = files.iter().map(|(name, _)| *name).collect();
    let flag = if named[0] == "plan.json" { "--plan" } else { "--state" };
    let asked = ["who-can", action, "arn:aws:s3:::b/x", flag, named[0]];
    let (_, told, error) = ask(directory.path(), &asked);
    assert_eq!(error, "");
    let line = told.lines().find_map(|line| line.strip_prefix("aws_s3_bucket_policy.b: "));
    line.map(str::to_owned)
}

fn restricts(bucket: &str, is_on: bool) -> Value {
    json!({"bucket": bucket, "restrict_public_buckets": is_on, "block_public_policy": true,
        "ignore_public_acls": true, "block_public_acls": true})
}

/// A block keeps a public policy to the account of the bucket, what it says of others too.
#[rstest]
#[case::none(None, false)]
#[case::of_the_bucket(Some((KIND, restricts("b", true))), true)]
#[case::that_does_not_restrict(Some((KIND, restricts("b", false))), false)]
#[case::of_another_bucket(Some((KIND, restricts("c", true))), false)]
#[case::of_the_account(
    Some((OF_ACCOUNT, json!({"account_id": ACCOUNT, "restrict_public_buckets": true}))),
    true
)]
#[case::of_its_own_account(Some((OF_ACCOUNT, json!({"restrict_public_buckets": true}))), true)]
#[case::of_another_account(
    Some((OF_ACCOUNT, json!({"account_id": OTHER, "restrict_public_buckets": true}))),
    false
)]
fn a_public_policy_lets_in_the_own_account_alone(
    #[case] block: Option<(&str, Value)>,
    #[case] is_restricted: bool,
) {
    let with = |statements: &[Value]| {
        let mut all =
            vec![role("app", ACCOUNT), of("aws_s3_bucket_policy", "b", policy(statements))];
        all.extend(block.clone().map(|(kind, values)| of(kind, "k", values)));
        state(&all)
    };
    let [public, named] = statements();
    let both = with(&[public, named.clone()]);
    let read = told(&[("state.json", &both)], "s3:GetObject").unwrap();
    assert!(read.starts_with("`s3:GetObject` on `arn:aws:s3:::b/x`"), "{read}");
    let own = format!("(as `arn:aws:iam::{ACCOUNT}:");
    assert_eq!(read.contains(&own), is_restricted, "{read}");
    let write = told(&[("state.json", &both)], "s3:PutObject");
    assert_eq!(write.is_none(), is_restricted, "{write:?}");
    // One that is not public is not kept back.
    let write = told(&[("state.json", &with(&[named]))], "s3:PutObject").unwrap();
    assert!(write.contains(&format!("(as `arn:aws:iam::{OTHER}:")), "{write}");
}

/// Of a block of which nobody knows whether it restricts, what is another account's may be kept
/// back.
#[test]
fn what_a_block_may_keep_back_is_not_decided() {
    let resources = |unknown: Value| {
        let role = role("app", ACCOUNT)["values"].clone();
        let block = json!({"bucket": "b"});
        plan(&[
            ("aws_iam_role", "app", role, json!({})),
            ("aws_s3_bucket_policy", "b", policy(&statements()), json!({})),
            (KIND, "k", block, unknown),
        ])
    };
    let open = resources(json!({"restrict_public_buckets": true}));
    let why = format!(
        "undecided: all else allows `s3:PutObject` on `arn:aws:s3:::b/x`, and whether `{KIND}.k` \
         keeps `aws_s3_bucket_policy.b` to the account of the bucket is not known"
    );
    assert_eq!(told(&[("plan.json", &open)], "s3:PutObject"), Some(why));
    let read = told(&[("plan.json", &open)], "s3:GetObject").unwrap();
    assert!(read.contains(&format!("(as `arn:aws:iam::{ACCOUNT}:")), "{read}");
    let write = told(&[("plan.json", &resources(json!({})))], "s3:PutObject").unwrap();
    assert!(write.starts_with("`s3:PutObject` on `arn:aws:s3:::b/x`"), "{write}");
}

/// An identity of another account is kept out, whatever its own policies allow, and one of the
/// bucket's account is not.
#[rstest]
#[case::restricted(true)]
#[case::not_restricted(false)]
fn an_identity_of_another_account_is_kept_out(#[case] is_restricted: bool) {
    let own = |name: &str| {
        let allow = json!({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"});
        of(
            "aws_iam_role_policy",
            name,
            json!({"name": "p", "role": name, "policy": document(&[allow])}),
        )
    };
    let here = state(&[
        role("app", ACCOUNT),
        own("app"),
        role("bare", ACCOUNT),
        of("aws_s3_bucket_policy", "b", policy(&statements())),
        of(KIND, "k", restricts("b", is_restricted)),
    ]);
    let there = state(&[role("other", OTHER), own("other"), role("none", OTHER)]);
    let directory = in_files(&[("here.json", &here), ("there.json", &there)]);
    let files = ["--state", "here.json", "--state", "there.json"];
    let asked = [&["who-can", "s3:GetObject", "arn:aws:s3:::b/x"][..], &files].concat();
    let (_, who, error) = ask(directory.path(), &asked);
    assert_eq!(error, "");
    let can = |name: &str| {
        who.lines().any(|line| line.starts_with(&format!("{name}: `s3:GetObject` on ")))
    };
    assert_eq!((can("role/app"), can("role/other")), (true, !is_restricted), "{who}");
    for (name, expected) in [("role/bare", true), ("role/none", !is_restricted)] {
        let (_, what, _) = ask(directory.path(), &[&["what-can", name][..], &files].concat());
        let read = "`s3:GetObject` on `arn:aws:s3:::b/";
        assert_eq!(what.lines().any(|line| line.starts_with(read)), expected, "{what}");
        assert!(!what.contains("undecided: "), "{what}");
    }
}

/// The block of a bucket of a template is one, and so is what an access point has by itself.
#[rstest]
#[case::restricted("{RestrictPublicBuckets: true}", true)]
#[case::as_a_text("{RestrictPublicBuckets: 'true'}", true)]
#[case::not_restricted("{RestrictPublicBuckets: false}", false)]
#[case::nothing_said("{IgnorePublicAcls: true}", false)]
fn the_block_of_a_template_counts(#[case] block: &str, #[case] is_restricted: bool) {
    let template = format!(
        "Resources:\n  B: {{Type: AWS::S3::Bucket, Properties: {{BucketName: b, \
         PublicAccessBlockConfiguration: {block}}}}}\n  P:\n    Type: AWS::S3::BucketPolicy\n    \
         Properties:\n      Bucket: !Ref B\n      PolicyDocument: {}\n",
        document(&statements())
    );
    let directory = in_files(&[("state.json", &state(&[role("app", ACCOUNT)]))]);
    fs::create_dir(directory.path().join("apps")).unwrap();
    fs::write(directory.path().join("apps/template.yaml"), template).unwrap();
    let files = ["--state", "state.json", "--templates", "apps"];
    let asked = [&["who-can", "s3:PutObject", "arn:aws:s3:::b/x"][..], &files].concat();
    let (_, who, error) = ask(directory.path(), &asked);
    assert_eq!(error, "");
    let can = who.lines().any(|line| line.starts_with("Resources.P: `s3:PutObject` on "));
    assert_eq!(can, !is_restricted, "{who}");
}

/// An access point has a block unless it says otherwise.
#[rstest]
#[case::nothing_said(json!([]), true)]
#[case::not_restricted(json!([{"restrict_public_buckets": false}]), false)]
#[case::restricted(json!([{"restrict_public_buckets": true}]), true)]
fn an_access_point_has_a_block(#[case] block: Value, #[case] is_restricted: bool) {
    let arn = format!("arn:aws:s3:eu-west-1:{ACCOUNT}:accesspoint/p");
    let on = format!("{arn}/object/*");
    let all = statements().map(|mut one| {
        one["Resource"] = json!(on);
        one
    });
    let point = json!({"name": "p", "bucket": "b", "arn": arn, "account_id": ACCOUNT,
        "policy": document(&all), "public_access_block_configuration": block});
    let all = state(&[role("app", ACCOUNT), of("aws_s3_access_point", "p", point)]);
    let directory = in_files(&[("state.json", &all)]);
    let on = format!("{arn}/object/x");
    let asked = ["who-can", "s3:PutObject", &on, "--state", "state.json"];
    let (_, who, error) = ask(directory.path(), &asked);
    assert_eq!(error, "");
    let can = who.lines().any(|line| line.starts_with("aws_s3_access_point.p: `s3:PutObject` on "));
    assert_eq!(can, !is_restricted, "{who}");
}

/// A block that goes lets in more by a policy that is public.
#[test]
fn a_block_that_goes_lets_in_others() {
    let side = |is_on: bool, statements: &[Value]| {
        state(&[
            role("app", ACCOUNT),
            of("aws_s3_bucket_policy", "b", policy(statements)),
            of(KIND, "k", restricts("b", is_on)),
        ])
    };
    let [_, named] = statements();
    for (statements, expected) in [(&statements()[..], "something"), (&[named][..], "nothing")] {
        let (_, told) = diff(&side(true, statements), &side(false, statements));
        let change = said(&told, "aws_s3_bucket_policy.b");
        assert_eq!((&change["gained"], &change["lost"]), (&json!(expected), &json!("nothing")));
    }
}

/// What a list lets in publicly is ignored where a block says so.
#[rstest]
#[case::ignored(json!({"ignore_public_acls": true}), json!({}), None)]
#[case::not_ignored(json!({"ignore_public_acls": false}), json!({}), Some("`s3:ListBucket` on "))]
#[case::not_known(
    json!({}),
    json!({"ignore_public_acls": true}),
    Some("undecided: whether `aws_s3_bucket_public_access_block.k` ignores what \
          `aws_s3_bucket_acl.l` lets in publicly is not known")
)]
fn a_public_list_counts_where_it_is_not_ignored(
    #[case] block: Value,
    #[case] unknown: Value,
    #[case] expected: Option<&str>,
) {
    let mut values = json!({"bucket": "b"});
    values.as_object_mut().unwrap().extend(block.as_object().unwrap().clone());
    let plan = plan(&[
        ("aws_iam_role", "app", role("app", ACCOUNT)["values"].clone(), json!({})),
        ("aws_s3_bucket_acl", "l", json!({"bucket": "b", "acl": "public-read"}), json!({})),
        (KIND, "k", values, unknown),
    ]);
    let directory = in_files(&[("plan.json", &plan)]);
    let (_, who, error) =
        ask(directory.path(), &["who-can", "s3:ListBucket", "--plan", "plan.json"]);
    assert_eq!(error, "");
    let line = who.lines().find_map(|line| line.strip_prefix("aws_s3_bucket_acl.l: "));
    match (line, expected) {
        (None, None) => {}
        (Some(line), Some(expected)) => assert!(line.starts_with(expected), "{who}"),
        _ => panic!("{who}"),
    }
}
