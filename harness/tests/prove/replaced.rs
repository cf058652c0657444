//! What is not given for sure: by what a plan leaves alone on what it makes anew, beside what
//! takes it away, under one name twice, and in another account.

use std::fs;

use rstest::rstest;
use serde_json::{Value, json};

use crate::lists::{READER, attached, denies, from, inline, reader, unchanged};
use crate::plans::{change, configured, of_a_rail, plan, writes};
use crate::shop::{document, estate, iam, rail, run, text, verdict_of};

const OWN: &str = "aws_iam_role_policy.own";
const MORE: &str = "aws_iam_role_policy.more";

fn with_actions(mut change: Value, actions: &Value) -> Value {
    change["change"]["actions"] = actions.clone();
    change
}

/// A policy that allows, which the reader is given.
fn more() -> Value {
    from(MORE, Value::Null, inline("more", writes()))
}

fn of_reader(address: &str) -> Value {
    let references = json!({"references": ["aws_iam_role.reader.name", READER]});
    configured(address, json!({"role": references}))
}

/// With a role goes what it was given; what is made after it is there.
#[rstest]
#[case::left(json!(["no-op"]), &[OWN, MORE], Some(()))]
#[case::changed(json!(["update"]), &[OWN, MORE], Some(()))]
#[case::made_anew(json!(["delete", "create"]), &[OWN, MORE], None)]
#[case::made_anew_at_any_time(json!(["delete", "create"]), &[MORE], Some(()))]
fn what_a_role_that_is_made_anew_was_given_may_be_gone(
    #[case] actions: Value,
    #[case] after: &[&str],
    #[case] may_be_gone: Option<()>,
) {
    let told = |of_role: &Value| {
        let role = |path: &str| {
            let mut role = reader(&json!({}));
            role["path"] = json!(path);
            role
        };
        let own = from(OWN, inline("own", denies()), inline("own", denies()));
        let all = [
            with_actions(from(READER, role("/"), role("/x/")), of_role),
            with_actions(own, &actions),
            more(),
        ];
        let written: Vec<Value> = after.iter().map(|address| of_reader(address)).collect();
        of_a_rail(&plan(&all, &written), &[])
    };
    assert_eq!(told(&json!(["update"])).0, "proved");
    let (verdict, why) = told(&json!(["delete", "create"]));
    match may_be_gone {
        None => assert_eq!(verdict, "proved"),
        Some(()) => {
            assert_eq!(verdict, "undecided");
            let gone = format!(
                "`{READER}` is destroyed or made anew, and `{OWN}` need not be made after that: \
                 whether `role/reader` has it then is not known"
            );
            assert!(why.ends_with(&gone), "{why}");
        }
    }
}

fn identity(word: &str, name: &str, actions: &Value) -> Value {
    let value = json!({"name": name, "arn": iam(&format!("{word}/{name}"))});
    with_actions(from(&format!("aws_iam_{word}.{name}"), value.clone(), value), actions)
}

/// A user that writes, in a group that does not.
fn in_a_group(actions: &Value, membership: &[Value]) -> (String, String) {
    let of_group = json!({"group": "g", "name": "d", "policy": denies()});
    let of_user = json!({"user": "bob", "name": "more", "policy": writes()});
    let mut all = vec![
        identity("user", "bob", actions),
        identity("user", "alice", &json!(["no-op"])),
        identity("group", "g", &json!(["no-op"])),
        from("aws_iam_group_policy.d", of_group.clone(), of_group),
        from("aws_iam_user_policy.more", Value::Null, of_user),
    ];
    all.extend(membership.iter().cloned());
    of_a_rail(&plan(&all, &[]), &[])
}

fn bobs() -> Value {
    let value = json!({"user": "bob", "groups": ["g"]});
    from("aws_iam_user_group_membership.bob", value.clone(), value)
}

/// A user that is made anew is in no group that the plan does not put it into.
#[test]
fn a_user_that_is_made_anew_may_be_in_no_group() {
    assert_eq!(in_a_group(&json!(["no-op"]), &[bobs()]).0, "proved");
    let (verdict, why) = in_a_group(&json!(["delete", "create"]), &[bobs()]);
    assert_eq!(verdict, "undecided");
    assert!(why.ends_with("whether `user/bob` has it then is not known"), "{why}");
}

/// What lists a group's users takes out those that it lists no more, whoever put them in.
#[rstest]
#[case::that_lists_it_no_more(&["alice", "bob"], &["alice"], "undecided")]
#[case::that_lists_it_still(&["alice", "bob"], &["bob"], "proved")]
#[case::that_never_did(&["alice"], &[], "proved")]
fn a_membership_takes_others_out_of_the_group(
    #[case] before: &[&str],
    #[case] after: &[&str],
    #[case] verdict: &str,
) {
    let users = |users: &[&str]| json!({"name": "m", "group": "g", "users": users});
    let listed = from("aws_iam_group_membership.m", users(before), users(after));
    let (told, why) = in_a_group(&json!(["no-op"]), &[listed, bobs()]);
    assert_eq!(told, verdict);
    let taken = "what `aws_iam_group_membership.m` made is taken away, and \
                 `aws_iam_user_group_membership.bob` makes the same: which of the two comes last \
                 is not known (`moved` keeps it)";
    assert!(told == "proved" || why.ends_with(taken), "{why}");
}

