//! What calls need, as one line a permission.

use std::collections::BTreeMap;

use ringfence_models::actions::Access;
use ringfence_models::needs::{Named, Needs, Source};
use ringfence_models::{Operation, Service, actions};
use rstest::rstest;

fn source(source: &Source) -> String {
    let paths: Vec<String> = source.paths.iter().map(ToString::to_string).collect();
    let otherwise = source.otherwise.map(|text| format!("={text}")).unwrap_or_default();
    let asked = source.asked.as_ref().map(|asked| {
        let given: Vec<String> =
            asked.given.iter().map(|(member, path)| format!("{member}={path}")).collect();
        format!("{}({}).{}", asked.operation, given.join(", "), asked.answer.join("."))
    });
    format!("{}{otherwise}{}", paths.join("|"), asked.unwrap_or_default())
}

/// What an operation needs, one line a permission.
fn told(operation: &Operation) -> Vec<String> {
    let needs = match operation.needs() {
        Needs::ByHand => return vec!["by hand".to_owned()],
        Needs::Refused(reason) => return vec![format!("refused: {reason}")],
        Needs::ByRule(needs) => needs,
    };
    let mut lines = Vec::new();
    for permission in &needs.permissions {
        let mut line = permission.action.to_string();
        for path in &permission.when {
            line.push_str(&format!(" if {path}"));
        }
        for resource in &permission.resources {
            line.push_str(&format!(" {}", resource.kind.name));
            if !resource.required {
                line.push('?');
            }
            line.push_str(&way(&resource.named));
            if let Some(only) = &resource.only {
                let sign = if only.equal { "=" } else { "!=" };
                line.push_str(&format!(" where {}{sign}{}", only.member, only.text));
            }
        }
        lines.push(line);
    }
    for pass in &needs.passes {
        let service = pass.service.unwrap_or("?");
        lines.push(format!("iam:PassRole {} to {service}", pass.member));
    }
    lines
}

#[rstest]
#[case::by_url("sqs", "SendMessageBatch", &["sqs:SendMessage queue(QueueUrl)"])]
#[case::by_arn("sns", "DeleteTopic", &["sns:DeleteTopic topic<TopicArn>"])]
#[case::by_one_of_two("sns", "Publish", &["sns:Publish topic?<TopicArn|TargetArn>"])]
#[case::by_arn_or_name("kinesis", "DeleteStream",
    &["kinesis:DeleteStream stream<StreamARN>+(StreamName)"])]
#[case::of_a_type_that_another_member_says("quicksight", "CreateFolderMembership",
    &["quicksight:CreateFolderMembership analysis?(MemberId) where MemberType=ANALYSIS \
        dashboard?(MemberId) where MemberType=DASHBOARD \
        dataset?(MemberId) where MemberType=DATASET folder(FolderId)"])]
#[case::of_a_type_that_nothing_says("pinpoint-sms-voice-v2", "SendMediaMessage",
    &["refused: sms-voice:SendMediaMessage may act upon resources of the types PhoneNumber, Pool, \
        and no member names any"])]
#[case::of_a_type_that_its_beginning_says("vpc-lattice", "CreateAccessLogSubscription",
    &["vpc-lattice:CreateAccessLogSubscription AccessLogSubscription(=*) \
        ResourceConfiguration?(resourceIdentifier) Service?(resourceIdentifier) \
        ServiceNetwork?(resourceIdentifier)",
    "vpc-lattice:TagResource if tags AccessLogSubscription(=*)"])]
#[case::a_task_that_does_more("partnercentral-selling", "StartOpportunityFromEngagementTask",
    &["refused: the task needs further permissions of its caller, on what it makes or finds"])]
