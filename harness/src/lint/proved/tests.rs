use ringfence_policy::Kind;
use rstest::rstest;
use serde_json::{Value, json};

use super::ask::Asker;
use super::shape::Statements;
use super::{judge, rules};
use crate::lint::Finding;
use crate::lint::known::{Node, Place};
use crate::lint::read::{Read, read};
use crate::lint::source::Source;

/// What is found of a document, but for its place.
fn found(kind: Kind, statements: &Value) -> Vec<Finding> {
    let text = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
    let source = Source::file(kind, text);
    crate::lint::found("p.json", &source, &source.parse().unwrap())
}

/// The messages of the findings of some rules, with their statements.
fn told(kind: Kind, statements: &Value, of: &[&str]) -> Vec<(usize, String)> {
    let own = found(kind, statements).into_iter().filter(|one| of.contains(&one.rule));
    own.map(|one| (one.statement.unwrap(), one.message)).collect()
}

fn allow(condition: &Value) -> Value {
    json!({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*",
        "Condition": condition})
}

const NEVER: &str = "so the statement never allows anything";

#[rstest]
#[case::two_of_one_key(
    json!({"StringEquals": {"aws:username": "a"}, "StringNotEquals": {"aws:username": ["a", "b"]}}),
    json!({"StringEquals": {"aws:username": "c"}, "StringNotEquals": {"aws:username": ["a", "b"]}}),
    "no request meets both StringEquals of `aws:username` and StringNotEquals of `aws:username`"
)]
#[case::numbers(
    json!({"NumericLessThan": {"s3:TlsVersion": "3"}, "NumericGreaterThan": {"s3:TlsVersion": "5"}}),
    json!({"NumericLessThan": {"s3:TlsVersion": "5"}, "NumericGreaterThan": {"s3:TlsVersion": "3"}}),
    "no request meets both NumericLessThan of `s3:TlsVersion` and NumericGreaterThan of `s3:TlsVersion`"
)]
#[case::numbers_that_meet(
    json!({"NumericLessThan": {"s3:TlsVersion": "3"}, "NumericGreaterThanEquals": {"s3:TlsVersion": "3"}}),
    json!({"NumericLessThanEquals": {"s3:TlsVersion": "3"}, "NumericGreaterThanEquals": {"s3:TlsVersion": "3"}}),
    "no request meets both NumericLessThan of `s3:TlsVersion` and NumericGreaterThanEquals of `s3:TlsVersion`"
)]
#[case::what_is_absent(
    json!({"Null": {"s3:ExistingObjectTag/a": "true"}, "StringEquals": {"s3:ExistingObjectTag/a": "v"}}),
    json!({"Null": {"s3:ExistingObjectTag/a": "false"}, "StringEquals": {"s3:ExistingObjectTag/a": "v"}}),
    "no request meets both Null of `s3:ExistingObjectTag/a` and StringEquals of `s3:ExistingObjectTag/a`"
)]
#[case::dates(
    json!({"DateLessThan": {"aws:CurrentTime": "2026-01-01T00:00:00Z"}, "DateGreaterThan": {"aws:CurrentTime": "2027-01-01T00:00:00Z"}}),
    json!({"DateLessThan": {"aws:CurrentTime": "2027-01-01T00:00:00Z"}, "DateGreaterThan": {"aws:CurrentTime": "2026-01-01T00:00:00Z"}}),
    "no request meets both DateLessThan of `aws:CurrentTime` and DateGreaterThan of `aws:CurrentTime`"
)]
#[case::addresses(
    json!({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}, "NotIpAddress": {"aws:SourceIp": "10.0.0.0/7"}}),
    json!({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}, "NotIpAddress": {"aws:SourceIp": "10.0.0.0/9"}}),
    "no request meets both IpAddress of `aws:SourceIp` and NotIpAddress of `aws:SourceIp`"
)]
#[case::arns(
    json!({"ArnLike": {"aws:SourceArn": "arn:aws:sns:*:*:a*"}, "ArnNotLike": {"aws:SourceArn": "arn:aws:sns:*:*:*"}}),
    json!({"ArnLike": {"aws:SourceArn": "arn:aws:sns:*:*:*"}, "ArnNotLike": {"aws:SourceArn": "arn:aws:sns:*:*:a*"}}),
    "no request meets both ArnLike of `aws:SourceArn` and ArnNotLike of `aws:SourceArn`"
)]
#[case::a_text_that_no_truth_has(
    json!({"StringEquals": {"aws:SecureTransport": "True"}}),
    json!({"StringEquals": {"aws:SecureTransport": "true"}}),
    "StringEquals of `aws:SecureTransport` holds for no request"
)]
#[case::three_of_one_key(
    json!({"StringEquals": {"aws:username": ["a", "b"]}, "StringNotEquals": {"aws:username": "a"}, "StringNotLike": {"aws:username": "b*"}}),
    json!({"StringEquals": {"aws:username": ["a", "b", "c"]}, "StringNotEquals": {"aws:username": "a"}, "StringNotLike": {"aws:username": "b*"}}),
    "no request meets all of its conditions"
)]
fn a_statement_that_no_request_meets(
    #[case] never: Value,
    #[case] twin: Value,
    #[case] message: &str,
    #[values("Allow", "Deny")] effect: &str,
) {
    let so = NEVER.replace("allows", if effect == "Allow" { "allows" } else { "denies" });
    let of = |condition: &Value| {
        let mut statement = allow(condition);
        statement["Effect"] = json!(effect);
        told(Kind::Identity, &statement, &["never-matches"])
    };
    assert_eq!(of(&never), [(1, format!("{message}, {so}"))]);
    assert_eq!(of(&twin), []);
}

