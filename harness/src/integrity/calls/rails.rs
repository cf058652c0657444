//! Changes of guard rails that readings look at. Two readings tell what is
//! otherwise at their moments; what was otherwise between them, and was put back,
//! only the journal tells.

use std::sync::Arc;

use ringfence_guard::journal::{Check, Entry};

use super::held::Held;
use super::{Changed, Found, Place, by_others, is_here, is_left, is_unread_change, named, table};
use crate::integrity::left::{LeftToOthers, plain};
use crate::terraform::Instance;

/// Actions that change who may do what, or who reaches whom, and are of AWS's
/// level Write; and those that take away what can be made again under its name. A
/// name that ends in `*` is of all actions that begin so
/// (<https://docs.aws.amazon.com/service-authorization/latest/reference/>).
const WRITES: [&str; 43] = [
    "ec2:AssociateRouteTable",
    "ec2:AuthorizeSecurityGroup*",
    "ec2:CreateNetworkAclEntry",
    "ec2:CreateRoute",
    "ec2:DeleteNetworkAclEntry",
    "ec2:DeleteRoute",
    "ec2:DisassociateRouteTable",
    "ec2:ModifySecurityGroupRules",
    "ec2:ModifyVpcEndpoint",
    "ec2:ReplaceNetworkAcl*",
    "ec2:ReplaceRoute",
    "ec2:ReplaceRouteTableAssociation",
    "ec2:RevokeSecurityGroup*",
    "ecr:DeleteRepository",
    "events:DeleteEventBus",
    "iam:AddClientIDToOpenIDConnectProvider",
    "iam:AddRoleToInstanceProfile",
    "iam:AddUserToGroup",
    "iam:DeleteGroup",
    "iam:DeleteInstanceProfile",
    "iam:DeleteOpenIDConnectProvider",
    "iam:DeleteRole",
    "iam:DeleteUser",
    "iam:RemoveClientIDFromOpenIDConnectProvider",
    "iam:RemoveRoleFromInstanceProfile",
    "iam:RemoveUserFromGroup",
    "iam:SetDefaultPolicyVersion",
    "iam:UpdateAssumeRolePolicy",
    // A new name, under which what names the old one finds another.
    "iam:UpdateGroup",
    "iam:UpdateOpenIDConnectProviderThumbprint",
    "iam:UpdateUser",
    "kms:DeleteAlias",
    "kms:UpdateAlias",
    "lambda:CreateFunctionUrlConfig",
    "lambda:DeleteFunction",
    "lambda:DeleteFunctionUrlConfig",
    "lambda:UpdateFunctionUrlConfig",
    "s3:DeleteBucket",
    "secretsmanager:DeleteSecret",
    "sns:DeleteTopic",
    "sns:SetTopicAttributes",
    "sqs:DeleteQueue",
    "sqs:SetQueueAttributes",
];

/// Which types of its resources an action changes, where it is checked on others, to
/// which it only refers (the same reference).
const CHANGED: [(&str, &[&str]); 3] = [
    ("ec2:AssociateRouteTable", &["subnet/", "internet-gateway/", "vpn-gateway/"]),
    ("ec2:ModifyVpcEndpoint", &["vpc-endpoint/"]),
    ("ec2:ReplaceNetworkAclAssociation", &["subnet/"]),
];

/// What the code of a function that decides about calls can be changed by: an authorizer
/// may name an alias, which leads to another version then.
const CODE: [&str; 4] = [
    "lambda:DeleteAlias",
    "lambda:UpdateAlias",
    "lambda:UpdateFunctionCode",
    "lambda:UpdateFunctionConfiguration",
];

/// The calls of a part of the journal that changed guard rails of Layer 1's, of
/// those that readings look at. `entries` are without the harness's own, and
/// without those that the readings' differences name.
pub(in crate::integrity) fn rails(
    entries: impl IntoIterator<Item = Arc<Entry>>,
    instances: &[Instance],
    left: &LeftToOthers,
    place: Place<'_>,
) -> Vec<Changed> {
    let held: Vec<Held<'_>> = instances.iter().map(|made| Held::of(made, place)).collect();
    let authorizers: Vec<&str> =
        instances.iter().filter_map(|made| made.text("authorizer_uri")).collect();
    let decides = |check: &Check| {
        CODE.contains(&check.action.as_str())
            && authorizers.iter().any(|uri| is_called_by(uri, &check.resource))
    };
    let mut found = Found::default();
    for entry in by_others(entries, place) {
        let changes = |check: &&Check| {
            (is_change_of_a_rail(&entry, check) || decides(check)) && is_here(&entry, check, place)
        };
        for check in entry.checks.iter().filter(changes) {
            // Of a bucket and what Terraform has beside it (its policy, its versioning),
            // the bucket.
            let named = held
                .iter()
                .filter(|one| one.is_named_by(check) || named::names(&entry, check, one));
            let Some(one) = named.min_by_key(|one| one.instance.kind.len()) else { continue };
            if is_left_to_others(&entry, check, one.instance, left) {
                continue;
            }
            found.add(one.instance, &entry, check);
        }
    }
    found.changed()
}

