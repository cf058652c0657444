//! ARNs and ids that names determine.

use super::Apart;
use super::setting::Setting;
use crate::access::own::before_key;
use crate::lint::known::{Node, Value};
use crate::lint::terraform::Resource;

/// A type, an attribute of it, and how AWS writes it
/// (<https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html>;
/// which attribute holds what, the provider's pages say). In this order, for some
/// have others in them.
const FORMATS: [(&str, &str, &str); 49] = [
    ("aws_iam_policy", "arn", "arn:${partition}:iam::${account}:policy${path}${name}"),
    ("aws_iam_policy", "id", "${arn}"),
    ("aws_iam_role", "arn", "arn:${partition}:iam::${account}:role${path}${name}"),
    ("aws_iam_role", "id", "${name}"),
    ("aws_iam_user", "arn", "arn:${partition}:iam::${account}:user${path}${name}"),
    ("aws_iam_user", "id", "${name}"),
    ("aws_iam_group", "arn", "arn:${partition}:iam::${account}:group${path}${name}"),
    ("aws_iam_group", "id", "${name}"),
    (
        "aws_iam_instance_profile",
        "arn",
        "arn:${partition}:iam::${account}:instance-profile${path}${name}",
    ),
    (
        "aws_iam_openid_connect_provider",
        "arn",
        "arn:${partition}:iam::${account}:oidc-provider/${host}",
    ),
    ("aws_iam_openid_connect_provider", "id", "${arn}"),
    ("aws_iam_saml_provider", "arn", "arn:${partition}:iam::${account}:saml-provider/${name}"),
    ("aws_s3_bucket", "id", "${bucket}"),
    ("aws_s3_bucket", "arn", "arn:${partition}:s3:::${bucket}"),
    (
        "aws_lambda_function",
        "arn",
        "arn:${partition}:lambda:${region}:${account}:function:${function_name}",
    ),
    ("aws_lambda_function", "id", "${function_name}"),
    (
        "aws_lambda_function",
        "invoke_arn",
        "arn:${partition}:apigateway:${region}:lambda:path/2015-03-31/functions/${arn}/invocations",
    ),
    ("aws_dynamodb_table", "arn", "arn:${partition}:dynamodb:${region}:${account}:table/${name}"),
    ("aws_dynamodb_table", "id", "${name}"),
    ("aws_sqs_queue", "arn", "arn:${partition}:sqs:${region}:${account}:${name}"),
    ("aws_sns_topic", "arn", "arn:${partition}:sns:${region}:${account}:${name}"),
    ("aws_sns_topic", "id", "${arn}"),
    ("aws_ssm_parameter", "arn", "arn:${partition}:ssm:${region}:${account}:parameter${slashed}"),
    ("aws_ssm_parameter", "id", "${name}"),
    (
        "aws_cloudwatch_log_group",
        "arn",
        "arn:${partition}:logs:${region}:${account}:log-group:${name}",
    ),
    ("aws_cloudwatch_log_group", "id", "${name}"),
    (
        "aws_sfn_state_machine",
        "arn",
        "arn:${partition}:states:${region}:${account}:stateMachine:${name}",
    ),
    ("aws_sfn_state_machine", "id", "${arn}"),
    ("aws_kinesis_stream", "arn", "arn:${partition}:kinesis:${region}:${account}:stream/${name}"),
    ("aws_ecr_repository", "arn", "arn:${partition}:ecr:${region}:${account}:repository/${name}"),
    ("aws_ecr_repository", "id", "${name}"),
    (
        "aws_efs_file_system",
        "arn",
        "arn:${partition}:elasticfilesystem:${region}:${account}:file-system/${id}",
    ),
    ("aws_kms_alias", "arn", "arn:${partition}:kms:${region}:${account}:${name}"),
    (
        "aws_cloudwatch_event_bus",
        "arn",
        "arn:${partition}:events:${region}:${account}:event-bus/${name}",
    ),
    ("aws_cloudwatch_event_bus", "id", "${name}"),
    (
        "aws_codebuild_project",
        "arn",
        "arn:${partition}:codebuild:${region}:${account}:project/${name}",
    ),
    ("aws_vpc", "arn", "arn:${partition}:ec2:${region}:${account}:vpc/${id}"),
    ("aws_subnet", "arn", "arn:${partition}:ec2:${region}:${account}:subnet/${id}"),
    ("aws_security_group", "arn", "arn:${partition}:ec2:${region}:${account}:security-group/${id}"),
    ("aws_ecs_cluster", "arn", "arn:${partition}:ecs:${region}:${account}:cluster/${name}"),
    ("aws_ecs_cluster", "id", "${arn}"),
    ("aws_kms_key", "arn", "arn:${partition}:kms:${region}:${account}:key/${key_id}"),
    ("aws_kms_key", "id", "${key_id}"),
    ("aws_default_network_acl", "id", "${default_network_acl_id}"),
    ("aws_default_route_table", "id", "${default_route_table_id}"),
    ("aws_apigatewayv2_api", "arn", "arn:${partition}:apigateway:${region}::/apis/${id}"),
    (
        "aws_apigatewayv2_api",
        "execution_arn",
        "arn:${partition}:execute-api:${region}:${account}:${id}",
    ),
    ("aws_api_gateway_rest_api", "arn", "arn:${partition}:apigateway:${region}::/restapis/${id}"),
    (
        "aws_api_gateway_rest_api",
        "execution_arn",
        "arn:${partition}:execute-api:${region}:${account}:${id}",
    ),
];

