//! What intrinsic functions take. What can be seen to fail is refused when the
//! template arrives, in branches not taken too
//! (<https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference.html>;
//! the sentences are recorded: LocalStack's `test_invalid_select_index_type`,
//! `test_validate_split_arguments_len`, `test_validate_equals_args_len`,
//! `TestChangeSetFnGetAttr::test_invalid_structure`).

use serde_json::Value;

use super::TemplateError;
use super::evaluate::function;

/// AWS's sentence for each function, without `Template error: `.
const SENTENCES: [(&str, &str); 12] = [
    (
        "Fn::GetAtt",
        "every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute",
    ),
    (
        "Fn::Select",
        "Fn::Select requires a list argument with two elements: an integer index and a list",
    ),
    (
        "Fn::Split",
        "every Fn::Split object requires two parameters, (1) a string delimiter and (2) a string to be split or a function that returns a string to be split.",
    ),
    (
        "Fn::Join",
        "every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list of strings to be joined or a function that returns a list of strings (such as Fn::GetAZs) to be joined.",
    ),
    ("Fn::Equals", "every Fn::Equals object requires a list of 2 string parameters."),
    (
        "Fn::FindInMap",
        "every Fn::FindInMap object requires three parameters, the map name, map key and the attribute for return value",
    ),
    (
        "Fn::Sub",
        "One or more Fn::Sub intrinsic functions don't specify expected arguments. Specify a string as first argument, and an optional second argument to specify a mapping of values to replace in the string",
    ),
    ("Ref", "All Ref intrinsic functions must reference a string resource name"),
    (
        "Fn::Cidr",
        "every Fn::Cidr object requires two or three parameters, the IP block, count of subnets and optionally subnet mask",
    ),
    ("Fn::If", "Fn::If requires a list argument with three parameters"),
    ("Fn::Length", "Fn::Length requires a list or a function that returns a list"),
    ("Fn::ToJsonString", "Fn::ToJsonString requires an object or a list"),
];

/// The error of a function whose argument it does not take.
pub(super) fn malformed(name: &str) -> TemplateError {
    let sentence = SENTENCES.iter().find(|(function, _)| *function == name);
    TemplateError::new(match sentence {
        Some((_, sentence)) => format!("Template error: {sentence}"),
        None => format!("Template error: {name} does not take this argument"),
    })
}

/// The items of a list of as many.
pub(super) fn fixed<'a, const N: usize>(
    argument: &'a Value,
    name: &str,
) -> Result<[&'a Value; N], TemplateError> {
    let items: Option<Vec<&Value>> = argument.as_array().map(|items| items.iter().collect());
    items.and_then(|items| items.try_into().ok()).ok_or_else(|| malformed(name))
}

/// The three keys of `Fn::FindInMap`, and the default that the language extensions
/// let it have.
pub(super) fn with_default(
    argument: &Value,
) -> Result<([&Value; 3], Option<&Value>), TemplateError> {
    match argument.as_array().map(Vec::as_slice) {
        Some([map, first, second, options]) => match options.get("DefaultValue") {
            Some(default) => Ok(([map, first, second], Some(default))),
            None => Err(malformed("Fn::FindInMap")),
        },
        _ => Ok((fixed(argument, "Fn::FindInMap")?, None)),
    }
}

/// Checks a function's argument, as far as the template alone says what it is.
pub(super) fn check(name: &str, argument: &Value) -> Result<(), TemplateError> {
    let good = match name {
        "Ref" => argument.is_string(),
        "Fn::GetAtt" => attribute(argument),
        "Fn::Select" => select(argument),
        "Fn::Split" => {
            let [separator, text] = fixed(argument, name)?;
            separator.as_str().is_some_and(|text| !text.is_empty()) && may_be_text(text)
        }
        "Fn::Join" => {
            let [separator, items] = fixed(argument, name)?;
            separator.is_string() && may_be_list(items)
        }
        "Fn::Equals" => fixed::<2>(argument, name).is_ok(),
        "Fn::If" => {
            let [condition, _, _] = fixed(argument, name)?;
            condition.is_string()
        }
        // A fourth argument belongs to AWS::LanguageExtensions.
        "Fn::FindInMap" => with_default(argument).is_ok(),
        "Fn::Sub" => match argument {
            Value::String(_) => true,
            other => matches!(fixed(other, name)?, [Value::String(_), Value::Object(_)]),
        },
        _ => true,
    };
    if good { Ok(()) } else { Err(malformed(name)) }
}

