//! Terraform's functions on known values, those that name things
//! (<https://developer.hashicorp.com/terraform/language/functions>).

use serde_json::{Map, Value};

use super::evaluate::{composed, sorted, text};
use super::types::{collection, is_as_a_set, is_of_texts};

/// What a function gives; `None` where it is not one of these, or is given what it
/// does not take.
pub(super) fn call(name: &str, values: Vec<Value>) -> Option<Value> {
    match name {
        "flatten" => {
            let [Value::Array(items)] = values.as_slice() else { return None };
            let mut out = Vec::new();
            flatten(items, &mut out);
            Some(Value::Array(out))
        }
        "concat" => {
            let lists = values.into_iter().map(list).collect::<Option<Vec<_>>>()?;
            // Of one type, together; one without items may be of another.
            let is_open = lists.iter().any(Vec::is_empty);
            let items = lists.concat();
            let is_kept = if is_open { items.iter().all(is_of_texts) } else { true };
            unified("list", Value::Array(items)).filter(|_| is_kept)
        }
        "merge" => {
            let mut members = Map::new();
            for value in values {
                members.extend(object(value)?);
            }
            Some(Value::Object(members))
        }
        "format" => format(&values),
        "coalesce" => {
            let given: Vec<Value> = values.into_iter().filter(|value| !value.is_null()).collect();
            list(unified("list", Value::Array(given))?)?
                .into_iter()
                .find(|value| value.as_str() != Some(""))
        }
        // Of whatever type it is, the first with an item
        // (<https://developer.hashicorp.com/terraform/language/functions/coalescelist>).
        "coalescelist" => {
            let lists = values.into_iter().map(list).collect::<Option<Vec<_>>>()?;
            lists.into_iter().find(|items| !items.is_empty()).map(Value::Array)
        }
        "join" => join(values),
        "chunklist" => chunks(values),
        "lookup" if values.len() == 3 => lookup(&values),
        "replace" => replace(&values),
        _ => one_or_two(name, values),
    }
}

/// A member, or what is given for one that is not there
/// (<https://developer.hashicorp.com/terraform/language/functions/lookup>).
fn lookup(values: &[Value]) -> Option<Value> {
    let [Value::Object(members), Value::String(key), otherwise] = values else { return None };
    if let Some(value) = members.get(key) {
        return Some(value.clone());
    }
    // It is of the type of the members: of a map without any that may be numbers.
    let is_text = |text: &String| text.parse::<f64>().is_err() && text.parse::<bool>().is_err();
    let is_kept = match otherwise {
        Value::Null => true,
        Value::String(text) => {
            is_text(text) || (!members.is_empty() && members.values().all(Value::is_string))
        }
        _ => false,
    };
    is_kept.then(|| otherwise.clone())
}

/// A text with another in the place of a part: between slashes a pattern stands, which is not
/// computed here (<https://developer.hashicorp.com/terraform/language/functions/replace>), and
/// how a document is written the provider decides, which alone knows its spaces.
fn replace(values: &[Value]) -> Option<Value> {
    let [Value::String(text), Value::String(part), Value::String(by)] = values else {
        return None;
    };
    let is_pattern = part.len() > 1 && part.starts_with('/') && part.ends_with('/');
    if is_pattern || part.is_empty() || text.contains('{') {
        return None;
    }
    composed(&text.replace(part.as_str(), by)).map(Value::String)
}

