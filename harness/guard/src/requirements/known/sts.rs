//! STS.

use super::{Known, absent, set};

pub(super) const KNOWN: &[Known] = &[
    set(&["aws:RequestTag/*", "aws:TagKeys", "aws:ResourceTag/*", "iam:ResourceTag/*"]),
    set(&[
        "sts:DurationSeconds",
        "sts:ExternalId",
        "sts:RoleSessionName",
        "sts:SourceIdentity",
        "sts:TransitiveTagKeys",
    ]),
    // Every claim of the token that AWS has a key for.
    set(&[
        "accounts.google.com:*",
        "agent.*",
        "cognito-identity.amazonaws.com:*",
        "github.com/*",
        "gitlab.com:*",
        "graph.facebook.com:*",
        "idcs-*",
        "oidc.circleci.com/*",
        "token.actions.*",
        "www.amazon.com:*",
    ])
    .of(&["AssumeRoleWithWebIdentity"]),
    absent(
        &[
            "accounts.google.com:*",
            "cognito-identity.amazonaws.com:*",
            "graph.facebook.com:*",
            "www.amazon.com:*",
        ],
        "only a session from a provider keeps them; of such a one they are unknown",
    )
    .of(&["AssumeRole"]),
    absent(&["saml:*"], "AssumeRoleWithSAML is not served"),
];
