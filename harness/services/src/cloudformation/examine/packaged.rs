//! A template as `sam deploy` sends it: what names files of its author's names
//! objects in S3 instead, which SAM's translator wants
//! (<https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-cli-command-reference-sam-package.html>).

use serde_json::{Map, Value};

use crate::cloudformation::template::{FN_TRANSFORM, is_include};

/// The types whose properties name files, and whether the property is given
/// where the template leaves it out.
const FILES: [(&str, &str, bool); 6] = [
    ("AWS::Serverless::Function", "CodeUri", true),
    ("AWS::Serverless::LayerVersion", "ContentUri", true),
    ("AWS::Serverless::Api", "DefinitionUri", false),
    ("AWS::Serverless::HttpApi", "DefinitionUri", false),
    ("AWS::Serverless::StateMachine", "DefinitionUri", false),
    ("AWS::Serverless::GraphQLApi", "SchemaUri", false),
];

const OBJECT: &str = "s3://ringfence/object";
const TEMPLATE: &str = "https://s3.amazonaws.com/ringfence/template";
const IMAGE: &str = "123456789012.dkr.ecr.us-east-1.amazonaws.com/ringfence:image";

/// Takes out what is included from files, which stand in S3 once it is deployed: a
/// member that is nothing else goes with it.
pub(super) fn without_includes(members: &mut Map<String, Value>) {
    let includes = |value: &Value| value.get(FN_TRANSFORM).is_some_and(is_include);
    members
        .retain(|_, value| !(includes(value) && value.as_object().is_some_and(|it| it.len() == 1)));
    if members.get(FN_TRANSFORM).is_some_and(is_include) {
        members.shift_remove(FN_TRANSFORM);
    }
    for value in members.values_mut() {
        inside(value);
    }
}

fn inside(node: &mut Value) {
    match node {
        Value::Object(members) => without_includes(members),
        Value::Array(items) => items.iter_mut().for_each(inside),
        _ => {}
    }
}

pub(super) fn body(body: &Map<String, Value>) -> Map<String, Value> {
    let mut body = body.clone();
    let globals = body.get("Globals").and_then(|it| it.get("Function")).cloned();
    let image = |properties: &Map<String, Value>| {
        let of = |map: &Map<String, Value>| map.get("PackageType").cloned();
        let package = of(properties).or_else(|| of(globals.as_ref()?.as_object()?));
        package.is_some_and(|package| package == "Image")
    };
    if let Some(function) =
        body.get_mut("Globals").and_then(|it| it.get_mut("Function")).and_then(Value::as_object_mut)
    {
        function.shift_remove("CodeUri");
    }
    let resources = body.get_mut("Resources").and_then(Value::as_object_mut);
    for (_, resource) in resources.into_iter().flatten() {
        let kind = resource.get("Type").and_then(Value::as_str).unwrap_or_default().to_owned();
        let Some(resource) = resource.as_object_mut() else { continue };
        let empty = Value::Object(Map::new());
        let properties = resource.entry("Properties").or_insert(empty);
        let Some(properties) = properties.as_object_mut() else { continue };
        match kind.as_str() {
            "AWS::Serverless::Function" if image(properties) => {
                properties.entry("ImageUri").or_insert_with(|| IMAGE.into());
                continue;
            }
            "AWS::Serverless::Function" if properties.contains_key("InlineCode") => continue,
            "AWS::Serverless::Application"
                if properties.get("Location").is_some_and(Value::is_string) =>
            {
                properties.insert("Location".to_owned(), TEMPLATE.into());
            }
            _ => {}
        }
        for (of, property, always) in FILES {
            let local = match properties.get(property) {
                None => always,
                Some(value) => value.as_str().is_some_and(|text| !text.starts_with("s3://")),
            };
            if of == kind && local {
                properties.insert(property.to_owned(), OBJECT.into());
            }
        }
    }
    body
}
