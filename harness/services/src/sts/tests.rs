//! STS, call by call: errors in AWS's words, each with its allowed twin.

use ringfence_wire::reply::Body;
use ringfence_wire::{Call, Operation, ServiceError};
use rstest::rstest;
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use super::*;
use crate::credentials::{
    ClaimValues, FederatedUser, Identity, LongTerm, RoleSession, WebIdentity,
};
use crate::token::testing::{self, ISSUER, OTHER_RSA, RSA};
use crate::token::{KeySource, SharedKeys};

const ACCOUNT: &str = "123456789012";
const ROLE: &str = "arn:aws:iam::123456789012:role/team/app";
const GITHUB: &str = "https://token.actions.githubusercontent.com";

#[derive(Debug)]
struct Account;

#[async_trait::async_trait]
impl Directory for Account {
    async fn role(&self, arn: &str) -> Result<Option<RoleRecord>, ServiceError> {
        Ok((arn == ROLE).then(|| RoleRecord {
            arn: ROLE.into(),
            name: "app".into(),
            role_id: "AROA1".into(),
            max_session_duration: 7_200,
        }))
    }

    async fn managed_policy(&self, arn: &str) -> Result<Option<String>, ServiceError> {
        let text = match arn.rsplit('/').next() {
            Some("known") => POLICY.to_owned(),
            Some("ReadOnlyAccess") => format!("{POLICY}{}", " ".repeat(90_000)),
            _ => return Ok(None),
        };
        Ok(Some(text))
    }

    async fn oidc_provider(&self, issuer: &str) -> Result<Option<OidcProvider>, ServiceError> {
        Ok([ISSUER, GITHUB].contains(&issuer).then(|| OidcProvider {
            arn: format!(
                "arn:aws:iam::{ACCOUNT}:oidc-provider/{}",
                issuer.trim_start_matches("https://")
            ),
            client_ids: vec!["api://default".into(), "sts.amazonaws.com".into()],
        }))
    }
}

const POLICY: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#;

fn sts() -> Sts {
    let setting = Setting::new(
        ACCOUNT,
        "eu-central-1",
        crate::setting::Interpreters::default(),
        std::path::PathBuf::new(),
    );
    let keys = || KeySource::Keys(SharedKeys::new(testing::keys(&[RSA.jwk("k1")])));
    let issuers = Issuers::new(vec![(ISSUER.into(), keys()), (GITHUB.into(), keys())]);
    Sts::new(Arc::new(setting), Arc::new(Account), issuers)
}

fn call(operation: &str, input: Value) -> Call {
    Call {
        operation: Operation::find(ringfence_wire::Service::Sts, operation).unwrap(),
        region: "eu-central-1".into(),
        input: input.as_object().unwrap().clone(),
        payload: None,
    }
}

fn alice() -> LongTerm {
    LongTerm::User {
        arn: "arn:aws:iam::123456789012:user/alice".into(),
        name: "alice".into(),
        user_id: "AIDA1".into(),
    }
}

fn account() -> LongTerm {
    LongTerm::Root { account_id: ACCOUNT.into(), partition: ringfence_models::Partition::default() }
}

fn user() -> Session {
    Session::direct(alice().into())
}

fn role_session() -> RoleSession {
    RoleSession {
        role_arn: "arn:aws:iam::123456789012:role/first".into(),
        role_name: "first".into(),
        role_id: "AROA0".into(),
        session_name: "s".into(),
        session_policies: None,
        tags: vec![("team".into(), "a".into()), ("cost".into(), "1".into())],
        transitive_tag_keys: vec!["team".into()],
        source_identity: Some("alice".into()),
        web_keys: Vec::new(),
        federated_provider: None,
        assumed_by: None,
        issued_at: OffsetDateTime::UNIX_EPOCH,
    }
}

fn chained() -> Session {
    Session::direct(Identity::Role(Box::new(role_session())))
}

fn assume(further: Value) -> Call {
    let mut input = json!({"RoleArn": ROLE, "RoleSessionName": "session"});
    for (key, value) in further.as_object().unwrap() {
        input[key] = value.clone();
    }
    call("AssumeRole", input)
}

