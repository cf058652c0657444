//! What IAM says of what is not there, or there already, where emulators say it
//! in words of their own.
//!
//! All sentences were recorded on AWS in February 2026, by LocalStack's
//! `tests/aws/services/iam`: `test_iam_groups`, `test_iam_instance_profiles`,
//! `test_iam_mfa`, `test_iam_oidc`, `test_iam_policies`, `test_iam_roles`,
//! `test_iam_saml_providers`, `test_iam_ssh_public_keys` and `test_iam_users`.

use ringfence_wire::{Call, ServiceError};

/// One sentence.
struct Sentence {
    code: &'static str,
    /// The operations that say it; none means all.
    operations: &'static [&'static str],
    /// How the upstream's words begin and end.
    told: (&'static str, &'static str),
    /// What AWS says; members of the input stand in braces.
    says: &'static str,
}

const fn missing(
    operations: &'static [&'static str],
    told: (&'static str, &'static str),
    says: &'static str,
) -> Sentence {
    Sentence { code: "NoSuchEntity", operations, told, says }
}

const fn taken(
    operations: &'static [&'static str],
    told: (&'static str, &'static str),
    says: &'static str,
) -> Sentence {
    Sentence { code: "EntityAlreadyExists", operations, told, says }
}

/// The first that fits is said: what a policy is on is looked for before the
/// policy.
const SENTENCES: &[Sentence] = &[
    missing(&[], ("Group ", " not found"), "The group with name {GroupName} cannot be found."),
    missing(&[], ("Role ", " not found"), "The role with name {RoleName} cannot be found."),
    missing(&[], ("User ", " not found"), "The user with name {UserName} cannot be found."),
    missing(
        &[],
        ("Instance profile ", " not found"),
        "Instance Profile {InstanceProfileName} cannot be found.",
    ),
    missing(
        &[],
        ("Login profile for ", " not found"),
        "Login Profile for User {UserName} cannot be found.",
    ),
    missing(
        &["DeleteGroupPolicy", "GetGroupPolicy"],
        ("Policy ", ""),
        "The group policy with name {PolicyName} cannot be found.",
    ),
    missing(
        &["DeleteRolePolicy", "GetRolePolicy"],
        ("Policy ", ""),
        "The role policy with name {PolicyName} cannot be found.",
    ),
    missing(
        &["DeleteUserPolicy", "GetUserPolicy"],
        ("Policy ", ""),
        "The user policy with name {PolicyName} cannot be found.",
    ),
    missing(
        &[
            "AttachGroupPolicy",
            "AttachRolePolicy",
            "AttachUserPolicy",
            "ListEntitiesForPolicy",
            "ListPolicyVersions",
        ],
        ("Policy ", ""),
        "Policy {PolicyArn} does not exist or is not attachable.",
    ),
    missing(
        &["DeletePolicyVersion", "GetPolicyVersion", "SetDefaultPolicyVersion"],
        ("Policy ", ""),
        "Policy {PolicyArn} version {VersionId} does not exist or is not attachable.",
    ),
    missing(&["DeletePolicy", "GetPolicy"], ("", ""), "Policy {PolicyArn} was not found."),
    missing(&[], ("Policy ", ""), "Policy {PolicyArn} was not found."),
    missing(
        &[],
        ("The Access Key with id ", " cannot be found"),
        "The Access Key with id {AccessKeyId} cannot be found.",
    ),
    missing(
        &[],
        ("The SSH Public Key with id ", " cannot be found"),
        "The Public Key with id {SSHPublicKeyId} cannot be found.",
    ),
    missing(
        &[],
        ("Device ", " not found"),
        "MFA Device with serial number {SerialNumber} does not exist.",
    ),
    missing(
        &[],
        ("VirtualMFADevice ", ""),
        "MFA Device with serial number {SerialNumber} does not exist.",
    ),
    missing(&[], ("SamlProvider ", " not found"), "Manifest not found for arn {SAMLProviderArn}"),
    taken(&["CreateGroup"], ("Group ", ""), "Group with name {GroupName} already exists."),
    taken(&["UpdateGroup"], ("Group ", ""), "Group with name {NewGroupName} already exists."),
    taken(&["CreateUser"], ("User ", ""), "User with name {UserName} already exists."),
    taken(
        &["CreateLoginProfile"],
        ("User ", ""),
        "Login Profile for user {UserName} already exists.",
    ),
    taken(&["CreateVirtualMFADevice"], ("MFADevice ", ""), "MFA device already exists."),
    taken(&["EnableMFADevice"], ("Device ", ""), "MFA Device is already in use."),
    taken(
        &["CreateOpenIDConnectProvider"],
        ("Unknown", ""),
        "Provider with url {Url} already exists.",
    ),
];

/// IAM's own sentence in place of the upstream's; nothing where it is the same,
/// or where the call does not tell what stands in it.
pub(super) fn of(call: &Call, told: &ServiceError) -> Option<String> {
    let sentence = SENTENCES.iter().find(|it| {
        let (begin, end) = it.told;
        it.code == told.code
            && (it.operations.is_empty() || it.operations.contains(&call.name()))
            && told.message.starts_with(begin)
            && told.message.ends_with(end)
    })?;
    let says = filled(sentence.says, call)?;
    (says != told.message).then_some(says)
}

