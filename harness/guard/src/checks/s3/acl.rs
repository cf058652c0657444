//! The access control list that a request sets: by its name, by headers, or in its
//! body. The answers are those that LocalStack recorded on AWS (`test_s3.py`,
//! `test_s3_bucket_acl_exceptions`, `test_s3_object_acl_exceptions`).

use ringfence_wire::{Call, ServiceError};
use serde_json::Value;

/// The members that grant by headers, with the header of each.
pub(super) const GRANTS: [(&str, &str); 5] = [
    ("GrantFullControl", "x-amz-grant-full-control"),
    ("GrantRead", "x-amz-grant-read"),
    ("GrantReadACP", "x-amz-grant-read-acp"),
    ("GrantWrite", "x-amz-grant-write"),
    ("GrantWriteACP", "x-amz-grant-write-acp"),
];

/// "Canned ACL"
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html>).
const CANNED: [&str; 8] = [
    "private",
    "public-read",
    "public-read-write",
    "aws-exec-read",
    "authenticated-read",
    "bucket-owner-read",
    "bucket-owner-full-control",
    "log-delivery-write",
];

/// "Amazon S3 predefined groups", same page.
const GROUPS: [&str; 3] = [
    "http://acs.amazonaws.com/groups/global/AllUsers",
    "http://acs.amazonaws.com/groups/global/AuthenticatedUsers",
    "http://acs.amazonaws.com/groups/s3/LogDelivery",
];

const PERMISSIONS: [&str; 5] = ["FULL_CONTROL", "READ", "READ_ACP", "WRITE", "WRITE_ACP"];

/// Checks the list that a call sets.
///
/// # Errors
/// S3's own, for a list that is none.
pub(crate) fn check(call: &Call) -> Result<(), ServiceError> {
    let sets = matches!(call.name(), "PutBucketAcl" | "PutObjectAcl");
    let written = ["CopyObject", "CreateBucket", "CreateMultipartUpload", "PutObject"];
    if !sets && !written.contains(&call.name()) {
        return Ok(());
    }
    let canned = call.text("ACL");
    if let Some(name) = canned.filter(|name| !CANNED.contains(name)) {
        return Err(argument("", "x-amz-acl", name));
    }
    let mut has_grants = false;
    for (member, header) in GRANTS {
        if let Some(text) = call.text(member) {
            has_grants = true;
            text.split(',').try_for_each(|grantee| in_header(grantee.trim(), header))?;
        }
    }
    if canned.is_some() && has_grants {
        let message = "Specifying both Canned ACLs and Header Grants is not allowed";
        return Err(ServiceError::new(400, "InvalidRequest", message));
    }
    if !sets {
        return Ok(());
    }
    let body = call.input.get("AccessControlPolicy").filter(|body| !body.is_null());
    match (body, canned.is_some() || has_grants) {
        (Some(_), true) => {
            let message = "This request does not support content";
            Err(ServiceError::new(400, "UnexpectedContent", message))
        }
        (Some(body), false) => in_body(body),
        (None, true) => Ok(()),
        (None, false) => {
            let message = "Your request was missing a required header";
            Err(ServiceError::new(400, "MissingSecurityHeader", message)
                .with("MissingHeaderName", "x-amz-acl"))
        }
    }
}

/// `id="…"`, `uri="…"` or `emailAddress="…"`.
fn in_header(grantee: &str, header: &'static str) -> Result<(), ServiceError> {
    let (kind, value) = grantee.split_once('=').unwrap_or((grantee, ""));
    let value = value.trim().trim_matches('"');
    match kind.trim() {
        "id" if !is_canonical(value) => Err(argument("Invalid id", "id", value)),
        "uri" if !GROUPS.contains(&value) => Err(argument("Invalid group uri", "uri", value)),
        "id" | "uri" => Ok(()),
        "emailAddress" => Err(by_email()),
        _ => Err(argument("Argument format not recognized", header, grantee)),
    }
}

