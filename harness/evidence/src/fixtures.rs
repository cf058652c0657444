//! A small record with one probe of each verdict, for this crate's tests.

use crate::calibration::Calibration;
use crate::{
    Acceptance, Allowed, Companion, Companions, Decider, Input, Isolation, KeyValue, Mutant,
    MutantVerdict, MutationSummary, Mutations, Phase, Probe, Proof, ProofVerdict, Provenance,
    Reach, ReachRow, Reading, RunRecord, RunStatus, SCHEMA_VERSION, Scope, Starts, Summary,
    Upstream, Verdict,
};

pub(crate) fn shown(detail: &str) -> Option<Companion> {
    Some(Companion { shown: true, detail: detail.to_owned() })
}

pub(crate) fn probe(id: &str, verdict: Verdict, observed: &str) -> Probe {
    let open = matches!(verdict, Verdict::Inconclusive | Verdict::NotRun);
    Probe {
        id: id.to_owned(),
        guard_rail: "every execution role carries the boundary".to_owned(),
        identity: "high-perm".to_owned(),
        road: "api".to_owned(),
        scope: Scope::Executed,
        title: format!("title of {id}"),
        expected: "AccessDenied, 403".to_owned(),
        observed: observed.to_owned(),
        verdict,
        reason: open.then(|| format!("reason of {id}")),
        companions: Companions {
            twin: shown("CreateRole with the boundary succeeded"),
            canary: shown("refused: no identity-based policy allows it"),
            mutant: if open { None } else { shown("without RolesCarryTheBoundary: allowed") },
        },
        decided_by: vec![Decider {
            action: "iam:CreateRole".to_owned(),
            resource: "arn:aws:iam::123456789012:role/app-service-a-x".to_owned(),
            outcome: "implicit_deny".to_owned(),
            layer: "identity".to_owned(),
            policy: Some("role/deployer/inline/deploy".to_owned()),
            sid: Some("RolesCarryTheBoundary".to_owned()),
            index: Some(2),
            text: Some("{\"Effect\": \"Allow\",\n \"Action\": \"iam:CreateRole\"}".to_owned()),
            explanation: "denied: no identity-based policy allows iam:CreateRole".to_owned(),
        }],
        duration_us: 1234,
        request_ids: vec!["r-1".to_owned()],
        accepted: None,
    }
}

/// A probe that did not hold so, and was accepted.
pub(crate) fn accepted(id: &str, found: Verdict, observed: &str) -> Probe {
    probe(id, found, observed).accepted(|found| Acceptance {
        found,
        owner: "platform".to_owned(),
        reason: "the old | API goes in March".to_owned(),
        expires: "2027-03-31".to_owned(),
        place: "ringfence.toml:12".to_owned(),
    })
}

pub(crate) fn record() -> RunRecord {
    let probes = vec![
        probe("a", Verdict::Held, "AccessDenied, 403"),
        probe("b", Verdict::Failed, &"200 ".repeat(40)),
        probe("c", Verdict::Inconclusive, "AccessDenied, 403"),
        probe("d", Verdict::NotRun, "nothing"),
    ];
    let mutants =
        vec![mutant("m-1", MutantVerdict::Killed), mutant("m-2", MutantVerdict::Survived)];
    RunRecord {
        schema_version: SCHEMA_VERSION,
        run_id: "0f5c4a57-4b1b-4d0e-9d3c-7f1f1d6f7a10".to_owned(),
        status: RunStatus::Complete {},
        version: "0.1.0".to_owned(),
        started: "2026-11-22T20:00:00Z".to_owned(),
        ended: Some("2026-11-22T20:00:12Z".to_owned()),
        duration_ms: 12_345,
        configuration: "ringfence.toml".to_owned(),
        account_id: "123456789012".to_owned(),
        accounts: Vec::new(),
        region: "us-east-1".to_owned(),
        upstream: Upstream {
            backend: "embedded".to_owned(),
            product: "moto server".to_owned(),
            version: Some("5.2.5".to_owned()),
            ..Upstream::default()
        },
        tools: [("terraform".to_owned(), "1.11.4".to_owned())].into(),
        phases: vec![Phase { name: "upstream".to_owned(), duration_ms: 1000 }],
        deviations: vec!["service-a: Python 3.11.7 stands in for 3.12".to_owned()],
        provenance: Provenance {
            actor: "ci".to_owned(),
            commit: Some("c29da23000000000000000000000000000000000".to_owned()),
            tree_clean: Some(true),
            binary_sha256: "00".repeat(32),
            command: ["ringfence", "verify"].map(str::to_owned).to_vec(),
            platform: "linux x86_64".to_owned(),
            ci: [("GITHUB_RUN_ID".to_owned(), "1".to_owned())].into(),
            previous_manifest_sha256: None,
            signing_key: None,
        },
        inputs: vec![Input {
            path: "terraform/main.tf".to_owned(),
            kind: "terraform".to_owned(),
            sha256: "11".repeat(32),
        }],
        summary: Summary::of(&probes),
        probes,
        mutations: Some(Mutations {
            summary: MutationSummary::of(&mutants),
            duration_ms: 5,
            mutants,
        }),
        reach: vec![Reach {
            identity: "high-perm".to_owned(),
            rows: vec![ReachRow::Decided(Allowed {
                action: "iam:CreateRole".to_owned(),
                resource: "arn:aws:iam::123456789012:role/app-service-a-".to_owned(),
                context: [(
                    "iam:PermissionsBoundary".to_owned(),
                    KeyValue::One("arn:aws:iam::123456789012:policy/Boundary".to_owned()),
                )]
                .into(),
                allowed_by: vec!["statement CreateRoles of `deploy`".to_owned()],
                with: None,
            })],
            undecided: Vec::new(),
            actions: 100,
        }],
        isolation: Some(Isolation {
            mechanism: "namespaces".to_owned(),
            unisolated: None,
            starts: Some(Starts { count: 82, duration_ms: 4_000 }),
        }),
        readings: ["after-apply", "after-workflows", "after-attacks"]
            .map(|moment| Reading {
                moment: moment.to_owned(),
                account_id: None,
                objects: 93,
                sha256: "22".repeat(32),
                duration_ms: 210,
            })
            .into(),
        proofs: vec![Proof {
            guard_rail: "every execution role carries the boundary".to_owned(),
            verdict: ProofVerdict::Proved,
            claims: 3,
            universe: "actions: any name; resources: `*` and any ARN".to_owned(),
            told: Vec::new(),
        }],
        certificates_sha256: None,
        part: None,
        shares: Vec::new(),
        calibration: None,
        stale: Vec::new(),
    }
}

