//! Random pairs of policies against the engine's own decisions.
//!
//! Two sides are made of all layers and of every operator, the one mostly a small change of
//! the other. What the prover says of all requests is held against the engine's decisions
//! about many single ones, which are drawn at and beside the texts, numbers, dates and
//! addresses that the policies name: what is proved no request breaks, a request that breaks
//! a claim is one that there is and is decided as said by `ringfence decide`, and each
//! certificate checks.
//!
//! `RINGFENCE_PAIRS` is how many pairs are made (300), `RINGFENCE_SEED` the number of the
//! first: `just prove-random 200000`.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops where it fails"
)]

mod dice;
mod expected;
mod made;
mod near;
mod varied;

use std::collections::BTreeMap;

use dice::Dice;
use expected::Callers;
use made::Side;
use near::Near;
use ringfence_certificate::{Certificates, Known, check};
use ringfence_policy::jsonl::Decider;
use ringfence_policy::{Policies, Principal, judge};
use ringfence_prove::jsonl::Shown;
use ringfence_prove::{Question, Universe, Verdict, Witness, certify, within};
use serde_json::{Value, json};

/// Requests that are drawn for a claim that is proved.
const REQUESTS: usize = 150;

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap())
}

/// How many verdicts there were of each kind, and why some are none.
#[derive(Default)]
struct Told {
    proved: usize,
    violated: usize,
    undecided: BTreeMap<String, usize>,
    certified: usize,
    /// Requests of the inner side that were allowed, of those that were drawn.
    allowed: usize,
}

impl Told {
    fn add(&mut self, other: Self) {
        self.proved += other.proved;
        self.violated += other.violated;
        self.certified += other.certified;
        self.allowed += other.allowed;
        for (reason, count) in other.undecided {
            *self.undecided.entry(reason).or_default() += count;
        }
    }
}

/// A claim: all that the one side allows the other allows.
struct Claim<'c> {
    sides: [&'c Value; 2],
    policies: [&'c Policies; 2],
    caller: Option<(&'c str, &'c Principal)>,
    universe: Universe,
    seed: u64,
}

impl Claim<'_> {
    /// As `ringfence compare` reads it.
    fn line(&self) -> String {
        let [a, b] = self.sides;
        let mut line = json!({"id": self.seed, "a": a, "b": b, "universe": self.universe});
        if let Some((name, _)) = self.caller {
            line["principal"] = json!(name);
        }
        line.to_string()
    }

    fn question(&self) -> Question<'_> {
        let [inner, outer] = self.policies;
        let principal = self.caller.map(|(_, principal)| principal);
        Question { inner, outer, principal, universe: self.universe }
    }

    /// What is wrong with a request that is said to break it.
    fn wrong(&self, witness: &Witness, callers: &Callers) -> Option<String> {
        if let Some(why) = expected::is_none(witness, self.universe) {
            return Some(why);
        }
        match self.caller {
            Some((_, principal)) if witness.principal != *principal => {
                return Some("somebody else asks".to_owned());
            }
            None if !callers.may_be(&witness.principal) => {
                return Some("who asks is none of those that there are".to_owned());
            }
            _ => {}
        }
        // As a line of `ringfence decide`, as it is printed.
        let mut line = serde_json::to_value(Shown::of(witness)).unwrap();
        if let Some((name, _)) = self.caller {
            line["principal"] = json!(name);
        }
        for (side, expected) in self.sides.iter().zip([true, false]) {
            line["policies"] = (*side).clone();
            // `compare` takes the policy of a resource for a trust policy where it is one.
            let text = line.to_string();
            let told: Value = serde_json::from_str(&Decider::default().line(&text).text).unwrap();
            // A line has none of a request from one partition into another, where nothing
            // else breaks the claim, nor of STS beside the policy of another resource.
            let error = told["error"].as_str().unwrap_or_default();
            if ["of different partitions", "resource: a trust policy"]
                .iter()
                .any(|it| error.contains(it))
            {
                continue;
            }
            if (told["decision"] == "allow") != expected {
                return Some(format!("`ringfence decide` says otherwise: {told}: {text}"));
            }
        }
        None
    }
}

