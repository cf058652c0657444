//! Templates: from text to typed sections, and from sections to values.

mod evaluate;
mod graph;
mod growth;
mod intrinsics;
mod parameters;
mod patterns;
mod policies;
pub(super) mod rules;
pub(super) mod sections;
mod shape;
mod summary;

use ringfence_wire::ServiceError;
use serde_json::{Map, Value};

use sections::{output, resource, section};

pub(super) use evaluate::{Lookup, Pseudo, Scope, conditions, function};
pub(super) use graph::{Graph, References, references};
pub(super) use growth::Growth;
pub(super) use intrinsics::is_function;
pub(super) use parameters::{Given, Named, Parameter, ParameterValue, SsmNeed, Thing, declare};
pub(super) use policies::Guided;
pub(super) use summary::{Capability, Summary};

use super::error::validation;

/// What is wrong with a template, in CloudFormation's words where it has some.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum TemplateError {
    /// The template itself.
    #[error("{0}")]
    Said(String),
    /// A resource is referred to and is not there: not in the template, or not
    /// under the conditions as they are.
    #[error(
        "Template format error: Unresolved resource dependencies [{0}] in the Resources block of the template"
    )]
    Resource(String),
    /// A resource and an attribute that its type does not have.
    #[error("Template error: resource {0} does not support attribute type {1} in Fn::GetAtt")]
    Attribute(String, String),
    /// Nobody exports under this name, until somebody does.
    #[error("No export named {0} found.")]
    Export(String),
}

impl TemplateError {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self::Said(message.into())
    }

    /// Whether it is told when the stack is made, not before.
    pub(super) const fn is_late(&self) -> bool {
        matches!(self, Self::Export(_))
    }

    /// Whether it does not hang on values that are not known yet.
    pub(super) const fn is_certain(&self) -> bool {
        matches!(self, Self::Resource(_) | Self::Attribute(..))
    }

    /// As a change set warns of it (LocalStack's recorded
    /// `test_describe_change_set_import_non_existent_export`).
    pub(super) fn warning(&self) -> String {
        match self {
            Self::Export(name) => format!("No export named {name}"),
            other => other.to_string(),
        }
    }

    /// The same where an output refers to a resource that is not there
    /// (LocalStack's recorded `test_output_reference_to_skipped_resource`).
    pub(super) fn in_outputs(self) -> Self {
        match self {
            Self::Resource(name) => Self::Said(format!(
                "Unresolved resource dependencies [{name}] in the Outputs block of the template"
            )),
            other => other,
        }
    }
}

/// Whether a resource type can be deployed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Support {
    /// It can.
    Built,
    /// On AWS it can.
    Unbuilt,
    /// Nowhere.
    Unknown,
}

/// What is known of resource types.
pub(super) struct Catalogue {
    pub(super) support: fn(&str) -> Support,
    /// Whether `Fn::GetAtt` gives an attribute.
    pub(super) has_attribute: fn(&str, &str) -> bool,
}

impl From<ringfence_text::cloudformation::TemplateError> for TemplateError {
    fn from(error: ringfence_text::cloudformation::TemplateError) -> Self {
        Self::new(error.to_string())
    }
}

impl From<TemplateError> for ServiceError {
    fn from(error: TemplateError) -> Self {
        validation(error.to_string())
    }
}

/// A template as its author wrote it, before the transform.
#[derive(Debug, Clone)]
pub(super) struct Document {
    /// The text, as `GetTemplate` gives it back.
    pub(super) text: String,
    /// The sections.
    pub(super) body: Map<String, Value>,
    /// The macros that the template names.
    pub(super) transforms: Vec<String>,
    /// The parameters that it declares.
    pub(super) parameters: Vec<Parameter>,
}

/// AWS's macros: all that this CloudFormation knows.
pub(super) const SERVERLESS: &str = "AWS::Serverless-2016-10-31";
pub(super) const INCLUDE: &str = "AWS::Include";
pub(super) const LANGUAGE_EXTENSIONS: &str = "AWS::LanguageExtensions";
/// All of them.
pub(super) const MACROS: [&str; 3] = [SERVERLESS, INCLUDE, LANGUAGE_EXTENSIONS];
/// What a template may call only with the language extensions.
const EXTENSIONS: [&str; 2] = ["Fn::Length", "Fn::ToJsonString"];
const LOOP: &str = "Fn::ForEach::";

/// A macro for one part of a template
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-transform.html>).
pub(super) const FN_TRANSFORM: &str = "Fn::Transform";

