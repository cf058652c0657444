//! What one estate allows that another does not.

use std::collections::BTreeSet;

use ringfence_policy::{Policies, Principal};
use ringfence_prove::{Disagreement, Question, Universe, Verdict, Witness, within};

use super::estate::{Entry, Estate};
use super::unnamed::are_alike;

/// An identity, or a resource's policy, before and after.
#[derive(Debug)]
pub struct Change {
    /// Its name.
    pub name: String,
    /// Whether it is in the old estate.
    pub is_in_old: bool,
    /// Whether it is in the new one.
    pub is_in_new: bool,
    /// What is allowed now and was not before.
    pub gained: Side,
    /// What was allowed before and is not now.
    pub lost: Side,
}

/// What one side allows alone.
#[derive(Debug)]
pub enum Side {
    /// Nothing.
    Nothing,
    /// This, among others.
    Request(Box<Witness>),
    /// It is not known.
    Undecided(String),
}

impl Side {
    /// Whether it is shown that there is nothing.
    pub const fn is_nothing(&self) -> bool {
        matches!(self, Self::Nothing)
    }
}

impl Change {
    /// Whether access grew, or may have grown.
    pub const fn grew(&self) -> bool {
        !self.gained.is_nothing()
    }
}

/// Compares two estates, entry by entry.
///
/// # Errors
/// Where prover and engine differ: a fault of ours.
pub fn diff(old: &Estate, new: &Estate) -> Result<Vec<Change>, Disagreement> {
    let names: BTreeSet<&String> = old.entries.keys().chain(new.entries.keys()).collect();
    let nothing = Entry::default();
    let mut changes = Vec::with_capacity(names.len());
    for name in names {
        let (before, after) = (old.entries.get(name), new.entries.get(name));
        let [one, other] = [(old, before), (new, after)].map(|(estate, entry)| {
            let entry = entry.unwrap_or(&nothing);
            let (limits, whose) = estate.limits_of(entry);
            (entry, limits.over(&entry.policies, whose))
        });
        let [one, other] = [&one, &other].map(|(entry, policies)| (*entry, policies));
        changes.push(Change {
            name: name.clone(),
            is_in_old: before.is_some(),
            is_in_new: after.is_some(),
            gained: alone(name, other, one)?,
            lost: alone(name, one, other)?,
        });
    }
    Ok(changes)
}

/// What the inner side allows and the outer does not, each with its policies under what
/// surely limits it. A control policy that may limit it besides has a change of its own.
fn alone(
    name: &str,
    (inner, over_inner): (&Entry, &Policies),
    (outer, over_outer): (&Entry, &Policies),
) -> Result<Side, Disagreement> {
    if let Some(unknown) = inner.unknown.iter().chain(&outer.unknown).next() {
        return Ok(match is_unread_alike(inner, outer) {
            true => Side::Nothing,
            false => Side::Undecided(unknown.clone()),
        });
    }
    let is_same = || inner.principal == outer.principal && are_alike(over_inner, over_outer);
    let both = [(inner, over_inner), (outer, over_outer)];
    let mut hangs = both.iter().filter_map(|(one, over)| one.hangs_on_name(name, over));
    if let Some(why) = hangs.next().filter(|_| !is_same()) {
        return Ok(Side::Undecided(why));
    }
    let principal = common(inner, outer);
    let ask = |inner: &Policies, outer: &Policies| {
        within(&Question { inner, outer, principal, universe: Universe::All })
    };
    if inner.outside != outer.outside {
        let arn = inner.outside.symmetric_difference(&outer.outside).next();
        let arn = arn.map_or("", String::as_str);
        let what =
            format!("the document of `{arn}`, which one side alone has, is not in the files");
        return Ok(Side::Undecided(what));
    }
    // What both have besides is bounded as the rest is.
    if let Some(arn) = inner.outside.first()
        && !is_bounded_alike(&inner.policies, &outer.policies)
    {
        return Ok(Side::Undecided(format!(
            "the document of `{arn}` is not in the files, and the boundaries differ"
        )));
    }
    Ok(match ask(over_inner, over_outer)? {
        // What both have besides allows and denies the same on both sides.
        Verdict::Proved => Side::Nothing,
        Verdict::Undecided(reason) => Side::Undecided(reason),
        Verdict::Violated(witness) => match inner.outside.first() {
            None => Side::Request(witness),
            Some(arn) => Side::Undecided(format!(
                "the document of `{arn}`, which both sides have, is not in the files: it may allow `{}` on `{}` already",
                witness.action, witness.resource
            )),
        },
    })
}

/// Whether both are the same grants, known in all and not read.
fn is_unread_alike(one: &Entry, other: &Entry) -> bool {
    let are_known = |entry: &Entry| entry.unknown.len() == entry.unread.len();
    are_known(one)
        && are_known(other)
        && one.unread.len() == other.unread.len()
        && one.unread.iter().zip(&other.unread).all(|(one, other)| one.is_like(other))
}

fn is_bounded_alike(one: &Policies, other: &Policies) -> bool {
    let texts = |policies: &Policies| -> Option<Vec<String>> {
        let boundary = policies.boundary.as_ref()?;
        Some(boundary.iter().map(|document| document.text().to_owned()).collect())
    };
    texts(one) == texts(other)
}

/// Who asks on both sides; of what is on one side alone, on that.
fn common<'e>(one: &'e Entry, other: &'e Entry) -> Option<&'e Principal> {
    match (&one.principal, &other.principal) {
        (Some(one), Some(other)) => (one == other).then_some(one),
        (Some(some), None) | (None, Some(some)) => Some(some),
        (None, None) => None,
    }
}
