//! The identities that `CloudFormation` templates make, beside an estate whose published
//! parameters they read. Parameters have their defaults.
//!
//! - [`names`]: what a name of a template stands for, and [`conditions`] what is not made;
//! - [`sam`]: what SAM makes of a template, and [`execution`] the roles that functions run as;
//! - [`unread`]: what of a template is not read, and [`why`] a value is not known.

mod conditions;
mod execution;
mod names;
mod sam;
mod unread;
mod why;

use std::collections::BTreeSet;
use std::sync::Arc;

use ringfence_policy::{Document, Kind};

use super::bounded::{self, Bounded};
use super::complete::known;
use super::estate::{Entry, Estate};
use super::given::{self, Own};
use super::grants::Unread;
use super::inlines::{Inline, Name, part_of};
use super::plan::principal;
use super::public::Bucket;
use super::running::Profiles;
use super::{letting, managed, managed_twice, running, unnamed};
use crate::lint::known::{Member, Node, Value};
use crate::lint::terraform::Resource;
use conditions::Conditions;
use names::Names;
pub(super) use why::cause;

/// The account and what else is the same in all ARNs.
pub(crate) struct Place {
    pub(crate) partition: String,
    pub(crate) account: String,
    pub(crate) region: Option<String>,
}

/// Adds a template's identities, and what it gives to others.
///
/// # Errors
/// A policy that AWS would not store, an identity that is in the estate already, and a managed
/// policy that another file makes otherwise.
pub(super) fn add(root: &Node, place: &Place, estate: &mut Estate) -> Result<(), String> {
    estate.templates += 1;
    let conditions = Conditions::of(root, place, &estate.resources);
    let root = sam::expanded(&conditions.made(root), &place.partition);
    let root = &names::without_no_value(&conditions.taken(&root));
    let names = Names::of(root, place, &estate.resources);
    let resources = root.get("Resources").map(Node::members).unwrap_or_default();
    let mut taken = BTreeSet::new();
    let all: Vec<Made<'_>> = resources
        .iter()
        .map(|resource| {
            let kind = resource.value.get("Type").and_then(Node::text).unwrap_or_default();
            let properties = resource.value.get("Properties").map(|node| names.resolved(node));
            let properties = properties.unwrap_or(Node::new(resource.at, Value::Null));
            let entry = entry(resource, kind, &properties, estate, &mut taken);
            Made { resource, kind, properties, entry }
        })
        .collect();
    for made in &all {
        made.managed(place, estate)?;
    }
    let own: Own = all.iter().filter_map(|made| made.entry.clone()).collect();
    for (line, why) in unread::unread(root, resources) {
        // Of several templates it is told which.
        let why = match &estate.template {
            Some(path) => format!("{path}:{line}: {why}"),
            None => why,
        };
        let unread = Unread::of_anything(why.clone());
        let entry = estate.entry(&why);
        entry.unknown.insert(why);
        entry.unread.push(unread);
    }
    let find = |id: &str| {
        let found = all.iter().find(|made| made.resource.key == id)?;
        Some((found.kind, &found.properties))
    };
    let buckets = all.iter().filter(|made| made.kind == "AWS::S3::Bucket");
    let buckets: Vec<Bucket<'_>> =
        buckets.map(|made| (made.resource.key.as_str(), &made.properties)).collect();
    let mut profiles = Profiles::new();
    for Made { resource, kind, properties, .. } in &all {
        running::add_profile(resource, kind, properties, (&own, &mut profiles), estate);
    }
    for made in &all {
        functions(made, &own, estate);
        let Made { resource, kind, properties, .. } = made;
        running::add(resource, kind, properties, (&own, &profiles), estate);
        letting::add(resource, kind, properties, (place, &find, &buckets), estate);
        made.add(&all, place, estate)?;
    }
    for made in &all {
        given::add(made.resource, &made.properties, &own, estate)?;
        let Some(name) = own.get(&made.resource.key) else { continue };
        if made.kind == "AWS::IAM::User" {
            let written = made.resource.value.path(&["Properties", "Groups"]);
            for group in given::whose(written, made.properties.get("Groups"), "group", &own) {
                estate.join(name, &group);
            }
        }
    }
    Ok(())
}

