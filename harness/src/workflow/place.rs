//! Where a job's steps run: directories, search path and environment.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use ringfence_sandbox::{Sandbox, User, Wall};
use rustix::fs::{Mode, OFlags};
use serde_json::json;
use time::OffsetDateTime;
use url::Url;
use uuid::Uuid;

use super::expression::Value;
use super::stand_in;
use crate::registries::{Machine, Proxy};
use crate::scratch::Scratch;
use crate::tools::PythonTools;

/// What every step's environment has.
const FIXED: [(&str, &str); 11] = [
    ("RUNNER_OS", "Linux"),
    ("LANG", "C.UTF-8"),
    ("CI", "true"),
    ("GITHUB_ACTIONS", "true"),
    ("AWS_EC2_METADATA_DISABLED", "true"),
    ("AWS_PAGER", ""),
    // The system's Python may stand in, which Debian guards; on runners pip installs into
    // it: <https://github.com/actions/runner-images/pull/10794>
    ("PIP_BREAK_SYSTEM_PACKAGES", "1"),
    ("NO_PROXY", "localhost,127.0.0.1,.localhost"),
    ("no_proxy", "localhost,127.0.0.1,.localhost"),
    ("SAM_CLI_TELEMETRY", "0"),
    // It asks every five seconds else, so as not to meet AWS's rate limits;
    // here there are none.
    ("SAM_CLI_POLL_DELAY", "0.25"),
];

/// The interpreters that a stand-in may be made for.
const PYTHONS: std::ops::RangeInclusive<u8> = 8..=14;

/// A directory of a job: where it is, and where the job's steps see it.
#[derive(Debug, Clone)]
pub(super) struct Shown {
    /// Where it is.
    pub(super) outside: PathBuf,
    /// Where it is for the steps.
    pub(super) inside: PathBuf,
}

/// A job's directories and the environment that its steps share. The steps can
/// write `workspace`, `home`, `temporary` and `tmp`; whatever they leave there
/// is data for us, and no path of ours leads through it.
pub(super) struct Place {
    pub(super) workspace: Shown,
    pub(super) home: Shown,
    pub(super) temporary: Shown,
    /// Their `/tmp`, where they have one of their own.
    tmp: Option<Shown>,
    pub(super) bin: Shown,
    pub(super) stand_ins: Shown,
    /// `sam` for steps that build in a container.
    local_build: Shown,
    /// `setup-python`'s links.
    pub(super) pythons: Shown,
    /// The event, for `GITHUB_EVENT_PATH`.
    pub(super) event: Shown,
    /// The machine's directories that hold the tools.
    pub(super) tools: Vec<PathBuf>,
    /// Who the steps are.
    pub(super) user: User,
    /// `GITHUB_ENV` and the credentials action write here.
    pub(super) exported: BTreeMap<String, String>,
    /// What steps put before the search path, as they see it.
    pub(super) path: Vec<PathBuf>,
    machine: Machine,
    base: PathBuf,
    own_root: bool,
    steps: u32,
}

/// The files of one step: its script, and those that it writes for us.
pub(super) struct StepFiles {
    pub(super) directory: Shown,
    pub(super) script: PathBuf,
    /// Whether it asks `sam` for a container to build in.
    asks_container: bool,
}

/// The files that a step writes for us.
pub(super) const COMMAND_FILES: [(&str, &str); 4] = [
    ("GITHUB_ENV", "env"),
    ("GITHUB_OUTPUT", "output"),
    ("GITHUB_PATH", "path"),
    ("GITHUB_STEP_SUMMARY", "summary"),
];

