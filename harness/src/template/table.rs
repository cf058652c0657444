//! Which of Terraform's resources a resource of a template is, and where their
//! attributes come from. Types, properties and attributes are those of
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-template-resource-type-ref.html>
//! and <https://registry.terraform.io/providers/hashicorp/aws/latest/docs>.

/// Where an attribute comes from.
#[derive(Debug, Clone, Copy)]
pub(super) enum Source {
    /// What `Ref` gives.
    Id,
    /// What `Fn::GetAtt` gives.
    Get(&'static str),
    /// A property, by its path.
    Of(&'static str),
    /// The same, and what it is where the template says nothing.
    Or(&'static str, &'static str),
    /// A truth value, which templates may write as text; false where it is not given.
    Flag(&'static str),
    /// A number, which templates may write as text.
    Number(&'static str),
    /// A policy, as text.
    Document(&'static str),
    /// An ARN: the service, and what stands before what `Ref` gives.
    Arn(&'static str, &'static str),
    /// A block of these.
    Block(&'static [Attribute]),
}

/// An attribute of Terraform's, and where it comes from.
pub(super) type Attribute = (&'static str, Source);

/// What a VPC's main route table is called among its attributes: CloudFormation gives
/// none of this name, and so it is asked for.
pub(super) const MAIN_TABLE: &str = "MainRouteTable";

/// A type, the one that it is of Terraform's, and its attributes beside `id`.
pub(super) type Row = (&'static str, &'static str, &'static [Attribute]);

use Source::{Arn, Block, Document, Flag, Get, Id, Number, Of, Or};

/// The types that are one resource of Terraform's; what stands inside of them and is
/// another there, [`super::translate`] takes apart.
pub(super) const ROWS: &[Row] = &[
    (
        "AWS::IAM::Role",
        "aws_iam_role",
        &[
            ("name", Id),
            ("arn", Get("Arn")),
            ("path", Or("Path", "/")),
            ("assume_role_policy", Document("AssumeRolePolicyDocument")),
            ("permissions_boundary", Of("PermissionsBoundary")),
            ("max_session_duration", Number("MaxSessionDuration")),
        ],
    ),
    (
        "AWS::IAM::ManagedPolicy",
        "aws_iam_policy",
        &[
            ("arn", Id),
            ("name", Of("ManagedPolicyName")),
            ("path", Or("Path", "/")),
            ("policy", Document("PolicyDocument")),
        ],
    ),
    (
        "AWS::IAM::User",
        "aws_iam_user",
        &[
            ("name", Id),
            ("arn", Get("Arn")),
            ("path", Or("Path", "/")),
            ("permissions_boundary", Of("PermissionsBoundary")),
        ],
    ),
    (
        "AWS::IAM::Group",
        "aws_iam_group",
        &[("name", Id), ("arn", Get("Arn")), ("path", Or("Path", "/"))],
    ),
    (
        "AWS::IAM::UserToGroupAddition",
        "aws_iam_group_membership",
        &[("group", Of("GroupName")), ("users", Of("Users"))],
    ),
    (
        "AWS::IAM::RolePolicy",
        "aws_iam_role_policy",
        &[
            ("name", Of("PolicyName")),
            ("role", Of("RoleName")),
            ("policy", Document("PolicyDocument")),
        ],
    ),
    (
        "AWS::IAM::UserPolicy",
        "aws_iam_user_policy",
        &[
            ("name", Of("PolicyName")),
            ("user", Of("UserName")),
            ("policy", Document("PolicyDocument")),
        ],
    ),
    (
        "AWS::IAM::GroupPolicy",
        "aws_iam_group_policy",
        &[
            ("name", Of("PolicyName")),
            ("group", Of("GroupName")),
            ("policy", Document("PolicyDocument")),
        ],
    ),
    (
        "AWS::IAM::OIDCProvider",
        "aws_iam_openid_connect_provider",
        &[("arn", Id), ("url", Of("Url")), ("client_id_list", Of("ClientIdList"))],
    ),
    ("AWS::IAM::SAMLProvider", "aws_iam_saml_provider", &[("arn", Id), ("name", Of("Name"))]),
    (
        "AWS::IAM::InstanceProfile",
        "aws_iam_instance_profile",
        &[("name", Id), ("arn", Get("Arn")), ("role", Of("Roles/0"))],
    ),
    ("AWS::IAM::AccessKey", "aws_iam_access_key", &[("user", Of("UserName"))]),
    (
        "AWS::Lambda::Function",
        "aws_lambda_function",
        &[
            ("function_name", Id),
            ("arn", Get("Arn")),
            ("role", Of("Role")),
            ("handler", Of("Handler")),
            ("runtime", Of("Runtime")),
            (
                "vpc_config",
                Block(&[
                    ("subnet_ids", Of("VpcConfig/SubnetIds")),
                    ("security_group_ids", Of("VpcConfig/SecurityGroupIds")),
                ]),
            ),
        ],
    ),
    (
        "AWS::Lambda::Permission",
        "aws_lambda_permission",
        &[
            ("statement_id", Id),
            ("function_name", Of("FunctionName")),
            ("principal", Of("Principal")),
            ("action", Of("Action")),
            ("source_arn", Of("SourceArn")),
            ("source_account", Of("SourceAccount")),
            ("principal_org_id", Of("PrincipalOrgID")),
            ("function_url_auth_type", Of("FunctionUrlAuthType")),
            ("event_source_token", Of("EventSourceToken")),
        ],
    ),
    (
        "AWS::Lambda::Url",
        "aws_lambda_function_url",
        &[
            ("function_arn", Id),
            ("function_name", Of("TargetFunctionArn")),
            ("qualifier", Of("Qualifier")),
            ("authorization_type", Of("AuthType")),
        ],
    ),
    (
        "AWS::Lambda::Alias",
        "aws_lambda_alias",
        &[("arn", Id), ("name", Of("Name")), ("function_name", Of("FunctionName"))],
    ),
    (
        "AWS::Lambda::LayerVersion",
        "aws_lambda_layer_version",
        &[("arn", Id), ("layer_name", Of("LayerName"))],
    ),
    (
        "AWS::Lambda::EventSourceMapping",
        "aws_lambda_event_source_mapping",
        &[
            ("uuid", Id),
            ("event_source_arn", Of("EventSourceArn")),
            ("function_name", Of("FunctionName")),
        ],
    ),
    (
        "AWS::ApiGatewayV2::Api",
        "aws_apigatewayv2_api",
        &[
            ("name", Of("Name")),
            ("protocol_type", Of("ProtocolType")),
            ("api_endpoint", Get("ApiEndpoint")),
        ],
    ),
    (
        "AWS::ApiGatewayV2::Authorizer",
        "aws_apigatewayv2_authorizer",
        &[
            ("api_id", Of("ApiId")),
            ("name", Of("Name")),
            ("authorizer_type", Of("AuthorizerType")),
            ("authorizer_uri", Of("AuthorizerUri")),
            ("identity_sources", Of("IdentitySource")),
            (
                "jwt_configuration",
                Block(&[
                    ("issuer", Of("JwtConfiguration/Issuer")),
                    ("audience", Of("JwtConfiguration/Audience")),
                ]),
            ),
        ],
    ),
    (
        "AWS::ApiGatewayV2::Route",
        "aws_apigatewayv2_route",
        &[
            ("api_id", Of("ApiId")),
            ("route_key", Of("RouteKey")),
            ("authorization_type", Or("AuthorizationType", "NONE")),
            ("authorizer_id", Of("AuthorizerId")),
            ("authorization_scopes", Of("AuthorizationScopes")),
            ("target", Of("Target")),
        ],
    ),
    (
        "AWS::ApiGatewayV2::Integration",
        "aws_apigatewayv2_integration",
        &[
            ("api_id", Of("ApiId")),
            ("integration_type", Of("IntegrationType")),
            ("integration_uri", Of("IntegrationUri")),
        ],
    ),
    (
        "AWS::ApiGatewayV2::Stage",
        "aws_apigatewayv2_stage",
        &[("api_id", Of("ApiId")), ("name", Id)],
    ),
    (
        "AWS::ApiGateway::RestApi",
        "aws_api_gateway_rest_api",
        &[
            ("name", Of("Name")),
            ("root_resource_id", Get("RootResourceId")),
            ("policy", Document("Policy")),
        ],
    ),
    (
        "AWS::ApiGateway::Resource",
        "aws_api_gateway_resource",
        &[
            ("rest_api_id", Of("RestApiId")),
            ("parent_id", Of("ParentId")),
            ("path_part", Of("PathPart")),
        ],
    ),
    (
        "AWS::ApiGateway::Method",
        "aws_api_gateway_method",
        &[
            ("rest_api_id", Of("RestApiId")),
            ("resource_id", Of("ResourceId")),
            ("http_method", Of("HttpMethod")),
            ("authorization", Or("AuthorizationType", "NONE")),
            ("authorizer_id", Of("AuthorizerId")),
            ("authorization_scopes", Of("AuthorizationScopes")),
            ("api_key_required", Flag("ApiKeyRequired")),
        ],
    ),
    (
        "AWS::ApiGateway::Authorizer",
        "aws_api_gateway_authorizer",
        &[
            ("rest_api_id", Of("RestApiId")),
            ("name", Of("Name")),
            ("type", Of("Type")),
            ("authorizer_uri", Of("AuthorizerUri")),
            ("provider_arns", Of("ProviderARNs")),
        ],
    ),
    (
        "AWS::ApiGateway::Stage",
        "aws_api_gateway_stage",
        &[
            ("rest_api_id", Of("RestApiId")),
            ("stage_name", Id),
            ("deployment_id", Of("DeploymentId")),
        ],
    ),
    (
        "AWS::ApiGateway::Deployment",
        "aws_api_gateway_deployment",
        &[("rest_api_id", Of("RestApiId"))],
    ),
    ("AWS::S3::Bucket", "aws_s3_bucket", &[("bucket", Id), ("arn", Get("Arn"))]),
    (
        "AWS::S3::BucketPolicy",
        "aws_s3_bucket_policy",
        &[("bucket", Of("Bucket")), ("policy", Document("PolicyDocument"))],
    ),
    (
        "AWS::S3::AccessPoint",
        "aws_s3_access_point",
        &[("name", Id), ("arn", Get("Arn")), ("policy", Document("Policy"))],
    ),
    (
        "AWS::SSM::Parameter",
        "aws_ssm_parameter",
        &[
            ("name", Id),
            ("type", Or("Type", "String")),
            ("value", Of("Value")),
            ("arn", Arn("ssm", "parameter")),
        ],
    ),
    (
        "AWS::SecretsManager::Secret",
        "aws_secretsmanager_secret",
        &[("arn", Id), ("name", Of("Name"))],
    ),
    (
        "AWS::SecretsManager::ResourcePolicy",
        "aws_secretsmanager_secret_policy",
        &[("secret_arn", Of("SecretId")), ("policy", Document("ResourcePolicy"))],
    ),
    (
        "AWS::KMS::Key",
        "aws_kms_key",
        &[("key_id", Id), ("arn", Get("Arn")), ("policy", Document("KeyPolicy"))],
    ),
    ("AWS::KMS::Alias", "aws_kms_alias", &[("name", Id), ("target_key_id", Of("TargetKeyId"))]),
    (
        "AWS::SQS::Queue",
        "aws_sqs_queue",
        &[("url", Id), ("arn", Get("Arn")), ("name", Get("QueueName"))],
    ),
    (
        "AWS::SQS::QueueInlinePolicy",
        "aws_sqs_queue_policy",
        &[("queue_url", Of("Queue")), ("policy", Document("PolicyDocument"))],
    ),
    ("AWS::SNS::Topic", "aws_sns_topic", &[("arn", Id), ("name", Get("TopicName"))]),
    (
        "AWS::SNS::TopicInlinePolicy",
        "aws_sns_topic_policy",
        &[("arn", Of("TopicArn")), ("policy", Document("PolicyDocument"))],
    ),
    (
        "AWS::SNS::Subscription",
        "aws_sns_topic_subscription",
        &[
            ("arn", Id),
            ("topic_arn", Of("TopicArn")),
            ("protocol", Of("Protocol")),
            ("endpoint", Of("Endpoint")),
        ],
    ),
    (
        "AWS::Logs::LogGroup",
        "aws_cloudwatch_log_group",
        &[("name", Id), ("arn", Get("Arn")), ("retention_in_days", Number("RetentionInDays"))],
    ),
    (
        "AWS::Logs::ResourcePolicy",
        "aws_cloudwatch_log_resource_policy",
        &[("policy_name", Of("PolicyName")), ("policy_document", Document("PolicyDocument"))],
    ),
    ("AWS::DynamoDB::Table", "aws_dynamodb_table", &[("name", Id), ("arn", Get("Arn"))]),
    ("AWS::ECR::Repository", "aws_ecr_repository", &[("name", Id), ("arn", Get("Arn"))]),
    (
        "AWS::ECR::RegistryPolicy",
        "aws_ecr_registry_policy",
        &[("registry_id", Id), ("policy", Document("PolicyText"))],
    ),
    ("AWS::Events::EventBus", "aws_cloudwatch_event_bus", &[("name", Id), ("arn", Get("Arn"))]),
    ("AWS::Events::Rule", "aws_cloudwatch_event_rule", &[("name", Id), ("arn", Get("Arn"))]),
    ("AWS::Kinesis::Stream", "aws_kinesis_stream", &[("name", Id), ("arn", Get("Arn"))]),
    (
        "AWS::Kinesis::ResourcePolicy",
        "aws_kinesis_resource_policy",
        &[("resource_arn", Of("ResourceArn")), ("policy", Document("ResourcePolicy"))],
    ),
    ("AWS::EFS::FileSystem", "aws_efs_file_system", &[("arn", Get("Arn"))]),
    (
        "AWS::StepFunctions::StateMachine",
        "aws_sfn_state_machine",
        &[("arn", Id), ("name", Get("Name")), ("role_arn", Of("RoleArn"))],
    ),
    (
        "AWS::Cognito::UserPool",
        "aws_cognito_user_pool",
        &[("arn", Get("Arn")), ("endpoint", Get("ProviderName"))],
    ),
    (
        "AWS::Cognito::UserPoolClient",
        "aws_cognito_user_pool_client",
        &[("user_pool_id", Of("UserPoolId"))],
    ),
    (
        "AWS::EC2::VPC",
        "aws_vpc",
        &[
            ("arn", Arn("ec2", "vpc/")),
            ("cidr_block", Of("CidrBlock")),
            ("main_route_table_id", Get(MAIN_TABLE)),
            ("default_route_table_id", Get(MAIN_TABLE)),
            ("default_network_acl_id", Get("DefaultNetworkAcl")),
            ("default_security_group_id", Get("DefaultSecurityGroup")),
        ],
    ),
    (
        "AWS::EC2::Subnet",
        "aws_subnet",
        &[
            ("arn", Arn("ec2", "subnet/")),
            ("vpc_id", Of("VpcId")),
            ("cidr_block", Of("CidrBlock")),
            ("availability_zone", Get("AvailabilityZone")),
            ("map_public_ip_on_launch", Flag("MapPublicIpOnLaunch")),
        ],
    ),
    (
        "AWS::EC2::RouteTable",
        "aws_route_table",
        &[("arn", Arn("ec2", "route-table/")), ("vpc_id", Of("VpcId"))],
    ),
    (
        "AWS::EC2::Route",
        "aws_route",
        &[
            ("route_table_id", Of("RouteTableId")),
            ("destination_cidr_block", Of("DestinationCidrBlock")),
            ("destination_ipv6_cidr_block", Of("DestinationIpv6CidrBlock")),
            ("destination_prefix_list_id", Of("DestinationPrefixListId")),
            ("gateway_id", Of("GatewayId")),
            ("nat_gateway_id", Of("NatGatewayId")),
            ("egress_only_gateway_id", Of("EgressOnlyInternetGatewayId")),
            ("vpc_endpoint_id", Of("VpcEndpointId")),
            ("network_interface_id", Of("NetworkInterfaceId")),
            ("transit_gateway_id", Of("TransitGatewayId")),
            ("vpc_peering_connection_id", Of("VpcPeeringConnectionId")),
            ("local_gateway_id", Of("LocalGatewayId")),
            ("carrier_gateway_id", Of("CarrierGatewayId")),
            ("core_network_arn", Of("CoreNetworkArn")),
        ],
    ),
    (
        "AWS::EC2::SubnetRouteTableAssociation",
        "aws_route_table_association",
        &[("subnet_id", Of("SubnetId")), ("route_table_id", Of("RouteTableId"))],
    ),
    (
        "AWS::EC2::InternetGateway",
        "aws_internet_gateway",
        &[("arn", Arn("ec2", "internet-gateway/"))],
    ),
    (
        "AWS::EC2::EgressOnlyInternetGateway",
        "aws_egress_only_internet_gateway",
        &[("vpc_id", Of("VpcId"))],
    ),
    (
        "AWS::EC2::VPCGatewayAttachment",
        "aws_internet_gateway_attachment",
        &[("vpc_id", Of("VpcId")), ("internet_gateway_id", Of("InternetGatewayId"))],
    ),
    ("AWS::EC2::EIP", "aws_eip", &[("allocation_id", Get("AllocationId"))]),
    (
        "AWS::EC2::NatGateway",
        "aws_nat_gateway",
        &[
            ("subnet_id", Of("SubnetId")),
            ("allocation_id", Of("AllocationId")),
            ("connectivity_type", Or("ConnectivityType", "public")),
        ],
    ),
    (
        "AWS::EC2::VPCEndpoint",
        "aws_vpc_endpoint",
        &[
            ("arn", Arn("ec2", "vpc-endpoint/")),
            ("vpc_id", Of("VpcId")),
            ("service_name", Of("ServiceName")),
            ("vpc_endpoint_type", Or("VpcEndpointType", "Gateway")),
            ("policy", Document("PolicyDocument")),
            ("route_table_ids", Of("RouteTableIds")),
            ("subnet_ids", Of("SubnetIds")),
            ("security_group_ids", Of("SecurityGroupIds")),
            ("private_dns_enabled", Flag("PrivateDnsEnabled")),
        ],
    ),
    ("AWS::EC2::NetworkAcl", "aws_network_acl", &[("vpc_id", Of("VpcId"))]),
    (
        "AWS::EC2::SubnetNetworkAclAssociation",
        "aws_network_acl_association",
        &[("subnet_id", Of("SubnetId")), ("network_acl_id", Of("NetworkAclId"))],
    ),
    (
        "AWS::EC2::NetworkAclEntry",
        "aws_network_acl_rule",
        &[
            ("network_acl_id", Of("NetworkAclId")),
            ("egress", Flag("Egress")),
            ("rule_number", Number("RuleNumber")),
            ("rule_action", Of("RuleAction")),
            ("protocol", Of("Protocol")),
            ("cidr_block", Of("CidrBlock")),
            ("ipv6_cidr_block", Of("Ipv6CidrBlock")),
            ("from_port", Number("PortRange/Source")),
            ("to_port", Number("PortRange/To")),
            ("icmp_type", Number("Icmp/Type")),
            ("icmp_code", Number("Icmp/Code")),
        ],
    ),
    (
        "AWS::CloudFormation::Stack",
        "aws_cloudformation_stack",
        &[("template_url", Of("TemplateURL"))],
    ),
];
