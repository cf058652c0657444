//! AWS's own managed policies, as the pinned tools have them.

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::Arc;

use ringfence::progress::{Lines, Progress};
use ringfence::tools::PythonTools;
use ringfence_policy::{Document, Kind};
use serde_json::Value;

const PRINT: &str = "import moto.iam.aws_managed_policies as m; print(m.aws_managed_policies_data)";

/// What AWS stores must be a document to the engine, or whoever has it attached
/// could do nothing.
#[test]
fn each_is_a_document() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let progress = Progress::new(Arc::new(Lines));
    let tools = runtime.block_on(PythonTools::provision(&progress)).unwrap();
    let printed = Command::new(tools.python()).args(["-c", PRINT]).output().unwrap();
    assert!(printed.status.success(), "{}", String::from_utf8_lossy(&printed.stderr));
    let policies: BTreeMap<String, Value> = serde_json::from_slice(&printed.stdout).unwrap();
    assert!(policies.len() > 1_000, "{} policies", policies.len());
    let refused: Vec<String> = policies
        .iter()
        .filter_map(|(name, policy)| {
            let text = policy["Document"].to_string();
            let refused = Document::parse_managed(name, &text, Kind::Identity).err()?;
            Some(format!("{name}: {refused}"))
        })
        .collect();
    assert!(refused.is_empty(), "{}", refused.join("\n"));
}
