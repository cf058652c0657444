//! The first screen: what was tested, when, against what, with which result,
//! and what that is worth.

use maud::{Markup, html};

use super::index::Index;
use super::parts::{badge, count, duration, fact, prose, span, time, verdict};
use super::{Report, heading};
use crate::{Probe, RunStatus, Scope, Upstream, Verdict};

/// The result in a few words.
pub(super) fn headline(report: &Report<'_>) -> String {
    let record = report.record;
    let summary = &record.summary;
    if !record.status.is_complete() {
        return "The run did not come to its end".to_owned();
    }
    if summary.probes == 0 {
        return "Nothing was tested".to_owned();
    }
    if summary.failed > 0 {
        return format!("{} of {} failed", summary.failed, count(summary.probes, "probe"));
    }
    if summary.none_open() {
        let held = match (summary.not_applicable, summary.accepted) {
            (0, 0) => format!("All {} held", count(summary.probes, "probe")),
            (beyond, 0) => {
                let held = count(summary.held, "applicable probe");
                format!("All {held} held, {beyond} not applicable")
            }
            (_, accepted) => {
                let applicable = count(summary.probes - summary.not_applicable, "applicable probe");
                format!("{} of {applicable} held, {accepted} accepted", summary.held)
            }
        };
        if !record.stale.is_empty() {
            let stale = count(record.stale.len(), "acceptance");
            return format!("{held}, but {stale} expired or in vain");
        }
        let mutations = report.record.mutations.as_ref().map(|mutations| mutations.summary);
        return match mutations.filter(|summary| !summary.good()) {
            Some(summary) if summary.survived > 0 => {
                format!(
                    "{held}, but {} went unnoticed",
                    count(summary.survived, "weakened guard rail")
                )
            }
            Some(summary) => {
                format!(
                    "{held}, but {} could not be weakened",
                    count(summary.not_run, "guard rail")
                )
            }
            None => held,
        };
    }
    format!("{} of {} held, none failed", summary.held, count(summary.probes, "probe"))
}

/// The whole run's verdict: held only if it passed, and nothing is accepted.
fn overall(report: &Report<'_>) -> Verdict {
    let summary = &report.record.summary;
    if report.record.passed() {
        if summary.all_held() { Verdict::Held } else { Verdict::Accepted }
    } else if summary.failed > 0 {
        Verdict::Failed
    } else if summary.probes == summary.not_applicable {
        Verdict::NotRun
    } else {
        Verdict::Inconclusive
    }
}

pub(super) fn section(report: &Report<'_>, index: &Index<'_>) -> Markup {
    let record = report.record;
    let overall = overall(report);
    let decided = record.probes.iter().filter(|probe| probe.scope == Scope::Decided).count();
    let (class, _) = verdict(overall);
    html! {
        section #summary aria-labelledby="summary-title" {
            div class={ "verdict " (class) } {
                (badge(verdict(overall)))
                h1 #summary-title { (headline(report)) }
                p {
                    @match &record.status {
                        RunStatus::Complete {} => {
                            (meaning(overall))
                            @if decided > 0 {
                                " " (decided) " of them were decided by the guard and not executed."
                            }
                        }
                        RunStatus::Incomplete { reason } => {
                            "Incomplete: " (reason) ". What stands below is no result."
                        }
                    }
                }
            }
            (counts(report))
            (facts(report, index))
            div.limits {
                h2 { "What this is worth" }
                @if let Some(part) = &record.part {
                    p { b { (part.words()) "." } }
                }
                @if let Some(reason) = record.unisolated() {
                    p {
                        b { "UNISOLATED." } " Code under test could have changed anything that stands here: "
                        (reason) "."
                    }
                }
                p {
                    b { "Design and policy evidence." } " These probes ran against "
                    (upstream(&record.upstream)) " behind Ringfence's guard on " (time(&record.started))
                    ", with the templates and policies listed by hash. They show that this configuration, as "
                    "evaluated there, refuses the listed actions. They do not show that it is deployed, "
                    "that AWS evaluates it the same way, or that it operated over a period "
                    "(SOC 2 Type 2, FedRAMP IVV-CSO-SEE)."
                }
                @if let Some(own) = &record.calibration {
                    p {
                        b { "Calibrated." } " " (own.sentence()) ", asked on " (time(&own.asked)) "."
                        @for said in own.beside() { " " (said) "." }
                    }
                }
                p {
                    @match &record.provenance.signing_key {
                        Some(key) => {
                            b { "To be signed" } " by the key " code { (key) }
                            ". This page cannot vouch for itself: " a href="#checking" { "check the signature" } "."
                        }
                        None => {
                            b { "Unsigned." } " Anybody who had the files could have changed them."
                        }
                    }
                }
            }
            (attention(report, index))
        }
    }
}

