//! Values that are checked where they are read.

use std::fmt;
use std::str::FromStr;

use ringfence_models::Partition;
use serde::Deserialize;
use url::Url;

/// An account id: twelve digits.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct AccountId(String);

impl AccountId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for AccountId {
    fn default() -> Self {
        Self("123456789012".to_owned())
    }
}

impl FromStr for AccountId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!("`{text}` is not an account id (12 digits)"))
        }
    }
}

/// A region's name.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Region(String);

impl Region {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Region {
    fn default() -> Self {
        Self("us-east-1".to_owned())
    }
}

impl FromStr for Region {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.split('-').collect();
        let number = parts.last().is_some_and(|last| last.parse::<u8>().is_ok());
        let words = parts
            .iter()
            .rev()
            .skip(1)
            .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase()));
        if number && words && parts.len() >= 3 {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!("`{text}` is not a region such as `us-east-1`"))
        }
    }
}

/// A GitHub repository: `owner/name`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Repository {
    text: String,
    slash: usize,
}

impl Repository {
    /// `owner/name`.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The owner.
    pub fn owner(&self) -> &str {
        self.text.get(..self.slash).unwrap_or_default()
    }

    /// The name.
    pub fn name(&self) -> &str {
        self.text.get(self.slash + 1..).unwrap_or_default()
    }
}

impl FromStr for Repository {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fits = |part: &str| {
            !part.is_empty()
                && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
        };
        match text.split_once('/') {
            Some((owner, name)) if fits(owner) && fits(name) => {
                Ok(Self { slash: owner.len(), text: text.to_owned() })
            }
            _ => Err(format!("`{text}` is not a repository such as `org/repo`")),
        }
    }
}

/// What answers behind the guard.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Backend {
    /// LocalStack where a Docker engine answers and the image is there or can
    /// be pulled, else the embedded server; said aloud either way.
    #[default]
    Auto,
    /// LocalStack in a container.
    LocalStack,
    /// moto's server as a child process.
    Embedded,
    /// Any endpoint.
    Endpoint(Url),
}

impl FromStr for Backend {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "localstack" => Ok(Self::LocalStack),
            "embedded" => Ok(Self::Embedded),
            other => match Url::parse(other) {
                Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => {
                    Ok(Self::Endpoint(url))
                }
                _ => Err(format!(
                    "`{other}` is not a backend: auto, localstack, embedded or an http URL"
                )),
            },
        }
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::LocalStack => f.write_str("localstack"),
            Self::Embedded => f.write_str("embedded"),
            Self::Endpoint(url) => write!(f, "{url}"),
        }
    }
}

/// serde reads each of them as text.
macro_rules! from_text {
    ($($type:ty),*) => {$(
        impl TryFrom<String> for $type {
            type Error = String;

            fn try_from(text: String) -> Result<Self, String> {
                text.parse()
            }
        }
    )*};
}
from_text!(AccountId, Repository, Backend);

/// Of an estate: the guard serves every partition, and the attacks know `aws`.
impl TryFrom<String> for Region {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match Partition::of_region(&text) {
            partition if partition == Partition::default() => text.parse(),
            partition => Err(format!(
                "`{text}` is in the partition `{}`: `ringfence up --region {text}` serves it, and \
                 estates of the partition `aws` alone can be tested",
                partition.id
            )),
        }
    }
}
