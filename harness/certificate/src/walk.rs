//! Patterns read side by side, character by character, from the shortest text on.

use std::collections::{BTreeSet, HashSet, VecDeque};

use crate::language::{Language, Symbol, TooMany};

/// Sets of places that are looked at before a question is given up.
const STATES: usize = 20_000;

/// Places in patterns, a bit each.
pub(crate) type State = Vec<u64>;

/// Patterns side by side: after each comes a place that is its end.
pub(crate) struct Walk {
    symbols: Vec<Option<Symbol>>,
    /// The places of each language, from the first to behind the last.
    places: Vec<(usize, usize)>,
    /// Of each language, the places that are the end of a pattern.
    ends: Vec<Vec<usize>>,
    /// Of each language, the places from which every text is in it.
    sure: Vec<Vec<usize>>,
    starts: Vec<usize>,
}

impl Walk {
    pub(crate) fn new(languages: &[&Language]) -> Self {
        let mut walk = Self {
            symbols: Vec::new(),
            places: Vec::new(),
            ends: Vec::new(),
            sure: Vec::new(),
            starts: Vec::new(),
        };
        for language in languages {
            let first = walk.symbols.len();
            let mut ends = Vec::with_capacity(language.0.len());
            let mut sure = Vec::new();
            for way in &language.0 {
                walk.starts.push(walk.symbols.len());
                walk.symbols.extend(way.iter().copied().map(Some));
                if way.last() == Some(&Symbol::Many) {
                    sure.push(walk.symbols.len() - 1);
                }
                ends.push(walk.symbols.len());
                walk.symbols.push(None);
            }
            walk.places.push((first, walk.symbols.len()));
            walk.ends.push(ends);
            walk.sure.push(sure);
        }
        walk
    }

    fn empty(&self) -> State {
        vec![0; self.symbols.len().div_ceil(64)]
    }

    pub(crate) fn start(&self) -> State {
        let mut state = self.empty();
        self.starts.iter().for_each(|place| self.reach(&mut state, *place));
        self.leave(&mut state);
        state
    }

    /// Of a language that every text is in from here on, one place says so.
    fn leave(&self, state: &mut State) {
        for (sure, (first, behind)) in self.sure.iter().zip(&self.places) {
            if let Some(one) = sure.first()
                && sure.iter().any(|place| is_marked(state, *place))
            {
                unmark(state, *first, *behind);
                self.reach(state, *one);
            }
        }
    }

    fn symbol(&self, place: usize) -> Option<Symbol> {
        self.symbols.get(place).copied().flatten()
    }

    /// A place, and what follows at once: `*` may stand for nothing.
    fn reach(&self, state: &mut State, place: usize) {
        let mut place = place;
        mark(state, place);
        while self.symbol(place).is_some_and(Symbol::is_many) {
            place += 1;
            mark(state, place);
        }
    }

    pub(crate) fn after(&self, state: &State, character: char) -> State {
        let mut next = self.empty();
        for place in marked(state) {
            let Some(symbol) = self.symbol(place) else { continue };
            if symbol.accepts(character) {
                self.reach(&mut next, if symbol.is_many() { place } else { place + 1 });
            }
        }
        self.leave(&mut next);
        next
    }

    /// Of each language, whether the text so far is in it.
    pub(crate) fn ends(&self, state: &State) -> Vec<bool> {
        let of = |ends: &Vec<usize>| ends.iter().any(|place| is_marked(state, *place));
        self.ends.iter().map(of).collect()
    }

    /// Whether some text from here on may be in a language.
    pub(crate) fn is_live(&self, state: &State, number: usize) -> bool {
        let (first, behind) = self.places.get(number).copied().unwrap_or_default();
        is_any_marked(state, first, behind)
    }

    /// Whether every text from here on is in a language.
    pub(crate) fn is_sure(&self, state: &State, number: usize) -> bool {
        let sure = self.sure.get(number).into_iter().flatten();
        sure.into_iter().any(|place| is_marked(state, *place))
    }

