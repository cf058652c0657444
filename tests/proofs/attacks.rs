//! Every attack of the catalogue is refused as AWS refuses it, by the guard
//! rail that is meant to, and its legitimate twin succeeds.

use std::collections::BTreeSet;
use std::path::Path;
use std::slice::from_ref;

use ringfence::attacks::{Choice, Finding, Part, Suite, Verdict, campaign, escalations};
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

#[rstest]
#[case::settings(Which::Settings)]
#[case::tokens(Which::Tokens)]
#[case::what_the_boundaries_stop(Which::Ceiling)]
#[case::who_becomes_the_stack_deployer(Which::Trust("high-perm"))]
#[case::who_becomes_the_code_deployer(Which::Trust("low-perm"))]
#[case::who_becomes_the_hybrid(Which::Trust("hybrid"))]
#[case::what_the_stack_deployer_can_do(Which::Deployer("high-perm"))]
#[case::what_the_code_deployer_can_do(Which::Deployer("low-perm"))]
#[case::what_the_hybrid_can_do(Which::Deployer("hybrid"))]
#[case::what_running_code_can_do(Which::Inside("high-perm"))]
#[case::what_code_in_the_stack_teams_function_can_do(Which::Code("service-a"))]
#[case::what_code_in_the_managed_function_can_do(Which::Code("service-b"))]
fn every_attack_is_refused_and_its_twin_succeeds(#[case] which: Which) {
    with_stack(async |stack| {
        let suite = Suite::of(stack).await.unwrap();
        let part = suite.parts().into_iter().find(|part| which.is(*part)).unwrap();
        let findings = suite.run(part).await.unwrap();
        let failed: Vec<String> =
            findings.iter().filter(|finding| finding.verdict != Verdict::Held).map(told).collect();
        assert!(failed.is_empty(), "{}", failed.join("\n"));
        let run = findings.iter().map(|finding| finding.id.as_str()).collect();
        let ids = suite.ids(part).unwrap();
        assert_eq!(difference(ids.iter().map(String::as_str).collect(), run), "");
        // Else it would support no control, and nobody would notice.
        let catalogue = ringfence_evidence::controls::Catalogue::builtin().unwrap();
        for finding in &findings {
            let rail = finding.guard_rail.title();
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

/// The ids of all attacks on the shipped configuration, one a line: an attack
/// that appears or vanishes is seen.
const LISTED: &str = include_str!("attacks.txt");

/// What is in one set and not in the other, one id a line.
fn difference(before: BTreeSet<&str>, now: BTreeSet<&str>) -> String {
    let vanished = before.difference(&now).map(|id| format!("vanished: {id}\n"));
    let appeared = now.difference(&before).map(|id| format!("appeared: {id}\n"));
    vanished.chain(appeared).collect()
}

#[test]
fn exactly_the_listed_attacks_exist_and_each_has_an_id_of_its_own() {
    with_stack(async |stack| {
        let suite = Suite::of(stack).await.unwrap();
        let ids = campaign::ids(from_ref(&suite)).unwrap();
        let unique: BTreeSet<&str> = ids.iter().map(String::as_str).collect();
        assert_eq!(unique.len(), ids.len());
        let difference = difference(LISTED.lines().collect(), unique.clone());
        if !difference.is_empty() {
            let now = Path::new(env!("CARGO_TARGET_TMPDIR")).join("attacks.txt");
            let lines: String = unique.iter().map(|id| format!("{id}\n")).collect();
            std::fs::write(&now, lines).unwrap();
            panic!(
                "the attacks are not those of tests/proofs/attacks.txt:\n{difference}where this \
                 is meant, copy {} over it and look at what Git shows",
                now.display()
            );
        }
        let path = |identity: &str, id: &str, road: &str| format!("{identity}/{id}/{road}");
        for known in escalations::paths() {
            for identity in ["high-perm", "low-perm", "hybrid"] {
                assert!(unique.contains(path(identity, &known.id, "api").as_str()), "{}", known.id);
            }
            for identity in ["code-in-service-a", "code-in-service-b"] {
                assert!(
                    unique.contains(path(identity, &known.id, "function").as_str()),
                    "{}",
                    known.id
                );
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
        let findings =
            campaign::run(from_ref(&suite), &Choice::of(&chosen), &progress).await.unwrap();
        let ids: Vec<&str> = findings.iter().map(|finding| finding.id.as_str()).collect();
        assert_eq!(ids, ["low-perm/user-created/api", "hybrid/iam-001/api"]);
        let unknown = ["low-perm/no-such-attack/api".to_owned()];
        let error =
            campaign::run(from_ref(&suite), &Choice::of(&unknown), &progress).await.unwrap_err();
        assert!(error.to_string().contains("`low-perm/no-such-attack/api`"), "{error}");
    });
}

/// A setting is read by a call, and the journal has its entry.
#[test]
fn a_setting_names_the_call_that_read_it() {
    const SETTINGS: [(&str, &str); 6] = [
        ("service-a/in-network/api", "GetFunctionConfiguration"),
        ("platform/authorizer-trusts/api", "GetAuthorizer"),
        ("platform/route-asks-for-scope/GET /service-a/{proxy+}", "GetRoute"),
        ("platform/stage-logged/$default", "GetStage"),
        ("platform/bucket-blocked/api", "GetPublicAccessBlock"),
        ("platform/bucket-versioned/api", "GetBucketVersioning"),
    ];
    with_stack(async |stack| {
        let suite = Suite::of(stack).await.unwrap();
        let mark = stack.guard().journal().mark();
        let chosen = SETTINGS.map(|(id, _)| id.to_owned());
        let findings = campaign::run(from_ref(&suite), &Choice::of(&chosen), &Progress::silent())
            .await
            .unwrap();
        let entries = stack.guard().journal().entries_since(mark);
        for (id, operation) in SETTINGS {
            let finding = findings.iter().find(|finding| finding.id == id).unwrap();
            assert_eq!(finding.verdict, Verdict::Held, "{finding:?}");
            let [request] = finding.request_ids.as_slice() else { panic!("{finding:?}") };
            let entry = entries.iter().find(|entry| entry.request_id == *request).unwrap();
            assert_eq!(entry.operation, operation, "{entry:?}");
        }
    });
}

/// The reach is what Layer 1 grants: the code deployer changes code, the
/// hybrid configuration too, and the stack deployer makes roles under the
/// boundary alone.
#[test]
fn the_reach_of_each_deployer_is_its_job() {
    with_stack(async |stack| {
        let suite = Suite::of(stack).await.unwrap();
        let reaches = campaign::reaches(from_ref(&suite), &Progress::silent()).await.unwrap();
        let of = |name: &str| reaches.iter().find(|reach| reach.identity == name).unwrap();
        let changing = |name: &str| -> Vec<String> {
            let rows = of(name).rows.iter();
            rows.map(|row| row.action.clone()).filter(|a| a.starts_with("lambda:")).collect()
        };
        for reach in &reaches {
            assert_eq!(reach.undecided, Vec::<String>::new(), "{}", reach.identity);
        }
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
        let (resource, context) = (&create.request.resource, &create.request.context);
        assert!(
            resource.starts_with("arn:aws:iam::123456789012:role/app-service-a-"),
            "{create:?}"
        );
        let boundary = serde_json::to_value(&context["iam:permissionsboundary"]).unwrap();
        assert_eq!(boundary, suite.facts().execution_boundary, "{create:?}");
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
