//! `ringfence up`.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use ringfence_guard::{Mode, Reach};

use super::{backend, interrupted, terminal, unless_interrupted};
use crate::config::{Account, AccountId, Backend, Config, Region};
use crate::exit::Exit;
use crate::root::RootKeys;
use crate::stack::{Options, Stack};

#[derive(Debug, Args)]
pub(super) struct Up {
    /// What answers behind the guard: auto, localstack, embedded or a URL
    #[arg(long)]
    backend: Option<Backend>,
    /// The guard's port on 127.0.0.1; 0 takes any that is free
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Serve on all addresses of this machine, as a container must: whoever reaches the port is root with the stated key
    #[arg(long)]
    all_interfaces: bool,
    /// The account id
    #[arg(long, default_value = "123456789012")]
    account: AccountId,
    /// The region
    #[arg(long, default_value = "us-east-1")]
    region: Region,
    /// A file to which every decision is appended, one line of JSON each
    #[arg(long)]
    journal: Option<PathBuf>,
    /// Refuse nothing for want of a permission: the journal says what each decision would have been
    #[arg(long, requires = "journal")]
    observe: bool,
    /// A file that is written, with the environment to use, once the guard answers
    #[arg(long)]
    ready_file: Option<PathBuf>,
}

impl Up {
    pub(super) async fn run(self) -> anyhow::Result<Exit> {
        let mut config = Config::parse("", Path::new("ringfence.toml"))?;
        config.account = Account { id: self.account, region: self.region, organization: None };
        let options = Options {
            backend: backend(self.backend)?,
            port: self.port,
            reach: if self.all_interfaces { Reach::AllInterfaces } else { Reach::Loopback },
            record: false,
            journal: self.journal,
            mode: if self.observe { Mode::Observe } else { Mode::Enforce },
            root: RootKeys::Stated,
            progress: terminal::progress(),
            ..Options::default()
        };
        let start = async { Ok(Stack::start(config, options).await?) };
        let stack = match unless_interrupted(start).await? {
            Ok(stack) => stack,
            Err(signal) => return Ok(Exit::Interrupted(signal)),
        };
        let environment: String = stack
            .root()
            .environment()
            .iter()
            .filter(|(name, _)| name.starts_with("AWS_") && !name.ends_with("_FILE"))
            .map(|(name, value)| format!("export {name}={value}\n"))
            .collect();
        print!("{environment}");
        eprintln!("ringfence: serving at {}; Ctrl-C ends", stack.endpoint());
        if self.all_interfaces {
            eprintln!(
                "ringfence: on all addresses of this machine: whoever reaches the port can be root"
            );
        }
        if self.observe {
            eprintln!("ringfence: observing: no call is refused for want of a permission");
        }
        let served = serve(self.ready_file.as_deref(), &environment).await;
        if let Some(path) = &self.ready_file {
            // It says that the guard answers, which it no longer does.
            let _ = std::fs::remove_file(path);
        }
        stack.stop().await;
        served.map(|()| Exit::Held)
    }
}

async fn serve(ready_file: Option<&Path>, environment: &str) -> anyhow::Result<()> {
    if let Some(path) = ready_file {
        let part = path.with_extension("part");
        std::fs::write(&part, environment)
            .and_then(|()| std::fs::rename(&part, path))
            .with_context(|| format!("cannot write the ready file `{}`", path.display()))?;
    }
    interrupted().await.map(|_| ())
}
