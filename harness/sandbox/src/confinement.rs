//! What a program may read, write, reach and use.

use std::ffi::OsString;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::mechanism::Mechanism;
use crate::user::User;

/// A program with all that there is for it.
#[derive(Debug, Clone)]
pub struct Confinement {
    /// The program: a path inside, or a name to be found by the `PATH` of its
    /// own environment.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// Its environment, all of it.
    pub environment: Vec<(OsString, OsString)>,
    /// Where it starts: a path inside.
    pub directory: PathBuf,
    /// Which files and directories there are, beside the system's own programs
    /// and libraries.
    pub walls: Vec<Wall>,
    /// Addresses that it can reach.
    pub openings: Vec<Opening>,
    /// Who it is.
    pub user: User,
    /// What it may use.
    pub bounds: Bounds,
    /// Whether it is held at times ([`crate::Confined::freeze`]): it has no timer and no
    /// file then that sends it a signal of its choice, since `SIGCONT` would wake it.
    pub held: bool,
}

/// A file or directory that there is inside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wall {
    /// One that can be read, at its own path.
    Readable(PathBuf),
    /// One that can be read, at another path: for mechanisms with a root
    /// directory of their own.
    ReadableAt(PathBuf, PathBuf),
    /// One that can be written, at its own path.
    Writable(PathBuf),
    /// One that can be written, at another path.
    WritableAt(PathBuf, PathBuf),
    /// An empty directory in memory, gone with the program, of so many bytes.
    Memory(PathBuf, u64),
}

/// An address outside that a program can reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opening {
    pub(crate) outside: SocketAddr,
    inside: SocketAddrV4,
}

impl From<SocketAddr> for Opening {
    /// Under its own port at `127.0.0.1`.
    fn from(outside: SocketAddr) -> Self {
        Self { outside, inside: SocketAddrV4::new(Ipv4Addr::LOCALHOST, outside.port()) }
    }
}

impl Opening {
    /// Under another address: for mechanisms with a network of their own.
    pub fn at(outside: SocketAddr, inside: SocketAddrV4) -> Self {
        Self { outside, inside }
    }

    fn order(&self, mechanism: Mechanism) -> io::Result<Value> {
        if !mechanism.has_own_root() && *self != Self::from(self.outside) {
            let inside = self.inside;
            return Err(io::Error::other(format!("`{inside}`: {mechanism} has no own network")));
        }
        Ok(json!([self.inside.ip().to_string(), self.inside.port()]))
    }
}

/// What a program and all that it starts may use. Time is its owner's to bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Processes and threads at once.
    pub processes: u64,
    /// Private memory of one process, in bytes, where the kernel bounds it: the
    /// program's allocations fail there. All memory is bounded in any case.
    pub memory: Option<u64>,
    /// Private memory of all processes together, in bytes.
    pub total_memory: u64,
    /// What can be written to the disk, in bytes, if it is bounded.
    pub disk: Option<u64>,
    /// The largest file, in bytes, where the kernel bounds it.
    pub file: Option<u64>,
    /// Open files of one process.
    pub open_files: u64,
    /// Memory that one process keeps from being swapped out, in bytes, where it
    /// is bounded otherwise than the system does.
    pub locked_memory: Option<u64>,
    /// The largest image of its memory that a failed process leaves, in bytes.
    pub core: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        const GIB: u64 = 1024 * 1024 * 1024;
        Self {
            processes: 1024,
            memory: Some(8 * GIB),
            total_memory: 8 * GIB,
            disk: None,
            file: Some(4 * GIB),
            open_files: 4096,
            locked_memory: None,
            core: 0,
        }
    }
}

impl Confinement {
    /// A program without arguments, environment, files of its own and network.
    pub fn of(program: impl Into<PathBuf>, user: User) -> Self {
        Self {
            program: program.into(),
            arguments: Vec::new(),
            environment: Vec::new(),
            directory: PathBuf::from("/"),
            walls: Vec::new(),
            openings: Vec::new(),
            user,
            bounds: Bounds::default(),
            held: false,
        }
    }

