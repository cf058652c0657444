//! Which keys may sign: a bare public key, or OpenSSH's list of allowed
//! signers (`ssh-keygen(1)`, ALLOWED SIGNERS).

use std::path::{Path, PathBuf};

use ssh_key::public::KeyData;
use ssh_key::{HashAlg, PublicKey};

use super::{NAMESPACE, SignatureError};

/// Why a list of keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AllowedError {
    /// The file cannot be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A line that is neither a key nor an allowed signer.
    #[error("`{}`, line {line}: {message}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        message: String,
    },
}

/// Why a text is no time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no time such as 20261122 or 20261122213000 (UTC)")]
pub struct TimeError(String);

/// A moment as `YYYYMMDDHHMMSS` in UTC: numbers of that form compare as the
/// moments do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant(u64);

impl Instant {
    /// From `YYYY-MM-DDTHH:MM:SS…Z`, as records have it.
    ///
    /// # Errors
    /// When it is no such time.
    pub fn from_rfc3339(text: &str) -> Result<Self, TimeError> {
        let wrong = || TimeError(text.to_owned());
        let (seconds, rest) = text.split_at_checked(19).ok_or_else(wrong)?;
        if !rest.ends_with('Z') {
            return Err(wrong());
        }
        let digits: String = seconds.chars().filter(char::is_ascii_digit).collect();
        digits.parse()
    }
}

impl std::str::FromStr for Instant {
    type Err = TimeError;

    /// `YYYYMMDD`, `YYYYMMDDHHMM` or `YYYYMMDDHHMMSS`, with or without a `Z`.
    /// `ssh-keygen` takes a time without `Z` for local; here it is UTC.
    fn from_str(text: &str) -> Result<Self, TimeError> {
        let wrong = || TimeError(text.to_owned());
        let digits = text.strip_suffix('Z').unwrap_or(text);
        if !matches!(digits.len(), 8 | 12 | 14) || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(wrong());
        }
        format!("{digits:0<14}").parse().map(Self).map_err(|_| wrong())
    }
}

impl std::fmt::Display for Instant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:014}Z", self.0)
    }
}

/// The keys that may sign evidence.
#[derive(Debug, Clone)]
pub struct AllowedKeys(Vec<Allowed>);

#[derive(Debug, Clone)]
struct Allowed {
    principal: Option<String>,
    key: KeyData,
    after: Option<Instant>,
    before: Option<Instant>,
}

impl AllowedKeys {
    /// Reads a file: a public key, or a list of allowed signers.
    ///
    /// # Errors
    /// When it cannot be read or has a line that is neither; or no key that
    /// may sign evidence.
    pub fn read(path: &Path) -> Result<Self, AllowedError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| AllowedError::Read { path: path.to_owned(), source })?;
        Self::parse(&text, path)
    }

    /// The same from a text; `path` is what errors name.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn parse(text: &str, path: &Path) -> Result<Self, AllowedError> {
        let mut keys = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let read = allowed(line).map_err(|message| AllowedError::Line {
                path: path.to_owned(),
                line: index + 1,
                message,
            })?;
            keys.extend(read);
        }
        if keys.is_empty() {
            let message = format!("no key may sign for the namespace `{NAMESPACE}`");
            return Err(AllowedError::Line { path: path.to_owned(), line: 1, message });
        }
        Ok(Self(keys))
    }

    /// The principal of a key that is allowed at a time.
    pub(super) fn find(
        &self,
        key: &KeyData,
        at: Instant,
        fingerprint: &str,
    ) -> Result<Option<String>, SignatureError> {
        let mut error = SignatureError::Stranger(fingerprint.to_owned());
        for allowed in self.0.iter().filter(|allowed| allowed.key == *key) {
            let why = match (allowed.after, allowed.before) {
                (Some(after), _) if at < after => format!("valid after {after}"),
                // ssh-keygen takes valid-before as the last moment that counts.
                (_, Some(before)) if at > before => format!("valid before {before}"),
                _ => return Ok(allowed.principal.clone()),
            };
            let fingerprint = allowed.key.fingerprint(HashAlg::Sha256).to_string();
            error = SignatureError::Expired { fingerprint, at: at.to_string(), why };
        }
        Err(error)
    }
}

