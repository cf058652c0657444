//! Every probe on a line.

use std::fmt::Write as _;

use crate::probe::{Probe, Verdict};
use crate::visible::line as line_of;

/// Cells are cut at this many characters, column by column; the record has
/// them whole. What failed is never cut.
const WIDEST: [usize; 5] = [12, 96, 48, 48, 12];

pub(super) fn rows(probes: &[Probe]) -> String {
    let rows: Vec<[String; 5]> = probes.iter().map(row).collect();
    let heads = ["", "probe", "expected", "observed", "time"].map(str::to_owned);
    let mut widths = heads.each_ref().map(|head| head.chars().count());
    for row in &rows {
        for ((width, cell), widest) in widths.iter_mut().zip(row).zip(WIDEST) {
            *width = (*width).max(cell.chars().count().min(widest));
        }
    }
    let mut text = line(&heads, &widths);
    let rule: Vec<String> = widths.iter().map(|width| "─".repeat(*width)).collect();
    text.push_str(rule.join("──").trim_end());
    text.push('\n');
    for row in &rows {
        text.push_str(&line(row, &widths));
    }
    text
}

fn row(probe: &Probe) -> [String; 5] {
    let [_, title, expected, observed, _] = WIDEST;
    let cell = |text: &str, widest: usize| {
        let text = line_of(text);
        if probe.verdict == Verdict::Held && text.chars().count() > widest {
            text.chars().take(widest - 1).chain(['…']).collect()
        } else {
            text
        }
    };
    [
        super::word(probe.verdict).to_owned(),
        cell(&probe.title, title),
        cell(&probe.expected, expected),
        match &probe.reason {
            Some(reason) => cell(&format!("{}; {reason}", probe.observed), observed),
            None => cell(&probe.observed, observed),
        },
        format!("{:.1} ms", probe.duration_us as f64 / 1000.0),
    ]
}

fn line(cells: &[String; 5], widths: &[usize; 5]) -> String {
    let mut text = String::new();
    for (cell, width) in cells.iter().zip(widths) {
        let _ = write!(text, "{cell:<width$}  ");
    }
    format!("{}\n", text.trim_end())
}
