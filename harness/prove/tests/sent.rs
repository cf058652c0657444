//! What no request that AWS sends breaks, and what others do.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops where it fails")]

use std::sync::Arc;

use ringfence_certificate::form::{Held, Universe as Stated};
use ringfence_certificate::{Certificates, Known, check};
use ringfence_policy::{Document, Kind, Policies, Principal};
use ringfence_prove::jsonl::Comparer;
use ringfence_prove::{
    Question, Universe, Verdict, certify, within, within_for, within_sent, within_sent_for,
};
use rstest::rstest;
use serde_json::{Value, json};

fn policies(statements: &Value) -> Policies {
    let text = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
    let document = Document::parse("p", &text, Kind::Identity).unwrap();
    Policies { identity: vec![Arc::new(document)], ..Policies::default() }
}

fn allow(action: &Value, condition: &Value) -> Value {
    json!({"Effect": "Allow", "Action": action, "Resource": "*", "Condition": condition})
}

fn all_but(actions: &Value) -> Policies {
    policies(&json!({"Effect": "Allow", "NotAction": actions, "Resource": "*"}))
}

fn alice() -> Principal {
    Principal::User { arn: "arn:aws:iam::111122223333:user/alice".into() }
}

/// The verdict, or the action of the request that breaks the claim; and what it is about.
fn told(inner: &Policies, outer: &Policies) -> (String, Universe) {
    let principal = alice();
    let universe = Universe::All;
    let question = Question { inner, outer, principal: Some(&principal), universe };
    let (verdict, universe) = within_sent(&question).unwrap();
    let told = match verdict {
        Verdict::Proved => "proved".to_owned(),
        Verdict::Violated(witness) => witness.action,
        Verdict::Undecided(reason) => panic!("{reason}"),
    };
    (told, universe)
}

const BOUNDARY: &str = "arn:aws:iam::111122223333:policy/b";

fn bounded() -> Value {
    json!({"StringEquals": {"iam:PermissionsBoundary": BOUNDARY}})
}

#[rstest]
// AWS's reference gives the key to `iam:CreateRole` and others, and not to `iam:PassRole`.
#[case::never_sent(json!("iam:PassRole"), bounded(), ("proved", Universe::Sent))]
#[case::in_any_case(json!("IAM:passrole"), json!({"StringLike": {"IAM:permissionsboundary": "*"}}), ("proved", Universe::Sent))]
#[case::of_any_service(json!("*:PassRole"), bounded(), ("xyz:passrole", Universe::All))]
#[case::sent(json!("iam:CreateRole"), bounded(), ("iam:CreateRole", Universe::Catalogue))]
#[case::one_of_two(json!(["iam:PassRole", "iam:CreateRole"]), bounded(), ("iam:CreateRole", Universe::Catalogue))]
#[case::of_its_own(json!("iam:PassRole"), json!({"StringEquals": {"iam:PassedToService": "x"}}), ("iam:PassRole", Universe::Catalogue))]
// What no reference has may be sent.
#[case::unheard_of(json!("iam:PassRole"), json!({"StringEquals": {"iam:Unheard": "x"}}), ("iam:PassRole", Universe::All))]
#[case::of_others(json!("iam:PassRole"), json!({"StringEquals": {"s3:prefix": "x"}}), ("iam:PassRole", Universe::All))]
#[case::a_tag(json!("iam:PassRole"), json!({"StringEquals": {"aws:RequestTag/a": "x"}}), ("iam:PassRole", Universe::All))]
// An action that there is not yet may have any.
#[case::unknown(json!("iam:PassRole2"), bounded(), ("iam:passrole2", Universe::All))]
#[case::some(json!("iam:PassRol*"), bounded(), ("iam:passrol", Universe::All))]
// Of several an action that there is is shown.
#[case::a_real_one(json!("ses:*"), json!({"StringEquals": {"x:k": "a"}}), ("ses:AllowVendedLogDeliveryForResource", Universe::All))]
#[case::of_every_service(json!("*"), json!({"StringEquals": {"x:k": "a"}}), ("a2c:GetContainerizationJobDetails", Universe::All))]
fn an_allow_under_a_condition(
    #[case] action: Value,
    #[case] condition: Value,
    #[case] expected: (&str, Universe),
) {
    let inner = policies(&allow(&action, &condition));
    let outer = all_but(&action);
    let (said, universe) = told(&inner, &outer);
    assert_eq!((said.as_str(), universe), expected);
}

/// A Deny of all requests that lack the key denies each that never has it.
#[rstest]
#[case::never_sent("iam:PassRole", ("proved", Universe::Sent))]
#[case::sent("iam:CreateRole", ("iam:CreateRole", Universe::Catalogue))]
fn a_deny_unless_a_condition_holds(#[case] action: &str, #[case] expected: (&str, Universe)) {
    let inner = policies(&json!([
        {"Effect": "Allow", "Action": action, "Resource": "*"},
        {"Effect": "Deny", "Action": "iam:*", "Resource": "*",
            "Condition": {"StringNotEquals": {"iam:PermissionsBoundary": BOUNDARY}}},
    ]));
    let (said, universe) = told(&inner, &all_but(&json!(action)));
    assert_eq!((said.as_str(), universe), expected);
}

