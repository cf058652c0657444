//! Attacks on the deployers' trust policies: who may become one.

use std::time::Instant;

use ringfence_wire::ServiceError;
use serde_json::Value;
use time::OffsetDateTime;
use url::Url;

use super::facts::DeployerFacts;
use super::finding::{Companions, Finding, Road, Scope, Verdict};
use crate::aws::{Client, WebIdentity};
use crate::config::{App, Config};
use crate::issuers::{GithubRun, Issuer, IssuerError, SigningKey, unsigned};
use crate::terraform::Access;

const TRUST: &str = "only its own workflow becomes a deployer";

/// The audience that AWS's action asks for.
/// <https://github.com/aws-actions/configure-aws-credentials#oidc-audience>
pub const AUDIENCE: &str = "sts.amazonaws.com";

/// The name of the sessions.
pub const SESSION: &str = "ringfence";

/// GitHub's issuer, and an account that trusts it.
#[derive(Debug)]
pub struct Trust<'a> {
    /// The configuration: apps and their repositories.
    pub config: &'a Config,
    /// Who issues the tokens.
    pub issuer: &'a Issuer,
    /// Where the guard answers.
    pub endpoint: &'a Url,
    /// What makes the calls.
    pub client: &'a Client,
}

/// A token that must not do, and what STS says.
struct Case {
    name: &'static str,
    title: &'static str,
    token: String,
    refusal: ServiceError,
}

