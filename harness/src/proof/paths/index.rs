//! Things by the parts of their ARNs: which of them a pattern matches.

use std::collections::BTreeMap;

use ringfence_policy::Wildcard;

use super::bits::Bits;
use super::world::Thing;

/// The parts of ARNs, by which a pattern is read.
const PARTS: usize = 6;

/// The places of things by a text of theirs.
type Texts = BTreeMap<String, Bits>;

/// Things of a kind.
#[derive(Debug)]
pub(super) struct Index {
    /// By the whole ARN.
    whole: Texts,
    /// By each part.
    parts: [Texts; PARTS],
    all: Bits,
}

impl Index {
    pub(super) fn of(things: &[Thing]) -> Self {
        let mut index =
            Self { whole: Texts::new(), parts: Default::default(), all: Bits::full(things.len()) };
        for (place, thing) in things.iter().enumerate() {
            index.whole.entry(thing.arn.clone()).or_default().insert(place);
            for (texts, part) in index.parts.iter_mut().zip(thing.arn.splitn(PARTS, ':')) {
                texts.entry(part.to_owned()).or_default().insert(place);
            }
        }
        index
    }

    /// By each part of a pattern that tells them apart: those that match it.
    pub(super) fn matched(&self, pattern: &str) -> Vec<Bits> {
        let mut matched: Vec<Bits> = match pattern.starts_with("arn:") {
            true => {
                let parts = pattern.splitn(PARTS, ':').zip(&self.parts);
                parts.map(|(part, texts)| of_texts(texts, part)).collect()
            }
            false => vec![of_texts(&self.whole, pattern)],
        };
        matched.retain(|part| !part.is_empty() && *part != self.all);
        matched.dedup();
        matched
    }
}

/// The places of the texts that a pattern matches: they begin as it does.
fn of_texts(texts: &Texts, pattern: &str) -> Bits {
    let head = pattern.split(['*', '?']).next().unwrap_or_default();
    let wildcard = Wildcard::of_text(pattern);
    let mut found = Bits::default();
    let begin_so = texts.range(head.to_owned()..).take_while(|(text, _)| text.starts_with(head));
    for (_, places) in begin_so.filter(|(text, _)| wildcard.matches(text)) {
        found.add(places);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matched(pattern: &str) -> Vec<Vec<usize>> {
        let arns = ["arn:aws:iam::1:role/a", "arn:aws:iam::1:role/ab", "arn:aws:iam::2:role/b", ""];
        let thing = |arn: &str| Thing { arn: arn.to_owned(), ..Thing::default() };
        let index = Index::of(&arns.map(thing));
        index.matched(pattern).iter().map(|bits| bits.iter().collect()).collect()
    }

    #[test]
    fn a_pattern_matches_part_by_part() {
        assert_eq!(matched("arn:aws:iam::1:role/a*"), [vec![0, 1, 2], vec![0, 1]]);
        assert_eq!(matched("arn:aws:iam::*:role/?"), [vec![0, 1, 2], vec![0, 2]]);
        assert_eq!(matched("arn:aws:iam::1:*b"), [vec![0, 1, 2], vec![0, 1], vec![1, 2]]);
        assert_eq!(matched("*/ab"), [vec![1]]);
        assert!(matched("*").is_empty() && matched("nothing").is_empty());
    }
}
