//! The sentences of the parser that reads trust policies and the policies of
//! resources.
//!
//! - Invalid JSON: recorded on AWS in LocalStack's
//!   `test_create_role_with_malformed_assume_role_policy_document`.
//! - `Unknown field`: <https://github.com/hashicorp/terraform-provider-aws/issues/8905>
//!   and others; `Has prohibited field Resource`:
//!   <https://github.com/kubernetes-sigs/external-dns/issues/3085>.
//! - A text that is no policy, an empty one, an empty statement, a missing
//!   element: as DynamoDB, which has the same parser, answered in October 2026.
//! - Effects, principals and actions: as Versity's gateway was compared with
//!   AWS (<https://github.com/versity/versitygw>, `iamapi/policy`).

use std::collections::HashSet;

use super::{listed, member, members, text, texts};
use crate::json::{self, Member, Node, Value};
use crate::operator::Operator;
use crate::principal::Entry;
use crate::service_name;

const JSON: &str = "This policy contains invalid Json";
const SYNTAX: &str = "Syntax errors in policy.";
const PRINCIPAL: &str = "Invalid principal in policy";

/// What a service asks of the statements beyond the grammar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Grammar {
    /// A role's trust policy: no resources, STS's actions alone.
    Trust,
    /// The policy of a bucket.
    Bucket,
    /// The policy of another resource.
    Other(Elements),
}

/// Which of the elements that a resource's policy usually has a service asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Elements {
    /// `Action` and `Resource`, or their opposites.
    All,
    /// `Action` alone; `Resource` may be there.
    ActionOnly,
    /// `Action`; `Resource` may not be there.
    NoResource,
    /// Neither: a statement without one of them has no effect.
    Neither,
}

/// Why a resource's policy is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It is no JSON, or no object.
    Json,
    /// It has no form of a policy; the parser's sentence.
    Form(String),
    /// A statement names nobody, or something that is no principal; the parser's
    /// sentence.
    Principal(String),
}

impl Fault {
    /// The sentence of the parser.
    pub fn sentence(&self) -> &str {
        match self {
            Self::Json => JSON,
            Self::Form(sentence) | Self::Principal(sentence) => sentence,
        }
    }
}

/// Why the policy of a resource is none; nothing where there is no fault. What its
/// actions and resources are is not looked at.
pub fn resource(document: &str, elements: Elements) -> Option<Fault> {
    let Ok(root) = json::parse(document) else { return Some(Fault::Json) };
    let Some(top) = members(&root) else { return Some(Fault::Json) };
    let sentence = check(top, Grammar::Other(elements)).err()?;
    let is_principal =
        sentence == PRINCIPAL || sentence.starts_with("Missing required field Princ");
    Some(if is_principal { Fault::Principal(sentence) } else { Fault::Form(sentence) })
}

/// What IAM answers to a role's trust policy; nothing where it finds no fault.
pub fn trust(document: &str) -> Option<String> {
    let checked = json::parse(document).map_err(|_| JSON.to_owned()).and_then(|root| {
        if matches!(root.value, Value::Null) {
            return Err("This text appears not to be a policy".to_owned());
        }
        let top = members(&root).ok_or(JSON)?;
        if top.is_empty() {
            return Err("Syntax error at position (1,3)".to_owned());
        }
        check(top, Grammar::Trust)
    });
    checked.err()
}

/// Checks a document that is an object.
pub(super) fn check(top: &[Member], grammar: Grammar) -> Result<(), String> {
    for Member { key, value, .. } in top {
        match key.as_str() {
            "Version" => {
                if !matches!(text(value), Some("2008-10-17" | "2012-10-17")) {
                    return Err("The policy must contain a valid version string".to_owned());
                }
            }
            "Id" => drop(text(value).ok_or(SYNTAX)?),
            "Statement" => {}
            unknown => return Err(format!("Unknown field {unknown}")),
        }
    }
    let statements = listed(member(top, "Statement").ok_or("Missing required field Statement")?);
    if statements.is_empty() {
        return Err("Could not parse the policy: Statement is empty!".to_owned());
    }
    let mut sids = HashSet::new();
    for node in statements {
        let statement = members(node).ok_or(SYNTAX)?;
        check_statement(statement, grammar)?;
        let sid = member(statement, "Sid").and_then(text).filter(|sid| !sid.is_empty());
        // S3 stores such a policy:
        // https://github.com/cloud-custodian/cloud-custodian/issues/6145
        if grammar == Grammar::Trust && sid.is_some_and(|sid| !sids.insert(sid)) {
            return Err("The Statement Ids in the policy are not unique".to_owned());
        }
    }
    Ok(())
}

fn check_statement(statement: &[Member], grammar: Grammar) -> Result<(), String> {
    const ELEMENTS: [&str; 9] = [
        "Sid",
        "Effect",
        "Principal",
        "NotPrincipal",
        "Action",
        "NotAction",
        "Resource",
        "NotResource",
        "Condition",
    ];
    if let Some(unknown) = statement.iter().find(|it| !ELEMENTS.contains(&it.key.as_str())) {
        return Err(format!("Unknown field {}", unknown.key));
    }
    let effect = member(statement, "Effect").ok_or("Missing required field Effect")?;
    let effect = text(effect).ok_or(SYNTAX)?;
    if !["allow", "deny"].contains(&effect.to_ascii_lowercase().as_str()) {
        return Err(format!("Invalid effect: {effect}"));
    }
    check_principal(statement, effect, grammar)?;
    check_condition(statement)?;
    let both = |one, other| member(statement, one).and(member(statement, other)).is_some();
    if both("Action", "NotAction") || both("Resource", "NotResource") {
        return Err(SYNTAX.to_owned());
    }
    let actions = check_actions(statement, grammar)?;
    let resource = ["Resource", "NotResource"]
        .into_iter()
        .find_map(|name| member(statement, name).map(|node| (name, node)));
    match (grammar, resource) {
        (Grammar::Trust | Grammar::Other(Elements::NoResource), Some((name, _))) => {
            Err(format!("Has prohibited field {name}"))
        }
        (Grammar::Trust, None) => only_of_sts(statement, &actions),
        (Grammar::Bucket | Grammar::Other(Elements::All), None) => {
            Err("Missing required field Resource".to_owned())
        }
        (Grammar::Bucket | Grammar::Other(_), Some((_, node))) => match texts(Some(node)) {
            given if given.is_empty() => {
                Err("Missing required field Resource cannot be empty!".to_owned())
            }
            _ => Ok(()),
        },
        (Grammar::Other(_), None) => Ok(()),
    }
}

