//! The built binary's `prove`.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops where it fails")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use rstest::rstest;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

const ACCOUNT: &str = "123456789012";

const CONFIG: &str = r#"
[account]
id = "123456789012"
region = "eu-west-1"

[[issuers]]
kind = "github"
url = "https://token.actions.githubusercontent.com"

[[apps]]
name = "shop"
directory = "shop"
repository = "acme/shop"

[[deployers]]
name = "stack"
role_output = "aws_iam_role.deployer"
app = "shop"
job = "stack"
role_prefix = "fn-shop-"
"#;

fn iam(rest: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:{rest}")
}

fn of(service: &str, rest: &str) -> String {
    format!("arn:aws:{service}:eu-west-1:{ACCOUNT}:{rest}")
}

fn api(path: &str) -> String {
    format!("arn:aws:apigateway:eu-west-1::/apis/a1{path}")
}

fn allow(action: &str, resource: &str) -> Value {
    json!({"Effect": "Allow", "Action": action, "Resource": resource})
}

fn when(mut statement: Value, operator: &str, key: &str, value: &str) -> Value {
    statement["Condition"] = json!({operator: {key: value}});
    statement
}

/// What the team may do: the legitimate twin of each case below.
fn work() -> Vec<Value> {
    let own = iam("role/fn-shop-*");
    let function = of("lambda", "function:shop");
    let network = json!({
        "StringEquals": {"lambda:VpcIds": "vpc-1"},
        "ForAllValues:StringEquals": {"lambda:SubnetIds": ["subnet-1"], "lambda:SecurityGroupIds": ["sg-1"]},
    });
    let mut configuration = allow("lambda:UpdateFunctionConfiguration", &function);
    configuration["Condition"] = network;
    vec![
        when(
            allow("iam:CreateRole", &own),
            "StringEquals",
            "iam:PermissionsBoundary",
            &iam("policy/code"),
        ),
        when(
            allow("iam:PassRole", &own),
            "StringEquals",
            "iam:PassedToService",
            "lambda.amazonaws.com",
        ),
        configuration,
        allow("lambda:UpdateFunctionCode", &function),
        when(
            allow("lambda:AddPermission", &function),
            "StringEquals",
            "lambda:Principal",
            "apigateway.amazonaws.com",
        ),
        allow("cloudformation:UpdateStack", &of("cloudformation", "stack/shop/*")),
        allow("logs:DeleteLogGroup", &of("logs", "log-group:/aws/lambda/shop")),
        allow("ssm:GetParameter", "*"),
        allow("ec2:DescribeSubnets", "*"),
        allow("s3:PutObject", "arn:aws:s3:::artifacts/shop/*"),
        when(
            allow("apigateway:POST", &api("/routes")),
            "ForAnyValue:StringEquals",
            "apigateway:Request/RouteAuthorizationType",
            "JWT",
        ),
        allow("apigateway:PATCH", &api("/integrations/own")),
    ]
}

fn document(statements: &[Value]) -> String {
    json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}

fn trust(subject: &str) -> String {
    let host = "token.actions.githubusercontent.com";
    document(&[json!({"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
        "Principal": {"Federated": iam(&format!("oidc-provider/{host}"))},
        "Condition": {"StringEquals": {format!("{host}:aud"): "sts.amazonaws.com"},
            "StringLike": {format!("{host}:sub"): subject}}})])
}

