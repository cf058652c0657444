//! The built binary's `prove`.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops where it fails")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use rstest::rstest;
use serde_json::{Value, json};
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
