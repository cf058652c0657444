//! One table of what authorization rests on: each member is written, read back,
//! and decides, on whichever upstream `RINGFENCE_BACKEND` names.

mod queues;
mod resources;

use ringfence::stack::Stack;
use ringfence_wire::Service;
use serde_json::{Value, json};

use crate::cloudformation::has_tables;
use crate::kept::{IAM, S3, as_root, refusal, text, user};
use crate::stack::with_empty_account;

/// A call: service, operation, input. `USER`, `ACCOUNT`, `REGION` and `@NAME` in it
/// stand for the row's user, the account, its region, and what an earlier call
/// answered.
type Step = (Service, &'static str, Value);

/// SDKs send one with what makes a version of a secret.
const TOKEN: &str = "0d9e5c1a-2f43-4b7e-9a51-7c3b8e6f1d20";

/// Who tries it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    User,
    Anybody,
}

/// A member on which a decision rests.
struct Member {
    name: &'static str,
    /// What the user may do by its own policy.
    statement: Option<Value>,
    /// What is there before; an answer's value is kept under a name.
    setting: Vec<(Step, Option<(&'static str, &'static str)>)>,
    write: Step,
    /// Where the written value is told.
    read: (Step, &'static str),
    told: &'static str,
    who: Who,
    act: Step,
    /// Whether it is allowed before and after.
    allowed: (bool, bool),
}

fn when(action: &str, key: &str) -> Option<Value> {
    Some(json!({"Effect": "Allow", "Action": action, "Resource": "*",
        "Condition": {"StringEquals": {key: "a"}}}))
}

fn document(statement: Value) -> String {
    json!({"Version": "2012-10-17", "Statement": [statement]}).to_string()
}

fn for_user(action: &str, resource: &str) -> String {
    document(json!({"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::ACCOUNT:user/USER"},
        "Action": action, "Resource": resource}))
}

fn team() -> Value {
    json!([{"Key": "team", "Value": "a"}])
}

fn lambda_trust() -> String {
    document(json!({"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"},
        "Action": "sts:AssumeRole"}))
}

fn users_and_roles() -> Vec<Member> {
    const READ_ONLY: &str = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess";
    let role = |name: &str| -> (Step, Option<(&str, &str)>) {
        let input = json!({"RoleName": name, "AssumeRolePolicyDocument": lambda_trust()});
        ((IAM, "CreateRole", input), None)
    };
    vec![
        Member {
            name: "user-boundary",
            statement: Some(json!({"Effect": "Allow", "Action": "*", "Resource": "*"})),
            setting: vec![],
            write: (
                IAM,
                "PutUserPermissionsBoundary",
                json!({"UserName": "USER", "PermissionsBoundary": READ_ONLY}),
            ),
            read: (
                (IAM, "GetUser", json!({"UserName": "USER"})),
                "/User/PermissionsBoundary/PermissionsBoundaryArn",
            ),
            told: READ_ONLY,
            who: Who::User,
            act: (IAM, "ListUsers", json!({})),
            allowed: (true, false),
        },
        Member {
            name: "user-tag",
            statement: when("s3:ListAllMyBuckets", "aws:PrincipalTag/team"),
            setting: vec![],
            write: (IAM, "TagUser", json!({"UserName": "USER", "Tags": team()})),
            read: ((IAM, "ListUserTags", json!({"UserName": "USER"})), "/Tags/0/Value"),
            told: "a",
            who: Who::User,
            act: (S3, "ListBuckets", json!({})),
            allowed: (false, true),
        },
        Member {
            name: "role-tag",
            statement: when("iam:GetRole", "iam:ResourceTag/team"),
            setting: vec![role("tagged")],
            write: (IAM, "TagRole", json!({"RoleName": "tagged", "Tags": team()})),
            read: ((IAM, "ListRoleTags", json!({"RoleName": "tagged"})), "/Tags/0/Value"),
            told: "a",
            who: Who::User,
            act: (IAM, "GetRole", json!({"RoleName": "tagged"})),
            allowed: (false, true),
        },
        Member {
            name: "role-trust",
            statement: None,
            setting: vec![role("trusting")],
            write: (
                IAM,
                "UpdateAssumeRolePolicy",
                json!({"RoleName": "trusting",
                "PolicyDocument": document(json!({"Effect": "Allow", "Action": "sts:AssumeRole",
                    "Principal": {"AWS": "arn:aws:iam::ACCOUNT:user/USER"}}))}),
            ),
            read: (
                (IAM, "GetRole", json!({"RoleName": "trusting"})),
                "/Role/AssumeRolePolicyDocument",
            ),
            told: "role-trust",
            who: Who::User,
            act: (
                Service::Sts,
                "AssumeRole",
                json!({"RoleSessionName": "session",
                "RoleArn": "arn:aws:iam::ACCOUNT:role/trusting"}),
            ),
            allowed: (false, true),
        },
    ]
}

