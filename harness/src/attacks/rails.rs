//! The guard rails, and what each of them is about: those of which an estate has
//! nothing are told as not applicable, and so is no guard rail passed over.

use super::facts::Facts;
use super::finding::{Finding, Road, Scope, Untried, Verdict};
use super::lack::Lack;

/// A guard rail, and what an estate must have for it to be tested.
const RAILS: [(&str, &str, &[Lack]); 24] = [
    ("deployments", "each team deploys by its own workflow", &[Lack::Apps]),
    ("network-kept", "functions stay in the platform's network", &[Lack::Functions, Lack::Subnets]),
    ("tokens", "no call without a valid token", &[Lack::Api, Lack::Authorizer]),
    ("scopes", "no call without one of the route's scopes", &[Lack::Api, Lack::Authorizer]),
    ("front", "the API, its stage and its authorizer are the platform's", &[Lack::Api]),
    ("artifacts", "a team's artifacts are its own", &[Lack::Bucket]),
    ("doors", "functions are reached through the API alone", &[Lack::Functions, Lack::Api]),
    ("routes", "every route is behind the authorizer", &[Lack::Api]),
    ("claims", "a valid token reaches its function", &[Lack::Api, Lack::Authorizer]),
    ("rotation", "the issuer's keys rotate", &[Lack::Api, Lack::Authorizer]),
    ("trust", "only its own workflow becomes a deployer", &[Lack::Deployers]),
    (
        "boundary-carried",
        "every execution role carries the boundary",
        &[Lack::Deployers, Lack::ExecutionBoundary],
    ),
    (
        "boundary-kept",
        "no boundary is removed or replaced",
        &[Lack::Deployers, Lack::ExecutionBoundary],
    ),
    ("identities", "identities are the platform's", &[Lack::Deployers]),
    (
        "routes-lead",
        "the platform's routes lead where the platform says",
        &[Lack::Deployers, Lack::Api],
    ),
    ("functions", "a team's functions are its own", &[Lack::Deployers]),
    ("own-roles", "only a team's own roles run its functions", &[Lack::Deployers]),
    ("network", "the network is the platform's", &[Lack::Deployers, Lack::Subnets]),
    ("stacks", "a team's stacks are its own", &[Lack::Deployers]),
    (
        "published",
        "what the platform publishes is the platform's",
        &[Lack::Deployers, Lack::Parameters],
    ),
    ("logs", "a team's logs are its own", &[Lack::Deployers]),
    ("deployer-ceiling", "the boundary caps a deployer", &[Lack::DeployerBoundary]),
    ("code-ceiling", "the boundary caps running code", &[Lack::Functions]),
    ("paths", super::escalations::PATHS, &[Lack::Deployers, Lack::Functions]),
];

/// The guard rail that every estate has something of: its policies.
const POLICIES: (&str, &str) = ("policies", "policies say what they mean");

/// The ids of the guard rails that a team may accept findings of. The one about
/// the harness's own calls is not among them: no run without it is a result.
pub(crate) fn ids() -> impl Iterator<Item = &'static str> {
    RAILS.into_iter().map(|(id, ..)| id).chain([POLICIES.0])
}

/// The title of the guard rail of an id.
pub(crate) fn title(id: &str) -> Option<&'static str> {
    let mut all = RAILS.into_iter().map(|(id, title, _)| (id, title)).chain([POLICIES]);
    all.find(|(own, _)| *own == id).map(|(_, title)| title)
}

/// One finding for each guard rail that nothing was found about and of which the
/// estate has nothing.
pub(super) fn beyond(facts: &Facts, findings: &[Finding]) -> Vec<Finding> {
    let untested = RAILS
        .into_iter()
        .filter(|(_, rail, _)| !findings.iter().any(|finding| finding.guard_rail == *rail));
    let missing = untested.filter_map(|(name, rail, about)| {
        let lack = about.iter().find(|lack| !facts.has(**lack))?;
        let told = Untried {
            id: format!("estate/{name}/{}", Road::Api),
            guard_rail: rail,
            identity: "estate".to_owned(),
            road: Road::Api,
            scope: Scope::Decided,
            title: rail.to_owned(),
            expected: "there is something that it guards".to_owned(),
        };
        Some(Finding::untried(told, Verdict::NotApplicable, lack.words()))
    });
    missing.collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use ringfence_evidence::controls::Catalogue;

    use super::*;

    /// Each guard rail of the catalogue of objectives that need not be there.
    #[test]
    fn every_guard_rail_is_here_or_is_about_what_every_estate_has() {
        const EVERYWHERE: [&str; 2] = [POLICIES.1, "nobody but the harness acts as root"];
        let catalogue = Catalogue::builtin().unwrap();
        let listed: BTreeSet<&str> = catalogue
            .objectives()
            .iter()
            .flat_map(|objective| objective.guard_rails.iter().map(String::as_str))
            .collect();
        let known: BTreeSet<&str> =
            RAILS.iter().map(|(_, rail, _)| *rail).chain(EVERYWHERE).collect();
        assert_eq!(listed, known);
    }
}
