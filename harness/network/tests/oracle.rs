//! The procedure against brute force: small networks, packet by packet.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops where it fails")]

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ringfence_network::network::{
    Acl, AclRule, Group, Interface, Nat, Network, Opening, Route, Subnet, Target,
};
use ringfence_network::traffic::{Cidr, PORTS, PROTOCOLS, Packet, Range, Traffic, Version};
use ringfence_network::{Way, between, enters, leaves};

/// Numbers that are the same every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }

    fn of<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.roll(all.len())].clone()
    }
}

const ADDRESSES: [&str; 9] = [
    "0.0.0.0/0",
    "10.0.0.0/24",
    "10.0.0.0/28",
    "10.0.0.16/28",
    "10.0.0.0/30",
    "192.0.2.0/24",
    "192.0.2.128/25",
    "::/0",
    "2001:db8::/64",
];

fn cidr(text: &str) -> Cidr {
    Cidr::parse(text).unwrap()
}

/// A description of traffic, as it was written.
#[derive(Debug, Clone, Copy)]
struct Written {
    to: &'static str,
    protocol: Option<u8>,
    ports: (u16, u16),
}

impl Written {
    fn roll(dice: &mut Dice) -> Self {
        let ports = [(0, 65_535), (443, 443), (0, 1023), (1024, 65_535), (40_000, 50_000)];
        Self {
            to: dice.of(&ADDRESSES),
            protocol: dice.of(&[None, Some(6), Some(6), Some(17)]),
            ports: dice.of(&ports),
        }
    }

    fn everything(to: &'static str) -> Self {
        Self { to, protocol: None, ports: (0, 65_535) }
    }

    fn traffic(self) -> Traffic {
        let protocol = self.protocol.map_or(PROTOCOLS, |one| Range::one(one.into()));
        let ports = Range::new(self.ports.0.into(), self.ports.1.into()).unwrap();
        cidr(self.to).on(protocol, if self.protocol.is_none() { PORTS } else { ports })
    }

    fn has(self, packet: &Packet) -> bool {
        let ports = self.protocol.is_none() || (self.ports.0..=self.ports.1).contains(&packet.port);
        is_in(self.to, packet) && self.protocol.is_none_or(|one| one == packet.protocol) && ports
    }
}

/// Whether an address begins as a CIDR says, bit by bit.
fn is_in(text: &str, packet: &Packet) -> bool {
    let (start, length) = text.split_once('/').unwrap();
    let length: u32 = length.parse().unwrap();
    let (version, bits, start) = match start.parse().unwrap() {
        IpAddr::V4(one) => (Version::V4, 32, u128::from(u32::from(one))),
        IpAddr::V6(one) => (Version::V6, 128, u128::from(one)),
    };
    let bit = |number: u128, at: u32| (number >> (bits - 1 - at)) & 1;
    version == packet.version && (0..length).all(|at| bit(start, at) == bit(packet.address, at))
}

type Rules = Vec<(u32, bool, Written)>;

