//! The identities and policies of what `terraform show -json` prints.

use std::collections::BTreeMap;
use std::iter::successors;
use std::sync::Arc;

use ringfence_policy::{Document, Kind, Principal};
use serde_json::Value as Json;

use super::bounded::{self, Bounded};
use super::complete::{Apart, Completed, Names, Parts, Setting, Source, is_chosen, resources};
use super::estate::Estate;
use super::kept::{Former, Kept, List};
use super::managed::Managed;
use super::overwritten::Overwritten;
use super::owners::Identities;
use super::partial::Part;
use super::sessions::ANY_SESSION;
use crate::lint::known::{Node, Value};
use crate::lint::terraform::{Links, Resource, without_keys};

/// Types of identities: the resource, its name's attribute, and the word for it.
pub(super) const IDENTITIES: [(&str, &str); 3] =
    [("aws_iam_role", "role"), ("aws_iam_user", "user"), ("aws_iam_group", "group")];

/// Resources that hand an attribute on.
const DEEPEST: usize = 16;

/// What a plan or a state has.
pub(super) struct Contents {
    pub(super) resources: Vec<Resource>,
    pub(super) links: Links,
    pub(super) names: Names,
    /// The policies of which a part is known.
    parts: Parts,
    pub(super) outputs: BTreeMap<String, Json>,
    pub(super) apart: Apart,
    setting: Setting,
    /// The data sources that were read before.
    read: Vec<Resource>,
    /// What the plan's changes begin from.
    former: Former,
    /// What it makes of identities.
    identities: Identities,
    /// Whether it is a plan without its Terraform files.
    is_alone: bool,
}

impl Contents {
    /// Of what `terraform show -json` prints, and the configuration that it is of.
    pub(super) fn of(
        root: &mut Node,
        source: Option<&Source>,
        setting: &Setting,
        apart: Apart,
    ) -> Self {
        let Completed { resources, links, names, parts, outputs, setting, read, is_alone } =
            resources(root, source, &apart, setting);
        let former = Former::of(root);
        let identities = Identities::of(&resources, &setting);
        Self {
            resources,
            links,
            names,
            parts,
            outputs,
            apart,
            setting,
            read,
            former,
            identities,
            is_alone,
        }
    }

    /// What the plan's changes begin from.
    pub(super) const fn former(&self) -> &Former {
        &self.former
    }

    /// What it makes of identities.
    pub(super) const fn identities(&self) -> &Identities {
        &self.identities
    }

    /// The one resource of which an attribute of another is an attribute and nothing else, and
    /// which of its attributes, through others that hand it on: what is made of it may be
    /// anything.
    pub(super) fn named(&self, user: &str, attribute: &str) -> Option<(&Resource, &str)> {
        let of =
            |user: &str, attribute: &str| self.names.get(&(user.to_owned(), attribute.to_owned()));
        let first = of(user, attribute)?;
        let chain = successors(Some(first), |named| of(&named.address, &named.attribute));
        let named = chain.take(DEEPEST).last()?;
        // Whatever the key is, of one instance it is that one's.
        let mut all = self.resources.iter().filter(|it| named.may_be(&it.address));
        let (one, None) = (all.next()?, all.next()) else { return None };
        Some((one, &named.attribute))
    }

    /// What of a policy of a resource is known, where a part of it is not.
    pub(super) fn part(&self, resource: &Resource, attribute: &str) -> Option<&Part> {
        self.parts.get(&(resource.address.clone(), attribute.to_owned()))
    }

    /// Whether it is a plan without its Terraform files.
    pub(super) const fn is_alone(&self) -> bool {
        self.is_alone
    }

    /// Where its resources are.
    pub(super) const fn setting(&self) -> &Setting {
        &self.setting
    }

    /// The data sources that were read before.
    pub(super) fn read(&self) -> &[Resource] {
        &self.read
    }
}

/// One of the files, beside the others.
pub(super) struct Plan<'p, 'e> {
    pub(super) files: &'p [Contents],
    pub(super) file: usize,
    pub(super) own: &'p Contents,
    pub(super) estate: &'e mut Estate,
    /// By the name of an entry, which file makes it.
    pub(super) made: &'e mut BTreeMap<String, usize>,
    /// The inline policies that may not be there.
    pub(super) overwritten: &'e Overwritten,
}

