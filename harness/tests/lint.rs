//! `ringfence lint`, as it is run.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests, and what they share: what is not there fails them"
)]

use std::path::Path;
use std::process::{Command, Output};

use rstest::rstest;
use serde_json::{Value, json};
use tempfile::TempDir;

/// Files of these names and contents.
fn files(contents: &[(&str, &str)]) -> TempDir {
    let place = TempDir::new().unwrap();
    for (name, content) in contents {
        let path = place.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    place
}

fn lint(place: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ringfence"))
        .arg("lint")
        .args(arguments)
        .current_dir(place)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// The findings as `line:column rule subject statement`, and the whole.
fn found(place: &Path, arguments: &[&str]) -> (Vec<String>, Value) {
    let mut all = vec!["--json"];
    all.extend(arguments);
    let report: Value = serde_json::from_slice(&lint(place, &all).stdout).unwrap();
    let findings = report["findings"].as_array().unwrap().iter().map(|finding| {
        format!(
            "{}:{} {} {} {}",
            finding["line"],
            finding["column"],
            finding["rule"].as_str().unwrap(),
            finding["subject"].as_str().unwrap(),
            finding["statement"],
        )
    });
    (findings.collect(), report.clone())
}

const POLICY: &str = r#"{
  "Version": "2012-10-17",
  "Statement": [
    {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"},
    {"Sid": "Roles", "Effect": "Allow",
     "Action": ["iam:CreateRole", "iam:TagRole"],
     "Resource": "arn:aws:iam::123456789012:role/app-*",
     "Condition": {"StringEquals": {"iam:PermissionsBoundary": "arn:aws:iam::123456789012:policy/b"}}}
  ]
}"#;

#[test]
fn a_policy_s_findings_have_place_statement_reason_and_what_to_write() {
    let place = files(&[("p.json", POLICY)]);
    let output = lint(place.path(), &["p.json"]);
    assert_eq!(
        text(&output.stdout),
        "p.json:6:35: key-never-carried: statement 2 (Roles): requests for `iam:TagRole` never \
         carry `iam:PermissionsBoundary`, so the statement never allows it\n    instead: move \
         `iam:TagRole` into a statement of its own, with keys that it carries\n1 finding in 1 \
         policy document\n"
    );
    assert_eq!(output.status.code(), Some(1));

    let good = POLICY.replace(", \"iam:TagRole\"", "");
    let place = files(&[("p.json", &good)]);
    let output = lint(place.path(), &["p.json"]);
    assert_eq!(text(&output.stdout), "0 findings in 1 policy document\n");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn a_policy_s_kind_is_seen_or_said() {
    let wide = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}"#;
    let trust = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": "*"}}"#;
    let place = files(&[("wide.json", wide), ("trust.json", trust)]);
    assert_eq!(found(place.path(), &["wide.json"]).0, ["1:70 wide-grant  1"]);
    assert!(found(place.path(), &["--as", "boundary", "wide.json"]).0.is_empty());
    assert_eq!(found(place.path(), &["trust.json"]).0, ["1:88 anybody  1"]);
    let (_, report) = found(place.path(), &["--as", "identity", "trust.json"]);
    assert_eq!(
        report["unreadable"][0]["message"],
        "`Principal` belongs into resource policies only"
    );
}

#[test]
fn what_cannot_be_read_is_told_and_the_rest_goes_on() {
    let place = files(&[
        ("bad.json", "{\"Statement\": [\n  {\"Efect\": \"Allow\"}]}"),
        ("p.json", POLICY),
        ("main.tf", "resource \"aws_iam_role\" \"r\" {}\n"),
        ("other.json", "{}"),
    ]);
    let output = lint(place.path(), &["bad.json", "main.tf", "other.json", "gone.json", "p.json"]);
    let errors = text(&output.stderr);
    for expected in [
        "bad.json:2:4: unknown element `Efect`: write `Effect`",
        "main.tf:1:1: Terraform's language is not read",
        "terraform show -json",
        "other.json:1:1: neither a policy",
        "gone.json:1:1: No such file",
    ] {
        assert!(errors.contains(expected), "{errors}");
    }
    assert!(text(&output.stdout).contains("p.json:6:35: key-never-carried"));
    assert_eq!(output.status.code(), Some(2));
}

const REPEATED: &str = "\
Resources:
  Policy:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      PolicyDocument:
        Version: '2012-10-17'
        Statement:
          Effect: Allow
          Action: s3:GetObject
          Resource: arn:aws:s3:::b/*
          Action: s3:*
          Resource: '*'
";

/// What CloudFormation would deploy is what is judged, and what it would drop
/// is told.
#[test]
fn of_a_template_s_key_that_stands_twice_the_last_is_judged_and_both_are_told() {
    let once = REPEATED.replace("          Action: s3:*\n          Resource: '*'\n", "");
    let json = r#"{"Resources": {"Policy": {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument":
{"Version": "2012-10-17", "Statement": {"Effect": "Allow",
"Action": "s3:GetObject", "Action": "s3:*", "Resource": "*"}}}}}}"#;
    let place = files(&[("t.yaml", REPEATED), ("once.yaml", &once), ("t.json", json)]);
    let (findings, report) = found(place.path(), &["t.yaml"]);
    assert_eq!(
        findings,
        [
            "11:11 repeated-key  null",
            "11:19 wide-grant Resources.Policy.PolicyDocument 1",
            "12:11 repeated-key  null",
        ]
    );
    assert_eq!(
        report["findings"][0]["message"],
        "`Action` stands at line 9, column 11 already: CloudFormation takes the value here, and \
         of the other nothing remains"
    );
    assert!(found(place.path(), &["once.yaml"]).0.is_empty());
    assert_eq!(
        found(place.path(), &["t.json"]).0,
        ["3:27 repeated-key  null", "3:37 wide-grant Resources.Policy.PolicyDocument 1"]
    );
}

#[test]
fn a_policy_s_key_that_stands_twice_is_refused() {
    let twice = POLICY.replace("\"Action\"", "\"Effect\": \"Deny\", \"Action\"");
    let place = files(&[("p.json", &twice), ("p.yaml", "Statement: []\nStatement: []\n")]);
    let output = lint(place.path(), &["p.json", "p.yaml"]);
    let errors = text(&output.stderr);
    assert!(errors.contains("p.json:4:25: `Effect` stands twice in the same object"), "{errors}");
    assert!(errors.contains("p.yaml:2:1: `Statement` stands twice in the same object"), "{errors}");
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn a_directory_is_walked_without_what_is_hidden_or_somebody_else_s() {
    let place = files(&[
        ("a/p.json", POLICY),
        (".terraform/p.json", POLICY),
        ("package.json", "{\"name\": \"x\", // comment\n}"),
        ("settings.yaml", "a: &x 1\nb: *x\n"),
        ("a/broken.json", "{\"Statement\": ["),
        // What a run left, and what is called so and is none.
        ("last/run.json", "{\"run_id\": \"r\", \"started\": \"2026-01-01T00:00:00Z\"}"),
        ("last/inputs/p.json", POLICY),
    ]);
    let (findings, report) = found(place.path(), &["."]);
    assert_eq!(findings, ["6:35 key-never-carried  2"]);
    assert_eq!(report["findings"][0]["file"], "a/p.json");
    let unreadable = report["unreadable"].as_array().unwrap();
    assert_eq!(unreadable.len(), 1);
    assert_eq!(unreadable[0]["file"], "a/broken.json");
    assert_eq!(report["documents"], 1);

    // Not clean: there is something that was not looked at.
    let place = files(&[("main.tf", "")]);
    let output = lint(place.path(), &["."]);
    assert!(text(&output.stderr).contains("1 Terraform file not read"));
    assert_eq!(output.status.code(), Some(2));
}

const TEMPLATE: &str = r#"AWSTemplateFormatVersion: '2010-09-09'
Transform: AWS::Serverless-2016-10-31
Parameters:
  Boundary: {Type: String}
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      PermissionsBoundary: !Ref Ceiling
      AssumeRolePolicyDocument:
        Version: '2012-10-17'
        Statement:
          - Effect: Allow
            Principal: {Service: apigatewayv2.amazonaws.com}
            Action: sts:AssumeRole
      Policies:
        - PolicyName: own
          PolicyDocument:
            Version: '2012-10-17'
            Statement:
              - Effect: Allow
                Action:
                  - s3:GetObject
                  - s3:ListBucket
                Resource: !Sub "${Bucket.Arn}/*"
              - !If [Production, {Effect: Allow, Action: s3:Fetch, Resource: '*'}, !Ref AWS::NoValue]
              - Effect: Allow
                Action: dynamodb:GetItem
                Resource: !Sub "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/a-*"
              - Effect: Allow
                Action: dynamodb:GetItem
                Resource: !Join ['', ['arn:aws:s3:::', !Ref Bucket]]
  Ceiling:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      PolicyDocument:
        Version: '2012-10-17'
        Statement: {Effect: Allow, Action: 's3:*', Resource: '*'}
  Function:
    Type: AWS::Serverless::Function
    Properties:
      Policies:
        - AWSLambdaBasicExecutionRole
        - S3ReadPolicy: {BucketName: !Ref Bucket}
        - Statement:
            - {Effect: Allow, Action: 'sns:*', Resource: '*'}
  Permission:
    Type: AWS::Lambda::Permission
    Properties:
      FunctionName: !GetAtt Function.Arn
      Action: lambda:InvokeFunction
      Principal: apigateway.amazonaws.com
"#;

#[test]
fn a_template_s_policies_are_found_with_their_lines() {
    let place = files(&[("template.yaml", TEMPLATE)]);
    let (findings, report) = found(place.path(), &["template.yaml"]);
    assert_eq!(
        findings,
        [
            "14:34 no-such-principal Resources.Role.AssumeRolePolicyDocument 1",
            "31:25 resource-never Resources.Role.Policies.own 4",
            "46:39 wide-grant Resources.Function.Policies.2 1",
            "52:18 any-source Resources.Permission.Permission 1",
        ]
    );
    assert_eq!(
        report["not_checked"],
        json!([{
            "file": "template.yaml", "line": 26, "column": 17,
            "message": "Resources.Role.Policies.own: statement 2: it is not known",
        }])
    );
    assert_eq!(report["documents"], 5);
}

/// A dynamic reference is resolved when the stack is deployed, also behind a
/// function.
#[test]
fn a_resource_by_dynamic_reference_is_not_known() {
    let policy = |resource: &str| {
        format!(
            "Resources:\n  P:\n    Type: AWS::IAM::ManagedPolicy\n    Properties:\n      PolicyDocument:\n        Version: '2012-10-17'\n        Statement:\n          - Effect: Allow\n            Action: secretsmanager:GetSecretValue\n            Resource: {resource}\n"
        )
    };
    for resource in [
        "'{{resolve:secretsmanager:/deploy/key}}'",
        "!Sub '{{resolve:secretsmanager:/deploy/${Env}/key}}'",
        "!Sub ['{{resolve:ssm:/${E}/arn}}', {E: x}]",
        "!Join ['', ['{{resolve:ssm:/', !Ref E, '/arn}}']]",
    ] {
        let place = files(&[("t.yaml", &policy(resource))]);
        let (findings, report) = found(place.path(), &["t.yaml"]);
        assert_eq!((findings, &report["unreadable"]), (Vec::new(), &json!([])), "{resource}");
    }
    let place = files(&[("t.yaml", &policy("'secret'"))]);
    assert_eq!(
        found(place.path(), &["t.yaml"]).1["unreadable"][0]["message"],
        "Resources.P.PolicyDocument: resource `secret` must be in ARN format or `*`"
    );
}

/// A template of one resource.
fn template(kind: &str, properties: Value) -> String {
    json!({"Resources": {"R": {"Type": kind, "Properties": properties}}}).to_string()
}

/// What lint says of a template: its findings' rules, and what it cannot read.
fn said(template: &str) -> (Vec<String>, Vec<String>) {
    let place = files(&[("t.json", template)]);
    let (_, report) = found(place.path(), &["t.json"]);
    let texts = |list: &str, member: &str| {
        let list = report[list].as_array().unwrap().iter();
        list.map(|one| one[member].as_str().unwrap().to_owned()).collect()
    };
    (texts("findings", "rule"), texts("unreadable", "message"))
}

/// What is not known of a resource stands for what AWS stores; what is known and
/// wrong is refused all the same.
#[rstest]
#[case::partition("arn:${P}:s3:::b/*", None)]
#[case::wrong_partition(
    "arn:awsx:s3:::b/*",
    Some("partition `awsx` is not valid for resource `arn:awsx:s3:::b/*`")
)]
#[case::kind("arn:aws:iam::123456789012:${Kind}/x", None)]
#[case::kind_with_its_path("arn:aws:iam::123456789012:role${Path}x", None)]
#[case::path("arn:aws:iam::123456789012:role/${Path}/x", None)]
#[case::wrong_kind(
    "arn:aws:iam::123456789012:thing/x",
    Some("IAM resource path of `arn:aws:iam::123456789012:thing/x`")
)]
#[case::text("b/${Key}", Some("resource `b/…` must be in ARN format or `*`"))]
fn a_resource_that_is_known_in_part_is_read(#[case] resource: &str, #[case] says: Option<&str>) {
    let action = if resource.contains(":iam:") { "iam:Get*" } else { "s3:GetObject" };
    let policy = template(
        "AWS::IAM::ManagedPolicy",
        json!({"PolicyDocument": {"Version": "2012-10-17", "Statement": {
            "Effect": "Allow", "Action": action, "Resource": {"Fn::Sub": resource},
        }}}),
    );
    let (findings, unreadable) = said(&policy);
    assert_eq!(findings, Vec::<String>::new());
    match says {
        None => assert_eq!(unreadable, Vec::<String>::new()),
        Some(says) => {
            assert_eq!(unreadable.len(), 1);
            assert!(unreadable[0].contains(says), "{unreadable:?}");
        }
    }
}

/// `execute-api:/…` is an API's own short form, and no other resource's.
#[test]
fn an_api_s_policy_may_leave_out_the_api() {
    let document = |resource: &str| {
        json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": "*", "Action": "execute-api:Invoke", "Resource": resource,
             "Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}},
            {"Effect": "Allow", "Principal": "*", "Action": "execute-api:Invoke", "Resource": [resource]},
        ]})
    };
    let policy = document("execute-api:/*/GET/pets");
    let clean: Vec<String> = Vec::new();
    let api = template("AWS::ApiGateway::RestApi", json!({"Policy": policy}));
    assert_eq!(said(&api), (vec!["anybody".to_owned()], clean.clone()));
    let queue = template("AWS::SQS::QueuePolicy", json!({"Queues": [], "PolicyDocument": policy}));
    let refused = "Resources.R.PolicyDocument: resource `execute-api:/*/GET/pets` must be in ARN \
                   format or `*`";
    assert_eq!(said(&queue), (clean.clone(), vec![refused.to_owned()]));

    let plan = |policy: &Value| {
        json!({"format_version": "1.2", "resource_changes": [change(
            "aws_api_gateway_rest_api_policy.p", "aws_api_gateway_rest_api_policy",
            &json!({"policy": policy.to_string()}), &json!({}),
        )]})
        .to_string()
    };
    assert_eq!(said(&plan(&policy)), (vec!["anybody".to_owned()], clean));
    let (_, unreadable) = said(&plan(&document("execute:/*")));
    assert_eq!(unreadable.len(), 1);
}

/// What `AddPermission` makes of its members.
#[rstest]
#[case::alexa(json!({"Principal": "alexa-appkit.amazon.com", "EventSourceToken": "amzn1.ask.skill.1"}), &[])]
#[case::any_skill(json!({"Principal": "alexa-appkit.amazon.com"}), &["any-source"])]
#[case::account(json!({"Principal": "sns.amazonaws.com", "SourceAccount": 123_456_789_012_u64}), &[])]
#[case::a_number(json!({"Principal": 123_456_789_012_u64}), &[])]
#[case::organization(json!({"Principal": "*", "PrincipalOrgID": "o-a1b2c3", "Action": "lambda:InvokeFunctionUrl", "FunctionUrlAuthType": "AWS_IAM"}), &[])]
#[case::everybody(json!({"Principal": "*"}), &["anybody"])]
fn a_function_s_permission_is_the_statement_that_it_adds(
    #[case] properties: Value,
    #[case] expected: &[&str],
) {
    let mut properties = properties;
    properties["FunctionName"] = json!("f");
    if properties.get("Action").is_none() {
        properties["Action"] = json!("lambda:InvokeFunction");
    }
    let (findings, unreadable) = said(&template("AWS::Lambda::Permission", properties));
    assert_eq!(
        (findings, unreadable),
        (expected.iter().map(|it| (*it).to_owned()).collect(), vec![])
    );
}

/// AWS publishes buckets' and keys' policies that have a `Sid` twice, which S3
/// and KMS take; SNS refuses them.
#[rstest]
#[case("AWS::S3::BucketPolicy", "s3:GetObject", "arn:aws:s3:::b/*", true)]
#[case("AWS::SNS::TopicPolicy", "sns:Publish", "arn:aws:sns:eu-west-1:123456789012:t", false)]
fn a_sid_that_stands_twice_is_for_the_service_to_refuse(
    #[case] kind: &str,
    #[case] action: &str,
    #[case] resource: &str,
    #[case] taken: bool,
) {
    let statement = json!({
        "Sid": "Twice", "Effect": "Allow", "Principal": {"AWS": "123456789012"},
        "Action": action, "Resource": resource,
    });
    let document = json!({"Version": "2012-10-17", "Statement": [statement, statement]});
    let (findings, unreadable) = said(&template(kind, json!({"PolicyDocument": document})));
    assert_eq!(findings, Vec::<String>::new());
    let refusal = "Resources.R.PolicyDocument: the `Sid` `Twice` stands twice: it must be unique";
    assert_eq!(unreadable, if taken { vec![] } else { vec![refusal] });
}

/// The same template in JSON says the same, at places of its own.
#[test]
fn a_template_in_json_is_read_as_well() {
    let template = json!({"Resources": {"Policy": {
        "Type": "AWS::S3::BucketPolicy",
        "Properties": {"Bucket": {"Ref": "B"}, "PolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
                "Resource": {"Fn::Sub": "${B.Arn}/*"},
            }],
        }},
    }}});
    let place = files(&[("t.json", &serde_json::to_string_pretty(&template).unwrap())]);
    let (findings, _) = found(place.path(), &["t.json"]);
    assert_eq!(findings, ["14:15 anybody Resources.Policy.PolicyDocument 1"]);
}

