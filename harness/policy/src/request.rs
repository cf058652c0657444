//! Who asks for what, under which circumstances.

use std::collections::HashSet;
use std::hash::Hash;
use std::sync::Arc;

use crate::arn::Arn;
use crate::key::Key;

/// Who asks, as policies name principals.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Principal {
    /// The account's root user.
    Root {
        /// The account id.
        account_id: String,
    },
    /// An IAM user.
    User {
        /// The user's ARN.
        arn: String,
    },
    /// A session of a role.
    RoleSession {
        /// The role's ARN, with its path.
        role_arn: String,
        /// `arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION`.
        session_arn: String,
    },
    /// A session from `GetFederationToken`.
    FederatedUser {
        /// `arn:aws:sts::ACCOUNT:federated-user/NAME`.
        arn: String,
        /// The user whose key asked for the session, or the account's root:
        /// `arn:aws:iam::ACCOUNT:root`.
        user_arn: String,
    },
    /// A web identity, before it holds a session: the caller of
    /// `AssumeRoleWithWebIdentity`.
    WebIdentity {
        /// The OIDC provider's ARN.
        provider_arn: String,
    },
    /// An AWS service in its own right.
    Service {
        /// `lambda.amazonaws.com`, ….
        name: String,
    },
    /// Nobody: an unsigned request.
    Anonymous,
}

impl Principal {
    /// The account that the caller belongs to; services and unsigned callers
    /// have none.
    pub fn account_id(&self) -> Option<&str> {
        match self {
            Self::Root { account_id } => Some(account_id),
            Self::User { arn } | Self::FederatedUser { arn, .. } => account_of(arn),
            Self::RoleSession { session_arn, role_arn } => {
                account_of(session_arn).or_else(|| account_of(role_arn))
            }
            Self::WebIdentity { provider_arn } => account_of(provider_arn),
            Self::Service { .. } | Self::Anonymous => None,
        }
    }

    /// Whether the caller is the root user, or a session that the root user
    /// federated: neither needs an identity policy.
    pub(crate) fn is_of_root(&self) -> bool {
        match self {
            Self::Root { .. } => true,
            Self::FederatedUser { user_arn, .. } => Arn::parse(user_arn)
                .is_some_and(|arn| arn.service == "iam" && arn.resource == "root"),
            Self::User { .. }
            | Self::RoleSession { .. }
            | Self::WebIdentity { .. }
            | Self::Service { .. }
            | Self::Anonymous => false,
        }
    }
}

fn account_of(arn: &str) -> Option<&str> {
    Arn::parse(arn)?.account_id()
}

/// The condition context of a request. Key names compare without regard to
/// case. A key that is set is present; one of which nothing is known
/// ([`Self::set_unknown`]) may be absent or hold any value; every other is
/// absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Context {
    /// By key, in order. A context is kept in thousands, which have most of it in common:
    /// see [`Sharing`].
    values: Vec<Arc<Pair>>,
    unknown: Arc<Unknown>,
}

/// A key with what it holds.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Pair {
    key: Key,
    values: Values,
}

/// Keys of which nothing is known; none of them has a value.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
struct Unknown {
    /// In order.
    keys: Vec<Key>,
    /// The beginnings of keys, in order: whatever begins so and is not set is
    /// unknown.
    beginnings: Vec<Key>,
}

impl Unknown {
    fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.beginnings.is_empty()
    }

    fn covers(&self, key: &str) -> bool {
        place(&self.keys, key).is_ok()
            || self.beginnings.iter().any(|beginning| key.starts_with(beginning.as_str()))
    }

    fn forget(&mut self, key: &str) {
        if let Ok(place) = place(&self.keys, key) {
            self.keys.remove(place);
        }
    }
}

/// Where a key stands in an ordered list, or would.
fn place(keys: &[Key], key: &str) -> Result<usize, usize> {
    keys.binary_search_by(|other| other.as_str().cmp(key))
}

fn add(keys: &mut Vec<Key>, key: &str) {
    if let Err(place) = place(keys, key) {
        keys.insert(place, Key::of(key));
    }
}

/// What a condition key holds.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Values {
    /// A single-valued key.
    One(String),
    /// A multi-valued key; it may be empty.
    Many(Vec<String>),
}

impl Values {
    /// All values, of a single-valued key the one.
    pub fn as_slice(&self) -> &[String] {
        match self {
            Self::One(value) => std::slice::from_ref(value),
            Self::Many(values) => values,
        }
    }
}

impl Context {
    /// A context without keys.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a single-valued key.
    pub fn set(&mut self, key: &str, value: impl Into<String>) -> &mut Self {
        self.insert(&key.to_ascii_lowercase(), Values::One(value.into()));
        self
    }

