//! The state of a supposed account.

use async_trait::async_trait;
use ringfence_wire::ServiceError;
use serde_json::{Map, Value, json};

use super::Supposed;
use crate::requirements::bucket_access::{Acl, BucketAccess};
use crate::requirements::state::{
    Entity, Function, InstanceProfile, KmsKey, Question, Secret, Stack, State, Tags, Told, VpcOf,
};

type Answer<T> = Result<T, ServiceError>;

impl Supposed {
    /// The resource's part of the ARN.
    fn part(&self) -> &str {
        self.resource.splitn(6, ':').nth(5).unwrap_or_default()
    }

    /// Whether the resource is one of IAM's of a kind (`role`) and a name.
    fn is_entity(&self, kind: &str, name: &str) -> bool {
        let path = self.part().strip_prefix(kind).and_then(|rest| rest.strip_prefix('/'));
        self.resource.contains(":iam:")
            && path.is_some_and(|path| path.rsplit('/').next() == Some(name))
    }

    fn entity(&self, kind: &str, name: &str) -> Option<Entity> {
        self.is_entity(kind, name).then(|| Entity {
            arn: self.resource.clone(),
            permissions_boundary: self.boundary.clone(),
            trust_policy: None,
            tags: self.tags.clone(),
        })
    }

    fn is(&self, arn: &str) -> bool {
        self.resource == arn
    }

    /// As the answers of services that know tags have them.
    fn tagged(&self) -> Value {
        let tags = self.tags.iter().map(|(key, value)| (key.clone(), json!(value)));
        json!({"tags": tags.collect::<Map<_, _>>()})
    }

    /// Whether the resource is a part of an HTTP API that this path leads to.
    fn is_of_api(&self, path: &str) -> bool {
        self.resource.contains(":apigateway:") && self.part() == path
    }
}

#[async_trait]
impl State for Supposed {
    fn account_id(&self) -> &str {
        &self.account_id
    }

    async fn template(&self, _: &str) -> Answer<Option<String>> {
        Ok(None)
    }

    async fn role(&self, name: &str) -> Answer<Option<Entity>> {
        Ok(self.entity("role", name))
    }

    async fn user(&self, name: &str) -> Answer<Option<Entity>> {
        Ok(self.entity("user", name))
    }

    async fn group_arn(&self, name: &str) -> Answer<Option<String>> {
        Ok(self.is_entity("group", name).then(|| self.resource.clone()))
    }

    async fn instance_profile(&self, name: &str) -> Answer<Option<InstanceProfile>> {
        Ok(self.is_entity("instance-profile", name).then(|| InstanceProfile {
            arn: self.resource.clone(),
            role: None,
            tags: self.tags.clone(),
        }))
    }

    async fn policy_tags(&self, arn: &str) -> Answer<Option<Tags>> {
        Ok(self.is(arn).then(|| self.tags.clone()))
    }

    async fn function(&self, name: &str) -> Answer<Option<Function>> {
        let own = self.part().strip_prefix("function:").and_then(|part| part.split(':').next());
        let is_it = self.resource.contains(":lambda:") && own == Some(name);
        Ok(is_it.then(|| Function {
            arn: self.resource.splitn(8, ':').take(7).collect::<Vec<_>>().join(":"),
            role: String::new(),
            tags: self.tags.clone(),
        }))
    }

    async fn function_policy(&self, _: &str, _: Option<&str>) -> Answer<Option<String>> {
        Ok(None)
    }

    fn event_source_function(&self, _: &str) -> Option<String> {
        None
    }

    async fn function_url_auth_type(&self, _: &str, _: Option<&str>) -> Answer<Option<String>> {
        Ok(None)
    }

    async fn api(&self, id: &str) -> Answer<Option<Value>> {
        Ok(self.is_of_api(&format!("/apis/{id}")).then(|| self.tagged()))
    }

    async fn route(&self, api: &str, id: &str) -> Answer<Option<Value>> {
        Ok(self.is_of_api(&format!("/apis/{api}/routes/{id}")).then(|| self.tagged()))
    }

    async fn authorizer(&self, api: &str, id: &str) -> Answer<Option<Value>> {
        Ok(self.is_of_api(&format!("/apis/{api}/authorizers/{id}")).then(|| self.tagged()))
    }

