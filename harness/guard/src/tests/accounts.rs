//! Two accounts: each call is made in one of them, and both decide where the caller is
//! of the other.

use rstest::rstest;

use super::*;
use crate::guard::AccountConfig;
use crate::{GuardError, Membership};

const OTHER: &str = "222222222222";
const APP: &str = "arn:aws:iam::123456789012:role/app";
const READER: &str = "arn:aws:iam::222222222222:role/reader";

fn other_root() -> Credentials {
    Credentials { access_key_id: "other".into(), ..root() }
}

fn other() -> AccountConfig {
    AccountConfig {
        account_id: OTHER.into(),
        root: other_root(),
        service_control: Vec::new(),
        resource_control: Vec::new(),
        membership: None,
    }
}

/// Two accounts, of which the second has `bucket`.
async fn two(change: impl FnOnce(&mut Config)) -> Stage {
    let stage = Stage::configured(|config| {
        config.other_accounts.push(other());
        change(config);
    })
    .await;
    stage.guard.pipeline().of(OTHER).directory.regions.learn("bucket", "eu-central-1");
    stage
}

impl Stage {
    /// The other account's role `reader`, which trusts and may do this.
    fn reader(&self, trust: &Value, policy: &str) {
        let inline = BTreeMap::from([("own".to_owned(), policy.to_owned())]);
        let trust = json!({"Version": "2012-10-17", "Statement": trust}).to_string();
        let role = Role { id: "AROA2".into(), trust, inline, ..Role::default() };
        self.upstream.role(&format!("{OTHER}:reader"), role);
    }

    async fn assume(&self, by: &Credentials, more: Value) -> Result<Credentials, ServiceError> {
        let mut input = json!({"RoleArn": READER, "RoleSessionName": "across"});
        for (member, value) in more.as_object().unwrap() {
            input[member] = value.clone();
        }
        let answer = self.client.call(by, Service::Sts, "AssumeRole", input).await?;
        let text = |member: &str| answer["Credentials"][member].as_str().unwrap();
        Ok(Credentials {
            access_key_id: text("AccessKeyId").into(),
            secret_access_key: Secret::new(text("SecretAccessKey")),
            session_token: Some(Secret::new(text("SessionToken"))),
            expiration: None,
        })
    }

    /// The account that the last request upstream was made in.
    fn account_of_last(&self) -> String {
        self.upstream.last().header("x-moto-account-id").unwrap().to_owned()
    }
}

fn trusts(principal: &Value, condition: Option<Value>) -> Value {
    let mut statement = json!({"Sid": "Trust", "Effect": "Allow", "Principal": {"AWS": principal},
        "Action": "sts:AssumeRole"});
    if let Some(condition) = condition {
        statement["Condition"] = condition;
    }
    json!([statement])
}

/// Both accounts must allow: the role's by its trust policy, and the caller's by its
/// own policies, also where the trust policy names the caller itself.
#[rstest]
#[case::both(&json!(APP), "sts:AssumeRole", None)]
#[case::the_account_is_trusted(&json!("arn:aws:iam::123456789012:root"), "sts:AssumeRole", None)]
#[case::the_account_by_its_id(&json!("123456789012"), "sts:*", None)]
#[case::no_policy_of_the_callers(&json!(APP), "s3:*", Some("identity"))]
#[case::another_is_trusted(&json!("arn:aws:iam::333333333333:root"), "sts:*", Some("resource"))]
#[case::its_own_account_alone(&json!("arn:aws:iam::222222222222:root"), "sts:*", Some("resource"))]
#[tokio::test]
async fn a_role_of_another_account_is_assumed_where_both_allow_it(
    #[case] trusted: &Value,
    #[case] allowed: &str,
    #[case] denied_by: Option<&str>,
) {
    let stage = two(|_| {}).await;
    let app = stage.role(&allow(allowed));
    stage.reader(&trusts(trusted, None), &allow("iam:GetRole"));
    let assumed = stage.assume(&app, json!({})).await;
    let entry = stage.last_entry();
    assert_eq!(entry.principal, "arn:aws:sts::123456789012:assumed-role/app/s");
    assert_eq!(entry.checks[0].resource, READER);
    let Some(layer) = denied_by else {
        assert_eq!(entry.outcome, Ending::Allowed);
        // The session is of the role's account, and finds what is there.
        let session = assumed.unwrap();
        let found = stage.call(&session, "GetRole", json!({"RoleName": "reader"})).await.unwrap();
        assert_eq!(found["Role"]["Arn"], READER);
        assert_eq!(stage.account_of_last(), OTHER);
        let entry = stage.last_entry();
        assert_eq!(entry.principal, "arn:aws:sts::222222222222:assumed-role/reader/across");
        return;
    };
    let error = assumed.unwrap_err();
    assert_eq!((error.code.as_ref(), error.status), ("AccessDenied", 403));
    assert_eq!((entry.outcome, entry.checks[0].layer.as_str()), (Ending::Denied, layer));
}

