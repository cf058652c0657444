//! Whether what is shown of some actions holds of all: where statements tell names apart in
//! very many ways, most follow from few.
//!
//! The engine allows no less where one more Allow speaks of an action, and no more where one
//! more Deny does. A request that the inner side alone allows is allowed by one Allow of each
//! list of its policies, and a Deny of the outer side denies it, or too few of its Allows
//! allow it. So the inner side alone allows it for any other action, too, of which these
//! statements speak, and of the inner side's Denies and the outer side's Allows only such as
//! speak of the first. Where no request for the other is so, none for the first is.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use ringfence_policy::symbolic::{Action, Effect, StatementView};

use crate::language::{Language, Symbol, TooMany, folded, literal, shortest, symbols};

/// Choices of statements that are looked at, at most.
const CHOICES: usize = 4_096;

/// Names that are looked for, at most.
const NAMES: usize = 20_000;

/// Languages of which each may tell all names apart once more.
const WAYS: usize = 8;

/// Whether it may be too much to look at each set of languages that some name is of.
pub(crate) fn are_many(languages: &HashSet<Language>) -> bool {
    let is_in_the_middle = |name: &Vec<Symbol>| {
        let head = match name.split_last() {
            Some((Symbol::Many, head)) => head,
            _ => name.as_slice(),
        };
        head.iter().any(|symbol| symbol.written().is_none())
    };
    let all = languages.iter().filter(|language| language.0.iter().any(is_in_the_middle));
    all.count() > WAYS
}

/// A name that no action has.
const NONE: &str = "\0";

/// How it counts that a statement speaks of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Counts {
    /// An Allow of this list of the inner side's policies.
    Allows(usize),
    /// A Deny of the outer side.
    Denies,
    /// A Deny of the inner side, or an Allow of the outer.
    Against,
}

/// A statement, of names of one service.
struct Statement {
    /// What its entries match.
    listed: Language,
    /// Whether it speaks of what these do not match.
    is_negated: bool,
    counts: Counts,
}

/// All statements, of names of one service.
pub(crate) struct Spoken(Vec<Statement>);

/// Why it does not follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Open {
    /// Nothing is shown of actions like the one of this name.
    Name(String),
    /// It takes too many steps.
    TooMany,
}

impl From<TooMany> for Open {
    fn from(_: TooMany) -> Self {
        Self::TooMany
    }
}

impl Statement {
    fn of(statement: StatementView<'_>, service: &str, list: Option<usize>) -> Self {
        let own = statement.actions().filter(|(of, _)| of.is_none_or(|of| of == service));
        let mut listed: Vec<Vec<Symbol>> =
            own.map(|(_, tokens)| folded(symbols(&tokens))).collect();
        let mut seen = HashSet::new();
        listed.retain(|name| seen.insert(name.clone()));
        let listed = Language(listed);
        // With `NotAction` it speaks of what no entry matches.
        let is_negated = statement.is_about(&Action { service, name: NONE }) != listed.has(NONE);
        let counts = match (list, statement.effect()) {
            (Some(list), Effect::Allow) => Counts::Allows(list),
            (None, Effect::Deny) => Counts::Denies,
            (Some(_), Effect::Deny) | (None, Effect::Allow) => Counts::Against,
        };
        Self { listed, is_negated, counts }
    }

    /// Whether it speaks of all names, or of none.
    fn is_constant(&self) -> bool {
        let is_any = |name: &Vec<Symbol>| name.as_slice() == [Symbol::Many];
        self.listed.0.is_empty() || self.listed.0.iter().any(is_any)
    }
}

