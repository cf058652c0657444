//! What was not tested, where all of it comes from, and how to check it.

use maud::{Markup, html};
use serde_json::Value;

use super::Report;
use super::index::Index;
use super::parts::{badge, count, duration, fact, file, prose, table, time, verdict};
use super::summary::titled;
use crate::{Probe, Scope, Verdict};

pub(super) fn not_tested(report: &Report<'_>, index: &Index<'_>) -> Markup {
    let record = report.record;
    let of = |wanted: &dyn Fn(&Probe) -> bool| -> Vec<&Probe> {
        record.probes.iter().filter(|probe| wanted(probe)).collect()
    };
    let not_run = of(&|probe| probe.verdict == Verdict::NotRun);
    let inconclusive = of(&|probe| probe.verdict == Verdict::Inconclusive);
    let not_applicable = of(&|probe| probe.verdict == Verdict::NotApplicable);
    let accepted = of(&|probe| probe.verdict == Verdict::Accepted);
    let decided = of(&|probe| probe.scope == Scope::Decided);
    let untested: Vec<&str> =
        index.rails.iter().filter(|rail| rail.is_untested()).map(|rail| rail.name).collect();
    html! {
        (titled("not-tested", "What was not tested",
            "All probes of the run stand in this report and none was left out as a sample. This is what they do not cover."))
        (with_reasons("Probes that were not run", &not_run, index))
        (with_reasons("Probes that show nothing", &inconclusive, index))
        (with_reasons("Probes that did not hold and are accepted", &accepted, index))
        (with_reasons("Probes of what the estate has none of", &not_applicable, index))
        ul {
            @if not_run.is_empty() && inconclusive.is_empty() { li { "Every probe was run and is conclusive." } }
            @if !decided.is_empty() {
                li {
                    (count(decided.len(), "probe")) " were decided and not executed: the service is not served here, so the guard was "
                    "asked what it would decide."
                }
            }
            @if !untested.is_empty() { li { "Guard rails without a probe: " (untested.join("; ")) "." } }
            @if record.mutations.is_none() { li { "No mutations were run." } }
            @if record.reach.is_empty() { li { "What each identity can do at all was not asked." } }
            @for stale in &record.stale { li { b { "Accepted in vain: " } (stale) "." } }
            @for deviation in &record.deviations { li { "Deviation: " (prose(deviation)) "." } }
            li { "The account itself: nothing here looked at a deployed stack. Each objective says "
                 a href="#objective-O1" { "what it does not show" } "." }
        }
    }
}

fn with_reasons(label: &str, probes: &[&Probe], index: &Index<'_>) -> Markup {
    html! {
        @if !probes.is_empty() {
            (table(label, &["Verdict", "Probe", "Why"], html! {
                @for probe in probes {
                    tr {
                        td { (badge(verdict(probe.verdict))) }
                        td { a href={ "#" (index.anchor(&probe.id).unwrap_or_default()) } { (prose(&probe.title)) } }
                        td {
                            @if let Some(accepted) = probe.acceptance() { (accepted) ". " }
                            (prose(probe.reason.as_deref().unwrap_or("no reason was recorded")))
                        }
                    }
                }
            }))
        }
    }
}

pub(super) fn provenance(report: &Report<'_>) -> Markup {
    let record = report.record;
    let from = &record.provenance;
    let clean = match from.tree_clean {
        Some(true) => "clean",
        Some(false) => "with uncommitted changes",
        None => "not known",
    };
    let command = (!from.command.is_empty()).then(|| command(&from.command));
    html! {
        (titled("provenance", "Provenance", "Who ran what, with which tools, on which inputs, and how to run it again."))
        dl.facts {
            (fact("Run", Some(&record.run_id)))
            (fact("Started by", Some(&from.actor)))
            (fact("Commit", from.commit.as_ref()))
            (fact("Working tree", Some(clean)))
            (fact("Began", Some(time(&record.started))))
            (fact("Ended", record.ended.as_deref().map(time)))
            (fact("Platform", Some(&from.platform)))
            (fact("Harness", Some(format!("Ringfence {}", record.version))))
            (fact("Harness's SHA-256", Some(&from.binary_sha256)))
            (fact("Upstream", Some(format!("{} ({})", record.upstream.product, record.upstream.backend))))
            (fact("Upstream's version", record.upstream.version.as_ref()))
            (fact("Image", record.upstream.image.as_ref()))
            (fact("Digest", record.upstream.digest.as_ref()))
            (fact("Why this upstream", record.upstream.chosen_because.as_ref()))
            (fact("Previous manifest", Some(from.previous_manifest_sha256.as_deref().unwrap_or("none: the first of its chain"))))
        }
        @if let Some(command) = command { h3 { "Run it again" } pre tabindex="0" { code { (command) } } }
        (names("Tools", ["Tool", "Version"], record.tools.iter()))
        (names("What the CI said of itself", ["Variable", "Value"], from.ci.iter()))
        @if !record.phases.is_empty() {
            (table("Phases", &["Phase", "Took"], html! {
                @for phase in &record.phases { tr { td { (phase.name) } td { (duration(phase.duration_ms.saturating_mul(1000))) } } }
            }))
        }
        @if record.inputs.is_empty() {
            p.none { "The record lists no inputs." }
        } @else {
            (table("What was under test, by hash", &["Input", "Kind", "SHA-256"], html! {
                @for input in &record.inputs {
                    tr { td { (file(&format!("inputs/{}", input.path))) } td { (input.kind) } td { code { (input.sha256) } } }
                }
            }))
        }
    }
}

