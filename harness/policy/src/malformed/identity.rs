//! IAM's sentences for identity-based policies.
//!
//! Which sentence a document gets, and the order of the checks, is as recorded
//! from AWS in moto (`moto/iam/policy_validation.py`, and the 78 documents of
//! `tests/test_iam/test_iam_policies.py`).

use std::collections::HashSet;

use super::{listed, member, members, text, texts};
use crate::json::{self, Member, Node, Value};
use crate::operator::Operator;
use crate::resource_format;
use crate::value::Instant;

/// What an identity-based policy is stored as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// A managed policy, which must be of the newer version.
    Managed,
    /// An inline policy.
    Inline,
}

const SYNTAX: &str = "Syntax errors in policy.";
const VERSION: &str = "Policy document must be version 2012-10-17 or greater.";
const LEGACY: &str = "The policy failed legacy parsing";
const UNIQUE_SIDS: &str = "Statement IDs (SID) in a single policy must be unique.";
/// Of CloudTrail's records of CreatePolicy
/// (<https://github.com/Wolox/carthage_cache/issues/22>).
const PLAIN_SIDS: &str = "Statement IDs (SID) must be alpha-numeric. Check that your input \
                          satisfies the regular expression [0-9A-Za-z]*";
/// <https://github.com/hashicorp/terraform/issues/13449>
const PRINCIPAL: &str = "Policy document should not specify a principal.";
const NO_ACTIONS: &str = "Policy statement must contain actions.";
const NO_RESOURCES: &str = "Policy statement must contain resources.";
const NO_VENDOR: &str =
    "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.";
const COLONS: &str = "Actions/Condition can contain only one colon.";

/// What IAM answers to an identity-based policy; nothing where it finds no
/// fault.
pub fn identity(document: &str, stored: Use) -> Option<String> {
    check(document, stored).err()
}

fn check(document: &str, stored: Use) -> Result<(), String> {
    let root = json::parse(document).map_err(|_| SYNTAX.to_owned())?;
    let top = members(&root).ok_or(SYNTAX)?;
    let statements = syntax(top).ok_or(SYNTAX)?;
    if stored == Use::Managed && member(top, "Version").and_then(text) != Some("2012-10-17") {
        return Err(VERSION.to_owned());
    }
    let legacy = |holds: bool| if holds { Ok(()) } else { Err(LEGACY.to_owned()) };
    legacy(statements.iter().all(|statement| is_parsed_by_legacy(statement)))?;
    let resource_error = resources(&statements).map_err(|()| LEGACY.to_owned())?;
    sids(&statements)?;
    for statement in &statements {
        let has = |name: &str| member(statement, name).is_some();
        if has("Principal") || has("NotPrincipal") {
            return Err(PRINCIPAL.to_owned());
        }
    }
    let all_have = |names: [&str; 2]| statements.iter().all(|statement| has_any(statement, names));
    if !all_have(["Action", "NotAction"]) {
        return Err(NO_ACTIONS.to_owned());
    }
    if let Some(error) = resource_error {
        return Err(error);
    }
    for name in ["Action", "NotAction"] {
        for statement in &statements {
            texts(member(statement, name)).into_iter().try_for_each(action)?;
        }
    }
    if !all_have(["Resource", "NotResource"]) {
        return Err(NO_RESOURCES.to_owned());
    }
    Ok(())
}

/// The statements of a document whose elements are known and of their types.
fn syntax(top: &[Member]) -> Option<Vec<&[Member]>> {
    let known = |name: &str| ["Version", "Id", "Statement"].contains(&name);
    if !top.iter().all(|member| known(&member.key)) {
        return None;
    }
    if let Some(version) = member(top, "Version")
        && !["2008-10-17", "2012-10-17"].contains(&text(version)?)
    {
        return None;
    }
    if let Some(id) = member(top, "Id") {
        text(id)?;
    }
    let nodes = listed(member(top, "Statement")?);
    if nodes.is_empty() {
        return None;
    }
    let statements: Vec<&[Member]> = nodes.iter().map(members).collect::<Option<_>>()?;
    statements.iter().all(|statement| statement_syntax(statement).is_some()).then_some(statements)
}

