//! The configured root modules, planned here, for whoever asks about them without a file.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use super::{backend, terminal, to_its_end};
use crate::access::estate::Estate;
use crate::access::files::{self, Printed};
use crate::config::{App, Backend, Config};
use crate::exit::Exit;
use crate::stack::{Options, Stack};

/// Plans the root modules, and then answers about them. A signal ends both, and what was
/// started is removed.
///
/// # Errors
/// What cannot be planned, and why; the answer's own.
pub(super) fn then(
    config: Config,
    answer: impl FnOnce(Vec<Printed>, Duration, &Config) -> anyhow::Result<Exit> + Send + 'static,
) -> anyhow::Result<Exit> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let exit = runtime.block_on(to_its_end(async move {
        let began = Instant::now();
        let roots = plan(&config).await?;
        let took = began.elapsed();
        tokio::task::spawn_blocking(move || answer(roots, took, &config)).await?
    }));
    // Nobody waits for an answer after a signal.
    runtime.shutdown_background();
    exit
}

/// Plans the last root module in a copy; those before it are applied, for it may read what
/// they make.
async fn plan(config: &Config) -> anyhow::Result<Vec<Printed>> {
    if config.layer1.is_empty() {
        bail!(
            "nothing to ask about: `{}` names no root module (`layer1.directory`); give \
             `--plan FILE` or `--state FILE`",
            config.file.display()
        );
    }
    let chosen = backend(None)?.unwrap_or_else(|| match &config.upstream.backend {
        // A plan asks an upstream for little: the one that starts at once will do.
        Backend::Auto => Backend::Embedded,
        chosen => chosen.clone(),
    });
    let options = Options {
        backend: Some(chosen),
        record: false,
        planned: true,
        progress: terminal::progress(),
        ..Options::default()
    };
    let stack = Stack::start(config.clone(), options)
        .await
        .context("cannot plan the root modules (`--plan FILE` takes a plan from elsewhere)")?;
    let printed = stack.printed();
    stack.stop().await;
    Ok(printed?)
}

/// Adds what the apps deploy, by their templates.
///
/// # Errors
/// What cannot be read; an app without a template.
pub(super) fn add_apps(apps: &[App], estate: &mut Estate) -> anyhow::Result<()> {
    for app in apps {
        let template = app.template().with_context(|| {
            let (name, place) = (app.name.get_ref(), app.directory.display());
            format!("app `{name}`: there is no template in `{place}`: give its directory with `--templates`")
        })?;
        files::template(&template, estate)?;
    }
    Ok(())
}
