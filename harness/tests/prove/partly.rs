//! Policies of which a part is known after apply only: what is known of them counts, and of the
//! rest the most that it may be.

use rstest::rstest;
use serde_json::{Value, json};

use crate::plans::writes;
use crate::plans::{change, configured, of_a_rail, plan};
use crate::shop::{document, iam, rail, text};

/// A resource whose ARN and id nothing determines.
pub(crate) const POOL: &str = "aws_cognito_user_pool.u";

/// The Terraform files of a plan: its resources, but for one that is written so.
pub(crate) fn files(plan: &Value, written: &[(&str, &str)]) -> String {
    let all = plan["resource_changes"].as_array().unwrap();
    let addresses = all.iter().map(|one| one["address"].as_str().unwrap());
    let blocks = addresses.map(|address| {
        let (keyword, rest) = match address.strip_prefix("data.") {
            Some(rest) => ("data", rest),
            None => ("resource", address),
        };
        let (kind, name) = rest.split_once('.').unwrap();
        let body = written.iter().find(|(own, _)| *own == address).map_or("", |(_, body)| body);
        format!("{keyword} \"{kind}\" \"{name}\" {{\n{body}\n}}\n")
    });
    blocks.collect()
}

/// What the expressions of a text refer to, as a plan has it.
pub(crate) fn references(written: &str) -> Value {
    let mut all = Vec::new();
    for name in ["arn", "id"] {
        if written.contains(&format!("{POOL}.{name}")) {
            all.extend([format!("{POOL}.{name}"), POOL.to_owned()]);
        }
    }
    if written.contains("local.made") {
        all.push("local.made".to_owned());
    }
    json!({"references": all})
}

