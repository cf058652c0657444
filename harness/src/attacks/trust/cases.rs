//! The tokens that must not do, as data.

use std::borrow::Cow;

use ringfence_wire::ServiceError;
use serde_json::Value;
use time::OffsetDateTime;

use super::{AUDIENCE, Assumed, Trust, subjects};
use crate::config::App;
use crate::issuers::{
    Bearer, GithubRun, Issuer, IssuerError, SigningKey, hmac_with_public_key, unsigned,
    with_payload,
};

/// A token that must not do, and what STS says.
pub(super) struct Case {
    pub(super) name: Cow<'static, str>,
    pub(super) title: String,
    pub(super) token: String,
    /// The role that it is shown for, where it is not that one.
    pub(super) role: Option<String>,
    pub(super) refusal: ServiceError,
    /// Who refuses.
    pub(super) by: By,
}

/// Who refuses a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// The role's trust policy, whose conditions the token does not meet.
    Policy,
    /// STS, whatever the policies say.
    Check,
}

impl Case {
    pub(super) fn by_policy(
        name: impl Into<Cow<'static, str>>,
        title: &str,
        token: String,
    ) -> Self {
        let (title, refusal) = (title.to_owned(), not_authorized());
        Self { name: name.into(), title, token, role: None, refusal, by: By::Policy }
    }

    fn by_check(
        name: &'static str,
        title: &str,
        token: String,
        code: &'static str,
        message: &str,
    ) -> Self {
        let refusal = ServiceError::new(400, code, message);
        let (name, title) = (name.into(), title.to_owned());
        Self { name, title, token, role: None, refusal, by: By::Check }
    }
}

