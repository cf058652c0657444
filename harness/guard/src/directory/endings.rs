//! Whom the stored policies of resources mean by a name that ended.
//!
//! AWS keeps principals as unique ids, so that nobody who is made under a name
//! later inherits what a policy gave to who had it before
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>,
//! "IAM user principals"). Upstreams keep names. Which policies name somebody
//! cannot be listed for every service; so the guard remembers which names ended
//! and which policies were stored after that, and reads all others with the id in
//! the place of the name.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use ringfence_policy::json;
use ringfence_wire::{Call, ServiceError};
use serde_json::{Value, json};

use super::Directory;
use super::resource_policies::documents;
use crate::checks::statements::value;

/// The names that ended, and the policies that calls stored, in their order.
#[derive(Debug, Default)]
pub(super) struct Endings {
    order: Mutex<Order>,
}

#[derive(Debug, Default)]
struct Order {
    now: u64,
    ended: Vec<Ended>,
    stored: Vec<Stored>,
    /// Grants of KMS, by id, with who has what they give to a name that ended.
    grants: BTreeMap<String, Ended>,
}

/// A name that ended.
#[derive(Debug, Clone)]
struct Ended {
    arn: String,
    /// What stands for it: the id of who had it, or the new name.
    after: String,
    at: u64,
}

/// A policy that a call stored.
#[derive(Debug)]
struct Stored {
    /// The prefix of the service's actions: several APIs may share resources.
    prefix: &'static str,
    /// The last part of each name in the call. None: it makes what has no name yet.
    names: Option<Vec<String>>,
    policy: Value,
    at: u64,
}

impl Endings {
    /// Notes the policies that a call stored. One that names nobody, as those of
    /// identities, means nobody.
    fn learn(&self, call: &Call) {
        let policies: Vec<Value> = documents(&call.input)
            .into_iter()
            .filter(|text| text.contains("Principal"))
            .filter_map(|text| json::parse(text).map(value).ok())
            .collect();
        if policies.is_empty() {
            return;
        }
        let prefix = call.service().iam_prefix().unwrap_or_default();
        let texts = call.input.values().filter_map(Value::as_str);
        let names: Vec<String> = texts.map(|text| last_part(text).to_owned()).collect();
        let is_new = call.name().starts_with("Create") || call.name().starts_with("Import");
        let mut order = self.order.lock().unwrap_or_else(PoisonError::into_inner);
        for policy in policies {
            order.now += 1;
            let at = order.now;
            let names = (!is_new).then(|| names.clone());
            order
                .stored
                .retain(|it| it.prefix != prefix || it.names != names || it.policy != policy);
            order.stored.push(Stored { prefix, names, policy, at });
        }
    }

    /// A policy with the ids of those whose names ended after it was stored.
    pub(super) fn applied(&self, prefix: &str, resource: &str, text: String) -> String {
        let order = self.order.lock().unwrap_or_else(PoisonError::into_inner);
        order.ended.iter().fold(text, |text, ended| {
            if !text.contains(&ended.arn) || order.stored_at(prefix, resource, &text) > ended.at {
                return text;
            }
            renamed(&text, &ended.arn, &ended.after).unwrap_or(text)
        })
    }

    /// Who has what a grant gives to a name.
    pub(super) fn of_grant(&self, id: &str, arn: &str) -> Option<String> {
        let order = self.order.lock().unwrap_or_else(PoisonError::into_inner);
        order.grants.get(id).filter(|ended| ended.arn == arn).map(|ended| ended.after.clone())
    }
}

impl Order {
    /// When a policy was stored with a resource: 0 for one that no call stored.
    fn stored_at(&self, prefix: &str, resource: &str, text: &str) -> u64 {
        let Ok(policy) = json::parse(text).map(value) else { return 0 };
        let name = last_part(resource);
        let is_it = |stored: &&Stored| {
            stored.prefix == prefix
                && stored.policy == policy
                && stored.names.as_ref().is_none_or(|names| names.iter().any(|own| own == name))
        };
        self.stored.iter().filter(is_it).map(|stored| stored.at).max().unwrap_or_default()
    }
}

/// What follows the last `:` or `/` of an ARN, an address or a path.
fn last_part(text: &str) -> &str {
    text.rsplit([':', '/']).next().unwrap_or(text)
}

