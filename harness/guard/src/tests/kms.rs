//! Who may use a key: its policy, what it leaves to IAM, grants.

use super::*;

const ID: &str = "11111111-2222-3333-4444-555555555555";
const ARN: &str = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555";

/// An upstream with one key, called `alias/data`.
struct Key {
    stage: Stage,
}

impl Key {
    async fn with(policy: &[Value], grants: &[Value]) -> Self {
        Self::called("alias/data", policy, grants).await
    }

    async fn called(alias: &str, policy: &[Value], grants: &[Value]) -> Self {
        Self::on(Stage::new().await, alias, policy, grants)
    }

    fn on(stage: Stage, alias: &str, policy: &[Value], grants: &[Value]) -> Self {
        let told = |operation: &str, answer: Value| {
            stage.upstream.answers(&format!("TrentService.{operation}"), 200, &answer);
        };
        told(
            "DescribeKey",
            json!({"KeyMetadata": {"KeyId": ID, "Arn": ARN, "KeySpec": "SYMMETRIC_DEFAULT",
                "KeyUsage": "ENCRYPT_DECRYPT", "Origin": "AWS_KMS", "KeyManager": "CUSTOMER"}}),
        );
        let aliases = json!([{"AliasName": alias, "TargetKeyId": ID},
            {"AliasName": "alias/of-another", "TargetKeyId": "another"}]);
        told("ListAliases", json!({"Aliases": aliases, "Truncated": false}));
        told("ListResourceTags", json!({"Tags": [{"TagKey": "team", "TagValue": "a"}]}));
        told("ListGrants", json!({"Grants": grants, "Truncated": false}));
        let document = json!({"Version": "2012-10-17", "Statement": policy}).to_string();
        told("GetKeyPolicy", json!({"Policy": document}));
        told("Encrypt", json!({"CiphertextBlob": "AAAA", "KeyId": ARN}));
        Self { stage }
    }

    /// Encrypts under a name of the key: the outcome, and the statements that
    /// decided.
    async fn encrypt(&self, caller: &Credentials, id: &str, context: Value) -> (String, String) {
        let input = json!({"KeyId": id, "Plaintext": "eA==", "EncryptionContext": context});
        let answer = self.stage.client.call(caller, Service::Kms, "Encrypt", input).await;
        let entry = self.stage.last_entry();
        let check = entry.checks.last().unwrap();
        assert_eq!(answer.is_ok(), check.outcome == "allow", "{answer:?}");
        assert_eq!((check.action.as_str(), check.resource.as_str()), ("kms:Encrypt", ARN));
        let sids = check.statements.iter().filter_map(|statement| statement.sid.clone());
        (check.outcome.clone(), sids.collect::<Vec<_>>().join(" "))
    }
}

fn to(principal: &str) -> Value {
    json!({"Sid": "ToIt", "Effect": "Allow", "Principal": {"AWS": principal}, "Action": "kms:*",
        "Resource": "*"})
}

/// Leaves the key to IAM.
fn enable() -> Value {
    to("arn:aws:iam::123456789012:root")
}

const ROLE: &str = "arn:aws:iam::123456789012:role/app";

fn grant(constraints: Value) -> Value {
    json!({"GrantId": "g1", "KeyId": ARN, "GranteePrincipal": ROLE, "Operations": ["Encrypt"],
        "Constraints": constraints})
}

fn none() -> String {
    allow("sqs:ListQueues")
}

fn denied() -> String {
    json!({"Version": "2012-10-17", "Statement": [
        {"Sid": "No", "Effect": "Deny", "Action": "kms:Encrypt", "Resource": "*"}]})
    .to_string()
}

