//! What was published: versions by layer, each as it was.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::lambda::store::code::Code;

/// The account's layers, by name. Nothing awaits while it holds the lock.
#[derive(Debug, Default)]
pub(in crate::lambda) struct Layers {
    layers: Mutex<BTreeMap<String, Layer>>,
}

/// A layer: its versions that are there, by number. Numbers are never given
/// twice (LocalStack's test_layer_lifecycle, recorded on AWS).
#[derive(Debug, Default)]
pub(super) struct Layer {
    pub(super) versions: BTreeMap<u64, Version>,
    last: u64,
}

/// A version with who may use it.
#[derive(Debug)]
pub(super) struct Version {
    pub(super) published: Arc<Published>,
    pub(super) statements: Vec<Map<String, Value>>,
    pub(super) revision: Uuid,
}

/// A version's content. Functions that use it keep it, also when it was deleted
/// (<https://docs.aws.amazon.com/lambda/latest/dg/delete-layer.html>).
#[derive(Debug)]
pub(in crate::lambda) struct Published {
    pub(in crate::lambda) layer: String,
    pub(in crate::lambda) arn: String,
    pub(in crate::lambda) code: Arc<Code>,
    /// The size of its files.
    pub(in crate::lambda) unpacked: u64,
    pub(super) number: u64,
    pub(super) description: String,
    pub(super) license: Option<String>,
    /// Not shown where the call that published it said nothing of them
    /// (LocalStack's test_layer_s3_content, recorded on AWS).
    pub(super) runtimes: Option<Vec<String>>,
    pub(super) architectures: Option<Vec<String>>,
    pub(super) created: String,
}

impl Layers {
    pub(super) fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Layer>> {
        self.layers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A version's content.
    pub(super) fn version(&self, layer: &str, version: u64) -> Option<Arc<Published>> {
        let layers = self.lock();
        Some(Arc::clone(&layers.get(layer)?.versions.get(&version)?.published))
    }

    /// A version's policy, where it has one.
    pub(super) fn policy(&self, layer: &str, version: u64) -> Option<String> {
        let layers = self.lock();
        layers.get(layer)?.versions.get(&version)?.document()
    }

    /// The sizes of the archives of all versions.
    pub(in crate::lambda) fn sizes(&self) -> Vec<usize> {
        let layers = self.lock();
        let versions = layers.values().flat_map(|layer| layer.versions.values());
        versions.map(|version| version.published.code.size).collect()
    }

    /// The version that a package's URL means, by the id of its code.
    pub(in crate::lambda) fn of_code(&self, id: Uuid) -> Option<Arc<Published>> {
        let layers = self.lock();
        layers
            .values()
            .flat_map(|layer| layer.versions.values())
            .find(|version| version.published.code.id == id)
            .map(|version| Arc::clone(&version.published))
    }
}

impl Layer {
    /// The number of the next version.
    pub(super) fn next(&mut self) -> u64 {
        self.last += 1;
        self.last
    }
}

impl Version {
    /// The policy's document, where there is a statement.
    pub(super) fn document(&self) -> Option<String> {
        (!self.statements.is_empty()).then(|| {
            json!({ "Version": "2012-10-17", "Id": "default", "Statement": self.statements })
                .to_string()
        })
    }
}

impl Published {
    /// As lists show it.
    pub(super) fn show_listed(&self) -> Map<String, Value> {
        let mut shown = Map::new();
        let mut put = |name: &str, value: Value| drop(shown.insert(name.to_owned(), value));
        put("LayerVersionArn", json!(self.arn));
        put("Version", json!(self.number));
        put("Description", json!(self.description));
        put("CreatedDate", json!(self.created));
        if let Some(runtimes) = &self.runtimes {
            put("CompatibleRuntimes", json!(runtimes));
        }
        if let Some(architectures) = &self.architectures {
            put("CompatibleArchitectures", json!(architectures));
        }
        if let Some(license) = &self.license {
            put("LicenseInfo", json!(license));
        }
        shown
    }
}
