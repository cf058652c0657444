//! Who of an estate can do something, for all requests.

use std::sync::Arc;

use ringfence_models::actions;
use ringfence_policy::symbolic::{Named, StatementView, statements};
use ringfence_policy::{Document, DocumentError, Kind, Policies, Principal, judge};
use ringfence_prove::{Disagreement, Question, Universe, Verdict, Witness, within, within_sent};
use serde_json::{Value, json};

use super::by_resources::{By, Letting};
use super::colons::refused;
use super::denies::{Denials, Left, kept, left};
use super::diff::Side;
use super::elsewhere::Elsewhere;
use super::estate::{Entry, Estate, allows, least};
use super::federated;
use super::ids::told_apart_in;
use super::what::is_somebody;

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
    pub(super) fn rest(
        &self,
        kind: Kind,
        own: Option<&[String]>,
    ) -> Result<Arc<Document>, DocumentError> {
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

    /// Whether each request for the action is upon something of AWS's reference.
    fn is_upon_something(&self) -> bool {
        let required = |it: &actions::Action| it.resources.iter().any(|one| one.required);
        actions::action(self.action).is_some_and(required)
    }

    /// Whether that is a key or a role: these let nobody in without a policy of their own, and
    /// what is none of them has none.
    fn is_upon_key_or_role(&self) -> bool {
        ["kms:", "sts:"].iter().any(|prefix| self.action.starts_with(prefix))
    }

    /// Policies that allow everything but this, in the layers that an entry has.
    pub(super) fn all_but(
        &self,
        name: &str,
        policies: &Policies,
    ) -> Result<Policies, DocumentError> {
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

/// Who is asked about: an identity, or what the policy of a resource lets in.
#[derive(Debug, Clone, Copy)]
struct Who<'w> {
    name: &'w str,
    entry: &'w Entry,
    /// Of which entry the resource's policy is.
    with: &'w str,
}

/// What an entry can.
#[derive(Debug)]
pub struct Found<'e> {
    /// The entry's name.
    pub name: &'e str,
    /// A request that it is allowed of what is wanted.
    pub side: Side,
    /// The resource's policy without which it is not.
    pub with: Option<&'e str>,
}

/// A request that somebody is allowed, and the resource's policy without which it is not.
type ByPolicy<'e> = (Side, Option<&'e str>);

impl<'e> Found<'e> {
    /// The same, or another way: a request in the place of what is not known.
    fn or(
        mut self,
        next: impl FnOnce() -> Result<ByPolicy<'e>, CannotAsk>,
    ) -> Result<Self, CannotAsk> {
        if !matches!(self.side, Side::Request(_)) {
            let (side, with) = next()?;
            if self.side.is_nothing() || matches!(side, Side::Request(_)) {
                (self.side, self.with) = (side, with);
            }
        }
        Ok(self)
    }
}

/// For each identity and each resource's policy, a request that it allows of what
/// is wanted.
///
/// # Errors
/// Where the action or the resource is none.
pub fn who_can<'e>(estate: &'e Estate, wanted: &Wanted<'_>) -> Result<Vec<Found<'e>>, CannotAsk> {
    wanted.rest(Kind::Identity, None).map_err(CannotAsk::Pattern)?;
    let (denials, elsewhere) = (estate.denials(), estate.elsewhere());
    let letting = Letting::all(estate, wanted)?;
    let mut found = Vec::new();
    for (name, entry) in &estate.entries {
        // What only limits lets nobody do anything.
        if entry.only_limits() {
            continue;
        }
        let who = Who { name, entry, with: name };
        let side = can(estate, &denials, who, wanted)?;
        let side = as_its_role(estate, who, side, wanted)?;
        let one = Found { name, side, with: None };
        let one = one.or(|| by_resources(estate, &denials, who, wanted, &letting))?;
        let one = one.or(|| by_sessions(estate, &denials, who, wanted, &letting))?;
        found.push(one.or(|| by_others(estate, (&denials, &elsewhere), who, wanted))?);
    }
    Ok(found)
}

/// Whether an entry is a role or a user: policies by themselves and groups nobody lets in.
fn is_identity(Who { name, entry, .. }: Who<'_>) -> bool {
    let is_of_one = entry.principal.is_some() || is_somebody(name);
    is_of_one && entry.policies.resource.is_none()
}

