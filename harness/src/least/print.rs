//! For people.

use std::fmt::Write as _;

use super::policy::Needed;
use super::present::Unused;
use super::{Generalised, OfPrincipal, Report, Varying};

/// The report as text: each principal's policies as JSON to be used, and what
/// there is to be known beside them.
pub fn table(report: &Report) -> String {
    let mut out = String::new();
    if report.principals.is_empty() {
        out.push_str("no principal with identity policies made a call\n");
    }
    for principal in &report.principals {
        of(principal, &mut out);
    }
    if !report.observed && !report.principals.is_empty() {
        out.push_str(
            "The guard that wrote this journal refused what was not allowed: what came after a \
             refusal is not here, nor are conditions and present policies. `ringfence up \
             --observe` journals all of it.\n",
        );
    }
    out
}

fn of(principal: &OfPrincipal, out: &mut String) {
    let needed = &principal.needed;
    let _ = writeln!(
        out,
        "{}: {}, {}{}\n",
        principal.principal,
        counted(principal.calls, "call", "calls"),
        counted(needed.permissions, "permission", "permissions"),
        allowed(needed),
    );
    for policy in &needed.policies {
        let _ = writeln!(out, "{policy:#}\n");
    }
    section(out, "The policies cannot say this", needed.not_allowed.iter().cloned());
    section(
        out,
        "The calls may need this as well, which is not known, and the policies do not grant it",
        principal
            .perhaps
            .iter()
            .map(|one| format!("{} on {}: {}", one.action, one.resource, one.reason)),
    );
    section(
        out,
        "No identity policy allows this, something else denies it",
        principal.denied.iter().map(|denied| {
            format!(
                "{} on {} ({}): {}",
                denied.action, denied.resource, denied.layer, denied.explanation
            )
        }),
    );
    section(
        out,
        "Of these calls no permission is known, and the policies say nothing of them",
        principal
            .unmapped
            .iter()
            .map(|call| format!("{}:{}: {}", call.service, call.operation, call.reason)),
    );
    section(out, "The patterns that were given", principal.generalised.iter().map(generalised));
    section(
        out,
        "These names were made in this run, and the next run's will differ; to allow those too, add",
        principal.varying.iter().map(varying),
    );
    if let Some(unused) = &principal.unused {
        section(out, "Granted by the present policies, and never used", unused.iter().map(line));
    }
}

fn section(out: &mut String, title: &str, lines: impl Iterator<Item = String>) {
    let mut lines = lines.peekable();
    if lines.peek().is_none() {
        return;
    }
    let _ = writeln!(out, "{title}:");
    for line in lines {
        let _ = writeln!(out, "  {line}");
    }
    out.push('\n');
}

fn line(unused: &Unused) -> String {
    let sid = match &unused.sid {
        Some(sid) => format!("`{sid}`"),
        None => format!("number {}", unused.statement),
    };
    let action = unused.action.as_deref().unwrap_or("NotAction");
    let used = match (unused.used.as_slice(), unused.granted) {
        ([], _) => "not at all".to_owned(),
        (used, Some(granted)) => format!("only {} of {granted}: {}", used.len(), used.join(", ")),
        (used, None) => format!("only {}", used.join(", ")),
    };
    format!("{action} of statement {sid} of {}: {used}", unused.policy)
}

/// What the policies below are worth.
fn allowed(needed: &Needed) -> String {
    let decided = match needed.permissions {
        1 => "it".to_owned(),
        all if all == needed.decided => "all of them".to_owned(),
        _ => format!("{} of them", needed.decided),
    };
    match needed.policies.len() {
        0 => String::new(),
        1 => format!("; the policy below allows {decided}"),
        many => format!("; the {many} policies below together allow {decided}"),
    }
}

fn generalised(given: &Generalised) -> String {
    let resources = match given.resources {
        0 => "stands for nothing that was used".to_owned(),
        count => format!("stands for {}", counted(count, "resource", "resources")),
    };
    if given.open.is_empty() {
        return format!("`{}` {resources}", given.pattern);
    }
    format!("`{}` {resources}, and allows any {}", given.pattern, given.open.join(", any "))
}

fn varying(made: &Varying) -> String {
    let first = made.resources.first().map_or("", String::as_str);
    let others = match made.resources.len() {
        0 | 1 => String::new(),
        many => format!(" and {} more", many - 1),
    };
    format!("--generalise '{}'  ({first}{others})", made.pattern)
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
