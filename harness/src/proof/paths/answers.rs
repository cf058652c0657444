//! What of an identity's policies is about an action, and the answers that many identities
//! have in common: nothing else of theirs decides.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use ringfence_policy::symbolic::{Action, Effect, StatementView, statements};
use ringfence_policy::{Context, Document, Policies, Principal};
use ringfence_prove::Witness;

use super::grown::everything;
use super::means::{Ask, Trust};
use super::question::Answer;
use super::world::Thing;

/// What was found of all that was asked.
#[derive(Debug, Default)]
pub(super) struct Answers {
    texts: RefCell<HashMap<String, usize>>,
    about: RefCell<HashMap<(usize, String), About>>,
    known: RefCell<HashMap<Key, Answer>>,
    /// By ARN, who may put tags on it.
    pub(super) taggers: RefCell<HashMap<String, Option<String>>>,
}

/// What a document has about an action.
#[derive(Debug, Clone, Copy, Default)]
struct About {
    allows: bool,
    denies: bool,
}

/// All that an answer hangs on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    action: String,
    on: String,
    thing: usize,
    trust: Trust,
    when: Option<(String, String)>,
    strict: bool,
    documents: Vec<usize>,
    boundary: Option<Vec<usize>>,
    who: Who,
}

/// Who asks, as far as that decides.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Who {
    /// This one, by its ARN.
    Alone(String),
    /// Any user, or any session of a role, of an account.
    Of(String, bool),
}

/// A document of an identity.
#[derive(Debug)]
struct Own {
    document: Arc<Document>,
    id: usize,
    allows_everything: bool,
}

/// An identity's documents.
#[derive(Debug)]
pub(super) struct Owned {
    identity: Vec<Own>,
    boundary: Option<Vec<Own>>,
}

/// What of them is about an action.
#[derive(Debug)]
pub(super) struct Slice<'o> {
    identity: Vec<&'o Own>,
    boundary: Option<&'o [Own]>,
    /// Whether it allows the action for something.
    pub(super) may: bool,
}

impl Answers {
    /// The documents of an identity.
    pub(super) fn owned(&self, policies: &Policies) -> Owned {
        let everything = everything();
        let all = everything.iter().flat_map(|one| statements(one)).next();
        let own = |document: &Arc<Document>| Own {
            document: document.clone(),
            id: self.id(document.text()),
            allows_everything: all.is_some_and(|all| {
                let mut own = statements(document);
                own.any(|one| one.effect() == Effect::Allow && one.includes(all))
            }),
        };
        Owned {
            identity: policies.identity.iter().map(own).collect(),
            boundary: policies.boundary.as_ref().map(|all| all.iter().map(own).collect()),
        }
    }

    fn id(&self, text: &str) -> usize {
        let mut texts = self.texts.borrow_mut();
        let next = texts.len();
        match texts.get(text) {
            Some(id) => *id,
            None => *texts.entry(text.to_owned()).or_insert(next),
        }
    }

    fn about(&self, own: &Own, name: &str, action: &Action<'_>) -> About {
        let key = (own.id, name.to_owned());
        if let Some(known) = self.about.borrow().get(&key) {
            return *known;
        }
        let mut about = About::default();
        for statement in statements(&own.document).filter(|one| one.is_about(action)) {
            match statement.effect() {
                Effect::Allow => about.allows = true,
                Effect::Deny => about.denies = true,
            }
        }
        self.about.borrow_mut().insert(key, about);
        about
    }

