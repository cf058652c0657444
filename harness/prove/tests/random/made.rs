//! Policies of all layers, small and alike.

use ringfence_prove::Universe;
use serde_json::{Map, Value, json};

use super::dice::Dice;

/// Policies, and callers that they may be about.
pub(crate) struct Side {
    pub(crate) value: Value,
    pub(crate) callers: Vec<String>,
}

pub(crate) const CALLERS: [&str; 11] = [
    "arn:aws:iam::111122223333:user/alice",
    "arn:aws:iam::111122223333:user/team/bob",
    "arn:aws:iam::444455556666:user/alice",
    "arn:aws:sts::111122223333:assumed-role/worker/s1",
    "arn:aws:sts::111122223333:assumed-role/admin/alice",
    "arn:aws:sts::444455556666:assumed-role/worker/s1",
    "arn:aws:sts::111122223333:federated-user/alice",
    "arn:aws:iam::111122223333:root",
    "444455556666",
    "sns.amazonaws.com",
    "*",
];

/// What names somebody in a policy.
const PRINCIPALS: [&str; 9] = [
    "111122223333",
    "arn:aws:iam::444455556666:root",
    "arn:aws:iam::111122223333:user/alice",
    "arn:aws:iam::111122223333:user/team/bob",
    "arn:aws:iam::111122223333:role/worker",
    "arn:aws:sts::111122223333:assumed-role/worker/s1",
    "arn:aws:iam::444455556666:role/worker",
    "arn:aws:sts::111122223333:federated-user/alice",
    "arn:aws:iam::444455556666:user/alice",
];

const SERVICES: [&str; 10] =
    ["s3", "S3", "iam", "sts", "kms", "sqs", "lambda", "x", "dynamodb", "ec2"];

const NAMES: [&str; 16] = [
    "Get",
    "Object",
    "Acl",
    "Put",
    "*",
    "*",
    "?",
    "Role",
    "Pass",
    "Create",
    "get",
    "A",
    "Tagging",
    "Invoke",
    "Decrypt",
    "SendMessage",
];

pub(crate) const ACTIONS: [&str; 16] = [
    "s3:GetObject",
    "s3:PutObject",
    "s3:GetObjectAcl",
    "s3:ListBucket",
    "iam:PassRole",
    "iam:CreateRole",
    "iam:CreateServiceLinkedRole",
    "iam:AttachRolePolicy",
    "sts:AssumeRole",
    "sts:GetCallerIdentity",
    "kms:Decrypt",
    "kms:CreateAlias",
    "sqs:SendMessage",
    "lambda:InvokeFunction",
    "ec2:RunInstances",
    "dynamodb:GetItem",
];

const PIECES: [&str; 24] = [
    "a", "b", "A", "ab", "*", "*", "*", "?", "/", ":", "-", "1", "é", "É", "ß", "k", "x", "role/",
    "key/", "alias/", "policy/", "user/", "b/", ".",
];

const VARIABLES: [&str; 12] = [
    "${aws:username}",
    "${aws:PrincipalTag/team}",
    "${aws:PrincipalTag/team, 'a'}",
    "${aws:userid}",
    "${x:k}",
    "${aws:PrincipalAccount}",
    "${s3:prefix}",
    "${*}",
    "${?}",
    "${$}",
    "${aws:SourceIdentity}",
    "${aws:ResourceTag/team}",
];

/// Condition keys, by what they hold.
pub(crate) const TEXTS: [&str; 18] = [
    "x:k",
    "X:K",
    "x:l",
    "aws:PrincipalTag/team",
    "aws:ResourceTag/team",
    "aws:RequestTag/team",
    "aws:TagKeys",
    "aws:username",
    "aws:userid",
    "aws:PrincipalType",
    "aws:PrincipalAccount",
    "aws:PrincipalOrgID",
    "aws:RequestedRegion",
    "aws:ResourceAccount",
    "aws:SourceIdentity",
    "s3:prefix",
    "iam:PassedToService",
    "aws:PrincipalServiceName",
];
const NUMBERS: [&str; 4] = ["x:n", "aws:MultiFactorAuthAge", "s3:max-keys", "x:k"];
const DATES: [&str; 4] = ["aws:CurrentTime", "aws:EpochTime", "aws:TokenIssueTime", "x:d"];
const FLAGS: [&str; 7] = [
    "aws:SecureTransport",
    "aws:MultiFactorAuthPresent",
    "aws:ViaAWSService",
    "aws:PrincipalIsAWSService",
    "x:k",
    "kms:GrantIsForAWSResource",
    "x:flag",
];
const ADDRESSES: [&str; 3] = ["aws:SourceIp", "aws:VpcSourceIp", "x:ip"];
const ARNS: [&str; 6] = [
    "aws:PrincipalArn",
    "aws:SourceArn",
    "iam:PermissionsBoundary",
    "x:arn",
    "aws:PrincipalArn",
    "lambda:SourceFunctionArn",
];
const BYTES: [&str; 1] = ["x:bytes"];

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Type {
    Text,
    Number,
    Date,
    Flag,
    Address,
    Arn,
    Bytes,
    Null,
}

