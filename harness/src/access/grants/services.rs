//! What requests a grant is about, by the type of the resource that makes it.

use ringfence_models::Partition;

use crate::lint::known::Node;
use crate::lint::terraform::Resource;

/// A type of the provider and one of a template, by how their names begin, and the
/// services, or the actions, that what they grant is about. The first that fits counts.
/// What is not here may be about any service.
const SERVICES: [(&str, &str, &[&str]); 62] = [
    ("aws_acmpca_", "AWS::ACMPCA::", &["acm-pca"]),
    ("aws_acm_", "AWS::CertificateManager::", &["acm"]),
    ("aws_api_gateway_", "AWS::ApiGateway", &["execute-api", "apigateway"]),
    ("aws_athena_", "AWS::Athena::", &["s3"]),
    ("aws_backup_vault_", "AWS::Backup::", &["backup"]),
    ("aws_cloud9_", "AWS::Cloud9::", &["cloud9"]),
    ("aws_cloudsearch_", "", &["cloudsearch"]),
    ("aws_cloudwatch_event_", "AWS::Events::", &["events"]),
    ("aws_cloudwatch_log_", "AWS::Logs::", &["logs"]),
    ("aws_codeartifact_", "AWS::CodeArtifact::", &["codeartifact"]),
    ("aws_codebuild_resource_policy", "AWS::CodeBuild::", &["codebuild"]),
    ("aws_dataexchange_", "AWS::DataExchange::", &["dataexchange", "s3", "kms"]),
    ("aws_dynamodb_", "AWS::DynamoDB::", &["dynamodb"]),
    ("aws_ecrpublic_", "AWS::ECR::PublicRepository", &["ecr-public"]),
    ("aws_ecr_", "AWS::ECR::", &["ecr"]),
    ("aws_efs_", "AWS::EFS::", &["elasticfilesystem"]),
    ("aws_elasticsearch_", "AWS::Elasticsearch::", &["es"]),
    ("aws_elastictranscoder_", "", &["s3"]),
    ("aws_glacier_", "", &["glacier"]),
    ("aws_glue_", "AWS::Glue::", &["glue", "lakeformation", "s3"]),
    ("aws_iot_", "AWS::IoT::", &["iot", "s3"]),
    ("aws_kinesis_", "AWS::Kinesis::", &["kinesis"]),
    // https://docs.aws.amazon.com/kms/latest/developerguide/grants.html#terms-grant-operations
    (
        "aws_kms_grant",
        "",
        &[
            "kms:CreateGrant",
            "kms:Decrypt",
            "kms:DeriveSharedSecret",
            "kms:DescribeKey",
            "kms:Encrypt",
            "kms:GenerateDataKey*",
            "kms:GenerateMac",
            "kms:GetPublicKey",
            "kms:ReEncrypt*",
            "kms:RetireGrant",
            "kms:Sign",
            "kms:Verify*",
        ],
    ),
    ("aws_kms_", "AWS::KMS::", &["kms"]),
    ("aws_lakeformation_", "AWS::LakeFormation::", &["lakeformation", "glue", "s3"]),
    // "The API action that grants access to the layer": `lambda:GetLayerVersion`
    // (https://docs.aws.amazon.com/lambda/latest/api/API_AddLayerVersionPermission.html).
    (
        "aws_lambda_layer_version_permission",
        "AWS::Lambda::LayerVersionPermission",
        &["lambda:GetLayerVersion"],
    ),
    ("aws_lambda_", "AWS::Lambda::", &["lambda"]),
    ("aws_licensemanager_", "AWS::LicenseManager::", &["license-manager"]),
    ("aws_media_store_", "AWS::MediaStore::", &["mediastore"]),
    ("aws_medialive_", "AWS::MediaLive::", &["s3"]),
    ("aws_msk_", "AWS::MSK::", &["kafka", "kafka-cluster"]),
    ("aws_networkfirewall_", "AWS::NetworkFirewall::", &["network-firewall"]),
    ("aws_oam_", "AWS::Oam::", &["oam"]),
    ("aws_opensearch_", "AWS::OpenSearchService::", &["es"]),
    ("aws_opsworks_", "", &["opsworks"]),
    ("aws_organizations_", "AWS::Organizations::", &["organizations"]),
    ("aws_quicksight_", "AWS::QuickSight::", &["quicksight"]),
    ("aws_redshiftserverless_", "AWS::RedshiftServerless::", &["redshift-serverless"]),
    ("aws_redshift_", "AWS::Redshift::", &["redshift"]),
    ("aws_s3tables_", "AWS::S3Tables::", &["s3tables"]),
    ("aws_s3control_", "AWS::S3::Access", ALL_OF_S3),
    ("aws_s3control_", "AWS::S3::MultiRegion", ALL_OF_S3),
    ("aws_s3control_", "AWS::S3Express::", ALL_OF_S3),
    ("aws_s3control_", "AWS::S3ObjectLambda::", ALL_OF_S3),
    ("aws_s3control_", "AWS::S3Outposts::", ALL_OF_S3),
    ("aws_s3_", "AWS::S3::", &["s3", "s3express", "s3-object-lambda"]),
    ("aws_sagemaker_model_package_", "AWS::SageMaker::", &["sagemaker"]),
    ("aws_schemas_", "AWS::EventSchemas::", &["schemas"]),
    ("aws_secretsmanager_", "AWS::SecretsManager::", &["secretsmanager"]),
    ("aws_securitylake_", "AWS::SecurityLake::", &["s3", "lakeformation", "glue", "sqs"]),
    ("aws_ses_", "AWS::SES::", &["ses"]),
    ("aws_sesv2_", "AWS::SES::", &["ses"]),
    ("aws_signer_", "AWS::Signer::", &["signer"]),
    ("aws_sns_", "AWS::SNS::", &["sns"]),
    ("aws_sqs_", "AWS::SQS::", &["sqs"]),
    ("aws_storagegateway_", "", &["s3"]),
    ("aws_vpclattice_", "AWS::VpcLattice::", &["vpc-lattice", "vpc-lattice-svcs"]),
    ("aws_xray_", "AWS::XRay::", &["xray"]),
    ("", "AWS::Serverless::Api", &["execute-api", "apigateway"]),
    ("", "AWS::Serverless::HttpApi", &["execute-api", "apigateway"]),
    ("", "AWS::Bedrock", &["bedrock", "bedrock-agentcore"]),
    ("", "AWS::Route53Resolver::", &["route53resolver"]),
];