impl Directory {
    /// A call succeeded: the policies in it mean who has their names now.
    pub(crate) fn stored_by(&self, call: &Call) {
        self.endings.learn(call);
    }

    /// A name ended: policies that are there mean who had it, as do grants.
    ///
    /// # Errors
    /// That the upstream cannot tell the grants.
    pub(crate) async fn ended(
        &self,
        region: &str,
        arn: &str,
        after: &str,
    ) -> Result<(), ServiceError> {
        let grants = match self.written.may_have_grants() {
            true => self.grants_that_name(region, arn).await?,
            false => Vec::new(),
        };
        let mut order = self.endings.order.lock().unwrap_or_else(PoisonError::into_inner);
        order.now += 1;
        let at = order.now;
        let ended = Ended { arn: arn.to_owned(), after: after.to_owned(), at };
        for grant in grants {
            order.grants.entry(grant).or_insert_with(|| ended.clone());
        }
        order.ended.push(ended);
        Ok(())
    }

    /// Whether an id is that of a user or role that was deleted.
    pub(crate) fn is_id_of_ended(&self, id: &str) -> bool {
        let order = self.endings.order.lock().unwrap_or_else(PoisonError::into_inner);
        order.ended.iter().any(|ended| ended.after == id && !id.starts_with("arn:"))
    }

    async fn grants_that_name(&self, region: &str, arn: &str) -> Result<Vec<String>, ServiceError> {
        let mut named = Vec::new();
        for key in self.kms_list(region, "ListKeys", json!({}), "Keys").await? {
            let Some(id) = super::read::text(&key, "KeyId") else { continue };
            let input = json!({"KeyId": id});
            for grant in self.kms_list(region, "ListGrants", input, "Grants").await? {
                let members = ["GranteePrincipal", "RetiringPrincipal"];
                if members.iter().any(|it| super::read::text(&grant, it) == Some(arn)) {
                    named.extend(super::read::text(&grant, "GrantId").map(str::to_owned));
                }
            }
        }
        Ok(named)
    }
}

/// A policy with another principal in the place of one; `None` where it does
/// not name it.
pub(crate) fn renamed(text: &str, arn: &str, after: &str) -> Option<String> {
    let mut policy = json::parse(text).map(value).ok()?;
    let statements = match policy.get_mut("Statement")? {
        Value::Array(statements) => statements.iter_mut().collect(),
        single => vec![single],
    };
    let mut count = 0;
    for statement in statements {
        for element in ["Principal", "NotPrincipal"] {
            let Some(named) = statement.get_mut(element).and_then(|e| e.get_mut("AWS")) else {
                continue;
            };
            let entries = match named {
                Value::Array(entries) => entries.iter_mut().collect(),
                single => vec![single],
            };
            for entry in entries.into_iter().filter(|entry| entry.as_str() == Some(arn)) {
                *entry = json!(after);
                count += 1;
            }
        }
    }
    (count > 0).then(|| policy.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALICE: &str = "arn:aws:iam::123456789012:user/alice";

    #[test]
    fn a_principal_is_named_by_its_id_in_every_statement() {
        let policy = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": [ALICE, "123456789012"]}, "Action": "a:b"},
            {"Effect": "Deny", "NotPrincipal": {"AWS": ALICE}, "Action": "a:b",
             "Condition": {"ArnEquals": {"aws:PrincipalArn": ALICE}}},
        ]});
        let renamed: Value =
            serde_json::from_str(&renamed(&policy.to_string(), ALICE, "AIDA1").unwrap()).unwrap();
        assert_eq!(renamed["Statement"][0]["Principal"]["AWS"], json!(["AIDA1", "123456789012"]));
        assert_eq!(renamed["Statement"][1]["NotPrincipal"]["AWS"], "AIDA1");
        // A condition compares names, whoever has them.
        let condition = &renamed["Statement"][1]["Condition"]["ArnEquals"]["aws:PrincipalArn"];
        assert_eq!(condition, ALICE);
    }

    #[test]
    fn a_policy_of_others_stays() {
        let policy = json!({"Statement": {"Effect": "Allow", "Action": "a:b",
            "Principal": {"AWS": "arn:aws:iam::123456789012:user/alice2"}}});
        assert_eq!(renamed(&policy.to_string(), ALICE, "AIDA1"), None);
    }
}
