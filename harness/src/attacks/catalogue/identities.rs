//! Users, keys, groups, policies, providers, and its own role: beyond every
//! deployer.

use ringfence_wire::services::Iam;
use serde_json::{Value, json};

use super::super::attack::{Attack, Step};
use super::{Rail, Scene, everything, lambda_trust};
use crate::guard_rail::GuardRail;

pub(super) const IDENTITIES: GuardRail = GuardRail::Identities;
const CEILING: GuardRail = GuardRail::BoundaryKept;

const NAME: &str = "ringfence-probe";

pub(super) fn attacks(scene: &Scene<'_>) -> Vec<Attack> {
    let rail = scene.rail(IDENTITIES);
    [users(&rail), groups(&rail), policies(&rail), providers(&rail), account(&rail), own(scene)]
        .concat()
}

fn iam(operation: &'static str, input: Value) -> Step {
    Step::new(Iam, operation, input)
}

fn users(rail: &Rail<'_>) -> Vec<Attack> {
    let arn = |path: &str| format!("arn:aws:iam::{}:{path}", rail.scene.facts.account);
    let user = json!({"UserName": NAME});
    let boundary = json!({
        "UserName": NAME, "PermissionsBoundary": rail.scene.facts.execution_boundary,
    });
    let named = format!("user {NAME}");
    let case = |name, title, operation, input, action, resource: &str| {
        rail.case(name, title, iam(operation, input), action, resource)
    };
    vec![
        case(
            "user-created",
            "cannot create a user",
            "CreateUser",
            user.clone(),
            "iam:CreateUser",
            &arn(&format!("user/{NAME}")),
        )
        .platform_may(vec![iam("DeleteUser", user.clone())]),
        case(
            "users-listed",
            "cannot list the users",
            "ListUsers",
            json!({}),
            "iam:ListUsers",
            &arn("user/"),
        )
        .platform_may(Vec::new()),
        case(
            "access-key-deleted",
            "cannot make room for a key of its own",
            "DeleteAccessKey",
            json!({"UserName": NAME, "AccessKeyId": "AKIAIOSFODNN7EXAMPLE"}),
            "iam:DeleteAccessKey",
            &named,
        ),
        case(
            "access-key-revived",
            "cannot switch an old key on",
            "UpdateAccessKey",
            json!({"UserName": NAME, "AccessKeyId": "AKIAIOSFODNN7EXAMPLE", "Status": "Active"}),
            "iam:UpdateAccessKey",
            &named,
        ),
        case(
            "user-boundary-set",
            "cannot set a user's boundary",
            "PutUserPermissionsBoundary",
            boundary,
            "iam:PutUserPermissionsBoundary",
            &named,
        ),
        case(
            "user-boundary-removed",
            "cannot remove a user's boundary",
            "DeleteUserPermissionsBoundary",
            user.clone(),
            "iam:DeleteUserPermissionsBoundary",
            &named,
        ),
        case(
            "mfa-deactivated",
            "cannot take a user's second factor",
            "DeactivateMFADevice",
            json!({"UserName": NAME, "SerialNumber": arn("mfa/probe")}),
            "iam:DeactivateMFADevice",
            &named,
        ),
        case(
            "ssh-key-uploaded",
            "cannot add an SSH key to a user",
            "UploadSSHPublicKey",
            json!({"UserName": NAME, "SSHPublicKeyBody": "ssh-ed25519 AAAA"}),
            "iam:UploadSSHPublicKey",
            &named,
        ),
        case(
            "service-credential-made",
            "cannot make a user's service credential",
            "CreateServiceSpecificCredential",
            json!({"UserName": NAME, "ServiceName": "codecommit.amazonaws.com"}),
            "iam:CreateServiceSpecificCredential",
            &named,
        ),
    ]
}

fn groups(rail: &Rail<'_>) -> Vec<Attack> {
    let group = json!({"GroupName": NAME});
    let arn = format!("arn:aws:iam::{}:group/{NAME}", rail.scene.facts.account);
    vec![
        rail.case(
            "group-created",
            "cannot create a group",
            iam("CreateGroup", group.clone()),
            "iam:CreateGroup",
            arn,
        )
        .platform_may(vec![iam("DeleteGroup", group)]),
    ]
}

