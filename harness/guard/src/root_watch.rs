//! Who uses the root user's keys once only one holder of them is left.

use std::sync::{Mutex, PoisonError};

use http::HeaderMap;
use ringfence_services::credentials::Key;

use crate::journal::Entry;

/// With this header AWS's SDKs tell the attempts of one call from other calls
/// (<https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html>).
/// Root's holder gives each call an id of its own, and so knows its calls.
const INVOCATION: &str = "amz-sdk-invocation-id";

/// A call that was signed with a key of root's, or of somebody whom root
/// federated, after [`crate::Guard::close_root`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootCall {
    /// When it arrived: RFC 3339, UTC.
    pub time: String,
    /// The id of its line in the journal.
    pub request_id: String,
    /// The caller's ARN.
    pub principal: String,
    /// The service.
    pub service: String,
    /// The operation.
    pub operation: String,
    /// The id of the key that signed.
    pub access_key_id: String,
    /// The services that forwarded the call, in order.
    pub called_via: Vec<String>,
    /// The id that its caller gave it.
    pub invocation: Option<String>,
    /// Whether the key was retired; the call was refused then.
    pub retired: bool,
}

/// How a request used a key that stands for root.
#[derive(Debug)]
pub(crate) struct RootUse {
    invocation: Option<String>,
    retired: bool,
}

impl RootUse {
    /// None of a key that does not stand for root.
    pub(crate) fn of(key: &Key, headers: &HeaderMap) -> Option<Self> {
        key.session.identity.stands_for_root().then(|| Self {
            invocation: headers
                .get(INVOCATION)
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned),
            retired: key.retired,
        })
    }
}

/// Keeps root's calls from the moment on in which root's keys are closed.
#[derive(Debug, Default)]
pub(crate) struct RootWatch(Mutex<Option<Vec<RootCall>>>);

impl RootWatch {
    /// Begins to watch.
    pub(crate) fn begin(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default();
    }

    /// Keeps a call, where it is watched for.
    pub(crate) fn keep(&self, used: RootUse, entry: &Entry) {
        if let Some(calls) = self.0.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            calls.push(RootCall {
                time: entry.time.clone(),
                request_id: entry.request_id.clone(),
                principal: entry.principal.clone(),
                service: entry.service.clone(),
                operation: entry.operation.clone(),
                access_key_id: entry.access_key_id.clone(),
                called_via: entry.called_via.clone(),
                invocation: used.invocation,
                retired: used.retired,
            });
        }
    }

    /// The calls so far; none where nobody watches.
    pub(crate) fn calls(&self) -> Vec<RootCall> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone().unwrap_or_default()
    }
}
