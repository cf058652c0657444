//! What the files do not say is never a pass.

use std::fs;

use serde_json::{Value, json};

use crate::shop::{
    REPOSITORY, allow, document, estate, limit, made, proved, rail, run, state, text, verdict_of,
    work,
};

/// A managed policy of AWS's that the deployer has.
fn attached(name: &str) -> (Option<i32>, Vec<Value>) {
    let arn = format!("arn:aws:iam::aws:policy/{name}");
    let attached = json!({"address": "aws_iam_role_policy_attachment.a", "mode": "managed",
        "type": "aws_iam_role_policy_attachment",
        "values": {"role": "deployer", "policy_arn": arn}});
    proved(&state(&work(), &limit(), REPOSITORY, &[attached]))
}

#[test]
fn what_is_not_in_the_files_is_never_a_pass() {
    const ARTIFACTS: &str = "a team's artifacts are its own";
    let (code, told) = attached("NobodyHasThis");
    let rail_of = rail(&told, ARTIFACTS);
    assert_eq!((code, &rail_of["verdict"]), (Some(1), &json!("undecided")));
    let reason = rail_of["undecided"][0]["reason"].as_str().unwrap();
    assert!(
        reason.ends_with("depends on what is not known: arn:aws:iam::aws:policy/NobodyHasThis"),
        "{reason}"
    );
    // The boundary caps IAM, whatever the policy is.
    let kept = rail(&told, "identities are the platform's");
    assert_eq!(kept["verdict"], "proved");
    assert_eq!(kept["whatever"], json!(["arn:aws:iam::aws:policy/NobodyHasThis"]));
}

#[test]
fn a_policy_of_awss_is_what_aws_says() {
    const ARTIFACTS: &str = "a team's artifacts are its own";
    for name in ["PowerUserAccess", "job-function/SystemAdministrator"] {
        let told = attached(name).1;
        let rail_of = rail(&told, ARTIFACTS);
        assert_eq!(rail_of["verdict"], "violated", "{name}");
        let by = rail_of["violations"][0]["allowed_by"][0].as_str().unwrap();
        assert!(by.ends_with(&format!("of `arn:aws:iam::aws:policy/{name}`")), "{by}");
        assert_eq!(rail(&told, "identities are the platform's")["verdict"], "proved");
    }
    for name in ["service-role/AWSLambdaBasicExecutionRole", "AmazonSQSReadOnlyAccess"] {
        let told = attached(name).1;
        assert_eq!(verdict_of(&told, ARTIFACTS), "proved", "{name}");
        assert_eq!(rail(&told, ARTIFACTS)["whatever"], json!([]));
    }
}

#[test]
fn a_trust_policy_that_is_known_after_apply_lets_in_nobody_knows_whom() {
    const TRUST: &str = "only its own workflow becomes a deployer";
    let told = |unknown: &Value| {
        let state = state(&work(), &limit(), REPOSITORY, &[]);
        let resources = state["values"]["root_module"]["resources"].as_array().unwrap();
        let changes = resources.iter().map(|one| {
            let mut after = one["values"].clone();
            let mut marks = json!({});
            if one["address"] == "aws_iam_role.deployer" && unknown["assume_role_policy"] == true {
                after["assume_role_policy"] = Value::Null;
                marks = unknown.clone();
            }
            json!({"address": one["address"], "mode": "managed", "type": one["type"],
                "change": {"actions": ["create"], "after": after, "after_unknown": marks}})
        });
        let changes: Vec<Value> = changes.collect();
        proved(&json!({"format_version": "1.2", "resource_changes": changes})).1
    };
    let open = told(&json!({"assume_role_policy": true}));
    let reason = "aws_iam_role.deployer: assume_role_policy is known after apply only";
    assert_eq!(rail(&open, TRUST)["undecided"][0]["reason"], reason);
    assert_eq!(verdict_of(&told(&json!({})), TRUST), "proved");
}

#[test]
fn blocks_that_others_make_are_not_known_to_be_none() {
    const ARTIFACTS: &str = "a team's artifacts are its own";
    let told = |configuration: &str| {
        let state = state(&work(), &limit(), REPOSITORY, &[]);
        let resources = state["values"]["root_module"]["resources"].as_array().unwrap();
        let changes = resources.iter().map(|one| {
            let is_deployer = one["address"] == "aws_iam_role.deployer";
            let marks = if is_deployer { json!({"inline_policy": true}) } else { json!({}) };
            json!({"address": one["address"], "mode": "managed", "type": one["type"],
                "change": {"actions": ["create"], "after": one["values"], "after_unknown": marks}})
        });
        let changes: Vec<Value> = changes.collect();
        let role = json!({"address": "aws_iam_role.deployer", "mode": "managed", "type": "aws_iam_role", "name": "deployer", "expressions": {}});
        let plan = json!({"format_version": "1.2", "resource_changes": changes,
            "configuration": {"root_module": {"resources": [role]}}});
        let directory = estate(&plan);
        fs::write(directory.path().join("main.tf"), configuration).unwrap();
        let output = run(directory.path(), &["--plan", "state.json", "--json"]);
        let lines = text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap());
        rail(&lines.collect::<Vec<Value>>(), ARTIFACTS).clone()
    };
    let made = told(
        "resource \"aws_iam_role\" \"deployer\" {\n  dynamic \"inline_policy\" {\n    for_each = []\n    content {}\n  }\n}\n",
    );
    let reason = made["undecided"][0]["reason"].as_str().unwrap();
    let open = "depends on what is not known: aws_iam_role.deployer: inline_policy is known after apply only";
    assert!(reason.ends_with(open), "{reason}");
    assert_eq!(told("resource \"aws_iam_role\" \"deployer\" {}\n")["verdict"], "proved");
}

