mod own_action;
mod published;

use std::collections::BTreeMap;
use std::path::Path;

use ringfence_sandbox::Sandbox;
use rstest::rstest;
use url::Url;

use super::*;
use crate::aws::Client;
use crate::config::{self, Config, IssuerKind};
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
    run_with(text, &[], |_| {}).await
}

/// The same with more files in the repository, and of another kind.
async fn run_with(
    text: &str,
    files: &[(&str, &str)],
    change: impl FnOnce(&mut Run<'_>),
) -> Result<run::Report, WorkflowError> {
    let workflow = Workflow::parse(text, Path::new("deploy.yml"))?;
    let config = config();
    let repository = tempfile::tempdir().unwrap();
    std::fs::write(repository.path().join("file"), "content").unwrap();
    for (name, text) in files {
        let path = repository.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
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
    let mut run = Run {
        workflow: &workflow,
        repository: repository.path(),
        identity: GithubRun::of(config.app("service-a").unwrap(), None),
        vars: [("NAME".to_owned(), "value".to_owned())].into(),
        secrets: [("KEY".to_owned(), "hunter2".to_owned())].into(),
        inputs: BTreeMap::new(),
        actions: Substitutes::new(),
    };
    change(&mut run);
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
async fn of_a_long_output_the_beginning_and_the_end_are_kept_and_its_commands_count() {
    let report = run(&steps(
        "- name: Long\n  id: long\n  run: |\n    echo 'first swordfish'\n    echo 'key=one' >> \
         $GITHUB_OUTPUT\n    yes | head -n 1000000\n    echo '::add-mask::swordfish'\n    yes | \
         head -n 1000000\n    echo last\n- name: After\n  run: echo ${{ steps.long.outputs.key }}",
    ))
    .await
    .unwrap();
    let log = &report.log;
    let (long, after) = (&log[..log.len() - 2], &log[log.len() - 2..]);
    assert_eq!(after, ["== deploy: After", "one"]);
    assert_eq!((long[1].as_str(), long.last().unwrap().as_str()), ("first ***", "last"));
    let kept: usize = long.iter().map(|line| line.len() + size_of::<String>()).sum();
    assert!(kept <= (4 << 20) + 1024, "{kept}");
    let notes: Vec<&String> = long.iter().filter(|line| line.starts_with("… ")).collect();
    let [note] = notes.as_slice() else { panic!("{notes:?}") };
    assert!(note.ends_with("Ringfence keeps the first 1 MiB and the last 3 MiB"), "{note}");
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
#[case::unversioned(
    "- uses: actions/checkout",
    "deploy.yml:12:9: `actions/checkout` is not `owner/name@version`"
)]
#[case::input(
    "- uses: actions/checkout@v4\n  with:\n    github-server-url: https://x",
    "the input `github-server-url` of `actions/checkout` is not supported"
)]
#[case::condition("- if: nope()\n  run: true", "deploy.yml:12:13: Unrecognized function: 'nope'")]
#[case::context("- run: echo ${{ github.nope }}", "`github.nope` is not known here")]
#[case::secret_in_a_condition(
    "- if: secrets.A != ''\n  run: true",
    "Unrecognized named-value: 'secrets'"
)]
#[case::shell("- run: x\n  shell: pwsh", "the shell `pwsh` is not supported")]
#[case::key("- run: x\n  retries: 3", "`retries` of a step is not supported")]
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
    assert_eq!(workflow.jobs[0].environment.as_ref().unwrap().plain(), Some("production"));
    let env: Vec<_> = workflow.env.iter().map(|(name, it)| (name.as_str(), it.plain())).collect();
    assert_eq!(env, [("A", Some("1"))]);
}

/// The lines that steps printed, without what the runner says of them.
fn printed(report: &run::Report) -> Vec<&str> {
    report.log.iter().map(String::as_str).filter(|line| line.starts_with("> ")).collect()
}