fn is_change_of_a_rail(entry: &Entry, check: &Check) -> bool {
    if !check.is_change() || table::only_uses(&check.action) || is_unread_change(check) {
        return false;
    }
    // What a call of EC2's makes, or nothing that is there.
    if check.action.starts_with("ec2:") && check.resource.ends_with("/*") {
        return false;
    }
    // The key that an alias of somebody else's leads to, or led to, stays as it is.
    if check.action.ends_with("Alias") && !check.resource.contains(":alias/") {
        return false;
    }
    let refers_to = CHANGED.iter().find(|(action, _)| *action == check.action);
    if refers_to.is_some_and(|(_, types)| !types.iter().any(|of| own(check).starts_with(of))) {
        return false;
    }
    // A service that is given a key to use makes a grant, and retires it.
    let is_of_use = ["kms:CreateGrant", "kms:RetireGrant"].contains(&check.action.as_str());
    if is_of_use && (entry.service != "kms" || !entry.called_via.is_empty()) {
        return false;
    }
    let is_of_an_api = check.action.starts_with("apigateway:")
        && ["/routes/", "/authorizers/"].iter().any(|part| check.resource.contains(part));
    // Policies ask for tags.
    check.is_of_permissions()
        || check.is_of_tags()
        || is_of_an_api
        || table::is_one_of(&check.action, &WRITES)
}

/// What an ARN says of its resource: `subnet/subnet-1`.
fn own(check: &Check) -> &str {
    check.resource.splitn(6, ':').nth(5).unwrap_or_default()
}

/// Whether an authorizer's URI (`arn:aws:apigateway:…/functions/ARN/invocations`)
/// leads to a function.
fn is_called_by(uri: &str, function: &str) -> bool {
    let called = uri.split_once("/functions/").and_then(|(_, rest)| rest.split_once('/'));
    let Some((called, _)) = called else { return false };
    called == function || called.strip_prefix(function).is_some_and(|rest| rest.starts_with(':'))
}

