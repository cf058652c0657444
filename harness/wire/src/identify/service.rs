//! Which service a request addresses.

use bytes::Bytes;
use http::Method;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::request::Parts;

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
        None => of_anonymous(view)?,
    };
    let bucket = host.bucket.filter(|_| service == Service::S3);
    Ok(Target { service, region: scope.map(|scope| scope.region).or(host.region), bucket })
}

/// The scope of a credential: `AKID/DATE/REGION/SERVICE/aws4_request`.
struct Scope {
    region: String,
    service: String,
}

fn scope(view: &View<'_>) -> Result<Option<Scope>, Refusal> {
    let header = view.header(AUTHORIZATION.as_str())?;
    let credential = match (header, &view.presigned_credential) {
        (Some(_), Some(_)) => {
            return Err(Refusal::Request(
                "the request is signed in its header and in its query string".to_owned(),
            ));
        }
        (None, None) => return Ok(None),
        (None, Some(credential)) => credential.as_str(),
        (Some(header), None) => header
            .strip_prefix("AWS4-HMAC-SHA256")
            .and_then(|fields| {
                fields.split([',', ' ']).find_map(|field| field.trim().strip_prefix("Credential="))
            })
            .ok_or_else(|| {
                Refusal::Request(
                    "the header `Authorization` is not a Signature Version 4 credential".to_owned(),
                )
            })?,
    };
    // An access key id has no slash, so the scope is the last four parts.
    let mut fields = credential.rsplitn(5, '/');
    match (fields.next(), fields.next(), fields.next()) {
        (Some("aws4_request"), Some(service), Some(region)) => {
            Ok(Some(Scope { region: region.to_owned(), service: service.to_owned() }))
        }
        _ => Err(Refusal::Request(format!(
            "the credential scope `{credential}` does not end in `REGION/SERVICE/aws4_request`"
        ))),
    }
}

/// The services that sign with the scope's name.
fn by_scope(scope: Option<&Scope>) -> Result<&'static [Service], Refusal> {
    let Some(scope) = scope else { return Ok(&[]) };
    match Service::by_signing_name(&scope.service) {
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
        let aws =
            host.strip_suffix(".amazonaws.com").or_else(|| host.strip_suffix(".amazonaws.com.cn"));
        if let Some(labels) = aws {
            return Self::aws(labels);
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
                .filter(|it| !it.is_empty() && !it.contains('.'))
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
    let named = view.and_then(|view| {
        let services = by_scope(scope(&view)?.as_ref())?;
        Ok(alike::guess(&view, services))
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
    } else if content_type.starts_with("application/x-www-form-urlencoded") {
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
