//! What is not known on either side, and is no difference: the same value of a policy that is the
//! same, which stands as one attribute of a resource that is the same, too.

use super::{Sided, are_alike};
use crate::access::estate::Estate;
use crate::access::partial::Part;
use crate::lint::known::{Member, Node, Value};
use crate::lint::terraform::Resource;

/// Whether nothing of an entry is another on each side, what is not known included.
pub(super) fn are_unknown_alike(inner: &Sided<'_>, outer: &Sided<'_>) -> bool {
    let (one, other) = (inner.entry, outer.entry);
    let estates = [inner.estate, outer.estate];
    let is_told = |why: &String| {
        let both = one.bounded.get(why).zip(other.bounded.get(why));
        both.is_some_and(|(one, other)| {
            !one.parts.is_empty()
                && one.parts == other.parts
                && one.parts.iter().all(|part| is_same_part(part, estates))
        })
    };
    let is_same_caller = one.principal == other.principal && one.is_elsewhere == other.is_elsewhere;
    let is_same_limit = || {
        inner.limits.beyond(&outer.limits, inner.whose).next().is_none()
            && outer.limits.beyond(&inner.limits, outer.whose).next().is_none()
    };
    inner.is_there
        && outer.is_there
        && is_same_caller
        && one.unknown == other.unknown
        && one.outside == other.outside
        && are_alike(&inner.over, &outer.over)
        && one.unknown.iter().all(is_told)
        && inner.denials.alone.are_none()
        && outer.denials.alone.are_none()
        && is_same_limit()
}

/// Whether what is not known of a part is the same of both estates.
fn is_same_part(part: &Part, estates: [&Estate; 2]) -> bool {
    match part {
        Part::Leaf(_) => true,
        // Of several expressions in a text the first alone is known.
        Part::Text(_) => false,
        Part::List(items) => items.iter().all(|one| is_same_part(one, estates)),
        Part::Map(members) => members.iter().all(|(_, one)| is_same_part(one, estates)),
        Part::Open(written) => is_same_attribute(written, estates),
    }
}

/// Whether an expression is an attribute of a resource that is the same in both estates, in
/// whichever module that is.
fn is_same_attribute(written: &str, [one, other]: [&Estate; 2]) -> bool {
    let Some((address, attribute)) = written.rsplit_once('.') else { return false };
    let is_name = |it: char| it.is_ascii_alphanumeric() || it == '_';
    if !address.contains('.') || attribute.is_empty() || !attribute.chars().all(is_name) {
        return false;
    }
    let inside = format!(".{address}");
    let is_it =
        |it: &&Resource| !it.is_data && (it.address == address || it.address.ends_with(&inside));
    let of = |estate: &Estate| estate.resources.iter().filter(is_it).count();
    let is_there = |own: &Resource| {
        let mut all = other.resources.iter().filter(is_it);
        all.any(|it| it.address == own.address && is_same_value(&it.values, &own.values))
    };
    let mut own = one.resources.iter().filter(is_it);
    of(one) > 0 && of(one) == of(other) && own.all(is_there)
}

/// Whether two values are the same, wherever they stand, known or not.
fn is_same_value(one: &Node, other: &Node) -> bool {
    match (&one.value, &other.value) {
        (Value::List(one), Value::List(other)) => {
            let mut both = one.iter().zip(other);
            one.len() == other.len() && both.all(|(one, other)| is_same_value(one, other))
        }
        (Value::Map(one), Value::Map(other)) => {
            let is_there = |member: &Member| {
                let of = other.iter().find(|it| it.key == member.key);
                of.is_some_and(|it| is_same_value(&member.value, &it.value))
            };
            one.len() == other.len() && one.iter().all(is_there)
        }
        (one, other) => one == other,
    }
}
