//! What leaves, and what enters.

use crate::network::{AclRule, Group, Interface, Network, Opening, Route, Subnet, Target};
use crate::traffic::{Cidr, PROTOCOLS, Range, Traffic, Version};

/// Ports that answers come to: "Requests originating from […] an AWS Lambda function use
/// ports 1024-65535", as does a NAT gateway
/// (<https://docs.aws.amazon.com/vpc/latest/userguide/custom-network-acl.html#nacl-ephemeral-ports>).
const ANSWERS: (u128, u128) = (1024, 65_535);

/// A way out of a VPC.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// To the internet, by a NAT gateway.
    Nat(String),
    /// To the internet, with an address of its own.
    InternetGateway(String),
    /// To the internet, with an IPv6 address of its own, by what lets nothing in.
    EgressOnly(String),
    /// To a service, by a gateway endpoint.
    Endpoint(String),
    /// By something else; where that leads, this network does not say.
    Other(String),
    /// It stays in the VPC.
    Inside,
}

/// Traffic that takes a way.
#[derive(Debug, Clone)]
pub struct Left {
    /// The way.
    pub way: Way,
    /// What is sent, by where it goes to.
    pub sent: Traffic,
    /// What of it can be answered.
    pub answered: Traffic,
}

/// The traffic of an interface, by way.
pub fn leaves(network: &Network, from: &Interface<'_>) -> Vec<Left> {
    let Some(subnet) = network.subnet(from.subnet) else { return Vec::new() };
    let answered = answers(&subnet.acl.inbound);
    let mut all = Vec::new();
    for Offered { target, opened: out, passed } in offered_in(network, subnet, from) {
        let left = match target {
            // Between interfaces of one subnet stands no network ACL.
            Target::Local => {
                let own = out.and(&all_of(&subnet.addresses));
                let sent = passed.clone().or(own.clone());
                Left { way: Way::Inside, answered: passed.and(&answered).or(own), sent }
            }
            Target::InternetGateway(name) => {
                let sent = passed.and(&addressed(from));
                let answered = sent.and(&answered);
                Left { way: Way::InternetGateway(name.clone()), sent, answered }
            }
            Target::EgressOnly(name) => {
                let v6 = Interface { is_public: false, ..*from };
                let sent = passed.and(&addressed(&v6));
                let answered = sent.and(&answered);
                Left { way: Way::EgressOnly(name.clone()), sent, answered }
            }
            Target::Nat(name) => {
                let [through, back] = by_nat(network, subnet, name);
                let sent = passed.and(&through);
                let answered = sent.and(&answered).and(&back);
                Left { way: Way::Nat(name.clone()), sent, answered }
            }
            Target::Endpoint(name) => {
                let answered = passed.and(&answered);
                Left { way: Way::Endpoint(name.clone()), sent: passed, answered }
            }
            Target::Other(name) => {
                let answered = passed.and(&answered);
                Left { way: Way::Other(name.clone()), sent: passed, answered }
            }
        };
        if !left.sent.is_nothing() {
            all.push(left);
        }
    }
    all
}

/// Traffic that groups and network ACL of an interface let out, by where its subnet's
/// routes lead: whatever becomes of it there.
#[derive(Debug, Clone)]
pub struct Offered<'n> {
    /// Where to.
    pub target: &'n Target,
    /// What the groups let out.
    pub opened: Traffic,
    /// What of it the network ACL lets out, too.
    pub passed: Traffic,
}

/// The traffic that an interface can offer to each target of its subnet's routes.
pub fn offered<'n>(network: &'n Network, from: &Interface<'_>) -> Vec<Offered<'n>> {
    let subnet = network.subnet(from.subnet);
    subnet.map(|subnet| offered_in(network, subnet, from)).unwrap_or_default()
}

