//! The condition keys of a permission, by their origins.

use ringfence_models::actions;
use ringfence_models::needs::{ByRule, Origin, Path, Permission};
use ringfence_policy::catalog::ResourceType;
use serde_json::Value;

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
    for key in permission.keys.iter().filter(|key| is_of(key.kind)) {
        match &key.origin {
            Origin::Never(_) => {}
            Origin::Unknown => drop(required.context.set_unknown(&spelled(key.key))),
            Origin::RequestTags => of_request(scope, needs, required),
            Origin::ResourceTags => own_tags.push(key.key),
            Origin::Input(paths) => {
                let prefix = permission.action.prefix;
                from_input(scope, paths, prefix, key.key, required);
            }
        }
    }
    if !own_tags.is_empty() && required.resource != "*" {
        of_resource(scope, &own_tags, required).await?;
    }
    Ok(())
}

/// The keys of the tags in the request.
fn of_request(scope: &Scope<'_>, needs: &ByRule, required: &mut Requirement) {
    let input = &scope.call.input;
    let mut found = Tags::new();
    for path in &needs.tags {
        let values = path.values(input).into_iter();
        found.extend(values.flat_map(tags));
    }
    required.add_request_tags(&found);
    let keys: Vec<&str> = needs.tag_keys.iter().flat_map(|path| path.texts_in(input)).collect();
    if !keys.is_empty() {
        required.context.set_list("aws:TagKeys", keys);
    }
}

/// A key that members of the input hold. Of several values, a key that has one
/// has nobody knows which.
fn from_input(
    scope: &Scope<'_>,
    paths: &[Path],
    prefix: &str,
    key: &str,
    required: &mut Requirement,
) {
    let each: Vec<Option<&Value>> =
        paths.iter().flat_map(|path| path.each(&scope.call.input)).collect();
    let mut values: Vec<String> = Vec::new();
    let is_whole = each.iter().all(Option::is_some);
    for value in each.into_iter().flatten() {
        let items = value.as_array().map_or_else(|| vec![value], |items| items.iter().collect());
        values.extend(items.into_iter().filter_map(scalar));
    }
    values.dedup();
    let kind = actions::of(prefix).and_then(|prefix| prefix.key_type(key)).unwrap_or_default();
    let is_list = kind.starts_with("ArrayOf");
    // The key holds the ARN of what the member names (`ecs:cluster`).
    let is_name = kind.ends_with("ARN") && values.iter().any(|value| !value.starts_with("arn:"));
    match values.as_slice() {
        _ if is_name => drop(required.context.set_unknown(&spelled(key))),
        [_, ..] if is_list && is_whole => drop(required.context.set_list(key, values)),
        [value] if is_whole => drop(required.context.set(key, value)),
        _ => drop(required.context.set_unknown(&spelled(key))),
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