#[tokio::test]
async fn jobs_hand_on_outputs_and_run_once_for_each_combination() {
    let text = r#"
on:
  push:
    paths: ['src/**']
permissions: {}
env: {STAGE: "${{ vars.NAME }}"}
jobs:
  deploy:
    needs: [plan]
    strategy:
      matrix:
        region: ${{ fromJSON(needs.plan.outputs.regions) }}
        include:
          - region: eu-west-1
            first: true
    steps:
      - run: echo "> ${{ matrix.region }} ${{ matrix.first || 'later' }} $STAGE ${{ strategy.job-index }}/${{ strategy.job-total }}"
  plan:
    outputs:
      regions: ${{ steps.list.outputs.regions }}
      hidden: ${{ steps.list.outputs.hidden }}
    steps:
      - id: list
        run: |
          echo 'regions=["eu-west-1", "us-east-1"]' >> "$GITHUB_OUTPUT"
          echo 'hidden=${{ secrets.KEY }}' >> "$GITHUB_OUTPUT"
  after:
    needs: [deploy, plan]
    if: needs.deploy.result == 'success' && needs.plan.outputs.hidden == ''
    steps:
      - run: echo "> after ${{ needs.deploy.result }} on ${{ github.event_name }} ${{ github.event.ref }}"
  never:
    if: github.ref == 'refs/heads/release'
    steps: [{run: "echo '> never'"}]
  nor:
    needs: never
    steps: [{run: "echo '> nor'"}]
"#;
    let report = run(text).await.unwrap();
    assert_eq!(
        printed(&report),
        [
            "> eu-west-1 true value 0/2",
            "> us-east-1 later value 1/2",
            "> after success on push refs/heads/main"
        ]
    );
}

#[tokio::test]
async fn after_a_failure_those_steps_run_that_ask_for_it_and_the_failure_is_told() {
    let text = r#"
on: push
jobs:
  a:
    steps:
      - id: bad
        continue-on-error: true
        run: exit 3
      - run: echo "> ${{ steps.bad.outcome }} ${{ steps.bad.conclusion }} ${{ job.status }}"
      - name: Break
        run: exit 4
      - run: echo "> not this"
      - if: failure()
        run: echo "> clean up after ${{ job.status }}"
      - if: always() && github.ref == 'refs/heads/other'
        run: echo "> nor this"
  b:
    needs: a
    steps: [{run: "echo '> nor this job'"}]
  c:
    needs: a
    if: ${{ always() && needs.a.result == 'failure' }}
    steps: [{run: "echo '> tell'; exit 5"}]
"#;
    let error = run(text).await.unwrap_err();
    let WorkflowError::Step(failure) = error else { panic!("{error}") };
    assert_eq!((failure.step.as_str(), failure.message.as_str()), ("Break", "exit code 4"));
}

#[tokio::test]
async fn a_job_that_may_fail_fails_nothing() {
    let text = r#"
on: push
jobs:
  a:
    continue-on-error: true
    steps: [{run: "exit 3"}]
  b:
    needs: a
    steps: [{run: "echo '> ${{ needs.a.result }}'"}]
"#;
    assert_eq!(printed(&run(text).await.unwrap()), ["> success"]);
}

const ACTION: &str = r#"
name: Greet
inputs:
  who: {required: true}
  how: {default: "${{ github.event_name }}"}
outputs:
  said: {value: "${{ steps.say.outputs.said }}"}
runs:
  using: composite
  steps:
    - id: say
      shell: bash
      run: |
        echo "> ${{ inputs.how }} ${{ inputs.who }} $OF_STEP $(cat ${{ github.action_path }}/text)"
        echo "said=hello" >> "$GITHUB_OUTPUT"
        echo "FROM_ACTION=1" >> "$GITHUB_ENV"
    - if: always()
      shell: bash
      run: test "${{ steps.say.outcome }}" = success
"#;

