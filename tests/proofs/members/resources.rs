//! Functions, log groups, tables and keys.

use ringfence_wire::Service;
use serde_json::json;

use super::{Member, Step, Who, document, for_user, lambda_trust, team, when};
use crate::kept::IAM;

const KMS: Service = Service::Kms;
const LAMBDA: Service = Service::Lambda;
const LOGS: Service = Service::Logs;
const DYNAMODB: Service = Service::DynamoDb;

/// A ZIP archive with the empty file `a.py`.
const PACKAGE: &str = "UEsDBBQAAAAAAAAAIQAAAAAAAAAAAAAAAAAEAAAAYS5weVBLAQIUAxQAAAAAAAAAIQAAAA\
    AAAAAAAAAAAAAEAAAAAAAAAAAAAACAAQAAAABhLnB5UEsFBgAAAAABAAEAMgAAACIAAAAAAA==";

type Setting = Vec<(Step, Option<(&'static str, &'static str)>)>;

fn function(name: &str) -> Setting {
    let role = format!("for-{name}");
    let trusting = json!({"RoleName": role, "AssumeRolePolicyDocument": lambda_trust()});
    let made = json!({"FunctionName": name, "Runtime": "python3.13", "Handler": "a.b",
        "Role": format!("arn:aws:iam::ACCOUNT:role/{role}"), "Code": {"ZipFile": PACKAGE}});
    vec![((IAM, "CreateRole", trusting), None), ((LAMBDA, "CreateFunction", made), None)]
}

pub(super) fn functions() -> Vec<Member> {
    vec![
        Member {
            name: "function-tag",
            statement: when("lambda:GetFunctionConfiguration", "aws:ResourceTag/team"),
            setting: function("members-tag"),
            write: (
                LAMBDA,
                "TagResource",
                json!({"Resource": "arn:aws:lambda:REGION:ACCOUNT:function:members-tag",
                    "Tags": {"team": "a"}}),
            ),
            read: (
                (
                    LAMBDA,
                    "ListTags",
                    json!({"Resource": "arn:aws:lambda:REGION:ACCOUNT:function:members-tag"}),
                ),
                "/Tags/team",
            ),
            told: "a",
            who: Who::User,
            act: (LAMBDA, "GetFunctionConfiguration", json!({"FunctionName": "members-tag"})),
            allowed: (false, true),
        },
        Member {
            name: "function-policy",
            statement: None,
            setting: function("members-policy"),
            write: (
                LAMBDA,
                "AddPermission",
                json!({"FunctionName": "members-policy", "StatementId": "s",
                    "Action": "lambda:GetFunctionConfiguration",
                    "Principal": "arn:aws:iam::ACCOUNT:user/USER"}),
            ),
            read: ((LAMBDA, "GetPolicy", json!({"FunctionName": "members-policy"})), "/Policy"),
            told: "user/function-policy",
            who: Who::User,
            act: (LAMBDA, "GetFunctionConfiguration", json!({"FunctionName": "members-policy"})),
            allowed: (false, true),
        },
    ]
}

pub(super) fn log_groups() -> Vec<Member> {
    let streams = |group: &str| (LOGS, "DescribeLogStreams", json!({"logGroupName": group}));
    // LocalStack forgets the tags of a group that was made without any.
    let group = |name: &str| {
        let made = json!({"logGroupName": name, "tags": {"made": "here"}});
        ((LOGS, "CreateLogGroup", made), None)
    };
    let everybody = json!({"Effect": "Deny", "Principal": "*", "Action": "logs:DescribeLogStreams",
        "Resource": "arn:aws:logs:REGION:ACCOUNT:log-group:members-policy:*"});
    vec![
        Member {
            name: "log-group-tag",
            statement: when("logs:DescribeLogStreams", "aws:ResourceTag/team"),
            setting: vec![group("members-tag")],
            write: (
                LOGS,
                "TagResource",
                json!({"resourceArn": "arn:aws:logs:REGION:ACCOUNT:log-group:members-tag",
                    "tags": {"team": "a"}}),
            ),
            read: (
                (
                    LOGS,
                    "ListTagsForResource",
                    json!({"resourceArn": "arn:aws:logs:REGION:ACCOUNT:log-group:members-tag"}),
                ),
                "/tags/team",
            ),
            told: "a",
            who: Who::User,
            act: streams("members-tag"),
            allowed: (false, true),
        },
        Member {
            name: "log-group-policy",
            statement: Some(json!({"Effect": "Allow", "Action": "logs:*", "Resource": "*"})),
            setting: vec![group("members-policy")],
            write: (
                LOGS,
                "PutResourcePolicy",
                json!({"policyName": "members", "policyDocument": document(everybody)}),
            ),
            read: (
                (LOGS, "DescribeResourcePolicies", json!({})),
                "/resourcePolicies/0/policyDocument",
            ),
            told: "log-group:members-policy",
            who: Who::User,
            act: streams("members-policy"),
            allowed: (true, false),
        },
    ]
}

