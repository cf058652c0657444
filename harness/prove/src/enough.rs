//! Names of actions that are enough, where statements speak of names in very many ways.
//!
//! A dozen statements, each with a word of its own in the middle of names, tell 4,096 names
//! apart; most of these follow from few. Whether the inner side allows a request and the
//! outer does not hangs on one Allow of each of the inner side's lists of policies, and on
//! one Deny of the outer side at most: that more of these speak of the action takes nothing
//! away. Neither does it that fewer of the others do: the inner side's Denies, and the outer
//! side's Allows. So it is enough to ask, for each choice of the former, about names of which
//! these speak, and of the others none that could be left out: one name of each least set of
//! the others. What holds of such a name holds of each of which the choice speaks and at
//! least as many of the others.

use std::collections::{BTreeSet, HashMap, HashSet};

use ringfence_policy::symbolic::{Action, Effect, StatementView};

use crate::budget::{Budget, TooMany};
use crate::shortest::{fits, least, shortest};
use crate::words::{
    Alphabet, Entry, Pattern, Symbol, includes, is_many, literal, matches, pattern,
};

/// Choices of statements that are looked at, at most.
const CHOICES: usize = 2_048;

/// Sets of statements to be left out that are looked at for one choice, at most.
const SETS: usize = 1_024;

/// How it counts that a statement speaks of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Counts {
    /// An Allow of the inner side, of this list of its policies: one of each is enough.
    Allows(usize),
    /// A Deny of the outer side: one is enough.
    Denies,
    /// A Deny of the inner side, or an Allow of the outer: the fewer the better.
    Against,
}

/// How the statements of a question count, and whether they have `NotAction`.
pub(crate) struct Sides(Vec<(Counts, bool)>);

impl Sides {
    /// The statements of the inner side come first, each with the list that it is in.
    pub(crate) fn of(statements: &[StatementView<'_>], lists: &[usize]) -> Self {
        let of = |(number, statement): (usize, &StatementView<'_>)| {
            let counts = match (lists.get(number), statement.effect()) {
                (Some(list), Effect::Allow) => Counts::Allows(*list),
                (None, Effect::Deny) => Counts::Denies,
                (Some(_), Effect::Deny) | (None, Effect::Allow) => Counts::Against,
            };
            (counts, is_negated(*statement))
        };
        Self(statements.iter().enumerate().map(of).collect())
    }
}

/// Whether a statement has `NotAction`: it speaks of what its entries do not match.
fn is_negated(statement: StatementView<'_>) -> bool {
    const NONE: &str = "\0";
    let mut entries = statement.actions();
    let is_listed =
        entries.any(|(service, tokens)| service.is_none() && matches(&pattern(&tokens), NONE));
    statement.is_about(&Action { service: NONE, name: NONE }) != is_listed
}

/// In how many ways statements speak of names by what stands before their end: each of these
/// may tell all others apart once more.
pub(crate) fn ways(entries: &[Entry]) -> usize {
    let is_in_the_middle = |entry: &&Entry| {
        let head = match entry.pattern.split_last() {
            Some((Symbol::Many, head)) => head,
            _ => entry.pattern.as_slice(),
        };
        head.iter().any(|symbol| written(symbol).is_none())
    };
    let owners: HashSet<&[usize]> =
        entries.iter().filter(is_in_the_middle).map(|entry| entry.of.as_slice()).collect();
    owners.len()
}

/// Names, the shortest first, that are enough of those that entries tell apart, and those
/// that are treated by themselves; `None`: it takes too many steps to find them.
pub(crate) fn enough<'n>(
    entries: &[Entry],
    sides: &Sides,
    by_themselves: impl Iterator<Item = &'n str>,
) -> Option<Vec<String>> {
    // Names in full are few: each is asked about, and none of them stands for others.
    let full = entries.iter().filter_map(|entry| text(&entry.pattern));
    let full = full.filter(|name| name.chars().all(|one| Alphabet::Name.has(one)));
    let mut taken: HashSet<String> = full.collect();
    taken.extend(by_themselves.map(str::to_ascii_lowercase));
    taken.insert(String::new());
    let told = Told::of(entries, sides, taken);
    let mut found: BTreeSet<String> = BTreeSet::new();
    for choice in told.choices()? {
        found.extend(told.least(&choice).ok()?);
    }
    found.extend(told.taken);
    let mut names: Vec<String> = found.into_iter().filter(|name| !name.is_empty()).collect();
    names.sort_by(|a, b| (a.len(), a).cmp(&(b.len(), b)));
    Some(names)
}

