//! `AWS::LanguageExtensions`: `Fn::ForEach` is written out here. `Fn::Length`,
//! `Fn::ToJsonString` and the default of `Fn::FindInMap` are evaluated with the
//! other functions, since they may hang on resources.
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/transform-aws-languageextensions.html>

use serde_json::{Map, Value};

use crate::cloudformation::template::TemplateError;

const FOR_EACH: &str = "Fn::ForEach::";
/// How much loops may write; AWS's limit of resources is 500.
const MOST_WRITTEN: usize = 10_000;
/// How deep loops may lie in each other, as on AWS.
const DEEPEST: usize = 5;

/// Writes out all loops of a template.
///
/// # Errors
/// For a loop that is none, or whose collection is not known before anything is
/// made.
pub(super) fn expand(
    body: &Map<String, Value>,
    parameters: &Map<String, Value>,
) -> Result<Map<String, Value>, TemplateError> {
    let mappings = body.get("Mappings").cloned().unwrap_or(Value::Null);
    Expansion { parameters, mappings, written: 0 }.object(body, 0)
}

struct Expansion<'a> {
    parameters: &'a Map<String, Value>,
    mappings: Value,
    written: usize,
}

impl Expansion<'_> {
    fn object(
        &mut self,
        members: &Map<String, Value>,
        depth: usize,
    ) -> Result<Map<String, Value>, TemplateError> {
        let mut written = Map::new();
        for (key, value) in members {
            match key.strip_prefix(FOR_EACH) {
                Some(name) => written.extend(self.each(name, value, depth + 1)?),
                None => drop(written.insert(key.clone(), self.node(value, depth)?)),
            }
        }
        Ok(written)
    }

    fn node(&mut self, node: &Value, depth: usize) -> Result<Value, TemplateError> {
        Ok(match node {
            Value::Object(members) => Value::Object(self.object(members, depth)?),
            Value::Array(items) => {
                let items = items.iter().map(|item| self.node(item, depth));
                Value::Array(items.collect::<Result<_, _>>()?)
            }
            scalar => scalar.clone(),
        })
    }

    /// The members of one loop: for each value, the output with the value in it.
    fn each(
        &mut self,
        name: &str,
        call: &Value,
        depth: usize,
    ) -> Result<Map<String, Value>, TemplateError> {
        let error = |text: &str| {
            Err(TemplateError::new(format!("Template error: Fn::ForEach::{name} {text}")))
        };
        let Some([Value::String(identifier), collection, Value::Object(output)]) =
            call.as_array().map(Vec::as_slice)
        else {
            return error("requires an identifier, a collection and an object");
        };
        if depth > DEEPEST {
            return error("lies in too many other loops");
        }
        let Some(values) = self.collection(collection) else {
            return error("has a collection that cannot be resolved to a list of texts");
        };
        let mut written = Map::new();
        for value in values {
            self.written += 1;
            if self.written > MOST_WRITTEN {
                return error("writes too much");
            }
            let one = substituted_in(output, identifier, &value);
            written.extend(self.object(&one, depth)?);
        }
        Ok(written)
    }

    /// A list that is known before anything is made.
    fn collection(&self, node: &Value) -> Option<Vec<String>> {
        match node {
            Value::Array(items) => {
                let lists = items.iter().map(|item| match item {
                    Value::Object(_) => self.collection(item),
                    scalar => Some(vec![text(scalar)?]),
                });
                Some(lists.collect::<Option<Vec<Vec<String>>>>()?.concat())
            }
            Value::Object(function) => {
                let (name, argument) = function.iter().next()?;
                match (name.as_str(), argument) {
                    ("Ref", Value::String(name)) => match self.parameters.get(name)? {
                        Value::Array(items) => items.iter().map(text).collect(),
                        scalar => Some(vec![text(scalar)?]),
                    },
                    ("Fn::FindInMap", Value::Array(keys)) => {
                        let keys: Vec<String> =
                            keys.iter().map(|key| self.scalar(key)).collect::<Option<_>>()?;
                        let [map, first, second] = keys.as_slice() else { return None };
                        let found = self.mappings.get(map)?.get(first)?.get(second)?;
                        found.as_array()?.iter().map(text).collect()
                    }
                    ("Fn::Split", Value::Array(arguments)) => {
                        let [separator, source] = arguments.as_slice() else { return None };
                        let (separator, source) = (separator.as_str()?, self.scalar(source)?);
                        Some(source.split(separator).map(str::to_owned).collect())
                    }
                    _ => None,
                }
            }
            _ => None,
        }
    }

    fn scalar(&self, node: &Value) -> Option<String> {
        match node {
            Value::Object(function) => text(self.parameters.get(function.get("Ref")?.as_str()?)?),
            scalar => text(scalar),
        }
    }
}

pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

/// An output with a loop's value in it: `${Identifier}` in names and texts,
/// `&{Identifier}` (without what is no letter or digit), and `Ref`.
fn substituted_in(
    members: &Map<String, Value>,
    identifier: &str,
    value: &str,
) -> Map<String, Value> {
    let one = |(key, member): (&String, &Value)| {
        (inside(key, identifier, value), substituted(member, identifier, value))
    };
    members.iter().map(one).collect()
}

fn substituted(node: &Value, identifier: &str, value: &str) -> Value {
    match node {
        Value::String(text) => inside(text, identifier, value).into(),
        Value::Array(items) => {
            items.iter().map(|item| substituted(item, identifier, value)).collect()
        }
        Value::Object(members) => {
            let named = members.get("Ref").and_then(Value::as_str);
            if members.len() == 1 && named == Some(identifier) {
                return value.into();
            }
            Value::Object(substituted_in(members, identifier, value))
        }
        scalar => scalar.clone(),
    }
}

fn inside(text: &str, identifier: &str, value: &str) -> String {
    let plain: String = value.chars().filter(char::is_ascii_alphanumeric).collect();
    text.replace(&format!("${{{identifier}}}"), value)
        .replace(&format!("&{{{identifier}}}"), &plain)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn expanded(body: &Value, parameters: &Value) -> Result<Value, String> {
        expand(body.as_object().unwrap(), parameters.as_object().unwrap())
            .map(Value::Object)
            .map_err(|error| error.to_string())
    }

    /// The example of AWS's page of `Fn::ForEach`.
    #[test]
    fn a_loop_is_written_out_for_each_value() {
        let body = json!({"Resources": {
            "Fn::ForEach::Topics": ["TopicName", {"Ref": "Names"}, {
                "SnsTopic${TopicName}": {
                    "Type": "AWS::SNS::Topic",
                    "Properties": {
                        "TopicName": {"Fn::Join": [".", [{"Ref": "TopicName"}, "fifo"]]},
                        "DisplayName": {"Fn::Sub": "${TopicName} of ${AWS::StackName}"},
                    },
                },
            }],
        }});
        let topic = |name: &str| {
            json!({
                "Type": "AWS::SNS::Topic",
                "Properties": {
                    "TopicName": {"Fn::Join": [".", [name, "fifo"]]},
                    "DisplayName": {"Fn::Sub": format!("{name} of ${{AWS::StackName}}")},
                },
            })
        };
        let expected = json!({"Resources": {
            "SnsTopicSuccess": topic("Success"), "SnsTopicFailure": topic("Failure"),
        }});
        let parameters = json!({"Names": ["Success", "Failure"]});
        assert_eq!(expanded(&body, &parameters), Ok(expected));
    }

    #[test]
    fn loops_may_lie_in_each_other_and_names_lose_what_no_name_has() {
        let body = json!({"Resources": {
            "Fn::ForEach::A": ["X", ["a-1"], {
                "Fn::ForEach::B": ["Y", ["b"], {"R&{X}${Y}": {"Type": "T${X}"}}],
            }],
        }});
        let expected = json!({"Resources": {"Ra1b": {"Type": "Ta-1"}}});
        assert_eq!(expanded(&body, &json!({})), Ok(expected));
    }

    #[test]
    fn a_collection_that_hangs_on_a_resource_is_refused() {
        let body = json!({"Resources": {
            "Fn::ForEach::A": ["X", {"Fn::GetAtt": ["R", "List"]}, {"R${X}": {}}],
        }});
        assert_eq!(
            expanded(&body, &json!({})).unwrap_err(),
            "Template error: Fn::ForEach::A has a collection that cannot be resolved to a list of texts"
        );
    }
}
