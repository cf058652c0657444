//! The accounts that are guarded, and in which of them a call acts: that of its
//! caller, or the one whose role or resource it names.
//!
//! What another account's policy must allow, and what the caller's own must, is the
//! engine's to say
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html>):
//! here each side is only found. A call whose permissions are about resources of
//! several accounts is not decided.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::request;
use ringfence_services::Keyring;
use ringfence_services::credentials::{Identity, Session};
use ringfence_wire::signature::{self, v2};
use ringfence_wire::{Call, Service, ServiceError};

use crate::directory::Directory;
use crate::directory::arns::Arn;
use crate::requirements::{Requirement, kms};

/// The directories of the accounts that are guarded, by account.
#[derive(Debug, Clone)]
pub(crate) struct Directories(Arc<BTreeMap<String, Arc<Directory>>>);

impl Directories {
    /// Those of these accounts.
    pub(crate) fn new(accounts: impl IntoIterator<Item = (String, Arc<Directory>)>) -> Self {
        Self(Arc::new(accounts.into_iter().collect()))
    }

    /// An account's, where it is guarded.
    pub(crate) fn of(&self, account: &str) -> Option<&Arc<Directory>> {
        self.0.get(account)
    }

    /// That of a caller's account, where it has one that is guarded.
    pub(crate) fn of_caller(&self, caller: &Identity) -> Option<&Arc<Directory>> {
        self.of(caller.account_id()?)
    }

    /// Whether there is more than one account.
    fn are_several(&self) -> bool {
        self.0.len() > 1
    }

    /// The account of a bucket. Their names are one namespace of all accounts
    /// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>).
    ///
    /// # Errors
    /// That the upstream does not answer.
    async fn owner_of_bucket(&self, bucket: &str) -> Result<Option<&str>, ServiceError> {
        for (account, directory) in self.0.iter() {
            if directory.owns_bucket(bucket).await? {
                return Ok(Some(account));
            }
        }
        Ok(None)
    }

    /// The account of the key that a ciphertext is of: the caller's, else another's. "AWS
    /// KMS can get this information from metadata that it adds to the symmetric ciphertext
    /// blob" (<https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html>).
    ///
    /// # Errors
    /// That the upstream does not answer.
    async fn owner_of_ciphertext(
        &self,
        call: &Call,
        home: &str,
    ) -> Result<Option<&str>, ServiceError> {
        let Some(id) = call.text("CiphertextBlob").and_then(kms::key_in) else { return Ok(None) };
        let (own, others): (Vec<_>, Vec<_>) =
            self.0.iter().partition(|(account, _)| *account == home);
        for (account, directory) in own.into_iter().chain(others) {
            match directory.kms_key(&call.region, &id).await {
                Ok(_) => return Ok(Some(account)),
                Err(error) if error.code == "NotFoundException" => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// The account that a call acts in: `home`, the caller's, unless it names a role
    /// or a resource of another that is guarded.
    ///
    /// # Errors
    /// That the upstream does not answer.
    pub(crate) async fn acting<'a>(
        &'a self,
        call: &'a Call,
        home: &'a str,
    ) -> Result<&'a str, ServiceError> {
        if !self.are_several() {
            return Ok(home);
        }
        let named = match call.service() {
            Service::S3 if call.name() != "CreateBucket" => match call.text("Bucket") {
                Some(bucket) => self.owner_of_bucket(bucket).await?,
                None => None,
            },
            Service::Kms if call.name() == "Decrypt" && call.text("KeyId").is_none() => {
                self.owner_of_ciphertext(call, home).await?
            }
            _ => named_account(call),
        };
        Ok(named.filter(|account| self.0.contains_key(*account)).unwrap_or(home))
    }

    /// The account of what an ARN names, where it is one that is guarded.
    ///
    /// # Errors
    /// That the upstream does not answer.
    pub(crate) async fn owner(&self, resource: &str) -> Result<Option<&str>, ServiceError> {
        let Some(arn) = Arn::parse(resource) else { return Ok(None) };
        match (arn.service, arn.account) {
            ("s3", "") => {
                let bucket = arn.resource.split('/').next().unwrap_or_default();
                self.owner_of_bucket(bucket).await
            }
            (_, account) => Ok(self.0.get_key_value(account).map(|(account, _)| account.as_str())),
        }
    }

    /// The first permission about a resource of another guarded account than the one
    /// that the call acts in, with that account. To pass a role of another account is
    /// refused by AWS, whatever its policies say
    /// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html>).
    ///
    /// # Errors
    /// That the upstream does not answer.
    pub(crate) async fn elsewhere<'a>(
        &'a self,
        required: &'a [Requirement],
        acting: &str,
    ) -> Result<Option<(&'a Requirement, &'a str)>, ServiceError> {
        if !self.are_several() {
            return Ok(None);
        }
        for requirement in required.iter().filter(|it| it.action != "iam:PassRole") {
            let owner = self.owner(&requirement.resource).await?;
            if let Some(other) = owner.filter(|owner| *owner != acting) {
                return Ok(Some((requirement, other)));
            }
        }
        Ok(None)
    }
}

/// The account of the principal that signs a request; none where nobody known does.
/// Whether it does is for the signature to show.
pub(crate) fn home(parts: &request::Parts, keyring: &Keyring) -> Option<String> {
    let signed = signature::read(parts).ok().flatten().map(|it| it.access_key_id);
    let id = signed.or_else(|| v2::read(parts).ok().flatten().map(|it| it.access_key_id))?;
    of_session(&keyring.find(&id)?.session)
}

