//! What the policies of resources deny. A Deny of one is about its own resource alone
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_identity-vs-resource.html>),
//! and denies whom it names whatever their own policies allow
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html>).
//!
//! A request is for one resource, and meets no other's policy: the Denies of all resources, each
//! bound to its own, may count together. They are asked about where all else allows something.

mod everybody;

use std::sync::Arc;

use ringfence_policy::symbolic::{Action, Effect, StatementView, statements};
use ringfence_policy::{Document, Kind, Outcome, Policies, Principal, Wildcard, judge};
use ringfence_prove::{Verdict, Witness};
use serde_json::{Map, Value as Json, json};

use super::bounded::{self, Refused};
use super::can::role_of_trust;
use super::estate::{Entry, Estate, everything};
use super::partial::Part;
use super::sessions::{ANY_SESSION, names, unnamed};
use super::unnamed::{documents, hangs_on_name, meet};

/// How often Denies are added for what a request meets before all are.
pub(crate) const ROUNDS: usize = 8;

/// What the policy of a resource denies, bound to the resource.
#[derive(Debug, Clone, Default)]
pub(crate) struct Denies {
    /// What it denies for certain.
    sure: Vec<Arc<Document>>,
    /// The most that it may deny besides, where nobody knows of what it is, or all that it says.
    may: Vec<May>,
}

/// What a policy may deny.
#[derive(Debug, Clone)]
struct May {
    document: Arc<Document>,
    /// Why nobody knows; `None` where that is so of the policy.
    why: Option<String>,
}

impl May {
    /// Of a policy of which not all is known.
    const fn of(document: Arc<Document>) -> Self {
        Self { document, why: None }
    }
}

impl Denies {
    /// Of policies that are not known: anything but what no resource's policy has a say in.
    pub(super) fn anything(name: &str) -> Self {
        let text = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Deny",
            "Principal": "*", "NotAction": ["iam:*", "organizations:*"], "Resource": "*"}]});
        let may = Document::parse(name, &text.to_string(), Kind::Resource).ok().map(Arc::new);
        Self { sure: Vec::new(), may: may.into_iter().map(May::of).collect() }
    }

    /// Of a policy of which a part is known, or nothing: the Denies that are known deny, and
    /// the others may, each the widest that it may be. Otherwise as [`Self::of`].
    pub(super) fn in_part(
        name: &str,
        part: Option<&Part>,
        own: Option<&[String]>,
        about: &[String],
        is_there: bool,
    ) -> Self {
        let of = |version: &str, all: &[Json], is_sure: bool| {
            let text = json!({"Version": version, "Statement": all}).to_string();
            let document = Document::parse(name, &text, Kind::Resource).ok()?;
            Some(Self::of(&document, own, about, is_sure))
        };
        let known = part.and_then(bounded::refused).and_then(|Refused { version, sure, may }| {
            let some = |all: &[Json], is_sure: bool| match all.is_empty() {
                true => Some(Self::default()),
                false => of(&version, all, is_sure),
            };
            Some(some(&sure, is_there)?.and(some(&may, false)?))
        });
        known.unwrap_or_else(|| {
            let anything =
                json!({"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"});
            of("2012-10-17", &[anything], false).unwrap_or_default()
        })
    }

    /// With what else the policy denies.
    pub(super) fn and(mut self, other: Self) -> Self {
        self.sure.extend(other.sure);
        self.may.extend(other.may);
        self
    }

    /// The same with why nobody knows what it may deny.
    pub(super) fn because(mut self, why: &str) -> Self {
        for may in &mut self.may {
            may.why.get_or_insert_with(|| why.to_owned());
        }
        self
    }

    /// Whether there are any.
    pub(super) fn are_some(&self) -> bool {
        !self.sure.is_empty() || !self.may.is_empty()
    }

    /// The same of a policy that need not be there.
    pub(super) fn unsure(self) -> Self {
        let may = self.sure.into_iter().map(May::of).chain(self.may).collect();
        Self { sure: Vec::new(), may }
    }

    /// Of a policy of a resource with some ARNs, as patterns; of one that is not known it may be
    /// about all of its service, as the actions tell. One that need not be there may deny.
    pub(crate) fn of(
        policy: &Document,
        own: Option<&[String]>,
        about: &[String],
        is_there: bool,
    ) -> Self {
        let Ok(mut text) = serde_json::from_str::<Json>(policy.text()) else {
            return Self::default();
        };
        let written = match text.get_mut("Statement").map(Json::take) {
            Some(Json::Array(all)) => all,
            Some(one) => vec![one],
            None => Vec::new(),
        };
        let services = || about.iter().map(|one| of_service(one)).collect();
        let all: Vec<String> = own.map_or_else(services, <[String]>::to_vec);
        let (mut sure, mut may) = (Vec::new(), Vec::new());
        for one in written {
            let Json::Object(mut one) = one else { continue };
            if one.get("Effect") != Some(&json!("Deny")) {
                continue;
            }
            // Whose statements stand together here, their names do not tell.
            one.remove("Sid");
            let bound = Bound::of(&one, &all);
            match own.is_some() && is_there {
                true => sure.extend(on(&one, bound.on)),
                false => may.extend(on(&one, bound.on)),
            }
            may.extend(bound.or_else);
        }
        let version = text.get("Version").cloned().unwrap_or_else(|| json!("2008-10-17"));
        let document = |all: Vec<Json>| {
            let text = json!({"Version": version, "Statement": all}).to_string();
            let made = || Document::parse(policy.name(), &text, Kind::Resource).ok();
            (!all.is_empty()).then(made).flatten().map(Arc::new)
        };
        let may = document(may).into_iter().map(May::of).collect();
        Self { sure: document(sure).into_iter().collect(), may }
    }
}

