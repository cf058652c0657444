//! `ringfence what-can`.

use clap::Args;

use super::files::Asked;
use crate::access::what::what_can;
use crate::exit::Exit;

const AFTER_HELP: &str = "PRINCIPAL is `role/NAME`, `user/NAME`, `group/NAME`, an ARN, or the name of a policy's file: its path in the directory without its
ending, `policy` of one file alone. A role of a template without a name of its own is `role/known-after-deployment.ID`. Plans, states and templates are those of `ringfence prove`, and count together;
without any of them the root modules of ringfence.toml are planned. --in takes what `ringfence access-diff` takes. Each action of AWS's reference that some request is allowed is listed with the
smallest: what it acts upon, and what it must carry.

Example:
  terraform show -json > state.json
  ringfence what-can role/deployer --state state.json

Exit codes: 0 it can do nothing, 1 it can do something, or it is undecided, 2 some input could not be read, or names nobody.";

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct WhatCan {
    /// The identity: `role/NAME`, `user/NAME`, `group/NAME`, an ARN, or a policy's file by its name
    principal: String,
    #[command(flatten)]
    asked: Asked,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

impl WhatCan {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let Self { principal, asked, json } = self;
        asked.ask(move |estate| {
            let found = what_can(estate, &principal)?;
            let out = if json { found.json()? } else { found.text() };
            print!("{out}");
            Ok(if found.is_nothing() { Exit::Held } else { Exit::Failed })
        })
    }
}
