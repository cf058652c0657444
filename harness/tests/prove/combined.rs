//! Plans, states and templates together: several root modules, and the apps' stacks beside
//! them.

use std::fs;
use std::path::Path;

use rstest::rstest;
use serde_json::{Value, json};

use crate::shop::{
    CONFIG, REPOSITORY, allow, estate, iam, limit, made, of, rail, run, state, text, work,
};

fn resources(state: &Value) -> Vec<Value> {
    state["values"]["root_module"]["resources"].as_array().unwrap().clone()
}

fn as_state(resources: &[Value]) -> Value {
    json!({"format_version": "1.0", "values": {"root_module": {"resources": resources}}})
}

/// A plan that makes all of them, of which everything is known.
fn as_plan(resources: &[Value]) -> Value {
    json!({"format_version": "1.2", "resource_changes": made(resources)})
}

/// The lines that are printed of files, without the time.
fn told(directory: &Path, flags: &[&str]) -> (Option<i32>, Vec<Value>) {
    let output = run(directory, &[flags, &["--json"]].concat());
    assert_eq!(text(&output.stderr), "");
    let lines = text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap());
    let mut lines: Vec<Value> = lines.collect();
    let summary = lines.last_mut().unwrap()["summary"].as_object_mut().unwrap();
    assert!(summary.remove("ms").is_some() && summary.remove("plan_ms").is_none());
    (output.status.code(), lines)
}

/// What is known is the same, whichever file it stands in.
#[rstest]
#[case::guard_rails(&[])]
#[case::paths(&["--paths"])]
fn plans_and_states_of_one_estate_answer_alike(#[case] flags: &[&str]) {
    let mut statements = work();
    for (action, on) in [
        ("iam:CreateUser", "*"),
        ("iam:PassRole", "*"),
        ("lambda:UpdateFunctionCode", "*"),
        ("sts:AssumeRole", "*"),
    ] {
        statements.push(allow(action, on));
    }
    for (statements, boundary) in [(&statements, vec![allow("*", "*")]), (&work(), limit())] {
        let all = resources(&state(statements, &boundary, REPOSITORY, &[]));
        let directory = estate(&as_state(&all));
        let put = |name: &str, value: Value| {
            fs::write(directory.path().join(name), value.to_string()).unwrap();
        };
        put("plan.json", as_plan(&all));
        let of_state = told(directory.path(), &[flags, &["--state", "state.json"]].concat());
        let of_plan = told(directory.path(), &[flags, &["--plan", "plan.json"]].concat());
        assert_eq!(of_plan, of_state);
        for first in 1..all.len() {
            let (before, after) = all.split_at(first);
            put("before.json", as_state(before));
            put("after.json", as_plan(after));
            let both = [flags, &["--state", "before.json", "--plan", "after.json"]].concat();
            assert_eq!(told(directory.path(), &both), of_state, "split at {first}");
        }
    }
}

/// A role of an app's stack, with the boundary of code.
const TEMPLATE: &str = "Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      RoleName: fn-shop-a
      PermissionsBoundary: !Sub arn:${AWS::Partition}:iam::${AWS::AccountId}:policy/code
      AssumeRolePolicyDocument:
        Statement:
          Effect: Allow
          Principal: {Service: lambda.amazonaws.com}
          Action: sts:AssumeRole
  Function:
    Type: AWS::Lambda::Function
    Properties:
      FunctionName: shop-a
      Role: !GetAtt Role.Arn
";

