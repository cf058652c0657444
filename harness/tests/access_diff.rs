//! The built binary's `access-diff` and `who-can`.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops where it fails")]

#[path = "access_diff/agreed.rs"]
mod agreed;
#[path = "access_diff/blocked.rs"]
mod blocked;
#[path = "access_diff/denied.rs"]
mod denied;
#[path = "access_diff/elsewhere.rs"]
mod elsewhere;
#[path = "access_diff/gains.rs"]
mod gains;
#[path = "access_diff/limits.rs"]
mod limits;
#[path = "access_diff/others.rs"]
mod others;
#[path = "access_diff/reached.rs"]
mod reached;
#[path = "access_diff/tagged.rs"]
mod tagged;
#[path = "access_diff/unknown.rs"]
mod unknown;
#[path = "access_diff/ways_in.rs"]
mod ways_in;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use rstest::rstest;
use serde_json::{Value, json};

fn run(old: &Path, new: &Path, flags: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ringfence"))
        .arg("access-diff")
        .args([old, new])
        .args(flags)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn policy(action: &str, resource: &str) -> Value {
    json!({"Version": "2012-10-17",
        "Statement": {"Effect": "Allow", "Action": action, "Resource": resource}})
}

/// A plan in which everything is made: resources as type, name, values and what is
/// not known of them.
fn plan(resources: &[(&str, &str, Value, Value)]) -> Value {
    let change = |(kind, name, after, unknown): &(&str, &str, Value, Value)| {
        json!({"address": format!("{kind}.{name}"), "mode": "managed", "type": kind, "name": name,
            "change": {"actions": ["create"], "after": after, "after_unknown": unknown}})
    };
    let changes: Vec<Value> = resources.iter().map(change).collect();
    json!({"format_version": "1.2", "resource_changes": changes,
    "configuration": {"root_module": {"resources": [
        {"address": "aws_iam_role_policy_attachment.a", "expressions": {
            "role": {"references": ["aws_iam_role.r.name", "aws_iam_role.r"]},
            "policy_arn": {"references": ["aws_iam_policy.p.arn", "aws_iam_policy.p"]}}},
        {"address": "aws_iam_role.r", "expressions": {
            "permissions_boundary": {"references": ["aws_iam_policy.b.arn", "aws_iam_policy.b"]}}}
    ]}}})
}

/// The Terraform files of [`plan`].
const FILES: &str = "
resource \"aws_iam_role_policy_attachment\" \"a\" {
  role       = aws_iam_role.r.name
  policy_arn = aws_iam_policy.p.arn
}
resource \"aws_iam_role\" \"r\" {
  permissions_boundary = aws_iam_policy.b.arn
}
";

/// A role with a policy by reference, a boundary, and a trust policy.
fn role(action: &str, boundary: Option<&str>) -> Vec<(&'static str, &'static str, Value, Value)> {
    let trust = json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow",
        "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}});
    let mut role = json!({"name": "app", "assume_role_policy": trust.to_string()});
    let mut unknown = json!({"arn": true});
    if boundary.is_some() {
        unknown["permissions_boundary"] = json!(true);
    } else {
        role["permissions_boundary"] = Value::Null;
    }
    let mut all = vec![
        ("aws_iam_role", "r", role, unknown),
        (
            "aws_iam_policy",
            "p",
            json!({"name": "p", "policy": policy(action, "*").to_string()}),
            json!({"arn": true}),
        ),
        (
            "aws_iam_role_policy_attachment",
            "a",
            json!({"role": "app"}),
            json!({"policy_arn": true}),
        ),
    ];
    if let Some(action) = boundary {
        let values = json!({"name": "b", "policy": policy(action, "*").to_string()});
        all.push(("aws_iam_policy", "b", values, json!({"arn": true})));
    }
    all
}

/// Writes two estates and compares them.
fn diff(old: &Value, new: &Value) -> (Option<i32>, Value) {
    diff_with(old, new, FILES)
}

/// The same with other Terraform files beside them, or none.
fn diff_with(old: &Value, new: &Value, files: &str) -> (Option<i32>, Value) {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("main.tf"), files).unwrap();
    let [a, b] = ["old.json", "new.json"].map(|name| directory.path().join(name));
    fs::write(&a, old.to_string()).unwrap();
    fs::write(&b, new.to_string()).unwrap();
    let output = run(&a, &b, &["--json"]);
    assert_eq!(text(&output.stderr), "");
    (output.status.code(), serde_json::from_str(text(&output.stdout)).unwrap())
}

/// What is said of an entry.
fn said<'v>(told: &'v Value, name: &str) -> &'v Value {
    let changes = told["changes"].as_array().unwrap();
    changes.iter().find(|change| change["name"] == name).unwrap()
}