/// An estate of one team, as `terraform show -json` prints its state.
fn state(statements: &[Value], boundary: &[Value], subject: &str, more: &[Value]) -> Value {
    let lambda = document(&[json!({"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"Service": "lambda.amazonaws.com"}})]);
    let code =
        document(&[allow("logs:PutLogEvents", "*"), allow("s3:GetObject", "arn:aws:s3:::data/*")]);
    let resource = |kind: &str, name: &str, values: Value| json!({"address": format!("{kind}.{name}"), "mode": "managed", "type": kind, "values": values});
    let mut resources = vec![
        resource("aws_iam_policy", "code", json!({"arn": iam("policy/code"), "policy": code})),
        resource(
            "aws_iam_policy",
            "limit",
            json!({"arn": iam("policy/limit"), "policy": document(boundary)}),
        ),
        resource(
            "aws_iam_role",
            "deployer",
            json!({"name": "deployer", "arn": iam("role/deployer"),
            "permissions_boundary": iam("policy/limit"), "assume_role_policy": trust(subject)}),
        ),
        resource(
            "aws_iam_role_policy",
            "work",
            json!({"role": "deployer", "policy": document(statements)}),
        ),
        resource(
            "aws_iam_role",
            "code",
            json!({"name": "worker", "arn": iam("role/worker"),
            "permissions_boundary": iam("policy/code"), "assume_role_policy": lambda}),
        ),
        resource(
            "aws_s3_bucket",
            "artifacts",
            json!({"bucket": "artifacts", "arn": "arn:aws:s3:::artifacts"}),
        ),
        resource("aws_apigatewayv2_api", "main", json!({"id": "a1"})),
        resource("aws_apigatewayv2_route", "wired", json!({"id": "r1"})),
        resource(
            "aws_vpc",
            "main",
            json!({"id": "vpc-1", "cidr_block": "10.0.0.0/16", "default_network_acl_id": "acl-0",
                "default_route_table_id": "rtb-0", "main_route_table_id": "rtb-0"}),
        ),
        resource("aws_internet_gateway", "main", json!({"id": "igw-1", "vpc_id": "vpc-1"})),
        resource(
            "aws_subnet",
            "private",
            json!({"id": "subnet-1", "vpc_id": "vpc-1", "cidr_block": "10.0.1.0/24"}),
        ),
        resource("aws_security_group", "code", json!({"id": "sg-1"})),
    ];
    resources.extend(more.iter().cloned());
    json!({"format_version": "1.0", "values": {"root_module": {"resources": resources}}})
}

/// A boundary that lets the team's work through, and no more of IAM.
fn limit() -> Vec<Value> {
    let mut all: Vec<Value> =
        ["apigateway", "cloudformation", "ec2", "lambda", "logs", "s3", "ssm"]
            .iter()
            .map(|service| allow(&format!("{service}:*"), "*"))
            .collect();
    all.extend(work().into_iter().take(2));
    all
}

fn run(directory: &Path, flags: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringfence"));
    command.current_dir(directory).arg("prove").args(flags).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn estate(state: &Value) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("ringfence.toml"), CONFIG).unwrap();
    fs::write(directory.path().join("state.json"), state.to_string()).unwrap();
    directory
}

/// The lines that are printed of a state.
fn proved(state: &Value) -> (Option<i32>, Vec<Value>) {
    let output = run(estate(state).path(), &["--state", "state.json", "--json"]);
    assert_eq!(text(&output.stderr), "");
    let lines = text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap());
    (output.status.code(), lines.collect())
}

fn rail<'v>(told: &'v [Value], name: &str) -> &'v Value {
    told.iter().find(|line| line["rail"] == name).unwrap()
}

const REPOSITORY: &str = "repo:acme/shop:ref:refs/heads/main";

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
#[case("no boundary is removed or replaced", "iam:PutRolePolicy", &iam("role/deployer"))]
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
    // What the boundary keeps back gets past nothing.
    let bounded = proved(&state(&statements, &work(), REPOSITORY, &[])).1;
    assert_eq!(verdict_of(&bounded, name), "proved");
}

fn verdict_of<'v>(told: &'v [Value], name: &str) -> &'v str {
    rail(told, name)["verdict"].as_str().unwrap()
}

#[test]
fn another_repository_that_may_become_a_deployer_is_shown() {
    const TRUST: &str = "only its own workflow becomes a deployer";
    let (code, told) = proved(&state(&work(), &limit(), "repo:acme/*", &[]));
    let rail = rail(&told, TRUST);
    assert_eq!((code, &rail["verdict"]), (Some(1), &json!("violated")));
    let request = &rail["violations"][0]["request"];
    assert_eq!(request["action"], "sts:assumerolewithwebidentity");
    assert_eq!(request["context"]["token.actions.githubusercontent.com:sub"], "repo:acme/");
    assert_eq!(
        verdict_of(&proved(&state(&work(), &limit(), "repo:acme/shop:*", &[])).1, TRUST),
        "proved"
    );
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
}

#[test]
fn what_is_not_in_the_files_is_never_a_pass() {
    let attached = |role: &str| {
        json!({"address": "aws_iam_role_policy_attachment.a", "mode": "managed",
            "type": "aws_iam_role_policy_attachment",
            "values": {"role": role, "policy_arn": "arn:aws:iam::aws:policy/PowerUserAccess"}})
    };
    const ARTIFACTS: &str = "a team's artifacts are its own";
    let (code, told) = proved(&state(&work(), &limit(), REPOSITORY, &[attached("deployer")]));
    let rail_of = rail(&told, ARTIFACTS);
    assert_eq!((code, &rail_of["verdict"]), (Some(1), &json!("undecided")));
    let reason = rail_of["undecided"][0]["reason"].as_str().unwrap();
    assert!(
        reason.ends_with("depends on what is not known: arn:aws:iam::aws:policy/PowerUserAccess"),
        "{reason}"
    );
    // The boundary caps IAM, whatever the policy is.
    let kept = rail(&told, "identities are the platform's");
    assert_eq!(kept["verdict"], "proved");
    assert_eq!(kept["whatever"], json!(["arn:aws:iam::aws:policy/PowerUserAccess"]));
}

