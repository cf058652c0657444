//! What AWS decides whatever the policies say.

use crate::arn::Arn;
use crate::decision::Outcome;
use crate::request::{Principal, Request};
use crate::statement::Action;

/// The outcome of a request that no policy can change.
///
/// - `sts:GetCallerIdentity` needs no permission and works in spite of an
///   explicit deny
///   (<https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html>).
/// - Policies and roles of AWS itself (`arn:aws:iam::aws:policy/…`,
///   `role/aws-reserved/…`) cannot be changed ([SIM] IamServiceAuthorizer.ts).
/// - Nor can its aliases of keys: `alias/aws/` is reserved
///   (<https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html>).
pub(crate) fn outcome(request: &Request<'_>) -> Option<Outcome> {
    if request.action.eq_ignore_ascii_case("sts:GetCallerIdentity")
        && !matches!(request.principal, Principal::Anonymous)
    {
        return Some(Outcome::Allow);
    }
    let (service, name) = request.action.split_once(':')?;
    let one_of = |names: &[&str]| names.iter().any(|known| known.eq_ignore_ascii_case(name));
    let belongs_to_aws = |arn: Arn<'_>| {
        // Of the parts of an ARN but the last one letters are alike.
        let managed_policy =
            arn.account.eq_ignore_ascii_case("aws") && arn.resource.starts_with("policy/");
        let reserved_role = arn.resource.starts_with("role/aws-reserved/");
        (managed_policy && one_of(&POLICY_CHANGES)) || (reserved_role && one_of(&ROLE_CHANGES))
    };
    let is_alias_of_aws = |arn: Arn<'_>| {
        arn.service.eq_ignore_ascii_case("kms") && arn.resource.starts_with("alias/aws/")
    };
    let resource = request.resource;
    let fixed = if service.eq_ignore_ascii_case("iam") {
        // Every decision comes through here: most ARNs need not be taken apart.
        (resource.contains(":policy/") || resource.contains("aws-reserved/"))
            && Arn::parse(resource).is_some_and(belongs_to_aws)
    } else {
        service.eq_ignore_ascii_case("kms")
            && resource.contains(":alias/aws/")
            && one_of(&ALIAS_CHANGES)
            && Arn::parse(resource).is_some_and(is_alias_of_aws)
    };
    fixed.then_some(Outcome::ImplicitDeny)
}

/// An action that the engine treats by itself, whatever policies say, in ways that other
/// actions of its service do not share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Special {
    /// `sts:GetCallerIdentity`: everybody who signs may do it.
    CallerIdentity,
    /// `kms:RetireGrant`: resource control policies do not bind it.
    GrantRetired,
    /// It changes aliases of KMS, of which AWS has its own.
    AliasChange,
    /// It changes managed policies, of which AWS has its own.
    PolicyChange,
    /// It changes or passes roles, of which AWS has its own.
    RoleChange,
}

impl Special {
    /// What is treated by itself, by service.
    const ALL: [(&'static str, &'static [&'static str], Self); 5] = [
        ("sts", &["GetCallerIdentity"], Self::CallerIdentity),
        ("kms", &["RetireGrant"], Self::GrantRetired),
        ("kms", &ALIAS_CHANGES, Self::AliasChange),
        ("iam", &POLICY_CHANGES, Self::PolicyChange),
        ("iam", &ROLE_CHANGES, Self::RoleChange),
    ];

    /// How the engine treats an action by itself; `None` where it does not.
    pub fn of(action: &Action<'_>) -> Option<Self> {
        let has = |(service, names, _): &&(&str, &[&str], Self)| {
            action.service.eq_ignore_ascii_case(service)
                && names.iter().any(|known| known.eq_ignore_ascii_case(action.name))
        };
        Self::ALL.iter().find(has).map(|(.., special)| *special)
    }

    /// The actions of a service (in lower case) that are treated so.
    pub fn names(service: &str) -> impl Iterator<Item = &'static str> {
        let of_service = Self::ALL.iter().filter(move |(of, ..)| *of == service);
        of_service.flat_map(|(_, names, _)| names.iter().copied())
    }
}

const ALIAS_CHANGES: [&str; 3] = ["CreateAlias", "DeleteAlias", "UpdateAlias"];

const POLICY_CHANGES: [&str; 7] = [
    "CreatePolicy",
    "CreatePolicyVersion",
    "DeletePolicy",
    "DeletePolicyVersion",
    "SetDefaultPolicyVersion",
    "TagPolicy",
    "UntagPolicy",
];

const ROLE_CHANGES: [&str; 16] = [
    "AttachRolePolicy",
    "CreateRole",
    "CreateServiceLinkedRole",
    "DeleteRole",
    "DeleteRolePermissionsBoundary",
    "DeleteRolePolicy",
    "DeleteServiceLinkedRole",
    "DetachRolePolicy",
    "PassRole",
    "PutRolePermissionsBoundary",
    "PutRolePolicy",
    "TagRole",
    "UntagRole",
    "UpdateAssumeRolePolicy",
    "UpdateRole",
    "UpdateRoleDescription",
];

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::Context;

    #[test]
    fn actions_are_treated_by_themselves_by_service() {
        let of = |action| Special::of(&Action::parse(action));
        assert_eq!(of("STS:getcalleridentity"), Some(Special::CallerIdentity));
        assert_eq!(of("iam:TagRole"), Some(Special::RoleChange));
        assert_eq!(of("iam:TagPolicy"), Some(Special::PolicyChange));
        assert_eq!(of("iam:CreateAlias"), None);
        assert_eq!(of("lambda:CreateAlias"), None);
        let kms: Vec<&str> = Special::names("kms").collect();
        assert_eq!(kms, ["RetireGrant", "CreateAlias", "DeleteAlias", "UpdateAlias"]);
        assert_eq!(Special::names("s3").count(), 0);
    }

    #[rstest]
    #[case::of_aws("kms:CreateAlias", "arn:aws:kms:r:111122223333:alias/aws/s3", true)]
    #[case::in_capitals("KMS:deletealias", "arn:aws:KMS:r:111122223333:alias/aws/s3", true)]
    #[case::of_somebody("kms:CreateAlias", "arn:aws:kms:r:111122223333:alias/s3", false)]
    #[case::as_the_region(
        "kms:CreateAlias",
        "arn:aws:kms:alias/aws/s3:111122223333:alias/a",
        false
    )]
    #[case::behind_a_colon("kms:CreateAlias", "arn:aws:kms:r:111122223333:a:alias/aws/s3", false)]
    #[case::of_another_service("kms:CreateAlias", "arn:aws:x:r:111122223333:alias/aws/s3", false)]
    #[case::another_action("kms:Decrypt", "arn:aws:kms:r:111122223333:alias/aws/s3", false)]
    fn aliases_of_aws_are_told_by_the_resource_of_the_arn(
        #[case] action: &str,
        #[case] resource: &str,
        #[case] is_fixed: bool,
    ) {
        let context = Context::new();
        let request = Request {
            principal: &Principal::User { arn: "arn:aws:iam::111122223333:user/a".into() },
            action,
            resource,
            resource_account: None,
            context: &context,
        };
        assert_eq!(outcome(&request), is_fixed.then_some(Outcome::ImplicitDeny));
    }
}
