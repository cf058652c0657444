//! What the files of an estate have that will not run here: told before
//! anything starts, and all of it at once.

use std::path::{Path, PathBuf};

use crate::config::{App, Config, Job, Place};
use crate::doctor::templates;
use crate::plain;
use crate::remark::{Outcome, Remark, unsupported};
use crate::template;
use crate::terraform::{self, Machine, States};
use crate::tools::{Node, PythonTools, TerraformBinary, interpreters};
use crate::workflow::{Repository, Workflow, WorkflowError};

/// Everything that will not run, of Layer 1 and, where they are deployed, of the
/// applications' workflows.
pub(crate) fn faults(
    config: &Config,
    binary: Option<&TerraformBinary>,
    deploy: bool,
) -> Vec<Remark> {
    let mut found = Vec::new();
    for layer1 in config.layer1.iter().filter(|layer1| layer1.is_terraform()) {
        // A directory that cannot be read is told when it is copied.
        if let Ok(examined) = terraform::examine(&layer1.directory, &Machine::with(binary.cloned()))
        {
            found.extend(unsupported(examined.remarks));
        }
        if let Ok(remarks) = terraform::other_accounts(&layer1.directory)
            && !config.accounts.is_empty()
        {
            found.extend(remarks);
        }
    }
    if let Ok(states) = States::of(&config.layer1, &config.file) {
        found.extend(unsupported(states.remarks()));
    }
    for app in config.apps.iter().filter(|app| deploy && config.is_run(app)) {
        let path = app.directory.join(&app.workflow);
        let repository = Repository::at(&app.directory);
        let read = Workflow::examine(&path, Some(&repository), &config.actions).and_then(
            |(workflow, remarks)| {
                // A file that could not be read whole may say later what starts it.
                if remarks.is_empty() {
                    workflow.started_by(app.event.as_deref(), &app.git_ref)?;
                }
                Ok(remarks)
            },
        );
        match read {
            Ok(remarks) => found.extend(remarks),
            Err(error) => {
                let (place, because) = match error {
                    WorkflowError::Invalid { place, message } => (place, message),
                    WorkflowError::NotTriggered { ref place, ref event, ref git_ref } => {
                        let because =
                            format!("a {event} to `{git_ref}` does not start this workflow");
                        (place.clone(), because)
                    }
                    other => (Place { file: path, line: 1, column: 1 }, other.to_string()),
                };
                found.push(Remark {
                    place,
                    construct: format!("apps.{}.workflow", app.name.get_ref()),
                    outcome: Outcome::Unsupported,
                    because,
                });
            }
        }
    }
    found
}

/// The same of the templates of Layer 1 and, where they are deployed, of the
/// applications that make stacks.
pub(crate) async fn template_faults(
    config: &Config,
    deploy: bool,
    tools: &PythonTools,
    node: Option<&Node>,
) -> Vec<Remark> {
    let stacks = |app: &&App| {
        let mut own = config.deployers.iter().filter(|it| it.app.get_ref() == app.name.get_ref());
        own.any(|deployer| deployer.job == Job::Stack)
    };
    let apps = config.apps.iter().filter(|app| deploy && config.is_run(app) && stacks(app));
    // One that is no text is told where it is deployed.
    let own = config.layer1.iter().filter_map(|layer1| {
        let file = layer1.template.as_ref()?.file.clone();
        let text = std::fs::read_to_string(&file).ok()?;
        Some((file, text))
    });
    let of_apps = apps.filter_map(|app| {
        let file = app.template()?;
        let text = plain::text(&file, &app.directory).ok()?;
        Some((file, text))
    });
    let files: Vec<(PathBuf, String)> = own.chain(of_apps).collect();
    let texts: Vec<(&Path, String)> =
        files.iter().map(|(path, text)| (path.as_path(), text.clone())).collect();
    let mut beside = template::beside(&config.layer1);
    if !texts.is_empty() {
        beside.extend(unsupported(templates::of(&texts, interpreters(Some(tools), node)).await));
    }
    beside
}
