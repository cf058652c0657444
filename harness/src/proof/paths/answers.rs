//! What of an identity's policies is about an action, and the answers that many identities
//! have in common: nothing else of theirs decides.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use ringfence_policy::symbolic::{
    Action, Condition, Effect, ResourcePattern, StatementView, Truth, statements,
};
use ringfence_policy::{Context, Document, Policies, Principal};
use ringfence_prove::Witness;

use super::grown::everything;
use super::index::widest;
use super::means::{Ask, Trust};
use super::question::Answer;
use super::world::Thing;

/// What was found of all that was asked.
#[derive(Debug, Default)]
pub(super) struct Answers {
    texts: RefCell<HashMap<String, usize>>,
    /// By document and action.
    about: RefCell<HashMap<usize, HashMap<String, About>>>,
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
    when: Option<(String, Met)>,
    strict: bool,
    documents: Vec<usize>,
    boundary: Option<Vec<usize>>,
    who: Who,
}

/// What the conditions on a key make of the value that is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Met {
    /// Which of them it meets: of values that meet the same ones nothing else decides.
    These(Vec<bool>),
    /// The value itself, where a variable may stand for it.
    Itself(String),
}

impl Met {
    fn of(key: &str, value: &str, own: &[StatementView<'_>]) -> Option<Self> {
        let entries = own.iter().flat_map(|one| one.resources()).map(|one| one.source());
        let conditions = || own.iter().flat_map(|one| one.conditions());
        let values = conditions().flat_map(|one| one.values()).map(|value| &**value);
        let stands_for_it = |text: &str| {
            text.contains("${") && text.to_ascii_lowercase().contains(&key.to_ascii_lowercase())
        };
        if entries.chain(values).any(stands_for_it) {
            return Some(Self::Itself(value.to_owned()));
        }
        let about: Vec<_> =
            conditions().filter(|one| one.lower_key().eq_ignore_ascii_case(key)).collect();
        // What a variable stands for it may be.
        if about.iter().any(|one| one.values().iter().any(|it| it.contains("${"))) {
            return Some(Self::Itself(value.to_owned()));
        }
        let mut context = Context::new();
        context.set(key, value);
        let met = |one: &&Condition| one.holds(&context, Effect::Allow) == Truth::True;
        (!about.is_empty()).then(|| Self::These(about.iter().map(met).collect()))
    }
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
        if let Some(known) = self.about.borrow().get(&own.id).and_then(|all| all.get(name)) {
            return *known;
        }
        let mut about = About::default();
        for statement in statements(&own.document).filter(|one| one.is_about(action)) {
            match statement.effect() {
                Effect::Allow => about.allows = true,
                Effect::Deny => about.denies = true,
            }
        }
        self.about.borrow_mut().entry(own.id).or_default().insert(name.to_owned(), about);
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

    /// Whether the identity's own policies may allow what is asked on a thing, as far as the
    /// entries of `Resource` say, and conditions on the value that is asked for.
    pub(super) fn may_cover(&self, ask: &Ask, action: &Action<'_>, thing: &Thing) -> bool {
        let is_one = !thing.is_many() && thing.of_type.is_none();
        let asked = ask.when.as_ref().filter(|_| ask.strict);
        if !is_one && asked.is_none() {
            return true;
        }
        self.identity.iter().any(|own| {
            // Entries of `NotResource` say what is not covered.
            let is_covering = |entry: &ResourcePattern| may_be(entry, &thing.arn);
            let is_other = !is_one || own.document.text().contains("NotResource");
            statements(&own.document).any(|one| {
                one.effect() == Effect::Allow
                    && one.is_about(action)
                    && (is_other || one.resources().any(is_covering))
                    && asked.is_none_or(|(key, value)| may_hold(one, key, value))
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
            .and_then(|(key, value)| Some((key.clone(), Met::of(key, value, own)?)));
        let ids = |all: &[Own]| all.iter().map(|own| own.id).collect();
        Key {
            action: ask.action.clone(),
            on: ask.on.clone(),
            thing,
            trust: ask.trust,
            when,
            strict: ask.strict,
            documents: self.identity.iter().map(|own| own.id).collect(),
            boundary: self.boundary.map(ids),
            who,
        }
    }
}

/// Whether an entry may cover an ARN, whatever its variables stand for.
fn may_be(entry: &ResourcePattern, arn: &str) -> bool {
    entry.has(arn).or_else(|| widest(entry)?.has(arn)) != Some(false)
}

/// Whether the conditions of a statement on a key may hold where the key has this value alone.
fn may_hold(statement: StatementView<'_>, key: &str, value: &str) -> bool {
    let mut context = Context::new();
    context.set(key, value);
    // One that compares the values of a list holds for lists too.
    let is_plain = |one: &&Condition| {
        let mut values = one.values().iter();
        !one.is_of_list() && values.all(|it| !it.contains("${"))
    };
    let about = statement.conditions().filter(|one| one.lower_key().eq_ignore_ascii_case(key));
    about.filter(is_plain).all(|one| one.holds(&context, Effect::Allow) != Truth::False)
}

/// Another identity's request as one's own.
pub(super) fn as_own(witness: &Witness, ask: &Ask, principal: &Principal) -> Witness {
    let mut context: Context = witness.context.clone();
    if let Some((key, value)) = &ask.when {
        context.set(key, value.clone());
    }
    Witness { principal: principal.clone(), context, ..witness.clone() }
}

#[cfg(test)]
mod tests {
    use ringfence_policy::Kind;
    use serde_json::json;

    use super::*;

    const KEY: &str = "iam:PassedToService";

    /// A document that allows on an entry under a condition.
    fn document(on: &str, condition: &serde_json::Value) -> Document {
        let text = json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow",
            "Action": "iam:PassRole", "Resource": on, "Condition": condition}});
        Document::parse("p", &text.to_string(), Kind::Identity).unwrap()
    }

    #[test]
    fn values_that_meet_the_same_conditions_are_asked_for_once() {
        let met = |document: &Document, value: &str| {
            let own: Vec<StatementView<'_>> = statements(document).collect();
            Met::of(KEY, value, &own)
        };
        let list = document("*", &json!({"StringEquals": {KEY: ["a.com", "b.com"]}}));
        assert_eq!(met(&list, "a.com"), met(&list, "b.com"));
        assert_eq!(met(&list, "c.com"), met(&list, "A.com"));
        assert_ne!(met(&list, "a.com"), met(&list, "c.com"));
        let like = document("*", &json!({"StringLike": {KEY: "a.*"}}));
        assert_eq!(met(&like, "a.com"), met(&like, "a.net"));
        assert_ne!(met(&like, "a.com"), met(&like, "b.com"));
        let both = json!({"StringNotEquals": {KEY: "a.com"}, "StringLike": {KEY: "?.com"}});
        let both = document("*", &both);
        assert_ne!(met(&both, "a.com"), met(&both, "b.com"));
        assert_eq!(met(&both, "c.com"), met(&both, "b.com"));
        // Whoever looks at no value of it, asks for none.
        let other = document("*", &json!({"StringEquals": {"aws:PrincipalTag/a": "a.com"}}));
        assert_eq!(met(&other, "a.com"), None);
        // What a variable stands for may be the value itself.
        let itself = |value: &str| Some(Met::Itself(value.to_owned()));
        let compared = document("*", &json!({"StringEquals": {KEY: "${aws:PrincipalTag/a}"}}));
        assert_eq!(met(&compared, "a.com"), itself("a.com"));
        let tagged = json!({"StringEquals": {"aws:PrincipalTag/a": "b"}});
        let named = document("arn:aws:iam::111122223333:role/${iam:PassedToService}", &tagged);
        assert_eq!(met(&named, "a.com"), itself("a.com"));
    }

    #[test]
    fn a_statement_about_another_value_allows_nothing() {
        let may = |condition: serde_json::Value| {
            let document = document("*", &condition);
            statements(&document).all(|one| may_hold(one, KEY, "a.com"))
        };
        assert!(may(json!({"StringEquals": {KEY: ["a.com", "b.com"]}})));
        assert!(!may(json!({"StringEquals": {KEY: "b.com"}})));
        assert!(!may(json!({"StringNotLike": {KEY: "a.*"}})));
        assert!(may(json!({"StringEquals": {"aws:PrincipalTag/a": "b.com"}})));
        assert!(may(json!({"StringEquals": {KEY: "${aws:PrincipalTag/a}"}})));
        assert!(may(json!({"ForAnyValue:StringEquals": {KEY: "b.com"}})));
    }
}
