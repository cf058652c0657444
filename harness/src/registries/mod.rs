//! Package registries: the only part of the world that a workflow's step
//! reaches, over a proxy of the harness, by a list, and recorded.
//!
//! The list is `workflows.registries` of the configuration, and the index that
//! this machine's environment names for pip, uv or npm.

mod machine;
mod proxy;

use std::fmt;
use std::io;
use std::str::FromStr;

use serde::Deserialize;
use url::Url;

pub use machine::Machine;
pub use proxy::{Proxy, Visit};

/// Who serves packages to the public: the clients' own defaults.
const PUBLIC: [&str; 15] = [
    "pypi.org",
    "files.pythonhosted.org",
    "registry.npmjs.org",
    "registry.yarnpkg.com",
    "proxy.golang.org",
    "sum.golang.org",
    "repo.maven.apache.org",
    "repo1.maven.org",
    "plugins.gradle.org",
    "services.gradle.org",
    "index.crates.io",
    "static.crates.io",
    "rubygems.org",
    "index.rubygems.org",
    "api.nuget.org",
];

/// A host that may be reached, at port 443 where none is named.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct Registry {
    host: String,
    port: u16,
}

impl Registry {
    fn of_url(url: &Url) -> Option<Self> {
        let host = url.host_str()?.to_ascii_lowercase();
        Some(Self { host, port: url.port_or_known_default()? })
    }

    /// Whether the list names this machine itself, so that it may be reached.
    fn is_here(&self) -> bool {
        self.host == "localhost"
            || self.host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok()
    }
}

impl FromStr for Registry {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || format!("`{text}` is not a host such as `pypi.org` or `host:8443`");
        let url = Url::parse(&format!("https://{text}/")).map_err(|_| wrong())?;
        let plain = url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
            && !text.contains(['/', '*']);
        Self::of_url(&url).filter(|_| plain).ok_or_else(wrong)
    }
}

impl TryFrom<String> for Registry {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl fmt::Display for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// The registries of the public, for a configuration that names none.
pub fn public() -> Vec<Registry> {
    PUBLIC.iter().map(|host| Registry { host: (*host).to_owned(), port: 443 }).collect()
}

/// What steps may reach, and how.
#[derive(Debug, Clone, Default)]
pub struct Registries {
    allowed: Vec<Registry>,
    machine: Machine,
}

impl Registries {
    /// The configured ones, and those of this machine's own index.
    pub fn new(configured: &[Registry], machine: Machine) -> Self {
        let mut allowed = configured.to_vec();
        allowed.extend(machine.indices());
        allowed.sort();
        allowed.dedup();
        Self { allowed, machine }
    }

    /// A proxy for one step; it ends with its value.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn open(&self) -> io::Result<Proxy> {
        Proxy::start(self.clone()).await
    }

    fn allows(&self, wanted: &Registry) -> bool {
        self.allowed.contains(wanted)
    }
}

#[cfg(test)]
mod tests;
