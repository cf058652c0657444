//! What functions reach, and what reaches them: by class of addresses, protocol and
//! port, with the rules that say so.

use std::collections::BTreeSet;

use ringfence_network::network::{AclRule, Nat, Network, Route, Target};
use ringfence_network::traffic::{Cidr, Part, Range, Traffic, Version};
use ringfence_network::{Left, Way, enters, leaves};

use super::ends::{self, interface, routed};
use super::known::{Files, Known};
use super::places::{self, Place};
use super::routes::By;
use super::rules;
use super::site::Site;
use super::{endpoints, told};
use crate::access::estate::Estate;
use crate::config::Config;
use crate::proof::decide::End;

/// What is asked.
#[derive(Debug, Clone, Default)]
pub struct Question {
    /// Of which function: its address or its name; of all, where it is left out.
    pub function: Option<String>,
    /// Which addresses; all, where they are left out.
    pub to: Option<Cidr>,
    /// Which port of TCP and UDP; all traffic, where it is left out.
    pub port: Option<u16>,
}

/// What is answered of one function in one subnet.
#[derive(Debug, Default)]
pub struct Answer {
    /// Which function.
    pub who: String,
    /// What it reaches.
    pub reaches: Vec<Row>,
    /// What reaches it.
    pub reached_by: Vec<Row>,
    /// What is not known, and why.
    pub undecided: Vec<String>,
}

/// Traffic that takes one way by the same rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The class of addresses, or who has them.
    pub class: String,
    /// Which of them; none for all.
    pub only: Vec<String>,
    /// The protocol.
    pub protocol: String,
    /// The first and the last port; none for all, and where there are none.
    pub ports: Option<(u16, u16)>,
    /// The rules, the route and what it leads by, in the order of a packet.
    pub by: Vec<String>,
    /// Of what is sent: whether an answer comes back.
    pub is_answered: Option<bool>,
}

/// A function that nobody is.
#[derive(Debug, thiserror::Error)]
#[error("no function is called `{named}`: there is {}", told::listed(.there))]
pub struct Nobody {
    named: String,
    there: Vec<String>,
}

/// Answers it for each function and subnet, as files and configuration have them.
///
/// # Errors
/// When no function has the name.
pub fn answers(
    estate: &Estate,
    config: &Config,
    question: &Question,
) -> Result<Vec<Answer>, Nobody> {
    let files = Files(&estate.resources);
    let all = places::all(estate, config, files);
    let is_asked = |who: &str| question.function.as_ref().is_none_or(|one| is(files, who, one));
    let asked: Vec<_> = all.iter().filter(|(who, _)| is_asked(who)).collect();
    if let (Some(named), true) = (&question.function, asked.is_empty()) {
        let there: BTreeSet<String> = all.iter().map(|(who, _)| own(who).to_owned()).collect();
        return Err(Nobody { named: named.clone(), there: there.into_iter().collect() });
    }
    let answer = |(who, place): &(String, Place)| {
        let mut answer = Answer { who: who.clone(), ..Answer::default() };
        match place {
            Place::Nowhere => answer.nowhere(question),
            Place::Unknown(reason) => answer.undecided.push(reason.clone()),
            Place::In { subnet, groups } => {
                let site = groups.clone().and_then(|groups| Site::of(files, subnet, &groups));
                match site {
                    Ok(site) => answer.inside(estate, files, &site, question),
                    Err(reason) => answer.undecided.push(reason),
                }
            }
        }
        answer
    };
    Ok(asked.into_iter().map(answer).collect())
}

/// Who it is, without the subnet.
fn own(who: &str) -> &str {
    who.split_once(" in ").map_or(who, |(own, _)| own)
}

/// Whether a function is called so: by its address, or its name.
fn is(files: Files<'_>, who: &str, named: &str) -> bool {
    let own = own(who);
    let mut all = files.of(&["aws_lambda_function"]).filter(|one| one.address == own);
    own == named || all.any(|one| one.text("function_name") == Ok(Some(named)))
}

