//! `ringfence least`: the smallest policy that allows what a journal says.

use std::path::PathBuf;

use clap::Args;

use crate::exit::Exit;
use crate::least::{Pattern, Principal, read, report, table};

#[derive(Debug, Args)]
pub(super) struct Least {
    /// The journal that `ringfence up --observe --journal FILE` wrote
    journal: PathBuf,
    /// Only this principal: its ARN, that of a session of it, role/NAME or user/NAME
    #[arg(long)]
    principal: Option<Principal>,
    /// A pattern that stands for the resources it matches, as `arn:aws:ec2:*:*:vpc/*`; may be repeated
    #[arg(long = "generalise", value_name = "PATTERN")]
    patterns: Vec<Pattern>,
    /// JSON for machines
    #[arg(long)]
    json: bool,
}

impl Least {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let entries = read(&self.journal)?;
        let report = report(&entries, self.principal.as_ref(), &self.patterns);
        if let Some(only) = &self.principal
            && report.principals.is_empty()
        {
            anyhow::bail!("{only} made no call in `{}`", self.journal.display());
        }
        if self.json {
            println!("{}", serde_json::to_string_pretty(&report)?);
        } else {
            print!("{}", table(&report));
        }
        let is_whole = report.principals.iter().all(|one| one.needed.not_allowed.is_empty());
        Ok(if is_whole { Exit::Held } else { Exit::Failed })
    }
}
