//! What runs as a role and is made by templates, but for functions of which both the name and
//! the role are known: of the rest not all is read, and so it is never taken for absent.

use super::estate::Estate;
use super::given::Own;
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

/// Notes what a resource of a template is that runs as a role.
pub(super) fn add(
    resource: &Member,
    kind: &str,
    properties: &Node,
    own: &Own,
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
    let is_by_another = ["aws_instance", "aws_launch_template", "aws_ecs_service"].contains(kind);
    let named = named.filter(|_| !is_by_another);
    let called = properties.get("FunctionName").filter(|_| is_function).and_then(Node::text);
    // That one is known.
    if called.is_some() && named.is_some() {
        return;
    }
    estate.running.push(Running {
        name: format!("Resources.{}", resource.key),
        kind,
        role: named,
        called: called.map(str::to_owned),
    });
}
