//! Changes as `DescribeChangeSet` says them
//! (<https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceChange.html>).
//!
//! With `IncludePropertyValues` AWS lists what differs, with the values, and
//! leaves out what only may differ; without, it lists both (LocalStack's
//! recorded `TestChangeSetFnGetAttr::test_direct_attribute_value_change`).

use serde_json::{Map, Value, json};

use super::cause::{Cause, ChangeSource};
use super::{Action, Certainty, Change, Changes, Modify, PropertyChange, Replacement};
use crate::cloudformation::template::Removal;

impl Changes {
    /// `Changes` of the reply.
    pub(in crate::cloudformation) fn shown(&self, with_values: bool) -> Vec<Value> {
        self.resources
            .iter()
            .filter_map(|change| change.shown(with_values))
            .map(|change| json!({"Type": "Resource", "ResourceChange": change}))
            .collect()
    }

    /// Why the values are not complete.
    pub(in crate::cloudformation) fn warning(&self) -> Option<String> {
        let first = self.warnings.first()?;
        Some(format!(
            "[WARN] --include-property-values option can return incomplete ChangeSet data because: {first}"
        ))
    }
}

impl Change {
    fn shown(&self, with_values: bool) -> Option<Value> {
        let mut shown = Map::new();
        let mut put = |name: &str, value: Value| drop(shown.insert(name.to_owned(), value));
        put("LogicalResourceId", self.logical_id.clone().into());
        put("ResourceType", self.kind.clone().into());
        put("Scope", json!([]));
        put("Details", json!([]));
        match &self.action {
            Action::Add { after } => {
                put("Action", "Add".into());
                if with_values {
                    put("AfterContext", context(after));
                }
            }
            Action::Remove { physical_id, before, policy } => {
                put("Action", "Remove".into());
                put("PolicyAction", policy_action("", *policy).into());
                if let Some(physical_id) = physical_id {
                    put("PhysicalResourceId", physical_id.clone().into());
                }
                if with_values {
                    put("BeforeContext", context(before));
                }
            }
            Action::Modify(modify) => {
                if with_values && !modify.is_certain() {
                    return None;
                }
                put("Action", "Modify".into());
                modify.members(with_values).into_iter().for_each(|(name, value)| put(name, value));
            }
        }
        Some(Value::Object(shown))
    }
}

/// `Delete`, `ReplaceAndRetain`, ….
fn policy_action(prefix: &str, policy: Removal) -> String {
    let word = match policy {
        Removal::Delete | Removal::RetainExceptOnCreate => "Delete",
        Removal::Retain => "Retain",
        Removal::Snapshot => "Snapshot",
    };
    format!("{prefix}{word}")
}

/// `BeforeContext` and `AfterContext`: JSON in a string.
fn context(properties: &Map<String, Value>) -> Value {
    json!({ "Properties": properties }).to_string().into()
}

impl Modify {
    fn is_certain(&self) -> bool {
        self.tags
            || !self.metadata.is_empty()
            || self.properties.iter().any(|change| change.is_certain)
    }

    fn members(&self, with_values: bool) -> Vec<(&'static str, Value)> {
        let properties: Vec<&PropertyChange> =
            self.properties.iter().filter(|c| !with_values || c.is_certain).collect();
        let scope = [
            ("Metadata", !self.metadata.is_empty()),
            ("Properties", !properties.is_empty()),
            ("Tags", self.tags),
        ];
        let scope: Vec<&str> =
            scope.into_iter().filter(|(_, there)| *there).map(|(name, _)| name).collect();
        let mut members =
            vec![("Scope", json!(scope)), ("Details", self.details(&properties, with_values))];
        if let Some(physical_id) = &self.physical_id {
            members.push(("PhysicalResourceId", physical_id.clone().into()));
        }
        let replacement = match self.replacement() {
            Replacement::Yes => {
                let action = policy_action("ReplaceAnd", self.policy);
                members.push(("PolicyAction", action.into()));
                "True"
            }
            Replacement::Conditional if !with_values => "Conditional",
            _ => "False",
        };
        members.push(("Replacement", replacement.into()));
        if with_values {
            members.push(("BeforeContext", context(&self.before)));
            members.push(("AfterContext", context(&self.after)));
        }
        members
    }

