//! Layer 1's outputs, and the configuration's fields that name them.

use std::collections::BTreeMap;

use serde_json::Value;

/// Layer 1's outputs.
#[derive(Debug, Clone, Default)]
pub struct Outputs(BTreeMap<String, Value>);

/// An output that is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}Layer 1's output `{name}` should be {expected} and {found}", field.as_deref().map(|field| format!("`{field}`: ")).unwrap_or_default())]
pub struct OutputError {
    /// The field of the configuration that names it, where one does.
    pub field: Option<String>,
    /// The output.
    pub name: String,
    /// What it should be: `text`, `a list of texts`.
    pub expected: &'static str,
    /// What it is.
    pub found: String,
}

impl Outputs {
    /// Outputs of these values.
    pub fn new(values: BTreeMap<String, Value>) -> Self {
        Self(values)
    }

    /// An output's value; a dotted name goes into an object (`roles.service-a`).
    pub fn get(&self, name: &str) -> Option<&Value> {
        if let Some(value) = self.0.get(name) {
            return Some(value);
        }
        let mut parts = name.split('.');
        let mut value = self.0.get(parts.next()?)?;
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

    /// The same, of an output that a field of the configuration names.
    ///
    /// # Errors
    /// When there is no such output: with the field.
    pub fn text_of(&self, field: &str, name: &str) -> Result<String, OutputError> {
        self.as_text(Some(field), name)
    }

    fn as_text(&self, field: Option<&str>, name: &str) -> Result<String, OutputError> {
        match self.get(name) {
            Some(Value::String(text)) => Ok(text.clone()),
            Some(value @ (Value::Number(_) | Value::Bool(_))) => Ok(value.to_string()),
            found => Err(self.wrong(field, name, "text", found)),
        }
    }

    /// An output that is a list of texts, and that a field of the configuration
    /// names.
    ///
    /// # Errors
    /// When there is no such output: with the field.
    pub fn texts_of(&self, field: &str, name: &str) -> Result<Vec<String>, OutputError> {
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
            None if self.0.is_empty() => "is not there: Layer 1 has no outputs".to_owned(),
            None => {
                let has: Vec<&str> = self.0.keys().map(String::as_str).collect();
                format!("is not there; Layer 1 has: {}", has.join(", "))
            }
            Some(value) => format!("is {}", kind(value)),
        };
        OutputError { field: field.map(str::to_owned), name: name.to_owned(), expected, found }
    }

    /// All of them.
    pub fn all(&self) -> &BTreeMap<String, Value> {
        &self.0
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