/// The logical id of an identity and the name of its entry, where a resource makes one. One
/// without a name of its own is named by `CloudFormation`, and its entry as nobody else's.
fn entry(
    resource: &Member,
    kind: &str,
    properties: &Node,
    estate: &Estate,
    taken: &mut BTreeSet<String>,
) -> Option<(String, String)> {
    let id = resource.key.clone();
    let (word, property) = match kind {
        "AWS::IAM::Role" => ("role", "RoleName"),
        "AWS::IAM::User" => ("user", "UserName"),
        "AWS::IAM::Group" => ("group", "GroupName"),
        _ => return None,
    };
    let named = properties.get(property).filter(|node| node.is_something());
    if let Some(name) = named.and_then(Node::text) {
        return Some((id, format!("{word}/{name}")));
    }
    let of = match named.is_some() || matches!(properties.value, Value::Unknown) {
        true => unnamed::UNKNOWN,
        false => unnamed::OF_STACK,
    };
    let name = format!("{word}/{of}{id}");
    let numbered = (2..).map(|number| format!("{name}.{number}"));
    let mut free = std::iter::once(name.clone())
        .chain(numbered)
        .filter(|name| !taken.contains(name) && !estate.entries.contains_key(name));
    let name = free.next().unwrap_or(name);
    taken.insert(name.clone());
    Some((id, name))
}

/// A resource of a template, with its properties as far as they are known.
struct Made<'t> {
    resource: &'t Member,
    kind: &'t str,
    properties: Node,
    /// Its logical id and the name of its entry, where it is an identity.
    entry: Option<(String, String)>,
}

impl Made<'_> {
    /// Notes the managed policy that it is, if it is one whose ARN is known.
    fn managed(&self, place: &Place, estate: &mut Estate) -> Result<(), String> {
        let Self { resource, kind, properties, .. } = self;
        let named = properties.get("ManagedPolicyName").and_then(Node::text);
        let Some(name) = named.filter(|_| *kind == "AWS::IAM::ManagedPolicy") else {
            return Ok(());
        };
        let path = properties.get("Path").filter(|node| node.is_something());
        let Some(path) = path.map_or(Some("/"), Node::text) else { return Ok(()) };
        let Place { partition, account, .. } = place;
        let made = managed_twice::Made {
            by: format!("Resources.{}", resource.key),
            text: properties.get("PolicyDocument").and_then(text_of),
            is_sure: resource.value.get("Condition").is_none(),
        };
        estate.make_managed(format!("arn:{partition}:iam::{account}:policy{path}{name}"), made)
    }

    /// Adds the identity that it is, if it is one.
    fn add(&self, all: &[Made<'_>], place: &Place, estate: &mut Estate) -> Result<(), String> {
        let Some((_, name)) = &self.entry else { return Ok(()) };
        // What files give to who is elsewhere, this is.
        let given = estate.take_elsewhere(name)?;
        let (properties, Place { partition, account, .. }) = (&self.properties, place);
        let (word, short) = name.split_once('/').unwrap_or_default();
        let mut entry = Entry { is_unnamed: unnamed::form(name).is_some(), ..Entry::default() };
        let path = properties.get("Path").filter(|node| node.is_something());
        // Of one under a path that is not known nobody knows the ARN.
        match path.map_or(Some("/"), Node::text) {
            Some(path) => {
                let arn = format!("arn:{partition}:iam::{account}:{word}{path}{short}");
                entry.principal = principal(word, &arn);
            }
            None => {
                let why = format!("Resources.{}: its path is not known", self.resource.key);
                entry.no_arn = Some(why);
            }
        }
        if unread::made_by(&self.resource.value).is_some()
            || matches!(properties.value, Value::Unknown)
        {
            entry
                .unknown
                .insert(format!("Resources.{}: not all of it is known", self.resource.key));
        }
        let inlines = Vec::new();
        let mut identity = Identity { name, entry, estate, all, inlines };
        identity.boundary(self)?;
        identity.policies(self)?;
        let Identity { mut entry, inlines, .. } = identity;
        for given in given {
            entry.succeed(given);
        }
        if word == "role" {
            let trust = trust(name, self.resource, properties)?;
            estate.entries.insert(format!("trust of {name}"), trust);
        }
        if word != "group" {
            estate.of_templates.push(name.clone());
        }
        estate.entries.insert(name.clone(), entry);
        for inline in inlines {
            if let Some(known) = inline.name.known()
                && estate.overwrites(&inline.by, (word, name.as_str()), known)
            {
                let why = format!("which policy `{known}` of `{name}` is there is not known");
                estate.doubt(&inline, &why);
            }
            estate.is_contested(inline);
        }
        estate.take_given(name);
        Ok(())
    }
}

