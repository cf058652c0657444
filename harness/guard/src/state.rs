//! The account's present state, as mappings ask for it.

use async_trait::async_trait;
use ringfence_wire::ServiceError;

use crate::directory::Directory;
use crate::directory::arns::Arn;
use crate::requirements::State;
use crate::requirements::bucket_access::{Acl, BucketAccess};
use crate::requirements::state::{
    Entity, Function, InstanceProfile, KmsKey, Question, Secret, Stack, Tags, Told, VpcOf,
};
use crate::services::Services;

/// What the upstream keeps and what the services keep, together.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Present<'a> {
    /// What the upstream keeps.
    pub(crate) directory: &'a Directory,
    /// What the services keep.
    pub(crate) services: &'a Services,
    /// The account id.
    pub(crate) account_id: &'a str,
    /// The region that the call goes to.
    pub(crate) region: &'a str,
}

/// The name and qualifier of a function of the account.
fn function_of<'a>(arn: &'a str, account_id: &str) -> Option<(&'a str, Option<&'a str>)> {
    let arn = Arn::parse(arn).filter(|arn| arn.service == "lambda" && arn.account == account_id)?;
    let mut names = arn.resource.strip_prefix("function:")?.split(':');
    Some((names.next()?, names.next()))
}

/// The name and the version of a layer of the account.
fn layer_of<'a>(arn: &'a str, account_id: &str) -> Option<(&'a str, u64)> {
    let arn = Arn::parse(arn).filter(|arn| arn.service == "lambda" && arn.account == account_id)?;
    let (name, version) = arn.resource.strip_prefix("layer:")?.split_once(':')?;
    Some((name, version.parse().ok()?))
}

impl Present<'_> {
    /// The tags of what is not told by an operation that takes an ARN: the
    /// services' own resources, and those of IAM and EC2.
    async fn own_tags(&self, text: &str) -> Result<Option<Told<Tags>>, ServiceError> {
        let told = |tags: Option<Tags>| Some(tags.map_or(Told::Nothing, Told::Is));
        if let Some((name, _)) = function_of(text, self.account_id) {
            return Ok(told(self.services.function(name).map(|function| function.tags)));
        }
        let Some(arn) = Arn::parse(text).filter(|arn| arn.account == self.account_id) else {
            return Ok(None);
        };
        let last = arn.resource.rsplit('/').next().unwrap_or_default();
        Ok(match (arn.service, arn.resource.split(['/', ':']).next().unwrap_or_default()) {
            ("iam", "role") => told(self.role(last).await?.map(|role| role.tags)),
            ("iam", "user") => told(self.user(last).await?.map(|user| user.tags)),
            ("iam", "policy") => told(self.policy_tags(text).await?),
            ("iam", "oidc-provider") => told(self.oidc_provider_tags(text).await?),
            ("iam", "instance-profile") => {
                told(self.instance_profile(last).await?.map(|profile| profile.tags))
            }
            ("lambda", "event-source-mapping") => {
                let uuid = arn.resource.rsplit(':').next().unwrap_or_default();
                told(self.services.lambda().event_source_mapping(uuid).map(|it| it.tags))
            }
            ("cloudformation", "stack") => told(self.services.stack(text).map(|stack| stack.tags)),
            ("ec2", _) => Some(Told::Is(self.ec2_tags(last).await?)),
            _ => None,
        })
    }
}