/// Patterns, by number.
type Numbers = BTreeSet<usize>;

/// Patterns that names are like, and others that they are not.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Choice {
    like: Numbers,
    unlike: Numbers,
}

impl Choice {
    fn and(&self, other: &Self) -> Self {
        Self { like: &self.like | &other.like, unlike: &self.unlike | &other.unlike }
    }
}

/// What tells the names apart that are none in full.
struct Told<'e> {
    patterns: Vec<&'e Pattern>,
    /// Of each list, Deny or statement of which one entry counts, the ways to choose; that
    /// none is chosen is always another.
    ways: Vec<BTreeSet<Choice>>,
    /// Of each statement that counts against a name, what names are that it does not speak of.
    against: Vec<Choice>,
    /// Names that stand for no others.
    taken: HashSet<String>,
    budget: Budget,
}

impl<'e> Told<'e> {
    fn of(entries: &'e [Entry], sides: &Sides, taken: HashSet<String>) -> Self {
        let mut patterns: Vec<&Pattern> = Vec::new();
        let mut numbers: HashMap<&Pattern, usize> = HashMap::new();
        let mut of_statements: HashMap<usize, Numbers> = HashMap::new();
        for entry in entries.iter().filter(|entry| text(&entry.pattern).is_none()) {
            let number = *numbers.entry(&entry.pattern).or_insert(patterns.len());
            if number == patterns.len() {
                patterns.push(&entry.pattern);
            }
            for statement in &entry.of {
                of_statements.entry(*statement).or_default().insert(number);
            }
        }
        let is_any = |number: &usize| patterns.get(*number).is_some_and(|one| is_any(one));
        let like_one = |numbers: &Numbers| -> Vec<Choice> {
            let numbers = numbers.iter().filter(|number| !is_any(number));
            numbers.map(|one| Choice { like: [*one].into(), unlike: Numbers::new() }).collect()
        };
        let mut ways: Vec<BTreeSet<Choice>> = Vec::new();
        let mut against: BTreeSet<Choice> = BTreeSet::new();
        let mut places: HashMap<Counts, usize> = HashMap::new();
        for (statement, (counts, is_negated)) in sides.0.iter().enumerate() {
            let own = of_statements.remove(&statement).unwrap_or_default();
            if own.is_empty() {
                // It speaks of all of these names, or of none.
                continue;
            }
            let unlike = |own| Choice { like: Numbers::new(), unlike: own };
            match (counts, is_negated) {
                (Counts::Against, false) => drop(against.insert(unlike(own))),
                // It speaks of no name that is like one of its patterns.
                (Counts::Against, true) => {
                    let all = like_one(&own);
                    match all.as_slice() {
                        [one] if own.len() == 1 => drop(against.insert(one.clone())),
                        _ => ways.push(all.into_iter().collect()),
                    }
                }
                (Counts::Allows(_) | Counts::Denies, _) => {
                    let place = *places.entry(*counts).or_insert(ways.len());
                    if place == ways.len() {
                        ways.push(BTreeSet::new());
                    }
                    let own = match is_negated {
                        true => vec![unlike(own)],
                        false => like_one(&own),
                    };
                    if let Some(all) = ways.get_mut(place) {
                        all.extend(own);
                    }
                }
            }
        }
        let against = against.into_iter().collect();
        Self { patterns, ways, against, taken, budget: Budget::of_walk() }
    }

    /// All choices; `None`: they are too many.
    fn choices(&self) -> Option<BTreeSet<Choice>> {
        let mut all = BTreeSet::from([Choice::default()]);
        for ways in &self.ways {
            let mut next = all.clone();
            for way in ways {
                next.extend(all.iter().map(|one| one.and(way)));
                if next.len() > CHOICES {
                    return None;
                }
            }
            all = next;
        }
        all.retain(|choice| choice.like.is_disjoint(&choice.unlike));
        Some(all)
    }

