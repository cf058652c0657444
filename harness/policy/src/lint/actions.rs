//! Actions that do not exist, keys that they never carry, resources that they
//! never have.

use super::overlap::overlap;
use super::{Note, Rule, UNKNOWN, note};
use crate::arn::Arn;
use crate::catalog::{self, Action, Service};
use crate::condition::Condition;
use crate::operator::{Base, Quantifier, distance};
use crate::pattern::Case;
use crate::statement::{ActionPattern, Effect, Resources, Statement};

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
const RESOURCES_BESIDE: [(&str, &str, &str); 2] = [
    // A template with a transform needs it on the transform too:
    // https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-permissions-cloudformation.html
    ("cloudformation", "CreateChangeSet", "arn:*:cloudformation:*:aws:transform/*"),
    // The reference gives it no resource any more; AWS's refusals still name
    // `log-group::log-stream:`, and policies on `log-group:*` allow it.
    ("logs", "DescribeLogGroups", "arn:*:logs:*:*:log-group::log-stream:"),
];

/// Keys that are in a request together or not at all: "SecurityGroupIds and
/// SubnetIds must both be specified or both be empty", and the VPC is theirs.
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#vpc-conditions>
const TOGETHER: [&str; 3] = ["lambda:VpcIds", "lambda:SubnetIds", "lambda:SecurityGroupIds"];

fn together(key: &str, other: &str) -> bool {
    let known = |key: &str| TOGETHER.iter().any(|known| known.eq_ignore_ascii_case(key));
    key.eq_ignore_ascii_case(other) || (known(key) && known(other))
}

/// The actions that an entry of a statement covers.
struct Covered<'s> {
    source: &'s str,
    /// Whether the entry names one action, and not a pattern.
    exact: bool,
    actions: Vec<(&'static Service, &'static Action)>,
}

pub(super) fn check(statement: &Statement, notes: &mut Vec<Note>) {
    if statement.actions.negated {
        return;
    }
    for pattern in &statement.actions.patterns {
        let Some(covered) = covered(pattern, notes) else { continue };
        for condition in &statement.conditions {
            keys(statement, &covered, condition, notes);
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
    let service = catalog::service(prefix)?;
    let actions: Vec<_> = service
        .actions()
        .filter(|action| pattern.name.matches(&action.name, Case::Fold))
        .map(|action| (service, action))
        .collect();
    if actions.is_empty() {
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

/// Whether the catalogue knows the key's service, so that it can tell who
/// carries it: without a service, nobody. Keys of identity providers
/// (`issuer:sub`) it cannot judge.
fn judged(key: &str) -> bool {
    key.split_once(':').is_none_or(|(prefix, _)| {
        prefix.eq_ignore_ascii_case("aws") || catalog::service(prefix).is_some()
    })
}

fn keys(
    statement: &Statement,
    covered: &Covered<'_>,
    condition: &Condition,
    notes: &mut Vec<Note>,
) {
    let key = condition.key.as_ref();
    let carried = |(service, action): &(&Service, &Action)| service.carries(action, key);
    let never = !covered.actions.iter().any(carried);
    if judged(key) && never && condition.operator.base != Base::Null {
        let effect = match (statement.effect, condition.holds_when_absent()) {
            (Effect::Allow, false) => "so the statement never allows it",
            (Effect::Deny, false) => "so the statement never denies it",
            (Effect::Allow, true) => "so the condition limits nothing",
            (Effect::Deny, true) => "so the statement always denies it",
        };
        let what = covered.source;
        notes.push(
            note(
                Rule::KeyNeverCarried,
                format!("requests for `{what}` never carry `{key}`, {effect}"),
                format!("move `{what}` into a statement of its own, with keys that it carries"),
            )
            .about(what),
        );
        return;
    }
    let list = covered
        .actions
        .iter()
        .filter_map(|(service, _)| service.key_type(key))
        .any(|kind| kind.starts_with("ArrayOf"));
    match condition.operator.quantifier {
        None if list && condition.operator.base != Base::Null => notes.push(
            note(
                Rule::ListWithoutSetOperator,
                format!(
                    "`{key}` holds a list, and {} alone matches no list",
                    condition.operator_name
                ),
                format!("write `ForAnyValue:{0}` or `ForAllValues:{0}`", condition.operator_name),
            )
            .about(key),
        ),
        Some(Quantifier::ForAllValues)
            if statement.effect == Effect::Allow && !checked_for_presence(statement, key) =>
        {
            notes.push(
                note(
                    Rule::AllValuesOfNothing,
                    format!("{} holds when the request has no `{key}`", condition.operator_name),
                    format!("add `\"Null\": {{\"{key}\": \"false\"}}`"),
                )
                .about(key),
            );
        }
        _ => {}
    }
}

/// Whether the statement holds only for requests that have the key.
pub(super) fn checked_for_presence(statement: &Statement, key: &str) -> bool {
    statement.conditions.iter().any(|condition| {
        together(&condition.key, key)
            && match condition.operator.base {
                Base::Null => condition.sources.iter().all(|text| &**text == "false"),
                _ => !condition.holds_when_absent(),
            }
    })
}

fn resource(covered: &Covered<'_>, resources: &Resources, notes: &mut Vec<Note>) {
    if resources.negated || resources.patterns.iter().any(|pattern| pattern.source() == "*") {
        return;
    }
    let fits = |(service, action): &(&Service, &Action)| {
        action.resources.iter().filter_map(|known| service.resource_type(&known.name)).any(|kind| {
            kind.patterns().any(|known| {
                resources.patterns.iter().any(|pattern| arns_overlap(pattern.source(), &known))
            })
        })
    };
    let beside = |(service, action): &(&Service, &Action)| {
        RESOURCES_BESIDE.iter().any(|(prefix, name, known)| {
            *prefix == service.prefix
                && name.eq_ignore_ascii_case(&action.name)
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
        .filter_map(|kind| service.resource_type(&kind.name)?.arn.first())
        .map(|arn| format!("`{arn}`"))
        .collect();
    let instead = match arns.as_slice() {
        [] => format!("write ARNs of the kinds that `{what}` acts upon"),
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
    // A `*` at the end of a part before the resource may go beyond it.
    let spans = plain.split(':').take(5).any(|part| part.ends_with('*'));
    if spans && overlap(&plain.to_lowercase(), &known.to_lowercase()) {
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