/// A sentence with the call's members in it.
fn filled(sentence: &str, call: &Call) -> Option<String> {
    let mut parts = sentence.split(['{', '}']);
    let mut says = parts.next().unwrap_or_default().to_owned();
    while let (Some(member), Some(rest)) = (parts.next(), parts.next()) {
        says.push_str(call.text(member)?);
        says.push_str(rest);
    }
    Some(says)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;

    const ARN: &str = "arn:aws:iam::123456789012:policy/gone";

    fn said(operation: &str, input: Value, code: &'static str, told: &str) -> Option<String> {
        let call = Call {
            operation: ringfence_wire::Operation::find(ringfence_wire::Service::Iam, operation)
                .unwrap(),
            region: "us-east-1".into(),
            input: input.as_object().cloned().unwrap(),
            payload: None,
        };
        of(&call, &ServiceError::new(404, code, told.to_owned()))
    }

    #[rstest]
    #[case("GetGroup", json!({"GroupName": "g"}), "Group g not found",
        "The group with name g cannot be found.")]
    #[case("GetGroupPolicy", json!({"GroupName": "g", "PolicyName": "p"}), "Group g not found",
        "The group with name g cannot be found.")]
    #[case("GetGroupPolicy", json!({"GroupName": "g", "PolicyName": "p"}), "Policy p not found",
        "The group policy with name p cannot be found.")]
    #[case("GetRole", json!({"RoleName": "r"}), "Role r not found",
        "The role with name r cannot be found.")]
    #[case("GetRolePolicy", json!({"RoleName": "r", "PolicyName": "p"}),
        "Policy Document p not attached to role r",
        "The role policy with name p cannot be found.")]
    #[case("DeleteUserPolicy", json!({"UserName": "u", "PolicyName": "p"}), "Policy p not found",
        "The user policy with name p cannot be found.")]
    #[case("DeleteInstanceProfile", json!({"InstanceProfileName": "i"}),
        "Instance profile i not found", "Instance Profile i cannot be found.")]
    #[case("GetLoginProfile", json!({"UserName": "u"}), "Login profile for u not found",
        "Login Profile for User u cannot be found.")]
    #[case("ListEntitiesForPolicy", json!({"PolicyArn": ARN}), "Policy x not found",
        "Policy arn:aws:iam::123456789012:policy/gone does not exist or is not attachable.")]
    #[case("GetPolicyVersion", json!({"PolicyArn": ARN, "VersionId": "v9"}),
        "Policy version not found",
        "Policy arn:aws:iam::123456789012:policy/gone version v9 does not exist or is not \
         attachable.")]
    #[case("TagPolicy", json!({"PolicyArn": ARN}), "Policy x not found",
        "Policy arn:aws:iam::123456789012:policy/gone was not found.")]
    #[case("UpdateAccessKey", json!({"AccessKeyId": "AKIA"}),
        "The Access Key with id AKIA cannot be found",
        "The Access Key with id AKIA cannot be found.")]
    #[case("GetSSHPublicKey", json!({"SSHPublicKeyId": "APKA"}),
        "The SSH Public Key with id APKA cannot be found",
        "The Public Key with id APKA cannot be found.")]
    #[case("DeleteVirtualMFADevice", json!({"SerialNumber": "s"}),
        "VirtualMFADevice with serial number s doesn't exist.",
        "MFA Device with serial number s does not exist.")]
    #[case("GetSAMLProvider", json!({"SAMLProviderArn": "a"}), "SamlProvider a not found",
        "Manifest not found for arn a")]
    fn what_is_missing_is_told_in_iams_words(
        #[case] operation: &str,
        #[case] input: Value,
        #[case] told: &str,
        #[case] says: &str,
    ) {
        assert_eq!(said(operation, input.clone(), "NoSuchEntity", told).as_deref(), Some(says));
        assert_eq!(said(operation, input, "NoSuchEntity", says), None, "in IAM's words already");
    }

    #[rstest]
    #[case("CreateGroup", json!({"GroupName": "g"}), "Group g already exists",
        "Group with name g already exists.")]
    #[case("UpdateGroup", json!({"GroupName": "g", "NewGroupName": "h"}), "Group h already exists",
        "Group with name h already exists.")]
    #[case("CreateUser", json!({"UserName": "u"}), "User u already exists",
        "User with name u already exists.")]
    #[case("CreateLoginProfile", json!({"UserName": "u"}), "User u already has password",
        "Login Profile for user u already exists.")]
    #[case("CreateOpenIDConnectProvider", json!({"Url": "https://example.com"}), "Unknown",
        "Provider with url https://example.com already exists.")]
    fn what_is_taken_is_told_in_iams_words(
        #[case] operation: &str,
        #[case] input: Value,
        #[case] told: &str,
        #[case] says: &str,
    ) {
        assert_eq!(said(operation, input, "EntityAlreadyExists", told).as_deref(), Some(says));
    }

    #[rstest]
    #[case::of_another_kind("NoSuchEntity", "The role with name r cannot be found.")]
    #[case::of_aws("NoSuchEntity", "Role r in Instance Profile i cannot be found.")]
    #[case::of_another_code("DeleteConflict", "Role r not found")]
    fn other_words_stay(#[case] code: &'static str, #[case] told: &str) {
        let input = json!({"RoleName": "r", "InstanceProfileName": "i"});
        assert_eq!(said("RemoveRoleFromInstanceProfile", input, code, told), None);
    }

    #[test]
    fn what_the_call_does_not_name_is_left_to_the_upstream() {
        assert_eq!(said("GetUser", json!({}), "NoSuchEntity", "User u not found"), None);
    }
}