    /// Takes a key away: it is absent, unless all keys that begin so are
    /// unknown.
    pub fn unset(&mut self, key: &str) -> &mut Self {
        let key = key.to_ascii_lowercase();
        self.forget_unknown(&key);
        self.remove(&key);
        self
    }

    /// Says that nothing is known of a key: whether the request has it, nor
    /// what it holds. With a `*` at its end, of every key that begins so and is
    /// not set: `aws:ResourceTag/*`.
    pub fn set_unknown(&mut self, key: &str) -> &mut Self {
        let key = key.to_ascii_lowercase();
        match key.strip_suffix('*') {
            Some(beginning) => add(&mut Arc::make_mut(&mut self.unknown).beginnings, beginning),
            None => {
                self.remove(&key);
                add(&mut Arc::make_mut(&mut self.unknown).keys, &key);
            }
        }
        self
    }

    /// Whether nothing is known of the key.
    pub fn is_unknown(&self, key: &str) -> bool {
        self.is_unknown_lower(&key.to_ascii_lowercase())
    }

    /// [`Self::is_unknown`] for a key that is in lower case already.
    pub(crate) fn is_unknown_lower(&self, key: &str) -> bool {
        !self.unknown.is_empty() && self.unknown.covers(key) && self.place(key).is_err()
    }

    /// The keys of which nothing is known, in lower case and in order; with a
    /// `*` at its end, all that begin so and are not set.
    pub fn unknown(&self) -> impl Iterator<Item = String> {
        let beginnings = self.unknown.beginnings.iter();
        let beginnings = beginnings.map(|beginning| format!("{}*", beginning.as_str()));
        self.unknown.keys.iter().map(|key| key.as_str().to_owned()).chain(beginnings)
    }

    /// Takes what it has in common with other contexts from these, and gives back what
    /// was set aside for more keys: of a context that is kept. What it says stays as it
    /// is.
    pub fn share(&mut self, with: &mut Sharing) {
        for pair in &mut self.values {
            with.pairs.one(pair);
        }
        self.values.shrink_to_fit();
        with.unknown.one(&mut self.unknown);
    }

    fn place(&self, key: &str) -> Result<usize, usize> {
        self.values.binary_search_by(|pair| pair.key.as_str().cmp(key))
    }

    fn insert(&mut self, key: &str, values: Values) {
        self.put(Arc::new(Pair { key: Key::of(key), values }));
    }

    fn put(&mut self, pair: Arc<Pair>) {
        self.forget_unknown(pair.key.as_str());
        match self.place(pair.key.as_str()) {
            Ok(place) => {
                if let Some(old) = self.values.get_mut(place) {
                    *old = pair;
                }
            }
            Err(place) => self.values.insert(place, pair),
        }
    }

    fn forget_unknown(&mut self, key: &str) {
        if place(&self.unknown.keys, key).is_ok() {
            Arc::make_mut(&mut self.unknown).forget(key);
        }
    }

    fn remove(&mut self, key: &str) {
        if let Ok(place) = self.place(key) {
            self.values.remove(place);
        }
    }

    /// Sets a multi-valued key.
    pub fn set_list<V: Into<String>>(
        &mut self,
        key: &str,
        values: impl IntoIterator<Item = V>,
    ) -> &mut Self {
        let values = values.into_iter().map(Into::into).collect();
        self.insert(&key.to_ascii_lowercase(), Values::Many(values));
        self
    }

    /// The key's values, if it is set.
    pub fn get(&self, key: &str) -> Option<&Values> {
        self.get_lower(&key.to_ascii_lowercase())
    }

    /// [`Self::get`] for a key that is in lower case already.
    pub(crate) fn get_lower(&self, key: &str) -> Option<&Values> {
        let place = self.place(key).ok()?;
        self.values.get(place).map(|pair| &pair.values)
    }

    /// All keys that are set, in lower case and in order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.values.iter().map(|pair| pair.key.as_str())
    }

    /// Keeps some keys: those that are set, and those of which nothing is known,
    /// as [`Self::unknown`] writes them.
    pub fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        self.values.retain(|pair| keep(pair.key.as_str()));
        let unknown = Arc::make_mut(&mut self.unknown);
        unknown.keys.retain(|key| keep(key.as_str()));
        unknown.beginnings.retain(|beginning| keep(&format!("{}*", beginning.as_str())));
    }

    /// Takes over all keys of another context, those of which it knows nothing
    /// included.
    pub fn extend(&mut self, other: &Self) {
        for key in other.unknown() {
            self.set_unknown(&key);
        }
        for pair in &other.values {
            self.put(Arc::clone(pair));
        }
    }
}

