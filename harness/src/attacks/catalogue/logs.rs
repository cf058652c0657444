//! Logs: another team's, the API's access log, and ways to carry logs out.

use ringfence_wire::services::Logs;
use serde_json::{Value, json};

use super::super::attack::{Attack, Attempt, Reason, Refusal, Step, Twin};
use super::Scene;
use crate::config::Job;
use crate::guard_rail::GuardRail;

const LOGS: GuardRail = GuardRail::Logs;

pub(super) fn attacks(scene: &Scene<'_>) -> Vec<Attack> {
    let facts = scene.facts;
    let rail = scene.rail(LOGS);
    let arn = |group: &str| {
        format!("arn:aws:logs:{}:{}:log-group:{group}:log-stream:", facts.region, facts.account)
    };
    let call = |operation, group: &str, more: Value| {
        Step::new(Logs, operation, super::with(&json!({"logGroupName": group}), more))
    };
    let mut attacks = Vec::new();
    let own = format!("/aws/lambda/{}", scene.deployer.function);
    let mut groups = vec![("own", own.clone(), "its own")];
    if let Some(foreign) = scene.foreign() {
        groups.push(("foreign", format!("/aws/lambda/{foreign}"), "another team's"));
    }
    for (whose, group, words) in &groups {
        let (read, export) = match *whose {
            "own" => ("own-logs-read", "own-logs-exported"),
            _ => ("foreign-logs-read", "foreign-logs-exported"),
        };
        attacks.push(rail.case(
            read,
            &format!("cannot read {words} logs with its credentials"),
            call("FilterLogEvents", group, json!({})),
            "logs:FilterLogEvents",
            arn(group),
        ));
        let destination = format!("arn:aws:logs:{}:999999999999:destination:x", facts.region);
        let filter = json!({
            "filterName": "probe", "filterPattern": "", "destinationArn": destination,
        });
        attacks.push(
            rail.case(
                export,
                &format!("cannot send {words} logs to another account"),
                call("PutSubscriptionFilter", group, filter),
                "logs:PutSubscriptionFilter",
                destination,
            )
            .because(Reason::NoResourcePolicy),
        );
    }
    if let Some((_, group, _)) = groups.get(1) {
        attacks.push(rail.case(
            "foreign-logs-deleted",
            "cannot delete another team's logs",
            call("DeleteLogGroup", group, json!({})),
            "logs:DeleteLogGroup",
            arn(group),
        ));
        attacks.push(rail.case(
            "foreign-logs-expired",
            "cannot let another team's logs expire",
            call("PutRetentionPolicy", group, json!({"retentionInDays": 1})),
            "logs:PutRetentionPolicy",
            arn(group),
        ));
    }
    if scene.deployer.job == Job::Stack {
        let group = |name: &str| {
            let properties = json!({"LogGroupName": name, "RetentionInDays": 7});
            Attempt::Stack(json!({"Type": "AWS::Logs::LogGroup", "Properties": properties}))
        };
        let outside = "/aws/lambda/ringfence-probe";
        attacks.push(Attack {
            name: "log-group-made",
            guard_rail: LOGS,
            title: "cannot make a log group outside its names".into(),
            attempt: group(outside),
            refusal: Refusal {
                service: Logs,
                action: "logs:CreateLogGroup".into(),
                resource: arn(outside),
                reason: Reason::NoIdentityPolicy,
            },
            twin: Twin::same(group(&format!("{own}-probe")), Vec::new()),
        });
    }
    let stream = json!({"logStreamName": "probe"});
    attacks.push(rail.case(
        "log-stream-deleted",
        "cannot delete what its function logged",
        call("DeleteLogStream", &own, stream),
        "logs:DeleteLogStream",
        format!("{}probe", arn(&own)),
    ));
    attacks.push(rail.case(
        "logs-policy-written",
        "cannot let others write to the account's logs",
        Step::new(
            Logs,
            "PutResourcePolicy",
            json!({"policyName": "probe", "policyDocument": super::everything()}),
        ),
        "logs:PutResourcePolicy",
        "*",
    ));
    attacks
}
