//! Attacks on the deployers' trust policies: who may become one. [`cases`]
//! holds the tokens.

mod cases;

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
use crate::config::{App, Config};
use crate::guard_rail::GuardRail;
use crate::issuers::{GithubRun, Issuer, IssuerError, SigningKey};
use crate::terraform::Access;

const TRUST: GuardRail = GuardRail::Trust;

/// The audience that AWS's action asks for.
/// <https://github.com/aws-actions/configure-aws-credentials#oidc-audience>
pub const AUDIENCE: &str = "sts.amazonaws.com";

/// The name of the sessions.
pub const SESSION: &str = "ringfence";

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

    /// Who issues the tokens of a deployer's workflow.
    ///
    /// # Errors
    /// When nobody does.
    fn issuer(&self, deployer: &DeployerFacts) -> Result<&Issuer, IssuerError> {
        let app = self.config.app(&deployer.app).ok_or(IssuerError::None)?;
        self.issuer_of(app)
    }

    fn issuer_of(&self, app: &App) -> Result<&Issuer, IssuerError> {
        let url = self.config.issuer_of(app).map(|issuer| issuer.url.get_ref());
        self.issuers.iter().find(|issuer| Some(&issuer.url) == url).ok_or(IssuerError::None)
    }

    /// The app of a deployer, and its run as the trust policy expects it.
    fn run_of(&self, deployer: &DeployerFacts) -> Option<(&App, GithubRun)> {
        let app = self.config.app(&deployer.app)?;
        let configured = self.config.deployer(&deployer.name)?;
        let mut run = GithubRun::of(app, configured.environment.as_deref());
        if let Some(git_ref) = &configured.git_ref {
            run.git_ref.clone_from(git_ref);
        }
        Some((app, run))
    }

    /// A token that does.
    ///
    /// # Errors
    /// When no token can be made, or the configuration has no such deployer.
    pub fn token(&self, deployer: &DeployerFacts) -> anyhow::Result<String> {
        let (_, run) = self
            .run_of(deployer)
            .ok_or_else(|| anyhow::anyhow!("no app for deployer `{}`", deployer.name))?;
        Ok(self.issuer(deployer)?.github_token(&run, AUDIENCE, OffsetDateTime::now_utc())?)
    }

    /// The findings' ids.
    ///
    /// # Errors
    /// When no token can be made.
    pub fn ids(&self, deployer: &DeployerFacts) -> Result<Vec<String>, IssuerError> {
        let cases = self.cases(deployer)?;
        let ids = cases.iter().map(|case| id(deployer, case));
        Ok(ids.chain(self.with_ids(deployer).map(|_| with_ids_id(deployer))).collect())
    }

    /// Runs all attacks on a deployer's trust.
    ///
    /// # Errors
    /// When no token can be made.
    pub async fn run(
        &self,
        deployer: &DeployerFacts,
        selected: Selected<'_>,
    ) -> anyhow::Result<Vec<Finding>> {
        let canary = self.canary(deployer).await?;
        let mut findings = Vec::new();
        for case in self.cases(deployer)?.iter().filter(|case| selected(&id(deployer, case))) {
            findings.push(self.attack(deployer, case, &canary).await?);
        }
        if let Some(run) = self.with_ids(deployer).filter(|_| selected(&with_ids_id(deployer))) {
            findings.push(self.admitted_with_ids(deployer, &run).await?);
        }
        Ok(findings)
    }

    /// A deployer's run with the ids in its subject, where the configuration
    /// says what these are.
    fn with_ids(&self, deployer: &DeployerFacts) -> Option<GithubRun> {
        let (app, mut run) = self.run_of(deployer)?;
        run.immutable_subject = true;
        (app.owner_id.is_some() && app.repository_id.is_some()).then_some(run)
    }

    /// Tokens of repositories created, renamed or transferred since 2026-07-15
    /// have ids in their subject: the right one must do.
    /// <https://docs.github.com/actions/reference/security/oidc>
    async fn admitted_with_ids(
        &self,
        deployer: &DeployerFacts,
        run: &GithubRun,
    ) -> anyhow::Result<Finding> {
        let start = Instant::now();
        let token =
            self.issuer(deployer)?.github_token(run, AUDIENCE, OffsetDateTime::now_utc())?;
        let (attempt, request_id) = self.exchange(&deployer.role_arn, &token, None).await;
        let (verdict, observed) = match attempt {
            Ok(_) => (Verdict::Held, "it is admitted".to_owned()),
            Err(error) => (Verdict::Failed, format!("{} {error}", error.status)),
        };
        Ok(Finding {
            id: with_ids_id(deployer),
            guard_rail: TRUST,
            identity: deployer.name.clone(),
            road: Road::Oidc,
            scope: Scope::Executed,
            title: format!(
                "a token of its own workflow with ids in its subject becomes {}",
                deployer.name
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
        deployer: &DeployerFacts,
        case: &Case,
        canary: &Companion,
    ) -> anyhow::Result<Finding> {
        let start = Instant::now();
        let role = case.role.as_deref().unwrap_or(&deployer.role_arn);
        let (attempt, request_id) = self.exchange(role, &case.token, None).await;
        let token = self.token(deployer)?;
        let (twin, twin_id) = self.exchange(&deployer.role_arn, &token, None).await;
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
            id: id(deployer, case),
            guard_rail: TRUST,
            identity: deployer.name.clone(),
            road: Road::Oidc,
            scope: Scope::Executed,
            title: match &case.role {
                None => format!("a token {} does not become {}", case.title, deployer.name),
                Some(_) => format!("the token of {} does not become {}", deployer.name, case.title),
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
    async fn canary(&self, deployer: &DeployerFacts) -> anyhow::Result<Companion> {
        let Some((_, run)) = self.run_of(deployer) else {
            return Ok(Companion::missing("there is no such app"));
        };
        let stranger = SigningKey::of_a_stranger()?;
        let issuer = "https://issuer.example.com";
        let claims = run.claims(issuer, AUDIENCE, OffsetDateTime::now_utc());
        let token = self.issuer(deployer)?.sign_with_foreign_key(stranger, false, &claims)?;
        Ok(match self.assume(&deployer.role_arn, &token).await {
            Err(error) if error.code == "InvalidIdentityToken" => Companion::shown(format!(
                "a token of an issuer that is not registered gets {} {error}",
                error.status
            )),
            Err(error) => Companion::missing(format!("it gets {} {error}", error.status)),
            Ok(_) => Companion::missing("a token of an issuer that is not registered is taken"),
        })
    }

    fn token_of(&self, deployer: &DeployerFacts) -> Result<String, IssuerError> {
        match self.run_of(deployer) {
            Some((_, run)) => {
                self.issuer(deployer)?.github_token(&run, AUDIENCE, OffsetDateTime::now_utc())
            }
            None => Ok(String::new()),
        }
    }
}

fn id(deployer: &DeployerFacts, case: &Case) -> String {
    format!("{}/{}/{}", deployer.name, case.name, Road::Oidc)
}

fn with_ids_id(deployer: &DeployerFacts) -> String {
    format!("{}/subject-with-ids/{}", deployer.name, Road::Oidc)
}

/// The same code and status, and the expected message's beginning.
fn same(error: &ServiceError, expected: &ServiceError) -> bool {
    error.code == expected.code
        && error.status == expected.status
        && error.message.starts_with(&expected.message)
}
