//! A team's functions are its own, run as its own roles, in the platform's
//! network, and are reached through the API alone.

use ringfence_wire::services::Lambda;
use serde_json::{Map, Value, json};

use super::super::attack::{Attack, Attempt, Reason, Refusal, Step, Twin};
use super::super::facts::FunctionFacts;
use super::{Scene, package, with};
use crate::config::{Forbids, Job};
use crate::guard_rail::GuardRail;

const OWNERS: GuardRail = GuardRail::Functions;
const ROLES: GuardRail = GuardRail::OwnRoles;
const NETWORK: GuardRail = GuardRail::NetworkKept;
const DOORS: GuardRail = GuardRail::Doors;

const SOURCE: &str = "def handler(event, context):\n    return {}\n";

pub(super) fn attacks(scene: &Scene<'_>) -> Vec<Attack> {
    let Some(own) = scene.facts.function(&scene.deployer.app) else { return Vec::new() };
    let mut attacks = doors(scene, own);
    if let Some(foreign) = scene.facts.foreign_function(&scene.deployer.app) {
        attacks.extend(foreign_function(scene, own, foreign));
        if scene.deployer.job == Job::Stack {
            attacks.extend(passed_roles(scene, own, foreign));
        }
    }
    attacks.extend(match scene.deployer.job {
        Job::Stack => function_outside_network(scene, own),
        Job::Configuration => {
            let mut attacks = configuration(scene, own);
            attacks.push(created_again(scene, own));
            attacks
        }
        Job::Code => any_configuration(scene, own),
    });
    attacks
}

fn call(operation: &'static str, input: Value) -> Attempt {
    Attempt::Call(Step::new(Lambda, operation, input))
}

fn refusal(action: &'static str, resource: String, reason: Reason) -> Refusal {
    Refusal { service: Lambda, action: action.into(), resource, reason }
}

fn network(scene: &Scene<'_>) -> Value {
    json!({
        "SubnetIds": scene.facts.subnets,
        "SecurityGroupIds": [scene.facts.security_group],
    })
}

/// A function as `CreateFunction` takes it and as a template declares it.
fn function(scene: &Scene<'_>, role: &str, network: Option<Value>) -> (Attempt, Attempt, Step) {
    let name = scene.own("probe");
    let mut members = Map::new();
    members.insert("FunctionName".into(), json!(name));
    members.insert("Runtime".into(), json!("python3.12"));
    members.insert("Handler".into(), json!("index.handler"));
    members.insert("Role".into(), json!(role));
    if let Some(network) = network {
        members.insert("VpcConfig".into(), network);
    }
    let base = Value::Object(members);
    let delete = Step::new(Lambda, "DeleteFunction", json!({"FunctionName": name}));
    let zipped = with(&base, json!({"Code": {"ZipFile": package(SOURCE)}}));
    let inline = with(&base, json!({"Code": {"ZipFile": SOURCE}}));
    let resource = json!({"Type": "AWS::Lambda::Function", "Properties": inline});
    (call("CreateFunction", zipped), Attempt::Stack(resource), delete)
}

/// Only its own roles may be handed to a function.
fn passed_roles(scene: &Scene<'_>, own: &FunctionFacts, foreign: &FunctionFacts) -> Vec<Attack> {
    let passed = (
        "foreign-role-passed",
        "cannot run code as another team's role",
        foreign.role_arn.as_str(),
    );
    // A user is no role.
    let itself = scene.deployer.role_arn();
    let itself = itself.map(|role| ("own-role-passed", "cannot run code as itself", role));
    let mut attacks = Vec::new();
    for (name, title, role) in std::iter::once(passed).chain(itself) {
        let (attempt, stack, _) = function(scene, role, Some(network(scene)));
        let (twin, twin_stack, delete) = function(scene, &own.role_arn, Some(network(scene)));
        for (attempt, twin) in
            [(attempt, Twin::same(twin, vec![delete])), (stack, Twin::same(twin_stack, Vec::new()))]
        {
            attacks.push(Attack {
                name,
                guard_rail: ROLES,
                title: title.into(),
                attempt,
                refusal: refusal("iam:PassRole", role.to_owned(), Reason::NoIdentityPolicy),
                twin,
            });
        }
    }
    attacks
}