    /// What is about an action. What allows everything makes what else allows superfluous.
    pub(super) fn slice<'o>(&self, owned: &'o Owned, name: &str) -> Slice<'o> {
        let action = Action::parse(name);
        let abouts = owned.identity.iter().map(|own| (own, self.about(own, name, &action)));
        let abouts: Vec<(&Own, About)> = abouts.collect();
        let all = abouts.iter().find(|(own, _)| own.allows_everything).map(|(own, _)| own.id);
        let is_needed = |(own, about): &&(&Own, About)| {
            about.denies || (about.allows && all.is_none_or(|all| own.id == all))
        };
        let mut identity: Vec<&Own> =
            abouts.iter().filter(is_needed).map(|(own, _)| *own).collect();
        identity.sort_by_key(|own| own.id);
        identity.dedup_by_key(|own| own.id);
        let may = abouts.iter().any(|(_, about)| about.allows);
        Slice { identity, boundary: owned.boundary.as_deref(), may }
    }

    pub(super) fn known(&self, key: &Key) -> Option<Answer> {
        self.known.borrow().get(key).cloned()
    }

    pub(super) fn keep(&self, key: Key, answer: &Answer) {
        self.known.borrow_mut().insert(key, answer.clone());
    }
}

impl Slice<'_> {
    /// As policies that decide about the action as all do.
    pub(super) fn policies(&self) -> Policies {
        let documents = |all: &[Own]| all.iter().map(|own| own.document.clone()).collect();
        Policies {
            identity: self.identity.iter().map(|own| own.document.clone()).collect(),
            boundary: self.boundary.map(documents),
            ..Policies::default()
        }
    }

    /// The statements about an action.
    pub(super) fn statements(&self, action: &Action<'_>) -> Vec<StatementView<'_>> {
        let boundary = self.boundary.into_iter().flatten();
        let all = self.identity.iter().copied().chain(boundary);
        let all = all.flat_map(|own| statements(&own.document));
        all.filter(|one| one.is_about(action)).collect()
    }

    /// Whether the identity's own policies may allow the action on a thing, as far as the
    /// entries of `Resource` say.
    pub(super) fn may_cover(&self, action: &Action<'_>, thing: &Thing) -> bool {
        if thing.is_many() || thing.of_type.is_some() {
            return true;
        }
        self.identity.iter().any(|own| {
            // Entries of `NotResource` say what is not covered.
            own.document.text().contains("NotResource")
                || statements(&own.document).any(|one| {
                    one.effect() == Effect::Allow
                        && one.is_about(action)
                        && one.resources().any(|entry| entry.has(&thing.arn) != Some(false))
                })
        })
    }

    /// What an answer hangs on where no policy of a resource has a say: who asks, and with
    /// which value of the condition key that was asked for, only where a statement looks at it.
    pub(super) fn key(
        &self,
        ask: &Ask,
        thing: usize,
        own: &[StatementView<'_>],
        principal: &Principal,
    ) -> Key {
        let conditions = || own.iter().flat_map(|one| one.conditions());
        let is_variable = |text: &str| text.contains("${");
        let looks_at_caller =
            own.iter().flat_map(|one| one.resources()).any(|entry| is_variable(entry.source()))
                || conditions().any(|one| {
                    one.lower_key().starts_with("aws:")
                        || one.values().iter().any(|it| is_variable(it))
                });
        let arn = match principal {
            Principal::User { arn } => arn.clone(),
            Principal::RoleSession { session_arn, .. } => session_arn.clone(),
            other => format!("{other:?}"),
        };
        let who = match principal.account_id().filter(|_| !looks_at_caller) {
            Some(account) => {
                Who::Of(account.to_owned(), matches!(principal, Principal::User { .. }))
            }
            None => Who::Alone(arn),
        };
        let when = ask
            .when
            .as_ref()
            .filter(|(key, _)| conditions().any(|one| one.lower_key().eq_ignore_ascii_case(key)));
        let ids = |all: &[Own]| all.iter().map(|own| own.id).collect();
        Key {
            action: ask.action.clone(),
            on: ask.on.clone(),
            thing,
            trust: ask.trust,
            when: when.cloned(),
            strict: ask.strict,
            documents: self.identity.iter().map(|own| own.id).collect(),
            boundary: self.boundary.map(ids),
            who,
        }
    }
}

/// Another identity's request as one's own.
pub(super) fn as_own(witness: &Witness, ask: &Ask, principal: &Principal) -> Witness {
    let mut context: Context = witness.context.clone();
    if let Some((key, value)) = &ask.when {
        context.set(key, value.clone());
    }
    Witness { principal: principal.clone(), context, ..witness.clone() }
}
