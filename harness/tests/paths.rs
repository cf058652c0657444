//! Who can come to act as whom: each known path where it exists, and not where one
//! permission of it lacks.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops where it fails")]

#[path = "paths/accounts.rs"]
mod accounts;
#[path = "paths/boundaries.rs"]
mod boundaries;
#[path = "paths/denied.rs"]
mod denied;
#[path = "paths/handed.rs"]
mod handed;
#[path = "paths/more.rs"]
mod more;
#[path = "paths/partly.rs"]
mod partly;
#[path = "paths/running.rs"]
mod running;

use std::fs;

use ringfence::access::estate::Estate;
use ringfence::access::files::{self, Configurations};
use ringfence::attacks::escalations::{Category, Path};
use ringfence::proof::paths::{Found, known, search};
use serde_json::{Value, json};

const ACCOUNT: &str = "123456789012";

fn iam(rest: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:{rest}")
}

fn resource(kind: &str, name: &str, values: Value) -> Value {
    json!({"address": format!("{kind}.{name}"), "mode": "managed", "type": kind, "values": values})
}

fn document(statements: &[Value]) -> String {
    json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}

fn allow(actions: &[&str]) -> String {
    document(&[json!({"Sid": "Hole", "Effect": "Allow", "Action": actions, "Resource": "*"})])
}

fn trust(principal: &Value) -> String {
    document(&[json!({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal})])
}

fn estate(resources: &[Value]) -> Estate {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state.json");
    let state =
        json!({"format_version": "1.0", "values": {"root_module": {"resources": resources}}});
    fs::write(&path, state.to_string()).unwrap();
    files::shown(&[path], &Configurations::default()).unwrap()
}

fn found(resources: &[Value]) -> Found {
    search(&estate(resources), None).unwrap()
}

fn regional(service: &str, rest: &str) -> String {
    format!("arn:aws:{service}:eu-west-1:{ACCOUNT}:{rest}")
}

/// The gains of a source that are decided, each with what it is of.
fn gains(found: &Found, source: &str) -> Vec<(&'static str, String)> {
    let source = found.sources.iter().find(|one| one.name == source).unwrap();
    let decided = source.paths.iter().filter(|path| path.undecided.is_none());
    decided
        .flat_map(|path| {
            let all = std::iter::once(&path.of).chain(&path.others);
            all.map(|of| (path.gain, of.clone())).collect::<Vec<_>>()
        })
        .collect()
}

/// The services whose sessions the paths lead to, and what runs as the victim there.
fn service(id: &str) -> (&'static str, Option<(&'static str, Value)>) {
    let role = iam("role/victim");
    let before = id.split_once('-').unwrap().0;
    match before {
        "amplify" => ("amplify.amazonaws.com", None),
        "batch" => (
            "ecs-tasks.amazonaws.com",
            Some((
                "aws_batch_job_definition",
                json!({"arn": regional("batch", "job-definition/j:1"),
                "container_properties": json!({"jobRoleArn": role}).to_string()}),
            )),
        ),
        "bedrock" if id == "bedrock-004" => (
            "bedrock-agentcore.amazonaws.com",
            Some((
                "aws_bedrockagentcore_agent_runtime",
                json!({"role_arn": role,
                "agent_runtime_arn": regional("bedrock-agentcore", "runtime/r")}),
            )),
        ),
        "bedrock" if id == "bedrock-007" => (
            "bedrock-agentcore.amazonaws.com",
            Some((
                "aws_bedrockagentcore_browser",
                json!({"execution_role_arn": role,
                "browser_arn": regional("bedrock-agentcore", "browser-custom/b")}),
            )),
        ),
        "braket" => ("braket.amazonaws.com", None),
        "codedeploy" | "emr" | "imagebuilder" => ("ec2.amazonaws.com", None),
        "emrserverless" => ("emr-serverless.amazonaws.com", None),
        "gamelift" => ("gamelift.amazonaws.com", None),
        "kinesisanalytics" => ("kinesisanalytics.amazonaws.com", None),
        "omics" => ("omics.amazonaws.com", None),
        "ekspods" => ("pods.eks.amazonaws.com", None),
        "rolesanywhere" => ("rolesanywhere.amazonaws.com", None),
        "transfer" => (
            "transfer.amazonaws.com",
            Some((
                "aws_transfer_user",
                json!({"role": role, "arn": regional("transfer", "user/s-1/u")}),
            )),
        ),
        "ssm" if id == "ssm-003" => ("ssm.amazonaws.com", None),
        "apprunner" => (
            "tasks.apprunner.amazonaws.com",
            Some((
                "aws_apprunner_service",
                json!({"arn": regional("apprunner", "service/s/1"),
                "instance_configuration": [{"instance_role_arn": role}]}),
            )),
        ),
        "bedrock" => (
            "bedrock-agentcore.amazonaws.com",
            Some((
                "aws_bedrockagentcore_code_interpreter",
                json!({"execution_role_arn": role,
                "code_interpreter_arn": regional("bedrock-agentcore", "code-interpreter/i")}),
            )),
        ),
        "cloudformation" => (
            "cloudformation.amazonaws.com",
            Some((
                "aws_cloudformation_stack",
                json!({"iam_role_arn": role,
                "id": regional("cloudformation", "stack/s/1")}),
            )),
        ),
        "codebuild" => (
            "codebuild.amazonaws.com",
            Some((
                "aws_codebuild_project",
                json!({"service_role": role, "arn": regional("codebuild", "project/p")}),
            )),
        ),
        "datapipeline" => ("datapipeline.amazonaws.com", None),
        "ec2" if id == "ec2-004" || id == "ec2-005" => (
            "ec2.amazonaws.com",
            Some((
                "aws_launch_template",
                json!({"arn": regional("ec2", "launch-template/lt-1"),
                "iam_instance_profile": [{"name": "profile", "arn": ""}]}),
            )),
        ),
        "ec2" | "ec2instanceconnect" | "ssm" => (
            "ec2.amazonaws.com",
            Some((
                "aws_instance",
                json!({"arn": regional("ec2", "instance/i-1"),
                "iam_instance_profile": "profile"}),
            )),
        ),
        "ecs" => (
            "ecs-tasks.amazonaws.com",
            Some((
                "aws_ecs_service",
                json!({"task_definition": regional("ecs", "task-definition/web:1"),
                "cluster": regional("ecs", "cluster/c"), "enable_execute_command": true}),
            )),
        ),
        "glue" => (
            "glue.amazonaws.com",
            Some((
                "aws_glue_dev_endpoint",
                json!({"role_arn": role, "arn": regional("glue", "devEndpoint/e")}),
            )),
        ),
        "lambda" => (
            "lambda.amazonaws.com",
            Some((
                "aws_lambda_function",
                json!({"role": role, "arn": regional("lambda", "function:f")}),
            )),
        ),
        "sagemaker" => (
            "sagemaker.amazonaws.com",
            Some((
                "aws_sagemaker_notebook_instance",
                json!({"role_arn": role, "arn": regional("sagemaker", "notebook-instance/n")}),
            )),
        ),
        _ => ("x.amazonaws.com", None),
    }
}

