//! The command line: one file a subcommand.

mod access_diff;
mod again;
mod attack;
mod calibrate;
mod compare;
mod coverage;
mod decide;
mod doctor;
mod evidence;
mod explain;
mod files;
mod github;
mod help;
mod init;
mod least;
mod lines;
mod lint;
mod mutate;
mod open;
mod planned;
mod prove;
mod reach;
mod report;
mod shell;
mod supervise;
mod terminal;
mod up;
mod verify;
mod watch;
mod what_can;
mod who_can;

use std::future::Future;

use clap::{Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

use crate::config::Backend;
use crate::exit::{Exit, Signal};
use crate::printing;

/// Tests and proves that the guard rails of an AWS estate hold, before it is deployed.
#[derive(Debug, Parser)]
#[command(name = "ringfence", version, after_help = AFTER_HELP)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "Your own repository: `ringfence init`, then `ringfence verify`.

Exit codes: 0 all controls held, 1 a control failed, 2 it could not run, 130/143 interrupted.
Each command's help has an example, and its own exit codes where they differ.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve an AWS endpoint that decides as IAM would, until SIGINT or SIGTERM.
    #[command(after_help = help::UP)]
    Up(up::Up),
    /// Build what ringfence.toml names, attack it, and say what held.
    #[command(after_help = help::VERIFY)]
    Verify(verify::Verify),
    /// Build what ringfence.toml names, keep it, and answer each change of its files.
    #[command(after_help = help::WATCH)]
    Watch(watch::Watch),
    /// Attack what ringfence.toml names; with `--only`, in the ways that are named.
    #[command(after_help = help::ATTACK)]
    Attack(attack::Attack),
    /// Weaken each guard rail of what ringfence.toml names, and say whether the attacks notice.
    #[command(after_help = help::MUTATE)]
    Mutate(mutate::Mutate),
    /// Decide requests: JSON lines in, one JSON line out for each, in order.
    #[command(after_help = help::DECIDE)]
    Decide(decide::Decide),
    /// Say what of an estate will not run here, before anything runs.
    #[command(after_help = help::DOCTOR)]
    Doctor(doctor::Doctor),
    /// Compare policies for all requests: JSON lines in, one JSON line out for each, in order.
    Compare(compare::Compare),
    /// Say what each identity of an estate may do that it could not before, for all requests.
    AccessDiff(access_diff::AccessDiff),
    /// Say who of an estate can do something, for all requests.
    WhoCan(who_can::WhoCan),
    /// Say what an identity of an estate can do, action by action, for all requests.
    WhatCan(what_can::WhatCan),
    /// Prove each guard rail that speaks of permissions, for all requests, from a plan, a state or the configured root modules.
    #[command(after_help = help::PROVE)]
    Prove(prove::Prove),
    /// Say what functions reach over the network, what reaches them, and by which rules.
    #[command(after_help = help::REACH)]
    Reach(reach::Reach),
    /// Explain one decision to a person.
    #[command(after_help = help::EXPLAIN)]
    Explain(explain::Explain),
    /// Write the first ringfence.toml of an estate, from its files.
    #[command(after_help = help::INIT)]
    Init(init::Init),
    /// Put a run's decisions to AWS's own policy simulator, in an account of yours; read-only.
    #[command(after_help = help::CALIBRATE)]
    Calibrate(calibrate::Calibrate),
    /// Tell which operations of AWS's services are decided, how, and what is refused and why.
    #[command(after_help = help::COVERAGE)]
    Coverage(coverage::Coverage),
    /// Check and compare evidence.
    #[command(after_help = help::EVIDENCE)]
    Evidence(evidence::Evidence),
    /// Render the forms of a bundle from its run.json again, and say what differs.
    #[command(after_help = help::REPORT)]
    Report(report::Report),
    /// Write the smallest policy that allows what a journal says was done.
    Least(least::Least),
    /// Check policies: what can never match, or grants more than it says.
    #[command(after_help = help::LINT)]
    Lint(lint::Lint),
    /// Print what a shell completes.
    #[command(after_help = help::COMPLETIONS)]
    Completions(shell::Completions),
    /// Print the manual page, or write all of them.
    #[command(after_help = help::MAN)]
    Man(shell::Man),
}

