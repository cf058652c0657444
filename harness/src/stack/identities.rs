//! Who can act on a stack: the root user, its deployers, a signed-in user.

use ringfence_wire::Secret;
use time::OffsetDateTime;

use super::{ROOT_KEY, Stack, StackError};
use crate::aws::WebIdentity;
use crate::config::{Deployer, IssuerKind};
use crate::issuers::GithubRun;
use crate::terraform::{Access, TerraformError};

/// The audience of a workflow's token for AWS.
const AUDIENCE: &str = "sts.amazonaws.com";

impl Stack {
    /// The account's root user.
    pub fn root(&self) -> Access {
        Access {
            endpoint: self.guard.endpoint().clone(),
            region: self.config.account.region.as_str().to_owned(),
            access_key_id: ROOT_KEY.to_owned(),
            secret_access_key: Secret::new(ROOT_KEY),
            session_token: None,
        }
    }

    /// A good access token: a signed-in user with every configured scope.
    ///
    /// # Errors
    /// When no Okta issuer is configured.
    pub fn access_token(&self) -> Result<String, StackError> {
        Ok(self.issuer(IssuerKind::Okta)?.access_token(OffsetDateTime::now_utc())?)
    }

    /// The GitHub run of which a deployer's tokens tell.
    ///
    /// # Errors
    /// When its app is not configured.
    pub fn run_of(&self, deployer: &Deployer) -> Result<GithubRun, StackError> {
        let app = self.app(deployer.app.get_ref())?;
        let mut run = GithubRun::of(app, deployer.environment.as_deref());
        if let Some(git_ref) = &deployer.git_ref {
            run.git_ref.clone_from(git_ref);
        }
        Ok(run)
    }

    /// Assumes a role with a GitHub token that tells of this run.
    ///
    /// # Errors
    /// STS's own error, within.
    pub async fn assume(&self, role: &str, run: &GithubRun) -> Result<Access, StackError> {
        let token = self.issuer(IssuerKind::Github)?.github_token(
            run,
            AUDIENCE,
            OffsetDateTime::now_utc(),
        )?;
        let identity = WebIdentity {
            role_arn: role,
            session_name: "ringfence",
            token: &token,
            duration: None,
            policy: None,
        };
        self.client
            .assume_with_web_identity(
                self.endpoint(),
                self.config.account.region.as_str(),
                &identity,
            )
            .await
            .map_err(|cause| StackError::Assume {
                deployer: run.repository(),
                role: role.to_owned(),
                cause: Box::new(cause),
            })
    }

    /// A session of a configured deployer's role.
    ///
    /// # Errors
    /// When it is not configured, or STS refuses.
    pub async fn deployer(&self, name: &str) -> Result<Access, StackError> {
        let deployer = self
            .config
            .deployer(name)
            .ok_or_else(|| StackError::NotConfigured(format!("deployer `{name}`")))?;
        let field = format!("deployers.{name}.role_output");
        let role =
            self.outputs.text_of(&field, &deployer.role_output).map_err(TerraformError::from)?;
        self.assume(&role, &self.run_of(deployer)?).await
    }
}
