//! Policies and requests made from bytes: small, and of the parts that policies have.

use ringfence_policy::{Context, Principal};
use serde_json::{Map, Value, json};

use crate::entry;

const PARTS: [&str; 24] = [
    "a",
    "b",
    "A",
    "*",
    "?",
    "/",
    ":",
    "1",
    "ab",
    "-",
    "${aws:username}",
    "${x:k}",
    "${aws:x}",
    "${*}",
    "111122223333",
    "arn:aws:s3:::",
    "10.0.0.0/8",
    "10.1.2.3",
    "2020-01-01T00:00:00Z",
    "true",
    "5",
    "é",
    "::1",
    "alias/aws/",
];

const ACTIONS: [&str; 14] = [
    "s3:GetObject",
    "s3:Get*",
    "s3:*",
    "*",
    "s3:?etObject",
    "*:Get*",
    "iam:PassRole",
    "sts:AssumeRole",
    "kms:Decrypt",
    "kms:CreateAlias",
    "iam:CreateServiceLinkedRole",
    "sqs:SendMessage",
    "x:y",
    "s3:PutObject",
];

const RESOURCES: [&str; 14] = [
    "*",
    "arn:aws:s3:::b/*",
    "arn:aws:s3:::b/k",
    "arn:aws:s3:::*",
    "arn:aws:s3:::${aws:username}/*",
    "arn:aws:s3:::b/${x:k}",
    "arn:aws:iam::111122223333:role/r",
    "arn:aws:iam::*:role/*",
    "arn:aws:sqs:r:111122223333:q",
    "arn:aws:sqs:*:*:q?",
    "arn:*:*:*:*:*",
    "arn:aws:kms:r:111122223333:key/k",
    "arn:aws:kms:r:111122223333:alias/a",
    "arn:aws:x:?:1:a:b",
];

const KEYS: [&str; 12] = [
    "x:k",
    "x:n",
    "aws:SourceIp",
    "aws:CurrentTime",
    "aws:SecureTransport",
    "aws:PrincipalArn",
    "aws:PrincipalAccount",
    "aws:TagKeys",
    "aws:username",
    "aws:ResourceAccount",
    "aws:PrincipalOrgID",
    "iam:PassedToService",
];

const OPERATORS: [&str; 24] = [
    "StringEquals",
    "StringNotEquals",
    "StringEqualsIgnoreCase",
    "StringNotEqualsIgnoreCase",
    "StringLike",
    "StringNotLike",
    "NumericEquals",
    "NumericNotEquals",
    "NumericLessThan",
    "NumericGreaterThanEquals",
    "DateEquals",
    "DateLessThan",
    "DateGreaterThan",
    "Bool",
    "Null",
    "IpAddress",
    "NotIpAddress",
    "ArnEquals",
    "ArnLike",
    "ArnNotLike",
    "BinaryEquals",
    "ForAnyValue:StringLike",
    "ForAllValues:StringLike",
    "ForAnyValue:StringNotEquals",
];

const CALLERS: [&str; 6] = [
    "arn:aws:iam::111122223333:user/a",
    "arn:aws:iam::999999999999:user/b",
    "arn:aws:iam::111122223333:root",
    "arn:aws:sts::111122223333:assumed-role/r/s",
    "sns.amazonaws.com",
    "anonymous",
];

/// What is left of the bytes.
pub(crate) struct Made<'d> {
    left: std::slice::Iter<'d, u8>,
}

impl<'d> Made<'d> {
    pub(crate) fn new(data: &'d [u8]) -> Self {
        Self { left: data.iter() }
    }

