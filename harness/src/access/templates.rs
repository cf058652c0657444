//! The roles that `CloudFormation` templates make, beside an estate whose published
//! parameters they read. Parameters have their defaults.

use std::collections::BTreeMap;
use std::sync::Arc;

use ringfence_policy::{Document, Kind};

use super::complete::known;
use super::estate::{Entry, Estate};
use super::letting;
use super::plan::principal;
use crate::lint::known::{Member, Node, Value};
use crate::lint::terraform::Resource;

/// What names of a template stand for.
struct Names(BTreeMap<String, String>);

/// The account and what else is the same in all ARNs.
pub(crate) struct Place {
    pub(crate) partition: String,
    pub(crate) account: String,
    pub(crate) region: Option<String>,
}

/// Adds a template's roles.
///
/// # Errors
/// A policy that AWS would not store, and a role that is in the estate already.
pub(super) fn add(root: &Node, place: &Place, estate: &mut Estate) -> Result<(), String> {
    let names = Names::of(root, place, &estate.resources);
    let resources = root.get("Resources").map(Node::members).unwrap_or_default();
    let beside: Vec<String> = resources
        .iter()
        .filter(|one| is_policy(&one.value))
        .map(|one| format!("Resources.{}: a policy of roles of this template", one.key))
        .collect();
    let globals = root.path(&["Globals", "Function"]).map(|node| names.resolved(node));
    for resource in resources {
        let kind = resource.value.get("Type").and_then(Node::text).unwrap_or_default();
        let properties = resource.value.get("Properties").map(|node| names.resolved(node));
        let properties = properties.unwrap_or(Node::new(resource.at, Value::Null));
        functions(resource, kind, &properties, resources, estate);
        letting::add(resource, kind, &properties, globals.as_ref(), estate);
        let mut entry = Entry::default();
        let name = match kind {
            "AWS::IAM::Role" => {
                let name = properties.get("RoleName").and_then(Node::text);
                name.unwrap_or(&resource.key).to_owned()
            }
            // What SAM makes a role of that has none.
            "AWS::Serverless::Function" if properties.get("Role").is_none() => {
                let what = format!("Resources.{}: what SAM makes of it", resource.key);
                entry.unknown.insert(what);
                format!("{}Role", resource.key)
            }
            _ => continue,
        };
        let arn = format!("arn:{}:iam::{}:role/{name}", place.partition, place.account);
        entry.principal = principal("role", &arn);
        entry.unknown.extend(beside.iter().cloned());
        let mut role = Role { name: &name, entry, estate };
        role.boundary(&properties)?;
        if kind == "AWS::IAM::Role" {
            role.policies(&properties)?;
        }
        let entry = role.entry;
        let name = format!("role/{name}");
        let trust = trust(&name, kind, &properties)?;
        estate.entries.insert(format!("trust of {name}"), trust);
        if estate.entries.contains_key(&name) {
            return Err(format!("`{name}` is in another file too"));
        }
        estate.entries.insert(name.clone(), entry);
        estate.of_templates.push(name);
    }
    Ok(())
}

/// Who may assume a role; of one that SAM makes, Lambda
/// (<https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-resource-function.html>).
///
/// # Errors
/// What is no trust policy.
fn trust(name: &str, kind: &str, properties: &Node) -> Result<Entry, String> {
    const LAMBDA: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow",
        "Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}}"#;
    let mut entry = Entry::default();
    let written = properties.get("AssumeRolePolicyDocument").filter(|node| node.is_something());
    let text = match written {
        Some(node) => known(node).map(|document| document.to_string()),
        None if kind == "AWS::Serverless::Function" => Some(LAMBDA.to_owned()),
        None => None,
    };
    match text {
        Some(text) => {
            let document = document_of(&format!("trust of {name}"), &text, Kind::Trust)?;
            entry.policies.resource = Some(document);
        }
        // It lets in nobody knows whom.
        None => {
            entry.unknown.insert(format!("{name}: its trust policy is not known"));
        }
    }
    Ok(entry)
}

/// Notes a function with its role, where both names are known.
fn functions(
    resource: &Member,
    kind: &str,
    properties: &Node,
    all: &[Member],
    estate: &mut Estate,
) {
    let is_made = kind == "AWS::Serverless::Function";
    if !is_made && kind != "AWS::Lambda::Function" {
        return;
    }
    let Some(name) = properties.get("FunctionName").and_then(Node::text) else { return };
    let written = resource.value.path(&["Properties", "Role"]);
    let role = match (properties.get("Role"), written) {
        (None, _) if is_made => Some(format!("{}Role", resource.key)),
        (Some(node), written) => node.text().map(str::to_owned).or_else(|| referred(written?, all)),
        (None, _) => None,
    };
    if let Some(role) = role {
        estate.functions.insert(name.to_owned(), role);
    }
}

/// The name that a role of the template has here: its own, or that of its resource.
fn referred(node: &Node, all: &[Member]) -> Option<String> {
    let attribute = node.get("Fn::GetAtt")?;
    let name = attribute.items().first().unwrap_or(attribute).text()?;
    let name = name.split('.').next()?;
    let role = all.iter().find(|one| one.key == name)?;
    let has_own = role.value.path(&["Properties", "RoleName"]).is_some();
    (!has_own).then(|| name.to_owned())
}

fn is_policy(resource: &Node) -> bool {
    let kind = resource.get("Type").and_then(Node::text).unwrap_or_default();
    ["AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::RolePolicy"].contains(&kind)
}

struct Role<'r> {
    name: &'r str,
    entry: Entry,
    estate: &'r Estate,
}

