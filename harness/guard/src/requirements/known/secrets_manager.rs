//! Secrets Manager.

use super::{Known, absent, set};

pub(super) const KNOWN: &[Known] = &[
    set(&["aws:RequestTag/*", "aws:TagKeys"]),
    set(&["aws:ResourceTag/*", "secretsmanager:ResourceTag/*"]),
    set(&[
        "secretsmanager:AddReplicaRegions",
        "secretsmanager:BlockPublicPolicy",
        "secretsmanager:Description",
        "secretsmanager:ForceDeleteWithoutRecovery",
        "secretsmanager:ForceOverwriteReplicaSecret",
        // By an id or alias, the mapping says that the ARN is unknown.
        "secretsmanager:KmsKeyArn",
        "secretsmanager:KmsKeyId",
        "secretsmanager:ModifyRotationRules",
        "secretsmanager:Name",
        "secretsmanager:RecoveryWindowInDays",
        "secretsmanager:RotateImmediately",
        "secretsmanager:RotationLambdaARN",
        "secretsmanager:SecretId",
        "secretsmanager:Type",
        "secretsmanager:VersionId",
        "secretsmanager:VersionStage",
    ]),
    absent(
        &["secretsmanager:ExternalSecretRotationRoleArn"],
        "a rotation that passes a role is refused",
    ),
];
