//! The short forms of the intrinsic functions, `!Name`.

use saphyr_parser::Tag;

use super::{Fault, Member, Node, Place, Tags, Value};

/// The functions that have a short form, with their long form.
const SHORT_FORMS: [(&str, &str); 27] = [
    ("Ref", "Ref"),
    ("Condition", "Condition"),
    ("GetAtt", "Fn::GetAtt"),
    ("Sub", "Fn::Sub"),
    ("Join", "Fn::Join"),
    ("Select", "Fn::Select"),
    ("Split", "Fn::Split"),
    ("If", "Fn::If"),
    ("And", "Fn::And"),
    ("Or", "Fn::Or"),
    ("Not", "Fn::Not"),
    ("Equals", "Fn::Equals"),
    ("FindInMap", "Fn::FindInMap"),
    ("Base64", "Fn::Base64"),
    ("ImportValue", "Fn::ImportValue"),
    ("Cidr", "Fn::Cidr"),
    ("GetAZs", "Fn::GetAZs"),
    ("Transform", "Fn::Transform"),
    ("Length", "Fn::Length"),
    ("ToJsonString", "Fn::ToJsonString"),
    ("ForEach", "Fn::ForEach"),
    // Of the section `Rules` alone:
    // https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-rules.html
    ("Contains", "Fn::Contains"),
    ("EachMemberEquals", "Fn::EachMemberEquals"),
    ("EachMemberIn", "Fn::EachMemberIn"),
    ("RefAll", "Fn::RefAll"),
    ("ValueOf", "Fn::ValueOf"),
    ("ValueOfAll", "Fn::ValueOfAll"),
];

/// Whether a tag says of a scalar no more than that it is text: none, `!!str`,
/// or `!` alone.
pub(super) fn is_text(tag: Option<&Tag>) -> bool {
    tag.is_none_or(|tag| is_alone(tag) || tag.is_yaml_core_schema() && tag.suffix == "str")
}

/// `!` alone: "not specific", which leaves a scalar text
/// (<https://yaml.org/spec/1.2.2/#691-node-tags>).
fn is_alone(tag: &Tag) -> bool {
    format!("{}{}", tag.handle, tag.suffix) == "!"
}

/// A node in the long form of its tag.
pub(super) fn long_form(node: Node, tag: Option<&Tag>, tags: Tags) -> Result<Node, Fault> {
    let Some(tag) = tag.filter(|tag| !is_alone(tag)) else { return Ok(node) };
    if tag.is_yaml_core_schema() {
        return match (tag.suffix.as_str(), &node.value) {
            ("map", Value::Object(_)) | ("seq", Value::Array(_)) => Ok(node),
            // Their scalars have their type already.
            ("str" | "int" | "float" | "bool" | "null", value) if is_scalar(value) => Ok(node),
            (other, _) => Err(Fault::Tag(format!("!{other}"))),
        };
    }
    let is_short =
        |short: &str| tags == Tags::CloudFormation && tag.handle == "!" && short == tag.suffix;
    let form = SHORT_FORMS.iter().find(|(short, _)| is_short(short));
    let Some((_, long)) = form else { return Err(Fault::Tag(tag.suffix.clone())) };
    let at = node.at;
    let value = match (*long, node.value) {
        ("Fn::GetAtt", Value::String(text)) => attribute(text, at),
        (_, value) => value,
    };
    let argument = Node { at, value };
    let member = Member { at, key: (*long).to_owned(), value: argument };
    Ok(Node { at, value: Value::Object(vec![member]) })
}

fn is_scalar(value: &Value) -> bool {
    !matches!(value, Value::Array(_) | Value::Object(_))
}

/// `!GetAtt Name.Attribute` is the list of the two.
fn attribute(text: String, at: Place) -> Value {
    let part = |text: &str| Node { at, value: Value::String(text.to_owned()) };
    match text.split_once('.') {
        Some((resource, attribute)) => Value::Array(vec![part(resource), part(attribute)]),
        None => Value::String(text),
    }
}
