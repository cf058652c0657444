//! The variables of a text together: each class of one with each of the others, or, where
//! these are too many, some of them.

use std::collections::{BTreeSet, HashMap};

use ringfence_policy::symbolic::{Logic, StatementView};
use ringfence_policy::{Context, Values};

use crate::encode::{KEYS, holds};
use crate::formula::Formula;
use crate::keys::Keys;
use crate::set::Set;
use crate::together::{Texts, together};

/// Classes of the variables in one value that are tried at most.
const CHOICES: usize = 2_048;

/// The same where there are more: what is found with these is asked of the engine.
const FEW: usize = 1_024;

/// Of keys, by place, the classes with which a statement may apply.
#[derive(Debug, Default)]
pub(crate) struct Passing(HashMap<usize, Set>);

/// A key, by place, and some of its classes.
type Classes = (usize, Vec<usize>);

impl Keys {
    /// Of the variables that a statement's conditions ask for, the classes that pass: with
    /// others it does not apply, whatever is acted upon.
    pub(crate) fn passing(&self, statement: StatementView<'_>) -> Passing {
        let mut passing = Passing::default();
        for condition in statement.conditions().filter(|one| one.variables().is_empty()) {
            let place = self.places.get(condition.lower_key()).copied();
            let key = place.and_then(|place| Some((place, self.all.get(place)?)));
            let Some((place, key)) = key.filter(|(_, key)| key.is_variable) else { continue };
            let count = key.values.len();
            let mut classes = Set::empty(count);
            let mut context = self.fixed.clone();
            for class in 0..count {
                // The value of the former class is replaced.
                key.put(class, &mut context);
                if holds(condition, &context, statement.effect()) {
                    classes.insert(class);
                }
            }
            let known = passing.0.entry(place).or_insert_with(|| Set::full(count));
            *known = known.intersection(&classes);
        }
        passing
    }

    /// The contexts that the classes of a resource's variables make, each with the formula
    /// that the variables are of these classes; a few of them where there are too many.
    pub(crate) fn choices(
        &mut self,
        (variables, source): (&[&str], &str),
        passing: &Passing,
        statements: &[StatementView<'_>],
    ) -> Vec<(Formula, Context)> {
        if let Some(all) = self.combined(variables, passing) {
            return all;
        }
        self.open.push(format!("the variables of `{source}` have too many values"));
        let Some(all) = self.of_each(variables, passing) else { return Vec::new() };
        let mut few = self.few(&all);
        few.extend(self.beside(source, &all, statements));
        // With these it is known what is covered, and with those that do not pass, too.
        let mut known: Vec<Formula> = few.iter().map(|(when, _)| when.clone()).collect();
        known.extend(all.into_iter().map(|(place, classes)| {
            let count = self.all.get(place).map_or(0, |key| key.values.len());
            Formula::within(KEYS + place, Set::of(count, classes).complement())
        }));
        self.chosen.push(Formula::any(known));
        few
    }

    /// The same of all classes of these variables that pass; `None`: they are too many.
    pub(crate) fn combined(
        &self,
        variables: &[&str],
        passing: &Passing,
    ) -> Option<Vec<(Formula, Context)>> {
        let all = self.of_each(variables, passing)?;
        let mut counts = all.iter().map(|(_, classes)| classes.len());
        let count = counts.try_fold(1_usize, |all, count| all.checked_mul(count));
        count.filter(|count| *count <= CHOICES).map(|_| self.product(&all))
    }

    /// The same of the first classes of each.
    pub(crate) fn first_few(&self, variables: &[&str]) -> Vec<(Formula, Context)> {
        let all = self.of_each(variables, &Passing::default());
        all.map(|all| self.few(&all)).unwrap_or_default()
    }

    fn few(&self, all: &[Classes]) -> Vec<(Formula, Context)> {
        let is_few = |count: &usize| {
            let power = u32::try_from(all.len()).ok();
            power.and_then(|power| count.checked_pow(power)).is_some_and(|all| all <= FEW)
        };
        let count = (1..=FEW).take_while(is_few).last().unwrap_or_default();
        let first =
            |(place, classes): &Classes| (*place, classes.iter().take(count).copied().collect());
        self.product(&all.iter().map(first).collect::<Vec<Classes>>())
    }

    /// The same of classes with which a resource may be like another one that is asked for.
    fn beside(
        &self,
        source: &str,
        all: &[Classes],
        statements: &[StatementView<'_>],
    ) -> Vec<(Formula, Context)> {
        let others: BTreeSet<&str> =
            statements.iter().flat_map(|one| one.resources()).map(|one| one.source()).collect();
        let texts = all.iter().filter_map(|(place, classes)| {
            let key = self.all.get(*place)?;
            let text = |class: &usize| match key.values.get(*class)? {
                Some(Values::One(text)) if !text.is_empty() => Some((*class, text.clone())),
                _ => None,
            };
            Some((key.lower.clone(), (*place, classes.iter().filter_map(text).collect())))
        });
        let texts: Texts = texts.collect();
        let one = |(place, class): (usize, usize)| (place, vec![class]);
        let of = |chosen: Vec<(usize, usize)>| {
            self.product(&chosen.into_iter().map(one).collect::<Vec<Classes>>())
        };
        together(source, &others, &texts).into_iter().flat_map(of).collect()
    }

    /// Where the keys of some variables are, each once, and their classes that pass.
    fn of_each(&self, variables: &[&str], passing: &Passing) -> Option<Vec<Classes>> {
        let names: BTreeSet<String> =
            variables.iter().map(|name| name.to_ascii_lowercase()).collect();
        let of = |name: &String| -> Option<Classes> {
            let place = *self.places.get(name)?;
            let count = self.all.get(place)?.values.len();
            let classes = match passing.0.get(&place) {
                Some(classes) => classes.iter().collect(),
                None => (0..count).collect(),
            };
            Some((place, classes))
        };
        names.iter().map(of).collect()
    }

    /// The contexts that classes of keys make.
    fn product(&self, all: &[Classes]) -> Vec<(Formula, Context)> {
        let mut found = vec![(Formula::Constant(true), self.fixed.clone())];
        for (place, classes) in all {
            let Some(key) = self.all.get(*place) else { return Vec::new() };
            let mut next = Vec::with_capacity(found.len() * classes.len());
            for (when, context) in &found {
                for class in classes {
                    let mut context = context.clone();
                    key.put(*class, &mut context);
                    let is = Formula::within(KEYS + place, Set::of(key.values.len(), [*class]));
                    next.push((when.clone().and(is), context));
                }
            }
            found = next;
        }
        found
    }
}
