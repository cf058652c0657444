//! The files that say who may do what: plans, states and templates, together; of the
//! configured root modules, planned here, where there are none.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;

use super::planned;
use crate::access::estate::Estate;
use crate::access::files::{self, Configurations, Unreadable};
use crate::config::{Account, App, Config, Job};
use crate::exit::Exit;
use crate::proof::took::Took;

/// Plans and states.
#[derive(Debug, Clone, Args)]
pub(super) struct Shown {
    /// What `terraform show -json` prints of a plan; without plan and state the configured
    /// root modules are planned here
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

/// What is asked about.
pub(super) struct Read {
    pub(super) estate: Estate,
    /// When reading it began.
    began: Instant,
    /// How long it took to plan the root modules, where they were planned here.
    planning: Option<Duration>,
}

impl Read {
    /// How long it took until now.
    pub(super) fn took(&self) -> Took {
        Took { answer: self.began.elapsed(), planning: self.planning }
    }
}

impl Shown {
    /// Whether there is neither a plan nor a state.
    fn is_none(&self) -> bool {
        self.plan.is_empty() && self.state.is_empty()
    }

    /// The estate that they are of.
    fn read(
        &self,
        config: Option<&Config>,
        account: Option<&Account>,
    ) -> Result<Estate, Unreadable> {
        files::shown(&self.all(), &self.of(config, account))
    }

    /// Of which configurations plans are, and of whose account, where they do not say it.
    fn of(&self, config: Option<&Config>, account: Option<&Account>) -> Configurations {
        let configurations = self.configurations(config);
        match account {
            Some(account) => configurations.of_account(account),
            None => configurations,
        }
    }

    fn all(&self) -> Vec<PathBuf> {
        self.plan.iter().chain(&self.state).cloned().collect()
    }

    fn configurations(&self, config: Option<&Config>) -> Configurations {
        let layer1 = config.into_iter().flat_map(|it| &it.layer1);
        let layer1 = layer1.filter(|layer1| layer1.is_terraform());
        Configurations::new(&self.configuration).and(layer1.map(|it| it.directory.clone()))
    }

    /// Answers about the estate of the files, else of the configured root modules.
    ///
    /// # Errors
    /// What cannot be read or planned, and why; the answer's own.
    pub(super) fn ask(
        self,
        config: Config,
        answer: impl FnOnce(Read, &Config) -> anyhow::Result<Exit> + Send + 'static,
    ) -> anyhow::Result<Exit> {
        Files { shown: self, templates: Vec::new() }.asked(config, |_| Vec::new(), answer)
    }
}

/// Plans, states and templates.
#[derive(Debug, Clone, Args)]
pub(super) struct Files {
    #[command(flatten)]
    shown: Shown,
    /// Directories with `CloudFormation` templates of what runs beside it; of root modules
    /// that are planned here, those of the apps by default
    #[arg(long, value_name = "DIR")]
    templates: Vec<PathBuf>,
}

impl Files {
    /// Whether there are none.
    pub(super) fn are_none(&self) -> bool {
        self.shown.is_none() && self.templates.is_empty()
    }

    /// Where the Terraform files of plans and states may be.
    pub(super) fn roots(&self, config: Option<&Config>) -> Vec<PathBuf> {
        self.shown.configurations(config).directories(&self.shown.all())
    }

    /// The first plan or state.
    pub(super) fn first(&self) -> Option<&PathBuf> {
        self.shown.plan.first().or(self.shown.state.first())
    }

    /// The directories of the templates.
    pub(super) fn templates(&self, config: Option<&Config>) -> Vec<PathBuf> {
        match self.templates.is_empty() && self.shown.is_none() {
            true => {
                config.into_iter().flat_map(deployed).map(|app| app.directory.clone()).collect()
            }
            false => self.templates.clone(),
        }
    }

    /// The estate of the files alone, where there are some: for what needs no configuration.
    ///
    /// # Errors
    /// What cannot be read.
    pub(super) fn alone(&self) -> Result<Option<Read>, Unreadable> {
        if self.shown.is_none() {
            return Ok(None);
        }
        let began = Instant::now();
        let estate = self.read(None, None, None)?;
        Ok(Some(Read { estate, began, planning: None }))
    }

