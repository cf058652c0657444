//! Grants that give more than they say.

use super::{Note, Rule, note};
use crate::document::{Document, Kind};
use crate::pattern::{Case, Glob};
use crate::principal::Entry;
use crate::statement::{Effect, Statement};

pub(super) fn check(document: &Document, statement: &Statement, notes: &mut Vec<Note>) {
    if statement.effect != Effect::Allow {
        return;
    }
    match document.kind() {
        Kind::Identity => {
            wide(statement, notes);
            pass_role(statement, notes);
        }
        Kind::Trust => web_identity(statement, notes),
        // A boundary, session policy or service control policy grants nothing.
        Kind::Boundary | Kind::Session | Kind::ServiceControl | Kind::Resource => {}
    }
}

fn on_everything(statement: &Statement) -> bool {
    statement.resources.as_ref().is_some_and(|resources| {
        !resources.negated && resources.patterns.iter().any(|pattern| pattern.source() == "*")
    })
}

fn wide(statement: &Statement, notes: &mut Vec<Note>) {
    if statement.actions.negated || !on_everything(statement) || !statement.conditions.is_empty() {
        return;
    }
    let whole = statement.actions.patterns.iter().filter(|pattern| pattern.name == Glob::Any);
    for pattern in whole {
        let what = &pattern.source;
        notes.push(note(
            Rule::WideGrant,
            format!("`{what}` on `*` reaches every resource of the account"),
            "name the actions that are needed, and the resources that are the caller's own",
        ));
    }
}

fn pass_role(statement: &Statement, notes: &mut Vec<Note>) {
    let covers = statement.actions.patterns.iter().any(|pattern| {
        pattern.service.as_deref().is_none_or(|service| service == "iam")
            && pattern.name.matches("PassRole", Case::Fold)
    });
    let pinned = statement
        .conditions
        .iter()
        .any(|condition| condition.key.eq_ignore_ascii_case("iam:PassedToService"));
    if covers && !statement.actions.negated && !pinned {
        notes.push(note(
            Rule::PassRoleToAnyService,
            "`iam:PassRole` passes the role to any service",
            "add a condition on `iam:PassedToService`",
        ));
    }
}

/// GitHub's provider: its `sub` starts with `repo:OWNER/NAME:`.
const GITHUB: &str = "token.actions.githubusercontent.com";

fn web_identity(statement: &Statement, notes: &mut Vec<Note>) {
    let Some(principals) = &statement.principals else { return };
    let providers = principals.entries.iter().filter_map(|entry| match entry {
        Entry::Federated(provider) => provider.split_once(":oidc-provider/").map(|(_, name)| name),
        _ => None,
    });
    for provider in providers {
        let on = |claim: &str| {
            let key = format!("{provider}:{claim}");
            statement
                .conditions
                .iter()
                .filter(move |condition| condition.key.eq_ignore_ascii_case(&key))
                .filter(|condition| !condition.holds_when_absent())
        };
        if on("aud").next().is_none() {
            notes.push(note(
                Rule::TrustWithoutAudience,
                format!("tokens of `{provider}` for any audience of the provider are trusted"),
                format!("add `\"StringEquals\": {{\"{provider}:aud\": …}}`"),
            ));
        }
        if provider != GITHUB {
            continue;
        }
        let scoped = on("sub")
            .any(|condition| condition.sources.iter().all(|pattern| names_a_repository(pattern)));
        if !scoped {
            notes.push(note(
                Rule::TrustOfAnyRepository,
                format!("`{provider}:sub` names no single repository"),
                "write `repo:OWNER/NAME:*`, or better its branch or environment",
            ));
        }
    }
}

/// `repo:OWNER/NAME:…` with no wildcard before the second colon.
fn names_a_repository(pattern: &str) -> bool {
    let mut parts = pattern.splitn(3, ':');
    parts.next() == Some("repo")
        && parts.next().is_some_and(|name| name.contains('/') && !name.contains(['*', '?']))
        && parts.next().is_some()
}
