//! GitHub's actions toolkit (<https://github.com/actions/toolkit>), which
//! `actions/github-script` gives to its script: npm packages in the cache, as
//! `toolkit/package-lock.json` pins them.

use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use tokio::process::Command;

use super::installing::{lock, say};
use super::{ToolsError, cache_dir};
use crate::process;
use crate::progress::Phase;

/// The packages that are asked for, and all that come with them.
const FILES: [(&str, &str); 2] = [
    ("package.json", include_str!("toolkit/package.json")),
    ("package-lock.json", include_str!("toolkit/package-lock.json")),
];

/// The packages, ready to use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toolkit {
    /// The directory that has `node_modules`.
    pub directory: PathBuf,
}

impl Toolkit {
    /// Finds the packages in the cache, or installs them; other runs that need
    /// them wait. No script of a package is run.
    ///
    /// # Errors
    /// When there is no `npm`, or the packages cannot be installed.
    pub async fn provision(phase: &Phase) -> Result<Self, ToolsError> {
        let cache = cache_dir()?;
        let mut hash = Sha256::new();
        FILES.iter().for_each(|(_, text)| hash.update(text.as_bytes()));
        let name: String = hex::encode(hash.finalize()).chars().take(16).collect();
        let toolkit = Self { directory: cache.join(format!("toolkit-{name}")) };
        // The quick way takes no lock: the marker is the last thing written.
        if toolkit.marker().is_file() {
            return Ok(toolkit);
        }
        let failed =
            |message: String| ToolsError::Toolkit { directory: toolkit.directory.clone(), message };
        fs::create_dir_all(&cache).map_err(|error| failed(error.to_string()))?;
        let held =
            lock(&cache.join("lock"), phase).await.map_err(|error| failed(error.to_string()))?;
        if !toolkit.marker().is_file() {
            toolkit.install(&cache, phase).await.map_err(failed)?;
        }
        drop(held);
        Ok(toolkit)
    }

    /// What this machine lacks to run a script with them, if anything.
    pub fn lacks() -> Option<String> {
        let search = std::env::var_os("PATH").unwrap_or_default();
        let lacking = ["node", "npm"].into_iter().find(|it| process::which(it, &search).is_none());
        lacking.map(|program| format!("this machine has no `{program}`"))
    }

    fn marker(&self) -> PathBuf {
        self.directory.join("ringfence-complete")
    }

    async fn install(&self, cache: &Path, phase: &Phase) -> Result<(), String> {
        let search = std::env::var_os("PATH").unwrap_or_default();
        let npm = process::which("npm", &search)
            .ok_or("there is no `npm` on the PATH (Debian: apt-get install npm)")?;
        let at = |error: std::io::Error| error.to_string();
        if self.directory.exists() {
            phase.note("an earlier run was cut short; beginning anew");
            fs::remove_dir_all(&self.directory).map_err(at)?;
        }
        phase
            .note(format!("installing GitHub's actions toolkit into {}", self.directory.display()));
        fs::create_dir(&self.directory).map_err(at)?;
        for (name, text) in FILES {
            fs::write(self.directory.join(name), text).map_err(at)?;
        }
        let mut install = Command::new(npm);
        install
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"])
            .arg("--cache")
            .arg(cache.join("npm"))
            .current_dir(&self.directory);
        say(&mut install, phase).await?;
        fs::write(self.marker(), "").map_err(at)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::FILES;

    #[derive(Deserialize)]
    struct Asked {
        dependencies: BTreeMap<String, String>,
    }

    #[derive(Deserialize)]
    struct Pinned {
        packages: BTreeMap<String, Package>,
    }

    #[derive(Deserialize)]
    struct Package {
        version: Option<String>,
        integrity: Option<String>,
        resolved: Option<String>,
    }

    /// Each by its hash, and from whatever registry this machine uses.
    #[test]
    fn the_lock_pins_what_is_asked_for() {
        let asked: Asked = serde_json::from_str(FILES[0].1).unwrap();
        let pinned: Pinned = serde_json::from_str(FILES[1].1).unwrap();
        assert_eq!(asked.dependencies.len(), 5);
        for (name, version) in &asked.dependencies {
            let package = &pinned.packages[&format!("node_modules/{name}")];
            assert_eq!(package.version.as_ref(), Some(version), "{name}");
        }
        for (name, package) in pinned.packages.iter().filter(|(name, _)| !name.is_empty()) {
            assert!(
                package.integrity.as_ref().is_some_and(|it| it.starts_with("sha512-")),
                "{name}"
            );
            assert_eq!(package.resolved, None, "{name}");
        }
    }
}
