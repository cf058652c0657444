//! Random cases over a small world, so that policies and requests meet.

use std::collections::BTreeMap;

use crate::choices::Choices;
use crate::world::{Caller, Case, Element, Held, Policy, Statement, Test, Whose};

/// How a statement says whom it is about.
#[derive(Clone, Copy, PartialEq)]
enum Whom {
    Nobody,
    Principals,
    Trust,
}

const ACTIONS: [&str; 10] = [
    "*",
    "s3:*",
    "s3:GetObject",
    "S3:getobject",
    "s3:*Object",
    "s3:Put?bject",
    "*:GetObject",
    "ec2:*",
    "sts:AssumeRole",
    "kms:Decrypt",
];
const TRUST_ACTIONS: [&str; 4] = ["sts:AssumeRole", "sts:*", "sts:TagSession", "STS:assumerole"];

const RESOURCES: [&str; 16] = [
    "*",
    "arn:aws:s3:::b/*",
    "arn:aws:s3:::b/k",
    "arn:aws:s3:::B/k",
    "arn:aws:s3:*",
    "arn:aws:S3:::?/k",
    "arn:aws:s3:::b/${aws:PrincipalTag/t}",
    "arn:aws:iam::111111111111:role/t",
    "arn:aws:iam::*:role/*",
    "arn:aws:kms:*:*:key/*",
    "arn:aws:kms:*:key/?*",
    "arn:aws:lambda:*:function:?",
    "arn:aws:lambda:r*1:*:f",
    "arn:aws:lambda:*:FUNCTION:?",
    "arn:aws:kms:*:KEY/?*",
    "arn:aws:kms:*:*:${aws:PrincipalTag/t}",
];

const PRINCIPALS: [&str; 9] = [
    "*",
    "111111111111",
    "arn:aws:iam::111111111111:root",
    "222222222222",
    "arn:aws:iam::111111111111:user/u",
    "arn:aws:iam::111111111111:role/r",
    "arn:aws:sts::111111111111:assumed-role/r/s",
    "arn:aws:sts::111111111111:federated-user/u",
    "arn:aws:iam::111111111111:role/p/r",
];

const TEXTS: [&str; 9] =
    ["a", "b", "A", "a*", "?", "${aws:PrincipalTag/t}", "${aws:no}", "${aws:no, 'b'}", "${*}"];

/// Operators, the keys that they are tried on, and values.
type Kind = (&'static [&'static str], &'static [&'static str], &'static [&'static str]);
const KINDS: [Kind; 8] = [
    (
        &[
            "StringEquals",
            "StringNotEquals",
            "StringLike",
            "StringNotLike",
            "StringEqualsIgnoreCase",
            "StringNotEqualsIgnoreCase",
        ],
        &["aws:PrincipalTag/t", "aws:TagKeys"],
        &TEXTS,
    ),
    (
        &[
            "NumericEquals",
            "NumericNotEquals",
            "NumericLessThan",
            "NumericLessThanEquals",
            "NumericGreaterThan",
            "NumericGreaterThanEquals",
        ],
        &["s3:max-keys"],
        &["5", "5.0", "10", "-1", "x"],
    ),
    (
        &["IpAddress", "NotIpAddress"],
        &["aws:SourceIp"],
        &["10.0.0.0/8", "10.1.2.3", "2001:db8::/32", "10.0.0.0/33"],
    ),
    (
        &["ArnLike", "ArnEquals", "ArnNotLike", "ArnNotEquals"],
        &["aws:SourceArn"],
        &[
            "arn:aws:s3:::a/*",
            "arn:aws:s3:::*",
            "arn:aws:*:::b",
            "arn:aws:s3:::${aws:PrincipalTag/t}",
            "b",
        ],
    ),
    (
        &[
            "DateEquals",
            "DateNotEquals",
            "DateLessThan",
            "DateLessThanEquals",
            "DateGreaterThan",
            "DateGreaterThanEquals",
        ],
        &["aws:CurrentTime"],
        &["2020-01-01T00:00:00Z", "2020-01-01", "1577836800", "2020-06-01T12:00:00+02:00"],
    ),
    (&["Bool"], &["aws:SecureTransport"], &["true", "false", "TRUE"]),
    (&["BinaryEquals"], &["x:Binary"], &["YQ==", "YWI=", "!"]),
    (
        &["Null"],
        &["aws:PrincipalTag/t", "aws:TagKeys", "s3:max-keys", "aws:SourceIp"],
        &["true", "false"],
    ),
];

/// The keys that cases may know nothing of; the first ones are asked for most.
const KEYS: [&str; 10] = [
    "aws:PrincipalTag/t",
    "aws:PrincipalTag/t",
    "aws:TagKeys",
    "aws:no",
    "s3:max-keys",
    "aws:SourceIp",
    "aws:SourceArn",
    "aws:CurrentTime",
    "aws:SecureTransport",
    "x:Binary",
];