const fn meaning(overall: Verdict) -> &'static str {
    match overall {
        Verdict::Held => {
            "Nothing was sampled. Each attack was refused exactly as AWS refuses it, while the same \
             thing done legitimately succeeded, an identity without permissions was refused, and \
             without the guard rail it would have been allowed."
        }
        Verdict::Failed => {
            "At least one attack was not refused, or not as AWS refuses it. What failed stands below."
        }
        Verdict::Inconclusive => {
            "Nothing failed, but not everything was shown. What is inconclusive supports nothing."
        }
        Verdict::Accepted => {
            "What did not hold, somebody has accepted until a day. It satisfies nothing; who, why and \
             until when stands below."
        }
        Verdict::NotRun | Verdict::NotApplicable => "No probe was run.",
    }
}

/// `moto server 5.2.5`, with the image where there is one.
fn upstream(upstream: &Upstream) -> String {
    let mut text = if upstream.product.is_empty() {
        "no upstream".to_owned()
    } else {
        upstream.product.clone()
    };
    if let Some(version) = &upstream.version {
        text = format!("{text} {version}");
    }
    text
}

fn counts(report: &Report<'_>) -> Markup {
    let summary = &report.record.summary;
    let mut parts = vec![
        (Verdict::Held, summary.held),
        (Verdict::Failed, summary.failed),
        (Verdict::Inconclusive, summary.inconclusive),
        (Verdict::NotRun, summary.not_run),
    ];
    if summary.not_applicable > 0 {
        parts.push((Verdict::NotApplicable, summary.not_applicable));
    }
    if summary.accepted > 0 {
        parts.push((Verdict::Accepted, summary.accepted));
    }
    let mut left = 0.0;
    html! {
        ul.counts aria-label={ (count(summary.probes, "probe")) " by verdict" } {
            @for (each, number) in parts.iter().copied() {
                li class=(verdict(each).0) {
                    span.number { (number) } " " (badge(verdict(each)))
                }
            }
            @if let Some(mutations) = &report.record.mutations {
                li.mutants {
                    span.number { (mutations.summary.killed) "/" (mutations.summary.mutants - mutations.summary.equivalent) }
                    " " a href="#mutations" { "weakenings noticed" }
                }
            }
        }
        svg.bar viewBox="0 0 1000 8" preserveAspectRatio="none" aria-hidden="true" {
            @for (each, number) in parts {
                @let width = share(number, summary.probes);
                rect class=(verdict(each).0) x=(format!("{left:.2}")) y="0" width=(format!("{width:.2}")) height="8" {}
                @let () = left += width;
            }
        }
    }
}

fn share(number: usize, all: usize) -> f64 {
    if all == 0 { 0.0 } else { number as f64 * 1000.0 / all as f64 }
}

