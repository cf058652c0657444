//! `ringfence coverage`.

use anyhow::bail;
use clap::Args;
use ringfence_wire::Service;

use crate::coverage::{self, Told};
use crate::exit::Exit;

#[derive(Debug, Args)]
pub(super) struct Coverage {
    /// A service by its id (`sqs`, `stepfunctions`): its operations, one by one
    service: Option<String>,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
    /// Print docs/coverage.md
    #[arg(long, conflicts_with_all = ["json", "service"])]
    markdown: bool,
}

impl Coverage {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let told = match &self.service {
            None => Service::all().map(Told::of).collect(),
            Some(name) => match Service::of(name) {
                Some(service) => vec![Told::of(service)],
                None => bail!("there is no service `{name}`; `ringfence coverage` lists them"),
            },
        };
        let text = if self.json {
            format!("{}\n", serde_json::to_string_pretty(&told)?)
        } else if self.markdown {
            coverage::markdown(&told)
        } else {
            coverage::text(&told, self.service.is_some())
        };
        print!("{text}");
        Ok(Exit::Held)
    }
}
