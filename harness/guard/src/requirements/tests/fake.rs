//! An account that never changes.

use async_trait::async_trait;
use ringfence_wire::ServiceError;
use serde_json::{Value, json};

use super::ACCOUNT;
use crate::requirements::bucket_access::{Acl, BucketAccess, Ownership};
use crate::requirements::state::{
    Entity, Function, InstanceProfile, KmsKey, Question, Secret, Stack, State, Tags, Told, VpcOf,
};

pub(crate) struct Account;

/// The keys `alias/data` and `alias/other`.
pub(super) const KEY: &str = "11111111-2222-3333-4444-555555555555";
pub(super) const OTHER: &str = "66666666-7777-8888-9999-000000000000";

type Answer<T> = Result<T, ServiceError>;

fn tags() -> Tags {
    vec![("team".to_owned(), "a".to_owned())]
}

#[async_trait]
impl State for Account {
    fn account_id(&self) -> &str {
        ACCOUNT
    }

    async fn template(&self, url: &str) -> Answer<Option<String>> {
        Ok(url.ends_with("/sam.yaml").then(|| "Transform: AWS::Serverless-2016-10-31".to_owned()))
    }

    async fn role(&self, name: &str) -> Answer<Option<Entity>> {
        let entity = |path: &str, boundary: Option<&str>| Entity {
            arn: format!("arn:aws:iam::{ACCOUNT}:role{path}{name}"),
            permissions_boundary: boundary.map(str::to_owned),
            trust_policy: Some("TRUST".to_owned()),
            tags: Tags::new(),
        };
        Ok(match name {
            "app" => Some(entity("/apps/", Some("arn:aws:iam::123456789012:policy/boundary"))),
            "bare" => Some(entity("/", None)),
            "tagged" => Some(Entity { tags: tags(), ..entity("/", None) }),
            // Its services were used before, but for RDS.
            "AWSServiceRoleForRDS" => None,
            linked if linked.starts_with("AWSServiceRoleFor") => {
                Some(entity("/aws-service-role/SERVICE.amazonaws.com/", None))
            }
            _ => None,
        })
    }

    async fn user(&self, name: &str) -> Answer<Option<Entity>> {
        Ok((name == "alice").then(|| Entity {
            arn: format!("arn:aws:iam::{ACCOUNT}:user/people/alice"),
            permissions_boundary: None,
            trust_policy: None,
            tags: tags(),
        }))
    }

    async fn group_arn(&self, name: &str) -> Answer<Option<String>> {
        Ok((name == "devs").then(|| format!("arn:aws:iam::{ACCOUNT}:group/teams/devs")))
    }

    async fn instance_profile(&self, name: &str) -> Answer<Option<InstanceProfile>> {
        Ok((name == "web").then(|| InstanceProfile {
            arn: format!("arn:aws:iam::{ACCOUNT}:instance-profile/web"),
            role: Some(format!("arn:aws:iam::{ACCOUNT}:role/bare")),
            tags: tags(),
        }))
    }

    async fn policy_tags(&self, arn: &str) -> Answer<Option<Tags>> {
        Ok(arn.ends_with("/tagged").then(tags))
    }

    async fn function(&self, name: &str) -> Answer<Option<Function>> {
        Ok((name == "fn").then(|| Function {
            arn: format!("arn:aws:lambda:eu-west-1:{ACCOUNT}:function:fn"),
            role: format!("arn:aws:iam::{ACCOUNT}:role/apps/app"),
            tags: tags(),
        }))
    }

