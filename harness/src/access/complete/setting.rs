//! The account, the partition and the region of a plan.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ringfence_models::Partition;

use super::evaluate::json;
use crate::config::Account;
use crate::lint::known::{Node, Value};
use crate::lint::terraform::{Resource, read_before};

/// What ARNs have in common.
#[derive(Debug, Clone, Default)]
pub(in crate::access) struct Setting {
    pub(in crate::access) partition: Option<String>,
    pub(in crate::access) account: Option<String>,
    pub(in crate::access) region: Option<String>,
    /// Where the resources of each configuration of the provider are, where there are
    /// several.
    several: Arc<BTreeMap<String, Place>>,
    /// Whether its resources may be of several accounts.
    is_mixed: bool,
    /// Whether the configuration stands in the file.
    is_plan: bool,
    /// Of each address without keys, the configuration of the provider.
    providers: Arc<BTreeMap<String, String>>,
}

/// An account and a region, as far as they are known.
#[derive(Debug, Clone, Default)]
struct Place {
    account: Option<String>,
    region: Option<String>,
}

/// By what the plan has read of the caller, else by the ARNs that it knows, where
/// all are of one account, else by what is known of where it was planned; of several
/// configurations of the provider, of each by itself.
pub(super) fn of(root: &Node, resources: &[Resource], known: &Setting) -> Setting {
    let read = read_before(root);
    let all: Vec<&Resource> = read.iter().chain(resources).collect();
    let configured = providers(root);
    let partition = data(&all, "aws_partition", "partition")
        .or_else(|| Arns::of(&all).one(1).known(known.partition.as_ref()));
    if configured.len() < 2 {
        let own = configured.values().next();
        let Place { account, region } = place(root, own.copied(), &all);
        let (arns, otherwise) = (Arns::of(&all), known);
        let is_mixed = matches!(arns.one(4), Part::Several);
        let account = account.or_else(|| arns.one(4).known(otherwise.account.as_ref()));
        let region = region.or_else(|| arns.one(3).known(otherwise.region.as_ref()));
        let is_plan = !configured.is_empty();
        return Setting { is_plan, is_mixed, ..Setting::new(partition, account, region) };
    }
    let mut by = BTreeMap::new();
    if let Some(module) = root.path(&["configuration", "root_module"]) {
        of_module(module, "", &mut by);
    }
    let mut places: BTreeMap<String, Place> = BTreeMap::new();
    for (key, provider) in &configured {
        let own: Vec<&Resource> =
            all.iter().copied().filter(|one| by.get(&one.configured()) == Some(key)).collect();
        places.insert(key.clone(), place(root, Some(provider), &own));
    }
    // Those that say the same of whom they act as are of one account.
    let accounts: Vec<(String, Option<String>)> = configured
        .iter()
        .map(|(key, provider)| {
            (identity(provider), places.get(key).and_then(|it| it.account.clone()))
        })
        .collect();
    for (key, provider) in &configured {
        let same = accounts.iter().filter(|(who, _)| *who == identity(provider));
        let known: BTreeSet<&String> = same.filter_map(|(_, account)| account.as_ref()).collect();
        if let (Some(place), [only]) =
            (places.get_mut(key), known.into_iter().collect::<Vec<_>>().as_slice())
        {
            place.account = Some((*only).clone());
        }
    }
    // What is known of where it was planned is of whoever planned: of all, where all are
    // the same, and of the one that says no region.
    let whos: BTreeSet<&String> = accounts.iter().map(|(who, _)| who).collect();
    let is_one = whos.len() == 1 && accounts.iter().all(|(_, account)| account.is_none());
    for (key, provider) in &configured {
        let Some(place) = places.get_mut(key) else { continue };
        if is_one {
            place.account = place.account.take().or_else(|| known.account.clone());
        }
        if key == "aws" && provider.path(&["expressions", "region"]).is_none() {
            place.region = place.region.take().or_else(|| known.region.clone());
        }
    }
    let own = places.get("aws").cloned().unwrap_or_default();
    let setting = Setting::new(partition, own.account, own.region);
    let (several, providers) = (Arc::new(places), Arc::new(by));
    Setting { several, providers, is_mixed: true, is_plan: true, ..setting }
}

/// Where the resources of a configuration of the provider are.
fn place(root: &Node, provider: Option<&Node>, own: &[&Resource]) -> Place {
    let arns = Arns::of(own);
    let one = |part| match arns.one(part) {
        Part::One(text) => Some(text),
        Part::None | Part::Several => None,
    };
    Place {
        account: data(own, "aws_caller_identity", "account_id").or_else(|| one(4)),
        region: provider
            .and_then(|provider| region(root, provider))
            .or_else(|| data(own, "aws_region", "name"))
            .or_else(|| one(3)),
    }
}

/// What all data sources of a type say: providers of several regions have read several.
fn data(own: &[&Resource], kind: &str, attribute: &str) -> Option<String> {
    let found = own.iter().filter(|one| one.is_data && one.kind == kind);
    let mut texts = found.filter_map(|one| one.values.get(attribute)?.text());
    let first = texts.next()?;
    texts.all(|text| text == first).then(|| first.to_owned())
}

/// The region of a configuration of the provider, where it says it.
fn region(root: &Node, provider: &Node) -> Option<String> {
    let region = provider.path(&["expressions", "region"])?;
    if let Some(constant) = region.get("constant_value") {
        return constant.text().map(str::to_owned);
    }
    let references = region.get("references")?.items();
    let [only] = references else { return None };
    let name = only.text()?.strip_prefix("var.")?;
    root.path(&["variables", name, "value"])?.text().map(str::to_owned)
}

