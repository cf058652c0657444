//! Who holds which key: root, users, role sessions, federated users, and the
//! forward access sessions with which one service acts for a caller of another.

use std::collections::HashMap;
use std::fmt;
use std::sync::{PoisonError, RwLock};

use ringfence_wire::Secret;
use time::{Duration, OffsetDateTime};

/// An access key with its secrets. `Debug` shows the key id alone.
#[derive(Clone)]
pub struct Credentials {
    /// `AKIA…` for long-term keys, `ASIA…` for sessions.
    pub access_key_id: String,
    /// The signing secret.
    pub secret_access_key: Secret,
    /// The session token; long-term keys have none.
    pub session_token: Option<Secret>,
    /// When a session ends; long-term keys never do.
    pub expiration: Option<OffsetDateTime>,
}

impl Credentials {
    /// A long-term key that nobody has had before: `AKIA…`, as IAM makes them.
    ///
    /// # Errors
    /// When the operating system gives no randomness.
    pub fn long_term() -> Result<Self, getrandom::Error> {
        Ok(Self {
            access_key_id: format!("AKIA{}", random_text(16)?),
            secret_access_key: Secret::new(random_text(40)?),
            session_token: None,
            expiration: None,
        })
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("access_key_id", &self.access_key_id)
            .field("expiration", &self.expiration)
            .finish_non_exhaustive()
    }
}

/// Who stands behind a credential.
#[derive(Debug, Clone, PartialEq)]
pub enum Identity {
    /// The account itself.
    Root {
        /// The account id.
        account_id: String,
    },
    /// An IAM user.
    User {
        /// `arn:aws:iam::ACCOUNT:user/PATH/NAME`.
        arn: String,
        /// The user's name, without its path.
        name: String,
        /// `AIDA…`.
        user_id: String,
    },
    /// A session of a role.
    Role(Box<RoleSession>),
    /// A session from `GetFederationToken`.
    FederatedUser(Box<FederatedUser>),
    /// An AWS service in its own right, as a resource policy or a role's trust
    /// policy names it.
    Service {
        /// `lambda.amazonaws.com`, ….
        principal: String,
        /// `aws:SourceArn`: the resource on whose behalf it calls.
        source_arn: Option<String>,
        /// `aws:SourceAccount`: the account of that resource.
        source_account: Option<String>,
    },
    /// The bearer of a verified web-identity token: the caller of
    /// `AssumeRoleWithWebIdentity`, before it holds a session.
    WebIdentity(Box<WebIdentity>),
    /// Nobody: an unsigned request, which only a resource policy can allow.
    Anonymous,
}

/// What a verified web-identity token says.
#[derive(Debug, Clone, PartialEq)]
pub struct WebIdentity {
    /// The OIDC provider's ARN.
    pub provider_arn: String,
    /// `iss`.
    pub issuer: String,
    /// `sub`.
    pub subject: String,
    /// `aud`.
    pub audience: String,
    /// The condition keys that the claims give: `HOST[/PATH]:sub`, ….
    pub keys: Vec<(String, ClaimValues)>,
    /// Session tags in the token (`https://aws.amazon.com/tags`).
    pub tags: Vec<(String, String)>,
    /// The keys of the tags that a chained session inherits.
    pub transitive_tag_keys: Vec<String>,
    /// `https://aws.amazon.com/source_identity`.
    pub source_identity: Option<String>,
}

/// What a claim's condition key holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClaimValues {
    /// A single-valued key.
    One(String),
    /// A multi-valued key.
    Many(Vec<String>),
}

/// What STS knows of a role session.
#[derive(Debug, Clone, PartialEq)]
pub struct RoleSession {
    /// The role's ARN, with its path.
    pub role_arn: String,
    /// The role's name.
    pub role_name: String,
    /// `AROA…`.
    pub role_id: String,
    /// The session's name.
    pub session_name: String,
    /// The session policies given with the call (inline and managed), as JSON
    /// text; `None` where the call gave none.
    pub session_policies: Option<Vec<String>>,
    /// Session tags (`aws:PrincipalTag/…`), over the role's own.
    pub tags: Vec<(String, String)>,
    /// The keys of the session tags that a chained session inherits.
    pub transitive_tag_keys: Vec<String>,
    /// `aws:SourceIdentity`.
    pub source_identity: Option<String>,
    /// The keys of the web identity that began the session, as far as they last.
    pub web_keys: Vec<(String, ClaimValues)>,
    /// `aws:FederatedProvider`: the OIDC provider's ARN, where one vouched.
    pub federated_provider: Option<String>,
    /// The service that assumed the role, where one did.
    pub assumed_by: Option<String>,
    /// When the session began.
    pub issued_at: OffsetDateTime,
}

