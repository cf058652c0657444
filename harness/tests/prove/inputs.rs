//! What is read beside a state, and what cannot be.

use std::fs;

use serde_json::{Value, json};

use crate::shop::{
    REPOSITORY, allow, document, estate, limit, rail, run, state, text, verdict_of, work,
};

#[test]
fn the_roles_of_templates_are_capped_too() {
    const CEILING: &str = "the boundary caps running code";
    let directory = estate(&state(&work(), &limit(), REPOSITORY, &[]));
    fs::create_dir(directory.path().join("shop")).unwrap();
    let verdict = |boundary: &str| {
        let template = format!(
            "Resources:\n  Role:\n    Type: AWS::IAM::Role\n    Properties:\n      RoleName: fn-shop-a\n{boundary}      AssumeRolePolicyDocument: {{Statement: {{Effect: Allow, Action: 'sts:AssumeRole', Principal: {{Service: lambda.amazonaws.com}}}}}}\n"
        );
        fs::write(directory.path().join("shop/template.yaml"), template).unwrap();
        let output =
            run(directory.path(), &["--state", "state.json", "--templates", "shop", "--json"]);
        let lines = text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap());
        let told: Vec<Value> = lines.collect();
        (verdict_of(&told, CEILING).to_owned(), output.status.code())
    };
    let bound = "      PermissionsBoundary: !Sub arn:${AWS::Partition}:iam::${AWS::AccountId}:policy/code\n";
    assert_eq!(verdict(bound), ("proved".to_owned(), Some(0)));
    assert_eq!(verdict(""), ("violated".to_owned(), Some(1)));
    assert_eq!(
        verdict("      PermissionsBoundary: !ImportValue x\n"),
        ("undecided".to_owned(), Some(1))
    );
}

#[test]
fn what_cannot_be_read_or_names_nobody_is_one_message() {
    let good = state(&work(), &limit(), REPOSITORY, &[]);
    let mut later = good.clone();
    later["format_version"] = json!("2.0");
    let wrong = state(&[allow("s3", "*")], &limit(), REPOSITORY, &[]);
    let mut nobody = good.clone();
    nobody["values"]["root_module"]["resources"][2]["address"] = json!("aws_iam_role.other");
    let errored = json!({"format_version": "1.2", "errored": true, "resource_changes": []});
    let targeted = json!({"format_version": "1.2", "complete": false, "resource_changes": []});
    for (state, message) in [
        (&errored, "a plan that ended in an error: it holds a part of what will be"),
        (&targeted, "a plan of a part, by `-target` or with what is deferred: plan all of it"),
        (&later, "state.json: format version `2.0` is not read here; 0 and 1 are"),
        (&wrong, "aws_iam_role_policy.work: "),
        (&nobody, "deployer `stack`: `aws_iam_role.deployer` names no role of the files"),
        (&json!({}), "not what `terraform show -json` prints of a plan or a state"),
    ] {
        let output = run(estate(state).path(), &["--state", "state.json", "--json"]);
        let error = text(&output.stderr);
        assert!(error.contains(message) && error.trim().lines().count() == 1, "{error}");
        assert_eq!((output.status.code(), text(&output.stdout)), (Some(2), ""));
    }
    let output = run(estate(&good).path(), &[]);
    assert!(text(&output.stderr).contains("give `--plan FILE` or `--state FILE`"));
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        run(estate(&good).path(), &["--state", "state.json", "--markdown"]).status.code(),
        Some(0)
    );
}

/// Who is there the files say.
#[test]
fn paths_need_no_configuration() {
    let directory = estate(&state(&work(), &limit(), REPOSITORY, &[]));
    fs::remove_file(directory.path().join("ringfence.toml")).unwrap();
    let output = run(directory.path(), &["--paths", "--state", "state.json"]);
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(1), ""));
    assert!(text(&output.stdout).contains("role/"), "{}", text(&output.stdout));
    let output = run(directory.path(), &["--paths", "--state", "state.json", "--sarif"]);
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(1), ""));
    assert!(text(&output.stdout).contains("\"uri\": \"state.json\""), "{}", text(&output.stdout));
    // Guard rails do, and so does a name that was given.
    for flags in [
        &["--state", "state.json"][..],
        &["--paths", "--state", "state.json", "--config", "other.toml"],
        &["--paths"],
    ] {
        let output = run(directory.path(), flags);
        assert_eq!((output.status.code(), text(&output.stdout)), (Some(2), ""), "{flags:?}");
        assert!(text(&output.stderr).contains(".toml"), "{}", text(&output.stderr));
    }
}

