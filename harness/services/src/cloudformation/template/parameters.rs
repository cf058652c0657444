//! Parameters: what a template declares, what a caller gives, and what the
//! template then sees.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::evaluate::text_of;
use super::{TemplateError, patterns};

/// How a parameter's value is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    String,
    Number,
    /// Text, with commas between the items.
    List,
    /// As `List`, of numbers.
    NumberList,
}

/// Where a parameter's value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Caller,
    /// The caller names an SSM parameter, whose value counts.
    SsmValue,
}

/// A declared parameter.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::cloudformation) struct Parameter {
    pub(in crate::cloudformation) key: String,
    /// As declared: `AWS::SSM::Parameter::Value<String>`, ….
    pub(in crate::cloudformation) declared_type: String,
    shape: Shape,
    source: Source,
    /// The kind of thing that must exist, for AWS's own types.
    pub(in crate::cloudformation) thing: Option<Thing>,
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

/// A thing that a parameter names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cloudformation) struct Named {
    pub(in crate::cloudformation) thing: Thing,
    /// The parameter's key.
    pub(in crate::cloudformation) key: String,
    pub(in crate::cloudformation) id: String,
}

/// The SSM parameters that must be read before the values are known.
pub(in crate::cloudformation) type SsmNeed = BTreeSet<String>;

/// Things of an account that parameters name by AWS's own types
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-supplied-parameter-types.html>).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::cloudformation) enum Thing {
    AvailabilityZone,
    Image,
    Instance,
    KeyPair,
    SecurityGroupName,
    SecurityGroup,
    Subnet,
    Volume,
    Vpc,
    HostedZone,
    SsmParameter,
}

/// The types that name things, and whether there is a list of them.
const THINGS: [(&str, Thing, bool); 11] = [
    ("AWS::EC2::AvailabilityZone::Name", Thing::AvailabilityZone, true),
    ("AWS::EC2::Image::Id", Thing::Image, true),
    ("AWS::EC2::Instance::Id", Thing::Instance, true),
    ("AWS::EC2::KeyPair::KeyName", Thing::KeyPair, false),
    ("AWS::EC2::SecurityGroup::GroupName", Thing::SecurityGroupName, true),
    ("AWS::EC2::SecurityGroup::Id", Thing::SecurityGroup, true),
    ("AWS::EC2::Subnet::Id", Thing::Subnet, true),
    ("AWS::EC2::Volume::Id", Thing::Volume, true),
    ("AWS::EC2::VPC::Id", Thing::Vpc, true),
    ("AWS::Route53::HostedZone::Id", Thing::HostedZone, true),
    ("AWS::SSM::Parameter::Name", Thing::SsmParameter, false),
];

/// What a type says.
struct Declared {
    shape: Shape,
    source: Source,
    thing: Option<Thing>,
}

impl Declared {
    fn of(declared_type: &str) -> Option<Self> {
        let inner = declared_type
            .strip_prefix("AWS::SSM::Parameter::Value<")
            .and_then(|rest| rest.strip_suffix('>'));
        let source = if inner.is_some() { Source::SsmValue } else { Source::Caller };
        let name = inner.unwrap_or(declared_type);
        let (shape, thing) = match name {
            "String" => (Shape::String, None),
            // SSM's values are texts and lists of them.
            "Number" if inner.is_none() => (Shape::Number, None),
            "CommaDelimitedList" | "List<String>" => (Shape::List, None),
            "List<Number>" if inner.is_none() => (Shape::NumberList, None),
            other => Self::thing(other)?,
        };
        Some(Self { shape, source, thing })
    }

    fn thing(name: &str) -> Option<(Shape, Option<Thing>)> {
        let item = name.strip_prefix("List<").and_then(|rest| rest.strip_suffix('>'));
        let (_, thing, listed) =
            THINGS.iter().find(|(known, ..)| *known == item.unwrap_or(name))?;
        match item {
            None => Some((Shape::String, Some(*thing))),
            Some(_) if *listed => Some((Shape::List, Some(*thing))),
            Some(_) => None,
        }
    }
}

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

fn allowed_pattern(key: &str, pattern: &str) -> Result<fancy_regex::Regex, TemplateError> {
    patterns::read(pattern).ok_or_else(|| {
        TemplateError::new(format!(
            "Template format error: AllowedPattern of parameter {key} cannot be read: {pattern}"
        ))
    })
}

/// Reads the section `Parameters`.
pub(super) fn declared(
    section: Option<&Map<String, Value>>,
) -> Result<Vec<Parameter>, TemplateError> {
    section.into_iter().flatten().map(|(key, value)| declare(key, value)).collect()
}

