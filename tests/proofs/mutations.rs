//! Each guard rail, weakened in one place, is noticed by an attack; what is
//! not noticed can be told from the original by no request, with the proof.

use std::collections::BTreeSet;
use std::slice::from_ref;

use ringfence::attacks::{Choice, Finding, Suite, Verdict, campaign};
use ringfence::mutations::{self, Probed};
use ringfence::progress::Progress;
use ringfence_evidence::{Mutant, MutantVerdict, Mutations};

use crate::stack::with_stack;

/// The mutant that cannot be undone: no other test would find the authorizer
/// any more. A whole run of `verify`, in a test of its own, has it too.
fn is_final(id: &str) -> bool {
    id.starts_with("authorizer/") && id.ends_with("/removed")
}

/// How many weaker documents an attack notices.
const NOTICED: usize = 299;

/// The weaker documents that no request tells from the original, as the prover says.
fn equivalent() -> Vec<&'static str> {
    include_str!("equivalent.txt").lines().collect()
}

/// Of the weaker documents how many an attack notices, and which are equivalent, in order.
fn of_documents(mutants: &[Mutant]) -> (usize, Vec<&str>) {
    let is_document = |mutant: &&Mutant| {
        ["policy/", "resource/", "role/"].iter().any(|start| mutant.id.starts_with(start))
    };
    let of = |verdict| {
        let all = mutants.iter().filter(is_document).filter(move |it| it.verdict == verdict);
        all.map(|mutant| mutant.id.as_str())
    };
    let mut equivalent: Vec<&str> = of(MutantVerdict::Equivalent).collect();
    equivalent.sort_unstable();
    (of(MutantVerdict::Killed).count(), equivalent)
}

/// Weakens these guard rails; attacks with these findings were made since `began`.
pub(crate) async fn weakened(
    suite: &Suite<'_>,
    findings: &[Finding],
    began: u64,
    chosen: &[String],
) -> Mutations {
    let (probed, chosen) = (Probed::of(findings), Choice::of(chosen));
    let progress = Progress::silent();
    mutations::run(from_ref(suite), &probed, began, &chosen, &progress).await.unwrap()
}

#[test]
fn every_weakened_guard_rail_is_noticed_or_equivalent() {
    with_stack(async |stack| {
        let suite = Suite::of(stack).await.unwrap();
        let progress = Progress::silent();
        let began = stack.guard().recording().unwrap().mark();
        let findings = campaign::run(from_ref(&suite), &Choice::All, &progress).await.unwrap();
        let others: Vec<_> = findings.iter().filter(|it| it.verdict != Verdict::Held).collect();
        assert!(others.is_empty(), "{others:#?}");
        let all = mutations::ids(from_ref(&suite)).await.unwrap();
        let unique: BTreeSet<&String> = all.iter().collect();
        assert_eq!(unique.len(), all.len(), "two mutants have one id");
        let chosen: Vec<String> = all.into_iter().filter(|id| !is_final(id)).collect();
        let done = weakened(&suite, &findings, began, &chosen).await;
        let ids: Vec<&String> = done.mutants.iter().map(|mutant| &mutant.id).collect();
        assert_eq!(ids, chosen.iter().collect::<Vec<_>>());
        let bad: Vec<String> = done
            .mutants
            .iter()
            .filter(|mutant| {
                matches!(mutant.verdict, MutantVerdict::Survived | MutantVerdict::NotRun)
            })
            .map(|mutant| format!("{}: {:?}", mutant.id, mutant.reason))
            .collect();
        assert!(bad.is_empty(), "{}", bad.join("\n"));
        assert_eq!(of_documents(&done.mutants), (NOTICED, equivalent()));
        for mutant in &done.mutants {
            let told = (mutant.reason.is_some(), mutant.killed_by.is_empty());
            let equivalent = mutant.verdict == MutantVerdict::Equivalent;
            assert_eq!(told, (equivalent, equivalent), "{}", mutant.id);
        }
        // What was weakened for real is as it was.
        let again = campaign::run(from_ref(&suite), &Choice::All, &progress).await.unwrap();
        let failed: Vec<&str> = again
            .iter()
            .filter(|finding| finding.verdict != Verdict::Held)
            .map(|finding| finding.id.as_str())
            .collect();
        assert!(failed.is_empty(), "{failed:?}");
        let unknown = ["no/such/mutant".to_owned()];
        let error = mutations::run(
            from_ref(&suite),
            &Probed::of(&findings),
            began,
            &Choice::of(&unknown),
            &progress,
        )
        .await
        .unwrap_err();
        assert_eq!(
            error.to_string(),
            "no mutant is called `no/such/mutant`; `ringfence mutate --json` prints the ids of all"
        );
    });
}
