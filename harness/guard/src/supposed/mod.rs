//! What a call would ask for, told without a guard that runs: by the guard's own
//! mapping, of an account in which nothing is but what is supposed.

mod state;

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr};
use std::pin::pin;
use std::sync::Arc;
use std::task::{self, Poll, Waker};

use ringfence_services::Session;
use ringfence_wire::Call;
use time::OffsetDateTime;

use crate::authorize::resource_account;
use crate::context::{self, Circumstances};
use crate::recording::Asked;
use crate::requirements::state::Tags;
use crate::requirements::{RequirementsError, known, requirements};

/// An account of which nothing is known but one resource, which is there as it is
/// supposed to be.
#[derive(Debug, Clone)]
pub struct Supposed {
    /// The account's id.
    pub account_id: String,
    /// What is acted upon, by its ARN.
    pub resource: String,
    /// Its tags.
    pub tags: Tags,
    /// Of a role or a user its permissions boundary.
    pub boundary: Option<String>,
    /// The tags of who calls: those of its role or user, not of its session.
    pub caller_tags: Tags,
    /// When the call arrives.
    pub now: OffsetDateTime,
}

impl Supposed {
    /// The permissions that a call asks for, in order, with all condition keys: those of
    /// [`requirements`], and the global ones as the pipeline adds them. Without the
    /// policies of resources, of which none is supposed. The call comes over the loopback
    /// interface, from a client that does not say which it is.
    ///
    /// # Errors
    /// As [`requirements`]: a call without a mapping, or one that is malformed.
    pub fn asked(&self, call: &Call, caller: &Session) -> Result<Vec<Asked>, RequirementsError> {
        let required = at_once(requirements(call, caller, self))?;
        let circumstances = Circumstances {
            source_ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
            user_agent: None,
            referer: None,
            arrival: None,
            now: self.now,
        };
        let region = context::requested_region(call);
        let global = context::global(region, caller, &self.caller_tags, &circumstances);
        let acting = caller.identity.account_id().map(|_| self.account_id.as_str());
        let asked = required.into_iter().map(|requirement| {
            let mut context = global.clone();
            match resource_account(&requirement.resource).or(acting) {
                Some(account) => drop(context.set("aws:ResourceAccount", account)),
                None => drop(context.set_unknown("aws:ResourceAccount")),
            }
            context.extend(&requirement.context);
            known::mark_unknown(&requirement.action, &requirement.resource, &mut context);
            Asked {
                action: requirement.action,
                resource: requirement.resource,
                context: Arc::new(context),
                resource_policy: None,
                needed: requirement.needed,
            }
        });
        Ok(asked.collect())
    }
}

/// What is ready at once, as everything that waits for a supposed state is.
fn at_once<T>(
    future: impl Future<Output = Result<T, RequirementsError>>,
) -> Result<T, RequirementsError> {
    match pin!(future).poll(&mut task::Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => Err(RequirementsError::Service(ringfence_wire::ServiceError::new(
            500,
            "InternalFailure",
            "a supposed state was waited for",
        ))),
    }
}

#[cfg(test)]
mod tests {
    use ringfence_policy::Values;
    use ringfence_services::Identity;
    use ringfence_services::credentials::RoleSession;
    use ringfence_wire::Service;
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;
    use crate::requirements::tests::call;

    const ROLE: &str = "arn:aws:iam::123456789012:role/apps/app";

    fn session() -> Session {
        Session::direct(Identity::Role(Box::new(RoleSession {
            role_arn: "arn:aws:iam::123456789012:role/ci".into(),
            role_name: "ci".into(),
            role_id: "AROAEXAMPLE".into(),
            session_name: "s".into(),
            session_policies: None,
            tags: vec![("team".into(), "a".into())],
            transitive_tag_keys: Vec::new(),
            source_identity: None,
            web_keys: Vec::new(),
            federated_provider: None,
            assumed_by: None,
            issued_at: OffsetDateTime::UNIX_EPOCH,
        })))
    }

