//! Random cases over a small world, so that policies and requests meet.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use ringfence_policy::Principal;
use serde_json::{Map, Value, json};

/// What a context key holds.
#[derive(Debug, Clone)]
pub(crate) enum Held {
    One(String),
    Many(Vec<String>),
}

/// A request with all its policies.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) principal: Principal,
    pub(crate) action: String,
    pub(crate) target: String,
    pub(crate) account: Option<String>,
    pub(crate) context: BTreeMap<String, Held>,
    pub(crate) scp: Vec<Vec<Value>>,
    pub(crate) identity: Vec<Value>,
    pub(crate) boundary: Option<Vec<Value>>,
    pub(crate) session: Option<Vec<Value>>,
    pub(crate) resource: Option<Value>,
    /// Whether `resource` is a trust policy.
    pub(crate) trust: bool,
}

pub(crate) const KEYS: [&str; 5] =
    ["aws:PrincipalTag/t", "aws:TagKeys", "s3:max-keys", "aws:SourceIp", "aws:SourceArn"];

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

fn one_or_list(values: Vec<&'static str>) -> Value {
    match values.as_slice() {
        [one] => json!(one),
        list => json!(list),
    }
}

fn some_of(all: &'static [&'static str]) -> impl Strategy<Value = Value> {
    subsequence(all.to_vec(), 1..=2.min(all.len())).prop_map(one_or_list)
}

fn principal() -> impl Strategy<Value = Principal> {
    let account = || "111111111111".to_owned();
    prop_oneof![
        4 => Just(Principal::User { arn: "arn:aws:iam::111111111111:user/u".into() }),
        4 => Just(Principal::RoleSession {
            role_arn: "arn:aws:iam::111111111111:role/p/r".into(),
            session_arn: "arn:aws:sts::111111111111:assumed-role/r/s".into(),
        }),
        1 => Just(Principal::FederatedUser {
            arn: "arn:aws:sts::111111111111:federated-user/u".into(),
            user_arn: "arn:aws:iam::111111111111:user/u".into(),
        }),
        1 => Just(Principal::Root { account_id: account() }),
        1 => Just(Principal::Service { name: "lambda.amazonaws.com".into() }),
        1 => Just(Principal::Anonymous),
    ]
}

/// An operator, its keys and values of its kind.
fn condition() -> impl Strategy<Value = (String, Value)> {
    let base = prop_oneof![
        (
            select(vec![
                "StringEquals",
                "StringNotEquals",
                "StringLike",
                "StringNotLike",
                "StringEqualsIgnoreCase"
            ]),
            select(vec![KEYS[0], KEYS[1]]),
            some_of(&[
                "a",
                "b",
                "A",
                "a*",
                "?",
                "${aws:PrincipalTag/t}",
                "${aws:no}",
                "${aws:no, 'b'}",
                "${*}"
            ]),
        ),
        (
            select(vec![
                "NumericEquals",
                "NumericNotEquals",
                "NumericLessThan",
                "NumericGreaterThanEquals"
            ]),
            Just(KEYS[2]),
            some_of(&["5", "5.0", "10", "-1"]),
        ),
        (
            select(vec!["IpAddress", "NotIpAddress"]),
            Just(KEYS[3]),
            some_of(&["10.0.0.0/8", "10.1.2.3", "2001:db8::/32"]),
        ),
        (
            select(vec!["ArnLike", "ArnNotEquals"]),
            Just(KEYS[4]),
            some_of(&["arn:aws:s3:::a/*", "arn:aws:s3:::*", "arn:aws:*:::b"]),
        ),
        (Just("Null"), select(KEYS.to_vec()), some_of(&["true", "false"])),
    ];
    let prefix = select(vec!["", "", "ForAllValues:", "ForAnyValue:"]);
    (base, prefix, any::<bool>()).prop_map(|((operator, key, values), prefix, if_exists)| {
        let suffix = if if_exists && operator != "Null" { "IfExists" } else { "" };
        (format!("{prefix}{operator}{suffix}"), json!({ key: values }))
    })
}

/// How a statement says whom it is about.
#[derive(Clone, Copy, PartialEq)]
enum Whom {
    Nobody,
    Principals,
    Trust,
}

fn statement(whom: Whom) -> impl Strategy<Value = Value> {
    let effect = prop_oneof![3 => Just("Allow"), 1 => Just("Deny")];
    let actions: &[&str] = if whom == Whom::Trust {
        &["sts:AssumeRole", "sts:*", "sts:TagSession", "STS:assumerole"]
    } else {
        &[
            "*",
            "s3:*",
            "s3:GetObject",
            "S3:getobject",
            "s3:*Object",
            "s3:Put?bject",
            "ec2:*",
            "sts:AssumeRole",
        ]
    };
    let actions = (Just(whom != Whom::Trust), weighted(), some_of(actions)).prop_map(
        |(may, negated, values)| (if may && negated { "NotAction" } else { "Action" }, values),
    );
    let resources = (
        weighted(),
        some_of(&[
            "*",
            "arn:aws:s3:::b/*",
            "arn:aws:s3:::b/k",
            "arn:aws:s3:::B/k",
            "arn:aws:s3:*",
            "arn:aws:s3:::b/${aws:PrincipalTag/t}",
            "arn:aws:iam::111111111111:role/t",
            "arn:aws:iam::*:role/*",
        ]),
    )
        .prop_map(|(negated, values)| (if negated { "NotResource" } else { "Resource" }, values));
    let whose = (
        weighted(),
        prop_oneof![
            2 => some_of(&PRINCIPALS).prop_map(|values| json!({ "AWS": values })),
            1 => Just(json!("*")),
            1 => Just(json!({ "Service": "lambda.amazonaws.com" })),
        ],
    )
        .prop_map(|(negated, value)| (if negated { "NotPrincipal" } else { "Principal" }, value));
    (effect, actions, resources, whose, vec(condition(), 0..=2), 0..3_u8).prop_map(
        move |(effect, actions, resources, whose, conditions, conditional)| {
            let mut out = Map::new();
            out.insert("Effect".into(), json!(effect));
            out.insert(actions.0.into(), actions.1);
            if whom != Whom::Trust {
                out.insert(resources.0.into(), resources.1);
            }
            if whom != Whom::Nobody {
                out.insert(whose.0.into(), whose.1);
            }
            if conditional == 0 {
                let blocks: Map<String, Value> = conditions.into_iter().collect();
                out.insert("Condition".into(), Value::Object(blocks));
            }
            Value::Object(out)
        },
    )
}

