//! What functions reach, as text and as JSON lines.

use std::fmt::Write as _;

use ringfence_network::traffic::{PORTS, PROTOCOLS, Part, Range};
use serde::Serialize;
use serde_json::json;

use super::question::{Answer, Row};

/// `a, b and c`; nothing of none.
pub(super) fn listed(all: &[String]) -> String {
    match all {
        [] => "none".to_owned(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

/// A range of addresses.
pub(super) fn addresses(part: &Part) -> String {
    let (first, last) = part.addresses;
    if first == last { first.to_string() } else { format!("{first}-{last}") }
}

/// Protocols by their names.
pub(super) fn protocol(range: Range) -> String {
    match (range.first(), range.last()) {
        _ if range == PROTOCOLS => "all".to_owned(),
        (1, 1) => "ICMP".to_owned(),
        (6, 6) => "TCP".to_owned(),
        (17, 17) => "UDP".to_owned(),
        (58, 58) => "ICMPv6".to_owned(),
        (one, last) if one == last => format!("protocol {one}"),
        (first, last) => format!("protocols {first}-{last}"),
    }
}

/// The ports, where there are some and not all.
pub(super) fn ports(protocols: Range, ports: Range) -> Option<(u16, u16)> {
    let has_ports = [6, 17].map(Range::one).contains(&protocols);
    if !has_ports || ports == PORTS {
        return None;
    }
    Some((u16::try_from(ports.first()).ok()?, u16::try_from(ports.last()).ok()?))
}

#[derive(Serialize)]
struct Told<'a> {
    function: &'a str,
    reaches: Vec<Line<'a>>,
    reached_by: Vec<Line<'a>>,
    undecided: &'a [String],
}

#[derive(Serialize)]
struct Line<'a> {
    addresses: &'a str,
    only: &'a [String],
    protocol: &'a str,
    ports: Option<(u16, u16)>,
    by: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    answered: Option<bool>,
}

impl<'a> Line<'a> {
    fn of(row: &'a Row) -> Self {
        Self {
            addresses: &row.class,
            only: &row.only,
            protocol: &row.protocol,
            ports: row.ports,
            by: &row.by,
            answered: row.is_answered,
        }
    }
}

impl Answer {
    /// Whether nothing is reached, nothing reaches it, and all of that is known.
    pub fn is_nothing(&self) -> bool {
        self.reaches.is_empty() && self.reached_by.is_empty() && self.undecided.is_empty()
    }
}

/// One line of JSON a function and subnet, and a last one with the numbers.
///
/// # Errors
/// None that is known.
pub fn json(answers: &[Answer]) -> serde_json::Result<String> {
    let mut out = String::new();
    for answer in answers {
        let told = Told {
            function: &answer.who,
            reaches: answer.reaches.iter().map(Line::of).collect(),
            reached_by: answer.reached_by.iter().map(Line::of).collect(),
            undecided: &answer.undecided,
        };
        out += &serde_json::to_string(&told)?;
        out.push('\n');
    }
    let some = |of: fn(&Answer) -> bool| answers.iter().filter(|answer| of(answer)).count();
    let summary = json!({"summary": {"functions": answers.len(),
        "reach": some(|answer| !answer.reaches.is_empty()),
        "reached": some(|answer| !answer.reached_by.is_empty()),
        "undecided": some(|answer| !answer.undecided.is_empty())}});
    Ok(out + &summary.to_string() + "\n")
}

/// As text.
pub fn text(answers: &[Answer]) -> String {
    let mut out = String::new();
    for answer in answers {
        let _ = writeln!(out, "{}", answer.who);
        for (word, rows) in [("reaches", &answer.reaches), ("reached by", &answer.reached_by)] {
            if rows.is_empty() {
                let _ = writeln!(out, "  {word} nothing");
            }
            for row in rows {
                line(&mut out, word, row);
            }
        }
        for reason in &answer.undecided {
            let _ = writeln!(out, "  undecided: {reason}");
        }
    }
    if answers.is_empty() {
        out.push_str("no function runs in a network\n");
    }
    out
}

fn line(out: &mut String, word: &str, row: &Row) {
    let _ = write!(out, "  {word} {}", row.class);
    if !row.only.is_empty() {
        let _ = write!(out, ": {}", row.only.join(", "));
    }
    match (row.protocol.as_str(), row.ports) {
        ("all", _) => out.push_str(", every protocol and port"),
        (protocol, None) => {
            let _ = write!(out, ", {protocol}");
        }
        (protocol, Some((first, last))) if first == last => {
            let _ = write!(out, ", {protocol} port {first}");
        }
        (protocol, Some((first, last))) => {
            let _ = write!(out, ", {protocol} ports {first}-{last}");
        }
    }
    if row.is_answered == Some(false) {
        out.push_str(", and no answer comes back");
    }
    let _ = writeln!(out, "\n    by {}", row.by.join(", "));
}
