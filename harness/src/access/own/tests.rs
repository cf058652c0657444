//! What policies are about.

use std::sync::Arc;

use ringfence_policy::{Context, Document, Policies, Principal, Request, judge};
use rstest::rstest;
use serde_json::{Value as Json, json};

use super::*;
use crate::access::templates::Place;
use crate::lint::read::{Read, read};

fn resource(kind: &str, values: &Json) -> Resource {
    let Ok(Read::Other(values)) = read(&values.to_string()) else { panic!("no values") };
    let address = format!("{kind}.one");
    Resource { address, kind: kind.to_owned(), is_data: false, values }
}

const ROLE: &str = "arn:aws:iam::123456789012:role/app";

fn allows(policy: &Arc<Document>, action: &str, resource: &str) -> bool {
    let principal = Principal::User { arn: ROLE.replace("role", "user") };
    let policies = Policies { resource: Some(policy.clone()), ..Policies::default() };
    let context = &Context::new();
    let request =
        Request { principal: &principal, action, resource, resource_account: None, context };
    judge(&request, &policies).allowed()
}

fn policy(action: &str, resource: &str) -> Arc<Document> {
    let text = json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow",
        "Principal": {"AWS": ROLE.replace("role", "user")}, "Action": action,
        "Resource": resource}});
    Arc::new(Document::parse("p", &text.to_string(), Kind::Resource).unwrap())
}

/// The policy of a resource, as the estate binds it.
fn of_estate(one: Resource, more: Vec<Resource>, own: Arc<Document>) -> Arc<Document> {
    let mut estate = Estate::default();
    let name = one.address.clone();
    estate.entry(&name).policies.resource = Some(own);
    estate.resources.push(one);
    estate.resources.extend(more);
    estate.bind();
    estate.entries[&name].policies.resource.clone().unwrap()
}

const SQS: &str = "arn:aws:sqs:eu-west-1:123456789012";
const SNS: &str = "arn:aws:sns:eu-west-1:123456789012";
const KMS: &str = "arn:aws:kms:eu-west-1:123456789012:key";

#[rstest]
#[case::key("aws_kms_key", json!({"arn": format!("{KMS}/k1")}), "kms:Decrypt", "kms/k")]
#[case::key_by_its_id("aws_kms_key_policy", json!({"key_id": "k1"}), "kms:Decrypt", "kms/k")]
#[case::queue("aws_sqs_queue", json!({"arn": format!("{SQS}:q1")}), "sqs:SendMessage", "sqs/q")]
#[case::queue_by_its_url(
    "aws_sqs_queue_policy",
    json!({"queue_url": "https://sqs.eu-west-1.amazonaws.com/123456789012/q1"}),
    "sqs:SendMessage",
    "sqs/q"
)]
#[case::topic("aws_sns_topic_policy", json!({"arn": format!("{SNS}:t1")}), "sns:Publish", "sns/t")]
fn a_policy_is_about_its_own_resource(
    #[case] kind: &str,
    #[case] values: Json,
    #[case] action: &str,
    #[case] named: &str,
) {
    let on = |number: u8| match named.split_once('/').unwrap() {
        ("kms", name) => format!("{KMS}/{name}{number}"),
        ("sns", name) => format!("{SNS}:{name}{number}"),
        (_, name) => format!("{SQS}:{name}{number}"),
    };
    let all = of_estate(resource(kind, &values), Vec::new(), policy("*", "*"));
    assert!(allows(&all, action, &on(1)));
    assert!(!allows(&all, action, &on(2)));
    // Where a key of an id is, the id does not say.
    let elsewhere = on(1).replace("eu-west-1", "us-east-1");
    assert_eq!(allows(&all, action, &elsewhere), kind == "aws_kms_key_policy");
    assert!(!allows(&all, "s3:PutObject", "arn:aws:s3:::data/x"));
}

const HERE: &str = "eu-west-1:123456789012";

