//! Tokens of other issuers than GitHub's that must not do: what their subjects mean, only
//! the issuer knows, so that each part of the right one is changed by itself.

use time::OffsetDateTime;

use super::cases::Case;
use crate::issuers::{Issuer, IssuerError, Workload};

/// A part of a subject between `:`, `/` and `|`, by its place; those that may be anything
/// are none.
fn parts(written: &str) -> impl Iterator<Item = (usize, usize, &str)> {
    let mut from = 0;
    let split = written.split([':', '/', '|']).map(move |part| {
        let at = from;
        from = at + part.len() + 1;
        (at, part)
    });
    let numbered = split.enumerate().map(|(number, (at, part))| (number + 1, at, part));
    numbered.filter(|(_, _, part)| !part.is_empty() && !part.contains('*'))
}

/// A subject with another part in one place.
fn with(written: &str, at: usize, part: &str, other: &str) -> String {
    let before = Workload::filled(written.get(..at).unwrap_or_default());
    let after = Workload::filled(written.get(at + part.len()..).unwrap_or_default());
    format!("{before}{other}{after}")
}

/// The subjects that are not the right one, each with what it is called and said to be.
fn others(written: &str) -> Vec<(String, String, String)> {
    let mut all = Vec::new();
    let right = Workload::filled(written);
    let mut add = |name: String, title: String, subject: String| {
        if subject != right {
            all.push((name, title, subject));
        }
    };
    for (number, at, part) in parts(written) {
        let changed = |other: &str| with(written, at, part, other);
        let named = |kind: &str| format!("subject-part-{number}/{kind}");
        let other = "ringfence-other";
        add(named("other"), format!("whose subject has `{other}` for `{part}`"), changed(other));
        let longer = format!("{part}-evil");
        add(
            named("longer"),
            format!("whose subject has `{longer}` for `{part}`"),
            changed(&longer),
        );
        let capitals = part.to_uppercase();
        let title = format!("whose subject has `{capitals}` for `{part}`");
        add(named("capitals"), title, changed(&capitals));
        add(named("wildcard"), format!("whose subject has `*` for `{part}`"), changed("*"));
    }
    // Where anything may follow, or stand before, these are right.
    if !written.ends_with('*') {
        let longer = format!("{right}:ringfence-other");
        add("subject-longer".to_owned(), "whose subject goes on".to_owned(), longer);
    }
    if !written.starts_with('*') {
        let before = format!("ringfence-other:{right}");
        let title = "whose subject ends with the right one".to_owned();
        add("subject-within".to_owned(), title, before);
    }
    all
}

/// Tokens with these subjects.
pub(super) fn cases(
    issuer: &Issuer,
    workload: &Workload,
    written: &str,
    now: OffsetDateTime,
) -> Result<Vec<Case>, IssuerError> {
    let one = |(name, title, subject): (String, String, String)| {
        let bearer = workload.called(&subject);
        let token = issuer.token_of(&bearer, bearer.audience(), now)?;
        Ok(Case::by_policy(name, &title, token))
    };
    others(written).into_iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_of_a_subject_is_changed_but_for_those_that_may_be_anything() {
        let subjects: Vec<(String, String)> = others("project_path:shop/api:ref:main:x*")
            .into_iter()
            .map(|(name, _, subject)| (name, subject))
            .collect();
        let of = |name: &str| {
            let found = subjects.iter().find(|(own, _)| own == name);
            found.map(|(_, subject)| subject.as_str())
        };
        assert_eq!(
            of("subject-part-2/other"),
            Some("project_path:ringfence-other/api:ref:main:xringfence")
        );
        assert_eq!(
            of("subject-part-3/longer"),
            Some("project_path:shop/api-evil:ref:main:xringfence")
        );
        assert_eq!(
            of("subject-part-5/capitals"),
            Some("project_path:shop/api:ref:MAIN:xringfence")
        );
        assert_eq!(of("subject-part-5/wildcard"), Some("project_path:shop/api:ref:*:xringfence"));
        assert_eq!(of("subject-part-6/other"), None);
        assert_eq!(
            of("subject-within"),
            Some("ringfence-other:project_path:shop/api:ref:main:xringfence")
        );
        assert_eq!(of("subject-longer"), None);
        assert_eq!(subjects.len(), 5 * 4 + 1);
    }

    #[test]
    fn a_subject_that_is_said_in_full_goes_on_and_stands_within() {
        let names = |written: &str| -> Vec<String> {
            let all = others(written).into_iter().map(|(name, ..)| name);
            all.filter(|name| !name.starts_with("subject-part-")).collect()
        };
        assert_eq!(names("org/a:b"), ["subject-longer", "subject-within"]);
        assert_eq!(names("*:b"), ["subject-longer"]);
    }
}
