//! What one field of the configuration alone cannot show: names that meet, and fields that
//! need each other.

use std::collections::BTreeSet;

use toml::Spanned;

use super::{App, Config, IssuerKind, Job, is_stack_name};
use crate::guard_rail::GuardRail;

impl Config {
    /// What one field alone cannot show: names that meet.
    pub(super) fn check(&self) -> Result<(), Fault> {
        distinct("app", self.apps.iter().map(|app| &app.name))?;
        distinct("deployer", self.deployers.iter().map(|deployer| &deployer.name))?;
        distinct("issuer", self.issuers.iter().map(|issuer| &issuer.url))?;
        if let Some(organization) = &self.account.organization {
            organization
                .membership()
                .map_err(|error| Fault::at(&organization.path, error.to_string()))?;
        }
        self.check_accounts()?;
        self.check_existing()?;
        self.check_accepted()?;
        self.check_guard_rails()?;
        self.check_endpoints()?;
        for (name, substitute) in &self.actions {
            let faults = substitute.get_ref().check();
            faults.map_err(|why| Fault::at(substitute, format!("actions.\"{name}\": {why}")))?;
        }
        for deployer in &self.deployers {
            if let Some(fault) = &deployer.fault {
                return Err(Fault::at(&deployer.name, fault.clone()));
            }
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

    /// Several root modules have names of their own, and read each other by these.
    pub(super) fn check_roots(&self) -> Result<(), Fault> {
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

    /// Each stack has a name of its own, as CloudFormation takes it.
    fn check_stacks(&self) -> Result<(), Fault> {
        let mut names = BTreeSet::new();
        for layer1 in &self.layer1 {
            let Some(template) = &layer1.template else { continue };
            let name = template.stack_name(layer1);
            let own = template.stack.as_ref().or(layer1.name.as_ref());
            // Without a name its file gives one.
            let offset = own.map_or(template.at, |name| name.span().start);
            let at = |message| Fault { offset, message };
            if !is_stack_name(&name) {
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
            if deployer.identity.is_user() {
                continue;
            }
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
}

/// Whether a text may be a service of a VPC endpoint, or the ARN of what one leads to.
fn is_service(name: &str) -> bool {
    let is_of_names = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:/".contains(&byte);
    !name.is_empty() && name.bytes().all(is_of_names)
}

pub(super) fn is_name(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    !text.is_empty() && text.chars().all(fits)
}

pub(super) struct Fault {
    pub(super) offset: usize,
    pub(super) message: String,
}

impl Fault {
    pub(super) fn at<T>(place: &Spanned<T>, message: String) -> Self {
        Self { offset: place.span().start, message }
    }
}

pub(super) fn distinct<'a>(
    what: &str,
    names: impl Iterator<Item = &'a Spanned<String>>,
) -> Result<(), Fault> {
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
