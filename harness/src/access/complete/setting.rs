//! The account, the partition and the region of a plan.

use crate::lint::known::{Node, Value};
use crate::lint::terraform::{Resource, read_before};

/// What ARNs have in common.
#[derive(Debug, Clone, Default)]
pub(in crate::access) struct Setting {
    pub(in crate::access) partition: Option<String>,
    pub(in crate::access) account: Option<String>,
    pub(in crate::access) region: Option<String>,
}

/// By what the plan has read of the caller, else by the ARNs that it knows, where
/// all are of one account, else by what is known of where it was planned.
pub(super) fn of(root: &Node, resources: &[Resource], known: &Setting) -> Setting {
    let read = read_before(root);
    let data = |kind: &str, attribute: &str| {
        let found = read.iter().chain(resources).filter(|one| one.is_data && one.kind == kind);
        let mut texts = found.filter_map(|one| one.values.get(attribute)?.text());
        let first = texts.next()?;
        // Providers of several regions have read several.
        texts.all(|text| text == first).then(|| first.to_owned())
    };
    let arns = Arns::of(resources);
    // Several providers may be of several accounts and regions.
    let is_one = providers(root).nth(1).is_none();
    let by = |part, known: &Option<String>| match arns.one(part) {
        Part::None => known.clone().filter(|_| is_one),
        Part::One(text) => Some(text),
        Part::Several => None,
    };
    Setting {
        partition: data("aws_partition", "partition").or_else(|| by(1, &known.partition)),
        account: data("aws_caller_identity", "account_id").or_else(|| by(4, &known.account)),
        region: region(root)
            .or_else(|| data("aws_region", "name"))
            .or_else(|| by(3, &known.region)),
    }
}

/// The region of the provider, where it is the only one.
fn region(root: &Node) -> Option<String> {
    let mut aws = providers(root);
    let (first, None) = (aws.next()?, aws.next()) else { return None };
    let region = first.path(&["expressions", "region"])?;
    if let Some(constant) = region.get("constant_value") {
        return constant.text().map(str::to_owned);
    }
    let references = region.get("references")?.items();
    let [only] = references else { return None };
    let name = only.text()?.strip_prefix("var.")?;
    root.path(&["variables", name, "value"])?.text().map(str::to_owned)
}

/// The configurations of the provider.
fn providers(root: &Node) -> impl Iterator<Item = &Node> {
    let all = root.path(&["configuration", "provider_config"]).map(Node::members);
    let all = all.unwrap_or_default().iter().map(|one| &one.value);
    all.filter(|one| one.get("name").and_then(Node::text) == Some("aws"))
}

/// What ARNs have in one place.
enum Part {
    None,
    One(String),
    /// They differ.
    Several,
}

/// The ARNs of the resources themselves.
struct Arns<'r>(Vec<&'r str>);

impl<'r> Arns<'r> {
    fn of(resources: &'r [Resource]) -> Self {
        let own = resources.iter().filter(|one| !one.is_data);
        Self(own.filter_map(|one| one.values.get("arn")?.text()).collect())
    }

    /// What all that have this part have there.
    fn one(&self, part: usize) -> Part {
        let mut parts = self.0.iter().filter_map(|arn| arn.split(':').nth(part));
        let Some(first) = parts.by_ref().find(|part| !part.is_empty()) else { return Part::None };
        match parts.all(|part| part.is_empty() || part == first) {
            true => Part::One(first.to_owned()),
            false => Part::Several,
        }
    }
}

impl Setting {
    /// A format of AWS's with the values of a resource; `None` where one is not
    /// known. `${…}` is an attribute, or `partition`, `account`, `region`.
    pub(super) fn written(&self, format: &str, values: &Node) -> Option<String> {
        let mut out = String::new();
        let mut rest = format;
        while let Some((before, after)) = rest.split_once("${") {
            out.push_str(before);
            let (name, after) = after.split_once('}')?;
            let part = match name {
                "partition" => self.partition.clone(),
                "account" => self.account.clone(),
                "region" => self.region.clone(),
                // Where it is left out it is this.
                "path" => match values.get("path").map(|node| &node.value) {
                    Some(Value::Text(path)) => Some(path.clone()),
                    Some(Value::Null) | None => Some("/".to_owned()),
                    Some(_) => None,
                },
                "host" => {
                    let url = values.get("url")?.text()?;
                    Some(url.strip_prefix("https://").unwrap_or(url).to_owned())
                }
                // `parameter/a/b` of `/a/b`, and `parameter/a` of `a`.
                "slashed" => {
                    let name = values.get("name")?.text()?;
                    let slash = if name.starts_with('/') { "" } else { "/" };
                    Some(format!("{slash}{name}"))
                }
                name => values.get(name)?.text().map(str::to_owned),
            }?;
            out.push_str(&part);
            rest = after;
        }
        Some(out + rest)
    }
}
