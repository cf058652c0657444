//! Published actions that run here as their own code does.

use rstest::rstest;

use super::{printed, run_with, steps};
use crate::workflow::Workflow;

const PROGRAM: [(&str, &str); 1] =
    [("lib/double.js", "module.exports = (number) => 2 * number;\n")];

/// The packages that the action gives to a script, and a module of the workspace.
#[tokio::test]
async fn a_github_script_has_the_toolkit_and_tells_its_result() {
    let text = steps(
        r#"- uses: actions/checkout@v4
- id: asked
  uses: actions/github-script@v7
  env: {WHO: world}
  with:
    script: |
      const double = require('./lib/double.js');
      core.setOutput('repository', `${context.repo.owner}/${context.repo.repo}`);
      core.exportVariable('GREETING', `hello ${process.env.WHO}`);
      const told = await exec.getExecOutput('cat', ['file'], {silent: true});
      await io.mkdirP('made/deep');
      const globber = await glob.create('lib/*.js');
      const found = await globber.glob();
      return {double: double(21), file: told.stdout, found: found.length, event: context.eventName};
- run: echo "> ${{ steps.asked.outputs.repository }} $GREETING $(ls -d made/deep)"
- run: echo '> ${{ steps.asked.outputs.result }}'
- id: text
  uses: actions/github-script@v7
  with: {script: "return `as ${1 + 1} text`", result-encoding: string}
- run: echo "> ${{ steps.text.outputs.result }}""#,
    );
    let report = run_with(&text, &PROGRAM, |_| {}).await.unwrap();
    assert_eq!(
        printed(&report),
        [
            "> example-org/service-a hello world made/deep",
            r#"> {"double":42,"file":"content","found":1,"event":"push"}"#,
            "> as 2 text",
        ]
    );
}

#[rstest]
#[case::octokit(
    "await octokit.rest.repos.get({owner: 'o', repo: 'r'})",
    "not served here: GET /repos/o/r"
)]
#[case::api(
    "await github.rest.issues.createComment({owner: 'o', repo: 'r', issue_number: 1, body: 'x'})",
    "GitHub's API is not served here: POST /repos/o/r/issues/1/comments"
)]
#[case::graphql(
    "await github.graphql('{ viewer { login } }')",
    "is not served here: POST /graphql"
)]
#[case::thrown("throw new Error('no such thing')", "Unhandled error: Error: no such thing")]
#[case::failed("core.setFailed('not today')", "::error::not today")]
#[case::syntax("const x = ;", "SyntaxError")]
#[tokio::test]
async fn a_github_script_that_fails_fails_its_step(#[case] script: &str, #[case] said: &str) {
    let text =
        steps(&format!("- uses: actions/github-script@v7\n  with:\n    script: |\n      {script}"));
    let error = run_with(&text, &[], |_| {}).await.unwrap_err();
    let told = format!("{error:?}");
    assert!(told.replace("\\\"", "\"").contains(said), "{told}");
    assert!(error.to_string().contains("step `Run actions/github-script@v7` failed"), "{error}");
}

#[test]
fn inputs_of_a_deployment_that_would_change_it_are_refused_by_name() {
    let text = |with: &str| {
        steps(&format!(
            "- uses: aws-actions/aws-cloudformation-github-deploy@v2\n  with: {{name: s, template: t, {with}}}"
        ))
    };
    let parsed = |with: &str| Workflow::parse(&text(with), std::path::Path::new("deploy.yml"));
    let error = parsed("deployment-mode: REVERT_DRIFT").unwrap_err().to_string();
    assert!(
        error.contains(
            "the input `deployment-mode` of `aws-actions/aws-cloudformation-github-deploy` is not supported"
        ),
        "{error}"
    );
    parsed("mode: create-only").unwrap();
}

/// What is wrong with the inputs is told before anything is asked.
#[rstest]
#[case("v1", "name: s, template: nowhere.yaml", "nowhere.yaml")]
#[case("v2", "name: s", "Template is required for create modes")]
#[case("v2", "name: s, template: file, mode: create", "Invalid mode: create")]
#[case("v2", "name: s, mode: execute-only", "Change set ID is required for execute-only mode")]
#[case(
    "v2",
    "name: s, template: file, parameter-overrides: 'http://example.test/p.json'",
    "parameter-overrides: the URL must be of scheme file"
)]
#[case("v1", "name: s, template: file", "http://127.0.0.1:9/")]
#[tokio::test]
async fn a_deployment_that_cannot_be_asked_for_says_why(
    #[case] version: &str,
    #[case] with: &str,
    #[case] said: &str,
) {
    let text = steps(&format!(
        "- uses: actions/checkout@v4\n- env: {{AWS_REGION: us-east-1, AWS_ACCESS_KEY_ID: a, AWS_SECRET_ACCESS_KEY: b}}\n  uses: aws-actions/aws-cloudformation-github-deploy@{version}\n  with: {{{with}}}"
    ));
    let error = run_with(&text, &[], |_| {}).await.unwrap_err();
    let told = format!("{error:?}");
    assert!(told.replace("\\\"", "\"").contains(said), "{told}");
}
