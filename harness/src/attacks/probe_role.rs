//! Roles that the probes make for themselves: the canary, a role without any
//! policy, and an administrator under a boundary, which shows what the boundary
//! alone still stops.

use ringfence_wire::services::{Iam, Sts};
use ringfence_wire::{Secret, ServiceError};
use serde_json::{Value, json};
use time::OffsetDateTime;
use url::Url;

use super::actor::Actor;
use super::attack::Step;
use super::suite::{Door, Suite};
use super::trust::{AUDIENCE, SESSION};
use crate::issuers::{GithubRun, Issuer};
use crate::terraform::Access;

/// The policy by which a role of another account assumes one of the probes'.
const BEARER: &str = "bearer";

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
        match (self.suite.github(), self.suite.door()) {
            (Some(issuer), _) => self.by_workflow(issuer).await,
            (None, Some(door)) => self.from(door).await,
            (None, None) => self.by_user().await,
        }
    }

    /// By a token of a workflow that nobody has.
    async fn by_workflow(&self, issuer: &Issuer) -> anyhow::Result<Actor> {
        let facts = self.suite.facts();
        let run = workflow(&self.role);
        self.role(&trusts_workflow(&facts.account, issuer, &run)).await?;
        let token = issuer.github_token(&run, AUDIENCE, OffsetDateTime::now_utc())?;
        let arn = facts.role_arn(&self.role);
        let access = self.suite.trust().assume(&arn, &token).await?;
        Ok(self.session(access))
    }

    /// By a role in another account, which may do nothing but assume this one and is
    /// removed again, whatever comes of it.
    async fn from(&self, door: &Door<'_>) -> anyhow::Result<Actor> {
        let made = self.by_bearer(door).await;
        let removed = self.remove_bearer(door).await;
        let access = made?;
        removed?;
        Ok(self.session(access))
    }

    /// The name of the role in the other account: as long as the probe's own.
    fn bearer(&self) -> String {
        self.role.replacen("-canary-", "-bearer-", 1).replacen("-admin-", "-carry-", 1)
    }

    async fn by_bearer(&self, door: &Door<'_>) -> anyhow::Result<Access> {
        let name = self.bearer();
        let run = workflow(&name);
        let trust = trusts_workflow(&door.account_id, door.issuer, &run);
        let bearer = format!("arn:aws:iam::{}:role/{name}", door.account_id);
        let own = self.suite.facts().role_arn(&self.role);
        let made = json!({"RoleName": name, "AssumeRolePolicyDocument": trust.to_string()});
        made_by(&door.platform, Step::new(Iam, "CreateRole", made)).await?;
        let may = json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Action": "sts:AssumeRole", "Resource": own,
        }]});
        let policy = json!({"RoleName": name, "PolicyName": BEARER,
            "PolicyDocument": may.to_string()});
        door.platform.call(&Step::new(Iam, "PutRolePolicy", policy)).await.result?;
        self.role(&json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": bearer},
            }],
        }))
        .await?;
        let token = door.issuer.github_token(&run, AUDIENCE, OffsetDateTime::now_utc())?;
        let session = self.suite.trust().assume(&bearer, &token).await?;
        let assume = json!({"RoleArn": own, "RoleSessionName": SESSION});
        Ok(self.suite.stack().client().assume_role(&session, assume).await?)
    }

    /// What was not made needs no removal.
    async fn remove_bearer(&self, door: &Door<'_>) -> Result<(), ServiceError> {
        let name = self.bearer();
        let policy = json!({"RoleName": name, "PolicyName": BEARER});
        for step in [
            Step::new(Iam, "DeleteRolePolicy", policy),
            Step::new(Iam, "DeleteRole", json!({"RoleName": name})),
        ] {
            match door.platform.call(&step).await.result {
                Err(error) if error.code != "NoSuchEntity" => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// By a user without policies, whom the role's trust policy names: enough
    /// within one account, and root may assume no role.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>
    async fn by_user(&self) -> anyhow::Result<Actor> {
        let (facts, platform) = (self.suite.facts(), self.suite.platform());
        let user = json!({"UserName": self.role});
        self.made(Step::new(Iam, "CreateUser", user.clone())).await?;
        let arn = format!("arn:aws:iam::{}:user/{}", facts.account, self.role);
        self.role(&json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": arn},
            }],
        }))
        .await?;
        let key = platform.call(&Step::new(Iam, "CreateAccessKey", user)).await.result?;
        let own = self.access(key.get("AccessKey"))?;
        let client = self.suite.stack().client().clone();
        let holder = Actor::new(arn, own, client);
        let assume = json!({"RoleArn": facts.role_arn(&self.role), "RoleSessionName": SESSION});
        let session = holder.call(&Step::new(Sts, "AssumeRole", assume)).await;
        let id = holder.access_key_id();
        let delete = json!({"UserName": self.role, "AccessKeyId": id});
        platform.call(&Step::new(Iam, "DeleteAccessKey", delete)).await.result?;
        Ok(self.session(self.access(session.result?.get("Credentials"))?))
    }

    fn access(&self, answer: Option<&Value>) -> Result<Access, ServiceError> {
        access(self.suite.stack().endpoint(), &self.suite.facts().region, answer)
    }

    fn session(&self, access: Access) -> Actor {
        let account = &self.suite.facts().account;
        let arn = format!("arn:aws:sts::{account}:assumed-role/{}/{SESSION}", self.role);
        Actor::new(arn, access, self.suite.stack().client().clone())
    }

    async fn role(&self, trust: &Value) -> Result<(), ServiceError> {
        let mut input =
            json!({"RoleName": self.role, "AssumeRolePolicyDocument": trust.to_string()});
        if let (Some(members), Some(boundary)) = (input.as_object_mut(), self.boundary) {
            members.insert("PermissionsBoundary".into(), json!(boundary));
        }
        self.made(Step::new(Iam, "CreateRole", input)).await?;
        if self.boundary.is_some() {
            self.suite.platform().call(&self.administration("AttachRolePolicy")).await.result?;
        }
        Ok(())
    }

    async fn made(&self, step: Step) -> Result<(), ServiceError> {
        made_by(self.suite.platform(), step).await
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
        self.suite.platform().call(&step).await.result?;
        if self.suite.github().is_none() && self.suite.door().is_none() {
            let step = Step::new(Iam, "DeleteUser", json!({"UserName": self.role}));
            self.suite.platform().call(&step).await.result?;
        }
        Ok(())
    }
}

