//! KMS.

use super::{Known, set};

pub(super) const KNOWN: &[Known] = &[
    set(&["aws:RequestTag/*", "aws:TagKeys"]),
    set(&["aws:ResourceTag/*", "kms:RequestAlias", "kms:ResourceAliases"]).on(&["-", "key"]),
    set(&[
        "kms:BypassPolicyLockoutSafetyCheck",
        "kms:CallerAccount",
        "kms:DataKeyPairSpec",
        "kms:EncryptionAlgorithm",
        "kms:EncryptionContext:*",
        "kms:EncryptionContextKeys",
        "kms:ExpirationModel",
        "kms:GrantConstraintSourceArn",
        "kms:GrantConstraintType",
        "kms:GrantIsForAWSResource",
        "kms:GrantOperations",
        "kms:GranteePrincipal",
        "kms:GranteeServicePrincipal",
        "kms:KeyAgreementAlgorithm",
        "kms:KeyOrigin",
        "kms:KeySpec",
        "kms:KeyUsage",
        "kms:MacAlgorithm",
        "kms:MessageType",
        "kms:MultiRegion",
        "kms:MultiRegionKeyType",
        "kms:ReEncryptOnSameKey",
        // Unknown where the call has a recipient.
        "kms:RecipientAttestation:*",
        "kms:RetiringPrincipal",
        "kms:RetiringServicePrincipal",
        "kms:RotationPeriodInDays",
        "kms:ScheduleKeyDeletionPendingWindowInDays",
        "kms:SigningAlgorithm",
        "kms:ValidTo",
        // Unknown where another service forwards the call.
        "kms:ViaService",
        "kms:WrappingAlgorithm",
        "kms:WrappingKeySpec",
    ]),
];
