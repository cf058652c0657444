//! The engine has the last word: what lint says can never match is tried with
//! requests made to match, as many as the catalogue admits.

use proptest::prelude::*;
use proptest::sample::Index;

use super::keys::is_listed_for_nobody;
use super::{Rule, lint};
use crate::catalog::{self, Action, Arns as _, Service};
use crate::document::{Document, Kind};
use crate::evaluate::{Policies, asked};
use crate::pattern::{Case, Glob};
use crate::request::{Context, Principal, Request};
use crate::statement::Truth;

const ACCOUNT: &str = "123456789012";

/// A statement of one action entry, one resource entry and a condition.
#[derive(Debug, Clone)]
struct Made {
    effect: &'static str,
    action: String,
    resource: String,
    condition: Option<(String, String, String)>,
    /// Whether the resource is everything or of a type of the action's own.
    own: bool,
}

impl Made {
    fn document(&self) -> Option<Document> {
        let condition = self.condition.as_ref().map(|(operator, key, value)| {
            format!(r#", "Condition": {{"{operator}": {{"{key}": "{value}"}}}}"#)
        });
        let text = format!(
            r#"{{"Version": "2012-10-17", "Statement": [
                {{"Effect": "{}", "Action": "{}", "Resource": "{}"{}}}]}}"#,
            self.effect,
            self.action,
            self.resource,
            condition.unwrap_or_default()
        );
        Document::parse("made", &text, Kind::Identity).ok()
    }

    /// The actions of the catalogue that the entry covers.
    fn actions(&self) -> Vec<(&'static Service, &'static Action)> {
        let (prefix, name) = self.action.split_once(':').unwrap_or(("*", "*"));
        let name = Glob::new(name);
        let services = catalog::prefixes().filter(|known| prefix == "*" || *known == prefix);
        services
            .filter_map(catalog::service)
            .flat_map(|service| service.actions().map(move |action| (service, action)))
            .filter(|(_, action)| name.matches(action.name, Case::Fold))
            .collect()
    }
}

/// A pattern with its wildcards, and a template with its variables, filled in.
fn filled(pattern: &str, with: &str) -> String {
    let mut out = String::new();
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once("${") {
        out.push_str(before);
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        out.push_str(match name {
            "Partition" => "aws",
            "Region" => "us-east-1",
            "Account" => ACCOUNT,
            _ => "x",
        });
        rest = after;
    }
    out.push_str(rest);
    out.replace('*', with).replace('?', "x")
}

/// The resources on which the action can be asked for, made to fit an entry.
fn resources(service: &Service, action: &Action, entry: &str) -> Vec<String> {
    if action.takes_only_everything() {
        return vec!["*".to_owned()];
    }
    // Of API Gateway's verbs the reference has some paths alone.
    let kinds: Vec<_> = match service.prefix {
        "apigateway" => service.resource_types().collect(),
        _ => action.resources.iter().filter_map(|it| service.resource_type(it.name)).collect(),
    };
    let mut found: Vec<String> = ["x", "", "x/x", "us-east-1", ACCOUNT, "x:x", "aws"]
        .iter()
        .map(|fill| filled(entry, fill))
        .filter(|arn| kinds.iter().any(|kind| kind.matches(arn)))
        .collect();
    found.extend(kinds.iter().flat_map(|kind| kind.arn.iter().map(|arn| filled(arn, "x"))));
    found
}

/// The context of a request for the action that meets the condition, if the
/// action carries its key; without the key, if it does not.
fn contexts(service: &Service, action: &Action, made: &Made) -> Vec<Context> {
    let mut contexts = vec![Context::new()];
    if let Some((_, key, value)) = &made.condition
        && (service.carries(action, key) || service.named_by(action, key).is_some())
    {
        let list = service.key_type(key).is_some_and(|kind| kind.starts_with("ArrayOf"));
        contexts.extend(VALUES.map(|known| with(key, known, list)));
        contexts.push(with(key, &value.replace('*', "x"), list));
    }
    contexts
}

/// Values of requests, one of each kind that an operator reads.
const VALUES: [&str; 7] = [
    "other",
    "5",
    "true",
    "10.0.0.1",
    "2026-01-01T00:00:00Z",
    "arn:aws:iam::123456789012:role/a",
    "YQ==",
];

/// A request's context with a key.
fn with(key: &str, value: &str, list: bool) -> Context {
    let mut context = Context::new();
    match list {
        true => context.set_list(key, [value]),
        false => context.set(key, value),
    };
    context
}