const ALL_OF_S3: &[&str] = &["s3", "s3express", "s3-object-lambda", "s3-outposts"];

/// The actions that what a type grants may be about, as a policy has them.
pub(super) fn actions(kind: &str) -> Vec<String> {
    let begins = |before: &str| !before.is_empty() && kind.starts_with(before);
    let found = SERVICES.iter().find(|(one, other, _)| begins(one) || begins(other));
    let all = found.map_or(&["*"][..], |(.., services)| services);
    let whole = |one: &&str| match one.contains([':', '*']) {
        true => (*one).to_owned(),
        false => format!("{one}:*"),
    };
    all.iter().map(whole).collect()
}

/// Anything.
pub(super) fn anything() -> Vec<String> {
    vec!["*".to_owned()]
}

/// What requests a resource's grants may be on: a bucket's policy is about the bucket and
/// its objects, whatever it says
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-policies.html>). That of a
/// directory bucket, whose name has an ending of its own, is about ARNs of `s3express`
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-express-security-iam-identity-policies.html>).
pub(super) fn on(resource: &Resource) -> Vec<String> {
    let text = |name| resource.values.get(name).and_then(Node::text);
    let bucket = match resource.kind.as_str() {
        "aws_s3_bucket" | "aws_s3_bucket_policy" => {
            text("bucket").filter(|it| !it.is_empty() && !it.ends_with("--x-s3"))
        }
        _ => None,
    };
    // Each partition by its name: in a pattern `*` is any text, colons too.
    let of = |name: &str| {
        let partitions = Partition::all().iter().map(|one| one.id);
        let all = partitions
            .flat_map(|id| [format!("arn:{id}:s3:::{name}"), format!("arn:{id}:s3:::{name}/*")]);
        all.collect()
    };
    bucket.map_or_else(anything, of)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::lint::known::{Member, Value};

    #[rstest]
    #[case("aws_ecr_repository_policy", &["ecr:*"])]
    #[case("AWS::ECR::Repository", &["ecr:*"])]
    #[case("AWS::ECR::PublicRepository", &["ecr-public:*"])]
    #[case("aws_ecrpublic_repository_policy", &["ecr-public:*"])]
    #[case("AWS::S3::AccessGrant", &["s3:*", "s3express:*", "s3-object-lambda:*", "s3-outposts:*"])]
    #[case("AWS::ApiGatewayV2::Api", &["execute-api:*", "apigateway:*"])]
    #[case("AWS::LakeFormation::Permissions", &["lakeformation:*", "glue:*", "s3:*"])]
    #[case("aws_lambda_layer_version_permission", &["lambda:GetLayerVersion"])]
    #[case("AWS::Lambda::Permission", &["lambda:*"])]
    #[case("AWS::RAM::Permission", &["*"])]
    #[case("AWS::CloudFormation::Stack", &["*"])]
    #[case("aws_nebula_policy", &["*"])]
    fn a_type_of_the_provider_and_its_twin_of_a_template_are_about_the_same(
        #[case] kind: &str,
        #[case] expected: &[&str],
    ) {
        assert_eq!(actions(kind), expected);
    }

    /// What is in a directory bucket has ARNs of another service.
    #[test]
    fn the_policy_of_a_directory_bucket_may_be_about_anything() {
        let on = |bucket: &str| {
            let at = crate::lint::known::Place { line: 1, column: 1 };
            let value = Node::new(at, Value::Text(bucket.to_owned()));
            let member = Member { at, key: "bucket".to_owned(), value };
            on(&Resource {
                address: "aws_s3_bucket_policy.b".to_owned(),
                kind: "aws_s3_bucket_policy".to_owned(),
                is_data: false,
                values: Node::new(at, Value::Map(vec![member])),
            })
        };
        assert_eq!(on("data--euw1-az1--x-s3"), ["*"]);
        assert_eq!(on("data")[..2], ["arn:aws:s3:::data", "arn:aws:s3:::data/*"]);
    }

    /// A service that is in no reference would grant nothing.
    #[test]
    fn each_service_is_one_of_the_reference() {
        for (one, other, services) in SERVICES {
            for service in services {
                let prefix = service.split(':').next().unwrap();
                assert!(
                    ringfence_models::actions::of(prefix).is_some(),
                    "{one} {other}: {service}"
                );
            }
        }
    }
}
