//! What one estate allows that another does not: [`denied`] has what resources' policies deny
//! identities on both sides, [`federated`] the sessions that users federate, [`callers`] who else
//! asks under control policies, [`others`] what hangs on policies of others, [`beside`] what is
//! not in the files, [`alike`] what is not known and the same.

mod alike;
mod beside;
mod callers;
mod denied;
mod federated;
mod let_in;
mod others;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ringfence_policy::{Document, Policies, Principal};
use ringfence_prove::{Disagreement, Question, Universe, Verdict, Witness, within_sent};
use serde_json::Value as Json;

use super::absent::{self, Absent};
use super::besides;
use super::can::for_its_role;
use super::control::{Limits, Whose, by_itself, with_full_access};
use super::denies::Denials;
use super::estate::{Entry, Estate, least};
use super::federated::resources_tell_apart;
use super::moved;
use super::own::{self, Region};
use super::permission_sets::{of_part, parts};
use super::reached;
use super::recreated;
use super::unnamed::{are_alike, asks_for_caller};
use super::ways_in;
use alike::are_unknown_alike;
use beside::Beside;
use denied::Denying;

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
    /// What its resources' policies deny.
    denials: Denials,
    /// Of that what the other's do not.
    alone: Denials,
}

/// What resources' policies deny on a side.
#[derive(Clone, Copy)]
struct OfResources<'c> {
    all: &'c Denials,
    /// Of that what the other side's do not.
    alone: &'c Denials,
}

/// An entry on a side.
struct Sided<'c> {
    estate: &'c Estate,
    entry: &'c Entry,
    is_there: bool,
    limits: Limits,
    whose: Whose,
    denials: OfResources<'c>,
    /// Its policies under what surely limits them.
    over: Policies,
    /// Of which permission set it is a part, where it is one.
    part: Option<&'c str>,
    /// Why it is not known.
    why: Option<String>,
}

impl<'e> Compared<'e> {
    fn of(estate: &'e Estate, other: &Estate) -> Self {
        let (nothing, unlimited) = (Entry::default(), absent::unlimited());
        let (denials, alone) = (estate.denials_beside(other), Denials::default());
        Self { estate, parts: parts(estate), nothing, unlimited, denials, alone }
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
        let is_there = found.is_some();
        let denials = OfResources { all: &self.denials, alone: &self.alone };
        let estate = self.estate;
        Sided { estate, entry, is_there, limits, whose, denials, over, part, why }
    }
}

/// Compares two estates, entry by entry.
///
/// # Errors
/// Where prover and engine differ: a fault of ours.
pub fn diff(old: &Estate, new: &Estate) -> Result<Vec<Change>, Disagreement> {
    let (mut old, mut new) = (Compared::of(old, new), Compared::of(new, old));
    old.alone = old.denials.but(&new.denials);
    new.alone = new.denials.but(&old.denials);
    let is_told_apart = [&old, &new].into_iter().any(|one| resources_tell_apart(one.estate));
    let names: BTreeSet<&String> = old.names().chain(new.names()).collect();
    let mut changes = Vec::with_capacity(names.len());
    for name in names {
        let (before, after) = (old.side(name, &new), new.side(name, &old));
        let gained = alone(name, &after, &before, is_told_apart)?;
        let lost = alone(name, &before, &after, is_told_apart)?;
        changes.push(Change {
            name: name.clone(),
            is_in_old: before.is_there,
            is_in_new: after.is_there,
            gained: for_its_role(new.estate, name, gained, [&after.over, &before.over]),
            lost: for_its_role(old.estate, name, lost, [&before.over, &after.over]),
        });
    }
    changes.extend(besides::changes(old.estate, new.estate));
    ways_in::note(old.estate, new.estate, &mut changes);
    moved::note(old.estate, new.estate, &mut changes);
    recreated::note(old.estate, new.estate, &mut changes);
    reached::note(old.estate, new.estate, &mut changes)?;
    changes.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(changes)
}

/// What is compared of an estate that is the same on both sides: nothing of it is gained or lost,
/// known or not.
pub fn unchanged(estate: &Estate) -> Vec<Change> {
    let compared = Compared::of(estate, estate);
    let names: BTreeSet<&String> = compared.names().collect();
    let same = |name: &String| Change {
        name: name.clone(),
        is_in_old: true,
        is_in_new: true,
        gained: Side::Nothing,
        lost: Side::Nothing,
    };
    names.into_iter().map(same).collect()
}

/// What the inner side allows and the outer does not, or a session does that a user federates
/// there.
fn alone(
    name: &str,
    inner: &Sided<'_>,
    outer: &Sided<'_>,
    is_told_apart: bool,
) -> Result<Side, Disagreement> {
    if let Some(side) = unlike(name, inner, outer) {
        return Ok(certain(name, inner, outer)?.unwrap_or(side));
    }
    let mut side = by_itself_alone(name, inner, outer)?;
    if side.is_nothing() {
        side = let_in::alone(name, inner, outer)?;
    }
    if side.is_nothing() {
        side = callers::alone(name, inner, outer)?;
    }
    if side.is_nothing() {
        side = federated::alone(name, inner, outer, is_told_apart)?;
    }
    Ok(side)
}