fn statement_syntax(statement: &[Member]) -> Option<()> {
    const LISTS: [&str; 4] = ["Action", "NotAction", "Resource", "NotResource"];
    const OTHERS: [&str; 5] = ["Sid", "Effect", "Principal", "NotPrincipal", "Condition"];
    for Member { key, value, .. } in statement {
        match key.as_str() {
            "Sid" => drop(text(value)?),
            "Condition" => condition(value)?,
            name if LISTS.contains(&name) => is_texts(value).then_some(())?,
            name if OTHERS.contains(&name) => {}
            _ => return None,
        }
    }
    let both = |one, other| member(statement, one).and(member(statement, other)).is_some();
    if both("Action", "NotAction") || both("Resource", "NotResource") {
        return None;
    }
    let effect = text(member(statement, "Effect")?)?;
    ["allow", "deny"].contains(&effect.to_ascii_lowercase().as_str()).then_some(())
}

/// A string, or a list of strings and nulls.
fn is_texts(node: &Node) -> bool {
    match &node.value {
        Value::String(_) => true,
        Value::Array(nodes) => {
            nodes.iter().all(|node| matches!(node.value, Value::String(_) | Value::Null))
        }
        _ => false,
    }
}

/// A block of an operator that does not exist is passed over where it is empty.
fn condition(node: &Node) -> Option<()> {
    for Member { key: operator, value, .. } in members(node)? {
        let tests = members(value)?;
        let is_value = |test: &Member| !matches!(test.value.value, Value::Object(_) | Value::Null);
        let is_known = tests.is_empty() || Operator::parse(operator).is_some();
        if !is_known || !tests.iter().all(is_value) {
            return None;
        }
    }
    Some(())
}

/// What the parser of old reads: effects in their one spelling, dates.
fn is_parsed_by_legacy(statement: &[Member]) -> bool {
    let effect = member(statement, "Effect").and_then(text);
    let blocks = member(statement, "Condition").and_then(members).unwrap_or_default();
    let mut dates = blocks
        .iter()
        .filter(|block| Operator::parse(&block.key).is_some_and(|operator| operator.is_date()))
        .flat_map(|block| members(&block.value).unwrap_or_default())
        .flat_map(|test| listed(&test.value));
    let is_date = |node: &Node| match &node.value {
        Value::String(text) | Value::Number(text) => Instant::parse(text).is_some(),
        _ => false,
    };
    matches!(effect, Some("Allow" | "Deny")) && dates.all(is_date)
}

/// The fault of the resources that is told, of which the parser of old knows
/// nothing; `Err` where that parser stops. It looks at an element only as long
/// as no fault was found.
fn resources(statements: &[&[Member]]) -> Result<Option<String>, ()> {
    let mut found = None;
    for name in ["Resource", "NotResource"] {
        for statement in statements {
            let mut entries = texts(member(statement, name));
            let is_list =
                matches!(member(statement, name), Some(Node { value: Value::Array(_), .. }));
            if is_list {
                entries.retain(|entry| !entry.is_empty());
            }
            entries.sort_unstable();
            if let Some(error) = entries.iter().find_map(|entry| resource_format::sentence(entry)) {
                found = Some(error);
            }
            if found.is_none() && !entries.iter().all(|entry| is_resource_of_legacy(entry)) {
                return Err(());
            }
        }
    }
    Ok(found)
}

fn is_resource_of_legacy(entry: &str) -> bool {
    let is_whole = entry.matches(':').count() >= 5 || !entry.contains("::");
    entry == "*" || (is_whole && entry.split(':').nth(2).is_some_and(|service| !service.is_empty()))
}

fn sids(statements: &[&[Member]]) -> Result<(), String> {
    let sids: Vec<&str> = statements
        .iter()
        .filter_map(|statement| text(member(statement, "Sid")?))
        .filter(|sid| !sid.is_empty())
        .collect();
    let mut seen = HashSet::new();
    if !sids.iter().all(|sid| seen.insert(*sid)) {
        return Err(UNIQUE_SIDS.to_owned());
    }
    match sids.iter().all(|sid| sid.bytes().all(|byte| byte.is_ascii_alphanumeric())) {
        true => Ok(()),
        false => Err(PLAIN_SIDS.to_owned()),
    }
}

fn has_any(statement: &[Member], names: [&str; 2]) -> bool {
    let found = names.iter().find_map(|name| member(statement, name));
    found.is_some_and(|node| !matches!(&node.value, Value::Array(nodes) if nodes.is_empty()))
}

fn action(entry: &str) -> Result<(), String> {
    if entry == "*" {
        return Ok(());
    }
    let (vendor, name) = entry.split_once(':').ok_or(NO_VENDOR)?;
    if name.contains(':') {
        return Err(COLONS.to_owned());
    }
    let is_valid = vendor.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.');
    if vendor != "*" && !is_valid {
        return Err(format!("Vendor {vendor} is not valid"));
    }
    Ok(())
}
