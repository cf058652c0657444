//! `ringfence report`: the forms of a bundle, rendered from its record again.

use std::path::PathBuf;

use clap::Args;
use ringfence_evidence::RunRecord;
use ringfence_evidence::bundle::{INPUTS, RUN, differing, rewrite};
use ringfence_evidence::controls::Catalogue;

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
        let own = self.directory.join(INPUTS).join("controls");
        let record = RunRecord::read(&self.directory.join(RUN))?;
        let had = record.inputs.iter().any(|input| input.kind == "controls");
        let catalogue = match (&self.controls, had) {
            (Some(controls), _) => Catalogue::with(controls)?,
            (None, true) => Catalogue::with(&own)?,
            (None, false) => Catalogue::builtin()?,
        };
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
}
