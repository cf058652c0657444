//! SARIF 2.1.0: findings at a line of a file, as code scanning reads them.
//!
//! GitHub takes at most 25,000 results a run and tells results of two runs
//! apart by `partialFingerprints`
//! (<https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning>).

use std::collections::BTreeMap;

use crate::shown;
use serde::Serialize;

use crate::visible::line;

/// A kind of finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// A stable id.
    pub id: String,
    /// What it means, in a sentence.
    pub summary: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Worth knowing.
    Note,
    /// Shows nothing, or is doubtful.
    Warning,
    /// Wrong.
    Error,
}

/// A finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    /// The id of its [`Rule`].
    pub rule: String,
    /// Its weight.
    pub level: Level,
    /// What was found.
    pub message: String,
    /// Where.
    pub place: Place,
    /// The same for the same finding in every run, whatever line it is on.
    pub fingerprint: String,
    /// Why it is accepted, where it is: a suppression that somebody stated outside
    /// the file.
    pub accepted: Option<String>,
}

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file, relative to the repository's root, with `/`.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1; none for the whole line.
    pub column: Option<usize>,
}

/// Findings as a SARIF log of one run. Rules without a finding stay in: they
/// say what was looked for. GitHub keeps the newest log of a tool and a
/// category: those of one commit that stand beside each other have their own.
///
/// # Errors
/// Never in practice: the log is plain data.
pub fn sarif(
    version: &str,
    category: Option<&str>,
    rules: &[Rule],
    findings: &[Located],
) -> Result<Vec<u8>, serde_json::Error> {
    let log = Log {
        schema: "https://json.schemastore.org/sarif-2.1.0.json",
        version: "2.1.0",
        runs: [Run {
            tool: Tool {
                driver: Driver {
                    name: "ringfence",
                    semantic_version: version,
                    rules: rules.iter().map(rule).collect(),
                },
            },
            automation_details: category.map(|category| Automation { id: format!("{category}/") }),
            column_kind: "unicodeCodePoints",
            results: findings.iter().map(|finding| result(rules, finding)).collect(),
        }],
    };
    shown::lines(&log)
}

fn rule(rule: &Rule) -> Descriptor<'_> {
    Descriptor {
        id: &rule.id,
        short_description: Message { text: plain(&rule.summary) },
        help: rule.help.as_deref().map(|text| Message { text: plain(text) }),
    }
}

fn result<'a>(rules: &[Rule], finding: &'a Located) -> Finding<'a> {
    Finding {
        rule_id: &finding.rule,
        rule_index: rules.iter().position(|rule| rule.id == finding.rule),
        level: finding.level,
        message: Message { text: plain(&finding.message) },
        locations: [Location {
            physical_location: PhysicalLocation {
                artifact_location: ArtifactLocation { uri: uri(&finding.place.file) },
                region: Region {
                    start_line: finding.place.line.max(1),
                    start_column: finding.place.column.map(|column| column.max(1)),
                },
            },
        }],
        partial_fingerprints: [("ringfence/v1", finding.fingerprint.as_str())].into(),
        suppressions: finding.accepted.as_deref().map(|justification| {
            [Suppression {
                kind: "external",
                status: "accepted",
                justification: plain(justification),
            }]
        }),
    }
}

/// A message of plain text, in which nothing that somebody under test chose is a link:
/// `[text](target)` is one there too (SARIF 2.1.0, 3.11.6:
/// <https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/sarif-v2.1.0-errata01.html>).
fn plain(text: &str) -> String {
    line(text).replace("](", "] (")
}

/// A path as a URI reference: what is not allowed in one is escaped.
pub(crate) fn uri(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                uri.push(char::from(byte));
            }
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}

#[derive(Serialize)]
struct Log<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run<'a> {
    tool: Tool<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    automation_details: Option<Automation>,
    column_kind: &'static str,
    results: Vec<Finding<'a>>,
}

/// SARIF 2.1.0, 3.17: the category stands before the last slash of the id.
#[derive(Serialize)]
struct Automation {
    id: String,
}

#[derive(Serialize)]
struct Tool<'a> {
    driver: Driver<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Driver<'a> {
    name: &'static str,
    semantic_version: &'a str,
    rules: Vec<Descriptor<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor<'a> {
    id: &'a str,
    short_description: Message,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<Message>,
}

#[derive(Serialize)]
struct Message {
    text: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Finding<'a> {
    rule_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule_index: Option<usize>,
    level: Level,
    message: Message,
    locations: [Location; 1],
    partial_fingerprints: BTreeMap<&'static str, &'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    suppressions: Option<[Suppression; 1]>,
}

/// SARIF 2.1.0, 3.35: a result that somebody has accepted.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Suppression {
    kind: &'static str,
    status: &'static str,
    justification: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    physical_location: PhysicalLocation,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PhysicalLocation {
    artifact_location: ArtifactLocation,
    region: Region,
}

#[derive(Serialize)]
struct ArtifactLocation {
    uri: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_column: Option<usize>,
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_finding_names_its_rule_place_and_fingerprint() {
        let rules = [
            Rule { id: "a".into(), summary: "about a".into(), help: None },
            Rule { id: "b".into(), summary: "about b".into(), help: Some("do b".into()) },
        ];
        let finding = Located {
            rule: "b".into(),
            level: Level::Error,
            message: "b is\n\u{202e}wrong: [x](1), [y]\u{1b}(2)".into(),
            place: Place { file: "a dir/é.tf".into(), line: 0, column: Some(3) },
            fingerprint: "f-1".into(),
            accepted: None,
        };
        let log: Value =
            serde_json::from_slice(&sarif("0.1.0", Some("c"), &rules, &[finding]).unwrap())
                .unwrap();
        assert_eq!(log["version"], "2.1.0");
        let run = &log["runs"][0];
        assert_eq!(run["tool"]["driver"]["name"], "ringfence");
        assert_eq!(run["automationDetails"], json!({"id": "c/"}));
        assert_eq!(run["tool"]["driver"]["rules"][1]["help"]["text"], "do b");
        assert_eq!(
            run["results"],
            json!([{
                "ruleId": "b",
                "ruleIndex": 1,
                "level": "error",
                "message": {"text": "b is \\u{202e}wrong: [x] (1), [y]\\u{1b}(2)"},
                "locations": [{"physicalLocation": {
                    "artifactLocation": {"uri": "a%20dir/%C3%A9.tf"},
                    "region": {"startLine": 1, "startColumn": 3}
                }}],
                "partialFingerprints": {"ringfence/v1": "f-1"}
            }])
        );
    }
}
