//! What an identity with its policies is allowed of each means.

use std::collections::BTreeSet;
use std::sync::Arc;

use ringfence_policy::symbolic::{Action, Effect, StatementView, statements};
use ringfence_policy::{Context, Document, Kind, Policies, Principal, judge};
use ringfence_prove::{Verdict, Witness};
use serde_json::json;

use super::answers::{Answers, Owned, Slice, as_own};
use super::bits::Bits;
use super::classes::Classes;
use super::grown::{Grown, everything};
use super::means::{Ask, Trust};
use super::question::{Answer, CannotAsk, Wanted};
use super::tags;
use super::world::{Identity, Kind as Identities, Thing, World};
use crate::access::grants::Unread;
use crate::access::sessions::{lets_in, sessions};

/// What an identity may do, of all that is asked.
#[derive(Debug)]
pub(super) struct Holder {
    pub(super) identity: usize,
    pub(super) policies: Policies,
    /// By ask.
    pub(super) found: Vec<Found>,
    /// The asks of which it is allowed something.
    pub(super) some: Vec<usize>,
}

/// Of what an ask is allowed.
#[derive(Debug)]
pub(super) enum Found {
    /// Of nothing.
    Nothing,
    /// Of everything.
    Everything,
    /// Of these.
    Some(Allowed),
}

/// Of one ask: the things for which it is allowed, or hangs on something.
#[derive(Debug, Default)]
pub(super) struct Allowed {
    pub(super) yes: Bits,
    pub(super) open: Bits,
    /// For which things each answer is.
    answers: Vec<(Bits, Answer)>,
}

impl Allowed {
    /// Adds an answer that is for no thing yet: its place.
    fn with(&mut self, answer: Answer) -> usize {
        self.answers.push((Bits::default(), answer));
        self.answers.len() - 1
    }

    fn put(&mut self, thing: usize, place: usize) {
        let Some((things, answer)) = self.answers.get_mut(place) else { return };
        match answer {
            Answer::No => return,
            Answer::Yes(_) => self.yes.insert(thing),
            Answer::Open(_) => self.open.insert(thing),
        }
        things.insert(thing);
    }

    pub(super) fn answer(&self, thing: usize) -> Option<&Answer> {
        let mut answers = self.answers.iter();
        answers.find(|(things, _)| things.contains(thing)).map(|(_, answer)| answer)
    }

    fn is_nothing(&self) -> bool {
        self.yes.is_empty() && self.open.is_empty()
    }
}

impl Holder {
    pub(super) fn of(
        world: &World,
        classes: &Classes,
        answers: &Answers,
        asks: &[Ask],
        place: usize,
        grown: &Grown,
    ) -> Result<Option<Self>, CannotAsk> {
        let Some(identity) = world.identities.get(place) else { return Ok(None) };
        let policies = grown.policies(identity, world);
        // Whatever is not known allows everything that nothing known denies.
        let mut widest = policies.clone();
        if !identity.open.is_empty() {
            widest.identity.extend(everything());
        }
        let all = identity.open.is_empty() && world.kept_back_by.is_none() && is_all(&policies);
        let trust = trust_in(&identity.principal)?;
        let mut unread = Vec::new();
        for one in &world.unread {
            unread.extend(one.most(Some(&identity.principal))?.map(|most| (one, most)));
        }
        let owned = answers.owned(&widest);
        let asker = Asker { world, classes, answers, identity, owned, trust, unread };
        let found = asks.iter().map(|ask| {
            // Who may do everything changes a trust policy, whatever it says.
            let by_identity = || {
                ask.trust != Trust::Own
                    && (ask.on == "role"
                        || world.of_kind(&ask.on).iter().all(|one| one.policy.is_none()))
            };
            match () {
                () if all && by_identity() => Ok(Found::Everything),
                () if ask.or.is_empty() => asker.ask(ask),
                () => asker.one_of(ask),
            }
        });
        let found = found.collect::<Result<Vec<_>, _>>()?;
        let is_some = |(_, found): &(usize, &Found)| !matches!(found, Found::Nothing);
        let some = found.iter().enumerate().filter(is_some).map(|(ask, _)| ask).collect();
        Ok(Some(Self { identity: place, policies, found, some }))
    }
}