/// `terraform plan -out` writes an archive.
#[test]
fn a_binary_plan_is_called_one() {
    let directory = estate(&state(&work(), &limit(), REPOSITORY, &[]));
    let mut plan = b"PK\x03\x04\x14\x00\x08\x00\x08\x00".to_vec();
    plan.resize(26, 0);
    plan.extend(b"\x06\x00\x09\x00tfplan\xe2\x60");
    let mut other = plan.clone();
    other[30] = b'x';
    fs::write(directory.path().join("tf.plan"), plan).unwrap();
    fs::write(directory.path().join("other.plan"), other).unwrap();
    let told = |file: &str| {
        let output = run(directory.path(), &["--plan", file]);
        assert_eq!((output.status.code(), text(&output.stdout)), (Some(2), ""));
        text(&output.stderr).to_owned()
    };
    assert_eq!(
        told("tf.plan"),
        "ringfence: tf.plan: this is Terraform's binary plan: `terraform show -json FILE > \
         plan.json` makes what is read here\n"
    );
    assert_eq!(told("other.plan"), "ringfence: other.plan: line 1: not UTF-8\n");
}

/// The JSON pointers of a value, its own first.
fn pointers(value: &Value, own: &str, found: &mut Vec<String>) {
    found.push(own.to_owned());
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(name, one)| pointers(one, &format!("{own}/{name}"), found));
        }
        Value::Array(items) => {
            let all = items.iter().enumerate();
            all.for_each(|(at, one)| pointers(one, &format!("{own}/{at}"), found));
        }
        _ => {}
    }
}

/// Whatever stands in the place of a part of a state: a verdict, or one message.
#[test]
fn a_state_with_anything_in_it_has_a_verdict_or_one_message() {
    let good = state(&work(), &limit(), REPOSITORY, &[]);
    let mut found = Vec::new();
    pointers(&good, "", &mut found);
    let others = [json!(null), json!(-1), json!(""), json!("${x"), json!([[]]), json!({"a": {}})];
    let mut refused = 0;
    for (number, pointer) in found.iter().enumerate() {
        let mut odd = good.clone();
        *odd.pointer_mut(pointer).unwrap() = others[number % others.len()].clone();
        let output = run(estate(&odd).path(), &["--state", "state.json", "--json"]);
        let (told, error) = (text(&output.stdout), text(&output.stderr));
        match output.status.code() {
            Some(0 | 1) => assert!(told.contains("\"summary\"") && error.is_empty(), "{pointer}"),
            Some(2) => {
                refused += 1;
                assert!(told.is_empty() && error.lines().count() == 1, "{pointer}: {error}");
            }
            code => panic!("{pointer}: {code:?}: {error}"),
        }
    }
    assert!(refused > 3 && refused < found.len(), "{refused} of {}", found.len());
}

/// What never ends is no file.
#[test]
fn a_pipe_is_refused_and_not_waited_for() {
    let directory = estate(&state(&work(), &limit(), REPOSITORY, &[]));
    let pipe = directory.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for flag in ["--plan", "--state"] {
        let output = run(directory.path(), &[flag, "pipe", "--json"]);
        assert_eq!(text(&output.stderr), "ringfence: pipe: not a regular file\n");
        assert_eq!(output.status.code(), Some(2));
    }
}

/// The account and the region of the configuration count where a plan does not say them.
#[test]
fn the_configurations_account_counts_where_the_plan_does_not_say_it() {
    let role = |address: &str, name: &str, more: &Value| {
        let mut after = json!({"name": name, "path": "/"});
        after.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"address": address, "mode": "managed", "type": "aws_iam_role", "change": {
            "actions": ["create"], "after": after, "after_unknown": {"arn": true}}})
    };
    let trust = json!({"assume_role_policy": crate::shop::trust(REPOSITORY)});
    let plan = json!({"format_version": "1.2",
        "resource_changes": [role("aws_iam_role.deployer", "deployer", &trust)]});
    let output = run(estate(&plan).path(), &["--plan", "state.json", "--json"]);
    assert_eq!(text(&output.stderr), "");
    let lines = text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap());
    assert_eq!(verdict_of(&lines.collect::<Vec<Value>>(), "a team's logs are its own"), "proved");
}

