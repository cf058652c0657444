//! What resources say of themselves: policies, networks, tags.

use std::sync::Arc;

use ringfence_services::cloudformation::TemplateObject;
use ringfence_wire::{Service, ServiceError};
use serde_json::{Map, Value, json};

use super::{Directory, read};
use crate::requirements::state::{InstanceProfile, Secret, Tags, VpcOf};

impl Directory {
    /// A bucket's policy.
    pub(crate) async fn bucket_policy(&self, bucket: &str) -> Result<Option<String>, ServiceError> {
        let policy = self.buckets.get(bucket, self.load_bucket_policy(bucket)).await?;
        Ok(policy.as_deref().map(str::to_owned))
    }

    /// Whether a bucket is there.
    pub(crate) async fn has_bucket(
        &self,
        region: &str,
        bucket: &str,
    ) -> Result<bool, ServiceError> {
        let input = json!({"Bucket": bucket});
        match self.ask_in(region, Service::S3, "HeadBucket", input).await {
            Ok(_) => Ok(true),
            // An answer to HEAD has no body that could hold a code.
            Err(error) if error.status == 404 => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Whether a bucket is this account's. A new upstream has those alone that were
    /// made through the guard.
    ///
    /// # Errors
    /// That the upstream does not answer.
    pub(crate) async fn owns_bucket(&self, bucket: &str) -> Result<bool, ServiceError> {
        if self.regions.of(bucket).is_some() {
            return Ok(true);
        }
        if self.upstream.is_new() {
            return Ok(false);
        }
        let listed = self.ask(Service::S3, "ListBuckets", json!({})).await?;
        let mut names = read::list(&listed, "Buckets").iter();
        Ok(names.any(|it| it.get("Name").and_then(Value::as_str) == Some(bucket)))
    }

    /// The text of an object.
    pub(crate) async fn object(
        &self,
        object: &TemplateObject,
    ) -> Result<Option<String>, ServiceError> {
        let mut input = Map::from_iter([
            ("Bucket".to_owned(), Value::from(object.bucket.as_str())),
            ("Key".to_owned(), Value::from(object.key.as_str())),
        ]);
        if let Some(version) = &object.version {
            input.insert("VersionId".to_owned(), Value::from(version.as_str()));
        }
        self.look_up_payload(Service::S3, "GetObject", &input).await
    }

    /// The name of the partition key of a table or of one of its indexes.
    pub(crate) async fn partition_key(
        &self,
        region: &str,
        table: &str,
        index: Option<&str>,
    ) -> Result<Option<String>, ServiceError> {
        let input = json!({"TableName": table});
        let answer = self.look_up_in(region, Service::DynamoDb, "DescribeTable", input).await?;
        let Some(table) = answer.as_ref().and_then(|answer| answer.get("Table")) else {
            return Ok(None);
        };
        let keyed = match index {
            None => Some(table),
            Some(index) => ["GlobalSecondaryIndexes", "LocalSecondaryIndexes"]
                .iter()
                .flat_map(|kind| read::list(table, kind))
                .find(|own| read::text(own, "IndexName") == Some(index)),
        };
        Ok(keyed
            .map(|keyed| read::list(keyed, "KeySchema"))
            .into_iter()
            .flatten()
            .find(|key| read::text(key, "KeyType") == Some("HASH"))
            .and_then(|key| read::text(key, "AttributeName"))
            .map(str::to_owned))
    }

    /// The ARN of a group.
    pub(crate) async fn group_arn(&self, name: &str) -> Result<Option<String>, ServiceError> {
        let answer = self.look_up(Service::Iam, "GetGroup", json!({"GroupName": name})).await?;
        Ok(answer
            .as_ref()
            .and_then(|answer| answer.get("Group"))
            .and_then(|group| read::text(group, "Arn"))
            .map(str::to_owned))
    }

    /// An instance profile.
    pub(crate) async fn instance_profile(
        &self,
        name: &str,
    ) -> Result<Option<InstanceProfile>, ServiceError> {
        let input = json!({"InstanceProfileName": name});
        let answer = self.look_up(Service::Iam, "GetInstanceProfile", input).await?;
        Ok(answer.as_ref().and_then(|answer| answer.get("InstanceProfile")).and_then(|profile| {
            let role = profile.pointer("/Roles/0").and_then(|role| read::text(role, "Arn"));
            Some(InstanceProfile {
                arn: read::text(profile, "Arn")?.to_owned(),
                role: role.map(str::to_owned),
                tags: read::tags(profile, "Tags"),
            })
        }))
    }

    /// Whether there is a log group.
    pub(crate) async fn has_log_group(
        &self,
        region: &str,
        group: &str,
    ) -> Result<bool, ServiceError> {
        // A group comes before those whose names begin with its own.
        let input = json!({"logGroupNamePrefix": group, "limit": 1});
        let answer = self.look_up_in(region, Service::Logs, "DescribeLogGroups", input).await?;
        let first = answer.as_ref().and_then(|answer| answer.pointer("/logGroups/0"));
        Ok(first.and_then(|it| read::text(it, "logGroupName")) == Some(group))
    }

    /// Whether a secret is to be deleted.
    pub(crate) async fn secret_is_marked(
        &self,
        region: &str,
        id: &str,
    ) -> Result<bool, ServiceError> {
        let input = json!({"SecretId": id});
        let described =
            self.look_up_in(region, Service::SecretsManager, "DescribeSecret", input).await?;
        Ok(described.is_some_and(|it| it.get("DeletedDate").is_some_and(|date| !date.is_null())))
    }

    /// A secret with its policy.
    pub(crate) async fn secret(
        &self,
        region: &str,
        id: &str,
    ) -> Result<Option<Secret>, ServiceError> {
        let input = json!({"SecretId": id});
        let Some(described) = self
            .look_up_in(region, Service::SecretsManager, "DescribeSecret", input.clone())
            .await?
        else {
            return Ok(None);
        };
        let Some(arn) = read::text(&described, "ARN") else { return Ok(None) };
        let policy =
            self.look_up_in(region, Service::SecretsManager, "GetResourcePolicy", input).await?;
        Ok(Some(Secret {
            arn: arn.to_owned(),
            policy: policy
                .as_ref()
                .and_then(|policy| read::text(policy, "ResourcePolicy"))
                .map(str::to_owned),
            tags: read::tags(&described, "Tags"),
        }))
    }

    /// The tags of an OIDC provider.
    pub(crate) async fn oidc_provider_tags(&self, arn: &str) -> Result<Option<Tags>, ServiceError> {
        let input = json!({"OpenIDConnectProviderArn": arn});
        let answer = self.look_up(Service::Iam, "GetOpenIDConnectProvider", input).await?;
        Ok(answer.map(|answer| read::tags(&answer, "Tags")))
    }

    /// The VPC of a resource of EC2, which never changes it.
    pub(crate) async fn ec2_vpc(
        &self,
        region: &str,
        kind: &str,
        id: &str,
    ) -> Result<VpcOf, ServiceError> {
        let (operation, member, set) = match kind {
            "network-acl" => ("DescribeNetworkAcls", "NetworkAclId", "networkAclSet"),
            "network-interface" => {
                ("DescribeNetworkInterfaces", "NetworkInterfaceId", "networkInterfaceSet")
            }
            "route-table" => ("DescribeRouteTables", "RouteTableId", "routeTableSet"),
            "security-group" => ("DescribeSecurityGroups", "GroupId", "securityGroupInfo"),
            "subnet" => ("DescribeSubnets", "SubnetId", "subnetSet"),
            _ => return Ok(VpcOf::Untold),
        };
        let load = async {
            let input = json!({member: [id]});
            let answer = self.look_up_in(region, Service::Ec2, operation, input).await?;
            let found = answer.as_ref().and_then(|answer| read::list(answer, set).first());
            Ok(match found.map(|found| read::text(found, "vpcId")) {
                Some(Some(vpc)) => VpcOf::Vpc(vpc.to_owned()),
                Some(None) => VpcOf::Untold,
                None => VpcOf::Missing,
            })
        };
        self.vpcs.get(&format!("{region}/{kind}/{id}"), load).await
    }

    /// The tags of an EC2 resource, by id.
    pub(crate) async fn ec2_tags(&self, region: &str, id: &str) -> Result<Tags, ServiceError> {
        let input = json!({"Filter": [{"Name": "resource-id", "Value": [id]}]});
        let answer = self.ask_in(region, Service::Ec2, "DescribeTags", input).await?;
        Ok(read::tags(&answer, "tagSet"))
    }

    /// What a description of EC2 without a filter lists: emulators know few
    /// filters, and what they find by them is not known to be all.
    pub(crate) async fn ec2_described(
        &self,
        region: &str,
        operation: &str,
        set: &str,
    ) -> Result<Vec<Value>, ServiceError> {
        let mut all = Vec::new();
        let mut input = json!({});
        loop {
            let page = self.ask_in(region, Service::Ec2, operation, input).await?;
            all.extend_from_slice(read::list(&page, set));
            let Some(token) = read::text(&page, "nextToken") else { return Ok(all) };
            input = json!({"NextToken": token});
        }
    }

    async fn load_bucket_policy(&self, bucket: &str) -> Result<Option<Arc<str>>, ServiceError> {
        let input = Map::from_iter([("Bucket".to_owned(), Value::from(bucket))]);
        let policy = self.look_up_payload(Service::S3, "GetBucketPolicy", &input).await?;
        Ok(policy.map(Arc::from))
    }
}