/// IAM stores no managed policy of the former version; an inline one it does.
#[test]
fn a_managed_policy_of_the_former_version_is_told_of() {
    let policy = |kind: &str, version: &str| {
        json!({"Type": kind, "Properties": {"PolicyName": "p", "Roles": ["r"], "PolicyDocument": {
            "Version": version,
            "Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"},
        }}})
    };
    let template = json!({"Resources": {
        "Former": policy("AWS::IAM::ManagedPolicy", "2008-10-17"),
        "Now": policy("AWS::IAM::ManagedPolicy", "2012-10-17"),
        "Inline": policy("AWS::IAM::Policy", "2008-10-17"),
    }});
    let document =
        r#"{"Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}}"#;
    let plan = json!({"format_version": "1.2", "resource_changes": [
        change("aws_iam_policy.former", "aws_iam_policy", &json!({"policy": document}), &json!({})),
        change("aws_iam_role_policy.inline", "aws_iam_role_policy", &json!({"policy": document}), &json!({})),
    ]});
    let place = files(&[("t.json", &template.to_string()), ("plan.json", &plan.to_string())]);
    let (_, report) = found(place.path(), &["t.json", "plan.json"]);
    let told: Vec<&str> = report["unreadable"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["message"].as_str().unwrap())
        .collect();
    assert_eq!(
        told,
        [
            "Resources.Former.PolicyDocument: Policy document must be version 2012-10-17 or greater",
            "aws_iam_policy.former: Policy document must be version 2012-10-17 or greater",
        ]
    );
}

