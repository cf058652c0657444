//! Who of an estate can do something, for all requests.

use std::sync::Arc;

use ringfence_policy::{Document, DocumentError, Kind, Policies, Principal};
use ringfence_prove::{Disagreement, Question, Universe, Verdict, within_sent};
use serde_json::{Value, json};

use super::denies::{Denials, kept};
use super::diff::Side;
use super::estate::{Entry, Estate, allows, least};
use super::federated;

/// Why a question was not answered.
#[derive(Debug, thiserror::Error)]
pub enum CannotAsk {
    /// The action or the resource is none.
    #[error("the action or the resource cannot stand in a policy: {0}")]
    Pattern(DocumentError),
    /// Prover and engine differ.
    #[error(transparent)]
    Disagreement(#[from] Disagreement),
}

/// What is asked for: an action and what it acts upon, each a pattern as in a
/// policy.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'w> {
    /// `s3:GetObject`, `iam:*`.
    pub action: &'w str,
    /// An ARN; `None` is whatever there is.
    pub resource: Option<&'w str>,
}

impl Wanted<'_> {
    /// What allows everything but this. Where only some resources can be acted upon,
    /// everything on all others too.
    fn rest(&self, kind: Kind, own: Option<&[String]>) -> Result<Arc<Document>, DocumentError> {
        let mut statements =
            vec![json!({"Effect": "Allow", "NotAction": self.action, "Resource": "*"})];
        if let Some(resource) = self.resource {
            statements
                .push(json!({"Effect": "Allow", "Action": self.action, "NotResource": resource}));
        }
        if let Some(own) = own {
            statements.push(json!({"Effect": "Allow", "Action": "*", "NotResource": own}));
        }
        if kind == Kind::Resource {
            for statement in &mut statements {
                if let Value::Object(members) = statement {
                    members.insert("Principal".into(), json!("*"));
                }
            }
        }
        let text = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
        Document::parse("everything else", &text, kind).map(Arc::new)
    }

    /// Policies that allow everything but this, in the layers that an entry has.
    fn all_but(&self, name: &str, policies: &Policies) -> Result<Policies, DocumentError> {
        let identity = vec![self.rest(Kind::Identity, None)?];
        let own = role_of_trust(name);
        let resource = match policies.resource {
            Some(_) => Some(self.rest(Kind::Resource, own.as_deref())?),
            None => None,
        };
        let identity = if policies.identity.is_empty() { Vec::new() } else { identity };
        let session = policies.session.clone();
        Ok(Policies { identity, resource, session, ..Policies::default() })
    }
}

/// The role that a trust policy is about, whatever its path: it names none itself, and
/// of other roles their own trust policies tell.
pub(super) fn role_of_trust(name: &str) -> Option<Vec<String>> {
    let role = name.strip_prefix("trust of role/")?;
    Some(vec![format!("arn:*:iam::*:role/{role}"), format!("arn:*:iam::*:role/*/{role}")])
}

/// For each identity and each resource's policy, a request that it allows of what
/// is wanted.
///
/// # Errors
/// Where the action or the resource is none.
pub fn who_can<'e>(
    estate: &'e Estate,
    wanted: &Wanted<'_>,
) -> Result<Vec<(&'e str, Side)>, CannotAsk> {
    wanted.rest(Kind::Identity, None).map_err(CannotAsk::Pattern)?;
    let denials = estate.denials();
    let mut found = Vec::new();
    for (name, entry) in &estate.entries {
        // What only limits lets nobody do anything.
        if !entry.only_limits() {
            let mut side = can(estate, &denials, (name, entry), wanted)?;
            if side.is_nothing() {
                side = by_sessions(estate, &denials, (name, entry), wanted)?;
            }
            found.push((name.as_str(), side));
        }
    }
    Ok(found)
}

/// What sessions can that a user federates, where a policy may tell them from the user.
fn by_sessions(
    estate: &Estate,
    denials: &Denials,
    (name, entry): (&str, &Entry),
    wanted: &Wanted<'_>,
) -> Result<Side, CannotAsk> {
    let is_user = |it: &&Principal| matches!(it, Principal::User { .. });
    let Some(user) = entry.principal.as_ref().filter(is_user) else { return Ok(Side::Nothing) };
    let (limits, whose) = estate.limits_of(entry);
    let under = limits.over(&entry.policies, whose);
    if !federated::are_told_apart(&under, estate) {
        return Ok(Side::Nothing);
    }
    for session in federated::sessions(user, &[&under]) {
        if !session.is_made_by(user, &under)? {
            continue;
        }
        let own = Entry {
            principal: Some(session.principal),
            policies: federated::of_session(&entry.policies),
            is_unnamed: entry.is_unnamed,
            // What is known in part of the user is so of its sessions.
            unknown: entry.bounded.keys().cloned().collect(),
            bounded: entry.bounded.clone(),
            ..Entry::default()
        };
        match (can(estate, denials, (name, &own), wanted)?, session.beyond) {
            (Side::Nothing, None) => {}
            (Side::Nothing, Some(why)) => return Ok(Side::Undecided(why)),
            (found, _) => return Ok(found),
        }
    }
    Ok(Side::Nothing)
}

