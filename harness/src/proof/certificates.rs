//! The certificates of what is proved, in a file, and whether they are good.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use ringfence_certificate::form::{Certificate, SENT_KEYS, Side, Universe, Who, Without};
use ringfence_certificate::packets::{self, PacketCertificate, Uncertified};
use ringfence_certificate::{Certificates, Known, check};
use ringfence_evidence::{Proof, ProofVerdict};
use ringfence_policy::Policies;
use ringfence_prove::{Disagreement, Question, certify};

use super::claims::Claim;
use super::decide::{self, Asked, End, Finding, asked};
use crate::guard_rail::GuardRail;

/// Their name in a bundle.
pub use ringfence_evidence::bundle::CERTIFICATES;

/// Bytes of all certificates together, at most.
const LARGEST: usize = 32 << 20;

/// Why a claim has none where there is no more room.
const FULL: &str = "the file of certificates is full at 32 MiB: no more are made";

/// Why there are no certificates at all.
#[derive(Debug, thiserror::Error)]
pub enum Uncertain {
    /// They cannot be written.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// Prover and checker differ: a fault of ours.
    #[error(
        "internal error: the prover says that `{rail}` holds for `{who}`, and by the checker of certificates {packet} breaks it"
    )]
    Disagreement {
        /// The guard rail.
        rail: String,
        /// Whose packets.
        who: String,
        /// One that breaks it.
        packet: String,
    },
}

/// The certificates of the guard rails of which every claim is proved.
///
/// # Errors
/// Where prover and checker differ about one.
pub fn certificates(claims: &[Claim], findings: &[Finding]) -> Result<Certificates, Uncertain> {
    let is_proved = |one: &&Finding| matches!(one.end, End::Proved(_));
    let open = findings.iter().filter(|one| !is_proved(one));
    let open: BTreeSet<&GuardRail> = open.map(|one| &one.rail).collect();
    let mut all = Certificates::new();
    // What is known of ARNs is shared by the claims about an identity.
    let mut known: BTreeMap<&str, Known> = BTreeMap::new();
    // Once a file is full nothing more is made for it.
    let mut left = Some(LARGEST);
    // The first findings are those of the claims, one each.
    let both = claims.iter().zip(findings);
    for (claim, finding) in both.filter(|(claim, _)| !open.contains(&claim.rail)) {
        let mut written = Err(FULL.to_owned());
        if let Some(room) = left {
            let known = known.entry(&claim.who).or_default();
            written = made(claim, finding, known, &mut all);
            if written.is_ok() {
                let last = all.certificates.last().map(serde_json::to_vec).transpose()?;
                left = room.checked_sub(last.unwrap_or_default().len());
            }
            if left.is_none() {
                // The claim is stated all the same.
                all.certificates.pop();
                all.without.push(without(claim.rail.title(), &claim.who, FULL.to_owned()));
            }
        }
        if let Err(reason) = written {
            all.state(claim.rail.title(), &claim.who);
            all.without.push(without(claim.rail.title(), &claim.who, reason));
        }
    }
    let of_packets =
        |one: &&Finding| matches!(one.universe, Asked::Packets(_)) && !open.contains(&one.rail);
    for finding in findings.iter().filter(of_packets) {
        let (rail, who) = (finding.rail.title(), finding.who.as_str());
        all.state(rail, who);
        let written = match &finding.packets {
            Some(Ok((way, facts))) => packets::certify((rail, who), *way, facts.clone()),
            Some(Err(reason)) => Err(Uncertified::Unshown(reason.clone())),
            None => Err(Uncertified::Unshown("what packets meet is not told".to_owned())),
        };
        match written {
            Ok(one) => {
                let size = serde_json::to_vec(&one)?.len();
                left = left.and_then(|left| left.checked_sub(size));
                match left {
                    Some(_) => all.packets.push(one),
                    None => all.without.push(without(rail, who, FULL.to_owned())),
                }
            }
            Err(Uncertified::Unshown(reason)) => all.without.push(without(rail, who, reason)),
            Err(Uncertified::Broken(packet)) => {
                let (rail, who) = (rail.to_owned(), who.to_owned());
                return Err(Uncertain::Disagreement { rail, who, packet });
            }
        }
    }
    Ok(all)
}

