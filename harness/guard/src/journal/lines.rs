//! Where an entry stands after it was written.

use std::fs::{File, OpenOptions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Seek, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use super::Entry;

/// The journal's lines: in a file, or in memory where there is none, or none that can be
/// read again.
#[derive(Debug, Default)]
pub(super) struct Lines {
    file: Option<File>,
    /// The same file, to read.
    again: Option<Arc<File>>,
    /// The first one: to write a line, or to read one again.
    pub(super) failure: Option<io::Error>,
}

/// An entry by where its line stands.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    place: Place,
    /// The hash of the request's id.
    id: u64,
    /// [`Entry::is_change`].
    pub(super) is_change: bool,
}

#[derive(Debug, Clone)]
enum Place {
    /// From a byte of the file on, so many of them.
    File(u64, usize),
    Memory(Arc<str>),
}

impl Lines {
    /// Those of a file, which is appended to.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        // A terminal or a pipe gives nothing back, and one that nobody writes to is
        // waited for.
        let is_regular = file.metadata().is_ok_and(|metadata| metadata.is_file());
        let again = is_regular.then(|| File::open(path).ok()).flatten().map(Arc::new);
        Ok(Self { file: Some(file), again, failure: None })
    }

    /// Writes an entry. One line is one write, so that a reader of the file never sees
    /// half a decision.
    pub(super) fn write(&mut self, entry: &Entry) -> serde_json::Result<Kept> {
        let mut line = serde_json::to_string(entry)?;
        line.push('\n');
        let start = self.append(line.as_bytes()).unwrap_or_else(|failure| {
            self.failure.get_or_insert(failure);
            None
        });
        let place = match start {
            Some(start) => Place::File(start, line.len()),
            None => Place::Memory(line.into()),
        };
        Ok(Kept { place, id: hash(&entry.request_id), is_change: entry.is_change() })
    }

    /// Appends a line to the file; where it begins, if it can be read again.
    fn append(&mut self, line: &[u8]) -> io::Result<Option<u64>> {
        let Some(file) = &mut self.file else { return Ok(None) };
        file.write_all(line)?;
        if self.again.is_none() {
            return Ok(None);
        }
        // The system leaves a file that is appended to behind what was just written,
        // whoever else appends to it.
        Ok(file.stream_position()?.checked_sub(line.len() as u64))
    }

    /// Reads lines again while others are written.
    pub(super) fn reader(&self) -> Reader {
        Reader(self.again.clone())
    }
}

/// Reads lines again.
#[derive(Debug)]
pub(super) struct Reader(Option<Arc<File>>);

impl Reader {
    pub(super) fn read(&self, kept: &Kept) -> io::Result<Arc<Entry>> {
        let entry = match (&kept.place, &self.0) {
            (Place::Memory(line), _) => serde_json::from_str(line),
            (Place::File(start, length), Some(file)) => {
                let mut line = vec![0; *length];
                file.read_exact_at(&mut line, *start)?;
                serde_json::from_slice(&line)
            }
            (Place::File(..), None) => return Err(io::ErrorKind::NotFound.into()),
        };
        Ok(Arc::new(entry?))
    }
}

impl Kept {
    /// Whether it may be the entry of a request; of another it is hardly ever.
    pub(super) fn may_be_of(&self, request_id: &str) -> bool {
        self.id == hash(request_id)
    }
}

fn hash(request_id: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    request_id.hash(&mut hasher);
    hasher.finish()
}
