//! Paths as text, JSON lines and Markdown.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use ringfence_evidence::prose;
use ringfence_prove::jsonl::Shown;
use serde::Serialize;
use serde_json::json;

use super::super::took::Took;
use super::search::{Found, Path, Reached, Request, Source};
use crate::printing::harmless_line;

#[derive(Serialize)]
struct Told<'f> {
    source: &'f str,
    kind: &'f str,
    paths: &'f str,
    gains: Vec<Gain<'f>>,
}

#[derive(Serialize)]
struct Gain<'f> {
    gain: &'f str,
    of: &'f str,
    others: &'f [String],
    undecided: Option<&'f str>,
    steps: Vec<Step<'f>>,
}

#[derive(Serialize)]
struct Step<'f> {
    by: &'f str,
    of: &'f str,
    requests: Vec<Call<'f>>,
}

#[derive(Serialize)]
struct Call<'f> {
    who: &'f str,
    request: &'f Option<Shown>,
    allowed_by: &'f [String],
    undecided: Option<&'f str>,
}

impl<'f> Told<'f> {
    fn of(source: &'f Source) -> Self {
        let call = |one: &'f Request| Call {
            who: &one.who,
            request: &one.request,
            allowed_by: &one.allowed_by,
            undecided: one.open.as_deref(),
        };
        let step = |one: &'f Reached| Step {
            by: &one.by,
            of: &one.of,
            requests: one.requests.iter().map(call).collect(),
        };
        let gain = |path: &'f Path| Gain {
            gain: path.gain,
            of: &path.of,
            others: &path.others,
            undecided: path.undecided.as_deref(),
            steps: path.steps.iter().map(step).collect(),
        };
        Self {
            source: &source.name,
            kind: source.kind,
            paths: source.verdict(),
            gains: source.paths.iter().map(gain).collect(),
        }
    }
}

/// How many sources there are, with each verdict.
fn counts(found: &Found) -> [usize; 4] {
    ["none", "found", "undecided", "everything"]
        .map(|verdict| found.sources.iter().filter(|one| one.verdict() == verdict).count())
}

/// One line of JSON a source, one of what is not known, and a last one with the numbers.
///
/// # Errors
/// None that is known.
pub fn json(found: &Found, took: Took) -> serde_json::Result<String> {
    let mut out = String::new();
    for source in &found.sources {
        out += &serde_json::to_string(&Told::of(source))?;
        out.push('\n');
    }
    if !found.unknown.is_empty() {
        out += &json!({"unknown": found.unknown}).to_string();
        out.push('\n');
    }
    let [none, some, undecided, everything] = counts(found);
    let numbers = [
        ("sources", found.sources.len()),
        ("none", none),
        ("found", some),
        ("undecided", undecided),
        ("everything", everything),
    ];
    Ok(out + &took.summary(&numbers).to_string() + "\n")
}

fn head(path: &Path) -> String {
    let word = if path.undecided.is_some() { "may gain" } else { "gains" };
    let mut line = match path.gain {
        "session" => format!("{word} a session of {}", path.of),
        "own permissions" => format!("{word} more permissions of its own"),
        document => format!("{word} a change of the {document} of {}", path.of),
    };
    if !path.others.is_empty() {
        let _ = write!(line, ", and {} more of this kind", path.others.len());
    }
    if let Some(why) = &path.undecided {
        let _ = write!(line, ": undecided: {why}");
    }
    line
}

fn request(one: &Request) -> String {
    let Some(shown) = &one.request else {
        return format!("{}: undecided: {}", one.who, one.open.as_deref().unwrap_or_default());
    };
    let mut line = format!("{}: `{}` on `{}`", one.who, shown.action, shown.resource);
    let context = serde_json::to_string(&shown.context).unwrap_or_default();
    if context != "{}" {
        let _ = write!(line, " with `{context}`");
    }
    if !one.allowed_by.is_empty() {
        let _ = write!(line, " is allowed by {}", one.allowed_by.join(", "));
    }
    line
}

fn told(step: &Reached) -> String {
    format!("{} of {}", step.by, step.of)
}

/// The steps of a path with their requests; those that a path of the same source had before
/// are only named.
fn steps(path: &Path, before: &mut BTreeSet<Vec<String>>) -> Vec<Vec<String>> {
    let shared = |step: &Reached| {
        let requests = step.requests.iter().map(request);
        let whole: Vec<String> = std::iter::once(told(step)).chain(requests).collect();
        match whole.len() > 1 && !before.insert(whole.clone()) {
            true => vec![format!("{}, as above", told(step))],
            false => whole,
        }
    };
    path.steps.iter().map(shared).collect()
}

fn closing(found: &Found, took: Took) -> String {
    let [none, some, undecided, everything] = counts(found);
    format!(
        "{} sources: {none} without a path, {some} with one, {undecided} undecided, {everything} may do everything ({})",
        found.sources.len(),
        took.answer()
    )
}

const fn word(source: &Source) -> &'static str {
    match (source.is_all_powerful, source.paths.is_empty()) {
        (true, _) => "may do everything by its own policies",
        (false, true) => "no path",
        (false, false) => "",
    }
}

