//! The policy simulator, asked over HTTP with signed calls.

use std::collections::BTreeMap;

use ringfence_wire::{Service, ServiceError};
use rstest::rstest;
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use super::upstream::{Group, Role, User};
use super::{Stage, allow, root, send, signed, trust};

const ALICE: &str = "arn:aws:iam::123456789012:user/alice";
const MALLORY: &str = "arn:aws:iam::111122223333:user/mallory";
const LIMITS: &str = "arn:aws:iam::123456789012:policy/limits";
const READ_ONLY: &str = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess";

fn statement(effect: &str, action: &str, resource: &str) -> Value {
    json!({"Effect": effect, "Action": action, "Resource": resource})
}

fn policy(statements: Value) -> String {
    json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}

/// A bucket's policy that lets `principal` do `action`.
fn bucket_policy(principal: &str, action: &str) -> String {
    policy(json!([{"Effect": "Allow", "Principal": {"AWS": principal}, "Action": action,
        "Resource": "arn:aws:s3:::b/*"}]))
}

/// The input with more members.
fn with(mut input: Value, more: Value) -> Value {
    for (name, value) in more.as_object().unwrap() {
        input[name] = value.clone();
    }
    input
}

fn custom(more: Value) -> Value {
    let read = policy(statement("Allow", "s3:GetObject", "arn:aws:s3:::b/*"));
    let input = json!({
        "PolicyInputList": [read], "ActionNames": ["s3:GetObject"], "CallerArn": ALICE,
        "ResourceArns": ["arn:aws:s3:::b/k"],
    });
    with(input, more)
}

impl Stage {
    async fn custom(&self, more: Value) -> Result<Value, ServiceError> {
        self.call(&root(), "SimulateCustomPolicy", custom(more)).await
    }

    /// The one result of a simulation.
    async fn result(&self, more: Value) -> Value {
        let answer = self.custom(more).await.unwrap();
        assert_eq!(answer["IsTruncated"], "false");
        let [result] = answer["EvaluationResults"].as_array().unwrap().as_slice() else {
            panic!("not one result: {answer}");
        };
        result.clone()
    }

    async fn principal(&self, arn: &str, more: Value) -> Result<Value, ServiceError> {
        let input = json!({"PolicySourceArn": arn, "ActionNames": ["s3:GetObject"],
            "ResourceArns": ["arn:aws:s3:::b/k"]});
        self.call(&root(), "SimulatePrincipalPolicy", with(input, more)).await
    }

    /// Alice with an inline policy, a group with a managed one, a boundary.
    fn people(&self) {
        let inline = BTreeMap::from([("Own".to_owned(), allow("s3:PutObject"))]);
        let boundary = Some(LIMITS.to_owned());
        let groups = vec!["team".to_owned()];
        let alice = User { inline, boundary, groups, ..User::default() };
        let team = Group { attached: vec![READ_ONLY.into()], ..Group::default() };
        let nobody = User { deleted: true, ..User::default() };
        let mut state = self.upstream.state.lock().unwrap();
        state.users.insert("alice".into(), alice);
        state.groups.insert("team".into(), team);
        state.users.insert("nobody".into(), nobody);
        state.policies.insert(LIMITS.into(), allow("s3:*"));
        let read = policy(json!([statement("Allow", "s3:Get*", "*")]));
        state.policies.insert(READ_ONLY.into(), read);
    }
}

