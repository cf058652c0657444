//! What is proved of each account, as one record has it. An account's claims are about its
//! own identities, whose requests its policies bound whichever account these go to.

use std::collections::BTreeSet;

use ringfence_certificate::Certificates;
use ringfence_evidence::{Proof, ProofVerdict};

/// What came of proving an account's guard rails.
#[derive(Debug)]
pub enum Proving {
    /// They were decided.
    Done(Vec<Proof>, Certificates),
    /// No guard rail is about anybody there, and why.
    Nobody(String),
    /// They could not be, and why.
    Failed(String),
}

/// An account, with what stands before the names of who and what is there.
#[derive(Debug)]
pub struct OfAccount {
    /// Nothing where it is the only one.
    pub scope: String,
    /// What came of it.
    pub proving: Proving,
}

/// All of them.
#[derive(Debug)]
pub struct Together {
    /// One a guard rail, as the account has it where it stands worst.
    pub proofs: Vec<Proof>,
    /// Those of what is proved in each account; none where nothing was decided.
    pub certificates: Option<Certificates>,
    /// What was not proved, and why.
    pub told: Vec<String>,
}

/// Puts together what was decided of each account. A guard rail is proved where it is in
/// every account that has somebody whom it is about.
pub fn together(accounts: Vec<OfAccount>) -> Together {
    let mut told = Vec::new();
    let mut proofs: Vec<Proof> = Vec::new();
    let mut decided: Option<Certificates> = None;
    let mut failed = Vec::new();
    for OfAccount { scope, proving } in accounts {
        let account = scope.trim_end_matches(':');
        let of =
            if scope.is_empty() { String::new() } else { format!(" of the account {account}") };
        match proving {
            Proving::Done(own, certificates) => {
                own.into_iter().for_each(|proof| add(&mut proofs, &scope, proof));
                let all = decided.get_or_insert_with(Certificates::new);
                all.documents.extend(certificates.documents);
                let named = |who: String| format!("{scope}{who}");
                for (rail, of) in certificates.claims {
                    let of = of.into_iter().map(|(who, count)| (named(who), count));
                    all.claims.entry(rail).or_default().extend(of);
                }
                all.certificates.extend(certificates.certificates.into_iter().map(|mut one| {
                    one.who = named(one.who);
                    one
                }));
                all.packets.extend(certificates.packets.into_iter().map(|mut one| {
                    one.who = named(one.who);
                    one
                }));
                all.without.extend(certificates.without.into_iter().map(|mut one| {
                    one.who = named(one.who);
                    one
                }));
            }
            Proving::Nobody(reason) => {
                told.push(format!("no guard rail{of} was proved for all requests: {reason}"));
            }
            Proving::Failed(reason) => {
                told.push(format!("no guard rail{of} was proved for all requests: {reason}"));
                failed.push(format!("{scope} not proved: {reason}"));
            }
        }
    }
    for proof in &mut proofs {
        if proof.verdict == ProofVerdict::Proved && !failed.is_empty() {
            proof.verdict = ProofVerdict::Undecided;
        }
        proof.told.extend(failed.iter().cloned());
    }
    let certificates = decided.map(|all| of_proved(all, &proofs));
    Together { proofs, certificates, told }
}

/// Adds an account's proof of a guard rail to those of others.
fn add(proofs: &mut Vec<Proof>, scope: &str, mut proof: Proof) {
    if !scope.is_empty() {
        proof.told.iter_mut().for_each(|line| *line = format!("{scope} {line}"));
    }
    let Some(known) = proofs.iter_mut().find(|it| it.guard_rail == proof.guard_rail) else {
        proofs.push(proof);
        return;
    };
    if weight(proof.verdict) > weight(known.verdict) {
        known.verdict = proof.verdict;
    }
    known.claims += proof.claims;
    if !known.universe.contains(&proof.universe) {
        known.universe = format!("{}; {}", known.universe, proof.universe);
    }
    known.told.extend(proof.told);
}

fn weight(verdict: ProofVerdict) -> u8 {
    match verdict {
        ProofVerdict::Proved => 0,
        ProofVerdict::Undecided => 1,
        ProofVerdict::Violated => 2,
    }
}

