//! The mappings of the account. A change takes a moment, as on AWS: in that time
//! a mapping shows that it is being changed, and cannot be changed again.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use tokio::sync::watch;

use crate::lambda::event_sources::settings::Settings;

/// How long a change takes. AWS's take seconds; clients wait for the end.
const CHANGE_TAKES: Duration = Duration::from_millis(100);

/// The mappings, by UUID. Nothing awaits while it holds the lock.
#[derive(Debug, Default)]
pub(in crate::lambda) struct Mappings {
    mappings: Mutex<BTreeMap<String, Mapping>>,
}

/// A mapping.
#[derive(Debug)]
pub(super) struct Mapping {
    pub(super) settings: Settings,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) enabled: bool,
    /// Epoch seconds.
    pub(super) last_modified: f64,
    /// The poller that reads for it ends when this is dropped.
    pub(super) poller: Option<watch::Sender<()>>,
    change: Option<(Change, Instant)>,
}

/// A change that is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    Creating,
    Updating,
    Deleting,
}

impl Mappings {
    /// The mappings that are there now: what was to be deleted is gone once that
    /// is over.
    pub(super) fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Mapping>> {
        let mut mappings = self.mappings.lock().unwrap_or_else(PoisonError::into_inner);
        mappings.retain(|_, mapping| {
            mapping.settle();
            !matches!(mapping.change, Some((Change::Deleting, until)) if until <= Instant::now())
        });
        mappings
    }

    /// Looks at one.
    pub(super) fn look<T>(&self, uuid: &str, look: impl FnOnce(&Mapping) -> T) -> Option<T> {
        self.lock().get(uuid).map(look)
    }
}

impl Mapping {
    pub(super) fn new(
        settings: Settings,
        tags: BTreeMap<String, String>,
        enabled: bool,
        last_modified: f64,
    ) -> Self {
        let change = Some((Change::Creating, Instant::now() + CHANGE_TAKES));
        Self { settings, tags, enabled, last_modified, poller: None, change }
    }

    /// Begins a change.
    pub(super) fn begin(&mut self, change: Change) {
        self.change = Some((change, Instant::now() + CHANGE_TAKES));
    }

    /// Whether a change is under way.
    pub(super) fn is_changing(&self) -> bool {
        self.change.is_some()
    }

    fn settle(&mut self) {
        let over = |(change, until): &(Change, Instant)| {
            *change != Change::Deleting && *until <= Instant::now()
        };
        if self.change.as_ref().is_some_and(over) {
            self.change = None;
        }
    }

    /// The mapping as the API shows it.
    pub(super) fn show(&self, uuid: &str, arn: &str, function_arn: &str) -> Value {
        let state = match self.change {
            Some((Change::Creating, _)) => "Creating",
            Some((Change::Updating, _)) => "Updating",
            Some((Change::Deleting, _)) => "Deleting",
            None if self.enabled => "Enabled",
            None => "Disabled",
        };
        // The texts differ by source (recorded on AWS: LocalStack's
        // test_create_kinesis_event_source_mapping and test_sqs_event_filter).
        let is_queue = self.settings.source.is_queue();
        let reason = if is_queue { "USER_INITIATED" } else { "User action" };
        let mut shown: Map<String, Value> = self.settings.show(function_arn);
        shown.insert("UUID".to_owned(), json!(uuid));
        shown.insert("EventSourceMappingArn".to_owned(), json!(arn));
        shown.insert("State".to_owned(), json!(state));
        shown.insert("StateTransitionReason".to_owned(), json!(reason));
        shown.insert("LastModified".to_owned(), json!(self.last_modified));
        Value::Object(shown)
    }
}
