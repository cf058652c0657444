//! Control policies of organizations, and endpoints that calls come through.

use std::fs;

use rstest::rstest;
use serde_json::{Value, json};

use crate::shop::{
    ACCOUNT, CONFIG, REPOSITORY, allow, document, estate, iam, limit, proved, rail, run, state,
    text, verdict_of, work,
};

fn limits(kind: &str, statements: &[Value]) -> Value {
    json!({"address": "aws_organizations_policy.limits", "mode": "managed",
        "type": "aws_organizations_policy",
        "values": {"id": "p-limits", "type": kind, "content": document(statements)}})
}

/// A resource of the organization.
fn organization(kind: &str, name: &str, values: Value) -> Value {
    let kind = format!("aws_organizations_{kind}");
    json!({"address": format!("{kind}.{name}"), "mode": "managed", "type": kind, "values": values})
}

/// The account stands in a unit; another one is the management account.
fn tree() -> Vec<Value> {
    vec![
        organization("organization", "all", json!({"master_account_id": "999999999999"})),
        organization(
            "organizational_unit",
            "work",
            json!({"id": "ou-ab12-1", "parent_id": "r-ab12"}),
        ),
        organization("account", "work", json!({"id": ACCOUNT, "parent_id": "ou-ab12-1"})),
    ]
}

fn attached(policy: &str, target: &str) -> Value {
    let values = json!({"policy_id": policy, "target_id": target});
    organization("policy_attachment", &format!("{policy}_{target}"), values)
}

const IDENTITIES: &str = "identities are the platform's";

/// The lines of an estate whose team may make users, under some control policies.
fn under(more: &[Value]) -> (Option<i32>, Vec<Value>) {
    let mut statements = work();
    let mut hole = allow("iam:CreateUser", "*");
    hole["Sid"] = json!("Hole");
    statements.push(hole);
    proved(&state(&statements, &[allow("*", "*")], REPOSITORY, more))
}

fn no_users(except: Option<&str>) -> Value {
    let mut deny =
        json!({"Sid": "NoUsers", "Effect": "Deny", "Action": "iam:CreateUser", "Resource": "*"});
    if let Some(arn) = except {
        deny["Condition"] = json!({"ArnNotLike": {"aws:PrincipalArn": arn}});
    }
    deny
}

const SERVICES: &str = "SERVICE_CONTROL_POLICY";

#[rstest]
#[case::the_account(ACCOUNT)]
#[case::its_unit("ou-ab12-1")]
#[case::the_root("r-ab12")]
fn what_only_a_service_control_policy_keeps_back_is_proved(#[case] target: &str) {
    let with = |statements: &[Value], target: &str| {
        let more = [limits(SERVICES, statements), attached("p-limits", target)];
        under(&[tree(), more.to_vec()].concat()).1
    };
    assert_eq!(verdict_of(&with(&[no_users(None)], target), IDENTITIES), "proved");
    // Its exception lets the team through.
    let told = with(&[no_users(Some(&iam("role/deploy*")))], target);
    let shown = &rail(&told, IDENTITIES)["violations"][0];
    assert_eq!(shown["request"]["action"], "iam:CreateUser");
    assert_eq!(shown["allowed_by"], json!(["statement `Hole` of `aws_iam_role_policy.work`"]));
    assert_eq!(
        verdict_of(&with(&[no_users(Some(&iam("role/admin")))], target), IDENTITIES),
        "proved"
    );
    // It binds nobody where it is not attached above the account.
    for elsewhere in ["ou-ab12-2", "111111111111"] {
        assert_eq!(verdict_of(&with(&[no_users(None)], elsewhere), IDENTITIES), "violated");
    }
}

