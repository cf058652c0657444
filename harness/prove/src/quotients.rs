//! What the value of a variable must be told apart by: of each pattern that a text may be like,
//! the stretches that the value can stand in where the text is like the variable's own pattern.
//!
//! A text is like `before`, a value and `after`; another pattern matches it where some of its
//! beginning matches what is like `before`, a stretch the value, and the rest what is like
//! `after`. Two values that match the same stretches are in texts that match the same patterns,
//! so that one of them stands for both. (Stretches are patterns again: the two-sided quotients
//! of a pattern, cut at its places.)

use std::collections::HashSet;

use crate::words::{Pattern, Symbol, accepts, is_many};

/// The first of the characters that stand for variables: private ones, which no policy has.
const FIRST: u32 = 0x000F_0000;

/// Behind the last of them.
const END: u32 = 0x000F_FFFE;

/// The character that stands for a variable, by number; none where there are too many.
pub(crate) fn mark(number: usize) -> Option<char> {
    let code = FIRST.checked_add(u32::try_from(number).ok()?)?;
    char::from_u32(code).filter(|_| code < END)
}

/// Whether a character stands for a variable.
fn is_mark(one: char) -> bool {
    (FIRST..END).contains(&u32::from(one))
}

/// Whether a symbol of a pattern stands for a variable.
pub(crate) fn is_variable(symbol: Symbol) -> bool {
    marked(symbol).is_some()
}

/// The variable that a symbol of a pattern stands for.
fn marked(symbol: Symbol) -> Option<char> {
    match symbol {
        Symbol::Character(one) | Symbol::Letter(one) if is_mark(one) => Some(one),
        _ => None,
    }
}

/// A place of a pattern, in which variables stand for texts that are not empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Symbol(Symbol),
    /// The first character of a variable's value.
    First(char),
    /// The others.
    Rest(char),
}

impl Place {
    fn is_many(&self) -> bool {
        match self {
            Self::Symbol(symbol) => is_many(symbol),
            Self::First(_) => false,
            Self::Rest(_) => true,
        }
    }

    fn variable(&self) -> Option<char> {
        match self {
            Self::Symbol(_) => None,
            Self::First(one) | Self::Rest(one) => Some(*one),
        }
    }

    /// Whether some character may stand in both.
    fn shares(&self, other: &Self) -> bool {
        let (Self::Symbol(one), Self::Symbol(other)) = (*self, *other) else { return true };
        match (one, other) {
            (Symbol::Letter(a), Symbol::Letter(b)) => a.eq_ignore_ascii_case(&b),
            (Symbol::Character(a) | Symbol::Letter(a), any)
            | (any, Symbol::Character(a) | Symbol::Letter(a)) => {
                accepts(any, a) || matches!(any, Symbol::Character(b) if one_case(one, other, a, b))
            }
            _ => true,
        }
    }
}

/// Whether two characters are the same, where one of the symbols is of either case.
fn one_case(one: Symbol, other: Symbol, a: char, b: char) -> bool {
    let folds = [one, other].iter().any(|symbol| matches!(symbol, Symbol::Letter(_)));
    folds && a.eq_ignore_ascii_case(&b)
}

fn places(pattern: &[Symbol]) -> Vec<Place> {
    let of = |symbol: &Symbol| match marked(*symbol) {
        Some(one) => vec![Place::First(one), Place::Rest(one)],
        None => vec![Place::Symbol(*symbol)],
    };
    pattern.iter().flat_map(of).collect()
}

/// What a value is told apart by, beside one pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stretches {
    /// These patterns.
    Of(Vec<Pattern>),
    /// No patterns: it hangs on another variable, or on itself.
    Unclear,
}

