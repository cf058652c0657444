//! IAM.

use super::{Known, absent, set};

pub(super) const KNOWN: &[Known] = &[
    set(&["aws:RequestTag/*", "aws:TagKeys"]),
    // Of calls that give an ARN of whatever kind the mapping says that the tags
    // are unknown.
    set(&["aws:ResourceTag/*", "iam:ResourceTag/*"]).on(&[
        "instance-profile",
        "oidc-provider",
        "policy",
        "role",
        "user",
    ]),
    set(&["iam:ResourceTag/*"]).of(&["PassRole"]),
    set(&[
        "iam:AWSServiceName",
        "iam:OrganizationsPolicyId",
        "iam:PassedToService",
        "iam:PermissionsBoundary",
        "iam:PolicyARN",
        "iam:ServiceSpecificCredentialAgeDays",
    ]),
    set(&["iam:ServiceSpecificCredentialServiceName"]).of(&["CreateServiceSpecificCredential"]),
    absent(&["iam:RoleTemplateARN"], "no role is made from a template"),
    absent(
        &[
            "iam:FIDO-certification",
            "iam:FIDO-FIPS-140-2-certification",
            "iam:FIDO-FIPS-140-3-certification",
        ],
        "security keys are registered at the console alone",
    ),
];
