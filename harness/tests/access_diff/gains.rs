//! Gains that a comparison must not lose: who asks, what stands outside of the files, and what
//! limits.

use rstest::rstest;
use serde_json::{Value, json};

use super::{ACCOUNT, ask, diff, in_files, said};

pub(super) fn of(kind: &str, name: &str, values: Value) -> Value {
    json!({"address": format!("{kind}.{name}"), "mode": "managed", "type": kind, "name": name,
        "values": values})
}

pub(super) fn state(resources: &[Value]) -> Value {
    json!({"format_version": "1.0", "values": {"root_module": {"resources": resources}}})
}

pub(super) fn document(statements: &[Value]) -> String {
    json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}

fn statement(effect: &str, action: &str) -> Value {
    json!({"Effect": effect, "Action": action, "Resource": "*"})
}

pub(super) fn allow(action: &str) -> Value {
    statement("Allow", action)
}

pub(super) fn deny(action: &str) -> Value {
    statement("Deny", action)
}

pub(super) fn of_anybody(mut statement: Value) -> Value {
    statement["Principal"] = json!("*");
    statement
}

pub(super) fn role_of(account: &str, path: &str, name: &str) -> Value {
    let trust = document(&[json!({"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"Service": "lambda.amazonaws.com"}})]);
    of(
        "aws_iam_role",
        name,
        json!({"name": name, "path": path, "assume_role_policy": trust,
        "arn": format!("arn:aws:iam::{account}:role{path}{name}")}),
    )
}

pub(super) fn role(name: &str) -> Value {
    role_of(ACCOUNT, "/", name)
}

pub(super) fn policy(role: &str, statements: &[Value]) -> Value {
    of(
        "aws_iam_role_policy",
        "p",
        json!({"name": "p", "role": role,
        "policy": document(statements)}),
    )
}

/// What is gained of an entry, and why that is not known.
pub(super) fn gained(name: &str, old: &[Value], new: &[Value]) -> (String, String) {
    let (code, told) = diff(&state(old), &state(new));
    let change = said(&told, name);
    let gained = change["gained"].as_str().unwrap().to_owned();
    let others = told["changes"].as_array().unwrap().iter();
    let any = others.into_iter().any(|one| one["gained"] != "nothing");
    assert_eq!(code, Some(i32::from(any)));
    let reason = change["reason"].as_str().unwrap_or_default().to_owned();
    (gained, reason)
}

#[rstest]
#[case::another_path(ACCOUNT, "/admin/", "aws:PrincipalArn", "undecided")]
#[case::another_account("999999999999", "/", "aws:PrincipalAccount", "undecided")]
#[case::the_same(ACCOUNT, "/", "aws:PrincipalArn", "nothing")]
#[case::nothing_asks(ACCOUNT, "/admin/", "aws:UserAgent", "nothing")]
#[case::of_the_account_nothing_asks(ACCOUNT, "/admin/", "aws:PrincipalAccount", "nothing")]
fn who_asks_on_each_side_counts(
    #[case] account: &str,
    #[case] path: &str,
    #[case] key: &str,
    #[case] expected: &str,
) {
    let mut own = allow("s3:*");
    own["Condition"] = json!({"StringLike": {key: "*9*"}});
    let own = policy("a", &[own]);
    let old = [role("a"), own.clone()];
    let (found, why) = gained("role/a", &old, &[role_of(account, path, "a"), own]);
    assert_eq!(found, expected, "{why}");
    if expected == "undecided" {
        let told = "`aws_iam_role_policy.p` asks who `role/a` is, whose ARN is another on each \
                    side, or is not known";
        assert_eq!(why, told);
    }
}

pub(super) fn arn(rest: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:{rest}")
}

pub(super) fn user(path: &str, tags: &Value) -> Value {
    of(
        "aws_iam_user",
        "u",
        json!({"name": "u", "path": path, "arn": arn(&format!("user{path}u")),
        "tags": tags, "tags_all": tags}),
    )
}

/// What is the same on both sides names, or asks for, who moves to another path.
#[rstest]
#[case::named(json!({"AWS": arn("role/x/b")}), Value::Null, "undecided")]
#[case::asked_for(
    json!({"AWS": arn("root")}),
    json!({"ArnLike": {"aws:PrincipalArn": arn("role/x/*")}}),
    "undecided"
)]
#[case::another_named(json!({"AWS": arn("role/c")}), Value::Null, "nothing")]
#[case::asked_for_on_both_sides(
    json!({"AWS": arn("root")}),
    json!({"ArnLike": {"aws:PrincipalArn": arn("role/*b")}}),
    "nothing"
)]
#[case::of_its_account(json!({"AWS": arn("root")}), Value::Null, "nothing")]
fn whom_a_trust_policy_tells_from_what_it_was_may_gain(
    #[case] principal: Value,
    #[case] condition: Value,
    #[case] expected: &str,
) {
    let mut trust = json!({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal});
    if !condition.is_null() {
        trust["Condition"] = condition;
    }
    let mut a = role("a");
    a["values"]["assume_role_policy"] = json!(document(&[trust]));
    let (old, new) = ([a.clone(), role("b")], [a, role_of(ACCOUNT, "/x/", "b")]);
    let (found, why) = gained("role/b", &old, &new);
    assert_eq!(found, expected, "{why}");
    if expected == "undecided" {
        let told = "`trust of role/a` may name, or ask for, the ARN of `role/b`, which is another \
                    on each side, on one alone, or not known";
        assert_eq!(why, told);
    }
    assert_eq!(gained("role/b", &new, &new).0, "nothing");
}