fn fields(reply: Reply) -> Value {
    match reply.body {
        Body::Fields(fields) => fields,
        other => panic!("{other:?}"),
    }
}

/// The session that an answer's key stands for.
fn made(sts: &Sts, answer: &Value) -> (RoleSession, OffsetDateTime) {
    let id = answer["Credentials"]["AccessKeyId"].as_str().unwrap();
    let key = sts.setting.keyring.find(id).unwrap();
    let Identity::Role(session) = key.session.identity else { panic!() };
    (*session, key.session.expiration.unwrap())
}

#[tokio::test]
async fn an_assumed_role_is_named_and_lasts_an_hour() {
    let sts = sts();
    let answer = fields(sts.answer(&assume(json!({})), &user()).await.unwrap());
    assert_eq!(
        answer["AssumedRoleUser"],
        json!({"AssumedRoleId": "AROA1:session",
            "Arn": "arn:aws:sts::123456789012:assumed-role/app/session"})
    );
    assert_eq!(answer.get("PackedPolicySize"), None);
    let (session, expiration) = made(&sts, &answer);
    assert_eq!(session.role_arn, ROLE);
    assert_eq!(expiration - session.issued_at, Duration::hours(1));
}

#[rstest]
#[case::short_name(json!({"RoleSessionName": "s"}), "1 validation error detected: Value 's' at 'roleSessionName' failed to satisfy constraint: Member must have length greater than or equal to 2")]
#[case::bad_name(json!({"RoleSessionName": "a b"}), r"1 validation error detected: Value 'a b' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w+=,.@-]*")]
#[case::no_arn(json!({"RoleArn": "arn:aws:iam::1:something"}), "arn:aws:iam::1:something is invalid")]
#[case::too_short(json!({"DurationSeconds": 899}), "1 validation error detected: Value '899' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900")]
#[case::over_the_roles(json!({"DurationSeconds": 7201}), "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")]
#[tokio::test]
async fn parameters_out_of_bounds_are_refused(#[case] further: Value, #[case] message: &str) {
    let error = sts().answer(&assume(further), &user()).await.unwrap_err();
    assert_eq!((error.code.as_ref(), error.status), ("ValidationError", 400));
    assert_eq!(error.message, message);
}

#[tokio::test]
async fn a_role_may_set_longer_sessions_but_not_for_chains() {
    let sts = sts();
    let long = || assume(json!({"DurationSeconds": 7200}));
    let answer = fields(sts.answer(&long(), &user()).await.unwrap());
    let (session, expiration) = made(&sts, &answer);
    assert_eq!(expiration - session.issued_at, Duration::hours(2));
    let error = sts.answer(&long(), &chained()).await.unwrap_err();
    assert_eq!(
        error.message,
        "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by \
         role chaining."
    );
    sts.answer(&assume(json!({"DurationSeconds": 3600})), &chained()).await.unwrap();
}

#[tokio::test]
async fn root_and_roles_that_are_not_there_are_refused() {
    let root = Session::direct(Identity::Root {
        account_id: ACCOUNT.into(),
        partition: ringfence_models::Partition::default(),
    });
    let error = sts().answer(&assume(json!({})), &root).await.unwrap_err();
    assert_eq!(error.message, "Roles may not be assumed by root accounts.");
    let gone = "arn:aws:iam::123456789012:role/app";
    let error = sts().answer(&assume(json!({"RoleArn": gone})), &user()).await.unwrap_err();
    assert_eq!((error.code.as_ref(), error.status), ("AccessDenied", 403));
}