#[tokio::test]
async fn the_answer_is_awss_and_nothing_goes_upstream() {
    let stage = Stage::new().await;
    let body = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("Action", "SimulateCustomPolicy")
        .append_pair("Version", "2010-05-08")
        .append_pair("ActionNames.member.1", "s3:PutObject")
        .append_pair("ResourceArns.member.1", "arn:aws:s3:::my-test-bucket")
        .append_pair(
            "PolicyInputList.member.1",
            "{\n  \"Version\":\"2012-10-17\",\n  \"Statement\":{\n    \"Effect\":\"Allow\",\n    \
             \"Action\":\"s3:PutObject\",\n    \"Resource\":\"arn:aws:s3:::my-test-bucket\"\n  \
             }\n}",
        )
        .finish();
    let answer = send(signed(&stage, &[], &body)).await;
    assert_eq!(answer.status(), 200);
    let text = answer.text().await.unwrap();
    let matched = "<MatchedStatements><member><SourcePolicyId>PolicyInputList.1</SourcePolicyId>\
        <SourcePolicyType>IAM Policy</SourcePolicyType>\
        <StartPosition><Line>3</Line><Column>16</Column></StartPosition>\
        <EndPosition><Line>7</Line><Column>4</Column></EndPosition></member></MatchedStatements>";
    let name = "<EvalResourceName>arn:aws:s3:::my-test-bucket</EvalResourceName>";
    let expected = format!(
        "<SimulateCustomPolicyResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">\
         <SimulateCustomPolicyResult><EvaluationResults><member>{name}{matched}\
         <EvalActionName>s3:PutObject</EvalActionName><EvalDecision>allowed</EvalDecision>\
         <MissingContextValues></MissingContextValues><EvalDecisionDetails></EvalDecisionDetails>\
         <ResourceSpecificResults><member>{name}{matched}\
         <EvalResourceDecision>allowed</EvalResourceDecision>\
         <MissingContextValues></MissingContextValues></member></ResourceSpecificResults>\
         </member></EvaluationResults><IsTruncated>false</IsTruncated>\
         </SimulateCustomPolicyResult>"
    );
    assert!(text.starts_with(&expected), "{text}");
    assert_eq!(stage.upstream.seen("SimulateCustomPolicy").len(), 0);
    assert_eq!(stage.last_entry().operation, "SimulateCustomPolicy");
}

#[tokio::test]
async fn decisions_cite_the_statements_that_made_them() {
    let stage = Stage::new().await;
    let statements =
        policy(json!([statement("Allow", "*", "*"), statement("Deny", "s3:DeleteObject", "*"),]));
    let more = json!({
        "PolicyInputList": [allow("ec2:*"), statements],
        "ActionNames": ["s3:GetObject", "s3:DeleteObject"], "ResourceArns": ["*"],
    });
    let answer = stage.custom(more).await.unwrap();
    let results = answer["EvaluationResults"].as_array().unwrap();
    let read = |result: &Value| {
        let matched = &result["MatchedStatements"];
        assert_eq!(matched.as_array().unwrap().len(), 1, "{result}");
        let at = |end: &str| matched[0][end]["Column"].as_str().unwrap().to_owned();
        (
            result["EvalDecision"].as_str().unwrap().to_owned(),
            matched[0]["SourcePolicyId"].as_str().unwrap().to_owned(),
            at("StartPosition"),
            at("EndPosition"),
        )
    };
    let expected = |decision: &str, start: &str, end: &str| {
        (decision.to_owned(), "PolicyInputList.2".to_owned(), start.to_owned(), end.to_owned())
    };
    assert_eq!(read(&results[0]), expected("allowed", "38", "84"));
    assert_eq!(read(&results[1]), expected("explicitDeny", "84", "144"));
    assert_eq!(results[0]["EvalResourceName"], "*");
    assert_eq!(results[0].get("ResourceSpecificResults"), None);
    assert_eq!(results[0].get("EvalDecisionDetails"), None);
    let result = stage.result(json!({"ActionNames": ["someservice:DoIt"]})).await;
    assert_eq!(result["EvalDecision"], "implicitDeny");
    assert_eq!(result["MatchedStatements"], "");
}

