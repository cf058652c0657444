//! Boxes of packets.

use std::net::IpAddr;

use super::{Block, Packet};

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

    pub(super) fn only(packet: &Packet) -> Self {
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

    pub(super) const fn is_v4(&self) -> bool {
        self.addresses.0.is_ipv4()
    }

    pub(super) fn is_sound(&self) -> bool {
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

    pub(super) fn meets(&self, other: &Self) -> bool {
        let apart =
            |((first, last), (from, to)): ((u128, u128), (u128, u128))| last < from || to < first;
        self.is_v4() == other.is_v4() && !self.ranges().into_iter().zip(other.ranges()).any(apart)
    }

    pub(super) fn is_in(&self, other: &Self) -> bool {
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