fn in_body(body: &Value) -> Result<(), ServiceError> {
    let owner = body.get("Owner").and_then(|owner| owner.get("ID")?.as_str());
    let owner = owner.ok_or_else(malformed)?;
    if !is_canonical(owner) {
        return Err(argument("Invalid id", "CanonicalUser/ID", owner));
    }
    let grants = body.get("AccessControlList").and_then(Value::as_array);
    for grant in grants.into_iter().flatten() {
        let permission = grant.get("Permission").and_then(Value::as_str).unwrap_or_default();
        if !PERMISSIONS.contains(&permission) {
            return Err(malformed());
        }
        let of = |member: &str| grant.get("Grantee")?.get(member)?.as_str();
        match (of("xsi:type"), of("ID"), of("URI")) {
            (Some("CanonicalUser"), Some(id), _) if !is_canonical(id) => {
                return Err(argument("Invalid id", "CanonicalUser/ID", id));
            }
            (Some("Group"), _, Some(uri)) if !GROUPS.contains(&uri) => {
                return Err(argument("Invalid group uri", "Group/URI", uri));
            }
            (Some("CanonicalUser"), Some(_), _) | (Some("Group"), _, Some(_)) => {}
            (Some("AmazonCustomerByEmail"), ..) => return Err(by_email()),
            _ => return Err(malformed()),
        }
    }
    Ok(())
}

