use ringfence_wire::Secret;
use time::{Duration, OffsetDateTime};

use super::*;

fn role() -> Identity {
    Identity::Role(Box::new(RoleSession {
        role_arn: "arn:aws:iam::123456789012:role/team/app".into(),
        role_name: "app".into(),
        role_id: "AROAEXAMPLE".into(),
        session_name: "s".into(),
        session_policies: None,
        tags: Vec::new(),
        transitive_tag_keys: Vec::new(),
        source_identity: None,
        web_keys: Vec::new(),
        federated_provider: None,
        assumed_by: None,
        issued_at: OffsetDateTime::UNIX_EPOCH,
    }))
}

#[test]
fn a_session_arn_has_no_path() {
    assert_eq!(role().arn(), "arn:aws:sts::123456789012:assumed-role/app/s");
    assert_eq!(role().user_id(), "AROAEXAMPLE:s");
    assert_eq!(role().account_id(), Some("123456789012"));
}

fn alice() -> LongTerm {
    LongTerm::User {
        arn: "arn:aws:iam::123456789012:user/staff/alice".into(),
        name: "alice".into(),
        user_id: "AIDAEXAMPLE".into(),
    }
}

#[rstest::rstest]
#[case::of_a_user(alice(), "arn:aws:iam::123456789012:user/staff/alice")]
#[case::of_root(
    LongTerm::Root { account_id: "123456789012".into(), partition: ringfence_models::Partition::default() },
    "arn:aws:iam::123456789012:root"
)]
fn a_federated_user_is_named_by_its_account_and_name(
    #[case] federator: LongTerm,
    #[case] behind: &str,
) {
    assert_eq!(federator.arn(), behind);
    let bob = Identity::FederatedUser(Box::new(FederatedUser {
        name: "bob".into(),
        federator,
        session_policies: None,
        tags: Vec::new(),
        issued_at: OffsetDateTime::UNIX_EPOCH,
    }));
    assert_eq!(bob.arn(), "arn:aws:sts::123456789012:federated-user/bob");
    assert_eq!(bob.user_id(), "123456789012:bob");
    assert_eq!(bob.account_id(), Some("123456789012"));
    let session = Session::direct(bob);
    assert_eq!(session.long_term(), None);
    assert_eq!(session.token_issued_at(), Some(OffsetDateTime::UNIX_EPOCH));
}

#[test]
fn a_session_token_stays_one_where_a_service_acts_for_its_holder() {
    let keyring = Keyring::default();
    let now = OffsetDateTime::UNIX_EPOCH;
    let key = keyring.session_token(alice(), now, now + Duration::HOUR).unwrap();
    let session = keyring.find(&key.access_key_id).unwrap().session;
    assert_eq!(session.long_term(), None);
    let service = "cloudformation.amazonaws.com";
    let forward = keyring.forward(&session, service, now).unwrap();
    let forwarded = keyring.find(&forward.access_key_id).unwrap().session;
    assert_eq!(forwarded.token_issued_at(), Some(now));
    assert_eq!(forwarded.expiration, Some(now + Duration::HOUR));

    let direct = Session::direct(alice().into());
    assert_eq!(direct.long_term(), Some(alice()));
    let forward = keyring.forward(&direct, service, now).unwrap();
    let forwarded = keyring.find(&forward.access_key_id).unwrap().session;
    assert_eq!((forwarded.long_term(), forwarded.token_issued_at()), (None, None));
}

#[test]
fn a_session_is_cloudformations_by_who_assumed_it_not_by_its_name() {
    let session = |name: &str, service: Option<&str>| {
        let Identity::Role(mut role) = role() else { panic!("a role") };
        role.session_name = name.into();
        role.assumed_by = service.map(str::to_owned);
        Session::direct(Identity::Role(role))
    };
    let principal = "cloudformation.amazonaws.com";
    assert!(session("AWSCloudFormation", Some(principal)).is_cloudformation());
    assert!(!session("AWSCloudFormation", None).is_cloudformation());
    assert!(!session("AWSCloudFormation", Some("lambda.amazonaws.com")).is_cloudformation());
    let forwarded = Session { called_via: vec![principal.into()], ..session("s", None) };
    assert!(forwarded.is_cloudformation());
}

#[test]
fn a_forward_access_session_keeps_the_identity_and_adds_the_service() {
    let keyring = Keyring::default();
    let caller = Session::direct(role());
    let key = keyring
        .forward(&caller, "cloudformation.amazonaws.com", OffsetDateTime::UNIX_EPOCH)
        .unwrap();
    let session = keyring.find(&key.access_key_id).unwrap().session;
    assert_eq!(session.identity, caller.identity);
    assert_eq!(session.called_via, ["cloudformation.amazonaws.com"]);
}

