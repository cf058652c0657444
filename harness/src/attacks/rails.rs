//! The guard rails, and what each of them is about: those of which an estate has
//! nothing are told as not applicable, and so is no guard rail passed over.

use ringfence_evidence::Proof;

use super::facts::Facts;
use super::finding::{Finding, Road, Scope, Untried, Verdict};
use super::lack::Lack;
use crate::guard_rail::GuardRail;

/// What an estate must have for a guard rail to be tested; nothing of what every
/// estate has something of.
fn about(rail: &GuardRail) -> &'static [Lack] {
    match rail {
        GuardRail::Deployments => &[Lack::Apps],
        GuardRail::NetworkKept => &[Lack::Functions, Lack::Subnets],
        GuardRail::Tokens | GuardRail::Scopes | GuardRail::Claims | GuardRail::Rotation => {
            &[Lack::Api, Lack::Authorizer]
        }
        GuardRail::Front | GuardRail::Routes => &[Lack::Api],
        GuardRail::Artifacts => &[Lack::Bucket],
        GuardRail::Doors => &[Lack::Functions, Lack::Api],
        GuardRail::BoundaryCarried | GuardRail::BoundaryKept => {
            &[Lack::Deployers, Lack::ExecutionBoundary]
        }
        GuardRail::RoutesLead => &[Lack::Deployers, Lack::Api],
        GuardRail::Trust
        | GuardRail::Identities
        | GuardRail::Functions
        | GuardRail::OwnRoles
        | GuardRail::Stacks
        | GuardRail::Logs => &[Lack::Deployers],
        GuardRail::Network => &[Lack::Deployers, Lack::Subnets],
        GuardRail::NatAlone | GuardRail::Unreached => &[Lack::Subnets],
        GuardRail::Published => &[Lack::Deployers, Lack::Parameters],
        GuardRail::DeployerCeiling => &[Lack::DeployerBoundary],
        GuardRail::CodeCeiling => &[Lack::Functions],
        GuardRail::Paths => &[Lack::Deployers, Lack::Functions],
        // What an estate of one account has nothing of is told of no account.
        GuardRail::Accounts
        | GuardRail::Policies
        | GuardRail::Root
        | GuardRail::Applied
        | GuardRail::Endpoints
        | GuardRail::Declared(_) => &[],
    }
}

/// One finding for each guard rail that nothing was found about and of which the
/// estate has nothing.
pub(super) fn beyond(facts: &Facts, findings: &[&Finding]) -> Vec<Finding> {
    let untested = GuardRail::BUILT_IN
        .into_iter()
        .filter(|rail| !findings.iter().any(|finding| finding.guard_rail == *rail));
    let missing = untested.filter_map(|rail| {
        let lack = about(&rail).iter().find(|lack| !facts.has(**lack))?;
        Some(nothing(rail, *lack))
    });
    missing.collect()
}

/// One finding for each guard rail of networks of which there was nothing to prove.
pub(crate) fn unproved(proofs: &[Proof]) -> Vec<Finding> {
    let is_there = |rail: &GuardRail| proofs.iter().any(|proof| proof.guard_rail == rail.title());
    let missing = GuardRail::OF_NETWORKS.into_iter().filter(|rail| !is_there(rail));
    let lack = |rail: &GuardRail| about(rail).first().copied();
    missing.filter_map(|rail| Some(nothing(rail.clone(), lack(&rail)?))).collect()
}

fn nothing(rail: GuardRail, lack: Lack) -> Finding {
    let told = Untried {
        id: format!("estate/{}/{}", rail.id(), Road::Api),
        identity: "estate".to_owned(),
        road: Road::Api,
        scope: Scope::Decided,
        title: rail.title().to_owned(),
        expected: "there is something that it guards".to_owned(),
        guard_rail: rail,
    };
    Finding::untried(told, Verdict::NotApplicable, lack.words())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use ringfence_evidence::controls::Catalogue;

    use super::*;

    /// Objectives and guard rails are written apart: the objectives are data.
    #[test]
    fn every_guard_rail_is_of_an_objective_and_each_has_an_id_of_its_own() {
        let catalogue = Catalogue::builtin().unwrap();
        let listed: BTreeSet<&str> = catalogue
            .objectives()
            .iter()
            .flat_map(|objective| objective.guard_rails.iter().map(String::as_str))
            .collect();
        let all = || GuardRail::BUILT_IN.iter().chain(&GuardRail::OF_NETWORKS);
        let mut titles: BTreeSet<&str> = all().map(GuardRail::title).collect();
        for rail in [GuardRail::Applied, GuardRail::Endpoints] {
            assert!(titles.remove(rail.title()), "no objective has it");
        }
        assert_eq!(listed, titles);
        let ids: BTreeSet<&str> = all().map(GuardRail::id).collect();
        assert_eq!(ids.len(), all().count());
    }
}