impl Trust<'_> {
    /// The right token, shown for roles that are not its own.
    fn other_roles(
        &self,
        of: &Assumed,
        token: &dyn Fn() -> Result<String, IssuerError>,
    ) -> Result<Vec<Case>, IssuerError> {
        let namespace = of.app.name.get_ref();
        let mut roles = vec![(
            "role-that-is-not-there",
            "a role that is not there".to_owned(),
            self.facts.role_arn("ringfence-no-such-role"),
        )];
        if let Some(own) = self.facts.function(namespace) {
            let title = "its own function's role".to_owned();
            roles.push(("own-function-role", title, own.role_arn.clone()));
        }
        if let Some(foreign) = self.facts.foreign_function(namespace) {
            let title = "another team's function".to_owned();
            roles.push(("foreign-function-role", title, foreign.role_arn.clone()));
        }
        let others = self.facts.deployers.iter().filter(|other| other.app != *namespace);
        let mut others = others.filter_map(|other| Some((other.name.clone(), other.role_arn()?)));
        if let Some((name, role_arn)) = others.next() {
            roles.push(("foreign-deployer", name, role_arn.to_owned()));
        }
        let mut cases = Vec::new();
        for (name, title, role) in roles {
            let case = Case::by_policy(name, &title, token()?);
            cases.push(Case { role: Some(role), ..case });
        }
        Ok(cases)
    }

    /// Every token that must not make anybody of this role.
    pub(super) fn cases(&self, of: &Assumed) -> Result<Vec<Case>, IssuerError> {
        let namespace = of.app.name.get_ref();
        let issuer = self.issuer_of(&of.app)?;
        let now = OffsetDateTime::now_utc();
        let mut cases = match (&of.bearer, &of.subject) {
            (Bearer::Github(run), _) => Self::of_other_runs(issuer, run, now)?,
            (Bearer::Other(workload), subject) => {
                let written = subject.as_deref().unwrap_or(&workload.subject);
                subjects::cases(issuer, workload, written, now)?
            }
        };
        let mut refused = |name, title: &str, token: String| {
            cases.push(Case::by_policy(name, title, token));
        };
        for other in self.config.apps.iter().filter(|other| other.name.get_ref() != namespace) {
            if let Some(token) = self.token_of_team(other, now)? {
                refused("other-team", "of another team's workflow", token);
            }
        }
        let siblings = self
            .facts
            .deployers
            .iter()
            .filter(|other| other.app == *namespace && other.arn != of.role_arn);
        // No token is a user's.
        for other in siblings.filter(|other| !other.is_user()) {
            if let Some(other) = self.of(other) {
                refused("other-job", "of another job of its repository", self.token(&other)?);
            }
        }
        let own = || self.token(of);
        cases.extend(self.other_roles(of, &own)?);
        self.invalid(of, issuer, now, &mut cases)?;
        cases.extend(self.of_strangers(issuer, &of.bearer, now)?);
        Ok(cases)
    }

    /// A token of another team's; none where the configuration says no subject.
    fn token_of_team(&self, app: &App, now: OffsetDateTime) -> Result<Option<String>, IssuerError> {
        let issuer = self.issuer_of(app)?;
        let mut deployers = self.config.deployers.iter();
        let own = deployers.find(|it| it.app.get_ref() == app.name.get_ref());
        let subject = own.and_then(|deployer| self.config.subject_of(deployer, app));
        if subject.is_none() && !self.config.is_run(app) {
            return Ok(None);
        }
        let bearer = Bearer::of(self.config, app, subject, || GithubRun::of(app, None));
        issuer.token_of(&bearer, bearer.audience(), now).map(Some)
    }

    /// Tokens of other runs of GitHub's.
    fn of_other_runs(
        issuer: &Issuer,
        good: &GithubRun,
        now: OffsetDateTime,
    ) -> Result<Vec<Case>, IssuerError> {
        let sign = |run: &GithubRun| issuer.github_token(run, AUDIENCE, now);
        let changed = |change: &dyn Fn(&mut GithubRun)| {
            let mut run = good.clone();
            change(&mut run);
            sign(&run)
        };
        let claims = || good.claims(&issuer.url, AUDIENCE, now);
        let mut cases = Vec::new();
        let mut refused = |name, title: &str, token: String| {
            cases.push(Case::by_policy(name, title, token));
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
        refused(
            "fork",
            "of a fork",
            changed(&|run| {
                run.owner = "ringfence-fork".into();
                run.owner_id = "707070707".into();
                run.repository_id = "606060606".into();
            })?,
        );
        refused(
            "fork-pull-request",
            "of a fork's pull request, whose actor is somebody else",
            changed(&|run| {
                run.environment = None;
                run.event = "pull_request".into();
                run.git_ref = "refs/pull/1/merge".into();
                run.actor = "stranger".into();
            })?,
        );
        refused(
            "capital-organization",
            "of an organization in capitals",
            changed(&|run| run.owner = run.owner.to_uppercase())?,
        );
        refused(
            "capital-branch",
            "of a branch in capitals",
            changed(&|run| {
                run.environment = None;
                run.git_ref = "refs/heads/MAIN".into();
            })?,
        );
        refused(
            "wildcard-branch",
            "of a branch that is called `*`",
            changed(&|run| {
                run.environment = None;
                run.git_ref = "refs/heads/*".into();
            })?,
        );
        refused(
            "wildcard-repository",
            "of a repository that is called `*`",
            changed(&|run| run.name = "*".into())?,
        );
        refused(
            "environment-like-a-branch",
            "of an environment that is called like the branch",
            changed(&|run| run.environment = Some("ref:refs/heads/main".into()))?,
        );
        refused(
            "environment-longer",
            "of an environment whose name begins alike",
            changed(&|run| {
                let name = run.environment.clone().unwrap_or_else(|| "production".into());
                run.environment = Some(format!("{name}-evil"));
            })?,
        );
        // `sub` is the caller's; `job_workflow_ref` that of the workflow which
        // it calls.
        let reusable = {
            let mut run = good.clone();
            run.name = "ringfence-other".into();
            run.repository_id = "505050505".into();
            let mut theirs = run.claims(&issuer.url, AUDIENCE, now);
            let ours = claims().get("job_workflow_ref").cloned().unwrap_or_default();
            theirs.insert("job_workflow_ref".into(), ours);
            issuer.sign(&theirs)?
        };
        refused("reusable-workflow", "of another repository that calls its workflow", reusable);
        Ok(cases)
    }

    /// Tokens that STS takes from nobody.
    fn invalid(
        &self,
        of: &Assumed,
        issuer: &Issuer,
        now: OffsetDateTime,
        cases: &mut Vec<Case>,
    ) -> Result<(), IssuerError> {
        let (good, audience) = (&of.bearer, of.bearer.audience());
        let claims = || issuer.claims_of(good, audience, now);
        let mut invalid = |name, title: &str, token: String, message: &str| {
            cases.push(Case::by_check(name, title, token, "InvalidIdentityToken", message));
        };
        invalid(
            "look-alike-audience",
            "for an audience that begins alike",
            issuer.token_of(good, &format!("{audience}.example.com"), now)?,
            "Incorrect token audience",
        );
        let mut enterprise = claims();
        let other = format!("{}/ringfence-enterprise", issuer.url);
        enterprise.insert("iss".into(), Value::String(other));
        invalid(
            "other-enterprise",
            "of an enterprise's own issuer",
            issuer.sign(&enterprise)?,
            "No OpenIDConnect provider found in your account for ",
        );
        invalid(
            "hs256-public-key",
            "signed by HMAC with the public key",
            hmac_with_public_key(issuer, &claims()),
            "",
        );
        let mut other_subject = claims();
        other_subject.insert("actor".into(), "somebody-else".into());
        invalid(
            "tampered",
            "whose claims were changed",
            with_payload(&issuer.sign(&claims())?, &other_subject),
            "",
        );
        invalid("malformed", "that is none", "not.a.token".into(), "");
        let unknown = SigningKey::of_a_stranger()?;
        invalid(
            "unknown-key",
            "of an unknown key",
            issuer.sign_with_foreign_key(unknown, false, &claims())?,
            "",
        );
        let mut another = issuer.default_audience(of.app.repository.owner());
        if another == audience {
            another.push_str("/other");
        }
        invalid(
            "other-audience",
            "for another audience",
            issuer.token_of(good, &another, now)?,
            "Incorrect token audience",
        );
        let mut slashed = claims();
        slashed.insert("iss".into(), Value::String(format!("{}/", issuer.url)));
        invalid(
            "issuer-slash",
            "whose issuer ends in a slash",
            issuer.sign(&slashed)?,
            "No OpenIDConnect provider found in your account for ",
        );
        let stranger = SigningKey::of_a_stranger()?;
        invalid(
            "foreign-key",
            "of another key",
            issuer.sign_with_foreign_key(stranger, true, &claims())?,
            "",
        );
        invalid("alg-none", "without a signature", unsigned(&claims()), "");
        for (name, title, age) in [
            ("expired", "that has expired", time::Duration::hours(1)),
            (
                "replayed",
                "that was caught and shown again minutes later",
                time::Duration::minutes(7),
            ),
        ] {
            let token = issuer.token_of(good, audience, now - age)?;
            cases.push(Case::by_check(name, title, token, "ExpiredTokenException", ""));
        }
        Ok(())
    }

    /// Tokens of the other issuers. Where the account trusts one for somebody
    /// else, the role's trust policy must refuse; elsewhere STS does.
    fn of_strangers(
        &self,
        own: &Issuer,
        bearer: &Bearer,
        now: OffsetDateTime,
    ) -> Result<Vec<Case>, IssuerError> {
        let audience = bearer.audience();
        let mut cases = Vec::new();
        for stranger in self.issuers.iter().filter(|issuer| issuer.url != own.url) {
            let called = stranger.called();
            let theirs = stranger.sign(&bearer.claims(&stranger.url, audience, now))?;
            let title = format!("of another issuer, {}", stranger.url);
            let check = |message| {
                Case::by_check("", &title, theirs.clone(), "InvalidIdentityToken", message)
            };
            let case = match self.facts.providers.get(stranger.host()) {
                Some(audiences) if audiences.iter().any(|own| own == audience) => {
                    Case::by_policy("", &title, theirs)
                }
                Some(_) => check("Incorrect token audience"),
                None => check("No OpenIDConnect provider found in your account for "),
            };
            cases.push(Case { name: format!("other-issuers-token/{called}").into(), ..case });
            let case = Case::by_check(
                "",
                &format!("under its issuer's name signed by another issuer, {}", stranger.url),
                stranger.sign(&bearer.claims(&own.url, audience, now))?,
                "InvalidIdentityToken",
                "",
            );
            cases.push(Case { name: format!("other-issuers-signature/{called}").into(), ..case });
        }
        Ok(cases)
    }
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
