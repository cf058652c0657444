//! What identities have by others: users by their groups; and what is taken away from
//! them by what lists all that they may have.

use super::estate::Entry;
use super::plan::{Plan, items};
use crate::lint::known::Node;

impl Plan<'_, '_> {
    /// Users have what their groups have.
    pub(super) fn join_groups(&mut self) {
        let mut members: Vec<(String, String)> = Vec::new();
        for resource in self.own.resources.iter().filter(|resource| !resource.is_data) {
            let (users, groups) = match resource.kind.as_str() {
                "aws_iam_user_group_membership" => ("user", "groups"),
                "aws_iam_group_membership" => ("users", "group"),
                _ => continue,
            };
            let users = self.owners(resource, users, "user");
            for group in self.owners(resource, groups, "group") {
                members.extend(users.iter().map(|user| (user.clone(), group.clone())));
            }
        }
        for (user, group) in members {
            let Some(Entry { policies, outside, unknown, .. }) = self.estate.entries.get(&group)
            else {
                self.estate.entry(&user).unknown.insert(format!("`{group}` is not in the files"));
                continue;
            };
            let (identity, outside, unknown) =
                (policies.identity.clone(), outside.clone(), unknown.clone());
            let entry = self.estate.entry(&user);
            entry.groups.insert(group);
            entry.policies.identity.extend(identity);
            entry.outside.extend(outside);
            entry.unknown.extend(unknown);
        }
    }

    /// What lists all policies of an identity takes away every other
    /// (<https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/iam_role_policies_exclusive>):
    /// which of two that do not agree will be, nobody knows.
    pub(super) fn exclude(&mut self) {
        for resource in self.own.resources.iter().filter(|one| !one.is_data) {
            let Some(rest) = resource.kind.strip_prefix("aws_iam_") else { continue };
            let Some((word, rest)) = rest.split_once('_') else { continue };
            let list = match rest {
                "policies_exclusive" => "policy_names",
                "policy_attachments_exclusive" => "policy_arns",
                _ => continue,
            };
            let name = self.called(resource);
            let listed: Option<Vec<&str>> =
                items(resource.values.get(list)).into_iter().map(Node::text).collect();
            for owner in self.owners(resource, &format!("{word}_name"), word) {
                let Some(listed) = &listed else {
                    self.unknown(&owner, &name, list);
                    continue;
                };
                let said = match list {
                    "policy_names" => self.inline_names(&owner, word),
                    _ => self.attached_arns(&owner, word),
                };
                let missing = listed.iter().filter(|one| {
                    list == "policy_names" && !said.iter().any(|(said, _)| said == *one)
                });
                let missing = missing.map(|one| {
                    format!("the inline policy `{one}` that `{name}` keeps is not in the files")
                });
                let gone = said.iter().filter(|(said, _)| !listed.contains(&said.as_str()));
                let gone = gone.map(|(said, by)| {
                    format!("`{by}` gives it `{said}`, which `{name}` takes away")
                });
                let why: Vec<String> = missing.chain(gone).collect();
                self.estate.entry(&owner).unknown.extend(why);
            }
        }
    }

    /// The names of the inline policies of an identity, each with what makes it.
    fn inline_names(&mut self, owner: &str, word: &str) -> Vec<(String, String)> {
        let mut all = self.said(owner, word, &format!("aws_iam_{word}_policy"), "name");
        for resource in &self.own.resources {
            let is_it = resource.kind == format!("aws_iam_{word}") && !resource.is_data;
            if is_it && self.name(resource, word) == owner {
                let names = items(resource.values.get("inline_policy")).into_iter();
                let names = names.filter_map(|one| one.get("name")?.text());
                let by = self.called(resource);
                all.extend(names.map(|name| (name.to_owned(), by.clone())));
            }
        }
        all
    }

    /// The managed policies that an identity is given, each by what.
    fn attached_arns(&mut self, owner: &str, word: &str) -> Vec<(String, String)> {
        let own = format!("aws_iam_{word}_policy_attachment");
        self.said(owner, word, &own, "policy_arn")
    }

    /// What resources of a type say of an identity by an attribute, where it is known.
    fn said(&mut self, owner: &str, word: &str, kind: &str, name: &str) -> Vec<(String, String)> {
        let own = self.own;
        let of_kind = own.resources.iter().filter(|one| one.kind == kind && !one.is_data);
        let mut all = Vec::new();
        for resource in of_kind {
            if self.owners(resource, word, word).iter().any(|one| one == owner)
                && let Some(text) = resource.values.get(name).and_then(Node::text)
            {
                all.push((text.to_owned(), self.called(resource)));
            }
        }
        all
    }
}
