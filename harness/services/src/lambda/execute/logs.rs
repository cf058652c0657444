//! A function's log: the lines of its environments, written to CloudWatch Logs
//! with the execution role's own session. A role that may not write them
//! writes nothing, as on AWS.
//!
//! An event's message ends with the line's own end; empty lines are none
//! (LocalStack's test_multi_line_prints, recorded on AWS). Lambda's own records
//! in JSON have no such end, as deliveries of CloudWatch Logs show them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ringfence_wire::Service;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::client::Client;
use crate::credentials::Credentials;
use crate::lambda::store::configuration::{LogFormat, Logging};

/// AWS returns this much of the log with `LogType: Tail`.
const TAIL: usize = 4096;
/// Limits of one `PutLogEvents`; an event counts 26 bytes more than its text.
const LARGEST_BATCH: usize = 1_000_000;
const LONGEST_BATCH: usize = 10_000;

/// A line, and when it was written.
#[derive(Debug, Clone)]
struct Line {
    /// Epoch milliseconds.
    timestamp: i128,
    message: String,
}

/// The log of one environment.
#[derive(Debug)]
pub(in crate::lambda) struct Log {
    /// Its stream in the function's log group.
    pub(in crate::lambda) stream: String,
    logging: Logging,
    /// Lines of the invocation that is running, and what came before it since
    /// the last one.
    pending: Vec<Line>,
    /// How many of them came before the invocation.
    before: usize,
    /// What the writer takes; it ends with this value.
    writer: mpsc::UnboundedSender<Vec<Line>>,
}

/// Where a log is written, and as whom.
#[derive(Debug)]
pub(in crate::lambda) struct LogWriter {
    client: Client,
    credentials: Credentials,
    group: String,
    stream: String,
    lines: mpsc::UnboundedReceiver<Vec<Line>>,
}

/// How an invocation ended, for its report.
#[derive(Debug)]
pub(in crate::lambda) struct Report<'a> {
    pub(in crate::lambda) request_id: &'a str,
    pub(in crate::lambda) duration_ms: f64,
    /// Only an environment's first invocation has one.
    pub(in crate::lambda) init_ms: Option<f64>,
    pub(in crate::lambda) memory_size_mb: u32,
    pub(in crate::lambda) memory_used_mb: Option<u64>,
    pub(in crate::lambda) status: Status<'a>,
}

/// How an invocation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::lambda) enum Status<'a> {
    Success,
    /// The runtime ended, or could not start.
    Error(&'a str),
    Timeout,
}

impl Log {
    /// A log with a stream of its own, and its writer, which is to be run.
    pub(in crate::lambda) fn new(
        client: Client,
        credentials: Credentials,
        logging: Logging,
        version: &str,
        now: OffsetDateTime,
    ) -> (Self, LogWriter) {
        let (year, month, day) = (now.year(), u8::from(now.month()), now.day());
        let id = Uuid::new_v4().simple();
        let stream = format!("{year}/{month:02}/{day:02}/[{version}]{id}");
        let (writer, lines) = mpsc::unbounded_channel();
        let writing = LogWriter {
            client,
            credentials,
            group: logging.group.clone(),
            stream: stream.clone(),
            lines,
        };
        (Self { stream, logging, pending: Vec::new(), before: 0, writer }, writing)
    }

    /// Adds the function's own lines.
    pub(in crate::lambda) fn add(&mut self, lines: Vec<String>, now: OffsetDateTime) {
        for line in lines.into_iter().filter(|line| !is_empty(line)) {
            self.push(line, now);
        }
    }

    /// Adds that an invocation took too long.
    pub(in crate::lambda) fn timed_out(&mut self, message: &str, now: OffsetDateTime) {
        self.push(format!("{message}\n"), now);
    }

    /// What ran, where it is not what the function declares.
    pub(in crate::lambda) fn init_start(
        &mut self,
        declared: &str,
        actual: &str,
        now: OffsetDateTime,
    ) {
        let line = match self.logging.format {
            LogFormat::Text => {
                format!("INIT_START Runtime Version: {actual}\tDeclared Runtime: {declared}\n")
            }
            LogFormat::Json { .. } => platform(
                "platform.initStart",
                json!({
                    "initializationType": "on-demand",
                    "phase": "init",
                    "runtimeVersion": actual,
                    "declaredRuntime": declared,
                }),
                now,
            ),
        };
        self.push(line, now);
    }