/// By the name that its policy has of it, whether the other is in the files or not.
#[rstest]
#[case::bus(
    "aws_cloudwatch_event_bus_policy",
    "event_bus_name",
    "aws_cloudwatch_event_bus",
    "name",
    "events",
    "event-bus/"
)]
#[case::rule("aws_cloudwatch_event_bus_policy", "event_bus_name", "", "", "events", "rule/")]
#[case::api(
    "aws_api_gateway_rest_api_policy",
    "rest_api_id",
    "aws_api_gateway_rest_api",
    "id",
    "execute-api",
    ""
)]
#[case::file_system(
    "aws_efs_file_system_policy",
    "file_system_id",
    "aws_efs_file_system",
    "id",
    "elasticfilesystem",
    "file-system/"
)]
#[case::destination(
    "aws_cloudwatch_log_destination_policy",
    "destination_name",
    "aws_cloudwatch_log_destination",
    "name",
    "logs",
    "destination:"
)]
#[case::public_repository(
    "aws_ecrpublic_repository_policy",
    "repository_name",
    "",
    "",
    "ecr-public",
    "repository/"
)]
#[case::elasticsearch("aws_elasticsearch_domain_policy", "domain_name", "", "", "es", "domain/")]
#[case::opensearch(
    "aws_opensearch_domain_policy",
    "domain_name",
    "aws_opensearch_domain",
    "domain_name",
    "es",
    "domain/"
)]
#[case::vault("aws_glacier_vault_lock", "vault_name", "", "", "glacier", "vaults/")]
#[case::models(
    "aws_sagemaker_model_package_group_policy",
    "model_package_group_name",
    "",
    "",
    "sagemaker",
    "model-package-group/"
)]
#[case::versions_of_models(
    "aws_sagemaker_model_package_group_policy",
    "model_package_group_name",
    "",
    "",
    "sagemaker",
    "model-package/"
)]
#[case::registry("aws_schemas_registry_policy", "registry_name", "", "", "schemas", "registry/")]
#[case::schema("aws_schemas_registry_policy", "registry_name", "", "", "schemas", "schema/")]
#[case::sender("aws_ses_identity_policy", "identity", "", "", "ses", "identity/")]
fn a_policy_of_another_is_about_that(
    #[case] kind: &str,
    #[case] attribute: &str,
    #[case] other: &str,
    #[case] by: &str,
    #[case] service: &str,
    #[case] before: &str,
) {
    let arn = |name: &str| format!("arn:aws:{service}:{HERE}:{before}{name}");
    let action = format!("{service}:X");
    let one = resource(kind, &json!({attribute: "one"}));
    let own = policy("*", "*");
    let all = of_estate(one.clone(), Vec::new(), own.clone());
    for end in ["", "/x"] {
        let is_part = ["rule/", "model-package/", "schema/"].contains(&before);
        if !is_part || !end.is_empty() {
            assert!(allows(&all, &action, &format!("{}{end}", arn("one"))), "{end}");
        }
        assert!(!allows(&all, &action, &format!("{}{end}", arn("two"))), "{end}");
    }
    assert!(!allows(&all, "s3:PutObject", "arn:aws:s3:::data/x"));
    if other.is_empty() {
        return;
    }
    // Of one that is in the files, its ARN.
    let found = json!({by: "one", arn_of(other): arn("one")});
    let known = of_estate(one, vec![resource(other, &found)], own);
    assert!(allows(&known, &action, &arn("one")));
    assert!(!allows(&known, &action, &arn("two")));
    assert!(!allows(&known, &action, &arn("one").replace("eu-west-1", "us-east-1")));
    assert!(allows(&all, &action, &arn("one").replace("eu-west-1", "us-east-1")));
}

/// The bus that is not named is the account's own.
#[test]
fn a_policy_of_no_bus_is_of_the_default_one() {
    let all = of_estate(
        resource("aws_cloudwatch_event_bus_policy", &json!({})),
        Vec::new(),
        policy("*", "*"),
    );
    let may = |on: &str| allows(&all, "events:PutEvents", &format!("arn:aws:events:{HERE}:{on}"));
    assert!(may("event-bus/default"));
    assert!(may("rule/x"));
    assert!(!may("event-bus/other"));
}

