//! Whether two patterns have a text in common.

/// Whether some text matches both patterns, in which `*` is any run and `?`
/// any one character. Takes as many steps as both lengths multiplied.
pub(super) fn overlap(a: &str, b: &str) -> bool {
    let b: Vec<char> = b.chars().collect();
    // `reach[j]`: the prefixes of `a` so far and `b[..j]` share a text.
    let mut reach = vec![false; b.len() + 1];
    if let Some(first) = reach.first_mut() {
        *first = true;
    }
    spread(&mut reach, &b);
    for token in a.chars() {
        let mut next = vec![false; b.len() + 1];
        for (j, reached) in reach.iter().enumerate().filter(|(_, reached)| **reached) {
            debug_assert!(*reached);
            if token == '*'
                && let Some(place) = next.get_mut(j)
            {
                *place = true;
            }
            match b.get(j) {
                // The text's next character is one that both take.
                Some('*') => mark(&mut next, j),
                Some(other) if token == '?' || *other == '?' || *other == token => {
                    mark(&mut next, j + 1);
                }
                _ => {}
            }
        }
        if token == '*' {
            // A `*` of `a` takes any run of `b`.
            let mut seen = false;
            for place in &mut next {
                seen |= *place;
                *place = seen;
            }
        }
        spread(&mut next, &b);
        reach = next;
    }
    reach.last().copied().unwrap_or(false)
}

fn mark(places: &mut [bool], at: usize) {
    if let Some(place) = places.get_mut(at) {
        *place = true;
    }
}

/// A `*` of `b` may be empty.
fn spread(places: &mut [bool], b: &[char]) {
    for (j, token) in b.iter().enumerate() {
        if *token == '*' && places.get(j).copied().unwrap_or(false) {
            mark(places, j + 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::{Case, Glob};
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case("role/app-*", "role/*", true)]
    #[case("*", "", true)]
    #[case("b", "b/*", false)]
    #[case("b*", "b/*", true)]
    #[case("a*c", "*b", false)]
    #[case("a?", "*b", true)]
    #[case("/v2/apis", "/apis/*", false)]
    fn patterns_overlap_where_they_share_a_text(
        #[case] a: &str,
        #[case] b: &str,
        #[case] expected: bool,
    ) {
        assert_eq!(overlap(a, b), expected);
        assert_eq!(overlap(b, a), expected);
    }

    proptest! {
        #[test]
        fn a_text_of_both_is_an_overlap(a in "[ab*?]{0,5}", b in "[ab*?]{0,5}") {
            // With a `*` each has four other tokens at most, and of the shortest text that both
            // have nothing stands for a `*` alone.
            let mut shared = false;
            for length in 0..=8_u32 {
                for number in 0..2_u32.pow(length) {
                    let text: String = (0..length)
                        .map(|bit| if number >> bit & 1 == 1 { 'a' } else { 'b' })
                        .collect();
                    shared |= Glob::new(&a).matches(&text, Case::Sensitive)
                        && Glob::new(&b).matches(&text, Case::Sensitive);
                }
            }
            prop_assert_eq!(overlap(&a, &b), shared);
        }
    }
}
