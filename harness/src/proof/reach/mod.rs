//! The guard rails of networks: by which ways functions reach the internet, and whether
//! it reaches them, for every address, protocol and port (`ringfence-network`), from the
//! resources of plans and states.
//!
//! - `places`: the subnets and groups that functions run in;
//! - `site`: what surrounds an interface there: its VPC, routes, network ACL and groups;
//! - `routes`, `rules`: Terraform's resources as routes and as sets of traffic;
//! - `ends`: what follows;
//! - `certified`: what their certificates say;
//! - `endpoints`: the same of the VPC endpoints that functions may reach;
//! - [`question`]: what a function reaches and what reaches it, told by `told`;
//! - `known`: values, and by name what is not known.
//!
//! What is not known, or not followed, is never taken for absent: it makes the answer
//! undecided where it could matter.

mod certified;
mod endpoints;
mod ends;
mod known;
mod places;
pub mod question;
mod routes;
mod rules;
mod site;
pub mod told;

use std::collections::BTreeSet;

use super::decide::{Asked, End, Finding};
use super::guarded::Guarded;
use crate::access::estate::Estate;
use crate::guard_rail::GuardRail;
use endpoints::Wanted;
use known::{Files, Known};
use places::Place;
use site::Site;

/// What packets to and from the internet there are.
const INTERNET: &str = "every public IPv4 and IPv6 address, every protocol, every port";

/// What was found of the networks that functions run in; nothing where neither the
/// configuration nor the files say that they run in one.
pub fn findings(guarded: &Guarded<'_>) -> Vec<Finding> {
    let files = Files(&guarded.estate.resources);
    let wanted = Wanted::of(guarded.config.platform.as_ref());
    let mut findings = Vec::new();
    for (who, place) in places::all(guarded.estate, guarded.config, files) {
        let mut add = |rail, end, packets| {
            let universe = Asked::Packets(match rail {
                GuardRail::Endpoints => endpoints::UNIVERSE,
                _ => INTERNET,
            });
            let (who, of_aws) = (who.clone(), BTreeSet::new());
            let denied = Vec::new();
            findings.push(Finding { rail, who, end, universe, packets, of_aws, denied });
        };
        match place {
            Place::Nowhere => {
                let way = "Lambda's own network, as it is in no VPC".to_owned();
                let end = ends::by(&ends::anything(), "leaves by", vec![way]);
                add(GuardRail::NatAlone, end, None);
                if wanted.is_some() {
                    let way = "Lambda's own network, as it is in no VPC".to_owned();
                    let end = ends::by(&ends::anything(), "leaves by", vec![way]);
                    add(GuardRail::Endpoints, end, None);
                }
            }
            Place::In { subnet, groups } => {
                let site = groups.and_then(|groups| Site::of(files, &subnet, &groups));
                let read = site.as_ref().ok();
                let leaving = read.map(|site| Ok(certified::leaving(site)));
                add(GuardRail::NatAlone, decided(&site, ends::leaving), leaving);
                let entering = read.map(|site| Ok(certified::entering(files, site)));
                let end = decided(&site, |site| ends::entering(files, site));
                add(GuardRail::Unreached, end, entering);
                if let Some(wanted) = wanted {
                    let alone = |site: &Site| endpoints::alone(guarded.estate, files, site, wanted);
                    let packets = read.map(|site| certified::alone(files, site, wanted));
                    add(GuardRail::Endpoints, decided(&site, alone), packets);
                }
            }
            Place::Unknown(reason) => {
                add(GuardRail::NatAlone, End::Undecided(reason.clone()), None);
                if wanted.is_some() {
                    add(GuardRail::Endpoints, End::Undecided(reason.clone()), None);
                }
                add(GuardRail::Unreached, End::Undecided(reason), None);
            }
        }
    }
    findings
}

/// Whether there is a network to prove anything of.
pub(super) fn is_about(guarded: &Guarded<'_>) -> bool {
    let files = Files(&guarded.estate.resources);
    !places::all(guarded.estate, guarded.config, files).is_empty()
}

/// A subnet.
pub(super) struct Subnet<'e> {
    pub(super) id: &'e str,
    pub(super) network: Option<&'e str>,
    /// Whether its routes let something out to the internet past NAT, whatever network
    /// ACL and groups keep back.
    pub(super) is_public: Known<bool>,
}

/// The subnets of the files.
pub(super) fn subnets(estate: &Estate) -> Vec<Subnet<'_>> {
    let files = Files(&estate.resources);
    let named = files.of(&site::SUBNETS).filter_map(|one| Some((one.text("id").ok()??, one)));
    let is_public = |id: &str| match ends::leaving(&Site::unguarded(files, id)?) {
        End::Proved(_) => Ok(false),
        End::Violated(_) => Ok(true),
        End::Undecided(reason) => Err(reason),
    };
    let all = named.map(|(id, one)| Subnet {
        id,
        network: one.text("vpc_id").ok().flatten(),
        is_public: is_public(id),
    });
    all.collect()
}

fn decided(site: &Known<Site>, end: impl Fn(&Site) -> End) -> End {
    match site {
        Ok(site) => end(site),
        Err(reason) => End::Undecided(reason.clone()),
    }
}
