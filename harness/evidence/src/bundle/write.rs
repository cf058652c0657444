//! A bundle in a directory.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use super::{FIRST_RUN, Form, INPUTS, PREVIOUS, RUN, Surroundings, render_each};
use crate::controls::Catalogue;
use crate::manifest::{MANIFEST, Manifest, ManifestError, SIGNATURE};
use crate::places::Places;
use crate::record::{EvidenceError, RunRecord, SCHEMA_VERSION};

/// Why a bundle cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// A file.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    /// The manifest.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// A form.
    #[error("the record cannot be rendered")]
    Render(#[source] io::Error),
}

/// Writes every form of a record into a directory that holds the rest already
/// (journal, inputs, raw files), and the manifest last: without one, a bundle
/// was never finished.
///
/// # Errors
/// When a file cannot be written.
pub fn write(
    directory: &Path,
    record: &RunRecord,
    catalogue: &Catalogue,
) -> Result<(), BundleError> {
    for name in [MANIFEST, SIGNATURE] {
        let path = directory.join(name);
        match std::fs::remove_file(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                return Err(EvidenceError::Write { path, source }.into());
            }
            _ => {}
        }
    }
    rendered(directory, record, catalogue, |name, form| {
        Ok(put_form(&directory.join(name), form)?)
    })?;
    let manifest = Manifest::of(directory)?.to_string();
    put(&directory.join(MANIFEST), manifest.as_bytes())?;
    Ok(())
}

/// The names of the forms in a directory that are not what its record gives.
///
/// # Errors
/// When the record or what it is rendered with cannot be read.
pub fn differing(
    directory: &Path,
    catalogue: &Catalogue,
) -> Result<Vec<&'static str>, BundleError> {
    let record = read(directory)?;
    let mut differing = Vec::new();
    rendered(directory, &record, catalogue, |name, form| {
        if !is(&directory.join(name), form)? {
            differing.push(name);
        }
        Ok(())
    })?;
    Ok(differing)
}

/// Renders a bundle's forms again, in its directory. The manifest stays as it
/// was, so that a bundle that was tampered with does not become a good one.
///
/// # Errors
/// When something cannot be read or written.
pub fn rewrite(directory: &Path, into: &Path, catalogue: &Catalogue) -> Result<(), BundleError> {
    // What is written is of today's version, whatever was read.
    let record = RunRecord { schema_version: SCHEMA_VERSION, ..read(directory)? };
    rendered(directory, &record, catalogue, |name, form| Ok(put_form(&into.join(name), form)?))
}

/// Reads the record of a bundle, of whatever version: the first version's was
/// called `results.json`.
///
/// # Errors
/// When there is none, or it cannot be read.
pub fn read(directory: &Path) -> Result<RunRecord, EvidenceError> {
    let first = directory.join(FIRST_RUN);
    let run = directory.join(RUN);
    RunRecord::read(if run.exists() || !first.exists() { &run } else { &first })
}

fn rendered(
    directory: &Path,
    record: &RunRecord,
    catalogue: &Catalogue,
    take: impl FnMut(&'static str, Form<'_>) -> Result<(), BundleError>,
) -> Result<(), BundleError> {
    let previous = directory.join(PREVIOUS);
    let previous = previous.exists().then(|| RunRecord::read(&previous)).transpose()?;
    let inputs = texts(directory, record);
    let surroundings = Surroundings { previous: previous.as_ref(), inputs: Some(&inputs) };
    render_each(record, catalogue, &surroundings, take)
}

/// The texts that a bundle keeps of what was under test, by their paths.
fn texts(directory: &Path, record: &RunRecord) -> BTreeMap<String, String> {
    let inputs = record.inputs.iter().filter_map(|input| {
        // What is no text has no statement to point at.
        let text = std::fs::read_to_string(directory.join(INPUTS).join(&input.path)).ok()?;
        Some((input.path.clone(), text))
    });
    inputs.collect()
}

/// Where the statements under test stand in a bundle's inputs.
pub fn places(directory: &Path, record: &RunRecord) -> Places {
    Places::of(&texts(directory, record))
}

/// Whether a file is what a form gives.
fn is(path: &Path, form: Form<'_>) -> Result<bool, BundleError> {
    let Ok(file) = File::open(path) else { return Ok(false) };
    let mut same = Same { file: BufReader::new(file), differs: false };
    form(&mut same).map_err(BundleError::Render)?;
    Ok(!same.differs && matches!(same.file.read(&mut [0]), Ok(0)))
}

/// Compares what is written with a file.
struct Same {
    file: BufReader<File>,
    differs: bool,
}

impl Write for Same {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.differs {
            let mut there = vec![0; bytes.len()];
            self.differs = self.file.read_exact(&mut there).is_err() || there != bytes;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes a file, whole or not at all, with the directories above it.
///
/// # Errors
/// When it cannot be written.
pub fn put(path: &Path, bytes: &[u8]) -> Result<(), EvidenceError> {
    put_form(path, &|out| out.write_all(bytes))
}

/// Writes a form into a file, as [`put`] does.
///
/// # Errors
/// When it cannot be written.
pub fn put_form(path: &Path, form: Form<'_>) -> Result<(), EvidenceError> {
    let written = || {
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        let mut temporary = PathBuf::from(path).into_os_string();
        temporary.push(".part");
        let mut file = BufWriter::new(File::create(&temporary)?);
        form(&mut file)?;
        file.flush()?;
        std::fs::rename(&temporary, path)
    };
    written().map_err(|source| EvidenceError::Write { path: path.to_owned(), source })
}
