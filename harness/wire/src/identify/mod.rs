//! Which service, operation and input a request is.
//!
//! Whatever could be read in two ways is refused: the guard decides by what
//! is read here, and the upstream reads the same bytes again.

mod alike;
mod bounds;
mod cbor;
mod compressed;
mod form;
mod input;
mod json;
mod refusal;
mod rest;
mod rest_xml;
mod s3;
mod service;
#[cfg(test)]
mod tests;
mod view;

use bytes::Bytes;
use http::request::Parts;

use crate::{Call, Protocol, Service, ServiceError};

pub use bounds::{body_limit, too_large};
use refusal::Refusal;
use view::View;

/// Identifies a request. `default_region` is for requests that name none.
///
/// # Errors
/// When the service, the operation or the input cannot be told for certain.
pub fn identify(parts: &Parts, body: &Bytes, default_region: &str) -> Result<Call, ServiceError> {
    let view = View::new(parts, body).map_err(|refusal| refusal.into_error(None))?;
    let target = service::target(&view).map_err(|refusal| refusal.into_error(None))?;
    let service = target.service;
    let error = |refusal: Refusal| refusal.into_error(Some(service));
    match compressed::inflated(&view, service).map_err(error)? {
        None => read(&view, &target, default_region).map_err(error),
        Some(body) => {
            let view = View { body: &body, ..view };
            read(&view, &target, default_region).map_err(error)
        }
    }
}

/// The body of a request without its compression; none where it has none.
///
/// # Errors
/// When it is not what the request says.
pub fn inflated(
    parts: &Parts,
    body: &Bytes,
    service: Service,
) -> Result<Option<Bytes>, ServiceError> {
    View::new(parts, body)
        .and_then(|view| compressed::inflated(&view, service))
        .map_err(|refusal| refusal.into_error(Some(service)))
}

/// Whether the form that is sent to a service brings a signature among its
/// parameters, which nothing here verifies.
pub fn is_signed_in_form(service: Service, body: &Bytes) -> bool {
    let text = std::str::from_utf8(body).unwrap_or_default();
    crate::text::pairs(text).is_ok_and(|pairs| form::is_signed(service, &pairs))
}

/// The service that a request addresses, without looking at its operation:
/// for the protocol of an error that comes before identification.
///
/// # Errors
/// When it cannot be told for certain.
pub fn service(parts: &Parts, body: &Bytes) -> Result<Service, ServiceError> {
    View::new(parts, body)
        .and_then(|view| service::target(&view))
        .map(|target| target.service)
        .map_err(|refusal| refusal.into_error(None))
}

/// The service in whose protocol to answer a request that cannot be
/// identified: a guess for the error's form alone, never for a decision.
pub fn error_dialect(parts: &Parts) -> Service {
    service::dialect(parts)
}

/// How to write an error of the service to a request, identified or not.
pub fn error_protocol(parts: &Parts, service: Service) -> Protocol {
    let body = Bytes::new();
    View::new(parts, &body).map_or(service.protocol(), |view| alike::spoken(&view, service))
}

fn read(view: &View<'_>, target: &service::Target, default_region: &str) -> Result<Call, Refusal> {
    let limit = body_limit(target.service);
    if view.body.len() > limit {
        return Err(Refusal::TooLarge { limit });
    }
    let protocol = service::protocol(view, target.service);
    let (operation, input, payload) = match protocol {
        Protocol::Query | Protocol::Ec2 => form::read(view, target.service)?,
        Protocol::Json => json::read(view, target.service)?,
        Protocol::Cbor => cbor::read(view, target.service)?,
        Protocol::RestJson => rest::read(view, target.service)?,
        Protocol::RestXml if target.service == Service::S3 => {
            s3::read(view, target.bucket.as_deref())?
        }
        Protocol::RestXml => rest_xml::read(view, target.service)?,
    };
    // EC2 says itself what is missing; the guard asks for what it needs.
    if protocol != Protocol::Ec2 {
        input::check_required(operation, &input, payload.is_some())?;
    }
    let region = target.region.as_deref().unwrap_or(default_region).to_owned();
    Ok(Call { operation, region, input, payload })
}
