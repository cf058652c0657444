//! The account that the services live in.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use ringfence_models::Partition;
use ringfence_sandbox::Sandbox;
use time::OffsetDateTime;
use tokio::sync::OnceCell;
use url::Url;

use crate::credentials::Keyring;

/// The interpreters of this machine. Without one, the functions of its runtimes
/// are deployed and not run, and say so when they are invoked.
#[derive(Debug, Clone, Default)]
pub struct Interpreters {
    /// A Python interpreter whose environment holds `aws-sam-translator` and
    /// `awslambdaric`. Without one, templates with the SAM transform fail too.
    pub python: Option<PathBuf>,
    /// A Node.js interpreter, 18 or newer.
    pub node: Option<PathBuf>,
}

/// What the services of an account share: the account, where the guard answers, who holds
/// which key, and where the tools and the working files are.
#[derive(Debug)]
pub struct Setting {
    /// The account id, twelve digits.
    pub account_id: String,
    /// The region of regional services.
    pub region: String,
    /// Every credential of the account, and of those beside it.
    pub keyring: Arc<Keyring>,
    /// What runs functions, and SAM's translator.
    pub interpreters: Interpreters,
    /// A directory for function code and scratch files; removed by its owner.
    pub work_dir: PathBuf,
    endpoint: Arc<OnceLock<Url>>,
    sandbox: Arc<OnceCell<Sandbox>>,
}

impl Setting {
    /// A setting whose endpoint is not known yet: the guard sets it once it
    /// has its port.
    pub fn new(
        account_id: impl Into<String>,
        region: impl Into<String>,
        interpreters: Interpreters,
        work_dir: PathBuf,
    ) -> Self {
        Self {
            account_id: account_id.into(),
            region: region.into(),
            keyring: Arc::new(Keyring::default()),
            interpreters,
            work_dir,
            endpoint: Arc::default(),
            sandbox: Arc::default(),
        }
    }

    /// The setting of another account at the same place: its keys are in the same
    /// keyring.
    pub fn of_another(&self, account_id: impl Into<String>) -> Self {
        let account_id = account_id.into();
        Self {
            work_dir: self.work_dir.join(&account_id),
            account_id,
            region: self.region.clone(),
            keyring: Arc::clone(&self.keyring),
            interpreters: self.interpreters.clone(),
            endpoint: Arc::clone(&self.endpoint),
            sandbox: Arc::clone(&self.sandbox),
        }
    }

    /// The partition that the account is in: that of its region.
    pub fn partition(&self) -> Partition {
        Partition::of_region(&self.region)
    }

    /// Where the guard answers, once it does: `http://127.0.0.1:PORT/`.
    pub fn endpoint(&self) -> Option<&Url> {
        self.endpoint.get()
    }

    /// Whether a host is the guard's own, not one of a bucket or an API below it.
    pub fn answers_at(&self, host: &str) -> bool {
        self.endpoint().is_some_and(|endpoint| {
            let named = endpoint.host_str().unwrap_or_default();
            let port = endpoint.port_or_known_default().unwrap_or_default();
            host == format!("{named}:{port}") || host == format!("localhost:{port}")
        })
    }

    /// Says where the guard answers; the first call counts.
    pub fn set_endpoint(&self, endpoint: Url) {
        self.endpoint.get_or_init(|| endpoint);
    }

    /// Where functions run: what was set, else the strongest sandbox that works
    /// here.
    ///
    /// # Errors
    /// When there is no Python to launch it.
    pub async fn sandbox(&self) -> io::Result<Sandbox> {
        let detect = async || {
            let python =
                self.interpreters.python.clone().or_else(ringfence_sandbox::python).ok_or_else(
                    || io::Error::other("running a function apart needs a python3 on the PATH"),
                )?;
            Ok(Sandbox::detect(&python).await)
        };
        self.sandbox.get_or_try_init(detect).await.cloned()
    }

    /// Says where functions run; the first call counts.
    pub fn set_sandbox(&self, sandbox: Sandbox) {
        // Set already: that counts.
        let _ = self.sandbox.set(sandbox);
    }

    /// The time now. All services ask here.
    pub fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc()
    }
}
