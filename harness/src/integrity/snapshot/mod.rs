//! What exists in the account at one moment, object by object, in a form of
//! which equal content gives equal bytes.

mod api;
mod canonical;
mod functions;
mod iam;
mod network;
mod others;
mod reader;
pub(super) mod resources;
mod storage;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::OnceLock;

use futures_util::future::try_join_all;
use ringfence_guard::Guard;
use ringfence_wire::ServiceError;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

pub(super) use canonical::canonical;
use reader::{Objects, Reader};
use resources::Unread;

use crate::terraform::Instance;

/// Why the account cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("what Layer 1 made cannot be read back: {operation}: {cause}")]
pub struct SnapshotError {
    /// What was asked: `iam:ListRoles`.
    pub operation: String,
    /// What was answered.
    pub cause: ServiceError,
}

/// What is read.
#[derive(Debug, Clone, Copy)]
pub struct Of<'a> {
    /// The guard.
    pub guard: &'a Guard,
    /// The account, which is one that it guards.
    pub account_id: &'a str,
    /// Whether the emulator was empty and answers the guard alone: then the journal tells
    /// of everything that was made.
    pub sealed: bool,
}

/// An object of the account.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId {
    /// Its kind: `role`, `route`, `bucket`, ….
    pub kind: &'static str,
    /// What tells it from others of its kind.
    pub name: String,
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // An address has its type in it.
        match resources::kind(self.kind) {
            Some(_) => f.write_str(&self.name),
            None => write!(f, "{} {}", self.kind, self.name),
        }
    }
}

/// An object's content, and how permissions name it.
#[derive(Debug, Clone, PartialEq)]
pub struct Object {
    /// The members, in canonical form.
    pub members: BTreeMap<String, Value>,
    /// Its ARNs, as the journal's checks print them: itself, and what it is part
    /// of where changes are authorized on that.
    pub arns: Vec<String>,
}

impl Object {
    /// The SHA-256 of the content.
    pub fn sha256(&self) -> String {
        // A map of text and values is always JSON.
        hex::encode(Sha256::digest(serde_json::to_vec(&self.members).unwrap_or_default()))
    }
}

/// All objects of an account.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Snapshot {
    objects: BTreeMap<ObjectId, Object>,
    unread: Unread,
}

impl Snapshot {
    /// Reads the account, all services side by side, and of `instances` what no
    /// service lists.
    ///
    /// # Errors
    /// When a service does not answer a question that it should.
    pub async fn read(of: Of<'_>, instances: &[Instance]) -> Result<Self, SnapshotError> {
        let reader = Reader::new(of);
        let services: [reader::Reading<'_>; 6] = [
            Box::pin(iam::read(&reader)),
            Box::pin(api::read(&reader)),
            Box::pin(functions::read(&reader)),
            Box::pin(storage::read(&reader)),
            Box::pin(network::read(&reader)),
            Box::pin(others::read(&reader)),
        ];
        let (read, found) =
            tokio::join!(try_join_all(services), resources::read(&reader, instances));
        let read: Vec<Objects> = read?;
        let objects = read.into_iter().flatten().chain(found.objects).collect();
        Ok(Self { objects, unread: found.unread })
    }

    /// Reads again what no service lists, and puts away the answers that are
    /// otherwise though nobody could have changed anything: an upstream makes some
    /// values anew for each question.
    pub(super) async fn settle(&mut self, of: Of<'_>, instances: &[Instance]) {
        let again = resources::read(&Reader::new(of), instances).await;
        for (id, object) in again.objects {
            let Some(first) = self.objects.get_mut(&id) else { continue };
            for (member, value) in object.members {
                if first.members.get(&member).is_some_and(|own| *own != value) {
                    let operation = member.split('/').next().unwrap_or(&member).to_owned();
                    let why = format!("{member} is another each time it is asked for");
                    first.members.remove(&member);
                    self.unread.entry(id.name.clone()).or_default().insert(operation, why);
                }
            }
        }
    }

    /// A snapshot of these objects.
    pub fn of(objects: impl IntoIterator<Item = (ObjectId, Object)>) -> Self {
        Self { objects: objects.into_iter().collect(), unread: Unread::new() }
    }

    /// A snapshot in which a question about a resource was not answered.
    #[cfg(test)]
    pub(super) fn refusing(address: &str, operation: &str, why: &str) -> Self {
        let refused = BTreeMap::from([(operation.to_owned(), why.to_owned())]);
        Self { unread: Unread::from([(address.to_owned(), refused)]), ..Self::default() }
    }

    /// The objects, in order.
    pub fn objects(&self) -> impl Iterator<Item = (&ObjectId, &Object)> {
        self.objects.iter()
    }

    /// An object.
    pub fn get(&self, id: &ObjectId) -> Option<&Object> {
        self.objects.get(id)
    }

    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.objects.len()
    }

    /// Whether a resource of Terraform's was read by its address.
    pub(super) fn has_read(&self, address: &str) -> bool {
        !self.unread.contains_key(address) && self.objects.keys().any(|id| id.name == address)
    }

    /// Why a resource of Terraform's was not read, where something was asked.
    pub(super) fn refused(&self, address: &str) -> Option<&str> {
        self.unread.get(address)?.values().next().map(String::as_str)
    }

    /// Whether it is unknown what a member of an object is, or what the object is:
    /// a question was not answered.
    pub(super) fn is_unknown(&self, id: &ObjectId, member: Option<&str>) -> bool {
        let Some(refused) = self.unread.get(&id.name) else { return false };
        let of = member.map(|member| member.split('/').next().unwrap_or(member));
        of.is_none_or(|operation| refused.contains_key(operation))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// The SHA-256 over the objects of `baseline` as they are here: a line each,
    /// with its name and its own hash; what is gone has `-`.
    pub fn sha256_of(&self, baseline: &Self) -> String {
        let mut lines = String::new();
        for id in baseline.objects.keys() {
            let hash = self.objects.get(id).map_or_else(|| "-".to_owned(), Object::sha256);
            lines.push_str(&format!("{hash}  {id}\n"));
        }
        hex::encode(Sha256::digest(lines))
    }
}

/// The names of AWS's operations that only read begin so; what they do changes
/// nothing.
pub(super) fn reads(operation: &str) -> bool {
    static BEGINNINGS: OnceLock<[&str; 8]> = OnceLock::new();
    let beginnings = BEGINNINGS.get_or_init(|| {
        ["Get", "List", "Describe", "Head", "BatchGet", "Simulate", "Scan", "Query"]
    });
    beginnings.iter().any(|beginning| operation.starts_with(beginning))
}
