//! `ringfence access-diff`.

use std::path::PathBuf;

use clap::Args;

use crate::access::diff::{Change, diff, unchanged};
use crate::access::files::{self, Configurations};
use crate::access::told;
use crate::exit::Exit;

const AFTER_HELP: &str = "OLD and NEW are each what `terraform show -json` prints of a plan or a state, a policy, or a directory of
such files. What a plan leaves open is completed from the Terraform files that it is of. Nothing is started, and no credentials are needed. `ringfence evidence diff` compares the
results of two runs.

Example:
  terraform show -json > old.json
  terraform plan -out plan && terraform show -json plan > new.json
  ringfence access-diff old.json new.json --markdown

Exit codes: 0 nobody may do more, 1 somebody may, or it is undecided, 2 some input could not be read.";

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct AccessDiff {
    /// What was
    old: PathBuf,
    /// What will be
    new: PathBuf,
    /// The Terraform files that NEW is a plan of; by default
    /// those beside it, in the current directory, or of ringfence.toml there
    #[arg(long, value_name = "DIR")]
    configuration: Option<PathBuf>,
    /// The same of OLD
    #[arg(long, value_name = "DIR")]
    old_configuration: Option<PathBuf>,
    /// Print the result as JSON
    #[arg(long, conflicts_with = "markdown")]
    json: bool,
    /// Print the result as Markdown, for the comment of a pull request
    #[arg(long)]
    markdown: bool,
}

impl AccessDiff {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let old =
            files::estate(&self.old, &Configurations::new(self.old_configuration.as_slice()))?;
        let changes = if self.is_same() {
            unchanged(&old)
        } else {
            let own = Configurations::new(self.configuration.as_slice());
            diff(&old, &files::estate(&self.new, &own)?)?
        };
        let out = match (self.json, self.markdown) {
            (true, _) => told::json(&changes)?,
            (false, true) => told::markdown(&changes),
            (false, false) => told::text(&changes),
        };
        print!("{out}");
        Ok(if changes.iter().any(Change::grew) { Exit::Failed } else { Exit::Held })
    }

    /// Whether both are one file or directory, of the same Terraform files.
    fn is_same(&self) -> bool {
        let [old, new] = [&self.old, &self.new].map(|path| path.canonicalize().ok());
        self.configuration == self.old_configuration && old.is_some() && old == new
    }
}
