//! Callers of whom nothing is given: what follows from who asks is not that of one who
//! stands for many, and what is proved has a good certificate.

#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

use ringfence_certificate::{Certificates, Known, check};
use ringfence_policy::jsonl::Decider;
use ringfence_policy::{Principal, Values};
use ringfence_prove::{Question, Universe, Verdict, certify, within};
use rstest::rstest;
use serde_json::{Value, json};

const ROLE: &str = "arn:aws:iam::111122223333:role/admin";

fn statement(effect: &str, rest: &Value) -> Value {
    let mut statement =
        json!({"Effect": effect, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"});
    statement.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
    statement
}

fn document(statements: &[Value]) -> Value {
    json!({"Version": "2012-10-17", "Statement": statements})
}

fn asked<T>(a: &Value, b: &Value, what: impl FnOnce(&Question<'_>) -> T) -> T {
    let mut decider = Decider::default();
    let [inner, outer] = [a, b].map(|side| decider.policies_of(&side.to_string(), false).unwrap());
    what(&Question { inner: &inner, outer: &outer, principal: None, universe: Universe::All })
}

/// A role that no policy names by `Principal` is allowed by its name in a condition, beside
/// one that is named.
#[rstest]
#[case::its_arn("ArnEquals", "aws:PrincipalArn", ROLE, ROLE)]
#[case::an_account("StringEquals", "aws:PrincipalAccount", "111122223333", "111122223333")]
#[case::a_users_name("StringEquals", "aws:username", "bob", "/bob")]
fn who_is_named_by_a_condition_alone_is_found(
    #[case] operator: &str,
    #[case] key: &str,
    #[case] value: &str,
    #[case] found: &str,
) {
    let condition = json!({"Condition": {operator: {key: value}}, "Resource": "*"});
    let other = json!({"Principal": {"AWS": "arn:aws:iam::111122223333:role/z"}});
    let a = json!({"identity": [document(&[statement("Allow", &condition)])],
        "resource": document(&[statement("Deny", &other)])});
    let Verdict::Violated(witness) = asked(&a, &json!({}), |it| within(it).unwrap()) else {
        panic!("it is allowed")
    };
    let (Principal::User { arn } | Principal::RoleSession { role_arn: arn, .. }) =
        &witness.principal
    else {
        panic!("{witness:?}")
    };
    assert!(arn.contains(found), "{arn}");
}

/// What AWS says of who asks has the values that AWS has for it, and nobody another one.
#[rstest]
#[case::a_service("Bool", "aws:PrincipalServiceName", "true", false)]
#[case::a_services_name("StringLike", "aws:PrincipalServiceName", "*.amazonaws.com", true)]
fn what_is_said_of_who_asks_has_its_form(
    #[case] operator: &str,
    #[case] key: &str,
    #[case] value: &str,
    #[case] is_found: bool,
) {
    let anybody = json!({"Principal": "*", "Condition": {operator: {key: value}}});
    let a = json!({"resource": document(&[statement("Allow", &anybody)])});
    let found = asked(&a, &json!({}), |it| within(it).unwrap());
    assert_eq!(matches!(found, Verdict::Violated(_)), is_found, "{found:?}");
}

/// An unsigned request is of no account, and says nothing of services.
#[rstest]
#[case::of_no_account("StringEquals", "aws:PrincipalAccount", "anonymous", true)]
#[case::of_an_account("StringLike", "aws:PrincipalAccount", "1*", false)]
#[case::an_account_is_there("Null", "aws:PrincipalAccount", "true", false)]
#[case::of_no_id("StringEquals", "aws:userid", "anonymous", true)]
#[case::an_id_is_there("Null", "aws:userid", "true", false)]
#[case::of_no_service("Null", "aws:PrincipalIsAWSService", "true", true)]
#[case::nothing_is_said_of_services("Bool", "aws:PrincipalIsAWSService", "false", false)]
fn who_does_not_sign_is_anonymous(
    #[case] operator: &str,
    #[case] key: &str,
    #[case] value: &str,
    #[case] is_found: bool,
) {
    let anybody = json!({"Principal": "*", "Condition": {operator: {key: value}}});
    let a = json!({"resource": document(&[statement("Allow", &anybody)])});
    let unsigned = Some(&Principal::Anonymous);
    let found =
        asked(&a, &json!({}), |it| within(&Question { principal: unsigned, ..*it }).unwrap());
    assert_eq!(matches!(found, Verdict::Violated(_)), is_found, "{found:?}");
}

/// Who is of any account is of none that is named: another statement speaks of those.
#[test]
fn the_owner_of_what_is_acted_upon_is_no_account_that_is_named() {
    let resource = json!({"Action": "iam:x", "Resource": "arn:aws:kms:r:111122223333:alias/a"});
    let deny = json!({"Effect": "Deny", "NotAction": "s3:*", "Resource": "*",
        "Principal": {"AWS": "111122223333"},
        "Condition": {"StringNotEquals": {"aws:ResourceOrgID": "x"}}});
    let a = json!({"identity": [document(&[statement("Allow", &resource)])],
        "resource": document(&[deny])});
    let Verdict::Violated(witness) = asked(&a, &json!({}), |it| within(it).unwrap()) else {
        panic!("it is allowed")
    };
    assert_eq!(witness.principal.account_id(), Some("111122223333"));
    let held = witness.context.get("aws:ResourceOrgID");
    assert_eq!(held, Some(&Values::One("x".to_owned())));
}

/// Who asks without a name is of whatever account what is acted upon is of.
#[rstest]
#[case::a_role("iam:PassRole", "arn:aws:iam::111122223333:role/admin", "111122223333")]
#[case::a_function(
    "lambda:GetFunction",
    "arn:aws:lambda:r:444455556666:function:f",
    "444455556666"
)]
#[case::a_queue("sqs:SendMessage", "arn:aws:sqs:r:100000000001:q", "100000000001")]
fn whoever_asks_may_be_of_the_account_that_a_resource_names(
    #[case] action: &str,
    #[case] resource: &str,
    #[case] account: &str,
) {
    let side = |resource: &str| {
        let rest = json!({"Action": action, "Resource": resource});
        json!({"identity": [document(&[statement("Allow", &rest)])]})
    };
    let Verdict::Violated(witness) = asked(&side(resource), &json!({}), |it| within(it).unwrap())
    else {
        panic!("it is allowed")
    };
    assert_eq!(witness.principal.account_id(), Some(account));
    assert_eq!(witness.resource, resource);
    let wider = side(&resource.replace(account, "*"));
    assert_eq!(asked(&side(resource), &wider, |it| within(it).unwrap()), Verdict::Proved);
    let Verdict::Violated(_) = asked(&wider, &side(resource), |it| within(it).unwrap()) else {
        panic!("it is allowed in other accounts")
    };
}

fn of_anybody(condition: &Value) -> Value {
    statement("Allow", &json!({"Principal": "*", "Condition": condition}))
}

/// What of the one is allowed the other allows, and its certificate is good; the other way
/// a request is found, and nothing of that passes for a certificate.
#[rstest]
#[case::arn(
    json!({"ArnEquals": {"aws:PrincipalArn": ROLE}}),
    json!({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::111122223333:role/*"}})
)]
#[case::arn_as_text(
    json!({"StringLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/a*"}}),
    json!({"StringLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/*"}})
)]
#[case::arn_or_absent(
    json!({"ArnEquals": {"aws:PrincipalArn": ROLE}}),
    json!({"ArnEqualsIfExists": {"aws:PrincipalArn": ROLE}})
)]
#[case::negated(
    json!({"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::111122223333:*"}}),
    json!({"ArnNotEquals": {"aws:PrincipalArn": ROLE}})
)]
#[case::absent(
    json!({"StringEquals": {"aws:PrincipalAccount": "111122223333"}}),
    json!({"Null": {"aws:PrincipalAccount": "false"}})
)]
#[case::account(
    json!({"StringEquals": {"aws:PrincipalAccount": "111122223333"}}),
    json!({"StringEquals": {"aws:PrincipalAccount": ["111122223333", "444455556666"]}})
)]
#[case::kind(
    json!({"StringEquals": {"aws:PrincipalType": "User"}}),
    json!({"StringEquals": {"aws:PrincipalType": ["User", "AssumedRole"]}})
)]
#[case::organization(
    json!({"StringEquals": {"aws:PrincipalOrgID": "o-1"}}),
    json!({"StringLike": {"aws:PrincipalOrgID": "o-*"}})
)]
#[case::tag(
    json!({"StringEquals": {"aws:PrincipalTag/team": "a"}}),
    json!({"StringEquals": {"aws:PrincipalTag/team": ["a", "b"]}})
)]
#[case::id(
    json!({"StringLike": {"aws:userid": "AROA1:*"}}),
    json!({"StringLike": {"aws:userid": "AROA*"}})
)]
#[case::name(
    json!({"StringEquals": {"aws:username": "bob"}}),
    json!({"StringLike": {"aws:username": "b*"}})
)]
#[case::service(
    json!({"StringEquals": {"aws:PrincipalServiceName": "sns.amazonaws.com"}}),
    json!({"StringLike": {"aws:PrincipalServiceName": "*.amazonaws.com"}})
)]
fn a_condition_on_who_asks_has_its_certificate(#[case] less: Value, #[case] more: Value) {
    let side = |condition: &Value| json!({"resource": document(&[of_anybody(condition)])});
    proved_one_way(&side(&less), &side(&more));
}

/// `Principal` beside a condition on the same: a role, and all but it.
#[rstest]
#[case::a_role(
    json!({"Principal": {"AWS": ROLE}}),
    json!({"Principal": "*", "Condition": {"ArnEquals": {"aws:PrincipalArn": ROLE}}})
)]
#[case::a_service(
    json!({"Principal": {"Service": "sns.amazonaws.com"}}),
    json!({"Principal": "*", "Condition": {"Bool": {"aws:PrincipalIsAWSService": "true"}}})
)]
fn a_principal_beside_a_condition_has_its_certificate(#[case] less: Value, #[case] more: Value) {
    let side = |rest: &Value| json!({"resource": document(&[statement("Allow", rest)])});
    proved_one_way(&side(&less), &side(&more));
}

fn proved_one_way(less: &Value, more: &Value) {
    assert_eq!(asked(less, more, |it| within(it).unwrap()), Verdict::Proved);
    assert_eq!(asked(less, more, certified), Ok(()));
    let found = asked(more, less, |it| within(it).unwrap());
    assert!(matches!(found, Verdict::Violated(_)), "{found:?}");
    assert!(asked(more, less, certified).is_err());
}

fn certified(question: &Question<'_>) -> Result<(), String> {
    let mut all = Certificates::new();
    certify(question, ("a rail", "anybody"), &Known::default(), &mut all)?;
    check(&all).map_err(|refused| refused.to_string())
}

/// The account that stands for any other may not be named: there would be nobody to stand
/// for the others.
#[test]
fn the_account_that_stands_for_any_may_not_be_named() {
    let to = |principal: Value| json!({"resource": document(&[statement("Allow", &json!({"Principal": principal}))])});
    let [all, one] = [to(json!("*")), to(json!({"AWS": "arn:aws:iam::100000000001:user/x"}))];
    let reason = "the account 100000000001 is named, which stands for any".to_owned();
    assert_eq!(asked(&one, &all, |it| within(it).unwrap()), Verdict::Undecided(reason));
    assert_eq!(
        asked(&one, &all, certified),
        Err("the account `100000000001` is named, which stands for any".to_owned())
    );
}
