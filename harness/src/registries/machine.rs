//! How this machine reaches registries: its index, and its proxy.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use url::Url;

use super::Registry;

/// Variables that name an index.
const INDICES: [&str; 8] = [
    "PIP_INDEX_URL",
    "PIP_EXTRA_INDEX_URL",
    "UV_INDEX_URL",
    "UV_EXTRA_INDEX_URL",
    "UV_DEFAULT_INDEX",
    "UV_INDEX",
    "NPM_CONFIG_REGISTRY",
    "npm_config_registry",
];

/// Variables that name files which package managers read.
const FILES: [&str; 6] = [
    "PIP_CONFIG_FILE",
    "PIP_CERT",
    "PIP_FIND_LINKS",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "NODE_EXTRA_CA_CERTS",
];

/// Where pip's settings are for all users.
const PIP_SETTINGS: &str = "/etc/pip.conf";

/// What the environment says of package managers.
#[derive(Debug, Clone, Default)]
pub struct Machine {
    variables: BTreeMap<String, String>,
}

impl Machine {
    /// What our own environment says.
    pub fn ours() -> Self {
        Self::of(std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        }))
    }

    /// What an environment says.
    pub fn of(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        let variables = variables.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        Self { variables }
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// The variables that steps get, so that packages are installed as this
    /// machine installs them. A cache is not among them: steps share none.
    pub fn passed(&self) -> impl Iterator<Item = (&str, &str)> {
        self.variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).filter(
            |(name, _)| {
                (name.starts_with("PIP_") && *name != "PIP_CACHE_DIR" && *name != "PIP_PROXY")
                    || INDICES.contains(name)
                    || FILES.contains(name)
            },
        )
    }

    /// The files and directories that those variables name.
    pub fn files(&self) -> Vec<PathBuf> {
        FILES
            .iter()
            .filter_map(|name| self.get(name))
            .flat_map(str::split_whitespace)
            .map(|value| value.strip_prefix("file://").unwrap_or(value))
            .map(PathBuf::from)
            .filter(|path| path.is_absolute() && path != Path::new("/") && path.exists())
            .collect()
    }

    /// The hosts of the indices.
    pub(super) fn indices(&self) -> Vec<Registry> {
        let named = INDICES.iter().filter_map(|name| self.get(name)).map(str::to_owned);
        let settings = [Some(PIP_SETTINGS), self.get("PIP_CONFIG_FILE")]
            .into_iter()
            .flatten()
            .filter_map(|path| std::fs::read_to_string(path).ok())
            .flat_map(|text| index_lines(&text));
        named
            .chain(settings)
            .flat_map(|text| {
                text.split([' ', ',', '\n'])
                    // uv takes `NAME=URL` too.
                    .filter_map(|word| word.find("http").and_then(|at| word.get(at..)))
                    .filter_map(|word| Url::parse(word).ok())
                    .filter_map(|url| Registry::of_url(&url))
                    .collect::<Vec<_>>()
            })
            .collect()
    }

    /// The proxy through which a host is reached.
    pub(super) fn proxy_of(&self, host: &str, tls: bool) -> Option<&str> {
        let either = |upper: &str, lower: &str| self.get(lower).or_else(|| self.get(upper));
        let spared = either("NO_PROXY", "no_proxy").unwrap_or_default();
        let spared =
            spared.split(',').map(str::trim).filter(|entry| !entry.is_empty()).any(|entry| {
                let entry = entry.trim_start_matches("*.").trim_start_matches('.');
                entry == "*"
                    || host == entry
                    || host.strip_suffix(entry).is_some_and(|rest| rest.ends_with('.'))
            });
        if spared {
            return None;
        }
        let own = if tls { either("HTTPS_PROXY", "https_proxy") } else { self.get("http_proxy") };
        own.or_else(|| either("ALL_PROXY", "all_proxy"))
    }
}

/// The values of `index-url` and `extra-index-url` in pip's settings.
fn index_lines(text: &str) -> Vec<String> {
    text.lines()
        .filter_map(|line| line.split_once('='))
        .filter(|(name, _)| {
            matches!(name.trim().replace('_', "-").as_str(), "index-url" | "extra-index-url")
        })
        .map(|(_, value)| value.trim().to_owned())
        .collect()
}
