//! Which records a function gets: patterns of EventBridge's language.
//! <https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html>

use ringfence_wire::ServiceError;
use serde_json::{Map, Value, json};

use crate::lambda::error::{invalid, not_built};

/// AWS's refusal of what is no pattern (LocalStack's
/// test_sqs_invalid_event_filter, recorded on AWS).
const INVALID: &str = "Invalid filter pattern definition.";

/// The filters of a mapping: a record passes that one of them lets through.
#[derive(Debug, Clone)]
pub(super) struct Filters(Vec<(String, Map<String, Value>)>);

impl Filters {
    /// Reads a `FilterCriteria`; without filters it is none.
    ///
    /// # Errors
    /// AWS's, for what is no pattern; `NotImplementedException` for an operator
    /// that is not built.
    pub(super) fn read(criteria: &Value) -> Result<Option<Self>, ServiceError> {
        let Some(filters) = criteria.get("Filters").and_then(Value::as_array) else {
            return Ok(None);
        };
        let read = |filter: &Value| {
            let text = filter.get("Pattern").and_then(Value::as_str).unwrap_or_default();
            let Ok(Value::Object(pattern)) = serde_json::from_str(text) else {
                return Err(invalid(INVALID));
            };
            check(&pattern)?;
            Ok((text.to_owned(), pattern))
        };
        let filters = filters.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        Ok((!filters.is_empty()).then_some(Self(filters)))
    }

    /// The member as the API shows it.
    pub(super) fn show(&self) -> Value {
        let one = |(text, _): &(String, Map<String, Value>)| json!({ "Pattern": text });
        json!({ "Filters": self.0.iter().map(one).collect::<Vec<Value>>() })
    }

    /// Whether a record passes.
    pub(super) fn pass(&self, record: &Value) -> bool {
        self.0.iter().any(|(_, pattern)| fits(pattern, Some(record)))
    }
}

/// That a pattern's leaves are lists of literals and known operators.
fn check(pattern: &Map<String, Value>) -> Result<(), ServiceError> {
    if pattern.is_empty() {
        return Err(invalid(INVALID));
    }
    for (name, rule) in pattern {
        match rule {
            Value::Object(inner) => check(inner)?,
            Value::Array(rules) if !rules.is_empty() && !name.starts_with('$') => {
                rules.iter().try_for_each(check_rule)?;
            }
            _ if name == "$or" => return Err(not_built("`$or` in a filter pattern")),
            _ => return Err(invalid(INVALID)),
        }
    }
    Ok(())
}

fn check_rule(rule: &Value) -> Result<(), ServiceError> {
    let Value::Object(operator) = rule else {
        return if rule.is_array() { Err(invalid(INVALID)) } else { Ok(()) };
    };
    let mut entries = operator.iter();
    let (Some((name, value)), None) = (entries.next(), entries.next()) else {
        return Err(invalid(INVALID));
    };
    let fits = match name.as_str() {
        "prefix" | "suffix" | "equals-ignore-case" => value.is_string(),
        "exists" => value.is_boolean(),
        "anything-but" => !value.is_object() && !value.is_null(),
        "numeric" => value.as_array().is_some_and(|terms| numeric(terms, 0.0).is_some()),
        other => return Err(not_built(format!("`{other}` in a filter pattern"))),
    };
    if fits { Ok(()) } else { Err(invalid(INVALID)) }
}

fn fits(pattern: &Map<String, Value>, value: Option<&Value>) -> bool {
    pattern.iter().all(|(name, rule)| {
        let inner = value.and_then(|value| value.get(name));
        match rule {
            Value::Object(deeper) => fits(deeper, inner),
            Value::Array(rules) => rules.iter().any(|rule| allows(rule, inner)),
            _ => false,
        }
    })
}

/// Whether one rule of a leaf allows a value; of a list, one element suffices.
fn allows(rule: &Value, value: Option<&Value>) -> bool {
    if let Some(wanted) = rule.get("exists").and_then(Value::as_bool) {
        return wanted == value.is_some_and(|it| !it.is_object());
    }
    match value {
        None => false,
        Some(Value::Array(items)) => items.iter().any(|item| allows_one(rule, item)),
        Some(value) => allows_one(rule, value),
    }
}

