//! A document's statements as the prover is asked about them: where a part is not known, as
//! at most, and at least, what they may be.

use ringfence_policy::lint::UNKNOWN;
use ringfence_policy::{Document, Kind};
use serde_json::{Map, Value, json};

use crate::lint::source::{self, Source};

/// The statements of a document.
pub(super) struct Statements {
    pub(super) all: Vec<Shape>,
    /// The number of each in its file, from 0.
    numbers: Vec<usize>,
}

/// The Denies of a document.
pub(super) struct Denies {
    /// The place of each among the statements.
    pub(super) places: Vec<usize>,
    pub(super) all: Vec<Value>,
}

/// A statement.
pub(super) struct Shape {
    /// As it is written, where all of it is known.
    own: Map<String, Value>,
    pub(super) is_allow: bool,
    /// Whether an entry of `Action` was left out, since it is not known.
    is_partial: bool,
    /// Whether nothing of it is left open.
    is_known: bool,
}

/// A condition of a statement.
#[derive(Clone)]
pub(super) struct Condition {
    pub(super) operator: String,
    pub(super) key: String,
    values: Value,
}

impl Condition {
    /// `StringEquals` of `aws:username`.
    pub(super) fn told(&self) -> String {
        format!("{} of `{}`", self.operator, self.key)
    }

    /// That a request has no such key.
    pub(super) fn absent(key: String) -> Self {
        Self { operator: "Null".to_owned(), key, values: json!("true") }
    }

    /// Whether it asks for the presence of a key.
    pub(super) fn is_null_of(&self, key: &str) -> bool {
        self.operator.eq_ignore_ascii_case("Null") && self.key.eq_ignore_ascii_case(key)
    }
}

impl Statements {
    /// Those of a document; none where its text cannot be read again.
    pub(super) fn of(document: &Document, source: &Source) -> Option<Self> {
        let root: Value = serde_json::from_str(document.text()).ok()?;
        let all = match root.get("Statement")? {
            Value::Array(all) => all.clone(),
            one => vec![one.clone()],
        };
        let shape = |(at, statement): (usize, Value)| {
            let Value::Object(own) = statement else { return None };
            let is_partial = source.is_partial(at);
            let is_known = !is_partial && !is_open(&Value::Object(own.clone()));
            let is_allow = own.get("Effect").and_then(Value::as_str) == Some("Allow");
            Some(Shape { own, is_allow, is_partial, is_known })
        };
        let all: Vec<Shape> = all.into_iter().enumerate().map(shape).collect::<Option<_>>()?;
        let numbers = (0..all.len()).map(|at| source.number(at)).collect();
        Some(Self { all, numbers })
    }

    /// `statement 2 (Sid)`, as its file has it.
    pub(super) fn named(&self, at: usize) -> String {
        let number = self.numbers.get(at).map_or(at, |number| *number) + 1;
        let sid = self.all.get(at).and_then(Shape::sid);
        let sid = sid.map(|sid| format!(" ({sid})")).unwrap_or_default();
        format!("statement {number}{sid}")
    }

    /// The Denies, each as what it denies at least.
    pub(super) fn denies(&self) -> Denies {
        let denies = self.all.iter().enumerate().filter(|(_, shape)| !shape.is_allow);
        let denies = denies.filter_map(|(at, shape)| Some((at, shape.at_least()?)));
        let (places, all) = denies.unzip();
        Denies { places, all }
    }
}

impl Shape {
    /// Its `Sid`.
    pub(super) fn sid(&self) -> Option<String> {
        self.own.get("Sid").and_then(Value::as_str).map(str::to_owned)
    }