fn change(address: &str, kind: &str, after: &Value, unknown: &Value) -> Value {
    let mode = if address.contains("data.") { "data" } else { "managed" };
    json!({
        "address": address, "mode": mode, "type": kind,
        "change": {"actions": ["create"], "after": after, "after_unknown": unknown},
    })
}

/// A plan in which a boundary is one by reference alone, and a document that
/// is read during apply has parts that are not known.
fn plan() -> Value {
    let wide =
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}"#;
    json!({
        "format_version": "1.2",
        "resource_changes": [
            change("aws_iam_policy.ceiling", "aws_iam_policy", &json!({"name": "c", "policy": wide}), &json!({"arn": true})),
            change("aws_iam_policy.wide", "aws_iam_policy", &json!({"name": "w", "policy": wide}), &json!({"arn": true})),
            change("aws_iam_policy.later[\"a\"]", "aws_iam_policy", &json!({"name": "l"}), &json!({"policy": true})),
            change("aws_iam_policy.never", "aws_iam_policy", &json!({"name": "n"}), &json!({"policy": true})),
            change(
                "module.m.data.aws_iam_policy_document.other", "aws_iam_policy_document",
                &json!({"statement": []}), &json!({}),
            ),
            change(
                "data.aws_iam_policy_document.later[\"a\"]", "aws_iam_policy_document",
                &json!({"statement": [
                    {"actions": ["iam:TagRole", "iam:GetRole"], "effect": null, "sid": "Tag", "not_actions": null,
                     "resources": [null], "not_resources": null, "principals": [], "not_principals": [],
                     "condition": [{"test": "StringEquals", "variable": "iam:PermissionsBoundary", "values": [null]}]},
                    {"actions": null, "resources": ["*"]},
                ]}),
                &json!({"json": true, "statement": [
                    {"actions": [false, false], "resources": [true], "condition": [{"values": [true]}]},
                    {"actions": true},
                ]}),
            ),
            change(
                "aws_iam_role.r", "aws_iam_role",
                &json!({"name": "r", "assume_role_policy": r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"*"}}}"#}),
                &json!({"arn": true, "permissions_boundary": true}),
            ),
            change(
                "aws_lambda_permission.p", "aws_lambda_permission",
                &json!({"function_name": "f", "principal": "s3.amazonaws.com", "action": "lambda:InvokeFunction", "source_arn": null}),
                &json!({}),
            ),
            {"address": "aws_iam_policy.gone", "mode": "managed", "type": "aws_iam_policy",
             "change": {"actions": ["delete"], "after": null, "after_unknown": {}}},
        ],
        "configuration": {"root_module": {"resources": [
            {"address": "aws_iam_role.r", "expressions": {"permissions_boundary": {"references": ["aws_iam_policy.ceiling.arn", "aws_iam_policy.ceiling"]}}},
            {"address": "aws_iam_policy.later", "expressions": {"policy": {"references": ["data.aws_iam_policy_document.later[0].json", "data.aws_iam_policy_document.later"]}}},
        ]}},
    })
}

