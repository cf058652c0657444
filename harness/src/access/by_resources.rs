//! What identities can by the policies of resources of the files that let them in: those of keys
//! and of roles, without which nobody can do anything with them, and those of others beside what
//! their own policies allow.

use std::sync::Arc;

use ringfence_policy::symbolic::{Effect, StatementView, statements};
use ringfence_policy::{Document, DocumentError, Kind, Policies, Principal};
use ringfence_prove::{Question, Universe, Verdict, within_sent};
use serde_json::{Value as Json, json};

use super::can::{CannotAsk, Wanted};
use super::estate::{Entry, Estate, everything};
use super::grants::Unread;
use super::sessions::{lets_in, sessions};

/// A resource's policy that has an Allow for some of what is wanted.
#[derive(Debug)]
pub(super) struct Letting<'e> {
    /// Its entry's name.
    pub(super) name: &'e str,
    entry: &'e Entry,
    policy: Policy<'e>,
}

/// What is known of it.
#[derive(Debug)]
enum Policy<'e> {
    Known(Arc<Document>),
    /// The most that it may be, and why no more is known.
    AtMost(Arc<Document>, String),
    Unread(&'e Unread),
}

/// A policy that lets somebody in, and why nobody knows whether it is so wide.
type LetIn<'l> = (Arc<Document>, Option<&'l str>);

/// How somebody asks beside a resource's policy.
#[derive(Debug)]
pub(super) enum By {
    /// Its own policies and that one, as whom it asks; why nobody knows whether the policy is so
    /// wide.
    Entry(Box<Entry>, Option<String>),
    /// Nobody knows who asks, and why.
    Unknown(String),
}

impl<'e> Letting<'e> {
    /// All of an estate.
    ///
    /// # Errors
    /// Where the action or the resource that is wanted is none.
    pub(super) fn all(estate: &'e Estate, wanted: &Wanted<'_>) -> Result<Vec<Self>, CannotAsk> {
        let mut all = Vec::new();
        for (name, entry) in &estate.entries {
            for one in Self::of(name, entry).map_err(CannotAsk::Pattern)? {
                let most = one.most().map_err(CannotAsk::Pattern)?;
                if is_about(&most, name, wanted)? {
                    all.push(one);
                }
            }
        }
        Ok(all)
    }

    /// Those of an entry.
    ///
    /// # Errors
    /// None that is known.
    pub(super) fn of(name: &'e str, entry: &'e Entry) -> Result<Vec<Self>, DocumentError> {
        let one = |policy| Self { name, entry, policy };
        if name.starts_with("trust of ") {
            let trusts = entry.trusts();
            let policy = match (trusts.policy, trusts.beyond.or(trusts.in_part)) {
                (Some(policy), None) => Policy::Known(Arc::clone(policy)),
                (Some(policy), Some(why)) => Policy::AtMost(Arc::clone(policy), why),
                (None, Some(why)) => Policy::AtMost(anybody_takes()?, why),
                (None, None) => return Ok(Vec::new()),
            };
            return Ok(vec![one(policy)]);
        }
        let known = entry.policies.resource.as_ref();
        let known = known.filter(|policy| policy.kind() == Kind::Resource);
        let known = known.map(|policy| Policy::Known(Arc::clone(policy)));
        // To whom it is given is told by itself.
        let unread = entry.unread.iter().filter(|_| entry.given_to.is_empty());
        Ok(known.into_iter().chain(unread.map(Policy::Unread)).map(one).collect())
    }

    /// The most that it may let in.
    fn most(&self) -> Result<Arc<Document>, DocumentError> {
        match &self.policy {
            Policy::Known(policy) | Policy::AtMost(policy, _) => Ok(Arc::clone(policy)),
            Policy::Unread(unread) => unread.most_for_anybody(),
        }
    }

    /// How an identity asks beside it, and each of its sessions that it lets in by name; nothing
    /// where it does not let it in.
    ///
    /// # Errors
    /// Where the identity cannot stand in a policy.
    pub(super) fn by(&self, name: &str, entry: &Entry) -> Result<Vec<By>, DocumentError> {
        let principal = entry.principal.as_ref();
        let Some((policy, beyond)) = self.lets_in(principal)? else { return Ok(Vec::new()) };
        let Some(principal) = principal else {
            return Ok(vec![By::Unknown(format!(
                "whether `{}` lets in `{name}`, whose ARN is not known: {}",
                self.name,
                entry.no_arn()
            ))]);
        };
        let beside = |caller| {
            let entry = Box::new(self.beside(entry, caller, &policy));
            By::Entry(entry, beyond.map(str::to_owned))
        };
        Ok(callers(principal, &policy).map(beside).collect())
    }

