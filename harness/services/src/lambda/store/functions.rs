//! The functions of the account.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ringfence_wire::ServiceError;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::macros::format_description;
use uuid::Uuid;

use crate::lambda::api::policy::Policy;
use crate::lambda::api::url::FunctionUrl;
use crate::lambda::error::{conflict, not_found};
use crate::lambda::execute::destination::Destinations;
use crate::lambda::name::{LATEST, Name, is_alias, qualified};
use crate::lambda::store::configuration::{Configuration, LastUpdate, State, Version};

/// Every function, by name. Nothing awaits while it holds the lock.
#[derive(Debug, Default)]
pub(in crate::lambda) struct Store {
    functions: Mutex<BTreeMap<String, Function>>,
}

/// A function with everything that hangs on it.
#[derive(Debug)]
pub(in crate::lambda) struct Function {
    /// Unqualified.
    pub(in crate::lambda) arn: String,
    pub(in crate::lambda) latest: Version,
    /// What `$LATEST` runs: the configuration before an update until the
    /// update has succeeded.
    pub(in crate::lambda) serving: Arc<Configuration>,
    /// Published versions, by number.
    pub(in crate::lambda) versions: BTreeMap<u64, Version>,
    /// The number of the next published version; numbers are never reused.
    pub(in crate::lambda) next_version: u64,
    pub(in crate::lambda) aliases: BTreeMap<String, Alias>,
    /// Resource policies, by qualifier; `$LATEST`'s is the function's own.
    pub(in crate::lambda) policies: BTreeMap<String, Policy>,
    /// Function URLs, by alias; `$LATEST`'s is the function's own.
    pub(in crate::lambda) urls: BTreeMap<String, FunctionUrl>,
    pub(in crate::lambda) event_invoke: BTreeMap<String, EventInvoke>,
    pub(in crate::lambda) tags: BTreeMap<String, String>,
    pub(in crate::lambda) reserved_concurrency: Option<u32>,
    pub(in crate::lambda) recursive_loop: String,
    /// When versions take a newer runtime, where they say so.
    pub(in crate::lambda) runtime_updates: BTreeMap<String, RuntimeUpdates>,
}

/// When a version takes a newer version of its runtime.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::lambda) struct RuntimeUpdates {
    /// `Auto`, `FunctionUpdate` or `Manual`.
    pub(in crate::lambda) on: String,
    /// The runtime's version, with `Manual`.
    pub(in crate::lambda) arn: Option<String>,
}

/// A name for a version, or for two by weight.
#[derive(Debug, Clone)]
pub(in crate::lambda) struct Alias {
    pub(in crate::lambda) name: String,
    pub(in crate::lambda) version: String,
    pub(in crate::lambda) description: String,
    /// A second version, and its share of invocations.
    pub(in crate::lambda) second: Option<(String, f64)>,
    pub(in crate::lambda) revision_id: Uuid,
}

/// How asynchronous invocations of a qualifier are retried.
#[derive(Debug, Clone)]
pub(in crate::lambda) struct EventInvoke {
    pub(in crate::lambda) maximum_retry_attempts: Option<u32>,
    pub(in crate::lambda) maximum_event_age_seconds: Option<u32>,
    pub(in crate::lambda) destinations: Destinations,
    /// Epoch seconds.
    pub(in crate::lambda) last_modified: f64,
}

/// A version, found by a qualifier.
#[derive(Debug)]
pub(in crate::lambda) struct Resolved {
    pub(in crate::lambda) version: Version,
    /// As the API shows it: with the qualifier that was asked for.
    pub(in crate::lambda) arn: String,
}

impl Store {
    /// The functions, for one look or change.
    pub(in crate::lambda) fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Function>> {
        self.functions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at a function.
    ///
    /// # Errors
    /// `ResourceNotFoundException` with the ARN that was asked for.
    pub(in crate::lambda) fn with<T>(
        &self,
        name: &Name,
        arn: &str,
        look: impl FnOnce(&mut Function) -> Result<T, ServiceError>,
    ) -> Result<T, ServiceError> {
        let mut functions = self.lock();
        let function = functions
            .get_mut(&name.function)
            .ok_or_else(|| not_found(format!("Function not found: {arn}")))?;
        look(function)
    }
}

impl Function {
    /// The version that a qualifier means; an alias means the version that it
    /// points to, and keeps its own ARN.
    ///
    /// # Errors
    /// `ResourceNotFoundException`.
    pub(in crate::lambda) fn resolve(
        &self,
        qualifier: Option<&str>,
    ) -> Result<Resolved, ServiceError> {
        let arn = qualified(&self.arn, qualifier);
        let wanted = match qualifier {
            Some(name) if is_alias(name) => self.aliases.get(name).map(|alias| &*alias.version),
            Some(version) => Some(version),
            None => Some(LATEST),
        };
        wanted
            .and_then(|version| self.version(version))
            .map(|version| Resolved { version: version.clone(), arn: arn.clone() })
            .ok_or_else(|| not_found(format!("Function not found: {arn}")))
    }

