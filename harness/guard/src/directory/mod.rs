//! The account as IAM keeps it upstream: principals with their policies, trust
//! policies, OIDC providers, bucket policies, tags. Read as the account's root
//! straight from the upstream, kept until a call through the guard changes it.
//!
//! Whoever changes IAM behind the guard's back (at the upstream itself) is not
//! noticed: the guard is the only road by design.

mod access;
mod answers;
pub(crate) mod arns;
mod cache;
mod documents;
mod encryption;
mod encryption_table;
mod endings;
mod grants;
mod invalidate;
mod iterators;
mod kms;
mod locks;
mod naming;
mod parameters;
mod policy_table;
mod principals;
mod read;
mod regions;
mod resource_policies;
mod resources;
mod rest_apis;
mod tag_table;
mod tags;
pub(crate) mod unique_ids;
mod uploads;
mod usage;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ringfence_services::Setting;
use ringfence_wire::{Service, ServiceError};
use serde_json::{Map, Value};

use documents::Documents;
use encryption::{OfUploads, UsedByS3};

use crate::account::Kept;
use crate::recording::Attached;
use crate::requirements::bucket_access::BucketAccess;
use crate::requirements::state::{KmsKey, Tags, Told, VpcOf};
use crate::upstream::Upstream;
use cache::Cache;
use endings::Endings;
pub(crate) use endings::renamed;
pub(crate) use locks::{Mode, ObjectLock, Retention};
pub(crate) use regions::Regions;
use resource_policies::Written;
pub(crate) use resource_policies::readable;

/// A role.
#[derive(Debug)]
pub(crate) struct Role {
    /// With its path.
    pub(crate) arn: String,
    /// `AROA…`.
    pub(crate) id: String,
    /// In seconds.
    pub(crate) max_session_duration: u32,
    /// The trust policy.
    pub(crate) trust: String,
    /// The ARN of its permissions boundary.
    pub(crate) boundary: Option<String>,
    /// Its tags.
    pub(crate) tags: Tags,
}

/// A user.
#[derive(Debug)]
pub(crate) struct User {
    /// With its path.
    pub(crate) arn: String,
    /// `AIDA…`.
    pub(crate) id: String,
    /// The ARN of its permissions boundary.
    pub(crate) boundary: Option<String>,
    /// Its tags.
    pub(crate) tags: Tags,
}

/// The policies of a user, group or role, but for its boundary.
#[derive(Debug, Default)]
pub(crate) struct Grants {
    /// Its own.
    inline: Vec<Attached>,
    /// The ARNs of managed policies.
    attached: Vec<String>,
    /// A user's groups.
    groups: Vec<String>,
}

/// A managed policy with its default version.
#[derive(Debug)]
pub(crate) struct Managed {
    text: String,
    tags: Tags,
}

/// An OIDC provider.
#[derive(Debug)]
pub(crate) struct Provider {
    /// `arn:aws:iam::ACCOUNT:oidc-provider/HOST[/PATH]`.
    pub(crate) arn: String,
    /// The audiences that it is registered with.
    pub(crate) client_ids: Vec<String>,
}

/// The account as the upstream knows it.
#[derive(Debug)]
pub(crate) struct Directory {
    upstream: Upstream,
    setting: Arc<Setting>,
    /// What stands before names in the ids of documents: nothing in the first
    /// account, `ACCOUNT:` in others.
    scope: String,
    documents: Documents,
    roles: Cache<Option<Arc<Role>>>,
    role_grants: Cache<Arc<Grants>>,
    users: Cache<Option<Arc<User>>>,
    user_grants: Cache<Arc<Grants>>,
    groups: Cache<Arc<Grants>>,
    managed: Cache<Option<Arc<Managed>>>,
    providers: Cache<Arc<Vec<Provider>>>,
    buckets: Cache<Option<Arc<str>>>,
    bucket_access: Cache<BucketAccess>,
    /// By API, operation and ARN.
    policies: Cache<Vec<String>>,
    /// By API and ARN.
    tags: Cache<Told<Tags>>,
    kms_keys: Cache<KmsKey>,
    kms_grants: Cache<Vec<Value>>,
    encryption_keys: Cache<Option<String>>,
    used_by_s3: UsedByS3,
    upload_keys: OfUploads,
    iterators: iterators::Iterators,
    written: Written,
    endings: Endings,
    vpcs: Cache<VpcOf>,
    uploads: Cache<Option<Arc<str>>>,
    completed: uploads::Completed,
    kept: Kept,
    /// The regions of buckets.
    pub(crate) regions: Regions,
}

