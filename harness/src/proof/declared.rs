//! The configuration's own guard rails, as claims.

use std::collections::{BTreeMap, BTreeSet};

use ringfence_policy::{Kind, Policies, Principal, Wildcard};
use ringfence_prove::{Question, Universe, Verdict, within};
use serde_json::json;

use super::claims::{Claim, Unput, letting_in, of_identity, of_trust, written};
use super::guarded::{Guarded, text};
use super::statements::{Forbidden, On};
use crate::access::estate::Entry;
use crate::access::forms::{acted_upon, left_out};
use crate::access::reference::unfit;
use crate::access::unnamed::form;
use crate::config::Declaration;
use crate::declared::{Person, Seen};
use crate::guard_rail::GuardRail;
use crate::lint::known::Node;

/// A claim for each identity of the files that a guard rail is about.
pub(super) fn claims(guarded: &Guarded<'_>) -> Result<Vec<Claim>, Unput> {
    let (people, untold) = people(guarded);
    let arn_of = |name: &str| guarded.arn_of(name);
    let seen = Seen { config: guarded.config, people: &people, arn_of: &arn_of };
    let mut claims = Vec::new();
    let entries = guarded.estate.entries.iter();
    let trusts = entries.filter(|(name, _)| name.starts_with("trust of "));
    let trusts: Vec<(&str, &Entry)> = trusts.map(|(name, entry)| (name.as_str(), entry)).collect();
    for declared in &guarded.config.guard_rail {
        let forbidden = forbidden(declared, &seen)?;
        let beyond = (!speaks(guarded, &forbidden)?).then(|| NOTHING.to_owned());
        let rail = Rail { name: declared.rail(), forbidden, beyond };
        let (named, are_excepted) = declared.people();
        let is_by_tag = named.iter().any(|text| text.get_ref().starts_with("tag/"));
        let chosen: BTreeSet<usize> = seen.who(declared)?.into_iter().collect();
        let may_be_named: BTreeSet<usize> = seen.may(declared)?.into_iter().collect();
        for (at, person) in people.iter().enumerate() {
            let is_chosen = chosen.contains(&at);
            let why = match (may_be_named.contains(&at), is_by_tag && untold.contains(&at)) {
                (true, _) => Some(format!("the name of `{}`", person.entry)),
                (_, true) => Some(format!("which tags `{}` has", person.entry)),
                _ => None,
            };
            if !is_chosen && (are_excepted || why.is_none()) {
                continue;
            }
            let mut all = of_person(guarded, &rail, person, &trusts)?;
            // Of whose name or tags nobody knows the rail may be, or not.
            if let Some(why) = why.filter(|_| is_chosen == are_excepted) {
                for claim in &mut all {
                    claim.hangs_on.get_or_insert_with(|| why.clone());
                }
            }
            claims.extend(all);
        }
    }
    Ok(claims)
}

/// A guard rail of the configuration.
struct Rail {
    name: GuardRail,
    forbidden: Forbidden,
    /// Why it cannot be proved.
    beyond: Option<String>,
}

fn of_person(
    guarded: &Guarded<'_>,
    rail: &Rail,
    person: &Person,
    trusts: &[(&str, &Entry)],
) -> Result<Vec<Claim>, Unput> {
    let Some(entry) = guarded.estate.entries.get(&person.entry) else { return Ok(Vec::new()) };
    let own = (person.entry.as_str(), entry);
    let forbidden = std::slice::from_ref(&rail.forbidden);
    if rail.beyond.is_some() {
        let mut all = of_identity(guarded, &rail.name, own, &[], forbidden)?;
        all.iter_mut().for_each(|claim| claim.beyond.clone_from(&rail.beyond));
        return Ok(all);
    }
    let of_resources = letting_in(guarded, own);
    let mut claims = of_identity(guarded, &rail.name, own, &of_resources, forbidden)?;
    for (address, trust) in trusts {
        let Some((here, why)) = on_role(guarded, address, &rail.forbidden) else { continue };
        let mut all = of_trust(guarded, &rail.name, own, (address, trust), &here)?;
        for claim in &mut all {
            claim.hangs_on = claim.hangs_on.take().or_else(|| why.clone());
        }
        claims.extend(all);
    }
    Ok(claims)
}

/// Of what says nothing there is nothing to prove.
pub(super) const NOTHING: &str = "none of its actions acts upon any of its resources, so that it forbids \
                       nothing: of what is in a bucket write the bucket's ARN with `/*` behind it";

/// Of the guard rails of the configuration each action that acts upon none of the rail's
/// resources, where another of the rail's does: it forbids nothing, though the rail is proved.
/// And each that acts upon parts of one of them (versions of a function, objects of a bucket)
/// that are not among them.
///
/// # Errors
/// As of claims.
pub fn unfit_actions(guarded: &Guarded<'_>) -> Result<Vec<String>, Unput> {
    let (people, _) = people(guarded);
    let arn_of = |name: &str| guarded.arn_of(name);
    let seen = Seen { config: guarded.config, people: &people, arn_of: &arn_of };
    let mut told = Vec::new();
    for declared in &guarded.config.guard_rail {
        let On::These(resources) = forbidden(declared, &seen)?.on else { continue };
        let actions: Vec<&str> = declared.actions.iter().map(|it| it.get_ref().as_str()).collect();
        let resources: Vec<&str> = resources.iter().map(String::as_str).collect();
        let mut found = unfit(&actions, &resources);
        // Of a rail that forbids nothing at all its finding tells.
        if found.len() < actions.len() {
            let id = declared.id.get_ref();
            found.extend(left_out(&actions, &resources));
            told.extend(found.into_iter().map(|what| format!("guard rail `{id}`: {what}")));
        }
    }
    Ok(told)
}

