//! What surrounds an interface: its VPC, its subnet's routes and network ACL, its groups.

use std::collections::BTreeSet;

use ringfence_network::network::{
    self, Acl, AclRule, Interface, Network, Opening, Route, Subnet, Target,
};
use ringfence_network::stages;
use ringfence_network::traffic::{Cidr, Packet, Traffic, Version};

use super::known::{At, Files, Known};
use super::routes::{self, By, Routes};
use super::rules;

pub(super) const SUBNETS: [&str; 2] = ["aws_subnet", "aws_default_subnet"];
const NETWORKS: [&str; 2] = ["aws_vpc", "aws_default_vpc"];

/// All groups of an interface, as the engine names them.
pub(super) const GROUP: &str = "the interface's";

/// What surrounds an interface.
#[derive(Debug)]
pub(super) struct Site {
    /// As the engine reads it.
    pub(super) network: Network,
    /// The subnet's address.
    pub(super) subnet: String,
    /// Whether the subnet has IPv6 addresses.
    pub(super) has_v6: bool,
    /// The internet gateway.
    pub(super) gateway: Option<String>,
    pub(super) routes: Routes,
    pub(super) acl: rules::Rules,
    /// What the groups let in, and out.
    pub(super) opened: [Vec<By<Traffic>>; 2],
    /// The same by other groups.
    pub(super) of_groups: [Vec<(String, By<Traffic>)>; 2],
    /// The groups' ids.
    pub(super) groups: Vec<String>,
    /// The VPC's id.
    pub(super) vpc: String,
    /// Why groups may let through more than is known here.
    pub(super) unread: BTreeSet<String>,
    /// What may let less through than is taken for granted, and why.
    pub(super) wider: BTreeSet<String>,
}

impl Site {
    /// Reads it, by the ids of a subnet and of groups.
    pub(super) fn of(files: Files<'_>, subnet: &str, groups: &[String]) -> Known<Self> {
        let site = Self::read(files, subnet, rules::groups(files, groups), acl)?;
        Ok(Self { groups: groups.to_vec(), ..site })
    }

    /// The same with a network ACL and a group that let everything through.
    pub(super) fn unguarded(files: Files<'_>, subnet: &str) -> Known<Self> {
        let all = || vec![By { what: Traffic::everything(), by: "a group".to_owned() }];
        let group = rules::Group { inbound: all(), outbound: all(), ..rules::Group::default() };
        Self::read(files, subnet, Ok(group), |_, _, _| Ok(rules::open("a network ACL")))
    }

    fn read(
        files: Files<'_>,
        subnet: &str,
        group: Known<rules::Group>,
        acl: fn(Files<'_>, &str, At<'_>) -> Known<rules::Rules>,
    ) -> Known<Self> {
        let own = files.with_id(&SUBNETS, subnet);
        let own = own.ok_or_else(|| format!("the subnet `{subnet}` is not in the files"))?;
        let id = own.needed("vpc_id")?;
        let vpc = files.with_id(&NETWORKS, id);
        let vpc =
            vpc.ok_or_else(|| format!("{}: its VPC `{id}` is not in the files", own.address))?;
        let addresses = addresses(files, vpc, id)?;
        let mut routes = routes(files, subnet, vpc, id)?;
        let local = Route { to: addresses.clone(), target: Target::Local };
        routes.all.push(By { what: local, by: format!("the local route of {}", vpc.address) });
        let acl = acl(files, subnet, vpc)?;
        let [v4, v6] = [own.cidr("cidr_block")?, own.cidr("ipv6_cidr_block")?];
        let rules::Group { inbound, outbound, of_groups, unread, mut wider } = group?;
        let opened = [inbound, outbound];
        for one in files.of(&["aws_vpc_block_public_access_options"]) {
            wider.insert(format!("{}: what it blocks is not followed", one.address));
        }
        let gateway = gateway(files, id)?.or_else(|| {
            routes.all.iter().find_map(|route| match &route.what.target {
                Target::InternetGateway(name) => Some(name.clone()),
                _ => None,
            })
        });
        let network = Network {
            addresses,
            subnets: vec![Subnet {
                name: own.address.to_owned(),
                addresses: v4.into_iter().chain(v6).collect(),
                routes: routes.all.iter().map(|route| route.what.clone()).collect(),
                acl: of_acl(&acl),
            }],
            nats: Vec::new(),
            groups: vec![as_group(GROUP, &opened, &of_groups)],
            has_internet_gateway: gateway.is_some(),
        };
        Ok(Self {
            network,
            subnet: own.address.to_owned(),
            has_v6: v6.is_some(),
            gateway,
            routes,
            acl,
            opened,
            of_groups,
            groups: Vec::new(),
            vpc: id.to_owned(),
            unread,
            wider,
        })
    }

