//! `UpdatePolicy` and `CreationPolicy` of resources: what an update or a creation
//! does besides its calls
//! (<https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-updatepolicy.html>,
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-creationpolicy.html>).
//!
//! An update policy says nothing of the creation, so resources that have one are
//! made. An update that it speaks of is refused by its name: no deployment of
//! CodeDeploy, no rolling replacement of instances is made here.

use serde_json::{Map, Value};

use super::TemplateError;

/// A member of an update policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cloudformation) struct Guided {
    /// `CodeDeployLambdaAliasUpdate`.
    pub(in crate::cloudformation) name: &'static str,
    /// The properties whose change it speaks of; of all where there are none.
    properties: &'static [&'static str],
}

impl Guided {
    /// Whether it speaks of a property's change.
    pub(in crate::cloudformation) fn is_about(&self, property: &str) -> bool {
        self.properties.is_empty() || self.properties.contains(&property)
    }
}

const GUIDED: [Guided; 6] = [
    Guided { name: "AutoScalingReplacingUpdate", properties: &[] },
    Guided { name: "AutoScalingRollingUpdate", properties: &[] },
    // "group size differences that are caused by scheduled actions".
    Guided {
        name: "AutoScalingScheduledAction",
        properties: &["DesiredCapacity", "MaxSize", "MinSize"],
    },
    // "when the stack update changes the alias's FunctionVersion".
    Guided {
        name: "CodeDeployLambdaAliasUpdate",
        properties: &["FunctionVersion", "RoutingConfig"],
    },
    Guided { name: "EnableVersionUpgrade", properties: &[] },
    Guided { name: "UseOnlineResharding", properties: &[] },
];

/// The members of an update policy that are not switched off.
pub(super) fn update(
    logical_id: &str,
    policy: Option<&Value>,
) -> Result<Vec<Guided>, TemplateError> {
    let members = object(logical_id, "UpdatePolicy", policy)?.into_iter().flatten();
    let on = members.filter(|(_, value)| !is_false(value));
    on.map(|(name, _)| {
        GUIDED.iter().find(|it| it.name == name).copied().ok_or_else(|| {
            unsupported(&format!("`UpdatePolicy.{name}` of the resource {logical_id}"))
        })
    })
    .collect()
}

/// Whether a creation waits for signals that instances send. Nothing runs on
/// instances here: none is waited for, and whoever looks at the template is told.
pub(super) fn waits(logical_id: &str, policy: Option<&Value>) -> Result<bool, TemplateError> {
    let Some(members) = object(logical_id, "CreationPolicy", policy)? else { return Ok(false) };
    let known =
        |name: &&String| ["AutoScalingCreationPolicy", "ResourceSignal"].contains(&name.as_str());
    match members.keys().find(|name| !known(name)) {
        Some(other) => {
            Err(unsupported(&format!("`CreationPolicy.{other}` of the resource {logical_id}")))
        }
        None => Ok(!members.is_empty()),
    }
}

fn unsupported(what: &str) -> TemplateError {
    TemplateError::new(format!(
        "Template format error: {what} is not supported by Ringfence's CloudFormation"
    ))
}

fn object<'t>(
    logical_id: &str,
    attribute: &str,
    policy: Option<&'t Value>,
) -> Result<Option<&'t Map<String, Value>>, TemplateError> {
    match policy {
        None => Ok(None),
        Some(Value::Object(members)) => Ok(Some(members)),
        Some(_) => Err(TemplateError::new(format!(
            "Template format error: {attribute} of the resource {logical_id} must be an object."
        ))),
    }
}

fn is_false(value: &Value) -> bool {
    match value {
        Value::Bool(on) => !on,
        Value::String(text) => text.eq_ignore_ascii_case("false"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_policy_speaks_of_the_properties_that_it_guides() {
        let policy = json!({
            "CodeDeployLambdaAliasUpdate": {"ApplicationName": "a", "DeploymentGroupName": "g"},
            "EnableVersionUpgrade": "false",
        });
        let guided = update("Alias", Some(&policy)).unwrap();
        let [alias] = guided.as_slice() else { panic!("{guided:?}") };
        assert_eq!(alias.name, "CodeDeployLambdaAliasUpdate");
        assert!(alias.is_about("FunctionVersion"));
        assert!(!alias.is_about("Description"));
        assert_eq!(update("Alias", None), Ok(Vec::new()));
    }

    #[test]
    fn members_that_are_not_known_are_refused_by_name() {
        let nope = json!({"Nope": {}});
        assert_eq!(
            update("A", Some(&nope)).unwrap_err().to_string(),
            "Template format error: `UpdatePolicy.Nope` of the resource A is not supported by Ringfence's CloudFormation"
        );
        assert_eq!(
            waits("A", Some(&json!({"StartFleet": true}))).unwrap_err().to_string(),
            "Template format error: `CreationPolicy.StartFleet` of the resource A is not supported by Ringfence's CloudFormation"
        );
        assert_eq!(
            waits("A", Some(&json!("a"))).unwrap_err().to_string(),
            "Template format error: CreationPolicy of the resource A must be an object."
        );
        assert_eq!(waits("A", Some(&json!({"ResourceSignal": {"Count": 1}}))), Ok(true));
        assert_eq!(waits("A", None), Ok(false));
    }
}
