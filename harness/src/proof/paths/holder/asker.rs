//! The questions about an identity: each once for all things that nothing tells apart;
//! [`denied`] has what resources' policies deny of it, and the sessions that a user federates.

mod denied;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use ringfence_policy::symbolic::{Action, StatementView};
use ringfence_policy::{Document, Policies, Principal, Values, judge};
use ringfence_prove::{Verdict, Witness};

use super::{Allowed, Found, is_open, own_policy};
use crate::access::federated;
use crate::access::grants::Unread;
use crate::access::sessions::{lets_in, sessions};
use crate::access::unnamed::documents;
use crate::proof::paths::answers::{Answers, Owned, Slice, as_own};
use crate::proof::paths::classes::{Alike, Classes};
use crate::proof::paths::grown::Grown;
use crate::proof::paths::index::parted;
use crate::proof::paths::means::{Ask, Trust};
use crate::proof::paths::question::{Answer, CannotAsk, Wanted};
use crate::proof::paths::tags;
use crate::proof::paths::world::{Identity, Kind as Identities, Thing, World};

pub(super) struct Asker<'a> {
    pub(super) world: &'a World,
    pub(super) classes: &'a Classes,
    pub(super) answers: &'a Answers,
    pub(super) identity: &'a Identity,
    pub(super) owned: Owned,
    /// Its policies as far as they count for certain, where not all of them are known.
    pub(super) surely: Option<Owned>,
    /// A trust policy that lets it in.
    pub(super) trust: Arc<Document>,
    /// What is granted and not read, with the most that it may allow.
    pub(super) unread: Vec<(&'a Unread, Arc<Document>)>,
    /// All of its policies, with the most that what is not known of them may allow.
    pub(super) whole: &'a Policies,
    /// Whether it may federate sessions.
    pub(super) federates: bool,
    /// The policies of resources that are changed first, where somebody may.
    pub(super) lifted: &'a BTreeSet<usize>,
    /// Those that alone keep it from something.
    pub(super) kept_back_by: RefCell<BTreeSet<usize>>,
}

/// One ask, with what of an identity's policies is about it.
struct Asked<'s> {
    ask: &'s Ask,
    action: &'s Action<'s>,
    slice: &'s Slice<'s>,
    policies: &'s Policies,
    own: &'s [StatementView<'s>],
    /// The condition keys by which they ask for tags of a resource.
    tags: BTreeSet<&'s str>,
    /// Whether a resource's policy may deny something of the action.
    may_be_denied: bool,
    /// The same of what counts for certain, where not all is known.
    known: Option<&'s Self>,
}

/// What a question about a thing is made of.
struct Wanting<'w> {
    action: &'w str,
    on: Option<&'w str>,
    of_type: Option<&'w str>,
    but: Vec<&'w str>,
    /// The value that is asked for stands last.
    when: Vec<(&'w str, Option<&'w str>)>,
}

impl<'w> Wanting<'w> {
    fn of(about: &Asked<'w>, thing: &'w Thing, world: &World) -> Self {
        let ask = about.ask;
        let mut when: Vec<(&str, Option<&str>)> = Vec::new();
        if let Some(bounded_by) = &thing.bounded_by {
            // These calls carry no such key.
            let without = ["sts:AssumeRole", "iam:CreateAccessKey", "iam:CreateLoginProfile"];
            let is_new = !without.contains(&ask.action.as_str());
            when.extend(is_new.then_some(("iam:PermissionsBoundary", bounded_by.as_deref())));
        }
        when.extend(ask.when.as_ref().map(|(key, value)| (key.as_str(), Some(value.as_str()))));
        let but = match ask.on.starts_with("new-") {
            true => {
                let all = about.own.iter().flat_map(|one| one.resources());
                let all = all.map(|one| one.source());
                all.filter(|source| world.taken.contains(*source)).collect()
            }
            false => Vec::new(),
        };
        let of_type = thing.of_type.as_deref();
        let on = Some(thing.arn.as_str()).filter(|arn| !arn.is_empty() && of_type.is_none());
        Self { action: &ask.action, on, of_type, but, when }
    }

