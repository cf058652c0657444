//! GitHub workflows: actions that are not held to one commit.
//!
//! A workflow's action runs with the workflow's token, so whoever moves its tag
//! deploys. "Pinning an action to a full-length commit SHA is currently the only
//! way to use an action as an immutable release":
//! <https://docs.github.com/en/actions/reference/security/secure-use#using-third-party-actions>.

use ringfence_text::Node;

use super::configuration::{Rule, finding};
use super::{Finding, Report};

/// An action that its owner can change afterwards.
pub const UNPINNED_ACTION: Rule = Rule {
    name: "unpinned-action",
    description: "A workflow runs an action that is not held to one commit.",
    source: "https://docs.github.com/en/actions/reference/security/secure-use#using-third-party-actions",
};

/// Whether a file is a workflow: `on` decides when it runs, `jobs` what.
pub fn is_workflow(root: &Node) -> bool {
    let jobs = root.get("jobs").map(Node::members).unwrap_or_default();
    jobs.iter().any(|job| job.value.get("steps").is_some() || job.value.get("uses").is_some())
}

/// Checks a workflow.
pub fn check(file: &str, root: &Node) -> Report {
    let jobs = root.get("jobs").map(Node::members).unwrap_or_default();
    let findings = jobs
        .iter()
        .flat_map(|job| {
            let steps = job.value.get("steps").map(Node::items).unwrap_or_default();
            let used = steps.iter().filter_map(|step| step.get("uses"));
            used.chain(job.value.get("uses")).map(|uses| (job.key.as_str(), uses))
        })
        .filter_map(|(job, uses)| unpinned(file, job, uses))
        .collect();
    let subjects = jobs.iter().map(|job| subject(&job.key)).collect();
    Report { findings, subjects, ..Report::default() }
}

fn subject(job: &str) -> String {
    format!("jobs.{job}")
}

fn unpinned(file: &str, job: &str, uses: &Node) -> Option<Finding> {
    let name = uses.text()?;
    if is_pinned(name) {
        return None;
    }
    Some(finding(
        UNPINNED_ACTION,
        file,
        uses.at,
        &subject(job),
        format!(
            "`{name}` is whatever its owner makes of it, and it runs with the workflow's token"
        ),
        "write the commit's full hash after the `@`, and the version in a comment",
    ))
}

/// What is of the same commit as the workflow, of one commit, or of one image.
fn is_pinned(uses: &str) -> bool {
    let hash = |text: &str, digits: usize| {
        text.len() == digits && text.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    if uses.starts_with("./") {
        return true;
    }
    match uses.strip_prefix("docker://") {
        Some(image) => image.split_once("@sha256:").is_some_and(|(_, digest)| hash(digest, 64)),
        None => uses.rsplit_once('@').is_some_and(|(_, commit)| hash(commit, 40)),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use ringfence_text::yaml;

    use super::*;
    use crate::workflow::DIALECT;

    fn root(text: &str) -> Node {
        yaml::read(text, &DIALECT).unwrap().root
    }

    #[rstest]
    #[case("actions/checkout@v4", false)]
    #[case("actions/checkout", false)]
    #[case("actions/checkout@11bd719", false)]
    #[case("actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683", true)]
    #[case("./.github/actions/build", true)]
    #[case("docker://alpine:3.20", false)]
    #[case(
        "docker://alpine@sha256:1e42bbe2508154c9126d48c2b8a75420c3544343bf86fd041fb7527e017a4b4a",
        true
    )]
    #[case("org/repo/.github/workflows/deploy.yml@main", false)]
    fn an_action_is_pinned_by_its_commits_full_hash(#[case] uses: &str, #[case] pinned: bool) {
        let text = format!(
            "on: push\njobs:\n  build:\n    steps:\n      - run: make\n      - uses: {uses}\n"
        );
        let root = root(&text);
        assert!(is_workflow(&root));
        let report = check("deploy.yml", &root);
        let places: Vec<_> =
            report.findings.iter().map(|it| (it.rule, it.line, it.column)).collect();
        let expected = if pinned { vec![] } else { vec![("unpinned-action", 6, 15)] };
        assert_eq!(places, expected);
        assert_eq!(report.subjects, ["jobs.build"]);
    }

    #[test]
    fn a_workflow_that_is_called_is_pinned_too() {
        let text =
            "on: push\njobs:\n  build:\n    uses: org/repo/.github/workflows/deploy.yml@v1\n";
        let root = root(text);
        let report = check("deploy.yml", &root);
        assert_eq!(
            (report.findings[0].line, report.findings[0].subject.as_str()),
            (4, "jobs.build")
        );
    }

    #[test]
    fn a_template_is_no_workflow() {
        assert!(!is_workflow(&root("Resources:\n  A:\n    Type: B\n")));
        assert!(!is_workflow(&root("jobs: 3\n")));
    }
}