#[tokio::test]
async fn a_composite_action_of_the_repository_runs_with_its_inputs_and_outputs() {
    let text = steps(
        r#"- uses: actions/checkout@v4
- id: greet
  uses: ./.github/actions/greet
  with: {who: world}
  env: {OF_STEP: mine}
- run: echo "> ${{ steps.greet.outputs.said }} ${{ steps.say.outputs.said }}$FROM_ACTION$OF_STEP ${{ inputs.who }}""#,
    );
    let files =
        [(".github/actions/greet/action.yml", ACTION), (".github/actions/greet/text", "text")];
    let report = run_with(&text, &files, |_| {}).await.unwrap();
    assert_eq!(printed(&report), ["> push world mine text", "> hello 1 "]);
    let unchecked = text.replace("- uses: actions/checkout@v4", "- run: 'true'");
    let error = run_with(&unchecked, &files, |_| {}).await.unwrap_err().to_string();
    assert!(error.contains("is not there: nothing was checked out"), "{error}");
}

const CALLED: &str = r#"
on:
  workflow_call:
    inputs:
      stage: {type: string, required: true}
      dry: {type: boolean, default: true}
    secrets:
      TOKEN: {required: true}
    outputs:
      url: {value: "${{ jobs.deploy.outputs.url }}"}
jobs:
  deploy:
    permissions: {contents: read, id-token: write}
    outputs: {url: "${{ steps.a.outputs.url }}"}
    steps:
      - id: a
        run: |
          echo "> ${{ inputs.stage }} ${{ inputs.dry && 'dry' || 'real' }} ${{ secrets.KEY }} $TOKEN"
          echo "url=https://${{ inputs.stage }}" >> "$GITHUB_OUTPUT"
        env: {TOKEN: "${{ secrets.TOKEN }}"}
"#;

#[tokio::test]
async fn a_called_workflow_has_what_it_is_given() {
    let text = r#"
on: push
jobs:
  call:
    uses: ./.github/workflows/called.yml
    with: {stage: test, dry: "${{ github.event_name != 'push' }}"}
    secrets: {TOKEN: "${{ secrets.KEY }}"}
  after:
    needs: call
    steps: [{run: "echo '> ${{ needs.call.outputs.url }}'"}]
"#;
    let files = [(".github/workflows/called.yml", CALLED)];
    let report = run_with(text, &files, |_| {}).await.unwrap();
    assert_eq!(printed(&report), ["> test real  ***", "> https://test"]);
    let without = text.replace("    secrets: {TOKEN: \"${{ secrets.KEY }}\"}\n", "");
    let error = run_with(&without, &files, |_| {}).await.unwrap_err().to_string();
    assert!(error.contains("the secret `TOKEN` is required"), "{error}");
    let stage = text.replace("stage: test, ", "");
    let error = run_with(&stage, &files, |_| {}).await.unwrap_err().to_string();
    assert!(error.contains("the input `stage` is required"), "{error}");
    let again = "  again:\n    uses: ./.github/workflows/called.yml\n    with: {stage: x}\n    secrets: inherit\n  deploy:\n    needs: again\n";
    let again = CALLED.replace("TOKEN: {required: true}", "TOKEN: ").replace("  deploy:\n", again);
    let error = run_with(text, &[(".github/workflows/called.yml", &again)], |_| {}).await;
    let error = error.unwrap_err().to_string();
    assert!(error.contains("workflows call one another over 10 levels"), "{error}");
}

#[tokio::test]
async fn a_called_workflow_has_no_permission_that_its_caller_has_not() {
    let text = "on: push\npermissions: {contents: read}\njobs:\n  call:\n    uses: ./.github/workflows/called.yml\n";
    let called = "on: workflow_call\njobs:\n  a:\n    permissions: {id-token: write}\n    steps:\n      - uses: aws-actions/configure-aws-credentials@v4\n        with: {role-to-assume: 'arn:aws:iam::123456789012:role/r', aws-region: us-east-1}\n";
    let files = [(".github/workflows/called.yml", called)];
    let error = run_with(text, &files, |_| {}).await.unwrap_err().to_string();
    assert!(error.contains("`permissions` has no `id-token: write`"), "{error}");
    let text = text.replace("{contents: read}", "{id-token: write}");
    let error = run_with(&text, &files, |_| {}).await.unwrap_err().to_string();
    assert!(error.contains("could not assume"), "{error}");
}

