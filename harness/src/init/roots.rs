//! Which root modules make the estate, and in which order: the one with most of
//! what a run attacks, and those that it is bound to by the states they read.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::Facts;
use crate::config::Layer1;
use crate::terraform::States;

/// The root modules of a draft.
pub(super) struct Chosen {
    /// Those that are applied, in their order.
    pub(super) applied: Vec<Root>,
    /// The others.
    pub(super) others: Vec<Facts>,
}

/// A root module that is applied.
pub(super) struct Root {
    /// What others call it.
    pub(super) name: String,
    /// Whether its directory says another name.
    pub(super) named: bool,
    /// Its files.
    pub(super) facts: Facts,
    /// Data sources whose root module is told by its name alone.
    pub(super) reads: BTreeMap<String, String>,
}

/// Chooses among root modules, the one with most first.
///
/// # Errors
/// When a file cannot be read.
pub(super) fn choose(all: Vec<Facts>) -> std::io::Result<Chosen> {
    let layers: Vec<Layer1> = all.iter().map(|it| Layer1::at(it.directory.clone())).collect();
    let states = States::unordered(&layers)?;
    let plain: Vec<String> = layers.iter().map(|layer1| same(&layer1.name())).collect();
    let guessed: Vec<(usize, String, usize)> = states
        .open()
        .iter()
        .filter_map(|open| {
            let mut others = plain
                .iter()
                .enumerate()
                .filter(|(at, name)| *at != open.reader && **name == same(&open.name));
            let (other, _) = others.next()?;
            others.next().is_none().then(|| (open.reader, open.name.clone(), other))
        })
        .collect();
    let mut edges = states.edges();
    edges.extend(guessed.iter().map(|(reader, _, other)| (*reader, *other)));
    let bound = bound(&edges, all.len());
    let names = names(&layers);
    let mut all: Vec<Option<Facts>> = all.into_iter().map(Some).collect();
    let mut applied = Vec::new();
    for at in ordered(&bound, &edges) {
        let (Some(facts), Some(name)) = (all.get_mut(at).and_then(Option::take), names.get(at))
        else {
            continue;
        };
        let reads = guessed.iter().filter(|(reader, ..)| *reader == at);
        let reads = reads.filter_map(|(_, name, other)| {
            Some((format!("data.terraform_remote_state.{name}"), names.get(*other)?.clone()))
        });
        let named = layers.get(at).is_some_and(|layer1| layer1.name() != *name);
        applied.push(Root { name: name.clone(), named, facts, reads: reads.collect() });
    }
    Ok(Chosen { applied, others: all.into_iter().flatten().collect() })
}

/// A name without what separates its words.
fn same(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
}

/// What each root module is called: its directory, and the one around it where
/// several are of one name.
fn names(layers: &[Layer1]) -> Vec<String> {
    let plain: Vec<String> = layers.iter().map(Layer1::name).collect();
    let longer = |layer1: &Layer1| {
        let real = layer1.directory.canonicalize().unwrap_or_else(|_| layer1.directory.clone());
        let around = real.parent().and_then(|it| it.file_name()).unwrap_or_default();
        format!("{}-{}", around.to_string_lossy(), layer1.name())
    };
    let named = plain.iter().zip(layers).map(|(name, layer1)| {
        let alone = plain.iter().filter(|other| *other == name).count() == 1;
        if alone { name.clone() } else { longer(layer1) }
    });
    named.collect()
}

/// The first one and all that it is bound to.
pub(super) fn bound(edges: &[(usize, usize)], count: usize) -> BTreeSet<usize> {
    let mut bound: BTreeSet<usize> = (0..count.min(1)).collect();
    loop {
        let before = bound.len();
        for (reader, other) in edges {
            if bound.contains(reader) || bound.contains(other) {
                bound.extend([*reader, *other]);
            }
        }
        if bound.len() == before {
            return bound;
        }
    }
}

/// Those, each after what it reads. What is in a circle comes as it is: doctor
/// and a run tell of it.
pub(super) fn ordered(bound: &BTreeSet<usize>, edges: &[(usize, usize)]) -> Vec<usize> {
    let mut order: Vec<usize> = Vec::new();
    while order.len() < bound.len() {
        let left: Vec<usize> = bound.iter().filter(|at| !order.contains(at)).copied().collect();
        let ready = left.iter().find(|at| {
            let mut needed = edges.iter().filter(|(reader, _)| reader == *at);
            needed.all(|(_, other)| order.contains(other))
        });
        match ready.or_else(|| left.first()) {
            Some(next) => order.push(*next),
            None => break,
        }
    }
    order
}