const TYPES: [Type; 13] = [
    Type::Text,
    Type::Text,
    Type::Text,
    Type::Text,
    Type::Text,
    Type::Number,
    Type::Date,
    Type::Flag,
    Type::Address,
    Type::Arn,
    Type::Arn,
    Type::Bytes,
    Type::Null,
];

impl Type {
    fn of_operator(name: &str) -> Self {
        let is = |part: &str| name.contains(part);
        match () {
            () if is("Numeric") => Self::Number,
            () if is("Date") => Self::Date,
            () if is("Bool") => Self::Flag,
            () if is("Ip") => Self::Address,
            () if is("Arn") => Self::Arn,
            () if is("Binary") => Self::Bytes,
            () if is("Null") => Self::Null,
            () => Self::Text,
        }
    }

    fn operators(self) -> &'static [&'static str] {
        match self {
            Self::Text => &[
                "StringEquals",
                "StringNotEquals",
                "StringEqualsIgnoreCase",
                "StringNotEqualsIgnoreCase",
                "StringLike",
                "StringNotLike",
            ],
            Self::Number => &[
                "NumericEquals",
                "NumericNotEquals",
                "NumericLessThan",
                "NumericLessThanEquals",
                "NumericGreaterThan",
                "NumericGreaterThanEquals",
            ],
            Self::Date => &[
                "DateEquals",
                "DateNotEquals",
                "DateLessThan",
                "DateLessThanEquals",
                "DateGreaterThan",
                "DateGreaterThanEquals",
            ],
            Self::Flag => &["Bool"],
            Self::Address => &["IpAddress", "NotIpAddress"],
            Self::Arn => &["ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"],
            Self::Bytes => &["BinaryEquals"],
            Self::Null => &["Null"],
        }
    }

    fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Text => &TEXTS,
            Self::Number => &NUMBERS,
            Self::Date => &DATES,
            Self::Flag => &FLAGS,
            Self::Address => &ADDRESSES,
            Self::Arn => &ARNS,
            Self::Bytes => &BYTES,
            Self::Null => &["x:k", "aws:PrincipalTag/team", "aws:SourceIp", "aws:TagKeys"],
        }
    }
}

/// Operators that compare alike, of which one may stand for another.
pub(crate) fn operators_like(name: &str) -> &'static [&'static str] {
    Type::of_operator(name).operators()
}

/// A value as an operator takes it.
pub(crate) fn value(dice: &mut Dice, operator: &str, key: &str) -> String {
    let of = Type::of_operator(operator);
    match of {
        Type::Number => dice.one_of(&["0", "5", "10", "10.5", "-1", "5.0", "007", "x"]).to_owned(),
        Type::Date => dice
            .one_of(&[
                "2020-01-01T00:00:00Z",
                "2020-01-01",
                "2021-06-01T12:00:00Z",
                "1577836800",
                "2020-01-01T00:00:01Z",
                "soon",
            ])
            .to_owned(),
        Type::Flag => dice.one_of(&["true", "false", "TRUE", "no"]).to_owned(),
        Type::Null => dice.one_of(&["true", "false"]).to_owned(),
        Type::Address => dice
            .one_of(&[
                "10.0.0.0/8",
                "10.1.0.0/16",
                "10.1.2.3",
                "10.1.2.3/32",
                "0.0.0.0/0",
                "2001:db8::/32",
                "::/0",
                "192.0.2.0/24",
            ])
            .to_owned(),
        Type::Bytes => dice.one_of(&["YQ==", "YWI=", "YWJj", ""]).to_owned(),
        Type::Arn => arn(dice),
        Type::Text => text_of(dice, key),
    }
}

