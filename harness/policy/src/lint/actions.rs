//! Actions that do not exist, resources that they never have.

use super::overlap::overlap;
use super::{Note, Rule, UNKNOWN, keys, note};
use crate::arn::Arn;
use crate::catalog::{self, Action, Arns as _, ResourceType, Service};
use crate::operator::distance;
use crate::pattern::Case;
use crate::statement::{ActionPattern, Resources, Statement};

/// Names that look like services' and are not the prefix of any action.
const NO_PREFIXES: [(&str, &str); 6] = [
    (
        "apigatewayv2",
        "authorize the HTTP verb on the path: `apigateway:POST` on `arn:aws:apigateway:REGION::/apis/API/routes`",
    ),
    ("cloudwatchlogs", "write `logs:`"),
    ("cloudwatch-logs", "write `logs:`"),
    ("stepfunctions", "write `states:`"),
    ("eventbridge", "write `events:`"),
    ("api-gateway", "write `apigateway:` for its control plane, `execute-api:` for calls"),
];

/// Resources that actions act upon although the reference does not say so.
const RESOURCES_BESIDE: [(&str, &str, &str); 3] = [
    // "Resource":["arn:aws:s3:::*"], says AWS's own walkthrough:
    // https://docs.aws.amazon.com/AmazonS3/latest/userguide/walkthrough1.html
    ("s3", "ListAllMyBuckets", "arn:*:s3:::(all of them)"),
    // A template with a transform needs it on the transform too:
    // https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-permissions-cloudformation.html
    ("cloudformation", "CreateChangeSet", "arn:*:cloudformation:*:aws:transform/*"),
    // The reference gives it no resource any more; AWS's refusals still name
    // `log-group::log-stream:`, and policies on `log-group:*` allow it.
    ("logs", "DescribeLogGroups", "arn:*:logs:*:*:log-group::log-stream:"),
];

/// The actions that an entry of a statement covers.
pub(super) struct Covered<'s> {
    pub(super) source: &'s str,
    /// Whether the entry names one action, and not a pattern.
    exact: bool,
    pub(super) actions: Vec<(&'static Service, &'static Action)>,
}

pub(super) fn check(statement: &Statement, notes: &mut Vec<Note>) {
    // All but some actions, or all of them: then a key must be one of some.
    let all = statement.actions.patterns.iter().any(|pattern| pattern.service.is_none());
    if statement.actions.negated || all {
        keys::of_any_action(statement, notes);
    }
    if statement.actions.negated {
        // An exception that covers nothing leaves out nothing of what was meant.
        for pattern in &statement.actions.patterns {
            covered(pattern, notes);
        }
        return;
    }
    for pattern in &statement.actions.patterns {
        let Some(covered) = covered(pattern, notes) else { continue };
        for condition in &statement.conditions {
            keys::of_actions(statement, &covered, condition, notes);
        }
        if let Some(resources) = &statement.resources {
            resource(&covered, resources, notes);
        }
    }
}

/// What the entry covers; `None` when the catalogue cannot judge it, or it
/// covers nothing and that is noted.
fn covered<'s>(pattern: &'s ActionPattern, notes: &mut Vec<Note>) -> Option<Covered<'s>> {
    let prefix = pattern.service.as_deref()?;
    let source = pattern.source.as_ref();
    if let Some((_, instead)) = NO_PREFIXES.iter().find(|(name, _)| *name == prefix) {
        let message = format!("`{source}` is no action: no service has the prefix `{prefix}`");
        notes.push(note(Rule::UnknownAction, message, *instead).about(source));
        return None;
    }
    if !prefix.contains([UNKNOWN, '*', '?']) && !catalog::is_prefix(prefix) {
        let near = catalog::all_prefixes()
            .map(|known| (distance(prefix, known), known))
            .min()
            .filter(|(far, _)| *far <= 2);
        let instead = match near {
            Some((_, near)) => format!("did you mean `{near}:`?"),
            None => "see the services of AWS's service authorization reference".to_owned(),
        };
        let message = format!("`{source}` is no action: no service has the prefix `{prefix}`");
        notes.push(note(Rule::UnknownService, message, instead).about(source));
        return None;
    }
    let service = catalog::service(prefix)?;
    let actions: Vec<_> = service
        .actions()
        .filter(|action| pattern.name.matches(action.name, Case::Fold))
        .map(|action| (service, action))
        .collect();
    if actions.is_empty() {
        // Of these nothing more is known.
        let mut beside = catalog::beside_the_reference(prefix);
        if beside.any(|name| pattern.name.matches(name, Case::Fold)) {
            return None;
        }
        let name = source.split_once(':').map_or(source, |(_, name)| name).to_lowercase();
        let near = service
            .actions()
            .map(|action| (distance(&name, &action.name.to_lowercase()), &action.name))
            .min()
            .filter(|(far, _)| *far <= 4);
        let instead = match near {
            Some((_, near)) => format!("did you mean `{prefix}:{near}`?"),
            None => {
                format!("see the actions of `{prefix}` in AWS's service authorization reference")
            }
        };
        let message = format!("`{source}` covers no action: there is none of this name");
        notes.push(note(Rule::UnknownAction, message, instead).about(source));
        return None;
    }
    Some(Covered { source, exact: pattern.name.exact().is_some(), actions })
}

