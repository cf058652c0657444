//! Small pieces that all sections use.

use std::fmt::Display;

use maud::{Markup, html};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use crate::controls::{State, Tally};
use crate::{MutantVerdict, ProofVerdict, Verdict};

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
        Verdict::NotApplicable => ("not-applicable", "Not applicable"),
        Verdict::Accepted => ("accepted", "Accepted"),
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

pub(super) const fn proof(verdict: ProofVerdict) -> (&'static str, &'static str) {
    match verdict {
        ProofVerdict::Proved => ("held", "Proved"),
        ProofVerdict::Violated => ("failed", "Violated"),
        ProofVerdict::Undecided => ("inconclusive", "Undecided"),
    }
}

/// A verdict as icon (by the style sheet) and word.
pub(super) fn badge((class, word): (&str, &str)) -> Markup {
    html! { b class={ "badge " (class) } { (word) } }
}

pub(super) fn state(state: &State) -> Markup {
    html! {
        (badge(verdict(state.verdict)))
        @if let Some(reason) = &state.reason { p.why { (prose(reason)) } }
    }
}

/// `40 of 40`, or what there is of each verdict.
pub(super) fn tally(tally: Tally) -> String {
    if tally.held == tally.all() && tally.held > 0 {
        return format!("{} of {} held", tally.held, tally.all());
    }
    let parts = [
        (tally.held, "held"),
        (tally.failed, "failed"),
        (tally.inconclusive, "inconclusive"),
        (tally.not_run, "not run"),
        (tally.not_applicable, "not applicable"),
        (tally.accepted, "accepted"),
    ];
    let parts: Vec<String> = parts
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    parts.join(", ")
}

/// A text of ours, in which backticks stand around names; one without its
/// partner stays what it is.
pub(super) fn prose(text: &str) -> Markup {
    if text.matches('`').count() % 2 == 1 {
        return html! { (text) };
    }
    html! {
        @for (place, piece) in text.split('`').enumerate() {
            @if place % 2 == 1 { code { (piece) } } @else { (piece) }
        }
    }
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

/// From when to when, naming the day once where it is the same.
pub(super) fn span(from: &str, to: &str) -> String {
    let (from, to) = (time(from), time(to));
    match (from.get(..11), to.get(..11), to.get(11..)) {
        (Some(day), Some(same), Some(clock)) if day == same => {
            format!("{} to {clock}", from.trim_end_matches(" UTC"))
        }
        _ => format!("{from} to {to}"),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backticks_stand_around_names() {
        assert_eq!(prose("a `<b>` c").into_string(), "a <code>&lt;b&gt;</code> c");
        assert_eq!(prose("it`s").into_string(), "it`s");
    }

    #[rstest::rstest]
    #[case("2026-11-22T20:00:00Z", "2026-11-22T20:01:02.5Z", "2026-11-22 20:00:00 to 20:01:02 UTC")]
    #[case(
        "2026-11-22T23:59:59Z",
        "2026-11-23T00:01:02Z",
        "2026-11-22 23:59:59 UTC to 2026-11-23 00:01:02 UTC"
    )]
    #[case("then", "now", "then to now")]
    fn times(#[case] from: &str, #[case] to: &str, #[case] said: &str) {
        assert_eq!(span(from, to), said);
    }

    #[rstest::rstest]
    #[case(900, "900 µs")]
    #[case(1500, "1.5 ms")]
    #[case(47_160_000, "47.2 s")]
    #[case(723_000_000, "12 min 3 s")]
    fn durations(#[case] microseconds: u64, #[case] said: &str) {
        assert_eq!(duration(microseconds), said);
    }
}