impl Question {
    /// All traffic that is asked about.
    fn traffic(&self) -> Traffic {
        let port = self.port.map_or_else(Traffic::everything, |port| {
            let of = |version, protocol: u128| {
                Cidr::all(version).on(Range::one(protocol), Range::one(port.into()))
            };
            let both = [(Version::V4, 6), (Version::V4, 17), (Version::V6, 6), (Version::V6, 17)];
            both.into_iter().fold(Traffic::nothing(), |all, (v, p)| all.or(of(v, p)))
        });
        self.to.map_or_else(|| port.clone(), |to| port.and(&to.traffic()))
    }

    /// The classes of addresses that are asked about.
    fn classes(&self, own: &[Cidr]) -> Vec<(String, Traffic)> {
        if let Some(to) = self.to {
            return vec![(to.to_string(), to.traffic())];
        }
        let own = own.iter().fold(Traffic::nothing(), |all, one| all.or(one.traffic()));
        let [v4, v6] = [Version::V4, Version::V6].map(|version| Cidr::all(version).traffic());
        let internet = ends::anything().but(&own);
        let others = ends::leavable().but(&own).but(&internet);
        vec![
            ("the VPC".to_owned(), own),
            ("the internet (IPv4)".to_owned(), internet.and(&v4)),
            ("the internet (IPv6)".to_owned(), internet.and(&v6)),
            ("other addresses (IPv4)".to_owned(), others.and(&v4)),
            ("other addresses (IPv6)".to_owned(), others.and(&v6)),
        ]
    }
}

impl Answer {
    /// Lambda's own network lets everything out, and nothing in
    /// (<https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc-internet.html>).
    fn nowhere(&mut self, question: &Question) {
        let asked = question.traffic().and(&ends::anything());
        let by = vec!["Lambda's own network, as it is in no VPC".to_owned()];
        for (class, addresses) in question.classes(&[]) {
            let sent = asked.and(&addresses);
            self.reaches.extend(rows(&class, &addresses, &sent, &by, Some(true)));
        }
    }

    fn inside(&mut self, estate: &Estate, files: Files<'_>, site: &Site, question: &Question) {
        self.undecided.extend(site.routes.further.clone());
        self.undecided.extend(site.unread.iter().chain(&site.wider).cloned());
        let (network, nats) = self.with_nats(files, site);
        let asked = question.traffic();
        let classes = question.classes(&site.network.addresses);
        for left in leaves(&network, &interface(site, false)) {
            for (class, addresses) in &classes {
                let sent = reached(&left).and(&asked).and(addresses);
                for (sent, mut by) in split(site, &sent) {
                    match &left.way {
                        Way::Nat(name) => {
                            by.push(name.clone());
                            by.extend(nats.iter().filter(|one| one.0 == *name).flat_map(
                                |(_, stands)| {
                                    let first = sent.parts().first().and_then(Part::first);
                                    let route =
                                        first.and_then(|it| routed(&stands.routes.all, &it));
                                    route.into_iter().chain(stands.gateway.clone())
                                },
                            ));
                        }
                        Way::InternetGateway(name)
                        | Way::EgressOnly(name)
                        | Way::Endpoint(name) => by.push(name.clone()),
                        Way::Inside => {}
                        Way::Other(reason) => {
                            let packets = ends::shown(&sent);
                            let told = packets.map(|it| format!("{it} leaves, and {reason}"));
                            self.undecided.extend(told);
                            continue;
                        }
                    }
                    let answered = sent.and(&left.answered);
                    let lost = sent.but(&left.answered);
                    self.reaches.extend(rows(class, addresses, &answered, &by, Some(true)));
                    self.reaches.extend(rows(class, addresses, &lost, &by, Some(false)));
                }
            }
        }
        for at in files.of(&["aws_vpc_endpoint"]) {
            match endpoints::led(estate, files, (site, at)) {
                Ok(Some((sent, by, service))) => {
                    let class = format!("the endpoint {service}");
                    let sent = sent.and(&asked);
                    let whole = Traffic::everything();
                    for mut row in rows(&class, &whole, &sent.at_any_version(), &by, Some(true)) {
                        row.only.clear();
                        self.reaches.push(row);
                    }
                }
                Ok(None) => {}
                Err(reason) => self.undecided.push(reason),
            }
        }
        self.entered(files, site, (&asked, &classes));
        self.undecided.sort();
        self.undecided.dedup();
    }

