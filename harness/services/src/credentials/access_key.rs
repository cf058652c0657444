//! Access keys with their secrets.

use std::fmt;

use ringfence_wire::Secret;
use time::OffsetDateTime;

/// An access key with its secrets. `Debug` shows the key id alone.
#[derive(Clone)]
pub struct Credentials {
    /// `AKIA…` for long-term keys, `ASIA…` for sessions.
    pub access_key_id: String,
    /// The signing secret.
    pub secret_access_key: Secret,
    /// The session token; long-term keys have none.
    pub session_token: Option<Secret>,
    /// When a session ends; long-term keys never do.
    pub expiration: Option<OffsetDateTime>,
}

impl Credentials {
    /// A long-term key that nobody has had before: `AKIA…`, as IAM makes them.
    ///
    /// # Errors
    /// When the operating system gives no randomness.
    pub fn long_term() -> Result<Self, getrandom::Error> {
        Ok(Self {
            access_key_id: format!("AKIA{}", random_text(16)?),
            secret_access_key: Secret::new(random_text(40)?),
            session_token: None,
            expiration: None,
        })
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("access_key_id", &self.access_key_id)
            .field("expiration", &self.expiration)
            .finish_non_exhaustive()
    }
}

/// Random text of AWS's key alphabet (`A`–`Z`, `2`–`7`: five bits a letter).
pub(super) fn random_text(length: usize) -> Result<String, getrandom::Error> {
    const ALPHABET: [char; 32] = [
        'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M', 'N', 'O', 'P', 'Q', 'R',
        'S', 'T', 'U', 'V', 'W', 'X', 'Y', 'Z', '2', '3', '4', '5', '6', '7',
    ];
    let mut bytes = vec![0; length];
    getrandom::fill(&mut bytes)?;
    Ok(bytes.iter().filter_map(|byte| ALPHABET.get(usize::from(byte & 31))).collect())
}