const SECTIONS: [&str; 11] = [
    "AWSTemplateFormatVersion",
    "Description",
    "Metadata",
    "Parameters",
    "Rules",
    "Mappings",
    "Conditions",
    "Transform",
    "Hooks",
    "Resources",
    "Outputs",
];

impl Document {
    /// Reads a template's text.
    pub(super) fn read(text: &str) -> Result<Self, TemplateError> {
        let value = ringfence_text::cloudformation::read(text)?.root.into_json();
        let Value::Object(body) = value else {
            return Err(TemplateError::new("Template format error: unsupported structure."));
        };
        // "currently the only valid value":
        // <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/format-version-structure.html>
        if let Some(version) = body.get("AWSTemplateFormatVersion")
            && version != "2010-09-09"
        {
            let version = evaluate::text_of(version);
            return Err(TemplateError::new(format!(
                "Template format error: {version} is not a supported value for AWSTemplateFormatVersion"
            )));
        }
        let mut transforms = transforms(body.get("Transform"))?;
        let unknown: Vec<_> = body
            .keys()
            .filter(|key| {
                let globals = *key == "Globals" && !transforms.is_empty();
                !globals && !SECTIONS.contains(&key.as_str())
            })
            .map(String::as_str)
            .collect();
        if !unknown.is_empty() {
            return Err(TemplateError::new(format!(
                "Invalid template property or properties [{}]",
                unknown.join(", ")
            )));
        }
        if body.contains_key("Hooks") {
            return Err(TemplateError::new(
                "Template format error: the section `Hooks` is not supported by Ringfence's CloudFormation",
            ));
        }
        section(&body, "Rules")?.map_or(Ok(()), rules::check)?;
        if section(&body, "Resources")?.is_none_or(Map::is_empty) {
            return Err(TemplateError::new(
                "Template format error: At least one Resources member must be defined.",
            ));
        }
        let mut inside = Inside::default();
        body.values().try_for_each(|section| inside.look(section))?;
        if let Some(call) = inside.extension.filter(|_| !named(&transforms, LANGUAGE_EXTENSIONS)) {
            return Err(TemplateError::new(format!(
                "Template error: {call} needs the transform {LANGUAGE_EXTENSIONS}, which the template does not name"
            )));
        }
        if inside.includes && !named(&transforms, INCLUDE) {
            transforms.push(INCLUDE.to_owned());
        }
        let parameters = parameters::declared(section(&body, "Parameters")?)?;
        Ok(Self { text: text.to_owned(), body, transforms, parameters })
    }

    /// The template's description.
    pub(super) fn description(&self) -> Option<&str> {
        self.body.get("Description")?.as_str()
    }
}

/// The names of a template's transforms, as text or as `{Name, Parameters}`.
fn transforms(section: Option<&Value>) -> Result<Vec<String>, TemplateError> {
    let definitions = match section {
        None | Some(Value::Null) => &[],
        Some(Value::Array(definitions)) => definitions.as_slice(),
        Some(one) => std::slice::from_ref(one),
    };
    let names = definitions.iter().map(name_of_transform).collect::<Result<Vec<_>, _>>()?;
    match names.iter().find(|name| !MACROS.contains(&name.as_str())) {
        Some(other) => Err(unknown_transform(other)),
        None => Ok(names),
    }
}

/// A transform's name is text alone (LocalStack's recorded
/// `test_error_pass_macro_as_reference`).
fn name_of_transform(definition: &Value) -> Result<String, TemplateError> {
    let name = match definition {
        Value::Object(members) => members.get("Name"),
        other => Some(other),
    };
    name.and_then(Value::as_str)
        .map(str::to_owned)
        .ok_or_else(|| TemplateError::new("Key Name of transform definition must be a string."))
}

fn unknown_transform(name: &str) -> TemplateError {
    TemplateError::new(format!(
        "Template format error: the transform `{name}` is not supported by Ringfence's CloudFormation"
    ))
}

fn named(transforms: &[String], name: &str) -> bool {
    transforms.iter().any(|transform| transform == name)
}

/// Whether a macro's definition is an include.
pub(super) fn is_include(definition: &Value) -> bool {
    definition.get("Name").and_then(Value::as_str) == Some(INCLUDE)
}

/// What the parts of a template ask for.
#[derive(Debug, Default)]
struct Inside {
    includes: bool,
    /// A function of the language extensions.
    extension: Option<String>,
}

