//! The operations of CloudFormation.

mod change_sets;
mod describe;
pub(super) mod input;
mod stacks;
mod templates;

use std::sync::Arc;

use ringfence_wire::{Call, ServiceError};
use serde_json::Value;

use super::CloudFormation;
use super::error::unsupported;
use crate::credentials::Session;

impl CloudFormation {
    /// Sends a call to what answers it.
    pub(super) async fn dispatch(
        self: &Arc<Self>,
        call: &Call,
        caller: &Session,
    ) -> Result<Value, ServiceError> {
        match call.name() {
            "CreateStack" => self.create_stack(call, caller).await,
            "UpdateStack" => self.update_stack(call, caller).await,
            "DeleteStack" => self.delete_stack(call, caller).await,
            "UpdateTerminationProtection" => self.update_termination_protection(call),
            "DescribeStacks" => self.describe_stacks(call),
            "ListStacks" => self.list_stacks(call),
            "DescribeStackEvents" => self.describe_stack_events(call),
            "DescribeStackResource" => self.describe_stack_resource(call),
            "DescribeStackResources" => self.describe_stack_resources(call),
            "ListStackResources" => self.list_stack_resources(call),
            "ListExports" => self.list_exports(call),
            "ListImports" => self.list_imports(call),
            "GetTemplate" => self.get_template(call),
            "GetTemplateSummary" => self.get_template_summary(call, caller).await,
            "ValidateTemplate" => self.validate_template(call, caller).await,
            "GetStackPolicy" => self.get_stack_policy(call),
            "CreateChangeSet" => self.create_change_set(call, caller).await,
            "DescribeChangeSet" => self.describe_change_set(call),
            "ExecuteChangeSet" => self.execute_change_set(call, caller).await,
            "DeleteChangeSet" => self.delete_change_set(call),
            "ListChangeSets" => self.list_change_sets(call),
            other => Err(unsupported(format_args!("the operation {other}"))),
        }
    }
}