/// Who can hold long-term credentials: they alone are given sessions by
/// `GetFederationToken` and `GetSessionToken`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LongTerm {
    /// The account itself.
    Root {
        /// The account id.
        account_id: String,
    },
    /// An IAM user.
    User {
        /// `arn:aws:iam::ACCOUNT:user/PATH/NAME`.
        arn: String,
        /// The user's name, without its path.
        name: String,
        /// `AIDA…`.
        user_id: String,
    },
}

impl LongTerm {
    /// The account that it belongs to.
    pub fn account_id(&self) -> &str {
        match self {
            Self::Root { account_id } => account_id,
            Self::User { arn, .. } => arn.split(':').nth(4).unwrap_or_default(),
        }
    }

    /// The ARN, as policies name it.
    pub fn arn(&self) -> String {
        Identity::from(self.clone()).arn()
    }
}

impl From<LongTerm> for Identity {
    fn from(holder: LongTerm) -> Self {
        match holder {
            LongTerm::Root { account_id } => Self::Root { account_id },
            LongTerm::User { arn, name, user_id } => Self::User { arn, name, user_id },
        }
    }
}

/// What STS knows of a federated user's session.
#[derive(Debug, Clone, PartialEq)]
pub struct FederatedUser {
    /// The name that the call gave it.
    pub name: String,
    /// Whose long-term key asked for it, and whose permissions are the most that
    /// it has.
    pub federator: LongTerm,
    /// The session policies given with the call (inline and managed), as JSON
    /// text; `None` where the call gave none.
    pub session_policies: Option<Vec<String>>,
    /// Session tags (`aws:PrincipalTag/…`), over the user's own.
    pub tags: Vec<(String, String)>,
    /// When the session began.
    pub issued_at: OffsetDateTime,
}

impl Identity {
    /// Whether it is root, or somebody whom root federated and who so has
    /// root's permissions.
    pub const fn stands_for_root(&self) -> bool {
        match self {
            Self::Root { .. } => true,
            Self::FederatedUser(session) => matches!(session.federator, LongTerm::Root { .. }),
            Self::User { .. }
            | Self::Role(_)
            | Self::Service { .. }
            | Self::WebIdentity(_)
            | Self::Anonymous => false,
        }
    }

    /// The account that the identity belongs to; none for a service and for
    /// nobody.
    pub fn account_id(&self) -> Option<&str> {
        let arn = match self {
            Self::Root { account_id } => return Some(account_id),
            Self::User { arn, .. } => arn,
            Self::Role(session) => &session.role_arn,
            Self::FederatedUser(session) => return Some(session.federator.account_id()),
            Self::WebIdentity(web) => &web.provider_arn,
            Self::Service { .. } | Self::Anonymous => return None,
        };
        arn.split(':').nth(4)
    }

    /// The ARN that AWS's messages print; a service prints its principal, a
    /// web identity its provider and subject.
    pub fn arn(&self) -> String {
        match self {
            Self::Root { account_id } => format!("arn:aws:iam::{account_id}:root"),
            Self::User { arn, .. } => arn.clone(),
            Self::Role(session) => format!(
                "arn:aws:sts::{}:assumed-role/{}/{}",
                self.account_id().unwrap_or_default(),
                session.role_name,
                session.session_name
            ),
            Self::FederatedUser(session) => format!(
                "arn:aws:sts::{}:federated-user/{}",
                session.federator.account_id(),
                session.name
            ),
            Self::Service { principal, .. } => principal.clone(),
            Self::WebIdentity(web) => format!("{}:{}", web.provider_arn, web.subject),
            Self::Anonymous => "anonymous".to_owned(),
        }
    }

    /// `aws:userid`: the account id, `AIDA…`, `AROA…:SESSION`, or `ACCOUNT:NAME`
    /// of a federated user.
    pub fn user_id(&self) -> String {
        match self {
            Self::Root { account_id } => account_id.clone(),
            Self::User { user_id, .. } => user_id.clone(),
            Self::Role(session) => format!("{}:{}", session.role_id, session.session_name),
            Self::FederatedUser(session) => {
                format!("{}:{}", session.federator.account_id(), session.name)
            }
            Self::Service { principal, .. } => principal.clone(),
            Self::WebIdentity(web) => format!("{}:{}", web.provider_arn, web.subject),
            Self::Anonymous => "anonymous".to_owned(),
        }
    }
}

