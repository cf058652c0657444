//! Access control lists of buckets and objects, as the statements that they are like
//! (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html>).

use serde_json::json;

use super::{Beside, Grant, Open, Unread, composed, items, needed, text};
use crate::lint::known::{Node, Value};
use crate::lint::terraform::Resource;

/// What blocks public access to all buckets of an account.
const ACCOUNT_BLOCK: &str = "aws_s3_account_public_access_block";

/// What blocks public access to one.
const BUCKET_BLOCK: &str = "aws_s3_bucket_public_access_block";

/// What a list is of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    Bucket,
    Object,
}

/// Who is let in, and to what.
struct Entry {
    who: Who,
    permission: String,
}

enum Who {
    /// Everybody, signed or not.
    All,
    /// Whoever signs, of any account.
    Signed,
    /// S3's own deliveries.
    Logs,
    /// An account, by its id or its address.
    Account(String),
}

/// What each permission is as actions, of buckets and of objects
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#acl-access-policy-permission-mapping>).
/// Who may write into a bucket may take away what is in it, too.
fn actions(of: Of, permission: &str) -> Vec<&'static str> {
    let read: &[&str] = match of {
        Of::Bucket => &["s3:ListBucket", "s3:ListBucketVersions", "s3:ListBucketMultipartUploads"],
        Of::Object => &["s3:GetObject", "s3:GetObjectVersion"],
    };
    let write: &[&str] = match of {
        Of::Bucket => &["s3:PutObject", "s3:DeleteObject"],
        Of::Object => &[],
    };
    let read_list: &[&str] = match of {
        Of::Bucket => &["s3:GetBucketAcl"],
        Of::Object => &["s3:GetObjectAcl", "s3:GetObjectVersionAcl"],
    };
    let write_list: &[&str] = match of {
        Of::Bucket => &["s3:PutBucketAcl"],
        Of::Object => &["s3:PutObjectAcl", "s3:PutObjectVersionAcl"],
    };
    match permission {
        "READ" => read.to_vec(),
        "WRITE" => write.to_vec(),
        "READ_ACP" => read_list.to_vec(),
        "WRITE_ACP" => write_list.to_vec(),
        // Of a permission that is none of AWS's nobody knows.
        _ => [read, write, read_list, write_list].concat(),
    }
}

/// What a list of AWS's own names lets in
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#canned-acl>).
/// One of an unknown name lets in everybody.
fn canned(name: &str) -> Vec<Entry> {
    let entry = |who, permission: &str| Entry { who, permission: permission.to_owned() };
    match name {
        "private" | "bucket-owner-read" | "bucket-owner-full-control" | "aws-exec-read" => {
            Vec::new()
        }
        "public-read" => vec![entry(Who::All, "READ")],
        "public-read-write" => vec![entry(Who::All, "READ"), entry(Who::All, "WRITE")],
        "authenticated-read" => vec![entry(Who::Signed, "READ")],
        "log-delivery-write" => vec![entry(Who::Logs, "WRITE"), entry(Who::Logs, "READ_ACP")],
        _ => vec![entry(Who::All, "FULL_CONTROL")],
    }
}

/// The list of a bucket.
pub(super) fn of_bucket(resource: &Resource, beside: &Beside<'_>) -> Result<Vec<Grant>, Open> {
    let values = &resource.values;
    let mut entries = text(values, "acl")?.map(canned).unwrap_or_default();
    entries.extend(granted(values, Of::Bucket)?);
    for list in items(values, "access_control_policy")? {
        let owner = list.get("owner").and_then(|it| first(it).get("id")?.text());
        for grant in items(list, "grant")? {
            let grantee = grant.get("grantee").map(first).ok_or("access_control_policy")?;
            let permission = needed(grant, "permission")?;
            entries.extend(entry(grantee, permission, owner)?);
        }
    }
    if entries.is_empty() {
        return Ok(Vec::new());
    }
    let bucket = needed(values, "bucket")?;
    let on = |of: &str| {
        let end = if of == "s3:PutObject" || of == "s3:DeleteObject" { "/*" } else { "" };
        format!("arn:{}:s3:::{bucket}{end}", beside.partition())
    };
    Ok(grants(resource, Of::Bucket, entries, bucket, beside, on))
}

/// The list of an object.
pub(super) fn of_object(resource: &Resource, beside: &Beside<'_>) -> Result<Vec<Grant>, Open> {
    let values = &resource.values;
    let mut entries = text(values, "acl")?.map(canned).unwrap_or_default();
    entries.extend(granted(values, Of::Object)?);
    if entries.is_empty() {
        return Ok(Vec::new());
    }
    let (bucket, key) = (needed(values, "bucket")?, needed(values, "key")?);
    // An access point's ARN says nothing of the bucket behind it.
    let bucket = if bucket.starts_with("arn:") { "*" } else { bucket };
    let object = format!("arn:{}:s3:::{bucket}/{key}", beside.partition());
    Ok(grants(resource, Of::Object, entries, bucket, beside, |_| object.clone()))
}

/// The blocks `grant` of a bucket or an object.
fn granted(values: &Node, of: Of) -> Result<Vec<Entry>, Open> {
    let mut all = Vec::new();
    let grants = items(values, "grant")?;
    // Whoever made the bucket controls it, and the provider shows that: one account with
    // all is its own. Of an object only what is written is shown.
    let of_accounts =
        grants.iter().filter(|one| one.get("type").and_then(Node::text) == Some("CanonicalUser"));
    let is_own = of == Of::Bucket && of_accounts.count() == 1;
    for grant in grants {
        let permissions = items(grant, "permissions")?.iter().filter_map(Node::text);
        for permission in permissions {
            let is_account = grant.get("type").and_then(Node::text) == Some("CanonicalUser");
            if is_account && is_own && permission == "FULL_CONTROL" {
                continue;
            }
            all.extend(entry(grant, permission, None)?);
        }
    }
    Ok(all)
}