#[async_trait]
impl State for Present<'_> {
    fn account_id(&self) -> &str {
        self.account_id
    }

    async fn template(&self, url: &str) -> Result<Option<String>, ServiceError> {
        match self.services.template_object(url) {
            Some(object) => self.directory.object(&object).await,
            None => Ok(None),
        }
    }

    async fn role(&self, name: &str) -> Result<Option<Entity>, ServiceError> {
        Ok(self.directory.role(name).await?.map(|role| Entity {
            arn: role.arn.clone(),
            permissions_boundary: role.boundary.clone(),
            trust_policy: Some(role.trust.clone()),
            tags: role.tags.clone(),
        }))
    }

    async fn user(&self, name: &str) -> Result<Option<Entity>, ServiceError> {
        Ok(self.directory.user(name).await?.map(|user| Entity {
            arn: user.arn.clone(),
            permissions_boundary: user.boundary.clone(),
            trust_policy: None,
            tags: user.tags.clone(),
        }))
    }

    async fn group_arn(&self, name: &str) -> Result<Option<String>, ServiceError> {
        self.directory.group_arn(name).await
    }

    async fn instance_profile(&self, name: &str) -> Result<Option<InstanceProfile>, ServiceError> {
        self.directory.instance_profile(name).await
    }

    async fn policy_tags(&self, arn: &str) -> Result<Option<Tags>, ServiceError> {
        self.directory.managed_tags(arn).await
    }

    async fn function(&self, name: &str) -> Result<Option<Function>, ServiceError> {
        Ok(self.services.function(name))
    }

    async fn function_policy(
        &self,
        name: &str,
        qualifier: Option<&str>,
    ) -> Result<Option<String>, ServiceError> {
        Ok(self.services.function_policy(name, qualifier))
    }

    fn event_source_function(&self, uuid: &str) -> Option<String> {
        self.services.lambda().event_source_mapping(uuid).map(|mapping| mapping.function_arn)
    }

    async fn function_url_auth_type(
        &self,
        name: &str,
        qualifier: Option<&str>,
    ) -> Result<Option<String>, ServiceError> {
        Ok(self.services.function_url_auth_type(name, qualifier))
    }

    async fn api(&self, api_id: &str) -> Result<Option<serde_json::Value>, ServiceError> {
        Ok(self.services.api(api_id))
    }

    async fn route(
        &self,
        api_id: &str,
        route_id: &str,
    ) -> Result<Option<serde_json::Value>, ServiceError> {
        Ok(self.services.route(api_id, route_id))
    }

    async fn authorizer(
        &self,
        api_id: &str,
        authorizer_id: &str,
    ) -> Result<Option<serde_json::Value>, ServiceError> {
        Ok(self.services.authorizer(api_id, authorizer_id))
    }

    async fn stage(
        &self,
        api_id: &str,
        stage: &str,
    ) -> Result<Option<serde_json::Value>, ServiceError> {
        Ok(self.services.stage(api_id, stage))
    }

    async fn stack(&self, name: &str) -> Result<Option<Stack>, ServiceError> {
        Ok(self.services.stack(name))
    }

    async fn bucket_policy(&self, bucket: &str) -> Result<Option<String>, ServiceError> {
        self.directory.bucket_policy(bucket).await
    }

    async fn bucket_access(&self, bucket: &str) -> Result<BucketAccess, ServiceError> {
        self.directory.bucket_access(self.region, bucket).await
    }

    async fn acl(
        &self,
        bucket: &str,
        object: Option<(&str, Option<&str>)>,
    ) -> Result<Option<Acl>, ServiceError> {
        self.directory.acl(self.region, bucket, object).await
    }

    async fn secret(&self, id: &str) -> Result<Option<Secret>, ServiceError> {
        self.directory.secret(self.region, id).await
    }

    async fn resource_policy(&self, arn: &str) -> Result<Told<String>, ServiceError> {
        let told = |policy: Option<String>| policy.map_or(Told::Nothing, Told::Is);
        if let Some(Arn { service: "s3", region: "", account: "", resource, .. }) = Arn::parse(arn)
        {
            let bucket = resource.split('/').next().unwrap_or_default();
            return Ok(told(self.directory.bucket_policy(bucket).await?));
        }
        if let Some((name, qualifier)) = function_of(arn, self.account_id) {
            return Ok(told(self.services.function_policy(name, qualifier)));
        }
        if let Some((name, version)) = layer_of(arn, self.account_id) {
            return Ok(told(self.services.lambda().layer_policy(name, version)));
        }
        self.directory.resource_policy(self.region, arn).await
    }

    async fn told(&self, question: &Question) -> Result<Told<Vec<String>>, ServiceError> {
        self.directory.told(self.region, question).await
    }

    async fn resource_tags(&self, arn: &str) -> Result<Told<Tags>, ServiceError> {
        match self.own_tags(arn).await? {
            Some(told) => Ok(told),
            None => self.directory.resource_tags(self.region, arn).await,
        }
    }

    async fn kms_key(&self, id: &str) -> Result<KmsKey, ServiceError> {
        self.directory.kms_key(self.region, id).await
    }

    async fn encryption_key(&self, arn: &str) -> Result<Told<String>, ServiceError> {
        self.directory.encryption_key(self.region, arn).await
    }

    async fn s3_key(
        &self,
        bucket: &str,
        object: Option<(&str, Option<&str>)>,
    ) -> Result<Told<String>, ServiceError> {
        self.directory.s3_key(self.region, bucket, object).await
    }

    async fn upload_encryption(
        &self,
        bucket: &str,
        id: &str,
    ) -> Result<Told<String>, ServiceError> {
        Ok(self.directory.upload_encryption(bucket, id))
    }

    fn iterator_stream(&self, iterator: &str) -> Option<String> {
        self.directory.iterator_stream(iterator)
    }

    async fn parameter_keys(
        &self,
        path: &str,
        recursive: bool,
    ) -> Result<Told<Vec<(String, String)>>, ServiceError> {
        self.directory.parameter_keys(self.region, path, recursive).await
    }

    async fn kms_grant_retirement(
        &self,
        key: &str,
        grant: &str,
    ) -> Result<Told<String>, ServiceError> {
        self.directory.kms_grant_retirement(self.region, key, grant).await
    }

    async fn partition_key(
        &self,
        table: &str,
        index: Option<&str>,
    ) -> Result<Option<String>, ServiceError> {
        self.directory.partition_key(self.region, table, index).await
    }

    async fn oidc_provider_tags(&self, arn: &str) -> Result<Option<Tags>, ServiceError> {
        self.directory.oidc_provider_tags(arn).await
    }

    async fn ec2_vpc(&self, kind: &str, id: &str) -> Result<VpcOf, ServiceError> {
        self.directory.ec2_vpc(self.region, kind, id).await
    }

    async fn ec2_described(
        &self,
        operation: &str,
        set: &str,
    ) -> Result<Vec<serde_json::Value>, ServiceError> {
        self.directory.ec2_described(self.region, operation, set).await
    }

    async fn ec2_tags(&self, resource_id: &str) -> Result<Tags, ServiceError> {
        self.directory.ec2_tags(self.region, resource_id).await
    }
}