fn offered_in<'n>(
    network: &'n Network,
    subnet: &'n Subnet,
    from: &Interface<'_>,
) -> Vec<Offered<'n>> {
    let inside = all_of(&network.addresses);
    let out = opened(network, from, &inside, |group| &group.outbound);
    let ruled = allowed(&subnet.acl.outbound);
    let all = routed(&subnet.routes).into_iter().map(|(target, to)| {
        let opened = out.and(&to);
        Offered { target, passed: opened.and(&ruled), opened }
    });
    all.collect()
}

/// What an interface can send to another of the same network, by where it goes to: some
/// address of the other's subnet, on the ports that both let through.
pub fn between(network: &Network, from: &Interface<'_>, to: &Interface<'_>) -> Traffic {
    let all = stages(network, from, to).into_iter();
    all.reduce(|all, stage| all.and(&stage)).unwrap_or_else(Traffic::nothing)
}

/// What an interface's groups, its network ACL, its routes and the other interface's network
/// ACL and groups each let through to that, by where it goes to.
pub fn stages(network: &Network, from: &Interface<'_>, to: &Interface<'_>) -> Vec<Traffic> {
    let ends = (network.subnet(from.subnet), network.subnet(to.subnet));
    let (Some(source), Some(end)) = ends else { return Vec::new() };
    let [sources, ends] = [source, end].map(|one| all_of(&one.addresses));
    let local = routed(&source.routes).into_iter().filter(|(target, _)| **target == Target::Local);
    let local = local.fold(Traffic::nothing(), |all, (_, to)| all.or(to));
    let sent = opened_to(network, from, to, &ends, |group| &group.outbound);
    let mut let_in = opened_to(network, to, from, &sources, |group| &group.inbound);
    let mut all = vec![sent, local];
    if source.name != end.name {
        all.push(allowed(&source.acl.outbound));
        let_in = let_in.and(&allowed(&end.acl.inbound));
    }
    all.push(let_in.at_any_address());
    all
}

/// What the groups of one interface let through to or from another: by its groups, or by
/// its addresses.
fn opened_to(
    network: &Network,
    of: &Interface<'_>,
    other: &Interface<'_>,
    addresses: &Traffic,
    side: impl Fn(&Group) -> &[Opening],
) -> Traffic {
    let groups = network.groups.iter().filter(|group| of.groups.contains(&group.name.as_str()));
    groups.flat_map(side).fold(Traffic::nothing(), |all, opening| {
        all.or(match opening {
            Opening::Addresses(traffic) => traffic.and(addresses),
            Opening::Group(name, traffic) if other.groups.contains(&name.as_str()) => {
                traffic.at_any_version().and(addresses)
            }
            Opening::Group(..) => Traffic::nothing(),
        })
    })
}

/// What of the internet comes to an interface, by where it comes from: it has an address
/// that the internet knows, and its VPC an internet gateway. That an answer finds its way
/// back is not asked: what arrives arrives.
pub fn enters(network: &Network, to: &Interface<'_>) -> Traffic {
    let Some(subnet) = network.subnet(to.subnet).filter(|_| network.has_internet_gateway) else {
        return Traffic::nothing();
    };
    let inside = all_of(&network.addresses);
    let opened = opened(network, to, &inside, |group| &group.inbound);
    opened.and(&allowed(&subnet.acl.inbound)).and(&addressed(to)).but(&inside)
}

/// The versions in which an interface has an address on the internet.
fn addressed(from: &Interface<'_>) -> Traffic {
    let of = |has: bool, version| {
        if has { Cidr::all(version).traffic() } else { Traffic::nothing() }
    };
    of(from.is_public, Version::V4).or(of(from.has_v6, Version::V6))
}

/// What one of the groups lets through. Which addresses the interfaces of a group have,
/// the VPC's addresses bound.
fn opened(
    network: &Network,
    of: &Interface<'_>,
    inside: &Traffic,
    side: impl Fn(&Group) -> &[Opening],
) -> Traffic {
    let groups = network.groups.iter().filter(|group| of.groups.contains(&group.name.as_str()));
    groups.flat_map(side).fold(Traffic::nothing(), |all, opening| {
        all.or(match opening {
            Opening::Addresses(traffic) => traffic.clone(),
            Opening::Group(_, traffic) => traffic.at_any_version().and(inside),
        })
    })
}

