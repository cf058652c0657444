//! What keeps a version of an object: Object Lock's retention and legal hold.

use ringfence_wire::{Service, ServiceError};
use serde_json::{Map, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{Directory, read};

/// How strictly a version is retained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Whoever may bypass it can change and delete.
    Governance,
    /// Nobody can, until its end.
    Compliance,
}

impl Mode {
    /// The mode of this name.
    pub(crate) fn of(name: &str) -> Option<Self> {
        match name {
            "GOVERNANCE" => Some(Self::Governance),
            "COMPLIANCE" => Some(Self::Compliance),
            _ => None,
        }
    }

    /// Its name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Governance => "GOVERNANCE",
            Self::Compliance => "COMPLIANCE",
        }
    }
}

/// A retention: how, and until when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Retention {
    /// How strictly.
    pub(crate) mode: Mode,
    /// Until when.
    pub(crate) until: OffsetDateTime,
}

/// What keeps a version of an object.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct ObjectLock {
    /// Its retention, also one that has ended.
    pub(crate) retention: Option<Retention>,
    /// Whether a legal hold is on.
    pub(crate) is_held: bool,
}

impl Directory {
    /// What keeps a version of an object, or its latest; none where there is no
    /// such version, or it is a delete marker.
    ///
    /// # Errors
    /// That the upstream cannot tell, or tells what is no retention: then it is
    /// not known what keeps the version.
    pub(crate) async fn object_lock(
        &self,
        region: &str,
        bucket: &str,
        key: &str,
        version: Option<&str>,
    ) -> Result<Option<ObjectLock>, ServiceError> {
        let mut named = Map::new();
        let version = version.map(|version| ("VersionId", version));
        for (member, value) in [("Bucket", bucket), ("Key", key)].into_iter().chain(version) {
            named.insert(member.to_owned(), value.into());
        }
        let now = self.setting.now();
        let head = self.upstream.heads(Service::S3, "HeadObject", &named, region, now).await;
        let head = match head {
            Ok(head) => head,
            // 405: it is a delete marker.
            Err(error) if matches!(error.status, 404 | 405) => return Ok(None),
            Err(error) => return Err(error),
        };
        let told = |name| {
            // What is no text is there all the same, and no mode and no date.
            let value = head.get(name).map(|value| value.to_str().unwrap_or("no text"));
            value.filter(|value| !value.is_empty())
        };
        let (mode, until) =
            (told("x-amz-object-lock-mode"), told("x-amz-object-lock-retain-until-date"));
        let retention = match (mode, until) {
            (None, None) => None,
            (mode, until) => {
                let mode = mode.and_then(Mode::of);
                let until = until.and_then(|text| OffsetDateTime::parse(text, &Rfc3339).ok());
                let retention = mode.zip(until).map(|(mode, until)| Retention { mode, until });
                Some(retention.ok_or_else(|| {
                    let message = "the upstream tells a retention of the object that is none";
                    ServiceError::new(502, "InternalError", message)
                })?)
            }
        };
        let is_held = told("x-amz-object-lock-legal-hold").is_some_and(|status| status != "OFF");
        Ok(Some(ObjectLock { retention, is_held }))
    }

    /// Whether there is an object: its current version is no delete marker.
    ///
    /// # Errors
    /// That the upstream cannot tell.
    pub(crate) async fn has_object(
        &self,
        region: &str,
        bucket: &str,
        key: &str,
    ) -> Result<bool, ServiceError> {
        let named = [("Bucket", bucket), ("Key", key)];
        let named = named.into_iter().map(|(member, value)| (member.to_owned(), value.into()));
        let (named, now) = (named.collect(), self.setting.now());
        match self.upstream.heads(Service::S3, "HeadObject", &named, region, now).await {
            Ok(_) => Ok(true),
            // 405: it is a delete marker.
            Err(error) if matches!(error.status, 404 | 405) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Whether a bucket has Object Lock.
    ///
    /// # Errors
    /// That the upstream cannot tell.
    pub(crate) async fn has_object_lock(
        &self,
        region: &str,
        bucket: &str,
    ) -> Result<bool, ServiceError> {
        let named = json!({"Bucket": bucket});
        let found = self.ask_in(region, Service::S3, "GetObjectLockConfiguration", named).await;
        match found {
            Ok(found) => {
                let own = found.get("ObjectLockConfiguration").unwrap_or(&found);
                Ok(read::text(own, "ObjectLockEnabled") == Some("Enabled"))
            }
            Err(error) if error.status == 404 => Ok(false),
            Err(error) => Err(error),
        }
    }
}
