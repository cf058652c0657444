//! Changes as text, Markdown and JSON.

use std::fmt::Write as _;

use ringfence_evidence::prose;
use ringfence_prove::jsonl::Shown;
use ringfence_prove::{OTHER_ACCOUNT, SOME_ACCOUNT, Witness};
use serde::Serialize;

use super::can::Found;
use super::diff::{Change, Side};
use crate::printing::harmless_line;

#[derive(Serialize)]
struct Told<'c> {
    name: &'c str,
    in_old: bool,
    in_new: bool,
    gained: &'static str,
    lost: &'static str,
    allowed_now: Option<Shown>,
    allowed_before: Option<Shown>,
    reason: Option<&'c str>,
}

/// How many changes there are.
#[derive(Debug, Serialize, PartialEq, Eq)]
struct Summary {
    entries: usize,
    gained: usize,
    lost: usize,
    undecided: usize,
    same: usize,
}

impl Summary {
    fn of(changes: &[Change]) -> Self {
        let count = |is: fn(&Change) -> bool| changes.iter().filter(|one| is(one)).count();
        Self {
            entries: changes.len(),
            gained: count(|one| matches!(one.gained, Side::Request(_))),
            lost: count(|one| matches!(one.lost, Side::Request(_))),
            undecided: count(|one| reason(one).is_some()),
            same: count(|one| one.gained.is_nothing() && one.lost.is_nothing()),
        }
    }
}

impl Side {
    const fn word(&self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Request(_) => "something",
            Self::Undecided(_) => "undecided",
        }
    }

    fn request(&self) -> Option<Shown> {
        match self {
            Self::Request(witness) => Some(Shown::of(witness)),
            Self::Nothing | Self::Undecided(_) => None,
        }
    }
}

fn reason(change: &Change) -> Option<&str> {
    [&change.gained, &change.lost].into_iter().find_map(|side| match side {
        Side::Undecided(reason) => Some(reason.as_str()),
        Side::Nothing | Side::Request(_) => None,
    })
}

/// The changes as JSON.
///
/// # Errors
/// None that is known.
pub fn json(changes: &[Change]) -> serde_json::Result<String> {
    let told: Vec<Told<'_>> = changes
        .iter()
        .map(|change| Told {
            name: &change.name,
            in_old: change.is_in_old,
            in_new: change.is_in_new,
            gained: change.gained.word(),
            lost: change.lost.word(),
            allowed_now: change.gained.request(),
            allowed_before: change.lost.request(),
            reason: reason(change),
        })
        .collect();
    let all = serde_json::json!({"changes": told, "summary": Summary::of(changes)});
    Ok(serde_json::to_string_pretty(&all)? + "\n")
}

/// What is told of a side, with what comes before the request.
fn line(side: &Side, what: &str) -> Option<String> {
    match side {
        Side::Nothing => None,
        Side::Undecided(reason) => Some(format!("{what}: undecided: {reason}")),
        Side::Request(witness) => {
            let who = of_any_account(witness, Shown::of(witness).principal);
            Some(format!("{what}: {} (as `{who}`)", request(witness)))
        }
    }
}

/// A request, but for who asks.
pub(crate) fn request(witness: &Witness) -> String {
    let shown = Shown::of(witness);
    let mut text = format!("`{}` on `{}`", shown.action, shown.resource);
    let context = serde_json::to_string(&shown.context).unwrap_or_default();
    if context != "{}" {
        let _ = write!(text, " with `{context}`");
    }
    of_any_account(witness, text)
}

/// A text for people about a request: where whoever asks may be of any account, the account
/// that stands for all is called one.
fn of_any_account(witness: &Witness, text: String) -> String {
    match witness.principal.account_id() {
        Some(SOME_ACCOUNT) => {
            text.replace(SOME_ACCOUNT, "ACCOUNT").replace(OTHER_ACCOUNT, "ANOTHER-ACCOUNT")
        }
        _ => text,
    }
}

/// Who can, as text.
pub fn who(found: &[Found<'_>]) -> String {
    let mut out = String::new();
    for Found { name, side, with } in found {
        if let Some(line) = line(side, name) {
            let with = with.map(|with| format!(", by `{with}`")).unwrap_or_default();
            let _ = writeln!(out, "{}", harmless_line(&format!("{line}{with}")));
        }
    }
    let count = |is: fn(&Side) -> bool| found.iter().filter(|one| is(&one.side)).count();
    let can = count(|side| matches!(side, Side::Request(_)));
    let undecided = count(|side| matches!(side, Side::Undecided(_)));
    let _ = writeln!(out, "{can} of {} can, {undecided} undecided", found.len());
    out
}

/// Who can, as JSON.
///
/// # Errors
/// None that is known.
pub fn who_json(found: &[Found<'_>]) -> serde_json::Result<String> {
    let told = found.iter().map(|Found { name, side, with }| {
        let (can, reason) = match side {
            Side::Nothing => ("no", None),
            Side::Request(_) => ("yes", None),
            Side::Undecided(reason) => ("undecided", Some(reason)),
        };
        serde_json::json!({"name": name, "can": can, "request": side.request(), "with": with,
            "reason": reason})
    });
    let told: Vec<serde_json::Value> = told.collect();
    Ok(serde_json::to_string_pretty(&serde_json::json!({"who": told}))? + "\n")
}

const fn place(change: &Change) -> &'static str {
    match (change.is_in_old, change.is_in_new) {
        (false, true) => " (new)",
        (true, false) => " (gone)",
        _ => "",
    }
}

fn lines(change: &Change) -> Vec<String> {
    let gained = line(&change.gained, "allowed now and not before");
    gained.into_iter().chain(line(&change.lost, "allowed before and not now")).collect()
}

fn closing(changes: &[Change]) -> String {
    let Summary { entries, gained, lost, undecided, same } = Summary::of(changes);
    format!(
        "{entries} compared for all requests: {gained} may do more, {lost} may do less, {undecided} undecided, {same} the same"
    )
}

/// The changes as text.
pub fn text(changes: &[Change]) -> String {
    let mut out = String::new();
    for change in changes {
        let lines = lines(change);
        if !lines.is_empty() {
            let _ = writeln!(out, "{}{}", harmless_line(&change.name), place(change));
        }
        for line in lines {
            let _ = writeln!(out, "  {}", harmless_line(&line));
        }
    }
    out + &closing(changes) + "\n"
}

/// The changes as Markdown, for the comment of a pull request. Names, actions and
/// resources are those of who asks for it: none of them is markup.
pub fn markdown(changes: &[Change]) -> String {
    let mut out = format!("### Access\n\n{}.\n", closing(changes));
    for change in changes {
        let lines = lines(change);
        if !lines.is_empty() {
            let name = prose(&format!("`{}`", change.name));
            let _ = write!(out, "\n**{name}**{}\n\n", place(change));
        }
        for line in lines {
            let _ = writeln!(out, "- {}", prose(&line));
        }
    }
    out
}