/// The ARNs of a service of an action, as a pattern.
fn of_service(action: &str) -> String {
    match action.split_once(':') {
        Some((service, _)) => format!("arn:*:{service}:*:*:*"),
        None => "*".to_owned(),
    }
}

/// A statement about some resources; none where there are none.
fn on(statement: &Map<String, Json>, resources: Vec<String>) -> Option<Json> {
    let mut statement = statement.clone();
    statement.remove("NotResource");
    statement.insert("Resource".to_owned(), json!(resources));
    (!resources.is_empty()).then_some(Json::Object(statement))
}

/// A statement bound to some resources.
struct Bound {
    /// Those that it is about.
    on: Vec<String>,
    /// The statement, where what both are about cannot be said: no less than that.
    or_else: Option<Json>,
}

impl Bound {
    fn of(statement: &Map<String, Json>, own: &[String]) -> Self {
        let texts = |key: &str| -> Option<Vec<&str>> {
            match statement.get(key)? {
                Json::Array(all) => Some(all.iter().filter_map(Json::as_str).collect()),
                one => Some(one.as_str().into_iter().collect()),
            }
        };
        let (mut on, mut wide) = (Vec::new(), Vec::new());
        if let Some(written) = texts("Resource") {
            for (one, own) in written.iter().flat_map(|one| own.iter().map(move |own| (one, own))) {
                match both(one, own) {
                    Both::None => {}
                    Both::These(pattern) => on.push(pattern),
                    Both::Unsaid => wide.push((*one).to_owned()),
                }
            }
        } else {
            let left_out = texts("NotResource").unwrap_or_default();
            for own in own {
                if left_out.iter().any(|one| is_within(own, one)) {
                    continue;
                }
                if left_out.iter().all(|one| matches!(both(one, own), Both::None)) {
                    on.push(own.clone());
                } else {
                    wide.push(own.clone());
                }
            }
        }
        let or_else = self::on(statement, wide);
        Self { on, or_else }
    }
}

/// What two patterns are both about.
enum Both {
    /// Nothing.
    None,
    /// What this one is about.
    These(String),
    /// No one pattern says it.
    Unsaid,
}

