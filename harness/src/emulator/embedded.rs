//! moto's server as a child process.

use std::collections::VecDeque;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ringfence_wire::Secret;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{ChildStdin, Command};
use url::Url;

use super::{EmulatorError, Options};
use crate::process::Group;
use crate::scratch::Scratch;
use crate::tools::PythonTools;

const PROGRAM: &str = include_str!("embedded.py");

/// The services that are loaded ahead of their first call.
const WARM: [&str; 5] = ["iam", "ec2", "s3", "ssm", "logs"];

/// A cold start imports much; a busy machine needs a while for it.
const START_TIME: Duration = Duration::from_secs(60);

/// How many lines of its standard error are kept.
const KEPT: usize = 50;

/// The server.
#[derive(Debug)]
pub(super) struct Server {
    group: Group,
    url: Url,
    version: String,
    errors: Arc<Mutex<VecDeque<String>>>,
    /// Its standard input: closed, it ends.
    _owner: Option<ChildStdin>,
}

impl Server {
    pub(super) async fn start(
        options: &Options<'_>,
        tools: &PythonTools,
        scratch: &Scratch,
        secret: Option<&Secret>,
    ) -> Result<Self, EmulatorError> {
        let failed = |message: String| EmulatorError::Embedded(message);
        let directory = scratch.subdirectory("upstream").map_err(|e| failed(e.to_string()))?;
        let images = match options.images {
            [] => String::new(),
            images => serde_json::to_string(images).map_err(|e| failed(e.to_string()))?,
        };
        let mut command = Command::new(tools.python());
        command
            .args(["-I", "-c", PROGRAM])
            .args(WARM)
            .current_dir(directory)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("LANG", "C.UTF-8")
            .env("RINGFENCE_ACCOUNT_ID", options.account_id)
            .env("AWS_DEFAULT_REGION", options.region)
            // Layer 1 attaches AWS's own policies.
            .env("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")
            .env("RINGFENCE_IMAGES", images)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if !options.several_accounts {
            // moto then takes every request for this account's, else for that of the
            // header `x-moto-account-id` (core/responses.py, `get_current_account`).
            command.env("MOTO_ACCOUNT_ID", options.account_id);
        }
        let mut group = Group::spawn(&mut command).map_err(|e| failed(e.to_string()))?;
        let mut owner = group.child().stdin.take();
        if let Some(stdin) = &mut owner {
            // Neither its command line nor its environment shows it.
            let line = format!("{}\n", secret.map(Secret::expose).unwrap_or_default());
            stdin.write_all(line.as_bytes()).await.map_err(|e| failed(e.to_string()))?;
        }
        let errors = Arc::new(Mutex::new(VecDeque::new()));
        if let Some(stderr) = group.child().stderr.take() {
            let errors = Arc::clone(&errors);
            tokio::spawn(async move {
                let mut lines = BufReader::new(stderr).lines();
                while let Ok(Some(line)) = lines.next_line().await {
                    let mut kept = errors.lock().unwrap_or_else(PoisonError::into_inner);
                    if kept.len() == KEPT {
                        kept.pop_front();
                    }
                    kept.push_back(line);
                }
            });
        }
        let mut greeting = String::new();
        if let Some(stdout) = group.child().stdout.take() {
            let mut stdout = BufReader::new(stdout);
            let line = tokio::time::timeout(START_TIME, stdout.read_line(&mut greeting)).await;
            match line {
                Ok(Ok(_)) => {}
                Ok(Err(error)) => return Err(failed(error.to_string())),
                Err(_) => return Err(failed(format!("no answer in {} s", START_TIME.as_secs()))),
            }
        }
        let mut words = greeting.split_whitespace();
        let port: Option<u16> = words.next().and_then(|word| word.parse().ok());
        let (Some(port), Some(version)) = (port, words.next()) else {
            // It ended: its standard error is complete once the child is reaped.
            let _ = tokio::time::timeout(Duration::from_secs(5), group.child().wait()).await;
            let said = errors.lock().unwrap_or_else(PoisonError::into_inner);
            return Err(failed(Vec::from_iter(said.iter().cloned()).join(" | ")));
        };
        let url = Url::parse(&format!("http://127.0.0.1:{port}/"))
            .map_err(|error| failed(error.to_string()))?;
        Ok(Self { group, url, version: version.to_owned(), errors, _owner: owner })
    }

    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    pub(super) fn version(&self) -> &str {
        &self.version
    }

    pub(super) fn last_words(&self) -> Vec<String> {
        self.errors.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    pub(super) async fn stop(self) {
        self.group.kill().await;
    }
}
