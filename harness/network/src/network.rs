//! What is in a VPC, as far as it decides about packets.

use crate::traffic::{Cidr, Traffic};

/// A VPC.
#[derive(Debug, Clone, Default)]
pub struct Network {
    /// Its own addresses.
    pub addresses: Vec<Cidr>,
    /// Its subnets.
    pub subnets: Vec<Subnet>,
    /// Its NAT gateways.
    pub nats: Vec<Nat>,
    /// Its security groups.
    pub groups: Vec<Group>,
    /// Whether an internet gateway is attached to it.
    pub has_internet_gateway: bool,
}

/// A subnet.
#[derive(Debug, Clone, Default)]
pub struct Subnet {
    /// Its name.
    pub name: String,
    /// Its addresses.
    pub addresses: Vec<Cidr>,
    /// The routes of the table that it is associated with, or of the main one.
    pub routes: Vec<Route>,
    /// Its network ACL.
    pub acl: Acl,
}

/// A route.
#[derive(Debug, Clone)]
pub struct Route {
    /// Where to: one entry, or those of a prefix list.
    pub to: Vec<Cidr>,
    /// By what.
    pub target: Target,
}

/// What a route leads to, each by its name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// The VPC itself.
    Local,
    /// An internet gateway.
    InternetGateway(String),
    /// A NAT gateway.
    Nat(String),
    /// An internet gateway that lets nothing in.
    EgressOnly(String),
    /// A gateway endpoint.
    Endpoint(String),
    /// What leaves the VPC by another way: a peering, a transit gateway, an interface.
    Other(String),
}

/// A network ACL: rules in their order; what none speaks of is denied. It keeps no state,
/// and does not stand between interfaces of one subnet
/// (<https://docs.aws.amazon.com/vpc/latest/userguide/vpc-network-acls.html>).
#[derive(Debug, Clone, Default)]
pub struct Acl {
    /// Of what comes in; the address is where it comes from.
    pub inbound: Vec<AclRule>,
    /// Of what goes out; the address is where it goes to.
    pub outbound: Vec<AclRule>,
}

/// A rule of a network ACL.
#[derive(Debug, Clone)]
pub struct AclRule {
    /// Its number: "Rules are evaluated starting with the lowest numbered rule. As soon as
    /// a rule matches traffic, it's applied regardless of any higher-numbered rule that
    /// might contradict it."
    /// (<https://docs.aws.amazon.com/vpc/latest/userguide/nacl-rules.html>).
    pub number: u32,
    /// Whether it allows.
    pub allows: bool,
    /// What it speaks of.
    pub of: Traffic,
}

/// A security group: it only allows, and lets the answers to what it let through pass
/// (<https://docs.aws.amazon.com/vpc/latest/userguide/vpc-security-groups.html>).
#[derive(Debug, Clone, Default)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// What it lets in.
    pub inbound: Vec<Opening>,
    /// What it lets out.
    pub outbound: Vec<Opening>,
}

/// What a security group lets through.
#[derive(Debug, Clone)]
pub enum Opening {
    /// To or from addresses, a prefix list's among them.
    Addresses(Traffic),
    /// To or from the interfaces that have a group, by their private addresses; the
    /// traffic's own addresses count for nothing
    /// (<https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html#security-group-referencing>).
    Group(String, Traffic),
}

/// A NAT gateway. It has no security group, and lets nothing in by itself
/// (<https://docs.aws.amazon.com/vpc/latest/userguide/vpc-nat-gateway.html>).
#[derive(Debug, Clone)]
pub struct Nat {
    /// Its name.
    pub name: String,
    /// The subnet that it stands in.
    pub subnet: String,
    /// Whether it has a public address.
    pub is_public: bool,
}

/// A network interface.
#[derive(Debug, Clone, Copy)]
pub struct Interface<'i> {
    /// The subnet that it stands in.
    pub subnet: &'i str,
    /// Its groups.
    pub groups: &'i [&'i str],
    /// Whether it has a public IPv4 address. A function's has none
    /// (<https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc-internet.html>).
    pub is_public: bool,
    /// Whether it has an IPv6 address.
    pub has_v6: bool,
}

impl Network {
    pub(crate) fn subnet(&self, name: &str) -> Option<&Subnet> {
        self.subnets.iter().find(|one| one.name == name)
    }
}

impl Acl {
    /// One that lets everything through, as a VPC's own does at first.
    pub fn open() -> Self {
        let all = || vec![AclRule { number: 100, allows: true, of: Traffic::everything() }];
        Self { inbound: all(), outbound: all() }
    }
}
