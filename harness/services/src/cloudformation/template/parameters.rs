//! Parameters: what a template declares, what a caller gives, and what the
//! template then sees.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::TemplateError;
use super::evaluate::text_of;

/// How a parameter's value is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cloudformation) enum Shape {
    String,
    Number,
    /// Text, with commas between the items.
    List,
    /// As `List`, of numbers.
    NumberList,
}

/// A declared parameter.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::cloudformation) struct Parameter {
    pub(in crate::cloudformation) key: String,
    /// As declared: `AWS::SSM::Parameter::Value<String>`, ….
    pub(in crate::cloudformation) declared_type: String,
    shape: Shape,
    /// The value names an SSM parameter, whose value counts.
    ssm: bool,
    pub(in crate::cloudformation) default: Option<String>,
    pub(in crate::cloudformation) description: Option<String>,
    pub(in crate::cloudformation) no_echo: bool,
    pub(in crate::cloudformation) allowed_values: Vec<String>,
    allowed_pattern: Option<String>,
    constraint_description: Option<String>,
    length: (Option<f64>, Option<f64>),
    range: (Option<f64>, Option<f64>),
}

/// A parameter as a caller gives it: without `Debug`, for it may be secret.
#[derive(Clone, PartialEq, Eq)]
pub(in crate::cloudformation) struct Given {
    pub(in crate::cloudformation) key: String,
    /// `None` with `use_previous`.
    pub(in crate::cloudformation) value: Option<String>,
    pub(in crate::cloudformation) use_previous: bool,
}

/// A parameter with its value. `Debug` masks what is `NoEcho`.
#[derive(Clone, PartialEq)]
pub(in crate::cloudformation) struct ParameterValue {
    pub(in crate::cloudformation) key: String,
    /// As given, or by default; for SSM types the SSM parameter's name.
    pub(in crate::cloudformation) value: String,
    /// What SSM answered, for SSM types.
    pub(in crate::cloudformation) resolved: Option<String>,
    pub(in crate::cloudformation) no_echo: bool,
    shape: Shape,
}

impl std::fmt::Debug for ParameterValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ParameterValue")
            .field("key", &self.key)
            .field("value", &self.shown())
            .finish_non_exhaustive()
    }
}

impl ParameterValue {
    /// What the template sees.
    pub(in crate::cloudformation) fn seen(&self) -> Value {
        let text = self.resolved.as_ref().unwrap_or(&self.value);
        match self.shape {
            Shape::String | Shape::Number => Value::String(text.clone()),
            Shape::List | Shape::NumberList => {
                text.split(',').map(|item| Value::String(item.trim().to_owned())).collect()
            }
        }
    }

    /// What `DescribeStacks` shows.
    pub(in crate::cloudformation) fn shown(&self) -> &str {
        if self.no_echo { "****" } else { &self.value }
    }
}

/// The SSM parameters that must be read before the values are known.
pub(in crate::cloudformation) type SsmNeed = BTreeSet<String>;

const MEMBERS: [&str; 11] = [
    "Type",
    "Default",
    "Description",
    "NoEcho",
    "AllowedValues",
    "AllowedPattern",
    "ConstraintDescription",
    "MinLength",
    "MaxLength",
    "MinValue",
    "MaxValue",
];

/// Reads the section `Parameters`.
pub(super) fn declared(
    section: Option<&Map<String, Value>>,
) -> Result<Vec<Parameter>, TemplateError> {
    section.into_iter().flatten().map(|(key, value)| declare(key, value)).collect()
}

fn declare(key: &str, value: &Value) -> Result<Parameter, TemplateError> {
    let malformed = |text: String| TemplateError::new(format!("Template format error: {text}"));
    let Value::Object(map) = value else {
        return Err(malformed(format!("Every Parameters member must be a JSON object. ({key})")));
    };
    if let Some(other) = map.keys().find(|name| !MEMBERS.contains(&name.as_str())) {
        return Err(TemplateError::new(format!("Invalid template parameter property '{other}'")));
    }
    let declared_type = map.get("Type").and_then(Value::as_str).ok_or_else(|| {
        malformed(format!(
            "Every Parameters object must contain a Type member. (at parameter {key})"
        ))
    })?;
    let inner = declared_type
        .strip_prefix("AWS::SSM::Parameter::Value<")
        .and_then(|rest| rest.strip_suffix('>'));
    let shape = match inner.unwrap_or(declared_type) {
        "String" => Shape::String,
        "Number" => Shape::Number,
        "CommaDelimitedList" | "List<String>" => Shape::List,
        "List<Number>" => Shape::NumberList,
        _ => {
            return Err(malformed(format!(
                "Unrecognized parameter type: {declared_type} (Ringfence's CloudFormation knows String, Number, CommaDelimitedList, List<String>, List<Number> and these as AWS::SSM::Parameter::Value<…>)"
            )));
        }
    };
    let text = |name: &str| map.get(name).map(text_of);
    let number = |name: &str| text(name).and_then(|text| text.parse::<f64>().ok());
    Ok(Parameter {
        key: key.to_owned(),
        declared_type: declared_type.to_owned(),
        shape,
        ssm: inner.is_some(),
        default: text("Default"),
        description: text("Description"),
        no_echo: text("NoEcho").is_some_and(|text| text.eq_ignore_ascii_case("true")),
        allowed_values: map
            .get("AllowedValues")
            .and_then(Value::as_array)
            .map(|values| values.iter().map(text_of).collect())
            .unwrap_or_default(),
        allowed_pattern: text("AllowedPattern"),
        constraint_description: text("ConstraintDescription"),
        length: (number("MinLength"), number("MaxLength")),
        range: (number("MinValue"), number("MaxValue")),
    })
}

