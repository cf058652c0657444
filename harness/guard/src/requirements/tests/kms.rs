//! KMS.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ringfence_wire::Service;
use rstest::rstest;
use serde_json::{Value, json};

use super::fake::{KEY, OTHER};
use super::{ask_as, expect, root};

const ARN: &str = "arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555";
const OTHER_ARN: &str =
    "arn:aws:kms:eu-west-1:123456789012:key/66666666-7777-8888-9999-000000000000";

/// What every operation on the key `alias/data` knows of it.
const OF_KEY: &str = "kms:keyorigin=AWS_KMS kms:keyspec=SYMMETRIC_DEFAULT \
    kms:keyusage=ENCRYPT_DECRYPT kms:multiregion=false";

fn ciphertext(key: &str) -> String {
    STANDARD.encode([key.as_bytes(), b"\x01\x02\xff"].concat())
}

fn of_key(action: &str, before: &str, between: &str, after: &str) -> String {
    let words = [
        action,
        ARN,
        "aws:resourcetag/team=a kms:calleraccount=123456789012",
        before,
        OF_KEY,
        between,
        "kms:resourcealiases=[alias/data]",
        after,
    ];
    words.iter().filter(|word| !word.is_empty()).copied().collect::<Vec<_>>().join(" ")
}

/// A key has four names, and policies know one.
#[rstest]
#[case::id(KEY, "")]
#[case::arn(ARN, "")]
#[case::alias("alias/data", "kms:requestalias=alias/data")]
#[case::alias_arn("arn:aws:kms:eu-west-1:123456789012:alias/data", "kms:requestalias=alias/data")]
#[tokio::test]
async fn a_key_is_one_resource_by_all_its_names(#[case] id: &str, #[case] alias: &str) {
    let expected = of_key("kms:DescribeKey", "", alias, "");
    expect(Service::Kms, "DescribeKey", json!({"KeyId": id}), &[&expected]).await;
}

#[tokio::test]
async fn an_encryption_context_is_told() {
    let input = json!({"KeyId": KEY, "Plaintext": "eA==",
        "EncryptionContext": {"team": "a", "App": "b"}});
    let expected = of_key(
        "kms:Encrypt",
        "kms:encryptionalgorithm=SYMMETRIC_DEFAULT kms:encryptioncontext:app=b \
         kms:encryptioncontext:team=a kms:encryptioncontextkeys=[team,App]",
        "",
        "",
    );
    expect(Service::Kms, "Encrypt", input, &[&expected]).await;
}

/// The ciphertext tells the key; a call that names another is refused as AWS does.
#[tokio::test]
async fn the_key_of_a_decryption_is_that_of_the_ciphertext() {
    let expected = of_key("kms:Decrypt", "kms:encryptionalgorithm=SYMMETRIC_DEFAULT", "", "");
    for named in [json!(null), json!(KEY), json!("alias/data")] {
        let input = json!({"CiphertextBlob": ciphertext(KEY), "KeyId": named});
        expect(Service::Kms, "Decrypt", input, &[&expected]).await;
    }
    let refused = async |input: Value| {
        let error = ask_as(&root(), Service::Kms, "Decrypt", input).await.unwrap_err();
        let crate::requirements::RequirementsError::Service(error) = error else {
            panic!("{error}")
        };
        (error.status, error.code.into_owned())
    };
    let other = json!({"CiphertextBlob": ciphertext(OTHER), "KeyId": KEY});
    assert_eq!(refused(other).await, (400, "IncorrectKeyException".to_owned()));
    let nobodys = json!({"CiphertextBlob": ciphertext("00000000-0000-0000-0000-000000000000")});
    assert_eq!(refused(nobodys).await, (400, "InvalidCiphertextException".to_owned()));
    let no_form = json!({"CiphertextBlob": "AAAA"});
    assert_eq!(refused(no_form).await, (400, "InvalidCiphertextException".to_owned()));
    // Of an asymmetric key.
    let input = json!({"CiphertextBlob": "AAAA", "KeyId": KEY});
    expect(Service::Kms, "Decrypt", input, &[&expected]).await;
}

#[rstest]
#[case::another_key("alias/other", "false")]
#[case::the_same_key("alias/data", "true")]
#[tokio::test]
async fn a_new_encryption_needs_both_keys(#[case] destination: &str, #[case] same: &str) {
    let input = json!({"CiphertextBlob": ciphertext(KEY), "DestinationKeyId": destination,
        "SourceEncryptionContext": {"a": "1"}});
    let asked = ask_as(&root(), Service::Kms, "ReEncrypt", input).await.unwrap();
    let told =
        |index: usize, key: &str| asked[index].context.get(key).map(|it| it.as_slice()[0].clone());
    let to = if same == "true" { ARN } else { OTHER_ARN };
    let needed: Vec<(&str, &str)> =
        asked.iter().map(|asked| (asked.action.as_str(), asked.resource.as_str())).collect();
    assert_eq!(needed, [("kms:ReEncryptFrom", ARN), ("kms:ReEncryptTo", to)]);
    assert_eq!(told(0, "kms:EncryptionContext:a").as_deref(), Some("1"));
    assert_eq!(told(1, "kms:EncryptionContext:a"), None);
    assert_eq!(told(0, "kms:ReEncryptOnSameKey").as_deref(), Some(same));
    assert_eq!(told(1, "kms:RequestAlias").as_deref(), Some(destination));
}

