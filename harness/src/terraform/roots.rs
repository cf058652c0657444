//! The root modules of Layer 1, in the order in which they are applied.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::existing::Before;
use super::provider::{self, Provider};
use super::{Access, Instance, Outputs, Reads, States, Terraform, TerraformError};
use crate::config::{Config, Pipeline};
use crate::progress::Progress;
use crate::remark::unsupported;
use crate::scratch::Scratch;
use crate::tools::{Product, TerraformBinary};

/// Root modules in their working copies, at least one.
#[derive(Debug)]
pub struct Roots {
    binary: TerraformBinary,
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
    /// Its working copy.
    pub terraform: Terraform,
}

impl Roots {
    /// Copies and initialises the root modules of a configuration, and what exists
    /// before them. Needs no endpoint yet.
    ///
    /// # Errors
    /// At the first that cannot be read, or whose providers cannot be had.
    pub async fn prepare(
        binary: TerraformBinary,
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
        let before = Before::prepare(&binary, entries, layers.len(), scratch, progress).await?;
        let mut all: Vec<Root> = Vec::new();
        let mut files: Vec<PathBuf> = Vec::new();
        for (number, layer1) in layers.iter().enumerate() {
            let name = layer1.name();
            let phase = progress.phase(titled("terraform init", &name, layers.len()));
            let reads = Reads { states: &states, number, files: &files };
            let terraform =
                Terraform::prepare(binary.clone(), layer1, reads, scratch, &phase).await?;
            phase.done();
            files.push(terraform.state_file());
            all.push(Root { name, role: layer1.role.clone(), terraform });
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

    /// Applies one of them, after those before it.
    ///
    /// # Errors
    /// Terraform's own errors, with their places in the user's files.
    pub async fn apply(
        &self,
        root: &Root,
        access: &Access,
        progress: &Progress,
    ) -> Result<Outputs, TerraformError> {
        let phase = progress.phase(titled("terraform apply", &root.name, self.all.len()));
        let outputs = root.terraform.apply(access, &phase).await?;
        phase.done();
        Ok(outputs)
    }

    /// Plans one of them, after those before it were applied: what `terraform show -json`
    /// prints of the plan.
    ///
    /// # Errors
    /// Terraform's own errors, with their places in the user's files.
    pub async fn plan(
        &self,
        root: &Root,
        access: &Access,
        progress: &Progress,
    ) -> Result<String, TerraformError> {
        let phase = progress.phase(titled("terraform plan", &root.name, self.all.len()));
        let plan = root.terraform.plan(access, &phase).await?;
        phase.done();
        Ok(plan.to_string())
    }

    /// Brings the files of the root modules that changed into their copies, and
    /// applies these and those after them, which may read their states.
    ///
    /// # Errors
    /// Of the files, or Terraform's own, with their places in the user's files.
    pub(crate) async fn apply_again(
        &mut self,
        config: &Config,
        scratch: &Scratch,
        access: &Access,
        again: Again<'_>,
        progress: &Progress,
    ) -> Result<Outputs, TerraformError> {
        let states = States::of(&config.layer1, &config.file).map_err(|error| {
            let directory = config.layer1.first().map(|layer1| layer1.directory.clone());
            let directory = directory.unwrap_or_default();
            TerraformError::Copy { directory, message: error.to_string() }
        })?;
        let files: Vec<PathBuf> = self.all.iter().map(|root| root.terraform.state_file()).collect();
        let roots = self.all.iter_mut().zip(&config.layer1).enumerate();
        for (number, (root, layer1)) in roots.filter(|(number, _)| again.changed.contains(number)) {
            let reads =
                Reads { states: &states, number, files: files.get(..number).unwrap_or(&[]) };
            root.terraform.sync(layer1, reads, scratch)?;
        }
        let first = again.changed.first().copied().unwrap_or_default();
        let mut outputs = Vec::new();
        for (number, Root { name, terraform, .. }) in self.all.iter().enumerate() {
            let own = match number < first {
                true => terraform.outputs()?,
                false => {
                    let phase = progress.phase(titled("terraform apply", name, self.all.len()));
                    let own = terraform.apply_again(access, again.refresh, &phase).await?;
                    phase.done();
                    own
                }
            };
            outputs.push((name.clone(), own));
        }
        Ok(Outputs::of_roots(outputs))
    }

    /// Starts the AWS provider of each root module that can do with one that runs on,
    /// for those that are applied again.
    ///
    /// # Errors
    /// When a module cannot be read, or a provider not started.
    pub(crate) fn keep_providers(&mut self, access: &Access) -> io::Result<()> {
        // OpenTofu calls the provider by another name than it calls itself.
        if self.binary.product != Product::Terraform {
            return Ok(());
        }
        let mut running: BTreeMap<PathBuf, Arc<Provider>> = BTreeMap::new();
        for Root { terraform, .. } in &mut self.all {
            let installed = provider::installed(&terraform.work);
            let Some(path) = installed.filter(|_| terraform.provider.is_none()) else { continue };
            if !provider::configured_once(&terraform.work)? {
                continue;
            }
            let one = match running.entry(path) {
                Entry::Occupied(one) => one.get().clone(),
                Entry::Vacant(none) => {
                    let started = Provider::start(none.key(), access, &terraform.temporary)?;
                    none.insert(Arc::new(started)).clone()
                }
            };
            terraform.provider = Some(one);
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

    /// What the state of each of them holds.
    ///
    /// # Errors
    /// When one cannot be read.
    pub fn instances_of_each(&self) -> io::Result<Vec<Vec<Instance>>> {
        let several = self.all.len() > 1;
        let of = |root: &Root| {
            let mut made = root.terraform.state()?.instances();
            for instance in &mut made {
                instance.root = several.then(|| root.name.clone());
            }
            Ok(made)
        };
        self.all.iter().map(of).collect()
    }

    /// The program that does the work.
    pub fn binary(&self) -> &TerraformBinary {
        &self.binary
    }
}

/// One root module needs no name.
fn titled(title: &str, name: &str, of: usize) -> String {
    if of > 1 { format!("{title} {name}") } else { title.to_owned() }
}