/// Who may assume a role.
///
/// # Errors
/// What is no trust policy.
fn trust(name: &str, resource: &Member, properties: &Node) -> Result<Entry, String> {
    let mut entry = Entry::default();
    let written = properties.get("AssumeRolePolicyDocument").filter(|node| node.is_something());
    match written.and_then(text_of) {
        Some(text) => {
            let short = name.split_once('/').map_or(name, |(_, short)| short);
            let document = document_of(&format!("trust of {short}"), &text, Kind::Trust)?;
            entry.policies.resource = Some(document);
        }
        // It lets in nobody knows whom.
        None => {
            let cause = match written {
                Some(document) => cause(&resource.value, document),
                None => format!(" (line {})", resource.at.line),
            };
            // Whom it lets in at most may be known.
            let of = format!("trust of {name}");
            entry.trusts_at_most =
                written.and_then(|document| bounded::trust(&of, &document.into()).ok().flatten());
            let what = match entry.trusts_at_most {
                Some(_) => "not all of its trust policy is known",
                None => "its trust policy is not known",
            };
            entry.unknown.insert(format!("role/{name}: {what}{cause}"));
        }
    }
    Ok(entry)
}

/// Notes a function with its role, where both names are known.
fn functions(made: &Made<'_>, own: &Own, estate: &mut Estate) {
    let Made { resource, kind, properties, .. } = made;
    let is_made = *kind == "AWS::Serverless::Function";
    if !is_made && *kind != "AWS::Lambda::Function" {
        return;
    }
    let Some(name) = properties.get("FunctionName").and_then(Node::text) else { return };
    let written = resource.value.path(&["Properties", "Role"]);
    let of_sam = || own.get(&format!("{}Role", resource.key))?.strip_prefix("role/");
    let role = match (properties.get("Role"), written) {
        (None, _) => of_sam().filter(|_| is_made).map(str::to_owned),
        (Some(node), written) => node.text().map(str::to_owned).or_else(|| referred(written?, own)),
    };
    if let Some(role) = role {
        estate.functions.insert(name.to_owned(), role);
    }
}

/// The name that a role of the template has here: its own, or that of its resource.
pub(super) fn referred(node: &Node, own: &Own) -> Option<String> {
    let attribute = node.get("Fn::GetAtt")?;
    let name = attribute.items().first().unwrap_or(attribute).text()?;
    let role = own.get(name.split('.').next()?)?;
    role.strip_prefix("role/").map(str::to_owned)
}

/// An identity of a template.
struct Identity<'r> {
    name: &'r str,
    entry: Entry,
    estate: &'r Estate,
    all: &'r [Made<'r>],
    /// Its inline policies that have names.
    inlines: Vec<Inline>,
}

