//! Layer 1's outputs, and the configuration's fields that name them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Instance;
use super::address::{self, Address};

/// Layer 1's outputs, and the resources that it made.
#[derive(Debug, Clone, Default)]
pub struct Outputs {
    values: BTreeMap<String, Value>,
    made: Vec<Instance>,
}

/// What a field names is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutputError {
    /// An output.
    #[error("{}Layer 1's output `{name}` should be {expected} and {found}", prefix(field.as_deref()))]
    Output {
        /// The field of the configuration that names it, where one does.
        field: Option<String>,
        /// The output.
        name: String,
        /// What it should be: `text`, `a list of texts`.
        expected: &'static str,
        /// What it is.
        found: String,
    },
    /// A resource.
    #[error("`{field}`: Layer 1 has {found}")]
    Resource {
        /// The field of the configuration that names it, or names nothing.
        field: String,
        /// What Layer 1 has, and what to do.
        found: String,
    },
}

fn prefix(field: Option<&str>) -> String {
    field.map(|field| format!("`{field}`: ")).unwrap_or_default()
}

impl Outputs {
    /// Outputs of these values.
    pub fn new(values: BTreeMap<String, Value>) -> Self {
        Self { values, made: Vec::new() }
    }

    /// The same, with the resources that were made.
    #[must_use]
    pub fn with_resources(mut self, made: Vec<Instance>) -> Self {
        self.made = made;
        self
    }

    /// The resources of a type.
    pub fn resources<'o>(&'o self, kind: &'o str) -> impl Iterator<Item = &'o Instance> {
        self.made.iter().filter(move |instance| instance.kind == kind)
    }

    /// What names each resource of a type.
    pub fn ids(&self, kind: &str) -> Vec<String> {
        self.resources(kind).filter_map(address::id).map(str::to_owned).collect()
    }

    /// The only one of what could be meant.
    ///
    /// # Errors
    /// When there is none, or there are several.
    pub fn only(&self, field: &str, kind: &str, found: Vec<String>) -> Result<String, OutputError> {
        match found.as_slice() {
            [one] => Ok(one.clone()),
            [] => Err(self.nothing(field, kind)),
            several => Err(OutputError::Resource {
                field: field.to_owned(),
                found: format!("several {kind} ({}): name one", several.join(", ")),
            }),
        }
    }

    /// That there is nothing that could be meant.
    pub fn nothing(&self, field: &str, kind: &str) -> OutputError {
        let found = format!("no {kind}: name an output, a resource's address or an ARN");
        OutputError::Resource { field: field.to_owned(), found }
    }

    /// An output's value; a dotted name goes into an object (`roles.service-a`).
    pub fn get(&self, name: &str) -> Option<&Value> {
        if let Some(value) = self.values.get(name) {
            return Some(value);
        }
        let mut parts = name.split('.');
        let mut value = self.values.get(parts.next()?)?;
        for part in parts {
            value = value.get(part)?;
        }
        Some(value)
    }

    /// An output that is text, or a number or a truth value as text.
    ///
    /// # Errors
    /// When there is no such output.
    pub fn text(&self, name: &str) -> Result<String, OutputError> {
        self.as_text(None, name)
    }

    /// What a field of the configuration names: an output that is text, a
    /// resource by its address, or an ARN.
    ///
    /// # Errors
    /// When there is no such thing: with the field.
    pub fn text_of(&self, field: &str, name: &str) -> Result<String, OutputError> {
        if name.starts_with("arn:") {
            return Ok(name.to_owned());
        }
        if let Some(address) = Address::parse(name) {
            let found = self.at(field, name, &address)?;
            return self.only(field, name, found);
        }
        self.as_text(Some(field), name)
    }

    fn as_text(&self, field: Option<&str>, name: &str) -> Result<String, OutputError> {
        match self.get(name) {
            Some(Value::String(text)) => Ok(text.clone()),
            Some(value @ (Value::Number(_) | Value::Bool(_))) => Ok(value.to_string()),
            found => Err(self.wrong(field, name, "text", found)),
        }
    }

