//! Another team's function in all its parts, and ways to a function's code or
//! its run that are nobody's but the platform's.

use ringfence_wire::services::Lambda;
use serde_json::{Value, json};

use super::super::attack::{Attack, Reason, Step};
use super::{Scene, package, with};
use crate::config::Forbids;
use crate::guard_rail::GuardRail;

const OWNERS: GuardRail = GuardRail::Functions;
const DOORS: GuardRail = GuardRail::Doors;

pub(super) fn attacks(scene: &Scene<'_>) -> Vec<Attack> {
    let mut attacks = foreign(scene);
    attacks.extend(doors(scene));
    attacks.extend(layers(scene));
    attacks
}

fn call(operation: &'static str, input: Value) -> Step {
    Step::new(Lambda, operation, input)
}

fn foreign(scene: &Scene<'_>) -> Vec<Attack> {
    let Some(foreign) = scene.foreign() else { return Vec::new() };
    let rail = scene.rail(OWNERS);
    let arn = scene.facts.function_arn(foreign);
    let on = |more: Value| with(&json!({"FunctionName": foreign}), more);
    let case = |name, title, operation, more, action| {
        rail.case(name, title, call(operation, on(more)), action, arn.clone())
    };
    let alias = json!({"Name": "live", "FunctionVersion": "1"});
    let mut attacks = vec![
        case(
            "foreign-code-read",
            "cannot read another team's code",
            "GetFunction",
            json!({}),
            "lambda:GetFunction",
        )
        .platform_may(Vec::new()),
        case(
            "foreign-configuration-read",
            "cannot read another team's environment",
            "GetFunctionConfiguration",
            json!({}),
            "lambda:GetFunctionConfiguration",
        )
        .platform_may(Vec::new()),
        case(
            "foreign-policy-read",
            "cannot read who may invoke another team's function",
            "GetPolicy",
            json!({}),
            "lambda:GetPolicy",
        )
        .platform_may(Vec::new()),
        case(
            "foreign-version-published",
            "cannot publish a version of another team's function",
            "PublishVersion",
            json!({}),
            "lambda:PublishVersion",
        ),
        case(
            "foreign-alias-created",
            "cannot create an alias of another team's function",
            "CreateAlias",
            alias.clone(),
            "lambda:CreateAlias",
        ),
        case(
            "foreign-alias-moved",
            "cannot move another team's alias to an older version",
            "UpdateAlias",
            alias,
            "lambda:UpdateAlias",
        ),
        case(
            "foreign-alias-deleted",
            "cannot delete another team's alias",
            "DeleteAlias",
            json!({"Name": "live"}),
            "lambda:DeleteAlias",
        ),
        case(
            "foreign-function-cut-off",
            "cannot cut another team's function off the API",
            "RemovePermission",
            json!({"StatementId": scene.api_permission(foreign)}),
            "lambda:RemovePermission",
        ),
        case(
            "foreign-function-starved",
            "cannot starve another team's function",
            "PutFunctionConcurrency",
            json!({"ReservedConcurrentExecutions": 0}),
            "lambda:PutFunctionConcurrency",
        ),
        case(
            "foreign-results-redirected",
            "cannot have another team's results sent elsewhere",
            "PutFunctionEventInvokeConfig",
            json!({"MaximumRetryAttempts": 0}),
            "lambda:PutFunctionEventInvokeConfig",
        ),
        case(
            "foreign-environment-set",
            "cannot set another team's environment",
            "UpdateFunctionConfiguration",
            json!({"Environment": {"Variables": {"PYTHONPATH": "/tmp"}}}),
            "lambda:UpdateFunctionConfiguration",
        ),
        case(
            "foreign-runtime-pinned",
            "cannot pin another team's runtime",
            "PutRuntimeManagementConfig",
            json!({"UpdateRuntimeOn": "FunctionUpdate"}),
            "lambda:PutRuntimeManagementConfig",
        ),
        case(
            "foreign-code-signing-removed",
            "cannot lift the signing of another team's code",
            "DeleteFunctionCodeSigningConfig",
            json!({}),
            "lambda:DeleteFunctionCodeSigningConfig",
        ),
        rail.case(
            "foreign-function-tagged",
            "cannot tag another team's function",
            call("TagResource", json!({"Resource": arn, "Tags": {"team": "mine"}})),
            "lambda:TagResource",
            arn.clone(),
        ),
        rail.case(
            "foreign-code-by-arn",
            "cannot replace another team's code by its ARN",
            call(
                "UpdateFunctionCode",
                json!({"FunctionName": arn, "ZipFile": package("x = 1"), "DryRun": true}),
            ),
            "lambda:UpdateFunctionCode",
            arn.clone(),
        ),
        rail.case(
            "foreign-code-by-partial-name",
            "cannot replace another team's code by a partial name",
            call(
                "UpdateFunctionCode",
                json!({
                    "FunctionName": format!("{}:function:{foreign}", scene.facts.account),
                    "ZipFile": package("x = 1"), "DryRun": true,
                }),
            ),
            "lambda:UpdateFunctionCode",
            arn.clone(),
        ),
        case(
            "foreign-function-urled",
            "cannot give another team's function a URL",
            "CreateFunctionUrlConfig",
            json!({"AuthType": "NONE"}),
            "lambda:CreateFunctionUrlConfig",
        )
        .because(Reason::BoundaryStatement(Forbids::FunctionUrls)),
    ];
    attacks.push(rail.case(
        "foreign-version-invoked",
        "cannot invoke an old version of another team's function",
        call(
            "Invoke",
            json!({"FunctionName": foreign, "Qualifier": "1", "InvocationType": "DryRun"}),
        ),
        "lambda:InvokeFunction",
        format!("{arn}:1"),
    ));
    attacks
}