impl Parameter {
    /// Gives every declared parameter its value: the caller's, else the
    /// previous one where the caller asks for it, else the default.
    pub(in crate::cloudformation) fn bind(
        declared: &[Self],
        given: &[Given],
        previous: &[ParameterValue],
    ) -> Result<Vec<ParameterValue>, TemplateError> {
        let unknown: Vec<_> = given
            .iter()
            .map(|given| given.key.as_str())
            .filter(|key| !declared.iter().any(|parameter| parameter.key == *key))
            .collect();
        if !unknown.is_empty() {
            return Err(TemplateError::new(format!(
                "Parameters: [{}] do not exist in the template",
                unknown.join(", ")
            )));
        }
        let mut values = Vec::with_capacity(declared.len());
        let mut missing = Vec::new();
        for parameter in declared {
            let given = given.iter().find(|given| given.key == parameter.key);
            let value = match given {
                Some(given) if given.use_previous => previous
                    .iter()
                    .find(|previous| previous.key == parameter.key)
                    .map(|previous| previous.value.clone()),
                Some(given) => given.value.clone(),
                None => parameter.default.clone(),
            };
            match value {
                Some(value) => values.push(ParameterValue {
                    key: parameter.key.clone(),
                    value,
                    resolved: None,
                    no_echo: parameter.no_echo,
                    shape: parameter.shape,
                }),
                None => missing.push(parameter.key.as_str()),
            }
        }
        if missing.is_empty() {
            Ok(values)
        } else {
            Err(TemplateError::new(format!(
                "Parameters: [{}] must have values",
                missing.join(", ")
            )))
        }
    }

    /// The SSM parameters that the values name.
    pub(in crate::cloudformation) fn ssm_names(
        declared: &[Self],
        values: &[ParameterValue],
    ) -> SsmNeed {
        values
            .iter()
            .filter(|value| declared.iter().any(|d| d.key == value.key && d.ssm))
            .map(|value| value.value.clone())
            .collect()
    }

    /// Fills in what SSM answered, and checks every constraint.
    pub(in crate::cloudformation) fn settle(
        declared: &[Self],
        values: &mut [ParameterValue],
        fetched: &BTreeMap<String, String>,
    ) -> Result<(), TemplateError> {
        for value in values {
            let Some(parameter) = declared.iter().find(|d| d.key == value.key) else { continue };
            if parameter.ssm {
                value.resolved = fetched.get(&value.value).cloned();
            }
            // Constraints are about the value that the caller gives: for SSM
            // types the name.
            parameter.check(&value.value)?;
        }
        Ok(())
    }

    fn check(&self, value: &str) -> Result<(), TemplateError> {
        let key = &self.key;
        let items: Vec<&str> = match self.shape {
            Shape::List | Shape::NumberList if !self.ssm => {
                value.split(',').map(str::trim).collect()
            }
            _ => vec![value],
        };
        if !self.ssm && matches!(self.shape, Shape::Number | Shape::NumberList) {
            for item in &items {
                let number = item.parse::<f64>().map_err(|_| {
                    TemplateError::new(format!("Parameter '{key}' must be a number"))
                })?;
                let (min, max) = self.range;
                if let Some(min) = min.filter(|min| number < *min) {
                    return Err(self.refuse(format!("must be a number not less than {min}")));
                }
                if let Some(max) = max.filter(|max| number > *max) {
                    return Err(self.refuse(format!("must be a number not greater than {max}")));
                }
            }
        }
        let allowed = &self.allowed_values;
        if !allowed.is_empty()
            && !items.iter().all(|item| allowed.iter().any(|allowed| allowed == item))
        {
            return Err(self.refuse("must be one of AllowedValues".to_owned()));
        }
        if let Some(pattern) = &self.allowed_pattern {
            let matcher = regex_lite::Regex::new(&format!("^(?:{pattern})$")).map_err(|_| {
                TemplateError::new(format!(
                    "Template format error: AllowedPattern of parameter {key} cannot be read: {pattern}"
                ))
            })?;
            if !items.iter().all(|item| matcher.is_match(item)) {
                return Err(self.refuse(format!("must match pattern {pattern}")));
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "a parameter has at most 4096 characters")]
        let length = value.chars().count() as f64;
        let (min, max) = self.length;
        if let Some(min) = min.filter(|min| length < *min) {
            return Err(self.refuse(format!("must contain at least {min} characters")));
        }
        if let Some(max) = max.filter(|max| length > *max) {
            return Err(self.refuse(format!("must contain at most {max} characters")));
        }
        Ok(())
    }

    fn refuse(&self, rule: String) -> TemplateError {
        let key = &self.key;
        TemplateError::new(match &self.constraint_description {
            Some(text) => format!("Parameter {key} failed to satisfy constraint: {text}"),
            None => format!("Parameter '{key}' {rule}"),
        })
    }
}
