//! Compressed bodies. SDKs compress what they send to operations that take it
//! (<https://smithy.io/2.0/spec/behavior-traits.html#requestcompression-trait>):
//! `PutMetricData` from 10 KB on.

use std::io::Read as _;

use bytes::Bytes;
use flate2::read::GzDecoder;
use http::header::CONTENT_ENCODING;

use super::bounds::body_limit;
use super::refusal::Refusal;
use super::view::View;
use crate::operation::Service;

/// The body without its compression; none where it has none. Of S3 it is how an
/// object is stored, and no part of the request.
pub(super) fn inflated(view: &View<'_>, service: Service) -> Result<Option<Bytes>, Refusal> {
    let encoding = view.header(CONTENT_ENCODING.as_str())?.unwrap_or_default();
    if service == Service::S3 || !encoding.eq_ignore_ascii_case("gzip") {
        return Ok(None);
    }
    let limit = body_limit(service);
    let mut body = Vec::new();
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    GzDecoder::new(view.body.as_ref())
        .take(most)
        .read_to_end(&mut body)
        .map_err(|error| Refusal::Request(format!("the body is not gzip: {error}")))?;
    if body.len() > limit {
        return Err(Refusal::TooLarge { limit });
    }
    Ok(Some(body.into()))
}
