//! What leaves for the internet, and what of it enters.

use ringfence_network::network::{AclRule, Interface, Route};
use ringfence_network::traffic::{Cidr, Packet, Traffic, Version};
use ringfence_network::{Way, enters, leaves};

use super::known::{At, Files};
use super::routes::By;
use super::site::Site;
use crate::proof::decide::{Broken, End, Packets};

/// Addresses that are not the internet's: private, shared, of the host, of the link, of
/// groups, reserved
/// (<https://www.iana.org/assignments/iana-ipv4-special-registry/iana-ipv4-special-registry.xhtml>).
const NOT_PUBLIC: [&str; 9] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "224.0.0.0/4",
    "240.0.0.0/4",
];

/// Those that are, of IPv6
/// (<https://www.iana.org/assignments/ipv6-address-space/ipv6-address-space.xhtml>).
const PUBLIC_V6: &str = "2000::/3";

/// Addresses that no packet leaves a VPC for
/// (<https://www.iana.org/assignments/iana-ipv4-special-registry/iana-ipv4-special-registry.xhtml>,
/// <https://www.iana.org/assignments/iana-ipv6-special-registry/iana-ipv6-special-registry.xhtml>).
const NEVER: [&str; 8] = [
    "0.0.0.0/8",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "::/127",
    "fe80::/10",
    "ff00::/8",
];

/// What brings packets of others into a VPC beside its internet gateway: with the
/// address that they came from, or not.
const ENTRANCES: [&str; 13] = [
    "aws_alb",
    "aws_ec2_client_vpn_network_association",
    "aws_ec2_transit_gateway_vpc_attachment",
    "aws_elb",
    "aws_globalaccelerator_endpoint_group",
    "aws_lb",
    "aws_networkmanager_vpc_attachment",
    "aws_vpc_peering_connection",
    "aws_vpc_peering_connection_accepter",
    "aws_vpclattice_service_network_vpc_association",
    "aws_vpn_connection",
    "aws_vpn_gateway",
    "aws_vpn_gateway_attachment",
];

/// Every packet to or from the internet.
pub(super) fn anything() -> Traffic {
    let of = |text: &str| Cidr::parse(text).map_or_else(Traffic::nothing, Cidr::traffic);
    let private = NOT_PUBLIC.iter().fold(Traffic::nothing(), |all, text| all.or(of(text)));
    of("0.0.0.0/0").but(&private).or(of(PUBLIC_V6))
}

/// That what leaves for the internet leaves by NAT. Whichever addresses the interface has:
/// a function's has no public one, and what is routed past the gateway is not by NAT.
pub(super) fn leaving(site: &Site) -> End {
    if let Some(reason) = &site.routes.further {
        return End::Undecided(reason.clone());
    }
    let mut undecided = None;
    for left in leaves(&site.network, &interface(site, true)) {
        let sent = left.sent.and(&outside(site));
        let Some(packet) = shown(&sent) else { continue };
        match left.way {
            Way::Nat(_) | Way::Inside | Way::Endpoint(_) => {}
            Way::InternetGateway(gateway) | Way::EgressOnly(gateway) => {
                let ([_, opened], [_, acl]) = (&site.opened, &site.acl);
                let path = [
                    Some(site.subnet.clone()),
                    through(opened, &packet),
                    ruled(acl, &packet),
                    routed(&site.routes.all, &packet),
                    Some(gateway),
                ];
                let path = path.into_iter().flatten().collect();
                return but(site, by(&sent, "leaves by", path));
            }
            Way::Other(reason) => undecided = Some(format!("{packet} leaves, and {reason}")),
        }
    }
    undecided.map_or_else(|| End::Proved(Vec::new()), End::Undecided)
}

