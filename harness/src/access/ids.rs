//! Ids that AWS chooses, and patterns that tell such an id apart by its form.
//!
//! What is not known yet stands as a text that nothing else has ([`UNKNOWN`]): a pattern of all
//! ids covers it, and another's id does not. A pattern of a part of an id (`key/*-*-*-*-*`,
//! `sg-0*`) covers what AWS chooses, or not, whatever it says of that text.

use std::collections::{BTreeMap, HashSet};

use ringfence_policy::symbolic::statements;
use ringfence_policy::{Document, Policies};

use super::unnamed::{UNKNOWN, documents};

/// A piece of an ARN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    /// A character.
    One(char),
    /// Any text without a colon: what is behind an id goes on to no other part.
    Any,
    /// A character of the text that stands for an id.
    Name(char),
    /// A hexadecimal digit of an id.
    Digit,
    /// Letters, digits and hyphens of an id.
    Letters,
    /// A character of an id that no pattern names.
    Other,
    /// The same, as many as there are.
    Others,
}

impl Unit {
    /// Whether a character of a pattern may be of it.
    fn takes(self, one: char) -> bool {
        match self {
            Self::One(own) | Self::Name(own) => own == one,
            Self::Any => one != ':',
            Self::Digit => matches!(one, '0'..='9' | 'a'..='f'),
            Self::Letters => one.is_ascii_alphanumeric() || one == '-',
            Self::Other | Self::Others => false,
        }
    }

    const fn is_many(self) -> bool {
        matches!(self, Self::Any | Self::Letters | Self::Others)
    }

    const fn is_of_id(self) -> bool {
        !matches!(self, Self::One(_) | Self::Any)
    }

    /// The same where no pattern names what it is.
    const fn unnamed(self) -> Self {
        match self {
            Self::Digit => Self::Other,
            Self::Letters => Self::Others,
            other => other,
        }
    }
}

/// The lengths of what stands between the hyphens of a UUID.
const UUID: [usize; 5] = [8, 4, 4, 4, 12];

/// An ARN, or a pattern of ARNs, with an id in it that AWS chooses.
struct Chosen<'a> {
    source: &'a str,
    /// With what stands for the id.
    named: Vec<Unit>,
    /// With any id.
    any: Vec<Unit>,
}

impl<'a> Chosen<'a> {
    fn of(source: &'a str) -> Option<Self> {
        // Names of identities are not AWS's: who has one is asked about by name.
        let service = source.split(':').nth(2).filter(|service| *service != "iam")?;
        let at = source.find(UNKNOWN)?;
        let begin = source.get(..at)?.rfind(['/', ':'])? + 1;
        let rest = source.get(at..)?;
        let end = at + rest.find(['/', ':', '*']).unwrap_or(rest.len());
        let (before, id) = (source.get(..begin)?, source.get(begin..end)?);
        let known = source.get(begin..at)?;
        let of = |id: Vec<Unit>| {
            let behind = source.get(end..).unwrap_or_default();
            [text(before), id, text(behind)].concat()
        };
        // "Key ID: 1234abcd-12ab-34cd-56ef-1234567890ab", of a multi-Region key `mrk-` and the
        // same digits (<https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#key-id>).
        let is_uuid = service == "kms" && before.ends_with(":key/") && known != "mrk-";
        let form = match is_uuid {
            true => {
                let parts = UUID.map(|length| vec![Unit::Digit; length]);
                parts.join(&Unit::One('-'))
            }
            false => [text(known), vec![Unit::Letters]].concat(),
        };
        let named = of(id.chars().map(Unit::Name).collect());
        Some(Self { source, named, any: of(form) })
    }

    /// Whether it hangs on the id whether a pattern is of it.
    fn is_told_apart_by(&self, pattern: &[char]) -> bool {
        let unnamed: Vec<Unit> = self.any.iter().map(|unit| unit.unnamed()).collect();
        let all = meets(pattern, &unnamed);
        all != meets(pattern, &self.any) || all != meets(pattern, &self.named)
    }
}

/// A text of which `*` and `?` may be anything.
fn text(written: &str) -> Vec<Unit> {
    let of = |one| if matches!(one, '*' | '?') { Unit::Any } else { Unit::One(one) };
    written.chars().map(of).collect()
}

/// Whether a pattern may be of what these are, with a `*` or a `?` where an id stands: an id
/// that is written in full is another's.
fn meets(pattern: &[char], units: &[Unit]) -> bool {
    let mut seen: HashSet<(usize, usize, bool)> = HashSet::new();
    let mut left = vec![(0, 0, false)];
    while let Some((at, to, is_wild)) = left.pop() {
        if !seen.insert((at, to, is_wild)) {
            continue;
        }
        let (symbol, unit) = (pattern.get(at).copied(), units.get(to).copied());
        if is_wild && symbol.is_none() && unit.is_none() {
            return true;
        }
        let is_many = unit.is_some_and(Unit::is_many);
        if is_many {
            left.push((at, to + 1, is_wild));
        }
        if symbol == Some('*') {
            left.push((at + 1, to, is_wild));
        }
        let (Some(symbol), Some(unit)) = (symbol, unit) else { continue };
        let is_any = matches!(symbol, '*' | '?');
        if is_any || unit.takes(symbol) {
            let next = if symbol == '*' { at } else { at + 1 };
            let to = if is_many { to } else { to + 1 };
            left.push((next, to, is_wild || (is_any && unit.is_of_id())));
        }
    }
    false
}