#[test]
fn a_statement_about_nothing_is_told() {
    let of = |but: &str| {
        let statement = json!({"Effect": "Deny", "Action": "s3:*", "NotResource": but});
        told(Kind::Identity, &statement, &["never-matches"])
    };
    let never = "there is no request that it is about, so the statement never denies anything";
    assert_eq!(of("*"), [(1, never.to_owned())]);
    assert_eq!(of("arn:aws:s3:::b/*"), []);
}

/// A session that a user federates has its account, and is behind its user.
#[rstest]
#[case::of_the_account("root", json!({"StringEquals": {"aws:PrincipalType": "FederatedUser"}}))]
#[case::of_a_user(
    "user/u",
    json!({"ArnLike": {"aws:PrincipalArn": "arn:aws:sts::123456789012:federated-user/*"}})
)]
fn a_federated_session_is_a_request(#[case] whom: &str, #[case] condition: Value) {
    let of = |condition: Value| {
        let mut statement = allow(&condition);
        statement["Principal"] = json!({"AWS": format!("arn:aws:iam::123456789012:{whom}")});
        told(Kind::Resource, &statement, &["never-matches"])
    };
    assert_eq!(of(condition.clone()), []);
    // It has no name of a user.
    let mut never = condition;
    never["Null"] = json!({"aws:username": "false"});
    let found = of(never);
    assert!(matches!(found.as_slice(), [(1, _)]), "{found:?}");
}

/// What lint says of the text it says better.
#[rstest]
#[case::a_key_that_is_never_carried(json!({"StringEquals": {"ec2:Region": "eu-west-1"}}), "key-never-carried")]
#[case::a_value_that_cannot_be_read(json!({"NumericEquals": {"s3:TlsVersion": "x"}}), "unreadable-value")]
fn what_never_matches_is_told_once(#[case] condition: Value, #[case] rule: &str) {
    let mut rules: Vec<&str> =
        found(Kind::Identity, &allow(&condition)).into_iter().map(|one| one.rule).collect();
    rules.retain(|one| *one == rule || *one == "never-matches");
    assert_eq!(rules, [rule]);
}