/// That nothing from the internet comes in: a function's interface has no public IPv4
/// address, and an IPv6 one where its subnet has.
pub(super) fn entering(files: Files<'_>, site: &Site) -> End {
    let came = enters(&site.network, &interface(site, false)).and(&outside(site));
    if let Some(packet) = shown(&came) {
        let [acl, _] = &site.acl;
        let [opened, _] = &site.opened;
        let path = [
            site.gateway.clone(),
            Some(site.subnet.clone()),
            ruled(acl, &packet),
            through(opened, &packet),
        ];
        let path = path.into_iter().flatten().collect();
        return but(site, by(&came, "enters by", path));
    }
    // What the network ACL and the groups would let in, if it came by another way.
    let mut open = site.network.clone();
    open.has_internet_gateway = true;
    let both = Interface { has_v6: true, ..interface(site, true) };
    let let_in = enters(&open, &both).and(&outside(site));
    match (shown(&let_in), entrance(files)) {
        (Some(packet), Some(entrance)) => End::Undecided(format!(
            "{packet} is let in, and whether it comes by {} is not followed",
            entrance.address
        )),
        _ => End::Proved(Vec::new()),
    }
}

/// What brings packets of others into a VPC of the files.
pub(super) fn entrance<'f>(files: Files<'f>) -> Option<At<'f>> {
    files.of(&ENTRANCES).next()
}

/// A packet that breaks the guard rail, with its path.
pub(super) fn by(packets: &Traffic, way: &'static str, through: Vec<String>) -> End {
    let packet = shown(packets).map(|packet| packet.to_string()).unwrap_or_default();
    End::Violated(Box::new(Broken::Packets(Packets { packet, way, through })))
}

/// What may be kept back where something was taken for wider than it is.
pub(super) fn but(site: &Site, end: End) -> End {
    match site.wider.first() {
        Some(reason) => End::Undecided(reason.clone()),
        None => end,
    }
}

/// One of some traffic: to the port that people know, where there is such a one.
pub(super) fn shown(traffic: &Traffic) -> Option<Packet> {
    let first = traffic.and(&anything()).some().or_else(|| traffic.some())?;
    let known = Packet { port: 443, ..first };
    Some(if traffic.has(&known) { known } else { first })
}

pub(super) fn interface(site: &Site, is_public: bool) -> Interface<'_> {
    let groups: &[&str] = &[super::site::GROUP];
    Interface { subnet: &site.subnet, groups, is_public, has_v6: site.has_v6 }
}

/// Every address that a packet can leave a VPC for: neither of the VPC itself, nor of
/// the host, the link, groups, or reserved; of IPv6 where the subnet has some.
pub(super) fn beyond(site: &Site) -> Traffic {
    let own = site.network.addresses.iter().map(|one| one.traffic());
    let own = own.fold(Traffic::nothing(), Traffic::or);
    let v4 = Cidr::all(Version::V4).traffic();
    let leavable = leavable().but(&own);
    if site.has_v6 { leavable } else { leavable.and(&v4) }
}

/// Every address that a packet can leave some VPC for.
pub(super) fn leavable() -> Traffic {
    let of = |text: &str| Cidr::parse(text).map_or_else(Traffic::nothing, Cidr::traffic);
    let never = NEVER.iter().map(|text| of(text)).fold(Traffic::nothing(), Traffic::or);
    Traffic::everything().but(&never)
}

/// The internet, without what is the VPC's own.
fn outside(site: &Site) -> Traffic {
    let own = |all: Traffic, one: &Cidr| all.or(one.traffic());
    anything().but(&site.network.addresses.iter().fold(Traffic::nothing(), own))
}

/// What lets a packet through a group.
pub(super) fn through(rules: &[By<Traffic>], packet: &Packet) -> Option<String> {
    rules.iter().find(|rule| rule.what.has(packet)).map(|rule| rule.by.clone())
}

/// The rule of a network ACL that a packet is decided by.
pub(super) fn ruled(rules: &[By<AclRule>], packet: &Packet) -> Option<String> {
    let of = rules.iter().filter(|rule| rule.what.of.has(packet));
    of.min_by_key(|rule| rule.what.number).map(|rule| rule.by.clone())
}

/// The route that a packet takes: the most specific one.
pub(super) fn routed(routes: &[By<Route>], packet: &Packet) -> Option<String> {
    let longest = |route: &By<Route>| {
        let of = route.what.to.iter().filter(|to| to.traffic().has(packet));
        of.map(|to| to.length()).max()
    };
    let all = routes.iter().filter_map(|route| Some((longest(route)?, &route.by)));
    // Of two for the same, the first.
    all.reduce(|best, other| if other.0 > best.0 { other } else { best }).map(|(_, by)| by.clone())
}
