//! What runs as a role and is not known in all, and sessions by their names.

use std::fs;

use ringfence::access::files;
use ringfence::proof::paths::{Found, search};
use rstest::rstest;
use serde_json::{Value, json};

use super::{ACCOUNT, document, estate, gains, iam, regional, resource, trust};

fn role(name: &str, trust: String) -> Value {
    resource(
        "aws_iam_role",
        name,
        json!({"name": name, "arn": iam(&format!("role/{name}")), "assume_role_policy": trust}),
    )
}

fn policy(role: &str, action: &str, on: &str) -> Value {
    let text = document(&[json!({"Effect": "Allow", "Action": action, "Resource": on})]);
    resource("aws_iam_role_policy", role, json!({"name": "p", "role": role, "policy": text}))
}

/// A role that may do something to what begins with `shop-`, and an admin as which something
/// else runs.
fn base(action: &str, on: &str, other: Value, service: &str) -> Vec<Value> {
    let nobody = trust(&json!({"Service": "ec2.amazonaws.com"}));
    vec![
        role("base", nobody),
        policy("base", action, on),
        role("admin", trust(&json!({"Service": service}))),
        policy("admin", "*", "*"),
        other,
    ]
}

fn functions() -> Vec<Value> {
    let arn = regional("lambda", "function:other");
    let other = json!({"function_name": "other", "arn": arn, "role": iam("role/admin")});
    let other = resource("aws_lambda_function", "other", other);
    let on = regional("lambda", "function:shop-*");
    base("lambda:UpdateFunctionCode", &on, other, "lambda.amazonaws.com")
}

fn projects() -> Vec<Value> {
    let arn = regional("codebuild", "project/other");
    let other = json!({"name": "other", "arn": arn, "service_role": iam("role/admin")});
    let other = resource("aws_codebuild_project", "other", other);
    base("codebuild:*", &regional("codebuild", "project/shop-*"), other, "codebuild.amazonaws.com")
}

/// What an estate with a template has.
fn with(resources: &[Value], template: &str) -> Found {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("template.yaml");
    fs::write(&path, template).unwrap();
    let mut estate = estate(resources);
    files::template(&path, &mut estate).unwrap();
    search(&estate, None).unwrap()
}

/// What it tells of the way of the base to the admin: nothing, that there is one, or why nobody
/// knows.
fn way(found: &Found) -> Option<String> {
    let source = found.sources.iter().find(|one| one.name == "role/base").unwrap();
    let all = source.paths.iter().filter(|path| path.gain == "session");
    let mut all = all
        .filter(|path| std::iter::once(&path.of).chain(&path.others).any(|of| of == "role/admin"));
    all.next().map(|path| path.undecided.clone().unwrap_or_default())
}

fn template(kind: &str, properties: &str) -> String {
    format!(
        "Transform: AWS::Serverless-2016-10-31\nParameters: {{Stage: {{Type: String}}}}\nResources:\n  F:\n    Type: {kind}\n    Properties: {{{properties}}}\n"
    )
}

const ADMIN: &str = "arn:aws:iam::123456789012:role/admin";
const UNNAMED: &str = "role/base: `lambda:UpdateFunctionCode` on `Resources.F` depends on what is \
                       not known: Resources.F: its name is not known";

#[rstest]
#[case::known("FunctionName: shop-f, Role: ADMIN", Some(""))]
#[case::of_another("FunctionName: other-f, Role: ADMIN", None)]
#[case::without_a_name("Role: ADMIN", Some(UNNAMED))]
#[case::by_a_parameter("FunctionName: !Sub 'shop-${Stage}', Role: ADMIN", Some(UNNAMED))]
#[case::as_another("Role: 'arn:aws:iam::123456789012:role/other'", None)]
#[case::as_whom_nobody_knows(
    "FunctionName: shop-f, Role: !ImportValue r",
    Some(
        "role/base: `lambda:UpdateFunctionCode` on `Resources.F` depends on what is not known: \
          Resources.F: the role that it runs as is not known"
    )
)]
fn a_function_of_a_template_is_never_left_out(
    #[case] properties: &str,
    #[case] expected: Option<&str>,
    #[values("AWS::Serverless::Function", "AWS::Lambda::Function")] kind: &str,
) {
    let template = template(kind, &properties.replace("ADMIN", &format!("'{ADMIN}'")));
    assert_eq!(way(&with(&functions(), &template)).as_deref(), expected);
}

