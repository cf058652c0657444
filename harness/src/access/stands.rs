//! What a resource's policy is, where its text alone does not say it.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::plan::{Contents, Plan};
use crate::lint::known::{Node, Value};
use crate::lint::terraform::Resource;

/// Whether another resource says what a resource's policy is.
pub(super) enum Replaced {
    No,
    Yes,
    /// Nobody knows, and why.
    Maybe(String),
}

/// A name alone, of which each region and account may have one.
const NAMES: [&str; 4] = ["domain_name", "id", "key_id", "name"];

/// The names of buckets are nobody else's.
const WHOLE: [&str; 4] = ["arn", "bucket", "id", "url"];

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
    pub(super) fn is_replaced(&self, resource: &Resource) -> Replaced {
        let kind = format!("{}_policy", resource.kind);
        let own = self.called(resource);
        let mut found = Replaced::No;
        for (at, file) in self.files.iter().enumerate() {
            for one in file.resources.iter().filter(|one| one.kind == kind && !one.is_data) {
                match self.is_of(resource, at, one) {
                    Some(true) => return Replaced::Yes,
                    Some(false) => {}
                    None => {
                        let by = file.apart.called(&one.address);
                        let files = match self.own.is_alone() {
                            true => " without the Terraform files (`--configuration`)",
                            false => "",
                        };
                        found = Replaced::Maybe(format!(
                            "whether `{by}` replaces the policy of `{own}` is not known{files}"
                        ));
                    }
                }
            }
        }
        let former = |file: &Contents, one: &Resource| {
            let at = self.files.iter().position(|other| std::ptr::eq(file, other));
            one.kind == kind && at.is_some_and(|at| self.is_of(resource, at, one) != Some(false))
        };
        match (&found, self.destroys(resource, former)) {
            (Replaced::No, Some(by)) => Replaced::Maybe(format!(
                "the policy of `{own}` was read before `{by}` is taken away: what it is then is \
                 not known"
            )),
            _ => found,
        }
    }

    /// Whether a policy of a file is a resource's; `None` where nobody knows.
    fn is_of(&self, resource: &Resource, at: usize, policy: &Resource) -> Option<bool> {
        let own = |names: &[&str], named: &str| {
            let texts = names.iter().filter_map(|name| resource.values.get(name)?.text());
            texts.clone().any(|text| text == named)
        };
        let is_whole = |text: &str| text.contains("://") || text.starts_with("arn:");
        let members = policy.values.members().iter();
        let mut answer = Some(false);
        for member in members.filter(|member| !member.key.contains("policy")) {
            let found = match member.value.text() {
                Some("") => Some(false),
                Some(text) if own(&WHOLE, text) && (is_whole(text) || member.key == "bucket") => {
                    Some(true)
                }
                Some(text) if own(&NAMES, text) => self.is_beside(resource, at, policy),
                Some(_) => Some(false),
                None if !matches!(member.value.value, Value::Unknown) => Some(false),
                None => self.refers(resource, at, policy, &member.key),
            };
            match found {
                Some(true) => return Some(true),
                Some(false) => {}
                None => answer = None,
            }
        }
        answer
    }

    /// Whether two resources are of one account and region.
    fn is_beside(&self, resource: &Resource, at: usize, other: &Resource) -> Option<bool> {
        let file = self.files.get(at)?;
        if at == self.file && self.own.setting().has_together(resource, other) {
            // A state does not say which configuration of the provider made what.
            let is_like = |one: &&Resource| one.kind == resource.kind && !one.is_data;
            let is_alone = self.own.resources.iter().filter(is_like).count() == 1;
            if is_alone || self.own.setting().tells_providers() {
                return Some(true);
            }
        }
        let [one, other] = [self.own.setting().at(resource), file.setting().at(other)];
        let arn = resource.values.get("arn").and_then(Node::text).unwrap_or_default();
        let part = |at, known: Option<String>| {
            let own = arn.split(':').nth(at).filter(|part| !part.is_empty());
            own.map(str::to_owned).or(known)
        };
        let pairs = [(part(3, one.region), other.region), (part(4, one.account), other.account)];
        let same = pairs.map(|(one, other)| Some(one? == other?));
        match same {
            _ if same.contains(&Some(false)) => Some(false),
            [Some(true), Some(true)] => Some(true),
            _ => None,
        }
    }

    /// Whether an attribute that is not known names a resource. To what an expression refers
    /// the plan says, and the files alone what it makes of it.
    fn refers(
        &self,
        resource: &Resource,
        at: usize,
        policy: &Resource,
        attribute: &str,
    ) -> Option<bool> {
        if at != self.file {
            return Some(false);
        }
        let named = self.own.named(&policy.address, attribute);
        if let Some((one, by)) = named.filter(|(one, _)| one.kind == resource.kind) {
            // By something else of it, another may be meant.
            let is_name = WHOLE.contains(&by) || NAMES.contains(&by);
            return is_name.then_some(one.address == resource.address);
        }
        let targets = self.own.links.targets(&policy.configured(), attribute);
        let is_other = |one: &&str| *one != resource.configured() && is_of(one, &resource.kind);
        targets.iter().all(is_other).then_some(false)
    }
}

/// Whether a target is a resource of a type, or the key of one: any other value may come from
/// whatever there is.
fn is_of(target: &str, kind: &str) -> bool {
    let own = target
        .rsplit_once("module.")
        .map_or(target, |(_, rest)| rest.split_once('.').map_or(rest, |(_, rest)| rest));
    ["each.key", "count.index"].contains(&own) || own.split('.').next() == Some(kind)
}
