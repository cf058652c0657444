//! The programs that a run needs.

use super::{Diagnosis, Found, Kind, Line, Options, Verdict};
use crate::emulator;
use crate::terraform::Machine;
use crate::tools::{Node, PythonTools, TerraformBinary};

/// Those that are there.
pub(super) struct Tools {
    pub(super) terraform: Machine,
    pub(super) python: Option<PythonTools>,
    pub(super) node: Option<Node>,
}

pub(super) async fn examine(found: &Found, options: &Options, diagnosis: &mut Diagnosis) -> Tools {
    let mut tell = |file: String, construct: &str, verdict, because: String| {
        let construct = construct.to_owned();
        diagnosis.lines.push(Line { kind: Kind::Tool, file, line: 1, construct, verdict, because });
    };
    let terraform = match TerraformBinary::find().await {
        Ok(binary) => {
            let file = binary.path.display().to_string();
            tell(file, &binary.to_string(), Verdict::Runs, String::new());
            Machine::with(Some(binary))
        }
        Err(error) => {
            // Without a root module nothing is applied.
            if !found.modules.is_empty() {
                tell("terraform".to_owned(), "terraform", Verdict::Unsupported, error.to_string());
            }
            Machine::with(None)
        }
    };
    for mirror in terraform.mirrors() {
        tell(mirror, "provider mirror", Verdict::Runs, String::new());
    }
    let python = match PythonTools::provision(&options.progress).await {
        Ok(tools) => {
            let file = tools.base.display().to_string();
            tell(file, &format!("Python {}", tools.version), Verdict::Runs, String::new());
            for package in ["aws-sam-cli", "awscli", "aws-sam-translator", "moto"] {
                let version = PythonTools::pinned(package).unwrap_or_default();
                let file = tools.directory.display().to_string();
                tell(file, &format!("{package} {version}"), Verdict::Runs, String::new());
            }
            Some(tools)
        }
        Err(error) => {
            tell("python3".to_owned(), "python", Verdict::Unsupported, error.to_string());
            None
        }
    };
    let node = Node::find().await;
    if let Some(node) = &node {
        let file = node.path.display().to_string();
        tell(file, &format!("Node.js {}", node.version), Verdict::Runs, String::new());
    }
    match emulator::no_engine().await {
        None => tell("docker".to_owned(), "Docker", Verdict::Runs, String::new()),
        Some(error) => {
            let because = format!("the embedded server stands in for LocalStack: {error}");
            tell("docker".to_owned(), "Docker", Verdict::StandIn, because);
        }
    }
    Tools { terraform, python, node }
}
