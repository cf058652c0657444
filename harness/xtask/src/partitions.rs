//! The partitions, from botocore's `partitions.json`.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::inputs::Input;
use crate::tree::Tree;

#[derive(Deserialize)]
struct Raw {
    partitions: Vec<RawPartition>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawPartition {
    id: String,
    outputs: Outputs,
    region_regex: String,
    regions: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Outputs {
    dns_suffix: String,
    dual_stack_dns_suffix: String,
    implicit_global_region: String,
}

#[derive(Serialize)]
struct Partition<'a> {
    id: &'a str,
    dns_suffix: &'a str,
    dual_stack_dns_suffix: &'a str,
    global_region: &'a str,
    areas: Vec<String>,
    regions: Vec<&'a str>,
}

/// One file of all partitions.
pub(crate) fn make(botocore: &Input, made: &mut Tree) -> anyhow::Result<()> {
    let mut archive = zip::ZipArchive::new(Cursor::new(&botocore.bytes))?;
    let mut text = Vec::new();
    archive.by_name("botocore/data/partitions.json")?.read_to_end(&mut text)?;
    let raw: Raw = serde_json::from_slice(&text)?;
    let stripped: Vec<Partition<'_>> =
        raw.partitions.iter().map(RawPartition::stripped).collect::<anyhow::Result<_>>()?;
    ensure!(stripped.first().is_some_and(|first| first.id == "aws"), "`aws` is not the first");
    made.put("partitions.json".to_owned(), serde_json::to_string_pretty(&stripped)? + "\n");
    Ok(())
}

impl RawPartition {
    fn stripped(&self) -> anyhow::Result<Partition<'_>> {
        let areas = areas(&self.region_regex)
            .with_context(|| format!("the regions of {}: `{}`", self.id, self.region_regex))?;
        Ok(Partition {
            id: &self.id,
            dns_suffix: &self.outputs.dns_suffix,
            dual_stack_dns_suffix: &self.outputs.dual_stack_dns_suffix,
            global_region: &self.outputs.implicit_global_region,
            areas,
            regions: self.regions.keys().map(String::as_str).collect(),
        })
    }
}

/// What the expression has before the last two words of a region:
/// `^(us|eu)\-\w+\-\d+$` has `us` and `eu`, `^eusc\-(de)\-\w+\-\d+$` has `eusc-de`.
fn areas(regex: &str) -> Option<Vec<String>> {
    let area = regex.strip_prefix('^')?.strip_suffix(r"\-\w+\-\d+$")?.replace(r"\-", "-");
    let (before, choices) = match area.split_once('(') {
        Some((before, rest)) => (before, rest.strip_suffix(')')?),
        None => ("", area.as_str()),
    };
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    let all: Vec<String> = choices.split('|').map(|choice| format!("{before}{choice}")).collect();
    all.iter().all(|area| plain(area)).then_some(all)
}
