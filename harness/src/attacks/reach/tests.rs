use serde_json::json;

use super::grants::Policies;
use super::*;

fn policies(identity: serde_json::Value, boundary: Option<serde_json::Value>) -> Policies {
    let document = |statements: serde_json::Value| {
        json!({"Version": "2012-10-17", "Statement": statements}).to_string()
    };
    let boundary = boundary.map(|statements| ("limits".to_owned(), document(statements)));
    Policies::parse(&[("own".to_owned(), document(identity))], boundary.as_ref()).unwrap()
}

fn names(reach: &Reach) -> Vec<&str> {
    reach.rows.iter().map(|row| row.action.as_str()).collect()
}

#[test]
fn what_is_granted_is_reachable_where_it_is_granted() {
    let own = "arn:aws:lambda:us-east-1:123456789012:function:a";
    let reach = Reach::of(
        "a",
        &policies(
            json!([{"Effect": "Allow", "Action": "lambda:UpdateFunctionConf*", "Resource": own}]),
            None,
        ),
    );
    assert_eq!(names(&reach), ["lambda:UpdateFunctionConfiguration"]);
    assert_eq!(reach.rows[0].resources, [own]);
    assert_eq!((reach.actions(), reach.changing()), (1, 1));
}

#[test]
fn the_boundary_takes_away_what_it_does_not_allow() {
    let reach = Reach::of(
        "a",
        &policies(
            json!([{"Effect": "Allow", "Action": "*", "Resource": "*"}]),
            Some(json!([
                {"Effect": "Allow", "Action": ["logs:PutLogEvents", "iam:CreateUser"], "Resource": "*"},
                {"Sid": "NoIdentities", "Effect": "Deny", "Action": "iam:*", "Resource": "*"},
            ])),
        ),
    );
    assert_eq!(names(&reach), ["logs:PutLogEvents"]);
}

#[test]
fn conditions_remain_and_denies_that_carve_something_out_are_told() {
    let reach = Reach::of(
        "a",
        &policies(
            json!([
                {
                    "Effect": "Allow", "Action": "iam:CreateRole",
                    "Resource": "arn:aws:iam::123456789012:role/app-*",
                    "Condition": {"StringEquals": {"iam:PermissionsBoundary": "limits"}},
                },
                {
                    "Sid": "NotThisOne", "Effect": "Deny", "Action": "iam:CreateRole",
                    "Resource": "arn:aws:iam::123456789012:role/app-admin",
                },
            ]),
            None,
        ),
    );
    let [row] = &reach.rows[..] else { panic!("{reach:?}") };
    assert_eq!(row.resources, ["arn:aws:iam::123456789012:role/app-*"]);
    assert_eq!(row.conditions, ["StringEquals iam:PermissionsBoundary limits"]);
    assert_eq!(row.limited_by, ["NotThisOne of own"]);
}

#[test]
fn an_action_without_resources_needs_a_star() {
    let grant = |resource: &str| {
        let statement =
            json!([{"Effect": "Allow", "Action": "lambda:ListFunctions", "Resource": resource}]);
        Reach::of("a", &policies(statement, None)).actions()
    };
    assert_eq!(grant("*"), 1);
    assert_eq!(grant("arn:aws:lambda:us-east-1:123456789012:function:a"), 0);
}

#[test]
fn a_statement_about_other_resources_reaches_nothing() {
    let statement = json!([
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:lambda:*:*:function:a"}
    ]);
    assert_eq!(Reach::of("a", &policies(statement, None)).actions(), 0);
}

/// Where the usual name is not allowed, another one is looked for in the patterns;
/// names without one leave nothing new.
#[rstest::rstest]
#[case("ledger-*", Some("ledger-inside"))]
#[case("ledger-fn-*", Some("ledger-fn-ringfence"))]
#[case("ledger", None)]
fn a_new_name_is_one_that_the_policies_allow(#[case] allowed: &str, #[case] name: Option<&str>) {
    let arn = |name: &str| format!("arn:aws:lambda:us-east-1:123456789012:function:{name}");
    let policies = policies(
        json!([{"Effect": "Allow", "Action": "lambda:CreateFunction", "Resource": arn(allowed)}]),
        None,
    );
    let free = policies.free("lambda:CreateFunction", &arn("ledger-inside"));
    assert_eq!(free, name.map(arn));
    assert_eq!(policies.free("lambda:DeleteFunction", &arn("ledger-inside")), None);
}
