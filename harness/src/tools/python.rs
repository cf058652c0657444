//! The Python tools in their virtual environment.

use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use tokio::process::Command;

use super::installing::{lock, say};
use super::{ToolsError, cache_dir};
use crate::process;
use crate::progress::{Phase, Progress};

/// What ends the AWS CLI's table of hosts that it prefers to the configured endpoint.
const NO_LEGACY_ENDPOINTS: &str = "SSL_COMMON_NAMES.clear()\n";

/// Every package with its version.
const REQUIREMENTS: &str = include_str!("requirements.txt");

/// The installer, where the PATH has none.
const UV: &str = "uv==0.13.9";

/// The Python tools, ready to use.
#[derive(Debug, Clone)]
pub struct PythonTools {
    /// The virtual environment.
    pub directory: PathBuf,
    /// Its interpreter's version, `3.11.7`.
    pub version: String,
    /// The interpreter that it was made from.
    pub base: PathBuf,
}

impl PythonTools {
    /// The environment's interpreter.
    pub fn python(&self) -> PathBuf {
        self.bin().join("python")
    }

    /// The directory with `sam`, `aws` and the interpreter.
    pub fn bin(&self) -> PathBuf {
        self.directory.join("bin")
    }

    /// The directories that the tools need to run: the environment, and where
    /// its interpreter comes from.
    pub fn directories(&self) -> Vec<PathBuf> {
        let mut found = ringfence_sandbox::interpreter(&self.python());
        for prefix in ringfence_sandbox::interpreter(&self.base) {
            if !found.contains(&prefix) {
                found.push(prefix);
            }
        }
        found
    }

    /// The pinned version of a package.
    pub fn pinned(package: &str) -> Option<&'static str> {
        REQUIREMENTS.lines().find_map(|line| {
            let rest = line.strip_prefix(package)?;
            // `moto==5.2.5 ; marker`, but never `moto-ext==…`.
            Some(rest.strip_prefix("==")?.split(';').next().unwrap_or_default().trim())
        })
    }

    /// Finds the environment in the cache, or makes it; other runs that need
    /// it wait.
    ///
    /// # Errors
    /// When there is no Python, or the packages cannot be installed.
    pub async fn provision(progress: &Progress) -> Result<Self, ToolsError> {
        let (base, version) = find_python().await?;
        let cache = cache_dir()?;
        let mut hash = Sha256::new();
        for part in [REQUIREMENTS, &version, &base.to_string_lossy(), NO_LEGACY_ENDPOINTS] {
            hash.update(part.as_bytes());
            hash.update([0]);
        }
        let name: String = hex::encode(hash.finalize()).chars().take(16).collect();
        let directory = cache.join(format!("python-{name}"));
        let tools = Self { directory, version, base };
        // The quick way takes no lock: the marker is the last thing written.
        if tools.complete() {
            return Ok(tools);
        }
        let phase = progress.phase("python tools");
        let failed =
            |message: String| ToolsError::Install { directory: tools.directory.clone(), message };
        fs::create_dir_all(&cache).map_err(|error| failed(error.to_string()))?;
        let lock =
            lock(&cache.join("lock"), &phase).await.map_err(|error| failed(error.to_string()))?;
        if !tools.complete() {
            tools.install(&cache, &phase).await.map_err(failed)?;
        }
        drop(lock);
        phase.done();
        Ok(tools)
    }

    fn marker(&self) -> PathBuf {
        self.directory.join("ringfence-complete")
    }

    fn complete(&self) -> bool {
        self.marker().is_file() && self.python().exists()
    }

    async fn install(&self, cache: &Path, phase: &Phase) -> Result<(), String> {
        let uv = find_uv(cache, &self.base, phase).await?;
        if self.directory.exists() {
            phase.note("an earlier run was cut short; beginning anew");
            fs::remove_dir_all(&self.directory).map_err(|error| error.to_string())?;
        }
        phase.note(format!("installing {} packages into {}", packages(), self.directory.display()));
        let mut venv = Command::new(&uv);
        venv.args(["venv", "--quiet", "--no-project", "--no-config", "--python"])
            .arg(&self.base)
            .arg(&self.directory);
        say(&mut venv, phase).await?;
        let requirements = self.directory.join("requirements.txt");
        fs::write(&requirements, REQUIREMENTS).map_err(|error| error.to_string())?;
        let mut install = Command::new(&uv);
        install
            .args(["pip", "install", "--no-progress", "--compile-bytecode", "--python"])
            .arg(self.python())
            .arg("--requirement")
            .arg(&requirements);
        say(&mut install, phase).await?;
        self.keep_endpoints()?;
        fs::write(self.marker(), &self.version).map_err(|error| error.to_string())
    }
}

