//! A function's own settings: network, layers, role, environment.

use ringfence_wire::services::Lambda;
use serde_json::{Value, json};

use super::super::attack::{Attack, Attempt, Reason, Step, Twin};
use super::{Scene, package, with};
use crate::config::Job;
use crate::guard_rail::GuardRail;

const NETWORK: GuardRail = GuardRail::NetworkKept;
const OWNERS: GuardRail = GuardRail::Functions;

const LEFT: &str = "network-left";
const LEAVE: &str = "cannot take its function out of the network";

pub(super) fn attacks(scene: &Scene<'_>) -> Vec<Attack> {
    if scene.facts.function(&scene.deployer.app).is_none() {
        return Vec::new();
    }
    match scene.deployer.job {
        Job::Stack => [networks(scene), created(scene)].concat(),
        Job::Configuration => [networks(scene), code_only(scene)].concat(),
        Job::Code => [any_setting(scene), code_only(scene)].concat(),
    }
}

fn call(operation: &'static str, input: Value) -> Step {
    Step::new(Lambda, operation, input)
}

fn network(scene: &Scene<'_>, subnets: &Value, groups: &Value) -> Value {
    let facts = scene.facts;
    let or = |given: &Value, own: Value| if given.is_null() { own } else { given.clone() };
    json!({"VpcConfig": {
        "SubnetIds": or(subnets, json!(facts.subnets)),
        "SecurityGroupIds": or(groups, json!([facts.security_group])),
    }})
}

/// Networks that are not the platform's: name, what, subnets, security groups.
fn elsewhere(scene: &Scene<'_>) -> [(&'static str, &'static str, Value); 4] {
    let facts = scene.facts;
    let mut subnets = facts.subnets.clone();
    subnets.push("subnet-0123456789abcdef0".into());
    let foreign_group = json!(["sg-0123456789abcdef0"]);
    let both = json!([facts.security_group, "sg-0123456789abcdef0"]);
    [
        (
            "other-subnet",
            "another subnet",
            network(scene, &json!(["subnet-0123456789abcdef0"]), &Value::Null),
        ),
        ("subnet-added", "one more subnet", network(scene, &json!(subnets), &Value::Null)),
        (
            "other-security-group",
            "another security group",
            network(scene, &Value::Null, &foreign_group),
        ),
        ("security-group-added", "one more security group", network(scene, &Value::Null, &both)),
    ]
}

fn networks(scene: &Scene<'_>) -> Vec<Attack> {
    let rail = scene.rail(NETWORK);
    let app = &scene.deployer.function;
    let arn = scene.facts.function_arn(app);
    let update = |more: Value| {
        call("UpdateFunctionConfiguration", with(&json!({"FunctionName": app}), more))
    };
    let twin = || {
        let step = update(network(scene, &Value::Null, &Value::Null));
        Twin::same(Attempt::Call(step), Vec::new())
    };
    let mut attacks = Vec::new();
    for (name, what, more) in elsewhere(scene) {
        attacks.push(
            rail.case(
                name,
                &format!("cannot put its function into {what}"),
                update(more),
                "lambda:UpdateFunctionConfiguration",
                arn.clone(),
            )
            .beside(twin()),
        );
    }
    for (name, title, more) in [
        (
            "memory-without-network",
            "cannot configure its function without naming the network",
            json!({"MemorySize": 256}),
        ),
        (
            "environment-without-network",
            "cannot set the environment without naming the network",
            json!({"Environment": {"Variables": {"AWS_LAMBDA_EXEC_WRAPPER": "/tmp/x"}}}),
        ),
        (
            "subnets-without-group",
            "cannot leave the security groups empty",
            json!({"VpcConfig": {"SubnetIds": [], "SecurityGroupIds": [scene.facts.security_group]}}),
        ),
        (LEFT, LEAVE, json!({"VpcConfig": {"SubnetIds": [], "SecurityGroupIds": []}})),
    ] {
        attacks.push(
            rail.case(name, title, update(more), "lambda:UpdateFunctionConfiguration", arn.clone())
                .beside(twin()),
        );
    }
    attacks
}

