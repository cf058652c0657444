use std::collections::BTreeMap;
use std::path::Path;

use ringfence_sandbox::Sandbox;
use rstest::rstest;
use url::Url;

use super::*;
use crate::aws::Client;
use crate::config::{Config, IssuerKind};
use crate::issuers::{GithubRun, Issuer};
use crate::progress::Progress;
use crate::registries::{Machine, Registries};
use crate::scratch::Scratch;
use crate::tools::PythonTools;

const HEAD: &str = "name: Deploy\non:\n  push:\n    branches: [main]\npermissions:\n  id-token: write\n  contents: read\njobs:\n  deploy:\n    runs-on: ubuntu-latest\n    steps:\n";

fn config() -> Config {
    let text = include_str!("../../../docs/ringfence.example.toml");
    Config::parse(text, Path::new("ringfence.toml")).unwrap()
}

/// Runs a workflow of these steps on a repository with one file, against an
/// endpoint where nobody answers.
async fn run(text: &str) -> Result<run::Report, WorkflowError> {
    let workflow = Workflow::parse(text, Path::new("deploy.yml"))?;
    let config = config();
    let repository = tempfile::tempdir().unwrap();
    std::fs::write(repository.path().join("file"), "content").unwrap();
    let tools = PythonTools::provision(&Progress::silent()).await.unwrap();
    let scratch = Scratch::create(&tools.python()).unwrap();
    let issuer = Issuer::new(config.issuer(IssuerKind::Github).unwrap()).unwrap();
    let sandbox = Sandbox::detect(&tools.base).await;
    let endpoint = Url::parse("http://127.0.0.1:9/").unwrap();
    let runner = Runner {
        tools: &tools,
        issuer: &issuer,
        endpoint: &endpoint,
        client: &Client::new(),
        scratch: &scratch,
        sandbox: &sandbox,
        registries: &Registries::new(&[], Machine::ours()),
        bounds: STEP_BOUNDS,
    };
    let run = Run {
        workflow: &workflow,
        repository: repository.path(),
        identity: GithubRun::of(config.app("service-a").unwrap(), None),
        vars: [("NAME".to_owned(), "value".to_owned())].into(),
        secrets: [("KEY".to_owned(), "hunter2".to_owned())].into(),
    };
    let result = runner.run(&run, &Progress::silent().phase("test")).await;
    scratch.remove().await;
    result
}

fn steps(text: &str) -> String {
    text.lines().fold(HEAD.to_owned(), |all, line| format!("{all}      {line}\n"))
}

#[tokio::test]
async fn steps_share_files_variables_and_outputs_and_secrets_are_masked() {
    let report = run(&steps(
        r#"- uses: actions/checkout@v4
- name: Write
  id: write
  run: |
    cat file
    echo "FROM_STEP=one" >> $GITHUB_ENV
    echo "key=two" >> $GITHUB_OUTPUT
    printf 'MANY<<END\na\nb\nEND\n' >> $GITHUB_ENV
- name: Read
  env:
    SECRET: ${{ secrets.KEY }}
  run: |
    echo "$FROM_STEP ${{ steps.write.outputs.key }} ${{ vars.NAME }} ${{ env.FROM_STEP }}"
    echo "$MANY" | wc -l
    echo "the secret is $SECRET"
    echo "$GITHUB_REPOSITORY $GITHUB_REF_NAME ${HOME##*/}"
    sam --version; aws --version
    env | grep -c CARGO || true"#,
    ))
    .await
    .unwrap();
    let log = report.log.join("\n");
    for expected in [
        "content",
        "one two value one",
        "2",
        "the secret is ***",
        "example-org/service-a main home",
        "SAM CLI, version 1.170.0",
        "aws-cli/1.46.3",
    ] {
        assert!(log.contains(expected), "{expected} in {log}");
    }
    assert!(log.ends_with("\n0"), "the environment is not the machine's: {log}");
    assert!(!log.contains("hunter2"));
    assert_eq!(report.steps.len(), 3);
}

