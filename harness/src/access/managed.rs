//! Managed policies: those of the files, AWS's own, and those that are elsewhere.

use std::sync::Arc;

use ringfence_models::managed;
use ringfence_policy::{Document, Kind};

use super::plan::{Plan, Written, items};
use crate::lint::known::Node;
use crate::lint::terraform::Resource;

/// A managed policy, as far as it is known.
pub(super) enum Managed<'p> {
    /// It is in the files, where it is called so.
    Here(String, Written<'p>),
    /// It is AWS's.
    OfAws(Arc<Document>),
    /// Its document is elsewhere.
    Elsewhere(String),
    Unknown,
}

/// AWS's own policy of an ARN, called so, where the data has it.
///
/// # Errors
/// None that is known.
pub(super) fn of_aws(arn: &str, kind: Kind) -> Result<Option<Arc<Document>>, String> {
    let Some(policy) = managed::find(arn) else { return Ok(None) };
    let document = Document::parse(arn.to_owned(), &policy.document, kind);
    document.map(|it| Some(Arc::new(it))).map_err(|error| format!("{arn}: {error}"))
}

impl<'p> Plan<'p, '_> {
    pub(super) fn attach(
        &mut self,
        owner: &str,
        resource: &Resource,
        attribute: &str,
    ) -> Result<(), String> {
        let managed = match resource.values.get(attribute) {
            Some(node) => self.managed(resource, attribute, node, Kind::Identity)?,
            None => Managed::Unknown,
        };
        self.take(owner, resource, managed, attribute)
    }

    /// Adds the policies that a list names.
    pub(super) fn attached(
        &mut self,
        owner: &str,
        resource: &Resource,
        list: &str,
    ) -> Result<(), String> {
        for one in items(resource.values.get(list)) {
            self.attached_one(owner, resource, list, one)?;
        }
        Ok(())
    }

    /// Adds one of the policies that a list names.
    pub(super) fn attached_one(
        &mut self,
        owner: &str,
        resource: &Resource,
        list: &str,
        one: &Node,
    ) -> Result<(), String> {
        let managed = self.managed(resource, list, one, Kind::Identity)?;
        self.take(owner, resource, managed, list)
    }

    /// The policy that an attribute names, for what it is used as.
    pub(super) fn managed(
        &self,
        resource: &Resource,
        attribute: &str,
        node: &Node,
        kind: Kind,
    ) -> Result<Managed<'p>, String> {
        let Some(arn) = node.text() else {
            let policy = self.own.referred(resource, attribute, "aws_iam_policy");
            return Ok(policy.map_or(Managed::Unknown, |policy| {
                Managed::Here(self.called(policy), Written::of(self.own, policy))
            }));
        };
        let is_it = |one: &&Resource| {
            one.kind == "aws_iam_policy" && one.values.get("arn").and_then(Node::text) == Some(arn)
        };
        // What is made counts before what a data source has read.
        let find = |is_data: bool| {
            let mut all = std::iter::once(self.own).chain(self.files);
            all.find_map(|file| {
                let mut own = file.resources.iter().filter(|one| one.is_data == is_data);
                let policy = own.find(is_it)?;
                Some(Managed::Here(file.apart.called(&policy.address), Written::of(file, policy)))
            })
        };
        let here = find(false).or_else(|| find(true));
        // What a data source has read of it, for it is made elsewhere.
        let read = || {
            let is_it = |one: &&Resource| {
                let text = |name| one.values.get(name).and_then(Node::text);
                one.kind == "aws_iam_policy" && text("arn") == Some(arn) && text("policy").is_some()
            };
            let policy = self.files.iter().find_map(|file| file.read().iter().find(is_it))?;
            let written = Written { node: policy.values.get("policy"), part: None };
            Some(Managed::Here(policy.address.clone(), written))
        };
        Ok(match here.or_else(read) {
            Some(policy) => policy,
            None => match of_aws(arn, kind)? {
                Some(document) => Managed::OfAws(document),
                None => Managed::Elsewhere(arn.to_owned()),
            },
        })
    }

    fn take(
        &mut self,
        owner: &str,
        resource: &Resource,
        managed: Managed<'p>,
        attribute: &str,
    ) -> Result<(), String> {
        match managed {
            Managed::Here(name, written) => self.inline(owner, &name, &written)?,
            Managed::OfAws(document) => {
                self.estate.entry(owner).policies.identity.push(document);
            }
            Managed::Elsewhere(arn) => {
                self.estate.entry(owner).outside.insert(arn);
            }
            Managed::Unknown => self.unknown(owner, &self.called(resource), attribute),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each stands as what it may be used as.
    #[test]
    fn each_of_awss_policies_is_read() {
        for (arn, _) in managed::all() {
            for kind in [Kind::Identity, Kind::Boundary] {
                let document = of_aws(&arn, kind).unwrap().unwrap();
                assert_eq!((document.name(), document.kind()), (arn.as_str(), kind));
            }
        }
        assert!(of_aws("arn:aws:iam::aws:policy/Nobody", Kind::Identity).unwrap().is_none());
    }
}