impl Trust<'_> {
    /// Exchanges a token for a session of a role.
    ///
    /// # Errors
    /// STS's own error.
    pub async fn assume(&self, role_arn: &str, token: &str) -> Result<Access, ServiceError> {
        let identity =
            WebIdentity { role_arn, session_name: SESSION, token, duration: None, policy: None };
        let region = self.config.account.region.as_str();
        self.client.assume_with_web_identity(self.endpoint, region, &identity).await
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
        Ok(self.issuer.github_token(&run, AUDIENCE, OffsetDateTime::now_utc())?)
    }

    /// Runs all attacks on a deployer's trust.
    ///
    /// # Errors
    /// When no token can be made.
    pub async fn run(&self, deployer: &DeployerFacts) -> anyhow::Result<Vec<Finding>> {
        let mut findings = Vec::new();
        for case in self.cases(deployer)? {
            let start = Instant::now();
            let attempt = self.assume(&deployer.role_arn, &case.token).await;
            let token = self.token(deployer)?;
            let twin = self.assume(&deployer.role_arn, &token).await;
            let expected = format!("{} {}", case.refusal.status, case.refusal);
            let (verdict, observed) = match (&attempt, &twin) {
                (Ok(_), _) => (Verdict::Failed, "it was allowed".to_owned()),
                (Err(error), _) if !same(error, &case.refusal) => {
                    (Verdict::Failed, format!("{} {error}", error.status))
                }
                (Err(error), Ok(_)) => (Verdict::Held, format!("{} {error}", error.status)),
                (Err(_), Err(error)) => (
                    Verdict::Inconclusive,
                    format!("refused as expected, but the right token was refused too: {error}"),
                ),
            };
            findings.push(Finding {
                id: format!("{}/{}/oidc", deployer.name, case.name),
                guard_rail: TRUST,
                identity: deployer.name.clone(),
                road: Road::Oidc,
                scope: Scope::Executed,
                title: format!("{} {} does not become {}", "a token", case.title, deployer.name),
                expected,
                observed,
                verdict,
                reason: None,
                companions: Companions::default(),
                decided_by: Vec::new(),
                duration: start.elapsed(),
                request_ids: Vec::new(),
            });
        }
        Ok(findings)
    }

    fn cases(&self, deployer: &DeployerFacts) -> Result<Vec<Case>, IssuerError> {
        let Some((app, good)) = self.run_of(deployer) else { return Ok(Vec::new()) };
        let now = OffsetDateTime::now_utc();
        let sign = |run: &GithubRun| self.issuer.github_token(run, AUDIENCE, now);
        let changed = |change: &dyn Fn(&mut GithubRun)| {
            let mut run = good.clone();
            change(&mut run);
            sign(&run)
        };
        let claims = || good.claims(&self.issuer.url, AUDIENCE, now);
        let mut cases = Vec::new();
        let mut refused = |name, title, token: String| {
            cases.push(Case { name, title, token, refusal: not_authorized() });
        };
        refused(
            "other-repository",
            "of another repository of the organization",
            changed(&|run| {
                run.name = "ringfence-other".into();
                run.repository_id = "909090909".into();
            })?,
        );
        refused(
            "look-alike-repository",
            "of a repository whose name begins alike",
            changed(&|run| run.name.push_str("-evil"))?,
        );
        refused(
            "look-alike-organization",
            "of an organization whose name begins alike",
            changed(&|run| run.owner.push_str("-evil"))?,
        );
        refused(
            "renamed-organization",
            "of a repository that took over the name, with other ids",
            changed(&|run| {
                run.immutable_subject = true;
                run.owner_id = "909090909".into();
                run.repository_id = "808080808".into();
            })?,
        );
        refused(
            "other-branch",
            "of another branch",
            changed(&|run| {
                run.environment = None;
                run.git_ref = "refs/heads/feature".into();
            })?,
        );
        refused(
            "longer-branch",
            "of a branch whose name begins alike",
            changed(&|run| {
                run.environment = None;
                run.git_ref.push_str("-evil");
            })?,
        );
        refused(
            "tag",
            "of a tag",
            changed(&|run| {
                run.environment = None;
                run.git_ref = "refs/tags/main".into();
            })?,
        );
        refused(
            "pull-request",
            "of a pull request",
            changed(&|run| {
                run.environment = None;
                run.event = "pull_request".into();
            })?,
        );
        refused(
            "other-environment",
            "of another environment",
            changed(&|run| run.environment = Some("ringfence-other".into()))?,
        );
        for other in
            self.config.apps.iter().filter(|other| other.name.get_ref() != app.name.get_ref())
        {
            refused("other-team", "of another team's workflow", sign(&GithubRun::of(other, None))?);
        }
        let mut invalid = |name, title, token: String, message: &str| {
            let refusal = ServiceError::new(400, "InvalidIdentityToken", message);
            cases.push(Case { name, title, token, refusal });
        };
        invalid(
            "other-audience",
            "for another audience",
            self.issuer.github_token(&good, &format!("https://github.com/{}", good.owner), now)?,
            "Incorrect token audience",
        );
        let mut slashed = claims();
        let issuer = format!("{}/", self.issuer.url);
        slashed.insert("iss".into(), Value::String(issuer.clone()));
        invalid(
            "issuer-slash",
            "whose issuer ends in a slash",
            self.issuer.sign(&slashed)?,
            "No OpenIDConnect provider found in your account for ",
        );
        let stranger = SigningKey::generate()?;
        invalid(
            "foreign-key",
            "of another key",
            self.issuer.sign_with_foreign_key(&stranger, true, &claims())?,
            "",
        );
        invalid("alg-none", "without a signature", unsigned(&claims()), "");
        cases.push(Case {
            name: "expired",
            title: "that has expired",
            token: self.issuer.github_token(&good, AUDIENCE, now - time::Duration::hours(1))?,
            refusal: ServiceError::new(400, "ExpiredTokenException", ""),
        });
        Ok(cases)
    }
}

/// The same code and status, and the expected message's beginning.
fn same(error: &ServiceError, expected: &ServiceError) -> bool {
    error.code == expected.code
        && error.status == expected.status
        && error.message.starts_with(&expected.message)
}

/// STS names neither caller nor reason here.
/// <https://github.com/aws-actions/configure-aws-credentials/issues/1446>
fn not_authorized() -> ServiceError {
    ServiceError::new(
        403,
        "AccessDenied",
        "Not authorized to perform sts:AssumeRoleWithWebIdentity",
    )
}
