//! Every probe with its trace.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io;

use maud::{Markup, PreEscaped, html};

use super::Report;
use super::index::{Index, Rail};
use super::parts::{
    badge, count, duration, later, link, proof as proof_badge, prose, tally, verdict,
};
use super::statement;
use super::summary::titled;
use super::{CONTENT, whole, written_out};
use crate::bundle::raw_path;
use crate::{Companion, Decider, Probe, Scope, Verdict};

/// What did not hold stands open, as long as there are not more of them.
const OPEN: usize = 50;

/// A list of more probes is made by the script, piece by piece.
const LONG: usize = 40;

/// Writes the section, guard rail by guard rail.
pub(super) fn section(
    report: &Report<'_>,
    index: &Index<'_>,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let bad: BTreeSet<usize> = report
        .record
        .probes
        .iter()
        .enumerate()
        .filter(|(_, probe)| matches!(probe.verdict, Verdict::Failed | Verdict::Inconclusive))
        .map(|(number, _)| number)
        .take(OPEN)
        .collect();
    let head = html! {
        (titled("probes", "Every probe",
            "By guard rail. Open one to see what had to happen, what did, and which policy statement decided. \
             Three companions make a refusal mean something: the same done legitimately succeeds, an identity \
             without permissions is refused, and without the guard rail the attack would succeed."))
        (filter(report, index))
    };
    whole(head, out)?;
    for (number, rail) in index.rails.iter().enumerate() {
        // A long list is one piece of text for a browser with scripts, which makes its
        // rows when it has nothing else to do; in a short one each trace is.
        let long = rail.probes.len() > LONG;
        let of_rail = html! {
            section.rail id={ "g" (number) } aria-labelledby={ "g" (number) "-title" } {
                div.rail-head {
                    h3 id={ "g" (number) "-title" } { (rail.name) }
                    @if !rail.probes.is_empty() { span.small { (tally(rail.tally)) } }
                    (badge(verdict(rail.tally.verdict())))
                }
                (purpose(report, rail))
                (proved(report, rail))
                @if rail.probes.is_empty() {
                    p.none { "No probe tests it in this run." }
                } @else {
                    div.probes { (later(!long, PreEscaped(CONTENT.to_owned()))) }
                }
            }
        };
        let of_rail = of_rail.into_string();
        let (before, after) = of_rail.split_once(CONTENT).unwrap_or((&of_rail, ""));
        written_out(before, out)?;
        for (number, probe) in &rail.probes {
            let open = bad.contains(number);
            whole(self::probe(*number, probe, open, long || open), out)?;
        }
        written_out(after, out)?;
    }
    Ok(())
}

/// How high each list will about be: a browser lays a list out only when it
/// comes into sight, and the page keeps its length meanwhile.
pub(super) fn sizes(index: &Index<'_>) -> String {
    let mut rules = String::new();
    for (number, rail) in index.rails.iter().enumerate() {
        let height = rail.probes.len() * 41;
        let _ =
            writeln!(rules, "#g{number} .probes {{ contain-intrinsic-size: auto {height}px; }}");
    }
    rules
}

/// What was shown of a guard rail for all requests.
fn proved(report: &Report<'_>, rail: &Rail<'_>) -> Markup {
    html! {
        @if let Some(found) = report.record.proof(rail.name) {
            p.small {
                (badge(proof_badge(found.verdict))) " for all " (found.asked()) (found.of_whom()) ", in " (count(found.claims, "claim"))
                " (" (found.universe) ")."
            }
            @if !found.told.is_empty() { ul.small { @for one in &found.told { li { (one) } } } }
        }
    }
}

/// Which objectives and controls a guard rail serves.
fn purpose(report: &Report<'_>, rail: &Rail<'_>) -> Markup {
    let objectives: Vec<_> = report.catalogue.objectives_of(rail.name).collect();
    html! {
        @if objectives.is_empty() {
            p.small { "It belongs to no objective." }
        } @else {
            p.small {
                "Serves "
                @for (place, objective) in objectives.iter().enumerate() {
                    @if place > 0 { ", " }
                    a href={ "#objective-" (objective.id) } { (objective.id) " " (objective.title) }
                }
                ". Controls: "
                @for (place, framework) in report.catalogue.frameworks().iter().enumerate() {
                    @let ids: Vec<&str> = framework.controls.iter()
                        .filter(|control| objectives.iter().any(|one| control.is_supported_by(&one.id)))
                        .map(|control| control.id.as_str()).collect();
                    @if !ids.is_empty() {
                        @if place > 0 { "; " }
                        (framework.title) " " (ids.join(", "))
                    }
                }
                "."
            }
        }
    }
}

