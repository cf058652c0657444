//! STS.

use ringfence_services::credentials::WebIdentity;
use ringfence_services::{Identity, Session};
use ringfence_wire::Service;
use rstest::rstest;
use serde_json::{Value, json};

use super::{ask_as, expect, expect_as, root};
use crate::requirements::ResourcePolicy;

const APP: &str = "arn:aws:iam::123456789012:role/apps/app";

#[rstest]
#[case::identity_needs_nothing("GetCallerIdentity", json!({}), &[])]
#[case::session_token_needs_nothing("GetSessionToken", json!({}), &[])]
#[case::assume_role(
    "AssumeRole",
    json!({"RoleArn": APP, "RoleSessionName": "s", "ExternalId": "e"}),
    &["sts:AssumeRole arn:aws:iam::123456789012:role/apps/app sts:externalid=e \
       sts:rolesessionname=s ^trust:TRUST"],
)]
#[case::with_tags_and_source_identity(
    "AssumeRole",
    json!({"RoleArn": APP, "RoleSessionName": "s", "SourceIdentity": "me",
           "Tags": [{"Key": "k", "Value": "v"}], "TransitiveTagKeys": ["k"]}),
    &[
        "sts:AssumeRole arn:aws:iam::123456789012:role/apps/app aws:requesttag/k=v \
         aws:tagkeys=[k] sts:rolesessionname=s sts:sourceidentity=me sts:transitivetagkeys=[k] \
         ^trust:TRUST",
        "sts:TagSession arn:aws:iam::123456789012:role/apps/app aws:requesttag/k=v \
         aws:tagkeys=[k] sts:transitivetagkeys=[k] ^trust:TRUST",
        "sts:SetSourceIdentity arn:aws:iam::123456789012:role/apps/app sts:sourceidentity=me \
         ^trust:TRUST",
    ],
)]
#[case::federation_token(
    "GetFederationToken",
    json!({"Name": "bob"}),
    &["sts:GetFederationToken arn:aws:sts::123456789012:federated-user/bob"],
)]
#[case::federation_token_with_tags(
    "GetFederationToken",
    json!({"Name": "bob", "Tags": [{"Key": "k", "Value": "v"}]}),
    &[
        "sts:GetFederationToken arn:aws:sts::123456789012:federated-user/bob aws:requesttag/k=v \
         aws:tagkeys=[k]",
        "sts:TagSession arn:aws:sts::123456789012:federated-user/bob aws:requesttag/k=v \
         aws:tagkeys=[k]",
    ],
)]
#[case::a_tagged_role(
    "AssumeRole",
    json!({"RoleArn": "arn:aws:iam::123456789012:role/tagged", "RoleSessionName": "s"}),
    &["sts:AssumeRole arn:aws:iam::123456789012:role/tagged aws:resourcetag/team=a \
       iam:resourcetag/team=a sts:rolesessionname=s ^trust:TRUST"],
)]
#[tokio::test]
async fn sts_requires(#[case] operation: &str, #[case] input: Value, #[case] expected: &[&str]) {
    expect(Service::Sts, operation, input, expected).await;
}

#[rstest]
#[case::missing("arn:aws:iam::123456789012:role/gone")]
#[case::under_another_path("arn:aws:iam::123456789012:role/app")]
#[case::of_another_account("arn:aws:iam::999999999999:role/app")]
#[tokio::test]
async fn a_role_that_is_not_there_trusts_nobody(#[case] arn: &str) {
    let input = json!({"RoleArn": arn, "RoleSessionName": "s"});
    let requirements = ask_as(&root(), Service::Sts, "AssumeRole", input).await.unwrap();
    let ResourcePolicy::Trust { name, document } = &requirements[0].resource_policy else {
        panic!("a trust policy decides");
    };
    assert_eq!(name, arn);
    let document: Value = serde_json::from_str(document).unwrap();
    assert_eq!(document["Statement"][0]["Principal"], json!({"Service": "nobody.amazonaws.com"}));
    ringfence_policy::Document::parse(name, &document.to_string(), ringfence_policy::Kind::Trust)
        .unwrap();
}

#[tokio::test]
async fn a_web_identitys_token_brings_tags_and_source_identity() {
    let bearer = Session::direct(Identity::WebIdentity(Box::new(WebIdentity {
        provider_arn: "arn:aws:iam::123456789012:oidc-provider/issuer".into(),
        issuer: "https://issuer".into(),
        subject: "sub".into(),
        audience: "aud".into(),
        keys: Vec::new(),
        tags: vec![("k".into(), "v".into())],
        transitive_tag_keys: Vec::new(),
        source_identity: Some("me".into()),
    })));
    let input = json!({"RoleArn": APP, "RoleSessionName": "s", "WebIdentityToken": "t"});
    let expected = [
        "sts:AssumeRoleWithWebIdentity arn:aws:iam::123456789012:role/apps/app \
         aws:requesttag/k=v aws:tagkeys=[k] sts:rolesessionname=s sts:sourceidentity=me \
         ^trust:TRUST",
        "sts:TagSession arn:aws:iam::123456789012:role/apps/app aws:requesttag/k=v \
         aws:tagkeys=[k] ^trust:TRUST",
        "sts:SetSourceIdentity arn:aws:iam::123456789012:role/apps/app sts:sourceidentity=me \
         ^trust:TRUST",
    ];
    expect_as(&bearer, Service::Sts, "AssumeRoleWithWebIdentity", input, &expected).await;
}

#[tokio::test]
async fn a_chained_session_keeps_its_source_identity() {
    let chained =
        Session::direct(Identity::Role(Box::new(ringfence_services::credentials::RoleSession {
            role_arn: "arn:aws:iam::123456789012:role/bare".into(),
            role_name: "bare".into(),
            role_id: "AROA".into(),
            session_name: "s".into(),
            session_policies: None,
            tags: Vec::new(),
            transitive_tag_keys: Vec::new(),
            source_identity: Some("me".into()),
            web_keys: Vec::new(),
            federated_provider: None,
            assumed_by: None,
            issued_at: time::OffsetDateTime::UNIX_EPOCH,
        })));
    let input = json!({"RoleArn": APP, "RoleSessionName": "s"});
    let expected = [
        "sts:AssumeRole arn:aws:iam::123456789012:role/apps/app sts:rolesessionname=s \
         sts:sourceidentity=me ^trust:TRUST",
        "sts:SetSourceIdentity arn:aws:iam::123456789012:role/apps/app sts:sourceidentity=me \
         ^trust:TRUST",
    ];
    expect_as(&chained, Service::Sts, "AssumeRole", input, &expected).await;
}
