//! What a role had, as its own lists and its owners' attachments tell it, and what a plan
//! leaves of that.

use rstest::rstest;
use serde_json::{Value, json};

use crate::plans::{change, configured, of_a_rail, plan, writes};
use crate::shop::{document, iam};

fn reads() -> String {
    document(&[json!({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"})])
}

pub(crate) fn denies() -> String {
    document(&[json!({"Effect": "Deny", "Action": "s3:*", "Resource": "*"})])
}

pub(crate) fn reader(lists: &Value) -> Value {
    let trust = document(&[json!({"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"AWS": iam("root")}})]);
    let mut role =
        json!({"name": "reader", "arn": iam("role/reader"), "assume_role_policy": trust});
    for (name, value) in lists.as_object().unwrap() {
        role[name] = value.clone();
    }
    role
}

/// A change from something to something else; from nothing to what is made, and to nothing.
pub(crate) fn from(address: &str, before: Value, after: Value) -> Value {
    let actions = match (before.is_null(), after.is_null()) {
        (false, true) => "delete",
        (true, _) => "create",
        _ if before == after => "no-op",
        _ => "update",
    };
    let mut change = change(address, after, json!({}));
    change["change"]["actions"] = json!([actions]);
    change["change"]["before"] = before;
    change
}

/// The reader as it is, with lists that a plan leaves alone.
pub(crate) fn unchanged(lists: &Value) -> Value {
    from(READER, reader(lists), reader(lists))
}

pub(crate) fn inline(name: &str, document: String) -> Value {
    json!({"role": "reader", "name": name, "policy": document})
}

pub(crate) const READER: &str = "aws_iam_role.reader";
const OWN: &str = "aws_iam_role_policy.own";

/// The provider lists with a role whatever inline policy it had, whoever makes it.
#[rstest]
#[case::taken_away_that_denied(denies(), Value::Null, "violated")]
#[case::taken_away_that_allowed(writes(), Value::Null, "violated")]
#[case::changed_that_denied(denies(), inline("own", reads()), "violated")]
#[case::unchanged_that_denies(denies(), inline("own", denies()), "proved")]
#[case::renamed_that_denied(denies(), inline("other", reads()), "violated")]
fn a_plan_leaves_no_inline_policy_that_it_takes_away(
    #[case] had: String,
    #[case] has: Value,
    #[case] verdict: &str,
) {
    let lists = json!({"inline_policy": [{"name": "own", "policy": had}]});
    let all = [
        unchanged(&lists),
        from(OWN, inline("own", had), has),
        from("aws_iam_role_policy.more", Value::Null, inline("more", writes())),
    ];
    assert_eq!(of_a_rail(&plan(&all, &[]), &[]).0, verdict);
}

/// What is allowed no more is not violated: the change that mends it is proved.
#[rstest]
#[case::taken_away(Value::Null, "proved")]
#[case::made_less(inline("own", reads()), "proved")]
#[case::left(inline("own", writes()), "violated")]
fn a_plan_that_takes_an_inline_policy_away_is_proved(#[case] has: Value, #[case] verdict: &str) {
    let lists = json!({"inline_policy": [{"name": "own", "policy": writes()}]});
    let all = [unchanged(&lists), from(OWN, inline("own", writes()), has)];
    assert_eq!(of_a_rail(&plan(&all, &[]), &[]).0, verdict);
}

/// What nothing of the files made, or made it in another role, stays.
#[rstest]
#[case::of_nobody(&[])]
#[case::of_another_role(&[from(
    OWN,
    json!({"role": "deployer", "name": "own", "policy": denies()}),
    Value::Null
)])]
fn an_inline_policy_that_a_plan_leaves_alone_stays(#[case] more: &[Value]) {
    let lists = |policy| json!({"inline_policy": [{"name": "own", "policy": policy}]});
    let written = from("aws_iam_role_policy.more", Value::Null, inline("more", writes()));
    let all = [&[unchanged(&lists(denies())), written], more].concat();
    assert_eq!(of_a_rail(&plan(&all, &[]), &[]).0, "proved");
    let all = [&[unchanged(&lists(writes()))], more].concat();
    assert_eq!(of_a_rail(&plan(&all, &[]), &[]).0, "violated");
}

pub(crate) fn attached() -> Value {
    json!({"role": "reader", "policy_arn": iam("policy/m")})
}

/// The same of managed policies, by each resource that attaches them.
#[rstest]
#[case::by_an_attachment("aws_iam_role_policy_attachment.a", attached(), Value::Null)]
#[case::by_one_that_is_moved_to_another_role(
    "aws_iam_role_policy_attachment.a",
    attached(),
    json!({"role": "worker", "policy_arn": iam("policy/m")})
)]
#[case::by_one_of_several_roles(
    "aws_iam_policy_attachment.a",
    json!({"roles": ["reader", "worker"], "policy_arn": iam("policy/m")}),
    json!({"roles": ["worker"], "policy_arn": iam("policy/m")})
)]
#[case::by_a_list_of_all(
    "aws_iam_role_policy_attachments_exclusive.a",
    json!({"role_name": "reader", "policy_arns": [iam("policy/m")]}),
    json!({"role_name": "reader", "policy_arns": []})
)]
fn a_plan_leaves_no_managed_policy_that_it_detaches(
    #[case] address: &str,
    #[case] before: Value,
    #[case] after: Value,
) {
    let lists = json!({"managed_policy_arns": [iam("policy/m")]});
    let verdict = |document: String, after: &Value| {
        let policy = json!({"arn": iam("policy/m"), "name": "m", "policy": document});
        let mut all = vec![
            unchanged(&lists),
            from("aws_iam_policy.m", policy.clone(), policy),
            from(address, before.clone(), after.clone()),
        ];
        if document.contains("Deny") {
            all.push(from("aws_iam_role_policy.more", Value::Null, inline("more", writes())));
        }
        of_a_rail(&plan(&all, &[]), &[]).0
    };
    assert_eq!(
        (verdict(denies(), &before), verdict(writes(), &before)),
        text("proved", "violated")
    );
    assert_eq!((verdict(denies(), &after), verdict(writes(), &after)), text("violated", "proved"));
}

