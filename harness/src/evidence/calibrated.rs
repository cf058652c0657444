//! What AWS's simulator said of a finished run, put into its bundle.

use std::path::Path;

use ringfence_evidence::bundle::{DECISIONS, differing, write};
use ringfence_evidence::check::{Trust, check};
use ringfence_evidence::manifest::{Manifest, SIGNATURE};
use ringfence_evidence::{Calibration, SCHEMA_VERSION};

use super::signing::catalogue_of;

/// Why a bundle does not take a calibration.
#[derive(Debug, thiserror::Error)]
pub enum Unrecordable {
    /// It is damaged, incomplete, or does not agree with itself.
    #[error("the bundle is not to be relied on, so nothing is recorded in it: {}", .0.join("; "))]
    Problems(Vec<String>),
    /// Recording would take the signature away.
    #[error(
        "the bundle is signed, and recording would change what was signed: calibrate first, then \
         `ringfence evidence sign`"
    )]
    Signed,
    /// Another version rendered it.
    #[error(
        "the record is of schema version {0}; this version of Ringfence records in version \
         {SCHEMA_VERSION}"
    )]
    Version(u32),
    /// A form says something else than the record.
    #[error("the bundle's {} differ from what run.json gives, so nothing is recorded in it", .0.join(", "))]
    Differing(Vec<&'static str>),
}

/// Whether a bundle can take a calibration: known before anybody is asked.
///
/// # Errors
/// [`Unrecordable`], or that the bundle cannot be read.
pub fn recordable(bundle: &Path) -> anyhow::Result<()> {
    if bundle.join(SIGNATURE).exists() {
        return Err(Unrecordable::Signed.into());
    }
    let checked = check(bundle, Trust::HashesAlone)?;
    let Some(record) = checked.record.filter(|_| checked.problems.is_empty()) else {
        return Err(Unrecordable::Problems(checked.problems).into());
    };
    if record.schema_version != SCHEMA_VERSION {
        return Err(Unrecordable::Version(record.schema_version).into());
    }
    let differing = differing(bundle, &catalogue_of(bundle, &record)?)?;
    match differing.is_empty() {
        true => Ok(()),
        false => Err(Unrecordable::Differing(differing).into()),
    }
}

/// Puts a calibration into a bundle's record, in place of an earlier one, and
/// renders the forms and the manifest again.
///
/// # Errors
/// [`Unrecordable`], or that a file cannot be read or written.
pub fn record_calibration(bundle: &Path, calibration: Calibration) -> anyhow::Result<()> {
    recordable(bundle)?;
    // What was asked about is what lies there still.
    if Manifest::of(bundle)?.get(DECISIONS) != Some(&calibration.decisions_sha256) {
        let changed = format!("{DECISIONS} changed while AWS was asked");
        return Err(Unrecordable::Problems(vec![changed]).into());
    }
    let mut record = ringfence_evidence::bundle::read(bundle)?;
    let catalogue = catalogue_of(bundle, &record)?;
    record.calibration = Some(calibration);
    write(bundle, &record, &catalogue)?;
    Ok(())
}