impl Directory {
    /// The first account behind an upstream.
    pub(crate) fn new(upstream: Upstream, setting: Arc<Setting>) -> Self {
        Self::scoped_by(String::new(), upstream, setting)
    }

    /// Another account behind an upstream: its names are told from the first's.
    pub(crate) fn of_another(upstream: Upstream, setting: Arc<Setting>) -> Self {
        Self::scoped_by(format!("{}:", setting.account_id), upstream, setting)
    }

    fn scoped_by(scope: String, upstream: Upstream, setting: Arc<Setting>) -> Self {
        let is_new = upstream.is_new();
        Self {
            upstream,
            setting,
            scope,
            documents: Documents::default(),
            roles: Cache::default(),
            role_grants: Cache::default(),
            users: Cache::default(),
            user_grants: Cache::default(),
            groups: Cache::default(),
            managed: Cache::default(),
            providers: Cache::default(),
            buckets: Cache::default(),
            bucket_access: Cache::default(),
            policies: Cache::default(),
            tags: Cache::default(),
            kms_keys: Cache::default(),
            kms_grants: Cache::default(),
            encryption_keys: Cache::default(),
            used_by_s3: if is_new { UsedByS3::default() } else { UsedByS3::by_others() },
            upload_keys: OfUploads::default(),
            iterators: iterators::Iterators::default(),
            written: if is_new { Written::default() } else { Written::by_others() },
            endings: Endings::default(),
            vpcs: Cache::default(),
            uploads: Cache::default(),
            completed: uploads::Completed::default(),
            kept: Kept::default(),
            regions: Regions::default(),
        }
    }

    /// The account.
    pub(crate) fn account_id(&self) -> &str {
        &self.setting.account_id
    }