impl Identity<'_> {
    /// Something of its own is not known: why is told by what the template has in its place.
    fn unknown(&mut self, what: &str, written: &Node, value: &Node) {
        let cause = cause(written, value);
        self.entry.unknown.insert(format!("{}: {what} is not known{cause}", self.name));
    }

    fn boundary(&mut self, made: &Made<'_>) -> Result<(), String> {
        let boundary = made.properties.get("PermissionsBoundary");
        let Some(node) = boundary.filter(|node| node.is_something()) else { return Ok(()) };
        let written = made.resource.value.path(&["Properties", "PermissionsBoundary"]);
        let document = self.managed(written, node, Kind::Boundary)?;
        match (document, node.text()) {
            (Some(document), _) => self.entry.policies.boundary = Some(vec![document]),
            (None, Some(arn)) => self.limited(&format!("the boundary `{arn}` is not known"))?,
            (None, None) => {
                let cause = cause(written.unwrap_or(node), node);
                self.limited(&format!("PermissionsBoundary is not known{cause}"))?;
            }
        }
        Ok(())
    }

    /// Its boundary is not known: it may allow anything or nothing, and gives nothing
    /// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html>).
    fn limited(&mut self, why: &str) -> Result<(), String> {
        let anything = Bounded::anything(self.name, Kind::Boundary);
        let anything = anything.map_err(|error| format!("{}: {error}", self.name))?;
        self.entry.limit(format!("{}: {why}", self.name), anything);
        Ok(())
    }

    /// A managed policy of the template, of the estate, or AWS's.
    fn managed(
        &self,
        written: Option<&Node>,
        resolved: &Node,
        kind: Kind,
    ) -> Result<Option<Arc<Document>>, String> {
        let Some(arn) = resolved.text() else {
            let id = written.and_then(|node| node.get("Ref")).and_then(Node::text);
            let is_it = |one: &&Made<'_>| {
                one.kind == "AWS::IAM::ManagedPolicy" && Some(one.resource.key.as_str()) == id
            };
            let policy = self.all.iter().find(is_it);
            let text = policy.and_then(|one| text_of(one.properties.get("PolicyDocument")?));
            let name = format!("Resources.{}", id.unwrap_or_default());
            return text.map(|it| document_of(&name, &it, kind)).transpose();
        };
        let text =
            |one: &Resource, name| one.values.get(name).and_then(Node::text).map(str::to_owned);
        let is_it = |one: &&Resource| {
            one.kind == "aws_iam_policy" && text(one, "arn").as_deref() == Some(arn)
        };
        match self.estate.resources.iter().find(is_it) {
            Some(policy) => {
                text(policy, "policy").map(|text| document_of(arn, &text, kind)).transpose()
            }
            None => match self.estate.managed_of_templates(arn) {
                Some(text) => document_of(arn, text, kind).map(Some),
                None => managed::of_aws(arn, kind),
            },
        }
    }

    /// A policy of its own that is not known, or not all of it: what of it counts for sure.
    fn bounded(&mut self, written: &Node, policy: &Node) -> Result<Option<Arc<Document>>, String> {
        let document = policy.get("PolicyDocument");
        let bounded =
            document.map(|node| Bounded::of(self.name, &node.into(), Kind::Identity)).transpose();
        let bounded = bounded.map_err(|error| format!("{}: {error}", self.name))?.flatten();
        let Some(bounded) = bounded else {
            self.unknown("a policy", written, document.unwrap_or(policy));
            return Ok(None);
        };
        // Each has a reason of its own.
        let name = policy.get("PolicyName").and_then(Node::text).unwrap_or_default();
        let at = policy.at.line;
        let why = format!("{}: all of the policy `{name}` (line {at}) is not known", self.name);
        let sure = bounded.sure.clone();
        self.entry.add_bounded(why, bounded);
        Ok(sure)
    }

    fn policies(&mut self, made: &Made<'_>) -> Result<(), String> {
        let written = made.resource.value.path(&["Properties", "Policies"]);
        for (at, policy) in items(&made.properties, "Policies").into_iter().enumerate() {
            let own = written_of(written, at);
            let text = policy.get("PolicyDocument").and_then(text_of);
            let counts = match &text {
                Some(text) => {
                    let document = document_of(self.name, text, Kind::Identity)?;
                    self.entry.policies.identity.push(Arc::clone(&document));
                    Some(document)
                }
                None => self.bounded(own.unwrap_or(policy), policy)?,
            };
            let (by, owner) = (format!("Resources.{}", made.resource.key), self.name.to_owned());
            let part = policy.get("PolicyDocument").and_then(part_of);
            let named = own.and_then(|own| own.get("PolicyName"));
            let named = Name::of(named, policy.get("PolicyName"), self.estate.templates);
            let inline = |name| Inline { by, owner, name, text, part, counts };
            self.inlines.extend(named.map(inline));
        }
        let written = made.resource.value.path(&["Properties", "ManagedPolicyArns"]);
        for (at, arn) in items(&made.properties, "ManagedPolicyArns").into_iter().enumerate() {
            let own = written.map(Node::items).unwrap_or_default();
            match (self.managed(own.get(at), arn, Kind::Identity)?, arn.text()) {
                (Some(document), _) => self.entry.policies.identity.push(document),
                (None, Some(arn)) => drop(self.entry.outside.insert(arn.to_owned())),
                (None, None) => {
                    let written = written_of(written, at).unwrap_or(arn);
                    self.unknown("a managed policy", written, arn);
                }
            }
        }
        Ok(())
    }
}

/// A policy as text, where all of it is known: it may stand there as JSON, or as a text of JSON
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-iam-policy.html>).
pub(super) fn text_of(document: &Node) -> Option<String> {
    match document.text() {
        Some(text) => Some(text.to_owned()),
        None => known(document).map(|document| document.to_string()),
    }
}

/// An item of a list as the template has it; of a list that a function gives, the function.
fn written_of(list: Option<&Node>, at: usize) -> Option<&Node> {
    let list = list?;
    match &list.value {
        Value::List(items) => items.get(at),
        _ => Some(list),
    }
}

fn items<'n>(properties: &'n Node, name: &str) -> Vec<&'n Node> {
    let Some(node) = properties.get(name).filter(|node| node.is_something()) else {
        return Vec::new();
    };
    match &node.value {
        Value::List(items) => items.iter().collect(),
        _ => vec![node],
    }
}

fn document_of(name: &str, text: &str, kind: Kind) -> Result<Arc<Document>, String> {
    let document = Document::parse(name.to_owned(), text, kind);
    document.map(Arc::new).map_err(|error| format!("{name}: {error}"))
}