/// A policy of a type that the organization does not enable is attached to nothing.
#[rstest]
#[case::enabled(json!({"enabled_policy_types": ["TAG_POLICY", SERVICES]}), "proved")]
#[case::none(json!({"enabled_policy_types": []}), "violated")]
#[case::others(json!({"enabled_policy_types": ["RESOURCE_CONTROL_POLICY"]}), "violated")]
#[case::bills_alone(
    json!({"feature_set": "CONSOLIDATED_BILLING", "enabled_policy_types": [SERVICES]}),
    "violated"
)]
#[case::all_features(
    json!({"feature_set": "ALL", "enabled_policy_types": [SERVICES]}),
    "proved"
)]
#[case::not_said(json!({"enabled_policy_types": null}), "undecided")]
fn a_policy_counts_where_its_type_is_enabled(#[case] says: Value, #[case] verdict: &str) {
    let mut all = tree();
    let own = all[0]["values"].as_object_mut().unwrap();
    own.extend(says.as_object().unwrap().clone());
    all.extend([limits(SERVICES, &[no_users(None)]), attached("p-limits", ACCOUNT)]);
    let told = under(&all).1;
    assert_eq!(verdict_of(&told, IDENTITIES), verdict);
    if verdict == "undecided" {
        assert_eq!(
            rail(&told, IDENTITIES)["undecided"][0]["reason"],
            "all else allows `iam:CreateUser` on `arn:aws:iam::123456789012:user/x`, and whether \
             the organization enables policies of the type of `aws_organizations_policy.limits`, \
             which is `SERVICE_CONTROL_POLICY`, the files do not say"
        );
    }
}

/// A level without a Deny: that `FullAWSAccess` is gone, somebody must say.
#[test]
fn what_a_list_of_allows_keeps_back_hangs_on_full_access() {
    let list = limits(SERVICES, &[allow("s3:*", "*")]);
    let mut all = [tree(), vec![list, attached("p-limits", ACCOUNT)]].concat();
    let told = under(&all).1;
    assert_eq!(
        rail(&told, IDENTITIES)["undecided"][0]["reason"],
        "all else allows `iam:CreateUser` on `arn:aws:iam::123456789012:user/x`, and whether \
         `p-FullAWSAccess` is attached to `123456789012` the files do not say"
    );
    all.push(attached("p-FullAWSAccess", ACCOUNT));
    assert_eq!(verdict_of(&under(&all).1, IDENTITIES), "violated");
}

#[rstest]
#[case::nowhere(vec![], "to what `aws_organizations_policy.limits` is attached the files do not say")]
#[case::to_what_is_not_known(
    vec![organization("policy_attachment", "a", json!({"policy_id": "p-limits"}))],
    "to what `aws_organizations_policy_attachment.a` attaches `aws_organizations_policy.limits` is not known"
)]
#[case::to_a_unit_that_may_be_above(
    vec![attached("p-limits", "ou-ab12-1")],
    "`aws_organizations_policy.limits` is attached to `ou-ab12-1`, and whether the account is under that neither the files nor `[account.organization]` say"
)]
#[case::whose_management_account_is_not_known(
    vec![attached("p-limits", ACCOUNT)],
    "whether `aws_organizations_policy.limits` binds the account hangs on which is the management account, which neither the files nor `[account.organization]` say"
)]
fn a_policy_that_may_bind_is_undecided_by_name(#[case] more: Vec<Value>, #[case] why: &str) {
    let with = |deny: Value| under(&[vec![limits(SERVICES, &[deny])], more.clone()].concat());
    let (code, told) = with(no_users(None));
    assert_eq!((code, verdict_of(&told, IDENTITIES)), (Some(1), "undecided"));
    assert_eq!(
        rail(&told, IDENTITIES)["undecided"][0]["reason"],
        format!(
            "all else allows `iam:CreateUser` on `arn:aws:iam::123456789012:user/x`, and {why}"
        )
    );
    // What it does not keep back in any case is violated, wherever it is attached.
    let other = json!({"Effect": "Deny", "Action": "s3:*", "Resource": "*"});
    assert_eq!(verdict_of(&with(other).1, IDENTITIES), "violated");
}

