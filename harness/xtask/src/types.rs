//! The resource types of CloudFormation, from AWS's resource provider schemas
//! as cfn-lint carries them. Descriptions, patterns and bounds of values are
//! left out, the longest length of names apart.
//!
//! A shape is `s` (text), `i` (integer), `n` (number), `b` (boolean), `j` (any
//! JSON), `#NAME` (a definition), `{"l": …}` (a list), `{"m": …}` (a map with
//! free keys) or `{"o": {…}, "r": […]}` (members, and which are required).

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Cursor, Read};

use anyhow::Context;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::inputs::Input;
use crate::services::{array, is_false, lines};
use crate::tree::Tree;

/// The folder of the schemas in the package.
const SCHEMAS: &str = "cfnlint/data/schemas/";
/// The newest region: where types differ between regions, its schema counts.
const NEWEST: &str = "us-east-1";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawType {
    #[serde(default)]
    properties: Map<String, Value>,
    #[serde(default)]
    definitions: Map<String, Value>,
    #[serde(default)]
    required: Vec<String>,
    #[serde(default)]
    read_only_properties: Vec<String>,
    #[serde(default)]
    create_only_properties: Vec<String>,
    #[serde(default)]
    primary_identifier: Vec<String>,
    #[serde(default)]
    handlers: BTreeMap<String, RawHandler>,
    tagging: Option<RawTagging>,
}

#[derive(Deserialize)]
struct RawHandler {
    #[serde(default)]
    permissions: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawTagging {
    #[serde(default)]
    taggable: bool,
    #[serde(default)]
    cloud_formation_system_tags: bool,
    tag_property: Option<String>,
}

#[derive(Serialize)]
struct Type {
    properties: BTreeMap<String, Value>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    definitions: BTreeMap<String, Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    required: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    read_only: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    create_only: Vec<String>,
    identifier: Vec<String>,
    /// Of texts that are names.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    longest: BTreeMap<String, u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag_property: Option<String>,
    #[serde(skip_serializing_if = "is_false")]
    system_tags: bool,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    handlers: BTreeMap<String, Vec<String>>,
}

/// One file a namespace: `SQS`.
pub(crate) fn make(cfn_lint: &Input, made: &mut Tree) -> anyhow::Result<()> {
    let mut wheel = zip::ZipArchive::new(Cursor::new(&cfn_lint.bytes))?;
    let mut namespaces: BTreeMap<String, BTreeMap<String, Value>> = BTreeMap::new();
    for (name, digest) in names(&mut wheel)? {
        // SAM's types are there under its transform alone.
        let Some(rest) = name.strip_prefix("AWS::").filter(|it| !it.starts_with("Serverless::"))
        else {
            continue;
        };
        let (namespace, short) = rest.split_once("::").with_context(|| name.clone())?;
        let raw: RawType = read(&mut wheel, &format!("{SCHEMAS}resources/{digest}.json"))?;
        let stripped = serde_json::to_value(raw.stripped())?;
        namespaces.entry(namespace.to_owned()).or_default().insert(short.to_owned(), stripped);
    }
    for (namespace, types) in namespaces {
        let head = [
            ("namespace", Value::from(namespace.as_str())),
            ("sources", array([cfn_lint.name.as_str()])),
        ];
        made.put(format!("types/{namespace}.json"), lines(&head, &[("types", types)])?);
    }
    Ok(())
}

/// The schema of each type, of any region that has it.
fn names(
    wheel: &mut zip::ZipArchive<Cursor<&Vec<u8>>>,
) -> anyhow::Result<BTreeMap<String, String>> {
    let folder = format!("{SCHEMAS}providers/");
    let files: BTreeSet<String> = wheel
        .file_names()
        .collect::<Result<Vec<_>, _>>()?
        .into_iter()
        .map(|name| name.into_owned())
        .filter(|name| name.starts_with(&folder) && name.ends_with(".json"))
        .collect();
    let mut found = BTreeMap::new();
    for file in files {
        let newest = file.ends_with(&format!("/{NEWEST}.json"));
        for (name, digest) in read::<BTreeMap<String, String>>(wheel, &file)? {
            if newest || !found.contains_key(&name) {
                found.insert(name, digest);
            }
        }
    }
    Ok(found)
}

fn read<T: serde::de::DeserializeOwned>(
    wheel: &mut zip::ZipArchive<Cursor<&Vec<u8>>>,
    path: &str,
) -> anyhow::Result<T> {
    let mut text = String::new();
    wheel.by_name(path).with_context(|| path.to_owned())?.read_to_string(&mut text)?;
    serde_json::from_str(&text).with_context(|| path.to_owned())
}

impl RawType {
    fn stripped(self) -> Type {
        let longest = self
            .properties
            .iter()
            .filter(|(name, _)| {
                name.ends_with("Name") || *name == "Id" || name.ends_with("Identifier")
            })
            .filter_map(|(name, node)| Some((name.clone(), node.get("maxLength")?.as_u64()?)))
            .collect();
        let shapes = |nodes: &Map<String, Value>| {
            nodes.iter().map(|(name, node)| (name.clone(), shape(node))).collect()
        };
        let properties: BTreeMap<String, Value> = shapes(&self.properties);
        let all: BTreeMap<String, Value> = shapes(&self.definitions);
        let definitions = used(&properties, &all);
        let tagging = self.tagging.filter(|it| it.taggable);
        let tag_property = tagging
            .as_ref()
            .map(|it| it.tag_property.as_deref().map_or_else(|| "Tags".to_owned(), pointer));
        let tag_property = tag_property.filter(|name| properties.contains_key(name));
        Type {
            system_tags: tag_property.is_some()
                && tagging.is_some_and(|it| it.cloud_formation_system_tags),
            tag_property,
            properties,
            definitions,
            required: sorted(self.required),
            read_only: pointers(&self.read_only_properties),
            create_only: pointers(&self.create_only_properties),
            identifier: self.primary_identifier.iter().map(|it| pointer(it)).collect(),
            longest,
            handlers: self
                .handlers
                .into_iter()
                .filter(|(name, _)| name != "list")
                .map(|(name, raw)| (name, sorted(raw.permissions)))
                .collect(),
        }
    }
}

fn sorted(mut names: Vec<String>) -> Vec<String> {
    names.sort();
    names.dedup();
    names
}

/// `/properties/Endpoint/Address` as `Endpoint.Address`.
fn pointer(path: &str) -> String {
    path.trim_start_matches("/properties/").replace("/properties/", "/").replace('/', ".")
}

fn pointers(paths: &[String]) -> Vec<String> {
    sorted(paths.iter().map(|path| pointer(path)).collect())
}

/// The definitions that properties lead to.
fn used(
    properties: &BTreeMap<String, Value>,
    all: &BTreeMap<String, Value>,
) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    let mut next: Vec<&Value> = properties.values().collect();
    while let Some(node) = next.pop() {
        match node {
            Value::String(text) => {
                let definition = text.strip_prefix('#').and_then(|name| all.get_key_value(name));
                if let Some((name, node)) = definition
                    && found.insert(name.clone(), node.clone()).is_none()
                {
                    next.push(node);
                }
            }
            Value::Object(members) => {
                next.extend(members.iter().filter(|(key, _)| *key != "r").flat_map(
                    |(key, value)| match key.as_str() {
                        "o" => value.as_object().into_iter().flat_map(Map::values).collect(),
                        _ => vec![value],
                    },
                ))
            }
            _ => {}
        }
    }
    found
}

