//! The intrinsic functions, after
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference.html>.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::evaluate::{Scope, text_of};
use super::shape::{self, fixed, malformed};
use super::{TemplateError, growth};

/// The functions that [`call`] knows.
const FUNCTIONS: [&str; 18] = [
    "Fn::And",
    "Fn::Base64",
    "Fn::Cidr",
    "Fn::Equals",
    "Fn::FindInMap",
    "Fn::GetAZs",
    "Fn::GetAtt",
    "Fn::If",
    "Fn::ImportValue",
    "Fn::Join",
    "Fn::Length",
    "Fn::Not",
    "Fn::Or",
    "Fn::Select",
    "Fn::Split",
    "Fn::Sub",
    "Fn::ToJsonString",
    "Ref",
];

/// Whether a function can be called.
pub(in crate::cloudformation) fn is_function(name: &str) -> bool {
    FUNCTIONS.contains(&name)
}

/// Calls a function; `None` is `AWS::NoValue`.
pub(super) fn call(
    scope: &Scope<'_>,
    name: &str,
    argument: &Value,
) -> Result<Option<Value>, TemplateError> {
    let value = match name {
        other if !is_function(other) => {
            return Err(error(&format!(
                "the function {other} is not supported by Ringfence's CloudFormation"
            )));
        }
        "Ref" => {
            let name = argument.as_str().ok_or_else(|| malformed("Ref"))?;
            return scope.reference(name);
        }
        "Fn::GetAtt" => get_att(scope, argument)?,
        "Fn::Sub" => sub(scope, argument)?.into(),
        "Fn::Join" => join(scope, argument)?.into(),
        "Fn::Split" => {
            shape::check(name, argument)?;
            let [separator, text] = fixed(argument, name)?;
            let separator = separator.as_str().ok_or_else(|| malformed(name))?;
            let text = scope.text(text, "the source of Fn::Split")?;
            text.split(separator).map(|part| Value::String(part.to_owned())).collect()
        }
        "Fn::Select" => select(scope, argument)?,
        "Fn::If" => {
            let [condition, yes, no] = fixed(argument, name)?;
            let name = condition.as_str().ok_or_else(|| malformed(name))?;
            return scope.evaluate(if scope.condition(name)? { yes } else { no });
        }
        "Fn::And" | "Fn::Or" | "Fn::Not" | "Fn::Equals" => boolean(
            scope,
            &Value::Object([(name.to_owned(), argument.clone())].into_iter().collect()),
        )?
        .into(),
        "Fn::FindInMap" => find_in_map(scope, argument)?,
        "Fn::Base64" => STANDARD.encode(scope.text(argument, "Fn::Base64")?).into(),
        "Fn::ImportValue" => {
            let name = scope.text(argument, "Fn::ImportValue")?;
            scope.lookup.export(&name).ok_or(TemplateError::Export(name))?.into()
        }
        "Fn::GetAZs" => {
            let mut region = scope.text(argument, "Fn::GetAZs")?;
            if region.is_empty() {
                region.clone_from(&scope.pseudo.region);
            }
            scope
                .lookup
                .zones(&region)
                .ok_or_else(|| error(&format!("Fn::GetAZs knows no zones of the region {region}")))?
                .into()
        }
        "Fn::Cidr" => cidr(scope, argument)?,
        "Fn::Length" => match scope.evaluate(argument)? {
            Some(Value::Array(items)) => items.len().into(),
            _ => return Err(malformed(name)),
        },
        "Fn::ToJsonString" => match scope.evaluate(argument)? {
            Some(value @ (Value::Array(_) | Value::Object(_))) => value.to_string().into(),
            _ => return Err(malformed(name)),
        },
        other => {
            return Err(error(&format!("the function {other} is not known")));
        }
    };
    Ok(Some(value))
}

fn error(text: &str) -> TemplateError {
    TemplateError::new(format!("Template error: {text}"))
}

fn get_att(scope: &Scope<'_>, argument: &Value) -> Result<Value, TemplateError> {
    const NAME: &str = "Fn::GetAtt";
    shape::check(NAME, argument)?;
    match argument {
        Value::String(text) => {
            let (resource, attribute) = text.split_once('.').ok_or_else(|| malformed(NAME))?;
            scope.attribute(resource, attribute)
        }
        argument => {
            let [resource, attribute] = fixed(argument, NAME)?;
            let attribute = scope.text(attribute, "the attribute of Fn::GetAtt")?;
            scope.attribute(resource.as_str().ok_or_else(|| malformed(NAME))?, &attribute)
        }
    }
}