/// What is allowed on everything is allowed on a function whatever it is called; where a
/// statement tells names or tags apart, that hangs on them.
#[rstest]
#[case::all(json!({"Effect": "Allow", "Resource": "*"}), Value::Null, "")]
#[case::by_a_tag(
    json!({"Effect": "Allow", "Resource": "*",
        "Condition": {"StringEquals": {"aws:ResourceTag/team": "shop"}}}),
    Value::Null,
    UNNAMED
)]
#[case::but_some(
    json!({"Effect": "Allow", "Resource": "*"}),
    json!({"Effect": "Deny", "Resource": "arn:aws:lambda:*:*:function:shop-*"}),
    UNNAMED
)]
#[case::of_some(
    json!({"Effect": "Allow", "NotResource": "arn:aws:lambda:*:*:function:other"}),
    Value::Null,
    UNNAMED
)]
fn a_function_without_a_name_is_one_of_all(
    #[case] allow: Value,
    #[case] deny: Value,
    #[case] expected: &str,
) {
    let statements: Vec<Value> = [allow, deny]
        .into_iter()
        .filter(|one| !one.is_null())
        .map(|mut one| {
            one["Action"] = json!("lambda:UpdateFunctionCode");
            one
        })
        .collect();
    // Of the other function another role is told.
    let mut resources = functions();
    let text = document(&statements);
    *resources.get_mut(1).unwrap() =
        resource("aws_iam_role_policy", "base", json!({"role": "base", "policy": text}));
    resources.pop();
    let template = template("AWS::Serverless::Function", &format!("Role: '{ADMIN}'"));
    assert_eq!(way(&with(&resources, &template)).as_deref(), Some(expected));
}

/// Who may do nothing to functions changes none, whatever it is called.
#[test]
fn who_may_change_no_function_changes_none_without_a_name() {
    let mut resources = functions();
    *resources.get_mut(1).unwrap() = policy("base", "s3:GetObject", "*");
    let template = template("AWS::Lambda::Function", &format!("Role: '{ADMIN}'"));
    assert_eq!(way(&with(&resources, &template)), None);
}

#[test]
fn what_else_runs_as_a_role_in_a_template_is_undecided() {
    let of = |role: &str| template("AWS::CodeBuild::Project", &format!("ServiceRole: '{role}'"));
    let found = way(&with(&projects(), &of(ADMIN))).unwrap();
    assert!(found.ends_with("Resources.F: its name is not known"), "{found}");
    assert_eq!(way(&with(&projects(), &of("arn:aws:iam::123456789012:role/other"))), None);
    assert_eq!(way(&with(&projects(), &template("AWS::SQS::Queue", "QueueName: q"))), None);
}

/// A plan that makes a function.
fn planned(after: Value, unknown: &Value) -> Found {
    let directory = tempfile::tempdir().unwrap();
    let change = |one: &Value, after: &Value, unknown: &Value| {
        json!({"address": one["address"], "mode": "managed", "type": one["type"],
            "change": {"actions": ["create"], "after": after, "after_unknown": unknown}})
    };
    let mut all: Vec<Value> =
        functions().iter().map(|one| change(one, &one["values"], &json!({}))).collect();
    let new = resource("aws_lambda_function", "new", json!({}));
    all.push(change(&new, &after, unknown));
    let path = directory.path().join("plan.json");
    let plan = json!({"format_version": "1.2", "resource_changes": all});
    fs::write(&path, plan.to_string()).unwrap();
    let estate = files::shown(&[path], &files::Configurations::default()).unwrap();
    search(&estate, None).unwrap()
}

