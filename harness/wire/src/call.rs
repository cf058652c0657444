//! A request, understood.

use bytes::Bytes;
use serde_json::{Map, Value};

use crate::operation::{Operation, Service};

/// A request, understood: which operation of which service, with what input.
#[derive(Debug, Clone)]
pub struct Call {
    /// The operation, from the service's model.
    pub operation: &'static Operation,
    /// The region that the request addresses: from its credential scope, else
    /// from its host, else the caller's default.
    pub region: String,
    /// The input by the model's member names (`FunctionName`,
    /// `AuthorizationType`), whatever they are called on the wire. Values
    /// inside a member keep their wire names. Numbers and booleans are JSON's.
    pub input: Map<String, Value>,
    /// The raw payload of operations that carry one (S3 objects, Lambda
    /// invocations).
    pub payload: Option<Bytes>,
}

impl Call {
    /// The service that is called.
    pub fn service(&self) -> Service {
        self.operation.service
    }

    /// The operation's name: `CreateRole`.
    pub fn name(&self) -> &'static str {
        self.operation.name
    }

    /// A text member of the input.
    pub fn text(&self, member: &str) -> Option<&str> {
        self.input.get(member)?.as_str()
    }
}
