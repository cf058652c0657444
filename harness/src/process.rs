//! Child processes: each in a process group of its own that ends with its
//! owner, its output read line by line.

use std::collections::VecDeque;
use std::io;
use std::path::Path;
use std::process::{ExitStatus, Stdio};

use ringfence_sandbox::{Confinement, Output, Sandbox};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use tokio::sync::mpsc;

/// A child and everything it started; killed when dropped.
#[derive(Debug)]
pub struct Group {
    child: Child,
    group: Option<Pid>,
}

/// Which stream a line came on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// How a child ended, with the last lines of its output.
#[derive(Debug)]
pub struct Finished {
    /// Its status.
    pub status: ExitStatus,
    /// The last lines of both streams, in order of arrival.
    pub tail: Vec<String>,
    /// The bound of its sandbox that ended it, if one did.
    pub exceeded: Option<String>,
}

/// How many last lines are kept.
const TAIL: usize = 60;

/// The longest line of a confined program that is handed over whole.
const LONGEST_LINE: u64 = 64 * 1024;

impl Group {
    /// Starts a command in a process group of its own.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn spawn(command: &mut Command) -> io::Result<Self> {
        let child = command.process_group(0).kill_on_drop(true).spawn()?;
        let group = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        Ok(Self { child, group })
    }

    /// The child itself.
    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Kills the whole group and waits for the child.
    pub async fn kill(mut self) {
        self.signal(Signal::KILL);
        // Already killed: waiting only takes the zombie away.
        let _ = self.child.wait().await;
        self.group = None;
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = self.group {
            // A group that is gone already is what we want.
            let _ = kill_process_group(group, signal);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

/// Runs a command to its end and hands over each line as it comes. When the
/// future is dropped, the command and all it started are killed.
///
/// # Errors
/// When it cannot be started or waited for.
pub async fn run(
    command: &mut Command,
    mut line: impl FnMut(Stream, &str),
) -> io::Result<Finished> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut group = Group::spawn(command)?;
    let streams = (group.child.stdout.take(), group.child.stderr.take());
    // What our own tools print is whole, however long a line is.
    let tail = follow(streams, u64::MAX, &mut line).await;
    let status = group.child.wait().await?;
    Ok(Finished { status, tail, exceeded: None })
}

/// Runs a confined program to its end and hands over each line as it comes.
/// When the future is dropped, it and all it started are killed.
///
/// # Errors
/// When it cannot be started or waited for.
pub async fn run_confined(
    sandbox: &Sandbox,
    confinement: &Confinement,
    mut line: impl FnMut(Stream, &str),
) -> io::Result<Finished> {
    let mut confined = sandbox.start(confinement, Output::piped()).await?;
    let tail = follow(confined.streams(), LONGEST_LINE, &mut line).await;
    let status = confined.wait().await?;
    let exceeded = confined.exceeded().map(str::to_owned);
    Ok(Finished { status, tail, exceeded })
}

/// Hands over the lines of both streams until both have ended, and keeps the
/// last ones.
async fn follow(
    (out, err): (Option<ChildStdout>, Option<ChildStderr>),
    longest: u64,
    line: &mut impl FnMut(Stream, &str),
) -> Vec<String> {
    let (sender, mut lines) = mpsc::channel(256);
    if let Some(out) = out {
        read(Stream::Out, out, longest, sender.clone());
    }
    if let Some(err) = err {
        read(Stream::Err, err, longest, sender.clone());
    }
    drop(sender);
    let mut tail = VecDeque::new();
    while let Some((stream, text)) = lines.recv().await {
        line(stream, &text);
        if tail.len() == TAIL {
            tail.pop_front();
        }
        tail.push_back(text);
    }
    tail.into()
}

/// Runs a command and returns what it printed on standard output.
///
/// # Errors
/// When it cannot be run, or fails; its last words are in the error.
pub async fn output(command: &mut Command) -> io::Result<String> {
    let mut text = String::new();
    let finished = run(command, |stream, line| {
        if stream == Stream::Out {
            text.push_str(line);
            text.push('\n');
        }
    })
    .await?;
    if finished.status.success() {
        Ok(text)
    } else {
        Err(io::Error::other(format!("{}: {}", finished.status, finished.tail.join(" | "))))
    }
}

fn read(
    stream: Stream,
    source: impl AsyncRead + Unpin + Send + 'static,
    longest: u64,
    sender: mpsc::Sender<(Stream, String)>,
) {
    tokio::spawn(async move {
        let mut source = BufReader::new(source);
        let mut bytes = Vec::new();
        loop {
            bytes.clear();
            // A line without an end is handed over in pieces.
            match (&mut source).take(longest).read_until(b'\n', &mut bytes).await {
                Ok(0) | Err(_) => break,
                Ok(_) => {
                    let text = String::from_utf8_lossy(&bytes);
                    let text = text.trim_end_matches(['\n', '\r']).to_owned();
                    if sender.send((stream, text)).await.is_err() {
                        break;
                    }
                }
            }
        }
    });
}

/// The first executable of this name on a search path.
pub fn which(name: &str, path: &std::ffi::OsStr) -> Option<std::path::PathBuf> {
    std::env::split_paths(path).map(|dir| dir.join(name)).find(|file| executable(file))
}

/// Whether a file can be executed.
pub fn executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata().is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lines_of_both_streams_arrive_and_the_status_is_known() {
        let mut seen = Vec::new();
        let mut command = Command::new("sh");
        command.args(["-c", "echo one; echo two >&2; exit 3"]);
        let finished =
            run(&mut command, |stream, line| seen.push((stream, line.to_owned()))).await.unwrap();
        assert_eq!(finished.status.code(), Some(3));
        assert!(seen.contains(&(Stream::Out, "one".into())));
        assert!(seen.contains(&(Stream::Err, "two".into())));
        assert_eq!(finished.tail.len(), 2);
    }

    #[tokio::test]
    async fn a_long_line_of_a_tool_of_ours_stays_whole() {
        let mut command = Command::new("head");
        command.args(["-c", "200000", "/dev/zero"]);
        assert_eq!(output(&mut command).await.unwrap().len(), 200_001);
    }

    #[tokio::test]
    async fn a_dropped_group_takes_its_grandchildren_along() {
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 600 & echo $!; wait"]).stdout(Stdio::piped());
        let mut group = Group::spawn(&mut command).unwrap();
        let mut line = String::new();
        BufReader::new(group.child().stdout.take().unwrap()).read_line(&mut line).await.unwrap();
        let grandchild = Pid::from_raw(line.trim().parse().unwrap()).unwrap();
        drop(group);
        let gone = async {
            // Gone, or a zombie whose parent has not looked yet.
            while std::fs::read_to_string(format!("/proc/{}/stat", grandchild.as_raw_nonzero()))
                .is_ok_and(|stat| !stat.contains(") Z "))
            {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(5), gone).await.unwrap();
    }
}