/// In short, what is called is of the API itself.
#[test]
fn the_policy_of_an_api_may_name_it_in_short() {
    let api = resource(
        API,
        &json!({"id": "a1", "execution_arn": format!("arn:aws:execute-api:{HERE}:a1")}),
    );
    let of = resource("aws_api_gateway_rest_api_policy", &json!({"rest_api_id": "a1"}));
    let of_another = resource("aws_api_gateway_rest_api_policy", &json!({"rest_api_id": "b1"}));
    let topic = resource("aws_sns_topic", &json!({"arn": format!("{SNS}:t")}));
    let text = r#"{"Resource": ["execute-api:/*", "execute-api:/prod/GET/x"]}"#;
    let place = crate::lint::known::Place { line: 1, column: 1 };
    let node = Node::new(place, Value::Text(text.to_owned()));
    let told =
        |one: &Resource| whole(one, std::slice::from_ref(&api), &node).text().unwrap().to_owned();
    let expected = |arn: &str| text.replace("execute-api:/", &format!("{arn}/"));
    assert_eq!(told(&api), expected(&format!("arn:aws:execute-api:{HERE}:a1")));
    assert_eq!(told(&of), expected(&format!("arn:aws:execute-api:{HERE}:a1")));
    assert_eq!(told(&of_another), expected("arn:*:execute-api:*:*:b1"));
    assert_eq!(told(&topic), text);
}

#[test]
fn a_policy_that_names_another_resource_is_not_about_that() {
    let queue = || resource("aws_sqs_queue", &json!({"arn": format!("{SQS}:q")}));
    let on = |name: &str| {
        let own = policy("sqs:SendMessage", &format!("{SQS}:{name}"));
        let all = of_estate(queue(), Vec::new(), own);
        allows(&all, "sqs:SendMessage", &format!("{SQS}:{name}"))
    };
    assert!(on("q"));
    assert!(!on("secret"));
}

#[test]
fn a_policy_of_what_has_a_name_of_its_own_is_about_that() {
    let queue = json!({"arn": format!("{SQS}:q"), "url": "http://localhost:4566/0/q"});
    let of = json!({"queue_url": "http://localhost:4566/0/q"});
    let one = resource("aws_sqs_queue_policy", &of);
    let own = policy("sqs:*", "*");
    let all = of_estate(one.clone(), vec![resource("aws_sqs_queue", &queue)], own.clone());
    assert!(allows(&all, "sqs:SendMessage", &format!("{SQS}:q")));
    assert!(!allows(&all, "sqs:SendMessage", &format!("{SQS}:secret")));
    // Of which queue it is, nobody knows: it may be any.
    let any = of_estate(one, Vec::new(), own);
    assert!(allows(&any, "sqs:SendMessage", &format!("{SQS}:secret")));
}

/// What says no more is as it was.
#[test]
fn a_policy_of_its_own_resource_is_kept_as_it_is() {
    let own = policy("sqs:SendMessage", &format!("{SQS}:q"));
    let queue = resource("aws_sqs_queue", &json!({"arn": format!("{SQS}:q")}));
    assert_eq!(of_estate(queue, Vec::new(), own.clone()).text(), own.text());
    let bucket = resource("aws_s3_bucket_policy", &json!({"bucket": "b"}));
    let own = policy("s3:*", "arn:aws:s3:::b/*");
    assert_eq!(of_estate(bucket, Vec::new(), own.clone()).text(), own.text());
}

/// The policy of `P` of a template, whose properties and what else there is are these.
fn of_template(kind: &str, properties: &str, others: &str) -> Arc<Document> {
    let statement = format!(
        "{{Statement: [{{Effect: Allow, Principal: {{AWS: '{}'}}, Action: '*', Resource: '*'}}]}}",
        ROLE.replace("role", "user")
    );
    let properties = properties.replace("POLICY", &statement);
    let text =
        format!("Resources:\n  P: {{Type: '{kind}', Properties: {{{properties}}}}}\n{others}");
    let Ok(Read::Template { root, .. }) = read(&text) else { panic!("no template: {text}") };
    let place = Place {
        partition: "aws".to_owned(),
        account: "123456789012".to_owned(),
        region: Some("eu-west-1".to_owned()),
    };
    let mut estate = Estate::default();
    crate::access::templates::add(&root, &place, &mut estate).unwrap();
    estate.entries["Resources.P"].policies.resource.clone().unwrap()
}

