//! The files that say who may do what: plans, states and templates, together.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::access::estate::Estate;
use crate::access::files::{self, Configurations, Unreadable};
use crate::config::{App, Config, Job};

/// Plans and states.
#[derive(Debug, Args)]
pub(super) struct Shown {
    /// What `terraform show -json` prints of a plan
    #[arg(long, value_name = "FILE")]
    plan: Vec<PathBuf>,
    /// What `terraform show -json` prints of a state
    #[arg(long, value_name = "FILE")]
    state: Vec<PathBuf>,
    /// The Terraform files that a plan is of; by default those beside it, in the current
    /// directory, or of ringfence.toml there
    #[arg(long, value_name = "DIR")]
    configuration: Vec<PathBuf>,
}

impl Shown {
    /// Whether there is neither a plan nor a state.
    pub(super) fn is_none(&self) -> bool {
        self.plan.is_empty() && self.state.is_empty()
    }

    /// The estate that they are of.
    ///
    /// # Errors
    /// What cannot be read, and why.
    pub(super) fn read(&self, config: Option<&Config>) -> Result<Estate, Unreadable> {
        files::shown(&self.all(), &self.configurations(config))
    }

    fn all(&self) -> Vec<PathBuf> {
        self.plan.iter().chain(&self.state).cloned().collect()
    }

    fn configurations(&self, config: Option<&Config>) -> Configurations {
        let layer1 = config.into_iter().flat_map(|it| &it.layer1);
        Configurations::new(&self.configuration).and(layer1.map(|it| it.directory.clone()))
    }
}

/// Plans, states and templates.
#[derive(Debug, Args)]
pub(super) struct Files {
    #[command(flatten)]
    shown: Shown,
    /// Directories with `CloudFormation` templates of what runs beside it
    #[arg(long, value_name = "DIR")]
    pub(super) templates: Vec<PathBuf>,
}

impl Files {
    /// Whether there is neither a plan nor a state.
    pub(super) fn is_none(&self) -> bool {
        self.shown.is_none()
    }

    /// Where the Terraform files of plans and states may be.
    pub(super) fn roots(&self, config: Option<&Config>) -> Vec<PathBuf> {
        self.shown.configurations(config).directories(&self.shown.all())
    }

    /// The estate that they are of; templates are added to what `path` has, where
    /// there is neither a plan nor a state.
    ///
    /// # Errors
    /// What cannot be read, and why.
    pub(super) fn read(
        &self,
        path: Option<&Path>,
        config: Option<&Config>,
    ) -> Result<Estate, Unreadable> {
        let mut estate = match path {
            Some(path) => files::estate(path, &self.shown.configurations(config))?,
            None => self.shown.read(config)?,
        };
        let but = config.map(not_deployed).unwrap_or_default();
        for directory in &self.templates {
            files::templates(directory, &but, &mut estate)?;
        }
        Ok(estate)
    }
}

/// What is asked about: files as of `prove`, or whatever a path has.
#[derive(Debug, Args)]
pub(super) struct Asked {
    /// A plan, a state, a policy, or a directory of such files
    #[arg(long = "in", value_name = "PATH", conflicts_with_all = ["plan", "state"],
        required_unless_present_any = ["plan", "state"])]
    path: Option<PathBuf>,
    #[command(flatten)]
    files: Files,
}

impl Asked {
    /// The estate.
    ///
    /// # Errors
    /// What cannot be read, and why.
    pub(super) fn read(&self) -> Result<Estate, Unreadable> {
        self.files.read(self.path.as_deref(), None)
    }
}

/// The directories of apps whose templates nobody deploys: their teams deploy code.
fn not_deployed(config: &Config) -> Vec<PathBuf> {
    let is_deployed = |app: &&App| {
        let name = app.name.get_ref();
        config.deployers.iter().any(|it| it.job == Job::Stack && it.app.get_ref() == name)
    };
    let apps = config.apps.iter().filter(|app| !is_deployed(app));
    apps.map(|app| app.directory.clone()).collect()
}
