//! The configured root modules, planned by whoever asks about them.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::examples::{copied, files, ringfence, said};

fn lines(output: &Output) -> Vec<Value> {
    let text = std::str::from_utf8(&output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// As somebody who has Terraform's files: a plan of Layer 1, made through the guard.
fn sample(arguments: &[&str]) -> Output {
    ringfence(&Path::new(env!("CARGO_MANIFEST_DIR")).join(".."), arguments)
}

/// The sample estate, of which nobody planned anything.
#[test]
fn the_guard_rails_of_configured_root_modules_are_proved_with_the_apps_templates() {
    let output = sample(&["prove", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let told = lines(&output);
    let summary = &told.last().unwrap()["summary"];
    assert_eq!((&summary["rails"], &summary["proved"]), (&json!(20), &json!(20)));
    // The time of Terraform stands apart.
    assert!(summary["ms"].as_u64() < summary["plan_ms"].as_u64(), "{summary}");
    assert!(said(&output).contains("ringfence: terraform plan took "), "{}", said(&output));
    // The roles of the one app that has a stack are among those that the boundary caps.
    let capped = told.iter().find(|line| line["rail"] == "the boundary caps running code");
    let capped = capped.unwrap()["identities"].as_array().unwrap().clone();
    assert!(capped.contains(&json!("role/app-service-a-lambda-role")), "{capped:?}");
}

/// Each root module but the last is applied first, since a later one reads what it made;
/// the user's own tree stays as it was.
#[test]
fn several_root_modules_are_asked_about_together() {
    let place = copied("states");
    assert_eq!(ringfence(place.path(), &["init"]).status.code(), Some(0));
    let before = files(place.path());
    // The last root module's function stands in the subnet of the one before, and nothing
    // leads out of that.
    let reached = ringfence(place.path(), &["reach", "--json"]);
    assert_eq!(reached.status.code(), Some(0), "{}", said(&reached));
    let own = json!({"function": "aws_lambda_function.service in aws_subnet.functions",
        "reaches": [], "reached_by": [], "undecided": []});
    assert_eq!(lines(&reached)[0], own);
    let said = said(&reached);
    let mut phases =
        said.lines().filter(|line| line.ends_with('…') && line.contains(" terraform "));
    let phases: Vec<&str> = phases.by_ref().filter(|line| !line.contains(" init ")).collect();
    assert_eq!(
        phases,
        [
            "ringfence: terraform apply identity …",
            "ringfence: terraform apply network …",
            "ringfence: terraform plan service …"
        ]
    );
    assert_eq!(files(place.path()), before);
}

/// What is asked about is one root module with what exists before it.
#[test]
fn who_can_do_something_is_answered_from_the_configuration_alone() {
    let place = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| fs::write(place.path().join(name), text).unwrap();
    put(
        "ringfence.toml",
        "[layer1]\ndirectory = 'infra'\n[[existing]]\ntype = 'aws_vpc'\nproperties = { cidr_block = '10.9.0.0/16' }\n",
    );
    fs::create_dir(place.path().join("infra")).unwrap();
    let trust = "jsonencode({ Version = \"2012-10-17\", Statement = [{ Effect = \"Allow\", Principal = { Service = \"lambda.amazonaws.com\" }, Action = \"sts:AssumeRole\" }] })";
    put(
        "infra/main.tf",
        &format!(
            "data \"aws_vpc\" \"shared\" {{\n  cidr_block = \"10.9.0.0/16\"\n}}\n\
             data \"aws_iam_policy_document\" \"work\" {{\n  statement {{\n    actions   = [\"s3:GetObject\"]\n    resources = [\"arn:aws:s3:::data-${{split(\".\", data.aws_vpc.shared.cidr_block)[1]}}/*\"]\n  }}\n}}\n\
             resource \"aws_iam_role\" \"r\" {{\n  name               = \"worker\"\n  assume_role_policy = {trust}\n}}\n\
             resource \"aws_iam_role_policy\" \"r\" {{\n  role   = aws_iam_role.r.id\n  policy = data.aws_iam_policy_document.work.json\n}}\n"
        ),
    );
    let output =
        ringfence(place.path(), &["who-can", "s3:GetObject", "arn:aws:s3:::data-*/*", "--json"]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let found = told["who"].as_array().unwrap().iter().filter(|one| one["can"] == "yes");
    let found: Vec<(&Value, &str)> =
        found.map(|one| (&one["name"], one["request"]["resource"].as_str().unwrap())).collect();
    // The data source read what exists.
    assert_eq!(found, [(&json!("role/worker"), "arn:aws:s3:::data-9/a")]);
    let output = ringfence(place.path(), &["what-can", "role/worker", "--json"]);
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let can: Vec<&Value> =
        told["can"].as_array().unwrap().iter().map(|one| &one["action"]).collect();
    assert!(can.contains(&&json!("s3:GetObject")), "{can:?}");
}

/// Nothing starts where nothing can come of it.
#[test]
fn what_cannot_be_planned_is_one_message() {
    let place = tempfile::tempdir().unwrap();
    let refused = |config: &str, arguments: &[&str], path: Option<&str>| {
        fs::write(place.path().join("ringfence.toml"), config).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_ringfence"));
        command.args(arguments).current_dir(place.path());
        if let Some(path) = path {
            command.env("PATH", path);
        }
        let output = command.output().unwrap();
        assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(2), &b""[..]));
        let said = said(&output);
        assert_eq!(said.lines().count(), 1, "{said}");
        said
    };
    let all = ["prove", "reach", "who-can s3:GetObject", "what-can role/a", "prove --paths"];
    for command in all {
        let arguments: Vec<&str> = command.split(' ').collect();
        let said = refused("", &arguments, None);
        let none = match command {
            "prove" => "no guard rail is about anybody; `ringfence prove --paths` needs neither",
            _ => "names no root module (`layer1.directory`); give `--plan FILE` or `--state FILE`",
        };
        assert!(said.contains(none), "{command}: {said}");
    }
    fs::write(place.path().join("main.tf"), "resource \"aws_sqs_queue\" \"q\" {}\n").unwrap();
    let said = refused("[layer1]\ndirectory = '.'\n", &["prove", "--paths"], Some("/nonexistent"));
    assert_eq!(
        said,
        "ringfence: cannot plan the root modules (`--plan FILE` takes a plan from elsewhere): \
         neither `terraform` nor `tofu` is on the PATH: install one of them\n"
    );
}
