//! AWS's and Terraform's names: what readings look at, which actions use an
//! object without changing it, and which resource types are parts of others.
//! Actions by <https://docs.aws.amazon.com/service-authorization/latest/reference/>,
//! resource types by <https://registry.terraform.io/providers/hashicorp/aws/latest/docs>.

use ringfence_guard::journal::Check;

use crate::terraform::Instance;

/// What readings look at: the service of the ARN, and how its resource begins.
const READ: [(&str, &str); 29] = [
    ("iam", "role/"),
    ("iam", "user/"),
    ("iam", "group/"),
    ("iam", "policy/"),
    ("iam", "oidc-provider/"),
    ("iam", "instance-profile/"),
    ("lambda", "function:"),
    ("dynamodb", "table/"),
    ("ssm", "parameter/"),
    ("secretsmanager", "secret:"),
    ("logs", "log-group:"),
    ("apigateway", "/apis/"),
    ("sqs", ""),
    ("sns", ""),
    ("kms", ""),
    ("ecr", "repository/"),
    ("events", "event-bus/"),
    ("events", "rule/"),
    ("ec2", "vpc/"),
    ("ec2", "subnet/"),
    ("ec2", "security-group"),
    ("ec2", "route-table/"),
    ("ec2", "vpc-endpoint/"),
    ("ec2", "network-acl/"),
    ("ec2", "internet-gateway/"),
    ("ec2", "natgateway/"),
    ("ec2", "elastic-ip/"),
    ("ec2", "vpc-peering-connection/"),
    ("ec2", "key-pair/"),
];

/// Actions on what is read that change what the readings do not show.
const UNREAD: [&str; 38] = [
    "iam:CreateAccessKey",
    "iam:UpdateAccessKey",
    "iam:DeleteAccessKey",
    "iam:CreateLoginProfile",
    "iam:UpdateLoginProfile",
    "iam:DeleteLoginProfile",
    "iam:EnableMFADevice",
    "iam:DeactivateMFADevice",
    "iam:CreateServiceSpecificCredential",
    "iam:ResetServiceSpecificCredential",
    "iam:UpdateServiceSpecificCredential",
    "iam:UploadSSHPublicKey",
    "iam:UploadSigningCertificate",
    "lambda:PutFunctionEventInvokeConfig",
    "lambda:UpdateFunctionEventInvokeConfig",
    "lambda:DeleteFunctionEventInvokeConfig",
    "lambda:PutFunctionCodeSigningConfig",
    "lambda:DeleteFunctionCodeSigningConfig",
    "s3:PutBucketRequestPayment",
    "s3:PutBucketObjectLockConfiguration",
    "s3:PutAccelerateConfiguration",
    "s3:PutInventoryConfiguration",
    "s3:PutAnalyticsConfiguration",
    "s3:PutMetricsConfiguration",
    "s3:PutIntelligentTieringConfiguration",
    "dynamodb:PutResourcePolicy",
    "dynamodb:DeleteResourcePolicy",
    "dynamodb:TagResource",
    "dynamodb:UntagResource",
    "dynamodb:EnableKinesisStreamingDestination",
    "dynamodb:DisableKinesisStreamingDestination",
    "ssm:PutResourcePolicy",
    "ssm:DeleteResourcePolicy",
    "logs:PutSubscriptionFilter",
    "logs:DeleteSubscriptionFilter",
    "logs:PutMetricFilter",
    "logs:DeleteMetricFilter",
    "logs:PutDataProtectionPolicy",
];

