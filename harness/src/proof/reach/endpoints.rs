//! That functions reach the services of some VPC endpoints, and nothing else outside
//! their VPC but by NAT, where that is allowed.

use std::sync::Arc;

use ringfence_network::network::{Route, Target};
use ringfence_network::offered;
use ringfence_network::traffic::{Cidr, Packet, Traffic, Version};
use ringfence_policy::{Document, Kind, Policies};
use ringfence_prove::{Question, Universe, Verdict, within_sent};

use super::ends::{self, by, interface, routed, ruled, shown};
use super::known::{At, Files, Known};
use super::site::Site;
use crate::access::estate::Estate;
use crate::config::Platform;
use crate::proof::decide::End;

/// What the guard rail is about.
pub(super) const UNIVERSE: &str =
    "every IPv4 and IPv6 address outside the VPC and of its endpoints, every protocol, every port";

/// What functions may reach.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'c> {
    services: &'c [toml::Spanned<String>],
    pub(super) nat: bool,
}

impl<'c> Wanted<'c> {
    /// What the configuration says; `None` where it says nothing.
    pub(super) fn of(platform: Option<&'c Platform>) -> Option<Self> {
        let platform = platform?;
        let services = platform.endpoints.as_deref()?;
        Some(Self { services, nat: platform.nat.as_ref().is_none_or(|nat| *nat.get_ref()) })
    }

    /// Whether an endpoint's service is one of them: by its whole name, or by what stands
    /// after the region in a name of AWS's
    /// (<https://docs.aws.amazon.com/vpc/latest/privatelink/aws-services-privatelink-support.html>).
    fn has(&self, service: &str) -> bool {
        let own = service.strip_prefix("cn.").unwrap_or(service);
        let own = own.strip_prefix("com.amazonaws.").and_then(|rest| rest.split_once('.'));
        let short = own.filter(|(region, _)| is_region(region)).map(|(_, short)| short);
        let mut all = self.services.iter().map(|one| one.get_ref().as_str());
        all.any(|one| one == service || Some(one) == short)
    }
}

fn is_region(text: &str) -> bool {
    let number = text.rsplit('-').next().unwrap_or_default();
    text.matches('-').count() >= 2 && number.bytes().all(|byte| byte.is_ascii_digit())
}

/// Decides it for an interface.
pub(super) fn alone(estate: &Estate, files: Files<'_>, site: &Site, wanted: Wanted<'_>) -> End {
    if let Some(reason) = &site.routes.further {
        return End::Undecided(reason.clone());
    }
    let mut undecided = site.unread.first().cloned();
    for one in offered(&site.network, &interface(site, true)) {
        // Beyond these there is the internet, and no private address.
        let sent = match one.target {
            Target::Nat(_) | Target::InternetGateway(_) | Target::EgressOnly(_) => {
                one.passed.and(&ends::anything())
            }
            _ => one.passed,
        };
        let sent = sent.and(&ends::beyond(site));
        let Some(packet) = shown(&sent) else { continue };
        let way = match one.target {
            Target::Local | Target::Endpoint(_) => continue,
            Target::Nat(_) if wanted.nat => continue,
            Target::Other(reason) if site.routes.unread.contains(reason) => {
                undecided = Some(format!("{packet} leaves, and {reason}"));
                continue;
            }
            Target::Other(_) => None,
            Target::Nat(name) | Target::InternetGateway(name) | Target::EgressOnly(name) => {
                Some(name.clone())
            }
        };
        let path = out(site, &packet, &[]).into_iter();
        let path = path.chain(routed(&site.routes.all, &packet)).chain(way);
        return ends::but(site, by(&sent, "leaves by", path.collect()));
    }
    for at in files.of(&["aws_vpc_endpoint"]) {
        match reached(estate, files, (site, at), wanted) {
            Ok(None) => {}
            Ok(Some((sent, path))) => return ends::but(site, by(&sent, "is reached by", path)),
            Err(reason) => undecided = Some(reason),
        }
    }
    undecided.map_or_else(|| End::Proved(Vec::new()), End::Undecided)
}

/// The beginning of a packet's path: the subnet, the rule of a group and that of the
/// network ACL.
fn out(site: &Site, packet: &Packet, groups: &[String]) -> Vec<String> {
    let [_, acl] = &site.acl;
    let path = [Some(site.subnet.clone()), site.opening(false, packet, groups), ruled(acl, packet)];
    path.into_iter().flatten().collect()
}

