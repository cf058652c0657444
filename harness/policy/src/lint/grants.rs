//! Grants that give more than they say.

use super::actions::arns_overlap;
use super::{Note, Rule, UNKNOWN, claims, note};
use crate::condition::Condition;
use crate::document::{Document, Kind};
use crate::operator::Base;
use crate::pattern::{Case, Glob};
use crate::principal::Entry;
use crate::statement::{Action, ActionPattern, Effect, Statement};

pub(super) fn check(document: &Document, statement: &Statement, notes: &mut Vec<Note>) {
    if statement.effect != Effect::Allow {
        return;
    }
    match document.kind() {
        Kind::Identity => {
            wide(statement, notes);
            pass_role(statement, notes);
            routes(statement, notes);
            function_network(statement, notes);
            all_but(statement, notes);
        }
        Kind::Resource => all_but(statement, notes),
        Kind::Trust => web_identity(statement, notes),
        // What only limits grants nothing, and is customarily all but some.
        Kind::Boundary
        | Kind::Session
        | Kind::ServiceControl
        | Kind::ResourceControl
        | Kind::VpcEndpoint => {}
    }
}

/// Checks that are about all statements together.
pub(super) fn check_whole(document: &Document, notes: &mut Vec<Note>) {
    if document.kind() == Kind::Boundary {
        network(document, notes);
    }
}

/// "When you use NotAction with Allow … you could grant users more
/// permissions than you intended" (and so with `NotResource`):
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notaction.html>.
fn all_but(statement: &Statement, notes: &mut Vec<Note>) {
    if statement.actions.negated {
        let message = "all actions but those named are allowed, of every service, \
                       those that AWS adds later included";
        let instead = "name what is allowed in `Action`, or deny the exceptions in a statement of \
                       their own";
        notes.push(note(Rule::AllowOfAllButSome, message, instead).about("NotAction"));
    }
    if statement.resources.as_ref().is_some_and(|resources| resources.negated) {
        let message = "all resources but those named are allowed, those made later included";
        let instead = "name what is allowed in `Resource`, or deny the exceptions in a statement \
                       of their own";
        notes.push(note(Rule::AllowOfAllButSome, message, instead).about("NotResource"));
    }
}

const ROUTE_TYPE: &str = "apigateway:Request/RouteAuthorizationType";

/// An HTTP API's routes are made by `POST` (and `PUT`) on `/apis/API/routes`
/// and changed by `PATCH` on a route; only the condition key tells the type of
/// authorization that the call asks for.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/security_iam_service-with-iam.html>
fn routes(statement: &Statement, notes: &mut Vec<Note>) {
    const VERBS: [&str; 3] = ["POST", "PUT", "PATCH"];
    const META: [&str; 2] = ["CreateRoute", "UpdateRoute"];
    if statement.actions.negated {
        return;
    }
    let asks = |pattern: &&ActionPattern| match pattern.service.as_deref() {
        Some("apigateway") => VERBS.iter().any(|verb| pattern.name.matches(verb, Case::Fold)),
        // No action, but it says what is meant: see `unknown-action`.
        Some("apigatewayv2") => META.iter().any(|name| pattern.name.matches(name, Case::Fold)),
        _ => false,
    };
    let patterns: Vec<&ActionPattern> = statement.actions.patterns.iter().filter(asks).collect();
    let Some(first) = patterns.first() else { return };
    let on_routes = statement.resources.as_ref().is_some_and(|resources| {
        !resources.negated && resources.patterns.iter().any(|pattern| on_routes(pattern.source()))
    });
    let required = statement.conditions.iter().any(|condition| {
        condition.key.eq_ignore_ascii_case(ROUTE_TYPE) && !condition.holds_when_absent()
    });
    if on_routes && !required {
        let message = format!(
            "`{}` reaches routes, and nothing asks for an authorizer: a route may be made or \
             changed with `AuthorizationType` NONE",
            first.source
        );
        let instead = format!(
            "allow it on routes under `\"ForAnyValue:StringEquals\": {{\"{ROUTE_TYPE}\": \"JWT\"}}`"
        );
        notes.push(note(Rule::RouteWithoutAuthorizer, message, instead).about(&*first.source));
    }
}