    /// What names the resources of an address.
    fn at(&self, field: &str, name: &str, of: &Address<'_>) -> Result<Vec<String>, OutputError> {
        let found = self.made.iter().filter(|instance| of.is_of(instance));
        let found: Vec<String> = found.filter_map(address::id).map(str::to_owned).collect();
        if !found.is_empty() {
            return Ok(found);
        }
        let has = self.resources(of.kind()).map(|it| format!("{}.{}", it.kind, it.name));
        let has: BTreeSet<String> = has.collect();
        let has: Vec<String> = has.into_iter().collect();
        let has = if has.is_empty() { "none".to_owned() } else { has.join(", ") };
        Err(OutputError::Resource {
            field: field.to_owned(),
            found: format!("no resource {name}; of this type it has: {has}"),
        })
    }

    /// An output that is a list of texts, or resources by their address, that a
    /// field of the configuration names.
    ///
    /// # Errors
    /// When there is no such output: with the field.
    pub fn texts_of(&self, field: &str, name: &str) -> Result<Vec<String>, OutputError> {
        if let Some(address) = Address::parse(name) {
            return self.at(field, name, &address);
        }
        let found = self.get(name);
        let items = found.and_then(Value::as_array);
        let texts = items.and_then(|items| {
            items.iter().map(|item| item.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>()
        });
        texts.ok_or_else(|| self.wrong(Some(field), name, "a list of texts", found))
    }

    fn wrong(
        &self,
        field: Option<&str>,
        name: &str,
        expected: &'static str,
        found: Option<&Value>,
    ) -> OutputError {
        let found = match found {
            None if self.values.is_empty() => "is not there: Layer 1 has no outputs".to_owned(),
            None => {
                let has: Vec<&str> = self.values.keys().map(String::as_str).collect();
                format!("is not there; Layer 1 has: {}", has.join(", "))
            }
            Some(value) => format!("is {}", kind(value)),
        };
        OutputError::Output {
            field: field.map(str::to_owned),
            name: name.to_owned(),
            expected,
            found,
        }
    }

    /// All of them.
    pub fn all(&self) -> &BTreeMap<String, Value> {
        &self.values
    }
}

/// The name of a value's kind.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(items) if items.iter().all(Value::is_string) => "a list of texts",
        Value::Array(_) => "a list of other things",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn outputs() -> Outputs {
        let value = json!({"a": {"b": "c", "n": 3}, "list": ["x", "y"], "mixed": ["x", 1]});
        Outputs::new(value.as_object().unwrap().clone().into_iter().collect())
    }

    #[test]
    fn an_output_is_found_by_its_name_or_within_an_object() {
        assert_eq!(outputs().text_of("f", "a.b").unwrap(), "c");
        assert_eq!(outputs().text_of("f", "a.n").unwrap(), "3");
        assert_eq!(outputs().texts_of("f", "list").unwrap(), ["x", "y"]);
    }

    #[rstest]
    #[case("a", "should be text and is an object")]
    #[case("list", "should be text and is a list of texts")]
    #[case("x", "should be text and is not there; Layer 1 has: a, list, mixed")]
    #[case("a.x", "should be text and is not there; Layer 1 has: a, list, mixed")]
    fn what_is_no_text_is_told_with_field_and_kind(#[case] name: &str, #[case] expected: &str) {
        let error = outputs().text_of("platform.artifacts_bucket_output", name).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("`platform.artifacts_bucket_output`: Layer 1's output `{name}` {expected}")
        );
    }

    #[rstest]
    #[case("a.b", "is text")]
    #[case("mixed", "is a list of other things")]
    fn what_is_no_list_is_told_with_field_and_kind(#[case] name: &str, #[case] found: &str) {
        let error = outputs().texts_of("platform.subnets_output", name).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "`platform.subnets_output`: Layer 1's output `{name}` should be a list of texts and {found}"
            )
        );
    }

    #[test]
    fn without_outputs_that_is_told() {
        assert_eq!(
            Outputs::default().text("b").unwrap_err().to_string(),
            "Layer 1's output `b` should be text and is not there: Layer 1 has no outputs"
        );
    }
}
