//! The assessment results: an observation a probe, a finding an objective
//! that held or failed, a risk for all that did not hold.

use std::collections::HashMap;
use std::io::{self, Write};

use crate::shown;
use serde::{Serialize, Serializer};

use super::model::{
    Actor, Assets, Component, Evidence, Finding, Import, Metadata, Observation, Origin, Platform,
    Property, RelatedObservation, RelatedRisk, ReviewedControls, Risk, Subject, Target,
    TargetStatus, Used, VERSION, line, properties, token,
};
use super::{id, reviewed, supported_by, system, tool};
use crate::acceptance::Acceptance;
use crate::bundle::{DESIGN_EVIDENCE, raw_path};
use crate::calibration::Calibration;
use crate::controls::{Assessment, Catalogue, Objective, State};
use crate::part::Part;
use crate::probe::{Probe, Verdict};
use crate::proof::Proof;
use crate::record::{RunRecord, RunStatus};
use crate::sarif::uri;
use crate::visible::markdown;

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Document<'a> {
    assessment_results: Results<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Results<'a> {
    uuid: String,
    metadata: Metadata,
    import_ap: Import,
    results: [RunResult<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct RunResult<'a> {
    uuid: String,
    title: String,
    description: String,
    start: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<String>,
    props: Vec<super::model::Property>,
    local_definitions: Definitions,
    reviewed_controls: ReviewedControls,
    #[serde(skip_serializing_if = "Observations::is_empty")]
    observations: Observations<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    risks: Vec<Risk>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    findings: Vec<Finding>,
    remarks: String,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Definitions {
    components: Vec<Component>,
    assessment_assets: Assets,
}

/// What was seen: each is made when it is written, for a large run's would fill the
/// memory.
struct Observations<'a> {
    record: &'a RunRecord,
    /// The ids of the tool that saw it, and of what it looked at.
    tool: String,
    system: String,
}

impl Observations<'_> {
    const fn is_empty(&self) -> bool {
        self.record.probes.is_empty() && self.record.proofs.is_empty()
    }
}

impl Serialize for Observations<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { record, tool, system } = self;
        let probes = record.probes.iter();
        let probes = probes.map(|probe| observation(record, probe, origin(tool), system.clone()));
        let proofs = record.proofs.iter();
        let proofs =
            proofs.map(|proof| proof_observation(record, proof, origin(tool), system.clone()));
        serializer.collect_seq(probes.chain(proofs))
    }
}

fn origin(tool: &str) -> Origin {
    Origin { actors: [Actor { kind: "tool", actor_uuid: tool.to_owned() }] }
}

