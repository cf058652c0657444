//! What Terraform says while it works.

use std::fmt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::in_source;
use crate::progress::Phase;

/// An error of Terraform's, with its place in the user's own files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// In a few words.
    pub summary: String,
    /// In many.
    pub detail: String,
    /// The resource it is about.
    pub address: Option<String>,
    /// The user's file, line and column.
    pub place: Option<(PathBuf, u64, u64)>,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((file, line, column)) = &self.place {
            write!(f, "{}:{line}:{column}: ", file.display())?;
        }
        if let Some(address) = &self.address {
            write!(f, "{address}: ")?;
        }
        f.write_str(&self.summary)?;
        if !self.detail.is_empty() {
            write!(f, ": {}", self.detail)?;
        }
        Ok(())
    }
}

impl Diagnostic {
    /// The id of the request that failed, as the provider prints it:
    /// `StatusCode: 400, RequestID: ID, api error AccessDeniedException: …`.
    pub(super) fn request_id(&self) -> Option<&str> {
        let told = [&self.summary, &self.detail];
        let (_, id) = told.into_iter().find_map(|text| text.split_once("RequestID: "))?;
        id.split([',', ' ']).next().filter(|id| !id.is_empty())
    }

    /// Reads a diagnostic that is an error.
    pub(super) fn read(value: &Value, work: &Path, source: &Path) -> Option<Self> {
        let text = |name: &str| value.get(name).and_then(Value::as_str).map(one_line);
        if text("severity")? != "error" {
            return None;
        }
        let place = value.get("range").and_then(|range| {
            let file = range.get("filename")?.as_str()?;
            let file = file.strip_prefix(&*work.to_string_lossy()).unwrap_or(file);
            let start = range.get("start")?;
            Some((
                in_source(file.trim_start_matches('/'), source),
                start.get("line")?.as_u64()?,
                start.get("column")?.as_u64()?,
            ))
        });
        Some(Self {
            summary: text("summary").unwrap_or_default(),
            detail: text("detail").unwrap_or_default(),
            address: text("address"),
            place,
        })
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What a command has told so far.
#[derive(Debug, Default)]
pub(super) struct Events {
    pub(super) errors: Vec<Diagnostic>,
    pub(super) applied: usize,
}

impl Events {
    /// Reads a line of `-json` output.
    pub(super) fn read(&mut self, line: &str, work: &Path, source: &Path, phase: &Phase) {
        let Ok(event) = serde_json::from_str::<Value>(line) else {
            if !line.trim().is_empty() {
                phase.note(line);
            }
            return;
        };
        match event.get("type").and_then(Value::as_str) {
            Some("diagnostic") => {
                let diagnostic =
                    event.get("diagnostic").and_then(|value| Diagnostic::read(value, work, source));
                self.errors.extend(diagnostic);
            }
            Some("apply_complete") => self.applied += 1,
            Some("apply_errored") => {
                if let Some(message) = event.get("@message").and_then(Value::as_str) {
                    phase.note(message);
                }
            }
            _ => {}
        }
    }
}

/// The errors in Terraform's plain text, without its box drawing.
pub(super) fn plain_errors(tail: &[String]) -> Vec<String> {
    let lines: Vec<String> = tail
        .iter()
        .map(|line| line.trim_matches(['│', '╷', '╵', ' ']).to_owned())
        .filter(|line| !line.is_empty())
        .collect();
    match lines.iter().position(|line| line.starts_with("Error:")) {
        Some(first) => lines.into_iter().skip(first).collect(),
        None => lines,
    }
}