/// A stack deployer's functions run where the platform says.
fn function_outside_network(scene: &Scene<'_>, own: &FunctionFacts) -> Vec<Attack> {
    let arn = scene.facts.function_arn(&scene.own("probe"));
    let (attempt, stack, _) = function(scene, &own.role_arn, None);
    let (twin, twin_stack, delete) = function(scene, &own.role_arn, Some(network(scene)));
    let attack = |attempt, twin| Attack {
        name: "function-outside-network",
        guard_rail: NETWORK,
        title: "cannot run a function outside the platform's network".into(),
        attempt,
        refusal: refusal("lambda:CreateFunction", arn.clone(), Reason::NoIdentityPolicy),
        twin,
    };
    let mut attacks = vec![
        attack(attempt, Twin::same(twin, vec![delete])),
        attack(stack, Twin::same(twin_stack, Vec::new())),
    ];
    attacks.push(network_removed(scene, own));
    attacks
}

/// The empty lists with which a function leaves its VPC.
fn network_removed(scene: &Scene<'_>, own: &FunctionFacts) -> Attack {
    let base = json!({"FunctionName": own.name});
    let nothing = json!({"VpcConfig": {"SubnetIds": [], "SecurityGroupIds": []}});
    Attack {
        name: "network-removed",
        guard_rail: NETWORK,
        title: "cannot take its function out of the network".into(),
        attempt: call("UpdateFunctionConfiguration", with(&base, nothing)),
        refusal: refusal(
            "lambda:UpdateFunctionConfiguration",
            scene.facts.function_arn(&own.name),
            Reason::NoIdentityPolicy,
        ),
        twin: Twin::same(
            call("UpdateFunctionConfiguration", with(&base, json!({"VpcConfig": network(scene)}))),
            Vec::new(),
        ),
    }
}

/// The hybrid configures, but never role, network or layers.
fn configuration(scene: &Scene<'_>, own: &FunctionFacts) -> Vec<Attack> {
    let base = json!({"FunctionName": own.name, "VpcConfig": network(scene)});
    let arn = scene.facts.function_arn(&own.name);
    let layer =
        format!("arn:aws:lambda:{}:{}:layer:probe:1", scene.facts.region, scene.facts.account);
    let attack = |name, title: &str, more, refusal| Attack {
        name,
        guard_rail: OWNERS,
        title: title.into(),
        attempt: call("UpdateFunctionConfiguration", with(&base, more)),
        refusal,
        twin: Twin::same(
            call("UpdateFunctionConfiguration", with(&base, json!({"MemorySize": 192}))),
            Vec::new(),
        ),
    };
    vec![
        network_removed(scene, own),
        attack(
            "role-changed",
            "cannot give its function another role",
            json!({"Role": scene.other_role()}),
            refusal("iam:PassRole", scene.other_role().to_owned(), Reason::NoIdentityPolicy),
        ),
        attack(
            "layer-added",
            "cannot put a layer under its function",
            json!({"Layers": [layer]}),
            refusal("lambda:UpdateFunctionConfiguration", arn, Reason::NoIdentityPolicy),
        ),
    ]
}

