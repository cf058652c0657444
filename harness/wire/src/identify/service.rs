//! Which service a request addresses.

use bytes::Bytes;
use http::Method;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::request::Parts;
use ringfence_models::Partition;

use super::alike;
use super::cbor;
use super::form;
use super::refusal::Refusal;
use super::view::View;
use crate::operation::{Protocol, Service};

/// What a request addresses.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) service: Service,
    pub(super) region: Option<String>,
    /// The bucket that S3's virtual host names.
    pub(super) bucket: Option<String>,
}

/// What a request addresses. The credential scope, `X-Amz-Target`, a path of
/// RPC and a real AWS host each name services; where more than one does, they
/// must agree.
pub(super) fn target(view: &View<'_>) -> Result<Target, Refusal> {
    let scope = scope(view)?;
    let host = view.host()?.map(|host| Host::read(&host)).unwrap_or_default();
    let named = [
        ("credential scope", by_scope(scope.as_ref())?),
        ("header `X-Amz-Target`", by_target(view)?),
        ("path", by_path(view)?),
        ("host", host.services),
    ];
    let mut named = named.iter().filter(|(_, services)| !services.is_empty());
    let service = match named.next() {
        Some((source, services)) => {
            let mut left = services.to_vec();
            for (other_source, others) in named {
                left.retain(|service| others.contains(service));
                if left.is_empty() {
                    return Err(Refusal::Service(format!(
                        "the {source} names {} but the {other_source} names {}",
                        alike::named(services),
                        alike::named(others)
                    )));
                }
            }
            alike::one_of(view, &left)?
        }
        None if scope.is_none() && view.headers().contains_key(AUTHORIZATION) => {
            return Err(no_credential());
        }
        None => of_anonymous(view)?,
    };
    let bucket = host.bucket.filter(|_| service == Service::S3);
    Ok(Target { service, region: scope.and_then(|scope| scope.region).or(host.region), bucket })
}

/// The scope of a credential: `AKID/DATE/REGION/SERVICE/aws4_request`, or without
/// the region.
struct Scope {
    region: Option<String>,
    service: String,
}

/// The algorithm of signatures that hold in several regions, of which a header
/// tells in place of the scope
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html#reference_sigv_sigv4a>).
/// What is signed so is identified, and refused by the algorithm's name where the
/// signature is checked; so is what brings a bearer token.
const IN_REGIONS: &str = "AWS4-ECDSA-P256-SHA256";

fn no_credential() -> Refusal {
    Refusal::Request(
        "the header `Authorization` is not a Signature Version 4 credential".to_owned(),
    )
}

fn scope(view: &View<'_>) -> Result<Option<Scope>, Refusal> {
    let header = view.header(AUTHORIZATION.as_str())?;
    let credential = match (header, &view.presigned) {
        (Some(_), Some(_)) => {
            return Err(Refusal::Request(
                "the request is signed in its header and in its query string".to_owned(),
            ));
        }
        (None, None) => return Ok(None),
        (None, Some(presigned)) if presigned.algorithm.as_deref() == Some(IN_REGIONS) => {
            return in_regions(&presigned.credential, presigned.region_set.as_deref()).map(Some);
        }
        (None, Some(presigned)) => presigned.credential.as_str(),
        (Some(header), None) => {
            let (algorithm, fields) = header.split_once(' ').unwrap_or((header, ""));
            if algorithm == "Bearer" {
                return Ok(None);
            }
            let credential = fields
                .split([',', ' '])
                .find_map(|field| field.trim().strip_prefix("Credential="))
                .filter(|_| matches!(algorithm, "AWS4-HMAC-SHA256" | IN_REGIONS))
                .ok_or_else(no_credential)?;
            if algorithm == IN_REGIONS {
                return in_regions(credential, view.header("x-amz-region-set")?).map(Some);
            }
            credential
        }
    };
    // An access key id has no slash, so the scope is the last four parts.
    let mut fields = credential.rsplitn(5, '/');
    match (fields.next(), fields.next(), fields.next()) {
        (Some("aws4_request"), Some(service), Some(region)) => {
            Ok(Some(Scope { region: Some(region.to_owned()), service: service.to_owned() }))
        }
        _ => Err(Refusal::Request(format!(
            "the credential scope `{credential}` does not end in `REGION/SERVICE/aws4_request`"
        ))),
    }
}