/// Whether what is gained is undecided alone: it is not followed what runs as what.
fn may_reach(path: &Path, actions: &[&str]) -> bool {
    let (resources, source, (gain, of)) = two(path, actions);
    let found = found(&resources);
    let source = found.sources.iter().find(|one| one.name == source).unwrap();
    source.paths.iter().any(|path| path.gain == gain && path.of == of)
}

/// An attacker with some permissions, and a victim: what is there for one path.
fn two(path: &Path, actions: &[&str]) -> (Vec<Value>, &'static str, (&'static str, &'static str)) {
    let of_iam = || path.required.iter().filter(|action| action.starts_with("iam:"));
    let on_users = of_iam().any(|action| {
        action.contains("User") || action.contains("AccessKey") || action.contains("LoginProfile")
    });
    let on_groups = path.required.iter().any(|action| action.contains("Group"));
    let assumes = path.required.iter().any(|action| action == "sts:AssumeRole");
    let of_itself = path.category == Category::SelfEscalation;
    let attacker = if on_users || on_groups { "user" } else { "role" };
    let mut all = Vec::new();
    let ec2 = trust(&json!({"Service": "x.amazonaws.com"}));
    let (kind, name) = (format!("aws_iam_{attacker}"), format!("{attacker}/attacker"));
    all.push(resource(
        &kind,
        "attacker",
        json!({"name": "attacker", "arn": iam(&name),
        "assume_role_policy": if attacker == "role" { json!(ec2) } else { Value::Null }}),
    ));
    let policy = iam("policy/work");
    // What is another's alone is no way to more of one's own.
    let on_others = document(&[json!({"Sid": "Hole", "Effect": "Allow", "Action": actions,
        "NotResource": [iam(&name), policy]})]);
    let work = if of_itself { allow(actions) } else { on_others };
    all.push(resource("aws_iam_policy", "work", json!({"arn": policy, "policy": work})));
    let attachment = format!("{kind}_policy_attachment");
    all.push(resource(&attachment, "work", json!({attacker: "attacker", "policy_arn": policy})));
    if on_groups {
        let has = allow(&["s3:*"]);
        all.push(resource(
            "aws_iam_group",
            "admins",
            json!({"name": "admins", "arn": iam("group/admins")}),
        ));
        all.push(resource(
            "aws_iam_group_policy",
            "admins",
            json!({"group": "admins", "policy": has}),
        ));
        if path.id != "iam-013" {
            all.push(resource(
                "aws_iam_user_group_membership",
                "m",
                json!({"user": "attacker", "groups": ["admins"]}),
            ));
        }
    }
    let (service, runs) = service(&path.id);
    if on_users && !of_itself {
        all.push(resource(
            "aws_iam_user",
            "victim",
            json!({"name": "victim", "arn": iam("user/victim")}),
        ));
        return (all, "user/attacker", ("session", "user/victim"));
    }
    let trust = match assumes {
        true => trust(&json!({"AWS": iam("root")})),
        false if path.id.starts_with("cognitoidentity-") => {
            document(&[json!({"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
            "Principal": {"Federated": "cognito-identity.amazonaws.com"}, "Condition": {
            "StringEquals": {"cognito-identity.amazonaws.com:aud": "eu-west-1:pool"}}})])
        }
        false => trust(&json!({"Service": service})),
    };
    all.push(resource(
        "aws_iam_role",
        "victim",
        json!({"name": "victim", "arn": iam("role/victim"), "assume_role_policy": trust}),
    ));
    all.push(resource(
        "aws_ecs_task_definition",
        "web",
        json!({"family": "web", "arn": regional("ecs", "task-definition/web:1"),
        "task_role_arn": iam("role/victim")}),
    ));
    all.push(resource(
        "aws_iam_instance_profile",
        "p",
        json!({"name": "profile", "arn": iam("instance-profile/profile"), "role": "victim"}),
    ));
    all.extend(runs.map(|(kind, values)| resource(kind, "runs", values)));
    let source = if attacker == "role" { "role/attacker" } else { "user/attacker" };
    let gain = match of_itself {
        true => ("own permissions", source),
        false => ("session", "role/victim"),
    };
    (all, source, gain)
}

