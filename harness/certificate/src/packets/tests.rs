//! Certificates about packets: good ones, forged ones, and packet by packet.

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
    }
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
    let breaks = "the packet 203.0.113.0 by protocol 6 on port 443 breaks it";
    assert_eq!(made, Err(breaks.to_owned()));
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
    assert!(made.unwrap_err().ends_with(" by protocol 6 on port 443 breaks it"));
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
    let of = |text| facts_with(text).fate(Way::Leaves, &Block::only(&packet("192.0.2.1")));
    assert_eq!(of("192.0.2.0/24"), Ok(Fate::Breaks));
    assert_eq!(of("198.51.100.0/24"), Ok(Fate::By(Target::Nat)));
    let own = facts_with("10.0.0.0/16");
    let inside = Block::only(&packet("10.0.0.1"));
    assert_eq!(own.fate(Way::Leaves, &inside), Ok(Fate::By(Target::Local)));
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
                    assert!(is_broken && why.ends_with(" breaks it"), "{why} {facts:?}");
                    broken += 1;
                }
            }
        }
    }
    assert!(certified > 100 && broken > 50, "{certified} {broken}");
}
