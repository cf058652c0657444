//! This repository's own action (`action.yml`), run as a workflow would: with a
//! program in the place of `ringfence` that prints what it is asked.

use super::{printed, run_with, steps};

const FILES: [(&str, &str); 4] = [
    ("action.yml", include_str!("../../../../action.yml")),
    ("scripts/action/install.sh", include_str!("../../../../scripts/action/install.sh")),
    ("scripts/action/run.sh", include_str!("../../../../scripts/action/run.sh")),
    ("scripts/action/verdict.sh", include_str!("../../../../scripts/action/verdict.sh")),
];

/// Ends with the code that `code` holds; as a linter it writes the file that is
/// asked for.
const PROGRAM: &str = r#"#!/bin/bash
echo "> $*"
for word; do
  case "$word" in --sarif=*) echo '{}' > "${word#--sarif=}" ;; esac
done
test "$1" = --version || exit "$(cat code)"
"#;

/// What a workflow with the action prints, where the program ends with a code.
async fn told(code: &str, with: &str) -> Result<Vec<String>, String> {
    told_beside(code, with, &[]).await
}

/// The same with more files in the repository.
async fn told_beside(
    code: &str,
    with: &str,
    beside: &[(&'static str, &'static str)],
) -> Result<Vec<String>, String> {
    let text = steps(&format!(
        r#"- uses: actions/checkout@v4
- id: access
  uses: ./
  with: {{binary: program, {with}}}
- if: always()
  run: |
    echo "> code ${{{{ steps.access.outputs.exit-code }}}}"
    test -z "${{{{ steps.access.outputs.sarif }}}}" || echo "> findings"
    test -z "${{{{ steps.access.outputs.markdown }}}}" || echo "> markdown: $(cat "${{{{ steps.access.outputs.markdown }}}}")"
- run: command -v ringfence | sed 's#.*/ringfence-bin#> ringfence-bin#'"#
    ));
    let mut files = FILES.to_vec();
    files.extend([("program", PROGRAM), ("code", code)]);
    files.extend(beside);
    match run_with(&text, &files, |_| {}).await {
        Ok(report) => Ok(printed(&report).into_iter().map(str::to_owned).collect()),
        Err(error) => Err(error.to_string()),
    }
}

#[tokio::test]
async fn a_comparison_that_adds_nothing_lets_the_job_go_on() {
    assert_eq!(
        told("0", "old: a.json, new: b.json").await.unwrap(),
        [
            "> --version",
            "> access-diff --markdown -- a.json b.json",
            "> code 0",
            "> markdown: > access-diff --markdown -- a.json b.json",
            "> ringfence-bin/ringfence",
        ]
    );
}

#[tokio::test]
async fn the_files_of_a_plan_are_named_where_they_are_elsewhere() {
    let with = "old: a.json, new: b.json, configuration: infra, old-configuration: base/infra";
    let lines = told("0", with).await.unwrap();
    let options = "--configuration infra --old-configuration base/infra";
    let expected = format!("> access-diff --markdown {options} -- a.json b.json");
    assert!(lines.contains(&expected), "{lines:?}");
}

#[tokio::test]
async fn more_access_fails_the_job_unless_it_is_only_to_be_told() {
    let error = told("1", "old: a.json, new: b.json").await.unwrap_err();
    assert!(error.ends_with("step `Verdict` failed: exit code 1"), "{error}");
    let lines = told("1", "old: a.json, new: b.json, fail-on: never").await.unwrap();
    assert!(lines.contains(&"> code 1".to_owned()), "{lines:?}");
}

