//! Sessions of others: no role leads to another.

use ringfence_wire::services::Sts;
use serde_json::{Value, json};

use super::super::attack::{Attack, Reason, Step};
use super::Scene;
use crate::guard_rail::GuardRail;

const SESSIONS: GuardRail = GuardRail::Trust;

pub(super) fn attacks(scene: &Scene<'_>) -> Vec<Attack> {
    let facts = scene.facts;
    let rail = scene.rail(SESSIONS);
    let assume = |role: &str, more: Value| {
        let input = json!({"RoleArn": role, "RoleSessionName": "ringfence-probe"});
        Step::new(Sts, "AssumeRole", super::with(&input, more))
    };
    let case = |name, title: &str, role: &str, more| {
        rail.case(name, title, assume(role, more), "sts:AssumeRole", role).because(Reason::NoTrust)
    };
    let tags =
        json!({"Tags": [{"Key": "team", "Value": "platform"}], "TransitiveTagKeys": ["team"]});
    let mut attacks = Vec::new();
    // A user is no role.
    if let Some(own) = scene.deployer.role_arn() {
        attacks.extend([
            case("own-role-assumed", "cannot renew its session by itself", own, json!({})),
            case(
                "own-role-assumed-with-tags",
                "cannot put tags on a session of its own",
                own,
                tags,
            ),
            case(
                "own-role-assumed-as-another",
                "cannot name another as the source of its session",
                own,
                json!({"SourceIdentity": "platform-admin"}),
            ),
        ]);
    }
    attacks.push(case(
        "role-of-another-account",
        "cannot leave the account",
        "arn:aws:iam::999999999999:role/exfiltration",
        json!({}),
    ));
    let others = facts.deployers.iter().filter(|other| other.arn != scene.deployer.arn);
    for (other, role_arn) in others.filter_map(|other| Some((other, other.role_arn()?))) {
        let name = match other.job {
            crate::config::Job::Stack => "stack-deployer-assumed",
            crate::config::Job::Code => "code-deployer-assumed",
            crate::config::Job::Configuration => "configuration-deployer-assumed",
        };
        let title = format!("cannot become {}", other.name);
        attacks.push(case(name, &title, role_arn, json!({})));
    }
    if let Some(function) = facts.function(&scene.deployer.app) {
        attacks.push(case(
            "own-function-role-assumed",
            "cannot become its function's role",
            &function.role_arn,
            json!({}),
        ));
    }
    if let Some(function) = facts.foreign_function(&scene.deployer.app) {
        attacks.push(case(
            "foreign-function-role-assumed",
            "cannot become another team's function",
            &function.role_arn,
            json!({}),
        ));
    }
    attacks.push(rail.case(
        "federation-token",
        "cannot hand out a session of another name",
        Step::new(Sts, "GetFederationToken", json!({"Name": "probe"})),
        "sts:GetFederationToken",
        format!("arn:aws:sts::{}:federated-user/probe", facts.account),
    ));
    attacks
}