/// The code deployer configures nothing and creates nothing.
fn any_configuration(scene: &Scene<'_>, own: &FunctionFacts) -> Vec<Attack> {
    let facts = scene.facts;
    let settings = json!({"FunctionName": own.name, "VpcConfig": network(scene)});
    let settings = Step::new(Lambda, "UpdateFunctionConfiguration", settings);
    let mut attacks = vec![Attack {
        name: "configuration-changed",
        guard_rail: OWNERS,
        title: "cannot change its function's configuration".into(),
        attempt: Attempt::Call(settings.clone()),
        refusal: refusal(
            "lambda:UpdateFunctionConfiguration",
            facts.function_arn(&own.name),
            Reason::NoIdentityPolicy,
        ),
        twin: Twin::platform(settings, Vec::new()),
    }];
    let (attempt, _, delete) = function(scene, &own.role_arn, Some(network(scene)));
    if let Attempt::Call(create) = attempt {
        attacks.push(Attack {
            name: "function-created",
            guard_rail: OWNERS,
            title: "cannot create a function".into(),
            attempt: Attempt::Call(create.clone()),
            refusal: refusal(
                "lambda:CreateFunction",
                facts.function_arn(&scene.own("probe")),
                Reason::NoIdentityPolicy,
            ),
            twin: Twin::platform(create, vec![delete]),
        });
    }
    attacks
}

/// Another team's function, from code to deletion.
fn foreign_function(
    scene: &Scene<'_>,
    own: &FunctionFacts,
    foreign: &FunctionFacts,
) -> Vec<Attack> {
    let facts = scene.facts;
    let code =
        |name: &str| json!({"FunctionName": name, "ZipFile": package(SOURCE), "DryRun": true});
    let own_code = || Twin::same(call("UpdateFunctionCode", code(&own.name)), Vec::new());
    let read = || Twin::same(call("GetFunction", json!({"FunctionName": own.name})), Vec::new());
    let attack = |name, title: &str, attempt, action, twin| Attack {
        name,
        guard_rail: OWNERS,
        title: title.into(),
        attempt,
        refusal: refusal(action, facts.function_arn(&foreign.name), Reason::NoIdentityPolicy),
        twin,
    };
    let name = json!({"FunctionName": foreign.name});
    let permission = json!({
        "FunctionName": facts.function_arn(&foreign.name),
        "Action": "lambda:InvokeFunction", "Principal": "apigateway.amazonaws.com",
    });
    let invoke = Step::new(
        Lambda,
        "Invoke",
        json!({"FunctionName": foreign.name, "InvocationType": "DryRun"}),
    );
    let mut attacks = vec![
        attack(
            "foreign-code",
            "cannot replace another team's code",
            call("UpdateFunctionCode", code(&foreign.name)),
            "lambda:UpdateFunctionCode",
            own_code(),
        ),
        attack(
            "foreign-configuration",
            "cannot configure another team's function",
            call(
                "UpdateFunctionConfiguration",
                with(&name, json!({"VpcConfig": network(scene), "MemorySize": 512})),
            ),
            "lambda:UpdateFunctionConfiguration",
            read(),
        ),
        attack(
            "foreign-function-deleted",
            "cannot delete another team's function",
            call("DeleteFunction", name.clone()),
            "lambda:DeleteFunction",
            read(),
        ),
        attack(
            "foreign-function-invoked",
            "cannot invoke another team's function past the API",
            Attempt::Call(invoke.clone()),
            "lambda:InvokeFunction",
            Twin::platform(invoke, Vec::new()),
        ),
        attack(
            "foreign-function-opened",
            "cannot let anybody invoke another team's function",
            call("AddPermission", with(&permission, json!({"StatementId": "probe"}))),
            "lambda:AddPermission",
            read(),
        ),
    ];
    if scene.deployer.job == Job::Stack {
        let resource = |function: String| {
            let properties = with(&permission, json!({"FunctionName": function}));
            Attempt::Stack(json!({"Type": "AWS::Lambda::Permission", "Properties": properties}))
        };
        attacks.push(attack(
            "foreign-function-opened",
            "cannot let anybody invoke another team's function",
            resource(facts.function_arn(&foreign.name)),
            "lambda:AddPermission",
            Twin::same(resource(facts.function_arn(&own.name)), Vec::new()),
        ));
    }
    attacks
}

