//! How tests are written: those that are written alike come out alike.

use ringfence_policy::symbolic::{Condition, Effect, ResourcePattern};

use crate::keys::is_told;

/// A condition as it is written. What is written like a variable is none in documents of an
/// old version: such a condition is like no other.
pub(crate) fn condition(condition: &Condition, effect: Effect) -> String {
    let (name, key, values) =
        (condition.operator_name(), condition.lower_key(), condition.values());
    let written = format!("{effect:?} {name} {key} {values:?} {:?}", condition.variables());
    match is_told(condition) {
        true => written,
        false => at(written, std::ptr::from_ref(condition).addr()),
    }
}

/// An entry of `Resource` as it is written: the same.
pub(crate) fn resource(pattern: &ResourcePattern) -> String {
    let written = pattern.source().to_owned();
    match pattern.variables().next().is_none() && written.contains("${") {
        true => at(written, std::ptr::from_ref(pattern).addr()),
        false => written,
    }
}

fn at(written: String, place: usize) -> String {
    format!("{written} at {place}")
}
