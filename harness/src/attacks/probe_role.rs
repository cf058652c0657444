//! The canary: a role without any policy. What it is not refused, nobody is.

use ringfence_wire::Service::Iam;
use ringfence_wire::ServiceError;
use serde_json::json;
use time::OffsetDateTime;

use super::actor::Actor;
use super::attack::Step;
use super::suite::Suite;
use super::trust::{AUDIENCE, SESSION};
use crate::issuers::GithubRun;

/// The canary's role, which a made-up repository's workflow may assume.
#[derive(Debug)]
pub struct Canary<'a> {
    suite: &'a Suite<'a>,
    role: String,
}

impl<'a> Canary<'a> {
    /// The canary of a part of the suite; `name` tells it from others.
    pub fn of(suite: &'a Suite<'a>, name: &str) -> Self {
        Self { suite, role: format!("ringfence-canary-{name}") }
    }

    /// Makes the role, and a session of it.
    ///
    /// # Errors
    /// When the platform cannot make it, or nobody can assume it.
    pub async fn make(&self) -> anyhow::Result<Actor> {
        let facts = self.suite.facts();
        let issuer = self.suite.github();
        let host = issuer.url.strip_prefix("https://").unwrap_or(&issuer.url);
        let run = workflow(&self.role);
        let trust = json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow",
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Principal": {
                    "Federated": format!("arn:aws:iam::{}:oidc-provider/{host}", facts.account),
                },
                "Condition": {"StringEquals": {
                    format!("{host}:aud"): AUDIENCE,
                    format!("{host}:sub"): run.subject(),
                }},
            }],
        });
        let input = json!({"RoleName": self.role, "AssumeRolePolicyDocument": trust.to_string()});
        let made = self.suite.platform().call(&Step::new(Iam, "CreateRole", input)).await;
        // One that an interrupted run left is as good.
        if let Err(error) = made.result
            && error.code != "EntityAlreadyExists"
        {
            return Err(error.into());
        }
        let token = issuer.github_token(&run, AUDIENCE, OffsetDateTime::now_utc())?;
        let arn = facts.role_arn(&self.role);
        let access = self.suite.trust().assume(&arn, &token).await?;
        let session =
            format!("arn:aws:sts::{}:assumed-role/{}/{SESSION}", facts.account, self.role);
        Ok(Actor::new(session, access, self.suite.stack().client().clone()))
    }

    /// Removes the role.
    ///
    /// # Errors
    /// When the platform cannot.
    pub async fn remove(&self) -> Result<(), ServiceError> {
        let step = Step::new(Iam, "DeleteRole", json!({"RoleName": self.role}));
        self.suite.platform().call(&step).await.result.map(drop)
    }
}

/// A push to a repository that nobody has.
fn workflow(name: &str) -> GithubRun {
    GithubRun {
        owner: "ringfence-canary".into(),
        owner_id: "100000001".into(),
        name: name.to_owned(),
        repository_id: "100000002".into(),
        immutable_subject: false,
        git_ref: "refs/heads/main".into(),
        environment: None,
        event: "push".into(),
        sha: "0".repeat(40),
        workflow: "Canary".into(),
        workflow_file: ".github/workflows/canary.yml".into(),
        actor: "ringfence".into(),
        run_id: "1".into(),
    }
}