/// Whether an entry of `Resource` covers an API's routes, or one of them. Ids
/// hold no slash, so that `/apis/*/integrations` covers none.
fn on_routes(entry: &str) -> bool {
    let mut parts = entry.split('/').skip(2);
    let mut id = |else_id| {
        parts.next().filter(|part| !part.contains(['*', '?', '$', UNKNOWN])).unwrap_or(else_id)
    };
    let api = id("api");
    let collection = id("routes");
    let route = id("route");
    entry == "*"
        || (collection == "routes"
            && ["routes".to_owned(), format!("routes/{route}")].iter().any(|path| {
                arns_overlap(entry, &format!("arn:*:apigateway:*::/apis/{api}/{path}"))
            }))
}

/// What Lambda needs of an execution role for a function in a VPC.
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions>
const NETWORK: [&str; 6] = [
    "CreateNetworkInterface",
    "DescribeNetworkInterfaces",
    "DescribeSubnets",
    "DeleteNetworkInterface",
    "AssignPrivateIpAddresses",
    "UnassignPrivateIpAddresses",
];

/// A boundary that lets interfaces be made lacks none of the rest.
fn network(document: &Document, notes: &mut Vec<Note>) {
    let allows = |name: &str| {
        document.statements().iter().any(|statement| {
            let listed = statement.actions.patterns.iter().any(|pattern| {
                pattern.service.as_deref().is_none_or(|service| service == "ec2")
                    && pattern.name.matches(name, Case::Fold)
            });
            statement.effect == Effect::Allow && listed != statement.actions.negated
        })
    };
    if !allows("CreateNetworkInterface") {
        return;
    }
    let missing: Vec<String> =
        NETWORK.iter().filter(|name| !allows(name)).map(|name| format!("`ec2:{name}`")).collect();
    if !missing.is_empty() {
        let message = format!(
            "the boundary lets a function make network interfaces, but not all that Lambda needs \
             in a VPC: it lacks {}",
            missing.join(", ")
        );
        let instead = format!("add {}", missing.join(", "));
        notes.push(note(Rule::NetworkPermissionsIncomplete, message, instead));
    }
}

fn on_everything(statement: &Statement) -> bool {
    statement.resources.as_ref().is_some_and(|resources| {
        !resources.negated && resources.patterns.iter().any(|pattern| pattern.source() == "*")
    })
}

/// "Lambda also supports condition keys to control VPC settings": the calls
/// that choose a function's network carry them
/// (<https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#vpc-conditions>).
fn function_network(statement: &Statement, notes: &mut Vec<Note>) {
    const CALLS: [&str; 2] = ["CreateFunction", "UpdateFunctionConfiguration"];
    const KEYS: [&str; 3] = ["lambda:VpcIds", "lambda:SubnetIds", "lambda:SecurityGroupIds"];
    // `lambda:*` on everything is a finding of its own.
    if statement.actions.negated || is_wide(statement) {
        return;
    }
    let chooses = |pattern: &&ActionPattern| {
        pattern.service.as_deref() == Some("lambda")
            && CALLS.iter().any(|call| pattern.name.matches(call, Case::Fold))
    };
    let held = statement.conditions.iter().any(|condition| {
        KEYS.iter().any(|key| condition.key.eq_ignore_ascii_case(key))
            && !condition.holds_when_absent()
    });
    if let Some(first) = statement.actions.patterns.iter().find(chooses)
        && !held
    {
        let message = format!(
            "`{}` chooses where a function runs, and nothing holds it to a network: it may run \
             outside the VPC",
            first.source
        );
        let instead = "allow it under `\"StringEquals\": {\"lambda:VpcIds\": …}`; who deploys code \
                       alone needs only `lambda:UpdateFunctionCode`";
        notes.push(note(Rule::FunctionOutOfNetwork, message, instead).about(&*first.source));
    }
}

/// Whether all resources are covered, unconditionally.
fn is_wide(statement: &Statement) -> bool {
    on_everything(statement) && statement.conditions.is_empty()
}

fn wide(statement: &Statement, notes: &mut Vec<Note>) {
    if statement.actions.negated || !is_wide(statement) {
        return;
    }
    let whole = statement.actions.patterns.iter().filter(|pattern| pattern.name == Glob::Any);
    for pattern in whole {
        let what = &pattern.source;
        notes.push(
            note(
                Rule::WideGrant,
                format!("`{what}` on `*` reaches every resource of the account"),
                "name the actions that are needed, and the resources that are the caller's own",
            )
            .about(&**what),
        );
    }
}

