//! What lets somebody in and stands in no policy document.

use rstest::rstest;
use serde_json::{Value, json};

use crate::shop::{
    ACCOUNT, REPOSITORY, allow, document, estate, iam, limit, made, of, proved, rail, run, state,
    text, verdict_of, work,
};

const FUNCTIONS: &str = "a team's functions are its own";
const ARTIFACTS: &str = "a team's artifacts are its own";
const IDENTITIES: &str = "identities are the platform's";

fn resource(kind: &str, values: Value) -> Value {
    json!({"address": format!("{kind}.g"), "mode": "managed", "type": kind, "values": values})
}

fn with(more: &[Value]) -> Vec<Value> {
    proved(&state(&work(), &limit(), REPOSITORY, more)).1
}

/// The rail, and why it is undecided or by what it is violated.
fn end(told: &[Value], name: &str) -> (String, String) {
    let rail = rail(told, name);
    let verdict = rail["verdict"].as_str().unwrap().to_owned();
    let why = match &*verdict {
        "undecided" => rail["undecided"][0]["reason"].as_str().unwrap().to_owned(),
        "violated" => rail["violations"][0]["allowed_by"][0].as_str().unwrap().to_owned(),
        _ => String::new(),
    };
    (verdict, why)
}

fn permission(principal: &str, more: &Value) -> Value {
    let mut values = json!({"principal": principal, "action": "lambda:InvokeFunction",
        "function_name": "other", "qualifier": ""});
    values.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    resource("aws_lambda_permission", values)
}

#[rstest]
#[case::a_role(permission(&iam("role/deployer"), &json!({})), "violated")]
#[case::everybody(permission("*", &json!({})), "violated")]
#[case::another_role(permission(&iam("role/worker"), &json!({})), "proved")]
#[case::a_service(permission("apigateway.amazonaws.com", &json!({})), "proved")]
#[case::the_account(permission(ACCOUNT, &json!({})), "proved")]
#[case::another_accounts(permission("111111111111", &json!({})), "proved")]
#[case::of_its_own_function(permission("*", &json!({"function_name": "shop"})), "proved")]
#[case::by_an_arn(
    permission("*", &json!({"function_name": of("lambda", "function:other")})),
    "violated"
)]
fn a_permission_on_a_function_is_composed(#[case] permission: Value, #[case] verdict: &str) {
    let told = with(&[permission]);
    let (found, by) = end(&told, FUNCTIONS);
    assert_eq!(found, verdict, "{by}");
    if verdict == "violated" {
        assert_eq!(by, "statement 1 of `aws_lambda_permission.g`");
    }
}

const OWN: &str = r#"
[[guard_rail]]
id = "key"
title = "nobody decrypts"
everyone_but = ["role/admin"]
actions = ["kms:Decrypt"]
resources = ["arn:aws:kms:eu-west-1:123456789012:key/k1"]
legitimate = { identity = "role/admin", action = "kms:Decrypt", resource = "arn:aws:kms:eu-west-1:123456789012:key/k1" }
"#;

