//! Reading a request's body: within the size that its service takes, in time,
//! and within the guard's memory.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use tokio::time::{Instant, timeout, timeout_at};

use crate::memory::{Memory, Spent};

/// How long nothing may arrive: S3 closes idle connections after 20 seconds
/// (<https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>,
/// `RequestTimeout`).
const IDLE: Duration = Duration::from_secs(20);
/// How long any body may take.
const AT_LEAST: Duration = Duration::from_secs(60);
/// And how much longer a large one may, by the byte.
const SLOWEST: usize = 256 * 1024;

/// Why a body was not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unread {
    /// It is larger than the limit; its size, where it was told.
    TooLarge(Option<u64>),
    /// It did not arrive in time.
    Late,
    /// The connection broke off.
    Broken(String),
    /// Others hold the memory.
    Spent,
}

impl From<Spent> for Unread {
    fn from(_: Spent) -> Self {
        Self::Spent
    }
}

/// Reads a body of up to `limit` bytes.
///
/// # Errors
/// [`Unread`].
pub(crate) async fn read(
    mut body: Incoming,
    limit: usize,
    memory: &Memory,
) -> Result<Bytes, Unread> {
    let declared = body.size_hint().exact();
    let size = match declared.map(usize::try_from) {
        Some(Ok(size)) if size <= limit => Some(size),
        Some(_) => return Err(Unread::TooLarge(declared)),
        None => None,
    };
    let mut reserved = match size {
        Some(size) => memory.reserve(size).await?,
        None => memory.begin(),
    };
    let seconds = u64::try_from(size.unwrap_or(limit) / SLOWEST).unwrap_or(u64::MAX);
    let end = Instant::now() + AT_LEAST + Duration::from_secs(seconds);
    let mut read = Vec::with_capacity(size.unwrap_or_default());
    loop {
        let frame = timeout_at(end, timeout(IDLE, body.frame()));
        let Ok(Ok(frame)) = frame.await else { return Err(Unread::Late) };
        let Some(frame) = frame else { return Ok(reserved.hold(read)) };
        let frame = frame.map_err(|cause| Unread::Broken(cause.to_string()))?;
        let Ok(data) = frame.into_data() else { continue };
        let total = read.len().saturating_add(data.len());
        if total > limit {
            return Err(Unread::TooLarge(None));
        }
        if size.is_none() {
            reserved.grow_to(total)?;
        }
        read.extend_from_slice(&data);
    }
}