/// What was shown of a guard rail of networks.
pub(crate) fn of_packets(guard_rail: &str, verdict: ProofVerdict) -> Proof {
    Proof {
        guard_rail: guard_rail.to_owned(),
        verdict,
        claims: 2,
        universe: "packets: every public IPv4 and IPv6 address".to_owned(),
        told: Vec::new(),
    }
}

/// What AWS said of a run's decisions.
pub(crate) fn calibration() -> Calibration {
    let counted = |why: &str, many| [(why.to_owned(), many)].into();
    Calibration {
        asked: "2026-11-22T21:00:00Z".to_owned(),
        simulator: "AWS's policy simulator".to_owned(),
        account_id: "111122223333".to_owned(),
        principals: false,
        decisions_sha256: "33".repeat(32),
        decisions: 4_335,
        judged: 4_120,
        agree: 4_120,
        same_statement: 3_870,
        other_statement: 1,
        left_out: counted("a trust policy decides", 212),
        refused: counted("InvalidInput", 3),
        differing_policies: 0,
    }
}

fn mutant(id: &str, verdict: MutantVerdict) -> Mutant {
    let killed = verdict == MutantVerdict::Killed;
    Mutant {
        id: id.to_owned(),
        guard_rail_document: "role/deployer/inline/deploy".to_owned(),
        kind: "statement-dropped".to_owned(),
        statement: Some("RolesCarryTheBoundary".to_owned()),
        change: "the statement is gone".to_owned(),
        verdict,
        reason: None,
        killed_by: if killed { vec!["a".to_owned()] } else { Vec::new() },
        duration_us: 10,
    }
}

/// A record, every text of which ends in what somebody under test chose, but for words
/// of the schema and these members.
pub(crate) fn poisoned(record: &RunRecord, hostile: &str, but: &[&str]) -> RunRecord {
    fn poison(value: &mut serde_json::Value, hostile: &str, but: &[&str], key: &str) {
        let is_word = ["verdict", "state", "scope"].contains(&key) || but.contains(&key);
        match value {
            serde_json::Value::String(text) if !is_word => text.push_str(hostile),
            serde_json::Value::Array(items) => {
                items.iter_mut().for_each(|item| poison(item, hostile, but, key));
            }
            serde_json::Value::Object(members) => {
                members.iter_mut().for_each(|(name, member)| poison(member, hostile, but, name));
            }
            _ => {}
        }
    }
    let mut value = serde_json::to_value(record).unwrap();
    poison(&mut value, hostile, but, "");
    serde_json::from_value(value).unwrap()
}

/// A text of Markdown without what is code, in fences and in lines, where nothing is markup.
pub(crate) fn without_code(text: &str) -> String {
    let mut is_fenced = false;
    let lines = text.lines().filter(|line| {
        let is_fence = line.starts_with("```");
        is_fenced ^= is_fence;
        !is_fence && !is_fenced
    });
    let lines = lines.map(|line| {
        let (mut out, mut rest) = (String::new(), line);
        while let Some(at) = rest.find('`') {
            let (before, from) = rest.split_at(at);
            let fence = from.len() - from.trim_start_matches('`').len();
            let (fence, inner) = from.split_at(fence);
            out.push_str(before);
            let ends = |(at, _): &(usize, &str)| {
                let (within, end) = inner.split_at(*at);
                let end = end.strip_prefix(fence).unwrap_or_default();
                !before.ends_with('\\') && !within.ends_with('`') && !end.starts_with('`')
            };
            match inner.match_indices(fence).find(ends) {
                Some((at, _)) => {
                    rest = inner.split_at(at).1.strip_prefix(fence).unwrap_or_default();
                }
                None => {
                    out.push_str(fence);
                    rest = inner;
                }
            }
        }
        out + rest + "\n"
    });
    lines.collect()
}
