//! Certificates about packets: boxes of them, each decided as a whole, that leave nothing
//! out. What decides is what a VPC's parts say, in the order in which a packet meets them.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

mod block;
mod check;
mod decide;

pub use check::{Uncertified, certify, check};

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
    /// Out of the VPC: none but to some endpoints, and by NAT where that is let.
    Alone,
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
    /// Whether NAT is let, where endpoints are.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub nat: bool,
    /// The other endpoints of the VPC, which nothing is to reach.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub endpoints: Vec<Endpoint>,
}

/// An endpoint in one of its subnets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Endpoint {
    /// Its name.
    pub name: String,
    /// What a packet passes on its way there, and what each lets through.
    pub stages: Vec<Vec<Block>>,
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
    /// Behind a gateway to the internet nothing has such an address.
    Nowhere,
    /// They stay, or leave by what the guard rail lets them leave by.
    By(Target),
    /// They come in, or leave otherwise.
    Breaks,
}

#[cfg(test)]
mod tests;
