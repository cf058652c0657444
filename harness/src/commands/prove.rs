//! `ringfence prove`.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use ringfence_certificate::Certificates;
use ringfence_certificate::form::Without;
use ringfence_evidence::bundle::put;
use time::OffsetDateTime;

use super::files::{Files, Read};
use crate::access::estate::Estate;
use crate::access::stated::stated;
use crate::config::{Config, Layer1};
use crate::exit::Exit;
use crate::printing::harmless_line;
use crate::proof::declared::unfit_actions;
use crate::proof::guarded::{Guarded, Unfit};
use crate::proof::sarif::{self, Written};
use crate::proof::{calls, certificates, claims, decide, paths, reach, told};

/// The configuration, where none is named.
const CONFIG: &str = "ringfence.toml";

#[derive(Debug, Args)]
pub(super) struct Prove {
    /// The configuration
    #[arg(long, default_value = CONFIG)]
    config: PathBuf,
    #[command(flatten)]
    files: Files,
    /// Follow who can come to act as whom: of each identity the paths to others and to
    /// what is protected, or that there is none
    #[arg(long)]
    paths: bool,
    /// Print one line of JSON a guard rail, and a last one with the numbers
    #[arg(long, conflicts_with = "markdown")]
    json: bool,
    /// Print the result as Markdown
    #[arg(long)]
    markdown: bool,
    /// Write SARIF 2.1.0, to a file or in place of the text
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = "-")]
    sarif: Option<PathBuf>,
    /// Write the certificates of what is proved
    #[arg(long, value_name = "FILE", conflicts_with = "paths")]
    certificate: Option<PathBuf>,
    /// Check certificates, and nothing else; with plans, states or templates also that
    /// each is of the claim that it names, as the files have it
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with_all = ["paths", "certificate", "sarif"])]
    check: Vec<PathBuf>,
}

