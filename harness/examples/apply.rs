//! What the guard adds to `terraform apply`: the configuration's Layer 1 applied
//! to an empty embedded upstream, bare and through the guard, in turns.
//!
//! ```text
//! cargo run --release -p ringfence --example apply -- [ROUNDS]
//! ```

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context;
use ringfence::config::{Backend, Config};
use ringfence::emulator::{self, Emulator};
use ringfence::progress::Progress;
use ringfence::scratch::Scratch;
use ringfence::stack::{Options, Stack};
use ringfence::terraform::{Access, Roots};
use ringfence::tools::{PythonTools, TerraformBinary};
use ringfence_wire::Secret;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let rounds = match std::env::args().nth(1) {
        Some(rounds) => rounds.parse().with_context(|| format!("`{rounds}` is no number"))?,
        None => 5,
    };
    let (mut bare, mut guarded) = (Vec::new(), Vec::new());
    println!("round      bare   guarded   ratio");
    for round in 1..=rounds {
        // Whoever comes first warms the disk's cache for the other.
        let (alone, through) = if round % 2 == 0 {
            let alone = apply_bare().await?;
            (alone, apply_guarded().await?)
        } else {
            let through = apply_guarded().await?;
            (apply_bare().await?, through)
        };
        println!(
            "{round:>5} {:>7.2} s {:>7.2} s   {:.3}",
            alone.as_secs_f64(),
            through.as_secs_f64(),
            through.as_secs_f64() / alone.as_secs_f64()
        );
        bare.push(alone);
        guarded.push(through);
    }
    let (bare, guarded) = (median(bare), median(guarded));
    println!(
        "median {:>6.2} s {:>7.2} s   {:.3}",
        bare.as_secs_f64(),
        guarded.as_secs_f64(),
        guarded.as_secs_f64() / bare.as_secs_f64()
    );
    Ok(())
}

fn config() -> anyhow::Result<Config> {
    Ok(Config::load(Path::new("ringfence.toml"))?)
}

async fn apply_guarded() -> anyhow::Result<Duration> {
    let options = Options { backend: Some(Backend::Embedded), deploy: false, ..Options::default() };
    let stack = Stack::start(config()?, options).await?;
    let took = stack.phases().iter().find(|(phase, _)| phase == "terraform apply");
    let took = took.map(|(_, took)| *took).context("Layer 1 is not configured")?;
    stack.stop().await;
    Ok(took)
}

async fn apply_bare() -> anyhow::Result<Duration> {
    let config = config()?;
    config.layer1.first().context("Layer 1 is not configured")?;
    let progress = Progress::silent();
    let tools = PythonTools::provision(&progress).await?;
    let scratch = Scratch::create(&tools.python())?;
    let options = emulator::Options {
        backend: &Backend::Embedded,
        image: &config.upstream.image,
        environment: &config.upstream.environment,
        account_id: config.account.id.as_str(),
        several_accounts: false,
        region: config.account.region.as_str(),
        sealed: false,
        images: &[],
    };
    let emulator = Emulator::start(&options, &tools, &scratch, &progress).await?;
    let binary = TerraformBinary::find().await?;
    let roots = Roots::prepare(Some(binary), &config, &scratch, &progress).await?;
    let access = Access {
        endpoint: emulator.url().clone(),
        region: config.account.region.as_str().to_owned(),
        access_key_id: "test".to_owned(),
        secret_access_key: Secret::new("test"),
        session_token: None,
    };
    let began = Instant::now();
    roots.make_existing(&access, &progress).await?;
    for root in roots.all() {
        let terraform = root.terraform().context("Layer 1 is a template")?;
        terraform.apply(&access, &progress.phase("terraform apply")).await?;
    }
    let took = began.elapsed();
    drop(roots);
    emulator.stop().await;
    scratch.remove().await;
    Ok(took)
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
