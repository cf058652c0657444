//! What a policy that is the same on both sides lets do another on each, since it asks for what
//! is another there: the ARN of an identity, or tags.
//!
//! - A principal is named by its ARN, in `Principal`
//!   (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>)
//!   or by `aws:PrincipalArn`.
//! - `aws:PrincipalTag` is a tag of the user, or of the role or its session; `aws:ResourceTag`
//!   one of what is acted upon
//!   (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html>).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ringfence_policy::symbolic::{Named, StatementView, statements};
use ringfence_policy::{Document, Policies, Principal, Wildcard};

use super::diff::{Change, Side};
use super::estate::{Entry, Estate};
use super::tagged::KEY;
use super::unnamed::{OF_ACCOUNTS, documents};
use crate::lint::known::{Node, Value};
use crate::lint::terraform::Resource;

/// Notes what is not known of identities and resources that policies tell from what they were.
pub(super) fn note(old: &Estate, new: &Estate, changes: &mut Vec<Change>) {
    let named = |is: fn(&Change) -> bool| -> BTreeSet<String> {
        changes.iter().filter(|one| is(one)).map(|one| one.name.clone()).collect()
    };
    let grew = named(|one| !one.gained.is_nothing());
    let shrank = named(|one| !one.lost.is_nothing());
    for change in changes.iter_mut() {
        if change.gained.is_nothing()
            && let Some(why) = told_apart(&change.name, old, new, &grew)
        {
            change.gained = Side::Undecided(why);
        }
        if change.lost.is_nothing()
            && let Some(why) = told_apart(&change.name, new, old, &shrank)
        {
            change.lost = Side::Undecided(why);
        }
    }
    tagged(old, new, changes);
}

/// By which policy of the one estate an identity is told from what it is in the other, but for
/// those whose own change says already what they allow.
fn told_apart(name: &str, other: &Estate, own: &Estate, but: &BTreeSet<String>) -> Option<String> {
    let (word, short) = name.split_once('/').filter(|(word, _)| ["role", "user"].contains(word))?;
    let entry = own.entries.get(name)?;
    let is_identity = |of: &str| ["group/", "role/", "user/"].iter().any(|it| of.starts_with(it));
    let policies = || {
        let all = own.entries.iter();
        all.filter(|(of, _)| !is_identity(of) && !but.contains(of.as_str()))
    };
    if let Some(who) = Who::of(name, other, own) {
        let by = policies().find(|(_, policy)| {
            let mut all = of_others(&policy.policies);
            (!policy.unknown.is_empty() && who.was.is_some())
                || all.any(|document| statements(document).any(|one| who.is_told_by(one, short)))
        });
        if let Some((by, _)) = by {
            return Some(format!(
                "`{by}` may name, or ask for, the ARN of `{name}`, which is another on each \
                 side, on one alone, or not known"
            ));
        }
    }
    if let Some(ids) = other_ids(name, other, own) {
        let asks = |document: &&Arc<Document>| {
            let text = document.text();
            text.to_ascii_lowercase().contains("aws:userid")
                || ids.iter().any(|id| text.contains(id.as_str()))
        };
        let by = documents(&entry.policies).find(asks).map(|document| document.name().to_owned());
        let by = by.or_else(|| {
            let by = policies().find(|(_, policy)| of_others(&policy.policies).any(|it| asks(&it)));
            by.map(|(by, _)| by.clone())
        });
        if let Some(by) = by {
            return Some(format!(
                "`{by}` asks for the id of `{name}`, which is another on each side, or not known"
            ));
        }
    }
    let [before, after] = [other, own].map(|estate| resource(estate, word, short));
    let changed = changed(before?, after?);
    let asks = |document: &&Arc<Document>| {
        let tag = |key: &str| key.to_ascii_lowercase().strip_prefix(KEY).map(str::to_owned);
        document.context_keys().into_iter().filter_map(tag).any(|tag| is_among(&changed, &tag))
    };
    let by = documents(&entry.policies).find(asks).map(|document| document.name().to_owned());
    let by = by.or_else(|| {
        let by = policies().find(|(_, policy)| of_others(&policy.policies).any(|it| asks(&it)));
        by.map(|(by, _)| by.clone())
    })?;
    Some(format!("`{by}` asks for a tag of `{name}` that is another on each side, or not known"))
}

/// The ids of an identity that has the same ARN on both sides and another id, since it is made
/// anew
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids>).
fn other_ids(name: &str, other: &Estate, own: &Estate) -> Option<Vec<String>> {
    let (was, is) = (other.entries.get(name)?, own.entries.get(name)?);
    let is_known = was.unique_id.is_some() && is.unique_id.is_some();
    let is_anew = was.is_anew || is.is_anew;
    let is_another = was.unique_id != is.unique_id && (is_known || is_anew);
    let ids = || -> Vec<String> { was.unique_id.iter().chain(&is.unique_id).cloned().collect() };
    is_another.then(ids)
}

