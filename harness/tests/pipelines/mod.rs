//! Layer 1 applied as the role that its pipeline has: what the pipeline lacks shows,
//! and who may become it is attacked.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

const PROVIDER: &str = r#"
resource "aws_iam_openid_connect_provider" "github" {
  url            = "https://token.actions.githubusercontent.com"
  client_id_list = ["sts.amazonaws.com"]
}
"#;

/// The role, which a workflow of one environment may become.
const ROLE: &str = r#"
resource "aws_iam_role" "pipeline" {
  name = "pipeline"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRoleWithWebIdentity"
      Principal = { Federated = aws_iam_openid_connect_provider.github.arn }
      Condition = { StringEquals = {
        "token.actions.githubusercontent.com:aud" = "sts.amazonaws.com"
        "token.actions.githubusercontent.com:sub" = "repo:example-org/platform:environment:production"
      } }
    }]
  })
}

resource "aws_iam_role_policy" "pipeline" {
  name = "pipeline"
  role = aws_iam_role.pipeline.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Sid = "Parameters", Effect = "Allow", Action = ["ssm:*Parameter*", "ssm:*Tags*"], Resource = "*" },
      STATEMENT
    ]
  })
}
"#;

const VERSIONS: &str = r#"
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}
"#;

const APPLIED: &str = r#"
resource "aws_ssm_parameter" "region" {
  name  = "/platform/region"
  type  = "String"
  value = "us-east-1"
}
"#;

const CONFIGURATION: &str = r#"
[[issuers]]
kind = "github"
url = "https://token.actions.githubusercontent.com"

[[layer1]]
directory = "bootstrap"

[[layer1]]
directory = "app"

[layer1.role]
output = "bootstrap:aws_iam_role.pipeline"
repository = "example-org/platform"
environment = "production"
"#;

/// What exists before all of Layer 1 is named as what Layer 1 makes.
const EXISTING: &str = r#"
[[issuers]]
kind = "github"
url = "https://token.actions.githubusercontent.com"

[[existing]]
type = "aws_iam_openid_connect_provider"
name = "github"
properties = { url = "https://token.actions.githubusercontent.com", client_id_list = ["sts.amazonaws.com"] }

[[existing]]
type = "aws_iam_role"
name = "pipeline"
properties = { name = "pipeline", assume_role_policy = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity", "Principal": {"Federated": "${aws_iam_openid_connect_provider.github.arn}"}, "Condition": {"StringEquals": {"token.actions.githubusercontent.com:aud": "sts.amazonaws.com", "token.actions.githubusercontent.com:sub": "repo:example-org/platform:ref:refs/heads/main"}}}]}' }

[[layer1]]
directory = "app"

[layer1.role]
output = "existing:aws_iam_role.pipeline"
repository = "example-org/platform"
"#;

fn attacked(configuration: &str, statement: &str) -> Output {
    told_by("attack", configuration, statement)
}

fn told_by(command: &str, configuration: &str, statement: &str) -> Output {
    let place = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let file = place.path().join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    };
    let bootstrap = format!("{PROVIDER}{}", ROLE.replace("STATEMENT", statement));
    write("bootstrap/main.tf", &bootstrap);
    write("app/main.tf", APPLIED);
    write("bootstrap/versions.tf", VERSIONS);
    write("app/versions.tf", VERSIONS);
    write("ringfence.toml", configuration);
    let binary = Path::new(env!("CARGO_BIN_EXE_ringfence"));
    let mut run = Command::new(binary);
    run.args([command, "--json", "--backend", "embedded"]).current_dir(place.path());
    run.output().unwrap()
}

fn refused(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(2));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The role that a root module is applied as does what it is allowed, and no token
/// of anybody else's becomes it.
#[test]
fn a_root_module_is_applied_as_its_pipeline_whose_trust_is_attacked() {
    let output = attacked(CONFIGURATION, "");
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    let lines = String::from_utf8(output.stdout).unwrap();
    let findings: Vec<Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let own: Vec<&Value> = findings
        .iter()
        .filter(|it| it["id"].as_str().is_some_and(|id| id.starts_with("pipeline-app/")))
        .collect();
    assert!(own.len() > 20, "{words}");
    for finding in &own {
        assert_eq!(finding["verdict"], "held", "{finding}");
    }
    let has = |id: &str| own.iter().any(|finding| finding["id"] == id);
    assert!(has("pipeline-app/other-environment/oidc") && has("pipeline-app/fork/oidc"));
    // It is the platform: what it may do is no finding.
    assert!(!lines.contains("role-pipeline/"), "{lines}");
}

/// What the pipeline lacks is told where it is lacking, with what decided.
#[test]
fn what_a_pipeline_lacks_is_told_with_file_line_and_statement() {
    let deny = r#"{ Sid = "NoPublishing", Effect = "Deny", Action = "ssm:PutParameter", Resource = "*" },"#;
    let said = refused(&attacked(CONFIGURATION, deny));
    assert!(said.contains("app/main.tf:2:"), "{said}");
    let decided = "ssm:PutParameter on arn:aws:ssm:us-east-1:123456789012:parameter/platform/region: explicit_deny, by statement NoPublishing of ";
    assert!(said.contains(decided), "{said}");
    assert!(said.contains(":assumed-role/pipeline/ringfence calls: "), "{said}");

    let said = refused(&attacked(EXISTING, ""));
    assert!(said.contains("app/main.tf:2:"), "{said}");
    let decided =
        "parameter/platform/region: implicit_deny, no statement of the identity policies allows it";
    assert!(said.contains(decided), "{said}");
}

/// A workflow whose token the trust policy does not take, and a role that is not
/// there, apply nothing.
#[test]
fn who_cannot_become_the_pipeline_applies_nothing() {
    let said = refused(&attacked(&CONFIGURATION.replace("production", "staging"), ""));
    let cannot = "cannot assume `arn:aws:iam::123456789012:role/pipeline`: AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity";
    assert!(said.contains(cannot), "{said}");
    let other = CONFIGURATION.replace("aws_iam_role.pipeline", "aws_iam_role.ci");
    let said = refused(&attacked(&other, ""));
    let none = "`layer1.app.role.output`: Layer 1 has no resource bootstrap:aws_iam_role.ci; of this type it has: aws_iam_role.pipeline";
    assert!(said.contains(none), "{said}");
}

/// Who may become it is weakened, in its trust policy and in the issuer's audiences,
/// and noticed; what it may do is the platform's choice, and is not weakened.
#[test]
fn a_pipelines_trust_is_weakened_and_what_it_may_do_is_not() {
    let output = told_by("mutate", CONFIGURATION, "");
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{words}");
    let lines = String::from_utf8(output.stdout).unwrap();
    let mutants: Vec<Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |id: &str| mutants.iter().find(|mutant| mutant["id"] == id).unwrap();
    let audience = of("oidc-provider/token.actions.githubusercontent.com/audience-added");
    assert_eq!(audience["verdict"], "killed", "{audience}");
    assert_eq!(audience["killed_by"], serde_json::json!(["pipeline-app/other-audience/oidc"]));
    assert_eq!(of("role/pipeline/trust/0/conditions-dropped")["verdict"], "killed");
    assert!(!lines.contains("role/pipeline/inline/"), "{lines}");
}