#[rstest::rstest]
#[case::left_to_iam(&[enable()], &[], &allow("kms:Encrypt"), "allow", "ToIt S")]
#[case::left_to_iam_that_is_silent(&[enable()], &[], &none(), "implicit_deny", "")]
#[case::not_left_to_iam(
    &[to("arn:aws:iam::123456789012:role/other")], &[], &allow("*"), "implicit_deny", ""
)]
#[case::named(&[to(ROLE)], &[], &none(), "allow", "ToIt")]
#[case::named_and_denied(&[to(ROLE)], &[], &denied(), "explicit_deny", "No")]
#[case::granted(&[to("arn:aws:iam::123456789012:role/other")], &[grant(json!(null))], &none(), "allow", "Grantg1")]
#[case::granted_and_denied(&[enable()], &[grant(json!(null))], &denied(), "explicit_deny", "No")]
#[tokio::test]
async fn a_keys_policy_and_its_grants_decide(
    #[case] policy: &[Value],
    #[case] grants: &[Value],
    #[case] own: &str,
    #[case] outcome: &str,
    #[case] sids: &str,
) {
    let key = Key::with(policy, grants).await;
    let caller = key.stage.role(own);
    for id in [ID, ARN, "alias/data", "arn:aws:kms:eu-central-1:123456789012:alias/data"] {
        let (found, statement) = key.encrypt(&caller, id, json!({})).await;
        assert_eq!((found.as_str(), statement.as_str()), (outcome, sids), "{id}");
    }
}

/// "No AWS principal, including the account root user or key creator, has any
/// permissions to a KMS key unless they are explicitly allowed"
/// (<https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html>).
#[rstest::rstest]
#[case::enabled(enable(), "allow")]
#[case::not_enabled(to(ROLE), "implicit_deny")]
#[tokio::test]
async fn root_too_needs_the_keys_policy(#[case] statement: Value, #[case] outcome: &str) {
    let key = Key::with(&[statement], &[]).await;
    assert_eq!(key.encrypt(&root(), ID, json!({})).await.0, outcome);
}

#[rstest::rstest]
#[case::subset(json!({"EncryptionContextSubset": {"a": "1"}}), json!({"a": "1", "b": "2"}), "allow")]
#[case::not_in_it(json!({"EncryptionContextSubset": {"a": "1"}}), json!({"b": "2"}), "implicit_deny")]
#[case::equal(json!({"EncryptionContextEquals": {"a": "1"}}), json!({"a": "1"}), "allow")]
#[case::more(json!({"EncryptionContextEquals": {"a": "1"}}), json!({"a": "1", "b": "2"}), "implicit_deny")]
#[case::another_value(json!({"EncryptionContextEquals": {"a": "1"}}), json!({"a": "2"}), "implicit_deny")]
#[tokio::test]
async fn a_grant_holds_under_its_constraints(
    #[case] constraints: Value,
    #[case] context: Value,
    #[case] outcome: &str,
) {
    let key = Key::with(&[enable()], &[grant(constraints)]).await;
    let caller = key.stage.role(&none());
    assert_eq!(key.encrypt(&caller, ID, context).await.0, outcome);
}

/// A policy of IAM tells keys apart by their aliases and tags.
#[rstest::rstest]
#[case::its_alias("kms:ResourceAliases", "alias/data", "allow")]
#[case::anothers("kms:ResourceAliases", "alias/of-another", "implicit_deny")]
#[case::as_called("kms:RequestAlias", "alias/data", "allow")]
#[case::its_tag("aws:ResourceTag/team", "a", "allow")]
#[case::another_tag("aws:ResourceTag/team", "b", "implicit_deny")]
#[tokio::test]
async fn aliases_and_tags_are_conditions(
    #[case] condition: &str,
    #[case] value: &str,
    #[case] outcome: &str,
) {
    let operator = if condition == "kms:ResourceAliases" {
        "ForAnyValue:StringEquals"
    } else {
        "StringEquals"
    };
    let own = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "kms:*",
        "Resource": "*", "Condition": {operator: {condition: value}}}]});
    let key = Key::with(&[enable()], &[]).await;
    let caller = key.stage.role(&own.to_string());
    assert_eq!(key.encrypt(&caller, "alias/data", json!({})).await.0, outcome);
}

/// A key that AWS manages is used through its service alone, whatever the
/// emulator keeps as its policy.
#[tokio::test]
async fn a_key_of_aws_is_for_its_service_alone() {
    let key = Key::called("alias/aws/s3", &[enable()], &[]).await;
    let caller = key.stage.role(&allow("*"));
    assert_eq!(key.encrypt(&caller, ID, json!({})).await.0, "implicit_deny");
    let input = json!({"KeyId": ID});
    key.stage.client.call(&caller, Service::Kms, "DescribeKey", input).await.unwrap();
}

