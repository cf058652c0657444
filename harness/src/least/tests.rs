use ringfence_guard::journal::Entry;
use serde_json::{Value, json};

use super::*;

const APP: &str = "arn:aws:sts::123456789012:assumed-role/app/session";

fn entry(principal: &str, checks: Value) -> Entry {
    serde_json::from_value(json!({
        "time": "2026-01-01T00:00:00Z", "request_id": "r", "principal": principal,
        "service": "iam", "operation": "GetRole", "called_via": [], "checks": checks,
        "outcome": "denied", "error": null, "status": 200, "upstream_status": 200,
        "duration_us": 1, "observed": {},
    }))
    .unwrap()
}

fn check(action: &str, resource: &str, keys: Value) -> Value {
    json!({"action": action, "resource": resource, "outcome": "implicit_deny", "layer": "identity",
        "statements": [], "explanation": "", "keys": keys})
}

fn of_app(entries: &[Entry], patterns: &[&str]) -> OfPrincipal {
    let patterns: Vec<Pattern> = patterns.iter().map(|text| text.parse().unwrap()).collect();
    let only: Principal = "role/app".parse().unwrap();
    let mut report = report(entries, Some(&only), &patterns);
    assert_eq!(report.principals.len(), 1);
    report.principals.remove(0)
}

#[test]
fn one_statement_has_the_actions_with_the_same_resources_and_conditions() {
    let role = "arn:aws:iam::123456789012:role/r";
    let entries = [
        entry(
            APP,
            json!([check("iam:GetRole", role, json!({"aws:requestedregion": ["us-east-1"]}))]),
        ),
        entry(
            APP,
            json!([check("iam:TagRole", role, json!({"aws:requestedregion": ["us-east-1"]}))]),
        ),
        entry(
            APP,
            json!([check("sqs:ListQueues", "*", json!({"aws:requestedregion": ["us-east-1"]}))]),
        ),
        entry(
            "arn:aws:iam::123456789012:user/other",
            json!([check("iam:DeleteRole", role, json!({}))]),
        ),
    ];
    let least = of_app(&entries, &[]);
    assert_eq!(least.calls, 3);
    assert_eq!(least.needed.not_allowed, [""; 0]);
    assert_eq!((least.needed.permissions, least.needed.decided), (3, 3));
    assert_eq!(
        least.needed.policies,
        [json!({"Version": "2012-10-17", "Statement": [
            {"Sid": "Iam1", "Effect": "Allow", "Action": ["iam:GetRole", "iam:TagRole"],
             "Resource": role,
             "Condition": {"StringEquals": {"aws:RequestedRegion": "us-east-1"}}},
            {"Sid": "Sqs1", "Effect": "Allow", "Action": "sqs:ListQueues", "Resource": "*",
             "Condition": {"StringEquals": {"aws:RequestedRegion": "us-east-1"}}},
        ]})]
    );
}

#[test]
fn a_condition_stands_only_where_every_call_of_the_action_met_it() {
    let role = "arn:aws:iam::123456789012:role/r";
    let passed = |service: &str| json!({"iam:passedtoservice": [service]});
    let entries = [
        entry(APP, json!([check("iam:PassRole", role, passed("lambda.amazonaws.com"))])),
        entry(APP, json!([check("iam:PassRole", role, passed("ecs-tasks.amazonaws.com"))])),
        entry(
            APP,
            json!([check(
                "iam:CreateRole",
                role,
                json!({"aws:tagkeys": ["Team", "Env"], "aws:requesttag/team": ["a"]})
            )]),
        ),
        entry(APP, json!([check("iam:GetRole", role, passed("x.amazonaws.com"))])),
        entry(APP, json!([check("iam:GetRole", role, json!({}))])),
    ];
    let least = of_app(&entries, &[]);
    assert_eq!(least.needed.not_allowed, [""; 0]);
    let statements = least.needed.policies[0]["Statement"].as_array().unwrap();
    let condition = |action: &str| {
        let of = statements.iter().find(|statement| statement["Action"] == action).unwrap();
        of.get("Condition").cloned()
    };
    assert_eq!(
        condition("iam:PassRole"),
        Some(json!({"StringEquals": {"iam:PassedToService":
            ["ecs-tasks.amazonaws.com", "lambda.amazonaws.com"]}}))
    );
    assert_eq!(
        condition("iam:CreateRole"),
        Some(json!({"ForAllValues:StringEquals": {"aws:TagKeys": ["Env", "Team"]},
            "StringEquals": {"aws:RequestTag/team": "a"}}))
    );
    assert_eq!(condition("iam:GetRole"), None);
}

