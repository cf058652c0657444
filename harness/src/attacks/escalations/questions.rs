//! The paths over services that the guard does not serve: what each of their
//! required actions would be decided.

use ringfence_guard::Question;
use ringfence_policy::Context;

use super::super::facts::Facts;
use super::super::lack::Lack;
use super::Path;

/// Whom a path would give what: the identity's own role or user, and a role that it
/// must not have.
#[derive(Debug, Clone, Copy)]
pub struct Between<'a> {
    /// The deployed state.
    pub facts: &'a Facts,
    /// The identity's own app.
    pub app: &'a str,
    /// The identity's own role or user, by its ARN.
    pub own: &'a str,
    /// The role that a path would lead to.
    pub coveted: &'a str,
}

/// What a path's required actions would ask for, in order.
pub fn of(path: &Path, between: Between<'_>) -> Vec<Question> {
    path.required
        .iter()
        .map(|action| {
            let mut context = Context::new();
            let resource = resource(action, path, between);
            match action.as_str() {
                "iam:PassRole" => {
                    context.set("iam:PassedToService", receiver(path));
                }
                "lambda:AddPermission" => {
                    context.set("lambda:Principal", between.own);
                }
                _ => {}
            }
            Question { action: action.clone(), resource, context }
        })
        .collect()
}

/// The service that a path hands a role to, as `iam:PassedToService` names it.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html>
fn receiver(path: &Path) -> String {
    let other = path.required.iter().find(|action| *action != "iam:PassRole");
    let prefix = other.and_then(|action| action.split_once(':')).map_or("lambda", |(p, _)| p);
    match prefix {
        "apprunner" => "tasks.apprunner.amazonaws.com".to_owned(),
        "ecs" => "ecs-tasks.amazonaws.com".to_owned(),
        prefix => format!("{prefix}.amazonaws.com"),
    }
}

/// The resource that would make the path one. Of services that the catalogue
/// does not have, something of theirs in this account.
fn resource(action: &str, path: &Path, between: Between<'_>) -> String {
    let Between { facts, app, own, coveted } = between;
    let is_user = own.contains(":user/");
    let at = |service: &str, rest: &str| {
        format!("arn:aws:{service}:{}:{}:{rest}", facts.region, facts.account)
    };
    let iam = |rest: &str| format!("arn:aws:iam::{}:{rest}", facts.account);
    let (service, name) = action.split_once(':').unwrap_or((action, ""));
    match (service, name) {
        ("iam", "PassRole") | ("sts", "AssumeRole") => coveted.to_owned(),
        ("iam", "CreatePolicyVersion") => match facts.has(Lack::ExecutionBoundary) {
            true => facts.execution_boundary.clone(),
            false => iam("policy/ringfence-victim"),
        },
        ("iam", name) if name.contains("Role") => match path.category {
            super::Category::SelfEscalation if !is_user => own.to_owned(),
            _ => coveted.to_owned(),
        },
        ("iam", name) if name.contains("Group") => iam("group/ringfence-victim"),
        ("iam", _) => match path.category {
            super::Category::SelfEscalation if is_user => own.to_owned(),
            _ => iam("user/ringfence-victim"),
        },
        ("lambda", "CreateEventSourceMapping") => "*".to_owned(),
        ("lambda", "CreateFunction") => at("lambda", "function:ringfence-path"),
        ("lambda", _) => {
            // Its own function it may well change: where no other team is
            // configured, one that is not there stands for another's.
            let other = facts.foreign_function(app);
            let name = other.map_or("ringfence-path", |function| function.name.as_str());
            at("lambda", &format!("function:{name}"))
        }
        ("cloudformation", name) if name.contains("StackSet") || name.contains("Instances") => {
            at("cloudformation", "stackset/ringfence-path:*")
        }
        ("cloudformation", _) => at("cloudformation", "stack/ringfence-path/*"),
        ("ec2", "DescribeInstances") => "*".to_owned(),
        ("ec2", "RequestSpotInstances") => at("ec2", "spot-instances-request/*"),
        ("ec2", name) if name.contains("LaunchTemplate") => {
            at("ec2", "launch-template/lt-0123456789abcdef0")
        }
        ("ec2", "RunInstances") => at("ec2", "instance/*"),
        ("ec2" | "ec2-instance-connect", _) | ("ssm", "StartSession" | "SendCommand") => {
            at("ec2", "instance/i-0123456789abcdef0")
        }
        (service, name) => at(service, &format!("{}/ringfence-path", name.to_lowercase())),
    }
}
