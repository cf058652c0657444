//! The transform `AWS::Serverless-2016-10-31`: AWS's own
//! `aws-sam-translator`, in a Python process that stays for the next template
//! (measured: its imports take 2.4 s of a processor, a template 0.1 s on a busy
//! machine), and that the first call of CloudFormation starts: a client looks
//! at its stack before it sends a template.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::Mutex;

use super::template::SERVERLESS;

const SCRIPT: &str = include_str!("transform.py");
/// The smallest template that the translator takes.
const WARM_UP: &str = r#"{"template": {"Resources": {"A": {"Type": "AWS::Serverless::SimpleTable"}}}, "parameters": {}}"#;
const PATIENCE: Duration = Duration::from_secs(60);

/// The translator.
#[derive(Debug)]
pub(super) struct Translator {
    python: Option<PathBuf>,
    region: String,
    process: Mutex<Option<Process>>,
}

#[derive(Debug)]
struct Process {
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Translator {
    pub(super) fn new(python: Option<PathBuf>, region: impl Into<String>) -> Self {
        Self { python, region: region.into(), process: Mutex::default() }
    }

    /// Expands a template.
    ///
    /// # Errors
    /// The sentence that a change set gives as its reason.
    pub(super) async fn expand(
        &self,
        body: &Map<String, Value>,
        parameters: &Map<String, Value>,
    ) -> Result<Map<String, Value>, String> {
        let request = json!({"template": body, "parameters": parameters}).to_string();
        let answer = self.ask(&request).await.map_err(|cause| failed(&cause))?;
        match answer {
            Value::Object(mut answer) => {
                match (answer.remove("template"), answer.remove("error")) {
                    (Some(Value::Object(template)), _) => Ok(template),
                    (_, Some(Value::String(error))) => Err(failed(&error)),
                    _ => Err(failed("the translator answered neither template nor error")),
                }
            }
            _ => Err(failed("the translator did not answer an object")),
        }
    }

    /// Starts the process ahead of its first template.
    pub(super) async fn warm(&self) {
        if self.python.is_some() {
            // What is wrong with it is told to who needs it.
            let _ = self.ask(WARM_UP).await;
        }
    }

    /// Ends the process, if there is one.
    pub(super) async fn shutdown(&self) {
        if let Some(mut process) = self.process.lock().await.take() {
            // A process that is gone already is what is wanted.
            let _ = process.child.kill().await;
        }
    }

    async fn ask(&self, request: &str) -> Result<Value, String> {
        let mut slot = self.process.lock().await;
        // Taken out: a process that fails to answer is not used again, and is
        // killed when dropped.
        let mut process = match slot.take() {
            Some(process) => process,
            None => self.start()?,
        };
        let answer = tokio::time::timeout(PATIENCE, process.exchange(request))
            .await
            .map_err(|_| "the translator did not answer in time".to_owned())??;
        *slot = Some(process);
        Ok(answer)
    }

    fn start(&self) -> Result<Process, String> {
        let python = self.python.as_ref().ok_or("no Python environment with aws-sam-translator")?;
        // A cleared environment: the translator needs a region and nothing
        // else, above all no credentials and no endpoint.
        let mut child = Command::new(python)
            .args(["-I", "-c", SCRIPT])
            .env_clear()
            .env("AWS_REGION", &self.region)
            .env("AWS_DEFAULT_REGION", &self.region)
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|cause| format!("the translator cannot be started: {cause}"))?;
        match (child.stdin.take(), child.stdout.take()) {
            (Some(input), Some(output)) => {
                Ok(Process { child, input, output: BufReader::new(output).lines() })
            }
            _ => Err("the translator has no pipes".to_owned()),
        }
    }
}

impl Process {
    async fn exchange(&mut self, request: &str) -> Result<Value, String> {
        let told = |cause: std::io::Error| format!("the translator stopped: {cause}");
        self.input.write_all(request.as_bytes()).await.map_err(told)?;
        self.input.write_all(b"\n").await.map_err(told)?;
        self.input.flush().await.map_err(told)?;
        let line = self.output.next_line().await.map_err(told)?;
        let line = line.ok_or("the translator stopped (is aws-sam-translator installed?)")?;
        serde_json::from_str(&line)
            .map_err(|cause| format!("the translator answered badly: {cause}"))
    }
}

/// The reason of a change set, and the text of a direct call's error.
fn failed(cause: &str) -> String {
    format!("Transform {SERVERLESS} failed with: {cause}")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    /// A translator whose interpreter is this shell script.
    fn translator(script: &str) -> (Translator, tempfile::TempDir) {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("python");
        std::fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
        (Translator::new(Some(file), "eu-west-1"), place)
    }

    async fn expand(translator: &Translator) -> Result<Map<String, Value>, String> {
        translator.expand(&Map::new(), &Map::new()).await
    }

    #[tokio::test]
    async fn one_process_answers_every_template() {
        let script = "n=0; while read line; do n=$((n+1)); echo \"{\\\"template\\\": {\\\"n\\\": $n}}\"; done";
        let (translator, _place) = translator(script);
        assert_eq!(expand(&translator).await.unwrap()["n"], 1);
        assert_eq!(expand(&translator).await.unwrap()["n"], 2);
        translator.shutdown().await;
    }

    #[tokio::test]
    async fn the_process_sees_the_region_and_none_of_the_environment() {
        let script =
            "while read line; do echo \"{\\\"error\\\": \\\"$AWS_REGION $HOME.\\\"}\"; done";
        let (translator, _place) = translator(script);
        assert_eq!(
            expand(&translator).await.unwrap_err(),
            "Transform AWS::Serverless-2016-10-31 failed with: eu-west-1 ."
        );
    }

    #[tokio::test]
    async fn a_process_that_dies_is_told_and_replaced() {
        let (translator, place) = translator("read line; exit 1");
        let reason = expand(&translator).await.unwrap_err();
        assert_eq!(
            reason,
            "Transform AWS::Serverless-2016-10-31 failed with: the translator stopped (is aws-sam-translator installed?)"
        );
        let script = "#!/bin/sh\nwhile read line; do echo '{\"template\": {}}'; done\n";
        std::fs::write(place.path().join("python"), script).unwrap();
        assert_eq!(expand(&translator).await, Ok(Map::new()));
    }
}