    /// The policy, where it lets somebody in.
    ///
    /// # Errors
    /// Where the caller cannot stand in a policy.
    pub(super) fn lets_in(
        &self,
        principal: Option<&Principal>,
    ) -> Result<Option<LetIn<'_>>, DocumentError> {
        let (policy, beyond) = match &self.policy {
            Policy::Known(policy) => (Some(Arc::clone(policy)), None),
            Policy::AtMost(policy, why) => (Some(Arc::clone(policy)), Some(why.as_str())),
            Policy::Unread(unread) => (unread.most(principal)?, Some(unread.why.as_str())),
        };
        let is_let_in = |policy: &Arc<Document>| lets_in(principal, policy);
        Ok(policy.filter(is_let_in).map(|policy| (policy, beyond)))
    }

    /// What somebody has, and the policy.
    fn beside(&self, entry: &Entry, caller: Principal, policy: &Arc<Document>) -> Entry {
        Entry {
            principal: Some(caller),
            policies: Policies { resource: Some(Arc::clone(policy)), ..entry.policies.clone() },
            outside: entry.outside.clone(),
            unknown: entry.unknown.clone(),
            bounded: entry.bounded.clone(),
            restricted: self.entry.restricted.clone(),
            is_unnamed: entry.is_unnamed,
            is_elsewhere: entry.is_elsewhere,
            ..Entry::default()
        }
    }
}

/// As whom an identity asks: its sessions, too, that a policy lets in by name.
pub(super) fn callers<'c>(
    principal: &'c Principal,
    policy: &Document,
) -> impl Iterator<Item = Principal> + use<'c> {
    let sessions = sessions(Some(principal), policy).into_values();
    std::iter::once(principal.clone()).chain(sessions)
}

/// Whether an Allow of a resource's policy is about some of what is wanted, whoever asks.
fn is_about(policy: &Document, name: &str, wanted: &Wanted<'_>) -> Result<bool, CannotAsk> {
    let is_allow = |one: &StatementView<'_>| one.effect() == Effect::Allow;
    if !statements(policy).any(|one| is_allow(&one)) {
        return Ok(false);
    }
    // Without a policy of their own nobody does anything with these.
    let is_of_keys = statements(policy).filter(is_allow).any(|one| one.is_about_service("kms"));
    let is_needed = policy.kind() == Kind::Trust || is_of_keys;
    let parsed = |kind| {
        let text = allows(policy, kind)?.to_string();
        Some(Document::parse(policy.name(), &text, kind).map(Arc::new))
    };
    let identity = || parsed(Kind::Identity).map(|own| own.map(|own| (vec![own], None)));
    let resource = || {
        let own = parsed(policy.kind())?;
        Some(own.map(|own| (everything().into_iter().collect(), Some(own))))
    };
    let made = if is_needed { resource() } else { identity() };
    let Some(made) = made else { return Ok(true) };
    let (identity, resource) = made.map_err(CannotAsk::Pattern)?;
    let inner = Policies { identity, resource, ..Policies::default() };
    let outer = wanted.all_but(name, &inner).map_err(CannotAsk::Pattern)?;
    let question =
        Question { inner: &inner, outer: &outer, principal: None, universe: Universe::All };
    Ok(within_sent(&question)?.0 != Verdict::Proved)
}

/// What a policy allows, to everybody, or as one of whoever it lets in.
fn allows(policy: &Document, kind: Kind) -> Option<Json> {
    let mut text: Json = serde_json::from_str(policy.text()).ok()?;
    let all = match text.get_mut("Statement")?.take() {
        Json::Array(all) => all,
        one => vec![one],
    };
    let is_allow = |one: &Json| one.get("Effect").is_some_and(|effect| effect == "Allow");
    let mut own: Vec<Json> = all.into_iter().filter(is_allow).collect();
    for members in own.iter_mut().filter_map(Json::as_object_mut) {
        members.remove("NotPrincipal");
        members.remove("Principal");
        if kind != Kind::Identity {
            members.insert("Principal".to_owned(), json!("*"));
        }
    }
    *text.get_mut("Statement")? = Json::Array(own);
    Some(text)
}

/// What lets anybody take a role.
fn anybody_takes() -> Result<Arc<Document>, DocumentError> {
    let text = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": "sts:*"}]});
    Document::parse("a trust policy", &text.to_string(), Kind::Trust).map(Arc::new)
}
