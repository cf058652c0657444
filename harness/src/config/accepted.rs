//! Findings that a team has accepted, until a day.

use std::fmt;

use serde::Deserialize;
use time::Date;
use time::format_description::well_known::Iso8601;
use toml::Spanned;

/// What begins the ids of the findings about the run itself.
const OF_THE_RUN: &str = "integrity/";

/// That somebody has accepted a finding, or all of a guard rail.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accepted {
    /// The probe's id, to the letter: this or `guard_rail`.
    #[serde(default)]
    pub finding: Option<Spanned<String>>,
    /// The guard rail's id: this or `finding`.
    #[serde(default)]
    pub guard_rail: Option<Spanned<String>>,
    /// Who answers for it.
    pub owner: Spanned<String>,
    /// Why.
    pub reason: Spanned<String>,
    /// The last day on which it is accepted.
    pub expires: Expiry,
    /// The line of the file that it begins at; known once the file is read.
    #[serde(skip)]
    pub line: usize,
}

/// What an entry is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject<'a> {
    /// A probe, by its id.
    Finding(&'a str),
    /// A guard rail, by its id.
    GuardRail(&'a str),
}

impl fmt::Display for Subject<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Finding(id) => write!(f, "finding `{id}`"),
            Self::GuardRail(id) => write!(f, "guard rail `{id}`"),
        }
    }
}

impl Accepted {
    /// What it is about, and where that is written; none where it names neither
    /// or both.
    pub(crate) fn subject(&self) -> Option<(Subject<'_>, &Spanned<String>)> {
        match (&self.finding, &self.guard_rail) {
            (Some(id), None) => Some((Subject::Finding(id.get_ref()), id)),
            (None, Some(id)) => Some((Subject::GuardRail(id.get_ref()), id)),
            (Some(_), Some(_)) | (None, None) => None,
        }
    }

    /// The offset in the file that stands for the entry: that of what it is about.
    pub(super) fn offset(&self) -> usize {
        self.subject().map_or(&self.owner, |(_, id)| id).span().start
    }

    /// What of it is wrong by itself, and where.
    pub(super) fn fault(&self) -> Option<(usize, String)> {
        let Some((subject, _)) = self.subject() else {
            let fault = "an entry accepts a `finding` or a `guard_rail`: one of the two";
            return Some((self.offset(), fault.to_owned()));
        };
        if matches!(subject, Subject::Finding(id) if id.starts_with(OF_THE_RUN)) {
            let fault = format!("{subject} is about the run itself, which nobody can accept");
            return Some((self.offset(), fault));
        }
        let empty = [("owner", &self.owner), ("reason", &self.reason)]
            .into_iter()
            .find(|(_, text)| text.get_ref().trim().is_empty());
        empty.map(|(name, text)| (text.span().start, format!("an acceptance has an `{name}`")))
    }
}

/// A day, `2027-03-31` as a date or as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "toml::Value")]
pub struct Expiry(pub Date);

impl TryFrom<toml::Value> for Expiry {
    type Error = String;

    fn try_from(value: toml::Value) -> Result<Self, Self::Error> {
        let text = match &value {
            toml::Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let date = Date::parse(&text, &Iso8601::DATE).ok().map(Self);
        // Weeks and ordinal dates are ISO 8601's, but nobody's here.
        date.filter(|date| date.to_string() == text)
            .ok_or_else(|| format!("`{text}` is not a day, such as 2027-03-31"))
    }
}

impl fmt::Display for Expiry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