#[test]
fn a_plan_s_policies_are_found_and_what_is_not_known_is_told() {
    let place = files(&[("plan.json", &plan().to_string())]);
    let (findings, report) = found(place.path(), &["plan.json"]);
    let mut what: Vec<&str> =
        findings.iter().map(|finding| finding.split_once(' ').unwrap().1).collect();
    what.sort_unstable();
    assert_eq!(
        what,
        [
            "any-source aws_lambda_permission.p 1",
            "anybody aws_iam_role.r 1",
            "key-never-carried data.aws_iam_policy_document.later[\"a\"] 1",
            "wide-grant aws_iam_policy.wide 1",
        ]
    );
    let mut left: Vec<&str> = report["not_checked"]
        .as_array()
        .unwrap()
        .iter()
        .map(|remark| remark["message"].as_str().unwrap())
        .collect();
    left.sort_unstable();
    assert_eq!(
        left,
        [
            "aws_iam_policy.never: policy is known after apply only",
            "data.aws_iam_policy_document.later[\"a\"]: statement 2: its Action is not known",
        ]
    );
}

#[test]
fn terraform_s_own_state_is_refused() {
    let place =
        files(&[("s.json", r#"{"version": 4, "terraform_version": "1.9.0", "lineage": "x"}"#)]);
    let output = lint(place.path(), &["s.json"]);
    assert!(text(&output.stderr).contains("terraform show -json"));
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn sarif_has_each_finding_with_its_rule() {
    let place = files(&[("p.json", POLICY)]);
    let output = lint(place.path(), &["--sarif", "p.json"]);
    assert_eq!(output.status.code(), Some(1));
    let log: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    let result = &run["results"][0];
    assert_eq!(result["ruleId"], "key-never-carried");
    let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
    assert_eq!(run["tool"]["driver"]["rules"][index]["id"], "key-never-carried");
    assert_eq!(
        result["locations"][0]["physicalLocation"],
        json!({"artifactLocation": {"uri": "p.json"}, "region": {"startLine": 6, "startColumn": 35}})
    );

    // To a file, the text stays.
    let output = lint(place.path(), &["--sarif=out.sarif", "p.json"]);
    assert!(text(&output.stdout).ends_with("1 finding in 1 policy document\n"));
    let written = std::fs::read(place.path().join("out.sarif")).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&written).unwrap(), log);
}

#[test]
fn an_api_without_a_stage_is_told_from_one_that_has_it_or_made_its_own() {
    let api = |name: &str, target: Value| {
        json!({
            "address": format!("aws_apigatewayv2_api.{name}"), "mode": "managed",
            "type": "aws_apigatewayv2_api", "name": name, "values": {"id": name, "target": target},
        })
    };
    let stage = json!({
        "address": "aws_apigatewayv2_stage.s", "mode": "managed", "type": "aws_apigatewayv2_stage",
        "name": "s", "values": {"api_id": "staged"},
    });
    let resources =
        [api("staged", json!(null)), api("bare", json!(null)), api("quick", json!("x")), stage];
    let state = json!({
        "format_version": "1.0", "terraform_version": "1.11.4",
        "values": {"root_module": {"resources": resources}},
    });
    let place = files(&[("state.json", &state.to_string())]);
    let (found, _) = found(place.path(), &["state.json"]);
    let told: Vec<&str> = found.iter().filter_map(|one| one.split_once(' ')).map(|o| o.1).collect();
    assert_eq!(told, ["api-without-stage aws_apigatewayv2_api.bare null"]);
}

/// Policies of an organization and of VPC endpoints are read as what they are:
/// the former by their type, and neither grants anybody anything.
#[test]
fn what_an_organization_and_a_vpc_endpoint_limit_is_read_as_such() {
    let statement = |effect: &str, action: &str| {
        json!({"Version": "2012-10-17", "Statement": {
            "Effect": effect, "Principal": "*", "Action": action, "Resource": "*"}})
    };
    let organization = |effect: &str, kind: &str| {
        let content = statement(effect, "s3:GetObjekt");
        (
            json!({"type": kind, "content": content.to_string()}),
            json!({"Type": kind, "Content": content}),
        )
    };
    let (rcp, rcp_of_template) = organization("Deny", "RESOURCE_CONTROL_POLICY");
    let (allow, allow_of_template) = organization("Allow", "RESOURCE_CONTROL_POLICY");
    let (tags, tags_of_template) = organization("Deny", "TAG_POLICY");
    let open = statement("Allow", "*");
    let wrong = statement("Allow", "s3:GetObjekt");
    let policy = |document: &Value| json!({"policy": document.to_string()});
    let managed =
        |address: &str, kind: &str, values: &Value| change(address, kind, values, &json!({}));
    let plan = json!({"format_version": "1.2", "resource_changes": [
        managed("aws_organizations_policy.rcp", "aws_organizations_policy", &rcp),
        managed("aws_organizations_policy.allow", "aws_organizations_policy", &allow),
        managed("aws_organizations_policy.tags", "aws_organizations_policy", &tags),
        managed("aws_vpc_endpoint.open", "aws_vpc_endpoint", &policy(&open)),
        managed("aws_vpc_endpoint_policy.p", "aws_vpc_endpoint_policy", &policy(&wrong)),
    ]});
    let resource = |kind: &str, properties: &Value| json!({"Type": kind, "Properties": properties});
    let endpoint = |document: &Value| {
        let properties = json!({"ServiceName": "s3", "VpcId": "v", "PolicyDocument": document});
        resource("AWS::EC2::VPCEndpoint", &properties)
    };
    let template = json!({"Resources": {
        "Rcp": resource("AWS::Organizations::Policy", &rcp_of_template),
        "Allow": resource("AWS::Organizations::Policy", &allow_of_template),
        "Tags": resource("AWS::Organizations::Policy", &tags_of_template),
        "Open": endpoint(&open),
        "Wrong": endpoint(&wrong),
    }});
    let place = files(&[("plan.json", &plan.to_string()), ("t.json", &template.to_string())]);
    let (findings, report) = found(place.path(), &["plan.json", "t.json"]);
    let mut what: Vec<&str> =
        findings.iter().map(|finding| finding.split_once(' ').unwrap().1).collect();
    what.sort_unstable();
    assert_eq!(
        what,
        [
            "unknown-action Resources.Rcp.Content 1",
            "unknown-action Resources.Wrong.PolicyDocument 1",
            "unknown-action aws_organizations_policy.rcp 1",
            "unknown-action aws_vpc_endpoint_policy.p 1",
        ]
    );
    let unreadable = report["unreadable"].as_array().unwrap().iter();
    let told: Vec<&str> = unreadable.map(|error| error["message"].as_str().unwrap()).collect();
    let only = "a resource control policy only denies; `Allow` is RCPFullAWSAccess's";
    assert_eq!(
        told,
        [
            format!("aws_organizations_policy.allow: {only}"),
            format!("Resources.Allow.Content: {only}"),
        ]
    );
}

#[test]
fn a_document_is_judged_as_what_it_is_said_to_be() {
    let document = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": "*",
        "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}}"#;
    let place = files(&[("p.json", document)]);
    let as_kind = |kind: &str| found(place.path(), &["p.json", "--as", kind]);
    assert_eq!(as_kind("resource").0, ["1:60 anybody  1"]);
    assert_eq!(as_kind("vpc-endpoint").0, Vec::<String>::new());
    let (findings, report) = as_kind("rcp");
    assert_eq!(findings, Vec::<String>::new());
    assert!(
        report["unreadable"][0]["message"]
            .as_str()
            .unwrap()
            .contains("a resource control policy only denies")
    );
}

#[test]
fn files_that_a_program_names_may_be_others() {
    let place = files(&[("package.json", r#"{"name": "x"}"#), ("policy.json", POLICY)]);
    let named = ["package.json", "policy.json"];
    let strict = lint(place.path(), &named);
    assert_eq!(strict.status.code(), Some(2));
    assert!(text(&strict.stderr).starts_with("ringfence: package.json:1:1: neither a policy"));
    let lenient = lint(place.path(), &["--skip-others", "package.json"]);
    assert_eq!(text(&lenient.stderr), "");
    assert_eq!(text(&lenient.stdout), "0 findings in 0 policy documents\n");
    assert_eq!(lenient.status.code(), Some(0));
    let (findings, _) = found(place.path(), &["--skip-others", "package.json", "policy.json"]);
    assert_eq!(findings, found(place.path(), &["policy.json"]).0);
    assert!(!findings.is_empty());
}

#[test]
fn the_hook_for_pre_commit_is_a_command() {
    let hooks = include_str!("../../.pre-commit-hooks.yaml");
    let entry = hooks.lines().find_map(|line| line.trim().strip_prefix("entry: ringfence lint "));
    let place = files(&[("policy.json", POLICY)]);
    let mut arguments: Vec<&str> = entry.unwrap().split_whitespace().collect();
    arguments.push("policy.json");
    assert_eq!(lint(place.path(), &arguments).status.code(), Some(1));
}

#[test]
fn the_workflows_of_this_repository_hold_their_actions_to_a_commit() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let directories = [".github", "sam-apps/service-a/.github", "sam-apps/service-b/.github"];
    let output = lint(&top, &directories);
    assert_eq!(text(&output.stdout), "0 findings in 0 policy documents\n");
    assert_eq!(output.status.code(), Some(0));
    let loose = files(&[(
        ".github/workflows/a.yml",
        "on: push\njobs: {a: {runs-on: x, steps: [{uses: actions/checkout@v4}]}}\n",
    )]);
    let (findings, _) = found(loose.path(), &[".github"]);
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert!(findings[0].contains("unpinned-action"), "{findings:?}");
}
