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