fn facts(report: &Report<'_>, index: &Index<'_>) -> Markup {
    let record = report.record;
    let rails = index.rails.iter().filter(|rail| !rail.is_untested()).count();
    let commit = record.provenance.commit.as_ref().map(|commit| {
        let short: String = commit.chars().take(12).collect();
        match record.provenance.tree_clean {
            Some(true) => format!("{short}, clean tree"),
            Some(false) => format!("{short}, with uncommitted changes"),
            None => short,
        }
    });
    html! {
        dl.facts {
            (fact("What was tested", Some(format!(
                "{} of the architecture in {}, account {}, {}",
                count(rails, "guard rail"), record.configuration, record.accounts_told(), record.region
            ))))
            (fact("Attacked as", identities(report)))
            (fact("Against what", Some(against(&record.upstream))))
            (fact("When", Some(when(report))))
            (fact("Kept apart by", record.isolation.as_ref().map(|own| own.mechanism.clone())))
            (fact("Commit", Some(commit.unwrap_or_else(|| "not known".to_owned()))))
            (fact("Started by", Some(format!(
                "{}, with Ringfence {}",
                if record.provenance.actor.is_empty() { "nobody named" } else { &record.provenance.actor },
                record.version
            ))))
        }
    }
}

/// The first few identities, and how many more.
fn identities(report: &Report<'_>) -> Option<String> {
    const MOST: usize = 6;
    let mut all: Vec<&str> = Vec::new();
    for probe in &report.record.probes {
        if !all.contains(&probe.identity.as_str()) {
            all.push(&probe.identity);
        }
    }
    let more = all.len().saturating_sub(MOST);
    all.truncate(MOST);
    let mut text = all.join(", ");
    if more > 0 {
        text = format!("{text} and {more} more");
    }
    (!text.is_empty()).then_some(text)
}

fn when(report: &Report<'_>) -> String {
    let record = report.record;
    let took = duration(record.duration_ms.saturating_mul(1000));
    match &record.ended {
        Some(ended) => format!("{}, {took}", span(&record.started, ended)),
        None => format!("{}, and did not end", time(&record.started)),
    }
}

fn against(found: &Upstream) -> String {
    let digest = found.digest.as_deref().map(|digest| digest.chars().take(19).collect::<String>());
    match digest {
        Some(digest) => format!("{}, image {digest}…", upstream(found)),
        None => upstream(found),
    }
}

/// What is not held, to jump to.
fn attention(report: &Report<'_>, index: &Index<'_>) -> Markup {
    /// More than these make a list that nobody reads.
    const MOST: usize = 20;
    let of = |wanted| -> Vec<&Probe> {
        report.record.probes.iter().filter(|probe| probe.verdict == wanted).collect()
    };
    html! {
        @if !report.record.stale.is_empty() {
            div.attention {
                h2 { "What is accepted in vain" }
                ul { @for stale in &report.record.stale { li { (stale) } } }
            }
        }
        @for (wanted, title) in [(Verdict::Failed, "What failed"), (Verdict::Inconclusive, "What shows nothing"), (Verdict::Accepted, "What is accepted")] {
            @let probes = of(wanted);
            @if !probes.is_empty() {
                div.attention {
                    h2 { (title) }
                    ul {
                        @for probe in probes.iter().take(MOST) {
                            li {
                                (badge(verdict(wanted))) " "
                                a href={ "#" (index.anchor(&probe.id).unwrap_or_default()) } { (prose(&probe.title)) }
                                " " span.why {
                                    @if let Some(accepted) = probe.acceptance() { (accepted) ". " }
                                    (prose(probe.reason.as_ref().unwrap_or(&probe.observed)))
                                }
                            }
                        }
                    }
                    @if probes.len() > MOST {
                        p { "And " (probes.len() - MOST) " more " a href="#probes" { "among the probes" } "." }
                    }
                }
            }
        }
    }
}

/// Used by the sections, so that all headings look alike.
pub(super) fn titled(id: &str, title: &str, lead: &str) -> Markup {
    html! { (heading(id, title)) p.lead { (lead) } }
}
