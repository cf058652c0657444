//! OSCAL assessment results, with the assessment plan that they import.
//!
//! What is judged are our own objectives, which the plan defines: a control
//! of a framework is never said to be satisfied, only supported, in a property
//! of the finding. An objective that held is `satisfied`, one that failed is
//! `not-satisfied`; any other has no finding, but a risk, as OSCAL knows no
//! third state.
//!
//! Ids are UUIDs of version 5: an observation, risk or finding of the same
//! probe or objective of the same configuration has the same id in every run.

mod model;
mod plan;
mod results;

use uuid::Uuid;

use crate::controls::Catalogue;
use crate::record::RunRecord;
use crate::visible::markdown;
use model::{Component, ControlId, ControlSelection, ObjectiveId, ObjectiveSelection, State};
use model::{Property, ReviewedControls, line, properties, supports, token};

pub(super) use plan::plan;
pub(super) use results::results;

/// The namespace of our ids: chosen once, at random.
const NAMESPACE: Uuid = Uuid::from_u128(0x6d4f_2c0a_88f1_5b6e_9a6c_2f7d_51c3_e0b4);

/// The id of something of the configuration under test.
fn id(record: &RunRecord, parts: &[&str]) -> String {
    let mut name = format!("{}\n{}\n{}", record.configuration, record.account_id, record.region);
    for part in parts {
        name.push('\n');
        name.push_str(part);
    }
    Uuid::new_v5(&NAMESPACE, name.as_bytes()).to_string()
}

/// The identifier that NIST's OSCAL catalogue gives a control: `AC-6(10)` is
/// `ac-6.10`.
fn nist_id(control: &str) -> String {
    control.to_ascii_lowercase().replace('(', ".").replace(')', "")
}

const NIST: &str = "nist-800-53-r5";

fn nist_controls(catalogue: &Catalogue) -> impl Iterator<Item = &crate::controls::Control> {
    let frameworks = catalogue.frameworks().iter().filter(|framework| framework.id == NIST);
    frameworks.flat_map(|framework| &framework.controls)
}

fn reviewed(catalogue: &Catalogue) -> ReviewedControls {
    let supported = nist_controls(catalogue).map(|c| ControlId { control_id: nist_id(&c.id) });
    ReviewedControls {
        description: "Objectives of Ringfence. A control is supported by evidence of its \
                      objectives, never satisfied by it; the findings name the controls of the \
                      other frameworks."
            .to_owned(),
        control_selections: vec![ControlSelection {
            description: "NIST SP 800-53 revision 5: the controls that the objectives support"
                .to_owned(),
            include_controls: supported.collect(),
        }],
        control_objective_selections: vec![ObjectiveSelection {
            include_objectives: catalogue
                .objectives()
                .iter()
                .map(|objective| ObjectiveId { objective_id: token(&objective.id) })
                .collect(),
        }],
    }
}

fn supported_by(catalogue: &Catalogue, objective: &str) -> Vec<Property> {
    let mut props = Vec::new();
    for framework in catalogue.frameworks() {
        for control in &framework.controls {
            for support in control.supports.iter().filter(|s| s.objective == objective) {
                props.push(supports(&framework.id, &control.id, support.extent.as_str()));
            }
        }
    }
    props
}

fn system(record: &RunRecord) -> Component {
    Component {
        uuid: id(record, &["system"]),
        kind: "this-system",
        title: markdown(&format!("What {} names", record.configuration)),
        description: format!(
            "The configuration under test, deployed to an emulated account {} in {}. Its files \
             are in inputs/ of the bundle, by hash.",
            record.accounts_told(),
            record.region
        ),
        props: Vec::new(),
        status: State { state: "operational" },
    }
}

fn tool(record: &RunRecord) -> Component {
    let upstream = &record.upstream;
    Component {
        uuid: id(record, &["tool"]),
        kind: "software",
        title: line(&format!("Ringfence {}", record.version)),
        description: "Decides every call as AWS documents it and journals the decision, in front \
                      of an emulator."
            .to_owned(),
        props: properties(&[
            ("binary-sha256", &record.provenance.binary_sha256),
            ("upstream", &upstream.product),
            ("upstream-version", upstream.version.as_deref().unwrap_or_default()),
            ("upstream-image", upstream.image.as_deref().unwrap_or_default()),
            ("upstream-digest", upstream.digest.as_deref().unwrap_or_default()),
        ]),
        status: State { state: "operational" },
    }
}

#[cfg(test)]
mod tests;
