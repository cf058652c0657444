//! `ringfence who-can`.

use anyhow::bail;
use clap::Args;

use super::files::Asked;
use crate::access::can::{Wanted, who_can};
use crate::access::reference::{unfit, unknown_actions};
use crate::access::told;
use crate::exit::Exit;

const AFTER_HELP: &str = "ACTION and RESOURCE are patterns as in a policy. Plans, states and templates are those of `ringfence prove`, and count together; without any of them
the root modules of ringfence.toml are planned. --in takes what `ringfence access-diff` takes.

Example:
  terraform show -json > state.json
  ringfence who-can iam:PassRole 'arn:aws:iam::*:role/admin' --state state.json --templates services

Exit codes: 0 nobody can, 1 somebody can, or it is undecided, 2 some input could not be read.";

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct WhoCan {
    /// The action: `s3:GetObject`, `iam:*`
    action: String,
    /// The ARN of what it acts upon; whatever there is, where it is left out
    resource: Option<String>,
    #[command(flatten)]
    asked: Asked,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

impl WhoCan {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let Self { action, resource, asked, json } = self;
        let on = resource.as_deref().unwrap_or("*");
        for what in unknown_actions(&[&action]).into_iter().chain(unfit(&[&action], &[on])) {
            eprintln!("ringfence: warning: {what}");
        }
        asked.ask(move |estate| {
            let wanted = Wanted { action: &action, resource: resource.as_deref() };
            if estate.entries.is_empty() {
                bail!("no policies and no identities in the files");
            }
            let found = who_can(estate, &wanted)?;
            let out = if json { told::who_json(&found)? } else { told::who(&found) };
            print!("{out}");
            let nobody = found.iter().all(|(_, side)| side.is_nothing());
            Ok(if nobody { Exit::Held } else { Exit::Failed })
        })
    }
}