    /// The estate that they are of; templates are added to what `path` has, where
    /// there is neither a plan nor a state.
    fn read(
        &self,
        path: Option<&Path>,
        config: Option<&Config>,
        account: Option<&Account>,
    ) -> Result<Estate, Unreadable> {
        let mut estate = match path {
            Some(path) => files::estate(path, &self.shown.of(config, account))?,
            None => self.shown.read(config, account)?,
        };
        self.add_templates(config, &mut estate)?;
        Ok(estate)
    }

    fn add_templates(
        &self,
        config: Option<&Config>,
        estate: &mut Estate,
    ) -> Result<(), Unreadable> {
        let but = config.map(not_deployed).unwrap_or_default();
        self.templates.iter().try_for_each(|it| files::templates(it, &but, estate))
    }

    /// Answers about the estate of the files, else of the configured root modules and what
    /// the apps deploy.
    ///
    /// # Errors
    /// What cannot be read or planned, and why; the answer's own.
    pub(super) fn ask(
        self,
        config: Config,
        answer: impl FnOnce(Read, &Config) -> anyhow::Result<Exit> + Send + 'static,
    ) -> anyhow::Result<Exit> {
        self.asked(config, |config| deployed(config).cloned().collect(), answer)
    }

    fn asked(
        self,
        config: Config,
        apps: fn(&Config) -> Vec<App>,
        answer: impl FnOnce(Read, &Config) -> anyhow::Result<Exit> + Send + 'static,
    ) -> anyhow::Result<Exit> {
        // Where there is no root module templates may be all that there is.
        let are_alone = config.layer1.is_empty() && !self.templates.is_empty();
        if !self.shown.is_none() || are_alone {
            let began = Instant::now();
            let estate = self.read(None, Some(&config), Some(&config.account))?;
            return answer(Read { estate, began, planning: None }, &config);
        }
        planned::then(config, move |roots, took, config| {
            let began = Instant::now();
            let mut estate = files::printed(roots, &config.account)?;
            match self.templates.is_empty() {
                true => planned::add_apps(&apps(config), &mut estate)?,
                false => self.add_templates(Some(config), &mut estate)?,
            }
            answer(Read { estate, began, planning: Some(took) }, config)
        })
    }
}

/// What is asked about: files as of `prove`, or whatever a path has.
#[derive(Debug, Clone, Args)]
pub(super) struct Asked {
    /// A plan, a state, a policy, or a directory of such files
    #[arg(long = "in", value_name = "PATH", conflicts_with_all = ["plan", "state"])]
    path: Option<PathBuf>,
    /// The configuration, whose root modules are planned where no files are given
    #[arg(long, default_value = "ringfence.toml")]
    config: PathBuf,
    #[command(flatten)]
    files: Files,
}

impl Asked {
    /// Answers about the estate.
    ///
    /// # Errors
    /// What cannot be read or planned, and why; the answer's own.
    pub(super) fn ask(
        self,
        answer: impl FnOnce(&Estate) -> anyhow::Result<Exit> + Send + 'static,
    ) -> anyhow::Result<Exit> {
        if self.path.is_some() || !self.files.shown.is_none() {
            // Whose account the files are of it may say; it need not be there.
            let config = Config::load_of_one(&self.config, "what is read of files").ok();
            let account = config.as_ref().map(|config| &config.account);
            return answer(&self.files.read(self.path.as_deref(), None, account)?);
        }
        let config = Config::load_of_one(&self.config, "what is read of files")?;
        self.files.ask(config, move |read, _| answer(&read.estate))
    }
}

fn is_deployed(config: &Config, app: &App) -> bool {
    let name = app.name.get_ref();
    config.deployers.iter().any(|it| it.job == Job::Stack && it.app.get_ref() == name)
}

/// The apps whose templates somebody deploys.
fn deployed(config: &Config) -> impl Iterator<Item = &App> {
    config.apps.iter().filter(|app| is_deployed(config, app))
}

/// The directories of apps whose templates nobody deploys: their teams deploy code.
fn not_deployed(config: &Config) -> Vec<PathBuf> {
    let apps = config.apps.iter().filter(|app| !is_deployed(config, app));
    apps.map(|app| app.directory.clone()).collect()
}
