//! S3's sentences for bucket policies.
//!
//! The first two are recorded on AWS in LocalStack's `test_bucket_policy_exc`
//! (February 2026). The others and their order: people's reports (beside each)
//! and Versity's gateway, compared with AWS
//! (<https://github.com/versity/versitygw>, `auth/bucket_policy.go`).

use super::resource::{self, Grammar};
use super::{listed, member, members, texts};
use crate::catalog::{self, Action, Service};
use crate::json::{self, Member};
use crate::pattern::{Case, Glob};

const FIRST_BYTE: &str = "Policies must be valid JSON and the first byte must be '{'";
const ACTION: &str = "Policy has invalid action";
/// <https://github.com/noobaa/noobaa-core/issues/10058>: of `*` too.
const RESOURCE: &str = "Policy has invalid resource";
/// <https://github.com/versity/versitygw/issues/645>
const NOT_APPLICABLE: &str = "Action does not apply to any resource(s) in statement";
const KEY: &str = "Policy has an invalid condition key";
/// <https://github.com/humanmade/S3-Uploads/issues/239>
const NOT_COMBINABLE: &str =
    "Conditions do not apply to combination of actions and resources in statement";

/// What S3 answers to the policy of a bucket; nothing where it finds no fault.
/// Whether its principals are there is not looked at.
pub fn bucket(document: &str, bucket: &str) -> Option<String> {
    check(document, bucket).err()
}

fn check(document: &str, bucket: &str) -> Result<(), String> {
    if !document.starts_with('{') {
        return Err(FIRST_BYTE.to_owned());
    }
    let root = json::parse(document).map_err(|_| "This policy contains invalid Json".to_owned())?;
    let top = members(&root).ok_or(FIRST_BYTE)?;
    resource::check(top, Grammar::Bucket)?;
    let Some(s3) = catalog::service("s3") else { return Ok(()) };
    let statements = member(top, "Statement").map(listed).unwrap_or_default();
    statements.iter().filter_map(members).try_for_each(|it| statement(it, bucket, s3))
}

fn statement(statement: &[Member], bucket: &str, s3: &Service) -> Result<(), String> {
    let actions = named_actions(statement, s3)?;
    let resources = member(statement, "Resource");
    let listed = texts(resources.or_else(|| member(statement, "NotResource")));
    let kinds: Vec<Kinds> = listed
        .into_iter()
        .map(|entry| Kinds::of(entry, bucket))
        .collect::<Option<_>>()
        .ok_or(RESOURCE)?;
    conditions(statement, &actions, s3)?;
    // What `NotAction` or `NotResource` leave is not looked at.
    if member(statement, "NotAction").is_some() || resources.is_none() {
        return Ok(());
    }
    let applies = |action: &&Action| kinds.iter().any(|kinds| kinds.take(action));
    match actions.iter().all(|named| named.matched.iter().any(applies)) {
        true => Ok(()),
        false => Err(NOT_APPLICABLE.to_owned()),
    }
}

/// An entry of `Action`, and what it means of what a bucket policy can grant.
struct Named<'a> {
    is_pattern: bool,
    matched: Vec<&'a Action>,
}

/// Actions of another service, unknown ones, and those that act neither upon a
/// bucket nor upon an object, are refused; `CreateBucket` too, as the policy
/// stands on a bucket that is there.
fn named_actions<'a>(statement: &[Member], s3: &'a Service) -> Result<Vec<Named<'a>>, String> {
    let entries = member(statement, "Action").or_else(|| member(statement, "NotAction"));
    let grantable: Vec<&Action> = s3
        .actions()
        .filter(|action| action.name != "CreateBucket" && (on_bucket(action) || on_object(action)))
        .collect();
    texts(entries)
        .into_iter()
        .map(|entry| {
            let name = match entry.split_once(':') {
                Some((service, name)) if service.eq_ignore_ascii_case("s3") => name,
                None if entry == "*" => "*",
                _ => return Err(ACTION.to_owned()),
            };
            let pattern = Glob::new(&name.to_ascii_lowercase());
            let means = |action: &&Action| pattern.matches(action.name, Case::Fold);
            let matched: Vec<&Action> = grantable.iter().copied().filter(means).collect();
            match matched.is_empty() {
                true => Err(ACTION.to_owned()),
                false => Ok(Named { is_pattern: name.contains(['*', '?']), matched }),
            }
        })
        .collect()
}

fn on_bucket(action: &Action) -> bool {
    action.resources.iter().any(|resource| resource.name == "bucket")
}

fn on_object(action: &Action) -> bool {
    action.resources.iter().any(|resource| resource.name == "object")
}

/// What an entry of `Resource` speaks of: the bucket, its objects, or both
/// (`arn:aws:s3:::BUCKET*`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Kinds {
    bucket: bool,
    objects: bool,
}

impl Kinds {
    /// Nothing where the entry speaks of another bucket, or of any.
    fn of(entry: &str, bucket: &str) -> Option<Self> {
        let parts: Vec<&str> = entry.splitn(6, ':').collect();
        let ["arn", partition, "s3", "", "", resource] = parts.as_slice() else { return None };
        if !partition.starts_with("aws") {
            return None;
        }
        let rest = resource.strip_prefix(bucket)?;
        let begins_key = rest.starts_with('/');
        match rest.is_empty() || begins_key || rest.starts_with('*') {
            true => Some(Self { bucket: !begins_key, objects: !rest.is_empty() }),
            false => None,
        }
    }

    fn take(self, action: &Action) -> bool {
        (self.bucket && on_bucket(action)) || (self.objects && on_object(action))
    }
}

/// Each action that is named without a wildcard must be able to carry each of
/// S3's own keys.
fn conditions(statement: &[Member], actions: &[Named<'_>], s3: &Service) -> Result<(), String> {
    let blocks = member(statement, "Condition").and_then(members).unwrap_or_default();
    for test in blocks.iter().flat_map(|block| members(&block.value).unwrap_or_default()) {
        let key = test.key.as_str();
        let (service, _) = key.split_once(':').ok_or(KEY)?;
        let is_own = service.eq_ignore_ascii_case("s3");
        let is_known = s3.key_type(key).is_some() || catalog::is_global_key(key);
        if (is_own || service.eq_ignore_ascii_case("aws")) && !is_known {
            return Err(KEY.to_owned());
        }
        let named = actions.iter().filter(|action| !action.is_pattern);
        let mut named = named.flat_map(|action| &action.matched);
        if is_own && !named.all(|action| s3.carries(action, key)) {
            return Err(NOT_COMBINABLE.to_owned());
        }
    }
    Ok(())
}
