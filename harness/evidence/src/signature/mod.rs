//! OpenSSH signatures over the manifest.
//!
//! `ssh-keygen` signs: a key in an agent, in hardware or under a passphrase
//! works as it does everywhere, and no private key ever enters this process.
//! The check is ours, by another implementation and without any tool; the
//! stock commands of `VERIFY.md` say the same.

mod allowed;

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use ssh_key::{HashAlg, SshSig};

pub use allowed::{AllowedError, AllowedKeys, Instant, TimeError};

use crate::manifest::{MANIFEST, SIGNATURE};

/// What the signature is for: one made for anything else does not count.
pub const NAMESPACE: &str = "ringfence-evidence";

/// Why a manifest could not be signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The tool does not start.
    #[error("cannot run ssh-keygen, which signs: install OpenSSH's client")]
    NoTool(#[source] io::Error),
    /// The tool refuses.
    #[error("ssh-keygen cannot sign with `{}`: {message}", key.display())]
    Refused {
        /// The key.
        key: PathBuf,
        /// What it says.
        message: String,
    },
    /// The tool left something that does not count here.
    #[error("the signature with `{}` cannot be checked here: {cause}", key.display())]
    Unusable {
        /// The key.
        key: PathBuf,
        /// Why.
        cause: SignatureError,
    },
    /// The bundle cannot be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// Why a signature does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// No signature at all.
    #[error("unsigned: there is no {SIGNATURE}")]
    Unsigned,
    /// Not a signature.
    #[error("{SIGNATURE} is no OpenSSH signature: {0}")]
    Malformed(String),
    /// Made for something else.
    #[error("the signature is for `{0}`, not for `{NAMESPACE}`")]
    Namespace(String),
    /// Not of this text by this key.
    #[error("the signature is not one of this {MANIFEST}")]
    Wrong,
    /// A kind of key that is not read here.
    #[error("keys of the kind {0} are not read here; use ed25519, or check with ssh-keygen")]
    Kind(String),
    /// By a key that is not among the allowed ones.
    #[error("signed by {0}, which is no allowed key")]
    Stranger(String),
    /// By an allowed key at a time at which it is not allowed.
    #[error("signed by {fingerprint}, which is not allowed at {at}: {why}")]
    Expired {
        /// The key.
        fingerprint: String,
        /// The time that was asked about.
        at: String,
        /// Its limits.
        why: String,
    },
}

/// Who signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signer {
    /// The name that the list of allowed keys gives the key; none where the
    /// list was a bare public key.
    pub principal: Option<String>,
    /// The key's fingerprint: `SHA256:…`.
    pub fingerprint: String,
}

/// Signs a bundle's manifest. `key` is a private key's file, or a public key's
/// whose private one an agent holds.
///
/// # Errors
/// When `ssh-keygen` cannot, or leaves a signature of a kind that
/// [`verify`] does not read.
pub fn sign(bundle: &Path, key: &Path) -> Result<Signer, SignError> {
    let (manifest, signature) = (bundle.join(MANIFEST), bundle.join(SIGNATURE));
    let read = |path: &Path| {
        std::fs::read(path).map_err(|source| SignError::Read { path: path.to_owned(), source })
    };
    let text = read(&manifest)?;
    // ssh-keygen asks before it replaces a file.
    if signature.exists() {
        std::fs::remove_file(&signature)
            .map_err(|source| SignError::Read { path: signature.clone(), source })?;
    }
    let output = Command::new("ssh-keygen")
        .args(["-Y", "sign", "-q", "-n", NAMESPACE, "-f"])
        .args([key, &manifest])
        .stdin(Stdio::null())
        .output()
        .map_err(SignError::NoTool)?;
    if !output.status.success() {
        return Err(refused(key, &output.stderr));
    }
    let parsed = parse(&read(&signature)?)
        .and_then(|parsed| valid(&parsed, &text).map(|()| parsed))
        .map_err(|cause| SignError::Unusable { key: key.to_owned(), cause })?;
    Ok(Signer { principal: None, fingerprint: of_signature(&parsed) })
}

/// The fingerprint of a key, which is a private key's file or a public key's.
///
/// # Errors
/// When `ssh-keygen` cannot read it.
pub fn fingerprint(key: &Path) -> Result<String, SignError> {
    let output = Command::new("ssh-keygen")
        .args(["-l", "-E", "sha256", "-f"])
        .arg(key)
        .stdin(Stdio::null())
        .output()
        .map_err(SignError::NoTool)?;
    let text = String::from_utf8_lossy(&output.stdout);
    match text.split_whitespace().find(|word| word.starts_with("SHA256:")) {
        Some(fingerprint) if output.status.success() => Ok(fingerprint.to_owned()),
        _ => Err(refused(key, &output.stderr)),
    }
}

fn refused(key: &Path, stderr: &[u8]) -> SignError {
    let message = String::from_utf8_lossy(stderr).trim().replace(['\r', '\n'], "; ");
    SignError::Refused { key: key.to_owned(), message }
}

/// Checks a signature of `text` against the keys that are allowed at a time.
///
/// # Errors
/// Why it does not count.
pub fn verify(
    text: &[u8],
    signature: &[u8],
    allowed: &AllowedKeys,
    at: Instant,
) -> Result<Signer, SignatureError> {
    let signature = parse(signature)?;
    let namespace = signature.namespace();
    if namespace != NAMESPACE {
        return Err(SignatureError::Namespace(namespace.to_owned()));
    }
    valid(&signature, text)?;
    let principal = allowed.find(signature.public_key(), at, &of_signature(&signature))?;
    Ok(Signer { principal, fingerprint: of_signature(&signature) })
}

fn parse(signature: &[u8]) -> Result<SshSig, SignatureError> {
    SshSig::from_pem(signature).map_err(|error| SignatureError::Malformed(error.to_string()))
}

/// Whether the text was signed by the key in the signature. That says nothing
/// yet: anybody can make a key.
fn valid(signature: &SshSig, text: &[u8]) -> Result<(), SignatureError> {
    let key = ssh_key::PublicKey::from(signature.public_key().clone());
    if signature.public_key().ed25519().is_none() && signature.public_key().sk_ed25519().is_none() {
        return Err(SignatureError::Kind(key.algorithm().to_string()));
    }
    key.verify(signature.namespace(), text, signature).map_err(|_| SignatureError::Wrong)
}

fn of_signature(signature: &SshSig) -> String {
    signature.public_key().fingerprint(HashAlg::Sha256).to_string()
}