fn policies(rail: &Rail<'_>) -> Vec<Attack> {
    let facts = rail.scene.facts;
    let own = format!("arn:aws:iam::{}:policy/{NAME}", facts.account);
    let create = json!({"PolicyName": NAME, "PolicyDocument": everything()});
    let ceiling = Rail { scene: rail.scene, guard_rail: CEILING };
    let mut attacks = vec![
        // A policy that does not exist yet is printed by name.
        rail.case(
            "policy-created",
            "cannot create a managed policy",
            iam("CreatePolicy", create),
            "iam:CreatePolicy",
            format!("policy {NAME}"),
        )
        .platform_may(vec![iam("DeletePolicy", json!({"PolicyArn": own}))]),
    ];
    for (which, boundary) in
        [("execution", &facts.execution_boundary), ("deployer", &facts.deployer_boundary)]
    {
        let (version, default, delete) = match which {
            "execution" => (
                "execution-boundary-version-added",
                "execution-boundary-rolled-back",
                "execution-boundary-deleted",
            ),
            _ => (
                "deployer-boundary-version-added",
                "deployer-boundary-rolled-back",
                "deployer-boundary-deleted",
            ),
        };
        let printed = format!("policy {boundary}");
        attacks.extend([
            ceiling.case(
                version,
                &format!("cannot add a version to the {which} boundary"),
                iam(
                    "CreatePolicyVersion",
                    json!({
                        "PolicyArn": boundary, "PolicyDocument": everything(), "SetAsDefault": true,
                    }),
                ),
                "iam:CreatePolicyVersion",
                printed.clone(),
            ),
            ceiling.case(
                default,
                &format!("cannot go back to an older version of the {which} boundary"),
                iam("SetDefaultPolicyVersion", json!({"PolicyArn": boundary, "VersionId": "v1"})),
                "iam:SetDefaultPolicyVersion",
                printed.clone(),
            ),
            ceiling.case(
                delete,
                &format!("cannot delete the {which} boundary"),
                iam("DeletePolicy", json!({"PolicyArn": boundary})),
                "iam:DeletePolicy",
                printed,
            ),
        ]);
    }
    attacks
}

/// Whom the account trusts.
fn providers(rail: &Rail<'_>) -> Vec<Attack> {
    let account = &rail.scene.facts.account;
    let provider = |host: &str| format!("arn:aws:iam::{account}:oidc-provider/{host}");
    let github = provider("token.actions.githubusercontent.com");
    let evil = "issuer.example.com";
    let create = json!({
        "Url": format!("https://{evil}"), "ClientIDList": ["sts.amazonaws.com"],
        "ThumbprintList": ["0123456789012345678901234567890123456789"],
    });
    let existing = json!({"OpenIDConnectProviderArn": github});
    vec![
        rail.case(
            "oidc-provider-created",
            "cannot make the account trust another issuer",
            iam("CreateOpenIDConnectProvider", create),
            "iam:CreateOpenIDConnectProvider",
            provider(evil),
        )
        .platform_may(vec![iam(
            "DeleteOpenIDConnectProvider",
            json!({"OpenIDConnectProviderArn": provider(evil)}),
        )]),
        rail.case(
            "oidc-audience-added",
            "cannot make the account take tokens for another audience",
            iam(
                "AddClientIDToOpenIDConnectProvider",
                super::with(&existing, json!({"ClientID": "https://github.com/example"})),
            ),
            "iam:AddClientIDToOpenIDConnectProvider",
            github.clone(),
        ),
        rail.case(
            "oidc-thumbprint-changed",
            "cannot change how the issuer is recognized",
            iam(
                "UpdateOpenIDConnectProviderThumbprint",
                super::with(
                    &existing,
                    json!({"ThumbprintList": ["0123456789012345678901234567890123456789"]}),
                ),
            ),
            "iam:UpdateOpenIDConnectProviderThumbprint",
            github.clone(),
        ),
        rail.case(
            "oidc-provider-deleted",
            "cannot delete the issuer that all deployments rest on",
            iam("DeleteOpenIDConnectProvider", existing),
            "iam:DeleteOpenIDConnectProvider",
            github,
        ),
        rail.case(
            "saml-provider-created",
            "cannot make the account trust a SAML provider",
            iam(
                "CreateSAMLProvider",
                json!({"Name": NAME, "SAMLMetadataDocument": "x".repeat(1000)}),
            ),
            "iam:CreateSAMLProvider",
            format!("arn:aws:iam::{account}:saml-provider/{NAME}"),
        ),
    ]
}

fn account(rail: &Rail<'_>) -> Vec<Attack> {
    let account = &rail.scene.facts.account;
    vec![
        rail.case(
            "authorization-details-read",
            "cannot read all policies of the account",
            iam("GetAccountAuthorizationDetails", json!({})),
            "iam:GetAccountAuthorizationDetails",
            "*",
        ),
        rail.case(
            "password-policy-weakened",
            "cannot weaken the passwords of the account",
            iam("UpdateAccountPasswordPolicy", json!({"MinimumPasswordLength": 6})),
            "iam:UpdateAccountPasswordPolicy",
            "*",
        ),
        rail.case(
            "service-linked-role-created",
            "cannot create a service's role",
            iam("CreateServiceLinkedRole", json!({"AWSServiceName": "ecs.amazonaws.com"})),
            "iam:CreateServiceLinkedRole",
            format!(
                "arn:aws:iam::{account}:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS"
            ),
        ),
        rail.case(
            "instance-profile-created",
            "cannot create an instance profile",
            iam("CreateInstanceProfile", json!({"InstanceProfileName": NAME})),
            "iam:CreateInstanceProfile",
            format!("arn:aws:iam::{account}:instance-profile/{NAME}"),
        )
        .platform_may(vec![iam(
            "DeleteInstanceProfile",
            json!({"InstanceProfileName": NAME}),
        )]),
    ]
}

