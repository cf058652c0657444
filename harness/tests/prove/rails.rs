//! Each guard rail: what holds is proved, and what gets past it is shown.

use std::fs;

use rstest::rstest;
use serde_json::{Value, json};

use crate::shop::{
    ACCOUNT, REPOSITORY, allow, api, document, estate, iam, limit, of, proved, rail, run, state,
    text, verdict_of, when, work,
};

#[test]
fn what_holds_is_proved_for_all_requests() {
    let (code, told) = proved(&state(&work(), &limit(), REPOSITORY, &[]));
    let summary = &told.last().unwrap()["summary"];
    assert_eq!((&summary["violated"], &summary["undecided"]), (&json!(0), &json!(0)), "{told:#?}");
    assert_eq!((&summary["rails"], &summary["proved"]), (&json!(18), &json!(18)));
    assert_eq!(code, Some(0));
    let routes = rail(&told, "every route is behind the authorizer");
    assert_eq!(routes["universe"]["actions"], "any name");
    assert_eq!(routes["identities"], json!(["role/deployer"]));
}

#[rstest]
#[case("every execution role carries the boundary", "iam:CreateRole", &iam("role/fn-shop-*"))]
#[case("no boundary is removed or replaced", "iam:DeleteRolePermissionsBoundary", &iam("role/fn-shop-a"))]
#[case("no boundary is removed or replaced", "iam:CreatePolicyVersion", &iam("policy/code"))]
#[case("no boundary is removed or replaced", "iam:PutRolePermissionsBoundary", &iam("role/deployer"))]
#[case("identities are the platform's", "iam:PutRolePolicy", &iam("role/deployer"))]
#[case("identities are the platform's", "iam:CreateUser", "*")]
#[case("only a team's own roles run its functions", "iam:PassRole", &iam("role/worker"))]
#[case("a team's functions are its own", "lambda:UpdateFunctionCode", &of("lambda", "function:other"))]
#[case("functions are reached through the API alone", "lambda:CreateFunctionUrlConfig", &of("lambda", "function:shop"))]
#[case("functions stay in the platform's network", "lambda:UpdateFunctionConfiguration", &of("lambda", "function:shop"))]
#[case("the network is the platform's", "ec2:AuthorizeSecurityGroupIngress", "*")]
#[case("a team's stacks are its own", "cloudformation:UpdateStack", &of("cloudformation", "stack/shops/*"))]
#[case("what the platform publishes is the platform's", "ssm:PutParameter", "*")]
#[case("a team's logs are its own", "logs:DeleteLogGroup", &of("logs", "log-group:/aws/lambda/other"))]
#[case("the API, its stage and its authorizer are the platform's", "apigateway:PATCH", &api("/authorizers/*"))]
#[case("every route is behind the authorizer", "apigateway:POST", &api("/routes"))]
#[case("the platform's routes lead where the platform says", "apigateway:DELETE", &api("/routes/*"))]
#[case("a team's artifacts are its own", "s3:PutObject", "arn:aws:s3:::artifacts/*")]
fn what_gets_past_a_rail_is_shown_with_the_statement_that_allows_it(
    #[case] name: &str,
    #[case] action: &str,
    #[case] resource: &str,
) {
    let mut statements = work();
    let mut hole = allow(action, resource);
    hole["Sid"] = json!("Hole");
    statements.push(hole);
    let (code, told) = proved(&state(&statements, &[allow("*", "*")], REPOSITORY, &[]));
    let rail = rail(&told, name);
    assert_eq!((code, &rail["verdict"]), (Some(1), &json!("violated")), "{rail}");
    let shown = &rail["violations"][0];
    assert_eq!(shown["identity"], "role/deployer");
    assert!(shown["request"]["action"].as_str().unwrap().eq_ignore_ascii_case(action), "{shown}");
    assert_eq!(shown["allowed_by"], json!(["statement `Hole` of `aws_iam_role_policy.work`"]));
    // Somebody can make it. AWS asks for a log group with `:log-stream:` behind it.
    let call = &shown["call"];
    match call["none"].as_str() {
        Some(why) => {
            assert_eq!(action, "logs:DeleteLogGroup", "{why}");
            assert!(why.contains("log-group:/aws/lambda/other:log-stream:`: denied"), "{why}");
        }
        None => assert_eq!(call["allowed_by"], shown["allowed_by"], "{call}"),
    }
    // What the boundary keeps back gets past nothing.
    let bounded = proved(&state(&statements, &work(), REPOSITORY, &[])).1;
    assert_eq!(verdict_of(&bounded, name), "proved");
}

