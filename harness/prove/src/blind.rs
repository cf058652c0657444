//! What the policies' texts show by themselves: tests that are written alike come out alike,
//! and of none is known how.

use std::cell::RefCell;

use ringfence_policy::Principal;
use ringfence_policy::symbolic::{Action, Asks, Condition, Effect, ResourcePattern};

use crate::formula::Formula;
use crate::parts::Tests;
use crate::written;

/// An action and a caller, of whose requests nothing else is known.
pub(crate) struct Blind<'a> {
    pub(crate) action: Action<'a>,
    pub(crate) principal: &'a Principal,
    pub(crate) bounded: bool,
    /// Each may come out either way.
    pub(crate) tests: &'a RefCell<Tests>,
}

impl Blind<'_> {
    fn on(&self, what: &str, pattern: &ResourcePattern) -> Formula {
        let test = format!("{what} {}", written::resource(pattern));
        self.tests.borrow_mut().either(test)
    }
}

impl Asks for Blind<'_> {
    type Truth = Formula;

    fn action(&self) -> &Action<'_> {
        &self.action
    }

    fn principal(&self) -> &Principal {
        self.principal
    }

    fn is_bounded(&self) -> bool {
        self.bounded
    }

    fn covers(&self, pattern: &ResourcePattern) -> Formula {
        match pattern.source() {
            "*" => Formula::Constant(true),
            _ => self.on("covers", pattern),
        }
    }

    fn leaves_out(&self, pattern: &ResourcePattern) -> Formula {
        match pattern.source() {
            "*" => Formula::Constant(false),
            _ => self.on("leaves out", pattern),
        }
    }

    fn holds(&self, condition: &Condition, effect: Effect) -> Formula {
        let test = written::condition(condition, effect);
        self.tests.borrow_mut().either(test)
    }
}
