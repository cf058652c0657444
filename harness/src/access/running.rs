//! What runs as a role and is made by templates, but for functions of which both the name and
//! the role are known: of the rest not all is read, and so it is never taken for absent.

use std::collections::BTreeMap;

use super::estate::Estate;
use super::given::{Own, whose};
use super::templates::referred;
use crate::lint::known::{Member, Node, Value};

/// Something that runs as a role.
#[derive(Debug)]
pub(crate) struct Running {
    /// `Resources.F`.
    pub(crate) name: String,
    /// What Terraform calls its type.
    pub(crate) kind: &'static str,
    /// The name or the ARN of its role, where that is known.
    pub(crate) role: Option<String>,
    /// The name or the ARN of the instance profile that names its role, where that one is not
    /// of its template.
    pub(crate) profile: Option<String>,
    /// The name that it has where it runs, of a function alone.
    pub(crate) called: Option<String>,
}

/// Types of templates that run as a role, what Terraform calls them, and the property that
/// names the role.
const RUNNING: [(&str, &str, &str); 13] = [
    ("AWS::AppRunner::Service", "aws_apprunner_service", "InstanceConfiguration.InstanceRoleArn"),
    ("AWS::Batch::JobDefinition", "aws_batch_job_definition", "ContainerProperties.JobRoleArn"),
    ("AWS::BedrockAgentCore::BrowserCustom", "aws_bedrockagentcore_browser", "ExecutionRoleArn"),
    (
        "AWS::BedrockAgentCore::CodeInterpreterCustom",
        "aws_bedrockagentcore_code_interpreter",
        "ExecutionRoleArn",
    ),
    ("AWS::BedrockAgentCore::Runtime", "aws_bedrockagentcore_agent_runtime", "RoleArn"),
    ("AWS::CodeBuild::Project", "aws_codebuild_project", "ServiceRole"),
    ("AWS::EC2::Instance", "aws_instance", "IamInstanceProfile"),
    ("AWS::EC2::LaunchTemplate", "aws_launch_template", "LaunchTemplateData.IamInstanceProfile"),
    ("AWS::ECS::Service", "aws_ecs_service", "TaskDefinition"),
    ("AWS::Glue::DevEndpoint", "aws_glue_dev_endpoint", "RoleArn"),
    ("AWS::Lambda::Function", "aws_lambda_function", "Role"),
    ("AWS::SageMaker::NotebookInstance", "aws_sagemaker_notebook_instance", "RoleArn"),
    ("AWS::Serverless::Function", "aws_lambda_function", "Role"),
];

/// Types that run as a role only where one is named.
const WITHOUT: [&str; 7] = [
    "aws_apprunner_service",
    "aws_batch_job_definition",
    "aws_bedrockagentcore_browser",
    "aws_bedrockagentcore_code_interpreter",
    "aws_instance",
    "aws_launch_template",
    "aws_ecs_service",
];

/// An instance profile of a template.
#[derive(Debug)]
pub(crate) struct Profile {
    /// Its name, where that is known.
    name: Option<String>,
    /// The name of its role, where there is one that is known.
    role: Option<String>,
}

impl Profile {
    /// The name of its role, where there is one that is known.
    pub(crate) fn role(&self) -> Option<&str> {
        self.role.as_deref()
    }

    /// Whether it has a name.
    pub(crate) fn is_named(&self, name: &str) -> bool {
        self.name.as_deref() == Some(name)
    }
}

/// What [`whose`] calls a name that is not known.
const ANY: &str = "*";

const PROFILE: &str = "AWS::IAM::InstanceProfile";

/// The name of the role of each instance profile of a template, by its logical id.
pub(super) type Profiles = BTreeMap<String, String>;