fn reader() -> Value {
    let trust = document(&[json!({"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"AWS": iam("root")}})]);
    json!({"name": "reader", "arn": iam("role/reader"), "assume_role_policy": trust})
}

/// The verdict about who writes data, where a role has a policy that is written so.
fn with_policy(policy: &str) -> (String, String) {
    with_policy_beside(policy, "")
}

fn with_policy_beside(policy: &str, beside: &str) -> (String, String) {
    let plan = plan(
        &[
            change("aws_iam_role.reader", reader(), json!({})),
            change(POOL, json!({}), json!({"arn": true, "id": true})),
            change("aws_iam_role_policy.p", json!({"role": "reader"}), json!({"policy": true})),
        ],
        &[configured("aws_iam_role_policy.p", json!({"policy": references(policy)}))],
    );
    let body = format!("  policy = {policy}");
    let main = files(&plan, &[("aws_iam_role_policy.p", &body)]) + beside;
    of_a_rail(&plan, &[("main.tf", &main)])
}

pub(crate) fn encoded(statements: &str) -> String {
    format!("jsonencode({{ Version = \"2012-10-17\", Statement = [{statements}] }})")
}

const DATA: &str = "\"arn:aws:s3:::data/*\"";
const OTHER: &str = "\"arn:aws:s3:::other/*\"";

fn statement(effect: &str, action: &str, resource: &str, more: &str) -> String {
    format!("{{ Effect = {effect}, Action = {action}, Resource = {resource}, {more} }}")
}

fn allow(action: &str, resource: &str) -> String {
    statement("\"Allow\"", action, resource, "")
}

const UNKNOWN: &str = "aws_cognito_user_pool.u.arn";
const PUT: &str = "\"s3:PutObject\"";
const ANY: &str = "\"*\"";
const VPC: &str =
    "Condition = { StringEquals = { \"aws:SourceVpc\" = aws_cognito_user_pool.u.id } }";

/// What is not known may be any; what is known is known.
#[rstest]
#[case::a_resource_of_another_service(allow("\"dynamodb:*\"", UNKNOWN), "")]
#[case::a_resource(allow(PUT, UNKNOWN), "Statement[0].Resource (`aws_cognito_user_pool.u.arn`)")]
#[case::one_of_two(
    allow(PUT, &format!("[{OTHER}, {UNKNOWN}]")),
    "Statement[0].Resource[1] (`aws_cognito_user_pool.u.arn`)"
)]
#[case::a_part_of_one(allow(PUT, "\"arn:aws:s3:::other-${aws_cognito_user_pool.u.id}/*\""), "")]
#[case::a_part_that_may_be_it(
    allow(PUT, "\"arn:aws:s3:::d${aws_cognito_user_pool.u.id}/*\""),
    "Statement[0].Resource (`aws_cognito_user_pool.u.id`)"
)]
#[case::a_part_before_which_the_service_is_not_known(
    allow(PUT, "\"arn:aws:${aws_cognito_user_pool.u.id}:::other/*\""),
    "Statement[0].Resource (`aws_cognito_user_pool.u.id`)"
)]
#[case::a_condition(
    statement("\"Allow\"", PUT, DATA, VPC),
    "Statement[0].Condition.StringEquals.aws:SourceVpc (`aws_cognito_user_pool.u.id`)"
)]
#[case::a_condition_on_another(statement("\"Allow\"", PUT, OTHER, VPC), "")]
#[case::the_effect(
    statement("aws_cognito_user_pool.u.id", PUT, DATA, ""),
    "Statement[0].Effect (`aws_cognito_user_pool.u.id`)"
)]
#[case::the_effect_on_another(statement("aws_cognito_user_pool.u.id", PUT, OTHER, ""), "")]
#[case::an_action(
    allow("aws_cognito_user_pool.u.id", DATA),
    "Statement[0].Action (`aws_cognito_user_pool.u.id`)"
)]
#[case::a_part_of_an_action(
    allow("\"s3:Put${aws_cognito_user_pool.u.id}\"", DATA),
    "Statement[0].Action (`aws_cognito_user_pool.u.id`)"
)]
#[case::an_action_of_another_service(allow("\"sqs:${aws_cognito_user_pool.u.id}\"", ANY), "")]
#[case::what_is_left_out(
    format!("{{ Effect = \"Allow\", NotAction = [\"s3:*\", {UNKNOWN}], Resource = \"*\" }}"),
    ""
)]
#[case::all_that_is_left_out(
    format!("{{ Effect = \"Allow\", NotAction = [{UNKNOWN}], Resource = \"*\" }}"),
    "Statement[0].NotAction[0] (`aws_cognito_user_pool.u.arn`)"
)]
#[case::resources_that_are_left_out(
    format!("{{ Effect = \"Allow\", Action = {PUT}, NotResource = [{DATA}, {UNKNOWN}] }}"),
    ""
)]
#[case::all_resources_that_are_left_out(
    format!("{{ Effect = \"Allow\", Action = {PUT}, NotResource = [{OTHER}, {UNKNOWN}] }}"),
    "Statement[0].NotResource[1] (`aws_cognito_user_pool.u.arn`)"
)]
// A Deny that is not known keeps nothing back for sure, and may keep back what is known.
#[case::a_deny(
    format!("{}, {}", allow(PUT, DATA), statement("\"Deny\"", PUT, UNKNOWN, "")),
    "Statement[1].Resource (`aws_cognito_user_pool.u.arn`)"
)]
#[case::a_deny_of_something_else(
    format!("{}, {}", allow(PUT, DATA), statement("\"Deny\"", "\"sqs:*\"", UNKNOWN, "")),
    "violated"
)]
#[case::a_deny_beside_another(
    format!("{}, {}", allow(PUT, OTHER), statement("\"Deny\"", PUT, UNKNOWN, "")),
    ""
)]
#[case::a_deny_that_is_known(
    format!("{}, {}", allow("\"s3:*\"", UNKNOWN), statement("\"Deny\"", PUT, DATA, "")),
    ""
)]
#[case::a_deny_under_a_condition(
    format!("{}, {}", allow(PUT, DATA), statement("\"Deny\"", PUT, DATA, VPC)),
    "Statement[1].Condition.StringEquals.aws:SourceVpc (`aws_cognito_user_pool.u.id`)"
)]
#[case::what_is_known_allows_it(
    format!("{}, {}", allow(PUT, DATA), allow("\"sqs:*\"", UNKNOWN)),
    "violated"
)]
#[case::a_whole_statement(
    format!("{}, jsondecode({UNKNOWN})", allow(PUT, OTHER)),
    "Statement[1] (`jsondecode(aws_cognito_user_pool.u.arn)`)"
)]
fn of_a_policy_what_is_known_counts(#[case] statements: String, #[case] open: &str) {
    let (verdict, why) = with_policy(&encoded(&statements));
    let expected = match open {
        "" => "proved",
        "violated" => "violated",
        _ => "undecided",
    };
    assert_eq!(verdict.as_str(), expected, "{why}");
    if expected == "undecided" {
        let end = format!(
            "depends on what is not known: aws_iam_role_policy.p: policy.{open} is known after \
             apply only"
        );
        assert!(why.ends_with(&end), "{why}");
    }
}