/// "You can't use RCPs to restrict access to AWS managed KMS keys": a customer's key is
/// bound by the same policy.
#[rstest::rstest]
#[case::of_aws("alias/aws/s3", "allow")]
#[case::of_a_customer("alias/data", "explicit_deny")]
#[tokio::test]
async fn resource_control_policies_spare_the_keys_of_aws(
    #[case] alias: &str,
    #[case] outcome: &str,
) {
    let deny = json!({"Version": "2012-10-17", "Statement": [{"Sid": "NoKeys", "Effect": "Deny",
        "Principal": "*", "Action": "kms:*", "Resource": "*"}]});
    let stage = Stage::configured(|config| {
        config.resource_control = vec![vec![("keys".to_owned(), deny.to_string())]];
    })
    .await;
    let key = Key::on(stage, alias, &[enable()], &[]);
    let caller = key.stage.role(&allow("*"));
    let input = json!({"KeyId": ID});
    let answer = key.stage.client.call(&caller, Service::Kms, "DescribeKey", input).await;
    let entry = key.stage.last_entry();
    let check = entry.checks.last().unwrap();
    assert_eq!((answer.is_ok(), check.outcome.as_str()), (outcome == "allow", outcome));
    let sid = check.statements.first().and_then(|statement| statement.sid.as_deref());
    assert_eq!(sid == Some("NoKeys"), outcome == "explicit_deny", "{sid:?}");
}

/// A new grant counts from the next call on.
#[tokio::test]
async fn a_grant_counts_once_it_is_made() {
    let key = Key::with(&[enable()], &[]).await;
    let caller = key.stage.role(&none());
    assert_eq!(key.encrypt(&caller, ID, json!({})).await.0, "implicit_deny");
    let told = |operation: &str, answer: Value| {
        key.stage.upstream.answers(&format!("TrentService.{operation}"), 200, &answer);
    };
    told("CreateGrant", json!({"GrantId": "g1", "GrantToken": "t"}));
    told("ListGrants", json!({"Grants": [grant(json!(null))], "Truncated": false}));
    let input = json!({"KeyId": ID, "GranteePrincipal": ROLE, "Operations": ["Encrypt"]});
    key.stage.client.call(&root(), Service::Kms, "CreateGrant", input).await.unwrap();
    assert_eq!(key.encrypt(&caller, ID, json!({})).await.0, "allow");
}

/// What is not there is told as KMS tells it, and nothing is forwarded.
#[tokio::test]
async fn a_key_that_is_not_there_is_kms_error() {
    let key = Key::with(&[enable()], &[]).await;
    let error = json!({"__type": "NotFoundException", "message": "Alias arn is not found."});
    key.stage.upstream.answers("TrentService.DescribeKey", 400, &error);
    let input = json!({"KeyId": "alias/none", "Plaintext": "eA=="});
    let answer = key.stage.client.call(&root(), Service::Kms, "Encrypt", input).await;
    assert_eq!(answer, Err(ServiceError::new(400, "NotFoundException", "Alias arn is not found.")));
    assert_eq!(key.stage.upstream.count("TrentService.Encrypt"), 0);
}

/// Who sends to a queue with a key of the customer's needs that key through SQS.
#[rstest::rstest]
#[case::both(json!(["sqs:SendMessage", "kms:GenerateDataKey", "kms:Decrypt"]), "sqs", "allow")]
#[case::the_queue_alone(json!("sqs:SendMessage"), "sqs", "implicit_deny")]
#[case::the_key_through_another(
    json!(["sqs:SendMessage", "kms:GenerateDataKey", "kms:Decrypt"]), "sns", "implicit_deny"
)]
#[tokio::test]
async fn a_queue_with_a_key_needs_the_key(
    #[case] actions: Value,
    #[case] via: &str,
    #[case] outcome: &str,
) {
    let key = Key::with(&[enable()], &[]).await;
    let told = |operation: &str, answer: Value| {
        key.stage.upstream.answers(&format!("AmazonSQS.{operation}"), 200, &answer);
    };
    told("GetQueueAttributes", json!({"Attributes": {"KmsMasterKeyId": "alias/data"}}));
    told("ListQueueTags", json!({"Tags": {}}));
    told("SendMessage", json!({"MessageId": "m", "MD5OfMessageBody": "d"}));
    let via = json!({"StringEqualsIfExists":
        {"kms:ViaService": format!("{via}.eu-central-1.amazonaws.com")}});
    let own = json!({"Version": "2012-10-17", "Statement": [{"Sid": "S", "Effect": "Allow",
        "Action": actions, "Resource": "*", "Condition": via}]});
    let caller = key.stage.role(&own.to_string());
    let input = json!({"MessageBody": "x",
        "QueueUrl": "https://sqs.eu-central-1.amazonaws.com/123456789012/orders"});
    let sqs = Service::of("sqs").unwrap();
    let answer = key.stage.client.call(&caller, sqs, "SendMessage", input).await;
    let entry = key.stage.last_entry();
    let checks: Vec<(&str, &str)> =
        entry.checks.iter().map(|check| (check.action.as_str(), check.outcome.as_str())).collect();
    assert_eq!(answer.is_ok(), outcome == "allow", "{answer:?}: {checks:?}");
    let mut expected = vec![("sqs:SendMessage", "allow"), ("kms:GenerateDataKey", outcome)];
    if outcome == "allow" {
        expected.push(("kms:Decrypt", "allow"));
    }
    assert_eq!(checks, expected);
}

