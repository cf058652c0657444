//! The boundaries under which somebody may make a role or a user.

use std::collections::BTreeSet;
use std::sync::Arc;

use ringfence_models::managed;
use ringfence_policy::{Document, Kind, Wildcard};
use serde_json::Value as Json;

use super::{Identity, Thing};

/// AWS's policy that allows everything: as a boundary it limits nothing.
const WIDEST: &str = "iam::aws:policy/AdministratorAccess";

/// Of how many boundaries that conditions cover it is asked one by one.
const MOST: usize = 16;

/// A boundary of one that is made.
#[derive(Debug, Default)]
pub(super) struct Boundary {
    /// `None`: it has none.
    pub(super) arn: Option<String>,
    /// Its place among the policies of the files.
    pub(super) place: Option<usize>,
    pub(super) documents: Option<Vec<Arc<Document>>>,
    /// Why it is not known what it allows.
    pub(super) open: Option<String>,
}

impl Boundary {
    fn unknown(arn: &str, place: Option<usize>, why: String) -> Self {
        Self { arn: Some(arn.to_owned()), place, documents: None, open: Some(why) }
    }
}

/// What conditions on `iam:PermissionsBoundary` say, over all policies of the estate.
#[derive(Debug, Default)]
struct Conditions {
    /// Whether there is any.
    any: bool,
    /// The values of those that let a request in.
    wanted: BTreeSet<String>,
    /// The values of those that keep one out.
    unwanted: BTreeSet<String>,
}

impl Conditions {
    fn of(identities: &[Identity]) -> Self {
        let mut all = Self::default();
        let mut read = BTreeSet::new();
        for identity in identities {
            let own = identity.documents.iter().map(|(_, document)| document);
            for document in own.chain(identity.boundary.iter().flatten()).chain(&identity.most) {
                if read.insert(document.text()) {
                    all.read(document.text());
                }
            }
        }
        all
    }

    fn read(&mut self, text: &str) {
        if !text.to_ascii_lowercase().contains("iam:permissionsboundary") {
            return;
        }
        let document: Json = serde_json::from_str(text).unwrap_or_default();
        for statement in items(document.get("Statement")) {
            let is_deny = statement.get("Effect").and_then(Json::as_str) == Some("Deny");
            let operators = statement.get("Condition").and_then(Json::as_object);
            for (operator, keys) in operators.into_iter().flatten() {
                let own = keys.as_object().into_iter().flatten();
                let own =
                    own.filter(|(key, _)| key.eq_ignore_ascii_case("iam:PermissionsBoundary"));
                for (_, values) in own {
                    self.any = true;
                    let values = items(Some(values)).iter().filter_map(|one| one.as_str());
                    match (operator.contains("Not") != is_deny, operator.starts_with("Null")) {
                        (_, true) => {}
                        (true, false) => self.unwanted.extend(values.map(str::to_owned)),
                        (false, false) => self.wanted.extend(values.map(str::to_owned)),
                    }
                }
            }
        }
    }
}

/// The items of a list, or the one value.
fn items(value: Option<&Json>) -> &[Json] {
    match value {
        Some(Json::Array(all)) => all,
        Some(one) => std::slice::from_ref(one),
        None => &[],
    }
}

/// A condition's value as a pattern, with variables as anything; letters compare without
/// regard to case, as one operator has it.
fn pattern(value: &str) -> Wildcard {
    let mut out = String::new();
    let mut rest = value;
    while let Some((before, after)) = rest.split_once("${") {
        out += before;
        out.push('*');
        rest = after.split_once('}').map_or("", |(_, after)| after);
    }
    Wildcard::of_text(&(out + rest).to_ascii_lowercase())
}

/// Whether a condition's value stands for itself.
fn is_exact(value: &str) -> bool {
    !value.contains(['*', '?']) && !value.contains("${")
}

