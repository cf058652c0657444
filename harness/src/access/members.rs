//! What identities have by others: users by their groups; and what is taken away from
//! them by what lists all that they may have.

use super::kept::List;
use super::owners::Named;
use super::plan::{Contents, Plan, items};
use crate::lint::known::Node;
use crate::lint::terraform::Resource;

impl Plan<'_, '_> {
    /// Users have what their groups have.
    pub(super) fn join_groups(&mut self) {
        let mut members: Vec<(String, String, Option<String>)> = Vec::new();
        for resource in self.own.resources.iter().filter(|resource| !resource.is_data) {
            let own = match resource.kind.as_str() {
                "aws_iam_user_group_membership" => ("user", "groups"),
                "aws_iam_group_membership" => ("users", "group"),
                _ => continue,
            };
            let users = self.owners(resource, own.0, "user");
            for group in self.owners(resource, own.1, "group") {
                members.extend(users.iter().map(|user| {
                    (user.clone(), group.clone(), self.leaves(resource, own, user, &group))
                }));
            }
        }
        for (user, group, leaves) in members {
            let Some(of_group) = self.estate.entries.get(&group) else {
                self.estate.entry(&user).unknown.insert(format!("`{group}` is not in the files"));
                continue;
            };
            let mut handed_on = of_group.handed_on(&group);
            if let Some(why) = leaves {
                handed_on.may_be_lost(why);
            }
            let entry = self.estate.entry(&user);
            entry.groups.insert(group);
            entry.receive(handed_on);
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
                let takes = format!("`{name}` takes away what it does not list");
                self.estate.entry(&owner).takes.insert(takes);
                let Some(listed) = &listed else {
                    let why = self.after_apply(&name, list);
                    self.estate.entry(&owner).may_lose([why]);
                    continue;
                };
                let said = match list {
                    "policy_names" => self.inline_made(&owner, word),
                    _ => self.attached_arns(&owner, word),
                };
                let own = self.inline_own(&owner, word);
                let missing = listed.iter().filter(|one| {
                    let is_there = said.iter().any(|(said, _)| said == *one);
                    list == "policy_names" && !is_there && !own.iter().any(|own| own == *one)
                });
                let missing = missing.map(|one| {
                    format!("the inline policy `{one}` that `{name}` keeps is not in the files")
                });
                let gone = said.iter().filter(|(said, _)| !listed.contains(&said.as_str()));
                let gone = gone.map(|(said, by)| {
                    format!("`{by}` gives it `{said}`, which `{name}` takes away")
                });
                let (missing, gone): (Vec<String>, Vec<String>) =
                    (missing.collect(), gone.collect());
                let entry = self.estate.entry(&owner);
                entry.unknown.extend(missing);
                entry.may_lose(gone);
            }
        }
    }

    /// What takes policies away from those that another resource gives them to: a role whose
    /// own lists are changed, and an attachment that is the only one of its policy
    /// (<https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/iam_policy_attachment>).
    /// Which of two that do not agree will be, nobody knows.
    pub(super) fn take_away(&mut self) {
        let own = self.own;
        for resource in own.resources.iter().filter(|one| !one.is_data) {
            match resource.kind.as_str() {
                "aws_iam_role" => self.rewrite(resource),
                "aws_iam_policy_attachment" => self.attach_alone(resource),
                _ => {}
            }
        }
    }

    fn rewrite(&mut self, role: &Resource) {
        let (owner, name) = (self.name(role, "role"), self.called(role));
        for (list, attribute) in
            [(List::Inline, "inline_policy"), (List::Attached, "managed_policy_arns")]
        {
            if !self.rewrites(role, list) {
                continue;
            }
            let said = match list {
                List::Inline => self.inline_made(&owner, "role"),
                List::Attached => self.attached_arns(&owner, "role"),
            };
            let nodes = items(role.values.get(attribute));
            let kept: Vec<&str> = nodes.into_iter().filter_map(|one| list.name(one)).collect();
            let gone = said.iter().filter(|(said, _)| !kept.contains(&said.as_str()));
            let why = gone.map(|(said, by)| {
                format!("`{by}` gives it `{said}`, which `{attribute}` of `{name}` takes away")
            });
            let why: Vec<String> = why.collect();
            let entry = self.estate.entry(&owner);
            entry.may_lose(why);
            entry
                .takes
                .insert(format!("`{attribute}` of `{name}` takes away what it does not list"));
        }
    }

    fn attach_alone(&mut self, attachment: &Resource) {
        let own = self.own;
        let policy = self.policies_of(own, attachment, "policy_arn");
        let name = self.called(attachment);
        let mut lost: Vec<(String, String)> = Vec::new();
        for word in ["group", "role", "user"] {
            let kept = self.owners(attachment, &format!("{word}s"), word);
            let attaches = format!("aws_iam_{word}_policy_attachment");
            let lists = format!("aws_iam_{word}_policy_attachments_exclusive");
            for (at, file) in self.files.iter().enumerate() {
                for other in file.resources.iter().filter(|one| !one.is_data) {
                    let (whose, arn) = match other.kind.as_str() {
                        kind if kind == attaches => (word.to_owned(), "policy_arn"),
                        kind if kind == lists => (format!("{word}_name"), "policy_arns"),
                        "aws_iam_policy_attachment" => (format!("{word}s"), "policy_arn"),
                        _ => continue,
                    };
                    let is_itself = at == self.file && other.address == attachment.address;
                    let given = self.policies_of(file, other, arn);
                    let same = given.all.iter().find(|one| policy.all.contains(one));
                    if is_itself || (same.is_none() && !given.is_open && !policy.is_open) {
                        continue;
                    }
                    let what = same.map_or("a policy that is not known", String::as_str);
                    let by = file.apart.called(&other.address);
                    for owner in self.whose(file, other, &whose, word).all {
                        if !kept.contains(&owner) {
                            let why =
                                format!("`{by}` gives it `{what}`, which `{name}` takes away");
                            lost.push((owner, why));
                        }
                    }
                }
            }
        }
        for (owner, why) in lost {
            self.estate.entry(&owner).may_lose([why]);
        }
    }

    /// The names of the inline policies of an identity that resources of their own make, each
    /// with what makes it.
    fn inline_made(&self, owner: &str, word: &str) -> Vec<(String, String)> {
        let kind = format!("aws_iam_{word}_policy");
        self.said(owner, (word, word), &kind, |_, one| {
            let name = one.values.get("name").and_then(Node::text).map(str::to_owned);
            Named { is_open: name.is_none(), all: name.into_iter().collect() }
        })
    }

    /// The names of the inline policies that an identity's own resource says.
    fn inline_own(&self, owner: &str, word: &str) -> Vec<String> {
        let kind = format!("aws_iam_{word}");
        let all = self.own.resources.iter().filter(|one| one.kind == kind && !one.is_data);
        let its = all.filter(|one| self.name(one, word) == owner);
        let items = its.flat_map(|one| items(one.values.get("inline_policy")));
        items.filter_map(|one| Some(one.get("name")?.text()?.to_owned())).collect()
    }

    /// The managed policies that an identity is given, each by what.
    fn attached_arns(&self, owner: &str, word: &str) -> Vec<(String, String)> {
        let own = format!("aws_iam_{word}_policy_attachment");
        let policy = |file: &Contents, one: &Resource| self.policies_of(file, one, "policy_arn");
        let mut all = self.said(owner, (word, word), &own, policy);
        let several = (&*format!("{word}s"), word);
        all.extend(self.said(owner, several, "aws_iam_policy_attachment", policy));
        all
    }

    /// What resources of a type give an identity, which an attribute names. What is not known
    /// is in no list.
    fn said(
        &self,
        owner: &str,
        whose: (&str, &str),
        kind: &str,
        given: impl Fn(&Contents, &Resource) -> Named,
    ) -> Vec<(String, String)> {
        let mut all = Vec::new();
        for file in self.files {
            for one in file.resources.iter().filter(|one| one.kind == kind && !one.is_data) {
                if !self.is_named(file, one, whose, owner) {
                    continue;
                }
                let Named { all: names, is_open } = given(file, one);
                let unknown = is_open.then(|| "a policy that is not known".to_owned());
                let by = file.apart.called(&one.address);
                all.extend(names.into_iter().chain(unknown).map(|name| (name, by.clone())));
            }
        }
        all
    }
}
