//! Values of the variables of one text, taken together, with which it may be like others:
//! what is tried where there are too many to try each with each.

use std::collections::{BTreeSet, HashMap};

use crate::budget::Budget;
use crate::relation::{Relation, is_apart};
use crate::residuals::{resource_part, without_variables};
use crate::words::{Alphabet, Pattern, Symbol, literal};

/// Values of one variable that are gone on from, at most.
const BRANCHES: usize = 2;

/// Values that are tried beside one other text, at most.
const TRIED: usize = 512;

/// Choices that are looked for, at most.
const ENOUGH: usize = 256;

/// Of variables, by their names in small letters, where their keys are, and classes of these,
/// each with its text.
pub(crate) type Texts = HashMap<String, (usize, Vec<(usize, String)>)>;

/// A class of each of some keys, by place.
pub(crate) type Chosen = Vec<(usize, usize)>;

/// A piece of a text.
enum Piece {
    Symbols(Pattern),
    Variable(String),
}

/// Classes of the variables of a resource with which some ARN is like it and like another one:
/// a few for each of the others.
pub(crate) fn together(source: &str, others: &BTreeSet<&str>, values: &Texts) -> Vec<Chosen> {
    let resource = resource_part(source);
    let head = symbols(head(source, resource));
    let pieces = pieces(resource);
    let mut order: Vec<&str> = Vec::new();
    for piece in &pieces {
        if let Piece::Variable(name) = piece
            && !order.contains(&name.as_str())
        {
            order.push(name);
        }
    }
    let budget = Budget::of_walk();
    let mut found = Vec::new();
    for other in others.iter().filter(|other| **other != source) {
        let resource = resource_part(other);
        let like = symbols(&without_variables(resource));
        let of_head = symbols(&without_variables(self::head(other, resource)));
        if like == [Symbol::Many] || is_apart(&head, &of_head) {
            continue;
        }
        let (pieces, order) = (pieces.as_slice(), order.as_slice());
        let mut beside = Beside { pieces, order, values, like, budget: &budget, tried: 0 };
        beside.go_on(&mut Vec::new(), &mut found);
        if found.len() >= ENOUGH {
            break;
        }
    }
    found
}

/// A text beside another one.
struct Beside<'t> {
    pieces: &'t [Piece],
    /// Its variables, each once.
    order: &'t [&'t str],
    values: &'t Texts,
    /// What the other one is like.
    like: Pattern,
    budget: &'t Budget,
    tried: usize,
}

impl<'t> Beside<'t> {
    /// Chooses a class of the next variable.
    fn go_on(&mut self, chosen: &mut Vec<(usize, usize, &'t str)>, found: &mut Vec<Chosen>) {
        let Some(name) = self.order.get(chosen.len()) else {
            found.push(chosen.iter().map(|(place, class, _)| (*place, *class)).collect());
            return;
        };
        let of_names = self.values;
        let Some((place, values)) = of_names.get(*name) else { return };
        let mut branches = 0;
        for (class, text) in values {
            if branches == BRANCHES || self.tried == TRIED || found.len() >= ENOUGH {
                return;
            }
            self.tried += 1;
            chosen.push((*place, *class, text.as_str()));
            if self.is_possible(chosen) {
                branches += 1;
                self.go_on(chosen, found);
            }
            chosen.pop();
        }
    }

    /// Whether it may be like the other one with what is chosen, and anything for the rest.
    fn is_possible(&self, chosen: &[(usize, usize, &str)]) -> bool {
        let mut own = Pattern::new();
        for piece in self.pieces {
            match piece {
                Piece::Symbols(symbols) => own.extend(symbols),
                Piece::Variable(name) => {
                    let place = self.order.iter().position(|one| one == name);
                    match place.and_then(|place| chosen.get(place)) {
                        Some((.., text)) => own.extend(literal(text, false)),
                        None => own.extend([Symbol::Any, Symbol::Many]),
                    }
                }
            }
        }
        Relation::of(&own, &self.like, Alphabet::All, self.budget).both
    }
}

/// What stands before the resource of an ARN.
fn head<'s>(source: &'s str, resource: &str) -> &'s str {
    source.strip_suffix(resource).unwrap_or(source)
}

fn symbols(text: &str) -> Pattern {
    let symbol = |one| match one {
        '*' => Symbol::Many,
        '?' => Symbol::Any,
        one => Symbol::Character(one),
    };
    text.chars().map(symbol).collect()
}

fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        pieces.push(Piece::Symbols(symbols(before)));
        let (inside, after) = after.split_once('}').unwrap_or((after, ""));
        pieces.push(match inside {
            "*" | "?" | "$" => Piece::Symbols(literal(inside, false)),
            _ => {
                let name = inside.split(',').next().unwrap_or_default();
                Piece::Variable(name.trim().to_ascii_lowercase())
            }
        });
        rest = after;
    }
    pieces.push(Piece::Symbols(symbols(rest)));
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(of: &[(&str, &[&str])]) -> Texts {
        let of_key = |(place, (name, texts)): (usize, &(&str, &[&str]))| {
            let texts = texts.iter().map(|text| (*text).to_owned());
            ((*name).to_owned(), (place, texts.enumerate().collect()))
        };
        of.iter().enumerate().map(of_key).collect()
    }

    #[test]
    fn values_are_chosen_that_make_a_text_like_another() {
        let values = values(&[("k:a", &["x", "y/z", "app-", "app-x"]), ("k:b", &["/", "x", "y"])]);
        let of = |other: &str| {
            together("arn:aws:s3:::${k:A}/${k:b, 'd'}", &BTreeSet::from([other]), &values)
        };
        let all = |of_a: &[usize], of_b: &[usize]| -> Vec<Chosen> {
            of_a.iter().flat_map(|a| of_b.iter().map(|b| vec![(0, *a), (1, *b)])).collect()
        };
        assert_eq!(of("arn:aws:s3:::app-*/*"), all(&[2, 3], &[0, 1]));
        assert_eq!(of("arn:aws:s3:::*/x"), all(&[0, 1], &[1]));
        assert_eq!(of("arn:aws:s3:::y/*/y"), all(&[1], &[2]));
        // Of another service, or of anything, nothing is learnt.
        assert_eq!(of("arn:aws:sqs:::app-*/*"), Vec::<Chosen>::new());
        assert_eq!(of("arn:aws:s3:::*"), Vec::<Chosen>::new());
    }

    #[test]
    fn a_variable_that_stands_twice_has_one_value() {
        let values = values(&[("k:a", &["x", "y", "z"])]);
        let found = together("arn:aws:s3:::${k:a}-${k:a}", &["arn:aws:s3:::*-y"].into(), &values);
        assert_eq!(found, [vec![(0, 1)]]);
    }
}