    /// What an interface here can send to one elsewhere in the VPC, by where it goes to.
    pub(super) fn sends_to(&self, other: &Self) -> Traffic {
        let all = self.stages_to(other).into_iter();
        all.reduce(|all, stage| all.and(&stage)).unwrap_or_else(Traffic::nothing)
    }

    /// What each part on the way lets through of it.
    pub(super) fn stages_to(&self, other: &Self) -> Vec<Traffic> {
        const OTHER: &str = "the other's";
        let mut network = self.network.clone();
        network.subnets.extend(other.network.subnets.iter().cloned());
        network.groups.push(as_group(OTHER, &other.opened, &other.of_groups));
        let own = named(GROUP, &self.groups);
        let others = named(OTHER, &other.groups);
        let from = interface(&self.subnet, &own);
        stages(&network, &from, &interface(&other.subnet, &others))
    }

    /// The rules that let in what somebody elsewhere in the VPC sends in a packet: of the
    /// network ACL, where one stands between, and of a group.
    pub(super) fn lets_in(&self, from: &Self, sent: &Packet) -> Vec<String> {
        let sources = from.network.subnets.iter().flat_map(|one| &one.addresses);
        let sources = sources.fold(Traffic::nothing(), |all, one| all.or(one.traffic()));
        let [acl, _] = &self.acl;
        let same = self.subnet == from.subnet;
        let ports = Traffic::only(sent);
        let from_here = sources.and(&ports.at_any_version());
        let packets = from_here.parts().into_iter().filter_map(|part| part.first());
        let mut found = packets.filter_map(|packet| {
            let by_group = self.opening(true, &packet, &from.groups)?;
            let by_acl = super::ends::ruled(acl, &packet).filter(|_| !same);
            Some(by_acl.into_iter().chain([by_group]).collect())
        });
        found.next().unwrap_or_default()
    }

    /// The rule that lets a packet through to or from the interfaces of a group, or by
    /// its address.
    pub(super) fn opening(
        &self,
        is_in: bool,
        packet: &Packet,
        groups: &[String],
    ) -> Option<String> {
        let [inbound, outbound] = &self.opened;
        let [in_groups, out_groups] = &self.of_groups;
        let (opened, of_groups) = if is_in { (inbound, in_groups) } else { (outbound, out_groups) };
        let by_address = opened.iter().find(|rule| rule.what.has(packet));
        let by_group =
            of_groups.iter().find(|(id, rule)| groups.contains(id) && rule.what.has(packet));
        by_address.or(by_group.map(|(_, rule)| rule)).map(|rule| rule.by.clone())
    }
}

fn named<'i>(own: &'i str, groups: &'i [String]) -> Vec<&'i str> {
    std::iter::once(own).chain(groups.iter().map(String::as_str)).collect()
}

fn interface<'i>(subnet: &'i str, groups: &'i [&'i str]) -> Interface<'i> {
    Interface { subnet, groups, is_public: false, has_v6: false }
}

fn of_acl([inbound, outbound]: &rules::Rules) -> Acl {
    let plain = |rules: &[By<AclRule>]| rules.iter().map(|rule| rule.what.clone()).collect();
    Acl { inbound: plain(inbound), outbound: plain(outbound) }
}

/// All groups as one: "the rules from each security group are effectively aggregated"
/// (<https://docs.aws.amazon.com/vpc/latest/userguide/vpc-security-groups.html>).
fn as_group(
    name: &str,
    [inbound, outbound]: &[Vec<By<Traffic>>; 2],
    [from, to]: &[Vec<(String, By<Traffic>)>; 2],
) -> network::Group {
    let openings = |all: &[By<Traffic>], of_groups: &[(String, By<Traffic>)]| {
        let of_addresses = all.iter().map(|one| Opening::Addresses(one.what.clone()));
        let of_groups =
            of_groups.iter().map(|(id, one)| Opening::Group(id.clone(), one.what.clone()));
        of_addresses.chain(of_groups).collect()
    };
    network::Group {
        name: name.to_owned(),
        inbound: openings(inbound, from),
        outbound: openings(outbound, to),
    }
}

