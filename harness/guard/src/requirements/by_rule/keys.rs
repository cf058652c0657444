//! The condition keys of a permission, by their origins.

use ringfence_models::actions;
use ringfence_models::needs::{ByRule, Origin, Otherwise, Path, Permission};
use ringfence_policy::catalog::{Arns as _, ResourceType};

use super::{names, pattern};
use crate::requirements::RequirementsError;
use crate::requirements::known::spelled;
use crate::requirements::requirement::Requirement;
use crate::requirements::scope::{Scope, scalar, tags};
use crate::requirements::state::Tags;

/// Sets what is known of each key, and says of the others that they are
/// unknown.
pub(super) async fn set(
    scope: &Scope<'_>,
    permission: &Permission,
    needs: &ByRule,
    kind: Option<&'static ResourceType>,
    required: &mut Requirement,
) -> Result<(), RequirementsError> {
    let is_of = |of: Option<&'static ResourceType>| {
        of.is_none_or(|of| kind.is_some_and(|kind| std::ptr::eq(of, kind)))
    };
    let mut own_tags = Vec::new();
    // A resource that is named by its path is of the types that its ARN fits.
    let is_of_path = |of: Option<&'static ResourceType>| {
        kind.is_none() && of.is_some_and(|of| of.matches(&required.resource))
    };
    for key in &permission.keys {
        let is_tags = matches!(key.origin, Origin::ResourceTags);
        if is_tags && is_of_path(key.kind) {
            own_tags.push(key.key);
        }
    }
    for key in permission.keys.iter().filter(|key| is_of(key.kind)) {
        match &key.origin {
            Origin::Never(_) => {}
            Origin::Unknown => drop(required.context.set_unknown(&spelled(key.key))),
            Origin::RequestTags => of_request(scope, needs, key.key, required),
            Origin::ResourceTags => own_tags.push(key.key),
            Origin::Input { paths, otherwise } => {
                let given = values(scope, paths);
                from_input(given, *otherwise, permission.action.prefix, key.key, required);
            }
            Origin::Arn { arn, paths, otherwise } => {
                let arn = arn_of(scope, arn, paths, *otherwise)?;
                from_input(
                    arn.map_or(Given::Unknown, |arn| Given::Whole(vec![arn])),
                    Otherwise::Unknown,
                    permission.action.prefix,
                    key.key,
                    required,
                );
            }
            Origin::Pattern { member, field } => {
                let given = pattern::values(scope, member, field)?;
                from_input(given, Otherwise::Absent, permission.action.prefix, key.key, required);
            }
            Origin::RecordNames(paths) => {
                let given = match values(scope, paths) {
                    Given::Whole(names) => {
                        Given::Whole(names.iter().map(|name| normal_name(name)).collect())
                    }
                    other => other,
                };
                from_input(given, Otherwise::Absent, permission.action.prefix, key.key, required);
            }
            Origin::Account => drop(required.context.set(key.key, scope.account())),
            Origin::Is(text) => drop(required.context.set(key.key, *text)),
        }
    }
    if !own_tags.is_empty() && required.resource != "*" {
        of_resource(scope, &own_tags, required).await?;
    }
    Ok(())
}

/// A name of DNS as Route 53 compares it: "All letters must be lowercase. The DNS name
/// must be without the trailing dot. Characters other than a–z, 0–9, - (hyphen),
/// _ (underscore), and . (period, as a delimiter between labels) must use escape codes
/// in the format \\three-digit octal code"
/// (<https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/specifying-conditions-route53.html>).
fn normal_name(name: &str) -> String {
    let mut normal = String::with_capacity(name.len());
    for byte in name.strip_suffix('.').unwrap_or(name).bytes() {
        match byte.to_ascii_lowercase() {
            // What is escaped already stays so.
            byte @ (b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'\\') => {
                normal.push(char::from(byte));
            }
            byte => normal.push_str(&format!("\\{byte:03o}")),
        }
    }
    normal
}