fn filter(report: &Report<'_>, index: &Index<'_>) -> Markup {
    let probes = &report.record.probes;
    let identities: BTreeSet<&str> = probes.iter().map(|probe| probe.identity.as_str()).collect();
    let verdicts: Vec<Verdict> = Verdict::ALL
        .into_iter()
        .filter(|one| probes.iter().any(|probe| probe.verdict == *one))
        .collect();
    html! {
        form.filter #filter role="search" aria-label="Filter the probes" hidden {
            div { label for="filter-text" { "Text" } input #filter-text type="search" autocomplete="off"; }
            div { label for="filter-verdict" { "Verdict" } select #filter-verdict {
                option value="" { "all" }
                @for one in verdicts { option value=(verdict(one).0) { (verdict(one).1) } }
            } }
            div { label for="filter-identity" { "Identity" } select #filter-identity {
                option value="" { "all" }
                @for one in identities { option value=(one) { (one) } }
            } }
            div.wide { label for="filter-rail" { "Guard rail" } select #filter-rail {
                option value="" { "all" }
                @for (number, rail) in index.rails.iter().enumerate() {
                    @if !rail.probes.is_empty() { option value={ "g" (number) } { (rail.name) } }
                }
            } }
            div.buttons {
                button type="reset" { "Clear" }
                button type="button" data-do="open" { "Open all shown" }
            }
            output #filter-count for="filter-text filter-verdict filter-identity filter-rail" { (count(probes.len(), "probe")) }
        }
    }
}

/// Thousands of these stand on a page: each element and each byte counts.
fn probe(number: usize, probe: &Probe, open: bool, whole: bool) -> Markup {
    let (class, _) = verdict(probe.verdict);
    html! {
        details id={ "p" (number) } data-verdict=(class) data-identity=(probe.identity) open[open] {
            summary {
                (badge(verdict(probe.verdict)))
                @if probe.title.contains('`') { span { (prose(&probe.title)) } } @else { (probe.title) }
                small { (probe.road) @if probe.scope == Scope::Decided { ", decided only" } }
            }
            (later(whole, trace(probe)))
        }
    }
}

fn trace(probe: &Probe) -> Markup {
    html! {
        div.trace {
            dl {
                @if probe.expected == probe.observed {
                    dt { "Expected" } dd { (probe.expected) }
                    dt { "Observed" } dd { "exactly that" }
                } @else {
                    dt { "Expected" } dd { (probe.expected) }
                    dt { "Observed" } dd { (probe.observed) }
                }
                @if let Some(reason) = &probe.reason { dt { "Why" } dd { (prose(reason)) } }
                @if let Some(accepted) = probe.acceptance() { dt { "Accepted" } dd { (accepted) } }
                dt { "Who" } dd { (probe.identity) " by " (probe.road) ", " (scope(probe.scope)) " in " (duration(probe.duration_us)) }
                dt { "Id" } dd { code { (probe.id) } }
                @if !probe.request_ids.is_empty() {
                    dt { "Journal" } dd { @for id in &probe.request_ids { code { (id) } " " } }
                }
                @if !matches!(probe.found(), Verdict::NotRun | Verdict::NotApplicable) {
                    dt { "Raw" } dd { (link(&raw_path(probe), "requests and answers")) }
                }
            }
            h4 { "What makes it mean something" }
            ul.plain {
                @for ((_, companion), title) in probe.companions.named().into_iter().zip(COMPANIONS) {
                    (self::companion(title, companion))
                }
            }
            @if !probe.decided_by.is_empty() {
                h4 { "What decided" }
                @for decider in &probe.decided_by { (decision(decider)) }
            }
        }
    }
}

const fn scope(scope: Scope) -> &'static str {
    match scope {
        Scope::Executed => "executed",
        Scope::Decided => "decided only: the guard was asked, the service is not served here",
    }
}

/// The companions, in the record's order.
const COMPANIONS: [&str; 3] = ["Legitimate twin", "Without permissions", "Without the guard rail"];

fn companion(title: &str, companion: Option<&Companion>) -> Markup {
    let (class, word, detail) = match companion {
        Some(one) if one.shown => ("held", "Shown", one.detail.as_str()),
        Some(one) => ("failed", "Not shown", one.detail.as_str()),
        None => ("not-run", "Missing", "was not tried"),
    };
    html! {
        li { (badge((class, word))) " " b { (title) } ": " (prose(detail)) }
    }
}

fn decision(decider: &Decider) -> Markup {
    let outcome = match decider.outcome.as_str() {
        "allow" => "Allow",
        "explicit_deny" => "Explicit deny",
        "implicit_deny" => "Implicit deny",
        "undecided" => "Undecided",
        other => other,
    };
    html! {
        figure.decision {
            figcaption {
                b { (outcome) } " of " code { (decider.action) }
                " on " code { (decider.resource) } ", by the " b { (decider.layer) } " layer"
                @if let Some(policy) = &decider.policy {
                    ": " code { (policy) }
                    @if let Some(index) = decider.index { ", statement " (index.saturating_add(1)) }
                    @if let Some(sid) = &decider.sid { " (" code { (sid) } ")" }
                }
            }
            (statement::text(decider))
            @if !decider.explanation.is_empty() { p.small { (prose(&decider.explanation)) } }
        }
    }
}
