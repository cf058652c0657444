//! Managed policies that two files make. An ARN is of one
//! (<https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreatePolicy.html>): which document
//! it has where they say different things, nobody knows, and the files make no estate.

use std::collections::BTreeMap;

use super::estate::Estate;
use super::kept::known_text;
use super::plan::Contents;
use super::together::Unfit;
use crate::lint::known::Node;
use crate::lint::terraform::Resource;

const KIND: &str = "aws_iam_policy";

/// What says that two plans or states make one managed policy otherwise, where they do.
pub(super) fn made_twice(files: &[Contents]) -> Option<Unfit> {
    let mut made: BTreeMap<&str, (&Contents, &Resource)> = BTreeMap::new();
    for (file, own) in files.iter().enumerate() {
        for one in own.resources.iter().filter(|one| one.kind == KIND && !one.is_data) {
            let Some(arn) = one.values.get("arn").and_then(Node::text) else { continue };
            let &mut (other, first) = made.entry(arn).or_insert((own, one));
            let is_itself = std::ptr::eq(first, one);
            if !is_itself && !is_same(first, one) {
                let (one, first) =
                    (own.apart.called(&one.address), other.apart.called(&first.address));
                let message = format!("`{one}` makes `{arn}`, and `{first}` makes it otherwise");
                return Some(Unfit { file, message });
            }
        }
    }
    None
}

/// Whether both say the same, and it is known what.
fn is_same(one: &Resource, other: &Resource) -> bool {
    let text = |one: &Resource| one.values.get("policy").and_then(known_text);
    text(one).is_some() && text(one) == text(other)
}

/// A managed policy that a template makes.
#[derive(Debug)]
pub(super) struct Made {
    /// What makes it.
    pub(super) by: String,
    /// Its document; `None` where not all of it is known.
    pub(super) text: Option<String>,
    /// Whether it is known to be there.
    pub(super) is_sure: bool,
}

impl Made {
    fn is_same(&self, text: Option<&str>) -> bool {
        let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
        let own = self.text.as_deref().and_then(read);
        own.is_some() && own == text.and_then(read)
    }
}

impl Estate {
    /// Notes a managed policy that a template makes.
    ///
    /// # Errors
    /// Another resource makes it otherwise.
    pub(super) fn make_managed(&mut self, arn: String, new: Made) -> Result<(), String> {
        let is_it = |one: &&Resource| {
            let own = one.values.get("arn").and_then(Node::text);
            one.kind == KIND && !one.is_data && own == Some(arn.as_str())
        };
        let of_terraform = self
            .resources
            .iter()
            .find(is_it)
            .filter(|one| !new.is_same(one.values.get("policy").and_then(Node::text)));
        let others = self.made_managed.entry(arn.clone()).or_default();
        let of_templates =
            others.iter().find(|one| one.is_sure && !new.is_same(one.text.as_deref()));
        let other = of_terraform.map(|one| format!("`{}`", one.address));
        let other = other.or_else(|| of_templates.map(|one| one.by.clone()));
        if let Some(other) = other.filter(|_| new.is_sure) {
            return Err(format!("{} makes `{arn}`, and {other} makes it otherwise", new.by));
        }
        others.push(new);
        Ok(())
    }

    /// The document of a managed policy that templates make, by its ARN; `None` where it is not
    /// known, or not which of several.
    pub(super) fn managed_of_templates(&self, arn: &str) -> Option<&str> {
        let all = self.made_managed.get(arn)?;
        let first = all.first()?;
        let text = first.text.as_deref();
        text.filter(|_| all.iter().all(|one| one.is_same(text)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::access::complete::tree;

    const ARN: &str = "arn:aws:iam::123456789012:policy/p";

    fn policy(action: &str) -> String {
        json!({"Statement": {"Effect": "Allow", "Action": action, "Resource": "*"}}).to_string()
    }

    fn made(by: &str, action: &str, is_sure: bool) -> Made {
        Made { by: by.to_owned(), text: Some(policy(action)), is_sure }
    }

    /// A template's beside Terraform's, and beside another's.
    #[test]
    fn what_is_made_otherwise_is_refused() {
        let values = json!({"arn": ARN, "policy": policy("sqs:*")});
        let resource = Resource {
            address: "aws_iam_policy.p".to_owned(),
            kind: KIND.to_owned(),
            is_data: false,
            values: tree(ringfence_text::Place::START, &values),
        };
        let mut estate = Estate { resources: vec![resource], ..Estate::default() };
        let refused = estate.make_managed(ARN.to_owned(), made("Resources.A", "s3:*", true));
        let why = format!("Resources.A makes `{ARN}`, and `aws_iam_policy.p` makes it otherwise");
        assert_eq!(refused, Err(why));
        assert_eq!(estate.make_managed(ARN.to_owned(), made("Resources.A", "sqs:*", true)), Ok(()));
        estate.resources.clear();
        let refused = estate.make_managed(ARN.to_owned(), made("Resources.B", "s3:*", true));
        let why = format!("Resources.B makes `{ARN}`, and Resources.A makes it otherwise");
        assert_eq!(refused, Err(why));
    }

    /// Of those that need not be there it is not known which is, unless they say the same.
    #[test]
    fn of_several_that_may_be_there_none_is_known() {
        let mut estate = Estate::default();
        let mut make = |by: &str, action: &str| {
            estate.make_managed(ARN.to_owned(), made(by, action, false)).unwrap();
            estate.managed_of_templates(ARN).map(str::to_owned)
        };
        assert_eq!(make("Resources.A", "sqs:*"), Some(policy("sqs:*")));
        assert_eq!(make("Resources.B", "sqs:*"), Some(policy("sqs:*")));
        assert_eq!(make("Resources.C", "s3:*"), None);
    }
}
