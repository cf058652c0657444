//! The tables for spreadsheets: RFC 4180, with cells that no spreadsheet
//! takes for a formula.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::{self, Write};

use crate::controls::{Assessment, Basis, Catalogue, Control, Extent, Framework, Objective};
use crate::probe::Probe;
use crate::record::RunRecord;
use crate::visible::visible;

/// One row a probe.
pub(super) fn probes(
    record: &RunRecord,
    catalogue: &Catalogue,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut table = Table { out };
    table.row(&[
        "probe",
        "guard_rail",
        "objectives",
        "controls",
        "identity",
        "road",
        "scope",
        "title",
        "expected",
        "observed",
        "verdict",
        "reason",
        "twin",
        "canary",
        "mutant",
        "decided_by",
        "duration_us",
        "request_ids",
        "accepted",
    ])?;
    let mut mapped: HashMap<&str, (String, String)> = HashMap::new();
    for probe in &record.probes {
        let (objectives, controls) = mapped
            .entry(&probe.guard_rail)
            .or_insert_with(|| mapping(catalogue, &probe.guard_rail));
        let [twin, canary, mutant] = probe.companions.named().map(|(_, companion)| {
            companion.map_or_else(String::new, |companion| {
                let shown = if companion.shown { "shown" } else { "not shown" };
                format!("{shown}: {}", companion.detail)
            })
        });
        table.row(&[
            &probe.id,
            &probe.guard_rail,
            objectives,
            controls,
            &probe.identity,
            &probe.road,
            probe.scope.as_str(),
            &probe.title,
            &probe.expected,
            &probe.observed,
            probe.verdict.as_str(),
            probe.reason.as_deref().unwrap_or_default(),
            &twin,
            &canary,
            &mutant,
            &deciders(probe),
            &probe.duration_us.to_string(),
            &probe.request_ids.join(" "),
            &probe.acceptance().unwrap_or_default(),
        ])?;
    }
    Ok(())
}

/// One row a control, objective that supports it, and probe of that objective;
/// an objective that is not judged by probes has one row, with its own state.
pub(super) fn controls(
    record: &RunRecord,
    catalogue: &Catalogue,
    assessment: &Assessment,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut table = Table { out };
    table.row(&[
        "framework",
        "framework_version",
        "control",
        "control_title",
        "extent",
        "objective",
        "guard_rail",
        "probe",
        "verdict",
    ])?;
    let mut rails: HashMap<&str, Vec<&Probe>> = HashMap::new();
    for probe in &record.probes {
        rails.entry(&probe.guard_rail).or_default().push(probe);
    }
    for (framework, control, objective, extent) in supports(catalogue) {
        let fixed = [
            framework.title.as_str(),
            &framework.version,
            &control.id,
            &control.title,
            extent.as_str(),
            &objective.id,
        ];
        let mut row = |last: [&str; 3]| {
            let [a, b, c, d, e, f] = fixed;
            let [g, h, i] = last;
            table.row(&[a, b, c, d, e, f, g, h, i])
        };
        if objective.basis != Basis::Probes {
            row(["", "", assessment.objective(&objective.id).verdict.as_str()])?;
        }
        for rail in &objective.guard_rails {
            match rails.get(rail.as_str()) {
                Some(probes) => {
                    for probe in probes {
                        row([rail, &probe.id, probe.verdict.as_str()])?;
                    }
                }
                None => row([rail, "", "not-run"])?,
            }
        }
    }
    Ok(())
}

fn supports(
    catalogue: &Catalogue,
) -> impl Iterator<Item = (&Framework, &Control, &Objective, Extent)> {
    catalogue.frameworks().iter().flat_map(move |framework| {
        framework.controls.iter().flat_map(move |control| {
            control.supports.iter().filter_map(move |support| {
                let objective = catalogue.objective(&support.objective)?;
                Some((framework, control, objective, support.extent))
            })
        })
    })
}

/// A guard rail's objectives, and the controls that they support.
pub(super) fn mapping(catalogue: &Catalogue, guard_rail: &str) -> (String, String) {
    let objectives: Vec<&str> =
        catalogue.objectives_of(guard_rail).map(|objective| objective.id.as_str()).collect();
    let controls: Vec<String> = catalogue
        .controls_of(guard_rail)
        .map(|(framework, control)| format!("{}:{}", framework.id, control.id))
        .collect();
    (objectives.join(" "), controls.join(" "))
}