#[tokio::test]
async fn guard_rails_are_proved_on_a_plan_and_the_comparison_stands_below() {
    let with = r#"command: prove, plan: "plan.json\nstate.json", templates: services"#;
    let asked = |out: &str| {
        format!(
            "> prove --config ringfence.toml --markdown --sarif={out}/prove.sarif --plan plan.json \
             --plan state.json --templates services"
        )
    };
    let lines = told("0", with).await.unwrap();
    let said = lines.iter().find(|line| line.starts_with("> prove")).unwrap();
    let out = said.split("--sarif=").nth(1).and_then(|rest| rest.split("/prove.sarif").next());
    assert_eq!(*said, asked(out.unwrap()));
    assert!(lines.contains(&"> findings".to_owned()), "{lines:?}");
    assert!(lines.contains(&format!("> markdown: {said}")), "{lines:?}");

    let error = told("1", with).await.unwrap_err();
    assert!(error.ends_with("step `Verdict` failed: exit code 1"), "{error}");

    let beside = r#"command: prove, plan: b.json, old: a.json, new: b.json"#;
    let lines = told("0", beside).await.unwrap();
    assert!(lines.contains(&"> access-diff --markdown -- a.json b.json".to_owned()), "{lines:?}");
}

#[tokio::test]
async fn what_prove_needs_and_what_it_does_not_take_is_named() {
    let cases = [
        ("command: prove", "prove needs the input `plan`"),
        (
            "command: prove, plan: a.json, lint: b",
            "prove does not lint: give `lint` a step of its own",
        ),
    ];
    for (with, said) in cases {
        let error = told("0", with).await.unwrap_err();
        assert!(error.contains(&format!("::error::{said}")), "{with}: {error}");
    }
}

#[tokio::test]
async fn a_share_of_a_matrix_is_verified_and_the_shares_are_merged() {
    let lines = told("0", "command: verify, shard: 2/8, run-dir: share").await.unwrap();
    let asked = "> verify --github --config ringfence.toml --run-dir share --shard 2/8";
    assert!(lines.contains(&asked.to_owned()), "{lines:?}");

    let shares = [("shares/share-1/run.json", "{}"), ("shares/share-2/run.json", "{}")];
    let with = "command: merge, shares: shares, allowed-key: shares.pub";
    let lines = told_beside("0", with, &shares).await.unwrap();
    let asked = "> evidence merge --into ringfence-run --allowed-key shares.pub -- \
                 shares/share-1/ shares/share-2/";
    assert!(lines.contains(&asked.to_owned()), "{lines:?}");
}

#[tokio::test]
async fn no_share_is_no_bundle() {
    let cases = [
        ("command: merge, shares: none", "`none` holds no share"),
        ("command: merge", "merge needs the input `shares`"),
    ];
    for (with, said) in cases {
        let error = told("0", with).await.unwrap_err();
        let expected = format!("step `Run ringfence` failed: exit code 2\n    ::error::{said}");
        assert!(error.contains(&expected), "{with}: {error}");
    }
}

#[tokio::test]
async fn what_cannot_be_read_fails_the_job_always() {
    let error = told("2", "old: a.json, new: b.json, fail-on: never").await.unwrap_err();
    assert!(error.ends_with("step `Verdict` failed: exit code 2"), "{error}");
}

#[tokio::test]
async fn lint_reads_each_line_and_leaves_its_findings() {
    let lines = told("0", r#"command: lint, lint: "one two\nthree""#).await.unwrap();
    let lint = lines.iter().find(|line| line.starts_with("> lint")).unwrap();
    assert!(lint.ends_with("/lint.sarif -- one two three"), "{lint}");
    assert!(lines.contains(&"> findings".to_owned()), "{lines:?}");
}

#[tokio::test]
async fn the_binary_alone_is_installed_where_no_command_is_asked_for() {
    let lines = told("1", "command: none").await.unwrap();
    assert_eq!(lines, ["> --version", "> code ", "> ringfence-bin/ringfence"]);
}

#[tokio::test]
async fn an_input_that_is_missing_is_named() {
    let error = told("0", "old: a.json").await.unwrap_err();
    assert!(error.contains("access-diff needs the inputs"), "{error}");
}
