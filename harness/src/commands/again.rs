//! The command that makes one attack alone.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::Path;

use ringfence_evidence::Probe;

/// What one attack is repeated with.
pub(super) struct Again<'a> {
    /// The configuration that gave rise to it.
    pub(super) config: &'a Path,
    /// The ids that can be chosen: claims that nobody attacks cannot.
    pub(super) attacks: &'a BTreeSet<String>,
}

impl Again<'_> {
    /// The command, as a shell reads it; none for what is no attack.
    pub(super) fn of(&self, probe: &Probe) -> Option<String> {
        self.attacks.contains(&probe.id).then(|| {
            let config = self.config.to_string_lossy();
            let config = match config.as_ref() {
                "ringfence.toml" => String::new(),
                other => format!(" --config {}", quoted(other)),
            };
            format!("ringfence attack{config} --only {}", quoted(&probe.id))
        })
    }
}

/// A word that a POSIX shell takes for itself. No shell can be given a NUL,
/// which neither an id nor a path has.
fn quoted(word: &str) -> Cow<'_, str> {
    shlex::try_quote(word).unwrap_or(Cow::Borrowed(word))
}
