//! What all sections ask of a record, computed once.

use std::collections::BTreeMap;

use crate::controls::{Assessment, Catalogue, Tally};
use crate::{Probe, RunRecord};

pub(super) struct Index<'a> {
    /// The guard rails in the order of their first probes; those of the
    /// catalogue that no probe tested come after them.
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
        for name in catalogue.objectives().iter().flat_map(|objective| &objective.guard_rails) {
            if !rails.iter().any(|rail| rail.name == name) {
                rails.push(Rail { name, tally: Tally::default(), probes: Vec::new() });
            }
        }
        Self { rails, assessment: catalogue.assess(record), anchors }
    }

    /// Where on the page the probe of this id stands.
    pub(super) fn anchor(&self, id: &str) -> Option<String> {
        self.anchors.get(id).map(|number| format!("p{number}"))
    }
}