#[rstest]
#[case::an_allow(json!({"Effect": "Allow", "Principal": {"AWS": arn("user/x/u")}}), "undecided")]
#[case::a_deny_of_others(
    json!({"Effect": "Deny", "Principal": "*",
        "Condition": {"ArnNotLike": {"aws:PrincipalArn": arn("user/x/*")}}}),
    "undecided"
)]
#[case::of_another(json!({"Effect": "Allow", "Principal": {"AWS": arn("user/x/v")}}), "nothing")]
fn whom_a_buckets_policy_tells_from_what_it_was_may_gain(
    #[case] statement: Value,
    #[case] expected: &str,
) {
    let mut statement = statement;
    statement["Action"] = json!("s3:GetObject");
    statement["Resource"] = json!("arn:aws:s3:::b/*");
    let policy = json!({"bucket": "b", "policy": document(&[statement])});
    let bucket = of("aws_s3_bucket_policy", "p", policy);
    let none = json!({});
    let (old, new) = ([user("/", &none), bucket.clone()], [user("/x/", &none), bucket.clone()]);
    let (found, why) = gained("user/u", &old, &new);
    assert_eq!(found, expected, "{why}");
    // One that was not there yet.
    let (found, why) = gained("user/u", std::slice::from_ref(&bucket), &new);
    assert_eq!(found, expected, "{why}");
}

/// `aws:PrincipalTag` is the user's own tag.
#[rstest]
#[case::asked_for("aws:PrincipalTag/T", "undecided")]
#[case::another_asked_for("aws:PrincipalTag/other", "nothing")]
fn a_tag_that_a_policy_asks_for_may_be_a_gain(#[case] key: &str, #[case] expected: &str) {
    let mut own = allow("s3:PutObject");
    own["Condition"] = json!({"StringEquals": {key: "b"}});
    let own = json!({"name": "p", "user": "u", "policy": document(&[own])});
    let own = of("aws_iam_user_policy", "p", own);
    let side = |tag: &str| [user("/", &json!({"t": tag})), own.clone()];
    let (found, why) = gained("user/u", &side("a"), &side("b"));
    assert_eq!(found, expected, "{why}");
    if expected == "undecided" {
        let told = "`aws_iam_user_policy.p` asks for a tag of `user/u` that is another on each \
                    side, or not known";
        assert_eq!(why, told);
    }
    assert_eq!(gained("user/u", &side("b"), &side("b")).0, "nothing");
}

/// What a user can by its policies and its own tags, which somebody may change: what it can with
/// others alone is not decided, nor what it can where a bucket denies it by them.
#[rstest]
#[case::as_the_policy_asks(json!({"tags_all": {"Team": "b"}}), "can")]
#[case::another_value(json!({"tags_all": {"team": "a"}}), "may")]
#[case::none(json!({"tags_all": {}}), "may")]
#[case::that_the_provider_may_add(json!({"tags": {"other": "a"}}), "can")]
#[case::its_own_whatever_the_provider_adds(json!({"tags": {"team": "a"}}), "may")]
#[case::that_are_not_known(json!({}), "can")]
fn what_a_user_can_hangs_on_its_tags(#[case] tags: Value, #[case] expected: &str) {
    let mut own = user("/", &Value::Null);
    for name in ["tags", "tags_all"] {
        own["values"].as_object_mut().unwrap().remove(name);
    }
    own["values"].as_object_mut().unwrap().extend(tags.as_object().unwrap().clone());
    let team = |operator: &str, mut statement: Value| {
        statement["Condition"] = json!({operator: {"aws:PrincipalTag/team": "b"}});
        statement
    };
    let of_user = |statement: Value| {
        let policy = document(&[statement]);
        of("aws_iam_user_policy", "p", json!({"name": "p", "user": "u", "policy": policy}))
    };
    let mut denied = of_anybody(deny("s3:*"));
    denied["Resource"] = json!("arn:aws:s3:::b/*");
    let bucket = document(&[team("StringNotEquals", denied)]);
    let bucket = of("aws_s3_bucket_policy", "b", json!({"bucket": "b", "policy": bucket}));
    for resources in [
        vec![own.clone(), of_user(team("StringEquals", allow("s3:PutObject")))],
        vec![own.clone(), of_user(allow("s3:PutObject")), bucket],
    ] {
        let directory = in_files(&[("state.json", &state(&resources))]);
        let asked = ["who-can", "s3:PutObject", "arn:aws:s3:::b/x", "--state", "state.json"];
        let (code, who, error) = ask(directory.path(), &asked);
        assert_eq!((code, error.as_str()), (Some(1), ""), "{who}");
        let why = "the tags of `user/u` in the files are others than it takes";
        let first = who.lines().next().unwrap();
        match expected {
            "can" => assert!(first.starts_with("user/u: `s3:PutObject` on `arn:aws:s3:::b/x`")),
            _ => assert_eq!(
                first,
                format!(
                    "user/u: undecided: all else allows `s3:PutObject` on `arn:aws:s3:::b/x`, and \
                     {why}"
                )
            ),
        }
    }
    let all = [own, of_user(team("StringEquals", allow("s3:PutObject")))];
    let directory = in_files(&[("state.json", &state(&all))]);
    let (_, what, _) = ask(directory.path(), &["what-can", "user/u", "--state", "state.json"]);
    let can = what.lines().any(|line| line.starts_with("`s3:PutObject` on "));
    let may = "undecided: all else allows `s3:PutObject`, and the tags of `user/u` in the files \
               are others than it takes";
    let is_told = what.lines().any(|line| line == may);
    assert_eq!((can, is_told), (expected == "can", expected == "may"), "{what}");
}