/// "an obfuscated form of the AWS account ID": 64 hexadecimal digits
/// (<https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-identifiers.html>).
fn is_canonical(id: &str) -> bool {
    id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn argument(message: &str, name: &str, value: &str) -> ServiceError {
    ServiceError::new(400, "InvalidArgument", message.to_owned())
        .with("ArgumentName", name)
        .with("ArgumentValue", value)
}

/// "As of October 1, 2025, Amazon S3 has discontinued support for Email Grantee Access
/// Control Lists (ACLs). If you attempt to use an Email Grantee ACL in a request after
/// October 1, 2025, the request will receive an HTTP 405 (Method Not Allowed) error."
/// (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketAcl.html>)
fn by_email() -> ServiceError {
    let message = "The specified method is not allowed against this resource.";
    ServiceError::new(405, "MethodNotAllowed", message)
}

fn malformed() -> ServiceError {
    ServiceError::new(400, "MalformedACLError", ServiceError::malformed_xml().message)
}

#[cfg(test)]
mod tests {
    use ringfence_wire::{Operation, Service};
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    const ID: &str = "75aa57f09aa0c8caeab4f8c24e99d10f8e7faeebf76c078efc7c6caea54ba06a";
    const LOGS: &str = "http://acs.amazonaws.com/groups/s3/LogDelivery";
    const FAKE: &str = "http://acs.amazonaws.com/groups/s3/FakeGroup";

    fn checked(operation: &str, mut input: Value) -> Result<(), ServiceError> {
        input["Bucket"] = json!("b");
        input["Key"] = json!("k");
        check(&Call {
            operation: Operation::find(Service::S3, operation).unwrap(),
            region: "eu-west-1".into(),
            input: input.as_object().unwrap().clone(),
            payload: None,
        })
    }

    fn body(owner: Value, grantee: &Value, permission: &str) -> Value {
        let grant = json!({"Grantee": grantee, "Permission": permission});
        json!({"AccessControlPolicy": {"Owner": owner, "AccessControlList": [grant]}})
    }

    #[rstest]
    #[case::canned(json!({"ACL": "fake-acl"}), 400, "InvalidArgument", "")]
    #[case::uri(json!({"GrantWrite": format!("uri=\"{FAKE}\"")}), 400, "InvalidArgument",
        "Invalid group uri")]
    #[case::kind(json!({"GrantWrite": "fakekey=\"1234\""}), 400, "InvalidArgument",
        "Argument format not recognized")]
    #[case::id(json!({"GrantWrite": "id=\"wrong-id\""}), 400, "InvalidArgument", "Invalid id")]
    #[case::second(json!({"GrantWrite": format!("id={ID}, id=x")}), 400, "InvalidArgument",
        "Invalid id")]
    #[case::email(json!({"GrantRead": "emailAddress=\"a@example.com\""}), 405,
        "MethodNotAllowed", "The specified method is not allowed against this resource.")]
    #[case::two(json!({"ACL": "private", "GrantRead": format!("uri=\"{LOGS}\"")}), 400,
        "InvalidRequest", "Specifying both Canned ACLs and Header Grants is not allowed")]
    #[case::nothing(json!({}), 400, "MissingSecurityHeader",
        "Your request was missing a required header")]
    fn a_header_that_is_no_list_is_refused(
        #[case] input: Value,
        #[case] status: u16,
        #[case] code: &str,
        #[case] message: &str,
    ) {
        for operation in ["PutBucketAcl", "PutObjectAcl"] {
            let error = checked(operation, input.clone()).unwrap_err();
            assert_eq!(
                (error.status, error.code.as_ref(), error.message.as_ref()),
                (status, code, message)
            );
        }
        let upload = checked("PutObject", input.clone());
        assert_eq!(upload.is_ok(), input == json!({}), "an upload needs no list");
    }

    #[rstest]
    #[case::no_owner(Value::Null, json!({"xsi:type": "Group", "URI": LOGS}), "WRITE",
        "MalformedACLError", "The XML you provided was not well-formed or did not validate \
        against our published schema")]
    #[case::permission(json!({"ID": ID}), json!({"xsi:type": "Group", "URI": LOGS}), "WRONG",
        "MalformedACLError", "The XML you provided was not well-formed or did not validate \
        against our published schema")]
    #[case::owner(json!({"ID": "wrong-id"}), json!({"xsi:type": "Group", "URI": LOGS}), "READ",
        "InvalidArgument", "Invalid id")]
    #[case::uri(json!({"ID": ID}), json!({"xsi:type": "Group", "URI": FAKE}), "READ",
        "InvalidArgument", "Invalid group uri")]
    #[case::id(json!({"ID": ID}), json!({"xsi:type": "CanonicalUser", "ID": "wrong-id"}), "READ",
        "InvalidArgument", "Invalid id")]
    #[case::kind(json!({"ID": ID}), json!({"xsi:type": "BadType", "ID": "wrong-id"}), "READ",
        "MalformedACLError", "The XML you provided was not well-formed or did not validate \
        against our published schema")]
    fn a_body_that_is_no_list_is_refused(
        #[case] owner: Value,
        #[case] grantee: Value,
        #[case] permission: &str,
        #[case] code: &str,
        #[case] message: &str,
    ) {
        let error = checked("PutBucketAcl", body(owner, &grantee, permission)).unwrap_err();
        assert_eq!(
            (error.status, error.code.as_ref(), error.message.as_ref()),
            (400, code, message)
        );
    }

    #[test]
    fn a_list_is_taken() {
        let group = json!({"xsi:type": "Group", "URI": LOGS});
        let both = body(json!({"ID": ID}), &group, "WRITE");
        for input in [
            json!({"ACL": "log-delivery-write"}),
            json!({"GrantRead": format!("uri=\"{LOGS}\", id={ID}")}),
            both.clone(),
        ] {
            assert_eq!(checked("PutBucketAcl", input), Ok(()));
        }
        let mut twice = both;
        twice["ACL"] = json!("private");
        let error = checked("PutBucketAcl", twice).unwrap_err();
        assert_eq!((error.status, error.code.as_ref()), (400, "UnexpectedContent"));
        let empty = json!({"AccessControlPolicy": {}});
        let error = checked("PutObjectAcl", empty).unwrap_err();
        assert_eq!((error.status, error.code.as_ref()), (400, "MalformedACLError"));
    }
}
