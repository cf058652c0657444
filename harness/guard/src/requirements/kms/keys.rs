//! The condition keys of KMS.

use serde_json::Value;

use super::super::requirement::Requirement;
use super::super::scope::{Scope, scalar, texts};
use super::Target;
use crate::requirements::generic;

/// Which members of the input say how the data is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Context {
    /// `EncryptionContext`.
    OfCall,
    /// `SourceEncryptionContext`.
    Source,
    /// `DestinationEncryptionContext`.
    Destination,
}

/// Condition keys with the member that they are of and the value that AWS takes
/// where the call gives none.
const FROM_INPUT: &[(&str, &str, Option<&str>)] = &[
    ("kms:BypassPolicyLockoutSafetyCheck", "BypassPolicyLockoutSafetyCheck", Some("false")),
    ("kms:DataKeyPairSpec", "KeyPairSpec", None),
    ("kms:ExpirationModel", "ExpirationModel", Some("KEY_MATERIAL_EXPIRES")),
    ("kms:GranteePrincipal", "GranteePrincipal", None),
    ("kms:GranteeServicePrincipal", "GranteeServicePrincipal", None),
    ("kms:KeyAgreementAlgorithm", "KeyAgreementAlgorithm", None),
    ("kms:KeyOrigin", "Origin", Some("AWS_KMS")),
    ("kms:KeyUsage", "KeyUsage", Some("ENCRYPT_DECRYPT")),
    ("kms:MacAlgorithm", "MacAlgorithm", None),
    ("kms:MessageType", "MessageType", Some("RAW")),
    ("kms:MultiRegion", "MultiRegion", Some("false")),
    ("kms:RetiringPrincipal", "RetiringPrincipal", None),
    ("kms:RetiringServicePrincipal", "RetiringServicePrincipal", None),
    ("kms:RotationPeriodInDays", "RotationPeriodInDays", Some("365")),
    ("kms:ScheduleKeyDeletionPendingWindowInDays", "PendingWindowInDays", Some("30")),
    ("kms:SigningAlgorithm", "SigningAlgorithm", None),
    ("kms:WrappingAlgorithm", "WrappingAlgorithm", None),
    ("kms:WrappingKeySpec", "WrappingKeySpec", None),
];

/// The keys that the call itself tells, of those that the action carries.
pub(super) fn from_input(scope: &Scope<'_>, requirement: &mut Requirement, context: Context) {
    caller(scope, requirement);
    let name = requirement.action.split(':').nth(1).unwrap_or_default().to_owned();
    let Some(action) = generic::known("kms", &name) else { return };
    let carries = |key: &str| action.condition_keys.iter().any(|own| own.starts_with(key));
    for (key, member, default) in FROM_INPUT.iter().filter(|(key, ..)| carries(key)) {
        let given = scope.value(member).and_then(scalar);
        if let Some(value) = given.or_else(|| default.map(str::to_owned)) {
            requirement.context.set(key, value);
        }
    }
    if name == "CreateKey" {
        let spec = scope.any_text(&["KeySpec", "CustomerMasterKeySpec"]);
        requirement.context.set("kms:KeySpec", spec.unwrap_or("SYMMETRIC_DEFAULT"));
        if scope.flag("MultiRegion") {
            requirement.context.set("kms:MultiRegionKeyType", "PRIMARY");
        }
    }
    if carries("kms:EncryptionAlgorithm") {
        let member = match context {
            Context::OfCall => "EncryptionAlgorithm",
            Context::Source => "SourceEncryptionAlgorithm",
            Context::Destination => "DestinationEncryptionAlgorithm",
        };
        let algorithm = scope.text(member).unwrap_or("SYMMETRIC_DEFAULT");
        requirement.context.set("kms:EncryptionAlgorithm", algorithm);
    }
    if name == "CreateGrant" {
        grant(scope, requirement);
    } else if carries("kms:EncryptionContext:") {
        let member = match context {
            Context::OfCall => "EncryptionContext",
            Context::Source => "SourceEncryptionContext",
            Context::Destination => "DestinationEncryptionContext",
        };
        encryption_context(requirement, scope.value(member));
    }
    if carries("kms:GrantIsForAWSResource") {
        // "only when an AWS service … calls the operation on the user's behalf".
        let is_service = !scope.caller.called_via.is_empty();
        requirement.context.set("kms:GrantIsForAWSResource", is_service.to_string());
    }
    if scope.value("Recipient").is_some() {
        requirement.context.set_unknown("kms:RecipientAttestation:*");
    }
}

