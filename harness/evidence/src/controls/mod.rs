//! Which requirement of which framework a guard rail supports.
//!
//! It is data: `objectives.toml` says which guard rails make an objective, and
//! one file a framework says which objectives support which control. Nothing
//! of it stands in a run record; it is derived from the probes' guard rails,
//! so an old record can be read with a newer catalogue.
//!
//! - [`Catalogue`]: what there is, built in or with a user's own directory;
//! - [`Assessment`]: the state of objectives and controls in one run.
//!
//! "Supports" is as far as it goes: no run satisfies a requirement by itself.

mod read;
mod state;

pub use read::CatalogueError;
pub use state::{Assessment, State, Tally};

/// Objectives and frameworks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catalogue {
    objectives: Vec<Objective>,
    frameworks: Vec<Framework>,
}

/// What a run is to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Objective {
    /// `O1`.
    pub id: String,
    /// A few words.
    pub title: String,
    /// The claim.
    pub statement: String,
    /// What its state is computed from.
    pub basis: Basis,
    /// The guard rails that make it; none unless the basis is the probes.
    pub guard_rails: Vec<String>,
    /// What it leaves open.
    pub not_shown: String,
}

/// What an objective's state is computed from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// The verdicts of its guard rails' probes.
    #[default]
    Probes,
    /// Whether each executed AWS call has its entry in the journal.
    Journal,
    /// Whether each weakened guard rail was noticed.
    Mutations,
    /// The bundle's signed manifest: no report can judge it from inside.
    Manifest,
}

/// A framework of requirements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Framework {
    /// `nist-800-53-r5`.
    pub id: String,
    /// Its name.
    pub title: String,
    /// Its version, and that of the catalogue.
    pub version: String,
    /// Where the ids come from.
    pub source: String,
    /// What holds for all of it.
    pub note: Option<String>,
    /// Its requirements, in order.
    pub controls: Vec<Control>,
}

/// A requirement of a framework.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Control {
    /// The framework's own id.
    pub id: String,
    /// A few words.
    pub title: String,
    /// What it asks for, in our words.
    pub requirement: String,
    /// Where in the framework it applies: baselines, classes.
    pub applies: Option<String>,
    /// What supports it, in the order of the objectives.
    pub supports: Vec<Support>,
    /// What is not shown beyond what its objectives leave open.
    pub not_shown: Option<String>,
}

/// An objective that supports a requirement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Support {
    /// The objective's id.
    pub objective: String,
    /// How far.
    pub extent: Extent,
}

/// How far an objective supports a requirement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// The objective speaks of what is required.
    Full,
    /// Of a part of it, or by analogy.
    Partial,
}

impl Extent {
    /// How reports say it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Full => "supports",
            Self::Partial => "supports in part",
        }
    }
}

impl Catalogue {
    /// The objectives, in order.
    pub fn objectives(&self) -> &[Objective] {
        &self.objectives
    }

    /// The frameworks, in order.
    pub fn frameworks(&self) -> &[Framework] {
        &self.frameworks
    }

    /// The objective of this id.
    pub fn objective(&self, id: &str) -> Option<&Objective> {
        self.objectives.iter().find(|objective| objective.id == id)
    }

    /// The objectives that a guard rail belongs to, in order.
    pub fn objectives_of<'a>(
        &'a self,
        guard_rail: &'a str,
    ) -> impl Iterator<Item = &'a Objective> + 'a {
        self.objectives
            .iter()
            .filter(move |objective| objective.guard_rails.iter().any(|rail| rail == guard_rail))
    }

    /// The requirements that a guard rail supports by its objectives, in the
    /// order of the frameworks.
    pub fn controls_of<'a>(
        &'a self,
        guard_rail: &'a str,
    ) -> impl Iterator<Item = (&'a Framework, &'a Control)> + 'a {
        self.frameworks.iter().flat_map(move |framework| {
            framework
                .controls
                .iter()
                .filter(move |control| {
                    self.objectives_of(guard_rail)
                        .any(|objective| control.is_supported_by(&objective.id))
                })
                .map(move |control| (framework, control))
        })
    }
}

impl Control {
    /// Whether the objective supports it, in full or in part.
    pub fn is_supported_by(&self, objective: &str) -> bool {
        self.supports.iter().any(|support| support.objective == objective)
    }
}

#[cfg(test)]
mod tests;
