//! What a template asks of its caller: capabilities, parameters, types.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{Document, Parameter};

/// A capability that a caller must acknowledge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::cloudformation) enum Capability {
    Iam,
    NamedIam,
    AutoExpand,
}

impl Capability {
    pub(in crate::cloudformation) const fn name(self) -> &'static str {
        match self {
            Self::Iam => "CAPABILITY_IAM",
            Self::NamedIam => "CAPABILITY_NAMED_IAM",
            Self::AutoExpand => "CAPABILITY_AUTO_EXPAND",
        }
    }

    /// Whether the capabilities that a caller gave cover this one.
    pub(in crate::cloudformation) fn covered_by(self, given: &[String]) -> bool {
        given.iter().any(|given| {
            given == self.name() || (self == Self::Iam && given == Self::NamedIam.name())
        })
    }
}

/// The IAM types that need a capability, with the property that names them
/// (API reference of `CreateStack`, `Capabilities`; a policy's own name is not
/// a custom name of an entity).
const IAM_TYPES: [(&str, &str); 8] = [
    ("AWS::IAM::AccessKey", ""),
    ("AWS::IAM::Group", "GroupName"),
    ("AWS::IAM::InstanceProfile", "InstanceProfileName"),
    ("AWS::IAM::ManagedPolicy", "ManagedPolicyName"),
    ("AWS::IAM::Policy", ""),
    ("AWS::IAM::Role", "RoleName"),
    ("AWS::IAM::User", "UserName"),
    ("AWS::IAM::UserToGroupAddition", ""),
];

/// What a template asks of its caller.
pub(in crate::cloudformation) struct Summary {
    /// The capability for its IAM resources.
    pub(in crate::cloudformation) capability: Option<Capability>,
    /// The types that need it.
    pub(in crate::cloudformation) because: BTreeSet<String>,
    /// All types, with the logical ids of their resources.
    pub(in crate::cloudformation) types: BTreeMap<String, Vec<String>>,
}

impl Summary {
    /// Reads the section `Resources` of a template.
    pub(in crate::cloudformation) fn of(resources: Option<&Value>) -> Self {
        let mut summary =
            Self { capability: None, because: BTreeSet::new(), types: BTreeMap::new() };
        for resource in resources.and_then(Value::as_object).into_iter().flatten() {
            let Some(kind) = resource.1.get("Type").and_then(Value::as_str) else { continue };
            summary.types.entry(kind.to_owned()).or_default().push(resource.0.clone());
            let Some((_, name)) = IAM_TYPES.iter().find(|(iam, _)| *iam == kind) else { continue };
            let named = resource.1.get("Properties").is_some_and(|p| p.get(*name).is_some());
            let capability = if named { Capability::NamedIam } else { Capability::Iam };
            summary.because.insert(kind.to_owned());
            summary.capability = summary.capability.max(Some(capability));
        }
        summary
    }

    /// The reason that AWS gives.
    pub(in crate::cloudformation) fn reason(&self) -> Option<String> {
        let types: Vec<_> = self.because.iter().map(String::as_str).collect();
        (!types.is_empty()).then(|| {
            format!("The following resource(s) require capabilities: [{}]", types.join(", "))
        })
    }
}

impl Document {
    /// The members that `ValidateTemplate` and `GetTemplateSummary` share.
    pub(in crate::cloudformation) fn describe(&self) -> serde_json::Map<String, Value> {
        let summary = Summary::of(self.body.get("Resources"));
        let mut reply = serde_json::Map::new();
        if let Some(description) = self.description() {
            reply.insert("Description".to_owned(), description.into());
        }
        let mut capabilities: Vec<_> = summary.capability.iter().map(|c| c.name()).collect();
        if !self.transforms.is_empty() {
            capabilities.push(Capability::AutoExpand.name());
        }
        if !capabilities.is_empty() {
            reply.insert("Capabilities".to_owned(), json!(capabilities));
        }
        if let Some(reason) = summary.reason() {
            reply.insert("CapabilitiesReason".to_owned(), reason.into());
        }
        if !self.transforms.is_empty() {
            reply.insert("DeclaredTransforms".to_owned(), json!(self.transforms));
        }
        reply
    }
}

impl Parameter {
    /// As `ValidateTemplate` shows a parameter.
    pub(in crate::cloudformation) fn shown(&self) -> serde_json::Map<String, Value> {
        let mut shown = serde_json::Map::new();
        shown.insert("ParameterKey".to_owned(), self.key.clone().into());
        if let Some(default) = &self.default {
            shown.insert("DefaultValue".to_owned(), default.clone().into());
        }
        shown.insert("NoEcho".to_owned(), self.no_echo.into());
        if let Some(description) = &self.description {
            shown.insert("Description".to_owned(), description.clone().into());
        }
        shown
    }
}