/// The rail of the configuration's own.
fn own(more: &[Value]) -> (String, String) {
    let admin = document(&[allow("*", "*")]);
    let trust = document(&[json!({"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"AWS": ACCOUNT}})]);
    let role = |name: &str| {
        let arn = iam(&format!("role/{name}"));
        resource("aws_iam_role", json!({"name": name, "arn": arn, "assume_role_policy": trust}))
    };
    let mut all = vec![
        role("admin"),
        role("reader"),
        resource("aws_iam_role_policy", json!({"role": "admin", "policy": admin})),
    ];
    all.extend(more.iter().cloned());
    let directory = estate(&state(&work(), &limit(), REPOSITORY, &all));
    let config = directory.path().join("ringfence.toml");
    let written = std::fs::read_to_string(&config).unwrap() + OWN;
    std::fs::write(&config, written).unwrap();
    let output = run(directory.path(), &["--state", "state.json", "--json"]);
    assert_eq!(text(&output.stderr), "");
    let lines = text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap());
    end(&lines.collect::<Vec<Value>>(), "nobody decrypts")
}

fn grant(values: &Value) -> Value {
    let mut all = json!({"key_id": "k1", "grantee_principal": iam("role/reader"),
        "operations": ["Decrypt", "DescribeKey"], "constraints": []});
    all.as_object_mut().unwrap().extend(values.as_object().unwrap().clone());
    resource("aws_kms_grant", all)
}

#[rstest]
#[case::of_the_operation(grant(&json!({})), "violated")]
#[case::of_another(grant(&json!({"operations": ["Encrypt"]})), "proved")]
#[case::of_another_key(grant(&json!({"key_id": of("kms", "key/k2")})), "proved")]
#[case::of_the_key_by_its_arn(grant(&json!({"key_id": of("kms", "key/k1")})), "violated")]
#[case::for_who_may(grant(&json!({"grantee_principal": iam("role/admin")})), "proved")]
#[case::with_a_context(
    grant(&json!({"constraints": [{"encryption_context_equals": {"app": "a"}}]})),
    "violated"
)]
fn a_grant_on_a_key_is_composed(#[case] grant: Value, #[case] verdict: &str) {
    let key = resource(
        "aws_kms_key",
        json!({"key_id": "k1", "arn": of("kms", "key/k1"), "policy": document(&[
        json!({"Effect": "Allow", "Principal": {"AWS": iam("root")}, "Action": "kms:*", "Resource": "*"})])}),
    );
    let (found, by) = own(&[key, grant]);
    let told = if verdict == "violated" { "statement 1 of `aws_kms_grant.g`" } else { "" };
    assert_eq!((&*found, &*by), (verdict, told));
}

/// A resource's policy is about the resource that it is on, whatever it says.
#[rstest]
#[case::of_the_key("aws_kms_key", json!({"key_id": "k1", "arn": of("kms", "key/k1")}), "violated")]
#[case::of_another_key(
    "aws_kms_key",
    json!({"key_id": "k2", "arn": of("kms", "key/k2")}),
    "proved"
)]
#[case::of_the_key_by_its_id("aws_kms_key_policy", json!({"key_id": "k1"}), "violated")]
#[case::of_another_key_by_its_id("aws_kms_key_policy", json!({"key_id": "k2"}), "proved")]
#[case::of_a_queue("aws_sqs_queue", json!({"arn": of("sqs", "q")}), "proved")]
fn a_policy_of_another_resource_lets_nobody_in(
    #[case] kind: &str,
    #[case] values: Value,
    #[case] verdict: &str,
) {
    let mut values = values;
    let lets = json!({"Effect": "Allow", "Principal": {"AWS": iam("role/reader")}, "Action": "*",
        "Resource": "*"});
    values["policy"] = json!(document(&[lets]));
    let (found, by) = own(&[resource(kind, values)]);
    let told = format!("statement 1 of `{kind}.g`");
    let told = if verdict == "violated" { told.as_str() } else { "" };
    assert_eq!((&*found, &*by), (verdict, told));
}

#[test]
fn a_grant_of_which_something_is_not_known_is_undecided() {
    let open = grant(&json!({"operations": null}));
    assert_eq!(own(&[open]).0, "proved");
    let told =
        own(&[resource("aws_kms_grant", json!({"key_id": "k1", "operations": ["Decrypt"]}))]);
    assert_eq!(told.0, "undecided");
    assert!(told.1.ends_with(
        "depends on what is not known: aws_kms_grant.g: grantee_principal is known after apply only"
    ));
}

fn owned(ownership: &str) -> Value {
    resource(
        "aws_s3_bucket_ownership_controls",
        json!({"bucket": "artifacts", "rule": [{"object_ownership": ownership}]}),
    )
}

fn list(values: Value) -> Value {
    let mut all = json!({"bucket": "artifacts"});
    all.as_object_mut().unwrap().extend(values.as_object().unwrap().clone());
    resource("aws_s3_bucket_acl", all)
}

fn to_group(permission: &str, group: &str) -> Value {
    let uri = format!("http://acs.amazonaws.com/groups/{group}");
    json!({"access_control_policy": [{"owner": [{"id": "own"}], "grant": [
        {"permission": "FULL_CONTROL", "grantee": [{"type": "CanonicalUser", "id": "own"}]},
        {"permission": permission, "grantee": [{"type": "Group", "uri": uri}]},
    ]}]})
}