/// What two patterns of ARNs are both about, part by part.
fn both(one: &str, other: &str) -> Both {
    match (one, other) {
        ("*", pattern) | (pattern, "*") => return Both::These(pattern.to_owned()),
        _ => {}
    }
    let (first, second): (Vec<&str>, Vec<&str>) =
        (one.splitn(6, ':').collect(), other.splitn(6, ':').collect());
    if first.len() != 6 || second.len() != 6 {
        return Both::Unsaid;
    }
    let mut all = Vec::with_capacity(6);
    for (one, other) in first.into_iter().zip(second) {
        if !meet(&without_variables(one), &without_variables(other)) {
            return Both::None;
        }
        match (covers(one, other), covers(other, one)) {
            (true, _) => all.push(other),
            (_, true) => all.push(one),
            _ => return Both::Unsaid,
        }
    }
    Both::These(all.join(":"))
}

/// Whether what a pattern of ARNs is about another is about too, of whichever partition.
fn is_within(own: &str, other: &str) -> bool {
    let (own_parts, other_parts) = (own.splitn(6, ':'), other.splitn(6, ':'));
    let mut both = own_parts.zip(other_parts).enumerate();
    let is_like = other.splitn(6, ':').count() == own.splitn(6, ':').count();
    let covers = |(at, (own, other))| covers(other, own) || (at == 1 && own == "*");
    other == "*" || (is_like && both.all(covers))
}

/// Whether whatever fits a pattern fits another one, as far as that shows.
fn covers(wider: &str, pattern: &str) -> bool {
    wider == pattern || (!wider.contains(['?', '$']) && Wildcard::of_text(wider).matches(pattern))
}

/// A pattern with anything in the place of its variables.
fn without_variables(pattern: &str) -> String {
    let mut rest = pattern;
    let mut text = String::new();
    while let Some((before, after)) = rest.split_once("${") {
        text += before;
        text.push('*');
        rest = after.split_once('}').map_or("", |(_, rest)| rest);
    }
    text + rest
}

/// What the policies of an estate's resources deny, by the names of their entries.
#[derive(Debug, Default)]
pub(crate) struct Denials(Vec<Of>);

/// What the policy of an entry denies.
#[derive(Debug, Clone)]
struct Of {
    name: String,
    denies: Denies,
    /// Of which resource it is the only policy, as patterns of its ARN.
    on: Vec<String>,
    /// Why nobody knows all of it, where that hangs on the policy.
    why: Option<String>,
}

impl Estate {
    /// What its resources' policies deny.
    pub(crate) fn denials(&self) -> Denials {
        let all = self.entries.iter().filter(|(_, entry)| entry.denies.are_some());
        let of = |(name, entry): (&String, &Entry)| Of {
            name: name.clone(),
            denies: entry.denies.clone(),
            on: entry.of_one.clone(),
            why: entry.unknown.first().cloned(),
        };
        Denials(all.map(of).collect())
    }

    /// The same with what the trust policies of roles deny that another estate has, too: a role
    /// that is on one side alone can be taken there alone.
    pub(super) fn denials_beside(&self, other: &Self) -> Denials {
        let mut all = self.denials();
        let both = self.entries.iter().filter(|(name, _)| other.entries.contains_key(*name));
        all.0.extend(both.filter_map(|(name, entry)| {
            let own = role_of_trust(name)?;
            let denies =
                Denies::of(entry.policies.resource.as_ref()?, Some(own.as_slice()), &[], true);
            let of = Of { name: name.clone(), denies, on: Vec::new(), why: None };
            of.denies.are_some().then_some(of)
        }));
        all
    }
}

/// What somebody is denied by the policies of resources, as policies of its own.
#[derive(Debug, Clone, Default)]
pub(crate) struct Denied {
    /// For certain.
    pub(crate) sure: Vec<Arc<Document>>,
    /// What it may be denied besides, by why nobody knows.
    pub(crate) may: Vec<(String, Arc<Document>)>,
}

