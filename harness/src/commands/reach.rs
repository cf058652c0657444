//! `ringfence reach`.

use std::path::PathBuf;

use clap::Args;
use ringfence_network::traffic::Cidr;

use super::files::Shown;
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
    #[command(flatten)]
    shown: Shown,
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
        let config = Config::load_of_one(&self.config, "`ringfence reach`")?;
        let question = Question { function: self.function, to: self.to, port: self.port };
        self.shown.ask(config, move |read, config| {
            let found = answers(&read.estate, config, &question)?;
            print!("{}", if self.json { told::json(&found)? } else { told::text(&found) });
            Ok(if found.iter().all(Answer::is_nothing) { Exit::Held } else { Exit::Failed })
        })
    }
}