/// What reaches an endpoint that is none of those wanted, with its path.
fn reached(
    estate: &Estate,
    files: Files<'_>,
    (site, at): (&Site, At<'_>),
    wanted: Wanted<'_>,
) -> Known<Option<(Traffic, Vec<String>)>> {
    if wanted.has(service(at)?) {
        return Ok(None);
    }
    Ok(led(estate, files, (site, at))?.map(|(sent, path, _)| (sent, path)))
}

/// What an interface sends to an endpoint of its VPC that lets some request through, with
/// its path, and what the endpoint leads to.
pub(super) fn led(
    estate: &Estate,
    files: Files<'_>,
    (site, at): (&Site, At<'_>),
) -> Known<Option<(Traffic, Vec<String>, String)>> {
    let service = service(at)?;
    if at.needed("vpc_id")? != site.vpc {
        return Ok(None);
    }
    let Some((sent, mut path)) = sent(files, site, at)? else { return Ok(None) };
    let Some(policy) = lets_through(estate, files, at)? else { return Ok(None) };
    path.extend([format!("{} ({service})", at.address), policy]);
    Ok(Some((sent, path, service.to_owned())))
}

/// What an endpoint leads to.
fn service<'e>(at: At<'e>) -> Known<&'e str> {
    for name in ["service_name", "resource_configuration_arn", "service_network_arn"] {
        if let Some(text) = at.text(name)? {
            return Ok(text);
        }
    }
    Err(format!("{}: what it leads to is not known", at.address))
}

/// What an interface of functions sends to an endpoint of its VPC, with the path up to it.
fn sent(files: Files<'_>, site: &Site, at: At<'_>) -> Known<Option<(Traffic, Vec<String>)>> {
    match at.text("vpc_endpoint_type")? {
        None | Some("Gateway") => by_table(files, site, at),
        // A route leads to it, and is asked about as one.
        Some("GatewayLoadBalancer") => Ok(None),
        Some(_) => by_interface(files, site, at),
    }
}

/// By the route that a gateway endpoint has in the tables that it is associated with: to
/// the addresses of its service, which a state has
/// (<https://docs.aws.amazon.com/vpc/latest/privatelink/gateway-endpoints.html>).
fn by_table(files: Files<'_>, site: &Site, at: At<'_>) -> Known<Option<(Traffic, Vec<String>)>> {
    let sent = stages_of_table(files, site, at)?;
    let sent = sent.into_iter().reduce(|all, stage| all.and(&stage)).unwrap_or_default();
    Ok(shown(&sent).map(|packet| (sent, out(site, &packet, &[]))))
}

/// What lets packets through to a gateway endpoint.
fn stages_of_table(files: Files<'_>, site: &Site, at: At<'_>) -> Known<Vec<Traffic>> {
    let kind = ["aws_vpc_endpoint_route_table_association"];
    let beside = files.whose(&kind, "vpc_endpoint_id", at.needed("id")?)?;
    let mut is_there = false;
    for one in beside {
        is_there |= one.needed("route_table_id")? == site.routes.table;
    }
    let of_route = |route: &Route| route.target == Target::Endpoint(at.address.to_owned());
    is_there |= site.routes.all.iter().any(|route| of_route(&route.what));
    if !is_there && !at.texts("route_table_ids")?.contains(&site.routes.table.as_str()) {
        return Ok(vec![Traffic::nothing()]);
    }
    let to = at.cidrs("cidr_blocks").unwrap_or_default();
    let to = match to.is_empty() {
        true => ends::anything(),
        false => to.iter().fold(Traffic::nothing(), |all, one| all.or(one.traffic())),
    };
    let mut network = site.network.clone();
    let target = Target::Endpoint(at.address.to_owned());
    let everywhere = vec![Cidr::all(Version::V4), Cidr::all(Version::V6)];
    for subnet in &mut network.subnets {
        subnet.routes = vec![Route { to: everywhere.clone(), target: target.clone() }];
    }
    let all = offered(&network, &interface(site, false));
    Ok(vec![all.first().map(|one| one.passed.clone()).unwrap_or_default(), to])
}

/// By an interface in one of its subnets
/// (<https://docs.aws.amazon.com/vpc/latest/privatelink/create-interface-endpoint.html>).
fn by_interface(
    files: Files<'_>,
    site: &Site,
    at: At<'_>,
) -> Known<Option<(Traffic, Vec<String>)>> {
    for end in interfaces(files, site, at)? {
        let end = end?;
        let sent = site.sends_to(&end);
        let Some(packet) = shown(&sent) else { continue };
        let mut path = out(site, &packet, &end.groups);
        path.extend(end.lets_in(site, &packet));
        return Ok(Some((sent, path)));
    }
    Ok(None)
}