impl Spoken {
    /// Those of the inner side come first, each with the list of policies that it is in.
    pub(crate) fn of(statements: &[StatementView<'_>], service: &str, lists: &[usize]) -> Self {
        let all = statements.iter().enumerate();
        Self(all.map(|(at, one)| Statement::of(*one, service, lists.get(at).copied())).collect())
    }

    /// Whether each name follows from a class, but for those that are taken by themselves. Of
    /// each class it is told of which statements its actions are.
    pub(crate) fn follow(
        &self,
        classes: &BTreeSet<&Vec<bool>>,
        taken: &BTreeSet<String>,
        is_of_names: fn(char) -> bool,
    ) -> Result<(), Open> {
        let is_against =
            |at: &usize| self.0.get(*at).is_some_and(|one| one.counts == Counts::Against);
        let is_about = |about: &[bool], at: usize| about.get(at) == Some(&true);
        let mut left = NAMES;
        for chosen in self.choices()? {
            let are_about =
                classes.iter().filter(|about| chosen.iter().all(|at| is_about(about, *at)));
            let against = are_about.map(|about| {
                let all = (0..about.len()).filter(|at| is_about(about, *at));
                all.filter(is_against).collect()
            });
            let mut shown: Vec<BTreeSet<usize>> = against.collect();
            shown.sort_by_key(BTreeSet::len);
            let mut open = vec![BTreeSet::new()];
            let mut seen = HashSet::from([BTreeSet::new()]);
            while let Some(avoided) = open.pop() {
                left = left.checked_sub(1).ok_or(Open::TooMany)?;
                let Some(name) = self.name(&chosen, &avoided, (taken, is_of_names))? else {
                    continue;
                };
                let of = shown.iter().find(|against| against.is_disjoint(&avoided));
                // Whoever is not of this class has one of these not.
                for one in of.ok_or(Open::Name(name))? {
                    let mut more = avoided.clone();
                    more.insert(*one);
                    if seen.insert(more.clone()) {
                        open.push(more);
                    }
                }
            }
        }
        Ok(())
    }

    /// One statement of each list and one Deny, or none of them: those that speak of all names
    /// or of none aside.
    fn choices(&self) -> Result<Vec<Vec<usize>>, Open> {
        let mut lists: BTreeMap<Counts, Vec<usize>> = BTreeMap::new();
        let mut seen: HashSet<(&Language, bool, usize)> = HashSet::new();
        let mut numbers: BTreeMap<Counts, usize> = BTreeMap::new();
        for (at, one) in self.0.iter().enumerate() {
            if one.counts == Counts::Against || one.is_constant() {
                continue;
            }
            let next = numbers.len();
            let list = *numbers.entry(one.counts).or_insert(next);
            if seen.insert((&one.listed, one.is_negated, list)) {
                lists.entry(one.counts).or_default().push(at);
            }
        }
        let mut choices: Vec<Vec<usize>> = vec![Vec::new()];
        for list in lists.values() {
            let with = |one: &usize| {
                let chosen = choices.iter().map(|chosen| [chosen.as_slice(), &[*one]].concat());
                chosen.collect::<Vec<_>>()
            };
            let more: Vec<Vec<usize>> = list.iter().flat_map(with).collect();
            choices.extend(more);
            if choices.len() > CHOICES {
                return Err(Open::TooMany);
            }
        }
        Ok(choices)
    }

    /// A name that is not taken, of which some statements speak and others do not.
    fn name(
        &self,
        chosen: &[usize],
        avoided: &BTreeSet<usize>,
        (taken, is_of_names): (&BTreeSet<String>, fn(char) -> bool),
    ) -> Result<Option<String>, Open> {
        let (mut all, mut none) = (Vec::new(), Vec::new());
        let chosen = chosen.iter().map(|at| (at, true));
        for (at, speaks) in chosen.chain(avoided.iter().map(|at| (at, false))) {
            let Some(one) = self.0.get(*at) else { continue };
            let list = if speaks == one.is_negated { &mut none } else { &mut all };
            if !list.contains(&&one.listed) {
                list.push(&one.listed);
            }
        }
        if all.iter().any(|one| none.contains(one)) {
            return Ok(None);
        }
        // No name is empty.
        let mut apart = vec![Language(vec![Vec::new()])];
        loop {
            let none: Vec<&Language> = none.iter().copied().chain(&apart).collect();
            match shortest(&all, &none, is_of_names)? {
                Some(name) if taken.contains(&name) => {
                    apart.push(Language(vec![literal(&name, true)]));
                }
                found => return Ok(found),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn statement(counts: Counts, text: &str) -> Statement {
        let (is_negated, text) = match text.strip_prefix('!') {
            Some(text) => (true, text),
            None => (false, text),
        };
        let symbol = |one| match one {
            '*' => Symbol::Many,
            '?' => Symbol::One,
            one => Symbol::Letter(one),
        };
        let listed = text.split('|').map(|way| way.chars().map(symbol).collect());
        Statement { listed: Language(listed.collect()), is_negated, counts }
    }

    fn follow(all: &[(Counts, &str)], classes: &[&str], taken: &[&str]) -> Result<(), Open> {
        let spoken = Spoken(all.iter().map(|(counts, text)| statement(*counts, text)).collect());
        let about = |class: &&str| {
            let is_about = |one: &Statement| one.listed.has(class) != one.is_negated;
            spoken.0.iter().map(is_about).collect::<Vec<bool>>()
        };
        let classes: Vec<Vec<bool>> = classes.iter().map(about).collect();
        let taken: BTreeSet<String> = taken.iter().map(|name| (*name).to_owned()).collect();
        spoken.follow(&classes.iter().collect(), &taken, |one: char| one.is_ascii_lowercase())
    }

    const ALLOWS: Counts = Counts::Allows(0);
    const LIMITS: Counts = Counts::Allows(1);
    const DENIES: Counts = Counts::Denies;
    const AGAINST: Counts = Counts::Against;
    /// One of two that count against it always does.
    const BESIDE: [(Counts, &str); 3] = [(ALLOWS, "a*|b*"), (AGAINST, "a*"), (AGAINST, "b*")];

    #[rstest]
    #[case::each_word(&["x", "a", "b"], Ok(()))]
    #[case::more_than_is_needed(&["x", "a", "b", "ab"], Ok(()))]
    #[case::both_alone(&["x", "ab"], Err("a"))]
    #[case::one_missing(&["x", "a"], Err("b"))]
    #[case::nothing(&[], Err("x"))]
    fn each_word_is_shown_by_itself(#[case] classes: &[&str], #[case] told: Result<(), &str>) {
        let all = [(ALLOWS, "*a*"), (ALLOWS, "*b*"), (AGAINST, "*a*"), (AGAINST, "*b*")];
        let told = told.map_err(|name| Open::Name(name.to_owned()));
        assert_eq!(follow(&all, classes, &[]), told);
    }

    #[rstest]
    #[case::two_lists(&[(ALLOWS, "*a*"), (LIMITS, "*b*")], &["ab"], Ok(()))]
    #[case::each_list_alone(&[(ALLOWS, "*a*"), (LIMITS, "*b*")], &["a", "b"], Err("ab"))]
    #[case::one_list(&[(ALLOWS, "*a*"), (ALLOWS, "*b*")], &["a", "b"], Ok(()))]
    #[case::a_deny(&[(ALLOWS, "*a*"), (DENIES, "*b*")], &["a", "b"], Err("ab"))]
    #[case::a_deny_too(&[(ALLOWS, "*a*"), (DENIES, "*b*")], &["ab"], Ok(()))]
    #[case::all_but(&[(ALLOWS, "!*a*"), (AGAINST, "!*b*")], &["b"], Ok(()))]
    #[case::all_but_another(&[(ALLOWS, "!*a*"), (AGAINST, "!*b*")], &["x"], Err("b"))]
    #[case::neither(&[(ALLOWS, "*"), (AGAINST, "a*"), (AGAINST, "*b")], &["x"], Ok(()))]
    #[case::both(&[(ALLOWS, "*"), (AGAINST, "a*"), (AGAINST, "*b")], &["ab"], Err("x"))]
    #[case::one_of_two(&BESIDE, &["x", "a", "b"], Ok(()))]
    #[case::the_other(&BESIDE, &["x", "a"], Err("b"))]
    fn a_class_shows_what_has_as_much_and_no_less_against_it(
        #[case] all: &[(Counts, &str)],
        #[case] classes: &[&str],
        #[case] told: Result<(), &str>,
    ) {
        let told = told.map_err(|name| Open::Name(name.to_owned()));
        assert_eq!(follow(all, classes, &[]), told);
    }

    /// What is taken by itself neither shows anything of others nor follows from them.
    #[test]
    fn a_name_that_is_taken_is_left() {
        let all = [(ALLOWS, "a?"), (AGAINST, "ab")];
        assert_eq!(follow(&all, &["x", "ab"], &[]), Err(Open::Name("ax".to_owned())));
        assert_eq!(follow(&all, &["x", "ax"], &["ab"]), Ok(()));
        assert_eq!(follow(&[(ALLOWS, "*a")], &["x"], &["a"]), Err(Open::Name("xa".to_owned())));
    }
}
