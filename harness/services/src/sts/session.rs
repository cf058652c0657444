//! Making a session: how long it lasts, its policies, what these and its tags
//! may take.

use ringfence_policy::{Document, DocumentError, Kind, json, malformed};
use ringfence_wire::{Call, ServiceError};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use super::tags::SessionTags;
use super::{RoleRecord, Sts, check, no_randomness, timestamp};
use crate::credentials::{ClaimValues, Credentials, Identity, LongTerm, RoleSession};

/// The characters that policies and tags may take together before AWS calls
/// them too large. AWS packs them in a format of its own and publishes only
/// the outcome; this counts plain characters, and so is an estimate. A managed
/// policy counts by its ARN, whatever it says
/// (<https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>).
const PACKED_LIMIT: usize = 8_192;
/// The characters of the inline session policy
/// (<https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>).
const POLICY_LIMIT: usize = 2_048;

/// What a session is made of, besides its role.
#[derive(Debug)]
pub(super) struct Wanted<'a> {
    pub(super) name: &'a str,
    pub(super) seconds: u32,
    pub(super) policies: Option<SessionPolicies>,
    pub(super) tags: SessionTags,
    pub(super) source_identity: Option<String>,
    pub(super) web_keys: Vec<(String, ClaimValues)>,
    pub(super) federated_provider: Option<String>,
    pub(super) assumed_by: Option<String>,
}

/// The session policies that a call passes.
#[derive(Debug)]
pub(super) struct SessionPolicies {
    pub(super) texts: Vec<String>,
    /// The characters of the inline policy and of the managed ones' ARNs.
    passed: usize,
}

/// A session that was made.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) credentials: Value,
    pub(super) user: Value,
    pub(super) packed_percent: Option<usize>,
}

/// Credentials as STS prints them.
pub(super) fn printed(credentials: &Credentials, expiration: OffsetDateTime) -> Value {
    json!({
        "AccessKeyId": credentials.access_key_id,
        "SecretAccessKey": credentials.secret_access_key.expose(),
        "SessionToken": credentials.session_token.as_ref().map(ringfence_wire::Secret::expose),
        "Expiration": timestamp(expiration),
    })
}

/// How long a session of a role is to last.
pub(super) fn duration(call: &Call, role: &RoleRecord) -> Result<u32, ServiceError> {
    let seconds = check::number(call, "DurationSeconds", 900, 43_200)?.unwrap_or(3_600);
    if seconds > role.max_session_duration {
        return Err(check::error(
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        ));
    }
    Ok(seconds)
}

/// How long a session is to last that long-term credentials ask for: 12 hours
/// unless the call says otherwise, 36 at most. Root's last an hour at most; more
/// is cut, not refused.
///
/// - <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetFederationToken.html>
/// - <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html>
pub(super) fn own_duration(call: &Call, holder: &LongTerm) -> Result<Duration, ServiceError> {
    let asked = check::number(call, "DurationSeconds", 900, 129_600)?;
    let seconds = match holder {
        LongTerm::Root { .. } => asked.unwrap_or(3_600).min(3_600),
        LongTerm::User { .. } => asked.unwrap_or(43_200),
    };
    Ok(Duration::seconds(seconds.into()))
}

/// What of the allotted space policies and tags take, in percent; nothing where
/// there are none.
pub(super) fn packed_percent(
    policies: Option<&SessionPolicies>,
    tags: &SessionTags,
) -> Result<Option<usize>, ServiceError> {
    let length = policies.map_or(0, |policies| policies.passed) + tags.length();
    let percent = length.saturating_mul(100).div_ceil(PACKED_LIMIT);
    if percent > 100 {
        return Err(ServiceError::new(
            400,
            "PackedPolicyTooLarge",
            format!(
                "Packed size of session tags and policies consumes {percent}% of allotted space."
            ),
        ));
    }
    Ok((length > 0).then_some(percent))
}

/// STS's words for JSON that is none are its own
/// (Hadoop's S3A guide, "Assumed roles"); the others are IAM's.
fn malformed_policy(text: &str, cause: &DocumentError) -> ServiceError {
    let own = cause.to_string();
    let sentence = match json::parse(text) {
        Err(_) => Some("The policy is not in the valid JSON format.".to_owned()),
        Ok(_) => malformed::identity(text, malformed::Use::Inline),
    };
    let message = sentence.unwrap_or_else(|| own.clone());
    ServiceError::new(400, "MalformedPolicyDocument", message).explained(own)
}

impl Sts {
    /// The session policies that a call passes: inline and managed.
    pub(super) async fn session_policies(
        &self,
        call: &Call,
    ) -> Result<Option<SessionPolicies>, ServiceError> {
        let inline = check::optional(call, "Policy", 1, POLICY_LIMIT)?;
        let arns: Vec<&str> = call
            .input
            .get("PolicyArns")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|policy| policy.get("arn").or_else(|| policy.get("Arn"))?.as_str())
            .collect();
        if inline.is_none() && arns.is_empty() {
            return Ok(None);
        }
        if arns.len() > 10 {
            return Err(check::error(
                "1 validation error detected: Value at 'policyArns' failed to satisfy constraint: \
                 Member must have length less than or equal to 10",
            ));
        }
        let passed = arns.iter().copied().chain(inline).map(|text| text.chars().count()).sum();
        let mut texts = Vec::with_capacity(arns.len() + 1);
        if let Some(text) = inline {
            Document::parse("session policy", text, Kind::Session)
                .map_err(|cause| malformed_policy(text, &cause))?;
            texts.push(text.to_owned());
        }
        for arn in arns {
            let text = self.directory.managed_policy(arn).await?.ok_or_else(|| {
                ServiceError::new(
                    400,
                    "MalformedPolicyDocument",
                    format!("Policy ARN {arn} does not exist"),
                )
            })?;
            texts.push(text);
        }
        Ok(Some(SessionPolicies { texts, passed }))
    }

    /// Makes a role's session and registers its key.
    pub(super) fn make(&self, role: &RoleRecord, wanted: Wanted<'_>) -> Result<Made, ServiceError> {
        let packed_percent = packed_percent(wanted.policies.as_ref(), &wanted.tags)?;
        let now = self.setting.now();
        let expiration = now + Duration::seconds(wanted.seconds.into());
        let identity = Identity::Role(Box::new(RoleSession {
            role_arn: role.arn.clone(),
            role_name: role.name.clone(),
            role_id: role.role_id.clone(),
            session_name: wanted.name.to_owned(),
            session_policies: wanted.policies.map(|policies| policies.texts),
            tags: wanted.tags.tags,
            transitive_tag_keys: wanted.tags.transitive,
            source_identity: wanted.source_identity,
            web_keys: wanted.web_keys,
            federated_provider: wanted.federated_provider,
            assumed_by: wanted.assumed_by,
            issued_at: now,
        }));
        let user = json!({ "AssumedRoleId": identity.user_id(), "Arn": identity.arn() });
        self.setting.keyring.sweep(now);
        let credentials =
            self.setting.keyring.issue(identity, Vec::new(), expiration).map_err(no_randomness)?;
        Ok(Made { credentials: printed(&credentials, expiration), user, packed_percent })
    }
}
