//! `ringfence init`.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;

use crate::exit::Exit;
use crate::init;

#[derive(Debug, Args)]
pub(super) struct Init {
    /// The directories with Terraform, templates and workflows
    #[arg(default_value = ".")]
    directories: Vec<PathBuf>,
    /// The file that is written; one that is there is left as it is
    #[arg(long, value_name = "FILE", default_value = "ringfence.toml")]
    output: PathBuf,
}

impl Init {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        for directory in &self.directories {
            anyhow::ensure!(directory.is_dir(), "`{}` is not a directory", directory.display());
        }
        let place = self.output.parent().unwrap_or(Path::new(""));
        let draft = init::draft(&self.directories, place)
            .context("the files cannot be read; `ringfence doctor` says what is wrong with them")?;
        let mut file = match OpenOptions::new().write(true).create_new(true).open(&self.output) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => bail!(
                "`{}` is there already and was left as it is: move it, or name another file with `--output`",
                self.output.display()
            ),
            Err(error) => {
                return Err(error)
                    .with_context(|| format!("cannot write `{}`", self.output.display()));
            }
        };
        file.write_all(draft.text.as_bytes())
            .with_context(|| format!("cannot write `{}`", self.output.display()))?;
        let output = self.output.display();
        eprintln!("ringfence: wrote `{output}`");
        for open in &draft.open {
            eprintln!("ringfence: left to decide: {open}");
        }
        eprintln!(
            "ringfence: next: decide the lines that begin with `# ?`, see what will not run with"
        );
        eprintln!("    ringfence doctor");
        eprintln!("ringfence: and then");
        eprintln!("    ringfence verify --config {output}");
        Ok(Exit::Held)
    }
}