    fn supposed(resource: &str) -> Supposed {
        Supposed {
            account_id: "123456789012".into(),
            resource: resource.into(),
            tags: vec![("team".into(), "b".into())],
            boundary: Some("arn:aws:iam::123456789012:policy/b".into()),
            caller_tags: vec![("cost".into(), "7".into())],
            now: OffsetDateTime::UNIX_EPOCH,
        }
    }

    #[rstest]
    #[case::of_the_resource("iam:resourcetag/team", Some("b"))]
    #[case::of_the_session("aws:principaltag/team", Some("a"))]
    #[case::of_the_role("aws:principaltag/cost", Some("7"))]
    #[case::of_the_call("aws:requestedregion", Some("us-east-1"))]
    #[case::of_the_arn("aws:resourceaccount", Some("123456789012"))]
    #[case::of_none("aws:requesttag/team", None)]
    fn a_call_asks_with_what_is_supposed(#[case] key: &str, #[case] value: Option<&str>) {
        let call = call(Service::Iam, "DeleteRole", json!({"RoleName": "app"}));
        let asked = supposed(ROLE).asked(&call, &session()).unwrap();
        let [one] = asked.as_slice() else { panic!("{asked:?}") };
        assert_eq!((one.action.as_str(), one.resource.as_str()), ("iam:DeleteRole", ROLE));
        let told = one.context.get(key).map(Values::as_slice);
        assert_eq!(told.map(|all| all.join(",")).as_deref(), value);
    }

    #[test]
    fn a_boundary_is_supposed_of_the_resource_alone() {
        let of = |name: &str| {
            let input = json!({"RoleName": name, "PolicyArn": "arn:aws:iam::aws:policy/P"});
            let call = call(Service::Iam, "AttachRolePolicy", input);
            let asked = supposed(ROLE).asked(&call, &session()).unwrap();
            asked.first().unwrap().context.get("iam:PermissionsBoundary").cloned()
        };
        let boundary = Values::One("arn:aws:iam::123456789012:policy/b".to_owned());
        assert_eq!(of("app"), Some(boundary));
        assert_eq!(of("other"), None);
    }

    #[rstest]
    #[case(Service::Lambda, "GetFunction", json!({"FunctionName": "f"}),
        "arn:aws:lambda:eu-west-1:123456789012:function:f", "aws:resourcetag/team")]
    #[case(Service::DynamoDb, "DeleteTable", json!({"TableName": "t"}),
        "arn:aws:dynamodb:eu-west-1:123456789012:table/t", "aws:resourcetag/team")]
    #[case(Service::CloudFormation, "DeleteStack", json!({"StackName": "s"}),
        "arn:aws:cloudformation:eu-west-1:123456789012:stack/s/id", "aws:resourcetag/team")]
    #[case(Service::SecretsManager, "DeleteSecret", json!({"SecretId": "db"}),
        "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdEf", "aws:resourcetag/team")]
    #[case(Service::Ssm, "GetParameter", json!({"Name": "/p"}),
        "arn:aws:ssm:eu-west-1:123456789012:parameter/p", "aws:resourcetag/team")]
    fn what_is_supposed_is_there(
        #[case] service: Service,
        #[case] operation: &str,
        #[case] input: Value,
        #[case] arn: &str,
        #[case] key: &str,
    ) {
        let call = call(service, operation, input);
        let asked = supposed(arn).asked(&call, &session()).unwrap();
        let one = asked.first().unwrap();
        assert_eq!(one.resource, arn);
        assert_eq!(one.context.get(key), Some(&Values::One("b".to_owned())));
        let other = Supposed { resource: "arn:aws:s3:::other".into(), ..supposed(arn) };
        let asked = other.asked(&call, &session()).unwrap();
        assert_eq!(asked.first().unwrap().context.get(key), None);
    }
}
