//! `ContextEntries`: the context of the simulated request.
//!
//! "Whenever a context key is evaluated in one of the simulated IAM permissions
//! policies, the corresponding value is supplied"
//! (<https://docs.aws.amazon.com/IAM/latest/APIReference/API_ContextEntry.html>).

use ringfence_policy::{Context, ValueType};
use ringfence_wire::ServiceError;
use serde_json::{Map, Value};

use super::error::invalid;
use super::input::strings;

/// `ContextKeyType`: what values are, and whether the key is multi-valued.
const TYPES: [(&str, ValueType, bool); 12] = [
    ("string", ValueType::String, false),
    ("stringList", ValueType::String, true),
    ("numeric", ValueType::Numeric, false),
    ("numericList", ValueType::Numeric, true),
    ("boolean", ValueType::Boolean, false),
    ("booleanList", ValueType::Boolean, true),
    ("ip", ValueType::Ip, false),
    ("ipList", ValueType::Ip, true),
    ("binary", ValueType::Binary, false),
    ("binaryList", ValueType::Binary, true),
    ("date", ValueType::Date, false),
    ("dateList", ValueType::Date, true),
];

/// The context that the entries make.
pub(super) fn context(entries: &[Value]) -> Result<Context, ServiceError> {
    let mut context = Context::new();
    for (place, entry) in entries.iter().enumerate() {
        let place = format!("ContextEntries.{}", place + 1);
        let entry = entry.as_object().ok_or_else(|| {
            invalid(format!(
                "{place} is no entry: it needs ContextKeyName, ContextKeyType and ContextKeyValues"
            ))
        })?;
        add(&mut context, &place, entry)?;
    }
    Ok(context)
}