#[tokio::test]
async fn an_action_that_is_not_known_needs_a_word_of_the_configuration() {
    let text = steps(
        "- id: a\n  uses: someone/something@v1\n  with: {who-is: x}\n- run: echo \"> ${{ steps.a.outputs.url }}\"",
    );
    let error = run(&text).await.unwrap_err().to_string();
    assert!(
        error.starts_with(
            "deploy.yml:12:9: the action `someone/something` is not known here: actions/checkout, "
        ) && error
            .ends_with("`[actions.\"someone/something\"]` of the configuration can stand for it"),
        "{error}"
    );
    let with = |toml: &str| {
        let text = format!("[actions.\"Someone/Something\"]\n{toml}");
        Config::parse(&text, Path::new("ringfence.toml")).map(|config| config.actions)
    };
    let skipped = with("skip = true\noutputs.url = 'u'").unwrap();
    let report = run_with(&text, &[], |run| run.actions = skipped).await.unwrap();
    assert_eq!(printed(&report), ["> u"]);
    assert_eq!(
        report.skipped,
        ["step `Run someone/something@v1`: the action `someone/something` was left out"]
    );
    let script = with("run = 'echo \"url=$INPUT_WHO_IS\" >> \"$GITHUB_OUTPUT\"'").unwrap();
    let report = run_with(&text, &[], |run| run.actions = script).await.unwrap();
    assert_eq!(printed(&report), ["> x"]);
    assert_eq!(
        report.stand_ins,
        ["a script of the configuration stands in for the action `someone/something`"]
    );
    let error = with("").unwrap_err().to_string();
    assert!(error.contains("an action has either `skip = true` or `run`"), "{error}");
}

#[tokio::test]
async fn the_event_that_is_played_has_its_inputs() {
    let text = r#"
on:
  workflow_dispatch:
    inputs:
      stage: {type: choice, options: [dev, prod], default: dev}
      count: {type: number, default: 2}
      really: {type: boolean}
jobs:
  a:
    environment: ${{ inputs.stage }}
    steps:
      - run: echo "> ${{ inputs.stage }} ${{ inputs.count == 2 }} ${{ inputs.really }} ${{ github.event.inputs.count }} $GITHUB_EVENT_NAME $(python3 -c 'import json, os; print(json.load(open(os.environ["GITHUB_EVENT_PATH"]))["inputs"]["stage"])')"
"#;
    let dispatched = |inputs: &[(&str, &str)]| {
        let inputs: BTreeMap<_, _> =
            inputs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        move |run: &mut Run<'_>| {
            "workflow_dispatch".clone_into(&mut run.identity.event);
            run.inputs = inputs;
        }
    };
    let report = run_with(text, &[], dispatched(&[("stage", "prod")])).await.unwrap();
    assert_eq!(printed(&report), ["> prod true false 2 workflow_dispatch prod"]);
    for (inputs, expected) in [
        (("stage", "qa"), "the input `stage` takes one of dev, prod, not `qa`"),
        (("nope", "1"), "there is no input `nope`"),
        (("really", "perhaps"), "the input `really` takes true or false, not `perhaps`"),
    ] {
        let error = run_with(text, &[], dispatched(&[inputs])).await.unwrap_err().to_string();
        assert_eq!(error, format!("deploy.yml:2:1: {expected}"));
    }
}

#[tokio::test]
async fn what_a_step_tells_the_runner_in_its_output_is_done() {
    let report = run(&steps(
        r#"- id: a
  run: |
    echo "::add-mask::much%0Aless"
    echo "> much and less"
    echo "::stop-commands::word"
    echo "::add-mask::plain"
    echo "::word::"
    echo "> plain"
    echo "::set-output name=x::y"
- run: echo "> ${{ steps.a.outputs.x }} ${{ hashFiles('file') != '' }} ${{ hashFiles('nothing/**') == '' }}"
- uses: actions/checkout@v4
- run: echo "> ${{ hashFiles('**/fil?', '!nope') }}""#,
    ))
    .await
    .unwrap();
    let digest = |bytes: &[u8]| <sha2::Sha256 as sha2::Digest>::digest(bytes);
    let hash = hex::encode(digest(&digest(b"content")));
    assert_eq!(
        printed(&report),
        ["> *** and ***", "> plain", "> y false true", &format!("> {hash}")]
    );
}