fn one_or_two(c: &mut Choices, all: &[&'static str]) -> Vec<&'static str> {
    c.list(1, 2, |c| c.of(all))
}

fn condition(c: &mut Choices) -> Test {
    let (operators, keys, values) = c.of(&KINDS);
    let operator = c.of(operators);
    let prefix = c.of(&["", "", "ForAllValues:", "ForAnyValue:"]);
    let suffix = if operator != "Null" && c.once_in(2) { "IfExists" } else { "" };
    let values = one_or_two(c, values);
    Test { operator: format!("{prefix}{operator}{suffix}"), key: c.of(keys), values }
}

fn statement(c: &mut Choices, whom: Whom) -> Statement {
    let trust = whom == Whom::Trust;
    let actions = Element {
        negated: !trust && c.once_in(7),
        values: one_or_two(c, if trust { &TRUST_ACTIONS } else { &ACTIONS }),
    };
    let resources =
        (!trust).then(|| Element { negated: c.once_in(7), values: one_or_two(c, &RESOURCES) });
    let principals = (whom != Whom::Nobody).then(|| Element {
        negated: !trust && c.once_in(7),
        values: match c.below(5) {
            0 => Whose::Everyone,
            1 => Whose::Service("lambda.amazonaws.com"),
            2 if c.once_in(2) => Whose::Federated("arn:aws:iam::111111111111:oidc-provider/p"),
            _ => Whose::Aws(one_or_two(c, &PRINCIPALS)),
        },
    });
    let mut conditions = Vec::new();
    if c.once_in(3) {
        conditions = c.list(1, 2, condition);
        conditions.dedup_by(|a, b| a.operator == b.operator);
    }
    Statement { allow: !c.once_in(4), actions, resources, principals, conditions }
}

fn policy(c: &mut Choices, whom: Whom) -> Policy {
    let version = match c.below(8) {
        7 => None,
        6 => Some("2008-10-17"),
        _ => Some("2012-10-17"),
    };
    // Longer documents are looked up by action instead of read through.
    let (least, most) = if c.once_in(12) { (8, 11) } else { (1, 3) };
    Policy { version, statements: c.list(least, most, |c| statement(c, whom)) }
}

pub(crate) fn context(c: &mut Choices) -> BTreeMap<&'static str, Held> {
    let single: [(&str, &[&str]); 6] = [
        ("aws:PrincipalTag/t", &["a", "A", "b", "k", "a*", "*", "ab"]),
        ("s3:max-keys", &["5", "5.00", "9", "10.5", "-2", "5x"]),
        ("aws:SourceIp", &["10.1.2.3", "10.9.9.9", "11.0.0.1", "2001:db8::1", "x"]),
        ("aws:SourceArn", &["arn:aws:s3:::a/x:y", "arn:aws:s3:::b", "arn:aws:S3:::a", "b"]),
        (
            "aws:CurrentTime",
            &[
                "2020-01-01T00:00:00Z",
                "1577836800",
                "2019-12-31T23:59:59.5Z",
                "2020-06-01T10:00:00Z",
                "x",
            ],
        ),
        ("aws:SecureTransport", &["true", "false"]),
    ];
    let mut context = BTreeMap::new();
    for (key, values) in single {
        if c.once_in(2) {
            context.insert(key, Held::One(c.of(values)));
        }
    }
    if c.once_in(4) {
        context.insert("x:Binary", Held::One(c.of(&["YQ==", "YWI=", "a"])));
    }
    if c.once_in(2) {
        let held = if c.once_in(4) {
            Held::One(c.of(&["a", "b", ""]))
        } else {
            Held::Many(c.list(0, 2, |c| c.of(&["a", "b", "c", ""])))
        };
        context.insert("aws:TagKeys", held);
    }
    context
}

/// A random case: of all layers at once, or of one condition alone; of some,
/// one or two keys are unknown.
pub(crate) fn case(c: &mut Choices) -> Case {
    let mut case = if c.once_in(3) { one_condition(c) } else { whole(c) };
    // Each stands for many: what its keys can be.
    if c.once_in(12) {
        let most = if c.once_in(5) { 2 } else { 1 };
        case.unknown = c.list(1, most, |c| c.of(&KEYS));
        case.unknown.dedup();
        case.context.retain(|key, _| !case.unknown.contains(key));
    }
    case
}

/// One Allow, or a Deny beside it, under one condition: of a user's policy, of
/// the resource's policy for whoever asks, or of what stands before both.
fn one_condition(c: &mut Choices) -> Case {
    let deny = c.once_in(2);
    let mut statements = vec![plain(!deny, vec![condition(c)])];
    if deny {
        statements.push(plain(true, Vec::new()));
    }
    let policy = |statements| Policy { version: Some("2012-10-17"), statements };
    let mut case = Case {
        caller: Caller::User,
        action: "s3:GetObject",
        target: "arn:aws:s3:::b/k",
        account: None,
        context: context(c),
        unknown: Vec::new(),
        endpoint: None,
        rcp: Vec::new(),
        scp: Vec::new(),
        identity: Vec::new(),
        boundary: None,
        session: None,
        resource: None,
        trust: false,
    };
    let layer = c.below(6);
    if layer < 3 {
        case.identity = vec![policy(statements)];
        return case;
    }
    case.caller = c.of(&[Caller::User, Caller::Service, Caller::WebIdentity, Caller::Anonymous]);
    for statement in &mut statements {
        statement.principals = Some(everybody());
    }
    if layer == 3 {
        case.resource = Some(policy(statements));
        return case;
    }
    let open = Statement { principals: Some(everybody()), ..plain(true, Vec::new()) };
    case.resource = Some(policy(vec![open]));
    if layer == 4 {
        case.endpoint = Some(policy(statements));
        return case;
    }
    let conditions = statements.into_iter().next().map(|one| one.conditions).unwrap_or_default();
    let mut denies = Statement { principals: Some(everybody()), ..plain(false, conditions) };
    denies.actions.values = vec!["s3:*"];
    case.rcp = vec![vec![policy(vec![denies])]];
    case
}

/// A statement about everything.
fn plain(allow: bool, conditions: Vec<Test>) -> Statement {
    Statement {
        allow,
        actions: Element { negated: false, values: vec!["*"] },
        resources: Some(Element { negated: false, values: vec!["*"] }),
        principals: None,
        conditions,
    }
}

fn everybody() -> Element<Whose> {
    Element { negated: false, values: Whose::Everyone }
}

/// A policy that only denies, of everybody, actions of a named service.
fn resource_control(c: &mut Choices) -> Policy {
    let mut policy = everywhere(policy(c, Whom::Nobody));
    for statement in &mut policy.statements {
        statement.allow = false;
        statement.principals = Some(everybody());
        statement.actions.negated = false;
        for action in &mut statement.actions.values {
            if action.starts_with('*') {
                *action = c.of(&["s3:*", "kms:*", "lambda:*"]);
            }
        }
        for pattern in statement.resources.iter_mut().flat_map(|element| &mut element.values) {
            if pattern.split(':').count() < 6 {
                *pattern = "*";
            }
        }
    }
    policy
}

/// The policy with resources in every statement.
fn everywhere(mut policy: Policy) -> Policy {
    for statement in &mut policy.statements {
        let all = Element { negated: false, values: vec!["*"] };
        statement.resources.get_or_insert(all);
    }
    policy
}

fn whole(c: &mut Choices) -> Case {
    let caller = c.of(&[
        Caller::User,
        Caller::User,
        Caller::User,
        Caller::User,
        Caller::RoleSession,
        Caller::RoleSession,
        Caller::RoleSession,
        Caller::RoleSession,
        Caller::FederatedUser,
        Caller::Root,
        Caller::Service,
        Caller::WebIdentity,
        Caller::Anonymous,
    ]);
    let (action, target) = c.of(&[
        ("s3:GetObject", "arn:aws:s3:::b/k"),
        ("s3:GetObject", "arn:aws:s3:::b/a"),
        ("s3:GetObject", "arn:aws:s3:::c/k"),
        ("s3:PutObject", "arn:aws:s3:::b/k"),
        ("s3:ListAllMyBuckets", "*"),
        ("kms:Decrypt", "arn:aws:kms:r:111111111111:key/k"),
        ("lambda:InvokeFunction", "arn:aws:lambda:r:111111111111:function:f"),
        ("sts:AssumeRole", "arn:aws:iam::111111111111:role/t"),
        ("sts:AssumeRole", "arn:aws:iam::222222222222:role/t"),
        ("sts:GetCallerIdentity", "*"),
    ]);
    let trust = action == "sts:AssumeRole";
    let account = c.of(&[None, None, None, Some("222222222222"), Some("111111111111")]);
    let nobody = |c: &mut Choices| policy(c, Whom::Nobody);
    let rcp = match c.once_in(4) {
        true => c.list(1, 2, |c| c.list(0, 2, resource_control)),
        false => Vec::new(),
    };
    let scp = if c.once_in(4) { c.list(1, 2, |c| c.list(0, 2, nobody)) } else { Vec::new() };
    Case {
        caller,
        action,
        target,
        account,
        context: context(c),
        unknown: Vec::new(),
        endpoint: c.once_in(8).then(|| everywhere(policy(c, Whom::Principals))),
        rcp,
        scp,
        identity: c.list(0, 2, nobody),
        boundary: c.once_in(3).then(|| vec![policy(c, Whom::Nobody)]),
        session: c.once_in(3).then(|| c.list(1, 2, nobody)),
        resource: c
            .once_in(2)
            .then(|| policy(c, if trust { Whom::Trust } else { Whom::Principals })),
        trust,
    }
}
