//! Execution environments: a process, its Runtime API and its log.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ringfence_sandbox::Sandbox;
use ringfence_wire::ServiceError;
use serde_json::{Value, json};
use tempfile::TempDir;
use time::OffsetDateTime;
use tokio::time::Instant;
use uuid::Uuid;

use crate::credentials::Credentials;
use crate::lambda::error::service;
use crate::lambda::execute::language::Language;
use crate::lambda::execute::logs::Log;
use crate::lambda::execute::process::Process;
use crate::lambda::execute::role::lasts;
use crate::lambda::execute::runtime_api::{Event, Invocation, LARGEST_ANSWER, RuntimeApi};
use crate::lambda::store::code::Code;
use crate::lambda::store::configuration::Configuration;

/// AWS's limit for an initialization before it is repeated within the
/// invocation's own time.
/// <https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html>
pub(in crate::lambda) const INIT_LIMIT: Duration = Duration::from_secs(10);

/// What an environment belongs to: it serves one version of one configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::lambda) struct Key {
    pub(in crate::lambda) function: String,
    pub(in crate::lambda) generation: Uuid,
    pub(in crate::lambda) version: String,
}

/// What a function's environment runs.
#[derive(Debug, Clone)]
pub(in crate::lambda) enum Runs {
    /// An interpreter of this machine.
    Interpreter(Language, PathBuf),
    /// The package's own `bootstrap`.
    Bootstrap,
}

/// What starts an environment.
#[derive(Debug, Clone)]
pub(in crate::lambda) struct Blueprint {
    pub(in crate::lambda) key: Key,
    pub(in crate::lambda) configuration: Arc<Configuration>,
    pub(in crate::lambda) program: Runs,
    pub(in crate::lambda) arguments: Vec<OsString>,
    pub(in crate::lambda) region: String,
    pub(in crate::lambda) endpoint: String,
    pub(in crate::lambda) credentials: Credentials,
    pub(in crate::lambda) scratch_dir: PathBuf,
    pub(in crate::lambda) sandbox: Sandbox,
    /// What the function finds under `/opt`.
    pub(in crate::lambda) layers: Option<PathBuf>,
    /// Where the interpreter is, if one runs the function.
    pub(in crate::lambda) interpreter: Vec<PathBuf>,
    /// What the function finds under `/var/runtime`.
    pub(in crate::lambda) client: Option<PathBuf>,
}

/// An execution environment. Everything of it goes with this value.
#[derive(Debug)]
pub(in crate::lambda) struct Environment {
    pub(in crate::lambda) key: Key,
    pub(in crate::lambda) log: Log,
    /// How long the first initialization took, until it was reported.
    pub(in crate::lambda) init: Option<Duration>,
    process: Process,
    api: RuntimeApi,
    credentials: Credentials,
    output: PathBuf,
    ready: bool,
    /// The scratch directory: `TMPDIR` and the output file.
    _scratch: TempDir,
    /// Keeps the unpacked code for as long as it runs.
    _code: Arc<Code>,
}

/// How an environment's initialization ended.
#[derive(Debug)]
pub(in crate::lambda) enum Init {
    Ready,
    Failed(Failure),
    TimedOut,
}

/// How an invocation ended.
#[derive(Debug)]
pub(in crate::lambda) enum Outcome {
    /// With an answer.
    Answer(Bytes),
    /// With an error that the function reported; the environment lives on.
    FunctionError(Bytes),
    /// With the end of the environment.
    Failed(Failure),
    /// At the function's timeout.
    TimedOut,
}

/// A failure of the runtime itself.
#[derive(Debug)]
pub(in crate::lambda) struct Failure {
    /// `Runtime.ExitError`, ….
    pub(in crate::lambda) kind: String,
    /// The payload that the caller gets; the request id is filled in by
    /// [`Failure::payload`].
    payload: Payload,
}

#[derive(Debug)]
enum Payload {
    Reported(Bytes),
    Message(String),
}

impl Failure {
    fn exit(status: ExitStatus) -> Self {
        Self { kind: "Runtime.ExitError".to_owned(), payload: Payload::Message(exit_text(status)) }
    }