impl Denied {
    /// The same of somebody whose name is not known: what asks for that may deny it.
    pub(crate) fn of_unnamed(mut self, who: &str) -> Self {
        let asks = |one: &Arc<Document>| {
            let identity = vec![Arc::clone(one)];
            hangs_on_name(who, &Policies { identity, ..Policies::default() })
        };
        let (open, sure): (Vec<_>, Vec<_>) =
            self.sure.into_iter().partition(|one| asks(one).is_some());
        self.may.extend(open.into_iter().filter_map(|one| Some((asks(&one)?, one))));
        self.sure = sure;
        self
    }
}

impl Of {
    /// What it denies somebody who has a permissions boundary, or has none: each of these.
    fn denied(&self, who: &[&Principal], is_bounded: bool) -> Denied {
        let is_about =
            |one: StatementView<'_>| who.iter().all(|who| one.is_about_caller(who, is_bounded));
        // Whoever takes a role chooses the name of the session.
        let is_of_all = |one: StatementView<'_>| {
            let mut all = who.iter().flat_map(|who| others(who, one));
            all.all(|session| one.is_about_caller(&session, is_bounded))
        };
        let of = |document: &Arc<Document>, counts: &dyn Fn(StatementView<'_>) -> bool| {
            about(document, |at| statements(document).nth(at).is_some_and(counts))
        };
        let Denies { sure, may } = &self.denies;
        let unsaid = || format!("what all `{}` denies is not known", self.name);
        let chosen = || {
            format!(
                "`{}` tells sessions of one role apart, whose names whoever takes it chooses",
                self.name
            )
        };
        let some_sessions = |one: StatementView<'_>| is_about(one) && !is_of_all(one);
        let all_sessions = |one: StatementView<'_>| is_about(one) && is_of_all(one);
        let unknown = may.iter().filter_map(|may| {
            let why = || may.why.as_ref().or(self.why.as_ref()).cloned().unwrap_or_else(unsaid);
            Some((why(), of(&may.document, &is_about)?))
        });
        let of_some = sure.iter().filter_map(|one| of(one, &some_sessions));
        let of_some = of_some.map(|one| (chosen(), one));
        Denied {
            sure: sure.iter().filter_map(|one| of(one, &all_sessions)).collect(),
            may: unknown.chain(of_some).collect(),
        }
    }

    /// The documents, those of what it may deny too.
    fn documents(&self) -> impl Iterator<Item = &Arc<Document>> {
        let may = self.denies.may.iter().map(|may| &may.document);
        self.denies.sure.iter().chain(may)
    }

    /// Whether it denies what another one does.
    fn is_like(&self, other: &Self) -> bool {
        fn texts(of: &Of) -> (Vec<&str>, Vec<&str>) {
            let sure = of.denies.sure.iter().map(|one| one.text());
            (sure.collect(), of.denies.may.iter().map(|may| may.document.text()).collect())
        }
        texts(self) == texts(other)
    }
}

/// Of any session of a role the others: one of each name that a statement has, and one of none
/// of these.
fn others(who: &Principal, statement: StatementView<'_>) -> Vec<Principal> {
    let Principal::RoleSession { role_arn, session_arn } = who else { return Vec::new() };
    let any = |(_, own): &(&str, &str)| *own == ANY_SESSION;
    let Some((role, _)) = session_arn.rsplit_once('/').filter(any) else { return Vec::new() };
    let other = unnamed(role, std::iter::once(statement));
    let names: Vec<&str> = names(role, statement).chain([other.as_str()]).collect();
    let session = |name: &&str| Principal::RoleSession {
        role_arn: role_arn.clone(),
        session_arn: format!("{role}/{name}"),
    };
    names.iter().map(session).collect()
}

impl Denials {
    /// What somebody is denied who has a permissions boundary, or has none: each of these.
    pub(crate) fn of(&self, who: &[&Principal], is_bounded: bool) -> Denied {
        let mut denied = Denied::default();
        for Denied { sure, may } in self.0.iter().map(|one| one.denied(who, is_bounded)) {
            denied.sure.extend(sure);
            denied.may.extend(may);
        }
        denied
    }

    /// What the policy at a place denies somebody.
    pub(crate) fn one(&self, place: usize, who: &Principal, is_bounded: bool) -> Denied {
        let one = self.0.get(place);
        one.map(|one| one.denied(&[who], is_bounded)).unwrap_or_default()
    }