#[tokio::test]
async fn a_resource_policy_of_another_account_needs_both_sides() {
    let stage = Stage::new().await;
    let policy = bucket_policy(MALLORY, "s3:GetObject");
    let owner = "arn:aws:iam::123456789012:root";
    let more = json!({"CallerArn": MALLORY, "ResourcePolicy": policy, "ResourceOwner": owner});
    let result = stage.result(more.clone()).await;
    assert_eq!(result["EvalDecision"], "allowed");
    let ids = |result: &Value| -> Vec<String> {
        let matched = result["MatchedStatements"].as_array().into_iter().flatten();
        matched.map(|one| one["SourcePolicyId"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids(&result), ["ResourcePolicy", "PolicyInputList.1"]);
    assert_eq!(result["MatchedStatements"][0]["SourcePolicyType"], "Resource Policy");
    let both = json!({"IAM Policy": "allowed", "Resource Policy": "allowed"});
    assert_eq!(result["EvalDecisionDetails"], both);
    assert_eq!(result["ResourceSpecificResults"][0]["EvalDecisionDetails"], both);

    // The reference's example: the caller's own account says no.
    let limited = json!({"PolicyInputList": [allow("iam:*")],
        "PermissionsBoundaryPolicyInputList": [allow("iam:*")]});
    let result = stage.result(with(more, limited.clone())).await;
    assert_eq!(result["EvalDecision"], "implicitDeny");
    assert_eq!(ids(&result), [""; 0]);
    assert_eq!(
        result["EvalDecisionDetails"],
        json!({"IAM Policy": "implicitDeny", "Resource Policy": "allowed",
            "Permissions Boundary Policy": "implicitDeny"})
    );
    let boundary = json!({"AllowedByPermissionsBoundary": "false"});
    assert_eq!(result["PermissionsBoundaryDecisionDetail"], boundary);

    // In one account, the policy that names the caller is enough.
    let policy = bucket_policy(ALICE, "s3:GetObject");
    let same = json!({"ResourcePolicy": policy, "ResourceOwner": owner});
    let result = stage.result(with(same, limited)).await;
    assert_eq!(result["EvalDecision"], "allowed");
    assert_eq!(ids(&result), ["ResourcePolicy"]);
    assert_eq!(result["EvalDecisionDetails"], "");
    assert_eq!(result["PermissionsBoundaryDecisionDetail"], boundary);
    assert_eq!(result["ResourceSpecificResults"][0].get("EvalDecisionDetails"), None);
}

#[tokio::test]
async fn the_policy_of_a_role_is_its_trust_policy() {
    let stage = Stage::new().await;
    let role = "arn:aws:iam::123456789012:role/app";
    let trusts = |principal: &str| {
        json!({
            "PolicyInputList": [allow("sts:AssumeRole")], "ActionNames": ["sts:AssumeRole"],
            "ResourceArns": [role],
            "ResourcePolicy": policy(json!({"Effect": "Allow", "Principal": {"AWS": principal},
                "Action": "sts:AssumeRole"})),
        })
    };
    let result = stage.result(trusts(ALICE)).await;
    assert_eq!(result["EvalDecision"], "allowed");
    assert_eq!(result["MatchedStatements"][0]["SourcePolicyId"], "ResourcePolicy");
    let result = stage.result(trusts(MALLORY)).await;
    assert_eq!(result["EvalDecision"], "implicitDeny");
}

#[tokio::test]
async fn the_context_is_what_is_given_and_what_is_missing_is_told() {
    let stage = Stage::new().await;
    let conditional = policy(json!([
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*",
         "Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}},
        {"Effect": "Allow", "Action": "s3:ListBucket",
         "Resource": "arn:aws:s3:::${s3:prefix}/${aws:username}"}]));
    let entry = |value: &str| {
        json!([{"ContextKeyName": "AWS:SourceIp", "ContextKeyType": "ip",
            "ContextKeyValues": [value]}])
    };
    let asked = json!({"PolicyInputList": [conditional]});
    let result = stage.result(asked.clone()).await;
    assert_eq!(result["EvalDecision"], "implicitDeny");
    assert_eq!(result["MissingContextValues"], "");
    let specific = &result["ResourceSpecificResults"][0];
    assert_eq!(specific["MissingContextValues"], json!(["aws:SourceIp", "s3:prefix"]));
    let everywhere = stage.result(with(asked.clone(), json!({"ResourceArns": ["*"]}))).await;
    assert_eq!(everywhere["MissingContextValues"], json!(["aws:SourceIp", "s3:prefix"]));
    for (value, decision) in [("10.1.2.3", "allowed"), ("192.0.2.1", "implicitDeny")] {
        let result =
            stage.result(with(asked.clone(), json!({"ContextEntries": entry(value)}))).await;
        assert_eq!(result["EvalDecision"], decision, "{value}");
        let specific = &result["ResourceSpecificResults"][0];
        assert_eq!(specific["MissingContextValues"], json!(["s3:prefix"]));
    }
    let more = with(asked, json!({"ContextEntries": entry("10.0.0.0/8")}));
    let error = stage.custom(more).await.unwrap_err();
    assert_eq!((error.status, error.code.as_ref()), (400, "InvalidInput"));
    assert_eq!(
        error.message,
        "Invalid value `10.0.0.0/8` of the context key `AWS:SourceIp`: it is not of the type ip"
    );
}

#[rstest]
#[case::a_malformed_policy(
    json!({"PolicyInputList": ["{\"Version\": \"2012-10-17\",\n \"Statement\": [}"]}),
    "Invalid Input PolicyInputList.1: expected a JSON value, found `}` (line 2, column 16)"
)]
#[case::a_resource_policy_without_principals(
    json!({"ResourcePolicy": allow("s3:*")}),
    "Invalid Input ResourcePolicy: the statement has no `Principal` (line 1, column 38)"
)]
#[case::two_boundaries(
    json!({"PermissionsBoundaryPolicyInputList": [allow("*"), allow("*")]}),
    "PermissionsBoundaryPolicyInputList has 2 policies: it takes one"
)]
#[case::an_assumed_role(
    json!({"CallerArn": "arn:aws:sts::123456789012:assumed-role/app/s"}),
    "Invalid caller - Caller must be an IAM user, group or role in this context: CallerArn is \
     `arn:aws:sts::123456789012:assumed-role/app/s`, write arn:aws:iam::ACCOUNT:user/NAME"
)]
#[case::an_owner_that_is_no_account(
    json!({"ResourceOwner": "platform"}),
    "Invalid ResourceOwner `platform`: write the ARN of an account, such as \
     arn:aws:iam::111122223333:root"
)]
#[case::an_action_with_a_wildcard(
    json!({"ActionNames": ["s3:GetObject", "s3:*"]}),
    "Invalid ActionNames entry `s3:*`: write service:Action, such as iam:CreateUser, without \
     wildcards"
)]
#[case::a_resource_that_is_no_arn(
    json!({"ResourceArns": ["b/k"]}),
    "Invalid ResourceArns entry `b/k`: write an ARN with its six parts, or * where the action \
     takes no resource"
)]
#[case::a_scenario(
    json!({"ResourceHandlingOption": "EC2-VPC-EBS"}),
    "ResourceHandlingOption is not supported: leave it out, and name every resource of the \
     scenario in ResourceArns"
)]
#[tokio::test]
async fn what_cannot_be_simulated_is_refused_and_its_twin_is_not(
    #[case] wrong: Value,
    #[case] message: &str,
) {
    let stage = Stage::new().await;
    let error = stage.custom(wrong).await.unwrap_err();
    assert_eq!((error.status, error.code.as_ref()), (400, "InvalidInput"));
    assert_eq!(error.message, message);
    assert_eq!(stage.last_entry().error.as_deref(), Some("InvalidInput"));
    let right = json!({
        "PermissionsBoundaryPolicyInputList": [allow("*")], "MaxItems": 1000,
        "ResourcePolicy": bucket_policy(ALICE, "s3:GetObject"),
        "ResourceOwner": "arn:aws:iam::123456789012:root",
    });
    assert_eq!(stage.result(right).await["EvalDecision"], "allowed");
}