/// Whether there is a request of AWS's reference of which a guard rail speaks: as if who asks
/// may, and the resources, of whichever account, let them.
fn speaks(guarded: &Guarded<'_>, forbidden: &Forbidden) -> Result<bool, Unput> {
    let On::These(resources) = &forbidden.on else { return Ok(true) };
    let actions = &forbidden.actions;
    let own = json!({"Effect": "Allow", "Action": actions, "Resource": resources});
    let of_all = json!({"Effect": "Allow", "Action": actions, "Resource": resources,
        "Principal": "*"});
    let identity = vec![written(&[own], Kind::Identity)?];
    let resource = Some(written(&[of_all], Kind::Resource)?);
    let inner = Policies { identity, resource, ..Policies::default() };
    let somebody = Principal::User { arn: guarded.iam("user/somebody") };
    let (outer, principal) = (Policies::default(), Some(&somebody));
    let question =
        Question { inner: &inner, outer: &outer, principal, universe: Universe::Catalogue };
    Ok(!matches!(within(&question)?, Verdict::Proved))
}

/// What a guard rail forbids of a role alone: a trust policy is about its own role, and
/// names none; `None` where it forbids nothing that one allows. Whether a role whose ARN is
/// not known is meant hangs on that.
fn on_role(
    guarded: &Guarded<'_>,
    address: &str,
    forbidden: &Forbidden,
) -> Option<(Forbidden, Option<String>)> {
    let is_of_sts = |action: &String| {
        let service = action.split_once(':').map_or(action.as_str(), |(service, _)| service);
        Wildcard::of_text(&service.to_ascii_lowercase()).matches("sts")
    };
    if !forbidden.actions.iter().any(is_of_sts) {
        return None;
    }
    let name = address.strip_prefix("trust of ")?;
    let role = guarded.estate.entries.get(name).filter(|role| !role.is_unnamed);
    let patterns = match &forbidden.on {
        On::These(all) => all.as_slice(),
        _ => &[],
    };
    let Some(Principal::RoleSession { role_arn, .. }) = role.and_then(|it| it.principal.as_ref())
    else {
        let why = format!("the ARN of `{name}` is not known");
        return Some((forbidden.clone(), (!patterns.is_empty()).then_some(why)));
    };
    // Whose name a variable stands for hangs on the request.
    if patterns.iter().any(|one| one.contains("${")) {
        return Some((forbidden.clone(), Some(format!("whether `{name}` is meant"))));
    }
    let is_meant =
        patterns.is_empty() || patterns.iter().any(|one| Wildcard::of_text(one).matches(role_arn));
    is_meant.then(|| (forbidden.clone().on(On::These(vec![role_arn.clone()])), None))
}

fn forbidden(declared: &Declaration, seen: &Seen<'_>) -> Result<Forbidden, Unput> {
    let actions: Vec<&str> = declared.actions.iter().map(|one| one.get_ref().as_str()).collect();
    let named = declared.resources.iter().map(|text| seen.arn(declared, text.get_ref()));
    let named: Vec<String> = named.collect::<Result<_, _>>()?;
    let resources: Vec<String> = named.iter().flat_map(|arn| acted_upon(&actions, arn)).collect();
    let on = match resources.is_empty() || resources.iter().any(|one| one == "*") {
        true => On::Anything,
        false => On::These(resources),
    };
    let forbidden = Forbidden::new(&actions, on);
    Ok(match &declared.except {
        Some(condition) => forbidden.unless(condition.get_ref().clone()),
        None => forbidden,
    })
}

/// The ARN of an identity, where its name is known.
fn arn(entry: &Entry) -> Option<String> {
    match entry.principal.as_ref().filter(|_| !entry.is_unnamed)? {
        Principal::User { arn } => Some(arn.clone()),
        Principal::RoleSession { role_arn, .. } => Some(role_arn.clone()),
        _ => None,
    }
}

/// The roles and users of the files, and by their places those whose tags are not known:
/// of templates they are not read.
fn people(guarded: &Guarded<'_>) -> (Vec<Person>, BTreeSet<usize>) {
    let entries = guarded.estate.entries.keys();
    let identities = entries.filter(|it| it.starts_with("role/") || it.starts_with("user/"));
    let of = |entry: &String| {
        let (kind, name) = entry.split_once('/')?;
        let own = guarded.estate.entries.get(entry)?;
        let kind = if kind == "role" { "aws_iam_role" } else { "aws_iam_user" };
        let resource = guarded.of_kind(kind).find(|one| text(one, "name") == Some(name));
        // All of them are computed, where the provider has some of its own.
        let tags = ["tags", "tags_all"].map(|name| resource.and_then(|one| one.values.get(name)));
        let is_told = resource.is_some() && tags.iter().flatten().all(|node| node.open() == 0);
        let tags = tags.into_iter().flatten().flat_map(Node::members);
        let tags: BTreeMap<String, String> =
            tags.filter_map(|tag| Some((tag.key.clone(), tag.value.text()?.to_owned()))).collect();
        let deployers = guarded.teams.iter().filter(|team| team.entry == *entry);
        let person = Person {
            entry: entry.clone(),
            arn: arn(own),
            form: form(name).filter(|_| own.is_unnamed),
            deployers: deployers.map(|team| team.name.clone()).collect(),
            tags,
        };
        Some((person, is_told))
    };
    let all: Vec<(Person, bool)> = identities.filter_map(of).collect();
    let untold = all.iter().enumerate().filter(|(_, (_, is_told))| !is_told).map(|(at, _)| at);
    let untold = untold.collect();
    (all.into_iter().map(|(person, _)| person).collect(), untold)
}