#[rstest]
#[case::everybody_reads(list(json!({"acl": "public-read"})), None, "violated")]
#[case::its_own(list(json!({"acl": "private"})), None, "proved")]
#[case::who_signs(list(to_group("WRITE", "global/AuthenticatedUsers")), None, "violated")]
#[case::deliveries(list(to_group("WRITE", "s3/LogDelivery")), None, "proved")]
#[case::that_do_not_count(
    list(json!({"acl": "public-read-write"})),
    Some(owned("BucketOwnerEnforced")),
    "proved"
)]
#[case::that_do(
    list(json!({"acl": "public-read-write"})),
    Some(owned("BucketOwnerPreferred")),
    "violated"
)]
#[case::that_are_ignored(
    list(json!({"acl": "public-read"})),
    Some(resource("aws_s3_bucket_public_access_block",
        json!({"bucket": "artifacts", "ignore_public_acls": true}))),
    "proved"
)]
#[case::of_another_bucket(
    resource("aws_s3_bucket_acl", json!({"bucket": "site", "acl": "public-read"})),
    None,
    "proved"
)]
#[case::of_an_object(
    resource("aws_s3_object", json!({"bucket": "artifacts", "key": "a", "acl": "public-read"})),
    None,
    "violated"
)]
fn an_access_control_list_counts_where_ownership_lets_it(
    #[case] list: Value,
    #[case] beside: Option<Value>,
    #[case] verdict: &str,
) {
    let all: Vec<Value> = std::iter::once(list).chain(beside).collect();
    let (found, by) = end(&with(&all), ARTIFACTS);
    assert_eq!(found, verdict, "{by}");
}

/// A canonical id or an address is of some account: nobody knows of which.
#[rstest]
#[case::of_a_bucket(
    list(json!({"access_control_policy": [{"owner": [{"id": "own"}], "grant": [
        {"permission": "READ", "grantee": [{"type": "CanonicalUser", "id": "other"}]}]}]})),
    "undecided"
)]
#[case::of_its_owner(
    list(json!({"access_control_policy": [{"owner": [{"id": "own"}], "grant": [
        {"permission": "READ", "grantee": [{"type": "CanonicalUser", "id": "own"}]}]}]})),
    "proved"
)]
#[case::of_a_copy(
    resource("aws_s3_object_copy", json!({"bucket": "artifacts", "key": "a", "grant": [
        {"type": "CanonicalUser", "id": "other", "permissions": ["FULL_CONTROL"]}]})),
    "undecided"
)]
#[case::that_the_bucket_shows(
    resource("aws_s3_bucket", json!({"bucket": "artifacts", "grant": [
        {"type": "CanonicalUser", "id": "other", "permissions": ["FULL_CONTROL"]}]})),
    "proved"
)]
fn who_an_account_of_a_list_is_is_not_known(#[case] list: Value, #[case] verdict: &str) {
    let address = list["address"].as_str().unwrap().to_owned();
    let (found, why) = end(&with(&[list]), ARTIFACTS);
    assert_eq!(found, verdict, "{why}");
    if verdict == "undecided" {
        let what = format!("`{address}` lets in `other`, and whose account that is is not known");
        assert!(why.ends_with(&what), "{why}");
    }
}

/// What a list surely grants is told beside what is not known of it.
#[test]
fn what_is_known_of_a_list_counts_beside_what_is_not() {
    let mut both = to_group("WRITE", "global/AllUsers");
    both["access_control_policy"][0]["grant"][0]["grantee"][0]["id"] = json!("other");
    let told = with(&[list(both)]);
    let rail = rail(&told, ARTIFACTS);
    assert_eq!(rail["verdict"], "violated");
    assert_eq!(end(&told, ARTIFACTS).1, "statement 2 of `aws_s3_bucket_acl.g`");
    let reason = rail["undecided"][0]["reason"].as_str().unwrap();
    assert!(
        reason.ends_with(
            "`aws_s3_bucket_acl.g` lets in `other`, and whose account that is is not known"
        ),
        "{reason}"
    );
}

/// What blocks public access to an account's buckets is of the account of its file.
#[test]
fn an_accounts_block_counts_for_the_buckets_of_its_file() {
    let block = resource("aws_s3_account_public_access_block", json!({"ignore_public_acls": true}));
    let public = list(json!({"acl": "public-read"}));
    assert_eq!(end(&with(&[public.clone(), block.clone()]), ARTIFACTS).0, "proved");
    let directory = estate(&state(&work(), &limit(), REPOSITORY, &[public]));
    let other = json!({"format_version": "1.0",
        "values": {"root_module": {"resources": [block]}}});
    std::fs::write(directory.path().join("other.json"), other.to_string()).unwrap();
    let flags = ["--state", "state.json", "--state", "other.json", "--json"];
    let output = run(directory.path(), &flags);
    assert_eq!(text(&output.stderr), "");
    let lines = text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap());
    assert_eq!(end(&lines.collect::<Vec<Value>>(), ARTIFACTS).0, "violated");
}

