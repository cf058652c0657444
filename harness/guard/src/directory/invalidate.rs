//! Which knowledge a call makes stale.

use ringfence_wire::{Call, Service};

use super::Directory;
use super::policy_table::LEAVES;

/// Operations that change nothing that the directory keeps.
const READS: [&str; 4] = ["Get", "List", "Simulate", "Generate"];

/// Whether an operation may change a policy or the tags of a resource.
fn changes_resources(operation: &str) -> bool {
    !LEAVES.iter().any(|verb| operation.starts_with(verb))
}

impl Directory {
    /// Forgets what a call may have changed. It is called however the call
    /// ended: an upstream that failed half-way may have changed something.
    pub(crate) fn changed_by(&self, call: &Call) {
        self.used_by_s3.learn(call);
        self.resources_changed_by(call);
        match call.service() {
            Service::Iam if !READS.iter().any(|read| call.name().starts_with(read)) => {
                self.iam_changed(call);
            }
            Service::S3 if changes_buckets(call.name()) => {
                if let Some(bucket) = call.text("Bucket") {
                    self.buckets.forget(bucket);
                    self.bucket_access.forget(bucket);
                }
            }
            Service::S3
                if matches!(call.name(), "AbortMultipartUpload" | "CompleteMultipartUpload") =>
            {
                if let (Some(bucket), Some(id)) = (call.text("Bucket"), call.text("UploadId")) {
                    match call.text("Key").filter(|_| call.name().starts_with("Complete")) {
                        Some(key) => self.upload_completed(bucket, id, key),
                        None => self.upload_ended(bucket, id),
                    }
                }
            }
            Service::Ec2 if call.name().starts_with("Delete") => self.vpcs.clear(),
            _ => {}
        }
    }

    /// Each call that may change a resource makes all policies and tags of its
    /// service unknown again: which names it touches, and how, is the service's.
    fn resources_changed_by(&self, call: &Call) {
        if !changes_resources(call.name()) {
            return;
        }
        self.written.learn(call);
        // Its operations tag the resources of all services.
        if call.service().name() == "resourcegroupstaggingapi" {
            self.kms_keys.clear();
            return self.tags.clear();
        }
        // Services that share resources (`opensearch` and `es`, `rds` and
        // `neptune`) share the prefix of their actions.
        let prefix = call.service().iam_prefix().unwrap_or_default();
        let siblings = Service::by_iam_prefix(prefix).iter().copied();
        for api in siblings.chain([call.service()]) {
            let beginning = format!("{}\n", api.name());
            self.policies.forget_all_of(&beginning);
            self.tags.forget_all_of(&beginning);
            self.kms_keys.forget_all_of(&beginning);
            self.kms_grants.forget_all_of(&beginning);
            self.encryption_keys.forget_all_of(&beginning);
        }
    }

    fn iam_changed(&self, call: &Call) {
        let role = call.text("RoleName");
        let user = call.text("UserName");
        let group = call.text("GroupName");
        let policy = call.text("PolicyArn");
        match call.name() {
            "CreateRole"
            | "DeleteRole"
            | "UpdateRole"
            | "UpdateRoleDescription"
            | "UpdateAssumeRolePolicy"
            | "PutRolePolicy"
            | "DeleteRolePolicy"
            | "AttachRolePolicy"
            | "DetachRolePolicy"
            | "PutRolePermissionsBoundary"
            | "DeleteRolePermissionsBoundary"
            | "TagRole"
            | "UntagRole" => match role {
                Some(name) => self.forget_role(name),
                None => self.forget_all(),
            },
            "CreateUser"
            | "DeleteUser"
            | "PutUserPolicy"
            | "DeleteUserPolicy"
            | "AttachUserPolicy"
            | "DetachUserPolicy"
            | "PutUserPermissionsBoundary"
            | "DeleteUserPermissionsBoundary"
            | "TagUser"
            | "UntagUser"
            | "AddUserToGroup"
            | "RemoveUserFromGroup" => match user {
                Some(name) => self.forget_user(name),
                None => self.forget_all(),
            },
            "CreateGroup" | "PutGroupPolicy" | "DeleteGroupPolicy" | "AttachGroupPolicy"
            | "DetachGroupPolicy" => match group {
                Some(name) => self.groups.forget(name),
                None => self.forget_all(),
            },
            "CreatePolicyVersion"
            | "DeletePolicyVersion"
            | "SetDefaultPolicyVersion"
            | "DeletePolicy"
            | "TagPolicy"
            | "UntagPolicy" => match policy {
                Some(arn) => self.managed.forget(arn),
                None => self.forget_all(),
            },
            "CreateOpenIDConnectProvider"
            | "DeleteOpenIDConnectProvider"
            | "AddClientIDToOpenIDConnectProvider"
            | "RemoveClientIDFromOpenIDConnectProvider"
            | "UpdateOpenIDConnectProviderThumbprint" => self.providers.clear(),
            // Renames (UpdateUser, UpdateGroup), DeleteGroup with members,
            // CreatePolicy (whose ARN only the answer names), and whatever IAM
            // learns later.
            _ => self.forget_all(),
        }
    }
}

/// S3's operations on buckets; those on objects cannot touch a policy.
fn changes_buckets(operation: &str) -> bool {
    !READS.iter().any(|read| operation.starts_with(read))
        && !operation.starts_with("Head")
        && (operation.contains("Bucket") || operation.contains("PublicAccessBlock"))
}