/// A text for a key: one that it may hold, or a pattern of such.
fn text_of(dice: &mut Dice, key: &str) -> String {
    let lower = key.to_ascii_lowercase();
    let known: &[&str] = match lower.as_str() {
        "aws:username" => &["alice", "bob", "a*", "*b", "?lice"],
        "aws:userid" => &["AIDAX", "AROA*", "AROAX:s1", "*:alice", "111122223333", "AIDA*"],
        "aws:principaltype" => &["User", "AssumedRole", "Account", "*User", "user"],
        "aws:principalaccount" | "aws:resourceaccount" => {
            &["111122223333", "444455556666", "1*", "*6666"]
        }
        "aws:requestedregion" => &["eu-west-1", "eu-*", "us-east-1", ""],
        "aws:principalservicename" => &["sns.amazonaws.com", "*.amazonaws.com", "sqs*"],
        "iam:passedtoservice" => &["lambda.amazonaws.com", "ec2.amazonaws.com", "*"],
        _ => &["a", "b", "A", "ab", "a*", "*", "*b", "", "?", "a/b"],
    };
    match dice.below(6) {
        0 => dice.pieces(&PIECES, 4),
        1 => dice.one_of(&VARIABLES).to_owned(),
        2 => format!("{}{}", dice.one_of(&VARIABLES), dice.pieces(&PIECES, 2)),
        _ => dice.one_of(known).to_owned(),
    }
}

/// An ARN or a pattern of such.
pub(crate) fn arn(dice: &mut Dice) -> String {
    let known = [
        "arn:aws:s3:::b/*",
        "arn:aws:s3:::b/k",
        "arn:aws:s3:::*",
        "arn:aws:s3:::b",
        "arn:aws:iam::111122223333:role/worker",
        "arn:aws:iam::111122223333:role/*",
        "arn:aws:iam::*:role/a*",
        "arn:aws:iam::111122223333:user/alice",
        "arn:aws:iam::aws:policy/*",
        "arn:aws:sqs:eu-west-1:111122223333:q",
        "arn:aws:sqs:*:*:q?",
        "arn:aws:kms:eu-west-1:111122223333:key/*",
        "arn:aws:kms:*:444455556666:alias/a",
        "arn:aws:lambda:eu-west-1:111122223333:function:f",
        "arn:aws:lambda:*:*:function:*",
        "arn:aws:lambda:eu-west-1:111122223333:function:f:*",
        "arn:*:*:*:*:*",
        "arn:aws:dynamodb:*:111122223333:table/t*",
        "arn:aws:s3:::${aws:username}/*",
        "arn:aws:s3:::b/${aws:PrincipalTag/team}/*",
        "arn:aws:s3:::b/${aws:username}",
        "arn:aws:s3:::b/${x:k}",
    ];
    match dice.below(4) {
        0 => {
            let partition = dice.one_of(&["aws", "aws", "aws", "*", "aws-cn"]);
            let service = dice.one_of(&["s3", "s3", "sqs", "iam", "*", "S3"]);
            let region = dice.one_of(&["", "eu-west-1", "*", "eu-*", "?u-west-1"]);
            let account = dice.one_of(&["", "111122223333", "*", "1111*", "444455556666", "aws"]);
            let mut resource = dice.pieces(&PIECES, 4);
            if dice.one_in(4) {
                resource += dice.one_of(&VARIABLES);
                resource += &dice.pieces(&PIECES, 2);
            }
            format!("arn:{partition}:{service}:{region}:{account}:{resource}")
        }
        1 => format!("arn:aws:s3:::{}", dice.pieces(&PIECES, 5)),
        _ => dice.one_of(&known).to_owned(),
    }
}

pub(crate) fn action(dice: &mut Dice) -> String {
    match dice.below(8) {
        0 => "*".to_owned(),
        1 => format!("{}:*", dice.one_of(&SERVICES)),
        2 | 3 => format!("{}:{}", dice.one_of(&SERVICES), dice.pieces(&NAMES, 3)),
        4 => format!("{}:{}*", dice.one_of(&SERVICES), dice.one_of(&NAMES)),
        _ => dice.one_of(&ACTIONS).to_owned(),
    }
}

pub(crate) fn resource(dice: &mut Dice) -> String {
    if dice.one_in(4) { "*".to_owned() } else { arn(dice) }
}

/// One, or a list.
fn some(dice: &mut Dice, one: impl Fn(&mut Dice) -> String) -> Value {
    match dice.below(3) {
        0 => json!(one(dice)),
        _ => (0..=dice.below(3)).map(|_| one(dice)).collect(),
    }
}

