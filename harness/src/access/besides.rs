//! What limits whom policies let in and is no policy: where it is another on each side, what is
//! gained or lost by that is not known.
//!
//! - Blocks of public access: what S3 keeps back of what policies and access control lists let
//!   in publicly
//!   (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html>).
//! - The audiences of `OpenID` Connect providers: a token of another becomes no role
//!   (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html>).

use std::collections::{BTreeMap, BTreeSet};

use super::diff::{Change, Side};
use super::estate::Estate;
use crate::lint::known::{Node, Value};
use crate::lint::terraform::Resource;

const ACCOUNT: &str = "aws_s3_account_public_access_block";
const BUCKET: &str = "aws_s3_bucket_public_access_block";
const PROVIDER: &str = "aws_iam_openid_connect_provider";

/// What of a block keeps back requests: the rest keeps back what may be set.
const KEEPS: [&str; 2] = ["ignore_public_acls", "restrict_public_buckets"];

const LESS: &str = "keeps back less: whom policies and access control lists let in publicly is \
                    not compared";
const MORE: &str = "keeps back more: whom policies and access control lists let in publicly is \
                    not compared";
const TOKENS: &str = "takes tokens of other audiences: whom trust policies let in that ask for \
                      none is not compared";

/// A kind, and of what one is: a bucket, an account, an issuer.
type Of<'e> = (&'e str, &'e str);

/// Those that are another on each side.
pub(super) fn changes(old: &Estate, new: &Estate) -> Vec<Change> {
    let (before, after) = (limits(old), limits(new));
    let all: BTreeSet<&Of<'_>> = before.keys().chain(after.keys()).collect();
    let changes = all.into_iter().filter_map(|what| {
        let (one, other) = (before.get(what).copied(), after.get(what).copied());
        let name = &other.or(one)?.address;
        let (gained, lost) = match *what {
            (PROVIDER, _) => {
                let (one, other) = (audiences(one?), audiences(other?));
                let (one, other) = (one.as_ref(), other.as_ref());
                ((has_more(one, other), TOKENS), (has_more(other, one), TOKENS))
            }
            // A bucket that is made or goes away has its block with it.
            (BUCKET, bucket)
                if (one.is_some() && is_one_sided(old, new, bucket))
                    || (other.is_some() && is_one_sided(new, old, bucket)) =>
            {
                return None;
            }
            _ => ((keeps_more(one, other), LESS), (keeps_more(other, one), MORE)),
        };
        let side = |(is_other, why): (bool, &str)| match is_other {
            true => Side::Undecided(format!("`{name}` {why}")),
            false => Side::Nothing,
        };
        let change = Change {
            name: name.clone(),
            is_in_old: one.is_some(),
            is_in_new: other.is_some(),
            gained: side(gained),
            lost: side(lost),
        };
        (gained.0 || lost.0).then_some(change)
    });
    changes.collect()
}

/// The limits of an estate.
fn limits(estate: &Estate) -> BTreeMap<Of<'_>, &Resource> {
    let of = |one: &Resource| {
        let attribute = match one.kind.as_str() {
            ACCOUNT => "account_id",
            BUCKET => "bucket",
            PROVIDER => "url",
            _ => return None,
        };
        (!one.is_data).then_some(attribute)
    };
    let all = estate.resources.iter().filter_map(|one| {
        let what = one.values.get(of(one)?).and_then(Node::text).unwrap_or(&one.address);
        let what = what.strip_prefix("https://").unwrap_or(what);
        Some(((one.kind.as_str(), what), one))
    });
    all.collect()
}

/// Whether the files make a bucket on one side alone.
fn is_one_sided(one: &Estate, other: &Estate, bucket: &str) -> bool {
    let makes = |estate: &Estate| {
        let is_it = |resource: &Resource| {
            let name = resource.values.get("bucket").and_then(Node::text);
            resource.kind == "aws_s3_bucket" && !resource.is_data && name == Some(bucket)
        };
        estate.resources.iter().any(is_it)
    };
    makes(one) && !makes(other)
}

/// Whether a block may keep back what another does not.
fn keeps_more(one: Option<&Resource>, other: Option<&Resource>) -> bool {
    let is_on = |block: Option<&Resource>, keeps: &str| match block
        .and_then(|block| block.values.get(keeps))
        .map(|node| &node.value)
    {
        Some(Value::Bool(is_on)) => Some(*is_on),
        None | Some(Value::Null) => Some(false),
        Some(_) => None,
    };
    KEEPS.iter().any(|keeps| is_on(one, keeps) != Some(false) && is_on(other, keeps) != Some(true))
}

/// The audiences of a provider, where all are known.
fn audiences(provider: &Resource) -> Option<BTreeSet<&str>> {
    match provider.values.get("client_id_list").map(|node| &node.value) {
        None | Some(Value::Null) => Some(BTreeSet::new()),
        Some(Value::List(items)) => items.iter().map(Node::text).collect(),
        Some(_) => None,
    }
}

/// Whether there may be more on the other side.
fn has_more(one: Option<&BTreeSet<&str>>, other: Option<&BTreeSet<&str>>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => !other.is_subset(one),
        _ => true,
    }
}