impl Prove {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        if !self.check.is_empty() {
            let (lines, exit) = check(&self.check)?;
            if self.files.are_none() || exit != Exit::Held {
                for line in lines {
                    print!("{line}");
                }
                return Ok(exit);
            }
            return self.compare(lines);
        }
        if self.is_sarif_printed() && (self.json || self.markdown) {
            bail!("one form is printed: write `--sarif=FILE` beside `--json` or `--markdown`");
        }
        // Who is there the files say; a configuration that is named must be there.
        if self.paths
            && self.config == Path::new(CONFIG)
            && !self.config.exists()
            && let Some(read) = self.files.alone()?
        {
            return self.follow(&read, None);
        }
        let config = Config::load_of_one(&self.config, "`ringfence prove`")?;
        if !self.paths {
            Guarded::fits(&config)?;
        }
        self.files.clone().ask(config, move |read, config| match self.paths {
            true => self.follow(&read, Some(config)),
            false => self.decide(&read, config),
        })
    }

    /// Whether good certificates, of which there are these lines, are of the claims that they
    /// name, and all of them.
    fn compare(self, lines: Vec<String>) -> anyhow::Result<Exit> {
        let config = Config::load_of_one(&self.config, "`ringfence prove`")?;
        Guarded::fits(&config)?;
        self.files.clone().ask(config, move |read, config| {
            let guarded = Guarded::of(&read.estate, config)?;
            let claims = claims::all(&guarded, &stated(config)?)?;
            let findings = reach::findings(&guarded);
            let mut exit = Exit::Held;
            for (path, good) in self.check.iter().zip(&lines) {
                let all = certificates::checked(path)?.map_err(anyhow::Error::msg)?;
                let strangers = certificates::strangers(&all, &claims, &findings);
                let missing = certificates::unstated(&all, &claims, &findings)?;
                for wrong in missing.iter().chain(&strangers) {
                    println!("{}: {wrong}", path.display());
                    exit = Exit::Failed;
                }
                if missing.is_empty() && strangers.is_empty() {
                    print!("{good}");
                }
            }
            Ok(exit)
        })
    }

    fn is_sarif_printed(&self) -> bool {
        self.sarif.as_deref() == Some(Path::new("-"))
    }

    /// The guard rails.
    fn decide(&self, read: &Read, config: &Config) -> anyhow::Result<Exit> {
        let estate = &read.estate;
        let guarded = Guarded::of(estate, config)?;
        for what in unfit_actions(&guarded)? {
            eprintln!("ringfence: warning: {}", harmless_line(&what));
        }
        let claims = claims::all(&guarded, &stated(config)?)?;
        let mut findings = decide::all(&claims)?;
        calls::add(&guarded, &claims, &mut findings, OffsetDateTime::now_utc());
        findings.extend(reach::findings(&guarded));
        let rails = told::rails(&findings);
        let took = read.took();
        if let Some(path) = &self.certificate {
            let all = certificates::certificates(&claims, &findings)?;
            put(path, serde_json::to_string(&all)?.as_bytes())?;
        }
        let mut out = match (self.json, self.markdown) {
            (true, _) => told::json(&rails, took)?,
            (false, true) => told::markdown(&rails, took),
            (false, false) => told::text(&rails, took),
        };
        if let Some(file) = &self.sarif {
            let log = sarif::log(&rails, &self.written(estate, Some(config)))?;
            self.put_sarif(file, log, &mut out)?;
        }
        print!("{out}");
        let all = rails.iter().all(|rail| rail.verdict() == "proved");
        Ok(if all { Exit::Held } else { Exit::Failed })
    }

    /// Where the estate is written.
    fn written<'e>(&self, estate: &'e Estate, config: Option<&Config>) -> Written<'e> {
        let name = |directory: &PathBuf| {
            let layer1 = config.map_or(&[][..], |config| &config.layer1);
            let own = layer1.iter().find(|one| one.directory == *directory);
            own.map_or_else(|| Layer1::at(directory.clone()).name(), Layer1::name)
        };
        let roots = self.files.roots(config);
        let roots: Vec<(String, PathBuf)> =
            roots.into_iter().map(|directory| (name(&directory), directory)).collect();
        // What stands nowhere else is in the configuration, or in the first file.
        let elsewhere = match config {
            Some(_) => &self.config,
            None => self.files.first().unwrap_or(&self.config),
        };
        Written::of(estate, elsewhere, &roots, &self.files.templates(config))
    }

    /// Writes a log to its file, or in place of the text.
    fn put_sarif(&self, file: &Path, log: Vec<u8>, out: &mut String) -> anyhow::Result<()> {
        match self.is_sarif_printed() {
            true => *out = String::from_utf8(log)?,
            false => put(file, &log)?,
        }
        Ok(())
    }

    /// The paths; without a configuration, and where it has no deployers, there are sources
    /// all the same.
    fn follow(&self, read: &Read, config: Option<&Config>) -> anyhow::Result<Exit> {
        let estate = &read.estate;
        let guarded = match config.map(|config| Guarded::of(estate, config)) {
            Some(Ok(guarded)) => Some(guarded),
            None | Some(Err(Unfit::NoDeployers)) => None,
            Some(Err(error)) => return Err(error.into()),
        };
        let found = paths::search(estate, guarded.as_ref())?;
        let took = read.took();
        let mut out = match (self.json, self.markdown) {
            (true, _) => paths::told::json(&found, took)?,
            (false, true) => paths::told::markdown(&found, took),
            (false, false) => paths::told::text(&found, took),
        };
        if let Some(file) = &self.sarif {
            let log = sarif::paths(&found, &self.written(estate, config))?;
            self.put_sarif(file, log, &mut out)?;
        }
        print!("{out}");
        Ok(if found.is_none() { Exit::Held } else { Exit::Failed })
    }
}

/// Whether certificates are good, and of each file what there is to say, in whole lines.
fn check(paths: &[PathBuf]) -> anyhow::Result<(Vec<String>, Exit)> {
    let mut exit = Exit::Held;
    let mut lines = Vec::with_capacity(paths.len());
    for path in paths {
        let name = path.display();
        let text = fs::read(path).with_context(|| format!("cannot read `{name}`"))?;
        // What is no such file is bad input, and no bad certificate.
        let read = Certificates::read(&text).with_context(|| format!("`{name}`"))?;
        if read.certificates.is_empty() && read.packets.is_empty() && read.claims.is_empty() {
            bail!("`{name}`: there is no certificate in it");
        }
        match certificates::checked(path)? {
            Ok(all) if !all.states_claims() => {
                let version = all.version;
                lines.push(format!(
                    "{name}: BAD: version {version} does not state its claims, so that one may be missing: write it again\n"
                ));
                exit = Exit::Failed;
            }
            Ok(all) => {
                let packets = all.packets.iter().map(|one| one.rail.as_str());
                let rails: BTreeSet<&str> =
                    all.certificates.iter().map(|one| one.rail.as_str()).chain(packets).collect();
                let good = all.certificates.len() + all.packets.len();
                let rails = rails.len();
                let mut told =
                    format!("{name}: {good} good certificates, of {rails} guard rails\n");
                for Without { rail, who, reason } in &all.without {
                    let _ = writeln!(told, "{name}: none of `{rail}` for `{who}`: {reason}");
                }
                lines.push(told);
            }
            Err(reason) => {
                lines.push(format!("{name}: BAD: {reason}\n"));
                exit = Exit::Failed;
            }
        }
    }
    Ok((lines, exit))
}