impl Place {
    /// A job's own directories.
    ///
    /// Where the steps have a root directory of their own, they see what a job
    /// in a container sees on GitHub: `/__w/REPOSITORY/REPOSITORY`,
    /// `/github/home`, `/__w/_temp`.
    pub(super) fn create(
        tools: &PythonTools,
        scratch: &Scratch,
        sandbox: &Sandbox,
        repository: &str,
    ) -> io::Result<Self> {
        let base = scratch.subdirectory(&format!("workflows/{}", Uuid::new_v4().simple()))?;
        let own_root = sandbox.mechanism().has_own_root();
        let shown = |name: &str, inside: String| -> io::Result<Shown> {
            let outside = base.join(name);
            fs::create_dir_all(&outside)?;
            let inside = if own_root { PathBuf::from(inside) } else { outside.clone() };
            Ok(Shown { outside, inside })
        };
        let name = repository.rsplit('/').next().unwrap_or(repository);
        let machine = Machine::ours();
        let place = Self {
            workspace: shown("workspace", format!("/__w/{name}/{name}"))?,
            home: shown("home", "/github/home".to_owned())?,
            temporary: shown("temporary", "/__w/_temp".to_owned())?,
            tmp: own_root.then(|| shown("tmp", "/tmp".to_owned())).transpose()?,
            bin: shown("bin", "/opt/ringfence/bin".to_owned())?,
            stand_ins: shown("stand-ins", "/opt/ringfence/stand-ins".to_owned())?,
            local_build: shown("local-build", "/opt/ringfence/local-build".to_owned())?,
            pythons: shown("pythons", "/opt/ringfence/pythons".to_owned())?,
            event: shown("event", "/github/workflow".to_owned())?,
            tools: tools.directories().into_iter().chain(machine.files()).collect(),
            machine,
            user: sandbox.user(),
            exported: BTreeMap::new(),
            path: Vec::new(),
            base: base.clone(),
            own_root,
            steps: 0,
        };
        let bin = &place.bin.outside;
        for tool in ["sam", "aws"] {
            symlink(tools.bin().join(tool), bin.join(tool))?;
        }
        for tool in ["python3", "python"] {
            symlink(&tools.base, bin.join(tool))?;
        }
        for minor in PYTHONS {
            python_stand_in(&place.stand_ins.outside, minor, &tools.python())?;
        }
        let sam = place.bin.inside.join("sam");
        program(&place.local_build.outside.join("sam"), &stand_in::local_build(&sam))?;
        // Else the first run of sam in a new home asks PyPI for its newest version.
        let checked = OffsetDateTime::now_utc().unix_timestamp();
        let text = json!({"lastVersionCheck": checked, "telemetryEnabled": false});
        let settings = place.home.outside.join(".aws-sam");
        fs::create_dir(&settings)?;
        fs::write(settings.join("metadata.json"), text.to_string())?;
        for written in [&place.home, &place.temporary, &place.workspace] {
            place.user.own(&written.outside)?;
        }
        if let Some(tmp) = &place.tmp {
            place.user.own(&tmp.outside)?;
        }
        Ok(place)
    }

    /// A new directory that is ours, and where a step can be shown it.
    pub(super) fn extra(&mut self, name: &str) -> io::Result<Shown> {
        self.steps += 1;
        let outside = self.base.join(format!("{name}-{}", self.steps));
        fs::create_dir_all(&outside)?;
        let inside = self.shown_at(&outside, name);
        Ok(Shown { outside, inside })
    }

    /// Where a step can be shown a directory.
    pub(super) fn shown_at(&self, outside: &Path, name: &str) -> PathBuf {
        match self.own_root {
            true => Path::new("/opt/ringfence").join(name),
            false => outside.to_owned(),
        }
    }

    /// Writes the event to its file, before there is a step.
    pub(super) fn tell_event(&self, event: &Value) -> io::Result<()> {
        let text = event.json().map_err(io::Error::other)?;
        fs::write(self.event.outside.join("event.json"), text)
    }

    /// The files of the next step. They stand where no step before it could
    /// write.
    pub(super) fn next_step(&mut self, script: &str) -> io::Result<StepFiles> {
        self.steps += 1;
        let outside = self.base.join(format!("steps/{}", self.steps));
        let written = outside.join("written");
        fs::create_dir_all(&written)?;
        for (_, file) in COMMAND_FILES {
            let path = written.join(file);
            fs::write(&path, "")?;
            self.user.own(&path)?;
        }
        fs::write(outside.join("script"), script)?;
        let inside =
            if self.own_root { PathBuf::from("/opt/ringfence/step") } else { outside.clone() };
        let written_script = inside.join("script");
        let asks_container = stand_in::asks_container(script);
        Ok(StepFiles {
            directory: Shown { outside, inside },
            script: written_script,
            asks_container,
        })
    }

    /// Everything that there is for a step beside the system.
    pub(super) fn walls(&self, files: &StepFiles) -> Vec<Wall> {
        let readable = [
            &self.bin,
            &self.stand_ins,
            &self.local_build,
            &self.pythons,
            &self.event,
            &files.directory,
        ];
        let written = [&self.workspace, &self.home, &self.temporary].into_iter().chain(&self.tmp);
        let mut walls: Vec<Wall> = self.tools.iter().cloned().map(Wall::Readable).collect();
        walls.extend(readable.map(|it| Wall::ReadableAt(it.outside.clone(), it.inside.clone())));
        walls.extend(written.map(|it| Wall::WritableAt(it.outside.clone(), it.inside.clone())));
        walls.extend(COMMAND_FILES.map(|(_, file)| {
            let file = Path::new("written").join(file);
            let (outside, inside) = (&files.directory.outside, &files.directory.inside);
            Wall::WritableAt(outside.join(&file), inside.join(&file))
        }));
        walls
    }