/// Attributes whose value AWS chooses, and how it begins: letters, digits and hyphens
/// that are no name of anything else.
const CHOSEN: [(&str, &str, &str); 25] = [
    ("aws_vpc", "id", "vpc-"),
    ("aws_vpc", "default_network_acl_id", "acl-"),
    ("aws_vpc", "default_route_table_id", "rtb-"),
    ("aws_vpc", "default_security_group_id", "sg-"),
    ("aws_vpc", "main_route_table_id", "rtb-"),
    ("aws_egress_only_internet_gateway", "id", "eigw-"),
    ("aws_subnet", "id", "subnet-"),
    ("aws_security_group", "id", "sg-"),
    ("aws_vpc_endpoint", "id", "vpce-"),
    ("aws_route_table", "id", "rtb-"),
    ("aws_internet_gateway", "id", "igw-"),
    ("aws_nat_gateway", "id", "nat-"),
    ("aws_network_acl", "id", "acl-"),
    ("aws_eip", "id", "eipalloc-"),
    ("aws_kms_key", "key_id", "key-"),
    ("aws_efs_file_system", "id", "fs-"),
    ("aws_apigatewayv2_api", "id", ""),
    ("aws_apigatewayv2_authorizer", "id", ""),
    ("aws_apigatewayv2_integration", "id", ""),
    ("aws_apigatewayv2_route", "id", ""),
    ("aws_apigatewayv2_vpc_link", "id", ""),
    ("aws_api_gateway_rest_api", "id", ""),
    ("aws_iam_role", "unique_id", "AROA"),
    ("aws_organizations_policy", "id", "p-"),
    ("aws_organizations_organizational_unit", "id", "ou-"),
];

/// What stands for an id that is not known: a text that no file has.
pub(in crate::access) const UNKNOWN: &str = "known-after-apply.";

/// Whether a name, or a part of it, is not known.
pub(in crate::access) fn is_chosen(name: &str) -> bool {
    name.contains(UNKNOWN)
}

/// Identities, whose names the provider or an expression chooses where they do not say.
const IDENTITIES: [&str; 3] = ["aws_iam_group", "aws_iam_role", "aws_iam_user"];