#[test]
fn a_function_that_is_not_known_before_apply_is_never_left_out() {
    let named = planned(json!({"function_name": "shop-x", "role": ADMIN}), &json!({"arn": true}));
    assert_eq!(way(&named).as_deref(), Some(""));
    let unnamed = planned(json!({"role": ADMIN}), &json!({"arn": true, "function_name": true}));
    let why = way(&unnamed).unwrap();
    assert!(why.ends_with("aws_lambda_function.new: its name is not known"), "{why}");
    let unknown = json!({"arn": true, "role": true});
    let anybodys = planned(json!({"function_name": "shop-x"}), &unknown);
    let why = way(&anybodys).unwrap();
    assert!(
        why.ends_with("aws_lambda_function.new: the role that it runs as is not known"),
        "{why}"
    );
    let other = planned(json!({"function_name": "other-x"}), &unknown);
    assert_eq!(way(&other), None);
}

const OF_NO_FILE: &str = "role/admin: `ec2.amazonaws.com` may run as it, and nothing of the files \
                          does";
const TASKS_OF_NO_FILE: &str = "role/admin: `ecs-tasks.amazonaws.com` may run as it, and nothing \
                                of the files does";
const IN_NO_FILE: &str = "role/base: `ssm:SendCommand` on `aws_instance.i` depends on what is not \
                          known: aws_instance.i: the role that it runs as is not known";

/// An instance runs as the role that its profile holds, whatever the profile is called.
#[rstest]
#[case::of_its_role(json!("p"), Some(("p", json!("admin"))), "")]
#[case::by_its_arn(json!(iam("instance-profile/x/p")), Some(("p", json!("admin"))), "")]
#[case::of_another_role(json!("admin"), Some(("admin", json!("base"))), OF_NO_FILE)]
#[case::of_no_role(json!("admin"), Some(("admin", json!(null))), OF_NO_FILE)]
#[case::of_no_file(json!("admin"), None, IN_NO_FILE)]
#[case::of_no_file_by_its_arn(json!(iam("instance-profile/admin")), None, IN_NO_FILE)]
#[case::of_another_account(
    json!("arn:aws:iam::999999999999:instance-profile/x/p"),
    Some(("p", json!("admin"))),
    IN_NO_FILE
)]
#[case::without(json!(null), Some(("admin", json!("admin"))), OF_NO_FILE)]
fn an_instance_runs_as_the_role_of_its_profile(
    #[case] names: Value,
    #[case] profile: Option<(&str, Value)>,
    #[case] expected: &str,
) {
    let instance = json!({"arn": regional("ec2", "instance/i-1"), "iam_instance_profile": names});
    let instance = resource("aws_instance", "i", instance);
    let mut all = base("ssm:SendCommand", "*", instance, "ec2.amazonaws.com");
    all.extend(profile.map(|(name, role)| {
        let arn = iam(&format!("instance-profile/x/{name}"));
        let values = json!({"name": name, "arn": arn, "role": role});
        resource("aws_iam_instance_profile", "p", values)
    }));
    let found = search(&estate(&all), None).unwrap();
    assert_eq!(way(&found).as_deref(), Some(expected));
}

