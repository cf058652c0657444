//! The short forms of the intrinsic functions, `!Name`.

use saphyr_parser::Tag;

use super::{Fault, Member, Node, Value};

/// The functions that have a short form, with their long form.
const SHORT_FORMS: [(&str, &str); 21] = [
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
];

/// A node in the long form of its tag.
pub(super) fn long_form(node: Node, tag: Option<&Tag>) -> Result<Node, Fault> {
    let Some(tag) = tag else { return Ok(node) };
    if tag.is_yaml_core_schema() {
        return match (tag.suffix.as_str(), &node.value) {
            ("map", Value::Map(_)) | ("seq", Value::List(_)) | ("str", Value::Text(_)) => Ok(node),
            (other, _) => Err(Fault::Tag(format!("!{other}"))),
        };
    }
    let form = SHORT_FORMS.iter().find(|(short, _)| tag.handle == "!" && *short == tag.suffix);
    let Some((_, long)) = form else { return Err(Fault::Tag(tag.suffix.clone())) };
    let at = node.at;
    let value = match (*long, node.value) {
        ("Fn::GetAtt", Value::Text(text)) => attribute(text, at),
        (_, value) => value,
    };
    let argument = Node { at, value };
    let member = Member { at, key: (*long).to_owned(), value: argument };
    Ok(Node { at, value: Value::Map(vec![member]) })
}

/// `!GetAtt Name.Attribute` is the list of the two.
fn attribute(text: String, at: super::Place) -> Value {
    let part = |text: &str| Node { at, value: Value::Text(text.to_owned()) };
    match text.split_once('.') {
        Some((resource, attribute)) => Value::List(vec![part(resource), part(attribute)]),
        None => Value::Text(text),
    }
}