/// A line's key; none where it may not sign evidence.
fn allowed(line: &str) -> Result<Option<Allowed>, String> {
    let key = |text: &str| PublicKey::from_openssh(text).map(|key| key.key_data().clone());
    if let Ok(key) = key(line) {
        return Ok(Some(Allowed { principal: None, key, after: None, before: None }));
    }
    let (principal, rest) = word(line)?;
    let mut allowed = Allowed {
        principal: Some(principal.trim_matches('"').to_owned()),
        key: KeyData::Ed25519(ssh_key::public::Ed25519PublicKey([0; 32])),
        after: None,
        before: None,
    };
    let mut serves = true;
    let text = match key(rest) {
        Ok(_) => rest,
        Err(_) => {
            let (options, rest) = word(rest)?;
            for option in split(options) {
                let (name, value) = option.split_once('=').unwrap_or((option, ""));
                let value = value.trim_matches('"');
                let time =
                    |value: &str| value.parse().map_err(|error: TimeError| error.to_string());
                match name.to_ascii_lowercase().as_str() {
                    // Patterns would be a second language here; a name must be the name.
                    "namespaces" => serves = value.split(',').any(|name| name == NAMESPACE),
                    "valid-after" => allowed.after = Some(time(value)?),
                    "valid-before" => allowed.before = Some(time(value)?),
                    _ => return Err(format!("the option `{name}` is not read here")),
                }
            }
            rest
        }
    };
    allowed.key = key(text).map_err(|error| format!("no public key: {error}"))?;
    Ok(serves.then_some(allowed))
}

/// The first word, which may have quoted parts, and the rest.
fn word(line: &str) -> Result<(&str, &str), String> {
    let mut quoted = false;
    for (index, c) in line.char_indices() {
        match c {
            '"' => quoted = !quoted,
            ' ' | '\t' if !quoted => {
                let (word, rest) = line.split_at_checked(index).unwrap_or((line, ""));
                return Ok((word, rest.trim_start()));
            }
            _ => {}
        }
    }
    Err("no public key".to_owned())
}

/// At the commas that are not quoted.
fn split(options: &str) -> Vec<&str> {
    let mut quoted = false;
    options
        .split(|c| {
            quoted ^= c == '"';
            c == ',' && !quoted
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const KEY: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJsWFpkGf1RcEWgmzjzmSRj2uMUsyKUzi0kvCV/TSYn5";

    fn find(text: &str, at: &str) -> Result<Option<String>, SignatureError> {
        let keys = AllowedKeys::parse(text, Path::new("allowed")).unwrap();
        let key = PublicKey::from_openssh(KEY).unwrap();
        keys.find(key.key_data(), at.parse().unwrap(), "SHA256:x")
    }

    #[rstest]
    #[case::bare(format!("{KEY} me@here"), None)]
    #[case::named(format!("# ours\n\nevidence@ci {KEY}\n"), Some("evidence@ci"))]
    #[case::quoted_spaces(
        format!("\"a b\" namespaces=\"git, x,ringfence-evidence\",valid-before=\"20270101\" {KEY}"),
        Some("a b")
    )]
    #[case::limits(
        format!("ci valid-after=\"20260101Z\",valid-before=\"202611230000\" {KEY} comment"),
        Some("ci")
    )]
    fn an_allowed_key_is_found(#[case] text: String, #[case] principal: Option<&str>) {
        assert_eq!(find(&text, "20261122120000Z"), Ok(principal.map(str::to_owned)));
    }

    #[test]
    fn a_key_counts_only_between_its_limits() {
        let text = format!("ci valid-after=\"20260101\",valid-before=\"20261122\" {KEY}");
        assert!(find(&text, "20261122").is_ok());
        for at in ["20251231235959", "20261122000001"] {
            assert!(matches!(find(&text, at), Err(SignatureError::Expired { .. })), "{at}");
        }
    }

    #[rstest]
    #[case::other_purpose(
        format!("ci namespaces=\"git\" {KEY}"),
        "line 1: no key may sign for the namespace `ringfence-evidence`"
    )]
    #[case::authority(format!("ci cert-authority {KEY}"), "line 1: the option `cert-authority` is not read here")]
    #[case::no_key("ci".to_owned(), "line 1: no public key")]
    #[case::time(format!("ci valid-before=\"tomorrow\" {KEY}"), "line 1: `tomorrow` is no time")]
    fn a_list_that_cannot_be_used_is_refused(#[case] text: String, #[case] expected: &str) {
        let error = AllowedKeys::parse(&text, Path::new("allowed")).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }

    #[test]
    fn a_records_time_is_read() {
        let at = Instant::from_rfc3339("2026-11-22T21:55:21.769Z").unwrap();
        assert_eq!(at.to_string(), "20261122215521Z");
        assert!(Instant::from_rfc3339("2026-11-22T21:55:21+01:00").is_err());
    }
}
