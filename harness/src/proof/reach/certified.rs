//! What a certificate about packets says that they meet.

use ringfence_certificate::packets::{Block, Endpoint, Facts, Route, Rule, Target, Way};
use ringfence_network::network;
use ringfence_network::traffic::Traffic;

use super::endpoints::{self, Wanted};
use super::known::{Files, Known};
use super::site::Site;
use super::{ends, routes};

/// What packets that leave an interface meet, whichever addresses it has.
pub(super) fn leaving(site: &Site) -> (Way, Facts) {
    let [_, groups] = &site.opened;
    let [_, acl] = &site.acl;
    let facts = Facts { v4: true, v6: site.has_v6, ..facts(site, groups, acl) };
    (Way::Leaves, facts)
}

/// What packets that come to an interface meet: where something else than its gateway
/// brings packets into the VPC, any may come.
pub(super) fn entering(files: Files<'_>, site: &Site) -> (Way, Facts) {
    let [groups, _] = &site.opened;
    let [acl, _] = &site.acl;
    let any = ends::entrance(files).is_some();
    let facts = Facts {
        gateway: any || site.network.has_internet_gateway,
        v4: any,
        v6: any || site.has_v6,
        routes: Vec::new(),
        ..facts(site, groups, acl)
    };
    (Way::Enters, facts)
}

/// What packets that leave an interface meet, and what keeps them from other endpoints
/// than some.
///
/// # Errors
/// Why that is not told: what is not known, and an endpoint that is reached and whose policy
/// lets nothing through.
pub(super) fn alone(files: Files<'_>, site: &Site, wanted: Wanted<'_>) -> Known<(Way, Facts)> {
    let [_, groups] = &site.opened;
    let [_, acl] = &site.acl;
    let mut endpoints = Vec::new();
    for (name, stages) in endpoints::others(files, site, wanted)? {
        let all = stages.iter().cloned().reduce(|all, stage| all.and(&stage));
        if all.is_none_or(|all| !all.is_nothing()) {
            return Err(format!("that the policy of {name} lets nothing through is not checked"));
        }
        let stages = stages.iter().map(blocks).collect();
        endpoints.push(Endpoint { name: name.to_owned(), stages });
    }
    let v6 = site.has_v6;
    Ok((Way::Alone, Facts { v6, nat: wanted.nat, endpoints, ..facts(site, groups, acl) }))
}

fn facts(
    site: &Site,
    groups: &[routes::By<Traffic>],
    acl: &[routes::By<network::AclRule>],
) -> Facts {
    let rule = |one: &routes::By<network::AclRule>| Rule {
        number: one.what.number,
        allows: one.what.allows,
        of: blocks(&one.what.of),
    };
    let route = |one: &routes::By<network::Route>| Route {
        to: one.what.to.iter().map(ToString::to_string).collect(),
        by: match one.what.target {
            network::Target::Local => Target::Local,
            network::Target::Nat(_) => Target::Nat,
            network::Target::Endpoint(_) => Target::Endpoint,
            network::Target::InternetGateway(_) => Target::InternetGateway,
            network::Target::EgressOnly(_) => Target::EgressOnly,
            network::Target::Other(_) => Target::Other,
        },
    };
    Facts {
        inside: site.network.addresses.iter().flat_map(|one| blocks(&one.traffic())).collect(),
        groups: groups.iter().flat_map(|one| blocks(&one.what)).collect(),
        acl: acl.iter().map(rule).collect(),
        routes: site.routes.all.iter().map(route).collect(),
        ..Facts::default()
    }
}

fn blocks(traffic: &Traffic) -> Vec<Block> {
    let parts = traffic.parts().into_iter();
    let block = |part: ringfence_network::traffic::Part| {
        let byte = |number: u128| u8::try_from(number).unwrap_or(u8::MAX);
        let port = |number: u128| u16::try_from(number).unwrap_or(u16::MAX);
        Block {
            addresses: part.addresses,
            protocols: (byte(part.protocols.first()), byte(part.protocols.last())),
            ports: (port(part.ports.first()), port(part.ports.last())),
        }
    };
    parts.map(block).collect()
}