/// A service's tasks run as the role that their definition names.
#[rstest]
#[case::of_its_role(Some(json!(ADMIN)), "")]
#[case::of_no_role(Some(json!(null)), TASKS_OF_NO_FILE)]
#[case::of_another_role(Some(json!(iam("role/base"))), TASKS_OF_NO_FILE)]
#[case::of_no_file(
    None,
    "role/base: `ecs:ExecuteCommand` on `aws_ecs_service.s` depends on what is not known: \
     aws_ecs_service.s: the role that it runs as is not known"
)]
fn a_service_runs_as_the_role_of_its_tasks(#[case] role: Option<Value>, #[case] expected: &str) {
    let service = json!({"task_definition": regional("ecs", "task-definition/admin:1"),
        "cluster": regional("ecs", "cluster/c"), "enable_execute_command": true});
    let service = resource("aws_ecs_service", "s", service);
    let mut all = base("ecs:*", "*", service, "ecs-tasks.amazonaws.com");
    all.extend(role.map(|role| {
        let arn = regional("ecs", "task-definition/admin:1");
        let values = json!({"family": "admin", "arn": arn, "task_role_arn": role});
        resource("aws_ecs_task_definition", "t", values)
    }));
    let found = search(&estate(&all), None).unwrap();
    assert_eq!(way(&found).as_deref(), Some(expected));
}

/// Whoever takes a role chooses the name of the session.
#[test]
fn a_session_is_called_as_the_next_trust_policy_wants_it() {
    let session = |name: &str| format!("arn:aws:sts::{ACCOUNT}:assumed-role/{name}");
    let estate_of = |named: &str| {
        let user = json!({"name": "u", "arn": iam("user/u")});
        let found = search(
            &estate(&[
                resource("aws_iam_user", "u", user),
                role("a", trust(&json!({"AWS": iam("user/u")}))),
                role("b", trust(&json!({"AWS": session(named)}))),
                policy("b", "sqs:*", "*"),
            ]),
            None,
        );
        found.unwrap()
    };
    let of = |name: &str| ("session", format!("role/{name}"));
    let found = estate_of("a/bob");
    assert_eq!(gains(&found, "user/u"), [of("a"), of("b")]);
    let source = found.sources.iter().find(|one| one.name == "role/a").unwrap();
    let last = source.paths.first().unwrap().steps.last().unwrap();
    let request = last.requests.first().unwrap().request.as_ref().unwrap();
    assert_eq!(request.principal, session("a/bob"));
    assert_eq!(gains(&estate_of("c/bob"), "user/u"), [of("a")]);
}

/// What an estate has whose base may do some things to everything, beside an admin as which
/// instances may run.
fn instances(actions: &[&str], template: &str, more: &[Value]) -> Option<String> {
    let text = document(&[json!({"Effect": "Allow", "Action": actions, "Resource": "*"})]);
    let own = json!({"name": "q", "role": "base", "policy": text});
    let mut all = base(
        "sqs:SendMessage",
        "*",
        role(
            "other",
            trust(&json!({"Service":
        "ec2.amazonaws.com"})),
        ),
        "ec2.amazonaws.com",
    );
    all.push(resource("aws_iam_role_policy", "q", own));
    all.extend(more.iter().cloned());
    way(&with(&all, &format!("Resources:\n{template}")))
}

fn terraforms_profile() -> Value {
    let arn = iam("instance-profile/known");
    resource(
        "aws_iam_instance_profile",
        "known",
        json!({"name": "known", "arn": arn, "role": "admin"}),
    )
}

/// Whether the way leads over `Resources.F`, whose id EC2 chooses, or nothing runs as the admin.
fn runs_as_admin(found: Option<String>) -> bool {
    let found = found.unwrap();
    let open = "on `Resources.F` depends on what is not known: Resources.F: its name is not known";
    let runs = found.is_empty() || found.ends_with(open);
    let nothing = "role/admin: `ec2.amazonaws.com` may run as it, and nothing of the files does";
    assert!(runs || found == nothing, "{found}");
    runs
}

