//! What AWS publishes of resource types: that they exist, what identifies them,
//! their properties and attributes. What is published and not built here is
//! refused as such, never in AWS's words for what does not exist.

use ringfence_models::types::{self, Shape, Type};

use super::cloudformation_stack::OUTPUTS;
use super::custom::is_custom;

/// Whether AWS has a type.
pub(in crate::cloudformation) fn exists(kind: &str) -> bool {
    types::find(kind).is_some()
}

/// The properties that identify a resource of a type among all; none where they
/// are not published.
pub(in crate::cloudformation) fn identifiers(kind: &str) -> &'static [&'static str] {
    types::find(kind).map(|of| of.identifier.as_slice()).unwrap_or_default()
}

/// Whether AWS has a property, or a member of one: `["Code", "S3Bucket"]`. The
/// items of lists have no names of their own.
pub(super) fn has_property(kind: &str, path: &[&str]) -> bool {
    let Some(of) = types::find(kind) else { return false };
    let Some((first, rest)) = path.split_first() else { return false };
    of.takes(first) && of.properties.get(first).is_some_and(|shape| has(of, shape, rest))
}

fn has(of: &Type, shape: &Shape, path: &[&str]) -> bool {
    let Some((first, rest)) = path.split_first() else { return true };
    match of.resolve(shape) {
        Shape::List(item) => has(of, item, path),
        Shape::Object { members, .. } => {
            members.get(first).is_some_and(|shape| has(of, shape, rest))
        }
        // Free JSON may have any member, and a scalar none.
        _ => false,
    }
}

/// Whether an attribute is an output of a stack in a stack; which of them it has
/// is known once it is made.
pub(super) fn is_output(kind: &str, attribute: &str) -> bool {
    kind == "AWS::CloudFormation::Stack" && attribute.starts_with(OUTPUTS)
}

/// Whether `Fn::GetAtt` gives an attribute: the type's own, and each of its
/// properties (LocalStack's recorded `TestChangeSetFnGetAttr`); of a custom
/// resource whatever its function gives.
pub(in crate::cloudformation) fn has_attribute(kind: &str, attribute: &str) -> bool {
    is_output(kind, attribute)
        || is_custom(kind)
        || types::find(kind).is_some_and(|of| {
            of.read_only.contains(&attribute) || of.properties.contains_key(attribute)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_in_rust_is_published() {
        for (kind, attributes) in super::super::GIVEN {
            assert!(super::super::written(kind), "{kind}");
            for attribute in attributes {
                assert!(has_attribute(kind, attribute), "{kind} {attribute}");
            }
            let handler = super::super::find(kind).unwrap();
            for property in handler.properties() {
                assert!(has_property(kind, &[property.name]), "{kind} {}", property.name);
            }
        }
    }

    #[test]
    fn types_properties_and_attributes_are_known() {
        assert!(exists("AWS::CloudFormation::Stack"));
        assert!(!exists("AWS::Nope::Thing"));
        assert!(has_property("AWS::Lambda::Function", &["Code", "ImageUri"]));
        assert!(has_property("AWS::S3::Bucket", &["LifecycleConfiguration", "Rules", "Id"]));
        assert!(!has_property("AWS::Lambda::Function", &["Code", "Nope"]));
        assert!(!has_property("AWS::Lambda::Function", &["Nope"]));
        assert!(has_attribute("AWS::IAM::Role", "Arn"));
        assert!(has_attribute("AWS::SSM::Parameter", "Value"));
        assert!(!has_attribute("AWS::IAM::Role", "Nope"));
        assert_eq!(identifiers("AWS::SSM::Parameter"), ["Name"]);
    }
}