fn without(rail: &str, who: &str, reason: String) -> Without {
    Without { rail: rail.to_owned(), who: who.to_owned(), reason }
}

/// Adds the certificate of a claim, about what its finding is about.
fn made(
    claim: &Claim,
    finding: &Finding,
    known: &Known,
    all: &mut Certificates,
) -> Result<(), String> {
    let mut inner = asked(claim);
    inner.identity.extend(finding.denied.iter().cloned());
    let universe = match finding.universe {
        Asked::Requests(universe) => universe,
        Asked::Packets(_) => return Err("it is about packets".to_owned()),
    };
    let question = Question {
        inner: &inner,
        outer: &claim.most,
        principal: claim.principal.as_ref(),
        universe,
    };
    certify(&question, (claim.rail.title(), &claim.who), known, all)
}

/// What certificates say of claims that are none of these, or of others than they name: a
/// guard rail's name is worth what its policies say.
pub fn strangers(all: &Certificates, claims: &[Claim], findings: &[Finding]) -> Vec<String> {
    let mut sides = Certificates::new();
    let mut of: BTreeMap<(&str, &str), Vec<[Side; 3]>> = BTreeMap::new();
    let mut principals: BTreeMap<(&str, &str), Vec<Option<Who>>> = BTreeMap::new();
    for claim in claims {
        let name = (claim.rail.title(), claim.who.as_str());
        let denied = Policies { identity: claim.refused(), ..Policies::default() };
        let all = [sides.side(&asked(claim)), sides.side(&denied), sides.side(&claim.most)];
        of.entry(name).or_default().push(all);
        principals.entry(name).or_default().push(claim.principal.as_ref().map(Who::from));
    }
    let is_stranger = |one: &&Certificate| {
        let name = (one.rail.as_str(), one.who.as_str());
        let both = of.get(&name).into_iter().flatten();
        let mut claims = both.zip(principals.get(&name).into_iter().flatten());
        !claims.any(|([inner, denied, outer], principal)| {
            is_beside(&one.inner, inner, denied)
                && *outer == one.outer
                && *principal == one.principal
        })
    };
    let requests = all.certificates.iter().filter(is_stranger).map(|one| (&one.rail, &one.who));
    let is_own = |one: &PacketCertificate| {
        findings.iter().any(|finding| {
            let names = (finding.rail.title(), finding.who.as_str());
            let says = finding.packets.as_ref().and_then(|says| says.as_ref().ok());
            names == (&*one.rail, &*one.who)
                && says.is_some_and(|(way, facts)| (*way, facts) == (one.way, &one.facts))
        })
    };
    let packets = all.packets.iter().filter(|one| !is_own(one)).map(|one| (&one.rail, &one.who));
    let told = |(rail, who): (&String, &String)| {
        format!("the certificate of `{rail}` for `{who}` is of another claim")
    };
    requests.chain(packets).map(told).collect()
}

/// Whether a side is another one, or that with some of what resources' policies deny.
fn is_beside(side: &Side, own: &Side, denied: &Side) -> bool {
    let Some((first, beside)) = side.identity.split_at_checked(own.identity.len()) else {
        return false;
    };
    let first = Side { identity: first.to_vec(), ..side.clone() };
    first == *own && beside.iter().all(|one| denied.identity.contains(one))
}