#[rstest]
#[case::of_the_template("[admin]", "!Ref P", true)]
#[case::by_its_attribute("[admin]", "!GetAtt P.Arn", true)]
#[case::by_its_name("[admin]", "p", true)]
#[case::of_another_role("[other]", "!Ref P", false)]
#[case::by_the_name_of_another_role("[other]", "p", false)]
#[case::of_terraforms("[other]", "known", true)]
#[case::of_whom_nobody_knows("[!ImportValue r]", "!Ref P", true)]
#[case::that_nobody_knows("[other]", "!ImportValue p", true)]
#[case::of_no_file("[other]", "elsewhere", true)]
fn an_instance_of_a_template_runs_as_the_role_of_its_profile(
    #[case] roles: &str,
    #[case] profile: &str,
    #[case] runs: bool,
) {
    let template = format!(
        "  P: {{Type: AWS::IAM::InstanceProfile, Properties: {{InstanceProfileName: p, Roles: {roles}}}}}\n  F: {{Type: AWS::EC2::Instance, Properties: {{IamInstanceProfile: {profile}}}}}\n"
    );
    let found = instances(&["ssm:StartSession"], &template, &[terraforms_profile()]);
    assert_eq!(runs_as_admin(found), runs);
}

#[rstest]
#[case::by_name("Name: !Ref P", true)]
#[case::by_arn("Arn: !GetAtt P.Arn", true)]
#[case::of_another_role("Name: !Ref Q", false)]
fn a_launch_template_has_the_role_of_its_profile(#[case] profile: &str, #[case] runs: bool) {
    let template = format!(
        "  P: {{Type: AWS::IAM::InstanceProfile, Properties: {{Roles: [admin]}}}}\n  Q: {{Type: AWS::IAM::InstanceProfile, Properties: {{Roles: [other]}}}}\n  F: {{Type: AWS::EC2::LaunchTemplate, Properties: {{LaunchTemplateData: {{IamInstanceProfile: {{{profile}}}}}}}}}\n"
    );
    let actions = ["ec2:CreateLaunchTemplateVersion", "ec2:ModifyLaunchTemplate"];
    assert_eq!(runs_as_admin(instances(&actions, &template, &[])), runs);
}

/// Who may start instances with a role needs a profile that has it.
#[rstest]
#[case::of_the_role("AWS::IAM::InstanceProfile", "Roles: [admin]", true)]
#[case::of_a_role_that_nobody_knows("AWS::IAM::InstanceProfile", "Roles: [!ImportValue r]", false)]
#[case::of_another("AWS::IAM::InstanceProfile", "Roles: [other]", false)]
#[case::of_none("AWS::SQS::Queue", "QueueName: q", false)]
fn an_instance_is_started_with_the_profile_of_a_template(
    #[case] kind: &str,
    #[case] properties: &str,
    #[case] has_it: bool,
) {
    let template = format!("  P: {{Type: {kind}, Properties: {{{properties}}}}}\n");
    let found = instances(&["iam:PassRole", "ec2:RunInstances"], &template, &[]).unwrap();
    match has_it {
        true => assert_eq!(found, ""),
        false => assert!(found.ends_with("no instance profile of the files has it"), "{found}"),
    }
}

/// A role whose name the stack chooses is followed like any other, but where a policy speaks of
/// names that may be its own.
#[rstest]
#[case::all("*", false)]
#[case::all_roles("arn:aws:iam::123456789012:role/*", false)]
#[case::another("arn:aws:iam::123456789012:role/other", false)]
#[case::some("arn:aws:iam::123456789012:role/shop-*", true)]
fn a_name_that_the_stack_chooses_matters_where_it_is_spoken_of(
    #[case] on: &str,
    #[case] matters: bool,
) {
    let nobody = trust(&json!({"Service": "ec2.amazonaws.com"}));
    let resources = [role("base", nobody), policy("base", "iam:AttachRolePolicy", on)];
    let template = template(
        "AWS::IAM::Role",
        "AssumeRolePolicyDocument: {Version: '2012-10-17', Statement: [{Effect: Allow, \
         Principal: {Service: lambda.amazonaws.com}, Action: 'sts:AssumeRole'}]}",
    );
    let expected = matters.then(|| {
        format!(
            "role/known-after-deployment.F: its name is not known, and `aws_iam_role_policy.base` \
             has `{on}`"
        )
    });
    assert_eq!(with(&resources, &template).unknown, Vec::from_iter(expected));
}