    /// An initialization failed; it is tried again.
    pub(in crate::lambda) fn init_report(
        &mut self,
        took_ms: f64,
        status: Status<'_>,
        now: OffsetDateTime,
    ) {
        let (name, kind) = match status {
            Status::Success => ("success", None),
            Status::Timeout => ("timeout", None),
            Status::Error(kind) => ("error", Some(kind)),
        };
        let line = match self.logging.format {
            LogFormat::Text => {
                let kind = kind.map(|kind| format!("\tError Type: {kind}")).unwrap_or_default();
                format!(
                    "INIT_REPORT Init Duration: {took_ms:.2} ms\tPhase: init\tStatus: {name}{kind}\n"
                )
            }
            LogFormat::Json { .. } => {
                let record = json!({
                    "phase": "init",
                    "status": name,
                    "errorType": kind,
                    "metrics": { "durationMs": took_ms },
                });
                platform("platform.initReport", record, now)
            }
        };
        self.push(line, now);
    }

    /// An invocation begins.
    pub(in crate::lambda) fn start(
        &mut self,
        request_id: &str,
        version: &str,
        now: OffsetDateTime,
    ) {
        self.before = self.pending.len();
        match &self.logging.format {
            LogFormat::Text => {
                self.push(format!("START RequestId: {request_id} Version: {version}\n"), now);
            }
            LogFormat::Json { system_level, .. } if system_level != "WARN" => {
                let record = json!({ "requestId": request_id, "version": version });
                self.push(platform("platform.start", record, now), now);
            }
            LogFormat::Json { .. } => {}
        }
    }

    /// An invocation ended: its report; everything goes to the writer. What was
    /// logged since its start comes back: the initialization is told in
    /// CloudWatch Logs alone (LocalStack's test_invocation_with_qualifier,
    /// recorded on AWS).
    pub(in crate::lambda) fn finish(&mut self, report: &Report<'_>, now: OffsetDateTime) -> Tail {
        match &self.logging.format {
            LogFormat::Text => {
                self.push(format!("END RequestId: {}\n", report.request_id), now);
                self.push(report.text(), now);
            }
            LogFormat::Json { system_level, .. }
                if system_level != "WARN" || report.status != Status::Success =>
            {
                self.push(platform("platform.report", report.json(), now), now);
            }
            LogFormat::Json { .. } => {}
        }
        let lines = std::mem::take(&mut self.pending);
        let mut text = String::new();
        for line in lines.iter().skip(std::mem::take(&mut self.before)) {
            text.push_str(&line.message);
            if !line.message.ends_with('\n') {
                text.push('\n');
            }
        }
        // Without a writer, nobody may write.
        let _ = self.writer.send(lines);
        Tail(text)
    }

    fn push(&mut self, message: String, now: OffsetDateTime) {
        self.pending.push(Line { timestamp: now.unix_timestamp_nanos() / 1_000_000, message });
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        let _ = self.writer.send(std::mem::take(&mut self.pending));
    }
}

/// Whether there is nothing on a line.
fn is_empty(line: &str) -> bool {
    line.is_empty() || line == "\n"
}

/// What an invocation logged.
#[derive(Debug, Clone)]
pub(in crate::lambda) struct Tail(String);

impl Tail {
    /// The last 4 KB, as `X-Amz-Log-Result` has them.
    pub(in crate::lambda) fn encoded(&self) -> String {
        let bytes = self.0.as_bytes();
        let last = bytes.get(bytes.len().saturating_sub(TAIL)..).unwrap_or(bytes);
        BASE64.encode(last)
    }
}

impl Report<'_> {
    /// Since August 2025 AWS bills the initialization with its invocation.
    fn billed_ms(&self) -> f64 {
        (self.duration_ms + self.init_ms.unwrap_or(0.0)).ceil()
    }

    fn text(&self) -> String {
        let mut line = format!(
            "REPORT RequestId: {}\tDuration: {:.2} ms\tBilled Duration: {:.0} ms\tMemory Size: {} MB",
            self.request_id,
            self.duration_ms,
            self.billed_ms(),
            self.memory_size_mb
        );
        let mut add = |text: String| {
            line.push('\t');
            line.push_str(&text);
        };
        if let Some(used) = self.memory_used_mb {
            add(format!("Max Memory Used: {used} MB"));
        }
        if let Some(init) = self.init_ms {
            add(format!("Init Duration: {init:.2} ms"));
        }
        match self.status {
            Status::Success => add(String::new()),
            Status::Timeout => add("Status: timeout".to_owned()),
            Status::Error(kind) => add(format!("Status: error\tError Type: {kind}")),
        }
        line.push('\n');
        line
    }

    fn json(&self) -> Value {
        let mut metrics = json!({
            "durationMs": self.duration_ms,
            "billedDurationMs": self.billed_ms(),
            "memorySizeMB": self.memory_size_mb,
        });
        if let Some(metrics) = metrics.as_object_mut() {
            if let Some(used) = self.memory_used_mb {
                metrics.insert("maxMemoryUsedMB".to_owned(), json!(used));
            }
            if let Some(init) = self.init_ms {
                metrics.insert("initDurationMs".to_owned(), json!(init));
            }
        }
        let mut record = json!({ "requestId": self.request_id, "metrics": metrics });
        if let Some(record) = record.as_object_mut() {
            let status = match self.status {
                Status::Success => "success",
                Status::Timeout => "timeout",
                Status::Error(kind) => {
                    record.insert("errorType".to_owned(), json!(kind));
                    "error"
                }
            };
            record.insert("status".to_owned(), json!(status));
        }
        record
    }
}

