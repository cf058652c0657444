//! What names of a template stand for, as far as the template and the estate say it.

use std::collections::BTreeMap;

use super::Place;
use crate::lint::known::{Member, Node, Value};
use crate::lint::terraform::Resource;

/// By parameter, by logical id, and by logical id with an attribute.
pub(super) struct Names(BTreeMap<String, String>);

impl Names {
    pub(super) fn of(root: &Node, place: &Place, resources: &[Resource]) -> Self {
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
            let name = |property| {
                let node = resource.value.path(&["Properties", property])?;
                names.resolved(node).text().map(str::to_owned)
            };
            let Place { partition, account, region } = place;
            let (name, arn) = match (name("RoleName"), name("FunctionName"), region) {
                (Some(name), ..) if is_role(resource) => {
                    let path = resource.value.path(&["Properties", "Path"]);
                    let path = path.filter(|node| node.is_something());
                    let path = path.map_or(Some("/".to_owned()), |node| {
                        names.resolved(node).text().map(str::to_owned)
                    });
                    let arn =
                        path.map(|path| format!("arn:{partition}:iam::{account}:role{path}{name}"));
                    (name, arn)
                }
                (_, Some(name), Some(region)) if is_function(resource) => {
                    let arn = format!("arn:{partition}:lambda:{region}:{account}:function:{name}");
                    (name, Some(arn))
                }
                (_, Some(name), None) if is_function(resource) => (name, None),
                _ => continue,
            };
            names.0.extend(arn.map(|arn| (format!("{}.Arn", resource.key), arn)));
            names.0.insert(resource.key.clone(), name);
        }
        names
    }

    /// A value with what its functions give, as far as it is known.
    pub(super) fn resolved(&self, node: &Node) -> Node {
        let value = match &node.value {
            Value::Map(members) => match members.as_slice() {
                [only] if only.key == "Ref" || only.key.starts_with("Fn::") => {
                    self.function(&only.key, &only.value).map_or(Value::Unknown, Value::Text)
                }
                // Nobody knows what it makes beside the others.
                members if members.iter().any(|member| member.key.starts_with("Fn::")) => {
                    Value::Unknown
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

fn is_role(resource: &Member) -> bool {
    resource.value.get("Type").and_then(Node::text) == Some("AWS::IAM::Role")
}

fn is_function(resource: &Member) -> bool {
    let kind = resource.value.get("Type").and_then(Node::text).unwrap_or_default();
    ["AWS::Lambda::Function", "AWS::Serverless::Function"].contains(&kind)
}