/// A root module in a state, another in a plan, and a stack beside them: a path leads
/// through all of them.
#[test]
fn paths_lead_from_a_plan_into_a_state_and_into_a_template() {
    let mut hole = allow("sts:AssumeRole", &iam("role/keeper"));
    hole["Sid"] = json!("Hole");
    let (before, after): (Vec<Value>, Vec<Value>) =
        resources(&state(&[work(), vec![hole]].concat(), &[allow("*", "*")], REPOSITORY, &[]))
            .into_iter()
            .filter(|one| one["address"] != "aws_iam_role.code")
            .partition(|one| {
                one["address"] != "aws_iam_role.deployer" && one["type"] != "aws_iam_role_policy"
            });
    // The keeper stands in the state; it trusts the account, and may change the code of
    // every function, the stack's too.
    let trust = json!({"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"AWS": iam("root")}}]});
    let change = json!({"Statement": [
        {"Sid": "Change", "Effect": "Allow", "Action": "lambda:UpdateFunctionCode", "Resource": of("lambda", "function:*")}]});
    let keeper = [
        json!({"address": "aws_iam_role.keeper", "mode": "managed", "type": "aws_iam_role",
            "values": {"name": "keeper", "arn": iam("role/keeper"), "assume_role_policy": trust.to_string()}}),
        json!({"address": "aws_iam_role_policy.keeper", "mode": "managed", "type": "aws_iam_role_policy",
            "values": {"role": "keeper", "policy": change.to_string()}}),
    ];
    let paths = |before: &[Value]| {
        let directory = estate(&as_state(before));
        fs::write(directory.path().join("plan.json"), as_plan(&after).to_string()).unwrap();
        fs::create_dir(directory.path().join("shop")).unwrap();
        fs::write(directory.path().join("shop/template.yaml"), TEMPLATE).unwrap();
        let flags =
            ["--paths", "--plan", "plan.json", "--state", "state.json", "--templates", "shop"];
        told(directory.path(), &flags)
    };
    let (code, lines) = paths(&[before.clone(), keeper.to_vec()].concat());
    let gains = |lines: &[Value], source: &str| {
        let found = lines.iter().find(|line| line["source"] == source);
        let found = found.unwrap_or_else(|| panic!("{source}: {lines:#?}"));
        let gains = found["gains"].as_array().unwrap().iter();
        let of = gains.map(|gain| {
            let steps = gain["steps"].as_array().unwrap().iter();
            let steps: Vec<String> =
                steps.map(|step| step["of"].as_str().unwrap().to_owned()).collect();
            (
                gain["gain"].as_str().unwrap().to_owned(),
                gain["of"].as_str().unwrap().to_owned(),
                steps,
            )
        });
        of.collect::<Vec<_>>()
    };
    let named = |gain: &str, of: &str, steps: &[&str]| {
        (
            gain.to_owned(),
            of.to_owned(),
            steps.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>(),
        )
    };
    assert_eq!(code, Some(1));
    assert_eq!(
        gains(&lines, "role/deployer"),
        [named("session", "role/keeper", &["role/keeper"])],
        "{lines:#?}"
    );
    let into = named("session", "role/fn-shop-a", &["role/fn-shop-a"]);
    assert!(gains(&lines, "role/keeper").contains(&into), "{lines:#?}");
    // Without the keeper nothing leads anywhere.
    let (code, lines) = paths(&before);
    assert_eq!((code, gains(&lines, "role/deployer")), (Some(0), vec![]));
}

/// What an identity has may stand in several files, and the identity in one.
#[test]
fn an_identity_that_two_files_make_is_refused() {
    let all = resources(&state(&work(), &limit(), REPOSITORY, &[]));
    let directory = estate(&as_state(&all));
    let role: Vec<Value> =
        all.into_iter().filter(|one| one["address"] == "aws_iam_role.deployer").collect();
    fs::write(directory.path().join("plan.json"), as_plan(&role).to_string()).unwrap();
    let output = run(directory.path(), &["--state", "state.json", "--plan", "plan.json"]);
    let twice = "ringfence: state.json: `role/deployer` is in another file too\n";
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(2), twice));
}