/// Runs the command line.
pub fn main() -> Exit {
    let exit = run();
    // What a run found is kept, whoever reads what it prints.
    match (exit, printing::stopped()) {
        (Exit::Held, Some(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => Exit::Closed,
        (Exit::Held, Some(error)) => {
            eprintln!("ringfence: cannot write to standard output: {error}");
            Exit::CouldNotRun
        }
        (exit, _) => exit,
    }
}

fn run() -> Exit {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // To a closed standard output there is nobody to tell.
            let _ = error.print();
            return if error.use_stderr() { Exit::CouldNotRun } else { Exit::Held };
        }
    };
    let command = match cli.command {
        Command::AccessDiff(diff) => return ended(diff.run()),
        Command::Compare(compare) => return ended(compare.run()),
        Command::Prove(prove) => return ended(prove.run()),
        Command::Reach(reach) => return ended(reach.run()),
        Command::WhatCan(what) => return ended(what.run()),
        Command::WhoCan(who) => return ended(who.run()),
        Command::Completions(completions) => return ended(completions.run()),
        Command::Decide(decide) => return ended(decide.run()),
        Command::Explain(explain) => return ended(explain.run()),
        Command::Init(init) => return ended(init.run()),
        Command::Least(least) => return ended(least.run()),
        Command::Lint(lint) => return ended(lint.run()),
        Command::Man(man) => return ended(man.run()),
        Command::Attack(attack) => Serving::Attack(attack),
        Command::Calibrate(calibrate) => Serving::Calibrate(calibrate),
        Command::Doctor(doctor) => Serving::Doctor(doctor),
        Command::Coverage(coverage) => return ended(coverage.run()),
        Command::Evidence(evidence) => return ended(evidence.run()),
        Command::Report(report) => return ended(report.run()),
        Command::Mutate(mutate) => Serving::Mutate(mutate),
        Command::Up(up) => Serving::Up(up),
        Command::Verify(verify) => Serving::Verify(verify),
        Command::Watch(watch) => Serving::Watch(watch),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return could_not_run(&error.into()),
    };
    ended(runtime.block_on(async {
        match command {
            Serving::Attack(attack) => attack.run().await,
            Serving::Calibrate(calibrate) => calibrate.run().await,
            Serving::Doctor(doctor) => doctor.run().await,
            Serving::Mutate(mutate) => mutate.run().await,
            Serving::Up(up) => up.run().await,
            Serving::Verify(verify) => verify.run().await,
            Serving::Watch(watch) => watch.run().await,
        }
    }))
}

/// The commands that serve, and so need a runtime.
enum Serving {
    Attack(attack::Attack),
    Calibrate(calibrate::Calibrate),
    Doctor(doctor::Doctor),
    Mutate(mutate::Mutate),
    Up(up::Up),
    Verify(verify::Verify),
    Watch(watch::Watch),
}

fn ended(result: anyhow::Result<Exit>) -> Exit {
    result.unwrap_or_else(|error| could_not_run(&error))
}

fn could_not_run(error: &anyhow::Error) -> Exit {
    eprintln!("ringfence: {error:#}");
    Exit::CouldNotRun
}

/// Whether a run without isolation is taken.
#[derive(Debug, Clone, Copy, clap::Args)]
struct Isolated {
    /// Run also where the code of the teams cannot be kept apart, in CI and with a key too
    #[arg(long)]
    unisolated: bool,
}

impl Isolated {
    /// Whether the run must be isolated: where its result counts.
    fn required(self, signs: bool) -> bool {
        !self.unisolated && (signs || in_ci(std::env::var("CI").ok().as_deref()))
    }
}

/// Says where a run is not isolated.
fn warn_unisolated(stack: &crate::stack::Stack) {
    if let Some(reason) = &stack.isolation().reason {
        eprintln!("ringfence: UNISOLATED, so that code under test can change anything: {reason}");
    }
}

/// That a run shows nothing, and what to do.
fn nothing_shown(config: &std::path::Path) -> String {
    format!(
        "not one attack of `{}` ended as held or failed, so that nothing is shown: name apps, \
         deployers and issuers in it, as `ringfence init` drafts them",
        config.display()
    )
}

/// CI services set `CI`, all that are known to `true`.
fn in_ci(ci: Option<&str>) -> bool {
    ci.is_some_and(|ci| !matches!(ci, "" | "0" | "false"))
}

/// The backend of the flag, else of `RINGFENCE_BACKEND`, else the
/// configuration's.
fn backend(flag: Option<Backend>) -> anyhow::Result<Option<Backend>> {
    match (flag, std::env::var("RINGFENCE_BACKEND")) {
        (Some(backend), _) => Ok(Some(backend)),
        (None, Ok(text)) if !text.is_empty() => text
            .parse()
            .map(Some)
            .map_err(|error: String| anyhow::anyhow!("RINGFENCE_BACKEND: {error}")),
        _ => Ok(None),
    }
}

/// Waits for SIGINT or SIGTERM.
async fn interrupted() -> anyhow::Result<Signal> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(tokio::select! {
        _ = terminate.recv() => Signal::Terminate,
        _ = interrupt.recv() => Signal::Interrupt,
    })
}

/// Runs something until it is done or the process is told to end; then it is
/// dropped, and what it started goes with it.
async fn unless_interrupted<T>(
    work: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<Result<T, Signal>> {
    tokio::select! {
        result = work => result.map(Ok),
        signal = interrupted() => Ok(Err(signal?)),
    }
}

/// Runs a command's work; a signal ends it, and is said.
async fn to_its_end(work: impl Future<Output = anyhow::Result<Exit>>) -> anyhow::Result<Exit> {
    match unless_interrupted(work).await? {
        Ok(exit) => Ok(exit),
        Err(signal) => {
            eprintln!("ringfence: interrupted; everything that was started has been removed");
            Ok(Exit::Interrupted(signal))
        }
    }
}