/// What leaves each boundary where it is is no matter of that rail's, whose it else may be.
#[rstest]
#[case::policies_of_its_own(allow("iam:AttachRolePolicy", &iam("role/deployer")), "violated")]
#[case::a_policy_that_is_no_boundary(
    allow("iam:CreatePolicyVersion", &iam("policy/other")),
    "violated"
)]
#[case::the_boundary_that_its_roles_have(
    when(allow("iam:PutRolePermissionsBoundary", &iam("role/fn-shop-*")), "StringEquals",
        "iam:PermissionsBoundary", &iam("policy/code")),
    "proved"
)]
fn what_takes_no_boundary_away_gets_past_no_boundary(
    #[case] statement: Value,
    #[case] identities: &str,
) {
    let statements = [work(), vec![statement.clone()]].concat();
    let told = proved(&state(&statements, &[allow("*", "*")], REPOSITORY, &[])).1;
    assert_eq!(verdict_of(&told, "no boundary is removed or replaced"), "proved");
    assert_eq!(verdict_of(&told, "identities are the platform's"), identities);
}

#[rstest]
#[case::another(&iam("role/fn-shop-*"), Some(iam("policy/limit")))]
#[case::any(&iam("role/fn-shop-*"), None)]
#[case::of_another_role(&iam("role/worker"), Some(iam("policy/code")))]
#[case::its_own(&iam("role/deployer"), Some(iam("policy/code")))]
fn a_boundary_in_anothers_place_is_shown(#[case] on: &str, #[case] boundary: Option<String>) {
    let mut put = allow("iam:PutRolePermissionsBoundary", on);
    if let Some(boundary) = boundary {
        put = when(put, "StringEquals", "iam:PermissionsBoundary", &boundary);
    }
    let statements = [work(), vec![put]].concat();
    let told = proved(&state(&statements, &[allow("*", "*")], REPOSITORY, &[])).1;
    assert_eq!(verdict_of(&told, "no boundary is removed or replaced"), "violated");
}

#[test]
fn another_repository_that_may_become_a_deployer_is_shown() {
    const TRUST: &str = "only its own workflow becomes a deployer";
    let (code, told) = proved(&state(&work(), &limit(), "repo:acme/*", &[]));
    let rail = rail(&told, TRUST);
    assert_eq!((code, &rail["verdict"]), (Some(1), &json!("violated")));
    let request = &rail["violations"][0]["request"];
    assert_eq!(request["action"], "sts:AssumeRoleWithWebIdentity");
    assert_eq!(request["context"]["token.actions.githubusercontent.com:sub"], "repo:acme/");
    assert_eq!(
        verdict_of(&proved(&state(&work(), &limit(), "repo:acme/shop:*", &[])).1, TRUST),
        "proved"
    );
}

/// A token is for an audience, and for one that its provider takes.
#[rstest]
#[case::its_own_alone(&["sts.amazonaws.com"], REPOSITORY, "proved")]
#[case::of_another_repository(&["sts.amazonaws.com"], "repo:acme/*", "violated")]
#[case::another_audience_too(&["sts.amazonaws.com", "other"], REPOSITORY, "violated")]
fn a_trust_policy_without_an_audience_takes_what_the_provider_takes(
    #[case] audiences: &[&str],
    #[case] subject: &str,
    #[case] verdict: &str,
) {
    let host = "token.actions.githubusercontent.com";
    let provider = json!({"address": "aws_iam_openid_connect_provider.g", "mode": "managed",
        "type": "aws_iam_openid_connect_provider", "values": {"url": host,
            "arn": iam(&format!("oidc-provider/{host}")), "client_id_list": audiences}});
    let mut all = state(&work(), &limit(), subject, &[provider]);
    let resources = all["values"]["root_module"]["resources"].as_array_mut().unwrap();
    let mut deployer = resources.iter_mut().filter(|one| one["address"] == "aws_iam_role.deployer");
    let trust = &mut deployer.next().unwrap()["values"]["assume_role_policy"];
    let mut document: Value = serde_json::from_str(trust.as_str().unwrap()).unwrap();
    document["Statement"][0]["Condition"].as_object_mut().unwrap().remove("StringEquals").unwrap();
    *trust = json!(document.to_string());
    let told = proved(&all).1;
    assert_eq!(verdict_of(&told, "only its own workflow becomes a deployer"), verdict);
}