/// Reads one of its members.
pub(in crate::cloudformation) fn declare(
    key: &str,
    value: &Value,
) -> Result<Parameter, TemplateError> {
    let malformed = |text: String| TemplateError::new(format!("Template format error: {text}"));
    // Recorded: `test_using_pseudoparameters_in_places`.
    if key.is_empty() || !key.chars().all(|c| c.is_ascii_alphanumeric()) {
        return Err(malformed(format!("Parameter name {key} is non alphanumeric.")));
    }
    let Value::Object(map) = value else {
        return Err(malformed(format!("Every Parameters member must be a JSON object. ({key})")));
    };
    if let Some(other) = map.keys().find(|name| !MEMBERS.contains(&name.as_str())) {
        return Err(TemplateError::new(format!("Invalid template parameter property '{other}'")));
    }
    let declared_type = map.get("Type").and_then(Value::as_str).ok_or_else(|| {
        malformed("Every Parameters object must contain a Type member.".to_owned())
    })?;
    let Some(Declared { shape, source, thing }) = Declared::of(declared_type) else {
        return Err(malformed(format!("Unrecognized parameter type: {declared_type}")));
    };
    let text = |name: &str| map.get(name).map(text_of);
    text("AllowedPattern").map_or(Ok(()), |pattern| allowed_pattern(key, &pattern).map(drop))?;
    let number = |name: &str| text(name).and_then(|text| text.parse::<f64>().ok());
    Ok(Parameter {
        key: key.to_owned(),
        declared_type: declared_type.to_owned(),
        shape,
        source,
        thing,
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
    /// A value that it could have, for who looks at the template alone.
    pub(in crate::cloudformation) fn some_value(&self) -> String {
        let some = self.default.clone().or_else(|| self.allowed_values.first().cloned());
        some.unwrap_or_else(|| match self.shape {
            Shape::Number | Shape::NumberList => "1".to_owned(),
            Shape::String | Shape::List => "value".to_owned(),
        })
    }

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

    /// The things that the values name, with the parameter that does.
    pub(in crate::cloudformation) fn named_things(
        declared: &[Self],
        values: &[ParameterValue],
    ) -> Vec<Named> {
        let of = |value: &ParameterValue| {
            let parameter = declared.iter().find(|d| d.key == value.key)?;
            Some((parameter.thing?, value.key.clone(), value.seen()))
        };
        let mut named = Vec::new();
        for (thing, key, seen) in values.iter().filter_map(of) {
            let ids = match seen {
                Value::Array(items) => items,
                one => vec![one],
            };
            named.extend(ids.iter().filter_map(Value::as_str).map(|id| Named {
                thing,
                key: key.clone(),
                id: id.to_owned(),
            }));
        }
        named
    }

    /// The SSM parameters that the values name.
    pub(in crate::cloudformation) fn ssm_names(
        declared: &[Self],
        values: &[ParameterValue],
    ) -> SsmNeed {
        values
            .iter()
            .filter(|value| declared.iter().any(|d| d.key == value.key && d.is_ssm()))
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
            if parameter.is_ssm() {
                // Recorded of a name that SSM does not know:
                // `test_resolve_ssm_missing_parameter`.
                let found = fetched.get(&value.value).ok_or_else(|| {
                    let key = &parameter.key;
                    TemplateError::new(format!(
                        "Parameter {key} should either have input value or default value"
                    ))
                })?;
                value.resolved = Some(found.clone());
            }
            // Constraints are about the value that the caller gives: for SSM
            // types the name.
            parameter.check(&value.value)?;
        }
        Ok(())
    }

    fn is_ssm(&self) -> bool {
        self.source == Source::SsmValue
    }

    fn check(&self, value: &str) -> Result<(), TemplateError> {
        let key = &self.key;
        let items: Vec<&str> = match self.shape {
            Shape::List | Shape::NumberList if !self.is_ssm() => {
                value.split(',').map(str::trim).collect()
            }
            _ => vec![value],
        };
        if !self.is_ssm() && matches!(self.shape, Shape::Number | Shape::NumberList) {
            for item in &items {
                let number = item.parse::<f64>().map_err(|_| {
                    // Recorded with its full stop: `test_invalid_parameter_type`.
                    TemplateError::new(format!("Parameter '{key}' must be a number."))
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
            let matcher = allowed_pattern(key, pattern)?;
            // One that takes too long is no match.
            if !items.iter().all(|item| matcher.is_match(item).unwrap_or(false)) {
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
