//! Things in classes: those that no policy and nothing of their own tells apart.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use std::rc::Rc;

use super::bits::Bits;
use super::holder::{is_open, own_policy};
use super::index::Index;
use super::means::{Ask, Trust};
use super::world::{Thing, World};

/// What is known of the things, whoever asks.
#[derive(Debug, Default)]
pub(super) struct Classes {
    own: RefCell<HashMap<Own, Rc<[usize]>>>,
    matched: RefCell<Matched>,
    indexes: RefCell<HashMap<String, Rc<Index>>>,
    let_in: RefCell<HashMap<(String, Trust), Rc<Bits>>>,
}

/// What a pattern matches, by kind and by pattern.
type Matched = HashMap<String, HashMap<String, Rc<[Bits]>>>;

/// The kind of things, whose policy decides, and whether their ARNs count as they are.
type Own = (String, Trust, bool);

impl Classes {
    /// The classes of some things of an ask, where policies have these patterns: their
    /// places.
    pub(super) fn of<'p>(
        &self,
        world: &World,
        ask: &Ask,
        among: &Bits,
        patterns: impl Iterator<Item = &'p str>,
    ) -> Vec<Vec<usize>> {
        let patterns: BTreeSet<&str> = patterns.collect();
        // What a variable stands for is not known: each ARN by itself.
        let by_arn = patterns.iter().any(|pattern| pattern.contains("${"));
        // Of each place its class: each pattern makes a new one of what it matches of one.
        let mut class_of = self.own(world, ask, by_arn).to_vec();
        let mut next = class_of.len();
        for pattern in patterns {
            for part in self.matched(world, &ask.on, pattern).iter() {
                let mut inside: HashMap<usize, usize> = HashMap::new();
                for place in part.both(among).iter() {
                    let Some(class) = class_of.get_mut(place) else { continue };
                    *class = *inside.entry(*class).or_insert_with(|| {
                        next += 1;
                        next
                    });
                }
            }
        }
        let mut places: HashMap<usize, usize> = HashMap::new();
        let mut classes: Vec<Vec<usize>> = Vec::new();
        for place in among.iter() {
            let Some(class) = class_of.get(place) else { continue };
            let at = *places.entry(*class).or_insert(classes.len());
            match classes.get_mut(at) {
                Some(class) => class.push(place),
                None => classes.push(vec![place]),
            }
        }
        classes
    }

    /// The things whose own policies may let an identity in, whatever its own say.
    pub(super) fn let_in(&self, world: &World, ask: &Ask) -> Rc<Bits> {
        known(&self.let_in, (ask.on.clone(), ask.trust), || {
            let things = world.of_kind(&ask.on);
            let may = |place: &&usize| things.get(**place).is_some_and(|it| is_let_in(ask, it));
            Rc::new(world.letting_in(&ask.on).iter().filter(may).copied().collect())
        })
    }

    /// Of each place the number of its class, below that of the places.
    fn own(&self, world: &World, ask: &Ask, by_arn: bool) -> Rc<[usize]> {
        known(&self.own, (ask.on.clone(), ask.trust, by_arn), || {
            let mut places = HashMap::new();
            let things = world.of_kind(&ask.on).iter().enumerate();
            let classes = things.map(|(place, thing)| {
                let class = (
                    (thing.is_many() || by_arn).then_some(thing.arn.as_str()),
                    own_policy(ask, thing).map(|one| one.text()),
                    thing.bounded_by.as_ref().map(|one| one.as_deref().unwrap_or_default()),
                    // What is not known is of no other.
                    is_open(ask, thing).then_some(place),
                );
                *places.entry(class).or_insert(place)
            });
            classes.collect()
        })
    }

    /// By each part of a pattern that tells things of a kind apart: those that match it.
    fn matched(&self, world: &World, kind: &str, pattern: &str) -> Rc<[Bits]> {
        let of_kind = |all: &HashMap<String, HashMap<String, Rc<[Bits]>>>| {
            all.get(kind).and_then(|all| all.get(pattern)).cloned()
        };
        if let Some(found) = of_kind(&self.matched.borrow()) {
            return found;
        }
        let index =
            known(&self.indexes, kind.to_owned(), || Rc::new(Index::of(world.of_kind(kind))));
        let found: Rc<[Bits]> = index.matched(pattern).into();
        let mut all = self.matched.borrow_mut();
        all.entry(kind.to_owned()).or_default().insert(pattern.to_owned(), Rc::clone(&found));
        found
    }
}

fn known<K: Eq + Hash, V: Clone>(
    all: &RefCell<HashMap<K, V>>,
    key: K,
    found: impl FnOnce() -> V,
) -> V {
    if let Some(known) = all.borrow().get(&key) {
        return known.clone();
    }
    let found = found();
    all.borrow_mut().insert(key, found.clone());
    found
}

fn is_let_in(ask: &Ask, thing: &Thing) -> bool {
    match ask.trust {
        Trust::Caller => true,
        Trust::Own | Trust::None => {
            thing.names_identities
                || (thing.open.is_some() && (ask.trust == Trust::Own || ask.on != "role"))
        }
    }
}