/// The results of a run, by the plan in the same directory.
pub(crate) fn results(
    record: &RunRecord,
    catalogue: &Catalogue,
    assessment: &Assessment,
    out: &mut dyn Write,
) -> io::Result<()> {
    let tool = tool(record);
    let system = system(record);
    let observations =
        Observations { record, tool: tool.uuid.clone(), system: system.uuid.clone() };
    let mut risks: Vec<Risk> = record
        .probes
        .iter()
        .filter(|probe| is_risk(probe))
        .map(|probe| probe_risk(record, probe))
        .collect();
    risks.extend(record.proofs.iter().filter(|one| one.is_violated()).map(|proof| Risk {
        uuid: id(record, &["proof-risk", &proof.guard_rail]),
        title: markdown(&format!("violated: {}", proof.guard_rail)),
        description: markdown(&proof.told.join("; ")),
        statement: format!("A {} gets past the guard rail.", proof.asked().trim_end_matches('s')),
        props: Vec::new(),
        status: "open",
        deadline: None,
        related_observations: vec![RelatedObservation {
            observation_uuid: proof_id(record, proof),
        }],
    }));
    let mut rails: HashMap<&str, Vec<&Probe>> = HashMap::new();
    for probe in &record.probes {
        rails.entry(&probe.guard_rail).or_default().push(probe);
    }
    let mut findings = Vec::new();
    for objective in catalogue.objectives() {
        let state = assessment.objective(&objective.id);
        let probes: Vec<&Probe> = objective
            .guard_rails
            .iter()
            .filter_map(|rail| rails.get(rail.as_str()))
            .flatten()
            .copied()
            .collect();
        match state.verdict {
            // Accepted is not satisfied: the finding leads to the risk, and that to
            // who accepts it.
            Verdict::Held | Verdict::Failed | Verdict::Accepted => {
                let risks = probes.iter().filter(|probe| is_risk(probe));
                findings.push(Finding {
                    uuid: id(record, &["finding", &objective.id]),
                    title: line(&format!("{}: {}", objective.id, objective.title)),
                    description: objective.statement.clone(),
                    props: supported_by(catalogue, &objective.id),
                    origins: [origin(&tool.uuid)],
                    target: target(record, objective, &state),
                    related_observations: related(record, &probes)
                        .into_iter()
                        .chain(of_proofs(record, objective))
                        .collect(),
                    related_risks: risks
                        .map(|probe| RelatedRisk { risk_uuid: probe_risk_id(record, probe) })
                        .collect(),
                });
            }
            Verdict::Inconclusive | Verdict::NotRun => {
                risks.push(objective_risk(record, objective, &state, &probes));
            }
            // A finding would say satisfied or not, a risk that something is open: the
            // observations say that there is nothing, and why.
            Verdict::NotApplicable => {}
        }
    }
    let platform = Platform {
        uuid: id(record, &["platform"]),
        title: "The emulator, behind the guard".to_owned(),
        uses_components: vec![Used { component_uuid: tool.uuid.clone() }],
    };
    let document = Document {
        assessment_results: Results {
            uuid: id(record, &["results", &record.run_id]),
            metadata: Metadata {
                title: markdown(&format!("Guard rails of {}: results", record.configuration)),
                last_modified: record.ended.clone().unwrap_or_else(|| record.started.clone()),
                version: record.run_id.clone(),
                oscal_version: VERSION,
                props: Vec::new(),
                remarks: Some(DESIGN_EVIDENCE.to_owned()),
            },
            import_ap: Import { href: "assessment-plan.json".to_owned() },
            results: [RunResult {
                uuid: id(record, &["result", &record.run_id]),
                title: line(&format!("Run of {}", record.started)),
                description: counts(record),
                start: record.started.clone(),
                end: record.ended.clone(),
                props: provenance(record),
                local_definitions: Definitions {
                    components: vec![system],
                    assessment_assets: Assets {
                        assessment_platforms: vec![platform],
                        components: vec![tool],
                    },
                },
                reviewed_controls: reviewed(catalogue),
                observations,
                risks,
                findings,
                remarks: match &record.status {
                    RunStatus::Complete {} => {
                        let part = record.part.as_ref().map(|part| markdown(&part.words()));
                        let unisolated = record.unisolated().map(|reason| {
                            let reason = markdown(reason);
                            format!(
                                "UNISOLATED: code under test could have changed anything: {reason}"
                            )
                        });
                        let said = part.into_iter().chain(unisolated).map(|text| text + ". ");
                        said.chain([DESIGN_EVIDENCE.to_owned()]).collect()
                    }
                    RunStatus::Incomplete { reason } => format!(
                        "The run did not come to its end, and so satisfies nothing: {}. \
                         {DESIGN_EVIDENCE}",
                        markdown(reason)
                    ),
                },
            }],
        },
    };
    shown::write(out, &document)
}