#[rstest]
#[case::asked_for("ec2:ResourceTag/t", true)]
#[case::another_asked_for("aws:ResourceTag/other", false)]
#[case::of_the_request("aws:RequestTag/t", false)]
fn what_is_tagged_otherwise_may_be_acted_upon(#[case] key: &str, #[case] is_asked: bool) {
    let mut own = allow("ec2:StopInstances");
    own["Condition"] = json!({"StringEquals": {key: "b"}});
    let own = policy("a", &[own]);
    let side = |tag: &str| {
        let instance = json!({"id": "i-1", "tags": {"t": tag}, "tags_all": {"t": tag},
            "arn": format!("arn:aws:ec2:eu-west-1:{ACCOUNT}:instance/i-1")});
        state(&[role("a"), own.clone(), of("aws_instance", "i", instance)])
    };
    let (code, told) = diff(&side("a"), &side("b"));
    assert_eq!((code, is_told(&told, "aws_instance.i")), (Some(i32::from(is_asked)), is_asked));
    let (code, told) = diff(&side("b"), &side("b"));
    assert_eq!((code, is_told(&told, "aws_instance.i")), (Some(0), false));
}

fn attached() -> Value {
    let arn = format!("arn:aws:iam::{ACCOUNT}:policy/elsewhere");
    of("aws_iam_role_policy_attachment", "x", json!({"role": "a", "policy_arn": arn}))
}

/// What a policy that is not in the files allows, a Deny that goes lets through.
#[rstest]
#[case::removed(&[], "undecided")]
#[case::narrowed(&[allow("ec2:*"), deny("s3:Put*")], "undecided")]
#[case::the_same(&[allow("ec2:*"), deny("s3:*")], "nothing")]
#[case::wider(&[allow("ec2:*"), deny("s3:*"), deny("sqs:*")], "nothing")]
fn a_deny_that_goes_beside_a_policy_that_is_elsewhere(
    #[case] new: &[Value],
    #[case] expected: &str,
) {
    let old = [role("a"), attached(), policy("a", &[allow("ec2:*"), deny("s3:*")])];
    let mut after = vec![role("a"), attached()];
    after.extend((!new.is_empty()).then(|| policy("a", new)));
    let (found, why) = gained("role/a", &old, &after);
    assert_eq!(found, expected, "{why}");
    if expected == "undecided" {
        assert!(why.starts_with("one side alone keeps back `s3:"), "{why}");
        assert!(
            why.ends_with("which both sides have and is not in the files, may allow it"),
            "{why}"
        );
    }
}

/// Of who is made elsewhere the files have a part.
#[rstest]
#[case::removed(&[deny("s3:*")], &[], "undecided")]
#[case::narrowed(&[deny("s3:*")], &[deny("s3:PutObject")], "undecided")]
#[case::more(&[allow("s3:Get*")], &[allow("s3:*")], "undecided")]
#[case::the_same(&[deny("s3:*")], &[deny("s3:*")], "nothing")]
#[case::less(&[allow("s3:*")], &[allow("s3:Get*")], "nothing")]
#[case::gone(&[allow("s3:*")], &[], "nothing")]
fn who_is_made_elsewhere_may_have_more(
    #[case] old: &[Value],
    #[case] new: &[Value],
    #[case] expected: &str,
) {
    let of = |statements: &[Value]| {
        let own = (!statements.is_empty()).then(|| policy("a", statements));
        [role("other")].into_iter().chain(own).collect::<Vec<_>>()
    };
    let (found, why) = gained("role/a", &of(old), &of(new));
    assert_eq!(found, expected, "{why}");
    if expected == "undecided" {
        assert!(why.contains("what else `role/a` has"), "{why}");
    }
    // Of one that the files make all is known.
    let made = |statements: &[Value]| [of(statements), vec![role("a")]].concat();
    let (found, why) = gained("role/a", &made(old), &made(new));
    let is_more = expected == "undecided" && old[0]["Effect"] == "Allow";
    assert_eq!(found, if is_more { "something" } else { "nothing" }, "{why}");
}