fn attribute(argument: &Value) -> bool {
    match argument {
        Value::String(text) => text
            .split_once('.')
            .is_some_and(|(resource, attribute)| !resource.is_empty() && !attribute.is_empty()),
        Value::Array(items) => match items.as_slice() {
            [Value::String(resource), attribute] => {
                !resource.is_empty() && attribute.as_str() != Some("") && may_be_text(attribute)
            }
            _ => false,
        },
        _ => false,
    }
}

fn select(argument: &Value) -> bool {
    let Ok([index, items]) = fixed(argument, "Fn::Select") else { return false };
    let number = match index {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.parse().ok(),
        other => return is_function(other) && may_be_list(items),
    };
    let Some(number) = number else { return false };
    match items {
        Value::Array(items) => {
            // `AWS::NoValue` takes an entry away; that is not known here.
            usize::try_from(number).is_ok_and(|number| number < items.len())
        }
        other => is_function(other),
    }
}

fn is_function(node: &Value) -> bool {
    node.as_object().is_some_and(|map| function(map).is_some())
}

fn may_be_text(node: &Value) -> bool {
    is_function(node) || node.is_string() || node.is_number() || node.is_boolean()
}

fn may_be_list(node: &Value) -> bool {
    is_function(node) || node.is_array()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case::index_no_number("Fn::Select", json!(["foo", ["a"]]))]
    #[case::no_list("Fn::Select", json!([0, "foo"]))]
    #[case::out_of_range("Fn::Select", json!([3, ["a", "b"]]))]
    #[case::negative("Fn::Select", json!([-1, ["a", "b"]]))]
    #[case::three("Fn::Select", json!([0, ["a"], 1]))]
    #[case::one("Fn::GetAtt", json!(["Foo"]))]
    #[case::no_dot("Fn::GetAtt", json!("Foo"))]
    #[case::an_expression("Fn::GetAtt", json!([{"Ref": "P"}, "Arn"]))]
    #[case::empty("Fn::GetAtt", json!(["Foo", ""]))]
    #[case::one("Fn::Equals", json!(["a"]))]
    #[case::no_list("Fn::Split", json!({"Ref": "AWS::Region"}))]
    #[case::empty("Fn::Split", json!(["", "a"]))]
    #[case::one("Fn::Join", json!([","]))]
    #[case::a_text("Fn::Join", json!([",", "a"]))]
    #[case::two("Fn::If", json!(["C", 1]))]
    #[case::two("Fn::FindInMap", json!(["M", "a"]))]
    #[case::no_map("Fn::Sub", json!(["a", "b"]))]
    #[case::a_number("Ref", json!(1))]
    fn what_a_function_does_not_take_is_refused(#[case] name: &str, #[case] argument: Value) {
        assert_eq!(check(name, &argument), Err(malformed(name)));
    }

    #[rstest]
    #[case("Fn::Select", json!([1, ["a", "b"]]))]
    #[case("Fn::Select", json!(["1", {"Fn::GetAZs": ""}]))]
    #[case("Fn::Select", json!([{"Ref": "P"}, ["a"]]))]
    #[case("Fn::GetAtt", json!("Foo.Bar.Baz"))]
    #[case("Fn::GetAtt", json!(["Foo", {"Ref": "P"}]))]
    #[case("Fn::Equals", json!(["a", {"Ref": "P"}]))]
    #[case("Fn::Split", json!([",", {"Ref": "P"}]))]
    #[case("Fn::Join", json!(["", {"Ref": "P"}]))]
    #[case("Fn::If", json!(["C", 1, {"Ref": "AWS::NoValue"}]))]
    #[case("Fn::FindInMap", json!(["M", {"Ref": "P"}, "b"]))]
    #[case("Fn::Sub", json!(["${a}", {"a": 1}]))]
    fn what_a_function_takes_is_taken(#[case] name: &str, #[case] argument: Value) {
        assert_eq!(check(name, &argument), Ok(()));
    }
}
