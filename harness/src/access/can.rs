//! Who of an estate can do something, for all requests.

use std::sync::Arc;

use ringfence_policy::{Document, DocumentError, Kind, Policies};
use ringfence_prove::{Disagreement, Question, Universe, Verdict, within_sent};
use serde_json::{Value, json};

use super::diff::Side;
use super::estate::{Entry, Estate};

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
    fn all_but(&self, name: &str, entry: &Entry) -> Result<Policies, DocumentError> {
        let identity = vec![self.rest(Kind::Identity, None)?];
        let own = role_of_trust(name);
        let resource = match entry.policies.resource {
            Some(_) => Some(self.rest(Kind::Resource, own.as_deref())?),
            None => None,
        };
        let identity = if entry.policies.identity.is_empty() { Vec::new() } else { identity };
        Ok(Policies { identity, resource, ..Policies::default() })
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
    let mut found = Vec::new();
    for (name, entry) in &estate.entries {
        // What only limits lets nobody do anything.
        if !entry.only_limits() {
            found.push((name.as_str(), can(estate, (name, entry), wanted)?));
        }
    }
    Ok(found)
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
    (name, entry): (&str, &Entry),
    wanted: &Wanted<'_>,
) -> Result<Side, CannotAsk> {
    if let Some(unknown) = entry.unknown.first() {
        return may(entry, wanted, unknown);
    }
    let outer = wanted.all_but(name, entry).map_err(CannotAsk::Pattern)?;
    let (limits, whose) = estate.limits_of(entry);
    let (under, most) =
        (limits.over(&entry.policies, whose), limits.most_over(&entry.policies, whose));
    let mut all = std::iter::once(&under).chain(&most);
    if let Some(why) = all.find_map(|policies| entry.hangs_on_name(name, policies)) {
        return Ok(Side::Undecided(why));
    }
    let ask = |inner: &Policies| {
        let principal = entry.principal.as_ref();
        let question = Question { inner, outer: &outer, principal, universe: Universe::All };
        within_sent(&question).map(|(verdict, _)| verdict)
    };
    let verdict = ask(&under)?;
    if let Some(why) = entry.elsewhere(name) {
        return Ok(Side::Undecided(why));
    }
    Ok(match (verdict, entry.outside.first()) {
        (Verdict::Proved, None) => Side::Nothing,
        (Verdict::Violated(witness), None) => match limits.may(whose) {
            None => Side::Request(witness),
            Some(why) => match most.as_ref().map(ask).transpose()? {
                Some(Verdict::Violated(witness)) => Side::Request(witness),
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