/// The place is the key's, and the numbers are the file's.
#[test]
fn a_finding_has_its_place() {
    let text = "{\"Statement\": [{\"Sid\": \"A\", \"Effect\": \"Allow\", \"Action\": \"*\", \"Resource\": \"*\"},\n \
                {\"Sid\": \"B\", \"Effect\": \"Deny\", \"Action\": \"s3:*\", \"Resource\": \"*\",\n  \
                \"Condition\": {\"StringEquals\": {\"aws:SecureTransport\": \"True\"}}}]}";
    let source = Source::file(Kind::Identity, text.to_owned());
    let all = crate::lint::found("p.json", &source, &source.parse().unwrap());
    let one = all.iter().find(|one| one.rule == "never-matches").unwrap();
    assert_eq!((one.line, one.column, one.statement), (3, 34, Some(2)));
    assert_eq!(one.sid.as_deref(), Some("B"));
    assert_eq!(one.file, "p.json");
}

#[rstest]
#[case::by_one(json!([{"Effect": "Deny", "Action": "s3:*", "Resource": "*"}]), Some("statement 2 denies"))]
#[case::by_one_of_two(
    json!([
        {"Effect": "Deny", "Action": "s3:Put*", "Resource": "*"},
        {"Sid": "NoReads", "Effect": "Deny", "NotAction": "s3:Put*", "Resource": "*"},
    ]),
    Some("statement 3 (NoReads) denies")
)]
#[case::together(
    json!([
        {"Effect": "Deny", "Action": "s3:*", "Resource": "*", "Condition": {"Bool": {"aws:SecureTransport": "true"}}},
        {"Effect": "Deny", "Action": "s3:*", "Resource": "*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}},
    ]),
    Some("the Denies of the document together deny")
)]
#[case::in_part(
    json!([{"Effect": "Deny", "Action": "s3:*", "Resource": "*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}]),
    None
)]
#[case::of_another_bucket(json!([{"Effect": "Deny", "Action": "s3:*", "Resource": "arn:aws:s3:::c/*"}]), None)]
#[case::but_for_some(
    json!([{"Effect": "Deny", "Action": "*", "NotResource": "arn:aws:s3:::b/public/*"}]),
    None
)]
fn an_allow_that_is_denied_wholly(#[case] denies: Value, #[case] who: Option<&str>) {
    let own = json!({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"});
    let all: Vec<Value> = std::iter::once(own).chain(denies.as_array().unwrap().clone()).collect();
    let expected =
        who.map(|who| (1, format!("{who} all that it allows, so it never takes effect")));
    let found = told(Kind::Identity, &json!(all), &["never-takes-effect"]);
    assert_eq!(found, expected.into_iter().collect::<Vec<_>>());
}

/// In a resource's policy Denies are of whom they name.
#[rstest]
#[case::everybody(json!("*"), 1)]
#[case::the_same(json!({"AWS": "arn:aws:iam::123456789012:role/r"}), 1)]
#[case::others(json!({"AWS": "arn:aws:iam::123456789012:role/other"}), 0)]
fn a_resources_denies_are_of_whom_they_name(#[case] whose: Value, #[case] count: usize) {
    let of = |effect: &str, whom: &Value| {
        json!({"Effect": effect, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*",
            "Principal": whom})
    };
    let role = json!({"AWS": "arn:aws:iam::123456789012:role/r"});
    let all = json!([of("Allow", &role), of("Deny", &whose)]);
    assert_eq!(told(Kind::Resource, &all, &["never-takes-effect"]).len(), count);
}

#[rstest]
#[case::all_of_them(json!({"ForAllValues:StringLike": {"aws:TagKeys": "*"}}), "ForAllValues:StringLike of `aws:TagKeys`")]
#[case::there_or_not(json!({"Null": {"s3:prefix": ["true", "false"]}}), "Null of `s3:prefix`")]
#[case::any_or_none(json!({"StringLikeIfExists": {"s3:prefix": "*"}}), "StringLikeIfExists of `s3:prefix`")]
#[case::both_truths(json!({"Bool": {"aws:SecureTransport": ["true", "false"]}}), "Bool of `aws:SecureTransport`")]
fn a_condition_that_limits_nothing(#[case] condition: Value, #[case] what: &str) {
    let statement = json!({"Effect": "Allow", "Action": "s3:ListBucket",
        "Resource": "arn:aws:s3:::b", "Condition": condition});
    let one = "for one, `s3:ListBucket` on `arn:aws:s3:::b`";
    let message = format!("{what} holds for every request, so it limits nothing: {one}");
    let found = told(Kind::Identity, &statement, &["condition-limits-nothing"]);
    let [(1, told)] = found.as_slice() else { panic!("{found:?}") };
    assert!(told.starts_with(&message), "{told}");
}

#[rstest]
#[case(json!({"StringLike": {"s3:prefix": "*"}}))]
#[case(json!({"StringLikeIfExists": {"s3:prefix": "a*"}}))]
#[case(json!({"ForAnyValue:StringLike": {"aws:TagKeys": "*"}}))]
#[case(json!({"StringLikeIfExists": {"aws:TagKeys": "*"}}))]
#[case(json!({"StringLikeIfExists": {"s3:Unheard": "*"}}))]
#[case(json!({"Null": {"s3:prefix": "true"}}))]
#[case(json!({"Bool": {"aws:SecureTransport": "true"}}))]
#[case(json!({"StringNotEquals": {"aws:PrincipalType": "User"}}))]
fn a_condition_that_limits_something(#[case] condition: Value) {
    let statement = json!({"Effect": "Allow", "Action": "s3:ListBucket",
        "Resource": "arn:aws:s3:::b", "Condition": condition});
    let rules = ["condition-limits-nothing", "never-matches"];
    assert_eq!(told(Kind::Identity, &statement, &rules), []);
}

/// Where a resource has the key's value in it, there is none without the key.
#[test]
fn a_condition_that_says_what_a_variable_asks_for_is_no_finding() {
    let statement = json!({"Effect": "Allow", "Action": "s3:ListBucket",
        "Resource": "arn:aws:s3:::b-${aws:PrincipalTag/Team}",
        "Condition": {"Null": {"aws:PrincipalTag/team": "false"}}});
    assert_eq!(told(Kind::Identity, &statement, &["condition-limits-nothing"]), []);
}

/// What lint finds of the text shows in a request, or is no finding.
#[test]
fn what_is_granted_beyond_what_is_said_has_a_request() {
    let of = |statements: &Value, rule: &str| told(Kind::Identity, statements, &[rule]);
    let but = json!({"Effect": "Allow", "NotAction": "iam:*", "Resource": "arn:aws:s3:::b/*"});
    let found = of(&but, "allow-of-all-but-some");
    assert!(found[0].1.contains(" included: for one, `s3:"), "{found:?}");
    let none = json!([but, {"Effect": "Deny", "NotAction": "iam:*", "Resource": "*"}]);
    assert_eq!(of(&none, "allow-of-all-but-some"), []);

    let absent = |conditions: Value| {
        json!({"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::b",
            "Condition": conditions})
    };
    let found = of(&absent(json!({"StringNotEquals": {"s3:prefix": "a"}})), "allowed-when-absent");
    let one = "so leaving it out is allowed: for one, `s3:ListBucket` on `arn:aws:s3:::b`";
    assert!(found[0].1.contains(one), "{found:?}");
    assert!(!found[0].1.contains("with `"), "{found:?}");
    let held = json!({"StringNotEquals": {"s3:prefix": "a"}, "StringNotEqualsIfExists": {"aws:username": "${s3:prefix}"}});
    assert_eq!(of(&absent(held), "allowed-when-absent").len(), 1);
}

/// A document in a file as a tree, of which a part is not known.
fn tree(kind: Kind, text: &str) -> Vec<Finding> {
    let Ok(Read::Other(root)) = read(text) else { panic!("{text}") };
    let source = Source::tree("it".to_owned(), kind, &opened(root), &mut Vec::new()).unwrap();
    crate::lint::found("p.json", &source, &source.parse().unwrap())
}

/// Each text that is `?` is not known.
fn opened(node: Node) -> Node {
    use crate::lint::known::{Member, Value};
    let at: Place = node.at;
    let value = match node.value {
        Value::Text(text) if text == "?" => Value::Unknown,
        Value::List(items) => Value::List(items.into_iter().map(opened).collect()),
        Value::Map(members) => Value::Map(
            members
                .into_iter()
                .map(|member| Member { value: opened(member.value), ..member })
                .collect(),
        ),
        other => other,
    };
    Node::new(at, value)
}

/// What hangs on a value that is not known is no finding, and what does not is.
#[test]
fn what_is_not_known_is_anything() {
    let of = |statements: &Value| {
        let text = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
        let mut rules: Vec<&str> =
            tree(Kind::Identity, &text).into_iter().map(|one| one.rule).collect();
        rules.retain(|rule| super::ALL.iter().any(|one| one.name == *rule));
        rules
    };
    let both = |value: &str, more: Value| {
        let mut conditions = json!({"StringEquals": {"aws:username": "a"},
            "StringNotEquals": {"aws:username": value}});
        conditions.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "?", "Condition": conditions})
    };
    assert_eq!(of(&both("a", json!({}))), ["never-matches"]);
    assert_eq!(of(&both("?", json!({}))), [""; 0]);
    let elsewhere = json!({"ArnLike": {"aws:SourceArn": "?"}});
    assert_eq!(of(&both("a", elsewhere)), ["never-matches"]);
    let dates = json!({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", "Condition": {
        "DateLessThan": {"aws:CurrentTime": "?"},
        "DateGreaterThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}});
    assert_eq!(of(&dates), [""; 0]);

    let allow = |action: Value, resource: &str| json!({"Effect": "Allow", "Action": action, "Resource": resource});
    let deny = |resource: &str| json!({"Effect": "Deny", "Action": "s3:*", "Resource": [resource, "arn:aws:s3:::b/*"]});
    let s3 = || json!(["s3:GetObject"]);
    let within = "arn:aws:s3:::b/c";
    assert_eq!(of(&json!([allow(s3(), within), deny("?")])), ["never-takes-effect"]);
    assert_eq!(of(&json!([allow(s3(), "arn:aws:s3:::c/c"), deny("?")])), [""; 0]);
    assert_eq!(of(&json!([allow(s3(), "?"), deny("arn:aws:s3:::c")])), [""; 0]);
    assert_eq!(of(&json!([allow(json!(["s3:GetObject", "?"]), within), deny("?")])), [""; 0]);
    let mut some = deny("arn:aws:s3:::c");
    some["Condition"] = json!({"StringEquals": {"aws:username": "?"}});
    assert_eq!(of(&json!([allow(s3(), within), some])), [""; 0]);
}

/// However many statements there are, so many questions are asked at most: a few of each
/// statement, and no more than a bound.
#[test]
fn the_questions_are_bounded() {
    let asked = |statements: &Value| {
        let text = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
        let source = Source::file(Kind::Identity, text);
        let document = source.parse().unwrap();
        let asker = Asker::of(&document);
        let all = Statements::of(&document, &source).unwrap();
        rules::all(&all, &all.denies(), &asker, &[]);
        asker.asked()
    };
    let allow = |at: usize| {
        json!({"Effect": "Allow", "Action": "s3:GetObject", "Resource": format!("arn:aws:s3:::b{at}/*"),
            "Condition": {"StringEquals": {"aws:username": format!("u{at}")}}})
    };
    let allows: Vec<Value> = (0..200).map(allow).collect();
    // Whether it matches, and whether its condition limits something.
    assert_eq!(asked(&json!(allows)), 400);
    let plain: Vec<Value> = (0..200)
        .map(|at| json!({"Effect": "Allow", "Action": "s3:*", "Resource": format!("arn:aws:s3:::b{at}")}))
        .collect();
    assert_eq!(asked(&json!(plain)), 0);
    let denies = (0..100).map(|at| {
        let mut deny = allow(at);
        deny["Effect"] = json!("Deny");
        deny
    });
    let all: Vec<Value> = (0..100).map(allow).chain(denies).collect();
    assert!(asked(&json!(all)) <= super::ask::MOST);
}

/// A document that has nothing to ask about is asked nothing.
#[test]
fn nothing_is_asked_of_what_names_what_it_is_about() {
    let text = json!({"Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}});
    let source = Source::file(Kind::Identity, text.to_string());
    assert_eq!(judge(&source, &source.parse().unwrap(), &mut Vec::new()), []);
}
