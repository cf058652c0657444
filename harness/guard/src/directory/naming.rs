//! The stored policies that name a principal.

use ringfence_wire::{Service, ServiceError};
use serde_json::{Map, Value, json};

use super::{Directory, read};

/// A policy of a role, a bucket or a secret, and how it is stored.
#[derive(Debug)]
pub(crate) struct Stored {
    /// The service that stores it.
    pub(crate) service: Service,
    /// The operation that stores it, with its target.
    pub(crate) operation: &'static str,
    pub(crate) target: Map<String, Value>,
    /// The member that holds it.
    pub(crate) member: &'static str,
    /// The policy.
    pub(crate) text: String,
}

impl Directory {
    /// The policies that hold a principal's ARN.
    ///
    /// # Errors
    /// When the upstream cannot tell.
    pub(crate) async fn policies_that_name(
        &self,
        region: &str,
        arn: &str,
    ) -> Result<Vec<Stored>, ServiceError> {
        let mut all = self.trust_policies().await?;
        all.extend(self.bucket_policies().await?);
        all.extend(self.secret_policies(region).await?);
        all.retain(|stored| stored.text.contains(arn));
        Ok(all)
    }

    async fn trust_policies(&self) -> Result<Vec<Stored>, ServiceError> {
        let mut stored = Vec::new();
        for role in self.iam_list("ListRoles", Map::new(), "Roles").await? {
            let Some(name) = read::text(&role, "RoleName") else { continue };
            if let Some(role) = self.role(name).await? {
                stored.push(Stored {
                    service: Service::Iam,
                    operation: "UpdateAssumeRolePolicy",
                    target: target("RoleName", name),
                    member: "PolicyDocument",
                    text: role.trust.clone(),
                });
            }
        }
        Ok(stored)
    }

    async fn bucket_policies(&self) -> Result<Vec<Stored>, ServiceError> {
        let mut stored = Vec::new();
        let answer = self.ask(Service::S3, "ListBuckets", json!({})).await?;
        for bucket in read::list(&answer, "Buckets") {
            let Some(name) = read::text(bucket, "Name") else { continue };
            if let Some(text) = self.bucket_policy(name).await? {
                stored.push(Stored {
                    service: Service::S3,
                    operation: "PutBucketPolicy",
                    target: target("Bucket", name),
                    member: "Policy",
                    text,
                });
            }
        }
        Ok(stored)
    }

    async fn secret_policies(&self, region: &str) -> Result<Vec<Stored>, ServiceError> {
        let service = Service::SecretsManager;
        let (mut stored, mut input) = (Vec::new(), json!({}));
        loop {
            let page = self.ask_in(region, service, "ListSecrets", input).await?;
            for secret in read::list(&page, "SecretList") {
                let Some(arn) = read::text(secret, "ARN") else { continue };
                let named = json!({"SecretId": arn});
                let policy = self.look_up_in(region, service, "GetResourcePolicy", named).await?;
                let text = policy.as_ref().and_then(|own| read::text(own, "ResourcePolicy"));
                stored.extend(text.map(|text| Stored {
                    service,
                    operation: "PutResourcePolicy",
                    target: target("SecretId", arn),
                    member: "ResourcePolicy",
                    text: text.to_owned(),
                }));
            }
            let Some(token) = read::text(&page, "NextToken") else { return Ok(stored) };
            input = json!({"NextToken": token});
        }
    }
}

fn target(member: &str, value: &str) -> Map<String, Value> {
    Map::from_iter([(member.to_owned(), value.into())])
}