/// The first request that the catalogue admits and the statement matches.
fn matched(made: &Made, document: &Document) -> Option<String> {
    let principal = Principal::User { arn: format!("arn:aws:iam::{ACCOUNT}:user/u") };
    let policies = Policies::default();
    let statement = document.statements().first().unwrap();
    // Where every action is meant, a few of each kind stand for them.
    let step = made.actions().len() / 200 + 1;
    for (service, action) in made.actions().into_iter().step_by(step) {
        let name = format!("{}:{}", service.prefix, action.name);
        for resource in resources(service, action, &made.resource) {
            for context in contexts(service, action, made) {
                let request = Request {
                    principal: &principal,
                    action: &name,
                    resource: &resource,
                    resource_account: Some(ACCOUNT),
                    context: &context,
                };
                if statement.certainly_applies(&asked(&request, &policies)) {
                    return Some(format!("{name} on {resource} with {context:?}"));
                }
            }
        }
    }
    None
}

/// Whether lint says that nothing matches the statement, by its words.
fn never(made: &Made, document: &Document) -> Option<String> {
    let findings = lint(document);
    let never = findings.into_iter().find(|finding| match finding.rule {
        Rule::UnknownAction | Rule::UnknownService | Rule::ResourceNever => true,
        Rule::KeyNeverCarried | Rule::UnreadableValue => {
            let words = ["so the statement never", "so it never holds"];
            words.iter().any(|words| finding.message.contains(words))
        }
        // With one value, which nothing equals or reads.
        Rule::StarAsText => finding.message.contains("so it holds for nothing"),
        Rule::ListWithoutSetOperator => {
            let holds = |operator: &str| operator.contains("Not") || operator.contains("IfExists");
            made.condition.as_ref().is_some_and(|(operator, ..)| !holds(operator))
        }
        _ => false,
    });
    never.map(|finding| finding.to_string())
}

const OPERATORS: [&str; 22] = [
    "StringEquals",
    "StringLike",
    "StringNotEquals",
    "StringNotLike",
    "StringEqualsIgnoreCase",
    "StringEqualsIfExists",
    "ForAnyValue:StringEquals",
    "ForAnyValue:StringLike",
    "ForAnyValue:StringNotEquals",
    "ForAllValues:StringLike",
    "NumericEquals",
    "NumericLessThan",
    "NumericLessThanIfExists",
    "ForAnyValue:NumericEquals",
    "DateGreaterThan",
    "IpAddress",
    "NotIpAddressIfExists",
    "Bool",
    "BinaryEquals",
    "ArnLike",
    "ArnNotEquals",
    "Null",
];

/// Keys of no service's: misspelt ones, and claims of tokens.
const STRANGE: [&str; 7] = [
    "iam:PermissionBoundary",
    "aws:PrincipalOrgPath",
    "nothing",
    "token.actions.githubusercontent.com:repository",
    "token.actions.githubusercontent.com:event_name",
    "dev-1.okta.com/oauth2/default:groups",
    "dev-1.okta.com/oauth2/default:sub",
];

/// The action: as it is, by a pattern, misspelt, of no service.
fn action_of(service: &Service, action: &Action, form: usize) -> String {
    let (prefix, name) = (&service.prefix, &action.name);
    let start: String = name.chars().take(4).collect();
    match form % 8 {
        0 => format!("{prefix}:{start}*"),
        1 => format!("{prefix}:*"),
        2 => format!("{prefix}:{}", name.to_lowercase()),
        3 => format!("{prefix}:{name}Wrong"),
        4 => format!("{prefix}wrong:{name}"),
        5 => "*".to_owned(),
        _ => format!("{prefix}:{name}"),
    }
}

/// The resource: everything, the action's own type in several forms, another's.
fn resource_of(service: &Service, action: &Action, form: usize, other: &str) -> String {
    let own = action.resources.first().and_then(|kind| service.resource_type(kind.name));
    let own = own.and_then(|kind| kind.arn.first().copied()).unwrap_or("*");
    let any = |template: &str| {
        let mut out = String::new();
        for (number, part) in template.split("${").enumerate() {
            let part = match number {
                0 => part.to_owned(),
                _ => format!("*{}", part.split_once('}').map_or("", |(_, rest)| rest)),
            };
            out.push_str(&part);
        }
        out.replacen("arn:*:", "arn:aws:", 1)
    };
    match form % 6 {
        0 => "*".to_owned(),
        1 => filled(own, "x"),
        2 => any(own),
        3 => format!("arn:aws:{}:*:*:*", service.prefix),
        4 => any(other),
        _ => format!("{}*", filled(own, "x")),
    }
}

fn pick<'a, T>(index: &Index, items: &'a [T]) -> &'a T {
    &items[index.index(items.len())]
}