fn buckets() -> Vec<Member> {
    let made = |bucket: &str| -> Vec<(Step, Option<(&str, &str)>)> {
        vec![
            ((S3, "CreateBucket", json!({"Bucket": bucket})), None),
            ((S3, "PutObject", json!({"Bucket": bucket, "Key": "k"})), None),
        ]
    };
    let object = |bucket: &str| (S3, "GetObject", json!({"Bucket": bucket, "Key": "k"}));
    let blocks = |on: bool| {
        json!({"BlockPublicAcls": on, "IgnorePublicAcls": on,
        "BlockPublicPolicy": on, "RestrictPublicBuckets": on})
    };
    let mut public = made("members-public");
    let block =
        |on| json!({"Bucket": "members-public", "PublicAccessBlockConfiguration": blocks(on)});
    let policy = document(json!({"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::members-public/*"}));
    public.push(((S3, "PutPublicAccessBlock", block(false)), None));
    public.push((
        (S3, "PutBucketPolicy", json!({"Bucket": "members-public", "Policy": policy})),
        None,
    ));
    vec![
        Member {
            name: "bucket-policy",
            statement: None,
            setting: made("members-policy"),
            write: (
                S3,
                "PutBucketPolicy",
                json!({"Bucket": "members-policy",
                "Policy": for_user("s3:GetObject", "arn:aws:s3:::members-policy/*")}),
            ),
            read: ((S3, "GetBucketPolicyStatus", json!({"Bucket": "members-policy"})), "/IsPublic"),
            told: "false",
            who: Who::User,
            act: object("members-policy"),
            allowed: (false, true),
        },
        Member {
            name: "public-access-block",
            statement: None,
            setting: public,
            write: (S3, "PutPublicAccessBlock", block(true)),
            read: (
                (S3, "GetPublicAccessBlock", json!({"Bucket": "members-public"})),
                "/RestrictPublicBuckets",
            ),
            told: "true",
            who: Who::Anybody,
            act: object("members-public"),
            allowed: (true, false),
        },
        Member {
            name: "object-tag",
            statement: when("s3:GetObject", "s3:ExistingObjectTag/team"),
            setting: made("members-tag"),
            write: (
                S3,
                "PutObjectTagging",
                json!({"Bucket": "members-tag", "Key": "k",
                "Tagging": {"TagSet": team()}}),
            ),
            read: (
                (S3, "GetObjectTagging", json!({"Bucket": "members-tag", "Key": "k"})),
                "/TagSet/0/Value",
            ),
            told: "a",
            who: Who::User,
            act: object("members-tag"),
            allowed: (false, true),
        },
    ]
}

fn others() -> Vec<Member> {
    let secret = |name: &str| {
        (
            Service::SecretsManager,
            "CreateSecret",
            json!({"ClientRequestToken": TOKEN, "Name": name, "SecretString": "s"}),
        )
    };
    let value = |name: &str| (Service::SecretsManager, "GetSecretValue", json!({"SecretId": name}));
    vec![
        Member {
            name: "secret-policy",
            statement: None,
            setting: vec![(secret("members-policy"), None)],
            write: (
                Service::SecretsManager,
                "PutResourcePolicy",
                json!({
                "SecretId": "members-policy",
                "ResourcePolicy": for_user("secretsmanager:GetSecretValue", "*")}),
            ),
            read: (
                (
                    Service::SecretsManager,
                    "GetResourcePolicy",
                    json!({"SecretId": "members-policy"}),
                ),
                "/ResourcePolicy",
            ),
            told: "user/secret-policy",
            who: Who::User,
            act: value("members-policy"),
            allowed: (false, true),
        },
        Member {
            name: "secret-tag",
            statement: when("secretsmanager:GetSecretValue", "secretsmanager:ResourceTag/team"),
            setting: vec![(secret("members-tag"), None)],
            write: (
                Service::SecretsManager,
                "TagResource",
                json!({"SecretId": "members-tag", "Tags": team()}),
            ),
            read: (
                (Service::SecretsManager, "DescribeSecret", json!({"SecretId": "members-tag"})),
                "/Tags/0/Value",
            ),
            told: "a",
            who: Who::User,
            act: value("members-tag"),
            allowed: (false, true),
        },
        Member {
            name: "parameter-tag",
            statement: when("ssm:GetParameter", "ssm:resourceTag/team"),
            setting: vec![(
                (
                    Service::Ssm,
                    "PutParameter",
                    json!({"Name": "/members", "Type": "String", "Value": "v"}),
                ),
                None,
            )],
            write: (
                Service::Ssm,
                "AddTagsToResource",
                json!({"ResourceType": "Parameter",
                "ResourceId": "/members", "Tags": team()}),
            ),
            read: (
                (
                    Service::Ssm,
                    "ListTagsForResource",
                    json!({"ResourceType": "Parameter", "ResourceId": "/members"}),
                ),
                "/TagList/0/Value",
            ),
            told: "a",
            who: Who::User,
            act: (Service::Ssm, "GetParameter", json!({"Name": "/members"})),
            allowed: (false, true),
        },
        Member {
            name: "vpc-tag",
            statement: when("ec2:DeleteVpc", "ec2:ResourceTag/team"),
            setting: vec![(
                (Service::Ec2, "CreateVpc", json!({"CidrBlock": "10.9.0.0/16"})),
                Some(("@VPC", "/vpc/vpcId")),
            )],
            write: (Service::Ec2, "CreateTags", json!({"ResourceId": ["@VPC"], "Tag": team()})),
            read: (
                (Service::Ec2, "DescribeVpcs", json!({"VpcId": ["@VPC"]})),
                "/vpcSet/0/tagSet/0/value",
            ),
            told: "a",
            who: Who::User,
            act: (Service::Ec2, "DeleteVpc", json!({"VpcId": "@VPC"})),
            allowed: (false, true),
        },
    ]
}

