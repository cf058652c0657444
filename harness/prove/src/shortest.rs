//! The shortest text that some patterns match and others do not.

use std::cell::OnceCell;

use crate::budget::{Budget, TooMany};
use crate::product::{Places, Product};
use crate::words::{Alphabet, Pattern, Symbol, fresh, matches};

/// Whether all of some patterns match a text, and none of others.
pub(crate) fn fits(word: &str, all: &[&Pattern], none: &[&Pattern], alphabet: Alphabet) -> bool {
    word.chars().all(|one| alphabet.has(one))
        && all.iter().all(|pattern| matches(pattern, word))
        && !none.iter().any(|pattern| matches(pattern, word))
}

/// What the longest of some patterns needs at least, where it is of all of them and none
/// of others: none is shorter.
pub(crate) fn guess(all: &[&Pattern], none: &[&Pattern], alphabet: Alphabet) -> Option<String> {
    let patterns: Vec<&Pattern> = all.iter().chain(none).copied().collect();
    let guess = all.iter().filter_map(|pattern| least(pattern, &patterns, alphabet));
    let guess = guess.max_by_key(String::len).unwrap_or_default();
    fits(&guess, all, none, alphabet).then_some(guess)
}

/// The shortest text that each of some patterns matches and none of others.
pub(crate) fn shortest(
    all: &[&Pattern],
    none: &[&Pattern],
    alphabet: Alphabet,
    budget: &Budget,
) -> Result<Option<String>, TooMany> {
    let patterns: Vec<&Pattern> = all.iter().chain(none).copied().collect();
    budget.take(100 * patterns.iter().map(|pattern| pattern.len()).sum::<usize>())?;
    let product = Product::new(&patterns, alphabet);
    let masks = product.masks(all);
    let behind: usize = all.iter().map(|pattern| pattern.len() + 1).sum();
    let closed = product.closed(behind);
    let promises = |places: &Places| {
        let is_in = |mask: &Places| places.iter().zip(mask).any(|(a, b)| a & b != 0);
        masks.iter().all(is_in) && !is_in(&closed)
    };
    let mut found = None;
    product.visit(budget, promises, |_, word| {
        let fits = fits(word, all, none, alphabet);
        if fits {
            found = Some(word.to_owned());
        }
        fits
    })?;
    Ok(found)
}

/// A shortest text that a pattern matches.
pub(crate) fn least(pattern: &Pattern, all: &[&Pattern], alphabet: Alphabet) -> Option<String> {
    let mut word = String::with_capacity(pattern.len());
    let (digit, any) = (OnceCell::new(), OnceCell::new());
    for symbol in pattern {
        match *symbol {
            Symbol::Character(one) | Symbol::Letter(one) => word.push(one),
            Symbol::Digit => word.push((*digit.get_or_init(|| fresh(all, alphabet, true)))?),
            Symbol::Any | Symbol::AnyInPart | Symbol::AnyInPath => {
                word.push((*any.get_or_init(|| fresh(all, alphabet, false)))?);
            }
            Symbol::Many | Symbol::ManyInPart | Symbol::ManyInPath => {}
        }
    }
    Some(word)
}
