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

use pairs::{Pair, all};

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
    let all = all();
    let broken = all.iter().filter(|pair| pair.breaks).count();
    println!("{} pairs, {broken} violated", all.len());
    assert!(broken > all.len() / 10 && broken < all.len() * 9 / 10);
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
