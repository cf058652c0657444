//! What a variable makes of a value by its type
//! (<https://developer.hashicorp.com/terraform/language/expressions/type-constraints>).

use hcl_edit::expr::{Expression, FuncCall, ObjectKey};
use serde_json::{Map, Value};

use super::evaluate::text;

/// A value of a type; `None` where it cannot be of it, or that is not computed here.
pub(super) fn converted(kind: &Expression, value: Value) -> Option<Value> {
    match kind {
        Expression::Parenthesis(inner) => converted(inner.inner(), value),
        Expression::Variable(name) => simple(name.as_str(), value),
        Expression::FuncCall(call) if call.name.namespace.is_empty() => made(call, value),
        _ => None,
    }
}

fn simple(name: &str, value: Value) -> Option<Value> {
    match (name, value) {
        ("any", value) => Some(value),
        (_, Value::Null) => Some(Value::Null),
        ("string", value) => text(&value).map(Value::String),
        ("number", value @ Value::Number(_)) => Some(value),
        ("number", Value::String(written)) => {
            let number: i64 = written.parse().ok()?;
            (number.to_string() == written).then(|| number.into())
        }
        ("bool", value @ Value::Bool(_)) => Some(value),
        ("bool", Value::String(written)) => written.parse().ok().map(Value::Bool),
        // Short for collections of anything.
        ("list" | "set" | "map", value) => collection(name, None, value),
        _ => None,
    }
}

fn made(call: &FuncCall, value: Value) -> Option<Value> {
    let name = call.name.name.as_str();
    let mut arguments = call.args.iter();
    let (first, None) = (arguments.next()?, arguments.next()) else { return None };
    match (name, first, value) {
        (_, _, Value::Null) => Some(Value::Null),
        ("list" | "set" | "map", of, value) => collection(name, Some(of), value),
        ("tuple", Expression::Array(kinds), Value::Array(items)) => {
            let all = kinds.iter().zip(items.iter().cloned());
            let all = all.map(|(kind, item)| converted(kind, item)).collect::<Option<Vec<_>>>()?;
            (all.len() == items.len() && all.len() == kinds.len()).then_some(Value::Array(all))
        }
        ("object", Expression::Object(members), Value::Object(mut values)) => {
            let mut all = Map::new();
            for (key, kind) in members.iter() {
                let key = match key {
                    ObjectKey::Ident(name) => name.as_str().to_owned(),
                    ObjectKey::Expression(Expression::Variable(name)) => name.as_str().to_owned(),
                    ObjectKey::Expression(key) => key.as_str()?.to_owned(),
                };
                let value = member(kind.expr(), values.remove(&key))?;
                all.insert(key, value);
            }
            Some(Value::Object(all))
        }
        _ => None,
    }
}

/// A member of an object, which may be left out where its type says so.
fn member(kind: &Expression, value: Option<Value>) -> Option<Value> {
    let optional = match kind {
        Expression::FuncCall(call) if call.name.name.as_str() == "optional" => Some(call),
        _ => None,
    };
    let Some(call) = optional else { return converted(kind, value?) };
    let mut arguments = call.args.iter();
    let (kind, default) = (arguments.next()?, arguments.next());
    match (value.filter(|value| !value.is_null()), default) {
        (Some(value), _) => converted(kind, value),
        (None, None) => Some(Value::Null),
        (None, Some(default)) => converted(kind, literal(default)?),
    }
}

/// A default as it is written.
fn literal(written: &Expression) -> Option<Value> {
    Some(match written {
        Expression::Null(_) => Value::Null,
        Expression::Bool(flag) => Value::Bool(**flag),
        Expression::Number(number) => number.as_i64()?.into(),
        Expression::String(text) => Value::String(text.as_str().to_owned()),
        Expression::Array(items) => Value::Array(items.iter().map(literal).collect::<Option<_>>()?),
        Expression::Object(members) if members.is_empty() => Value::Object(Map::new()),
        _ => return None,
    })
}

