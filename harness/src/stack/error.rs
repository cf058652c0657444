//! Why there is no stack.

use std::io;
use std::path::PathBuf;

use ringfence_guard::{GuardError, NoMembership};
use ringfence_wire::ServiceError;
use url::Url;

use crate::emulator::EmulatorError;
use crate::integrity::snapshot::SnapshotError;
use crate::issuers::IssuerError;
use crate::remark::Remark;
use crate::terraform::TerraformError;
use crate::tools::ToolsError;
use crate::workflow::WorkflowError;

/// Why there is no stack.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// A tool is missing.
    #[error(transparent)]
    Tools(#[from] ToolsError),
    /// Files have what cannot be run here: all of it, before anything starts.
    #[error(
        "nothing was started, for these do not run here:\n{}",
        .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    )]
    Unsupported(Vec<Remark>),
    /// The run's directory cannot be made.
    #[error("cannot make the run's directory")]
    Scratch(#[source] io::Error),
    /// No upstream.
    #[error(transparent)]
    Emulator(#[from] EmulatorError),
    /// No keys.
    #[error(transparent)]
    Issuer(#[from] IssuerError),
    /// A policy of the organization, or of a VPC endpoint, cannot be read.
    #[error("cannot read the policy `{}`", path.display())]
    Policy {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The account's place in its organization is none.
    #[error(transparent)]
    Membership(#[from] NoMembership),
    /// No keys for root.
    #[error("the operating system gives no randomness: {0}")]
    Randomness(String),
    /// No client for HTTP.
    #[error("cannot make a client for HTTP")]
    Client(#[source] reqwest::Error),
    /// Nothing would keep what is judged apart from the judge.
    #[error(
        "the run would be UNISOLATED: {0}; `--unisolated` runs it all the same, and says so in its evidence"
    )]
    Unisolated(String),
    /// What Layer 1 made cannot be read back.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// What Terraform made is not told.
    #[error("cannot read Terraform's state: {0}")]
    State(#[source] std::io::Error),
    /// No guard.
    #[error(transparent)]
    Guard(#[from] GuardError),
    /// A pipeline applies a root module in another account than its own.
    #[error(
        "the root module `{root}` is of the account {account_id}, and its pipeline's role is \
         {role_arn}: `account` says in which account it is applied"
    )]
    RoleOfAnotherAccount {
        /// The root module.
        root: String,
        /// The role.
        role_arn: String,
        /// The root module's account.
        account_id: String,
    },
    /// No Layer 1.
    #[error(transparent)]
    Terraform(#[from] TerraformError),
    /// An application is not deployed.
    #[error("app `{app}`: {cause}")]
    Deploy {
        /// The application.
        app: String,
        /// Why.
        cause: WorkflowError,
    },
    /// Something that the configuration does not name.
    #[error("ringfence.toml names no {0}")]
    NotConfigured(String),
    /// Something of which the configuration names several.
    #[error("ringfence.toml names more than one {0}")]
    NotOne(String),
    /// A role cannot be assumed.
    #[error("deployer `{deployer}` cannot assume `{role}`: {cause}")]
    Assume {
        /// The deployer.
        deployer: String,
        /// The role.
        role: String,
        /// STS's error.
        cause: Box<ServiceError>,
    },
    /// A user cannot be had.
    #[error("deployer `{deployer}` cannot act as the user `{user}`: {cause}")]
    Key {
        /// The deployer.
        deployer: String,
        /// The user.
        user: String,
        /// IAM's error.
        cause: Box<ServiceError>,
    },
    /// The upstream died.
    #[error("the upstream died: {url} does not answer any more{}", last_words(.words))]
    Died {
        /// Where it answered.
        url: Url,
        /// What it said last, where that is known.
        words: Vec<String>,
    },
}

fn last_words(words: &[String]) -> String {
    if words.is_empty() { String::new() } else { format!("; it said: {}", words.join(" | ")) }
}
