//! What one estate allows that another does not.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ringfence_policy::{Document, Policies, Principal};
use ringfence_prove::{Disagreement, Question, Universe, Verdict, Witness, within_sent};
use serde_json::Value as Json;

use super::absent::{self, Absent};
use super::besides;
use super::control::{Limits, Whose, by_itself, with_full_access};
use super::estate::{Entry, Estate, everything};
use super::moved;
use super::own::{self, Region};
use super::permission_sets::{of_part, parts};
use super::roles;
use super::unnamed::{are_alike, asks_for_caller};

/// An identity, or a resource's policy, before and after.
#[derive(Debug)]
pub struct Change {
    /// Its name.
    pub name: String,
    /// Whether it is in the old estate.
    pub is_in_old: bool,
    /// Whether it is in the new one.
    pub is_in_new: bool,
    /// What is allowed now and was not before.
    pub gained: Side,
    /// What was allowed before and is not now.
    pub lost: Side,
}

/// What one side allows alone.
#[derive(Debug)]
pub enum Side {
    /// Nothing.
    Nothing,
    /// This, among others.
    Request(Box<Witness>),
    /// It is not known.
    Undecided(String),
}

impl Side {
    /// Whether it is shown that there is nothing.
    pub const fn is_nothing(&self) -> bool {
        matches!(self, Self::Nothing)
    }
}

impl Change {
    /// Whether access grew, or may have grown.
    pub const fn grew(&self) -> bool {
        !self.gained.is_nothing()
    }
}

/// An estate with what is compared of it besides.
struct Compared<'e> {
    estate: &'e Estate,
    parts: BTreeMap<String, Entry>,
    nothing: Entry,
    unlimited: Entry,
}

/// An entry on a side.
struct Sided<'c> {
    entry: &'c Entry,
    is_there: bool,
    limits: Limits,
    whose: Whose,
    /// Its policies under what surely limits them.
    over: Policies,
    /// Of which permission set it is a part, where it is one.
    part: Option<&'c str>,
    /// Why it is not known.
    why: Option<String>,
}

impl<'e> Compared<'e> {
    fn of(estate: &'e Estate) -> Self {
        let (nothing, unlimited) = (Entry::default(), absent::unlimited());
        Self { estate, parts: parts(estate), nothing, unlimited }
    }

    fn entry(&self, name: &str) -> Option<&Entry> {
        self.estate.entries.get(name).or_else(|| self.parts.get(name))
    }

    fn names(&self) -> impl Iterator<Item = &String> {
        self.estate.entries.keys().chain(self.parts.keys())
    }

    fn side(&self, name: &str, other: &Self) -> Sided<'_> {
        let found = self.entry(name);
        let without = || {
            let there = other.entry(name);
            there.map(|there| absent::of(name, there, other.estate, self.estate))
        };
        let (entry, why) = match (found, without()) {
            (Some(entry), _) => (entry, None),
            (None, Some(Absent::Everything)) => (&self.unlimited, None),
            (None, Some(Absent::Unknown(why))) => (&self.nothing, Some(why)),
            (None, _) => (&self.nothing, None),
        };
        // What stands for a limit is looked at by itself, as that is.
        let is_of_resource =
            || other.entry(name).is_some_and(|there| there.policies.resource.is_some());
        let (limits, whose) = match found {
            Some(entry) => self.estate.limits_of(entry),
            // A resource without a policy is of its account all the same.
            None if is_of_resource() => self.estate.limits_of(entry),
            None => (Limits::default(), Whose::Anybody),
        };
        let over = limits.over(&by_itself(&entry.policies), whose);
        let part = of_part(self.estate, name);
        Sided { entry, is_there: found.is_some(), limits, whose, over, part, why }
    }
}

