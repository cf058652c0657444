//! The root modules and templates of Layer 1, in the order in which they are applied.

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;

use super::State;
use super::existing::Before;
use super::{Access, Instance, Outputs, Reads, States, Terraform, TerraformError};
use crate::config::{Config, Layer1, Pipeline};
use crate::progress::Progress;
use crate::remark::unsupported;
use crate::scratch::Scratch;
use crate::template::{Engine, Template};
use crate::tools::TerraformBinary;

/// Root modules in their working copies, and templates; at least one.
#[derive(Debug)]
pub struct Roots {
    /// Where there is a root module of Terraform, or something that exists before.
    binary: Option<TerraformBinary>,
    /// What exists outside the estate.
    before: Option<Before>,
    all: Vec<Root>,
}

/// What is applied again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Again<'a> {
    /// The root modules whose files changed, by their places.
    pub(crate) changed: &'a BTreeSet<usize>,
    /// Whether Terraform looks at what is there first.
    pub(crate) refresh: bool,
}

/// One of them.
#[derive(Debug)]
pub struct Root {
    /// What others call it.
    pub name: String,
    /// The role that it is applied as, where root does not apply it.
    pub role: Option<Pipeline>,
    /// The account that it is applied in.
    pub account: String,
    /// What it is made with.
    pub(crate) module: Module,
}

/// What a part of Layer 1 is written in.
#[derive(Debug)]
pub(crate) enum Module {
    /// A root module, in its working copy.
    Terraform(Box<Terraform>),
    /// A template, of which a stack is made.
    Template(Template),
}

impl Root {
    /// What was applied of it.
    ///
    /// # Errors
    /// When its state cannot be read.
    pub fn state(&self) -> io::Result<State> {
        match &self.module {
            Module::Terraform(terraform) => terraform.state(),
            Module::Template(template) => template.state(),
        }
    }

    /// Its working copy, where it is a root module of Terraform.
    pub fn terraform(&self) -> Option<&Terraform> {
        match &self.module {
            Module::Terraform(terraform) => Some(terraform),
            Module::Template(_) => None,
        }
    }

    /// The outputs of its state, with the resources that were made.
    fn outputs(&self) -> Result<Outputs, TerraformError> {
        match &self.module {
            Module::Terraform(terraform) => terraform.outputs(),
            Module::Template(template) => {
                template.state().map(|state| Outputs::of_state(&state)).map_err(|source| {
                    TerraformError::State { directory: template.file().to_owned(), source }
                })
            }
        }
    }
}

async fn applied(
    template: &Template,
    engine: Engine<'_>,
    access: &Access,
) -> Result<usize, TerraformError> {
    template.apply(engine, access).await.map_err(|cause| TerraformError::Stack(Box::new(cause)))
}

impl Roots {
    /// Copies and initialises the root modules of a configuration, and what exists
    /// before them. Needs no endpoint yet.
    ///
    /// # Errors
    /// At the first that cannot be read, or whose providers cannot be had.
    pub async fn prepare(
        binary: Option<TerraformBinary>,
        config: &Config,
        scratch: &Scratch,
        progress: &Progress,
    ) -> Result<Self, TerraformError> {
        let (layers, file) = (&config.layer1, &config.file);
        let states = States::of(layers, file).map_err(|error| TerraformError::Copy {
            directory: layers.first().map(|layer1| layer1.directory.clone()).unwrap_or_default(),
            message: error.to_string(),
        })?;
        let faults = unsupported(states.remarks());
        if !faults.is_empty() {
            return Err(TerraformError::Unsupported(faults));
        }
        let entries = (config.existing.as_slice(), file.as_path());
        let before = match &binary {
            Some(binary) => {
                Before::prepare(binary, entries, layers.len(), scratch, progress).await?
            }
            None => None,
        };
        let mut all: Vec<Root> = Vec::new();
        let mut files: Vec<PathBuf> = Vec::new();
        for (number, layer1) in layers.iter().enumerate() {
            let name = layer1.name();
            let reads = Reads { states: &states, number, files: &files };
            let (module, file) = match (&layer1.template, &binary) {
                (Some(template), _) => {
                    let place = (number, config.account_of(layer1));
                    let template = Template::prepare(layer1, template, place, scratch);
                    let template = template.map_err(|error| unprepared(layer1, &error))?;
                    (Module::Template(template), PathBuf::new())
                }
                (None, Some(binary)) => {
                    let phase = progress.phase(titled("terraform init", &name, layers.len()));
                    let terraform =
                        Terraform::prepare(binary.clone(), layer1, reads, scratch, &phase).await?;
                    phase.done();
                    let file = terraform.state_file();
                    (Module::Terraform(Box::new(terraform)), file)
                }
                (None, None) => return Err(unprepared(layer1, &"there is no Terraform")),
            };
            files.push(file);
            let account = config.account_of(layer1).to_owned();
            all.push(Root { name, role: layer1.role.clone(), account, module });
        }
        Ok(Self { binary, before, all })
    }

    /// Makes what exists before all of them; the outputs tell of it, where there is
    /// anything.
    ///
    /// # Errors
    /// Terraform's own errors, with the places of the entries.
    pub async fn make_existing(
        &self,
        access: &Access,
        progress: &Progress,
    ) -> Result<Option<Outputs>, TerraformError> {
        match &self.before {
            Some(before) => before.apply(access, progress).await.map(Some),
            None => Ok(None),
        }
    }

