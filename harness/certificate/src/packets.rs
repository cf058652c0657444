//! Certificates about packets: boxes of them, each decided as a whole, that leave nothing
//! out. What decides is what a VPC's parts say, in the order in which a packet meets them.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// That no packet of the internet takes a way that a guard rail forbids.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PacketCertificate {
    /// The guard rail.
    pub rail: String,
    /// Whose packets.
    pub who: String,
    /// `proved`: nothing else has a certificate.
    pub verdict: String,
    /// Where the packets go.
    pub way: Way,
    /// What they meet.
    pub facts: Facts,
    /// The classes of packets.
    pub classes: Vec<PacketClass>,
}

/// Where packets go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// To the internet: none but by NAT.
    Leaves,
    /// From the internet: none at all.
    Enters,
}

/// What packets to and from an interface meet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// The VPC's own addresses, which are not the internet's.
    pub inside: Vec<Block>,
    /// What the security groups let through by addresses.
    pub groups: Vec<Block>,
    /// The network ACL's rules of the direction.
    pub acl: Vec<Rule>,
    /// The subnet's routes.
    pub routes: Vec<Route>,
    /// Whether packets of the internet come into the VPC.
    pub gateway: bool,
    /// Whether the interface may have an IPv4 address that the internet knows.
    pub v4: bool,
    /// Whether it has IPv6 addresses.
    pub v6: bool,
}

/// A box of packets, by the address of the other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Block {
    /// The first address and the last.
    pub addresses: (IpAddr, IpAddr),
    /// The first protocol and the last, by their numbers.
    pub protocols: (u8, u8),
    /// The first port and the last.
    pub ports: (u16, u16),
}

/// A rule of a network ACL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Its number: the lowest that speaks of a packet decides.
    pub number: u32,
    /// Whether it allows.
    pub allows: bool,
    /// Of what it speaks.
    pub of: Vec<Block>,
}

/// A route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// Where to, as `10.0.0.0/16`: the most specific decides, and of two the VPC's own.
    pub to: Vec<String>,
    /// By what.
    pub by: Target,
}

/// What a route leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "those of a VPC")]
pub enum Target {
    Local,
    Nat,
    Endpoint,
    InternetGateway,
    EgressOnly,
    Other,
}

impl Target {
    /// Whether packets that leave by it break the guard rail, by whether the interface has
    /// an address of theirs.
    const fn breaks(self, addressed: bool) -> bool {
        match self {
            Self::InternetGateway | Self::EgressOnly => addressed,
            Self::Other => true,
            Self::Local | Self::Nat | Self::Endpoint => false,
        }
    }
}

/// Packets that are decided alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PacketClass {
    /// All of them.
    pub of: Block,
    /// One of them.
    pub packet: Packet,
    /// What becomes of them.
    pub end: Fate,
}

/// A packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the address of the other end, and what is called")]
pub struct Packet {
    pub address: IpAddr,
    pub protocol: u8,
    pub port: u16,
}

/// What becomes of packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// The VPC has no internet gateway.
    NoGateway,
    /// The interface has no address of their version.
    NoAddress,
    /// No security group lets them through.
    NoGroup,
    /// The network ACL does not.
    NoAcl,
    /// No route is for them.
    NoRoute,
    /// They stay, or leave by what the guard rail lets them leave by.
    By(Target),
    /// They come in, or leave otherwise.
    Breaks,
}

/// Classes of one certificate at most.
const CLASSES: usize = 5_000;

/// The internet's addresses of IPv4 are all but these
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

/// And of IPv6 these
/// (<https://www.iana.org/assignments/ipv6-address-space/ipv6-address-space.xhtml>).
const PUBLIC_V6: &str = "2000::/3";