/// What a session with tags needs besides makes nobody one by itself.
#[test]
fn what_tags_a_session_makes_nobody_a_deployer() {
    const TRUST: &str = "only its own workflow becomes a deployer";
    let told = |subject: &str, actions: &[&str]| {
        let mut all = state(&work(), &limit(), subject, &[]);
        let resources = all["values"]["root_module"]["resources"].as_array_mut().unwrap();
        let mut deployer =
            resources.iter_mut().filter(|one| one["address"] == "aws_iam_role.deployer");
        let trust = &mut deployer.next().unwrap()["values"]["assume_role_policy"];
        let mut document: Value = serde_json::from_str(trust.as_str().unwrap()).unwrap();
        document["Statement"][0]["Action"] = json!(actions);
        *trust = json!(document.to_string());
        let told = proved(&all).1;
        let rail = rail(&told, TRUST);
        (rail["verdict"].clone(), rail["violations"][0]["request"]["action"].clone())
    };
    const ASSUME: &str = "sts:AssumeRoleWithWebIdentity";
    let tagged = [ASSUME, "sts:TagSession", "sts:SetSourceIdentity"];
    assert_eq!(told(REPOSITORY, &tagged).0, "proved");
    assert_eq!(told("repo:acme/*", &tagged[1..]).0, "proved");
    let other = (json!("violated"), json!("sts:AssumeRoleWithWebIdentity"));
    assert_eq!(told("repo:acme/*", &tagged), other);
}

#[test]
fn a_resources_policy_counts_beside_what_the_identity_has() {
    const ARTIFACTS: &str = "a team's artifacts are its own";
    let with = |principal: &str| {
        let policy =
            document(&[json!({"Sid": "Open", "Effect": "Allow", "Action": "s3:GetObject",
            "Principal": {"AWS": principal}, "Resource": "arn:aws:s3:::artifacts/*"})]);
        let bucket = json!({"address": "aws_s3_bucket_policy.b", "mode": "managed",
            "type": "aws_s3_bucket_policy", "values": {"bucket": "artifacts", "policy": policy}});
        proved(&state(&work(), &limit(), REPOSITORY, &[bucket])).1
    };
    let open = with(&iam("role/deployer"));
    let shown = &rail(&open, ARTIFACTS)["violations"][0];
    assert_eq!(shown["identity"], "role/deployer by aws_s3_bucket_policy.b");
    assert_eq!(shown["allowed_by"], json!(["statement `Open` of `aws_s3_bucket_policy.b`"]));
    assert_eq!(verdict_of(&with(&iam("role/worker")), ARTIFACTS), "proved");
    // Who takes the role chooses the session's name.
    let session = |role: &str| format!("arn:aws:sts::{ACCOUNT}:assumed-role/{role}/nightly");
    let open = with(&session("deployer"));
    let shown = &rail(&open, ARTIFACTS)["violations"][0];
    assert_eq!(shown["identity"], "role/deployer as nightly by aws_s3_bucket_policy.b");
    assert_eq!(shown["request"]["principal"], session("deployer"));
    assert_eq!(verdict_of(&with(&session("worker")), ARTIFACTS), "proved");
}

/// The rails of the attacks are those of the catalogue of objectives: what is proved
/// stands beside its attacks by its name.
#[test]
fn each_rail_has_the_name_that_its_attacks_have() {
    let catalogue = ringfence_evidence::controls::Catalogue::builtin().unwrap();
    let objectives = catalogue.objectives().iter();
    let known: Vec<&str> =
        objectives.flat_map(|one| one.guard_rails.iter().map(String::as_str)).collect();
    let (_, told) = proved(&state(&work(), &limit(), REPOSITORY, &[]));
    let names: Vec<&str> = told.iter().filter_map(|line| line["rail"].as_str()).collect();
    assert_eq!(names.len(), 18, "{names:#?}");
    for name in names {
        assert!(known.contains(&name), "`{name}`");
    }
}