fn names<'a>(
    label: &str,
    head: [&str; 2],
    rows: impl ExactSizeIterator<Item = (&'a String, &'a String)>,
) -> Markup {
    html! {
        @if rows.len() > 0 {
            (table(label, &head, html! {
                @for (name, value) in rows { tr { th scope="row" { (name) } td { (value) } } }
            }))
        }
    }
}

/// The command as a shell takes it.
fn command(words: &[String]) -> String {
    let plain = |word: &str| {
        !word.is_empty()
            && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./:=,@+".contains(&byte))
    };
    let words: Vec<String> =
        words
            .iter()
            .map(|word| {
                if plain(word) {
                    word.clone()
                } else {
                    format!("'{}'", word.replace('\'', r"'\''"))
                }
            })
            .collect();
    words.join(" ")
}

pub(super) fn checking(report: &Report<'_>) -> Markup {
    html! {
        (titled("checking", "How to check that nothing was altered",
            "This page is one file of a bundle and cannot vouch for itself. Check the bundle with one command, or \
             with stock tools."))
        @match &report.record.provenance.signing_key {
            Some(key) => p { "The bundle is to be signed by the key " code { (key) } ". If " code { "MANIFEST.sha256.sig" } " is missing, it was not." },
            None => p { b { "This report was made for an unsigned bundle." } " The hashes below find accidents; against somebody who \
                wants to deceive they prove nothing." },
        }
        pre tabindex="0" { code {
            "ringfence evidence verify . --allowed-key allowed_signers\n\n"
            "# or, with stock tools, in the bundle's directory:\n"
            "sha256sum --strict -c MANIFEST.sha256\n"
            "diff <(cut -c67- MANIFEST.sha256 | sort) <(find . -type f ! -name 'MANIFEST.sha256*' -printf '%P\\n' | sort)"
        } }
        p {
            "The commands for the signature itself, with identity and namespace, are in " (file("VERIFY.md"))
            ". The public key must come by another road than the bundle. A key that the tested deployers could read proves nothing."
        }
        p { "The run counted " (counts(report)) ". Every other form of the bundle has the same numbers." }
        (table("The files of the bundle", &["File", "What it is"], html! {
            @for (path, what) in FILES { tr { td { (file(path)) } td { (what) } } }
        }))
    }
}

/// What stands beside this page.
const FILES: [(&str, &str); 15] = [
    ("run.json", "the record of the run; every other form is made from it"),
    ("controls.csv", "a row a probe and control"),
    ("probes.csv", "a row a probe"),
    ("junit.xml", "the probes as test cases"),
    ("findings.sarif", "what failed, is inconclusive or was not noticed, with its place"),
    ("mutation.json", "the mutations and the reach"),
    ("oscal/assessment-plan.json", "the assessment plan, OSCAL 1.2.1"),
    ("oscal/assessment-results.json", "the assessment results, OSCAL 1.2.1"),
    ("journal.jsonl", "a line a decision of the guard"),
    ("raw/", "each probe's requests and answers, without secrets"),
    ("inputs/", "what was under test"),
    ("SCOPE.md", "what was in scope, and what this shows"),
    ("VERIFY.md", "how to check the bundle"),
    ("live-checks.md", "what remains to be checked on the real account"),
    ("MANIFEST.sha256", "the SHA-256 of every file"),
];

/// The summary as the record has it, for whoever compares.
fn counts(report: &Report<'_>) -> String {
    let counts = serde_json::to_value(report.record.summary).unwrap_or(Value::Null);
    let counts: Vec<String> = counts
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, number)| format!("{} {number}", name.replace('_', " ")))
        .collect();
    counts.join(", ")
}