impl Block {
    /// All packets with the addresses of `10.0.0.0/16`, and how many bits these have in
    /// common.
    ///
    /// # Errors
    /// What is no such text.
    pub fn of_cidr(text: &str) -> Result<(Self, u32), String> {
        let read = || {
            let (address, length) = text.split_once('/')?;
            let (address, length): (IpAddr, u32) = (address.parse().ok()?, length.parse().ok()?);
            let bits: u32 = if address.is_ipv4() { 32 } else { 128 };
            let free = bits.checked_sub(length)?;
            let rest = 1_u128.checked_shl(free).map_or(u128::MAX, |size| size - 1);
            let first = number(address) & !rest;
            let at = |number| self::address(address.is_ipv4(), number);
            Some((Self::of((at(first), at(first | rest))), length))
        };
        read().ok_or_else(|| format!("`{text}` is no block of addresses"))
    }

    /// All packets with some addresses.
    pub const fn of(addresses: (IpAddr, IpAddr)) -> Self {
        Self { addresses, protocols: (0, u8::MAX), ports: (0, u16::MAX) }
    }

    fn only(packet: &Packet) -> Self {
        Self {
            addresses: (packet.address, packet.address),
            protocols: (packet.protocol, packet.protocol),
            ports: (packet.port, packet.port),
        }
    }

    /// The first of them.
    pub const fn first(&self) -> Packet {
        Packet { address: self.addresses.0, protocol: self.protocols.0, port: self.ports.0 }
    }

    const fn is_v4(&self) -> bool {
        self.addresses.0.is_ipv4()
    }

    fn is_sound(&self) -> bool {
        let (first, last) = self.addresses;
        first.is_ipv4() == last.is_ipv4()
            && first <= last
            && self.protocols.0 <= self.protocols.1
            && self.ports.0 <= self.ports.1
    }

    /// The same as ranges of numbers.
    fn ranges(&self) -> [(u128, u128); 3] {
        let (first, last) = self.addresses;
        [
            (number(first), number(last)),
            (self.protocols.0.into(), self.protocols.1.into()),
            (self.ports.0.into(), self.ports.1.into()),
        ]
    }

    fn meets(&self, other: &Self) -> bool {
        let apart =
            |((first, last), (from, to)): ((u128, u128), (u128, u128))| last < from || to < first;
        self.is_v4() == other.is_v4() && !self.ranges().into_iter().zip(other.ranges()).any(apart)
    }

    fn is_in(&self, other: &Self) -> bool {
        let inside =
            |((first, last), (from, to)): ((u128, u128), (u128, u128))| from <= first && last <= to;
        self.is_v4() == other.is_v4() && self.ranges().into_iter().zip(other.ranges()).all(inside)
    }

    /// What of it is in another, and the boxes of the rest.
    pub fn split(&self, other: &Self) -> (Option<Self>, Vec<Self>) {
        if !self.meets(other) {
            return (None, vec![*self]);
        }
        let (mut inside, mut rest) = (*self, Vec::new());
        let v4 = self.is_v4();
        for which in 0..3 {
            let ranges = inside.ranges();
            let (Some(own), Some(cut)) = (ranges.get(which), other.ranges().get(which).copied())
            else {
                continue;
            };
            let (first, last) = *own;
            if let Some(before) = cut.0.checked_sub(1).filter(|_| first < cut.0) {
                rest.push(inside.with(v4, which, (first, before)));
            }
            if let Some(after) = cut.1.checked_add(1).filter(|_| cut.1 < last) {
                rest.push(inside.with(v4, which, (after, last)));
            }
            inside = inside.with(v4, which, (first.max(cut.0), last.min(cut.1)));
        }
        (Some(inside), rest)
    }

    fn with(&self, v4: bool, which: usize, (first, last): (u128, u128)) -> Self {
        let byte = |number: u128| u8::try_from(number).unwrap_or(u8::MAX);
        let port = |number: u128| u16::try_from(number).unwrap_or(u16::MAX);
        match which {
            0 => Self { addresses: (address(v4, first), address(v4, last)), ..*self },
            1 => Self { protocols: (byte(first), byte(last)), ..*self },
            _ => Self { ports: (port(first), port(last)), ..*self },
        }
    }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(one) => u32::from(one).into(),
        IpAddr::V6(one) => one.into(),
    }
}

