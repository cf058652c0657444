//! A function's process, with everything that it starts.

use std::ffi::{OsStr, OsString};
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tokio::process::{Child, Command};

/// Output above this is not read at once.
const LARGEST_READ: u64 = 1024 * 1024;
/// A longer line is cut (CloudWatch Logs takes events of up to 256 KB).
const LONGEST_LINE: usize = 250_000;
/// An output file that was read to its end and is larger than this is emptied.
const LARGEST_FILE: u64 = 16 * 1024 * 1024;

/// What is run.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<OsString>,
    pub(super) directory: PathBuf,
    /// All of it: nothing is inherited.
    pub(super) environment: Vec<(OsString, OsString)>,
}

/// A process group. It is killed when this value goes.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    group: Option<Pid>,
    /// A variable that only this environment has, as `/proc` shows it.
    mark: Vec<u8>,
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
    /// Starts a program as the leader of its own process group. `mark` is a
    /// `NAME=VALUE` of its environment that no other environment has.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(super) fn start(program: &Program, mark: &str, output: &Path) -> io::Result<Self> {
        let writer = OpenOptions::new().create(true).append(true).open(output)?;
        let reader = File::open(output)?;
        let child = Command::new(&program.program)
            .args(&program.arguments)
            .current_dir(&program.directory)
            .env_clear()
            .envs(program.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(writer.try_clone()?)
            .stderr(writer)
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let group = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        Ok(Self {
            child,
            group,
            mark: mark.as_bytes().to_vec(),
            output: Output { file: reader, offset: 0, rest: Vec::new() },
        })
    }

    /// Waits for the end of the process, then ends its group. Safe to cancel.
    pub(super) async fn exited(&mut self) -> io::Result<ExitStatus> {
        let status = self.child.wait().await?;
        self.kill_group();
        Ok(status)
    }

    /// Whether the process is still there.
    pub(super) fn runs(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Ends the process and its group, and waits until the process is gone.
    pub(super) async fn kill(&mut self) {
        self.kill_group();
        // It was sent SIGKILL; there is nothing else to do if it cannot be waited for.
        let _ = self.child.wait().await;
    }

    fn kill_group(&mut self) {
        if let Some(group) = self.group.take() {
            // It may be gone already.
            let _ = kill_process_group(group, Signal::KILL);
            kill_marked(&self.mark);
        }
    }

    /// The lines that were written since the last call; `all` also gives a last
    /// line that has no end.
    pub(super) fn lines(&mut self, all: bool) -> Vec<String> {
        self.output.lines(all).unwrap_or_default()
    }

    /// The most memory that the leader has used, in MB, where the system says.
    pub(super) fn memory_mb(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()?)).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        let kilobytes: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
        Some(kilobytes.div_ceil(1024))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill_group();
    }
}

/// Ends the processes that left their group but kept their environment: a
/// micro-VM would have ended with them in it. Where there is no `/proc`, the
/// group is all that ends.
fn kill_marked(mark: &[u8]) {
    /// A process may start another while they are looked for.
    const PASSES: usize = 3;
    for _ in 0..PASSES {
        let found: Vec<Pid> = std::fs::read_dir("/proc")
            .into_iter()
            .flatten()
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .filter(|id| {
                std::fs::read(format!("/proc/{id}/environ"))
                    .is_ok_and(|all| all.split(|byte| *byte == 0).any(|it| it == mark))
            })
            .filter_map(Pid::from_raw)
            .collect();
        if found.is_empty() {
            return;
        }
        for id in found {
            let _ = kill_process(id, Signal::KILL);
        }
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
        String::from_utf8_lossy(rest.strip_suffix(b"\n").unwrap_or(&rest)).into_owned()
    }

    /// Whether the file has grown so large that it should be emptied.
    fn is_large(&self) -> bool {
        self.offset > LARGEST_FILE
    }
}

impl Process {
    /// Empties an output file that has grown large and was read to its end.
    pub(super) fn trim_output(&mut self, output: &Path) {
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
pub(super) fn variable(name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> (OsString, OsString) {
    (name.as_ref().to_owned(), value.as_ref().to_owned())
}
