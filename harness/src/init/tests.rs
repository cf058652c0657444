use std::fs;
use std::path::Path;

use super::*;
use crate::config::{Config, DeployerIdentity, IssuerKind, Job};

const MAIN: &str = r#"
variable "issuer" {
  type = string
}
variable "region" {
  default = "eu-west-1"
}
variable "secret" {}

provider "aws" {
  region = var.region
}

resource "aws_apigatewayv2_api" "shop" {
  protocol_type = "HTTP"
}

resource "aws_apigatewayv2_authorizer" "jwt" {
  api_id = aws_apigatewayv2_api.shop.id
  jwt_configuration {
    issuer   = var.issuer
    audience = ["shop"]
  }
}

resource "aws_apigatewayv2_route" "orders" {
  authorization_scopes = ["orders"]
}

resource "aws_iam_policy" "workers" {}
resource "aws_iam_policy" "pipelines" {}

resource "aws_iam_role" "worker" {
  permissions_boundary = aws_iam_policy.workers.arn
  assume_role_policy   = jsonencode({ Service = "lambda.amazonaws.com" })
}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRoleWithWebIdentity"]
    condition {
      values = ["repo:acme/orders:environment:live"]
    }
  }
}

data "aws_iam_policy_document" "pipeline" {
  statement {
    actions   = ["cloudformation:CreateStack", "iam:CreateRole"]
    resources = ["arn:aws:iam::1:role/orders-*"]
  }
}

resource "aws_iam_role" "pipeline_deployer" {
  permissions_boundary = aws_iam_policy.pipelines.arn
  assume_role_policy   = data.aws_iam_policy_document.trust.json
}

resource "aws_iam_role_policy" "pipeline" {
  role   = aws_iam_role.pipeline_deployer.id
  policy = data.aws_iam_policy_document.pipeline.json
}

resource "aws_s3_bucket" "uploads" {}
resource "aws_subnet" "inner" {
  count = 2
}
resource "aws_security_group" "functions" {}
resource "aws_ssm_parameter" "a" {
  name = "/shop/vpc"
}
resource "aws_ssm_parameter" "b" {
  name = "/shop/sg"
}
"#;

const OUTPUTS: &str = r#"
output "api" {
  value = aws_apigatewayv2_api.shop.id
}
output "authorizer" {
  value = aws_apigatewayv2_authorizer.jwt.id
}
output "worker_boundary" {
  value = aws_iam_policy.workers.arn
}
output "pipeline_boundary" {
  value = aws_iam_policy.pipelines.arn
}
output "uploads" {
  value = aws_s3_bucket.uploads.bucket
}
output "subnets" {
  value = aws_subnet.inner[*].id
}
output "functions" {
  value = aws_security_group.functions.id
}
output "pipeline" {
  value = aws_iam_role.pipeline_deployer.arn
}
"#;

const WORKFLOW: &str = "on: push\njobs:\n  a:\n    steps:\n      - uses: aws-actions/configure-aws-credentials@v4\n      - run: sam deploy --s3-bucket ${{ vars.UPLOADS }} ${{ vars.STAGE }} ${{ secrets.TOKEN }}\n";