/// The stack deployer's new functions.
fn created(scene: &Scene<'_>) -> Vec<Attack> {
    let facts = scene.facts;
    let Some(own) = facts.function(&scene.deployer.app) else { return Vec::new() };
    let name = scene.own("probe");
    let create = |function: &str, more: Value| {
        let base = json!({
            "FunctionName": function, "Runtime": "python3.12", "Handler": "index.handler",
            "Role": own.role_arn, "Code": {"ZipFile": package("def handler(e, c):\n    return {}\n")},
        });
        call("CreateFunction", with(&base, more))
    };
    let inside = || network(scene, &Value::Null, &Value::Null);
    let network_rail = scene.rail(NETWORK);
    let mut attacks = Vec::new();
    for (id, what, more) in elsewhere(scene) {
        let id = match id {
            "other-subnet" => "function-in-other-subnet",
            "subnet-added" => "function-in-one-more-subnet",
            "other-security-group" => "function-in-other-group",
            _ => "function-in-one-more-group",
        };
        attacks.push(network_rail.case(
            id,
            &format!("cannot create a function in {what}"),
            create(&name, more),
            "lambda:CreateFunction",
            facts.function_arn(&name),
        ));
    }
    let rail = scene.rail(OWNERS);
    let layer = "arn:aws:lambda:us-east-1:999999999999:layer:backdoor:1";
    attacks.push(
        rail.case(
            "function-with-foreign-layer",
            "cannot put another account's layer under a function",
            create(&name, with(&inside(), json!({"Layers": [layer]}))),
            "lambda:GetLayerVersion",
            layer,
        )
        .because(Reason::NoResourcePolicy),
    );
    attacks.push(rail.case(
        "function-outside-its-namespace",
        "cannot create a function outside its namespace",
        create("ringfence-foreign-probe", inside()),
        "lambda:CreateFunction",
        facts.function_arn("ringfence-foreign-probe"),
    ));
    let look_alike = format!("{}x", scene.deployer.function);
    attacks.push(rail.case(
        "look-alike-function",
        "cannot create a function whose name only begins like its own",
        create(&look_alike, inside()),
        "lambda:CreateFunction",
        facts.function_arn(&look_alike),
    ));
    attacks.push(rail.case(
        "concurrency-taken",
        "cannot take the account's concurrency for itself",
        call(
            "PutFunctionConcurrency",
            json!({"FunctionName": own.name, "ReservedConcurrentExecutions": 900}),
        ),
        "lambda:PutFunctionConcurrency",
        facts.function_arn(&own.name),
    ));
    attacks
}

/// What a deployer of code alone must not set.
fn any_setting(scene: &Scene<'_>) -> Vec<Attack> {
    let rail = scene.rail(OWNERS);
    let app = &scene.deployer.function;
    let arn = scene.facts.function_arn(app);
    let layer =
        format!("arn:aws:lambda:{}:{}:layer:probe:1", scene.facts.region, scene.facts.account);
    let table: [(&str, &str, Value); 7] = [
        (
            "environment-set",
            "cannot set its function's environment",
            json!({"Environment": {"Variables": {"AWS_LAMBDA_EXEC_WRAPPER": "/tmp/x"}}}),
        ),
        ("memory-set", "cannot set its function's memory", json!({"MemorySize": 10240})),
        ("timeout-set", "cannot set its function's timeout", json!({"Timeout": 900})),
        ("handler-set", "cannot set its function's handler", json!({"Handler": "evil.main"})),
        ("runtime-set", "cannot set its function's runtime", json!({"Runtime": "python3.11"})),
        ("layer-set", "cannot put a layer under its function", json!({"Layers": [layer]})),
        ("role-set", "cannot give its function another role", json!({"Role": scene.other_role()})),
    ];
    let mut attacks = Vec::new();
    for (name, title, more) in table {
        let input = with(&json!({"FunctionName": app}), more);
        attacks.push(rail.case(
            name,
            title,
            call("UpdateFunctionConfiguration", input),
            "lambda:UpdateFunctionConfiguration",
            arn.clone(),
        ));
    }
    let out = json!({
        "FunctionName": app, "VpcConfig": {"SubnetIds": [], "SecurityGroupIds": []},
    });
    attacks.push(scene.rail(NETWORK).case(
        LEFT,
        LEAVE,
        call("UpdateFunctionConfiguration", out),
        "lambda:UpdateFunctionConfiguration",
        arn,
    ));
    attacks
}

/// What deployers of code and of configuration must not do to their function.
fn code_only(scene: &Scene<'_>) -> Vec<Attack> {
    let rail = scene.rail(OWNERS);
    let app = &scene.deployer.function;
    let arn = scene.facts.function_arn(app);
    let on = |more: Value| with(&json!({"FunctionName": app}), more);
    let case = |name, title, operation, more, action| {
        rail.case(name, title, call(operation, on(more)), action, arn.clone())
    };
    vec![
        case(
            "own-function-deleted",
            "cannot delete its function",
            "DeleteFunction",
            json!({}),
            "lambda:DeleteFunction",
        ),
        case(
            "own-alias-created",
            "cannot create an alias",
            "CreateAlias",
            json!({"Name": "live", "FunctionVersion": "1"}),
            "lambda:CreateAlias",
        ),
        case(
            "own-function-cut-off",
            "cannot cut its function off the API",
            "RemovePermission",
            json!({"StatementId": scene.api_permission(app)}),
            "lambda:RemovePermission",
        ),
        case(
            "own-concurrency-set",
            "cannot set its function's concurrency",
            "PutFunctionConcurrency",
            json!({"ReservedConcurrentExecutions": 900}),
            "lambda:PutFunctionConcurrency",
        ),
        case(
            "own-policy-read",
            "cannot read who may invoke its function",
            "GetPolicy",
            json!({}),
            "lambda:GetPolicy",
        ),
        rail.case(
            "own-function-tagged",
            "cannot tag its function",
            call("TagResource", json!({"Resource": arn, "Tags": {"team": "platform"}})),
            "lambda:TagResource",
            arn.clone(),
        ),
    ]
}
