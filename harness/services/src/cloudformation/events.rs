//! Writing the history of a stack.

use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use super::status::Status;
use super::store::{Deployed, Event, Stack};

impl Stack {
    /// The stack itself enters a state.
    pub(super) fn enter(&mut self, status: Status, reason: Option<String>, now: OffsetDateTime) {
        self.status = status;
        self.status_reason.clone_from(&reason);
        match status {
            Status::UpdateInProgress => self.updated = Some(now),
            // What is deleted or taken back was made by no change set, and a
            // creation that is taken back has a DeletionTime (LocalStack's
            // recorded `test_handle_existing_log_group`,
            // `test_describe_change_set_import_non_existent_export`).
            Status::DeleteInProgress | Status::DeleteComplete | Status::RollbackInProgress => {
                self.deleted = Some(now);
                self.change_set_id = None;
            }
            _ => {}
        }
        let (name, id) = (self.name.clone(), self.id.clone());
        let at = self.next_moment(now);
        self.events.push(Event {
            id: uuid::Uuid::new_v4().to_string(),
            at,
            logical_id: name,
            physical_id: Some(id),
            kind: "AWS::CloudFormation::Stack".to_owned(),
            status,
            reason,
            properties: None,
        });
    }

    /// A resource enters a state.
    pub(super) fn resource_enters(
        &mut self,
        logical_id: &str,
        status: Status,
        reason: Option<String>,
        now: OffsetDateTime,
    ) {
        let at = self.next_moment(now);
        let Some(resource) = self.resource_mut(logical_id) else { return };
        resource.status = status;
        resource.status_reason.clone_from(&reason);
        resource.at = at;
        let event = event(resource, status, reason, at);
        self.events.push(event);
    }
}

impl Stack {
    /// When the next event is: no two events of a stack are of one millisecond,
    /// so that clients which sort them by their time get them in order. AWS's
    /// are seconds apart.
    pub(super) fn next_moment(&self, now: OffsetDateTime) -> OffsetDateTime {
        let last = self.events.last().map(|event| to_the_millisecond(event.at));
        let next = last.and_then(|last| last.checked_add(Duration::MILLISECOND));
        next.map_or(now, |next| now.max(next))
    }
}

/// An event of a resource. Its id says when it was.
pub(super) fn event(
    resource: &Deployed,
    status: Status,
    reason: Option<String>,
    now: OffsetDateTime,
) -> Event {
    Event {
        id: format!("{}-{}-{}", resource.logical_id, status.text(), time_text(now)),
        at: now,
        logical_id: resource.logical_id.clone(),
        physical_id: resource.physical_id.clone(),
        kind: resource.kind.clone(),
        status,
        reason,
        properties: Some(resource.shown_properties()),
    }
}

/// An event of a resource that an update left behind: AWS numbers these by
/// chance and shows no properties (LocalStack's recorded
/// `test_update_parameter_default_value`).
pub(super) fn leftover(
    resource: &Deployed,
    status: Status,
    reason: Option<String>,
    now: OffsetDateTime,
) -> Event {
    Event {
        id: format!("{}-{}", resource.logical_id, uuid::Uuid::new_v4()),
        properties: None,
        ..event(resource, status, reason, now)
    }
}

/// A time as CloudFormation writes it, to the millisecond.
pub(super) fn time_text(at: OffsetDateTime) -> String {
    to_the_millisecond(at).format(&Rfc3339).unwrap_or_default()
}

fn to_the_millisecond(at: OffsetDateTime) -> OffsetDateTime {
    let millisecond = u32::from(at.millisecond()) * 1_000_000;
    at.replace_nanosecond(millisecond).unwrap_or(at)
}
