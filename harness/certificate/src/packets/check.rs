//! Whether a certificate about packets is good, and how one is made.

use super::decide::{Apart, Matter};
use super::{Block, Facts, Fate, Packet, PacketCertificate, PacketClass, Way};

/// Classes of one certificate at most.
pub(super) const CLASSES: usize = 5_000;

/// Why something has no certificate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Uncertified {
    /// It does not hold.
    #[error("{0} breaks it")]
    Broken(String),
    /// It is not shown.
    #[error("{0}")]
    Unshown(String),
}

/// Whether a certificate is good: each class is decided as a whole, as its packet is, and
/// there are no other packets.
///
/// # Errors
/// What is not so.
pub fn check(certificate: &PacketCertificate) -> Result<(), String> {
    if certificate.verdict != "proved" {
        return Err(format!("a verdict `{}` has no certificate", certificate.verdict));
    }
    if certificate.classes.len() > CLASSES {
        return Err(format!("it has more than {CLASSES} classes"));
    }
    let (facts, way) = (&certificate.facts, certificate.way);
    let rules = facts.acl.iter().flat_map(|rule| &rule.of);
    let stages = facts.endpoints.iter().flat_map(|one| one.stages.iter().flatten());
    let given = facts.inside.iter().chain(&facts.groups).chain(rules).chain(stages);
    let classes = certificate.classes.iter().map(|class| &class.of);
    if let Some(bad) = given.chain(classes).find(|block| !block.is_sound()) {
        return Err(format!("{bad:?} is no box of packets"));
    }
    let matter = Matter::new(way, facts)?;
    let mut left = matter.asked()?;
    for PacketClass { of, packet, end } in &certificate.classes {
        let one = Block::only(packet);
        if !one.is_in(of) {
            return Err(format!("the packet {} is of another class", shown(packet)));
        }
        match matter.fate(of) {
            Ok(Fate::Breaks) => return Err(format!("the packet {} breaks it", shown(packet))),
            Ok(fate) if fate == *end && matter.fate(&one) == Ok(fate) => {}
            Ok(fate) => return Err(format!("the class is `{fate:?}`, not `{end:?}`")),
            Err(Apart::By(_)) => {
                return Err(format!("packets like {} are not decided alike", shown(packet)));
            }
            Err(apart) => return Err(apart.into()),
        }
        left = matter.without(&left, of)?;
    }
    if let Some(block) = left.first() {
        return Err(format!("no class has packets like {}", shown(&block.first())));
    }
    match matter.reached()? {
        Some((block, endpoint)) => {
            Err(format!("the packet {} reaches {endpoint}", shown(&block.first())))
        }
        None => Ok(()),
    }
}

fn shown(packet: &Packet) -> String {
    format!("{} by protocol {} on port {}", packet.address, packet.protocol, packet.port)
}

/// Writes the certificate of what is proved of packets.
///
/// # Errors
/// Why there is none.
pub fn certify(
    (rail, who): (&str, &str),
    way: Way,
    facts: Facts,
) -> Result<PacketCertificate, Uncertified> {
    let classes = classes(way, &facts)?;
    let (rail, who, verdict) = (rail.to_owned(), who.to_owned(), "proved".to_owned());
    let made = PacketCertificate { rail, who, verdict, way, facts, classes };
    // What costs too much to check is none.
    check(&made).map_err(Uncertified::Unshown)?;
    Ok(made)
}

/// All packets that are asked about, in classes.
fn classes(way: Way, facts: &Facts) -> Result<Vec<PacketClass>, Uncertified> {
    let matter = Matter::new(way, facts).map_err(Uncertified::Unshown)?;
    let mut left = matter.asked().map_err(Uncertified::Unshown)?;
    let mut classes = Vec::new();
    while let Some(of) = left.pop() {
        match matter.fate(&of) {
            Ok(Fate::Breaks) => {
                let packet = format!("the packet {}", shown(&of.first()));
                return Err(Uncertified::Broken(packet));
            }
            Ok(end) => classes.push(PacketClass { of, packet: of.first(), end }),
            Err(Apart::By(cut)) => {
                let (inside, rest) = of.split(&cut);
                left.extend(inside.into_iter().chain(rest));
            }
            Err(apart) => return Err(Uncertified::Unshown(apart.into())),
        }
        if classes.len() > CLASSES {
            return Err(Uncertified::Unshown("it has too many classes".to_owned()));
        }
    }
    match matter.reached().map_err(Uncertified::Unshown)? {
        Some((block, endpoint)) => {
            let packet = format!("the packet {} to {endpoint}", shown(&block.first()));
            Err(Uncertified::Broken(packet))
        }
        None => Ok(classes),
    }
}