/// However it is written; what makes it otherwise is not known.
#[rstest]
#[case::a_text(
    "<<EOF\n{\"Statement\": [{\"Effect\": \"Allow\", \"Action\": \"s3:PutObject\", \"Resource\": [\"arn:aws:s3:::other-${aws_cognito_user_pool.u.id}/*\"]}]}\nEOF\n",
    "proved"
)]
#[case::a_text_of_which_more_is_not_known(
    "<<EOF\n{\"Statement\": [{\"Effect\": \"Allow\", \"Action\": \"s3:PutObject\", \"Resource\": [\"arn:aws:s3:::other-${lower(aws_cognito_user_pool.u.id)}/*\"]}]}\nEOF\n",
    "undecided"
)]
#[case::statements_one_behind_another(
    "jsonencode({ Statement = concat([for one in [\"a\", \"b\"] : { Effect = \"Allow\", Action = \"sqs:*\", Resource = \"${aws_cognito_user_pool.u.arn}/${one}\" }], []) })",
    "proved"
)]
#[case::another_list_of_them(
    "jsonencode({ Statement = concat([{ Effect = \"Allow\", Action = \"sqs:*\", Resource = \"*\" }], jsondecode(aws_cognito_user_pool.u.arn)) })",
    "undecided"
)]
#[case::one_of_two(
    "true ? jsonencode({ Statement = [{ Effect = \"Allow\", Action = \"sqs:*\", Resource = aws_cognito_user_pool.u.arn }] }) : \"\"",
    "proved"
)]
#[case::made_of_one(
    "replace(jsonencode({ Statement = [{ Effect = \"Allow\", Action = \"sqs:*\", Resource = aws_cognito_user_pool.u.arn }] }), \"sqs\", \"s3\")",
    "undecided"
)]
#[case::a_text_by_a_function(
    "jsonencode({ Statement = [{ Effect = \"Allow\", Action = \"s3:PutObject\", Resource = format(\"arn:aws:s3:::other-%s/*\", aws_cognito_user_pool.u.id) }] })",
    "proved"
)]
#[case::a_text_by_a_function_that_may_be_it(
    "jsonencode({ Statement = [{ Effect = \"Allow\", Action = \"s3:PutObject\", Resource = format(\"arn:aws:s3:::%s/*\", aws_cognito_user_pool.u.id) }] })",
    "undecided"
)]
#[case::a_text_of_several(
    "jsonencode({ Statement = [{ Effect = \"Allow\", Action = \"s3:PutObject\", Resource = join(\"-\", [\"arn:aws:s3:::other\", aws_cognito_user_pool.u.id, \"x/*\"]) }] })",
    "proved"
)]
#[case::a_text_of_several_that_may_be_it(
    "jsonencode({ Statement = [{ Effect = \"Allow\", Action = \"s3:PutObject\", Resource = join(\"\", [\"arn:aws:s3:::d\", aws_cognito_user_pool.u.id, \"/*\"]) }] })",
    "undecided"
)]
#[case::a_text_of_a_set(
    "jsonencode({ Statement = [{ Effect = \"Allow\", Action = \"s3:PutObject\", Resource = join(\"-\", toset([\"arn:aws:s3:::other\", aws_cognito_user_pool.u.id])) }] })",
    "undecided"
)]
#[case::a_statement_of_two_maps(
    "jsonencode({ Statement = [merge({ Effect = \"Allow\", Action = \"sqs:*\" }, { Resource = aws_cognito_user_pool.u.arn })] })",
    "proved"
)]
#[case::a_statement_of_two_maps_of_which_the_last_counts(
    "jsonencode({ Statement = [merge({ Effect = \"Allow\", Action = \"sqs:*\" }, { Action = \"s3:*\", Resource = aws_cognito_user_pool.u.arn })] })",
    "undecided"
)]
#[case::statements_of_lists_in_a_list(
    "jsonencode({ Statement = flatten([[{ Effect = \"Allow\", Action = \"sqs:*\", Resource = aws_cognito_user_pool.u.arn }], []]) })",
    "proved"
)]
#[case::what_is_not_empty(
    "jsonencode({ Statement = [{ Effect = \"Allow\", Action = \"sqs:*\", Resource = compact([\"\", aws_cognito_user_pool.u.arn]) }] })",
    "proved"
)]
#[case::what_is_not_empty_and_may_be_it(
    "jsonencode({ Statement = [{ Effect = \"Allow\", Action = \"s3:PutObject\", Resource = compact([\"arn:aws:s3:::other/*\", aws_cognito_user_pool.u.arn]) }] })",
    "undecided"
)]
#[case::what_does_not_fail(
    "try(jsonencode({ Statement = [{ Effect = \"Allow\", Action = \"sqs:*\", Resource = try(aws_cognito_user_pool.u.arn, \"*\") }] }), \"\")",
    "proved"
)]
#[case::a_value_that_does_not_fail(
    "jsonencode({ Statement = [{ Effect = \"Allow\", Action = \"sqs:*\", Resource = try(aws_cognito_user_pool.u.arn, \"*\") }] })",
    "proved"
)]
#[case::the_first_that_is_something(
    "coalesce(\"\", jsonencode({ Statement = [{ Effect = \"Allow\", Action = \"sqs:*\", Resource = aws_cognito_user_pool.u.arn }] }))",
    "proved"
)]
fn a_policy_is_read_as_it_is_written(#[case] policy: &str, #[case] expected: &str) {
    let (verdict, why) = with_policy(policy);
    assert_eq!(verdict, expected, "{why}");
}

