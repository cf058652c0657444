//! What shells and manuals are told of the command line.

use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, CommandFactory};

use super::Cli;
use crate::exit::Exit;

#[derive(Debug, Args)]
pub(super) struct Completions {
    /// The shell
    shell: clap_complete::Shell,
}

impl Completions {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "ringfence", &mut script);
        print(&script)
    }
}

#[derive(Debug, Args)]
pub(super) struct Man {
    /// Write a page a command here; without it the first page is printed
    #[arg(value_name = "DIR")]
    directory: Option<PathBuf>,
}

impl Man {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        match self.directory {
            None => {
                let mut text = Vec::new();
                clap_mangen::Man::new(Cli::command()).render(&mut text)?;
                print(&text)
            }
            Some(directory) => {
                std::fs::create_dir_all(&directory)
                    .and_then(|()| clap_mangen::generate_to(Cli::command(), &directory))
                    .with_context(|| format!("cannot write pages to {}", directory.display()))?;
                Ok(Exit::Held)
            }
        }
    }
}

/// To a closed standard output there is nobody to tell.
fn print(text: &[u8]) -> anyhow::Result<Exit> {
    use std::io::Write as _;
    match std::io::stdout().write_all(text) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(Exit::Held),
    }
}
