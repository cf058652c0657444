//! The network is the platform's.

use ringfence_wire::Service::Ec2;
use serde_json::{Value, json};

use super::super::attack::{Attack, Attempt, Reason, Refusal, Step, Twin};
use super::Scene;

const NETWORK: &str = "the network is the platform's";

pub(super) fn attacks(scene: &Scene<'_>) -> Vec<Attack> {
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
    let attack = |name, title: &str, operation, action, undo: &'static str, input: Value| Attack {
        name,
        guard_rail: NETWORK,
        title: title.into(),
        attempt: Attempt::Call(Step::new(Ec2, operation, input.clone())),
        refusal: Refusal {
            service: Ec2,
            action,
            resource: group.clone(),
            reason: Reason::NoIdentityPolicy,
        },
        twin: Twin::platform(
            Step::new(Ec2, operation, input.clone()),
            vec![Step::new(Ec2, undo, input)],
        ),
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
