//! What a mapping must know of the account's present state.

use async_trait::async_trait;
use ringfence_wire::{Service, ServiceError};

use super::bucket_access::{Acl, BucketAccess};

/// What a mapping may ask. Each answer is the present one; `None` means that
/// there is no such thing. An answer that cannot be had is an error, never a
/// guess.
#[async_trait]
pub trait State: Send + Sync {
    /// The account id.
    fn account_id(&self) -> &str;

    /// The template that a `TemplateURL` names; none where there is no such
    /// object.
    async fn template(&self, url: &str) -> Result<Option<String>, ServiceError>;

    /// A role, by name.
    async fn role(&self, name: &str) -> Result<Option<Entity>, ServiceError>;
    /// A user, by name.
    async fn user(&self, name: &str) -> Result<Option<Entity>, ServiceError>;
    /// The ARN of a group, with its path, by name.
    async fn group_arn(&self, name: &str) -> Result<Option<String>, ServiceError>;
    /// An instance profile, by name.
    async fn instance_profile(&self, name: &str) -> Result<Option<InstanceProfile>, ServiceError>;
    /// The tags of a managed policy, by ARN.
    async fn policy_tags(&self, arn: &str) -> Result<Option<Tags>, ServiceError>;

    /// A Lambda function's configuration as `GetFunctionConfiguration` shows
    /// it, by name.
    async fn function(&self, name: &str) -> Result<Option<Function>, ServiceError>;
    /// A function's resource policy, by name and qualifier.
    async fn function_policy(
        &self,
        name: &str,
        qualifier: Option<&str>,
    ) -> Result<Option<String>, ServiceError>;
    /// The ARN of the function of an event source mapping, by its UUID.
    fn event_source_function(&self, uuid: &str) -> Option<String>;
    /// The auth type (`NONE`, `AWS_IAM`) of a function's URL.
    async fn function_url_auth_type(
        &self,
        name: &str,
        qualifier: Option<&str>,
    ) -> Result<Option<String>, ServiceError>;

    /// An HTTP API, as `GetApi` shows it (member names in lower camel case).
    async fn api(&self, api_id: &str) -> Result<Option<serde_json::Value>, ServiceError>;
    /// A route, as `GetRoute` shows it.
    async fn route(
        &self,
        api_id: &str,
        route_id: &str,
    ) -> Result<Option<serde_json::Value>, ServiceError>;
    /// An authorizer, as `GetAuthorizer` shows it.
    async fn authorizer(
        &self,
        api_id: &str,
        authorizer_id: &str,
    ) -> Result<Option<serde_json::Value>, ServiceError>;
    /// A stage, as `GetStage` shows it.
    async fn stage(
        &self,
        api_id: &str,
        stage: &str,
    ) -> Result<Option<serde_json::Value>, ServiceError>;

    /// A stack, by name or id.
    async fn stack(&self, name: &str) -> Result<Option<Stack>, ServiceError>;