impl Role<'_> {
    fn unknown(&mut self, what: &str) {
        self.entry.unknown.insert(format!("role/{}: {what} is not known", self.name));
    }

    fn boundary(&mut self, properties: &Node) -> Result<(), String> {
        let Some(node) = properties.get("PermissionsBoundary").filter(|node| node.is_something())
        else {
            return Ok(());
        };
        let Some(arn) = node.text() else {
            self.unknown("PermissionsBoundary");
            return Ok(());
        };
        let document = self.managed(arn).and_then(|one| one.values.get("policy")?.text());
        match document {
            Some(text) => {
                let document = document_of(arn, text, Kind::Boundary)?;
                self.entry.policies.boundary = Some(vec![document]);
            }
            None => self.unknown(&format!("the boundary `{arn}`")),
        }
        Ok(())
    }

    fn managed(&self, arn: &str) -> Option<&Resource> {
        self.estate.resources.iter().find(|one| {
            one.kind == "aws_iam_policy" && one.values.get("arn").and_then(Node::text) == Some(arn)
        })
    }

    fn policies(&mut self, properties: &Node) -> Result<(), String> {
        for policy in items(properties, "Policies") {
            match policy.get("PolicyDocument").and_then(known) {
                Some(document) => {
                    let document = document_of(self.name, &document.to_string(), Kind::Identity)?;
                    self.entry.policies.identity.push(document);
                }
                None => self.unknown("a policy"),
            }
        }
        for arn in items(properties, "ManagedPolicyArns") {
            let text = arn.text().map(str::to_owned);
            let Some(arn) = text else {
                self.unknown("a managed policy");
                continue;
            };
            let document = self.managed(&arn).and_then(|one| one.values.get("policy")?.text());
            match document {
                Some(text) => {
                    let document = document_of(&arn, text, Kind::Identity)?;
                    self.entry.policies.identity.push(document);
                }
                None => {
                    self.entry.outside.insert(arn);
                }
            }
        }
        Ok(())
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

impl Names {
    fn of(root: &Node, place: &Place, resources: &[Resource]) -> Self {
        let mut names = BTreeMap::from([
            ("AWS::Partition".to_owned(), place.partition.clone()),
            ("AWS::AccountId".to_owned(), place.account.clone()),
        ]);
        names.extend(place.region.clone().map(|region| ("AWS::Region".to_owned(), region)));
        let published = |name: &str| {
            let mut all = resources.iter().filter(|one| one.kind == "aws_ssm_parameter");
            let of = all.find(|one| one.values.get("name").and_then(Node::text) == Some(name))?;
            of.values.get("value")?.text()
        };
        for parameter in root.get("Parameters").map(Node::members).unwrap_or_default() {
            let kind = parameter.value.get("Type").and_then(Node::text).unwrap_or_default();
            let default = parameter.value.get("Default").and_then(Node::text);
            let value = match kind.starts_with("AWS::SSM::Parameter::Value<") {
                true => default.and_then(published),
                false => default,
            };
            names.extend(value.map(|value| (parameter.key.clone(), value.to_owned())));
        }
        let mut names = Self(names);
        for resource in root.get("Resources").map(Node::members).unwrap_or_default() {
            let name = resource.value.path(&["Properties", "RoleName"]);
            let name = name.map(|node| names.resolved(node));
            if let Some(name) = name.as_ref().and_then(Node::text) {
                let arn = format!("arn:{}:iam::{}:role/{name}", place.partition, place.account);
                names.0.insert(format!("{}.Arn", resource.key), arn);
                names.0.insert(resource.key.clone(), name.to_owned());
            }
        }
        names
    }

    /// A value with what its functions give, as far as it is known.
    fn resolved(&self, node: &Node) -> Node {
        let value = match &node.value {
            Value::Map(members) => match members.as_slice() {
                [only] if only.key == "Ref" || only.key.starts_with("Fn::") => {
                    self.function(&only.key, &only.value).map_or(Value::Unknown, Value::Text)
                }
                members => Value::Map(
                    members
                        .iter()
                        .map(|member| Member {
                            value: self.resolved(&member.value),
                            ..member.clone()
                        })
                        .collect(),
                ),
            },
            Value::List(items) => {
                Value::List(items.iter().map(|item| self.resolved(item)).collect())
            }
            other => other.clone(),
        };
        Node::new(node.at, value)
    }

    fn function(&self, name: &str, value: &Node) -> Option<String> {
        match name {
            "Ref" => self.0.get(value.text()?).cloned(),
            "Fn::GetAtt" => match &value.value {
                Value::List(parts) => {
                    let parts: Vec<&str> = parts.iter().map(Node::text).collect::<Option<_>>()?;
                    self.0.get(&parts.join(".")).cloned()
                }
                _ => self.0.get(value.text()?).cloned(),
            },
            "Fn::Sub" => self.substituted(value.text()?),
            "Fn::Join" => {
                let [by, parts] = value.items() else { return None };
                let parts: Vec<Node> = parts.items().iter().map(|it| self.resolved(it)).collect();
                let parts: Vec<&str> = parts.iter().map(Node::text).collect::<Option<_>>()?;
                Some(parts.join(by.text()?))
            }
            _ => None,
        }
    }

    fn substituted(&self, text: &str) -> Option<String> {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            out.push_str(before);
            let (name, after) = after.split_once('}')?;
            match name.strip_prefix('!') {
                Some(literal) => out.push_str(&format!("${{{literal}}}")),
                None => out.push_str(self.0.get(name.trim())?),
            }
            rest = after;
        }
        Some(out + rest)
    }
}