/// Makes something; one that an interrupted run left is as good.
async fn made_by(platform: &Actor, step: Step) -> Result<(), ServiceError> {
    match platform.call(&step).await.result {
        Err(error) if error.code != "EntityAlreadyExists" => Err(error),
        _ => Ok(()),
    }
}

/// A trust policy that lets in a workflow's tokens, in an account that has a provider for
/// their issuer.
fn trusts_workflow(account_id: &str, issuer: &Issuer, run: &GithubRun) -> Value {
    let host = issuer.host();
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Principal": {
                "Federated": format!("arn:aws:iam::{account_id}:oidc-provider/{host}"),
            },
            "Condition": {"StringEquals": {
                format!("{host}:aud"): AUDIENCE,
                format!("{host}:sub"): run.subject(),
            }},
        }],
    })
}

/// The members of a key, or of a session, as IAM and STS answer them.
fn access(endpoint: &Url, region: &str, answer: Option<&Value>) -> Result<Access, ServiceError> {
    let member = |name: &str| answer?.get(name)?.as_str().map(str::to_owned);
    let missing = || ServiceError::new(502, "InvalidResponse", "an answer without a key");
    Ok(Access {
        endpoint: endpoint.clone(),
        region: region.to_owned(),
        access_key_id: member("AccessKeyId").ok_or_else(missing)?,
        secret_access_key: member("SecretAccessKey").ok_or_else(missing).map(Secret::new)?,
        session_token: member("SessionToken").map(Secret::new),
    })
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
        called_file: None,
        actor: "ringfence".into(),
        run_id: "1".into(),
    }
}