const QUEUE: &str = "  Q: {Type: 'AWS::SQS::Queue', Properties: {QueueName: q}}\n";
const TOPIC: &str = "  T: {Type: 'AWS::SNS::Topic', Properties: {TopicName: q}}\n";
const STREAM: &str = "  S: {Type: 'AWS::Kinesis::Stream', Properties: {Name: q}}\n";

/// By whatever the template names it, and whether it has a name of its own or not.
#[rstest]
#[case::queue(
    "AWS::SQS::QueuePolicy",
    "Queues: [!Ref Q], PolicyDocument: POLICY",
    QUEUE,
    "sqs",
    "q"
)]
#[case::queue_by_its_arn(
    "AWS::SQS::QueueInlinePolicy",
    "Queue: !GetAtt Q.QueueUrl, PolicyDocument: POLICY",
    QUEUE,
    "sqs",
    "q"
)]
#[case::queue_by_its_url(
    "AWS::SQS::QueueInlinePolicy",
    "Queue: 'https://sqs.eu-west-1.amazonaws.com/123456789012/q', PolicyDocument: POLICY",
    "",
    "sqs",
    "q"
)]
#[case::queue_without_a_name(
    "AWS::SQS::QueuePolicy",
    "Queues: [!Ref Q], PolicyDocument: POLICY",
    "  Q: {Type: 'AWS::SQS::Queue'}\n",
    "sqs",
    "stack-Q-1ABC"
)]
#[case::topic(
    "AWS::SNS::TopicPolicy",
    "Topics: [!Ref T], PolicyDocument: POLICY",
    TOPIC,
    "sns",
    "q"
)]
#[case::topic_inline(
    "AWS::SNS::TopicInlinePolicy",
    "TopicArn: !Ref T, PolicyDocument: POLICY",
    TOPIC,
    "sns",
    "q"
)]
#[case::table(
    "AWS::DynamoDB::Table",
    "TableName: q, ResourcePolicy: {PolicyDocument: POLICY}",
    "",
    "dynamodb",
    "table/q"
)]
#[case::stream(
    "AWS::Kinesis::ResourcePolicy",
    "ResourceArn: !GetAtt S.Arn, ResourcePolicy: POLICY",
    STREAM,
    "kinesis",
    "stream/q"
)]
#[case::domain(
    "AWS::OpenSearchService::Domain",
    "DomainName: q, AccessPolicies: POLICY",
    "",
    "es",
    "domain/q"
)]
#[case::access_point("AWS::S3::AccessPoint", "Name: q, Policy: POLICY", "", "s3", "accesspoint/q")]
#[case::repository(
    "AWS::ECR::Repository",
    "RepositoryName: q, RepositoryPolicyText: POLICY",
    "",
    "ecr",
    "repository/q"
)]
#[case::global_table(
    "AWS::DynamoDB::GlobalTable",
    "TableName: q, Replicas: [{Region: us-east-1, ResourcePolicy: {PolicyDocument: POLICY}}]",
    "",
    "dynamodb",
    "table/q"
)]
#[case::secret(
    "AWS::SecretsManager::ResourcePolicy",
    "SecretId: !Ref X, ResourcePolicy: POLICY",
    "  X: {Type: 'AWS::SecretsManager::Secret', Properties: {Name: q}}\n",
    "secretsmanager",
    "secret:q-AbCdEf"
)]
fn a_policy_of_a_template_is_about_its_own_resource(
    #[case] kind: &str,
    #[case] properties: &str,
    #[case] others: &str,
    #[case] service: &str,
    #[case] own: &str,
) {
    let policy = of_template(kind, properties, others);
    let action = format!("{service}:X");
    let arn = |rest: &str| format!("arn:aws:{service}:{HERE}:{rest}");
    assert!(allows(&policy, &action, &arn(own)));
    let other = own.replace('q', "other").replace('Q', "Other");
    assert!(!allows(&policy, &action, &arn(&other)), "{other}");
    assert!(!allows(&policy, "iam:X", &arn(own)));
}