/// What another function makes of it is told.
#[rstest]
#[case::by_itself("", "CALL")]
#[case::in_brackets("", "(CALL)")]
#[case::as_a_text("", "\"${CALL}\"")]
#[case::by_a_local_value("locals {\n  made = CALL\n}\n", "local.made")]
fn the_function_that_makes_a_policy_is_told(#[case] locals: &str, #[case] policy: &str) {
    const CALL: &str = "templatefile(\"p.json.tftpl\", { pool = aws_cognito_user_pool.u.arn })";
    let (verdict, why) =
        with_policy_beside(&policy.replace("CALL", CALL), &locals.replace("CALL", CALL));
    assert_eq!(verdict, "undecided", "{why}");
    let end = format!("aws_iam_role_policy.p: policy (`{CALL}`) is known after apply only");
    assert!(why.ends_with(&end), "{why}");
}

/// The blocks of a document that is read during apply stand in the plan.
#[rstest]
#[case::of_another_service("sqs:SendMessage", "[aws_cognito_user_pool.u.arn]", "proved")]
#[case::of_the_service("s3:PutObject", "[aws_cognito_user_pool.u.arn]", "undecided")]
#[case::of_which_a_part_is_known(
    "s3:PutObject",
    "[\"arn:aws:s3:::other-${aws_cognito_user_pool.u.id}/*\"]",
    "proved"
)]
#[case::of_which_a_part_is_known_and_may_be_it(
    "s3:PutObject",
    "[\"arn:aws:s3:::${aws_cognito_user_pool.u.id}/*\"]",
    "undecided"
)]
fn of_a_document_what_is_known_counts(
    #[case] action: &str,
    #[case] resources: &str,
    #[case] expected: &str,
) {
    const NAME: &str = "data.aws_iam_policy_document.d";
    let block = json!({"actions": [action], "resources": null, "effect": null, "condition": []});
    let plan = plan(
        &[
            change("aws_iam_role.reader", reader(), json!({})),
            change(POOL, json!({}), json!({"arn": true, "id": true})),
            change(
                NAME,
                json!({"statement": [block]}),
                json!({"json": true, "statement": [{"actions": [false], "resources": true}]}),
            ),
            change(
                "aws_iam_policy.p",
                json!({"name": "p", "path": "/", "arn": iam("policy/p")}),
                json!({"policy": true}),
            ),
            change(
                "aws_iam_role_policy_attachment.p",
                json!({"role": "reader", "policy_arn": iam("policy/p")}),
                json!({}),
            ),
        ],
        &[
            configured(NAME, json!({"statement": [{"resources": references(resources)}]})),
            configured(
                "aws_iam_policy.p",
                json!({"policy": {"references": [format!("{NAME}.json"), NAME]}}),
            ),
        ],
    );
    let statement = format!(
        "  statement {{\n    actions   = [\"{action}\"]\n    resources = {resources}\n  }}"
    );
    let policy = format!("  policy = {NAME}.json");
    let main = files(&plan, &[(NAME, &statement), ("aws_iam_policy.p", &policy)]);
    let (verdict, why) = of_a_rail(&plan, &[("main.tf", &main)]);
    assert_eq!(verdict, expected, "{why}");
    if expected == "undecided" {
        assert!(why.contains("aws_iam_policy.p: policy.Statement[0].Resource"), "{why}");
    }
}