    /// What reaches it: of the internet, of the VPC's addresses, and of other groups.
    fn entered(
        &mut self,
        files: Files<'_>,
        site: &Site,
        (asked, classes): (&Traffic, &[(String, Traffic)]),
    ) {
        let [inbound, _] = &site.opened;
        let own = site.network.addresses.iter();
        let own = own.fold(Traffic::nothing(), |all, one| all.or(one.traffic()));
        let came = enters(&site.network, &interface(site, false)).and(&ends::anything());
        let let_in = came.clone().or(own).and(asked);
        for (class, addresses) in classes {
            let mut rest = let_in.and(addresses);
            for rule in inbound {
                let here = rest.and(&rule.what);
                rest = rest.but(&rule.what);
                for (here, by_acl) in ruled(site, true, &here) {
                    let comes_in = !here.and(&came).is_nothing();
                    let gateway = site.gateway.clone().filter(|_| comes_in);
                    let by =
                        gateway.into_iter().chain([by_acl, rule.by.clone()]).collect::<Vec<_>>();
                    self.reached_by.extend(rows(class, addresses, &here, &by, None));
                }
            }
        }
        let [of_groups, _] = &site.of_groups;
        for (id, rule) in of_groups {
            let named = files.with_id(&rules::GROUPS, id).map_or(id.as_str(), |one| one.address);
            let class = format!("interfaces of {named}");
            let here = rule.what.and(&asked.at_any_version());
            for mut row in rows(&class, &Traffic::everything(), &here.at_any_version(), &[], None) {
                row.only.clear();
                row.by = vec![rule.by.clone()];
                self.reached_by.push(row);
            }
        }
        if let End::Undecided(reason) = ends::entering(files, site) {
            self.undecided.push(reason);
        }
    }

    /// The network with the NAT gateways that routes lead to, and where these stand.
    fn with_nats(&mut self, files: Files<'_>, site: &Site) -> (Network, Vec<(String, Site)>) {
        let mut network = site.network.clone();
        let mut nats = Vec::new();
        let targets: BTreeSet<&str> =
            site.routes.all.iter().filter_map(|route| nat(&route.what.target)).collect();
        for name in targets {
            let read = || -> Known<Option<Site>> {
                let Some(nat) = files.of(&["aws_nat_gateway"]).find(|one| one.address == name)
                else {
                    return Ok(None);
                };
                Site::of(files, nat.needed("subnet_id")?, &[]).map(Some)
            };
            match read() {
                Ok(None) => {}
                Err(reason) => self.undecided.push(reason),
                Ok(Some(stands)) => {
                    network.subnets.extend(stands.network.subnets.iter().cloned());
                    let subnet = stands.subnet.clone();
                    network.nats.push(Nat { name: name.to_owned(), subnet, is_public: true });
                    nats.push((name.to_owned(), stands));
                }
            }
        }
        (network, nats)
    }
}

/// What is sent by a way to where that leads: beyond gateways there is the internet, and
/// no private address.
fn reached(left: &Left) -> Traffic {
    match left.way {
        Way::Nat(_) | Way::InternetGateway(_) | Way::EgressOnly(_) => {
            left.sent.and(&ends::anything())
        }
        Way::Endpoint(_) | Way::Other(_) | Way::Inside => left.sent.clone(),
    }
}

fn nat(target: &Target) -> Option<&str> {
    match target {
        Target::Nat(name) => Some(name),
        _ => None,
    }
}

/// The addresses of the subnet that an interface stands in.
fn of_subnet(site: &Site) -> Traffic {
    let all = site.network.subnets.iter().flat_map(|one| &one.addresses);
    all.fold(Traffic::nothing(), |all, one| all.or(one.traffic()))
}

