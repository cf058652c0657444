//! `AWS::Include`: a part of a template that lies in S3, read with the permissions
//! of whoever deploys. What it holds takes the place of the call, beside what
//! stands there.
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/transform-aws-include.html>

use std::collections::BTreeMap;

use ringfence_wire::{Operation, Service, ServiceError, response};
use serde_json::{Map, Value, json};

use crate::cloudformation::CloudFormation;
use crate::cloudformation::error::validation;
use crate::cloudformation::template::{FN_TRANSFORM, INCLUDE, is_include};
use crate::credentials::Credentials;

const NO_TEMPLATE: &str = "The specified S3 object's content should be valid Yaml/JSON";

/// What is included, by the call that includes it.
type Parts = BTreeMap<String, Map<String, Value>>;

impl CloudFormation {
    /// A body with everything included.
    pub(super) async fn include(
        &self,
        mut body: Map<String, Value>,
        parameters: &Map<String, Value>,
        credentials: &Credentials,
    ) -> Result<Map<String, Value>, ServiceError> {
        let whole = of_the_whole(&body);
        let mut calls = whole.clone();
        gather(&body, &mut calls);
        let mut parts = Parts::new();
        for call in calls {
            let location = location(&call, parameters)?;
            let part = self.part(&location, credentials).await?;
            parts.insert(call.to_string(), part);
        }
        for call in whole {
            put(&mut body, parts.get(&call.to_string()).cloned().unwrap_or_default());
        }
        replace(&mut body, &parts);
        Ok(body)
    }

    /// What lies at a location.
    async fn part(
        &self,
        location: &str,
        credentials: &Credentials,
    ) -> Result<Map<String, Value>, ServiceError> {
        const OPERATION: &str = "GetObject";
        let object = location.strip_prefix("s3://").and_then(|rest| rest.split_once('/'));
        let Some((bucket, key)) = object.filter(|(_, key)| !key.is_empty()) else {
            return Err(failed(&format!("The location {location} is not an S3 URI")));
        };
        let input = json!({ "Bucket": bucket, "Key": key });
        let answer = self.client.exchange(credentials, Service::S3, OPERATION, input, None).await?;
        if !answer.status().is_success() {
            let told = Operation::find(Service::S3, OPERATION)
                .and_then(|model| response::decode(model, &answer).err())
                .map_or_else(|| answer.status().to_string(), |error| error.message);
            return Err(failed(&told));
        }
        let text = String::from_utf8(answer.into_body().to_vec()).unwrap_or_default();
        match ringfence_text::cloudformation::read(&text).map(|read| read.root.into_json()) {
            Ok(Value::Object(part)) => Ok(part),
            _ => Err(failed(NO_TEMPLATE)),
        }
    }
}

fn failed(cause: &str) -> ServiceError {
    validation(format!("Transform {INCLUDE} failed with: {cause}"))
}

/// The includes inside a template.
fn gather(members: &Map<String, Value>, found: &mut Vec<Value>) {
    found.extend(members.get(FN_TRANSFORM).filter(|it| is_include(it)).cloned());
    members.values().for_each(|member| gather_in(member, found));
}

fn gather_in(node: &Value, found: &mut Vec<Value>) {
    match node {
        Value::Object(members) => gather(members, found),
        Value::Array(items) => items.iter().for_each(|item| gather_in(item, found)),
        _ => {}
    }
}

/// The includes that the section `Transform` lists.
fn of_the_whole(body: &Map<String, Value>) -> Vec<Value> {
    let listed = match body.get("Transform") {
        Some(Value::Array(items)) => items.as_slice(),
        Some(one) => std::slice::from_ref(one),
        None => &[],
    };
    listed.iter().filter(|definition| is_include(definition)).cloned().collect()
}

/// Puts each part where it was called.
fn replace(members: &mut Map<String, Value>, parts: &Parts) {
    let part = members.get(FN_TRANSFORM).and_then(|call| parts.get(&call.to_string())).cloned();
    if let Some(part) = part {
        members.shift_remove(FN_TRANSFORM);
        put(members, part);
    }
    members.values_mut().for_each(|member| replace_in(member, parts));
}

fn replace_in(node: &mut Value, parts: &Parts) {
    match node {
        Value::Object(members) => replace(members, parts),
        Value::Array(items) => items.iter_mut().for_each(|item| replace_in(item, parts)),
        _ => {}
    }
}

/// Puts a part's members beside those that are there, which stay; sections and
/// other objects are joined.
fn put(members: &mut Map<String, Value>, part: Map<String, Value>) {
    for (key, value) in part {
        match (members.get_mut(&key), value) {
            (Some(Value::Object(there)), Value::Object(more)) => put(there, more),
            (Some(_), _) => {}
            (None, value) => drop(members.insert(key, value)),
        }
    }
}

/// Where a part lies: a text, or one of a parameter.
fn location(call: &Value, parameters: &Map<String, Value>) -> Result<String, ServiceError> {
    let named = |name: &str| parameters.get(name).and_then(Value::as_str).map(str::to_owned);
    let found = match call.pointer("/Parameters/Location") {
        Some(Value::String(text)) => Some(text.clone()),
        Some(Value::Object(function)) => match (function.get("Ref"), function.get("Fn::Sub")) {
            (Some(Value::String(name)), _) => named(name),
            (_, Some(Value::String(text))) => Some(substituted(text, parameters)),
            _ => None,
        },
        _ => None,
    };
    found.ok_or_else(|| failed("Location parameter is missing"))
}

fn substituted(text: &str, parameters: &Map<String, Value>) -> String {
    parameters.iter().fold(text.to_owned(), |text, (name, value)| {
        text.replace(&format!("${{{name}}}"), value.as_str().unwrap_or_default())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(value: &Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn a_part_stands_beside_what_is_there() {
        let call = json!({"Name": INCLUDE, "Parameters": {"Location": "s3://b/k"}});
        let mut body = object(&json!({
            "Resources": {"Fn::Transform": call, "A": {"Type": "T"}},
        }));
        let part = object(&json!({"B": {"Type": "U"}, "A": {"Type": "no", "Condition": "C"}}));
        replace(&mut body, &Parts::from([(call.to_string(), part)]));
        let expected = json!({
            "Resources": {"A": {"Type": "T", "Condition": "C"}, "B": {"Type": "U"}},
        });
        assert_eq!(Value::Object(body), expected);
    }

    #[test]
    fn a_location_may_be_a_parameters() {
        let parameters = object(&json!({"Where": "s3://b/k", "Bucket": "b"}));
        let of = |given: Value| {
            let call = json!({"Name": INCLUDE, "Parameters": {"Location": given}});
            location(&call, &parameters)
        };
        assert_eq!(of(json!({"Ref": "Where"})).unwrap(), "s3://b/k");
        assert_eq!(of(json!({"Fn::Sub": "s3://${Bucket}/x"})).unwrap(), "s3://b/x");
        assert_eq!(
            of(json!({"Fn::GetAtt": "A.B"})).unwrap_err().message,
            "Transform AWS::Include failed with: Location parameter is missing"
        );
    }
}