/// The policies of what a template makes count beside the roles that it makes.
#[test]
fn what_a_template_lets_in_counts() {
    const ARTIFACTS: &str = "a team's artifacts are its own";
    let told = |resources: &str| {
        let directory = estate(&state(&work(), &limit(), REPOSITORY, &[]));
        fs::create_dir(directory.path().join("shop")).unwrap();
        fs::write(directory.path().join("shop/template.yaml"), format!("Resources:\n{resources}"))
            .unwrap();
        let output =
            run(directory.path(), &["--state", "state.json", "--templates", "shop", "--json"]);
        assert_eq!(text(&output.stderr), "");
        let lines = text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap());
        lines.collect::<Vec<Value>>()
    };
    let policy = |who: &str| {
        format!(
            "  P:\n    Type: AWS::S3::BucketPolicy\n    Properties:\n      Bucket: artifacts\n      \
             PolicyDocument: {{Statement: {{Effect: Allow, Action: 's3:*', Resource: 'arn:aws:s3:::artifacts/*', Principal: {who}}}}}\n"
        )
    };
    assert_eq!(
        verdict_of(
            &told(&policy("{AWS: !Sub 'arn:aws:iam::${AWS::AccountId}:role/deployer'}")),
            ARTIFACTS
        ),
        "violated"
    );
    assert_eq!(
        verdict_of(
            &told(&policy("{AWS: !Sub 'arn:aws:iam::${AWS::AccountId}:role/worker'}")),
            ARTIFACTS
        ),
        "proved"
    );
    let open = told(&policy("{AWS: !ImportValue who}"));
    let reason =
        crate::shop::rail(&open, ARTIFACTS)["undecided"][0]["reason"].as_str().unwrap().to_owned();
    let end =
        "Resources.P: its policy is not known: it hangs on `Fn::ImportValue` of `who` (line 6)";
    assert!(reason.ends_with(end), "{reason}");
    assert_eq!(verdict_of(&open, "identities are the platform's"), "proved");
    let permission = |who: &str| {
        format!(
            "  P:\n    Type: AWS::Lambda::Permission\n    Properties: {{FunctionName: other, Action: 'lambda:InvokeFunction', Principal: {who}}}\n"
        )
    };
    const FUNCTIONS: &str = "a team's functions are its own";
    assert_eq!(verdict_of(&told(&permission("'*'")), FUNCTIONS), "violated");
    assert_eq!(verdict_of(&told(&permission("sns.amazonaws.com")), FUNCTIONS), "proved");
}

/// What has no ARN is of the configuration's account: of a policy that is known all is decided.
#[rstest::rstest]
#[case::allowed("iam:CreateUser", "violated")]
#[case::not_allowed("iam:GetUser", "proved")]
fn a_user_without_an_arn_is_of_the_configurations_account(
    #[case] allowed: &str,
    #[case] verdict: &str,
) {
    let user = json!({"name": "u", "path": "/"});
    let policy = json!({"name": "own", "user": "u", "policy": document(&[allow(allowed, "*")])});
    let state = json!({"format_version": "1.0", "values": {"root_module": {"resources": [
        {"address": "aws_iam_user.u", "mode": "managed", "type": "aws_iam_user", "name": "u",
            "values": user},
        {"address": "aws_iam_user_policy.u", "mode": "managed", "type": "aws_iam_user_policy",
            "name": "u", "values": policy},
    ]}}});
    let directory = tempfile::tempdir().unwrap();
    let config = "[account]\nid = \"123456789012\"\nregion = \"eu-west-1\"\n[[guard_rail]]\n\
        id = \"users\"\ntitle = \"nobody makes users\"\nwho = [\"user/*\"]\n\
        actions = [\"iam:CreateUser\"]\n\
        legitimate = { identity = \"platform\", action = \"sts:GetCallerIdentity\", resource = \"*\" }\n";
    fs::write(directory.path().join("ringfence.toml"), config).unwrap();
    fs::write(directory.path().join("state.json"), state.to_string()).unwrap();
    let output = run(directory.path(), &["--state", "state.json", "--json"]);
    let lines = text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap());
    let lines: Vec<Value> = lines.collect();
    assert!(!lines.is_empty(), "{}", text(&output.stderr));
    assert_eq!(rail(&lines, "nobody makes users")["verdict"], verdict);
}

/// A rail is about somebody.
#[test]
fn a_rail_of_an_estate_without_identities_says_so() {
    let state = json!({"format_version": "1.0", "values": {"root_module": {"resources": [
        {"address": "aws_sqs_queue.q", "mode": "managed", "type": "aws_sqs_queue", "name": "q",
            "values": {"name": "q", "arn": crate::shop::of("sqs", "q")}},
    ]}}});
    let directory = tempfile::tempdir().unwrap();
    let config = "[account]\nid = \"123456789012\"\nregion = \"eu-west-1\"\n[[guard_rail]]\n\
        id = \"q\"\ntitle = \"nobody deletes queues\"\neveryone_but = [\"role/platform\"]\n\
        actions = [\"sqs:DeleteQueue\"]\n\
        legitimate = { identity = \"platform\", action = \"sts:GetCallerIdentity\", resource = \"*\" }\n";
    fs::write(directory.path().join("ringfence.toml"), config).unwrap();
    fs::write(directory.path().join("state.json"), state.to_string()).unwrap();
    let output = run(directory.path(), &["--state", "state.json"]);
    assert_eq!(
        text(&output.stderr),
        "ringfence: ringfence.toml:5:1: guard rail `q`: there is no role and no user that it could \
         be about\n"
    );
    assert_eq!(output.status.code(), Some(2));
}