/// The documents that decide about others than who has them.
fn of_others(policies: &Policies) -> impl Iterator<Item = &Arc<Document>> {
    let levels = policies.service_control.iter().chain(&policies.resource_control);
    policies.resource.iter().chain(&policies.vpc_endpoint).chain(levels.flatten())
}

/// An identity that has another ARN on each side, or is on one alone.
struct Who<'e> {
    /// What it was, where it was there.
    was: Option<&'e Entry>,
    is: &'e Entry,
}

impl<'e> Who<'e> {
    /// `None` where its ARN is the same on both sides.
    fn of(name: &str, other: &'e Estate, own: &'e Estate) -> Option<Self> {
        let is = own.entries.get(name)?;
        let who = Self { was: other.entries.get(name), is };
        let Some(was) = who.was else { return (!is.is_elsewhere).then_some(who) };
        let is_moved = match (&was.principal, &is.principal) {
            (Some(one), Some(other)) => one != other,
            // An ARN that is not known is another where the path is.
            _ => path(other, name) != path(own, name),
        };
        is_moved.then_some(who)
    }

    /// Whether a statement may tell it from what it was.
    fn is_told_by(&self, statement: StatementView<'_>, short: &str) -> bool {
        let own = self.is.principal.as_ref();
        let before = self.was.and_then(|was| was.principal.as_ref());
        let accounts = [own, before].map(|one| one.and_then(Principal::account_id));
        let [account, account_before] = accounts;
        let is_of_account = self.was.is_some() && account != account_before;
        let is_named = |named: Named<'_>| match named {
            Named::Arn(arn) => match (own.and_then(arn_of), before.and_then(arn_of)) {
                (Some(own), Some(before)) => {
                    let of = |account: &str| arn.contains(&format!(":{account}:"));
                    (arn == own) != (arn == before)
                        || (is_of_account && accounts.into_iter().flatten().any(of))
                }
                (Some(own), None) if self.was.is_none() => arn == own,
                _ => arn.rsplit('/').next() == Some(short),
            },
            Named::Account(id) => is_of_account && accounts.contains(&Some(id)),
            Named::Service(_) | Named::Federated(_) => false,
        };
        statement.principals().any(is_named)
            || statement.conditions().any(|condition| {
                let key = condition.lower_key();
                match key {
                    "aws:principalarn" => {
                        condition.values().iter().any(|value| self.fits_differently(value))
                    }
                    "aws:userid" => self.has_other_id(),
                    key => is_of_account && is_key_of_account(key),
                }
            })
            || self.is_in_variables(statement, is_of_account)
    }

    /// Whether a pattern may fit one of its ARNs and not the other; of an identity that was
    /// not there, the one.
    fn fits_differently(&self, pattern: &str) -> bool {
        if pattern.contains("${") {
            return true;
        }
        let fits = |entry: &Entry| {
            let arn = entry.principal.as_ref().and_then(arn_of)?;
            let folded = Wildcard::of_text(&pattern.to_ascii_lowercase());
            let exact = Wildcard::of_text(pattern).matches(arn);
            Some([exact, folded.matches(&arn.to_ascii_lowercase())])
        };
        match (self.was.map(fits), fits(self.is)) {
            (None, Some(own)) => own.contains(&true),
            (Some(Some(before)), Some(own)) => before != own,
            _ => true,
        }
    }

    /// Whether its id may be another: AWS gives one to what is made anew
    /// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids>).
    fn has_other_id(&self) -> bool {
        let own = self.is.unique_id.as_ref();
        self.was.is_some_and(|was| own.is_none() || was.unique_id.as_ref() != own)
    }

    /// Whether a variable of a condition or a resource is its ARN, its id or its account.
    fn is_in_variables(&self, statement: StatementView<'_>, is_of_account: bool) -> bool {
        let of_conditions = statement.conditions().flat_map(|condition| condition.variables());
        let of_resources = statement.resources().flat_map(|resource| resource.variables());
        let mut all = of_conditions.chain(of_resources).map(str::to_ascii_lowercase);
        self.was.is_some()
            && all.any(|key| match key.as_str() {
                "aws:principalarn" => true,
                "aws:userid" => self.has_other_id(),
                key => is_of_account && is_key_of_account(key),
            })
    }
}

/// The keys that tell the caller's account.
fn is_key_of_account(key: &str) -> bool {
    OF_ACCOUNTS.contains(&key) || key == "kms:calleraccount"
}

