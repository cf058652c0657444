//! A service's model, read from its file when first asked for.

use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

use serde::Deserialize;

use crate::decode;
use crate::needs::{self, Rules};
use crate::operation::Operation;
use crate::service::Service;
use crate::shape::{Member, Shape};

/// Operations, errors and shapes of a service.
#[derive(Debug)]
pub struct Model {
    /// The errors of the service, by code.
    pub errors: HashMap<&'static str, ErrorModel>,
    /// The operations, by name.
    pub operations: Vec<Operation>,
    /// The types that inputs consist of, by name.
    pub shapes: Vec<Shape>,
    /// What the overrides say of needs.
    pub(crate) rules: Rules,
    pub(crate) roles: OnceLock<HashSet<&'static str>>,
}

/// An error of a service's model.
#[derive(Debug, Deserialize)]
pub struct ErrorModel {
    /// The HTTP status, where the model has one (usually 400 where not).
    pub status: Option<u16>,
    /// What the member of its message is called: `message` or `Message`.
    pub message: Option<&'static str>,
}

impl Model {
    pub(crate) fn read(service: Service, text: &'static str) -> Self {
        #[expect(clippy::expect_used, reason = "embedded data, all of it read by a test")]
        decode::model(service, text).expect("the embedded model is valid")
    }

    /// The operation of this name.
    pub fn operation(&self, name: &str) -> Option<&Operation> {
        let position = self.operations.binary_search_by(|operation| operation.name.cmp(name));
        self.operations.get(position.ok()?)
    }

    /// The shape of this name.
    pub fn shape(&self, name: &str) -> Option<&Shape> {
        let position = self.shapes.binary_search_by(|shape| shape.name.cmp(name));
        self.shapes.get(position.ok()?)
    }

    /// The names of the shapes in which roles may stand.
    pub(crate) fn with_roles(&self) -> &HashSet<&'static str> {
        self.roles.get_or_init(|| needs::with_roles(self))
    }

    /// The values that one of this model's members may have, where it is a text that has
    /// no others.
    pub fn values_of(&self, member: &Member) -> &[&'static str] {
        self.shape_of(member).map(|shape| shape.values.as_slice()).unwrap_or_default()
    }

    /// The shape of one of this model's members.
    pub fn shape_of(&self, member: &Member) -> Option<&Shape> {
        self.shapes.get(usize::try_from(member.shape).ok()?)
    }
}
