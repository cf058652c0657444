//! AWS's managed policies, as moto carries them: the default version of each, with its
//! day. One line of JSON a policy, in the order of their names, behind a line that says
//! where they are from.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};

use anyhow::{Context, ensure};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::inputs::Input;
use crate::tree::Tree;

/// The file of the package: Python, with all policies as one text of JSON.
const FILE: &str = "moto/iam/aws_managed_policies.py";
/// What that text stands between.
const QUOTES: &str = "\"\"\"";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Raw {
    path: String,
    default_version_id: String,
    /// `2026-09-30T22:47:08+00:00`.
    update_date: String,
    document: Value,
}

/// Adds the file.
pub(crate) fn make(moto: &Input, made: &mut Tree) -> anyhow::Result<()> {
    let mut package = zip::ZipArchive::new(Cursor::new(&moto.bytes))?;
    let mut text = String::new();
    package.by_name(FILE)?.read_to_string(&mut text)?;
    let inside = text.split(QUOTES).nth(1).context("there is no text in it")?;
    // Python's text, where a backslash would stand for something.
    ensure!(!inside.contains('\\'), "there are escapes in it");
    let raw: BTreeMap<String, Raw> = serde_json::from_str(inside)?;
    let mut all = BTreeMap::new();
    for (name, one) in raw {
        let day = one.update_date.get(..10).context("a date is none")?;
        let of = json!({"version": one.default_version_id, "updated": day,
            "document": one.document});
        all.insert(format!("{}{name}", one.path.trim_start_matches('/')), of);
    }
    let mut lines = vec![json!({"source": moto.name}).to_string()];
    lines.extend(all.into_iter().map(|(name, of)| json!([name, of]).to_string()));
    made.put("managed.jsonl", lines.join("\n") + "\n");
    Ok(())
}
