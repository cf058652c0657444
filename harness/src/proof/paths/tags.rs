//! Tags of what is acted upon, where a policy asks for them: what a resource has is in the
//! files, and what it has not, somebody must be able to put.

use std::collections::{BTreeMap, BTreeSet};

use ringfence_models::actions::{self, Access};
use ringfence_policy::symbolic::StatementView;

use super::read::attribute;
use crate::lint::known::{Node, Value};
use crate::lint::terraform::Resource;

/// The tags of a resource by their keys in small letters: condition keys do not tell capitals
/// apart.
pub(super) type Tags = BTreeMap<String, String>;

/// What comes before the key of a tag in the names of condition keys: `aws:ResourceTag/team`,
/// `iam:ResourceTag/team`, `ec2:ResourceTag/team`, `ssm:resourceTag/team`.
const KEY: &str = ":resourcetag/";

/// The tags of all resources whose ARN and tags are known, by ARN.
pub(super) fn of(resources: &[Resource]) -> BTreeMap<String, Tags> {
    let managed = resources.iter().filter(|one| !one.is_data);
    let all = managed.filter_map(|one| Some((attribute(one, "arn")?.to_owned(), tags(one)?)));
    all.collect()
}

fn tags(resource: &Resource) -> Option<Tags> {
    let has = |name| resource.values.get(name).filter(|node: &&Node| node.value != Value::Null);
    let written = resource.values.get("tags_all").or_else(|| resource.values.get("tags"))?;
    let members = match has("tags_all").or_else(|| has("tags")).unwrap_or(written) {
        Node { value: Value::Map(members), .. } => members,
        Node { value: Value::Null, .. } => return Some(Tags::new()),
        _ => return None,
    };
    let mut all = Tags::new();
    for member in members {
        let before = all.insert(member.key.to_lowercase(), member.value.text()?.to_owned());
        // Two whose keys differ by capitals alone.
        if before.is_some() {
            return None;
        }
    }
    Some(all)
}

/// The condition keys that statements ask for a tag of the resource by.
pub(super) fn asked_for<'p>(own: &[StatementView<'p>]) -> BTreeSet<&'p str> {
    let keys = own.iter().flat_map(|one| one.conditions()).map(|one| one.lower_key());
    keys.filter(|key| key.contains(KEY)).collect()
}

/// What these keys are of a resource with its tags.
pub(super) fn values<'t>(
    keys: &BTreeSet<&'t str>,
    tags: &'t Tags,
) -> impl Iterator<Item = (&'t str, Option<&'t str>)> {
    keys.iter().map(move |key| {
        let name = key.split_once(KEY).map_or("", |(_, name)| name);
        (*key, tags.get(name).map(String::as_str))
    })
}

/// The actions that put tags on a resource of a service, or take them away: of a user those of
/// users alone
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags_users.html>).
pub(super) fn putting(arn: &str) -> Vec<String> {
    let prefix = arn.split(':').nth(2).unwrap_or_default();
    let is_user = prefix == "iam" && arn.contains(":user/");
    let all = actions::of(prefix).into_iter().flat_map(actions::Prefix::actions);
    let tagging = all.filter(|action| {
        action.access.contains(&Access::Tagging) && (!is_user || action.name.ends_with("User"))
    });
    tagging.map(|action| format!("{prefix}:{}", action.name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_puts_tags_on_a_role_is_iams() {
        let actions = putting("arn:aws:iam::111122223333:role/x");
        assert!(actions.contains(&"iam:TagRole".to_owned()), "{actions:?}");
        assert!(actions.contains(&"iam:UntagRole".to_owned()), "{actions:?}");
        assert!(actions.iter().all(|action| action.contains("ag")), "{actions:?}");
        let mut of_users = putting("arn:aws:iam::111122223333:user/x");
        of_users.sort();
        assert_eq!(of_users, ["iam:TagUser", "iam:UntagUser"]);
    }
}
