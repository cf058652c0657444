//! What a resource's policy is, where its text alone does not say it.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::plan::Plan;
use crate::lint::known::{Node, Value};
use crate::lint::terraform::Resource;

impl Plan<'_, '_> {
    /// A policy that names an identity of the files by its id names it by its ARN: as it
    /// stands it names who was deleted
    /// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-roles>).
    pub(super) fn with_names(&self, node: &Node) -> Node {
        let Some(text) = node.text().filter(|it| it.contains("AROA") || it.contains("AIDA")) else {
            return node.clone();
        };
        let Ok(mut document) = serde_json::from_str::<Json>(text) else { return node.clone() };
        let all = self.files.iter().flat_map(|file| &file.resources);
        let of = all.filter_map(|one| {
            let text = |name| one.values.get(name).and_then(Node::text);
            Some((text("unique_id")?, text("arn")?))
        });
        let arns: BTreeMap<&str, &str> = of.collect();
        let mut any = false;
        let statements = match document.get_mut("Statement") {
            Some(Json::Array(all)) => all.iter_mut().collect(),
            Some(one) => vec![one],
            None => Vec::new(),
        };
        for statement in statements {
            for key in ["Principal", "NotPrincipal"] {
                let named = statement.get_mut(key).and_then(|it| it.get_mut("AWS"));
                let texts = match named {
                    Some(Json::Array(all)) => all.iter_mut().collect(),
                    Some(one) => vec![one],
                    None => Vec::new(),
                };
                for text in texts {
                    if let Some(arn) = text.as_str().and_then(|id| arns.get(id)) {
                        *text = json!(arn);
                        any = true;
                    }
                }
            }
        }
        match any {
            true => Node::new(node.at, Value::Text(document.to_string())),
            false => node.clone(),
        }
    }

    /// Whether another resource of the files says what a resource's policy is: what stands
    /// in the resource itself is then what it was when that was last read.
    pub(super) fn is_replaced(&self, resource: &Resource) -> bool {
        const NAMES: [&str; 7] = ["arn", "bucket", "domain_name", "id", "key_id", "name", "url"];
        let own = NAMES.iter().filter_map(|name| resource.values.get(name)?.text());
        let own: Vec<&str> = own.filter(|text| !text.is_empty()).collect();
        let kind = format!("{}_policy", resource.kind);
        let configured = resource.configured();
        let mut all = self.files.iter().enumerate().flat_map(|(at, file)| {
            let of = file.resources.iter().filter(|one| one.kind == kind && !one.is_data);
            of.map(move |one| (at, file, one))
        });
        all.any(|(at, file, one)| {
            let members = one.values.members().iter();
            let mut named = members.filter(|member| !member.key.contains("policy"));
            named.any(|member| match member.value.text() {
                Some(text) => own.contains(&text),
                None => {
                    let targets = file.links.targets(&one.configured(), &member.key);
                    at == self.file && targets.contains(&configured.as_str())
                }
            })
        })
    }
}