/// Documents that are merged, and the policy that is made of them, are followed through what
/// hands them on.
#[rstest]
#[case::in_a_list("[D.json]", "E.json")]
#[case::by_a_condition("true ? [D.json] : []", "E.json")]
#[case::by_the_other_result("false ? [] : [D.json]", "E.json")]
#[case::without_what_is_empty("compact([D.json, \"\"])", "E.json")]
#[case::behind_others("concat([], [D.json])", "E.json")]
#[case::the_first_list_that_is_not_empty("coalescelist([], [D.json])", "E.json")]
#[case::in_a_list_of_lists("flatten([true ? [D.json] : [], []])", "E.json")]
#[case::by_a_local_value("local.made", "E.json")]
#[case::that_does_not_fail("[try(D.json, \"\")]", "try(E.json, null)")]
#[case::the_first_that_is_something("[D.json]", "coalesce(null, \"\", E.json)")]
#[case::the_only_one("[D.json]", "one([E.json])")]
#[case::joined_alone("[D.json]", "join(\"\", [E.json])")]
#[case::by_its_place("[D.json]", "element(concat([E.json], [\"\"]), 0)")]
fn documents_are_followed_through_what_hands_them_on(#[case] merged: &str, #[case] policy: &str) {
    const D: &str = "data.aws_iam_policy_document.d";
    const E: &str = "data.aws_iam_policy_document.e";
    let handed = match merged {
        "local.made" => json!(["local.made"]),
        _ => json!([format!("{D}.json"), D]),
    };
    let with = |action: &str| {
        let block =
            json!({"actions": [action], "resources": null, "effect": null, "condition": []});
        let plan = plan(
            &[
                change("aws_iam_role.reader", reader(), json!({})),
                change(POOL, json!({}), json!({"arn": true, "id": true})),
                change(
                    D,
                    json!({"statement": [block]}),
                    json!({"json": true, "statement": [{"actions": [false], "resources": true}]}),
                ),
                change(E, json!({}), json!({"json": true, "source_policy_documents": true})),
                change("aws_iam_role_policy.p", json!({"role": "reader"}), json!({"policy": true})),
            ],
            &[
                configured(
                    D,
                    json!({"statement": [{"resources": references("aws_cognito_user_pool.u.arn")}]}),
                ),
                configured(E, json!({"source_policy_documents": {"references": handed}})),
                configured(
                    "aws_iam_role_policy.p",
                    json!({"policy": {"references": [format!("{E}.json"), E]}}),
                ),
            ],
        );
        let of = |text: &str| {
            text.replace("D.json", &format!("{D}.json")).replace("E.json", &format!("{E}.json"))
        };
        let statement = format!(
            "  statement {{\n    actions   = [\"{action}\"]\n    resources = [aws_cognito_user_pool.u.arn]\n  }}"
        );
        let (merged, policy) = (
            format!("  source_policy_documents = {}", of(merged)),
            format!("  policy = {}", of(policy)),
        );
        let written = [(D, &*statement), (E, &*merged), ("aws_iam_role_policy.p", &*policy)];
        let main = files(&plan, &written) + &of("locals {\n  made = [D.json]\n}\n");
        of_a_rail(&plan, &[("main.tf", &main)])
    };
    let (verdict, why) = with("sqs:SendMessage");
    assert_eq!(verdict, "proved", "{why}");
    let (verdict, why) = with("s3:PutObject");
    assert_eq!(verdict, "undecided", "{why}");
    assert!(why.contains("aws_iam_role_policy.p: policy.Statement[0].Resource"), "{why}");
}

/// A boundary lets through the most that it may, and less where nobody knows.
#[rstest]
#[case::what_it_allows(allow("\"sqs:*\"", UNKNOWN), "proved")]
#[case::what_it_may_allow(allow("\"s3:*\"", UNKNOWN), "undecided")]
#[case::what_it_surely_allows(
    format!("{}, {}", allow(PUT, DATA), allow("\"sqs:*\"", UNKNOWN)),
    "violated"
)]
#[case::what_it_may_deny(
    format!("{}, {}", allow(PUT, DATA), statement("\"Deny\"", ANY, UNKNOWN, "")),
    "undecided"
)]
#[case::what_it_denies(
    format!("{}, {}", allow("\"s3:*\"", UNKNOWN), statement("\"Deny\"", PUT, DATA, "")),
    "proved"
)]
#[case::only_a_deny(statement("\"Deny\"", "\"sqs:*\"", UNKNOWN, ""), "proved")]
fn of_a_boundary_what_is_known_counts(#[case] statements: String, #[case] expected: &str) {
    let policy = encoded(&statements);
    let mut role = reader();
    role["permissions_boundary"] = json!(iam("policy/b"));
    let plan = plan(
        &[
            change("aws_iam_role.reader", role, json!({})),
            change(
                "aws_iam_role_policy.p",
                json!({"role": "reader", "policy": writes()}),
                json!({}),
            ),
            change(POOL, json!({}), json!({"arn": true, "id": true})),
            change(
                "aws_iam_policy.b",
                json!({"name": "b", "path": "/", "arn": iam("policy/b")}),
                json!({"policy": true}),
            ),
        ],
        &[configured("aws_iam_policy.b", json!({"policy": references(&policy)}))],
    );
    let main = files(&plan, &[("aws_iam_policy.b", &format!("  policy = {policy}"))]);
    let (verdict, why) = of_a_rail(&plan, &[("main.tf", &main)]);
    assert_eq!(verdict, expected, "{why}");
    if expected == "undecided" {
        assert!(why.contains("aws_iam_policy.b: policy.Statement["), "{why}");
    }
}