/// Whether policies allow everything that no resource's policy has a say in.
pub(super) fn is_all(policies: &Policies) -> bool {
    let Some(everything) = everything() else { return false };
    let Some(all) = statements(&everything).next() else { return false };
    let own: Vec<StatementView<'_>> =
        policies.identity.iter().flat_map(|one| statements(one)).collect();
    let has = own.iter().any(|one| one.effect() == Effect::Allow && one.includes(all));
    has && policies.boundary.is_none() && own.iter().all(|one| one.effect() == Effect::Allow)
}

struct Asker<'a> {
    world: &'a World,
    classes: &'a Classes,
    answers: &'a Answers,
    identity: &'a Identity,
    owned: Owned,
    /// A trust policy that lets it in.
    trust: Arc<Document>,
    /// What is granted and not read, with the most that it may allow.
    unread: Vec<(&'a Unread, Arc<Document>)>,
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
    fn one_of(&self, ask: &Ask) -> Result<Found, CannotAsk> {
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

    fn ask(&self, ask: &Ask) -> Result<Found, CannotAsk> {
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
        let by_arn = !about.tags.is_empty();
        for class in self.classes.of(self.world, ask, among.as_deref(), by_arn, entries).iter() {
            let mut first: Option<(usize, Answer)> = None;
            for place in class {
                let Some(thing) = things.get(place) else { continue };
                let same = match &first {
                    Some((at, Answer::Yes(witness))) => {
                        self.is_confirmed(&about, thing, witness).then_some(*at)
                    }
                    Some((at, Answer::Open(_))) => Some(*at),
                    Some((_, Answer::No)) => break,
                    None => None,
                };
                let answer = match same {
                    Some(answer) => answer,
                    None => {
                        let answer = self.one(&about, place, thing)?;
                        let at = allowed.with(answer.clone());
                        first.get_or_insert((at, answer));
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
            (Trust::None, None) => !about.slice.may_cover(about.action, thing),
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
            if !identity.open.is_empty() {
                policies.identity.extend(everything());
            }
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

/// A thing's own policy, where that has a say in what is asked.
pub(super) fn own_policy<'t>(ask: &Ask, thing: &'t Thing) -> Option<&'t Arc<Document>> {
    thing.policy.as_ref().filter(|one| match ask.trust {
        Trust::Caller => false,
        Trust::Own => true,
        // The trust policy of a role speaks of who assumes it alone.
        Trust::None => one.kind() == Kind::Resource,
    })
}

/// Whether what is not known of a thing decides.
pub(super) fn is_open(ask: &Ask, thing: &Thing) -> bool {
    let counts = match ask.trust {
        Trust::Caller => false,
        Trust::Own => true,
        Trust::None => ask.on != "role",
    };
    counts && thing.open.is_some()
}

/// A trust policy that lets an identity in.
pub(super) fn trust_in(principal: &Principal) -> Result<Arc<Document>, CannotAsk> {
    let names = match principal {
        Principal::RoleSession { role_arn, session_arn } => json!([role_arn, session_arn]),
        Principal::User { arn } => json!(arn),
        _ => json!([]),
    };
    let text = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
        "Principal": {"AWS": names}, "Action": "sts:AssumeRole"}]});
    Ok(Arc::new(Document::parse("a trust policy of its making", &text.to_string(), Kind::Trust)?))
}

/// A request that somebody makes who may do everything.
pub(super) fn unlimited(principal: &Principal, ask: &Ask, thing: &Thing) -> Witness {
    let mut context = Context::new();
    if let Some((key, value)) = &ask.when {
        context.set(key, value.clone());
    }
    let resource = match thing.arn.is_empty() {
        true => "*".to_owned(),
        false => thing.arn.replace('*', "x"),
    };
    Witness {
        principal: principal.clone(),
        action: ask.action.clone(),
        resource,
        resource_account: None,
        context,
    }
}