#[test]
fn directories_are_compared_by_file() {
    let directory = tempfile::tempdir().unwrap();
    let [old, new] = ["old", "new"].map(|name| directory.path().join(name));
    for (side, action) in [(&old, "s3:Get*"), (&new, "s3:*")] {
        fs::create_dir_all(side.join("team")).unwrap();
        fs::write(side.join("team/app.json"), policy(action, "*").to_string()).unwrap();
        fs::write(side.join("same.json"), policy("sqs:*", "*").to_string()).unwrap();
        fs::write(side.join("package.json"), r#"{"name": "other"}"#).unwrap();
    }
    let grown = run(&old, &new, &[]);
    let request = "`s3:AbortMultipartUpload` on `arn:aws:s3:x:111111111111:accesspoint/x/object/x`";
    let caller = "(as `arn:aws:iam::111111111111:user/x`)";
    let first = format!("team/app\n  allowed now and not before: {request} {caller}\n");
    let rest =
        "2 compared for all requests: 1 may do more, 0 may do less, 0 undecided, 1 the same\n";
    assert_eq!(text(&grown.stdout), format!("{first}{rest}"));
    assert_eq!(grown.status.code(), Some(1));
    let shrunk = run(&new, &old, &["--markdown"]);
    assert!(text(&shrunk.stdout).contains(&format!("- allowed before and not now: {request}")));
    assert_eq!(shrunk.status.code(), Some(0));
}

#[test]
fn a_role_has_what_is_attached_by_reference_within_its_boundary() {
    let (get, all) = (plan(&role("s3:Get*", None)), plan(&role("s3:*", None)));
    let bounded = plan(&role("s3:*", Some("s3:Get*")));
    let (code, told) = diff(&get, &all);
    assert_eq!((code, &said(&told, "role/app")["gained"]), (Some(1), &json!("something")));
    assert_eq!(said(&told, "role/app")["allowed_now"]["action"], "s3:AbortMultipartUpload");
    assert_eq!(said(&told, "trust of role/app")["gained"], "nothing");
    let (code, told) = diff(&get, &bounded);
    assert_eq!((code, &said(&told, "role/app")["gained"]), (Some(0), &json!("nothing")));
    assert_eq!(said(&told, "role/app")["lost"], "nothing");
    let (code, told) = diff(&bounded, &all);
    assert_eq!((code, &said(&told, "role/app")["gained"]), (Some(1), &json!("something")));
}

/// To what an expression refers the plan says, and the files alone what it makes of it.
#[rstest]
#[case::made_of_it(
    &FILES.replace("aws_iam_policy.p.arn", "replace(aws_iam_policy.p.arn, \"p\", \"admin\")"),
    "policy_arn is known after apply only"
)]
#[case::without_files(
    "",
    "how policy_arn is made of `aws_iam_policy.p` stands in the Terraform files alone, which are \
     not there (`--configuration`)"
)]
fn what_is_made_of_a_reference_is_not_the_policy(#[case] files: &str, #[case] why: &str) {
    let (get, all) = (plan(&role("s3:Get*", None)), plan(&role("s3:*", None)));
    let (code, told) = diff_with(&all, &get, files);
    let role = said(&told, "role/app");
    assert_eq!((code, &role["gained"]), (Some(1), &json!("undecided")));
    assert_eq!(role["reason"], format!("aws_iam_role_policy_attachment.a: {why}"));
    assert_eq!(diff(&all, &get).0, Some(0));
}

#[test]
fn what_is_known_after_apply_is_undecided() {
    let old = plan(&role("s3:*", None));
    let mut resources = role("s3:*", None);
    resources.push(("aws_iam_role_policy", "i", json!({"role": "app"}), json!({"policy": true})));
    let (code, told) = diff(&old, &plan(&resources));
    let role = said(&told, "role/app");
    assert_eq!(
        (code, &role["gained"], &role["lost"]),
        (Some(1), &json!("undecided"), &json!("undecided"))
    );
    assert_eq!(role["reason"], "aws_iam_role_policy.i: policy is known after apply only");
    let (_, known) = diff(&old, &old);
    assert_eq!(said(&known, "role/app")["gained"], "nothing");
}

/// A plan that was never applied: of what the role may do, Terraform says the
/// statement, and that its resource is known after apply.
fn unapplied() -> Value {
    let change = |address: &str, kind: &str, after: Value, unknown: Value| {
        let mode = if address.starts_with("data.") { "data" } else { "managed" };
        let actions = if mode == "data" { "read" } else { "create" };
        json!({"address": address, "mode": mode, "type": kind,
            "change": {"actions": [actions], "after": after, "after_unknown": unknown}})
    };
    let statement = json!({"actions": ["s3:GetObject"], "resources": [null], "condition": [],
        "effect": null, "sid": "Read"});
    let trust = json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow",
        "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}});
    let reference = |names: &[&str]| json!({"references": names});
    json!({"format_version": "1.2",
    "variables": {"part": {"value": "public"}},
    "resource_changes": [
        change("aws_s3_bucket.b", "aws_s3_bucket", json!({"bucket": "data"}),
            json!({"arn": true, "id": true})),
        change("data.aws_iam_policy_document.d", "aws_iam_policy_document",
            json!({"statement": [statement]}),
            json!({"json": true, "statement": [{"actions": [false], "resources": [true]}]})),
        change("aws_iam_role.r", "aws_iam_role",
            json!({"name": "app", "path": "/", "assume_role_policy": trust.to_string()}),
            json!({"arn": true, "inline_policy": true})),
        change("aws_iam_role_policy.p", "aws_iam_role_policy", json!({"role": "app"}),
            json!({"policy": true})),
    ],
    "prior_state": {"values": {"root_module": {"resources": [
        {"address": "data.aws_caller_identity.c", "mode": "data", "type": "aws_caller_identity",
            "values": {"account_id": "123456789012"}},
        {"address": "data.aws_partition.p", "mode": "data", "type": "aws_partition",
            "values": {"partition": "aws"}},
    ]}}},
    "configuration": {"root_module": {"resources": [
        {"address": "aws_s3_bucket.b", "expressions": {"bucket": {"constant_value": "data"}}},
        {"address": "data.aws_iam_policy_document.d", "expressions": {"statement": [
            {"actions": {"constant_value": ["s3:GetObject"]},
                "resources": reference(&["aws_s3_bucket.b.arn", "aws_s3_bucket.b", "var.part"])}]}},
        {"address": "aws_iam_role.r", "expressions": {"name": {"constant_value": "app"}}},
        {"address": "aws_iam_role_policy.p", "expressions": {
            "role": reference(&["aws_iam_role.r.name", "aws_iam_role.r"]),
            "policy": reference(&["data.aws_iam_policy_document.d.json",
                "data.aws_iam_policy_document.d"])}},
    ]}}})
}

/// The configuration of that plan, with what the role may read.
fn configuration(resource: &str) -> String {
    format!(
        r#"
resource "aws_s3_bucket" "b" {{
  bucket = "data"
}}

data "aws_iam_policy_document" "d" {{
  statement {{
    sid       = "Read"
    actions   = ["s3:GetObject"]
    resources = [{resource}]
  }}
}}

resource "aws_iam_role" "r" {{
  name               = "app"
  assume_role_policy = jsonencode({{}})
}}

resource "aws_iam_role_policy" "p" {{
  role   = aws_iam_role.r.name
  policy = data.aws_iam_policy_document.d.json
}}
"#
    )
}

