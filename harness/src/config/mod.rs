//! `ringfence.toml`: what is under test. Nothing of it is known to the code.
//!
//! The schema is the structs in [`schema`]; `docs/configuration.md` explains
//! it with an example. Unknown fields are errors, and every error names file,
//! line and column. Paths are relative to the file.

mod accepted;
mod accounts;
mod check;
mod deployer;
mod existing;
mod guard_rail;
mod layer1;
mod schema;
mod statements;
mod value;

use std::fmt;
use std::path::{Path, PathBuf};

use self::check::Fault;
use crate::guard_rail::GuardRail;

pub use accepted::{Accepted, Expiry, Subject};
pub use existing::Existing;
pub(crate) use existing::IMAGE;
pub use guard_rail::{Declaration, Legitimate, Selector};
pub(crate) use guard_rail::{PLATFORM as GUARD_RAIL_PLATFORM, matching};
pub(crate) use layer1::is_stack_name;
pub use layer1::{IgnoredAttribute, Layer1, Pipeline, StackTemplate};
pub use schema::{
    Account, Api, App, Config, Deployer, DeployerIdentity, Evidence, Issuer, IssuerKind, Job,
    Organization, OrganizationLevel, OtherAccount, Platform, Refusals, Upstream, VpcEndpoint,
    Workflows,
};
pub use statements::{Forbids, Statements};
pub use value::{AccountId, Backend, Region, Repository};

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// There is no configuration yet.
    #[error(
        "there is no `{}`: `ringfence init` drafts one from your Terraform, templates and workflows; `--config FILE` names another",
        path.display()
    )]
    Missing {
        /// The path.
        path: PathBuf,
    },
    /// The file cannot be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The text is not a valid configuration.
    #[error("{place}: {message}")]
    Invalid {
        /// Where.
        place: Place,
        /// What is wrong.
        message: String,
    },
}

/// A place in a file: `file:line:column`, counted from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: PathBuf,
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
}

impl Place {
    /// The place of a byte offset in a text.
    pub fn of(file: &Path, text: &str, offset: usize) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            file: file.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file.display(), self.line, self.column)
    }
}

impl Config {
    /// Reads a configuration file.
    ///
    /// # Errors
    /// When the file cannot be read or is not a valid configuration.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(&text, path),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Err(ConfigError::Missing { path: path.to_owned() })
            }
            Err(source) => Err(ConfigError::Read { path: path.to_owned(), source }),
        }
    }

    /// Reads a configuration; `path` is the file that relative paths and
    /// errors refer to.
    ///
    /// # Errors
    /// When the text is not a valid configuration.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let mut config: Self = toml::from_str(text).map_err(|error| {
            let offset = error.span().map_or(0, |span| span.start);
            ConfigError::Invalid {
                place: Place::of(path, text, offset),
                message: error.message().trim().replace('\n', "; "),
            }
        })?;
        let invalid = |fault: Fault| ConfigError::Invalid {
            place: Place::of(path, text, fault.offset),
            message: fault.message,
        };
        config.check().map_err(invalid)?;
        let base = path.parent().unwrap_or(Path::new(""));
        config.resolve(base);
        config.check_roots().map_err(invalid)?;
        for accepted in &mut config.accepted {
            accepted.line = Place::of(path, text, accepted.offset()).line;
        }
        for account in &mut config.accounts {
            account.line = Place::of(path, text, account.name.span().start).line;
        }
        for rail in &mut config.guard_rail {
            rail.line = Place::of(path, text, rail.id.span().start).line;
        }
        config.file = path.to_owned();
        Ok(config)
    }

    /// All guard rails: the built-in ones and the configuration's.
    pub fn guard_rails(&self) -> impl Iterator<Item = GuardRail> + '_ {
        GuardRail::BUILT_IN.into_iter().chain(self.guard_rail.iter().map(Declaration::rail))
    }

    fn resolve(&mut self, base: &Path) {
        let join = |path: &mut PathBuf| *path = base.join(&path);
        for layer1 in &mut self.layer1 {
            match &mut layer1.template {
                None => join(&mut layer1.directory),
                Some(template) => {
                    join(&mut template.file);
                    let parent = template.file.parent().unwrap_or(base);
                    let here = parent.as_os_str().is_empty();
                    layer1.directory = if here { Path::new(".") } else { parent }.to_owned();
                }
            }
            layer1.var_files.iter_mut().for_each(join);
        }
        self.apps.iter_mut().for_each(|app| join(&mut app.directory));
        if let Some(controls) = &mut self.evidence.controls {
            join(controls);
        }
        self.vpc_endpoints.iter_mut().for_each(|endpoint| join(&mut endpoint.policy));
        for level in &mut self.organization {
            level.policies.iter_mut().flatten().for_each(join);
            level.resource_control.iter_mut().for_each(join);
        }
    }

    /// The app of this name.
    pub fn app(&self, name: &str) -> Option<&App> {
        self.apps.iter().find(|app| app.name.get_ref() == name)
    }

    /// The deployer of this name.
    pub fn deployer(&self, name: &str) -> Option<&Deployer> {
        self.deployers.iter().find(|deployer| deployer.name.get_ref() == name)
    }

    /// The issuers of this kind, in the order of the file.
    pub fn issuers_of(&self, kind: IssuerKind) -> impl Iterator<Item = &Issuer> {
        self.issuers.iter().filter(move |issuer| issuer.kind == kind)
    }

    /// The issuer of this kind, where there is exactly one.
    pub fn issuer(&self, kind: IssuerKind) -> Option<&Issuer> {
        let mut issuers = self.issuers_of(kind);
        issuers.next().filter(|_| issuers.next().is_none())
    }

    /// Who issues the tokens of an app's workflows: the issuer that it names,
    /// or else the only one of GitHub's, or the only other one.
    pub fn issuer_of(&self, app: &App) -> Option<&Issuer> {
        match &app.issuer {
            Some(named) => self
                .issuers
                .iter()
                .filter(|issuer| !issuer.kind.is_for_apis())
                .find(|issuer| issuer.url.get_ref() == named.get_ref()),
            None => match self.issuers_of(IssuerKind::Github).next() {
                Some(_) => self.issuer(IssuerKind::Github),
                None => self.issuer(IssuerKind::Oidc),
            },
        }
    }

    /// Whether an app's pipeline is a workflow of GitHub's, which is run here; those of
    /// other systems are not.
    pub fn is_run(&self, app: &App) -> bool {
        self.issuer_of(app).is_none_or(|issuer| issuer.kind == IssuerKind::Github)
    }

    /// The `sub` of a deployer's tokens, where its app's issuer is not GitHub.
    pub fn subject_of<'c>(&self, deployer: &'c Deployer, app: &'c App) -> Option<&'c str> {
        let own = deployer.subject.as_ref().or(app.subject.as_ref())?;
        (!self.is_run(app)).then_some(own.get_ref().as_str())
    }
}

#[cfg(test)]
mod former;

#[cfg(test)]
mod tests;
