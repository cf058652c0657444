//! Services that share a name: which of them a request is for.

use http::HeaderMap;

use super::cbor;
use super::form;
use super::refusal::Refusal;
use super::rest;
use super::view::View;
use crate::operation::{Operation, Protocol, Service};

/// The first segment of S3 Control's paths, which could be a bucket.
const S3_CONTROL: &str = "/v20180820/";

/// The one of these services that the request is for: by its protocol, its
/// operation and its path. Where several have what is asked for, and it needs
/// the same actions in each, the one that the name is taken from answers for all
/// (`ringfence-models` lists them in `tests/alike.txt`).
pub(super) fn one_of(view: &View<'_>, services: &[Service]) -> Result<Service, Refusal> {
    if let [only] = services {
        return Ok(*only);
    }
    let fitting: Vec<_> = services
        .iter()
        .map(|service| (*service, operations(view, *service)))
        .filter(|(_, operations)| !operations.is_empty())
        .collect();
    let Some((first, rest)) = fitting.split_first() else {
        let guess = guess(view, services);
        return guess.ok_or_else(|| Refusal::Service("the request names no service".to_owned()));
    };
    let needed = |operations: &[&Operation]| {
        operations.iter().map(|operation| operation.actions.clone()).collect::<Vec<_>>()
    };
    if let Some((other, _)) = rest.iter().find(|(_, other)| needed(other) != needed(&first.1)) {
        return Err(Refusal::Service(format!(
            "the request could be for {} or {}",
            first.0.name(),
            other.name()
        )));
    }
    let named: Vec<Service> = fitting.iter().map(|(service, _)| *service).collect();
    Ok(preferred(&named).unwrap_or(first.0))
}

/// The most probable of these services: for the form of an error alone.
pub(super) fn guess(view: &View<'_>, services: &[Service]) -> Option<Service> {
    let fits = |service: &&Service| !operations(view, **service).is_empty();
    let fitting: Vec<Service> = services.iter().filter(fits).copied().collect();
    let spoken: Vec<Service> =
        services.iter().filter(|service| speaks(view, **service)).copied().collect();
    let begun: Vec<Service> =
        spoken.iter().filter(|service| begins(view, **service)).copied().collect();
    let likely = preferred(&fitting).or_else(|| preferred(&begun)).or_else(|| own(services));
    likely.or_else(|| preferred(&spoken)).or_else(|| preferred(services))
}

/// Whether paths of the service begin as the request's does: `/v2/…` is of the
/// newer API Gateway.
fn begins(view: &View<'_>, service: Service) -> bool {
    let first = |path: &str| path.split('/').nth(1).unwrap_or_default().to_owned();
    let asked = first(view.parts.uri.path());
    service.model().operations.iter().any(|operation| first(operation.path()) == asked)
}

/// The service whose id is the name that they share.
fn own(services: &[Service]) -> Option<Service> {
    services.iter().find(|service| service.name() == service.signing_name()).copied()
}

/// The same, else the first.
fn preferred(services: &[Service]) -> Option<Service> {
    own(services).or_else(|| services.first().copied())
}

fn has(headers: &HeaderMap, name: &str) -> bool {
    headers.contains_key(name)
}

/// What services that share a name are called together.
pub(super) fn named(services: &[Service]) -> &'static str {
    preferred(services).map_or("", Service::name)
}

/// How the request is written, as far as its head tells.
fn form_of(view: &View<'_>) -> &'static [Protocol] {
    if cbor::is_cbor(view).unwrap_or(false) {
        &[Protocol::Cbor]
    } else if has(view.headers(), "x-amz-target") {
        &[Protocol::Json]
    } else if form::is_form(view) {
        &[Protocol::Query, Protocol::Ec2]
    } else {
        &[Protocol::RestJson, Protocol::RestXml]
    }
}

/// The service's protocol that the request is written in, as far as its head
/// tells. Two services that speak the query protocol no more still take it.
pub(super) fn spoken(view: &View<'_>, service: Service) -> Protocol {
    let form = form_of(view);
    let listed = service.protocols().iter().copied().find(|protocol| form.contains(protocol));
    match listed {
        Some(protocol) => protocol,
        None if service.query_compatible() && form.contains(&Protocol::Query) => Protocol::Query,
        None => service.protocol(),
    }
}

fn speaks(view: &View<'_>, service: Service) -> bool {
    service.protocols().iter().any(|protocol| form_of(view).contains(protocol))
}

/// The operations of the service that the request may be. What cannot be read
/// is none; why is said when the request is.
fn operations(view: &View<'_>, service: Service) -> Vec<&'static Operation> {
    if !speaks(view, service) {
        return Vec::new();
    }
    let named = match form_of(view) {
        [Protocol::Cbor] => cbor::path(view).map(|(_, name)| name.to_owned()),
        [Protocol::Json] => target(view),
        [Protocol::Query, ..] => action(view, service),
        // A key of S3's may hold anything, and any path may be one. S3 takes no
        // header that names an account.
        _ if matches!(service, Service::S3 | Service::S3Control) => {
            let control = view.parts.uri.path().starts_with(S3_CONTROL)
                && has(view.headers(), "x-amz-account-id");
            let is_it = control == (service == Service::S3Control);
            return service.model().operations.iter().take(usize::from(is_it)).collect();
        }
        _ => return rest::candidates(view, service).map(<[_]>::to_vec).unwrap_or_default(),
    };
    named.and_then(|name| service.operation(&name)).into_iter().collect()
}

fn target(view: &View<'_>) -> Option<String> {
    let target = view.header("x-amz-target").ok()??;
    target.rsplit_once('.').map(|(_, name)| name.to_owned())
}

fn action(view: &View<'_>, service: Service) -> Option<String> {
    let pairs = form::pairs(view).ok()?;
    let of = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|pair| pair.1.as_str());
    of("Action").filter(|_| of("Version") == Some(service.api_version())).map(str::to_owned)
}