/// All of one type: of `any`, where they are of one already.
pub(super) fn collection(name: &str, of: Option<&Expression>, value: Value) -> Option<Value> {
    let is_any = match of {
        None => true,
        Some(Expression::Variable(name)) => name.as_str() == "any",
        Some(_) => false,
    };
    let each = |items: &mut dyn Iterator<Item = Value>| -> Option<Vec<Value>> {
        let all = items.map(|item| match of {
            Some(kind) if !is_any => converted(kind, item),
            _ => Some(item),
        });
        let all = all.collect::<Option<Vec<_>>>()?;
        (!is_any || are_alike(&all)).then_some(all)
    };
    match (name, value) {
        ("list", Value::Array(items)) => each(&mut items.into_iter()).map(Value::Array),
        ("set", Value::Array(items)) => {
            // Sets of texts are in their order.
            let all = each(&mut items.into_iter())?;
            let all = all.iter().map(|one| one.as_str().map(str::to_owned));
            let mut texts = all.collect::<Option<Vec<String>>>()?;
            texts.sort();
            texts.dedup();
            Some(texts.into())
        }
        ("map", Value::Object(members)) => {
            let (keys, items): (Vec<String>, Vec<Value>) = members.into_iter().unzip();
            let all = each(&mut items.into_iter())?;
            Some(Value::Object(keys.into_iter().zip(all).collect()))
        }
        _ => None,
    }
}

/// Whether all items of a list are what its type makes of them: of one type, or texts, which
/// stay so beside anything.
fn are_alike(items: &[Value]) -> bool {
    items.iter().zip(items.iter().skip(1)).all(|(a, b)| is_alike(a, b))
        || items.iter().all(is_of_texts)
}

/// Whether nothing in a value is anything but texts and `null`.
pub(super) fn is_of_texts(value: &Value) -> bool {
    match value {
        Value::Null | Value::String(_) => true,
        Value::Bool(_) | Value::Number(_) => false,
        Value::Array(items) => items.iter().all(is_of_texts),
        Value::Object(members) => members.values().all(is_of_texts),
    }
}

/// The other result of a condition.
pub(super) enum Beside<'v> {
    /// `null` as it is written, which has no type of its own.
    Null,
    /// It is not known.
    Unknown {
        /// Both are written out as lists.
        are_lists: bool,
    },
    Value {
        value: &'v Value,
        /// `[]` or `{}` is written, which have no items that have a type.
        is_empty: bool,
        /// Both are written out as lists: what they are together is no set.
        are_lists: bool,
    },
}

/// One of two values, as the type has it that both have together: texts and numbers are
/// texts (<https://developer.hashicorp.com/terraform/language/expressions/conditionals#result-types>).
/// `None`: that is not computed here, or hangs on the other, which is not known, or is
/// `null` of a type that is not known.
pub(super) fn together(value: Value, beside: &Beside<'_>) -> Option<Value> {
    match (&value, beside) {
        // A text is one beside anything.
        (Value::Null | Value::String(_), _) | (_, Beside::Null) => Some(value),
        // Texts are texts beside anything, and a list of them the same where it may be a set.
        (_, Beside::Unknown { are_lists }) => {
            let are_sets = |items: &Vec<Value>| items.iter().all(is_as_a_set);
            let is_list = *are_lists && value.as_array().is_some_and(are_sets);
            (is_of_texts(&value) && (is_list || is_as_a_set(&value))).then_some(value)
        }
        (Value::Bool(_) | Value::Number(_), Beside::Value { value: Value::String(_), .. }) => {
            text(&value).map(Value::String)
        }
        (_, Beside::Value { value: other, is_empty, are_lists }) => {
            let is_kept = *are_lists || is_as_a_set(&value);
            let is_typed = match (&value, is_empty) {
                (Value::Array(items), true) => are_one(&items.iter().collect::<Vec<_>>()),
                (Value::Object(members), true) => are_one(&members.values().collect::<Vec<_>>()),
                _ => has_type_of(&value, other),
            };
            (is_kept && is_typed).then_some(value)
        }
    }
}

/// Whether what items are together is what each is.
fn are_one(items: &[&Value]) -> bool {
    items.iter().all(|one| items.iter().all(|other| has_type_of(one, other)))
}