#[rstest]
#[case::of_a_group(
    "aws_iam_group_policy", "policy", json!({"name": "p", "group": "g"}), "group/g",
    "what else the users of `group/g` have, may allow it"
)]
#[case::of_a_permission_set(
    "aws_ssoadmin_permission_set_inline_policy", "inline_policy",
    json!({"permission_set_arn": "x", "instance_arn": "y"}),
    "aws_ssoadmin_permission_set_inline_policy.p",
    "what else there is where `aws_ssoadmin_permission_set_inline_policy.p` counts, may allow it"
)]
fn a_part_that_denies_less_may_let_through(
    #[case] kind: &str,
    #[case] attribute: &str,
    #[case] values: Value,
    #[case] name: &str,
    #[case] told: &str,
) {
    let with = |statements: &[Value]| {
        let mut values = values.clone();
        values[attribute] = json!(document(statements));
        let arn = format!("arn:aws:iam::{ACCOUNT}:group/g");
        [
            role("a"),
            of("aws_iam_group", "g", json!({"name": "g", "arn": arn})),
            of(kind, "p", values),
        ]
    };
    let both = [allow("ec2:*"), deny("s3:*")];
    let (found, why) = gained(name, &with(&both), &with(&both[..1]));
    assert_eq!(found, "undecided");
    assert!(why.ends_with(told), "{why}");
    assert_eq!(gained(name, &with(&both), &with(&both)).0, "nothing");
    assert_eq!(gained(name, &with(&both[..1]), &with(&both)).0, "nothing");
    assert_eq!(gained(name, &with(&[allow("s3:Get*")]), &with(&[allow("s3:*")])).0, "something");
}

/// A control policy, and where it is attached.
fn control(kind: &str, statements: &[Value], target: Option<&str>) -> Vec<Value> {
    let content = document(statements);
    let mut all = vec![
        role("a"),
        policy("a", &[allow("s3:*")]),
        of(
            "aws_organizations_policy",
            "s",
            json!({"id": "p-s", "name": "s", "type": kind,
            "content": content}),
        ),
    ];
    all.extend(target.map(|target| {
        of(
            "aws_organizations_policy_attachment",
            "s",
            json!({"policy_id": "p-s",
            "target_id": target}),
        )
    }));
    all
}

const SERVICES: &str = "SERVICE_CONTROL_POLICY";
const RESOURCES: &str = "RESOURCE_CONTROL_POLICY";
const POLICY: &str = "aws_organizations_policy.s";
const UNIT: Option<&str> = Some("ou-x-1");

#[rstest]
#[case::narrowed(vec![deny("s3:*")], vec![deny("s3:Put*")], "something")]
#[case::narrowed_beside_all(
    vec![allow("*"), deny("s3:*")], vec![allow("*"), deny("s3:Put*")], "something"
)]
#[case::narrowed_beside_a_list(
    vec![allow("ec2:*"), deny("s3:*")], vec![allow("ec2:*"), deny("s3:Put*")], "undecided"
)]
#[case::widened(vec![deny("s3:Put*")], vec![deny("s3:*")], "nothing")]
#[case::a_longer_list(vec![allow("ec2:*")], vec![allow("ec2:*"), allow("s3:*")], "something")]
#[case::the_same(vec![deny("s3:*")], vec![deny("s3:*")], "nothing")]
fn what_a_control_policy_lets_through_is_compared(
    #[case] old: Vec<Value>,
    #[case] new: Vec<Value>,
    #[case] expected: &str,
) {
    let (old, new) = (control(SERVICES, &old, UNIT), control(SERVICES, &new, UNIT));
    let (found, why) = gained(POLICY, &old, &new);
    assert_eq!(found, expected, "{why}");
    // Whom it keeps back it lets through, if it counts.
    let (found, why) = gained("role/a", &old, &new);
    assert_eq!(found, if expected == "nothing" { "nothing" } else { "undecided" }, "{why}");
}

#[rstest]
#[case::of_services(SERVICES, vec![deny("s3:*")])]
#[case::with_all(SERVICES, vec![allow("*"), deny("s3:*")])]
#[case::of_resources(RESOURCES, vec![of_anybody(deny("s3:*"))])]
fn a_control_policy_that_is_gone_keeps_nothing_back(
    #[case] kind: &str,
    #[case] statements: Vec<Value>,
) {
    let bound = control(kind, &statements, UNIT);
    let free = &bound[..2];
    assert_eq!(gained(POLICY, &bound, free).0, "something");
    let (found, why) = gained("role/a", &bound, free);
    assert_eq!(found, "undecided");
    assert!(why.starts_with("one side alone may keep back `s3:"), "{why}");
    // The other way it only keeps back more.
    assert_eq!(gained(POLICY, free, &bound).0, "nothing");
    assert_eq!(gained("role/a", free, &bound).0, "nothing");
}

