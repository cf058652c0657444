//! What a call requires, told of the account that the guard's own tests use,
//! and decided.

use std::sync::{Arc, LazyLock};

use ringfence_policy::{Document, Kind, Policies, Principal, Request};
use ringfence_services::{Identity, Session};
use ringfence_wire::{Call, error};

use crate::requirements::{self, RequirementsError};

#[path = "../../src/requirements/tests/fake.rs"]
mod fake;

const ACCOUNT: &str = "123456789012";
const USER: &str = "arn:aws:iam::123456789012:user/people/alice";

/// Reads keys of the request, of the resource and of the principal.
static POLICY: LazyLock<Arc<Document>> = LazyLock::new(|| {
    let text = r#"{"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Effect": "Deny", "Action": "*", "Resource": "*",
         "Condition": {"StringLike": {"aws:RequestTag/team": "${aws:ResourceTag/team}*"}}}]}"#;
    Arc::new(Document::parse("policy", text, Kind::Identity).expect("a policy"))
});

pub(crate) fn decide(call: &Call) {
    let caller = Session::direct(Identity::User {
        arn: USER.to_owned(),
        name: "alice".to_owned(),
        user_id: "AIDAALICE".to_owned(),
    });
    let required =
        futures_executor::block_on(requirements::requirements(call, &caller, &fake::Account));
    let required = match required {
        Ok(required) => required,
        Err(RequirementsError::Unmapped { .. }) => return,
        Err(RequirementsError::Service(refused)) => {
            let _ = error::render(&refused, call.service(), "REQUEST-ID");
            return;
        }
    };
    let principal = Principal::User { arn: USER.to_owned() };
    let policies = Policies { identity: vec![Arc::clone(&POLICY)], ..Policies::default() };
    for requirement in &required {
        assert!(requirement.action.contains(':') && !requirement.resource.is_empty());
        let request = Request {
            principal: &principal,
            action: &requirement.action,
            resource: &requirement.resource,
            resource_account: Some(ACCOUNT),
            context: &requirement.context,
        };
        let _ = ringfence_policy::decide(&request, &policies);
    }
}