/// A grant is its grantee's; who is made anew under the name has nothing of it.
#[tokio::test]
async fn a_grant_means_who_had_the_name_when_it_was_made() {
    let role = "arn:aws:iam::123456789012:role/app";
    let grant = |id: &str| json!({"GrantId": id, "KeyId": ARN, "GranteePrincipal": role, "Operations": ["Encrypt"]});
    let key = Key::with(&[enable()], &[grant("1")]).await;
    let told = |operation: &str, answer: Value| {
        key.stage.upstream.answers(&format!("TrentService.{operation}"), 200, &answer);
    };
    told("ListKeys", json!({"Keys": [{"KeyId": ID, "KeyArn": ARN}], "Truncated": false}));
    told("CreateGrant", json!({"GrantId": "1", "GrantToken": "t"}));
    let create = || json!({"KeyId": ID, "GranteePrincipal": role, "Operations": ["Encrypt"]});
    let root = root();
    let make = || key.stage.client.call(&root, Service::Kms, "CreateGrant", create());
    let first = key.stage.bare_role("AROAEXAMPLEEXAMPLE12");
    make().await.unwrap();
    let allowed = ("allow".to_owned(), "ToIt Grant1".to_owned());
    assert_eq!(key.encrypt(&first, ID, json!({})).await, allowed);

    key.stage.call(&root, "DeleteRole", json!({"RoleName": "app"})).await.unwrap();
    let anew = key.stage.bare_role("AROAEXAMPLEEXAMPLE34");
    let denied = ("implicit_deny".to_owned(), String::new());
    assert_eq!(key.encrypt(&anew, ID, json!({})).await, denied);

    make().await.unwrap();
    told("ListGrants", json!({"Grants": [grant("1"), grant("2")], "Truncated": false}));
    let allowed = ("allow".to_owned(), "ToIt Grant2".to_owned());
    assert_eq!(key.encrypt(&anew, ID, json!({})).await, allowed);
}

/// The value of a constraint is a text, and no variable of a policy; the key's case
/// does not count.
#[rstest::rstest]
#[case::as_it_stands("EncryptionContextSubset", "a", "${aws:PrincipalAccount}", "allow")]
#[case::filled_in("EncryptionContextSubset", "a", "123456789012", "implicit_deny")]
#[case::key_in_another_case("EncryptionContextEquals", "A", "${aws:PrincipalAccount}", "allow")]
#[case::equal("EncryptionContextEquals", "a", "${aws:PrincipalAccount}", "allow")]
#[case::value_in_another_case(
    "EncryptionContextEquals",
    "a",
    "${aws:principalaccount}",
    "implicit_deny"
)]
#[tokio::test]
async fn a_constraint_is_a_text(
    #[case] kind: &str,
    #[case] key_of_pair: &str,
    #[case] value: &str,
    #[case] outcome: &str,
) {
    let key =
        Key::with(&[enable()], &[grant(json!({kind: {"a": "${aws:PrincipalAccount}"}}))]).await;
    let caller = key.stage.role(&none());
    assert_eq!(key.encrypt(&caller, ID, json!({key_of_pair: value})).await.0, outcome);
}

