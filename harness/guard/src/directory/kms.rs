//! Keys of KMS, with their aliases and grants.

use ringfence_models::Partition;
use ringfence_wire::{Service, ServiceError};
use serde_json::{Value, json};

use super::arns::Arn;
use super::grants::{principal, statements};
use super::resource_policies::with;
use super::{Directory, read};
use crate::requirements::state::{KmsKey, Told};

impl Directory {
    /// A key, by id, ARN, alias or alias's ARN.
    ///
    /// # Errors
    /// KMS's own, where there is no such key.
    pub(crate) async fn kms_key(&self, region: &str, id: &str) -> Result<KmsKey, ServiceError> {
        let region = Arn::parse(id).map_or(region, |arn| arn.region);
        let key = format!("kms\n{region}\n{id}");
        self.kms_keys.get(&key, self.load_kms_key(region, id)).await
    }

    async fn load_kms_key(&self, region: &str, id: &str) -> Result<KmsKey, ServiceError> {
        let described =
            self.ask_in(region, Service::Kms, "DescribeKey", json!({"KeyId": id})).await?;
        let metadata = described.get("KeyMetadata").cloned().unwrap_or_default();
        let (Some(arn), Some(key_id)) =
            (read::text(&metadata, "Arn"), read::text(&metadata, "KeyId"))
        else {
            return Err(super::resource_policies::unreadable());
        };
        let (arn, key_id) = (arn.to_owned(), key_id.to_owned());
        let listed =
            self.kms_list(region, "ListAliases", json!({"KeyId": key_id}), "Aliases").await?;
        let aliases = listed
            .iter()
            // An emulator may list those of all keys.
            .filter(|alias| read::text(alias, "TargetKeyId") == Some(&key_id))
            .filter_map(|alias| read::text(alias, "AliasName"))
            .map(str::to_owned)
            .collect();
        let tags = self.resource_tags(region, &arn).await?;
        Ok(KmsKey { arn, metadata, aliases, tags })
    }

    /// All pages of a list of KMS.
    pub(super) async fn kms_list(
        &self,
        region: &str,
        operation: &str,
        input: Value,
        member: &str,
    ) -> Result<Vec<Value>, ServiceError> {
        let mut all = Vec::new();
        let mut input = input;
        loop {
            let page = self.ask_in(region, Service::Kms, operation, input.clone()).await?;
            all.extend_from_slice(read::list(&page, member));
            let more = page.get("Truncated").and_then(Value::as_bool) == Some(true);
            match read::text(&page, "NextMarker").filter(|_| more) {
                Some(marker) => {
                    if let Some(members) = input.as_object_mut() {
                        members.insert("Marker".to_owned(), marker.into());
                    }
                }
                None => return Ok(all),
            }
        }
    }

    /// The policy of a key with what its grants add.
    pub(super) async fn key_policy(
        &self,
        region: &str,
        arn: &str,
        policy: Told<String>,
    ) -> Result<Told<String>, ServiceError> {
        let Told::Is(policy) = policy else { return Ok(policy) };
        let key = self.kms_key(region, arn).await?;
        if let Some(service) = key.managed_for() {
            return Ok(Told::Is(policy_of_managed(&self.setting.account_id, region, service)));
        }
        let grants = self.kms_grants(region, arn).await?;
        if grants.is_empty() {
            return Ok(Told::Is(policy));
        }
        let statements: Vec<Value> =
            grants.iter().flat_map(|grant| statements(grant, &self.endings)).collect();
        let document = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
        Ok(with(&policy, &document).map_or_else(
            || Told::Unknown("its policy and its grants are of two versions".to_owned()),
            Told::Is,
        ))
    }

    async fn kms_grants(&self, region: &str, arn: &str) -> Result<Vec<Value>, ServiceError> {
        let key = format!("kms\n{region}\n{arn}");
        let load = self.kms_list(region, "ListGrants", json!({"KeyId": arn}), "Grants");
        self.kms_grants.get(&key, load).await
    }

    /// Who may retire a grant, as a policy of its key.
    ///
    /// # Errors
    /// That the upstream cannot tell.
    pub(crate) async fn kms_grant_retirement(
        &self,
        region: &str,
        arn: &str,
        grant_id: &str,
    ) -> Result<Told<String>, ServiceError> {
        let Told::Is(policy) = self.resource_policy(region, arn).await? else {
            return Ok(Told::Nothing);
        };
        let grants = self.kms_grants(region, arn).await?;
        let grant = grants.iter().find(|grant| read::text(grant, "GrantId") == Some(grant_id));
        let root =
            format!("arn:{}:iam::{}:root", self.setting.partition(), self.setting.account_id);
        let retiring = grant.and_then(|grant| principal(grant, "RetiringPrincipal", &self.endings));
        // "The grantee principal, if the grant gives it permission to call RetireGrant".
        let grantee = grant
            .filter(|grant| read::list(grant, "Operations").iter().any(|it| it == "RetireGrant"))
            .and_then(|grant| principal(grant, "GranteePrincipal", &self.endings));
        let principals = [Some(json!({"AWS": root})), retiring, grantee];
        let statements: Vec<Value> = principals
            .into_iter()
            .flatten()
            .map(|principal| {
                json!({"Sid": format!("Grant{grant_id}"), "Effect": "Allow", "Principal": principal,
                    "Action": "kms:RetireGrant", "Resource": "*"})
            })
            .collect();
        let document = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
        Ok(with(&policy, &document).map_or(Told::Nothing, Told::Is))
    }
}

/// The policy that AWS gives the keys that it manages; nobody can change it
/// (<https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#aws-managed-cmk>).
fn policy_of_managed(account: &str, region: &str, service: &str) -> String {
    // The volumes' service is called otherwise than their key.
    let service = if service == "ebs" { "ec2" } else { service };
    let partition = Partition::of_region(region);
    json!({"Version": "2012-10-17", "Statement": [
        {"Sid": "ThroughTheService", "Effect": "Allow", "Principal": {"AWS": "*"}, "Resource": "*",
            "Action": ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*",
                "kms:CreateGrant", "kms:DescribeKey"],
            "Condition": {"StringEquals": {"kms:CallerAccount": account,
                "kms:ViaService": format!("{service}.{region}.{}", partition.dns_suffix)}}},
        {"Sid": "MetadataToTheAccount", "Effect": "Allow", "Resource": "*",
            "Principal": {"AWS": format!("arn:{partition}:iam::{account}:root")},
            "Action": ["kms:Describe*", "kms:Get*", "kms:List*", "kms:RevokeGrant"]},
    ]})
    .to_string()
}