#[test]
fn a_permission_for_another_than_a_service_is_undecided() {
    const FUNCTIONS: &str = "a team's functions are its own";
    let with = |principal: &str| {
        let permission = json!({"address": "aws_lambda_permission.p", "mode": "managed",
            "type": "aws_lambda_permission", "values": {"principal": principal,
                "action": "lambda:InvokeFunction", "function_name": "other"}});
        proved(&state(&work(), &limit(), REPOSITORY, &[permission])).1
    };
    let told = with(ACCOUNT);
    let reason = "aws_lambda_permission.p: it lets in another than a service";
    assert_eq!(rail(&told, FUNCTIONS)["undecided"][0]["reason"], reason);
    assert_eq!(verdict_of(&with("apigateway.amazonaws.com"), FUNCTIONS), "proved");
}

#[test]
fn a_trust_policy_that_is_known_after_apply_lets_in_nobody_knows_whom() {
    const TRUST: &str = "only its own workflow becomes a deployer";
    let told = |unknown: &Value| {
        let state = state(&work(), &limit(), REPOSITORY, &[]);
        let resources = state["values"]["root_module"]["resources"].as_array().unwrap();
        let changes = resources.iter().map(|one| {
            let mut after = one["values"].clone();
            let mut marks = json!({});
            if one["address"] == "aws_iam_role.deployer" && unknown["assume_role_policy"] == true {
                after["assume_role_policy"] = Value::Null;
                marks = unknown.clone();
            }
            json!({"address": one["address"], "mode": "managed", "type": one["type"],
                "change": {"actions": ["create"], "after": after, "after_unknown": marks}})
        });
        let changes: Vec<Value> = changes.collect();
        proved(&json!({"format_version": "1.2", "resource_changes": changes})).1
    };
    let open = told(&json!({"assume_role_policy": true}));
    let reason = "aws_iam_role.deployer: assume_role_policy is known after apply only";
    assert_eq!(rail(&open, TRUST)["undecided"][0]["reason"], reason);
    assert_eq!(verdict_of(&told(&json!({})), TRUST), "proved");
}

#[test]
fn the_roles_of_templates_are_capped_too() {
    const CEILING: &str = "the boundary caps running code";
    let directory = estate(&state(&work(), &limit(), REPOSITORY, &[]));
    fs::create_dir(directory.path().join("shop")).unwrap();
    let verdict = |boundary: &str| {
        let template = format!(
            "Resources:\n  Role:\n    Type: AWS::IAM::Role\n    Properties:\n      RoleName: fn-shop-a\n{boundary}      AssumeRolePolicyDocument: {{}}\n"
        );
        fs::write(directory.path().join("shop/template.yaml"), template).unwrap();
        let output =
            run(directory.path(), &["--state", "state.json", "--templates", "shop", "--json"]);
        let lines = text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap());
        let told: Vec<Value> = lines.collect();
        (verdict_of(&told, CEILING).to_owned(), output.status.code())
    };
    let bound = "      PermissionsBoundary: !Sub arn:${AWS::Partition}:iam::${AWS::AccountId}:policy/code\n";
    assert_eq!(verdict(bound), ("proved".to_owned(), Some(0)));
    assert_eq!(verdict(""), ("violated".to_owned(), Some(1)));
    assert_eq!(
        verdict("      PermissionsBoundary: !ImportValue x\n"),
        ("undecided".to_owned(), Some(1))
    );
}

#[test]
fn what_cannot_be_read_or_names_nobody_is_one_message() {
    let good = state(&work(), &limit(), REPOSITORY, &[]);
    let mut later = good.clone();
    later["format_version"] = json!("2.0");
    let wrong = state(&[allow("s3", "*")], &limit(), REPOSITORY, &[]);
    let mut nobody = good.clone();
    nobody["values"]["root_module"]["resources"][2]["address"] = json!("aws_iam_role.other");
    for (state, message) in [
        (&later, "state.json: format version `2.0` is not read here; 1 is"),
        (&wrong, "aws_iam_role_policy.work: "),
        (&nobody, "deployer `stack`: `aws_iam_role.deployer` names no role of the files"),
        (&json!({}), "not what `terraform show -json` prints of a plan or a state"),
    ] {
        let output = run(estate(state).path(), &["--state", "state.json", "--json"]);
        let error = text(&output.stderr);
        assert!(error.contains(message) && error.trim().lines().count() == 1, "{error}");
        assert_eq!((output.status.code(), text(&output.stdout)), (Some(2), ""));
    }
    let output = run(estate(&good).path(), &[]);
    assert!(text(&output.stderr).contains("give `--plan FILE` or `--state FILE`"));
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        run(estate(&good).path(), &["--state", "state.json", "--markdown"]).status.code(),
        Some(0)
    );
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