#[rstest]
#[case::push("on: [push, workflow_dispatch]", None, "push")]
#[case::dispatch("on: {push: {branches: [other]}, workflow_dispatch: }", None, "workflow_dispatch")]
#[case::named("on: [push, schedule]", Some("schedule"), "schedule")]
#[case::called("on: workflow_call", None, "workflow_call")]
#[case::others("on: [issues, release]", None, "release")]
fn the_event_that_deploys_is_played(
    #[case] on: &str,
    #[case] named: Option<&str>,
    #[case] expected: &str,
) {
    let text = format!("{on}\njobs: {{a: {{steps: [{{run: x}}]}}}}\n");
    let workflow = Workflow::parse(&text, Path::new("w.yml")).unwrap();
    assert_eq!(workflow.started_by(named, "refs/heads/main").unwrap(), expected);
    assert!(workflow.started_by(Some("fork"), "refs/heads/main").is_err());
}

#[rstest]
#[case::container("    container: node:20\n", "a job in a container is not run here")]
#[case::services("    services: {db: {image: x}}\n", "service containers are not run here")]
#[case::both_filters("", "`branches-ignore` and its opposite cannot stand together")]
#[case::event("", "`pushed` is no event of GitHub's")]
#[case::both("    uses: ./x.yml\n", "a job has either `steps` or `uses`")]
#[case::flag("    continue-on-error: perhaps\n", "true or false is expected here")]
#[case::matrix("    strategy: {matrix: [1]}\n", "a matrix must be a mapping")]
#[case::site("    if: env.A == 'b'\n", "Unrecognized named-value: 'env'")]
fn what_a_job_cannot_have_is_refused_by_name(#[case] key: &str, #[case] expected: &str) {
    let on = match expected {
        text if text.contains("opposite") => "{push: {branches: [a], branches-ignore: [b]}}",
        text if text.contains("pushed") => "pushed",
        _ => "push",
    };
    let text = format!("on: {on}\njobs:\n  a:\n{key}    steps: [{{run: x}}]\n");
    let error = Workflow::parse(&text, Path::new("w.yml")).unwrap_err().to_string();
    assert!(error.contains(expected), "{error}");
}

#[test]
fn what_lies_outside_of_the_repository_is_not_read() {
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("action.yml"), ACTION).unwrap();
    let repository = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(outside.path(), repository.path().join("link")).unwrap();
    let at = config::Place { file: "w.yml".into(), line: 1, column: 1 };
    let own = Repository::at(repository.path());
    for path in ["link".to_owned(), format!("../{}", outside.path().display()), "..".to_owned()] {
        let error = own.action(Path::new(&path), &at).unwrap_err().to_string();
        assert!(error.contains("of the repository: "), "{error}");
    }
    std::fs::create_dir(repository.path().join("own")).unwrap();
    std::fs::write(repository.path().join("own/action.yaml"), ACTION).unwrap();
    assert_eq!(own.action(Path::new("own"), &at).unwrap().steps.len(), 2);
}

