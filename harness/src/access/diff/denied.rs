//! What resources' policies deny an identity: of what one side allows they keep back what they
//! deny there, and what they deny on the other side alone, that side does not allow.

use std::sync::Arc;

use ringfence_policy::{Document, Policies, Principal};
use ringfence_prove::{Disagreement, Verdict};

use super::Sided;
use crate::access::denies::{Denials, Denied, Kept, kept};

/// What both sides deny somebody.
pub(super) struct Denying<'c> {
    name: &'c str,
    /// A session of it, where that asks.
    session: Option<&'c Principal>,
    inner: &'c Sided<'c>,
    /// What the outer side denies and the inner does not.
    more: Denied,
}

impl<'c> Denying<'c> {
    /// Of an entry: whose ARN is not known is denied nothing.
    pub(super) fn of(name: &'c str, inner: &'c Sided<'c>, outer: &'c Sided<'c>) -> Self {
        Self::asking(name, None, inner, outer)
    }

    /// Of a session that it federates.
    pub(super) fn of_session(
        name: &'c str,
        session: &'c Principal,
        inner: &'c Sided<'c>,
        outer: &'c Sided<'c>,
    ) -> Self {
        Self::asking(name, Some(session), inner, outer)
    }

    fn asking(
        name: &'c str,
        session: Option<&'c Principal>,
        inner: &'c Sided<'c>,
        outer: &'c Sided<'c>,
    ) -> Self {
        let is_bounded = |side: &Sided<'_>| side.over.boundary.is_some();
        let is_same = inner.entry.principal == outer.entry.principal
            && is_bounded(inner) == is_bounded(outer);
        let counting = if is_same { outer.denials.alone } else { outer.denials.all };
        let more = denied(name, session, outer, counting);
        Self { name, session, inner, more }
    }

    fn denied(&self) -> Denied {
        denied(self.name, self.session, self.inner, self.inner.denials.all)
    }

    /// What the inner policies allow and the outer do not, under what is denied for certain.
    pub(super) fn under(
        &self,
        inner: &Policies,
        outer: &Policies,
        ask: impl Fn(&Policies, &Policies) -> Result<Verdict, Disagreement>,
    ) -> Result<Verdict, Disagreement> {
        Ok(self.kept(inner, &with(outer, &self.more.sure), ask)?.verdict)
    }

    fn kept(
        &self,
        inner: &Policies,
        outer: &Policies,
        ask: impl Fn(&Policies, &Policies) -> Result<Verdict, Disagreement>,
    ) -> Result<Kept<()>, Disagreement> {
        let ask = |inner: &Policies| Ok::<_, Disagreement>((ask(inner, outer)?, ()));
        kept(inner, || self.denied().sure, ask)
    }

    /// Why all that the inner policies allow and the outer do not may be denied.
    pub(super) fn may_keep_back(
        &self,
        inner: &Policies,
        outer: &Policies,
        ask: impl Fn(&Policies, &Policies) -> Result<Verdict, Disagreement>,
    ) -> Result<Option<String>, Disagreement> {
        let outer = with(outer, &self.more.sure);
        let sure = self.kept(inner, &outer, &ask)?;
        let Verdict::Violated(witness) = &sure.verdict else { return Ok(None) };
        let may = self.denied().may;
        let all = || may.iter().map(|(_, document)| Arc::clone(document)).collect();
        let ask = |inner: &Policies| Ok::<_, Disagreement>((ask(inner, &outer)?, ()));
        let found = kept(&sure.policies, all, ask)?;
        if matches!(found.verdict, Verdict::Violated(_)) {
            return Ok(None);
        }
        let by = found.by.first();
        let is = |one: &&(String, Arc<Document>)| by.is_some_and(|by| Arc::ptr_eq(by, &one.1));
        let why = may.iter().find(is).map(|(why, _)| why);
        let told = |why: &String| {
            format!("all else allows `{}` on `{}`, and {why}", witness.action, witness.resource)
        };
        Ok(why.map(told))
    }

    /// Why the outer side alone may have denied what both allow.
    pub(super) fn may_have_kept_back(
        &self,
        inner: &Policies,
        outer: &Policies,
        ask: impl Fn(&Policies, &Policies) -> Result<Verdict, Disagreement>,
    ) -> Result<Option<String>, Disagreement> {
        let Some((why, _)) = self.more.may.first() else { return Ok(None) };
        let may: Vec<Arc<Document>> =
            self.more.may.iter().map(|(_, document)| Arc::clone(document)).collect();
        let Verdict::Violated(witness) = self.under(inner, &with(outer, &may), ask)? else {
            return Ok(None);
        };
        Ok(Some(format!(
            "one side alone may keep back `{}` on `{}`: {why}",
            witness.action, witness.resource
        )))
    }
}

/// What some policies of resources deny an entry of a side, or a session of it.
fn denied(name: &str, session: Option<&Principal>, side: &Sided<'_>, all: &Denials) -> Denied {
    let is_bounded = side.over.boundary.is_some();
    match session {
        None => all.of_entry(name, side.entry, is_bounded),
        Some(session) if side.entry.is_unnamed => all.of(&[session], is_bounded).of_unnamed(name),
        Some(session) => all.of(&[session], is_bounded),
    }
}

fn with(policies: &Policies, denied: &[Arc<Document>]) -> Policies {
    let mut policies = policies.clone();
    policies.identity.extend(denied.iter().cloned());
    policies
}
