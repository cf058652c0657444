//! IAM.

use ringfence_wire::{Service, ServiceError};
use rstest::rstest;
use serde_json::{Value, json};

use super::{alice, ask_as, expect, expect_as, root};
use crate::requirements::RequirementsError;

const BOUNDARY: &str = "arn:aws:iam::123456789012:policy/boundary";

#[rstest]
// The requested boundary, on the ARN with the requested path.
#[case::create_role_with_a_boundary(
    "CreateRole",
    json!({"RoleName": "r", "Path": "/apps/", "PermissionsBoundary": BOUNDARY}),
    &["iam:CreateRole arn:aws:iam::123456789012:role/apps/r \
       iam:permissionsboundary=arn:aws:iam::123456789012:policy/boundary"],
)]
#[case::create_role_without_a_boundary(
    "CreateRole",
    json!({"RoleName": "r"}),
    &["iam:CreateRole arn:aws:iam::123456789012:role/r"],
)]
#[case::create_role_with_tags(
    "CreateRole",
    json!({"RoleName": "r", "Tags": [{"Key": "Team", "Value": "b"}]}),
    &[
        "iam:CreateRole arn:aws:iam::123456789012:role/r aws:requesttag/team=b aws:tagkeys=[Team]",
        "iam:TagRole arn:aws:iam::123456789012:role/r aws:requesttag/team=b aws:tagkeys=[Team]",
    ],
)]
#[case::put_boundary_carries_the_requested_one(
    "PutRolePermissionsBoundary",
    json!({"RoleName": "bare", "PermissionsBoundary": BOUNDARY}),
    &["iam:PutRolePermissionsBoundary arn:aws:iam::123456789012:role/bare (role bare) \
       iam:permissionsboundary=arn:aws:iam::123456789012:policy/boundary"],
)]
// The attached boundary, absent where there is none.
#[case::delete_boundary_carries_the_attached_one(
    "DeleteRolePermissionsBoundary",
    json!({"RoleName": "app"}),
    &["iam:DeleteRolePermissionsBoundary arn:aws:iam::123456789012:role/apps/app (role app) \
       iam:permissionsboundary=arn:aws:iam::123456789012:policy/boundary"],
)]
#[case::attach_policy_to_a_bounded_role(
    "AttachRolePolicy",
    json!({"RoleName": "app", "PolicyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}),
    &["iam:AttachRolePolicy arn:aws:iam::123456789012:role/apps/app (role app) \
       iam:permissionsboundary=arn:aws:iam::123456789012:policy/boundary \
       iam:policyarn=arn:aws:iam::aws:policy/ReadOnlyAccess"],
)]
#[case::put_policy_on_an_unbounded_role(
    "PutRolePolicy",
    json!({"RoleName": "bare", "PolicyName": "p", "PolicyDocument": "{}"}),
    &["iam:PutRolePolicy arn:aws:iam::123456789012:role/bare (role bare)"],
)]
#[case::a_role_that_is_not_there(
    "GetRole",
    json!({"RoleName": "gone"}),
    &["iam:GetRole arn:aws:iam::123456789012:role/gone (role gone)"],
)]
#[case::get_role_carries_the_boundary(
    "GetRole",
    json!({"RoleName": "app"}),
    &["iam:GetRole arn:aws:iam::123456789012:role/apps/app (role app) \
       iam:permissionsboundary=arn:aws:iam::123456789012:policy/boundary"],
)]
// No boundary key: a policy with that condition never matches these.
#[case::list_role_policies("ListRolePolicies", json!({"RoleName": "app"}),
    &["iam:ListRolePolicies arn:aws:iam::123456789012:role/apps/app (role app)"])]
#[case::tag_role(
    "TagRole",
    json!({"RoleName": "tagged", "Tags": [{"Key": "x", "Value": "y"}]}),
    &["iam:TagRole arn:aws:iam::123456789012:role/tagged (role tagged) aws:requesttag/x=y \
       aws:resourcetag/team=a aws:tagkeys=[x] iam:resourcetag/team=a"],
)]
#[case::untag_role(
    "UntagRole",
    json!({"RoleName": "bare", "TagKeys": ["x"]}),
    &["iam:UntagRole arn:aws:iam::123456789012:role/bare (role bare) aws:tagkeys=[x]"],
)]
#[case::policy_versions_have_no_keys(
    "CreatePolicyVersion",
    json!({"PolicyArn": BOUNDARY, "PolicyDocument": "{}", "SetAsDefault": "true"}),
    &["iam:CreatePolicyVersion arn:aws:iam::123456789012:policy/boundary \
       (policy arn:aws:iam::123456789012:policy/boundary)"],
)]
#[case::create_policy(
    "CreatePolicy",
    json!({"PolicyName": "p", "Path": "/x/"}),
    &["iam:CreatePolicy arn:aws:iam::123456789012:policy/x/p (policy p)"],
)]
#[case::list_policies("ListPolicies", json!({}), &["iam:ListPolicies * (policy path /)"])]
#[case::list_roles("ListRoles", json!({"PathPrefix": "/apps/"}),
    &["iam:ListRoles * (arn:aws:iam::123456789012:role/apps/)"])]