#[test]
fn resources_are_named_and_generalised_only_by_a_pattern_that_is_given() {
    let vpc = "arn:aws:ec2:us-east-1:123456789012:vpc/vpc-0a";
    let entries = [
        entry(APP, json!([check("ec2:DeleteVpc", vpc, json!({}))])),
        entry(
            APP,
            json!([check(
                "ec2:DeleteSubnet",
                "arn:aws:ec2:us-east-1:123456789012:subnet/s",
                json!({})
            )]),
        ),
    ];
    let resources = |least: &OfPrincipal| -> Vec<Value> {
        let statements = least.needed.policies[0]["Statement"].as_array().unwrap();
        statements.iter().map(|statement| statement["Resource"].clone()).collect()
    };
    assert_eq!(
        resources(&of_app(&entries, &[])),
        ["arn:aws:ec2:us-east-1:123456789012:subnet/s", vpc]
    );
    assert_eq!(
        resources(&of_app(&entries, &["arn:aws:ec2:*:*:vpc/*"])),
        ["arn:aws:ec2:*:*:vpc/*", "arn:aws:ec2:us-east-1:123456789012:subnet/s"]
    );
}

#[test]
fn what_a_pattern_allows_beyond_what_was_done_is_told() {
    let vpc = "arn:aws:ec2:us-east-1:123456789012:vpc/vpc-0a1b2c3d";
    let subnet = "arn:aws:ec2:us-east-1:123456789012:subnet/subnet-0a1b2c3d";
    let checks = json!([
        check("ec2:DeleteVpc", vpc, json!({})),
        check("ec2:DeleteSubnet", subnet, json!({}))
    ]);
    let entries = [entry(APP, checks)];
    let told = |patterns: &[&str]| {
        let least = of_app(&entries, patterns);
        let of = |given: &Generalised| (given.resources, given.open.join(" "));
        let varying: Vec<String> = least.varying.iter().map(|made| made.pattern.clone()).collect();
        (least.generalised.iter().map(of).collect::<Vec<_>>(), varying)
    };
    let (vpcs, subnets) = (
        "arn:aws:ec2:us-east-1:123456789012:vpc/*".to_owned(),
        "arn:aws:ec2:us-east-1:123456789012:subnet/*".to_owned(),
    );
    assert_eq!(told(&[]), (vec![], vec![subnets.clone(), vpcs.clone()]));
    assert_eq!(told(&[&vpcs]), (vec![(1, String::new())], vec![subnets.clone()]));
    assert_eq!(
        told(&["arn:aws:ec2:*:*:vpc/*", "arn:aws:s3:::logs*"]),
        (vec![(1, "region account".to_owned()), (0, String::new())], vec![subnets])
    );
    assert_eq!(told(&["arn:*:ec2:*"]), (vec![(2, "partition region account".to_owned())], vec![]));
    assert_eq!(told(&["*"]), (vec![(2, "partition service region account".to_owned())], vec![]));
}

#[test]
fn the_text_tells_what_the_policies_allow_and_what_will_differ() {
    let vpc = "arn:aws:ec2:us-east-1:123456789012:vpc/vpc-0a1b2c3d";
    let checks =
        json!([check("ec2:DeleteVpc", vpc, json!({})), check("ec2:DescribeVpcs", "*", json!({}))]);
    let entries = [entry(APP, checks)];
    let only: Principal = "role/app".parse().unwrap();
    let text = |pattern: &[&str]| {
        let patterns: Vec<Pattern> = pattern.iter().map(|text| text.parse().unwrap()).collect();
        table(&report(&entries, Some(&only), &patterns))
    };
    let plain = text(&[]);
    let first = "role/app: 1 call, 2 permissions; the policy below allows all of them\n";
    assert!(plain.starts_with(first), "{plain}");
    let hint = format!(
        "the next run's will differ; to allow those too, add:\n  --generalise \
         'arn:aws:ec2:us-east-1:123456789012:vpc/*'  ({vpc})\n"
    );
    assert!(plain.contains(&hint), "{plain}");
    let wide = text(&["arn:aws:ec2:*:*:vpc/*"]);
    let told =
        "  `arn:aws:ec2:*:*:vpc/*` stands for 1 resource, and allows any region, any account\n";
    assert!(wide.contains(told) && !wide.contains("--generalise"), "{wide}");
}

