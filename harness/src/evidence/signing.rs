//! Signing a finished bundle, as a step of its own: whoever does it has started
//! nothing that a team wrote.

use std::path::Path;

use ringfence_evidence::bundle::{INPUTS, differing, write};
use ringfence_evidence::check::{Trust, check};
use ringfence_evidence::controls::Catalogue;
use ringfence_evidence::signature::{Signer, fingerprint, sign};
use ringfence_evidence::{Part, RunRecord, SCHEMA_VERSION};

/// Why a bundle is not signed.
#[derive(Debug, thiserror::Error)]
pub enum Unsignable {
    /// It is damaged, incomplete, or does not agree with itself.
    #[error("the bundle is not to be relied on, so nobody signs it: {}", .0.join("; "))]
    Problems(Vec<String>),
    /// A form says something else than the record.
    #[error("{} not what run.json gives, so nobody signs it", are(.0))]
    Differing(Vec<&'static str>),
    /// Code under test could have changed anything.
    #[error("the run was UNISOLATED ({0}), so nobody signs it without `--unisolated`")]
    Unisolated(String),
    /// Somebody chose what ran.
    #[error("only chosen attacks ran: a partial run is not signed")]
    Chosen,
    /// Another version rendered it.
    #[error(
        "the record is of schema version {0}; this version of Ringfence signs version {SCHEMA_VERSION}"
    )]
    Version(u32),
}

fn are(names: &[&str]) -> String {
    let verb = if names.len() == 1 { "is" } else { "are" };
    format!("{} {verb}", names.join(", "))
}

/// The catalogue that a bundle was rendered with.
///
/// # Errors
/// When the user's own objectives in it cannot be read.
pub fn catalogue_of(bundle: &Path, record: &RunRecord) -> anyhow::Result<Catalogue> {
    let own = record.inputs.iter().any(|input| input.kind == "controls");
    Ok(match own {
        true => Catalogue::with(&bundle.join(INPUTS).join("controls"))?,
        false => Catalogue::builtin()?,
    })
}

/// Signs a bundle with a key that nobody under test has seen: writes the key's
/// fingerprint into the record, renders the forms again, and signs the
/// manifest. `unisolated` takes a run that says of itself that it was not
/// isolated.
///
/// # Errors
/// [`Unsignable`], or that the key does not sign; the bundle is left unsigned
/// then.
pub fn sign_bundle(bundle: &Path, key: &Path, unisolated: bool) -> anyhow::Result<Signer> {
    let checked = check(bundle, Trust::HashesAlone)?;
    if !checked.problems.is_empty() {
        return Err(Unsignable::Problems(checked.problems).into());
    }
    let Some(mut record) = checked.record else {
        return Err(Unsignable::Problems(vec!["it has no record".to_owned()]).into());
    };
    if record.schema_version != SCHEMA_VERSION {
        return Err(Unsignable::Version(record.schema_version).into());
    }
    if matches!(record.part, Some(Part::Chosen { .. })) {
        return Err(Unsignable::Chosen.into());
    }
    if let Some(reason) = record.unisolated().filter(|_| !unisolated) {
        return Err(Unsignable::Unisolated(reason.to_owned()).into());
    }
    let catalogue = catalogue_of(bundle, &record)?;
    let differing = differing(bundle, &catalogue)?;
    if !differing.is_empty() {
        return Err(Unsignable::Differing(differing).into());
    }
    record.provenance.signing_key = Some(fingerprint(key)?);
    write(bundle, &record, &catalogue)?;
    sign(bundle, key).map_err(|error| {
        record.provenance.signing_key = None;
        match write(bundle, &record, &catalogue) {
            Ok(()) => error.into(),
            Err(second) => anyhow::Error::from(error).context(second.to_string()),
        }
    })
}
