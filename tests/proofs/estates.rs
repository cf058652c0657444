//! Estates of more than the two sample applications: each team's deployer is
//! shown to be kept from every route that the platform wired.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::slice::from_ref;

use ringfence::attacks::{Finding, Part, Scope, Suite, Verdict};
use ringfence::mutations;
use ringfence_evidence::MutantVerdict;

use crate::estate::generate;
use crate::mutations::weakened;
use crate::stack::{root, with_estate};

pub(crate) fn held(findings: &[Finding]) {
    let failed: Vec<String> = findings
        .iter()
        .filter(|finding| finding.verdict != Verdict::Held)
        .map(|finding| format!("{}: {}, {:?}", finding.id, finding.observed, finding.reason))
        .collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// A statement lists every route of the platform's: leaving one out must be
/// noticed, whichever it is.
#[test]
fn of_ten_services_each_route_of_the_platforms_is_missed() {
    let write = |into: &Path| generate(&root(), 10, into).unwrap();
    with_estate(false, write, async |stack| {
        let suite = Suite::of(stack).await.unwrap();
        let began = stack.guard().recording().unwrap().mark();
        let about_routes =
            |id: &str| id.contains("/foreign-route-") || id.contains("/foreign-integration-");
        let mut findings = Vec::new();
        for part in suite.parts() {
            if matches!(part, Part::Deployer(_)) {
                findings.extend(suite.run_selected(part, &about_routes).await.unwrap());
            }
        }
        held(&findings);
        // Five managed services have a route and an integration each, which can
        // be changed and removed. Everybody calls the first that is not its own;
        // each other one is decided for one deployer of each kind.
        let called = findings.iter().filter(|finding| finding.scope == Scope::Executed).count();
        assert_eq!(called, 10 * 4);
        let mut decided: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for finding in findings.iter().filter(|finding| finding.scope == Scope::Decided) {
            let (_, what) = finding.id.split_once('/').unwrap();
            let kind = finding.identity.trim_end_matches(|c: char| c.is_ascii_digit());
            assert!(decided.entry(what).or_default().insert(kind), "{} of two", finding.id);
        }
        let kinds = BTreeSet::from(["deployer-service-a", "deployer-service-b"]);
        let of_both = decided.values().filter(|attackers| **attackers == kinds).count();
        assert!(of_both >= 3 * 4, "{decided:?}");
        let all = mutations::ids(from_ref(&suite)).await.unwrap();
        let chosen: Vec<String> =
            all.into_iter().filter(|id| id.contains("/DenyPlatformRoutes/")).collect();
        assert!(chosen.len() >= 12, "only {chosen:?}");
        let done = weakened(&suite, &findings, began, &chosen).await;
        for mutant in &done.mutants {
            assert_eq!(mutant.verdict, MutantVerdict::Killed, "{}: {:?}", mutant.id, mutant.reason);
        }
    });
}
