//! The table that a person reads.

use std::fmt::Write as _;

use crate::record::{Control, RunRecord, Verdict};

/// Cells are cut at this many characters, column by column; the record has
/// them whole. What failed is never cut.
const WIDEST: [usize; 5] = [12, 96, 48, 48, 12];

/// The record as a table by control, with a summary line.
pub fn table(record: &RunRecord) -> String {
    let rows: Vec<[String; 5]> = record.controls.iter().map(row).collect();
    let heads = ["", "control", "expected", "observed", "time"].map(str::to_owned);
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
    text.push('\n');
    text.push_str(&by_guard_rail(&record.controls));
    let summary = &record.summary;
    let _ = writeln!(
        text,
        "\n{} controls: {} held, {} failed, {} inconclusive, {} not run, in {:.1} s on {}{}",
        summary.controls,
        summary.held,
        summary.failed,
        summary.inconclusive,
        summary.not_run,
        record.duration_ms as f64 / 1000.0,
        record.upstream.product,
        record.upstream.version.as_ref().map(|version| format!(" {version}")).unwrap_or_default(),
    );
    text
}

/// One line a guard rail, in the order of the controls.
fn by_guard_rail(controls: &[Control]) -> String {
    let mut rails: Vec<(&str, usize, usize)> = Vec::new();
    for control in controls {
        let held = usize::from(control.verdict == Verdict::Held);
        match rails.iter_mut().find(|(rail, ..)| *rail == control.guard_rail) {
            Some((_, holding, all)) => {
                *holding += held;
                *all += 1;
            }
            None => rails.push((&control.guard_rail, held, 1)),
        }
    }
    let width = rails.iter().map(|(rail, ..)| rail.chars().count()).max().unwrap_or_default();
    let mut text = String::new();
    for (rail, held, all) in rails {
        let verdict = if held == all { "held" } else { "FAILED" };
        let _ = writeln!(text, "{verdict:<8}{rail:<width$}  {held} of {all}");
    }
    text
}

fn row(control: &Control) -> [String; 5] {
    let verdict = match control.verdict {
        Verdict::Held => "held",
        Verdict::Failed => "FAILED",
        Verdict::Inconclusive => "INCONCLUSIVE",
        Verdict::NotRun => "not run",
    };
    let [_, title, expected, observed, _] = WIDEST;
    let cell = |text: &str, widest: usize| {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if control.verdict == Verdict::Held && text.chars().count() > widest {
            text.chars().take(widest - 1).chain(['…']).collect()
        } else {
            text
        }
    };
    [
        verdict.to_owned(),
        cell(&control.title, title),
        cell(&control.expected, expected),
        cell(&control.observed, observed),
        format!("{:.1} ms", control.duration_us as f64 / 1000.0),
    ]
}

fn line(cells: &[String; 5], widths: &[usize; 5]) -> String {
    let mut text = String::new();
    for (cell, width) in cells.iter().zip(widths) {
        let _ = write!(text, "{cell:<width$}  ");
    }
    format!("{}\n", text.trim_end())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::record::{Phase, SCHEMA_VERSION, Summary, Upstream};

    pub(crate) fn record() -> RunRecord {
        let control = |id: &str, verdict, observed: &str| Control {
            id: id.to_owned(),
            guard_rail: "every route is behind the authorizer".to_owned(),
            identity: "client".to_owned(),
            road: "http".to_owned(),
            title: format!("title of {id}"),
            expected: "401".to_owned(),
            observed: observed.to_owned(),
            verdict,
            duration_us: 1234,
            request_ids: vec!["r-1".to_owned()],
        };
        let controls = vec![
            control("a", Verdict::Held, "401"),
            control("b", Verdict::Failed, &"200 ".repeat(40)),
            control("c", Verdict::NotRun, "no route"),
        ];
        RunRecord {
            schema_version: SCHEMA_VERSION,
            version: "0.1.0".to_owned(),
            started: "2026-11-22T20:00:00Z".to_owned(),
            duration_ms: 12_345,
            configuration: "ringfence.toml".to_owned(),
            account_id: "123456789012".to_owned(),
            region: "us-east-1".to_owned(),
            upstream: Upstream {
                backend: "embedded".to_owned(),
                product: "moto server".to_owned(),
                version: Some("5.2.5".to_owned()),
                image: None,
                digest: None,
                chosen_because: None,
            },
            tools: [("terraform".to_owned(), "1.11.4".to_owned())].into(),
            phases: vec![Phase { name: "upstream".to_owned(), duration_ms: 1000 }],
            deviations: Vec::new(),
            summary: Summary::of(&controls),
            controls,
        }
    }

    #[test]
    fn what_failed_is_shown_whole_and_the_summary_counts() {
        let text = table(&record());
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0].split_whitespace().next(), Some("control"));
        assert!(lines[2].starts_with("held     title of a  401"), "{text}");
        assert!(lines[3].contains(&"200 ".repeat(40)), "{text}");
        assert!(lines[4].starts_with("not run"), "{text}");
        assert_eq!(lines[6], "FAILED  every route is behind the authorizer  1 of 3");
        assert_eq!(
            lines.last(),
            Some(
                &"3 controls: 1 held, 1 failed, 0 inconclusive, 1 not run, in 12.3 s on moto server 5.2.5"
            )
        );
    }
}
