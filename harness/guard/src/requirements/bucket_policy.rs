//! What a bucket says of a call, as far as it counts for the caller: its policy, and
//! the access control lists of bucket and object.

use ringfence_policy::Context;
use ringfence_services::Session;
use ringfence_services::credentials::Identity;
use ringfence_wire::ServiceError;
use serde_json::{Value, json};

use super::acl::{self, Granted};
use super::bucket_access::{BucketAccess, Ownership};
use super::state::State;
use crate::checks::s3::{is_public, without_grants};
use crate::checks::statements::{statements, value};

/// The key on which everything hangs that lets nobody known write an object: it
/// belongs to "the anonymous user" then, and not to the bucket's owner, whose
/// policies say nothing of it
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html>).
/// Objects of others are not kept apart here.
pub(crate) const OWNER_KEY: &str = "ringfence:ObjectOwner";

/// What is asked of a bucket, or of an object in it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    /// `s3:GetObject`, ….
    pub(crate) action: &'a str,
    /// The ARN of the bucket or object.
    pub(crate) resource: &'a str,
    /// The version of the object, where one is named.
    pub(crate) version: Option<&'a str>,
    /// The list that the request itself sets, by its name.
    pub(crate) sets_acl: Option<&'a str>,
}

impl<'a> Asked<'a> {
    /// The names of bucket and object.
    fn names(&self) -> (&'a str, Option<&'a str>) {
        let path = self.resource.splitn(6, ':').nth(5).unwrap_or_default();
        match path.split_once('/') {
            Some((bucket, key)) => (bucket, Some(key)),
            None => (path, None),
        }
    }
}

/// The first value of a key of a request.
pub(crate) fn single<'a>(context: &'a Context, key: &str) -> Option<&'a str> {
    context.get(key)?.as_slice().first().map(String::as_str)
}

/// What counts for a caller.
#[derive(Debug, Default)]
pub(crate) struct ForCaller {
    /// The policy.
    pub(crate) document: Option<String>,
    /// A condition key of which nothing is known.
    pub(crate) unknown: Option<&'static str>,
}

/// A bucket's policy, with its lists as statements. Where `RestrictPublicBuckets` is
/// on and the policy is public, nothing is granted to whom it does not know as a
/// service of AWS or as one of the account: "restricts access to only AWS service
/// principals and authorized users within the bucket owner's account"
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html>).
pub(crate) async fn for_caller(
    state: &dyn State,
    caller: &Session,
    asked: &Asked<'_>,
) -> Result<ForCaller, ServiceError> {
    let (bucket, _) = asked.names();
    let policy = state.bucket_policy(bucket).await?;
    let access = state.bucket_access(bucket).await?;
    let is_insider = match &caller.identity {
        Identity::Service { .. } => true,
        other => other.account_id() == Some(state.account_id()),
    };
    let is_public = policy.as_deref().is_some_and(is_public);
    if !is_insider && is_public && access.is_restricted {
        let document = policy.as_deref().and_then(without_grants);
        return Ok(ForCaller { document, unknown: None });
    }
    if access.has_no_acls() {
        return Ok(ForCaller { document: policy, unknown: None });
    }
    let granted = by_lists(state, &access, asked, is_insider).await?;
    let document = beside(policy, granted);
    Ok(match writes_for_itself(caller, &access, asked) {
        true => ForCaller {
            document: document.as_deref().map(|text| under(text, OWNER_KEY)),
            unknown: Some(OWNER_KEY),
        },
        false => ForCaller { document, unknown: None },
    })
}

/// What the lists of bucket and object grant.
async fn by_lists(
    state: &dyn State,
    access: &BucketAccess,
    asked: &Asked<'_>,
    is_insider: bool,
) -> Result<Vec<Value>, ServiceError> {
    // "Amazon S3 ignores all public ACLs on a bucket and any objects that it contains".
    if access.ignores_public_acls {
        return Ok(Vec::new());
    }
    let Some(granted) = Granted::of(asked.action) else { return Ok(Vec::new()) };
    let (bucket, key) = asked.names();
    let object = key.map(|key| (key, asked.version));
    let list = match (granted, object) {
        (Granted::Object(_), None) => return Ok(Vec::new()),
        (Granted::Object(_), object) => state.acl(bucket, object).await?,
        // "Allows grantee to create new objects in the bucket. For the bucket and
        // object owners of existing objects, also allows deletions and overwrites of
        // those objects."
        (Granted::Bucket("WRITE"), object) if !is_insider => {
            if asked.action != "s3:PutObject" || state.acl(bucket, object).await?.is_some() {
                return Ok(Vec::new());
            }
            state.acl(bucket, None).await?
        }
        (Granted::Bucket(_), _) => state.acl(bucket, None).await?,
    };
    Ok(list.map(|list| acl::statements(&list, granted, asked)).unwrap_or_default())
}

/// Whether nobody known writes an object that the bucket's owner will not own: where
/// lists count, it does only where it prefers to and the writer gives it the object.
fn writes_for_itself(caller: &Session, access: &BucketAccess, asked: &Asked<'_>) -> bool {
    let is_given = access.ownership == Ownership::Preferred
        && asked.sets_acl == Some("bucket-owner-full-control");
    matches!(caller.identity, Identity::Anonymous) && asked.action == "s3:PutObject" && !is_given
}

/// A policy with more statements.
fn beside(policy: Option<String>, more: Vec<Value>) -> Option<String> {
    if more.is_empty() {
        return policy;
    }
    let Some(policy) = policy else {
        return Some(json!({"Version": "2012-10-17", "Statement": more}).to_string());
    };
    let mut all = statements(&policy);
    all.extend(more);
    Some(with_statements(&policy, all))
}

/// A policy that allows nothing but under a key.
fn under(policy: &str, key: &str) -> String {
    let mut all = statements(policy);
    for statement in &mut all {
        if statement.get("Effect").and_then(Value::as_str) != Some("Allow") {
            continue;
        }
        let Some(statement) = statement.as_object_mut() else { continue };
        let condition = statement.entry("Condition").or_insert_with(|| json!({}));
        let Some(condition) = condition.as_object_mut() else { continue };
        let equals = condition.entry("StringEquals").or_insert_with(|| json!({}));
        if let Some(equals) = equals.as_object_mut() {
            equals.insert(key.to_owned(), json!("account"));
        }
    }
    with_statements(policy, all)
}

fn with_statements(policy: &str, all: Vec<Value>) -> String {
    let read = ringfence_policy::json::parse(policy).map(value);
    match read {
        Ok(Value::Object(mut members)) => {
            members.insert("Statement".to_owned(), all.into());
            Value::Object(members).to_string()
        }
        _ => policy.to_owned(),
    }
}