fn add(context: &mut Context, place: &str, entry: &Map<String, Value>) -> Result<(), ServiceError> {
    const MEMBERS: [&str; 3] = ["ContextKeyName", "ContextKeyType", "ContextKeyValues"];
    if let Some(unknown) = entry.keys().find(|name| !MEMBERS.contains(&name.as_str())) {
        return Err(invalid(format!("{place} has no member `{unknown}`")));
    }
    let text = |member: &str| {
        let text = entry.get(member).and_then(Value::as_str).filter(|text| !text.is_empty());
        text.ok_or_else(|| invalid(format!("{place} has no {member}")))
    };
    let name = text("ContextKeyName")?;
    if !name.contains(':') || name.len() > 256 {
        return Err(invalid(format!(
            "Invalid context key name `{name}`: write its service too, such as aws:SourceIp"
        )));
    }
    if context.get(name).is_some() {
        return Err(invalid(format!("The context key `{name}` stands twice")));
    }
    let given = text("ContextKeyType")?;
    let Some((_, kind, list)) = TYPES.iter().find(|(known, ..)| *known == given) else {
        let known = TYPES.map(|(known, ..)| known).join(", ");
        return Err(invalid(format!(
            "Invalid ContextKeyType `{given}` of `{name}`: it must be one of {known}"
        )));
    };
    let values = match entry.get("ContextKeyValues") {
        Some(values) => strings(&format!("{place}.ContextKeyValues"), values)?,
        None => Vec::new(),
    };
    if let Some(wrong) = values.iter().find(|value| !kind.admits(value)) {
        return Err(invalid(format!(
            "Invalid value `{wrong}` of the context key `{name}`: it is not of the type {given}"
        )));
    }
    if *list {
        context.set_list(name, values);
        return Ok(());
    }
    let [value] = values.as_slice() else {
        return Err(invalid(format!(
            "The context key `{name}` has {} values, but its type {given} takes one: use \
             {given}List for more",
            values.len()
        )));
    };
    context.set(name, *value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use ringfence_policy::Values;
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn one(kind: &str, values: &Value) -> Result<Context, ServiceError> {
        context(&[json!({
            "ContextKeyName": "aws:Key", "ContextKeyType": kind, "ContextKeyValues": values,
        })])
    }

    #[rstest]
    #[case("string", "any", None)]
    #[case("numeric", "4.5", Some("four"))]
    #[case("boolean", "TRUE", Some("yes"))]
    #[case("ip", "203.0.113.7", Some("203.0.113.0/24"))]
    #[case("binary", "QUJD", Some("*"))]
    #[case("date", "2026-02-03T04:05:06Z", Some("tomorrow"))]
    fn values_are_of_their_type(
        #[case] kind: &str,
        #[case] right: &str,
        #[case] wrong: Option<&str>,
    ) {
        let list = format!("{kind}List");
        let context = one(kind, &json!([right])).unwrap();
        assert_eq!(context.get("AWS:KEY"), Some(&Values::One(right.into())));
        let context = one(&list, &json!([right, right])).unwrap();
        assert_eq!(context.get("aws:key"), Some(&Values::Many(vec![right.into(), right.into()])));
        let Some(wrong) = wrong else { return };
        for (kind, values) in [(kind, json!([wrong])), (&*list, json!([right, wrong]))] {
            let error = one(kind, &values).unwrap_err();
            assert_eq!((error.status, error.code.as_ref()), (400, "InvalidInput"));
            assert_eq!(
                error.message,
                format!(
                    "Invalid value `{wrong}` of the context key `aws:Key`: it is not of the type \
                     {kind}"
                )
            );
        }
    }

    #[rstest]
    #[case::two_of_one(json!({"ContextKeyName": "a:b", "ContextKeyType": "string", "ContextKeyValues": ["x", "y"]}),
        "The context key `a:b` has 2 values, but its type string takes one: use stringList for more")]
    #[case::none_of_one(json!({"ContextKeyName": "a:b", "ContextKeyType": "ip", "ContextKeyValues": ""}),
        "The context key `a:b` has 0 values, but its type ip takes one: use ipList for more")]
    #[case::no_name(json!({"ContextKeyType": "string", "ContextKeyValues": ["x"]}),
        "ContextEntries.1 has no ContextKeyName")]
    #[case::no_type(json!({"ContextKeyName": "a:b", "ContextKeyValues": ["x"]}),
        "ContextEntries.1 has no ContextKeyType")]
    #[case::no_service(json!({"ContextKeyName": "b", "ContextKeyType": "string", "ContextKeyValues": ["x"]}),
        "Invalid context key name `b`: write its service too, such as aws:SourceIp")]
    #[case::unknown_type(json!({"ContextKeyName": "a:b", "ContextKeyType": "arn", "ContextKeyValues": ["x"]}),
        "Invalid ContextKeyType `arn` of `a:b`: it must be one of string, stringList, numeric, numericList, boolean, booleanList, ip, ipList, binary, binaryList, date, dateList")]
    #[case::unknown_member(json!({"ContextKeyName": "a:b", "ContextKeyType": "string", "ContextKeyValue": "x"}),
        "ContextEntries.1 has no member `ContextKeyValue`")]
    #[case::a_text(json!("a:b=x"),
        "ContextEntries.1 is no entry: it needs ContextKeyName, ContextKeyType and ContextKeyValues")]
    fn what_is_no_entry_is_refused(#[case] entry: Value, #[case] message: &str) {
        let error = context(&[entry]).unwrap_err();
        assert_eq!((error.code.as_ref(), error.message.as_str()), ("InvalidInput", message));
    }

    #[test]
    fn a_key_stands_once_in_whatever_case_and_a_list_may_be_empty() {
        let entry = |name: &str, kind: &str| json!({"ContextKeyName": name, "ContextKeyType": kind, "ContextKeyValues": ""});
        let empty = context(&[entry("aws:TagKeys", "stringList")]).unwrap();
        assert_eq!(empty.get("aws:TagKeys"), Some(&Values::Many(Vec::new())));
        let twice = [entry("a:b", "stringList"), entry("A:B", "stringList")];
        assert_eq!(context(&twice).unwrap_err().message, "The context key `A:B` stands twice");
    }
}