/// The claims of the files that certificates do not state: of guard rails of which they
/// state some, and of those of which every claim is proved. The others are decided here.
///
/// # Errors
/// Where prover and engine differ: a fault of ours.
pub fn unstated(
    all: &Certificates,
    claims: &[Claim],
    findings: &[Finding],
) -> Result<Vec<String>, Disagreement> {
    let packets = findings.iter().filter(|one| matches!(one.universe, Asked::Packets(_)));
    let packets = packets.map(|one| (one.rail.title(), one.who.as_str()));
    let mut names: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for name in claims.iter().map(|one| (one.rail.title(), one.who.as_str())).chain(packets) {
        *names.entry(name).or_default() += 1;
    }
    let states = |rail: &str| all.claims.get(rail).is_some_and(|of| !of.is_empty());
    let rest = claims.iter().filter(|one| !states(one.rail.title()));
    let found = decide::all(&rest.cloned().collect::<Vec<Claim>>())?;
    let both = found.iter().chain(findings);
    let open = both.filter(|one| !matches!(one.end, End::Proved(_)));
    let open: BTreeSet<&str> = open.map(|one| one.rail.title()).collect();
    let stated = |rail: &str, who: &str| {
        all.claims.get(rail).and_then(|of| of.get(who)).copied().unwrap_or_default()
    };
    let is_missing = |((rail, who), count): &((&str, &str), usize)| {
        stated(rail, who) < *count && (states(rail) || !open.contains(rail))
    };
    let told = |((rail, who), _)| format!("the certificate of `{rail}` for `{who}` is missing");
    Ok(names.into_iter().filter(is_missing).map(told).collect())
}

/// Reads certificates and checks each.
///
/// # Errors
/// What cannot be read, and the first that is not good.
pub fn checked(path: &Path) -> anyhow::Result<Result<Certificates, String>> {
    let text = fs::read(path)
        .map_err(|error| anyhow::anyhow!("cannot read `{}`: {error}", path.display()))?;
    let all = match Certificates::read(&text) {
        Ok(all) => all,
        Err(error) => return Ok(Err(error.to_string())),
    };
    Ok(check(&all).map(|()| all).map_err(|refused| refused.to_string()))
}

/// What is wrong with the certificates of a bundle, where it has any: each must be good,
/// and each guard rail that its record calls proved must have one for each claim, or the
/// reason why not.
///
/// # Errors
/// When the file cannot be read.
pub fn problems(bundle: &Path, proofs: &[Proof]) -> anyhow::Result<Vec<String>> {
    let path = bundle.join(CERTIFICATES);
    if !path.exists() {
        return Ok(Vec::new());
    }
    let all = match checked(&path)? {
        Ok(all) => all,
        Err(reason) => return Ok(vec![format!("`{CERTIFICATES}`: {reason}")]),
    };
    let mut claims: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let of = all.certificates.iter().map(|one| (&one.rail, &one.who));
    let of = of.chain(all.packets.iter().map(|one| (&one.rail, &one.who)));
    for (rail, who) in of.chain(all.without.iter().map(|one| (&one.rail, &one.who))) {
        claims.entry(rail).or_default().insert(who);
    }
    let mut problems = Vec::new();
    for proof in proofs.iter().filter(|one| one.verdict == ProofVerdict::Proved) {
        let found = claims.remove(proof.guard_rail.as_str()).map_or(0, |whose| whose.len());
        if found != proof.claims {
            problems.push(format!(
                "`{CERTIFICATES}` tells of {found} claims of `{}`, the record of {}",
                proof.guard_rail, proof.claims
            ));
        }
        let mut own = all.certificates.iter().filter(|one| one.rail == proof.guard_rail);
        if own.any(|one| one.universe != Universe::all()) && !proof.universe.contains(SENT_KEYS) {
            problems.push(format!(
                "`{CERTIFICATES}` tells of fewer requests than the record calls `{}` proved of",
                proof.guard_rail
            ));
        }
    }
    problems.extend(claims.into_keys().map(|rail| {
        format!("`{CERTIFICATES}` tells of `{rail}`, which the record does not call proved")
    }));
    Ok(problems)
}