#[test]
fn a_control_policy_that_is_detached_may_have_kept_back() {
    let (bound, free) =
        (control(SERVICES, &[deny("s3:*")], UNIT), control(SERVICES, &[deny("s3:*")], None));
    let (found, why) = gained("role/a", &bound, &free);
    assert_eq!(found, "undecided");
    let told = "`aws_organizations_policy.s` is attached to `ou-x-1`, and whether the account is \
                under that";
    assert!(why.contains(told), "{why}");
    assert_eq!(gained("role/a", &bound, &bound).0, "nothing");
}

/// Through an endpoint whose policy is gone comes everything, and nothing through one that is
/// gone itself.
#[test]
fn the_policy_of_an_endpoint_that_is_gone_keeps_nothing_back() {
    let own =
        json!({"vpc_endpoint_id": "vpce-1", "policy": document(&[of_anybody(allow("s3:Get*"))])});
    let own = of("aws_vpc_endpoint_policy", "p", own);
    let endpoint = |policy: Option<Value>| {
        let mut values = json!({"id": "vpce-1", "service_name": "com.amazonaws.eu-west-1.s3"});
        values["policy"] = policy.map_or(Value::Null, |one| json!(document(&[one])));
        of("aws_vpc_endpoint", "e", values)
    };
    let name = "aws_vpc_endpoint_policy.p";
    let with = |more: &[&Value]| -> Vec<Value> {
        [&role("a")].into_iter().chain(more.iter().copied()).cloned().collect()
    };
    let open = endpoint(None);
    assert_eq!(gained(name, &with(&[&own]), &with(&[])).0, "something");
    assert_eq!(gained(name, &with(&[&open, &own]), &with(&[&open])).0, "something");
    assert_eq!(gained(name, &with(&[&open, &own]), &with(&[])).0, "nothing");
    assert_eq!(gained(name, &with(&[&open]), &with(&[&open, &own])).0, "nothing");
    assert_eq!(gained(name, &with(&[]), &with(&[&open, &own])).0, "something");
    // Another resource has it now, and says more.
    let narrow = endpoint(Some(of_anybody(allow("s3:Get*"))));
    let (found, why) = gained("aws_vpc_endpoint.e", &with(&[&narrow]), &with(&[&open, &own]));
    assert_eq!(
        (found.as_str(), why.as_str()),
        ("undecided", "what `aws_vpc_endpoint.e` lets through, another resource says")
    );
}

/// What a policy on one queue allows, it does not on another.
#[rstest]
#[case::a_queue("aws_sqs_queue_policy", "queue_url", ["logs", "secret"]
    .map(|name| format!("https://sqs.eu-west-1.amazonaws.com/{ACCOUNT}/{name}")), "sqs:*")]
#[case::a_key("aws_kms_key_policy", "key_id", ["k1", "k2"].map(str::to_owned), "kms:*")]
fn a_policy_that_moves_to_another_resource_lets_use_that(
    #[case] kind: &str,
    #[case] attribute: &str,
    #[case] on: [String; 2],
    #[case] action: &str,
) {
    let with = |on: &str| {
        let values = json!({attribute: on, "policy": document(&[of_anybody(allow(action))])});
        [role("a"), of(kind, "p", values)]
    };
    let name = format!("{kind}.p");
    let [one, other] = &on;
    assert_eq!(gained(&name, &with(one), &with(other)).0, "something");
    assert_eq!(gained(&name, &with(one), &with(one)).0, "nothing");
}

#[test]
fn what_a_permission_set_is_given_is_compared() {
    let part = |kind: &str, values: Value| {
        let mut values = values;
        values["instance_arn"] = json!("y");
        of(&format!("aws_ssoadmin_{kind}"), "m", values)
    };
    let managed = |set: &str, name: &str| {
        let arn = format!("arn:aws:iam::aws:policy/{name}");
        part(
            "managed_policy_attachment",
            json!({"permission_set_arn": set, "managed_policy_arn": arn}),
        )
    };
    let name = "aws_ssoadmin_managed_policy_attachment.m";
    let gained = |name: &str, old: Option<&Value>, new: Option<&Value>| {
        let with = |one: Option<&Value>| -> Vec<Value> {
            std::iter::once(role("a")).chain(one.cloned()).collect()
        };
        gained(name, &with(old), &with(new))
    };
    let (read, admin) = (managed("x", "ReadOnlyAccess"), managed("x", "AdministratorAccess"));
    assert_eq!(gained(name, None, Some(&admin)).0, "something");
    assert_eq!(gained(name, Some(&read), Some(&admin)).0, "something");
    assert_eq!(gained(name, Some(&admin), Some(&read)).0, "nothing");
    assert_eq!(gained(name, Some(&admin), Some(&admin)).0, "nothing");
    let moved = gained(name, Some(&admin), Some(&managed("z", "AdministratorAccess")));
    assert_eq!(moved.0, "undecided");
    let assigned = |to: &str| {
        part(
            "account_assignment",
            json!({"permission_set_arn": "x", "principal_id": to, "target_id": ACCOUNT}),
        )
    };
    let name = "aws_ssoadmin_account_assignment.m";
    let why = format!("{name}: who is assigned is not followed");
    let open = ("undecided".to_owned(), why);
    assert_eq!(gained(name, None, Some(&assigned("g"))), open);
    assert_eq!(gained(name, Some(&assigned("g")), Some(&assigned("h"))), open);
    assert_eq!(gained(name, Some(&assigned("g")), Some(&assigned("g"))).0, "nothing");
}