/// Whom the policy of a bucket lets in and nobody knows, it may let in.
#[rstest]
#[case::somebody(
    "Principal = { AWS = aws_cognito_user_pool.u.arn }, Action = \"s3:PutObject\", Resource = \"arn:aws:s3:::data/*\"",
    "undecided"
)]
#[case::another(
    "Principal = { AWS = \"arn:aws:iam::123456789012:role/nobody\" }, Action = \"s3:PutObject\", Resource = aws_cognito_user_pool.u.arn",
    "proved"
)]
#[case::to_do_something_else(
    "Principal = { AWS = aws_cognito_user_pool.u.arn }, Action = \"s3:GetObject\", Resource = \"arn:aws:s3:::data/*\"",
    "proved"
)]
#[case::on_something(
    "Principal = { AWS = \"arn:aws:iam::123456789012:role/reader\" }, Action = \"s3:PutObject\", Resource = aws_cognito_user_pool.u.arn",
    "undecided"
)]
#[case::to_do_something(
    "Principal = { AWS = \"arn:aws:iam::123456789012:role/reader\" }, Action = aws_cognito_user_pool.u.arn, Resource = \"arn:aws:s3:::data/*\"",
    "undecided"
)]
fn of_a_buckets_policy_what_is_known_counts(#[case] rest: &str, #[case] expected: &str) {
    let policy = encoded(&format!("{{ Effect = \"Allow\", {rest} }}"));
    let plan = plan(
        &[
            change("aws_iam_role.reader", reader(), json!({})),
            change(POOL, json!({}), json!({"arn": true, "id": true})),
            change("aws_s3_bucket_policy.b", json!({"bucket": "data"}), json!({"policy": true})),
        ],
        &[configured("aws_s3_bucket_policy.b", json!({"policy": references(&policy)}))],
    );
    let main = files(&plan, &[("aws_s3_bucket_policy.b", &format!("  policy = {policy}"))]);
    let (verdict, why) = of_a_rail(&plan, &[("main.tf", &main)]);
    assert_eq!(verdict, expected, "{why}");
    if expected == "undecided" {
        assert!(why.contains("aws_s3_bucket_policy.b: policy.Statement[0]."), "{why}");
    }
}