fn estate() -> tempfile::TempDir {
    let top = tempfile::tempdir().unwrap();
    let files = [
        ("infra/main.tf", MAIN),
        ("infra/outputs.tf", OUTPUTS),
        ("infra/live.tfvars", "issuer = \"https://id.example/x\"\n"),
        ("orders/.github/workflows/deploy.yml", WORKFLOW),
        ("orders/.github/workflows/check.yml", "on: push\njobs: {}\n"),
        ("orders/.git/config", "[remote \"origin\"]\n\turl = git@github.com:acme/orders.git\n"),
        ("orders/tests/infra/main.tf", MAIN),
        (
            "orders/template.yaml",
            "Resources:\n  R:\n    Type: AWS::ApiGatewayV2::Route\n    Properties:\n      AuthorizationScopes: [stock]\n",
        ),
    ];
    for (name, text) in files {
        let path = top.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    top
}

fn drafted(top: &Path, place: &Path) -> (Draft, Config) {
    let draft = draft(&[top.to_owned()], place).unwrap();
    let config = Config::parse(&draft.text, &place.join("ringfence.toml"));
    let config = config.unwrap_or_else(|error| panic!("{error}\n{}", draft.text));
    (draft, config)
}

#[test]
fn what_the_files_say_is_a_configuration() {
    let top = estate();
    let (draft, config) = drafted(top.path(), top.path());
    assert_eq!(config.account.region.as_str(), "eu-west-1");
    let layer1 = &config.layer1[0];
    assert_eq!(layer1.directory, top.path().join("infra"));
    assert_eq!(layer1.var_files, [top.path().join("infra/live.tfvars")]);
    let api = config.api.unwrap();
    assert_eq!(api.id_output.as_deref(), Some("api"));
    assert_eq!(api.authorizer_output.as_deref(), Some("authorizer"));
    let platform = config.platform.unwrap();
    assert_eq!(platform.execution_boundary_output.as_deref(), Some("worker_boundary"));
    assert_eq!(platform.deployer_boundary_output.as_deref(), Some("pipeline_boundary"));
    assert_eq!(platform.artifacts_bucket_output.as_deref(), Some("uploads"));
    assert_eq!(platform.subnets_output.as_deref(), Some("subnets"));
    assert_eq!(platform.security_group_output.as_deref(), Some("functions"));
    assert_eq!(platform.parameters.as_deref(), Some("/shop/"));
    assert_eq!(platform.published, ["/shop/vpc", "/shop/sg"]);
    let issuers: Vec<&str> = config.issuers.iter().map(|it| it.url.get_ref().as_str()).collect();
    assert_eq!(issuers, ["https://id.example/x", "https://token.actions.githubusercontent.com"]);
    assert_eq!(config.issuers[0].scopes, ["orders", "stock"]);
    let app = &config.apps[0];
    assert_eq!(app.name.get_ref(), "orders");
    assert_eq!(app.repository.as_str(), "acme/orders");
    assert_eq!(app.vars_from_outputs["UPLOADS"], "uploads");
    let deployer = &config.deployers[0];
    assert_eq!(deployer.name.get_ref(), "pipeline");
    assert_eq!(deployer.identity.named(), "pipeline");
    assert_eq!(deployer.job, Job::Stack);
    assert_eq!(deployer.role_prefix.as_deref(), Some("orders-"));
    assert_eq!(deployer.environment.as_deref(), Some("live"));
    assert_eq!(
        draft.open,
        [
            "variables.secret = …: it has no default, and no file gives a value",
            "vars.STAGE = …: the workflow asks for it",
            "secrets.TOKEN = …: the workflow asks for it",
        ]
    );
    assert!(draft.text.contains("\n# Left out, as tests and examples: orders/tests.\n"));
    assert!(
        draft.text.contains("id_output = \"api\"  # outputs.tf:2: aws_apigatewayv2_api.shop"),
        "{}",
        draft.text
    );
}

const USER: &str = r#"
resource "aws_iam_user" "ci" {
  name = "orders-ci"
}
resource "aws_iam_access_key" "ci" {
  user = aws_iam_user.ci.name
}
resource "aws_iam_user_policy" "ci" {
  user   = aws_iam_user.ci.name
  policy = jsonencode({ Statement = [{ Effect = "Allow", Action = "lambda:UpdateFunctionCode", Resource = "*" }] })
}
output "ci_secret" {
  value     = aws_iam_access_key.ci.secret
  sensitive = true
}
"#;

const WITH_KEYS: &str = "on: push\njobs:\n  a:\n    steps:\n      - uses: aws-actions/configure-aws-credentials@v4\n        with:\n          aws-access-key-id: ${{ secrets.CI_ID }}\n          aws-secret-access-key: ${{ secrets.CI_SECRET }}\n";

/// A workflow with a user's key deploys as that user, and has the key from Layer 1.
#[test]
fn a_user_whose_key_a_workflow_has_is_a_deployer() {
    let top = estate();
    fs::write(top.path().join("infra/user.tf"), USER).unwrap();
    fs::write(top.path().join("orders/.github/workflows/deploy.yml"), WITH_KEYS).unwrap();
    let (draft, config) = drafted(top.path(), top.path());
    let deployer = config.deployer("ci").unwrap();
    assert_eq!(deployer.identity, DeployerIdentity::User("aws_iam_user.ci".to_owned()));
    assert_eq!((deployer.app.get_ref().as_str(), deployer.job), ("orders", Job::Code));
    let secrets = &config.apps[0].secrets_from_outputs;
    assert_eq!(secrets["CI_ID"], "aws_iam_access_key.ci");
    assert_eq!(secrets["CI_SECRET"], "ci_secret");
    assert!(!draft.open.iter().any(|it| it.contains("CI_")), "{:?}", draft.open);

    // Nothing gives the secret.
    let hidden = USER.split("output ").next().unwrap();
    fs::write(top.path().join("infra/user.tf"), hidden).unwrap();
    let (draft, _) = drafted(top.path(), top.path());
    let asked = "secrets_from_outputs.CI_SECRET = …: an output with aws_iam_access_key.ci.secret, which none gives";
    assert!(draft.open.iter().any(|it| it == asked), "{:?}", draft.open);

    // Nobody's key.
    fs::remove_file(top.path().join("infra/user.tf")).unwrap();
    let (draft, config) = drafted(top.path(), top.path());
    assert!(config.deployer("ci").is_none());
    let asked = "[[deployers]] user_output = …, app = \"orders\": its workflow deploys with the key in secrets.CI_ID; whose it is: no user is known";
    assert!(draft.open.iter().any(|it| it == asked), "{:?}", draft.open);
}

/// A user is of one app alone: that whose whole name it has.
#[test]
fn a_user_is_called_after_one_app() {
    let top = estate();
    let user = USER.replace("orders-ci", "orders-api-ci");
    fs::write(top.path().join("infra/user.tf"), user).unwrap();
    let files = [
        ("orders/.github/workflows/deploy.yml", WITH_KEYS),
        ("api/.github/workflows/deploy.yml", WITH_KEYS),
        ("api/.git/config", "[remote \"origin\"]\n\turl = git@github.com:acme/orders-api.git\n"),
    ];
    for (name, text) in files {
        let path = top.path().join(name.replace("api/", "orders-api/"));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let (draft, config) = drafted(top.path(), top.path());
    let users: Vec<(&str, &str)> = config
        .deployers
        .iter()
        .filter(|it| it.identity.is_user())
        .map(|it| (it.name.get_ref().as_str(), it.app.get_ref().as_str()))
        .collect();
    assert_eq!(users, [("ci", "orders-api")], "{}", draft.text);
    let secrets = |name: &str| {
        let app = config.apps.iter().find(|it| it.name.get_ref() == name).unwrap();
        app.secrets_from_outputs.len()
    };
    assert_eq!((secrets("orders"), secrets("orders-api")), (0, 2), "{}", draft.text);
    let asked = "[[deployers]] user_output = …, app = \"orders\": its workflow deploys with the key in secrets.CI_ID; whose it is: aws_iam_user.ci";
    assert!(draft.open.iter().any(|it| it == asked), "{:?}", draft.open);
}

/// A name is one deployer's; who else is called so is left to decide.
#[test]
fn a_second_deployer_of_a_name_is_left_to_decide() {
    let top = estate();
    let user = USER.replace("\"ci\"", "\"pipeline\"").replace(".ci.", ".pipeline.");
    fs::write(top.path().join("infra/user.tf"), user).unwrap();
    fs::write(top.path().join("orders/.github/workflows/deploy.yml"), WITH_KEYS).unwrap();
    let (draft, config) = drafted(top.path(), top.path());
    let names: Vec<&str> = config.deployers.iter().map(|it| it.name.get_ref().as_str()).collect();
    assert_eq!(names, ["pipeline"], "{}", draft.text);
    assert!(!config.deployers[0].identity.is_user());
    let asked = "[[deployers]] name = \"pipeline\", user_output = \"aws_iam_user.pipeline\" (user.tf:2): another deployer has this name";
    assert!(draft.open.iter().any(|it| it == asked), "{:?}", draft.open);
}

#[test]
fn paths_lead_from_where_the_file_will_stand() {
    let top = estate();
    let place = tempfile::tempdir().unwrap();
    let (_, config) = drafted(top.path(), place.path());
    let directory = config.layer1[0].directory.clone();
    assert_eq!(directory.canonicalize().unwrap(), top.path().join("infra").canonicalize().unwrap());
}

#[test]
fn without_outputs_resources_are_named_by_their_addresses() {
    let top = estate();
    fs::write(top.path().join("infra/outputs.tf"), "").unwrap();
    let (draft, config) = drafted(top.path(), top.path());
    let api = config.api.unwrap();
    assert_eq!(api.id_output.as_deref(), Some("aws_apigatewayv2_api.shop"));
    assert_eq!(api.authorizer_output.as_deref(), Some("aws_apigatewayv2_authorizer.jwt"));
    let platform = config.platform.unwrap();
    assert_eq!(platform.execution_boundary_output.as_deref(), Some("aws_iam_policy.workers"));
    assert_eq!(platform.deployer_boundary_output.as_deref(), Some("aws_iam_policy.pipelines"));
    assert_eq!(platform.artifacts_bucket_output.as_deref(), Some("aws_s3_bucket.uploads"));
    assert_eq!(platform.security_group_output.as_deref(), Some("aws_security_group.functions"));
    // A run derives them, so that nothing is left to decide.
    assert!(!draft.open.iter().any(|it| it.contains("subnets_output")), "{:?}", draft.open);
    assert_eq!(platform.subnets_output, None);
    assert_eq!(config.deployers[0].identity.named(), "aws_iam_role.pipeline_deployer");
}

#[test]
fn what_cannot_be_decided_is_a_comment_and_the_rest_can_be_read() {
    let top = estate();
    fs::write(top.path().join("infra/more.tf"), "resource \"aws_s3_bucket\" \"logs\" {}\n")
        .unwrap();
    fs::write(top.path().join("infra/outputs.tf"), "").unwrap();
    fs::write(top.path().join("infra/other.tfvars"), "").unwrap();
    let main = MAIN.replace("issuer   = var.issuer", "issuer   = \"http://id.example/\"");
    fs::write(top.path().join("infra/main.tf"), main).unwrap();
    fs::remove_dir_all(top.path().join("orders/.git")).unwrap();
    let (draft, config) = drafted(top.path(), top.path());
    assert!(config.apps.is_empty() && config.deployers.is_empty());
    assert_eq!(config.platform.unwrap().artifacts_bucket_output, None);
    let has = |text: &str| {
        assert!(draft.open.iter().any(|it| it.contains(text)), "{text}: {:?}", draft.open);
    };
    has("[[issuers]] url = \"http://id.example/\" (main.tf:18): not an https URL");
    has("var_files = [\"infra/live.tfvars\"]");
    has("var_files = [\"infra/other.tfvars\"]");
    has(
        "artifacts_bucket_output = \"aws_s3_bucket.logs\": the bucket that teams upload to? (more.tf:1)",
    );
    has("artifacts_bucket_output = \"aws_s3_bucket.uploads\"");
    has("[[apps]] name = \"orders\"");
}

/// An authorizer that a function decides for is none of tokens, and where nobody
/// deploys a bucket is not one that teams upload to.
#[test]
fn what_is_of_another_kind_is_not_taken() {
    let top = tempfile::tempdir().unwrap();
    let main = "resource \"aws_apigatewayv2_api\" \"own\" {}\n\
                resource \"aws_apigatewayv2_authorizer\" \"code\" {\n  authorizer_type = \"REQUEST\"\n}\n\
                resource \"aws_s3_bucket\" \"site\" {}\n";
    fs::write(top.path().join("main.tf"), main).unwrap();
    let (_, config) = drafted(top.path(), top.path());
    let api = config.api.unwrap();
    assert_eq!(api.id_output.as_deref(), Some("aws_apigatewayv2_api.own"));
    assert_eq!(api.authorizer_output, None);
    assert_eq!(config.platform.unwrap_or_default().artifacts_bucket_output, None);
    let jwt = main.replace("REQUEST", "JWT");
    fs::write(top.path().join("main.tf"), jwt).unwrap();
    let (_, config) = drafted(top.path(), top.path());
    let named = config.api.unwrap().authorizer_output;
    assert_eq!(named.as_deref(), Some("aws_apigatewayv2_authorizer.code"));
}

#[test]
fn an_empty_directory_has_a_configuration_too() {
    let top = tempfile::tempdir().unwrap();
    let (draft, config) = drafted(top.path(), top.path());
    assert!(config.layer1.is_empty());
    assert_eq!(draft.open.len(), 1);
}

/// Each root module after what it reads, with its own values; what nothing binds
/// to them is left out, and named.
#[test]
fn several_root_modules_are_found_in_their_order() {
    let top = tempfile::tempdir().unwrap();
    let role = "resource \"aws_iam_role\" \"deployer\" {\n  assume_role_policy = jsonencode({ a = \"sts:AssumeRoleWithWebIdentity\" })\n}\n";
    let kept =
        |key: &str| format!("terraform {{\n  backend \"s3\" {{\n    key = \"{key}\"\n  }}\n}}\n");
    let reads = |name: &str, config: &str| {
        format!(
            "data \"terraform_remote_state\" \"{name}\" {{\n  backend = \"s3\"\n  config  = {config}\n}}\n"
        )
    };
    let vpc = "resource \"aws_vpc\" \"v\" {}\n";
    let files = [
        (
            "app/main.tf",
            format!("{role}{}{}", reads("net", "{ key = \"net\" }"), reads("db_main", "{}")),
        ),
        ("app/terraform.tfvars", "x = 1\n".to_owned()),
        ("network/main.tf", format!("{}{vpc}", kept("net"))),
        ("db-main/main.tf", format!("{vpc}{}", reads("net", "{ key = \"net\" }"))),
        ("elsewhere/main.tf", vpc.to_owned()),
    ];
    for (name, text) in files {
        let path = top.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let (draft, config) = drafted(top.path(), top.path());
    let names: Vec<String> = config.layer1.iter().map(crate::config::Layer1::name).collect();
    assert_eq!(names, ["network", "db-main", "app"], "{}", draft.text);
    assert!(config.layer1.iter().all(|layer1| layer1.var_files.is_empty()), "{}", draft.text);
    let reads = &config.layer1[2].reads;
    assert_eq!(reads["data.terraform_remote_state.db_main"].get_ref(), "db-main");
    let has = |text: &str| assert!(draft.open.iter().any(|it| it.contains(text)), "{draft:?}");
    has("a module that nobody calls, or a root module: [[layer1]] directory = \"elsewhere\"");
    has("role_output = \"app:aws_iam_role.deployer\"");
}

/// The root module is the one that calls, however little stands in it itself.
#[test]
fn a_module_that_nobody_calls_is_no_root_module() {
    let role = "resource \"aws_iam_role\" \"r\" {\n  assume_role_policy = \"\"\n}\n";
    let roles = role.repeat(3);
    let files = [
        ("live/main.tf", "module \"app\" {\n  source = \"../modules/app\"\n}\n"),
        ("modules/app/main.tf", role),
        ("modules/old/main.tf", roles.as_str()),
    ];
    let write = |top: &Path, files: &[(&str, &str)]| {
        for (name, text) in files {
            let path = top.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
    };
    let top = tempfile::tempdir().unwrap();
    write(top.path(), &files);
    let (draft, config) = drafted(top.path(), top.path());
    let names: Vec<String> = config.layer1.iter().map(crate::config::Layer1::name).collect();
    assert_eq!(names, ["live"], "{}", draft.text);
    let left =
        "a module that nobody calls, or a root module: [[layer1]] directory = \"modules/old\"";
    assert!(draft.open.iter().any(|it| it.contains(left)), "{draft:?}");
    // Alone it is one.
    let top = tempfile::tempdir().unwrap();
    write(top.path(), &files[2..]);
    let (draft, config) = drafted(top.path(), top.path());
    assert_eq!(config.layer1[0].name(), "old", "{}", draft.text);
}

const NETWORK: &str = r#"
variable "names" {
  default = { s3 = {}, "ecr.api" = {} }
}
data "aws_vpc_endpoint_service" "logs" {
  service = "logs"
}
locals {
  whole = "com.amazonaws.eu-west-1.sqs"
}
resource "aws_vpc_endpoint" "each" {
  for_each     = var.names
  service_name = "com.amazonaws.${var.region}.${each.key}"
}
resource "aws_vpc_endpoint" "api" {
  service_name = "com.amazonaws.${data.aws_region.here.name}.execute-api"
}
resource "aws_vpc_endpoint" "logs" {
  service_name = data.aws_vpc_endpoint_service.logs.service_name
}
resource "aws_vpc_endpoint" "sqs" {
  service_name = local.whole
}
resource "aws_vpc_endpoint" "partner" {
  service_name = "com.amazonaws.vpce.eu-west-1.vpce-svc-1"
}
"#;

fn with(files: &[(&str, &str)]) -> tempfile::TempDir {
    let top = estate();
    for (name, text) in files {
        let path = top.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    top
}

fn reached(config: Config) -> (Option<Vec<String>>, Option<bool>) {
    let platform = config.platform.unwrap();
    let services = platform.endpoints;
    let services = services.map(|all| all.into_iter().map(toml::Spanned::into_inner).collect());
    (services, platform.nat.map(toml::Spanned::into_inner))
}

#[test]
fn what_functions_reach_is_what_endpoints_and_nat_gateways_there_are() {
    const NAT: &str = "resource \"aws_nat_gateway\" \"out\" {}\n";
    let services =
        ["com.amazonaws.vpce.eu-west-1.vpce-svc-1", "ecr.api", "execute-api", "logs", "s3", "sqs"];
    let services: Vec<String> = services.iter().map(|it| (*it).to_owned()).collect();
    let top = with(&[("infra/network.tf", NETWORK), ("infra/nat.tf", NAT)]);
    let (draft, config) = drafted(top.path(), top.path());
    assert_eq!(reached(config), (Some(services.clone()), Some(true)));
    assert!(draft.text.contains("nat = true  # nat.tf:1: aws_nat_gateway.out\n"), "{}", draft.text);
    // A private one leads to no internet.
    let private = NAT.replace("{}", "{\n  connectivity_type = \"private\"\n}");
    let top = with(&[("infra/network.tf", NETWORK), ("infra/nat.tf", &private)]);
    let (draft, config) = drafted(top.path(), top.path());
    assert_eq!(reached(config), (Some(services), None));
    assert!(draft.text.contains("# nat = false: no aws_nat_gateway was found\n"), "{}", draft.text);
    // Without endpoints there is nothing to say.
    let top = with(&[("infra/nat.tf", NAT)]);
    assert_eq!(reached(drafted(top.path(), top.path()).1), (None, None));
}

#[test]
fn an_endpoint_whose_service_is_not_plain_is_left_to_decide() {
    const OTHER: &str =
        "resource \"aws_vpc_endpoint\" \"other\" {\n  service_name = upper(var.x)\n}\n";
    let top = with(&[("infra/network.tf", NETWORK), ("infra/other.tf", OTHER)]);
    let (draft, config) = drafted(top.path(), top.path());
    assert_eq!(reached(config), (None, None));
    let open = draft.open.iter().find(|it| it.starts_with("endpoints = ")).unwrap();
    assert!(
        open.ends_with(
            "\"sqs\"]: and the service of aws_vpc_endpoint.other (other.tf:1), which is not plain?"
        ),
        "{open}"
    );
}

#[test]
fn endpoints_of_several_root_modules_are_said_once() {
    let kept = "terraform {\n  backend \"s3\" {\n    key = \"net\"\n  }\n}\n";
    let own = "resource \"aws_vpc_endpoint\" \"s3\" {\n  service_name = \"com.amazonaws.eu-west-1.s3\"\n}\n";
    let reads = "data \"terraform_remote_state\" \"net\" {\n  backend = \"s3\"\n  config  = { key = \"net\" }\n}\n";
    let top = with(&[
        ("network/main.tf", &format!("{kept}{own}")),
        ("infra/reads.tf", &format!("{reads}{own}")),
    ]);
    let (_, config) = drafted(top.path(), top.path());
    assert_eq!(config.layer1.len(), 2);
    assert_eq!(reached(config), (Some(vec!["s3".to_owned()]), None));
}

/// These files alone.
fn only(files: &[(&str, &str)]) -> tempfile::TempDir {
    let top = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = top.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    top
}

/// A provider's URL says whose tokens it takes, and a trust policy says which subjects.
#[test]
fn a_provider_of_another_issuer_is_no_github() {
    let main = r#"
resource "aws_iam_openid_connect_provider" "gitlab" {
  url            = "https://gitlab.com"
  client_id_list = ["https://gitlab.com"]
}
locals {
  host = "token.actions.githubusercontent.com"
}
data "aws_iam_openid_connect_provider" "github" {
  url = "https://${local.host}"
}
data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRoleWithWebIdentity"]
    principals {
      type        = "Federated"
      identifiers = [aws_iam_openid_connect_provider.gitlab.arn]
    }
    condition {
      test     = "StringLike"
      variable = "gitlab.com:sub"
      values   = ["project_path:shop/billing:ref_type:branch:ref:main"]
    }
  }
}
resource "aws_iam_role" "billing_deployer" {
  assume_role_policy = data.aws_iam_policy_document.trust.json
}
"#;
    let top = only(&[("infra/main.tf", main)]);
    let (draft, config) = drafted(top.path(), top.path());
    let issuers: Vec<_> = config
        .issuers
        .iter()
        .map(|it| (it.kind, it.url.get_ref().as_str(), it.audience.as_deref()))
        .collect();
    let expected = [
        (IssuerKind::Oidc, "https://gitlab.com", Some("https://gitlab.com")),
        (IssuerKind::Github, "https://token.actions.githubusercontent.com", None),
    ];
    assert_eq!(issuers, expected, "{}", draft.text);
    let left = "[[deployers]] name = \"billing\", role_output = \"aws_iam_role.billing_deployer\", \
                subject = \"project_path:shop/billing:ref_type:branch:ref:main\", app = …";
    assert!(draft.open.iter().any(|it| it.starts_with(left)), "{:?}", draft.open);
}

/// The same of templates.
#[test]
fn a_provider_of_a_template_is_told_by_its_url() {
    let template = "Resources:\n  Lab:\n    Type: AWS::IAM::OIDCProvider\n    Properties:\n      Url: https://gitlab.com\n      ClientIdList: [sts.amazonaws.com]\n  Deployer:\n    Type: AWS::IAM::Role\n    Properties:\n      AssumeRolePolicyDocument:\n        Statement:\n          - Effect: Allow\n            Action: sts:AssumeRoleWithWebIdentity\n            Principal: {Federated: !GetAtt Lab.Arn}\n            Condition: {StringEquals: {'gitlab.com:sub': 'project_path:a/b:ref:main'}}\n";
    let top = only(&[("platform.yaml", template)]);
    let (draft, config) = drafted(top.path(), top.path());
    let issuers: Vec<_> =
        config.issuers.iter().map(|it| (it.kind, it.url.get_ref().as_str())).collect();
    assert_eq!(issuers, [(IssuerKind::Oidc, "https://gitlab.com")], "{}", draft.text);
    let left = "[[deployers]] name = \"Deployer\", role_output = \"Deployer.Arn\", \
                subject = \"project_path:a/b:ref:main\"";
    assert!(draft.open.iter().any(|it| it.starts_with(left)), "{:?}", draft.open);
}

/// What a condition may leave out is the run's to find.
#[test]
fn what_may_not_be_there_is_no_field() {
    let main = |count: &str| {
        format!(
            "resource \"aws_iam_role\" \"r\" {{\n  assume_role_policy = \"\"\n}}\n\
             resource \"aws_security_group\" \"g\" {{\n  count = {count}\n}}\n\
             output \"group\" {{\n  value = try(aws_security_group.g[0].id, null)\n}}\n"
        )
    };
    let group = |count: &str| {
        let top = only(&[("infra/main.tf", &main(count))]);
        drafted(top.path(), top.path()).1.platform.unwrap().security_group_output.is_some()
    };
    assert!(!group("var.network ? 1 : 0"));
    assert!(group("1"));
}

/// A user pool has no URL before it is made: a run takes it.
#[test]
fn a_user_pool_of_layer_1_is_nothing_to_decide() {
    let main = r#"
resource "aws_cognito_user_pool" "customers" {}
resource "aws_cognito_user_pool_client" "web" {}
resource "aws_apigatewayv2_authorizer" "jwt" {
  authorizer_type = "JWT"
  jwt_configuration {
    issuer   = "https://${aws_cognito_user_pool.customers.endpoint}"
    audience = [aws_cognito_user_pool_client.web.id]
  }
}
"#;
    let top = only(&[("infra/main.tf", main)]);
    let (draft, config) = drafted(top.path(), top.path());
    assert!(config.issuers.is_empty(), "{}", draft.text);
    let said = "# [[issuers]]: a run takes aws_cognito_user_pool.customers, which \
                aws_apigatewayv2_authorizer.jwt trusts (main.tf:4)";
    assert!(draft.text.lines().any(|line| line == said), "{}", draft.text);
    assert!(!draft.open.iter().any(|it| it.contains("issuer")), "{:?}", draft.open);
}

/// What a template imports is made before.
#[test]
fn templates_come_after_what_they_import() {
    let network = "Parameters:\n  Env:\n    Type: String\n    Default: live\nResources:\n  Reader:\n    Type: AWS::IAM::ManagedPolicy\nOutputs:\n  Reader:\n    Value: !Ref Reader\n    Export:\n      Name: !Sub '${AWS::StackName}-${Env}-reader'\n";
    let roles = "Parameters:\n  Network:\n    Type: String\n    Default: network-live\nResources:\n  One:\n    Type: AWS::IAM::Role\n    Properties:\n      AssumeRolePolicyDocument: {}\n      ManagedPolicyArns: [{'Fn::ImportValue': !Sub '${Network}-reader'}]\n  Two:\n    Type: AWS::IAM::Role\n    Properties:\n      AssumeRolePolicyDocument: {}\n";
    let alone = "Resources:\n  Other:\n    Type: AWS::IAM::ManagedPolicy\n";
    let top =
        only(&[("a/roles.yaml", roles), ("b/network.yaml", network), ("c/alone.yaml", alone)]);
    let (draft, config) = drafted(top.path(), top.path());
    let names: Vec<String> = config.layer1.iter().map(crate::config::Layer1::name).collect();
    assert_eq!(names, ["network", "roles"], "{}", draft.text);
    let left = "another template, made before or after: [[layer1]] kind = \"cloudformation\", template = \"c/alone.yaml\"";
    assert!(draft.open.iter().any(|it| it == left), "{:?}", draft.open);
}

/// The stacks of what is drafted of templates, and the file.
fn stacks(files: &[(&str, &str)]) -> (Vec<String>, String) {
    let top = only(files);
    let (draft, config) = drafted(top.path(), top.path());
    let stack =
        |layer1: &crate::config::Layer1| layer1.template.as_ref().unwrap().stack_name(layer1);
    (config.layer1.iter().map(stack).collect(), draft.text)
}

/// A template's file may have a name that no stack can have.
#[test]
fn a_stack_is_called_as_cloudformation_takes_it() {
    const ROLE: &str = "Resources:\n  R:\n    Type: AWS::IAM::Role\n    Properties:\n      AssumeRolePolicyDocument: {}\n";
    for (file, name, is_said) in [
        ("oidc.yml", "oidc", false),
        ("oidc.cfn.yml", "oidc", true),
        ("oidc_roles.yaml", "oidc-roles", true),
        ("cfn/1.yaml", "cfn-1", true),
    ] {
        let (names, text) = stacks(&[(file, ROLE)]);
        assert_eq!(names, [name], "{text}");
        assert_eq!(text.contains(&format!("\nstack = \"{name}\"")), is_said, "{text}");
    }
}

/// Two files may have one name.
#[test]
fn no_two_stacks_are_called_alike() {
    let first = "Resources:\n  Reader:\n    Type: AWS::IAM::ManagedPolicy\nOutputs:\n  Reader:\n    Value: !Ref Reader\n    Export:\n      Name: shared-reader\n";
    let second = "Resources:\n  R:\n    Type: AWS::IAM::Role\n    Properties:\n      AssumeRolePolicyDocument: {}\n      ManagedPolicyArns: [!ImportValue shared-reader]\n";
    let (names, text) = stacks(&[("a/template.yaml", first), ("b/template.yaml", second)]);
    assert_eq!(names, ["template", "b-template"], "{text}");
    assert!(text.contains("\nname = \"b-template\""), "{text}");
    let (names, text) = stacks(&[("a/template.yaml", first), ("b/roles.yaml", second)]);
    assert_eq!(names, ["template", "roles"], "{text}");
    assert!(!text.contains("\nname = "), "{text}");
}