fn made() -> impl Strategy<Value = Made> {
    let choice = any::<Index>;
    let whole = (choice(), choice(), choice(), choice(), 0..8_usize, 0..6_usize, any::<bool>());
    let condition = proptest::option::of((choice(), choice(), choice(), 0..4_usize));
    (whole, condition).prop_map(|((service, action, kind, other, form, on, deny), condition)| {
        let services: Vec<&Service> = catalog::prefixes().filter_map(catalog::service).collect();
        let service = *pick(&service, &services);
        let actions: Vec<&Action> = service.actions().collect();
        let action = *pick(&action, &actions);
        let elsewhere = *pick(&other, &services);
        let kinds: Vec<&str> =
            elsewhere.resource_types().filter_map(|kind| kind.arn.first().copied()).collect();
        let other = if kinds.is_empty() { "*" } else { *pick(&kind, &kinds) };
        let condition = condition.map(|(operator, key, value, whose)| {
            let keys: Vec<&str> = match whose {
                0 => elsewhere.keys().collect(),
                1 => catalog::global_keys().collect(),
                2 => STRANGE.to_vec(),
                _ => service.keys().collect(),
            };
            let key = if keys.is_empty() { "aws:username" } else { *pick(&key, &keys) };
            let key = filled(&key.replace("<key>", "x").replace("tag-key", "x"), "x");
            let values =
                ["a", "a*", "true", "10", "10.0.0.0/8", "2026", "arn:aws:iam::123456789012:role/a"];
            let value = *pick(&value, &values);
            ((*pick(&operator, &OPERATORS)).to_owned(), key, value.to_owned())
        });
        Made {
            effect: if deny { "Deny" } else { "Allow" },
            action: action_of(service, action, form),
            resource: resource_of(service, action, on, other),
            condition,
            own: matches!(on % 6, 0..=2 | 5),
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn what_lint_says_never_matches_is_matched_by_no_request(made in made()) {
        let Some(document) = made.document() else { return Ok(()) };
        if let Some(finding) = never(&made, &document) {
            let found = matched(&made, &document);
            prop_assert!(found.is_none(), "{finding}\nbut the engine matches {found:?}");
        }
    }

    /// What lint says of requests without the key, and of those with it, is what
    /// the engine makes of them.
    #[test]
    fn what_lint_says_of_a_key_that_is_not_there_holds(made in made()) {
        let Some(document) = made.document() else { return Ok(()) };
        let statement = document.statements().first().unwrap();
        let Some(condition) = statement.conditions.first() else { return Ok(()) };
        let holds = |context: &Context| condition.holds(context, statement.effect);
        for finding in lint(&document) {
            let says = |words: &str| finding.message.contains(words);
            let without = match finding.rule {
                Rule::AllowedWhenAbsent | Rule::AllValuesOfNothing => Some(Truth::True),
                Rule::NotDeniedWhenAbsent => Some(Truth::False),
                _ if says("limits nothing") || says("leaves nothing out") => Some(Truth::True),
                _ if says("holds for requests without") => Some(Truth::True),
                _ => None,
            };
            if let Some(without) = without {
                prop_assert_eq!(holds(&Context::new()), without, "{}", finding);
            }
            let every = says("so every request");
            let alone = says("for requests without") && says("alone");
            for value in VALUES.iter().filter(|_| every || alone) {
                let context = with(&condition.key, value, false);
                prop_assert_eq!(holds(&context), Truth::of(every), "{}: {}", finding, value);
            }
        }
    }

    /// What makes the first test one: the requests are good enough to match
    /// each statement that lint finds nothing in.
    #[test]
    fn a_statement_without_a_finding_is_matched(made in made()) {
        let Some(document) = made.document() else { return Ok(()) };
        let meets = made.condition.as_ref().is_none_or(|(operator, key, value)| {
            // The reference has some keys that it gives to no action.
            let listed = |service: &Service| is_listed_for_nobody(service, key);
            let known = |service: &Service| service.actions().any(|it| service.carries(it, key));
            let mut services = catalog::prefixes().filter_map(catalog::service);
            let judged = !made.actions().into_iter().any(|(service, _)| listed(service));
            judged && services.any(known) && ["StringLike", "ForAnyValue:StringLike", "StringEqualsIfExists"]
                .contains(&operator.as_str())
                && !value.contains("true")
        });
        // Lint judges resources and keys each by itself.
        let simple = made.condition.is_none()
            || (!made.action.contains('*') && made.resource == "*");
        if meets && simple && made.own && made.action != "*" && lint(&document).is_empty() {
            prop_assert!(matched(&made, &document).is_some(), "nothing matches {made:?}");
        }
    }
}
