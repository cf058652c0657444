//! A call's input: what its path names, what its body sets, which page it asks
//! for.

use ringfence_wire::{Call, ServiceError};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::errors;
use crate::credentials::Session;

/// The input of a call.
#[derive(Clone, Copy)]
pub(super) struct Input<'a> {
    pub(super) call: &'a Call,
    /// CloudFormation's own call: only it gives resources `aws:` tags.
    pub(super) by_cloudformation: bool,
}

impl<'a> Input<'a> {
    pub(super) fn new(call: &'a Call, caller: &Session) -> Self {
        Self { call, by_cloudformation: caller.is_cloudformation() }
    }

    /// A text that the call cannot do without.
    pub(super) fn need(&self, member: &str) -> Result<&'a str, ServiceError> {
        self.call
            .text(member)
            .filter(|text| !text.is_empty())
            .ok_or_else(|| errors::bad_request(format!("{} is required", words(member))))
    }

    /// The body, as a structure; `named` are members that are in the path.
    pub(super) fn body<T: DeserializeOwned>(&self, named: &[&str]) -> Result<T, ServiceError> {
        let mut members = self.call.input.clone();
        for name in named {
            members.remove(*name);
        }
        // A member of the wrong kind, or one that is not built: said by name.
        serde_json::from_value(Value::Object(members))
            .map_err(|error| errors::bad_request(format!("Invalid request input: {error}")))
    }

    /// The values of a list, from the query.
    pub(super) fn list(&self, member: &str) -> Vec<String> {
        match self.call.input.get(member) {
            Some(Value::String(one)) => vec![one.clone()],
            Some(Value::Array(items)) => {
                items.iter().filter_map(Value::as_str).map(str::to_owned).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The page of a listing that the call asks for; all of it where it asks for
    /// no number.
    pub(super) fn page(&self, mut items: Vec<Value>) -> Result<Value, ServiceError> {
        let number = |member: &str| match self.call.text(member) {
            None => Ok(None),
            Some(text) => text
                .parse::<usize>()
                .map(Some)
                .map_err(|_| errors::bad_request(format!("Invalid {}", words(member)))),
        };
        let from = number("NextToken")?.unwrap_or(0).min(items.len());
        let mut rest = items.split_off(from);
        let size = match number("MaxResults")? {
            Some(0) => return Err(errors::bad_request("Invalid max results")),
            Some(size) => size.min(rest.len()),
            None => rest.len(),
        };
        if rest.split_off(size).is_empty() {
            return Ok(json!({ "items": rest }));
        }
        Ok(json!({ "items": rest, "nextToken": (from + size).to_string() }))
    }
}

/// Takes over a text that was given; an empty one takes away what was there.
pub(super) fn set(target: &mut Option<String>, given: Option<String>) {
    if let Some(text) = given {
        *target = (!text.is_empty()).then_some(text);
    }
}

/// Refuses a text that is longer than it may be.
pub(super) fn limit_length(
    member: &str,
    text: Option<&str>,
    longest: usize,
) -> Result<(), ServiceError> {
    match text {
        Some(text) if text.chars().count() > longest => Err(errors::bad_request(format!(
            "{} must be at most {longest} characters long",
            words(member)
        ))),
        _ => Ok(()),
    }
}

/// `RouteKey` as a sentence has it: `Route key`.
fn words(member: &str) -> String {
    let mut words = String::new();
    for letter in member.chars() {
        if letter.is_ascii_uppercase() && !words.is_empty() {
            words.push(' ');
            words.push(letter.to_ascii_lowercase());
        } else {
            words.push(letter);
        }
    }
    words
}