/// What keeps the deputy of many customers from being confused
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html>).
#[tokio::test]
async fn an_external_id_is_what_the_trust_policy_asks_for() {
    let stage = two(|_| {}).await;
    let app = stage.role(&allow("sts:AssumeRole"));
    let condition = json!({"StringEquals": {"sts:ExternalId": "agreed"}});
    stage.reader(&trusts(&json!(APP), Some(condition)), &allow("iam:GetRole"));
    for given in [json!({}), json!({"ExternalId": "guessed"})] {
        let error = stage.assume(&app, given).await.unwrap_err();
        assert_eq!(error.code, "AccessDenied");
        assert_eq!(stage.last_entry().checks[0].layer, "resource");
    }
    stage.assume(&app, json!({"ExternalId": "agreed"})).await.unwrap();
}

#[tokio::test]
async fn each_root_user_is_its_own_accounts() {
    let stage = two(|_| {}).await;
    stage.bare_role("AROA1");
    stage.reader(&trusts(&json!(APP), None), &allow("iam:GetRole"));
    let found = stage.call(&other_root(), "GetRole", json!({"RoleName": "reader"})).await.unwrap();
    assert_eq!(found["Role"]["Arn"], READER);
    assert_eq!(stage.account_of_last(), OTHER);
    let error = stage.call(&other_root(), "GetRole", get_app()).await.unwrap_err();
    assert_eq!(error.code, "NoSuchEntity");
    let found = stage.call(&root(), "GetRole", get_app()).await.unwrap();
    assert_eq!(
        (found["Role"]["Arn"].as_str(), stage.account_of_last()),
        (Some(APP), ACCOUNT.into())
    );
    let error = stage.call(&root(), "GetRole", json!({"RoleName": "reader"})).await.unwrap_err();
    assert_eq!(error.code, "NoSuchEntity");
}

/// A root user needs no permission of its own account, and one of another's.
#[tokio::test]
async fn a_call_without_a_mapping_is_root_s_in_its_own_account_alone() {
    let stage = two(|_| {}).await;
    let input = json!({"Bucket": "bucket", "Key": "k", "RenameSource": "bucket/old"});
    let renamed = stage.client.call(&root(), Service::S3, "RenameObject", input.clone()).await;
    let error = renamed.unwrap_err();
    assert_eq!((error.code.as_ref(), error.status), ("RingfenceUnmapped", 418));
    let sent =
        || {
            stage.upstream.state.lock().unwrap().seen.iter().any(|seen| {
                seen.parts.uri.query().is_some_and(|query| query.contains("renameObject"))
            })
        };
    assert!(!sent());
    let _ = stage.client.call(&other_root(), Service::S3, "RenameObject", input).await;
    assert!(sent());
}