#[test]
fn the_management_account_is_bound_by_none() {
    let mut all = tree();
    all.extend([limits(SERVICES, &[no_users(None)]), attached("p-limits", "r-ab12")]);
    assert_eq!(verdict_of(&under(&all).1, IDENTITIES), "proved");
    all[0]["values"]["master_account_id"] = json!(ACCOUNT);
    assert_eq!(verdict_of(&under(&all).1, IDENTITIES), "violated");
}

/// Nobody's token is bound by what binds an account's identities.
#[test]
fn tokens_are_not_bound_by_service_control_policies() {
    let deny =
        json!({"Effect": "Deny", "Action": "sts:AssumeRoleWithWebIdentity", "Resource": "*"});
    let more = [tree(), vec![limits(SERVICES, &[deny]), attached("p-limits", ACCOUNT)]].concat();
    let told = proved(&state(&work(), &limit(), "repo:acme/*", &more)).1;
    assert_eq!(verdict_of(&told, "only its own workflow becomes a deployer"), "violated");
}

/// What only a resource control policy refuses of a token nobody becomes a deployer by: of
/// other roles than its own, a trust policy says nothing.
#[rstest]
#[case::what_the_deployer_is("role/deployer", "repo:acme/shop:*", ACCOUNT, "proved")]
#[case::everything("*", "repo:acme/shop:*", ACCOUNT, "proved")]
#[case::some_that_others_may_be_called_like(
    "role/deployer",
    "repo:acme/shop*",
    ACCOUNT,
    "violated"
)]
#[case::another_role("role/worker", "repo:acme/shop:*", ACCOUNT, "violated")]
#[case::another_account("role/deployer", "repo:acme/shop:*", "111111111111", "violated")]
fn a_foreign_token_that_only_a_resource_control_policy_refuses_becomes_nobody(
    #[case] role: &str,
    #[case] subject: &str,
    #[case] target: &str,
    #[case] verdict: &str,
) {
    let resource = if role == "*" { role.to_owned() } else { iam(role) };
    let deny = json!({"Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRoleWithWebIdentity",
        "Resource": resource, "Condition": {
            "StringNotLike": {"token.actions.githubusercontent.com:sub": subject}}});
    let more = [limits("RESOURCE_CONTROL_POLICY", &[deny]), attached("p-limits", target)];
    let told =
        proved(&state(&work(), &limit(), "repo:acme/*", &[tree(), more.to_vec()].concat())).1;
    let rail = rail(&told, "only its own workflow becomes a deployer");
    assert_eq!(rail["verdict"], verdict, "{rail}");
    if verdict == "violated" {
        let request = &rail["violations"][0]["request"];
        assert_eq!(request["resource"], iam("role/deployer"), "{request}");
    }
}

/// A policy of resources keeps back what the identity's own allow.
#[test]
fn what_only_a_resource_control_policy_keeps_back_is_proved() {
    const ARTIFACTS: &str = "a team's artifacts are its own";
    let with = |target: &str| {
        let deny = json!({"Effect": "Deny", "Principal": "*", "Action": "s3:*",
            "Resource": "arn:aws:s3:::artifacts*"});
        let more = [limits("RESOURCE_CONTROL_POLICY", &[deny]), attached("p-limits", target)];
        let mut statements = work();
        statements.push(allow("s3:*", "*"));
        proved(&state(&statements, &limit(), REPOSITORY, &[tree(), more.to_vec()].concat())).1
    };
    assert_eq!(verdict_of(&with("ou-ab12-1"), ARTIFACTS), "proved");
    assert_eq!(verdict_of(&with("ou-ab12-2"), ARTIFACTS), "violated");
}