#[tokio::test]
async fn a_chain_hands_down_transitive_tags_and_the_source_identity() {
    let sts = sts();
    let further = json!({"Tags": [{"Key": "new", "Value": "x"}], "TransitiveTagKeys": ["new"]});
    let answer = fields(sts.answer(&assume(further), &chained()).await.unwrap());
    assert_eq!(answer["SourceIdentity"], "alice");
    assert_eq!(answer["PackedPolicySize"], 1);
    let (session, _) = made(&sts, &answer);
    let tag = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    assert_eq!(session.tags, [tag("new", "x"), tag("team", "a")]);
    assert_eq!(session.transitive_tag_keys, ["new", "team"]);
    let other = json!({"SourceIdentity": "mallory"});
    assert_eq!(sts.answer(&assume(other), &chained()).await.unwrap_err().code, "AccessDenied");
}

#[rstest]
#[case::doubled(json!({"Tags": [{"Key": "a", "Value": "1"}, {"Key": "A", "Value": "2"}]}), "Duplicate tag keys found. Please note that Tag keys are case insensitive.")]
#[case::awss(json!({"Tags": [{"Key": "aws:a", "Value": "1"}]}), "aws: prefixed tag key names are not allowed for external use.")]
#[case::awss_in_any_case(json!({"Tags": [{"Key": "AWS:a", "Value": "1"}]}), "aws: prefixed tag key names are not allowed for external use.")]
#[case::transitive_unknown(json!({"TransitiveTagKeys": ["b"]}), "The specified transitive tag key must be included in the requested tags.")]
#[case::inherited(json!({"Tags": [{"Key": "Team", "Value": "b"}]}), "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session.")]
#[tokio::test]
async fn session_tags_follow_the_rules(#[case] further: Value, #[case] message: &str) {
    let error = sts().answer(&assume(further), &chained()).await.unwrap_err();
    assert_eq!((error.code.as_ref(), error.status), ("InvalidParameterValue", 400));
    assert_eq!(error.message, message);
}

#[tokio::test]
async fn session_policies_are_kept_and_must_be_policies() {
    let sts = sts();
    let known = "arn:aws:iam::123456789012:policy/known";
    let further = json!({"Policy": POLICY, "PolicyArns": [{"arn": known}]});
    let answer = fields(sts.answer(&assume(further), &user()).await.unwrap());
    let (session, _) = made(&sts, &answer);
    assert_eq!(session.session_policies.unwrap(), [POLICY, POLICY]);
    for further in [
        json!({"Policy": "{}"}),
        json!({"PolicyArns": [{"arn": "arn:aws:iam::123456789012:policy/unknown"}]}),
    ] {
        let error = sts.answer(&assume(further), &user()).await.unwrap_err();
        assert_eq!((error.code.as_ref(), error.status), ("MalformedPolicyDocument", 400));
    }
    let long = json!({"Policy": format!("{POLICY}{}", " ".repeat(2048))});
    assert_eq!(sts.answer(&assume(long), &user()).await.unwrap_err().code, "ValidationError");
}