/// The queue's account says whom it lets in.
#[rstest]
#[case::lets_in(true)]
#[case::does_not(false)]
#[tokio::test]
async fn a_bucket_notifies_a_queue_of_another_account_that_lets_it(#[case] is_in: bool) {
    let stage = Stage::configured(|config| config.other_accounts.push(other())).await;
    stage.guard.pipeline().directory.regions.learn("bucket", "eu-central-1");
    let queue = format!("arn:aws:sqs:eu-central-1:{OTHER}:q");
    let policy = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sqs:SendMessage",
        "Resource": queue, "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}}}]});
    let attributes = if is_in { json!({"Policy": policy.to_string()}) } else { json!({}) };
    let url = json!({"QueueUrl": format!("http://localhost/{OTHER}/q")});
    stage.upstream.answers("AmazonSQS.GetQueueUrl", 200, &url);
    stage.upstream.answers("AmazonSQS.GetQueueAttributes", 200, &json!({"Attributes": attributes}));
    let input = json!({"Bucket": "bucket", "NotificationConfiguration": {"QueueConfiguration": [
        {"Queue": queue, "Event": ["s3:ObjectCreated:*"]}]}});
    let operation = "PutBucketNotificationConfiguration";
    let told = stage.client.call(&root(), Service::S3, operation, input).await;
    let told = told.map(drop).map_err(|error| error.code.into_owned());
    assert_eq!(told, if is_in { Ok(()) } else { Err("InvalidArgument".to_owned()) });
}

fn of_bucket(principal: &str) -> String {
    json!({"Version": "2012-10-17", "Statement": [{"Sid": "LetIn", "Effect": "Allow",
        "Principal": {"AWS": principal}, "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::bucket/*"}]})
    .to_string()
}

async fn get(stage: &Stage, by: &Credentials) -> Result<Value, ServiceError> {
    let input = json!({"Bucket": "bucket", "Key": "k"});
    stage.client.call(by, Service::S3, "GetObject", input).await
}

#[rstest]
#[case::both(Some(APP), "s3:GetObject", None)]
#[case::the_bucket_alone(Some(APP), "iam:*", Some("identity"))]
#[case::the_caller_alone(None, "s3:*", Some("resource"))]
#[case::the_buckets_account_alone(Some("222222222222"), "s3:*", Some("resource"))]
#[tokio::test]
async fn a_bucket_of_another_account_is_read_where_both_allow_it(
    #[case] let_in: Option<&str>,
    #[case] allowed: &str,
    #[case] denied_by: Option<&str>,
) {
    let stage = two(|_| {}).await;
    stage.upstream.state.lock().unwrap().bucket_policy = let_in.map(of_bucket);
    let app = stage.role(&allow(allowed));
    let read = get(&stage, &app).await;
    let entry = stage.last_entry();
    match denied_by {
        None => {
            read.unwrap();
            assert_eq!((entry.outcome, stage.account_of_last()), (Ending::Allowed, OTHER.into()));
        }
        Some(layer) => {
            assert_eq!(read.unwrap_err().code, "AccessDenied");
            assert_eq!((entry.outcome, entry.checks[0].layer.as_str()), (Ending::Denied, layer));
        }
    }
}

fn policy(kind: &str, condition: Option<Value>) -> Vec<Vec<(String, String)>> {
    let mut deny = json!({"Sid": "Perimeter", "Effect": "Deny", "Action": "s3:*",
        "Resource": "*"});
    if kind == "rcp" {
        deny["Principal"] = "*".into();
    }
    if let Some(condition) = condition {
        deny["Condition"] = condition;
    }
    let mut statements = vec![deny];
    if kind == "scp" {
        statements.push(json!({"Effect": "Allow", "Action": "*", "Resource": "*"}));
    }
    let text = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
    vec![vec![("perimeter".into(), text)]]
}

