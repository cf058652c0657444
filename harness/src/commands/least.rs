//! `ringfence least`: the smallest policy that allows what a journal says.

use std::path::PathBuf;

use clap::Args;

use crate::exit::Exit;
use crate::least::{Pattern, Principal, read, report, table};

const AFTER: &str = "\
Example: first let the principal do its work against a guard that refuses nothing:

    ringfence up --observe --journal journal.jsonl
    ringfence least journal.jsonl --principal role/deployer

Resources are named as they were in that run. What AWS or a tool names anew in each run is told of, with the
--generalise that allows it. With --json the policies are in principals[].policies.

Exit codes: 0; 1 where the policies do not allow all of it; 2 where the journal cannot be read.";

#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(super) struct Least {
    /// The journal that `ringfence up --observe --journal FILE` wrote; that of a guard which enforces will do, without conditions
    journal: PathBuf,
    /// Only this principal: its ARN, that of a session of it, role/NAME or user/NAME
    #[arg(long)]
    principal: Option<Principal>,
    /// A pattern that is written for the resources it matches, as `arn:aws:ec2:us-east-1:123456789012:vpc/*`; each `*`
    /// allows more than was done. May be repeated: the first that matches a resource counts
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
