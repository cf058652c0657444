//! What becomes of packets, by what they meet.

use std::cell::Cell;

use super::{Block, Facts, Fate, Rule, Target, Way};

/// Comparisons of boxes that a certificate may cost, about a hundredth of a millionth of a
/// second each.
const MOST: u64 = 20_000_000;

/// Boxes that are kept at once.
const BOXES: usize = 100_000;

/// The internet's addresses of IPv4 are all but these
/// (<https://www.iana.org/assignments/iana-ipv4-special-registry/iana-ipv4-special-registry.xhtml>).
const NOT_PUBLIC: [&str; 9] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "224.0.0.0/4",
    "240.0.0.0/4",
];

/// And of IPv6 these
/// (<https://www.iana.org/assignments/ipv6-address-space/ipv6-address-space.xhtml>).
const PUBLIC_V6: &str = "2000::/3";

/// Addresses that no packet leaves a VPC for: the first of the former list, and of IPv6
/// (<https://www.iana.org/assignments/iana-ipv6-special-registry/iana-ipv6-special-registry.xhtml>).
const NEVER: [&str; 8] = [
    "0.0.0.0/8",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "::/127",
    "fe80::/10",
    "ff00::/8",
];

/// Why packets are not decided as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Apart {
    /// This box tells them apart.
    By(Block),
    /// It costs too much.
    TooMuch,
}

/// Facts, read: what decides, in the order in which a packet meets it.
pub(super) struct Matter<'f> {
    facts: &'f Facts,
    way: Way,
    /// The rules of the network ACL by their numbers.
    acl: Vec<&'f Rule>,
    /// The routes, the one that decides first.
    routes: Vec<(Block, Target)>,
    public: Vec<Block>,
    /// What may still be compared.
    left: Cell<u64>,
}

impl<'f> Matter<'f> {
    /// Reads facts.
    ///
    /// # Errors
    /// What of them is no such thing.
    pub(super) fn new(way: Way, facts: &'f Facts) -> Result<Self, String> {
        let mut acl: Vec<&Rule> = facts.acl.iter().collect();
        acl.sort_by_key(|rule| rule.number);
        let mut routes = Vec::new();
        for route in &facts.routes {
            for text in &route.to {
                let (block, length) = Block::of_cidr(text)?;
                let holds = !breaks(route.by, way, facts, block.is_v4());
                routes.push((u32::MAX - length, route.by != Target::Local, holds, block, route.by));
            }
        }
        // No table has two for the same addresses: where one has, the worse counts.
        routes.sort_by_key(|(length, is_other, holds, ..)| (*length, *is_other, *holds));
        let routes = routes.into_iter().map(|(.., block, by)| (block, by)).collect();
        let left = Cell::new(MOST);
        let mut matter = Self { facts, way, acl, routes, public: Vec::new(), left };
        let all = [Block::of_cidr("0.0.0.0/0")?.0, Block::of_cidr(PUBLIC_V6)?.0];
        matter.public = matter.but(all.to_vec(), &NOT_PUBLIC)?;
        Ok(matter)
    }

    /// Boxes without the addresses of some blocks.
    fn but(&self, mut all: Vec<Block>, blocks: &[&str]) -> Result<Vec<Block>, String> {
        for text in blocks {
            let (block, _) = Block::of_cidr(text)?;
            all = self.without(&all, &block)?;
        }
        Ok(all)
    }

    /// Boxes without what is in another.
    ///
    /// # Errors
    /// When it costs too much.
    pub(super) fn without(&self, all: &[Block], but: &Block) -> Result<Vec<Block>, Apart> {
        self.spend(all.len())?;
        let left: Vec<Block> = all.iter().flat_map(|one| one.split(but).1).collect();
        if left.len() > BOXES { Err(Apart::TooMuch) } else { Ok(left) }
    }

    fn spend(&self, cost: usize) -> Result<(), Apart> {
        let left = self.left.get().checked_sub(1 + cost as u64);
        self.left.set(left.unwrap_or_default());
        left.map(|_| ()).ok_or(Apart::TooMuch)
    }