/// A row's names in place of what stands for them.
struct Names(Vec<(String, String)>);

impl Names {
    fn fill(&self, input: &Value) -> Value {
        let mut text = input.to_string();
        for (name, value) in &self.0 {
            text = text.replace(name.as_str(), value);
        }
        serde_json::from_str(&text).unwrap()
    }
}

async fn shown(stack: &Stack, member: &Member) {
    let name = member.name;
    let key = user(stack, name, member.statement.clone()).await;
    let account = &stack.config().account;
    let own =
        [("USER", name), ("ACCOUNT", account.id.as_str()), ("REGION", account.region.as_str())];
    let mut names = Names(own.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    for ((service, operation, input), kept) in &member.setting {
        let answer = as_root(stack, *service, operation, names.fill(input)).await;
        let answer = answer.result.unwrap_or_else(|error| panic!("{name}: {operation}: {error}"));
        if let Some((as_name, pointer)) = kept {
            names.0.push(((*as_name).to_owned(), text(&answer, pointer).to_owned()));
        }
    }
    let act = async || {
        let (service, operation, input) = &member.act;
        let input = names.fill(input);
        let answer = match member.who {
            Who::User => stack.client().call(&key, *service, operation, input).await,
            Who::Anybody => {
                let endpoint = stack.root().endpoint;
                stack.client().call_unsigned(&endpoint, *service, operation, input, None).await
            }
        };
        match answer.result.is_ok() {
            true => (true, String::new()),
            false => {
                let (status, code, message) = refusal(answer);
                (false, format!("{status} {code}: {message}"))
            }
        }
    };
    let decided = async |expected: bool, moment: &str| {
        let (allowed, told) = act().await;
        assert_eq!(allowed, expected, "{name}, {moment}: {told}");
        // Refused by policies, not for want of anything.
        let codes = ["AccessDenied", "UnauthorizedOperation", "AuthorizationError"];
        let by_policy = codes.iter().any(|code| told.contains(code));
        assert!(allowed || by_policy, "{name}, {moment}: {told}");
    };
    decided(member.allowed.0, "before").await;
    let (service, operation, input) = &member.write;
    let written = as_root(stack, *service, operation, names.fill(input)).await;
    written.result.unwrap_or_else(|error| panic!("{name}: {operation}: {error}"));
    let ((service, operation, input), pointer) = &member.read;
    let told = as_root(stack, *service, operation, names.fill(input)).await.result.unwrap();
    let told = told.pointer(pointer).unwrap_or_else(|| panic!("{name}: no {pointer} in {told}"));
    let told = told.as_str().map_or_else(|| told.to_string(), str::to_owned);
    assert!(told.contains(member.told), "{name}: {told}");
    decided(member.allowed.1, "after").await;
}

#[test]
fn what_is_written_is_read_back_and_decides() {
    with_empty_account(async |stack| {
        let first = users_and_roles().into_iter().chain(buckets()).chain(others());
        let is_embedded = stack.emulator().identity().backend == "embedded";
        let more = resources::all(has_tables(stack).await).into_iter();
        for member in first.chain(more).chain(queues::all(is_embedded)) {
            shown(stack, &member).await;
        }
    });
}