    fn wanted(&self) -> Wanted<'_> {
        let Self { action, on, of_type, but, when } = self;
        Wanted { action, on: *on, of_type: *of_type, but, when, like: None }
    }
}

impl Asker<'_> {
    /// Asks of an action that hands roles over and of all others that do, until one is allowed.
    /// Whoever may hand over none need not be asked.
    pub(super) fn one_of(&self, ask: &Ask) -> Result<Found, CannotAsk> {
        if !self.answers.slice(&self.owned, "iam:PassRole").may {
            return Ok(Found::Nothing);
        }
        let mut open = Found::Nothing;
        for action in std::iter::once(&ask.action).chain(&ask.or) {
            match self.ask(&ask.about(action))? {
                Found::Nothing => {}
                Found::Some(allowed) if allowed.yes.is_empty() => {
                    if matches!(open, Found::Nothing) {
                        open = Found::Some(allowed);
                    }
                }
                found => return Ok(found),
            }
        }
        Ok(open)
    }

    pub(super) fn ask(&self, ask: &Ask) -> Result<Found, CannotAsk> {
        let things = self.world.of_kind(&ask.on);
        let action = Action::parse(&ask.action);
        let slice = self.answers.slice(&self.owned, &ask.action);
        let policies = slice.policies();
        let own = slice.statements(&action);
        let of_known = self.surely.as_ref().map(|owned| self.answers.slice(owned, &ask.action));
        let known_policies = of_known.as_ref().map(Slice::policies);
        let known_own = of_known.as_ref().map(|slice| slice.statements(&action));
        let known_own = known_own.unwrap_or_default();
        let (policies, own, known_own) = (&policies, own.as_slice(), known_own.as_slice());
        let mut tags = tags::asked_for(own);
        tags.extend(tags::asked_for(known_own));
        let may_be_denied = self.world.denied.may(&ask.action, None);
        let action = &action;
        let known = of_known.as_ref().zip(known_policies.as_ref());
        let known = known.map(|(slice, policies)| Asked {
            ask,
            action,
            slice,
            policies,
            own: known_own,
            tags: tags::asked_for(known_own),
            may_be_denied,
            known: None,
        });
        let known = known.as_ref();
        let about = Asked { ask, action, slice: &slice, policies, own, tags, may_be_denied, known };
        // Where it has no Allow, only what lets it in by itself need be looked at.
        let all = ask.trust == Trust::Caller
            || (slice.may && ask.trust != Trust::Own)
            || self.granted(ask).next().is_some();
        let among = (!all).then(|| self.classes.let_in(self.world, ask));
        if among.as_ref().map_or(things.is_empty(), |among| among.is_empty()) {
            return Ok(Found::Nothing);
        }
        let entries = own.iter().chain(known_own).flat_map(|one| one.resources());
        let mut allowed = Allowed::default();
        let classes = self.classes.of(self.world, ask, among.as_deref(), &about.tags, entries);
        for (alike, class) in classes.iter() {
            let mut first: Option<(usize, &Thing, Answer)> = None;
            let mut may_be_of_all = alike != Alike::ButForNames;
            for place in class {
                let Some(thing) = things.get(place) else { continue };
                let is_denied = self.may_be_denied(&about, thing);
                let same = match &first {
                    Some((_, _, Answer::No)) => break,
                    _ if is_denied => None,
                    Some((at, _, Answer::Yes(witness)))
                        if self.is_confirmed(&about, thing, witness) =>
                    {
                        Some(*at)
                    }
                    Some((_, other, Answer::Yes(witness))) if alike == Alike::ButForNames => {
                        let renamed = self.renamed(&about, other, thing, witness);
                        renamed.map(|witness| allowed.with(Answer::Yes(Arc::new(witness))))
                    }
                    Some((at, _, Answer::Open(_))) => Some(*at),
                    Some((_, _, Answer::Yes(_))) | None => None,
                };
                let answer = match same {
                    Some(answer) => answer,
                    None => {
                        let answer = self.one(&about, place, thing)?;
                        let at = allowed.with(answer.clone());
                        let is_of_all = match (&answer, alike) {
                            _ if is_denied => false,
                            (Answer::Yes(_), _) | (_, Alike::Decided) => true,
                            (Answer::No, Alike::ButForTags) if may_be_of_all => {
                                may_be_of_all = false;
                                self.is_none_with_tags(&about, thing)?
                            }
                            (Answer::No | Answer::Open(_), _) => false,
                        };
                        if is_of_all {
                            first.get_or_insert((at, thing, answer));
                        }
                        at
                    }
                };
                allowed.put(place, answer);
            }
        }
        Ok(match allowed.is_nothing() {
            true => Found::Nothing,
            false => Found::Some(allowed),
        })
    }

    /// What is granted and not read that may be about it.
    fn granted<'g>(&'g self, ask: &'g Ask) -> impl Iterator<Item = (&'g str, &'g Arc<Document>)> {
        let about = self.unread.iter().filter(|(unread, _)| unread.may_allow(&ask.action));
        about.map(|(unread, most)| (unread.why.as_str(), most))
    }

    /// Whether what is not read may allow it: why, where it does.
    fn by_unread(
        &self,
        about: &Asked<'_>,
        wanted: &Wanted<'_>,
    ) -> Result<Option<Arc<str>>, CannotAsk> {
        let ask = about.ask;
        for (why, most) in self.granted(ask) {
            let told = || {
                let who = &self.identity.name;
                format!("{who}: `{}` depends on what is not known: {why}", ask.action).into()
            };
            // Who is let into a role two policies say, and either may be what is not read.
            if ask.trust != Trust::None {
                return Ok(Some(told()));
            }
            let policies = Policies { resource: Some(most.clone()), ..about.policies.clone() };
            if self.allowed(&self.identity.principal, &policies, wanted)? != Verdict::Proved {
                return Ok(Some(told()));
            }
        }
        Ok(None)
    }

    fn policies(&self, about: &Asked<'_>, thing: &Thing) -> Policies {
        let resource = match about.ask.trust {
            Trust::Caller => Some(self.trust.clone()),
            Trust::Own | Trust::None => own_policy(about.ask, thing).cloned(),
        };
        Policies { resource, ..about.policies.clone() }
    }

    fn is_confirmed(&self, about: &Asked<'_>, thing: &Thing, witness: &Witness) -> bool {
        // What is found among many ARNs is no one thing's.
        if thing.is_many() {
            return true;
        }
        let on_this = Witness { resource: thing.arn.clone(), ..witness.clone() };
        let is_allowed =
            |by: &Asked<'_>| judge(&on_this.request(), &self.policies(by, thing)).allowed();
        is_allowed(about) && about.known.is_none_or(is_allowed)
    }

    /// Whether nothing is allowed on a thing, whatever its tags were.
    fn is_none_with_tags(&self, about: &Asked<'_>, thing: &Thing) -> Result<bool, CannotAsk> {
        let policies = self.policies(about, thing);
        if self.is_refused(about, thing, &policies) {
            return Ok(true);
        }
        let wanting = Wanting::of(about, thing, self.world);
        Ok(matches!(self.asked(about, thing, &policies, &wanting.wanted())?, Answer::No))
    }

    /// A request for one thing as one for another, where that is allowed: what has the name of
    /// the one, because a variable stands for it, has that of the other.
    fn renamed(
        &self,
        about: &Asked<'_>,
        from: &Thing,
        to: &Thing,
        witness: &Witness,
    ) -> Option<Witness> {
        let name = |thing: &Thing| {
            let (_, resource) = parted(&thing.arn)?;
            resource.split_once(['/', ':']).map(|(_, name)| name.to_owned())
        };
        let (old, new) = (name(from)?, name(to)?);
        let mut context = witness.context.clone();
        let is_own_tag =
            |key: &str| self.identity.tagged.as_ref().is_some_and(|tags| tags.has(key));
        for key in witness.context.keys() {
            let is_asked_for = about.tags.contains(key)
                || is_own_tag(key)
                || about.ask.when.as_ref().is_some_and(|(when, _)| when.eq_ignore_ascii_case(key));
            if let Some(Values::One(value)) = witness.context.get(key)
                && *value == old
                && !is_asked_for
            {
                context.set(key, new.as_str());
            }
        }
        let renamed = Witness { resource: to.arn.clone(), context, ..witness.clone() };
        let is_allowed =
            |by: &Asked<'_>| judge(&renamed.request(), &self.policies(by, to)).allowed();
        let is_of_all = is_allowed(about) && about.known.is_none_or(is_allowed);
        is_of_all.then_some(renamed)
    }

    fn one(&self, about: &Asked<'_>, place: usize, thing: &Thing) -> Result<Answer, CannotAsk> {
        let ask = about.ask;
        let own = self.identity.account();
        if thing.account.as_deref().is_some_and(|it| own.is_some_and(|own| own != it)) {
            return Ok(Answer::No);
        }
        if is_open(ask, thing)
            && let Some(open) = &thing.open
            && self.may_be_let_in(ask, thing)
        {
            return Ok(Answer::Open(open.as_str().into()));
        }
        let policies = self.policies(about, thing);
        let wanting = Wanting::of(about, thing, self.world);
        let wanted = wanting.wanted();
        let answer = match self.is_refused(about, thing, &policies) {
            true => Answer::No,
            false => self.shared(about, place, thing, &policies, &wanted)?,
        };
        if matches!(answer, Answer::No)
            && let Some(why) = self.by_unread(about, &wanted)?
        {
            return Ok(Answer::Open(why));
        }
        let answer = self.perhaps(about, thing, &policies, &wanted, answer)?;
        self.decided(about, thing, answer)
    }

    /// What is allowed for certain, whatever is not known: what the known statements allow, and
    /// the widest Denies of the others do not deny.
    fn sure(&self, about: &Asked<'_>, thing: &Thing) -> Result<Option<Answer>, CannotAsk> {
        let Some(known) = about.known else { return Ok(None) };
        let policies = self.policies(known, thing);
        if self.is_refused(known, thing, &policies) {
            return Ok(None);
        }
        let wanting = Wanting::of(known, thing, self.world);
        let wanted = wanting.wanted();
        let answer = self.as_itself(known, thing, &policies, &wanted)?;
        let answer = self.perhaps(known, thing, &policies, &wanted, answer)?;
        // Whether it may federate the session may hang on what is not known.
        let is_its_own = match &answer {
            Answer::Yes(witness) => !matches!(witness.principal, Principal::FederatedUser { .. }),
            Answer::No | Answer::Open(_) => false,
        };
        Ok(is_its_own.then_some(answer))
    }

    /// Whether a role of whose trust policy a part is not known may let it in.
    fn may_be_let_in(&self, ask: &Ask, thing: &Thing) -> bool {
        let Some(most) = thing.at_most.as_ref().filter(|_| ask.trust == Trust::Own) else {
            return true;
        };
        let who = Some(&self.identity.principal);
        self.identity.is_unnamed || lets_in(who, most) || federated::lets_in(who, most)
    }

    /// Whether the texts show that nothing allows it: a role is taken by whom its trust policy
    /// names alone, and what no resource's policy has a say in is allowed on what entries of
    /// `Resource` cover.
    fn is_refused(&self, about: &Asked<'_>, thing: &Thing, policies: &Policies) -> bool {
        match (about.ask.trust, &policies.resource) {
            (Trust::Own, None) => true,
            (Trust::Own, Some(policy)) => !lets_in(Some(&self.identity.principal), policy),
            (Trust::None, None) => !about.slice.may_cover(about.ask, about.action, thing),
            // A policy that names it lets it in by itself.
            (Trust::None, Some(_)) | (Trust::Caller, _) => false,
        }
    }

    /// What is asked of many alike is asked once.
    fn shared(
        &self,
        about: &Asked<'_>,
        place: usize,
        thing: &Thing,
        policies: &Policies,
        wanted: &Wanted<'_>,
    ) -> Result<Answer, CannotAsk> {
        let principal = &self.identity.principal;
        let has_a_say = about.ask.trust != Trust::Caller && policies.resource.is_some();
        if has_a_say || self.may_be_denied(about, thing) || self.is_told_apart(about, policies) {
            return self.as_itself(about, thing, policies, wanted);
        }
        let key = about.slice.key(about.ask, place, about.own, principal);
        match self.answers.known(&key) {
            Some(Answer::Yes(witness)) => {
                let own = as_own(&witness, about.ask, principal);
                if judge(&own.request(), policies).allowed() {
                    return Ok(Answer::Yes(Arc::new(own)));
                }
            }
            Some(known) => return Ok(known),
            None => {}
        }
        let answer = self.as_itself(about, thing, policies, wanted)?;
        self.answers.keep(key, &answer);
        Ok(answer)
    }

    /// What is allowed by some tags is allowed where they are there; and it is not known what comes
    /// of it where somebody may change those of what has an ARN.
    fn as_far_as_tagged<'t>(
        &self,
        wanted: &Wanted<'t>,
        tags: impl Iterator<Item = (&'t str, Option<&'t str>)>,
        ask: impl FnOnce(&Wanted<'_>) -> Result<Answer, CannotAsk>,
        (arn, hangs): (&str, impl FnOnce() -> String),
    ) -> Result<Answer, CannotAsk> {
        let when: Vec<(&str, Option<&str>)> = tags.chain(wanted.when.iter().copied()).collect();
        let now = ask(&Wanted { when: &when, ..*wanted })?;
        if !matches!(now, Answer::No) {
            return Ok(now);
        }
        let tagger = self.tagger(arn)?;
        let why = tagger.map(|tagger| format!("{}, which {tagger} may change", hangs()));
        Ok(why.map_or(Answer::No, |why| Answer::Open(why.into())))
    }

    /// The same of the tags of the user who asks.
    fn as_itself(
        &self,
        about: &Asked<'_>,
        thing: &Thing,
        policies: &Policies,
        wanted: &Wanted<'_>,
    ) -> Result<Answer, CannotAsk> {
        let answer = self.as_tagged(about, thing, policies, wanted)?;
        let (false, Some(own)) = (matches!(answer, Answer::No), &self.identity.tagged) else {
            return Ok(answer);
        };
        let own = own.asked_for(documents(policies));
        if own.is_empty() {
            return Ok(answer);
        }
        let tags = own.iter().map(|(key, value)| (key.as_str(), *value));
        let ask = |wanted: &Wanted<'_>| self.as_tagged(about, thing, policies, wanted);
        let (action, on, who) = (&about.ask.action, &thing.name, &self.identity.name);
        let hangs = || format!("`{action}` on `{on}` hangs on the tags of `{who}`");
        self.as_far_as_tagged(wanted, tags, ask, (&self.identity.arn, hangs))
    }

    /// The same of the resource's tags.
    fn as_tagged(
        &self,
        about: &Asked<'_>,
        thing: &Thing,
        policies: &Policies,
        wanted: &Wanted<'_>,
    ) -> Result<Answer, CannotAsk> {
        let answer = self.asked(about, thing, policies, wanted)?;
        let known = self.world.tags.get(&thing.arn).filter(|_| !about.tags.is_empty());
        let (false, Some(own)) = (matches!(answer, Answer::No), known) else { return Ok(answer) };
        let ask = |wanted: &Wanted<'_>| self.asked(about, thing, policies, wanted);
        let (action, on) = (&about.ask.action, &thing.name);
        let hangs = || format!("`{action}` on `{on}` hangs on its tags");
        self.as_far_as_tagged(wanted, tags::values(&about.tags, own), ask, (&thing.arn, hangs))
    }

    /// An identity of the files that may put tags on what has an ARN, or take them away.
    fn tagger(&self, arn: &str) -> Result<Option<String>, CannotAsk> {
        if let Some(known) = self.answers.taggers.borrow().get(arn) {
            return Ok(known.clone());
        }
        let found = self.first_tagger(arn)?;
        self.answers.taggers.borrow_mut().insert(arn.to_owned(), found.clone());
        Ok(found)
    }

    fn first_tagger(&self, arn: &str) -> Result<Option<String>, CannotAsk> {
        let actions = tags::putting(arn);
        let there = |one: &&Identity| matches!(one.kind, Identities::Role | Identities::User);
        for identity in self.world.identities.iter().filter(there) {
            let mut policies = Grown::default().policies(identity, self.world);
            policies.identity.extend(identity.most.iter().cloned());
            let owned = self.answers.owned(&policies);
            for action in &actions {
                let on = Some(arn);
                let wanted = Wanted { action, on, of_type: None, but: &[], when: &[], like: None };
                if self.answers.slice(&owned, action).may
                    && self.allowed_to(identity, &policies, &wanted)? != Verdict::Proved
                {
                    return Ok(Some(identity.name.clone()));
                }
            }
        }
        Ok(None)
    }

    fn asked(
        &self,
        about: &Asked<'_>,
        thing: &Thing,
        policies: &Policies,
        wanted: &Wanted<'_>,
    ) -> Result<Answer, CannotAsk> {
        let ask = about.ask;
        let principal = &self.identity.principal;
        let mut answer = Answer::from(self.allowed(principal, policies, wanted)?);
        // Whoever takes a role chooses the name of the session.
        let own = policies.resource.as_ref().filter(|_| ask.trust != Trust::Caller);
        let named = own.map(|policy| sessions(Some(principal), policy)).unwrap_or_default();
        for session in named.values() {
            if matches!(answer, Answer::No) {
                answer = Answer::from(self.allowed(session, policies, wanted)?);
            }
        }
        if matches!(answer, Answer::No) && self.is_told_apart(about, policies) {
            answer = self.by_federated(policies, wanted)?;
        }
        if matches!(answer, Answer::No) && !ask.strict && ask.when.is_some() {
            let fixed = wanted.when.len().saturating_sub(1);
            let any = Wanted { when: wanted.when.get(..fixed).unwrap_or_default(), ..*wanted };
            if !matches!(self.allowed(principal, policies, &any)?, Verdict::Proved) {
                let key = ask.when.as_ref().map_or("", |(key, _)| key.as_str());
                let why = format!(
                    "`{}` on `{}` is allowed for some `{key}`, and what these give is not followed",
                    ask.action, thing.name
                );
                answer = Answer::Open(why.into());
            }
        }
        Ok(answer)
    }

    /// Whether what is allowed is allowed of a thing whatever it is called: all that is said of
    /// the action is said of `*`, and nothing of tags; and it is of the account.
    fn is_of_any_name(&self, about: &Asked<'_>, thing: &Thing) -> bool {
        let known = about.known.map_or(&[][..], |known| known.own);
        let mut entries = about.own.iter().chain(known).flat_map(|one| one.resources());
        !thing.is_anybodys
            && !self.world.is_of_several
            && about.tags.is_empty()
            && !self.may_be_denied(about, thing)
            && entries.all(|entry| entry.source() == "*")
    }

    /// What is allowed may hang on what is not known, or be kept back.
    fn decided(
        &self,
        about: &Asked<'_>,
        thing: &Thing,
        answer: Answer,
    ) -> Result<Answer, CannotAsk> {
        let ask = about.ask;
        let Answer::Yes(_) = answer else { return Ok(answer) };
        let what = || format!("`{}` on `{}`", ask.action, thing.name);
        if let Some(why) = &thing.maybe
            && !self.is_of_any_name(about, thing)
        {
            let who = &self.identity.name;
            let why = format!("{who}: {} depends on what is not known: {why}", what());
            return Ok(Answer::Open(why.into()));
        }
        let mut answer = answer;
        if let Some(first) = self.identity.open.first() {
            let Some(sure) = self.sure(about, thing)? else {
                let who = &self.identity.name;
                let why = format!("{who}: {} depends on what is not known: {first}", what());
                return Ok(Answer::Open(why.into()));
            };
            answer = sure;
        }
        if let Some(by) = &self.world.kept_back_by {
            let why = format!(
                "{}: all else allows {}, and whether `{by}` keeps it back is not decided",
                self.identity.name,
                what()
            );
            return Ok(Answer::Open(why.into()));
        }
        Ok(answer)
    }
}
