//! Which reader a file's text gets: each kind of file is read as whoever
//! deploys it reads it, so that the lint judges the document that counts.

use ringfence_text::json::{self, Numbers};
use ringfence_text::{Bounds, Document, Fault, Repeated, Repeats, TextError, cloudformation, yaml};

use super::known::Node;
use super::{template, workflow};
use crate::workflow::DIALECT as WORKFLOW;

/// Deeper files are refused.
const DEPTH: usize = 100;

/// A file's length is checked before it is read.
const BOUNDS: Bounds = Bounds { depth: DEPTH, bytes: usize::MAX };

/// Any JSON; whether its keys may stand twice depends on what it is.
const JSON: json::Dialect =
    json::Dialect { repeats: Repeats::LastWins, numbers: Numbers::AsWritten, bounds: BOUNDS };

/// What was read.
#[derive(Debug)]
pub enum Read {
    /// A template of CloudFormation.
    Template {
        /// The template.
        root: Node,
        /// Its keys that stand twice: the last value counts.
        repeated: Vec<Repeated>,
    },
    /// A workflow of GitHub.
    Workflow(ringfence_text::Node),
    /// Anything else, in which no key stands twice.
    Other(Node),
}

/// Reads a file's text.
///
/// # Errors
/// With the place of what is wrong.
pub fn read(content: &str) -> Result<Read, TextError> {
    if is_json(content) { from_json(content) } else { from_yaml(content) }
}

/// Reads a template as the deployment does.
///
/// # Errors
/// With the place of what is wrong.
pub fn template(content: &str) -> Result<Node, TextError> {
    Ok(cloudformation::read(content)?.root.into())
}

pub(super) fn is_json(content: &str) -> bool {
    content.trim_start().starts_with(['{', '['])
}

fn from_json(content: &str) -> Result<Read, TextError> {
    let document = match json::read(content, &JSON) {
        Ok(document) => document.placed(content),
        Err(error) => {
            // A template in YAML may begin with a brace too.
            let yaml = cloudformation::read(content).ok();
            let template = yaml.filter(|document| template::is_template(&document.root));
            return template.map(as_template).ok_or_else(|| error.placed(content));
        }
    };
    match template::is_template(&document.root) {
        true => Ok(as_template(cloudformation::read(content)?)),
        false => once(document),
    }
}

fn from_yaml(content: &str) -> Result<Read, TextError> {
    let error = match cloudformation::read(content) {
        Ok(document) if template::is_template(&document.root) => return Ok(as_template(document)),
        Ok(document) if !workflow::is_workflow(&document.root) => return once(document),
        Ok(_) => return Ok(Read::Workflow(yaml::read(content, &WORKFLOW)?.root)),
        Err(error) => error.into(),
    };
    // What templates may not have, workflows may.
    let workflow = yaml::read(content, &WORKFLOW).map(|document| document.root);
    workflow.ok().filter(workflow::is_workflow).map(Read::Workflow).ok_or(error)
}

fn as_template(document: Document) -> Read {
    Read::Template { root: document.root.into(), repeated: document.repeated }
}

fn once(document: Document) -> Result<Read, TextError> {
    match document.repeated.into_iter().next() {
        Some(Repeated { at, key, .. }) => Err(TextError { at, fault: Fault::Repeated(key) }),
        None => Ok(Read::Other(document.root.into())),
    }
}

#[cfg(test)]
mod tests {
    use ringfence_text::Place;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("a: 1\na: 2\n", "`a` stands twice in the same object", 2, 1)]
    #[case(
        "jobs: {a: {steps: []}}\njobs: {b: {steps: []}}\n",
        "`jobs` stands twice in the same object",
        2,
        1
    )]
    #[case("a: &x 1\nb: *x\n", "YAML aliases are not allowed in CloudFormation templates", 2, 4)]
    #[case("a: [1\nb: 2\n", "not well-formed YAML: illegal placement of ':' indicator", 2, 2)]
    #[case("a: 1\n---\nb: 2\n", "more than one document", 3, 1)]
    #[case("{\"a\": 1,\n \"a\": 2}", "`a` stands twice in the same object", 2, 2)]
    #[case("{\"a\": 1,\n}", "expected a key in quotes, found `}`", 2, 1)]
    fn what_cannot_be_read_is_refused_with_its_place(
        #[case] text: &str,
        #[case] message: &str,
        #[case] line: usize,
        #[case] column: usize,
    ) {
        let error = read(text).unwrap_err();
        assert_eq!((error.to_string().as_str(), error.at), (message, Place { line, column }));
    }

    #[rstest]
    #[case("Resources:\n  A: {Type: B}\n  A: {Type: C}\n")]
    #[case("{\"Resources\":\n {\"A\": {\"Type\": \"B\"},\n \"A\": {\"Type\": \"C\"}}}")]
    #[case("{\"Resources\":\n {\"A\": {\"Type\": \"B\"},\n \"A\": {\"Type\": \"C\"},},}")]
    fn of_a_templates_key_that_stands_twice_the_last_value_is_read(#[case] text: &str) {
        let Read::Template { root, repeated } = read(text).unwrap() else { panic!("no template") };
        let kind = root.path(&["Resources", "A", "Type"]).and_then(Node::text);
        assert_eq!(kind, Some("C"));
        let lines: Vec<_> = repeated.iter().map(|it| (it.before.line, it.at.line)).collect();
        assert_eq!(lines, [(2, 3)]);
    }

    #[test]
    fn a_workflow_is_read_as_github_reads_it() {
        let text = "on: push\nx: &x {uses: a@b}\njobs: {j: {env: {A: yes}, steps: [*x]}}\n";
        let Read::Workflow(root) = read(text).unwrap() else { panic!("no workflow") };
        let job = root.get("jobs").and_then(|jobs| jobs.get("j")).unwrap();
        assert_eq!(job.get("env").and_then(|env| env.get("A")?.text()), Some("yes"));
        assert_eq!(job.get("steps").unwrap().items()[0].at, Place { line: 3, column: 35 });
    }
}
