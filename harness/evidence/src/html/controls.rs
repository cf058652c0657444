//! Objectives, and the controls of each framework.

use maud::{Markup, html};

use super::Report;
use super::index::Index;
use super::parts::{badge, state, table, tally, verdict};
use super::summary::titled;
use crate::controls::{Basis, Extent, Framework, Objective};

pub(super) fn section(report: &Report<'_>, index: &Index<'_>) -> Markup {
    let catalogue = report.catalogue;
    html! {
        (titled("controls", "Controls by framework",
            "An objective is held only if every probe of each of its guard rails held. Its result supports \
             the controls named here; it satisfies none by itself."))
        (matrix(report, index))
        h3 { "Objectives" }
        (table("Objectives with their state and what they leave open",
            &["Objective", "State", "What it claims", "What is not shown"], html! {
            @for objective in catalogue.objectives() {
                @let found = index.assessment.objective(&objective.id);
                tr id={ "objective-" (objective.id) } {
                    th scope="row" { (objective.id) " " (objective.title) }
                    td { (state(&found)) @if found.tally.all() > 0 { p.small { (counted(objective)) ": " (tally(found.tally)) } } }
                    td {
                        (objective.statement)
                        @if !objective.guard_rails.is_empty() {
                            ul.small {
                                @for rail in &objective.guard_rails {
                                    li { (rail_link(index, rail)) }
                                }
                            }
                        }
                    }
                    td { (objective.not_shown) }
                }
            }
        }))
        @for framework in catalogue.frameworks() { (self::framework(framework, index)) }
    }
}

/// What an objective's counts count.
const fn counted(objective: &Objective) -> &'static str {
    match objective.basis {
        Basis::Probes => "probes",
        Basis::Journal => "calls in the journal",
        Basis::Mutations => "weakenings",
        Basis::Manifest => "files",
    }
}

pub(super) fn rail_link(index: &Index<'_>, rail: &str) -> Markup {
    match index.rails.iter().position(|one| one.name == rail) {
        Some(number) => html! { a href={ "#g" (number) } { (rail) } },
        None => html! { (rail) },
    }
}

/// Objectives against frameworks.
fn matrix(report: &Report<'_>, index: &Index<'_>) -> Markup {
    let catalogue = report.catalogue;
    let mut head = vec!["Objective", "State"];
    head.extend(catalogue.frameworks().iter().map(|framework| framework.title.as_str()));
    html! {
        div.matrix { (table("Which controls each objective supports; in brackets: in part", &head, html! {
            @for objective in catalogue.objectives() {
                tr {
                    th scope="row" { a href={ "#objective-" (objective.id) } { (objective.id) } " " (objective.title) }
                    td { (badge(verdict(index.assessment.objective(&objective.id).verdict))) }
                    @for framework in catalogue.frameworks() {
                        td { (ids(framework, &objective.id)) }
                    }
                }
            }
        })) }
    }
}

fn ids(framework: &Framework, objective: &str) -> Markup {
    /// Longer ids may be broken, or a column would burst.
    const SHORT: usize = 14;
    let supports = framework.controls.iter().filter_map(|control| {
        let support = control.supports.iter().find(|one| one.objective == objective)?;
        Some((&control.id, support.extent))
    });
    let mut first = true;
    html! {
        @for (id, extent) in supports {
            @if !first { ", " }
            @let () = first = false;
            span.whole[id.len() <= SHORT] {
                @match extent { Extent::Full => (id), Extent::Partial => { "[" (id) "]" } }
            }
        }
        @if first { "none" }
    }
}

fn framework(framework: &Framework, index: &Index<'_>) -> Markup {
    let title = format!("{}, {}", framework.title, framework.version);
    html! {
        details.framework id={ "framework-" (framework.id) } {
            summary { h3 { (title) } span.small { (framework.controls.len()) " controls" } }
            p.small { "Source of the ids: " (framework.source) "." }
            @if let Some(note) = &framework.note { p.note { (note) } }
            (table(&title, &["Control", "State", "What it asks for", "Supported by", "What is not shown"], html! {
                @for control in &framework.controls {
                    tr {
                        th scope="row" { (control.id) }
                        td { (state(&index.assessment.control(control))) }
                        td {
                            b { (control.title) } ". " (control.requirement)
                            @if let Some(applies) = &control.applies { p.small { "Applies: " (applies) "." } }
                        }
                        td {
                            ul.plain {
                                @for support in &control.supports {
                                    li {
                                        a href={ "#objective-" (support.objective) } { (support.objective) }
                                        " " (support.extent.as_str())
                                    }
                                }
                            }
                        }
                        td { (control.not_shown.as_deref().unwrap_or("What its objectives leave open.")) }
                    }
                }
            }))
        }
    }
}
