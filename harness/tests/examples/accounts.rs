//! Two accounts of an organization: each root module is applied in its own, and what
//! crosses from one to the other is decided by both.

use std::path::Path;

use ringfence::config::{Backend, Config};
use ringfence::issuers::GithubRun;
use ringfence::stack::{Options, Stack};
use ringfence::terraform::Access;
use ringfence_wire::{Service, ServiceError};
use serde_json::{Value, json};

use super::{copied, example, ringfence, said};

const WORKLOADS: &str = "444455556666";

async fn stack() -> Stack {
    let config = Config::load(&example("accounts").join("ringfence.toml")).unwrap();
    let options = Options { backend: Some(Backend::Embedded), deploy: false, ..Options::default() };
    Stack::start(config, options).await.unwrap()
}

async fn call(
    stack: &Stack,
    by: &Access,
    service: Service,
    operation: &str,
    input: Value,
) -> Result<Value, ServiceError> {
    stack.client().call(by, service, operation, input).await.result
}

/// A team's pipeline, as a token of its workflow becomes it.
async fn pipeline(stack: &Stack, team: &str) -> Access {
    let role = stack.outputs().text_of("test", &format!("identity:pipeline_arns.{team}")).unwrap();
    let run = GithubRun::of(stack.app(team).unwrap(), None);
    stack.assume(&role, &run).await.unwrap()
}

async fn become_deployer(stack: &Stack, by: &Access, team: &str) -> Result<Access, ServiceError> {
    let role = stack.outputs().text_of("test", &format!("baseline:deployer_arns.{team}")).unwrap();
    assert!(role.starts_with(&format!("arn:aws:iam::{WORKLOADS}:role/")), "{role}");
    stack.client().assume_role(by, json!({"RoleArn": role, "RoleSessionName": "deploy"})).await
}

/// The layer that decided the last request, and its first statement.
fn decided(stack: &Stack) -> (String, Option<String>) {
    let entries = stack.guard().journal().entries_since(0);
    let entry = entries.last().unwrap();
    let check = entry.checks.last().unwrap();
    let statement = check.statements.first().and_then(|statement| statement.sid.clone());
    (check.layer.clone(), statement)
}

fn by(layer: &str, sid: Option<&str>) -> (String, Option<String>) {
    (layer.to_owned(), sid.map(str::to_owned))
}

async fn put(stack: &Stack, who: &Access, bucket: &str, key: &str) -> Result<Value, ServiceError> {
    let input = json!({"Bucket": bucket, "Key": key});
    let body = bytes::Bytes::from_static(b"x");
    stack.client().call_with_payload(who, Service::S3, "PutObject", input, body).await.result
}

async fn get(stack: &Stack, who: &Access, key: &str) -> Result<Value, ServiceError> {
    call(stack, who, Service::S3, "GetObject", json!({"Bucket": "example-documents", "Key": key}))
        .await
}