    /// A version by its own name.
    pub(in crate::lambda) fn version(&self, version: &str) -> Option<&Version> {
        if version == LATEST {
            return Some(&self.latest);
        }
        self.versions.get(&version.parse().ok()?)
    }

    /// That a qualifier is there; its ARN.
    ///
    /// # Errors
    /// `ResourceNotFoundException`, with the text that AWS has for aliases.
    pub(in crate::lambda) fn check_qualifier(
        &self,
        qualifier: Option<&str>,
    ) -> Result<String, ServiceError> {
        let arn = qualified(&self.arn, qualifier);
        match qualifier {
            Some(name) if is_alias(name) && !self.aliases.contains_key(name) => {
                Err(not_found(format!("Cannot find alias arn: {arn}")))
            }
            Some(version) if !is_alias(version) && self.version(version).is_none() => {
                Err(not_found(format!("Function not found: {arn}")))
            }
            _ => Ok(arn),
        }
    }

    /// The revision of a qualifier: an alias has its own.
    pub(in crate::lambda) fn revision(&self, qualifier: &str) -> Option<Uuid> {
        match self.aliases.get(qualifier) {
            Some(alias) => Some(alias.revision_id),
            None => self.version(qualifier).map(|version| version.revision_id),
        }
    }

    /// Gives a qualifier a new revision, as every change does.
    pub(in crate::lambda) fn touch(&mut self, qualifier: &str) {
        let revision = Uuid::new_v4();
        if let Some(alias) = self.aliases.get_mut(qualifier) {
            alias.revision_id = revision;
        } else if qualifier == LATEST {
            self.latest.revision_id = revision;
        } else if let Some(version) =
            qualifier.parse().ok().and_then(|number: u64| self.versions.get_mut(&number))
        {
            version.revision_id = revision;
        }
    }

    /// That neither a creation nor an update is running.
    ///
    /// # Errors
    /// `ResourceConflictException`.
    pub(in crate::lambda) fn check_idle(&self) -> Result<(), ServiceError> {
        if self.latest.state == State::Pending {
            return Err(pending(&self.latest.state));
        }
        if self.latest.last_update == LastUpdate::InProgress {
            return Err(conflict(format!(
                "The operation cannot be performed at this time. An update is in progress for \
                 resource: {}",
                self.arn
            )));
        }
        Ok(())
    }
}

/// What AWS says of a function that is not ready.
pub(in crate::lambda) fn pending(state: &State) -> ServiceError {
    conflict(format!(
        "The operation cannot be performed at this time. The function is currently in the \
         following state: {}",
        state.name()
    ))
}

impl Alias {
    /// The alias as the API shows it.
    pub(in crate::lambda) fn show(&self, function_arn: &str) -> Value {
        let mut shown = Map::new();
        shown.insert("AliasArn".to_owned(), json!(format!("{function_arn}:{}", self.name)));
        shown.insert("Name".to_owned(), json!(self.name));
        shown.insert("FunctionVersion".to_owned(), json!(self.version));
        shown.insert("Description".to_owned(), json!(self.description));
        if let Some((version, weight)) = &self.second {
            let weights = Map::from_iter([(version.clone(), json!(weight))]);
            shown
                .insert("RoutingConfig".to_owned(), json!({ "AdditionalVersionWeights": weights }));
        }
        shown.insert("RevisionId".to_owned(), json!(self.revision_id.to_string()));
        Value::Object(shown)
    }
}

/// A time as Lambda prints it: `2026-11-22T20:00:00.000+0000`.
pub(in crate::lambda) fn timestamp(time: OffsetDateTime) -> String {
    const FORMAT: &[time::format_description::FormatItem<'_>] = format_description!(
        "[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]+0000"
    );
    time.format(FORMAT).unwrap_or_default()
}
