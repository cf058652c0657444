//! What AWS publishes of resource types: that they exist, what identifies them,
//! their properties and attributes. What is published and not built here is
//! refused as such, never in AWS's words for what does not exist.
//!
//! `scripts/cloudformation-types.py` writes the data.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

const DATA: &str = include_str!("../../../data/cloudformation-types.json");

#[derive(Debug, Default, Deserialize)]
struct Published {
    /// The primary identifier of each type.
    types: BTreeMap<String, Vec<String>>,
    /// Of the types that are built here.
    details: BTreeMap<String, Details>,
}

#[derive(Debug, Deserialize)]
struct Details {
    attributes: Vec<String>,
    properties: BTreeMap<String, Members>,
}

/// The members of a value; none where they are free or there are none.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
struct Members(Option<BTreeMap<String, Members>>);

static PUBLISHED: LazyLock<Published> = LazyLock::new(|| {
    // The tests read the same file.
    serde_json::from_str(DATA).unwrap_or_default()
});

/// Whether AWS has a type; custom resources are types too.
pub(in crate::cloudformation) fn exists(kind: &str) -> bool {
    kind.starts_with("Custom::") || PUBLISHED.types.contains_key(kind)
}

/// The properties that identify a resource of a type among all; none where they
/// are not published.
pub(in crate::cloudformation) fn identifiers(kind: &str) -> &'static [String] {
    PUBLISHED.types.get(kind).map(Vec::as_slice).unwrap_or_default()
}

/// Whether AWS has a property, or a member of one: `["Code", "S3Bucket"]`. The
/// items of lists have no names of their own.
pub(super) fn has_property(kind: &str, path: &[&str]) -> bool {
    let Some(details) = PUBLISHED.details.get(kind) else { return false };
    let Some((first, rest)) = path.split_first() else { return false };
    let Some(mut members) = details.properties.get(*first) else { return false };
    for name in rest {
        match &members.0 {
            // Free, or given to the linter as a value of any kind.
            None => return false,
            Some(known) => match known.get(*name) {
                Some(inner) => members = inner,
                None => return false,
            },
        }
    }
    true
}

/// Whether `Fn::GetAtt` gives an attribute: the type's own, and each of its
/// properties (LocalStack's recorded `TestChangeSetFnGetAttr`).
pub(in crate::cloudformation) fn has_attribute(kind: &str, attribute: &str) -> bool {
    PUBLISHED.details.get(kind).is_some_and(|details| {
        details.attributes.iter().any(|known| known == attribute)
            || details.properties.contains_key(attribute)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_is_read_and_has_what_is_built() {
        let published: Published = serde_json::from_str(DATA).unwrap();
        assert!(published.types.len() > 1_500);
        for kind in published.details.keys() {
            assert!(super::super::find(kind).is_some(), "{kind}");
        }
        let source = include_str!("mod.rs");
        let built = source.matches("\" => &").count();
        assert_eq!(published.details.len(), built, "run scripts/cloudformation-types.py");
        for (kind, details) in &published.details {
            let handler = super::super::find(kind).unwrap();
            let given = super::super::GIVEN.iter().any(|(of, _)| of == kind);
            assert_eq!(given, !details.attributes.is_empty(), "{kind}");
            for property in handler.properties() {
                assert!(details.properties.contains_key(property.name), "{kind} {}", property.name);
            }
        }
    }

    #[test]
    fn types_properties_and_attributes_are_known() {
        assert!(exists("AWS::CloudFormation::Stack"));
        assert!(exists("Custom::Thing"));
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
