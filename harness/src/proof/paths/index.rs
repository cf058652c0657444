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
        Some(if covered == Bits::full(self.arns.len()) { Bits::default() } else { covered })
    }
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
}
