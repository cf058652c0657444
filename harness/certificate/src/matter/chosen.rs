//! One request of a part.

use std::collections::BTreeMap;

use ringfence_policy::{Request, Verdict, judge};

use super::known::{ARNS, Number};
use super::{Matter, Part};

/// A request of a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// What is acted upon.
    pub resource: String,
    /// The class of each key, where it is not the first.
    pub keys: BTreeMap<String, usize>,
}

impl<'p> Matter<'p> {
    /// A request of a part, of few characters.
    pub fn choose(&self, part: &Part) -> Option<Chosen> {
        let resource = match part.star {
            Some(false) => self.arn(part, None, None).ok()??,
            _ => "*".to_owned(),
        };
        let mut keys = BTreeMap::new();
        for (key, classes) in self.keys.iter().zip(&part.keys) {
            let class = classes.iter().position(|is_in| *is_in)?;
            if class > 0 {
                keys.insert(key.lower.clone(), class);
            }
        }
        Some(Chosen { resource, keys })
    }

    /// Whether a request is of a part.
    pub(crate) fn has(&self, part: &Part, chosen: &Chosen) -> bool {
        let is_in = |number: &Number| self.known.has(*number, &chosen.resource);
        let fits = match chosen.resource == "*" {
            true => part.star != Some(false),
            false => {
                part.star != Some(true)
                    && is_in(&ARNS)
                    && part.like.iter().all(is_in)
                    && !part.unlike.iter().any(is_in)
            }
        };
        let known = |lower: &String| self.keys.iter().any(|key| key.lower == *lower);
        fits && chosen.keys.keys().all(known)
            && self.keys.iter().zip(&part.keys).all(|(key, classes)| {
                let class = chosen.keys.get(&key.lower).copied().unwrap_or_default();
                classes.get(class) == Some(&true)
            })
    }

    /// What both sides say of a request.
    pub fn judged(&self, action: &str, chosen: &Chosen) -> [Verdict<'p>; 2] {
        let held = self.keys.iter().map(|key| {
            let class = chosen.keys.get(&key.lower).copied().unwrap_or_default();
            (key.lower.as_str(), key.values.get(class).and_then(Option::as_ref))
        });
        let context = self.with(held);
        let request = Request {
            principal: &self.caller.principal,
            action,
            resource: &chosen.resource,
            resource_account: None,
            context: &context,
        };
        [judge(&request, self.inner), judge(&request, self.outer)]
    }
}

/// What decides a request, in words.
pub fn told([inner, outer]: &[Verdict<'_>; 2]) -> String {
    let (side, verdict) = if inner.allowed() { ("outer", outer) } else { ("inner", inner) };
    let statement = verdict.statement.map(|(_, number)| format!(", statement {number}"));
    format!(
        "{side}: {} of {}{}",
        verdict.outcome.as_str(),
        verdict.layer.as_str(),
        statement.unwrap_or_default()
    )
}
