//! The services that answer here, behind one face.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::Response;
use ringfence_services::Setting;
use ringfence_services::client::Client;
use ringfence_services::cloudformation::{CloudFormation, TemplateObject};
use ringfence_services::credentials::Session;
use ringfence_services::function_targets::FunctionTargets;
use ringfence_services::http_api::HttpApis;
use ringfence_services::lambda::{Asked, Lambda};
use ringfence_services::rest_api::RestApis;
use ringfence_services::sts::{self, OidcProvider, RoleRecord, Sts};
use ringfence_services::token::Issuers;
use ringfence_wire::{Call, Reply, Service, ServiceError};
use serde_json::Value;

use crate::directory::Directory;
use crate::requirements::state::{Function, Stack};

/// The services that answer here.
#[derive(Debug)]
pub(crate) struct Services {
    setting: Arc<Setting>,
    sts: Sts,
    lambda: Arc<Lambda>,
    http_apis: HttpApis,
    rest_apis: RestApis,
    cloudformation: Arc<CloudFormation>,
    targets: FunctionTargets,
}

impl Services {
    /// The services of an account.
    pub(crate) fn new(setting: &Arc<Setting>, directory: Arc<Directory>, issuers: Issuers) -> Self {
        let client = Client::new(Arc::clone(setting));
        let records = Arc::clone(&directory);
        let account = Account { directory, account_id: setting.account_id.clone() };
        Self {
            sts: Sts::new(Arc::clone(setting), Arc::new(account), issuers.clone()),
            lambda: Lambda::new(Arc::clone(setting), client.clone()),
            http_apis: HttpApis::new(Arc::clone(setting), client.clone(), issuers.clone()),
            rest_apis: RestApis::new(Arc::clone(setting), client.clone(), issuers, records),
            targets: FunctionTargets::new(Arc::clone(setting), client.clone()),
            cloudformation: CloudFormation::new(Arc::clone(setting), client),
            setting: Arc::clone(setting),
        }
    }

    /// Whether a service answers here; the others are the upstream's.
    pub(crate) const fn answers(service: Service) -> bool {
        matches!(
            service,
            Service::Sts | Service::Lambda | Service::ApiGatewayV2 | Service::CloudFormation
        )
    }

    /// Answers an authorized call.
    pub(crate) async fn answer(
        &self,
        call: &Call,
        caller: &Session,
        asked: &Asked<'_>,
    ) -> Result<Reply, ServiceError> {
        if call.service() != Service::Sts && call.region != self.setting.region {
            // The services keep one region; a call for another must not be
            // answered from this one.
            return Err(ServiceError::new(
                501,
                "NotImplemented",
                format!(
                    "{} is answered in {} only, not in {}",
                    call.service().name(),
                    self.setting.region,
                    call.region
                ),
            ));
        }
        match call.service() {
            Service::Sts => self.sts.answer(call, caller).await,
            Service::Lambda => self.lambda.answer(call, caller, asked).await,
            Service::ApiGatewayV2 => self.http_apis.answer(call, caller).await,
            Service::CloudFormation => self.cloudformation.answer(call, caller).await,
            other => Err(ServiceError::new(
                500,
                "InternalFailure",
                format!("{} is the upstream's to answer", other.name()),
            )),
        }
    }

    /// What is answered in place of the upstream's answer to a call; none where
    /// that stands.
    ///
    /// # Errors
    /// The service's.
    pub(crate) async fn after(
        &self,
        call: &Call,
        answer: &Response<Bytes>,
    ) -> Result<Option<Reply>, ServiceError> {
        if call.service() == Service::ApiGateway {
            self.rest_apis.after(call, answer).await?;
        }
        self.targets.after(call, answer).await
    }

    /// STS.
    pub(crate) fn sts(&self) -> &Sts {
        &self.sts
    }

    /// Lambda.
    pub(crate) fn lambda(&self) -> &Arc<Lambda> {
        &self.lambda
    }

    /// CloudFormation.
    pub(crate) fn cloudformation(&self) -> &CloudFormation {
        &self.cloudformation
    }

    /// The HTTP APIs.
    pub(crate) fn http_apis(&self) -> &HttpApis {
        &self.http_apis
    }

    /// The REST APIs.
    pub(crate) fn rest_apis(&self) -> &RestApis {
        &self.rest_apis
    }

    pub(crate) fn function(&self, name: &str) -> Option<Function> {
        self.lambda.function(name).map(|function| Function {
            arn: function.arn,
            role: function.role,
            tags: function.tags,
        })
    }

    pub(crate) fn function_policy(&self, name: &str, qualifier: Option<&str>) -> Option<String> {
        self.lambda.function_policy(name, qualifier)
    }

    pub(crate) fn function_url_auth_type(
        &self,
        name: &str,
        qualifier: Option<&str>,
    ) -> Option<String> {
        self.lambda.function_url_auth_type(name, qualifier)
    }

    pub(crate) fn api(&self, api: &str) -> Option<Value> {
        self.http_apis.api(api)
    }

    pub(crate) fn route(&self, api: &str, route: &str) -> Option<Value> {
        self.http_apis.route(api, route)
    }

    pub(crate) fn authorizer(&self, api: &str, authorizer: &str) -> Option<Value> {
        self.http_apis.authorizer(api, authorizer)
    }

    pub(crate) fn stage(&self, api: &str, stage: &str) -> Option<Value> {
        self.http_apis.stage(api, stage)
    }

    pub(crate) fn template_object(&self, url: &str) -> Option<TemplateObject> {
        self.cloudformation.template_object(url)
    }

    pub(crate) fn stack(&self, name: &str) -> Option<Stack> {
        self.cloudformation.stack(name).map(|stack| Stack {
            stack_id: stack.stack_id,
            role_arn: stack.role_arn,
            tags: stack.tags,
        })
    }

    /// Ends functions and stack operations.
    pub(crate) async fn shutdown(&self) {
        // Stacks first: they make calls, to Lambda among others.
        self.cloudformation.shutdown().await;
        self.targets.shutdown();
        self.lambda.shutdown().await;
    }
}

/// The account's roles and providers, as STS asks for them.
#[derive(Debug)]
struct Account {
    directory: Arc<Directory>,
    account_id: String,
}

#[async_trait]
impl sts::Directory for Account {
    async fn role(&self, arn: &str) -> Result<Option<RoleRecord>, ServiceError> {
        let Some(name) = arn.rsplit('/').next() else { return Ok(None) };
        if arn.split(':').nth(4) != Some(&self.account_id) {
            return Ok(None);
        }
        let role = self.directory.role(name).await?.filter(|role| role.arn == arn);
        Ok(role.map(|role| RoleRecord {
            arn: role.arn.clone(),
            name: name.to_owned(),
            role_id: role.id.clone(),
            max_session_duration: role.max_session_duration,
        }))
    }

    async fn managed_policy(&self, arn: &str) -> Result<Option<String>, ServiceError> {
        self.directory.managed_text(arn).await
    }

    async fn oidc_provider(&self, issuer: &str) -> Result<Option<OidcProvider>, ServiceError> {
        let provider = self.directory.provider(issuer).await?;
        Ok(provider.map(|(arn, client_ids)| OidcProvider { arn, client_ids }))
    }
}
