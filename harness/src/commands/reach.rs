//! `ringfence reach`.

use std::path::PathBuf;

use anyhow::bail;
use clap::Args;
use ringfence_network::traffic::Cidr;

use crate::access::files::{self, Configurations};
use crate::config::Config;
use crate::exit::Exit;
use crate::proof::reach::question::{Answer, Question, answers};
use crate::proof::reach::told;

#[derive(Debug, Args)]
pub(super) struct Reach {
    /// The function, by its Terraform address or its name; all, where it is left out
    function: Option<String>,
    /// Addresses alone: `203.0.113.0/24`, `::/0`
    #[arg(long, value_name = "CIDR", value_parser = cidr)]
    to: Option<Cidr>,
    /// This port of TCP and UDP alone
    #[arg(long, value_name = "N")]
    port: Option<u16>,
    /// The configuration
    #[arg(long, default_value = "ringfence.toml")]
    config: PathBuf,
    /// What `terraform show -json` prints of a plan
    #[arg(long, value_name = "FILE")]
    plan: Vec<PathBuf>,
    /// What `terraform show -json` prints of a state
    #[arg(long, value_name = "FILE")]
    state: Vec<PathBuf>,
    /// The Terraform files that a plan is of; by default those beside it, in the current
    /// directory, or of ringfence.toml there
    #[arg(long, value_name = "DIR")]
    configuration: Option<PathBuf>,
    /// Print one line of JSON a function and subnet, and a last one with the numbers
    #[arg(long)]
    json: bool,
}

/// Addresses, of which none is named after the length.
fn cidr(text: &str) -> Result<Cidr, String> {
    let read = Cidr::parse(text);
    read.ok_or_else(|| "it is no CIDR block: `203.0.113.0/24` and `2001:db8::/32` are".to_owned())
}

impl Reach {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let config = Config::load(&self.config)?;
        let shown: Vec<PathBuf> = self.plan.iter().chain(&self.state).cloned().collect();
        if shown.is_empty() {
            bail!("nothing to look for networks in: give `--plan FILE` or `--state FILE`");
        }
        let layer1 = config.layer1.iter().map(|layer1| layer1.directory.clone());
        let configurations = Configurations::new(self.configuration.as_deref()).and(layer1);
        let estate = files::shown(&shown, &configurations)?;
        let question = Question { function: self.function, to: self.to, port: self.port };
        let found = answers(&estate, &config, &question)?;
        print!("{}", if self.json { told::json(&found)? } else { told::text(&found) });
        Ok(if found.iter().all(Answer::is_nothing) { Exit::Held } else { Exit::Failed })
    }
}
