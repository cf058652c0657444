//! `ringfence.toml`: what is under test. Nothing of it is known to the code.
//!
//! The schema is the structs in [`schema`]; `docs/configuration.md` explains
//! it with an example. Unknown fields are errors, and every error names file,
//! line and column. Paths are relative to the file.

mod accepted;
mod existing;
mod guard_rail;
mod layer1;
mod schema;
mod statements;
mod value;

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

use toml::Spanned;

use crate::guard_rail::GuardRail;

pub use accepted::{Accepted, Expiry, Subject};
pub use existing::Existing;
pub(crate) use existing::IMAGE;
pub use guard_rail::{Declaration, Legitimate, Selector};
pub(crate) use guard_rail::{PLATFORM as GUARD_RAIL_PLATFORM, matching};
pub use layer1::{IgnoredAttribute, Layer1, Pipeline, StackTemplate};
pub use schema::{
    Account, Api, App, Config, Deployer, Evidence, Issuer, IssuerKind, Job, Organization,
    OrganizationLevel, Platform, Refusals, Upstream, VpcEndpoint, Workflows,
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
        for rail in &mut config.guard_rail {
            rail.line = Place::of(path, text, rail.id.span().start).line;
        }
        config.file = path.to_owned();
        Ok(config)
    }

    /// What one field alone cannot show: names that meet.
    fn check(&self) -> Result<(), Fault> {
        distinct("app", self.apps.iter().map(|app| &app.name))?;
        distinct("deployer", self.deployers.iter().map(|deployer| &deployer.name))?;
        distinct("issuer", self.issuers.iter().map(|issuer| &issuer.url))?;
        if let Some(organization) = &self.account.organization {
            organization
                .membership()
                .map_err(|error| Fault::at(&organization.path, error.to_string()))?;
        }
        self.check_existing()?;
        self.check_accepted()?;
        self.check_guard_rails()?;
        self.check_endpoints()?;
        for (name, substitute) in &self.actions {
            let faults = substitute.get_ref().check();
            faults.map_err(|why| Fault::at(substitute, format!("actions.\"{name}\": {why}")))?;
        }
        for deployer in &self.deployers {
            if self.app(deployer.app.get_ref()).is_none() {
                return Err(Fault::at(
                    &deployer.app,
                    format!("no app is named `{}`", deployer.app.get_ref()),
                ));
            }
            if deployer.job == Job::Stack && deployer.role_prefix.is_none() {
                return Err(Fault::at(
                    &deployer.name,
                    "a deployer whose job is `stack` needs a `role_prefix`".to_owned(),
                ));
            }
        }
        for app in &self.apps {
            self.check_issuer(app)?;
            if let Some((name, _)) =
                app.vars.iter().find(|(name, _)| app.vars_from_outputs.contains_key(*name))
            {
                return Err(Fault::at(
                    &app.name,
                    format!("variable `{name}` is given twice, as text and as an output"),
                ));
            }
            if let Some((name, _)) =
                app.secrets.iter().find(|(name, _)| app.secrets_from_outputs.contains_key(*name))
            {
                return Err(Fault::at(
                    &app.name,
                    format!("secret `{name}` is given twice, as text and as an output"),
                ));
            }
            if app.immutable_subject && (app.owner_id.is_none() || app.repository_id.is_none()) {
                return Err(Fault::at(
                    &app.name,
                    "immutable_subject needs `owner_id` and `repository_id`".to_owned(),
                ));
            }
        }
        for issuer in &self.issuers {
            let text = issuer.url.get_ref();
            let parsed = url::Url::parse(text);
            let https = parsed.is_ok_and(|url| url.scheme() == "https");
            if issuer.kind == IssuerKind::Github && (!https || text.ends_with('/')) {
                return Err(Fault::at(
                    &issuer.url,
                    format!("`{text}` is not an https URL without a final slash"),
                ));
            }
            if !https {
                return Err(Fault::at(&issuer.url, format!("`{text}` is not an https URL")));
            }
            if issuer.kind != IssuerKind::Github && issuer.audience.is_none() {
                let fault = "an issuer of tokens for APIs, or of the kind `oidc`, needs `audience`"
                    .to_owned();
                return Err(Fault::at(&issuer.url, fault));
            }
        }
        Ok(())
    }

    /// What exists is made for a Layer 1, and each entry has a name of its own.
    fn check_existing(&self) -> Result<(), Fault> {
        let mut names = BTreeSet::new();
        for (number, entry) in (1..).zip(&self.existing) {
            if let Some((offset, message)) = entry.fault() {
                return Err(Fault { offset, message });
            }
            if self.layer1.is_empty() {
                let message =
                    "what exists is made before a Layer 1 is applied: name one in [layer1]";
                return Err(Fault::at(&entry.kind, message.to_owned()));
            }
            let (kind, name) = (entry.kind.get_ref(), entry.name(number));
            if !names.insert((kind, name.clone())) {
                let fault = format!(
                    "two entries are called `{kind}.{name}`: give one of them another `name`"
                );
                return Err(Fault::at(entry.name.as_ref().unwrap_or(&entry.kind), fault));
            }
        }
        Ok(())
    }

    /// Each finding and guard rail is accepted once.
    fn check_accepted(&self) -> Result<(), Fault> {
        let mut seen = BTreeSet::new();
        for entry in &self.accepted {
            if let Some((offset, message)) = entry.fault() {
                return Err(Fault { offset, message });
            }
            if let Some((subject, place)) = entry.subject()
                && !seen.insert(subject)
            {
                return Err(Fault::at(place, format!("{subject} is accepted twice")));
            }
        }
        Ok(())
    }

    /// A service has a name, stands once, and is named where NAT is spoken of.
    fn check_endpoints(&self) -> Result<(), Fault> {
        let Some(platform) = &self.platform else { return Ok(()) };
        if let (Some(nat), None) = (&platform.nat, &platform.endpoints) {
            let message = "`platform.nat` says what functions reach beside `platform.endpoints`: \
                           name these too, or `endpoints = []` for none";
            return Err(Fault::at(nat, message.to_owned()));
        }
        let mut seen = BTreeSet::new();
        for service in platform.endpoints.iter().flatten() {
            let name = service.get_ref();
            if !is_service(name) {
                let message = format!(
                    "`{name}` is no service of a VPC endpoint: `s3`, or its whole name, \
                     `com.amazonaws.eu-west-1.s3`"
                );
                return Err(Fault::at(service, message));
            }
            if !seen.insert(name) {
                return Err(Fault::at(service, format!("the endpoint `{name}` stands here twice")));
            }
        }
        Ok(())
    }

    /// Each guard rail is told apart by id and title, and names somebody and something.
    fn check_guard_rails(&self) -> Result<(), Fault> {
        let built_in = GuardRail::BUILT_IN.into_iter();
        let mut others: Vec<GuardRail> = built_in.chain(GuardRail::OF_NETWORKS).collect();
        for declared in &self.guard_rail {
            if let Some((offset, message)) = declared.fault(&self.deployers) {
                return Err(Fault { offset, message });
            }
            let rail = declared.rail();
            if others.iter().any(|other| other.id() == rail.id()) {
                let message =
                    format!("two guard rails have the id `{}`: give this one another", rail.id());
                return Err(Fault::at(&declared.id, message));
            }
            if others.iter().any(|other| other.title() == rail.title()) {
                let message = format!(
                    "two guard rails are called `{rail}`, and reports tell them apart by that: \
                     give this one another title"
                );
                return Err(Fault::at(&declared.title, message));
            }
            others.push(rail);
        }
        Ok(())
    }

    /// All guard rails: the built-in ones and the configuration's.
    pub fn guard_rails(&self) -> impl Iterator<Item = GuardRail> + '_ {
        GuardRail::BUILT_IN.into_iter().chain(self.guard_rail.iter().map(Declaration::rail))
    }

    /// Several root modules have names of their own, and read each other by these.
    fn check_roots(&self) -> Result<(), Fault> {
        let mut names = BTreeSet::new();
        for layer1 in &self.layer1 {
            let name = layer1.name();
            let at = |message| Fault {
                offset: layer1.name.as_ref().map_or(0, |name| name.span().start),
                message,
            };
            if let Some(own) = &layer1.name
                && (own.get_ref() == "arn" || !is_name(own.get_ref()))
            {
                let message =
                    format!("`{name}` is not a root module's name: letters, digits, `-` and `_`");
                return Err(at(message));
            }
            if !names.insert(name.clone()) {
                return Err(at(format!(
                    "two root modules are called `{name}`: give one of them another `name`"
                )));
            }
        }
        self.check_stacks()?;
        self.check_pipelines()?;
        self.check_subjects()?;
        for read in self.layer1.iter().flat_map(|layer1| layer1.reads.values()) {
            if !names.contains(read.get_ref()) {
                let has: Vec<&str> = names.iter().map(String::as_str).collect();
                return Err(Fault::at(
                    read,
                    format!(
                        "no root module is called `{}`: there is {}",
                        read.get_ref(),
                        has.join(", ")
                    ),
                ));
            }
        }
        Ok(())
    }

    /// Each stack has a name of its own, as CloudFormation takes it
    /// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html>).
    fn check_stacks(&self) -> Result<(), Fault> {
        let mut names = BTreeSet::new();
        for layer1 in &self.layer1 {
            let Some(template) = &layer1.template else { continue };
            let name = template.stack_name(layer1);
            let own = template.stack.as_ref().or(layer1.name.as_ref());
            let at = |message| Fault { offset: own.map_or(0, |name| name.span().start), message };
            let fits = |c: char| c.is_ascii_alphanumeric() || c == '-';
            let begins = name.starts_with(|c: char| c.is_ascii_alphabetic());
            if !begins || !name.chars().all(fits) || name.len() > 128 {
                let said = format!(
                    "`{name}` is not a stack's name: a letter, then letters, digits and `-`; give it as `stack`"
                );
                return Err(at(said));
            }
            if !names.insert(name.clone()) {
                return Err(at(format!("two stacks are called `{name}`")));
            }
        }
        Ok(())
    }

    /// Whose tokens a pipeline gets must be clear, and what reports call it is its own.
    fn check_pipelines(&self) -> Result<(), Fault> {
        for layer1 in &self.layer1 {
            let Some(role) = &layer1.role else { continue };
            let app = role.app(&layer1.name());
            self.check_issuer(&app)?;
            let name = app.name.get_ref();
            let fault = if self.issuer_of(&app).is_none() {
                "the role of a pipeline needs an issuer of the kind `github` or `oidc`".to_owned()
            } else if self.deployer(name).is_some() || self.app(name).is_some() {
                format!(
                    "`{name}` is what this root module's pipeline is called: give the deployer or app of this name another"
                )
            } else if role.immutable_subject
                && (role.owner_id.is_none() || role.repository_id.is_none())
            {
                "immutable_subject needs `owner_id` and `repository_id`".to_owned()
            } else {
                continue;
            };
            return Err(Fault::at(&role.output, fault));
        }
        Ok(())
    }

    /// What an issuer's tokens say of who works stands in the configuration, but for
    /// GitHub's: those are made of the repository, the ref and the environment.
    fn check_subjects(&self) -> Result<(), Fault> {
        let named = |app: &App| self.issuer_of(app).is_some_and(|it| it.kind == IssuerKind::Oidc);
        let needed = |at: &Spanned<String>| {
            let fault = "an issuer of the kind `oidc` needs a `subject`: the `sub` of the tokens, of \
                         the app or of each of its deployers";
            Fault::at(at, fault.to_owned())
        };
        let apart = |at: &Spanned<String>| {
            let fault = "`subject` is for issuers of the kind `oidc`: GitHub's tokens say \
                         `repository`, `ref` and `environment`";
            Fault::at(at, fault.to_owned())
        };
        for deployer in &self.deployers {
            let Some(app) = self.app(deployer.app.get_ref()) else { continue };
            match (named(app), deployer.subject.as_ref().or(app.subject.as_ref())) {
                (true, None) => return Err(needed(&deployer.name)),
                (false, Some(subject)) => return Err(apart(subject)),
                (true, Some(_)) | (false, None) => {}
            }
        }
        for layer1 in &self.layer1 {
            let Some(role) = &layer1.role else { continue };
            match (named(&role.app(&layer1.name())), &role.subject) {
                (true, None) => return Err(needed(&role.output)),
                (false, Some(subject)) => return Err(apart(subject)),
                (true, Some(_)) | (false, None) => {}
            }
        }
        Ok(())
    }

    /// Whose tokens an app's workflow gets must be clear.
    fn check_issuer(&self, app: &App) -> Result<(), Fault> {
        let count = |kind| self.issuers_of(kind).count();
        let (github, oidc) = (count(IssuerKind::Github), count(IssuerKind::Oidc));
        match &app.issuer {
            Some(named) if self.issuer_of(app).is_none() => Err(Fault::at(
                named,
                format!("`{}` is not the `url` of a github or oidc issuer here", named.get_ref()),
            )),
            None if github > 1 || github == 0 && oidc > 1 => Err(Fault::at(
                &app.name,
                format!(
                    "app `{}` needs `issuer`: there is more than one {} issuer",
                    app.name.get_ref(),
                    if github > 1 { "github" } else { "oidc" }
                ),
            )),
            Some(_) | None => Ok(()),
        }
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

/// Whether a text may be a service of a VPC endpoint, or the ARN of what one leads to.
fn is_service(name: &str) -> bool {
    let is_of_names = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:/".contains(&byte);
    !name.is_empty() && name.bytes().all(is_of_names)
}

fn is_name(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    !text.is_empty() && text.chars().all(fits)
}

struct Fault {
    offset: usize,
    message: String,
}

impl Fault {
    fn at<T>(place: &Spanned<T>, message: String) -> Self {
        Self { offset: place.span().start, message }
    }
}

fn distinct<'a>(what: &str, names: impl Iterator<Item = &'a Spanned<String>>) -> Result<(), Fault> {
    let mut seen = BTreeSet::new();
    for name in names {
        if name.get_ref().is_empty() {
            return Err(Fault::at(name, format!("the {what} has no name")));
        }
        if !seen.insert(name.get_ref()) {
            return Err(Fault::at(name, format!("{what} `{}` is given twice", name.get_ref())));
        }
    }
    Ok(())
}