#[tokio::test]
async fn a_resource_policy_needs_a_caller() {
    let stage = Stage::new().await;
    let mut input = custom(json!({"ResourcePolicy": bucket_policy("*", "s3:*")}));
    input.as_object_mut().unwrap().remove("CallerArn");
    let ask =
        async |input: &Value| stage.call(&root(), "SimulateCustomPolicy", input.clone()).await;
    let error = ask(&input).await.unwrap_err();
    assert_eq!((error.status, error.code.as_ref()), (400, "InvalidInput"));
    assert_eq!(
        error.message,
        "Invalid caller - Caller must be an IAM user in this context: a ResourcePolicy needs \
         a user as CallerArn, whom its Principal is compared with"
    );
    // Nor are they simulated for roles.
    input["CallerArn"] = "arn:aws:iam::123456789012:role/app".into();
    assert_eq!(ask(&input).await.unwrap_err().message, error.message);
    input.as_object_mut().unwrap().remove("ResourcePolicy");
    assert_eq!(ask(&input).await.unwrap()["EvaluationResults"][0]["EvalDecision"], "allowed");
    input.as_object_mut().unwrap().remove("CallerArn");
    assert_eq!(ask(&input).await.unwrap()["EvaluationResults"][0]["EvalDecision"], "allowed");
}

#[tokio::test]
async fn policies_cannot_be_left_out_and_the_call_says_so() {
    let stage = Stage::new().await;
    stage.people();
    let exclusion = json!({"PolicyExclusionList": [{"PolicyArn": READ_ONLY}]});
    let error = stage.principal(ALICE, exclusion).await.unwrap_err();
    assert_eq!((error.status, error.code.as_ref()), (400, "InvalidInput"));
    assert_eq!(
        error.message,
        "PolicyExclusionList is not supported: leave it out, and give the policies that remain to \
         SimulateCustomPolicy"
    );
    stage.principal(ALICE, json!({})).await.unwrap();
}