/// Compares two estates, entry by entry.
///
/// # Errors
/// Where prover and engine differ: a fault of ours.
pub fn diff(old: &Estate, new: &Estate) -> Result<Vec<Change>, Disagreement> {
    let (old, new) = (Compared::of(old), Compared::of(new));
    let names: BTreeSet<&String> = old.names().chain(new.names()).collect();
    let mut changes = Vec::with_capacity(names.len());
    for name in names {
        let (before, after) = (old.side(name, &new), new.side(name, &old));
        changes.push(Change {
            name: name.clone(),
            is_in_old: before.is_there,
            is_in_new: after.is_there,
            gained: alone(name, &after, &before)?,
            lost: alone(name, &before, &after)?,
        });
    }
    changes.extend(besides::changes(old.estate, new.estate));
    moved::note(old.estate, new.estate, &mut changes);
    changes.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(changes)
}

/// What the inner side allows and the outer does not, each with its policies under what
/// surely limits it. A control policy that may limit it besides has a change of its own.
fn alone(name: &str, inner: &Sided<'_>, outer: &Sided<'_>) -> Result<Side, Disagreement> {
    if let Some(why) = unlike(name, inner, outer) {
        return Ok(why);
    }
    let principal = common(inner.entry, outer.entry);
    let ask = |inner: &Policies, outer: &Policies| {
        let question = Question { inner, outer, principal, universe: Universe::All };
        within_sent(&question).map(|(verdict, _)| verdict)
    };
    let beside = Beside::of(name, inner, outer);
    let Some(pairs) = pairs(inner, outer) else {
        return Ok(Side::Undecided(format!("what all `{name}` is about is not known")));
    };
    let (mut witness, mut open) = (None, None);
    for [one, other] in &pairs {
        match ask(one, other)? {
            Verdict::Proved => {}
            Verdict::Undecided(reason) => open = open.or(Some(reason)),
            Verdict::Violated(found) => {
                witness = Some(found);
                break;
            }
        }
    }
    if let Some(reason) = open.filter(|_| witness.is_none()) {
        return Ok(Side::Undecided(reason));
    }
    if witness.is_none()
        && let Some((caller, [inner, outer])) = roles::taken(principal, [&inner.over, &outer.over])
    {
        let principal = Some(&caller);
        let question =
            Question { inner: &inner, outer: &outer, principal, universe: Universe::All };
        match within_sent(&question)?.0 {
            Verdict::Proved => {}
            Verdict::Undecided(reason) => return Ok(Side::Undecided(reason)),
            Verdict::Violated(found) => witness = Some(found),
        }
    }
    if let Some(witness) = witness {
        let undecided = beside.and_then(|beside| beside.may_allow_already(&witness));
        return Ok(undecided.map_or(Side::Request(witness), Side::Undecided));
    }
    // Whatever both have besides allows what is not denied any more: with everything as with
    // nothing the inner side must not allow more, and then it does with nothing between.
    if let Some(beside) = beside {
        let [one, other] = [inner, outer].map(|side| beside.with(&side.over));
        match ask(&one, &other)? {
            Verdict::Proved => {}
            Verdict::Undecided(reason) => return Ok(Side::Undecided(reason)),
            Verdict::Violated(witness) => {
                return Ok(Side::Undecided(beside.may_allow(&witness)));
            }
        }
    }
    let beyond = outer.limits.beyond(&inner.limits, outer.whose);
    for ((may, there), [one, other]) in
        beyond.flat_map(|limit| pairs.iter().map(move |pair| (limit, pair)))
    {
        // What nobody knows keeps back everything on the one side, and nothing on the other.
        let kept = may.over(other).unwrap_or_default();
        let own = there.and_then(|there| there.over(one));
        let mut ways = vec![(own.clone().unwrap_or_else(|| one.clone()), kept)];
        // Whether `FullAWSAccess` is attached besides is the same on both sides, too.
        if let Some((own, kept)) = own.zip(may.over(other)) {
            ways.push((with_full_access(&own), with_full_access(&kept)));
        }
        for (own, kept) in &ways {
            if let Verdict::Violated(witness) = ask(own, kept)? {
                return Ok(Side::Undecided(format!(
                    "one side alone may keep back `{}` on `{}`: {}",
                    witness.action, witness.resource, may.why
                )));
            }
        }
    }
    Ok(Side::Nothing)
}