fn address(v4: bool, number: u128) -> IpAddr {
    match v4 {
        true => IpAddr::V4(u32::try_from(number).unwrap_or(u32::MAX).into()),
        false => IpAddr::V6(number.into()),
    }
}

impl Facts {
    /// All packets of the internet: those that are asked about.
    ///
    /// # Errors
    /// None that is known.
    pub fn asked(&self) -> Result<Vec<Block>, String> {
        let mut all = vec![Block::of_cidr("0.0.0.0/0")?.0, Block::of_cidr(PUBLIC_V6)?.0];
        let private = NOT_PUBLIC.iter().map(|text| Block::of_cidr(text).map(|(block, _)| block));
        let private = private.collect::<Result<Vec<_>, _>>()?;
        for block in private.iter().chain(&self.inside) {
            all = all.iter().flat_map(|one| one.split(block).1).collect();
        }
        Ok(all)
    }

    /// What becomes of all packets of a box.
    ///
    /// # Errors
    /// Where that is not the same of all: a box that tells them apart, or none where
    /// something cannot be read.
    pub fn fate(&self, way: Way, of: &Block) -> Result<Fate, Option<Block>> {
        let addressed = if of.is_v4() { self.v4 } else { self.v6 };
        if way == Way::Enters && !self.gateway {
            return Ok(Fate::NoGateway);
        }
        if way == Way::Enters && !addressed {
            return Ok(Fate::NoAddress);
        }
        let is_open = is_in(of, &self.groups)?;
        if !is_open {
            return Ok(Fate::NoGroup);
        }
        let mut rules: Vec<&Rule> = self.acl.iter().collect();
        rules.sort_by_key(|rule| rule.number);
        let mut passes = false;
        for rule in rules {
            if is_in(of, &rule.of)? {
                passes = rule.allows;
                break;
            }
        }
        if !passes {
            return Ok(Fate::NoAcl);
        }
        if way == Way::Enters {
            return Ok(Fate::Breaks);
        }
        let mut routes = Vec::new();
        for route in &self.routes {
            for text in &route.to {
                let (block, length) = Block::of_cidr(text).map_err(|_| None)?;
                let is_other = route.by != Target::Local;
                let holds = !route.by.breaks(addressed);
                routes.push((u32::MAX - length, is_other, holds, block, route.by));
            }
        }
        // No table has two for the same addresses: where one has, the worse counts.
        routes.sort_by_key(|(length, is_other, holds, ..)| (*length, *is_other, *holds));
        for (.., block, by) in routes {
            if is_in(of, &[block])? {
                return Ok(match by {
                    by if by.breaks(addressed) => Fate::Breaks,
                    Target::InternetGateway | Target::EgressOnly => Fate::NoAddress,
                    by => Fate::By(by),
                });
            }
        }
        Ok(Fate::NoRoute)
    }
}

/// Whether a box is in one of some; one that cuts it, where it is in part.
fn is_in(of: &Block, all: &[Block]) -> Result<bool, Option<Block>> {
    if all.iter().any(|one| of.is_in(one)) {
        return Ok(true);
    }
    match all.iter().find(|one| of.meets(one)) {
        Some(cut) => Err(Some(*cut)),
        None => Ok(false),
    }
}