#[rstest]
#[case::the_same(r#""${aws_s3_bucket.b.arn}/${var.part}/*""#, 0, "nothing", "nothing")]
#[case::less(r#""${aws_s3_bucket.b.arn}/${var.part}/a""#, 0, "nothing", "something")]
#[case::more(r#""${aws_s3_bucket.b.arn}/${var.part}*""#, 1, "something", "nothing")]
#[case::not_of_the_plan(r#""${aws_s3_bucket.b.arn}/public/*""#, 1, "undecided", "undecided")]
#[case::not_computed(
    r#"trim("${aws_s3_bucket.b.arn}/${var.part}", "c")"#,
    1,
    "undecided",
    "undecided"
)]
fn what_a_plan_leaves_open_its_configuration_determines(
    #[case] resource: &str,
    #[case] code: i32,
    #[case] gained: &str,
    #[case] lost: &str,
) {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    let trust = unapplied()["resource_changes"][2]["change"]["after"]["assume_role_policy"].clone();
    let values = [
        (
            "aws_iam_role",
            json!({"name": "app", "assume_role_policy": trust,
            "arn": "arn:aws:iam::123456789012:role/app"}),
        ),
        (
            "aws_iam_role_policy",
            json!({"role": "app",
            "policy": policy("s3:GetObject", "arn:aws:s3:::data/public/*").to_string()}),
        ),
    ];
    let resources: Vec<Value> = values
        .iter()
        .map(|(kind, values)| {
            json!({"address": format!("{kind}.x"), "mode": "managed",
            "type": kind, "values": values})
        })
        .collect();
    let state =
        json!({"format_version": "1.0", "values": {"root_module": {"resources": resources}}});
    fs::write(path("state.json"), state.to_string()).unwrap();
    fs::write(path("plan.json"), unapplied().to_string()).unwrap();
    fs::create_dir(path("tf")).unwrap();
    fs::write(path("tf/main.tf"), configuration(resource)).unwrap();
    let tf = path("tf");
    let flags = ["--json", "--configuration", tf.to_str().unwrap()];
    let output = run(&path("state.json"), &path("plan.json"), &flags);
    assert_eq!(text(&output.stderr), "");
    let told: Value = serde_json::from_str(text(&output.stdout)).unwrap();
    let role = said(&told, "role/app");
    assert_eq!((&role["gained"], &role["lost"]), (&json!(gained), &json!(lost)), "{role}");
    assert_eq!(output.status.code(), Some(code));
    assert_eq!(said(&told, "trust of role/app")["gained"], "nothing");
    // Without it nobody knows.
    let output = run(&path("state.json"), &path("plan.json"), &["--json"]);
    let told: Value = serde_json::from_str(text(&output.stdout)).unwrap();
    let reason = "aws_iam_role_policy.p: policy is known after apply only";
    assert_eq!(said(&told, "role/app")["reason"], reason);
}

#[test]
fn a_managed_policy_elsewhere_is_undecided_where_it_may_matter() {
    let with = |action: &str, policy: &str| {
        let mut resources = role(action, None);
        let arn = format!("arn:aws:iam::aws:policy/{policy}");
        let values = json!({"role": "app", "policy_arn": arn});
        resources.push(("aws_iam_role_policy_attachment", "managed", values, json!({})));
        plan(&resources)
    };
    let gained = |old: &Value, new: &Value| {
        let (code, told) = diff(old, new);
        (code, said(&told, "role/app")["gained"].as_str().unwrap().to_owned())
    };
    let nothing = (Some(0), "nothing".to_owned());
    let open = (Some(1), "undecided".to_owned());
    let something = (Some(1), "something".to_owned());
    let without = plan(&role("s3:*", None));
    let nobodys = |action| with(action, "NobodyHasThis");
    assert_eq!(gained(&nobodys("s3:*"), &nobodys("s3:Get*")), nothing);
    assert_eq!(gained(&nobodys("s3:Get*"), &nobodys("s3:*")), open);
    assert_eq!(gained(&without, &nobodys("s3:*")), open);
    // AWS's own are known.
    let full = |action| with(action, "AmazonS3FullAccess");
    assert_eq!(gained(&full("s3:Get*"), &full("s3:*")), nothing);
    assert_eq!(gained(&without, &with("s3:*", "AmazonS3ReadOnlyAccess")), something);
    assert_eq!(gained(&without, &with("s3:*", "AWSXRayDaemonWriteAccess")), something);
}

