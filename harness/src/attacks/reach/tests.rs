use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::*;

const OWN: &str = "arn:aws:iam::123456789012:role/app";
const LIMITS: &str = "arn:aws:iam::123456789012:policy/limits";

fn document(statements: &Value) -> String {
    json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}

fn found(identity: &Value, boundary: Option<&Value>) -> RolePolicies {
    let trust = json!([{"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"Service": "lambda.amazonaws.com"}}]);
    RolePolicies {
        inline: vec![("own".to_owned(), document(identity))],
        boundary: boundary.map(|it| ("limits".to_owned(), document(it))),
        trust: document(&trust),
        ..RolePolicies::default()
    }
}

fn beside() -> Beside {
    Beside { estate: Estate::default(), stated: Stated::default(), unread: Vec::new() }
}

fn reach_beside(mut beside: Beside, found: &RolePolicies) -> Reach {
    let name = beside.with(OWN, found).unwrap();
    beside.reach("app".to_owned(), &name).unwrap()
}

fn reach(identity: Value, boundary: Option<Value>) -> Reach {
    reach_beside(beside(), &found(&identity, boundary.as_ref()))
}

/// Each action with what its smallest request acts upon.
fn rows(reach: &Reach) -> Vec<(&str, &str)> {
    reach.rows.iter().map(|row| (row.action.as_str(), row.request.resource.as_str())).collect()
}

fn names(reach: &Reach) -> Vec<&str> {
    reach.rows.iter().map(|row| row.action.as_str()).collect()
}

#[test]
fn what_is_granted_is_reachable_where_it_is_granted() {
    let own = "arn:aws:lambda:us-east-1:123456789012:function:a";
    let reach = reach(
        json!([{"Sid": "Configure", "Effect": "Allow", "Action": "lambda:UpdateFunctionConf*",
                "Resource": own}]),
        None,
    );
    assert_eq!(rows(&reach), [("lambda:UpdateFunctionConfiguration", own)]);
    assert_eq!(reach.rows[0].allowed_by, ["statement `Configure` of `own`"]);
    assert_eq!((reach.actions(), reach.changing()), (1, 1));
    assert_eq!(reach.undecided, Vec::<String>::new());
}

#[test]
fn the_boundary_takes_away_what_it_does_not_allow() {
    let reach = reach(
        json!([{"Effect": "Allow", "Action": "*", "Resource": "*"}]),
        Some(json!([
            {"Effect": "Allow", "Action": ["logs:PutLogEvents", "iam:CreateUser"], "Resource": "*"},
            {"Sid": "NoIdentities", "Effect": "Deny", "Action": "iam:*", "Resource": "*"},
        ])),
    );
    assert_eq!(names(&reach), ["logs:PutLogEvents"]);
}

/// What statement lists take for reachable and no request is allowed: a Deny that takes all
/// of it by parts, a condition that cannot hold, and one that nothing fulfils together with
/// the boundary's. Beside each, the same where something is left.
#[rstest::rstest]
#[case::denied_by_parts(
    json!([{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::data/*"},
           {"Effect": "Deny", "Action": "s3:Get*", "Resource": "arn:aws:s3:::data/*",
            "Condition": {"Bool": {"aws:SecureTransport": "true"}}},
           {"Effect": "Deny", "Action": "s3:Get*", "Resource": "arn:aws:s3:::data/*",
            "Condition": {"Bool": {"aws:SecureTransport": "false"}}}]),
    None, &[]
)]
#[case::denied_in_part(
    json!([{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::data/*"},
           {"Effect": "Deny", "Action": "s3:Get*", "Resource": "arn:aws:s3:::data/*",
            "Condition": {"Bool": {"aws:SecureTransport": "false"}}}]),
    None, &["s3:GetObject"]
)]
#[case::a_condition_that_cannot_hold(
    json!([{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", "Condition":
            {"NumericLessThan": {"s3:TlsVersion": "1"},
             "NumericGreaterThan": {"s3:TlsVersion": "2"}}}]),
    None, &[]
)]
#[case::a_condition_that_can(
    json!([{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", "Condition":
            {"NumericLessThan": {"s3:TlsVersion": "2"},
             "NumericGreaterThan": {"s3:TlsVersion": "1"}}}]),
    None, &["s3:GetObject"]
)]
#[case::a_value_that_a_key_never_has(
    json!([{"Effect": "Allow", "Action": "iam:CreateRole", "Resource": "*", "Condition":
            {"StringEquals": {"iam:PermissionsBoundary": "limits"}}}]),
    None, &[]
)]
#[case::conditions_of_two_layers(
    json!([{"Effect": "Allow", "Action": "iam:CreateUser", "Resource": "*", "Condition":
            {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}}]),
    Some(json!([{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition":
            {"IpAddress": {"aws:SourceIp": "198.51.100.0/24"}}}])),
    &[]
)]
#[case::conditions_of_two_layers_that_meet(
    json!([{"Effect": "Allow", "Action": "iam:CreateUser", "Resource": "*", "Condition":
            {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}}]),
    Some(json!([{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition":
            {"IpAddress": {"aws:SourceIp": "203.0.0.0/16"}}}])),
    &["iam:CreateUser"]
)]
fn what_no_request_is_allowed_is_no_row(
    #[case] identity: Value,
    #[case] boundary: Option<Value>,
    #[case] left: &[&str],
) {
    assert_eq!(names(&reach(identity, boundary)), left);
}

/// The request carries what conditions ask for, and is none that a Deny takes away.
#[test]
fn a_row_has_a_smallest_request() {
    let reach = reach(
        json!([
            {"Effect": "Allow", "Action": "iam:CreateRole",
             "Resource": "arn:aws:iam::123456789012:role/app-*",
             "Condition": {"StringEquals": {"iam:PermissionsBoundary": LIMITS}}},
            {"Effect": "Deny", "Action": "iam:CreateRole",
             "Resource": "arn:aws:iam::123456789012:role/app-"},
        ]),
        None,
    );
    let [row] = &reach.rows[..] else { panic!("{reach:?}") };
    assert_eq!(row.request.resource, "arn:aws:iam::123456789012:role/app-a");
    let limits = ("iam:permissionsboundary".to_owned(), Held::One(LIMITS.to_owned()));
    assert_eq!(row.request.context, BTreeMap::from([limits]));
    let ringfence_evidence::Reach { rows, actions, .. } = reach.into();
    let [ReachRow::Decided(row)] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!(
        row.to_string(),
        format!("arn:aws:iam::123456789012:role/app-a with iam:permissionsboundary = {LIMITS}")
    );
    assert!(actions > 20_000, "{actions}");
}

#[test]
fn an_action_without_resources_needs_a_star() {
    let grant = |resource: &str| {
        let statement =
            json!([{"Effect": "Allow", "Action": "lambda:ListFunctions", "Resource": resource}]);
        reach(statement, None).actions()
    };
    assert_eq!(grant("*"), 1);
    assert_eq!(grant("arn:aws:lambda:us-east-1:123456789012:function:a"), 0);
}

#[test]
fn a_statement_about_other_resources_reaches_nothing() {
    let statement = json!([
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:lambda:*:*:function:a"}
    ]);
    assert_eq!(reach(statement, None).actions(), 0);
}

/// A role that names another in its trust policy lets it in, if its own policies let it.
#[rstest::rstest]
#[case::by_its_account("123456789012", 0)]
#[case::by_its_arn(OWN, 1)]
fn a_trust_policy_of_another_role_counts(#[case] named: &str, #[case] actions: usize) {
    let mut beside = beside();
    let trust =
        json!([{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": named}}]);
    let other = RolePolicies { trust: document(&trust), ..RolePolicies::default() };
    beside.with("arn:aws:iam::123456789012:role/other", &other).unwrap();
    let reach =
        reach_beside(beside, &RolePolicies { inline: Vec::new(), ..found(&json!([]), None) });
    assert_eq!(reach.actions(), actions, "{reach:?}");
    for row in &reach.rows {
        assert_eq!(row.action, "sts:AssumeRole");
        assert_eq!(row.with.as_deref(), Some("trust of role/other"));
    }
}

/// A control policy of the organization and the policy of an endpoint limit it, the latter
/// for the services that it is an endpoint of.
#[test]
fn control_policies_and_endpoints_limit_it() {
    let everything = json!([{"Effect": "Allow", "Action": "*", "Resource": "*"}]);
    let own = json!([{"Effect": "Allow", "Resource": "*", "Action":
        ["s3:GetObject", "s3:PutObject", "sqs:SendMessage", "iam:CreateUser"]}]);
    let parse = |statements: &Value, kind| {
        Arc::new(ringfence_policy::Document::parse("p", &document(statements), kind).unwrap())
    };
    let no_users = json!([{"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Effect": "Deny", "Action": "iam:CreateUser", "Resource": "*"}]);
    let reads = json!([{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
        "Resource": "*"}]);
    let asked = |level: &Value, callers: &str| {
        let mut beside = beside();
        beside.stated.levels.service =
            vec![vec![parse(level, ringfence_policy::Kind::ServiceControl)]];
        beside.stated.endpoints = vec![crate::access::control::Through {
            policy: parse(&reads, ringfence_policy::Kind::VpcEndpoint),
            services: vec!["s3".to_owned()],
            callers: vec![callers.to_owned()],
        }];
        let reach = reach_beside(beside, &found(&own, None));
        names(&reach).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let all = ["iam:CreateUser", "s3:GetObject", "s3:PutObject", "sqs:SendMessage"];
    assert_eq!(asked(&everything, "role/other"), all);
    assert_eq!(asked(&no_users, "role/other"), all[1..]);
    assert_eq!(asked(&no_users, "role/a*"), ["s3:GetObject", "sqs:SendMessage"]);
}

/// What cannot be decided is told, in the table too, and is no row.
#[test]
fn what_is_undecided_is_told() {
    let mut beside = beside();
    beside.unread.push("what policies of resources allow is not known: no state".to_owned());
    let other = RolePolicies { trust: "{}".to_owned(), ..RolePolicies::default() };
    beside.with("arn:aws:iam::123456789012:role/other", &other).unwrap();
    let statement = json!([{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*",
        "Condition": {"StringEquals": {"aws:username": "${aws:PrincipalTag/a}"}}}]);
    let reach = reach_beside(beside, &found(&statement, None));
    let last = reach.undecided.last().unwrap();
    assert_eq!(last, "what policies of resources allow is not known: no state");
    let trust = "the trust of role/other cannot be read: ";
    assert!(reach.undecided.iter().any(|it| it.starts_with(trust)), "{reach:?}");
    let table = reach.table();
    assert!(table.contains(&format!("    undecided: {last}\n")), "{table}");
    let kept = ringfence_evidence::Reach::from(reach);
    assert_eq!(
        kept.undecided.last().map(String::as_str),
        Some("what policies of resources allow is not known: no state")
    );
}