/// Whether what is not known may allow what is wanted, by the most that it may be.
fn may(entry: &Entry, wanted: &Wanted<'_>, unknown: &str) -> Result<Side, CannotAsk> {
    let undecided = |why: &str| Ok(Side::Undecided(why.to_owned()));
    if entry.unread.is_empty() || entry.policies.resource.is_some() {
        return undecided(unknown);
    }
    let rest = wanted.rest(Kind::Resource, None).map_err(CannotAsk::Pattern)?;
    let outer = Policies { resource: Some(rest), ..Policies::default() };
    for unread in &entry.unread {
        let most = unread.most_for_anybody().map_err(CannotAsk::Pattern)?;
        let inner = Policies { resource: Some(most), ..Policies::default() };
        let question =
            Question { inner: &inner, outer: &outer, principal: None, universe: Universe::All };
        if within_sent(&question)?.0 != Verdict::Proved {
            return undecided(&unread.why);
        }
    }
    Ok(Side::Nothing)
}

fn can(
    estate: &Estate,
    denials: &Denials,
    (name, entry): (&str, &Entry),
    wanted: &Wanted<'_>,
) -> Result<Side, CannotAsk> {
    let Some(unknown) = entry.unknown.first() else {
        return by(estate, denials, (name, entry), &entry.policies, wanted);
    };
    if entry.bounded.is_empty() || !entry.unbounded(name).is_empty() {
        return may(entry, wanted, unknown);
    }
    // The most and the least that what is known in part may be.
    let mut most = entry.policies.clone();
    most.identity.extend(allows(&entry.bounded).cloned());
    let most = by(estate, denials, (name, entry), &most, wanted)?;
    let Side::Request(_) = &most else { return Ok(most) };
    let least =
        by(estate, denials, (name, entry), &least(&entry.policies, &entry.bounded), wanted)?;
    match least {
        Side::Request(_) => Ok(least),
        _ => Ok(Side::Undecided(unknown.clone())),
    }
}

/// The same by policies that are known.
fn by(
    estate: &Estate,
    denials: &Denials,
    (name, entry): (&str, &Entry),
    own: &Policies,
    wanted: &Wanted<'_>,
) -> Result<Side, CannotAsk> {
    let outer = wanted.all_but(name, own).map_err(CannotAsk::Pattern)?;
    let (limits, whose) = estate.limits_of(entry);
    let (under, most) = (limits.over(own, whose), limits.most_over(own, whose));
    let mut all = std::iter::once(&under).chain(&most);
    if let Some(why) = all.find_map(|policies| entry.hangs_on_name(name, policies)) {
        return Ok(Side::Undecided(why));
    }
    let denied = || denials.of_entry(name, entry, own.boundary.is_some());
    let ask_about = |inner: &Policies| {
        let principal = entry.principal.as_ref();
        let question = Question { inner, outer: &outer, principal, universe: Universe::All };
        within_sent(&question)
    };
    // With why all that they allow may be denied.
    let ask = |inner: &Policies| {
        let found = kept(inner, || denied().sure, ask_about)?;
        let mut may_deny = None;
        if let Verdict::Violated(_) = &found.verdict {
            let may = denied().may;
            let all = || may.iter().map(|(_, document)| Arc::clone(document)).collect();
            let under = kept(&found.policies, all, ask_about)?;
            if !matches!(under.verdict, Verdict::Violated(_)) {
                may_deny = may.into_iter().next().map(|(why, _)| why);
            }
        }
        Ok::<_, Disagreement>((found.verdict, may_deny))
    };
    let (verdict, may_deny) = ask(&under)?;
    if let (Verdict::Violated(witness), Some(why)) = (&verdict, may_deny) {
        return Ok(Side::Undecided(format!(
            "all else allows `{}` on `{}`, and {why}",
            witness.action, witness.resource
        )));
    }
    if let Some(why) = entry.elsewhere(name) {
        return Ok(Side::Undecided(why));
    }
    Ok(match (verdict, entry.outside.first()) {
        (Verdict::Proved, None) => Side::Nothing,
        (Verdict::Violated(witness), None) => match limits.may(whose) {
            None => Side::Request(witness),
            Some(why) => match most.as_ref().map(ask).transpose()? {
                Some((Verdict::Violated(witness), None)) => Side::Request(witness),
                _ => Side::Undecided(format!(
                    "all else allows `{}` on `{}`, and {why}",
                    witness.action, witness.resource
                )),
            },
        },
        (Verdict::Undecided(reason), _) => Side::Undecided(reason),
        // It may allow more, or deny what the rest allows.
        (Verdict::Proved, Some(arn)) => {
            Side::Undecided(format!("the document of `{arn}` is not in the files"))
        }
        (Verdict::Violated(witness), Some(arn)) => Side::Undecided(format!(
            "the rest allows `{}` on `{}`, and the document of `{arn}` is not in the files",
            witness.action, witness.resource
        )),
    })
}