impl<'p> Plan<'p, '_> {
    /// Adds what a resource says.
    ///
    /// # Errors
    /// A policy that AWS would not store, and what two files make.
    pub(super) fn add(&mut self, resource: &Resource) -> Result<(), String> {
        let kind = resource.kind.as_str();
        if let Some((_, word)) = IDENTITIES.iter().find(|(name, _)| *name == kind) {
            return self.identity(resource, word);
        }
        let owned = kind.strip_prefix("aws_iam_").and_then(|rest| {
            let (_, word) =
                IDENTITIES.iter().find(|(_, word)| rest.starts_with(&format!("{word}_policy")))?;
            Some((*word, rest.strip_prefix(word)?))
        });
        match owned {
            Some((word, "_policy")) => {
                let own = self.called(resource);
                let at = (self.file, resource.address.clone());
                let overwritten = self.overwritten.get(&at).cloned();
                for owner in self.owners(resource, word, word) {
                    match &overwritten {
                        Some(why) => {
                            self.estate.entry(&owner).unknown.insert(why.clone());
                        }
                        None => self.inline(&owner, &own, &Written::of(self.own, resource))?,
                    }
                }
                self.inline_of_somebody(resource);
                return Ok(());
            }
            Some((word, "_policy_attachments_exclusive")) => {
                for owner in self.owners(resource, &format!("{word}_name"), word) {
                    self.attached(&owner, resource, "policy_arns")?;
                }
                return Ok(());
            }
            Some((word, "_policy_attachment")) => {
                for owner in self.owners(resource, word, word) {
                    self.attach(&owner, resource, "policy_arn")?;
                }
                self.attached_to_somebody(resource);
                return Ok(());
            }
            _ => {}
        }
        match kind {
            "aws_iam_policy_attachment" => {
                for (_, word) in IDENTITIES {
                    for owner in self.owners(resource, &format!("{word}s"), word) {
                        self.attach(&owner, resource, "policy_arn")?;
                    }
                }
                self.attached_to_somebody(resource);
                Ok(())
            }
            // Told of where it is attached.
            "aws_iam_policy" => Ok(()),
            _ => self.standing(resource),
        }
    }

    /// A role, user or group with what stands in its own resource.
    fn identity(&mut self, resource: &Resource, word: &str) -> Result<(), String> {
        let (name, own) = (self.name(resource, word), self.called(resource));
        let is_made = self.made.contains_key(&name);
        self.make(&name)?;
        let arn = resource.values.get("arn").and_then(Node::text);
        let found = arn.and_then(|arn| principal(word, arn));
        let no_arn = (found.is_none() && word != "group").then(|| match arn {
            Some(arn) => format!("`{arn}` of `{own}` is none of a {word}"),
            None => self.own.setting().at(resource).without_arn(&own),
        });
        let entry = self.estate.entry(&name);
        // Two accounts may each have one; another resource may have taken over the same.
        if is_made && (found.is_none() || found != entry.principal) {
            return Err(format!("`{own}` makes `{name}`, and another resource of the file too"));
        }
        (entry.principal, entry.no_arn) = (found, no_arn);
        entry.is_unnamed = is_chosen(&name);
        let id = resource.values.get("unique_id").and_then(Node::text);
        entry.unique_id = id.filter(|id| !id.is_empty() && !is_chosen(id)).map(str::to_owned);
        for (at, policy) in items(resource.values.get("inline_policy")).into_iter().enumerate() {
            if matches!(policy.value, Value::Unknown) {
                self.unknown(&name, &own, "inline_policy");
            } else if policy.get("policy").is_some_and(Node::is_something) {
                match self.kept(resource, &name, policy, List::Inline) {
                    Kept::Yes => {
                        let (node, part) = (policy.get("policy"), format!("inline_policy.{at}"));
                        let part = self.own.part(resource, &part);
                        self.inline(&name, &own, &Written { node, part })?;
                    }
                    Kept::No => {}
                    Kept::Maybe(why) => self.estate.entry(&name).may_lose([why]),
                }
            }
        }
        for one in items(resource.values.get("managed_policy_arns")) {
            match self.kept(resource, &name, one, List::Attached) {
                Kept::Yes => self.attached_one(&name, resource, "managed_policy_arns", one)?,
                Kept::No => {}
                Kept::Maybe(why) => self.estate.entry(&name).may_lose([why]),
            }
        }
        if let Some(boundary) =
            resource.values.get("permissions_boundary").filter(|node| node.is_something())
        {
            match self.managed(resource, "permissions_boundary", boundary, Kind::Boundary)? {
                Managed::Here(called, written) => {
                    match document_of(&called, "policy", written.node, Kind::Boundary)? {
                        Some(document) => {
                            self.estate.entry(&name).policies.boundary = Some(vec![document])
                        }
                        None => match self.in_part(&called, &written, Kind::Boundary)? {
                            Some((why, bounded)) => self.estate.entry(&name).limit(why, bounded),
                            None => {
                                let why = self.why_unknown(&called, "policy", written.part);
                                self.limit(&name, &called, why)?;
                            }
                        },
                    }
                }
                Managed::OfAws(document) => {
                    self.estate.entry(&name).policies.boundary = Some(vec![document]);
                }
                Managed::Elsewhere(arn) => {
                    let what = format!("the boundary `{arn}` is not in the files");
                    self.limit(&name, &arn, what)?;
                }
                Managed::Unknown => self.limited(&name, &own, "permissions_boundary")?,
            }
        }
        let trust = resource.values.get("assume_role_policy").filter(|_| word == "role");
        if let Some(trust) = trust {
            let of = format!("trust of {name}");
            let trust = self.with_names(trust);
            match document_of(&own, "assume_role_policy", Some(&trust), Kind::Trust)? {
                Some(document) => self.estate.entry(&of).policies.resource = Some(document),
                None => {
                    let attribute = "assume_role_policy";
                    let part = self.own.part(resource, attribute);
                    let most = part.map(|part| bounded::trust(&own, part)).transpose();
                    let most = most.map_err(|error| format!("{own}: {error}"))?.flatten();
                    match part.zip(most) {
                        Some((part, most)) => {
                            let entry = self.estate.entry(&of);
                            entry.unknown.insert(in_part(&own, attribute, part));
                            entry.trusts_at_most = Some(most);
                        }
                        None => {
                            let why = self.why_unknown(&own, attribute, part);
                            self.estate.entry(&of).unknown.insert(why);
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// Notes that this file makes an entry: no other one does.
    pub(super) fn make(&mut self, name: &str) -> Result<(), String> {
        let file = *self.made.entry(name.to_owned()).or_insert(self.file);
        match file == self.file {
            true => Ok(()),
            false => Err(format!("`{name}` is in another file too")),
        }
    }

    pub(super) fn called(&self, resource: &Resource) -> String {
        self.own.apart.called(&resource.address)
    }

    /// Adds what stands in a resource of some name.
    pub(super) fn inline(
        &mut self,
        owner: &str,
        name: &str,
        written: &Written<'_>,
    ) -> Result<(), String> {
        match document_of(name, "policy", written.node, Kind::Identity)? {
            Some(document) => self.estate.entry(owner).policies.identity.push(document),
            None => match self.in_part(name, written, Kind::Identity)? {
                Some((why, bounded)) => self.estate.entry(owner).add_bounded(why, bounded),
                None => {
                    let why = self.why_unknown(name, "policy", written.part);
                    self.estate.entry(owner).unknown.insert(why);
                }
            },
        }
        Ok(())
    }

    /// What is known of a policy of which a part is not, and why that is not.
    pub(super) fn in_part(
        &self,
        name: &str,
        written: &Written<'_>,
        kind: Kind,
    ) -> Result<Option<(String, Bounded)>, String> {
        let Some(part) = written.part else { return Ok(None) };
        let bounded = Bounded::of(name, part, kind).map_err(|error| format!("{name}: {error}"))?;
        Ok(bounded.map(|bounded| (in_part(name, "policy", part), bounded)))
    }

    /// An identity's boundary is not known: it may allow anything or nothing, and gives nothing
    /// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html>).
    fn limited(&mut self, owner: &str, name: &str, attribute: &str) -> Result<(), String> {
        let why = self.after_apply(name, attribute);
        self.limit(owner, name, why)
    }

    fn limit(&mut self, owner: &str, name: &str, why: String) -> Result<(), String> {
        let anything = Bounded::anything(name, Kind::Boundary);
        let anything = anything.map_err(|error| format!("{name}: {error}"))?;
        self.estate.entry(owner).limit(why, anything);
        Ok(())
    }

    /// Notes that something of a resource of some name is not known.
    pub(super) fn unknown(&mut self, owner: &str, name: &str, attribute: &str) {
        let why = self.after_apply(name, attribute);
        self.estate.entry(owner).unknown.insert(why);
    }

    /// Why nothing of a policy is known: by what makes it, where the files say it.
    pub(super) fn why_unknown(&self, name: &str, attribute: &str, part: Option<&Part>) -> String {
        match part {
            Some(made @ Part::Open(_)) => in_part(name, attribute, made),
            _ => self.after_apply(name, attribute),
        }
    }

    pub(super) fn after_apply(&self, name: &str, attribute: &str) -> String {
        let targets = match self.own.is_alone {
            true => self.own.links.targets(&without_keys(name), attribute),
            false => Vec::new(),
        };
        let is_document = attribute.ends_with("policy") || attribute.ends_with("policies");
        let is_of = |one: &&Resource| {
            let text = one.values.get("json").and_then(Node::text);
            let tells = if one.is_data { text.is_some() } else { !is_document };
            tells && targets.contains(&one.configured().as_str())
        };
        match self.own.resources.iter().find(is_of) {
            // It may be that, or anything that is made of it.
            Some(data) => format!(
                "{name}: how {attribute} is made of `{}` stands in the Terraform files alone, \
                 which are not there (`--configuration`)",
                data.configured()
            ),
            None => format!("{name}: {attribute} is known after apply only"),
        }
    }
}

/// A policy of a resource.
pub(super) struct Written<'p> {
    /// What the plan or the state has of it.
    pub(super) node: Option<&'p Node>,
    /// What is known of it where a part is not.
    pub(super) part: Option<&'p Part>,
}

impl<'p> Written<'p> {
    /// The policy of a resource of a file that is nothing else.
    pub(super) fn of(file: &'p Contents, resource: &'p Resource) -> Self {
        Self { node: resource.values.get("policy"), part: file.part(resource, "policy") }
    }
}

/// Why not all of a policy is known: where the first part is that is not.
pub(super) fn in_part(name: &str, attribute: &str, part: &Part) -> String {
    let (path, written) = part.first_open().unwrap_or_default();
    let written = match written.is_empty() {
        true => String::new(),
        false => format!(" (`{written}`)"),
    };
    let dot = if path.is_empty() || path.starts_with('[') { "" } else { "." };
    format!("{name}: {attribute}{dot}{path}{written} is known after apply only")
}

/// A document, called as its resource is; `None` where it is not known.
pub(super) fn document_of(
    name: &str,
    attribute: &str,
    node: Option<&Node>,
    kind: Kind,
) -> Result<Option<Arc<Document>>, String> {
    let other = match node.map(|node| &node.value) {
        None | Some(Value::Unknown) => return Ok(None),
        Some(Value::Text(text)) if text.trim().is_empty() => "empty",
        Some(Value::Text(text)) => {
            let document = Document::parse(name.to_owned(), text, kind);
            let document = document.map(|it| Some(Arc::new(it)));
            return document.map_err(|error| format!("{name}: {error}"));
        }
        Some(Value::Null) => "null",
        Some(Value::Bool(_)) => "true or false",
        Some(Value::Number(_)) => "a number",
        Some(Value::List(_)) => "a list",
        Some(Value::Map(_)) => "a map",
    };
    Err(format!("{name}: `{attribute}` must be a policy document, and is {other}"))
}

/// The items of a list, or the one value; an unknown list is one unknown value.
pub(super) fn items(node: Option<&Node>) -> Vec<&Node> {
    let Some(node) = node.filter(|node| node.is_something()) else { return Vec::new() };
    match &node.value {
        Value::List(items) => items.iter().collect(),
        _ => vec![node],
    }
}

pub(crate) fn principal(word: &str, arn: &str) -> Option<Principal> {
    match word {
        "user" => Some(Principal::User { arn: arn.to_owned() }),
        "role" => {
            let mut parts = arn.splitn(6, ':');
            let partition = parts.nth(1)?;
            let account = parts.nth(2)?;
            let name = parts.next()?.rsplit('/').next()?;
            Some(Principal::RoleSession {
                role_arn: arn.to_owned(),
                session_arn: format!(
                    "arn:{partition}:sts::{account}:assumed-role/{name}/{ANY_SESSION}"
                ),
            })
        }
        _ => None,
    }
}