/// A network as it was written.
struct World {
    routes: [Vec<(&'static str, Target)>; 2],
    /// Of each subnet: what comes in, what goes out.
    acls: [[Rules; 2]; 2],
    out: Vec<Written>,
    into: Vec<Written>,
    is_public: bool,
    has_v6: bool,
    has_gateway: bool,
}

const SUBNETS: [&str; 2] = ["10.0.0.0/28", "10.0.0.16/28"];

fn routes(dice: &mut Dice) -> Vec<(&'static str, Target)> {
    let targets = [
        Target::Nat("nat".into()),
        Target::InternetGateway("igw".into()),
        Target::Endpoint("s3".into()),
        Target::EgressOnly("eigw".into()),
        Target::Other("pcx".into()),
    ];
    let mut all = vec![("10.0.0.0/24", Target::Local)];
    for to in ["0.0.0.0/0", "192.0.2.0/24", "192.0.2.128/25", "::/0", "10.0.0.16/28"] {
        if dice.roll(2) == 0 {
            all.push((to, dice.of(&targets)));
        }
    }
    all
}

fn rules(dice: &mut Dice) -> Rules {
    let mut all = Rules::new();
    for number in (97..100 - u32::try_from(dice.roll(3)).unwrap()).rev() {
        all.push((number, dice.roll(3) > 0, Written::roll(dice)));
    }
    if dice.roll(3) > 0 {
        all.push((200, true, Written::everything("0.0.0.0/0")));
        all.push((201, true, Written::everything("::/0")));
    }
    all
}

fn openings(dice: &mut Dice) -> Vec<Written> {
    (0..=dice.roll(3)).map(|_| Written::roll(dice)).collect()
}

impl World {
    fn roll(dice: &mut Dice) -> Self {
        Self {
            routes: [routes(dice), routes(dice)],
            acls: [[rules(dice), rules(dice)], [rules(dice), rules(dice)]],
            out: openings(dice),
            into: openings(dice),
            is_public: dice.roll(2) == 0,
            has_v6: dice.roll(2) == 0,
            has_gateway: dice.roll(2) == 0,
        }
    }

    fn network(&self) -> Network {
        let rules = |all: &Rules| {
            let rule = |(number, allows, of): &(u32, bool, Written)| AclRule {
                number: *number,
                allows: *allows,
                of: of.traffic(),
            };
            all.iter().map(rule).collect()
        };
        let subnet = |at: usize| Subnet {
            name: format!("s{at}"),
            addresses: vec![cidr(SUBNETS[at])],
            routes: self.routes[at]
                .iter()
                .map(|(to, target)| Route { to: vec![cidr(to)], target: target.clone() })
                .collect(),
            acl: Acl { inbound: rules(&self.acls[at][0]), outbound: rules(&self.acls[at][1]) },
        };
        let openings =
            |all: &[Written]| all.iter().map(|one| Opening::Addresses(one.traffic())).collect();
        Network {
            addresses: vec![cidr("10.0.0.0/24")],
            subnets: vec![subnet(0), subnet(1)],
            nats: vec![Nat { name: "nat".into(), subnet: "s1".into(), is_public: true }],
            groups: vec![Group {
                name: "sg".into(),
                inbound: openings(&self.into),
                outbound: openings(&self.out),
            }],
            has_internet_gateway: self.has_gateway,
        }
    }

    /// Rule by rule, in the order of their numbers.
    fn lets(&self, subnet: usize, side: usize, packet: &Packet) -> bool {
        let mut rules = self.acls[subnet][side].clone();
        rules.sort_by_key(|(number, ..)| *number);
        rules.iter().find(|(.., of)| of.has(packet)).is_some_and(|(_, allows, _)| *allows)
    }

    fn route(&self, subnet: usize, packet: &Packet) -> Option<&Target> {
        let length = |to: &str| to.split_once('/').unwrap().1.parse::<u32>().unwrap();
        let fitting = self.routes[subnet].iter().filter(|(to, _)| is_in(to, packet));
        fitting.max_by_key(|(to, _)| length(to)).map(|(_, target)| target)
    }

    /// The way that a packet of an interface in the first subnet takes.
    fn way(&self, packet: &Packet) -> Option<Way> {
        if !self.out.iter().any(|one| one.has(packet)) {
            return None;
        }
        let target = self.route(0, packet)?.clone();
        let within = target == Target::Local && is_in(SUBNETS[0], packet);
        if !within && !self.lets(0, 1, packet) {
            return None;
        }
        let v6 = packet.version == Version::V6;
        match target {
            Target::Local => Some(Way::Inside),
            Target::InternetGateway(name) if (v6 && self.has_v6) || (!v6 && self.is_public) => {
                Some(Way::InternetGateway(name))
            }
            Target::EgressOnly(name) if v6 && self.has_v6 => Some(Way::EgressOnly(name)),
            Target::InternetGateway(_) | Target::EgressOnly(_) => None,
            Target::Nat(name) => {
                let from = |address| self.lets(1, 0, &Packet { address, ..*packet });
                let arrives = hosts(SUBNETS[0]).any(from);
                let on = matches!(self.route(1, packet), Some(Target::InternetGateway(_)));
                (!v6 && arrives && on && self.lets(1, 1, packet)).then_some(Way::Nat(name))
            }
            Target::Endpoint(name) => Some(Way::Endpoint(name)),
            Target::Other(name) => Some(Way::Other(name)),
        }
    }

    /// Whether an answer to the packet comes back, to any of the ports for that.
    fn is_answered(&self, packet: &Packet, way: &Way) -> bool {
        let to = |subnet, side, address| {
            let ports = [1024, 1025, 39_999, 40_000, 45_000, 50_000, 50_001, 65_535];
            ports
                .iter()
                .any(|port| self.lets(subnet, side, &Packet { address, port: *port, ..*packet }))
        };
        let own = *way == Way::Inside && is_in(SUBNETS[0], packet);
        let back = || match way {
            Way::Nat(_) => to(1, 0, packet.address) && hosts(SUBNETS[0]).any(|host| to(1, 1, host)),
            _ => true,
        };
        own || (to(0, 0, packet.address) && back())
    }

    fn comes_in(&self, packet: &Packet) -> bool {
        let v6 = packet.version == Version::V6;
        self.has_gateway
            && ((v6 && self.has_v6) || (!v6 && self.is_public))
            && !is_in("10.0.0.0/24", packet)
            && self.into.iter().any(|one| one.has(packet))
            && self.lets(0, 0, packet)
    }
}

fn hosts(text: &str) -> impl Iterator<Item = u128> {
    let start: Ipv4Addr = text.split_once('/').unwrap().0.parse().unwrap();
    (0..16).map(move |at| u128::from(u32::from(start)) + at)
}

/// One packet of every class: each end of what the worlds speak of, and its neighbours.
fn packets() -> Vec<Packet> {
    const V4: [[u8; 4]; 16] = [
        [10, 0, 0, 0],
        [10, 0, 0, 3],
        [10, 0, 0, 4],
        [10, 0, 0, 15],
        [10, 0, 0, 16],
        [10, 0, 0, 31],
        [10, 0, 0, 32],
        [10, 0, 0, 255],
        [10, 0, 1, 0],
        [192, 0, 1, 255],
        [192, 0, 2, 0],
        [192, 0, 2, 127],
        [192, 0, 2, 128],
        [192, 0, 2, 255],
        [192, 0, 3, 0],
        [255, 255, 255, 255],
    ];
    let v4 = V4.map(|one| (Version::V4, u128::from(u32::from(Ipv4Addr::from(one)))));
    let v6 = ["::", "2001:db8::", "2001:db8::1", "2001:db8:0:1::", "ffff::"]
        .map(|one| (Version::V6, u128::from(one.parse::<Ipv6Addr>().unwrap())));
    let ports = [0, 442, 443, 444, 1023, 1024, 39_999, 40_000, 50_000, 50_001, 65_535];
    let mut all = Vec::new();
    for (version, address) in v4.into_iter().chain(v6) {
        for protocol in [1, 6, 17, 255] {
            all.extend(ports.map(|port| Packet { version, address, protocol, port }));
        }
    }
    all
}

/// In how many answers some worlds differ, and which there were.
fn compare(worlds: usize, changed: impl Fn(Network) -> Network) -> (usize, BTreeSet<String>) {
    let mut dice = Dice(7);
    let packets = packets();
    let (mut differ, mut answers) = (0, BTreeSet::new());
    for _ in 0..worlds {
        let world = World::roll(&mut dice);
        let network = changed(world.network());
        let World { is_public, has_v6, .. } = world;
        let from = Interface { subnet: "s0", groups: &["sg"], is_public, has_v6 };
        let (left, entered) = (leaves(&network, &from), enters(&network, &from));
        for packet in &packets {
            let expected = world.way(packet);
            let found = left.iter().find(|one| one.sent.has(packet));
            let answered = expected.as_ref().is_some_and(|way| world.is_answered(packet, way));
            differ += usize::from(found.map(|one| &one.way) != expected.as_ref());
            differ += usize::from(found.is_some_and(|one| one.answered.has(packet)) != answered);
            differ += usize::from(entered.has(packet) != world.comes_in(packet));
            answers.extend(expected.map(|way| format!("{way:?} {answered}")));
            answers.extend(entered.has(packet).then(|| "entered".to_owned()));
        }
    }
    (differ, answers)
}

#[test]
fn every_packet_takes_the_way_that_brute_force_says() {
    let (differ, answers) = compare(2000, |network| network);
    assert_eq!(differ, 0);
    // Six ways, answered and not, and what enters.
    assert_eq!(answers.len(), 13, "{answers:?}");
}

fn ruled(mut network: Network, change: impl Fn(&mut Acl)) -> Network {
    network.subnets.iter_mut().for_each(|one| change(&mut one.acl));
    network
}

/// Seeded mistakes: networks that are read wrongly in one place.
#[test]
fn every_seeded_mistake_is_found() {
    type Mistake = (&'static str, fn(Network) -> Network);
    let mistakes: [Mistake; 11] = [
        ("numbers are turned round", |network| {
            let turn = |rule: &mut AclRule| rule.number = 1000 - rule.number;
            ruled(network, |acl| acl.inbound.iter_mut().chain(&mut acl.outbound).for_each(turn))
        }),
        ("denials are ignored", |network| {
            ruled(network, |acl| acl.outbound.retain(|rule| rule.allows))
        }),
        ("what comes in is not ruled", |network| {
            ruled(network, |acl| acl.inbound = Acl::open().inbound)
        }),
        ("what goes out is not ruled", |network| {
            ruled(network, |acl| acl.outbound = Acl::open().outbound)
        }),
        ("what may go out may come in", |network| {
            ruled(network, |acl| acl.inbound.clone_from(&acl.outbound))
        }),
        ("the gateway stands in the function's subnet", |mut network| {
            network.nats[0].subnet = "s0".into();
            network
        }),
        ("the gateway is private", |mut network| {
            network.nats[0].is_public = false;
            network
        }),
        ("all subnets have one table", |mut network| {
            network.subnets[1].routes = network.subnets[0].routes.clone();
            network
        }),
        ("prefixes are ignored", |mut network| {
            let routes = network.subnets[0].routes.iter_mut();
            routes.for_each(|route| route.to = vec![cidr("0.0.0.0/0")]);
            network
        }),
        ("there is always an internet gateway", |mut network| {
            network.has_internet_gateway = true;
            network
        }),
        ("a group lets in what it lets out", |mut network| {
            network.groups[0].inbound = network.groups[0].outbound.clone();
            network
        }),
    ];
    for (name, mistake) in mistakes {
        assert!(compare(400, mistake).0 > 0, "{name}");
    }
}

#[test]
fn the_interfaces_of_a_group_are_inside() {
    let https = cidr("0.0.0.0/0").on(Range::one(6), Range::one(443));
    let network = |opening| Network {
        addresses: vec![cidr("10.0.0.0/24")],
        subnets: vec![Subnet {
            name: "s".into(),
            addresses: vec![cidr("10.0.0.0/28")],
            routes: vec![
                Route { to: vec![cidr("10.0.0.0/24")], target: Target::Local },
                Route { to: vec![cidr("0.0.0.0/0")], target: Target::Other("pcx".into()) },
            ],
            acl: Acl::open(),
        }],
        groups: vec![Group { name: "sg".into(), inbound: Vec::new(), outbound: vec![opening] }],
        ..Network::default()
    };
    let from = Interface { subnet: "s", groups: &["sg"], is_public: false, has_v6: false };
    let ways = |opening| -> Vec<(Way, String)> {
        let left = leaves(&network(opening), &from).into_iter();
        left.map(|one| (one.way, one.sent.some().unwrap().to_string())).collect()
    };
    let inside = (Way::Inside, "10.0.0.0 on TCP port 443".to_owned());
    let to = Opening::Group("other".into(), https.clone());
    assert_eq!(ways(to), std::slice::from_ref(&inside));
    let beyond = (Way::Other("pcx".into()), "0.0.0.0 on TCP port 443".to_owned());
    assert_eq!(ways(Opening::Addresses(https)), [inside, beyond]);
}

#[test]
fn what_one_interface_sends_to_another_is_what_brute_force_says() {
    let mut dice = Dice(11);
    let packets = packets();
    let mut answers = BTreeSet::new();
    for _ in 0..2000 {
        let world = World::roll(&mut dice);
        let network = world.network();
        let at = |subnet| Interface { subnet, groups: &["sg"], is_public: false, has_v6: false };
        let [near, far] = [("s0", 0), ("s1", 1)].map(|(name, end)| {
            let sent = between(&network, &at("s0"), &at(name));
            let is_sent = |packet: &&Packet| {
                let from = |address| Packet { address, ..**packet };
                let lets_in = |host: u128| {
                    let packet = from(host);
                    world.into.iter().any(|one| one.has(&packet))
                        && (end == 0 || world.lets(1, 0, &packet))
                };
                is_in(SUBNETS[end], packet)
                    && world.route(0, packet) == Some(&Target::Local)
                    && world.out.iter().any(|one| one.has(packet))
                    && (end == 0 || world.lets(0, 1, packet))
                    && hosts(SUBNETS[0]).any(lets_in)
            };
            let differ = packets.iter().filter(|packet| sent.has(packet) != is_sent(packet));
            (differ.count(), sent.is_nothing())
        });
        assert_eq!((near.0, far.0), (0, 0));
        answers.insert((near.1, far.1));
    }
    assert_eq!(answers.len(), 4, "{answers:?}");
}

#[test]
fn a_group_lets_in_the_interfaces_that_have_the_group_it_names() {
    let https = Cidr::all(Version::V4).on(Range::one(6), Range::one(443));
    let subnet = |name: &str, addresses| Subnet {
        name: name.into(),
        addresses: vec![cidr(addresses)],
        routes: vec![Route { to: vec![cidr("10.0.0.0/24")], target: Target::Local }],
        acl: Acl::open(),
    };
    let network = Network {
        addresses: vec![cidr("10.0.0.0/24")],
        subnets: vec![subnet("code", "10.0.0.0/28"), subnet("services", "10.0.0.16/28")],
        groups: vec![
            Group {
                name: "code".into(),
                inbound: Vec::new(),
                outbound: vec![Opening::Addresses(https.clone())],
            },
            Group {
                name: "services".into(),
                inbound: vec![Opening::Group("code".into(), https)],
                outbound: Vec::new(),
            },
        ],
        ..Network::default()
    };
    let at = |subnet, groups| Interface { subnet, groups, is_public: false, has_v6: false };
    let services = at("services", &["services"]);
    let sent = between(&network, &at("code", &["code"]), &services);
    let part = sent.parts()[0];
    assert_eq!(sent.parts().len(), 1);
    assert_eq!(part.addresses, ("10.0.0.16".parse().unwrap(), "10.0.0.31".parse().unwrap()));
    assert_eq!((part.protocols, part.ports), (Range::one(6), Range::one(443)));
    assert!(between(&network, &at("code", &["other"]), &services).is_nothing());
    assert!(between(&network, &services, &at("code", &["code"])).is_nothing());
}