/// Whom another account's identities are, no rail asks; who can, does.
#[test]
fn who_can_tells_of_what_is_granted_to_another_account() {
    let told = |action: &str| {
        let grant = resource(
            "aws_lambda_layer_version_permission",
            json!({"principal": "111111111111", "layer_name": "l", "version_number": 1}),
        );
        let directory = estate(&state(&work(), &limit(), REPOSITORY, &[grant]));
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_ringfence"));
        command.current_dir(directory.path()).args(["who-can", action, "--state", "state.json"]);
        text(&command.output().unwrap().stdout).to_owned()
    };
    let line = "aws_lambda_layer_version_permission.g: undecided: what `aws_lambda_layer_version_permission.g` grants is not read\n";
    let found = told("lambda:GetLayerVersion");
    assert!(found.contains(line), "{found}");
    assert!(!told("sqs:SendMessage").contains("layer_version"));
}

fn policy_of_bucket(who: &str) -> String {
    document(&[json!({"Effect": "Allow", "Principal": {"AWS": iam(who)}, "Action": "s3:*",
        "Resource": "arn:aws:s3:::artifacts/*"})])
}

/// What stands in the bucket itself counts, unless another resource says what it is.
#[test]
fn the_policy_in_a_bucket_counts_unless_another_replaces_it() {
    let bucket = |who: &str| {
        let values =
            json!({"bucket": "artifacts", "id": "artifacts", "policy": policy_of_bucket(who)});
        resource("aws_s3_bucket", values)
    };
    assert_eq!(end(&with(&[bucket("role/deployer")]), ARTIFACTS).0, "violated");
    assert_eq!(end(&with(&[bucket("role/worker")]), ARTIFACTS).0, "proved");
    let own = |who: &str| {
        let values = json!({"bucket": "artifacts", "policy": policy_of_bucket(who)});
        resource("aws_s3_bucket_policy", values)
    };
    let replaced = with(&[bucket("role/deployer"), own("role/worker")]);
    assert_eq!(end(&replaced, ARTIFACTS).0, "proved");
    let by = end(&with(&[bucket("role/worker"), own("role/deployer")]), ARTIFACTS);
    assert_eq!(by.1, "statement 1 of `aws_s3_bucket_policy.g`");
}

#[rstest]
#[case::a_share(
    "aws_ram_principal_association",
    json!({"principal": iam("role/deployer"), "resource_share_arn": "x"}),
    "what `aws_ram_principal_association.g` grants is not read"
)]
#[case::a_stack(
    "aws_cloudformation_stack",
    json!({"name": "x", "template_body": "{}"}),
    "what `aws_cloudformation_stack.g` grants by `template_body` is not read"
)]
#[case::a_type_that_is_new(
    "aws_nebula_grant",
    json!({"id": "x"}),
    "what `aws_nebula_grant.g` grants is not read"
)]
#[case::an_attribute_of_a_new_type(
    "aws_nebula_star",
    json!({"id": "x", "rule": [{"access_policy": "x"}]}),
    "what `aws_nebula_star.g` grants by `rule.access_policy` is not read"
)]
#[case::a_document_where_none_is_known(
    "aws_datazone_domain",
    json!({"tags": {"a": document(&[allow("*", "*")])}}),
    "what `aws_datazone_domain.g` grants by `tags.a` is not read"
)]
#[case::of_another_provider(
    "awscc_s3_bucket_policy",
    json!({"bucket": "artifacts"}),
    "what `awscc_s3_bucket_policy.g` grants is not read"
)]
#[case::of_a_stack(
    "AWS::S3::AccessGrant",
    json!({"Permission": "READ"}),
    "what `AWS::S3::AccessGrant.g` grants is not read"
)]
fn what_is_not_read_is_undecided_by_name(
    #[case] kind: &str,
    #[case] values: Value,
    #[case] why: &str,
) {
    let (found, reason) = end(&with(&[resource(kind, values)]), ARTIFACTS);
    assert_eq!(found, "undecided");
    assert!(reason.ends_with(&format!("depends on what is not known: {why}")), "{reason}");
}

