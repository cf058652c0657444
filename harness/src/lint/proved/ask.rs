//! The questions: which request a statement matches that some others do not.
//!
//! What a statement matches, it denies as a Deny: beside an Allow of everything there is a
//! request that it denies, or it matches none. An Allow matches no more than that. A number, a
//! date or an ARN that cannot be read meets each condition of a Deny: AWS sends none, and none
//! is asked about.

use std::cell::Cell;
use std::sync::Arc;

use ringfence_policy::{Document, Kind, Policies, Values};
use ringfence_prove::{Question, Universe, Verdict, Witness, within};
use serde_json::{Value, json};

use super::shape::names_principals;
use crate::access::federated;

/// Questions about one document, at most.
pub(super) const MOST: usize = 2_000;

/// A request that a statement matches and others do not.
#[derive(Debug)]
pub(super) enum Answer {
    /// There is none.
    Nothing,
    /// This one.
    Request(Box<Witness>),
    /// It is not decided.
    Open,
}

/// Whose requests are asked about.
#[derive(Debug, Clone, Copy)]
enum Whose {
    /// Users and sessions of roles, of the resource's account and of others: their own
    /// policies and the resource's allow everything.
    Identities,
    /// Anybody: the resource's policy alone allows everything.
    Anybodys,
    /// Sessions that users federate too: their session policies allow everything as well.
    Sessions,
}

/// Asks about a document.
pub(super) struct Asker {
    kind: Kind,
    version: Option<Value>,
    left: Cell<usize>,
}

impl Asker {
    pub(super) fn of(document: &Document) -> Self {
        let root: Option<Value> = serde_json::from_str(document.text()).ok();
        let version = root.and_then(|root| root.get("Version").cloned());
        Self { kind: document.kind(), version, left: Cell::new(MOST) }
    }

    /// How many questions were asked.
    #[cfg(test)]
    pub(super) fn asked(&self) -> usize {
        MOST - self.left.get()
    }

    /// A request that a statement matches, and none of the others.
    pub(super) fn request(&self, some: &Value, but: &[Value]) -> Answer {
        self.request_of(some, but, Universe::All)
    }

    /// The same of those that AWS sends, where one of all has a list: of most keys a request
    /// has one value at most.
    pub(super) fn request_sent(&self, some: &Value, but: &[Value]) -> Answer {
        match self.request(some, but) {
            Answer::Request(witness) if has_list(&witness) => {
                self.request_of(some, but, Universe::Sent)
            }
            found => found,
        }
    }

    /// The same of those of AWS's reference.
    pub(super) fn request_of(&self, some: &Value, but: &[Value], universe: Universe) -> Answer {
        let are_asked = self.kind != Kind::Trust && but.iter().chain([some]).any(tells_sessions);
        let sessions = are_asked.then_some(Whose::Sessions);
        for whose in [Whose::Identities, Whose::Anybodys].into_iter().chain(sessions) {
            match self.one(whose, some, but, universe) {
                Answer::Nothing => {}
                found => return found,
            }
        }
        Answer::Nothing
    }

    fn one(&self, whose: Whose, some: &Value, but: &[Value], universe: Universe) -> Answer {
        let Some(left) = self.left.get().checked_sub(1) else { return Answer::Open };
        self.left.set(left);
        let unreadable: Vec<Value> = but.iter().chain([some]).flat_map(unreadable).collect();
        let mut denied: Vec<&Value> = but.iter().chain(&unreadable).collect();
        let inner = self.policies(whose, &denied);
        denied.push(some);
        let (Some(inner), Some(outer)) = (inner, self.policies(whose, &denied)) else {
            return Answer::Open;
        };
        let question = Question { inner: &inner, outer: &outer, principal: None, universe };
        match within(&question) {
            Ok(Verdict::Proved) => Answer::Nothing,
            Ok(Verdict::Violated(witness)) => Answer::Request(witness),
            // What the engine does not bear out is no finding.
            Ok(Verdict::Undecided(_)) | Err(_) => Answer::Open,
        }
    }