#[cfg(test)]
mod former;

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const EXAMPLE: &str = include_str!("../../../docs/ringfence.example.toml");

    #[test]
    fn the_documented_example_is_valid_and_paths_are_relative_to_the_file() {
        let config = Config::parse(EXAMPLE, Path::new("/etc/rf/ringfence.toml")).unwrap();
        assert_eq!(config.layer1[0].directory, Path::new("/etc/rf/terraform"));
        let app = config.app("service-a").unwrap();
        assert_eq!(app.directory, Path::new("/etc/rf/sam-apps/service-a"));
        assert_eq!(app.workflow, Path::new(".github/workflows/deploy.yml"));
        assert_eq!(app.repository.owner(), "example-org");
        assert_eq!(config.upstream.backend, Backend::Auto);
        assert_eq!(config.deployer("deployer-a").unwrap().app.get_ref(), "service-a");
    }

    #[test]
    fn an_empty_configuration_has_the_documented_defaults() {
        let config = Config::parse("", Path::new("ringfence.toml")).unwrap();
        assert_eq!(config.account.id.as_str(), "123456789012");
        assert_eq!(config.account.region.as_str(), "us-east-1");
        assert_eq!(config.upstream.image, "localstack/localstack:4.14.0");
        assert!(config.layer1.is_empty() && config.apps.is_empty());
    }

    #[test]
    fn layer1_is_one_root_module_or_several() {
        let text = "[layer1]\ndirectory='a/network'\nvariables={ x = 1 }\n";
        let one = Config::parse(text, Path::new("/e/r.toml")).unwrap().layer1;
        assert_eq!((one.len(), one[0].name()), (1, "network".to_owned()));
        let text = "[[layer1]]\ndirectory='network'\nworkspace='prod'\n\
            [[layer1]]\nname='app'\ndirectory='b'\nreads={ 'net.tfstate' = 'network' }\n";
        let several = Config::parse(text, Path::new("/e/r.toml")).unwrap().layer1;
        let names: Vec<String> = several.iter().map(Layer1::name).collect();
        assert_eq!(names, ["network", "app"]);
        assert_eq!(several[0].workspace.as_deref(), Some("prod"));
        assert_eq!(several[1].reads["net.tfstate"].get_ref(), "network");
        assert_eq!(several[1].directory, Path::new("/e/b"));
    }

    #[test]
    fn layer1_is_a_template_too_whose_stack_has_a_name() {
        let text = "[[layer1]]\nkind='cloudformation'\ntemplate='cfn/platform.yaml'\n\
            variables={ Size = 1 }\n[[layer1]]\ndirectory='b'\n";
        let several = Config::parse(text, Path::new("/e/r.toml")).unwrap().layer1;
        let template = several[0].template.as_ref().unwrap();
        assert_eq!(template.file, Path::new("/e/cfn/platform.yaml"));
        assert_eq!(
            (several[0].name(), template.stack_name(&several[0])),
            ("platform".to_owned(), "platform".to_owned())
        );
        assert_eq!(several[0].directory, Path::new("/e/cfn"));
        assert!(several[1].is_terraform());
    }

    #[test]
    fn an_app_names_one_of_several_issuers_and_has_the_only_one_without() {
        let app = "[[apps]]\nname='a'\ndirectory='a'\nrepository='o/r'\n";
        let issuer = |kind, url| format!("[[issuers]]\nkind='{kind}'\nurl='{url}'\n");
        let of = |text: &str| {
            let config = Config::parse(text, Path::new("r.toml")).unwrap();
            let issuer = config.issuer_of(config.app("a").unwrap());
            (issuer.unwrap().url.get_ref().clone(), config.issuer(IssuerKind::Github).is_some())
        };
        let (one, other) = (issuer("github", "https://a"), issuer("github", "https://b"));
        assert_eq!(of(&format!("{one}{app}")), ("https://a".to_owned(), true));
        let named = format!("{one}{other}{app}issuer='https://b'\n");
        assert_eq!(of(&named), ("https://b".to_owned(), false));
    }

    #[test]
    fn an_organization_has_policies_of_both_kinds_and_the_accounts_place() {
        let text = "[account.organization]\npath='o-a1b2c3d4e5/r-ab12/'\nmanagement_account='999999999999'\n\
            [[organization]]\npolicies=['scp.json']\n\
            [[organization]]\nresource_control=['rcp.json']\n\
            [[vpc_endpoints]]\npolicy='s3.json'\nservices=['s3']\ncallers=['role/a*']";
        let config = Config::parse(text, Path::new("/etc/rf/r.toml")).unwrap();
        let [first, second] = &config.organization[..] else { panic!("two levels") };
        assert_eq!(first.policies, Some(vec![PathBuf::from("/etc/rf/scp.json")]));
        assert_eq!(first.resource_control, Vec::<PathBuf>::new());
        assert_eq!(second.policies, None);
        assert_eq!(second.resource_control, [Path::new("/etc/rf/rcp.json")]);
        let [endpoint] = &config.vpc_endpoints[..] else { panic!("one endpoint") };
        assert_eq!(endpoint.policy, Path::new("/etc/rf/s3.json"));
        assert_eq!((&*endpoint.services[0], &*endpoint.callers[0]), ("s3", "role/a*"));
        let membership = config.account.organization.unwrap().membership().unwrap();
        let same = ringfence_guard::Membership::new("o-a1b2c3d4e5/r-ab12/", "999999999999");
        assert_eq!(membership, same.unwrap());
    }

    #[rstest]
    #[case("auth0", IssuerKind::Auth0)]
    #[case("cognito", IssuerKind::Cognito)]
    #[case("entra", IssuerKind::Entra)]
    #[case("entra-v1", IssuerKind::EntraV1)]
    #[case("keycloak", IssuerKind::Keycloak)]
    #[case("google", IssuerKind::Google)]
    #[case("custom", IssuerKind::Custom)]
    fn an_issuer_for_apis_may_end_with_a_slash(#[case] kind: &str, #[case] expected: IssuerKind) {
        let text = format!(
            "[[issuers]]\nkind='{kind}'\nurl='https://x/'\naudience='a'\nclaims={{ 'https://x/role'='admin' }}"
        );
        let config = Config::parse(&text, Path::new("r.toml")).unwrap();
        let [issuer] = &config.issuers[..] else { panic!("one issuer") };
        assert_eq!((issuer.kind, issuer.url.get_ref().as_str()), (expected, "https://x/"));
        assert_eq!(issuer.claims["https://x/role"], "admin");
    }

    #[rstest]
    #[case::organization(
        "[account.organization]\npath = 'o-1'\nmanagement_account = '999999999999'",
        "r.toml:2:8: `o-1` is not the path of an account in its organization, such as"
    )]
    #[case::unknown_field("[account]\nidd = '1'", "r.toml:2:1: unknown field `idd`")]
    #[case::account("[account]\nid = '12'", "r.toml:2:6: `12` is not an account id (12 digits)")]
    #[case::region(
        "[account]\nregion = 'mars'",
        "r.toml:2:10: `mars` is not a region such as `us-east-1`"
    )]
    #[case::partition(
        "[account]\nregion = 'cn-north-1'",
        "r.toml:2:10: `cn-north-1` is in the partition `aws-cn`: `ringfence up --region cn-north-1` serves it, and estates of the partition `aws` alone can be tested"
    )]
    #[case::backend(
        "[upstream]\nbackend = 'moto'",
        "r.toml:2:11: `moto` is not a backend: auto, localstack, embedded or an http URL"
    )]
    #[case::repository(
        "[[apps]]\nname='a'\ndirectory='a'\nrepository='nobody'",
        "r.toml:4:12: `nobody` is not a repository such as `org/repo`"
    )]
    #[case::twice(
        "[[apps]]\nname='a'\ndirectory='a'\nrepository='o/r'\n[[apps]]\nname='a'\ndirectory='b'\nrepository='o/r'",
        "r.toml:6:6: app `a` is given twice"
    )]
    #[case::secret_twice(
        "[[apps]]\nname='a'\ndirectory='a'\nrepository='o/r'\nsecrets={K='1'}\nsecrets_from_outputs={K='k'}",
        "r.toml:2:6: secret `K` is given twice, as text and as an output"
    )]
    #[case::deployer_of_nothing(
        "[[deployers]]\nname='d'\nrole_output='r'\napp='x'\njob='code'",
        "r.toml:4:5: no app is named `x`"
    )]
    #[case::stack_deployer_without_roles(
        "[[apps]]\nname='a'\ndirectory='a'\nrepository='o/r'\n[[deployers]]\nname='d'\nrole_output='r'\napp='a'\njob='stack'",
        "r.toml:6:6: a deployer whose job is `stack` needs a `role_prefix`"
    )]
    #[case::registry(
        "[workflows]\nregistries = ['pypi.org', 'https://x']",
        "r.toml:2:14: `https://x` is not a host such as `pypi.org` or `host:8443`"
    )]
    #[case::issuer(
        "[[issuers]]\nkind='github'\nurl='http://x'",
        "r.toml:3:5: `http://x` is not an https URL without a final slash"
    )]
    #[case::audience("[[issuers]]\nkind='okta'\nurl='https://x'", "needs `audience`")]
    #[case::audience_of_another_kind(
        "[[issuers]]\nkind='auth0'\nurl='https://x/'",
        "needs `audience`"
    )]
    #[case::issuer_for_apis(
        "[[issuers]]\nkind='auth0'\nurl='http://x/'\naudience='a'",
        "r.toml:3:5: `http://x/` is not an https URL"
    )]
    #[case::issuer_of_an_app(
        "[[issuers]]\nkind='github'\nurl='https://a'\n[[issuers]]\nkind='github'\nurl='https://b'\n[[apps]]\nname='a'\ndirectory='a'\nrepository='o/r'",
        "r.toml:8:6: app `a` needs `issuer`: there is more than one github issuer"
    )]
    #[case::oidc_issuer_of_an_app(
        "[[issuers]]\nkind='oidc'\nurl='https://a'\naudience='x'\n[[issuers]]\nkind='oidc'\nurl='https://b'\naudience='x'\n[[apps]]\nname='a'\ndirectory='a'\nrepository='o/r'\nsubject='s'",
        "r.toml:10:6: app `a` needs `issuer`: there is more than one oidc issuer"
    )]
    #[case::issuer_that_is_none(
        "[[issuers]]\nkind='okta'\nurl='https://x'\naudience='x'\n[[apps]]\nname='a'\ndirectory='a'\nrepository='o/r'\nissuer='https://x'",
        "r.toml:9:8: `https://x` is not the `url` of a github or oidc issuer here"
    )]
    #[case::roots_of_one_name(
        "[[layer1]]\ndirectory='a/x'\n[[layer1]]\nname='x'\ndirectory='b'",
        "r.toml:4:6: two root modules are called `x`: give one of them another `name`"
    )]
    #[case::root_that_is_none(
        "[[layer1]]\ndirectory='x'\nreads={ k='y' }",
        "r.toml:3:11: no root module is called `y`: there is x"
    )]
    #[case::root_with_a_name_of_something_else(
        "[[layer1]]\nname='a:b'\ndirectory='x'",
        "r.toml:2:6: `a:b` is not a root module's name"
    )]
    #[case::unknown_field_of_a_root(
        "[[layer1]]\ndirectory='x'\n[[layer1]]\ndirectory='y'\nvars=1",
        "r.toml:5:1: unknown field `vars`"
    )]
    #[case::pipeline_without_an_issuer(
        "[layer1]\ndirectory='x'\nrole={ output='r', repository='o/r' }",
        "r.toml:3:15: the role of a pipeline needs an issuer of the kind `github` or `oidc`"
    )]
    #[case::pipeline_called_like_a_deployer(
        "[[issuers]]\nkind='github'\nurl='https://x'\n[[apps]]\nname='pipeline-x'\ndirectory='a'\nrepository='o/r'\n[layer1]\ndirectory='x'\nrole={ output='r', repository='o/r' }",
        "r.toml:10:15: `pipeline-x` is what this root module's pipeline is called"
    )]
    #[case::pipeline_without_ids(
        "[[issuers]]\nkind='github'\nurl='https://x'\n[layer1]\ndirectory='x'\nrole={ output='r', repository='o/r', immutable_subject=true }",
        "r.toml:6:15: immutable_subject needs `owner_id` and `repository_id`"
    )]
    #[case::oidc_without_a_subject(
        "[[issuers]]\nkind='oidc'\nurl='https://gitlab.com'\naudience='a'\n[[apps]]\nname='a'\ndirectory='a'\nrepository='o/r'\n[[deployers]]\nname='d'\nrole_output='r'\napp='a'\njob='code'",
        "r.toml:10:6: an issuer of the kind `oidc` needs a `subject`"
    )]
    #[case::subject_of_github(
        "[[issuers]]\nkind='github'\nurl='https://x'\n[[apps]]\nname='a'\ndirectory='a'\nrepository='o/r'\nsubject='s'\n[[deployers]]\nname='d'\nrole_output='r'\napp='a'\njob='code'",
        "r.toml:8:9: `subject` is for issuers of the kind `oidc`"
    )]
    #[case::oidc_without_an_audience(
        "[[issuers]]\nkind='oidc'\nurl='https://gitlab.com'",
        "or of the kind `oidc`, needs `audience`"
    )]
    #[case::template_of_terraform(
        "[layer1]\ndirectory='x'\ntemplate='t.yaml'",
        "`template` has no meaning in a Layer 1 of the kind `terraform`"
    )]
    #[case::workspace_of_a_stack(
        "[layer1]\nkind='cloudformation'\ntemplate='t.yaml'\nworkspace='w'",
        "`workspace` has no meaning in a Layer 1 of the kind `cloudformation`"
    )]
    #[case::stack_without_a_template(
        "[[layer1]]\nkind='cloudformation'\nname='x'",
        "r.toml:1:1: missing field `template`"
    )]
    #[case::root_without_a_directory("[layer1]\nname='x'", "missing field `directory`")]
    #[case::stack_of_no_name(
        "[layer1]\nkind='cloudformation'\ntemplate='t.yaml'\nstack='a_b'",
        "r.toml:4:7: `a_b` is not a stack's name"
    )]
    #[case::stacks_of_one_name(
        "[[layer1]]\nkind='cloudformation'\ntemplate='t.yaml'\n[[layer1]]\nkind='cloudformation'\ntemplate='u.yaml'\nstack='t'",
        "r.toml:7:7: two stacks are called `t`"
    )]
    #[case::existing_of_no_type(
        "[layer1]\ndirectory='x'\n[[existing]]\ntype='vpc'",
        "r.toml:4:6: `vpc` is not a resource type of Terraform's provider `aws`"
    )]
    #[case::existing_without_layer1(
        "[[existing]]\ntype='aws_vpc'",
        "r.toml:2:6: what exists is made before a Layer 1 is applied: name one in [layer1]"
    )]
    #[case::existing_twice(
        "[layer1]\ndirectory='x'\n[[existing]]\ntype='aws_vpc'\nname='a'\n[[existing]]\ntype='aws_vpc'\nname='a'",
        "r.toml:8:6: two entries are called `aws_vpc.a`: give one of them another `name`"
    )]
    #[case::existing_with_a_name_that_is_none(
        "[layer1]\ndirectory='x'\n[[existing]]\ntype='aws_vpc'\nname='1 a'",
        "r.toml:5:6: `1 a` is not a name as Terraform's resources have"
    )]
    #[case::image_without_a_name(
        "[layer1]\ndirectory='x'\n[[existing]]\ntype='aws_ami'",
        "r.toml:4:6: an image needs a `name` among its properties"
    )]
    #[case::syntax("[account\n", "r.toml:1:9: ")]
    fn an_error_names_file_line_and_column(#[case] text: &str, #[case] expected: &str) {
        let error = Config::parse(text, Path::new("r.toml")).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}
