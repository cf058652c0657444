//! Things by their ARNs: which of them an entry of `Resource` covers. The engine decides
//! it; the ARNs in order say of which it need be asked.

use std::collections::BTreeMap;

use ringfence_policy::symbolic::ResourcePattern;

use super::bits::Bits;
use super::world::Thing;

/// The places of things by a text of theirs.
type Texts = BTreeMap<String, Vec<usize>>;

/// Things of a kind.
#[derive(Debug)]
pub(super) struct Index {
    arns: Vec<String>,
    /// By the ARN, with the parts before the resource in small letters.
    whole: Texts,
    /// By the resource of the ARN.
    resources: Texts,
}

impl Index {
    pub(super) fn of(things: &[Thing]) -> Self {
        let arns = things.iter().map(|thing| thing.arn.clone()).collect();
        let mut index = Self { arns, whole: Texts::new(), resources: Texts::new() };
        for (place, arn) in index.arns.iter().enumerate() {
            index.whole.entry(folded(arn)).or_default().push(place);
            if let Some((_, resource)) = parted(arn) {
                index.resources.entry(resource.to_owned()).or_default().push(place);
            }
        }
        index
    }

    /// Those that an entry covers, where it tells some from others; `None` where that
    /// hangs on what a variable stands for.
    pub(super) fn covered(&self, entry: &ResourcePattern) -> Option<Bits> {
        let covered = self.all(entry)?;
        Some(if covered == Bits::full(self.arns.len()) { Bits::default() } else { covered })
    }

    /// All that an entry covers; `None` where that hangs on what a variable stands for.
    fn all(&self, entry: &ResourcePattern) -> Option<Bits> {
        let source = entry.source();
        if source.contains("${") {
            return None;
        }
        let (texts, head) = match parted(source) {
            // Part by part: no `*` goes beyond its own.
            Some((heads, resource)) if !heads.contains("*:") => {
                (&self.resources, fixed(resource).to_owned())
            }
            _ => (&self.whole, folded(fixed(source))),
        };
        let mut covered = Bits::default();
        let begin_so = texts.range(head.clone()..).take_while(|(text, _)| text.starts_with(&head));
        for place in begin_so.flat_map(|(_, places)| places) {
            let Some(arn) = self.arns.get(*place) else { continue };
            if entry.has(arn)? {
                covered.insert(*place);
            }
        }
        Some(covered)
    }

    /// Those that an entry may cover, whatever its variables stand for; `None` where it may
    /// cover all.
    pub(super) fn may_be_covered(&self, entry: &ResourcePattern) -> Option<Bits> {
        self.all(&widest(entry)?).filter(|all| *all != Bits::full(self.arns.len()))
    }
}

/// An entry with `*` for each variable of its resource: what it covers, whatever these stand
/// for, this covers. None where a variable stands before the resource.
pub(super) fn widest(entry: &ResourcePattern) -> Option<ResourcePattern> {
    let (heads, mut rest) = parted(entry.source())?;
    if heads.contains("${") {
        return None;
    }
    let mut wide = heads.to_owned();
    while let Some((before, after)) = rest.split_once("${") {
        wide.push_str(before);
        wide.push('*');
        (_, rest) = after.split_once('}')?;
    }
    wide.push_str(rest);
    ResourcePattern::of(&wide)
}

/// An ARN, or an entry of `Resource`, up to the resource and from it on.
pub(super) fn parted(arn: &str) -> Option<(&str, &str)> {
    let (colon, _) = arn.match_indices(':').nth(4)?;
    arn.split_at_checked(colon + 1)
}

/// The parts before the resource compare without regard to case.
fn folded(arn: &str) -> String {
    match parted(arn) {
        Some((heads, resource)) => heads.to_ascii_lowercase() + resource,
        None => arn.to_ascii_lowercase(),
    }
}

/// What an entry begins with, up to its first wildcard.
fn fixed(entry: &str) -> &str {
    entry.split(['*', '?']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covered(entry: &str) -> Option<Vec<usize>> {
        let arns = ["arn:aws:iam::1:role/a", "arn:aws:iam::1:role/ab", "arn:aws:iam::2:role/b", ""];
        let thing = |arn: &str| Thing { arn: arn.to_owned(), ..Thing::default() };
        let index = Index::of(&arns.map(thing));
        let entry = ResourcePattern::of(entry).unwrap();
        index.covered(&entry).map(|bits| bits.iter().collect())
    }

    #[test]
    fn an_entry_covers_what_the_engine_says() {
        for (entry, expected) in [
            ("arn:aws:iam::1:role/a*", &[0, 1][..]),
            ("arn:aws:iam::*:role/?", &[0, 2]),
            ("arn:aws:iam::1:*b", &[1]),
            ("arn:AWS:iam::2:role/b", &[2]),
            ("arn:aws:iam::2:Role/b", &[]),
            ("arn:aws:iam:*:role/b", &[2]),
            ("arn:aws:iam*", &[0, 1, 2]),
            ("*/ab", &[]),
            ("*", &[]),
        ] {
            assert_eq!(covered(entry).as_deref(), Some(expected), "{entry}");
        }
        assert_eq!(covered("arn:aws:iam::1:role/${aws:username}"), None);
    }

    #[test]
    fn an_entry_with_a_variable_may_cover_what_any_value_lets_it_cover() {
        let arns = ["arn:aws:iam::1:role/a", "arn:aws:iam::1:role/x/b", "arn:aws:iam::2:role/a"];
        let thing = |arn: &str| Thing { arn: arn.to_owned(), ..Thing::default() };
        let index = Index::of(&arns.map(thing));
        let cases: [(&str, Option<&[usize]>); 6] = [
            ("arn:aws:iam::1:role/${aws:username}", Some(&[0, 1])),
            ("arn:aws:iam::1:role/${aws:username}/b", Some(&[1])),
            ("arn:aws:iam::?:role/${aws:PrincipalTag/a, 'b'}a", Some(&[0, 2])),
            ("arn:aws:iam::1:user/${aws:username}", Some(&[])),
            ("arn:aws:iam::*:role/${aws:username}", None),
            ("arn:aws:iam::${aws:PrincipalAccount}:role/a", None),
        ];
        for (entry, expected) in cases {
            let parsed = ResourcePattern::of(entry).unwrap();
            let found = index.may_be_covered(&parsed);
            let found = found.map(|bits| bits.iter().collect::<Vec<_>>());
            assert_eq!(found.as_deref(), expected, "{entry}");
        }
    }
}
