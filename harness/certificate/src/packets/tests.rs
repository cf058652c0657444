//! Certificates about packets: good ones, forged ones, and packet by packet.

use super::check::CLASSES;
use super::decide::{Apart, Matter};
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
        ..Facts::default()
    }
}

/// What becomes of a packet.
fn fate(facts: &Facts, way: Way, packet: &Packet) -> Result<Fate, Apart> {
    Matter::new(way, facts).unwrap().fate(&Block::only(packet))
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
    let breaks = "the packet 203.0.113.0 by protocol 6 on port 443";
    assert_eq!(made, Err(Uncertified::Broken(breaks.to_owned())));
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
    let why = made.unwrap_err().to_string();
    assert!(why.ends_with(" by protocol 6 on port 443 breaks it"), "{why}");
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
    let of = |text| fate(&facts_with(text), Way::Leaves, &packet("192.0.2.1"));
    assert_eq!(of("192.0.2.0/24"), Ok(Fate::Breaks));
    assert_eq!(of("198.51.100.0/24"), Ok(Fate::By(Target::Nat)));
    let own = facts_with("10.0.0.0/16");
    let inside = packet("10.0.0.1");
    assert_eq!(fate(&own, Way::Leaves, &inside), Ok(Fate::By(Target::Local)));
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
    const BLOCKS: [&str; 6] =
        ["0.0.0.0/0", "::/0", "10.0.0.0/16", "203.0.113.0/24", "203.0.113.64/26", "2001:db8::/32"];
    const BY: [Target; 5] =
        [Target::Nat, Target::Endpoint, Target::InternetGateway, Target::EgressOnly, Target::Other];
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
            ..Facts::default()
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
                    let is_told = matches!(why, Uncertified::Broken(_));
                    assert!(is_broken && is_told, "{why} {facts:?}");
                    broken += 1;
                }
            }
        }
    }
    assert!(certified > 100 && broken > 50, "{certified} {broken}");
}

#[test]
fn some_endpoints_alone_are_reached() {
    let certified = |facts: &Facts| certify(("a rail", "a function"), Way::Alone, facts.clone());
    let nat = Facts { nat: true, ..facts() };
    let made = certified(&nat).unwrap();
    assert!(made.classes.iter().any(|class| class.end == Fate::By(Target::Nat)));
    let leaves = "the packet 0.0.0.0 by protocol 6 on port 443";
    let Err(Uncertified::Broken(packet)) = certified(&facts()) else { panic!("{leaves}") };
    assert!(packet.ends_with(" by protocol 6 on port 443"), "{packet}");
    // Of the internet's gateway every packet to the internet breaks it, and no other.
    let by_gateway =
        |to: &str| Facts { routes: vec![route(to, Target::InternetGateway)], ..facts() };
    assert!(matches!(certified(&by_gateway("0.0.0.0/0")), Err(Uncertified::Broken(_))));
    let private = certified(&by_gateway("10.0.0.0/8")).unwrap();
    assert!(private.classes.iter().any(|class| class.end == Fate::Nowhere));
    // What leaves by something else breaks it, wherever to.
    let other = Facts { routes: vec![route("172.16.0.0/12", Target::Other)], ..facts() };
    assert!(matches!(certified(&other), Err(Uncertified::Broken(_))));
}

#[test]
fn an_endpoint_is_reached_by_what_passes_every_stage() {
    let https = Block { protocols: (6, 6), ports: (443, 443), ..block("10.0.1.0/24") };
    let port = |port| Block { ports: (port, port), ..block("0.0.0.0/0") };
    let with = |stages: Vec<Vec<Block>>| {
        let endpoint = Endpoint { name: "an endpoint".to_owned(), stages };
        Facts { nat: true, endpoints: vec![endpoint], ..facts() }
    };
    let certified = |facts: Facts| certify(("a rail", "a function"), Way::Alone, facts);
    let kept = with(vec![vec![https, block("10.0.2.0/24")], vec![port(80)], vec![https]]);
    let made = certified(kept.clone()).unwrap();
    let reached = "the packet 10.0.1.0 by protocol 6 on port 443 to an endpoint";
    for open in [vec![vec![https], vec![port(443)]], vec![vec![https]]] {
        let end = certified(with(open));
        assert_eq!(end, Err(Uncertified::Broken(reached.to_owned())));
    }
    assert!(certified(with(Vec::new())).is_err());
    assert!(certified(with(vec![Vec::new()])).is_ok());
    // What is kept back has no certificate of what is not.
    let mut forged = made;
    forged.facts.endpoints[0].stages.remove(1);
    let why = "the packet 10.0.1.0 by protocol 6 on port 443 reaches an endpoint";
    assert_eq!(check(&forged), Err(why.to_owned()));
}

/// Many boxes that cut each other would take hours.
#[test]
fn a_forged_certificate_that_costs_too_much_is_refused() {
    let port = |port: u16| Block { ports: (port, port), ..block("0.0.0.0/0") };
    let ports: Vec<Block> = (0..5_000).map(port).collect();
    let too_much = "it takes more than 20000000 comparisons of boxes";
    let mut many = good();
    many.facts.groups = ports.clone();
    many.classes =
        vec![PacketClass { of: port(9), packet: packet("1.1.1.1"), end: Fate::NoAcl }; 5_000];
    for class in &mut many.classes {
        class.packet.port = 9;
    }
    many.facts.acl.clear();
    assert_eq!(check(&many), Err(too_much.to_owned()));
    let mut inside = good();
    inside.facts.inside = (0..9_000_u16)
        .map(|one| Block { ports: (2 * one, 2 * one), ..block("1.0.0.0/8") })
        .collect();
    assert_eq!(check(&inside), Err(too_much.to_owned()));
    let stages = vec![ports.clone(), ports.clone(), ports];
    let endpoint = Endpoint { name: "an endpoint".to_owned(), stages };
    let mut stages = good();
    stages.facts.endpoints = vec![endpoint];
    assert_eq!(check(&stages), Err(too_much.to_owned()));
}
