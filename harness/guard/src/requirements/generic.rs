//! The regular part of every service: an operation needs the action of its own
//! name, on the resources that the service authorization reference gives that
//! action, which members of the input name.

use serde_json::Value;

use super::scope::{Mapped, Scope, items, scalar};
use super::{Requirement, RequirementsError};
use ringfence_policy::catalog::{self, Action};

/// Which resources of a type the input names: none, or their ARNs.
pub(super) type Named = Result<Vec<String>, RequirementsError>;

/// An action of the service authorization reference, by its exact name.
pub(super) fn known(service: &str, name: &str) -> Option<&'static Action> {
    catalog::service(service)?.action(name).filter(|action| action.name == name)
}

/// The requirements of an operation whose action has its own name. `named`
/// answers for a resource type which ARNs the call names.
pub(super) fn same_name(scope: &Scope<'_>, named: impl Fn(&str) -> Named) -> Mapped {
    action_named(scope, scope.name(), named)
}

/// The requirements of an operation whose action is called otherwise.
pub(super) fn action_named(scope: &Scope<'_>, name: &str, named: impl Fn(&str) -> Named) -> Mapped {
    let action = known(scope.prefix(), name).ok_or_else(|| scope.unmapped())?;
    let mut requirements = Vec::new();
    for resource in &action.resources {
        let arns = named(resource.name)?;
        if arns.is_empty() && resource.required {
            return Err(scope.missing(resource.name));
        }
        for arn in arns {
            let mut requirement = Requirement::on(scope.action(name), arn);
            copy_keys(scope, &mut requirement, action, &resource.condition_keys);
            requirements.push(requirement);
        }
    }
    if requirements.is_empty() {
        requirements.push(anything(scope, name, action));
    }
    Ok(requirements)
}

/// The requirement of an action that takes no resource.
fn anything(scope: &Scope<'_>, name: &str, action: &Action) -> Requirement {
    let mut requirement = Requirement::on(scope.action(name), "*");
    copy_keys(scope, &mut requirement, action, &[]);
    requirement
}

/// One requirement, on a resource that the service's own mapping found.
pub(super) fn on(scope: &Scope<'_>, name: &str, arn: impl Into<String>) -> Requirement {
    let mut requirement = Requirement::on(scope.action(name), arn);
    if let Some(action) = known(scope.prefix(), name) {
        copy_keys(scope, &mut requirement, action, &[]);
    }
    requirement
}

/// Sets what needs no knowledge of the service: the keys that are called as a
/// member of the input is (`ssm:Overwrite`, `cloudformation:RoleArn`), and the
/// keys of the tags in the request.
fn copy_keys(scope: &Scope<'_>, requirement: &mut Requirement, action: &Action, more: &[&str]) {
    let prefix = scope.prefix();
    for key in action.condition_keys.iter().chain(more) {
        let Some((owner, name)) = key.split_once(':') else { continue };
        if owner.eq_ignore_ascii_case(prefix) {
            match scope.same_member(name) {
                Some(Value::Array(list)) => {
                    let values: Vec<String> = list.iter().filter_map(scalar).collect();
                    if !values.is_empty() {
                        requirement.context.set_list(key, values);
                    }
                }
                Some(value) => {
                    if let Some(value) = scalar(value).filter(|value| !value.is_empty()) {
                        requirement.context.set(key, value);
                    }
                }
                None => {}
            }
        } else if key.eq_ignore_ascii_case("aws:TagKeys") {
            request_tags(scope, requirement);
        }
    }
}

/// `aws:RequestTag/KEY` and `aws:TagKeys`, from the members that every service
/// calls `Tags` and `TagKeys`.
pub(super) fn request_tags(scope: &Scope<'_>, requirement: &mut Requirement) {
    for member in ["Tags", "tags"] {
        requirement.add_request_tags(&scope.tags(member));
    }
    for member in ["TagKeys", "tagKeys"] {
        let keys: Vec<&str> = scope
            .value(member)
            .map(items)
            .unwrap_or_default()
            .iter()
            .filter_map(|key| key.as_str())
            .collect();
        if !keys.is_empty() {
            requirement.context.set_list("aws:TagKeys", keys);
        }
    }
}