/// Whether the change is of attributes that Layer 1 leaves to others, all of them. What
/// grants permissions, and the routes and authorizers of an API, are left to nobody.
fn is_left_to_others(
    entry: &Entry,
    check: &Check,
    instance: &Instance,
    left: &LeftToOthers,
) -> bool {
    if check.is_of_tags() {
        let left = left.attributes_of(instance);
        return left.iter().any(|attribute| ["all", "tags", "tagsall"].contains(attribute));
    }
    let operation = check.action.split_once(':').map_or("", |(_, operation)| operation);
    if operation.starts_with("Set") && operation.ends_with("Attributes") {
        let Some(change) = &entry.change else { return false };
        let mut set = change.attributes().peekable();
        return set.peek().is_some()
            && set.all(|name| plain(name) != "policy" && left.has_member(instance, name));
    }
    // The routes of a network are left to nobody, as an API's are not.
    check.action.starts_with("ec2:")
        && !operation.ends_with("Route")
        && is_left(check, instance, left)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::super::tests::{PLACE, entry};
    use super::*;

    fn instances() -> Vec<Instance> {
        let resource = |kind: &str, attributes: Value| {
            json!({"mode": "managed", "type": kind, "name": "x",
                "instances": [{"attributes": attributes}]})
        };
        let arn = |rest: &str| json!({"arn": format!("arn:aws:{rest}")});
        Instance::of(&json!({"resources": [
            resource("aws_iam_role", arn("iam::123456789012:role/d")),
            resource("aws_iam_user", arn("iam::123456789012:user/u")),
            resource("aws_iam_policy", arn("iam::123456789012:policy/p")),
            resource("aws_lambda_function", arn("lambda:us-east-1:123456789012:function:f")),
            resource("aws_subnet", arn("ec2:us-east-1:123456789012:subnet/s-1")),
            resource("aws_route_table", arn("ec2:us-east-1:123456789012:route-table/rtb-1")),
            json!({"mode": "managed", "type": "aws_lambda_function", "name": "judge",
                "instances": [{"attributes":
                    arn("lambda:us-east-1:123456789012:function:judge")}]}),
            resource("aws_s3_bucket_policy", json!({"bucket": "b"})),
            resource("aws_s3_bucket", arn("s3:::b")),
            resource("aws_apigatewayv2_route", json!({"api_id": "a1", "id": "r1"})),
            resource("aws_apigatewayv2_authorizer", json!({"api_id": "a1", "id": "z1",
                "authorizer_uri": "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/\
                    arn:aws:lambda:us-east-1:123456789012:function:judge/invocations"})),
            resource("aws_security_group", arn("ec2:us-east-1:123456789012:security-group/sg-1")),
            resource(
                "aws_vpc_security_group_ingress_rule",
                arn("ec2:us-east-1:123456789012:security-group-rule/sgr-1"),
            ),
            resource("aws_sqs_queue", arn("sqs:us-east-1:123456789012:q")),
            resource("aws_cloudwatch_log_resource_policy", json!({"policy_name": "delivery"})),
            resource("aws_kms_key", arn("kms:us-east-1:123456789012:key/k")),
            resource("aws_kms_alias", arn("kms:us-east-1:123456789012:alias/a")),
        ]}))
    }

    fn found(entry: Arc<Entry>, left: &LeftToOthers) -> Vec<String> {
        rails([entry], &instances(), left, PLACE).into_iter().map(|one| one.address).collect()
    }

    #[rstest]
    #[case("iam:PutRolePolicy", "iam::123456789012:role/d", "aws_iam_role.x")]
    #[case("iam:UpdateAssumeRolePolicy", "iam::123456789012:role/d", "aws_iam_role.x")]
    #[case("iam:DeleteRolePermissionsBoundary", "iam::123456789012:role/d", "aws_iam_role.x")]
    #[case("iam:CreatePolicyVersion", "iam::123456789012:policy/p", "aws_iam_policy.x")]
    #[case(
        "lambda:AddPermission",
        "lambda:us-east-1:123456789012:function:f",
        "aws_lambda_function.x"
    )]
    #[case(
        "lambda:CreateFunctionUrlConfig",
        "lambda:us-east-1:123456789012:function:f",
        "aws_lambda_function.x"
    )]
    #[case("s3:PutBucketPolicy", "s3:::b", "aws_s3_bucket.x")]
    #[case(
        "apigateway:PATCH",
        "apigateway:us-east-1::/apis/a1/routes/r1",
        "aws_apigatewayv2_route.x"
    )]
    #[case(
        "apigateway:PATCH",
        "apigateway:us-east-1::/apis/a1/authorizers/z1",
        "aws_apigatewayv2_authorizer.x"
    )]
    #[case(
        "ec2:AuthorizeSecurityGroupIngress",
        "ec2:us-east-1:123456789012:security-group/sg-1",
        "aws_security_group.x"
    )]
    #[case(
        "ec2:ModifySecurityGroupRules",
        "ec2:us-east-1:123456789012:security-group-rule/sgr-1",
        "aws_vpc_security_group_ingress_rule.x"
    )]
    #[case("iam:TagRole", "iam::123456789012:role/d", "aws_iam_role.x")]
    #[case("ec2:AssociateRouteTable", "ec2:us-east-1:123456789012:subnet/s-1", "aws_subnet.x")]
    #[case(
        "lambda:UpdateFunctionCode",
        "lambda:us-east-1:123456789012:function:judge",
        "aws_lambda_function.judge"
    )]
    #[case(
        "lambda:UpdateAlias",
        "lambda:us-east-1:123456789012:function:judge",
        "aws_lambda_function.judge"
    )]
    #[case("iam:UpdateUser", "iam::123456789012:user/u", "aws_iam_user.x")]
    #[case("sqs:DeleteQueue", "sqs:us-east-1:123456789012:q", "aws_sqs_queue.x")]
    #[case("iam:DeleteRole", "iam::123456789012:role/d", "aws_iam_role.x")]
    #[case("sqs:SetQueueAttributes", "sqs:us-east-1:123456789012:q", "aws_sqs_queue.x")]
    #[case("kms:UpdateAlias", "kms:us-east-1:123456789012:alias/a", "aws_kms_alias.x")]
    #[case("kms:PutKeyPolicy", "kms:us-east-1:123456789012:key/k", "aws_kms_key.x")]
    fn an_allowed_change_of_a_guard_rail_is_told_whatever_is_left_of_it(
        #[case] action: &str,
        #[case] resource: &str,
        #[case] address: &str,
    ) {
        let (none, resource) = (LeftToOthers::default(), format!("arn:aws:{resource}"));
        // The upstream did it, and what came after failed; or nobody knows.
        for change in
            [json!({}), json!({"status": 502}), json!({"status": 503, "upstream_status": null})]
        {
            assert_eq!(found(entry(action, &resource, &change), &none), [address], "{change}");
        }
        for change in [
            json!({"outcome": "denied", "status": 403}),
            json!({"status": 409, "upstream_status": 409}),
            json!({"status": 501, "upstream_status": 500}),
            json!({"principal": "arn:aws:iam::123456789012:root"}),
        ] {
            let empty: [&str; 0] = [];
            assert_eq!(found(entry(action, &resource, &change), &none), empty, "{change}");
        }
    }

    #[test]
    fn a_policy_that_is_put_on_all_is_the_one_that_the_call_names() {
        let none = LeftToOthers::default();
        let put = |name: &str| {
            let change =
                json!({"change": {"members": ["policyName"], "names": {"policyName": [name]}}});
            entry("logs:PutResourcePolicy", "*", &change)
        };
        assert_eq!(found(put("delivery"), &none), ["aws_cloudwatch_log_resource_policy.x"]);
        assert_eq!(found(put("of-the-team"), &none), Vec::<String>::new());
        let elsewhere = json!({"change": {"members": ["policyName"], "region": "eu-west-1",
            "names": {"policyName": ["delivery"]}}});
        let elsewhere = entry("logs:PutResourcePolicy", "*", &elsewhere);
        assert_eq!(found(elsewhere, &none), Vec::<String>::new());
        assert_eq!(
            found(entry("logs:PutResourcePolicy", "*", &json!({})), &none),
            Vec::<String>::new()
        );
    }

    /// A call on all is about the account that it was made in; a bucket is there whoever
    /// calls.
    #[test]
    fn what_was_done_in_another_account_is_no_change_of_this_one() {
        let none = LeftToOthers::default();
        let other = "arn:aws:sts::222222222222:assumed-role/deployer/GitHubActions";
        let put = |principal: &str| {
            let change = json!({"principal": principal, "change": {"members": ["policyName"],
                "names": {"policyName": ["delivery"]}}});
            found(entry("logs:PutResourcePolicy", "*", &change), &none)
        };
        assert_eq!(put(other), Vec::<String>::new());
        assert_eq!(
            put("arn:aws:sts::123456789012:assumed-role/deployer/GitHubActions"),
            ["aws_cloudwatch_log_resource_policy.x"]
        );
        let by_other = json!({"principal": other});
        let bucket = entry("s3:PutBucketPolicy", "arn:aws:s3:::b", &by_other);
        assert_eq!(found(bucket, &none), ["aws_s3_bucket.x"]);
        let route = "arn:aws:apigateway:us-east-1::/apis/a1/routes/r1";
        assert_eq!(found(entry("apigateway:PATCH", route, &by_other), &none), Vec::<String>::new());
    }

    #[rstest]
    #[case::reading("iam:GetRole", "iam::123456789012:role/d")]
    #[case::use_of_it("iam:PassRole", "iam::123456789012:role/d")]
    #[case::a_role_of_the_teams("iam:PutRolePolicy", "iam::123456789012:role/app-x")]
    #[case::anothers_alias("kms:UpdateAlias", "kms:us-east-1:123456789012:key/k")]
    #[case::a_tag_of_an_object("s3:PutObjectTagging", "s3:::b/k")]
    #[case::code("lambda:UpdateFunctionCode", "lambda:us-east-1:123456789012:function:f")]
    #[case::an_alias("lambda:UpdateAlias", "lambda:us-east-1:123456789012:function:f")]
    #[case::an_aliass_policy_which_no_reading_shows(
        "lambda:AddPermission",
        "lambda:us-east-1:123456789012:function:f:live"
    )]
    #[case::a_table_that_a_subnet_of_the_teams_uses(
        "ec2:AssociateRouteTable",
        "ec2:us-east-1:123456789012:route-table/rtb-1"
    )]
    #[case::a_group_that_an_endpoint_of_the_teams_has(
        "ec2:ModifyVpcEndpoint",
        "ec2:us-east-1:123456789012:security-group/sg-1"
    )]
    #[case::a_rule_that_is_added_to_another_group(
        "ec2:AuthorizeSecurityGroupIngress",
        "ec2:us-east-1:123456789012:security-group-rule/*"
    )]
    #[case::a_route_that_is_added("apigateway:POST", "apigateway:us-east-1::/apis/a1/routes")]
    #[case::a_route_of_the_teams("apigateway:PATCH", "apigateway:us-east-1::/apis/a1/routes/r2")]
    fn what_changes_no_guard_rail_of_layer_1_is_none(#[case] action: &str, #[case] resource: &str) {
        let entry = entry(action, &format!("arn:aws:{resource}"), &json!({}));
        assert_eq!(found(entry, &LeftToOthers::default()), Vec::<String>::new());
    }

    #[test]
    fn a_grant_that_a_service_makes_to_use_a_key_is_no_change() {
        let key = "arn:aws:kms:us-east-1:123456789012:key/k";
        let none = LeftToOthers::default();
        assert_eq!(found(entry("kms:CreateGrant", key, &json!({})), &none), ["aws_kms_key.x"]);
        let via = json!({"called_via": ["lambda.amazonaws.com"]});
        assert_eq!(found(entry("kms:CreateGrant", key, &via), &none), Vec::<String>::new());
        // A permission that a call of the service's own needs.
        let table = json!({"service": "dynamodb", "operation": "CreateTable"});
        assert_eq!(found(entry("kms:CreateGrant", key, &table), &none), Vec::<String>::new());
        assert_eq!(found(entry("kms:PutKeyPolicy", key, &via), &none), ["aws_kms_key.x"]);
    }

    #[test]
    fn permissions_are_left_to_nobody_and_a_queues_attributes_are_each() {
        let ignored = ["aws_sqs_queue.x.visibility_timeout_seconds", "aws_iam_role.x.all"];
        let ignored = ignored.map(|one| one.parse().unwrap());
        let left = LeftToOthers::leaving(&ignored, &instances());
        let queue = "arn:aws:sqs:us-east-1:123456789012:q";
        let set = |names: &[&str]| {
            let members: Vec<String> =
                names.iter().map(|name| format!("Attributes.{name}")).collect();
            let change = json!({"change": {"members": members}});
            entry("sqs:SetQueueAttributes", queue, &change)
        };
        assert_eq!(found(set(&["VisibilityTimeout"]), &left), Vec::<String>::new());
        let others: [&[&str]; 4] =
            [&["VisibilityTimeout", "Policy"], &["Policy"], &["KmsMasterKeyId"], &[]];
        for set_too in others {
            assert_eq!(found(set(set_too), &left), ["aws_sqs_queue.x"], "{set_too:?}");
        }
        let all = ["aws_sqs_queue.x.all".parse().unwrap()];
        let all = LeftToOthers::leaving(&all, &instances());
        assert_eq!(found(set(&["KmsMasterKeyId"]), &all), Vec::<String>::new());
        for policy in ["Policy", "policy", "POLICY"] {
            assert_eq!(found(set(&[policy]), &all), ["aws_sqs_queue.x"], "{policy}");
        }
        // Of a journal that does not say what was set nothing is left.
        let unsaid = entry("sqs:SetQueueAttributes", queue, &json!({}));
        assert_eq!(found(unsaid, &left), ["aws_sqs_queue.x"]);
        let added = entry("sqs:AddPermission", queue, &json!({}));
        assert_eq!(found(added, &left), ["aws_sqs_queue.x"]);
        let role = "arn:aws:iam::123456789012:role/d";
        let policy = entry("iam:PutRolePolicy", role, &json!({}));
        assert_eq!(found(policy, &left), ["aws_iam_role.x"]);
        let tagged = entry("iam:TagRole", role, &json!({}));
        assert_eq!(found(tagged, &left), Vec::<String>::new());
        let ignored = ["route", "all"].map(|it| format!("aws_route_table.x.{it}").parse().unwrap());
        let left = LeftToOthers::leaving(&ignored, &instances());
        let table = "arn:aws:ec2:us-east-1:123456789012:route-table/rtb-1";
        for action in ["ec2:CreateRoute", "ec2:DeleteRoute", "ec2:ReplaceRoute"] {
            let changed = entry(action, table, &json!({}));
            assert_eq!(found(changed, &left), ["aws_route_table.x"], "{action}");
        }
    }
}