#[test]
fn what_a_policy_would_take_for_its_own_characters_is_written_as_a_literal() {
    let object = "arn:aws:s3:::b/a*${aws:username}";
    let entries = [entry(APP, json!([check("s3:GetObject", object, json!({}))]))];
    let least = of_app(&entries, &[]);
    assert_eq!(least.needed.not_allowed, [""; 0]);
    assert_eq!(
        least.needed.policies[0]["Statement"][0]["Resource"],
        "arn:aws:s3:::b/a${*}${$}{aws:username}"
    );
}

#[rstest::rstest]
#[case("kms:DescribeKey", "arn:aws:kms:us-east-1:123456789012:key/k")]
#[case("kms:ListAliases", "*")]
#[case("sts:AssumeRole", "arn:aws:iam::123456789012:role/r")]
fn what_has_a_policy_of_its_own_is_left_to_the_accounts(
    #[case] action: &str,
    #[case] resource: &str,
) {
    let entries = [entry(APP, json!([check(action, resource, json!({}))]))];
    let least = of_app(&entries, &[]);
    assert_eq!(least.needed.not_allowed, [""; 0]);
    assert_eq!(least.needed.policies[0]["Statement"][0]["Action"], action);
}

#[test]
fn a_pattern_stands_for_keys_too() {
    let key = "arn:aws:kms:us-east-1:123456789012:key/0f4bb4a6-6a2c-4a9c-9d44-9d7b1c1a2b3c";
    let entries = [entry(APP, json!([check("kms:DescribeKey", key, json!({}))]))];
    let pattern = "arn:aws:kms:us-east-1:123456789012:key/*";
    let least = of_app(&entries, &[pattern]);
    assert_eq!(least.needed.policies[0]["Statement"][0]["Resource"], pattern);
    assert_eq!((least.generalised[0].resources, least.varying.len()), (1, 0));
}

#[test]
fn what_does_not_fit_into_one_policy_becomes_several() {
    let checks: Vec<Value> = (0..300)
        .map(|number| {
            check("s3:GetObject", &format!("arn:aws:s3:::bucket/some/key/{number}"), json!({}))
        })
        .collect();
    let entries = [entry(APP, Value::Array(checks))];
    let least = of_app(&entries, &[]);
    assert_eq!((least.needed.permissions, least.needed.decided), (300, 300));
    assert_eq!(least.needed.policies.len(), 2);
    for policy in &least.needed.policies {
        let size = policy.to_string().chars().filter(|c| !c.is_whitespace()).count();
        assert!(size <= 6_144, "{size}");
    }
}

#[test]
fn what_something_else_denies_and_what_is_not_mapped_is_told_of() {
    let role = "arn:aws:iam::123456789012:role/r";
    let mut denied = check("iam:CreateUser", role, json!({}));
    denied["outcome"] = json!("explicit_deny");
    denied["layer"] = json!("scp");
    denied["explanation"] = json!("because");
    let mut unmapped = entry(APP, json!([]));
    unmapped.observed.as_mut().unwrap().unmapped = Some("no mapping".into());
    let least = of_app(&[entry(APP, json!([denied])), unmapped], &[]);
    assert_eq!(
        least.denied,
        [Denied {
            action: "iam:CreateUser".into(),
            resource: role.into(),
            layer: "scp".into(),
            explanation: "because".into()
        }]
    );
    assert_eq!(least.unmapped.len(), 1);
    assert_eq!(
        (least.unmapped[0].operation.as_str(), least.unmapped[0].reason.as_str()),
        ("GetRole", "no mapping")
    );
    assert_eq!(least.calls, 1);
}

#[test]
fn grants_that_were_never_used_are_told_of() {
    let document = json!({"Version": "2012-10-17", "Statement": [
        {"Sid": "Roles", "Effect": "Allow", "Action": ["iam:GetRole", "iam:Tag*"], "Resource": "*"},
        {"Effect": "Allow", "Action": "sqs:*", "Resource": "*"},
        {"Sid": "No", "Effect": "Deny", "Action": "*", "Resource": "*"},
    ]});
    let mut first = entry(
        APP,
        json!([
            check("iam:GetRole", "arn:aws:iam::123456789012:role/r", json!({})),
            check("iam:TagRole", "arn:aws:iam::123456789012:role/r", json!({})),
        ]),
    );
    first.observed = serde_json::from_value(
        json!({"policies": [{"name": "own", "document": document.to_string()}]}),
    )
    .unwrap();
    let unused = of_app(&[first], &[]).unused.unwrap();
    let short: Vec<(Option<&str>, Option<&str>, usize)> = unused
        .iter()
        .map(|unused| (unused.sid.as_deref(), unused.action.as_deref(), unused.used.len()))
        .collect();
    assert_eq!(short, [(Some("Roles"), Some("iam:Tag*"), 1), (None, Some("sqs:*"), 0)]);
    assert!(unused[1].granted.unwrap() >= 20, "{:?}", unused[1].granted);
}

