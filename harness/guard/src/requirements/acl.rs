//! What access control lists grant, as statements of a policy of the bucket: "Mapping
//! of ACL permissions and access policy permissions"
//! (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html>).
//!
//! Only what they grant to groups counts here. The account itself needs no list of
//! its own, and nobody of another account calls.

use serde_json::{Value, json};

use super::bucket_access::{Acl, Grantee};
use super::bucket_policy::Asked;

/// Whose list grants an action, and by which permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Granted {
    /// The bucket's.
    Bucket(&'static str),
    /// The object's.
    Object(&'static str),
}

impl Granted {
    /// What grants an action; nothing of an action that no list grants.
    pub(super) fn of(action: &str) -> Option<Self> {
        Some(match action.strip_prefix("s3:")? {
            "ListBucket" | "ListBucketMultipartUploads" | "ListBucketVersions" => {
                Self::Bucket("READ")
            }
            "PutObject" | "DeleteObject" => Self::Bucket("WRITE"),
            "GetBucketAcl" => Self::Bucket("READ_ACP"),
            "PutBucketAcl" => Self::Bucket("WRITE_ACP"),
            "GetObject" | "GetObjectVersion" => Self::Object("READ"),
            "GetObjectAcl" | "GetObjectVersionAcl" => Self::Object("READ_ACP"),
            "PutObjectAcl" | "PutObjectVersionAcl" => Self::Object("WRITE_ACP"),
            _ => return None,
        })
    }
}

/// The statements that stand for a list's entries of one permission.
pub(super) fn statements(acl: &Acl, granted: Granted, asked: &Asked<'_>) -> Vec<Value> {
    let (list, permission) = match granted {
        Granted::Bucket(permission) => ("Bucket", permission),
        Granted::Object(permission) => ("Object", permission),
    };
    let counts = |given: &str| given == permission || given == "FULL_CONTROL";
    acl.grants
        .iter()
        .filter(|grant| counts(&grant.permission))
        .filter_map(|grant| {
            let group = match grant.grantee {
                Grantee::Everybody => "AllUsers",
                Grantee::Authenticated => "AuthenticatedUsers",
                Grantee::Owner | Grantee::Other => return None,
            };
            let sid = format!("{list}Acl{group}{}", grant.permission.replace('_', ""));
            let mut statement = json!({"Sid": sid, "Effect": "Allow", "Principal": "*",
                "Action": asked.action, "Resource": asked.resource});
            if grant.grantee == Grantee::Authenticated
                && let Some(statement) = statement.as_object_mut()
            {
                let signed = json!({"StringNotEquals": {"aws:PrincipalType": "Anonymous"}});
                statement.insert("Condition".to_owned(), signed);
            }
            Some(statement)
        })
        .collect()
}