/// Notes an instance profile, which "can contain only one role"
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-iam-instanceprofile.html>).
pub(super) fn add_profile(
    resource: &Member,
    kind: &str,
    properties: &Node,
    (own, profiles): (&Own, &mut Profiles),
    estate: &mut Estate,
) {
    if kind != PROFILE {
        return;
    }
    let roles = properties.get("Roles");
    let written = resource.value.path(&["Properties", "Roles"]);
    let named = whose(written, roles, "role", own);
    let role = named.first().and_then(|role| role.strip_prefix("role/"));
    let role = role.filter(|role| *role != ANY).map(str::to_owned);
    if let Some(role) = &role {
        profiles.insert(resource.key.clone(), role.clone());
    }
    let name = properties.get("InstanceProfileName").and_then(Node::text).map(str::to_owned);
    estate.profiles.push(Profile { name, role });
}

/// The name or the ARN of an instance profile, where that is known, else its logical id.
fn profile(written: Option<&Node>, resolved: &Node) -> Option<Result<String, String>> {
    // A launch template has it as a member.
    let member = |node: &Node| {
        let of = |name| node.get(name).filter(|node| node.is_something()).cloned();
        of("Name").or_else(|| of("Arn"))
    };
    let named = member(resolved).unwrap_or_else(|| resolved.clone());
    if let Some(text) = named.text() {
        return Some(Ok(text.to_owned()));
    }
    let written = member(written?).or_else(|| written.cloned())?;
    let by_attribute = || {
        let attribute = written.get("Fn::GetAtt")?;
        let text = attribute.items().first().unwrap_or(attribute).text()?;
        text.split('.').next().map(str::to_owned)
    };
    let by_ref = written.get("Ref").and_then(Node::text).map(str::to_owned);
    by_ref.or_else(by_attribute).map(Err)
}

/// Notes what a resource of a template is that runs as a role.
pub(super) fn add(
    resource: &Member,
    kind: &str,
    properties: &Node,
    (own, profiles): (&Own, &Profiles),
    estate: &mut Estate,
) {
    let Some((_, kind, path)) = RUNNING.iter().find(|(of, ..)| *of == kind) else { return };
    let find = |node: &Node| -> Option<Node> {
        path.split('.').try_fold(node.clone(), |node, name| match Node::is_unknown(&node) {
            true => Some(node),
            false => node.get(name).cloned(),
        })
    };
    // Nothing of a service's tasks can be entered where commands are not enabled.
    let enabled = properties.get("EnableExecuteCommand").filter(|node| node.is_something());
    let is_closed = enabled.is_none_or(|node| node.value == Value::Bool(false));
    if *kind == "aws_ecs_service" && !Node::is_unknown(properties) && is_closed {
        return;
    }
    let role = find(properties).filter(Node::is_something);
    let written = resource.value.get("Properties").and_then(find);
    let is_function = *kind == "aws_lambda_function";
    let of_sam = || is_function.then(|| own.get(&format!("{}Role", resource.key))).flatten();
    let named = match &role {
        Some(node) => {
            let by_ref = || {
                let name = own.get(written.as_ref()?.get("Ref")?.text()?)?;
                name.strip_prefix("role/").map(str::to_owned)
            };
            let of = || referred(written.as_ref()?, own).or_else(by_ref);
            node.text().map(str::to_owned).or_else(of)
        }
        None if WITHOUT.contains(kind) => return,
        None => of_sam().and_then(|name| name.strip_prefix("role/")).map(str::to_owned),
    };
    // The role of an instance its profile names, and that of a task its definition.
    let is_instance = matches!(*kind, "aws_instance" | "aws_launch_template");
    let of = role.as_ref().filter(|_| is_instance);
    let (named, profile) = match of.and_then(|role| profile(written.as_ref(), role)) {
        Some(Ok(name)) => (None, Some(name)),
        Some(Err(id)) => (profiles.get(&id).cloned(), None),
        None => (named.filter(|_| !is_instance && *kind != "aws_ecs_service"), None),
    };
    let called = properties.get("FunctionName").filter(|_| is_function).and_then(Node::text);
    // That one is known.
    if called.is_some() && named.is_some() {
        return;
    }
    estate.running.push(Running {
        name: format!("Resources.{}", resource.key),
        kind,
        role: named,
        profile,
        called: called.map(str::to_owned),
    });
}