#[tokio::test]
async fn a_hierarchy_that_is_given_stands_in_for_the_accounts() {
    let open = policy(statement("Allow", "*", "*"));
    let stage = Stage::guarded(vec![vec![("open".into(), open.clone())]]).await;
    let levels = |documents: &[&str]| {
        let level = |text: &&str| json!({"ServiceControlPolicyInputList": [text]});
        json!({"OrderedOrganizationPolicyInputList": documents.iter().map(level).collect::<Vec<_>>()})
    };
    let (reads, writes) = (allow("s3:Get*"), allow("s3:Put*"));
    let conditional =
        policy(json!([statement("Allow", "*", "*"), {"Effect": "Deny", "Action": "*",
        "Resource": "*", "Condition": {"StringNotEquals": {"aws:RequestedRegion": "eu-west-1"}}}]));
    for (documents, decision, allowed) in [
        (&[&*open, &*reads][..], "allowed", "true"),
        (&[&*open, &*writes], "implicitDeny", "false"),
        (&[&*conditional], "explicitDeny", "false"),
    ] {
        for caller in [ALICE, MALLORY] {
            let asked = with(levels(documents), json!({"CallerArn": caller}));
            let result = stage.result(asked).await;
            assert_eq!(result["EvalDecision"], decision, "{documents:?}");
            let detail = json!({"AllowedByOrganizations": allowed});
            assert_eq!(result["OrganizationsDecisionDetail"], detail);
            let cited = result["MatchedStatements"].as_array().map_or(0, Vec::len);
            assert_eq!(cited, usize::from(decision == "allowed"));
            // Nothing of service control policies is told but their verdict.
            let specific = &result["ResourceSpecificResults"][0];
            assert_eq!(specific["MissingContextValues"], "");
        }
    }
    let region = json!({"ContextEntries": [{"ContextKeyName": "aws:RequestedRegion",
        "ContextKeyType": "string", "ContextKeyValues": ["eu-west-1"]}]});
    let result = stage.result(with(levels(&[&conditional]), region)).await;
    assert_eq!(result["EvalDecision"], "allowed");
}