/// A Deny unless a key has a value, of which a request has one at most, leaves what has it.
#[rstest]
#[case::of_a_service("s3:x-amz-server-side-encryption", "StringNotEquals", true)]
#[case::a_pattern("s3:x-amz-server-side-encryption", "StringNotLike", true)]
#[case::of_every_service("aws:SourceVpce", "StringNotEquals", true)]
#[case::an_arn("aws:SourceArn", "ArnNotLike", true)]
#[case::of_a_tag("aws:ResourceTag/team", "StringNotEquals", true)]
#[case::of_a_principal("aws:PrincipalTag/team", "StringNotEqualsIgnoreCase", true)]
#[case::a_list("aws:TagKeys", "StringNotEquals", false)]
#[case::services_on_the_way("aws:CalledVia", "StringNotEquals", false)]
#[case::of_no_reference("s3:Unheard", "StringNotEquals", false)]
fn a_deny_unless_a_key_has_a_value(#[case] key: &str, #[case] operator: &str, #[case] holds: bool) {
    const VALUE: &str = "arn:aws:kms:eu-west-1:111122223333:key/k";
    let one = |effect: &str, operator: &str| {
        json!({"Effect": effect, "Action": "s3:PutObject", "Resource": "*",
            "Condition": {operator: {key: VALUE}}})
    };
    let whole = json!({"Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"});
    let inner = policies(&json!([whole, one("Deny", operator)]));
    let outer = policies(&json!([one("Allow", &operator.replacen("Not", "", 1))]));
    let principal = alice();
    let universe = Universe::All;
    let question = Question { inner: &inner, outer: &outer, principal: Some(&principal), universe };
    assert!(matches!(within(&question).unwrap(), Verdict::Violated(_)));
    let (verdict, universe) = within_sent(&question).unwrap();
    assert_eq!((verdict == Verdict::Proved, universe == Universe::Sent), (holds, holds));
    assert_eq!(within_sent_for(&question, "s3:PutObject").unwrap().0 == Verdict::Proved, holds);
    // The certificate is about the same, and of all requests there is none.
    assert!(certified(&inner, &outer, Universe::All).is_err());
    let written = certified(&inner, &outer, Universe::Sent);
    assert_eq!(written.is_ok(), holds, "{:?}", written.as_ref().err());
    let Ok(mut all) = written else { return };
    assert_eq!(check(&all), Ok(()));
    all.certificates[0].universe = Stated::all();
    assert!(check(&all).is_err());
}

/// What stands for a list stands for no value by itself, and what stands for a value not for
/// none: where there are no lists, or the key is never there, they are left out.
#[test]
fn no_class_is_left_out_with_what_is_never_sent() {
    let list = Some(Held::Many(vec![String::new()]));
    let one = |text: &str| Some(Held::One(text.to_owned()));
    let refused = |inner: &Policies, key: &str, values: [Option<Held>; 2]| {
        let mut all = certified(inner, &all_but(&json!("s3:PutObject")), Universe::All).unwrap();
        assert_eq!(check(&all), Ok(()));
        let certificate = &mut all.certificates[0];
        certificate.universe = Stated::sent();
        certificate.callers[0].keys.insert(key.to_owned(), values.to_vec());
        check(&all).unwrap_err().to_string()
    };
    let other = |key: &str, operator: &str| {
        let condition = json!({operator: {key: "a"}});
        policies(&json!([allow(&json!("s3:GetObject"), &condition)]))
    };
    let told = refused(&other("s3:x-amz-acl", "StringNotEquals"), "s3:x-amz-acl", [None, list]);
    assert!(told.ends_with("the key `s3:x-amz-acl`: no class has values like `a`"), "{told}");
    let told =
        refused(&other("s3:prefix", "StringEqualsIfExists"), "s3:prefix", [one("a"), one("")]);
    assert!(told.ends_with("the key `s3:prefix`: no class has values like none"), "{told}");
}

/// Of one action that is asked about its own keys count, named by a policy or not.
#[rstest]
#[case("iam:PassRole", true)]
#[case("iam:CreateRole", false)]
fn one_action_is_asked_about(#[case] action: &str, #[case] holds: bool) {
    let inner = policies(&allow(&json!("iam:*"), &bounded()));
    let (outer, principal) = (Policies::default(), alice());
    let universe = Universe::All;
    let question = Question { inner: &inner, outer: &outer, principal: Some(&principal), universe };
    assert_ne!(within_for(&question, action).unwrap(), Verdict::Proved);
    let (verdict, universe) = within_sent_for(&question, action).unwrap();
    let expected = if holds { Universe::Sent } else { Universe::Catalogue };
    assert_eq!((verdict == Verdict::Proved, universe), (holds, expected));
}