    /// What the launcher gets.
    pub(crate) fn order(&self, mechanism: Mechanism) -> io::Result<Vec<u8>> {
        let environment = self
            .environment
            .iter()
            .map(|(name, value)| Ok(json!([text(name)?, text(value)?])))
            .collect::<io::Result<Vec<Value>>>()?;
        let arguments = self
            .arguments
            .iter()
            .map(|argument| text(argument).map(Value::from))
            .collect::<io::Result<Vec<Value>>>()?;
        let openings =
            self.openings.iter().map(|it| it.order(mechanism)).collect::<io::Result<Vec<_>>>()?;
        let mounts =
            self.walls.iter().map(|wall| wall.order(mechanism)).collect::<io::Result<Vec<_>>>()?;
        let home = self.environment.iter().find(|(name, _)| name == "HOME");
        let order = json!({
            "mechanism": mechanism.kind(),
            "other_user": mechanism.other_user(),
            "held": self.held,
            "uid": self.user.id,
            "gid": self.user.group,
            "home": home.map_or(Ok("/"), |(_, home)| text(home))?,
            "program": text(&self.program)?,
            "arguments": arguments,
            "environment": environment,
            "directory": text(&self.directory)?,
            "mounts": mounts,
            "openings": openings,
            "bounds": {
                "processes": self.bounds.processes,
                "memory_bytes": self.bounds.memory,
                "total_memory_bytes": self.bounds.total_memory,
                "disk_bytes": self.bounds.disk,
                "file_bytes": self.bounds.file,
                "open_files": self.bounds.open_files,
                "locked_bytes": self.bounds.locked_memory,
                "core_bytes": self.bounds.core,
            },
        });
        Ok(serde_json::to_vec(&order)?)
    }
}

impl Wall {
    fn order(&self, mechanism: Mechanism) -> io::Result<Value> {
        let (kind, source, at) = match self {
            Self::Readable(path) => ("readable", path, path),
            Self::Writable(path) => ("writable", path, path),
            Self::ReadableAt(path, at) => ("readable", path, at),
            Self::WritableAt(path, at) => ("writable", path, at),
            Self::Memory(at, size) if mechanism.has_own_root() => {
                return Ok(json!({"kind": "tmpfs", "at": text(at)?, "size": size}));
            }
            Self::Memory(at, _) => return Err(no_other_place(at, mechanism)),
        };
        if source != at && !mechanism.has_own_root() {
            return Err(no_other_place(at, mechanism));
        }
        Ok(json!({"kind": kind, "source": text(source)?, "at": text(at)?}))
    }
}

fn no_other_place(at: &Path, mechanism: Mechanism) -> io::Error {
    io::Error::other(format!("`{}`: {mechanism} cannot show what is elsewhere", at.display()))
}

fn text(value: &(impl AsRef<std::ffi::OsStr> + ?Sized)) -> io::Result<&str> {
    let value = value.as_ref();
    value
        .to_str()
        .ok_or_else(|| io::Error::other(format!("`{}` is not UTF-8", value.to_string_lossy())))
}

/// The directories that an interpreter (`PREFIX/bin/python3`) needs: the
/// prefixes of all links on the way to the real one.
pub fn interpreter(program: &Path) -> Vec<PathBuf> {
    /// As many as the kernel follows.
    const LINKS: usize = 40;
    let mut found = Vec::new();
    let mut at = program.to_owned();
    for _ in 0..LINKS {
        if let Some(prefix) = at.parent().and_then(Path::parent) {
            let system = ["/", "/usr", "/usr/local"].map(Path::new).contains(&prefix);
            if !system && !found.contains(&prefix.to_owned()) {
                found.push(prefix.to_owned());
            }
        }
        match (std::fs::read_link(&at), at.parent()) {
            (Ok(to), Some(directory)) => at = directory.join(to),
            _ => break,
        }
    }
    // A directory on the way may be a link itself.
    if let Ok(real) = program.canonicalize()
        && let Some(prefix) = real.parent().and_then(Path::parent)
        && !["/", "/usr", "/usr/local"].map(Path::new).contains(&prefix)
        && !found.contains(&prefix.to_owned())
    {
        found.push(prefix.to_owned());
    }
    found
}

/// The first `python3` on the search path.
pub fn python() -> Option<PathBuf> {
    let search = std::env::var_os("PATH")?;
    std::env::split_paths(&search)
        .map(|directory| directory.join("python3"))
        .find(|it| it.is_file())
}