#[test]
fn ended_sessions_are_forgotten_after_an_hour_and_long_term_keys_never() {
    let keyring = Keyring::default();
    let start = OffsetDateTime::UNIX_EPOCH;
    let session = keyring.issue(role(), Vec::new(), start).unwrap();
    let root = Credentials {
        access_key_id: "test".into(),
        secret_access_key: Secret::new("test"),
        session_token: None,
        expiration: None,
    };
    keyring.add(
        root,
        Identity::Root {
            account_id: "123456789012".into(),
            partition: ringfence_models::Partition::default(),
        },
    );
    keyring.sweep(start + Duration::minutes(59));
    assert!(keyring.find(&session.access_key_id).is_some());
    keyring.sweep(start + Duration::minutes(61));
    assert!(keyring.find(&session.access_key_id).is_none());
    assert!(keyring.find("test").is_some());
}

#[test]
fn credentials_never_print_their_secrets() {
    let keyring = Keyring::default();
    let key = keyring.issue(role(), Vec::new(), OffsetDateTime::UNIX_EPOCH).unwrap();
    let printed = format!("{:?}", keyring.find(&key.access_key_id).unwrap());
    assert!(printed.contains(&key.access_key_id));
    assert!(!printed.contains(key.secret_access_key.expose()));
    assert!(!printed.contains(key.session_token.unwrap().expose()));
}

#[test]
fn once_root_is_closed_the_kept_key_alone_and_what_it_asks_for_are_good() {
    let root = || Identity::Root {
        account_id: "123456789012".into(),
        partition: ringfence_models::Partition::default(),
    };
    let keyring = Keyring::default();
    let (kept, other) = (Credentials::long_term().unwrap(), Credentials::long_term().unwrap());
    assert_ne!(kept.access_key_id, other.access_key_id);
    assert!(kept.access_key_id.starts_with("AKIA") && kept.access_key_id.len() == 20);
    let now = OffsetDateTime::UNIX_EPOCH;
    let end = now + Duration::HOUR;
    keyring.add(kept.clone(), root());
    keyring.add(other.clone(), root());
    let federated = Identity::FederatedUser(Box::new(FederatedUser {
        name: "bob".into(),
        federator: LongTerm::Root {
            account_id: "123456789012".into(),
            partition: ringfence_models::Partition::default(),
        },
        session_policies: None,
        tags: Vec::new(),
        issued_at: now,
    }));
    let bob = keyring.issue(federated, Vec::new(), end).unwrap();
    let app = keyring.issue(role(), Vec::new(), end).unwrap();
    let session = keyring.find(&other.access_key_id).unwrap().session;
    let forward = keyring.forward(&session, "cloudformation.amazonaws.com", now).unwrap();
    let retired = |key: &Credentials| keyring.find(&key.access_key_id).unwrap().retired;
    assert!(!retired(&other) && !retired(&bob) && !retired(&forward));

    keyring.close_root(std::slice::from_ref(&kept.access_key_id));
    assert!(retired(&other) && retired(&bob) && retired(&forward));
    assert!(!retired(&kept) && !retired(&app));
    let late = Credentials::long_term().unwrap();
    keyring.add(late.clone(), root());
    assert!(retired(&late));
    let session = keyring.find(&kept.access_key_id).unwrap().session;
    let forward = keyring.forward(&session, "cloudformation.amazonaws.com", now).unwrap();
    assert!(!retired(&forward));
    let user = Credentials::long_term().unwrap();
    keyring.add(user.clone(), alice().into());
    assert!(!retired(&user));
}

/// A user keeps its keys under its new name, and so does whom it federated; nobody
/// else is called otherwise.
#[test]
fn a_renamed_user_keeps_its_keys() {
    let keyring = Keyring::default();
    let (own, others) = (Credentials::long_term().unwrap(), Credentials::long_term().unwrap());
    keyring.add(own.clone(), alice().into());
    let other = LongTerm::User {
        arn: "arn:aws:iam::123456789012:user/other".into(),
        name: "other".into(),
        user_id: "AIDAOTHER".into(),
    };
    keyring.add(others.clone(), other.clone().into());
    let renamed = LongTerm::User {
        arn: "arn:aws:iam::123456789012:user/staff/alicia".into(),
        name: "alicia".into(),
        user_id: "AIDAEXAMPLE".into(),
    };
    keyring.rename(&renamed);
    let holder = |key: &Credentials| keyring.find(&key.access_key_id).unwrap().session.identity;
    assert_eq!(holder(&own), renamed.into());
    assert_eq!(holder(&others), other.into());
}