fn text(one: &str, other: &str) -> (String, String) {
    (one.to_owned(), other.to_owned())
}

/// A list that the configuration gives takes away what others attach; which of both will be,
/// nobody knows.
#[rstest]
#[case::of_one_role("aws_iam_role_policy_attachment.a", attached())]
#[case::of_several(
    "aws_iam_policy_attachment.a",
    json!({"roles": ["reader", "worker"], "policy_arn": iam("policy/m")})
)]
fn what_a_changed_list_takes_away_is_undecided(#[case] by: &str, #[case] given: Value) {
    let policy = json!({"arn": iam("policy/m"), "name": "m", "policy": denies()});
    let told = |after: &Value| {
        let before = json!({"managed_policy_arns": [iam("policy/m")]});
        let all = [
            from("aws_iam_role.reader", reader(&before), reader(after)),
            from("aws_iam_policy.m", policy.clone(), policy.clone()),
            from(by, given.clone(), given.clone()),
            from("aws_iam_role_policy.more", Value::Null, inline("more", writes())),
        ];
        of_a_rail(&plan(&all, &[]), &[])
    };
    assert_eq!(told(&json!({"managed_policy_arns": [iam("policy/m")]})).0, "proved");
    let (verdict, why) = told(&json!({"managed_policy_arns": []}));
    assert_eq!(verdict, "undecided");
    let taken = format!(
        "`{by}` gives it `arn:aws:iam::123456789012:policy/m`, which `managed_policy_arns` of \
         `aws_iam_role.reader` takes away"
    );
    assert!(why.ends_with(&taken), "{why}");
}

/// One that is made attaches, and takes nothing from whom it does not name
/// (`resourcePolicyAttachmentCreate` of
/// <https://github.com/hashicorp/terraform-provider-aws/blob/main/internal/service/iam/policy_attachment.go>).
#[test]
fn an_attachment_that_is_made_leaves_what_others_have() {
    let policy = json!({"arn": iam("policy/m"), "name": "m", "policy": writes()});
    let others = json!({"roles": ["worker"], "policy_arn": iam("policy/m")});
    let all = [
        unchanged(&json!({"managed_policy_arns": [iam("policy/m")]})),
        from("aws_iam_policy.m", policy.clone(), policy),
        from("aws_iam_policy_attachment.b", Value::Null, others),
    ];
    let told = of_a_rail(&plan(&all, &[]), &[]);
    assert_eq!(told, text("violated", "role/reader"));
}

/// What an attachment names now it did not name before.
#[test]
fn an_attachment_took_from_the_role_that_it_named() {
    let policy = json!({"arn": iam("policy/m"), "name": "m", "policy": writes()});
    let other = json!({"arn": iam("policy/n"), "name": "n", "policy": reads()});
    let told = |before: &str| {
        let had = json!({"role": before, "policy_arn": iam("policy/m")});
        let has = json!({"role": "reader", "policy_arn": iam("policy/n")});
        let all = [
            unchanged(&json!({"managed_policy_arns": [iam("policy/m")]})),
            from("aws_iam_policy.m", policy.clone(), policy.clone()),
            from("aws_iam_policy.n", other.clone(), other.clone()),
            from("aws_iam_role_policy_attachment.a", had, has),
        ];
        let references = json!(["aws_iam_role.reader.name", "aws_iam_role.reader"]);
        let written = configured(
            "aws_iam_role_policy_attachment.a",
            json!({"role": {"references": references}}),
        );
        of_a_rail(&plan(&all, &[written]), &[])
    };
    assert_eq!(told("worker"), text("violated", "role/reader"));
    assert_eq!(told("reader").0, "proved");
}

