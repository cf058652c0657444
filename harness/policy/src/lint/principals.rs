//! Principals of resource and trust policies.

use super::{Note, Rule, UNKNOWN, note};
use crate::document::{Document, Kind};
use crate::principal::Entry;
use crate::service_name;
use crate::statement::{Effect, Statement};

/// Names that people write for services that go by another.
const OTHER_NAMES: [(&str, &str); 4] = [
    ("apigatewayv2.amazonaws.com", "apigateway.amazonaws.com"),
    ("cloudwatch-logs.amazonaws.com", "logs.amazonaws.com"),
    ("eventbridge.amazonaws.com", "events.amazonaws.com"),
    ("stepfunctions.amazonaws.com", "states.amazonaws.com"),
];

/// Keys by which a resource policy tells for whom a service acts, or where a
/// request comes from.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html>
const SOURCES: [&str; 6] = [
    "aws:SourceArn",
    "aws:SourceAccount",
    "aws:SourceOrgID",
    "aws:SourceOrgPaths",
    "aws:SourceOwner",
    "lambda:EventSourceToken",
];

/// Keys of callers that are of an organization: a service is of none, and has `aws:SourceOrgID`
/// and `aws:SourceOrgPaths` in their place
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalorgid>,
/// `#condition-keys-sourceorgid`).
const OF_MEMBERS: [(&str, &str); 2] =
    [("aws:PrincipalOrgID", "aws:SourceOrgID"), ("aws:PrincipalOrgPaths", "aws:SourceOrgPaths")];

pub(super) fn check(document: &Document, statement: &Statement, notes: &mut Vec<Note>) {
    let Some(principals) = &statement.principals else { return };
    for entry in &principals.entries {
        nobody(entry, notes);
    }
    // What only limits allows nobody anything.
    let grants = matches!(document.kind(), Kind::Resource | Kind::Trust);
    if statement.effect != Effect::Allow || !grants {
        return;
    }
    let everyone = principals.entries.contains(&Entry::Everyone);
    if principals.negated || (everyone && !limited(statement)) {
        // STS takes unsigned calls for tokens alone.
        let message = match (principals.negated, document.kind()) {
            (true, _) => "everybody but those named is allowed, unsigned callers included",
            (false, Kind::Trust) => "everybody with an account of AWS is allowed",
            (false, _) => "everybody is allowed, unsigned callers included",
        };
        let instead = "name the principals, or add a condition such as `aws:PrincipalOrgID`";
        notes.push(note(Rule::Anybody, message, instead).about(match principals.negated {
            true => "NotPrincipal",
            false => "Principal",
        }));
    }
    // A role's trust in a service is asked for by that service in its own
    // account; many send no source (lambda.amazonaws.com, for one).
    if document.kind() != Kind::Resource || principals.negated {
        return;
    }
    let sourced = statement
        .conditions
        .iter()
        .any(|condition| SOURCES.iter().any(|key| condition.key.eq_ignore_ascii_case(key)));
    let asked = statement.conditions.iter().filter(|condition| !condition.holds_when_absent());
    let mut never = asked.filter_map(|condition| {
        OF_MEMBERS.iter().find(|(key, _)| condition.key.eq_ignore_ascii_case(key))
    });
    let never = never.next();
    for entry in &principals.entries {
        let Entry::Service(service) = entry else { continue };
        if service.contains(UNKNOWN) {
            continue;
        }
        if let Some((key, own)) = never {
            let message = format!("`{service}` never has `{key}`: it is allowed nothing by this");
            let instead = format!("write `{own}`, which the requests of services have");
            notes.push(note(Rule::KeyNeverCarried, message, instead).about(&**service));
        } else if !sourced {
            let message =
                format!("`{service}` is allowed whomever it acts for, strangers included");
            let instead = "add a condition on `aws:SourceArn` or `aws:SourceAccount`";
            notes.push(note(Rule::AnySource, message, instead).about(&**service));
        }
    }
}

/// Whether a condition says who of everybody. One that holds when its key is
/// absent does not.
fn limited(statement: &Statement) -> bool {
    statement.conditions.iter().any(|condition| !condition.holds_when_absent())
}

fn nobody(entry: &Entry, notes: &mut Vec<Note>) {
    match entry {
        Entry::Service(service) => {
            let other = OTHER_NAMES.iter().find(|(name, _)| service.eq_ignore_ascii_case(name));
            let instead = match other {
                Some((_, other)) => format!("write `{other}`"),
                None if service_name::without_domain(service).is_some() => return,
                None => "write a name such as `lambda.amazonaws.com`".to_owned(),
            };
            if !service.contains(UNKNOWN) {
                let message = format!("no service calls as `{service}`");
                notes.push(note(Rule::NoSuchPrincipal, message, instead).about(&**service));
            }
        }
        // "IAM transforms the principal ARN to the … unique principal ID …
        // when you save the policy", and shows the id once the principal is
        // gone: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
        Entry::UniqueId(id) if !id.contains("UNKNOWN") => {
            let message = format!("`{id}` is the id of a deleted user or role: nobody has it");
            let instead = "remove it, or name the principal that took its place";
            notes.push(note(Rule::NoSuchPrincipal, message, instead).about(&**id));
        }
        _ => {}
    }
}
