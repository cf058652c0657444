//! The questions about an identity: each once for all things that nothing tells apart.

use std::collections::BTreeSet;
use std::sync::Arc;

use ringfence_policy::symbolic::{Action, StatementView};
use ringfence_policy::{Document, Policies, Values, judge};
use ringfence_prove::{Verdict, Witness};

use super::{Allowed, Found, is_open, own_policy};
use crate::access::grants::Unread;
use crate::access::sessions::{lets_in, sessions};
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
    /// A trust policy that lets it in.
    pub(super) trust: Arc<Document>,
    /// What is granted and not read, with the most that it may allow.
    pub(super) unread: Vec<(&'a Unread, Arc<Document>)>,
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
            let is_new = ask.action != "sts:AssumeRole" && ask.action != "iam:CreateAccessKey";
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
        let (policies, own) = (&policies, own.as_slice());
        let tags = tags::asked_for(own);
        let about = Asked { ask, action: &action, slice: &slice, policies, own, tags };
        // Where it has no Allow, only what lets it in by itself need be looked at.
        let all = ask.trust == Trust::Caller
            || (slice.may && ask.trust != Trust::Own)
            || self.granted(ask).next().is_some();
        let among = (!all).then(|| self.classes.let_in(self.world, ask));
        if among.as_ref().map_or(things.is_empty(), |among| among.is_empty()) {
            return Ok(Found::Nothing);
        }
        let entries = own.iter().flat_map(|one| one.resources());
        let mut allowed = Allowed::default();
        let classes = self.classes.of(self.world, ask, among.as_deref(), &about.tags, entries);
        for (alike, class) in classes.iter() {
            let mut first: Option<(usize, &Thing, Answer)> = None;
            let mut may_be_of_all = alike != Alike::ButForNames;
            for place in class {
                let Some(thing) = things.get(place) else { continue };
                let same = match &first {
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
                    Some((_, _, Answer::No)) => break,
                    Some((_, _, Answer::Yes(_))) | None => None,
                };
                let answer = match same {
                    Some(answer) => answer,
                    None => {
                        let answer = self.one(&about, place, thing)?;
                        let at = allowed.with(answer.clone());
                        let is_of_all = match (&answer, alike) {
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
            if wanted.ask(&self.identity.principal, &policies)? != Verdict::Proved {
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
        judge(&on_this.request(), &self.policies(about, thing)).allowed()
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
        for key in witness.context.keys() {
            let is_asked_for = about.tags.contains(key)
                || about.ask.when.as_ref().is_some_and(|(when, _)| when.eq_ignore_ascii_case(key));
            if let Some(Values::One(value)) = witness.context.get(key)
                && *value == old
                && !is_asked_for
            {
                context.set(key, new.as_str());
            }
        }
        let renamed = Witness { resource: to.arn.clone(), context, ..witness.clone() };
        let policies = self.policies(about, to);
        judge(&renamed.request(), &policies).allowed().then_some(renamed)
    }

    fn one(&self, about: &Asked<'_>, place: usize, thing: &Thing) -> Result<Answer, CannotAsk> {
        let ask = about.ask;
        if is_open(ask, thing)
            && let Some(open) = &thing.open
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
        Ok(self.decided(ask, thing, answer))
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
        if has_a_say {
            return self.as_tagged(about, thing, policies, wanted);
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
        let answer = self.as_tagged(about, thing, policies, wanted)?;
        self.answers.keep(key, &answer);
        Ok(answer)
    }

    /// What is allowed by a tag is allowed where the resource has it; and it is not known what
    /// comes of it where somebody may put it there.
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
        let when = tags::values(&about.tags, own).chain(wanted.when.iter().copied());
        let when: Vec<(&str, Option<&str>)> = when.collect();
        let now = self.asked(about, thing, policies, &Wanted { when: &when, ..*wanted })?;
        if !matches!(now, Answer::No) {
            return Ok(now);
        }
        Ok(match self.tagger(thing)? {
            None => Answer::No,
            Some(tagger) => {
                let (action, on) = (&about.ask.action, &thing.name);
                let why =
                    format!("`{action}` on `{on}` hangs on its tags, which {tagger} may change");
                Answer::Open(why.into())
            }
        })
    }

    /// An identity of the files that may put tags on a thing, or take them away.
    fn tagger(&self, thing: &Thing) -> Result<Option<String>, CannotAsk> {
        if let Some(known) = self.answers.taggers.borrow().get(&thing.arn) {
            return Ok(known.clone());
        }
        let found = self.first_tagger(thing)?;
        self.answers.taggers.borrow_mut().insert(thing.arn.clone(), found.clone());
        Ok(found)
    }

    fn first_tagger(&self, thing: &Thing) -> Result<Option<String>, CannotAsk> {
        let actions = tags::putting(&thing.arn);
        let there = |one: &&Identity| matches!(one.kind, Identities::Role | Identities::User);
        for identity in self.world.identities.iter().filter(there) {
            let mut policies = Grown::default().policies(identity, self.world);
            policies.identity.extend(identity.most.iter().cloned());
            let owned = self.answers.owned(&policies);
            for action in &actions {
                let on = Some(thing.arn.as_str());
                let wanted = Wanted { action, on, of_type: None, but: &[], when: &[], like: None };
                if self.answers.slice(&owned, action).may
                    && wanted.ask(&identity.principal, &policies)? != Verdict::Proved
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
        let mut answer = Answer::from(wanted.ask(principal, policies)?);
        // Whoever takes a role chooses the name of the session.
        let own = policies.resource.as_ref().filter(|_| ask.trust != Trust::Caller);
        let named = own.map(|policy| sessions(Some(principal), policy)).unwrap_or_default();
        for session in named.values() {
            if matches!(answer, Answer::No) {
                answer = Answer::from(wanted.ask(session, policies)?);
            }
        }
        if matches!(answer, Answer::No) && !ask.strict && ask.when.is_some() {
            let fixed = wanted.when.len().saturating_sub(1);
            let any = Wanted { when: wanted.when.get(..fixed).unwrap_or_default(), ..*wanted };
            if !matches!(any.ask(principal, policies)?, Verdict::Proved) {
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

    /// What is allowed may hang on what is not known, or be kept back.
    fn decided(&self, ask: &Ask, thing: &Thing, answer: Answer) -> Answer {
        let Answer::Yes(_) = answer else { return answer };
        let what = || format!("`{}` on `{}`", ask.action, thing.name);
        if let Some(why) = &thing.maybe {
            let who = &self.identity.name;
            return Answer::Open(
                format!("{who}: {} depends on what is not known: {why}", what()).into(),
            );
        }
        if let Some(first) = self.identity.open.first() {
            let who = &self.identity.name;
            let why = format!("{who}: {} depends on what is not known: {first}", what());
            return Answer::Open(why.into());
        }
        if let Some(by) = &self.world.kept_back_by {
            let why = format!(
                "{}: all else allows {}, and whether `{by}` keeps it back is not decided",
                self.identity.name,
                what()
            );
            return Answer::Open(why.into());
        }
        answer
    }
}