/// Whether lists in it would be the same as sets: texts in their order, each once.
pub(super) fn is_as_a_set(value: &Value) -> bool {
    match value {
        Value::Array(items) => {
            let pairs = items.iter().zip(items.iter().skip(1));
            let mut pairs = pairs.map(|(one, next)| Some((one.as_str()?, next.as_str()?)));
            pairs.all(|pair| pair.is_some_and(|(one, next)| one < next))
                && items.iter().all(is_as_a_set)
        }
        Value::Object(members) => members.values().all(is_as_a_set),
        _ => true,
    }
}

/// Whether a value is what it is beside another, too, as the type has it that both have
/// together. Beside `null`, and beside what has no items, whose type may make a text of a
/// number, it is known of texts alone.
fn has_type_of(value: &Value, other: &Value) -> bool {
    match (value, other) {
        (Value::Null | Value::String(_), _) => true,
        (Value::Array(one), Value::Array(other)) => {
            let all = || one.iter().chain(other);
            is_of_texts(value)
                || (!other.is_empty()
                    && one.iter().all(|one| all().all(|other| has_type_of(one, other))))
        }
        (Value::Object(one), Value::Object(other)) => {
            if is_of_texts(value) {
                return true;
            }
            let is_same = one.len() == other.len() && one.keys().all(|key| other.contains_key(key));
            if is_same {
                let mut pairs = one.iter().filter_map(|(key, one)| Some((one, other.get(key)?)));
                return pairs.all(|(one, other)| has_type_of(one, other));
            }
            let all = || one.values().chain(other.values());
            !other.is_empty() && one.values().all(|one| all().all(|other| has_type_of(one, other)))
        }
        (one, Value::Null) => is_of_texts(one),
        (one, other) => is_alike(one, other),
    }
}

/// Whether two values are of one type.
fn is_alike(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::String(_), Value::String(_))
        | (Value::Number(_), Value::Number(_))
        | (Value::Bool(_), Value::Bool(_)) => true,
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(a, b)| is_alike(a, b))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(key, a)| other.get(key).is_some_and(|b| is_alike(a, b)))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn value(kind: &str, value: &Value) -> Option<Value> {
        let body = hcl_edit::parser::parse_body(&format!("type = {kind}\n")).unwrap();
        let kind = body.attributes().next().unwrap().value.clone();
        converted(&kind, value.clone())
    }

    #[rstest]
    #[case("string", json!(1), json!("1"))]
    #[case("string", json!(true), json!("true"))]
    #[case("number", json!("5"), json!(5))]
    #[case("bool", json!("true"), json!(true))]
    #[case("any", json!([1, "a"]), json!([1, "a"]))]
    #[case("list(string)", json!([1, "a"]), json!(["1", "a"]))]
    #[case("set(string)", json!(["b", "a", "b"]), json!(["a", "b"]))]
    #[case("map(string)", json!({"a": 1}), json!({"a": "1"}))]
    #[case("tuple([string, number])", json!([1, "2"]), json!(["1", 2]))]
    #[case(
        "object({a = string, b = optional(list(string), []), c = optional(string)})",
        json!({"a": 1, "d": 2}),
        json!({"a": "1", "b": [], "c": null})
    )]
    #[case("list(object({a = string}))", json!([{"a": 1, "b": 2}]), json!([{"a": "1"}]))]
    fn a_value_is_of_its_variables_type(
        #[case] kind: &str,
        #[case] given: Value,
        #[case] expected: Value,
    ) {
        assert_eq!(value(kind, &given), Some(expected));
    }

    #[rstest]
    #[case("string", json!([]))]
    #[case("number", json!("05"))]
    #[case("list(any)", json!([1, "a"]))]
    #[case("set(number)", json!([1]))]
    #[case("object({a = string})", json!({}))]
    #[case("nonsense(string)", json!("a"))]
    fn what_is_not_computed_is_nothing(#[case] kind: &str, #[case] given: Value) {
        assert_eq!(value(kind, &given), None);
    }
}