/// An attachment of this kind is the only one of its policy.
#[rstest]
#[case::that_names_it(&["reader", "worker"], "proved")]
#[case::that_does_not(&["worker"], "undecided")]
fn what_an_exclusive_attachment_takes_away_is_undecided(
    #[case] roles: &[&str],
    #[case] verdict: &str,
) {
    let all = [
        change("aws_iam_role.reader", reader(&json!({})), json!({})),
        change(
            "aws_iam_policy.m",
            json!({"arn": iam("policy/m"), "name": "m", "policy": denies()}),
            json!({}),
        ),
        change("aws_iam_role_policy_attachment.a", attached(), json!({})),
        change(
            "aws_iam_policy_attachment.b",
            json!({"roles": roles, "policy_arn": iam("policy/m")}),
            json!({}),
        ),
        change("aws_iam_role_policy.more", inline("more", writes()), json!({})),
    ];
    let (told, why) = of_a_rail(&plan(&all, &[]), &[]);
    assert_eq!(told, verdict);
    assert!(told == "proved" || why.ends_with("`aws_iam_policy_attachment.b` takes away"), "{why}");
}

/// Of an identity that is made elsewhere the files tell a part.
#[test]
fn what_else_an_identity_has_that_is_not_in_the_files_is_not_known() {
    let given = change("aws_iam_role_policy.more", inline("more", reads()), json!({}));
    let made = change("aws_iam_role.reader", reader(&json!({})), json!({}));
    let told = |all: &[Value]| of_a_rail(&plan(all, &[]), &[]);
    assert_eq!(told(&[made, given.clone()]).0, "proved");
    let (verdict, why) = told(&[given]);
    assert_eq!(verdict, "undecided");
    assert!(why.ends_with("what else `role/reader` has, which is not in the files"), "{why}");
}

/// Nor what else a group has that hands it on.
#[test]
fn what_else_a_group_has_that_is_not_in_the_files_is_not_known() {
    let group = change("aws_iam_group.g", json!({"name": "g", "arn": iam("group/g")}), json!({}));
    let policy = json!({"group": "g", "name": "p", "policy": reads()});
    let rest = [
        change("aws_iam_user.u", json!({"name": "u", "arn": iam("user/u")}), json!({})),
        change("aws_iam_group_policy.p", policy, json!({})),
        change("aws_iam_user_group_membership.m", json!({"user": "u", "groups": ["g"]}), json!({})),
    ];
    let told = |all: &[Value]| of_a_rail(&plan(all, &[]), &[]);
    assert_eq!(told(&[std::slice::from_ref(&group), &rest].concat()).0, "proved");
    let (verdict, why) = told(&rest);
    assert_eq!(verdict, "undecided");
    assert!(why.ends_with("what else `group/g` has, which is not in the files"), "{why}");
}

/// IAM does not tell names apart by case.
#[rstest]
#[case("reader")]
#[case("READER")]
fn a_name_is_the_same_in_capitals(#[case] name: &str) {
    let all = [
        change("aws_iam_role.reader", reader(&json!({})), json!({})),
        change(
            "aws_iam_role_policy.p",
            json!({"role": name, "name": "p", "policy": writes()}),
            json!({}),
        ),
    ];
    let told = of_a_rail(&plan(&all, &[]), &[]);
    assert_eq!(told, text("violated", "role/reader"));
}

/// A list of all inline policies takes away what it does not name, denials as well.
#[rstest]
#[case::that_names_it(&["own", "more"], "proved")]
#[case::that_does_not(&["more"], "undecided")]
fn what_a_list_of_all_takes_away_denies_nothing(#[case] names: &[&str], #[case] verdict: &str) {
    let all = [
        change("aws_iam_role.reader", reader(&json!({})), json!({})),
        change(OWN, inline("own", denies()), json!({})),
        change("aws_iam_role_policy.more", inline("more", writes()), json!({})),
        change(
            "aws_iam_role_policies_exclusive.e",
            json!({"role_name": "reader", "policy_names": names}),
            json!({}),
        ),
    ];
    assert_eq!(of_a_rail(&plan(&all, &[]), &[]).0, verdict);
}
