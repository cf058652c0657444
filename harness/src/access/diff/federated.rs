//! Sessions that users federate, on both sides, where policies tell them from the users.

use ringfence_policy::{Policies, Principal};
use ringfence_prove::{Disagreement, Question, Universe, Verdict, within_sent};

use super::beside::Beside;
use super::denied::Denying;
use super::{Side, Sided};
use crate::access::denies::Denials;
use crate::access::federated::{Session, documents, of_session, sessions, tells_apart};

/// What a session may do that the user of the inner side federates, and none of the outer side.
pub(super) fn alone(
    name: &str,
    inner: &Sided<'_>,
    outer: &Sided<'_>,
    is_told_apart: bool,
) -> Result<Side, Disagreement> {
    let is_user = |it: &&Principal| matches!(it, Principal::User { .. });
    let Some(user) = inner.entry.principal.as_ref().filter(is_user) else {
        return Ok(Side::Nothing);
    };
    let both = [&inner.over, &outer.over];
    let mut all = both.into_iter().flat_map(documents);
    if !is_told_apart && !all.any(|document| tells_apart(document)) {
        return Ok(Side::Nothing);
    }
    let [denied, denied_there] = [inner, outer].map(|side| side.denials.all.whole());
    for session in sessions(user, &[&inner.over, &outer.over, &denied, &denied_there]) {
        if !session.is_made_by(user, &inner.over)? {
            continue;
        }
        let both = Both { name, user, inner, outer, session: &session };
        match both.alone()? {
            Side::Nothing => {}
            found => return Ok(found),
        }
    }
    Ok(Side::Nothing)
}

/// A session on both sides.
struct Both<'c> {
    name: &'c str,
    user: &'c Principal,
    inner: &'c Sided<'c>,
    outer: &'c Sided<'c>,
    session: &'c Session,
}

impl Both<'_> {
    fn alone(&self) -> Result<Side, Disagreement> {
        let Self { name, user, inner, outer, session } = self;
        // Where nobody may make it, it may do nothing.
        let is_there = session.is_made_by(user, &outer.over)?;
        let sides = |beside: Option<&Beside>| {
            let [one, other] = [inner, outer].map(|side| match beside {
                Some(beside) => of_session(&beside.with(&side.over)),
                None => of_session(&side.over),
            });
            [one, if is_there { other } else { Policies::default() }]
        };
        let denying = Denying::of_session(name, &session.principal, inner, outer);
        let principal = Some(&session.principal);
        let asked = |inner: &Policies, outer: &Policies| {
            let question = Question { inner, outer, principal, universe: Universe::All };
            within_sent(&question).map(|(verdict, _)| verdict)
        };
        let beside = Beside::of(name, inner, outer);
        let [one, other] = sides(None);
        match denying.under(&one, &other, asked)? {
            Verdict::Undecided(reason) => return Ok(Side::Undecided(reason)),
            Verdict::Violated(witness) => {
                let why = denying.may_keep_back(&one, &other, asked)?;
                let why = why.or_else(|| beside.as_ref()?.may_allow_already(&witness));
                return Ok(why.map_or(Side::Request(witness), Side::Undecided));
            }
            Verdict::Proved => {}
        }
        if let Some(why) = denying.may_have_kept_back(&one, &other, asked)? {
            return Ok(Side::Undecided(why));
        }
        if let Some(beside) = &beside {
            let [one, other] = sides(Some(beside));
            match denying.under(&one, &other, asked)? {
                Verdict::Proved => {}
                Verdict::Undecided(reason) => return Ok(Side::Undecided(reason)),
                Verdict::Violated(witness) => {
                    return Ok(Side::Undecided(beside.may_allow(&witness)));
                }
            }
        }
        // What of the names is told apart by a part of them, both sides may say otherwise.
        let mut own = [inner, outer].into_iter().map(|side| side.denials.alone);
        let is_alike = super::are_alike(&inner.over, &outer.over) && own.all(Denials::are_none);
        Ok(match &session.beyond {
            Some(why) if !is_alike => Side::Undecided(why.clone()),
            _ => Side::Nothing,
        })
    }
}