fn deciders(probe: &Probe) -> String {
    let said: Vec<String> = probe
        .decided_by
        .iter()
        .map(|decider| {
            let statement = match (&decider.policy, &decider.sid, decider.index) {
                (Some(policy), Some(sid), _) => format!(" by {policy}#{sid}"),
                (Some(policy), None, Some(index)) => format!(" by {policy}#{index}"),
                (Some(policy), None, None) => format!(" by {policy}"),
                (None, ..) => String::new(),
            };
            format!("{} {} ({}){statement}", decider.action, decider.outcome, decider.layer)
        })
        .collect();
    said.join("; ")
}

struct Table<'o> {
    out: &'o mut dyn Write,
}

impl Table<'_> {
    fn row(&mut self, cells: &[&str]) -> io::Result<()> {
        for (index, cell) in cells.iter().enumerate() {
            if index > 0 {
                self.out.write_all(b",")?;
            }
            self.cell(cell)?;
        }
        self.out.write_all(b"\r\n")
    }

    /// A cell that begins like a formula gets an apostrophe before it
    /// (<https://owasp.org/www-community/attacks/CSV_Injection>).
    fn cell(&mut self, cell: &str) -> io::Result<()> {
        let cell = readable(cell);
        let formula = cell.starts_with(FORMULA);
        let quoted = cell.contains(['"', ',', '\r', '\n']);
        if quoted {
            self.out.write_all(b"\"")?;
        }
        if formula {
            self.out.write_all(b"'")?;
        }
        for (index, piece) in cell.split('"').enumerate() {
            if index > 0 {
                self.out.write_all(b"\"\"")?;
            }
            self.out.write_all(piece.as_bytes())?;
        }
        if quoted {
            self.out.write_all(b"\"")?;
        }
        Ok(())
    }
}

/// What a formula begins with; the wide forms are for East Asian keyboards.
const FORMULA: [char; 11] =
    ['=', '+', '-', '@', '\t', '\r', '\n', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'];

/// A text whose lines and tabs are kept, and in which nothing else is obeyed by a
/// terminal.
fn readable(text: &str) -> Cow<'_, str> {
    const KEPT: [char; 3] = ['\n', '\r', '\t'];
    if !text.contains(KEPT) {
        return visible(text);
    }
    let pieces = text.split_inclusive(KEPT);
    let shown = pieces.map(|piece| {
        let end = piece.len() - usize::from(piece.ends_with(KEPT));
        let (line, end) = piece.split_at(end);
        format!("{}{end}", visible(line))
    });
    Cow::Owned(shown.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;

    fn table<const N: usize>(rows: &[[&str; N]]) -> String {
        let mut text = Vec::new();
        let mut table = Table { out: &mut text };
        for row in rows {
            table.row(row).unwrap();
        }
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn cells_are_quoted_where_they_must_be_and_never_formulas() {
        let mut rows = vec![["a", "b"], ["plain", "with, comma"], ["a \"quote\"", "two\nlines"]];
        for formula in ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\u{ff1d}1"] {
            rows.push([formula, ""]);
        }
        rows.push(["=HYPERLINK(\"x\",\"y\")", ""]);
        assert_eq!(
            table(&rows),
            "a,b\r\nplain,\"with, comma\"\r\n\"a \"\"quote\"\"\",\"two\nlines\"\r\n\
             '=1+1,\r\n'+1,\r\n'-1,\r\n'@SUM(A1),\r\n'\tx,\r\n'\u{ff1d}1,\r\n\
             \"'=HYPERLINK(\"\"x\"\",\"\"y\"\")\",\r\n"
        );
    }

    #[test]
    fn a_terminal_that_shows_a_table_has_nothing_to_obey() {
        assert_eq!(
            table(&[["a"], ["\u{1b}[2Jall held\u{202e}"]]),
            "a\r\n\\u{1b}[2Jall held\\u{202e}\r\n"
        );
    }

    #[test]
    fn a_probe_names_its_objectives_controls_companions_and_deciders() {
        let mut text = Vec::new();
        probes(&fixtures::record(), &Catalogue::builtin().unwrap(), &mut text).unwrap();
        let text = String::from_utf8(text).unwrap();
        let row = text.lines().nth(1).unwrap();
        for part in [
            "a,every execution role carries the boundary,O3,",
            "nist-800-53-r5:AC-6 ",
            ",shown: CreateRole with the boundary succeeded,",
            "iam:CreateRole implicit_deny (identity) by role/deployer/inline/deploy#RolesCarryTheBoundary",
        ] {
            assert!(row.contains(part), "{part} in {row}");
        }
    }
}
