//! Which statements of a document can be about an action, so that a document
//! of a thousand statements costs only those that name the action at hand.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use crate::pattern::Glob;
use crate::statement::{Action, Effect, Statement};

/// Documents of fewer statements are read through: it is faster.
const SMALL: usize = 8;

/// Places of statements, in order, Deny and Allow apart.
#[derive(Debug, Clone, Default)]
pub(crate) struct Places {
    pub(crate) deny: Vec<u32>,
    pub(crate) allow: Vec<u32>,
}

impl Places {
    fn push(&mut self, effect: Effect, place: u32) {
        let list = match effect {
            Effect::Deny => &mut self.deny,
            Effect::Allow => &mut self.allow,
        };
        // A statement with several matching entries is listed once.
        if list.last() != Some(&place) {
            list.push(place);
        }
    }
}

/// The index of a document.
#[derive(Debug, Clone, Default)]
pub(crate) struct Index {
    /// `*`, `NotAction`, and every statement of a small document.
    everywhere: Places,
    /// By service and name, both exact.
    exact: HashMap<u64, Places, BuildHasherDefault<Prehashed>>,
    /// By service, for names with wildcards.
    services: HashMap<u64, Places, BuildHasherDefault<Prehashed>>,
}

impl Index {
    pub(crate) fn new(statements: &[Statement]) -> Self {
        let mut index = Self::default();
        for (place, statement) in (0_u32..).zip(statements) {
            let effect = statement.effect;
            let anywhere = statements.len() < SMALL
                || statement.actions.negated
                || statement.actions.patterns.iter().any(|pattern| pattern.service.is_none());
            if anywhere {
                index.everywhere.push(effect, place);
                continue;
            }
            for pattern in &statement.actions.patterns {
                let Some(service) = &pattern.service else { continue };
                let places = match &pattern.name {
                    Glob::Exact(name) => index.exact.entry(hash(service, name)),
                    _ => index.services.entry(hash(service, "")),
                };
                places.or_default().push(effect, place);
            }
        }
        index
    }

    /// The lists that hold every statement which can be about the action (and
    /// others: they are candidates, to be matched). A statement may stand in
    /// two of them.
    pub(crate) fn candidates(&self, action: &Action<'_>) -> [Option<&Places>; 3] {
        if self.exact.is_empty() && self.services.is_empty() {
            return [Some(&self.everywhere), None, None];
        }
        [
            Some(&self.everywhere),
            self.exact.get(&hash(action.service, action.name)),
            self.services.get(&hash(action.service, "")),
        ]
    }
}

/// FNV-1a over both parts in lower case. Two actions of the same hash share a
/// list, which only costs time.
fn hash(service: &str, name: &str) -> u64 {
    let bytes = service.bytes().chain([b':']).chain(name.bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte.to_ascii_lowercase())).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Takes the key as its own hash.
#[derive(Debug, Clone, Default)]
pub(crate) struct Prehashed(u64);

impl Hasher for Prehashed {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