/// What an identity can by the policies of resources that let it in.
fn by_resources<'e>(
    estate: &Estate,
    denials: &Denials,
    who: Who<'_>,
    wanted: &Wanted<'_>,
    letting: &[Letting<'e>],
) -> Result<ByPolicy<'e>, CannotAsk> {
    let mut undecided = (Side::Nothing, None);
    if !is_identity(who) {
        return Ok(undecided);
    }
    for one in letting {
        for by in one.by(who.name, who.entry).map_err(CannotAsk::Pattern)? {
            let side = match by {
                By::Unknown(why) => Side::Undecided(why),
                By::Entry(entry, beyond) => {
                    let beside = Who { entry: &entry, with: one.name, ..who };
                    match (can(estate, denials, beside, wanted)?, beyond) {
                        (Side::Request(_), Some(why)) => Side::Undecided(why),
                        (side, _) => as_its_role(estate, beside, side, wanted)?,
                    }
                }
            };
            match side {
                Side::Nothing => {}
                Side::Request(_) => return Ok((side, Some(one.name))),
                Side::Undecided(_) if undecided.0.is_nothing() => undecided.0 = side,
                Side::Undecided(_) => {}
            }
        }
    }
    Ok(undecided)
}

/// What an identity may by the policy of a resource that is not in the files.
fn by_others<'e>(
    estate: &Estate,
    (denials, elsewhere): (&Denials, &Elsewhere),
    Who { name, entry, .. }: Who<'_>,
    wanted: &Wanted<'_>,
) -> Result<ByPolicy<'e>, CannotAsk> {
    let mut own = entry.policies.clone();
    own.identity.extend(allows(&entry.bounded).cloned());
    if own.resource.is_some() || own.identity.is_empty() {
        return Ok((Side::Nothing, None));
    }
    let outer = wanted.all_but(name, &own).map_err(CannotAsk::Pattern)?;
    let (limits, whose) = estate.limits_of(entry);
    let under = limits.over(&own, whose);
    let denied = || estate.denied(denials, (name, entry), &under).sure;
    let why = elsewhere.may(entry.principal.as_ref(), [&under, &outer], denied)?;
    Ok((why.map_or(Side::Nothing, Side::Undecided), None))
}

/// The same of what an entry is found to be allowed.
fn as_its_role(
    estate: &Estate,
    Who { entry, with, .. }: Who<'_>,
    side: Side,
    wanted: &Wanted<'_>,
) -> Result<Side, CannotAsk> {
    if !matches!(side, Side::Request(_)) {
        return Ok(side);
    }
    let outer = wanted.all_but(with, &entry.policies).map_err(CannotAsk::Pattern)?;
    let (limits, whose) = estate.limits_of(entry);
    let inner = limits.over(&entry.policies, whose);
    Ok(for_its_role(estate, with, side, [&inner, &outer]))
}

/// A request that a trust policy allows as one for its own role, where the files say its ARN: a
/// trust policy is about no other role.
pub(super) fn for_its_role(
    estate: &Estate,
    name: &str,
    side: Side,
    [inner, outer]: [&Policies; 2],
) -> Side {
    let witness = match side {
        Side::Request(witness) => witness,
        other => return other,
    };
    let role = name.strip_prefix("trust of ").and_then(|role| estate.entries.get(role));
    let role = role.filter(|role| !role.is_unnamed).and_then(|role| role.principal.as_ref());
    let Some(Principal::RoleSession { role_arn, .. }) = role else {
        return Side::Request(witness);
    };
    let own = Witness { resource: role_arn.clone(), resource_account: None, ..(*witness).clone() };
    let is_allowed = |policies: &Policies| judge(&own.request(), policies).allowed();
    match is_allowed(inner) && !is_allowed(outer) {
        true => Side::Request(Box::new(own)),
        false => Side::Request(witness),
    }
}

/// What sessions can that some user federates, by a resource's policy that may tell them from
/// the user: under session policies that allow it.
fn by_any_sessions(
    estate: &Estate,
    denials: &Denials,
    who: Who<'_>,
    wanted: &Wanted<'_>,
) -> Result<Side, CannotAsk> {
    let Who { entry, .. } = who;
    let policy = entry.policies.resource.as_ref();
    let is_known = entry.unknown.is_empty() && entry.principal.is_none();
    let tells_apart = |policy: &&Arc<Document>| {
        let mut named = statements(policy).flat_map(StatementView::principals);
        let names = named.any(|named| matches!(named, Named::Arn(_)));
        policy.kind() == Kind::Resource && (names || federated::tells_apart(policy))
    };
    if !is_known || policy.filter(tells_apart).is_none() {
        return Ok(Side::Nothing);
    }
    let own = Entry {
        policies: federated::with_session(&entry.policies),
        restricted: entry.restricted.clone(),
        ..Entry::default()
    };
    can(estate, denials, Who { entry: &own, ..who }, wanted)
}