/// The pieces of a `Fn::Sub` text.
pub(super) enum Piece<'a> {
    Literal(&'a str),
    Variable(&'a str),
}

/// Cuts a `Fn::Sub` text; `${!name}` is the literal `${name}`.
pub(super) fn pieces(text: &str) -> Result<Vec<Piece<'_>>, TemplateError> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        pieces.push(Piece::Literal(before));
        let Some((name, next)) = after.split_once('}') else {
            return Err(error(&format!(
                "variable names in Fn::Sub syntax must contain only alphanumeric characters, underscores, periods, and colons: {after}"
            )));
        };
        match name.strip_prefix('!') {
            Some(literal) => {
                pieces.push(Piece::Literal("${"));
                pieces.push(Piece::Literal(literal));
                pieces.push(Piece::Literal("}"));
            }
            None => {
                let name = name.trim();
                if name.is_empty()
                    || !name.chars().all(|c| c.is_ascii_alphanumeric() || "_.:".contains(c))
                {
                    return Err(error(
                        "variable names in Fn::Sub syntax must contain only alphanumeric characters, underscores, periods, and colons",
                    ));
                }
                pieces.push(Piece::Variable(name));
            }
        }
        rest = next;
    }
    pieces.push(Piece::Literal(rest));
    Ok(pieces)
}

fn sub(scope: &Scope<'_>, argument: &Value) -> Result<String, TemplateError> {
    const NAME: &str = "Fn::Sub";
    let (text, variables) = match argument {
        Value::String(text) => (text.as_str(), None),
        other => match fixed(other, NAME)? {
            [Value::String(text), Value::Object(variables)] => (text.as_str(), Some(variables)),
            _ => return Err(malformed(NAME)),
        },
    };
    let mut result = String::new();
    for piece in pieces(text)? {
        match piece {
            Piece::Literal(text) => {
                growth::check(result.len().saturating_add(text.len()))?;
                result.push_str(text);
            }
            Piece::Variable(name) => {
                let value = match variables.and_then(|variables| variables.get(name)) {
                    Some(node) => scope.evaluate(node)?,
                    None => match name.split_once('.') {
                        Some((resource, attribute)) => Some(scope.attribute(resource, attribute)?),
                        None => scope.reference(name)?,
                    },
                };
                match value {
                    Some(value @ (Value::String(_) | Value::Number(_) | Value::Bool(_))) => {
                        let text = text_of(&value);
                        growth::check(result.len().saturating_add(text.len()))?;
                        result.push_str(&text);
                    }
                    _ => {
                        return Err(error(&format!(
                            "the variable {name} in Fn::Sub does not resolve to a string"
                        )));
                    }
                }
            }
        }
    }
    Ok(result)
}

fn join(scope: &Scope<'_>, argument: &Value) -> Result<String, TemplateError> {
    const NAME: &str = "Fn::Join";
    let [separator, items] = fixed(argument, NAME)?;
    let separator = separator.as_str().ok_or_else(|| malformed(NAME))?;
    let Some(Value::Array(items)) = scope.evaluate(items)? else { return Err(malformed(NAME)) };
    if items.iter().any(|item| item.is_array() || item.is_object()) {
        return Err(malformed(NAME));
    }
    let texts: Vec<String> = items.iter().map(text_of).collect();
    let size: usize = texts.iter().map(|text| text.len().saturating_add(separator.len())).sum();
    growth::check(size)?;
    Ok(texts.join(separator))
}

fn select(scope: &Scope<'_>, argument: &Value) -> Result<Value, TemplateError> {
    const NAME: &str = "Fn::Select";
    let [index, items] = fixed(argument, NAME)?;
    let index = scope.evaluate(index)?.map(|index| text_of(&index)).unwrap_or_default();
    let index: usize = index.parse().map_err(|_| malformed(NAME))?;
    let Some(Value::Array(items)) = scope.evaluate(items)? else { return Err(malformed(NAME)) };
    items.into_iter().nth(index).ok_or_else(|| malformed(NAME))
}

fn find_in_map(scope: &Scope<'_>, argument: &Value) -> Result<Value, TemplateError> {
    let (keys, default) = shape::with_default(argument)?;
    let [map, first, second] = keys;
    let map = scope.text(map, "the map of Fn::FindInMap")?;
    let first = scope.text(first, "the first key of Fn::FindInMap")?;
    let second = scope.text(second, "the second key of Fn::FindInMap")?;
    match (mapped(&scope.template.mappings, &map, &first, &second), default) {
        (Ok(value), _) => Ok(value.clone()),
        (Err(_), Some(default)) => {
            scope.evaluate(default)?.ok_or_else(|| malformed("Fn::FindInMap"))
        }
        (Err(error), None) => Err(error),
    }
}

