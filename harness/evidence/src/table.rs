//! The table that a person reads.

use std::fmt::Write as _;

use crate::controls::Tally;
use crate::mutations::{MutantVerdict, MutationSummary, Mutations};
use crate::probe::{Probe, Verdict};
use crate::record::{RunRecord, RunStatus};
use crate::visible::line as line_of;

/// Cells are cut at this many characters, column by column; the record has
/// them whole. What failed is never cut.
const WIDEST: [usize; 5] = [12, 96, 48, 48, 12];

/// The record as a table by probe, with a summary line.
pub fn table(record: &RunRecord) -> String {
    let rows: Vec<[String; 5]> = record.probes.iter().map(row).collect();
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
    text.push('\n');
    text.push_str(&by_guard_rail(&record.probes));
    let summary = &record.summary;
    let _ = writeln!(
        text,
        "\n{} probes: {}, in {:.1} s on {}{}",
        summary.probes,
        summary.words(),
        record.duration_ms as f64 / 1000.0,
        record.upstream.product,
        record.upstream.version.as_ref().map(|version| format!(" {version}")).unwrap_or_default(),
    );
    if let Some(mutations) = &record.mutations {
        text.push_str(&weakened(mutations));
    }
    if let Some(calibration) = &record.calibration {
        for said in std::iter::once(calibration.sentence()).chain(calibration.beside()) {
            let _ = writeln!(text, "{}", line_of(&said));
        }
    }
    if let Some(reason) = record.unisolated() {
        let _ = writeln!(
            text,
            "UNISOLATED, so that code under test could have changed anything: {}",
            line_of(reason)
        );
    }
    if let RunStatus::Incomplete { reason } = &record.status {
        let _ = writeln!(text, "INCOMPLETE, and so no result: {}", line_of(reason));
    }
    text
}

/// What came of weakening the guard rails; survivors are named.
fn weakened(mutations: &Mutations) -> String {
    let mut text = String::new();
    for mutant in &mutations.mutants {
        let word = match mutant.verdict {
            MutantVerdict::Survived => "UNNOTICED",
            MutantVerdict::NotRun => "not run",
            MutantVerdict::Killed | MutantVerdict::Equivalent => continue,
        };
        let _ = writeln!(text, "{word:<12}{}: {}", line_of(&mutant.id), line_of(&mutant.change));
    }
    let MutationSummary { mutants, killed, survived, equivalent, not_run } = mutations.summary;
    let seconds = mutations.duration_ms as f64 / 1000.0;
    let _ = writeln!(
        text,
        "{mutants} guard rails weakened: {killed} noticed, {survived} unnoticed, {equivalent} \
         equivalent, {not_run} not run, in {seconds:.1} s"
    );
    text
}

/// One line a guard rail, in the order of the probes.
fn by_guard_rail(probes: &[Probe]) -> String {
    let mut rails: Vec<(&str, Tally)> = Vec::new();
    for probe in probes {
        let one = Tally::of([probe.verdict]);
        match rails.iter_mut().find(|(rail, ..)| *rail == probe.guard_rail) {
            Some((_, tally)) => *tally = tally.with(one),
            None => rails.push((&probe.guard_rail, one)),
        }
    }
    let width = rails.iter().map(|(rail, ..)| rail.chars().count()).max().unwrap_or_default();
    let mut text = String::new();
    for (rail, tally) in rails {
        let verdict = match tally.verdict() {
            Verdict::Held => "held",
            Verdict::NotApplicable => "n/a",
            _ => "FAILED",
        };
        let beyond = match tally.not_applicable {
            0 => String::new(),
            count => format!(", {count} not applicable"),
        };
        let (rail, held, all) = (line_of(rail), tally.held, tally.applicable());
        let _ = writeln!(text, "{verdict:<8}{rail:<width$}  {held} of {all}{beyond}");
    }
    text
}

fn row(probe: &Probe) -> [String; 5] {
    let verdict = match probe.verdict {
        Verdict::Held => "held",
        Verdict::Failed => "FAILED",
        Verdict::Inconclusive => "INCONCLUSIVE",
        Verdict::NotRun => "not run",
        Verdict::NotApplicable => "not applic.",
    };
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
        verdict.to_owned(),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::record;

    #[test]
    fn an_unisolated_run_says_so_and_an_isolated_one_does_not() {
        let mut record = record();
        assert!(!table(&record).contains("UNISOLATED"));
        record.isolation.as_mut().unwrap().unisolated = Some("nothing works here".to_owned());
        let text = table(&record);
        let line =
            "UNISOLATED, so that code under test could have changed anything: nothing works here";
        assert_eq!(text.lines().last(), Some(line));
    }

    #[test]
    fn what_the_simulator_said_stands_below_the_counts() {
        let mut record = record();
        let before = table(&record);
        record.calibration = Some(crate::fixtures::calibration());
        let after = table(&record);
        let more: Vec<&str> = after.strip_prefix(&before).unwrap().lines().collect();
        assert_eq!(
            more,
            [
                "4,120 of 4,120 decisions agree with AWS's policy simulator in account 111122223333",
                "of 3,871 with statements on both sides, 3,870 share one",
                "left out: 212: a trust policy decides",
                "not judged: 3: InvalidInput",
            ]
        );
    }

    #[test]
    fn what_failed_is_shown_whole_and_the_summary_counts() {
        let text = table(&record());
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0].split_whitespace().next(), Some("probe"));
        assert!(lines[2].starts_with("held          title of a  AccessDenied, 403"), "{text}");
        assert!(lines[3].contains(&"200 ".repeat(40)), "{text}");
        assert!(lines[4].starts_with("INCONCLUSIVE"), "{text}");
        assert!(lines[5].starts_with("not run"), "{text}");
        assert_eq!(lines[7], "FAILED  every execution role carries the boundary  1 of 4");
        assert_eq!(
            lines[lines.len() - 3..],
            [
                "4 probes: 1 held, 1 failed, 1 inconclusive, 1 not run, in 12.3 s on moto server 5.2.5",
                "UNNOTICED   m-2: the statement is gone",
                "2 guard rails weakened: 1 noticed, 1 unnoticed, 0 equivalent, 0 not run, in 0.0 s",
            ]
        );
    }
}