/// A service control policy binds the callers of its account, a resource control policy
/// whoever uses the resources of its account.
#[rstest]
#[case::of_the_callers_account("scp", ACCOUNT, true)]
#[case::of_the_resources_account("scp", OTHER, false)]
#[case::of_the_resources_account("rcp", OTHER, true)]
#[case::of_the_callers_account("rcp", ACCOUNT, false)]
#[tokio::test]
async fn policies_of_organizations_bind_their_own_side(
    #[case] kind: &str,
    #[case] account: &str,
    #[case] is_denied: bool,
) {
    let stage = two(|config| {
        let levels = policy(kind, None);
        let beside = config.other_accounts.last_mut().unwrap();
        match (kind, account) {
            ("scp", ACCOUNT) => config.service_control = levels,
            ("scp", _) => beside.service_control = levels,
            (_, ACCOUNT) => config.resource_control = levels,
            _ => beside.resource_control = levels,
        }
    })
    .await;
    stage.upstream.state.lock().unwrap().bucket_policy = Some(of_bucket(APP));
    let app = stage.role(&allow("s3:GetObject"));
    let read = get(&stage, &app).await;
    let check = &stage.last_entry().checks[0];
    assert_eq!(read.is_err(), is_denied, "{read:?}");
    if is_denied {
        let decided = (check.outcome.as_str(), check.layer.as_str());
        assert_eq!(decided, ("explicit_deny", kind));
    }
}

/// An identity perimeter in the resource's account tells the callers of its own
/// organization from others.
#[rstest]
#[case::of_the_same("o-a1b2c3d4e5", false)]
#[case::of_another("o-zzzzzzzzzz", true)]
#[tokio::test]
async fn each_account_is_in_its_own_organization(#[case] callers: &str, #[case] is_denied: bool) {
    let within = |id: &str| Membership::new(format!("{id}/r-ab12/"), "999999999999").unwrap();
    let stage = two(|config| {
        let condition = json!({"StringNotEquals": {"aws:PrincipalOrgID": "${aws:ResourceOrgID}"}});
        config.membership = Some(within(callers));
        let beside = config.other_accounts.last_mut().unwrap();
        beside.membership = Some(within("o-a1b2c3d4e5"));
        beside.resource_control = policy("rcp", Some(condition));
    })
    .await;
    stage.upstream.state.lock().unwrap().bucket_policy = Some(of_bucket(APP));
    let app = stage.role(&allow("s3:GetObject"));
    let read = get(&stage, &app).await;
    assert_eq!(read.is_err(), is_denied, "{read:?}");
}

/// A call that needs permissions on resources of both accounts is not decided by one.
#[tokio::test]
async fn what_is_about_resources_of_both_accounts_is_undecided() {
    let stage = two(|_| {}).await;
    stage.guard.pipeline().directory.regions.learn("own", "eu-central-1");
    let app = stage.role(&allow("s3:*"));
    let copy = |to: &str| json!({"Bucket": to, "Key": "copy", "CopySource": "bucket/k"});
    let copied = stage.client.call(&app, Service::S3, "CopyObject", copy("own")).await;
    let error = copied.unwrap_err();
    assert_eq!((error.code.as_ref(), error.status), ("RingfenceUndecided", 418));
    assert_eq!(
        error.message,
        "s3:GetObject on arn:aws:s3:::bucket/k is undecided: the resource is of the account \
         222222222222, and a call about the resources of several accounts is not decided"
    );
    assert_eq!(stage.last_entry().outcome, Ending::Undecided);
    // The twin: within the account.
    let stage = Stage::configured(|config| config.other_accounts.push(other())).await;
    stage.guard.pipeline().directory.regions.learn("bucket", "eu-central-1");
    let app = stage.role(&allow("s3:*"));
    let _ = stage.client.call(&app, Service::S3, "CopyObject", copy("bucket")).await;
    let checks = &stage.last_entry().checks;
    let decided = checks.iter().map(|it| (it.action.as_str(), it.outcome.as_str()));
    let decided: Vec<_> = decided.collect();
    assert_eq!(decided, [("s3:GetObject", "allow"), ("s3:PutObject", "allow")]);
}