#[test]
fn what_cannot_be_read_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = directory.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let good = write("good.json", &policy("s3:*", "*").to_string());
    let empty = directory.path().join("empty");
    fs::create_dir(&empty).unwrap();
    let bad = [
        (write("wrong.json", &policy("s3:*", "x").to_string()), "wrong.json: "),
        (write("other.json", "{}"), "neither a policy nor what `terraform show -json` prints"),
        (
            write("raw.json", r#"{"terraform_version": "1", "lineage": "x"}"#),
            "Terraform's own state file",
        ),
        (
            write("template.json", r#"{"Resources": {"A": {"Type": "AWS::IAM::Role"}}}"#),
            "CloudFormation",
        ),
        (empty, "no policies and no identities in it"),
        (directory.path().join("missing.json"), "missing.json: "),
    ];
    for (path, message) in bad {
        let output = run(&path, &good, &[]);
        assert!(text(&output.stderr).contains(message), "{}", text(&output.stderr));
        assert_eq!((output.status.code(), text(&output.stdout)), (Some(2), ""));
    }
    assert_eq!(run(&good, &good, &[]).status.code(), Some(0));
}

/// The first change that adds a policy has nothing before it. Of a state without anything
/// Terraform prints the version of the format alone.
#[rstest]
#[case::no_state(json!({"format_version": "1.0"}))]
#[case::no_resources(json!({"format_version": "1.0", "values": {"root_module": {}}}))]
#[case::no_policies(plan(&[("aws_s3_bucket", "b", json!({"bucket": "b"}), json!({}))]))]
fn what_has_no_policies_yet_is_compared(#[case] nothing: Value) {
    let some = plan(&role("s3:*", None));
    let side = |told: &Value, side: &str| said(told, "role/app")[side].as_str().unwrap().to_owned();
    let (code, told) = diff(&nothing, &some);
    assert_eq!(
        (code, &*side(&told, "gained"), &*side(&told, "lost")),
        (Some(1), "something", "nothing")
    );
    let (_, told) = diff(&some, &nothing);
    assert_eq!((&*side(&told, "gained"), &*side(&told, "lost")), ("nothing", "something"));
    let (code, told) = diff(&nothing, &nothing);
    assert_eq!((code, &told["changes"]), (Some(0), &json!([])));
}

/// A state without anything has nobody who can.
#[test]
fn a_state_without_anything_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let ask = |state: &str| {
        fs::write(directory.path().join("state.json"), state).unwrap();
        let mut asked = Command::new(env!("CARGO_BIN_EXE_ringfence"));
        let asked = asked.args(["prove", "--paths", "--state", "state.json"]);
        let output = asked.current_dir(directory.path()).output().unwrap();
        (output.status.code(), text(&output.stdout).to_owned(), text(&output.stderr).to_owned())
    };
    let (code, told, _) = ask(r#"{"format_version": "1.0"}"#);
    assert!(told.starts_with("0 sources: "), "{told}");
    assert_eq!(code, Some(0));
    let (code, _, error) = ask(r#"{"format_version": "2.0"}"#);
    assert!(error.contains("format version `2.0` is not read here; 0 and 1 are"), "{error}");
    assert_eq!(code, Some(2));
    let (code, _, error) = ask(r#"{"version": 4}"#);
    assert!(error.contains("not what `terraform show -json` prints"), "{error}");
    assert_eq!(code, Some(2));
}

/// Runs a command in a directory with a plan of a role, and more.
fn of_a_plan(more: &[(&str, &str, Value, Value)], files: &[(&str, &str)], args: &[&str]) -> String {
    let directory = tempfile::tempdir().unwrap();
    let mut resources = role("s3:*", None);
    resources.extend(more.iter().cloned());
    fs::write(directory.path().join("plan.json"), plan(&resources).to_string()).unwrap();
    fs::write(directory.path().join("main.tf"), FILES).unwrap();
    for (name, text) in files {
        fs::write(directory.path().join(name), text).unwrap();
    }
    let mut asked = Command::new(env!("CARGO_BIN_EXE_ringfence"));
    let output = asked.args(args).current_dir(directory.path()).output().unwrap();
    format!("{}{}", text(&output.stdout), text(&output.stderr))
}

/// A plan need not say whose it is.
#[rstest]
#[case::paths(&["prove", "--paths", "--plan", "plan.json"])]
#[case::what_can(&["what-can", "role/app", "--plan", "plan.json"])]
#[case::what_can_in(&["what-can", "role/app", "--in", "plan.json"])]
fn an_arn_that_is_not_known_is_told_with_what_gives_it(#[case] args: &[&str]) {
    let told = of_a_plan(&[], &[], args);
    let why = "ARN is not known: neither its partition nor its account is known, which data sources \
               `aws_partition` and `aws_caller_identity` in its Terraform files, or `[account]` of \
               ringfence.toml, would give\n";
    assert!(told.contains(why), "{told}");
    // Another ARN of the plan has the partition.
    let bucket = json!({"bucket": "k", "arn": "arn:aws:s3:::k"});
    let told = of_a_plan(&[("aws_s3_bucket", "k", bucket, json!({}))], &[], args);
    let why = "ARN is not known: its account is not known, which a data source \
               `aws_caller_identity` in its Terraform files, or `[account]` of ringfence.toml, would \
               give\n";
    assert!(told.contains(why), "{told}");
    let own = format!("[account]\nid = \"{ACCOUNT}\"\nregion = \"eu-west-1\"\n");
    let told = of_a_plan(&[], &[("ringfence.toml", &own)], args);
    assert!(told.contains("role/app"), "{told}");
    assert!(!told.contains("ARN is not known"), "{told}");
}

#[test]
fn an_identity_without_its_kind_is_told_with_it() {
    let ask = |who: &str| of_a_plan(&[], &[], &["what-can", who, "--plan", "plan.json"]);
    let told = ask("app");
    assert!(told.contains("no identity of the files is `app`, but `role/app` is: names"), "{told}");
    let told = ask("nobody");
    assert!(told.contains("no identity of the files is `nobody`: names are"), "{told}");
}

/// A user may have a policy by itself and by a group.
#[test]
fn a_statement_is_told_once() {
    let arn = |rest: &str| format!("arn:aws:iam::{ACCOUNT}:{rest}");
    let of = |kind: &str, values: Value| {
        json!({"address": format!("{kind}.a"), "mode": "managed", "type": kind, "name": "a",
            "values": values})
    };
    let trust = json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow",
        "Principal": {"AWS": arn("root")}, "Action": "sts:AssumeRole"}});
    let resources = [
        of(
            "aws_iam_policy",
            json!({"name": "p", "arn": arn("policy/p"), "policy": policy("sts:AssumeRole", "*").to_string()}),
        ),
        of("aws_iam_user", json!({"name": "u", "path": "/", "arn": arn("user/u")})),
        of("aws_iam_group", json!({"name": "g", "path": "/", "arn": arn("group/g")})),
        of("aws_iam_group_membership", json!({"group": "g", "users": ["u"]})),
        of("aws_iam_group_policy_attachment", json!({"group": "g", "policy_arn": arn("policy/p")})),
        of("aws_iam_user_policy_attachment", json!({"user": "u", "policy_arn": arn("policy/p")})),
        of(
            "aws_iam_role",
            json!({"name": "b", "path": "/", "arn": arn("role/b"), "assume_role_policy": trust.to_string()}),
        ),
    ];
    let state =
        json!({"format_version": "1.0", "values": {"root_module": {"resources": resources}}});
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("state.json"), state.to_string()).unwrap();
    let by = "statement 1 of `aws_iam_role.a`, statement 1 of `aws_iam_policy.a`\n";
    for args in [&["prove", "--paths"][..], &["what-can", "user/u"]] {
        let mut asked = Command::new(env!("CARGO_BIN_EXE_ringfence"));
        let asked = asked.args(args).args(["--state", "state.json"]);
        let output = asked.current_dir(directory.path()).output().unwrap();
        assert!(text(&output.stdout).contains(by), "{}", text(&output.stdout));
    }
}