#[tokio::test]
async fn results_come_in_pages_in_the_order_of_actions() {
    let stage = Stage::new().await;
    let asked = json!({"ActionNames":
        ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:GetObject"]});
    let mut seen = Vec::new();
    let mut marker = json!({"MaxItems": 3});
    loop {
        let answer = stage.custom(with(asked.clone(), marker)).await.unwrap();
        for result in answer["EvaluationResults"].as_array().unwrap() {
            let text = |name: &str| result[name].as_str().unwrap().to_owned();
            seen.push((text("EvalActionName"), text("EvalDecision")));
        }
        if answer["IsTruncated"] == "false" {
            assert_eq!(answer.get("Marker"), None);
            break;
        }
        marker = json!({"MaxItems": 3, "Marker": answer["Marker"]});
    }
    let expected = [
        ("s3:GetObject", "allowed"),
        ("s3:PutObject", "implicitDeny"),
        ("s3:DeleteObject", "implicitDeny"),
        ("s3:GetObject", "allowed"),
    ];
    assert_eq!(seen, expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
}

#[tokio::test]
async fn several_resources_have_one_result_an_action_and_the_worst_counts() {
    let stage = Stage::new().await;
    let statements = policy(json!([
        statement("Allow", "s3:GetObject", "arn:aws:s3:::b/*"),
        statement("Deny", "*", "arn:aws:s3:::b/secret"),
    ]));
    let key = |name: &str| format!("arn:aws:s3:::{name}");
    let ask = async |resources: &[&str]| {
        let resources: Vec<_> = resources.iter().map(|name| key(name)).collect();
        stage.result(json!({"PolicyInputList": [statements], "ResourceArns": resources})).await
    };
    let starts = |of: &Value| -> Vec<String> {
        let matched = of["MatchedStatements"].as_array().into_iter().flatten();
        let start = |one: &Value| one["StartPosition"]["Column"].as_str().unwrap().to_owned();
        matched.map(start).collect()
    };
    for (resources, decision, cited) in [
        (["b/1", "b/2"], "allowed", &["38"][..]),
        (["b/1", "c/1"], "implicitDeny", &[]),
        (["b/1", "b/secret"], "explicitDeny", &["110"]),
    ] {
        let result = ask(&resources).await;
        assert_eq!(result["EvalDecision"], decision);
        assert_eq!(result["EvalResourceName"], "*");
        assert_eq!(starts(&result), cited, "{result}");
        let specific = result["ResourceSpecificResults"].as_array().unwrap();
        let named = specific.iter().map(|one| one["EvalResourceName"].as_str().unwrap());
        assert_eq!(named.collect::<Vec<_>>(), resources.map(key));
        assert_eq!(specific[0]["EvalResourceDecision"], "allowed");
        assert_eq!(specific[1]["EvalResourceDecision"], decision);
        assert_eq!(starts(&specific[1]), cited);
    }
}

#[tokio::test]
async fn service_control_policies_bind_the_accounts_own_callers() {
    let level =
        policy(json!([statement("Allow", "*", "*"), statement("Deny", "s3:DeleteObject", "*"),]));
    let stage = Stage::guarded(vec![vec![("guardrail".into(), level)]]).await;
    stage.people();
    let ask = json!({
        "PolicyInputList": [allow("s3:*")], "ActionNames": ["s3:DeleteObject"],
    });
    let allowed = |allowed: &str| json!({"AllowedByOrganizations": allowed});
    let result = stage.result(ask.clone()).await;
    assert_eq!(result["EvalDecision"], "explicitDeny");
    assert_eq!(result["OrganizationsDecisionDetail"], allowed("false"));
    assert_eq!(result["MatchedStatements"], "");
    assert_eq!(result.get("EvalDecisionDetails"), None);
    let result = stage.result(with(ask.clone(), json!({"ActionNames": ["s3:GetObject"]}))).await;
    assert_eq!(result["EvalDecision"], "allowed");
    assert_eq!(result["OrganizationsDecisionDetail"], allowed("true"));
    let result = stage.result(with(ask.clone(), json!({"CallerArn": MALLORY}))).await;
    assert_eq!(result["EvalDecision"], "allowed");
    assert_eq!(result.get("OrganizationsDecisionDetail"), None);
    let answer = stage.principal(ALICE, ask).await.unwrap();
    let result = &answer["EvaluationResults"][0];
    assert_eq!(result["EvalDecision"], "explicitDeny");
    assert_eq!(result["OrganizationsDecisionDetail"], allowed("false"));
}

#[tokio::test]
async fn a_users_own_policies_decide_with_those_of_its_groups_and_its_boundary() {
    let stage = Stage::new().await;
    stage.people();
    let actions = json!({"ActionNames":
        ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "iam:GetRole", "iam:GetUser"],
        "PolicyInputList": [allow("iam:Get*")]});
    let answer = stage.principal(ALICE, actions.clone()).await.unwrap();
    let read = |answer: &Value| -> Vec<(String, String, String)> {
        let results = answer["EvaluationResults"].as_array().unwrap();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        results
            .iter()
            .map(|result| {
                let boundary = &result["PermissionsBoundaryDecisionDetail"];
                (
                    text(&result["EvalDecision"]),
                    text(&result["MatchedStatements"][0]["SourcePolicyId"]),
                    text(&boundary["AllowedByPermissionsBoundary"]),
                )
            })
            .collect()
    };
    let expect = |rows: &[(&str, &str, &str)]| -> Vec<(String, String, String)> {
        rows.iter().map(|(a, b, c)| ((*a).into(), (*b).into(), (*c).into())).collect()
    };
    assert_eq!(
        read(&answer),
        expect(&[
            ("allowed", "AmazonS3ReadOnlyAccess", "true"),
            ("allowed", "user_alice_Own", "true"),
            ("implicitDeny", "", "true"),
            ("implicitDeny", "", "false"),
            ("implicitDeny", "", "false"),
        ])
    );
    // The boundary of the call stands in for the attached one.
    let limits = json!({"PermissionsBoundaryPolicyInputList": [allow("iam:GetRole")]});
    let answer = stage.principal(ALICE, with(actions, limits)).await.unwrap();
    assert_eq!(
        read(&answer),
        expect(&[
            ("implicitDeny", "", "false"),
            ("implicitDeny", "", "false"),
            ("implicitDeny", "", "false"),
            ("allowed", "PolicyInputList.1", "true"),
            ("implicitDeny", "", "false"),
        ])
    );
}

#[tokio::test]
async fn groups_and_roles_are_simulated_by_their_policies_alone() {
    let stage = Stage::new().await;
    stage.people();
    stage.role(&allow("s3:PutObject"));
    let (group, role) =
        ("arn:aws:iam::123456789012:group/team", "arn:aws:iam::123456789012:role/app");
    let actions = json!({"ActionNames": ["s3:GetObject", "s3:PutObject"]});
    for (arn, decisions) in
        [(group, ["allowed", "implicitDeny"]), (role, ["implicitDeny", "allowed"])]
    {
        let answer = stage.principal(arn, actions.clone()).await.unwrap();
        let found = [0, 1].map(|place| answer["EvaluationResults"][place]["EvalDecision"].clone());
        assert_eq!(found, decisions, "{arn}");
        let policy = json!({"ResourcePolicy": bucket_policy(ALICE, "s3:GetObject")});
        let error = stage.principal(arn, policy.clone()).await.unwrap_err();
        assert_eq!((error.status, error.code.as_ref()), (400, "InvalidInput"));
        assert!(
            error.message.starts_with("Invalid caller - Caller must be an IAM user"),
            "{error}"
        );
        let called = with(policy, json!({"CallerArn": ALICE}));
        let answer = stage.principal(arn, called).await.unwrap();
        assert_eq!(answer["EvaluationResults"][0]["EvalDecision"], "allowed", "{arn}");
    }
}

#[rstest]
#[case(
    "arn:aws:iam::123456789012:user/nobody",
    404,
    "NoSuchEntity",
    "The user with name nobody cannot be found."
)]
#[case(
    "arn:aws:iam::123456789012:role/gone",
    404,
    "NoSuchEntity",
    "The role with name gone cannot be found."
)]
#[case(
    "arn:aws:iam::123456789012:group/gone",
    404,
    "NoSuchEntity",
    "The group with name gone cannot be found."
)]
#[case::another_path(
    "arn:aws:iam::123456789012:user/path/alice",
    404,
    "NoSuchEntity",
    "The user with name alice cannot be found."
)]
#[case::another_account(
    "arn:aws:iam::111122223333:user/alice",
    400,
    "InvalidInput",
    "Invalid Policy Source Arn: caller's account 123456789012 does not have access to policies in \
     account 111122223333"
)]
#[case::a_session(
    "arn:aws:sts::123456789012:assumed-role/app/s",
    400,
    "InvalidInput",
    "Invalid Entity Arn: arn:aws:sts::123456789012:assumed-role/app/s does not clearly define \
     entity type and name."
)]
#[tokio::test]
async fn the_source_of_policies_is_there_and_ones_own(
    #[case] arn: &str,
    #[case] status: u16,
    #[case] code: &str,
    #[case] message: &str,
) {
    let stage = Stage::new().await;
    stage.people();
    let keys = json!({"PolicySourceArn": arn});
    for error in [
        stage.principal(arn, json!({})).await.unwrap_err(),
        stage.call(&root(), "GetContextKeysForPrincipalPolicy", keys).await.unwrap_err(),
    ] {
        assert_eq!((error.status, error.code.as_ref()), (status, code));
        assert_eq!(error.message, message);
    }
    stage.principal(ALICE, json!({})).await.unwrap();
}

