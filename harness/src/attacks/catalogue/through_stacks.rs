//! The same things through CloudFormation, which works as whoever deploys: a
//! stack is no way around what is refused directly.

use ringfence_wire::services::{ApiGatewayV2, Iam, Lambda, S3, Ssm};
use serde_json::{Value, json};

use super::super::attack::{Attack, Attempt, Reason, Refusal, Twin};
use super::{Scene, api, everything};
use crate::config::Job;
use crate::guard_rail::GuardRail;

pub(super) fn attacks(scene: &Scene<'_>) -> Vec<Attack> {
    let facts = scene.facts;
    let Some(own) = facts.route(&scene.deployer.app).filter(|_| scene.deployer.job == Job::Stack)
    else {
        return Vec::new();
    };
    let attack = |name, guard_rail, title: &str, kind: &str, properties: Value, refusal| Attack {
        name,
        guard_rail,
        title: title.into(),
        attempt: Attempt::Stack(json!({"Type": kind, "Properties": properties})),
        refusal,
        twin: Twin::same(api::integration(facts.api_id.as_str(), own), Vec::new()),
    };
    let refused = |service, action: &'static str, resource: String, reason| Refusal {
        service,
        action: action.into(),
        resource,
        reason,
    };
    let policy: Value = serde_json::from_str(&everything()).unwrap_or_default();
    let parameter = format!("{}ringfence-probe", facts.parameters);
    let at = |service: &str, rest: &str| {
        format!("arn:aws:{service}:{}:{}:{rest}", facts.region, facts.account)
    };
    let itself = scene.itself();
    let mut attacks = vec![
        attack(
            "stage-added",
            GuardRail::Front,
            "cannot add a stage",
            "AWS::ApiGatewayV2::Stage",
            json!({"ApiId": facts.api_id, "StageName": "ringfence-probe"}),
            refused(ApiGatewayV2, "apigateway:POST", facts.api_arn("/stages"), api::BEYOND),
        ),
        attack(
            "own-policy-written",
            GuardRail::Identities,
            "cannot write itself a policy",
            "AWS::IAM::Policy",
            json!({
                "PolicyName": "ringfence-probe", "PolicyDocument": policy,
                itself.of("Roles", "Users"): [itself.name],
            }),
            refused(
                Iam,
                itself.of("iam:PutRolePolicy", "iam:PutUserPolicy"),
                itself.printed(),
                itself.bounded(),
            ),
        ),
        attack(
            "parameter-written",
            GuardRail::Published,
            "cannot publish in the platform's name",
            "AWS::SSM::Parameter",
            json!({"Name": parameter, "Type": "String", "Value": "probe"}),
            refused(
                Ssm,
                "ssm:PutParameter",
                at("ssm", &format!("parameter{parameter}")),
                Reason::NoIdentityPolicy,
            ),
        ),
        attack(
            "bucket-opened",
            GuardRail::Artifacts,
            "cannot open the artifacts bucket",
            "AWS::S3::BucketPolicy",
            json!({"Bucket": facts.bucket, "PolicyDocument": {
                "Version": "2012-10-17",
                "Statement": [{
                    "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
                    "Resource": format!("arn:aws:s3:::{}/*", facts.bucket),
                }],
            }}),
            refused(
                S3,
                // CloudFormation first looks whether there is one.
                "s3:GetBucketPolicy",
                format!("arn:aws:s3:::{}", facts.bucket),
                Reason::NoIdentityPolicy,
            ),
        ),
    ];
    if let Some(foreign) = scene.foreign() {
        attacks.push(attack(
            "foreign-version-published",
            GuardRail::Functions,
            "cannot publish a version of another team's function",
            "AWS::Lambda::Version",
            json!({"FunctionName": foreign}),
            refused(
                Lambda,
                "lambda:PublishVersion",
                facts.function_arn(foreign),
                Reason::NoIdentityPolicy,
            ),
        ));
    }
    attacks
}