fn managed() -> Value {
    let policy = json!({"arn": iam("policy/m"), "name": "m", "policy": denies()});
    from("aws_iam_policy.m", policy.clone(), policy)
}

fn attachment(address: &str, roles: &[&str]) -> Value {
    let value = json!({"roles": roles, "policy_arn": iam("policy/m"), "name": "x"});
    from(address, value.clone(), value)
}

/// What attaches a policy alone takes it from whom others give it to, in whichever file.
#[rstest]
#[case::by_another_of_its_kind(attachment("aws_iam_policy_attachment.other", &["reader"]))]
#[case::by_a_list_of_all(from(
    "aws_iam_role_policy_attachments_exclusive.other",
    Value::Null,
    json!({"role_name": "reader", "policy_arns": [iam("policy/m")]})
))]
#[case::by_an_attachment(from("aws_iam_role_policy_attachment.other", Value::Null, attached()))]
fn what_is_attached_alone_is_taken_from_all_others(#[case] other: Value) {
    let told = |roles: &[&str], is_apart: bool| {
        let alone = attachment("aws_iam_policy_attachment.alone", roles);
        let mut here = vec![unchanged(&json!({})), managed(), more()];
        let mut there = json!({"format_version": "1.2", "resource_changes": [other.clone()]});
        match is_apart {
            true => here.push(alone),
            false => {
                here.extend([other.clone(), alone]);
                there["resource_changes"] = json!([]);
            }
        }
        of_two(&plan(&here, &[]), &there)
    };
    for is_apart in [false, true] {
        assert_eq!(told(&["reader", "worker"], is_apart).0, "proved");
        let (verdict, why) = told(&["worker"], is_apart);
        assert_eq!(verdict, "undecided");
        let taken = "gives it `arn:aws:iam::123456789012:policy/m`, which \
                     `aws_iam_policy_attachment.alone` takes away";
        assert!(why.ends_with(taken), "{why}");
    }
}

const RULE: &str = r#"
[[guard_rail]]
id = "data"
title = "nobody writes data"
who = ["role/reader"]
actions = ["s3:PutObject"]
resources = ["arn:aws:s3:::data/*"]
legitimate = { identity = "role/worker", action = "s3:PutObject", resource = "arn:aws:s3:::data/x" }
"#;

/// The verdict of a rail about two files, and why.
fn of_two(one: &Value, other: &Value) -> (String, String) {
    let directory = estate(one);
    let config = directory.path().join("ringfence.toml");
    let written = fs::read_to_string(&config).unwrap() + RULE;
    fs::write(&config, written).unwrap();
    fs::write(directory.path().join("other.json"), other.to_string()).unwrap();
    let flags = ["--plan", "state.json", "--plan", "other.json", "--json"];
    let output = run(directory.path(), &flags);
    assert_eq!(text(&output.stderr), "");
    let lines = text(&output.stdout).lines();
    let lines: Vec<Value> = lines.map(|line| serde_json::from_str(line).unwrap()).collect();
    let rail = rail(&lines, "nobody writes data");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (text(&rail["verdict"]), text(&rail["undecided"][0]["reason"]))
}

/// Of two inline policies of one name one is there in the end.
#[rstest]
#[case::of_two_names("other", denies(), "proved")]
#[case::that_say_the_same("own", denies(), "proved")]
#[case::that_differ("own", document(&[json!({"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"})]), "undecided")]
fn inline_policies_of_one_name_overwrite_each_other(
    #[case] name: &str,
    #[case] other: String,
    #[case] verdict: &str,
) {
    let all = [
        unchanged(&json!({})),
        from(OWN, Value::Null, inline("own", denies())),
        from("aws_iam_role_policy.other", Value::Null, inline(name, other)),
        more(),
    ];
    let (told, why) = of_a_rail(&plan(&all, &[]), &[]);
    assert_eq!(told, verdict);
    let which = "`aws_iam_role_policy.other` and `aws_iam_role_policy.own` make the inline policy \
                 `own` of `role/reader`: which of them is there is not known";
    let swapped = "`aws_iam_role_policy.own` and `aws_iam_role_policy.other` make the inline policy \
                   `own` of `role/reader`: which of them is there is not known";
    assert!(told == "proved" || why.ends_with(which) || why.ends_with(swapped), "{why}");
}

/// A plan that only refreshes has all that there is in the state that it was made against.
#[rstest]
#[case::writes(writes(), "violated")]
#[case::denies(denies(), "proved")]
fn a_plan_that_only_refreshes_says_what_there_is(#[case] policy: String, #[case] verdict: &str) {
    let resource = |address: &str, values: Value| {
        let kind = address.split('.').next().unwrap();
        json!({"address": address, "mode": "managed", "type": kind, "values": values})
    };
    let before = json!({"root_module": {"resources": [resource(OWN, inline("own", policy))]}});
    let refreshed = json!({"format_version": "1.2", "planned_values": {"root_module": {}},
        "prior_state": {"format_version": "1.0", "values": before}, "complete": true,
        "applyable": false, "errored": false, "configuration": {"root_module": {}}});
    let role = plan(&[unchanged(&json!({}))], &[]);
    assert_eq!(of_two(&role, &refreshed).0, verdict);
}

