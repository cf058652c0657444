//! Plans of which a part is known after apply only: what is made of it is what Terraform
//! makes, or is not known.

use rstest::rstest;
use serde_json::{Value, json};

use crate::shop::{
    REPOSITORY, document, iam, limit, made, of, proved, rail, state, verdict_of, work,
};

const ARTIFACTS: &str = "a team's artifacts are its own";
const OTHERS: &str = "arn:aws:s3:::artifacts/other/*";

/// A plan of the estate, with more changes and their configuration.
fn plan(more: &[Value], resources: &[Value]) -> Value {
    let state = state(&work(), &limit(), REPOSITORY, &[]);
    let mut changes = made(state["values"]["root_module"]["resources"].as_array().unwrap());
    changes.extend(more.iter().cloned());
    json!({"format_version": "1.2", "resource_changes": changes,
        "configuration": {"root_module": {"resources": resources}}})
}

fn change(address: &str, after: Value, unknown: Value) -> Value {
    let kind = address.trim_start_matches("data.").split('.').next().unwrap();
    let (mode, actions) = match address.starts_with("data.") {
        true => ("data", "read"),
        false => ("managed", "create"),
    };
    json!({"address": address, "mode": mode, "type": kind,
        "change": {"actions": [actions], "after": after, "after_unknown": unknown}})
}

fn configured(address: &str, expressions: Value) -> Value {
    let kind = address.trim_start_matches("data.").split('.').next().unwrap();
    let mode = if address.starts_with("data.") { "data" } else { "managed" };
    json!({"address": address, "mode": mode, "type": kind, "expressions": expressions})
}

/// The policy of a bucket by a document that is read during apply.
fn by_document(statement: &Value, unknown: &Value) -> Value {
    const DATA: &str = "data.aws_iam_policy_document.d";
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
    let told = proved(&by_document(&block(&principals, &json!([])), &json!([{}]))).1;
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
    let told = proved(&by_document(&block(&anybody, &json!(conditions)), &json!([{}]))).1;
    assert_eq!(verdict_of(&told, ARTIFACTS), verdict);
}

#[test]
fn statements_that_are_made_of_what_is_not_known_are_not_none() {
    let reason = |unknown: &Value| {
        let told = proved(&by_document(&Value::Null, unknown)).1;
        rail(&told, ARTIFACTS)["undecided"][0]["reason"].as_str().unwrap_or_default().to_owned()
    };
    let open = "aws_s3_bucket_policy.b: policy is known after apply only";
    assert!(reason(&json!(true)).ends_with(open), "{}", reason(&json!(true)));
    assert!(reason(&json!([true])).ends_with(open));
}

/// Two documents by keys, and policies of two buckets by an expression.
fn by_keys(references: &[&str], keys: &[&str]) -> String {
    const DATA: &str = "data.aws_iam_policy_document.d";
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
    let policy = json!({"policy": {"references": references}});
    let plan = plan(
        &changes,
        &[configured(DATA, json!({})), configured("aws_s3_bucket_policy.b", policy)],
    );
    verdict_of(&proved(&plan).1, ARTIFACTS).to_owned()
}

#[test]
fn of_several_documents_the_one_of_the_own_key_counts_and_no_other() {
    const DATA: &str = "data.aws_iam_policy_document.d";
    assert_eq!(by_keys(&[DATA, "each.key"], &["a", "b"]), "violated");
    // By a key that stands there, by a value, and by some of the keys.
    assert_eq!(by_keys(&[&format!("{DATA}[\"b\"].json"), DATA], &["a", "b"]), "undecided");
    assert_eq!(by_keys(&[DATA, "each.value"], &["a", "b"]), "undecided");
    assert_eq!(by_keys(&[DATA, "each.key"], &["a"]), "undecided");
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
