//! SARIF.

use std::fs;

use serde_json::{Value, json};

use crate::shop::{REPOSITORY, allow, estate, limit, run, state, text, work};

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
         `arn:aws:iam::123456789012:user/x` is allowed by statement `Hole` of `aws_iam_role_policy.work`"
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

/// Paths are findings, too, at the statements that allow them.
#[test]
fn paths_are_findings_at_their_statements() {
    let mut hole = allow("iam:CreateAccessKey", "*");
    hole["Sid"] = json!("Hole");
    let statements = [work(), vec![hole]].concat();
    let user = json!({"address": "aws_iam_user.ci", "mode": "managed", "type": "aws_iam_user",
        "values": {"name": "ci", "arn": crate::shop::iam("user/ci")}});
    let told = state(&statements, &[allow("*", "*")], REPOSITORY, &[user]);
    let directory = estate(&told);
    fs::write(directory.path().join("iam.tf"), TERRAFORM).unwrap();
    let output = run(directory.path(), &["--state", "state.json", "--paths", "--sarif"]);
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(1), ""));
    let log: Value = serde_json::from_slice(&output.stdout).unwrap();
    let (found, place) = result(&log, "prove/paths/session");
    assert_eq!(found["level"], "error");
    let message = found["message"]["text"].as_str().unwrap();
    assert!(message.contains(" gains session of "), "{message}");
    assert_eq!(place["artifactLocation"]["uri"], "iam.tf");
}

/// What two root modules call alike stands in the files of its own.
#[test]
fn what_several_root_modules_have_stands_in_its_own() {
    let mut hole = allow("iam:CreateUser", "*");
    hole["Sid"] = json!("");
    hole.as_object_mut().unwrap().remove("Sid");
    let statements = [work(), vec![hole]].concat();
    let told = state(&statements, &[allow("*", "*")], REPOSITORY, &[]);
    let directory = estate(&told);
    let at = |name: &str| directory.path().join(name);
    let other = json!({"format_version": "1.0", "values": {"root_module": {"resources": [
        {"address": "aws_iam_role_policy.work", "mode": "managed", "type": "aws_iam_role_policy",
            "values": {"role": "nobody", "policy": crate::shop::document(&[allow("s3:*", "*")])}}]}}});
    for (root, state) in [("a", &other), ("b", &told)] {
        fs::create_dir(at(root)).unwrap();
        fs::write(at(root).join("iam.tf"), TERRAFORM).unwrap();
        fs::write(at(root).join("state.json"), state.to_string()).unwrap();
    }
    let flags = ["--state", "a/state.json", "--state", "b/state.json", "--sarif"];
    let output = run(directory.path(), &flags);
    assert_eq!(text(&output.stderr), "");
    let log: Value = serde_json::from_slice(&output.stdout).unwrap();
    let place = result(&log, "prove/identities").1;
    assert_eq!(place["artifactLocation"]["uri"], "b/iam.tf");
    assert_eq!(place["region"]["startLine"], 5);
}
