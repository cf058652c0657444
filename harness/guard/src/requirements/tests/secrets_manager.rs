//! Secrets Manager.

use ringfence_wire::Service;
use rstest::rstest;
use serde_json::{Value, json};

use super::expect;

#[rstest]
#[case::a_new_secret(
    "CreateSecret", json!({"Name": "app/x", "Tags": [{"Key": "k", "Value": "v"}]}),
    &[
        "secretsmanager:CreateSecret \
         arn:aws:secretsmanager:eu-west-1:123456789012:secret:app/x-?????? (app/x) \
         aws:requesttag/k=v aws:tagkeys=[k] secretsmanager:name=app/x",
        "secretsmanager:TagResource \
         arn:aws:secretsmanager:eu-west-1:123456789012:secret:app/x-?????? (app/x) \
         aws:requesttag/k=v aws:tagkeys=[k]",
    ])]
#[case::a_new_secret_with_replicas(
    "CreateSecret",
    json!({"Name": "app/x", "AddReplicaRegions": [{"Region": "eu-central-1"}]}),
    &[
        "secretsmanager:CreateSecret \
         arn:aws:secretsmanager:eu-west-1:123456789012:secret:app/x-?????? (app/x) \
         secretsmanager:addreplicaregions=[eu-central-1] secretsmanager:name=app/x",
        "secretsmanager:ReplicateSecretToRegions \
         arn:aws:secretsmanager:eu-west-1:123456789012:secret:app/x-?????? (app/x) \
         secretsmanager:addreplicaregions=[eu-central-1]",
    ])]
#[case::by_name(
    "GetSecretValue", json!({"SecretId": "db", "VersionStage": "AWSCURRENT"}),
    &["secretsmanager:GetSecretValue \
       arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdEf aws:resourcetag/team=a \
       secretsmanager:resourcetag/team=a secretsmanager:secretid=db \
       secretsmanager:versionstage=AWSCURRENT ^SECRET"])]
#[case::a_batch_needs_each(
    "BatchGetSecretValue", json!({"SecretIdList": ["db", "gone"]}),
    &[
        "secretsmanager:BatchGetSecretValue *",
        "secretsmanager:GetSecretValue \
         arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdEf aws:resourcetag/team=a \
         secretsmanager:resourcetag/team=a secretsmanager:secretid=db ^SECRET",
        "secretsmanager:GetSecretValue \
         arn:aws:secretsmanager:eu-west-1:123456789012:secret:gone-?????? (gone) \
         secretsmanager:secretid=gone",
    ])]
#[case::rotation_invokes_the_function(
    "RotateSecret", json!({"SecretId": "new", "RotationLambdaARN": "arn:fn", "RotationRules": {}}),
    &[
        "secretsmanager:RotateSecret \
         arn:aws:secretsmanager:eu-west-1:123456789012:secret:new-?????? (new) \
         secretsmanager:modifyrotationrules=true secretsmanager:rotationlambdaarn=arn:fn \
         secretsmanager:secretid=new",
        "lambda:InvokeFunction arn:fn",
    ])]
#[case::listing("ListSecrets", json!({}), &["secretsmanager:ListSecrets *"])]
#[tokio::test]
async fn secrets_manager_requires(
    #[case] operation: &str,
    #[case] input: Value,
    #[case] expected: &[&str],
) {
    expect(Service::SecretsManager, operation, input, expected).await;
}