fn observation(record: &RunRecord, probe: &Probe, origin: Origin, system: String) -> Observation {
    let companion = |name| {
        let all = probe.companions.named();
        let said = all.into_iter().find(|(own, _)| *own == name).and_then(|(_, said)| said);
        said.map_or_else(String::new, |companion| {
            let shown = if companion.shown { "shown" } else { "not shown" };
            format!("{shown}: {}", companion.detail)
        })
    };
    let mut props = properties(&[
        ("probe", &probe.id),
        ("guard-rail", &probe.guard_rail),
        ("identity", &probe.identity),
        ("road", &probe.road),
        ("scope", probe.scope.as_str()),
        ("verdict", probe.verdict.as_str()),
        ("expected", &probe.expected),
        ("observed", &probe.observed),
        ("twin", &companion("twin")),
        ("canary", &companion("canary")),
        ("mutant", &companion("mutant")),
        ("duration-us", &probe.duration_us.to_string()),
    ]);
    for request in &probe.request_ids {
        props.extend(properties(&[("request-id", request)]));
    }
    Observation {
        uuid: id(record, &["observation", &probe.id]),
        title: markdown(&probe.title),
        description: seen(probe),
        props,
        methods: ["TEST"],
        types: [if probe.verdict == Verdict::Failed { "finding" } else { "control-objective" }],
        origins: [origin],
        subjects: [Subject { subject_uuid: system, kind: "component" }],
        relevant_evidence: [Evidence {
            href: format!("../{}", uri(&raw_path(probe))),
            description: "request, answer and decision",
        }],
        collected: record.ended.clone().unwrap_or_else(|| record.started.clone()),
        remarks: match (&probe.accepted, probe.reason.as_deref()) {
            (Some(_), _) => Some(markdown(&probe.why())),
            (None, reason) => reason.filter(|reason| !reason.trim().is_empty()).map(markdown),
        },
    }
}

fn proof_id(record: &RunRecord, proof: &Proof) -> String {
    id(record, &["proof", &proof.guard_rail])
}

/// What was shown of an objective's guard rails for all requests.
fn of_proofs<'r>(
    record: &'r RunRecord,
    objective: &'r Objective,
) -> impl Iterator<Item = RelatedObservation> + 'r {
    let proofs = objective.guard_rails.iter().filter_map(|rail| record.proof(rail));
    proofs.map(|proof| RelatedObservation { observation_uuid: proof_id(record, proof) })
}

/// What was shown of a guard rail for all requests, without any being sent.
fn proof_observation(
    record: &RunRecord,
    proof: &Proof,
    origin: Origin,
    system: String,
) -> Observation {
    let told = proof.told.join("; ");
    Observation {
        uuid: proof_id(record, proof),
        title: markdown(&format!(
            "For all {}{}: {}",
            proof.asked(),
            proof.of_whom(),
            proof.guard_rail
        )),
        description: markdown(&format!(
            "{} in {} claims. {}",
            proof.verdict.as_str(),
            proof.claims,
            proof.universe
        )),
        props: properties(&[
            ("guard-rail", &proof.guard_rail),
            ("verdict", proof.verdict.as_str()),
            ("claims", &proof.claims.to_string()),
        ]),
        methods: ["EXAMINE"],
        types: [if proof.is_violated() { "finding" } else { "control-objective" }],
        origins: [origin],
        subjects: [Subject { subject_uuid: system, kind: "component" }],
        relevant_evidence: [Evidence { href: "../run.json".to_owned(), description: "the proof" }],
        collected: record.ended.clone().unwrap_or_else(|| record.started.clone()),
        remarks: (!told.is_empty()).then(|| markdown(&told)),
    }
}

/// Titles, descriptions and remarks are Markdown in OSCAL
/// (<https://pages.nist.gov/metaschema/specification/datatypes/#markup-line>): what
/// code under test chose is no markup there.
fn seen(probe: &Probe) -> String {
    let (expected, observed) = (markdown(&probe.expected), markdown(&probe.observed));
    format!("Expected: {expected}. Observed: {observed}.")
}

fn target(record: &RunRecord, objective: &Objective, state: &State) -> Target {
    // The assessment never calls an incomplete run held; this is the last gate.
    let held = state.verdict == Verdict::Held && record.status.is_complete();
    Target {
        kind: "objective-id",
        target_id: token(&objective.id),
        status: TargetStatus {
            state: if held { "satisfied" } else { "not-satisfied" },
            reason: if held { "pass" } else { "fail" },
            remarks: format!(
                "Design evidence only. {}. Not shown: {}",
                state.tally.words(),
                objective.not_shown
            ),
        },
    }
}

