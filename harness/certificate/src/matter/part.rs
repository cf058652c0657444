//! Parts of the requests, and how they are told apart.

use ringfence_policy::symbolic::Truth;

use super::Matter;
use super::known::Number;
use crate::form::On;
use crate::language::TooMany;

/// A part of the requests for an action.
#[derive(Debug, Clone)]
pub struct Part {
    /// Whether nothing but `*` is acted upon; not known: that or an ARN.
    pub(super) star: Option<bool>,
    pub(super) like: Vec<Number>,
    pub(super) unlike: Vec<Number>,
    /// Of each key, the classes.
    pub(super) keys: Vec<Vec<bool>>,
}

impl Part {
    /// All requests, of these classes of keys.
    pub(super) fn of(keys: Vec<Vec<bool>>) -> Self {
        Self { star: None, like: Vec::new(), unlike: Vec::new(), keys }
    }
}

impl Matter<'_> {
    /// The requests of a part for which something holds, and the others.
    ///
    /// # Errors
    /// What names nothing.
    pub fn split(&self, part: &Part, on: &On) -> Result<[Part; 2], String> {
        let [mut yes, mut no] = [part.clone(), part.clone()];
        match on {
            On::Star if part.star.is_none() => {
                (yes.star, no.star) = (Some(true), Some(false));
            }
            On::Resource(text) if part.star == Some(false) => {
                let number = self.named(text)?;
                yes.like.push(number);
                no.unlike.push(number);
            }
            On::Star | On::Resource(_) => {
                return Err("what is acted upon is told apart out of order".to_owned());
            }
            On::Key { key, classes } => {
                let place = self.keys.iter().position(|one| one.lower == *key);
                let place = place.ok_or_else(|| format!("no condition is on `{key}`"))?;
                if let (Some(yes), Some(no)) = (yes.keys.get_mut(place), no.keys.get_mut(place)) {
                    for (class, (yes, no)) in yes.iter_mut().zip(no).enumerate() {
                        let is_in = classes.contains(&class);
                        (*yes, *no) = (*yes && is_in, *no && !is_in);
                    }
                }
            }
        }
        Ok([yes, no])
    }

    /// Whether there is no such request; not known where that takes too long.
    pub fn is_empty(&self, part: &Part) -> bool {
        let no_value = part.keys.iter().any(|classes| !classes.contains(&true));
        no_value || (part.star == Some(false) && self.arn(part, None, None) == Ok(None))
    }

    /// The shortest ARN of a part that another language has, or does not have.
    pub(super) fn arn(
        &self,
        part: &Part,
        like: Option<Number>,
        unlike: Option<Number>,
    ) -> Result<Option<String>, TooMany> {
        let like = part.like.iter().copied().chain(like);
        let unlike = part.unlike.iter().copied().chain(unlike);
        self.known.shortest(like.collect(), unlike.collect())
    }

    /// Whether the ARNs of a part are in a language.
    pub(super) fn are_in(&self, part: &Part, number: Number) -> Truth {
        if part.star == Some(true) || part.unlike.contains(&number) {
            return Truth::False;
        }
        if self.arn(part, Some(number), None) == Ok(None) {
            return Truth::False;
        }
        let all = part.star == Some(false)
            && (part.like.contains(&number) || self.arn(part, None, Some(number)) == Ok(None));
        if all { Truth::True } else { Truth::Unknown }
    }
}