/// Whether a policy names an id that AWS has not chosen yet.
pub(crate) fn has_chosen(document: &Document) -> bool {
    document.text().contains(UNKNOWN)
}

/// Why nobody knows what policies cover that tell an id apart by a part of it which AWS has not
/// chosen yet: one of them names it, and one, the same or another, has a pattern of its form.
pub(crate) fn told_apart<'d>(documents: impl Iterator<Item = &'d Document>) -> Option<String> {
    let mut entries: BTreeMap<&str, &str> = BTreeMap::new();
    for document in documents {
        for statement in statements(document) {
            for entry in statement.resources() {
                entries.entry(entry.source()).or_insert(document.name());
            }
        }
    }
    let chosen: Vec<Chosen<'_>> = entries.keys().filter_map(|entry| Chosen::of(entry)).collect();
    let is_pattern = |entry: &str| {
        entry.contains(['*', '?']) && !entry.contains("${") && !entry.contains(UNKNOWN)
    };
    let patterns = entries.iter().filter(|(entry, _)| !chosen.is_empty() && is_pattern(entry));
    for (entry, by) in patterns {
        let pattern: Vec<char> = entry.chars().collect();
        if let Some(one) = chosen.iter().find(|one| one.is_told_apart_by(&pattern)) {
            return Some(format!(
                "`{by}` tells ids apart by a part of them (`{entry}`), and AWS has not chosen that \
                 of `{}`",
                one.source
            ));
        }
    }
    None
}

/// The same of all that policies have.
pub(super) fn told_apart_in<'p>(all: impl Iterator<Item = &'p Policies>) -> Option<String> {
    let all: Vec<&Document> = all.flat_map(documents).map(|document| &**document).collect();
    match all.iter().any(|document| has_chosen(document)) {
        true => told_apart(all.into_iter()),
        false => None,
    }
}

#[cfg(test)]
mod tests {
    use ringfence_policy::Kind;
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    const KEY: &str = "arn:aws:kms:eu-west-1:123456789012:key/key-known-after-apply.k";
    const MULTI: &str = "arn:aws:kms:eu-west-1:123456789012:key/mrk-known-after-apply.k";
    const GROUP: &str = "arn:aws:ec2:eu-west-1:123456789012:security-group/sg-known-after-apply.g";
    const ROUTES: &str = "arn:aws:apigateway:eu-west-1::/apis/known-after-apply.a/*";

    #[rstest]
    #[case::uuid(KEY, "arn:aws:kms:*:*:key/????????-????-????-????-????????????")]
    #[case::hyphens(KEY, "arn:aws:kms:*:*:key/*-*-*-*-*")]
    #[case::as_long(KEY, "arn:aws:kms:*:*:key/????????????????????????????????????")]
    #[case::begins(KEY, "arn:aws:kms:*:*:key/0*")]
    // No UUID begins so: the text that stands for it does.
    #[case::begins_as_what_stands_for_it(KEY, "arn:aws:kms:*:*:key/key*")]
    #[case::of_several_regions(MULTI, "arn:aws:kms:*:*:key/mrk-0*")]
    #[case::a_group(GROUP, "arn:aws:ec2:*:*:security-group/sg-0*")]
    #[case::as_long_as_an_api(ROUTES, "arn:aws:apigateway:*::/apis/??????????/*")]
    fn a_part_of_an_id_tells_it_apart(#[case] chosen: &str, #[case] entry: &str) {
        let by = format!(
            "`p` tells ids apart by a part of them (`{entry}`), and AWS has not chosen that of \
             `{chosen}`"
        );
        assert_eq!(found(chosen, entry), Some(by));
    }

    #[rstest]
    #[case(KEY, "*")]
    #[case(KEY, "arn:aws:kms:*:*:key/*")]
    #[case(KEY, "arn:aws:kms:*:*:*")]
    #[case(KEY, "arn:aws:kms:*:*:key/mrk-*")]
    #[case(KEY, "arn:aws:kms:*:*:key/1234abcd-12ab-34cd-56ef-1234567890ab")]
    #[case(KEY, "arn:aws:kms:us-*:*:key/0*")]
    #[case(MULTI, "arn:aws:kms:*:*:key/mrk-*")]
    #[case(MULTI, "arn:aws:kms:*:*:key/m*")]
    #[case(GROUP, "arn:aws:ec2:*:*:security-group/sg-*")]
    #[case(GROUP, "arn:aws:ec2:*:*:security-group/sg-0123456789abcdef0")]
    #[case(GROUP, "arn:aws:ec2:*:*:vpc/vpc-0*")]
    #[case(ROUTES, "arn:aws:apigateway:*::/apis/*/routes/*")]
    #[case(ROUTES, "arn:aws:apigateway:*::/apis/a1b2c3d4e5/*")]
    #[case("arn:aws:iam::123456789012:role/known-after-apply.r", "arn:aws:iam::*:role/app-*")]
    fn all_ids_and_those_of_others_do_not(#[case] chosen: &str, #[case] entry: &str) {
        assert_eq!(found(chosen, entry), None);
    }

    fn found(chosen: &str, entry: &str) -> Option<String> {
        let of = |name: &str, resource: &str| {
            let statement = json!({"Effect": "Allow", "Action": "*", "Resource": resource});
            let text = json!({"Version": "2012-10-17", "Statement": statement}).to_string();
            Document::parse(name, &text, Kind::Identity).unwrap()
        };
        let both = [of("rail", chosen), of("p", entry)];
        told_apart(both.iter())
    }
}