/// Whom a trust policy or a resource's policy names needs no policy of its own, and whoever
/// takes a role chooses the name of the session.
#[rstest]
#[case::by_its_role("role/a", json!([role("a"), trusting(&format!("arn:aws:iam::{ACCOUNT}:role/a"))]),
    &["`sts:AssumeRole` on `arn:aws:iam::123456789012:role/b`, by statement 1 of `aws_iam_role.b`"])]
#[case::by_a_session("role/a",
    json!([role("a"), trusting(&format!("arn:aws:sts::{ACCOUNT}:assumed-role/a/bob"))]),
    &["`sts:AssumeRole` on `arn:aws:iam::123456789012:role/b`, by statement 1 of `aws_iam_role.b`"])]
#[case::another("role/a", json!([role("a"), trusting(&format!("arn:aws:iam::{ACCOUNT}:role/c"))]), &[])]
#[case::the_account("role/a", json!([role("a"), trusting(&format!("arn:aws:iam::{ACCOUNT}:root"))]), &[])]
#[case::a_bucket_of_a_session("role/a", json!([role("a"), bucket("a/bob")]),
    &["`s3:PutObject` on `arn:aws:s3:::b/"])]
#[case::a_bucket_of_anothers("role/a", json!([role("a"), bucket("c/bob")]), &[])]
fn what_an_identity_can_by_others_policies_alone(
    #[case] who: &str,
    #[case] resources: Value,
    #[case] expected: &[&str],
) {
    let directory = in_files(&[("state.json", &state(resources.as_array().unwrap()))]);
    let (code, told, error) = ask(directory.path(), &["what-can", who, "--state", "state.json"]);
    assert_eq!((code, error.as_str()), (Some(i32::from(!expected.is_empty())), ""), "{told}");
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(lines.len(), expected.len() + 1, "{told}");
    for (line, expected) in lines.iter().zip(expected) {
        assert!(line.starts_with(expected), "{told}");
    }
}

/// Of a template's policy of which a part is not known, what is known to deny denies, and what is
/// not may.
#[rstest]
#[case::known("'arn:aws:s3:::b/*'", Some("*"), "nobody")]
#[case::known_of_another(
    "'arn:aws:s3:::b/*'",
    Some("{AWS: 'arn:aws:iam::123456789012:role/x'}"),
    "can"
)]
#[case::on_something("!ImportValue r", Some("*"), "may")]
#[case::of_somebody("'arn:aws:s3:::b/*'", Some("{AWS: !ImportValue r}"), "may")]
#[case::no_deny("", None, "can")]
fn what_a_stacks_policy_denies_in_part(
    #[case] on: &str,
    #[case] whom: Option<&str>,
    #[case] expected: &str,
) {
    let deny = whom.map_or_else(String::new, |whom| {
        let whom = if whom == "*" { "'*'" } else { whom };
        format!("{{Effect: Deny, Principal: {whom}, Action: 's3:*', Resource: {on}}}, ")
    });
    let allow_other = "{Effect: Allow, Principal: {AWS: !ImportValue o}, Action: 's3:GetObject', \
                       Resource: 'arn:aws:s3:::b/*'}";
    let template = format!(
        "Resources:\n  P:\n    Type: AWS::S3::BucketPolicy\n    Properties:\n      Bucket: b\n      \
         PolicyDocument: {{Version: '2012-10-17', Statement: [{deny}{allow_other}]}}\n"
    );
    let own = state(&[role("a"), policy("a", &[allow("s3:PutObject")])]);
    let directory = in_files(&[("state.json", &own)]);
    std::fs::create_dir(directory.path().join("apps")).unwrap();
    std::fs::write(directory.path().join("apps/template.yaml"), template).unwrap();
    let asked = ["who-can", "s3:PutObject", "arn:aws:s3:::b/x", "--state", "state.json"];
    let asked = [&asked[..], &["--templates", "apps"]].concat();
    let (_, who, error) = ask(directory.path(), &asked);
    assert_eq!(error, "");
    let line = who.lines().find_map(|line| line.strip_prefix("role/a: "));
    let found = match line {
        None => "nobody",
        Some(line) if line.starts_with("undecided: all else allows `s3:PutObject` on ") => {
            let why = ", and Resources.P: its policy is not known: it hangs on `Fn::ImportValue` of `r` (line 6)";
            assert!(line.ends_with(why), "{who}");
            "may"
        }
        Some(_) => "can",
    };
    assert_eq!(found, expected, "{who}");
}