/// Whom a configuration of the provider acts as: all that it says but where.
fn identity(provider: &Node) -> String {
    const PLACES: [&str; 3] = ["default_tags", "ignore_tags", "region"];
    let all = provider.get("expressions").map(Node::members).unwrap_or_default();
    let mut said: Vec<String> = all
        .iter()
        .filter(|one| !PLACES.contains(&one.key.as_str()))
        .map(|one| format!("{}={:?}", one.key, json(&one.value)))
        .collect();
    said.sort();
    said.join(";")
}

/// The configurations of the provider by their keys, `aws` and `aws.east`.
fn providers(root: &Node) -> BTreeMap<String, &Node> {
    let all = root.path(&["configuration", "provider_config"]).map(Node::members);
    let all = all.unwrap_or_default().iter();
    let own = all.filter(|one| one.value.get("name").and_then(Node::text) == Some("aws"));
    own.map(|one| (one.key.clone(), &one.value)).collect()
}

/// Of each resource and data source of a module, the configuration of its provider.
fn of_module(module: &Node, prefix: &str, by: &mut BTreeMap<String, String>) {
    for resource in module.get("resources").map(Node::items).unwrap_or_default() {
        let text = |name| resource.get(name).and_then(Node::text);
        if let (Some(address), Some(key)) = (text("address"), text("provider_config_key")) {
            by.insert(format!("{prefix}{address}"), key.to_owned());
        }
    }
    for call in module.get("module_calls").map(Node::members).unwrap_or_default() {
        if let Some(inner) = call.value.get("module") {
            of_module(inner, &format!("{prefix}module.{}.", call.key), by);
        }
    }
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

impl Part {
    /// The one that there is, else, where there is none, what is known otherwise.
    fn known(self, otherwise: Option<&String>) -> Option<String> {
        match self {
            Self::None => otherwise.cloned(),
            Self::One(text) => Some(text),
            Self::Several => None,
        }
    }
}

impl<'r> Arns<'r> {
    fn of(resources: &[&'r Resource]) -> Self {
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
    /// What is known by itself.
    pub(in crate::access) fn new(
        partition: Option<String>,
        account: Option<String>,
        region: Option<String>,
    ) -> Self {
        Self { partition, account, region, ..Self::default() }
    }

    /// What ARNs of an account have in common.
    pub(in crate::access) fn of_account(account: &Account) -> Self {
        Self::new(
            Some(Partition::of_region(account.region.as_str()).id.to_owned()),
            Some(account.id.as_str().to_owned()),
            Some(account.region.as_str().to_owned()),
        )
    }

    /// Where a resource is: by its own region, and by the configuration of its provider.
    pub(in crate::access) fn at(&self, resource: &Resource) -> Self {
        let mut own = self.clone();
        if !self.several.is_empty() {
            let key = self.providers.get(&resource.configured());
            let place = key.and_then(|key| self.several.get(key)).cloned().unwrap_or_default();
            (own.account, own.region) = (place.account, place.region);
        }
        // <https://registry.terraform.io/providers/hashicorp/aws/latest/docs/guides/enhanced-region-support>
        if let Some(region) = resource.values.get("region").and_then(Node::text) {
            own.region = Some(region.to_owned());
        }
        own
    }

    /// Why an identity that is there has no ARN that is known, and what gives it. What the
    /// configuration says counts for all that one configuration of the provider makes.
    pub(in crate::access) fn without_arn(&self, address: &str) -> String {
        let (missing, sources) = match (&self.partition, &self.account) {
            (None, None) => (
                "neither its partition nor its account is",
                "data sources `aws_partition` and `aws_caller_identity`",
            ),
            (None, Some(_)) => ("its partition is not", "a data source `aws_partition`"),
            (Some(_), None) => ("its account is not", "a data source `aws_caller_identity`"),
            (Some(_), Some(_)) => {
                return format!("a part of it that `{address}` says is known after apply only");
            }
        };
        let gives = match self.is_mixed {
            true => "of each configuration of its provider",
            false => "in its Terraform files, or `[account]` of ringfence.toml,",
        };
        format!("{missing} known, which {sources} {gives} would give")
    }

    /// The account of a resource.
    pub(in crate::access) fn account_of(&self, resource: &Resource) -> Option<&str> {
        if self.several.is_empty() {
            return self.account.as_deref();
        }
        let key = self.providers.get(&resource.configured())?;
        self.several.get(key)?.account.as_deref()
    }

    /// Whether its resources may be of several accounts: by configurations of the provider, or
    /// by their ARNs.
    pub(in crate::access) const fn is_mixed(&self) -> bool {
        self.is_mixed
    }

    /// Whether the file says which configuration of the provider makes what.
    pub(in crate::access) const fn tells_providers(&self) -> bool {
        self.is_plan
    }

    /// Whether two resources of the file are where the same configuration of the provider
    /// puts them.
    pub(in crate::access) fn has_together(&self, one: &Resource, other: &Resource) -> bool {
        let region = |of: &Resource| of.values.get("region").map(|node| node.value.clone());
        let key = |of: &Resource| self.providers.get(&of.configured());
        key(one) == key(other) && region(one) == region(other)
    }

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
