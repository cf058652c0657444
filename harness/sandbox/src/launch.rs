//! Starting a program by the launcher, and its end.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use serde::Deserialize;
use tokio::io::{AsyncWriteExt as _, Interest};
use tokio::net::UnixStream;
use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use tokio::sync::Mutex;

use crate::confinement::Confinement;
use crate::mechanism::{Mechanism, Sandbox};
use crate::relay::Relay;

/// The launcher's parts, in the order in which they need each other.
const LAUNCHER: &str = concat!(
    include_str!("launcher/kernel.py"),
    include_str!("launcher/seccomp.py"),
    include_str!("launcher/system.py"),
    include_str!("launcher/namespaces.py"),
    include_str!("launcher/landlock.py"),
    include_str!("launcher/program.py"),
    include_str!("launcher/usage.py"),
    include_str!("launcher/freeze.py"),
    include_str!("launcher/main.py"),
);

/// Compiles the launcher: done once, since it is a third of what a start costs.
const COMPILE: &str = "\
import marshal, sys
text = sys.stdin.buffer.read()
sys.stdout.buffer.write(marshal.dumps(compile(text, 'launcher', 'exec')))
";

/// Reads the compiled launcher from its standard input, so that its text is no
/// argument that every list of processes shows.
const START: &str = "\
import marshal, os
def read(count):
    data = b''
    while len(data) < count and (piece := os.read(0, count - len(data))):
        data += piece
    return data
exec(marshal.loads(read(int(read(8)))))
";

/// The longest answer of the launcher.
const LONGEST_ANSWER: usize = 64 * 1024;
/// The longest that the launcher takes to hold a program or to let it go on, and to
/// say so.
const LONGEST_WORD: Duration = Duration::from_secs(5);
/// More openings than any program has.
const MOST_OPENINGS: usize = 16;

/// Where a program's output goes.
#[derive(Debug)]
pub struct Output {
    out: Stdio,
    err: Stdio,
}

impl Output {
    /// Nowhere.
    pub fn null() -> Self {
        Self { out: Stdio::null(), err: Stdio::null() }
    }

    /// To whoever takes [`Confined::streams`].
    pub fn piped() -> Self {
        Self { out: Stdio::piped(), err: Stdio::piped() }
    }

    /// Both streams to one file.
    ///
    /// # Errors
    /// When the file cannot be shared.
    pub fn file(file: File) -> io::Result<Self> {
        Ok(Self { out: file.try_clone()?.into(), err: file.into() })
    }
}

/// A program that runs, with everything that it started. When this value goes,
/// all of it ends.
#[derive(Debug)]
pub struct Confined {
    child: Child,
    /// The launcher ends everything when this is closed.
    owner: Option<UnixStream>,
    mechanism: Mechanism,
    held: bool,
    exceeded: Option<String>,
    _relays: Vec<Relay>,
}

#[derive(Deserialize)]
struct Exceeded {
    exceeded: String,
}

/// What the launcher says when it was told to hold a program, or to let it go on.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Done {
    Frozen(bool),
    Thawed(bool),
    Exceeded(String),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Answer {
    Started {
        #[serde(rename = "started")]
        _started: bool,
    },
    Failed {
        failed: String,
        number: i32,
    },
}

impl Sandbox {
    /// Starts a program.
    ///
    /// # Errors
    /// The system's own, where the program cannot be started; one that names
    /// what failed, where the walls cannot be put up. Nothing runs then.
    pub async fn start(&self, confinement: &Confinement, output: Output) -> io::Result<Confined> {
        let began = Instant::now();
        let confined = self.launch(confinement, output).await?;
        STARTED.fetch_add(1, Ordering::Relaxed);
        let took = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        WAITED_US.fetch_add(took, Ordering::Relaxed);
        Ok(confined)
    }