/// The keys of the tags in the request.
fn of_request(scope: &Scope<'_>, needs: &ByRule, key: &str, required: &mut Requirement) {
    let input = &scope.call.input;
    let mut found = Tags::new();
    for path in &needs.tags {
        let values = path.values(input).into_iter();
        found.extend(values.flat_map(tags));
    }
    required.add_request_tags(&found);
    // `rds:req-tag/${TagKey}`.
    if let Some((family, _)) = key.split_once('/').filter(|(family, _)| !family.starts_with("aws:"))
    {
        for (name, value) in &found {
            required.context.set(&format!("{family}/{name}"), value);
        }
    }
    let keys: Vec<&str> = needs.tag_keys.iter().flat_map(|path| path.texts_in(input)).collect();
    if !keys.is_empty() {
        required.context.set_list("aws:TagKeys", keys);
    }
}

/// What the input tells of a key.
pub(super) enum Given {
    /// Nothing.
    Nothing,
    /// A part; nobody knows the rest.
    Unknown,
    /// These.
    Whole(Vec<String>),
}

/// The values that members hold. A member that is not given tells nothing; an item
/// without one makes the whole unknown.
fn values(scope: &Scope<'_>, paths: &[Path]) -> Given {
    let mut values: Vec<String> = Vec::new();
    let mut is_whole = true;
    for path in paths {
        let each = path.each(&scope.call.input);
        if each.iter().any(Option::is_some) {
            is_whole &= each.iter().all(Option::is_some);
        }
        for value in each.into_iter().flatten() {
            let items =
                value.as_array().map_or_else(|| vec![value], |items| items.iter().collect());
            values.extend(items.into_iter().filter_map(scalar));
        }
    }
    values.dedup();
    match (values.is_empty(), is_whole) {
        (true, true) => Given::Nothing,
        (_, false) => Given::Unknown,
        (false, true) => Given::Whole(values),
    }
}

/// The prefix whose keys of several values are tested without `ForAnyValue` in AWS's
/// own guide, and match where the request has one ("DenyPutRuleForAllEC2Events",
/// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-conditions.html>).
const PLAIN: &str = "events";

/// A key that the input tells. Of several values, a key that has one has nobody
/// knows which.
fn from_input(
    given: Given,
    otherwise: Otherwise,
    prefix: &str,
    key: &str,
    required: &mut Requirement,
) {
    let kind = actions::of(prefix).and_then(|prefix| prefix.key_type(key)).unwrap_or_default();
    let is_list = kind.starts_with("ArrayOf");
    // The key holds the ARN of what the member names.
    let is_name = |value: &String| kind.ends_with("ARN") && !value.starts_with("arn:");
    match (given, otherwise) {
        (Given::Nothing, Otherwise::Absent) => {}
        (Given::Nothing, Otherwise::Is(value)) => drop(required.context.set(key, value)),
        (Given::Whole(values), _) if is_list && !values.iter().any(is_name) => {
            match values.as_slice() {
                [value] if prefix == PLAIN => drop(required.context.set(key, value)),
                _ => drop(required.context.set_list(key, values)),
            }
        }
        (Given::Whole(values), _) => match values.as_slice() {
            [value] if !is_name(value) => drop(required.context.set(key, value)),
            _ => drop(required.context.set_unknown(&spelled(key))),
        },
        (Given::Nothing | Given::Unknown, _) => {
            required.context.set_unknown(&spelled(key));
        }
    }
}

/// The ARN of the one resource that members name; none where they name several.
fn arn_of(
    scope: &Scope<'_>,
    template: &str,
    paths: &[Path],
    otherwise: Option<&'static str>,
) -> Result<Option<String>, RequirementsError> {
    let input = &scope.call.input;
    let mut texts: Vec<&str> = paths.iter().flat_map(|path| path.texts_in(input)).collect();
    texts.dedup();
    if texts.is_empty() {
        texts.extend(otherwise);
    }
    match texts.as_slice() {
        [text] => names::named(scope, template, text),
        _ => Ok(None),
    }
}

/// The keys of the tags of the resource.
async fn of_resource(
    scope: &Scope<'_>,
    keys: &[&'static str],
    required: &mut Requirement,
) -> Result<(), RequirementsError> {
    let families: Vec<&str> = keys.iter().filter_map(|key| Some(key.split_once('/')?.0)).collect();
    let own: Vec<&str> =
        families.into_iter().filter(|family| *family != "aws:ResourceTag").collect();
    let told = scope.state.resource_tags(&required.resource).await?;
    required.add_told_tags(&own, &told);
    Ok(())
}
