//! What the documents of one layer say of a request.

use std::sync::Arc;

use crate::decision::{Layer, Outcome};
use crate::document::Document;
use crate::evaluate::Verdict;
use crate::logic::{Asks, Logic};
use crate::principal::Naming;
use crate::statement::{Applies, Statement, Truth};

/// A statement that applies, or may.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found<'p> {
    document: &'p Document,
    place: usize,
    pub(crate) naming: Naming,
}

impl<'p> Found<'p> {
    pub(crate) fn verdict(self, outcome: Outcome, layer: Layer) -> Verdict<'p> {
        Verdict { outcome, layer, statement: Some((self.document, self.place)) }
    }
}

/// What the documents of a layer say.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scan<'p, T = Truth> {
    /// The first Deny.
    pub(crate) deny: Option<Found<'p>>,
    /// The first of the Allows that name the caller most directly.
    pub(crate) allow: Option<Found<'p>>,
    /// The first Deny that hangs on a key of which nothing is known.
    pub(crate) may_deny: Option<Found<'p>>,
    /// Of each way to name the caller, the first Allow that hangs on such a
    /// key.
    pub(crate) may_allow: ByNaming<'p>,
    /// Whether one of the Denies applies that may.
    open_deny: T,
    /// Of each way to name the caller, whether one of the Allows applies that
    /// may.
    open_allow: [T; 4],
}

/// An Allow for each way in which it names the caller.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ByNaming<'p>([Option<Found<'p>>; 4]);

impl<'p> ByNaming<'p> {
    fn note(&mut self, found: Found<'p>) {
        if let Some(slot) = self.0.get_mut(usize::from(found.naming as u8)) {
            slot.get_or_insert(found);
        }
    }

    /// Those that are there, the least direct first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Found<'p>> {
        self.0.iter().copied().flatten()
    }

    pub(crate) fn first(&self) -> Option<Found<'p>> {
        self.iter().next()
    }
}

impl Scan<'_> {
    pub(crate) fn outcome(&self) -> Outcome {
        match (self.deny, self.may_deny, self.allows()) {
            (Some(_), _, _) => Outcome::ExplicitDeny,
            (None, _, Truth::False) => Outcome::ImplicitDeny,
            (None, None, Truth::True) => Outcome::Allow,
            (None, Some(_), _) | (None, None, Truth::Unknown) => Outcome::Undecided,
        }
    }
}

impl<'p, T: Logic> Scan<'p, T> {
    /// What no documents say.
    pub(crate) fn silent() -> Self {
        let never = || T::constant(false);
        Self {
            deny: None,
            allow: None,
            may_deny: None,
            may_allow: ByNaming([None; 4]),
            open_deny: never(),
            open_allow: [never(), never(), never(), never()],
        }
    }

    /// Whether an Allow applies.
    pub(crate) fn allows(&self) -> T {
        match (self.allow, self.may_allow.first()) {
            (Some(_), _) => T::constant(true),
            (None, Some(_)) => T::any(self.open_allow.iter().cloned()),
            (None, None) => T::constant(false),
        }
    }

    /// Whether one of the Allows that may apply and name the caller so does.
    pub(crate) fn open_allow(&self, naming: Naming) -> T {
        let open = self.open_allow.get(usize::from(naming as u8));
        open.cloned().unwrap_or_else(|| T::constant(false))
    }

    /// Whether a Deny applies.
    pub(crate) fn denies(&self) -> T {
        match self.deny {
            Some(_) => T::constant(true),
            None => self.open_deny.clone(),
        }
    }

    /// Denies of another level as well.
    pub(crate) fn add_denies(&mut self, level: &Self) {
        self.deny = self.deny.or(level.deny);
        self.may_deny = self.may_deny.or(level.may_deny);
        self.open_deny = self.open_deny.clone().or(level.open_deny.clone());
    }

    pub(crate) fn of<A: Asks<Truth = T>>(documents: &'p [Arc<Document>], asked: &A) -> Self {
        let mut scan = Self::silent();
        for document in documents {
            scan.look_for_deny(document, asked);
            if scan.deny.is_some() {
                return scan;
            }
            scan.look_for_allow(document, asked);
        }
        scan
    }

    fn look_for_deny<A: Asks<Truth = T>>(&mut self, document: &'p Document, asked: &A) {
        for places in document.index().candidates(asked.action()).into_iter().flatten() {
            for (place, statement) in at(document, &places.deny) {
                if self.deny.is_some_and(|found| found.place < place) {
                    break;
                }
                match statement.applies(asked) {
                    Applies::No => {}
                    Applies::May(naming, truth) => {
                        self.may_deny.get_or_insert(Found { document, place, naming });
                        add(&mut self.open_deny, truth);
                    }
                    Applies::Yes(naming) => {
                        self.deny = Some(Found { document, place, naming });
                        break;
                    }
                }
            }
        }
    }

    fn look_for_allow<A: Asks<Truth = T>>(&mut self, document: &'p Document, asked: &A) {
        for places in document.index().candidates(asked.action()).into_iter().flatten() {
            for (place, statement) in at(document, &places.allow) {
                // Nothing names more directly than the best found so far?
                if self.allow.is_some_and(|found| found.naming == Naming::Itself) {
                    break;
                }
                match statement.applies(asked) {
                    Applies::No => {}
                    Applies::May(naming, truth) => {
                        self.may_allow.note(Found { document, place, naming });
                        if let Some(open) = self.open_allow.get_mut(usize::from(naming as u8)) {
                            add(open, truth);
                        }
                    }
                    Applies::Yes(naming) => {
                        if self.allow.is_none_or(|found| naming > found.naming) {
                            self.allow = Some(Found { document, place, naming });
                        }
                    }
                }
            }
        }
    }
}

/// Either may hold.
fn add<T: Logic>(open: &mut T, truth: T) {
    let before = std::mem::replace(open, T::constant(false));
    *open = before.or(truth);
}

fn at<'p>(
    document: &'p Document,
    places: &'p [u32],
) -> impl Iterator<Item = (usize, &'p Statement)> {
    places.iter().filter_map(|place| {
        let place = usize::try_from(*place).ok()?;
        Some((place, document.statements().get(place)?))
    })
}
