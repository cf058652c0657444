//! Why a value changes.

use std::collections::BTreeSet;

use super::Fates;
use crate::cloudformation::template::References;

/// A cause, as `ResourceChangeDetail` has it
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceChangeDetail.html>).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cause {
    pub(super) source: ChangeSource,
    pub(super) certainty: Certainty,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ChangeSource {
    /// The template, or what a caller gave.
    Direct,
    Parameter(String),
    /// `Ref` of a resource.
    Reference(String),
    /// `RESOURCE.ATTRIBUTE`.
    Attribute(String),
}

/// `Evaluation`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Certainty {
    Static,
    Dynamic,
}

/// The causes of one value.
#[derive(Debug, Default)]
pub(super) struct Causes {
    /// Where the value differs.
    pub(super) certain: Vec<Cause>,
    /// Whether it differs or not.
    pub(super) possible: Vec<Cause>,
}

impl Causes {
    /// The causes of a value that is made from these names.
    ///
    /// - A parameter is a static cause, with a dynamic direct change beside it
    ///   (`test_base_dynamic_parameter_scenarios`, `test_fn_sub_addition_parameter_ref`).
    /// - What is replaced gives another `Ref` and other attributes: a static
    ///   cause (`test_immutable_property_update_causes_resource_replacement`).
    /// - What changes in place keeps its `Ref` and may change any attribute: a
    ///   dynamic cause (`test_direct_attribute_value_change`,
    ///   `test_unrelated_changes_update_propagation`), along the chain
    ///   (`test_direct_attribute_value_change_in_get_attr_chain`).
    pub(super) fn of(names: &References, parameters: &BTreeSet<String>, fates: &Fates) -> Self {
        let mut causes = Self::default();
        let made = |source, certainty| Cause { source, certainty };
        for name in &names.names {
            if parameters.contains(name) {
                let source = ChangeSource::Parameter(name.clone());
                causes.certain.push(made(source, Certainty::Static));
            }
            let reference = || ChangeSource::Reference(name.clone());
            if fates.replaced.contains(name) {
                causes.certain.push(made(reference(), Certainty::Static));
            } else if fates.conditional.contains(name) {
                causes.possible.push(made(reference(), Certainty::Dynamic));
            }
        }
        for (resource, attribute) in &names.attributes {
            let source = ChangeSource::Attribute(format!("{resource}.{attribute}"));
            if fates.replaced.contains(resource) {
                causes.certain.push(made(source, Certainty::Static));
            } else if fates.modified.contains(resource) {
                causes.possible.push(made(source, Certainty::Dynamic));
            }
        }
        let certainty = match causes.certain.is_empty() {
            true => Certainty::Static,
            false => Certainty::Dynamic,
        };
        causes.certain.push(made(ChangeSource::Direct, certainty));
        causes
    }
}