    async fn function_policy(&self, name: &str, qualifier: Option<&str>) -> Answer<Option<String>> {
        Ok(match (name, qualifier) {
            ("fn", Some("live")) => Some(
                json!({"Statement": [{
                    "Sid": "url",
                    "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
                    "Condition": {"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}},
                }]})
                .to_string(),
            ),
            _ => None,
        })
    }

    fn event_source_function(&self, uuid: &str) -> Option<String> {
        (uuid == "m-1").then(|| format!("arn:aws:lambda:eu-west-1:{ACCOUNT}:function:fn"))
    }

    async fn function_url_auth_type(&self, _: &str, _: Option<&str>) -> Answer<Option<String>> {
        Ok(Some("AWS_IAM".to_owned()))
    }

    async fn api(&self, api_id: &str) -> Answer<Option<Value>> {
        Ok((api_id == "a1").then(|| json!({"name": "shop", "tags": {"team": "a"}})))
    }

    async fn route(&self, _: &str, route_id: &str) -> Answer<Option<Value>> {
        Ok(match route_id {
            "jwt" => Some(json!({"authorizationType": "JWT", "apiKeyRequired": false})),
            "open" => Some(json!({"routeKey": "GET /"})),
            _ => None,
        })
    }

    async fn authorizer(&self, _: &str, _: &str) -> Answer<Option<Value>> {
        Ok(Some(json!({"authorizerType": "JWT"})))
    }

    async fn stage(&self, _: &str, _: &str) -> Answer<Option<Value>> {
        Ok(Some(json!({
            "accessLogSettings": {"destinationArn": "arn:old", "format": "old"},
            "tags": {"stage": "yes"},
        })))
    }

    async fn stack(&self, name: &str) -> Answer<Option<Stack>> {
        let stack_id = format!("arn:aws:cloudformation:eu-west-1:{ACCOUNT}:stack/here/1234");
        Ok((name == "here" || name == stack_id).then(|| Stack {
            stack_id,
            role_arn: None,
            tags: tags(),
        }))
    }

    async fn bucket_policy(&self, bucket: &str) -> Answer<Option<String>> {
        Ok((bucket == "guarded").then(|| "BUCKET".to_owned()))
    }

    async fn bucket_access(&self, _: &str) -> Answer<BucketAccess> {
        Ok(BucketAccess { ownership: Ownership::Enforced, ..BucketAccess::default() })
    }

    async fn acl(&self, _: &str, _: Option<(&str, Option<&str>)>) -> Answer<Option<Acl>> {
        Ok(None)
    }

    async fn secret(&self, id: &str) -> Answer<Option<Secret>> {
        Ok(id.contains("db").then(|| Secret {
            arn: format!("arn:aws:secretsmanager:eu-west-1:{ACCOUNT}:secret:db-AbCdEf"),
            policy: Some("SECRET".to_owned()),
            tags: tags(),
        }))
    }

    async fn resource_policy(&self, arn: &str) -> Answer<Told<String>> {
        Ok(match arn.rsplit(['/', ':']).next() {
            Some("guarded") => Told::Is("POLICY".to_owned()),
            Some("unreadable") => Told::Unknown("WHY".to_owned()),
            _ => Told::Nothing,
        })
    }

    async fn told(&self, question: &Question) -> Answer<Told<Vec<String>>> {
        let given = question.input.values().next();
        let named = given.and_then(|value| value.get(0).unwrap_or(value).as_str());
        if let Some(told) = within(question) {
            return Ok(match told.is_empty() {
                true => Told::Nothing,
                false => Told::Is(told),
            });
        }
        Ok(match (question.operation, named) {
            ("DescribeOrganization", _) => Told::Is(vec![match question.answer {
                [_, "Id"] => "o-abc".to_owned(),
                _ => "111111111111".to_owned(),
            }]),
            ("GetIdentityVerificationAttributes", Some("untold@example.com")) => {
                Told::Unknown("WHY".to_owned())
            }
            ("GetIdentityVerificationAttributes", Some(named)) if named.starts_with("told") => {
                Told::Is(vec![named.to_owned()])
            }
            ("GetIdentityVerificationAttributes", _) => Told::Nothing,
            (_, Some("missing")) => Told::Nothing,
            (_, Some("untold")) => Told::Unknown("WHY".to_owned()),
            ("DescribeVolumes" | "DescribeSnapshots", Some(named)) => {
                Told::Is(vec![named.ends_with("encrypted").to_string()])
            }
            ("GetEbsEncryptionByDefault", _) => Told::Is(vec!["false".to_owned()]),
            ("GetAccessKeyLastUsed", Some(_)) => Told::Is(vec!["alice".to_owned()]),
            ("DescribeStreamConsumer", Some(named)) => Told::Is(vec![format!(
                "arn:aws:kinesis:eu-west-1:{ACCOUNT}:stream/s/consumer/{named}:1700000000"
            )]),
            ("DescribeTaskDefinition", Some(named)) => {
                let family = named.split([':', '/']).next().unwrap_or(named);
                match question.answer {
                    [_, "taskDefinitionArn"] => Told::Is(vec![format!(
                        "arn:aws:ecs:eu-west-1:{ACCOUNT}:task-definition/{family}:7"
                    )]),
                    [_, "taskRoleArn?"] => {
                        Told::Is(vec![format!("arn:aws:iam::{ACCOUNT}:role/task")])
                    }
                    _ => Told::Nothing,
                }
            }
            (_, Some(named)) => Told::Is(vec![format!("told-{named}")]),
            (_, None) => Told::Nothing,
        })
    }

    async fn resource_tags(&self, arn: &str) -> Answer<Told<Tags>> {
        Ok(if arn.ends_with("tagged") { Told::Is(tags()) } else { Told::Nothing })
    }

    async fn kms_key(&self, id: &str) -> Answer<KmsKey> {
        let own = id.rsplit(['/', ':']).next().unwrap();
        let not_found = || ServiceError::new(400, "NotFoundException", "not found");
        let (id, spec, usage) = match own {
            "data" | KEY => (KEY, "SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"),
            "other" | OTHER => (OTHER, "SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"),
            "signing" => ("signing", "RSA_2048", "SIGN_VERIFY"),
            _ => return Err(not_found()),
        };
        Ok(KmsKey {
            arn: format!("arn:aws:kms:eu-west-1:{ACCOUNT}:key/{id}"),
            metadata: json!({"KeyId": id, "KeySpec": spec, "KeyUsage": usage,
                "Origin": "AWS_KMS", "MultiRegion": false}),
            aliases: if id == KEY { vec!["alias/data".to_owned()] } else { Vec::new() },
            tags: if id == KEY { Told::Is(tags()) } else { Told::Nothing },
        })
    }

    async fn encryption_key(&self, arn: &str) -> Answer<Told<String>> {
        Ok(match arn.rsplit(['/', ':']).next() {
            Some("encrypted") => Told::Is("alias/data".to_owned()),
            Some("by-aws") => Told::Is("alias/aws/sqs".to_owned()),
            Some("lost") => Told::Is("alias/lost".to_owned()),
            Some("untold") => Told::Unknown("WHY".to_owned()),
            _ => Told::Nothing,
        })
    }

    async fn s3_key(
        &self,
        bucket: &str,
        object: Option<(&str, Option<&str>)>,
    ) -> Answer<Told<String>> {
        let is_encrypted = object.map_or(bucket, |(key, version)| version.unwrap_or(key));
        Ok(match is_encrypted {
            "encrypted" => Told::Is(KEY.to_owned()),
            _ => Told::Nothing,
        })
    }

    async fn upload_encryption(&self, _: &str, id: &str) -> Answer<Told<String>> {
        Ok(match id {
            "encrypted" => Told::Is(KEY.to_owned()),
            "untold" => Told::Unknown("WHY".to_owned()),
            _ => Told::Nothing,
        })
    }

    fn iterator_stream(&self, iterator: &str) -> Option<String> {
        Some(format!("arn:aws:kinesis:eu-west-1:{ACCOUNT}:stream/{iterator}"))
    }

    async fn parameter_keys(
        &self,
        path: &str,
        recursive: bool,
    ) -> Answer<Told<Vec<(String, String)>>> {
        let of_aws = (format!("{path}/a"), "alias/aws/ssm".to_owned());
        let own = (format!("{path}/b/encrypted"), "alias/data".to_owned());
        Ok(Told::Is(if recursive { vec![of_aws, own] } else { vec![of_aws] }))
    }

    async fn kms_grant_retirement(&self, _: &str, grant: &str) -> Answer<Told<String>> {
        Ok(Told::Is(format!("RETIRE {grant}")))
    }

    async fn partition_key(&self, _: &str, index: Option<&str>) -> Answer<Option<String>> {
        Ok(Some(if index.is_some() { "other" } else { "id" }.to_owned()))
    }

    async fn oidc_provider_tags(&self, arn: &str) -> Answer<Option<Tags>> {
        Ok(arn.ends_with("/tagged").then(tags))
    }

    async fn ec2_vpc(&self, kind: &str, id: &str) -> Answer<VpcOf> {
        Ok(match (kind, id) {
            ("subnet", "subnet-1") | ("security-group", "sg-tagged" | "sg-1") => {
                VpcOf::Vpc("vpc-1".to_owned())
            }
            (_, id) if id.ends_with("-none") => VpcOf::Missing,
            _ => VpcOf::Untold,
        })
    }

    async fn ec2_described(&self, operation: &str, set: &str) -> Answer<Vec<Value>> {
        let described = match operation {
            "DescribeAddresses" => json!({"addressesSet": [
                {"publicIp": "203.0.113.7", "allocationId": "eipalloc-1",
                 "associationId": "eipassoc-1", "networkInterfaceId": "eni-1"},
                {"publicIp": "203.0.113.8", "allocationId": "eipalloc-2"},
            ]}),
            "DescribeKeyPairs" => json!({"keySet": [
                {"keyName": "own", "keyPairId": "key-1",
                 "tagSet": [{"key": "team", "value": "a"}]},
            ]}),
            "DescribeLaunchTemplates" => json!({"launchTemplates": [
                {"launchTemplateName": "web", "launchTemplateId": "lt-1"},
            ]}),
            "DescribeIamInstanceProfileAssociations" => {
                json!({"iamInstanceProfileAssociationSet": [
                    {"associationId": "iip-assoc-1", "instanceId": "i-1"},
                ]})
            }
            "DescribeNetworkAcls" => json!({"networkAclSet": [
                {"networkAclId": "acl-0", "associationSet": []},
                {"networkAclId": "acl-1", "associationSet": [
                    {"networkAclAssociationId": "aclassoc-1", "networkAclId": "acl-1",
                     "subnetId": "subnet-2"},
                ]},
            ]}),
            "DescribeNetworkInterfacePermissions" => json!({"networkInterfacePermissions": [
                {"networkInterfacePermissionId": "eni-perm-1", "networkInterfaceId": "eni-1"},
            ]}),
            "DescribeRouteTables" => json!({"routeTableSet": [
                {"routeTableId": "rtb-0", "associationSet": []},
                {"routeTableId": "rtb-1", "associationSet": [
                    {"routeTableAssociationId": "rtbassoc-1", "subnetId": "subnet-2"},
                    {"routeTableAssociationId": "rtbassoc-2", "gatewayId": "igw-1"},
                ]},
            ]}),
            "DescribeVpcPeeringConnections" => json!({"vpcPeeringConnectionSet": [
                {"vpcPeeringConnectionId": "pcx-1", "requesterVpcInfo": {"vpcId": "vpc-2"},
                 "accepterVpcInfo": {"vpcId": "vpc-1"}},
            ]}),
            "DescribeSecurityGroups" => json!({"securityGroupInfo": [
                {"groupName": "web", "groupId": "sg-other", "vpcId": "vpc-1"},
                {"groupName": "default", "groupId": "sg-1", "vpcId": "vpc-1"},
                {"groupName": "web", "groupId": "sg-tagged", "vpcId": "vpc-default"},
            ]}),
            "DescribeVpcEndpointConnectionNotifications" => {
                json!({"connectionNotificationSet": [
                    {"connectionNotificationId": "vpce-nfn-1", "vpcEndpointId": "vpce-1"},
                ]})
            }
            "DescribeVpcs" => json!({"vpcSet": [
                {"vpcId": "vpc-1", "isDefault": "false", "cidrBlockAssociationSet": [
                    {"associationId": "vpc-cidr-assoc-1"},
                ], "ipv6CidrBlockAssociationSet": [{"associationId": "vpc-cidr-assoc-6"}]},
                {"vpcId": "vpc-default", "isDefault": "true"},
            ]}),
            _ => json!({}),
        };
        Ok(described.get(set).and_then(Value::as_array).cloned().unwrap_or_default())
    }

    async fn ec2_tags(&self, resource_id: &str) -> Answer<Tags> {
        Ok(if ["sg-tagged", "rtb-1"].contains(&resource_id) { tags() } else { Tags::new() })
    }
}

/// What is of a group or of a bus: of all groups but `oth`, everything but `theirs`;
/// the bus `o1` has the rule `mine`, `default` and `o2` have `shared`.
fn within(question: &Question) -> Option<Vec<String>> {
    let text = |member: &str| question.input.get(member)?.as_str();
    let names = || question.input.values().find_map(|value| value.as_array()).into_iter().flatten();
    match question.operation {
        "DescribePolicies" | "DescribeScheduledActions" => {
            let group_of = |name: &str| if name == "theirs" { "oth" } else { "own" };
            let known = names().filter_map(|name| name.as_str());
            let known = known.filter(|name| {
                text("AutoScalingGroupName").is_none_or(|group| group == group_of(name))
            });
            let in_groups = question.answer.last() == Some(&"AutoScalingGroupName");
            let told = |name: &str| if in_groups { group_of(name) } else { name }.to_owned();
            Some(known.map(told).collect())
        }
        "ListEventBuses" => Some(["default", "o1", "o2"].map(str::to_owned).to_vec()),
        "DescribeRule" => {
            let at = (text("EventBusName")?, text("Name")?);
            let is = [("o1", "mine"), ("default", "shared"), ("o2", "shared")].contains(&at);
            Some(is.then(|| format!("rule/{}/{}", at.0, at.1)).into_iter().collect())
        }
        _ => None,
    }
}
