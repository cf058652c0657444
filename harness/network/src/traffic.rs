//! Sets of traffic.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The version of a protocol's addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Version {
    const fn bits(self) -> u32 {
        match self {
            Self::V4 => 32,
            Self::V6 => 128,
        }
    }
}

/// From the first to the last, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Range {
    first: u128,
    last: u128,
}

impl Range {
    /// A range; `None` where the last is before the first.
    pub const fn new(first: u128, last: u128) -> Option<Self> {
        if first <= last { Some(Self { first, last }) } else { None }
    }

    /// One number.
    pub const fn one(number: u128) -> Self {
        Self { first: number, last: number }
    }

    /// The first of it.
    pub const fn first(self) -> u128 {
        self.first
    }

    /// The last of it.
    pub const fn last(self) -> u128 {
        self.last
    }

    fn and(self, other: Self) -> Option<Self> {
        Self::new(self.first.max(other.first), self.last.min(other.last))
    }

    /// What of it is before and after another.
    fn but(self, other: Self) -> [Option<Self>; 2] {
        let before =
            other.first.checked_sub(1).and_then(|end| Self::new(self.first, end.min(self.last)));
        let after =
            other.last.checked_add(1).and_then(|start| Self::new(start.max(self.first), self.last));
        [before, after]
    }

    fn has(self, number: u128) -> bool {
        (self.first..=self.last).contains(&number)
    }
}

/// All protocols by their numbers
/// (<https://www.iana.org/assignments/protocol-numbers/protocol-numbers.xhtml>).
pub const PROTOCOLS: Range = Range { first: 0, last: 255 };

/// All ports; of ICMP, the type times 256 and the code.
pub const PORTS: Range = Range { first: 0, last: 65_535 };

/// Addresses with a common beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cidr {
    version: Version,
    first: u128,
    length: u32,
}

impl Cidr {
    /// Reads `10.0.0.0/16` or `2001:db8::/56`; bits after the length are dropped.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, length) = text.split_once('/')?;
        let length: u32 = length.parse().ok()?;
        let (version, number) = match address.parse().ok()? {
            IpAddr::V4(address) => (Version::V4, u128::from(u32::from(address))),
            IpAddr::V6(address) => (Version::V6, u128::from(address)),
        };
        let free = version.bits().checked_sub(length)?;
        let mask = u128::MAX.checked_shl(free).unwrap_or(0);
        Some(Self { version, first: number & mask, length })
    }

    /// Every address.
    pub const fn all(version: Version) -> Self {
        Self { version, first: 0, length: 0 }
    }

    /// How many bits they have in common.
    pub const fn length(self) -> u32 {
        self.length
    }

    fn range(self) -> Range {
        let free = self.version.bits() - self.length.min(self.version.bits());
        let rest = 1_u128.checked_shl(free).map_or(u128::MAX, |size| size - 1);
        Range { first: self.first, last: self.first | rest }
    }

    /// All traffic with these addresses.
    pub fn traffic(self) -> Traffic {
        self.on(PROTOCOLS, PORTS)
    }

    /// Traffic with these addresses.
    pub fn on(self, protocol: Range, port: Range) -> Traffic {
        let (version, address) = (self.version, self.range());
        Traffic(vec![Cell { version, address, protocol, port }])
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", address(self.version, self.first), self.length)
    }
}

fn address(version: Version, number: u128) -> IpAddr {
    match version {
        Version::V4 => IpAddr::V4(Ipv4Addr::from(u32::try_from(number).unwrap_or(u32::MAX))),
        Version::V6 => IpAddr::V6(Ipv6Addr::from(number)),
    }
}

/// A box of traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Cell {
    version: Version,
    address: Range,
    protocol: Range,
    port: Range,
}

impl Cell {
    fn and(self, other: Self) -> Option<Self> {
        if self.version != other.version {
            return None;
        }
        Some(Self {
            version: self.version,
            address: self.address.and(other.address)?,
            protocol: self.protocol.and(other.protocol)?,
            port: self.port.and(other.port)?,
        })
    }

    fn but(self, other: Self) -> Vec<Self> {
        let Some(both) = self.and(other) else { return vec![self] };
        let mut rest = Vec::new();
        let addresses = self.address.but(both.address).into_iter().flatten();
        rest.extend(addresses.map(|address| Self { address, ..self }));
        let within = Self { address: both.address, ..self };
        let protocols = self.protocol.but(both.protocol).into_iter().flatten();
        rest.extend(protocols.map(|protocol| Self { protocol, ..within }));
        let within = Self { protocol: both.protocol, ..within };
        let ports = self.port.but(both.port).into_iter().flatten();
        rest.extend(ports.map(|port| Self { port, ..within }));
        rest
    }
}

/// A box of traffic, as it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Part {
    /// The first of its addresses, and the last.
    pub addresses: (IpAddr, IpAddr),
    /// Its protocols by their numbers.
    pub protocols: Range,
    /// Its ports; of ICMP, the type times 256 and the code.
    pub ports: Range,
}