    async fn launch(&self, confinement: &Confinement, output: Output) -> io::Result<Confined> {
        if confinement.openings.len() > MOST_OPENINGS {
            return Err(io::Error::other(format!("more than {MOST_OPENINGS} openings")));
        }
        let launcher = compiled(&self.python).await?;
        let order = confinement.order(self.mechanism)?;
        let (ours, theirs) = StdUnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let mut owner = UnixStream::from_std(ours)?;
        let mut command = Command::new(&self.python);
        command
            .args(["-I", "-S", "-B", "-c", START])
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(output.out)
            .stderr(output.err)
            .process_group(0);
        if let Some(user) = self.launcher_user {
            command.uid(user).gid(user);
        }
        let child = command.spawn()?;
        // It holds the launcher's end and the output's else.
        drop(command);
        owner.write_all(format!("{:08}", launcher.len()).as_bytes()).await?;
        owner.write_all(&launcher).await?;
        let size = u32::try_from(order.len()).map_err(io::Error::other)?;
        owner.write_all(&size.to_le_bytes()).await?;
        owner.write_all(&order).await?;
        let (answer, inside) = receive(&owner).await?;
        match serde_json::from_slice(&answer) {
            Ok(Answer::Started { .. }) => {}
            Ok(Answer::Failed { failed, number }) => {
                return Err(failure(&failed, number, self.mechanism));
            }
            Err(_) => {
                return Err(io::Error::other("the launcher of the sandbox ended without a word"));
            }
        }
        let mut relays = Vec::new();
        for (inside, outside) in inside.into_iter().zip(&confinement.openings) {
            relays.push(Relay::start(inside, outside.outside)?);
        }
        Ok(Confined {
            child,
            owner: Some(owner),
            mechanism: self.mechanism,
            held: confinement.held,
            exceeded: None,
            _relays: relays,
        })
    }
}

/// Programs that were started behind walls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Started {
    /// How many.
    pub count: u64,
    /// How long was waited for their walls and their first instruction: the sum,
    /// of what started side by side too.
    pub waited: Duration,
}

impl Started {
    /// What was started since an earlier moment.
    #[must_use]
    pub fn since(self, earlier: Self) -> Self {
        Self {
            count: self.count.saturating_sub(earlier.count),
            waited: self.waited.saturating_sub(earlier.waited),
        }
    }
}

/// All that this process has started so far.
pub fn started() -> Started {
    Started {
        count: STARTED.load(Ordering::Relaxed),
        waited: Duration::from_micros(WAITED_US.load(Ordering::Relaxed)),
    }
}

static STARTED: AtomicU64 = AtomicU64::new(0);
static WAITED_US: AtomicU64 = AtomicU64::new(0);

/// The launcher as an interpreter compiles it: by that interpreter alone it can
/// be read.
async fn compiled(python: &Path) -> io::Result<Arc<[u8]>> {
    static COMPILED: Mutex<BTreeMap<PathBuf, Arc<[u8]>>> = Mutex::const_new(BTreeMap::new());
    let mut known = COMPILED.lock().await;
    if let Some(launcher) = known.get(python) {
        return Ok(Arc::clone(launcher));
    }
    let mut child = Command::new(python)
        .args(["-I", "-S", "-B", "-c", COMPILE])
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    if let Some(mut text) = child.stdin.take() {
        text.write_all(LAUNCHER.as_bytes()).await?;
    }
    let output = child.wait_with_output().await?;
    if !output.status.success() || output.stdout.is_empty() {
        return Err(io::Error::other("the launcher of the sandbox cannot be compiled"));
    }
    let launcher: Arc<[u8]> = output.stdout.into();
    known.insert(python.to_owned(), Arc::clone(&launcher));
    Ok(launcher)
}

fn failure(what: &str, number: i32, mechanism: Mechanism) -> io::Error {
    let cause = io::Error::from_raw_os_error(number);
    if what == "program" && number != 0 {
        return cause;
    }
    io::Error::new(cause.kind(), format!("cannot isolate by {mechanism}: {what}: {cause}"))
}

