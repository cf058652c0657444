//! What did not hold, and which weakened guard rail nobody noticed, as SARIF.

use std::collections::BTreeMap;

use crate::manifest::sha256;
use crate::mutations::MutantVerdict;
use crate::places::Places;
use crate::probe::{Probe, Verdict};
use crate::record::{RunRecord, RunStatus};
use crate::sarif::{Level, Located, Place, Rule, sarif};

/// `inputs` are the texts under test by path; a finding is placed at the
/// statement that decided it where one of them has its `Sid`, else at the
/// configuration.
pub(super) fn findings(
    record: &RunRecord,
    inputs: &BTreeMap<String, String>,
) -> Result<Vec<u8>, serde_json::Error> {
    let places = Places::of(inputs);
    let or_configuration = |place: Option<&Place>| {
        place.cloned().unwrap_or_else(|| Place {
            file: record.configuration.clone(),
            line: 1,
            column: None,
        })
    };
    let mut rules = BTreeMap::new();
    let mut found = Vec::new();
    for probe in &record.probes {
        let rule = format!("probe/{}", slug(&probe.guard_rail));
        rules.entry(rule.clone()).or_insert_with(|| format!("Guard rail: {}", probe.guard_rail));
        if matches!(probe.verdict, Verdict::Held | Verdict::NotApplicable) {
            continue;
        }
        let level = match probe.verdict {
            Verdict::Failed => Level::Error,
            Verdict::Accepted => Level::Note,
            _ => Level::Warning,
        };
        found.push(Located {
            rule,
            level,
            message: message(probe),
            place: or_configuration(places.decider(probe)),
            fingerprint: sha256(format!("probe\n{}", probe.id).as_bytes()),
            accepted: probe.acceptance(),
        });
    }
    for mutant in record.mutations.iter().flat_map(|mutations| &mutations.mutants) {
        let rule = format!("mutant/{}", slug(&mutant.kind));
        rules.entry(rule.clone()).or_insert_with(|| format!("Weakened: {}", mutant.kind));
        if mutant.verdict != MutantVerdict::Survived {
            continue;
        }
        found.push(Located {
            rule,
            level: Level::Warning,
            message: format!(
                "no probe notices when {} is weakened: {}",
                mutant.guard_rail_document, mutant.change
            ),
            place: or_configuration(
                mutant.statement.as_deref().and_then(|sid| places.statement(sid)),
            ),
            fingerprint: sha256(format!("mutant\n{}", mutant.id).as_bytes()),
            accepted: None,
        });
    }
    if let RunStatus::Incomplete { reason } = &record.status {
        rules.insert("run/incomplete".to_owned(), "The run did not come to its end".to_owned());
        found.push(Located {
            rule: "run/incomplete".to_owned(),
            level: Level::Error,
            message: format!("the run did not come to its end, and so shows nothing: {reason}"),
            place: or_configuration(None),
            fingerprint: sha256(b"run\nincomplete"),
            accepted: None,
        });
    }
    for stale in &record.stale {
        rules.insert("run/acceptance".to_owned(), "An acceptance that does not count".to_owned());
        found.push(Located {
            rule: "run/acceptance".to_owned(),
            level: Level::Error,
            message: stale.clone(),
            place: or_configuration(None),
            fingerprint: sha256(format!("acceptance\n{stale}").as_bytes()),
            accepted: None,
        });
    }
    let rules: Vec<Rule> =
        rules.into_iter().map(|(id, summary)| Rule { id, summary, help: None }).collect();
    sarif(&record.version, None, &rules, &found)
}

fn message(probe: &Probe) -> String {
    let reason = probe.reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
    let accepted = probe.acceptance().map(|said| format!(" ({said})")).unwrap_or_default();
    format!(
        "{}: {}{reason}{accepted}. Expected: {}. Observed: {}.",
        probe.verdict.as_str(),
        probe.title,
        probe.expected,
        probe.observed
    )
}

/// A text as a stable id.
pub(crate) fn slug(text: &str) -> String {
    let words: Vec<String> = text
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase)
        .collect();
    words.join("-")
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::fixtures;

    #[test]
    fn what_held_is_no_finding_and_what_did_not_stands_at_its_statement() {
        let record = fixtures::record();
        let inputs = [(
            "terraform/iam.tf".to_owned(),
            "x\n    sid       = \"RolesCarryTheBoundary\"\n".to_owned(),
        )];
        let log = findings(&record, &inputs.into()).unwrap();
        let log: Value = serde_json::from_slice(&log).unwrap();
        let results = log["runs"][0]["results"].as_array().unwrap();
        let told: Vec<(&str, &str, &str, u64)> = results
            .iter()
            .map(|result| {
                let place = &result["locations"][0]["physicalLocation"];
                (
                    result["ruleId"].as_str().unwrap(),
                    result["level"].as_str().unwrap(),
                    place["artifactLocation"]["uri"].as_str().unwrap(),
                    place["region"]["startLine"].as_u64().unwrap(),
                )
            })
            .collect();
        let rail = "probe/every-execution-role-carries-the-boundary";
        let file = "terraform/iam.tf";
        assert_eq!(
            told,
            [
                (rail, "error", file, 2),
                (rail, "warning", file, 2),
                (rail, "warning", file, 2),
                ("mutant/statement-dropped", "warning", file, 2),
            ]
        );
    }
}
