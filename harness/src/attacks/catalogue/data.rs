//! Artifacts and published parameters: what other teams' deployments trust.

use ringfence_wire::services::{S3, Ssm};
use serde_json::json;

use super::super::attack::{Attack, Attempt, Reason, Refusal, Step, Twin};
use super::{Scene, everything};
use crate::config::Job;
use crate::guard_rail::GuardRail;

const ARTIFACTS: GuardRail = GuardRail::Artifacts;
const PARAMETERS: GuardRail = GuardRail::Published;

pub(super) fn attacks(scene: &Scene<'_>) -> Vec<Attack> {
    let mut attacks = artifacts(scene);
    attacks.push(parameters(scene));
    attacks.extend(published(scene));
    attacks
}

/// What is published already, and what is published elsewhere.
fn published(scene: &Scene<'_>) -> Vec<Attack> {
    let facts = scene.facts;
    let rail = scene.rail(PARAMETERS);
    let arn =
        |name: &str| format!("arn:aws:ssm:{}:{}:parameter{name}", facts.region, facts.account);
    let name = &facts.published_parameter;
    let call = |operation, input| Step::new(Ssm, operation, input);
    let overwrite = json!({"Name": name, "Value": "probe", "Type": "String", "Overwrite": true});
    let label = json!({"Name": name, "Labels": ["probe"]});
    let tags = json!({
        "ResourceType": "Parameter", "ResourceId": name, "Tags": [{"Key": "team", "Value": "x"}],
    });
    vec![
        rail.case(
            "parameter-overwritten",
            "cannot overwrite what the platform published",
            call("PutParameter", overwrite),
            "ssm:PutParameter",
            arn(name),
        ),
        rail.case(
            "parameter-deleted",
            "cannot delete what the platform published",
            call("DeleteParameter", json!({"Name": name})),
            "ssm:DeleteParameter",
            arn(name),
        ),
        rail.case(
            "parameter-labelled",
            "cannot move a label of what the platform published",
            call("LabelParameterVersion", label),
            "ssm:LabelParameterVersion",
            arn(name),
        ),
        rail.case(
            "parameter-tagged",
            "cannot tag what the platform published",
            call("AddTagsToResource", tags),
            "ssm:AddTagsToResource",
            arn(name),
        ),
        rail.case(
            "parameters-walked",
            "cannot walk through all parameters",
            call("GetParametersByPath", json!({"Path": "/", "Recursive": true})),
            "ssm:GetParametersByPath",
            arn("/"),
        )
        .platform_may(Vec::new()),
        rail.case(
            "secret-parameter-read",
            "cannot read parameters that were not published for it",
            call("GetParameter", json!({"Name": "/secrets/database"})),
            "ssm:GetParameter",
            arn("/secrets/database"),
        ),
    ]
}

fn artifacts(scene: &Scene<'_>) -> Vec<Attack> {
    let facts = scene.facts;
    let object = |key: &str| json!({"Bucket": facts.bucket, "Key": key});
    let put = |key: &str| Step::new(S3, "PutObject", object(key)).with_payload("probe");
    let delete = |key: &str| Step::new(S3, "DeleteObject", object(key));
    let own_key = format!("{}/ringfence-probe", scene.deployer.app);
    let twin = match scene.deployer.job {
        Job::Stack => Twin::same(Attempt::Call(put(&own_key)), vec![delete(&own_key)]),
        Job::Code | Job::Configuration => Twin::platform(put(&own_key), vec![delete(&own_key)]),
    };
    let attack = |name, title: &str, attempt, action: &'static str, resource, twin| Attack {
        name,
        guard_rail: ARTIFACTS,
        title: title.into(),
        attempt: Attempt::Call(attempt),
        refusal: Refusal {
            service: S3,
            action: action.into(),
            resource,
            reason: Reason::NoIdentityPolicy,
        },
        twin,
    };
    let bucket_arn = format!("arn:aws:s3:::{}", facts.bucket);
    let mut attacks = Vec::new();
    if let Some(foreign) = facts.foreign_function(&scene.deployer.app) {
        let key = format!("{}/ringfence-probe", foreign.name);
        let resource = format!("{bucket_arn}/{key}");
        attacks.push(attack(
            "foreign-artifact-written",
            "cannot plant an artifact in another team's deployment",
            put(&key),
            "s3:PutObject",
            resource.clone(),
            twin.clone(),
        ));
        attacks.push(attack(
            "foreign-artifact-read",
            "cannot read another team's artifacts",
            Step::new(S3, "GetObject", object(&key)),
            "s3:GetObject",
            resource,
            twin.clone(),
        ));
    }
    let policy = json!({"Bucket": facts.bucket});
    attacks.push(attack(
        "bucket-opened",
        "cannot change the artifacts bucket's policy",
        Step::new(S3, "PutBucketPolicy", policy).with_payload(everything()),
        "s3:PutBucketPolicy",
        bucket_arn,
        twin,
    ));
    attacks
}

fn parameters(scene: &Scene<'_>) -> Attack {
    let facts = scene.facts;
    let name = format!("{}/ringfence-probe", facts.parameters.trim_end_matches('/'));
    let put = Step::new(
        Ssm,
        "PutParameter",
        json!({"Name": name, "Type": "String", "Value": "probe", "Overwrite": true}),
    );
    let delete = Step::new(Ssm, "DeleteParameter", json!({"Name": name}));
    Attack {
        name: "parameter-written",
        guard_rail: PARAMETERS,
        title: "cannot publish in the platform's name".into(),
        attempt: Attempt::Call(put.clone()),
        refusal: Refusal {
            service: Ssm,
            action: "ssm:PutParameter".into(),
            resource: format!("arn:aws:ssm:{}:{}:parameter{name}", facts.region, facts.account),
            reason: Reason::NoIdentityPolicy,
        },
        twin: Twin::platform(put, vec![delete]),
    }
}