    /// A name of each least set of the statements that count against it, among those of the
    /// choice.
    fn least(&self, choice: &Choice) -> Result<Vec<String>, TooMany> {
        let open: Vec<&Choice> =
            self.against.iter().filter(|one| !self.is_sure(one, choice)).collect();
        let without = |left_out: &BTreeSet<usize>| {
            let all = left_out.iter().filter_map(|number| open.get(*number));
            self.name(&all.fold(choice.clone(), |choice, one| choice.and(one)))
        };
        let all: BTreeSet<usize> = (0..open.len()).collect();
        // Mostly there is a name that leaves out all that can be.
        if let Some(name) = without(&all)? {
            return Ok(vec![name]);
        }
        let speaking = |name: &str| -> BTreeSet<usize> {
            let is_left_out = |one: &Choice| {
                fits(
                    name,
                    &self.patterns_of(&one.like),
                    &self.patterns_of(&one.unlike),
                    Alphabet::Name,
                )
            };
            let numbered = open.iter().enumerate();
            numbered.filter(|(_, one)| !is_left_out(one)).map(|(number, _)| number).collect()
        };
        let mut names = Vec::new();
        let mut found: Vec<BTreeSet<usize>> = Vec::new();
        // Sets of which no name leaves out all.
        let mut never: Vec<BTreeSet<usize>> = Vec::new();
        let mut left = vec![BTreeSet::new()];
        let mut seen = HashSet::from([BTreeSet::new()]);
        while let Some(left_out) = left.pop() {
            if never.iter().any(|one| one.is_subset(&left_out)) {
                continue;
            }
            let known = found.iter().find(|speaking| speaking.is_disjoint(&left_out)).cloned();
            let least = match known {
                Some(known) => known,
                None => {
                    let Some(mut name) = without(&left_out)? else {
                        never.push(left_out);
                        continue;
                    };
                    let mut least = speaking(&name);
                    for one in least.clone() {
                        let mut more = &all - &least;
                        more.insert(one);
                        if least.contains(&one)
                            && let Some(better) = without(&more)?
                        {
                            least = speaking(&better);
                            name = better;
                        }
                    }
                    names.push(name);
                    found.push(least.clone());
                    least
                }
            };
            // Of any other least set one of these is not.
            for one in least {
                let mut more = left_out.clone();
                more.insert(one);
                if seen.insert(more.clone()) {
                    left.push(more);
                }
            }
            if seen.len() > SETS {
                return Err(TooMany);
            }
        }
        Ok(names)
    }

    /// Whether a statement speaks of all names of a choice, as far as the patterns show.
    fn is_sure(&self, against: &Choice, choice: &Choice) -> bool {
        let like = self.patterns_of(&choice.like);
        let holds = |one: &Pattern| is_any(one) || like.iter().any(|own| includes(one, own));
        !against.like.is_disjoint(&choice.unlike)
            || self.patterns_of(&against.unlike).into_iter().any(holds)
    }

    fn patterns_of(&self, numbers: &Numbers) -> Vec<&'e Pattern> {
        numbers.iter().filter_map(|number| self.patterns.get(*number).copied()).collect()
    }

    /// A name of a choice that is not taken; `None`: there is none.
    fn name(&self, choice: &Choice) -> Result<Option<String>, TooMany> {
        let (like, unlike) =
            (strict(self.patterns_of(&choice.like)), self.patterns_of(&choice.unlike));
        // Most begin with one and go on with the next.
        for reversed in [false, true] {
            let joined = joined(&like, &unlike, reversed).filter(|name| {
                !self.taken.contains(name) && fits(name, &like, &unlike, Alphabet::Name)
            });
            if joined.is_some() {
                return Ok(joined);
            }
        }
        let mut taken: Vec<Pattern> = vec![Pattern::new()];
        loop {
            let unlike: Vec<&Pattern> = unlike.iter().copied().chain(&taken).collect();
            match shortest(&like, &unlike, Alphabet::Name, &self.budget)? {
                Some(name) if self.taken.contains(&name) => taken.push(literal(&name, true)),
                found => return Ok(found),
            }
        }
    }
}

