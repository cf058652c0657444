//! Which permissions each call requires: one table a service, and the exact
//! set of operations that nothing maps.

mod api_gateway;
mod asked;
mod by_rule;
mod catalogue;
mod cloudformation;
mod dependent;
mod dynamodb;
mod ec2;
mod fake;
mod forward_access;
mod iam;
mod kms;
mod lambda;
mod logs;
mod made;
mod partitions;
mod required;
mod roles;
mod s3;
mod secrets_manager;
mod ssm;
mod sts;
mod unknown;
mod unmapped;

use ringfence_policy::request::Values;
use ringfence_services::{Identity, Session};
use ringfence_wire::{Call, Operation, Service};
use serde_json::Value;

use super::{Needed, Requirement, RequirementsError, ResourcePolicy};

pub(crate) use fake::Account;

const ACCOUNT: &str = "123456789012";

pub(crate) fn call(service: Service, operation: &str, input: Value) -> Call {
    Call {
        operation: Operation::find(service, operation).unwrap(),
        region: "eu-west-1".to_owned(),
        input: match input {
            Value::Object(members) => members,
            _ => panic!("the input is an object"),
        },
        payload: None,
    }
}

fn alice() -> Session {
    Session::direct(Identity::User {
        arn: format!("arn:aws:iam::{ACCOUNT}:user/people/alice"),
        name: "alice".into(),
        user_id: "AIDAALICE".into(),
    })
}

fn root() -> Session {
    Session::direct(Identity::Root {
        account_id: ACCOUNT.into(),
        partition: ringfence_models::Partition::default(),
    })
}

async fn ask_as(
    caller: &Session,
    service: Service,
    operation: &str,
    input: Value,
) -> Result<Vec<Requirement>, RequirementsError> {
    super::requirements(&call(service, operation, input), caller, &fake::Account).await
}

/// A requirement as one line: `ACTION RESOURCE (PRINTED) key=value … ?unknown …
/// ^POLICY ~PERHAPS`.
fn line(requirement: &Requirement) -> String {
    let mut line = format!("{} {}", requirement.action, requirement.resource);
    if let Some(printed) = &requirement.printed_resource {
        line.push_str(&format!(" ({printed})"));
    }
    let mut keys: Vec<&str> = requirement.context.keys().collect();
    keys.sort_unstable();
    for key in keys {
        match requirement.context.get(key).unwrap() {
            Values::One(value) => line.push_str(&format!(" {key}={value}")),
            Values::Many(values) => line.push_str(&format!(" {key}=[{}]", values.join(","))),
        }
    }
    for key in requirement.context.unknown() {
        line.push_str(&format!(" ?{key}"));
    }
    match &requirement.resource_policy {
        ResourcePolicy::None => {}
        ResourcePolicy::Resource { document, .. } => line.push_str(&format!(" ^{document}")),
        ResourcePolicy::Unknown { reason, .. } => line.push_str(&format!(" ^?{reason}")),
        ResourcePolicy::Trust { document, .. } => line.push_str(&format!(" ^trust:{document}")),
    }
    if let Needed::Perhaps(reason) = requirement.needed {
        line.push_str(&format!(" ~{reason}"));
    }
    line
}

async fn expect_as(
    caller: &Session,
    service: Service,
    operation: &str,
    input: Value,
    expected: &[&str],
) {
    let requirements = ask_as(caller, service, operation, input).await.unwrap();
    let lines: Vec<String> = requirements.iter().map(line).collect();
    assert_eq!(lines, expected, "{operation}");
}

async fn expect(service: Service, operation: &str, input: Value, expected: &[&str]) {
    expect_as(&root(), service, operation, input, expected).await;
}