    fn reported(body: Bytes) -> Self {
        let kind = serde_json::from_slice::<Value>(&body)
            .ok()
            .and_then(|it| Some(it.get("errorType")?.as_str()?.to_owned()));
        Self {
            kind: kind.unwrap_or_else(|| "Runtime.Unknown".to_owned()),
            payload: Payload::Reported(body),
        }
    }

    /// A program that could not be started.
    pub(in crate::lambda) fn entrypoint(cause: &std::io::Error) -> Self {
        Self {
            kind: "Runtime.InvalidEntrypoint".to_owned(),
            payload: Payload::Message(cause.to_string()),
        }
    }

    /// What the caller gets.
    pub(in crate::lambda) fn payload(&self, request_id: &str) -> Bytes {
        match &self.payload {
            Payload::Reported(body) => body.clone(),
            Payload::Message(message) => error_payload(&self.kind, message, request_id),
        }
    }
}

/// An error as Lambda itself writes it.
pub(in crate::lambda) fn error_payload(kind: &str, message: &str, request_id: &str) -> Bytes {
    json!({
        "errorType": kind,
        "errorMessage": format!("RequestId: {request_id} Error: {message}"),
    })
    .to_string()
    .into()
}

fn exit_text(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt as _;
    match (status.code(), status.signal()) {
        (Some(0), _) => "Runtime exited without providing a reason".to_owned(),
        (Some(code), _) => format!("Runtime exited with error: exit status {code}"),
        (None, Some(9)) => "Runtime exited with error: signal: killed".to_owned(),
        (None, Some(signal)) => format!("Runtime exited with error: signal: {signal}"),
        (None, None) => "Runtime exited with error".to_owned(),
    }
}

impl Environment {
    /// Starts an environment; its log is already running.
    ///
    /// # Errors
    /// [`StartError`].
    pub(in crate::lambda) async fn start(
        blueprint: &Blueprint,
        log: Log,
    ) -> Result<Self, StartError> {
        let code = Arc::clone(&blueprint.configuration.code);
        let task_root =
            code.directory().ok_or_else(|| service("the function's code is not there"))?.to_owned();
        let unavailable = |cause: std::io::Error| service(cause.to_string());
        std::fs::create_dir_all(&blueprint.scratch_dir).map_err(unavailable)?;
        let scratch = tempfile::Builder::new()
            .prefix("environment-")
            .tempdir_in(&blueprint.scratch_dir)
            .map_err(unavailable)?;
        let output = scratch.path().join("output");
        let api = RuntimeApi::start().await.map_err(unavailable)?;
        let confinement = blueprint
            .confinement(api.address(), &log, &task_root, scratch.path())
            .map_err(unavailable)?;
        let process = match Process::start(&blueprint.sandbox, &confinement, &output).await {
            Ok(process) => process,
            Err(cause) => return Err(StartError::Program { cause, log }),
        };
        Ok(Self {
            key: blueprint.key.clone(),
            log,
            init: None,
            process,
            api,
            credentials: blueprint.credentials.clone(),
            output,
            ready: false,
            _scratch: scratch,
            _code: code,
        })
    }

    /// Waits until the runtime asks for its first invocation.
    pub(in crate::lambda) async fn wait_ready(&mut self, deadline: Instant) -> Init {
        let began = Instant::now();
        let ended = loop {
            tokio::select! {
                biased;
                event = self.api.event() => match event {
                    Some(Event::Ready) => {
                        self.ready = true;
                        self.init = Some(began.elapsed());
                        return Init::Ready;
                    }
                    Some(Event::InitError(body)) => break Init::Failed(Failure::reported(body)),
                    Some(_) => {}
                    None => break Init::TimedOut,
                },
                status = self.process.exited() => break Init::Failed(self.exit(status)),
                () = tokio::time::sleep_until(deadline) => break Init::TimedOut,
            }
        };
        self.process.kill().await;
        ended
    }

