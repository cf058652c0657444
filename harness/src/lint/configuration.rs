//! What is wrong around policies: configuration that AWS or Terraform take,
//! and that does not do what it says.

use std::collections::BTreeSet;

use ringfence_text::Repeated;

use super::Finding;
use super::known::{Node, Place, Value};
use super::terraform::Resource;

/// A rule that is not the policy engine's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Its stable name.
    pub name: &'static str,
    /// What it finds, in a sentence.
    pub description: &'static str,
    /// The page that it rests on.
    pub source: &'static str,
}

/// Terraform's provider has replaced the argument.
pub const DEPRECATED: Rule = Rule {
    name: "deprecated-argument",
    description: "The provider has replaced the argument.",
    source: "https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/iam_role",
};

/// Nothing is ever sent to a function's network interface.
pub const FUNCTION_INGRESS: Rule = Rule {
    name: "function-ingress",
    description: "Ingress rules of a function's security group limit nothing.",
    source: "https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html",
};

/// A template reads a parameter that nobody publishes.
pub const NOT_PUBLISHED: Rule = Rule {
    name: "parameter-not-published",
    description: "A template reads an SSM parameter that Layer 1 does not publish.",
    source: "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-supplied-parameter-types.html",
};

/// Of two values one is lost.
pub const REPEATED_KEY: Rule = Rule {
    name: "repeated-key",
    description: "A key stands twice in one object of a template; of the first value nothing remains.",
    source: "https://github.com/aws-cloudformation/cfn-lint/issues/35",
};

/// A route of an HTTP API that everybody can call.
pub const OPEN_ROUTE: Rule = Rule {
    name: "open-route",
    description: "A route of an HTTP API has no authorizer.",
    source: "https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-access-control.html",
};

/// An HTTP API that answers nothing.
pub const API_WITHOUT_STAGE: Rule = Rule {
    name: "api-without-stage",
    description: "An HTTP API has no stage, so that it serves none of its routes.",
    source: "https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-stages.html",
};

/// Whatever version of a provider is newest.
pub const UNDECLARED_PROVIDER: Rule = Rule {
    name: "undeclared-provider",
    description: "A provider is used that no required_providers block names.",
    source: "https://developer.hashicorp.com/terraform/language/providers/requirements",
};

/// Whatever version of a module is newest.
pub const UNPINNED_MODULE: Rule = Rule {
    name: "unpinned-module",
    description: "A module from elsewhere is not held to one version.",
    source: "https://developer.hashicorp.com/terraform/language/modules/sources",
};

/// Something had to be added.
pub const UNDEFINED_REFERENCE: Rule = Rule {
    name: "undefined-reference",
    description: "Layer 1 refers to what nothing but a completion defines.",
    source: "https://developer.hashicorp.com/terraform/language/expressions/references",
};

/// All rules.
pub const ALL: [Rule; 10] = [
    DEPRECATED,
    FUNCTION_INGRESS,
    NOT_PUBLISHED,
    REPEATED_KEY,
    OPEN_ROUTE,
    API_WITHOUT_STAGE,
    UNDECLARED_PROVIDER,
    UNPINNED_MODULE,
    UNDEFINED_REFERENCE,
    super::workflow::UNPINNED_ACTION,
];

/// A finding of one of these rules.
pub(crate) fn finding(
    rule: Rule,
    file: &str,
    at: Place,
    subject: &str,
    message: impl Into<String>,
    instead: impl Into<String>,
) -> Finding {
    Finding {
        file: file.to_owned(),
        line: at.line,
        column: at.column,
        rule: rule.name,
        subject: subject.to_owned(),
        statement: None,
        sid: None,
        message: message.into(),
        instead: instead.into(),
    }
}

/// A key that stands twice in a template.
pub(crate) fn repeated(file: &str, repeated: &Repeated) -> Finding {
    let Repeated { at, before, key } = repeated;
    finding(
        REPEATED_KEY,
        file,
        *at,
        "",
        format!(
            "`{key}` stands at {before} already: CloudFormation takes the value here, and of the other nothing remains"
        ),
        "leave one of the two out, or rename it",
    )
}

/// What is checked beside policies: the functions' security groups, the HTTP
/// APIs, their routes.
pub fn subjects(resources: &[Resource]) -> Vec<String> {
    let groups = function_groups(resources);
    let is_checked = |resource: &&Resource| match resource.kind.as_str() {
        "aws_security_group" => id(resource).is_some_and(|id| groups.contains(id)),
        "aws_apigatewayv2_api" | "aws_apigatewayv2_route" => !resource.is_data,
        _ => false,
    };
    resources.iter().filter(is_checked).map(|resource| resource.address.clone()).collect()
}

