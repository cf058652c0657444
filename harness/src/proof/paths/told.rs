//! Paths as text, JSON lines and Markdown.

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

fn lines(path: &Path) -> Vec<String> {
    let mut lines = Vec::new();
    for (place, step) in path.steps.iter().enumerate() {
        lines.push(format!("{}. {}", place + 1, told(step)));
        lines.extend(step.requests.iter().map(|one| format!("   {}", request(one))));
    }
    lines
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
        for path in &source.paths {
            let _ = writeln!(out, "  {}", harmless_line(&head(path)));
            for line in lines(path) {
                let _ = writeln!(out, "    {}", harmless_line(&line));
            }
        }
    }
    for what in &found.unknown {
        let _ = writeln!(out, "not known: {}", harmless_line(what));
    }
    out + &took.closed(closing(found, took), "\n")
}

/// As Markdown.
pub fn markdown(found: &Found, took: Took) -> String {
    let mut out = format!("### Paths\n\n{}", took.closed(closing(found, took), ".\n"));
    for source in found.sources.iter().filter(|one| !one.paths.is_empty()) {
        let _ = write!(out, "\n**{}** ({})\n\n", prose(&source.name), source.kind);
        for path in &source.paths {
            let _ = writeln!(out, "- {}", prose(&head(path)));
            for (place, step) in path.steps.iter().enumerate() {
                let _ = writeln!(out, "  {}. {}", place + 1, prose(&told(step)));
                for one in &step.requests {
                    let _ = writeln!(out, "     {}", prose(&request(one)));
                }
            }
        }
    }
    for what in &found.unknown {
        let _ = writeln!(out, "\nNot known: {}", prose(what));
    }
    out
}
