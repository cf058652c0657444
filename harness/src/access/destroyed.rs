//! What a plan takes away after the same is made elsewhere in it.
//!
//! Terraform puts those changes in order that depend on each other, and no others: where a
//! policy gets another address without a `moved` block, the old one may be destroyed after the
//! new one is made
//! (<https://developer.hashicorp.com/terraform/language/modules/develop/refactoring>). Then
//! neither is there, for both are one thing in AWS.

use super::kept::{Gift, List};
use super::plan::{Contents, IDENTITIES, Plan};
use crate::lint::known::{Node, Value};
use crate::lint::terraform::{Action, DOCUMENTS, Resource};

impl Plan<'_, '_> {
    /// Notes which identities may lose what they are given.
    pub(super) fn destroy(&mut self) {
        let own = self.own;
        for resource in own.resources.iter().filter(|one| !one.is_data) {
            let kind = resource.kind.as_str();
            for (_, word) in IDENTITIES {
                let inline = kind == format!("aws_iam_{word}_policy");
                let attaches = kind == format!("aws_iam_{word}_policy_attachment");
                let (whose, list, name) = match kind {
                    _ if inline => (word.to_owned(), List::Inline, "name"),
                    _ if attaches => (word.to_owned(), List::Attached, "policy_arn"),
                    "aws_iam_policy_attachment" => {
                        (format!("{word}s"), List::Attached, "policy_arn")
                    }
                    _ => continue,
                };
                let Some(name) = resource.values.get(name).and_then(Node::text) else { continue };
                for owner in self.owners(resource, &whose, word) {
                    let gift = Gift { owner: &owner, word, name, list };
                    let is_it = |file: &Contents, one: &Resource| self.gives(file, one, gift);
                    let by = self.destroys(resource, is_it);
                    let why = by.map(|by| self.last(&by, resource));
                    self.estate.entry(&owner).may_lose(why);
                }
            }
        }
    }

    /// What may take a user out of a group again, into which a resource puts it.
    pub(super) fn leaves(
        &self,
        resource: &Resource,
        own: (&str, &str),
        user: &str,
        group: &str,
    ) -> Option<String> {
        let is_it = |file: &Contents, one: &Resource| {
            let (users, groups) = match one.kind.as_str() {
                "aws_iam_user_group_membership" => ("user", "groups"),
                "aws_iam_group_membership" => ("users", "group"),
                _ => return false,
            };
            self.is_named(file, one, (users, "user"), user)
                && self.is_named(file, one, (groups, "group"), group)
        };
        match self.destroys(resource, is_it) {
            Some(by) => Some(self.last(&by, resource)),
            None => self.left_with(resource, (own.0, user), (own.1, group)),
        }
    }

    /// Why nobody knows whether a resource's policy stands, where the plan destroys one of the
    /// same resource.
    pub(super) fn is_destroyed(&self, resource: &Resource) -> Option<String> {
        if !resource.kind.ends_with("_policy") {
            return None;
        }
        let is_it = |_: &Contents, one: &Resource| is_of_the_same(one, resource);
        Some(self.last(&self.destroys(resource, is_it)?, resource))
    }

    fn last(&self, by: &str, resource: &Resource) -> String {
        format!(
            "what `{by}` made is taken away, and `{}` makes the same: which of the two comes last is \
             not known (`moved` keeps it)",
            self.called(resource)
        )
    }

    /// What takes away what a resource makes, or may do so after that: what was the same, and
    /// will not be.
    pub(super) fn destroys(
        &self,
        resource: &Resource,
        is_it: impl Fn(&Contents, &Resource) -> bool,
    ) -> Option<String> {
        self.files.iter().enumerate().find_map(|(at, file)| {
            let mut all = file.former().all();
            let found = all.find(|(one, action)| {
                let is_own = at == self.file && one.address == resource.address;
                let stays = || {
                    let mut now = file.resources.iter().filter(|it| it.address == one.address);
                    now.any(|now| is_it(file, now))
                };
                let may_take = match action {
                    Action::Leave | Action::Forget | Action::CreateThenForget => false,
                    Action::Update | Action::DeleteThenCreate => !is_own,
                    Action::Delete | Action::CreateThenDelete => !is_list(&one.kind),
                };
                let is_last = matches!(action, Action::Delete | Action::CreateThenDelete);
                may_take && is_it(file, one) && (is_last || !stays())
            })?;
            Some(file.apart.called(&found.0.address))
        })
    }
}

/// Whether a type only lists what there may be: destroyed, it leaves that
/// (<https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/iam_role_policy_attachments_exclusive>).
fn is_list(kind: &str) -> bool {
    kind.ends_with("_exclusive")
}

/// Whether two resources of a type say the policy of one resource: whatever names it is alike,
/// as far as it is known. A name stands for the ARN or URL that ends with it.
fn is_of_the_same(one: &Resource, other: &Resource) -> bool {
    let is_name = |key: &str| {
        let is_document = DOCUMENTS.iter().any(|(kind, at, _)| *kind == one.kind && *at == key);
        !is_document && !["id", "policy_id", "region", "revision_id"].contains(&key)
    };
    let differs = |name: &str, value: &Node| {
        let pair = (value.text(), other.values.get(name).map(|node| &node.value));
        let (Some(before), Some(Value::Text(after))) = pair else { return false };
        tail(before) != tail(after)
    };
    let mut members = one.values.members().iter().filter(|member| is_name(&member.key));
    one.kind == other.kind && !members.any(|member| differs(&member.key, &member.value))
}

fn tail(name: &str) -> &str {
    name.rsplit([':', '/']).next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::lint::read::{self, Read};

    fn resource(kind: &str, values: &Json) -> Resource {
        let Ok(Read::Other(values)) = read::read(&values.to_string()) else { panic!("no map") };
        let (address, kind) = (format!("{kind}.a"), kind.to_owned());
        Resource { address, kind, is_data: false, values }
    }

    #[rstest]
    #[case::one_bucket(
        "aws_s3_bucket_policy",
        json!({"bucket": "b", "id": "b", "policy": "{}"}),
        json!({"bucket": "b", "policy": "[]"}),
        true
    )]
    #[case::two_buckets("aws_s3_bucket_policy", json!({"bucket": "b"}), json!({"bucket": "c"}), false)]
    #[case::one_key(
        "aws_kms_key_policy",
        json!({"key_id": "arn:aws:kms:eu-west-1:123456789012:key/1", "policy": "{}"}),
        json!({"key_id": "1", "policy": "{}"}),
        true
    )]
    #[case::one_of_a_region("aws_glue_resource_policy", json!({"policy": "{}"}), json!({"policy": "[]"}), true)]
    #[case::by_its_name(
        "aws_cloudwatch_log_resource_policy",
        json!({"policy_name": "a", "policy_document": "{}"}),
        json!({"policy_name": "b", "policy_document": "{}"}),
        false
    )]
    fn what_names_a_resource_tells_whether_it_is_the_same(
        #[case] kind: &str,
        #[case] one: Json,
        #[case] other: Json,
        #[case] is_same: bool,
    ) {
        assert_eq!(is_of_the_same(&resource(kind, &one), &resource(kind, &other)), is_same);
    }
}
