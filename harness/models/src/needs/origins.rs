//! Where condition keys come from.

use super::ByRule;
use super::paths::Path;
use super::rules::{KeyRule, Rules};
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
    /// From members of the input.
    Input {
        /// The members; of a list, each item.
        paths: Vec<Path>,
        /// What it is where none is given.
        otherwise: Otherwise,
    },
    /// The ARN of a resource that a member names.
    Arn {
        /// The ARN of its type, with variables.
        arn: &'static str,
        /// The members, by name or by ARN.
        paths: Vec<Path>,
        /// Its name where none is given.
        otherwise: Option<&'static str>,
    },
    /// What a pattern of events says of a field.
    Pattern {
        /// The member that is the pattern.
        member: Path,
        /// The names of the field and of those that it stands in.
        field: Vec<&'static str>,
    },
    /// The normal forms of the names of DNS that members hold.
    RecordNames(Vec<Path>),
    /// The account's id.
    Account,
    /// This.
    Is(&'static str),
    /// From the tags in the request: their values, or their keys.
    RequestTags,
    /// From the tags of the resource.
    ResourceTags,
    /// No request has it here, for this reason.
    Never(&'static str),
    /// Nothing says it.
    Unknown,
}

/// What a key is where no member that it comes from is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Otherwise {
    /// Nothing is known of it: AWS may have a default.
    Unknown,
    /// No request has it.
    Absent,
    /// This.
    Is(&'static str),
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
        kind: of.resource_type.filter(|_| !rules.is_of_request(operation, of.key)),
        origin: origin(operation, rules, prefix, of.key, needs),
    })
    .collect()
}

fn origin(
    operation: &Operation,
    rules: &Rules,
    prefix: &'static Prefix,
    key: &'static str,
    needs: &ByRule,
) -> Origin {
    if let Some(rule) = rules.key(operation, key) {
        return stated(operation, rule, prefix);
    }
    let (owner, name) = key.split_once(':').unwrap_or_default();
    let family = name.split_once('/').map_or(name, |(family, _)| family).to_ascii_lowercase();
    let is_own = owner.eq_ignore_ascii_case(prefix.prefix);
    if is_own || owner.eq_ignore_ascii_case("aws") {
        match family.as_str() {
            "resourcetag" => return Origin::ResourceTags,
            // "This key is in the request context only if the user is performing the
            // request as part of a resource-creating action."
            // https://docs.aws.amazon.com/AmazonECS/latest/developerguide/supported-iam-actions-tagging.html
            "createaction" => return Origin::Never("the call makes nothing that it tags"),
            "requesttag" if !needs.tags.is_empty() => return Origin::RequestTags,
            // `rds:req-tag`, `rds:db-tag`:
            // https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Tagging.html
            "req-tag" if is_own && !needs.tags.is_empty() => return Origin::RequestTags,
            other if is_own && other.ends_with("-tag") && other != "req-tag" => {
                return Origin::ResourceTags;
            }
            "tagkeys" if !needs.tags.is_empty() || !needs.tag_keys.is_empty() => {
                return Origin::RequestTags;
            }
            _ => {}
        }
    }
    let same = operation.members.iter().find(|member| member.name.eq_ignore_ascii_case(name));
    match same.filter(|member| is_own && is_scalar(operation, member)) {
        Some(member) => {
            Origin::Input { paths: vec![Path::member(member)], otherwise: Otherwise::Unknown }
        }
        None => Origin::Unknown,
    }
}

/// What an override says.
fn stated(operation: &Operation, rule: &KeyRule, prefix: &'static Prefix) -> Origin {
    let mut paths = rule.members.iter().filter_map(|text| Path::parse(operation, text));
    if let Some(reason) = rule.never {
        return Origin::Never(reason);
    }
    if rule.account {
        return Origin::Account;
    }
    if !rule.pattern.is_empty() {
        let field = rule.pattern.clone();
        return paths.next().map_or(Origin::Unknown, |member| Origin::Pattern { member, field });
    }
    if !rule.members.is_empty()
        && rule.members.iter().all(|it| Path::parse(operation, it).is_none())
    {
        return Origin::Unknown;
    }
    if rule.record_names {
        return Origin::RecordNames(paths.collect());
    }
    if let Some(kind) = rule.kind {
        let arn = prefix.resource_type(kind).and_then(|kind| kind.arn.first().copied());
        let Some(arn) = arn else { return Origin::Unknown };
        return Origin::Arn { arn, paths: paths.collect(), otherwise: rule.otherwise };
    }
    let otherwise = match rule.otherwise {
        Some(text) => Otherwise::Is(text),
        None if rule.optional => Otherwise::Absent,
        None => Otherwise::Unknown,
    };
    Origin::Input { paths: paths.collect(), otherwise }
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
