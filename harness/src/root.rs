//! The root user of a run: its keys, and which of its calls are the harness's
//! own; and what the guard answered to the harness, whoever it called as.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use ringfence_guard::RootCall;
use ringfence_services::Credentials;
use ringfence_wire::Secret;

/// Root's access key and its secret where a user states them: what emulators
/// expect.
pub const STATED: &str = "test";

/// With which keys root acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RootKeys {
    /// Random ones of this run. Terraform's is retired once it has applied
    /// Layer 1; then the harness's own is the only one.
    #[default]
    OfThisRun,
    /// The stated one, for whoever uses an endpoint.
    Stated,
}

impl RootKeys {
    /// A key of the account under test.
    ///
    /// # Errors
    /// When the operating system gives no randomness; the text says so.
    pub(crate) fn key(self) -> Result<Credentials, String> {
        self.key_named(STATED)
    }

    /// A key of another account, whose id is what emulators take for a key of it.
    ///
    /// # Errors
    /// As [`RootKeys::key`].
    pub(crate) fn key_of(self, account_id: &str) -> Result<Credentials, String> {
        self.key_named(account_id)
    }

    fn key_named(self, stated: &str) -> Result<Credentials, String> {
        match self {
            Self::OfThisRun => Credentials::long_term().map_err(|error| error.to_string()),
            Self::Stated => Ok(Credentials {
                access_key_id: stated.to_owned(),
                secret_access_key: Secret::new(STATED),
                session_token: None,
                expiration: None,
            }),
        }
    }
}

/// The calls that the harness makes as root: each has an id, which is kept
/// before the call is sent.
#[derive(Debug)]
pub(crate) struct Ledger {
    access_key_ids: BTreeSet<String>,
    announced: Mutex<BTreeSet<String>>,
    /// The request ids of what was answered to the harness.
    answered: Mutex<BTreeSet<String>>,
}

impl Ledger {
    /// The ledger of the root users' keys.
    pub(crate) fn of<'k>(access_key_ids: impl IntoIterator<Item = &'k str>) -> Arc<Self> {
        let access_key_ids = access_key_ids.into_iter().map(str::to_owned).collect();
        Arc::new(Self { access_key_ids, announced: Mutex::default(), answered: Mutex::default() })
    }

    /// Keeps the request id of an answer to a call of the harness's.
    pub(crate) fn answered(&self, request_id: &str) {
        let mut answered = self.answered.lock().unwrap_or_else(PoisonError::into_inner);
        answered.insert(request_id.to_owned());
    }

    /// Whether the harness made a call: it was answered with this request id.
    pub(crate) fn made(&self, request_id: &str) -> bool {
        self.answered.lock().unwrap_or_else(PoisonError::into_inner).contains(request_id)
    }

    /// The id of a call that is about to be signed with a key; none where the
    /// key is not root's.
    pub(crate) fn announce(&self, access_key_id: &str) -> Option<String> {
        self.access_key_ids.contains(access_key_id).then(|| {
            let id = uuid::Uuid::new_v4().to_string();
            self.announced.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone());
            id
        })
    }

    /// What the guard saw of root and the harness did not do.
    pub(crate) fn foreign(&self, calls: Vec<RootCall>) -> Vec<ForeignCall> {
        let mut left = self.announced.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let foreign = |call: RootCall| {
            let why = if call.retired {
                Some("the key was retired when Layer 1 had been applied")
            } else if !call.called_via.is_empty() {
                // A service acts for the holder of a key that is good.
                None
            } else {
                let ours = call.invocation.as_ref().is_some_and(|id| left.remove(id));
                (!ours).then_some("the key is the harness's, and the harness did not make the call")
            };
            why.map(|why| ForeignCall { call, why })
        };
        calls.into_iter().filter_map(foreign).collect()
    }
}

/// A call by root that the harness did not make, though nobody else has a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignCall {
    /// The call, as the guard saw it.
    pub call: RootCall,
    /// How it is told from the harness's own.
    pub why: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(invocation: Option<&str>) -> RootCall {
        RootCall {
            time: "2026-01-01T00:00:00Z".into(),
            request_id: "r".into(),
            principal: "arn:aws:iam::123456789012:root".into(),
            service: "iam".into(),
            operation: "GetRole".into(),
            access_key_id: "AKIAHARNESS".into(),
            called_via: Vec::new(),
            invocation: invocation.map(str::to_owned),
            retired: false,
        }
    }

    #[test]
    fn an_announced_call_is_ours_once_and_no_other_is() {
        let ledger = Ledger::of(["AKIAHARNESS"]);
        assert_eq!(ledger.announce("AKIATERRAFORM"), None);
        let ours = ledger.announce("AKIAHARNESS").unwrap();
        let unused = ledger.announce("AKIAHARNESS").unwrap();
        assert_ne!(ours, unused);
        let good = call(Some(&ours));
        assert_eq!(ledger.foreign(vec![good.clone()]), []);
        let why = |calls| -> Vec<&str> {
            ledger.foreign(calls).into_iter().map(|foreign| foreign.why).collect()
        };
        let unmade = "the key is the harness's, and the harness did not make the call";
        assert_eq!(why(vec![good.clone(), good.clone()]), [unmade]);
        assert_eq!(why(vec![call(None)]), [unmade]);
        assert_eq!(why(vec![call(Some("another"))]), [unmade]);
        let retired = RootCall { retired: true, ..good.clone() };
        assert_eq!(why(vec![retired]), ["the key was retired when Layer 1 had been applied"]);
        let via =
            RootCall { called_via: vec!["cloudformation.amazonaws.com".into()], ..call(None) };
        assert_eq!(ledger.foreign(vec![via]), []);
    }

    #[test]
    fn a_call_is_the_harnesss_by_the_answer_that_it_got_and_not_by_its_key() {
        let ledger = Ledger::of(["AKIAHARNESS"]);
        ledger.answered("r-1");
        assert!(ledger.made("r-1"));
        assert!(!ledger.made("r-2"));
    }

    #[test]
    fn the_stated_key_is_the_one_that_emulators_expect_and_others_are_random() {
        let stated = RootKeys::Stated.key().unwrap();
        assert_eq!(stated.access_key_id, "test");
        assert_eq!(stated.secret_access_key, Secret::new("test"));
        let [one, other] = [(); 2].map(|()| RootKeys::OfThisRun.key().unwrap());
        assert_ne!(one.access_key_id, other.access_key_id);
        assert_ne!(one.secret_access_key, other.secret_access_key);
        assert!(!format!("{one:?}").contains(one.secret_access_key.expose()));
    }
}