/// Those of some patterns that do not follow of others, as far as the patterns show.
fn strict(mut like: Vec<&Pattern>) -> Vec<&Pattern> {
    let mut place = 0;
    while let Some(one) = like.get(place).copied() {
        let mut others = like.iter().enumerate().filter(|(at, _)| *at != place);
        if others.any(|(_, other)| includes(one, other)) {
            like.remove(place);
        } else {
            place += 1;
        }
    }
    like
}

/// What each of some patterns needs at least, one after the other.
fn joined(like: &[&Pattern], unlike: &[&Pattern], reversed: bool) -> Option<String> {
    let all: Vec<&Pattern> = like.iter().chain(unlike).copied().collect();
    let mut texts: Vec<String> =
        like.iter().map(|one| least(one, &all, Alphabet::Name)).collect::<Option<_>>()?;
    if reversed {
        texts.reverse();
    }
    Some(texts.concat())
}

/// Whether a pattern is that of any name.
fn is_any(pattern: &[Symbol]) -> bool {
    !pattern.is_empty() && pattern.iter().all(is_many)
}

/// The text that a pattern is.
fn text(pattern: &[Symbol]) -> Option<String> {
    pattern.iter().map(written).collect()
}

fn written(symbol: &Symbol) -> Option<char> {
    match symbol {
        Symbol::Character(one) | Symbol::Letter(one) => Some(*one),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    /// Patterns of names of `a`, `b` and whatever else.
    const POOL: [&str; 13] =
        ["*", "a*", "*a", "*b*", "*ab*", "?", "a?*", "ab", "*a*b*", "b", "?b*", "*ba*", "aa"];

    fn pattern(text: &str) -> Pattern {
        let symbol = |one| match one {
            '*' => Symbol::Many,
            '?' => Symbol::Any,
            one => Symbol::Letter(one),
        };
        text.chars().map(symbol).collect()
    }

    struct Statement {
        counts: Counts,
        is_negated: bool,
        patterns: Vec<&'static str>,
    }

    impl Statement {
        fn is_about(&self, name: &str) -> bool {
            let is_listed = self.patterns.iter().any(|one| matches(&pattern(one), name));
            is_listed != self.is_negated
        }
    }

    fn found(statements: &[Statement], by_themselves: &[&str]) -> Option<Vec<String>> {
        let mut entries: Vec<Entry> = Vec::new();
        for (number, statement) in statements.iter().enumerate() {
            for one in &statement.patterns {
                let pattern = pattern(one);
                match entries.iter_mut().find(|entry| entry.pattern == pattern) {
                    Some(entry) => entry.of.push(number),
                    None => entries.push(Entry { pattern, of: vec![number] }),
                }
            }
        }
        let sides = statements.iter().map(|one| (one.counts, one.is_negated)).collect();
        enough(&entries, &Sides(sides), by_themselves.iter().copied())
    }

    /// Whether one of some names stands for another where these statements are chosen: each
    /// speaks of it, and of those that count against it none that does not speak of the other.
    fn stands_for(names: &[String], other: &str, chosen: &[&Statement], all: &[Statement]) -> bool {
        let against = all.iter().filter(|one| one.counts == Counts::Against);
        let against: Vec<&Statement> = against.collect();
        names.iter().any(|name| {
            chosen.iter().all(|one| one.is_about(name))
                && against.iter().all(|one| !one.is_about(name) || one.is_about(other))
        })
    }

    /// The ways to choose one of each kind that speaks of a name, or none.
    fn choices<'s>(name: &str, all: &'s [Statement]) -> Vec<Vec<&'s Statement>> {
        let mut chosen: Vec<Vec<&Statement>> = vec![Vec::new()];
        for counts in [Counts::Allows(0), Counts::Allows(1), Counts::Denies] {
            let own = all.iter().filter(|one| one.counts == counts && one.is_about(name));
            let own: Vec<&Statement> = own.collect();
            let with = |one: &'s Statement| {
                let more = chosen.iter().map(move |chosen| {
                    let mut chosen = chosen.clone();
                    chosen.push(one);
                    chosen
                });
                more.collect::<Vec<_>>()
            };
            let more: Vec<Vec<&Statement>> = own.into_iter().flat_map(with).collect();
            chosen.extend(more);
        }
        chosen
    }

    #[rstest]
    fn whatever_is_said_of_a_name_follows_from_one_that_is_enough(
        #[values(1, 2, 3, 4, 5, 6, 7, 8)] seed: u64,
    ) {
        let mut state = seed;
        let mut below = |most: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888);
            usize::try_from(state >> 33).unwrap_or_default() % most
        };
        let mut names = vec![String::new()];
        for length in 1..=3 {
            let shorter: Vec<String> =
                names.iter().filter(|name| name.len() + 1 == length).cloned().collect();
            names.extend(
                shorter.iter().flat_map(|name| ["a", "b", "c"].map(|one| format!("{name}{one}"))),
            );
        }
        names.retain(|name| !name.is_empty());
        for _ in 0..12 {
            let of_kind = |kind| match kind {
                0 => Counts::Allows(1),
                1 => Counts::Denies,
                2 | 3 => Counts::Allows(0),
                _ => Counts::Against,
            };
            let mut statements = Vec::new();
            for _ in 0..2 + below(5) {
                let counts = of_kind(below(6));
                let is_negated = below(5) == 0;
                let patterns =
                    (0..1 + below(2)).filter_map(|_| POOL.get(below(POOL.len())).copied());
                statements.push(Statement { counts, is_negated, patterns: patterns.collect() });
            }
            let enough = found(&statements, &[]).unwrap_or_default();
            for name in &names {
                for chosen in choices(name, &statements) {
                    let told =
                        statements.iter().map(|one| (one.counts, one.is_negated, &one.patterns));
                    let told: Vec<_> = told.collect();
                    assert!(
                        stands_for(&enough, name, &chosen, &statements),
                        "{name} of {told:?}: {enough:?}"
                    );
                }
            }
        }
    }

    const WORDS: [&str; 12] = [
        "*alpha*",
        "*bravo*",
        "*charlie*",
        "*delta*",
        "*echo*",
        "*foxtrot*",
        "*golf*",
        "*hotel*",
        "*india*",
        "*juliett*",
        "*kilo*",
        "*lima*",
    ];

    fn each(counts: Counts) -> impl Iterator<Item = Statement> {
        let of = move |word| Statement { counts, is_negated: false, patterns: vec![word] };
        WORDS.into_iter().map(of)
    }

    /// Of 4,096 classes one a word counts, and one without any.
    #[test]
    fn of_a_dozen_words_each_counts_by_itself() {
        let both: Vec<Statement> = each(Counts::Allows(0)).chain(each(Counts::Against)).collect();
        let names = found(&both, &["Kilo", "Mike"]).unwrap_or_default();
        let mut expected: Vec<String> = WORDS.map(|word| word.replace('*', "")).into();
        expected.push("mike".to_owned());
        assert!(expected.iter().all(|name| names.contains(name)), "{names:?}");
        // A name without any of the words, and one for `*kilo*` that is not treated by itself.
        let rest = names.iter().filter(|name| !expected.contains(name));
        let rest: Vec<(usize, bool)> =
            rest.map(|name| (name.len(), name.contains("kilo"))).collect();
        assert_eq!(rest, [(1, false), (5, true)], "{names:?}");
    }

    /// Of two lists each word of the one counts with each of the other.
    #[test]
    fn words_of_two_lists_count_in_pairs() {
        let lists = each(Counts::Allows(0)).chain(each(Counts::Allows(1)));
        let all: Vec<Statement> = lists.chain(each(Counts::Against)).collect();
        let names = found(&all, &[]).unwrap_or_default();
        assert_eq!(names.len(), 1 + 12 + 12 * 11 / 2);
    }

    #[test]
    fn what_is_told_apart_in_the_middle_is_counted_by_its_statements() {
        let entry = |text, of: &[usize]| Entry { pattern: pattern(text), of: of.to_vec() };
        let entries = [
            entry("a*", &[0]),
            entry("ab", &[1]),
            entry("*a", &[2]),
            entry("*b*", &[2]),
            entry("a?", &[3]),
            entry("*", &[4]),
        ];
        assert_eq!(ways(&entries), 2);
    }
}