/// Whether a certificate is good: each class is decided as a whole, as its packet is, and
/// there are no other packets.
///
/// # Errors
/// What is not so.
pub fn check(certificate: &PacketCertificate) -> Result<(), String> {
    if certificate.verdict != "proved" {
        return Err(format!("a verdict `{}` has no certificate", certificate.verdict));
    }
    if certificate.classes.len() > CLASSES {
        return Err(format!("it has more than {CLASSES} classes"));
    }
    let (facts, way) = (&certificate.facts, certificate.way);
    let rules = facts.acl.iter().flat_map(|rule| &rule.of);
    let given = facts.inside.iter().chain(&facts.groups).chain(rules);
    let classes = certificate.classes.iter().map(|class| &class.of);
    if let Some(bad) = given.chain(classes).find(|block| !block.is_sound()) {
        return Err(format!("{bad:?} is no box of packets"));
    }
    let mut left = facts.asked()?;
    for PacketClass { of, packet, end } in &certificate.classes {
        let one = Block::only(packet);
        if !one.is_in(of) {
            return Err(format!("the packet {} is of another class", shown(packet)));
        }
        match facts.fate(way, of) {
            Ok(Fate::Breaks) => return Err(format!("the packet {} breaks it", shown(packet))),
            Ok(fate) if fate == *end && facts.fate(way, &one) == Ok(fate) => {}
            Ok(fate) => return Err(format!("the class is `{fate:?}`, not `{end:?}`")),
            Err(_) => {
                return Err(format!("packets like {} are not decided alike", shown(packet)));
            }
        }
        left = left.iter().flat_map(|block| block.split(of).1).collect();
    }
    match left.first() {
        Some(block) => Err(format!("no class has packets like {}", shown(&block.first()))),
        None => Ok(()),
    }
}

fn shown(packet: &Packet) -> String {
    format!("{} by protocol {} on port {}", packet.address, packet.protocol, packet.port)
}

