//! Things in classes: those that no policy and nothing of their own tells apart.

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::Hash;
use std::rc::Rc;

use ringfence_policy::Wildcard;

use super::bits::Bits;
use super::holder::{is_open, own_policy};
use super::means::{Ask, Trust};
use super::world::{Thing, World};

/// What is known of the things, whoever asks.
#[derive(Debug, Default)]
pub(super) struct Classes {
    own: RefCell<HashMap<Own, Rc<[Bits]>>>,
    matched: RefCell<Matched>,
    let_in: RefCell<HashMap<(String, Trust), Rc<Bits>>>,
}

/// What a pattern matches, by kind and by pattern.
type Matched = HashMap<String, HashMap<String, Rc<[Bits]>>>;

/// The kind of things, whose policy decides, and whether their ARNs count as they are.
type Own = (String, Trust, bool);

impl Classes {
    /// The classes of some things of an ask, where policies have these patterns.
    pub(super) fn of<'p>(
        &self,
        world: &World,
        ask: &Ask,
        among: &Bits,
        patterns: impl Iterator<Item = &'p str>,
    ) -> Vec<Bits> {
        let patterns: Vec<&str> = patterns.collect();
        // What a variable stands for is not known: each ARN by itself.
        let by_arn = patterns.iter().any(|pattern| pattern.contains("${"));
        let own = self.own(world, ask, by_arn);
        let mut classes: Vec<Bits> = Vec::with_capacity(own.len());
        classes.extend(own.iter().map(|class| class.both(among)).filter(|one| !one.is_empty()));
        for pattern in patterns {
            for part in self.matched(world, &ask.on, pattern).iter() {
                let cut: Vec<Bits> = classes.iter().flat_map(|class| class.split(part)).collect();
                classes = cut;
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

    fn own(&self, world: &World, ask: &Ask, by_arn: bool) -> Rc<[Bits]> {
        known(&self.own, (ask.on.clone(), ask.trust, by_arn), || {
            let mut classes: Vec<Bits> = Vec::new();
            let mut places = HashMap::new();
            for (place, thing) in world.of_kind(&ask.on).iter().enumerate() {
                let class = (
                    (thing.is_many() || by_arn).then_some(thing.arn.as_str()),
                    own_policy(ask, thing).map(|one| one.text()),
                    thing.bounded_by.as_ref().map(|one| one.as_deref().unwrap_or_default()),
                    // What is not known is of no other.
                    is_open(ask, thing).then_some(place),
                );
                let at = *places.entry(class).or_insert(classes.len());
                if at == classes.len() {
                    classes.push(Bits::default());
                }
                if let Some(class) = classes.get_mut(at) {
                    class.insert(place);
                }
            }
            classes.into()
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
        let found: Rc<[Bits]> = matched(world.of_kind(kind), pattern).into();
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

/// The parts of ARNs, by which a pattern is read.
const PARTS: usize = 6;

fn matched(things: &[Thing], pattern: &str) -> Vec<Bits> {
    let parts: Vec<Wildcard> = match pattern.starts_with("arn:") {
        true => pattern.splitn(PARTS, ':').map(Wildcard::of_text).collect(),
        false => vec![Wildcard::of_text(pattern)],
    };
    let mut matched = vec![Bits::default(); parts.len()];
    let limit = if parts.len() == 1 { 1 } else { PARTS };
    for (place, thing) in things.iter().enumerate() {
        let own = thing.arn.splitn(limit, ':');
        for ((matched, pattern), part) in matched.iter_mut().zip(&parts).zip(own) {
            if pattern.matches(part) {
                matched.insert(place);
            }
        }
    }
    let all = Bits::full(things.len());
    matched.retain(|part| !part.is_empty() && *part != all);
    matched.dedup();
    matched
}
