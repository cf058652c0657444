//! Policies that would keep their author from changing them again.
//!
//! "The key policy must allow the calling principal to make a subsequent
//! PutKeyPolicy request on the KMS key"
//! (<https://docs.aws.amazon.com/kms/latest/APIReference/API_PutKeyPolicy.html>). What
//! the caller's own policies say counts as well
//! (<https://github.com/aws-samples/rds-snapshot-export-to-s3-pipeline/issues/8>).

use http::request;
use ringfence_models::Partition;
use ringfence_policy::Outcome;
use ringfence_services::credentials::Session;
use ringfence_wire::{Call, ServiceError};
use serde_json::Value;

use super::{Passage, Pipeline};
use crate::directory::readable;
use crate::recording::Overlay;
use crate::requirements::{Requirement, RequirementsError, ResourcePolicy, requirements};

/// A call that is checked so.
struct Checked {
    api: &'static str,
    operation: &'static str,
    /// The permission that its caller must keep.
    action: &'static str,
    /// The member with the policy, and the one that forgoes the check.
    policy: &'static str,
    forgoes: &'static str,
    code: &'static str,
    message: &'static str,
}

/// The sentences: <https://github.com/terraform-aws-modules/terraform-aws-kms/issues/14>,
/// <https://github.com/hashicorp/terraform-provider-aws/pull/20838>. ECR's check is in
/// its reference
/// (<https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_SetRepositoryPolicy.html>,
/// `force`), with the code and without the sentence: that of ours is in its form.
const CHECKED: [Checked; 5] = [
    Checked { operation: "CreateKey", ..PUT_KEY_POLICY },
    PUT_KEY_POLICY,
    Checked {
        api: "efs",
        operation: "PutFileSystemPolicy",
        action: "elasticfilesystem:PutFileSystemPolicy",
        policy: "Policy",
        forgoes: BYPASS,
        code: "InvalidPolicyException",
        message: "This policy would prevent future FileSystemPolicy updates. Retry the request \
                  with the BypassPolicyLockoutSafetyCheck parameter to apply this policy.",
    },
    SET_REPOSITORY_POLICY,
    Checked {
        api: "ecr-public",
        action: "ecr-public:SetRepositoryPolicy",
        ..SET_REPOSITORY_POLICY
    },
];

const BYPASS: &str = "BypassPolicyLockoutSafetyCheck";

const SET_REPOSITORY_POLICY: Checked = Checked {
    api: "ecr",
    operation: "SetRepositoryPolicy",
    action: "ecr:SetRepositoryPolicy",
    policy: "policyText",
    forgoes: "force",
    code: "InvalidParameterException",
    message: "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'The policy would \
              prevent you from setting another policy in the future. To apply it, force the \
              SetRepositoryPolicy operation'",
};

const PUT_KEY_POLICY: Checked = Checked {
    api: "kms",
    operation: "PutKeyPolicy",
    action: "kms:PutKeyPolicy",
    policy: "Policy",
    forgoes: BYPASS,
    code: "MalformedPolicyDocumentException",
    message: "The new key policy will not allow you to update the key policy in the future.",
};

impl Pipeline {
    /// Refuses a policy under which its author could not store another. Where it
    /// hangs on what is not known, nothing is refused.
    pub(super) async fn lockout(
        &self,
        call: &Call,
        caller: &Session,
        parts: &request::Parts,
        passage: &Passage,
    ) -> Result<(), ServiceError> {
        let is_of = |it: &&Checked| it.api == call.service().name() && it.operation == call.name();
        let Some(checked) = CHECKED.iter().find(is_of) else { return Ok(()) };
        let Some(text) = call.text(checked.policy) else { return Ok(()) };
        if call.input.get(checked.forgoes).and_then(Value::as_bool) == Some(true) {
            return Ok(());
        }
        let mut required = self.to_keep(checked, call, caller).await?;
        let prefix = checked.action.split(':').next().unwrap_or_default();
        required.resource_policy = ResourcePolicy::Resource {
            name: required.resource.clone(),
            document: readable(prefix, text),
        };
        let inputs =
            self.inputs_of(call, caller, std::slice::from_ref(&required), parts, passage).await?;
        let denies = |outcome| matches!(outcome, Outcome::ImplicitDeny | Outcome::ExplicitDeny);
        match inputs.decide(&Overlay::none()).iter().any(|decision| denies(decision.outcome)) {
            true => Err(ServiceError::new(400, checked.code, checked.message)),
            false => Ok(()),
        }
    }

    /// The permission that the caller must keep, on the resource of the call.
    async fn to_keep(
        &self,
        checked: &Checked,
        call: &Call,
        caller: &Session,
    ) -> Result<Requirement, ServiceError> {
        let required = match requirements(call, caller, &self.present(&call.region)).await {
            Ok(required) => required,
            Err(RequirementsError::Service(error)) => return Err(error),
            // Root may make a call of which nothing is known.
            Err(_) => Vec::new(),
        };
        if let Some(own) = required.iter().find(|it| it.action == checked.action) {
            return Ok(own.clone());
        }
        // A key that is not there yet has no id.
        let (region, account) = (&call.region, &self.setting.account_id);
        let partition = Partition::of_region(region);
        let key = "key/00000000-0000-0000-0000-000000000000";
        let arn = format!("arn:{partition}:kms:{region}:{account}:{key}");
        let mut new = Requirement::on(checked.action, arn);
        if let Some(created) = required.first() {
            new.context = created.context.clone();
        }
        Ok(new)
    }
}