    async fn stage(&self, api: &str, name: &str) -> Answer<Option<Value>> {
        Ok(self.is_of_api(&format!("/apis/{api}/stages/{name}")).then(|| self.tagged()))
    }

    async fn stack(&self, name: &str) -> Answer<Option<Stack>> {
        let own = self.part().strip_prefix("stack/").and_then(|part| part.split('/').next());
        let is_it = self.resource.contains(":cloudformation:") && own == Some(name);
        Ok((is_it || self.is(name)).then(|| Stack {
            stack_id: self.resource.clone(),
            role_arn: None,
            tags: self.tags.clone(),
        }))
    }

    async fn bucket_policy(&self, _: &str) -> Answer<Option<String>> {
        Ok(None)
    }

    async fn bucket_access(&self, _: &str) -> Answer<BucketAccess> {
        Ok(BucketAccess::default())
    }

    async fn acl(&self, _: &str, _: Option<(&str, Option<&str>)>) -> Answer<Option<Acl>> {
        Ok(None)
    }

    async fn secret(&self, id: &str) -> Answer<Option<Secret>> {
        let name = self.part().strip_prefix("secret:").unwrap_or_default();
        // `-` and six letters stand behind the name.
        let plain = name.len().checked_sub(7).and_then(|end| name.get(..end));
        let is_it = self.resource.contains(":secretsmanager:") && plain == Some(id);
        Ok((is_it || self.is(id)).then(|| Secret {
            arn: self.resource.clone(),
            policy: None,
            tags: self.tags.clone(),
        }))
    }

    async fn resource_policy(&self, _: &str) -> Answer<Told<String>> {
        Ok(Told::Nothing)
    }

    async fn told(&self, _: &Question) -> Answer<Told<Vec<String>>> {
        Ok(Told::Nothing)
    }

    async fn resource_tags(&self, arn: &str) -> Answer<Told<Tags>> {
        Ok(if self.is(arn) { Told::Is(self.tags.clone()) } else { Told::Nothing })
    }

    async fn kms_key(&self, id: &str) -> Answer<KmsKey> {
        let own = self.part().strip_prefix("key/");
        let is_it = self.resource.contains(":kms:") && own == Some(id);
        match is_it || self.is(id) {
            true => Ok(KmsKey {
                arn: self.resource.clone(),
                metadata: json!({"KeyId": own, "KeySpec": "SYMMETRIC_DEFAULT",
                    "KeyUsage": "ENCRYPT_DECRYPT", "Origin": "AWS_KMS", "MultiRegion": false}),
                aliases: Vec::new(),
                tags: Told::Is(self.tags.clone()),
            }),
            false => {
                let message = format!("Key '{id}' does not exist");
                Err(ServiceError::new(400, "NotFoundException", message))
            }
        }
    }

    async fn encryption_key(&self, _: &str) -> Answer<Told<String>> {
        Ok(Told::Nothing)
    }

    async fn s3_key(&self, _: &str, _: Option<(&str, Option<&str>)>) -> Answer<Told<String>> {
        Ok(Told::Nothing)
    }

    async fn upload_encryption(&self, _: &str, _: &str) -> Answer<Told<String>> {
        Ok(Told::Nothing)
    }

    fn iterator_stream(&self, _: &str) -> Option<String> {
        None
    }

    async fn parameter_keys(&self, _: &str, _: bool) -> Answer<Told<Vec<(String, String)>>> {
        Ok(Told::Nothing)
    }

    async fn kms_grant_retirement(&self, _: &str, _: &str) -> Answer<Told<String>> {
        Ok(Told::Nothing)
    }

    async fn partition_key(&self, _: &str, _: Option<&str>) -> Answer<Option<String>> {
        Ok(None)
    }

    async fn oidc_provider_tags(&self, arn: &str) -> Answer<Option<Tags>> {
        Ok(self.is(arn).then(|| self.tags.clone()))
    }

    async fn ec2_vpc(&self, _: &str, _: &str) -> Answer<VpcOf> {
        Ok(VpcOf::Missing)
    }

    async fn ec2_described(&self, _: &str, _: &str) -> Answer<Vec<Value>> {
        Ok(Vec::new())
    }

    async fn ec2_tags(&self, id: &str) -> Answer<Tags> {
        let is_it = self.resource.contains(":ec2:") && self.part().ends_with(&format!("/{id}"));
        Ok(if is_it { self.tags.clone() } else { Tags::new() })
    }
}
