//! The weakened guard rails, and all that each identity can do.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::Report;
use super::index::Index;
use super::parts::{badge, count, duration, later, mutant, table};
use super::summary::titled;
use crate::{Mutant, MutantVerdict, Reach, ReachRow};

/// A table of more rows is made only when it is shown.
const SHORT: usize = 30;

pub(super) fn section(report: &Report<'_>, index: &Index<'_>) -> Markup {
    let Some(mutations) = &report.record.mutations else {
        return html! {
            (titled("mutations", "Mutations", "Whether a probe notices when a guard rail is weakened."))
            p.none { "No mutations were run. That a guard rail's absence would be noticed is shown here only by \
                      each probe's own companion." }
        };
    };
    let summary = &mutations.summary;
    let mut documents: BTreeMap<&str, Vec<&Mutant>> = BTreeMap::new();
    for mutant in &mutations.mutants {
        documents.entry(&mutant.guard_rail_document).or_default().push(mutant);
    }
    let of = |wanted| -> Vec<&Mutant> {
        mutations.mutants.iter().filter(|mutant| mutant.verdict == wanted).collect()
    };
    let (survived, not_run) = (of(MutantVerdict::Survived), of(MutantVerdict::NotRun));
    html! {
        (titled("mutations", "Mutations",
            "Each guard rail was weakened in turn and the probes were judged again. A weakening that no probe \
             notices is a hole in the tests, if not in the guard rails."))
        p {
            b { (summary.killed) " of " (summary.mutants - summary.equivalent) " weakenings were noticed" }
            ", " (summary.survived) " were not, " (summary.not_run) " were not run; "
            (summary.equivalent) " more cannot be told from the original by any request. Took "
            (duration(mutations.duration_ms.saturating_mul(1000))) "."
        }
        @if !survived.is_empty() { h3 { "Not noticed" } (rows("Weakenings that no probe noticed", &survived, index)) }
        @if !not_run.is_empty() { h3 { "Not run" } (rows("Weakenings that were not run", &not_run, index)) }
        h3 { "By document" }
        @for (document, mutants) in documents {
            @let noticed = mutants.iter().filter(|one| one.verdict == MutantVerdict::Killed).count();
            details.lazy {
                summary {
                    code { (document) }
                    span.small { (noticed) " of " (count(mutants.len(), "weakening")) " noticed" }
                }
                (later(false, rows(&format!("Weakenings of {document}"), &mutants, index)))
            }
        }
    }
}

fn rows(label: &str, mutants: &[&Mutant], index: &Index<'_>) -> Markup {
    table(
        label,
        &["Verdict", "Document", "Weakening", "Noticed by"],
        html! {
            @for one in mutants {
                tr {
                    td { (badge(mutant(one.verdict))) }
                    td { code { (one.guard_rail_document) } @if let Some(statement) = &one.statement { p.small { "statement " (statement) } } }
                    td { (one.change) p.small { (one.kind) } @if let Some(reason) = &one.reason { p.why { (reason) } } }
                    td {
                        @if one.killed_by.is_empty() { "none" }
                        ul.plain { @for id in &one.killed_by { li {
                            @match index.anchor(id) {
                                Some(anchor) => a href={ "#" (anchor) } { (id) },
                                None => (id),
                            }
                        } } }
                    }
                }
            }
        },
    )
}

pub(super) fn reach(report: &Report<'_>) -> Markup {
    html! {
        (titled("reach", "Reach",
            "All that each identity can do at all, whether or not a probe tried it: what a reader should compare \
             with what it needs. Each action has a smallest request that is allowed."))
        @if report.record.reach.is_empty() { p.none { "The reach of the identities was not asked for in this run." } }
        @for reach in &report.record.reach {
            details.lazy {
                summary {
                    b { (reach.identity) }
                    span.small {
                        (reach.rows.len()) " of " (count(reach.actions, "action"))
                        @if reach.is_at_most() { " allowed somewhere, at most" } @else { " allowed" }
                        @if !reach.undecided.is_empty() { ", " (reach.undecided.len()) " undecided" }
                    }
                }
                (later(reach.rows.len() <= SHORT, reach_rows(reach)))
            }
        }
    }
}

fn reach_rows(reach: &Reach) -> Markup {
    let label = format!("What {} can do", reach.identity);
    let heads: &[&str] = match reach.is_at_most() {
        true => &["Action", "On", "If", "Limited by"],
        false => &["Action", "A smallest request", "Allowed by"],
    };
    let listed = |list: &[String]| {
        html! {
            td { @for (place, one) in list.iter().enumerate() { @if place > 0 { br; } (one) } @if list.is_empty() { "none" } }
        }
    };
    html! {
        @if !reach.undecided.is_empty() {
            ul { @for why in &reach.undecided { li { "Undecided: " (why) } } }
        }
        (table(&label, heads, html! {
            @for row in &reach.rows {
                tr {
                    th scope="row" { code { (row.action()) } }
                    @match row {
                        ReachRow::Decided(row) => {
                            td { (row) }
                            td {
                                (row.allowed_by.join(", "))
                                @if let Some(with) = &row.with { p.small { "with " (with) } }
                            }
                        }
                        ReachRow::AtMost(row) => {
                            @for list in [&row.resources, &row.conditions, &row.limited_by] { (listed(list)) }
                        }
                    }
                }
            }
        }))
    }
}
