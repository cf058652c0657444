//! The assessment plan: the objectives, and which controls they are about.

use crate::shown;
use serde::Serialize;

use super::model::{
    Assets, BackMatter, Component, Hash, Import, Link, LocalObjective, Metadata, Part, Platform,
    Resource, ReviewedControls, Used, VERSION, line, token,
};
use super::{id, nist_controls, nist_id, reviewed, supported_by, system, tool};
use crate::controls::{Catalogue, Objective};
use crate::manifest::sha256;
use crate::record::RunRecord;
use crate::visible::markdown;

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Document {
    assessment_plan: Plan,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Plan {
    uuid: String,
    metadata: Metadata,
    import_ssp: Import,
    local_definitions: Definitions,
    reviewed_controls: ReviewedControls,
    assessment_assets: Assets,
    back_matter: BackMatter,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Definitions {
    components: Vec<Component>,
    objectives_and_methods: Vec<LocalObjective>,
}

/// The plan with its id: the same for the same objectives, controls and
/// configuration.
pub(crate) fn plan(
    record: &RunRecord,
    catalogue: &Catalogue,
) -> Result<(Vec<u8>, String), serde_json::Error> {
    let inputs: Vec<Link> = record
        .inputs
        .iter()
        .map(|input| Link {
            href: format!("../inputs/{}", crate::sarif::uri(&input.path)),
            hashes: vec![Hash { algorithm: "SHA-256", value: input.sha256.clone() }],
        })
        .collect();
    let described = id(record, &["system-description"]);
    let objectives: Vec<LocalObjective> =
        catalogue.objectives().iter().map(|objective| local(catalogue, objective)).collect();
    let definitions =
        Definitions { components: vec![system(record)], objectives_and_methods: objectives };
    let content = sha256(&serde_json::to_vec(&definitions)?);
    let uuid = id(record, &["plan", &content]);
    let tool = tool(record);
    let document = Document {
        assessment_plan: Plan {
            uuid: uuid.clone(),
            metadata: Metadata {
                title: markdown(&format!("Guard rails of {}", record.configuration)),
                last_modified: record.started.clone(),
                version: record.version.clone(),
                oscal_version: VERSION,
                props: Vec::new(),
                remarks: Some(
                    "Every probe of the catalogue is run; nothing is sampled. There is no system \
                     security plan: what is imported in its place is the configuration under test."
                        .to_owned(),
                ),
            },
            import_ssp: Import { href: format!("#{described}") },
            local_definitions: definitions,
            reviewed_controls: reviewed(catalogue),
            assessment_assets: Assets {
                assessment_platforms: vec![Platform {
                    uuid: id(record, &["platform"]),
                    title: "The emulator, behind the guard".to_owned(),
                    uses_components: vec![Used { component_uuid: tool.uuid.clone() }],
                }],
                components: vec![tool],
            },
            back_matter: BackMatter {
                resources: vec![Resource {
                    uuid: described,
                    title: "The configuration under test".to_owned(),
                    description: "The files that were under test, by hash.".to_owned(),
                    rlinks: match inputs.is_empty() {
                        true => vec![Link { href: "../run.json".to_owned(), hashes: Vec::new() }],
                        false => inputs,
                    },
                }],
            },
        },
    };
    Ok((shown::lines(&document)?, uuid))
}

/// An objective stands below the first NIST control that it supports, as OSCAL
/// wants it below one.
fn local(catalogue: &Catalogue, objective: &Objective) -> LocalObjective {
    let control = nist_controls(catalogue).find(|control| control.is_supported_by(&objective.id));
    LocalObjective {
        control_id: control.map_or_else(|| token(&objective.id), |control| nist_id(&control.id)),
        description: line(&objective.title),
        parts: vec![Part {
            id: token(&objective.id),
            name: "assessment-objective",
            title: line(&objective.title),
            props: supported_by(catalogue, &objective.id),
            prose: format!("{} Not shown: {}", objective.statement, objective.not_shown),
        }],
    }
}
