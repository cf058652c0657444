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
mod tests;