fn allows_one(rule: &Value, value: &Value) -> bool {
    let Some((name, operand)) = rule.as_object().and_then(|it| it.iter().next()) else {
        return same(rule, value);
    };
    let (text, wanted) = (value.as_str(), operand.as_str());
    let both = |compare: fn(&str, &str) -> bool| {
        text.zip(wanted).is_some_and(|(text, wanted)| compare(text, wanted))
    };
    match name.as_str() {
        "prefix" => both(|text, wanted| text.starts_with(wanted)),
        "suffix" => both(|text, wanted| text.ends_with(wanted)),
        "equals-ignore-case" => both(|text, wanted| text.eq_ignore_ascii_case(wanted)),
        "anything-but" => match operand {
            Value::Array(all) => !all.iter().any(|one| same(one, value)),
            one => !same(one, value),
        },
        "numeric" => {
            let number = value.as_f64();
            operand.as_array().zip(number).and_then(|(terms, it)| numeric(terms, it)) == Some(true)
        }
        _ => false,
    }
}

fn same(one: &Value, other: &Value) -> bool {
    match (one.as_f64(), other.as_f64()) {
        (Some(one), Some(other)) => one.total_cmp(&other).is_eq(),
        _ => one == other,
    }
}

/// Whether a number satisfies `[">", 1, "<=", 5]`; nothing where that is no such
/// list.
fn numeric(terms: &[Value], number: f64) -> Option<bool> {
    let mut fits = true;
    let pairs = terms.chunks_exact(2);
    if terms.is_empty() || !pairs.remainder().is_empty() {
        return None;
    }
    for pair in pairs {
        let [operator, bound] = pair else { return None };
        let order = number.total_cmp(&bound.as_f64()?);
        fits &= match operator.as_str()? {
            "=" => order.is_eq(),
            "<" => order.is_lt(),
            "<=" => order.is_le(),
            ">" => order.is_gt(),
            ">=" => order.is_ge(),
            _ => return None,
        };
    }
    Some(fits)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn filters(pattern: &Value) -> Result<Option<Filters>, ServiceError> {
        Filters::read(&json!({ "Filters": [{ "Pattern": pattern.to_string() }] }))
    }

    /// The patterns of LocalStack's test_sqs_event_filter, recorded on AWS.
    #[rstest]
    #[case(json!({"body": {"k": ["v"]}}), json!({"k": "v"}), json!({"k": "w"}))]
    #[case(json!({"body": {"k": ["v", "w"]}}), json!({"k": "w"}), json!({"k": "x"}))]
    #[case(json!({"body": {"k": ["v"], "l": ["w"]}}), json!({"k": "v", "l": "w"}), json!({"k": "v"}))]
    #[case(json!({"body": {"k": [{"exists": true}]}}), json!({"k": "any"}), json!({"l": "any"}))]
    #[case(json!({"body": {"k": [{"exists": false}]}}), json!({"l": "any"}), json!({"k": "any"}))]
    #[case(json!({"body": {"k": [{"prefix": "yes"}]}}), json!({"k": "yes-v"}), json!({"k": "no-v"}))]
    #[case(json!({"body": {"k": [{"anything-but": ["no"]}]}}), json!({"k": "v"}), json!({"k": "no"}))]
    #[case(json!({"body": {"k": [{"numeric": [">", 50, "<=", 100]}]}}), json!({"k": 100}), json!({"k": 50}))]
    fn a_pattern_lets_what_fits_it_through(
        #[case] pattern: Value,
        #[case] passes: Value,
        #[case] stays: Value,
    ) {
        let filters = filters(&pattern).unwrap().unwrap();
        assert!(filters.pass(&json!({ "body": passes })));
        assert!(!filters.pass(&json!({ "body": stays })));
    }

    #[rstest]
    #[case("null")]
    #[case("simple string")]
    #[case("{}")]
    #[case(r#"{"body": "text"}"#)]
    #[case(r#"{"body": {"k": [{"prefix": 1}]}}"#)]
    fn what_is_no_pattern_is_refused_as_aws_does(#[case] text: &str) {
        let criteria = json!({ "Filters": [{ "Pattern": text }] });
        let error = Filters::read(&criteria).unwrap_err();
        assert_eq!((&*error.code, &*error.message), ("InvalidParameterValueException", INVALID));
    }

    #[test]
    fn an_operator_that_is_not_built_is_named() {
        let error = filters(&json!({ "body": { "k": [{ "wildcard": "a*" }] } })).unwrap_err();
        let expected =
            "`wildcard` in a filter pattern is not built in this Lambda; nothing was changed";
        assert_eq!(error.message, expected);
    }
}