/// Whether a probe leaves a risk: neither what held nor what the estate has none
/// of.
const fn is_risk(probe: &Probe) -> bool {
    !matches!(probe.verdict, Verdict::Held | Verdict::NotApplicable)
}

fn probe_risk_id(record: &RunRecord, probe: &Probe) -> String {
    id(record, &["risk", &probe.id])
}

fn probe_risk(record: &RunRecord, probe: &Probe) -> Risk {
    let what = match probe.found() {
        Verdict::Held | Verdict::Failed | Verdict::Accepted => "The guard rail did not hold.",
        Verdict::Inconclusive => "Whether the guard rail holds was not shown.",
        Verdict::NotRun => "The guard rail was not tested.",
        Verdict::NotApplicable => "The estate has none of what the guard rail is about.",
    };
    Risk {
        uuid: probe_risk_id(record, probe),
        title: markdown(&format!("{}: {}", probe.verdict.as_str(), probe.title)),
        description: seen(probe),
        statement: match &probe.reason {
            Some(reason) => format!("{what} {}", markdown(reason)),
            None => what.to_owned(),
        },
        props: probe.accepted.as_ref().map(deviation).unwrap_or_default(),
        status: if probe.accepted.is_some() { "deviation-approved" } else { "open" },
        deadline: probe.accepted.as_ref().map(|own| format!("{}T23:59:59Z", own.expires)),
        related_observations: related(record, &[probe]),
    }
}

/// Who accepts a risk, and what was found without that.
fn deviation(accepted: &Acceptance) -> Vec<Property> {
    properties(&[
        ("found", accepted.found.as_str()),
        ("accepted-by", &accepted.owner),
        ("accepted-because", &accepted.reason),
        ("accepted-until", &accepted.expires),
        ("accepted-in", &accepted.place),
    ])
}

fn objective_risk(
    record: &RunRecord,
    objective: &Objective,
    state: &State,
    probes: &[&Probe],
) -> Risk {
    let tally = state.tally;
    Risk {
        uuid: id(record, &["objective-risk", &objective.id]),
        title: line(&format!("{} was not shown: {}", objective.id, objective.title)),
        description: objective.statement.clone(),
        statement: format!(
            "{}. {}",
            tally.words(),
            state.reason.as_deref().map_or_else(|| "That shows nothing.".to_owned(), markdown)
        ),
        props: Vec::new(),
        status: "open",
        deadline: None,
        related_observations: related(record, probes),
    }
}

fn related(record: &RunRecord, probes: &[&Probe]) -> Vec<RelatedObservation> {
    probes
        .iter()
        .map(|probe| RelatedObservation {
            observation_uuid: id(record, &["observation", &probe.id]),
        })
        .collect()
}

fn counts(record: &RunRecord) -> String {
    let summary = &record.summary;
    let stale: String = record
        .stale
        .iter()
        .map(|stale| format!(" Accepted in vain: {}.", markdown(stale)))
        .collect();
    format!("{} probes: {}. Nothing was sampled.{stale}", summary.probes, summary.words())
}

fn provenance(record: &RunRecord) -> Vec<super::model::Property> {
    let own = &record.provenance;
    let part = record.part.as_ref().map(Part::words).unwrap_or_default();
    let calibrated = record.calibration.as_ref();
    let calibration = calibrated.map_or_else(String::new, Calibration::sentence);
    let beside = calibrated.map_or_else(String::new, |own| own.beside().join("; "));
    properties(&[
        ("run-id", &record.run_id),
        ("actor", &own.actor),
        ("commit", own.commit.as_deref().unwrap_or_default()),
        ("tree-clean", own.tree_clean.map_or("", |clean| if clean { "yes" } else { "no" })),
        ("command", &own.command.join(" ")),
        ("platform", &own.platform),
        ("isolation", record.isolation.as_ref().map_or("", |own| own.mechanism.as_str())),
        ("unisolated", record.unisolated().unwrap_or_default()),
        ("part", &part),
        ("calibration", &calibration),
        ("calibration-beside", &beside),
        ("previous-manifest-sha256", own.previous_manifest_sha256.as_deref().unwrap_or_default()),
    ])
}