/// The launcher's answer, a line, with the descriptors that came along.
async fn receive(owner: &UnixStream) -> io::Result<(Vec<u8>, Vec<OwnedFd>)> {
    let mut answer = Vec::new();
    let mut descriptors = Vec::new();
    while !answer.ends_with(b"\n") && answer.len() < LONGEST_ANSWER {
        let mut piece = [0; 4096];
        let count = owner
            .async_io(Interest::READABLE, || {
                let mut space =
                    [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_OPENINGS))];
                let mut extra = RecvAncillaryBuffer::new(&mut space);
                let flags = RecvFlags::CMSG_CLOEXEC;
                let read = recvmsg(owner, &mut [IoSliceMut::new(&mut piece)], &mut extra, flags)?;
                for message in extra.drain() {
                    if let RecvAncillaryMessage::ScmRights(rights) = message {
                        descriptors.extend(rights);
                    }
                }
                Ok(read.bytes)
            })
            .await?;
        if count == 0 {
            break;
        }
        answer.extend(piece.iter().take(count));
    }
    Ok((answer, descriptors))
}

impl Confined {
    /// Its output, where it is piped: for the first who asks.
    pub fn streams(&mut self) -> (Option<ChildStdout>, Option<ChildStderr>) {
        (self.child.stdout.take(), self.child.stderr.take())
    }

    /// Waits until the program has ended, and everything that it started with
    /// it. Safe to cancel.
    ///
    /// # Errors
    /// When it cannot be waited for.
    pub async fn wait(&mut self) -> io::Result<ExitStatus> {
        let status = self.child.wait().await?;
        if let Some(owner) = self.owner.take() {
            // The launcher is gone: what it said is all there.
            let (said, _) = receive(&owner).await.unwrap_or_default();
            if let Ok(Exceeded { exceeded }) = serde_json::from_slice(&said) {
                self.exceeded = Some(exceeded);
            }
        }
        Ok(status)
    }

    /// Which bound ended it, once it has ended: `more than 512 MB of disk`.
    pub fn exceeded(&self) -> Option<&str> {
        self.exceeded.as_deref()
    }

    /// Holds it with everything that it started: nothing of it runs until
    /// [`Confined::thaw`]. What it sent before is on its way.
    ///
    /// # Errors
    /// When it was not started to be held, when not all of it stands still, or it has
    /// ended: end it then.
    pub async fn freeze(&mut self) -> io::Result<()> {
        if !self.held {
            return Err(io::Error::other("the program was not started to be held"));
        }
        self.tell(b"F").await
    }

    /// Lets it go on.
    ///
    /// # Errors
    /// When it has ended.
    pub async fn thaw(&mut self) -> io::Result<()> {
        self.tell(b"T").await
    }

    async fn tell(&mut self, word: &[u8]) -> io::Result<()> {
        let ended = || io::Error::other("the program has ended");
        let owner = self.owner.as_mut().ok_or_else(ended)?;
        let done = tokio::time::timeout(LONGEST_WORD, async {
            owner.write_all(word).await?;
            receive(owner).await
        });
        let (said, _) = done.await.map_err(io::Error::other)??;
        match serde_json::from_slice(&said) {
            Ok(Done::Frozen(true) | Done::Thawed(true)) => Ok(()),
            Ok(Done::Frozen(false) | Done::Thawed(false)) => {
                Err(io::Error::other("not all that the program started stands still"))
            }
            Ok(Done::Exceeded(exceeded)) => {
                self.exceeded = Some(exceeded);
                Err(ended())
            }
            Err(_) => Err(ended()),
        }
    }

    /// Whether it still runs.
    pub fn runs(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Ends it, with everything that it started, and waits until all is gone.
    pub async fn kill(&mut self) {
        self.owner = None;
        // The launcher was told; there is nothing else to do if it cannot be
        // waited for.
        let _ = self.child.wait().await;
    }

    /// Ends it, without waiting.
    pub fn end(&mut self) {
        self.owner = None;
    }

    /// The most memory that the program itself has used, in MB, where the
    /// system says.
    pub fn memory_mb(&self) -> Option<u64> {
        let mut process = self.child.id()?;
        let below = if self.mechanism.has_own_root() { 2 } else { 1 };
        for _ in 0..below {
            let path = format!("/proc/{process}/task/{process}/children");
            process =
                std::fs::read_to_string(path).ok()?.split_whitespace().next()?.parse().ok()?;
        }
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        let kilobytes: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
        Some(kilobytes.div_ceil(1024))
    }
}