/// What a value is told apart by, where a text is like `own`, in which it stands at a place, and
/// like another pattern or not. Both may have other variables, none of them empty.
pub(crate) fn stretches(own: &Pattern, at: usize, other: &Pattern) -> Stretches {
    let Some(value) = own.get(at).copied().and_then(marked) else {
        return Stretches::Of(Vec::new());
    };
    if own == other {
        return Stretches::Of(Vec::new());
    }
    let (before, after) =
        (own.get(..at).unwrap_or_default(), own.get(at + 1..).unwrap_or_default());
    // What begins, or ends, alike and is of a known length matches itself and nothing else.
    let begin = alike(before.iter(), other.iter());
    let (before, other) =
        (before.get(begin..).unwrap_or_default(), other.get(begin..).unwrap_or_default());
    let end = alike(after.iter().rev(), other.iter().rev());
    let after = after.get(..after.len() - end).unwrap_or_default();
    let other = other.get(..other.len() - end).unwrap_or_default();
    let (before, after, other) = (places(before), places(after), places(other));
    let begins = reached(&before, &other);
    let turned = |places: &[Place]| places.iter().rev().copied().collect::<Vec<Place>>();
    let after = turned(&after);
    let ends = reached(&after, &turned(&other));
    // Whether the value may end before a variable's does.
    let ends_before = |at: usize| {
        let Some([Place::Rest(one), behind @ ..]) = other.get(at..) else { return true };
        let left = [&[Place::First(*one), Place::Rest(*one)], behind].concat();
        reached(&after, &turned(&left)).contains(&left.len())
    };
    let mut found: HashSet<Pattern> = HashSet::new();
    for from in &begins {
        // The variable itself, from its beginning: the value is all of it. And behind what
        // stands for any number of characters one may always be where one is before it.
        let is_behind =
            from.checked_sub(1).and_then(|it| other.get(it)).is_some_and(Place::is_many);
        if is_behind || other.get(*from) == Some(&Place::First(value)) {
            continue;
        }
        for end in &ends {
            let to = other.len() - end;
            if !ends_before(to) {
                continue;
            }
            let Some(stretch) = other.get(*from..to) else { continue };
            let within = other.get(to).filter(|place| place.is_many());
            match of_stretch(stretch, within, value) {
                Ok(pattern) => found.extend(pattern),
                Err(Hangs) => return Stretches::Unclear,
            }
        }
    }
    Stretches::Of(found.into_iter().collect())
}

/// How many symbols two patterns begin with that are the same, each of one length.
fn alike<'s>(
    one: impl Iterator<Item = &'s Symbol>,
    other: impl Iterator<Item = &'s Symbol>,
) -> usize {
    one.zip(other).take_while(|(one, other)| one == other && !is_many(one)).count()
}

/// Where in a pattern one may be once a text is read that is like another pattern.
fn reached(like: &[Place], pattern: &[Place]) -> Vec<usize> {
    let width = pattern.len() + 1;
    let mut seen = vec![false; (like.len() + 1) * width];
    let mut left = vec![(0, 0)];
    while let Some((at, place)) = left.pop() {
        let Some(known) = seen.get_mut(at * width + place) else { continue };
        if std::mem::replace(known, true) {
            continue;
        }
        let (one, other) = (like.get(at), pattern.get(place));
        if one.is_some_and(Place::is_many) {
            left.push((at + 1, place));
        }
        if other.is_some_and(Place::is_many) {
            left.push((at, place + 1));
        }
        if let (Some(one), Some(other)) = (one, other)
            && one.shares(other)
        {
            left.push((at + usize::from(!one.is_many()), place + usize::from(!other.is_many())));
        }
    }
    let last = like.len() * width;
    (0..width).filter(|place| seen.get(last + place) == Some(&true)).collect()
}

/// What a value is hangs on what a variable is.
struct Hangs;