#[rstest]
#[case::of_another_service("aws_signer_signing_profile_permission", json!({"principal": ACCOUNT}))]
#[case::of_another_service_of_a_stack("AWS::Events::EventBusPolicy", json!({"Principal": "*"}))]
// What it made stands beside it.
#[case::a_stack_that_is_read("aws_cloudformation_stack", json!({"id": "x", "name": "x"}))]
#[case::of_a_service("aws_lakeformation_opt_in", json!({"principal": []}))]
#[case::for_another_account(
    "aws_ram_principal_association",
    json!({"principal": "111111111111", "resource_share_arn": "x"})
)]
#[case::for_somebody_else(
    "aws_ram_principal_association",
    json!({"principal": iam("role/worker"), "resource_share_arn": "x"})
)]
#[case::that_lets_in_nobody("aws_iot_topic_rule", json!({"s3": [{"canned_acl": "private"}]}))]
#[case::a_new_type_that_grants_nothing("aws_nebula_star", json!({"name": "x", "policy": null}))]
#[case::of_load_balancing("aws_lb_listener", json!({"ssl_policy": "ELBSecurityPolicy"}))]
fn what_cannot_concern_a_rail_does_not(#[case] kind: &str, #[case] values: Value) {
    assert_eq!(end(&with(&[resource(kind, values)]), IDENTITIES), ("proved".into(), String::new()));
}

/// A policy that is known after apply only concerns the service of its resource.
#[test]
fn a_resources_policy_that_is_not_known_concerns_its_service_alone() {
    let state = state(&work(), &limit(), REPOSITORY, &[]);
    let mut changes = made(state["values"]["root_module"]["resources"].as_array().unwrap());
    changes.push(json!({"address": "aws_s3_bucket_policy.g", "mode": "managed",
        "type": "aws_s3_bucket_policy", "change": {"actions": ["create"],
            "after": {"bucket": "artifacts"}, "after_unknown": {"policy": true}}}));
    let told = proved(&json!({"format_version": "1.2", "resource_changes": changes})).1;
    let (found, why) = end(&told, ARTIFACTS);
    assert_eq!(found, "undecided");
    assert!(why.ends_with("aws_s3_bucket_policy.g: policy is known after apply only"), "{why}");
    assert_eq!(verdict_of(&told, IDENTITIES), "proved");
}

/// A list of all policies of an identity gives and takes away.
#[test]
fn lists_of_all_policies_count() {
    let policy = resource(
        "aws_iam_policy",
        json!({"arn": iam("policy/more"), "policy": document(&[allow("s3:*", "*")])}),
    );
    let all = |arns: &[&str]| {
        let arns: Vec<String> = arns.iter().map(|name| iam(name)).collect();
        resource(
            "aws_iam_role_policy_attachments_exclusive",
            json!({"role_name": "deployer", "policy_arns": arns}),
        )
    };
    let attached = resource(
        "aws_iam_role_policy_attachment",
        json!({"role": "deployer", "policy_arn": iam("policy/more")}),
    );
    assert_eq!(end(&with(&[policy.clone(), all(&["policy/more"])]), ARTIFACTS).0, "violated");
    assert_eq!(end(&with(&[policy.clone(), all(&[])]), ARTIFACTS).0, "proved");
    let (found, why) = end(&with(&[policy, all(&[]), attached]), ARTIFACTS);
    assert_eq!(found, "undecided");
    let gone = "`aws_iam_role_policy_attachment.g` gives it `arn:aws:iam::123456789012:policy/more`, which `aws_iam_role_policy_attachments_exclusive.g` takes away";
    assert!(why.ends_with(gone), "{why}");
    let names = |names: &[&str]| {
        resource(
            "aws_iam_role_policies_exclusive",
            json!({"role_name": "worker", "policy_names": names}),
        )
    };
    let lost = rail(&with(&[names(&["old"])]), "the boundary caps running code").clone();
    assert_eq!(lost["verdict"], "proved");
}