/// Where the interfaces of an endpoint stand.
fn interfaces(files: Files<'_>, site: &Site, at: At<'_>) -> Known<Vec<Known<Site>>> {
    let id = at.needed("id")?;
    let beside = |kind: &'static str, name: &'static str| -> Known<Vec<String>> {
        let all = files.whose(&[kind], "vpc_endpoint_id", id)?;
        all.into_iter().map(|one| one.needed(name).map(str::to_owned)).collect()
    };
    let owned = |texts: Vec<&str>| texts.into_iter().map(str::to_owned).collect::<Vec<_>>();
    let mut subnets = owned(at.texts("subnet_ids")?);
    subnets.extend(beside("aws_vpc_endpoint_subnet_association", "subnet_id")?);
    let mut groups = owned(at.texts("security_group_ids")?);
    let kind = "aws_vpc_endpoint_security_group_association";
    groups.extend(beside(kind, "security_group_id")?);
    if groups.is_empty() {
        // "If you do not specify a security group, the default security group for the VPC
        // is associated": see the page above.
        let vpc = files.with_id(&["aws_vpc", "aws_default_vpc"], &site.vpc);
        let default = vpc.map(|vpc| vpc.needed("default_security_group_id")).transpose()?;
        groups.extend(default.map(str::to_owned));
    }
    let read = |subnet: &String| {
        let end = Site::of(files, subnet, &groups)?;
        match end.unread.first() {
            Some(reason) => Err(reason.clone()),
            None => Ok(end),
        }
    };
    Ok(subnets.iter().map(read).collect())
}

/// The endpoints of the VPC that are none of those wanted, each with what lets packets
/// through to it: one entry for each of its subnets.
pub(super) fn others<'f>(
    files: Files<'f>,
    site: &Site,
    wanted: Wanted<'_>,
) -> Known<Vec<(&'f str, Vec<Traffic>)>> {
    let mut all = Vec::new();
    for at in files.of(&["aws_vpc_endpoint"]) {
        if wanted.has(service(at)?) || at.needed("vpc_id")? != site.vpc {
            continue;
        }
        match at.text("vpc_endpoint_type")? {
            None | Some("Gateway") => all.push((at.address, stages_of_table(files, site, at)?)),
            Some("GatewayLoadBalancer") => {}
            Some(_) => {
                for end in interfaces(files, site, at)? {
                    all.push((at.address, site.stages_to(&end?)));
                }
            }
        }
    }
    Ok(all)
}

/// The policy of an endpoint, where it lets some request of somebody through.
fn lets_through(estate: &Estate, files: Files<'_>, at: At<'_>) -> Known<Option<String>> {
    let kind = ["aws_vpc_endpoint_policy"];
    let beside = files.whose(&kind, "vpc_endpoint_id", at.needed("id")?)?;
    let address = beside.first().map_or(at.address, |one| one.address);
    let entry = estate.entries.get(address);
    let unknown = entry.and_then(|entry| entry.unknown.first());
    let policy = entry.and_then(|entry| entry.policies.vpc_endpoint.as_ref());
    match (unknown, policy) {
        (Some(reason), _) => Err(reason.clone()),
        // It has the default one, which lets everything through.
        (None, None) => Ok(Some(format!("the default policy of {}", at.address))),
        (None, Some(policy)) => {
            let lets = lets_some_request(policy)?;
            Ok(lets.then(|| format!("the policy of {address}")))
        }
    }
}

fn lets_some_request(policy: &Arc<Document>) -> Known<bool> {
    const EVERYTHING: &str = r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;
    const NOTHING: &str = r#"{"Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}"#;
    let written = |name: &str, text: &str| {
        let document = Document::parse(name, text, Kind::Identity);
        document.map(|one| vec![Arc::new(one)]).map_err(|error| error.to_string())
    };
    let inner = Policies {
        identity: written("everything", EVERYTHING)?,
        vpc_endpoint: Some(Arc::clone(policy)),
        ..Policies::default()
    };
    let outer = Policies { identity: written("nothing", NOTHING)?, ..Policies::default() };
    let universe = Universe::All;
    let question = Question { inner: &inner, outer: &outer, principal: None, universe };
    let (verdict, _) = within_sent(&question).map_err(|error| error.to_string())?;
    match verdict {
        Verdict::Proved => Ok(false),
        Verdict::Violated(_) => Ok(true),
        Verdict::Undecided(reason) => Err(format!("{}: {reason}", policy.name())),
    }
}