/// What a module is given, and what it gives out, is what others have made.
#[test]
fn references_across_modules_are_followed() {
    const ARTIFACTS: &str = "a team's artifacts are its own";
    let told = |given: &Value, written: &str| {
        let state = state(&work(), &limit(), REPOSITORY, &[]);
        let mut changes = made(state["values"]["root_module"]["resources"].as_array().unwrap());
        let policy = |name: &str, action: &str| {
            json!({"address": format!("module.made.aws_iam_policy.{name}"), "mode": "managed",
                "type": "aws_iam_policy", "change": {"actions": ["create"],
                    "after": {"name": name, "policy": document(&[allow(action, "*")])},
                    "after_unknown": {"arn": true}}})
        };
        changes.extend([policy("work", "s3:*"), policy("less", "ec2:Describe*")]);
        changes.push(json!({"address": "module.given.aws_iam_role_policy_attachment.a",
            "mode": "managed", "type": "aws_iam_role_policy_attachment", "change": {
                "actions": ["create"], "after": {"role": "deployer"},
                "after_unknown": {"policy_arn": true}}}));
        let policy_made = |name: &str| {
            json!({"address": format!("aws_iam_policy.{name}"), "mode": "managed",
            "type": "aws_iam_policy", "name": name, "expressions": {}})
        };
        let attachment = json!({"address": "aws_iam_role_policy_attachment.a", "mode": "managed",
            "type": "aws_iam_role_policy_attachment", "name": "a",
            "expressions": {"policy_arn": {"references": ["var.policy"]}}});
        let output = |name: &str| {
            let of = format!("aws_iam_policy.{name}");
            json!({"expression": {"references": [format!("{of}.arn"), of]}})
        };
        let calls = json!({
            "given": {"expressions": {"policy": given}, "module": {"resources": [attachment]}},
            "made": {"module": {"resources": [policy_made("work"), policy_made("less")],
                "outputs": {"work": output("work"), "less": output("less")}}},
        });
        let plan = json!({"format_version": "1.2", "resource_changes": changes,
            "configuration": {"root_module": {"resources": [], "module_calls": calls}}});
        assert_eq!(rail(&proved(&plan).1, ARTIFACTS)["verdict"], "undecided");
        let directory = estate(&plan);
        let write = |name: &str, text: &str| {
            let path = directory.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let main = format!(
            "module \"made\" {{\n  source = \"./made\"\n}}\n\
             module \"given\" {{\n  source = \"./given\"\n  policy = {written}\n}}\n"
        );
        write("main.tf", &main);
        write(
            "given/main.tf",
            "variable \"policy\" {}\nresource \"aws_iam_role_policy_attachment\" \"a\" {\n  \
             policy_arn = var.policy\n}\n",
        );
        let made = ["work", "less"].map(|name| {
            format!(
                "resource \"aws_iam_policy\" \"{name}\" {{}}\n\
                 output \"{name}\" {{\n  value = aws_iam_policy.{name}.arn\n}}\n"
            )
        });
        write("made/main.tf", &made.concat());
        let output = run(directory.path(), &["--plan", "state.json", "--json"]);
        let lines = text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap());
        let told: Vec<Value> = lines.collect();
        rail(&told, ARTIFACTS)["verdict"].as_str().unwrap().to_owned()
    };
    let output = |name: &str| json!({"references": [format!("module.made.{name}"), "module.made"]});
    assert_eq!(told(&output("work"), "module.made.work"), "violated");
    assert_eq!(told(&output("less"), "module.made.less"), "proved");
    assert_eq!(told(&output("gone"), "module.made.gone"), "undecided");
    // Either of two, and what is made of one.
    let two = json!({"references": ["module.made.work", "module.made.less", "module.made"]});
    assert_eq!(told(&two, "coalesce(module.made.work, module.made.less)"), "undecided");
    let made_of = "replace(module.made.less, \"less\", \"work\")";
    assert_eq!(told(&output("less"), made_of), "undecided");
}