/// The policies of both sides: of a resource's policy, of each part of what it is about on one
/// of them. Beside that it says nothing, and where it is not there nothing is said of its
/// resource. `None` where that is no policy.
fn pairs(inner: &Sided<'_>, outer: &Sided<'_>) -> Option<Vec<[Policies; 2]>> {
    let sides = [inner, outer];
    let whole = || Some(vec![sides.map(|side| side.over.clone())]);
    let [one, other] = sides.map(|side| side.over.resource.as_ref());
    let is_other_kind = |side: &Sided<'_>| side.is_there && side.over.resource.is_none();
    let Some(any) = one.or(other).filter(|_| !sides.into_iter().any(is_other_kind)) else {
        return whole();
    };
    let [here, there]: [&Region; 2] = match (inner.is_there, outer.is_there) {
        (true, false) => [&inner.entry.region; 2],
        (false, true) => [&outer.entry.region; 2],
        _ => [&inner.entry.region, &outer.entry.region],
    };
    let text = |document: Option<&Arc<Document>>| document.map(|it| it.text().to_owned());
    if here == there && text(one) == text(other) {
        return whole();
    }
    let part = |one: Option<&Arc<Document>>, other: Option<&Arc<Document>>, denies: &[Json]| {
        let of = |side: &Sided<'_>, document| -> Option<Policies> {
            let resource = Some(own::beside(document, any, denies)?);
            Some(Policies { resource, ..side.over.clone() })
        };
        Some([of(inner, one)?, of(outer, other)?])
    };
    let (mut on_both, only_here, only_there) = (here.others(), there.itself(), here.itself());
    if here != there {
        on_both.extend(there.others());
    }
    let mut pairs = vec![part(one, other, &on_both)?];
    if here.is_of_same(there) {
        return Some(pairs);
    }
    // What one of them alone is about: there the other says nothing.
    if let Some(deny) = only_here {
        let denies: Vec<Json> = here.others().into_iter().chain([deny]).collect();
        pairs.push(part(one, None, &denies)?);
    }
    if let Some(deny) = only_there {
        let denies: Vec<Json> = there.others().into_iter().chain([deny]).collect();
        pairs.push(part(None, other, &denies)?);
    }
    Some(pairs)
}

/// What is said where the two cannot be compared, or need not be.
fn unlike(name: &str, inner: &Sided<'_>, outer: &Sided<'_>) -> Option<Side> {
    let (one, other) = (inner.entry, outer.entry);
    if let Some(unknown) = one.unknown.iter().chain(&other.unknown).next() {
        return Some(match is_unread_alike(one, other) {
            true => Side::Nothing,
            false => Side::Undecided(unknown.clone()),
        });
    }
    let undecided = |why: String| Some(Side::Undecided(why));
    if let Some(why) = inner.why.iter().chain(&outer.why).next() {
        return undecided(why.clone());
    }
    if let (Some(part), Some(of)) = (inner.part, outer.part)
        && part != of
    {
        return undecided(format!(
            "`{name}` is a part of `{of}` on one side and of `{part}` on the other"
        ));
    }
    let is_same = || one.principal == other.principal && are_alike(&inner.over, &outer.over);
    let mut hangs = [inner, outer].into_iter();
    let hangs = hangs.find_map(|side| side.entry.hangs_on_name(name, &side.over));
    if let Some(why) = hangs.filter(|_| !is_same()) {
        return undecided(why);
    }
    let is_both = inner.is_there && outer.is_there;
    if is_both && one.principal != other.principal {
        let [account, before] =
            [one, other].map(|it| it.principal.as_ref().and_then(Principal::account_id));
        let is_moved = account != before;
        let asks = [inner, outer].into_iter().find_map(|it| asks_for_caller(&it.over, is_moved));
        if let Some(by) = asks {
            return undecided(format!(
                "`{by}` asks who `{name}` is, whose ARN is another on each side, or is not known"
            ));
        }
    }
    if one.outside != other.outside {
        let arn = one.outside.symmetric_difference(&other.outside).next();
        let arn = arn.map_or("", String::as_str);
        return undecided(format!(
            "the document of `{arn}`, which one side alone has, is not in the files"
        ));
    }
    (is_both && one.is_elsewhere != other.is_elsewhere)
        .then(|| Side::Undecided(format!("what else `{name}` has, one side alone says")))
}

