//! A claim is proved, violated or undecided.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ringfence_certificate::packets::{Facts, Way};
use ringfence_models::managed;
use ringfence_policy::{Document, Kind, Policies, StatementRef, decide};
use ringfence_prove::{Disagreement, Question, Universe, Verdict, Witness, within_sent};

use super::calls::Call;
use super::claims::Claim;
use crate::access::denies::{Kept, Left, kept, left};
use crate::access::estate::{allows, least};
use crate::guard_rail::GuardRail;

/// How a claim ended.
#[derive(Debug)]
pub struct Finding {
    /// The guard rail.
    pub rail: GuardRail,
    /// Whose requests.
    pub who: String,
    /// How it ended.
    pub end: End,
    /// What there is to ask about.
    pub universe: Asked,
    /// Of packets: where they go and what they meet, or why that is not told.
    pub packets: Option<Result<(Way, Facts), String>>,
    /// AWS's own policies that count for it, each with its version: AWS changes them.
    pub of_aws: BTreeSet<String>,
    /// What resources' policies deny, and names that no resource has, where that counts for it.
    pub denied: Vec<Arc<Document>>,
}

/// What a claim is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// Requests: all of these.
    Requests(Universe),
    /// Packets: all of these.
    Packets(&'static str),
}

/// How a claim ended.
#[derive(Debug)]
pub enum End {
    /// No request and no packet whatever breaks it; whatever these are, where they are not known.
    Proved(Vec<String>),
    /// This one does, and the engine allows it.
    Violated(Box<Broken>),
    /// It is not known.
    Undecided(String),
}

/// What breaks a claim.
#[derive(Debug)]
pub enum Broken {
    /// A request.
    Request {
        /// The request.
        witness: Witness,
        /// The statements that allow it.
        allowed_by: Vec<StatementRef>,
        /// The call that makes it, where that was looked for.
        call: Option<Call>,
    },
    /// Packets.
    Packets(Packets),
}

/// Packets that break a claim.
#[derive(Debug)]
pub struct Packets {
    /// One of them.
    pub packet: String,
    /// `leaves by`, `enters by` or `is reached by`.
    pub way: &'static str,
    /// What it passes, in order.
    pub through: Vec<String>,
}

/// Decides all claims.
///
/// # Errors
/// Where prover and engine differ: a fault of ours.
pub fn all(claims: &[Claim]) -> Result<Vec<Finding>, Disagreement> {
    claims.iter().map(one).collect()
}

/// The policies that a claim is asked about: whatever is not known allows everything that
/// the known denies and limits do not take away again.
pub(super) fn asked(claim: &Claim) -> Policies {
    let mut policies = claim.policies.clone();
    policies.identity.extend(allows(&claim.bounded).cloned());
    if !claim.open.is_empty() {
        policies.identity.extend(everything());
    }
    policies
}

fn one(claim: &Claim) -> Result<Finding, Disagreement> {
    let policies = &asked(claim);
    let Kept { verdict, universe, policies: under, by } = shown(claim, policies)?;
    let mut denied = by;
    let undecided = |reason| (End::Undecided(reason), universe);
    let (end, universe) = match (verdict, claim.open.as_slice()) {
        _ if claim.beyond.is_some() => undecided(claim.beyond.clone().unwrap_or_default()),
        (Verdict::Proved, open) => match by_others(claim, policies)? {
            Some(why) => undecided(why),
            None => {
                let bounded = claim.bounded.keys();
                (End::Proved(open.iter().chain(bounded).cloned().collect()), universe)
            }
        },
        (Verdict::Undecided(reason), _) => undecided(reason),
        (Verdict::Violated(witness), [first, ..]) => undecided(format!(
            "`{}` on `{}` depends on what is not known: {first}",
            witness.action, witness.resource
        )),
        // What is known allows it by itself, or the rest may.
        (Verdict::Violated(witness), []) if !claim.bounded.is_empty() => {
            let found = one(&known(claim))?;
            if matches!(found.end, End::Violated(_)) {
                return Ok(found);
            }
            let why = claim.bounded.keys().next().map_or("", String::as_str);
            undecided(format!(
                "`{}` on `{}` depends on what is not known: {why}",
                witness.action, witness.resource
            ))
        }
        (Verdict::Violated(witness), []) if claim.hangs_on.is_some() => undecided(format!(
            "`{}` on `{}` depends on what is not known: {}",
            witness.action,
            witness.resource,
            claim.hangs_on.as_deref().unwrap_or_default()
        )),
        (Verdict::Violated(witness), []) => match (&claim.kept_back_by, &claim.kept_back) {
            (None, _) => violated(claim, *witness, &under, universe)?,
            (Some(why), None) => undecided(may_be_kept_back(&witness, why)),
            (Some(why), Some(under)) => {
                let Kept { verdict, universe, policies, by } = shown(claim, under)?;
                denied.extend(by);
                match verdict {
                    Verdict::Violated(witness) => violated(claim, *witness, &policies, universe)?,
                    _ => undecided(may_be_kept_back(&witness, why)),
                }
            }
        },
    };
    let universe = Asked::Requests(universe);
    let (rail, who) = (claim.rail.clone(), claim.who.clone());
    let of_aws = of_aws(policies);
    Ok(Finding { rail, who, end, universe, packets: None, of_aws, denied })
}

