//! Policies of five hundred entries: each question is decided, or is not with the name of
//! what it is, and none goes on and on. How long they take, `scripts/compare-shapes.sh` says.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops where it fails")]

use ringfence_policy::jsonl::{Decider, principal};
use ringfence_prove::{Question, Universe, Verdict, within};
use rstest::rstest;
use serde_json::{Value, json};

const SIZE: usize = 500;
/// Of these, each beside each is more than is compared.
const TOO_MANY: usize = 2_000;
const ALICE: &str = "arn:aws:iam::111122223333:user/alice";

/// Whether a side of so many values is within one of one more, and the other way.
fn asked(
    size: usize,
    side: impl Fn(&[String]) -> Value,
    value: impl Fn(usize) -> String,
) -> [Verdict; 2] {
    let values: Vec<String> = (0..=size).map(value).collect();
    let mut decider = Decider::default();
    let sides = [&values[..size], &values[..]];
    let [less, more] =
        sides.map(|values| decider.policies_of(&side(values).to_string(), false).unwrap());
    let caller = principal(ALICE).unwrap();
    let is_identity = !less.identity.is_empty();
    [(&less, &more), (&more, &less)].map(|(inner, outer)| {
        let principal = is_identity.then_some(&caller);
        within(&Question { inner, outer, principal, universe: Universe::All }).unwrap()
    })
}

fn allow(rest: &Value) -> Value {
    let mut statement = json!({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"});
    statement.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
    json!({"identity": [{"Version": "2012-10-17", "Statement": [statement]}]})
}

fn when(size: usize, operator: &str, key: &str, value: impl Fn(usize) -> String) -> [Verdict; 2] {
    asked(size, |values| allow(&json!({"Condition": {operator: {key: values}}})), value)
}

#[rstest]
#[case::texts("StringEquals", "x:k", "v#")]
#[case::texts_of_any_case("StringEqualsIgnoreCase", "x:k", "v#")]
#[case::patterns("StringLike", "x:k", "v#-*")]
#[case::of_a_list("ForAnyValue:StringEquals", "x:k", "v#")]
#[case::numbers("NumericEquals", "x:n", "#")]
#[case::numbers_above("NumericLessThan", "x:n", "#")]
#[case::arns("ArnEquals", "aws:SourceArn", "arn:aws:s3:::b#")]
#[case::arns_like("ArnLike", "aws:SourceArn", "arn:aws:s3:::b#-*")]
#[case::variables("StringLike", "x:k", "v#-${aws:username}-*")]
fn of_many_values_one_more_counts(#[case] operator: &str, #[case] key: &str, #[case] value: &str) {
    let [within, beyond] =
        when(SIZE, operator, key, |number| value.replace('#', &number.to_string()));
    assert_eq!(within, Verdict::Proved);
    assert!(matches!(beyond, Verdict::Violated(_)), "{beyond:?}");
}

/// Each value of the variable is one of its own beside each of the policy's.
#[test]
fn what_is_compared_too_often_is_undecided_by_its_key() {
    for verdict in when(TOO_MANY, "StringLike", "x:k", |number| format!("v{number}-${{x:l}}-*")) {
        let Verdict::Undecided(reason) = verdict else { panic!("{verdict:?}") };
        let names = ["`x:k` is compared with too many values", "variable `${x:l}` has too many"];
        assert!(names.iter().any(|name| reason.contains(name)), "{reason}");
    }
}

#[test]
fn of_many_principals_one_more_counts() {
    let side = |values: &[String]| {
        let statement = json!({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*",
            "Principal": {"AWS": values}});
        json!({"resource": {"Version": "2012-10-17", "Statement": [statement]}})
    };
    let [within, beyond] =
        asked(SIZE, side, |number| format!("arn:aws:iam::111122223333:user/u{number}"));
    assert_eq!(within, Verdict::Proved);
    let Verdict::Violated(witness) = &beyond else { panic!("{beyond:?}") };
    let expected = principal(&format!("arn:aws:iam::111122223333:user/u{SIZE}")).unwrap();
    assert_eq!(witness.principal, expected);
    let [within, beyond] = asked(SIZE, side, |number| format!("{number:012}"));
    assert_eq!(within, Verdict::Proved);
    let Verdict::Violated(witness) = &beyond else { panic!("{beyond:?}") };
    assert_eq!(witness.principal.account_id(), Some(&*format!("{SIZE:012}")));
}

/// Users whom a policy names alike are told apart by whose the resource is: of all these one
/// alone needs no policy of its own.
#[test]
fn of_many_users_the_one_whose_resource_it_is_counts() {
    let users: Vec<String> =
        (0..50).map(|number| format!("arn:aws:iam::{number:012}:user/u")).collect();
    let statement = json!({"Effect": "Allow", "Action": "sqs:SendMessage",
        "Resource": "arn:aws:sqs:eu-west-1:000000000007:q", "Principal": {"AWS": users}});
    let side = json!({"resource": {"Version": "2012-10-17", "Statement": [statement]}});
    let mut decider = Decider::default();
    let inner = decider.policies_of(&side.to_string(), false).unwrap();
    let outer = decider.policies_of("{}", false).unwrap();
    let question =
        Question { inner: &inner, outer: &outer, principal: None, universe: Universe::All };
    let verdict = within(&question).unwrap();
    let Verdict::Violated(witness) = &verdict else { panic!("{verdict:?}") };
    assert_eq!(Some(&witness.principal), principal(&users[7]).ok().as_ref());
}
