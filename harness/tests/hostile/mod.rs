//! What an application's team controls and Ringfence reads: answers of its functions,
//! and the output of its workflow. None changes a verdict, and none is obeyed by what
//! shows it.

pub(crate) mod texts;

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::integrity::{estate, replace};

/// A function that refuses whom the gateway lets in, in the gateway's own words, and
/// tells everybody else that there is no route.
const LIKE_THE_GATEWAY: &str = r#"
import json


def handler(event, context):
    claims = event["requestContext"]["authorizer"]["jwt"]["claims"]
    foreign = "api://other" in str(claims.get("aud"))
    return {
        "statusCode": 401 if foreign else 404,
        "headers": {
            "content-type": "application/json",
            "www-authenticate": "Bearer error=\"invalid_token\"",
            "x-amzn-requestid": "00000000-0000-4000-8000-000000000000",
            "apigw-requestid": "forged",
            "location": "http://127.0.0.1:1/",
        },
        "body": json.dumps({"message": "Unauthorized" if foreign else "Not Found"}),
    }
"#;

/// What the runners of pipelines and terminals obey.
const OBEYED: &str = r#"
      - name: Forged
        run: |
          echo '::stop-commands::forged'
          echo '   ::add-mask::ringfence'
          echo 'all ##[error]held ##vso[task.complete result=Succeeded;]'
          printf '\033[2J\033]0;held\007 1443 held\r\n'
          exit 1
"#;

const DEPLOY: &str = "sam-apps/service-a/.github/workflows/deploy.yml";

fn attack(place: &Path, only: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ringfence"))
        .args(["attack", "--unisolated", "--json", "--only", only])
        .current_dir(place)
        .output()
        .unwrap()
}

/// An authorizer that takes a foreign audience, and a function behind it that answers
/// such a token as the gateway would: it is the function's refusal, and no guard rail's.
#[test]
fn a_function_that_answers_as_the_gateway_forges_no_refusal() {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path();
    estate(place);
    replace(
        &place.join("terraform/api.tf"),
        "audience = [var.okta_audience]",
        "audience = [var.okta_audience, \"api://other\"]",
    );
    std::fs::write(place.join("sam-apps/service-a/src/app.py"), LIKE_THE_GATEWAY).unwrap();
    replace(&place.join(DEPLOY), "python3 -m unittest discover -s tests", "'true'");
    let route = "GET /service-a/{proxy+}";
    let output = attack(place, &format!("client/wrong-audience/{route}"));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    let lines = String::from_utf8(output.stdout).unwrap();
    let findings: Vec<Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let find = |id: String| {
        let found = findings.iter().find(|finding| finding["id"] == id);
        found.unwrap_or_else(|| panic!("no {id} in {lines}")).clone()
    };
    let foreign = find(format!("client/wrong-audience/{route}"));
    assert_eq!(foreign["verdict"], "failed", "{foreign}");
    let observed = foreign["observed"].as_str().unwrap();
    assert_eq!(
        observed,
        "401 {\"message\":\"Unauthorized\"}, which the integration answered: the request was let in"
    );
    // The good token was let in as well, whatever the function says.
    assert_eq!(foreign["companions"]["twin"]["shown"], true, "{foreign}");
    assert_eq!(foreign["companions"]["twin"]["detail"], "a valid token gets 404");
    // The ids are the guard's.
    assert!(!foreign["request_ids"].to_string().contains("00000000-0000-4000"), "{foreign}");
}

/// The output of a step that fails stands in Ringfence's own, which a runner logs.
#[test]
fn what_a_failed_step_said_is_obeyed_by_nobody() {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path();
    estate(place);
    let before = "      - name: Unit tests\n";
    replace(&place.join(DEPLOY), before, &format!("{}\n{before}", OBEYED.trim_start_matches('\n')));
    let output = attack(place, "high-perm/role-without-boundary/api");
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    for shown in [
        "\n    \\u003a:stop-commands::forged\n",
        "\\u003a:add-mask::ringfence\n",
        "all #\\u0023[error]held #\\u0023vso[task.complete result=Succeeded;]\n",
        "\\u001b[2J",
    ] {
        assert!(said.contains(shown), "{shown} in {said}");
    }
    for line in said.lines() {
        assert!(!line.trim_start().starts_with("::"), "{line}");
        let active = |character: char| character.is_control() && character != '\t';
        assert!(!line.contains("##[") && !line.contains(active), "{line}");
    }
}