/// Who calls, and through which service.
pub(super) fn caller(scope: &Scope<'_>, requirement: &mut Requirement) {
    if let Some(account) = scope.caller.identity.account_id() {
        requirement.context.set("kms:CallerAccount", account);
    }
    // Not every service that forwards a call is one for this key, and which are,
    // AWS's list does not say of all.
    if !scope.caller.called_via.is_empty() {
        requirement.context.set_unknown("kms:ViaService");
    }
}

/// `kms:EncryptionContext:KEY` and `kms:EncryptionContextKeys`.
fn encryption_context(requirement: &mut Requirement, context: Option<&Value>) {
    let Some(Value::Object(pairs)) = context else { return };
    for (key, value) in pairs {
        if let Some(value) = scalar(value) {
            requirement.context.set(&format!("kms:EncryptionContext:{key}"), value);
        }
    }
    if !pairs.is_empty() {
        requirement.context.set_list("kms:EncryptionContextKeys", pairs.keys());
    }
}

/// The keys of a new grant: what it allows, and under which constraint.
fn grant(scope: &Scope<'_>, requirement: &mut Requirement) {
    let operations = scope.value("Operations").map(texts).unwrap_or_default();
    if !operations.is_empty() {
        requirement.context.set_list("kms:GrantOperations", operations);
    }
    let Some(constraints) = scope.value("Constraints").and_then(Value::as_object) else { return };
    for kind in ["EncryptionContextEquals", "EncryptionContextSubset"] {
        if let Some(pairs) = constraints.get(kind).filter(|pairs| !pairs.is_null()) {
            requirement.context.set("kms:GrantConstraintType", kind);
            encryption_context(requirement, Some(pairs));
        }
    }
    if let Some(source) = constraints.get("SourceArn").and_then(scalar) {
        requirement.context.set("kms:GrantConstraintSourceArn", source);
    }
}

/// The keys that the KMS key itself brings.
pub(super) fn describe(requirement: &mut Requirement, target: &Target) {
    let name = requirement.action.split(':').nth(1).unwrap_or_default();
    let carries = |key: &str| {
        generic::known("kms", name).is_some_and(|action| action.condition_keys.contains(&key))
    };
    if let Some(alias) = target.alias.as_deref().filter(|_| carries("kms:RequestAlias")) {
        requirement.context.set("kms:RequestAlias", alias);
    }
    let Some(key) = &target.key else {
        for of_key in
            OF_KEY.iter().map(|(key, _)| *key).chain(["kms:ResourceAliases", "aws:ResourceTag/*"])
        {
            requirement.context.set_unknown(of_key);
        }
        return;
    };
    requirement.managed_by_aws = target.is_of_aws();
    for (condition, pointer) in OF_KEY {
        if let Some(value) = key.metadata.pointer(pointer).and_then(scalar) {
            requirement.context.set(condition, value);
        }
    }
    // A key that is not of several regions is described without the member.
    if requirement.context.get("kms:MultiRegion").is_none() {
        requirement.context.set("kms:MultiRegion", "false");
    }
    if !key.aliases.is_empty() {
        requirement.context.set_list("kms:ResourceAliases", &key.aliases);
    }
    requirement.add_told_tags(&[], &key.tags);
}

/// Condition keys of a key's properties, as `DescribeKey` tells them.
const OF_KEY: &[(&str, &str)] = &[
    ("kms:KeyOrigin", "/Origin"),
    ("kms:KeySpec", "/KeySpec"),
    ("kms:KeyUsage", "/KeyUsage"),
    ("kms:MultiRegion", "/MultiRegion"),
    ("kms:MultiRegionKeyType", "/MultiRegionConfiguration/MultiRegionKeyType"),
];