/// What both sides have besides what is known, and is the same on both.
enum Beside {
    /// A managed policy whose document is elsewhere.
    Outside(String),
    /// What an identity has that is made elsewhere.
    Elsewhere(String),
    /// What stands beside a group's policies, a permission set's or a policy alone.
    Part(String),
    /// AWS's own control policy, which an account may have or not.
    FullAccess,
}

impl Beside {
    fn of(name: &str, inner: &Sided<'_>, outer: &Sided<'_>) -> Option<Self> {
        let (one, other) = (inner.entry, outer.entry);
        if let Some(arn) = one.outside.first() {
            return Some(Self::Outside(arn.clone()));
        }
        if one.is_elsewhere || other.is_elsewhere {
            return Some(Self::Elsewhere(name.to_owned()));
        }
        let policies = || [&inner.over, &outer.over].into_iter();
        if policies().any(|it| !it.service_control.is_empty())
            && (one.only_limits() || other.only_limits())
        {
            return Some(Self::FullAccess);
        }
        let is_whole = name.starts_with("role/") || name.starts_with("user/");
        let has_own = policies().any(|it| !it.identity.is_empty());
        let is_limit = one.only_limits() || other.only_limits();
        (has_own && !is_whole && !is_limit).then(|| Self::Part(name.to_owned()))
    }

    /// Policies with the most that it may be.
    fn with(&self, policies: &Policies) -> Policies {
        if matches!(self, Self::FullAccess) {
            return with_full_access(policies);
        }
        let mut policies = policies.clone();
        policies.identity.extend(everything());
        policies
    }

    /// Why it may allow already what one side alone allows of what is known.
    fn may_allow_already(&self, witness: &Witness) -> Option<String> {
        let Witness { action, resource, .. } = witness;
        match self {
            Self::Outside(arn) => Some(format!(
                "the document of `{arn}`, which both sides have, is not in the files: it may allow `{action}` on `{resource}` already"
            )),
            Self::Elsewhere(name) => Some(format!(
                "what else `{name}` has is not in the files: it may allow `{action}` on `{resource}` already"
            )),
            Self::Part(_) | Self::FullAccess => None,
        }
    }

    /// Why it may allow what one side alone denies.
    fn may_allow(&self, witness: &Witness) -> String {
        let what = match self {
            Self::Outside(arn) => {
                format!("the document of `{arn}`, which both sides have and is not in the files")
            }
            Self::Elsewhere(name) => format!("what else `{name}` has, which is not in the files"),
            Self::Part(name) => match name.starts_with("group/") {
                true => format!("what else the users of `{name}` have"),
                false => format!("what else there is where `{name}` counts"),
            },
            Self::FullAccess => "`FullAWSAccess`, where it is attached besides".to_owned(),
        };
        let Witness { action, resource, .. } = witness;
        format!("one side alone keeps back `{action}` on `{resource}`, and {what}, may allow it")
    }
}

/// Whether both are the same grants, known in all and not read.
fn is_unread_alike(one: &Entry, other: &Entry) -> bool {
    let are_known = |entry: &Entry| entry.unknown.len() == entry.unread.len();
    are_known(one)
        && are_known(other)
        && one.unread.len() == other.unread.len()
        && one.unread.iter().zip(&other.unread).all(|(one, other)| one.is_like(other))
}

/// Who asks on both sides; of what is on one side alone, on that.
fn common<'e>(one: &'e Entry, other: &'e Entry) -> Option<&'e Principal> {
    match (&one.principal, &other.principal) {
        (Some(one), Some(other)) => (one == other).then_some(one),
        (Some(some), None) | (None, Some(some)) => Some(some),
        (None, None) => None,
    }
}
