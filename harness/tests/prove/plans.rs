//! Plans of which a part is known after apply only: what is made of it is what Terraform
//! makes, or is not known.

use rstest::rstest;
use serde_json::{Value, json};

use crate::shop::{
    REPOSITORY, document, iam, limit, made, of, proved, rail, state, verdict_of, work,
};

const ARTIFACTS: &str = "a team's artifacts are its own";
const DATA: &str = "data.aws_iam_policy_document.d";
const OTHERS: &str = "arn:aws:s3:::artifacts/other/*";

/// A plan of the estate, with more changes and their configuration.
pub(crate) fn plan(more: &[Value], resources: &[Value]) -> Value {
    let state = state(&work(), &limit(), REPOSITORY, &[]);
    let mut changes = made(state["values"]["root_module"]["resources"].as_array().unwrap());
    changes.extend(more.iter().cloned());
    json!({"format_version": "1.2", "resource_changes": changes,
        "configuration": {"root_module": {"resources": resources}}})
}

pub(crate) fn change(address: &str, after: Value, unknown: Value) -> Value {
    let kind = address.trim_start_matches("data.").split('.').next().unwrap();
    let (mode, actions) = match address.starts_with("data.") {
        true => ("data", "read"),
        false => ("managed", "create"),
    };
    json!({"address": address, "mode": mode, "type": kind,
        "change": {"actions": [actions], "after": after, "after_unknown": unknown}})
}

pub(crate) fn configured(address: &str, expressions: Value) -> Value {
    let kind = address.trim_start_matches("data.").split('.').next().unwrap();
    let mode = if address.starts_with("data.") { "data" } else { "managed" };
    json!({"address": address, "mode": mode, "type": kind, "expressions": expressions})
}

/// The Terraform files of [`by_document`], of which the policy is made so.
fn written(policy: &str) -> String {
    let state = state(&work(), &limit(), REPOSITORY, &[]);
    let all = state["values"]["root_module"]["resources"].as_array().unwrap();
    let blocks = all.iter().map(|one| {
        let (kind, name) = one["address"].as_str().unwrap().split_once('.').unwrap();
        format!("resource \"{kind}\" \"{name}\" {{}}\n")
    });
    let blocks: String = blocks.collect();
    format!(
        "{blocks}data \"aws_iam_policy_document\" \"d\" {{}}\n\
         resource \"aws_s3_bucket_policy\" \"b\" {{\n  policy = {policy}\n}}\n"
    )
}

/// What is said of a plan, with Terraform files beside it or without.
fn told(plan: &Value, files: Option<&str>) -> Vec<Value> {
    let directory = crate::shop::estate(plan);
    if let Some(files) = files {
        std::fs::write(directory.path().join("main.tf"), files).unwrap();
    }
    let output = crate::shop::run(directory.path(), &["--plan", "state.json", "--json"]);
    assert_eq!(crate::shop::text(&output.stderr), "");
    let lines = crate::shop::text(&output.stdout).lines();
    lines.map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The policy of a bucket by a document that is read during apply.
fn by_document(statement: &Value, unknown: &Value) -> Value {
    let marks = json!({"json": true, "minified_json": true, "statement": unknown});
    let statements =
        if statement.is_null() { json!({}) } else { json!({"statement": [statement]}) };
    plan(
        &[
            change(DATA, statements, marks),
            change(
                "aws_s3_bucket_policy.b",
                json!({"bucket": "artifacts"}),
                json!({"policy": true}),
            ),
        ],
        &[
            configured(DATA, json!({})),
            configured(
                "aws_s3_bucket_policy.b",
                json!({"policy": {"references": [format!("{DATA}.json"), DATA]}}),
            ),
        ],
    )
}

fn block(principals: &Value, conditions: &Value) -> Value {
    json!({"sid": null, "effect": "Allow", "actions": ["s3:PutObject"], "resources": [OTHERS],
        "not_actions": null, "not_resources": null, "not_principals": [],
        "principals": principals, "condition": conditions})
}

/// The provider puts blocks of one type, and of one operator and key, together.
#[rstest]
#[case::one(json!([{"type": "AWS", "identifiers": [iam("role/deployer")]}]), "violated")]
#[case::of_two_the_first(json!([
    {"type": "AWS", "identifiers": [iam("role/deployer")]},
    {"type": "AWS", "identifiers": [iam("role/worker")]},
]), "violated")]
#[case::of_two_the_last(json!([
    {"type": "AWS", "identifiers": [iam("role/worker")]},
    {"type": "AWS", "identifiers": [iam("role/deployer")]},
]), "violated")]
#[case::neither(json!([
    {"type": "AWS", "identifiers": [iam("role/worker")]},
    {"type": "AWS", "identifiers": [iam("role/admin")]},
]), "proved")]
fn all_that_blocks_of_principals_name_is_let_in(#[case] principals: Value, #[case] verdict: &str) {
    let plan = by_document(&block(&principals, &json!([])), &json!([{}]));
    let told = told(&plan, Some(&written(&format!("{DATA}.json"))));
    assert_eq!(verdict_of(&told, ARTIFACTS), verdict);
}

