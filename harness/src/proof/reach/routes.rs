//! Routes and what they lead to.

use std::collections::BTreeSet;

use ringfence_network::network::{Route, Target};
use ringfence_network::traffic::Cidr;

use super::known::{At, Files, Known};

/// Something with the place that says so.
#[derive(Debug, Clone)]
pub(super) struct By<T> {
    pub(super) what: T,
    /// `aws_route.out`, `aws_route_table.private.route[0]`.
    pub(super) by: String,
}

/// The routes of a table.
#[derive(Debug, Default)]
pub(super) struct Routes {
    pub(super) all: Vec<By<Route>>,
    /// The table's id.
    pub(super) table: String,
    /// Why it is not known what some lead to, as their targets say.
    pub(super) unread: BTreeSet<String>,
    /// Why there may be others.
    pub(super) further: Option<String>,
}

/// What else than the internet routes lead to, by their attributes
/// (<https://docs.aws.amazon.com/vpc/latest/userguide/route-table-options.html>).
const OTHERS: [(&str, &str); 8] = [
    ("transit_gateway_id", "transit gateway"),
    ("vpc_peering_connection_id", "peering"),
    ("network_interface_id", "interface"),
    ("instance_id", "instance"),
    ("vpc_endpoint_id", "endpoint of a load balancer"),
    ("local_gateway_id", "local gateway"),
    ("carrier_gateway_id", "carrier gateway"),
    ("core_network_arn", "core network"),
];

const TABLES: [&str; 2] = ["aws_route_table", "aws_default_route_table"];

/// The routes of a table: those of resources of their own, then those in it. A state
/// has the first among the second, too.
pub(super) fn of_table(files: Files<'_>, id: &str, is_main: bool) -> Known<Routes> {
    let table = files.with_id(&TABLES, id);
    if table.is_none() && !is_main {
        return Err(format!("the route table `{id}` is not in the files"));
    }
    let mut routes = Routes { table: id.to_owned(), ..Routes::default() };
    for route in files.whose(&["aws_route"], "route_table_id", id)? {
        let to = ["destination_cidr_block", "destination_ipv6_cidr_block"];
        let by = route.address.to_owned();
        add(files, route, to, by, (&mut routes.all, &mut routes.unread))?;
    }
    let own: Vec<Cidr> = routes.all.iter().flat_map(|route| route.what.to.clone()).collect();
    let Some(table) = table else { return Ok(routes) };
    let mut inline = Vec::new();
    for (at, route) in table.inner("route")?.into_iter().enumerate() {
        let by = format!("{}.route[{at}]", table.address);
        let to = ["cidr_block", "ipv6_cidr_block"];
        add(files, route, to, by, (&mut inline, &mut routes.unread))?;
    }
    for route in &mut inline {
        route.what.to.retain(|to| !own.contains(to));
    }
    routes.all.extend(inline);
    let propagated = files.whose(&["aws_vpn_gateway_route_propagation"], "route_table_id", id)?;
    if let Some(one) = propagated.first() {
        routes.further = Some(format!("{}: which routes it adds is not known", one.address));
    } else if !table.texts("propagating_vgws")?.is_empty() {
        let reason = "which routes a VPN gateway adds is not known";
        routes.further = Some(format!("{}: {reason}", table.address));
    }
    Ok(routes)
}

fn add(
    files: Files<'_>,
    route: At<'_>,
    destinations: [&str; 2],
    by: String,
    (all, unread): (&mut Vec<By<Route>>, &mut BTreeSet<String>),
) -> Known<()> {
    let mut to = Vec::new();
    for name in destinations {
        to.extend(route.cidr(name)?);
    }
    // Where that is not known or not followed, the target says why.
    let target = target(files, route, &by).unwrap_or_else(|reason| {
        unread.insert(reason.clone());
        Target::Other(reason)
    });
    if let Some(list) = route.text("destination_prefix_list_id")? {
        match files.prefix_list(list)? {
            Some(entries) => to.extend(entries),
            // The addresses of a service: they leave by no way that leads to the internet.
            None if matches!(target, Target::Endpoint(_)) => return Ok(()),
            None => return Err(format!("{by}: the prefix list `{list}` is not in the files")),
        }
    }
    all.push(By { what: Route { to, target }, by });
    Ok(())
}

/// What a route leads to.
fn target(files: Files<'_>, route: At<'_>, by: &str) -> Known<Target> {
    if let Some(id) = route.text("nat_gateway_id")? {
        return nat(files, id);
    }
    let named = |kind: &str, id: &str| {
        files.with_id(&[kind], id).map_or_else(|| id.to_owned(), |one| one.address.to_owned())
    };
    if let Some(id) = route.text("egress_only_gateway_id")? {
        return Ok(Target::EgressOnly(named("aws_egress_only_internet_gateway", id)));
    }
    if let Some(id) = route.text("gateway_id")? {
        let begins = |prefix: &str| id.starts_with(prefix);
        return Ok(match id {
            "local" => Target::Local,
            _ if begins("igw-") => Target::InternetGateway(named("aws_internet_gateway", id)),
            _ if begins("eigw-") => {
                Target::EgressOnly(named("aws_egress_only_internet_gateway", id))
            }
            _ if begins("vpce-") => Target::Endpoint(named("aws_vpc_endpoint", id)),
            _ => Target::Other(format!("{by}: the gateway `{id}` is not followed")),
        });
    }
    for (name, what) in OTHERS {
        if let Some(id) = route.text(name)? {
            return Ok(Target::Other(format!("{by}: the {what} `{id}` is not followed")));
        }
    }
    Ok(Target::Other(format!("{by}: it leads to nothing that is known")))
}

/// A NAT gateway; a private one leads into other networks.
fn nat(files: Files<'_>, id: &str) -> Known<Target> {
    let Some(nat) = files.with_id(&["aws_nat_gateway"], id) else {
        return Err(format!("the NAT gateway `{id}` is not in the files"));
    };
    match nat.text("connectivity_type")? {
        None | Some("public") => Ok(Target::Nat(nat.address.to_owned())),
        Some(_) => {
            Err(format!("{}: where a private NAT gateway leads is not followed", nat.address))
        }
    }
}