#[rstest]
#[case("aws_kinesis_resource_policy", "policy", "kinesis:PutRecord")]
#[case("aws_glue_resource_policy", "policy", "glue:GetTable")]
#[case("aws_s3tables_table_bucket_policy", "resource_policy", "s3tables:GetTable")]
#[case(
    "aws_codeartifact_repository_permissions_policy",
    "policy_document",
    "codeartifact:ReadFromRepository"
)]
fn what_a_resources_policy_allows_is_told(
    #[case] kind: &str,
    #[case] attribute: &str,
    #[case] action: &str,
) {
    let policy = json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::123456789012:role/x"}, "Action": action,
        "Resource": "*"}});
    let address = format!("{kind}.p");
    let state = json!({"format_version": "1.0", "values": {"root_module": {"resources": [
        {"address": address, "mode": "managed", "type": kind, "name": "p",
            "values": {attribute: policy.to_string()}}]}}});
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("state.json");
    fs::write(&file, state.to_string()).unwrap();
    let who = |action: &str| {
        let mut asked = Command::new(env!("CARGO_BIN_EXE_ringfence"));
        let output = asked.args(["who-can", action, "--state"]).arg(&file).output().unwrap();
        (output.status.code(), text(&output.stdout).to_owned())
    };
    let (code, told) = who(action);
    assert!(told.starts_with(&format!("{address}: ")), "{told}");
    assert_eq!((code, told.lines().last()), (Some(1), Some("1 of 1 can, 0 undecided")));
    assert_eq!(who("iam:PassRole"), (Some(0), "0 of 1 can, 0 undecided\n".to_owned()));
}

/// A trust policy names no role, and is about its own.
#[test]
fn who_can_become_a_role_is_told_by_its_own_trust_policy_alone() {
    let trust = |service: &str| {
        json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow",
            "Principal": {"Service": service}, "Action": "sts:AssumeRole"}})
    };
    let role = |name: &str, path: &str, service: &str| {
        json!({"address": format!("aws_iam_role.{name}"), "mode": "managed",
            "type": "aws_iam_role", "name": name, "values": {
                "name": name, "path": path,
                "arn": format!("arn:aws:iam::123456789012:role{path}{name}"),
                "assume_role_policy": trust(service).to_string()}})
    };
    let resources = [
        role("app", "/", "lambda.amazonaws.com"),
        role("team-app", "/", "glue.amazonaws.com"),
        role("deep", "/a/b/", "ecs-tasks.amazonaws.com"),
    ];
    let state = json!({"format_version": "1.0", "values": {"root_module": {
        "resources": resources}}});
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("state.json");
    fs::write(&file, state.to_string()).unwrap();
    let who = |role: &str| -> Vec<String> {
        let arn = format!("arn:aws:iam::123456789012:role/{role}");
        let output = Command::new(env!("CARGO_BIN_EXE_ringfence"))
            .args(["who-can", "sts:AssumeRole", &arn, "--state"])
            .arg(&file)
            .output()
            .unwrap();
        let told = text(&output.stdout).lines();
        told.filter_map(|line| Some(line.split_once(": ")?.0.to_owned())).collect()
    };
    assert_eq!(who("app"), ["trust of role/app"]);
    assert_eq!(who("a/b/deep"), ["trust of role/deep"]);
    assert_eq!(who("nobodys"), [""; 0]);
}

#[test]
fn who_can_do_something_is_told_with_a_request() {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, value: &Value| {
        fs::write(directory.path().join(name), value.to_string()).unwrap();
    };
    write("admin.json", &policy("*", "*"));
    write("app.json", &policy("s3:Get*", "arn:aws:s3:::data/*"));
    let mut hidden = policy("s3:*", "arn:aws:s3:::data/*");
    hidden["Statement"]["Condition"] = json!({"StringEquals": {"aws:PrincipalTag/t": "a"}});
    write("tagged.json", &hidden);
    write(
        "queue.json",
        &json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow",
        "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}}),
    );
    let ask = |question: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_ringfence"))
            .arg("who-can")
            .args(question)
            .arg("--in")
            .arg(directory.path())
            .output()
            .unwrap();
        let told = (text(&output.stdout).to_owned(), text(&output.stderr).to_owned());
        (output.status.code(), told.0, told.1)
    };
    let (code, told, _) = ask(&["s3:PutObject", "arn:aws:s3:::data/x"]);
    let caller = "(as `arn:aws:iam::ACCOUNT:user/x`)";
    let admin = format!("admin: `s3:PutObject` on `arn:aws:s3:::data/x` {caller}");
    let tag = r#"with `{"aws:principaltag/t":"a"}`"#;
    let tagged = format!("tagged: `s3:PutObject` on `arn:aws:s3:::data/x` {tag} {caller}");
    assert_eq!(told, format!("{admin}\n{tagged}\n2 of 4 can, 0 undecided\n"));
    assert_eq!(code, Some(1));
    let (code, told, _) = ask(&["sqs:SendMessage"]);
    let first: Vec<&str> = told.lines().filter_map(|line| line.split(':').next()).collect();
    assert_eq!((code, &first[..2]), (Some(1), &["admin", "queue"][..]));
    fs::remove_file(directory.path().join("admin.json")).unwrap();
    let nobody = (Some(0), "0 of 3 can, 0 undecided\n".to_owned(), String::new());
    assert_eq!(ask(&["s3:PutObject", "arn:aws:s3:::other/*"]), nobody);
    let (code, told, error) = ask(&["s3", "x"]);
    assert_eq!((code, told.as_str()), (Some(2), ""));
    assert!(error.contains("the action or the resource cannot stand in a policy"), "{error}");
}

