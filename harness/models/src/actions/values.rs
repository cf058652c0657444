//! Keys of which a request has one value at most.

use super::{Prefix, is_global_key, keys, of};

/// Keys of every service that AWS calls multivalued
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html>),
/// and one of which nobody says how many values it has.
const MANY: [&str; 8] = [
    "aws:CalledVia",
    "aws:CalledViaAWSMCP",
    "aws:PrincipalOrgPaths",
    "aws:PrincipalServiceNamesList",
    "aws:ResourceOrgPaths",
    "aws:SourceOrgPaths",
    "aws:TagKeys",
    "aws:VpceOrgPaths",
];

/// Keys of tags: one value a tag, says the page of [`has_one_value`].
const TAGS: [&str; 2] = ["aws:RequestTag/${TagKey}", "aws:ResourceTag/${TagKey}"];

/// Keys that the reference types without `ArrayOf` and that may have several values all the
/// same.
const DOUBTED: [&str; 18] = [
    // AmazonCodeGuruReviewerFullAccess and AmazonCodeGuruReviewerServiceRolePolicy, AWS's
    // own, ask for all of its values.
    "codestar-connections:ProviderAction",
    "codeconnections:ProviderAction",
    // A list for Amazon Q (`q`, `qbusiness`), and one value elsewhere.
    "identitystore:UserId",
    // Named in the plural, or of a member of the request that is a list.
    "autoscaling:InstanceTypes",
    "cloud9:Permissions",
    "cloudformation:ImportResourceTypes",
    "codecommit:References",
    "ecs:container-instances",
    "glue:LakeFormationPermissions",
    "observabilityadmin:TargetRegions",
    "ram:Principal",
    "route53:VPCs",
    "route53profiles:HostedZoneDomains",
    "route53profiles:ResolverRuleDomains",
    "route53profiles:ResourceArns",
    "route53profiles:ResourceIds",
    "route53profiles:ResourceTypes",
    "s3-outposts:RequestObjectTagKeys",
];

/// Whether a request has one value of the key at most: "single-valued condition context keys
/// have at most one value in the request context", and those of the reference that may have
/// several are of a type that begins with `ArrayOf`
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html>).
/// It is not said of a key that no reference has, nor of claims of identity providers
/// (`saml:…`): of these lists are possible.
pub fn has_one_value(key: &str) -> bool {
    let is_among = |all: &[&str]| all.iter().any(|one| one.eq_ignore_ascii_case(key));
    if is_among(&MANY) || is_among(&DOUBTED) {
        return false;
    }
    if is_global_key(key) || TAGS.iter().any(|known| keys::is_key(known, key)) {
        return true;
    }
    let service = key.split_once(':').and_then(|(prefix, _)| of(prefix));
    service.is_some_and(|service| service.has_one_value(key))
}

impl Prefix {
    /// Whether the reference has the key among the service's own, and no list of it.
    fn has_one_value(&self, key: &str) -> bool {
        let own = self.condition_keys.iter().filter(|(known, _)| keys::is_key(known, key));
        let mut kinds = own.map(|(_, kind)| !kind.starts_with("ArrayOf")).peekable();
        kinds.peek().is_some() && kinds.all(|is_one| is_one)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::of_a_service("s3:x-amz-server-side-encryption", true)]
    #[case::in_any_case("IAM:passedtoservice", true)]
    #[case::an_arn("iam:PermissionsBoundary", true)]
    #[case::with_a_variable("s3:ExistingObjectTag/team", true)]
    #[case::of_every_service("aws:SourceVpce", true)]
    #[case::of_a_principal("aws:PrincipalTag/team", true)]
    #[case::of_a_request("aws:requesttag/team", true)]
    #[case::of_a_resource("aws:ResourceTag/team", true)]
    #[case::of_a_session("lambda:SourceFunctionArn", true)]
    #[case::tag_keys("aws:TagKeys", false)]
    #[case::services_on_the_way("aws:calledvia", false)]
    #[case::paths("aws:PrincipalOrgPaths", false)]
    #[case::a_list("dynamodb:LeadingKeys", false)]
    #[case::a_list_of_arns("iot:ThingGroupArn", false)]
    #[case::of_no_reference("s3:Unheard", false)]
    #[case::of_no_service("acme:Team", false)]
    #[case::of_no_page("aws:Unheard", false)]
    #[case::of_a_provider("saml:aud", false)]
    #[case::in_doubt("ram:Principal", false)]
    #[case::without_a_service("username", false)]
    fn a_key_has_one_value_where_aws_says_so(#[case] key: &str, #[case] is_one: bool) {
        assert_eq!(has_one_value(key), is_one);
    }

    /// Each key that is in doubt is one of which the reference says that it has one value.
    #[test]
    fn what_is_in_doubt_the_reference_has() {
        let is_said = |key: &&str| {
            let service = key.split_once(':').and_then(|(prefix, _)| of(prefix));
            service.is_some_and(|service| service.has_one_value(key))
        };
        let gone: Vec<&str> = DOUBTED.into_iter().filter(|key| !is_said(key)).collect();
        assert_eq!(gone, Vec::<&str>::new());
        let unheard: Vec<&str> =
            MANY.into_iter().filter(|key| !is_global_key(key) && *key != "aws:TagKeys").collect();
        assert_eq!(unheard, Vec::<&str>::new());
    }
}