/// Puts another condition to those of a statement.
pub(crate) fn condition(dice: &mut Dice, statement: &mut Value) {
    let kind = TYPES[dice.below(TYPES.len())];
    let mut name = dice.one_of(kind.operators()).to_owned();
    // Of another type.
    let key = match dice.one_in(12) {
        true => dice.one_of(&TEXTS),
        false => dice.one_of(kind.keys()),
    };
    if kind != Type::Null {
        let holds_lists =
            ["x:l", "aws:TagKeys"].contains(&key) && !dice.one_in(4) || dice.one_in(10);
        if holds_lists {
            name = format!("{}:{name}", dice.one_of(&["ForAnyValue", "ForAllValues"]));
        }
        if dice.one_in(4) {
            name += "IfExists";
        }
    }
    let values = some(dice, |dice| value(dice, &name, key));
    let conditions = &mut statement["Condition"];
    if !conditions.is_object() {
        *conditions = json!({});
    }
    if !conditions[&name].is_object() {
        conditions[&name] = json!({});
    }
    conditions[&name][key] = values;
}

pub(crate) fn principals(dice: &mut Dice) -> Value {
    match dice.below(8) {
        0 | 1 => json!("*"),
        2 => json!({"Service": dice.one_of(&["sns.amazonaws.com", "sqs.amazonaws.com"])}),
        3 => json!({"AWS": ["*", dice.one_of(&PRINCIPALS)]}),
        4 => json!({"Federated": "accounts.google.com"}),
        _ => json!({"AWS": some(dice, |dice| dice.one_of(&PRINCIPALS).to_owned())}),
    }
}

pub(crate) fn statement(dice: &mut Dice, names: bool, denies: usize) -> Value {
    let effect = if dice.below(8) < denies { "Deny" } else { "Allow" };
    let mut statement = Map::new();
    statement.insert("Effect".into(), json!(effect));
    let not = if effect == "Deny" { 4 } else { 8 };
    let name = if dice.one_in(not) { "NotAction" } else { "Action" };
    statement.insert(name.into(), some(dice, action));
    let name = if dice.one_in(not) { "NotResource" } else { "Resource" };
    statement.insert(name.into(), some(dice, resource));
    if names {
        let name = if effect == "Deny" && dice.one_in(4) { "NotPrincipal" } else { "Principal" };
        statement.insert(name.into(), principals(dice));
    }
    let mut statement = Value::Object(statement);
    for _ in 0..[0, 0, 1, 1, 1, 2, 3][dice.below(7)] {
        condition(dice, &mut statement);
    }
    statement
}

fn document(dice: &mut Dice, names: bool, denies: usize) -> Value {
    let mut statements: Vec<Value> =
        (0..=dice.below(3)).map(|_| statement(dice, names, denies)).collect();
    // Else little is allowed through many layers.
    if !names && dice.one_in(3) {
        statements.push(json!({"Effect": "Allow", "Action": "*", "Resource": "*"}));
    }
    let version = if dice.one_in(8) { "2008-10-17" } else { "2012-10-17" };
    json!({"Version": version, "Statement": statements})
}

/// A document that only limits what others allow.
fn limit(dice: &mut Dice, names: bool) -> Value {
    let mut document = document(dice, names, 5);
    let mut all = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
    if names {
        all["Principal"] = json!("*");
    }
    if !dice.one_in(4)
        && let Some(statements) = document["Statement"].as_array_mut()
    {
        statements.push(all);
    }
    document
}

/// Policies by layer.
pub(crate) fn side(dice: &mut Dice, universe: Universe) -> Side {
    let mut side = json!({});
    let only_resource = dice.one_in(6);
    if !only_resource {
        let count = 1 + dice.below(2);
        side["identity"] = (0..count).map(|_| document(dice, false, 2)).collect();
        if dice.one_in(4) {
            side["boundary"] = json!([limit(dice, false)]);
        }
        if dice.one_in(6) {
            side["session"] = json!([limit(dice, false)]);
        }
    }
    if only_resource || dice.one_in(4) {
        side["resource"] = document(dice, true, 3);
    }
    if dice.one_in(5) {
        let count = 1 + dice.below(2);
        side["scp"] = (0..count).map(|_| json!([limit(dice, false)])).collect();
    }
    if dice.one_in(8) {
        let mut statement = statement(dice, true, 8);
        statement["Principal"] = json!("*");
        statement.as_object_mut().map(|all| all.remove("NotPrincipal"));
        side["rcp"] = json!([[{"Version": "2012-10-17", "Statement": [statement]}]]);
    }
    if dice.one_in(8) {
        side["vpc_endpoint"] = limit(dice, true);
    }
    // Whoever has no policies of its own cannot have these.
    let has_own = ["boundary", "session"].iter().any(|layer| !side[layer].is_null());
    let known = if has_own || universe == Universe::Catalogue { 6 } else { CALLERS.len() };
    Side { value: side, callers: CALLERS.iter().take(known).map(|it| (*it).to_owned()).collect() }
}
