//! Who can act on a stack: the root user, its deployers, a signed-in user.

use std::sync::PoisonError;

use ringfence_services::Credentials;
use ringfence_wire::ServiceError;
use serde_json::json;
use time::OffsetDateTime;

use super::judged::Judged;
use super::{Stack, StackError};
use crate::aws::WebIdentity;
use crate::config::{Deployer, IssuerKind};
use crate::issuers::{Bearer, GithubRun, Issuer};
use crate::root::RootKeys;
use crate::terraform::{Access, TerraformError};

impl Stack {
    /// The account's root user, with the key that is the harness's alone.
    pub fn root(&self) -> Access {
        self.signing_with(&self.root)
    }

    /// The root user of an account, by the account's id or its name.
    ///
    /// # Errors
    /// When the configuration has no such account.
    pub fn root_of(&self, account: &str) -> Result<Access, StackError> {
        let id = self.config.account_id(account);
        let id = id.ok_or_else(|| StackError::NotConfigured(format!("account `{account}`")))?;
        let other = self.other_roots.iter().find(|it| it.account_id == id);
        Ok(self.signing_with(other.map_or(&self.root, |it| &it.key)))
    }

    /// An account's root with a key for Terraform, which hands it to providers and to
    /// the programs that a module runs.
    pub(super) fn terraform_root(
        &self,
        keys: RootKeys,
        account_id: &str,
    ) -> Result<Access, StackError> {
        let is_first = account_id == self.config.account.id.as_str();
        let key = if is_first { keys.key() } else { keys.key_of(account_id) };
        let key = key.map_err(StackError::Randomness)?;
        self.guard.add_root_key_of(account_id, key.clone());
        Ok(self.signing_with(&key))
    }

    /// What signs with a key.
    pub(crate) fn access_of(&self, key: &Credentials) -> Access {
        self.signing_with(key)
    }

    fn signing_with(&self, key: &Credentials) -> Access {
        Access {
            endpoint: self.guard.endpoint().clone(),
            region: self.config.account.region.as_str().to_owned(),
            access_key_id: key.access_key_id.clone(),
            secret_access_key: key.secret_access_key.clone(),
            session_token: key.session_token.clone(),
        }
    }

    /// A session of a function's execution role, as Lambda gives it to the
    /// function's code; of a function of the account under test.
    ///
    /// # Errors
    /// Lambda's own: there is no such function, or its role cannot be assumed.
    pub async fn function_session(&self, name: &str) -> Result<Access, ServiceError> {
        self.function_session_of(self.config.account.id.as_str(), name).await
    }

    /// The same of a function of an account, by the account's id.
    ///
    /// # Errors
    /// As there.
    pub async fn function_session_of(
        &self,
        account_id: &str,
        name: &str,
    ) -> Result<Access, ServiceError> {
        Ok(self.signing_with(&self.guard.function_session(account_id, name).await?))
    }

    /// A good access token: a signed-in user with every configured scope.
    ///
    /// # Errors
    /// When no Okta issuer is configured, or more than one.
    pub fn access_token(&self) -> Result<String, StackError> {
        Ok(self.issuer(IssuerKind::Okta)?.access_token(OffsetDateTime::now_utc())?)
    }

    /// Who works with a deployer's role, as its tokens tell.
    ///
    /// # Errors
    /// When its app is not configured.
    pub fn bearer_of(&self, deployer: &Deployer) -> Result<Bearer, StackError> {
        let app = self.app(deployer.app.get_ref())?;
        let subject = self.config.subject_of(deployer, app);
        Ok(Bearer::of(&self.config, app, subject, || GithubRun::of_deployer(deployer, app)))
    }

    /// Assumes a role with a GitHub token that tells of this run.
    ///
    /// # Errors
    /// STS's own error, within; also where there is not one GitHub issuer.
    pub async fn assume(&self, role: &str, run: &GithubRun) -> Result<Access, StackError> {
        let bearer = Bearer::Github(Box::new(run.clone()));
        self.assume_by(self.issuer(IssuerKind::Github)?, role, &bearer).await
    }

    pub(super) async fn assume_by(
        &self,
        issuer: &Issuer,
        role: &str,
        bearer: &Bearer,
    ) -> Result<Access, StackError> {
        let token = issuer.token_of(bearer, bearer.audience(), OffsetDateTime::now_utc())?;
        let identity = WebIdentity {
            role_arn: role,
            session_name: "ringfence",
            token: &token,
            duration: None,
            policy: None,
            policies: &[],
        };
        self.client
            .assume_with_web_identity(
                self.endpoint(),
                self.config.account.region.as_str(),
                &identity,
            )
            .await
            .map_err(|cause| StackError::Assume {
                deployer: match bearer {
                    Bearer::Github(run) => run.repository(),
                    Bearer::Other(workload) => workload.subject.clone(),
                },
                role: role.to_owned(),
                cause: Box::new(cause),
            })
    }

    /// A session of a configured deployer's role, or a key of its user, which the stack's end
    /// ends.
    ///
    /// # Errors
    /// When it is not configured, STS refuses, or there is no such user.
    pub async fn deployer(&self, name: &str) -> Result<Access, StackError> {
        let deployer = self
            .config
            .deployer(name)
            .ok_or_else(|| StackError::NotConfigured(format!("deployer `{name}`")))?;
        let field = format!("deployers.{name}.{}", deployer.identity.field());
        let named = deployer.identity.named();
        if deployer.identity.is_user() {
            let user = self.outputs.arn_of(&field, named).map_err(TerraformError::from)?;
            return self.user(name, user).await;
        }
        let role = self.outputs.text_of(&field, named).map_err(TerraformError::from)?;
        let issuer = self.issuer_of(self.app(deployer.app.get_ref())?)?;
        let bearer = self.bearer_of(deployer)?;
        let Some(through) = &deployer.through_output else {
            return self.assume_by(issuer, &role, &bearer).await;
        };
        let field = format!("deployers.{name}.through_output");
        let through =
            self.outputs.text_of(&field, through.get_ref()).map_err(TerraformError::from)?;
        let session = self.assume_by(issuer, &through, &bearer).await?;
        let input = json!({"RoleArn": role, "RoleSessionName": "ringfence"});
        let assumed = self.client.assume_role(&session, input).await;
        assumed.map_err(|cause| StackError::Assume {
            deployer: name.to_owned(),
            role,
            cause: Box::new(cause),
        })
    }

    /// A user by its ARN, or by its name in the account that has the deployer.
    async fn user(&self, deployer: &str, user: String) -> Result<Access, StackError> {
        let judged = self.judged();
        let account = Judged::of_user(&judged, deployer, &user);
        let account = account.unwrap_or(self.config.account.id.as_str());
        let name = user.rsplit('/').next().unwrap_or_default();
        let refused = |cause| StackError::Key {
            deployer: deployer.to_owned(),
            user: user.clone(),
            cause: Box::new(cause),
        };
        let key = self.guard.user_key(account, name).await.map_err(refused)?;
        if user.starts_with("arn:") && key.arn() != user {
            let message = format!("The user of that name is {}.", key.arn());
            return Err(refused(ServiceError::new(404, "NoSuchEntity", message)));
        }
        let access = self.signing_with(key.credentials());
        let mut lent = self.lent.lock().unwrap_or_else(PoisonError::into_inner);
        lent.push(key);
        Ok(access)
    }
}