fn pass_role(statement: &Statement, notes: &mut Vec<Note>) {
    let covers = statement.actions.patterns.iter().find(|pattern| {
        pattern.service.as_deref().is_none_or(|service| service == "iam")
            && pattern.name.matches("PassRole", Case::Fold)
    });
    let Some(covering) = covers.filter(|_| !statement.actions.negated) else { return };
    let pinned = statement.conditions.iter().any(|condition| {
        condition.key.eq_ignore_ascii_case("iam:PassedToService") && names_values(condition)
    });
    if !pinned {
        let message = "`iam:PassRole` passes the role to any service";
        let instead = "add a condition on `iam:PassedToService`";
        notes.push(note(Rule::PassRoleToAnyService, message, instead).about(&*covering.source));
    }
    // Where every action is granted, roles are the least of it.
    let any_role = statement.resources.as_ref().is_some_and(|resources| {
        !resources.negated
            && resources
                .patterns
                .iter()
                .any(|pattern| pattern.source() == "*" || pattern.source().ends_with(":role/*"))
    });
    // A role's own tags, or whom it is for, say which.
    let narrowed = statement.conditions.iter().any(|condition| {
        let key = condition.key.to_ascii_lowercase();
        let told = ["iam:resourcetag/", "aws:resourcetag/", "iam:associatedresourcearn"];
        told.iter().any(|start| key.starts_with(start)) && !condition.holds_when_absent()
    });
    if any_role && !narrowed && covering.name != Glob::Any {
        let message = "`iam:PassRole` passes any role of the account, an administrator's included";
        let instead = "name the roles, or a prefix that is the caller's own";
        notes.push(note(Rule::PassAnyRole, message, instead).about(&*covering.source));
    }
}

/// Whether a condition on a key that each request has holds for values that it names alone:
/// not for all others, and not for any. Whoever passes a role says to which service
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#ck_PassedToService>).
fn names_values(condition: &Condition) -> bool {
    let is_any = |value: &str| !value.is_empty() && value.bytes().all(|one| one == b'*');
    match condition.operator.base {
        Base::Null => false,
        _ if condition.operator.negated => false,
        Base::StringLike => !condition.values().iter().any(|value| is_any(value)),
        _ => true,
    }
}

/// GitHub's provider: its `sub` starts with `repo:OWNER/NAME:`.
const GITHUB: &str = "token.actions.githubusercontent.com";

fn web_identity(statement: &Statement, notes: &mut Vec<Note>) {
    let Some(principals) = &statement.principals else { return };
    let providers = principals.entries.iter().filter_map(|entry| match entry {
        Entry::Federated(provider) => match provider.split_once(":oidc-provider/") {
            Some((_, name)) => Some(name),
            None => unknown_provider(statement, provider),
        },
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
        let scoped = on("sub").any(|condition| {
            // Where a star is text, nobody's token has it: that is told as such.
            let nobody = |value: &str| is_exact(condition) && value.contains('*');
            condition.sources.iter().all(|value| nobody(value) || names_a_repository(value))
        });
        if !scoped {
            notes.push(note(
                Rule::TrustOfAnyRepository,
                format!("`{provider}:sub` names no single repository"),
                "write `repo:OWNER/NAME:*`, or better its branch or environment",
            ));
        }
    }
}

/// The provider of which an Allow takes tokens, where its ARN is not known: the one of whose
/// claims the conditions are, else what stands for it.
fn unknown_provider<'s>(statement: &'s Statement, arn: &'s str) -> Option<&'s str> {
    let takes_tokens = statement.is_about_action(&Action::parse("sts:AssumeRoleWithWebIdentity"));
    if !arn.contains(UNKNOWN) || !takes_tokens {
        return None;
    }
    let mut keys = statement.conditions.iter().filter_map(|one| claims::provider(&one.key));
    Some(keys.next().map_or(arn, |(name, _)| name))
}

/// Whether wildcards are ordinary characters to the condition.
fn is_exact(condition: &Condition) -> bool {
    matches!(condition.operator.base, Base::StringEquals | Base::StringEqualsIgnoreCase)
}

/// `repo:OWNER/NAME:…` with no wildcard before the second colon, as far as it is known.
fn names_a_repository(pattern: &str) -> bool {
    let mut parts = pattern.splitn(3, ':');
    let (kind, name, rest) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
    let Some(name) = name.filter(|_| !kind.contains(UNKNOWN)) else {
        return kind.contains(UNKNOWN);
    };
    let may_go_on = name.contains(UNKNOWN);
    kind == "repo"
        && !name.contains(['*', '?'])
        && (may_go_on || (name.contains('/') && rest.is_some()))
}
