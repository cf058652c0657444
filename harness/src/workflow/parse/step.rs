//! A step.

use std::path::PathBuf;

use ringfence_text::Node;

use crate::workflow::expression::{Site, Template};
use crate::workflow::model::{Action, Inputs, Published, Script, Step, Texts, Work};
use crate::workflow::reader::{Reader, Scalar};
use crate::workflow::{actions, shell};

impl Reader<'_> {
    /// Steps of a job, or of a composite action.
    pub(in crate::workflow) fn steps(&self, node: &Node, site: Site) -> Vec<Step> {
        let items = self.items(node, "steps").iter().enumerate();
        items
            .filter_map(|(number, step)| {
                let _inside = self.inside(&format!("[{number}]"));
                self.step(step, site)
            })
            .collect()
    }

    fn step(&self, node: &Node, site: Site) -> Option<Step> {
        let condition_site = if site == Site::Step { Site::StepIf } else { Site::ActionIf };
        let mut step = Step {
            name: String::new(),
            place: self.place(node.at),
            work: Work::Run(Script { text: self.nothing(), shell: None, directory: None }),
            construct: self.construct(),
            id: None,
            condition: None,
            env: Texts::new(),
            timeout: None,
            continue_on_error: None,
        };
        let (mut name, mut uses, mut script, mut with) = (None, None, None, Texts::new());
        let (mut shell, mut directory) = (None, None);
        for entry in self.entries(node, "a step") {
            let _inside = self.inside(&entry.key);
            match entry.key.as_str() {
                "name" => name = Some(self.template(&entry.value, site).written().to_owned()),
                "id" => step.id = Some(self.text(&entry.value)),
                "if" => step.condition = Some(self.condition(&entry.value, condition_site)),
                "uses" => uses = Some(self.plain(&entry.value)),
                "run" => script = Some(self.template(&entry.value, site)),
                "shell" => shell = Some(self.shell(&entry.value, site)),
                "working-directory" => directory = Some(self.template(&entry.value, site)),
                "with" => with = self.templates(&entry.value, "with", site),
                "env" => step.env = self.templates(&entry.value, "env", site),
                "timeout-minutes" => {
                    step.timeout = Some(self.scalar(&entry.value, site, Scalar::Minutes));
                }
                "continue-on-error" => {
                    step.continue_on_error = Some(self.scalar(&entry.value, site, Scalar::Flag));
                }
                _ => self.unknown("a step", entry),
            }
        }
        let what = match (uses, script) {
            (Some(uses), None) => {
                step.work = self.action(node, &uses, with)?;
                format!("Run {uses}")
            }
            (None, Some(text)) => {
                let first = text.written().lines().next().unwrap_or_default();
                let what = format!("Run {first}");
                step.work = Work::Run(Script { text, shell, directory });
                what
            }
            _ => {
                self.fault(node.at, "a step has either `uses` or `run`");
                return None;
            }
        };
        step.name = name.unwrap_or(what);
        Some(step)
    }

    fn nothing(&self) -> Template {
        Template::read("", Site::Step).0
    }

    pub(in crate::workflow) fn shell(&self, node: &Node, site: Site) -> Template {
        let template = self.template(node, site);
        if let Some(Err(message)) = template.plain().map(|name| shell::program(Some(name))) {
            self.fault(node.at, message);
        }
        template
    }

    fn action(&self, node: &Node, uses: &str, with: Texts) -> Option<Work> {
        let inputs = Inputs(with);
        if let Some(path) = uses.strip_prefix("./") {
            let action = Action::Local(PathBuf::from(path));
            return Some(Work::Uses { action, with: inputs });
        }
        if let Some(image) = uses.strip_prefix("docker://") {
            let action = Action::Image(image.to_owned());
            return Some(Work::Uses { action, with: inputs });
        }
        let Some((name, version)) = uses.split_once('@').filter(|(name, _)| name.contains('/'))
        else {
            self.fault(node.at, format!("`{uses}` is not `owner/name@version`"));
            return None;
        };
        for fault in actions::faults_of_inputs(name, &inputs) {
            self.fault(node.at, fault);
        }
        let action = Published { name: name.to_owned(), version: version.to_owned() };
        Some(Work::Uses { action: Action::Published(action), with: inputs })
    }
}
