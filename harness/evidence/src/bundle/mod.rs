//! The evidence of a run as files, all made from its record.
//!
//! [`render_each`] is pure: the same record, catalogue and surroundings give the
//! same bytes, so that anybody can render a bundle again and compare. What is
//! not made from the record (`journal.jsonl`, `raw/`, `inputs/`,
//! `previous/run.json`) lies beside it and is covered by the manifest.

mod csv;
mod findings;
mod junit;
mod live;
mod oscal;
mod text;
mod write;

use std::collections::BTreeMap;
use std::io::{self, Write};

use crate::shown;
use serde::Serialize;

use crate::controls::Catalogue;
use crate::html;
use crate::manifest::{MANIFEST, sha256};
use crate::mutations::Mutations;
use crate::part::Share;
use crate::probe::Probe;
use crate::reach::Reach;
use crate::record::{RunRecord, RunStatus};

pub use write::{BundleError, differing, places, put, put_form, read, rewrite, write};

/// The record's name in the bundle.
pub const RUN: &str = "run.json";
/// The record's name in the first version, which had no bundle around it.
pub(crate) const FIRST_RUN: &str = "results.json";
/// The journal's.
pub const JOURNAL: &str = "journal.jsonl";
/// The run's decisions, which AWS's simulator can be asked about.
pub const DECISIONS: &str = "decisions.json";
/// The certificates of the guard rails that are proved for all requests.
pub const CERTIFICATES: &str = "certificates.json";
/// The directory of what was under test.
pub const INPUTS: &str = "inputs";
/// The directory of inputs that holds the deployed documents; the others are
/// files that somebody wrote.
pub const DEPLOYED: &str = "policies";
/// The page.
pub const REPORT: &str = "report.html";
/// The record of the previous run, which the page compares with.
pub const PREVIOUS: &str = "previous/run.json";

/// What every form says of itself.
pub(crate) const DESIGN_EVIDENCE: &str = "Design and policy evidence: it shows that this \
    configuration, as evaluated by Ringfence in front of an emulator, refuses the listed actions. \
    It does not show that it is deployed, that AWS evaluates it the same way, or that it operated \
    over a period.";

/// What a rendering knows beside the record.
#[derive(Debug, Clone, Copy, Default)]
pub struct Surroundings<'a> {
    /// The previous run's record.
    pub previous: Option<&'a RunRecord>,
    /// What was under test: texts by their path below `inputs/`.
    pub inputs: Option<&'a BTreeMap<String, String>>,
}

/// Writes a form.
pub type Form<'a> = &'a dyn Fn(&mut dyn Write) -> io::Result<()>;

/// Hands on every form of a record, in order, by its path in the bundle. A form is
/// made while it is written: a large run's take much memory.
///
/// # Errors
/// What the taker says.
pub fn render_each<E>(
    record: &RunRecord,
    catalogue: &Catalogue,
    surroundings: &Surroundings<'_>,
    mut take: impl FnMut(&'static str, Form<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let assessment = catalogue.assess(record);
    let none = BTreeMap::new();
    let inputs = surroundings.inputs.unwrap_or(&none);
    take("SCOPE.md", &|out| out.write_all(text::scope(record, catalogue, &assessment).as_bytes()))?;
    take("VERIFY.md", &|out| out.write_all(text::verify(record).as_bytes()))?;
    take("controls.csv", &|out| csv::controls(record, catalogue, &assessment, out))?;
    take("findings.sarif", &|out| out.write_all(&findings::findings(record, inputs)?))?;
    take("junit.xml", &|out| junit::junit(record, catalogue, out))?;
    take("live-checks.md", &|out| out.write_all(live::checks(record, catalogue).as_bytes()))?;
    take("mutation.json", &|out| mutation(record, out))?;
    take("oscal/assessment-plan.json", &|out| out.write_all(&oscal::plan(record, catalogue)?.0))?;
    take("oscal/assessment-results.json", &|out| {
        oscal::results(record, catalogue, &assessment, out)
    })?;
    take("probes.csv", &|out| csv::probes(record, catalogue, out))?;
    take(REPORT, &|out| html::write(record, catalogue, surroundings.previous, out))?;
    take(RUN, &|out| record.json(out))
}

/// All of them.
///
/// # Errors
/// Never in practice: all of it is plain data.
pub fn render(
    record: &RunRecord,
    catalogue: &Catalogue,
    surroundings: &Surroundings<'_>,
) -> io::Result<Vec<(&'static str, Vec<u8>)>> {
    let mut files = Vec::new();
    render_each(record, catalogue, surroundings, |name, form| {
        let mut bytes = Vec::new();
        form(&mut bytes)?;
        files.push((name, bytes));
        io::Result::Ok(())
    })?;
    Ok(files)
}

/// Where the manifest of a share is kept that a bundle was made of.
pub fn merged_manifest(share: Share) -> String {
    format!("shares/{}/{MANIFEST}", share.number())
}

/// Where the requests and answers of a probe are kept.
pub fn raw_path(probe: &Probe) -> String {
    let words: String = findings::slug(&probe.id).chars().take(80).collect();
    // Two ids that differ in signs alone have the same words.
    let hash: String = sha256(probe.id.as_bytes()).chars().take(8).collect();
    format!("raw/{words}-{hash}.json")
}

#[derive(Serialize)]
struct Mutation<'a> {
    run_id: &'a str,
    status: &'a RunStatus,
    mutations: Option<&'a Mutations>,
    reach: &'a [Reach],
}

fn mutation(record: &RunRecord, out: &mut dyn Write) -> io::Result<()> {
    let mutation = Mutation {
        run_id: &record.run_id,
        status: &record.status,
        mutations: record.mutations.as_ref(),
        reach: &record.reach,
    };
    shown::write(out, &mutation)
}

#[cfg(test)]
mod tests;