/// The scope of a credential for several regions: `AKID/DATE/SERVICE/aws4_request`.
fn in_regions(credential: &str, regions: Option<&str>) -> Result<Scope, Refusal> {
    let mut fields = credential.rsplitn(4, '/');
    let (Some("aws4_request"), Some(service), Some(_), Some(_)) =
        (fields.next(), fields.next(), fields.next(), fields.next())
    else {
        return Err(Refusal::Request(format!(
            "the credential scope `{credential}` does not end in `SERVICE/aws4_request`"
        )));
    };
    let region = regions.filter(|regions| !regions.is_empty() && !regions.contains(['*', ',']));
    Ok(Scope { region: region.map(str::to_owned), service: service.to_owned() })
}

/// The services that sign with the scope's name. Import/Export has another one in
/// its endpoint's rules than in its model (botocore,
/// `data/importexport/2010-06-01/endpoint-rule-set-1.json`).
fn by_scope(scope: Option<&Scope>) -> Result<&'static [Service], Refusal> {
    let Some(scope) = scope else { return Ok(&[]) };
    let name = match scope.service.as_str() {
        "IngestionService" => "importexport",
        name => name,
    };
    match Service::by_signing_name(name) {
        [] => Err(Refusal::Service(format!("the service `{}` is not supported", scope.service))),
        services => Ok(services),
    }
}