fn first(node: &Node) -> &Node {
    match &node.value {
        Value::List(items) => items.first().unwrap_or(node),
        _ => node,
    }
}

/// An entry, unless it is the owner's.
fn entry(grantee: &Node, permission: &str, owner: Option<&str>) -> Result<Option<Entry>, Open> {
    let named = |name| text(grantee, name);
    let who = match (named("uri")?, named("id")?) {
        (Some(uri), _) => match uri.rsplit('/').next().unwrap_or_default() {
            "AuthenticatedUsers" => Who::Signed,
            "LogDelivery" => Who::Logs,
            _ => Who::All,
        },
        (None, Some(id)) if Some(id) == owner => return Ok(None),
        (None, Some(id)) => Who::Account(id.to_owned()),
        (None, None) => match named("email_address")?.or(named("email")?) {
            Some(address) => Who::Account(address.to_owned()),
            None => Who::All,
        },
    };
    Ok(Some(Entry { who, permission: permission.to_owned() }))
}

/// What a list grants, as far as the bucket lets lists count. Who an account is that is
/// not the owner is not known: a canonical id or an address is no account's id.
fn grants(
    resource: &Resource,
    of: Of,
    entries: Vec<Entry>,
    bucket: &str,
    beside: &Beside<'_>,
    on: impl Fn(&str) -> String,
) -> Vec<Grant> {
    if are_disabled(bucket, beside) {
        return Vec::new();
    }
    let ignored = ignored(bucket, beside);
    let (mut all, mut maybe, mut unread) = (Vec::new(), Vec::new(), None);
    for Entry { who, permission } in entries {
        let is_public = matches!(who, Who::All | Who::Signed);
        if is_public && matches!(ignored, Ignored::Yes) {
            continue;
        }
        let principal = match &who {
            Who::All => json!("*"),
            Who::Signed => json!({"AWS": "*"}),
            Who::Logs => json!({"Service": "logging.s3.amazonaws.com"}),
            Who::Account(named) => {
                let why = format!(
                    "`{}` lets in `{named}`, and whose account that is is not known",
                    resource.address
                );
                unread = unread.or_else(|| Some(Grant::Unread(Unread::of(resource, why, ""))));
                continue;
            }
        };
        let to = match ignored {
            Ignored::Maybe(_) if is_public => &mut maybe,
            _ => &mut all,
        };
        for action in actions(of, &permission) {
            to.push(json!({"Effect": "Allow", "Principal": principal, "Action": action,
                "Resource": on(action)}));
        }
    }
    let of_public = match ignored {
        Ignored::Maybe(by) if !maybe.is_empty() => {
            let why = format!(
                "whether `{by}` ignores what `{}` lets in publicly is not known",
                resource.address
            );
            let unread = Unread::of(resource, why, "").known_in_part(Some(maybe));
            Some(Grant::Unread(unread))
        }
        _ => None,
    };
    composed(all).into_iter().chain(unread).chain(of_public).collect()
}

/// Whether the bucket's owner owns all that is in it, by which lists do not count
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html>).
/// A bucket of which the files say nothing may be of before that was so.
fn are_disabled(bucket: &str, beside: &Beside<'_>) -> bool {
    let enforced = |rule: &Node| {
        rule.get("object_ownership").and_then(Node::text) == Some("BucketOwnerEnforced")
    };
    let mut all = beside.files.iter().copied().flatten().filter(|one| {
        one.kind == "aws_s3_bucket_ownership_controls" && !one.is_data && is_of(one, bucket)
    });
    all.any(|one| one.values.get("rule").map(first).is_some_and(enforced))
}

/// Whether what lets in everybody is ignored.
enum Ignored {
    No,
    Yes,
    /// Nobody knows whether this block does.
    Maybe(String),
}

/// Whether it is, by the bucket or by its account: the one of the file that has the bucket, for
/// files may be of several accounts
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html>).
fn ignored(bucket: &str, beside: &Beside<'_>) -> Ignored {
    let has_it = |file: &&[Resource]| {
        file.iter().any(|one| one.kind == "aws_s3_bucket" && !one.is_data && is_of(one, bucket))
    };
    let of_account = beside.files.iter().copied().find(has_it).unwrap_or(beside.own);
    let of_account = of_account.iter().filter(|one| one.kind == ACCOUNT_BLOCK);
    let of_bucket = beside.files.iter().copied().flatten().filter(|one| {
        let named = one.values.get("bucket");
        one.kind == BUCKET_BLOCK && (is_of(one, bucket) || named.is_some_and(Node::is_unknown))
    });
    let mut found = Ignored::No;
    for block in of_account.chain(of_bucket).filter(|one| !one.is_data) {
        let is_its = block.kind == ACCOUNT_BLOCK || is_of(block, bucket);
        match block.values.get("ignore_public_acls").map(|it| &it.value) {
            None | Some(Value::Null | Value::Bool(false)) => {}
            Some(Value::Bool(true)) if is_its => return Ignored::Yes,
            Some(_) => found = Ignored::Maybe(block.address.clone()),
        }
    }
    found
}

fn is_of(resource: &Resource, bucket: &str) -> bool {
    resource.values.get("bucket").and_then(Node::text) == Some(bucket)
}
