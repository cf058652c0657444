//! `ringfence doctor`.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;

use super::{terminal, to_its_end};
use crate::doctor::{self, Diagnosis, Line, Options, Verdict};
use crate::exit::Exit;
use crate::printing::harmless_line;

#[derive(Debug, Args)]
pub(super) struct Doctor {
    /// The directory with Terraform, templates and workflows
    #[arg(default_value = ".")]
    directory: PathBuf,
    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
    /// Ask no registry of providers and modules: what would be fetched is not here
    #[arg(long)]
    offline: bool,
}

impl Doctor {
    pub(super) async fn run(self) -> anyhow::Result<Exit> {
        anyhow::ensure!(
            self.directory.is_dir(),
            "`{}` is not a directory",
            self.directory.display()
        );
        to_its_end(async {
            let options = Options { offline: self.offline, progress: terminal::progress() };
            let diagnosis = doctor::examine(&self.directory, &options).await;
            let out = match self.json {
                true => json(&diagnosis)?,
                false => told(&diagnosis),
            };
            print!("{out}");
            Ok(ended(&diagnosis))
        })
        .await
    }
}

fn ended(diagnosis: &Diagnosis) -> Exit {
    let fails = |line: &Line| line.verdict == Verdict::Unsupported;
    match diagnosis.unreadable.is_empty() {
        false => Exit::CouldNotRun,
        true if diagnosis.lines.iter().any(fails) => Exit::Failed,
        true => Exit::Held,
    }
}

fn json(diagnosis: &Diagnosis) -> anyhow::Result<String> {
    let mut out = String::new();
    for line in &diagnosis.lines {
        out.push_str(&serde_json::to_string(line)?);
        out.push('\n');
    }
    Ok(out)
}

fn told(diagnosis: &Diagnosis) -> String {
    let mut out = String::new();
    for Line { file, line, construct, verdict, because, .. } in &diagnosis.lines {
        let told = match verdict {
            Verdict::Runs if construct.is_empty() => format!("{file}: runs"),
            Verdict::Runs => format!("{file}: {construct}: runs"),
            Verdict::StandIn => format!("{file}:{line}: {construct}: stand-in: {because}"),
            Verdict::Unsupported => format!("{file}:{line}: {construct}: does not run: {because}"),
        };
        let _ = writeln!(out, "{}", harmless_line(&told));
    }
    let count = |wanted| diagnosis.lines.iter().filter(|line| line.verdict == wanted).count();
    let _ = writeln!(
        out,
        "{} run, {} with a stand-in, {} do not, {} files could not be read",
        count(Verdict::Runs),
        count(Verdict::StandIn),
        count(Verdict::Unsupported),
        diagnosis.unreadable.len()
    );
    out
}