/// Asks about a claim, and draws requests where it is proved.
fn ask(claim: &Claim<'_>, near: &Near, dice: &mut Dice, told: &mut Told) {
    let callers = Callers::of(claim.policies, claim.universe);
    let verdict = match within(&claim.question()) {
        Ok(verdict) => verdict,
        Err(error) => panic!("{error}: {}", claim.line()),
    };
    match &verdict {
        Verdict::Violated(witness) => {
            told.violated += 1;
            if let Some(why) = claim.wrong(witness, &callers) {
                panic!("{why}: {witness:?}: {}", claim.line());
            }
        }
        Verdict::Undecided(reason) => {
            *told.undecided.entry(expected::construct(reason)).or_default() += 1;
        }
        Verdict::Proved => {
            told.proved += 1;
            for _ in 0..REQUESTS {
                let caller = claim.caller.map(|(_, principal)| principal);
                let Some(drawn) = near.request(dice, caller, &callers, claim.universe) else {
                    continue;
                };
                let request = drawn.request();
                let [inner, outer] = claim.policies;
                if !judge(&request, inner).allowed() {
                    continue;
                }
                told.allowed += 1;
                assert!(
                    judge(&request, outer).allowed(),
                    "proved, and broken by {drawn:?}: {}",
                    claim.line()
                );
            }
        }
    }
    if claim.universe != Universe::Catalogue {
        certified(claim, &verdict, told);
    }
}

/// What is written is good, and nothing is written of what does not hold.
fn certified(claim: &Claim<'_>, verdict: &Verdict, told: &mut Told) {
    let mut all = Certificates::new();
    if certify(&claim.question(), ("rail", "who"), &Known::default(), &mut all).is_err() {
        return;
    }
    told.certified += 1;
    assert!(
        !matches!(verdict, Verdict::Violated(_)),
        "a certificate of what is violated: {}",
        claim.line()
    );
    if let Err(error) = check(&all) {
        panic!("a certificate that does not check: {error}: {}", claim.line());
    }
}

fn pair(seed: u64, told: &mut Told) {
    let mut dice = Dice::new(seed);
    let universe = match dice.below(8) {
        0 | 1 => Universe::Catalogue,
        2 => Universe::Sent,
        _ => Universe::All,
    };
    let Side { value: one, callers: named } = made::side(&mut dice, universe);
    let mut other = one.clone();
    for _ in 0..=dice.below(3) {
        varied::change(&mut dice, &mut other);
    }
    let mut decider = Decider::default();
    let read = |decider: &mut Decider, side: &Value| decider.policies_of(&side.to_string(), false);
    // What AWS would not store is no question.
    let (Ok(a), Ok(b)) = (read(&mut decider, &one), read(&mut decider, &other)) else { return };
    let caller = match dice.below(3) {
        0 => None,
        _ => Some(named[dice.below(named.len())].as_str()),
    };
    let principal = caller.map(|name| ringfence_policy::jsonl::principal(name).unwrap());
    let near = Near::of([&one, &other]);
    for (sides, policies) in [([&one, &other], [&a, &b]), ([&other, &one], [&b, &a])] {
        let caller = caller.zip(principal.as_ref());
        let claim = Claim { sides, policies, caller, universe, seed };
        ask(&claim, &near, &mut dice, told);
    }
}

#[test]
fn what_is_said_of_all_requests_holds_of_each_that_is_drawn() {
    let (first, pairs) = (number("RINGFENCE_SEED", 1), number("RINGFENCE_PAIRS", 300));
    let mut told = Told::default();
    let mut wrong = 0;
    for seed in first..first + pairs {
        // All that are wrong are shown.
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let mut told = Told::default();
            pair(seed, &mut told);
            told
        }));
        match result {
            Ok(one) => told.add(one),
            Err(_) => wrong += 1,
        }
        assert!(wrong < 10, "{wrong} pairs are wrong");
    }
    assert_eq!(wrong, 0, "pairs are wrong");
    let Told { proved, violated, undecided, certified, allowed } = &told;
    let open: usize = undecided.values().sum();
    println!(
        "{proved} proved ({certified} certified, {allowed} requests allowed), {violated} violated, \
         {open} undecided: {undecided:#?}"
    );
    let all = proved + violated + open;
    assert!(*proved > all / 8 && *violated > all / 8, "{proved} and {violated} of {all}");
    assert!(*allowed > proved / 2, "{allowed} requests of {proved} claims");
    assert!(open * 4 < all, "{open} of {all} are undecided");
}