/// The certificates of what is proved in every account.
fn of_proved(mut all: Certificates, proofs: &[Proof]) -> Certificates {
    let proved = proofs.iter().filter(|proof| proof.verdict == ProofVerdict::Proved);
    let proved: BTreeSet<&str> = proved.map(|proof| proof.guard_rail.as_str()).collect();
    all.certificates.retain(|one| proved.contains(one.rail.as_str()));
    all.packets.retain(|one| proved.contains(one.rail.as_str()));
    all.without.retain(|one| proved.contains(one.rail.as_str()));
    all.claims.retain(|rail, _| proved.contains(rail.as_str()));
    all
}

#[cfg(test)]
mod tests {
    use ringfence_certificate::form::Without;

    use super::*;

    fn proof(rail: &str, verdict: ProofVerdict, told: &[&str]) -> Proof {
        Proof {
            guard_rail: rail.to_owned(),
            verdict,
            claims: 2,
            universe: "requests".to_owned(),
            told: told.iter().map(|line| (*line).to_owned()).collect(),
        }
    }

    fn done(scope: &str, proofs: &[Proof]) -> OfAccount {
        let without = proofs.iter().map(|proof| Without {
            rail: proof.guard_rail.clone(),
            who: "role/app".to_owned(),
            reason: "r".to_owned(),
        });
        let mut certificates = Certificates { without: without.collect(), ..Certificates::new() };
        proofs.iter().for_each(|proof| certificates.state(&proof.guard_rail, "role/app"));
        let proving = Proving::Done(proofs.to_vec(), certificates);
        OfAccount { scope: scope.to_owned(), proving }
    }

    #[test]
    fn a_guard_rail_is_proved_where_it_is_in_each_account() {
        use ProofVerdict::{Proved, Violated};
        let one = done("1:", &[proof("a", Proved, &[]), proof("b", Proved, &[])]);
        let other = done("2:", &[proof("a", Proved, &[]), proof("b", Violated, &["by x"])]);
        let all = together(vec![one, other]);
        let shown: Vec<_> = all
            .proofs
            .iter()
            .map(|it| (it.guard_rail.as_str(), it.verdict, it.claims, it.told.clone()))
            .collect();
        assert_eq!(
            shown,
            [("a", Proved, 4, vec![]), ("b", Violated, 4, vec!["2: by x".to_owned()]),]
        );
        let certificates = all.certificates.unwrap();
        assert_eq!(ringfence_certificate::check(&certificates), Ok(()));
        let whose: Vec<_> = certificates.without;
        let whose: Vec<_> = whose.iter().map(|it| (it.rail.as_str(), it.who.as_str())).collect();
        assert_eq!(whose, [("a", "1:role/app"), ("a", "2:role/app")]);
    }

    #[test]
    fn what_could_not_be_asked_of_an_account_proves_nothing_of_all() {
        let failed =
            OfAccount { scope: "2:".to_owned(), proving: Proving::Failed("no state".to_owned()) };
        let all = together(vec![done("1:", &[proof("a", ProofVerdict::Proved, &[])]), failed]);
        let [proof] = all.proofs.as_slice() else { panic!("{:?}", all.proofs) };
        assert_eq!(proof.verdict, ProofVerdict::Undecided);
        assert_eq!(proof.told, ["2: not proved: no state"]);
        assert_eq!(
            all.told,
            ["no guard rail of the account 2 was proved for all requests: no state"]
        );
        assert!(all.certificates.unwrap().without.is_empty());
    }

    #[test]
    fn an_account_in_which_a_guard_rail_is_about_nobody_leaves_it_proved() {
        let nobody =
            OfAccount { scope: "2:".to_owned(), proving: Proving::Nobody("nobody".to_owned()) };
        let all = together(vec![done("1:", &[proof("a", ProofVerdict::Proved, &[])]), nobody]);
        assert_eq!(all.proofs.first().map(|it| it.verdict), Some(ProofVerdict::Proved));
        assert_eq!(all.told.len(), 1);
    }

    #[test]
    fn one_account_alone_is_as_it_is() {
        let own = proof("a", ProofVerdict::Violated, &["by x"]);
        let all = together(vec![done("", std::slice::from_ref(&own))]);
        assert_eq!(all.proofs, [own]);
    }
}