/// As text.
pub fn text(found: &Found, took: Took) -> String {
    let mut out = String::new();
    for source in &found.sources {
        let word = word(source);
        let colon = if word.is_empty() { "" } else { ": " };
        let name = harmless_line(&source.name);
        let _ = writeln!(out, "{name} ({}){colon}{word}", source.kind);
        let mut before = BTreeSet::new();
        for path in &source.paths {
            let _ = writeln!(out, "  {}", harmless_line(&head(path)));
            for (place, step) in steps(path, &mut before).iter().enumerate() {
                for (line, text) in step.iter().enumerate() {
                    let number = if line == 0 { format!("{}. ", place + 1) } else { "   ".into() };
                    let _ = writeln!(out, "    {}", harmless_line(&(number + text)));
                }
            }
        }
    }
    for what in &found.unknown {
        let _ = writeln!(out, "not known: {}", harmless_line(what));
    }
    out + &took.closed(closing(found, took), "\n")
}

/// Of Markdown so many bytes at most: "body is too long (maximum is 65536 characters)" is what
/// GitHub says of a comment, and others may stand beside this one.
const MOST: usize = 60_000;

/// As Markdown, for the comment of a pull request: what does not fit is counted.
pub fn markdown(found: &Found, took: Took) -> String {
    let mut out = format!("### Paths\n\n{}", took.closed(closing(found, took), ".\n"));
    let unknown: Vec<String> =
        found.unknown.iter().map(|what| format!("\nNot known: {}\n", prose(what))).collect();
    let (mut left, mut of) = (0, 0);
    for source in found.sources.iter().filter(|one| !one.paths.is_empty()) {
        let mut text = format!("\n**{}** ({})\n\n", prose(&source.name), source.kind);
        let mut before = BTreeSet::new();
        let mut is_whole = true;
        for path in &source.paths {
            let one = item(path, &mut before);
            is_whole &= out.len() + text.len() + one.len() <= MOST;
            match is_whole {
                true => text += &one,
                false => left += 1,
            }
        }
        of += usize::from(!is_whole);
        // A source of which nothing fits is counted alone.
        if text.ends_with(")\n\n") && !is_whole {
            continue;
        }
        out += &text;
    }
    let mut untold = 0;
    for what in unknown {
        match out.len() + what.len() <= MOST {
            true => out += &what,
            false => untold += 1,
        }
    }
    if left + untold > 0 {
        let _ = writeln!(
            out,
            "\nLeft out for want of room: {left} paths of {of} sources, and {untold} of what is \
             not known. `--json` has all."
        );
    }
    out
}

/// A path as an item of a list.
fn item(path: &Path, before: &mut BTreeSet<Vec<String>>) -> String {
    let mut out = format!("- {}\n", prose(&head(path)));
    for (place, step) in steps(path, before).iter().enumerate() {
        for (line, text) in step.iter().enumerate() {
            let number = if line == 0 { format!("  {}. ", place + 1) } else { "     ".into() };
            let _ = writeln!(out, "{number}{}", prose(text));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sources with a path of two steps each to two gains.
    fn found(sources: usize) -> Found {
        let step = |by: &str, of: &str| Reached {
            by: by.to_owned(),
            of: of.to_owned(),
            requests: vec![Request {
                who: "role/a".to_owned(),
                request: None,
                allowed_by: Vec::new(),
                open: Some(format!("what `{of}` may do is not known")),
            }],
        };
        let path = |last: &str| Path {
            gain: "session",
            of: last.to_owned(),
            others: Vec::new(),
            undecided: None,
            steps: vec![step("sts:AssumeRole", "role/b"), step("sts:AssumeRole", last)],
        };
        let source = |number| Source {
            name: format!("role/{number}"),
            kind: "session",
            is_all_powerful: false,
            paths: vec![path("role/c"), path("role/d")],
        };
        Found { sources: (0..sources).map(source).collect(), unknown: Vec::new() }
    }

    fn took() -> Took {
        Took { answer: std::time::Duration::ZERO, planning: None }
    }

    #[test]
    fn a_step_that_was_told_is_named_alone() {
        let told = text(&found(1), took());
        let lines: Vec<&str> = told.lines().collect();
        let expected = [
            "role/0 (session)",
            "  gains a session of role/c",
            "    1. sts:AssumeRole of role/b",
            "       role/a: undecided: what `role/b` may do is not known",
            "    2. sts:AssumeRole of role/c",
            "       role/a: undecided: what `role/c` may do is not known",
            "  gains a session of role/d",
            "    1. sts:AssumeRole of role/b, as above",
            "    2. sts:AssumeRole of role/d",
            "       role/a: undecided: what `role/d` may do is not known",
        ];
        assert_eq!(lines.get(..expected.len()).unwrap_or_default(), expected);
    }

    #[test]
    fn markdown_fits_into_a_comment_and_says_what_is_left_out() {
        let all = markdown(&found(50), took());
        assert!(all.len() < MOST && !all.contains("Left out"), "{}", all.len());
        let some = markdown(&found(1_000), took());
        assert!(some.len() < MOST + 200, "{}", some.len());
        let told = some.matches("gains a session").count();
        let last = some.lines().last().unwrap_or_default();
        let sources = 1_000 - some.matches("\n**role/").count();
        let partly = usize::from(told % 2 == 1);
        assert_eq!(
            last,
            format!(
                "Left out for want of room: {} paths of {} sources, and 0 of what is not known. \
                 `--json` has all.",
                2_000 - told,
                sources + partly
            )
        );
    }
}