/// A state leaves nothing open that Terraform files would complete: those that are given
/// are of the plan.
#[test]
fn the_configuration_that_is_given_is_of_the_plans_alone() {
    let all = resources(&state(&work(), &limit(), REPOSITORY, &[]));
    let (after, before): (Vec<Value>, Vec<Value>) =
        all.into_iter().partition(|one| one["type"] == "aws_iam_role_policy");
    let directory = estate(&as_state(&before));
    let mut plan = as_plan(&after);
    plan["configuration"] = json!({"root_module": {
        "resources": [{"address": "aws_iam_role_policy.work", "mode": "managed",
            "type": "aws_iam_role_policy", "name": "work", "expressions": {}}],
        "module_calls": {"more": {"source": "./more", "module": {}}}}});
    fs::write(directory.path().join("plan.json"), plan.to_string()).unwrap();
    let put = |name: &str, text: &str| {
        fs::create_dir_all(directory.path().join(name)).unwrap();
        fs::write(directory.path().join(name).join("main.tf"), text).unwrap();
    };
    put(
        "own",
        "resource \"aws_iam_role_policy\" \"work\" {}\nmodule \"more\" {\n  source = \"./more\"\n}\n",
    );
    put("part", "resource \"aws_iam_role_policy\" \"work\" {}\n");
    put("other", "resource \"aws_iam_role\" \"x\" {}\n");
    let files = ["--state", "state.json", "--plan", "plan.json"];
    let given = |directories: &[&str]| {
        let flags = directories.iter().flat_map(|name| ["--configuration", name]);
        let output = run(directory.path(), &files.into_iter().chain(flags).collect::<Vec<_>>());
        (output.status.code(), text(&output.stderr).to_owned())
    };
    assert_eq!(given(&["own"]), (Some(0), String::new()));
    // Of several each plan is of one.
    assert_eq!(given(&["other", "own"]), (Some(0), String::new()));
    for wrong in [&["other"][..], &["part"], &["other", "part"]] {
        let error = format!("ringfence: {}: not what plan.json is a plan of\n", wrong.join(", "));
        assert_eq!(given(wrong), (Some(2), error));
    }
    // A state alone is of none.
    let state = estate(&state(&work(), &limit(), REPOSITORY, &[]));
    fs::create_dir(state.path().join("own")).unwrap();
    let output = run(state.path(), &["--state", "state.json", "--configuration", "own"]);
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""));
}

/// What two files call alike stands behind the name of each.
#[test]
fn what_two_files_call_alike_is_told_apart() {
    let bucket = |bucket: &str| {
        let policy = json!({"Version": "2012-10-17", "Statement": [{"Sid": "Open", "Effect": "Allow",
            "Action": "s3:GetObject", "Principal": {"AWS": iam("role/deployer")},
            "Resource": format!("arn:aws:s3:::{bucket}/*")}]});
        json!({"address": "aws_s3_bucket_policy.b", "mode": "managed", "type": "aws_s3_bucket_policy",
            "values": {"bucket": bucket, "policy": policy.to_string()}})
    };
    let first = state(&work(), &limit(), REPOSITORY, &[bucket("data")]);
    let mut role = resources(&first)[2].clone();
    assert_eq!(role["address"], "aws_iam_role.deployer");
    role["values"]["name"] = json!("second");
    role["values"]["arn"] = json!(iam("role/second"));
    let other = as_state(&[role, bucket("artifacts")]);
    let files = ["--state", "state.json", "--state", "other.json"];
    let asked = |output: &str| {
        let directory = estate(&first);
        fs::write(directory.path().join("other.json"), other.to_string()).unwrap();
        let config = CONFIG.replace("aws_iam_role.deployer", output);
        fs::write(directory.path().join("ringfence.toml"), config).unwrap();
        (directory.path().to_owned(), directory)
    };
    let (place, _directory) = asked("state.json:aws_iam_role.deployer");
    let (_, lines) = told(&place, &files);
    let shown = &rail(&lines, "a team's artifacts are its own")["violations"][0];
    assert_eq!(shown["identity"], "role/deployer by other.json/aws_s3_bucket_policy.b");
    let by = json!(["statement `Open` of `other.json/aws_s3_bucket_policy.b`"]);
    assert_eq!(shown["allowed_by"], by);
    let (place, _directory) = asked("other.json:aws_iam_role.deployer");
    let (_, lines) = told(&place, &files);
    let routes = rail(&lines, "every route is behind the authorizer");
    assert_eq!(routes["identities"], json!(["role/second"]));
    // Without the name of its file nobody knows which is meant.
    let (place, _directory) = asked("aws_iam_role.deployer");
    let output = run(&place, &files);
    let nobody = "deployer `stack`: `aws_iam_role.deployer` names no role of the files\n";
    assert!(text(&output.stderr).ends_with(nobody), "{}", text(&output.stderr));
    assert_eq!(output.status.code(), Some(2));
}
