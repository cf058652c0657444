//! Variables: what is proved of all values holds of each short one.
//!
//! Random policies with a variable in resources and in values of conditions are asked about, and
//! the engine about each request of short texts. A request that breaks what is proved fails the
//! test; so does one that is none. `RINGFENCE_PAIRS` is how many pairs are made (400),
//! `RINGFENCE_SEED` the number of the first.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops where it fails")]

#[path = "random/dice.rs"]
mod dice;

use std::sync::Arc;

use dice::Dice;
use ringfence_policy::{Context, Document, Kind, Policies, Principal, Request, judge};
use ringfence_prove::{Question, Universe, Verdict, within};
use serde_json::{Value, json};

const KEY: &str = "x:k";
const OTHER: &str = "x:j";
const ASKED: &str = "x:p";
const PIECES: [&str; 7] = ["a", "b", "/", "*", "?", "*", "a"];

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap())
}

/// A pattern around a variable, or without one.
fn text(dice: &mut Dice) -> String {
    let (before, after) = (dice.pieces(&PIECES, 2), dice.pieces(&PIECES, 2));
    match dice.below(8) {
        0..3 => format!("{before}${{{KEY}}}{after}"),
        3 => format!("{before}${{{OTHER}}}{after}"),
        4 => format!("{before}*"),
        5 => format!("*{after}"),
        _ => format!("{before}*{after}"),
    }
}

fn statement(dice: &mut Dice, effect: &str) -> Value {
    let resource = |dice: &mut Dice| format!("arn:aws:s3:::{}", text(dice));
    let mut made = json!({"Effect": effect, "Action": "s3:GetObject"});
    let about = if dice.one_in(2) { "NotResource" } else { "Resource" };
    made[about] = match dice.below(4) {
        0 => json!([resource(dice), resource(dice)]),
        1 if about == "Resource" => json!("*"),
        _ => json!(resource(dice)),
    };
    if dice.one_in(2) {
        let operator =
            dice.one_of(&["StringLike", "StringNotLike", "StringEquals", "StringLikeIfExists"]);
        let key = dice.one_of(&[KEY, KEY, OTHER, ASKED, ASKED]);
        let value = if key == ASKED { text(dice) } else { dice.pieces(&PIECES, 3) };
        made["Condition"] = json!({operator: {key: value}});
    }
    made
}

fn policies(dice: &mut Dice, most: usize) -> Policies {
    let mut statements = vec![statement(dice, "Allow")];
    for _ in 0..dice.below(most) {
        let effect = if dice.one_in(3) { "Deny" } else { "Allow" };
        statements.push(statement(dice, effect));
    }
    let text = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
    let document = Document::parse("p", &text, Kind::Identity).unwrap();
    Policies { identity: vec![Arc::new(document)], ..Policies::default() }
}

/// What has a variable, beside others that leave out what is like some patterns in its place.
fn around(dice: &mut Dice) -> [Policies; 2] {
    let (before, after) =
        (dice.pieces(&["a", "b", "/", "*"], 1), dice.pieces(&["b", "/", "/*"], 1));
    let of = |statements: Vec<Value>| {
        let text = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
        let document = Document::parse("p", &text, Kind::Identity).unwrap();
        Policies { identity: vec![Arc::new(document)], ..Policies::default() }
    };
    let like = |dice: &mut Dice| dice.pieces(&["a", "b", "*", "*", "?"], 3);
    let all = |about: &str, text: &str| {
        let resource = format!("arn:aws:s3:::{before}{text}{after}");
        json!({"Effect": "Allow", "Action": "s3:GetObject", about: resource})
    };
    let mut own = all("Resource", &format!("${{{KEY}}}"));
    if dice.one_in(2) {
        own["Condition"] = json!({"StringLike": {KEY: like(dice)}});
    }
    let others = (0..=dice.below(3)).map(|_| all("NotResource", &like(dice)));
    [of(vec![own]), of(others.collect())]
}

/// All texts of some letters, up to a length.
fn texts(length: usize) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut last = all.clone();
    for _ in 0..length {
        let longer = |text: &String| ["a", "b", "/", "c"].map(|one| format!("{text}{one}"));
        last = last.iter().flat_map(longer).collect();
        all.extend(last.iter().cloned());
    }
    all
}

#[test]
fn what_is_proved_of_all_values_holds_of_each() {
    let principal = Principal::User { arn: "arn:aws:iam::111122223333:user/u".to_owned() };
    let (values, resources) = (texts(2), texts(4));
    let first = number("RINGFENCE_SEED", 1);
    let (mut proved, mut violated, mut undecided) = (0, 0, 0);
    for seed in first..first + number("RINGFENCE_PAIRS", 400) {
        let mut dice = Dice::new(seed);
        let [inner, outer] = match dice.one_in(3) {
            true => around(&mut dice),
            false => [policies(&mut dice, 2), policies(&mut dice, 5)],
        };
        let question = Question {
            inner: &inner,
            outer: &outer,
            principal: Some(&principal),
            universe: Universe::All,
        };
        match within(&question).unwrap() {
            Verdict::Proved => proved += 1,
            Verdict::Violated(_) => {
                violated += 1;
                continue;
            }
            Verdict::Undecided(_) => {
                undecided += 1;
                continue;
            }
        }
        for _ in 0..60 {
            let mut context = Context::new();
            for key in [KEY, OTHER, ASKED] {
                if let Some(value) = dice.any(&values).filter(|_| key == KEY || !dice.one_in(4)) {
                    context.set(key, value.as_str());
                }
            }
            for text in &resources {
                let resource = format!("arn:aws:s3:::{text}");
                let request = Request {
                    principal: &principal,
                    action: "s3:GetObject",
                    resource: &resource,
                    resource_account: None,
                    context: &context,
                };
                let breaks =
                    judge(&request, &inner).allowed() && !judge(&request, &outer).allowed();
                assert!(
                    !breaks,
                    "seed {seed}: {resource} with {context:?} breaks what is proved of\n{inner:?}\n\
                     within\n{outer:?}"
                );
            }
        }
    }
    let told = format!("{proved} proved, {violated} violated, {undecided} undecided");
    println!("{told}");
    assert!(proved > 20 && violated > 20, "{told}");
}