fn table(name: &str) -> Setting {
    let made = json!({"TableName": name, "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}]});
    vec![((DYNAMODB, "CreateTable", made), None)]
}

pub(super) fn tables() -> Vec<Member> {
    let item =
        |name: &str| (DYNAMODB, "GetItem", json!({"TableName": name, "Key": {"id": {"S": "1"}}}));
    let arn = |name: &str| format!("arn:aws:dynamodb:REGION:ACCOUNT:table/{name}");
    vec![
        Member {
            name: "table-tag",
            statement: when("dynamodb:GetItem", "aws:ResourceTag/team"),
            setting: table("members-tag"),
            write: (
                DYNAMODB,
                "TagResource",
                json!({"ResourceArn": arn("members-tag"), "Tags": team()}),
            ),
            read: (
                (DYNAMODB, "ListTagsOfResource", json!({"ResourceArn": arn("members-tag")})),
                "/Tags/0/Value",
            ),
            told: "a",
            who: Who::User,
            act: item("members-tag"),
            allowed: (false, true),
        },
        Member {
            name: "table-policy",
            statement: None,
            setting: table("members-policy"),
            write: (
                DYNAMODB,
                "PutResourcePolicy",
                json!({"ResourceArn": arn("members-policy"),
                    "Policy": for_user("dynamodb:GetItem", &arn("members-policy"))}),
            ),
            read: (
                (DYNAMODB, "GetResourcePolicy", json!({"ResourceArn": arn("members-policy")})),
                "/Policy",
            ),
            told: "user/table-policy",
            who: Who::User,
            act: item("members-policy"),
            allowed: (false, true),
        },
    ]
}

pub(super) fn keys() -> Vec<Member> {
    let made = || vec![((KMS, "CreateKey", json!({})), Some(("@KEY", "/KeyMetadata/KeyId")))];
    let named = || json!({"KeyId": "@KEY"});
    let encrypt = || (KMS, "Encrypt", json!({"KeyId": "@KEY", "Plaintext": "eA=="}));
    let root = json!({"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::ACCOUNT:root"},
        "Action": ["kms:Put*", "kms:Get*", "kms:Describe*", "kms:List*"], "Resource": "*"});
    let everything = || Some(json!({"Effect": "Allow", "Action": "kms:*", "Resource": "*"}));
    let grant = json!({"KeyId": "@KEY", "GranteePrincipal": "arn:aws:iam::ACCOUNT:user/USER",
        "Operations": ["Encrypt"]});
    vec![
        Member {
            name: "key-policy",
            statement: everything(),
            setting: made(),
            // Does not leave the key to IAM.
            write: (
                KMS,
                "PutKeyPolicy",
                json!({"KeyId": "@KEY", "PolicyName": "default", "Policy": document(root),
                    "BypassPolicyLockoutSafetyCheck": true}),
            ),
            read: (
                (KMS, "GetKeyPolicy", json!({"KeyId": "@KEY", "PolicyName": "default"})),
                "/Policy",
            ),
            told: "kms:Put*",
            who: Who::User,
            act: encrypt(),
            allowed: (true, false),
        },
        Member {
            name: "key-tag",
            statement: when("kms:Encrypt", "aws:ResourceTag/team"),
            setting: made(),
            write: (
                KMS,
                "TagResource",
                json!({"KeyId": "@KEY", "Tags": [{"TagKey": "team", "TagValue": "a"}]}),
            ),
            read: ((KMS, "ListResourceTags", named()), "/Tags/0/TagValue"),
            told: "a",
            who: Who::User,
            act: encrypt(),
            allowed: (false, true),
        },
        Member {
            name: "key-grant",
            statement: None,
            setting: made(),
            write: (KMS, "CreateGrant", grant),
            read: ((KMS, "ListGrants", named()), "/Grants/0/GranteePrincipal"),
            told: "user/key-grant",
            who: Who::User,
            act: encrypt(),
            allowed: (false, true),
        },
        Member {
            name: "key-alias",
            statement: Some(json!({"Effect": "Allow", "Action": "kms:Encrypt", "Resource": "*",
                "Condition": {"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/members"}}})),
            setting: made(),
            write: (
                KMS,
                "CreateAlias",
                json!({"AliasName": "alias/members", "TargetKeyId": "@KEY"}),
            ),
            read: ((KMS, "ListAliases", named()), "/Aliases/0/AliasName"),
            told: "alias/members",
            who: Who::User,
            act: encrypt(),
            allowed: (false, true),
        },
    ]
}

/// Every row here; tables where the upstream has any.
pub(super) fn all(has_tables: bool) -> Vec<Member> {
    let tables = if has_tables { tables() } else { Vec::new() };
    [functions(), log_groups(), tables, keys()].into_iter().flatten().collect()
}
