//! Which of a repository's workflows deploys, by its text, and what it asks for.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The usual place of a workflow, which need not be written.
pub(super) const USUAL: &str = ".github/workflows/deploy.yml";

/// The action that gives a job its credentials.
const CREDENTIALS: &str = "aws-actions/configure-aws-credentials";

/// What a step says that deploys.
const DEPLOYS: [&str; 9] = [
    "sam deploy",
    "aws cloudformation deploy",
    "aws cloudformation create-stack",
    "aws cloudformation update-stack",
    "aws-actions/aws-cloudformation-github-deploy",
    "cdk deploy",
    "terraform apply",
    "aws lambda update-function-code",
    "aws s3 sync",
];

/// What the names of workflows say that take away.
const TAKES_AWAY: [&str; 6] = ["destroy", "delete", "clean", "teardown", "remove", "rollback"];

/// A workflow with credentials of AWS.
#[derive(Debug)]
pub(super) struct Workflow {
    pub(super) path: PathBuf,
    /// Without comments.
    pub(super) text: String,
    pub(super) rank: Rank,
}

/// How likely it is the one that deploys: the greatest is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    is_usual: bool,
    deploys: bool,
    takes_nothing_away: bool,
    /// Whether a push starts it, or a release.
    is_pushed: bool,
    is_called_so: bool,
}

impl Workflow {
    /// A workflow, where it has credentials of AWS or deploys.
    pub(super) fn deploying(path: &Path) -> Option<Self> {
        let text = without_comments(&fs::read_to_string(path).ok()?);
        let deploys = DEPLOYS.iter().any(|sign| text.contains(sign));
        if !text.contains(CREDENTIALS) && !text.contains("sam deploy") {
            return None;
        }
        let name = path.file_stem().unwrap_or_default().to_string_lossy().to_lowercase();
        let rank = Rank {
            is_usual: path.ends_with(USUAL),
            deploys,
            takes_nothing_away: !TAKES_AWAY.iter().any(|sign| name.contains(sign)),
            is_pushed: is_pushed(&text),
            is_called_so: name.contains("deploy"),
        };
        Some(Self { path: path.to_owned(), text, rank })
    }

    /// The names after a context in its expressions.
    pub(super) fn asked(&self, context: &str) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        for expression in self.text.split("${{").skip(1) {
            let expression = expression.split("}}").next().unwrap_or_default();
            for rest in expression.split(context).skip(1) {
                let name = rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next();
                names.extend(name.filter(|name| !name.is_empty()).map(str::to_owned));
            }
        }
        names
    }
}

/// A workflow's lines but for those that are comments, of YAML or of a script.
fn without_comments(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// Whether a push or a release is among a workflow's triggers.
fn is_pushed(text: &str) -> bool {
    const EVENTS: [&str; 2] = ["push", "release"];
    let mut lines = text.lines().skip_while(|line| {
        let line = line.trim_end();
        !["on:", "\"on\":", "'on':"].iter().any(|key| line.starts_with(key))
    });
    let first = lines.next().unwrap_or_default();
    let block = lines.take_while(|line| line.trim().is_empty() || line.starts_with([' ', '-']));
    let is_event = |word: &str| EVENTS.contains(&word);
    let words =
        |line: &str| line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').any(is_event);
    words(first)
        || block.into_iter().any(|line| {
            let key = line.trim().trim_start_matches("- ").trim_end_matches(':');
            is_event(key)
        })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn workflow(name: &str, text: &str) -> Option<Workflow> {
        let top = tempfile::tempdir().unwrap();
        let path = top.path().join(".github/workflows").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        Workflow::deploying(&path)
    }

    fn rank(name: &str, text: &str) -> Rank {
        workflow(name, text).unwrap().rank
    }

    const CHECKS: &str = "on: pull_request\njobs:\n  a:\n    steps:\n      \
                          - uses: aws-actions/configure-aws-credentials@v4\n";

    fn deploys(on: &str) -> String {
        format!("{on}\njobs:\n  a:\n    steps:\n      - run: sam deploy\n")
    }

    #[rstest]
    #[case::of_the_usual_name(("deploy.yml", CHECKS.to_owned()), ("ship.yml", deploys("on: push")))]
    #[case::that_deploys(("ship.yml", deploys("on: workflow_dispatch")), ("check.yml", CHECKS.to_owned()))]
    #[case::that_takes_nothing_away(
        ("ship.yml", deploys("on: workflow_dispatch")), ("destroy.yml", deploys("on: push"))
    )]
    #[case::that_a_push_starts(
        ("ship.yml", deploys("on:\n  push:\n    branches: [main]")),
        ("deploy-preview.yml", deploys("on:\n  pull_request:\n    branches: [push]"))
    )]
    #[case::that_is_called_so(
        ("deploy-prod.yml", deploys("on: [push]")), ("ship.yml", deploys("on: [push]"))
    )]
    fn of_two_the_first_is_the_one(#[case] one: (&str, String), #[case] other: (&str, String)) {
        assert!(rank(one.0, &one.1) > rank(other.0, &other.1));
    }

    #[test]
    fn one_without_credentials_is_none() {
        assert!(workflow("check.yml", "on: push\njobs: {}\n").is_none());
        assert!(workflow("ship.yml", "on: push\n# - run: sam deploy\njobs: {}\n").is_none());
    }

    #[rstest]
    #[case("on: push", true)]
    #[case("on: [pull_request, push]", true)]
    #[case("on:\n- release\njobs:\n  push: {}", true)]
    #[case("\"on\":\n  release:\n    types: [published]", true)]
    #[case("on: pull_request\njobs:\n  push: {}", false)]
    #[case("on:\n  workflow_dispatch:\njobs:\n  push: {}", false)]
    fn triggers_are_those_of_the_workflow(#[case] text: &str, #[case] expected: bool) {
        assert_eq!(is_pushed(text), expected);
    }

    #[test]
    fn comments_ask_for_nothing() {
        let text = "on: push\njobs:\n  a:\n    steps:\n      # with: ${{ secrets.OLD }}\n      \
                    - run: sam deploy --region ${{ vars.REGION }}\n        env: {T: '${{ secrets.T }}'}\n";
        let workflow = workflow("ship.yml", text).unwrap();
        assert_eq!(workflow.asked("secrets."), BTreeSet::from(["T".to_owned()]));
        assert_eq!(workflow.asked("vars."), BTreeSet::from(["REGION".to_owned()]));
    }
}