/// What a bucket's policy lets the sessions of a user do that it federates, under session
/// policies of its making.
#[rstest]
#[case::federated("FederatedUser", Some(":federated-user/"))]
#[case::itself("User", Some(":user/alice"))]
#[case::nobody("Account", None)]
fn a_session_that_a_user_federates_is_let_in(#[case] kind: &str, #[case] who: Option<&str>) {
    let own = document(&[json!({"Effect": "Allow", "Action": "s3:GetObject",
        "Principal": {"AWS": arn("user/alice")}, "Resource": "arn:aws:s3:::b/*",
        "Condition": {"StringEquals": {"aws:PrincipalType": kind}}})]);
    let bucket = of("aws_s3_bucket_policy", "b", json!({"bucket": "b", "policy": own}));
    let directory = in_files(&[("state.json", &state(&[role("a"), bucket]))]);
    let asked = ["who-can", "s3:GetObject", "arn:aws:s3:::b/x", "--state", "state.json"];
    let (code, told, error) = ask(directory.path(), &asked);
    assert_eq!((code, error.as_str()), (Some(i32::from(who.is_some())), ""), "{told}");
    let line = told.lines().find(|line| line.starts_with("aws_s3_bucket_policy.b: "));
    assert_eq!(line.is_some(), who.is_some(), "{told}");
    assert!(line.unwrap_or_default().contains(who.unwrap_or_default()), "{told}");
}

/// A role whose trust policy names somebody.
fn trusting(whom: &str) -> Value {
    let mut role = role("b");
    role["values"]["assume_role_policy"] = json!(document(&[json!({"Effect": "Allow",
        "Action": "sts:AssumeRole", "Principal": {"AWS": whom}})]));
    role
}

/// A bucket's policy that names a session.
fn bucket(session: &str) -> Value {
    let arn = format!("arn:aws:sts::{ACCOUNT}:assumed-role/{session}");
    let own = document(&[json!({"Effect": "Allow", "Action": "s3:PutObject",
        "Principal": {"AWS": arn}, "Resource": "arn:aws:s3:::b/*"})]);
    of("aws_s3_bucket_policy", "b", json!({"bucket": "b", "policy": own}))
}

/// Who may take a role hangs on its trust policy beside the policies of who takes it.
#[rstest]
#[case::of_a_role("role/app", &[role("app")], |it: &[Value]| policy("app", it))]
#[case::of_a_group("group/g", &[], |it: &[Value]| {
    of("aws_iam_group_policy", "p", json!({"name": "p", "group": "g", "policy": document(it)}))
})]
fn what_roles_an_identity_may_take_is_compared(
    #[case] name: &str,
    #[case] whose: &[Value],
    #[case] policy: impl Fn(&[Value]) -> Value,
) {
    let of_group = of(
        "aws_iam_group",
        "g",
        json!({"name": "g", "path": "/",
        "arn": format!("arn:aws:iam::{ACCOUNT}:group/g")}),
    );
    let side = |role: &str| {
        let mut taken = allow("sts:AssumeRole");
        taken["Resource"] = json!(format!("arn:aws:iam::{ACCOUNT}:role/{role}"));
        [whose, &[of_group.clone(), policy(&[taken])]].concat()
    };
    let (found, what) = gained(name, &side("dev"), &side("admin"));
    assert_eq!(found, "something", "{what}");
    assert_eq!(gained(name, &side("admin"), &side("admin")).0, "nothing");
    assert_eq!(gained(name, &side("*"), &side("admin")).0, "nothing");
}

/// What is lost of an entry, too.
pub(super) fn sides(name: &str, old: &[Value], new: &[Value]) -> [String; 2] {
    [gained(name, old, new).0, gained(name, new, old).0]
}

fn of_role(action: &str, resource: &str) -> Value {
    json!({"Effect": "Allow", "Principal": {"AWS": format!("arn:aws:iam::{ACCOUNT}:role/a")},
        "Action": action, "Resource": resource})
}

fn queue(statements: &[Value]) -> Value {
    let values = json!({"name": "q", "arn": format!("arn:aws:sqs:eu-west-1:{ACCOUNT}:q"),
        "url": format!("https://sqs.eu-west-1.amazonaws.com/{ACCOUNT}/q"),
        "policy": document(statements)});
    of("aws_sqs_queue", "q", values)
}

pub(super) fn bucket_policy(statements: &[Value]) -> Value {
    let values = json!({"bucket": "b", "policy": document(statements)});
    of("aws_s3_bucket_policy", "b", values)
}

/// What a resource's policy does not let in any more, nobody can do because of that: not the
/// account's root user either, who may do everything else before and after.
#[rstest]
#[case::of_a_bucket("aws_s3_bucket_policy.b", bucket_policy(&[of_role("s3:GetObject", "arn:aws:s3:::b/*")]))]
#[case::of_a_queue("aws_sqs_queue.q", queue(&[of_role("sqs:SendMessage", "*")]))]
#[case::of_a_role("trust of role/b", role("b"))]
#[case::of_a_function(
    "aws_lambda_permission.p",
    of("aws_lambda_permission", "p", json!({"function_name": "f", "action": "lambda:InvokeFunction",
        "principal": "s3.amazonaws.com"}))
)]
fn who_is_not_let_in_any_more_gains_nothing(#[case] name: &str, #[case] policy: Value) {
    let (with, without) = ([role("a"), policy], [role("a")]);
    assert_eq!(sides(name, &with, &without), ["nothing", "something"]);
}

