//! `ringfence who-can`.

use anyhow::bail;
use clap::Args;

use super::files::Asked;
use crate::access::can::{Wanted, who_can};
use crate::access::forms::{acted_upon, left_out};
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
        let forms = resource.as_deref().map(|arn| acted_upon(&[&action], arn));
        let mut warnings = unknown_actions(&[&action]);
        let resource = match forms.as_deref() {
            Some([one]) => Some(one.clone()),
            // One question is about one of them.
            Some([one, other]) => {
                warnings.push(format!("`{action}` acts upon `{one}` and `{other}`: ask of each"));
                resource
            }
            _ => resource,
        };
        let on = resource.as_deref().unwrap_or("*");
        let of_it = [unfit(&[&action], &[on]), left_out(&[&action], &[on])].concat();
        for what in warnings.iter().chain(&of_it) {
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
            let nobody = found.iter().all(|one| one.side.is_nothing());
            Ok(if nobody { Exit::Held } else { Exit::Failed })
        })
    }
}