/// What a mapping has under two keys (recorded:
/// `test_mapping_with_nonexisting_key`, `test_async_mapping_error_*`).
pub(super) fn mapped<'a>(
    mappings: &'a Map<String, Value>,
    map: &str,
    first: &str,
    second: &str,
) -> Result<&'a Value, TemplateError> {
    let mapping = mappings.get(map).ok_or_else(|| {
        error(&format!(
            "Mapping named '{map}' is not present in the 'Mappings' section of template."
        ))
    })?;
    mapping
        .get(first)
        .and_then(|level| level.get(second))
        .ok_or_else(|| error(&format!("Unable to get mapping for {map}::{first}::{second}")))
}

/// The value of a condition function.
pub(super) fn boolean(scope: &Scope<'_>, node: &Value) -> Result<bool, TemplateError> {
    let malformed = || {
        error(
            "every Condition member must be one of Condition, Fn::And, Fn::Or, Fn::Not, Fn::Equals",
        )
    };
    let Value::Object(map) = node else { return Err(malformed()) };
    let (Some((name, argument)), 1) = (map.iter().next(), map.len()) else {
        return Err(malformed());
    };
    match name.as_str() {
        "Condition" => scope.condition(argument.as_str().ok_or_else(malformed)?),
        "Fn::Equals" => {
            let [left, right] = fixed(argument, "Fn::Equals")?;
            let value = |node| -> Result<Value, TemplateError> {
                Ok(match scope.evaluate(node)? {
                    Some(value @ (Value::Array(_) | Value::Object(_))) => value,
                    Some(value) => text_of(&value).into(),
                    None => Value::Null,
                })
            };
            Ok(value(left)? == value(right)?)
        }
        "Fn::Not" => {
            let [inner] = fixed(argument, "Fn::Not")?;
            Ok(!boolean(scope, inner)?)
        }
        "Fn::And" | "Fn::Or" => {
            let items = argument
                .as_array()
                .filter(|items| (2..=10).contains(&items.len()))
                .ok_or_else(|| {
                    error(&format!("every {name} object requires a list of at least 2 and at most 10 boolean parameters."))
                })?;
            let mut any = false;
            let mut all = true;
            for item in items {
                let value = boolean(scope, item)?;
                any |= value;
                all &= value;
            }
            Ok(if name == "Fn::And" { all } else { any })
        }
        _ => Err(malformed()),
    }
}

/// `Fn::Cidr`: `count` blocks with `bits` host bits out of a block.
fn cidr(scope: &Scope<'_>, argument: &Value) -> Result<Value, TemplateError> {
    let malformed = || malformed("Fn::Cidr");
    let items = argument.as_array().ok_or_else(malformed)?;
    let (block, count, bits) = match items.as_slice() {
        [block, count] => (block, count, None),
        [block, count, bits] => (block, count, Some(bits)),
        _ => return Err(malformed()),
    };
    let block = scope.text(block, "the block of Fn::Cidr")?;
    let (address, prefix) = block.split_once('/').ok_or_else(malformed)?;
    let address: IpAddr = address.parse().map_err(|_| malformed())?;
    let prefix: u32 = prefix.parse().map_err(|_| malformed())?;
    let count: u128 =
        scope.text(count, "the count of Fn::Cidr")?.parse().map_err(|_| malformed())?;
    let (width, base, standard): (u32, u128, u32) = match address {
        IpAddr::V4(address) => (32, u128::from(u32::from(address)), 8),
        IpAddr::V6(address) => (128, u128::from(address), 64),
    };
    let bits: u32 = match bits {
        Some(bits) => scope.text(bits, "the bits of Fn::Cidr")?.parse().map_err(|_| malformed())?,
        None => standard,
    };
    let room = width.checked_sub(prefix).and_then(|free| free.checked_sub(bits));
    let fits = room.is_some_and(|room| room < 16 && count <= 1 << room);
    if !fits || count > 256 || bits >= 128 {
        return Err(error(&format!(
            "Fn::Cidr cannot cut {count} blocks with {bits} host bits out of {block}"
        )));
    }
    let blocks = (0..count).map(|index| {
        let start = base + (index << bits);
        let address = if width == 32 {
            // The block lies inside an IPv4 block, so the low 32 bits are all.
            IpAddr::V4(Ipv4Addr::from(u32::try_from(start & 0xffff_ffff).unwrap_or_default()))
        } else {
            IpAddr::V6(Ipv6Addr::from(start))
        };
        Value::String(format!("{address}/{}", width - bits))
    });
    Ok(blocks.collect())
}