/// Actions of the level Write that use an object and leave it as it was applied:
/// messages, records, runs, images, users of a pool. A name that ends in `*` is
/// of all actions that begin so. CloudTrail's data events are the most of them
/// (<https://docs.aws.amazon.com/awscloudtrail/latest/userguide/logging-data-events-with-cloudtrail.html>).
const USES: [&str; 57] = [
    "appsync:GraphQL",
    "athena:StartQueryExecution",
    "athena:StopQueryExecution",
    "batch:SubmitJob",
    "batch:TerminateJob",
    "bedrock:InvokeModel*",
    "codebuild:RetryBuild",
    "codebuild:StartBuild*",
    "codebuild:StopBuild*",
    "codepipeline:StartPipelineExecution",
    "cognito-idp:AdminAddUserToGroup",
    "cognito-idp:AdminConfirmSignUp",
    "cognito-idp:AdminCreateUser",
    "cognito-idp:AdminDeleteUser*",
    "cognito-idp:AdminDisableUser",
    "cognito-idp:AdminEnableUser",
    "cognito-idp:AdminInitiateAuth",
    "cognito-idp:AdminRemoveUserFromGroup",
    "cognito-idp:AdminRespondToAuthChallenge",
    "cognito-idp:AdminSetUser*",
    "cognito-idp:AdminUpdateUserAttributes",
    "cognito-idp:AdminUserGlobalSignOut",
    "ecr:BatchDeleteImage",
    "ecr:CompleteLayerUpload",
    "ecr:InitiateLayerUpload",
    "ecr:PutImage",
    "ecr:StartImageScan",
    "ecr:UploadLayerPart",
    "ecs:ExecuteCommand",
    "ecs:RunTask",
    "ecs:StartTask",
    "ecs:StopTask",
    "ecs:Submit*",
    "elasticfilesystem:Client*",
    "es:ESHttp*",
    "events:PutEvents",
    "execute-api:*",
    "firehose:PutRecord*",
    "glue:BatchStopJobRun",
    "glue:StartCrawler",
    "glue:StartJobRun",
    "glue:StopCrawler",
    "iam:PassRole",
    "kafka-cluster:WriteData*",
    "kinesis:PutRecord*",
    "kinesis:SubscribeToShard",
    "rds-data:*",
    "rds-db:connect",
    "redshift-data:*",
    "sagemaker:InvokeEndpoint*",
    "ses:Send*",
    "states:RedriveExecution",
    "states:SendTask*",
    "states:StartExecution",
    "states:StartSyncExecution",
    "states:StopExecution",
    "sts:*",
];

/// Which attributes an action changes whose name does not say it.
const ATTRIBUTES: [(&str, &[&str]); 6] = [
    ("ecs:UpdateService", &["task_definition", "desired_count", "load_balancer"]),
    ("autoscaling:UpdateAutoScalingGroup", &["desired_capacity", "min_size", "max_size"]),
    ("states:UpdateStateMachine", &["definition"]),
    ("events:EnableRule", &["state", "is_enabled"]),
    ("events:DisableRule", &["state", "is_enabled"]),
    ("scheduler:UpdateSchedule", &["state", "schedule_expression"]),
];

/// Settings of the account and its region, which calls name by nothing but their
/// actions.
const SETTINGS: [(&str, &str); 14] = [
    ("aws_s3_account_public_access_block", "s3:PutAccountPublicAccessBlock"),
    ("aws_iam_account_password_policy", "iam:UpdateAccountPasswordPolicy"),
    ("aws_iam_account_password_policy", "iam:DeleteAccountPasswordPolicy"),
    ("aws_iam_account_alias", "iam:CreateAccountAlias"),
    ("aws_iam_account_alias", "iam:DeleteAccountAlias"),
    ("aws_ecr_registry_policy", "ecr:PutRegistryPolicy"),
    ("aws_ecr_registry_policy", "ecr:DeleteRegistryPolicy"),
    ("aws_ecr_registry_scanning_configuration", "ecr:PutRegistryScanningConfiguration"),
    ("aws_ecr_replication_configuration", "ecr:PutReplicationConfiguration"),
    ("aws_api_gateway_account", "apigateway:PATCH"),
    ("aws_ebs_encryption_by_default", "ec2:EnableEbsEncryptionByDefault"),
    ("aws_ebs_encryption_by_default", "ec2:DisableEbsEncryptionByDefault"),
    ("aws_ebs_default_kms_key", "ec2:ModifyEbsDefaultKmsKeyId"),
    ("aws_sns_sms_preferences", "sns:SetSMSAttributes"),
];

