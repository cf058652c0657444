//! `ringfence what-can`.

use std::path::PathBuf;

use clap::Args;

use crate::access::files::{self, Configurations};
use crate::access::what::what_can;
use crate::exit::Exit;

const AFTER_HELP: &str = "PRINCIPAL is `role/NAME`, `user/NAME` or an ARN. The files are those of `ringfence access-diff`. Each action of
AWS's reference that some request is allowed is listed with the smallest: what it acts upon, and what it must carry.

Example:
  terraform show -json > state.json
  ringfence what-can role/deployer --in state.json

Exit codes: 0 it can do nothing, 1 it can do something, or it is undecided, 2 some input could not be read, or names nobody.";

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct WhatCan {
    /// The identity: `role/NAME`, `user/NAME` or an ARN
    principal: String,
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

impl WhatCan {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let estate =
            files::estate(&self.estate, &Configurations::new(self.configuration.as_deref()))?;
        let found = what_can(&estate, &self.principal)?;
        let out = if self.json { found.json()? } else { found.text() };
        print!("{out}");
        Ok(if found.is_nothing() { Exit::Held } else { Exit::Failed })
    }
}
