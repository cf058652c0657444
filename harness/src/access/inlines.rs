//! Inline policies that templates make: of two of one identity and one name each overwrites the
//! other ("Adds or updates an inline policy document",
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-iam-policy.html>,
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutRolePolicy.html>).

use std::sync::Arc;

use ringfence_policy::{Document, Kind};
use serde_json::Value as Json;

use super::bounded::Bounded;
use super::complete::known;
use super::estate::Estate;
use super::partial::Part;
use crate::lint::known::Node;

/// An inline policy that a template makes.
#[derive(Debug, Clone)]
pub(super) struct Inline {
    /// What makes it.
    pub(super) by: String,
    /// Whose it is: the name of an entry.
    pub(super) owner: String,
    pub(super) name: Name,
    /// What its document says; `None` where not all of that is known.
    pub(super) text: Option<String>,
    /// As far as that is known.
    pub(super) part: Option<Part>,
    /// What of it counts for sure.
    pub(super) counts: Option<Arc<Document>>,
}

/// What a policy's document says as far as it is known: it may stand there as a text of JSON.
pub(super) fn part_of(document: &Node) -> Option<Part> {
    match document.text() {
        Some(text) => serde_json::from_str::<Json>(text).ok().map(Part::from),
        None => Some(Part::from(document)),
    }
}

/// What an inline policy is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Name {
    Known(String),
    /// By what functions give, as the template of a number has it: what is written alike there
    /// is one name.
    Written(usize, String),
}

impl Name {
    /// The name of a property, as it is written and as far as it is known, in the template of a
    /// number; `None` where there is none.
    pub(super) fn of(
        written: Option<&Node>,
        resolved: Option<&Node>,
        template: usize,
    ) -> Option<Self> {
        if let Some(name) = resolved?.text() {
            return Some(Self::Known(name.to_owned()));
        }
        Some(Self::Written(template, known(written?)?.to_string()))
    }

    /// The name, where it is known.
    pub(super) fn known(&self) -> Option<&str> {
        match self {
            Self::Known(name) => Some(name),
            Self::Written(..) => None,
        }
    }

    fn told(&self) -> &str {
        match self {
            Self::Known(text) | Self::Written(_, text) => text,
        }
    }
}

impl Estate {
    /// Notes an inline policy of a template. Whether there is another of its name: then either
    /// may be there, and neither counts for sure.
    pub(super) fn is_contested(&mut self, new: Inline) -> bool {
        let is_rival = |one: &&Inline| {
            let is_same = one.text.is_some() && one.text == new.text;
            may_be_one(&one.owner, &new.owner) && one.name == new.name && !is_same
        };
        let rivals: Vec<Inline> = self.inlines.iter().filter(is_rival).cloned().collect();
        for rival in &rivals {
            let (by, other, name, owner) = (&new.by, &rival.by, new.name.told(), &new.owner);
            let made = format!("the inline policy `{name}` of `{owner}`");
            let why = match by == other {
                true => format!("{by} makes {made} twice: which of them is there is not known"),
                false => {
                    format!("{other} and {by} make {made}: which of them is there is not known")
                }
            };
            self.doubt(rival, &why);
            self.doubt(&new, &why);
        }
        self.inlines.push(new);
        !rivals.is_empty()
    }

    /// An inline policy need not be there: it may allow and may deny, and does neither for sure.
    pub(super) fn doubt(&mut self, inline: &Inline, why: &str) {
        let owner = &inline.owner;
        if let Some(document) = &inline.counts {
            let is_owners = |name: &str| name.eq_ignore_ascii_case(owner);
            for (name, entry) in &mut self.entries {
                if is_owners(name) || entry.groups.iter().any(|group| is_owners(group)) {
                    entry.policies.identity.retain(|one| !Arc::ptr_eq(one, document));
                }
            }
            self.take_back(owner, document);
        }
        let perhaps = |part: &Part| Bounded::perhaps(&inline.by, part, Kind::Identity);
        // What is no policy may be any: beside another of this name, too.
        let anything = || Bounded::anything(&inline.by, Kind::Identity).ok();
        let bounded = inline.part.as_ref().and_then(|part| perhaps(part).ok().flatten());
        let bounded = bounded.or_else(anything);
        self.give_perhaps(owner, why, bounded);
    }
}

/// Whether two owners may be one: `role/*` is one that is not known.
fn may_be_one(one: &str, other: &str) -> bool {
    let is_any = |any: &str, of: &str| any.strip_suffix('*').is_some_and(|it| of.starts_with(it));
    one.eq_ignore_ascii_case(other) || is_any(one, other) || is_any(other, one)
}