    /// `Details`: what names a causing entity comes first.
    fn details(&self, properties: &[&PropertyChange], with_values: bool) -> Value {
        let mut details = Vec::new();
        for cause in shown_causes(&self.metadata, true) {
            let mut target = json!({"Attribute": "Metadata", "RequiresRecreation": "Never"});
            if let (true, Value::Object(members)) = (with_values, &mut target) {
                members.insert("Path".to_owned(), "/".into());
            }
            details.push((cause, target));
        }
        for change in properties {
            for cause in shown_causes(&change.causes, with_values) {
                details.push((cause, change.target(with_values)));
            }
        }
        if self.tags {
            let cause = Cause { source: ChangeSource::Direct, certainty: Certainty::Static };
            details.push((cause, json!({"Attribute": "Tags", "RequiresRecreation": "Never"})));
        }
        details.sort_by_key(|(cause, _)| cause.source == ChangeSource::Direct);
        details.into_iter().map(|(cause, target)| cause.shown(target)).collect()
    }
}

/// The causes that are told. A direct change beside a resource that is
/// replaced is told with the values alone, and with them no possible one
/// (LocalStack's recorded
/// `test_immutable_property_update_causes_resource_replacement`).
fn shown_causes(causes: &[Cause], with_values: bool) -> Vec<Cause> {
    let is = |cause: &Cause, certainty| cause.certainty == certainty;
    let by_parameter = causes.iter().any(|c| matches!(c.source, ChangeSource::Parameter(_)));
    causes
        .iter()
        .filter(|cause| match &cause.source {
            ChangeSource::Direct => with_values || by_parameter || is(cause, Certainty::Static),
            ChangeSource::Parameter(_) => true,
            ChangeSource::Reference(_) | ChangeSource::Attribute(_) => {
                !with_values || is(cause, Certainty::Static)
            }
        })
        .cloned()
        .collect()
}

impl PropertyChange {
    fn target(&self, with_values: bool) -> Value {
        let name = self.property.name;
        let mut target = json!({
            "Attribute": "Properties",
            "Name": name,
            "RequiresRecreation": if self.replaces() { "Always" } else { "Never" },
        });
        if let (true, Value::Object(members)) = (with_values, &mut target) {
            let change = match (&self.before, &self.after) {
                (None, _) => "Add",
                (_, None) => "Remove",
                _ => "Modify",
            };
            members.insert("Path".to_owned(), format!("/Properties/{name}").into());
            members.insert("AttributeChangeType".to_owned(), change.into());
            for (member, value) in [("BeforeValue", &self.before), ("AfterValue", &self.after)] {
                if let Some(value) = value {
                    members.insert(member.to_owned(), text(value).into());
                }
            }
        }
        target
    }
}

/// A value in a string: JSON unless it is one.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

impl Cause {
    fn shown(&self, target: Value) -> Value {
        let (source, entity) = match &self.source {
            ChangeSource::Direct => ("DirectModification", None),
            ChangeSource::Parameter(name) => ("ParameterReference", Some(name)),
            ChangeSource::Reference(name) => ("ResourceReference", Some(name)),
            ChangeSource::Attribute(name) => ("ResourceAttribute", Some(name)),
        };
        let mut shown = json!({
            "Target": target,
            "Evaluation": match self.certainty {
                Certainty::Static => "Static",
                Certainty::Dynamic => "Dynamic",
            },
            "ChangeSource": source,
        });
        if let (Some(entity), Value::Object(members)) = (entity, &mut shown) {
            members.insert("CausingEntity".to_owned(), entity.clone().into());
        }
        shown
    }
}