fn check_actions(statement: &[Member], grammar: Grammar) -> Result<Vec<&str>, String> {
    let actions = match member(statement, "Action").or_else(|| member(statement, "NotAction")) {
        Some(actions) => texts(Some(actions)),
        None if grammar == Grammar::Other(Elements::Neither) => return Ok(Vec::new()),
        None => return Err("Missing required field Action".to_owned()),
    };
    if actions.is_empty() {
        return Err("Missing required field Action cannot be empty!".to_owned());
    }
    Ok(actions)
}

fn only_of_sts(statement: &[Member], actions: &[&str]) -> Result<(), String> {
    let is_of_sts =
        |action: &&str| action.get(..4).is_some_and(|begin| begin.eq_ignore_ascii_case("sts:"));
    match actions.iter().all(is_of_sts) && member(statement, "NotAction").is_none() {
        true => Ok(()),
        false => Err("AssumeRole policy may only specify STS AssumeRole actions.".to_owned()),
    }
}

fn check_principal(statement: &[Member], effect: &str, grammar: Grammar) -> Result<(), String> {
    if let Some(excepted) = member(statement, "NotPrincipal") {
        if effect.eq_ignore_ascii_case("allow") {
            return Err("Allow with NotPrincipal is not allowed.".to_owned());
        }
        return match grammar {
            Grammar::Trust => {
                Err("AssumeRole policy must not contain NotPrincipal field.".to_owned())
            }
            Grammar::Bucket | Grammar::Other(_) => check_named(excepted, grammar),
        };
    }
    check_named(member(statement, "Principal").ok_or("Missing required field Principal")?, grammar)
}

/// Names that look like a service's and that IAM was seen to refuse: there is no list of
/// those that it knows, so that every other one is taken
/// (<https://github.com/aws-samples/aws-cdk-examples/issues/801>,
/// <https://github.com/hashicorp/terraform/issues/35086>).
const NO_SERVICES: [&str; 2] = ["amazonaws.com", "tagging.amazonaws.com"];

/// Whether a text has the form of a service's name: labels in a domain of AWS's, no
/// pattern. Which services there are, nobody lists.
pub fn is_service_name(text: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty() && label.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-')
    };
    service_name::without_domain(text).is_some_and(|name| name.split('.').all(is_label))
}

fn is_no_service(kind: &str, name: &str, grammar: Grammar) -> bool {
    let is_refused = matches!(grammar, Grammar::Trust) && NO_SERVICES.contains(&name);
    kind == "Service" && (is_refused || !is_service_name(name))
}

fn check_named(principal: &Node, grammar: Grammar) -> Result<(), String> {
    const EMPTY: &str = "Missing required field Principal cannot be empty!";
    let invalid = |kind: &str, value: &str| match grammar {
        // The kind in capitals: "SERVICE":"…".
        Grammar::Trust => {
            format!("Invalid principal in policy: \"{}\":\"{value}\"", kind.to_uppercase())
        }
        Grammar::Bucket | Grammar::Other(_) => PRINCIPAL.to_owned(),
    };
    match &principal.value {
        Value::String(text) if text == "*" => match grammar {
            // `{"AWS": "*"}` is taken (<https://github.com/aws/aws-cdk/issues/5732>).
            Grammar::Trust => {
                Err("AssumeRolepolicy contained an invalid principal: \"STAR\":\"*\".".to_owned())
            }
            Grammar::Bucket | Grammar::Other(_) => Ok(()),
        },
        Value::String(text) => Err(invalid("AWS", text)),
        Value::Object(kinds) => {
            for Member { key: kind, value, .. } in kinds {
                let values = texts(Some(value));
                let is_bad =
                    |it: &str| Entry::read(kind, it).is_err() || is_no_service(kind, it, grammar);
                if let Some(bad) = values.iter().find(|it| is_bad(it)) {
                    return Err(invalid(kind, bad));
                }
                if values.is_empty() {
                    return Err(EMPTY.to_owned());
                }
            }
            if kinds.is_empty() { Err(EMPTY.to_owned()) } else { Ok(()) }
        }
        _ => Err(SYNTAX.to_owned()),
    }
}

fn check_condition(statement: &[Member]) -> Result<(), String> {
    let Some(condition) = member(statement, "Condition") else { return Ok(()) };
    for Member { key: operator, value, .. } in members(condition).ok_or(SYNTAX)? {
        if Operator::parse(operator).is_none() {
            return Err(format!("Invalid Condition type : {operator}"));
        }
        for test in members(value).ok_or(SYNTAX)? {
            let is_value = |node: &Node| {
                matches!(node.value, Value::String(_) | Value::Number(_) | Value::Bool(_))
            };
            if !listed(&test.value).iter().all(is_value) {
                return Err(SYNTAX.to_owned());
            }
        }
    }
    Ok(())
}