/// The account that a caller belongs to, or the one that a service acts for.
pub(crate) fn of_session(caller: &Session) -> Option<String> {
    match &caller.identity {
        Identity::Service { source_account, .. } => source_account.clone(),
        identity => identity.account_id().map(str::to_owned),
    }
}

/// Members that name a resource whose policy may let in another account's
/// principals, by service, and the operations that they count in; all where none
/// are listed:
/// - STS: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html>
/// - Lambda: <https://docs.aws.amazon.com/lambda/latest/dg/permissions-function-cross-account.html>
/// - KMS: <https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-modifying-external-accounts.html>
/// - Secrets Manager: <https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access_examples_cross.html>
/// - SNS: <https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-use-cases.html>
/// - SQS: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-overview-of-managing-access.html>
/// - DynamoDB: <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/rbac-cross-account-access.html>
const MEMBERS: &[(&str, &str, &[&str])] = &[
    ("sts", "RoleArn", &["AssumeRole", "AssumeRoleWithWebIdentity"]),
    ("lambda", "FunctionName", &[]),
    ("kms", "KeyId", CROSS_ACCOUNT_KMS),
    ("secretsmanager", "SecretId", &[]),
    ("sns", "TopicArn", &[]),
    // Of a queue of another account its owner is named:
    // https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_GetQueueUrl.html
    ("sqs", "QueueOwnerAWSAccountId", &["GetQueueUrl"]),
    ("sqs", "QueueUrl", &[]),
    ("dynamodb", "TableName", &[]),
];

/// "Cross-account permission is effective only for the following operations": the
/// cryptographic ones and these of keys and grants (the page above). `ReEncrypt` names
/// two keys, `RetireGrant` none.
const CROSS_ACCOUNT_KMS: &[&str] = &[
    "CreateGrant",
    "Decrypt",
    "DeriveSharedSecret",
    "DescribeKey",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext",
    "GenerateDataKeyWithoutPlaintext",
    "GenerateMac",
    "GetKeyRotationStatus",
    "GetPublicKey",
    "ListGrants",
    "RevokeGrant",
    "Sign",
    "Verify",
    "VerifyMac",
];

/// The account that a call names by what it acts on.
fn named_account(call: &Call) -> Option<&str> {
    let (_, member, _) = MEMBERS.iter().find(|(service, _, operations)| {
        *service == call.service().name()
            && (operations.is_empty() || operations.contains(&call.name()))
    })?;
    let text = call.text(member)?;
    match (*member, Arn::parse(text)) {
        ("QueueOwnerAWSAccountId", _) => Some(text),
        (_, Some(arn)) => Some(arn.account),
        // `https://sqs.REGION.amazonaws.com/ACCOUNT/NAME`.
        ("QueueUrl", None) => text.rsplit('/').nth(1),
        // "Partial ARN – 123456789012:function:my-function"
        // (<https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html>).
        ("FunctionName", None) => text.split_once(":function:").map(|(account, _)| account),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use ringfence_wire::Operation;
    use rstest::rstest;
    use serde_json::{Map, Value};

    use super::*;

    const OTHER: &str = "222222222222";

    #[rstest]
    #[case::a_role("sts", "AssumeRole", "RoleArn", "arn:aws:iam::222222222222:role/x", Some(OTHER))]
    #[case::a_session_of_nobody("sts", "GetFederationToken", "Name", "x", None)]
    #[case::a_function(
        "lambda",
        "Invoke",
        "FunctionName",
        "arn:aws:lambda:us-east-1:222222222222:function:x",
        Some(OTHER)
    )]
    #[case::a_partial_arn(
        "lambda",
        "Invoke",
        "FunctionName",
        "222222222222:function:x",
        Some(OTHER)
    )]
    #[case::an_own_function("lambda", "Invoke", "FunctionName", "x", None)]
    #[case::a_queue(
        "sqs",
        "SendMessage",
        "QueueUrl",
        "https://sqs.us-east-1.amazonaws.com/222222222222/x",
        Some(OTHER)
    )]
    #[case::a_queue_by_its_owner(
        "sqs",
        "GetQueueUrl",
        "QueueOwnerAWSAccountId",
        OTHER,
        Some(OTHER)
    )]
    #[case::an_own_queue("sqs", "GetQueueUrl", "QueueName", "x", None)]
    #[case::a_key(
        "kms",
        "Decrypt",
        "KeyId",
        "arn:aws:kms:us-east-1:222222222222:key/x",
        Some(OTHER)
    )]
    #[case::a_key_for_its_own_account_alone(
        "kms",
        "ScheduleKeyDeletion",
        "KeyId",
        "arn:aws:kms:us-east-1:222222222222:key/x",
        None
    )]
    #[case::a_role_of_iam("iam", "GetRole", "RoleName", "x", None)]
    fn a_call_names_an_account_by_what_it_acts_on(
        #[case] service: &str,
        #[case] operation: &str,
        #[case] member: &str,
        #[case] value: &str,
        #[case] account: Option<&str>,
    ) {
        let operation = Operation::find(Service::of(service).unwrap(), operation).unwrap();
        let input = Map::from_iter([(member.to_owned(), Value::from(value))]);
        let call = Call { operation, region: "us-east-1".into(), input, payload: None };
        assert_eq!(named_account(&call), account);
    }
}