/// What sessions can that a user federates, where a policy may tell them from the user, by
/// their own policies and by those of resources that let them in.
fn by_sessions<'e>(
    estate: &Estate,
    denials: &Denials,
    who: Who<'_>,
    wanted: &Wanted<'_>,
    letting: &[Letting<'e>],
) -> Result<ByPolicy<'e>, CannotAsk> {
    let Who { entry, .. } = who;
    let is_user = |it: &&Principal| matches!(it, Principal::User { .. });
    let Some(user) = entry.principal.as_ref().filter(is_user) else {
        return Ok((by_any_sessions(estate, denials, who, wanted)?, None));
    };
    let (limits, whose) = estate.limits_of(entry);
    let under = limits.over(&entry.policies, whose);
    if !federated::are_told_apart(&under, estate) {
        return Ok((Side::Nothing, None));
    }
    for session in federated::sessions(user, &[&under, &federated::of_resources(estate)]) {
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
        let as_session = Who { entry: &own, ..who };
        let mut found = (can(estate, denials, as_session, wanted)?, None);
        if found.0.is_nothing() {
            found = by_resources(estate, denials, as_session, wanted, letting)?;
        }
        match (found, session.beyond) {
            ((Side::Nothing, _), None) => {}
            ((Side::Nothing, _), Some(why)) => return Ok((Side::Undecided(why), None)),
            (found, _) => return Ok(found),
        }
    }
    Ok((Side::Nothing, None))
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
    who: Who<'_>,
    wanted: &Wanted<'_>,
) -> Result<Side, CannotAsk> {
    let Who { name, entry, .. } = who;
    let Some(unknown) = entry.unknown.first() else {
        return by(estate, denials, who, &entry.policies, wanted);
    };
    if entry.bounded.is_empty() || !entry.unbounded(name).is_empty() {
        return may(entry, wanted, unknown);
    }
    // The most and the least that what is known in part may be.
    let mut most = entry.policies.clone();
    most.identity.extend(allows(&entry.bounded).cloned());
    let most = by(estate, denials, who, &most, wanted)?;
    let Side::Request(_) = &most else { return Ok(most) };
    let least = by(estate, denials, who, &least(&entry.policies, &entry.bounded), wanted)?;
    match least {
        Side::Request(_) => Ok(least),
        _ => Ok(Side::Undecided(unknown.clone())),
    }
}

/// The same by policies that are known.
fn by(
    estate: &Estate,
    denials: &Denials,
    Who { name, entry, with }: Who<'_>,
    own: &Policies,
    wanted: &Wanted<'_>,
) -> Result<Side, CannotAsk> {
    let outer = wanted.all_but(with, own).map_err(CannotAsk::Pattern)?;
    let (limits, whose) = estate.limits_of(entry);
    let (under, most) = (limits.over(own, whose), limits.most_over(own, whose));
    let mut all = std::iter::once(&under).chain(&most);
    let of_name = all.find_map(|policies| entry.hangs_on_name(name, policies));
    let of_ids = || told_apart_in(std::iter::once(&under).chain(&most).chain([&outer]));
    if let Some(why) = of_name.or_else(of_ids) {
        return Ok(Side::Undecided(why));
    }
    let ask_about = |inner: &Policies| {
        let principal = entry.principal.as_ref();
        let question = Question { inner, outer: &outer, principal, universe: Universe::All };
        let found = within_sent(&question)?;
        let (Verdict::Violated(witness), Universe::All) = &found else { return Ok(found) };
        let universe = Universe::Catalogue;
        if !wanted.is_upon_something()
            || within(&Question { universe, ..question })? != Verdict::Proved
        {
            return Ok(found);
        }
        if wanted.is_upon_key_or_role() {
            return Ok((Verdict::Proved, universe));
        }
        let why = format!(
            "it may `{}` on `{}`, upon which AWS's reference has no such request",
            witness.action, witness.resource
        );
        Ok((Verdict::Undecided(why), universe))
    };
    // With why all that they allow may be denied.
    let ask = |inner: &Policies| {
        let denied = || estate.denied(denials, (name, entry), inner);
        let sure = || -> Vec<Arc<Document>> {
            let names = entry.principal.iter().flat_map(|_| refused()).cloned();
            denied().sure.into_iter().chain(names).collect()
        };
        let found = kept(inner, sure, ask_about)?;
        let may = match found.verdict {
            Verdict::Violated(_) => denied().may,
            Verdict::Proved | Verdict::Undecided(_) => Vec::new(),
        };
        if may.is_empty() {
            return match (&entry.restricted, &found.verdict) {
                (Some((why, narrower)), Verdict::Violated(_)) if inner.resource.is_some() => {
                    let resource = Some(Arc::clone(narrower));
                    let policies = Policies { resource, ..found.policies.clone() };
                    Ok(match ask_about(&policies)?.0 {
                        still @ Verdict::Violated(_) => (still, None),
                        _ => (found.verdict, Some(why.clone())),
                    })
                }
                _ => Ok::<_, Disagreement>((found.verdict, None)),
            };
        }
        Ok(match left(&found.policies, &may, ask_about)? {
            Left::Some { witness, .. } => (Verdict::Violated(witness), None),
            Left::Nothing(why) => (found.verdict, Some(why)),
        })
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