    pub(crate) fn visit(
        &self,
        languages: &[&Language],
        is_allowed: fn(char) -> bool,
        is_live: impl Fn(&State) -> bool,
        mut stops: impl FnMut(&State, &str) -> bool,
    ) -> Result<(), TooMany> {
        let characters = Characters::of(languages, is_allowed);
        let mut known: HashSet<State> = HashSet::from([self.start()]);
        let mut queue = VecDeque::from([(self.start(), String::new())]);
        while let Some((state, text)) = queue.pop_front() {
            if stops(&state, &text) {
                return Ok(());
            }
            for character in self.told_apart(&state, &characters) {
                let next = self.after(&state, character);
                if !is_live(&next) || known.contains(&next) {
                    continue;
                }
                if known.len() >= STATES {
                    return Err(TooMany);
                }
                known.insert(next.clone());
                queue.push_back((next, format!("{text}{character}")));
            }
        }
        Ok(())
    }

    /// The characters that the next places tell apart: to these places every other is
    /// like the one that no pattern names.
    fn told_apart(&self, state: &State, characters: &Characters) -> Vec<char> {
        let Some(fresh) = characters.fresh else { return characters.named.clone() };
        let mut all = Vec::new();
        for symbol in marked(state).filter_map(|place| self.symbol(place)) {
            match symbol {
                Symbol::Character(one) => all.push(one),
                Symbol::Letter(one) => {
                    all.extend([one.to_ascii_lowercase(), one.to_ascii_uppercase()]);
                }
                Symbol::Digit => all.extend('0'..='9'),
                Symbol::OneInPart | Symbol::ManyInPart => all.push(':'),
                Symbol::One | Symbol::Many => {}
            }
        }
        all.retain(|one| (characters.is_allowed)(*one));
        all.sort_unstable_by_key(|one| in_order(*one));
        all.dedup();
        all.insert(0, fresh);
        all
    }
}

/// The characters that texts are made of.
struct Characters {
    /// One that no pattern names: to all patterns every other is like it.
    fresh: Option<char>,
    /// Those that the patterns name, in both cases.
    named: Vec<char>,
    is_allowed: fn(char) -> bool,
}

impl Characters {
    fn of(languages: &[&Language], is_allowed: fn(char) -> bool) -> Self {
        let symbols = languages.iter().flat_map(|language| language.0.iter().flatten());
        let mut named: BTreeSet<char> = BTreeSet::from([':']);
        for character in symbols.filter_map(|symbol| symbol.written()) {
            named.extend([
                character,
                character.to_ascii_lowercase(),
                character.to_ascii_uppercase(),
            ]);
        }
        let beyond = (0xa1..0x3000).filter_map(char::from_u32).filter(|one| one.is_alphabetic());
        let mut fresh = "xyzwqkjvghilmnoprstu".chars().chain(beyond);
        let fresh = fresh.find(|one| is_allowed(*one) && !named.contains(one));
        let mut named: Vec<char> = named.into_iter().filter(|one| is_allowed(*one)).collect();
        named.sort_unstable_by_key(|one| in_order(*one));
        Self { fresh, named, is_allowed }
    }
}

/// Small letters come before capital ones.
fn in_order(character: char) -> (bool, char) {
    (character.is_ascii_uppercase(), character)
}

fn mark(state: &mut State, place: usize) {
    if let Some(word) = state.get_mut(place / 64) {
        *word |= 1 << (place % 64);
    }
}

/// Takes away the places from one to before another.
fn unmark(state: &mut State, first: usize, behind: usize) {
    let words = state.iter_mut().enumerate().skip(first / 64);
    for (number, word) in words.take(behind.div_ceil(64) - first / 64) {
        *word &= !within(number, first, behind);
    }
}

/// Of a word of places, those from one to before another.
fn within(number: usize, first: usize, behind: usize) -> u64 {
    let before = |place: usize| match place.saturating_sub(number * 64) {
        within @ 0..64 => (1_u64 << within) - 1,
        _ => u64::MAX,
    };
    before(behind) & !before(first)
}

fn is_marked(state: &State, place: usize) -> bool {
    state.get(place / 64).is_some_and(|word| word >> (place % 64) & 1 == 1)
}

/// Whether a place of some, which follow each other, is marked.
fn is_any_marked(state: &State, first: usize, behind: usize) -> bool {
    let mut words =
        state.iter().enumerate().skip(first / 64).take(behind.div_ceil(64) - first / 64);
    words.any(|(number, word)| word & within(number, first, behind) != 0)
}

fn marked(state: &State) -> impl Iterator<Item = usize> {
    state.iter().enumerate().flat_map(|(number, word)| {
        let mut left = *word;
        std::iter::from_fn(move || {
            (left != 0).then(|| {
                let bit = left.trailing_zeros() as usize;
                left &= left - 1;
                number * 64 + bit
            })
        })
    })
}
