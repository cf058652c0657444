//! What the evaluation computes with, and what it asks.
//!
//! There is one evaluation. It is generic over what it is about: one request,
//! of which each statement does or does not speak ([`Truth`]), or many
//! requests at once, of which a statement speaks under a formula
//! ([`crate::symbolic`]).

use std::fmt::Debug;

use crate::arn::ResourcePattern;
use crate::condition::Condition;
use crate::request::Principal;
use crate::statement::{Action, Effect, Truth};

/// What can be said of a request, or of many.
pub trait Logic: Clone + Debug {
    /// What holds always, or never.
    fn constant(holds: bool) -> Self;

    /// Whether it holds, where that does not depend on anything.
    fn known(&self) -> Option<bool>;

    /// Both hold.
    #[must_use]
    fn and(self, other: Self) -> Self;

    /// One of both holds.
    #[must_use]
    fn or(self, other: Self) -> Self;

    /// It does not hold.
    #[must_use]
    fn negate(self) -> Self;

    /// All hold.
    fn all(all: impl IntoIterator<Item = Self>) -> Self {
        let mut truth = Self::constant(true);
        for one in all {
            truth = truth.and(one);
            if truth.known() == Some(false) {
                break;
            }
        }
        truth
    }

    /// One of them holds.
    fn any(all: impl IntoIterator<Item = Self>) -> Self {
        let mut truth = Self::constant(false);
        for one in all {
            truth = truth.or(one);
            if truth.known() == Some(true) {
                break;
            }
        }
        truth
    }

    /// The one where it holds, the other where it does not.
    #[must_use]
    fn choose(self, yes: Self, no: Self) -> Self {
        if let (Some(yes), Some(no)) = (yes.known(), no.known())
            && yes == no
        {
            return Self::constant(yes);
        }
        self.clone().and(yes).or(self.negate().and(no))
    }
}

impl Logic for Truth {
    fn constant(holds: bool) -> Self {
        Self::of(holds)
    }

    fn known(&self) -> Option<bool> {
        match self {
            Self::True => Some(true),
            Self::False => Some(false),
            Self::Unknown => None,
        }
    }

    fn and(self, other: Self) -> Self {
        Self::all([self, other])
    }

    fn or(self, other: Self) -> Self {
        Self::any([self, other])
    }

    fn negate(self) -> Self {
        match self {
            Self::True => Self::False,
            Self::False => Self::True,
            Self::Unknown => Self::Unknown,
        }
    }

    fn all(all: impl IntoIterator<Item = Self>) -> Self {
        Self::all(all)
    }

    fn any(all: impl IntoIterator<Item = Self>) -> Self {
        Self::any(all)
    }
}

/// What the evaluation asks of a request, or of many that share caller and
/// action.
pub trait Asks {
    /// What the answers are.
    type Truth: Logic;

    /// The action.
    fn action(&self) -> &Action<'_>;

    /// Who asks.
    fn principal(&self) -> &Principal;

    /// Whether the caller has a permissions boundary.
    fn is_bounded(&self) -> bool;

    /// Whether an entry of `Resource` covers what is acted upon.
    fn covers(&self, pattern: &ResourcePattern) -> Self::Truth;

    /// Whether an entry of `NotResource` leaves out what is acted upon.
    fn leaves_out(&self, pattern: &ResourcePattern) -> Self::Truth;

    /// Whether a condition of a statement with this effect holds.
    fn holds(&self, condition: &Condition, effect: Effect) -> Self::Truth;
}