fn by_target(view: &View<'_>) -> Result<&'static [Service], Refusal> {
    let Some(target) = view.header("x-amz-target")? else { return Ok(&[]) };
    let prefix = target.rsplit_once('.').map_or(target, |(prefix, _)| prefix);
    match Service::by_target_prefix(prefix) {
        [] => Err(Refusal::Service(format!(
            "the header `X-Amz-Target` names no supported service: `{target}`"
        ))),
        services => Ok(services),
    }
}

fn by_path(view: &View<'_>) -> Result<&'static [Service], Refusal> {
    if !cbor::is_cbor(view)? {
        return Ok(&[]);
    }
    let named = cbor::path(view).map(|(name, _)| Service::by_target_prefix(name));
    named.filter(|services| !services.is_empty()).ok_or_else(|| {
        Refusal::Service(format!(
            "the path names no supported service: `{}`",
            view.parts.uri.path()
        ))
    })
}

/// How a request to a service is written. What it lists alone counts.
pub(super) fn protocol(view: &View<'_>, service: Service) -> Protocol {
    let spoken = alike::spoken(view, service);
    if service.protocols().contains(&spoken) { spoken } else { service.protocol() }
}

/// An unsigned request: a query call by its API version (the SDKs send
/// `AssumeRoleWithWebIdentity` so), else S3's anonymous access.
fn of_anonymous(view: &View<'_>) -> Result<Service, Refusal> {
    if form::is_form(view) {
        let pairs = form::pairs(view)?;
        let of = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value);
        if let Some(action) = of("Action") {
            let version = of("Version").map_or("", String::as_str);
            return match Service::by_api_version(version) {
                [] => Err(Refusal::Service(format!(
                    "no supported service has the action `{action}` of version `{version}`"
                ))),
                services => alike::one_of(view, services),
            };
        }
    }
    match view.parts.method {
        Method::GET | Method::HEAD | Method::PUT | Method::POST | Method::DELETE => Ok(Service::S3),
        ref other => Err(Refusal::Service(format!("an unsigned {other} request names no service"))),
    }
}

/// What a host names.
#[derive(Debug, Default, PartialEq, Eq)]
struct Host {
    /// The services that it may be of.
    services: &'static [Service],
    region: Option<String>,
    bucket: Option<String>,
}

impl Host {
    /// Reads a host name; one that is not AWS's says nothing, but `s3.localhost`
    /// and `BUCKET.s3.localhost` do, and `BUCKET.localhost` names a bucket.
    fn read(host: &str) -> Self {
        let aws = Partition::all().iter().find_map(|partition| {
            [partition.dns_suffix, partition.dual_stack_dns_suffix]
                .into_iter()
                .find_map(|suffix| host.strip_suffix(suffix)?.strip_suffix('.'))
        });
        if let Some(labels) = aws {
            return Self::aws(labels);
        }
        // Signing in has a domain of its own
        // (<https://docs.aws.amazon.com/signin/latest/userguide/allowlist-domains.html>).
        if let Some(region) = host.strip_suffix(".signin.aws.amazon.com") {
            let services = Service::by_endpoint_prefix("signin");
            return Self { services, region: Some(region.to_owned()), bucket: None };
        }
        let local = host
            .strip_suffix(".localhost.localstack.cloud")
            .or_else(|| host.strip_suffix(".localhost"));
        let Some(labels) = local else { return Self::default() };
        let mut found = Self::s3(labels).unwrap_or_default();
        // botocore puts a bucket before any host name that is no address.
        if found.services.is_empty() && !labels.contains('.') {
            found.bucket = Some(labels.to_owned());
        }
        found
    }

    /// Labels before `.amazonaws.com`.
    fn aws(labels: &str) -> Self {
        if let Some(found) = Self::s3(labels) {
            return found;
        }
        // A prefix may have dots: `api.ecr`, `runtime.sagemaker`.
        let ends = labels.match_indices('.').map(|(at, _)| at).chain([labels.len()]);
        let found = ends
            .filter_map(|end| {
                let (prefix, rest) = labels.split_at_checked(end)?;
                let services = Service::by_endpoint_prefix(prefix);
                (!services.is_empty()).then_some((services, rest))
            })
            .next_back();
        let (services, rest) = match found {
            Some((services, rest)) => (services, rest),
            None => (&[] as &[Service], labels.split_once('.').map_or("", |(_, rest)| rest)),
        };
        let region = rest.strip_prefix('.').unwrap_or(rest);
        Self {
            services,
            region: Some(region)
                .filter(|it| !it.is_empty() && !it.contains('.') && *it != "global")
                .map(str::to_owned),
            bucket: None,
        }
    }

    /// `[BUCKET.]s3[.dualstack][.REGION]` and `[BUCKET.]s3-REGION`.
    fn s3(labels: &str) -> Option<Self> {
        let (bucket, rest) = labels.rmatch_indices("s3").find_map(|(at, _)| {
            let (before, rest) = labels.split_at_checked(at)?;
            let bucket = match before {
                "" => None,
                before => Some(before.strip_suffix('.')?.to_owned()),
            };
            Some((bucket, Self::s3_region(rest.strip_prefix("s3")?)?))
        })?;
        Some(Self { services: S3, region: rest, bucket })
    }

    /// The region after `s3`; the outer `None` where this is no S3 host.
    fn s3_region(rest: &str) -> Option<Option<String>> {
        let rest = rest.strip_prefix(".dualstack").unwrap_or(rest);
        match rest {
            "" | "-external-1" => Some(None),
            rest => {
                let region = rest.strip_prefix('.').or_else(|| rest.strip_prefix('-'))?;
                // `eu-west-1`, `us-gov-west-1`.
                let mut fields = region.rsplit('-');
                let number = fields.next().unwrap_or_default();
                let is_name = |it: &str| it.bytes().all(|byte| byte.is_ascii_lowercase());
                let plain = !number.is_empty()
                    && number.bytes().all(|byte| byte.is_ascii_digit())
                    && region.matches('-').count() >= 2
                    && fields.all(is_name);
                plain.then(|| Some(region.to_owned()))
            }
        }
    }
}

/// What S3's own hosts name.
const S3: &[Service] = &[Service::S3];

/// In whose protocol to answer a request that cannot be identified.
pub(super) fn dialect(parts: &Parts) -> Service {
    let body = Bytes::new();
    let view = View::new(parts, &body);
    // Only a form that may name an action is one; an upload may have any type.
    let is_form = view.as_ref().map_or(true, form::is_form);
    let named = view.map(|view| {
        if is_signed_by_v2(&view) {
            return Some(Service::S3);
        }
        let scope = scope(&view).ok().flatten();
        // A path of RPC names its service whoever signs; of one that is not known, the
        // answer is in CBOR all the same.
        let by_path = || match cbor::is_cbor(&view) {
            Ok(true) => by_path(&view).ok().or(Some(Service::by_endpoint_prefix("monitoring"))),
            Ok(false) | Err(_) => None,
        };
        let services = by_scope(scope.as_ref()).ok().filter(|named| !named.is_empty());
        services
            .and_then(|services| alike::guess(&view, services))
            .filter(|service| !cbor::is_cbor(&view).unwrap_or(false) || speaks_cbor(*service))
            .or_else(|| alike::guess(&view, by_path()?))
    });
    if let Ok(Some(service)) = named {
        return service;
    }
    let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    // Unsigned, as the calls are by which users sign in.
    let target = header("x-amz-target").and_then(|target| target.rsplit_once('.'));
    if let Some((prefix, _)) = target.filter(|_| header(AUTHORIZATION.as_str()).is_none())
        && let [service] = Service::by_target_prefix(prefix)
    {
        return *service;
    }
    let content_type = header(CONTENT_TYPE.as_str()).unwrap_or_default();
    let authorization = header(AUTHORIZATION.as_str()).unwrap_or_default();
    if parts.headers.contains_key("x-amz-target")
        || content_type.starts_with("application/x-amz-json")
    {
        Service::Ssm
    } else if is_form && content_type.starts_with("application/x-www-form-urlencoded") {
        if authorization.contains("/ec2/aws4_request") { Service::Ec2 } else { Service::Sts }
    } else if authorization.contains("/s3/aws4_request")
        || authorization.is_empty()
        // Signature Version 2, whose header S3 alone has had
        // (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/RESTAuthentication.html>).
        || authorization.starts_with("AWS ")
    {
        Service::S3
    } else {
        Service::ApiGatewayV2
    }
}

/// Whether it is signed by Signature Version 2 in its URL, as S3 alone has it: query
/// calls name their action.
fn is_signed_by_v2(view: &View<'_>) -> bool {
    let has = |name: &str| view.query.iter().any(|(key, _)| key == name);
    has("AWSAccessKeyId") && has("Signature") && !has("Action")
}

fn speaks_cbor(service: Service) -> bool {
    service.protocols().contains(&Protocol::Cbor)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("s3.amazonaws.com", &[Service::S3], None, None)]
    #[case("s3.eu-west-1.amazonaws.com", &[Service::S3], Some("eu-west-1"), None)]
    #[case("s3-eu-west-1.amazonaws.com", &[Service::S3], Some("eu-west-1"), None)]
    #[case("s3.dualstack.eu-west-1.amazonaws.com", &[Service::S3], Some("eu-west-1"), None)]
    #[case("b.s3.amazonaws.com", &[Service::S3], None, Some("b"))]
    #[case(
        "my.s3.bucket.s3.eu-west-1.amazonaws.com",
        &[Service::S3],
        Some("eu-west-1"),
        Some("my.s3.bucket")
    )]
    #[case("s3.localhost", &[Service::S3], None, None)]
    #[case("b.s3.localhost", &[Service::S3], None, Some("b"))]
    #[case("b.s3.localhost.localstack.cloud", &[Service::S3], None, Some("b"))]
    #[case("b.localhost", &[], None, Some("b"))]
    #[case("abc.execute-api.localhost", &[], None, None)]
    #[case("localhost", &[], None, None)]
    #[case("127.0.0.1", &[], None, None)]
    #[case("iam.amazonaws.com", &[Service::Iam], None, None)]
    #[case("secretsmanager.us-east-1.amazonaws.com", &[Service::SecretsManager], Some("us-east-1"), None)]
    #[case(
        "apigateway.us-east-1.amazonaws.com",
        &[Service::ApiGateway, Service::ApiGatewayV2],
        Some("us-east-1"),
        None
    )]
    #[case(
        "api.ecr.eu-west-1.amazonaws.com",
        Service::by_signing_name("ecr"),
        Some("eu-west-1"),
        None
    )]
    #[case("rds.eu-west-1.amazonaws.com", Service::by_signing_name("rds"), Some("eu-west-1"), None)]
    #[case("abc.execute-api.us-east-1.amazonaws.com", &[], None, None)]
    #[case("codecatalyst.global.api.aws", Service::by_endpoint_prefix("codecatalyst"), None, None)]
    #[case(
        "eu-west-1.signin.aws.amazon.com",
        Service::by_endpoint_prefix("signin"),
        Some("eu-west-1"),
        None
    )]
    #[case("example.com", &[], None, None)]
    fn hosts(
        #[case] host: &str,
        #[case] services: &'static [Service],
        #[case] region: Option<&str>,
        #[case] bucket: Option<&str>,
    ) {
        let expected =
            Host { services, region: region.map(str::to_owned), bucket: bucket.map(str::to_owned) };
        assert_eq!(Host::read(host), expected);
    }
}