    /// All packets that are asked about: of the internet, or all that leave a VPC.
    ///
    /// # Errors
    /// When it costs too much.
    pub(super) fn asked(&self) -> Result<Vec<Block>, String> {
        let mut all = match self.way {
            Way::Leaves | Way::Enters => self.public.clone(),
            Way::Alone => {
                let v6 = self.facts.v6.then_some("::/0");
                let all = ["0.0.0.0/0"].into_iter().chain(v6);
                let all = all.map(|text| Block::of_cidr(text).map(|(block, _)| block));
                self.but(all.collect::<Result<_, _>>()?, &NEVER)?
            }
        };
        for block in &self.facts.inside {
            all = self.without(&all, block)?;
        }
        Ok(all)
    }

    /// What becomes of all packets of a box.
    ///
    /// # Errors
    /// Where that is not the same of all.
    pub(super) fn fate(&self, of: &Block) -> Result<Fate, Apart> {
        let facts = self.facts;
        let addressed = if of.is_v4() { facts.v4 } else { facts.v6 };
        if self.way == Way::Enters && !facts.gateway {
            return Ok(Fate::NoGateway);
        }
        if self.way == Way::Enters && !addressed {
            return Ok(Fate::NoAddress);
        }
        if !self.is_in(of, &facts.groups)? {
            return Ok(Fate::NoGroup);
        }
        let mut passes = false;
        for rule in &self.acl {
            if self.is_in(of, &rule.of)? {
                passes = rule.allows;
                break;
            }
        }
        if !passes {
            return Ok(Fate::NoAcl);
        }
        if self.way == Way::Enters {
            return Ok(Fate::Breaks);
        }
        for (block, by) in &self.routes {
            if self.is_in(of, std::slice::from_ref(block))? {
                return self.by(*by, of);
            }
        }
        Ok(Fate::NoRoute)
    }

    /// What becomes of packets that take a route.
    fn by(&self, by: Target, of: &Block) -> Result<Fate, Apart> {
        let breaks = breaks(by, self.way, self.facts, of.is_v4());
        let is_gateway = matches!(by, Target::Nat | Target::InternetGateway | Target::EgressOnly);
        Ok(match (self.way, is_gateway) {
            (Way::Alone, true) if breaks && !self.is_in(of, &self.public)? => Fate::Nowhere,
            _ if breaks => Fate::Breaks,
            (Way::Leaves, true) if by != Target::Nat => Fate::NoAddress,
            _ => Fate::By(by),
        })
    }

    /// Whether a box is in one of some; one that cuts it, where it is in part.
    fn is_in(&self, of: &Block, all: &[Block]) -> Result<bool, Apart> {
        self.spend(all.len())?;
        if all.iter().any(|one| of.is_in(one)) {
            return Ok(true);
        }
        match all.iter().find(|one| of.meets(one)) {
            Some(cut) => Err(Apart::By(*cut)),
            None => Ok(false),
        }
    }

    /// A packet that passes all that stands before an endpoint, with its name.
    ///
    /// # Errors
    /// When it costs too much.
    pub(super) fn reached(&self) -> Result<Option<(Block, &'f str)>, String> {
        for endpoint in &self.facts.endpoints {
            let mut left = vec![Block::of_cidr("0.0.0.0/0")?.0, Block::of_cidr("::/0")?.0];
            for stage in &endpoint.stages {
                self.spend(left.len().saturating_mul(stage.len()))?;
                let both =
                    left.iter().flat_map(|one| stage.iter().filter_map(|by| one.split(by).0));
                left = both.collect();
                // What passes may be written in as many boxes as there are pairs.
                left.sort_by_key(|one| (one.addresses, one.protocols, one.ports));
                left.dedup();
                if left.len() > BOXES {
                    return Err(Apart::TooMuch.into());
                }
            }
            if let Some(first) = left.first() {
                return Ok(Some((*first, &endpoint.name)));
            }
        }
        Ok(None)
    }
}

/// Whether packets that leave by a route break the guard rail.
const fn breaks(by: Target, way: Way, facts: &Facts, is_v4: bool) -> bool {
    let addressed = if is_v4 { facts.v4 } else { facts.v6 };
    match (by, way) {
        (Target::Other, _) => true,
        (Target::InternetGateway | Target::EgressOnly, Way::Alone) => true,
        (Target::InternetGateway | Target::EgressOnly, _) => addressed,
        (Target::Nat, Way::Alone) => !facts.nat,
        (Target::Local | Target::Nat | Target::Endpoint, _) => false,
    }
}

impl From<Apart> for String {
    fn from(apart: Apart) -> Self {
        match apart {
            Apart::By(_) => "its packets are not decided alike".to_owned(),
            Apart::TooMuch => format!("it takes more than {MOST} comparisons of boxes"),
        }
    }
}