    /// A runner's environment: nothing of this machine's but the PATH's
    /// ordinary directories.
    pub(super) fn environment(
        &self,
        files: &StepFiles,
        endpoint: &Url,
        proxy: &Proxy,
        github: &BTreeMap<String, String>,
        own: &BTreeMap<String, String>,
    ) -> BTreeMap<OsString, OsString> {
        let system =
            ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
        // What a step installs for its user, behind the tools that are pinned here.
        let installed = self.home.inside.join(".local/bin");
        let search = self
            .path
            .iter()
            .cloned()
            .chain(files.asks_container.then(|| self.local_build.inside.clone()))
            .chain([self.bin.inside.clone(), installed])
            .chain(system.map(PathBuf::from))
            .chain([self.stand_ins.inside.clone()]);
        // A step that names a directory with a colon in it loses all of them.
        let search = std::env::join_paths(search).unwrap_or_default();
        let mut environment: BTreeMap<OsString, OsString> = [
            ("PATH", search),
            ("HOME", self.home.inside.clone().into()),
            ("TMPDIR", self.temporary.inside.clone().into()),
            ("RUNNER_TEMP", self.temporary.inside.clone().into()),
            // Where `npm install --global` may write: a runner's own prefix is its user's.
            ("NPM_CONFIG_PREFIX", self.home.inside.join(".local").into()),
            ("AWS_ENDPOINT_URL", endpoint.as_str().trim_end_matches('/').into()),
        ]
        .map(|(name, value)| (name.into(), value))
        .into();
        environment.extend(FIXED.map(|(name, value)| (name.into(), value.into())));
        // Packages are installed as this machine installs them.
        environment.extend(self.machine.passed().map(|(name, value)| (name.into(), value.into())));
        for name in ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"] {
            environment.insert(name.into(), format!("http://{}", proxy.address()).into());
        }
        environment
            .extend(github.iter().chain(own).map(|(name, value)| (name.into(), value.into())));
        for (name, file) in COMMAND_FILES {
            let path = files.directory.inside.join("written").join(file);
            environment.insert(name.into(), path.into());
        }
        environment
    }
}

/// `sam build` wants an interpreter of the function's runtime, of which it uses
/// pip alone. Where there is none, ours stands in; the interpreter that a
/// function really runs on is another matter, which the function's own logs
/// tell.
fn python_stand_in(directory: &Path, minor: u8, python: &Path) -> io::Result<()> {
    let path = directory.join(format!("python3.{minor}"));
    let text = format!(
        "#!/bin/sh\nif [ \"$1\" = -c ] && [ \"$2\" = 'import sys; assert sys.version_info.major == 3 and sys.version_info.minor == {minor}' ]; then exit 0; fi\nexec '{}' \"$@\"\n",
        python.display()
    );
    program(&path, &text)
}

/// Writes a program.
fn program(path: &Path, text: &str) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::write(path, text)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
}

/// The largest file that a step may leave for us; GitHub takes 1 MiB of a
/// summary: <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands>.
const LARGEST_COMMANDS: u64 = 1024 * 1024;

/// Reads a file that a step wrote. It was ours, and plain, before; anything
/// else that stands there now is refused.
pub(super) fn written(path: &Path) -> io::Result<String> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let refuse = |why: &str| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        io::Error::other(format!("the file `{name}` that the step left for the runner {why}"))
    };
    let opened = rustix::fs::open(path, flags, Mode::empty());
    let mut file = match opened {
        Ok(file) => File::from(file),
        Err(rustix::io::Errno::LOOP) => return Err(refuse("is a link now")),
        Err(error) => return Err(error.into()),
    };
    if !file.metadata()?.is_file() {
        return Err(refuse("is no plain file now"));
    }
    let mut text = Vec::new();
    let count = (&mut file).take(LARGEST_COMMANDS + 1).read_to_end(&mut text)?;
    if count as u64 > LARGEST_COMMANDS {
        return Err(refuse("is larger than 1 MiB"));
    }
    String::from_utf8(text).map_err(|_| refuse("is not UTF-8"))
}

/// The files that steps write: `NAME=value`, or `NAME<<END`, lines and `END`.
pub(super) fn assignments(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut found = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line.trim().is_empty() {
            continue;
        }
        let equals = line.find('=').unwrap_or(usize::MAX);
        match line.split_once("<<") {
            Some((name, end)) if name.len() < equals => {
                let mut value: Vec<&str> = Vec::new();
                loop {
                    match lines.next() {
                        Some(line) if line == end => break,
                        Some(line) => value.push(line),
                        None => return Err(format!("`{name}<<{end}` has no end")),
                    }
                }
                found.push((name.to_owned(), value.join("\n")));
            }
            _ => match line.split_once('=') {
                Some((name, value)) => found.push((name.to_owned(), value.to_owned())),
                None => return Err(format!("`{line}` is not NAME=VALUE")),
            },
        }
    }
    Ok(found)
}