fn shape(node: &Value) -> Value {
    if let Some(name) = node.get("$ref").and_then(Value::as_str) {
        return format!("#{}", name.trim_start_matches("#/definitions/")).into();
    }
    match kind(node) {
        "string" => "s".into(),
        "integer" => "i".into(),
        "number" => "n".into(),
        "boolean" => "b".into(),
        "array" => json!({"l": node.get("items").map_or_else(|| "j".into(), shape)}),
        "object" => object(node),
        _ => "j".into(),
    }
}

/// The type; of several alternatives, or where none is told, what they agree on.
fn kind(node: &Value) -> &str {
    match node.get("type") {
        Some(Value::String(name)) => name,
        // What is also written as text is text (`["integer", "string"]`), but
        // an object is a document then.
        Some(Value::Array(names)) => {
            let has = |name: &str| names.iter().any(|it| it == name);
            match (has("string"), has("object") || has("array")) {
                _ if names.len() == 1 => names.first().and_then(Value::as_str).unwrap_or("json"),
                (true, false) => "string",
                (false, false) if has("boolean") => "boolean",
                _ => "json",
            }
        }
        _ if node.get("properties").is_some() || node.get("patternProperties").is_some() => {
            "object"
        }
        _ if node.get("items").is_some() => "array",
        _ => {
            let mut kinds = ["oneOf", "anyOf", "allOf"]
                .iter()
                .filter_map(|key| node.get(*key)?.as_array())
                .flatten()
                .map(kind)
                .filter(|kind| *kind != "json");
            match (kinds.next(), kinds.next()) {
                (Some(first), None) => first,
                (Some(first), Some(second)) if first == second && kinds.all(|it| it == first) => {
                    first
                }
                _ if node.get("enum").is_some() || node.get("format").is_some() => "string",
                _ => "json",
            }
        }
    }
}

fn object(node: &Value) -> Value {
    let mut members: BTreeMap<String, Value> = BTreeMap::new();
    let alternatives =
        ["oneOf", "anyOf", "allOf"].iter().filter_map(|key| node.get(*key)?.as_array()).flatten();
    for part in std::iter::once(node).chain(alternatives) {
        for (name, inner) in part.get("properties").and_then(Value::as_object).into_iter().flatten()
        {
            // An alternative may name a property only to require it.
            let inner = shape(inner);
            if inner != "j" || !members.contains_key(name) {
                members.insert(name.clone(), inner);
            }
        }
    }
    if !members.is_empty() {
        let required: Vec<String> = node
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|name| name.as_str().map(str::to_owned))
            .collect();
        return match required.is_empty() {
            true => json!({"o": members}),
            false => json!({"o": members, "r": sorted(required)}),
        };
    }
    let values = node
        .get("patternProperties")
        .and_then(Value::as_object)
        .and_then(|patterns| patterns.values().next());
    match (values, node.get("additionalProperties")) {
        (Some(of), _) => json!({"m": shape(of)}),
        (None, Some(of @ Value::Object(_))) => json!({"m": shape(of)}),
        _ => "j".into(),
    }
}