/// What is sent, apart by the rules that let it out: of a group, of the network ACL, and
/// the route.
fn split(site: &Site, sent: &Traffic) -> Vec<(Traffic, Vec<String>)> {
    let [_, opened] = &site.opened;
    let [_, of_groups] = &site.of_groups;
    let of_groups = of_groups.iter().map(|(_, rule)| rule);
    let mut all = Vec::new();
    let mut rest = sent.clone();
    for rule in opened.iter().chain(of_groups) {
        let by_rule = rest.and(&rule.what);
        rest = rest.but(&rule.what);
        for (part, by_acl) in ruled(site, false, &by_rule) {
            for (part, by_route) in by_route(&site.routes.all, &part) {
                let start = [site.subnet.clone(), rule.by.clone(), by_acl.clone(), by_route];
                all.push((part, start.to_vec()));
            }
        }
    }
    all
}

/// Traffic, apart by the rule of a network ACL that allows it. What none allows stays in
/// a subnet, where no network ACL stands.
fn ruled(site: &Site, is_in: bool, traffic: &Traffic) -> Vec<(Traffic, String)> {
    let [inbound, outbound] = &site.acl;
    let rules: &[By<AclRule>] = if is_in { inbound } else { outbound };
    let mut sorted: Vec<&By<AclRule>> = rules.iter().collect();
    sorted.sort_by_key(|rule| rule.what.number);
    let mut all = Vec::new();
    let mut rest = traffic.clone();
    let mut denied = Traffic::nothing();
    for rule in sorted {
        let here = rest.and(&rule.what.of);
        if rule.what.allows && !here.is_nothing() {
            all.push((here.clone(), rule.by.clone()));
        }
        rest = rest.but(&rule.what.of);
        denied = denied.or(if rule.what.allows { Traffic::nothing() } else { here });
    }
    let rest = rest.or(denied).and(&of_subnet(site));
    if !rest.is_nothing() {
        all.push((rest, "the subnet itself".to_owned()));
    }
    all
}

/// Traffic, apart by the route that it takes: the most specific one.
fn by_route(routes: &[By<Route>], traffic: &Traffic) -> Vec<(Traffic, String)> {
    let entries =
        routes.iter().flat_map(|route| route.what.to.iter().map(move |to| (*to, &route.by)));
    let mut entries: Vec<(Cidr, &String)> = entries.collect();
    entries.sort_by_key(|(to, _)| std::cmp::Reverse(to.length()));
    let mut all: Vec<(Traffic, String)> = Vec::new();
    let mut rest = traffic.clone();
    for (to, by) in entries {
        let here = rest.and(&to.traffic());
        rest = rest.but(&to.traffic());
        if here.is_nothing() {
            continue;
        }
        match all.iter_mut().find(|(_, known)| known == by) {
            Some((known, _)) => *known = std::mem::take(known).or(here),
            None => all.push((here, by.clone())),
        }
    }
    all
}

/// Traffic as rows, one a protocol and range of ports.
fn rows(
    class: &str,
    addresses: &Traffic,
    traffic: &Traffic,
    by: &[String],
    is_answered: Option<bool>,
) -> Vec<Row> {
    let parts = traffic.parts();
    let kinds: BTreeSet<(Range, Range)> =
        parts.iter().map(|part| (part.protocols, part.ports)).collect();
    let row = |(protocols, ports)| {
        let of = |part: &&Part| (part.protocols, part.ports) == (protocols, ports);
        let here = parts.iter().filter(of);
        let asked = [Version::V4, Version::V6].map(|it| Cidr::all(it).on(protocols, ports));
        let [v4, v6] = asked;
        let all = addresses.and(&v4.or(v6)).but(traffic).is_nothing();
        let only = if all { Vec::new() } else { here.map(told::addresses).collect() };
        Row {
            class: class.to_owned(),
            only,
            protocol: told::protocol(protocols),
            ports: told::ports(protocols, ports),
            by: by.to_vec(),
            is_answered,
        }
    };
    kinds.into_iter().map(row).collect()
}
