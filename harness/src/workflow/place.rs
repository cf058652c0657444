//! Where a job's steps run: directories, search path and environment.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::json;
use time::OffsetDateTime;
use tokio::process::Command;
use url::Url;
use uuid::Uuid;

use super::expression::Contexts;
use crate::issuers::GithubRun;
use crate::scratch::Scratch;
use crate::tools::PythonTools;

/// The interpreters that a stand-in may be made for.
const PYTHONS: std::ops::RangeInclusive<u8> = 8..=14;

/// A job's directories and the environment that its steps share.
pub(super) struct Place {
    pub(super) workspace: PathBuf,
    pub(super) home: PathBuf,
    pub(super) temporary: PathBuf,
    /// `GITHUB_ENV` and the credentials action write here.
    pub(super) exported: BTreeMap<String, String>,
    pub(super) path: Vec<PathBuf>,
    pub(super) stand_ins: PathBuf,
}

impl Place {
    /// A job's own directories.
    pub(super) fn create(tools: &PythonTools, scratch: &Scratch) -> io::Result<Self> {
        let base = scratch.subdirectory(&format!("workflows/{}", Uuid::new_v4().simple()))?;
        let directory = |name: &str| -> io::Result<PathBuf> {
            let path = base.join(name);
            fs::create_dir_all(&path)?;
            Ok(path)
        };
        let (bin, stand_ins) = (directory("bin")?, directory("stand-ins")?);
        for tool in ["sam", "aws"] {
            std::os::unix::fs::symlink(tools.bin().join(tool), bin.join(tool))?;
        }
        for tool in ["python3", "python"] {
            std::os::unix::fs::symlink(&tools.base, bin.join(tool))?;
        }
        for minor in PYTHONS {
            stand_in(&stand_ins, minor, &tools.python())?;
        }
        let home = directory("home")?;
        // Else the first run of sam in a new home asks PyPI for its newest version.
        let checked = OffsetDateTime::now_utc().unix_timestamp();
        let text = json!({"lastVersionCheck": checked, "telemetryEnabled": false});
        fs::write(directory("home/.aws-sam")?.join("metadata.json"), text.to_string())?;
        Ok(Self {
            workspace: directory("workspace")?,
            home,
            temporary: directory("temporary")?,
            exported: BTreeMap::new(),
            path: vec![bin],
            stand_ins,
        })
    }

    /// A runner's environment: nothing of this machine's but the PATH's
    /// ordinary directories.
    pub(super) fn environment(&self, command: &mut Command, endpoint: &Url, contexts: &Contexts) {
        command.env_clear();
        let system =
            ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
        let search = self
            .path
            .iter()
            .cloned()
            .chain(system.map(PathBuf::from))
            .chain([self.stand_ins.clone()]);
        // Directories of ours, without a colon in them.
        let search = std::env::join_paths(search).unwrap_or_default();
        command
            .env("PATH", search)
            .env("HOME", &self.home)
            .env("TMPDIR", &self.temporary)
            .env("RUNNER_TEMP", &self.temporary)
            .env("RUNNER_OS", "Linux")
            .env("LANG", "C.UTF-8")
            .env("CI", "true")
            .env("GITHUB_ACTIONS", "true")
            .env("AWS_ENDPOINT_URL", endpoint.as_str().trim_end_matches('/'))
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_PAGER", "")
            .env("NO_PROXY", "localhost,127.0.0.1,.localhost")
            .env("no_proxy", "localhost,127.0.0.1,.localhost")
            .env("SAM_CLI_TELEMETRY", "0")
            // It asks every five seconds else, so as not to meet AWS's rate
            // limits; here there are none.
            .env("SAM_CLI_POLL_DELAY", "0.25");
        // Packages are installed as this machine installs them.
        for (name, value) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("PIP_")
                || matches!(
                    &*text,
                    "SSL_CERT_FILE" | "SSL_CERT_DIR" | "HTTPS_PROXY" | "https_proxy"
                )
            {
                command.env(&name, value);
            }
        }
        for (name, value) in &contexts.github {
            command.env(format!("GITHUB_{}", name.to_uppercase()), value);
        }
        command.envs(&contexts.env);
    }
}

/// `sam build` wants an interpreter of the function's runtime, of which it uses
/// pip alone. Where there is none, ours stands in; the interpreter that a
/// function really runs on is another matter, which the function's own logs
/// tell.
fn stand_in(directory: &Path, minor: u8, python: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let path = directory.join(format!("python3.{minor}"));
    let text = format!(
        "#!/bin/sh\nif [ \"$1\" = -c ] && [ \"$2\" = 'import sys; assert sys.version_info.major == 3 and sys.version_info.minor == {minor}' ]; then exit 0; fi\nexec '{}' \"$@\"\n",
        python.display()
    );
    fs::write(&path, text)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755))
}

/// The `github` context, which is also the environment `GITHUB_…`.
pub(super) fn github(run: &GithubRun, place: &Place, job: &str) -> BTreeMap<&'static str, String> {
    let ref_name = ["refs/heads/", "refs/tags/"]
        .iter()
        .find_map(|prefix| run.git_ref.strip_prefix(prefix))
        .unwrap_or(&run.git_ref);
    [
        ("actor", run.actor.clone()),
        ("event_name", run.event.clone()),
        ("job", job.to_owned()),
        ("ref", run.git_ref.clone()),
        ("ref_name", ref_name.to_owned()),
        (
            "ref_type",
            if run.git_ref.starts_with("refs/tags/") { "tag" } else { "branch" }.to_owned(),
        ),
        ("repository", run.repository()),
        ("repository_id", run.repository_id.clone()),
        ("repository_owner", run.owner.clone()),
        ("repository_owner_id", run.owner_id.clone()),
        ("run_attempt", "1".to_owned()),
        ("run_id", run.run_id.clone()),
        ("run_number", "1".to_owned()),
        ("sha", run.sha.clone()),
        ("workflow", run.workflow.clone()),
        ("workspace", place.workspace.to_string_lossy().into_owned()),
    ]
    .into()
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
