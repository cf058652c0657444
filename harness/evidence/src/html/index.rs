//! What all sections ask of a record, computed once.

use std::collections::BTreeMap;

use crate::controls::{Assessment, Catalogue, Tally};
use crate::{Probe, Proof, RunRecord};

pub(super) struct Index<'a> {
    /// The guard rails in the order of their first probes; those of the
    /// catalogue that no probe tested come after them, with what is proved of packets.
    pub(super) rails: Vec<Rail<'a>>,
    pub(super) assessment: Assessment,
    anchors: BTreeMap<&'a str, usize>,
}

pub(super) struct Rail<'a> {
    pub(super) name: &'a str,
    pub(super) tally: Tally,
    /// With each probe's place in the record.
    pub(super) probes: Vec<(usize, &'a Probe)>,
}

impl Rail<'_> {
    /// Whether neither a probe nor a proof stands for it.
    pub(super) fn is_untested(&self) -> bool {
        self.tally == Tally::default()
    }
}

impl<'a> Index<'a> {
    pub(super) fn of(record: &'a RunRecord, catalogue: &'a Catalogue) -> Self {
        let mut rails: Vec<Rail<'a>> = Vec::new();
        let mut places: BTreeMap<&str, usize> = BTreeMap::new();
        let mut anchors = BTreeMap::new();
        for (number, probe) in record.probes.iter().enumerate() {
            let place = *places.entry(&probe.guard_rail).or_insert_with(|| {
                rails.push(Rail {
                    name: &probe.guard_rail,
                    tally: Tally::default(),
                    probes: Vec::new(),
                });
                rails.len() - 1
            });
            if let Some(rail) = rails.get_mut(place) {
                rail.probes.push((number, probe));
            }
            anchors.insert(probe.id.as_str(), number);
        }
        for rail in &mut rails {
            rail.tally = Tally::of(rail.probes.iter().map(|(_, probe)| probe.verdict));
        }
        let alone = record.proofs.iter().filter(|proof| proof.is_of_packets());
        let listed = catalogue.objectives().iter().flat_map(|objective| &objective.guard_rails);
        for name in listed.chain(alone.map(|proof| &proof.guard_rail)) {
            if !rails.iter().any(|rail| rail.name == name) {
                let proof = record.proof_alone(name).map(Proof::stands_for);
                rails.push(Rail { name, tally: Tally::of(proof), probes: Vec::new() });
            }
        }
        Self { rails, assessment: catalogue.assess(record), anchors }
    }

    /// Where on the page the probe of this id stands.
    pub(super) fn anchor(&self, id: &str) -> Option<String> {
        self.anchors.get(id).map(|number| format!("p{number}"))
    }
}
