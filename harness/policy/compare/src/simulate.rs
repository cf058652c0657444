//! iam-simulate, where Node and its packages are.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::case::Case;

/// The verdicts on some cases, and decisions a second on others.
pub(crate) fn run(cases: &[Case], timed: &[Case]) -> Result<(Vec<String>, Option<f64>), String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    if !folder.join("node_modules").is_dir() {
        return Err("its packages are not there: npm ci --ignore-scripts".to_owned());
    }
    let mut child = Command::new("node")
        .arg("simulate.mjs")
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("node does not start: {error}"))?;
    let mut stdin = child.stdin.take().ok_or("node has no standard input")?;
    for case in cases {
        writeln!(stdin, "{}", case.line).map_err(|error| error.to_string())?;
    }
    for case in timed {
        let mut line = case.line.clone();
        line["speed"] = true.into();
        writeln!(stdin, "{line}").map_err(|error| error.to_string())?;
    }
    drop(stdin);
    let output = child.wait_with_output().map_err(|error| error.to_string())?;
    let answer: Value =
        serde_json::from_slice(&output.stdout).map_err(|error| format!("its answer: {error}"))?;
    let verdicts = answer["verdicts"].as_array().cloned().unwrap_or_default();
    let text = |verdict: &Value| verdict.as_str().unwrap_or_default().to_owned();
    Ok((verdicts.iter().take(cases.len()).map(text).collect(), answer["second"].as_f64()))
}