fn id(resource: &Resource) -> Option<&str> {
    resource.values.get("id").and_then(Node::text)
}

/// The security groups that functions are in.
fn function_groups(resources: &[Resource]) -> BTreeSet<&str> {
    resources
        .iter()
        .filter(|resource| resource.kind == "aws_lambda_function")
        .filter_map(|function| function.values.get("vpc_config"))
        .flat_map(|config| config.items())
        .filter_map(|config| config.get("security_group_ids"))
        .flat_map(|ids| ids.items())
        .filter_map(Node::text)
        .collect()
}

/// Checks a plan's or a state's resources.
pub fn plan(file: &str, resources: &[Resource]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let groups = function_groups(resources);
    for resource in resources.iter().filter(|resource| !resource.is_data) {
        match resource.kind.as_str() {
            "aws_iam_role" => findings.extend(deprecated(file, resource, resources)),
            "aws_security_group" => findings.extend(ingress(file, resource, &groups)),
            "aws_apigatewayv2_route" => findings.extend(open_route(file, resource)),
            "aws_apigatewayv2_api" => findings.extend(no_stage(file, resource, resources)),
            _ => {}
        }
    }
    findings
}

/// `managed_policy_arns` is computed as well, so that a state has it whatever
/// was written: only where no attachment explains an entry was it written.
fn deprecated(file: &str, role: &Resource, resources: &[Resource]) -> Option<Finding> {
    let arns = role.values.get("managed_policy_arns")?;
    let name = role.values.get("name").and_then(Node::text);
    let attached: BTreeSet<&str> = resources
        .iter()
        .filter(|resource| resource.kind == "aws_iam_role_policy_attachment")
        .filter(|attachment| attachment.values.get("role").and_then(Node::text) == name)
        .filter_map(|attachment| attachment.values.get("policy_arn").and_then(Node::text))
        .collect();
    let unexplained = arns.items().iter().filter_map(Node::text).any(|arn| !attached.contains(arn));
    unexplained.then(|| {
        finding(
            DEPRECATED,
            file,
            arns.at,
            &role.address,
            "`managed_policy_arns` is deprecated, and takes away what is attached elsewhere",
            "write an `aws_iam_role_policy_attachment` for each policy",
        )
    })
}

/// "Lambda … doesn't support inbound connections": invocation is IAM's matter.
fn ingress(file: &str, group: &Resource, functions: &BTreeSet<&str>) -> Option<Finding> {
    let id = id(group)?;
    let rules = group.values.get("ingress").filter(|rules| !rules.items().is_empty())?;
    functions.contains(id).then(|| {
        finding(
            FUNCTION_INGRESS,
            file,
            rules.at,
            &group.address,
            "a function takes no connections: these rules limit nobody, and direct invocation \
             passes them by",
            "drop `ingress`, and limit `lambda:InvokeFunction` and the function's own policy",
        )
    })
}

fn open_route(file: &str, route: &Resource) -> Option<Finding> {
    let kind = route.values.get("authorization_type")?;
    let open = match &kind.value {
        Value::Text(kind) => kind == "NONE",
        Value::Null => true,
        _ => false,
    };
    open.then(|| {
        finding(
            OPEN_ROUTE,
            file,
            kind.at,
            &route.address,
            "everybody can call the route",
            "write `authorization_type = \"JWT\"` and its `authorizer_id`",
        )
    })
}

/// "A stage is a named reference to a deployment": without one a client gets
/// 404, whatever it asks for. An API that is quick-created has its own.
fn no_stage(file: &str, api: &Resource, resources: &[Resource]) -> Option<Finding> {
    let id = id(api)?;
    let quick = api.values.get("target").is_some_and(Node::is_something);
    let staged = resources
        .iter()
        .filter(|resource| resource.kind == "aws_apigatewayv2_stage")
        .any(|stage| stage.values.get("api_id").and_then(Node::text).is_none_or(|of| of == id));
    (!quick && !staged).then(|| {
        finding(
            API_WITHOUT_STAGE,
            file,
            api.values.at,
            &api.address,
            "the API has no stage: it answers 404 to whatever is asked",
            "write an `aws_apigatewayv2_stage` named `$default` with `auto_deploy`",
        )
    })
}