/// What is found: the boundaries, none among them, and the values of conditions of which
/// nobody knows which boundary they mean.
pub(super) fn all(
    identities: &[Identity],
    policies: &[Thing],
    partition: &str,
    document: impl Fn(usize) -> Result<Arc<Document>, String>,
) -> (Vec<Boundary>, Vec<String>) {
    let mut found = vec![Boundary::default()];
    let mut carried = BTreeSet::new();
    for identity in identities {
        let Some(place) = identity.bounded_by else { continue };
        let Some(policy) = policies.get(place).filter(|_| carried.insert(place)) else { continue };
        let (arn, documents) = (Some(policy.arn.clone()), identity.boundary.clone());
        found.push(Boundary { arn, place: Some(place), documents, open: None });
    }
    let conditions = Conditions::of(identities);
    if !conditions.any {
        return (found, Vec::new());
    }
    let widest = format!("arn:{partition}:{WIDEST}");
    let covers = |values: &BTreeSet<String>, arn: &str| {
        let arn = arn.to_ascii_lowercase();
        values.iter().any(|value| pattern(value).matches(&arn))
    };
    // Where the widest is kept out, another may be let in.
    let is_asked_for =
        |arn: &str| covers(&conditions.wanted, arn) || covers(&conditions.unwanted, &widest);
    let own = policies.iter().enumerate();
    let own = own.filter(|(place, one)| !carried.contains(place) && is_asked_for(&one.arn));
    let own: Vec<(usize, &Thing)> = own.collect();
    for (nth, (place, policy)) in own.iter().enumerate() {
        found.push(match (nth < MOST, document(*place)) {
            (true, Ok(document)) => {
                let (arn, place) = (Some(policy.arn.clone()), Some(*place));
                Boundary { arn, place, documents: Some(vec![document]), open: None }
            }
            (true, Err(why)) => Boundary::unknown(&policy.arn, Some(*place), why),
            (false, _) => {
                let count = own.len() - nth;
                let why = format!("which of {count} further policies its boundary is");
                Boundary::unknown(&policy.arn, Some(*place), why)
            }
        });
        if nth == MOST {
            break;
        }
    }
    let of_aws = |arn: &str| {
        let document =
            Document::parse(arn.to_owned(), &managed::find(arn)?.document, Kind::Boundary);
        let documents = Some(vec![Arc::new(document.ok()?)]);
        Some(Boundary { arn: Some(arn.to_owned()), place: None, documents, open: None })
    };
    found.extend(of_aws(&widest));
    let mut unclear = Vec::new();
    for value in conditions.wanted.iter().filter(|value| **value != widest) {
        let pattern = pattern(value);
        let is_it = |arn: &str| pattern.matches(&arn.to_ascii_lowercase());
        if policies.iter().any(|one| is_it(&one.arn)) || is_it(&widest) {
            continue;
        }
        match is_exact(value) {
            true => found.push(of_aws(value).unwrap_or_else(|| {
                let why = format!("the boundary `{value}` is not in the files");
                Boundary::unknown(value, None, why)
            })),
            false => unclear.push(format!("which boundary `{value}` means")),
        }
    }
    (found, unclear)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lets_in_is_told_from_what_keeps_out() {
        let mut all = Conditions::default();
        let policy = |effect: &str, operator: &str, value: &str| {
            format!(
                r#"{{"Statement":{{"Effect":"{effect}","Condition":{{"{operator}":{{"iam:permissionsBoundary":["{value}"]}}}}}}}}"#
            )
        };
        all.read(&policy("Allow", "StringEquals", "a"));
        all.read(&policy("Deny", "ArnNotLikeIfExists", "b"));
        all.read(&policy("Allow", "ForAllValues:StringNotLike", "c"));
        all.read(&policy("Deny", "StringLike", "d"));
        let texts = |all: &BTreeSet<String>| all.iter().cloned().collect::<Vec<_>>();
        assert_eq!(texts(&all.wanted), ["a", "b"]);
        assert_eq!(texts(&all.unwanted), ["c", "d"]);
        let mut null = Conditions::default();
        null.read(&policy("Allow", "Null", "false"));
        assert!(null.any && null.wanted.is_empty() && null.unwanted.is_empty());
        let mut none = Conditions::default();
        none.read(r#"{"Statement":{"Effect":"Allow"}}"#);
        assert!(!none.any);
    }

    #[test]
    fn a_variable_is_anything() {
        let own = pattern("arn:aws:iam::${aws:PrincipalAccount}:policy/b");
        assert!(own.matches("arn:aws:iam::123456789012:policy/b"));
        assert!(!own.matches("arn:aws:iam::123456789012:policy/c"));
        assert!(!is_exact("arn:aws:iam::${aws:PrincipalAccount}:policy/b") && is_exact("b"));
    }
}
