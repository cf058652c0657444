//! Where condition keys come from.

use super::ByRule;
use super::paths::Path;
use super::rules::Rules;
use crate::actions::{Action, Prefix, ResourceType};
use crate::operation::Operation;
use crate::shape::{Form, Kind, Member};

/// A condition key of a permission, and where it comes from.
#[derive(Debug)]
pub struct KeyOf {
    /// The key as the reference writes it: `aws:ResourceTag/${TagKey}`.
    pub key: &'static str,
    /// The resource type that brings it; none: the action carries it whatever
    /// the resource.
    pub kind: Option<&'static ResourceType>,
    /// Where it comes from.
    pub origin: Origin,
}

/// Where a condition key comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// From members of the input. Where none is given, the key is unknown: AWS may
    /// have a default.
    Input(Vec<Path>),
    /// From the tags in the request: their values, or their keys.
    RequestTags,
    /// From the tags of the resource.
    ResourceTags,
    /// No request has it here, for this reason.
    Never(&'static str),
    /// Nothing says it.
    Unknown,
}

pub(super) fn of(
    operation: &Operation,
    rules: &Rules,
    prefix: &'static Prefix,
    action: &'static Action,
    needs: &ByRule,
) -> Vec<KeyOf> {
    let keys = prefix.keys_of(action);
    keys.map(|of| KeyOf {
        key: of.key,
        kind: of.resource_type,
        origin: origin(operation, rules, prefix, of.key, needs),
    })
    .collect()
}

fn origin(
    operation: &Operation,
    rules: &Rules,
    prefix: &Prefix,
    key: &'static str,
    needs: &ByRule,
) -> Origin {
    if let Some(rule) = rules.key(operation, key) {
        return match rule.never {
            Some(reason) => Origin::Never(reason),
            None => {
                let paths = rule.members.iter().filter_map(|text| Path::parse(operation, text));
                Origin::Input(paths.collect())
            }
        };
    }
    let (owner, name) = key.split_once(':').unwrap_or_default();
    let family = name.split_once('/').map_or(name, |(family, _)| family).to_ascii_lowercase();
    let is_own = owner.eq_ignore_ascii_case(prefix.prefix);
    if is_own || owner.eq_ignore_ascii_case("aws") {
        match family.as_str() {
            "resourcetag" => return Origin::ResourceTags,
            "requesttag" if !needs.tags.is_empty() => return Origin::RequestTags,
            "tagkeys" if !needs.tags.is_empty() || !needs.tag_keys.is_empty() => {
                return Origin::RequestTags;
            }
            _ => {}
        }
    }
    let same = operation.members.iter().find(|member| member.name.eq_ignore_ascii_case(name));
    match same.filter(|member| is_own && is_scalar(operation, member)) {
        Some(member) => Origin::Input(vec![Path::member(member)]),
        None => Origin::Unknown,
    }
}

/// Whether a member holds one text or number, or several.
fn is_scalar(operation: &Operation, member: &Member) -> bool {
    let model = operation.service.model();
    match model.shape_of(member).map(|shape| &shape.form) {
        Some(Form::Scalar) => !matches!(member.kind, Kind::Blob | Kind::Timestamp),
        Some(Form::List(item)) => {
            model.shape_of(item).is_some_and(|shape| matches!(shape.form, Form::Scalar))
        }
        _ => false,
    }
}