/// What is known to deny denies, whatever the rest of a bucket's policy is, and what may deny
/// leaves nothing that somebody can for certain.
#[rstest]
#[case::what_is_known(&[ANYBODYS_DENY, OPEN_ALLOW], "proved", "")]
#[case::what_is_known_of_another(
    &["{ Effect = \"Deny\", Principal = { AWS = \"arn:aws:iam::123456789012:role/nobody\" }, Action = \"s3:*\", Resource = \"arn:aws:s3:::data/*\" }", OPEN_ALLOW],
    "violated",
    ""
)]
#[case::an_allow_alone(&[OPEN_ALLOW], "violated", "")]
#[case::a_resource(
    &["{ Effect = \"Deny\", Principal = \"*\", Action = \"s3:PutObject\", Resource = aws_cognito_user_pool.u.arn }"],
    "undecided",
    "policy.Statement[0].Resource (`aws_cognito_user_pool.u.arn`) is known after apply only"
)]
#[case::whom(
    &["{ Effect = \"Deny\", Principal = { AWS = aws_cognito_user_pool.u.arn }, Action = \"s3:PutObject\", Resource = \"arn:aws:s3:::data/*\" }"],
    "undecided",
    "policy.Statement[0].Principal.AWS (`aws_cognito_user_pool.u.arn`) is known after apply only"
)]
#[case::a_condition(
    &["{ Effect = \"Deny\", Principal = \"*\", Action = \"s3:PutObject\", Resource = \"arn:aws:s3:::data/*\", Condition = { StringNotEquals = { \"aws:SourceVpc\" = aws_cognito_user_pool.u.id } } }"],
    "undecided",
    "policy.Statement[0].Condition.StringNotEquals.aws:SourceVpc (`aws_cognito_user_pool.u.id`) is known after apply only"
)]
#[case::the_effect(
    &["{ Effect = aws_cognito_user_pool.u.id, Principal = \"*\", Action = \"s3:PutObject\", Resource = \"arn:aws:s3:::data/*\" }"],
    "undecided",
    "policy.Statement[0].Effect (`aws_cognito_user_pool.u.id`) is known after apply only"
)]
#[case::something_else(
    &["{ Effect = \"Deny\", Principal = { AWS = aws_cognito_user_pool.u.arn }, Action = \"s3:GetObject\", Resource = \"arn:aws:s3:::data/*\" }"],
    "violated",
    ""
)]
#[case::some_objects(
    &["{ Effect = \"Deny\", Principal = { AWS = aws_cognito_user_pool.u.arn }, Action = \"s3:PutObject\", Resource = \"arn:aws:s3:::data/a*\" }"],
    "violated",
    ""
)]
#[case::all_of_it(
    &[],
    "undecided",
    "policy (`base64decode(aws_cognito_user_pool.u.id)`) is known after apply only"
)]
fn what_a_buckets_policy_denies_counts_as_far_as_it_is_known(
    #[case] statements: &[&str],
    #[case] expected: &str,
    #[case] why: &str,
) {
    let policy = match statements {
        [] => "base64decode(aws_cognito_user_pool.u.id)".to_owned(),
        all => encoded(&all.join(", ")),
    };
    let plan = plan(
        &[
            change("aws_iam_role.reader", reader(), json!({})),
            change(
                "aws_iam_role_policy.p",
                json!({"role": "reader", "policy": writes()}),
                json!({}),
            ),
            change(POOL, json!({}), json!({"arn": true, "id": true})),
            change("aws_s3_bucket_policy.b", json!({"bucket": "data"}), json!({"policy": true})),
        ],
        &[configured("aws_s3_bucket_policy.b", json!({"policy": references(&policy)}))],
    );
    let main = files(&plan, &[("aws_s3_bucket_policy.b", &format!("  policy = {policy}"))]);
    let (verdict, told) = of_a_rail(&plan, &[("main.tf", &main)]);
    assert_eq!(verdict, expected, "{told}");
    let why = format!("aws_s3_bucket_policy.b: {why}");
    if expected == "undecided" {
        assert!(told.ends_with(&why), "{told}");
    }
    // `who-can` and `what-can` say the same of the role.
    let directory = crate::shop::estate(&plan);
    std::fs::write(directory.path().join("main.tf"), &main).unwrap();
    let ask = |asked: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_ringfence"));
        command.current_dir(directory.path()).args(asked).args(["--plan", "state.json"]);
        text(&command.output().unwrap().stdout).to_owned()
    };
    let who = ask(&["who-can", "s3:PutObject", "arn:aws:s3:::data/x"]);
    let own = who.lines().find_map(|line| line.strip_prefix("role/reader: ")).unwrap_or_default();
    let what = ask(&["what-can", "role/reader"]);
    let can = what.lines().any(|line| line.starts_with("`s3:PutObject` on `arn:aws:s3:::data/"));
    let may = format!("undecided: all else allows `s3:PutObject`, and {why}");
    let is_told = what.lines().any(|line| line == may);
    match expected {
        "violated" => assert!(own.starts_with("`s3:PutObject` on `arn:aws:s3:::data/x`"), "{who}"),
        "undecided" => {
            let all_else = "undecided: all else allows `s3:PutObject` on `arn:aws:s3:::data/x`, ";
            assert_eq!(own, format!("{all_else}and {why}"));
        }
        _ => assert_eq!(own, "", "{who}"),
    }
    assert_eq!((can, is_told), (expected == "violated", expected == "undecided"), "{what}");
}

const ANYBODYS_DENY: &str = "{ Effect = \"Deny\", Principal = \"*\", Action = \"s3:PutObject\", Resource = \"arn:aws:s3:::data/*\" }";
const OPEN_ALLOW: &str = "{ Effect = \"Allow\", Principal = { AWS = aws_cognito_user_pool.u.arn }, Action = \"s3:GetObject\", Resource = \"arn:aws:s3:::data/*\" }";