#[rstest]
#[case::of_two(&["worker", "deployer"], "violated")]
#[case::of_two_in_the_other_order(&["deployer", "worker"], "violated")]
#[case::of_others(&["worker", "admin"], "proved")]
fn blocks_of_one_condition_are_its_values(#[case] roles: &[&str], #[case] verdict: &str) {
    let conditions = roles.iter().map(|role| {
        json!({"test": "ArnEquals", "variable": "aws:PrincipalArn",
            "values": [iam(&format!("role/{role}"))]})
    });
    let anybody = json!([{"type": "*", "identifiers": ["*"]}]);
    let conditions: Vec<Value> = conditions.collect();
    let plan = by_document(&block(&anybody, &json!(conditions)), &json!([{}]));
    let told = told(&plan, Some(&written(&format!("{DATA}.json"))));
    assert_eq!(verdict_of(&told, ARTIFACTS), verdict);
}

#[test]
fn statements_that_are_made_of_what_is_not_known_are_not_none() {
    let reason = |unknown: &Value| {
        let plan = by_document(&Value::Null, unknown);
        let told = told(&plan, Some(&written(&format!("{DATA}.json"))));
        rail(&told, ARTIFACTS)["undecided"][0]["reason"].as_str().unwrap_or_default().to_owned()
    };
    let open = "aws_s3_bucket_policy.b: policy.Statement[0] is known after apply only";
    for unknown in [json!(true), json!([true])] {
        let reason = reason(&unknown);
        assert!(reason.ends_with(open), "{reason}");
    }
}

/// A policy that is made of a document may be another: what makes it stands in the
/// Terraform files.
#[test]
fn what_is_made_of_a_document_is_another_one() {
    let shut = json!([{"type": "AWS", "identifiers": [iam("role/worker")]}]);
    let plan = by_document(&block(&shut, &json!([])), &json!([{}]));
    let end = |files: Option<&str>| {
        let told = told(&plan, files);
        let rail = rail(&told, ARTIFACTS);
        let reason = rail["undecided"][0]["reason"].as_str().unwrap_or_default();
        (rail["verdict"].as_str().unwrap().to_owned(), reason.to_owned())
    };
    assert_eq!(end(Some(&written(&format!("{DATA}.json")))).0, "proved");
    let call = format!("replace({DATA}.json, \"role/worker\", \"role/deployer\")");
    let (verdict, reason) = end(Some(&written(&call)));
    assert_eq!(verdict, "undecided");
    let open = format!("aws_s3_bucket_policy.b: policy (`{call}`) is known after apply only");
    assert!(reason.ends_with(&open), "{reason}");
    // Without them either may be meant.
    let (verdict, reason) = end(None);
    assert_eq!(verdict, "undecided");
    let open = "aws_s3_bucket_policy.b: how policy is made of \
                `data.aws_iam_policy_document.d` stands in the Terraform files alone, which are \
                not there (`--configuration`)";
    assert!(reason.ends_with(open), "{reason}");
}

/// Two documents by keys, and policies of a bucket by an expression.
fn by_keys(policy: &str, keys: &[&str]) -> String {
    let open = block(&json!([{"type": "AWS", "identifiers": [iam("role/deployer")]}]), &json!([]));
    let shut = block(&json!([{"type": "AWS", "identifiers": [iam("role/admin")]}]), &json!([]));
    let marks = json!({"json": true, "minified_json": true});
    let mut changes = vec![
        change(&format!("{DATA}[\"a\"]"), json!({"statement": [shut]}), marks.clone()),
        change(&format!("{DATA}[\"b\"]"), json!({"statement": [open]}), marks),
    ];
    changes.extend(keys.iter().map(|key| {
        let address = format!("aws_s3_bucket_policy.b[\"{key}\"]");
        change(&address, json!({"bucket": "artifacts"}), json!({"policy": true}))
    }));
    let references = json!({"policy": {"references": [DATA, "each.key"]}});
    let plan = plan(
        &changes,
        &[configured(DATA, json!({})), configured("aws_s3_bucket_policy.b", references)],
    );
    verdict_of(&told(&plan, Some(&written(policy))), ARTIFACTS).to_owned()
}

#[test]
fn of_several_documents_the_one_of_the_key_counts_and_no_other() {
    let own = format!("{DATA}[each.key].json");
    assert_eq!(by_keys(&own, &["b"]), "violated");
    assert_eq!(by_keys(&own, &["a"]), "proved");
    // Of two policies of one bucket either may be there.
    assert_eq!(by_keys(&own, &["a", "b"]), "undecided");
    // By a value that is not known.
    assert_eq!(by_keys(&format!("{DATA}[each.value].json"), &["b"]), "undecided");
}

