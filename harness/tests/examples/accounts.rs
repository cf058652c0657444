//! Two accounts of an organization: each root module is applied in its own, and what
//! crosses from one to the other is decided by both.

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

    // What a key of one account encrypted, whoever its policy lets in decrypts without
    // the key's name.
    let policy = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": format!("arn:aws:iam::{WORKLOADS}:root")},
            "Action": "kms:*", "Resource": "*"},
        {"Sid": "OrdersDecrypts", "Effect": "Allow", "Principal": {"AWS": orders_arn(&stack)},
            "Action": "kms:Decrypt", "Resource": "*"}]});
    let input = json!({"Policy": policy.to_string()});
    let key = call(&stack, &workloads, Service::Kms, "CreateKey", input).await.unwrap();
    let key = key["KeyMetadata"]["Arn"].as_str().unwrap();
    let input = json!({"KeyId": key, "Plaintext": "c2VjcmV0"});
    let sealed = call(&stack, &workloads, Service::Kms, "Encrypt", input).await.unwrap();
    let sealed = json!({"CiphertextBlob": sealed["CiphertextBlob"]});
    for (team, who) in [("orders", &orders), ("billing", &billing)] {
        let may = json!({"RoleName": format!("pipeline-{team}"), "PolicyName": "kms",
            "PolicyDocument": allow("kms:Decrypt", "*")});
        call(&stack, &root, Service::Iam, "PutRolePolicy", may).await.unwrap();
        let told = call(&stack, who, Service::Kms, "Decrypt", sealed.clone()).await;
        let check = stack.guard().journal().entries_since(0).last().unwrap().checks[0].clone();
        assert_eq!(check.resource, key, "{team}");
        match team {
            "orders" => assert_eq!(told.unwrap()["Plaintext"], "c2VjcmV0"),
            _ => {
                assert_eq!(told.unwrap_err().code, "AccessDeniedException");
                assert_eq!(decided(&stack), by("resource", None));
            }
        }
    }

    // Who was deleted in one account is nobody in the policies of the other, also once
    // there is another of the name.
    let named = json!({"UserName": "somebody"});
    let found = call(&stack, &root, Service::Iam, "GetUser", named.clone()).await.unwrap();
    let (arn, id) = (found["User"]["Arn"].as_str().unwrap(), found["User"]["UserId"].clone());
    let made = json!({"RoleName": "trusting", "AssumeRolePolicyDocument": trust(arn)});
    call(&stack, &workloads, Service::Iam, "CreateRole", made).await.unwrap();
    let trusted = async || {
        let role = json!({"RoleName": "trusting"});
        let shown = call(&stack, &workloads, Service::Iam, "GetRole", role).await.unwrap();
        let text = shown["Role"]["AssumeRolePolicyDocument"].as_str().unwrap();
        let text = percent_encoding::percent_decode_str(text).decode_utf8().unwrap();
        let document: Value = serde_json::from_str(&text).unwrap();
        document["Statement"][0]["Principal"]["AWS"].clone()
    };
    assert_eq!(trusted().await, arn);
    call(&stack, &root, Service::Iam, "DeleteUser", named.clone()).await.unwrap();
    assert_eq!(trusted().await, id);
    call(&stack, &root, Service::Iam, "CreateUser", named).await.unwrap();
    assert_eq!(trusted().await, id);

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

/// What is built for one account refuses several by name.
#[test]
fn what_is_read_of_files_and_what_is_watched_is_of_one_account() {
    let place = copied("accounts");
    let file = "ringfence.toml";
    std::fs::copy(example("accounts").join(file), place.path().join(file)).unwrap();
    for command in ["prove", "reach", "watch"] {
        let refused = ringfence(place.path(), &[command]);
        assert_eq!(refused.status.code(), Some(2), "{command}: {}", said(&refused));
        let why = format!(
            "ringfence.toml:12:1: `ringfence {command}` is not built for estates of several \
             accounts; `ringfence verify` judges them"
        );
        assert!(said(&refused).contains(&why), "{command}: {}", said(&refused));
    }
}

/// The verdict of a finding.
fn verdict<'r>(record: &'r Value, id: &str) -> &'r str {
    let probes = record["probes"].as_array().unwrap();
    let found = probes.iter().find(|probe| probe["id"] == id);
    found.unwrap_or_else(|| panic!("no finding {id}"))["verdict"].as_str().unwrap()
}