    /// A name as the ids of documents have it: no name of IAM has a colon.
    pub(crate) fn scoped<'a>(&self, name: &'a str) -> Cow<'a, str> {
        match self.scope.as_str() {
            "" => name.into(),
            scope => format!("{scope}{name}").into(),
        }
    }

    /// What the guard keeps itself.
    pub(crate) fn kept(&self) -> &Kept {
        &self.kept
    }

    /// Does something at IAM upstream, as the account's root, as a part of a call
    /// that was decided.
    ///
    /// # Errors
    /// IAM's own, or that the upstream does not answer.
    pub(crate) async fn do_upstream(
        &self,
        operation: &str,
        input: Value,
    ) -> Result<Value, ServiceError> {
        // What fails may be done in part: it is not tried again.
        self.upstream_once(&self.setting.region, Service::Iam, operation, &members(input)).await
    }

    pub(crate) fn forget_role(&self, name: &str) {
        self.roles.forget(name);
        self.role_grants.forget(name);
    }

    fn forget_user(&self, name: &str) {
        self.users.forget(name);
        self.user_grants.forget(name);
    }

    fn forget_all(&self) {
        self.roles.clear();
        self.role_grants.clear();
        self.users.clear();
        self.user_grants.clear();
        self.groups.clear();
        self.managed.clear();
        self.providers.clear();
    }

    /// Asks the upstream, in the account's own region.
    async fn ask(
        &self,
        service: Service,
        operation: &str,
        input: Value,
    ) -> Result<Value, ServiceError> {
        self.ask_in(&self.setting.region, service, operation, input).await
    }

    /// Asks the upstream in a region: a resource is looked up where the call
    /// goes, as one of the same name elsewhere is another.
    async fn ask_in(
        &self,
        region: &str,
        service: Service,
        operation: &str,
        input: Value,
    ) -> Result<Value, ServiceError> {
        let input = members(input);
        let mut again = ASKED_AGAIN;
        loop {
            let asked = Instant::now();
            match self.upstream_once(region, service, operation, &input).await {
                Err(error) if again > 0 && may_pass(error.status, asked.elapsed()) => again -= 1,
                told => return told,
            }
        }
    }

    async fn upstream_once(
        &self,
        region: &str,
        service: Service,
        operation: &str,
        input: &Map<String, Value>,
    ) -> Result<Value, ServiceError> {
        self.upstream.call(service, operation, input, region, self.setting.now()).await
    }

    /// Asks the upstream for something that may not be there, in the account's
    /// own region.
    async fn look_up(
        &self,
        service: Service,
        operation: &str,
        input: Value,
    ) -> Result<Option<Value>, ServiceError> {
        self.look_up_in(&self.setting.region, service, operation, input).await
    }

    /// As [`Directory::look_up`], in a region.
    async fn look_up_in(
        &self,
        region: &str,
        service: Service,
        operation: &str,
        input: Value,
    ) -> Result<Option<Value>, ServiceError> {
        match self.ask_in(region, service, operation, input).await {
            Ok(answer) => Ok(Some(answer)),
            Err(error) if is_absence(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// As [`Directory::look_up`], for an operation that answers with a payload.
    async fn look_up_payload(
        &self,
        service: Service,
        operation: &str,
        input: &Map<String, Value>,
    ) -> Result<Option<String>, ServiceError> {
        let now = self.setting.now();
        let region = &self.setting.region;
        match self.upstream.fetch(service, operation, input, region, now).await {
            Ok(payload) => Ok(Some(String::from_utf8_lossy(&payload).into_owned())),
            Err(error) if is_absence(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// All pages of an IAM list.
    async fn iam_list(
        &self,
        operation: &str,
        mut input: Map<String, Value>,
        member: &str,
    ) -> Result<Vec<Value>, ServiceError> {
        let mut all = Vec::new();
        loop {
            let page = self.ask(Service::Iam, operation, Value::Object(input.clone())).await?;
            all.extend_from_slice(read::list(&page, member));
            match read::text(&page, "Marker") {
                Some(marker) if read::text(&page, "IsTruncated") == Some("true") => {
                    input.insert("Marker".to_owned(), marker.into());
                }
                _ => return Ok(all),
            }
        }
    }
}

fn members(input: Value) -> Map<String, Value> {
    match input {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

/// How often a question is asked again that the upstream fails at: moto does where
/// one request changes what another lists ("dictionary changed size during
/// iteration").
const ASKED_AGAIN: u8 = 2;

/// How soon an upstream fails at that. One that takes longer fails at something
/// else, which it would try again at length: LocalStack at fetching a service.
const FAILS_SOON: Duration = Duration::from_secs(1);

/// Whether what an upstream answered may have passed when it is asked again.
fn may_pass(status: u16, took: Duration) -> bool {
    status == 500 && took < FAILS_SOON
}

/// The codes by which services say that there is no such thing.
fn is_absence(error: &ServiceError) -> bool {
    matches!(
        error.code.as_ref(),
        "NoSuchEntity"
            | "NoSuchEntityException"
            | "NoSuchBucket"
            | "NoSuchBucketPolicy"
            | "NoSuchKey"
            // What S3 says of a delete marker in a versioned bucket.
            // https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeleteMarker.html
            | "MethodNotAllowed"
            | "NoSuchPublicAccessBlockConfiguration"
            | "NoSuchTagSet"
            | "OwnershipControlsNotFoundError"
            | "ResourceNotFoundException"
            | "InvalidResourceId"
            | "ParameterNotFound"
    ) || is_ec2s_absence(&error.code)
}

/// EC2 has a code for each kind of resource: `InvalidRouteTableID.NotFound`. What
/// is no id at all names nothing either
/// (<https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html>).
fn is_ec2s_absence(code: &str) -> bool {
    let Some((kind, what)) = code.split_once('.') else { return false };
    kind.starts_with("Invalid") && matches!(what, "NotFound" | "Malformed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case::a_role("NoSuchEntity", true)]
    #[case::a_subnet("InvalidSubnetID.NotFound", true)]
    #[case::a_route_table("InvalidRouteTableID.NotFound", true)]
    #[case::a_security_group("InvalidGroup.NotFound", true)]
    #[case::no_id_of_a_security_group("InvalidGroupId.Malformed", true)]
    #[case::a_network_acl("InvalidNetworkAclID.NotFound", true)]
    #[case::a_network_interface("InvalidNetworkInterfaceID.NotFound", true)]
    #[case::a_failure("InternalError", false)]
    #[case::a_use("InvalidIPAddress.InUse", false)]
    #[case::a_refusal("UnauthorizedOperation", false)]
    fn what_is_not_there_is_told_from_failures(#[case] code: &'static str, #[case] absent: bool) {
        assert_eq!(is_absence(&ServiceError::new(400, code, "")), absent);
    }

    #[rstest::rstest]
    #[case::at_once(500, 20, true)]
    #[case::after_long(500, 20_000, false)]
    #[case::a_refusal(400, 20, false)]
    #[case::what_it_lacks(501, 20, false)]
    fn only_what_fails_soon_is_asked_again(
        #[case] status: u16,
        #[case] milliseconds: u64,
        #[case] again: bool,
    ) {
        assert_eq!(may_pass(status, Duration::from_millis(milliseconds)), again);
    }
}
