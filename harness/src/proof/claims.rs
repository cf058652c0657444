//! Each guard rail as claims: what an identity is never allowed.
//!
//! - `rails`: what each of them forbids;
//! - `identity`: the claims of one identity.

mod identity;
mod rails;

use std::sync::Arc;

use ringfence_policy::symbolic::statements;
use ringfence_policy::{Document, DocumentError, Policies, Principal};
use ringfence_prove::Disagreement;

pub(super) use self::identity::{OF_ID, letting_in, most, of_identity, of_trust, written};
pub(super) use self::rails::Rail;
use self::rails::{boundary, ceilings, identities, kept, own_roles};
use super::guarded::Guarded;
use super::guises::guises;
use super::limited::limited;
use super::{declared, network, trust};
use crate::access::colons;
use crate::access::denies::{self, Denials, Denied};
use crate::access::elsewhere::Elsewhere;
use crate::access::estate::Most;
use crate::access::ids::{has_chosen, told_apart};
use crate::access::stated::Stated;
use crate::access::unnamed::documents;
use crate::config::ConfigError;
use crate::guard_rail::GuardRail;

/// That nobody, or one identity, is allowed more than something.
#[derive(Debug, Clone)]
pub struct Claim {
    /// The guard rail.
    pub rail: GuardRail,
    /// Whose requests: an entry of the estate.
    pub who: String,
    pub(super) principal: Option<Principal>,
    /// What decides about them.
    pub(super) policies: Policies,
    /// What they may be allowed at most.
    pub(super) most: Policies,
    /// What may count besides and is not in the files, or not known.
    pub(super) open: Vec<String>,
    /// The most that what is known in part may allow besides, by why it is not known.
    pub(super) bounded: Most,
    /// Why it cannot be decided here.
    pub(super) beyond: Option<String>,
    /// Who it is, where the name is not known.
    pub(super) unnamed: Option<String>,
    /// What is not known and a request that breaks it may hang on.
    pub(super) hangs_on: Option<String>,
    /// What may keep back a request that all else allows, and why nobody knows.
    pub(super) kept_back_by: Option<String>,
    /// The policies with that, where it is known what it says.
    pub(super) kept_back: Option<Policies>,
    /// What the policies of resources deny.
    pub(super) denials: Arc<Denials>,
    /// Who it may be whom they deny something, where the name is not known.
    pub(super) disguised: Vec<(String, Arc<Document>)>,
    /// Of a user, what its own tags keep it back from.
    pub(super) tagged: Vec<(String, Arc<Document>)>,
    /// What has its policy in the files, and need not be asked about as if it let in who asks.
    pub(super) elsewhere: Arc<Elsewhere>,
}

impl Claim {
    /// What the policies of resources deny who asks.
    pub(super) fn denied(&self) -> Denied {
        let Some(principal) = &self.principal else { return Denied::default() };
        let is_bounded = self.policies.boundary.is_some();
        // Of a ceiling it stands for anybody under the same boundary.
        let mut denied = match (&self.rail, anybody_of(principal)) {
            (GuardRail::DeployerCeiling | GuardRail::CodeCeiling, Some(anybody)) => {
                self.denials.of(&[principal, &anybody], is_bounded)
            }
            _ => self.denials.of(&[principal], is_bounded),
        };
        if let Some(who) = &self.unnamed {
            denied = denied.of_unnamed(who);
            denied.may.extend(self.disguised.iter().cloned());
        }
        // The tags of a session that it federates are the session's.
        if matches!(principal, Principal::User { .. }) {
            denied.may.extend(self.tagged.iter().cloned());
        }
        denied
    }

    /// What who asks does not get for certain: what resources' policies deny, and what has a
    /// name that no resource has.
    pub(super) fn refused(&self) -> Vec<Arc<Document>> {
        let mut all = self.denied().sure;
        if self.principal.is_some() {
            all.extend(colons::refused().iter().cloned());
        }
        all
    }

    /// The policies with all that those of resources deny for certain.
    pub(super) fn under_denies(&self, policies: &Policies) -> Policies {
        let mut policies = policies.clone();
        policies.identity.extend(self.denied().sure);
        policies
    }

    /// Notes why a trust policy is the most that it may be.
    pub(super) fn hangs_on_part(&mut self, why: Option<String>) {
        let Some(why) = why else { return };
        self.bounded.entry(why.clone()).or_default();
        self.hangs_on.get_or_insert(why);
    }
}

