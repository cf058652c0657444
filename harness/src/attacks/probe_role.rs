//! Roles that the probes make for themselves: the canary, a role without any
//! policy, and an administrator under a boundary, which shows what the boundary
//! alone still stops.

use ringfence_wire::ServiceError;
use ringfence_wire::services::Iam;
use serde_json::json;
use time::OffsetDateTime;

use super::actor::Actor;
use super::attack::Step;
use super::suite::Suite;
use super::trust::{AUDIENCE, SESSION};
use crate::issuers::GithubRun;

const ADMINISTRATOR: &str = "arn:aws:iam::aws:policy/AdministratorAccess";

/// A role of the probes', which a made-up repository's workflow may assume.
#[derive(Debug)]
pub struct ProbeRole<'a> {
    suite: &'a Suite<'a>,
    role: String,
    /// Where it is an administrator, under which boundary.
    boundary: Option<&'a str>,
}

impl<'a> ProbeRole<'a> {
    /// A role without any policy: what it is not refused, nobody is. `name`
    /// tells it from others.
    pub fn canary(suite: &'a Suite<'a>, name: &str) -> Self {
        Self { suite, role: format!("ringfence-canary-{name}"), boundary: None }
    }

    /// A role that may do everything, under a boundary.
    pub fn administrator(suite: &'a Suite<'a>, name: &str, boundary: &'a str) -> Self {
        Self { suite, role: format!("ringfence-admin-{name}"), boundary: Some(boundary) }
    }

    /// Makes the role, and a session of it.
    ///
    /// # Errors
    /// When the platform cannot make it, or nobody can assume it.
    pub async fn make(&self) -> anyhow::Result<Actor> {
        let facts = self.suite.facts();
        let issuer = self.suite.github();
        let host = issuer.host();
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
        let mut input =
            json!({"RoleName": self.role, "AssumeRolePolicyDocument": trust.to_string()});
        if let (Some(members), Some(boundary)) = (input.as_object_mut(), self.boundary) {
            members.insert("PermissionsBoundary".into(), json!(boundary));
        }
        let made = self.suite.platform().call(&Step::new(Iam, "CreateRole", input)).await;
        // One that an interrupted run left is as good.
        if let Err(error) = made.result
            && error.code != "EntityAlreadyExists"
        {
            return Err(error.into());
        }
        if self.boundary.is_some() {
            self.suite.platform().call(&self.administration("AttachRolePolicy")).await.result?;
        }
        let token = issuer.github_token(&run, AUDIENCE, OffsetDateTime::now_utc())?;
        let arn = facts.role_arn(&self.role);
        let access = self.suite.trust().assume(&arn, &token).await?;
        let session =
            format!("arn:aws:sts::{}:assumed-role/{}/{SESSION}", facts.account, self.role);
        Ok(Actor::new(session, access, self.suite.stack().client().clone()))
    }

    fn administration(&self, operation: &'static str) -> Step {
        Step::new(Iam, operation, json!({"RoleName": self.role, "PolicyArn": ADMINISTRATOR}))
    }

    /// Removes the role.
    ///
    /// # Errors
    /// When the platform cannot.
    pub async fn remove(&self) -> Result<(), ServiceError> {
        if self.boundary.is_some() {
            self.suite.platform().call(&self.administration("DetachRolePolicy")).await.result?;
        }
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