/// A level without a Deny: that `FullAWSAccess` is gone, somebody must say.
#[test]
fn what_a_list_of_allows_keeps_back_hangs_on_full_access() {
    let list = limits(SERVICES, &[allow("s3:*", "*")]);
    let mut all = [tree(), vec![list, attached("p-limits", ACCOUNT)]].concat();
    let told = under(&all).1;
    assert_eq!(
        rail(&told, IDENTITIES)["undecided"][0]["reason"],
        "all else allows `iam:CreateUser` on `arn:x:iam::123456789012:user/x`, and whether \
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
        format!("all else allows `iam:CreateUser` on `arn:x:iam::123456789012:user/x`, and {why}")
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

/// An estate of some teams, each with the same work.
fn estate_of(teams: &[(Vec<Value>, String)]) -> Vec<Value> {
    let mut config = CONFIG.split("\n[[apps]]").next().unwrap().to_owned();
    let mut resources = Vec::new();
    for (team, (statements, trust)) in teams.iter().enumerate() {
        config += &format!(
            "\n[[apps]]\nname = \"shop{team}\"\ndirectory = \"s{team}\"\nrepository = \"acme/shop{team}\"\n\
             [[deployers]]\nname = \"d{team}\"\nrole_output = \"aws_iam_role.d{team}\"\napp = \"shop{team}\"\njob = \"code\"\n"
        );
        let role = format!("d{team}");
        let bucket = document(&[json!({"Effect": "Allow", "Action": "s3:GetObject",
            "Principal": {"AWS": iam(&format!("role/{role}"))}, "Resource": format!("arn:aws:s3:::data{team}/*")})]);
        for (kind, values) in [
            (
                "aws_iam_role",
                json!({"name": role, "arn": iam(&format!("role/{role}")), "assume_role_policy": trust}),
            ),
            ("aws_iam_role_policy", json!({"role": role, "policy": document(statements)})),
            ("aws_s3_bucket_policy", json!({"bucket": format!("data{team}"), "policy": bucket})),
        ] {
            resources.push(json!({"address": format!("{kind}.{role}"), "mode": "managed",
                "type": kind, "values": values}));
        }
    }
    let state =
        json!({"format_version": "1.0", "values": {"root_module": {"resources": resources}}});
    let directory = estate(&state);
    fs::write(directory.path().join("ringfence.toml"), config).unwrap();
    let output = run(directory.path(), &["--state", "state.json", "--json"]);
    assert_eq!(text(&output.stderr), "");
    text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn twice_the_teams_are_twice_the_questions() {
    let asked = |teams: usize| {
        let team =
            |team| (vec![allow("s3:GetObject", "*")], trust(&format!("repo:acme/shop{team}:*")));
        let told = estate_of(&(0..teams).map(team).collect::<Vec<_>>());
        let rails = told.iter().filter_map(|line| line["claims"].as_u64());
        rails.collect::<Vec<_>>()
    };
    let (few, many) = (asked(4), asked(8));
    assert_eq!(few.iter().map(|claims| claims * 2).collect::<Vec<_>>(), many);
    assert!(few.iter().all(|claims| [4, 8].contains(claims)), "{few:?}");
}

#[test]
fn a_team_that_may_become_somebody_else_becomes_no_other_team() {
    let trusting = document(&[json!({"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"AWS": iam("root")}})]);
    let may_become = |role: &str| {
        let own = allow("sts:AssumeRole", &iam(role));
        let told = estate_of(&[
            (vec![own], trust("repo:acme/shop0:*")),
            (vec![allow("s3:GetObject", "*")], trusting.clone()),
        ]);
        let rail = rail(&told, "only its own workflow becomes a deployer");
        let shown = rail["violations"].as_array().unwrap();
        shown.iter().any(|one| one["identity"] == "role/d0 as role/d1")
    };
    assert!(may_become("role/d*") && !may_become("role/other"));
}

/// By its account's name a team is let in where its own policies allow it too, by its
/// role's name without.
#[rstest]
#[case(None, "*", "proved")]
#[case(Some("root"), "s3:GetObject", "proved")]
#[case(Some("root"), "sts:AssumeRole", "violated")]
#[case(Some("role/d0"), "s3:GetObject", "violated")]
#[case(Some("role/other"), "sts:AssumeRole", "proved")]
fn a_team_that_may_become_another_is_shown(
    #[case] named: Option<&str>,
    #[case] action: &str,
    #[case] verdict: &str,
) {
    let own = |team: usize| trust(&format!("repo:acme/shop{team}:*"));
    let open = named.map(|named| {
        document(&[json!({"Sid": "Open", "Effect": "Allow", "Action": "sts:AssumeRole",
            "Principal": {"AWS": iam(named)}})])
    });
    let told = estate_of(&[
        (vec![allow(action, "*")], own(0)),
        (vec![allow("s3:GetObject", "*")], open.unwrap_or_else(|| own(1))),
    ]);
    let rail = rail(&told, "only its own workflow becomes a deployer");
    let of_pair = json!("role/d0 as role/d1");
    let shown = rail["violations"].as_array().unwrap();
    let shown = shown.iter().find(|one| one["identity"] == of_pair);
    assert_eq!(shown.is_some(), verdict == "violated", "{rail}");
    if let Some(shown) = shown {
        assert_eq!(shown["request"]["resource"], iam("role/d1"));
    }
}

#[test]
fn certificates_of_what_is_proved_are_checked_by_themselves() {
    let directory = estate(&state(&work(), &limit(), REPOSITORY, &[]));
    let flags = ["--state", "state.json", "--json", "--certificate", "proved.json"];
    let output = run(directory.path(), &flags);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let told = text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap());
    let claims: u64 = told.filter_map(|line: Value| line["claims"].as_u64()).sum();
    let check = |file: &str| {
        let output = run(directory.path(), &["--check", file]);
        (text(&output.stdout).to_owned(), output.status.code())
    };
    let good = format!("proved.json: {claims} good certificates, of 18 guard rails\n");
    assert_eq!(check("proved.json"), (good, Some(0)));
    let path = directory.path().join("proved.json");
    let mut all: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    all["certificates"][0]["callers"][0]["actions"].as_array_mut().unwrap().truncate(1);
    fs::write(directory.path().join("less.json"), all.to_string()).unwrap();
    let (told, code) = check("less.json");
    assert!(told.starts_with("less.json: BAD: the certificate of `") && code == Some(1), "{told}");
    assert!(told.contains("no class has actions like `"), "{told}");
    fs::write(directory.path().join("other.json"), "{}").unwrap();
    assert_eq!(check("other.json").1, Some(1));
    let output = run(directory.path(), &["--check", "gone.json"]);
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(2), ""));
}

#[test]
fn blocks_that_others_make_are_not_known_to_be_none() {
    const ARTIFACTS: &str = "a team's artifacts are its own";
    let told = |configuration: &str| {
        let state = state(&work(), &limit(), REPOSITORY, &[]);
        let resources = state["values"]["root_module"]["resources"].as_array().unwrap();
        let changes = resources.iter().map(|one| {
            let is_deployer = one["address"] == "aws_iam_role.deployer";
            let marks = if is_deployer { json!({"inline_policy": true}) } else { json!({}) };
            json!({"address": one["address"], "mode": "managed", "type": one["type"],
                "change": {"actions": ["create"], "after": one["values"], "after_unknown": marks}})
        });
        let changes: Vec<Value> = changes.collect();
        let role = json!({"address": "aws_iam_role.deployer", "mode": "managed", "type": "aws_iam_role", "name": "deployer", "expressions": {}});
        let plan = json!({"format_version": "1.2", "resource_changes": changes,
            "configuration": {"root_module": {"resources": [role]}}});
        let directory = estate(&plan);
        fs::write(directory.path().join("main.tf"), configuration).unwrap();
        let output = run(directory.path(), &["--plan", "state.json", "--json"]);
        let lines = text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap());
        rail(&lines.collect::<Vec<Value>>(), ARTIFACTS).clone()
    };
    let made = told(
        "resource \"aws_iam_role\" \"deployer\" {\n  dynamic \"inline_policy\" {\n    for_each = []\n    content {}\n  }\n}\n",
    );
    let reason = made["undecided"][0]["reason"].as_str().unwrap();
    let open = "depends on what is not known: aws_iam_role.deployer: inline_policy is known after apply only";
    assert!(reason.ends_with(open), "{reason}");
    assert_eq!(told("resource \"aws_iam_role\" \"deployer\" {}\n")["verdict"], "proved");
}

/// With a table of its own for the subnet, and one route in it.
fn routed(target: Option<(&str, &str)>) -> Vec<Value> {
    let of = |kind: &str, values: Value| json!({"address": format!("{kind}.own"), "mode": "managed", "type": kind, "values": values});
    let route = target.map(|(attribute, id)| {
        let mut route = json!({"cidr_block": "0.0.0.0/0", "ipv6_cidr_block": "", "gateway_id": ""});
        route[attribute] = json!(id);
        route
    });
    let routes: Vec<Value> = route.into_iter().collect();
    vec![
        of(
            "aws_route_table",
            json!({"id": "rtb-1", "vpc_id": "vpc-1", "route": routes, "propagating_vgws": []}),
        ),
        of(
            "aws_route_table_association",
            json!({"subnet_id": "subnet-1", "route_table_id": "rtb-1"}),
        ),
        of(
            "aws_nat_gateway",
            json!({"id": "nat-1", "subnet_id": "subnet-8", "connectivity_type": "public"}),
        ),
    ]
}

/// Which subnets a function may run in, routes say.
#[test]
fn a_subnet_whose_routes_pass_nat_by_is_none_that_functions_may_run_in() {
    const RAIL: &str = "functions stay in the platform's network";
    let told = |target| {
        let more = routed(target);
        proved(&state(&work(), &limit(), REPOSITORY, &more)).1
    };
    assert_eq!(verdict_of(&told(Some(("nat_gateway_id", "nat-1"))), RAIL), "proved");
    assert_eq!(verdict_of(&told(None), RAIL), "proved");
    // The only subnet is public: there is none that functions may run in.
    let open = told(Some(("gateway_id", "igw-1")));
    assert!(!open.iter().any(|line| line["rail"] == RAIL), "{open:#?}");
    let mut used = routed(Some(("gateway_id", "igw-1")));
    used.push(json!({"address": "aws_lambda_function.f", "mode": "managed", "type": "aws_lambda_function",
        "values": {"function_name": "f", "vpc_config": [{"subnet_ids": ["subnet-1"], "security_group_ids": ["sg-1"]}]}}));
    let shown = proved(&state(&work(), &limit(), REPOSITORY, &used)).1;
    assert_eq!(verdict_of(&shown, RAIL), "violated", "a function runs in it");
    let mut more = routed(Some(("gateway_id", "igw-1")));
    more.push(json!({"address": "aws_subnet.other", "mode": "managed", "type": "aws_subnet",
        "values": {"id": "subnet-2", "vpc_id": "vpc-1", "cidr_block": "10.0.2.0/24", "map_public_ip_on_launch": true}}));
    let shown = proved(&state(&work(), &limit(), REPOSITORY, &more)).1;
    let violation = &rail(&shown, RAIL)["violations"][0];
    let context = violation["request"]["context"].as_object().unwrap();
    let subnets = context.iter().find(|(key, _)| key.eq_ignore_ascii_case("lambda:SubnetIds"));
    assert_eq!(subnets.unwrap().1, &json!(["subnet-1"]), "{violation}");
    // What is not followed decides nothing.
    let open = told(Some(("transit_gateway_id", "tgw-1")));
    let reason = rail(&open, RAIL)["undecided"][0]["reason"].as_str().unwrap();
    let hangs = "depends on what is not known: 1.0.0.0 on TCP port 443 leaves, and aws_route_table.own.route[0]: the transit gateway `tgw-1` is not followed";
    assert!(reason.ends_with(hangs), "{reason}");
}

const TERRAFORM: &str = r#"resource "aws_iam_role" "deployer" {
  name = "deployer"
}

resource "aws_iam_role_policy" "work" {
  role   = aws_iam_role.deployer.id
  policy = data.aws_iam_policy_document.work.json
}

data "aws_iam_policy_document" "work" {
  statement {
    sid     = "Hole"
    actions = ["iam:CreateUser"]
  }
}
"#;

/// The log of an estate whose team may make users, by a statement.
fn sarif(hole: &Value, boundary: &[Value], unknown: bool) -> (Option<i32>, Value) {
    let mut statements = work();
    statements.push(hole.clone());
    let mut estate_state = state(&statements, boundary, REPOSITORY, &[]);
    if unknown {
        let attachment = json!({"address": "aws_iam_role_policy_attachment.more", "mode": "managed",
            "type": "aws_iam_role_policy_attachment",
            "values": {"role": "deployer", "policy_arn": "arn:aws:iam::aws:policy/Some"}});
        let all = estate_state["values"]["root_module"]["resources"].as_array_mut().unwrap();
        all.push(attachment);
    }
    let directory = estate(&estate_state);
    fs::write(directory.path().join("iam.tf"), TERRAFORM).unwrap();
    let flags = ["--state", "state.json"];
    let output = run(directory.path(), &[&flags[..], &["--sarif"]].concat());
    assert_eq!(text(&output.stderr), "");
    let log: Value = serde_json::from_slice(&output.stdout).unwrap();
    // To a file, what is printed stays.
    let beside =
        run(directory.path(), &[&flags[..], &["--markdown", "--sarif=out.sarif"]].concat());
    assert!(text(&beside.stdout).starts_with("### Guard rails\n"), "{}", text(&beside.stdout));
    let written = fs::read(directory.path().join("out.sarif")).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&written).unwrap(), log);
    let both = run(directory.path(), &[&flags[..], &["--json", "--sarif"]].concat());
    assert_eq!((both.status.code(), text(&both.stdout)), (Some(2), ""));
    assert!(text(&both.stderr).contains("write `--sarif=FILE` beside"), "{}", text(&both.stderr));
    (output.status.code(), log)
}

