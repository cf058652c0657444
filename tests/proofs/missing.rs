//! What is not there, or there already, is told in IAM's own words, on every
//! upstream. They were recorded on AWS in February 2026 (LocalStack's
//! `tests/aws/services/iam`).

use ringfence::stack::Stack;
use ringfence_wire::{Service, ServiceError};
use serde_json::{Value, json};

use crate::stack::with_empty_account;

async fn called(stack: &Stack, operation: &str, input: Value) -> Result<Value, ServiceError> {
    stack.client().call(&stack.root(), Service::Iam, operation, input).await.result
}

async fn made(stack: &Stack, operation: &str, input: Value) {
    let answer = called(stack, operation, input).await;
    answer.unwrap_or_else(|error| panic!("{operation}: {error}"));
}

/// A message and the calls that are answered with it.
type Told = (&'static str, Vec<(&'static str, Value)>);

async fn are_told(stack: &Stack, code: &str, status: u16, told: Vec<Told>) {
    let mut wrong = Vec::new();
    for (message, calls) in told {
        for (operation, input) in calls {
            let answer = called(stack, operation, input.clone()).await;
            let is_told = answer.as_ref().is_err_and(|error| {
                (error.status, &*error.code, &*error.message) == (status, code, message)
            });
            if !is_told {
                wrong.push(format!("{operation} of {input}: {answer:?}"));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

const POLICY: &str = "arn:aws:iam::123456789012:policy/gone";
const OIDC: &str = "arn:aws:iam::123456789012:oidc-provider/gone.example.com";
const SAML: &str = "arn:aws:iam::123456789012:saml-provider/gone";
const DEVICE: &str = "arn:aws:iam::123456789012:mfa/gone";

fn of_groups() -> Vec<Told> {
    let gone = || json!({"GroupName": "gone"});
    let policy = |group: &str| json!({"GroupName": group, "PolicyName": "own"});
    vec![
        (
            "The group with name gone cannot be found.",
            vec![
                ("GetGroup", gone()),
                ("DeleteGroup", gone()),
                ("UpdateGroup", json!({"GroupName": "gone", "NewGroupName": "new"})),
                ("ListGroupPolicies", gone()),
                ("ListAttachedGroupPolicies", gone()),
                ("GetGroupPolicy", policy("gone")),
                ("DeleteGroupPolicy", policy("gone")),
                ("AddUserToGroup", json!({"GroupName": "gone", "UserName": "ada"})),
                ("RemoveUserFromGroup", json!({"GroupName": "gone", "UserName": "ada"})),
            ],
        ),
        (
            "The group policy with name own cannot be found.",
            vec![("GetGroupPolicy", policy("team")), ("DeleteGroupPolicy", policy("team"))],
        ),
    ]
}

fn of_users() -> Vec<Told> {
    let gone = || json!({"UserName": "gone"});
    let ada = || json!({"UserName": "ada"});
    let policy = |user: &str| json!({"UserName": user, "PolicyName": "own"});
    let key = json!({"UserName": "ada", "AccessKeyId": "AKIAIOSFODNN7EXAMPLE"});
    let mut status = key.clone();
    status["Status"] = "Active".into();
    vec![
        (
            "The user with name gone cannot be found.",
            vec![
                ("GetUser", gone()),
                ("DeleteUser", gone()),
                ("ListUserPolicies", gone()),
                ("ListAttachedUserPolicies", gone()),
                ("ListGroupsForUser", gone()),
                ("ListUserTags", gone()),
                ("GetLoginProfile", gone()),
                ("GetUserPolicy", policy("gone")),
                ("DeleteUserPolicy", policy("gone")),
                ("CreateAccessKey", gone()),
                ("AddUserToGroup", json!({"GroupName": "team", "UserName": "gone"})),
            ],
        ),
        (
            "The user policy with name own cannot be found.",
            vec![("GetUserPolicy", policy("ada")), ("DeleteUserPolicy", policy("ada"))],
        ),
        (
            "Login Profile for User ada cannot be found.",
            vec![("GetLoginProfile", ada()), ("DeleteLoginProfile", ada())],
        ),
        (
            "The Access Key with id AKIAIOSFODNN7EXAMPLE cannot be found.",
            vec![("UpdateAccessKey", status), ("DeleteAccessKey", key)],
        ),
        (
            "The Public Key with id APKAXXXXXXXXXXXXXXXXX cannot be found.",
            vec![(
                "DeleteSSHPublicKey",
                json!({"UserName": "ada", "SSHPublicKeyId": "APKAXXXXXXXXXXXXXXXXX"}),
            )],
        ),
        (
            "MFA Device with serial number arn:aws:iam::123456789012:mfa/gone does not exist.",
            vec![
                ("DeactivateMFADevice", json!({"UserName": "ada", "SerialNumber": DEVICE})),
                ("DeleteVirtualMFADevice", json!({"SerialNumber": DEVICE})),
            ],
        ),
    ]
}

fn of_roles() -> Vec<Told> {
    let gone = || json!({"RoleName": "gone"});
    let policy = |role: &str| json!({"RoleName": role, "PolicyName": "own"});
    let profile = || json!({"InstanceProfileName": "gone"});
    let pair =
        |profile: &str, role: &str| json!({"InstanceProfileName": profile, "RoleName": role});
    vec![
        (
            "The role with name gone cannot be found.",
            vec![
                ("GetRole", gone()),
                ("DeleteRole", gone()),
                ("ListRolePolicies", gone()),
                ("ListAttachedRolePolicies", gone()),
                ("ListRoleTags", gone()),
                ("ListInstanceProfilesForRole", gone()),
                ("GetRolePolicy", policy("gone")),
                ("DeleteRolePolicy", policy("gone")),
                ("AddRoleToInstanceProfile", pair("empty", "gone")),
                ("RemoveRoleFromInstanceProfile", pair("empty", "gone")),
            ],
        ),
        (
            "The role policy with name own cannot be found.",
            vec![("GetRolePolicy", policy("runner")), ("DeleteRolePolicy", policy("runner"))],
        ),
        (
            "Instance Profile gone cannot be found.",
            vec![
                ("GetInstanceProfile", profile()),
                ("DeleteInstanceProfile", profile()),
                ("ListInstanceProfileTags", profile()),
                ("AddRoleToInstanceProfile", pair("gone", "runner")),
                ("RemoveRoleFromInstanceProfile", pair("gone", "runner")),
            ],
        ),
        (
            "Role runner in Instance Profile empty cannot be found.",
            vec![("RemoveRoleFromInstanceProfile", pair("empty", "runner"))],
        ),
    ]
}

fn of_policies_and_providers() -> Vec<Told> {
    let policy = || json!({"PolicyArn": POLICY});
    let version = || json!({"PolicyArn": POLICY, "VersionId": "v9"});
    let tags = json!({"PolicyArn": POLICY, "Tags": [{"Key": "a", "Value": "b"}]});
    let oidc = || json!({"OpenIDConnectProviderArn": OIDC});
    let saml = || json!({"SAMLProviderArn": SAML});
    vec![
        (
            "Policy arn:aws:iam::123456789012:policy/gone was not found.",
            vec![
                ("GetPolicy", policy()),
                ("DeletePolicy", policy()),
                ("TagPolicy", tags),
                ("DetachRolePolicy", json!({"RoleName": "runner", "PolicyArn": POLICY})),
                ("DetachUserPolicy", json!({"UserName": "ada", "PolicyArn": POLICY})),
                ("DetachGroupPolicy", json!({"GroupName": "team", "PolicyArn": POLICY})),
            ],
        ),
        (
            "Policy arn:aws:iam::123456789012:policy/gone does not exist or is not attachable.",
            vec![
                ("AttachRolePolicy", json!({"RoleName": "runner", "PolicyArn": POLICY})),
                ("AttachGroupPolicy", json!({"GroupName": "team", "PolicyArn": POLICY})),
                ("ListEntitiesForPolicy", policy()),
            ],
        ),
        (
            "Policy arn:aws:iam::123456789012:policy/gone version v9 does not exist or is not \
             attachable.",
            vec![("GetPolicyVersion", version()), ("SetDefaultPolicyVersion", version())],
        ),
        (
            "OpenIDConnect Provider not found for arn \
             arn:aws:iam::123456789012:oidc-provider/gone.example.com",
            vec![("GetOpenIDConnectProvider", oidc())],
        ),
        (
            "OpenId connect Provider arn:aws:iam::123456789012:oidc-provider/gone.example.com \
             cannot be found.",
            vec![("DeleteOpenIDConnectProvider", oidc())],
        ),
        (
            "Manifest not found for arn arn:aws:iam::123456789012:saml-provider/gone",
            vec![("GetSAMLProvider", saml()), ("DeleteSAMLProvider", saml())],
        ),
    ]
}

fn of_what_is_there() -> Vec<Told> {
    vec![
        (
            "Group with name team already exists.",
            vec![("CreateGroup", json!({"GroupName": "team"}))],
        ),
        ("User with name ada already exists.", vec![("CreateUser", json!({"UserName": "ada"}))]),
    ]
}

#[test]
fn iam_tells_what_is_missing_or_taken_in_its_own_words() {
    with_empty_account(async |stack| {
        let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
            "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]});
        let role = json!({"RoleName": "runner", "AssumeRolePolicyDocument": trust.to_string()});
        made(stack, "CreateGroup", json!({"GroupName": "team"})).await;
        made(stack, "CreateUser", json!({"UserName": "ada"})).await;
        made(stack, "CreateRole", role).await;
        made(stack, "CreateInstanceProfile", json!({"InstanceProfileName": "empty"})).await;

        are_told(stack, "NoSuchEntity", 404, of_groups()).await;
        are_told(stack, "NoSuchEntity", 404, of_users()).await;
        are_told(stack, "NoSuchEntity", 404, of_roles()).await;
        are_told(stack, "NoSuchEntity", 404, of_policies_and_providers()).await;
        are_told(stack, "EntityAlreadyExists", 409, of_what_is_there()).await;

        // Who is in no group can be taken out of it.
        made(stack, "RemoveUserFromGroup", json!({"GroupName": "team", "UserName": "ada"})).await;
        // What is there is found, changed and deleted as before.
        let pair = || json!({"InstanceProfileName": "empty", "RoleName": "runner"});
        made(stack, "ListInstanceProfilesForRole", json!({"RoleName": "runner"})).await;
        made(stack, "AddRoleToInstanceProfile", pair()).await;
        made(stack, "RemoveRoleFromInstanceProfile", pair()).await;
        let oidc = json!({"Url": "https://gone.example.com", "ThumbprintList": ["a".repeat(40)]});
        made(stack, "CreateOpenIDConnectProvider", oidc.clone()).await;
        let taken = called(stack, "CreateOpenIDConnectProvider", oidc).await.unwrap_err();
        assert_eq!(taken.message, "Provider with url https://gone.example.com already exists.");
        made(stack, "DeleteOpenIDConnectProvider", json!({"OpenIDConnectProviderArn": OIDC})).await;
    });
}