/// What CloudFormation or AWS names is of no other name.
#[rstest]
#[case::repository(
    "AWS::ECR::Repository",
    "RepositoryPolicyText: POLICY",
    "ecr:eu-west-1",
    "repository/stack-p-1abc",
    "repository/stack-q-1abc"
)]
#[case::repository_in_small_letters(
    "AWS::ECR::Repository",
    "RepositoryPolicyText: POLICY",
    "ecr:eu-west-1",
    "repository/stack-p-1abc",
    "repository/stack-P-1ABC"
)]
#[case::public_repository(
    "AWS::ECR::PublicRepository",
    "RepositoryName: q, RepositoryPolicyText: POLICY",
    "ecr-public:",
    "repository/q",
    "repository/p"
)]
#[case::global_table(
    "AWS::DynamoDB::GlobalTable",
    "Replicas: [{Region: us-east-1, ResourcePolicy: {PolicyDocument: POLICY}}]",
    "dynamodb:us-east-1",
    "table/stack-P-1ABC",
    "table/stack-Q-1ABC"
)]
#[case::file_system(
    "AWS::EFS::FileSystem",
    "FileSystemPolicy: POLICY",
    "elasticfilesystem:eu-west-1",
    "file-system/fs-0123456789abcdef0",
    "file-system/fs-known-after-apply.aws_5f_efs_5f_file_5f_system.f"
)]
#[case::file_system_of_the_account(
    "AWS::EFS::FileSystem",
    "FileSystemPolicy: POLICY",
    "elasticfilesystem:eu-west-1",
    "file-system/fs-01234567",
    "access-point/fsap-01234567"
)]
fn a_policy_of_what_is_named_later_is_about_what_may_be_it(
    #[case] kind: &str,
    #[case] properties: &str,
    #[case] service: &str,
    #[case] own: &str,
    #[case] other: &str,
) {
    let policy = of_template(kind, properties, "");
    let action = format!("{}:X", service.split(':').next().unwrap());
    let arn = |rest: &str| format!("arn:aws:{service}:123456789012:{rest}");
    assert!(allows(&policy, &action, &arn(own)));
    assert!(!allows(&policy, &action, &arn(other)));
}

/// Of which queue it is, nobody knows: it may be any.
#[rstest]
#[case::of_another_stack("!ImportValue q", QUEUE)]
#[case::of_a_name_that_is_not_known(
    "!Ref Q",
    "  Q: {Type: 'AWS::SQS::Queue', Properties: {QueueName: !ImportValue q}}\n"
)]
fn a_policy_of_a_template_may_be_of_any_resource(#[case] queue: &str, #[case] others: &str) {
    let properties = format!("Queues: [{queue}], PolicyDocument: POLICY");
    let policy = of_template("AWS::SQS::QueuePolicy", &properties, others);
    assert!(allows(&policy, "sqs:SendMessage", &format!("{SQS}:secret")));
    assert!(!allows(&policy, "sns:Publish", &format!("{SNS}:secret")));
}

#[rstest]
#[case::of_one_region("MultiRegion: false, ", false)]
#[case::of_several("MultiRegion: true, ", true)]
#[case::not_said("", false)]
fn a_multi_region_key_has_an_id_of_its_own_form(#[case] says: &str, #[case] is: bool) {
    let policy = of_template("AWS::KMS::Key", &format!("{says}KeyPolicy: POLICY"), "");
    let id = "known-after-apply.Resources.P";
    assert_eq!(allows(&policy, "kms:Decrypt", &format!("{KMS}/mrk-{id}")), is);
    assert_eq!(allows(&policy, "kms:Decrypt", &format!("{KMS}/{id}")), !is);
}
