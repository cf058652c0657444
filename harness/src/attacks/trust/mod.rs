//! Attacks on the trust policies of deployers and of Layer 1's pipelines: who may
//! become one. [`cases`] holds the tokens, [`subjects`] those of other issuers than GitHub, [`direct`] shows them to
//! a role that no token becomes.

mod cases;
mod direct;
mod subjects;

use std::time::Instant;

use ringfence_guard::{Guard, Overlay};
use ringfence_wire::ServiceError;
use time::OffsetDateTime;
use url::Url;

use self::cases::{By, Case};
use super::companions;
use super::facts::{DeployerFacts, Facts};
use super::finding::{Companion, Companions, Decider, Finding, Road, Scope, Traces, Verdict};
use super::suite::Selected;
use crate::aws::{Client, WebIdentity};
use crate::config::{App, Config, Deployer, Pipeline};
use crate::guard_rail::GuardRail;
use crate::issuers::{Bearer, GithubRun, Issuer, IssuerError, SigningKey};
use crate::stack::Applied;
use crate::terraform::Access;

const TRUST: GuardRail = GuardRail::Trust;

pub use crate::issuers::AUDIENCE;

/// The name of the sessions.
pub const SESSION: &str = "ringfence";

/// A role that a workflow's token makes somebody: a deployer's, or a pipeline's.
#[derive(Debug, Clone)]
pub struct Assumed {
    /// What reports call it.
    pub name: String,
    /// The role's ARN.
    pub role_arn: String,
    /// The repository of the workflow.
    app: App,
    /// Who works there, as the trust policy expects it.
    bearer: Bearer,
    /// The subject as the configuration says it, where the issuer is not GitHub.
    subject: Option<String>,
}

impl Assumed {
    /// The role that a deployer's token becomes, and that assumes the deployer's.
    pub fn through(config: &Config, deployer: &Deployer, app: &App, role_arn: String) -> Self {
        let subject = config.subject_of(deployer, app);
        let bearer = Bearer::of(config, app, subject, || GithubRun::of_deployer(deployer, app));
        let (name, subject) = (deployer.name.get_ref().clone(), subject.map(str::to_owned));
        Self { name, role_arn, app: app.clone(), bearer, subject }
    }

    /// The application whose workflow's token it is.
    pub(super) fn app(&self) -> &App {
        &self.app
    }

    /// The role of a pipeline that applied a root module.
    pub fn by_pipeline(config: &Config, applied: &Applied, role: &Pipeline) -> Self {
        let app = role.app(&applied.root);
        let subject = app.subject.as_ref().map(|subject| subject.get_ref().clone());
        Self {
            name: app.name.get_ref().clone(),
            role_arn: applied.role_arn.clone(),
            bearer: Bearer::of(config, &app, subject.as_deref(), || {
                GithubRun::of(&app, role.environment.as_deref())
            }),
            subject,
            app,
        }
    }
}

/// The issuers, and an account that trusts some of them.
#[derive(Debug)]
pub struct Trust<'a> {
    /// The configuration: apps and their repositories.
    pub config: &'a Config,
    /// Who issues tokens: for each deployer the issuer of its app's workflows,
    /// while those of the others must not do.
    pub issuers: &'a [Issuer],
    /// Where the guard answers.
    pub endpoint: &'a Url,
    /// What makes the calls.
    pub client: &'a Client,
    /// The guard, which says what it decided and would decide.
    pub guard: &'a Guard,
    /// The deployed state.
    pub facts: &'a Facts,
}