#[tokio::test]
async fn a_managed_session_policy_packs_by_its_arn_however_long_it_is() {
    let sts = sts();
    let further = json!({"PolicyArns": [{"arn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}]});
    let answer = fields(sts.answer(&assume(further), &user()).await.unwrap());
    assert_eq!(answer["PackedPolicySize"], 1);
    let (session, _) = made(&sts, &answer);
    assert!(session.session_policies.unwrap()[0].starts_with(POLICY));
}

#[tokio::test]
async fn too_many_tags_do_not_pack() {
    let tags: Vec<Value> = (0..50)
        .map(|index| json!({"Key": format!("key{index}"), "Value": "v".repeat(256)}))
        .collect();
    let error = sts().answer(&assume(json!({"Tags": tags})), &user()).await.unwrap_err();
    assert_eq!((error.code.as_ref(), error.status), ("PackedPolicyTooLarge", 400));
}

/// The session of a key that an answer gives.
fn given(sts: &Sts, answer: &Value) -> Session {
    let id = answer["Credentials"]["AccessKeyId"].as_str().unwrap();
    assert!(id.starts_with("ASIA"), "{id}");
    sts.setting.keyring.find(id).unwrap().session
}

fn federated(session: &Session) -> FederatedUser {
    let Identity::FederatedUser(federated) = &session.identity else { panic!("{session:?}") };
    *federated.clone()
}

fn federate(further: Value) -> Call {
    let mut input = json!({"Name": "bob"});
    for (key, value) in further.as_object().unwrap() {
        input[key] = value.clone();
    }
    call("GetFederationToken", input)
}

#[tokio::test]
async fn a_federated_user_has_its_name_its_policies_and_its_tags() {
    let sts = sts();
    let known = "arn:aws:iam::123456789012:policy/known";
    let further = json!({"Policy": POLICY, "PolicyArns": [{"arn": known}],
        "Tags": [{"Key": "team", "Value": "a"}]});
    let answer = fields(sts.answer(&federate(further), &user()).await.unwrap());
    let bob = json!({"FederatedUserId": "123456789012:bob",
        "Arn": "arn:aws:sts::123456789012:federated-user/bob"});
    assert_eq!(answer["FederatedUser"], bob);
    assert_eq!(answer["PackedPolicySize"], 2);
    let session = given(&sts, &answer);
    let federated = federated(&session);
    assert_eq!(federated.federator, alice());
    assert_eq!(federated.session_policies.unwrap(), [POLICY, POLICY]);
    assert_eq!(federated.tags, [("team".to_owned(), "a".to_owned())]);
    assert_eq!(session.expiration.unwrap() - federated.issued_at, Duration::hours(12));
    assert_eq!(session.called_via, Vec::<String>::new());

    let who = fields(sts.answer(&call("GetCallerIdentity", json!({})), &session).await.unwrap());
    let bob = json!({"UserId": "123456789012:bob", "Account": ACCOUNT,
        "Arn": "arn:aws:sts::123456789012:federated-user/bob"});
    assert_eq!(who, bob);
}

#[tokio::test]
async fn a_federated_user_may_have_neither_policies_nor_tags() {
    let sts = sts();
    let answer = fields(sts.answer(&federate(json!({})), &user()).await.unwrap());
    assert_eq!(answer["PackedPolicySize"], 0);
    let federated = federated(&given(&sts, &answer));
    assert_eq!((federated.session_policies, federated.tags), (None, Vec::new()));
}

#[rstest]
#[case::a_user(alice(), json!({}), 43_200)]
#[case::a_user_for_longest(alice(), json!({"DurationSeconds": 129_600}), 129_600)]
#[case::a_user_for_shortest(alice(), json!({"DurationSeconds": 900}), 900)]
#[case::root(account(), json!({}), 3_600)]
#[case::root_for_less(account(), json!({"DurationSeconds": 900}), 900)]
#[case::root_for_more(account(), json!({"DurationSeconds": 129_600}), 3_600)]
#[tokio::test]
async fn sessions_of_long_term_credentials_last(
    #[case] holder: LongTerm,
    #[case] further: Value,
    #[case] seconds: i64,
) {
    let sts = sts();
    let caller = Session::direct(holder.into());
    let answer = fields(sts.answer(&federate(further.clone()), &caller).await.unwrap());
    let session = given(&sts, &answer);
    let lasts = session.expiration.unwrap() - session.token_issued_at().unwrap();
    assert_eq!(lasts, Duration::seconds(seconds));

    let answer = sts.answer(&call("GetSessionToken", further), &caller).await.unwrap();
    let session = given(&sts, &fields(answer));
    let lasts = session.expiration.unwrap() - session.token_issued_at().unwrap();
    assert_eq!(lasts, Duration::seconds(seconds));
}

#[rstest]
#[case::no_name(json!({"Name": null}), "1 validation error detected: Value null at 'name' failed to satisfy constraint: Member must not be null")]
#[case::short_name(json!({"Name": "b"}), "1 validation error detected: Value 'b' at 'name' failed to satisfy constraint: Member must have length greater than or equal to 2")]
#[case::long_name(json!({"Name": "b23456789012345678901234567890123"}), "1 validation error detected: Value 'b23456789012345678901234567890123' at 'name' failed to satisfy constraint: Member must have length less than or equal to 32")]
#[case::bad_name(json!({"Name": "b*b"}), r"1 validation error detected: Value 'b*b' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w+=,.@-]*")]
#[case::too_short(json!({"DurationSeconds": 899}), "1 validation error detected: Value '899' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900")]
#[case::too_long(json!({"DurationSeconds": 129_601}), "1 validation error detected: Value '129601' at 'durationSeconds' failed to satisfy constraint: Member must have value less than or equal to 129600")]
#[case::too_many_policies(json!({"PolicyArns": vec![json!({"arn": "arn:aws:iam::123456789012:policy/known"}); 11]}), "1 validation error detected: Value at 'policyArns' failed to satisfy constraint: Member must have length less than or equal to 10")]
#[case::too_many_tags(json!({"Tags": (0..51).map(|n| json!({"Key": format!("k{n}"), "Value": "v"})).collect::<Vec<_>>()}), "1 validation error detected: Value at 'tags' failed to satisfy constraint: Member must have length less than or equal to 50")]
#[tokio::test]
async fn a_federation_out_of_bounds_is_refused(#[case] further: Value, #[case] message: &str) {
    let error = sts().answer(&federate(further), &user()).await.unwrap_err();
    assert_eq!((error.code.as_ref(), error.status), ("ValidationError", 400));
    assert_eq!(error.message, message);
}

#[rstest]
#[case::a_name_as_long_as_may_be(json!({"Name": "b2345678901234567890123456789012"}))]
#[case::every_character(json!({"Name": "b_+=,.@-"}))]
#[case::ten_policies(json!({"PolicyArns": vec![json!({"arn": "arn:aws:iam::123456789012:policy/known"}); 10]}))]
#[case::fifty_tags(json!({"Tags": (0..50).map(|n| json!({"Key": format!("k{n}"), "Value": "v"})).collect::<Vec<_>>()}))]
#[tokio::test]
async fn a_federation_at_its_bounds_is_taken(#[case] further: Value) {
    sts().answer(&federate(further), &user()).await.unwrap();
}

#[rstest]
#[case::no_policy(json!({"Policy": "{}"}), "MalformedPolicyDocument")]
#[case::unknown_policy(json!({"PolicyArns": [{"arn": "arn:aws:iam::123456789012:policy/unknown"}]}), "MalformedPolicyDocument")]
#[case::doubled_tags(json!({"Tags": [{"Key": "a", "Value": "1"}, {"Key": "A", "Value": "2"}]}), "InvalidParameterValue")]
#[case::too_large(json!({"Tags": (0..50).map(|n| json!({"Key": format!("k{n}"), "Value": "v".repeat(256)})).collect::<Vec<_>>()}), "PackedPolicyTooLarge")]
#[tokio::test]
async fn policies_and_tags_of_a_federation_follow_the_rules(
    #[case] further: Value,
    #[case] code: &str,
) {
    let error = sts().answer(&federate(further), &user()).await.unwrap_err();
    assert_eq!((error.code.as_ref(), error.status), (code, 400));
}

fn session_token(holder: LongTerm) -> Session {
    let now = OffsetDateTime::now_utc();
    Session {
        expiration: Some(now + Duration::hours(1)),
        session_token_issued_at: Some(now),
        ..Session::direct(holder.into())
    }
}

fn of_federation() -> Session {
    Session::direct(Identity::FederatedUser(Box::new(FederatedUser {
        name: "bob".into(),
        federator: alice(),
        session_policies: None,
        tags: Vec::new(),
        issued_at: OffsetDateTime::UNIX_EPOCH,
    })))
}

#[rstest]
#[case::a_role(chained())]
#[case::a_federated_user(of_federation())]
#[case::a_users_session(session_token(alice()))]
#[case::roots_session(session_token(account()))]
#[tokio::test]
async fn temporary_credentials_are_given_no_session_of_their_own(#[case] caller: Session) {
    let sts = sts();
    for (operation, input) in
        [("GetFederationToken", json!({"Name": "bob"})), ("GetSessionToken", json!({}))]
    {
        let error = sts.answer(&call(operation, input.clone()), &caller).await.unwrap_err();
        assert_eq!((error.code.as_ref(), error.status), ("AccessDenied", 403));
        assert_eq!(error.message, format!("Cannot call {operation} with session credentials"));
        sts.answer(&call(operation, input), &user()).await.unwrap();
    }
}

#[tokio::test]
async fn a_federated_user_assumes_no_role() {
    let sts = sts();
    let error = sts.answer(&assume(json!({})), &of_federation()).await.unwrap_err();
    assert_eq!((error.code.as_ref(), error.status), ("InvalidClientTokenId", 403));
    assert_eq!(error.message, "The security token included in the request is invalid.");
    sts.answer(&assume(json!({})), &session_token(alice())).await.unwrap();
}

#[tokio::test]
async fn a_session_token_is_its_holders() {
    let sts = sts();
    let answer = sts.answer(&call("GetSessionToken", json!({})), &user()).await.unwrap();
    let session = given(&sts, &fields(answer));
    assert_eq!(session.identity, user().identity);
    assert!(session.session_token_issued_at.is_some());
}

#[rstest]
#[case("GetSessionToken", json!({}), "SerialNumber")]
#[case("GetSessionToken", json!({}), "TokenCode")]
#[case("AssumeRole", json!({"RoleArn": ROLE, "RoleSessionName": "session"}), "SerialNumber")]
#[case("AssumeRole", json!({"RoleArn": ROLE, "RoleSessionName": "session"}), "TokenCode")]
#[tokio::test]
async fn what_shows_an_mfa_device_is_refused_by_name(
    #[case] operation: &str,
    #[case] mut input: Value,
    #[case] member: &str,
) {
    let sts = sts();
    sts.answer(&call(operation, input.clone()), &user()).await.unwrap();
    input[member] = "123456".into();
    let error = sts.answer(&call(operation, input), &user()).await.unwrap_err();
    assert_eq!((error.code.as_ref(), error.status), ("NotImplemented", 501));
    assert_eq!(
        error.message,
        format!("{member} cannot be checked: MFA devices are not built into Ringfence")
    );
}

#[tokio::test]
async fn what_is_not_built_is_refused_by_name() {
    for operation in ["DecodeAuthorizationMessage", "AssumeRoleWithSAML"] {
        let error = sts().answer(&call(operation, json!({})), &user()).await.unwrap_err();
        assert_eq!((error.code.as_ref(), error.status), ("NotImplemented", 501));
        assert_eq!(error.message, format!("sts:{operation} is not built into Ringfence"));
    }
}

fn with_token(token: &str) -> Call {
    call(
        "AssumeRoleWithWebIdentity",
        json!({"RoleArn": ROLE, "RoleSessionName": "session", "WebIdentityToken": token}),
    )
}

fn token(claims: &Value) -> String {
    RSA.token(&testing::header(), claims)
}

/// Good claims, with changes; null removes one.
fn claims(changes: Value) -> Value {
    let mut claims = testing::claims(OffsetDateTime::now_utc());
    for (key, value) in changes.as_object().unwrap() {
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(key);
        } else {
            claims[key] = value.clone();
        }
    }
    claims
}

async fn web(claims: &Value) -> Result<WebIdentity, ServiceError> {
    sts().web_identity(&with_token(&token(claims))).await
}

#[tokio::test]
async fn a_web_identity_is_known_by_its_token_and_assumes_its_role() {
    let web = web(&claims(json!({}))).await.unwrap();
    let host = "issuer.example/oauth2/default";
    assert_eq!(web.provider_arn, format!("arn:aws:iam::{ACCOUNT}:oidc-provider/{host}"));
    let one = |value: &str| ClaimValues::One(value.to_owned());
    assert_eq!(
        web.keys,
        [(format!("{host}:sub"), one("alice")), (format!("{host}:aud"), one("api://default"))]
    );
    let sts = sts();
    let caller = Session::direct(Identity::WebIdentity(Box::new(web)));
    let answer = fields(sts.answer(&with_token("aaaa"), &caller).await.unwrap());
    assert_eq!(answer["SubjectFromWebIdentityToken"], "alice");
    assert_eq!(answer["Provider"], ISSUER);
    assert_eq!(answer["Audience"], "api://default");
    let (session, _) = made(&sts, &answer);
    assert_eq!(session.federated_provider.unwrap(), caller_provider(&caller));
}

fn caller_provider(caller: &Session) -> String {
    let Identity::WebIdentity(web) = &caller.identity else { panic!() };
    web.provider_arn.clone()
}

#[tokio::test]
async fn githubs_claims_become_condition_keys() {
    let further = json!({"iss": GITHUB, "aud": "sts.amazonaws.com", "repository": "o/r",
        "job_workflow_ref": "o/r/.github/workflows/d.yml@refs/heads/main", "run_id": "1"});
    let web = web(&claims(further)).await.unwrap();
    let keys: Vec<&str> = web.keys.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(
        keys,
        [
            "token.actions.githubusercontent.com:sub",
            "token.actions.githubusercontent.com:aud",
            "token.actions.githubusercontent.com:job_workflow_ref",
            "token.actions.githubusercontent.com:repository",
        ]
    );
}

#[rstest]
#[case::unknown_issuer(json!({"iss": "https://other.example"}), "No OpenIDConnect provider found in your account for https://other.example")]
#[case::audience(json!({"aud": "another"}), "Incorrect token audience")]
#[case::audiences(json!({"aud": ["another", "api://default"]}), "Incorrect token audience")]
#[case::no_subject(json!({"sub": null}), "Missing a required claim: sub")]
#[case::no_expiry(json!({"exp": null}), "Missing a required claim: exp")]
#[tokio::test]
async fn tokens_that_do_not_fit_the_provider_are_refused(
    #[case] changes: Value,
    #[case] message: &str,
) {
    let error = web(&claims(changes)).await.unwrap_err();
    assert_eq!((error.code.as_ref(), error.status), ("InvalidIdentityToken", 400));
    assert_eq!(error.message, message);
}

#[tokio::test]
async fn an_expired_token_has_its_own_code() {
    let now = OffsetDateTime::now_utc().unix_timestamp();
    let error = web(&claims(json!({"exp": now - 60}))).await.unwrap_err();
    assert_eq!((error.code.as_ref(), error.status), ("ExpiredTokenException", 400));
    let end = format!("must be before the expiration date/time{}", now - 60);
    assert!(error.message.ends_with(&end), "{error}");
}

#[tokio::test]
async fn forged_tokens_are_refused() {
    let good = claims(json!({}));
    let forged = OTHER_RSA.token(&testing::header(), &good);
    let error = sts().web_identity(&with_token(&forged)).await.unwrap_err();
    assert_eq!(
        error.message,
        "The web identity token is not valid: the token's signature is not valid"
    );
    let unknown_key = RSA.token(&json!({"alg": "RS256", "kid": "k9"}), &good);
    let error = sts().web_identity(&with_token(&unknown_key)).await.unwrap_err();
    assert!(error.message.starts_with("Couldn't retrieve verification key"), "{error}");
    let error = sts().web_identity(&with_token("not.a.token")).await.unwrap_err();
    assert_eq!(
        error.message,
        "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access \
         Token)"
    );
    assert_eq!((error.code.as_ref(), error.status), ("InvalidIdentityToken", 400));
}

#[tokio::test]
async fn tags_in_a_token_become_session_tags() {
    let tags = json!({"principal_tags": {"team": ["a"]}, "transitive_tag_keys": ["team"]});
    let web = web(&claims(json!({"https://aws.amazon.com/tags": tags}))).await.unwrap();
    assert_eq!(web.tags, [("team".to_owned(), "a".to_owned())]);
    assert_eq!(web.transitive_tag_keys, ["team"]);
    let malformed = claims(json!({"https://aws.amazon.com/tags": {"principal_tags": {"a": "b"}}}));
    assert_eq!(
        sts().web_identity(&with_token(&token(&malformed))).await.unwrap_err().code,
        "InvalidIdentityToken"
    );
}