    /// Policies that allow everything but what statements match.
    fn policies(&self, whose: Whose, denied: &[&Value]) -> Option<Policies> {
        let is_resources = names_principals(self.kind);
        let resource = if self.kind == Kind::Trust { Kind::Trust } else { Kind::Resource };
        let of_identity = |denied: &[&Value]| self.document(Kind::Identity, denied);
        let of_resource = |denied: &[&Value]| self.document(resource, denied);
        let (identity, resource) = match (whose, is_resources) {
            (Whose::Anybodys, _) => (Vec::new(), of_resource(denied)?),
            (_, false) => (vec![of_identity(denied)?], of_resource(&[])?),
            (_, true) => (vec![of_identity(&[])?], of_resource(denied)?),
        };
        let all = Policies { identity, resource: Some(resource), ..Policies::default() };
        Some(match whose {
            Whose::Sessions => federated::with_session(&all),
            Whose::Identities | Whose::Anybodys => all,
        })
    }

    /// A document that allows everything but what statements match.
    fn document(&self, kind: Kind, denied: &[&Value]) -> Option<Arc<Document>> {
        let mut everything = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
        let own = everything.as_object_mut()?;
        if kind != Kind::Identity {
            own.insert("Principal".to_owned(), json!("*"));
        }
        if kind == Kind::Trust {
            own.remove("Resource");
            own.insert("Action".to_owned(), json!("sts:*"));
        }
        let mut all = vec![everything];
        for statement in denied {
            let mut own = statement.as_object()?.clone();
            own.remove("Sid");
            own.insert("Effect".to_owned(), json!("Deny"));
            if kind == Kind::Identity {
                own.remove("Principal");
            } else if !own.contains_key("NotPrincipal") {
                own.entry("Principal").or_insert_with(|| json!("*"));
            }
            if kind != Kind::Trust && !own.contains_key("NotResource") {
                own.entry("Resource").or_insert_with(|| json!("*"));
            }
            all.push(Value::Object(own));
        }
        let mut root = json!({"Statement": all});
        if let Some(version) = &self.version {
            root.as_object_mut()?.insert("Version".to_owned(), version.clone());
        }
        Document::parse("lint", &root.to_string(), kind).ok().map(Arc::new)
    }
}

/// Whether a statement may say otherwise of a session that a user federates than of the user.
fn tells_sessions(statement: &Value) -> bool {
    let text = statement.to_string().to_ascii_lowercase();
    ["aws:principal", "aws:userid", "aws:username", ":federated-user/"]
        .iter()
        .any(|one| text.contains(one))
}

fn has_list(witness: &Witness) -> bool {
    let mut held = witness.context.keys().filter_map(|key| witness.context.get(key));
    held.any(|value| matches!(value, Values::Many(_)))
}

/// Conditions of one key that none meets but a value that cannot be read, by what operators
/// begin with.
const UNREADABLE: [(&str, [&str; 2], &str); 3] = [
    ("numeric", ["NumericLessThan", "NumericGreaterThanEquals"], "0"),
    ("date", ["DateLessThan", "DateGreaterThanEquals"], "2020-01-01T00:00:00Z"),
    ("arn", ["ArnLike", "ArnNotLike"], "arn:aws:s3:::b"),
];

/// For each key that a statement takes for a number, a date or an ARN: the statement about
/// values that are none.
fn unreadable(statement: &Value) -> Vec<Value> {
    let blocks = statement.get("Condition").and_then(Value::as_object);
    let of_block = |(operator, keys): (&String, &Value)| {
        let operator = operator.to_ascii_lowercase();
        let found = UNREADABLE.iter().find(|(begin, ..)| operator.starts_with(begin));
        let keys = keys.as_object().into_iter().flat_map(|keys| keys.keys());
        let of_key = |key: &String| {
            let (_, [one, other], value) = found?;
            let mut own = statement.as_object()?.clone();
            let condition = json!({*one: {key: value}, *other: {key: value}});
            own.insert("Condition".to_owned(), condition);
            Some(Value::Object(own))
        };
        keys.filter_map(of_key).collect::<Vec<_>>()
    };
    blocks.into_iter().flatten().flat_map(of_block).collect()
}
