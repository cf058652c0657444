//! `ringfence report`: the forms of a bundle, rendered from its record again.

use std::path::PathBuf;

use clap::Args;
use ringfence_evidence::bundle::{RUN, differing, places, read, rewrite};
use ringfence_evidence::controls::Catalogue;
use ringfence_evidence::{RunRecord, SCHEMA_VERSION, Told, table};

use crate::evidence::catalogue_of;
use crate::exit::Exit;

#[derive(Debug, Args)]
pub(super) struct Report {
    /// The bundle
    directory: PathBuf,
    /// Write the forms here; without it they are only compared
    #[arg(long)]
    into: Option<PathBuf>,
    /// More objectives and frameworks, in place of those that the run had
    #[arg(long)]
    controls: Option<PathBuf>,
}

impl Report {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let record = read(&self.directory)?;
        let catalogue = match &self.controls {
            Some(controls) => Catalogue::with(controls)?,
            None => catalogue_of(&self.directory, &record)?,
        };
        if record.schema_version != SCHEMA_VERSION {
            return self.earlier(&record, &catalogue);
        }
        let differing = differing(&self.directory, &catalogue)?;
        for name in &differing {
            println!("{name}: differs from what {RUN} gives");
        }
        if differing.is_empty() {
            println!("every form is what {RUN} gives");
        }
        if let Some(into) = &self.into {
            rewrite(&self.directory, into, &catalogue)?;
            println!("rendered into {}", into.display());
        }
        Ok(if differing.is_empty() { Exit::Held } else { Exit::Failed })
    }

    /// The forms of an earlier version have other words than today's, so that
    /// they are not compared; their counts are, by `evidence verify`.
    fn earlier(&self, record: &RunRecord, catalogue: &Catalogue) -> anyhow::Result<Exit> {
        let places = places(&self.directory, record);
        let told = Told { every_probe: true, places: &places, again: &|_| None };
        print!("{}", table(record, &told));
        println!(
            "the record is of schema version {}: its forms were rendered by an earlier version and \
             are not compared",
            record.schema_version
        );
        if let Some(into) = &self.into {
            rewrite(&self.directory, into, catalogue)?;
            println!("rendered into {}", into.display());
        }
        Ok(Exit::Held)
    }
}
