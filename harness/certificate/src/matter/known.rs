//! The languages of what is acted upon, and what is known of them.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use ringfence_policy::symbolic::Token;

use crate::language::{Language, TooMany, shortest};

/// The number of a language.
pub(super) type Number = usize;

/// The language of all ARNs.
pub(super) const ARNS: Number = 0;
/// Keys of KMS.
pub(super) const KEYS_OF_KMS: Number = 1;
/// Roles.
pub(super) const ROLES: Number = 2;

/// What was found out about ARNs: which patterns have one in common. It speaks of the
/// patterns alone, so that claims about any policies share it.
#[derive(Clone)]
pub struct Known(Rc<RefCell<Languages>>);

impl Default for Known {
    fn default() -> Self {
        let mut all = Languages::default();
        all.number(Language::arns());
        all.number(of_type("kms", "key/"));
        all.number(of_type("iam", "role/"));
        Self(Rc::new(RefCell::new(all)))
    }
}

/// The ARNs of a service that begin like this, as the engine tells them: no `*` goes on
/// beyond a colon.
fn of_type(service: &str, begins: &str) -> Language {
    // Services compare without regard to case.
    let service = service.bytes().map(Token::Letter).collect();
    let begins = written(begins).chain([Token::Many]).collect();
    Language::of_arns(&[[many(), service, many(), many(), begins]])
}

/// The ARNs of an account.
pub(super) fn of_account(account: &str) -> Language {
    Language::of_arns(&[[many(), many(), many(), written(account).collect(), many()]])
}

fn many() -> Vec<Token> {
    vec![Token::Many]
}

fn written(text: &str) -> impl Iterator<Item = Token> {
    text.bytes().map(Token::Byte)
}

impl Known {
    pub(super) fn number(&self, language: Language) -> Number {
        self.0.borrow_mut().number(language)
    }

    /// The shortest ARN that is in all of some languages and in none of others.
    pub(super) fn shortest(
        &self,
        like: Vec<Number>,
        unlike: Vec<Number>,
    ) -> Result<Option<String>, TooMany> {
        self.0.borrow_mut().shortest(like, unlike)
    }

    pub(super) fn has(&self, number: Number, text: &str) -> bool {
        self.0.borrow().all.get(number).is_some_and(|language| language.has(text))
    }
}

/// The languages that a text must be in, and those that it must not.
type Asked = (Vec<Number>, Vec<Number>);

/// All languages, and what was asked of them.
#[derive(Default)]
struct Languages {
    all: Vec<Language>,
    numbers: HashMap<Language, Number>,
    apart: HashMap<(Number, Number), bool>,
    known: HashMap<Asked, Result<Option<String>, TooMany>>,
}

impl Languages {
    fn number(&mut self, language: Language) -> Number {
        let next = self.all.len();
        let number = *self.numbers.entry(language.clone()).or_insert(next);
        if number == next {
            self.all.push(language);
        }
        number
    }

    fn are_apart(&mut self, one: Number, other: Number) -> bool {
        let all = &self.all;
        *self.apart.entry((one.min(other), one.max(other))).or_insert_with(|| {
            let both = all.get(one).zip(all.get(other));
            both.is_some_and(|(one, other)| one.is_apart(other))
        })
    }

    fn shortest(
        &mut self,
        mut like: Vec<Number>,
        mut unlike: Vec<Number>,
    ) -> Result<Option<String>, TooMany> {
        like.push(ARNS);
        for list in [&mut like, &mut unlike] {
            list.sort_unstable();
            list.dedup();
        }
        let pairs: Vec<_> =
            like.iter().flat_map(|one| like.iter().map(|other| (*one, *other))).collect();
        if pairs.into_iter().any(|(one, other)| self.are_apart(one, other))
            || like.iter().any(|one| unlike.contains(one))
        {
            return Ok(None);
        }
        unlike.retain(|one| !like.iter().any(|other| self.are_apart(*one, *other)));
        let key = (like, unlike);
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        let of = |numbers: &[Number]| {
            numbers.iter().filter_map(|one| self.all.get(*one)).collect::<Vec<_>>()
        };
        let found = shortest(&of(&key.0), &of(&key.1), |_| true);
        self.known.insert(key, found.clone());
        found
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::a_key(KEYS_OF_KMS, "arn:aws:kms:eu-west-1:1:key/x", true)]
    #[case::a_service_in_capitals(KEYS_OF_KMS, "arn:aws:KMS:eu-west-1:1:key/x", true)]
    #[case::a_type_in_capitals(KEYS_OF_KMS, "arn:aws:kms:eu-west-1:1:Key/x", false)]
    #[case::a_key_beyond_a_colon(KEYS_OF_KMS, "arn:aws:sns:eu-west-1:1:a:kms:b:c:key/x", false)]
    #[case::a_role(ROLES, "arn:aws:iam::1:role/x", true)]
    #[case::a_user(ROLES, "arn:aws:iam::1:user/x", false)]
    fn a_type_is_of_its_service(#[case] number: Number, #[case] arn: &str, #[case] is_in: bool) {
        assert_eq!(Known::default().has(number, arn), is_in);
    }

    #[rstest]
    #[case::own("arn:aws:sns:eu-west-1:1:a", true)]
    #[case::of_another("arn:aws:sns:eu-west-1:2:a", false)]
    #[case::of_another_with_its_number("arn:aws:sns:eu-west-1:2:a:1:b", false)]
    fn an_arn_is_of_the_account_in_its_place(#[case] arn: &str, #[case] is_in: bool) {
        assert_eq!(of_account("1").has(arn), is_in);
    }
}
