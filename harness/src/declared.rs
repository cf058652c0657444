//! Whom and what the configuration's own guard rails are about, in an estate.

use std::collections::BTreeMap;

use ringfence_policy::Wildcard;

use crate::access::unnamed::meet;
use crate::config::{Config, ConfigError, Declaration, Place, Selector};

/// Somebody of an estate.
#[derive(Debug, Clone, Default)]
pub(crate) struct Person {
    /// `role/NAME` or `user/NAME`.
    pub(crate) entry: String,
    /// The ARN, where it is known.
    pub(crate) arn: Option<String>,
    /// Where a part of the name is not known, which names it may have, as a pattern.
    pub(crate) form: Option<String>,
    /// The deployers of the configuration that it is.
    pub(crate) deployers: Vec<String>,
    /// Its tags.
    pub(crate) tags: BTreeMap<String, String>,
}

/// What an estate has, to a guard rail.
pub(crate) struct Seen<'s> {
    pub(crate) config: &'s Config,
    /// Everybody.
    pub(crate) people: &'s [Person],
    /// The ARN that Layer 1 says by a name.
    pub(crate) arn_of: &'s dyn Fn(&str) -> Option<String>,
}

impl<'s> Seen<'s> {
    /// Who may not, by position among the people.
    ///
    /// # Errors
    /// Where a name is nobody's, or nobody is left.
    pub(crate) fn who(&self, declared: &Declaration) -> Result<Vec<usize>, ConfigError> {
        if self.people.is_empty() {
            return Err(self.fault(declared, "there is no role and no user that it could be about"));
        }
        let (named, are_excepted) = declared.people();
        let mut is_named = vec![false; self.people.len()];
        for text in named {
            let found = self.matching(declared, text.get_ref())?.surely;
            let all = is_named.iter_mut().enumerate();
            all.filter(|(at, _)| found.contains(at)).for_each(|(_, is_named)| *is_named = true);
        }
        let chosen = is_named.into_iter().enumerate().filter(|(_, named)| *named != are_excepted);
        let chosen: Vec<usize> = chosen.map(|(at, _)| at).collect();
        match chosen.is_empty() && (are_excepted || self.may(declared)?.is_empty()) {
            true => Err(self.fault(declared, "it excepts everybody: name fewer in `everyone_but`")),
            false => Ok(chosen),
        }
    }

    /// Who may be named besides, by position: of whose name a part is not known.
    ///
    /// # Errors
    /// Where a name is nobody's.
    pub(crate) fn may(&self, declared: &Declaration) -> Result<Vec<usize>, ConfigError> {
        let (named, _) = declared.people();
        let mut all = Vec::new();
        for text in named {
            all.extend(self.matching(declared, text.get_ref())?.maybe);
        }
        Ok(all)
    }

    /// The one whom a text names.
    ///
    /// # Errors
    /// Where it is nobody's name.
    pub(crate) fn one(&self, declared: &Declaration, text: &str) -> Result<usize, ConfigError> {
        let found = self.matching(declared, text)?.surely;
        found.first().copied().ok_or_else(|| self.fault(declared, "it names nobody"))
    }

    /// The ARN of a text, which may be a pattern.
    ///
    /// # Errors
    /// Where Layer 1 says none by this name.
    pub(crate) fn arn(&self, declared: &Declaration, text: &str) -> Result<String, ConfigError> {
        if text == "*" || text.starts_with("arn:") {
            return Ok(text.to_owned());
        }
        let found = (self.arn_of)(text).filter(|found| found.starts_with("arn:"));
        found.ok_or_else(|| {
            let fault = format!(
                "`{text}` names nothing of Layer 1 that has an ARN: write an output or an address \
                 of a resource, or the ARN itself"
            );
            self.fault(declared, &fault)
        })
    }

    fn matching(&self, declared: &Declaration, text: &str) -> Result<Found, ConfigError> {
        let selector = Selector::parse(text, &self.config.deployers)
            .map_err(|fault| self.fault(declared, &fault))?;
        let named = match selector {
            Selector::Named(name) => Some(self.arn(declared, name)?),
            _ => None,
        };
        let is = |person: &Person| match selector {
            Selector::Role(name) => has_name(person, "role/", name),
            Selector::User(name) => has_name(person, "user/", name),
            Selector::Tag(key, value) => person.tags.iter().any(|(own, has)| {
                // Keys of tags of identities are not told apart by case, their values are
                // (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html).
                own.to_lowercase() == key.to_lowercase() && has == value
            }),
            Selector::Deployer(name) => person.deployers.iter().any(|one| one == name),
            Selector::Named(_) => person.arn.is_some() && person.arn == named,
        };
        let may_be = |person: &Person| match selector {
            Selector::Role(name) => may_have_name(person, "role/", name),
            Selector::User(name) => may_have_name(person, "user/", name),
            Selector::Tag(..) | Selector::Deployer(_) => false,
            Selector::Named(_) => named.as_deref().is_some_and(|arn| may_have_arn(person, arn)),
        };
        let all = || self.people.iter().enumerate();
        let surely: Vec<usize> = all().filter(|(_, one)| is(one)).map(|(at, _)| at).collect();
        // A name that somebody has nobody else has.
        let is_taken = !surely.is_empty() && !text.contains(['*', '?']);
        let maybe = all().filter(|(at, one)| !is_taken && !surely.contains(at) && may_be(one));
        let maybe: Vec<usize> = maybe.map(|(at, _)| at).collect();
        match surely.is_empty() && maybe.is_empty() {
            true => {
                let has: Vec<&str> = self.people.iter().map(|one| one.entry.as_str()).collect();
                let fault = format!(
                    "`{text}` is nobody of this estate, which has {}: correct the name",
                    has.join(", ")
                );
                Err(self.fault(declared, &fault))
            }
            false => Ok(Found { surely, maybe }),
        }
    }

    fn fault(&self, declared: &Declaration, fault: &str) -> ConfigError {
        ConfigError::Invalid {
            place: Place { file: self.config.file.clone(), line: declared.line, column: 1 },
            message: format!("guard rail `{}`: {fault}", declared.id.get_ref()),
        }
    }
}

/// Whom a text names, by position.
struct Found {
    surely: Vec<usize>,
    /// Whose name may be it, as far as it is known.
    maybe: Vec<usize>,
}

/// Whether a pattern is of somebody's name, whatever that is; what stands for a name that is
/// not known is written as it is.
fn has_name(person: &Person, kind: &str, name: &str) -> bool {
    let Some(own) = person.entry.strip_prefix(kind) else { return false };
    match &person.form {
        Some(form) => own == name || covers(name, form),
        None => Wildcard::of_text(name).matches(own),
    }
}

/// Whether a pattern is of all names of a form: where it is how they begin, and a `*`.
fn covers(pattern: &str, form: &str) -> bool {
    let begins = pattern.strip_suffix('*').filter(|before| !before.contains(['*', '?']));
    let known = form.split('*').next().unwrap_or_default();
    begins.is_some_and(|before| known.starts_with(before))
}

/// Whether it may be.
fn may_have_name(person: &Person, kind: &str, name: &str) -> bool {
    let form = person.form.as_deref().filter(|_| person.entry.starts_with(kind));
    form.is_some_and(|form| meet(form, name))
}

/// Whether somebody may have an ARN.
fn may_have_arn(person: &Person, arn: &str) -> bool {
    let of = |kind: &str| {
        let name = arn.split_once(&format!(":{kind}"))?.1.rsplit('/').next()?;
        Some(may_have_name(person, kind, name))
    };
    ["role/", "user/"].into_iter().filter_map(of).any(|may| may)
}