/// It binds the resources of its own accounts, and of which a bucket is, its ARN does not say.
#[rstest]
#[case::a_bucket_of_the_files("artifacts", "proved")]
#[case::another("foreign", "undecided")]
fn a_resource_control_policy_keeps_nobody_from_other_accounts_buckets(
    #[case] bucket: &str,
    #[case] verdict: &str,
) {
    let deny = json!({"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"});
    let more = [limits("RESOURCE_CONTROL_POLICY", &[deny]), attached("p-limits", "ou-ab12-1")];
    let statements = [work(), vec![allow("s3:*", "*")]].concat();
    let state = state(&statements, &limit(), REPOSITORY, &[tree(), more.to_vec()].concat());
    let directory = estate(&state);
    let rule = format!(
        "\n[[guard_rail]]\nid = \"read\"\ntitle = \"nobody reads\"\nwho = [\"role/deployer\"]\n\
         actions = [\"s3:GetObject\"]\nresources = [\"arn:aws:s3:::{bucket}/*\"]\n\
         legitimate = {{ identity = \"platform\", action = \"s3:GetObject\", resource = \"*\" }}\n"
    );
    fs::write(directory.path().join("ringfence.toml"), CONFIG.to_owned() + &rule).unwrap();
    let output = run(directory.path(), &["--state", "state.json", "--json"]);
    assert_eq!(text(&output.stderr), "");
    let lines = text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap());
    let lines: Vec<Value> = lines.collect();
    let found = rail(&lines, "nobody reads");
    assert_eq!(found["verdict"], verdict, "{found}");
    let told = found["undecided"][0]["reason"].as_str().unwrap_or_default();
    let is_told = told.ends_with("whether that bucket is of the account the files do not say");
    assert_eq!(is_told, verdict == "undecided", "{told}");
}

/// Levels, and endpoints that somebody's calls come through, as the guard composes them.
#[rstest]
#[case::a_level(
    "[[organization]]\npolicies = ['full.json']\n[[organization]]\npolicies = ['limit.json', 'full.json']\n",
    no_users(None),
    "proved"
)]
#[case::of_the_management_account(
    "[account.organization]\npath = 'o-a1b2c3d4e5/r-ab12/'\nmanagement_account = '123456789012'\n\
     [[organization]]\npolicies = ['limit.json', 'full.json']\n",
    no_users(None),
    "violated"
)]
#[case::a_level_that_allows_nothing_more(
    "[[organization]]\npolicies = ['limit.json']\n",
    allow("s3:*", "*"),
    "proved"
)]
#[case::an_endpoint(
    "[[vpc_endpoints]]\npolicy = 'through.json'\nservices = ['iam']\ncallers = ['role/depl*']\n",
    no_users(None),
    "proved"
)]
#[case::an_endpoint_of_another_service(
    "[[vpc_endpoints]]\npolicy = 'through.json'\nservices = ['s3']\ncallers = ['role/depl*']\n",
    no_users(None),
    "violated"
)]
#[case::an_endpoint_of_somebody_else(
    "[[vpc_endpoints]]\npolicy = 'through.json'\nservices = ['iam']\ncallers = ['role/other']\n",
    no_users(None),
    "violated"
)]
fn what_the_configuration_states_is_composed(
    #[case] more: &str,
    #[case] statement: Value,
    #[case] verdict: &str,
) {
    let mut statements = work();
    statements.push(allow("iam:CreateUser", "*"));
    let directory = estate(&state(&statements, &[allow("*", "*")], REPOSITORY, &[]));
    let (before, after) = CONFIG.split_once("[[issuers]]").unwrap();
    let config = format!("{before}{more}\n[[issuers]]{after}");
    fs::write(directory.path().join("ringfence.toml"), config).unwrap();
    let mut through = statement.clone();
    through["Principal"] = json!("*");
    let all = json!({"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"});
    for (name, statements) in [
        ("limit.json", vec![statement]),
        ("full.json", vec![allow("*", "*")]),
        ("through.json", vec![all, through]),
    ] {
        fs::write(directory.path().join(name), document(&statements)).unwrap();
    }
    let output =
        run(directory.path(), &["--state", "state.json", "--json", "--certificate", "c.json"]);
    assert_eq!(text(&output.stderr), "");
    let told: Vec<Value> =
        text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(verdict_of(&told, IDENTITIES), verdict, "{told:#?}");
    let checked = run(directory.path(), &["--check", "c.json"]);
    assert_eq!(checked.status.code(), Some(0), "{}", text(&checked.stdout));
}
