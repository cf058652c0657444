//! Object Lock: what nobody may delete or loosen before its time
//! (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html>).
//! The answers are those that LocalStack recorded on AWS (`test_s3.py`,
//! `TestS3ObjectLockRetention`, `TestS3ObjectLockLegalHold`; `test_s3_api.py`,
//! `TestS3ObjectLock`).

use ringfence_wire::{Call, Reply, Service, ServiceError};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::directory::{Directory, Mode, ObjectLock, Retention};

/// Checks a call against what keeps its object.
///
/// # Errors
/// What S3 answers to a call that Object Lock forbids, or that the upstream
/// cannot tell what keeps the object.
pub(crate) async fn check(
    call: &Call,
    directory: &Directory,
    now: OffsetDateTime,
) -> Result<(), ServiceError> {
    let bucket = call.text("Bucket").unwrap_or_default();
    match call.name() {
        "CopyObject" | "CreateMultipartUpload" | "PutObject" => new_version(call, now),
        "PutObjectRetention" => {
            let wanted = wanted(call, now)?;
            has_lock(call, directory, bucket).await?;
            let own = lock_of(call, directory).await?;
            match own.retention.filter(|own| own.until > now) {
                Some(own) if !may_become(own, wanted, bypasses(call)) => Err(protected()),
                _ => Ok(()),
            }
        }
        "GetObjectLegalHold" | "PutObjectLegalHold" => has_lock(call, directory, bucket).await,
        "DeleteObject" => {
            let bypass = call.input.contains_key(BYPASS);
            // Without a version a delete marker is put, whatever is locked.
            let version = call.text("VersionId").is_some();
            if !bypass && !version {
                return Ok(());
            }
            // Without Object Lock nothing keeps a version, `null` among them, which
            // moto cannot show.
            let has_lock = directory.has_object_lock(&call.region, bucket).await?;
            if bypass && !has_lock {
                return Err(ServiceError::new(
                    400,
                    "InvalidArgument",
                    "x-amz-bypass-governance-retention is only applicable to Object Lock enabled \
                     buckets.",
                )
                .with("ArgumentName", "x-amz-bypass-governance-retention"));
            }
            if version && has_lock && is_kept(lock_of(call, directory).await?, now, bypasses(call))
            {
                return Err(protected());
            }
            Ok(())
        }
        "PutBucketVersioning" => {
            let status = call.input.get("VersioningConfiguration");
            let status = status.and_then(|it| it.get("Status")).and_then(Value::as_str);
            if status != Some("Enabled") && directory.has_object_lock(&call.region, bucket).await? {
                return Err(ServiceError::new(
                    409,
                    "InvalidBucketState",
                    "An Object Lock configuration is present on this bucket, so the versioning \
                     state cannot be changed.",
                ));
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// An object's retention, which not every upstream tells.
///
/// # Errors
/// What S3 answers where there is none, or that the upstream cannot tell.
pub(crate) async fn retention(
    call: &Call,
    directory: &Directory,
) -> Result<Option<Reply>, ServiceError> {
    if (call.service(), call.name()) != (Service::S3, "GetObjectRetention") {
        return Ok(None);
    }
    let bucket = call.text("Bucket").unwrap_or_default();
    if directory.has_object_lock(&call.region, bucket).await? {
        let Some(own) = lock_of(call, directory).await?.retention else {
            return Err(ServiceError::new(
                404,
                "NoSuchObjectLockConfiguration",
                "The specified object does not have a ObjectLock configuration",
            ));
        };
        let until = own.until.format(&Rfc3339).unwrap_or_default();
        let told = json!({"Mode": own.mode.name(), "RetainUntilDate": until});
        return Ok(Some(Reply::fields(json!({"Retention": told}))));
    }
    Err(no_lock())
}

const BYPASS: &str = "BypassGovernanceRetention";

/// Whether a call bypasses governance; whether it may is decided before.
fn bypasses(call: &Call) -> bool {
    call.input.get(BYPASS).is_some_and(|flag| match flag {
        Value::Bool(flag) => *flag,
        Value::String(text) => text.eq_ignore_ascii_case("true"),
        _ => false,
    })
}

async fn has_lock(call: &Call, directory: &Directory, bucket: &str) -> Result<(), ServiceError> {
    // What is not there at all is the upstream's to tell.
    if !directory.has_bucket(&call.region, bucket).await?
        || directory.has_object_lock(&call.region, bucket).await?
    {
        return Ok(());
    }
    Err(no_lock())
}

async fn lock_of(call: &Call, directory: &Directory) -> Result<ObjectLock, ServiceError> {
    let (bucket, key) = (call.text("Bucket"), call.text("Key"));
    let (bucket, key) = (bucket.unwrap_or_default(), key.unwrap_or_default());
    let own = directory.object_lock(&call.region, bucket, key, call.text("VersionId")).await?;
    Ok(own.unwrap_or_default())
}

/// Whether a version cannot be deleted.
fn is_kept(own: ObjectLock, now: OffsetDateTime, bypasses: bool) -> bool {
    let retained = own.retention.filter(|own| own.until > now).is_some_and(|own| match own.mode {
        Mode::Compliance => true,
        Mode::Governance => !bypasses,
    });
    retained || own.is_held
}

/// Whether a retention that has not ended may become another. In compliance mode
/// it can be made longer, and nothing else, by nobody; in governance mode that is
/// all without the permission to bypass it.
fn may_become(own: Retention, wanted: Option<Retention>, bypasses: bool) -> bool {
    let extended = wanted.is_some_and(|new| new.mode == own.mode && new.until >= own.until);
    extended || (own.mode == Mode::Governance && bypasses)
}

/// The retention that a call asks for; none where it takes it away.
fn wanted(call: &Call, now: OffsetDateTime) -> Result<Option<Retention>, ServiceError> {
    let retention = call.input.get("Retention");
    let member = |name: &str| retention.and_then(|it| it.get(name)).and_then(Value::as_str);
    let (mode, until) = match (member("Mode"), member("RetainUntilDate")) {
        (None, None) => return Ok(None),
        (Some(mode), Some(until)) => (mode, until),
        _ => return Err(ServiceError::malformed_xml()),
    };
    let mode = Mode::of(mode).ok_or_else(ServiceError::malformed_xml)?;
    let until =
        OffsetDateTime::parse(until, &Rfc3339).map_err(|_| ServiceError::malformed_xml())?;
    if until <= now {
        return Err(in_the_past("RetainUntilDate"));
    }
    Ok(Some(Retention { mode, until }))
}

/// What a new version asks for.
fn new_version(call: &Call, now: OffsetDateTime) -> Result<(), ServiceError> {
    const MODE: &str = "x-amz-object-lock-mode";
    const UNTIL: &str = "x-amz-object-lock-retain-until-date";
    let invalid = |name: &str, message: &str| {
        ServiceError::new(400, "InvalidArgument", message.to_owned()).with("ArgumentName", name)
    };
    let both =
        "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied";
    let (mode, until) = match (call.text("ObjectLockMode"), call.text("ObjectLockRetainUntilDate"))
    {
        (None, None) => return Ok(()),
        (Some(_), None) => return Err(invalid(UNTIL, both)),
        (None, Some(_)) => return Err(invalid(MODE, both)),
        (Some(mode), Some(until)) => (mode, until),
    };
    if Mode::of(mode).is_none() {
        let error = invalid(MODE, "Unknown wormMode directive.");
        return Err(error.with("ArgumentValue", mode));
    }
    let until = OffsetDateTime::parse(until, &Rfc3339)
        .map_err(|_| invalid(UNTIL, "The retain until date must be provided in ISO 8601 format"))?;
    match until > now {
        true => Ok(()),
        false => Err(in_the_past(UNTIL)),
    }
}

fn in_the_past(argument: &str) -> ServiceError {
    let message = "The retain until date must be in the future!";
    ServiceError::new(400, "InvalidArgument", message).with("ArgumentName", argument)
}

fn no_lock() -> ServiceError {
    ServiceError::new(400, "InvalidRequest", "Bucket is missing Object Lock Configuration")
}

fn protected() -> ServiceError {
    let message = "Access Denied because object protected by object lock.";
    ServiceError::new(403, "AccessDenied", message)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-11-28 00:00 UTC);
    const GOVERNED: Retention =
        Retention { mode: Mode::Governance, until: datetime!(2030-01-01 00:00 UTC) };
    const COMPLIANT: Retention = Retention { mode: Mode::Compliance, ..GOVERNED };

    fn longer(own: Retention) -> Retention {
        Retention { until: datetime!(2031-01-01 00:00 UTC), ..own }
    }

    fn shorter(own: Retention) -> Retention {
        Retention { until: datetime!(2029-01-01 00:00 UTC), ..own }
    }

    #[rstest]
    #[case::governance_longer(GOVERNED, Some(longer(GOVERNED)), false, true)]
    #[case::governance_shorter(GOVERNED, Some(shorter(GOVERNED)), false, false)]
    #[case::governance_shorter_bypassed(GOVERNED, Some(shorter(GOVERNED)), true, true)]
    #[case::governance_removed(GOVERNED, None, false, false)]
    #[case::governance_removed_bypassed(GOVERNED, None, true, true)]
    #[case::governance_to_compliance(GOVERNED, Some(longer(COMPLIANT)), false, false)]
    #[case::governance_to_compliance_bypassed(GOVERNED, Some(COMPLIANT), true, true)]
    #[case::compliance_longer(COMPLIANT, Some(longer(COMPLIANT)), false, true)]
    #[case::compliance_shorter_bypassed(COMPLIANT, Some(shorter(COMPLIANT)), true, false)]
    #[case::compliance_to_governance_bypassed(COMPLIANT, Some(longer(GOVERNED)), true, false)]
    #[case::compliance_removed_bypassed(COMPLIANT, None, true, false)]
    fn a_retention_is_loosened_by_a_bypass_of_governance_alone(
        #[case] own: Retention,
        #[case] wanted: Option<Retention>,
        #[case] bypasses: bool,
        #[case] may: bool,
    ) {
        assert_eq!(may_become(own, wanted, bypasses), may);
    }

    #[rstest]
    #[case::nothing(None, false, false, false)]
    #[case::governance(Some(GOVERNED), false, false, true)]
    #[case::governance_bypassed(Some(GOVERNED), false, true, false)]
    #[case::compliance_bypassed(Some(COMPLIANT), false, true, true)]
    #[case::held_bypassed(None, true, true, true)]
    #[case::ended(
        Some(Retention { until: datetime!(2026-11-27 00:00 UTC), ..COMPLIANT }), false, false, false
    )]
    fn a_version_is_kept_by_its_retention_and_by_a_hold(
        #[case] retention: Option<Retention>,
        #[case] is_held: bool,
        #[case] bypasses: bool,
        #[case] kept: bool,
    ) {
        assert_eq!(is_kept(ObjectLock { retention, is_held }, NOW, bypasses), kept);
    }
}