impl Part {
    /// The first packet of it.
    pub fn first(&self) -> Option<Packet> {
        let (version, address) = match self.addresses.0 {
            IpAddr::V4(one) => (Version::V4, u128::from(u32::from(one))),
            IpAddr::V6(one) => (Version::V6, u128::from(one)),
        };
        let protocol = u8::try_from(self.protocols.first).ok()?;
        Some(Packet { version, address, protocol, port: u16::try_from(self.ports.first).ok()? })
    }
}

/// One packet: the address of the other end, the protocol and the port that is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Packet {
    /// The version.
    pub version: Version,
    /// The other end's address.
    pub address: u128,
    /// The protocol's number.
    pub protocol: u8,
    /// The port.
    pub port: u16,
}

impl fmt::Display for Packet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = address(self.version, self.address);
        match self.protocol {
            6 => write!(f, "{address} on TCP port {}", self.port),
            17 => write!(f, "{address} on UDP port {}", self.port),
            other => write!(f, "{address} by protocol {other}"),
        }
    }
}

/// A set of traffic.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Traffic(Vec<Cell>);

impl Traffic {
    /// None.
    pub const fn nothing() -> Self {
        Self(Vec::new())
    }

    /// One packet.
    pub fn only(packet: &Packet) -> Self {
        Self(vec![Cell {
            version: packet.version,
            address: Range::one(packet.address),
            protocol: Range::one(packet.protocol.into()),
            port: Range::one(packet.port.into()),
        }])
    }

    /// All there is.
    pub fn everything() -> Self {
        Cidr::all(Version::V4).traffic().or(Cidr::all(Version::V6).traffic())
    }

    /// Whether there is none.
    pub fn is_nothing(&self) -> bool {
        self.0.is_empty()
    }

    /// Its boxes, by address; no two have a packet in common.
    pub fn parts(&self) -> Vec<Part> {
        let mut cells = self.0.clone();
        cells.sort_unstable();
        let part = |cell: &Cell| Part {
            addresses: (
                address(cell.version, cell.address.first),
                address(cell.version, cell.address.last),
            ),
            protocols: cell.protocol,
            ports: cell.port,
        };
        cells.iter().map(part).collect()
    }

    /// What is in both.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        let pairs = self.0.iter().flat_map(|one| other.0.iter().map(move |two| one.and(*two)));
        Self(pairs.flatten().collect())
    }

    /// What is in one of them.
    #[must_use]
    pub fn or(mut self, other: Self) -> Self {
        let rest = other.but(&self);
        self.0.extend(rest.0);
        self
    }

    /// What is not in the other.
    #[must_use]
    pub fn but(&self, other: &Self) -> Self {
        let without = |rest: Vec<Cell>, one: &Cell| {
            rest.into_iter().flat_map(|cell| cell.but(*one)).collect()
        };
        Self(other.0.iter().fold(self.0.clone(), without))
    }

    /// The same protocols and ports with every address of the version.
    #[must_use]
    pub fn at_any_address(&self) -> Self {
        let wide = |cell: &Cell| Cell { address: Cidr::all(cell.version).range(), ..*cell };
        self.0.iter().map(wide).fold(Self::nothing(), |all, cell| all.or(Self(vec![cell])))
    }

    /// The same protocols and ports with every address of every version.
    #[must_use]
    pub fn at_any_version(&self) -> Self {
        let of = |version| {
            let wide =
                move |cell: &Cell| Cell { version, address: Cidr::all(version).range(), ..*cell };
            self.0.iter().map(wide)
        };
        let all = of(Version::V4).chain(of(Version::V6));
        all.fold(Self::nothing(), |all, cell| all.or(Self(vec![cell])))
    }

    /// The same addresses and protocols on every port.
    #[must_use]
    pub fn on_any_port(&self) -> Self {
        let wide = |cell: &Cell| Cell { port: PORTS, ..*cell };
        self.0.iter().map(wide).fold(Self::nothing(), |all, cell| all.or(Self(vec![cell])))
    }

    /// Whether a packet is in it.
    pub fn has(&self, packet: &Packet) -> bool {
        self.0.iter().any(|cell| {
            cell.version == packet.version
                && cell.address.has(packet.address)
                && cell.protocol.has(packet.protocol.into())
                && cell.port.has(packet.port.into())
        })
    }

    /// One of it: by TCP where there is such a one.
    pub fn some(&self) -> Option<Packet> {
        let by = |number: u128| {
            self.0.iter().find(|cell| cell.protocol.has(number)).map(|it| (it, number))
        };
        let first = || self.0.first().map(|cell| (cell, cell.protocol.first));
        let (cell, protocol) = by(6).or_else(|| by(17)).or_else(first)?;
        Some(Packet {
            version: cell.version,
            address: cell.address.first,
            protocol: u8::try_from(protocol).ok()?,
            port: u16::try_from(cell.port.first).ok()?,
        })
    }
}
