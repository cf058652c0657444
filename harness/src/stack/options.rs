//! How a stack is started.

use std::path::PathBuf;
use std::sync::Arc;

use crate::config::Backend;
use crate::exchange::Exchanges;
use crate::progress::Progress;
use crate::root::RootKeys;

/// How to start a stack, beside its configuration.
#[derive(Debug, Clone)]
pub struct Options {
    /// In place of the configuration's upstream.
    pub backend: Option<Backend>,
    /// The guard's port; 0 takes any that is free.
    pub port: u16,
    /// Who can reach that port.
    pub reach: ringfence_guard::Reach,
    /// Where the journal is kept as a file.
    pub journal: Option<PathBuf>,
    /// Whether decisions refuse anything.
    pub mode: ringfence_guard::Mode,
    /// Where the requests of the harness and their answers are kept.
    pub exchanges: Option<Arc<Exchanges>>,
    /// Who hears of the progress.
    pub progress: Progress,
    /// Whether the last root module is planned alone, and nothing is deployed. Those
    /// before it are applied: it may read what they make.
    pub planned: bool,
    /// Whether the applications are deployed too.
    pub deploy: bool,
    /// Whether the guard keeps what it decides about, which the attacks'
    /// companions and the mutations need.
    pub record: bool,
    /// Whether an application that cannot be deployed is a result, kept in
    /// [`Stack::failures`], and not the end of the run.
    pub keep_going: bool,
    /// With which keys root acts.
    pub root: RootKeys,
    /// Whether the account is read back after Terraform's apply and after the
    /// workflows, to show that what was applied is what is judged.
    pub read_back: bool,
    /// Whether the stack is started only where the code of the teams is kept
    /// apart from the harness and from the upstream.
    pub isolated: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            backend: None,
            port: 0,
            reach: ringfence_guard::Reach::Loopback,
            journal: None,
            mode: ringfence_guard::Mode::default(),
            exchanges: None,
            progress: Progress::silent(),
            planned: false,
            deploy: true,
            record: true,
            keep_going: false,
            root: RootKeys::OfThisRun,
            read_back: false,
            isolated: false,
        }
    }
}