/// What contexts have in common, of which one copy serves all: who asks, from where, in
/// which account.
#[derive(Debug, Default)]
pub struct Sharing {
    pairs: Copies<Pair>,
    unknown: Copies<Unknown>,
}

/// How many different ones are looked among; a copy more does no harm.
const MOST: usize = 1 << 16;

/// One copy of each.
#[derive(Debug)]
struct Copies<T>(HashSet<Arc<T>>);

impl<T> Default for Copies<T> {
    fn default() -> Self {
        Self(HashSet::new())
    }
}

impl<T: Eq + Hash> Copies<T> {
    /// Puts the one copy in the place of another.
    fn one(&mut self, own: &mut Arc<T>) {
        if let Some(known) = self.0.get(own) {
            *own = Arc::clone(known);
            return;
        }
        if self.0.len() >= MOST {
            self.0.clear();
        }
        self.0.insert(Arc::clone(own));
    }
}

/// One thing that somebody asks to do.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Who asks.
    pub principal: &'a Principal,
    /// The IAM action: `iam:CreateRole`.
    pub action: &'a str,
    /// The ARN acted upon, or `*` for actions without resource types.
    pub resource: &'a str,
    /// The account that owns the resource, where its ARN does not say; else
    /// taken from the ARN, else the principal's.
    pub resource_account: Option<&'a str>,
    /// The condition context.
    pub context: &'a Context,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_present_unknown_or_absent_and_never_two_of_them() {
        let mut context = Context::new();
        context.set("a:One", "1").set_unknown("A:ONE");
        assert!(context.is_unknown("a:one"));
        assert_eq!(context.get("a:one"), None);
        context.set("a:one", "2");
        assert!(!context.is_unknown("a:One"));
        assert_eq!(context.unknown().count(), 0);
        context.set_unknown("a:one").unset("a:One");
        assert!(!context.is_unknown("a:one"));
        assert_eq!(context.get("a:one"), None);
        context.set_unknown("a:one").set_list("a:one", ["1"]);
        assert!(!context.is_unknown("a:one"));
    }

    #[test]
    fn what_is_set_is_known_although_all_that_begin_so_are_not() {
        let mut context = Context::new();
        context.set("aws:ResourceTag/a", "1").set_unknown("aws:ResourceTag/*");
        assert!(!context.is_unknown("aws:resourcetag/A"));
        assert!(context.is_unknown("aws:ResourceTag/b"));
        assert!(!context.is_unknown("aws:RequestTag/b"));
        let unknown: Vec<String> = context.unknown().collect();
        assert_eq!(unknown, ["aws:resourcetag/*"]);
    }

    #[test]
    fn contexts_that_share_say_what_they_said_and_change_alone() {
        let context = |own: &str| {
            let mut context = Context::new();
            context.set("a:Who", "one").set_list("a:Tags", ["t"]).set("a:Own", own);
            context.set_unknown("a:Other").set_unknown("a:More/*");
            context
        };
        let mut sharing = Sharing::default();
        let (mut first, mut second) = (context("1"), context("2"));
        first.share(&mut sharing);
        second.share(&mut sharing);
        assert_eq!((&first, &second), (&context("1"), &context("2")));
        let same = |key: &str| std::ptr::eq(first.get(key).unwrap(), second.get(key).unwrap());
        assert_eq!(["a:Who", "a:Tags", "a:Own"].map(same), [true, true, false]);
        assert!(Arc::ptr_eq(&first.unknown, &second.unknown));
        second.set("a:Who", "two").set("a:Other", "known").unset("a:Tags");
        assert_eq!(first, context("1"));
        assert_eq!(second.get("a:who"), Some(&Values::One("two".into())));
        assert_eq!(second.unknown().collect::<Vec<_>>(), ["a:more/*"]);
    }

    #[test]
    fn what_is_shared_is_bounded() {
        let mut sharing = Sharing::default();
        for value in 0..=MOST {
            let mut context = Context::new();
            context.set("a:b", value.to_string()).share(&mut sharing);
            assert_eq!(context.get("a:b"), Some(&Values::One(value.to_string())));
        }
        assert_eq!(sharing.pairs.0.len(), 1);
    }

    #[test]
    fn the_other_context_knows_better() {
        let (mut one, mut other) = (Context::new(), Context::new());
        one.set("x:a", "1").set_unknown("x:b");
        other.set_unknown("x:a").set("x:b", "2");
        one.extend(&other);
        assert!(one.is_unknown("x:a"));
        one.set_unknown("y:*").retain(|key| !key.starts_with("x:"));
        assert_eq!(one.unknown().collect::<Vec<_>>(), ["y:*"]);
        one.extend(&other);
        assert_eq!(one.get("x:b"), Some(&Values::One("2".into())));
    }
}