/// The deployer's own role or user.
fn own(scene: &Scene<'_>) -> Vec<Attack> {
    let (rail, ceiling) = (scene.rail(IDENTITIES), scene.rail(CEILING));
    let itself = scene.itself();
    let on = |rail: &Rail<'_>, name, title, (operation, action), more| {
        rail.case(name, title, iam(operation, itself.input(more)), action, itself.printed())
    };
    let case = |name, title, call, more| on(&rail, name, title, call, more);
    let of_boundary = |name, title, call, more| on(&ceiling, name, title, call, more);
    let mut attacks = vec![
        case(
            "own-policy-attached",
            "cannot attach a policy to itself",
            itself.of(
                ("AttachRolePolicy", "iam:AttachRolePolicy"),
                ("AttachUserPolicy", "iam:AttachUserPolicy"),
            ),
            json!({"PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}),
        )
        .because(itself.bounded()),
        case(
            "own-policy-written",
            "cannot write itself a policy",
            itself
                .of(("PutRolePolicy", "iam:PutRolePolicy"), ("PutUserPolicy", "iam:PutUserPolicy")),
            json!({"PolicyName": NAME, "PolicyDocument": everything()}),
        )
        .because(itself.bounded()),
    ];
    if !itself.is_user {
        let trust = case(
            "own-trust-opened",
            "cannot let others become it",
            ("UpdateAssumeRolePolicy", "iam:UpdateAssumeRolePolicy"),
            json!({"PolicyDocument": lambda_trust()}),
        );
        attacks.push(trust.because(itself.bounded()));
    }
    attacks.extend([
        of_boundary(
            "own-boundary-swapped",
            "cannot swap its own boundary for another",
            itself.of(
                ("PutRolePermissionsBoundary", "iam:PutRolePermissionsBoundary"),
                ("PutUserPermissionsBoundary", "iam:PutUserPermissionsBoundary"),
            ),
            json!({"PermissionsBoundary": scene.facts.execution_boundary}),
        ),
        of_boundary(
            "own-boundary-dropped",
            "cannot drop its own boundary",
            itself.of(
                ("DeleteRolePermissionsBoundary", "iam:DeleteRolePermissionsBoundary"),
                ("DeleteUserPermissionsBoundary", "iam:DeleteUserPermissionsBoundary"),
            ),
            json!({}),
        ),
        case(
            "own-deny-detached",
            "cannot detach what denies it the platform's routes",
            itself.of(
                ("DetachRolePolicy", "iam:DetachRolePolicy"),
                ("DetachUserPolicy", "iam:DetachUserPolicy"),
            ),
            json!({"PolicyArn": format!("arn:aws:iam::{}:policy/PlatformRoutes-0", scene.facts.account)}),
        ),
    ]);
    if !itself.is_user {
        attacks.push(case(
            "own-session-lengthened",
            "cannot make its own sessions longer",
            ("UpdateRole", "iam:UpdateRole"),
            json!({"MaxSessionDuration": 43200}),
        ));
    }
    attacks.push(case(
        "own-tags-changed",
        "cannot give itself a tag that a policy may ask for",
        itself.of(("TagRole", "iam:TagRole"), ("TagUser", "iam:TagUser")),
        json!({"Tags": [{"Key": "team", "Value": "platform"}]}),
    ));
    match itself.is_user {
        false => attacks.push(case(
            "own-role-deleted",
            "cannot delete its own role",
            ("DeleteRole", "iam:DeleteRole"),
            json!({}),
        )),
        true => attacks.extend([
            case(
                "own-key-made",
                "cannot make itself another key, which would outlive the one that it was given",
                ("CreateAccessKey", "iam:CreateAccessKey"),
                json!({}),
            ),
            case(
                "own-password-set",
                "cannot give itself a password for the console",
                ("CreateLoginProfile", "iam:CreateLoginProfile"),
                json!({"Password": "Ringfence-1"}),
            ),
            case(
                "own-user-deleted",
                "cannot delete its own user",
                ("DeleteUser", "iam:DeleteUser"),
                json!({}),
            ),
        ]),
    }
    attacks
}
