//! Keys of KMS, with their aliases and grants.

use ringfence_wire::{Service, ServiceError};
use serde_json::{Map, Value, json};

use super::arns::Arn;
use super::endings::Endings;
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
            grants.iter().filter_map(|grant| statement(grant, &self.endings)).collect();
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
        let root = format!("arn:aws:iam::{}:root", self.setting.account_id);
        let retiring = grant.and_then(|grant| principal(grant, "RetiringPrincipal", &self.endings));
        let principals = [Some(json!({"AWS": root})), retiring];
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
    json!({"Version": "2012-10-17", "Statement": [
        {"Sid": "ThroughTheService", "Effect": "Allow", "Principal": {"AWS": "*"}, "Resource": "*",
            "Action": ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*",
                "kms:CreateGrant", "kms:DescribeKey"],
            "Condition": {"StringEquals": {"kms:CallerAccount": account,
                "kms:ViaService": format!("{service}.{region}.amazonaws.com")}}},
        {"Sid": "MetadataToTheAccount", "Effect": "Allow", "Resource": "*",
            "Principal": {"AWS": format!("arn:aws:iam::{account}:root")},
            "Action": ["kms:Describe*", "kms:Get*", "kms:List*", "kms:RevokeGrant"]},
    ]})
    .to_string()
}

/// What a grant allows, as a statement of the key's policy: a grant is an Allow
/// beside it, which explicit denies go before
/// (<https://docs.aws.amazon.com/kms/latest/developerguide/grants.html>).
fn statement(grant: &Value, endings: &Endings) -> Option<Value> {
    let id = read::text(grant, "GrantId").unwrap_or_default();
    let grantee = principal(grant, "GranteePrincipal", endings)
        .or_else(|| principal(grant, "GranteeServicePrincipal", endings))?;
    let actions: Vec<String> = read::list(grant, "Operations")
        .iter()
        .filter_map(Value::as_str)
        .map(|operation| format!("kms:{operation}"))
        .collect();
    if actions.is_empty() {
        return None;
    }
    let mut statement = json!({"Sid": format!("Grant{id}"), "Effect": "Allow", "Principal": grantee,
        "Action": actions, "Resource": "*"});
    let constraints = grant.get("Constraints").and_then(Value::as_object);
    if let Some(condition) = constraints.map(condition).filter(|condition| !condition.is_empty()) {
        statement.as_object_mut()?.insert("Condition".to_owned(), Value::Object(condition));
    }
    Some(statement)
}

/// A principal of a grant as a policy names it; that of a deleted one is
/// nobody's.
fn principal(grant: &Value, member: &str, endings: &Endings) -> Option<Value> {
    let text = read::text(grant, member)?;
    let after = read::text(grant, "GrantId").and_then(|id| endings.of_grant(id, text));
    let text = after.as_deref().unwrap_or(text);
    Some(match text.ends_with(".amazonaws.com") {
        true => json!({"Service": text}),
        false => json!({"AWS": text}),
    })
}

/// The constraints of a grant: pairs that the encryption context has, or is. A
/// constraint of another kind is never met.
fn condition(constraints: &Map<String, Value>) -> Map<String, Value> {
    let mut equals = Map::new();
    let mut all = Map::new();
    for (kind, value) in constraints.iter().filter(|(_, value)| !value.is_null()) {
        match (kind.as_str(), value) {
            ("EncryptionContextEquals" | "EncryptionContextSubset", Value::Object(pairs)) => {
                for (key, value) in pairs {
                    equals.insert(format!("kms:EncryptionContext:{key}"), value.clone());
                }
                if kind == "EncryptionContextEquals" {
                    let keys: Vec<&String> = pairs.keys().collect();
                    all.insert("kms:EncryptionContextKeys".to_owned(), json!(keys));
                }
            }
            ("SourceArn", Value::String(arn)) => {
                equals.insert("aws:SourceArn".to_owned(), arn.as_str().into());
            }
            (kind, _) => drop(equals.insert("ringfence:GrantConstraint".to_owned(), kind.into())),
        }
    }
    [("StringEquals", equals), ("ForAllValues:StringEquals", all)]
        .into_iter()
        .filter(|(_, tests)| !tests.is_empty())
        .map(|(operator, tests)| (operator.to_owned(), Value::Object(tests)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_is_an_allow_for_its_grantee() {
        let grant = json!({"GrantId": "69659377", "GranteePrincipal": "arn:aws:iam::1:role/r",
            "Operations": ["Decrypt", "ReEncryptFrom"],
            "Constraints": {"EncryptionContextSubset": {"a": "b"}}});
        assert_eq!(
            statement(&grant, &Endings::default()),
            Some(json!({"Sid": "Grant69659377", "Effect": "Allow", "Resource": "*",
                "Principal": {"AWS": "arn:aws:iam::1:role/r"},
                "Action": ["kms:Decrypt", "kms:ReEncryptFrom"],
                "Condition": {"StringEquals": {"kms:EncryptionContext:a": "b"}}}))
        );
    }

    #[test]
    fn a_context_that_must_be_equal_has_no_other_keys() {
        let constraints = json!({"EncryptionContextEquals": {"a": "b", "c": "d"}});
        assert_eq!(
            Value::Object(condition(constraints.as_object().unwrap())),
            json!({"StringEquals": {"kms:EncryptionContext:a": "b", "kms:EncryptionContext:c": "d"},
                "ForAllValues:StringEquals": {"kms:EncryptionContextKeys": ["a", "c"]}})
        );
        let unknown = json!({"Another": "x", "EncryptionContextSubset": null});
        assert_eq!(
            Value::Object(condition(unknown.as_object().unwrap())),
            json!({"StringEquals": {"ringfence:GrantConstraint": "Another"}})
        );
    }

    #[test]
    fn a_grant_of_nobody_allows_nothing() {
        assert_eq!(
            statement(&json!({"GrantId": "1", "Operations": ["Decrypt"]}), &Endings::default()),
            None
        );
        assert_eq!(
            statement(&json!({"GrantId": "1", "GranteePrincipal": "a"}), &Endings::default()),
            None
        );
    }
}