/// Two buckets of which one has a policy that lets others in, and a policy that refers so
/// to one of them.
fn by_bucket(reference: &str, key: &str) -> String {
    let of = |who: &str| {
        document(&[json!({"Effect": "Allow", "Principal": {"AWS": iam(who)},
            "Action": "s3:PutObject", "Resource": "arn:aws:s3:::data/*"})])
    };
    let trust = document(&[json!({"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"AWS": iam("root")}})]);
    let reader = json!({"name": "reader", "arn": iam("role/reader"), "assume_role_policy": trust});
    let bucket = |key: &str, name: &str, policy: Value| {
        let after = json!({"bucket": name, "id": name, "policy": policy});
        change(&format!("aws_s3_bucket.a[\"{key}\"]"), after, json!({}))
    };
    let policy = format!("aws_s3_bucket_policy.p[\"{key}\"]");
    // As the plan has it: without a key that does not stand there.
    let plain = [
        "[local.key].id",
        "[each.key].id",
        "\"${",
        "}-logs\"",
        "trim(",
        "replace(",
        ", \"a\", \"b\")",
        ", \"a\")",
    ];
    let plain = plain.iter().fold(reference.to_owned(), |text, part| text.replace(part, ""));
    let mut references = vec![&*plain, "aws_s3_bucket.a"];
    let by = ["each.key", "local.key"];
    references.extend(by.iter().filter(|by| reference.contains(**by)));
    let references = json!({"bucket": {"references": references}});
    let plan = plan(
        &[
            change("aws_iam_role.reader", reader, json!({})),
            bucket("a", "data", json!(of("role/reader"))),
            bucket("b", "other", Value::Null),
            change(&policy, json!({"policy": of("role/worker")}), json!({"bucket": true})),
        ],
        &[
            configured("aws_s3_bucket.a", json!({})),
            configured("aws_s3_bucket_policy.p", references),
        ],
    );
    let files = format!(
        "resource \"aws_s3_bucket\" \"a\" {{}}\n\
         resource \"aws_s3_bucket_policy\" \"p\" {{\n  bucket = {reference}\n}}\n"
    );
    // Without the files it may be of either.
    let (verdict, why) = of_a_rail(&plan, &[]);
    assert_eq!(verdict, "undecided");
    let open = format!(
        "whether `{policy}` replaces the policy of `aws_s3_bucket.a[\"a\"]` is not known without \
         the Terraform files (`--configuration`)"
    );
    assert!(why.ends_with(&open), "{why}");
    of_a_rail(&plan, &[("main.tf", &files)]).0
}

#[rstest]
#[case::the_own_key("aws_s3_bucket.a[each.key].id", "a", "proved")]
#[case::another_own_key("aws_s3_bucket.a[each.key].id", "b", "violated")]
#[case::a_key_that_is_not_computed("aws_s3_bucket.a[local.key].id", "a", "undecided")]
#[case::made_of_it("\"${aws_s3_bucket.a[\"a\"].id}-logs\"", "a", "violated")]
#[case::made_by_what_is_computed(
    "replace(aws_s3_bucket.a[\"a\"].id, \"a\", \"b\")",
    "a",
    "violated"
)]
#[case::made_by_what_is_not_computed("trim(aws_s3_bucket.a[\"a\"].id, \"a\")", "a", "undecided")]
#[case::the_key_that_stands_there("aws_s3_bucket.a[\"a\"].id", "a", "proved")]
#[case::of_another_instance("aws_s3_bucket.a[\"a\"].id", "b", "proved")]
#[case::another_key_of_the_same_instance("aws_s3_bucket.a[\"b\"].id", "a", "violated")]
#[case::something_else_of_it("aws_s3_bucket.a[\"a\"].region", "a", "undecided")]
fn a_policy_replaces_that_of_the_bucket_that_is_named(
    #[case] reference: &str,
    #[case] key: &str,
    #[case] verdict: &str,
) {
    assert_eq!(by_bucket(reference, key), verdict);
}

/// Instances of a module, each with a bucket, of which one has a policy that lets others in
/// and the other is new; and a policy of a bucket, in the new one or beside both.
#[rstest]
#[case::of_its_own_module("module.s3[\"x\"].aws_s3_bucket_policy.this[0]", "violated")]
#[case::of_its_own_module_again("module.s3[\"y\"].aws_s3_bucket_policy.this[0]", "proved")]
#[case::of_one_that_is_named("aws_s3_bucket_policy.x", "violated")]
#[case::of_another_that_is_named("aws_s3_bucket_policy.y", "proved")]
fn a_policy_replaces_that_of_its_own_modules_bucket(#[case] policy: &str, #[case] verdict: &str) {
    const MODULE: &str = r#"
resource "aws_s3_bucket" "this" {
  count = 1
}
resource "aws_s3_bucket_policy" "this" {
  count  = var.attach ? 1 : 0
  bucket = aws_s3_bucket.this[0].id
}
output "id" {
  value = aws_s3_bucket.this[0].id
}
"#;
    const MAIN: &str = r#"
module "s3" {
  source   = "./s3"
  for_each = { x = true, y = false }
}
resource "aws_s3_bucket_policy" "x" {
  bucket = module.s3["x"].id
}
resource "aws_s3_bucket_policy" "y" {
  bucket = module.s3["y"].id
}
"#;
    let of = |who: &str| {
        document(&[json!({"Effect": "Allow", "Principal": {"AWS": iam(who)},
            "Action": "s3:PutObject", "Resource": "arn:aws:s3:::data/*"})])
    };
    let trust = document(&[json!({"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"AWS": iam("root")}})]);
    let reader = json!({"name": "reader", "arn": iam("role/reader"), "assume_role_policy": trust});
    let typed = |kind: &str, mut change: Value| {
        change["type"] = json!(kind);
        change
    };
    let bucket = |key: &str, after: Value, unknown: Value| {
        let address = format!("module.s3[\"{key}\"].aws_s3_bucket.this[0]");
        typed("aws_s3_bucket", change(&address, after, unknown))
    };
    let known = json!({"bucket": "data", "id": "data", "policy": of("role/reader")});
    let new = json!({"bucket": true, "id": true, "arn": true});
    let own = json!({"bucket": {"references": ["aws_s3_bucket.this[0].id",
        "aws_s3_bucket.this[0]", "aws_s3_bucket.this"]}});
    let output = own["bucket"].clone();
    let mut attached = configured("aws_s3_bucket_policy.this", own);
    attached["count_expression"] = json!({"references": ["var.attach"]});
    let module = json!({
        "outputs": {"id": {"expression": output}},
        "resources": [configured("aws_s3_bucket.this", json!({})), attached]});
    let by = |key: &str| {
        let named = format!("module.s3[\"{key}\"]");
        let references = json!({"bucket": {"references": [format!("{named}.id"), named]}});
        configured(&format!("aws_s3_bucket_policy.{key}"), references)
    };
    let mut plan = plan(
        &[
            change("aws_iam_role.reader", reader, json!({})),
            bucket("x", json!({"policy": Value::Null}), new),
            bucket("y", known, json!({})),
            typed(
                "aws_s3_bucket_policy",
                change(policy, json!({"policy": of("role/worker")}), json!({"bucket": true})),
            ),
        ],
        &[by("x"), by("y")],
    );
    plan["configuration"]["root_module"]["module_calls"] = json!({"s3": {"module": module}});
    let files = [("main.tf", MAIN), ("s3/main.tf", MODULE)];
    assert_eq!(of_a_rail(&plan, &files).0, verdict);
    assert_eq!(of_a_rail(&plan, &[]).0, "undecided");
}

/// What lists and functions make of a reference is more than what they refer to.
#[rstest]
#[case::that_alone("managed_policy_arns = [aws_iam_policy.less.arn]", "proved")]
#[case::with_another(
    "managed_policy_arns = distinct([aws_iam_policy.less.arn, \"arn:aws:iam::aws:policy/AdministratorAccess\"])",
    "undecided"
)]
fn what_a_list_is_made_of_is_not_what_it_refers_to(#[case] written: &str, #[case] verdict: &str) {
    let trust = document(&[json!({"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"AWS": iam("root")}})]);
    let role = json!({"name": "reader", "arn": iam("role/reader"), "assume_role_policy": trust});
    let less = document(&[json!({"Effect": "Allow", "Action": "ec2:Describe*", "Resource": "*"})]);
    let references = ["aws_iam_policy.less.arn", "aws_iam_policy.less"];
    let plan = plan(
        &[
            change("aws_iam_role.reader", role, json!({"managed_policy_arns": true})),
            change(
                "aws_iam_policy.less",
                json!({"policy": less}),
                json!({"arn": true, "name": true}),
            ),
        ],
        &[
            configured("aws_iam_policy.less", json!({})),
            configured(
                "aws_iam_role.reader",
                json!({"managed_policy_arns": {"references": references}}),
            ),
        ],
    );
    let files = format!(
        "resource \"aws_iam_policy\" \"less\" {{}}\n\
         resource \"aws_iam_role\" \"reader\" {{\n  {written}\n}}\n"
    );
    assert_eq!(of_a_rail(&plan, &[("main.tf", &files)]).0, verdict);
    let (verdict, why) = of_a_rail(&plan, &[]);
    assert_eq!(verdict, "undecided");
    let open = "aws_iam_role.reader: how managed_policy_arns is made of `aws_iam_policy.less` \
                stands in the Terraform files alone, which are not there (`--configuration`)";
    assert!(why.ends_with(open), "{why}");
}

/// A list of whom an attachment is of has more than the one to whom it refers.
#[rstest]
#[case::that_alone("[aws_iam_role.app.id]", "proved")]
#[case::with_another("compact([aws_iam_role.app.id, \"reader\"])", "violated")]
#[case::made_of_it("[replace(aws_iam_role.app.id, \"worker\", \"reader\")]", "violated")]
#[case::made_of_it_by_what_is_not_computed("[trim(aws_iam_role.app.id, \"w\")]", "undecided")]
fn whose_a_list_makes_an_attachment_is_not_who_it_refers_to(
    #[case] written: &str,
    #[case] verdict: &str,
) {
    let trust = document(&[json!({"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"AWS": iam("root")}})]);
    let role = |name: &str| {
        let arn = iam(&format!("role/{name}"));
        json!({"name": name, "arn": arn, "assume_role_policy": trust})
    };
    let references = ["aws_iam_role.app.id", "aws_iam_role.app"];
    let attachment = json!({"policy_arn": iam("policy/writes")});
    let policy = json!({"arn": iam("policy/writes"), "policy": writes()});
    let plan = plan(
        &[
            change("aws_iam_role.reader", role("reader"), json!({})),
            change("aws_iam_role.app", role("worker"), json!({"id": true})),
            change("aws_iam_policy.writes", policy, json!({})),
            change("aws_iam_policy_attachment.a", attachment, json!({"roles": true})),
        ],
        &[configured("aws_iam_policy_attachment.a", json!({"roles": {"references": references}}))],
    );
    let files =
        format!("resource \"aws_iam_policy_attachment\" \"a\" {{\n  roles = {written}\n}}\n");
    assert_eq!(of_a_rail(&plan, &[("main.tf", &files)]).0, verdict);
    assert_eq!(of_a_rail(&plan, &[]).0, "undecided");
}

/// A domain whose own policy is open, and a policy of a domain of the same name.
fn domains(region: &str, alias: &str) -> String {
    let own = document(&[json!({"Effect": "Allow", "Principal": {"AWS": iam("role/reader")},
        "Action": "es:ESHttpGet", "Resource": of("es", "domain/logs/*")})]);
    let shut = document(&[json!({"Effect": "Allow", "Principal": {"AWS": iam("role/admin")},
        "Action": "es:ESHttpGet", "Resource": of("es", "domain/logs/*")})]);
    let domain =
        json!({"domain_name": "logs", "arn": of("es", "domain/logs"), "access_policies": own});
    let policy = json!({"domain_name": "logs", "access_policies": shut});
    let trust = document(&[json!({"Effect": "Allow", "Principal": {"AWS": iam("root")},
        "Action": "sts:AssumeRole"})]);
    let reader = json!({"name": "reader", "arn": iam("role/reader"), "assume_role_policy": trust});
    let mut plan = plan(
        &[
            change("aws_iam_role.reader", reader, json!({})),
            change("aws_opensearch_domain.logs", domain, json!({})),
            change("aws_opensearch_domain_policy.logs", policy, json!({})),
        ],
        &[
            json!({"address": "aws_opensearch_domain.logs", "mode": "managed",
                "type": "aws_opensearch_domain", "provider_config_key": "aws", "expressions": {}}),
            json!({"address": "aws_opensearch_domain_policy.logs", "mode": "managed",
                "type": "aws_opensearch_domain_policy", "provider_config_key": alias,
                "expressions": {}}),
        ],
    );
    let provider = |region: &str| json!({"name": "aws", "expressions": {"region": {"constant_value": region}}});
    plan["configuration"]["provider_config"] =
        json!({"aws": provider("eu-west-1"), "aws.other": provider(region)});
    let rule = format!(
        "\n[[guard_rail]]\nid = \"own-logs\"\ntitle = \"nobody reads logs\"\nwho = [\"role/reader\"]\nactions = [\"es:ESHttpGet\"]\nresources = [\"{}\"]\nlegitimate = {{ identity = \"role/worker\", action = \"es:ESHttpGet\", resource = \"{0}\" }}\n",
        of("es", "domain/logs/x")
    );
    let directory = crate::shop::estate(&plan);
    let config = directory.path().join("ringfence.toml");
    let written = std::fs::read_to_string(&config).unwrap() + &rule;
    std::fs::write(&config, written).unwrap();
    let output = crate::shop::run(directory.path(), &["--plan", "state.json", "--json"]);
    let lines = crate::shop::text(&output.stdout).lines();
    let lines: Vec<Value> = lines.map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(!lines.is_empty(), "{}", crate::shop::text(&output.stderr));
    verdict_of(&lines, "nobody reads logs").to_owned()
}

#[test]
fn a_policy_of_another_regions_domain_replaces_nothing() {
    assert_eq!(domains("us-east-1", "aws.other"), "violated");
    assert_eq!(domains("eu-west-1", "aws.other"), "proved");
    assert_eq!(domains("us-east-1", "aws"), "proved");
}

const RULE: &str = r#"
[[guard_rail]]
id = "data"
title = "nobody writes data"
everyone_but = ["role/worker"]
actions = ["s3:PutObject"]
resources = ["arn:aws:s3:::data/*"]
legitimate = { identity = "role/worker", action = "s3:PutObject", resource = "arn:aws:s3:::data/x" }
"#;
const NAMED: &str = "nobody writes data";

/// The verdict of a rail of one's own about a plan, with some Terraform files beside it.
pub(crate) fn of_a_rail(plan: &Value, files: &[(&str, &str)]) -> (String, String) {
    let directory = crate::shop::estate(plan);
    let config = directory.path().join("ringfence.toml");
    let written = std::fs::read_to_string(&config).unwrap() + RULE;
    std::fs::write(&config, written).unwrap();
    for (name, text) in files {
        let path = directory.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let output = crate::shop::run(directory.path(), &["--plan", "state.json", "--json"]);
    let lines = crate::shop::text(&output.stdout).lines();
    let lines: Vec<Value> = lines.map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(!lines.is_empty(), "{}", crate::shop::text(&output.stderr));
    let rail = rail(&lines, NAMED);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let more = match rail["verdict"].as_str() {
        Some("violated") => text(&rail["violations"][0]["identity"]),
        _ => text(&rail["undecided"][0]["reason"]),
    };
    (text(&rail["verdict"]), more)
}

pub(crate) fn writes() -> String {
    document(&[
        json!({"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::data/*"}),
    ])
}

/// A role whose name Terraform makes, or an expression, is asked about as any other.
#[test]
fn a_role_without_a_known_name_is_one_of_all() {
    let trust = document(&[json!({"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"AWS": iam("root")}})]);
    let with = |prefix: Value, more: &[Value]| {
        let unknown = json!({"arn": true, "id": true, "name": true, "unique_id": true});
        let role = json!({"name_prefix": prefix, "path": "/", "assume_role_policy": trust});
        let policy = json!({"policy": writes()});
        let mut changes = vec![
            change("aws_iam_role.made", role, unknown),
            change("aws_iam_role_policy.made", policy, json!({"role": true})),
        ];
        changes.extend(more.iter().cloned());
        let references =
            json!({"role": {"references": ["aws_iam_role.made.id", "aws_iam_role.made"]}});
        let plan = plan(
            &changes,
            &[
                configured("aws_iam_role.made", json!({})),
                configured("aws_iam_role_policy.made", references),
            ],
        );
        let files = "resource \"aws_iam_role\" \"made\" {}\n\
                     resource \"aws_iam_role_policy\" \"made\" {\n  role = aws_iam_role.made.id\n}\n";
        assert_eq!(of_a_rail(&plan, &[]).0, "undecided");
        of_a_rail(&plan, &[("main.tf", files)])
    };
    let (verdict, who) = with(json!("api-"), &[]);
    assert_eq!(
        (&*verdict, &*who),
        ("violated", "role/api-known-after-apply.aws_5f_iam_5f_role.made")
    );
    let (verdict, who) = with(Value::Null, &[]);
    assert_eq!((&*verdict, &*who), ("violated", "role/known-after-apply.aws_5f_iam_5f_role.made"));
}

/// What Terraform forgets is there still, and what a plan of a part says nothing of.
#[test]
fn what_a_plan_leaves_where_it_is_counts() {
    let role = json!({"name": "reader", "arn": iam("role/reader"), "assume_role_policy": document(&[
        json!({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": iam("root")}})])});
    let policy = json!({"role": "reader", "policy": writes()});
    let base = || plan(&[change("aws_iam_role.reader", role.clone(), json!({}))], &[]);
    let ended = |actions: Value| {
        let mut plan = base();
        plan["resource_changes"].as_array_mut().unwrap().push(json!({
            "address": "aws_iam_role_policy.p", "mode": "managed", "type": "aws_iam_role_policy",
            "change": {"actions": actions, "before": policy, "after": null, "after_unknown": {}}}));
        of_a_rail(&plan, &[])
    };
    assert_eq!(ended(json!(["forget"])), ("violated".to_owned(), "role/reader".to_owned()));
    assert_eq!(ended(json!(["delete"])).0, "proved");
    let before = |address: &str| {
        let mut plan = base();
        plan["prior_state"] = json!({"values": {"root_module": {"resources": [
            {"address": address, "mode": "managed", "type": "aws_iam_role_policy", "values": policy}]}}});
        plan["resource_changes"].as_array_mut().unwrap().push(json!({
            "address": "aws_iam_role_policy.gone", "mode": "managed", "type": "aws_iam_role_policy",
            "change": {"actions": ["delete"], "before": policy, "after": null, "after_unknown": {}}}));
        of_a_rail(&plan, &[]).0
    };
    assert_eq!(before("aws_iam_role_policy.left"), "violated");
    assert_eq!(before("aws_iam_role_policy.gone"), "proved");
}

/// A module by a path is read as the root module is.
#[test]
fn expressions_of_modules_are_followed() {
    const MODULE: &str = "variable \"bucket\" {}\nvariable \"vpc\" {}\nresource \"aws_iam_role_policy\" \"p\" {\n  role   = \"reader\"\n  policy = jsonencode({ Statement = [{ Effect = \"Allow\", Action = \"s3:PutObject\", Resource = [\"arn:aws:s3:::${var.bucket}/*\", var.vpc] }] })\n}\n";
    let with = |bucket: &str, module: &str| {
        let trust = document(&[json!({"Effect": "Allow", "Action": "sts:AssumeRole",
            "Principal": {"AWS": iam("root")}})]);
        let role =
            json!({"name": "reader", "arn": iam("role/reader"), "assume_role_policy": trust});
        let changes = [
            change("aws_iam_role.reader", role, json!({})),
            change(
                "aws_vpc.v",
                json!({"cidr_block": "10.1.0.0/16"}),
                json!({"id": true, "arn": true}),
            ),
            json!({"address": "module.m[\"k\"].aws_iam_role_policy.p", "mode": "managed",
                "type": "aws_iam_role_policy", "change": {"actions": ["create"],
                "after": {"role": "reader"}, "after_unknown": {"policy": true}}}),
        ];
        let inner = json!({"resources": [configured("aws_iam_role_policy.p",
            json!({"policy": {"references": ["var.bucket", "var.vpc"]}, "role": {"constant_value": "reader"}}))],
            "variables": {"bucket": {}, "vpc": {}}});
        let mut plan = plan(&changes, &[]);
        let state = state(&work(), &limit(), REPOSITORY, &[]);
        let root = state["values"]["root_module"]["resources"].as_array().unwrap().clone();
        let mut blocks = String::new();
        let mut resources = Vec::new();
        for one in root
            .iter()
            .chain(&changes)
            .filter(|one| !one["address"].as_str().unwrap().starts_with("module."))
        {
            let address = one["address"].as_str().unwrap();
            let (kind, name) = address.split_once('.').unwrap();
            blocks += &format!("resource \"{kind}\" \"{name}\" {{}}\n");
            resources.push(configured(address, json!({})));
        }
        blocks += &format!(
            "module \"m\" {{\n  source = \"./m\"\n  for_each = toset([\"k\"])\n  bucket = {bucket}\n  vpc = aws_vpc.v.arn\n}}\n"
        );
        plan["configuration"]["root_module"] = json!({"resources": resources, "module_calls": {"m": {
            "source": "./m", "module": inner, "for_each_expression": {},
            "expressions": {"bucket": {"references": ["each.key"]}, "vpc": {"references": ["aws_vpc.v.arn", "aws_vpc.v"]}}}}});
        of_a_rail(&plan, &[("main.tf", &blocks), ("m/main.tf", module)])
    };
    assert_eq!(with("\"data\"", MODULE), ("violated".to_owned(), "role/reader".to_owned()));
    assert_eq!(with("\"other-${each.key}\"", MODULE).0, "proved");
    // What a variable is given is of its type: of a set, each once and in their order.
    let of_set = MODULE.replace("\"bucket\" {}", "\"bucket\" { type = set(string) }");
    let of_set = of_set.replace("${var.bucket}", "${tolist(var.bucket)[1]}");
    assert_eq!(with("[\"data\", \"data\", \"a\"]", &of_set).0, "violated");
    assert_eq!(with("[\"data\", \"x\", \"data\"]", &of_set).0, "proved");
    // One that cannot be read, a value that is no text, and one that is not of the type.
    let why = |what: &str| {
        format!("module.m[\"k\"].aws_iam_role_policy.p: {what} is known after apply only")
    };
    let all_of_it = why("policy");
    let bucket = why("policy.Statement[0].Resource[0] (`var.bucket`)");
    let of_numbers = MODULE.replace("\"bucket\" {}", "\"bucket\" { type = set(number) }");
    let all = [
        ("\"data\"", "", &all_of_it),
        ("{ a = 1 }", MODULE, &bucket),
        ("[1]", &*of_numbers, &bucket),
    ];
    for (given, module, why) in all {
        let (verdict, reason) = with(given, module);
        assert_eq!(verdict, "undecided");
        assert!(reason.ends_with(why), "{reason}");
    }
}

/// What a module gives out is what is written there, where that is the plan's.
#[rstest]
#[case::of_another("other", "aws_s3_bucket.b.arn", "proved", "")]
#[case::of_its_own("data", "aws_s3_bucket.b.arn", "violated", "role/reader")]
#[case::that_refers_to_something_else(
    "other",
    "aws_s3_bucket.b.id",
    "undecided",
    "aws_iam_role_policy.p: policy.Statement[0].Resource (`module.logs.bucket`) is known after apply only"
)]
fn what_modules_give_out_is_computed(
    #[case] bucket: &str,
    #[case] output: &str,
    #[case] expected: &str,
    #[case] more: &str,
) {
    let trust = document(&[json!({"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"AWS": iam("root")}})]);
    let role = json!({"name": "reader", "arn": iam("role/reader"), "assume_role_policy": trust});
    let changes = [
        change("aws_iam_role.reader", role, json!({})),
        change("aws_iam_role_policy.p", json!({"role": "reader"}), json!({"policy": true})),
        json!({"address": "module.logs.aws_s3_bucket.b", "mode": "managed",
            "type": "aws_s3_bucket", "change": {"actions": ["create"],
            "after": {"bucket": bucket}, "after_unknown": {"arn": true, "id": true}}}),
    ];
    let mut plan = plan(&changes, &[]);
    let state = state(&work(), &limit(), REPOSITORY, &[]);
    let root = state["values"]["root_module"]["resources"].as_array().unwrap().clone();
    let (mut blocks, mut resources) = (String::new(), Vec::new());
    for one in root.iter().chain(changes.iter().take(2)) {
        let address = one["address"].as_str().unwrap();
        let (kind, name) = address.split_once('.').unwrap();
        let (body, expressions) = match address {
            "aws_iam_role_policy.p" => (
                "\n  policy = jsonencode({ Statement = [{ Effect = \"Allow\", Action = \"s3:PutObject\", Resource = \"${module.logs.bucket}/*\" }] })\n",
                json!({"policy": {"references": ["module.logs.bucket", "module.logs"]}}),
            ),
            _ => ("", json!({})),
        };
        blocks += &format!("resource \"{kind}\" \"{name}\" {{{body}}}\n");
        resources.push(configured(address, expressions));
    }
    blocks += "module \"logs\" {\n  source = \"./logs\"\n}\n";
    let module = format!(
        "resource \"aws_s3_bucket\" \"b\" {{\n  bucket = \"{bucket}\"\n}}\n\
         output \"bucket\" {{\n  value = {output}\n}}\n"
    );
    let inner = json!({
        "resources": [configured("aws_s3_bucket.b", json!({"bucket": {"constant_value": bucket}}))],
        "outputs": {"bucket": {"expression":
            {"references": ["aws_s3_bucket.b.arn", "aws_s3_bucket.b"]}}},
    });
    plan["configuration"]["root_module"] = json!({"resources": resources,
        "module_calls": {"logs": {"source": "./logs", "module": inner}}});
    let (verdict, reason) = of_a_rail(&plan, &[("main.tf", &blocks), ("logs/main.tf", &module)]);
    assert_eq!(verdict, expected, "{reason}");
    assert!(reason.ends_with(more), "{reason}");
}

/// The plan has the blocks of a set in an order of its own.
#[test]
fn blocks_of_a_set_are_told_apart_by_what_is_known_of_them() {
    const FILE: &str = r#"
data "aws_iam_policy_document" "d" {
  statement {
    actions   = ["s3:PutObject"]
    resources = ["arn:aws:s3:::artifacts/other/*"]
    principals {
      type        = "AWS"
      identifiers = ["arn:aws:iam::111111111111:root"]
    }
    principals {
      type        = "AWS"
      identifiers = [aws_iam_role.deployer.arn]
    }
  }
}
resource "aws_s3_bucket_policy" "b" {
  bucket = "artifacts"
  policy = data.aws_iam_policy_document.d.json
}
"#;
    let told = |known: &str| {
        let of = |identifiers: Value| json!({"type": "AWS", "identifiers": identifiers});
        let principals = json!([of(Value::Null), of(json!([known]))]);
        let marks =
            json!({"json": true, "statement": [{"principals": [{"identifiers": true}, {}]}]});
        let references =
            json!({"references": ["aws_iam_role.deployer.arn", "aws_iam_role.deployer"]});
        let blocks = json!([{"principals": [{"identifiers": references}]}]);
        let policy = json!({"policy": {"references": [format!("{DATA}.json"), DATA]}});
        let plan = plan(
            &[
                change(DATA, json!({"statement": [block(&principals, &json!([]))]}), marks),
                change(
                    "aws_s3_bucket_policy.b",
                    json!({"bucket": "artifacts"}),
                    json!({"policy": true}),
                ),
            ],
            &[
                configured(DATA, json!({"statement": blocks})),
                configured("aws_s3_bucket_policy.b", policy),
            ],
        );
        let directory = crate::shop::estate(&plan);
        std::fs::write(directory.path().join("main.tf"), FILE).unwrap();
        let output = crate::shop::run(directory.path(), &["--plan", "state.json", "--json"]);
        let lines = crate::shop::text(&output.stdout).lines();
        let lines: Vec<Value> = lines.map(|line| serde_json::from_str(line).unwrap()).collect();
        verdict_of(&lines, ARTIFACTS).to_owned()
    };
    assert_eq!(told("arn:aws:iam::111111111111:root"), "violated");
    // The other way, what is not known is the other account.
    assert_eq!(told(&iam("role/deployer")), "violated");
    // What is none of the blocks' is of another configuration.
    assert_eq!(told("arn:aws:iam::222222222222:root"), "undecided");
}

/// What a bucket's policy says is about that bucket.
#[test]
fn the_policy_of_a_bucket_that_is_not_known_is_about_that_bucket() {
    let of = |bucket: &str| {
        let change =
            change("aws_s3_bucket_policy.b", json!({"bucket": bucket}), json!({"policy": true}));
        verdict_of(&proved(&plan(&[change], &[])).1, ARTIFACTS).to_owned()
    };
    assert_eq!(of("artifacts"), "undecided");
    assert_eq!(of("another"), "proved");
}

/// Each account may have one role of a name: they are not told apart by it.
#[test]
fn a_role_that_two_resources_make_is_refused_unless_it_is_the_same() {
    let role = |account: &str| {
        json!({"name": "reader", "arn": format!("arn:aws:iam::{account}:role/reader"),
            "assume_role_policy": document(&[json!({"Effect": "Allow", "Action": "sts:AssumeRole",
                "Principal": {"AWS": iam("root")}})])})
    };
    let with = |account: &str| {
        let changes = [
            change("aws_iam_role.one", role("123456789012"), json!({})),
            change("aws_iam_role.other", role(account), json!({})),
        ];
        let directory = crate::shop::estate(&plan(&changes, &[]));
        crate::shop::run(directory.path(), &["--plan", "state.json"])
    };
    let refused = with("111111111111");
    assert_eq!(
        crate::shop::text(&refused.stderr),
        "ringfence: state.json: `aws_iam_role.other` makes `role/reader`, and another resource of the file too\n"
    );
    assert_eq!(refused.status.code(), Some(2));
    assert_eq!(with("123456789012").status.code(), Some(0));
}

/// A bucket whose own policy is open, and a policy of it, or of one of two.
#[test]
fn a_policy_of_one_of_two_replaces_neither_for_sure() {
    let policy = |who: &str| {
        document(&[json!({"Effect": "Allow", "Principal": {"AWS": iam(who)},
            "Action": "s3:*", "Resource": "arn:aws:s3:::data/*"})])
    };
    let told = |references: &[&str], written: &str| {
        let marks = json!({"arn": true, "id": true});
        let own = json!({"bucket": "data", "policy": policy("role/deployer")});
        let changes = [
            change("aws_s3_bucket.a", own, marks.clone()),
            change("aws_s3_bucket.b", json!({"bucket": "other"}), marks),
            change(
                "aws_s3_bucket_policy.p",
                json!({"policy": policy("role/admin")}),
                json!({"bucket": true}),
            ),
        ];
        let configured = [
            configured("aws_s3_bucket.a", json!({"bucket": {"constant_value": "data"}})),
            configured("aws_s3_bucket.b", json!({"bucket": {"constant_value": "other"}})),
            configured("aws_s3_bucket_policy.p", json!({"bucket": {"references": references}})),
        ];
        let files = format!(
            "resource \"aws_s3_bucket\" \"a\" {{}}\nresource \"aws_s3_bucket\" \"b\" {{}}\n\
             resource \"aws_s3_bucket_policy\" \"p\" {{\n  bucket = {written}\n}}\n"
        );
        of_a_rail(&plan(&changes, &configured), &[("main.tf", &files)]).0
    };
    let (a, b) = ("aws_s3_bucket.a", "aws_s3_bucket.b");
    assert_eq!(told(&["aws_s3_bucket.a.id", a], "aws_s3_bucket.a.id"), "proved");
    assert_eq!(told(&["aws_s3_bucket.b.id", b], "aws_s3_bucket.b.id"), "violated");
    let either = ["var.x", "aws_s3_bucket.a.id", a, "aws_s3_bucket.b.id", b];
    // What hands it on without being it may be of another's.
    let block = ["aws_s3_bucket_versioning.v.bucket", "aws_s3_bucket_versioning.v"];
    assert_eq!(told(&block, "aws_s3_bucket_versioning.v.bucket"), "undecided");
    assert_eq!(told(&either, "var.x ? aws_s3_bucket.a.id : aws_s3_bucket.b.id"), "undecided");
    let part = ["var.x", "aws_s3_bucket.a.id", a];
    assert_eq!(told(&part, "var.x ? aws_s3_bucket.a.id : \"other\""), "undecided");
}