fn reaches(path: &Path, actions: &[&str]) -> bool {
    let (resources, source, (gain, of)) = two(path, actions);
    gains(&found(&resources), source).contains(&(gain, of.to_owned()))
}

/// Whether what is left is another path to the same.
fn is_another(path: &Path, left: &[&str]) -> bool {
    let leads_alike = |other: &Path| {
        (other.category == Category::SelfEscalation) == (path.category == Category::SelfEscalation)
    };
    known()
        .filter(|other| other.id != path.id && leads_alike(other))
        .any(|other| other.required.iter().all(|action| left.contains(&action.as_str())))
}

#[test]
fn each_known_path_is_found_where_it_exists_and_not_without_one_of_its_permissions() {
    assert_eq!(known().count(), 110);
    let (mut wrong, mut twins) = (Vec::new(), 0);
    for path in known() {
        let all: Vec<&str> = path.required.iter().map(String::as_str).collect();
        // To which instances deployments go is not followed, nor what is there of these.
        let reaches = match path.id.as_str() {
            "codedeploy-001"
            | "cognitoidentity-developer"
            | "cognitoidentity-pool"
            | "cognitoidentity-user"
            | "cognitoidentity-password"
            | "ec2-rootvolume"
            | "ec2-volume"
            | "ec2instanceconnect-serial"
            | "ekspods-entry"
            | "ekspods-policy"
            | "rolesanywhere-anchor"
            | "rolesanywhere-anchor-update"
            | "transfer-key"
            | "emr-steps"
            | "lambda-configuration"
            | "ssm-association-update"
            | "ssm-window-task"
            | "ssm-window-task-update" => may_reach,
            _ => reaches,
        };
        if !reaches(path, &all) {
            wrong.push(format!("{}: not found", path.id));
        }
        for without in &all {
            let left: Vec<&str> = all.iter().copied().filter(|one| one != without).collect();
            if left.is_empty() {
                let nothing = ["s3:GetObject"];
                if reaches(path, &nothing) {
                    wrong.push(format!("{}: found without anything", path.id));
                }
                twins += 1;
            } else if !is_another(path, &left) {
                if reaches(path, &left) {
                    wrong.push(format!("{}: found without {without}", path.id));
                }
                twins += 1;
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert!(twins > 90, "{twins}");
}

/// A role that may do something, and a victim that EC2 runs as.
fn to_an_instance(statements: &[Value]) -> Found {
    let role = |name: &str, service: &str| {
        resource(
            "aws_iam_role",
            name,
            json!({"name": name, "arn": iam(&format!("role/{name}")),
            "assume_role_policy": trust(&json!({"Service": service}))}),
        )
    };
    found(&[
        role("attacker", "x.amazonaws.com"),
        role("victim", "ec2.amazonaws.com"),
        resource(
            "aws_iam_instance_profile",
            "p",
            json!({"name": "profile", "arn": iam("instance-profile/profile"), "role": "victim"}),
        ),
        resource(
            "aws_iam_role_policy",
            "work",
            json!({"role": "attacker", "policy": document(statements)}),
        ),
    ])
}

/// An instance is run of an image in a subnet with a volume and all else: who may use
/// one of these alone runs none.
#[test]
fn an_instance_needs_all_that_it_is_made_of() {
    let pass = json!({"Effect": "Allow", "Action": "iam:PassRole", "Resource": "*"});
    let run = |on: Value| json!({"Effect": "Allow", "Action": "ec2:RunInstances", "Resource": on});
    let session = ("session", "role/victim".to_owned());
    let types = ["image", "instance", "network-interface", "security-group", "subnet", "volume"];
    let arns: Vec<String> = types.iter().map(|kind| format!("arn:aws:ec2:*:*:{kind}/*")).collect();
    for without in &arns {
        let left: Vec<&String> = arns.iter().filter(|arn| *arn != without).collect();
        let found = to_an_instance(&[pass.clone(), run(json!(left))]);
        assert_eq!(gains(&found, "role/attacker"), [], "{without}");
    }
    let one = to_an_instance(&[pass.clone(), run(json!(regional("ec2", "instance/*")))]);
    assert_eq!(gains(&one, "role/attacker"), []);
    assert_eq!(gains(&to_an_instance(&[pass, run(json!(arns))]), "role/attacker"), [session]);
}

/// Taking away what is not there, or allows alone, is no gain.
#[test]
fn what_is_taken_away_must_be_there() {
    let with_more = |own: &str, attached: bool, more: &str| {
        let mut all = vec![
            resource("aws_iam_user", "u", json!({"name": "u", "arn": iam("user/u")})),
            resource("aws_iam_user", "a", json!({"name": "a", "arn": iam("user/a")})),
            resource(
                "aws_iam_user_policy",
                "a",
                json!({"user": "a", "policy":
                    allow(&["iam:DetachUserPolicy", "iam:DeleteUserPermissionsBoundary", more])}),
            ),
            resource("aws_iam_policy", "p", json!({"arn": iam("policy/p"), "policy": own})),
        ];
        if attached {
            let values = json!({"user": "a", "policy_arn": iam("policy/p")});
            all.push(resource("aws_iam_user_policy_attachment", "a", values));
        }
        gains(&found(&all), "user/a")
    };
    let with = |own: &str, attached: bool| with_more(own, attached, "s3:GetObject");
    let denies = document(&[json!({"Effect": "Deny", "Action": "s3:*", "Resource": "*"})]);
    let policy = ("policy", "user/a".to_owned());
    assert_eq!(with(&denies, false), []);
    let own = ("own permissions", "user/a".to_owned());
    assert_eq!(with(&denies, true), [own, policy.clone()]);
    // Of what nothing allows.
    assert_eq!(with_more(&denies, true, "sqs:SendMessage"), std::slice::from_ref(&policy));
    assert_eq!(with(&allow(&["s3:*"]), true), [policy]);
}

/// A path has the steps that it needs and no others, and the shortest is told.
#[test]
fn a_path_has_no_step_too_many() {
    let bounded = json!({"name": "attacker", "arn": iam("role/attacker"),
        "permissions_boundary": iam("policy/limit"),
        "assume_role_policy": trust(&json!({"Service": "x.amazonaws.com"}))});
    let deny = document(&[json!({"Effect": "Deny", "Action": "s3:*", "Resource": "*"})]);
    let own = [
        "iam:DetachRolePolicy",
        "iam:DeleteRolePolicy",
        "iam:PutRolePolicy",
        "iam:AttachRolePolicy",
        "iam:DeleteRolePermissionsBoundary",
    ];
    let limit = [&own[..], &["sts:AssumeRole"]].concat();
    let found = found(&[
        resource("aws_iam_role", "attacker", bounded),
        resource(
            "aws_iam_role",
            "victim",
            json!({"name": "victim", "arn": iam("role/victim"),
            "assume_role_policy": trust(&json!({"AWS": iam("root")}))}),
        ),
        resource("aws_iam_policy", "deny", json!({"arn": iam("policy/deny"), "policy": deny})),
        resource(
            "aws_iam_role_policy_attachment",
            "deny",
            json!({"role": "attacker", "policy_arn": iam("policy/deny")}),
        ),
        resource(
            "aws_iam_policy",
            "limit",
            json!({"arn": iam("policy/limit"), "policy": allow(&limit)}),
        ),
        resource("aws_iam_role_policy", "no", json!({"role": "attacker", "policy": deny})),
        resource(
            "aws_iam_role_policy",
            "work",
            json!({"role": "attacker", "policy":
            document(&[json!({"Effect": "Allow", "Action": own, "Resource": iam("role/attacker")})])}),
        ),
    ]);
    let source = found.sources.iter().find(|one| one.name == "role/attacker").unwrap();
    let steps = |gain: &str| {
        let path = source.paths.iter().find(|path| path.gain == gain).unwrap();
        path.steps.iter().map(|step| step.by.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(steps("own permissions").len(), 1);
    assert_eq!(steps("session"), ["iam:PutRolePolicy", "sts:AssumeRole"]);
}

/// The tasks of a service are entered where commands may be executed in them, in its
/// cluster.
#[test]
fn a_task_is_entered_where_commands_are_enabled() {
    let with = |enabled: bool, on: &[String]| {
        let path = known().find(|path| path.id == "ecs-006").unwrap();
        let (mut resources, source, _) = two(path, &["s3:GetObject"]);
        let service = resources.iter_mut().find(|one| one["type"] == "aws_ecs_service").unwrap();
        service["values"]["enable_execute_command"] = json!(enabled);
        let statement = json!({"Effect": "Allow", "Action": "ecs:ExecuteCommand", "Resource": on});
        resources.push(resource(
            "aws_iam_role_policy",
            "exec",
            json!({"role": "attacker", "policy": document(&[statement])}),
        ));
        gains(&found(&resources), source)
    };
    let session = ("session", "role/victim".to_owned());
    let on = |cluster: &str| {
        let [task, cluster] = [format!("task/{cluster}/*"), format!("cluster/{cluster}")];
        [regional("ecs", &task), regional("ecs", &cluster)]
    };
    assert_eq!(with(true, &on("c")), [session]);
    assert_eq!(with(false, &on("c")), []);
    assert_eq!(with(true, &on("other")), []);
    assert_eq!(with(true, &on("c")[..1]), []);
}

/// The permissions of a role are never enough where the service may not take the role.
#[test]
fn a_role_is_passed_to_those_alone_whom_it_trusts() {
    let path = known().find(|path| path.id == "lambda-001").unwrap();
    let all: Vec<&str> = path.required.iter().map(String::as_str).collect();
    let (mut resources, source, _) = two(path, &all);
    let session = ("session", "role/victim".to_owned());
    assert!(gains(&found(&resources), source).contains(&session));
    let victim = resources.iter_mut().find(|one| one["address"] == "aws_iam_role.victim").unwrap();
    victim["values"]["assume_role_policy"] = json!(trust(&json!({"Service": "ec2.amazonaws.com"})));
    assert!(!gains(&found(&resources), source).contains(&session));
}

/// A step tells its request and the statement that allows it.
#[test]
fn a_path_tells_each_request_with_its_statement() {
    let path = known().find(|path| path.id == "iam-017").unwrap();
    let (resources, source, _) = two(path, &["iam:PutRolePolicy", "sts:AssumeRole"]);
    let found = found(&resources);
    let source = found.sources.iter().find(|one| one.name == source).unwrap();
    let session = source.paths.iter().find(|path| path.gain == "session").unwrap();
    assert_eq!(session.steps.len(), 1);
    let request = &session.steps[0].requests[0];
    assert_eq!(request.request.as_ref().unwrap().action, "sts:AssumeRole");
    assert_eq!(request.request.as_ref().unwrap().resource, iam("role/victim"));
    assert!(
        request.allowed_by.contains(&"statement `Hole` of `aws_iam_policy.work`".to_owned()),
        "{:?}",
        request.allowed_by
    );
}

/// What is not known is undecided by its name, and never no path.
#[test]
fn what_is_not_known_is_never_no_path() {
    let path = known().find(|path| path.id == "iam-012").unwrap();
    let (mut resources, ..) = two(path, &["s3:GetObject"]);
    assert!(found(&resources).sources.iter().all(|one| one.verdict() == "none"));
    let arn = "arn:aws:iam::aws:policy/NobodyHasThis";
    resources.push(resource(
        "aws_iam_role_policy_attachment",
        "outside",
        json!({"role": "attacker", "policy_arn": arn}),
    ));
    let found = found(&resources);
    assert!(!found.is_none());
    let attacker = found.sources.iter().find(|one| one.name == "role/attacker").unwrap();
    assert_eq!(attacker.verdict(), "undecided");
    let why = attacker.paths[0].undecided.as_ref().unwrap();
    assert!(why.ends_with(&format!("depends on what is not known: {arn}")), "{why}");
}

/// AWS's own policies say what they allow.
#[test]
fn a_policy_of_awss_is_followed() {
    let path = known().find(|path| path.id == "iam-012").unwrap();
    let with = |name: &str| {
        let (mut resources, ..) = two(path, &["s3:GetObject"]);
        resources.push(resource(
            "aws_iam_role_policy_attachment",
            "outside",
            json!({"role": "attacker", "policy_arn": format!("arn:aws:iam::aws:policy/{name}")}),
        ));
        let found = found(&resources);
        found.sources.iter().find(|one| one.name == "role/attacker").unwrap().verdict()
    };
    assert_eq!(with("AdministratorAccess"), "everything");
    assert_eq!(with("IAMFullAccess"), "found");
    assert_eq!(with("ReadOnlyAccess"), "none");
}

/// What is gained is gained under the boundary, and a boundary that can be taken away is
/// none.
#[test]
fn the_boundary_holds_whatever_is_attached() {
    let with = |actions: &[&str]| {
        let resource = |kind, name, values| resource(kind, name, values);
        let bounded = json!({"name": "attacker", "arn": iam("role/attacker"),
            "permissions_boundary": iam("policy/limit"),
            "assume_role_policy": trust(&json!({"Service": "x.amazonaws.com"}))});
        let victim = json!({"name": "victim", "arn": iam("role/victim"),
            "assume_role_policy": trust(&json!({"AWS": iam("root")}))});
        found(&[
            resource("aws_iam_role", "attacker", bounded),
            resource("aws_iam_role", "victim", victim),
            resource(
                "aws_iam_policy",
                "limit",
                json!({"arn": iam("policy/limit"),
                "policy": allow(&[actions, &["s3:*"]].concat())}),
            ),
            resource(
                "aws_iam_role_policy",
                "work",
                json!({"role": "attacker",
                "policy": allow(&["iam:PutRolePolicy", "iam:DeleteRolePermissionsBoundary"])}),
            ),
        ])
    };
    let session = ("session", "role/victim".to_owned());
    let bounded = with(&["iam:PutRolePolicy"]);
    assert!(!gains(&bounded, "role/attacker").contains(&session));
    assert!(
        gains(&bounded, "role/attacker").contains(&("own permissions", "role/attacker".to_owned()))
    );
    let free = with(&["iam:PutRolePolicy", "iam:DeleteRolePermissionsBoundary"]);
    assert!(gains(&free, "role/attacker").contains(&session));
}

/// Where a service may run as a role and nothing of the files does, it is not known
/// whether what can be changed runs as it.
#[test]
fn what_runs_as_a_role_and_is_not_in_the_files_is_undecided() {
    let path = known().find(|path| path.id == "lambda-003").unwrap();
    let (mut resources, source, _) = two(path, &["lambda:UpdateFunctionCode"]);
    resources.retain(|one| one["type"] != "aws_lambda_function");
    let found = found(&resources);
    let source = found.sources.iter().find(|one| one.name == source).unwrap();
    let session = source.paths.iter().find(|path| path.gain == "session").unwrap();
    assert_eq!(session.of, "role/victim");
    let why = "role/victim: `lambda.amazonaws.com` may run as it, and nothing of the files does";
    assert_eq!(session.undecided.as_deref(), Some(why));
}

const ADMIN: (&str, &str) = ("session", "role/admin");

/// An estate with 31 ways to more, each of an identity of its own, as public vulnerable
/// estates have them: who, what it may do, and what it gains.
const WAYS: [(&str, &[&str], (&str, &str)); 31] = [
    ("role/new-version", &["iam:CreatePolicyVersion"], ("own permissions", "role/new-version")),
    ("role/default-version", &["iam:SetDefaultPolicyVersion"], ("policy", "aws_iam_policy.w1")),
    ("role/instance", &["iam:PassRole", "ec2:RunInstances"], ADMIN),
    ("user/access-key", &["iam:CreateAccessKey"], ("session", "user/root")),
    ("user/login", &["iam:CreateLoginProfile"], ("session", "user/root")),
    ("user/password", &["iam:UpdateLoginProfile"], ("session", "user/root")),
    ("user/attach", &["iam:AttachUserPolicy"], ("own permissions", "user/attach")),
    ("user/attach-group", &["iam:AttachGroupPolicy"], ("own permissions", "user/attach-group")),
    ("role/attach", &["iam:AttachRolePolicy"], ("own permissions", "role/attach")),
    ("user/put", &["iam:PutUserPolicy"], ("own permissions", "user/put")),
    ("user/put-group", &["iam:PutGroupPolicy"], ("own permissions", "user/put-group")),
    ("role/put", &["iam:PutRolePolicy"], ("own permissions", "role/put")),
    ("user/join", &["iam:AddUserToGroup"], ("own permissions", "user/join")),
    ("role/trust", &["iam:UpdateAssumeRolePolicy"], ADMIN),
    ("role/assume", &["sts:AssumeRole"], ADMIN),
    ("role/invoke", &["iam:PassRole", "lambda:CreateFunction", "lambda:InvokeFunction"], ADMIN),
    (
        "role/trigger",
        &["iam:PassRole", "lambda:CreateFunction", "lambda:CreateEventSourceMapping"],
        ADMIN,
    ),
    ("role/permit", &["iam:PassRole", "lambda:CreateFunction", "lambda:AddPermission"], ADMIN),
    ("role/code", &["lambda:UpdateFunctionCode"], ADMIN),
    ("role/glue", &["iam:PassRole", "glue:CreateDevEndpoint"], ADMIN),
    ("role/glue-update", &["glue:UpdateDevEndpoint"], ADMIN),
    ("role/glue-job", &["iam:PassRole", "glue:CreateJob", "glue:StartJobRun"], ADMIN),
    ("role/stack", &["iam:PassRole", "cloudformation:CreateStack"], ADMIN),
    ("role/stack-update", &["cloudformation:UpdateStack"], ADMIN),
    (
        "role/pipeline",
        &[
            "iam:PassRole",
            "datapipeline:CreatePipeline",
            "datapipeline:PutPipelineDefinition",
            "datapipeline:ActivatePipeline",
        ],
        ADMIN,
    ),
    ("role/build", &["iam:PassRole", "codebuild:CreateProject", "codebuild:StartBuild"], ADMIN),
    ("role/notebook", &["iam:PassRole", "sagemaker:CreateNotebookInstance"], ADMIN),
    ("role/url", &["sagemaker:CreatePresignedNotebookInstanceUrl"], ADMIN),
    ("role/training", &["iam:PassRole", "sagemaker:CreateTrainingJob"], ADMIN),
    ("role/command", &["ssm:SendCommand"], ADMIN),
    ("role/shell", &["ssm:StartSession"], ADMIN),
];

#[test]
fn each_way_of_a_vulnerable_estate_is_found() {
    let mut resources = Vec::new();
    let services: Vec<String> =
        ["ec2", "lambda", "glue", "cloudformation", "datapipeline", "codebuild", "sagemaker"]
            .iter()
            .map(|name| format!("{name}.amazonaws.com"))
            .collect();
    let anybody = json!({"Service": services, "AWS": iam("root")});
    let nobody = trust(&json!({"Service": "x.amazonaws.com"}));
    let bystander: (&str, &[&str], _) = ("role/bystander", &["s3:GetObject"], ("", ""));
    for (place, (who, actions, _)) in WAYS.iter().chain([&bystander]).enumerate() {
        let (kind, name) = who.split_once('/').unwrap();
        let label = format!("w{place}");
        let (policy, kind) = (iam(&format!("policy/{label}")), format!("aws_iam_{kind}"));
        resources.push(resource(&kind, &label, json!({"name": name, "arn": iam(who),
            "assume_role_policy": if kind == "aws_iam_role" { json!(nobody) } else { Value::Null }})));
        let document = allow(actions);
        resources.push(resource(
            "aws_iam_policy",
            &label,
            json!({"arn": policy, "policy": document}),
        ));
        let word = who.split_once('/').unwrap().0;
        let attachment = format!("{kind}_policy_attachment");
        resources.push(resource(&attachment, &label, json!({word: name, "policy_arn": policy})));
    }
    let role = iam("role/admin");
    let regional =
        |service: &str, rest: &str| format!("arn:aws:{service}:eu-west-1:{ACCOUNT}:{rest}");
    resources.extend([
        resource(
            "aws_iam_role",
            "admin",
            json!({"name": "admin", "arn": role, "assume_role_policy": trust(&anybody)}),
        ),
        resource("aws_iam_role_policy", "admin", json!({"role": "admin", "policy": allow(&["*"])})),
        resource(
            "aws_iam_instance_profile",
            "admin",
            json!({"name": "admin", "arn": iam("instance-profile/admin"), "role": "admin"}),
        ),
        resource("aws_iam_user", "root", json!({"name": "root", "arn": iam("user/root")})),
        resource("aws_iam_user_policy", "root", json!({"user": "root", "policy": allow(&["*"])})),
        resource("aws_iam_group", "g", json!({"name": "g", "arn": iam("group/g")})),
        resource("aws_iam_group_policy", "g", json!({"group": "g", "policy": allow(&["s3:*"])})),
        resource(
            "aws_iam_group_membership",
            "g",
            json!({"group": "g", "users": ["attach-group", "put-group"]}),
        ),
        resource(
            "aws_iam_instance_profile",
            "p",
            json!({"name": "profile", "arn": iam("instance-profile/profile"), "role": "admin"}),
        ),
        resource(
            "aws_instance",
            "i",
            json!({"arn": regional("ec2", "instance/i-1"), "iam_instance_profile": "profile"}),
        ),
        resource(
            "aws_lambda_function",
            "f",
            json!({"role": role, "arn": regional("lambda", "function:f")}),
        ),
        resource(
            "aws_glue_dev_endpoint",
            "e",
            json!({"role_arn": role, "arn": regional("glue", "devEndpoint/e")}),
        ),
        resource(
            "aws_cloudformation_stack",
            "s",
            json!({"iam_role_arn": role, "id": regional("cloudformation", "stack/s/1")}),
        ),
        resource(
            "aws_sagemaker_notebook_instance",
            "n",
            json!({"role_arn": role, "arn": regional("sagemaker", "notebook-instance/n")}),
        ),
    ]);
    let found = found(&resources);
    let mut missed = Vec::new();
    for (who, _, (gain, of)) in WAYS {
        if !gains(&found, who).contains(&(gain, of.to_owned())) {
            missed.push(who);
        }
    }
    assert_eq!(missed, Vec::<&str>::new());
    let verdict = |name: &str| found.sources.iter().find(|one| one.name == name).unwrap().verdict();
    assert_eq!((verdict("role/bystander"), verdict("user/root")), ("none", "everything"));
}

/// A role without policies, another that a function runs as, and what is on the function.
fn beside_a_function(more: &[Value]) -> Vec<Value> {
    let runs = trust(&json!({"Service": "lambda.amazonaws.com"}));
    let nobody = trust(&json!({"Service": "x.amazonaws.com"}));
    let mut all = vec![
        resource(
            "aws_iam_role",
            "reader",
            json!({"name": "reader", "arn": iam("role/reader"), "assume_role_policy": nobody}),
        ),
        resource(
            "aws_iam_role",
            "victim",
            json!({"name": "victim", "arn": iam("role/victim"), "assume_role_policy": runs}),
        ),
        resource(
            "aws_lambda_function",
            "f",
            json!({"function_name": "f", "role": iam("role/victim"), "arn": regional("lambda", "function:f")}),
        ),
        resource(
            "aws_lambda_function",
            "g",
            json!({"function_name": "g", "role": iam("role/other"), "arn": regional("lambda", "function:g")}),
        ),
    ];
    all.extend(more.iter().cloned());
    all
}

fn permission(name: &str, principal: &str, action: &str, function: &str) -> Value {
    resource(
        "aws_lambda_permission",
        name,
        json!({"principal": principal, "action": action,
        "function_name": function}),
    )
}

/// What the role without policies gains, decided, and why the rest is not.
fn of_the_reader(more: &[Value]) -> (Vec<(&'static str, String)>, Vec<String>) {
    let found = found(&beside_a_function(more));
    let source = found.sources.iter().find(|one| one.name == "role/reader").unwrap();
    let open = source.paths.iter().filter_map(|path| path.undecided.clone());
    (gains(&found, "role/reader"), open.collect())
}

#[test]
fn a_permission_on_a_function_is_a_step() {
    let function = |name: &str| ("function", format!("aws_lambda_function.{name}"));
    let victim = ("session", "role/victim".to_owned());
    let reader = iam("role/reader");
    let none = (Vec::new(), Vec::new());
    let update = "lambda:UpdateFunctionCode";
    let all = [victim.clone(), function("f")];
    for principal in [reader.as_str(), "*"] {
        let told = of_the_reader(&[permission("p", principal, update, "f")]);
        assert_eq!(told, (all.clone().into_iter().rev().collect::<Vec<_>>(), Vec::new()));
    }
    let of_g =
        of_the_reader(&[permission("p", &reader, update, &regional("lambda", "function:g"))]);
    assert_eq!(of_g.0, [function("g")]);
    // Of two permissions on one each counts.
    let two = [
        permission("p", &iam("role/other"), update, "f"),
        permission("q", &reader, "lambda:AddPermission", "f"),
    ];
    assert_eq!(of_the_reader(&two).0, [function("f")]);
    for permission in [
        permission("p", &iam("role/other"), update, "f"),
        permission("p", "sns.amazonaws.com", update, "f"),
        permission("p", ACCOUNT, update, "f"),
        permission("p", &reader, "lambda:InvokeFunction", "f"),
        permission("p", &reader, update, "h"),
    ] {
        assert_eq!(of_the_reader(std::slice::from_ref(&permission)), none, "{permission}");
    }
}

#[test]
fn what_is_granted_and_not_read_is_undecided_by_its_address() {
    let why = |more: Value| {
        let (decided, open) = of_the_reader(&[more]);
        assert_eq!(decided, []);
        open
    };
    let open = resource(
        "aws_lambda_permission",
        "p",
        json!({"action": "lambda:UpdateFunctionCode", "function_name": "f"}),
    );
    let of = |action: &str, reason: &str| {
        format!("role/reader: `{action}` depends on what is not known: {reason}")
    };
    let reason = "aws_lambda_permission.p: principal is known after apply only";
    let told = why(open);
    assert!(told.contains(&of("lambda:UpdateFunctionCode", reason)), "{told:#?}");
    let stack = resource("aws_cloudformation_stack", "s", json!({"template_body": "{}"}));
    let told = why(stack);
    let reason = "what `aws_cloudformation_stack.s` grants by `template_body` is not read";
    assert!(told.iter().any(|one| one.ends_with(reason)), "{told:#?}");
    // What is about no function leads to none.
    let layer = resource(
        "aws_lambda_layer_version_permission",
        "l",
        json!({"principal": "*", "action": "lambda:GetLayerVersion"}),
    );
    assert_eq!(why(layer), [""; 0]);
    let queue = resource("aws_sqs_queue_policy", "q", json!({"queue_url": "q"}));
    assert_eq!(why(queue), [""; 0]);
}

/// An entry covers what the engine says, whichever of two is asked about first: a `*` goes
/// beyond its part, and the parts before the resource compare without regard to case.
#[test]
fn an_entry_is_followed_as_the_engine_reads_it() {
    let elsewhere = resource(
        "aws_lambda_function",
        "g2",
        json!({"function_name": "g", "role": iam("role/other"),
        "arn": format!("arn:aws:lambda:us-east-1:{ACCOUNT}:function:g")}),
    );
    let gained = |action: &str, entry: &str| {
        let statement = json!({"Effect": "Allow", "Action": action, "Resource": entry});
        let policy = json!({"role": "reader", "policy": document(&[statement])});
        let policy = resource("aws_iam_role_policy", "own", policy);
        gains(&found(&beside_a_function(&[elsewhere.clone(), policy])), "role/reader")
    };
    let function = |name: &str| ("function", format!("aws_lambda_function.{name}"));
    let victim = ("session", "role/victim".to_owned());
    let code = "lambda:UpdateFunctionCode";
    assert_eq!(gained(code, "arn:aws:lambda:*:function:f"), [function("f"), victim.clone()]);
    assert_eq!(gained(code, "arn:aws:lambda:*:function:g"), [function("g"), function("g2")]);
    assert_eq!(gained(code, "arn:aws:lambda:*:function:h"), []);
    let in_capitals = format!("arn:aws:lambda:US-EAST-1:{ACCOUNT}:function:g");
    assert_eq!(gained(code, &in_capitals), [function("g2")]);
    assert_eq!(gained(code, &in_capitals.replace("function:g", "Function:g")), []);
    let trust = "iam:UpdateAssumeRolePolicy";
    let changed = ("trust policy", "role/victim".to_owned());
    assert_eq!(gained(trust, "arn:aws:iam:*:role/victim"), [victim, changed]);
    assert_eq!(gained(trust, "arn:aws:iam:*:role/other"), []);
}