/// The result of a rail, and where it stands.
fn result<'v>(log: &'v Value, rule: &str) -> (&'v Value, &'v Value) {
    let all = log["runs"][0]["results"].as_array().unwrap();
    let found = all.iter().find(|one| one["ruleId"] == rule).unwrap();
    (found, &found["locations"][0]["physicalLocation"])
}

#[test]
fn what_is_not_proved_is_a_finding_at_its_statement() {
    let mut hole = allow("iam:CreateUser", "*");
    hole["Sid"] = json!("Hole");
    let all = [allow("*", "*")];
    let (code, log) = sarif(&hole, &all, false);
    assert_eq!((code, &log["version"]), (Some(1), &json!("2.1.0")));
    assert_eq!(log["$schema"], "https://json.schemastore.org/sarif-2.1.0.json");
    let run = &log["runs"][0];
    assert_eq!(run["automationDetails"], json!({"id": "ringfence-prove/"}));
    assert_eq!(run["tool"]["driver"]["rules"].as_array().unwrap().len(), 18);
    let (found, place) = result(&log, "prove/identities");
    let index = usize::try_from(found["ruleIndex"].as_u64().unwrap()).unwrap();
    assert_eq!(
        run["tool"]["driver"]["rules"][index]["shortDescription"]["text"],
        "Guard rail, for all requests: identities are the platform's"
    );
    assert_eq!(found["level"], "error");
    assert_eq!(
        found["message"]["text"],
        "identities are the platform's: role/deployer: `iam:CreateUser` on \
         `arn:x:iam::123456789012:user/x` is allowed by statement `Hole` of `aws_iam_role_policy.work`"
    );
    assert_eq!(
        found["partialFingerprints"],
        json!({"ringfence/v1": "prove|identities|role/deployer|violated"})
    );
    let at = |line: usize, column: usize| {
        json!({"artifactLocation": {"uri": "iam.tf"},
            "region": {"startLine": line, "startColumn": column}})
    };
    assert_eq!(place, &at(12, 5));
    // A statement without a name stands in its resource.
    let (_, log) = sarif(&allow("iam:CreateUser", "*"), &all, false);
    assert_eq!(result(&log, "prove/identities").1, &at(5, 1));
    // What is undecided stands at the identity, and what is proved nowhere.
    let (code, log) = sarif(&allow("ssm:GetParameters", "*"), &all, true);
    let (found, place) = result(&log, "prove/identities");
    assert_eq!((code, &found["level"], place), (Some(1), &json!("warning"), &at(1, 1)));
    let (code, log) = sarif(&allow("ssm:GetParameters", "*"), &limit(), false);
    assert_eq!((code, &log["runs"][0]["results"]), (Some(0), &json!([])));
}

