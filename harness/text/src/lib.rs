//! One strict reader of JSON and YAML. Pure: a text in, a tree with places out.
//!
//! Two readers that disagree on a text disagree on what is deployed, signed or
//! allowed: which of two equal keys counts, whether `yes` is a boolean, what
//! `010` is. So all of Ringfence reads through this crate, and what texts
//! really differ in stands in their dialect ([`json::Dialect`],
//! [`yaml::Dialect`]), not in their reader.
//!
//! - [`json`]: policies, tokens, requests, what Terraform prints;
//! - [`yaml`]: GitHub's workflows, and templates;
//! - [`cloudformation`]: templates, which are one or the other.
//!
//! ```
//! use ringfence_text::{Bounds, Repeats, json};
//!
//! let dialect = json::Dialect {
//!     repeats: Repeats::Refused,
//!     numbers: json::Numbers::AsWritten,
//!     bounds: Bounds { depth: 64, bytes: 6144 },
//! };
//! let text = "{\n  \"Effect\": \"Allow\",\n  \"Effect\": \"Deny\"\n}";
//! let error = json::read(text, &dialect).unwrap_err().placed(text);
//! assert_eq!(error.to_string(), "`Effect` stands twice in the same object");
//! assert_eq!((error.at.line, error.at.column), (3, 3));
//! ```

pub mod cloudformation;
mod error;
pub mod json;
mod members;
mod place;
mod tree;
pub mod yaml;

pub use error::{Fault, TextError};
pub use place::{Lines, Place};
pub use tree::{Document, Member, Node, Repeated, Value};

/// What becomes of a key that stands twice in one object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeats {
    /// The text is refused at the second.
    Refused,
    /// The last value counts; [`Document::repeated`] has the places.
    LastWins,
}

/// What a text may ask of its reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// How deep lists and objects may nest.
    pub depth: usize,
    /// How long the text may be.
    pub bytes: usize,
}

impl Bounds {
    fn length(&self, text: &str) -> Result<(), Fault> {
        match text.len() > self.bytes {
            true => Err(Fault::Length(self.bytes)),
            false => Ok(()),
        }
    }
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