/// Each account may have a role of a name.
#[rstest]
#[case::of_its_account("aws", None, "proved")]
#[case::of_one_that_is_not_known("aws.b", None, "undecided")]
#[case::of_another("aws.b", Some("999999999999"), "violated")]
#[case::of_the_same_by_another_configuration("aws.b", Some("123456789012"), "proved")]
fn a_policy_of_another_account_is_not_the_roles(
    #[case] key: &str,
    #[case] account: Option<&str>,
    #[case] verdict: &str,
) {
    let mut all =
        vec![unchanged(&json!({})), from(OWN, Value::Null, inline("own", denies())), more()];
    let mut written = vec![of_reader(MORE), configured(READER, json!({}))];
    written.iter_mut().for_each(|one| one["provider_config_key"] = json!("aws"));
    let mut of = |address: &str, key: &str| {
        let mut own = configured(address, json!({}));
        own["provider_config_key"] = json!(key);
        written.push(own);
    };
    of(OWN, key);
    if let Some(account) = account {
        let topic = "aws_sns_topic.t";
        let arn = format!("arn:aws:sns:eu-west-1:{account}:t");
        all.push(change(topic, json!({"name": "t", "arn": arn}), json!({})));
        of(topic, "aws.b");
    }
    let mut plan = plan(&all, &written);
    let provider = |key: &str| {
        let expressions = json!({"region": {"constant_value": "eu-west-1"},
            "access_key": {"constant_value": key}});
        json!({"name": "aws", "expressions": expressions})
    };
    plan["configuration"]["provider_config"] =
        json!({"aws": provider("x"), "aws.b": provider("y")});
    let (told, why) = of_a_rail(&plan, &[]);
    assert_eq!(told, verdict);
    let doubt = format!("whether `{OWN}` is of the account of `role/reader` is not known");
    assert!(told != "undecided" || why.ends_with(&doubt), "{why}");
}

/// The same of two files.
#[rstest]
#[case::of_its_account("123456789012", "proved")]
#[case::of_another("999999999999", "violated")]
fn a_policy_of_a_file_of_another_account_is_not_the_roles(
    #[case] account: &str,
    #[case] verdict: &str,
) {
    let arn = format!("arn:aws:sns:eu-west-1:{account}:t");
    let topic = change("aws_sns_topic.t", json!({"name": "t", "arn": arn}), json!({}));
    let own = from(OWN, Value::Null, inline("own", denies()));
    let other = json!({"format_version": "1.2", "resource_changes": [topic, own]});
    assert_eq!(of_two(&plan(&[unchanged(&json!({})), more()], &[]), &other).0, verdict);
}

/// Of a trust policy that is not known nobody knows whether code runs as the role.
#[rstest]
#[case::not_known(None, "undecided")]
#[case::of_functions(Some("lambda.amazonaws.com"), "violated")]
#[case::of_machines(Some("ec2.amazonaws.com"), "proved")]
fn a_role_whose_trust_policy_is_not_known_may_run_code(
    #[case] service: Option<&str>,
    #[case] verdict: &str,
) {
    let mut role = json!({"name": "fn", "arn": iam("role/fn")});
    if let Some(service) = service {
        let trust = document(&[json!({"Effect": "Allow", "Action": "sts:AssumeRole",
            "Principal": {"Service": service}})]);
        role["assume_role_policy"] = json!(trust);
    }
    let unknown = json!({"assume_role_policy": service.is_none()});
    let directory = estate(&plan(&[change("aws_iam_role.fn", role, unknown)], &[]));
    let output = run(directory.path(), &["--plan", "state.json", "--json"]);
    let lines = text(&output.stdout).lines();
    let lines: Vec<Value> = lines.map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(verdict_of(&lines, "the boundary caps running code"), verdict);
}

/// Nobody has another's id.
#[rstest]
#[case::its_own("AROAX:*", json!("AROAX"), "violated")]
#[case::anothers("AROAY:*", json!("AROAX"), "proved")]
#[case::one_of_nobody_knows_whom("AROAY:*", Value::Null, "violated")]
fn a_policy_under_an_id_is_asked_of_the_identity_with_it(
    #[case] asked: &str,
    #[case] id: Value,
    #[case] verdict: &str,
) {
    let mut role = reader(&json!({}));
    role["unique_id"] = id;
    let policy = document(&[json!({"Effect": "Allow", "Action": "s3:PutObject",
        "Resource": "arn:aws:s3:::data/*", "Condition": {"StringLike": {"aws:userid": asked}}})]);
    let all = [change(READER, role, json!({})), from(OWN, Value::Null, inline("own", policy))];
    assert_eq!(of_a_rail(&plan(&all, &[]), &[]).0, verdict);
}
