//! What a stack has, for who runs the guard: its state, what it made with which
//! properties, its outputs.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::status::Status;
use super::store::{Deployed, Stack};

/// What a stack has.
#[derive(Debug, Clone)]
pub struct Contents {
    /// Its ARN.
    pub id: String,
    /// `CREATE_COMPLETE`, ….
    pub status: &'static str,
    /// Its resources, in the order in which they were made.
    pub resources: Vec<Made>,
    /// Its outputs.
    pub outputs: BTreeMap<String, String>,
    /// What failed in its last operation, in that order.
    pub failed: Vec<Failed>,
}

/// A resource that a stack made. `Debug` shows no properties: they may hold values of
/// `NoEcho` parameters.
#[derive(Clone)]
pub struct Made {
    /// Its name in the template.
    pub logical_id: String,
    /// `AWS::IAM::Role`, ….
    pub kind: String,
    /// What `Ref` gives.
    pub physical_id: String,
    /// What `Fn::GetAtt` gives.
    pub attributes: Map<String, Value>,
    /// Its properties, their functions evaluated; dynamic references stand as they are
    /// written.
    pub properties: Map<String, Value>,
}

impl std::fmt::Debug for Made {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Made")
            .field("logical_id", &self.logical_id)
            .field("kind", &self.kind)
            .field("physical_id", &self.physical_id)
            .finish_non_exhaustive()
    }
}

/// A resource that could not be made or changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// Its name in the template.
    pub logical_id: String,
    /// Its type.
    pub kind: String,
    /// `ResourceStatusReason`.
    pub reason: String,
}

impl Contents {
    pub(super) fn of(stack: &Stack) -> Self {
        let outputs = stack.outputs.iter();
        Self {
            id: stack.id.clone(),
            status: stack.status.text(),
            resources: stack.resources.iter().filter_map(Made::of).collect(),
            outputs: outputs.map(|output| (output.key.clone(), output.value.clone())).collect(),
            failed: failed(stack),
        }
    }

    /// Whether all that the template asks for is there.
    pub fn is_complete(&self) -> bool {
        [Status::CreateComplete, Status::UpdateComplete].map(Status::text).contains(&self.status)
    }
}

impl Made {
    fn of(resource: &Deployed) -> Option<Self> {
        Some(Self {
            logical_id: resource.logical_id.clone(),
            kind: resource.kind.clone(),
            physical_id: resource.physical_id.clone().filter(|_| resource.lives())?,
            attributes: resource.attributes.clone(),
            properties: resource.properties.clone(),
        })
    }
}

/// The failures since the stack's last operation began.
fn failed(stack: &Stack) -> Vec<Failed> {
    let begins = [Status::CreateInProgress, Status::UpdateInProgress];
    let first = stack.events.iter().rposition(|event| {
        event.physical_id.as_deref() == Some(&stack.id) && begins.contains(&event.status)
    });
    let since = stack.events.iter().skip(first.unwrap_or_default());
    let failed = since.filter(|event| {
        [Status::CreateFailed, Status::UpdateFailed].contains(&event.status)
            && event.physical_id.as_deref() != Some(&stack.id)
    });
    failed
        .map(|event| Failed {
            logical_id: event.logical_id.clone(),
            kind: event.kind.clone(),
            reason: event.reason.clone().unwrap_or_default(),
        })
        .collect()
}
