//! A resource of EC2 that is not there: the keys that it would bring are absent,
//! and who may act on all is told that it is not there.
//!
//! - <https://github.com/aws/karpenter-provider-aws/issues/2100>
//! - <https://github.com/runs-on/terraform-aws-runs-on/issues/60>

use super::*;

fn in_vpc(operator: &str) -> Value {
    json!({operator: {"ec2:Vpc": "arn:aws:ec2:eu-central-1:123456789012:vpc/vpc-1"}})
}

fn policy(statements: &[(&str, Value)]) -> String {
    let statements = statements.iter().map(|(effect, condition)| {
        json!({"Effect": effect, "Action": "ec2:*", "Resource": "*", "Condition": condition})
    });
    json!({"Version": "2012-10-17", "Statement": statements.collect::<Vec<_>>()}).to_string()
}

const GRANTED: Option<&str> = None;
const REFUSED: Option<&str> = Some("UnauthorizedOperation");

/// Each kind of which the VPC is looked up.
#[rstest::rstest]
#[case::network_acl("DeleteNetworkAcl", json!({"NetworkAclId": "acl-none"}),
    "InvalidNetworkAclID.NotFound")]
#[case::network_interface("DeleteNetworkInterface", json!({"NetworkInterfaceId": "eni-none"}),
    "InvalidNetworkInterfaceID.NotFound")]
#[case::route_table("DeleteRouteTable", json!({"RouteTableId": "rtb-none"}),
    "InvalidRouteTableID.NotFound")]
#[case::security_group("DeleteSecurityGroup", json!({"GroupId": "sg-none"}),
    "InvalidGroup.NotFound")]
#[case::subnet("DeleteSubnet", json!({"SubnetId": "subnet-none"}), "InvalidSubnetID.NotFound")]
#[tokio::test]
async fn is_told_to_who_may_act_on_it(
    #[case] operation: &str,
    #[case] input: Value,
    #[case] code: &str,
    #[values(
        (vec![("Allow", json!({}))], GRANTED),
        (vec![("Allow", in_vpc("ArnEqualsIfExists"))], GRANTED),
        (vec![("Allow", json!({"Null": {"ec2:Vpc": "true"}}))], GRANTED),
        (vec![("Allow", json!({})), ("Deny", in_vpc("ArnEquals"))], GRANTED),
        (vec![], REFUSED),
        (vec![("Allow", in_vpc("ArnEquals"))], REFUSED),
        (vec![("Allow", json!({})), ("Deny", in_vpc("ArnNotEquals"))], REFUSED)
    )]
    policies: (Vec<(&str, Value)>, Option<&str>),
) {
    let (statements, refused) = policies;
    let stage = Stage::new().await;
    let app = stage.role(&policy(&statements));
    let error = stage.client.call(&app, Service::Ec2, operation, input).await.unwrap_err();
    let status = if refused.is_some() { 403 } else { 400 };
    assert_eq!((error.code.as_ref(), error.status), (refused.unwrap_or(code), status));
}
