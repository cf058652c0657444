//! `who-can` and `what-can` say the same of whom the policies of resources let in.

use ringfence::access::can::{Wanted, who_can};
use ringfence::access::diff::Side;
use ringfence::access::files::{self, Configurations};
use ringfence::access::what::what_can;

use super::*;

const ACCOUNT: &str = "111122223333";
const KEY: &str = "arn:aws:kms:eu-west-1:111122223333:key/11111111-2222-3333-4444-555555555555";
const SECRET: &str = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:s-AbCdEf";
const ACTIONS: [&str; 4] =
    ["kms:Decrypt", "s3:GetObject", "secretsmanager:GetSecretValue", "sts:AssumeRole"];
const WHO: [&str; 3] = ["role/a", "role/b", "user/u"];

fn iam(rest: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:{rest}")
}

fn resource(kind: &str, name: &str, values: Value) -> Value {
    json!({"address": format!("{kind}.{name}"), "mode": "managed", "type": kind, "values": values})
}

fn document(statements: &[Value]) -> String {
    json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}

/// Chance that is the same in each run.
struct Drawn(u64);

impl Drawn {
    fn below(&mut self, size: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695);
        usize::try_from(self.0 >> 33).unwrap() % size
    }

    fn of(&mut self, all: &[Value]) -> Value {
        all[self.below(all.len())].clone()
    }

    fn statement(&mut self, action: &Value) -> Value {
        let effect = ["Allow", "Allow", "Allow", "Deny"][self.below(4)];
        let mut statement = json!({"Effect": effect, "Action": action});
        let condition = match self.below(7) {
            0 => json!({"StringEquals": {"aws:PrincipalAccount": ACCOUNT}}),
            1 => json!({"ArnLike": {"aws:PrincipalArn": iam("role/b")}}),
            2 => json!({"ArnNotLike": {"aws:PrincipalArn": [iam("role/a"), iam("user/*")]}}),
            _ => return statement,
        };
        statement["Condition"] = condition;
        statement
    }

    fn own(&mut self) -> Vec<Value> {
        let actions = [&ACTIONS[..], &["*", "kms:*", "sts:*"]].concat();
        let actions: Vec<Value> = actions.into_iter().map(Value::from).collect();
        let count = self.below(3);
        let mut all = Vec::new();
        for _ in 0..count {
            let action = self.of(&actions);
            let mut statement = self.statement(&action);
            statement["Resource"] = json!("*");
            all.push(statement);
        }
        all
    }

    fn letting(&mut self, action: &str, on: Option<&str>) -> Vec<Value> {
        let whom = [
            json!("*"),
            json!({"AWS": iam("root")}),
            json!({"AWS": iam("role/a")}),
            json!({"AWS": [iam("role/b"), iam("user/u")]}),
            json!({"AWS": format!("arn:aws:sts::{ACCOUNT}:assumed-role/a/s")}),
            json!({"AWS": "arn:aws:iam::444455556666:root"}),
        ];
        let count = 1 + self.below(2);
        let mut all = Vec::new();
        for _ in 0..count {
            let mut statement = self.statement(&json!(action));
            statement["Principal"] = self.of(&whom);
            if let Some(on) = on {
                statement["Resource"] = json!(on);
            }
            all.push(statement);
        }
        all
    }

    fn estate(&mut self) -> Vec<Value> {
        let mut all = Vec::new();
        for name in ["a", "b"] {
            let trust = document(&self.letting("sts:AssumeRole", None));
            let role = json!({"name": name, "path": "/", "arn": iam(&format!("role/{name}")),
                "assume_role_policy": trust, "tags": {}});
            all.push(resource("aws_iam_role", name, role));
            let own = self.own();
            if !own.is_empty() {
                let own = json!({"role": name, "name": "p", "policy": document(&own)});
                all.push(resource("aws_iam_role_policy", name, own));
            }
        }
        let user = json!({"name": "u", "path": "/", "arn": iam("user/u"), "tags": {}});
        all.push(resource("aws_iam_user", "u", user));
        let bucket = document(&self.letting("s3:GetObject", Some("arn:aws:s3:::b/*")));
        let bucket = json!({"bucket": "b", "policy": bucket});
        all.push(resource("aws_s3_bucket_policy", "b", bucket));
        let key = document(&self.letting("kms:*", Some("*")));
        all.push(resource("aws_kms_key", "k", json!({"arn": KEY, "policy": key})));
        let secret = document(&self.letting("secretsmanager:GetSecretValue", Some("*")));
        let secret = json!({"name": "s", "arn": SECRET, "id": SECRET, "policy": secret});
        all.push(resource("aws_secretsmanager_secret", "s", secret));
        all
    }
}

/// Whoever can do something by one is told by the other, with the same policy beside its own.
#[test]
fn who_can_and_what_can_say_the_same() {
    let mut drawn = Drawn(17);
    let (mut can, mut by_others) = (0, 0);
    for number in 0..24 {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state.json");
        let resources = drawn.estate();
        let state =
            json!({"format_version": "1.0", "values": {"root_module": {"resources": resources}}});
        fs::write(&path, state.to_string()).unwrap();
        let estate = files::shown(&[path], &Configurations::default()).unwrap();
        for name in WHO {
            let what = what_can(&estate, name).unwrap();
            for action in ACTIONS {
                let wanted = Wanted { action, resource: None };
                let who = who_can(&estate, &wanted).unwrap();
                let who = who.iter().find(|one| one.name == name).unwrap();
                let known = what.can.iter().find(|one| one.action == action);
                let context = format!("{number}: {name} {action}: {who:?}\n{known:?}\n{state:#}");
                match &who.side {
                    Side::Request(_) => {
                        let known = known.unwrap_or_else(|| panic!("{context}"));
                        assert_eq!(who.with.is_some(), known.with.is_some(), "{context}");
                        can += 1;
                        by_others += usize::from(who.with.is_some());
                    }
                    Side::Nothing => assert!(known.is_none(), "{context}"),
                    Side::Undecided(_) => {
                        assert!(known.is_none() && !what.undecided.is_empty(), "{context}");
                    }
                }
            }
        }
    }
    assert_eq!((can, by_others), (109, 100));
}
