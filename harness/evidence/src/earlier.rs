//! Records of earlier versions, read as what they say in today's words.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::probe::{Companions, Probe, Scope, Verdict};
use crate::record::{Phase, Provenance, RunRecord, RunStatus, Summary, Upstream};

/// What version 1 did not say.
const UNKNOWN: &str = "unknown";

/// A record of version 1 (`results.json`): written at the end of a run alone,
/// without inputs, companions or provenance.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct First {
    schema_version: u32,
    version: String,
    started: String,
    duration_ms: u64,
    configuration: String,
    account_id: String,
    region: String,
    upstream: Upstream,
    tools: BTreeMap<String, String>,
    phases: Vec<Phase>,
    deviations: Vec<String>,
    controls: Vec<Control>,
    summary: Counts,
}

/// A probe, which version 1 called a control.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Control {
    id: String,
    guard_rail: String,
    identity: String,
    road: String,
    title: String,
    expected: String,
    observed: String,
    verdict: Verdict,
    duration_us: u64,
    request_ids: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Counts {
    controls: usize,
    held: usize,
    failed: usize,
    inconclusive: usize,
    not_run: usize,
}

impl First {
    /// The same in today's words. What it counted stays what it counted, so that
    /// a check sees where it does not agree with its probes.
    pub(crate) fn upgraded(self) -> RunRecord {
        let Counts { controls, held, failed, inconclusive, not_run } = self.summary;
        RunRecord {
            schema_version: self.schema_version,
            run_id: UNKNOWN.to_owned(),
            status: RunStatus::Complete {},
            version: self.version,
            started: self.started,
            ended: None,
            duration_ms: self.duration_ms,
            configuration: self.configuration,
            account_id: self.account_id,
            accounts: Vec::new(),
            region: self.region,
            upstream: self.upstream,
            tools: self.tools,
            phases: self.phases,
            deviations: self.deviations,
            provenance: Provenance {
                actor: UNKNOWN.to_owned(),
                binary_sha256: UNKNOWN.to_owned(),
                platform: UNKNOWN.to_owned(),
                ..Provenance::default()
            },
            inputs: Vec::new(),
            probes: self.controls.into_iter().map(Control::upgraded).collect(),
            summary: Summary {
                probes: controls,
                held,
                failed,
                inconclusive,
                not_run,
                not_applicable: 0,
                accepted: 0,
            },
            mutations: None,
            reach: Vec::new(),
            isolation: None,
            readings: Vec::new(),
            proofs: Vec::new(),
            certificates_sha256: None,
            part: None,
            shares: Vec::new(),
            calibration: None,
            stale: Vec::new(),
        }
    }
}

impl Control {
    fn upgraded(self) -> Probe {
        Probe {
            id: self.id,
            guard_rail: self.guard_rail,
            identity: self.identity,
            road: self.road,
            scope: Scope::Executed,
            title: self.title,
            expected: self.expected,
            observed: self.observed,
            verdict: self.verdict,
            reason: None,
            companions: Companions::default(),
            decided_by: Vec::new(),
            duration_us: self.duration_us,
            request_ids: self.request_ids,
            accepted: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::*;
    use crate::bundle;
    use crate::check::{Trust, check};
    use crate::controls::Catalogue;
    use crate::diff::Diff;
    use crate::fixtures;

    /// A bundle that a release of that version left, with fewer probes and forms.
    fn kept(version: u32) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/data/bundles/{version}"))
    }

    #[test]
    fn a_bundle_of_the_second_version_is_good_as_it_was() {
        let checked = check(&kept(2), Trust::HashesAlone).unwrap();
        assert_eq!(checked.problems, Vec::<String>::new());
        let record = checked.record.unwrap();
        assert_eq!((record.schema_version, record.summary.held), (2, 2));
        assert!(record.passed());
        assert_eq!((&record.isolation, record.readings.len()), (&None, 0));
    }

    #[test]
    fn a_bundle_of_the_third_version_is_good_as_it_was() {
        let checked = check(&kept(3), Trust::HashesAlone).unwrap();
        assert_eq!(checked.problems, Vec::<String>::new());
        let record = checked.record.unwrap();
        assert_eq!((record.schema_version, record.readings.len()), (3, 3));
        assert!(record.passed() && record.proofs.is_empty());
    }

    #[test]
    fn a_record_of_the_first_version_is_read_and_was_never_sealed() {
        let record = bundle::read(&kept(1)).unwrap();
        assert_eq!(record.schema_version, 1);
        assert_eq!(record.summary, Summary::of(&record.probes));
        assert_eq!(record.probes[0].id, "high-perm/role-without-boundary/api");
        assert_eq!(record.probes[1].verdict, Verdict::Failed);
        let checked = check(&kept(1), Trust::HashesAlone).unwrap();
        assert_eq!(
            checked.problems,
            ["there is no MANIFEST.sha256: the bundle was never finished"]
        );
    }

    #[rstest::rstest]
    #[case(1)]
    #[case(2)]
    fn earlier_runs_are_compared_and_rendered(#[case] version: u32) {
        let old = bundle::read(&kept(version)).unwrap();
        let diff = Diff::of(&old, &fixtures::record());
        assert!(diff.to_string().contains("high-perm/role-without-boundary/api"), "{diff}");
        let into = tempfile::tempdir().unwrap();
        bundle::rewrite(&kept(version), into.path(), &Catalogue::builtin().unwrap()).unwrap();
        assert!(into.path().join("report.html").is_file());
        let again = RunRecord::read(&into.path().join("run.json")).unwrap();
        assert_eq!(again.summary, old.summary);
    }
}