/// Why a request may break a claim that the policies of the files keep: by the policy of a
/// resource that is not in them.
fn by_others(claim: &Claim, policies: &Policies) -> Result<Option<String>, Disagreement> {
    let (principal, sides) = (claim.principal.as_ref(), [policies, &claim.most]);
    claim.elsewhere.may(principal, sides, || claim.refused())
}

/// A request breaks a claim that policies allow, unless what resources' policies may deny
/// besides keeps back each.
fn violated(
    claim: &Claim,
    witness: Witness,
    policies: &Policies,
    universe: Universe,
) -> Result<(End, Universe), Disagreement> {
    let may = claim.denied().may;
    if may.is_empty() {
        return Ok((broken(witness, policies), universe));
    }
    Ok(match left(policies, &may, |policies| asked_about(claim, policies))? {
        Left::Some { witness, universe, policies } => (broken(*witness, &policies), universe),
        Left::Nothing(why) => (End::Undecided(may_be_kept_back(&witness, &why)), universe),
    })
}

/// A claim about what is known, under the most that the rest may deny.
fn known(claim: &Claim) -> Claim {
    let least = |policies: &Policies| least(policies, &claim.bounded);
    let kept_back = claim.kept_back.as_ref().map(least);
    let policies = least(&claim.policies);
    Claim { policies, kept_back, bounded: BTreeMap::new(), ..claim.clone() }
}

/// AWS's own policies among those of an identity, with their versions.
fn of_aws(policies: &Policies) -> BTreeSet<String> {
    let all = policies.identity.iter().chain(policies.boundary.iter().flatten());
    let all = all.filter_map(|one| {
        let known = managed::find(one.name())?;
        Some(format!("{} ({})", one.name(), known.version))
    });
    all.collect()
}

fn may_be_kept_back(witness: &Witness, why: &str) -> String {
    format!("all else allows `{}` on `{}`, and {why}", witness.action, witness.resource)
}

fn broken(witness: Witness, policies: &Policies) -> End {
    let mut allowed_by = Vec::new();
    // Who has a policy by a group too has its statements twice.
    for one in decide(&witness.request(), policies).statements {
        if !allowed_by.contains(&one) {
            allowed_by.push(one);
        }
    }
    End::Violated(Box::new(Broken::Request { witness, allowed_by, call: None }))
}

/// What policies allow beside what resources' policies deny for certain, of what there may be.
fn shown(claim: &Claim, policies: &Policies) -> Result<Kept<Universe>, Disagreement> {
    kept(policies, || claim.refused(), |policies| asked_about(claim, policies))
}

/// Proved is what holds of all requests, or of those that AWS sends: the reference may lack
/// keys that a service sends, those of OIDC tokens among them, and these are there. Of what
/// does not hold, a request for an action that there is is shown where there is one.
fn asked_about(claim: &Claim, policies: &Policies) -> Result<(Verdict, Universe), Disagreement> {
    within_sent(&Question {
        inner: policies,
        outer: &claim.most,
        principal: claim.principal.as_ref(),
        universe: Universe::All,
    })
}

fn everything() -> Option<Arc<Document>> {
    const TEXT: &str = r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;
    Document::parse("what is not known", TEXT, Kind::Identity).ok().map(Arc::new)
}
