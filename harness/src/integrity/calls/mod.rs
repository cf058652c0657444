//! What the journal says of objects that Layer 1 applied and that no reading
//! looks at: an allowed call that writes is a change of them.
//!
//! - [`held`]: which ARNs the resources of Terraform's state have;
//! - [`named`]: what a call is about that is decided on `*`;
//! - [`rails`]: calls that changed guard rails which are read, also where they
//!   were put back;
//! - [`table`]: what is read, what only uses an object, and what belongs to
//!   what;
//! - here: which calls are changes, and what is seen by neither.

mod held;
mod named;
mod rails;
mod table;

use std::collections::BTreeMap;
use std::sync::Arc;

use ringfence_guard::journal::{Check, Entry};

use self::held::Held;
pub(super) use self::rails::rails;
use super::changes::Cause;
use super::left::{LeftToOthers, plain};
use super::snapshot::Snapshot;
use crate::terraform::Instance;

/// Calls of one operation that changed one resource of Layer 1's.
#[derive(Debug)]
pub(super) struct Changed {
    /// `aws_sfn_state_machine.flow`.
    pub address: String,
    /// The calls.
    pub causes: Vec<Cause>,
}

/// The account that the state is of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    /// The region.
    pub region: &'a str,
    /// The account's id.
    pub account: &'a str,
}

/// The calls of a part of the journal that changed what Layer 1 applied, where
/// no reading looks.
pub(super) fn changed(
    entries: impl IntoIterator<Item = Arc<Entry>>,
    instances: &[Instance],
    left: &LeftToOthers,
    place: Place<'_>,
) -> Vec<Changed> {
    let held: Vec<Held<'_>> = instances.iter().map(|made| Held::of(made, place)).collect();
    let mut found = Found::default();
    for entry in by_others(entries, place) {
        let changes = |check: &&Check| is_unread_change(check) && is_here(&entry, check, place);
        for check in entry.checks.iter().filter(changes) {
            for one in held.iter().filter(|one| one.is(check)) {
                if is_left(check, one.instance, left) {
                    continue;
                }
                found.add(one.instance, &entry, check);
            }
        }
    }
    found.changed()
}

/// The calls that change something. Root is the harness; what it did not do itself is
/// a finding of its own.
fn by_others(
    entries: impl IntoIterator<Item = Arc<Entry>>,
    place: Place<'_>,
) -> impl Iterator<Item = Arc<Entry>> {
    let root = format!("arn:aws:iam::{}:root", place.account);
    let changes = entries.into_iter().filter(|entry| entry.is_change());
    changes.filter(move |entry| entry.principal != root)
}

/// Whether what was checked may be of the account: by its ARN, or where that names no
/// account, by who called, as such calls are made in the account of their caller. A
/// bucket's name is one of all accounts, whoever calls
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>).
fn is_here(entry: &Entry, check: &Check, place: Place<'_>) -> bool {
    let account_of = |arn: &str| {
        let account = arn.split(':').nth(4).filter(|it| arn.starts_with("arn:") && !it.is_empty());
        account.map(str::to_owned)
    };
    let is_bucket = check.resource.split(':').nth(2) == Some("s3");
    if is_bucket || account_of(&check.resource).is_some() {
        return true;
    }
    account_of(&entry.principal).is_none_or(|account| account == place.account)
}

/// Changes by what they change and by the operation.
#[derive(Debug, Default)]
struct Found(BTreeMap<(String, String), Vec<Cause>>);

impl Found {
    fn add(&mut self, changed: &Instance, entry: &Entry, check: &Check) {
        let call = format!("{}:{}", entry.service, entry.operation);
        let causes = self.0.entry((changed.address(), call.clone())).or_default();
        causes.push(Cause {
            request_id: entry.request_id.clone(),
            principal: entry.principal.clone(),
            call,
            check: check.clone(),
        });
    }

    fn changed(self) -> Vec<Changed> {
        self.0.into_iter().map(|((address, _), causes)| Changed { address, causes }).collect()
    }
}

/// A resource that neither a reading nor a call tells of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unseen {
    /// Its address.
    pub address: String,
    /// Why a reading does not, where one asked.
    pub why: Option<String>,
}

/// What neither a reading nor a call tells of, by type.
pub(super) fn unseen<'a>(
    instances: &'a [Instance],
    snapshots: &[&Snapshot],
    place: Place<'_>,
) -> BTreeMap<&'a str, Vec<Unseen>> {
    let mut unseen: BTreeMap<&str, Vec<Unseen>> = BTreeMap::new();
    for instance in instances.iter().filter(|made| made.kind.starts_with("aws_")) {
        let address = instance.address();
        let why = snapshots.iter().find_map(|snapshot| snapshot.refused(&address));
        let first = snapshots.first().is_some_and(|first| first.has_read(&address));
        let is_read = first && why.is_none();
        let held = Held::of(instance, place);
        let speaks = held.is_named() || table::is_part_of_read(&instance.kind);
        if is_read || speaks || table::is_nothing(&instance.kind) {
            continue;
        }
        let one = Unseen { address, why: why.map(str::to_owned) };
        unseen.entry(instance.kind.as_str()).or_default().push(one);
    }
    unseen
}

fn is_unread_change(check: &Check) -> bool {
    if !check.is_change() || table::only_uses(&check.action) {
        return false;
    }
    if table::is_unread_action(check) {
        return true;
    }
    // What is added to an object is no change of it.
    let operation = check.action.split_once(':').map_or("", |(_, operation)| operation);
    let adds = operation.starts_with("Create") && !check.is_of_permissions();
    !adds && !table::is_read(&check.resource)
}

/// Whether Layer 1 leaves to others what an action changes. Permissions and
/// credentials are left to nobody.
fn is_left(check: &Check, instance: &Instance, left: &LeftToOthers) -> bool {
    if check.is_of_permissions() || check.action.starts_with("iam:") {
        return false;
    }
    let operation = check.action.split_once(':').map_or("", |(_, operation)| operation);
    let operation = plain(operation);
    let changes = table::attributes(&check.action);
    left.attributes_of(instance).into_iter().any(|attribute| {
        attribute == "all"
            || operation.contains(attribute)
            || changes.iter().any(|own| plain(own) == attribute)
            || (operation.contains("tag") && ["tags", "tagsall"].contains(&attribute))
    })
}

#[cfg(test)]
mod tests;