#[case::everything("events", "ListRules", &["events:ListRules"])]
#[case::by_the_other_of_two_types(
    "events",
    "DescribeRule",
    &["events:DescribeRule rule-on-custom-event-bus?(EventBusName, Name) where \
       EventBusName!=default rule-on-default-event-bus?(Name) where EventBusName=default"]
)]
#[case::roles_below(
    "events",
    "PutTargets",
    &[
        "events:PutTargets rule-on-custom-event-bus?(EventBusName, Rule) where \
         EventBusName!=default rule-on-default-event-bus?(Rule) where EventBusName=default",
        "iam:PassRole Targets[].RoleArn to events.amazonaws.com",
    ]
)]
// On the membership, and not on the collaboration.
#[case::tags_on_what_is_made(
    "cleanrooms",
    "CreateMembership",
    &[
        "cleanrooms:CreateMembership collaboration(collaborationIdentifier) membership(=*)",
        "cleanrooms:TagResource if tags membership(=*)",
        "iam:PassRole defaultJobResultConfiguration.roleArn to ?",
        "iam:PassRole defaultResultConfiguration.roleArn to ?",
    ]
)]
#[case::roles_in_a_map(
    "sns",
    "CreateTopic",
    &[
        "sns:CreateTopic topic(Name)",
        "sns:PutDataProtectionPolicy if DataProtectionPolicy topic(Name)",
        "sns:TagResource if Tags topic(Name)",
        "iam:PassRole Attributes{RoleArn} to sns.amazonaws.com",
        "iam:PassRole Attributes{Role} to sns.amazonaws.com",
    ]
)]
#[case::an_id_that_the_service_makes(
    "deadline",
    "CreateFarm",
    &["deadline:CreateFarm farm(=*)", "deadline:TagResource if tags farm(=*)"]
)]
// By the name that it gets, in what it is made in.
#[case::tags_on_what_gets_a_name(
    "synthetics",
    "CreateCanary",
    &[
        "synthetics:CreateCanary",
        "synthetics:TagResource if Tags canary?(Name=*)",
        "iam:PassRole ExecutionRoleArn to ?",
    ]
)]
#[case::tags_on_what_is_made_in_another(
    "appconfig",
    "CreateExperimentDefinition",
    &[
        "appconfig:CreateExperimentDefinition application(ApplicationIdentifier)",
        "appconfig:TagResource if Tags experimentdefinition?(ApplicationIdentifier=*, =*)",
    ]
)]
// On the cluster, and not on the snapshot.
#[case::tags_on_what_is_made_from_another(
    "docdb",
    "RestoreDBClusterFromSnapshot",
    &[
        "rds:RestoreDBClusterFromSnapshot cluster(DBClusterIdentifier) \
         cluster-pg?(DBClusterParameterGroupName) cluster-snapshot?(SnapshotIdentifier) \
         og(=default*) subgrp?(DBSubnetGroupName)",
        "rds:AddTagsToResource if Tags cluster(DBClusterIdentifier)",
    ]
)]
#[case::not_on_another_of_a_like_name(
    "sagemaker",
    "CreateInferenceExperiment",
    &[
        "sagemaker:CreateInferenceExperiment inference-experiment(Name)",
        "iam:PassRole RoleArn to ?",
    ]
)]
#[case::by_its_own_of_two_names(
    "memorydb",
    "DeleteCluster",
    &["memorydb:DeleteCluster cluster(ClusterName) multiregioncluster?(MultiRegionClusterName) \
        snapshot?(FinalSnapshotName)"]
)]
#[case::an_arn_that_ends_in_anything(
    "dms",
    "StartDataMigration",
    &["dms:StartDataMigration DataMigration(DataMigrationIdentifier)"]
)]
#[case::the_hub_of_an_account_among_others(
    "securitylake",
    "TagResource",
    &["securitylake:TagResource data-lake?<resourceArn> subscriber?<resourceArn>"]
)]
#[case::where_a_member_is_true(
    "s3vectors",
    "ListVectors",
    &[
        "s3vectors:ListVectors Index(vectorBucketName, indexName|indexArn)",
        "s3vectors:GetVectors if returnData if returnMetadata \
         Index(vectorBucketName, indexName|indexArn)",
    ]
)]
// The reference gives the action no type.
#[case::by_what_only_the_service_knows(
    "codedeploy",
    "PutLifecycleEventHookExecutionStatus",
    &["codedeploy:PutLifecycleEventHookExecutionStatus deploymentgroup?(\
       GetDeployment(deploymentId=deploymentId).deploymentInfo.applicationName, \
       GetDeployment(deploymentId=deploymentId).deploymentInfo.deploymentGroupName)"]
)]
#[case::of_no_type("codedeploy", "StopDeployment", &["codedeploy:StopDeployment"])]
#[case::by_path("apigateway", "GetStage", &["apigateway:GET Account<path>"])]
#[case::by_hand("iam", "CreateRole", &["by hand"])]
// Of a service whose others are by hand; the path is told by the service alone.
#[case::by_the_rule_all_the_same(
    "iam",
    "GetServerCertificate",
    &["iam:GetServerCertificate server-certificate(GetServerCertificate(ServerCertificateName=\
       ServerCertificateName).ServerCertificate.ServerCertificateMetadata.Arn)"]
)]
#[case::an_action_of_its_own_and_no_path(
    "apigatewayv2",
    "GetPortal",
    &["apigateway:GetPortal Portal(PortalId)"]
)]
// Nobody signs it.
#[case::nobodys("cognito-idp", "ConfirmDevice", &[])]
#[case::stated("sqs", "CancelMessageMoveTask", &["refused: the handle of a task hides its queue"])]
#[case::no_action(
    "cloudwatch",
    "DescribeAlarmContributors",
    &["refused: no source tells its action"]
)]
fn a_call_needs(#[case] service: &str, #[case] operation: &str, #[case] expected: &[&str]) {
    let operation = Service::of(service).unwrap().operation(operation).unwrap();
    assert_eq!(told(operation), expected);
}

