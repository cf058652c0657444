//! Every attack of the catalogue is refused as AWS refuses it, by the guard
//! rail that is meant to, and its legitimate twin succeeds.

use ringfence::attacks::{Finding, Part, Suite, Verdict};
use rstest::rstest;

use crate::stack::with_stack;

/// Which part of the suite, by deployer.
#[derive(Debug, Clone, Copy)]
enum Which {
    Tokens,
    Trust(&'static str),
    Deployer(&'static str),
    Inside(&'static str),
}

impl Which {
    fn is(self, part: Part<'_>) -> bool {
        match (self, part) {
            (Self::Tokens, Part::Tokens) => true,
            (Self::Trust(name), Part::Trust(deployer))
            | (Self::Deployer(name), Part::Deployer(deployer))
            | (Self::Inside(name), Part::Inside(deployer)) => name == deployer.name,
            _ => false,
        }
    }
}

/// `at_least` keeps a catalogue that lost its attacks from passing.
#[rstest]
#[case::tokens(Which::Tokens, 52)]
#[case::who_becomes_the_stack_deployer(Which::Trust("high-perm"), 15)]
#[case::who_becomes_the_code_deployer(Which::Trust("low-perm"), 15)]
#[case::who_becomes_the_hybrid(Which::Trust("hybrid"), 15)]
#[case::what_the_stack_deployer_can_do(Which::Deployer("high-perm"), 229)]
#[case::what_the_code_deployer_can_do(Which::Deployer("low-perm"), 180)]
#[case::what_the_hybrid_can_do(Which::Deployer("hybrid"), 180)]
#[case::what_running_code_can_do(Which::Inside("high-perm"), 8)]
fn every_attack_is_refused_and_its_twin_succeeds(#[case] which: Which, #[case] at_least: usize) {
    with_stack(async |stack| {
        let suite = Suite::of(stack).await.unwrap();
        let part = suite.parts().into_iter().find(|part| which.is(*part)).unwrap();
        let findings = suite.run(part).await.unwrap();
        let failed: Vec<String> =
            findings.iter().filter(|finding| finding.verdict != Verdict::Held).map(told).collect();
        assert!(failed.is_empty(), "{}", failed.join("\n"));
        assert!(findings.len() >= at_least, "only {} attacks", findings.len());
    });
}

fn told(finding: &Finding) -> String {
    format!(
        "{} {}: expected {}; observed {}",
        finding.verdict.name(),
        finding.id,
        finding.expected,
        finding.observed
    )
}

#[test]
fn every_route_is_behind_the_authorizer_and_leads_to_a_known_function() {
    with_stack(async |stack| {
        let suite = Suite::of(stack).await.unwrap();
        let facts = suite.facts();
        let mut keys: Vec<&str> =
            facts.routes.iter().map(|route| route.route_key.as_str()).collect();
        keys.sort_unstable();
        assert_eq!(keys, ["GET /service-a/{proxy+}", "GET /service-b/{proxy+}"]);
        for route in &facts.routes {
            assert_eq!(route.authorization_type, "JWT", "{}", route.route_key);
        }
        for app in ["service-a", "service-b"] {
            assert!(facts.route(app).is_some(), "no route leads to {app}");
        }
    });
}
