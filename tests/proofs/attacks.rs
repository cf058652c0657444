//! Every attack of the catalogue is refused as AWS refuses it, by the guard
//! rail that is meant to, and its legitimate twin succeeds.

use std::collections::BTreeSet;

use ringfence::attacks::{Finding, Part, Suite, Verdict, campaign, escalations};
use ringfence::progress::Progress;
use rstest::rstest;

use crate::stack::with_stack;

/// Which part of the suite, by deployer.
#[derive(Debug, Clone, Copy)]
enum Which {
    Settings,
    Tokens,
    Ceiling,
    Trust(&'static str),
    Deployer(&'static str),
    Inside(&'static str),
    Code(&'static str),
}

impl Which {
    fn is(self, part: Part<'_>) -> bool {
        match (self, part) {
            (Self::Settings, Part::Settings)
            | (Self::Tokens, Part::Tokens)
            | (Self::Ceiling, Part::Ceiling) => true,
            (Self::Trust(name), Part::Trust(deployer))
            | (Self::Deployer(name), Part::Deployer(deployer))
            | (Self::Inside(name), Part::Inside(deployer)) => name == deployer.name,
            (Self::Code(name), Part::Code(function)) => name == function.name,
            _ => false,
        }
    }
}

/// `at_least` keeps a catalogue that lost its attacks from passing.
#[rstest]
#[case::settings(Which::Settings, 28)]
#[case::tokens(Which::Tokens, 130)]
#[case::what_the_boundaries_stop(Which::Ceiling, 28)]
#[case::who_becomes_the_stack_deployer(Which::Trust("high-perm"), 34)]
#[case::who_becomes_the_code_deployer(Which::Trust("low-perm"), 34)]
#[case::who_becomes_the_hybrid(Which::Trust("hybrid"), 34)]
#[case::what_the_stack_deployer_can_do(Which::Deployer("high-perm"), 290)]
#[case::what_the_code_deployer_can_do(Which::Deployer("low-perm"), 250)]
#[case::what_the_hybrid_can_do(Which::Deployer("hybrid"), 250)]
#[case::what_running_code_can_do(Which::Inside("high-perm"), 40)]
#[case::what_code_in_the_stack_teams_function_can_do(Which::Code("service-a"), 100)]
#[case::what_code_in_the_managed_function_can_do(Which::Code("service-b"), 100)]
fn every_attack_is_refused_and_its_twin_succeeds(#[case] which: Which, #[case] at_least: usize) {
    with_stack(async |stack| {
        let suite = Suite::of(stack).await.unwrap();
        let part = suite.parts().into_iter().find(|part| which.is(*part)).unwrap();
        let findings = suite.run(part).await.unwrap();
        let failed: Vec<String> =
            findings.iter().filter(|finding| finding.verdict != Verdict::Held).map(told).collect();
        assert!(failed.is_empty(), "{}", failed.join("\n"));
        assert!(findings.len() >= at_least, "only {} attacks", findings.len());
        // Else it would support no control, and nobody would notice.
        let catalogue = ringfence_evidence::controls::Catalogue::builtin().unwrap();
        for finding in &findings {
            let rail = finding.guard_rail;
            assert!(catalogue.objectives_of(rail).next().is_some(), "no objective has `{rail}`");
        }
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
fn the_catalogue_is_large_and_every_attack_has_an_id_of_its_own() {
    with_stack(async |stack| {
        let suite = Suite::of(stack).await.unwrap();
        let ids = campaign::ids(&suite).unwrap();
        let unique: BTreeSet<&String> = ids.iter().collect();
        assert_eq!(unique.len(), ids.len());
        let kinds: BTreeSet<&str> = ids.iter().filter_map(|id| id.split('/').nth(1)).collect();
        assert!(kinds.len() >= 400, "only {} kinds of attack", kinds.len());
        for identity in ["high-perm", "low-perm", "hybrid"] {
            let own = ids.iter().filter(|id| id.split('/').next() == Some(identity)).count();
            assert!(own >= 280, "only {own} attacks by {identity}");
        }
        let path = |identity: &str, id: &str, road: &str| format!("{identity}/{id}/{road}");
        for known in escalations::paths() {
            for identity in ["high-perm", "low-perm", "hybrid"] {
                assert!(unique.contains(&path(identity, &known.id, "api")), "{}", known.id);
            }
            for identity in ["code-in-service-a", "code-in-service-b"] {
                assert!(unique.contains(&path(identity, &known.id, "function")), "{}", known.id);
            }
        }
    });
}

#[test]
fn what_is_chosen_runs_alone_and_an_unknown_id_is_an_error() {
    with_stack(async |stack| {
        let suite = Suite::of(stack).await.unwrap();
        let progress = Progress::silent();
        let chosen = ["low-perm/user-created/api", "hybrid/iam-001/api"].map(str::to_owned);
        let findings = campaign::run(&suite, &chosen, &progress).await.unwrap();
        let ids: Vec<&str> = findings.iter().map(|finding| finding.id.as_str()).collect();
        assert_eq!(ids, ["low-perm/user-created/api", "hybrid/iam-001/api"]);
        let unknown = ["low-perm/no-such-attack/api".to_owned()];
        let error = campaign::run(&suite, &unknown, &progress).await.unwrap_err();
        assert!(error.to_string().contains("`low-perm/no-such-attack/api`"), "{error}");
    });
}

/// The reach is what Layer 1 grants: the code deployer changes code, the
/// hybrid configuration too, and the stack deployer makes roles under the
/// boundary alone.
#[test]
fn the_reach_of_each_deployer_is_its_job() {
    with_stack(async |stack| {
        let suite = Suite::of(stack).await.unwrap();
        let reaches = campaign::reaches(&suite).await.unwrap();
        let of = |name: &str| reaches.iter().find(|reach| reach.identity == name).unwrap();
        let changing = |name: &str| -> Vec<String> {
            let rows = of(name).rows.iter();
            rows.map(|row| row.action.clone()).filter(|a| a.starts_with("lambda:")).collect()
        };
        assert_eq!(
            changing("low-perm"),
            [
                "lambda:GetFunction",
                "lambda:GetFunctionConfiguration",
                "lambda:PublishVersion",
                "lambda:UpdateFunctionCode",
            ]
        );
        assert!(changing("hybrid").contains(&"lambda:UpdateFunctionConfiguration".to_owned()));
        let high = of("high-perm");
        let create = high.rows.iter().find(|row| row.action == "iam:CreateRole").unwrap();
        assert!(create.resources.iter().all(|arn| arn.ends_with(":role/app-service-a-*")));
        assert!(create.conditions.iter().any(|one| one.contains("iam:PermissionsBoundary")));
        assert!(create.limited_by.iter().any(|one| one.contains("DenyRolesWithoutBoundary")));
        assert!(high.actions() > of("hybrid").actions());
        assert!(of("hybrid").actions() > of("low-perm").actions());
        for code in ["code-in-service-a", "code-in-service-b"] {
            assert!(of(code).rows.iter().all(|row| !row.action.starts_with("iam:")), "{code}");
        }
    });
}

#[test]
fn every_route_is_behind_the_authorizer_and_leads_to_a_known_function() {
    with_stack(async |stack| {
        let suite = Suite::of(stack).await.unwrap();
        let facts = suite.facts();
        // In this order, whatever their ids: ids of probes follow from it.
        let keys: Vec<&str> = facts.routes.iter().map(|route| route.route_key.as_str()).collect();
        assert_eq!(keys, ["GET /service-a/{proxy+}", "GET /service-b/{proxy+}"]);
        for route in &facts.routes {
            assert_eq!(route.authorization_type, "JWT", "{}", route.route_key);
        }
        for app in ["service-a", "service-b"] {
            assert!(facts.route(app).is_some(), "no route leads to {app}");
        }
    });
}