/// Who asks reaches nothing of another partition, where it is stated who that is.
#[rstest]
#[case::of_another("arn:aws:sts::111122223333:assumed-role/r/s", "arn:aws-cn:s3:::b/*", "proved")]
#[case::of_its_own(
    "arn:aws-cn:sts::111122223333:assumed-role/r/s",
    "arn:aws-cn:s3:::b/*",
    "violated"
)]
#[case::of_any("arn:aws:sts::111122223333:assumed-role/r/s", "arn:*:s3:::b/*", "violated")]
#[case::of_whomever("", "arn:aws-cn:s3:::b/*", "violated")]
fn nobody_reaches_another_partition(
    #[case] who: &str,
    #[case] resource: &str,
    #[case] expected: &str,
) {
    let of = |action: &str, resource: &str| {
        let statement = json!({"Effect": "Allow", "Action": action, "Resource": resource});
        json!({"identity": [{"Version": "2012-10-17", "Statement": statement}]})
    };
    let mut line =
        json!({"id": 1, "a": of("s3:GetObject", resource), "b": of("sqs:SendMessage", "*")});
    if !who.is_empty() {
        line["principal"] = json!(who);
    }
    let answer = Comparer::default().line(&line.to_string());
    let answer: Value = serde_json::from_str(&answer.text).unwrap();
    assert_eq!(
        (&answer["a_within_b"], &answer["b_within_a"]),
        (&json!(expected), &json!("violated")),
        "{answer}"
    );
    let own = who.split(':').nth(1).unwrap_or("aws-cn");
    let reached = answer["witness_a"]["resource"].as_str();
    let reached = reached.map(|text| text.split(':').nth(1).unwrap());
    assert_eq!(reached, (expected == "violated").then_some(own), "{answer}");
}

/// `compare` does not read it.
#[test]
fn the_universe_is_no_word_of_a_line() {
    assert!(serde_json::from_value::<Universe>(json!("sent")).is_err());
    assert_eq!(serde_json::from_value::<Universe>(json!("all")).unwrap(), Universe::All);
}

fn certified(
    inner: &Policies,
    outer: &Policies,
    universe: Universe,
) -> Result<Certificates, String> {
    let principal = alice();
    let question = Question { inner, outer, principal: Some(&principal), universe };
    let mut all = Certificates::new();
    certify(&question, ("r", "user/alice"), &Known::default(), &mut all).map(|()| all)
}

/// A certificate says of which requests it is, and is none of others.
#[test]
fn a_certificate_is_about_what_is_sent() {
    let inner = policies(&json!([
        allow(&json!(["iam:PassRole", "s3:GetObject"]), &bounded()),
        {"Effect": "Allow", "Action": "s3:*", "Resource": "*"},
    ]));
    let outer = all_but(&json!("iam:PassRole"));
    let principal = alice();
    let universe = Universe::All;
    let question = Question { inner: &inner, outer: &outer, principal: Some(&principal), universe };
    assert!(matches!(within(&question).unwrap(), Verdict::Violated(_)));
    assert_eq!(within_sent(&question).unwrap(), (Verdict::Proved, Universe::Sent));
    let alone = "the action `iam:passrole`: the inner side alone may allow its requests";
    assert_eq!(certified(&inner, &outer, Universe::All).unwrap_err(), alone);
    let mut all = certified(&inner, &outer, Universe::Sent).unwrap();
    let stated = &mut all.certificates[0].universe;
    assert_eq!(*stated, Stated::sent());
    *stated = Stated::all();
    assert!(check(&all).is_err());
    all.certificates[0].universe = Stated { keys: "some".to_owned(), ..Stated::all() };
    let other = "it is about other requests than all, and than those that are sent";
    assert!(check(&all).unwrap_err().to_string().ends_with(other));
    all.certificates[0].universe = Stated::sent();
    assert_eq!(check(&all), Ok(()));
}

/// What an action never has the checker finds by itself: no certificate takes the place of
/// another action's, and of names that a pattern has besides each may have any key.
#[rstest]
#[case::another_action("iam:CreateRole", "iam:CreateRole", "iam:passrole")]
#[case::more_names("iam:PassRol*", "iam:passrol", "iam:passrole")]
fn no_action_stands_for_another(#[case] action: &str, #[case] named: &str, #[case] instead: &str) {
    let both = json!([allow(&json!("iam:PassRole"), &bounded())]);
    let good =
        certified(&policies(&both), &all_but(&json!("iam:PassRole")), Universe::Sent).unwrap();
    assert_eq!(check(&good), Ok(()));
    let inner = policies(&json!([allow(&json!(action), &bounded())]));
    let outer = all_but(&json!(action));
    assert!(certified(&inner, &outer, Universe::Sent).is_err());
    // The classes of the good one, about the other policies.
    let mut all = Certificates::new();
    let mut forged = good.certificates[0].clone();
    (forged.inner, forged.outer) = (all.side(&inner), all.side(&outer));
    all.certificates.push(forged.clone());
    assert!(check(&all).is_err(), "{named} by {instead}");
    for case in &mut all.certificates[0].callers[0].actions {
        if case.action.eq_ignore_ascii_case(instead) {
            case.action = named.to_owned();
        }
    }
    assert!(check(&all).is_err(), "{named} as {instead}");
}