    /// The statement as what it matches at most, with some of its conditions.
    pub(super) fn at_most(&self, conditions: &[Condition]) -> Value {
        let mut own = Map::new();
        let listed = |name: &str| self.own.get(name).map(list);
        match (listed("Action"), listed("NotAction")) {
            (Some(actions), _) if !self.is_partial && !actions.iter().any(is_open) => {
                own.insert("Action".to_owned(), Value::Array(actions));
            }
            (None, Some(but)) => excepted(&mut own, "Action", but),
            _ => {
                own.insert("Action".to_owned(), json!("*"));
            }
        }
        match (listed("Resource"), listed("NotResource")) {
            (Some(resources), _) if !resources.iter().any(is_open) => {
                own.insert("Resource".to_owned(), Value::Array(resources));
            }
            (None, Some(but)) => excepted(&mut own, "Resource", but),
            // A trust policy has none.
            (None, None) => {}
            _ => {
                own.insert("Resource".to_owned(), json!("*"));
            }
        }
        // Whom an exception leaves over it may name, too.
        if self.own.contains_key("NotPrincipal") {
            own.insert("Principal".to_owned(), json!("*"));
        }
        if let Some(principal) = self.own.get("Principal") {
            let principal = if is_open(principal) { json!("*") } else { principal.clone() };
            own.insert("Principal".to_owned(), principal);
        }
        let mut blocks: Map<String, Value> = Map::new();
        for Condition { operator, key, values } in conditions {
            if let Some(block) =
                blocks.entry(operator.clone()).or_insert_with(|| json!({})).as_object_mut()
            {
                block.insert(key.clone(), values.clone());
            }
        }
        if !blocks.is_empty() {
            own.insert("Condition".to_owned(), Value::Object(blocks));
        }
        Value::Object(own)
    }

    /// The statement as what it matches at least; none where that may be nothing.
    fn at_least(&self) -> Option<Value> {
        let mut own = self.own.clone();
        // An entry that is not known adds to the others.
        for name in ["Action", "Resource"] {
            if let Some(entries) = own.get(name).map(list) {
                let known: Vec<Value> = entries.into_iter().filter(|one| !is_open(one)).collect();
                if known.is_empty() {
                    return None;
                }
                own.insert(name.to_owned(), Value::Array(known));
            }
        }
        (!is_open(&Value::Object(own.clone()))).then_some(Value::Object(own))
    }

    /// Its conditions that are known.
    pub(super) fn conditions(&self) -> Vec<Condition> {
        let blocks = self.own.get("Condition").and_then(Value::as_object);
        let mut all = Vec::new();
        for (operator, block) in blocks.into_iter().flatten() {
            for (key, values) in block.as_object().into_iter().flatten() {
                let is_date = operator.contains("Date");
                let is_stand_in = list(values).iter().any(|one| *one == source::SOME_DATE);
                if is_open(values) || key.contains(UNKNOWN) || (is_date && is_stand_in) {
                    continue;
                }
                let (operator, key) = (operator.clone(), key.clone());
                all.push(Condition { operator, key, values: values.clone() });
            }
        }
        all
    }

    /// Whether a key is a variable in it.
    pub(super) fn has_variable(&self, key: &str) -> bool {
        let text = Value::Object(self.own.clone()).to_string().to_ascii_lowercase();
        text.contains(&format!("${{{}", key.to_ascii_lowercase()))
    }

    /// Whether all that it is about, it names: it matches what it names.
    pub(super) fn is_plain(&self) -> bool {
        !["Condition", "NotAction", "NotResource"].iter().any(|name| self.own.contains_key(*name))
    }

    /// Whether a part of it is not known.
    pub(super) fn is_open(&self) -> bool {
        !self.is_known
    }
}

/// All but some, of which those that are not known may be anything: then all.
fn excepted(own: &mut Map<String, Value>, name: &str, but: Vec<Value>) {
    let known: Vec<Value> = but.into_iter().filter(|one| !is_open(one)).collect();
    match known.is_empty() {
        true => own.insert(name.to_owned(), json!("*")),
        false => own.insert(format!("Not{name}"), Value::Array(known)),
    };
}

fn list(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(all) => all.clone(),
        one => vec![one.clone()],
    }
}

/// Whether a part of a value is not known, or stands for what is not.
fn is_open(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains(UNKNOWN) || text == source::SOMEBODY,
        Value::Array(all) => all.iter().any(is_open),
        Value::Object(members) => {
            members.iter().any(|(key, value)| key.contains(UNKNOWN) || is_open(value))
                || has_some_date(members)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Whether a condition on a date has the one that stands for what is not known.
fn has_some_date(members: &Map<String, Value>) -> bool {
    members.iter().filter(|(key, _)| key.contains("Date")).any(|(_, block)| {
        let values = block.as_object().into_iter().flat_map(|block| block.values());
        values.flat_map(list).any(|one| one == source::SOME_DATE)
    })
}

/// Whether statements of a kind of document name principals.
pub(super) fn names_principals(kind: Kind) -> bool {
    match kind {
        Kind::Resource | Kind::Trust | Kind::ResourceControl | Kind::VpcEndpoint => true,
        Kind::Identity | Kind::Boundary | Kind::Session | Kind::ServiceControl => false,
    }
}