/// A principal that a policy names must be there, in whichever account.
#[rstest]
#[case::that_is_there("reader", true)]
#[case::that_is_not("nobody", false)]
#[tokio::test]
async fn a_trust_policy_names_principals_of_another_account(
    #[case] name: &str,
    #[case] is_there: bool,
) {
    let stage = two(|_| {}).await;
    stage.reader(&trusts(&json!(APP), None), &allow("iam:GetRole"));
    let arn = format!("arn:aws:iam::{OTHER}:role/{name}");
    let input = json!({"RoleName": "new", "AssumeRolePolicyDocument": trusting(&arn)});
    let made = stage.call_as_root("CreateRole", input).await;
    match is_there {
        true => drop(made.unwrap()),
        false => {
            let error = made.unwrap_err();
            assert_eq!(error.code, "MalformedPolicyDocument");
            assert_eq!(error.message, format!("Invalid principal in policy: \"AWS\":\"{arn}\""));
        }
    }
}

#[tokio::test]
async fn each_accounts_root_keys_are_closed_but_the_configurations() {
    let stage = two(|_| {}).await;
    stage.reader(&trusts(&json!(APP), None), &allow("iam:GetRole"));
    let reader = json!({"RoleName": "reader"});
    let key = Credentials { access_key_id: "terraforms".into(), ..root() };
    stage.guard.add_root_key_of(OTHER, key.clone());
    stage.call(&key, "GetRole", reader.clone()).await.unwrap();
    stage.guard.close_root();
    assert_eq!(stage.call(&key, "GetRole", reader.clone()).await.unwrap_err().status, 403);
    stage.call(&other_root(), "GetRole", reader).await.unwrap();
    assert_eq!(stage.guard.root_calls().len(), 2);
}

#[tokio::test]
async fn two_accounts_have_two_ids_and_no_endpoint_of_a_vpc() {
    async fn refused(change: impl FnOnce(&mut Config)) -> GuardError {
        let upstream = Upstream::start().await;
        let directory = tempfile::tempdir().unwrap();
        let mut config = config(&upstream, &directory);
        config.other_accounts.push(other());
        change(&mut config);
        Guard::start(config).await.unwrap_err()
    }
    let error = refused(|config| config.account_id = OTHER.into()).await;
    assert_eq!(error.to_string(), "the account 222222222222 is there twice");
    let error = refused(|config| config.other_accounts[0].account_id = "2".into()).await;
    assert_eq!(error.to_string(), "the account id `2` is not twelve digits");
    let endpoint = crate::VpcEndpoint {
        policy: ("endpoint".into(), "{}".into()),
        services: vec!["s3".into()],
        callers: vec!["root".into()],
    };
    let error = refused(|config| config.vpc_endpoints.push(endpoint)).await;
    assert_eq!(
        error.to_string(),
        "the policies of VPC endpoints are not decided where there are several accounts: their \
         callers are named without an account"
    );
}

/// The bucket's account says whose trails write to it.
#[rstest]
#[case::lets_in(true)]
#[case::does_not(false)]
#[tokio::test]
async fn a_trail_writes_to_a_bucket_of_another_account_that_lets_it(#[case] is_in: bool) {
    let stage = two(|_| {}).await;
    let cloudtrail = json!({"Service": "cloudtrail.amazonaws.com"});
    let mut statements = vec![json!({"Effect": "Allow", "Principal": cloudtrail,
        "Action": "s3:GetBucketAcl", "Resource": "arn:aws:s3:::bucket"})];
    if is_in {
        statements.push(json!({"Effect": "Allow", "Principal": cloudtrail,
            "Action": "s3:PutObject",
            "Resource": format!("arn:aws:s3:::bucket/AWSLogs/{ACCOUNT}/*")}));
    }
    let policy = json!({"Version": "2012-10-17", "Statement": statements});
    stage.upstream.state.lock().unwrap().bucket_policy = Some(policy.to_string());
    let target = "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.CreateTrail";
    stage.upstream.answers(target, 200, &json!({"Name": "t"}));
    let input = json!({"Name": "t", "S3BucketName": "bucket"});
    let cloudtrail = Service::of("cloudtrail").unwrap();
    let told = stage.client.call(&root(), cloudtrail, "CreateTrail", input).await;
    let told = told.map(drop).map_err(|error| error.code.into_owned());
    let refused = "InsufficientS3BucketPolicyException".to_owned();
    assert_eq!(told, if is_in { Ok(()) } else { Err(refused) });
}
