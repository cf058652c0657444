//! What resources' policies deny of what an identity may do, and the sessions that a user
//! federates, which policies tell from it.

use ringfence_policy::{Policies, Principal};
use ringfence_prove::Verdict;

use super::{Asked, Asker};
use crate::access::federated::{documents, of_session, sessions, tells_apart};
use crate::proof::paths::denied::{Asking, on};
use crate::proof::paths::question::{Answer, CannotAsk, Wanted};
use crate::proof::paths::world::{Identity, Thing};

impl Asker<'_> {
    /// Whether a resource's policy may deny something of what is asked on a thing.
    pub(super) fn may_be_denied(&self, about: &Asked<'_>, thing: &Thing) -> bool {
        about.may_be_denied && self.world.denied.may(&about.ask.action, on(thing))
    }

    fn asking<'s>(&'s self, principal: &'s Principal) -> Asking<'s> {
        Asking { identity: self.identity, principal, lifted: self.lifted }
    }

    /// What policies allow it, or a session of its, under what resources' policies deny for
    /// certain.
    pub(super) fn allowed(
        &self,
        principal: &Principal,
        policies: &Policies,
        wanted: &Wanted<'_>,
    ) -> Result<Verdict, CannotAsk> {
        let ask = |policies: &Policies| wanted.ask(principal, policies);
        if !self.world.denied.may(wanted.action, None) {
            return ask(policies);
        }
        let under = self.world.denied.under(self.asking(principal), policies, ask)?;
        self.kept_back_by.borrow_mut().extend(under.kept_back_by());
        Ok(under.verdict)
    }

    /// The same of somebody else.
    pub(super) fn allowed_to(
        &self,
        identity: &Identity,
        policies: &Policies,
        wanted: &Wanted<'_>,
    ) -> Result<Verdict, CannotAsk> {
        let ask = |policies: &Policies| wanted.ask(&identity.principal, policies);
        let asking = Asking::itself(identity, self.lifted);
        Ok(self.world.denied.under(asking, policies, ask)?.verdict)
    }

    /// What is allowed on a thing may all be kept back by what resources' policies may deny.
    pub(super) fn perhaps(
        &self,
        about: &Asked<'_>,
        thing: &Thing,
        policies: &Policies,
        wanted: &Wanted<'_>,
        answer: Answer,
    ) -> Result<Answer, CannotAsk> {
        let Answer::Yes(witness) = &answer else { return Ok(answer) };
        if !self.may_be_denied(about, thing) {
            return Ok(answer);
        }
        let principal = &witness.principal;
        let own = match principal {
            Principal::FederatedUser { .. } => of_session(policies),
            _ => policies.clone(),
        };
        let ask = |policies: &Policies| wanted.ask(principal, policies);
        let sure = self.world.denied.under(self.asking(principal), &own, ask)?;
        let under = self.world.denied.perhaps(self.asking(principal), &sure.policies, ask)?;
        let Some(why) = under.why() else { return Ok(answer) };
        let (who, action, what) = (&self.identity.name, &about.ask.action, &thing.name);
        let why = format!("{who}: all else allows `{action}` on `{what}`, and {why}");
        Ok(Answer::Open(why.into()))
    }

    /// Whether policies may say otherwise of a session that it federates than of it. Such a
    /// session takes no action of STS.
    pub(super) fn is_told_apart(&self, about: &Asked<'_>, policies: &Policies) -> bool {
        let action = &about.ask.action;
        let denied = || match about.may_be_denied {
            true => self.world.denied.of_action(action),
            false => Policies::default(),
        };
        self.federates
            && !action.starts_with("sts:")
            && (documents(policies).any(|one| tells_apart(one))
                || documents(&denied()).any(|one| tells_apart(one)))
    }

    /// What is allowed of a session that it federates, where that is nothing of its own.
    pub(super) fn by_federated(
        &self,
        policies: &Policies,
        wanted: &Wanted<'_>,
    ) -> Result<Answer, CannotAsk> {
        let user = &self.identity.principal;
        let own = of_session(policies);
        let denied = self.world.denied.of_action(wanted.action);
        let mut open = Answer::No;
        for session in sessions(user, &[self.whole, policies, &denied]) {
            if !session.is_made_by(user, self.whole)? {
                continue;
            }
            match Answer::from(self.allowed(&session.principal, &own, wanted)?) {
                Answer::No => {
                    if let Some(why) = session.beyond {
                        open = Answer::Open(why.into());
                    }
                }
                found => return Ok(found),
            }
        }
        Ok(open)
    }
}