/// Completes what names determine, and names what AWS chooses.
pub(super) fn complete(resources: &mut [Resource], setting: &Setting, apart: &Apart) {
    for resource in resources.iter_mut().filter(|one| !one.is_data) {
        if IDENTITIES.contains(&resource.kind.as_str()) {
            let before = resource.values.get("name_prefix").and_then(Node::text);
            let before = before.unwrap_or_default();
            let chosen = format!("{before}{UNKNOWN}{}", plain(&apart.called(&resource.address)));
            set(resource, "name", Some(chosen));
        }
        for (kind, attribute, prefix) in CHOSEN {
            if kind == resource.kind {
                let before = before(resource, attribute, prefix);
                let chosen = before.map(|before| {
                    format!("{before}{UNKNOWN}{}", plain(&apart.called(&resource.address)))
                });
                set(resource, attribute, chosen);
            }
        }
        let setting = &setting.at(resource);
        for (kind, attribute, format) in FORMATS {
            if kind == resource.kind {
                let text = setting.written(format, &resource.values);
                set(resource, attribute, text);
            }
        }
    }
}

/// How what AWS chooses begins: of the id of a key, whether it is a multi-Region one decides, and
/// it is not known where that is not.
fn before(resource: &Resource, attribute: &str, prefix: &'static str) -> Option<&'static str> {
    if (resource.kind.as_str(), attribute) != ("aws_kms_key", "key_id") {
        return Some(prefix);
    }
    let of_key = before_key(resource.values.get("multi_region"))?;
    Some(if of_key.is_empty() { prefix } else { of_key })
}

fn set(resource: &mut Resource, attribute: &str, text: Option<String>) {
    let is_open = |node: &Node| matches!(node.value, Value::Unknown);
    if let (Some(text), Some(node)) =
        (text, resource.values.get_mut(attribute).filter(|node| is_open(node)))
    {
        node.value = Value::Text(text);
    }
}

/// An address in letters that are like themselves alone in patterns and have no
/// meaning in ARNs: what differs stays different.
fn plain(address: &str) -> String {
    let mut out = String::new();
    for character in address.chars() {
        match character {
            'A'..='Z' | 'a'..='z' | '0'..='9' | '-' | '.' => out.push(character),
            other => out.push_str(&format!("_{:x}_", u32::from(other))),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::lint::read::{Read, read};

    /// What a policy of a file system is about is known before AWS has given it an id.
    #[test]
    fn a_file_system_that_is_new_has_an_arn_of_its_own() {
        let Ok(Read::Other(mut values)) = read(r#"{"id": "x", "arn": "x"}"#) else {
            panic!("no values")
        };
        for name in ["id", "arn"] {
            values.get_mut(name).unwrap().value = Value::Unknown;
        }
        let (address, kind) =
            ("aws_efs_file_system.f".to_owned(), "aws_efs_file_system".to_owned());
        let mut all = [Resource { address, kind, is_data: false, values }];
        let of = |text: &str| Some(text.to_owned());
        let setting = Setting::new(of("aws"), of("123456789012"), of("eu-west-1"));
        complete(&mut all, &setting, &Apart::default());
        let id = "fs-known-after-apply.aws_5f_efs_5f_file_5f_system.f";
        let arn = format!("arn:aws:elasticfilesystem:eu-west-1:123456789012:file-system/{id}");
        let text = |name: &str| all[0].values.get(name).and_then(Node::text);
        assert_eq!((text("id"), text("arn")), (Some(id), Some(arn.as_str())));
    }

    #[rstest]
    #[case::of_one_region(json!({"multi_region": false}), Some("key-"))]
    #[case::of_several(json!({"multi_region": true}), Some("mrk-"))]
    #[case::not_said(json!({"multi_region": null}), Some("key-"))]
    #[case::not_there(json!({"enabled": true}), Some("key-"))]
    #[case::not_known(json!({"multi_region": ["x"]}), None)]
    fn the_id_of_a_multi_region_key_begins_otherwise(
        #[case] values: Json,
        #[case] expected: Option<&str>,
    ) {
        let Ok(Read::Other(mut values)) = read(&values.to_string()) else { panic!("no values") };
        if let Some(node) = values.get_mut("multi_region").filter(|it| !it.items().is_empty()) {
            node.value = Value::Unknown;
        }
        let (address, kind) = ("aws_kms_key.k".to_owned(), "aws_kms_key".to_owned());
        let key = Resource { address, kind, is_data: false, values };
        assert_eq!(before(&key, "key_id", "key-"), expected);
        assert_eq!(before(&key, "id", "x-"), Some("x-"));
    }
}