/// A VPC's own addresses.
fn addresses(files: Files<'_>, vpc: At<'_>, id: &str) -> Known<Vec<Cidr>> {
    let mut all: Vec<Cidr> = vpc.cidr("cidr_block")?.into_iter().collect();
    // Of a new VPC the provider says that its IPv6 block is not known, also where none
    // is asked for.
    let asks =
        vpc.flag("assign_generated_ipv6_cidr_block")? || vpc.text("ipv6_ipam_pool_id")?.is_some();
    match vpc.cidr("ipv6_cidr_block") {
        Ok(block) => all.extend(block),
        Err(reason) if asks => return Err(reason),
        Err(_) => {}
    }
    let kinds = [
        ("aws_vpc_ipv4_cidr_block_association", "cidr_block"),
        ("aws_vpc_ipv6_cidr_block_association", "ipv6_cidr_block"),
    ];
    for (kind, attribute) in kinds {
        for one in files.whose(&[kind], "vpc_id", id)? {
            all.extend(one.cidr(attribute)?);
        }
    }
    Ok(all)
}

/// The internet gateway of a VPC.
fn gateway(files: Files<'_>, vpc: &str) -> Known<Option<String>> {
    let kinds = ["aws_internet_gateway", "aws_internet_gateway_attachment"];
    let all = files.whose(&kinds, "vpc_id", vpc)?;
    Ok(all.first().map(|one| one.address.to_owned()))
}

/// The routes of a subnet: of the table that it is associated with, else of the main one
/// (<https://docs.aws.amazon.com/vpc/latest/userguide/subnet-route-tables.html>).
fn routes(files: Files<'_>, subnet: &str, vpc: At<'_>, id: &str) -> Known<Routes> {
    let own = files.whose(&["aws_route_table_association"], "subnet_id", subnet)?;
    if let Some(own) = own.first() {
        return routes::of_table(files, own.needed("route_table_id")?, false);
    }
    let main = files.whose(&["aws_main_route_table_association"], "vpc_id", id)?;
    if let Some(main) = main.first() {
        return routes::of_table(files, main.needed("route_table_id")?, false);
    }
    let default = vpc.needed("default_route_table_id")?;
    let adopted = files.whose(&["aws_default_route_table"], "default_route_table_id", default)?;
    match adopted.first() {
        Some(adopted) => routes::of_table(files, adopted.needed("id")?, false),
        None => {
            let mut routes = routes::of_table(files, vpc.needed("main_route_table_id")?, true)?;
            if files.with_id(&["aws_default_vpc"], id).is_some() {
                routes.all.push(of_default(vpc));
            }
            Ok(routes)
        }
    }
}

/// Of a default VPC the main table leads to the internet
/// (<https://docs.aws.amazon.com/vpc/latest/userguide/default-vpc.html#default-vpc-components>).
fn of_default(vpc: At<'_>) -> By<Route> {
    let target = Target::InternetGateway(format!("the internet gateway of {}", vpc.address));
    let by = format!("the main route table of {}", vpc.address);
    By { what: Route { to: vec![Cidr::all(Version::V4)], target }, by }
}

/// The network ACL of a subnet: the one that it is associated with, else the VPC's
/// default one (<https://docs.aws.amazon.com/vpc/latest/userguide/default-network-acl.html>).
fn acl(files: Files<'_>, subnet: &str, vpc: At<'_>) -> Known<rules::Rules> {
    let own = files.whose(&["aws_network_acl_association"], "subnet_id", subnet)?;
    if let Some(own) = own.first() {
        let id = own.needed("network_acl_id")?;
        let acl = files.with_id(&["aws_network_acl", "aws_default_network_acl"], id);
        let acl = acl.ok_or_else(|| format!("the network ACL `{id}` is not in the files"))?;
        return with_beside(files, rules::within(acl)?, id);
    }
    for acl in files.of(&["aws_network_acl"]) {
        if acl.texts("subnet_ids")?.contains(&subnet) {
            return with_beside(files, rules::within(acl)?, acl.needed("id")?);
        }
    }
    let default = vpc.needed("default_network_acl_id")?;
    let kind = ["aws_default_network_acl"];
    let adopted = files.whose(&kind, "default_network_acl_id", default)?;
    let rules = match adopted.first() {
        Some(adopted) => rules::within(*adopted)?,
        None => rules::open(&format!("the default network ACL of {}", vpc.address)),
    };
    with_beside(files, rules, default)
}

fn with_beside(files: Files<'_>, mut rules: rules::Rules, id: &str) -> Known<rules::Rules> {
    rules::beside(files, id, &mut rules)?;
    Ok(rules)
}
