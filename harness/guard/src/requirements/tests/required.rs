//! Nothing refuses a call for the lack of a member that AWS does not ask for.

use ringfence_wire::Service;
use serde_json::{Map, Value};

use super::unmapped::full_input;
use super::{RequirementsError, ask_as, root};

/// What else than their model says operations must name, in the words of their pages in
/// EC2's, Systems Manager's and CloudWatch Logs' API references.
const MORE: &[(&str, &str, &str)] = &[
    // "You must specify either the security group ID or the security group name".
    ("ec2", "AuthorizeSecurityGroupIngress", "security-group"),
    ("ec2", "DeleteSecurityGroup", "security-group"),
    ("ec2", "RevokeSecurityGroupIngress", "security-group"),
    ("ec2", "UpdateSecurityGroupRuleDescriptionsEgress", "security-group"),
    ("ec2", "UpdateSecurityGroupRuleDescriptionsIngress", "security-group"),
    // "You must specify either the launch template ID or the launch template name".
    ("ec2", "CreateLaunchTemplateVersion", "launch-template"),
    ("ec2", "DeleteLaunchTemplate", "launch-template"),
    ("ec2", "DeleteLaunchTemplateVersions", "launch-template"),
    ("ec2", "ModifyLaunchTemplate", "launch-template"),
    // "An AMI ID is required to launch an instance and must be specified here or in a
    // launch template".
    ("ec2", "RunInstances", "ImageId"),
    // "Targets is required if you don't provide one or more managed node IDs in the call".
    ("ssm", "SendCommand", "InstanceIds"),
    // "You must specify either the resourceIdentifier parameter or the logGroup
    // parameter".
    ("logs", "AssociateKmsKey", "log-group"),
    ("logs", "DisassociateKmsKey", "log-group"),
    // "You must include one of the following but not both", `logGroupIdentifier` and
    // `logGroupName`.
    ("logs", "DescribeLogStreams", "log-group"),
    ("logs", "FilterLogEvents", "log-group"),
    ("logs", "GetLogEvents", "log-stream"),
    ("logs", "GetLogGroupFields", "log-group"),
    // "A StartQuery operation must include exactly one of the following".
    ("logs", "StartQuery", "log-group"),
];

#[tokio::test]
async fn what_the_model_requires_is_enough() {
    let mut found = Vec::new();
    for service in Service::all() {
        for operation in &service.model().operations {
            let Value::Object(full) = full_input(operation) else { continue };
            let required = operation.members.iter().filter(|member| member.required);
            let input: Map<String, Value> = required
                .filter_map(|it| Some((it.name.to_owned(), full.get(it.name)?.clone())))
                .collect();
            let asked = ask_as(&root(), service, operation.name, Value::Object(input)).await;
            let Err(RequirementsError::Service(error)) = asked else { continue };
            let Some(lacking) =
                error.message.strip_prefix("The request must contain the parameter ")
            else {
                continue;
            };
            let known = MORE.iter().any(|(of, name, member)| {
                (*of, *name, *member) == (service.name(), operation.name, lacking)
            });
            if !known {
                found.push(format!("{}:{} {lacking}", service.name(), operation.name));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}