    /// A number below another; 0 where nothing is left.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::from(self.left.next().copied().unwrap_or_default()) % end
    }

    fn one_of(&mut self, all: &[&'static str]) -> &'static str {
        all[self.below(all.len())]
    }

    fn text(&mut self) -> String {
        let length = self.below(5);
        (0..length).map(|_| self.one_of(&PARTS)).collect()
    }

    fn some(&mut self, one: impl Fn(&mut Self) -> String) -> Value {
        let count = 1 + self.below(3);
        (0..count).map(|_| one(self)).collect()
    }

    fn action(&mut self) -> String {
        match self.below(8) {
            0 => format!("s3:{}", self.text()),
            _ => self.one_of(&ACTIONS).to_owned(),
        }
    }

    fn resource(&mut self) -> String {
        match self.below(4) {
            0 => format!("arn:aws:s3:::{}", self.text()),
            1 => format!("arn:aws:x:{}:{}:{}", self.text(), self.text(), self.text()),
            _ => self.one_of(&RESOURCES).to_owned(),
        }
    }

    fn condition(&mut self, into: &mut Map<String, Value>) {
        let mut operator = self.one_of(&OPERATORS).to_owned();
        if self.below(4) == 0 && operator != "Null" {
            operator += "IfExists";
        }
        let value = match self.below(3) {
            0 => self.some(Self::text),
            _ if operator.contains("Date") => json!("2020-01-01T00:00:00Z"),
            _ if operator.contains("Numeric") => json!(self.below(9)),
            _ if operator.contains("Ip") => json!("10.0.0.0/8"),
            _ if operator.contains("Arn") => json!(self.resource()),
            _ if operator == "Null" || operator.contains("Bool") => json!(self.below(2) == 0),
            _ => json!(self.one_of(&PARTS)),
        };
        let key = self.one_of(&KEYS);
        let keys = into.entry(operator).or_insert_with(|| json!({}));
        keys[key] = value;
    }

    fn principal(&mut self) -> Value {
        match self.below(5) {
            0 => json!("*"),
            1 => json!({"Service": "sns.amazonaws.com"}),
            2 => json!({"AWS": "111122223333"}),
            _ => json!({"AWS": CALLERS[self.below(3)]}),
        }
    }

    fn statement(&mut self, effects: usize, is_resources: bool) -> Value {
        let effect = if self.below(effects) == 1 { "Deny" } else { "Allow" };
        let mut statement = json!({"Effect": effect});
        let not = self.below(8);
        let action = if not & 1 == 1 && not > 4 { "NotAction" } else { "Action" };
        statement[action] = self.some(Self::action);
        let resource = if not & 2 == 2 && not > 4 { "NotResource" } else { "Resource" };
        statement[resource] = self.some(Self::resource);
        let count = self.below(3);
        if count > 0 {
            let mut conditions = Map::new();
            (0..count).for_each(|_| self.condition(&mut conditions));
            statement["Condition"] = Value::Object(conditions);
        }
        if is_resources {
            let not = self.below(8) == 0 && effect == "Deny";
            statement[if not { "NotPrincipal" } else { "Principal" }] = self.principal();
        }
        statement
    }

    fn document(&mut self, effects: usize, is_resources: bool) -> Value {
        let count = 1 + self.below(3);
        let statements: Vec<Value> =
            (0..count).map(|_| self.statement(effects, is_resources)).collect();
        let version = if self.below(8) == 7 { "2008-10-17" } else { "2012-10-17" };
        json!({"Version": version, "Statement": statements})
    }

    /// Policies by layer.
    pub(crate) fn side(&mut self) -> Value {
        let layers = self.below(256);
        let mut side = json!({});
        if layers & 3 != 3 {
            side["identity"] = json!([self.document(2, false)]);
        }
        if layers & 12 == 12 {
            side["boundary"] = json!([self.document(2, false)]);
        }
        if layers & 48 == 48 {
            side["scp"] = json!([[self.document(2, false)]]);
        }
        if layers & 3 == 3 || layers & 80 == 80 {
            side["resource"] = self.document(2, true);
        }
        match layers & 224 {
            224 => side["session"] = json!([self.document(2, false)]),
            192 => side["vpc_endpoint"] = self.document(2, true),
            160 => side["rcp"] = json!([[self.document(2, true)]]),
            _ => {}
        }
        side
    }

    /// Who asks; nobody in particular.
    pub(crate) fn caller(&mut self) -> Option<Principal> {
        entry::caller(CALLERS.get(self.below(CALLERS.len() + 2))?)
    }

    /// A user, or a role's session.
    pub(crate) fn somebody(&mut self) -> Option<Principal> {
        entry::caller([CALLERS[0], CALLERS[1], CALLERS[3]][self.below(3)])
    }

    /// An action of a request.
    pub(crate) fn called(&mut self) -> String {
        self.action().replace(['*', '?'], "Get")
    }

    /// What a request acts upon.
    pub(crate) fn acted_upon(&mut self) -> String {
        match self.below(8) {
            0 => "*".to_owned(),
            _ => self.resource().replace(['*', '?'], "a").replace("${", "b").replace('}', ""),
        }
    }

    /// The keys of a request, with those that the caller decides.
    pub(crate) fn context(&mut self, principal: &Principal) -> Context {
        let mut context = Context::new();
        let account = principal.account_id().unwrap_or_default();
        let (arn, kind, name) = match principal {
            Principal::User { arn } => (arn.clone(), "User", arn.rsplit('/').next()),
            Principal::RoleSession { role_arn, .. } => (role_arn.clone(), "AssumedRole", None),
            Principal::Root { account_id } => {
                (format!("arn:aws:iam::{account_id}:root"), "Account", None)
            }
            Principal::Service { name } => {
                context.set("aws:PrincipalServiceName", name.as_str());
                (String::new(), "", None)
            }
            _ => (String::new(), "Anonymous", None),
        };
        if let Principal::Root { account_id } = principal {
            context.set("aws:userid", account_id.as_str());
        }
        if let Some(name) = name {
            context.set("aws:username", name);
        }
        for (key, value) in [("Arn", arn.as_str()), ("Account", account), ("Type", kind)] {
            if !value.is_empty() {
                context.set(&format!("aws:Principal{key}"), value);
            }
        }
        if kind != "Anonymous" {
            context.set("aws:PrincipalIsAWSService", (account.is_empty()).to_string());
        }
        for _ in 0..self.below(4) {
            let key = self.one_of(&KEYS[..5]);
            match self.below(4) {
                0 => context.set_list(key, [self.text(), self.text()]),
                1 => context.set(key, self.text()),
                _ => context.set(key, self.one_of(&PARTS)),
            };
        }
        context
    }
}