/// Types without an ARN: the service and the resource of what calls on them
/// name. `{a}` is the attribute `a`, of which what follows the last `/` or `:`
/// counts where it is an address or an ARN.
const COMPOSED: [(&str, &str, &str); 28] = [
    ("aws_sqs_queue_policy", "sqs", "{queue_url}"),
    ("aws_sqs_queue_redrive_policy", "sqs", "{queue_url}"),
    ("aws_sqs_queue_redrive_allow_policy", "sqs", "{queue_url}"),
    ("aws_kms_key_policy", "kms", "key/{key_id}"),
    ("aws_kms_grant", "kms", "key/{key_id}"),
    ("aws_ecr_repository_policy", "ecr", "repository/{repository}"),
    ("aws_ecr_lifecycle_policy", "ecr", "repository/{repository}"),
    ("aws_cloudwatch_event_bus_policy", "events", "event-bus/{event_bus_name}"),
    ("aws_cloudwatch_event_permission", "events", "event-bus/{event_bus_name}"),
    ("aws_kinesis_resource_policy", "kinesis", "stream/{resource_arn}"),
    ("aws_cognito_user_pool_client", "cognito-idp", "userpool/{user_pool_id}"),
    ("aws_cognito_identity_provider", "cognito-idp", "userpool/{user_pool_id}"),
    ("aws_cognito_resource_server", "cognito-idp", "userpool/{user_pool_id}"),
    ("aws_efs_file_system_policy", "elasticfilesystem", "file-system/{file_system_id}"),
    ("aws_efs_mount_target", "elasticfilesystem", "file-system/{file_system_id}"),
    ("aws_lambda_function_event_invoke_config", "lambda", "function:{function_name}"),
    ("aws_cloudwatch_log_subscription_filter", "logs", "log-group:{log_group_name}"),
    ("aws_cloudwatch_log_metric_filter", "logs", "log-group:{log_group_name}"),
    ("aws_cloudwatch_log_data_protection_policy", "logs", "log-group:{log_group_name}"),
    ("aws_api_gateway_rest_api", "apigateway", "/restapis/{id}"),
    ("aws_api_gateway_resource", "apigateway", "/restapis/{rest_api_id}/resources/{id}"),
    (
        "aws_api_gateway_method",
        "apigateway",
        "/restapis/{rest_api_id}/resources/{resource_id}/methods/{http_method}",
    ),
    (
        "aws_api_gateway_integration",
        "apigateway",
        "/restapis/{rest_api_id}/resources/{resource_id}/methods/{http_method}/integration",
    ),
    ("aws_api_gateway_authorizer", "apigateway", "/restapis/{rest_api_id}/authorizers/{id}"),
    ("aws_api_gateway_stage", "apigateway", "/restapis/{rest_api_id}/stages/{stage_name}"),
    ("aws_api_gateway_rest_api_policy", "apigateway", "/restapis/{rest_api_id}"),
    ("aws_apigatewayv2_route", "apigateway", "/apis/{api_id}/routes/{id}"),
    ("aws_apigatewayv2_authorizer", "apigateway", "/apis/{api_id}/authorizers/{id}"),
];

/// How types without an ARN begin that are members of objects which are read.
const PARTS_OF_READ: [&str; 34] = [
    "aws_apigatewayv2_api",
    "aws_apigatewayv2_authorizer",
    "aws_apigatewayv2_integration",
    "aws_apigatewayv2_route",
    "aws_apigatewayv2_stage",
    "aws_cloudwatch_log_resource_policy",
    "aws_eip_association",
    "aws_iam_group_",
    "aws_iam_policy_attachment",
    "aws_iam_role_",
    "aws_iam_user_group_membership",
    "aws_iam_user_policy",
    "aws_kms_alias",
    "aws_lambda_function_url",
    "aws_lambda_permission",
    "aws_main_route_table_association",
    "aws_nat_gateway",
    "aws_network_acl_",
    "aws_route",
    "aws_s3_bucket",
    "aws_secretsmanager_secret_",
    "aws_security_group_rule",
    "aws_sns_topic_",
    "aws_sqs_queue",
    "aws_vpc_dhcp_options_association",
    "aws_vpc_endpoint_policy",
    "aws_vpc_endpoint_private_dns",
    "aws_vpc_endpoint_route_table_association",
    "aws_vpc_endpoint_subnet_association",
    "aws_vpc_endpoint_security_group_association",
    "aws_vpc_ipv4_cidr_block_association",
    "aws_vpc_ipv6_cidr_block_association",
    "aws_vpc_peering_connection",
    "aws_vpc_security_group_",
];

/// Types that stand for something done, of which nothing is left at AWS.
const NOTHING: [&str; 3] =
    ["aws_acm_certificate_validation", "aws_lambda_invocation", "aws_kms_ciphertext"];

/// Whether a type is something done, and no object.
pub(super) fn is_nothing(kind: &str) -> bool {
    NOTHING.contains(&kind)
}

/// Whether readings look at a resource. A bucket is read, an object in it is not.
pub(super) fn is_read(resource: &str) -> bool {
    let Some((service, own)) = parts(resource) else { return true };
    if service == "s3" {
        return !own.contains('/');
    }
    READ.iter().any(|(of, beginning)| *of == service && own.starts_with(beginning))
}