/// Its own function, made anew in the platform's network: that is the
/// platform's.
fn created_again(scene: &Scene<'_>, own: &FunctionFacts) -> Attack {
    let input = json!({
        "FunctionName": own.name, "Runtime": "python3.12", "Handler": "index.handler",
        "Role": own.role_arn, "VpcConfig": network(scene),
        "Code": {"ZipFile": package(SOURCE)},
    });
    Attack {
        name: "function-created-again",
        guard_rail: OWNERS,
        title: "cannot make its function anew".into(),
        attempt: call("CreateFunction", input),
        refusal: refusal(
            "lambda:CreateFunction",
            scene.facts.function_arn(&own.name),
            Reason::NoIdentityPolicy,
        ),
        twin: scene.own_work(),
    }
}

/// Ways to a function that pass by the authorizer.
fn doors(scene: &Scene<'_>, own: &FunctionFacts) -> Vec<Attack> {
    let facts = scene.facts;
    let arn = facts.function_arn(&own.name);
    let url = json!({"FunctionName": own.name, "AuthType": "NONE"});
    let create_url = Step::new(Lambda, "CreateFunctionUrlConfig", url);
    let delete_url =
        Step::new(Lambda, "DeleteFunctionUrlConfig", json!({"FunctionName": own.name}));
    let permission = |principal: &str| {
        Step::new(
            Lambda,
            "AddPermission",
            json!({
                "FunctionName": own.name, "StatementId": "ringfence-probe",
                "Action": "lambda:InvokeFunction", "Principal": principal,
            }),
        )
    };
    let remove = Step::new(
        Lambda,
        "RemovePermission",
        json!({"FunctionName": own.name, "StatementId": "ringfence-probe"}),
    );
    let granted = match scene.deployer.job {
        Job::Stack => {
            Twin::same(Attempt::Call(permission("apigateway.amazonaws.com")), vec![remove])
        }
        Job::Code | Job::Configuration => {
            Twin::platform(permission("apigateway.amazonaws.com"), vec![remove])
        }
    };
    let attack = |name, title: &str, attempt, action, reason, twin| Attack {
        name,
        guard_rail: DOORS,
        title: title.into(),
        attempt,
        refusal: refusal(action, arn.clone(), reason),
        twin,
    };
    let urls = Reason::BoundaryStatement(Forbids::FunctionUrls);
    let mut attacks = vec![
        attack(
            "function-url",
            "cannot give its function a URL of its own",
            Attempt::Call(create_url.clone()),
            "lambda:CreateFunctionUrlConfig",
            urls,
            Twin::platform(create_url, vec![delete_url]),
        ),
        attack(
            "public-permission",
            "cannot let everybody invoke its function",
            Attempt::Call(permission("*")),
            "lambda:AddPermission",
            Reason::NoIdentityPolicy,
            granted,
        ),
    ];
    if scene.deployer.job == Job::Stack {
        let resource = |properties: Value| {
            Attempt::Stack(json!({"Type": "AWS::Lambda::Permission", "Properties": properties}))
        };
        let grant = |principal: &str| {
            json!({
                "FunctionName": arn, "Action": "lambda:InvokeFunction", "Principal": principal,
            })
        };
        attacks.push(attack(
            "function-url",
            "cannot give its function a URL of its own",
            Attempt::Stack(json!({"Type": "AWS::Lambda::Url", "Properties": {
                "TargetFunctionArn": arn, "AuthType": "NONE",
            }})),
            "lambda:CreateFunctionUrlConfig",
            urls,
            Twin::same(resource(grant("apigateway.amazonaws.com")), Vec::new()),
        ));
        attacks.push(attack(
            "public-permission",
            "cannot let everybody invoke its function",
            resource(grant("*")),
            "lambda:AddPermission",
            Reason::NoIdentityPolicy,
            Twin::same(resource(grant("apigateway.amazonaws.com")), Vec::new()),
        ));
    }
    attacks
}
