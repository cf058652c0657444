//! The network is the platform's.

use ringfence_wire::services::Ec2;
use serde_json::{Value, json};

use super::super::attack::{Attack, Attempt, Reason, Refusal, Step, Twin};
use super::Scene;
use crate::guard_rail::GuardRail;

const NETWORK: GuardRail = GuardRail::Network;

pub(super) fn attacks(scene: &Scene<'_>) -> Vec<Attack> {
    let mut attacks = rules(scene);
    attacks.extend(parts(scene));
    attacks
}

/// Parts of the network: name, what it would do, operation, action, its
/// input, and the resource that is refused first.
fn parts(scene: &Scene<'_>) -> Vec<Attack> {
    let facts = scene.facts;
    let rail = scene.rail(NETWORK);
    let arn = |kind: &str, id: &str| {
        format!("arn:aws:ec2:{}:{}:{kind}/{id}", facts.region, facts.account)
    };
    let table = [
        (
            "route-replaced",
            "cannot lead the functions' traffic elsewhere",
            "ReplaceRoute",
            "ec2:ReplaceRoute",
            json!({
                "RouteTableId": "rtb-0123456789abcdef0", "DestinationCidrBlock": "0.0.0.0/0",
                "GatewayId": "igw-0123456789abcdef0",
            }),
            arn("route-table", "rtb-0123456789abcdef0"),
        ),
        (
            "internet-gateway-attached",
            "cannot attach the network to the internet",
            "AttachInternetGateway",
            "ec2:AttachInternetGateway",
            json!({
                "InternetGatewayId": "igw-0123456789abcdef0", "VpcId": "vpc-0123456789abcdef0",
            }),
            arn("internet-gateway", "igw-0123456789abcdef0"),
        ),
        (
            "endpoint-deleted",
            "cannot delete the network's endpoints",
            "DeleteVpcEndpoints",
            "ec2:DeleteVpcEndpoints",
            json!({"VpcEndpointId": ["vpce-0123456789abcdef0"]}),
            arn("vpc-endpoint", "vpce-0123456789abcdef0"),
        ),
        (
            "flow-logs-deleted",
            "cannot stop the network's flow logs",
            "DeleteFlowLogs",
            "ec2:DeleteFlowLogs",
            json!({"FlowLogId": ["fl-0123456789abcdef0"]}),
            arn("vpc-flow-log", "fl-0123456789abcdef0"),
        ),
        (
            "security-group-deleted",
            "cannot delete the functions' security group",
            "DeleteSecurityGroup",
            "ec2:DeleteSecurityGroup",
            json!({"GroupId": facts.security_group}),
            arn("security-group", &facts.security_group),
        ),
        (
            "subnet-made-public",
            "cannot give addresses of the internet to a subnet",
            "ModifySubnetAttribute",
            "ec2:ModifySubnetAttribute",
            json!({
                "SubnetId": facts.subnets.first(), "MapPublicIpOnLaunch": {"Value": true},
            }),
            arn("subnet", facts.subnets.first().map_or("", String::as_str)),
        ),
    ];
    table
        .into_iter()
        .map(|(name, title, operation, action, input, resource)| {
            rail.case(name, title, Step::new(Ec2, operation, input), action, resource)
        })
        .collect()
}

fn rules(scene: &Scene<'_>) -> Vec<Attack> {
    let facts = scene.facts;
    let group = format!(
        "arn:aws:ec2:{}:{}:security-group/{}",
        facts.region, facts.account, facts.security_group
    );
    // EC2's inputs go by their wire names.
    let rule = json!({
        "GroupId": facts.security_group,
        "IpPermissions": [{
            "IpProtocol": "tcp", "FromPort": 443, "ToPort": 443,
            "IpRanges": [{"CidrIp": "192.0.2.0/24"}],
        }],
    });
    let attack =
        |name, title: &str, operation, action: &'static str, undo: &'static str, input: Value| {
            Attack {
                name,
                guard_rail: NETWORK,
                title: title.into(),
                attempt: Attempt::Call(Step::new(Ec2, operation, input.clone())),
                refusal: Refusal {
                    service: Ec2,
                    action: action.into(),
                    resource: group.clone(),
                    reason: Reason::NoIdentityPolicy,
                },
                twin: Twin::platform(
                    Step::new(Ec2, operation, input.clone()),
                    vec![Step::new(Ec2, undo, input)],
                ),
            }
        };
    vec![
        attack(
            "ingress-opened",
            "cannot open the functions' security group",
            "AuthorizeSecurityGroupIngress",
            "ec2:AuthorizeSecurityGroupIngress",
            "RevokeSecurityGroupIngress",
            rule.clone(),
        ),
        attack(
            "egress-opened",
            "cannot widen where functions connect to",
            "AuthorizeSecurityGroupEgress",
            "ec2:AuthorizeSecurityGroupEgress",
            "RevokeSecurityGroupEgress",
            rule,
        ),
    ]
}
