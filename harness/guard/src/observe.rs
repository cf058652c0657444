//! A guard that only observes: every decision is journalled as what it would have
//! been, and none refuses a call. Who calls must still be known, and what is
//! malformed stays refused.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use ringfence_policy::Context;

use crate::journal::Policy;
use crate::recording::{Attached, Inputs};

/// What comes of a decision.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mode {
    /// What is not allowed is refused.
    #[default]
    Enforce,
    /// Nothing is refused for want of a permission; the journal says what would
    /// have been. Of a call that no mapping covers it says why, and that went on
    /// too.
    Observe,
}

/// The condition keys by which a policy can limit a permission to what was done.
/// No others are journalled: some hold what clients send.
const LIMITING: &[&str] = &[
    "aws:requestedregion",
    "aws:tagkeys",
    "ec2:createaction",
    "iam:awsservicename",
    "iam:passedtoservice",
    "iam:permissionsboundary",
    "iam:policyarn",
    "lambda:functionurlauthtype",
    "lambda:principal",
];

/// All keys that begin so as well.
const LIMITING_TAGS: &str = "aws:requesttag/";

/// The keys of a permission that [`LIMITING`] has.
pub(crate) fn limiting(context: &Context) -> BTreeMap<String, Vec<String>> {
    context
        .keys()
        .filter(|key| LIMITING.contains(key) || key.starts_with(LIMITING_TAGS))
        .filter_map(|key| Some((key.to_owned(), context.get(key)?.as_slice().to_vec())))
        .collect()
}

/// The policies that each user and role had when it last called.
#[derive(Debug, Default)]
pub(crate) struct Observer {
    latest: Mutex<HashMap<Arc<str>, Vec<Attached>>>,
}

impl Observer {
    /// The identity policies of whoever stands behind a decision, where they are
    /// not those of the decision before.
    pub(crate) fn news(&self, inputs: &Inputs) -> Option<Vec<Policy>> {
        let owner = inputs.caller.owner.as_ref()?;
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        if latest.get(owner).is_some_and(|before| are_same(before, &inputs.caller.identity)) {
            return None;
        }
        latest.insert(Arc::clone(owner), inputs.caller.identity.clone());
        let policy = |attached: &Attached| Policy {
            name: attached.document.name().to_owned(),
            document: attached.document.text().to_owned(),
        };
        Some(inputs.caller.identity.iter().map(policy).collect())
    }
}

fn are_same(before: &[Attached], now: &[Attached]) -> bool {
    before.len() == now.len()
        && before.iter().zip(now).all(|(before, now)| {
            before.slot == now.slot
                && (Arc::ptr_eq(&before.document, &now.document)
                    || before.document.text() == now.document.text())
        })
}