fn one_or_two(name: &str, mut values: Vec<Value>) -> Option<Value> {
    let second = if values.len() == 2 { values.pop() } else { None };
    let first = values.pop().filter(|_| values.is_empty())?;
    match (name, first, second) {
        ("keys", first, None) => Some(Value::Array(
            sorted(object(first)?).into_iter().map(|(key, _)| Value::String(key)).collect(),
        )),
        ("values", first, None) => {
            Some(Value::Array(sorted(object(first)?).into_iter().map(|(_, value)| value).collect()))
        }
        ("sort", first, None) => {
            let mut texts: Vec<String> = list(first)?.iter().map(text).collect::<Option<_>>()?;
            texts.sort();
            Some(texts.into())
        }
        ("toset", first, None) => unified("set", first),
        ("distinct", first, None) => {
            let mut seen = Vec::new();
            for value in list(unified("list", first)?)? {
                if !seen.contains(&value) {
                    seen.push(value);
                }
            }
            Some(Value::Array(seen))
        }
        ("tolist", first, None) => unified("list", first),
        ("tomap", first, None) => unified("map", first),
        ("tostring", first, None) => text(&first).map(Value::String),
        ("compact", first, None) => {
            let given = list(first)?.into_iter().filter(|value| !value.is_null());
            let texts = given.map(|value| text(&value)).collect::<Option<Vec<String>>>()?;
            Some(texts.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().into())
        }
        // `null` of none (<https://developer.hashicorp.com/terraform/language/functions/one>).
        ("one", Value::Array(mut items), None) if items.len() < 2 => {
            Some(items.pop().unwrap_or(Value::Null))
        }
        // Behind the last comes the first
        // (<https://developer.hashicorp.com/terraform/language/functions/element>).
        ("element", Value::Array(mut items), Some(at)) => {
            let at = usize::try_from(at.as_u64()?).ok()?.checked_rem(items.len())?;
            (at < items.len()).then(|| items.swap_remove(at))
        }
        ("length", Value::Array(items), None) => Some(items.len().into()),
        ("length", Value::Object(members), None) => Some(members.len().into()),
        // Of other letters a case may have several characters, which Terraform does not make.
        ("lower", Value::String(text), None) if text.is_ascii() => {
            Some(text.to_ascii_lowercase().into())
        }
        ("upper", Value::String(text), None) if text.is_ascii() => {
            Some(text.to_ascii_uppercase().into())
        }
        ("jsonencode", first, None) => Some(encoded(first).into()),
        ("range", first, None) => {
            let end = first.as_u64().filter(|end| *end <= 1024)?;
            Some(Value::Array((0..end).map(Value::from).collect()))
        }
        ("split", Value::String(by), Some(Value::String(text))) if !by.is_empty() => {
            Some(text.split(&*by).map(Value::from).collect::<Vec<_>>().into())
        }
        // Of collections it hangs on their types, too.
        ("contains", Value::Array(items), Some(value)) => {
            let is_plain = |one: &Value| !one.is_array() && !one.is_object();
            let is_computed = !value.is_null() && is_plain(&value) && items.iter().all(is_plain);
            is_computed.then(|| items.contains(&value).into())
        }
        ("lookup", Value::Object(mut members), Some(key)) => members.remove(key.as_str()?),
        ("trimprefix", Value::String(text), Some(Value::String(prefix))) => {
            Some(text.strip_prefix(&*prefix).unwrap_or(&text).into())
        }
        ("trimsuffix", Value::String(text), Some(Value::String(suffix))) => {
            Some(text.strip_suffix(&*suffix).unwrap_or(&text).into())
        }
        _ => None,
    }
}

/// JSON as Terraform writes it: members in their order by name, and what HTML has a
/// meaning for escaped
/// (<https://developer.hashicorp.com/terraform/language/functions/jsonencode>).
fn encoded(value: Value) -> String {
    let text = in_order(value).to_string();
    let text = text.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026");
    text.replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029")
}

fn in_order(value: Value) -> Value {
    match value {
        Value::Object(members) => Value::Object(
            sorted(members).into_iter().map(|(key, one)| (key, in_order(one))).collect(),
        ),
        Value::Array(items) => Value::Array(items.into_iter().map(in_order).collect()),
        other => other,
    }
}

/// All of one type. What is a list may be a set beside one.
fn unified(name: &str, value: Value) -> Option<Value> {
    let made = collection(name, None, value)?;
    let is_kept = match &made {
        Value::Array(items) => items.len() < 2 || items.iter().all(is_as_a_set),
        Value::Object(members) => members.len() < 2 || members.values().all(is_as_a_set),
        _ => true,
    };
    is_kept.then_some(made)
}

/// Lists one behind another, each item as it is.
pub(super) fn joined(lists: Vec<Value>) -> Option<Value> {
    let lists = lists.into_iter().map(list).collect::<Option<Vec<_>>>()?;
    Some(Value::Array(lists.concat()))
}

fn list(value: Value) -> Option<Vec<Value>> {
    match value {
        Value::Array(items) => Some(items),
        _ => None,
    }
}

fn object(value: Value) -> Option<Map<String, Value>> {
    match value {
        Value::Object(members) => Some(members),
        _ => None,
    }
}

fn flatten(items: &[Value], out: &mut Vec<Value>) {
    for item in items {
        match item {
            Value::Array(inner) => flatten(inner, out),
            other => out.push(other.clone()),
        }
    }
}

/// `format` with `%s` and `%%`.
fn format(values: &[Value]) -> Option<Value> {
    let (first, values) = values.split_first()?;
    let mut values = values.iter();
    let mut out = String::new();
    let mut rest = first.as_str()?;
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        let verb = after.chars().next()?;
        match verb {
            's' => out.push_str(&text(values.next()?)?),
            'd' => out.push_str(&values.next()?.as_i64()?.to_string()),
            '%' => out.push('%'),
            _ => return None,
        }
        rest = after.get(verb.len_utf8()..)?;
    }
    values.next().is_none().then(|| Value::String(out + rest))
}

fn join(values: Vec<Value>) -> Option<Value> {
    let mut values = values.into_iter();
    let by = values.next()?;
    let mut texts = Vec::new();
    for value in values {
        for item in list(value)? {
            texts.push(text(&item)?);
        }
    }
    Some(texts.join(by.as_str()?).into())
}

fn chunks(values: Vec<Value>) -> Option<Value> {
    let [items, size] = values.as_slice() else { return None };
    let items = list(unified("list", items.clone())?)?;
    let size = usize::try_from(size.as_u64()?).ok().filter(|size| *size > 0)?;
    Some(Value::Array(items.chunks(size).map(|chunk| Value::Array(chunk.to_vec())).collect()))
}