#[tokio::test]
async fn an_attached_policy_that_cannot_be_read_is_not_simulated() {
    let stage = Stage::new().await;
    let broken = r#"{"Statement": [{"Effect": "Deny", "Acton": "*", "Resource": "*"}]}"#;
    stage.role(broken);
    let role = "arn:aws:iam::123456789012:role/app";
    let error = stage.principal(role, json!({})).await.unwrap_err();
    assert_eq!((error.status, error.code.as_ref()), (500, "PolicyEvaluation"));
    assert!(error.message.starts_with("the policy `own` of "), "{error}");
}

#[tokio::test]
async fn context_keys_are_those_that_policies_ask_for() {
    let stage = Stage::new().await;
    let asks = |key: &str| {
        policy(json!({"Effect": "Allow", "Action": "*", "Resource": "arn:aws:s3:::${aws:username}",
            "Condition": {"StringEquals": {key: "x"}}}))
    };
    let given = json!({"PolicyInputList": [asks("aws:PrincipalTag/team"), asks("AWS:Username")]});
    let answer = stage.call(&root(), "GetContextKeysForCustomPolicy", given.clone()).await.unwrap();
    assert_eq!(answer["ContextKeyNames"], json!(["aws:username", "aws:PrincipalTag/team"]));
    stage.role(&asks("s3:prefix"));
    let more = with(given, json!({"PolicySourceArn": "arn:aws:iam::123456789012:role/app"}));
    let answer = stage.call(&root(), "GetContextKeysForPrincipalPolicy", more).await.unwrap();
    let expected = json!(["aws:username", "s3:prefix", "aws:PrincipalTag/team"]);
    assert_eq!(answer["ContextKeyNames"], expected);
    let wrong = json!({"PolicyInputList": ["{}"]});
    let error = stage.call(&root(), "GetContextKeysForCustomPolicy", wrong).await.unwrap_err();
    assert_eq!((error.status, error.code.as_ref()), (400, "InvalidInput"));
    assert_eq!(
        error.message,
        "Invalid Input PolicyInputList.1: the document has no `Statement` (line 1, column 1)"
    );
}

