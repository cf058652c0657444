//! A case whose document AWS refuses is a call too: the one that would store
//! it.

use bytes::Bytes;
use ringfence_wire::Service;
use serde_json::{Map, Value, json};

use crate::expressed::{documents, text};

/// A document on its way into the account.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) service: Service,
    pub(crate) operation: &'static str,
    /// The call's input without its document.
    input: Value,
    /// The member that takes the document; none where it is the payload.
    member: Option<&'static str>,
    pub(crate) document: String,
    /// A document that may stand there.
    pub(crate) twin: String,
    /// The error's code.
    pub(crate) code: &'static str,
}

impl Stored {
    /// The call's input and payload with a document.
    pub(crate) fn call(&self, document: &str) -> (Value, Option<Bytes>) {
        let Some(member) = self.member else {
            return (self.input.clone(), Some(Bytes::from(document.to_owned())));
        };
        let mut input = self.input.clone();
        input[member] = document.into();
        (input, None)
    }
}

/// The call that stores the refused document of a case.
///
/// # Errors
/// Why none does.
pub(crate) fn store(case: &Map<String, Value>) -> Result<Stored, &'static str> {
    let context = case.get("context").and_then(Value::as_object).into_iter().flatten();
    let mut names: Vec<String> = context.map(|(name, _)| name.to_lowercase()).collect();
    names.sort_unstable();
    if names.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err("a key that stands twice in the context: no call has such");
    }
    let policies = case["policies"].as_object().unwrap();
    let only = |name: &str| documents(policies, name).unwrap_or_default().pop();
    let malformed = "MalformedPolicyDocument";
    let allow = |principal: Value, action: &str, resource: Value| {
        let mut statement = json!({"Effect": "Allow", "Action": action});
        for (name, value) in [("Principal", principal), ("Resource", resource)] {
            if !value.is_null() {
                statement[name] = value;
            }
        }
        json!({"Version": "2012-10-17", "Statement": statement}).to_string()
    };
    let identity = || allow(Value::Null, "s3:GetObject", json!("*"));
    if let Some(document) = only("identity") {
        return Ok(Stored {
            service: Service::Iam,
            operation: "PutUserPolicy",
            input: json!({"UserName": "alice", "PolicyName": "p"}),
            member: Some("PolicyDocument"),
            document,
            twin: identity(),
            code: malformed,
        });
    }
    if let Some(document) = only("boundary") {
        return Ok(Stored {
            service: Service::Iam,
            operation: "CreatePolicy",
            input: json!({"PolicyName": "boundary"}),
            member: Some("PolicyDocument"),
            document,
            twin: identity(),
            code: malformed,
        });
    }
    let Some(document) = policies.get("resource").map(text) else {
        return Err("a document that no call stores");
    };
    let everybody = json!({"AWS": "123456789012"});
    Ok(match case["action"].as_str() {
        Some("sts:AssumeRole") => Stored {
            service: Service::Iam,
            operation: "UpdateAssumeRolePolicy",
            input: json!({"RoleName": "target"}),
            member: Some("PolicyDocument"),
            document,
            twin: allow(everybody, "sts:AssumeRole", Value::Null),
            code: malformed,
        },
        _ => Stored {
            service: Service::S3,
            operation: "PutBucketPolicy",
            input: json!({"Bucket": "reports"}),
            member: None,
            document,
            twin: allow(everybody, "s3:GetObject", json!("arn:aws:s3:::reports/*")),
            code: "MalformedPolicy",
        },
    })
}