#[test]
fn what_an_identity_can_do_is_told_with_its_conditions() {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, value: &Value| {
        fs::write(directory.path().join(name), value.to_string()).unwrap();
    };
    let mut tagged = policy("s3:GetObject", "arn:aws:s3:::data/*");
    tagged["Statement"]["Condition"] = json!({"StringEquals": {"aws:PrincipalTag/t": "a"}});
    write("tagged.json", &tagged);
    write("nothing.json", &policy("s3:GetNothing", "arn:aws:s3:::data/*"));
    let ask = |who: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_ringfence"))
            .args(["what-can", who, "--in"])
            .arg(directory.path())
            .output()
            .unwrap();
        let told = (text(&output.stdout).to_owned(), text(&output.stderr).to_owned());
        (output.status.code(), told.0, told.1)
    };
    let (code, told, _) = ask("tagged");
    let first = told.lines().next().unwrap();
    assert!(first.starts_with("`s3:GetObject` on `arn:aws:s3:::data/"), "{told}");
    assert!(
        first.ends_with(r#" with `{"aws:principaltag/t":"a"}`, by statement 1 of `tagged`"#),
        "{told}"
    );
    assert!(told.contains("tagged can take 1 of "), "{told}");
    assert_eq!((code, told.lines().count()), (Some(1), 2));
    let (code, told, _) = ask("nothing");
    assert!(told.starts_with("nothing can take 0 of "), "{told}");
    assert_eq!(code, Some(0));
    let (code, _, error) = ask("role/nobody");
    assert!(error.contains("no identity of the files is `role/nobody`"), "{error}");
    assert_eq!(code, Some(2));
}

const ACCOUNT: &str = "123456789012";

/// A state of one role with everything of S3, in an organization.
fn organized(kind: &str, statement: &Value, target: &str) -> Value {
    let trust = json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow",
        "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}});
    let of = |kind: &str, name: &str, values: Value| {
        json!({"address": format!("{kind}.{name}"), "mode": "managed", "type": kind,
            "name": name, "values": values})
    };
    let limit = json!({"Version": "2012-10-17", "Statement": [statement]}).to_string();
    let resources = [
        of(
            "aws_iam_role",
            "r",
            json!({"name": "app", "assume_role_policy": trust.to_string(),
            "arn": format!("arn:aws:iam::{ACCOUNT}:role/app")}),
        ),
        of(
            "aws_iam_role_policy",
            "p",
            json!({"role": "app", "policy": policy("s3:*Object", "*").to_string()}),
        ),
        of("aws_organizations_organization", "all", json!({"master_account_id": "999999999999"})),
        of("aws_organizations_account", "work", json!({"id": ACCOUNT, "parent_id": "r-ab12"})),
        of(
            "aws_organizations_policy",
            "limit",
            json!({"id": "p-limit", "type": kind, "content": limit}),
        ),
        of(
            "aws_organizations_policy_attachment",
            "limit",
            json!({"policy_id": "p-limit", "target_id": target}),
        ),
    ];
    json!({"format_version": "1.0", "values": {"root_module": {"resources": resources}}})
}

fn no_deletes(resources: bool) -> Value {
    let mut deny = json!({"Effect": "Deny", "Action": "s3:DeleteObject", "Resource": "*"});
    if resources {
        deny["Principal"] = json!("*");
    }
    deny
}

/// A command about files of a directory.
fn ask(directory: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_ringfence"))
        .args(arguments)
        .current_dir(directory)
        .output()
        .unwrap();
    let told = (text(&output.stdout).to_owned(), text(&output.stderr).to_owned());
    (output.status.code(), told.0, told.1)
}

fn in_files(files: &[(&str, &Value)]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, value) in files {
        let path = directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, value.to_string()).unwrap();
    }
    directory
}

/// What an organization keeps back nobody can do, and it is told where it does not bind.
#[rstest]
#[case::of_services("SERVICE_CONTROL_POLICY", false)]
#[case::of_resources("RESOURCE_CONTROL_POLICY", true)]
fn control_policies_limit_who_can_and_what_can(#[case] kind: &str, #[case] resources: bool) {
    let deny = no_deletes(resources);
    let bound = organized(kind, &deny, ACCOUNT);
    let free = organized(kind, &deny, "111111111111");
    let directory = in_files(&[("bound.json", &bound), ("free.json", &free)]);
    let who = |file: &str| {
        let object = "arn:aws:s3:::data/x";
        ask(directory.path(), &["who-can", "s3:DeleteObject", object, "--state", file])
    };
    let (code, told, _) = who("bound.json");
    if resources {
        // Of another account's bucket nobody is kept, and whose this is, the files do not say.
        assert!(
            told.starts_with("role/app: undecided: all but resource control policies"),
            "{told}"
        );
        assert!(told.ends_with("0 of 2 can, 1 undecided\n"), "{told}");
        assert_eq!(code, Some(1));
    } else {
        assert_eq!((code, told.as_str()), (Some(0), "0 of 2 can, 0 undecided\n"));
    }
    let (code, told, _) = who("free.json");
    assert_eq!(code, Some(1));
    assert!(told.starts_with("role/app: `s3:DeleteObject` on `arn:aws:s3:::data/x`"), "{told}");
    assert!(told.ends_with("1 of 2 can, 0 undecided\n"), "{told}");

    let what = |file: &str| {
        let (code, told, _) =
            ask(directory.path(), &["what-can", "role/app", "--json", "--state", file]);
        let told: Value = serde_json::from_str(&told).unwrap();
        let can = told["can"].as_array().unwrap().iter();
        let can: Vec<String> = can.map(|one| one["action"].as_str().unwrap().to_owned()).collect();
        (code, can, told["undecided"].clone())
    };
    let (code, can, undecided) = what("bound.json");
    assert_eq!((code, undecided == json!([])), (Some(1), !resources), "{undecided}");
    assert!(can.contains(&"s3:GetObject".to_owned()), "{can:?}");
    assert!(!can.contains(&"s3:DeleteObject".to_owned()), "{can:?}");
    let mut more = what("free.json").1;
    more.retain(|action| !can.contains(action));
    assert_eq!(more, ["s3:DeleteObject"]);
}

#[rstest]
#[case::of_services("SERVICE_CONTROL_POLICY", false)]
#[case::of_resources("RESOURCE_CONTROL_POLICY", true)]
fn a_control_policy_that_is_gone_lets_more_through(#[case] kind: &str, #[case] resources: bool) {
    let deny = no_deletes(resources);
    let [bound, free] = [ACCOUNT, "111111111111"].map(|target| organized(kind, &deny, target));
    let (code, told) = diff(&bound, &free);
    let role = said(&told, "role/app");
    assert_eq!(
        (code, &role["gained"], &role["lost"]),
        (Some(1), &json!("something"), &json!("nothing"))
    );
    assert!(
        role["allowed_now"]["action"].as_str().unwrap().eq_ignore_ascii_case("s3:DeleteObject")
    );
    // The other way it is lost.
    let (code, told) = diff(&free, &bound);
    let role = said(&told, "role/app");
    assert_eq!(
        (code, &role["gained"], &role["lost"]),
        (Some(0), &json!("nothing"), &json!("something"))
    );
    assert_eq!(diff(&bound, &bound).0, Some(0));
}

