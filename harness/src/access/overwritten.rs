//! Inline policies of one identity and one name: each overwrites the other
//! (<https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutRolePolicy.html>).

use std::collections::BTreeMap;

use super::kept::known_text;
use super::plan::{IDENTITIES, Plan};
use crate::lint::known::Node;
use crate::lint::terraform::Resource;

/// By file and address, why nobody knows whether an inline policy is there.
pub(super) type Overwritten = BTreeMap<(usize, String), String>;

impl Plan<'_, '_> {
    /// Of inline policies with one name and different documents, one is there in the end.
    pub(super) fn overwritten(&self) -> Overwritten {
        let mut all: BTreeMap<(String, String), Vec<(usize, &Resource)>> = BTreeMap::new();
        for (at, file) in self.files.iter().enumerate() {
            for one in file.resources.iter().filter(|one| !one.is_data) {
                let rest = one.kind.strip_prefix("aws_iam_").unwrap_or_default();
                let word = rest.strip_suffix("_policy").unwrap_or_default();
                let is_identity = IDENTITIES.iter().any(|(_, own)| *own == word);
                let Some(name) = one.values.get("name").and_then(Node::text) else { continue };
                if is_identity {
                    for owner in self.whose(file, one, word, word).all {
                        all.entry((owner, name.to_owned())).or_default().push((at, one));
                    }
                }
            }
        }
        let mut overwritten = Overwritten::new();
        for ((owner, name), makers) in all.iter().filter(|(_, makers)| makers.len() > 1) {
            let mut said = makers.iter().map(|(_, one)| one.values.get("policy"));
            let first = said.next().flatten().and_then(known_text);
            if first.is_some() && said.all(|other| other.and_then(known_text) == first) {
                continue;
            }
            let called = makers.iter().filter_map(|(at, one)| {
                Some(format!("`{}`", self.files.get(*at)?.apart.called(&one.address)))
            });
            let called: Vec<String> = called.collect();
            let why = format!(
                "{} make the inline policy `{name}` of `{owner}`: which of them is there is not \
                 known",
                called.join(" and ")
            );
            for (at, one) in makers {
                overwritten.insert((*at, one.address.clone()), why.clone());
            }
        }
        overwritten
    }
}