/// A grant that lets its grantee make grants lets it make none that go beyond it.
#[rstest::rstest]
#[case::within(json!(["Encrypt"]), json!({"EncryptionContextSubset": {"a": "b"}}), "allow")]
#[case::another_operation(
    json!(["Decrypt"]), json!({"EncryptionContextSubset": {"a": "b"}}), "implicit_deny"
)]
#[case::one_more(
    json!(["Encrypt", "Decrypt"]), json!({"EncryptionContextSubset": {"a": "b"}}), "implicit_deny"
)]
#[case::without_the_constraint(json!(["Encrypt"]), json!(null), "implicit_deny")]
#[tokio::test]
async fn a_grants_grants_are_no_wider(
    #[case] operations: Value,
    #[case] constraints: Value,
    #[case] outcome: &str,
) {
    let own = json!({"GrantId": "g1", "KeyId": ARN, "GranteePrincipal": ROLE,
        "Operations": ["CreateGrant", "Encrypt"],
        "Constraints": {"EncryptionContextSubset": {"a": "b"}}});
    let key = Key::with(&[enable()], &[own]).await;
    let told = json!({"GrantId": "g2", "GrantToken": "t"});
    key.stage.upstream.answers("TrentService.CreateGrant", 200, &told);
    let caller = key.stage.role(&none());
    let input = json!({"KeyId": ID, "GranteePrincipal": ROLE, "Operations": operations,
        "Constraints": constraints});
    let answer = key.stage.client.call(&caller, Service::Kms, "CreateGrant", input).await;
    let entry = key.stage.last_entry();
    assert_eq!(entry.checks.last().unwrap().outcome, outcome);
    assert_eq!(answer.is_ok(), outcome == "allow", "{answer:?}");
}

/// A grant that lets its grantee retire it is about itself alone.
#[rstest::rstest]
#[case::itself("g1", "allow")]
#[case::another("g2", "implicit_deny")]
#[tokio::test]
async fn a_grantee_retires_its_own_grant(#[case] id: &str, #[case] outcome: &str) {
    let of = |id: &str, operation: &str| {
        json!({"GrantId": id, "KeyId": ARN, "GranteePrincipal": ROLE,
            "Operations": ["Encrypt", operation]})
    };
    let key = Key::with(&[enable()], &[of("g1", "RetireGrant"), of("g2", "Decrypt")]).await;
    key.stage.upstream.answers("TrentService.RetireGrant", 200, &json!({}));
    let caller = key.stage.role(&none());
    let input = json!({"KeyId": ARN, "GrantId": id});
    let answer = key.stage.client.call(&caller, Service::Kms, "RetireGrant", input).await;
    let entry = key.stage.last_entry();
    assert_eq!(entry.checks.last().unwrap().outcome, outcome);
    assert_eq!(answer.is_ok(), outcome == "allow", "{answer:?}");
}

/// What KMS does not take reaches no emulator; nor does a call to be tried.
#[tokio::test]
async fn a_grant_that_kms_refuses_is_not_made() {
    let key = Key::with(&[enable()], &[]).await;
    for (input, code) in [
        (json!({"GranteePrincipal": "*", "Operations": ["Encrypt"]}), "ValidationException"),
        (json!({"GranteePrincipal": ROLE, "Operations": ["*"]}), "ValidationException"),
        (
            json!({"GranteePrincipal": "arn:aws:iam::123456789012:role/late",
                "Operations": ["Encrypt"]}),
            "InvalidArnException",
        ),
        (
            json!({"GranteePrincipal": "arn:aws:iam::123456789012:root",
                "Operations": ["Encrypt"], "DryRun": true}),
            "DryRunOperationException",
        ),
    ] {
        let mut input = input;
        input["KeyId"] = json!(ID);
        let answer = key.stage.client.call(&root(), Service::Kms, "CreateGrant", input).await;
        assert_eq!(answer.unwrap_err().code, code);
    }
    assert_eq!(key.stage.upstream.count("TrentService.CreateGrant"), 0);
}

/// A policy of one statement for a principal.
fn new_policy(statement: Value) -> String {
    json!({"Version": "2012-10-17", "Statement": [statement]}).to_string()
}

fn administers(principal: &str) -> Value {
    json!({"Effect": "Allow", "Principal": {"AWS": principal}, "Resource": "*",
        "Action": ["kms:Describe*", "kms:Put*", "kms:Create*"]})
}

const LOCKOUT: &str =
    "The new key policy will not allow you to update the key policy in the future.";