/// What the inner side allows and the outer does not, each with its policies under what
/// surely limits it. A control policy that may limit it besides has a change of its own.
fn by_itself_alone(name: &str, inner: &Sided<'_>, outer: &Sided<'_>) -> Result<Side, Disagreement> {
    let principal = common(inner.entry, outer.entry);
    let denying = Denying::of(name, inner, outer);
    let asked = |inner: &Policies, outer: &Policies| {
        let question = Question { inner, outer, principal, universe: Universe::All };
        within_sent(&question).map(|(verdict, _)| verdict)
    };
    let ask = |inner: &Policies, outer: &Policies| denying.under(inner, outer, asked);
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
                if let Some(why) = denying.may_keep_back(one, other, asked)? {
                    open = open.or(Some(why));
                    continue;
                }
                witness = Some(found);
                break;
            }
        }
    }
    if let Some(reason) = open.filter(|_| witness.is_none()) {
        return Ok(Side::Undecided(reason));
    }
    if witness.is_none() {
        match others::let_in([inner, outer], None, &denying)? {
            Side::Nothing => {}
            Side::Request(found) => witness = Some(found),
            Side::Undecided(why) => return Ok(Side::Undecided(why)),
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
        match others::let_in([inner, outer], Some(&beside), &denying)? {
            Side::Nothing => {}
            Side::Request(witness) => return Ok(Side::Undecided(beside.may_allow(&witness))),
            Side::Undecided(why) => return Ok(Side::Undecided(why)),
        }
    }
    for [one, other] in &pairs {
        if let Some(why) = denying.may_have_kept_back(one, other, asked)? {
            return Ok(Side::Undecided(why));
        }
    }
    let why = others::may_by_own(name, [inner, outer], &pairs)?;
    let why = why.or_else(|| others::by_id([inner, outer]));
    match why.map_or_else(|| may_keep_back(inner, outer, &pairs, ask), |why| Ok(Some(why)))? {
        None => Ok(Side::Nothing),
        Some(why) => Ok(Side::Undecided(why)),
    }
}

/// Why a control policy that may bind may keep back on the outer side alone what both allow.
fn may_keep_back(
    inner: &Sided<'_>,
    outer: &Sided<'_>,
    pairs: &[[Policies; 2]],
    ask: impl Fn(&Policies, &Policies) -> Result<Verdict, Disagreement>,
) -> Result<Option<String>, Disagreement> {
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
                return Ok(Some(format!(
                    "one side alone may keep back `{}` on `{}`: {}",
                    witness.action, witness.resource, may.why
                )));
            }
        }
    }
    Ok(None)
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
        if !inner.is_there && is_made(name, outer) {
            return Some(Side::Nothing);
        }
        return Some(match is_unread_alike(one, other) || are_unknown_alike(inner, outer) {
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

/// Whether an entry is an identity that the files of its side make, or whom a role lets in that
/// they make: where it is not there, it allows nothing.
fn is_made(name: &str, side: &Sided<'_>) -> bool {
    let is_identity =
        ["group/", "role/", "user/", "trust of "].iter().any(|it| name.starts_with(it));
    is_identity && side.is_there && !side.entry.is_elsewhere
}

/// What an identity that one side alone makes allows for certain, of which not all is known.
fn certain(name: &str, inner: &Sided<'_>, outer: &Sided<'_>) -> Result<Option<Side>, Disagreement> {
    let (entry, whose) = (inner.entry, inner.whose);
    let is_new = !outer.is_there && is_made(name, inner) && !entry.unknown.is_empty();
    if !is_new || !entry.unbounded(name).is_empty() || inner.limits.may(whose).is_some() {
        return Ok(None);
    }
    let least = least(&entry.policies, &entry.bounded);
    let least = inner.limits.over(&by_itself(&least), whose);
    if entry.hangs_on_name(name, &least).is_some() {
        return Ok(None);
    }
    let (denying, nothing) = (Denying::of(name, inner, outer), Policies::default());
    let principal = entry.principal.as_ref();
    let asked = |inner: &Policies, outer: &Policies| {
        let question = Question { inner, outer, principal, universe: Universe::All };
        within_sent(&question).map(|(verdict, _)| verdict)
    };
    let Verdict::Violated(witness) = denying.under(&least, &nothing, asked)? else {
        return Ok(None);
    };
    let may_be_kept = denying.may_keep_back(&least, &nothing, asked)?.is_some();
    Ok((!may_be_kept).then_some(Side::Request(witness)))
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
