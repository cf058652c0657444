//! What runs in place of the tools that a workflow asks for, known before it
//! runs where its versions are plain.

use std::path::Path;

use super::model::{Action, Job, Work, Workflow};
use super::{actions, python};
use crate::remark::{Outcome, Remark};
use crate::tools::{PythonTools, Toolkit};

/// What stands in for a version of the SAM CLI, where anything does.
pub(super) fn sam(asked: &str) -> Option<String> {
    let ours = PythonTools::pinned("aws-sam-cli").unwrap_or_default();
    let other = !asked.is_empty() && asked != ours;
    other.then(|| format!("SAM CLI {ours} stands in for {asked}"))
}

/// That our Python stands in for a version.
pub(super) fn python(ours: &str, asked: &str) -> String {
    format!("Python {ours} stands in for {asked}")
}

/// What is otherwise for `actions/github-script`.
const NO_GITHUB: &str =
    "this machine's Node.js runs the script; GitHub's API is not served, so a request to it fails";

/// What stands in for `sam build --use-container`: steps have no container engine.
pub(super) const LOCAL_BUILD: &str =
    "sam build on this machine stands in for a build in a container";

/// Whether a script asks `sam` for a container to build in.
pub(super) fn asks_container(script: &str) -> bool {
    let short =
        |line: &str| line.contains("sam build") && line.split_whitespace().any(|it| it == "-u");
    script.lines().any(|line| line.contains("--use-container") || short(line))
}

/// A `sam` that builds on this machine where it is asked for a container.
pub(super) fn local_build(sam: &Path) -> String {
    let sam = sam.display();
    format!(
        "#!/bin/sh\n[ \"$1\" = build ] || exec '{sam}' \"$@\"\nfor argument do\n  shift\n  case $argument in --use-container | -u) ;; *) set -- \"$@\" \"$argument\" ;; esac\ndone\nexec '{sam}' \"$@\"\n"
    )
}

impl Workflow {
    /// What will run in place of what the workflow asks for; `python` is the
    /// version of the interpreter that stands in for others.
    pub async fn stand_ins(&self, python: &str) -> Vec<Remark> {
        let mut found = Vec::new();
        for step in self.jobs.iter().flat_map(Job::steps) {
            let (action, with) = match &step.work {
                Work::Uses { action: Action::Published(action), with } => (&action.name, with),
                Work::Run(script) if asks_container(script.text.written()) => {
                    found.push(Remark {
                        place: step.place.clone(),
                        construct: "sam build --use-container".to_owned(),
                        outcome: Outcome::StandsIn,
                        because: LOCAL_BUILD.to_owned(),
                    });
                    continue;
                }
                _ => continue,
            };
            let input = |name: &str| {
                let found = with.0.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
                found.and_then(|(_, template)| template.plain())
            };
            let because = match action.as_str() {
                actions::SETUP_SAM => input("version").and_then(sam),
                actions::SETUP_PYTHON => match input("python-version") {
                    Some(version) => missing(version).await.then(|| self::python(python, version)),
                    None => None,
                },
                actions::GITHUB_SCRIPT => {
                    if let Some(because) = Toolkit::lacks() {
                        let (place, construct) = (step.place.clone(), action.clone());
                        let outcome = Outcome::Unsupported;
                        found.push(Remark { place, construct, outcome, because });
                        continue;
                    }
                    Some(NO_GITHUB.to_owned())
                }
                _ => None,
            };
            found.extend(because.map(|because| Remark {
                place: step.place.clone(),
                construct: action.clone(),
                outcome: Outcome::StandsIn,
                because,
            }));
        }
        found
    }
}

/// Whether this machine has no interpreter of a version.
async fn missing(version: &str) -> bool {
    match python::minor(version) {
        Ok(Some(minor)) => python::installed(minor).await.is_none(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::process::Command;

    use rstest::rstest;

    use super::{asks_container, local_build};

    #[rstest]
    #[case("sam build --use-container", true)]
    #[case("cd api\nsam build -u --cached", true)]
    #[case("sam build", false)]
    #[case("date -u", false)]
    fn a_build_in_a_container_is_seen(#[case] script: &str, #[case] asked: bool) {
        assert_eq!(asks_container(script), asked);
    }

    /// Only `build` has the option, and all else reaches `sam` as it was written.
    #[rstest]
    #[case(&["build", "--use-container", "-t", "a b.yaml"], "build|-t|a b.yaml")]
    #[case(&["build", "-u"], "build")]
    #[case(&["build", "--cached"], "build|--cached")]
    #[case(&["deploy", "-u"], "deploy|-u")]
    fn a_build_in_a_container_is_made_here(#[case] arguments: &[&str], #[case] reached: &str) {
        let place = tempfile::tempdir().unwrap();
        let sam = place.path().join("sam");
        std::fs::write(&sam, "#!/bin/sh\nIFS='|'; echo \"$*\"\n").unwrap();
        let run = format!(
            "{}\n",
            local_build(Path::new("SAM")).replace("exec 'SAM'", "exec sh \"$SAM\"")
        );
        let mut command = Command::new("sh");
        command.args(["-c", &run, "sam"]).args(arguments).env("SAM", &sam);
        let output = command.output().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap().trim(), reached);
    }
}