    /// A bucket's policy.
    async fn bucket_policy(&self, bucket: &str) -> Result<Option<String>, ServiceError>;
    /// A bucket's Block Public Access, with the account's, and Object Ownership.
    async fn bucket_access(&self, bucket: &str) -> Result<BucketAccess, ServiceError>;
    /// The access control list of a bucket, or of an object, by key and version.
    async fn acl(
        &self,
        bucket: &str,
        object: Option<(&str, Option<&str>)>,
    ) -> Result<Option<Acl>, ServiceError>;
    /// A secret, by name, by ARN, or by the ARN without its random suffix.
    async fn secret(&self, id: &str) -> Result<Option<Secret>, ServiceError>;
    /// The policy that a resource has, by ARN. What a role trusts is no such
    /// policy, and what Block Public Access leaves of a bucket's is not told here.
    async fn resource_policy(&self, arn: &str) -> Result<Told<String>, ServiceError>;
    /// What a service answers to a question about its own resources.
    async fn told(&self, question: &Question) -> Result<Told<Vec<String>>, ServiceError>;
    /// The tags of a resource of any service, by ARN.
    async fn resource_tags(&self, arn: &str) -> Result<Told<Tags>, ServiceError>;
    /// A key of KMS, by id, ARN, alias or alias's ARN; what is not there is an
    /// error, in KMS's own words.
    async fn kms_key(&self, id: &str) -> Result<KmsKey, ServiceError>;
    /// The key of KMS that a resource is encrypted with, as its service tells it:
    /// an id, an ARN or an alias.
    async fn encryption_key(&self, arn: &str) -> Result<Told<String>, ServiceError>;
    /// The key of an object, by key and version, or of new objects of a bucket.
    async fn s3_key(
        &self,
        bucket: &str,
        object: Option<(&str, Option<&str>)>,
    ) -> Result<Told<String>, ServiceError>;
    /// The key of KMS that a multipart upload encrypts with.
    async fn upload_encryption(&self, bucket: &str, id: &str)
    -> Result<Told<String>, ServiceError>;
    /// The ARN of the stream that an iterator of Kinesis was given out for.
    fn iterator_stream(&self, iterator: &str) -> Option<String>;
    /// The secure strings beneath a path: name and key of each.
    async fn parameter_keys(
        &self,
        path: &str,
        recursive: bool,
    ) -> Result<Told<Vec<(String, String)>>, ServiceError>;
    /// Who may retire a grant, as a policy of its key.
    async fn kms_grant_retirement(
        &self,
        key: &str,
        grant: &str,
    ) -> Result<Told<String>, ServiceError>;
    /// The name of the partition key of a DynamoDB table, or of one of its
    /// indexes.
    async fn partition_key(
        &self,
        table: &str,
        index: Option<&str>,
    ) -> Result<Option<String>, ServiceError>;
    /// The tags of an OIDC provider; none where it is not there.
    async fn oidc_provider_tags(&self, arn: &str) -> Result<Option<Tags>, ServiceError>;
    /// The VPC that a resource of EC2 is in, by its type and id.
    async fn ec2_vpc(&self, kind: &str, id: &str) -> Result<VpcOf, ServiceError>;
    /// The elements of the set that a description of EC2 answers with.
    async fn ec2_described(
        &self,
        operation: &str,
        set: &str,
    ) -> Result<Vec<serde_json::Value>, ServiceError>;
    /// The tags of an EC2 resource, by id.
    async fn ec2_tags(&self, resource_id: &str) -> Result<Tags, ServiceError>;
}

/// A question to a service: an operation that reads, with its input.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// The service.
    pub api: Service,
    /// The operation.
    pub operation: &'static str,
    /// Its input.
    pub input: serde_json::Map<String, serde_json::Value>,
    /// Where the texts stand in the answer: names of members, `*` for each of a
    /// list.
    pub answer: &'static [&'static str],
}

/// What the state tells of something that a resource may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told<T> {
    /// It has this.
    Is(T),
    /// It has none, or there is no such resource.
    Nothing,
    /// It may have one that cannot be read, for this reason.
    Unknown(String),
}

/// The VPC of a resource of EC2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VpcOf {
    /// It is in this one.
    Vpc(String),
    /// There is no such resource. AWS decides without the keys that it would
    /// bring: who may act on all resources is told that it is not there, who may
    /// act on those with a tag is refused.
    /// - <https://github.com/aws/karpenter-provider-aws/issues/2100>
    /// - <https://github.com/runs-on/terraform-aws-runs-on/issues/60>
    Missing,
    /// Nothing tells.
    Untold,
}

/// Tags, in order.
pub type Tags = Vec<(String, String)>;

/// A user or role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entity {
    /// With its path.
    pub arn: String,
    /// The ARN of its permissions boundary.
    pub permissions_boundary: Option<String>,
    /// A role's trust policy; none for a user.
    pub trust_policy: Option<String>,
    /// Its tags.
    pub tags: Tags,
}

/// What a mapping must know of an instance profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceProfile {
    /// With its path.
    pub arn: String,
    /// The ARN of the role that is in it.
    pub role: Option<String>,
    /// Its tags.
    pub tags: Tags,
}

/// What a mapping must know of a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secret {
    /// With its random suffix.
    pub arn: String,
    /// Its resource policy.
    pub policy: Option<String>,
    /// Its tags.
    pub tags: Tags,
}

/// What a mapping must know of a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// Unqualified.
    pub arn: String,
    /// Its execution role's ARN.
    pub role: String,
    /// Its tags.
    pub tags: Tags,
}

/// What a mapping must know of a key of KMS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KmsKey {
    /// Its ARN.
    pub arn: String,
    /// What `DescribeKey` tells of it.
    pub metadata: serde_json::Value,
    /// `alias/NAME`.
    pub aliases: Vec<String>,
    /// Its tags.
    pub tags: Told<Tags>,
}

impl KmsKey {
    /// The service for which AWS itself manages the key; none of a customer's.
    pub fn managed_for(&self) -> Option<&str> {
        self.aliases.iter().find_map(|alias| alias.strip_prefix("alias/aws/"))
    }
}

/// What a mapping must know of a stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stack {
    /// The stack's ARN.
    pub stack_id: String,
    /// The service role that sticks to it.
    pub role_arn: Option<String>,
    /// Its tags.
    pub tags: Tags,
}