#[rstest]
#[case(json!(null), "null")]
#[case(json!(5), "a number")]
#[case(json!(""), "empty")]
#[case(json!(true), "true or false")]
#[case(json!([]), "a list")]
fn what_must_be_a_policy_and_is_none_is_refused(#[case] value: Value, #[case] what: &str) {
    for (kind, attribute, other) in [
        ("aws_iam_role", "assume_role_policy", json!({"name": "r", "arn": iam("role/r")})),
        ("aws_s3_bucket_policy", "policy", json!({"bucket": "artifacts"})),
        ("aws_iam_role_policy", "policy", json!({"role": "worker"})),
        ("aws_sns_topic_policy", "policy", json!({"arn": "x"})),
    ] {
        let mut values = other.clone();
        values[attribute] = value.clone();
        let state = state(&work(), &limit(), REPOSITORY, &[resource(kind, values)]);
        let output = run(estate(&state).path(), &["--state", "state.json", "--json"]);
        let error = format!(
            "ringfence: state.json: {kind}.g: `{attribute}` must be a policy document, and is {what}\n"
        );
        assert_eq!(text(&output.stderr), error);
        assert_eq!((output.status.code(), text(&output.stdout)), (Some(2), ""));
    }
    // Where there may be none, there is none.
    let queue = resource("aws_sqs_queue", json!({"name": "q", "policy": ""}));
    assert_eq!(end(&with(&[queue]), ARTIFACTS).0, "proved");
}

#[test]
fn a_trust_policy_that_is_no_json_is_refused() {
    let role = resource(
        "aws_iam_role",
        json!({"name": "r", "arn": iam("role/r"), "assume_role_policy": "x"}),
    );
    let state = state(&work(), &limit(), REPOSITORY, &[role]);
    let output = run(estate(&state).path(), &["--state", "state.json", "--json"]);
    let error = text(&output.stderr);
    assert!(error.starts_with("ringfence: state.json: aws_iam_role.g: "), "{error}");
    assert_eq!(output.status.code(), Some(2));
}

/// AWS shows the id of who was deleted: it is nobody, unless the files have who it is.
#[test]
fn an_id_names_nobody_but_whom_the_files_have() {
    let policy = |id: &str| {
        let policy = document(&[json!({"Effect": "Allow", "Principal": {"AWS": id},
            "Action": "s3:*", "Resource": "arn:aws:s3:::artifacts/*"})]);
        resource("aws_s3_bucket_policy", json!({"bucket": "artifacts", "policy": policy}))
    };
    assert_eq!(end(&with(&[policy("AROAGONE")]), ARTIFACTS).0, "proved");
    assert_eq!(end(&with(&[policy("AIDACKCEVSQ6C2EXAMPLE")]), ARTIFACTS).0, "proved");
    let mut state = state(&work(), &limit(), REPOSITORY, &[policy("AROADEPLOYER")]);
    state["values"]["root_module"]["resources"][2]["values"]["unique_id"] = json!("AROADEPLOYER");
    assert_eq!(end(&proved(&state).1, ARTIFACTS).0, "violated");
}

/// What a data source has read of a managed policy counts.
#[test]
fn managed_policies_that_a_data_source_has_read_count() {
    let attached = resource(
        "aws_iam_role_policy_attachment",
        json!({"role": "deployer", "policy_arn": "arn:aws:iam::aws:policy/Own"}),
    );
    let data = |action: &str| {
        json!({"address": "data.aws_iam_policy.own", "mode": "data", "type": "aws_iam_policy",
            "values": {"arn": "arn:aws:iam::aws:policy/Own", "policy": document(&[allow(action, "*")])}})
    };
    assert_eq!(end(&with(&[attached.clone(), data("ec2:Describe*")]), ARTIFACTS).0, "proved");
    assert_eq!(
        end(&with(&[attached.clone(), data("s3:*")]), ARTIFACTS).1,
        "statement 1 of `data.aws_iam_policy.own`"
    );
    assert_eq!(end(&with(&[attached]), ARTIFACTS).0, "undecided");
}

/// An action that nobody knows is asked about, and told. (The configuration refuses one.)
#[test]
fn an_action_that_the_reference_does_not_have_is_told() {
    let told = |action: &str| {
        let directory = estate(&state(&work(), &limit(), REPOSITORY, &[]));
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_ringfence"));
        command.current_dir(directory.path()).args(["who-can", action, "--state", "state.json"]);
        let output = command.output().unwrap();
        assert!(matches!(output.status.code(), Some(0 | 1)), "{}", text(&output.stdout));
        text(&output.stderr).to_owned()
    };
    assert_eq!(
        told("s3:GetObjcet"),
        "ringfence: warning: `s3:GetObjcet` covers no action: there is none of this name; did you mean `s3:GetObject`?\n"
    );
    assert_eq!(told("s3:GetObject"), "");
}
