//! Two policies of one resource that has one, where templates make them or one of them: each
//! overwrites the other, and which of them is there is not known
//! (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html>,
//! <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html>).

use ringfence_policy::Document;
use serde_json::Value as Json;

use super::bounded;
use super::estate::{Entry, Estate};
use super::grants::Unread;
use super::partial::Part;
use super::unnamed::meet;

/// Notes of a policy of a template whether there is another of its resource: what each allows
/// may count, and what it denies too.
pub(super) fn note(estate: &mut Estate, name: &str, kind: &str) {
    let Some(own) = estate.entries.get(name) else { return };
    let is_rival = |(other, entry): &(&String, &Entry)| {
        *other != name && is_of_one(own, entry) && !is_same(own, entry)
    };
    let rivals: Vec<String> =
        estate.entries.iter().filter(is_rival).map(|(other, _)| other.clone()).collect();
    if rivals.is_empty() {
        return;
    }
    let mut called: Vec<String> =
        rivals.iter().map(String::as_str).chain([name]).map(|one| format!("`{one}`")).collect();
    called.sort();
    let why = format!(
        "{} are policies of one resource: which of them is there is not known",
        called.join(" and ")
    );
    for one in rivals.iter().map(String::as_str).chain([name]) {
        if let Some(entry) = estate.entries.get_mut(one) {
            contest(entry, kind, &why);
        }
    }
}

/// Whether both are policies of one resource.
fn is_of_one(one: &Entry, other: &Entry) -> bool {
    one.of_one.iter().any(|own| other.of_one.iter().any(|of| meet(own, of)))
}

/// Whether both say the same.
fn is_same(one: &Entry, other: &Entry) -> bool {
    let text = |entry: &Entry| entry.policies.resource.as_deref().and_then(written);
    text(one).is_some() && text(one) == text(other)
}

fn written(document: &Document) -> Option<Json> {
    serde_json::from_str(document.text()).ok()
}

/// Of a policy that need not be there.
fn contest(entry: &mut Entry, kind: &str, why: &str) {
    let Some(policy) = entry.policies.resource.take() else { return };
    let part = written(&policy).map(Part::from);
    let allows = part.as_ref().and_then(bounded::grants);
    entry.denies = std::mem::take(&mut entry.denies).unsure();
    entry.unknown.insert(why.to_owned());
    entry.unread.push(Unread::of_template(kind, why.to_owned()).known_in_part(allows));
}
