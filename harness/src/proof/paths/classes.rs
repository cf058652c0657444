//! Things in classes: those that no policy and nothing of their own tells apart.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
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
    own: RefCell<HashMap<Own, Rc<Whole>>>,
    matched: RefCell<Matched>,
    indexes: RefCell<HashMap<String, Rc<Index>>>,
    let_in: RefCell<HashMap<(String, Trust), Rc<Bits>>>,
}

/// All things of a kind in classes.
#[derive(Debug, Default)]
struct Whole {
    /// Of each place the number of its class.
    of: Vec<usize>,
    /// The places of each class.
    all: Vec<Vec<usize>>,
}

/// Classes, of which patterns cut some off.
pub(super) struct Cut {
    cut: BTreeMap<usize, usize>,
    cut_off: Vec<Vec<usize>>,
    /// What they were cut off from.
    rest: Option<Rc<Whole>>,
}

impl Cut {
    /// The places of each class.
    pub(super) fn iter(&self) -> impl Iterator<Item = impl Iterator<Item = usize>> {
        let rest = self.rest.iter().flat_map(|whole| &whole.all);
        let rest = rest.map(|class| (class, Some(&self.cut)));
        let all = self.cut_off.iter().map(|class| (class, None)).chain(rest);
        all.map(|(class, but)| {
            class.iter().copied().filter(move |it| but.is_none_or(|but| !but.contains_key(it)))
        })
    }
}

/// What a pattern matches, by kind and by pattern.
type Matched = HashMap<String, HashMap<String, Rc<[Bits]>>>;

/// The kind of things, whose policy decides, and whether their ARNs count as they are.
type Own = (String, Trust, bool);

impl Classes {
    /// The classes of some things of an ask, or of all of its things, where policies have
    /// these patterns.
    pub(super) fn of<'p>(
        &self,
        world: &World,
        ask: &Ask,
        among: Option<&Bits>,
        patterns: impl Iterator<Item = &'p str>,
    ) -> Cut {
        let patterns: BTreeSet<&str> = patterns.collect();
        // What a variable stands for is not known: each ARN by itself.
        let by_arn = patterns.iter().any(|pattern| pattern.contains("${"));
        let own = self.own(world, ask, by_arn);
        // Of each place that a pattern matches its class: of what it matches of one class
        // each pattern makes a new one.
        let mut cut: BTreeMap<usize, usize> = BTreeMap::new();
        let mut next = own.of.len();
        for pattern in patterns {
            for part in self.matched(world, &ask.on, pattern).iter() {
                let mut inside: HashMap<usize, usize> = HashMap::new();
                let places = among.map_or_else(|| part.clone(), |among| part.both(among));
                for place in places.iter() {
                    let Some(before) = own.of.get(place).copied() else { continue };
                    let class = cut.entry(place).or_insert(before);
                    *class = *inside.entry(*class).or_insert_with(|| {
                        next += 1;
                        next
                    });
                }
            }
        }
        let mut new: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (place, class) in &cut {
            new.entry(*class).or_default().push(*place);
        }
        let mut cut_off: Vec<Vec<usize>> = new.into_values().collect();
        let Some(among) = among else { return Cut { cut, cut_off, rest: Some(own) } };
        let mut rest: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for place in among.iter().filter(|place| !cut.contains_key(place)) {
            let Some(class) = own.of.get(place) else { continue };
            rest.entry(*class).or_default().push(place);
        }
        cut_off.extend(rest.into_values());
        Cut { cut, cut_off, rest: None }
    }

    /// The things whose own policies may let an identity in, whatever its own say.
    pub(super) fn let_in(&self, world: &World, ask: &Ask) -> Rc<Bits> {
        known(&self.let_in, (ask.on.clone(), ask.trust), || {
            let things = world.of_kind(&ask.on);
            let may = |place: &&usize| things.get(**place).is_some_and(|it| is_let_in(ask, it));
            Rc::new(world.letting_in(&ask.on).iter().filter(may).copied().collect())
        })
    }

    /// The classes of a kind by what is of the things themselves.
    fn own(&self, world: &World, ask: &Ask, by_arn: bool) -> Rc<Whole> {
        known(&self.own, (ask.on.clone(), ask.trust, by_arn), || {
            let mut places = HashMap::new();
            let mut whole = Whole::default();
            for (place, thing) in world.of_kind(&ask.on).iter().enumerate() {
                let class = (
                    (thing.is_many() || by_arn).then_some(thing.arn.as_str()),
                    own_policy(ask, thing).map(|one| one.text()),
                    thing.bounded_by.as_ref().map(|one| one.as_deref().unwrap_or_default()),
                    // What is not known is of no other.
                    is_open(ask, thing).then_some(place),
                );
                let at = *places.entry(class).or_insert(whole.all.len());
                whole.of.push(at);
                match whole.all.get_mut(at) {
                    Some(class) => class.push(place),
                    None => whole.all.push(vec![place]),
                }
            }
            Rc::new(whole)
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