/// Which calls come through an endpoint the files do not say: its policy stands by itself.
#[test]
fn the_policy_of_an_endpoint_is_compared_by_itself_and_lets_nobody_do_anything() {
    let through = |action: &str| {
        json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": "*",
            "Action": action, "Resource": "*"}})
    };
    let estate = |action: &str| {
        let mut state = organized("SERVICE_CONTROL_POLICY", &no_deletes(false), ACCOUNT);
        let all = state["values"]["root_module"]["resources"].as_array_mut().unwrap();
        all.push(json!({"address": "aws_vpc_endpoint.s3", "mode": "managed",
            "type": "aws_vpc_endpoint", "name": "s3",
            "values": {"service_name": "com.amazonaws.eu-west-1.s3", "vpc_endpoint_type": "Gateway",
                "policy": through(action).to_string()}}));
        state
    };
    let (narrow, wide) = (estate("s3:GetObject"), estate("s3:*"));
    let (code, told) = diff(&narrow, &wide);
    let endpoint = said(&told, "aws_vpc_endpoint.s3");
    assert_eq!(
        (code, &endpoint["gained"], &endpoint["lost"]),
        (Some(1), &json!("something"), &json!("nothing"))
    );
    assert_eq!(said(&told, "role/app")["gained"], "nothing");
    assert_eq!(diff(&wide, &narrow).0, Some(0));
    // It neither lets anybody do anything nor keeps back what comes another way.
    let directory = in_files(&[("narrow.json", &narrow)]);
    let who =
        |action: &str| ask(directory.path(), &["who-can", action, "--state", "narrow.json"]).1;
    assert!(who("s3:PutObject").starts_with("role/app: "), "{}", who("s3:PutObject"));
    assert_eq!(who("sqs:*"), "0 of 2 can, 0 undecided\n");
}

const TEMPLATE: &str = "Resources:
  Worker:
    Type: AWS::IAM::Role
    Properties:
      RoleName: worker
      AssumeRolePolicyDocument:
        Version: '2012-10-17'
        Statement: {Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: 'sts:AssumeRole'}
      Policies:
        - PolicyName: p
          PolicyDocument:
            Version: '2012-10-17'
            Statement: {Effect: Allow, Action: 'sqs:SendMessage', Resource: '*'}
";

/// Plans, states and templates count together, as `prove` takes them.
#[test]
fn plans_states_and_templates_are_asked_about_together() {
    let state = organized("SERVICE_CONTROL_POLICY", &no_deletes(false), ACCOUNT);
    let plan = plan(&[
        (
            "aws_iam_user",
            "u",
            json!({"name": "planned", "arn": format!("arn:aws:iam::{ACCOUNT}:user/planned")}),
            json!({}),
        ),
        (
            "aws_iam_user_policy",
            "u",
            json!({"user": "planned", "policy": policy("sqs:SendMessage", "*").to_string()}),
            json!({}),
        ),
    ]);
    let directory = in_files(&[("state.json", &state), ("plan.json", &plan)]);
    fs::create_dir(directory.path().join("apps")).unwrap();
    fs::write(directory.path().join("apps/template.yaml"), TEMPLATE).unwrap();
    let names = |told: &str| -> Vec<String> {
        let all = told.lines().filter_map(|line| line.split_once(": ")).map(|(name, _)| name);
        all.map(str::to_owned).collect()
    };
    let whole = ["--state", "state.json", "--plan", "plan.json", "--templates", "apps"];
    let who =
        |files: &[&str]| ask(directory.path(), &[&["who-can", "sqs:SendMessage"], files].concat());
    let (code, told, _) = who(&whole);
    assert_eq!(
        (code, names(&told)),
        (Some(1), vec!["role/worker".to_owned(), "user/planned".to_owned()])
    );
    assert_eq!(names(&who(&whole[..4]).1), ["user/planned"]);
    assert_eq!(names(&who(&["--in", "state.json", "--templates", "apps"]).1), ["role/worker"]);
    let what = |name: &str| ask(directory.path(), &[&["what-can", name], &whole[..]].concat());
    for name in ["role/worker", "user/planned"] {
        let (code, told, _) = what(name);
        assert!(told.starts_with("`sqs:SendMessage` on "), "{told}");
        assert_eq!(code, Some(1));
    }
    assert!(what("role/app").1.starts_with("`s3:GetObject` on "), "{}", what("role/app").1);
    // Somewhere they must be, and not in two ways.
    for files in [&[][..], &["--templates", "apps"], &["--in", "state.json", "--plan", "plan.json"]]
    {
        for command in [&["who-can", "sqs:SendMessage"][..], &["what-can", "role/app"]] {
            let (code, told, _) = ask(directory.path(), &[command, files].concat());
            assert_eq!((code, told.as_str()), (Some(2), ""), "{files:?}");
        }
    }
}

/// What is given as something else is told with what to give in its place.
#[test]
fn a_template_and_a_directory_in_the_wrong_place_are_told_with_the_right_one() {
    let state = organized("SERVICE_CONTROL_POLICY", &no_deletes(false), ACCOUNT);
    let directory = in_files(&[("state.json", &state)]);
    fs::create_dir(directory.path().join("apps")).unwrap();
    fs::write(directory.path().join("apps/template.yaml"), TEMPLATE).unwrap();
    let (template, directories) = (
        "apps/template.yaml: this is a CloudFormation template, which is read beside plans, \
         states and policies alone: give its directory with `--templates` to `who-can`",
        "apps/template.yaml: a file, and `--templates` takes the directory that templates are in",
    );
    let of_a_plan = "apps: a directory, and a file is read here: `terraform show -json PLAN";
    let commands = [&["who-can", "sqs:SendMessage"][..], &["what-can", "role/worker"]];
    for command in commands {
        for (files, expected) in [
            (&["--in", "apps/template.yaml"][..], template),
            (&["--in", "apps"], template),
            (&["--plan", "apps/template.yaml"], template),
            (&["--state", "apps/template.yaml"], template),
            (&["--state", "state.json", "--templates", "apps/template.yaml"], directories),
            (&["--plan", "apps"], of_a_plan),
        ] {
            let (code, told, error) = ask(directory.path(), &[command, files].concat());
            assert_eq!((code, told.as_str()), (Some(2), ""), "{files:?}");
            assert!(error.starts_with(&format!("ringfence: {expected}")), "{error}");
        }
        // As it says.
        for files in [["--state", "state.json"], ["--in", "state.json"]] {
            let asked = [command, &files, &["--templates", "apps"]].concat();
            assert_eq!(ask(directory.path(), &asked).0, Some(1), "{asked:?}");
        }
    }
    let old = directory.path().join("apps/template.yaml");
    let output = run(&old, &directory.path().join("state.json"), &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains(": this is a CloudFormation template, "));
}

