//! The roles that calls hand over.

use std::collections::BTreeSet;

use ringfence_models::Service;
use ringfence_models::needs::{self, Needs, RoleNamed};
use rstest::rstest;

/// The roles that a call hands over: the member, how it names the role, and the
/// service.
fn passed(service: &str, operation: &str) -> Option<Vec<String>> {
    let operation = Service::of(service)?.operation(operation)?;
    let Needs::ByRule(needs) = operation.needs() else { return None };
    let told = needs.passes.iter().map(|pass| {
        let named = match pass.named {
            RoleNamed::Role => "",
            RoleNamed::Arn => " by ARN",
            RoleNamed::Profile => " in a profile",
            RoleNamed::Definition => " in a definition",
            RoleNamed::Text => " in a text",
        };
        let of = if pass.asked.is_some() { "of " } else { "" };
        format!("{of}{}{named} to {}", pass.member, pass.service.unwrap_or("?"))
    });
    Some(told.collect())
}

#[rstest]
#[case::by_name("glue", "CreateCrawler", &["Role to glue.amazonaws.com"])]
#[case::by_another_name("codebuild", "StartBuild", &["serviceRoleOverride to codebuild.amazonaws.com"])]
#[case::called_a_role_name("macie2", "UpdateRevealConfiguration", &["retrievalConfiguration.roleName to ?"])]
#[case::several("cognito-identity", "SetIdentityPoolRoles",
    &["RoleMappings{}.RulesConfiguration.Rules[].RoleARN to ?", "Roles{} to ?"])]
#[case::under_another_name("cognito-idp", "SetUserPoolMfaConfig",
    &["SmsMfaConfiguration.SmsConfiguration.SnsCallerArn to cognito-idp.amazonaws.com"])]
#[case::in_a_map("sns", "SetSMSAttributes", &["attributes{Role} to sns.amazonaws.com"])]
// What a customer calls so is a text of theirs.
#[case::attributes_of_a_contact("connect", "StartChatContact", &[])]
#[case::attributes_of_a_thing("iot", "CreateThing", &[])]
// Nobody hands over a role of another account.
#[case::of_another_account("aiops", "UpdateInvestigationGroup", &["roleArn to ?"])]
#[case::in_a_patch("apigateway", "UpdateIntegration",
    &["patchOperations[].value by ARN to apigateway.amazonaws.com"])]
#[case::in_a_definition("apigateway", "ImportRestApi",
    &["body in a definition to apigateway.amazonaws.com"])]
#[case::a_profile_called_a_role("emr", "RunJobFlow", &[
    "AutoScalingRole to application-autoscaling.amazonaws.com",
    "JobFlowRole in a profile to ec2.amazonaws.com",
    "ServiceRole to elasticmapreduce.amazonaws.com",
    "StepExecutionRoleArn to ?",
])]
#[case::a_profile("pcs", "UpdateComputeNodeGroup",
    &["iamInstanceProfileArn in a profile to ec2.amazonaws.com"])]
#[case::of_tasks_and_of_the_service("ecs", "RunTask", &[
    "of taskDefinition to ecs-tasks.amazonaws.com",
    "of taskDefinition to ecs-tasks.amazonaws.com",
    "overrides.executionRoleArn to ecs-tasks.amazonaws.com",
    "overrides.taskRoleArn to ecs-tasks.amazonaws.com",
    "volumeConfigurations[].managedEBSVolume.roleArn to ecs.amazonaws.com",
])]
#[case::in_a_text("osis", "ValidatePipeline",
    &["PipelineConfigurationBody in a text to osis-pipelines.amazonaws.com"])]
// Read, taken away, and no role of IAM's.
#[case::read("iot", "ListAuditFindings", &[])]
#[case::taken_away("odb", "DisassociateIamRoleFromResource", &[])]
#[case::taken_away_with_the_permission("rds", "RemoveRoleFromDBInstance", &["RoleArn to ?"])]
#[case::a_word("grafana", "CreateWorkspaceApiKey", &[])]
fn a_call_hands_over(#[case] service: &str, #[case] operation: &str, #[case] expected: &[&str]) {
    assert_eq!(passed(service, operation).unwrap(), expected);
}

/// Every member of every service that is called as a role is, that no permission
/// is asked for, and of which no override says why. Who adds a line looks at AWS's
/// page of the member first: a role that is handed over needs `iam:PassRole`.
#[test]
fn what_looks_like_a_role_and_is_none_is_known() {
    let mut found = BTreeSet::new();
    for operation in Service::all().flat_map(|service| &service.model().operations) {
        let Needs::ByRule(needs) = operation.needs() else { continue };
        if needs.hands_nothing || needs.permissions.is_empty() {
            continue;
        }
        for (path, shape) in needs::is_like_a_role(operation) {
            let is_asked = needs.passes.iter().any(|pass| pass.member == path);
            if !is_asked && !needs.not_passed.contains(&path) {
                found.insert(format!("{} {} {shape}", operation.service, path.name()));
            }
        }
    }
    let found: Vec<String> = found.into_iter().collect();
    let lines = include_str!("no_roles.txt").lines();
    let known: Vec<&str> = lines.map(|line| line.split_once(": ").unwrap().0).collect();
    assert_eq!(found, known, "found:\n{}\n", found.join("\n"));
}