fn platform(kind: &str, record: Value, now: OffsetDateTime) -> String {
    let time = now.format(&Rfc3339).unwrap_or_default();
    json!({ "time": time, "type": kind, "record": record }).to_string()
}

impl LogWriter {
    /// Writes until the log ends, or until the role may not.
    pub(in crate::lambda) async fn run(mut self) {
        let mut made = false;
        while let Some(mut lines) = self.lines.recv().await {
            while let Ok(more) = self.lines.try_recv() {
                lines.extend(more);
            }
            if lines.is_empty() {
                continue;
            }
            if !made && !self.make_stream().await {
                return;
            }
            made = true;
            for batch in batches(&lines) {
                if !self.put(batch).await {
                    return;
                }
            }
        }
    }

    /// Makes the stream, and the group where it is missing.
    async fn make_stream(&self) -> bool {
        let stream = json!({ "logGroupName": self.group, "logStreamName": self.stream });
        let make = || {
            self.client.call(&self.credentials, Service::Logs, "CreateLogStream", stream.clone())
        };
        match make().await {
            Ok(_) => true,
            Err(error) if error.code == "ResourceNotFoundException" => {
                let group = json!({ "logGroupName": self.group });
                let made = self
                    .client
                    .call(&self.credentials, Service::Logs, "CreateLogGroup", group)
                    .await;
                // Another environment may have been faster.
                let there = match made {
                    Ok(_) => true,
                    Err(error) => error.code == "ResourceAlreadyExistsException",
                };
                there && make().await.is_ok()
            }
            Err(error) => error.code == "ResourceAlreadyExistsException",
        }
    }

    async fn put(&self, batch: &[Line]) -> bool {
        let events: Vec<Value> = batch
            .iter()
            .map(|line| json!({ "timestamp": line.timestamp, "message": line.message }))
            .collect();
        let input = json!({
            "logGroupName": self.group,
            "logStreamName": self.stream,
            "logEvents": events,
        });
        let put = self.client.call(&self.credentials, Service::Logs, "PutLogEvents", input).await;
        // A log service that fails once may work again; a denial stays one.
        put.err().is_none_or(|error| error.status >= 500)
    }
}

/// The lines in batches that one call may carry.
fn batches(lines: &[Line]) -> Vec<&[Line]> {
    let mut batches = Vec::new();
    let mut rest = lines;
    while !rest.is_empty() {
        let mut size = 0_usize;
        let fits = rest
            .iter()
            .take(LONGEST_BATCH)
            .take_while(|line| {
                size = size.saturating_add(line.message.len() + 26);
                size <= LARGEST_BATCH
            })
            .count()
            .max(1);
        let (batch, after) = rest.split_at(fits.min(rest.len()));
        batches.push(batch);
        rest = after;
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(length: usize) -> Line {
        Line { timestamp: 0, message: "x".repeat(length) }
    }

    #[test]
    fn batches_keep_to_the_limits_of_one_call() {
        let large = vec![line(400_000), line(400_000), line(400_000)];
        let sizes: Vec<usize> = batches(&large).iter().map(|batch| batch.len()).collect();
        assert_eq!(sizes, [2, 1]);
        let many = vec![line(1); 10_001];
        let sizes: Vec<usize> = batches(&many).iter().map(|batch| batch.len()).collect();
        assert_eq!(sizes, [10_000, 1]);
    }

    #[test]
    fn a_report_reads_as_on_aws() {
        let report = Report {
            request_id: "7c9e",
            duration_ms: 12.341,
            init_ms: Some(100.0),
            memory_size_mb: 128,
            memory_used_mb: Some(39),
            status: Status::Timeout,
        };
        assert_eq!(
            report.text(),
            "REPORT RequestId: 7c9e\tDuration: 12.34 ms\tBilled Duration: 113 ms\tMemory Size: \
             128 MB\tMax Memory Used: 39 MB\tInit Duration: 100.00 ms\tStatus: timeout\n"
        );
    }

    #[test]
    fn the_tail_is_the_last_four_kilobytes() {
        let tail = Tail(format!("{}end", "x".repeat(5000)));
        let decoded = BASE64.decode(tail.encoded()).unwrap();
        assert_eq!(decoded.len(), 4096);
        assert!(decoded.ends_with(b"xend"));
    }
}
