//! Identities that a plan destroys, or makes anew: with one goes all that it was given, and
//! what the plan does not change it does not give again. The provider takes all policies away
//! from a role that it deletes
//! (`DeleteRole` of
//! <https://github.com/hashicorp/terraform-provider-aws/blob/main/internal/service/iam/role.go>).

use std::collections::BTreeMap;

use super::plan::{IDENTITIES, Plan};
use crate::lint::known::Node;
use crate::lint::terraform::Resource;

/// The entries of identities that a plan destroys, each with what it is called.
type Gone = BTreeMap<String, Vec<(usize, String)>>;

impl Plan<'_, '_> {
    /// Notes which identities may lose what they were given.
    pub(super) fn make_anew(&mut self) {
        let gone = self.gone();
        if gone.is_empty() {
            return;
        }
        for (owner, all) in &gone {
            let Some(entry) = self.estate.entries.get_mut(owner) else { continue };
            let why = all.iter().map(|(_, by)| {
                format!("`{by}` is destroyed or made anew, and loses what others give it")
            });
            entry.takes.extend(why);
            entry.is_anew = true;
        }
        let own = self.own;
        for resource in own.resources.iter().filter(|one| !one.is_data) {
            for (_, word) in IDENTITIES {
                let several = format!("{word}s");
                let of_list = format!("{word}_name");
                let attribute = match resource.kind.strip_prefix("aws_iam_") {
                    Some("policy_attachment") => several.as_str(),
                    Some(rest) => match rest.strip_prefix(word) {
                        Some("_policy" | "_policy_attachment") => word,
                        Some("_policy_attachments_exclusive") => of_list.as_str(),
                        _ => continue,
                    },
                    None => continue,
                };
                for owner in self.owners(resource, attribute, word) {
                    let why = self.goes_with(&gone, resource, attribute, &owner);
                    self.estate.entry(&owner).may_lose(why);
                }
            }
        }
    }

    /// What may take a user out of a group again, since one of both is made anew.
    pub(super) fn left_with(
        &self,
        resource: &Resource,
        (users, user): (&str, &str),
        (groups, group): (&str, &str),
    ) -> Option<String> {
        let gone = self.gone();
        let of_user = self.goes_with(&gone, resource, users, user);
        of_user.or_else(|| self.goes_with(&gone, resource, groups, group))
    }

    fn gone(&self) -> Gone {
        let mut gone = Gone::new();
        for (at, file) in self.files.iter().enumerate() {
            for (one, _) in file.former().all().filter(|(_, action)| action.deletes()) {
                let kind = IDENTITIES.iter().find(|(kind, _)| *kind == one.kind);
                let name = one.values.get("name").and_then(Node::text);
                if let (Some((_, word)), Some(name)) = (kind, name) {
                    let called = file.apart.called(&one.address);
                    gone.entry(self.spelled(word, name)).or_default().push((at, called));
                }
            }
        }
        gone
    }

    /// Why nobody knows whether an identity has what a resource gives it: what is made after
    /// the identity it has.
    fn goes_with(
        &self,
        gone: &Gone,
        resource: &Resource,
        attribute: &str,
        owner: &str,
    ) -> Option<String> {
        let all = gone.get(owner)?;
        let action = self.own.former().find(&resource.address).map(|(_, action)| *action);
        let is_made = action.is_none_or(|action| action.creates());
        let targets = self.own.links.targets(&resource.configured(), attribute);
        let comes_after = is_made && !targets.is_empty();
        let (_, by) = all.iter().find(|(at, _)| *at != self.file || !comes_after)?;
        let own = self.called(resource);
        Some(format!(
            "`{by}` is destroyed or made anew, and `{own}` need not be made after that: whether \
             `{owner}` has it then is not known"
        ))
    }
}