/// Why a guard rail is no claim.
#[derive(Debug, thiserror::Error)]
pub enum Unput {
    /// A name of the estate that no ARN can have.
    #[error("a guard rail cannot be put as a policy")]
    Policy(#[from] DocumentError),
    /// Prover and engine differ about what one of the configuration says.
    #[error(transparent)]
    Disagreement(#[from] Disagreement),
    /// One of the configuration names what is not there.
    #[error(transparent)]
    Names(#[from] ConfigError),
}

/// All claims, rail by rail.
///
/// # Errors
/// A claim that cannot stand in a policy, or that names what the estate has not.
pub fn all(guarded: &Guarded<'_>, stated: &Stated) -> Result<Vec<Claim>, Unput> {
    let mut claims = Vec::new();
    let private = network::private(guarded);
    for team in &guarded.teams {
        let of_roles = [kept(guarded, team), own_roles(guarded, team), identities(guarded, team)];
        let rails = boundary(guarded, team).into_iter().chain(of_roles);
        let Some(entry) = guarded.estate.entries.get(&team.entry) else { continue };
        let of_resources = letting_in(guarded, (&team.entry, entry));
        for (rail, forbidden) in rails.chain(network::rails(guarded, &private, team)) {
            let who = (team.entry.as_str(), entry);
            let mut all = of_identity(guarded, &rail, who, &of_resources, &forbidden)?;
            if rail == GuardRail::NetworkKept {
                for claim in &mut all {
                    claim.hangs_on = claim.hangs_on.take().or_else(|| private.unknown.clone());
                }
            }
            claims.extend(all);
        }
    }
    claims.extend(ceilings(guarded)?);
    claims.extend(trust::claims(guarded)?);
    claims.extend(declared::claims(guarded)?);
    let mut claims = limited(claims, guarded, stated)?;
    let denials = Arc::new(guarded.estate.denials());
    let elsewhere = Arc::new(guarded.estate.elsewhere());
    for claim in &mut claims {
        claim.denials = Arc::clone(&denials);
        claim.elsewhere = Arc::clone(&elsewhere);
        claim.disguised = disguised(guarded, claim.unnamed.as_deref(), &denials);
        claim.tagged = tagged(guarded, claim);
        claim.beyond = claim.beyond.take().or_else(|| ids_told_apart(claim));
    }
    claims.sort_by(|one, other| one.rail.title().cmp(other.rail.title()));
    Ok(claims)
}

/// Why nobody knows what a guard rail and the policies cover, where one names what AWS has not
/// given an id yet, and one tells such ids apart.
fn ids_told_apart(claim: &Claim) -> Option<String> {
    let bounded = claim.bounded.values().flat_map(|one| one.allows.iter().chain(&one.denies));
    let kept_back = claim.kept_back.iter().flat_map(documents);
    let own = documents(&claim.policies).chain(documents(&claim.most)).chain(kept_back);
    let own: Vec<&Arc<Document>> = own.chain(bounded).collect();
    if !own.iter().any(|document| has_chosen(document)) {
        return None;
    }
    let denied = claim.denied();
    let of_resources = denied.sure.iter().chain(denied.may.iter().map(|(_, document)| document));
    told_apart(own.into_iter().chain(of_resources).map(|document| &**document))
}

/// A role of somebody's account that no policy names.
fn anybody_of(principal: &Principal) -> Option<Principal> {
    let account = principal.account_id()?;
    let name = "anybody-under-the-boundary";
    let role_arn = format!("arn:aws:iam::{account}:role/{name}");
    let session_arn = format!("arn:aws:sts::{account}:assumed-role/{name}/session");
    Some(Principal::RoleSession { role_arn, session_arn })
}

/// What a user's tags in the files keep it back from, where a policy asks for them, one of a
/// resource that denies it something too. Whoever may tag it may change them: nothing is proved
/// by them.
fn tagged(guarded: &Guarded<'_>, claim: &Claim) -> Vec<(String, Arc<Document>)> {
    if !matches!(claim.principal, Some(Principal::User { .. })) {
        return Vec::new();
    }
    let denied = claim.denied();
    let of_resources = denied.sure.iter().chain(denied.may.iter().map(|(_, document)| document));
    let bounded = claim.bounded.values().flat_map(|one| one.allows.iter().chain(&one.denies));
    let own = documents(&claim.policies).chain(documents(&claim.most)).chain(bounded);
    let who = (claim.who.as_str(), claim.principal.as_ref());
    let found = guarded.estate.kept_back_by_tags(who.0, who.1, own.chain(of_resources));
    found.into_iter().collect()
}

/// What an identity may be denied of whose name a part is not known, where a policy names
/// somebody whom it may be.
fn disguised(
    guarded: &Guarded<'_>,
    unnamed: Option<&str>,
    denials: &Denials,
) -> Vec<(String, Arc<Document>)> {
    let entry = unnamed.and_then(|name| Some((name, guarded.estate.entries.get(name)?)));
    let Some((name, entry)) = entry else { return Vec::new() };
    let mut all = Vec::new();
    for (_, policy) in denials.policies() {
        for (arn, guise) in guises(guarded, (name, entry), policy) {
            let is_bounded = entry.policies.boundary.is_some();
            let is_about = |at| {
                let mut statements = statements(policy);
                let one = statements.nth(at);
                one.is_some_and(|one| one.is_about_caller(&guise.principal, is_bounded))
            };
            let why = format!("whether `{name}` is `{arn}`");
            all.extend(denies::about(policy, is_about).map(|document| (why, document)));
        }
    }
    all
}