/// Of a role whose name its stack makes nobody knows what asks for a name.
#[test]
fn what_asks_for_a_name_that_nobody_knows_is_undecided() {
    let state = organized("SERVICE_CONTROL_POLICY", &no_deletes(false), ACCOUNT);
    let directory = in_files(&[("state.json", &state)]);
    fs::create_dir(directory.path().join("apps")).unwrap();
    let told = |name: &str, key: &str| {
        let template = TEMPLATE_OF_ONE.replace("NAME", name).replace("KEY", key);
        fs::write(directory.path().join("apps/template.yaml"), template).unwrap();
        let files = ["--state", "state.json", "--templates", "apps"];
        let ask = |arguments: &[&str]| ask(directory.path(), &[arguments, &files].concat()).1;
        let role = if name.is_empty() { UNNAMED } else { "role/R" };
        [ask(&["who-can", "sqs:SendMessage"]), ask(&["what-can", role])]
    };
    for found in told("", "aws:userid") {
        let why = format!("asks for a name, and that of `{UNNAMED}` is not known\n");
        assert!(found.contains(&why), "{found}");
    }
    // Its twins ask for no name, or the name is known.
    for (name, key, role) in
        [("", "aws:UserAgent", UNNAMED), ("RoleName: R, ", "aws:userid", "role/R")]
    {
        let [who, what] = told(name, key);
        assert!(who.contains(&format!("{role}: `sqs:SendMessage` on ")), "{who}");
        assert!(what.starts_with("`sqs:SendMessage` on "), "{what}");
    }
}

const UNNAMED: &str = "role/known-after-deployment.R";

const TEMPLATE_OF_ONE: &str = "Resources:
  R:
    Type: AWS::IAM::Role
    Properties:
      {NAMEAssumeRolePolicyDocument: {Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: 'sts:AssumeRole'}]}, Policies: [{PolicyName: p, PolicyDocument: {Statement: [{Effect: Allow, Action: 'sqs:SendMessage', Resource: '*', Condition: {StringNotLike: {'KEY': 'x*'}}}]}}]}
";

/// What is the same is the same whatever the name is.
#[test]
fn a_change_that_asks_for_a_name_that_nobody_knows_is_undecided() {
    let made = |name: (&str, &str), action: &str| {
        let mut own = policy(action, "*");
        own["Statement"]["Condition"] = json!({"StringNotLike": {"aws:userid": "x*"}});
        let trust = json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}});
        let role = json!({name.0: name.1, "assume_role_policy": trust.to_string(),
            "inline_policy": [{"name": "p", "policy": own.to_string()}]});
        let mut unknown = json!({"arn": true, "id": true});
        unknown["name"] = json!(name.0 != "name");
        plan(&[("aws_iam_role", "r", role, unknown)])
    };
    let gained = |name: (&str, &str), before: &str, after: &str| {
        let (_, told) = diff(&made(name, before), &made(name, after));
        let changes = told["changes"].as_array().unwrap().iter();
        let mut roles = changes.filter(|one| one["name"].as_str().unwrap().starts_with("role/"));
        roles.next().unwrap()["gained"].clone()
    };
    let (open, known) = (("name_prefix", "app-"), ("name", "app"));
    assert_eq!(gained(open, "sqs:SendMessage", "sqs:*"), "undecided");
    assert_eq!(gained(known, "sqs:SendMessage", "sqs:*"), "something");
    assert_eq!(gained(open, "sqs:*", "sqs:*"), "nothing");
}

/// What a pull request brings is told in the comment and in the log of its pipeline:
/// a name and a resource are text there, and no second answer.
#[test]
fn what_is_compared_writes_no_answer_of_its_own() {
    let directory = tempfile::tempdir().unwrap();
    let hostile = "arn:aws:s3:::b/x` on [all](https://evil.example) <details>**held**\n\n### Access\n\n1 compared for all requests: 0 may do more\n\u{9b}2J";
    let name = "p`[x](y)<img>\n0 compared.json";
    for (side, resource) in [("old", "arn:aws:s3:::b/a"), ("new", hostile)] {
        fs::create_dir(directory.path().join(side)).unwrap();
        let text = policy("s3:GetObject", resource).to_string();
        fs::write(directory.path().join(side).join(name), text).unwrap();
    }
    let [old, new] = ["old", "new"].map(|side| directory.path().join(side));
    let markdown = run(&old, &new, &["--markdown"]);
    assert_eq!(markdown.status.code(), Some(1));
    let said = text(&markdown.stdout);
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.iter().filter(|line| line.starts_with('#')).count(), 1, "{said}");
    assert_eq!(lines.iter().filter(|line| line.starts_with("- ")).count(), 2, "{said}");
    assert_eq!(
        lines[2],
        "1 compared for all requests: 1 may do more, 1 may do less, 0 undecided, 0 the same."
    );
    assert_eq!(lines[4], "**\\`p\\`\\[x\\](y)&lt;img> 0 compared\\`**", "{said}");
    for markup in ["[all](", "[x](", "<details>", "<img>", " **held**", "\u{9b}"] {
        assert!(!said.contains(markup), "{markup} in {said}");
    }
    let plain = run(&old, &new, &[]);
    let said = text(&plain.stdout);
    // The name, two lines of it, and the closing one.
    assert_eq!(said.lines().count(), 4, "{said}");
    assert!(said.contains("\\u000a\\u000a### Access\\u000a"), "{said}");
}
