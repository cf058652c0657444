//! Runs of which only a part of the attacks and mutants was made.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::acceptance::Idle;
use crate::manifest::sha256;

/// Which part of the attacks and mutants a run made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Part {
    /// What somebody chose: nothing can be concluded for the rest.
    Chosen {
        /// The attacks, by id.
        attacks: Vec<String>,
    },
    /// One share of several, which together make all.
    Share {
        /// Which, and of how many.
        share: Share,
        /// The attacks of all shares, by id, in order.
        attacks: Vec<String>,
        /// The entries that accept none of this share's probes: they are in vain
        /// where they accept none of any share's.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        idle: Vec<Idle>,
    },
}

impl Part {
    /// What it is, and what that means for the run.
    pub fn words(&self) -> String {
        match self {
            Self::Chosen { attacks } => {
                format!("PARTIAL: {} chosen attacks alone ran, and no mutants", attacks.len())
            }
            Self::Share { share, attacks, .. } => format!(
                "PARTIAL: share {share} of {} attacks; `ringfence evidence merge` makes one \
                 bundle of all shares",
                attacks.len()
            ),
        }
    }
}

/// One of several shares: `2/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Share {
    /// Which, from 1.
    number: NonZeroU32,
    /// How many there are.
    of: NonZeroU32,
}

/// A share that there is not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no share: write `2/8` for the second of eight")]
pub struct NoShare(String);

impl Share {
    /// Which, from 1.
    pub const fn number(self) -> u32 {
        self.number.get()
    }

    /// How many there are.
    pub const fn of(self) -> u32 {
        self.of.get()
    }

    /// Whether something of this id belongs to it. Each id belongs to one of the
    /// shares, whatever else there is: its SHA-256 says which.
    pub fn has(self, id: &str) -> bool {
        let hash = sha256(id.as_bytes());
        let start = hash.get(..8).and_then(|digits| u32::from_str_radix(digits, 16).ok());
        // A hash always has eight digits.
        start.unwrap_or_default() % self.of == self.number.get() - 1
    }
}

impl FromStr for Share {
    type Err = NoShare;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let share = text.split_once('/').and_then(|(number, of)| {
            Some(Self { number: number.parse().ok()?, of: of.parse().ok()? })
        });
        share.filter(|share| share.number <= share.of).ok_or_else(|| NoShare(text.to_owned()))
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

impl TryFrom<String> for Share {
    type Error = NoShare;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Share> for String {
    fn from(share: Share) -> Self {
        share.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_id_belongs_to_one_share() {
        for of in 1..9 {
            for number in 0..300 {
                let id = format!("deployer/attack-{number}/api");
                let shares =
                    (1..=of).map(|share| format!("{share}/{of}").parse::<Share>().unwrap());
                assert_eq!(shares.filter(|share| share.has(&id)).count(), 1, "{id} of {of}");
            }
        }
    }

    #[test]
    fn shares_are_of_one_to_so_many() {
        for text in ["0/8", "9/8", "1/0", "8", "1/2/3", "a/b", "-1/2", ""] {
            let error = text.parse::<Share>().unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("`{text}` is no share: write `2/8` for the second of eight")
            );
        }
        let share: Share = "8/8".parse().unwrap();
        assert_eq!((share.number(), share.of(), share.to_string().as_str()), (8, 8, "8/8"));
        assert_eq!(serde_json::to_value(share).unwrap(), "8/8");
        assert!(serde_json::from_value::<Share>("9/8".into()).is_err());
    }
}
