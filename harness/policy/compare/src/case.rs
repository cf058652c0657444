//! A case: a line of `ringfence decide` and what is expected.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) line: Value,
    /// None where the line must be refused.
    pub(crate) decision: Option<String>,
}

impl Case {
    pub(crate) fn layer1(line: &str, decision: &str) -> Self {
        let line: Value = serde_json::from_str(line).unwrap();
        let name = format!("{} on {}", line["action"], line["resource"]);
        Self { name, line, decision: Some(decision.to_owned()) }
    }

    /// The documents of a list, as text.
    pub(crate) fn documents(&self, layer: &str) -> Vec<String> {
        let list = self.line["policies"][layer].as_array();
        list.into_iter().flatten().map(text).collect()
    }

    pub(crate) fn resource_policy(&self) -> Option<String> {
        let policy = &self.line["policies"]["resource"];
        (!policy.is_null()).then(|| text(policy))
    }

    /// The levels of service control policies.
    pub(crate) fn levels(&self) -> Vec<Vec<String>> {
        let levels = self.line["policies"]["scp"].as_array();
        let level = |level: &Value| level.as_array().into_iter().flatten().map(text).collect();
        levels.into_iter().flatten().map(level).collect()
    }

    pub(crate) fn text(&self, name: &str) -> &str {
        self.line[name].as_str().unwrap_or_default()
    }

    pub(crate) fn context(&self) -> Map<String, Value> {
        let mut context = self.line["context"].as_object().cloned().unwrap_or_default();
        context.retain(|_, value| !value.is_null());
        context
    }

    /// Whether caller and resource are in one account.
    pub(crate) fn same_account(&self) -> bool {
        let of = |arn: &str| arn.split(':').nth(4).unwrap_or_default().to_owned();
        let principal = self.text("principal");
        let caller = if principal.len() == 12 { principal.to_owned() } else { of(principal) };
        let owner = match self.line["resource_account"].as_str() {
            Some(account) => account.to_owned(),
            None => of(self.text("resource")),
        };
        owner.len() != 12 || owner == caller
    }
}

fn text(document: &Value) -> String {
    document.as_str().map_or_else(|| document.to_string(), str::to_owned)
}

/// All cases of the corpus.
pub(crate) fn corpus() -> Vec<Case> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus");
    let mut paths = Vec::new();
    files(&root, &mut paths);
    paths.sort();
    let case = |path: &PathBuf| {
        let mut line: Map<String, Value> =
            serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        line.remove("source");
        let expect = line.remove("expect").unwrap();
        let name = path.strip_prefix(&root).unwrap().display().to_string();
        let decision = expect["decision"].as_str().map(str::to_owned);
        Case { name, line: Value::Object(line), decision }
    };
    paths.iter().map(case).collect()
}

fn files(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files(&path, found),
            false => found.push(path),
        }
    }
}