/// Drafted and judged without an edit: each account by itself, and what goes from one to
/// the other.
#[test]
fn two_accounts_are_judged_without_an_edit() {
    const IDENTITY: &str = "111122223333";
    let place = copied("accounts");
    let drafted = ringfence(place.path(), &["init"]);
    assert_eq!(drafted.status.code(), Some(0), "{}", said(&drafted));
    let text = std::fs::read_to_string(place.path().join("ringfence.toml")).unwrap();
    let config = Config::load(&place.path().join("ringfence.toml")).unwrap();
    assert_eq!(config.account.id.as_str(), IDENTITY, "{text}");
    let others: Vec<&str> =
        config.accounts.iter().map(|account| account.id.get_ref().as_str()).collect();
    assert_eq!(others, [WORKLOADS], "{text}");
    let deployer = config.deployer("deploy-orders").unwrap();
    let through = deployer.through_output.as_ref().map(|it| it.get_ref().as_str());
    assert_eq!(through, Some("identity:pipeline_arns.orders"));

    let judged = ringfence(place.path(), &["verify", "--backend", "embedded", "--json"]);
    // 1: the support tool may assume any role that trusts it, the deployers write all
    // documents, and neither bucket asks for TLS or keeps versions.
    assert_eq!(judged.status.code(), Some(1), "{}", said(&judged));
    let record: Value = serde_json::from_slice(&judged.stdout).unwrap();
    let accounts = json!([{"id": IDENTITY}, {"id": WORKLOADS, "name": "baseline"}]);
    assert_eq!(record["accounts"], accounts);
    let of = |id: &str| verdict(&record, id);
    for id in [IDENTITY, WORKLOADS] {
        assert_eq!(of(&format!("{id}:integrity/layer1")), "held");
    }
    let readings = record["readings"].as_array().unwrap();
    assert_eq!(readings.len(), 6, "{readings:?}");
    // Each app is deployed by the chain of roles that its workflow takes.
    assert_eq!(of(&format!("{WORKLOADS}:orders/deployment/workflow")), "held");
    // Tokens are tried at the role that they become.
    assert_eq!(of(&format!("{IDENTITY}:deploy-orders/other-team/oidc")), "held");
    assert_eq!(of(&format!("{WORKLOADS}:deploy-orders/direct-own-token/oidc")), "held");
    // A pipeline becomes its own team's deployer, which is meant, and nobody else's.
    let assumes = |who: &str, case: &str, whom: &str| {
        of(&format!("{IDENTITY}:role-{who}/{case}/{WORKLOADS}:role-{whom}/api")).to_owned()
    };
    assert_eq!(assumes("pipeline-orders", "assumes", "deploy-orders"), "not-applicable");
    assert_eq!(assumes("pipeline-billing", "assumes", "deploy-orders"), "held");
    assert_eq!(assumes("support", "assumes", "deploy-orders"), "held");
    assert_eq!(assumes("support", "assumes", "support-access"), "not-applicable");
    for case in ["assumes-without-external-id", "assumes-with-another-external-id"] {
        assert_eq!(assumes("support", case, "support-access"), "held");
    }
    // One pipeline is let in to the documents.
    let reads = |who: &str| {
        let bucket = format!("{WORKLOADS}:s3-example-documents");
        of(&format!("{IDENTITY}:role-{who}/uses-s3-GetObject/{bucket}/api")).to_owned()
    };
    assert_eq!(reads("pipeline-orders"), "not-applicable");
    assert_eq!(reads("pipeline-billing"), "held");
    // The ways in are guarded by both accounts' documents, and each is watched.
    let mutants = record["mutations"]["mutants"].as_array().unwrap();
    let mutant = |id: &str| {
        let found = mutants.iter().find(|mutant| mutant["id"] == id);
        found.unwrap_or_else(|| panic!("no mutant {id}"))["verdict"].as_str().unwrap()
    };
    for id in [
        format!("{IDENTITY}:role/pipeline-orders/inline/deploy/OwnDeployer/statement-dropped"),
        format!("{WORKLOADS}:role/deploy-orders/trust/OwnPipeline/principal-widened"),
        format!(
            "{WORKLOADS}:role/support-access/trust/AgreedCustomer/condition-dropped/StringEquals/sts:ExternalId"
        ),
        format!("{WORKLOADS}:resource/arn:aws:s3:::example-documents/0/principal-widened"),
    ] {
        assert_eq!(mutant(&id), "killed", "{id}");
    }
    // Whom a token becomes is proved in the one account, and who becomes a deployer in the
    // other.
    let proofs = record["proofs"].as_array().unwrap();
    let trust = proofs
        .iter()
        .find(|proof| proof["guard_rail"] == "only its own workflow becomes a deployer")
        .unwrap();
    assert_eq!((&trust["verdict"], &trust["claims"]), (&json!("proved"), &json!(4)));
}

/// Nobody said that the support tool may become this one: the role trusts the account of
/// the identities as a whole, and the tool may assume anything.
#[test]
fn who_is_let_in_by_nobodys_name_is_a_failure() {
    let place = copied("accounts");
    let file = "ringfence.toml";
    std::fs::copy(example("accounts").join(file), place.path().join(file)).unwrap();
    let main = place.path().join("baseline/main.tf");
    let text = std::fs::read_to_string(&main).unwrap();
    let open = "resource \"aws_iam_role\" \"open\" {\n  name = \"open\"\n  assume_role_policy = jsonencode({ Version = \"2012-10-17\", Statement = [{ Effect = \"Allow\", Action = \"sts:AssumeRole\", Principal = { AWS = \"arn:aws:iam::111122223333:root\" } }] })\n}\n";
    std::fs::write(&main, format!("{text}{open}")).unwrap();
    let id = |who: &str| format!("111122223333:role-{who}/assumes/{WORKLOADS}:role-open/api");
    let (support, orders) = (id("support"), id("pipeline-orders"));
    let arguments = ["attack", "--backend", "embedded", "--json", "--only", &support, &orders];
    let attacked = ringfence(place.path(), &arguments);
    assert_eq!(attacked.status.code(), Some(1), "{}", said(&attacked));
    let lines = String::from_utf8(attacked.stdout).unwrap();
    let found: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |id: &str| found.iter().find(|finding| finding["id"] == id).unwrap();
    assert_eq!(of(&support)["verdict"], "failed");
    let why = of(&support)["observed"].as_str().unwrap();
    assert!(why.starts_with("it is allowed, and neither account says by name"), "{why}");
    // Its own policies speak of another role.
    assert_eq!(of(&orders)["verdict"], "held");
}