/// Whom a trust policy lets in and nobody knows, it may be anybody.
#[rstest]
#[case::under_one_more_condition(
    "Condition = { StringEquals = { \"H:aud\" = \"sts.amazonaws.com\", \"H:jti\" = aws_cognito_user_pool.u.id }, StringLike = { \"H:sub\" = \"repo:acme/shop:ref:refs/heads/main\" } }",
    "Principal = { Federated = \"arn:aws:iam::123456789012:oidc-provider/H\" }",
    ""
)]
#[case::under_a_condition_that_may_be_any(
    "Condition = { StringEquals = { \"H:aud\" = \"sts.amazonaws.com\" }, StringLike = { \"H:sub\" = aws_cognito_user_pool.u.id } }",
    "Principal = { Federated = \"arn:aws:iam::123456789012:oidc-provider/H\" }",
    "Statement[0].Condition.StringLike.H:sub (`aws_cognito_user_pool.u.id`)"
)]
#[case::of_a_provider_that_may_be_any(
    "Condition = { StringEquals = { \"H:aud\" = \"sts.amazonaws.com\" }, StringLike = { \"H:sub\" = \"repo:acme/shop:ref:refs/heads/main\" } }",
    "Principal = { Federated = aws_cognito_user_pool.u.arn }",
    "Statement[0].Principal.Federated (`aws_cognito_user_pool.u.arn`)"
)]
fn of_a_trust_policy_what_is_known_counts(
    #[case] condition: &str,
    #[case] principal: &str,
    #[case] open: &str,
) {
    const TRUST: &str = "only its own workflow becomes a deployer";
    let host = "token.actions.githubusercontent.com";
    let statement = format!(
        "{{ Effect = \"Allow\", Action = \"sts:AssumeRoleWithWebIdentity\", {principal}, {condition} }}"
    );
    let policy =
        encoded(&statement).replace("H:", &format!("{host}:")).replace("/H", &format!("/{host}"));
    let mut plan = plan(
        &[change(POOL, json!({}), json!({"arn": true, "id": true}))],
        &[configured("aws_iam_role.deployer", json!({"assume_role_policy": references(&policy)}))],
    );
    for one in plan["resource_changes"].as_array_mut().unwrap() {
        if one["address"] == "aws_iam_role.deployer" {
            one["change"]["after"].as_object_mut().unwrap().remove("assume_role_policy");
            one["change"]["after_unknown"] = json!({"assume_role_policy": true});
        }
    }
    let body = format!("  assume_role_policy = {policy}");
    let main = files(&plan, &[("aws_iam_role.deployer", &body)]);
    let directory = crate::shop::estate(&plan);
    std::fs::write(directory.path().join("main.tf"), main).unwrap();
    let output = crate::shop::run(directory.path(), &["--plan", "state.json", "--json"]);
    assert_eq!(text(&output.stderr), "");
    let lines = text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap());
    let told: Vec<Value> = lines.collect();
    let rail = rail(&told, TRUST);
    let before = "aws_iam_role.deployer: assume_role_policy.Statement[0].";
    if open.is_empty() {
        assert_eq!(rail["verdict"], "proved", "{rail}");
        let whatever = rail["whatever"][0].as_str().unwrap();
        assert!(whatever.starts_with(before), "{whatever}");
    } else {
        assert_eq!(rail["verdict"], "undecided", "{rail}");
        let open = open.replace("H:", &format!("{host}:"));
        let end =
            format!("aws_iam_role.deployer: assume_role_policy.{open} is known after apply only");
        let why = rail["undecided"][0]["reason"].as_str().unwrap();
        assert!(why.ends_with(&end), "{why}");
    }
}

/// Of two policies of one bucket the last that is written is there.
#[rstest]
#[case::of_which_one_lets_in("data", [Some("role/reader"), Some("role/worker")], "undecided")]
#[case::of_which_the_other_does("data", [Some("role/worker"), Some("role/reader")], "undecided")]
#[case::of_which_none_does("data", [Some("role/worker"), Some("role/worker-2")], "proved")]
#[case::of_which_one_denies("data", [None, Some("role/worker")], "undecided")]
#[case::that_are_the_same("data", [Some("role/reader"), Some("role/reader")], "violated")]
#[case::of_two_buckets("other", [Some("role/reader"), Some("role/worker")], "violated")]
fn of_two_policies_of_one_resource_either_may_be_there(
    #[case] bucket: &str,
    #[case] whom: [Option<&str>; 2],
    #[case] expected: &str,
) {
    // What it may do by itself a policy that may be there may take away.
    let of = |whom: Option<&str>| match whom {
        Some(whom) => document(&[json!({"Effect": "Allow", "Principal": {"AWS": iam(whom)},
            "Action": "s3:PutObject", "Resource": "arn:aws:s3:::data/*"})]),
        None => document(&[json!({"Effect": "Deny", "Principal": "*",
            "Action": "s3:PutObject", "Resource": "arn:aws:s3:::data/*"})]),
    };
    let [one, other] = whom.map(of);
    let own =
        if whom[0].is_none() { writes() } else { document(&[crate::shop::allow("sqs:*", "*")]) };
    let plan = plan(
        &[
            change("aws_iam_role.reader", reader(), json!({})),
            change("aws_iam_role_policy.p", json!({"role": "reader", "policy": own}), json!({})),
            change("aws_s3_bucket_policy.a", json!({"bucket": "data", "policy": one}), json!({})),
            change("aws_s3_bucket_policy.b", json!({"bucket": bucket, "policy": other}), json!({})),
        ],
        &[],
    );
    let (verdict, why) = of_a_rail(&plan, &[]);
    assert_eq!(verdict, expected, "{why}");
    if expected == "undecided" {
        let end = "`aws_s3_bucket_policy.a` and `aws_s3_bucket_policy.b` are policies of one \
                   resource: which of them is there is not known";
        assert!(why.ends_with(end), "{why}");
    }
}
