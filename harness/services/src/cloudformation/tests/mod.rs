//! CloudFormation against an endpoint that records every call and denies the
//! named ones.

mod change_sets;
mod changes;
mod create;
mod custom;
mod described;
mod fake;
mod http_api_body;
mod macros;
mod nested;
mod networks;
mod policies;
mod recorded;
mod templates;
mod update;

use std::sync::Arc;
use std::time::Duration;

use ringfence_wire::reply::Body;
use ringfence_wire::{Call, Operation, Service, ServiceError};
use serde_json::{Value, json};
use url::Url;

use self::fake::Fake;
use super::CloudFormation;
use crate::client::Client;
use crate::credentials::{Identity, Session};
use crate::setting::Setting;

/// A CloudFormation, its caller and the world that it calls.
struct World {
    service: Arc<CloudFormation>,
    fake: Arc<Fake>,
    caller: Session,
}

impl World {
    async fn new() -> Self {
        let setting = Arc::new(Setting::new(
            "123456789012",
            "eu-west-1",
            crate::setting::Interpreters::default(),
            std::env::temp_dir(),
        ));
        let fake = Fake::start(Arc::clone(&setting.keyring)).await;
        setting.set_endpoint(Url::parse(&fake.endpoint()).unwrap());
        let service = CloudFormation::new(Arc::clone(&setting), Client::new(setting));
        let caller = Session::direct(Identity::User {
            arn: "arn:aws:iam::123456789012:user/dev".into(),
            name: "dev".into(),
            user_id: "AIDADEV".into(),
        });
        Self { service, fake, caller }
    }

    async fn call(&self, operation: &str, input: Value) -> Result<Value, ServiceError> {
        let Value::Object(input) = input else { panic!("an object") };
        let call = Call {
            operation: Operation::find(Service::CloudFormation, operation).unwrap(),
            region: "eu-west-1".into(),
            input,
            payload: None,
        };
        match self.service.answer(&call, &self.caller).await?.body {
            Body::Fields(fields) => Ok(fields),
            other => panic!("{other:?}"),
        }
    }

    /// Makes a change set, and gives its description once it is settled.
    async fn change_set(&self, name: &str, extra: Value) -> Value {
        let mut input = json!({"StackName": "s", "ChangeSetName": name});
        input.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        let id = self.call("CreateChangeSet", input).await.unwrap()["Id"].clone();
        self.settled(json!({"ChangeSetName": id})).await
    }

    /// Waits for a change set.
    async fn settled(&self, describe: Value) -> Value {
        for _ in 0..1_000 {
            let set = self.call("DescribeChangeSet", describe.clone()).await.unwrap();
            if matches!(set["Status"].as_str(), Some("CREATE_COMPLETE" | "FAILED")) {
                return set;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("the change set never settles");
    }

    /// Makes the stack `s` by a change set, and gives the change set's ARN.
    async fn create_by_change_set(&self, name: &str, template: &str, parameters: Value) -> String {
        let set = self
            .change_set(
                name,
                json!({
                    "ChangeSetType": "CREATE", "TemplateBody": template, "Parameters": parameters,
                }),
            )
            .await;
        let id = set["ChangeSetId"].as_str().unwrap().to_owned();
        self.call("ExecuteChangeSet", json!({"ChangeSetName": id})).await.unwrap();
        assert_eq!(self.rest("s").await, "CREATE_COMPLETE");
        for _ in 0..1_000 {
            let set = self.call("DescribeChangeSet", json!({"ChangeSetName": id})).await.unwrap();
            if set["ExecutionStatus"] == "EXECUTE_COMPLETE" {
                return id;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("the change set is never executed");
    }

    /// Waits until the stack rests, and gives its status.
    async fn rest(&self, name_or_id: &str) -> String {
        for _ in 0..2_000 {
            let reply =
                self.call("DescribeStacks", json!({"StackName": name_or_id})).await.unwrap();
            let status = reply["Stacks"][0]["StackStatus"].as_str().unwrap().to_owned();
            if !status.ends_with("_IN_PROGRESS") || status == "REVIEW_IN_PROGRESS" {
                return status;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("{name_or_id} never rests");
    }

    /// Creates a stack and gives its id and final status.
    async fn create(&self, name: &str, template: &str) -> (String, String) {
        let input = json!({
            "StackName": name,
            "TemplateBody": template,
            "Capabilities": ["CAPABILITY_NAMED_IAM"],
        });
        let id = self.call("CreateStack", input).await.unwrap()["StackId"].clone();
        let id = id.as_str().unwrap().to_owned();
        let status = self.rest(&id).await;
        (id, status)
    }

    /// Updates a stack and gives its final status.
    async fn update(&self, name: &str, template: &str) -> String {
        let input = json!({
            "StackName": name,
            "TemplateBody": template,
            "Capabilities": ["CAPABILITY_NAMED_IAM"],
        });
        self.call("UpdateStack", input).await.unwrap();
        self.rest(name).await
    }

    /// The history, oldest first: `ID STATUS REASON`.
    async fn events(&self, stack: &str) -> Vec<String> {
        let reply = self.call("DescribeStackEvents", json!({"StackName": stack})).await.unwrap();
        let mut events: Vec<String> = reply["StackEvents"]
            .as_array()
            .unwrap()
            .iter()
            .map(|event| {
                let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
                let line = format!(
                    "{} {} {}",
                    text("LogicalResourceId"),
                    text("ResourceStatus"),
                    text("ResourceStatusReason")
                );
                without_token(&line).trim_end().to_owned()
            })
            .collect();
        events.reverse();
        events
    }
}

/// Request tokens are new every time.
fn without_token(line: &str) -> String {
    match line.split_once("RequestToken: ") {
        Some((before, after)) => {
            let rest = after.split_once(',').map_or("", |(_, rest)| rest);
            format!("{before}RequestToken: T,{rest}")
        }
        None => line.to_owned(),
    }
}

fn error(result: Result<Value, ServiceError>) -> (u16, String, String) {
    let error = result.unwrap_err();
    (error.status, error.code.into_owned(), error.message)
}