/// A bundle with certificates, as `verify` leaves one.
struct Bundle {
    directory: TempDir,
}

impl Bundle {
    fn new(lines: &[Value], certificates: &[u8]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("evidence/tests/data/bundles/2");
        let to = directory.path().join("bundle");
        let status = Command::new("cp").arg("-r").arg(kept).arg(to).status().unwrap();
        assert!(status.success());
        let bundle = Self { directory };
        let path = bundle.path("run.json");
        let mut record: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let proofs = lines.iter().filter(|line| line["rail"].is_string()).map(|line| {
            json!({"guard_rail": line["rail"], "verdict": line["verdict"],
                "claims": line["claims"], "universe": "", "told": []})
        });
        record["proofs"] = proofs.collect();
        record["certificates_sha256"] = json!(sha256(certificates));
        fs::write(path, record.to_string()).unwrap();
        fs::write(bundle.path("certificates.json"), certificates).unwrap();
        bundle
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.directory.path().join("bundle").join(name)
    }

    /// With other certificates, of which the record says that they are its own.
    fn renamed(&self, certificates: &[u8]) {
        let path = self.path("run.json");
        let mut record: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        record["certificates_sha256"] = json!(sha256(certificates));
        fs::write(path, record.to_string()).unwrap();
        fs::write(self.path("certificates.json"), certificates).unwrap();
    }