/// What it denied, others may allow.
#[test]
fn a_deny_of_a_resource_that_is_gone_is_a_gain() {
    let with = [role("a"), bucket_policy(&[of_anybody(deny("s3:GetObject"))])];
    assert_eq!(sides("aws_s3_bucket_policy.b", &with, &[role("a")]), ["something", "nothing"]);
}

/// `*` of a queue's policy is the queue.
#[test]
fn what_a_policy_says_of_other_resources_is_no_difference() {
    let name = "aws_sqs_queue.q";
    let with = |action: &str, resource: &str| [role("a"), queue(&[of_role(action, resource)])];
    let arn = format!("arn:aws:sqs:eu-west-1:{ACCOUNT}:q");
    let one = with("sqs:SendMessage", &arn);
    assert_eq!(sides(name, &one, &with("sqs:SendMessage", "*")), ["nothing", "nothing"]);
    assert_eq!(sides(name, &one, &with("*", "*")), ["something", "nothing"]);
}

#[test]
fn a_policy_that_is_of_another_resource_lets_use_that_alone() {
    let on = |key: &str| {
        let policy = document(&[of_anybody(allow("kms:Decrypt"))]);
        [role("a"), of("aws_kms_key_policy", "p", json!({"key_id": key, "policy": policy}))]
    };
    let name = "aws_kms_key_policy.p";
    assert_eq!(sides(name, &on("k1"), &on("k2")), ["something", "something"]);
    // By its ARN it is the same key.
    let arn = format!("arn:aws:kms:eu-west-1:{ACCOUNT}:key/k1");
    assert_eq!(sides(name, &on("k1"), &on(&arn)), ["nothing", "nothing"]);
}

/// Whether something is said of an entry.
fn is_told(told: &Value, name: &str) -> bool {
    told["changes"].as_array().unwrap().iter().any(|change| change["name"] == name)
}

/// A block of public access limits whom policies let in, and is no policy.
#[rstest]
#[case::less(&[true, false], &[true, true], "undecided", "nothing")]
#[case::more(&[true, true], &[true, false], "nothing", "undecided")]
#[case::none_any_more(&[], &[true, true], "undecided", "nothing")]
fn a_block_of_public_access_that_changes_is_told(
    #[case] new: &[bool],
    #[case] old: &[bool],
    #[case] gained: &str,
    #[case] lost: &str,
) {
    let bucket = of("aws_s3_bucket", "b", json!({"bucket": "b", "arn": "arn:aws:s3:::b"}));
    let side = |kind: &str, whose: &Value, keeps: &[bool]| {
        let mut all = vec![role("app"), bucket.clone()];
        if let [ignore, restrict] = keeps {
            let mut own = whose.clone();
            own["ignore_public_acls"] = json!(ignore);
            own["restrict_public_buckets"] = json!(restrict);
            all.push(of(kind, "k", own));
        }
        state(&all)
    };
    for (kind, whose) in [
        ("aws_s3_bucket_public_access_block", json!({"bucket": "b"})),
        ("aws_s3_account_public_access_block", json!({"account_id": ACCOUNT})),
    ] {
        let name = format!("{kind}.k");
        let (code, told) = diff(&side(kind, &whose, old), &side(kind, &whose, new));
        let block = said(&told, &name);
        assert_eq!((&block["gained"], &block["lost"]), (&json!(gained), &json!(lost)));
        assert_eq!(code, Some(i32::from(gained == "undecided")));
        let (code, told) = diff(&side(kind, &whose, old), &side(kind, &whose, old));
        assert_eq!((code, is_told(&told, &name)), (Some(0), false));
    }
    // With its bucket it is made, and goes away.
    let (kind, whose) = ("aws_s3_bucket_public_access_block", json!({"bucket": "b"}));
    let (code, told) = diff(&side(kind, &whose, &[true, true]), &state(&[role("app")]));
    assert_eq!((code, is_told(&told, "aws_s3_bucket_public_access_block.k")), (Some(0), false));
}

/// A token becomes a role where its provider takes the audience, whatever the trust policy asks.
#[rstest]
#[case::one_more(&["a", "b"], "undecided", "nothing")]
#[case::another(&["b"], "undecided", "undecided")]
#[case::one_less(&[], "nothing", "undecided")]
fn another_audience_of_a_provider_is_told(
    #[case] new: &[&str],
    #[case] gained: &str,
    #[case] lost: &str,
) {
    let side = |audiences: &[&str]| {
        let provider = json!({"url": "https://idp.example", "client_id_list": audiences});
        state(&[role("app"), of("aws_iam_openid_connect_provider", "o", provider)])
    };
    let (code, told) = diff(&side(&["a"]), &side(new));
    let provider = said(&told, "aws_iam_openid_connect_provider.o");
    assert_eq!((&provider["gained"], &provider["lost"]), (&json!(gained), &json!(lost)));
    assert_eq!(code, Some(i32::from(gained == "undecided")));
    let (code, told) = diff(&side(&["a"]), &side(&["a"]));
    assert_eq!((code, is_told(&told, "aws_iam_openid_connect_provider.o")), (Some(0), false));
}