/// What the rules of a network ACL allow.
pub(crate) fn allowed(rules: &[AclRule]) -> Traffic {
    let mut rules: Vec<&AclRule> = rules.iter().collect();
    rules.sort_by_key(|rule| rule.number);
    let mut open = Traffic::everything();
    let mut allowed = Traffic::nothing();
    for rule in rules {
        if rule.allows {
            allowed = allowed.or(open.and(&rule.of));
        }
        open = open.but(&rule.of);
    }
    allowed
}

/// Traffic of which an answer, to one of the ports for that, is let in.
fn answers(inbound: &[AclRule]) -> Traffic {
    let [v4, v6] = [Version::V4, Version::V6].map(|version| {
        let ports = Range::new(ANSWERS.0, ANSWERS.1);
        ports.map_or_else(Traffic::nothing, |ports| Cidr::all(version).on(PROTOCOLS, ports))
    });
    allowed(inbound).and(&v4.or(v6)).on_any_port()
}

/// What each route is for: "we use the most specific route that matches the traffic"
/// (<https://docs.aws.amazon.com/vpc/latest/userguide/route-tables-priority.html>).
pub(crate) fn routed(routes: &[Route]) -> Vec<(&Target, Traffic)> {
    let entries =
        routes.iter().flat_map(|route| route.to.iter().map(move |to| (*to, &route.target)));
    let mut entries: Vec<(Cidr, &Target)> = entries.collect();
    // Of two for the same, the VPC's own counts.
    entries.sort_by_key(|(to, target)| (u32::MAX - to.length(), **target != Target::Local));
    let mut open = Traffic::everything();
    let mut all: Vec<(&Target, Traffic)> = Vec::new();
    for (to, target) in entries {
        let part = open.and(&to.traffic());
        open = open.but(&to.traffic());
        match all.iter_mut().find(|(known, _)| *known == target) {
            Some((_, known)) => *known = std::mem::take(known).or(part),
            None => all.push((target, part)),
        }
    }
    all
}

/// What passes a NAT gateway on its way to the internet, and what is answered.
fn by_nat(network: &Network, from: &Subnet, name: &str) -> [Traffic; 2] {
    let nothing = || [Traffic::nothing(), Traffic::nothing()];
    let nat = network.nats.iter().find(|nat| nat.name == name && nat.is_public);
    let Some(stands) = nat.and_then(|nat| network.subnet(&nat.subnet)) else { return nothing() };
    // Of IPv6 it takes what is sent to 64:ff9b::/96, as the IPv4 addresses in it
    // (https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-nat64-dns64.html): who
    // asks about that asks about these addresses.
    let v4 = Cidr::all(Version::V4).traffic();
    let by_gateway = routed(&stands.routes).into_iter().filter_map(|(target, to)| match target {
        Target::InternetGateway(_) => Some(to),
        _ => None,
    });
    let leads = by_gateway.fold(Traffic::nothing(), Traffic::or);
    let own = all_of(&from.addresses);
    let is_same = stands.name == from.name;
    let of_subnet = |rules: &[AclRule]| allowed(rules).and(&own).at_any_address();
    let arrives = if is_same { Traffic::everything() } else { of_subnet(&stands.acl.inbound) };
    let through = v4.and(&leads).and(&arrives).and(&allowed(&stands.acl.outbound));
    let returned = if is_same {
        Traffic::everything()
    } else {
        answers(&stands.acl.outbound).and(&own).at_any_address()
    };
    let back = through.and(&answers(&stands.acl.inbound)).and(&returned);
    [through, back]
}

fn all_of(addresses: &[Cidr]) -> Traffic {
    addresses.iter().fold(Traffic::nothing(), |all, one| all.or(one.traffic()))
}