    /// What is said of it, once all its files have their hashes again.
    fn said(&self) -> (Option<i32>, Vec<String>) {
        let listed = fs::read_to_string(self.path("MANIFEST.sha256")).unwrap();
        let names = listed.lines().filter_map(|line| line.split_once("  ")).map(|(_, name)| name);
        let mut names: Vec<&str> = names.filter(|name| *name != "certificates.json").collect();
        if self.path("certificates.json").exists() {
            names.push("certificates.json");
        }
        names.sort_unstable();
        let lines = names
            .into_iter()
            .map(|name| format!("{}  {name}\n", sha256(&fs::read(self.path(name)).unwrap())));
        fs::write(self.path("MANIFEST.sha256"), lines.collect::<String>()).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_ringfence"))
            .current_dir(self.directory.path())
            .args(["evidence", "verify", "bundle", "--hashes-only"])
            .output()
            .unwrap();
        assert_eq!(text(&output.stderr), "");
        let bad = text(&output.stdout).lines().filter_map(|line| line.strip_prefix("BAD: "));
        (output.status.code(), bad.map(str::to_owned).collect())
    }
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The lines and the certificates of a state.
fn certified(state: &Value) -> (Vec<Value>, Vec<u8>) {
    let directory = estate(state);
    let flags = ["--state", "state.json", "--json", "--certificate", "proved.json"];
    let output = run(directory.path(), &flags);
    let lines = text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap());
    (lines.collect(), fs::read(directory.path().join("proved.json")).unwrap())
}

