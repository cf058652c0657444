//! The roles that a call hands to its service: `iam:PassRole`
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html>).

use ringfence_models::needs::{ByRule, Pass, RoleNamed};
use serde_json::{Map, Value};

use super::{asked, definition};
use crate::requirements::RequirementsError;
use crate::requirements::iam::pass_role;
use crate::requirements::scope::{Mapped, Scope, arn_parts};

pub(super) async fn requirements(scope: &Scope<'_>, needs: &'static ByRule) -> Mapped {
    let mut roles: Vec<(String, Option<&'static str>)> = Vec::new();
    for pass in &needs.passes {
        for role in named(scope, pass).await? {
            if !roles.iter().any(|it| *it == (role.clone(), pass.service)) {
                roles.push((role, pass.service));
            }
        }
    }
    if !needs.hands_nothing {
        for role in elsewhere(scope, needs) {
            if !roles.iter().any(|(known, _)| known == role) {
                roles.push((role.to_owned(), None));
            }
        }
    }
    let mut required = Vec::with_capacity(roles.len());
    for (role, service) in roles {
        required.push(pass_role(scope, &role, service).await?);
    }
    Ok(required)
}

/// The roles that a member names.
async fn named(scope: &Scope<'_>, pass: &'static Pass) -> Result<Vec<String>, RequirementsError> {
    if pass.named == RoleNamed::Definition {
        return definition::roles(scope);
    }
    let input = &scope.call.input;
    if pass.unless.as_ref().is_some_and(|path| !path.texts_in(input).is_empty()) {
        return Ok(Vec::new());
    }
    let mut roles = Vec::new();
    if let Some(asked) = &pass.asked {
        let told = asked::texts(scope, asked, |_| true).await?;
        // What is not there has no role.
        for text in told.iter().filter(|text| *text != "*") {
            roles.push(of_name(scope, text).await?);
        }
        return Ok(roles);
    }
    for text in texts(scope, pass) {
        match pass.named {
            RoleNamed::Role => roles.push(of_name(scope, text).await?),
            RoleNamed::Arn if is_role(text) => roles.push(text.to_owned()),
            RoleNamed::Text => roles.extend(definition::roles_in_text(scope, text)?),
            RoleNamed::Arn | RoleNamed::Definition => {}
            RoleNamed::Profile => roles.extend(in_profile(scope, text).await?),
        }
    }
    Ok(roles)
}

/// The texts of a member, where the member beside it says that they are roles.
fn texts<'v>(scope: &Scope<'v>, pass: &Pass) -> Vec<&'v str> {
    let input = &scope.call.input;
    let Some((name, endings)) = &pass.named_by else { return pass.member.texts_in(input) };
    let is_role = |names: &Vec<&str>| {
        names.iter().any(|name| endings.iter().any(|ending| ends(name, ending)))
    };
    let each = pass.member.texts_of_each(input).into_iter().zip(name.texts_of_each(input));
    each.filter(|(_, names)| is_role(names)).flat_map(|(texts, _)| texts).collect()
}

/// A role by its ARN or its name, before which some services take the path.
async fn of_name(scope: &Scope<'_>, text: &str) -> Result<String, RequirementsError> {
    let Some((_, name)) = text.rsplit_once('/').filter(|_| !text.starts_with("arn:")) else {
        return Ok(text.to_owned());
    };
    let found = scope.state.role(name).await?;
    let is_it = |arn: &String| arn.ends_with(&format!(":role/{}", text.trim_start_matches('/')));
    let known = found.map(|role| role.arn).filter(is_it);
    Ok(known.unwrap_or_else(|| scope.iam_arn(&format!("role/{}", text.trim_start_matches('/')))))
}

/// The role in an instance profile, by the profile's name or ARN.
async fn in_profile(scope: &Scope<'_>, text: &str) -> Result<Option<String>, RequirementsError> {
    let name = text.rsplit('/').next().unwrap_or(text);
    let found = scope.state.instance_profile(name).await?;
    match found.filter(|found| !text.starts_with("arn:") || found.arn == text) {
        Some(profile) => Ok(profile.role),
        None => Err(scope.undecided(format!("nothing tells the role in the profile `{text}`"))),
    }
}

fn ends(text: &str, ending: &str) -> bool {
    let start = text.len().checked_sub(ending.len());
    let end = start.and_then(|at| text.get(at..));
    end.is_some_and(|end| end.eq_ignore_ascii_case(ending))
}

/// Whether a text is the ARN of a role, and nothing more.
pub(super) fn is_role(text: &str) -> bool {
    let is_plain = |text: &str| {
        text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+=,.@_-/".contains(&byte))
    };
    match arn_parts(text) {
        Some([_, _, "iam", "", _, resource]) => {
            resource.strip_prefix("role/").is_some_and(|name| !name.is_empty() && is_plain(name))
        }
        _ => false,
    }
}

/// Words in the names of members whose roles are not handed to the service: who
/// may use something, what is acted upon, and what programs are told.
const NOT_HANDED: [&str; 19] = [
    "allowed",
    "argument",
    "crossaccount",
    "environment",
    "filter",
    "grantee",
    "iamarn",
    "label",
    "message",
    "metadata",
    "owner",
    "parameter",
    "payload",
    "principal",
    "resource",
    "tag",
    "trusted",
    "user",
    "variable",
];

/// The ARNs of roles in members that are not called as roles are: whatever holds
/// one and is not known to mean something else hands the role over.
fn elsewhere<'v>(scope: &Scope<'v>, needs: &ByRule) -> Vec<&'v str> {
    let input = &scope.call.input;
    let known: Vec<&str> = needs.not_passed.iter().flat_map(|path| path.texts_in(input)).collect();
    let mut found = Vec::new();
    below(input, &mut found);
    found.retain(|role| !known.contains(role));
    found
}

fn below<'v>(members: &'v Map<String, Value>, found: &mut Vec<&'v str>) {
    for (name, value) in members {
        let name = name.to_ascii_lowercase();
        if name != "arn" && !NOT_HANDED.iter().any(|word| name.contains(word)) {
            of_value(value, found);
        }
    }
}

fn of_value<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
    match value {
        Value::String(text) if is_role(text) => found.push(text),
        Value::Array(items) => items.iter().for_each(|item| of_value(item, found)),
        Value::Object(members) => below(members, found),
        _ => {}
    }
}