impl Trust<'_> {
    /// Exchanges a token for a session of a role.
    ///
    /// # Errors
    /// STS's own error.
    pub async fn assume(&self, role_arn: &str, token: &str) -> Result<Access, ServiceError> {
        self.exchange(role_arn, token, None).await.0
    }

    /// The same under a session policy, which can only take permissions away;
    /// with the request's id.
    pub async fn exchange(
        &self,
        role_arn: &str,
        token: &str,
        policy: Option<&str>,
    ) -> (Result<Access, ServiceError>, Option<String>) {
        let identity = WebIdentity {
            role_arn,
            session_name: SESSION,
            token,
            duration: None,
            policy,
            policies: &[],
        };
        let region = self.config.account.region.as_str();
        self.client.exchange_token(self.endpoint, region, &identity).await
    }

    fn issuer_of(&self, app: &App) -> Result<&Issuer, IssuerError> {
        let url = self.config.issuer_of(app).map(|issuer| issuer.url.get_ref());
        self.issuers.iter().find(|issuer| Some(&issuer.url) == url).ok_or(IssuerError::None)
    }

    /// A deployer's role; none where the configuration has no such deployer.
    pub fn of(&self, deployer: &DeployerFacts) -> Option<Assumed> {
        let app = self.config.app(&deployer.app)?;
        let configured = self.config.deployer(&deployer.name)?;
        Some(Assumed::through(self.config, configured, app, deployer.arn.clone()))
    }

    /// A token that does.
    ///
    /// # Errors
    /// When no token can be made.
    pub fn token(&self, of: &Assumed) -> Result<String, IssuerError> {
        let issuer = self.issuer_of(&of.app)?;
        issuer.token_of(&of.bearer, of.bearer.audience(), OffsetDateTime::now_utc())
    }

    /// The findings' ids.
    ///
    /// # Errors
    /// When no token can be made.
    pub fn ids(&self, role: &Assumed) -> Result<Vec<String>, IssuerError> {
        let cases = self.cases(role)?;
        let ids = cases.iter().map(|case| id(role, case));
        Ok(ids.chain(Self::with_ids(role).map(|_| with_ids_id(role))).collect())
    }

    /// Runs all attacks on a role's trust.
    ///
    /// # Errors
    /// When no token can be made.
    pub async fn run(
        &self,
        role: &Assumed,
        selected: Selected<'_>,
    ) -> anyhow::Result<Vec<Finding>> {
        let canary = self.canary(role).await?;
        let mut findings = Vec::new();
        for case in self.cases(role)?.iter().filter(|case| selected(&id(role, case))) {
            findings.push(self.attack(role, case, &canary).await?);
        }
        if let Some(run) = Self::with_ids(role).filter(|_| selected(&with_ids_id(role))) {
            findings.push(self.admitted_with_ids(role, &run).await?);
        }
        Ok(findings)
    }

    /// A run with the ids in its subject, where the configuration
    /// says what these are.
    fn with_ids(of: &Assumed) -> Option<GithubRun> {
        let Bearer::Github(run) = &of.bearer else { return None };
        let run = GithubRun { immutable_subject: true, ..GithubRun::clone(run) };
        (of.app.owner_id.is_some() && of.app.repository_id.is_some()).then_some(run)
    }

    /// Tokens of repositories created, renamed or transferred since 2026-07-15
    /// have ids in their subject: the right one must do.
    /// <https://docs.github.com/actions/reference/security/oidc>
    async fn admitted_with_ids(&self, role: &Assumed, run: &GithubRun) -> anyhow::Result<Finding> {
        let start = Instant::now();
        let token =
            self.issuer_of(&role.app)?.github_token(run, AUDIENCE, OffsetDateTime::now_utc())?;
        let (attempt, request_id) = self.exchange(&role.role_arn, &token, None).await;
        let (verdict, observed) = match attempt {
            Ok(_) => (Verdict::Held, "it is admitted".to_owned()),
            Err(error) => (Verdict::Failed, format!("{} {error}", error.status)),
        };
        Ok(Finding {
            id: with_ids_id(role),
            guard_rail: TRUST,
            identity: role.name.clone(),
            road: Road::Oidc,
            scope: Scope::Executed,
            title: format!(
                "a token of its own workflow with ids in its subject becomes {}",
                role.name
            ),
            expected: "it is admitted".to_owned(),
            reason: (verdict != Verdict::Held).then(|| observed.clone()),
            observed,
            verdict,
            companions: Companions::default(),
            decided_by: Vec::new(),
            duration: start.elapsed(),
            request_ids: request_id.into_iter().collect(),
            traces: Traces::default(),
        })
    }

    async fn attack(
        &self,
        role: &Assumed,
        case: &Case,
        canary: &Companion,
    ) -> anyhow::Result<Finding> {
        let start = Instant::now();
        let shown_for = case.role.as_deref().unwrap_or(&role.role_arn);
        let (attempt, request_id) = self.exchange(shown_for, &case.token, None).await;
        let token = self.token(role)?;
        let (twin, twin_id) = self.exchange(&role.role_arn, &token, None).await;
        let (fault, observed) = match &attempt {
            Ok(_) => (Some("it was allowed".to_owned()), "it was allowed".to_owned()),
            Err(error) => {
                let observed = format!("{} {error}", error.status);
                let fault = !same(error, &case.refusal);
                (fault.then(|| format!("it was refused otherwise: {observed}")), observed)
            }
        };
        let twin = match twin {
            Ok(_) => Companion::shown("the right token becomes the deployer"),
            Err(error) => Companion::missing(format!("the right token was refused too: {error}")),
        };
        let (decided_by, mutant) = self.mutant(case, request_id.as_deref(), &twin);
        let companions =
            Companions { twin: Some(twin), canary: Some(canary.clone()), mutant: Some(mutant) };
        let (verdict, reason) = companions.judge(fault.as_deref(), &decided_by);
        Ok(Finding {
            id: id(role, case),
            guard_rail: TRUST,
            identity: role.name.clone(),
            road: Road::Oidc,
            scope: Scope::Executed,
            title: match &case.role {
                None => format!("a token {} does not become {}", case.title, role.name),
                Some(_) => format!("the token of {} does not become {}", role.name, case.title),
            },
            expected: format!("{} {}", case.refusal.status, case.refusal),
            observed,
            verdict,
            reason,
            companions,
            decided_by,
            duration: start.elapsed(),
            request_ids: request_id.into_iter().chain(twin_id).collect(),
            traces: Traces::default(),
        })
    }

    /// Without the trust policy's conditions the token gets in; where STS
    /// itself refuses it, the same claims in a token that is valid do.
    fn mutant(
        &self,
        case: &Case,
        request_id: Option<&str>,
        twin: &Companion,
    ) -> (Vec<Decider>, Companion) {
        let recorded = self.guard.recording().zip(request_id).and_then(|(kept, id)| kept.find(id));
        match (case.by, recorded) {
            (By::Policy, Some(recorded)) => {
                let inputs = &recorded.inputs;
                let decisions = inputs.decide(&Overlay::none());
                (companions::deciders(inputs, &decisions), companions::mutant(inputs))
            }
            (By::Policy, None) => {
                (Vec::new(), Companion::missing("the guard keeps no recording of the request"))
            }
            (By::Check, _) if twin.shown => {
                (Vec::new(), Companion::shown("the same claims in a valid token are admitted"))
            }
            (By::Check, _) => (Vec::new(), twin.clone()),
        }
    }

    /// A token of an issuer that the account does not know.
    async fn canary(&self, role: &Assumed) -> anyhow::Result<Companion> {
        let stranger = SigningKey::of_a_stranger()?;
        let issuer = "https://issuer.example.com";
        let audience = role.bearer.audience();
        let claims = role.bearer.claims(issuer, audience, OffsetDateTime::now_utc());
        let token = self.issuer_of(&role.app)?.sign_with_foreign_key(stranger, false, &claims)?;
        Ok(match self.assume(&role.role_arn, &token).await {
            Err(error) if error.code == "InvalidIdentityToken" => Companion::shown(format!(
                "a token of an issuer that is not registered gets {} {error}",
                error.status
            )),
            Err(error) => Companion::missing(format!("it gets {} {error}", error.status)),
            Ok(_) => Companion::missing("a token of an issuer that is not registered is taken"),
        })
    }
}

fn id(role: &Assumed, case: &Case) -> String {
    format!("{}/{}/{}", role.name, case.name, Road::Oidc)
}

fn with_ids_id(role: &Assumed) -> String {
    format!("{}/subject-with-ids/{}", role.name, Road::Oidc)
}

/// The same code and status, and the expected message's beginning.
fn same(error: &ServiceError, expected: &ServiceError) -> bool {
    error.code == expected.code
        && error.status == expected.status
        && error.message.starts_with(&expected.message)
}
