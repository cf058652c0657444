//! What of a template says what is not read here: by its place, it may make or grant
//! anything.

use crate::lint::known::{Member, Node};

/// Types whose templates, or whose macros, make what is not in this one.
const OTHERS: [&str; 6] = [
    "AWS::CloudFormation::Stack",
    "AWS::CloudFormation::StackSet",
    "AWS::RAM::ResourceShare",
    "AWS::ServiceCatalog::CloudFormationProvisionedProduct",
    "AWS::Serverless::Application",
    "AWS::Serverless::Connector",
];

/// How the types of modules end, which stand for resources of their own
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/modules.html>).
const MODULE: &str = "::MODULE";

/// What custom resources are: what their functions do, these do as their own roles
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-custom-resources.html>).
const CUSTOM: &str = "Custom::";

/// What SAM makes of these is read
/// (<https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification-resources-and-properties.html>).
const OF_SAM: [&str; 14] = [
    "Api",
    "Application",
    "CapacityProvider",
    "Connector",
    "Function",
    "GraphQLApi",
    "HttpApi",
    "LayerVersion",
    "MicrovmImage",
    "NetworkConnector",
    "SimpleTable",
    "StateMachine",
    "WebFunction",
    "WebSocketApi",
];

/// Nested stacks, what they share, types that are not AWS's, and macros, which may change all
/// of it but for those that are known, each with its line
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-macros.html>).
pub(super) fn unread(root: &Node, resources: &[Member]) -> Vec<(usize, String)> {
    const KNOWN: [&str; 2] = ["AWS::Serverless-2016-10-31", "AWS::LanguageExtensions"];
    let mut all = Vec::new();
    let transform = root.get("Transform").filter(|node| node.is_something());
    if let Some(node) = transform {
        let own = [node.clone()];
        let named = if node.items().is_empty() { &own } else { node.items() };
        let others = named.iter().filter(|one| one.text().is_none_or(|it| !KNOWN.contains(&it)));
        all.extend(others.map(|one| {
            let name = one.text().or_else(|| one.get("Name")?.text()).unwrap_or_default();
            let what = format!("what the macro `{name}` makes of the template is not read");
            (one.at.line, what)
        }));
    }
    for member in root.members().iter().filter(|member| member.key.starts_with("Fn::")) {
        let what = format!("what `{}` makes of the template is not read", member.key);
        all.push((member.at.line, what));
    }
    for resource in resources {
        let kind = resource.value.get("Type").and_then(Node::text).unwrap_or_default();
        let key = &resource.key;
        let what = if key.starts_with("Fn::") {
            "what it makes is not read".to_owned()
        } else if let Some(function) = made_by(&resource.value) {
            format!("what `{function}` makes of it is not read")
        } else if is_unread(kind) {
            format!("what this `{kind}` makes or grants is not read")
        } else if resource.value.get("Connectors").is_some() {
            "what its `Connectors` grant is not read".to_owned()
        } else if kind.is_empty() {
            "it has no `Type`".to_owned()
        } else {
            continue;
        };
        all.push((resource.at.line, format!("Resources.{key}: {what}")));
    }
    all
}

/// Whether a type makes what is not read: one of a module, one that is registered and not
/// AWS's (<https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/registry.html>), and
/// one of SAM's that is not known here.
fn is_unread(kind: &str) -> bool {
    let is_new =
        kind.strip_prefix("AWS::Serverless::").is_some_and(|of_sam| !OF_SAM.contains(&of_sam));
    let is_registered =
        kind.contains("::") && !kind.starts_with("AWS::") && !kind.starts_with(CUSTOM);
    OTHERS.contains(&kind) || kind.ends_with(MODULE) || is_new || is_registered
}

/// The function that makes more members of a resource, or of its properties, than stand
/// there
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-transform.html>).
pub(super) fn made_by(resource: &Node) -> Option<&str> {
    let properties = resource.get("Properties").map(Node::members).unwrap_or_default();
    let mut all = resource.members().iter().chain(properties);
    all.find(|member| member.key.starts_with("Fn::")).map(|member| member.key.as_str())
}
