//! `ringfence who-can`.

use std::path::PathBuf;

use clap::Args;

use crate::access::can::{Wanted, who_can};
use crate::access::files::{self, Configurations};
use crate::access::told;
use crate::exit::Exit;

const AFTER_HELP: &str = "ACTION and RESOURCE are patterns as in a policy. The files are those of `ringfence access-diff`.

Example:
  terraform show -json > state.json
  ringfence who-can iam:PassRole 'arn:aws:iam::*:role/admin' --in state.json

Exit codes: 0 nobody can, 1 somebody can, or it is undecided, 2 some input could not be read.";

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct WhoCan {
    /// The action: `s3:GetObject`, `iam:*`
    action: String,
    /// The ARN of what it acts upon; whatever there is, where it is left out
    resource: Option<String>,
    /// A plan, a state, a policy, or a directory of such files
    #[arg(long = "in", value_name = "PATH")]
    estate: PathBuf,
    /// The Terraform files that a plan is of; by default those beside it, in the current
    /// directory, or of ringfence.toml there
    #[arg(long, value_name = "DIR")]
    configuration: Option<PathBuf>,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

impl WhoCan {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let estate =
            files::estate(&self.estate, &Configurations::new(self.configuration.as_deref()))?;
        let wanted = Wanted { action: &self.action, resource: self.resource.as_deref() };
        let found = who_can(&estate, &wanted)?;
        let out = if self.json { told::who_json(&found)? } else { told::who(&found) };
        print!("{out}");
        let nobody = found.iter().all(|(_, side)| side.is_nothing());
        Ok(if nobody { Exit::Held } else { Exit::Failed })
    }
}