/// The ARN of a user or a role.
fn arn_of(principal: &Principal) -> Option<&str> {
    match principal {
        Principal::User { arn } | Principal::RoleSession { role_arn: arn, .. } => Some(arn),
        _ => None,
    }
}

/// The resource that makes an identity.
fn resource<'e>(estate: &'e Estate, word: &str, short: &str) -> Option<&'e Resource> {
    let kind = format!("aws_iam_{word}");
    let is_it = |one: &&Resource| {
        let name = one.values.get("name").and_then(Node::text);
        one.kind == kind && !one.is_data && name == Some(short)
    };
    estate.resources.iter().find(is_it)
}

/// The path of an identity, where a resource makes it and the path is known.
fn path<'e>(estate: &'e Estate, name: &str) -> Option<Option<&'e str>> {
    let (word, short) = name.split_once('/')?;
    let own = resource(estate, word, short)?;
    Some(match own.values.get("path").map(|node| &node.value) {
        Some(Value::Text(path)) => Some(path.as_str()),
        None | Some(Value::Null) => Some("/"),
        Some(_) => None,
    })
}

/// Notes what is tagged otherwise, where a policy asks for the tags of what is acted upon.
fn tagged(old: &Estate, new: &Estate, changes: &mut Vec<Change>) {
    let [before, after] = [old, new].map(asked);
    if before.is_empty() && after.is_empty() {
        return;
    }
    let mut known: BTreeMap<(&str, &str), &Resource> = BTreeMap::new();
    for one in old.resources.iter().filter(|one| !one.is_data) {
        known.insert((one.kind.as_str(), one.address.as_str()), one);
        if let Some(arn) = one.values.get("arn").and_then(Node::text) {
            known.entry((one.kind.as_str(), arn)).or_insert(one);
        }
    }
    for one in new.resources.iter().filter(|one| !one.is_data) {
        let by_arn = || known.get(&(one.kind.as_str(), one.values.get("arn")?.text()?));
        let was = known.get(&(one.kind.as_str(), one.address.as_str())).or_else(by_arn);
        let Some(was) = was else { continue };
        let changed = changed(was, one);
        let side = |asked: &BTreeSet<String>| match asked.iter().any(|tag| is_among(&changed, tag))
        {
            true => Side::Undecided(format!(
                "a policy asks for a tag of `{}` that is another on each side, or not known",
                one.address
            )),
            false => Side::Nothing,
        };
        let (gained, lost) = (side(&after), side(&before));
        if gained.is_nothing() && lost.is_nothing() {
            continue;
        }
        match changes.iter_mut().find(|change| change.name == one.address) {
            Some(change) => {
                if change.gained.is_nothing() {
                    change.gained = gained;
                }
                if change.lost.is_nothing() {
                    change.lost = lost;
                }
            }
            None => {
                let name = one.address.clone();
                changes.push(Change { name, is_in_old: true, is_in_new: true, gained, lost });
            }
        }
    }
}

/// The tags of what is acted upon that policies ask for, in lower case: `aws:ResourceTag`, and
/// what services call so (`s3:BucketTag`).
fn asked(estate: &Estate) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for document in estate.entries.values().flat_map(|entry| documents(&entry.policies)) {
        for key in document.context_keys() {
            let key = key.to_ascii_lowercase();
            if let Some((before, tag)) = key.split_once("tag/")
                && !before.ends_with("principal")
                && !before.contains("request")
            {
                all.insert(tag.to_owned());
            }
        }
    }
    all
}

/// The tags of a resource, those that the provider adds too where they are known: each by its
/// key in lower case, `None` where its value is not known. `None`: not known which.
fn tags(resource: &Resource) -> Option<BTreeMap<String, Option<&str>>> {
    let get = |name: &str| resource.values.get(name).map(|node| &node.value);
    let all = match get("tags_all") {
        Some(Value::Map(members)) => Some(members),
        _ => match get("tags") {
            Some(Value::Map(members)) => Some(members),
            None | Some(Value::Null) => None,
            Some(_) => return None,
        },
    };
    let all = all.into_iter().flatten();
    Some(all.map(|one| (one.key.to_ascii_lowercase(), one.value.text())).collect())
}

/// Which tags are others on each side, or not known; `None`: nobody knows which.
fn changed(one: &Resource, other: &Resource) -> Option<BTreeSet<String>> {
    let (one, other) = (tags(one)?, tags(other)?);
    let is_other = |key: &&String| {
        let (one, other) = (one.get(*key), other.get(*key));
        one != other || one == Some(&None)
    };
    Some(one.keys().chain(other.keys()).filter(is_other).cloned().collect())
}

/// Whether a tag, in lower case, may be another on each side.
fn is_among(changed: &Option<BTreeSet<String>>, tag: &str) -> bool {
    changed.as_ref().is_none_or(|changed| changed.contains(tag))
}