    /// The places of those with a statement that counts.
    pub(crate) fn places(&self, counts: impl Fn(StatementView<'_>) -> bool) -> Vec<usize> {
        let all = self.0.iter().enumerate();
        let has_one = |one: &Of| one.documents().flat_map(|it| statements(it)).any(&counts);
        all.filter(|(_, one)| has_one(one)).map(|(place, _)| place).collect()
    }

    /// What the policy at a place denies, and may deny, whomever.
    pub(crate) fn documents(&self, place: usize) -> impl Iterator<Item = &Arc<Document>> {
        self.0.get(place).into_iter().flat_map(Of::documents)
    }

    /// What the policy at a place is called, and of which resource it is, as patterns.
    pub(crate) fn called(&self, place: usize) -> (&str, &[String]) {
        self.0.get(place).map_or(("", &[][..]), |one| (one.name.as_str(), one.on.as_slice()))
    }

    /// Those that are not among others.
    pub(super) fn but(&self, others: &Self) -> Self {
        let is_there = |one: &Of| others.0.iter().any(|other| other.is_like(one));
        Self(self.0.iter().filter(|one| !is_there(one)).cloned().collect())
    }

    /// All that they deny and may deny, whomever.
    pub(super) fn whole(&self) -> Policies {
        let all = self.0.iter().flat_map(Of::documents);
        Policies { identity: all.cloned().collect(), ..Policies::default() }
    }

    /// Whether there are none.
    pub(super) fn are_none(&self) -> bool {
        self.0.is_empty()
    }

    /// The same of the identity of an entry; of a group, and of a policy of nobody knows whom,
    /// what everybody is denied.
    pub(super) fn of_entry(&self, name: &str, entry: &Entry, is_bounded: bool) -> Denied {
        let Some(principal) = &entry.principal else {
            let is_of_some = entry.policies.resource.is_none() && !entry.only_limits();
            return if is_of_some { self.of_everybody() } else { Denied::default() };
        };
        let denied = self.of(&[principal], is_bounded);
        if entry.is_unnamed { denied.of_unnamed(name) } else { denied }
    }

    /// The policies that deny something, with what they deny for certain.
    pub(crate) fn policies(&self) -> impl Iterator<Item = (&str, &Arc<Document>)> {
        let all = self.0.iter();
        all.flat_map(|of| of.denies.sure.iter().map(|document| (of.name.as_str(), document)))
    }
}

/// Some statements of a resource's policy as those of a policy of whom they are about.
pub(crate) fn about(document: &Document, is: impl Fn(usize) -> bool) -> Option<Arc<Document>> {
    let mut text: Json = serde_json::from_str(document.text()).ok()?;
    let Json::Array(all) = text.get_mut("Statement")?.take() else { return None };
    let mut own: Vec<Json> = Vec::new();
    for (_, mut one) in all.into_iter().enumerate().filter(|(at, _)| is(*at)) {
        let members = one.as_object_mut()?;
        members.remove("Principal");
        members.remove("NotPrincipal");
        own.push(one);
    }
    if own.is_empty() {
        return None;
    }
    *text.get_mut("Statement")? = Json::Array(own);
    Document::parse(document.name(), &text.to_string(), Kind::Identity).ok().map(Arc::new)
}

impl Estate {
    /// What the identity of an entry is denied besides what its policies say, or may be: by the
    /// policies of resources, and where a policy asks for tags that it has not.
    pub(super) fn denied(
        &self,
        denials: &Denials,
        (name, entry): (&str, &Entry),
        policies: &Policies,
    ) -> Denied {
        let mut denied = denials.of_entry(name, entry, policies.boundary.is_some());
        let tags = {
            let may = denied.may.iter().map(|(_, document)| document);
            let asked = documents(policies).chain(&denied.sure).chain(may);
            self.kept_back_by_tags(name, entry.principal.as_ref(), asked)
        };
        denied.may.extend(tags);
        denied
    }
}

/// What is left of what policies allow where something of it may be denied.
pub(crate) enum Left<U> {
    /// A request that nothing may deny.
    Some {
        witness: Box<Witness>,
        /// Of which requests it is.
        universe: U,
        /// The policies, with what may deny something and was looked at.
        policies: Policies,
    },
    /// Nothing that may not be denied, and why it may.
    Nothing(String),
}

/// Asks about policies that allow something beside all that may be denied, each with why.
///
/// # Errors
/// Those of asking.
pub(crate) fn left<U, E>(
    policies: &Policies,
    may: &[(String, Arc<Document>)],
    ask: impl Fn(&Policies) -> Result<(Verdict, U), E>,
) -> Result<Left<U>, E> {
    let all = || may.iter().map(|(_, document)| Arc::clone(document)).collect();
    let Kept { verdict, universe, policies, by } = kept(policies, all, ask)?;
    if let Verdict::Violated(witness) = verdict {
        return Ok(Left::Some { witness, universe, policies });
    }
    let is_it =
        |one: &&(String, Arc<Document>)| by.first().is_some_and(|by| Arc::ptr_eq(by, &one.1));
    let first = may.iter().find(is_it).or_else(|| may.first());
    let unsaid = || "what may deny it is not known".to_owned();
    Ok(Left::Nothing(first.map_or_else(unsaid, |(why, _)| why.clone())))
}

/// What policies allow beside Denies that count for them.
pub(crate) struct Kept<U> {
    /// The verdict.
    pub(crate) verdict: Verdict,
    /// Of which requests it is.
    pub(crate) universe: U,
    /// The policies, with the Denies that were looked at.
    pub(crate) policies: Policies,
    /// These.
    pub(crate) by: Vec<Arc<Document>>,
}

/// Asks about policies, and where they allow something about the same with the Denies that deny
/// it, until none does.
///
/// # Errors
/// Those of asking.
pub(crate) fn kept<U, E>(
    policies: &Policies,
    denied: impl FnOnce() -> Vec<Arc<Document>>,
    ask: impl Fn(&Policies) -> Result<(Verdict, U), E>,
) -> Result<Kept<U>, E> {
    let (verdict, universe) = ask(policies)?;
    let mut kept = Kept { verdict, universe, policies: policies.clone(), by: Vec::new() };
    if !matches!(kept.verdict, Verdict::Violated(_)) {
        return Ok(kept);
    }
    let mut left = denied();
    for round in 0.. {
        let Verdict::Violated(witness) = &kept.verdict else { break };
        let denies = |one: &Arc<Document>| round >= ROUNDS || denies(one, witness);
        let (those, others): (Vec<_>, Vec<_>) = left.into_iter().partition(denies);
        left = others;
        if those.is_empty() {
            break;
        }
        kept.policies.identity.extend(those.iter().cloned());
        kept.by.extend(those);
        (kept.verdict, kept.universe) = ask(&kept.policies)?;
    }
    Ok(kept)
}

/// Whether a policy denies a request, or may: of the keys that AWS always sends a request carries
/// those alone that were asked for, so that a condition decides nothing here.
pub(crate) fn denies(document: &Arc<Document>, witness: &Witness) -> bool {
    let action = Action::parse(&witness.action);
    let is_all = document.text().contains("NotResource");
    let may_cover = |one: StatementView<'_>| {
        is_all || one.resources().any(|entry| entry.has(&witness.resource) != Some(false))
    };
    let may_deny = |one: StatementView<'_>| {
        one.effect() == Effect::Deny
            && one.conditions().next().is_some()
            && one.is_about(&action)
            && may_cover(one)
    };
    if statements(document).any(may_deny) {
        return true;
    }
    let identity = everything().into_iter().chain([Arc::clone(document)]).collect();
    let policies = Policies { identity, ..Policies::default() };
    let outcome = judge(&witness.request(), &policies).outcome;
    matches!(outcome, Outcome::ExplicitDeny | Outcome::Undecided)
}

#[cfg(test)]
mod tests;