impl PythonTools {
    /// Makes the AWS CLI take `AWS_ENDPOINT_URL` for every service. Version 1 asks
    /// legacy hosts of SQS, EMR, RDS and others instead, whatever the variable says, so
    /// that a step's calls would leave this machine; version 2, which GitHub's runners
    /// have, does not.
    fn keep_endpoints(&self) -> Result<(), String> {
        let failed = |error: std::io::Error| format!("the AWS CLI's endpoints: {error}");
        let libraries = fs::read_dir(self.directory.join("lib")).map_err(failed)?;
        for library in libraries {
            let customizations =
                library.map_err(failed)?.path().join("site-packages/awscli/customizations");
            let file = customizations.join("overridesslcommonname.py");
            let text = fs::read_to_string(&file).map_err(failed)?;
            // The installer may have linked the file from its cache: it is replaced,
            // not written to.
            let replaced = customizations.join("overridesslcommonname.py.new");
            fs::write(&replaced, format!("{text}\n{NO_LEGACY_ENDPOINTS}")).map_err(failed)?;
            fs::rename(&replaced, &file).map_err(failed)?;
        }
        Ok(())
    }
}

fn packages() -> usize {
    REQUIREMENTS.lines().filter(|line| line.contains("==")).count()
}

/// The first interpreter that is new enough, with its version.
async fn find_python() -> Result<(PathBuf, String), ToolsError> {
    let search = std::env::var_os("PATH").unwrap_or_default();
    let mut seen = Vec::new();
    for name in ["python3", "python3.12", "python3.13", "python3.11", "python3.14", "python3.10"] {
        let Some(path) = process::which(name, &search) else { continue };
        let mut command = Command::new(&path);
        // The base interpreter, also where the PATH has a shim or an
        // environment first.
        command.args([
            "-c",
            "import platform, sys; print(platform.python_version()); print(getattr(sys, '_base_executable', sys.executable))",
        ]);
        match process::output(&mut command).await {
            Ok(text) => {
                let mut lines = text.lines();
                let version = lines.next().unwrap_or_default().to_owned();
                if recent(&version) {
                    let base =
                        lines.next().map(PathBuf::from).filter(|base| process::executable(base));
                    return Ok((base.unwrap_or(path), version));
                }
                seen.push(format!("{name} is {version}"));
            }
            Err(_) => seen.push(format!("{name} does not run")),
        }
    }
    let seen = if seen.is_empty() { "there is none".to_owned() } else { seen.join(", ") };
    Err(ToolsError::NoPython { seen })
}

fn recent(version: &str) -> bool {
    let mut numbers = version.split('.').map(str::parse::<u32>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) >= (3, 10) && major == 3,
        _ => false,
    }
}

/// `uv` from the PATH, else one of our own.
async fn find_uv(cache: &Path, python: &Path, phase: &Phase) -> Result<PathBuf, String> {
    let search = std::env::var_os("PATH").unwrap_or_default();
    if let Some(path) = process::which("uv", &search) {
        // A shim may be there with nothing behind it.
        if process::output(Command::new(&path).arg("--version")).await.is_ok() {
            return Ok(path);
        }
    }
    let directory = cache.join(UV.replace("==", "-"));
    let uv = directory.join("bin/uv");
    if process::output(Command::new(&uv).arg("--version")).await.is_ok() {
        return Ok(uv);
    }
    phase.note(format!("no uv on the PATH; installing {UV}"));
    if directory.exists() {
        fs::remove_dir_all(&directory).map_err(|error| error.to_string())?;
    }
    let mut venv = Command::new(python);
    venv.args(["-m", "venv"]).arg(&directory);
    say(&mut venv, phase).await.map_err(|error| {
        format!("{error} (Debian: apt-get install python3-venv, or install uv)")
    })?;
    let mut install = Command::new(directory.join("bin/python"));
    install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", UV]);
    say(&mut install, phase).await?;
    Ok(uv)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("3.10.0", true)]
    #[case("3.13.1", true)]
    #[case("3.9.2", false)]
    #[case("2.7.18", false)]
    #[case("", false)]
    fn python_3_10_is_the_oldest(#[case] version: &str, #[case] fits: bool) {
        assert_eq!(recent(version), fits);
    }

    #[test]
    fn the_lock_pins_the_tools() {
        assert_eq!(PythonTools::pinned("moto"), Some("5.2.5"));
        assert_eq!(PythonTools::pinned("aws-sam-cli"), Some("1.170.0"));
        assert_eq!(PythonTools::pinned("awscli"), Some("1.46.3"));
        assert_eq!(PythonTools::pinned("nothing"), None);
        let unpinned = REQUIREMENTS
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#') && !line.contains("=="))
            .count();
        assert_eq!(unpinned, 0);
    }
}