#[test]
fn certificates_of_a_bundle_are_its_own_and_good() {
    let (lines, own) = certified(&state(&work(), &limit(), REPOSITORY, &[]));
    let bundle = Bundle::new(&lines, &own);
    assert_eq!(bundle.said(), (Some(0), vec![]));

    // Removed.
    fs::remove_file(bundle.path("certificates.json")).unwrap();
    let gone = "run.json names `certificates.json`, and it is not there".to_owned();
    assert_eq!(bundle.said(), (Some(1), vec![gone]));

    // Of another estate, good by themselves.
    let mut other = state(&work(), &limit(), REPOSITORY, &[]);
    let resources = other["values"]["root_module"]["resources"].as_array_mut().unwrap();
    resources.retain(|one| one["type"] != "aws_s3_bucket");
    let foreign = certified(&other).1;
    assert_ne!(foreign, own);
    fs::write(bundle.path("certificates.json"), &foreign).unwrap();
    const ARTIFACTS: &str = "a team's artifacts are its own";
    let of_another =
        format!("`certificates.json` tells of 0 claims of `{ARTIFACTS}`, the record of 1");
    let hash = "run.json names `certificates.json` with another hash".to_owned();
    assert_eq!(bundle.said(), (Some(1), vec![hash, of_another.clone()]));
    bundle.renamed(&foreign);
    assert_eq!(bundle.said(), (Some(1), vec![of_another]));

    // Altered: a class of actions is gone.
    let mut all: Value = serde_json::from_slice(&own).unwrap();
    let one = &mut all["certificates"][0];
    let (rail, who) = (one["rail"].as_str().unwrap().to_owned(), one["who"].as_str().unwrap());
    let whose = format!("`certificates.json`: the certificate of `{rail}` for `{who}`: ");
    one["callers"][0]["actions"].as_array_mut().unwrap().truncate(1);
    bundle.renamed(all.to_string().as_bytes());
    let (code, said) = bundle.said();
    assert_eq!((code, said.len()), (Some(1), 1), "{said:?}");
    assert!(said[0].starts_with(&format!("{whose}no class has actions like `")), "{said:?}");
    // A policy with another text than its digest says.
    let mut all: Value = serde_json::from_slice(&own).unwrap();
    let documents = all["documents"].as_object_mut().unwrap();
    let (digest, policy) = documents.iter_mut().next().unwrap();
    let digest = digest.clone();
    *policy = json!(policy.as_str().unwrap().replace("2012-10-17", "2008-10-17"));
    bundle.renamed(all.to_string().as_bytes());
    let (code, said) = bundle.said();
    assert_eq!((code, said.len()), (Some(1), 1), "{said:?}");
    assert!(said[0].contains(&digest), "{said:?}");

    // The same bytes again.
    bundle.renamed(&own);
    assert_eq!(bundle.said(), (Some(0), vec![]));
}

/// The JSON pointers of a value, its own first.
fn pointers(value: &Value, own: &str, found: &mut Vec<String>) {
    found.push(own.to_owned());
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(name, one)| pointers(one, &format!("{own}/{name}"), found));
        }
        Value::Array(items) => {
            let all = items.iter().enumerate();
            all.for_each(|(at, one)| pointers(one, &format!("{own}/{at}"), found));
        }
        _ => {}
    }
}

/// Whatever stands in the place of a part of a state: a verdict, or one message.
#[test]
fn a_state_with_anything_in_it_has_a_verdict_or_one_message() {
    let good = state(&work(), &limit(), REPOSITORY, &[]);
    let mut found = Vec::new();
    pointers(&good, "", &mut found);
    let others = [json!(null), json!(-1), json!(""), json!("${x"), json!([[]]), json!({"a": {}})];
    let mut refused = 0;
    for (number, pointer) in found.iter().enumerate() {
        let mut odd = good.clone();
        *odd.pointer_mut(pointer).unwrap() = others[number % others.len()].clone();
        let output = run(estate(&odd).path(), &["--state", "state.json", "--json"]);
        let (told, error) = (text(&output.stdout), text(&output.stderr));
        match output.status.code() {
            Some(0 | 1) => assert!(told.contains("\"summary\"") && error.is_empty(), "{pointer}"),
            Some(2) => {
                refused += 1;
                assert!(told.is_empty() && error.lines().count() == 1, "{pointer}: {error}");
            }
            code => panic!("{pointer}: {code:?}: {error}"),
        }
    }
    assert!(refused > 3 && refused < found.len(), "{refused} of {}", found.len());
}
