//! Names that functions give: under `AWS::LanguageExtensions` "you can use intrinsic functions
//! as a parameter to `Ref` and `Fn::GetAtt`"
//! (<https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/transform-aws-languageextensions.html>).
//!
//! Only what is known before anything is made gives a name: texts, parameters,
//! mappings, and `Fn::Sub`, `Fn::Join` and `Fn::FindInMap` of them. Any other
//! function is left where it is, and refused later.

use serde_json::{Map, Value};

use super::language::text;

/// What names may hang on.
pub(super) struct Known<'a> {
    pub(super) parameters: &'a Map<String, Value>,
    pub(super) mappings: &'a Value,
}

impl Known<'_> {
    /// A template in which `Ref` and `Fn::GetAtt` have texts for names.
    pub(super) fn named(&self, node: Value) -> Value {
        match node {
            Value::Array(items) => items.into_iter().map(|item| self.named(item)).collect(),
            Value::Object(members) => {
                let alone = members.len() == 1;
                let one = |(key, member): (String, Value)| {
                    let member = match (alone, key.as_str(), member) {
                        (true, "Ref", name @ Value::Object(_)) => self.settled(name),
                        (true, "Fn::GetAtt", Value::Array(parts)) => {
                            parts.into_iter().map(|part| self.settled(part)).collect()
                        }
                        (_, _, member) => self.named(member),
                    };
                    (key, member)
                };
                Value::Object(members.into_iter().map(one).collect())
            }
            scalar => scalar,
        }
    }

    fn settled(&self, name: Value) -> Value {
        self.name(&name).map_or(name, Value::String)
    }

    fn name(&self, node: &Value) -> Option<String> {
        let Value::Object(function) = node else { return text(node) };
        if function.len() != 1 {
            return None;
        }
        let (name, argument) = function.iter().next()?;
        match (name.as_str(), argument) {
            ("Ref", Value::String(name)) => text(self.parameters.get(name)?),
            ("Fn::Sub", Value::String(pattern)) => self.substituted(pattern, &Map::new()),
            ("Fn::Sub", Value::Array(arguments)) => match arguments.as_slice() {
                [Value::String(pattern), Value::Object(own)] => self.substituted(pattern, own),
                _ => None,
            },
            ("Fn::Join", Value::Array(arguments)) => match arguments.as_slice() {
                [Value::String(between), Value::Array(items)] => {
                    let items: Option<Vec<String>> =
                        items.iter().map(|item| self.name(item)).collect();
                    Some(items?.join(between))
                }
                _ => None,
            },
            ("Fn::FindInMap", Value::Array(keys)) => {
                let [map, first, second] = keys.as_slice() else { return None };
                let first = self.mappings.get(self.name(map)?)?.get(self.name(first)?)?;
                text(first.get(self.name(second)?)?)
            }
            _ => None,
        }
    }

    /// A text of `Fn::Sub` in which every variable is known.
    fn substituted(&self, pattern: &str, own: &Map<String, Value>) -> Option<String> {
        let mut written = String::new();
        let mut rest = pattern;
        while let Some((before, after)) = rest.split_once("${") {
            let (variable, after) = after.split_once('}')?;
            written.push_str(before);
            written.push_str(&match own.get(variable) {
                Some(value) => self.name(value)?,
                None => text(self.parameters.get(variable)?)?,
            });
            rest = after;
        }
        written.push_str(rest);
        Some(written)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn named(node: Value) -> Value {
        let parameters = json!({"Stage": "Prod", "Many": ["a"]});
        let mappings = json!({"Names": {"Prod": {"Topic": "Loud"}}});
        let parameters = parameters.as_object().unwrap();
        Known { parameters, mappings: &mappings }.named(node)
    }

    #[test]
    fn a_name_is_what_its_function_gives() {
        for function in [
            json!({"Fn::Sub": "TopicProd"}),
            json!({"Fn::Sub": "Topic${Stage}"}),
            json!({"Fn::Sub": ["Topic${Which}", {"Which": {"Ref": "Stage"}}]}),
            json!({"Fn::Join": ["", ["Topic", {"Ref": "Stage"}]]}),
        ] {
            let body = json!({"a": [{"Ref": function}, {"Fn::GetAtt": [function, "Arn"]}]});
            let expected =
                json!({"a": [{"Ref": "TopicProd"}, {"Fn::GetAtt": ["TopicProd", "Arn"]}]});
            assert_eq!(named(body), expected);
        }
        let mapped = json!({"Ref": {"Fn::FindInMap": ["Names", {"Ref": "Stage"}, "Topic"]}});
        assert_eq!(named(mapped), json!({"Ref": "Loud"}));
    }

    #[test]
    fn what_is_not_known_yet_is_left() {
        for function in [
            json!({"Ref": "Topic"}),
            json!({"Ref": "Many"}),
            json!({"Fn::Sub": "Topic${Queue}"}),
            json!({"Fn::Sub": "Topic${!Stage}"}),
            json!({"Fn::Sub": "Topic${Stage"}),
            json!({"Fn::GetAtt": ["Topic", "Arn"]}),
            json!({"Fn::FindInMap": ["Names", "Test", "Topic"]}),
        ] {
            let body = json!({"Ref": function});
            assert_eq!(named(body.clone()), body);
        }
        // Elsewhere functions are evaluated with all others.
        let other = json!({"Name": {"Fn::Sub": "Topic${Stage}"}});
        assert_eq!(named(other.clone()), other);
    }
}
