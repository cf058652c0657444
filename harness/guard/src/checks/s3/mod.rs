//! What S3 refuses of an authorized call and emulators take.

mod access;
mod acl;
mod bucket;
mod bucket_policy;
mod lock;
mod owner;
mod public;
mod region;
mod tags;

pub(crate) use access::{check as access, has_acl as sets_acl};
pub(crate) use acl::check as acl;
pub(crate) use bucket::check as bucket;
pub(crate) use bucket_policy::check as bucket_policy;
pub(crate) use lock::{check as lock, retention};
pub(crate) use owner::check as owner;
pub use public::is_public;
pub(crate) use public::without_grants;
pub(crate) use region::{check as region, made_again, of_new as new_region};
pub(crate) use tags::check as tags;