#[case::groups_keep_their_path("AddUserToGroup", json!({"GroupName": "devs", "UserName": "alice"}),
    &["iam:AddUserToGroup arn:aws:iam::123456789012:group/teams/devs (group devs)"])]
#[case::oidc_provider_by_url(
    "CreateOpenIDConnectProvider",
    json!({"Url": "https://token.actions.githubusercontent.com"}),
    &["iam:CreateOpenIDConnectProvider \
       arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"],
)]
#[case::instance_profiles_pass_their_role(
    "AddRoleToInstanceProfile",
    json!({"InstanceProfileName": "web", "RoleName": "app"}),
    &[
        "iam:AddRoleToInstanceProfile arn:aws:iam::123456789012:instance-profile/web \
         (instance profile web) aws:resourcetag/team=a iam:resourcetag/team=a",
        "iam:PassRole arn:aws:iam::123456789012:role/apps/app iam:passedtoservice=ec2.amazonaws.com",
    ],
)]
#[case::service_linked_roles(
    "CreateServiceLinkedRole",
    json!({"AWSServiceName": "ops.apigateway.amazonaws.com"}),
    &["iam:CreateServiceLinkedRole arn:aws:iam::123456789012:role/aws-service-role/\
       ops.apigateway.amazonaws.com/AWSServiceRoleForAPIGateway \
       iam:awsservicename=ops.apigateway.amazonaws.com"],
)]
#[case::a_rename_needs_both_names(
    "UpdateUser",
    json!({"UserName": "alice", "NewUserName": "eve"}),
    &[
        "iam:UpdateUser arn:aws:iam::123456789012:user/people/alice (user alice) \
         aws:resourcetag/team=a iam:resourcetag/team=a",
        "iam:UpdateUser arn:aws:iam::123456789012:user/people/eve",
    ],
)]
#[case::a_key_is_its_users(
    "GetAccessKeyLastUsed",
    json!({"AccessKeyId": "AKIAOFALICE"}),
    &["iam:GetAccessKeyLastUsed arn:aws:iam::123456789012:user/people/alice (user alice) \
       aws:resourcetag/team=a iam:resourcetag/team=a"],
)]
#[case::a_key_that_is_not_there(
    "GetAccessKeyLastUsed",
    json!({"AccessKeyId": "missing"}),
    &["iam:GetAccessKeyLastUsed arn:aws:iam::123456789012:user/*"],
)]
#[tokio::test]
async fn iam_requires(#[case] operation: &str, #[case] input: Value, #[case] expected: &[&str]) {
    expect(Service::Iam, operation, input, expected).await;
}

#[tokio::test]
async fn of_a_key_that_nothing_tells_nothing_is_decided() {
    let input = json!({"AccessKeyId": "untold"});
    let refused = ask_as(&alice(), Service::Iam, "GetAccessKeyLastUsed", input).await.unwrap_err();
    assert!(refused.to_string().contains("WHY"), "{refused}");
}

#[tokio::test]
async fn a_call_without_a_name_means_the_callers_own_user() {
    let own = "arn:aws:iam::123456789012:user/people/alice (user alice) \
               aws:resourcetag/team=a iam:resourcetag/team=a";
    for operation in ["GetUser", "CreateAccessKey", "ListAccessKeys", "ListMFADevices"] {
        let expected = format!("iam:{operation} {own}");
        expect_as(&alice(), Service::Iam, operation, json!({}), &[&expected]).await;
    }
}

#[tokio::test]
async fn a_call_without_a_name_needs_a_user() {
    let mut session = alice();
    session.identity = ringfence_services::Identity::Anonymous;
    let refused = ask_as(&session, Service::Iam, "GetUser", json!({})).await.unwrap_err();
    let text = "Must specify userName when calling with non-User credentials";
    let expected = ServiceError::new(400, "ValidationError", text);
    assert_eq!(refused, RequirementsError::Service(expected));
}

#[tokio::test]
async fn an_unknown_service_linked_role_is_refused() {
    let input = json!({"AWSServiceName": "unknown.amazonaws.com"});
    let refused =
        ask_as(&root(), Service::Iam, "CreateServiceLinkedRole", input).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "iam:CreateServiceLinkedRole has no authorization mapping; \
         the guard refuses what it cannot decide"
    );
}