#[tokio::test]
async fn simulating_needs_the_permission_on_the_source_of_the_policies() {
    let stage = Stage::new().await;
    stage.people();
    let own = policy(json!([
        statement("Allow", "iam:SimulatePrincipalPolicy", ALICE),
        statement("Allow", "iam:GetContextKeysForPrincipalPolicy", ALICE),
    ]));
    let app = stage.role(&own);
    let ask = async |operation: &str, input: Value| {
        stage.client.call(&app, Service::Iam, operation, input).await
    };
    let source = |arn: &str| json!({"PolicySourceArn": arn, "ActionNames": ["s3:GetObject"]});
    ask("SimulatePrincipalPolicy", source(ALICE)).await.unwrap();
    ask("GetContextKeysForPrincipalPolicy", json!({"PolicySourceArn": ALICE})).await.unwrap();
    let bob = "arn:aws:iam::123456789012:user/bob";
    let error = ask("SimulatePrincipalPolicy", source(bob)).await.unwrap_err();
    assert_eq!((error.status, error.code.as_ref()), (403, "AccessDenied"));
    assert_eq!(
        error.message,
        format!(
            "User: arn:aws:sts::123456789012:assumed-role/app/s is not authorized to perform: \
             iam:SimulatePrincipalPolicy on resource: {bob} because no identity-based policy \
             allows the iam:SimulatePrincipalPolicy action"
        )
    );
    let error = ask("SimulateCustomPolicy", custom(json!({}))).await.unwrap_err();
    assert_eq!(error.code, "AccessDenied");
    let check = &stage.last_entry().checks[0];
    assert_eq!((check.action.as_str(), check.resource.as_str()), ("iam:SimulateCustomPolicy", "*"));
    let role = Role {
        id: "AROA2".into(),
        path: String::new(),
        trust: trust(),
        inline: BTreeMap::from([("own".into(), allow("iam:SimulateCustomPolicy"))]),
        ..Role::default()
    };
    stage.upstream.role("other", role);
    let other = stage.session("other", "AROA2", OffsetDateTime::now_utc() + Duration::hours(1));
    let input = custom(json!({}));
    stage.client.call(&other, Service::Iam, "SimulateCustomPolicy", input).await.unwrap();
}

#[tokio::test]
async fn the_caller_is_in_the_context_unless_the_call_says_otherwise() {
    let stage = Stage::new().await;
    stage.people();
    let own = policy(json!([{"Effect": "Allow", "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::b/${aws:username}/${aws:userid}"}]));
    let ask = |name: &str| json!({"PolicyInputList": [own], "ResourceArns": [format!("arn:aws:s3:::b/{name}")]});
    let decision = async |more: Value| {
        let answer = stage.principal(ALICE, more).await.unwrap();
        answer["EvaluationResults"][0]["MatchedStatements"][0]["SourcePolicyId"].clone()
    };
    stage.upstream.state.lock().unwrap().groups.insert("team".into(), Group::default());
    assert_eq!(decision(ask("alice/AIDAalice")).await, "PolicyInputList.1");
    assert_eq!(decision(ask("bob/AIDAbob")).await, Value::Null);
    let bob = json!({"ContextEntries": [
        {"ContextKeyName": "aws:username", "ContextKeyType": "string", "ContextKeyValues": ["bob"]},
        {"ContextKeyName": "aws:userid", "ContextKeyType": "string", "ContextKeyValues": ["AIDAbob"]},
    ]});
    assert_eq!(decision(with(ask("bob/AIDAbob"), bob)).await, "PolicyInputList.1");
    // Of a caller that is only named, the id is not known.
    let result = stage.result(ask("alice/AIDAalice")).await;
    assert_eq!(result["EvalDecision"], "implicitDeny");
    let specific = &result["ResourceSpecificResults"][0];
    assert_eq!(specific["MissingContextValues"], json!(["aws:userid"]));
}
