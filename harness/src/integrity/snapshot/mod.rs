//! What exists in the account at one moment, object by object, in a form of
//! which equal content gives equal bytes.

mod api;
mod canonical;
mod functions;
mod iam;
mod network;
mod others;
mod reader;
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

/// Why the account cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("what Layer 1 made cannot be read back: {operation}: {cause}")]
pub struct SnapshotError {
    /// What was asked: `iam:ListRoles`.
    pub operation: String,
    /// What was answered.
    pub cause: ServiceError,
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
        write!(f, "{} {}", self.kind, self.name)
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
}

impl Snapshot {
    /// Reads the account, all services side by side. `sealed` says that the
    /// emulator was empty and answers the guard alone: then the journal tells of
    /// everything that was made.
    ///
    /// # Errors
    /// When a service does not answer a question that it should.
    pub async fn read(guard: &Guard, sealed: bool) -> Result<Self, SnapshotError> {
        let reader = Reader::new(guard, sealed);
        let services: [reader::Reading<'_>; 6] = [
            Box::pin(iam::read(&reader)),
            Box::pin(api::read(&reader)),
            Box::pin(functions::read(&reader)),
            Box::pin(storage::read(&reader)),
            Box::pin(network::read(&reader)),
            Box::pin(others::read(&reader)),
        ];
        let read: Vec<Objects> = try_join_all(services).await?;
        Ok(Self { objects: read.into_iter().flatten().collect() })
    }

    /// A snapshot of these objects.
    pub fn of(objects: impl IntoIterator<Item = (ObjectId, Object)>) -> Self {
        Self { objects: objects.into_iter().collect() }
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

    /// Whether one of the objects has an ARN.
    pub(super) fn has(&self, arn: &str) -> bool {
        self.objects.values().any(|object| object.arns.iter().any(|own| own == arn))
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