/// Of every operation that the rule tells: each resource type that its actions
/// always need is bound to the input, each ARN has a value for each variable, and
/// each condition key an origin.
#[test]
fn what_the_rule_tells_is_whole() {
    let mut count = 0;
    for operation in Service::all().flat_map(|service| &service.model().operations) {
        let Needs::ByRule(needs) = operation.needs() else { continue };
        count += 1;
        let of = format!("{}:{}", operation.service, operation.name);
        for permission in &needs.permissions {
            let prefix = actions::of(permission.action.prefix).unwrap();
            let action = prefix.action(permission.action.name).unwrap();
            assert_eq!(permission.keys.len(), prefix.keys_of(action).count(), "{of}");
            for resource in &permission.resources {
                assert!(whole(&resource.named), "{of}: {}", resource.kind.name);
            }
            for listed in action.resources.iter().filter(|listed| listed.required) {
                let is_bound = permission.resources.iter().any(|it| it.kind.name == listed.name);
                let tags = !permission.when.is_empty();
                assert!(
                    is_bound || tags || left_out(operation, listed.name),
                    "{of}: {}",
                    listed.name
                );
            }
        }
    }
    assert!(count > 12_000, "{count}");
}

fn way(named: &Named) -> String {
    match named {
        Named::Arn(of) => format!("<{}>", source(of)),
        Named::Below { parent, .. } => format!("<{}/*>", source(parent)),
        Named::Path { .. } => "<path>".to_owned(),
        Named::TagsOfPath { .. } => "<tags of path>".to_owned(),
        Named::Parts { parts, .. } => {
            let parts: Vec<String> = parts.iter().map(|part| source(&part.source)).collect();
            format!("({})", parts.join(", "))
        }
        Named::Either(ways) => ways.iter().map(way).collect::<Vec<_>>().join("+"),
    }
}

fn whole(named: &Named) -> bool {
    match named {
        Named::Arn(source) | Named::Below { parent: source, .. } => source.is_told(),
        Named::Path { .. } | Named::TagsOfPath { .. } => true,
        Named::Either(ways) => ways.iter().all(whole),
        Named::Parts { arn, parts, .. } => {
            let variables = arn.matches("${").count();
            let places = ["Partition", "Region", "Account"];
            let placed = places.iter().filter(|name| arn.contains(&format!("${{{name}}}"))).count();
            // `endpoint:*`, by a member that has it whole.
            let open = usize::from(arn.ends_with('*') && variables == placed);
            (parts.len() == variables - placed || parts.len() == open)
                && parts.iter().all(|part| part.source.is_told())
        }
    }
}

/// Types that a file of overrides says are not acted upon, and paths.
fn left_out(operation: &Operation, kind: &str) -> bool {
    LEFT_OUT.contains(&(operation.service.name(), operation.name, kind))
        || operation.service.name() == "apigateway"
}

const LEFT_OUT: &[(&str, &str, &str)] = &[
    ("elbv2", "AddTags", "loadbalancer"),
    ("elbv2", "DeleteLoadBalancer", "loadbalancer"),
    ("elbv2", "ModifyLoadBalancerAttributes", "loadbalancer"),
    ("elbv2", "RemoveTags", "loadbalancer"),
    ("events", "DescribeApiDestination", "connection"),
];

/// How many operations of each class there are. What shrinks is seen;
/// `docs/coverage.md` tells of each service.
#[test]
fn no_operation_is_lost() {
    let mut counts = BTreeMap::<&str, usize>::new();
    for operation in Service::all().flat_map(|service| &service.model().operations) {
        *counts.entry(operation.needs().class().name()).or_default() += 1;
    }
    let counts: Vec<String> =
        counts.iter().map(|(class, count)| format!("{class} {count}")).collect();
    assert_eq!(counts, ["by hand 1883", "by rule 2655", "exact 12069", "refused 3420"]);
}

/// Tags by which a call lists or reads are a filter: no such operation tags.
#[test]
fn who_reads_needs_no_action_that_tags() {
    let mut reading = 0;
    for service in Service::all() {
        for operation in &service.model().operations {
            let Needs::ByRule(needs) = operation.needs() else { continue };
            let access = |name: &str| actions::action(name).map(|action| action.access.clone());
            let Some(own) = needs.permissions.first().map(|own| own.action.to_string()) else {
                continue;
            };
            let reads = access(&own).is_some_and(|levels| {
                levels.iter().all(|level| matches!(level, Access::List | Access::Read))
            });
            if !reads || needs.tags.is_empty() {
                continue;
            }
            reading += 1;
            for other in needs.permissions.iter().skip(1) {
                let action = other.action.to_string();
                let tags = access(&action).is_some_and(|all| all.contains(&Access::Tagging));
                assert!(!tags, "{}:{} asks for {action}", service.name(), operation.name);
            }
        }
    }
    assert!(reading > 10, "{reading}");
}
