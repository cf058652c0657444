//! Every credential of the account.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use ringfence_wire::Secret;
use time::{Duration, OffsetDateTime};

use super::access_key::{Credentials, random_text};
use super::identity::{Identity, LongTerm};
use super::session::Session;

/// A key with what it stands for.
#[derive(Debug, Clone)]
pub struct Key {
    /// The key itself.
    pub credentials: Credentials,
    /// Who holds it.
    pub session: Session,
    /// Whether it may be used; a user's key can be switched off.
    pub active: bool,
    /// Whether [`Keyring::close_root`] or [`Keyring::retire`] retired it: it is
    /// refused as a deleted key is, and whoever uses it stole it.
    pub retired: bool,
}

/// Every credential of the account, by access key id.
#[derive(Debug, Default)]
pub struct Keyring {
    state: RwLock<State>,
}

#[derive(Debug, Default)]
struct State {
    keys: HashMap<String, Key>,
    /// Whether root's keys are closed: none comes to them any more.
    root_is_closed: bool,
}

/// A session that ended this long ago is forgotten: until then its key is told
/// that it expired, later that it is unknown.
const REMEMBERED: Duration = Duration::hours(1);

/// How long a forward access session of a long-term key lives.
const FORWARD_LIFETIME: Duration = Duration::hours(12);

impl Keyring {
    /// Registers a long-term key: root's from the configuration, a user's from
    /// IAM's answer to `CreateAccessKey`.
    ///
    /// A key of root's that is added after [`Keyring::close_root`] is retired
    /// from the beginning.
    pub fn add(&self, credentials: Credentials, identity: Identity) {
        self.insert(Session::direct(identity), credentials);
    }

    /// Retires every key that stands for root, and every session of those that
    /// root federated, but for the long-term keys `kept`; root gets no other
    /// long-term key from now on. What services do for the holder of `kept`
    /// goes on as before.
    pub fn close_root(&self, kept: &[String]) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.root_is_closed = true;
        for (id, key) in &mut state.keys {
            key.retired |= key.session.identity.stands_for_root() && !kept.contains(id);
        }
    }

    /// Retires a key: it is refused from now on as a deleted one is.
    pub fn retire(&self, access_key_id: &str) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = state.keys.get_mut(access_key_id) {
            key.retired = true;
        }
    }

    /// Makes a temporary key for a session that ends at `expiration`: a role's,
    /// a federated user's or a service's.
    ///
    /// # Errors
    /// When the operating system gives no randomness.
    pub fn issue(
        &self,
        identity: Identity,
        called_via: Vec<String>,
        expiration: OffsetDateTime,
    ) -> Result<Credentials, getrandom::Error> {
        let expiration = Some(expiration);
        self.give(Session { identity, called_via, expiration, session_token_issued_at: None })
    }

    /// Makes a temporary key for root's or a user's session of its own
    /// (`GetSessionToken`).
    ///
    /// # Errors
    /// When the operating system gives no randomness.
    pub fn session_token(
        &self,
        holder: LongTerm,
        issued_at: OffsetDateTime,
        expiration: OffsetDateTime,
    ) -> Result<Credentials, getrandom::Error> {
        self.give(Session {
            expiration: Some(expiration),
            session_token_issued_at: Some(issued_at),
            ..Session::direct(holder.into())
        })
    }

    fn give(&self, session: Session) -> Result<Credentials, getrandom::Error> {
        let credentials = Credentials {
            access_key_id: format!("ASIA{}", random_text(16)?),
            secret_access_key: Secret::new(random_text(40)?),
            session_token: Some(Secret::new(format!("IQoJ{}", random_text(300)?))),
            expiration: session.expiration,
        };
        self.insert(session, credentials.clone());
        Ok(credentials)
    }

    /// Makes a forward access session: the caller's own identity and policies,
    /// with `service` added to `aws:CalledVia`.
    ///
    /// # Errors
    /// When the operating system gives no randomness.
    pub fn forward(
        &self,
        caller: &Session,
        service: &str,
        now: OffsetDateTime,
    ) -> Result<Credentials, getrandom::Error> {
        let mut session = caller.clone();
        session.called_via.push(service.to_owned());
        session.expiration.get_or_insert(now + FORWARD_LIFETIME);
        self.give(session)
    }

    /// The key with this id.
    pub fn find(&self, access_key_id: &str) -> Option<Key> {
        self.state.read().unwrap_or_else(PoisonError::into_inner).keys.get(access_key_id).cloned()
    }

    /// Forgets a key; a later call with it fails as an unknown key does.
    pub fn remove(&self, access_key_id: &str) {
        self.state.write().unwrap_or_else(PoisonError::into_inner).keys.remove(access_key_id);
    }

    /// Switches a long-term key on or off (`UpdateAccessKey`).
    pub fn set_active(&self, access_key_id: &str, active: bool) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = state.keys.get_mut(access_key_id) {
            key.active = active;
        }
    }

    /// A user is called otherwise now: its keys, and the sessions that they gave, are
    /// of the new name. "When you change a user's name or path … the user's access
    /// keys stay" in force
    /// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_users_rename.html>).
    pub fn rename(&self, user: &LongTerm) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        for key in state.keys.values_mut() {
            key.session.identity.rename(user);
        }
    }

    /// Forgets the sessions that ended more than an hour before `now`.
    pub fn sweep(&self, now: OffsetDateTime) {
        self.state
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .keys
            .retain(|_, key| key.session.expiration.is_none_or(|end| end + REMEMBERED > now));
    }

    fn insert(&self, session: Session, credentials: Credentials) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        // A session that the kept key's holder asks for ends by itself; a
        // long-term key is what nobody may bring.
        let is_root = matches!(session.identity, Identity::Root { .. });
        let retired = state.root_is_closed && is_root && session.expiration.is_none();
        let id = credentials.access_key_id.clone();
        state.keys.insert(id, Key { credentials, session, active: true, retired });
    }
}
