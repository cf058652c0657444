//! An object while it is read.

use std::collections::HashMap;

use super::{Fault, Member, Node, Repeated, Repeats};

/// From here on keys are looked up by hash, so that a text of a million keys
/// costs no million million comparisons; most objects are shorter, and cheaper
/// without.
const MANY: usize = 16;

/// The members of an object so far.
pub(crate) struct Members<At> {
    members: Vec<Member<At>>,
    /// Where each key is, once there are many.
    known: HashMap<String, usize>,
}

/// A key that may stand here.
pub(crate) struct Key<At> {
    at: At,
    key: String,
    /// Where it is already.
    known: Option<usize>,
}

impl<At: Copy> Members<At> {
    pub(crate) fn new() -> Self {
        Self { members: Vec::new(), known: HashMap::new() }
    }

    /// A key; refused where it stands twice and may not.
    pub(crate) fn key(&self, at: At, key: String, repeats: Repeats) -> Result<Key<At>, Fault> {
        let known = match self.members.len() < MANY {
            true => self.members.iter().position(|member| member.key == key),
            false => self.known.get(&key).copied(),
        };
        match (known, repeats) {
            (Some(_), Repeats::Refused) => Err(Fault::Repeated(key)),
            _ => Ok(Key { at, key, known }),
        }
    }

    /// Takes a member in. One that was there keeps its position, as in
    /// `serde_json` and Python.
    pub(crate) fn add(&mut self, key: Key<At>, value: Node<At>, repeated: &mut Vec<Repeated<At>>) {
        let Key { at, key, known } = key;
        match known.and_then(|index| self.members.get_mut(index)) {
            Some(member) => {
                repeated.push(Repeated { at, before: member.at, key: key.clone() });
                *member = Member { at, key, value };
            }
            None => {
                self.members.push(Member { at, key, value });
                self.remember();
            }
        }
    }

    fn remember(&mut self) {
        let count = self.members.len();
        if count < MANY {
            return;
        }
        // All of them when there are many for the first time, else the last.
        let from = if count == MANY { 0 } else { count - 1 };
        let new = self.members.iter().enumerate().skip(from);
        self.known.extend(new.map(|(index, member)| (member.key.clone(), index)));
    }

    pub(crate) fn into_list(self) -> Vec<Member<At>> {
        self.members
    }
}
