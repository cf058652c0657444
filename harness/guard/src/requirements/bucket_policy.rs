//! The policy of a bucket, as far as it counts for a caller.

use ringfence_services::Session;
use ringfence_services::credentials::Identity;
use ringfence_wire::ServiceError;

use super::state::State;
use crate::checks::s3::{is_public, without_grants};

/// A bucket's policy. Where `RestrictPublicBuckets` is on and the policy is
/// public, it grants nothing to whom it does not know as a service of AWS or as
/// one of the account: "restricts access to only AWS service principals and
/// authorized users within the bucket owner's account"
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html>).
pub(crate) async fn for_caller(
    state: &dyn State,
    caller: &Session,
    bucket: &str,
) -> Result<Option<String>, ServiceError> {
    let Some(policy) = state.bucket_policy(bucket).await? else { return Ok(None) };
    let is_insider = match &caller.identity {
        Identity::Service { .. } => true,
        other => other.account_id() == Some(state.account_id()),
    };
    if is_insider || !is_public(&policy) || !state.bucket_is_restricted(bucket).await? {
        return Ok(Some(policy));
    }
    Ok(without_grants(&policy))
}