#[rstest::rstest]
#[case::to_the_caller(administers(ROLE), none(), json!({}), true)]
#[case::to_the_account(administers("123456789012"), allow("kms:*"), json!({}), true)]
// What the caller's own policies leave out it could not do later either.
#[case::to_the_account_alone(administers("123456789012"), allow("kms:CreateKey"), json!({}), false)]
#[case::to_another(administers("arn:aws:iam::210987654321:role/x"), allow("kms:*"), json!({}), false)]
#[case::to_use_it(
    json!({"Effect": "Allow", "Principal": {"AWS": ROLE}, "Action": "kms:Encrypt", "Resource": "*"}),
    allow("kms:*"), json!({}), false)]
#[case::without_a_resource(
    json!({"Effect": "Allow", "Principal": {"AWS": ROLE}, "Action": "kms:*"}),
    allow("kms:*"), json!({}), false)]
#[case::unless_it_wants_to(administers("arn:aws:iam::210987654321:role/x"), allow("kms:*"),
    json!({"BypassPolicyLockoutSafetyCheck": true}), true)]
#[tokio::test]
async fn who_stores_a_keys_policy_can_store_another(
    #[case] statement: Value,
    #[case] own: String,
    #[case] input: Value,
    #[case] taken: bool,
) {
    let key = Key::with(&[to(ROLE)], &[]).await;
    key.stage.upstream.answers("TrentService.PutKeyPolicy", 200, &json!({}));
    let created = json!({"KeyMetadata": {"KeyId": ID, "Arn": ARN}});
    key.stage.upstream.answers("TrentService.CreateKey", 200, &created);
    let role = key.stage.role(&own);
    let mut input = input;
    input["Policy"] = new_policy(statement).into();
    let created = match own.contains("kms:") {
        true => Some(key.stage.client.call(&role, Service::Kms, "CreateKey", input.clone()).await),
        false => None,
    };
    input["KeyId"] = ID.into();
    let stored = key.stage.client.call(&role, Service::Kms, "PutKeyPolicy", input).await;
    for answer in [Some(stored), created].into_iter().flatten() {
        match taken {
            true => assert!(answer.is_ok(), "{answer:?}"),
            false => {
                let error = answer.unwrap_err();
                assert_eq!((error.status, &*error.code), (400, "MalformedPolicyDocumentException"));
                assert_eq!(error.message, LOCKOUT);
                assert_eq!(key.stage.last_entry().outcome, Ending::Refused);
            }
        }
    }
}

/// Root is no exception: a key may be nobody's but its policy's.
#[tokio::test]
async fn root_does_not_make_a_key_that_it_could_not_manage() {
    let stage = Stage::new().await;
    stage.bare_role("AROAEXAMPLEEXAMPLE12");
    stage.upstream.answers("TrentService.CreateKey", 200, &json!({"KeyMetadata": {}}));
    let create = async |principal: &str| {
        let input = json!({"Policy": new_policy(administers(principal))});
        stage.client.call(&root(), Service::Kms, "CreateKey", input).await
    };
    assert_eq!(create(ROLE).await.unwrap_err().message, LOCKOUT);
    assert!(create("arn:aws:iam::123456789012:root").await.is_ok());
    // Who is named must be there.
    let missing = create("arn:aws:iam::123456789012:role/gone").await.unwrap_err();
    assert_eq!(
        (missing.status, &*missing.code, &*missing.message),
        (
            400,
            "MalformedPolicyDocumentException",
            "Policy contains a statement with one or more invalid principals."
        )
    );
}

/// "If either of the required Resource or Action elements are missing from a key policy
/// statement, the policy statement has no effect"
/// (<https://docs.aws.amazon.com/kms/latest/APIReference/API_PutKeyPolicy.html>).
#[rstest::rstest]
#[case::whole(&[], true)]
#[case::no_action(&["Action"], false)]
#[case::no_resource(&["Resource"], false)]
#[tokio::test]
async fn a_statement_of_a_key_without_an_action_or_a_resource_has_no_effect(
    #[case] missing: &[&str],
    #[case] allowed: bool,
) {
    let mut statement = to(ROLE);
    for name in missing {
        statement.as_object_mut().unwrap().remove(*name);
    }
    let key = Key::with(&[statement], &[]).await;
    let role = key.stage.role(&none());
    let (outcome, _) = key.encrypt(&role, ID, json!({})).await;
    assert_eq!(outcome == "allow", allowed, "{outcome}");
}