/// True now and then.
fn weighted() -> impl Strategy<Value = bool> {
    prop_oneof![6 => Just(false), 1 => Just(true)]
}

fn document(whom: Whom) -> impl Strategy<Value = Value> {
    let version =
        prop_oneof![6 => Just(Some("2012-10-17")), 1 => Just(Some("2008-10-17")), 1 => Just(None)];
    (version, vec(statement(whom), 1..=3)).prop_map(|(version, statements)| match version {
        Some(version) => json!({ "Version": version, "Statement": statements }),
        None => json!({ "Statement": statements }),
    })
}

fn context() -> impl Strategy<Value = BTreeMap<String, Held>> {
    let one = |values: &'static [&'static str]| {
        select(values.to_vec()).prop_map(|value| Held::One(value.to_owned()))
    };
    let many = vec(select(vec!["a", "b", "c"]), 0..=2)
        .prop_map(|values| Held::Many(values.into_iter().map(str::to_owned).collect()));
    (
        option::of(one(&["a", "A", "b", "k", "a*", "*", "ab"])),
        option::of(prop_oneof![3 => many, 1 => one(&["a", "b", ""])]),
        option::of(one(&["5", "5.00", "9", "10.5", "-2", "5x"])),
        option::of(one(&["10.1.2.3", "10.9.9.9", "11.0.0.1", "2001:db8::1", "x"])),
        option::of(one(&["arn:aws:s3:::a/x:y", "arn:aws:s3:::b", "b"])),
    )
        .prop_map(|(tag, keys, number, address, arn)| {
            let held = [tag, keys, number, address, arn];
            let named = KEYS.into_iter().zip(held);
            named.filter_map(|(key, held)| Some((key.to_owned(), held?))).collect()
        })
}

/// A random case: of all layers at once, or of one condition alone.
pub(crate) fn case() -> impl Strategy<Value = Case> {
    prop_oneof![2 => whole(), 1 => one_condition()]
}

/// A user with one Allow, or a Deny beside it, under one condition.
fn one_condition() -> impl Strategy<Value = Case> {
    (condition(), context(), any::<bool>()).prop_map(|((operator, keys), context, deny)| {
        let effect = if deny { "Deny" } else { "Allow" };
        let condition = json!({ operator: keys });
        let mut statements = vec![json!({
            "Effect": effect, "Action": "*", "Resource": "*", "Condition": condition,
        })];
        if deny {
            statements.push(json!({ "Effect": "Allow", "Action": "*", "Resource": "*" }));
        }
        Case {
            principal: Principal::User { arn: "arn:aws:iam::111111111111:user/u".into() },
            action: "s3:GetObject".into(),
            target: "arn:aws:s3:::b/k".into(),
            account: None,
            context,
            scp: Vec::new(),
            identity: vec![json!({ "Version": "2012-10-17", "Statement": statements })],
            boundary: None,
            session: None,
            resource: None,
            trust: false,
        }
    })
}

fn whole() -> impl Strategy<Value = Case> {
    let asked = prop_oneof![
        4 => (Just("s3:GetObject"), select(vec!["arn:aws:s3:::b/k", "arn:aws:s3:::b/a", "arn:aws:s3:::c/k"])),
        1 => (Just("s3:PutObject"), Just("arn:aws:s3:::b/k")),
        1 => (Just("s3:ListAllMyBuckets"), Just("*")),
        1 => (Just("sts:AssumeRole"), select(vec!["arn:aws:iam::111111111111:role/t", "arn:aws:iam::222222222222:role/t"])),
    ];
    let account = prop_oneof![3 => Just(None), 1 => Just(Some("222222222222")), 1 => Just(Some("111111111111"))];
    let layers = (
        prop_oneof![3 => Just(vec![]), 1 => vec(vec(document(Whom::Nobody), 0..=2), 1..=2)],
        vec(document(Whom::Nobody), 0..=2),
        prop_oneof![2 => Just(None), 1 => vec(document(Whom::Nobody), 1..=1).prop_map(Some)],
        prop_oneof![2 => Just(None), 1 => vec(document(Whom::Nobody), 1..=2).prop_map(Some)],
        option::of(document(Whom::Principals)),
        option::of(document(Whom::Trust)),
    );
    (principal(), asked, account, context(), layers).prop_map(
        |(principal, (action, target), account, context, layers)| {
            let (scp, identity, boundary, session, resource, trusted) = layers;
            let trust = action == "sts:AssumeRole";
            Case {
                principal,
                action: action.to_owned(),
                target: target.to_owned(),
                account: account.map(str::to_owned),
                context,
                scp,
                identity,
                boundary,
                session,
                resource: if trust { trusted } else { resource },
                trust,
            }
        },
    )
}
