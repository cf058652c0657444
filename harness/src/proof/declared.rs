//! The configuration's own guard rails, as claims.

use std::collections::BTreeMap;

use super::claims::{Claim, Unput, letting_in, of_identity};
use super::guarded::{Guarded, text};
use super::statements::{Forbidden, On};
use crate::config::Declaration;
use crate::declared::{Person, Seen};

/// A claim for each identity of the files that a guard rail is about.
pub(super) fn claims(guarded: &Guarded<'_>) -> Result<Vec<Claim>, Unput> {
    let people = people(guarded);
    let arn_of = |name: &str| guarded.arn_of(name);
    let seen = Seen { config: guarded.config, people: &people, arn_of: &arn_of };
    let mut claims = Vec::new();
    for declared in &guarded.config.guard_rail {
        let forbidden = forbidden(declared, &seen)?;
        for person in seen.who(declared)?.into_iter().filter_map(|at| people.get(at)) {
            let rail = declared.rail();
            let Some(entry) = guarded.estate.entries.get(&person.entry) else { continue };
            let of_resources = letting_in(guarded, entry);
            let forbidden = std::slice::from_ref(&forbidden);
            claims.extend(of_identity(&rail, (&person.entry, entry), &of_resources, forbidden)?);
        }
    }
    Ok(claims)
}

fn forbidden(declared: &Declaration, seen: &Seen<'_>) -> Result<Forbidden, Unput> {
    let named = declared.resources.iter().map(|text| seen.arn(declared, text.get_ref()));
    let resources: Vec<String> = named.collect::<Result<_, _>>()?;
    let on = match resources.is_empty() || resources.iter().any(|one| one == "*") {
        true => On::Anything,
        false => On::These(resources),
    };
    let actions: Vec<&str> = declared.actions.iter().map(|one| one.get_ref().as_str()).collect();
    let forbidden = Forbidden::new(&actions, on);
    Ok(match &declared.except {
        Some(condition) => forbidden.unless(condition.get_ref().clone()),
        None => forbidden,
    })
}

/// The roles and users of the files.
fn people(guarded: &Guarded<'_>) -> Vec<Person> {
    let entries = guarded.estate.entries.keys();
    let identities = entries.filter(|it| it.starts_with("role/") || it.starts_with("user/"));
    let of = |entry: &String| {
        let (kind, name) = entry.split_once('/')?;
        let kind = if kind == "role" { "aws_iam_role" } else { "aws_iam_user" };
        let resource = guarded.of_kind(kind).find(|one| text(one, "name") == Some(name));
        let tags = resource.and_then(|one| one.values.get("tags_all").or(one.values.get("tags")));
        let tags = tags.into_iter().flat_map(|tags| tags.members());
        let tags: BTreeMap<String, String> =
            tags.filter_map(|tag| Some((tag.key.clone(), tag.value.text()?.to_owned()))).collect();
        let deployers = guarded.teams.iter().filter(|team| team.entry == *entry);
        Some(Person {
            entry: entry.clone(),
            arn: resource.and_then(|one| text(one, "arn")).map(str::to_owned),
            deployers: deployers.map(|team| team.name.clone()).collect(),
            tags,
        })
    };
    identities.filter_map(of).collect()
}
