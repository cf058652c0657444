//! A job.

use std::path::PathBuf;

use ringfence_text::{Member as Entry, Node, Value};

use crate::config::Place;
use crate::workflow::expression::{Site, Template};
use crate::workflow::model::{
    Call, Called, Data, Defaults, Job, JobWork, Permissions, Secrets, StepsJob,
};
use crate::workflow::reader::{Reader, Scalar};

/// What both kinds of jobs have, and what a job of steps alone has.
struct Keys {
    steps: Option<StepsJob>,
    uses: Option<Called>,
    /// Where that stands.
    at: Option<Place>,
    with: Vec<(String, Template)>,
    secrets: Secrets,
}

impl Reader<'_> {
    pub(super) fn job(
        &self,
        entry: &Entry,
        permissions: Permissions,
        defaults: &Defaults,
    ) -> Option<Job> {
        let mut job = Job {
            id: entry.key.clone(),
            place: self.place(entry.at),
            construct: self.construct(),
            needs: Vec::new(),
            condition: None,
            permissions,
            environment: None,
            matrix: None,
            fail_fast: None,
            continue_on_error: None,
            work: JobWork::Steps(Box::default()),
        };
        let mut steps = StepsJob { defaults: defaults.clone(), ..StepsJob::default() };
        let mut keys = Keys {
            steps: None,
            uses: None,
            at: None,
            with: Vec::new(),
            secrets: Secrets::Given(Vec::new()),
        };
        let (mut known, mut has_steps) = (true, false);
        for entry in self.entries(&entry.value, "a job") {
            let _inside = self.inside(&entry.key);
            let found = self.common_key(&mut job, entry)
                || self.key_of_steps(&mut steps, &mut has_steps, entry)
                || self.key_of_call(&mut keys, entry);
            if !found {
                known = false;
                self.refused(entry);
            }
        }
        if has_steps {
            keys.steps = Some(steps);
        }
        job.work = match (keys.steps, keys.uses) {
            (Some(steps), None) if !steps.steps.is_empty() => JobWork::Steps(Box::new(steps)),
            (None, Some(workflow)) => {
                let at = keys.at.unwrap_or_else(|| job.place.clone());
                let (with, secrets) = (keys.with, keys.secrets);
                JobWork::Call(Box::new(Call { workflow, at, with, secrets }))
            }
            (Some(_), Some(_)) => {
                self.fault(entry.at, "a job has either `steps` or `uses`");
                return None;
            }
            _ => {
                // What could not be read was told already.
                if known {
                    self.fault(entry.at, format!("job `{}` has no steps", entry.key));
                }
                return None;
            }
        };
        Some(job)
    }

    /// Containers are what this cannot run, whatever else there is.
    fn refused(&self, entry: &Entry) {
        match entry.key.as_str() {
            "container" => self.fault(entry.at, "a job in a container is not run here"),
            "services" => self.fault(entry.at, "service containers are not run here"),
            _ => self.unknown("a job", entry),
        }
    }

    fn common_key(&self, job: &mut Job, entry: &Entry) -> bool {
        match entry.key.as_str() {
            "name" => drop(self.template(&entry.value, Site::Job)),
            "permissions" => job.permissions = self.permissions(&entry.value),
            "concurrency" => self.concurrency(&entry.value, Site::Job),
            "needs" => job.needs = self.texts(&entry.value),
            "if" => job.condition = Some(self.condition(&entry.value, Site::JobIf)),
            "strategy" => self.strategy(job, &entry.value),
            "environment" => job.environment = self.environment(&entry.value),
            "continue-on-error" => {
                job.continue_on_error = Some(self.scalar(&entry.value, Site::Job, Scalar::Flag));
            }
            _ => return false,
        }
        true
    }

    fn key_of_steps(&self, job: &mut StepsJob, has_steps: &mut bool, entry: &Entry) -> bool {
        match entry.key.as_str() {
            // Every runner is this machine.
            "runs-on" => drop(self.data(&entry.value, Site::Job)),
            "env" => job.env = self.templates(&entry.value, "env", Site::JobSecret),
            "defaults" => {
                let own = self.defaults(&entry.value);
                job.defaults.shell = own.shell.or(job.defaults.shell.take());
                job.defaults.directory = own.directory.or(job.defaults.directory.take());
            }
            "timeout-minutes" => {
                job.timeout = Some(self.scalar(&entry.value, Site::Job, Scalar::Minutes));
            }
            "outputs" => {
                job.outputs = self.templates(&entry.value, "outputs", Site::JobOutputs);
            }
            "steps" => {
                *has_steps = true;
                job.steps = self.steps(&entry.value, Site::Step);
            }
            _ => return false,
        }
        true
    }

    fn key_of_call(&self, keys: &mut Keys, entry: &Entry) -> bool {
        match entry.key.as_str() {
            "uses" => {
                let uses = self.plain(&entry.value);
                keys.at = Some(self.place(entry.at));
                keys.uses = Some(match uses.strip_prefix("./") {
                    Some(path) => Called::Local(PathBuf::from(path)),
                    None => Called::Elsewhere(uses),
                });
            }
            "with" => keys.with = self.templates(&entry.value, "with", Site::Job),
            "secrets" if entry.value.text() == Some("inherit") => {
                keys.secrets = Secrets::Inherited;
            }
            "secrets" => {
                let given = self.templates(&entry.value, "secrets", Site::JobSecret);
                keys.secrets = Secrets::Given(given);
            }
            _ => return false,
        }
        true
    }

    fn strategy(&self, job: &mut Job, node: &Node) {
        for entry in self.entries(node, "strategy") {
            let _inside = self.inside(&entry.key);
            match entry.key.as_str() {
                "matrix" => {
                    let matrix = self.data(&entry.value, Site::Strategy);
                    if matches!(matrix, Data::List(_) | Data::Plain(_)) {
                        self.fault(entry.value.at, "a matrix must be a mapping");
                    }
                    job.matrix = Some(matrix);
                }
                "fail-fast" => {
                    job.fail_fast = Some(self.scalar(&entry.value, Site::Strategy, Scalar::Flag));
                }
                // One at a time is what happens here.
                "max-parallel" => {
                    drop(self.scalar(&entry.value, Site::Strategy, Scalar::Minutes));
                }
                _ => self.unknown("strategy", entry),
            }
        }
    }

    fn environment(&self, node: &Node) -> Option<Template> {
        let Value::Object(entries) = &node.value else {
            return Some(self.template(node, Site::Job));
        };
        let mut name = None;
        for entry in entries {
            let _inside = self.inside(&entry.key);
            match entry.key.as_str() {
                "name" => name = Some(self.template(&entry.value, Site::Job)),
                "url" => drop(self.template(&entry.value, Site::EnvironmentUrl)),
                "deployment" => drop(self.scalar(&entry.value, Site::Job, Scalar::Flag)),
                _ => self.unknown("environment", entry),
            }
        }
        if name.is_none() {
            self.fault(node.at, "environment needs a name");
        }
        name
    }
}