/// Whether an action changes what the readings of its resource do not show. Of a
/// function only the policy of the function itself is read, not an alias's.
pub(super) fn is_unread_action(check: &Check) -> bool {
    let on_policy =
        ["lambda:AddPermission", "lambda:RemovePermission"].contains(&check.action.as_str());
    let qualified = check.resource.split(':').count() > 7;
    (on_policy && qualified)
        || UNREAD.contains(&check.action.as_str())
        || (SETTINGS.iter().any(|(_, action)| *action == check.action)
            // API Gateway's actions are of all that it has.
            && !(check.action.starts_with("apigateway:") && is_read(&check.resource)))
}

/// Whether an action uses an object and leaves it as it was applied.
pub(super) fn only_uses(action: &str) -> bool {
    is_one_of(action, &USES)
}

/// Whether an action is one of these; a name that ends in `*` is of all that begin
/// so.
pub(super) fn is_one_of(action: &str, names: &[&str]) -> bool {
    names.iter().any(|name| match name.strip_suffix('*') {
        Some(beginning) => action.starts_with(beginning),
        None => action == *name,
    })
}

/// The attributes that an action changes, where its name does not say them.
pub(super) fn attributes(action: &str) -> &'static [&'static str] {
    ATTRIBUTES.iter().find(|(own, _)| *own == action).map_or(&[], |(_, attributes)| attributes)
}

/// Whether a type is a setting of the account.
pub(super) fn is_setting(kind: &str) -> bool {
    SETTINGS.iter().any(|(of, _)| *of == kind)
}

/// Whether an action sets a setting of the account.
pub(super) fn sets(action: &str, kind: &str) -> bool {
    SETTINGS.contains(&(kind, action))
}

/// Whether a type is a member of objects that are read.
pub(super) fn is_part_of_read(kind: &str) -> bool {
    // Each of these changes what no reading shows.
    const OTHERS: [&str; 8] = [
        "aws_s3_bucket_object",
        "aws_route53",
        "aws_secretsmanager_secret_rotation",
        "aws_sns_topic_subscription",
        "aws_sns_topic_data_protection_policy",
        "aws_apigatewayv2_api_mapping",
        "aws_apigatewayv2_integration_response",
        "aws_apigatewayv2_route_response",
    ];
    !OTHERS.iter().any(|other| kind.starts_with(other))
        && PARTS_OF_READ.iter().any(|beginning| kind.starts_with(beginning))
}

/// The ARN of a type that has none of its own.
pub(super) fn composed(
    instance: &Instance,
    region: &str,
    account: &str,
) -> impl Iterator<Item = String> {
    let rows = COMPOSED.iter().filter(|(kind, ..)| *kind == instance.kind);
    let own = rows.filter_map(move |(_, service, pattern)| {
        let account = if *service == "apigateway" { "" } else { account };
        let resource = filled(pattern, instance)?;
        Some(format!("arn:aws:{service}:{region}:{account}:{resource}"))
    });
    let bucket = instance.kind.starts_with("aws_s3_bucket_").then(|| instance.text("bucket"));
    let user = (instance.kind == "aws_iam_access_key").then(|| instance.text("user"));
    let target = (instance.kind == "aws_cloudwatch_event_target").then(|| {
        let bus = instance.text("event_bus_name").filter(|bus| *bus != "default");
        let rule = instance.text("rule")?;
        let bus = bus.map(|bus| format!("{}/", last(bus))).unwrap_or_default();
        Some(format!("arn:aws:events:{region}:{account}:rule/{bus}{rule}"))
    });
    own.chain(bucket.flatten().map(|bucket| format!("arn:aws:s3:::{bucket}")))
        .chain(user.flatten().map(|user| format!("arn:aws:iam::{account}:user/{user}")))
        .chain(target.flatten())
        .collect::<Vec<_>>()
        .into_iter()
}

fn filled(pattern: &str, instance: &Instance) -> Option<String> {
    let mut filled = String::new();
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}')?;
        filled.push_str(before);
        filled.push_str(last(instance.text(name)?));
        rest = after;
    }
    filled.push_str(rest);
    Some(filled)
}

/// What names it in an address or an ARN.
fn last(text: &str) -> &str {
    let is_address = text.starts_with("arn:") || text.contains("://");
    if is_address { text.rsplit(['/', ':']).next().unwrap_or(text) } else { text }
}

/// The service and the resource of an ARN.
fn parts(arn: &str) -> Option<(&str, &str)> {
    let mut parts = arn.splitn(6, ':');
    (parts.next()? == "arn").then_some(())?;
    let service = parts.nth(1)?;
    Some((service, parts.nth(2)?))
}