/// Writes the certificate of what is proved of packets.
///
/// # Errors
/// Why there is none.
pub fn certify(
    (rail, who): (&str, &str),
    way: Way,
    facts: Facts,
) -> Result<PacketCertificate, String> {
    let mut left = facts.asked()?;
    let mut classes = Vec::new();
    while let Some(of) = left.pop() {
        match facts.fate(way, &of) {
            Ok(Fate::Breaks) => return Err(format!("the packet {} breaks it", shown(&of.first()))),
            Ok(end) => classes.push(PacketClass { of, packet: of.first(), end }),
            Err(Some(cut)) => {
                let (inside, rest) = of.split(&cut);
                left.extend(inside.into_iter().chain(rest));
            }
            Err(None) => return Err("a route is no block of addresses".to_owned()),
        }
        if classes.len() > CLASSES {
            return Err("it has too many classes".to_owned());
        }
    }
    let (rail, who, verdict) = (rail.to_owned(), who.to_owned(), "proved".to_owned());
    Ok(PacketCertificate { rail, who, verdict, way, facts, classes })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(text: &str) -> Block {
        Block::of_cidr(text).unwrap().0
    }

    fn route(to: &str, by: Target) -> Route {
        Route { to: vec![to.to_owned()], by }
    }

    /// A private subnet: HTTPS leaves by NAT, and nothing comes in.
    fn facts() -> Facts {
        let all = ["0.0.0.0/0", "::/0"].map(block);
        let allow = Rule { number: 100, allows: true, of: all.to_vec() };
        let deny = Rule { number: 90, allows: false, of: vec![block("198.51.100.0/24")] };
        Facts {
            inside: vec![block("10.0.0.0/16")],
            groups: vec![Block { protocols: (6, 6), ports: (443, 443), ..all[0] }],
            acl: vec![allow, deny],
            routes: vec![route("10.0.0.0/16", Target::Local), route("0.0.0.0/0", Target::Nat)],
            gateway: true,
            v4: true,
            v6: false,
        }
    }

    fn good() -> PacketCertificate {
        let made = certify(("a rail", "a function"), Way::Leaves, facts()).unwrap();
        assert_eq!(check(&made), Ok(()));
        made
    }

    #[test]
    fn what_leaves_by_nat_alone_has_a_certificate() {
        let made = good();
        let ends = made.classes.iter().map(|class| class.end);
        for end in [Fate::NoGroup, Fate::NoAcl, Fate::By(Target::Nat)] {
            assert!(ends.clone().any(|one| one == end), "{end:?}");
        }
        let text = serde_json::to_string(&made).unwrap();
        assert_eq!(serde_json::from_str::<PacketCertificate>(&text).unwrap(), made);
    }

    #[test]
    fn what_leaves_past_nat_has_none() {
        let mut past = facts();
        past.routes.push(route("203.0.113.0/24", Target::InternetGateway));
        let made = certify(("a rail", "a function"), Way::Leaves, past.clone());
        let breaks = "the packet 203.0.113.0 by protocol 6 on port 443 breaks it";
        assert_eq!(made, Err(breaks.to_owned()));
        // Nor has it the certificate of what does not.
        let mut forged = good();
        forged.facts = past.clone();
        assert!(check(&forged).unwrap_err().ends_with("are not decided alike"));
        past.v4 = false;
        assert!(certify(("a rail", "a function"), Way::Leaves, past).is_ok());
    }

    #[test]
    fn what_comes_in_has_none() {
        let made = certify(("a rail", "a function"), Way::Enters, facts());
        assert!(made.unwrap_err().ends_with(" by protocol 6 on port 443 breaks it"));
        let closed = Facts { v4: false, ..facts() };
        let made = certify(("a rail", "a function"), Way::Enters, closed).unwrap();
        assert_eq!(check(&made), Ok(()));
        let closed = Facts { gateway: false, ..facts() };
        assert!(certify(("a rail", "a function"), Way::Enters, closed).is_ok());
    }

    #[test]
    fn a_class_that_is_removed_is_missed() {
        for place in 0..good().classes.len() {
            let mut less = good();
            less.classes.remove(place);
            assert!(check(&less).unwrap_err().starts_with("no class has packets like "));
        }
    }

    #[test]
    fn a_class_that_is_changed_is_refused() {
        let mut other = good();
        other.classes[0].packet.address = "10.0.0.1".parse().unwrap();
        assert!(check(&other).unwrap_err().ends_with(" is of another class"));
        let mut other = good();
        let by = other.classes.iter_mut().find(|one| one.end == Fate::By(Target::Nat)).unwrap();
        by.end = Fate::NoGroup;
        assert_eq!(check(&other), Err("the class is `By(Nat)`, not `NoGroup`".to_owned()));
        let mut wider = good();
        let by = wider.classes.iter_mut().find(|one| one.end == Fate::By(Target::Nat)).unwrap();
        by.of.ports = (0, 65_535);
        assert!(check(&wider).unwrap_err().ends_with("are not decided alike"));
        let mut verdict = good();
        verdict.verdict = "violated".to_owned();
        assert!(check(&verdict).unwrap_err().starts_with("a verdict `violated`"));
    }

    #[test]
    fn the_most_specific_route_decides_and_of_two_the_own() {
        let of = |text| facts_with(text).fate(Way::Leaves, &Block::only(&packet("192.0.2.1")));
        assert_eq!(of("192.0.2.0/24"), Ok(Fate::Breaks));
        assert_eq!(of("198.51.100.0/24"), Ok(Fate::By(Target::Nat)));
        let own = facts_with("10.0.0.0/16");
        let inside = Block::only(&packet("10.0.0.1"));
        assert_eq!(own.fate(Way::Leaves, &inside), Ok(Fate::By(Target::Local)));
    }

    fn facts_with(to: &str) -> Facts {
        let mut all = facts();
        all.routes.insert(0, route(to, Target::Other));
        all
    }

    fn packet(address: &str) -> Packet {
        Packet { address: address.parse().unwrap(), protocol: 6, port: 443 }
    }

    #[test]
    fn what_is_no_box_of_packets_is_refused() {
        for (addresses, ports) in [
            ("203.0.113.9 203.0.113.1", (0, 1)),
            ("203.0.113.1 2001:db8::1", (0, 1)),
            ("203.0.113.1 203.0.113.9", (2, 1)),
        ] {
            let (first, last) = addresses.split_once(' ').unwrap();
            let mut other = good();
            other.classes[0].of.addresses = (first.parse().unwrap(), last.parse().unwrap());
            other.classes[0].of.ports = ports;
            assert!(check(&other).unwrap_err().ends_with(" is no box of packets"));
        }
        let mut many = good();
        many.classes = vec![many.classes[0].clone(); CLASSES + 1];
        assert_eq!(check(&many), Err("it has more than 5000 classes".to_owned()));
    }

    /// Packet by packet, without boxes.
    fn breaks(facts: &Facts, way: Way, one: &Packet) -> bool {
        let has = |block: &Block| Block::only(one).is_in(block);
        let addressed = if one.address.is_ipv4() { facts.v4 } else { facts.v6 };
        let rule = facts.acl.iter().filter(|rule| rule.of.iter().any(has));
        let rule = rule.min_by_key(|rule| rule.number);
        if !facts.groups.iter().any(has) || !rule.is_some_and(|rule| rule.allows) {
            return false;
        }
        if way == Way::Enters {
            return facts.gateway && addressed;
        }
        let all = facts.routes.iter().flat_map(|route| route.to.iter().map(|to| (to, route.by)));
        let read = all.map(|(to, by)| (Block::of_cidr(to).unwrap(), by));
        let best = read.filter(|((block, _), _)| has(block));
        let leaves = |by: Target| match by {
            Target::InternetGateway | Target::EgressOnly => addressed,
            by => by == Target::Other,
        };
        let best = best.map(|((_, length), by)| (length, by == Target::Local, leaves(by)));
        best.max().is_some_and(|(.., leaves)| leaves)
    }

    /// Some 300 networks of few parts: what is certified holds of each packet that is tried,
    /// and what is not is broken by the one that is told.
    #[test]
    fn what_is_certified_holds_packet_by_packet() {
        const BLOCKS: [&str; 6] = [
            "0.0.0.0/0",
            "::/0",
            "10.0.0.0/16",
            "203.0.113.0/24",
            "203.0.113.64/26",
            "2001:db8::/32",
        ];
        const BY: [Target; 5] = [
            Target::Nat,
            Target::Endpoint,
            Target::InternetGateway,
            Target::EgressOnly,
            Target::Other,
        ];
        let mut seed = 7_u64;
        let mut below = |bound: usize| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            usize::try_from(seed >> 33).unwrap() % bound
        };
        let (mut certified, mut broken) = (0, 0);
        for _ in 0..300 {
            let some = |below: &mut dyn FnMut(usize) -> usize| {
                let ports = [(0, 65_535), (443, 443), (400, 500)][below(3)];
                Block { ports, ..block(BLOCKS[below(6)]) }
            };
            let facts = Facts {
                inside: vec![block("10.0.0.0/16")],
                groups: (0..below(3)).map(|_| some(&mut below)).collect(),
                acl: (0..4)
                    .map(|number| {
                        let allows = below(2) == 0;
                        Rule { number, allows, of: vec![some(&mut below)] }
                    })
                    .collect(),
                routes: (0..3)
                    .map(|place| route(BLOCKS[(below(3) + 2 * place) % 6], BY[below(5)]))
                    .collect(),
                gateway: below(2) == 0,
                v4: below(2) == 0,
                v6: below(2) == 0,
            };
            for way in [Way::Leaves, Way::Enters] {
                let made = certify(("a rail", "a function"), way, facts.clone());
                let tried = ["1.1.1.1", "203.0.113.1", "203.0.113.70", "2001:db8::1", "2400::1"];
                let ports = [80, 443, 450].into_iter();
                let packets = ports.flat_map(|port| tried.map(|to| Packet { port, ..packet(to) }));
                let is_broken = packets.into_iter().any(|one| breaks(&facts, way, &one));
                match made {
                    Ok(made) => {
                        assert!(check(&made) == Ok(()) && !is_broken, "{made:?}");
                        certified += 1;
                    }
                    Err(why) => {
                        assert!(is_broken && why.ends_with(" breaks it"), "{why} {facts:?}");
                        broken += 1;
                    }
                }
            }
        }
        assert!(certified > 100 && broken > 50, "{certified} {broken}");
    }
}
