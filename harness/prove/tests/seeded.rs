//! The prover finds what is asked of it: pairs of policies that differ in one
//! thing, each compared by brute force over a small world of requests. To show
//! that the pairs are sharp, they are put to copies of the prover that each have
//! one mistake (`harness/prove/seeded`), and must find every one of them.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops where it fails"
)]

mod pairs;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use pairs::{Pair, all};
use ringfence_certificate::{Certificates, Known, check};

/// What a copy of the prover says of a pair.
enum Said {
    Proved,
    Violated,
    Undecided,
    /// It found a request that is none.
    Wrong,
}

/// A copy of the prover.
macro_rules! prover {
    ($name:ident, $prover:ident) => {
        fn $name(pair: &Pair) -> Said {
            use $prover::{Question, Universe, Verdict, within};
            let question = Question {
                inner: &pair.inner,
                outer: &pair.outer,
                principal: pair.caller.as_ref(),
                universe: Universe::All,
            };
            match within(&question) {
                Ok(Verdict::Proved) => Said::Proved,
                Ok(Verdict::Violated(_)) => Said::Violated,
                Ok(Verdict::Undecided(_)) => Said::Undecided,
                Err(_) => Said::Wrong,
            }
        }
    };
}

prover!(prover, ringfence_prove);
prover!(seeded, ringfence_prove_seeded);

/// The certificate that a copy of the prover gives.
macro_rules! certified {
    ($name:ident, $prover:ident) => {
        fn $name(pair: &Pair) -> Result<Certificates, String> {
            use $prover::{Question, Universe, certify};
            let question = Question {
                inner: &pair.inner,
                outer: &pair.outer,
                principal: pair.caller.as_ref(),
                universe: Universe::All,
            };
            let mut all = Certificates::new();
            certify(&question, ("rail", "who"), &Known::default(), &mut all).map(|()| all)
        }
    };
}

certified!(certified, ringfence_prove);
certified!(certified_wrongly, ringfence_prove_seeded);

/// One mistake at a time is switched on.
static TURN: Mutex<()> = Mutex::new(());

/// Whether the answer cannot be right. A request that breaks the claim is
/// confirmed by the engine before it is given out.
fn is_wrong(said: &Said, pair: &Pair) -> bool {
    match said {
        Said::Proved => pair.breaks,
        Said::Violated => false,
        Said::Undecided | Said::Wrong => true,
    }
}

#[test]
fn every_seeded_mistake_of_the_prover_is_found() {
    let _turn = TURN.lock();
    let all = all();
    let broken = all.iter().filter(|pair| pair.breaks).count();
    println!("{} pairs, {broken} violated", all.len());
    assert!(broken > all.len() / 10 && broken < all.len() * 9 / 10);
    ringfence_prove_seeded::seed(usize::MAX);
    for pair in &all {
        assert!(!is_wrong(&prover(pair), pair), "{}", pair.text);
        assert!(!is_wrong(&seeded(pair), pair), "without a mistake the copy is the prover");
    }
    let names = ringfence_prove_seeded::MISTAKES;
    assert!(names.len() >= 40);
    let is_missed = |mistake: &usize| {
        ringfence_prove_seeded::seed(*mistake);
        !all.iter().any(|pair| is_wrong(&seeded(pair), pair))
    };
    let missed: Vec<&str> = (0..names.len()).filter(is_missed).map(|it| names[it]).collect();
    assert!(missed.is_empty(), "not found: {missed:?}");
}

/// The checker shares the engine with the prover, and none of its mistakes.
#[test]
fn the_certificate_of_a_wrong_proof_is_refused() {
    let _turn = TURN.lock();
    let all = all();
    let (mut good, mut without) = (0, BTreeMap::new());
    let proved = all.iter().filter(|pair| matches!(prover(pair), Said::Proved));
    for pair in proved.step_by(4) {
        match certified(pair) {
            Ok(certificates) => {
                assert_eq!(check(&certificates), Ok(()), "{}", pair.text);
                good += 1;
            }
            Err(reason) => *without.entry(reason).or_insert(0) += 1,
        }
    }
    println!("{good} good certificates, without: {without:#?}");
    let mut refused: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let mut wrong = 0;
    for (mistake, name) in ringfence_prove_seeded::MISTAKES.iter().enumerate() {
        ringfence_prove_seeded::seed(mistake);
        let proved = all.iter().filter(|pair| pair.breaks);
        for pair in proved.filter(|pair| matches!(seeded(pair), Said::Proved)).take(10) {
            let error = match certified_wrongly(pair) {
                // What is not checked at all says nothing of the mistake.
                Err(reason) if reason.ends_with("here") => continue,
                Err(reason) => reason,
                Ok(certificates) => match check(&certificates) {
                    Err(error) => error.to_string(),
                    Ok(()) => panic!("{name}: a wrong proof has a certificate: {}", pair.text),
                },
            };
            wrong += 1;
            refused.entry(name).or_default().insert(error);
        }
    }
    for (name, errors) in &refused {
        println!("{name}: {}", errors.first().unwrap());
    }
    println!("{wrong} certificates of wrong proofs by {} mistakes are refused", refused.len());
    assert!(refused.len() >= 20 && good > 500);
}