#[tokio::test]
async fn a_failing_step_is_named_with_its_place_exit_code_and_last_words() {
    let error =
        run(&steps("- name: Break\n  run: |\n    echo before\n    false\n    echo after")).await;
    let WorkflowError::Step(failure) = error.unwrap_err() else { panic!("another error") };
    assert_eq!(failure.place.to_string(), "deploy.yml:12:9");
    assert_eq!((failure.step.as_str(), failure.message.as_str()), ("Break", "exit code 1"));
    assert_eq!(failure.tail, ["before"]);
}

#[tokio::test]
async fn bash_has_pipefail_only_where_it_is_named() {
    run(&steps("- run: false | true")).await.unwrap();
    let error = run(&steps("- run: false | true\n  shell: bash")).await.unwrap_err();
    assert!(error.to_string().contains("exit code 1"), "{error}");
}

#[rstest]
#[case::no_id_token(
    "permissions:\n  id-token: write\n  contents: read",
    "permissions:\n  contents: read",
    "- uses: aws-actions/configure-aws-credentials@v4\n  with:\n    role-to-assume: arn:aws:iam::123456789012:role/r\n    aws-region: us-east-1",
    "`permissions` has no `id-token: write`"
)]
#[case::no_contents(
    "  contents: read",
    "",
    "- uses: actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683 # v4.2.2",
    "`permissions` has no `contents: read`"
)]
#[case::another_branch(
    "[main]",
    "[release]",
    "- run: true",
    "a push to `refs/heads/main` does not start this workflow"
)]
#[case::nobody_answers(
    "",
    "",
    "- uses: aws-actions/configure-aws-credentials@v4\n  with:\n    role-to-assume: arn:aws:iam::123456789012:role/r\n    aws-region: us-east-1",
    "could not assume `arn:aws:iam::123456789012:role/r` with OIDC"
)]
#[tokio::test]
async fn what_github_would_refuse_fails_here(
    #[case] from: &str,
    #[case] to: &str,
    #[case] text: &str,
    #[case] expected: &str,
) {
    let text = if from.is_empty() { steps(text) } else { steps(text).replacen(from, to, 1) };
    let error = run(&text).await.unwrap_err().to_string();
    assert!(error.contains(expected), "{error}");
}

#[rstest]
#[case::action(
    "- uses: someone/something@v1",
    "deploy.yml:12:9: the action `someone/something@v1` is not known here"
)]
#[case::unversioned("- uses: actions/checkout", "the action `actions/checkout` is not known here")]
#[case::input(
    "- uses: actions/checkout@v4\n  with:\n    repository: other/one",
    "the input `repository` of `actions/checkout` is not supported"
)]
#[case::condition(
    "- if: always()\n  run: true",
    "deploy.yml:12:9: `if` of a step is not supported"
)]
#[case::nothing("- name: x", "deploy.yml:12:9: a step has either `uses` or `run`")]
#[case::yaml("- run: [", "deploy.yml:13:")]
fn what_is_not_built_is_refused_with_its_place(#[case] text: &str, #[case] expected: &str) {
    let error = Workflow::parse(&steps(text), Path::new("deploy.yml")).unwrap_err().to_string();
    assert!(error.contains(expected), "{error}");
}

#[test]
fn jobs_run_after_those_that_they_need() {
    let text =
        "on: push\njobs:\n  b:\n    needs: a\n    steps: [{run: x}]\n  a:\n    steps: [{run: x}]\n";
    let workflow = Workflow::parse(text, Path::new("w.yml")).unwrap();
    let order: Vec<&str> = workflow.jobs.iter().map(|job| job.id.as_str()).collect();
    assert_eq!(order, ["a", "b"]);
    let circle = text.replace("  a:\n", "  a:\n    needs: b\n");
    let error = Workflow::parse(&circle, Path::new("w.yml")).unwrap_err().to_string();
    assert!(error.contains("goes in a circle"), "{error}");
}

#[test]
fn the_shipped_examples_of_environment_and_defaults_are_read() {
    let text = "on: [push]\nenv: {A: 1}\njobs:\n  a:\n    environment: {name: production}\n    defaults: {run: {shell: bash}}\n    steps: [{run: x}]\n";
    let workflow = Workflow::parse(text, Path::new("w.yml")).unwrap();
    assert_eq!(workflow.jobs[0].environment.as_deref(), Some("production"));
    assert_eq!(workflow.env, BTreeMap::from([("A".to_owned(), "1".to_owned())]));
}