fn resource(covered: &Covered<'_>, resources: &Resources, notes: &mut Vec<Note>) {
    if resources.negated || resources.patterns.iter().any(|pattern| pattern.source() == "*") {
        return;
    }
    let is_in = |kind: &ResourceType| {
        kind.patterns().any(|known| {
            resources.patterns.iter().any(|pattern| arns_overlap(pattern.source(), &known))
        })
    };
    let fits = |(service, action): &(&Service, &Action)| {
        // The reference gives the verbs of API Gateway some paths alone: none
        // gets POST on an API's routes.
        // https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-iam-policy-examples.html
        if service.prefix == "apigateway" {
            return service.resource_types().any(is_in);
        }
        action.resources.iter().filter_map(|it| service.resource_type(it.name)).any(is_in)
    };
    let beside = |(service, action): &(&Service, &Action)| {
        RESOURCES_BESIDE.iter().any(|(prefix, name, known)| {
            *prefix == service.prefix
                && name.eq_ignore_ascii_case(action.name)
                && resources.patterns.iter().any(|pattern| arns_overlap(pattern.source(), known))
        })
    };
    if covered.actions.iter().any(|pair| fits(pair) || beside(pair)) {
        return;
    }
    let what = covered.source;
    let Some((service, action)) = covered.actions.first() else { return };
    if covered.actions.iter().all(|(_, action)| action.takes_only_everything()) {
        notes.push(
            note(
                Rule::ResourceNever,
                format!("`{what}` has no resource types: only `*` covers it"),
                format!("move `{what}` into a statement of its own with `\"Resource\": \"*\"`"),
            )
            .about(what),
        );
        return;
    }
    let known: Vec<_> = if covered.exact { action.resources.iter().collect() } else { Vec::new() };
    let arns: Vec<_> = known
        .iter()
        .filter_map(|kind| service.resource_type(kind.name)?.arn.first())
        .map(|arn| format!("`{arn}`"))
        .collect();
    let instead = match arns.as_slice() {
        [] | [_, _, _, _, ..] => format!("write ARNs of the kinds that `{what}` acts upon"),
        arns => format!("write {}", arns.join(" or ")),
    };
    let message = format!("`{what}` never acts upon the statement's resources");
    notes.push(note(Rule::ResourceNever, message, instead).about(what));
}

/// Whether an entry of a policy and a resource type's pattern share an ARN.
pub(super) fn arns_overlap(entry: &str, known: &str) -> bool {
    // A variable is any text, and so is what is not known.
    let mut plain = String::new();
    let entry = entry.replace(UNKNOWN, "*");
    let mut rest = entry.as_str();
    while let Some((before, after)) = rest.split_once("${") {
        plain.push_str(before);
        plain.push('*');
        rest = after.split_once('}').map_or("", |(_, after)| after);
    }
    plain.push_str(rest);
    if spans_to(&plain.to_lowercase(), &known.to_lowercase()) {
        return true;
    }
    for _ in plain.split(':').count()..6 {
        plain.push_str(":*");
    }
    let (Some(entry), Some(known)) = (Arn::parse(&plain), Arn::parse(known)) else { return false };
    let fold = |a: &str, b: &str| overlap(&a.to_lowercase(), &b.to_lowercase());
    fold(entry.partition, known.partition)
        && fold(entry.service, known.service)
        && fold(entry.region, known.region)
        && fold(entry.account, known.account)
        && overlap(entry.resource, known.resource)
}

/// Whether they share an ARN in that a `*` at the end of a part of the entry,
/// before the resource, goes beyond that part.
fn spans_to(entry: &str, known: &str) -> bool {
    let (mut entry, mut known) = (entry, known);
    for _ in 0..5 {
        let (Some((part, rest)), Some((other, beyond))) =
            (entry.split_once(':'), known.split_once(':'))
        else {
            // The entry ends before its resource.
            return entry.ends_with('*') && overlap(entry, known);
        };
        if part.ends_with('*') && overlap(entry, known) {
            return true;
        }
        if !overlap(part, other) {
            return false;
        }
        (entry, known) = (rest, beyond);
    }
    false
}
