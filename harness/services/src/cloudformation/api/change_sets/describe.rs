//! `DescribeChangeSet`.

use ringfence_wire::{Call, ServiceError};
use serde_json::{Value, json};

use super::{not_found, summary};
use crate::cloudformation::CloudFormation;
use crate::cloudformation::api::describe::{filled, parameters, put, tags};
use crate::cloudformation::api::input;

impl CloudFormation {
    pub(in crate::cloudformation::api) fn describe_change_set(
        &self,
        call: &Call,
    ) -> Result<Value, ServiceError> {
        let (stack, name) = self.locate(call)?;
        let stack_name = self.store.read(&stack, |stack| stack.name.clone()).unwrap_or_default();
        let set = self
            .store
            .change_set(&stack, &name, |set| set.clone())
            .ok_or_else(|| not_found(&name))?;
        let with_values = input::flag(call, "IncludePropertyValues").unwrap_or(false);
        let (changes, next) = input::page(call, set.changes.shown(with_values), 100)?;
        let mut reply = summary(&set, &stack_name, &stack);
        if let Value::Object(members) = &mut reply {
            put(members, "Changes", Some(changes));
            // Recorded: `test_stack_description_lifecycle`, where there are none.
            put(members, "Parameters", filled(parameters(&set.parameters)));
            put(members, "Tags", filled(tags(&set.tags)));
            put(members, "Capabilities", Some(json!(set.capabilities)));
            put(members, "NotificationARNs", Some(json!(set.notification_arns)));
            put(members, "RollbackConfiguration", Some(json!({})));
            put(members, "OnStackFailure", set.on_failure);
            put(members, "NextToken", next);
            if with_values && set.status_reason.is_none() {
                put(members, "StatusReason", set.changes.warning());
            }
        }
        Ok(reply)
    }
}
