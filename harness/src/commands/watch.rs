//! `ringfence watch`.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::Context as _;
use clap::Args;
use ringfence_evidence::{Summary, Told};

use super::again::Again;
use super::verify::{changed_since, probe};
use super::{backend, terminal, to_its_end};
use crate::changed::Sources;
use crate::config::{Backend, Config, Layer1};
use crate::emulator;
use crate::exit::Exit;
use crate::progress::Progress;
use crate::stack::{Options, Stack, StackError};
use crate::watch::{Chosen, Session, Watcher, survives};

#[derive(Debug, Args)]
pub(super) struct Watch {
    /// What is under test
    #[arg(long, default_value = "ringfence.toml")]
    config: PathBuf,
    /// In place of the configuration's upstream: auto, localstack, embedded or a URL
    #[arg(long)]
    backend: Option<Backend>,
    /// These attacks alone, by their ids
    #[arg(long, num_args = 1.., value_name = "ID")]
    only: Vec<String>,
    /// At first the attacks alone that look at what differs from this revision of git
    #[arg(long, value_name = "REV", conflicts_with = "only")]
    changed_since: Option<String>,
}

/// What is said when all is there and nothing has changed yet.
const WATCHING: &str = "watching; Ctrl-C ends";

impl Watch {
    pub(super) async fn run(self) -> anyhow::Result<Exit> {
        to_its_end(self.work()).await
    }

    /// Ends by a signal alone, or when something cannot be run.
    async fn work(&self) -> anyhow::Result<Exit> {
        let mut config = Config::load_of_one(&self.config, "`ringfence watch`")?;
        let chosen = self.chosen(&config)?;
        let mut watcher = Watcher::of(sources(&config)?.places()).context(UNWATCHED)?;
        loop {
            watcher.also(sources(&config)?.places()).context(UNWATCHED)?;
            let progress = terminal::progress();
            let options = Options {
                backend: backend(self.backend.clone())?,
                progress: progress.clone(),
                keep_going: true,
                ..Options::default()
            };
            let mut stack = Stack::start(config.clone(), options).await?;
            super::warn_unisolated(&stack);
            let url = stack.emulator().url().clone();
            let watched = tokio::select! {
                watched = self.watch(&mut stack, chosen.clone(), &progress, &mut watcher) => watched,
                () = emulator::silence(&url) => {
                    Err(StackError::Died { url: url.clone(), words: Vec::new() }.into())
                }
            };
            let phase = progress.phase("removing everything");
            stack.stop().await;
            phase.done();
            config = watched?;
        }
    }

    fn chosen(&self, config: &Config) -> anyhow::Result<Chosen> {
        Ok(match (&self.changed_since, self.only.as_slice()) {
            (Some(revision), _) => {
                Chosen::Changed(changed_since(config, revision)?.unwrap_or_default())
            }
            (None, []) => Chosen::All,
            (None, ids) => Chosen::Ids(ids.iter().cloned().collect()),
        })
    }

    /// Answers changes until the configuration is one; that.
    async fn watch(
        &self,
        stack: &mut Stack,
        chosen: Chosen,
        progress: &Progress,
        watcher: &mut Watcher,
    ) -> anyhow::Result<Config> {
        let began = Instant::now();
        let config = stack.config().clone();
        let names: Vec<String> = config.layer1.iter().map(Layer1::name).collect();
        // Ready when the attacks have been made.
        stack.keep_providers()?;
        let mut session = Session::begin(stack, chosen, progress.clone()).await?;
        self.tell(&session, &session.ids().await?, began);
        loop {
            eprintln!("ringfence: {WATCHING}");
            let files = watcher.changed().await.context(UNWATCHED)?;
            // What Layer 1 reaches may be other files than before.
            let changed = match sources(&config) {
                Ok(sources) => {
                    watcher.also(sources.places()).context(UNWATCHED)?;
                    sources.changed(files.iter().map(PathBuf::as_path))
                }
                Err(error) => {
                    eprintln!("ringfence: {error:#}");
                    continue;
                }
            };
            println!("{}", changed.told(None, &names));
            if changed.configuration {
                match Config::load_of_one(&self.config, "`ringfence watch`") {
                    Ok(config) => {
                        println!("everything is built anew from `{}`", self.config.display());
                        return Ok(config);
                    }
                    Err(error) => {
                        let error = anyhow::Error::from(error);
                        eprintln!("ringfence: {error:#}; what was built before is kept");
                        continue;
                    }
                }
            }
            if changed.is_nothing() {
                continue;
            }
            match session.change(&changed).await {
                Ok(()) => {}
                Err(error) if survives(&error) => {
                    eprintln!("ringfence: {error:#}");
                    eprintln!(
                        "ringfence: nothing was attacked; mend it, and all that changed is applied"
                    );
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// The short table of the first campaign.
    fn tell(&self, session: &Session<'_>, attacks: &BTreeSet<String>, began: Instant) {
        let probes: Vec<_> = session.findings().cloned().map(probe).collect();
        let again = Again { config: &self.config, attacks };
        let told =
            Told { every_probe: false, places: session.places(), again: &|probe| again.of(probe) };
        print!("{}", ringfence_evidence::probes(&probes, &told));
        let counts = Summary::of(&probes);
        println!(
            "\n{} attacks: {}, in {:.1} s",
            counts.probes,
            counts.words(),
            began.elapsed().as_secs_f64()
        );
        println!("{}", session.proved());
    }
}

/// Why a watch cannot go on.
const UNWATCHED: &str = "the files under test cannot be watched";

fn sources(config: &Config) -> anyhow::Result<Sources> {
    Sources::of(config).context("cannot tell which files Layer 1 consists of")
}