impl Inside {
    /// Looks at a node: the only macro of a part is the include.
    fn look(&mut self, node: &Value) -> Result<(), TemplateError> {
        match node {
            Value::Object(members) => {
                if let Some(definition) = members.get(FN_TRANSFORM) {
                    if !is_include(definition) {
                        return Err(unknown_transform(&name_of_transform(definition)?));
                    }
                    self.includes = true;
                }
                if let Some(name) = extension(members) {
                    self.extension.get_or_insert(name);
                }
                members.values().try_for_each(|member| self.look(member))
            }
            Value::Array(items) => items.iter().try_for_each(|item| self.look(item)),
            _ => Ok(()),
        }
    }
}

/// The function of the language extensions that an object calls.
fn extension(members: &Map<String, Value>) -> Option<String> {
    if let Some(name) = members.keys().find(|name| name.starts_with(LOOP)) {
        return Some(name.clone());
    }
    let (name, argument) = function(members)?;
    let has_default = || argument.as_array().is_some_and(|keys| keys.len() == 4);
    let extends = EXTENSIONS.contains(&name) || name == "Fn::FindInMap" && has_default();
    extends.then(|| name.to_owned())
}

/// A template ready to be deployed: expanded and checked.
#[derive(Debug, Clone)]
pub(super) struct Template {
    /// All sections, after the transform.
    pub(super) body: Map<String, Value>,
    /// Its parameters (a transform may add some).
    pub(super) parameters: Vec<Parameter>,
    pub(super) mappings: Map<String, Value>,
    pub(super) conditions: Map<String, Value>,
    /// In the author's order.
    pub(super) resources: Vec<Resource>,
    pub(super) outputs: Vec<Output>,
}

/// A resource as the template declares it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Resource {
    pub(super) logical_id: String,
    /// `AWS::IAM::Role`, ….
    pub(super) kind: String,
    pub(super) properties: Map<String, Value>,
    pub(super) depends_on: Vec<String>,
    pub(super) condition: Option<String>,
    pub(super) deletion_policy: Policy,
    pub(super) update_replace_policy: Policy,
    /// What an update of the resource would have to do besides.
    pub(super) update_policy: Vec<Guided>,
    /// Whether its creation waits for signals.
    pub(super) waits: bool,
    pub(super) metadata: Option<Value>,
}

/// What becomes of a resource that leaves its stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Removal {
    Delete,
    Retain,
    RetainExceptOnCreate,
    /// Deleted, after a last snapshot of it.
    Snapshot,
}

/// `DeletionPolicy` or `UpdateReplacePolicy` as a template declares it: a word,
/// or a function that gives one (LocalStack's recorded `test_deletion_policy_*`,
/// `test_update_replace_policy_*`).
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Policy {
    Word(Removal),
    Expression { attribute: &'static str, node: Value },
}

impl Policy {
    /// What becomes of the resource.
    pub(super) fn removal(&self, scope: &Scope<'_>) -> Result<Removal, TemplateError> {
        match self {
            Self::Word(removal) => Ok(*removal),
            Self::Expression { attribute, node } => {
                let word = scope.evaluate(node)?;
                sections::removal(word.as_ref(), attribute)
            }
        }
    }
}

/// An output as the template declares it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Output {
    pub(super) key: String,
    pub(super) description: Option<String>,
    pub(super) value: Value,
    pub(super) export: Option<Value>,
    pub(super) condition: Option<String>,
}

impl Template {
    /// Checks the sections of an expanded template.
    pub(super) fn new(body: Map<String, Value>, types: &Catalogue) -> Result<Self, TemplateError> {
        let parameters = parameters::declared(section(&body, "Parameters")?)?;
        let mappings = section(&body, "Mappings")?.cloned().unwrap_or_default();
        sections::mappings(&mappings)?;
        let conditions = section(&body, "Conditions")?.cloned().unwrap_or_default();
        let resources: Vec<Resource> = section(&body, "Resources")?
            .into_iter()
            .flatten()
            .map(|(id, value)| resource(id, value))
            .collect::<Result<_, _>>()?;
        let outputs = section(&body, "Outputs")?
            .into_iter()
            .flatten()
            .map(|(key, value)| output(key, value))
            .collect::<Result<_, _>>()?;
        sections::types(&resources, types)?;
        let template = Self { body, parameters, mappings, conditions, resources, outputs };
        graph::check(&template, types)?;
        Ok(template)
    }

    /// The resource of this logical id.
    pub(super) fn resource(&self, logical_id: &str) -> Option<&Resource> {
        self.resources.iter().find(|resource| resource.logical_id == logical_id)
    }

    /// The template's description.
    pub(super) fn description(&self) -> Option<&str> {
        self.body.get("Description")?.as_str()
    }
}
