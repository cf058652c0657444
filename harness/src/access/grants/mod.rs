//! What lets somebody in and stands in no policy document: grants, permissions, access
//! control lists.
//!
//! - [`of`]: what a resource grants, as the policy that it is like;
//! - `functions`, `keys`, `lists`: those that are composed exactly;
//! - `table`: which types and attributes of the provider grant something, and what
//!   becomes of each;
//! - [`unread`]: the most that may be granted by what is not read;
//! - `services`: what a type's grants are about.

mod functions;
mod keys;
mod lists;
mod services;
mod table;
mod unread;

use serde_json::{Value as Json, json};

use super::complete::{Setting, known};
use crate::lint::known::{Node, Value};
use crate::lint::terraform::Resource;

pub(crate) use unread::Unread;

/// What a resource grants.
pub(super) enum Grant {
    /// These statements of a policy of its resource.
    Statements(Vec<Json>),
    /// What is not known or not read.
    Unread(Unread),
}

/// What is known beside the resource.
pub(super) struct Beside<'a> {
    pub(super) setting: &'a Setting,
    /// The resources of its own file.
    pub(super) own: &'a [Resource],
    /// Those of each file.
    pub(super) files: Vec<&'a [Resource]>,
}

impl Beside<'_> {
    /// An ARN of the account and the region.
    fn arn(&self, service: &str, rest: &str) -> String {
        let of = |part: &Option<String>| part.clone().unwrap_or_else(|| "*".to_owned());
        let Setting { partition, account, region, .. } = self.setting;
        format!("arn:{}:{service}:{}:{}:{rest}", of(partition), of(region), of(account))
    }

    fn partition(&self) -> &str {
        self.setting.partition.as_deref().unwrap_or("*")
    }
}

/// The actions that what a type of resource grants may be about, as a policy has them.
pub(super) fn actions(kind: &str) -> Vec<String> {
    services::actions(kind)
}

/// What an `AWS::Lambda::Permission` of a template grants; `None` where not all of it is
/// known.
pub(super) fn permission(properties: &Node, setting: &Setting) -> Option<Vec<Json>> {
    functions::of_template(properties, setting)
}

/// All that a resource grants without a document that is read elsewhere.
pub(super) fn of(resource: &Resource, beside: &Beside<'_>) -> Vec<Grant> {
    let found = match resource.kind.as_str() {
        "aws_lambda_permission" => functions::permission(resource, beside).map(composed),
        "aws_kms_grant" => keys::grant(resource, beside).map(composed),
        "aws_s3_bucket" | "aws_s3_bucket_acl" => lists::of_bucket(resource, beside),
        "aws_s3_object" | "aws_s3_bucket_object" | "aws_s3_object_copy" => {
            lists::of_object(resource, beside)
        }
        _ => Ok(Vec::new()),
    };
    match found {
        Ok(grants) if grants.is_empty() => table::unread(resource),
        Ok(grants) => grants,
        Err(attribute) => {
            let why = format!("{}: {attribute} is known after apply only", resource.address);
            vec![Grant::Unread(Unread::of(resource, why, "principal"))]
        }
    }
}

/// What statements grant, where there are any.
fn composed(statements: Vec<Json>) -> Vec<Grant> {
    if statements.is_empty() { Vec::new() } else { vec![Grant::Statements(statements)] }
}

/// The name of what is not known.
type Open = &'static str;

/// A text; `None` where there is none.
fn text(values: &Node, name: Open) -> Result<Option<&str>, Open> {
    match values.get(name).map(|node| &node.value) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Text(text)) => Ok(Some(text).filter(|text| !text.is_empty()).map(|it| &**it)),
        Some(_) => Err(name),
    }
}

/// A text that must be there.
fn needed(values: &Node, name: Open) -> Result<&str, Open> {
    text(values, name)?.ok_or(name)
}

/// The items of a list or a set, all known.
fn items(values: &Node, name: Open) -> Result<&[Node], Open> {
    match values.get(name) {
        None => Ok(&[]),
        Some(node) if !node.is_something() => Ok(&[]),
        Some(node) if node.open() > 0 => Err(name),
        Some(node) => match &node.value {
            Value::List(items) => Ok(items),
            _ => Err(name),
        },
    }
}

/// A text as a condition has it: no variable stands in it.
fn literal(text: &str) -> Json {
    json!(text.replace("${", "${$}{"))
}

/// Whom a text names.
fn principal(named: &str) -> Json {
    match named {
        "*" => json!("*"),
        arn if arn.starts_with("arn:") => json!({"AWS": arn}),
        service if service.contains('.') => json!({"Service": service}),
        other => json!({"AWS": other}),
    }
}

/// A value of a file as a text, where all of it is known.
fn written(node: &Node) -> Option<String> {
    known(node).map(|value| value.to_string())
}
