//! CloudFormation: stacks by name or id, and what a deployment passes on.

use super::RequirementsError;
use super::generic;
use super::iam::pass_role;
use super::requirement::Requirement;
use super::scope::{Mapped, Scope, arn_parts, field, items};
use super::state::Stack;
use ringfence_models::Partition;

/// Stack sets (their ids are not known here), stack refactors, and extensions,
/// which pass roles in members of their own.
const UNMAPPED: &[&str] = &[
    "ActivateType",
    "CreateStackRefactor",
    "CreateStackSet",
    "DescribeStackRefactor",
    "ExecuteStackRefactor",
    "ListStackRefactorActions",
    "ListStackRefactors",
    "RecordHandlerProgress",
    "RegisterType",
];

/// AWS's own transforms, which a template names and CloudFormation runs.
const HOSTED_TRANSFORMS: &[&str] = &["Serverless-2016-10-31", "LanguageExtensions", "Include"];

pub(super) async fn requirements(scope: &Scope<'_>) -> Mapped {
    let name = scope.name();
    let about_set =
        scope.call.operation.member("StackSetName").is_some() && name != "GetTemplateSummary";
    if UNMAPPED.contains(&name) || about_set || scope.text("StackSetName").is_some() {
        return Err(scope.unmapped());
    }
    let target = Target::named(scope).await?;
    let mut requirements = generic::same_name(scope, |kind| match kind {
        "stack" => Ok(vec![target.arn.clone()]),
        _ => Ok(Vec::new()),
    })?;
    for requirement in &mut requirements {
        if let Some(stack) = &target.stack {
            requirement.add_resource_tags(&[], &stack.tags);
        }
        if requirement.resource == "*" && name == "ListStacks" {
            // As the messages of AWS print it.
            requirement.printed_resource = Some(scope.arn("stack/*/*"));
        }
        imported_types(scope, requirement);
        named_by_arn(scope, requirement);
    }
    if let Some(role) = scope.text("RoleARN") {
        requirements.push(pass_role(scope, role, "cloudformation.amazonaws.com").await?);
    }
    // Where a role works on the stack, the transform is asked of it, and
    // CloudFormation does so with the role's session: "CloudFormation uses the
    // role's credentials to make calls on your behalf", all of them
    // (<https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-iam-servicerole.html>).
    let sticking = target.stack.as_ref().and_then(|stack| stack.role_arn.as_ref());
    let by_caller = scope.text("RoleARN").is_none() && sticking.is_none();
    if by_caller && matches!(name, "CreateChangeSet" | "CreateStack" | "UpdateStack") {
        let fetched = match scope.text("TemplateURL") {
            Some(url) => scope.state.template(url).await?,
            None => None,
        };
        if let Some(template) = scope.text("TemplateBody").or(fetched.as_deref()) {
            requirements.extend(transform_requirements(scope.region(), template));
        }
    }
    Ok(requirements)
}

/// `cloudformation:ImportResourceTypes`: the types of the resources to import.
fn imported_types(scope: &Scope<'_>, requirement: &mut Requirement) {
    let resources = scope.value("ResourcesToImport").map(items).unwrap_or_default();
    let types: Vec<&str> = resources
        .into_iter()
        .filter_map(|resource| field(resource, &["ResourceType"])?.as_str())
        .collect();
    if !types.is_empty() {
        requirement.context.set_list("cloudformation:ImportResourceTypes", types);
    }
}

/// A change set that is given by its ARN: AWS does not say whether
/// `cloudformation:ChangeSetName` holds the ARN or the name then, nor whether the tags
/// of the stack count where the ARN alone is given, on which the call is authorized.
fn named_by_arn(scope: &Scope<'_>, requirement: &mut Requirement) {
    const KEY: &str = "cloudformation:ChangeSetName";
    if !scope.text("ChangeSetName").is_some_and(|name| name.starts_with("arn:")) {
        return;
    }
    if requirement.context.get(KEY).is_some() {
        requirement.context.set_unknown(KEY);
    }
    if scope.text("StackName").is_none() {
        requirement.context.set_unknown("aws:ResourceTag/*");
    }
}

/// The stack that a call is about.
struct Target {
    arn: String,
    stack: Option<Stack>,
}

impl Target {
    /// A stack that is not there yet is `stack/NAME/*`, as AWS's own messages
    /// print it. A call that names no stack is about all of them.
    async fn named(scope: &Scope<'_>) -> Result<Self, RequirementsError> {
        let Some(given) = scope.text("StackName") else {
            // A change set may be named by its ARN alone, and is authorized as that:
            // "the correct arn structure is: …:changeSet/$change-set-name/…", found by
            // trial (<https://github.com/widdix/complete-aws-iam-reference/issues/6>), and
            // in policies for SAM and CDK beside the stack's. The reference lists the
            // stack alone.
            let arn = scope.text("ChangeSetName").filter(|name| name.starts_with("arn:"));
            let arn = arn.map_or_else(|| "*".to_owned(), |arn| own_change_set(scope, arn));
            return Ok(Self { arn, stack: None });
        };
        let stack = scope.state.stack(given).await?;
        let arn = match &stack {
            Some(stack) => stack.stack_id.clone(),
            None if given.starts_with("arn:") => given.to_owned(),
            None => scope.arn(&format!("stack/{given}/*")),
        };
        Ok(Self { arn, stack })
    }
}

/// A change set by its ARN. One of another account or region is not looked for
/// there: AWS answers that this account has none (LocalStack's recorded
/// `test_get_template_missing_resources_change_set_id`), so the caller needs the
/// permission on the name here.
fn own_change_set(scope: &Scope<'_>, arn: &str) -> String {
    match arn_parts(arn) {
        Some([_, _, "cloudformation", _, _, name]) if name.starts_with("changeSet/") => {
            scope.arn(name)
        }
        _ => arn.to_owned(),
    }
}

/// What a template's transforms require: `cloudformation:CreateChangeSet` on
/// each (IAM page of the CloudFormation user guide; AWS's transform reference
/// says otherwise, so that this is the stricter reading). Any mention of a
/// transform counts: too much is asked rather than too little.
fn transform_requirements(region: &str, template: &str) -> Vec<Requirement> {
    let partition = Partition::of_region(region);
    HOSTED_TRANSFORMS
        .iter()
        .filter(|name| template.contains(&format!("AWS::{name}")))
        .map(|name| {
            let arn = format!("arn:{partition}:cloudformation:{region}:aws:transform/{name}");
            Requirement::on("cloudformation:CreateChangeSet", arn)
        })
        .collect()
}