/// A caller: an identity, and the services that forwarded its call.
#[derive(Debug, Clone, PartialEq)]
pub struct Session {
    /// Who calls.
    pub identity: Identity,
    /// `aws:CalledVia`, in order; empty for a direct call.
    pub called_via: Vec<String>,
    /// When the credential ends.
    pub expiration: Option<OffsetDateTime>,
    /// When `GetSessionToken` gave root or a user the session; it stays with
    /// what a service does for them then.
    pub session_token_issued_at: Option<OffsetDateTime>,
}

impl Session {
    /// A direct caller.
    pub fn direct(identity: Identity) -> Self {
        Self { identity, called_via: Vec::new(), expiration: None, session_token_issued_at: None }
    }

    /// The holder of the long-term credentials that the call was made with, if
    /// it was.
    pub fn long_term(&self) -> Option<LongTerm> {
        if self.expiration.is_some() {
            return None;
        }
        match &self.identity {
            Identity::Root { account_id } => {
                Some(LongTerm::Root { account_id: account_id.clone() })
            }
            Identity::User { arn, name, user_id } => Some(LongTerm::User {
                arn: arn.clone(),
                name: name.clone(),
                user_id: user_id.clone(),
            }),
            Identity::Role(_)
            | Identity::FederatedUser(_)
            | Identity::Service { .. }
            | Identity::WebIdentity(_)
            | Identity::Anonymous => None,
        }
    }

    /// `aws:TokenIssueTime`: when the session began with whose temporary
    /// credentials the call was made.
    pub fn token_issued_at(&self) -> Option<OffsetDateTime> {
        match &self.identity {
            Identity::Root { .. } | Identity::User { .. } => self.session_token_issued_at,
            Identity::Role(session) => Some(session.issued_at),
            Identity::FederatedUser(session) => Some(session.issued_at),
            Identity::Service { .. } | Identity::WebIdentity(_) | Identity::Anonymous => None,
        }
    }

    /// Whether CloudFormation calls: for somebody, or with a stack's role that
    /// it assumed itself. Only it may give resources the `aws:cloudformation:*`
    /// tags.
    pub fn is_cloudformation(&self) -> bool {
        let service = match (self.called_via.last(), &self.identity) {
            (Some(last), _) => Some(last),
            (None, Identity::Role(role)) => role.assumed_by.as_ref(),
            (None, _) => None,
        };
        service.is_some_and(|service| service == "cloudformation.amazonaws.com")
    }
}

/// A key with what it stands for.
#[derive(Debug, Clone)]
pub struct Key {
    /// The key itself.
    pub credentials: Credentials,
    /// Who holds it.
    pub session: Session,
    /// Whether it may be used; a user's key can be switched off.
    pub active: bool,
    /// Whether it is a key of root's that [`Keyring::close_root`] retired: it
    /// is refused as a deleted key is, and whoever uses it stole it.
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
    /// root federated, but for the long-term key `kept`; root gets no other
    /// long-term key from now on. What services do for the holder of `kept`
    /// goes on as before.
    pub fn close_root(&self, kept: &str) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.root_is_closed = true;
        for (id, key) in &mut state.keys {
            key.retired |= key.session.identity.stands_for_root() && id != kept;
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

/// Random text of AWS's key alphabet (`A`–`Z`, `2`–`7`: five bits a letter).
fn random_text(length: usize) -> Result<String, getrandom::Error> {
    const ALPHABET: [char; 32] = [
        'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M', 'N', 'O', 'P', 'Q', 'R',
        'S', 'T', 'U', 'V', 'W', 'X', 'Y', 'Z', '2', '3', '4', '5', '6', '7',
    ];
    let mut bytes = vec![0; length];
    getrandom::fill(&mut bytes)?;
    Ok(bytes.iter().filter_map(|byte| ALPHABET.get(usize::from(byte & 31))).collect())
}

#[cfg(test)]
mod tests {
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
        LongTerm::Root { account_id: "123456789012".into() },
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
        keyring.add(root, Identity::Root { account_id: "123456789012".into() });
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
        let root = || Identity::Root { account_id: "123456789012".into() };
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
            federator: LongTerm::Root { account_id: "123456789012".into() },
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

        keyring.close_root(&kept.access_key_id);
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
}
