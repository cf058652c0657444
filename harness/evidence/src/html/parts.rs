//! Small pieces that all sections use.

use std::fmt::Display;

use maud::{Markup, html};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use crate::controls::{State, Tally};
use crate::{MutantVerdict, Verdict};

/// What a path in a link must not contain as it is.
const PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'\\')
    .add(b'`')
    .add(b'{')
    .add(b'}');

/// How a verdict is called and coloured; the words say all that colours do.
pub(super) const fn verdict(verdict: Verdict) -> (&'static str, &'static str) {
    match verdict {
        Verdict::Held => ("held", "Held"),
        Verdict::Failed => ("failed", "Failed"),
        Verdict::Inconclusive => ("inconclusive", "Inconclusive"),
        Verdict::NotRun => ("not-run", "Not run"),
    }
}

pub(super) const fn mutant(verdict: MutantVerdict) -> (&'static str, &'static str) {
    match verdict {
        MutantVerdict::Killed => ("held", "Noticed"),
        MutantVerdict::Survived => ("failed", "Not noticed"),
        MutantVerdict::Equivalent => ("not-run", "Equivalent"),
        MutantVerdict::NotRun => ("not-run", "Not run"),
    }
}

/// A verdict as icon (by the style sheet) and word.
pub(super) fn badge((class, word): (&str, &str)) -> Markup {
    html! { b class={ "badge " (class) } { (word) } }
}

pub(super) fn state(state: &State) -> Markup {
    html! {
        (badge(verdict(state.verdict)))
        @if let Some(reason) = &state.reason { p.why { (reason) } }
    }
}

/// `40 of 40`, or what there is of each verdict.
pub(super) fn tally(tally: Tally) -> String {
    if tally.held == tally.all() {
        return format!("{} of {} held", tally.held, tally.all());
    }
    let parts = [
        (tally.held, "held"),
        (tally.failed, "failed"),
        (tally.inconclusive, "inconclusive"),
        (tally.not_run, "not run"),
    ];
    let parts: Vec<String> = parts
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    parts.join(", ")
}

/// `1 probe`, `2 probes`.
pub(super) fn count(number: usize, one: &str) -> String {
    format!("{number} {one}{}", if number == 1 { "" } else { "s" })
}

/// Content that a browser with scripts makes only when it is shown: with
/// scripts a `noscript` is one piece of text, without them it is the content.
pub(super) fn later(now: bool, content: Markup) -> Markup {
    if now {
        content
    } else {
        html! { noscript { (content) } }
    }
}

/// A link to a file of the bundle, by its name.
pub(super) fn file(path: &str) -> Markup {
    html! { code { (link(path, path)) } }
}

pub(super) fn link(path: &str, text: &str) -> Markup {
    html! { a href=(utf8_percent_encode(path, PATH).to_string()) { (text) } }
}

/// `1.2 ms`, `47.2 s`, `12 min 3 s`.
pub(super) fn duration(microseconds: u64) -> String {
    let seconds = microseconds / 1_000_000;
    if microseconds < 1000 {
        format!("{microseconds} µs")
    } else if seconds < 1 {
        format!("{:.1} ms", microseconds as f64 / 1e3)
    } else if seconds < 120 {
        format!("{:.1} s", microseconds as f64 / 1e6)
    } else {
        format!("{} min {} s", seconds / 60, seconds % 60)
    }
}

/// `2026-11-22 20:00:00 UTC` of an RFC 3339 time in UTC; another text as it is.
pub(super) fn time(text: &str) -> String {
    match (text.get(..10), text.get(10..11), text.get(11..19), text.ends_with('Z')) {
        (Some(date), Some("T"), Some(clock), true) => format!("{date} {clock} UTC"),
        _ => text.to_owned(),
    }
}

/// A row of a description list; nothing where there is nothing.
pub(super) fn fact(name: &str, value: Option<impl Display>) -> Markup {
    html! {
        @if let Some(value) = value {
            div { dt { (name) } dd { (value) } }
        }
    }
}

/// A table that scrolls by itself where the window is narrow.
pub(super) fn table(label: &str, head: &[&str], body: Markup) -> Markup {
    html! {
        div.table role="region" tabindex="0" aria-label=(label) {
            table {
                caption { (label) }
                thead { tr { @for name in head { th scope="col" { (name) } } } }
                tbody { (body) }
            }
        }
    }
}