/// A stretch as a pattern, and what its end may be within; `None` where each value is like it,
/// or none that is not empty.
fn of_stretch(
    stretch: &[Place],
    within: Option<&Place>,
    value: char,
) -> Result<Option<Pattern>, Hangs> {
    let all = || stretch.iter().chain(within);
    let variables: Vec<char> = all().filter_map(Place::variable).collect();
    if variables.is_empty() {
        let symbol = |place: &Place| match place {
            Place::Symbol(symbol) => Some(*symbol),
            Place::First(_) | Place::Rest(_) => None,
        };
        let pattern: Pattern = all().filter_map(symbol).collect();
        let is_any = !pattern.is_empty() && pattern.iter().all(|it| *it == Symbol::Many);
        return Ok(Some(pattern).filter(|_| !is_any));
    }
    if variables.iter().any(|one| *one != value) {
        return Err(Hangs);
    }
    // No value is a part of itself that is shorter.
    if stretch == [Place::Rest(value)] && within.is_none() {
        return Ok(None);
    }
    // All of itself: with nothing but `*` beside it each value is like it, and with a character
    // more none is, unless it may end before its end.
    let whole = [Place::First(value), Place::Rest(value)];
    let places: Vec<Place> = all().copied().collect();
    let is_whole = variables.len() == 2 && places.windows(2).any(|pair| pair == whole);
    let ends_within = within == Some(&Place::Rest(value));
    let has_more = || all().any(|place| place.variable().is_none() && !place.is_many());
    match is_whole && !(ends_within && has_more()) {
        true => Ok(None),
        false => Err(Hangs),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::words::matches;

    /// `$`, `%` and `&` stand for variables.
    fn pattern(text: &str) -> Pattern {
        let variable = |number| Symbol::Character(mark(number).unwrap());
        let symbol = |one| match one {
            '*' => Symbol::Many,
            '?' => Symbol::Any,
            '$' => variable(0),
            '%' => variable(1),
            one => Symbol::Character(one),
        };
        text.chars().map(symbol).collect()
    }

    fn told(own: &str, other: &str) -> Option<Vec<String>> {
        let own_pattern = pattern(own);
        let at = own_pattern.iter().position(|one| *one == pattern("$")[0]).unwrap();
        let Stretches::Of(all) = stretches(&own_pattern, at, &pattern(other)) else { return None };
        let write = |one: &Pattern| {
            let symbol = |it: &Symbol| match it {
                Symbol::Many => '*',
                Symbol::Any => '?',
                Symbol::Character(one) => *one,
                other => panic!("{other:?}"),
            };
            one.iter().map(symbol).collect::<String>()
        };
        let mut all: Vec<String> = all.iter().map(write).filter(|one| !one.is_empty()).collect();
        all.sort();
        Some(all)
    }

    #[rstest]
    #[case::a_name("b/$", "b/a*", "a*")]
    #[case::its_end("b/$", "b/*c", "*c")]
    #[case::what_is_before("b/x-$-y", "b/x-a*c-y", "a*c")]
    #[case::elsewhere("b/$", "c/*", "")]
    #[case::what_is_behind("home/$/*", "home/bob/x", "bob")]
    #[case::anything("home/$/*", "home/*", "")]
    #[case::behind_anything("*/$", "a/x", "x")]
    #[case::itself("b/$", "b/$", "")]
    #[case::itself_and_more("b/$", "b/$/*", "")]
    #[case::itself_later("b/$", "b/x$", "")]
    #[case::itself_behind_another("a/%/$", "a/%/$/*", "")]
    #[case::beside_another("a/%/$", "a/*/x", "*/x x")]
    #[case::another("b/$", "b/%", "-")]
    #[case::another_elsewhere("home/$", "team/%/*", "")]
    #[case::itself_shifted("b/$*", "b/x$", "-")]
    #[case::itself_behind_anything("*:b/$", "b/$", "")]
    fn a_value_is_told_apart_by(#[case] own: &str, #[case] other: &str, #[case] expected: &str) {
        let told = told(own, other);
        assert_eq!(told.map_or("-".to_owned(), |all| all.join(" ")), expected);
    }

    /// Of all short values, those that match the same stretches are in texts that match the same.
    #[rstest]
    fn values_with_the_same_stretches_are_alike(
        #[values("$", "a$", "$b", "a*$", "$*", "?$", "$?b", "*$a*")] own: &str,
        #[values("a", "ab", "a*", "*b", "a*b", "?b*", "*a*b", "aab", "??", "*ba")] other: &str,
    ) {
        const LETTERS: [&str; 3] = ["a", "b", "z"];
        let own_pattern = pattern(own);
        let at = own_pattern.iter().position(|one| *one == pattern("$")[0]).unwrap();
        let other = pattern(other);
        let Stretches::Of(all) = stretches(&own_pattern, at, &other) else { panic!() };
        let longer = |words: &[String]| {
            words.iter().flat_map(|word| LETTERS.map(|one| format!("{word}{one}"))).collect()
        };
        let mut words: Vec<Vec<String>> = vec![vec![String::new()]];
        for _ in 0..7 {
            let next = longer(words.last().unwrap());
            words.push(next);
        }
        let texts: Vec<&String> = words.iter().flatten().collect();
        let values = texts.iter().filter(|text| (1..=3).contains(&text.len()));
        let mut seen: std::collections::HashMap<Vec<bool>, [bool; 2]> = Default::default();
        for value in values {
            let filled: Pattern = own_pattern
                .iter()
                .flat_map(|one| match marked(*one) {
                    Some(_) => crate::words::literal(value, false),
                    None => vec![*one],
                })
                .collect();
            let like = |holds: bool| {
                texts.iter().any(|it| matches(&filled, it) && matches(&other, it) == holds)
            };
            let mut stretches: Vec<&Pattern> = all.iter().collect();
            stretches.sort_by_key(|one| format!("{one:?}"));
            let told = stretches.iter().map(|one| matches(one, value)).collect();
            let both = [like(true), like(false)];
            let known = *seen.entry(told).or_insert(both);
            // What must match is the same; what must not is of values that are not short.
            assert_eq!(known[0], both[0], "{value}");
        }
    }
}