    /// Runs one invocation. Only [`Outcome::Answer`] and
    /// [`Outcome::FunctionError`] leave an environment that can run another.
    pub(in crate::lambda) async fn invoke(
        &mut self,
        invocation: Invocation,
        deadline: Instant,
    ) -> Outcome {
        self.ready = false;
        self.api.hand_over(invocation).await;
        let mut outcome = None;
        loop {
            tokio::select! {
                biased;
                event = self.api.event() => match event {
                    Some(Event::Response(body)) => outcome = Some(Outcome::Answer(body)),
                    Some(Event::Error(body)) => outcome = Some(Outcome::FunctionError(body)),
                    Some(Event::TooLarge) => outcome = Some(too_large()),
                    Some(Event::Ready) => {
                        self.ready = true;
                        if let Some(outcome) = outcome.take() {
                            return outcome;
                        }
                        // It asked again without an answer: the wait goes on.
                    }
                    Some(Event::InitError(_)) => {}
                    None => break,
                },
                status = self.process.exited() => {
                    while let Some(event) = self.api.past_event() {
                        match event {
                            Event::Response(body) => outcome = Some(Outcome::Answer(body)),
                            Event::Error(body) => outcome = Some(Outcome::FunctionError(body)),
                            Event::TooLarge => outcome = Some(too_large()),
                            Event::Ready | Event::InitError(_) => {}
                        }
                    }
                    self.ready = false;
                    return outcome.unwrap_or_else(|| Outcome::Failed(self.exit(status)));
                }
                () = tokio::time::sleep_until(deadline) => break,
            }
        }
        self.ready = false;
        self.process.kill().await;
        // An answer that was given counts, even if the runtime then did not end.
        outcome.unwrap_or(Outcome::TimedOut)
    }

    fn exit(&self, status: std::io::Result<ExitStatus>) -> Failure {
        match status {
            Ok(status) => Failure::exit(status),
            Err(cause) => Failure::entrypoint(&cause),
        }
    }

    /// Whether another invocation can be given to it.
    pub(in crate::lambda) fn is_usable(&mut self, now: OffsetDateTime) -> bool {
        self.ready && lasts(&self.credentials, now) && self.process.runs()
    }

    /// Holds the environment until its next invocation, as AWS does: no thread and no
    /// process of it runs on
    /// (<https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html>).
    /// Whether it stands still; one that does not is ended by who asked.
    pub(in crate::lambda) async fn freeze(&mut self) -> bool {
        self.process.freeze().await.is_ok()
    }

    /// Lets it go on; whether it is still there.
    pub(in crate::lambda) async fn thaw(&mut self) -> bool {
        self.process.thaw().await.is_ok()
    }

    /// Takes the lines that were written since the last time into the log.
    pub(in crate::lambda) fn read_output(&mut self, now: OffsetDateTime, all: bool) {
        let lines = self.process.lines(all);
        self.log.add(lines, now);
    }

    /// Keeps the output file from growing for ever.
    pub(in crate::lambda) fn trim_output(&mut self) {
        self.process.trim_output(&self.output);
    }

    /// The most memory that its process has used, in MB.
    pub(in crate::lambda) fn memory_mb(&self) -> Option<u64> {
        self.process.memory_mb()
    }

    /// The log, for another attempt.
    pub(in crate::lambda) fn into_log(self) -> Log {
        self.log
    }
}

/// Why an environment could not be started.
#[derive(Debug)]
pub(in crate::lambda) enum StartError {
    /// Its program could not be run.
    Program { cause: std::io::Error, log: Log },
    /// Lambda's own fault.
    Service(ServiceError),
}

impl From<ServiceError> for StartError {
    fn from(error: ServiceError) -> Self {
        Self::Service(error)
    }
}

fn too_large() -> Outcome {
    let message = format!(
        "Response payload size exceeded maximum allowed payload size ({LARGEST_ANSWER} bytes)."
    );
    let payload = json!({
        "errorType": "Function.ResponseSizeTooLarge",
        "errorMessage": message,
    });
    Outcome::FunctionError(payload.to_string().into())
}