    /// The state of what exists before all of them, where there is anything.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn existing(&self) -> io::Result<Option<State>> {
        self.before.as_ref().map(Before::state).transpose()
    }

    /// Applies one of them, after those before it.
    ///
    /// # Errors
    /// Terraform's own errors, with their places in the user's files.
    pub async fn apply(
        &self,
        root: &Root,
        engine: Engine<'_>,
        access: &Access,
        progress: &Progress,
    ) -> Result<Outputs, TerraformError> {
        match &root.module {
            Module::Terraform(terraform) => {
                let phase = progress.phase(titled("terraform apply", &root.name, self.all.len()));
                let outputs = terraform.apply(access, &phase).await?;
                phase.done();
                Ok(outputs)
            }
            Module::Template(template) => {
                let phase = progress.phase(format!("stack {}", root.name));
                let made = applied(template, engine, access).await?;
                phase.note(format!("{made} resources"));
                phase.done();
                root.outputs()
            }
        }
    }

    /// Plans a root module, after those before it were applied: what `terraform show -json`
    /// prints of the plan; none of a template.
    ///
    /// # Errors
    /// Terraform's own errors, with their places in the user's files.
    pub async fn plan(
        &self,
        root: &Root,
        access: &Access,
        progress: &Progress,
    ) -> Result<Option<String>, TerraformError> {
        let Some(terraform) = root.terraform() else { return Ok(None) };
        let phase = progress.phase(titled("terraform plan", &root.name, self.all.len()));
        let plan = terraform.plan(access, &phase).await?;
        phase.done();
        Ok(Some(plan.to_string()))
    }

    /// Brings the files of the root modules that changed into their copies, and
    /// applies these and those after them, which may read their states.
    ///
    /// # Errors
    /// Of the files, or Terraform's own, with their places in the user's files.
    pub(crate) async fn apply_again(
        &mut self,
        (config, scratch): (&Config, &Scratch),
        engine: Engine<'_>,
        access: &Access,
        again: Again<'_>,
        progress: &Progress,
    ) -> Result<Outputs, TerraformError> {
        let states = States::of(&config.layer1, &config.file).map_err(|error| {
            let directory = config.layer1.first().map(|layer1| layer1.directory.clone());
            let directory = directory.unwrap_or_default();
            TerraformError::Copy { directory, message: error.to_string() }
        })?;
        let file = |root: &Root| root.terraform().map(Terraform::state_file).unwrap_or_default();
        let files: Vec<PathBuf> = self.all.iter().map(file).collect();
        let roots = self.all.iter_mut().zip(&config.layer1).enumerate();
        for (number, (root, layer1)) in roots.filter(|(number, _)| again.changed.contains(number)) {
            let reads =
                Reads { states: &states, number, files: files.get(..number).unwrap_or(&[]) };
            if let Module::Terraform(terraform) = &mut root.module {
                terraform.sync(layer1, reads, scratch)?;
            }
        }
        let first = again.changed.first().copied().unwrap_or_default();
        let mut outputs = Vec::new();
        for (number, root) in self.all.iter().enumerate() {
            let own = match &root.module {
                _ if number < first => root.outputs()?,
                Module::Terraform(terraform) => {
                    let title = titled("terraform apply", &root.name, self.all.len());
                    let phase = progress.phase(title);
                    let own = terraform.apply_again(access, again.refresh, &phase).await?;
                    phase.done();
                    own
                }
                Module::Template(template) => {
                    let phase = progress.phase(format!("stack {}", root.name));
                    applied(template, engine, access).await?;
                    phase.done();
                    root.outputs()?
                }
            };
            outputs.push((root.name.clone(), own));
        }
        Ok(Outputs::of_roots(outputs))
    }

    /// Keeps the AWS provider of each root module running that can do with one, for what
    /// is applied again.
    ///
    /// # Errors
    /// When one cannot be started.
    pub(crate) fn keep_providers(&mut self, access: &Access) -> Result<(), TerraformError> {
        for root in &mut self.all {
            if let Module::Terraform(terraform) = &mut root.module {
                terraform.keep_provider(access)?;
            }
        }
        Ok(())
    }

    /// Each of them.
    pub fn all(&self) -> &[Root] {
        &self.all
    }

    /// What their states hold.
    ///
    /// # Errors
    /// When one cannot be read.
    pub fn instances(&self) -> io::Result<Vec<Instance>> {
        Ok(self.instances_of_each()?.concat())
    }

    /// What the states of those hold that are applied in an account.
    ///
    /// # Errors
    /// When one cannot be read.
    pub fn instances_in(&self, account_id: &str) -> io::Result<Vec<Instance>> {
        let each = self.instances_of_each()?.into_iter().zip(&self.all);
        let own = each.filter(|(_, root)| root.account == account_id);
        Ok(own.flat_map(|(made, _)| made).collect())
    }

    /// What the state of each of them holds.
    ///
    /// # Errors
    /// When one cannot be read.
    pub fn instances_of_each(&self) -> io::Result<Vec<Vec<Instance>>> {
        let several = self.all.len() > 1;
        let of = |root: &Root| {
            let mut made = root.state()?.instances();
            for instance in &mut made {
                instance.root = several.then(|| root.name.clone());
            }
            Ok(made)
        };
        self.all.iter().map(of).collect()
    }

    /// The program that applies root modules, where there is one.
    pub fn binary(&self) -> Option<&TerraformBinary> {
        self.binary.as_ref()
    }
}

fn unprepared(layer1: &Layer1, why: &dyn std::fmt::Display) -> TerraformError {
    let directory = layer1.source().to_owned();
    TerraformError::Copy { directory, message: why.to_string() }
}

/// One root module needs no name.
fn titled(title: &str, name: &str, of: usize) -> String {
    if of > 1 { format!("{title} {name}") } else { title.to_owned() }
}