#[tokio::test]
async fn artifacts_go_from_job_to_job_and_stay_behind_the_walls() {
    let text = r#"
on: push
permissions: {contents: read}
jobs:
  make:
    steps:
      - run: |
          mkdir -p out/deep .hidden
          echo one > out/a.txt; echo two > out/deep/b.txt; echo x > out/c.log
          echo no > out/.secret
          ln -s a.txt out/link.txt; ln -s nowhere out/gone.txt
      - uses: actions/upload-artifact@v4
        with:
          name: built
          path: |
            out/**/*.txt
            !out/link.txt
      - id: again
        continue-on-error: true
        uses: actions/upload-artifact@v4
        with: {name: built, path: out}
      - id: none
        uses: actions/upload-artifact@v4
        with: {name: empty, path: nothing/here}
      - run: echo "> ${{ steps.again.outcome }} ${{ steps.none.outcome }}"
      - uses: actions/upload-artifact@v4
        with: {name: all, path: out}
  use:
    needs: make
    steps:
      - uses: actions/download-artifact@v4
        with: {name: built, path: in}
      - run: echo "> $(cd in && find . -type f | sort | tr '\n' ' ') $(cat in/deep/b.txt)"
      - uses: actions/download-artifact@v4
        with: {pattern: 'a*'}
      - run: echo "> $(cd all && find . -type f | sort | tr '\n' ' ')"
      - id: missing
        continue-on-error: true
        uses: actions/download-artifact@v4
        with: {name: nope}
      - run: echo "> ${{ steps.missing.outcome }}"
"#;
    let report = run(text).await.unwrap();
    assert_eq!(
        printed(&report),
        [
            "> failure success",
            "> ./a.txt ./deep/b.txt  two",
            "> ./a.txt ./c.log ./deep/b.txt ./link.txt ",
            "> failure"
        ]
    );
}

#[tokio::test]
async fn a_checkout_goes_to_its_path_and_tells_where_it_stands_in() {
    let report = run(&steps(
        r#"- id: first
  uses: actions/checkout@v4
  with: {ref: "${{ github.sha }}", fetch-depth: 0, submodules: recursive}
- run: mkdir -p elsewhere && ln -s "$HOME" place
- uses: actions/checkout@v4
  with: {path: place/app, ref: v7, repository: "${{ github.repository }}"}
- run: echo "> $(cat file) $(cat "$HOME/app/file") ${{ steps.first.outputs.ref }}"
- id: other
  continue-on-error: true
  uses: actions/checkout@v4
  with: {repository: someone/else}
- run: echo "> ${{ steps.other.outcome }}""#,
    ))
    .await
    .unwrap();
    assert_eq!(printed(&report), ["> content content refs/heads/main", "> failure"]);
    assert_eq!(report.stand_ins, ["the repository's directory stands in for its ref `v7`"]);
}

#[tokio::test]
async fn nothing_is_cached_and_a_tool_that_is_not_here_is_named() {
    let report = run(&steps(
        r#"- id: cache
  uses: actions/cache@v4
  with: {path: x, key: "a-${{ hashFiles('nope') }}"}
- run: echo "> [${{ steps.cache.outputs.cache-hit }}] ${{ steps.cache.outputs.cache-primary-key }}"
- id: strict
  continue-on-error: true
  uses: actions/cache/restore@v4
  with: {path: x, key: a, fail-on-cache-miss: true}
- run: echo "> ${{ steps.strict.outcome }}""#,
    ))
    .await
    .unwrap();
    assert_eq!(printed(&report), ["> [] a-", "> failure"]);
}

#[rstest]
#[case::no_secret(
    "aws-access-key-id: AKIAIOSFODNN7EXAMPLE",
    "'aws-secret-access-key' must be provided if 'aws-access-key-id' is provided"
)]
#[case::region("role-to-assume: r", "Region is not valid: Nowhere!")]
#[case::nothing(
    "role-chaining: true\n    role-to-assume: r",
    "Could not load credentials from any providers"
)]
#[case::keys(
    "aws-access-key-id: AKIAIOSFODNN7EXAMPLE\n    aws-secret-access-key: x",
    "Credentials could not be loaded, please check your action inputs: ServiceUnavailable"
)]
#[tokio::test]
async fn credentials_that_cannot_be_had_are_told_as_the_action_tells_them(
    #[case] inputs: &str,
    #[case] expected: &str,
) {
    let region = if expected.contains("Region") { "Nowhere!" } else { "us-east-1" };
    let text = format!(
        "- uses: aws-actions/configure-aws-credentials@v4\n  with:\n    aws-region: {region}\n    {inputs}"
    );
    let error = run(&steps(&text)).await.unwrap_err().to_string();
    assert!(error.contains(expected), "{error}");
}
