//! Values by which it is seen what becomes of a place of an input, and what the places
//! must hold for a resource.

use ringfence_models::Kind;
use serde_json::{Value, json};

/// A value like no other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Marker {
    /// As a text shows it.
    pub(super) text: String,
    kind: Kind,
}

impl Marker {
    /// One of its own for each number below 10,000; none for what has no texts.
    pub(super) fn of(kind: Kind, number: usize) -> Option<Self> {
        let text = match kind {
            Kind::String => format!("mk{number:04}mk"),
            Kind::Integer | Kind::Long | Kind::Float | Kind::Double => {
                (73_910_000 + number).to_string()
            }
            Kind::Boolean => "true".to_owned(),
            Kind::Timestamp => "2033-05-18T03:33:20Z".to_owned(),
            Kind::Blob | Kind::List | Kind::Map | Kind::Structure => return None,
        };
        Some(Self { text, kind })
    }

    /// The value.
    pub(super) fn value(&self) -> Value {
        value(self.kind, &self.text).unwrap_or_else(|| json!(self.text))
    }
}

/// A text as a place of a type holds it; none where it cannot.
pub(super) fn value(kind: Kind, text: &str) -> Option<Value> {
    Some(match kind {
        Kind::Integer | Kind::Long => json!(text.parse::<i64>().ok()?),
        Kind::Float | Kind::Double => json!(text.parse::<f64>().ok()?),
        Kind::Boolean => json!(text.parse::<bool>().ok()?),
        _ => json!(text),
    })
}

/// What markers in a text stand for in another; none where it is not the same but for
/// them. A `*` of the first stands for whatever the other has there.
pub(super) fn unify(marked: &str, markers: &[&Marker], text: &str) -> Option<Vec<(usize, String)>> {
    let mut found: Vec<(usize, String)> = Vec::new();
    let (mut marked, mut rest) = (marked, text);
    loop {
        let first = markers.iter().enumerate().filter_map(|(at, marker)| {
            marked.find(marker.text.as_str()).map(|place| (place, at, marker.text.len()))
        });
        let Some((place, at, length)) = first.min() else { break };
        rest = rest.strip_prefix(marked.get(..place)?)?;
        marked = marked.get(place + length..)?;
        let next = markers.iter().filter_map(|marker| marked.find(marker.text.as_str())).min();
        let literal = marked.get(..next.unwrap_or(marked.len()))?;
        let literal = literal.split('*').next().unwrap_or_default();
        let end = match literal {
            "" if next.is_none() && !marked.starts_with('*') => rest.len(),
            "" => rest.find(['/', ':']).unwrap_or(rest.len()),
            literal => rest.find(literal)?,
        };
        let (value, left) = rest.split_at_checked(end)?;
        if let Some((_, known)) = found.iter().find(|(known, _)| *known == at) {
            if known != value {
                return None;
            }
        } else {
            found.push((at, value.to_owned()));
        }
        rest = left;
    }
    let fits = match marked.split_once('*') {
        Some((before, behind)) => {
            rest.strip_prefix(before).is_some_and(|rest| rest.ends_with(behind))
        }
        None => marked == rest,
    };
    fits.then_some(found)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::an_object("arn:aws:s3:::mk0000mk/mk0001mk", "arn:aws:s3:::b/a/c", Some("b a/c"))]
    #[case::a_last_one("arn:aws:iam::1:role/mk0000mk", "arn:aws:iam::1:role/a/b", Some("a/b"))]
    #[case::of_another_account("arn:aws:iam::1:role/mk0000mk", "arn:aws:iam::2:role/a", None)]
    #[case::whose_id_is_open("stack/mk0000mk/*", "stack/s/1234", Some("s"))]
    #[case::of_no_id("stack/mk0000mk/*", "stack/s", None)]
    #[case::twice("mk0000mk/mk0000mk", "a/a", Some("a"))]
    #[case::twice_and_not_the_same("mk0000mk/mk0000mk", "a/b", None)]
    fn markers_stand_for_the_parts_of_a_text(
        #[case] marked: &str,
        #[case] text: &str,
        #[case] expected: Option<&str>,
    ) {
        let markers: Vec<Marker> =
            (0..2).map(|number| Marker::of(Kind::String, number).unwrap()).collect();
        let markers: Vec<&Marker> = markers.iter().collect();
        let found = unify(marked, &markers, text);
        let values =
            found.map(|all| all.into_iter().map(|(_, it)| it).collect::<Vec<_>>().join(" "));
        assert_eq!(values.as_deref(), expected);
    }
}