fn doors(scene: &Scene<'_>) -> Vec<Attack> {
    let facts = scene.facts;
    let rail = scene.rail(DOORS);
    let app = &scene.deployer.function;
    let arn = facts.function_arn(app);
    let on = |more: Value| with(&json!({"FunctionName": app}), more);
    let grant = |principal: String, more: Value| {
        let input = on(json!({
            "StatementId": "ringfence-probe", "Action": "lambda:InvokeFunction",
            "Principal": principal,
        }));
        call("AddPermission", with(&input, more))
    };
    let granted = |name, title, principal: &str, more| {
        rail.case(
            name,
            title,
            grant(principal.to_owned(), more),
            "lambda:AddPermission",
            arn.clone(),
        )
    };
    let invoke = call("Invoke", on(json!({"InvocationType": "DryRun"})));
    vec![
        rail.case(
            "own-function-invoked",
            "cannot invoke its function past the API",
            invoke,
            "lambda:InvokeFunction",
            arn.clone(),
        )
        .platform_may(Vec::new()),
        granted(
            "permission-to-itself",
            "cannot let itself invoke its function",
            &scene.deployer.arn,
            json!({}),
        ),
        granted(
            "permission-to-another-account",
            "cannot let another account invoke its function",
            "999999999999",
            json!({}),
        ),
        granted(
            "permission-to-a-schedule",
            "cannot let events run its function",
            "events.amazonaws.com",
            json!({}),
        ),
        granted(
            "permission-to-a-bucket",
            "cannot let a bucket run its function",
            "s3.amazonaws.com",
            json!({}),
        ),
        granted(
            "permission-by-url",
            "cannot let everybody call a URL of its function",
            "*",
            json!({"Action": "lambda:InvokeFunctionUrl", "FunctionUrlAuthType": "NONE"}),
        ),
        rail.case(
            "function-url-by-iam",
            "cannot give its function a URL behind IAM",
            call("CreateFunctionUrlConfig", on(json!({"AuthType": "AWS_IAM"}))),
            "lambda:CreateFunctionUrlConfig",
            arn.clone(),
        )
        .because(Reason::BoundaryStatement(Forbids::FunctionUrls)),
        rail.case(
            "function-url-opened",
            "cannot open a URL that is there",
            call("UpdateFunctionUrlConfig", on(json!({"AuthType": "NONE"}))),
            "lambda:UpdateFunctionUrlConfig",
            arn.clone(),
        )
        .because(Reason::BoundaryStatement(Forbids::FunctionUrls)),
        rail.case(
            "event-source-mapped",
            "cannot have its function run by a queue",
            call(
                "CreateEventSourceMapping",
                on(json!({
                    "EventSourceArn":
                        format!("arn:aws:sqs:{}:{}:probe", facts.region, facts.account),
                })),
            ),
            "lambda:CreateEventSourceMapping",
            "*",
        ),
        rail.case(
            "results-sent-elsewhere",
            "cannot have its function's results sent elsewhere",
            call("PutFunctionEventInvokeConfig", on(json!({"MaximumRetryAttempts": 0}))),
            "lambda:PutFunctionEventInvokeConfig",
            arn.clone(),
        ),
        rail.case(
            "code-signing-removed",
            "cannot lift the signing of its code",
            call("DeleteFunctionCodeSigningConfig", on(json!({}))),
            "lambda:DeleteFunctionCodeSigningConfig",
            arn,
        ),
        rail.case(
            "functions-listed",
            "cannot list the functions of the account",
            call("ListFunctions", json!({})),
            "lambda:ListFunctions",
            "*",
        )
        .platform_may(Vec::new()),
    ]
}

/// Code that comes from somewhere else.
fn layers(scene: &Scene<'_>) -> Vec<Attack> {
    let facts = scene.facts;
    let rail = scene.rail(OWNERS);
    let layer = format!("arn:aws:lambda:{}:{}:layer:probe", facts.region, facts.account);
    vec![
        rail.case(
            "layer-published",
            "cannot publish a layer",
            call(
                "PublishLayerVersion",
                json!({"LayerName": "probe", "Content": {"ZipFile": package("x = 1")}}),
            ),
            "lambda:PublishLayerVersion",
            layer.clone(),
        ),
        rail.case(
            "layer-shared",
            "cannot share a layer with everybody",
            call(
                "AddLayerVersionPermission",
                json!({
                    "LayerName": "probe", "VersionNumber": 1, "StatementId": "probe",
                    "Action": "lambda:GetLayerVersion", "Principal": "*",
                }),
            ),
            "lambda:AddLayerVersionPermission",
            format!("{layer}:1"),
        ),
        rail.case(
            "layer-read",
            "cannot read a layer",
            call("GetLayerVersion", json!({"LayerName": "probe", "VersionNumber": 1})),
            "lambda:GetLayerVersion",
            format!("{layer}:1"),
        ),
    ]
}