#[tokio::test]
async fn what_crosses_between_accounts_is_decided_by_both() {
    let stack = stack().await;
    let (orders, billing) = (pipeline(&stack, "orders").await, pipeline(&stack, "billing").await);

    // A pipeline becomes its own team's deployer, in the other account.
    let deployer = become_deployer(&stack, &orders, "orders").await.unwrap();
    let who = call(&stack, &deployer, Service::Sts, "GetCallerIdentity", json!({})).await.unwrap();
    assert_eq!(who["Account"], WORKLOADS);
    // Not another's: neither its own account nor the other lets it.
    let error = become_deployer(&stack, &orders, "billing").await.unwrap_err();
    assert_eq!((error.code.as_ref(), error.status), ("AccessDenied", 403));
    assert_eq!(decided(&stack).0, "resource");
    // The support tool's own account lets it become anybody; the deployer's does not.
    let role = stack.outputs().text_of("test", "identity:support_arn").unwrap();
    let input = json!({"RoleName": "support", "PolicyDocument": trust(&orders_arn(&stack))});
    let root = stack.root();
    call(&stack, &root, Service::Iam, "UpdateAssumeRolePolicy", input).await.unwrap();
    let may = json!({"RoleName": "pipeline-orders", "PolicyName": "support",
        "PolicyDocument": allow("sts:AssumeRole", &role)});
    call(&stack, &root, Service::Iam, "PutRolePolicy", may).await.unwrap();
    let session = json!({"RoleArn": role, "RoleSessionName": "support"});
    let support = stack.client().assume_role(&orders, session).await.unwrap();
    become_deployer(&stack, &support, "orders").await.unwrap_err();
    assert_eq!(decided(&stack).0, "resource");
    // Where it is let in, it shows for which customer it asks.
    let access = stack.outputs().text_of("test", "baseline:support_access_arn").unwrap();
    let asked = |id: Option<&str>| {
        let mut input = json!({"RoleArn": access, "RoleSessionName": "support"});
        if let Some(id) = id {
            input["ExternalId"] = id.into();
        }
        stack.client().assume_role(&support, input)
    };
    asked(None).await.unwrap_err();
    asked(Some("another-customer")).await.unwrap_err();
    asked(Some("example-customer")).await.unwrap();
    assert_eq!(decided(&stack), by("identity", Some("AgreedCustomer")));

    // A deployer writes its own team's artifacts.
    put(&stack, &deployer, "example-artifacts", "orders/a.zip").await.unwrap();
    put(&stack, &deployer, "example-artifacts", "billing/a.zip").await.unwrap_err();
    assert_eq!(decided(&stack), by("identity", None));
    // The pipeline itself does not, whatever the account of the identities says.
    put(&stack, &orders, "example-artifacts", "orders/a.zip").await.unwrap_err();

    // Documents: both pipelines' own policies let them read, the bucket's one of them.
    put(&stack, &deployer, "example-documents", "d").await.unwrap();
    get(&stack, &orders, "d").await.unwrap();
    assert_eq!(decided(&stack).0, "identity");
    get(&stack, &billing, "d").await.unwrap_err();
    assert_eq!(decided(&stack), by("resource", None));

    // What is above each account in the organization's tree.
    let user = json!({"UserName": "somebody"});
    let workloads = stack.root_of("workloads").unwrap();
    call(&stack, &workloads, Service::Iam, "CreateUser", user.clone()).await.unwrap_err();
    assert_eq!(decided(&stack), by("scp", Some("NoLongTermKeys")));
    call(&stack, &root, Service::Iam, "CreateUser", user).await.unwrap();

    // Each account has what was applied in it, and nothing of the other's.
    for (root, role, other) in [
        (&root, "pipeline-orders", "deploy-orders"),
        (&workloads, "deploy-orders", "pipeline-orders"),
    ] {
        call(&stack, root, Service::Iam, "GetRole", json!({"RoleName": role})).await.unwrap();
        let absent = call(&stack, root, Service::Iam, "GetRole", json!({"RoleName": other})).await;
        assert_eq!(absent.unwrap_err().code, "NoSuchEntity");
    }
    stack.stop().await;
}

fn orders_arn(stack: &Stack) -> String {
    stack.outputs().text_of("test", "identity:pipeline_arns.orders").unwrap()
}

fn trust(arn: &str) -> String {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
        "Principal": {"AWS": arn}, "Action": "sts:AssumeRole"}]})
    .to_string()
}

fn allow(action: &str, resource: &str) -> String {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
        "Action": action, "Resource": resource}]})
    .to_string()
}

/// An estate of several accounts is judged whole or not at all.
#[test]
fn several_accounts_are_not_judged_by_half() {
    let place = copied("accounts");
    let file = "ringfence.toml";
    std::fs::copy(example("accounts").join(file), place.path().join(file)).unwrap();
    for command in ["verify", "attack", "mutate", "prove"] {
        let refused = ringfence(place.path(), &[command]);
        assert_eq!(refused.status.code(), Some(2), "{command}: {}", said(&refused));
        let words = said(&refused);
        let why = "ringfence.toml:14:1: an estate of several accounts is applied and its calls are \
                   decided, for tests of `ringfence-fixture`; attacks and proofs of it are not built";
        assert!(words.contains(why), "{command}: {words}");
    }
    assert!(Path::new(&place.path().join(file)).is_file());
}