#[rstest]
#[case::create("CreateAlias", json!({"AliasName": "alias/new", "TargetKeyId": KEY}), &["alias/new", KEY])]
#[case::update("UpdateAlias", json!({"AliasName": "alias/data", "TargetKeyId": OTHER}),
    &["alias/data", KEY, OTHER])]
#[case::delete("DeleteAlias", json!({"AliasName": "alias/data"}), &["alias/data", KEY])]
#[case::of_aws("DeleteAlias", json!({"AliasName": "alias/aws/s3"}), &["alias/aws/s3"])]
#[tokio::test]
async fn an_alias_and_its_keys_are_asked_for(
    #[case] operation: &str,
    #[case] input: Value,
    #[case] resources: &[&str],
) {
    let asked = ask_as(&root(), Service::Kms, operation, input).await.unwrap();
    let found: Vec<String> = asked.iter().map(|asked| asked.resource.clone()).collect();
    let head = "arn:aws:kms:eu-west-1:123456789012:";
    let expected: Vec<String> = resources
        .iter()
        .map(|it| {
            if it.starts_with("alias/") { format!("{head}{it}") } else { format!("{head}key/{it}") }
        })
        .collect();
    assert_eq!(found, expected);
    assert!(asked.iter().all(|asked| asked.action == format!("kms:{operation}")));
}

#[rstest]
#[case::defaults(json!({}), &["kms:CreateKey * kms:bypasspolicylockoutsafetycheck=false \
    kms:calleraccount=123456789012 kms:keyorigin=AWS_KMS kms:keyspec=SYMMETRIC_DEFAULT \
    kms:keyusage=ENCRYPT_DECRYPT kms:multiregion=false"])]
#[case::tags(json!({"KeySpec": "RSA_2048", "KeyUsage": "SIGN_VERIFY", "MultiRegion": true,
    "Tags": [{"TagKey": "team", "TagValue": "a"}]}), &[
    "kms:CreateKey * aws:requesttag/team=a aws:tagkeys=[team] \
     kms:bypasspolicylockoutsafetycheck=false kms:calleraccount=123456789012 kms:keyorigin=AWS_KMS \
     kms:keyspec=RSA_2048 kms:keyusage=SIGN_VERIFY kms:multiregion=true \
     kms:multiregionkeytype=PRIMARY",
    "kms:TagResource * aws:requesttag/team=a aws:tagkeys=[team] kms:calleraccount=123456789012"])]
#[tokio::test]
async fn a_new_key_tells_its_defaults(#[case] input: Value, #[case] expected: &[&str]) {
    expect(Service::Kms, "CreateKey", input, expected).await;
}

#[tokio::test]
async fn a_new_grant_tells_what_it_gives() {
    let input = json!({"KeyId": KEY, "GranteePrincipal": "arn:aws:iam::123456789012:role/r",
        "Operations": ["Decrypt", "GenerateDataKey"],
        "Constraints": {"EncryptionContextSubset": {"a": "b"}}});
    let expected = of_key(
        "kms:CreateGrant",
        "kms:encryptioncontext:a=b kms:encryptioncontextkeys=[a] \
         kms:grantconstrainttype=EncryptionContextSubset \
         kms:granteeprincipal=arn:aws:iam::123456789012:role/r kms:grantisforawsresource=false \
         kms:grantoperations=[Decrypt,GenerateDataKey]",
        "",
        "",
    );
    expect(Service::Kms, "CreateGrant", input, &[&expected]).await;
}

#[tokio::test]
async fn a_grant_is_retired_by_whom_it_names() {
    let input = json!({"KeyId": KEY, "GrantId": "g"});
    let expected = of_key("kms:RetireGrant", "", "", "^RETIRE g");
    expect(Service::Kms, "RetireGrant", input, &[&expected]).await;
}

/// What is in no list of ours.
#[rstest]
#[case::another_accounts_alias("DescribeKey", json!({"KeyId": "arn:aws:kms:eu-west-1:999999999999:alias/a"}))]
#[case::a_token("RetireGrant", json!({"GrantToken": "t"}))]
#[case::another_region("ReplicateKey", json!({"KeyId": KEY, "ReplicaRegion": "eu-central-1"}))]
#[tokio::test]
async fn what_cannot_be_told_is_refused_by_name(#[case] operation: &str, #[case] input: Value) {
    let error = ask_as(&root(), Service::Kms, operation, input).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "kms:{operation} has no authorization mapping; the guard refuses what it cannot decide"
        )
    );
}

#[tokio::test]
async fn the_key_of_another_account_is_known_by_its_arn_alone() {
    let arn = "arn:aws:kms:eu-west-1:999999999999:key/k";
    let asked = ask_as(&root(), Service::Kms, "DescribeKey", json!({"KeyId": arn})).await.unwrap();
    assert_eq!(asked[0].resource, arn);
    for key in ["kms:KeySpec", "kms:ResourceAliases", "aws:ResourceTag/team"] {
        assert!(asked[0].context.is_unknown(key), "{key}");
    }
}
