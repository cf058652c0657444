//! A function's process, with everything that it starts, behind its walls.

use std::ffi::{OsStr, OsString};
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::process::ExitStatus;

use ringfence_sandbox::{Confined, Confinement, Sandbox};

/// Output above this is not read at once.
const LARGEST_READ: u64 = 1024 * 1024;
/// A longer line is cut (CloudWatch Logs takes events of up to 256 KB).
const LONGEST_LINE: usize = 250_000;
/// An output file that was read to its end and is larger than this is emptied.
const LARGEST_FILE: u64 = 16 * 1024 * 1024;

/// A program behind its walls, with everything that it started. All of it ends
/// when this value goes.
#[derive(Debug)]
pub(in crate::lambda) struct Process {
    confined: Confined,
    output: Output,
}

/// What a process wrote and nobody read yet. A file, because a write to one is
/// seen at once by who reads it: what the process wrote before its answer is
/// there when the answer is.
#[derive(Debug)]
struct Output {
    file: File,
    offset: u64,
    /// A line that has not ended yet.
    rest: Vec<u8>,
}

impl Process {
    /// Starts a program.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(in crate::lambda) async fn start(
        sandbox: &Sandbox,
        confinement: &Confinement,
        output: &Path,
    ) -> io::Result<Self> {
        let writer = OpenOptions::new().create(true).append(true).open(output)?;
        let reader = File::open(output)?;
        let to = ringfence_sandbox::Output::file(writer)?;
        let confined = sandbox.start(confinement, to).await?;
        Ok(Self { confined, output: Output { file: reader, offset: 0, rest: Vec::new() } })
    }

    /// Waits for the end of the process and of all that it started. Safe to
    /// cancel.
    pub(in crate::lambda) async fn exited(&mut self) -> io::Result<ExitStatus> {
        self.confined.wait().await
    }

    /// Whether the process is still there.
    pub(in crate::lambda) fn runs(&mut self) -> bool {
        self.confined.runs()
    }

    /// Holds the process with all that it started.
    ///
    /// # Errors
    /// When not all of it stands still, or it has ended.
    pub(in crate::lambda) async fn freeze(&mut self) -> io::Result<()> {
        self.confined.freeze().await
    }

    /// Lets it go on.
    ///
    /// # Errors
    /// When it has ended.
    pub(in crate::lambda) async fn thaw(&mut self) -> io::Result<()> {
        self.confined.thaw().await
    }

    /// Ends the process with all that it started, and waits until they are gone.
    pub(in crate::lambda) async fn kill(&mut self) {
        self.confined.kill().await;
    }

    /// The lines that were written since the last call, with their ends; `all`
    /// also gives a last line that has no end.
    pub(in crate::lambda) fn lines(&mut self, all: bool) -> Vec<String> {
        self.output.lines(all).unwrap_or_default()
    }

    /// The most memory that the program itself has used, in MB, where the system
    /// says.
    pub(in crate::lambda) fn memory_mb(&self) -> Option<u64> {
        self.confined.memory_mb()
    }
}

impl Output {
    fn lines(&mut self, all: bool) -> io::Result<Vec<String>> {
        let mut lines = Vec::new();
        loop {
            self.file.seek(SeekFrom::Start(self.offset))?;
            let mut read = Vec::new();
            let count = (&mut self.file).take(LARGEST_READ).read_to_end(&mut read)?;
            if count == 0 {
                break;
            }
            self.offset = self.offset.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
            for piece in read.split_inclusive(|byte| *byte == b'\n') {
                self.rest.extend_from_slice(piece);
                if self.rest.ends_with(b"\n") || self.rest.len() >= LONGEST_LINE {
                    lines.push(self.take_rest());
                }
            }
        }
        if all && !self.rest.is_empty() {
            lines.push(self.take_rest());
        }
        Ok(lines)
    }

    fn take_rest(&mut self) -> String {
        let rest = std::mem::take(&mut self.rest);
        String::from_utf8_lossy(&rest).into_owned()
    }

    /// Whether the file has grown so large that it should be emptied.
    fn is_large(&self) -> bool {
        self.offset > LARGEST_FILE
    }
}

impl Process {
    /// Empties an output file that has grown large and was read to its end.
    pub(in crate::lambda) fn trim_output(&mut self, output: &Path) {
        let read_all = std::fs::metadata(output).is_ok_and(|it| it.len() == self.output.offset);
        if self.output.is_large()
            && read_all
            && OpenOptions::new().write(true).open(output).and_then(|file| file.set_len(0)).is_ok()
        {
            self.output.offset = 0;
        }
    }
}

/// A pair of an environment.
pub(in crate::lambda) fn variable(
    name: impl AsRef<OsStr>,
    value: impl AsRef<OsStr>,
) -> (OsString, OsString) {
    (name.as_ref().to_owned(), value.as_ref().to_owned())
}