#[test]
fn what_a_call_only_may_need_is_told_and_not_granted() {
    let role = "arn:aws:iam::123456789012:role/r";
    let linked = "arn:aws:iam::123456789012:role/aws-service-role/x.amazonaws.com/R";
    let perhaps = |action: &str, resource: &str| {
        let mut check = check(action, resource, json!({}));
        check["perhaps"] = json!("where the account has no such role");
        check["outcome"] = json!("undecided");
        check
    };
    let document = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "iam:CreateServiceLinkedRole", "Resource": "*"},
        {"Effect": "Allow", "Action": "iam:DeleteRole", "Resource": "*"},
    ]});
    let mut first = entry(
        APP,
        json!([
            check("iam:GetRole", role, json!({})),
            perhaps("iam:CreateServiceLinkedRole", linked),
            perhaps("iam:TagRole", role),
        ]),
    );
    first.observed = serde_json::from_value(
        json!({"policies": [{"name": "own", "document": document.to_string()}]}),
    )
    .unwrap();
    let second = entry(APP, json!([check("iam:TagRole", role, json!({}))]));
    let least = of_app(&[first, second], &[]);
    // The second call surely needs what the first may need.
    assert_eq!(
        least.needed.policies,
        [json!({"Version": "2012-10-17", "Statement": [{"Sid": "Iam1", "Effect": "Allow",
            "Action": ["iam:GetRole", "iam:TagRole"], "Resource": role}]})]
    );
    assert_eq!((least.needed.permissions, least.needed.decided), (2, 2));
    assert_eq!(
        least.perhaps,
        [Perhaps {
            action: "iam:CreateServiceLinkedRole".to_owned(),
            resource: linked.to_owned(),
            reason: "where the account has no such role".to_owned(),
        }]
    );
    // Granted by a present policy, it is not granted in vain.
    let unused = least.unused.as_deref().unwrap();
    let unused: Vec<Option<&str>> = unused.iter().map(|it| it.action.as_deref()).collect();
    assert_eq!(unused, [Some("iam:DeleteRole")]);
    let text = table(&Report { observed: true, principals: vec![least] });
    let line =
        format!("  iam:CreateServiceLinkedRole on {linked}: where the account has no such role");
    assert!(text.lines().any(|it| it == line), "{text}");
}

#[test]
fn of_a_guard_that_enforces_only_what_was_allowed_counts() {
    let role = "arn:aws:iam::123456789012:role/r";
    let mut refused = entry(APP, json!([check("iam:GetRole", role, json!({}))]));
    refused.observed = None;
    let mut allowed = entry(APP, json!([check("iam:TagRole", role, json!({}))]));
    allowed.observed = None;
    allowed.outcome = ringfence_guard::journal::Ending::Allowed;
    let least = of_app(&[refused, allowed], &[]);
    assert_eq!(least.needed.policies[0]["Statement"][0]["Action"], "iam:TagRole");
    assert!(least.unused.is_none());
}

#[rstest::rstest]
#[case("arn:aws:sts::123456789012:assumed-role/app/s", "role/app")]
#[case("arn:aws:iam::123456789012:role/path/app", "role/app")]
#[case("role/app", "role/app")]
#[case("arn:aws:iam::123456789012:user/path/u", "user/u")]
#[case("arn:aws:iam::123456789012:root", "root of 123456789012")]
fn principals_are_named_by_arn_or_kind(#[case] text: &str, #[case] named: &str) {
    assert_eq!(text.parse::<Principal>().unwrap().to_string(), named);
}

#[rstest::rstest]
#[case("app")]
#[case("group/app")]
#[case("arn:aws:s3:::bucket")]
#[case("assumed-role/app/s")]
fn other_texts_name_nobody(#[case] text: &str) {
    let error = text.parse::<Principal>().unwrap_err().to_string();
    assert!(error.starts_with(&format!("`{text}` names no principal")), "{error}");
}
