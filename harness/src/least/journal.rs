//! A journal's file.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use ringfence_guard::journal::Entry;

/// Why a journal cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum JournalFileError {
    /// The file cannot be read.
    #[error("cannot read the journal `{path}`")]
    Read {
        /// The file.
        path: PathBuf,
        #[source]
        /// What the operating system says.
        cause: io::Error,
    },
    /// A line is no entry.
    #[error("{path}:{line}: this is no entry of a journal; `ringfence up --journal` writes one")]
    Line {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        #[source]
        /// What is wrong with it.
        cause: serde_json::Error,
    },
}

/// The entries of a journal, in order.
///
/// # Errors
/// When the file cannot be read, or a line of it is none; the last may be half
/// written, where the guard still runs.
pub fn read(path: &Path) -> Result<Vec<Entry>, JournalFileError> {
    let failed = |cause| JournalFileError::Read { path: path.to_owned(), cause };
    let mut reader = BufReader::new(File::open(path).map_err(failed)?);
    let mut entries = Vec::new();
    let mut text = String::new();
    for line in 1.. {
        text.clear();
        if reader.read_line(&mut text).map_err(failed)? == 0 {
            break;
        }
        match serde_json::from_str(&text) {
            Ok(entry) => entries.push(entry),
            Err(cause) if cause.is_eof() && !text.ends_with('\n') => break,
            Err(cause) => {
                return Err(JournalFileError::Line { path: path.to_owned(), line, cause });
            }
        }
    }
    Ok(entries)
}