const KEPT: &str = "no boundary is removed or replaced";

/// The lines of an estate whose team may make new versions of a policy, with more resources,
/// a template and more of the configuration.
fn of_another_policy(more: &[Value], template: &str, config: &str) -> Value {
    let hole = allow("iam:CreatePolicyVersion", &iam("policy/other"));
    let statements = [work(), vec![hole]].concat();
    let other = resource(
        "aws_iam_policy.other",
        &json!({"arn": iam("policy/other"), "policy": document(&[allow("s3:*", "*")])}),
    );
    let more = [vec![other], more.to_vec()].concat();
    let directory = estate(&state(&statements, &[allow("*", "*")], REPOSITORY, &more));
    let file = directory.path().join("ringfence.toml");
    let written = fs::read_to_string(&file).unwrap() + config;
    fs::write(&file, written).unwrap();
    fs::create_dir(directory.path().join("shop")).unwrap();
    let topic = format!("Resources:\n  T:\n    Type: AWS::SNS::Topic\n{template}");
    fs::write(directory.path().join("shop/template.yaml"), topic).unwrap();
    let flags = ["--state", "state.json", "--templates", "shop", "--json"];
    let output = run(directory.path(), &flags);
    assert_eq!(text(&output.stderr), "");
    let lines = text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap());
    rail(&lines.collect::<Vec<Value>>(), KEPT).clone()
}

fn resource(address: &str, values: &Value) -> Value {
    let kind = address.split('.').next().unwrap();
    json!({"address": address, "mode": "managed", "type": kind, "values": values})
}

/// A role that the configuration does not name has its boundary too, and so have users.
#[rstest]
#[case::of_a_role("aws_iam_role", "role/more", "")]
#[case::of_a_role_beside_a_named_one(
    "aws_iam_role",
    "role/more",
    "\n[platform]\nexecution_boundary_output = \"aws_iam_policy.code\"\ndeployer_boundary_output = \"aws_iam_policy.limit\"\n"
)]
#[case::of_a_user("aws_iam_user", "user/more", "")]
fn the_boundary_of_whomever_is_kept(#[case] kind: &str, #[case] name: &str, #[case] config: &str) {
    let with = |boundary: Option<&str>| {
        let trust = document(&[json!({"Effect": "Allow", "Action": "sts:AssumeRole",
            "Principal": {"Service": "ec2.amazonaws.com"}})]);
        let values = json!({"name": "more", "arn": iam(name), "assume_role_policy": trust,
            "permissions_boundary": boundary.map(iam)});
        of_another_policy(&[resource(&format!("{kind}.more"), &values)], "", config)
    };
    let kept = with(Some("policy/other"));
    assert_eq!(kept["verdict"], "violated", "{kept}");
    assert_eq!(kept["violations"][0]["request"]["resource"], iam("policy/other"));
    assert_eq!(with(None)["verdict"], "proved");
    assert_eq!(with(Some("policy/limit"))["verdict"], "proved");
}

#[rstest]
#[case::a_role(
    "AWS::IAM::Role",
    "AssumeRolePolicyDocument: {Statement: [{Effect: Allow, Action: 'sts:AssumeRole', Principal: {Service: ec2.amazonaws.com}}]}"
)]
#[case::a_user("AWS::IAM::User", "UserName: more")]
fn the_boundary_of_what_a_template_makes_is_kept(#[case] kind: &str, #[case] properties: &str) {
    let with = |boundary: &str| {
        let boundary = format!(", PermissionsBoundary: {boundary}");
        let template = format!(
            "  M:\n    Type: {kind}\n    Properties: {{{properties}{}}}\n",
            if boundary.ends_with(' ') { "" } else { &boundary }
        );
        of_another_policy(&[], &template, "")["verdict"].as_str().unwrap().to_owned()
    };
    assert_eq!(with(&format!("'{}'", iam("policy/other"))), "violated");
    assert_eq!(with("!ImportValue b"), "violated");
    assert_eq!(with(&format!("'{}'", iam("policy/limit"))), "proved");
    assert_eq!(with(""), "proved");
}
